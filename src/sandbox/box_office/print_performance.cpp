#include "sandbox/box_office/print.hpp"

namespace kassi::sandbox::box_office {
namespace {

using Members = std::map<std::string, std::string>;

Members members_of(const Event& event, const Performance& performance) {
    const bool on_sale = !sold_out(event, performance);
    Members members{{"cached_max_seats", std::to_string(on_sale ? event.quantity_max() : 0)},
                    {"event_id", json_text(event.id)},
                    {"has_pool_seats", on_sale ? "true" : "false"},
                    {"is_ghost", "false"},
                    {"is_limited", "false"},
                    {"perf_id", json_text(performance.id)}};
    if (!performance.name.empty()) members["perf_name"] = json_text(performance.name);
    if (event.running_time > 0) members["running_time"] = std::to_string(event.running_time);
    if (performance.day) {
        members["date_desc"] = json_text(date_text(*performance.day));
        members["time_desc"] = json_text(time_text(performance.minutes));
        members["iso8601_date_and_time"] =
            json_text(local_iso8601(*performance.day, performance.minutes, event.city.utc_offset_minutes));
    }
    return members;
}

std::string written(const Members& members) {
    JsonWriter out;
    out.begin_object();
    for (const auto& [name, value] : members) out.key(name).raw(value);
    return out.end_object().take();
}

}  // namespace

std::string performance_json(const Event& event, const Performance& performance,
                             std::string_view departure_date, std::int64_t nights) {
    auto members = members_of(event, performance);
    if (!departure_date.empty()) members["departure_date"] = json_text(departure_date);
    if (nights > 0) members["duration"] = std::to_string(nights);
    return written(members);
}

std::string performance_json(const Event& event, const Performance& performance, const Extras& extras) {
    auto members = members_of(event, performance);
    const auto bands = offered(event, performance);
    if (extras.costs) {
        JsonWriter out;
        write_cost_range(out, event, bands, extras);
        members["cost_range"] = out.take();
    }
    if (extras.availability) {
        JsonWriter out;
        std::vector<Day> days;
        if (performance.day) days.push_back(*performance.day);
        write_avail_details(out, event, bands, days, extras);
        members["avail_details"] = out.take();
    }
    return written(members);
}

std::string month_json(const Event& event, std::chrono::year_month month, const MonthMask& mask,
                       const Extras& extras) {
    JsonWriter out;
    out.begin_object();
    if (extras.costs) {
        out.key("cost_range");
        write_cost_range(out, event, offered(event, Performance{}), extras);
    }
    out.field("month", month_word(month.month()))
        .field("month_dates_bitmask", mask.days)
        .field("month_desc", month_name(month.month()))
        .field("month_weekdays_bitmask", mask.weekdays)
        .field("year", static_cast<int>(month.year()));
    return out.end_object().take();
}

}  // namespace kassi::sandbox::box_office
