#pragma once

#include <vector>

#include "api/ticket_order/door.hpp"

namespace kassi::api::ticket_order {

/// TicketOrder and GetTicketStatusRequest.
std::vector<Operation> ordering_operations(const TicketOrderOptions& options);

}  // namespace kassi::api::ticket_order
