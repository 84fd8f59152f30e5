#pragma once

#include "providers/flow.hpp"

namespace kassi::providers {

/// The customer's browser is sent to the house's page and comes back. The wire contract, the settings and
/// what happens when are in README.md beside this file.
const Flow& redirect_flow();

namespace redirect {

inline constexpr std::string_view signature_header = "Redirect-Signature";
inline constexpr Millis key_life{30LL * 24 * 3'600'000};  ///< how long the house remembers an Idempotency-Key

}  // namespace redirect
}  // namespace kassi::providers
