#pragma once

#include <string_view>

#include "providers/flow.hpp"

/// Apple Pay on a page of ours: the button, and the sheet behind it (reference/applepay.md sections 2 and 6).
/// It shows only where the browser has ApplePaySession and a device that pays.
namespace kassi::providers::apple_pay {

/// Behind the page's own address: where its script asks for a merchant session.
inline constexpr std::string_view session_segment = "apple-pay-session";

/// What the sheet is asked for, as JSON: country, currency, networks, total in the currency's own decimals,
/// and `transaction` as application data.
std::string payment_request(const Shop& shop, const Money& amount, const TransactionId& transaction);

/// Puts the button above what the page has already, and the field for the token (wallet::token_field), which
/// is not sent when something else pays. The callout must have a page token.
void add_button(Flow::HostedPage& page, const Shop& shop, const core::Callout& callout, const Money& amount,
                const TransactionId& transaction);

}  // namespace kassi::providers::apple_pay
