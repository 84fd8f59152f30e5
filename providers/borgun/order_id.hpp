#pragma once

#include <string>
#include <string_view>

#include "core/step.hpp"

/// The gateway's OrderId: 12 characters of A-Z and 0-9, a digit among the last six (reference/borgun.md
/// section 3). It names one call, and is recorded before the call is sent: an event that bears it finds its
/// way back.
namespace kassi::providers::borgun {

inline constexpr std::size_t order_id_characters = 12;

/// Equal for equal inputs; about 60 bits, so that no two calls ever meet.
std::string order_id(const TransactionId& transaction, std::int64_t leg, std::int64_t call);
/// Of the call that is about to begin.
std::string next_order_id(const core::Scene& scene);
/// One of the calls of this leg so far bore it.
bool is_our_order(const core::Scene& scene, std::string_view text);
/// What a client that pays by itself may have been given as the order's number: the transaction's id, its
/// reference, or order_id() of leg 0, call 0.
bool names_the_transaction(const core::Transaction& transaction, std::string_view text);
bool is_order_id(std::string_view text);

}  // namespace kassi::providers::borgun
