#pragma once

#include <string>
#include <vector>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/types.hpp"
#include "core/transaction.hpp"
#include "engine/directory.hpp"

/// What is sold at the door itself.
namespace kassi::api::ticket_order {

/// What an order would buy, as it will be handed over.
struct Offer {
    std::vector<core::Bundle> bundles;
    Instant held_until{};
    /// What the answer shows of it; the door adds what only the payment knows (status, token, amounts paid).
    TicketAndDetails tickets;
};

/// A booking system within the house. Production has none: its booking systems hand over through /v1, and an
/// order names the transaction by its seatReservationTokenId.
class Events {
  public:
    virtual ~Events() = default;
    /// What `request` orders, at the seller's own prices: the door refuses a total that differs. At once, on
    /// the io thread; nothing is kept. Refusals: bad_request naming what is not for sale, or not at that
    /// price.
    [[nodiscard]] virtual Outcome<Offer> offer(const engine::Caller& caller, const TicketOrder& request,
                                               Instant now) = 0;
};

}  // namespace kassi::api::ticket_order
