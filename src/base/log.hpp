#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// Structured log lines: one JSON object a line on standard error, through spdlog.
/// {"at":"2026-01-10T10:00:00.123Z","level":"info","event":"purchase","transaction":"...","caller":"demo"}
namespace kassi::log {

using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

enum class Level { debug, info, warning, error };

/// `to_file` "" means standard error. Called once at start.
void start(Level level, const std::string& to_file = "");
void write(Level level, std::string_view event, Pairs pairs);
inline void info(std::string_view event, Pairs pairs) {
    write(Level::info, event, pairs);
}
inline void warning(std::string_view event, Pairs pairs) {
    write(Level::warning, event, pairs);
}
inline void error(std::string_view event, Pairs pairs) {
    write(Level::error, event, pairs);
}
inline void debug(std::string_view event, Pairs pairs) {
    write(Level::debug, event, pairs);
}

}  // namespace kassi::log
