#include "providers/borgun/codes.hpp"

#include <algorithm>

namespace kassi::providers::borgun {
namespace {

constexpr std::string_view not_authenticated = "The card's owner could not be authenticated.";
constexpr std::string_view bank_not_asked = "The card's bank could not be asked. Please try again later.";

constexpr MdRow md_table[] = {
    {0, MdAction::stop, true, not_authenticated},
    {1, MdAction::go_on, true, "Authenticated."},
    {2, MdAction::go_on, true, "The card does not take part in 3-D Secure."},
    {3, MdAction::go_on, true, "The card's bank does not take part in 3-D Secure."},
    {4, MdAction::go_on, true, "The scheme stands in for the card's bank."},
    {5, MdAction::retry, true, bank_not_asked},
    {6, MdAction::retry, true, not_authenticated},
    {7, MdAction::stop, false, bank_not_asked},
    {8, MdAction::stop, true, not_authenticated},
    {9, MdAction::challenge, true, "The bank wants to see the card's owner."},
    {50, MdAction::method, true, "The bank wants to see the browser."},
    {91, MdAction::retry, false, bank_not_asked},
    {92, MdAction::retry, false, bank_not_asked},
    {93, MdAction::retry, false, bank_not_asked},
    {94, MdAction::stop, false, "3-D Secure refused what was sent."},
    {95, MdAction::stop, true, "Nobody authenticates cards of this kind."},
    {96, MdAction::stop, true, "Nobody authenticates cards of this kind."},
    {97, MdAction::stop, true, "The authentication came too late, or was used before."},
    {99, MdAction::retry, false, bank_not_asked},
};
constexpr MdRow on_no_list{-1, MdAction::stop, true, not_authenticated};

constexpr std::string_view plain = "declined";
constexpr std::string_view declined = "The card was declined.";
constexpr std::string_view other_card = "The card was declined. Please use another card.";
constexpr std::string_view wrong_pin = "The card wants a PIN. Please use another card.";
constexpr std::string_view not_set_up = "This kind of payment is not possible with the card.";
constexpr std::string_view later = "The card's bank could not be reached. Please try again later.";
constexpr std::string_view unclear = "It is not known yet whether the card was charged.";

// A word that would tell a thief something is "declined" like the others.
constexpr ActionRow action_table[] = {
    {"000", Class::ok, "approved", ""},
    {"100", Class::soft, plain, declined},
    {"101", Class::hard, "expired_card", "The card has expired."},
    {"102", Class::hard, plain, other_card},
    {"103", Class::soft, plain, declined},
    {"104", Class::soft, plain, declined},
    {"106", Class::hard, "pin_tries_exceeded", wrong_pin},
    {"109", Class::config, "merchant_unknown", not_set_up},
    {"110", Class::config, "amount_invalid", "The amount is not possible with this card."},
    {"111", Class::hard, "incorrect_number", "The card number is wrong."},
    {"112", Class::hard, "pin_required", wrong_pin},
    {"116", Class::soft, "insufficient_funds", "The card has insufficient funds."},
    {"117", Class::hard, "pin_required", wrong_pin},
    {"118", Class::hard, "unknown_card", "The card is not known to its bank."},
    {"119", Class::soft, "not_permitted", not_set_up},
    {"120", Class::config, "not_permitted", not_set_up},
    {"121", Class::soft, "limit_exceeded", "The card's limit is exceeded."},
    {"125", Class::hard, "card_not_valid", other_card},
    {"126", Class::hard, "pin_required", wrong_pin},
    {"129", Class::hard, plain, other_card},
    {"130", Class::authentication, "auth_failure", not_authenticated},
    {"131", Class::hard, "invalid_expiry", "The card's expiry date is wrong."},
    {"161", Class::config, "conversion", not_set_up},
    {"162", Class::config, "conversion", not_set_up},
    {"163", Class::config, "conversion", not_set_up},
    {"164", Class::config, "conversion", not_set_up},
    {"165", Class::config, "conversion", not_set_up},
    {"166", Class::config, "conversion", not_set_up},
    {"200", Class::hard, plain, other_card},
    {"201", Class::hard, plain, other_card},
    {"202", Class::hard, plain, other_card},
    {"203", Class::hard, plain, other_card},
    {"204", Class::hard, plain, other_card},
    {"205", Class::hard, plain, other_card},
    {"206", Class::hard, plain, other_card},
    {"207", Class::hard, plain, other_card},
    {"208", Class::hard, plain, other_card},
    {"209", Class::hard, plain, other_card},
    {"210", Class::hard, plain, other_card},
    {"902", Class::config, "invalid_transaction", not_set_up},
    {"904", Class::config, "format_error", not_set_up},
    {"907", Class::transient, "issuer_unavailable", later},
    {"908", Class::transient, "issuer_unavailable", later},
    {"909", Class::transient, "issuer_unavailable", later},
    {"910", Class::transient, "issuer_unavailable", later},
    {"911", Class::transient, "issuer_unavailable", later},
    {"912", Class::transient, "issuer_unavailable", later},
    {"913", Class::unknown, "duplicate", unclear},
    {"914", Class::config, "original_not_found", not_set_up},
    {"916", Class::config, "merchant_unknown", not_set_up},
    {"950", Class::config, "batch", not_set_up},
    {"951", Class::config, "batch", not_set_up},
    {"952", Class::config, "batch", not_set_up},
    {"953", Class::unknown, "host_timeout", unclear},
    {"954", Class::config, "batch", not_set_up},
    {"955", Class::config, "merchant_not_active", not_set_up},
    {"956", Class::config, "number_not_unique", not_set_up},
    {"997", Class::unknown, "gateway", unclear},
    {"998", Class::unknown, "gateway", unclear},
    {"999", Class::unknown, "gateway", unclear},
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

std::span<const MdRow> md_rows() {
    return md_table;
}

const MdRow& md_row(int status) {
    const auto* found = std::find_if(std::begin(md_table), std::end(md_table),
                                     [&](const MdRow& row) { return row.status == status; });
    return found == std::end(md_table) ? on_no_list : *found;
}

std::optional<int> md_status(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty() || text.size() > 2 || !std::all_of(text.begin(), text.end(), is_digit))
        return std::nullopt;
    int status = 0;
    for (const char c : text) status = status * 10 + (c - '0');
    return status;
}

core::Refusal interrupted() {
    return {"card_lost", "The payment was interrupted before it began. Try again."};
}

core::Refusal authentication_failed(std::string text) {
    core::Refusal refusal;
    refusal.code = "auth_failure";
    refusal.text = text.empty() ? std::string(not_authenticated) : std::move(text);
    refusal.failed_3d_secure = true;
    return refusal;
}

core::Refusal refusal_of(const MdRow& row) {
    if (row.authentication) return authentication_failed(std::string(row.text));
    core::Refusal refusal;
    refusal.code = "authentication_unavailable";
    refusal.text = row.text;
    return refusal;
}

std::span<const ActionRow> action_rows() {
    return action_table;
}

const ActionRow* action_of(std::string_view code) {
    const auto* found = std::find_if(std::begin(action_table), std::end(action_table),
                                     [&](const ActionRow& row) { return row.code == code; });
    return found == std::end(action_table) ? nullptr : found;
}

core::Refusal refusal_of_action(std::string_view code) {
    const auto* row = action_of(code);
    if (row != nullptr && row->kind == Class::authentication) return authentication_failed();
    core::Refusal refusal;
    refusal.code = row == nullptr ? plain : row->word;
    refusal.text = row == nullptr ? declined : row->text;
    return refusal;
}

core::Refusal refusal_of_rejection(std::string_view code) {
    core::Refusal refusal{"rejected", "The provider refused what was sent."};
    if (code == "auth_failure") refusal = authentication_failed();
    if (code == "token_refused")
        refusal = {"token_refused", "The card's token is not known, has run out or was used before."};
    return refusal;
}

bool is_action_code(std::string_view text) {
    return text.size() == 3 && std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace kassi::providers::borgun
