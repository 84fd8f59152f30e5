#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/types.hpp"
#include "base/money.hpp"

/// Whether a request that has its proper form makes sense (pure): one way to pay, and amounts that add up.
namespace kassi::api::ticket_order {

inline constexpr std::size_t lines_max = 50;             ///< orderDetails
inline constexpr std::int32_t tickets_a_line_max = 100;  ///< count
inline constexpr std::size_t order_id_characters = 12;   ///< A-Z 0-9, as the gateway wants them

enum class Way : std::uint8_t {
    nothing,       ///< free of charge: nobody is asked for money
    card,          ///< cardInfo: a card, or a token of one
    final_charge,  ///< borgun3DFinalInfo: a token, and the proof of a 3-D Secure that was gone through before
    apple_pay,     ///< applePayInfo: the proof of an Apple Pay sheet, for the device's card in cardInfo
};
/// The member of the request that asks for it; "" for nothing.
std::string_view member_of(Way way);

struct Checked {
    Way way = Way::nothing;
    Money total;           ///< what the lines add up to; 0 exactly for Way::nothing
    std::string order_id;  ///< the gateway's, of the part that pays; "" when the client left it to us
};

/// Adds up orderDetails in exact minor units and compares: every totalPrice that is given with ticketPrice *
/// count, order.totalPaidForTicket and cardInfo.amount (major units) and borgun3DFinalInfo.amount (two digits
/// more, whatever the currency: 4500 kr. are 450000) with the sum. A currency may be given in several places,
/// by code or number; all must agree.
///
/// An object of nothing but defaults, as .NET sends them, counts as absent. cardInfo beside applePayInfo is
/// the device's card, and then has no cvc and is not saved; every other two ways are refused, each pair by
/// name. That what is sold, to whom and at which price is right is not looked at: that takes the catalogue.
/// Refusals: bad_request, with one fault for everything that is wrong.
Outcome<Checked> check(const TicketOrder& request);

}  // namespace kassi::api::ticket_order
