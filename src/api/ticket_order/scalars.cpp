#include "api/ticket_order/scalars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/text.hpp"
#include "providers/borgun/amounts.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_digit);
}

bool times_ten(std::int64_t& value) {
    if (value > std::numeric_limits<std::int64_t>::max() / 10 ||
        value < std::numeric_limits<std::int64_t>::min() / 10)
        return false;
    value *= 10;
    return true;
}

/// Digits from the front of a text, and single characters between them.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool done() const { return rest_.empty(); }
    bool skip(std::string_view expected) {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    /// Exactly that many digits; the last fault of all makes good() false.
    int number(std::size_t digits) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (rest_.empty() || !is_digit(rest_.front())) {
                good_ = false;
                return 0;
            }
            value = value * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }
    std::string_view digits() {
        std::size_t count = 0;
        while (count < rest_.size() && is_digit(rest_[count])) ++count;
        const auto found = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return found;
    }
    void expect(std::string_view expected) {
        if (!skip(expected)) good_ = false;
    }
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
    bool good_ = true;
};

// ---- decimals -----------------------------------------------------------------------------------------

/// "1,234,567" without its commas; nullopt when they stand elsewhere than between groups of three.
std::optional<std::string> without_groups(std::string_view text) {
    std::string out;
    auto whole = text.substr(0, text.find('.'));
    const auto rest = text.substr(whole.size());
    if (rest.find(',') != std::string_view::npos) return std::nullopt;
    if (whole.starts_with('-')) {
        out = "-";
        whole.remove_prefix(1);
    }
    const auto first = whole.find(',');
    if (first == 0 || first > 3) return std::nullopt;
    for (std::size_t from = 0; from < whole.size();) {
        const auto end = std::min(whole.find(',', from), whole.size());
        const auto group = whole.substr(from, end - from);
        if (!all_digits(group) || (from > 0 && group.size() != 3)) return std::nullopt;
        out += group;
        if (end + 1 == whole.size()) return std::nullopt;
        from = end + 1;
    }
    return out.append(rest);
}

/// -?digits[.digits][e[+-]digits], pieces only.
struct Pieces {
    bool negative = false;
    std::string_view whole, fraction;
    int exponent = 0;
};

std::optional<Pieces> pieces_of(std::string_view text) {
    constexpr int exponent_max = 40;  // far beyond every amount
    Pieces pieces;
    Scanner scanner(text);
    pieces.negative = scanner.skip("-");
    pieces.whole = scanner.digits();
    if (scanner.skip(".")) pieces.fraction = scanner.digits();
    if (pieces.whole.empty() && pieces.fraction.empty()) return std::nullopt;
    if (pieces.whole.size() > 1 && pieces.whole.front() == '0') return std::nullopt;
    if (scanner.skip("e") || scanner.skip("E")) {
        const bool down = scanner.skip("-");
        if (!down) scanner.skip("+");
        const auto exponent = read_integer(scanner.digits(), 0, exponent_max);
        if (!exponent) return std::nullopt;
        pieces.exponent = static_cast<int>(down ? -*exponent : *exponent);
    }
    if (!scanner.done()) return std::nullopt;
    return pieces;
}

/// Trailing zeros beyond what a scale may be go; then all must fit.
std::optional<Decimal> number_of(const Pieces& pieces) {
    Decimal number;
    for (const auto part : {pieces.whole, pieces.fraction}) {
        for (const char digit : part) {
            if (!times_ten(number.digits) ||
                number.digits > std::numeric_limits<std::int64_t>::max() - (digit - '0'))
                return std::nullopt;
            number.digits += digit - '0';
        }
    }
    number.scale = static_cast<int>(pieces.fraction.size()) - pieces.exponent;
    if (pieces.negative) number.digits = -number.digits;
    if (number.digits == 0) number.scale = std::clamp(number.scale, 0, decimal_scale_max);
    for (; number.scale < 0; ++number.scale)
        if (!times_ten(number.digits)) return std::nullopt;
    for (; number.scale > decimal_scale_max; --number.scale) {
        if (number.digits % 10 != 0) return std::nullopt;
        number.digits /= 10;
    }
    return number;
}

// ---- dates --------------------------------------------------------------------------------------------

struct Civil {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    std::int64_t fraction = 0;  // ticks
    int offset_minutes = 0;
};

