#include "sandbox/box_office/schedule.hpp"

#include <algorithm>

namespace kassi::sandbox::box_office {
namespace {

using std::chrono::days;
using std::chrono::minutes;

/// Ids of daily performances: at least four characters after the dash, so that they are never those of
/// SinglePerformance, which have three at most.
constexpr std::int64_t first_number = 36 * 36 * 36;
constexpr Day first_day = std::chrono::year(2020) / 1 / 1;
constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t digits_max = 6;  ///< far enough, and no date that overflows

std::string text_of(std::int64_t number) {
    std::string text;
    for (; number > 0; number /= 36) text.insert(text.begin(), digits[static_cast<std::size_t>(number % 36)]);
    return text;
}

std::optional<std::int64_t> number_of(std::string_view text) {
    if (text.size() > digits_max) return std::nullopt;
    std::int64_t number = 0;
    for (const char c : text) {
        const auto digit = digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        number = number * 36 + static_cast<std::int64_t>(digit);
    }
    return number;
}

Performance dated(const Event& event, std::string id, std::string name, Day day, int minutes_of_day) {
    return {.id = std::move(id),
            .name = std::move(name),
            .day = day,
            .minutes = minutes_of_day,
            .at = Instant(day) + minutes(minutes_of_day - event.city.utc_offset_minutes)};
}

std::optional<Day> day_of(const SinglePerformance& single, Day today) {
    if (single.in_days > 0) return today + days(single.in_days);
    if (single.next_month == 0) return std::nullopt;
    const std::chrono::month_day wanted =
        std::chrono::month(static_cast<unsigned>(single.next_month)) / single.next_day;
    const auto this_year = std::chrono::year_month_day(today).year();
    const Day day(this_year / wanted);
    return day > today ? day : Day((this_year + std::chrono::years(1)) / wanted);
}

Performance of_single(const Event& event, const SinglePerformance& single, Day today) {
    const auto day = day_of(single, today);
    if (!day) return {.id = single.id, .name = single.name, .day = std::nullopt};
    return dated(event, single.id, single.name, *day, single.minutes);
}

Performance of_slot(const Event& event, Day day, std::size_t slot) {
    const auto& slots = event.schedule.daily->slots;
    const auto number = first_number + (day - first_day).count() * static_cast<std::int64_t>(slots.size()) +
                        static_cast<std::int64_t>(slot);
    return dated(event, event.id + "-" + text_of(number), slots[slot].name, day, slots[slot].minutes);
}

/// The undated performance of an event that is open on many days.
bool is_open_ticket(const Event& event) {
    return event.schedule.open_days > 0;
}

}  // namespace

Day local_today(const Event& event, Instant now) {
    return std::chrono::floor<days>(now + minutes(event.city.utc_offset_minutes));
}

std::vector<Performance> performances(const Event& event, Instant now) {
    std::vector<Performance> all;
    if (event.dead) return all;
    const auto today = local_today(event, now);
    for (const auto& single : event.schedule.singles) all.push_back(of_single(event, single, today));
    if (const auto& daily = event.schedule.daily) {
        for (int ahead = 1; ahead <= daily->days; ++ahead) {
            for (std::size_t slot = 0; slot < daily->slots.size(); ++slot)
                all.push_back(of_slot(event, today + days(ahead), slot));
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const Performance& left, const Performance& right) {
        return left.day.has_value() != right.day.has_value() ? !left.day.has_value() : left.at < right.at;
    });
    return all;
}

std::optional<Performance> performance(const Event& event, std::string_view id, Instant now) {
    if (event.dead) return std::nullopt;
    const auto today = local_today(event, now);
    for (const auto& single : event.schedule.singles)
        if (single.id == id) return of_single(event, single, today);
    const auto& daily = event.schedule.daily;
    const auto dash = id.find('-');
    if (!daily || dash == std::string_view::npos || id.substr(0, dash) != event.id) return std::nullopt;
    const auto number = number_of(id.substr(dash + 1));
    if (!number || *number < first_number) return std::nullopt;
    const auto slots = static_cast<std::int64_t>(daily->slots.size());
    const auto day = first_day + days((*number - first_number) / slots);
    auto found = of_slot(event, day, static_cast<std::size_t>((*number - first_number) % slots));
    const bool spelled_so = found.id == id;  // "0ABCD" is not "ABCD"
    if (!spelled_so || found.at <= now || day > today + days(daily->days)) return std::nullopt;
    return found;
}

Found find_performance(const Catalogue& catalogue, std::string_view perf_id, Instant now) {
    const auto* event = catalogue.event(perf_id.substr(0, perf_id.find('-')));
    if (event == nullptr) return {};
    auto found = performance(*event, perf_id, now);
    if (!found) return {};
    return {event, std::move(*found)};
}

bool selects_itself(const std::vector<Performance>& all) {
    return all.size() == 1 && !all.front().day;
}

bool sold_out(const Event& event, const Performance& performance) {
    const auto& rules = event.rules;
    return performance.day && (weekday_bit(*performance.day) & rules.sold_out_weekdays) != 0 &&
           performance.minutes >= rules.sold_out_from_minutes;
}

std::vector<Day> days_on(const Event& event, Instant now) {
    std::vector<Day> on;
    if (is_open_ticket(event)) {
        const auto today = local_today(event, now);
        for (int ahead = 1; ahead <= event.schedule.open_days; ++ahead) {
            const auto day = today + days(ahead);
            if ((weekday_bit(day) & event.schedule.closed) == 0) on.push_back(day);
        }
        return on;
    }
    for (const auto& each : performances(event, now)) {
        if (each.day && !sold_out(event, each) && (on.empty() || on.back() != *each.day))
            on.push_back(*each.day);
    }
    return on;
}

bool is_on(const Event& event, const DateRange& range, Instant now) {
    if (range.everything()) return true;
    const bool has_days = is_open_ticket(event) || event.schedule.daily ||
                          std::any_of(event.schedule.singles.begin(), event.schedule.singles.end(),
                                      [](const SinglePerformance& single) {
                                          return single.in_days > 0 || single.next_month > 0;
                                      });
    if (!has_days) return !event.dead;
    const auto on = days_on(event, now);
    return std::any_of(on.begin(), on.end(), [&](Day day) { return range.contains(day); });
}

}  // namespace kassi::sandbox::box_office
