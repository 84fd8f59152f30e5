#include "base/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>

namespace kassi {
namespace {

using std::chrono::duration_cast;
using Steady = std::chrono::steady_clock;

constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekday_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

Instant wall_now() {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

struct Calendar {
    explicit Calendar(Instant at)
        : day(std::chrono::floor<std::chrono::days>(at)),
          date(day),
          time(at - day),
          year(static_cast<int>(date.year())),
          month(static_cast<unsigned>(date.month())),
          day_of_month(static_cast<unsigned>(date.day())) {}
    std::chrono::sys_days day;
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<Millis> time;
    int year;
    unsigned month;
    unsigned day_of_month;
};

/// Takes a text apart from the front; every step says whether it was there.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}
    std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count) return std::nullopt;
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (!next_is_digit(i)) return std::nullopt;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    /// Which of the names comes next: 0, 1, ...
    template <std::size_t N>
    std::optional<std::size_t> name_of(const std::array<std::string_view, N>& names) {
        for (std::size_t i = 0; i < N; ++i) {
            if (!rest_.starts_with(names.at(i))) continue;
            rest_.remove_prefix(names.at(i).size());
            return i;
        }
        return std::nullopt;
    }
    bool one_of(std::string_view characters) {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
        taken_ = rest_.front();
        rest_.remove_prefix(1);
        return true;
    }
    [[nodiscard]] bool next_is_digit(std::size_t at = 0) const {
        return rest_.size() > at && rest_[at] >= '0' && rest_[at] <= '9';
    }
    [[nodiscard]] char taken() const { return taken_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
    char taken_ = '\0';
};

std::optional<std::chrono::sys_days> read_date(Reader& in) {
    const auto year = in.digits(4);
    if (!year || !in.one_of("-")) return std::nullopt;
    const auto month = in.digits(2);
    if (!month || !in.one_of("-")) return std::nullopt;
    const auto day = in.digits(2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date);
}

std::optional<Millis> read_hours_and_minutes(Reader& in) {
    const auto hours = in.digits(2);
    if (!hours || *hours > 23 || !in.one_of(":")) return std::nullopt;
    const auto minutes = in.digits(2);
    if (!minutes || *minutes > 59) return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

std::optional<Millis> read_seconds(Reader& in) {
    const auto seconds = in.digits(2);
    if (!seconds || *seconds > 59) return std::nullopt;
    Millis value = std::chrono::seconds(*seconds);
    if (in.one_of(".")) {
        if (!in.next_is_digit()) return std::nullopt;
        for (int weight = 100; in.next_is_digit(); weight /= 10) value += Millis(*in.digits(1) * weight);
    }
    return value;
}

/// What has to be subtracted to get UTC.
std::optional<Millis> read_offset(Reader& in) {
    if (in.one_of("Zz")) return Millis(0);
    if (!in.one_of("+-")) return std::nullopt;
    const auto sign = in.taken() == '-' ? -1 : 1;
    const auto offset = read_hours_and_minutes(in);
    if (!offset) return std::nullopt;
    return *offset * sign;
}

std::optional<Instant> read_instant(std::string_view text) {
    Reader in(text);
    const auto date = read_date(in);
    if (!date || !in.one_of("Tt")) return std::nullopt;
    const auto minutes = read_hours_and_minutes(in);
    if (!minutes || !in.one_of(":")) return std::nullopt;
    const auto seconds = read_seconds(in);
    if (!seconds) return std::nullopt;
    const auto offset = read_offset(in);
    if (!offset || !in.at_end()) return std::nullopt;
    const Instant at = *date + *minutes + *seconds - *offset;
    using std::chrono::January;
    using std::chrono::year;
    if (at < std::chrono::sys_days(year{1} / January / 1) ||
        at >= std::chrono::sys_days(year{10000} / January / 1))
        return std::nullopt;
    return at;
}

/// As far as it says when; whether all of it is as it must be is seen when that is written again.
std::optional<Instant> read_http_date(std::string_view text) {
    Reader in(text);
    if (!in.name_of(weekday_names) || !in.one_of(",") || !in.one_of(" ")) return std::nullopt;
    const auto day = in.digits(2);
    if (!day || !in.one_of(" ")) return std::nullopt;
    const auto month = in.name_of(month_names);
    if (!month || !in.one_of(" ")) return std::nullopt;
    const auto year = in.digits(4);
    if (!year || !in.one_of(" ")) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month) + 1},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    const auto minutes = date.ok() ? read_hours_and_minutes(in) : std::nullopt;
    if (!minutes || !in.one_of(":")) return std::nullopt;
    const auto seconds = in.digits(2);
    if (!seconds) return std::nullopt;
    return std::chrono::sys_days(date) + *minutes + std::chrono::seconds(*seconds);
}

}  // namespace