std::optional<Date> date_from(const Civil& civil) {
    const std::chrono::year_month_day day{std::chrono::year{civil.year},
                                          std::chrono::month{static_cast<unsigned>(civil.month)},
                                          std::chrono::day{static_cast<unsigned>(civil.day)}};
    if (civil.year < 1 || civil.year > 9999 || !day.ok() || civil.hour > 23 || civil.minute > 59 ||
        civil.second > 59)
        return std::nullopt;
    const auto at = std::chrono::sys_time<Ticks>(std::chrono::sys_days(day)) +
                    std::chrono::hours(civil.hour) + std::chrono::minutes(civil.minute) +
                    std::chrono::seconds(civil.second) + Ticks(civil.fraction) -
                    std::chrono::minutes(civil.offset_minutes);
    // An offset can lead out of the years; .NET's smallest with one is still "unset" to its sender.
    constexpr std::chrono::sys_time<Ticks> end{std::chrono::sys_days{
        std::chrono::year_month_day{std::chrono::year{10000}, std::chrono::January, std::chrono::day{1}}}};
    if (at >= end) return std::nullopt;
    return Date{std::max(at, Date::unset)};
}

/// "Z", "+02:00" or nothing.
void read_zone(Scanner& scanner, Civil& civil, std::string_view between) {
    if (scanner.skip("Z") || scanner.done()) return;
    const bool west = scanner.skip("-");
    if (!west) scanner.expect("+");
    const int hours = scanner.number(2);
    scanner.expect(between);
    const int minutes = scanner.number(2);
    constexpr int hours_max = 14;
    if (hours > hours_max || minutes > 59) scanner.expect("(no such offset)");
    civil.offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
}

void read_time(Scanner& scanner, Civil& civil) {
    civil.hour = scanner.number(2);
    scanner.expect(":");
    civil.minute = scanner.number(2);
    if (!scanner.skip(":")) return;
    civil.second = scanner.number(2);
    if (!scanner.skip(".")) return;
    constexpr std::size_t fraction_digits_max = 7;
    const auto digits = scanner.digits();
    if (digits.empty() || digits.size() > fraction_digits_max) scanner.expect("(no such fraction)");
    std::string ticks(digits.substr(0, fraction_digits_max));
    ticks.resize(fraction_digits_max, '0');
    civil.fraction = read_integer(ticks, 0, Ticks::period::den).value_or(0);
}

std::optional<Date> read_iso(std::string_view text) {
    Scanner scanner(text);
    Civil civil;
    civil.year = scanner.number(4);
    scanner.expect("-");
    civil.month = scanner.number(2);
    scanner.expect("-");
    civil.day = scanner.number(2);
    if (scanner.skip("T") || scanner.skip(" ")) {
        read_time(scanner, civil);
        read_zone(scanner, civil, ":");
    }
    if (!scanner.good() || !scanner.done()) return std::nullopt;
    return date_from(civil);
}

/// /Date(1614834367000+0200)/, with \/ for / as JSON writes it.
std::optional<Date> read_wcf(std::string_view text) {
    Scanner scanner(text);
    scanner.skip("\\");
    scanner.expect("/Date(");
    const bool before = scanner.skip("-");
    constexpr std::int64_t ms_max = 253'402'300'799'999;  // the last of the year 9999
    const auto ms = read_integer(scanner.digits(), 0, ms_max);
    if (scanner.skip("+") || scanner.skip("-")) static_cast<void>(scanner.number(4));
    scanner.expect(")");
    scanner.skip("\\");
    scanner.expect("/");
    if (!ms || !scanner.good() || !scanner.done()) return std::nullopt;
    const std::chrono::sys_time<Ticks> at{Millis(before ? -*ms : *ms)};
    if (at < Date::unset) return std::nullopt;
    return Date{at};
}

std::optional<Date> read_digits(std::string_view text) {
    Scanner scanner(text);
    Civil civil;
    civil.year = scanner.number(4);
    civil.month = scanner.number(2);
    civil.day = scanner.number(2);
    if (!scanner.good() || !scanner.done()) return std::nullopt;
    return date_from(civil);
}

std::optional<Date> read_slashes(std::string_view text) {
    Scanner scanner(text);
    Civil civil;
    civil.day = scanner.number(2);
    scanner.expect("/");
    civil.month = scanner.number(2);
    scanner.expect("/");
    civil.year = scanner.number(4);
    if (!scanner.good() || !scanner.done()) return std::nullopt;
    return date_from(civil);
}

/// "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"
std::optional<Date> read_javascript(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    Scanner scanner(text);
    Civil civil;
    if (std::none_of(days.begin(), days.end(), [&](auto day) { return scanner.skip(day); }))
        return std::nullopt;
    scanner.expect(" ");
    const auto* const month =
        std::find_if(months.begin(), months.end(), [&](auto name) { return scanner.skip(name); });
    if (month == months.end()) return std::nullopt;
    civil.month = static_cast<int>(month - months.begin()) + 1;
    scanner.expect(" ");
    civil.day = scanner.number(2);
    scanner.expect(" ");
    civil.year = scanner.number(4);
    scanner.expect(" ");
    read_time(scanner, civil);
    scanner.expect(" GMT");
    if (scanner.done()) return std::nullopt;
    Scanner zone(scanner.rest().substr(0, 5));
    read_zone(zone, civil, "");
    const auto behind = scanner.rest().substr(std::min<std::size_t>(5, scanner.rest().size()));
    if (!scanner.good() || !zone.good() || !zone.done()) return std::nullopt;
    if (!behind.empty() && !(behind.starts_with(" (") && behind.ends_with(')'))) return std::nullopt;
    return date_from(civil);
}

