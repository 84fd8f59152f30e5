#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/call_log.hpp"
#include "api/router.hpp"
#include "base/http_message.hpp"

/// Internal to this room.
namespace kassi::callbacks {

/// One request on its way through a door.
struct Call {
    std::string_view door;       ///< "callback", "callout", "webhook"
    std::string_view operation;  ///< "/callback/{token}"
    std::string method;
    Reply reply;
    std::string request_id;
    std::string merchant, transaction;  ///< for the log, where known

    Call(std::string_view name, std::string_view path, const HttpRequest& request, Reply given)
        : door(name),
          operation(path),
          method(request.method),
          reply(std::move(given)),
          request_id(api::request_id_of(request)) {}

    /// `why` it is refused is for the log only.
    void finish(HttpResponse response, std::string_view why = {}) const {
        response.headers.emplace_back("X-Request-Id", request_id);
        // Not one is a read: the customer and the provider move things with a GET too.
        api::log_call({.door = door,
                       .method = method,
                       .operation = operation,
                       .status = response.status,
                       .who = {"merchant", merchant},
                       .transaction = transaction,
                       .why = why,
                       .request_id = request_id,
                       .is_read = false});
        reply(std::move(response));
    }
};
using CallPointer = std::shared_ptr<Call>;

/// An error as JSON {"error", "field"}, for programs; nothing of the insides. `allow` for a wrong method.
HttpResponse json_error(const Error& error, std::string_view allow);

}  // namespace kassi::callbacks
