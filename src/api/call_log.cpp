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

}  // namespace

void log_call(const CallLine& line) {
    log::write(level_of(line), line.door,
               {{"method", line.method},
                {"operation", line.operation},
                {"status", std::to_string(line.status)},
                line.who,
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
