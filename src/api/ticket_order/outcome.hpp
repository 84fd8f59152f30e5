#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/ticket_order/answer.hpp"
#include "core/transaction.hpp"

/// What became of an order: a transaction as the service says it (pure).
namespace kassi::api::ticket_order {

/// `at_work`: it goes on by itself (engine::at_work). What was not bought is not "nothing was charged" while
/// money of it is held or taken, or may be: until then it is pending.
Status status_of(const core::Transaction& transaction, bool at_work);

/// The part of a hand-over's document that this door reads and writes: {"ticketAndDetails":{...}}, as the
/// answer has it. "" for tickets that say nothing.
std::string document_of(const TicketAndDetails& tickets);
/// Nullopt: none is in it, or it has another form. A document is the booking system's own, and no reason to
/// refuse an answer.
std::optional<TicketAndDetails> tickets_in(std::string_view document_json);

/// `tickets` with what the payment says: its token, status, amount and times, and how far off the event is.
/// A code that opens the gate stays in it only when it is paid for.
TicketAndDetails completed(TicketAndDetails tickets, const core::Transaction& transaction, Status status,
                           Instant now);

}  // namespace kassi::api::ticket_order
