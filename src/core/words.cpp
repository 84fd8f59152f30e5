#include "core/words.hpp"

#include <array>
#include <cstddef>

#include "base/result.hpp"

namespace kassi::core {
namespace {

/// The word of each enumerator, in the order of the enum. An enum without a list here does not compile.
template <class E>
inline constexpr std::array<std::string_view, 0> words{};

template <>
inline constexpr std::array<std::string_view, 8> words<Verb>{"open", "authorise", "charge", "capture",
                                                             "void", "refund",    "query",  "close"};
template <>
inline constexpr std::array<std::string_view, 4> words<Doing>{"rest", "call", "away", "doubt"};
template <>
inline constexpr std::array<std::string_view, 4> words<LegMoney>{"none", "held", "taken", "back"};
template <>
inline constexpr std::array<std::string_view, 2> words<Goal>{"take", "give_back"};
template <>
inline constexpr std::array<std::string_view, 8> words<Phase>{
    "reserved", "authorising", "confirming", "capturing", "purchased", "failed", "released", "cancelled"};
template <>
inline constexpr std::array<std::string_view, 3> words<Repeat>{"same_key", "safe", "never"};
template <>
inline constexpr std::array<std::string_view, 2> words<ReturnVia>{"caller", "kassi"};
template <>
inline constexpr std::array<std::string_view, 2> words<OnDecline>{"fail", "again"};
template <>
inline constexpr std::array<std::string_view, 2> words<Confirm>{"none", "owner"};
template <>
inline constexpr std::array<std::string_view, 5> words<Verdict>{"buy", "no", "released", "purchased",
                                                                "cancelled"};
template <>
inline constexpr std::array<std::string_view, 7> words<CallOutcome>{
    "done", "declined", "waiting", "working", "not_done", "superseded", "next"};
template <>
inline constexpr std::array<std::string_view, 3> words<RefundState>{"asked", "done", "failed"};
template <>
inline constexpr std::array<std::string_view, 2> words<Trust>{"proof", "hint"};

template <class E>
std::string_view word_of(E value) {
    static_assert(!words<E>.empty());
    const auto index = static_cast<std::size_t>(value);
    KASSI_ENSURE(index < words<E>.size());
    return words<E>[index];
}

}  // namespace

std::string_view word(Verb value) {
    return word_of(value);
}
std::string_view word(Doing value) {
    return word_of(value);
}
std::string_view word(LegMoney value) {
    return word_of(value);
}
std::string_view word(Goal value) {
    return word_of(value);
}
std::string_view word(Phase value) {
    return word_of(value);
}
std::string_view word(Repeat value) {
    return word_of(value);
}
std::string_view word(ReturnVia value) {
    return word_of(value);
}
std::string_view word(OnDecline value) {
    return word_of(value);
}
std::string_view word(Confirm value) {
    return word_of(value);
}
std::string_view word(Verdict value) {
    return word_of(value);
}
std::string_view word(CallOutcome value) {
    return word_of(value);
}
std::string_view word(RefundState value) {
    return word_of(value);
}
std::string_view word(Trust value) {
    return word_of(value);
}

template <class E>
std::optional<E> from_word(std::string_view text) {
    for (std::size_t i = 0; i < words<E>.size(); ++i) {
        if (words<E>[i] == text) return static_cast<E>(i);
    }
    return std::nullopt;
}

template std::optional<Verb> from_word<Verb>(std::string_view);
template std::optional<Doing> from_word<Doing>(std::string_view);
template std::optional<LegMoney> from_word<LegMoney>(std::string_view);
template std::optional<Goal> from_word<Goal>(std::string_view);
template std::optional<Phase> from_word<Phase>(std::string_view);
template std::optional<Repeat> from_word<Repeat>(std::string_view);
template std::optional<ReturnVia> from_word<ReturnVia>(std::string_view);
template std::optional<OnDecline> from_word<OnDecline>(std::string_view);
template std::optional<Confirm> from_word<Confirm>(std::string_view);
template std::optional<Verdict> from_word<Verdict>(std::string_view);
template std::optional<CallOutcome> from_word<CallOutcome>(std::string_view);
template std::optional<RefundState> from_word<RefundState>(std::string_view);
template std::optional<Trust> from_word<Trust>(std::string_view);

bool takes_money(Verb verb) {
    switch (verb) {
        case Verb::authorise:
        case Verb::charge:
        case Verb::capture:
            return true;
        case Verb::open:
        case Verb::void_hold:
        case Verb::refund:
        case Verb::query:
        case Verb::close:
            return false;
    }
    return false;
}

bool has_verdict(Phase phase) {
    switch (phase) {
        case Phase::purchased:
        case Phase::failed:
        case Phase::released:
        case Phase::cancelled:
            return true;
        case Phase::reserved:
        case Phase::authorising:
        case Phase::confirming:
        case Phase::capturing:
            return false;
    }
    return false;
}

}  // namespace kassi::core
