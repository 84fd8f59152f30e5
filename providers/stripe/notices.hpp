#pragma once

#include "providers/stripe/account.hpp"

/// Webhooks (reference/stripe.md section 6).
namespace kassi::providers::stripe {

/// Signature over the raw body, then the event. An event that says nothing of a payment of ours has reference
/// "". Errors: unauthenticated, bad_request naming the member.
Result<NoticeRead> read_notice(const HttpRequest& request, const Merchant& merchant, const Account& account,
                               Instant now);

}  // namespace kassi::providers::stripe
