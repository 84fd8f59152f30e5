#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/http_message.hpp"
#include "core/transaction.hpp"

/// What core needs of a way of paying, and nothing more: facts, and pure step functions.
namespace kassi::core {

enum class Browser : std::uint8_t { no, maybe, before, always };

/// Facts are data (design.md section 4).
struct Facts {
    bool has_open = false;  ///< something must happen before money
    bool can_hold = false;  ///< authorise + capture; else charge
    bool can_query = false;
    bool can_close = false;
    bool can_refund = false;
    bool can_refund_part = false;
    bool notifies = false;
    Trust notice_trust = Trust::hint;
    bool settled_by_return = false;  ///< neither asked nor notifying: its return says it
    bool test_only = false;          ///< its keys move no real money: refused in live mode
    bool house_credit = false;       ///< the account owes it to us: balance and limit apply
    Browser browser = Browser::no;
    /// Kinds that it takes: "none", "stripe_token", ... A leg without one of them is opened with a callout.
    std::vector<std::string> credentials;
    /// Of these, the kinds that live in memory only (a card): open begins in the commit that brings one.
    std::vector<std::string> volatile_credentials;
    /// Of these, the kinds that the payment itself needs: it cannot wait for another payment of the purchase.
    std::vector<std::string> pays_from_memory;
    /// No page asks the customer for one: a purchase that brings none is refused.
    bool must_bring_credential = false;
    std::vector<std::string> currencies;  ///< upper case; empty: all
    /// The smallest step of an amount in minor units, where it is not 1: {"MGA", 100}; 0: not taken at all.
    std::vector<std::pair<std::string, std::int64_t>> steps;
    std::array<Millis, 8> budgets{Millis{30'000}, Millis{30'000}, Millis{30'000}, Millis{30'000},
                                  Millis{30'000}, Millis{30'000}, Millis{30'000}, Millis{30'000}};
    [[nodiscard]] Millis budget(Verb verb) const { return budgets[static_cast<std::size_t>(verb)]; }
};

/// What a flow may look at. References live as long as the call.
struct Scene {
    const Transaction& transaction;
    const Leg& leg;
    const Parcel& parcel;
    const Journey& journey;
    const Credential& credential;  ///< as it is known now, in the parcel or in memory
    Verb verb;                     ///< begun or resumed
    Money amount;                  ///< of this verb: the leg's, or the refund's
    std::int64_t refund_no;        ///< for refund, else 0
    std::string return_url;        ///< where the provider shall send the browser back to; "" unknown
    std::string_view public_url;   ///< Kassi's own address, for webhooks
    Instant now;
    Instant callout_until;  ///< until when a callout begun now may run
    bool credit_exhausted;  ///< the account's limit refused this amount a moment ago
    /// What the leg's provider said last that the time is (the Date of its answers, whole seconds, by its own
    /// clock): whatever it makes from now on is no older. nullopt: it was not heard yet.
    std::optional<Instant> provider_time;
};

// ---- what a flow answers -------------------------------------------------------------------------
/// Send this request (after the commit that records it).
struct Ask {
    std::string name;  ///< "session", "complete", ...
    Request request;
    Repeat repeat = Repeat::never;
    std::string key;        ///< "" or the idempotency key in the request
    std::string reference;  ///< ours, by which a notice can name the leg before the answer is here
    Instant key_until{};
    std::string saved;
    std::optional<Verb> as;  ///< when the step belongs to another verb (a return that is looked up)
    bool needs_volatile = false;
    /// What the answer before it told: kept with the leg.
    std::vector<std::pair<std::string, std::string>> references;
    /// What this makes at the provider is no older, by the provider's clock. The leg keeps the first it gets.
    std::optional<Instant> made_since;
};
/// The verb succeeded. For query: the fact. `amount` and `reference` are what the provider said.
struct Done {
    LegMoney money = LegMoney::none;
    std::optional<Money> amount;  ///< compared with what was asked; nullopt where nothing is said
    std::vector<std::pair<std::string, std::string>> references;
    std::string evidence;  ///< short, redacted: "paid"
    /// Of a look-up: what went back so far, in all. Settles a refund that nobody answered for.
    std::optional<Money> given_back;
    /// Of a look-up while a refund is open: whether that one is in `given_back`; absent: cannot be told.
    std::optional<bool> refund_found;
    /// Of a look-up or a close that found nothing taken: why. While a refund is open: why it failed.
    std::optional<Refusal> why;
    Credential credential;  ///< that a return brought, or that an answer gave for another one
    bool again = false;     ///< of open: the credential is kept, and open begins anew with it in its turn
    std::string saved;      ///< of open: for the verbs that follow; "" keeps what there is
};
struct Declined {
    Refusal why;
    std::vector<std::pair<std::string, std::string>> references;
};
/// The customer must go away.
struct Waiting {
    Callout callout;
    std::string saved;
    std::vector<std::pair<std::string, std::string>> references;
};
/// The provider still works on it: ask again.
struct Working {
    std::string why;
    bool look = false;  ///< the same request would be answered the same: look it up
};
/// Known not done: may be begun again as something new, not before `after` from now.
struct NotDone {
    std::string why;
    Millis after{1000};
};
/// Nobody knows. Never an excuse to try again.
struct Unknown {
    std::string why;
    bool look = false;  ///< as in Working
};
using Step = std::variant<Ask, Done, Declined, Waiting, Working, NotDone, Unknown>;

// ---- what a flow hears ---------------------------------------------------------------------------
struct Answered {
    HttpResponse response;
};
struct Returned {
    Fields fields;  ///< URL and body, merged, in order
};
/// The form of a page of ours that goes on; only where the flow sent the customer to one.
struct WentOn {
    Fields fields;  ///< in order
};
struct Silence {
    bool sent = true;  ///< false: known that nothing left the house
    std::string why;
};
using Heard = std::variant<Answered, Returned, WentOn, Silence>;

/// What a credential spends that was admitted.
struct Admission {
    std::string key;          ///< "" it may be used again
    bool everywhere = false;  ///< spent for every merchant, not only for the one that it pays with
};

enum class Keep : std::uint8_t { value, digest, drop };
/// A returned field as the journal may have it: the value, a digest of it, or only its length.
struct EvidenceField {
    std::string name;
    Keep keep = Keep::drop;
    std::string value;  ///< value or digest; "" when dropped
    std::int64_t length = 0;
    bool operator==(const EvidenceField&) const = default;
};

/// All ways of paying, as core sees them. Pure.
class Flows {
  public:
    virtual ~Flows() = default;
    [[nodiscard]] virtual const Facts& facts(const Leg& leg) const = 0;
    [[nodiscard]] virtual Step begin(const Scene& scene) const = 0;
    [[nodiscard]] virtual Step resume(const Scene& scene, const Heard& heard) const = 0;
    [[nodiscard]] virtual std::vector<EvidenceField> evidence(const Leg& leg, const Fields& fields) const = 0;
    /// Checks the form of what the customer pays with, and what it says of the payment. Error: bad_request
    /// naming the field as the flow's return spells it.
    [[nodiscard]] virtual Result<Admission> admit(const Transaction& transaction, const Leg& leg,
                                                  const Credential& credential, Instant now) const = 0;
};

/// What the customer pays with is still missing: a callout must bring it.
bool lacks_credential(const Leg& leg, const Facts& facts);
/// Nothing of its money moves before the customer was there.
bool needs_browser_first(const Leg& leg, const Facts& facts);

}  // namespace kassi::core
