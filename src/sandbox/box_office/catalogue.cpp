#include "sandbox/box_office/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.hpp"

namespace kassi::sandbox::box_office {
namespace {

using api::f13::Countries;
using api::f13::Seat;
using api::f13::SendMethod;
using nlohmann::json;

constexpr int seat_number_max = 200;

struct SeatMap {
    std::vector<std::string> restricted;
    std::map<std::string, std::string> texts;
};

/// "E4-5" -> E4 E5
SeatBlock read_block(const std::string& text, const SeatMap& map) {
    const auto first_digit = text.find_first_of("0123456789");
    const auto dash = text.find('-');
    if (first_digit == std::string::npos || first_digit == 0 || dash == std::string::npos)
        throw std::runtime_error("catalogue: seat block " + text);
    const auto row = text.substr(0, first_digit);
    const int from = std::stoi(text.substr(first_digit, dash - first_digit));
    const int to = std::stoi(text.substr(dash + 1));
    if (from > to || to > seat_number_max) throw std::runtime_error("catalogue: seat block " + text);
    SeatBlock block;
    for (int number = from; number <= to; ++number) {
        Seat seat;
        seat.row = row;
        seat.column = std::to_string(number);
        seat.id = row + seat.column;
        seat.restricted_view =
            std::find(map.restricted.begin(), map.restricted.end(), seat.id) != map.restricted.end();
        if (const auto found = map.texts.find(seat.id); found != map.texts.end()) seat.text = found->second;
        block.push_back(std::move(seat));
    }
    return block;
}

PriceBand read_price_band(const json& object, const SeatMap& map) {
    PriceBand band;
    band.code = object.at("code").get<std::string>();
    band.description = object.value("description", "");
    for (const auto& discount : object.at("discounts"))
        band.discounts.push_back(
            {discount.at("code").get<std::string>(), discount.at("description").get<std::string>(),
             discount.at("seatprice").get<std::int64_t>(), discount.at("surcharge").get<std::int64_t>()});
    if (band.discounts.empty())
        throw std::runtime_error("catalogue: price band " + band.code + " has no price");
    for (const auto& block : object.value("blocks", json::array()))
        band.blocks.push_back(read_block(block.get<std::string>(), map));
    return band;
}

Performance read_performance(const json& object) {
    Performance performance;
    performance.id = object.at("perf_id").get<std::string>();
    performance.in_days = object.value("in_days", 0);
    performance.time = object.value("time", "");
    performance.running_time = object.value("running_time", 0);
    if (const auto date = object.value("next_date", std::string()); !date.empty()) {
        performance.next_month = std::stoi(date.substr(0, 2));
        performance.next_day = std::stoi(date.substr(3));
    }
    return performance;
}

Event read_event(const json& object, const std::map<std::string, SeatMap>& maps) {
    Event event;
    const auto& printed = object.at("event");
    event.id = printed.at("event_id").get<std::string>();
    event.source = printed.at("source_code").get<std::string>();
    event.json = printed.dump();
    const auto currency = Currency::parse(object.at("currency").get<std::string>(), "currency");
    if (!currency) throw std::runtime_error("catalogue: currency of " + event.id);
    event.currency = *currency;
    event.send_codes = object.at("send_methods").get<std::vector<std::string>>();
    event.quantities = object.at("quantities").get<std::vector<std::int64_t>>();
    event.contiguous = object.value("contiguous", false);
    event.cancellable = object.at("cancellable").get<bool>();
    event.failing_seat = object.value("failing_seat", "");
    event.vanishing_seat = object.value("vanishing_seat", "");
    const auto map_name = object.value("seat_map", std::string());
    const auto map = map_name.empty() ? SeatMap{} : maps.at(map_name);
    for (const auto& performance : object.at("performances"))
        event.performances.push_back(read_performance(performance));
    for (const auto& type : object.at("ticket_types")) {
        TicketType ticket_type{
            type.at("code").get<std::string>(), type.at("description").get<std::string>(), {}};
        for (const auto& band : type.at("price_bands"))
            ticket_type.price_bands.push_back(read_price_band(band, map));
        event.ticket_types.push_back(std::move(ticket_type));
    }
    return event;
}

SendMethod read_send_method(const std::string& code, const json& object, const Countries& countries) {
    SendMethod method{code,
                      object.at("send_desc").get<std::string>(),
                      object.at("send_type").get<std::string>(),
                      object.at("send_cost").get<std::int64_t>(),
                      {}};
    const auto permitted = object.value("permitted_countries", std::vector<std::string>());
    for (const auto& country : countries) {
        if (std::find(permitted.begin(), permitted.end(), country.first) != permitted.end())
            method.permitted.push_back(country);
    }
    return method;
}

// ---- dates --------------------------------------------------------------------------------------------
std::string ordinal(unsigned day) {
    const bool teens = day % 100 >= 11 && day % 100 <= 13;
    const char* ending = teens           ? "th"
                         : day % 10 == 1 ? "st"
                         : day % 10 == 2 ? "nd"
                         : day % 10 == 3 ? "rd"
                                         : "th";
    return std::to_string(day) + ending;
}

/// "Fri, 1st January 2027"
std::string date_text(std::chrono::sys_days day) {
    constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
    const std::chrono::year_month_day date(day);
    return fmt::format("{}, {} {} {}", weekdays[std::chrono::weekday(day).c_encoding()],
                       ordinal(static_cast<unsigned>(date.day())),
                       months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()));
}

/// "3.30 PM"
std::string time_text(int hour, int minute) {
    const int shown = hour % 12 == 0 ? 12 : hour % 12;
    return fmt::format("{}.{:02} {}", shown, minute, hour < 12 ? "AM" : "PM");
}

}  // namespace

