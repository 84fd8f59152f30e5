#pragma once

#include <string>
#include <string_view>

#include "api/ticket_order/checks.hpp"
#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/types.hpp"
#include "core/transaction.hpp"

/// What an order pays with, as the ways of paying want it (pure).
namespace kassi::api::ticket_order {

/// Of a checked order: "card", "borgun_token", "borgun_final" or "network_token"; the empty credential for
/// Way::nothing. `mpi_token` is the gateway's own, of a final charge, and `order` the name of the transaction
/// that the order pays: the gateway's orderId is ours to choose at the charge, and the client's own, made
/// before there was a transaction, is what the order is claimed by. Refusal: bad_request, a device card
/// without its number.
Outcome<core::Credential> credential_of(const TicketOrder& request, const Checked& checked,
                                        std::string_view mpi_token, std::string_view order);

/// The engine's refusal, with the name of the request's own member in place of the credential's.
Refusal refusal_of_payment(const Error& error, Way way);

}  // namespace kassi::api::ticket_order