struct Parts {
    int year;
    unsigned month, day;
    std::int64_t hour, minute, second, ticks;
};

Parts parts_of(const Date& date) {
    const auto midnight = std::chrono::floor<std::chrono::days>(date.at);
    const std::chrono::year_month_day day{midnight};
    const std::chrono::hh_mm_ss<Ticks> time{date.at - midnight};
    return {static_cast<int>(day.year()),     static_cast<unsigned>(day.month()),
            static_cast<unsigned>(day.day()), time.hours().count(),
            time.minutes().count(),           time.seconds().count(),
            time.subseconds().count()};
}

}  // namespace

std::optional<std::int64_t> Decimal::units(int places) const {
    auto value = digits;
    int at = scale;
    for (; at > places; --at) {
        if (value % 10 != 0) return std::nullopt;
        value /= 10;
    }
    for (; at < places; ++at)
        if (!times_ten(value)) return std::nullopt;
    return value;
}

std::string Decimal::text() const {
    const auto bits = static_cast<std::uint64_t>(digits);
    auto out = std::to_string(digits < 0 ? 0 - bits : bits);
    const auto places = static_cast<std::size_t>(scale);
    if (out.size() <= places) out.insert(0, places + 1 - out.size(), '0');
    if (places > 0) out.insert(out.size() - places, 1, '.');
    return digits < 0 ? "-" + out : out;
}

std::optional<Decimal> read_decimal(std::string_view text, bool grouped) {
    text = trimmed(text);
    if (text.size() > decimal_bytes_max) return std::nullopt;
    std::string plain;
    if (grouped && text.find(',') != std::string_view::npos) {
        auto without = without_groups(text);
        if (!without) return std::nullopt;
        plain = std::move(*without);
        text = plain;
    }
    const auto pieces = pieces_of(text);
    return pieces ? number_of(*pieces) : std::nullopt;
}

std::optional<std::int64_t> read_integer(std::string_view text, std::int64_t least, std::int64_t most) {
    text = trimmed(text);
    std::int64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value);
    if (fault != std::errc() || stop != end || value < least || value > most) return std::nullopt;
    return value;
}

std::optional<bool> read_boolean(std::string_view text) {
    const auto word = ascii_lower(trimmed(text));
    for (const std::string_view yes : {"true", "1", "on", "y", "t"})
        if (word == yes) return true;
    for (const std::string_view no : {"false", "0", "off", "n", "f"})
        if (word == no) return false;
    return std::nullopt;
}

Date date_of(Instant at) {
    return Date{at};
}

std::optional<Date> read_date(std::string_view text) {
    constexpr std::size_t date_bytes_max = 100;
    constexpr std::size_t compact_bytes = 8;
    text = trimmed(text);
    if (text.empty()) return Date{};
    if (text.size() > date_bytes_max) return std::nullopt;
    if (text.front() == '/' || text.front() == '\\') return read_wcf(text);
    if (!is_digit(text.front())) return read_javascript(text);
    if (text.size() == compact_bytes && all_digits(text)) return read_digits(text);
    if (text.size() > 2 && text[2] == '/') return read_slashes(text);
    return read_iso(text);
}

std::string json_date(const Date& date) {
    const auto [year, month, day, hour, minute, second, ticks] = parts_of(date);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}{}", year, month, day, hour, minute, second,
                       ticks, date.is_set() ? "Z" : "");
}

std::string jsv_date(const Date& date) {
    constexpr std::int64_t ticks_a_millisecond = 10'000;
    const auto [year, month, day, hour, minute, second, ticks] = parts_of(date);
    auto out = fmt::format("{:04}-{:02}-{:02}", year, month, day);
    if (hour == 0 && minute == 0 && second == 0 && ticks == 0) return out;
    out += fmt::format("T{:02}:{:02}:{:02}", hour, minute, second);
    if (ticks % ticks_a_millisecond != 0)
        out += fmt::format(".{:07}", ticks);
    else if (ticks != 0)
        out += fmt::format(".{:03}", ticks / ticks_a_millisecond);
    return out + 'Z';
}

std::optional<Currency> read_currency(std::string_view text) {
    text = trimmed(text);
    if (!text.empty() && all_digits(text)) return providers::borgun::currency_of_number(text);
    const auto currency = Currency::parse(text, "");
    return currency ? std::optional(*currency) : std::nullopt;
}

}  // namespace kassi::api::ticket_order