const Discount& PriceBand::discount(std::string_view wanted) const {
    const auto found = std::find_if(discounts.begin(), discounts.end(),
                                    [&](const Discount& candidate) { return candidate.code == wanted; });
    return found == discounts.end() ? discounts.front() : *found;
}

std::string Performance::json(std::string_view event_id, Instant now) const {
    using namespace std::chrono;
    JsonWriter out;
    out.begin_object();
    const auto today = floor<days>(now);
    std::optional<sys_days> day;
    if (in_days > 0) day = today + days(in_days);
    if (next_month > 0) {
        const month_day wanted = month(static_cast<unsigned>(next_month)) / static_cast<int>(next_day);
        const auto year_now = year_month_day(today).year();
        day = sys_days(year_now / wanted);
        if (*day <= today) day = sys_days((year_now + years(1)) / wanted);
    }
    if (day) out.field("date_desc", date_text(*day));
    out.field("event_id", event_id)
        .field("has_pool_seats", true)
        .field("is_ghost", false)
        .field("is_limited", false);
    if (day) {
        const int hour = std::stoi(time.substr(0, 2));
        const int minute = std::stoi(time.substr(3));
        out.field("iso8601_date_and_time", iso8601(*day + hours(hour) + minutes(minute)));
        out.field("perf_id", id);
        if (running_time > 0) out.field("running_time", running_time);
        out.field("time_desc", time_text(hour, minute));
    } else {
        out.field("perf_id", id);
    }
    return out.end_object().take();
}

const TicketType* Event::ticket_type(std::string_view code) const {
    const auto found = std::find_if(ticket_types.begin(), ticket_types.end(),
                                    [&](const TicketType& candidate) { return candidate.code == code; });
    return found == ticket_types.end() ? nullptr : &*found;
}

const PriceBand* Event::price_band(std::string_view ticket_type_code, std::string_view code) const {
    const auto* type = ticket_type(ticket_type_code);
    if (type == nullptr) return nullptr;
    const auto found = std::find_if(type->price_bands.begin(), type->price_bands.end(),
                                    [&](const PriceBand& candidate) { return candidate.code == code; });
    return found == type->price_bands.end() ? nullptr : &*found;
}

Catalogue::Found Catalogue::performance(std::string_view perf_id) const {
    for (const auto& event : events) {
        for (const auto& candidate : event.performances) {
            if (candidate.id == perf_id) return {&event, &candidate};
        }
    }
    return {};
}

Catalogue read_catalogue(std::string_view text) {
    const auto parsed = parse_json(text, "catalogue");
    if (!parsed) throw std::runtime_error(parsed.error().message);
    Catalogue catalogue;
    for (const auto& [code, name] : parsed->at("countries").items())
        catalogue.countries.emplace_back(code, name.get<std::string>());
    for (const auto& [code, method] : parsed->at("send_methods").items())
        catalogue.send_methods.emplace(code, read_send_method(code, method, catalogue.countries));
    std::map<std::string, SeatMap> maps;
    for (const auto& [name, map] : parsed->at("seat_maps").items())
        maps[name] = {map.at("restricted_view").get<std::vector<std::string>>(),
                      map.at("seat_texts").get<std::map<std::string, std::string>>()};
    for (const auto& event : parsed->at("events")) catalogue.events.push_back(read_event(event, maps));
    for (const auto& event : catalogue.events) {
        for (const auto& code : event.send_codes) {
            if (!catalogue.send_methods.contains(code))
                throw std::runtime_error("catalogue: " + event.id + " has no send method " + code);
        }
    }
    return catalogue;
}

}  // namespace kassi::sandbox::box_office
