#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/words.hpp"

/// The two tables of the machine. Every move of a leg and of a transaction is a row here and nowhere
/// else; `kassi states` prints them, tests hold decide() against them.
namespace kassi::core {

/// What can happen to a leg.
enum class LegOn : std::uint8_t {
    asks,  ///< the flow wants a request sent
    done,
    waiting,  ///< the customer must go away
    working,  ///< the provider still works on it
    declined,
    not_done,
    unknown,
    silence,       ///< Due(silent_at), or nobody is working on the call
    returned,      ///< the browser is back, before the flow has looked at it
    went_on,       ///< the browser is done with a page of ours, and is still with us
    callout_over,  ///< Due(until)
    grace_over,    ///< Due(grace_until)
    unwanted,      ///< the goal has become give_back
    recheck,       ///< Due(recheck_at)
    settled,       ///< a person said so
    more_money,    ///< evidence that more money moved than we believed
    more_back,     ///< evidence that more went back than we believed
    back_again,    ///< evidence that what went back came home again
    hint,          ///< somebody says so, and we ask
    nothing_new,
};
std::string_view word(LegOn);

/// What can happen to a transaction.
enum class On : std::uint8_t {
    purchase,
    again,        ///< Purchase with another way, after a decline
    all_covered,  ///< every bundle has its money held or taken
    refused,      ///< a leg was refused
    none_left,    ///< no leg with goal take is left
    hold_over,    ///< Due(held_until less the margin)
    released,     ///< the caller gave it back
    confirm_yes,
    confirm_no,  ///< the owner said no, or nothing in time
    all_taken,
    cancel,
    all_back,
};
std::string_view word(On);

using Mask = std::uint16_t;
template <class... E>
constexpr Mask mask(E... values) {
    return static_cast<Mask>((0U | ... | (1U << static_cast<unsigned>(values))));
}
template <class E>
constexpr bool in(Mask set, E value) {
    return (set >> static_cast<unsigned>(value) & 1U) != 0;
}

class Deciding;  ///< one decision in the making: what guards look at and acts use (deciding.hpp)

struct LegRow {
    Mask from;   ///< set of Doing
    Mask verbs;  ///< set of Verb
    LegOn on;
    std::string_view guard_word;     ///< "" always
    bool (*guard)(const Deciding&);  // nullptr: always
    Mask to;                         ///< set of Doing, checked after the act
    std::string_view money;          ///< what becomes of the money, in words
    std::string_view note;
    void (*act)(Deciding&);
};
struct TransactionRow {
    Mask from;  ///< set of Phase
    On on;
    std::string_view guard_word;
    bool (*guard)(const Deciding&);  // nullptr: always
    Mask to;                         ///< set of Phase, checked after the act
    std::string_view note;
    void (*act)(Deciding&);
};

std::span<const LegRow> leg_table();
std::span<const TransactionRow> transaction_table();

/// The tables for people: aligned text, Graphviz, or a self-contained SVG picture.
std::string states_text();
std::string states_dot();
std::string states_svg();

}  // namespace kassi::core
