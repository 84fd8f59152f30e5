#include "sandbox/shop/browse.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::shop {
namespace {

using box_office::Event;
using box_office::Performance;
using nlohmann::json;

std::string url(const std::string& path, Fields fields, const std::string& token) {
    if (!token.empty()) fields.emplace_back("trolley", token);
    return fields.empty() ? path : path + "?" + encoding::form(fields);
}

std::string event_url(const Event& event, const std::string& token) {
    return url("/shop/events/" + event.id, {}, token);
}
std::string tickets_url(const Performance& performance, const std::string& token) {
    return url("/shop/performances/" + encoding::percent_encode(performance.id), {}, token);
}

std::string when_of(const Event& event, const Performance& performance) {
    if (!performance.day) return {};
    const bool timed = event.members.at("show_perf_time") == "true";
    return box_office::date_text(*performance.day) +
           (timed ? ", " + box_office::time_text(performance.minutes) : std::string());
}

/// "£21.00 to £51.75"
std::string prices_of(const Event& event) {
    const auto range = box_office::cost_range(box_office::default_tickets(event));
    if (!range) return {};
    const auto from = money_for_people({range->cost_min, event.currency});
    const auto to = money_for_people({range->cost_max, event.currency});
    return (from == to ? from : from + " to " + to) + (event.needs_duration ? " a night" : "");
}

json card_of(const Reading& reading, const Event& event, const std::string& token) {
    return {{"title", event.description},
            {"venue", event.venue},
            {"city", event.city.description},
            {"country", event.city.country},
            {"source", event.source},
            {"source_name", reading.catalogue.sources.find(event.source)->second},
            {"prices", prices_of(event)},
            {"url", event_url(event, token)}};
}

/// Browsers write 2027-01-31.
void add_dates(const Fields& fields, Fields& query) {
    const auto day = [&](std::string_view name) {
        const auto* text = find_field(fields, name);
        auto compact = text == nullptr ? std::string() : *text;
        std::erase(compact, '-');
        return compact;
    };
    const auto range = day("from") + ":" + day("to");
    if (range != ":") query.emplace_back("date_range", range);
}

const char* const kept_names[] = {"keywords", "city_code", "sort_order", "from", "to"};

void add_pages(json& content, const box_office::PagingStatus& status, const std::string& path,
               const Fields& fields, const std::string& token) {
    const auto page_url = [&](std::int64_t number) {
        Fields query;
        for (const auto* name : kept_names)
            if (const auto* value = find_field(fields, name); value != nullptr && !value->empty())
                query.emplace_back(name, *value);
        query.emplace_back("page_no", std::to_string(number));
        return url(path, std::move(query), token);
    };
    if (status.page.number > 0 && status.total > 0) content["earlier"] = page_url(status.page.number - 1);
    if (status.remaining() > 0) content["later"] = page_url(status.page.number + 1);
    content["count"] = status.total;
    content["one"] = status.total == 1;
}

json option(const std::string& value, const std::string& label, const std::string& chosen) {
    return {{"value", value}, {"label", label}, {"chosen", value == chosen}};
}

std::string text_of(const Fields& fields, std::string_view name) {
    const auto* value = find_field(fields, name);
    return value == nullptr ? std::string() : *value;
}

json sort_options(const std::string& chosen) {
    constexpr std::pair<const char*, const char*> orders[] = {{"alphabetic", "by name"},
                                                              {"most_popular", "most popular first"},
                                                              {"cost_ascending", "cheapest first"},
                                                              {"cost_descending", "dearest first"},
                                                              {"critic_rating", "best rated first"},
                                                              {"recent", "newest first"},
                                                              {"last_sale", "last sold first"}};
    json options = json::array();
    for (const auto& [value, label] : orders) options.push_back(option(value, label, chosen));
    return options;
}

json city_options(const box_office::Catalogue& catalogue, const std::string& chosen) {
    json options = json::array({option("", "everywhere", chosen)});
    for (const auto& [code, city] : catalogue.cities)
        options.push_back(option(code, city.description + ", " + city.country, chosen));
    return options;
}

// ---- the seat map -------------------------------------------------------------------------------------
struct Cell {
    const api::f13::Seat* seat = nullptr;
    const box_office::OfferedBand* band = nullptr;
    std::size_t band_number = 0;
};
using Row = std::map<int, Cell>;

json cell_of(const Event& event, const Cell& cell) {
    if (cell.seat == nullptr) return {{"gap", true}};
    const auto price = money_for_people({cell.band->discounts.front()->cost(), event.currency});
    auto words = cell.band->type->description + ", seat " + cell.seat->id + ", " + price;
    if (cell.seat->restricted_view) words += ", restricted view";
    if (!cell.seat->text.empty()) words += ", " + cell.seat->text;
    return {{"seat", cell.seat->column},
            {"value", cell.band->type->code + "/" + cell.band->band->code + "/" + cell.seat->id},
            {"words", words},
            {"band", cell.band_number},
            {"restricted", cell.seat->restricted_view}};
}

void add_seat_map(json& content, const Event& event, const std::vector<box_office::OfferedBand>& bands) {
    std::map<std::string, Row> rows;
    int last = 0;
    json legend = json::array();
    for (std::size_t i = 0; i < bands.size(); ++i) {
        legend.push_back({{"band", i % 6},
                          {"name", bands[i].type->description + " " + bands[i].band->code},
                          {"price", money_for_people({bands[i].discounts.front()->cost(), event.currency})}});
        for (const auto& block : bands[i].band->blocks) {
            for (const auto& seat : block) {
                const int column = std::stoi(seat.column);
                last = std::max(last, column);
                rows[seat.row][column] = {&seat, &bands[i], i % 6};
            }
        }
    }
    json shown = json::array();
    for (const auto& [name, row] : rows) {
        json cells = json::array();
        for (int column = 1; column <= last; ++column) {
            const auto cell = row.find(column);
            cells.push_back(cell_of(event, cell == row.end() ? Cell{} : cell->second));
        }
        shown.push_back({{"row", name}, {"cells", std::move(cells)}});
    }
    content["seat_map"] = {{"rows", std::move(shown)}, {"legend", std::move(legend)}};
    content["contiguous"] = event.rules.contiguous;
    content["no_singles"] = event.rules.leaving_singles == box_office::LeavingSingles::never;
}

json bands_content(const Event& event, const std::vector<box_office::OfferedBand>& bands) {
    json shown = json::array();
    for (const auto& band : bands) {
        json discounts = json::array();
        for (const auto* discount : band.discounts) {
            json counts = json::array({0});
            for (const auto quantity : event.quantities) counts.push_back(quantity);
            const auto field = "n." + band.type->code + "." + band.band->code + "." + discount->code;
            discounts.push_back({{"field", field},
                                 {"name", discount->description},
                                 {"price", money_for_people({discount->cost(), event.currency})},
                                 {"counts", std::move(counts)}});
            if (discount->is_offer())
                discounts.back()["full"] =
                    money_for_people({discount->full_seatprice + discount->full_surcharge, event.currency});
        }
        shown.push_back(
            {{"name", band.type->description},
             {"band", band.band->description.empty() ? "Band " + band.band->code : band.band->description},
             {"discounts", std::move(discounts)}});
    }
    return shown;
}

/// The dates that a browser's date field may offer.
void add_days(json& content, const Event& event, Instant now) {
    const auto on = box_office::days_on(event, now);
    if (on.empty() || event.schedule.open_days == 0) return;
    const auto iso = [](box_office::Day day) { return box_office::local_iso8601(day, 0, 0).substr(0, 10); };
    content["day"] = {
        {"first", iso(on.front())}, {"last", iso(on.back())}, {"needed", event.needs_departure_date}};
    if (event.needs_duration) {
        json nights = json::array();
        for (std::int64_t count = 1; count <= 7; ++count) nights.push_back(count);
        content["nights"] = {{"choices", std::move(nights)}};
    }
}

// ---- the basket ---------------------------------------------------------------------------------------
std::string member_of(const std::string& object, const char* name) {
    const auto parsed = parse_json(object);
    if (!parsed || !parsed->contains(name) || !(*parsed)[name].is_string()) return {};
    return (*parsed)[name].get<std::string>();
}

std::string seats_of(const box_office::OrderText& order) {
    std::string text;
    for (const auto& tickets : order.ticket_orders) {
        for (const auto& seat : tickets.seats) text += (text.empty() ? "" : ", ") + seat.id;
    }
    return text;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string text;
    for (const auto& each : texts) text += (text.empty() ? "" : ", ") + each;
    return text;
}

json order_content(const box_office::OrderText& order) {
    auto when = member_of(order.performance_json, "date_desc");
    const auto time = member_of(order.performance_json, "time_desc");
    if (!time.empty()) when += ", " + time;
    if (const auto day = member_of(order.performance_json, "departure_date"); !day.empty())
        if (const auto read = box_office::read_day(day, "day")) when = box_office::date_text(*read);
    json content{{"item", order.item},
                 {"count", order.seats_count},
                 {"title", member_of(order.event_json, "event_desc")},
                 {"ticket", order.ticket_type_description},
                 {"amount", money_for_people({order.seatprice + order.surcharge, order.currency})}};
    if (!when.empty()) content["when"] = when;
    if (const auto seats = seats_of(order); !seats.empty()) content["seats"] = seats;
    json discounts = json::array();
    for (const auto& tickets : order.ticket_orders)
        discounts.push_back(std::to_string(tickets.seats_count) + " × " + tickets.discount_description);
    content["discounts"] = std::move(discounts);
    if (!order.requested_seats.empty() && order.seat_request_status != "got_all")
        content["instead"] = joined(order.requested_seats);
    if (!order.reserve_failure_comment.empty()) content["refused"] = order.reserve_failure_comment;
    return content;
}

json send_options(const Reading& reading, const box_office::Trolley& trolley, const std::string& source) {
    std::vector<std::string> common;
    bool first = true;
    for (const auto& line : trolley.lines) {
        const auto what = box_office::sold(reading.catalogue, line, reading.now);
        if (what.event == nullptr || what.event->source != source) continue;
        const auto codes =
            box_office::send_codes(reading.catalogue, *what.event, what.performance, reading.now);
        if (first) common = codes;
        first = false;
        std::erase_if(common, [&](const std::string& code) {
            return std::find(codes.begin(), codes.end(), code) == codes.end();
        });
    }
    const auto* chosen = box_office::send_method(reading.catalogue, trolley, source, reading.now);
    json options = json::array();
    for (const auto& code : common) {
        const auto& method = *reading.catalogue.send_method(code);
        auto label = method.printed.description;
        if (method.printed.cost > 0) label += ", " + money_for_people({method.printed.cost, method.currency});
        options.push_back(option(code, label, chosen == nullptr ? "" : chosen->printed.code));
    }
    return options;
}

void add_suggestions(json& content, const Reading& reading, const box_office::Trolley& trolley,
                     const std::string& token) {
    std::set<std::string> there, wanted;
    for (const auto& line : trolley.lines) {
        const auto* event = box_office::sold(reading.catalogue, line, reading.now).event;
        if (event == nullptr) continue;
        there.insert(event->id);
        wanted.insert(event->add_ons.begin(), event->add_ons.end());
        wanted.insert(event->upsells.begin(), event->upsells.end());
    }
    json suggestions = json::array();
    for (const auto& id : wanted)
        if (!there.contains(id)) suggestions.push_back(card_of(reading, *reading.catalogue.event(id), token));
    content["has_suggestions"] = !suggestions.empty();
    content["suggestions"] = std::move(suggestions);
}

}  // namespace

