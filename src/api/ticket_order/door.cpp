#include "api/ticket_order/door.hpp"

#include <iterator>
#include <utility>

#include "api/ticket_order/login.hpp"
#include "api/ticket_order/metadata.hpp"
#include "api/ticket_order/ordering.hpp"
#include "base/text.hpp"

namespace kassi::api {
namespace {

using ticket_order::Named;

/// Paths of the door; their operations are not needed to know whose they are.
constexpr Named own_paths[] = {ticket_order::ticket_order_operation,
                               {"", "/ticketOrder/status"},
                               {"", "/auth"},
                               {"", "/auth/{provider}"},
                               {"", "/metadata"},
                               {"", "/json/metadata"},
                               {"", "/jsv/metadata"}};
constexpr std::string_view services_prefix = "/borgunservices/";

ErrorKind kind_of(int status) {
    constexpr int too_large[] = {413, 414, 431};
    for (const int each : too_large)
        if (status == each) return ErrorKind::too_large;
    if (status == 503) return ErrorKind::unavailable;
    return status < 500 ? ErrorKind::bad_request : ErrorKind::internal;
}

template <class T>
void append(std::vector<T>& to, std::vector<T> more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

Mount ticket_order_door(TicketOrderOptions options) {
    auto visitors = std::make_shared<ticket_order::Visitors>(
        options.engine, options.passwords, options.randomness,
        ticket_order::Visitors::Options{std::move(options.allowed_origins)});
    auto operations = ticket_order::ordering_operations(options);
    append(operations, std::move(options.more));
    append(operations, ticket_order::login_operations(*visitors));
    append(operations, ticket_order::metadata_operations(operations));
    auto mount = ticket_order::mount_of(std::move(operations), *visitors);
    mount.handler = [visitors, handler = std::move(mount.handler)](HttpRequest request, Reply reply) {
        handler(std::move(request), std::move(reply));
    };
    return mount;
}

std::optional<HttpResponse> ticket_order_refusal(int status, std::string_view target, std::string_view why) {
    const HttpRequest request{"GET", std::string(target), {}, "", ""};
    if (!ticket_order::is_ours(request.path(), own_paths) &&
        !ascii_lower(request.path()).starts_with(services_prefix))
        return std::nullopt;
    auto response = ticket_order::refused(
        request, ticket_order::refusal_of(Error{kind_of(status), "", std::string(why)}));
    response.status = status;
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

}  // namespace kassi::api
