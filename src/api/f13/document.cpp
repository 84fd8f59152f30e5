#include "api/f13/document.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace kassi::api::f13 {
namespace {

using nlohmann::json;

// ---- reading ------------------------------------------------------------------------------------------
const json* member(const json& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

void read(const json& object, std::string_view name, std::string& out) {
    const auto* value = member(object, name);
    if (value != nullptr && value->is_string()) out = value->get<std::string>();
}

void read(const json& object, std::string_view name, bool& out) {
    const auto* value = member(object, name);
    if (value != nullptr && value->is_boolean()) out = value->get<bool>();
}

/// Counts and amounts; an amount past every lawful payment is no amount, and a product of the two fits an
/// int64.
constexpr std::int64_t seats_count_max = 10'000;
constexpr std::size_t ticket_orders_max = 100;

void read(const json& object, std::string_view name, std::int64_t& out,
          std::int64_t max = payment_minor_max) {
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_number_integer()) return;
    const auto number = value->get<std::int64_t>();
    if (number >= 0 && number <= max) out = number;
}

void read(const json& object, std::string_view name, std::vector<std::pair<std::string, std::string>>& out) {
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_object()) return;
    for (const auto& [key, text] : value->items()) {
        if (text.is_string()) out.emplace_back(key, text.get<std::string>());
    }
}

void read(const json& object, std::string_view name, std::vector<std::string>& out) {
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_array()) return;
    out.clear();
    for (const auto& text : *value) {
        if (text.is_string()) out.push_back(text.get<std::string>());
    }
}

/// An object that a client can read: each of `ids` is a text in it.
std::string object_text(const json& object, std::string_view name,
                        std::initializer_list<std::string_view> ids) {
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_object()) return {};
    for (const auto id : ids) {
        const auto* text = member(*value, id);
        if (text == nullptr || !text->is_string()) return {};
    }
    return value->dump();
}

template <class Each>
void each(const json& object, std::string_view name, Each&& use) {
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_array()) return;
    for (const auto& element : *value) {
        if (element.is_object()) use(element);
    }
}

Seat read_seat(const json& object) {
    Seat seat;
    read(object, "full_id", seat.id);
    read(object, "row_id", seat.row);
    read(object, "col_id", seat.column);
    read(object, "separator", seat.separator);
    read(object, "seat_text", seat.text);
    read(object, "is_restricted_view", seat.restricted_view);
    read(object, "barcode", seat.barcode);
    return seat;
}

TicketOrder read_ticket_order(const json& object) {
    TicketOrder order;
    read(object, "discount_code", order.discount_code);
    read(object, "discount_desc", order.discount_description);
    read(object, "no_of_seats", order.seats_count, seats_count_max);
    read(object, "sale_seatprice", order.seatprice);
    read(object, "sale_surcharge", order.surcharge);
    each(object, "seats", [&](const json& seat) { order.seats.push_back(read_seat(seat)); });
    return order;
}

std::optional<SendMethod> read_send_method(const json& order) {
    const auto* object = member(order, "send_method");
    if (object == nullptr || !object->is_object()) return std::nullopt;
    SendMethod method;
    read(*object, "send_code", method.code);
    read(*object, "send_desc", method.description);
    read(*object, "send_type", method.type);
    read(*object, "send_cost", method.cost);
    read(*object, "permitted_countries", method.permitted);
    read(*object, "self_print_voucher_url", method.voucher_url);
    return method;
}

OrderText read_order(const json& object) {
    OrderText order;
    read(object, "item_number", order.item);
    std::string currency;
    read(object, "currency_code", currency);
    if (const auto known = Currency::parse(currency, "currency_code")) order.currency = *known;
    order.event_json = object_text(object, "event", {"event_id", "event_desc"});
    order.performance_json = object_text(object, "performance", {"perf_id", "event_id"});
    read(object, "ticket_type_code", order.ticket_type_code);
    read(object, "ticket_type_desc", order.ticket_type_description);
    read(object, "price_band_code", order.price_band_code);
    read(object, "price_band_desc", order.price_band_description);
    read(object, "total_no_of_seats", order.seats_count, seats_count_max);
    read(object, "total_sale_seatprice", order.seatprice);
    read(object, "total_sale_surcharge", order.surcharge);
    read(object, "seat_request_status", order.seat_request_status);
    read(object, "reserve_failure_comment", order.reserve_failure_comment);
    read(object, "requested_seat_ids", order.requested_seats);
    order.send_method = read_send_method(object);
    each(object, "ticket_orders", [&](const json& tickets) {
        if (order.ticket_orders.size() < ticket_orders_max)
            order.ticket_orders.push_back(read_ticket_order(tickets));
    });
    if (order.seatprice == 0 && order.surcharge == 0) {
        for (const auto& tickets : order.ticket_orders) {
            order.seatprice += tickets.seatprice * tickets.seats_count;
            order.surcharge += tickets.surcharge * tickets.seats_count;
        }
    }
    return order;
}

// ---- writing ------------------------------------------------------------------------------------------
void write(JsonWriter& out, std::string_view name,
           const std::vector<std::pair<std::string, std::string>>& pairs) {
    out.key(name).begin_object();
    for (const auto& [key, value] : pairs) out.field(key, value);
    out.end_object();
}

