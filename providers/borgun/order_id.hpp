#pragma once

#include <string>
#include <string_view>

#include "core/step.hpp"
#include "providers/order_id.hpp"

/// The gateway's OrderId names one call, and is recorded before the call is sent: an event that bears it
/// finds its way back.
namespace kassi::providers::borgun {

/// Of the call that is about to begin.
std::string next_order_id(const core::Scene& scene);
/// One of the calls of this leg so far bore it, or may have borne it since the copy was made that was put
/// back.
bool is_our_order(const core::Scene& scene, std::string_view text);
/// What a client that pays by itself may have been given as the order's number: the transaction's id, its
/// reference, or order_id() of leg 0, call 0.
bool names_the_transaction(const core::Transaction& transaction, std::string_view text);

}  // namespace kassi::providers::borgun
