#include "api/f13/print.hpp"

#include <algorithm>
#include <map>

#include "api/status.hpp"
#include "base/json.hpp"

namespace kassi::api::f13 {
namespace {

using core::Bundle;
using core::Leg;
using core::Phase;
using core::Transaction;

constexpr int error_code_authentication = 3;
constexpr int error_code_backend = 4;
constexpr int error_code_bad_data = 8;
constexpr int error_code_email = 2000;
constexpr int status_rejected = 460;  ///< well formed, and rejected for its content

// ---- small helpers ------------------------------------------------------------------------------------
void amount(JsonWriter& out, std::string_view name, std::int64_t minor, Currency currency) {
    out.key(name).raw(shortest_decimal(minor, currency.places()));
}

void pairs(JsonWriter& out, std::string_view name, const Countries& entries) {
    out.key(name).begin_object();
    for (const auto& [key, value] : entries) out.field(key, value);
    out.end_object();
}

void texts(JsonWriter& out, std::string_view name, const std::vector<std::string>& list) {
    out.key(name).begin_array();
    for (const auto& text : list) out.string(text);
    out.end_array();
}

std::vector<Currency> currencies_of(const Transaction& transaction) {
    std::vector<Currency> currencies;
    for (const auto& bundle : transaction.bundles) currencies.push_back(bundle.amount.currency);
    return currencies;
}

/// Minutes with two places, never more than there are.
std::string minutes_until(Instant until, Instant now) {
    constexpr std::int64_t millis_per_hundredth = 600;
    const auto left = std::max<std::int64_t>(0, (until - now).count());
    return shortest_decimal(left / millis_per_hundredth, 2);
}

bool lists(const Leg& leg, std::string_view source) {
    return std::find(leg.sources.begin(), leg.sources.end(), source) != leg.sources.end();
}

/// The leg that tells most about a bundle: the one that bought it, the one that covers it, or the last try.
const Leg* leg_of(const Transaction& transaction, std::string_view source) {
    const Leg* last = nullptr;
    for (const auto& leg : transaction.legs) {
        if (!lists(leg, source)) continue;
        last = &leg;
        if (!leg.refused && (leg.money == core::LegMoney::taken || leg.money == core::LegMoney::back))
            return last;
    }
    const Leg* covering = core::covering_leg(transaction, source);
    return covering != nullptr ? covering : last;
}

// ---- orders -------------------------------------------------------------------------------------------
/// What became of an order that was bought.
struct OrderOutcome {
    std::string transaction, purchase_reference, cancellation_reference;
    std::string_view cancellation_status;
};

void write_ticket_order(JsonWriter& out, const TicketOrder& tickets, Currency currency, bool bought) {
    out.begin_object()
        .field("discount_code", tickets.discount_code)
        .field("discount_desc", tickets.discount_description)
        .field("no_of_seats", tickets.seats_count);
    amount(out, "sale_seatprice", tickets.seatprice, currency);
    amount(out, "sale_surcharge", tickets.surcharge, currency);
    if (!tickets.seats.empty()) {
        out.key("seats").begin_array();
        for (const auto& seat : tickets.seats) write_seat(out, seat, bought);
        out.end_array();
    }
    const auto count = tickets.seats_count;
    amount(out, "total_sale_combined", (tickets.seatprice + tickets.surcharge) * count, currency);
    amount(out, "total_sale_seatprice", tickets.seatprice * count, currency);
    amount(out, "total_sale_surcharge", tickets.surcharge * count, currency);
    out.end_object();
}

void write_order(JsonWriter& out, const OrderText& order, const OrderOutcome* outcome = nullptr) {
    out.begin_object();
    if (outcome != nullptr) {
        out.field("backend_cancellation_reference", outcome->cancellation_reference)
            .field("backend_purchase_reference", outcome->purchase_reference)
            .field("cancellation_comment", "")
            .field("cancellation_status", outcome->cancellation_status);
    }
    if (!order.event_json.empty()) out.key("event").raw(order.event_json);
    out.field("item_number", order.item);
    if (!order.performance_json.empty()) out.key("performance").raw(order.performance_json);
    out.field("price_band_code", order.price_band_code)
        .field("price_band_desc", order.price_band_description);
    texts(out, "requested_seat_ids", order.requested_seats);
    if (!order.reserve_failure_comment.empty())
        out.field("reserve_failure_comment", order.reserve_failure_comment);
    out.field("seat_request_status", order.seat_request_status.empty() ? std::string_view("not_requested")
                                                                       : order.seat_request_status);
    if (order.send_method) {
        out.key("send_method");
        write_send_method(out, *order.send_method, order.currency,
                          outcome == nullptr ? std::string_view() : std::string_view(outcome->transaction));
    }
    out.key("ticket_orders").begin_object().key("ticket_order").begin_array();
    for (const auto& tickets : order.ticket_orders)
        write_ticket_order(out, tickets, order.currency, outcome != nullptr);
    out.end_array().end_object();
    out.field("ticket_type_code", order.ticket_type_code)
        .field("ticket_type_desc", order.ticket_type_description);
    out.field("total_no_of_seats", order.seats_count);
    amount(out, "total_sale_combined", order.seatprice + order.surcharge, order.currency);
    amount(out, "total_sale_seatprice", order.seatprice, order.currency);
    amount(out, "total_sale_surcharge", order.surcharge, order.currency);
    out.end_object();
}

// ---- purchase results ---------------------------------------------------------------------------------
void write_refusal(JsonWriter& out, const core::Refusal* refusal, const std::string& otherwise) {
    out.field("failed_3d_secure", refusal != nullptr && refusal->failed_3d_secure)
        .field("failed_avs", refusal != nullptr && refusal->failed_avs)
        .field("failed_cv_two", refusal != nullptr && refusal->failed_cv_two);
    const auto text = refusal != nullptr ? refusal->text : std::string();
    if (!text.empty()) out.field("failure_reason", text);
    const auto code = refusal != nullptr && !refusal->code.empty() ? refusal->code : otherwise;
    if (!code.empty()) out.field("purchase_error", code);
}

/// The first refusal of a leg that no later try made good.
const core::Refusal* first_refusal(const Transaction& transaction) {
    for (const auto& bundle : transaction.bundles) {
        if (core::bundle_bought(transaction, bundle.source)) continue;
        const auto* leg = leg_of(transaction, bundle.source);
        if (leg != nullptr && leg->refused) return &*leg->refused;
    }
    return nullptr;
}

bool verdict_on_purchase(const Transaction& transaction) {
    switch (transaction.phase) {
        case Phase::purchased:
        case Phase::cancelled:
            return true;
        case Phase::failed:
            return transaction.purchase_asked_at.has_value();
        case Phase::reserved:
        case Phase::authorising:
        case Phase::confirming:
        case Phase::capturing:
        case Phase::released:
            break;
    }
    return false;
}

void write_trolley_result(JsonWriter& out, const Transaction& transaction) {
    const bool success =
        std::any_of(transaction.bundles.begin(), transaction.bundles.end(),
                    [&](const Bundle& bundle) { return core::bundle_bought(transaction, bundle.source); });
    const bool partial = core::is_partial(transaction);
    out.key("purchase_result").begin_object();
    write_refusal(out, first_refusal(transaction), success ? std::string() : transaction.why);
    out.field("is_partial", partial).field("success", success).end_object();
}

void write_bundle_result(JsonWriter& out, const House& house, const Transaction& transaction,
                         const Bundle& bundle, bool bought) {
    const auto* leg = leg_of(transaction, bundle.source);
    const auto* facts = leg == nullptr ? nullptr : house.registry.facts_of(leg->merchant);
    const auto* refusal = !bought && leg != nullptr && leg->refused ? &*leg->refused : nullptr;
    out.key("purchase_result")
        .begin_object()
        .field("can_cancel_individual_orders", bought && facts != nullptr && facts->can_refund_part);
    write_refusal(out, refusal, bought ? std::string() : transaction.why);
    out.field("is_semi_credit", false).field("success", bought).end_object();
}

/// The owner's own reference where the owner gave one; the sandbox invents one, as F13's demo does.
std::string purchase_reference(const House& house, const Transaction& transaction, const Bundle& bundle,
                               std::int64_t item) {
    for (const auto& [source, reference] : transaction.confirmations) {
        if (source == bundle.source) return reference;
    }
    if (house.mode != engine::Mode::sandbox) return {};
    const auto& reference = transaction.reference;
    return "PURCHASE-" + reference.substr(reference.rfind('-') + 1) + "-" + std::to_string(item);
}

OrderOutcome outcome_of(const House& house, const Transaction& transaction, const Bundle& bundle,
                        const core::Order& order) {
    OrderOutcome outcome;
    outcome.transaction = transaction.id.text();
    outcome.purchase_reference = purchase_reference(house, transaction, bundle, order.item);
    outcome.cancellation_status = cancellation_word(
        transaction, bundle, order, [&](std::string_view merchant) { return house.facts_of(merchant); });
    if (outcome.cancellation_status == "cancelled" && house.mode == engine::Mode::sandbox)
        outcome.cancellation_reference = "CANCEL-" +
                                         transaction.reference.substr(transaction.reference.rfind('-') + 1) +
                                         "-" + std::to_string(order.item);
    return outcome;
}

// ---- bundles and trolley ------------------------------------------------------------------------------
void write_bundle(JsonWriter& out, const Page& page, const Bundle& bundle) {
    const auto& transaction = page.transaction;
    const bool bought = core::bundle_bought(transaction, bundle.source);
    std::vector<OrderText> orders;
    Totals totals;
    for (const auto& order : bundle.orders) {
        orders.push_back(order_text(order, page.document));
        totals.seatprice += orders.back().seatprice;
        totals.surcharge += orders.back().surcharge;
    }
    const auto rest = bundle.amount.minor - totals.seatprice - totals.surcharge;
    // What is not an order's is for sending; a bundle that came without orders is all price.
    (bundle.orders.empty() ? totals.seatprice : totals.send_cost) += rest;

    out.begin_object()
        .field("bundle_order_count", bundle.orders.size())
        .field("bundle_source_code", bundle.source)
        .field("bundle_source_desc", source_description(page.house, bundle.source, bundle.description));
    write_totals(out, totals, bundle.amount.currency);
    out.field("currency_code", bundle.amount.currency.lower_code());
    const auto* leg = leg_of(transaction, bundle.source);
    write_debitor(out, page.house,
                  leg != nullptr ? leg->merchant : merchant_for(page.house, page.caller, bundle.source));
    out.key("order").begin_array();
    for (std::size_t i = 0; i < orders.size(); ++i) {
        if (bought) {
            const auto outcome = outcome_of(page.house, transaction, bundle, bundle.orders[i]);
            write_order(out, orders[i], &outcome);
        } else {
            write_order(out, orders[i]);
        }
    }
    out.end_array();
    // While it is being attempted only a refusal is news: another way of paying may be tried.
    const bool refused = leg != nullptr && leg->refused.has_value();
    if (verdict_on_purchase(transaction) || (refused && !core::has_verdict(transaction.phase)))
        write_bundle_result(out, page.house, transaction, bundle, bought);
    out.end_object();
}

std::size_t order_count(const Transaction& transaction) {
    std::size_t count = 0;
    for (const auto& bundle : transaction.bundles) count += bundle.orders.size();
    return count;
}

void write_trolley_contents(JsonWriter& out, const Page& page) {
    const auto& transaction = page.transaction;
    out.key("trolley_contents").begin_object().key("bundle").begin_array();
    for (const auto& bundle : transaction.bundles) write_bundle(out, page, bundle);
    out.end_array();
    if (verdict_on_purchase(transaction)) write_trolley_result(out, transaction);
    if (transaction.purchase_asked_at) out.field("transaction_id", transaction.reference);
    out.field("transaction_uuid", transaction.id.text())
        .field("trolley_bundle_count", transaction.bundles.size())
        .field("trolley_order_count", order_count(transaction))
        .end_object();
}

// ---- callout ------------------------------------------------------------------------------------------
void write_callout(JsonWriter& out, const Page& page, std::string_view name) {
    const auto& callout = *page.callout;
    const auto* leg = core::leg_away(page.transaction);
    const auto source = leg == nullptr || leg->sources.empty() ? std::string() : leg->sources.front();
    const auto bundle = std::find_if(page.transaction.bundles.begin(), page.transaction.bundles.end(),
                                     [&](const Bundle& candidate) { return candidate.source == source; });
    const auto description = bundle == page.transaction.bundles.end() ? std::string() : bundle->description;
    const auto money = leg == nullptr ? Money{} : leg->amount;

    out.key(name).begin_object().field("bundle_source_code", source);
    out.field("bundle_source_desc", source_description(page.house, source, description));
    amount(out, "bundle_total_cost", money.minor, money.currency);
    out.field("callout_destination_url", callout.destination);
    out.key("callout_integration_data")
        .raw(callout.integration_json.empty() ? "{}" : callout.integration_json);
    // A name that comes twice can stand only once in a JSON object: the first counts.
    out.key("callout_parameters").begin_object();
    std::vector<std::string> order;
    for (const auto& [parameter, value] : callout.parameters) {
        if (std::find(order.begin(), order.end(), parameter) != order.end()) continue;
        out.field(parameter, value);
        order.push_back(parameter);
    }
    out.end_object();
    texts(out, "callout_parameters_order", order);
    out.field("callout_type", callout.type).field("currency_code", money.currency.lower_code());
    if (leg != nullptr) write_debitor(out, page.house, leg->merchant);
    out.field("return_token", callout.return_token).end_object();
}

// ---- status -------------------------------------------------------------------------------------------
bool attempting(Phase phase) {
    return status_word(phase) == "attempting";
}

/// Status, and what reserve.v1 has besides.
std::string print_state(const Page& page, bool reservation) {
    const auto& transaction = page.transaction;
    const auto& document = page.document;
    const bool held = transaction.phase == Phase::reserved || attempting(transaction.phase);
    JsonWriter out;
    out.begin_object();
    pairs(out, "accepted_payment_cards", document.payment_cards);
    pairs(out, "allowed_countries", document.countries);
    out.field("can_edit_address", document.can_edit_address);
    write_currency_details(out, currencies_of(transaction));
    if (page.customer_json && !page.customer_json->empty()) {
        out.key("customer");
        write_customer(out, *page.customer_json, document.countries);
    }
    if (reservation) {
        write_orders(out, "discarded_orders", document.discarded);
        out.field("input_contained_unavailable_order", document.contained_unavailable);
    }
    texts(out, "language_list", document.languages);
    if (held) out.key("minutes_left_on_reserve").raw(minutes_until(transaction.held_until, page.now));
    out.field("needs_agent_reference", document.needs_agent_reference)
        .field("needs_email_address", document.needs_email_address)
        .field("needs_payment_card", document.needs_payment_card);
    if (page.callout != nullptr && attempting(transaction.phase)) write_callout(out, page, "pending_callout");
    pairs(out, "prefilled_address", document.prefilled_address);
    const bool bought = transaction.phase == Phase::purchased || transaction.phase == Phase::cancelled;
    if (bought && transaction.verdict_at)
        out.field("purchase_iso8601_date_and_time",
                  iso8601(std::chrono::floor<std::chrono::seconds>(*transaction.verdict_at)));
    out.field("remote_site", page.remote_site)
        .field("reserve_iso8601_date_and_time",
               iso8601(std::chrono::floor<std::chrono::seconds>(transaction.handed_over_at)))
        .field("supports_billing_address", document.supports_billing_address)
        .field("transaction_status", status_word(transaction.phase));
    write_trolley_contents(out, page);
    out.field("trolley_order_count", order_count(transaction));
    if (reservation) write_orders(out, "unreserved_orders", document.unreserved);
    return out.end_object().take();
}

int code_of(int status) {
    if (status == http_status(ErrorKind::unauthenticated)) return error_code_authentication;
    return status >= http_status(ErrorKind::internal) ? error_code_backend : error_code_bad_data;
}

/// F13 has no words for a conflict and for foreign content: both are bad data.
int status_of(ErrorKind kind) {
    const bool bad_data = kind == ErrorKind::conflict || kind == ErrorKind::unsupported_media;
    return http_status(bad_data ? ErrorKind::bad_request : kind);
}

std::string text_of(const Error& error) {
    if (error.kind == ErrorKind::unauthenticated) return "User authorisation failure";
    if (error.kind == ErrorKind::internal) return "internal error";
    if (error.field.empty()) return error.message.empty() ? "Bad data supplied" : error.message;
    return error.field + ": " + error.message;
}

}  // namespace

// ---- pieces -------------------------------------------------------------------------------------------
void write_currency_details(JsonWriter& out, const std::vector<Currency>& currencies) {
    std::map<std::string, Currency> sorted;
    for (const auto currency : currencies) sorted.emplace(currency.lower_code(), currency);
    out.key("currency_details").begin_object();
    for (const auto& [code, currency] : sorted) {
        std::int64_t factor = 1;
        for (int place = 0; place < currency.places(); ++place) factor *= 10;
        out.key(code)
            .begin_object()
            .field("currency_code", code)
            .field("currency_factor", factor)
            .field("currency_number", currency.number())
            .field("currency_places", currency.places())
            .field("currency_post_symbol", currency.post_symbol())
            .field("currency_pre_symbol", currency.pre_symbol())
            .end_object();
    }
    out.end_object();
}

void write_debitor(JsonWriter& out, const House& house, std::string_view merchant_name) {
    const auto* merchant = house.registry.merchant(merchant_name);
    const auto* flow = merchant == nullptr ? nullptr : house.registry.flow(merchant->provider);
    const auto debitor = flow == nullptr ? std::nullopt : flow->debitor(*merchant);
    if (!debitor) return;
    out.key("debitor").begin_object();
    if (!debitor->aggregation_key.empty()) out.field("debitor_aggregation_key", debitor->aggregation_key);
    out.field("debitor_desc", debitor->description);
    out.key("debitor_integration_data")
        .raw(debitor->integration_json.empty() ? "{}" : debitor->integration_json);
    out.field("debitor_name", debitor->name).field("debitor_type", debitor->type).end_object();
}

std::string merchant_for(const House& house, const engine::Caller& caller, std::string_view source) {
    const auto ways = house.directory.ways(caller, source);
    return ways.empty() ? std::string() : ways.front();
}

void write_seat(JsonWriter& out, const Seat& seat, bool bought) {
    out.begin_object();
    if (bought && !seat.barcode.empty()) out.field("barcode", seat.barcode);
    out.field("col_id", seat.column)
        .field("full_id", seat.id)
        .field("is_restricted_view", seat.restricted_view)
        .field("row_id", seat.row);
    if (!seat.text.empty()) out.field("seat_text", seat.text);
    out.field("separator", seat.separator).end_object();
}

void write_send_method(JsonWriter& out, const SendMethod& method, Currency currency,
                       std::string_view transaction) {
    constexpr std::string_view place = "{transaction}";
    out.begin_object();
    if (!method.voucher_url.empty()) out.field("can_generate_self_print", true);
    if (!method.permitted.empty()) {
        out.key("permitted_countries").begin_object().key("country").begin_array();
        for (const auto& [code, name] : method.permitted)
            out.begin_object().field("country_code", code).field("country_desc", name).end_object();
        out.end_array().end_object();
    }
    out.field("send_code", method.code);
    amount(out, "send_cost", method.cost, currency);
    out.field("send_desc", method.description);
    if (!method.voucher_url.empty() && !transaction.empty()) {
        auto url = method.voucher_url;
        if (const auto at = url.find(place); at != std::string::npos)
            url.replace(at, place.size(), transaction);
        out.field("self_print_voucher_url", url);
    }
    out.field("send_type", method.type).end_object();
}

void write_orders(JsonWriter& out, std::string_view name, const std::vector<OrderText>& orders) {
    out.key(name).begin_array();
    for (const auto& order : orders) write_order(out, order);
    out.end_array();
}

void write_totals(JsonWriter& out, const Totals& totals, Currency currency) {
    amount(out, "bundle_total_cost", totals.seatprice + totals.surcharge + totals.send_cost, currency);
    amount(out, "bundle_total_seatprice", totals.seatprice, currency);
    amount(out, "bundle_total_send_cost", totals.send_cost, currency);
    amount(out, "bundle_total_surcharge", totals.surcharge, currency);
}

// ---- pages --------------------------------------------------------------------------------------------
House house_of(const engine::Engine& engine) {
    return {engine.directory(), engine.registry(), engine.settings().mode};
}

HttpResponse error_response(int status, std::string_view text) {
    JsonWriter out;
    out.begin_object().field("error_code", code_of(status)).field("error_desc", text).end_object();
    return json_response(status, out.take());
}

HttpResponse error_response(const Error& error) {
    auto response = error_response(status_of(error.kind), text_of(error));
    if (error.kind == ErrorKind::unauthenticated)
        response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Kassi\", charset=\"UTF-8\"");
    if (error.kind == ErrorKind::unavailable) response.headers.emplace_back("Retry-After", "1");
    return response;
}

