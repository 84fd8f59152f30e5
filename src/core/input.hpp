#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/step.hpp"
#include "core/transaction.hpp"

/// The sixteen inputs. Everything that happens to a transaction is one of them.
namespace kassi::core {

// ---- doors ---------------------------------------------------------------------------------------
struct HandOver {
    TransactionId id;
    std::string system;
    std::string caller;
    std::vector<Bundle> bundles;
    Policy policy;
    Instant held_until{};
    std::string customer_digest;  ///< keyed digests of rows of their own
    std::string document_digest;
};
/// How the legs shall be cut and who takes the money of each: worked out by the engine from the
/// directory, checked here.
struct LegPlan {
    std::vector<std::string> sources;
    std::string merchant;
    std::string flow;
    Credential credential;  ///< kind "" when none was given
};
struct Purchase {
    std::vector<LegPlan> legs;
    std::optional<Journey> journey;  ///< absent: no callout is possible
    std::string customer_digest;
};
/// The browser came back. The engine found leg and callout by the token.
struct Return {
    std::int64_t leg = 0;
    std::int64_t callout = 0;
    Fields fields;
    std::string next_token;  ///< for the next callout of the chain; "" none
    bool spent = false;      ///< the token was spent before: evidence only
};
/// The browser is done with a page of ours whose callout goes on. Not a return: the token stays unspent, and
/// the same once more changes nothing. The engine found leg and callout by the page token.
struct CustomerGoesOn {
    std::int64_t leg = 0;
    std::int64_t callout = 0;
    Fields fields;  ///< of the page's form, in order
};
struct ConfirmAnswer {
    bool yes = false;
    std::vector<std::pair<std::string, std::string>> references;  ///< source, the owner's reference
};
struct Hold {
    Instant held_until{};
};
struct Release {};
struct Cancel {
    std::vector<std::int64_t> items;  ///< empty: everything cancellable
};
struct RefundOf {
    std::int64_t leg = 0;
    Money amount;
    std::string by;
    std::string because;
};
/// A named person says where the money is.
struct Settle {
    std::int64_t leg = 0;
    LegMoney fact = LegMoney::none;
    std::string by;
    std::string because;
};

/// Customer and document are to be forgotten. Of what is settled only; once more changes nothing.
struct ForgetPerson {
    std::string by;
    std::string because;
};

// ---- outside -------------------------------------------------------------------------------------
struct Answer {
    std::int64_t leg = 0;
    std::int64_t call = 0;
    Heard heard;
};
struct Notice {
    std::int64_t leg = 0;
    std::string event_id;            ///< the provider's, for the journal
    LegMoney fact = LegMoney::none;  ///< none: nothing about money
    std::optional<Money> amount;
    std::vector<std::pair<std::string, std::string>> references;
    Trust trust = Trust::hint;
    bool dispute = false;
    std::string evidence;
    std::optional<Money> given_back;  ///< what went back so far, in all
    std::string refund_failed;        ///< "" or why money that was given back came home again
    bool worth_a_look = true;         ///< fact none: whether asking could tell more
};
struct Visited {
    std::int64_t leg = 0;
    std::int64_t callout = 0;
    std::string outcome;  ///< "answered 200", "withheld", "no answer: ..."
};

// ---- clock ---------------------------------------------------------------------------------------
struct Due {
    std::vector<std::int64_t> unattended;  ///< legs whose open call nobody is working on
};

/// The record is a copy that was made at `copied_at` and put back: what happened since is not known. Nothing
/// that may have been begun since is begun again before the provider was asked about it.
struct Restored {
    Instant copied_at{};
};

using InputBody =
    std::variant<HandOver, Purchase, Return, CustomerGoesOn, ConfirmAnswer, Hold, Release, Cancel, RefundOf,
                 Settle, ForgetPerson, Answer, Notice, Visited, Due, Restored>;

struct Input {
    InputBody body;
    std::string by;                  ///< "caller demo", "browser", "clock", "provider", "person Anna"
    std::string tracking;            ///< "" or the caller's tracking id
    std::string fresh_return_token;  ///< minted by the engine, used when a callout needs one
    std::string fresh_page_token;
    /// An idempotency key goes with it: even what changes nothing gets a row, so that the key is taken.
    bool keyed = false;
    bool token_taken = false;       ///< second try: the client's return token is live elsewhere
    bool credit_exhausted = false;  ///< second try after the store refused the credit limit
};

/// "HandOver", "Purchase", ...
std::string_view input_name(const InputBody& body);

}  // namespace kassi::core
