#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/ticket_order/events.hpp"

/// The sandbox's own event of the TicketOrder door: a football match, sold without seats.
namespace kassi::sandbox {

inline constexpr std::string_view football_source = "ticket_order";
inline constexpr std::int32_t football_event = 1;
/// How long an order's tickets are kept for it.
inline constexpr std::chrono::minutes football_hold{15};

struct FootballTicket {
    std::int32_t type;  ///< eventSeriesTicketType
    std::string_view name;
    std::int64_t price;  ///< ISK
};
const std::vector<FootballTicket>& football_tickets();
/// "Reykjavik Harbour - Akureyri North"
std::string_view football_title();
/// The next Saturday at 16:00 UTC that is not over.
Instant football_kick_off(Instant now);

std::shared_ptr<api::ticket_order::Events> football();

}  // namespace kassi::sandbox
