#pragma once

#include <string>
#include <string_view>

#include "api/ticket_order/types.hpp"
#include "base/money.hpp"

/// By what a repeated order is known again (pure).
namespace kassi::api::ticket_order {

/// Hex SHA-256 of everything that the request says, in one spelling: members that say nothing are left out,
/// 4500.50 is 4500.5. So an order is the same as JSON, JSV or query, and whether a client sends defaults or
/// not. It is made of card data, too: to be kept as HMAC only, as the store keeps it.
std::string fingerprint_of(const TicketOrder& request);

/// The key of an order among those of its caller. By the first that it has: the payment's orderId; its
/// signature, that is to say all that is signed, so that another spelling of the same signature is no other
/// order; else everything in it.
std::string key_of(const TicketOrder& request, const Money& total, std::string_view order_id,
                   std::string_view fingerprint);
/// Of an order that had that orderId.
std::string key_of_order_id(std::string_view order_id);

}  // namespace kassi::api::ticket_order
