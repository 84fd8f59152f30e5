#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"

/// Notices with a header "t=<unix seconds>,v1=<hex>[,v1=...]": HMAC-SHA256 over "<t>.<raw body>" (Stripe's
/// scheme, reference/stripe.md section 6.1; the redirect contract's too).
namespace kassi::providers {

inline constexpr Millis notice_tolerance{300'000};  ///< a notice's t, both ways
inline constexpr int notice_signatures_max = 8;     ///< v1 values in one header that are looked at

/// Any v1 that fits any of `secrets` is enough: while secrets are changed, either side may have two. Error:
/// unauthenticated naming the header.
std::optional<Error> check_notice_signature(const HttpRequest& request, std::string_view header,
                                            const std::vector<std::string_view>& secrets, Instant now);

}  // namespace kassi::providers
