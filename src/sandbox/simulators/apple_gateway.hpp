#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"

/// Apple's gateway: gives merchant sessions to who shows a Merchant Identity Certificate. The TLS around it
/// is the street's; who comes here has shown a certificate of the developers' authority.
namespace kassi::sandbox::apple {

inline constexpr std::size_t sessions_remembered_max = 1'000;
inline constexpr std::size_t gateway_rules_max = 100;
inline constexpr std::int64_t gateway_delay_ms_max = 600'000;
inline constexpr std::int64_t gateway_times_max = 1'000'000;
inline constexpr Millis session_lasts{3'600'000};

class Gateway {
  public:
    struct Merchant {
        std::string identifier;
        std::vector<std::string> domains;  ///< registered and verified
    };
    using After = std::function<void(Millis, std::function<void()>)>;

    /// All of them must outlive it. `after` runs a callback later, on the same thread.
    Gateway(std::vector<Merchant> merchants, const Clock& clock, Randomness& randomness, After after);

    /// One request; `certificate` is standard Base64 of the client's DER. A Reply that is dropped is a reset.
    void answer(const HttpRequest& request, std::string_view certificate, Reply reply);

    /// A session that was given, and has not run out.
    struct Session {
        std::string identifier;  ///< merchantSessionIdentifier
        std::string merchant;
        std::string domain;
        Instant expires{};
    };
    [[nodiscard]] const Session* session(std::string_view identifier) const;

    /// GET, PUT and DELETE of /apple/_faults: {"rules":[{"do":"417"|"400"|"delay"|"reset","ms","times"}]}.
    [[nodiscard]] HttpResponse faults(const HttpRequest& request);

  private:
    enum class Fault : std::uint8_t { not_registered, bad_request, delay, reset };
    struct Rule {
        std::string what;
        Fault fault{};
        Millis ms{0};
        std::int64_t times = 1;
    };
    std::optional<Rule> take_rule();
    [[nodiscard]] std::optional<Error> set_rules(std::string_view json);
    [[nodiscard]] std::string rules_json() const;
    HttpResponse work(const HttpRequest& request, std::string_view certificate);
    HttpResponse give(const Merchant& merchant, const std::string& domain, const std::string& display_name);
    [[nodiscard]] const Merchant* find_merchant(std::string_view identifier) const;
    std::string random_hex(std::size_t bytes);

    std::vector<Merchant> merchants_;
    const Clock& clock_;
    Randomness& randomness_;
    After after_;
    std::vector<Rule> rules_;
    std::deque<Session> sessions_;  ///< oldest first
};

/// The merchant that a certificate (standard Base64 of its DER) is for: its extension's 64 upper-case hex
/// digits; "" when it has none.
std::string merchant_hash_of(std::string_view certificate_base64);

}  // namespace kassi::sandbox::apple