Result<json> events_content(const Reading& reading, const Fields& fields, const std::string& token) {
    Fields asked = fields;
    asked.emplace_back("page_len", std::to_string(events_on_page));
    add_dates(fields, asked);
    const auto query = box_office::read_query(asked);
    if (!query) return query.error();
    const auto page = box_office::read_page(asked);
    if (!page) return page.error();
    const auto found = box_office::search(reading.catalogue, *query, reading.now);
    const auto status = box_office::paging(*page, found.size());
    json events = json::array();
    for (const auto* event : box_office::on_page(found, status))
        events.push_back(card_of(reading, *event, token));
    json content{{"title", "Events"},
                 {"on_events", true},
                 {"keywords", text_of(fields, "keywords")},
                 {"from", text_of(fields, "from")},
                 {"to", text_of(fields, "to")},
                 {"cities", city_options(reading.catalogue, text_of(fields, "city_code"))},
                 {"orders", sort_options(text_of(fields, "sort_order"))},
                 {"has_events", !events.empty()},
                 {"events", std::move(events)},
                 {"token", token}};
    add_pages(content, status, "/shop/events", fields, token);
    return Result<json>(boost::system::in_place_value, std::move(content));
}

Result<json> event_content(const Reading& reading, const Event& event, const Fields& fields,
                           const std::string& token) {
    Fields asked{{"page_len", std::to_string(performances_on_page)}, {"page_no", text_of(fields, "page_no")}};
    add_dates(fields, asked);
    const auto page = box_office::read_page(asked);
    if (!page) return page.error();
    const auto range = box_office::read_query(asked);
    if (!range) return range.error();
    auto all = box_office::performances(event, reading.now);
    std::erase_if(all,
                  [&](const Performance& each) { return each.day && !range->dates.contains(*each.day); });
    const auto status = box_office::paging(*page, all.size());
    json dates = json::array();
    for (const auto& each : box_office::on_page(all, status)) {
        dates.push_back({{"when", each.day ? when_of(event, each) : std::string("Choose tickets")},
                         {"name", each.name},
                         {"url", tickets_url(each, token)}});
        if (box_office::sold_out(event, each)) dates.back()["sold_out"] = true;
    }
    json reviews = json::array();
    for (const auto& review : event.reviews)
        reviews.push_back({{"title", review.title},
                           {"body", review.body},
                           {"author", review.author},
                           {"stars", review.stars}});
    auto content = card_of(reading, event, token);
    content["on_events"] = true;
    content["info"] = event.info;
    content["address"] = event.address;
    content["dates"] = std::move(dates);
    content["dated"] = !box_office::selects_itself(all);
    content["has_dates"] = status.total > 0;
    content["has_reviews"] = !reviews.empty();
    content["reviews"] = std::move(reviews);
    content["from"] = text_of(fields, "from");
    content["to"] = text_of(fields, "to");
    content["self"] = "/shop/events/" + event.id;
    content["token"] = token;
    content["events_url"] = url("/shop/events", {}, token);
    add_pages(content, status, "/shop/events/" + event.id, fields, token);
    return Result<json>(boost::system::in_place_value, std::move(content));
}

