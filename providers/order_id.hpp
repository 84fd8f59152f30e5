#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.hpp"

/// The OrderId of Borgun's houses, the gateway and the hosted page: 12 characters of A-Z and 0-9, a digit
/// among the last six (reference/borgun.md sections 3 and 15.1). Recorded before anybody hears of it: what
/// bears it finds its way back.
namespace kassi::providers {

inline constexpr std::size_t order_id_characters = 12;

/// Equal for equal inputs; about 60 bits, so that no two calls ever meet.
std::string order_id(const TransactionId& transaction, std::int64_t leg, std::int64_t call);
/// 12 characters of A-Z and 0-9.
bool is_order_id(std::string_view text);

}  // namespace kassi::providers
