#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/transaction.hpp"

/// What the words of the MPI and of the gateway mean to us, as data (reference/borgun.md sections 9 and 10).
namespace kassi::providers::borgun {

// ---- MdStatus ------------------------------------------------------------------------------------------
enum class MdAction : std::uint8_t {
    go_on,      ///< pay with the MPI token
    challenge,  ///< the customer goes to the bank
    method,     ///< the 3DS Method first
    retry,      ///< once more, then stop
    stop,
};
struct MdRow {
    int status;
    MdAction action;
    bool authentication;    ///< it is the cardholder or his bank: failed_3d_secure
    std::string_view text;  ///< for the integrator and the journal
};
std::span<const MdRow> md_rows();
/// What is on no list stops.
const MdRow& md_row(int status);
/// "9", " 09 " and such; nullopt for what is no number of at most two digits.
std::optional<int> md_status(std::string_view text);
core::Refusal refusal_of(const MdRow& row);
/// In F13's word for it.
core::Refusal authentication_failed(std::string text = {});
/// What lived in memory only is gone, and nothing moved.
core::Refusal interrupted();

// ---- ActionCode ----------------------------------------------------------------------------------------
enum class Class : std::uint8_t {
    ok,
    soft,            ///< maybe later, or another card
    hard,            ///< another card
    authentication,  ///< 3-D Secure is wanted
    config,          ///< somebody must mend something
    transient,       ///< nothing was done; later
    unknown,         ///< it may have been done
};
struct ActionRow {
    std::string_view code;
    Class kind;
    std::string_view word;  ///< for the integrator: "insufficient_funds"
    std::string_view text;  ///< neutral: the buyer may read it
};
std::span<const ActionRow> action_rows();
/// Nullptr for what is on no list.
const ActionRow* action_of(std::string_view code);
/// What is on no list: a plain decline.
core::Refusal refusal_of_action(std::string_view code);
/// Of a payment that was answered without one: "auth_failure", "token_refused"; anything else is "rejected".
core::Refusal refusal_of_rejection(std::string_view code);
/// Three digits: as it may be kept.
bool is_action_code(std::string_view text);

}  // namespace kassi::providers::borgun
