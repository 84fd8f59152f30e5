#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/step.hpp"
#include "core/transaction.hpp"

/// The thirty events. apply() of events is the only thing that changes a transaction; the journal
/// keeps nothing else. Stored as JSON; events only ever gain optional fields.
namespace kassi::core {

struct HandedOver {
    TransactionId id;
    std::string system, caller;
    std::vector<Bundle> bundles;
    Policy policy;
    Instant held_until{};
    std::string customer_digest, document_digest;
};
struct PurchaseAsked {
    ReturnVia via = ReturnVia::caller;
    bool customer_at_hand = false;
    std::string return_host;  ///< origin of the return or landing URL
    std::string customer_digest;
};
struct HoldMoved {
    Instant held_until{};
};
struct LegOpened {
    std::int64_t leg = 0;
    std::vector<std::string> sources;
    std::string merchant, flow;
    Money amount;
    std::string credential;  ///< its kind
};
struct GoalSet {
    std::int64_t leg = 0;
    Goal goal = Goal::give_back;
    std::string why;
};
struct CallMeant {
    std::int64_t leg = 0, call = 0;
    Verb verb = Verb::open;
    std::string step, key, reference;
    Repeat repeat = Repeat::never;
    Instant key_until{}, silent_at{};
    bool needs_volatile = false;
    bool again = false;  ///< the recorded request goes out once more
    std::string digest;  ///< of method, path and body
    /// What it makes at the provider is no older, by the provider's own clock. The leg keeps the first.
    std::optional<Instant> made_since;
};
struct CallEnded {
    std::int64_t leg = 0, call = 0;
    CallOutcome outcome = CallOutcome::done;
    std::string evidence;
    std::vector<std::pair<std::string, std::string>> references;
    std::optional<Instant> retry_at;
    std::string credential;  ///< kind that the leg has from now on; "" as before
};
struct CallDoubted {
    std::int64_t leg = 0, call = 0;
    std::string why;
    Instant recheck_at{};
    bool look = false;  ///< not to be sent again: looked up
};
struct Ready {
    std::int64_t leg = 0;
};
struct CustomerSent {
    std::int64_t leg = 0, callout = 0;
    Verb verb = Verb::open;
    std::string type, host;
    Instant until{};
    bool hosted = false;   ///< to a page of ours, where nobody can pay
    bool goes_on = false;  ///< and from which the browser goes on without coming back
};
struct CustomerBack {
    std::int64_t leg = 0, callout = 0;
    std::vector<EvidenceField> fields;
    bool customer_at_hand = false;
};
/// From a page of ours that goes on: the callout stays open, its return token unspent.
struct CustomerWentOn {
    std::int64_t leg = 0, callout = 0;
    std::vector<EvidenceField> fields;
};
struct VisitMeant {
    std::int64_t leg = 0, callout = 0;
    std::string host;
    Instant grace_until{};
};
struct VisitDone {
    std::int64_t leg = 0, callout = 0;
    std::string outcome;
};
struct CalloutClosed {
    std::int64_t leg = 0, callout = 0;
    std::string why;
    bool for_good = false;  ///< at the provider's, too: nobody can pay there any more
};
struct Held {
    std::int64_t leg = 0;
    Money amount;
};
struct HoldGone {
    std::int64_t leg = 0;
    Money amount;
    std::string why;
};
struct Taken {
    std::int64_t leg = 0;
    Money amount;
};
struct GivenBack {
    std::int64_t leg = 0;
    Money amount;
    std::int64_t refund = 0;
};
struct Refused {
    std::int64_t leg = 0;
    Refusal why;
};
struct Stuck {
    std::int64_t leg = 0;
    std::string why;
};
struct RefundAsked {
    std::int64_t leg = 0, refund = 0;
    Money amount;
    std::vector<std::int64_t> items;
    std::string by, because;
};
struct RefundEnded {
    std::int64_t leg = 0, refund = 0;
    bool failed = false;
    std::string why;
};
struct PersonSettled {
    std::int64_t leg = 0;
    LegMoney fact = LegMoney::none;
    std::string by, because;
};
struct ConfirmAsked {
    Instant until{};
};
struct Confirmed {
    bool yes = false;
    std::vector<std::pair<std::string, std::string>> references;
};
struct Decided {
    Verdict verdict = Verdict::no;
    std::string why;
};
struct Noted {
    std::int64_t leg = 0;
    std::string what;
    std::vector<EvidenceField> fields;
    bool dispute = false;
    std::vector<std::pair<std::string, std::string>> references;  ///< that were not known before
    bool look = false;  ///< only asking can tell what it means, and a call is open: asked after that
};

/// Customer and document are empty from now on: their digests in earlier events stand alone.
struct Forgotten {
    std::string by, because;
};
/// The record goes on from a copy.
struct PutBack {
    Instant copied_at{};
    std::vector<std::int64_t> legs;  ///< whose provider is asked before anything else
};

using Event =
    std::variant<HandedOver, PurchaseAsked, HoldMoved, LegOpened, GoalSet, CallMeant, CallEnded, CallDoubted,
                 Ready, CustomerSent, CustomerBack, CustomerWentOn, VisitMeant, VisitDone, CalloutClosed,
                 Held, HoldGone, Taken, GivenBack, Refused, Stuck, RefundAsked, RefundEnded, PersonSettled,
                 ConfirmAsked, Confirmed, Decided, Noted, Forgotten, PutBack>;

/// "HandedOver", ... as the journal spells it.
std::string_view event_name(const Event& event);

}  // namespace kassi::core