json tickets_content(const Reading& reading, const box_office::Found& found, const std::string& token) {
    const auto& event = *found.event;
    const auto bands = box_office::offered(event, found.performance);
    auto content = card_of(reading, event, token);
    content["on_events"] = true;
    content["performance"] = found.performance.id;
    if (const auto when = when_of(event, found.performance); !when.empty()) content["when"] = when;
    if (!found.performance.name.empty()) content["name"] = found.performance.name;
    content["token"] = token;
    content["has_bands"] = !bands.empty();
    content["bands"] = bands_content(event, bands);
    content["most"] = event.quantity_max();
    if (event.rules.seat_selection && !bands.empty()) add_seat_map(content, event, bands);
    add_days(content, event, reading.now);
    return content;
}

json orders_content(const box_office::TrolleyBundle& bundle) {
    json orders = json::array();
    for (const auto& order : bundle.orders) orders.push_back(order_content(order));
    return orders;
}

json basket_content(const Reading& reading, const box_office::Trolley& trolley) {
    const auto token = box_office::trolley_token(reading.token_key, trolley);
    const auto reserved = box_office::reserve(reading.catalogue, trolley, reading.now);
    json bundles = json::array(), refused = json::array();
    const auto with_remove = [&](json orders) {
        for (auto& order : orders)
            order["remove"] =
                url("/shop/trolley", {{"remove", std::to_string(order["item"].get<std::int64_t>())}}, token);
        return orders;
    };
    for (const auto& bundle : reserved.bundles) {
        auto ways = send_options(reading, trolley, bundle.source);
        bundles.push_back({{"source", bundle.source},
                           {"source_name", reading.catalogue.sources.find(bundle.source)->second},
                           {"amount", money_for_people({cost_of(bundle), bundle.currency})},
                           {"orders", with_remove(orders_content(bundle))},
                           {"send_choice", ways.size() > 1},
                           {"sent", ways.size() == 1 ? ways[0]["label"] : json("")},
                           {"ways", std::move(ways)}});
    }
    for (const auto& order : reserved.unreserved) refused.push_back(order_content(order));
    json content{{"title", "Trolley"},
                 {"on_trolley", true},
                 {"has_bundles", !bundles.empty()},
                 {"has_refused", !refused.empty()},
                 {"can_pay", !bundles.empty() && refused.empty()},
                 {"bundles", std::move(bundles)},
                 {"refused", with_remove(std::move(refused))},
                 {"total", total_of(reserved.bundles)},
                 {"events_url", url("/shop/events", {}, token)},
                 {"checkout", url("/shop/checkout", {}, token)},
                 {"token", token}};
    add_suggestions(content, reading, trolley, token);
    return content;
}

