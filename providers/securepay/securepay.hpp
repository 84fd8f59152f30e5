#pragma once

#include <string_view>

#include "providers/flow.hpp"

namespace kassi::providers {

/// Borgun's hosted page: the customer pays there, and the signed return and the signed notification say so.
/// Settings, steps and choices are in README.md beside this file.
const Flow& securepay_flow();

namespace securepay {

inline constexpr std::string_view flow_name = "securepay";
/// Kind of the reference under which a leg keeps what a refund must name.
inline constexpr std::string_view refund_kind = "refund_id";
inline constexpr std::string_view order_kind = "order";

}  // namespace securepay
}  // namespace kassi::providers
