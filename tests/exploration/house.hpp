#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/transaction.hpp"

/// The truth about one leg's money, at a provider that may do anything a provider and a network do.
namespace kassi::exploration {

/// A request that nobody waits for any more: it was sent, and is not there yet.
struct Delayed {
    core::Verb verb = core::Verb::open;
    std::string key;
    bool repeatable = false;    ///< the provider knows it again by its key
    std::int64_t whole = 1000;  ///< of the leg
    std::int64_t amount = 0;
    bool operator==(const Delayed&) const = default;
};

struct House {
    core::LegMoney truth = core::LegMoney::none;
    std::int64_t back_minor = 0;  ///< of what was taken
    int charges = 0;              ///< how often money was held or taken from the customer
    bool closed = false;          ///< nobody can pay any more
    bool page_open = false;       ///< the customer is there, and may still do something
    std::string brings;           ///< "" or what his browser will bring back: "yes", "no", "token"
    std::string brought;          ///< what it brought before: the same link can be opened again
    core::LegMoney note = core::LegMoney::none;  ///< of which a webhook is on its way
    std::map<std::string, std::string> answers;  ///< by idempotency key
    std::optional<Delayed> delayed;
    /// An answer that is on its way although nobody waits for it: of which call, what it says.
    std::optional<std::pair<std::int64_t, std::string>> late;
    bool operator==(const House&) const = default;
};

/// How a provider of a kind differs from another.
struct Kind {
    std::string name;        ///< "redirect, quiet"
    std::string merchant;    ///< of the scripted flows
    bool repeatable = true;  ///< knows idempotency keys for what moves money
    bool notifies = false;
    bool page_pays = false;         ///< the customer pays at the page itself
    bool may_challenge = false;     ///< an authorisation may want the customer
    bool keeps_doors_open = false;  ///< planted: a close closes nothing
    bool forgets_refunds = false;   ///< planted: half of a refund is not made
};

/// One thing that the provider may do with a request: what it says, and the truth after it. `fault` costs
/// one.
struct Doing {
    std::string says;
    House after;
    bool fault = false;
};
/// Everything that it may do.
std::vector<Doing> doings(const House& house, const Kind& kind, const Delayed& request,
                          bool browser_possible);

}  // namespace kassi::exploration
