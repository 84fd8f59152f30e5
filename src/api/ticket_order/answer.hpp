#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/routes.hpp"
#include "api/ticket_order/types.hpp"

/// What a client reads, as JSON or JSV (pure): camelCase names in the order of the types, what is null left
/// out, defaults kept. No type of the answer holds a secret.
namespace kassi::api::ticket_order {

/// How an order went, where the request itself was in order: HTTP 200 with one of these as statusCode. The
/// set is closed and the numbers stay; the service's own are published nowhere.
enum class Status : std::int32_t {
    ok = 0,          ///< paid, or free of charge: the tickets are the caller's
    pending = 202,   ///< under way, or in doubt; the same request asks again and pays nothing twice
    declined = 402,  ///< the card was refused: nothing was taken, another may be tried
    conflict = 409,  ///< this order is being paid, or was, by another request
    over = 410,      ///< the seats' hold ran out: nothing was taken, or it was given back
    authentication_needed = 428,  ///< the bank wants 3-D Secure: pay by borgun3DFinalInfo
    unavailable = 503,            ///< nobody could be asked, and nothing was taken: try again later
};
/// For people: a sentence of a fixed text.
std::string_view message_of(Status status);
/// All of them, in that order.
std::span<const Status> all_statuses();

/// With statusCode and message; no tickets yet.
TicketOrderResult result_of(Status status);

std::string print(const TicketOrderResult& result, Format format);

/// {"responseStatus":{"errorCode","message","errors":[{"errorCode","fieldName","message"}]}}; a fieldName is
/// spelled as .NET does: "CardInfo.Amount".
std::string print(const Refusal& refusal, Format format);

}  // namespace kassi::api::ticket_order
