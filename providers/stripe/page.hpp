#pragma once

#include "providers/stripe/account.hpp"

/// The page that makes the missing token in the customer's browser (reference/stripe.md section 8): the
/// card's fields are Stripe's own, in frames of its own.
namespace kassi::providers::stripe {

Flow::HostedPage token_page(const Money& amount, const Account& account);

}  // namespace kassi::providers::stripe
