#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "sandbox/box_office/fold.hpp"
#include "sandbox/box_office/print.hpp"
#include "sandbox/box_office/reading.hpp"

namespace kassi::sandbox::box_office {
namespace {

constexpr int seat_number_max = 200;
constexpr std::int64_t price_max = 100'000'000;  ///< minor units
constexpr std::int64_t quantity_max = 50;
constexpr std::int64_t days_max = 400, slots_max = 12;
constexpr std::int64_t minutes_max = 24 * 60;
constexpr std::int64_t popularity_max = 1'000'000, last_sale_minutes_max = 1'000'000;
constexpr std::size_t fixed_id_tail_max = 3;  ///< daily ones have more (schedule.cpp)

// ---- seats and prices ---------------------------------------------------------------------------------
/// "E4-5" -> E4 E5
SeatBlock read_block(const Value& value, const SeatMap& map, std::set<std::string>& seen) {
    const auto text = value.text();
    const auto first_digit = text.find_first_of("0123456789");
    const auto dash = text.find('-');
    int from = 0, to = 0;
    const auto read = [&](std::size_t begin, std::size_t end, int& out) {
        const auto [stop, problem] = std::from_chars(text.data() + begin, text.data() + end, out);
        return problem == std::errc() && stop == text.data() + end;
    };
    if (first_digit == std::string::npos || first_digit == 0 || dash == std::string::npos ||
        dash < first_digit || !read(first_digit, dash, from) || !read(dash + 1, text.size(), to) ||
        from > to || to > seat_number_max)
        value.wrong("is no block of seats (\"E4-5\")");
    const auto row = text.substr(0, first_digit);
    SeatBlock block;
    for (int number = from; number <= to; ++number) {
        api::f13::Seat seat;
        seat.row = row;
        seat.column = std::to_string(number);
        seat.id = row + seat.column;
        if (!seen.insert(seat.id).second) value.wrong("has seat " + seat.id + " again");
        seat.restricted_view = map.restricted.contains(seat.id);
        if (const auto found = map.texts.find(seat.id); found != map.texts.end()) seat.text = found->second;
        block.push_back(std::move(seat));
    }
    return block;
}

/// ["ADULT", 3500, 400], or with the price without the offer: ["NORMAL", 4000, 400, 6000, 600]
Discount read_price(const Value& value, const HouseFile& house) {
    const auto parts = value.list();
    if (parts.size() != 3 && parts.size() != 5) value.wrong("is no price ([\"ADULT\", 3500, 400])");
    Discount discount;
    discount.code = parts[0].text();
    const auto kind = house.discounts.find(discount.code);
    if (kind == house.discounts.end()) parts[0].wrong("is no discount of house.json");
    discount.description = kind->second.description;
    discount.semantic_type = kind->second.semantic_type;
    discount.minimum_age = kind->second.minimum_age;
    discount.maximum_age = kind->second.maximum_age;
    discount.seatprice = parts[1].number(0, price_max);
    discount.surcharge = parts[2].number(0, price_max);
    const bool offer = parts.size() == 5;
    discount.full_seatprice = offer ? parts[3].number(discount.seatprice, price_max) : discount.seatprice;
    discount.full_surcharge = offer ? parts[4].number(discount.surcharge, price_max) : discount.surcharge;
    if (offer && !discount.is_offer()) value.wrong("is no offer: it saves nothing");
    return discount;
}

PriceBand read_price_band(const Value& value, const HouseFile& house, const SeatMap& map,
                          std::set<std::string>& seats) {
    Object object(value);
    PriceBand band;
    band.code = object.at("code").text();
    if (band.code.find('/') != std::string::npos) object.at("code").wrong("has its suffix already");
    band.description = object.text_or("name");
    const auto prices = object.at("prices");
    for (const auto& price : prices.list()) {
        band.discounts.push_back(read_price(price, house));
        const auto& code = band.discounts.back().code;
        if (std::count_if(band.discounts.begin(), band.discounts.end(),
                          [&](const Discount& other) { return other.code == code; }) > 1)
            price.wrong("is there already");
    }
    if (band.discounts.empty()) prices.wrong("is empty");
    for (const auto& block : object.list_or_none("blocks"))
        band.blocks.push_back(read_block(block, map, seats));
    object.nothing_else();
    return band;
}

std::vector<TicketType> read_ticket_types(const Value& value, const HouseFile& house, const SeatMap& map) {
    std::vector<TicketType> types;
    std::set<std::string> seats, codes;
    for (const auto& entry : value.list()) {
        Object object(entry);
        TicketType type{object.at("code").text(), object.at("name").text(), {}};
        if (!codes.insert(type.code).second) entry.wrong("is there already");
        std::set<std::string> bands;
        for (const auto& band : object.at("price_bands").list()) {
            type.price_bands.push_back(read_price_band(band, house, map, seats));
            if (!bands.insert(type.price_bands.back().code).second) band.wrong("is there already");
        }
        if (type.price_bands.empty()) object.at("price_bands").wrong("is empty");
        object.nothing_else();
        types.push_back(std::move(type));
    }
    return types;
}

// ---- the schedule -------------------------------------------------------------------------------------
void read_next_date(const Value& value, SinglePerformance& single) {
    const auto text = value.text();
    const auto day = text.size() == 5 && text[2] == '-'
                         ? read_day("2001" + text.substr(0, 2) + text.substr(3), "next")
                         : Result<Day>(bad_request("next", ""));
    if (!day) value.wrong("is no date of every year (\"12-31\")");
    const std::chrono::year_month_day date(*day);
    single.next_month = static_cast<int>(static_cast<unsigned>(date.month()));
    single.next_day = static_cast<int>(static_cast<unsigned>(date.day()));
}

SinglePerformance read_single(const Value& value, const std::string& event_id) {
    Object object(value);
    SinglePerformance single;
    const auto id = object.at("perf_id");
    single.id = id.text();
    const auto start = event_id + "-";
    if (!single.id.starts_with(start) || single.id.size() == start.size() ||
        single.id.size() > start.size() + fixed_id_tail_max)
        id.wrong("is not " + start + " and one to three characters");
    single.in_days = static_cast<int>(object.number_or("in_days", 1, days_max, 0));
    if (object.has("next")) read_next_date(object.at("next"), single);
    const bool dated = single.in_days > 0 || single.next_month > 0;
    if (single.in_days > 0 && single.next_month > 0) value.wrong("has two dates");
    if (dated) single.minutes = object.at("time").time();
    single.name = object.text_or("name");
    object.nothing_else();
    return single;
}

DailyPerformances read_daily(const Value& value) {
    Object object(value);
    DailyPerformances daily;
    daily.days = static_cast<int>(object.at("days").number(1, days_max));
    for (const auto& slot : object.at("times").list()) {
        if (slot.json().is_string()) {
            daily.slots.push_back({slot.time(), {}});
        } else {
            Object named(slot);
            daily.slots.push_back({named.at("time").time(), named.at("name").text()});
            named.nothing_else();
        }
    }
    const bool ascending =
        std::is_sorted(daily.slots.begin(), daily.slots.end(),
                       [](const auto& a, const auto& b) { return a.minutes <= b.minutes; });
    if (daily.slots.empty() || daily.slots.size() > slots_max || !ascending)
        object.at("times").wrong("is not 1 to 12 times, each later than the one before");
    object.nothing_else();
    return daily;
}

Schedule read_schedule(Object& object, const std::string& event_id, bool dead) {
    Schedule schedule;
    for (const auto& single : object.list_or_none("performances")) {
        schedule.singles.push_back(read_single(single, event_id));
        const auto& id = schedule.singles.back().id;
        if (std::count_if(schedule.singles.begin(), schedule.singles.end(),
                          [&](const auto& other) { return other.id == id; }) > 1)
            single.wrong("is there already");
    }
    if (object.has("daily")) schedule.daily = read_daily(object.at("daily"));
    if (object.has("open")) {
        Object open(object.at("open"));
        schedule.open_days = static_cast<int>(open.at("days").number(1, days_max));
        if (open.has("closed")) schedule.closed = open.at("closed").weekdays();
        open.nothing_else();
        if (schedule.singles.size() != 1 || schedule.daily || schedule.singles[0].in_days > 0 ||
            schedule.singles[0].next_month > 0)
            throw Wrong{open.place(), "needs one undated performance and no other"};
    }
    if (schedule.singles.empty() && !schedule.daily && !dead)
        throw Wrong{object.place(), "has neither performances nor daily"};
    return schedule;
}

// ---- peculiarities ------------------------------------------------------------------------------------
void read_discount_rule(Object& object, Rules& rules) {
    if (!object.has("discounts")) return;
    const auto value = object.at("discounts");
    const auto text = value.text();
    if (text == "default_only")
        rules.discounts = DiscountRule::default_only;
    else if (text == "blanket")
        rules.discounts = DiscountRule::blanket;
    else if (text != "mixed")
        value.wrong("is neither default_only nor blanket nor mixed");
}

void read_leaving_singles(Object& object, Rules& rules) {
    if (!object.has("leaving_single_seats")) return;
    const auto value = object.at("leaving_single_seats");
    const auto text = value.text();
    if (text == "never")
        rules.leaving_singles = LeavingSingles::never;
    else if (text == "if_necessary")
        rules.leaving_singles = LeavingSingles::if_necessary;
    else if (text != "always")
        value.wrong("is neither always nor never nor if_necessary");
}

void read_days_of_rules(Object& object, Rules& rules) {
    if (object.has("sold_out")) {
        Object sold_out(object.at("sold_out"));
        rules.sold_out_weekdays = sold_out.at("weekdays").weekdays();
        if (sold_out.has("from")) rules.sold_out_from_minutes = sold_out.at("from").time();
        sold_out.nothing_else();
    }
    if (object.has("reservations_fail")) rules.refused_weekdays = object.at("reservations_fail").weekdays();
    if (object.has("no_discounts")) {
        Object none(object.at("no_discounts"));
        rules.undiscounted_ticket_type = none.at("ticket_type").text();
        rules.undiscounted_day = static_cast<unsigned>(none.at("day_of_month").number(1, 31));
        none.nothing_else();
    }
    if (object.has("restricted_tickets")) {
        Object restricted(object.at("restricted_tickets"));
        rules.restricted_weekdays = restricted.at("weekdays").weekdays();
        for (const auto& ticket : restricted.at("tickets").list())
            rules.restricted_tickets.push_back(static_cast<std::size_t>(ticket.number(1, quantity_max)));
        restricted.nothing_else();
    }
}

Rules read_rules(const Value& value) {
    Object object(value);
    Rules rules;
    rules.seat_selection = object.flag_or("seat_selection", false);
    rules.contiguous = object.flag_or("contiguous", false);
    read_leaving_singles(object, rules);
    read_discount_rule(object, rules);
    rules.different_discounts_max =
        static_cast<int>(object.number_or("different_discounts_max", 1, quantity_max, 0));
    rules.barcodes = object.flag_or("barcodes", false);
    rules.failing_seat = object.text_or("failing_seat");
    rules.vanishing_seat = object.text_or("vanishing_seat");
    read_days_of_rules(object, rules);
    object.nothing_else();
    return rules;
}

// ---- words --------------------------------------------------------------------------------------------
Review read_review(const Value& value) {
    Object object(value);
    Review review;
    review.title = object.text_or("title");
    review.body = object.at("body").text();
    review.author = object.text_or("author");
    const auto at = object.at("at");
    review.at = at.text();
    if (!parse_iso8601(review.at, "at")) at.wrong("is no date and time");
    review.url = object.text_or("url");
    review.language = object.text_or("language", "en");
    review.stars = static_cast<int>(object.at("stars").number(1, 5));
    review.by_user = object.flag_or("by_user", false);
    object.nothing_else();
    return review;
}

void read_words(Object& object, Event& event) {
    event.info = object.texts_or_none("info");
    event.address = object.text_or("address");
    event.venue_info = object.text_or("venue_info");
    for (const auto& entry : object.list_or_none("contents")) {
        Object content(entry);
        event.contents.push_back(
            {content.at("key").text(), content.at("name").text(), content.at("text").text()});
        content.nothing_else();
    }
    for (const auto& entry : object.list_or_none("media")) {
        Object asset(entry);
        event.media.push_back({asset.at("name").text(), asset.at("url").text(), asset.text_or("caption")});
        asset.nothing_else();
    }
    if (object.has("video")) {
        constexpr int pixels_max = 10'000;
        Object video(object.at("video"));
        event.video = Video{video.at("url").text(), video.text_or("caption"),
                            static_cast<int>(video.at("width").number(1, pixels_max)),
                            static_cast<int>(video.at("height").number(1, pixels_max))};
        video.nothing_else();
    }
    for (const auto& entry : object.list_or_none("reviews")) event.reviews.push_back(read_review(entry));
}

double read_degrees(const Value& value, double most) {
    const auto text = value.text();
    double degrees = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), degrees);
    if (problem != std::errc() || stop != text.data() + text.size() || !(degrees >= -most && degrees <= most))
        value.wrong("is no such coordinate, as a text (\"51.5\")");
    return degrees;
}

