#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/http_message.hpp"
#include "sandbox/simulators/stripe_books.hpp"
#include "sandbox/simulators/stripe_faults.hpp"
#include "sandbox/simulators/stripe_print.hpp"

namespace kassi::sandbox::stripe {

inline constexpr int webhook_tries_max = 8;
inline constexpr Millis webhook_life{72LL * 3'600'000};   ///< after a restart older ones are not tried again
inline constexpr std::size_t deliveries_shown_max = 200;  ///< the latest
inline constexpr Millis reorder_waits{1'000};             ///< for another event, when the rule does not say

/// "t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">,v1=...": one v1 for each secret.
std::string signature(const std::string& body, Instant at, const std::vector<std::string>& secrets);

/// Sends events to the account's URL until it answers 2xx: each try signed anew, in pauses that grow. Order
/// is that of the events while nothing goes wrong, and a promise never.
class Webhooks : public std::enable_shared_from_this<Webhooks> {
  public:
    struct Endpoint {
        std::string url;
        std::vector<std::string> secrets;
    };
    using Send = std::function<void(HttpRequest, std::function<void(int status)>)>;
    using After = std::function<void(Millis, std::function<void()>)>;
    /// `books`, `faults` and `version` outlive what is given to `send` and `after`, which may call back late:
    /// then nothing happens. `changed` is called when an event was delivered.
    Webhooks(Books& books, Faults& faults, Version version, std::map<std::string, Endpoint> endpoints,
             Send send, After after, std::function<void()> changed)
        : books_(books),
          faults_(faults),
          version_(std::move(version)),
          endpoints_(std::move(endpoints)),
          send_(std::move(send)),
          after_(std::move(after)),
          changed_(std::move(changed)) {}

    /// One that is pending; others are left alone.
    void deliver(const std::string& event);
    /// After a restart: what was under way.
    void deliver_pending();
    /// The latest tries as JSON, oldest first: {"deliveries":[{at, event, type, url, signature, body,
    /// status}]}; status 0 until it was answered, and when it never was.
    [[nodiscard]] std::string shown() const;

  private:
    struct Delivery {
        Instant at{};
        std::string event, type, url, signature, body;
        int status = 0;
    };
    std::shared_ptr<Delivery> note(const Event& event, const HttpRequest& request);
    struct Try {
        std::string event;
        int tries = 0;
    };
    void attempt(Try next);
    void send(const Try& next, bool believe_the_answer, bool falsified = false, bool badly_signed = false);
    void send_copy(const Event& event);
    void hold_back(Try next, Millis at_most);
    void let_go();
    void try_again(Try next);
    [[nodiscard]] HttpRequest request_of(const Event& event, bool falsified, bool badly_signed) const;

    Books& books_;
    Faults& faults_;
    Version version_;
    std::map<std::string, Endpoint> endpoints_;  ///< by account
    Send send_;
    After after_;
    std::function<void()> changed_;
    std::vector<Try> held_back_;
    std::deque<std::shared_ptr<Delivery>> deliveries_;
};

/// Every amount of a JSON text is one more than it was.
std::string falsified(const std::string& json);

}  // namespace kassi::sandbox::stripe
