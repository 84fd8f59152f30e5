#pragma once

#include "base/clock.hpp"
#include "base/http_message.hpp"
#include "engine/engine.hpp"

namespace kassi::sandbox {

/// Nobody may bring the clock past this year: dates have four digits.
inline constexpr int clock_year_max = 9000;

/// Moves the time of Kassi and its simulators, and lets the engine look at what is due. Error: bad_request
/// naming advance_seconds when the clock would pass clock_year_max.
Result<Instant> advance(SystemClock& clock, engine::Engine& engine, Millis by);

/// GET /sandbox/clock: {"now": ...}. PUT {"advance_seconds": N}, an integer from 1 to clock_step_seconds_max,
/// moves it and answers the new time. Errors as JSON {"error", "field"}.
Handler clock_door(SystemClock& clock, engine::Engine& engine);

/// What PUT /sandbox/clock asks for, in seconds. Errors: bad_request naming body or advance_seconds.
Result<std::int64_t> read_advance(std::string_view body);

}  // namespace kassi::sandbox