HttpResponse rejection(int error_code, std::string_view text) {
    JsonWriter out;
    out.begin_object().field("error_code", error_code).field("error_desc", text).end_object();
    return json_response(status_rejected, out.take());
}

HttpResponse error_response(const EmailFault& fault) {
    JsonWriter out;
    out.begin_object()
        .field("error_code", error_code_email)
        .field("error_desc", std::string("email_address: ").append(fault.text))
        .field("error_key", fault.key)
        .end_object();
    return json_response(status_rejected, out.take());
}

std::string source_description(const House& house, const std::string& source, const std::string& given) {
    if (!given.empty()) return given;
    const auto* known = house.directory.source(source);
    return known != nullptr && !known->description.empty() ? known->description : source;
}

std::string_view status_word(Phase phase) {
    switch (phase) {
        case Phase::reserved:
            return "reserved";
        case Phase::authorising:
        case Phase::confirming:
        case Phase::capturing:
            return "attempting";
        case Phase::purchased:
        case Phase::cancelled:
            return "purchased";
        case Phase::failed:
            return "failed";
        case Phase::released:
            return "released";
    }
    return "failed";
}

std::string_view cancellation_word(const Transaction& transaction, const Bundle& bundle,
                                   const core::Order& order, const FactsOf& facts_of) {
    const auto* leg = leg_of(transaction, bundle.source);
    std::string_view refunded;
    if (leg != nullptr) {
        for (const auto& refund : leg->refunds) {
            if (std::find(refund.items.begin(), refund.items.end(), order.item) == refund.items.end())
                continue;
            // Asked for is as good as done: it is driven to its end, or ends with a person.
            refunded = refund.state == core::RefundState::failed ? "tried_and_failed" : "cancelled";
        }
        if (leg->money == core::LegMoney::back) refunded = "cancelled";
    }
    if (!refunded.empty()) return refunded;
    const auto* facts = leg == nullptr ? nullptr : facts_of(leg->merchant);
    return order.cancellable && facts != nullptr && facts->can_refund ? "possible" : "not_permitted";
}