void write(JsonWriter& out, std::string_view name, const std::vector<std::string>& list) {
    out.key(name).begin_array();
    for (const auto& value : list) out.string(value);
    out.end_array();
}

void write_ticket_order(JsonWriter& out, const TicketOrder& order) {
    out.begin_object()
        .field("discount_code", order.discount_code)
        .field("discount_desc", order.discount_description)
        .field("no_of_seats", order.seats_count)
        .field("sale_seatprice", order.seatprice)
        .field("sale_surcharge", order.surcharge);
    out.key("seats").begin_array();
    for (const auto& seat : order.seats) {
        out.begin_object().field("full_id", seat.id).field("row_id", seat.row).field("col_id", seat.column);
        if (!seat.separator.empty()) out.field("separator", seat.separator);
        if (!seat.text.empty()) out.field("seat_text", seat.text);
        if (seat.restricted_view) out.field("is_restricted_view", true);
        if (!seat.barcode.empty()) out.field("barcode", seat.barcode);
        out.end_object();
    }
    out.end_array().end_object();
}

void write_order(JsonWriter& out, const OrderText& order) {
    out.begin_object().field("item_number", order.item).field("currency_code", order.currency.lower_code());
    if (!order.event_json.empty()) out.key("event").raw(order.event_json);
    if (!order.performance_json.empty()) out.key("performance").raw(order.performance_json);
    out.field("ticket_type_code", order.ticket_type_code)
        .field("ticket_type_desc", order.ticket_type_description)
        .field("price_band_code", order.price_band_code)
        .field("price_band_desc", order.price_band_description)
        .field("total_no_of_seats", order.seats_count)
        .field("total_sale_seatprice", order.seatprice)
        .field("total_sale_surcharge", order.surcharge)
        .field("seat_request_status", order.seat_request_status);
    if (!order.reserve_failure_comment.empty())
        out.field("reserve_failure_comment", order.reserve_failure_comment);
    write(out, "requested_seat_ids", order.requested_seats);
    if (order.send_method) {
        out.key("send_method")
            .begin_object()
            .field("send_code", order.send_method->code)
            .field("send_desc", order.send_method->description)
            .field("send_type", order.send_method->type)
            .field("send_cost", order.send_method->cost);
        if (!order.send_method->permitted.empty())
            write(out, "permitted_countries", order.send_method->permitted);
        if (!order.send_method->voucher_url.empty())
            out.field("self_print_voucher_url", order.send_method->voucher_url);
        out.end_object();
    }
    out.key("ticket_orders").begin_array();
    for (const auto& tickets : order.ticket_orders) write_ticket_order(out, tickets);
    out.end_array().end_object();
}

void write(JsonWriter& out, std::string_view name, const std::vector<OrderText>& orders) {
    out.key(name).begin_array();
    for (const auto& order : orders) write_order(out, order);
    out.end_array();
}

}  // namespace

Document read_document(std::string_view text) {
    Document document;
    if (text.empty()) return document;
    const auto parsed = parse_json(text, "document");
    if (!parsed) return document;
    const json& object = *parsed;
    read(object, "allowed_countries", document.countries);
    read(object, "accepted_payment_cards", document.payment_cards);
    read(object, "prefilled_address", document.prefilled_address);
    read(object, "language_list", document.languages);
    read(object, "can_edit_address", document.can_edit_address);
    read(object, "needs_agent_reference", document.needs_agent_reference);
    read(object, "needs_email_address", document.needs_email_address);
    read(object, "needs_payment_card", document.needs_payment_card);
    read(object, "supports_billing_address", document.supports_billing_address);
    read(object, "input_contained_unavailable_order", document.contained_unavailable);
    each(object, "orders", [&](const json& order) { document.orders.push_back(read_order(order)); });
    each(object, "unreserved_orders",
         [&](const json& order) { document.unreserved.push_back(read_order(order)); });
    each(object, "discarded_orders",
         [&](const json& order) { document.discarded.push_back(read_order(order)); });
    return document;
}

std::string document_json(const Document& document) {
    JsonWriter out;
    out.begin_object();
    write(out, "allowed_countries", document.countries);
    write(out, "accepted_payment_cards", document.payment_cards);
    write(out, "prefilled_address", document.prefilled_address);
    write(out, "language_list", document.languages);
    out.field("can_edit_address", document.can_edit_address)
        .field("needs_agent_reference", document.needs_agent_reference)
        .field("needs_email_address", document.needs_email_address)
        .field("needs_payment_card", document.needs_payment_card)
        .field("supports_billing_address", document.supports_billing_address)
        .field("input_contained_unavailable_order", document.contained_unavailable);
    write(out, "orders", document.orders);
    write(out, "unreserved_orders", document.unreserved);
    write(out, "discarded_orders", document.discarded);
    return out.end_object().take();
}

OrderText order_text(const core::Order& order, const Document& document) {
    OrderText text;
    const auto found = std::find_if(document.orders.begin(), document.orders.end(),
                                    [&](const OrderText& candidate) { return candidate.item == order.item; });
    if (found != document.orders.end()) text = *found;
    text.item = order.item;
    if (text.currency != order.amount.currency || text.seatprice + text.surcharge != order.amount.minor) {
        text.seatprice = order.amount.minor;
        text.surcharge = 0;
        text.ticket_orders.clear();
        text.currency = order.amount.currency;
    }
    return text;
}

}  // namespace kassi::api::f13
