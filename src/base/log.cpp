#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"

namespace kassi::log {
namespace {

using Logger = std::shared_ptr<spdlog::logger>;

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warning:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

std::string_view level_word(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warning:
            return "warning";
        case Level::error:
            return "error";
    }
    return "error";
}

Logger make_logger(Level level, const std::string& to_file) {
    spdlog::sink_ptr sink;
    if (to_file.empty())
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
        sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(to_file);
    auto logger = std::make_shared<spdlog::logger>("kassi", std::move(sink));
    // We build the whole line; spdlog only puts lines of many threads behind each other.
    logger->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, "\n"));
    logger->set_level(spdlog_level(level));
    logger->flush_on(spdlog::level::debug);  // the last line before a crash is the one that is wanted
    return logger;
}

std::mutex& guard() {
    static std::mutex mutex;
    return mutex;
}

/// Standard error from `info` on until start() says otherwise.
Logger& current() {
    static Logger logger = make_logger(Level::info, "");
    return logger;
}

Logger logger_in_use() {
    const std::lock_guard lock(guard());
    return current();
}

/// The machine's own time, whatever the sandbox says; always with milliseconds, so that columns stay columns.
std::string time_now() {
    const auto now = std::chrono::floor<Millis>(std::chrono::system_clock::now());
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    auto text = iso8601(now);
    if (now == second) text.insert(text.size() - 1, ".000");
    return text;
}

/// A line must stay JSON whatever somebody wants to see in it. `kept` holds what had to be changed.
std::string_view as_utf8(std::string_view text, std::string& kept) {
    if (encoding::is_utf8(text)) return text;
    kept = text;
    for (char& c : kept)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    return kept;
}

}  // namespace

void start(Level level, const std::string& to_file) {
    auto logger = make_logger(level, to_file);
    const std::lock_guard lock(guard());
    current() = std::move(logger);
}

void write(Level level, std::string_view event, Pairs pairs) {
    const auto logger = logger_in_use();
    if (!logger->should_log(spdlog_level(level))) return;
    JsonWriter line;
    std::string first, second;
    line.begin_object()
        .field("at", time_now())
        .field("level", level_word(level))
        .field("event", as_utf8(event, first));
    for (const auto& [name, value] : pairs) line.field(as_utf8(name, first), as_utf8(value, second));
    line.end_object();
    logger->log(spdlog_level(level), line.text());
}

}  // namespace kassi::log
