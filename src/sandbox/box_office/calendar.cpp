#include "sandbox/box_office/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace kassi::sandbox::box_office {
namespace {

using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> weekday_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> weekday_words{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<std::string_view, 12> month_names{"January",   "February", "March",    "April",
                                                       "May",       "June",     "July",     "August",
                                                       "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 12> month_words{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};

std::string ordinal(unsigned day) {
    const bool teens = day % 100 >= 11 && day % 100 <= 13;
    const char* ending = teens           ? "th"
                         : day % 10 == 1 ? "st"
                         : day % 10 == 2 ? "nd"
                         : day % 10 == 3 ? "rd"
                                         : "th";
    return std::to_string(day) + ending;
}

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int number(std::string_view digits) {
    int value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return value;
}

std::size_t index_of(std::chrono::month month) {
    return static_cast<unsigned>(month) - 1;
}

}  // namespace

Weekdays weekday_bit(Day day) {
    return static_cast<Weekdays>(1U << std::chrono::weekday(day).c_encoding());
}

std::optional<Weekdays> weekday_named(std::string_view word) {
    const auto found = std::find(weekday_words.begin(), weekday_words.end(), word);
    if (found == weekday_words.end()) return std::nullopt;
    return static_cast<Weekdays>(1U << (found - weekday_words.begin()));
}

std::string date_text(Day day) {
    const year_month_day date(day);
    return fmt::format("{}, {} {} {}", weekday_names[std::chrono::weekday(day).c_encoding()],
                       ordinal(static_cast<unsigned>(date.day())), month_name(date.month()),
                       static_cast<int>(date.year()));
}

std::string time_text(int minutes) {
    const int hour = minutes / 60;
    const int shown = hour % 12 == 0 ? 12 : hour % 12;
    return fmt::format("{}.{:02} {}", shown, minutes % 60, hour < 12 ? "AM" : "PM");
}

std::string compact(Day day) {
    const year_month_day date(day);
    return fmt::format("{:04}{:02}{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

Result<Day> read_day(std::string_view text, std::string_view field) {
    constexpr std::size_t digits = 8;
    if (text.size() == digits && all_digits(text)) {
        const year_month_day date{std::chrono::year(number(text.substr(0, 4))),
                                  std::chrono::month(static_cast<unsigned>(number(text.substr(4, 2)))),
                                  std::chrono::day(static_cast<unsigned>(number(text.substr(6))))};
        if (date.ok() && date.year() >= std::chrono::year(1970)) return Day(date);
    }
    return bad_request(std::string(field), "is not a date as YYYYMMDD");
}

std::optional<int> read_time(std::string_view text) {
    if (text.size() != 5 || text[2] != ':' || !all_digits(text.substr(0, 2)) || !all_digits(text.substr(3)))
        return std::nullopt;
    const int hour = number(text.substr(0, 2)), minute = number(text.substr(3));
    if (hour > 23 || minute > 59) return std::nullopt;
    return hour * 60 + minute;
}

std::string local_iso8601(Day day, int minutes, int utc_offset_minutes) {
    const year_month_day date(day);
    const int offset = std::abs(utc_offset_minutes);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:00{}", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), minutes / 60, minutes % 60,
        offset == 0
            ? "Z"
            : fmt::format("{}{:02}:{:02}", utc_offset_minutes < 0 ? '-' : '+', offset / 60, offset % 60));
}

Result<DateRange> read_date_range(std::string_view text, std::string_view field) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return bad_request(std::string(field), "is not two dates as YYYYMMDD:YYYYMMDD");
    DateRange range;
    for (const auto& [side, end] :
         {std::pair{text.substr(0, colon), &range.from}, {text.substr(colon + 1), &range.to}}) {
        if (side.empty()) continue;
        const auto day = read_day(side, field);
        if (!day) return day.error();
        *end = *day;
    }
    if (range.from && range.to && *range.to < *range.from)
        return bad_request(std::string(field), "ends before it begins");
    return range;
}

void add_day(Months& months, Day day) {
    const year_month_day date(day);
    auto& mask = months[date.year() / date.month()];
    mask.days |= 1U << (static_cast<unsigned>(date.day()) - 1);
    mask.weekdays = static_cast<Weekdays>(mask.weekdays | weekday_bit(day));
}

std::string_view month_word(std::chrono::month month) {
    return month_words[index_of(month)];
}

std::string_view month_name(std::chrono::month month) {
    return month_names[index_of(month)];
}

}  // namespace kassi::sandbox::box_office
