#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

/// What each door leaves in the log: one line for each call.
namespace kassi::api {

/// No token. Method, operation and who may come from outside: what is no method, or may be a card number, is
/// not logged. "" is what is not known.
struct CallLine {
    std::string_view door;       ///< "v1" "f13" "callback" "callout" "webhook"
    std::string_view method;     ///< of HTTP
    std::string_view operation;  ///< as the door describes it: "/v1/transactions/{id}", "status.v1"
    int status = 0;
    std::pair<std::string_view, std::string_view> who;  ///< {"system", its name}: "caller" and "merchant" too
    std::string_view transaction;
    std::string_view why;  ///< it was refused
    std::string_view request_id;
    bool is_read = false;  ///< it moves nothing: of interest only when it is refused
};
/// A defect is an error, a read that went well is at debug level, everything else at info.
void log_call(const CallLine& line);

/// Of a refusal, as the log says it: field and message. No error holds a secret; a field that may be a card
/// number is not named.
std::string reason_of(const Error& error);

}  // namespace kassi::api
