#pragma once

#include <string_view>

#include "providers/flow.hpp"

namespace kassi::providers {

/// Cards with 3-D Secure over Borgun's RPG gateway: a PreAuthorization that is captured when the purchase is
/// decided. Settings, steps and choices are in README.md beside this file.
const Flow& borgun_flow();

namespace borgun {

inline constexpr std::string_view flow_name = "borgun";
inline constexpr std::string_view token_kind = "borgun_token";
inline constexpr std::string_view final_kind = "borgun_final";
/// Under which the page of ours brings the token back.
inline constexpr std::string_view token_field = "borgunToken";
/// Of the page that runs the 3DS Method: "Y" the issuer said that it is over, "N" it did not in time.
inline constexpr std::string_view method_field = "method";

}  // namespace borgun
}  // namespace kassi::providers
