#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kassi {

using Millis = std::chrono::milliseconds;
/// A point in time, UTC, milliseconds.
using Instant = std::chrono::sys_time<Millis>;

/// Where "now" comes from. Tests and the simulation own theirs.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const = 0;
};

/// Wall clock at construction plus monotonic time since (design.md section 7), plus what the sandbox
/// advanced it by. Never runs backwards. Safe to read from any thread.
class SystemClock final : public Clock {
  public:
    SystemClock();
    [[nodiscard]] Instant now() const override;
    /// Sandbox only: moves time forward. `by` > 0.
    void advance(Millis by);
    /// now() is at least `floor` (the last committed row's time). Where that is ahead, the clock stands still
    /// there until the time that passes has caught up.
    void never_before(Instant floor);
    /// How far the machine's wall clock is ahead of this one (negative: behind), the sandbox's advances
    /// left out. Past 5 s nothing expires until the two agree again (design.md section 7).
    [[nodiscard]] Millis drift() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Where random bytes come from: OpenSSL's generator, or a seed in tests.
class Randomness {
  public:
    virtual ~Randomness() = default;
    virtual void fill(std::span<std::uint8_t> bytes) = 0;
};

/// RAND_bytes; throws when the generator fails.
class SystemRandomness final : public Randomness {
  public:
    void fill(std::span<std::uint8_t> bytes) override;
};

/// "2026-01-10T10:00:00Z" (milliseconds only when not zero).
std::string iso8601(Instant at);
/// RFC 3339 with offset or Z, years 1 to 9999; digits past the milliseconds are cut off. A leap second (:60)
/// is refused, since no Instant stands for it. Error: bad_request naming `field`.
Result<Instant> parse_iso8601(std::string_view text, std::string_view field);
/// Whole seconds, as RFC 9110 section 5.6.7 wants a date to be sent: "Sat, 10 Jan 2026 10:00:05 GMT".
std::string http_date(Instant at);
/// The same back; nullopt for anything else: another form, a day of the week that is not that date's, a leap
/// second (:60).
std::optional<Instant> parse_http_date(std::string_view text);
/// For people: "10 Jan 2026 10:00:05 UTC".
std::string instant_for_people(Instant at);

}  // namespace kassi
