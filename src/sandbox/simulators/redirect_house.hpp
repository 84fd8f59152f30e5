#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"

namespace kassi::sandbox {

inline constexpr Millis house_key_life{30LL * 24 * 3'600'000};  ///< an Idempotency-Key is remembered so long
inline constexpr int house_notice_tries_max = 8;
inline constexpr std::size_t house_sessions_max = 1'000'000;
inline constexpr std::size_t house_keys_max = 3'000'000;  ///< a session, its payment and a refund
inline constexpr std::size_t house_fault_rules_max = 100;
inline constexpr std::int64_t house_fault_times_max = 1'000'000;
inline constexpr std::int64_t house_fault_ms_max = 600'000;

/// The sandbox's redirect house: the other side of providers/redirect/README.md, written from that page and
/// sharing no code with the flow. It knows sessions, a customer's page, idempotency keys, signed notices, a
/// ledger of the money that it moved and faults on demand. Everything is in memory; there is no thread,
/// socket, file or clock of its own, and equal inputs give equal outputs. What has to outlive it goes through
/// Save and load(): sessions, ledger and keys, but neither faults nor notices that are on their way.
///
/// Paths: /redirect/v1/... (the contract), /tickets/dummy_redirect.buy/{user} (the customer's page),
/// /_ledger and /_faults. Any other path is 404.
class RedirectHouse {
  public:
    struct Merchant {
        std::string name;           ///< on the page and in the ledger
        std::string api_key;        ///< "Authorization: Bearer <api_key>"
        std::string notice_secret;  ///< "" signs nothing, so nothing is sent
        std::string user;           ///< of the page: /tickets/dummy_redirect.buy/<user>
        /// Sessions come from the page's own parameters (a house that can neither be asked nor told).
        bool page_only = false;
        std::string return_secret = {};  ///< not "": returns are signed with it
    };
    struct Options {
        std::vector<Merchant> merchants;
        /// Where browsers reach the page: "http://127.0.0.1:8080".
        std::string page_origin = "http://127.0.0.1:8081";
        std::size_t keys_max = house_keys_max;  ///< remembered at a time
    };
    /// Sends a notice (absolute URL as target) and answers its status, 0 when no answer came.
    using SendNotice = std::function<void(HttpRequest, std::function<void(int status)>)>;
    using After = std::function<void(Millis, std::function<void()>)>;
    /// Gets what a request changed, as one line of JSON without its end, before it is answered or anybody
    /// told.
    using Save = std::function<void(const std::string& line)>;

    /// `clock` and `randomness` must outlive the house and every handler() of it. Callbacks given to
    /// `send_notice` and `after` may be called when the house is gone: they do nothing then.
    RedirectHouse(Options options, const Clock& clock, Randomness& randomness, SendNotice send_notice,
                  After after, Save save = {});
    ~RedirectHouse();
    RedirectHouse(const RedirectHouse&) = delete;
    RedirectHouse& operator=(const RedirectHouse&) = delete;

    /// Before the first request: the lines that Save got, in their order, one at each call and nullopt at the
    /// end. Sessions of a merchant that is not here any more and keys whose life is over are left out. Error:
    /// bad_request naming the line.
    [[nodiscard]] std::optional<Error> load(const std::function<std::optional<std::string>()>& next_line);
    /// All that the house knows now, as lines of which load() makes the same.
    void save_all(const Save& save) const;

    /// Answers on the thread that calls it. Under the faults dead and drop_answer the Reply is destroyed
    /// without having been called, at once or after the fault's `ms`.
    [[nodiscard]] Handler handler() const;

    struct Entry {
        Instant at{};
        std::string merchant;
        std::string session;
        std::string reference;
        std::string kind;  ///< "taken" | "given_back"
        std::int64_t minor = 0;
        std::string currency;
    };
    /// What /_ledger shows, for tests and the simulation.
    [[nodiscard]] const std::vector<Entry>& ledger() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::sandbox
