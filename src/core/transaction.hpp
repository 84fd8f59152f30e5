#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "base/id.hpp"
#include "base/money.hpp"
#include "core/words.hpp"

namespace kassi::core {

/// What was ordered inside a bundle. `item` is the caller's number, unique in the transaction.
struct Order {
    std::int64_t item = 0;
    Money amount;
    bool cancellable = false;
    bool operator==(const Order&) const = default;
};

/// What is bought from one source system. At most one bundle of a source in a trolley.
struct Bundle {
    std::string source;
    std::string description;
    Money amount;               ///< 0 is lawful: no leg
    std::vector<Order> orders;  ///< amounts add up to at most `amount`
    bool operator==(const Bundle&) const = default;
};

struct Policy {
    bool partial = false;  ///< false: all or nothing
    Confirm confirm = Confirm::none;
    OnDecline on_decline = OnDecline::fail;
    bool operator==(const Policy&) const = default;
};

/// Why a leg was refused: machine word, text for the journal and the integrator, F13's flags.
struct Refusal {
    std::string code;  ///< "declined", "auth_failure", "assumed_unpaid", "hold_over", ...
    std::string text;
    bool failed_3d_secure = false;
    bool failed_avs = false;
    bool failed_cv_two = false;
    bool operator==(const Refusal&) const = default;
};

/// The open call of a leg, or its last.
struct Call {
    std::int64_t no = 0;  ///< 1, 2, ... within the leg
    Verb verb = Verb::open;
    std::string step;       ///< the flow's name of the request: "session", "complete", ...
    std::string key;        ///< idempotency key that went with it
    std::string reference;  ///< ours, in the request
    Repeat repeat = Repeat::never;
    Instant key_until{};  ///< same_key: until when the provider remembers the key
    Instant meant_at{};
    Instant silent_at{};  ///< from then on it counts as unanswered
    bool again = false;   ///< a doubted request went out once more: an earlier sending is unaccounted for
    bool needs_volatile = false;  ///< its input lives in memory only (a card): cannot be sent again
    bool look = false;            ///< the provider has it: sent again it would only be answered the same
    bool operator==(const Call&) const = default;
};

struct CalloutState {
    std::int64_t no = 0;
    std::string type;  ///< "get" | "post"
    std::string host;  ///< origin of the destination
    Instant sent_at{};
    Instant until{};
    std::optional<Instant> grace_until;  ///< set when the visit of the return URL was meant
    bool returned = false;               ///< its return token is spent
    bool closed = false;
    bool goes_on = false;  ///< a page of ours from which the browser goes on without coming back
    bool went_on = false;  ///< it did, at least once
    bool operator==(const CalloutState&) const = default;
};

struct Refund {
    std::int64_t no = 0;
    Money amount;
    std::vector<std::int64_t> items;  ///< orders that it cancels
    RefundState state = RefundState::asked;
    std::string by;
    std::string because;
    bool operator==(const Refund&) const = default;
};

/// One try to pay one or more bundles with one merchant.
struct Leg {
    std::int64_t no = 0;  ///< 1, 2, ...
    std::vector<std::string> sources;
    std::string merchant;
    std::string flow;        ///< "on_credit", "redirect", ...
    std::string credential;  ///< kind of what the customer pays with, "" none (yet)
    Money amount;
    Goal goal = Goal::take;
    LegMoney money = LegMoney::none;
    std::int64_t taken_minor = 0;  ///< what was taken or is held
    std::int64_t back_minor = 0;   ///< of it, what was given back
    Doing doing = Doing::rest;
    Verb verb = Verb::open;  ///< of the call, the callout or the doubt
    bool ready = false;      ///< open is over
    bool exposed = false;    ///< the customer may still pay at the provider's: to be closed before "not paid"
    std::optional<Refusal> refused;
    std::string stuck;  ///< "" or why a person is needed
    std::int64_t calls = 0;
    std::optional<Call> call;
    std::optional<CalloutState> callout;
    std::optional<Instant> retry_at;    ///< known not done: not before then
    std::int64_t not_done = 0;          ///< in a row
    std::optional<Instant> recheck_at;  ///< in doubt
    std::optional<Instant> doubt_since;
    std::int64_t rechecks = 0;
    std::string doubt_why;
    std::vector<Refund> refunds;
    std::vector<std::pair<std::string, std::string>>
        references;  ///< kind, provider's id: {"session","rs_.."}
    /// What its calls made at the provider is no older, by the provider's own clock; nullopt: not known.
    std::optional<Instant> made_since;
    bool disputed = false;
    bool look = false;  ///< something was heard that only asking can explain: asked when the leg rests
    /// From a copy that was put back: more may have happened at the provider than is written here. Until it
    /// was asked.
    bool restored = false;
    bool operator==(const Leg&) const = default;
};

/// State, and nothing but what the events say.
struct Transaction {
    TransactionId id;
    std::string reference;  ///< "T000-0000-8RGW-3619"
    std::string system;
    std::string caller;
    std::string tracking;         ///< of the last call that carried one
    std::vector<Bundle> bundles;  ///< sorted by source
    Policy policy;
    Phase phase = Phase::reserved;
    std::string why;  ///< of the verdict: "", "declined", "hold", "released", ...
    Instant handed_over_at{};
    Instant held_until{};
    std::optional<Instant> purchase_asked_at;
    std::optional<Instant> confirm_by;
    std::optional<Instant> verdict_at;
    ReturnVia via = ReturnVia::caller;
    bool customer_at_hand = false;  ///< a browser is with us and a return token is unused
    std::vector<std::pair<std::string, std::string>> confirmations;  ///< source, the owner's reference
    std::vector<Leg> legs;
    bool forgotten = false;     ///< customer and document are
    std::int64_t put_back = 0;  ///< how often its record was put back to a copy from before
    std::int64_t version = 0;   ///< number of journal rows
    bool operator==(const Transaction&) const = default;
};

/// A request as data, relative to the merchant's address; the engine adds address and credentials.
struct Request {
    std::string method;
    std::string path;  ///< "/sessions"
    Fields headers;
    std::string body;
    bool operator==(const Request&) const = default;
};

/// What the customer pays with, as a caller or a browser brought it: never in the journal.
struct Credential {
    std::string kind;   ///< "stripe_token", ...; "" none
    std::string value;  ///< "tok_...": good for one payment
    bool operator==(const Credential&) const = default;
};

/// Where the browser is to be sent.
struct Callout {
    std::string type;              ///< "get" | "post"
    std::string destination;       ///< no query string
    bool hosted = false;           ///< a page of ours that the flow dresses; core fills in its address
    Fields parameters;             ///< in this order
    std::string integration_json;  ///< debitor specific, "" or a JSON object
    bool goes_on = false;   ///< hosted: the page ends with CustomerGoesOn, and the return token stays unspent
    std::string page_data;  ///< hosted: what the flow's page needs; callers never see it
    std::string return_token;
    std::string page_token;
    bool operator==(const Callout&) const = default;
};

/// The sealed paper of a leg: what must survive a restart and not live in the journal.
struct Parcel {
    Request request;  ///< of the open call
    std::string step;
    std::string saved;  ///< the flow's own
    Fields returned;    ///< what the browser brought, as the next request needs it
    Credential credential;
    std::optional<Callout> callout;
    bool operator==(const Parcel&) const = default;
};

/// The customer's way: how callouts of this transaction come back. Sealed like a parcel (leg 0).
struct Journey {
    ReturnVia via = ReturnVia::caller;
    std::string url_before;  ///< return URL = before + token + after; "" nobody told us one
    std::string url_after;
    std::string token;  ///< for the next callout; "" when used up
    std::string user_agent;
    std::string accept;
    std::string remote_site;
    std::string remote_ip;
    std::string landing_url;  ///< via kassi: where the browser ends
    /// Return URL, with its token, of a callout whose page goes on: from that page the browser is sent there
    /// when nobody else sends it. "" none, or it came back.
    std::string way_back;
    bool operator==(const Journey&) const = default;
};

struct Papers {
    std::optional<Journey> journey;
    std::map<std::int64_t, Parcel> parcels;  ///< by leg
    bool operator==(const Papers&) const = default;
};

/// What a caller sees of a leg: waiting asking called_out unknown authorised captured refused voided
/// refunded needs_a_person.
std::string_view leg_word(const Leg& leg);
/// Every leg rests at its goal and no refund is open (core.md: verdict and settlement are two things).
bool settled(const Transaction& transaction);
/// When a leg that rests is gone on with; nullopt: it waits for nothing, or for somebody else.
std::optional<Instant> next_try_at(const Leg& leg);
/// A leg is stuck, or in doubt for longer than machines usually need.
bool needs_person(const Transaction& transaction);
bool needs_person(const Leg& leg);
const Leg* find_leg(const Transaction& transaction, std::int64_t no);
/// The leg with goal take that covers the bundle, or nullptr.
const Leg* covering_leg(const Transaction& transaction, std::string_view source);
/// Of the next refund of the leg: 1, 2, ... `put_back_at`: when the record was last put back to a copy. For
/// what was handed over before that, settled or not, the numbers go on from that moment's milliseconds: what
/// is asked for since is never taken for what was asked for between the copy and then, which the provider
/// knows by its number, nor for what was asked for in an earlier life that went on from the same copy.
std::int64_t next_refund_no(const Transaction& transaction, const Leg& leg,
                            std::optional<Instant> put_back_at);
/// The leg whose customer is away now, or nullptr.
const Leg* leg_away(const Transaction& transaction);
/// The customer went on from a page of ours and waits at our door: the callout is still his, its return token
/// unspent, and another destination may follow under the same number.
bool went_on(const Leg& leg);
/// The bundle was bought: its amount is 0 or its leg's money is taken (or was, and went back later) in a
/// purchased or cancelled transaction.
bool bundle_bought(const Transaction& transaction, std::string_view source);
/// Some but not all bundles were bought.
bool is_partial(const Transaction& transaction);
/// "T000-0000-8RGW-3619": 75 bits of the id in Crockford's base 32.
std::string reference_of(const TransactionId& id);

}  // namespace kassi::core