// ---- what is printed ----------------------------------------------------------------------------------
std::string list_of(const std::vector<std::string>& texts) {
    JsonWriter out;
    out.begin_array();
    for (const auto& text : texts) out.string(text);
    return out.end_array().take();
}

std::map<std::string, std::string> members_of(const Event& event, const Catalogue& known) {
    const auto flag = [](bool yes) { return std::string(yes ? "true" : "false"); };
    JsonWriter quantities;
    quantities.begin_array();
    for (const auto quantity : event.quantities) quantities.integer(quantity);
    JsonWriter upsells;
    upsells.begin_object().key("event_id").raw(list_of(event.upsells)).end_object();
    std::map<std::string, std::string> members{
        {"city_code", json_text(event.city.code)},
        {"city_desc", json_text(event.city.description)},
        {"country_code", json_text(event.city.country_code)},
        {"country_desc", json_text(event.city.country)},
        {"custom_filter", "[]"},
        {"event_desc", json_text(event.description)},
        {"event_id", json_text(event.id)},
        {"event_status", json_text(event.dead ? "dead" : "live")},
        {"event_upsell_list", upsells.take()},
        {"has_no_perfs", flag(event.dead)},
        {"is_add_on", flag(event.is_add_on)},
        {"is_seated", flag(event.is_seated)},
        {"need_departure_date", flag(event.needs_departure_date)},
        {"need_duration", flag(event.needs_duration)},
        {"need_performance", flag(event.needs_performance)},
        {"source_code", json_text(event.source)},
        {"source_desc", json_text(known.sources.find(event.source)->second)},
        {"valid_quantities", quantities.end_array().take()},
        {"venue_desc", json_text(event.venue)}};
    if (event.critic_percent >= 0) members["critic_review_percent"] = std::to_string(event.critic_percent);
    if (event.running_time > 0) {
        members["min_running_time"] = std::to_string(event.running_time);
        members["max_running_time"] = std::to_string(event.running_time);
    }
    return members;
}

