#pragma once

#include "providers/borgun/account.hpp"

/// The page that makes the missing token in the customer's browser: the card goes from there straight to the
/// gateway, with the public key, and never to us.
namespace kassi::providers::borgun {

/// The page that runs the 3DS Method: the issuer's document in a sandboxed frame, for ten seconds at most,
/// then on.
Flow::HostedPage method_page(const core::Callout& callout);

Flow::HostedPage token_page(const Money& amount, const Account& account);

}  // namespace kassi::providers::borgun