std::string print_reservation(const Page& page) {
    return print_state(page, true);
}

std::string print_status(const Page& page) {
    return print_state(page, false);
}

std::string print_callout(const Page& page) {
    JsonWriter out;
    out.begin_object();
    write_callout(out, page, "callout");
    write_currency_details(out, currencies_of(page.transaction));
    return out.end_object().take();
}

std::string print_purchase(const Page& page) {
    return page.callout != nullptr && attempting(page.transaction.phase) ? print_callout(page)
                                                                         : print_status(page);
}

std::string print_cancellation(const Page& page, const std::vector<std::int64_t>& newly_cancelled) {
    JsonWriter out;
    out.begin_object().key("cancelled_item_numbers").begin_array();
    for (const auto item : newly_cancelled) out.integer(item);
    out.end_array();
    write_currency_details(out, currencies_of(page.transaction));
    out.field("transaction_status", status_word(page.transaction.phase));
    write_trolley_contents(out, page);
    return out.end_object().take();
}

std::string print_must_also_cancel(const Page& page, const std::vector<std::int64_t>& items) {
    JsonWriter out;
    out.begin_object().key("cancelled_item_numbers").begin_array().end_array();
    write_currency_details(out, currencies_of(page.transaction));
    out.key("must_also_cancel").begin_array();
    for (const auto& bundle : page.transaction.bundles) {
        for (const auto& order : bundle.orders) {
            if (std::find(items.begin(), items.end(), order.item) == items.end()) continue;
            const auto outcome = outcome_of(page.house, page.transaction, bundle, order);
            write_order(out, order_text(order, page.document), &outcome);
        }
    }
    return out.end_array().end_object().take();
}

std::string print_user(const engine::Caller& caller, std::string_view sub_user) {
    const auto& name = caller.real_name.empty() ? caller.name : caller.real_name;
    const auto write = [&](JsonWriter& out) {
        out.field("backend_group", caller.system)
            .field("content_group", caller.system)
            .field("default_country_code", caller.country)
            .field("is_b2b", false)
            .field("real_name", name)
            .field("statement_descriptor", "")
            .field("sub_user", sub_user)
            .field("user_id", caller.name);
    };
    JsonWriter out;
    out.begin_object();
    write(out);  // some clients look here
    out.key("user_info").begin_object();
    write(out);
    return out.end_object().end_object().take();
}

}  // namespace kassi::api::f13