/// [{"name": "...", "label": "...", "data": "..."}]
std::string custom_fields(const Value& value) {
    JsonWriter out;
    out.begin_array();
    for (const auto& entry : value.list()) {
        Object field(entry);
        out.begin_object()
            .field("custom_field_data", field.at("data").text())
            .field("custom_field_label", field.at("label").text())
            .field("custom_field_name", field.at("name").text())
            .end_object();
        field.nothing_else();
    }
    return out.end_array().take();
}

void read_members(Object& object, const HouseFile& house, Event& event) {
    auto& members = event.members;
    members["event_type"] = json_text(object.text_or("type", "simple_ticket"));
    members["show_perf_time"] = object.flag_or("show_perf_time", event.needs_performance) ? "true" : "false";
    for (const auto* name : {"postcode", "venue_code", "area_code"})
        if (object.has(name)) members[name] = json_text(object.at(name).text());
    if (object.has("custom_fields")) members["custom_fields"] = custom_fields(object.at("custom_fields"));
    JsonWriter classes;
    classes.begin_object();
    for (const auto& code : object.list_or_none("classes")) {
        const auto name = house.classes.find(code.text());
        if (name == house.classes.end()) code.wrong("is no class of house.json");
        classes.field(name->first, name->second);
    }
    members["classes"] = classes.end_object().take();
    const auto place = object.at("geo").list();
    if (place.size() != 2) object.at("geo").wrong("is not latitude and longitude");
    constexpr double latitude_max = 90, longitude_max = 180;
    event.latitude = read_degrees(place[0], latitude_max);
    event.longitude = read_degrees(place[1], longitude_max);
    JsonWriter geo;
    geo.begin_object().key("latitude").raw(place[0].text()).key("longitude").raw(place[1].text());
    members["geo_data"] = geo.end_object().take();
}

