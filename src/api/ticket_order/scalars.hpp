#pragma once

#include <cstdint>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/money.hpp"
#include "base/result.hpp"

/// Single values as ServiceStack's clients write them, from text. Blanks around a value do not count.
namespace kassi::api::ticket_order {

/// A decimal number, exactly: digits / 10^scale. The scale is kept as it was written: 12.50 stays 12.50.
struct Decimal {
    std::int64_t digits = 0;
    int scale = 0;  ///< 0 to decimal_scale_max

    /// The exact number of units of 10^-places; nullopt when it has more places, or is out of range.
    [[nodiscard]] std::optional<std::int64_t> units(int places) const;
    [[nodiscard]] std::string text() const;
    bool operator==(const Decimal&) const = default;
};
inline constexpr int decimal_scale_max = 18;
inline constexpr std::size_t decimal_bytes_max = 64;

/// "12.50", "-0.5", ".5", "5.", "1.5e2", "1e3" where that is exact; "1,234.5" where `grouped` says that it
/// was in quotes: commas between groups of three digits only. Refuses "+1", "007", "1 2", "NaN", and more
/// than 18 digits. Nullopt: none of these.
std::optional<Decimal> read_decimal(std::string_view text, bool grouped);

/// "-5", "007"; refuses "", "+5", "1.0", "0x1F" and what is out of range.
std::optional<std::int64_t> read_integer(std::string_view text, std::int64_t least, std::int64_t most);

/// true/false, on/off, y/n, t/f in any case, 1/0.
std::optional<bool> read_boolean(std::string_view text);

/// .NET's ticks: 100 ns.
using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;

/// A DateTime. Unset is .NET's smallest, 0001-01-01.
struct Date {
    std::chrono::sys_time<Ticks> at = unset;

    /// 0001-01-01T00:00:00Z
    static constexpr std::chrono::sys_time<Ticks> unset{std::chrono::sys_days{
        std::chrono::year_month_day{std::chrono::year{1}, std::chrono::January, std::chrono::day{1}}}};
    [[nodiscard]] bool is_set() const { return at != unset; }
    /// Milliseconds; what is finer is cut off.
    [[nodiscard]] Instant instant() const { return std::chrono::floor<Millis>(at); }
    bool operator==(const Date&) const = default;
};
Date date_of(Instant at);

/// yyyy-MM-dd, yyyy-MM-ddTHH:mm[:ss[.f to 7 digits]][Z|±hh:mm] with T or a blank, yyyyMMdd, dd/MM/yyyy,
/// /Date(ms[±hhmm])/ with or without backslashes (ms is UTC, the offset says nothing), and what JavaScript
/// makes of a Date in a query ("Thu Jan 01 1970 00:00:00 GMT+0000 (...)"). Without a zone: UTC. "" is unset.
/// Years 1 to 9999.
std::optional<Date> read_date(std::string_view text);

/// "2024-05-01T12:34:56.7890000Z"; unset "0001-01-01T00:00:00.0000000".
std::string json_date(const Date& date);
/// "2024-05-01" at midnight, else "2024-05-01T12:34:56Z", ".789Z", ".7890123Z".
std::string jsv_date(const Date& date);

/// A currency as ISO 4217 spells it, or by its number ("352", the gateway's only). Nullopt: neither.
std::optional<Currency> read_currency(std::string_view text);

}  // namespace kassi::api::ticket_order
