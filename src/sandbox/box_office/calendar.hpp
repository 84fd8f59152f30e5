#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

/// Days as the box office and its clients write them. Pure.
namespace kassi::sandbox::box_office {

using Day = std::chrono::sys_days;

/// Bit 0 is Sunday, as F13's masks have it.
using Weekdays = std::uint8_t;
Weekdays weekday_bit(Day day);
/// "sun" .. "sat"; nullopt for another word.
std::optional<Weekdays> weekday_named(std::string_view word);

/// "Fri, 1st January 2027"
std::string date_text(Day day);
/// Minutes since midnight: 930 -> "3.30 PM"
std::string time_text(int minutes);
/// "20270101"
std::string compact(Day day);
/// The same back. Error: bad_request naming `field`.
Result<Day> read_day(std::string_view text, std::string_view field);
/// "15:30" -> 930; nullopt for what is no time of the day.
std::optional<int> read_time(std::string_view text);
/// "2027-01-01T15:30:00Z", "2027-01-01T08:00:00-08:00"
std::string local_iso8601(Day day, int minutes, int utc_offset_minutes);

/// Both ends belong to it; an absent end is open.
struct DateRange {
    std::optional<Day> from, to;
    [[nodiscard]] bool contains(Day day) const { return (!from || *from <= day) && (!to || day <= *to); }
    [[nodiscard]] bool everything() const { return !from && !to; }
};
/// "20270101:20270131"; either side may be empty. Error: bad_request naming `field`.
Result<DateRange> read_date_range(std::string_view text, std::string_view field);

/// The days of a month as F13's mask: bit 0 is the first.
struct MonthMask {
    std::uint32_t days = 0;
    Weekdays weekdays = 0;
};
/// By year and month, in order.
using Months = std::map<std::chrono::year_month, MonthMask>;
void add_day(Months& months, Day day);
/// "jan" .. "dec"
std::string_view month_word(std::chrono::month month);
/// "January" .. "December"
std::string_view month_name(std::chrono::month month);

}  // namespace kassi::sandbox::box_office
