#include "sandbox/shop/match.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/ticket_order/checks.hpp"
#include "api/ticket_order/jsv.hpp"
#include "api/ticket_order/request.hpp"
#include "api/ticket_order/signature.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/football.hpp"

namespace kassi::sandbox::shop {
namespace {

namespace ticket_order = api::ticket_order;
using nlohmann::json;

constexpr int tickets_max = 10;
constexpr std::size_t order_id_characters = 12;

/// A card of the sandbox's gateway. Its number is not typed in, and not shown.
struct MatchCard {
    std::string_view key, number, about;
};
constexpr MatchCard cards[] = {
    {"approves", "5587402000012011", "a card that is charged"},
    {"declined", "4155520000000002", "a card that is declined"},
    {"secure", "4000000000003220", "a card whose bank wants 3-D Secure"},
};

std::string value_of(const Fields& fields, std::string_view name, std::string otherwise = "") {
    const auto* value = find_field(fields, name);
    return value == nullptr ? std::move(otherwise) : *value;
}

std::string count_field(const FootballTicket& ticket) {
    return "count." + std::to_string(ticket.type);
}

/// What a newcomer finds: two adults.
std::string count_of(const Fields& fields, const FootballTicket& ticket) {
    return value_of(fields, count_field(ticket), ticket.type == 1 ? "2" : "0");
}

std::vector<std::string_view> accounts() {
    std::vector<std::string_view> names;
    for (const auto& account : demo_accounts())
        if (is_ticket_order_account(account.name)) names.push_back(account.name);
    return names;
}

struct Wanted {
    json lines = json::array();
    std::int64_t total = 0;
};

Result<Wanted> wanted(const Fields& fields) {
    Wanted wanted;
    for (const auto& ticket : football_tickets()) {
        const auto text = count_of(fields, ticket);
        const auto count = ticket_order::read_integer(text, 0, tickets_max);
        if (!count)
            return bad_request(count_field(ticket), "must be from 0 to " + std::to_string(tickets_max));
        if (*count == 0) continue;
        wanted.lines.push_back({{"eventSeriesTicketType", ticket.type},
                                {"ticketPrice", ticket.price},
                                {"count", *count},
                                {"totalPrice", ticket.price * *count}});
        wanted.total += ticket.price * *count;
    }
    if (wanted.lines.empty()) return bad_request("count.1", "choose at least one ticket");
    return wanted;
}

json payment(const MatchCard& card, std::int64_t total, const std::string& order_id) {
    json info{{"paymentMethod",
               {{"paymentType", "Card"},
                {"pan", card.number},
                {"expYear", "2031"},
                {"expMonth", "09"},
                {"cvc", "737"}}},
              {"amount", total},
              {"currency", "ISK"}};
    if (!order_id.empty()) info["orderId"] = order_id;
    return info;
}

/// README.md of the door, "Signature".
void sign(json& order, const std::string& account, const Secret<>& master_key, Instant now) {
    order["requestUnixUTCTimeStamp"] =
        std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    order["signature"] = {{"systemId", account}};
    const auto text = order.dump();
    ticket_order::Incoming incoming;
    incoming.form = ticket_order::BodyForm::json;
    incoming.body = text;
    const auto request = ticket_order::read_request(incoming);
    if (!request) return;
    const auto checked = ticket_order::check(*request);
    if (!checked) return;
    order["signature"]["signature"] = ticket_order::sign(*request, checked->total, checked->order_id,
                                                         Secret<>(ticket_order_secret(master_key, account)));
}

/// Without what a page does not show.
json masked(json order) {
    if (!order.contains("cardInfo")) return order;
    auto& method = order["cardInfo"]["paymentMethod"];
    auto number = method["pan"].get<std::string>();
    constexpr std::size_t first = 6, last = 4;
    std::fill(number.begin() + first, number.end() - last, '*');
    method["pan"] = number;
    method["cvc"] = "***";
    return order;
}

std::string written(const json& order, bool as_jsv) {
    const auto text = order.dump();
    if (!as_jsv) return text;
    const auto tree = ticket_order::read_json(text, "body");
    KASSI_ENSURE(tree.has_value());
    return ticket_order::write_jsv(*tree);
}

json choices(const auto& all, const std::string& chosen) {
    json out = json::array();
    for (const auto& [value, label] : all)
        out.push_back({{"value", value}, {"label", label}, {"chosen", value == chosen}});
    return out;
}

}  // namespace

Result<MatchOrder> match_order(const Fields& fields, const std::string& url, const Secret<>& master_key,
                               Instant now) {
    const auto account = value_of(fields, "account", "app");
    if (!is_ticket_order_account(account)) return bad_request("account", "is none of the TicketOrder door's");
    const auto key = value_of(fields, "card", std::string(cards[0].key));
    const auto* card = std::find_if(std::begin(cards), std::end(cards),
                                    [&key](const MatchCard& each) { return each.key == key; });
    if (card == std::end(cards)) return bad_request("card", "is none of these cards");
    const auto order_id = value_of(fields, "order_id");
    if (!order_id.empty() && order_id.size() != order_id_characters)
        return bad_request("order_id", "must have 12 characters, A-Z and 0-9, or none");
    const auto tickets = wanted(fields);
    if (!tickets) return tickets.error();

    json order{{"order", {{"eventId", football_event}, {"currency", "ISK"}}},
               {"orderDetails", tickets->lines}};
    if (tickets->total > 0) order["cardInfo"] = payment(*card, tickets->total, order_id);
    if (account == "app-signed") sign(order, account, master_key, now);
    const bool as_jsv = value_of(fields, "format") == "jsv";
    const std::string type = as_jsv ? "application/jsv" : "application/json";
    MatchOrder out;
    out.request = {"POST",
                   url + "/ticketOrder",
                   {{"Content-Type", type},
                    {"Accept", type},
                    {"Authorization", "Basic " + encoding::base64(account + ":demopass")}},
                   written(order, as_jsv),
                   ""};
    out.shown = "POST /ticketOrder\nContent-Type: " + type + "\nAccept: " + type +
                "\nAuthorization: Basic (" + account + ")\n\n" +
                (as_jsv ? written(masked(order), true) : masked(order).dump(2));
    return out;
}

std::string match_answer(const HttpResponse& response) {
    auto out = std::to_string(response.status) +
               "\nContent-Type: " + std::string(response.header("Content-Type")) + "\n\n";
    const auto body = json::parse(response.body, nullptr, false);
    return out + (body.is_discarded() ? response.body : body.dump(2));
}

json match_content(const Fields& fields, Instant now) {
    std::vector<std::pair<std::string, std::string>> who, what;
    for (const auto name : accounts()) who.emplace_back(name, name);
    for (const auto& card : cards) what.emplace_back(card.key, card.about);
    json tickets = json::array();
    const auto krona = *Currency::parse("ISK", "currency");
    for (const auto& ticket : football_tickets()) {
        json counts = json::array();
        for (int count = 0; count <= tickets_max; ++count)
            counts.push_back(
                {{"value", count}, {"chosen", count_of(fields, ticket) == std::to_string(count)}});
        tickets.push_back({{"name", ticket.name},
                           {"price", money_for_people({ticket.price, krona})},
                           {"field", count_field(ticket)},
                           {"counts", std::move(counts)}});
    }
    const std::vector<std::pair<std::string, std::string>> formats{{"json", "JSON"}, {"jsv", "JSV"}};
    return {{"title", "Football"},
            {"heading", football_title()},
            {"when", instant_for_people(football_kick_off(now))},
            {"tickets", std::move(tickets)},
            {"accounts", choices(who, value_of(fields, "account", "app"))},
            {"cards", choices(what, value_of(fields, "card", std::string(cards[0].key)))},
            {"formats", choices(formats, value_of(fields, "format", "json"))},
            {"order_id", value_of(fields, "order_id")}};
}

}  // namespace kassi::sandbox::shop
