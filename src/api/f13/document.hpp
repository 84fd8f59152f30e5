#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/f13/customer.hpp"
#include "base/money.hpp"
#include "core/transaction.hpp"

/// What the F13 door prints besides money and states: events, seats, send methods. It comes with the
/// hand-over as the opaque document; its JSON shape is described in README.md.
namespace kassi::api::f13 {

struct Seat {
    std::string id, row, column, separator, text;
    bool restricted_view = false;
    std::string barcode;  ///< printed once it is bought; "" none
};

/// The tickets of one discount within an order. Prices are of one ticket, in minor units.
struct TicketOrder {
    std::string discount_code, discount_description;
    std::int64_t seats_count = 0;
    std::int64_t seatprice = 0, surcharge = 0;
    std::vector<Seat> seats;  ///< only for seated events, once reserved
};

struct SendMethod {
    std::string code, description, type;  ///< type: collect, post, selfprint
    std::int64_t cost = 0;                ///< minor units, once a bundle
    Countries permitted;                  ///< empty: everywhere
    std::string voucher_url;  ///< printed once it is bought; "{transaction}" in it becomes the id; "" none
};

struct OrderText {
    std::int64_t item = 0;
    Currency currency;
    std::string event_json, performance_json;  ///< objects as F13 prints them; "" none
    std::string ticket_type_code, ticket_type_description;
    std::string price_band_code, price_band_description;  ///< code with its /pool
    std::int64_t seats_count = 0;
    std::int64_t seatprice = 0, surcharge = 0;  ///< of all seats, minor units
    std::string seat_request_status, reserve_failure_comment;
    std::vector<std::string> requested_seats;
    std::optional<SendMethod> send_method;
    std::vector<TicketOrder> ticket_orders;
};

struct Document {
    Countries countries;  ///< where customers may live; empty: anywhere
    Countries payment_cards;
    std::vector<std::pair<std::string, std::string>> prefilled_address;
    std::vector<std::string> languages{"en"};
    bool can_edit_address = true;
    bool needs_agent_reference = false, needs_email_address = false, needs_payment_card = false;
    bool supports_billing_address = false;
    bool contained_unavailable = false;
    std::vector<OrderText> orders;
    std::vector<OrderText> unreserved, discarded;
};

/// Never fails: what is missing, foreign or of another type is left out.
Document read_document(std::string_view json);
std::string document_json(const Document& document);

/// The order as the transaction has it, with what the document knows about it. Money is the transaction's:
/// where the document's prices do not add up to it, they are not shown.
OrderText order_text(const core::Order& order, const Document& document);

}  // namespace kassi::api::f13