void read_codes(Object& object, const Catalogue& known, Event& event) {
    const auto source = object.at("source");
    event.source = source.text();
    if (!known.sources.contains(event.source)) source.wrong("is no source of house.json");
    const auto city = object.at("city");
    const auto found = known.cities.find(city.text());
    if (found == known.cities.end()) city.wrong("is no city of house.json");
    event.city = found->second;
    const auto currency = object.at("currency");
    const auto parsed = Currency::parse(currency.text(), "currency");
    if (!parsed) currency.wrong("is no currency");
    event.currency = *parsed;
    for (const auto& code : object.at("send_methods").list()) {
        const auto* method = known.send_method(code.text());
        if (method == nullptr) code.wrong("is no way of sending of house.json");
        if (method->currency != event.currency) code.wrong("costs another currency");
        event.send_codes.push_back(code.text());
    }
    if (event.send_codes.empty()) object.at("send_methods").wrong("is empty");
    for (const auto& quantity : object.at("quantities").list())
        event.quantities.push_back(quantity.number(1, quantity_max));
    if (event.quantities.empty() || !std::is_sorted(event.quantities.begin(), event.quantities.end()))
        object.at("quantities").wrong("is empty or not in order");
}

void check_seats(Object& object, const Event& event) {
    for (const auto& type : event.ticket_types) {
        for (const auto& band : type.price_bands) {
            if (event.is_seated != !band.blocks.empty())
                throw Wrong{object.place() + ".ticket_types",
                            type.code + " " + band.code + (event.is_seated ? " has no seats" : " has seats")};
        }
    }
    const auto& type = event.rules.undiscounted_ticket_type;
    if (!type.empty() && event.ticket_type(type) == nullptr)
        throw Wrong{object.place() + ".rules.no_discounts.ticket_type", "is no ticket type of the event"};
    if (event.rules.seat_selection && !event.is_seated)
        throw Wrong{object.place() + ".rules.seat_selection", "is there, and no seat is"};
}

}  // namespace

