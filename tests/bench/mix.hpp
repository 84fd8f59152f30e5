#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The requests of the load, and what must be in their answers.
namespace kassi::bench {

enum class Step { hand_over, purchase, begin_purchase, send_away, come_back, read, read_f13 };
inline constexpr std::size_t steps_count = 7;
std::string_view word(Step step);

/// What one customer does, from the first request to the last; the transaction is read from the first answer.
struct Scenario {
    std::string name;
    std::vector<Step> steps;
    bool reads = false;  ///< of transactions that were bought before
};
/// "credit", "stripe", "in-flight", "redirect", "away", "hand-over", "status", "status-f13". Throws
/// std::runtime_error.
Scenario scenario_of(const std::string& name);

struct Parties {
    std::string host;     ///< "127.0.0.1:8080"
    std::string api_key;  ///< of the booking system
    std::string caller;   ///< who hands over; the F13 user, too
    std::string password;
    std::string credential;  ///< JSON that goes along with a purchase; "" none
    std::int64_t held_for_seconds = 1800;
};

/// One customer's way through a scenario.
struct Customer {
    std::string transaction;
    std::string token;  ///< of the return
};

class Mix {
  public:
    explicit Mix(Parties parties);
    /// The whole request as it goes over the wire. Keys are new ones each time.
    std::string request(Step step, Customer& customer);
    /// "" when the answer is what it must be, else what is wrong. Takes from it what later steps need.
    static std::string wrong(Step step, Customer& customer, int status, std::string_view body);

  private:
    [[nodiscard]] std::string post(std::string_view path, std::string_view body);
    [[nodiscard]] std::string get(std::string_view path, std::string_view authorization) const;
    [[nodiscard]] std::string hand_over_body();
    [[nodiscard]] std::string purchase_body(const Customer& customer, bool away) const;

    Parties parties_;
    std::string run_;  ///< random: keys of this run are nobody else's
    std::string held_until_, system_, user_;
    std::uint64_t number_ = 0;
};

}  // namespace kassi::bench