json voucher_content(const core::Transaction& transaction, std::string_view document) {
    const auto known = api::f13::read_document(document);
    json orders = json::array();
    for (const auto& bundle : transaction.bundles) {
        if (!core::bundle_bought(transaction, bundle.source)) continue;
        for (const auto& bought : bundle.orders) {
            const auto order = api::f13::order_text(bought, known);
            if (!order.send_method || order.send_method->voucher_url.empty()) continue;
            json seats = json::array();
            for (const auto& tickets : order.ticket_orders)
                for (const auto& seat : tickets.seats)
                    seats.push_back({{"seat", seat.id}, {"barcode", seat.barcode}});
            orders.push_back(order_content(order));
            orders.back()["venue"] = member_of(order.event_json, "venue_desc");
            orders.back()["places"] = std::move(seats);
        }
    }
    return {{"title", "Voucher"},
            {"reference", transaction.reference},
            {"has_orders", !orders.empty()},
            {"orders", std::move(orders)}};
}

json bought_content(const core::Transaction& transaction) {
    json bundles = json::array();
    for (const auto& bundle : transaction.bundles)
        if (core::bundle_bought(transaction, bundle.source))
            bundles.push_back(
                {{"description", bundle.description}, {"amount", money_for_people(bundle.amount)}});
    return {{"title", "What was bought"},
            {"reference", transaction.reference},
            {"forgotten", transaction.forgotten},
            {"bundles", std::move(bundles)}};
}

}  // namespace kassi::sandbox::shop
