#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/router.hpp"
#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/routes.hpp"
#include "api/ticket_order/visitors.hpp"
#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// What every operation of the service has in common: paths, formats, who calls and whether he may, other
/// sites, how it is answered and logged. An operation itself reads its request and answers.
namespace kassi::api::ticket_order {

/// One call, on its way. Answered exactly once.
struct Call {
    HttpRequest request;
    Route route;
    Visitor visitor;        ///< caller nullptr: an open operation, and nobody said who he is
    std::string operation;  ///< its name, for the log
    std::string request_id;
    std::string transaction;  ///< for the log, once it is known

    /// A body in route.answer, from print() or print_object().
    void answer(std::string body, int status = 200);
    void answer(HttpResponse response);
    void refuse(const Refusal& refusal);
    [[nodiscard]] engine::Meta meta() const;

    std::function<void(HttpResponse, std::string_view why)> finish;  ///< set by the mount
};
using CallPointer = std::shared_ptr<Call>;

struct Operation {
    Named named;  ///< refers to constants
    /// Whoever comes is let in, and visitor.caller may be nullptr. Else: a role of the service and ReadData.
    bool is_open = false;
    /// On the io thread; answers at once or later.
    std::function<void(const CallPointer&)> serve;
};

/// HTTP status, Content-Type and body of a refusal, as `request` wants them; 401 with WWW-Authenticate.
HttpResponse refused(const HttpRequest& request, const Refusal& refusal);

/// The mount takes the paths of all operations and every predefined path (/api/..., /json/reply/...) in any
/// case. Checks in this order: OPTIONS, path and method, who it is, role and permission. `visitors` must
/// outlive it.
Mount mount_of(std::vector<Operation> operations, Visitors& visitors);

}  // namespace kassi::api::ticket_order
