#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/input.hpp"
#include "core/step.hpp"
#include "core/transaction.hpp"

namespace kassi::core {

/// Times of the house, from the configuration. The defaults are the plan's (design.md section 4).
struct Times {
    Millis callout_max{600'000};    ///< a callout runs at most so long
    Millis callout_min{120'000};    ///< with less left it is refused
    Millis grace{60'000};           ///< between the visit of the return URL and our own settling
    Millis hold_margin{10'000};     ///< kept free before held_until
    Millis confirm_within{60'000};  ///< for the owner to confirm
    Millis doubt_alert{3'600'000};  ///< in doubt for longer: a person is told
};
/// Kind of the reference under which a leg keeps the event ids of hints.
inline constexpr std::string_view event_kind = "event";
/// Kind of the reference that remembers of which money a hint spoke while the payment's own call was open.
inline constexpr std::string_view hinted_kind = "hinted";
inline constexpr int not_done_tries_max = 3;  ///< known-not-done in a row before a leg is refused

/// By merchant: what its provider said last that the time is, by its own clock. Who was not heard has none.
using ProviderTimes = std::map<std::string, Instant, std::less<>>;

/// What decide may know besides the transaction. All pure.
struct Terms {
    const Flows& flows;
    const Times& times;
    std::string_view public_url;  ///< "https://pay.example", for return URLs that are ours
    std::optional<Instant> put_back_at = std::nullopt;  ///< when the record was last put back to a copy
    const ProviderTimes* provider_times = nullptr;      ///< nullptr: nobody was heard

    [[nodiscard]] std::optional<Instant> time_at(std::string_view merchant) const;
};

// ---- effects: carried out after the commit ------------------------------------------------------------
struct CallEffect {
    std::int64_t leg = 0, call = 0;
    std::string merchant, step;
    Request request;
    Millis budget{};
};
struct VisitEffect {
    std::int64_t leg = 0, callout = 0;
    std::string url;
};
struct NotifyEffect {
    std::string what;  ///< for the system's outbox: "verdict", "settled", "confirm"
};
using Effect = std::variant<CallEffect, VisitEffect, NotifyEffect>;  // Wake is due_at(next); Forget is papers

/// A token that becomes live or is spent in this commit.
struct TokenLive {
    std::string token;
    std::int64_t leg = 0, callout = 0;
    bool page = false;   ///< shows the callout, spends nothing
    bool minted = true;  ///< ours; else the client's, scoped to its caller
};
struct TokenSpent {
    std::int64_t leg = 0, callout = 0;
    std::string fields_digest;  ///< so that the same return can be told from another one
};

/// A reference (ours or the provider's) by which a notice of that merchant finds the leg.
struct ReferenceKnown {
    std::int64_t leg = 0;
    std::string merchant, reference;
};

/// What may be spent once, over all transactions, and is spent in this commit.
struct Spent {
    std::string scope;  ///< "credential:<merchant>"
    std::string key;
    std::string field;  ///< which brought it, for the error when it was spent before
};

/// What one input leads to: committed as one unit or not at all.
struct Decision {
    Transaction next;
    Papers papers;
    std::vector<Event> events;
    std::vector<Effect> effects;
    std::vector<TokenLive> tokens_live;
    std::optional<TokenSpent> token_spent;
    std::vector<ReferenceKnown> references;
    std::vector<Spent> spent;
};

/// The whole brain. `transaction` is nullptr for HandOver only. Pure: no I/O, no clock, no randomness.
/// Error: conflict (named refusal), bad_request naming a field, gone, not_found: nothing happened.
/// An input with nothing to do gives a Decision without events (nothing needs to be committed), or with a
/// note when it is keyed.
Result<Decision> decide(const Transaction* transaction, const Papers& papers, const Input& input, Instant now,
                        const Terms& terms);

/// The only thing that changes a transaction. `at` is the time of the journal row.
void apply(Transaction& transaction, const Event& event, Instant at);

/// Bundles with an amount that no leg with goal take covers.
std::vector<std::string> uncovered(const Transaction& transaction);
/// The purchase was asked for and not refused: to ask again changes nothing, the present state is the answer.
/// Not so while another way of paying is awaited.
bool purchase_under_way(const Transaction& transaction);
/// The leg whose turn it is when it needs the customer's browser and none is at hand; nullptr: no such leg.
/// The customer comes back with a return token, or is sent again with a purchase that brings return details.
const Leg* waits_for_browser(const Transaction& transaction, const Flows& flows);
/// The customer is on his way back from another leg that he went on with at a page of ours, and may be needed
/// for this one: it begins when he is back, with the way that he brings.
bool waits_for_return(const Transaction& transaction, const Leg& leg, const Facts& facts);
/// The customer who comes back from `leg` has another payment to make, and no token for the way is known yet.
bool needs_next_token(const Transaction& transaction, const Papers& papers, const Leg& leg,
                      const Flows& flows);
/// By which a repeat of the same return is told from another one (hex SHA-256 of the ordered fields).
std::string fields_digest(const Fields& fields);

/// When the transaction wants Due next; nullopt: never again by itself.
std::optional<Instant> due_at(const Transaction& transaction, const Terms& terms);

/// Money events as signed ledger entries, for balances and for the comparison with the provider's ledger.
struct LedgerEntry {
    std::int64_t leg = 0;
    std::string merchant;
    std::string kind;  ///< "held" "hold_gone" "taken" "given_back"
    Money amount;      ///< positive
};
std::vector<LedgerEntry> ledger_of(const Transaction& after, const std::vector<Event>& events);

}  // namespace kassi::core
