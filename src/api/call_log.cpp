#include "api/call_log.hpp"

#include "api/status.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace kassi::api {
namespace {

log::Level level_of(const CallLine& line) {
    if (line.status >= http_status(ErrorKind::internal)) return log::Level::error;
    const bool went_well = line.status < http_status(ErrorKind::bad_request);
    return line.is_read && went_well ? log::Level::debug : log::Level::info;
}

std::string_view method_of(std::string_view method) {
    for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
        if (method == known) return known;
    return "other";
}

}  // namespace

void log_call(const CallLine& line) {
    log::write(level_of(line), line.door,
               {{"method", method_of(line.method)},
                {"operation", name_for_error(line.operation, "none")},
                {"status", std::to_string(line.status)},
                {line.who.first, name_for_error(line.who.second, "")},
                {"transaction", line.transaction},
                {"why", line.why},
                {"request", line.request_id}});
}

std::string reason_of(const Error& error) {
    if (error.field.empty()) return error.message;
    // A field may be named by who sent it: nothing from outside is logged that may be a card number.
    return std::string(name_for_error(error.field, "(a field)")) + " " + error.message;
}

}  // namespace kassi::api
