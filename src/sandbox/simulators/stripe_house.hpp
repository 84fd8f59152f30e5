#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"
#include "sandbox/simulators/stripe_ledger.hpp"

namespace kassi::sandbox {

/// The sandbox's Stripe: test mode of its API, its 3-D Secure page, its browser script and its webhooks, with
/// a ledger of the money that it moved and faults on demand (stripe.md beside this file has all of it). It
/// shares no code with the flow. Everything is in memory; there is no thread, socket, file or clock of its
/// own, and equal inputs give equal outputs. What has to outlive it goes through Save and load(): all
/// objects, the ledger, idempotency keys, events that nobody took in yet, and what is still to come; but no
/// faults.
///
/// Paths: /v1/... (the API), /stripe/... (pages and script), /stripe/_ledger and /stripe/_faults. Any other
/// path is 404.
class StripeHouse {
  public:
    struct Account {
        std::string name;                            ///< in the ledger and on the pages
        std::string secret_key;                      ///< "sk_test_..."
        std::string publishable_key;                 ///< "pk_test_..."
        std::string webhook_url;                     ///< "" none
        std::vector<std::string> webhook_secrets;    ///< "whsec_...": one v1 each
        std::vector<std::string> extra_test_tokens;  ///< known and reusable, as tok_visa is
        std::string statement_descriptor;
    };
    struct Options {
        std::vector<Account> accounts;
        /// Where browsers reach it: "http://127.0.0.1:8081".
        std::string page_origin = "http://127.0.0.1:8081";
        std::string version = "2026-08-26.dahlia";  ///< of requests that name none, and of events
    };
    /// Sends a webhook (absolute URL as target) and answers its status, 0 when no answer came.
    using SendNotice = std::function<void(HttpRequest, std::function<void(int status)>)>;
    using After = std::function<void(Millis, std::function<void()>)>;
    /// Gets what a request changed, as one line of JSON without its end, before it is answered or anybody
    /// told.
    using Save = std::function<void(const std::string& line)>;

    /// `clock` and `randomness` must outlive the house and every handler() of it. Callbacks given to
    /// `send_notice` and `after` may be called when the house is gone: they do nothing then. Throws
    /// std::logic_error for a version or a key that is none of test mode.
    StripeHouse(Options options, const Clock& clock, Randomness& randomness, SendNotice send_notice,
                After after, Save save = {});
    ~StripeHouse();
    StripeHouse(const StripeHouse&) = delete;
    StripeHouse& operator=(const StripeHouse&) = delete;

    /// Before the first request: the lines that Save got, in their order, one at each call and nullopt at the
    /// end. What belongs to an account that is not here any more is left out. Afterwards webhooks that were
    /// not taken in go out again. Error: bad_request naming the line.
    [[nodiscard]] std::optional<Error> load(const std::function<std::optional<std::string>()>& next_line);
    /// All that the house knows now, as lines of which load() makes the same.
    void save_all(const Save& save) const;

    /// Answers on the thread that calls it. Under the faults dead and drop_answer the Reply is destroyed
    /// without having been called, at once or after the fault's `ms`.
    [[nodiscard]] Handler handler() const;

    using Entry = stripe::LedgerEntry;
    /// What /stripe/_ledger shows, for tests and the simulation.
    [[nodiscard]] const std::vector<Entry>& ledger() const;
    /// What PUT /stripe/_faults does. Error: bad_request; the rules stay as they were.
    [[nodiscard]] std::optional<Error> set_faults(std::string_view json);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::sandbox
