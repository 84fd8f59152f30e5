#pragma once

#include <optional>
#include <string_view>

#include "engine/engine.hpp"

/// Which transaction an orderId of the gateway's names.
namespace kassi::api::ticket_order::services {

/// The 12 characters say nothing of their transaction: they are looked for among so many of the caller's
/// newest.
inline constexpr std::size_t orders_looked_through_max = 2'000;

/// `order_id`: 12 characters as providers::order_id() makes them of a transaction, its reference, or its id.
/// Error: not_found naming "orderId", also for another caller's.
Result<engine::View> find_order(engine::Engine& engine, const engine::Caller& caller,
                                std::string_view order_id,
                                std::size_t look_through = orders_looked_through_max);

}  // namespace kassi::api::ticket_order::services