Event read_event(const Value& value, const Catalogue& known, const HouseFile& house) {
    constexpr int percent_max = 100;
    Object object(value);
    Event event;
    event.id = object.at("event_id").text();
    event.description = object.at("event_desc").text();
    event.venue = object.at("venue").text();
    event.dead = object.flag_or("dead", false);
    event.is_add_on = object.flag_or("add_on", false);
    event.is_seated = object.flag_or("seated", false);
    event.needs_performance = object.flag_or("needs_performance", true);
    event.needs_departure_date = object.flag_or("needs_departure_date", false);
    event.needs_duration = object.flag_or("needs_duration", false);
    event.cancellable = object.flag_or("cancellable", false);
    event.running_time = static_cast<int>(object.number_or("running_time", 1, minutes_max, 0));
    event.critic_percent = static_cast<int>(object.number_or("critic_percent", 0, percent_max, -1));
    event.popularity = static_cast<int>(object.number_or("sales_of_48_hours", 0, popularity_max, 0));
    event.first_seen = object.text_or("first_seen", "2015-01-01");
    event.last_sale_minutes = static_cast<int>(
        object.number_or("last_sale_minutes_ago", 0, last_sale_minutes_max, last_sale_minutes_max));
    event.commission_percent = static_cast<int>(object.number_or("commission_percent", 0, percent_max, 0));
    read_codes(object, known, event);
    event.schedule = read_schedule(object, event.id, event.dead);
    if (object.has("rules")) event.rules = read_rules(object.at("rules"));
    SeatMap map;
    if (object.has("seat_map")) {
        const auto name = object.at("seat_map");
        const auto found = house.seat_maps.find(name.text());
        if (found == house.seat_maps.end()) name.wrong("is no seat map of house.json");
        map = found->second;
    }
    event.ticket_types = read_ticket_types(object.at("ticket_types"), house, map);
    event.upsells = object.texts_or_none("upsells");
    event.add_ons = object.texts_or_none("add_ons");
    read_words(object, event);
    event.members = members_of(event, known);
    read_members(object, house, event);
    event.search_text = fold(event.description + "\n" + event.venue + "\n" + event.city.description + "\n" +
                             object.text_or("also"));
    check_seats(object, event);
    object.nothing_else();
    return event;
}

}  // namespace kassi::sandbox::box_office