struct SystemClock::State {
    const Instant wall_at_start = wall_now();
    const Steady::time_point steady_at_start = Steady::now();
    std::atomic<std::int64_t> advanced_millis{0};                                      // by the sandbox
    std::atomic<std::int64_t> floor_millis{wall_at_start.time_since_epoch().count()};  // by never_before()

    [[nodiscard]] Millis advanced() const { return Millis(advanced_millis.load()); }
    // Where the time that runs is behind the floor, it is the floor until the other has caught up.
    [[nodiscard]] Instant read_unadvanced() const {
        return std::max(Instant(Millis(floor_millis.load())),
                        wall_at_start + duration_cast<Millis>(Steady::now() - steady_at_start));
    }
    // Floor and advances only ever grow, and a steady clock does not go back: neither does this.
    [[nodiscard]] Instant read() const { return read_unadvanced() + advanced(); }
};

SystemClock::SystemClock() : state_(std::make_shared<State>()) {}

Instant SystemClock::now() const {
    return state_->read();
}

void SystemClock::advance(Millis by) {
    KASSI_ENSURE(by > Millis(0));
    state_->advanced_millis.fetch_add(by.count());
}

void SystemClock::never_before(Instant floor) {
    const auto wanted = (floor - state_->advanced()).time_since_epoch().count();
    auto present = state_->floor_millis.load();
    while (present < wanted && !state_->floor_millis.compare_exchange_weak(present, wanted)) {
    }
}

Millis SystemClock::drift() const {
    return wall_now() - state_->read_unadvanced();
}

std::string iso8601(Instant at) {
    const Calendar c(at);
    std::string text;
    text.reserve(std::size("2026-01-10T10:00:00.000Z"));
    // Every answer and every log line has some: digit by digit, as the format of fmt is read anew each time.
    const auto number = [&text](auto value, int digits) {
        const auto end = text.size() + static_cast<std::size_t>(digits);
        text.resize(end, '0');
        auto left = static_cast<unsigned>(value);
        for (std::size_t at_digit = end; left != 0; left /= 10)
            text.at(--at_digit) = static_cast<char>('0' + left % 10);
    };
    if (c.year < 0 || c.year > 9999)
        text = fmt::format("{:04}", c.year);
    else
        number(c.year, 4);
    text += '-', number(c.month, 2);
    text += '-', number(c.day_of_month, 2);
    text += 'T', number(c.time.hours().count(), 2);
    text += ':', number(c.time.minutes().count(), 2);
    text += ':', number(c.time.seconds().count(), 2);
    if (const auto millis = c.time.subseconds().count(); millis != 0) text += '.', number(millis, 3);
    text += 'Z';
    return text;
}

Result<Instant> parse_iso8601(std::string_view text, std::string_view field) {
    if (const auto at = read_instant(text)) return *at;
    return bad_request(std::string(field),
                       "is not a date and time as of RFC 3339, such as 2026-01-10T10:00:00Z");
}

std::string http_date(Instant at) {
    const Calendar c(at);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       weekday_names.at(std::chrono::weekday(c.day).c_encoding()), c.day_of_month,
                       month_names.at(c.month - 1), c.year, c.time.hours().count(), c.time.minutes().count(),
                       c.time.seconds().count());
}

std::optional<Instant> parse_http_date(std::string_view text) {
    const auto at = read_http_date(text);
    // Whatever is written in more than one way, or says two things, is none.
    if (!at || http_date(*at) != text) return std::nullopt;
    return at;
}

std::string instant_for_people(Instant at) {
    const Calendar c(at);
    return fmt::format("{} {} {} {:02}:{:02}:{:02} UTC", c.day_of_month, month_names.at(c.month - 1), c.year,
                       c.time.hours().count(), c.time.minutes().count(), c.time.seconds().count());
}

}  // namespace kassi
