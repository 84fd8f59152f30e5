#pragma once

#include <string_view>

#include "providers/flow.hpp"

namespace kassi::providers {

/// One PaymentIntent a leg, held when it is authorised and captured when the purchase is decided. Settings,
/// steps and choices are in README.md beside this file.
const Flow& stripe_flow();

namespace stripe {

inline constexpr std::string_view flow_name = "stripe";
inline constexpr std::string_view credential_kind = "stripe_token";
inline constexpr std::string_view token_field = "stripeToken";  ///< as F13's callbacks spell it
inline constexpr std::string_view signature_header = "Stripe-Signature";
/// Stripe forgets keys that are 24 hours old; we stop relying on one earlier.
inline constexpr Millis key_life{23LL * 3'600'000};

}  // namespace stripe
}  // namespace kassi::providers
