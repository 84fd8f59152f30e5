#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/ticket_order/request.hpp"
#include "base/http_message.hpp"
#include "base/result.hpp"

/// Which operation a request asks for, how its body is read, and how it is answered (pure).
namespace kassi::api::ticket_order {

enum class Format : std::uint8_t { json, jsv };

/// An operation of the service: at its own path, and by its name at the predefined ones.
struct Named {
    std::string_view name;   ///< "TicketOrder": /api/TicketOrder, /json/reply/TicketOrder, ...
    std::string_view path;   ///< "/ticketOrder"; "" none. "/auth/{provider}": one segment of any kind
    bool post_only = false;  ///< else GET too
};
inline constexpr Named ticket_order_operation{"TicketOrder", "/ticketOrder"};

struct Route {
    std::size_t operation = 0;  ///< its place among those that are known
    std::string segment;        ///< what stands for {provider}, lower case; "" no such place
    BodyForm body = BodyForm::none;
    Format answer = Format::json;
    std::string content_type;  ///< of every answer, errors too, as the client spells it
    bool query_wins = false;   ///< see Incoming
    bool one_way = false;      ///< the client does not read the answer
};

/// How a request is answered, whether or not it is one of ours: errors too have the format that was asked
/// for.
struct Spoken {
    Format format = Format::json;
    std::string content_type;
};

/// By the first that says something: ?format=json|jsv, the path (/json/..., /jsv/..., /api/...), its suffix
/// (.json, .jsv), Accept (without regard to q: the body's own type where it is listed, JSON, HTML which gets
/// JSON, JSV; for "*" the body's own type), and JSON. Never fails. JSV is application/jsv, or text/jsv where
/// the client writes that.
Spoken spoken(const HttpRequest& request);

/// Own paths with or without .json and .jsv; /api/NAME[.jsv|.json], /json/reply/NAME, /jsv/reply/NAME and
/// /json/oneway, /jsv/oneway; in any case, with or without a slash at the end; GET and POST.
/// A predefined path reads its own format whatever Content-Type says, but for forms; an own path goes by
/// Content-Type. An empty body is none.
/// Errors: not_found (no such path, or another method at an own path), method_not_allowed (another method or
/// another operation at a predefined path, and batches: TicketOrder[]), unsupported_media (a Content-Type
/// that nobody reads, a Content-Encoding), bad_request naming "format" or "callback" (JSONP is not for
/// payments).
Result<Route> route_of(const HttpRequest& request, std::span<const Named> known);
/// The same where TicketOrder is all that there is.
Result<Route> route_of(const HttpRequest& request);

/// Query and body of a request that has this route; it refers to `request`, which must outlive it. Errors:
/// bad_request naming "query", "body", "Content-Type" or a form's field; too_large.
Result<Incoming> incoming_of(const HttpRequest& request, const Route& route);

/// Whether a path is this door's to answer, with an error at least: an own path of one of these, or a
/// predefined path.
bool is_ours(std::string_view path, std::span<const Named> known);
bool is_ours(std::string_view path);

}  // namespace kassi::api::ticket_order
