#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// The words of the state machine (core.md). A leg answers three different questions: where is the
/// money, what is being done about it now, and what is its goal.
namespace kassi::core {

enum class Verb : std::uint8_t { open, authorise, charge, capture, void_hold, refund, query, close };
enum class Doing : std::uint8_t { rest, call, away, doubt };
enum class LegMoney : std::uint8_t {
    none,
    held,
    taken,
    back
};  // in this order: evidence never moves backwards
enum class Goal : std::uint8_t { take, give_back };

enum class Phase : std::uint8_t {
    reserved,
    authorising,
    confirming,
    capturing,
    purchased,
    failed,
    released,
    cancelled,
};

/// May a request be sent again when nobody knows whether it was done?
enum class Repeat : std::uint8_t {
    same_key,  ///< the provider knows the key: the recorded request goes out again
    safe,      ///< doing it twice does no harm, after a look where one is possible
    never,     ///< not sent again by anyone in any state
};

enum class ReturnVia : std::uint8_t { caller, kassi };  ///< where the provider sends the browser back to
enum class OnDecline : std::uint8_t { fail, again };
enum class Confirm : std::uint8_t { none, owner };
enum class Verdict : std::uint8_t { buy, no, released, purchased, cancelled };
/// next: answered, and the same verb asks on. It settles nothing: tries and doubts are counted as before.
enum class CallOutcome : std::uint8_t { done, declined, waiting, working, not_done, superseded, next };
enum class RefundState : std::uint8_t { asked, done, failed };
enum class Trust : std::uint8_t { proof, hint };  ///< a hint is never believed: it makes us ask

std::string_view word(Verb);
std::string_view word(Doing);
std::string_view word(LegMoney);
std::string_view word(Goal);
std::string_view word(Phase);
std::string_view word(Repeat);
std::string_view word(ReturnVia);
std::string_view word(OnDecline);
std::string_view word(Confirm);
std::string_view word(Verdict);
std::string_view word(CallOutcome);
std::string_view word(RefundState);
std::string_view word(Trust);

/// The inverse of word(); nullopt for an unknown word.
template <class E>
std::optional<E> from_word(std::string_view text);

/// True for verbs whose success makes the customer poorer or locks money: authorise, charge, capture.
bool takes_money(Verb);
/// purchased, failed, released, cancelled: the verdict never changes again.
bool has_verdict(Phase);

}  // namespace kassi::core
