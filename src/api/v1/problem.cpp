#include "api/v1/problem.hpp"

#include <optional>

#include "api/status.hpp"
#include "base/json.hpp"

namespace kassi::api::v1 {
namespace {

constexpr std::string_view internal_detail = "Something is wrong on our side; it was recorded.";

std::string detail_of(const Error& error) {
    if (error.kind == ErrorKind::internal) return std::string(internal_detail);
    return error.field.empty() ? error.message : error.field + ": " + error.message;
}

/// What the server refuses for, where it has a problem of its own.
std::optional<ErrorKind> kind_of(int status) {
    for (const auto kind :
         {ErrorKind::bad_request, ErrorKind::too_large, ErrorKind::unavailable, ErrorKind::internal})
        if (http_status(kind) == status) return kind;
    return std::nullopt;
}

/// RFC 9110 and 6585: the titles of problems that are no more than their status.
std::string_view phrase(int status) {
    switch (status) {
        case 408:
            return "Request Timeout";
        case 414:
            return "URI Too Long";
        case 417:
            return "Expectation Failed";
        case 431:
            return "Request Header Fields Too Large";
        case 501:
            return "Not Implemented";
        default:
            return "Refused";
    }
}

/// The one writer of problem+json. `field` "" is null.
HttpResponse write(const ProblemKind& kind, std::string_view detail, std::string_view field,
                   std::string_view request_id) {
    JsonWriter json;
    json.begin_object();
    json.field("type", kind.type).field("title", kind.title).field("status", kind.status);
    json.field("detail", detail).key("field");
    field.empty() ? json.null() : json.string(field);
    json.field("request_id", request_id).end_object();
    HttpResponse response{kind.status,
                          {{"Content-Type", "application/problem+json"},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
                          json.take()};
    if (kind.status == http_status(ErrorKind::unauthenticated))
        response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"kassi\"");
    if (kind.status == http_status(ErrorKind::unavailable)) response.headers.emplace_back("Retry-After", "1");
    return response;
}

}  // namespace

ProblemKind problem_kind(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::bad_request:
            return {400, "urn:kassi:problem:bad-request", "The request is not valid"};
        case ErrorKind::unauthenticated:
            return {401, "urn:kassi:problem:unauthenticated", "A valid key is needed"};
        case ErrorKind::forbidden:
            return {403, "urn:kassi:problem:forbidden", "Not permitted"};
        case ErrorKind::not_found:
            return {404, "urn:kassi:problem:not-found", "Not found"};
        case ErrorKind::method_not_allowed:
            return {405, "urn:kassi:problem:method-not-allowed", "Method not allowed"};
        case ErrorKind::conflict:
            return {409, "urn:kassi:problem:conflict", "The state does not allow it"};
        case ErrorKind::gone:
            return {410, "urn:kassi:problem:gone", "Spent or over"};
        case ErrorKind::too_large:
            return {413, "urn:kassi:problem:too-large", "Too large"};
        case ErrorKind::unsupported_media:
            return {415, "urn:kassi:problem:unsupported-media-type", "Unsupported media type"};
        case ErrorKind::unavailable:
            return {503, "urn:kassi:problem:unavailable", "Not available now"};
        case ErrorKind::internal:
            return {500, "urn:kassi:problem:internal", "Internal error"};
    }
    return {500, "urn:kassi:problem:internal", "Internal error"};
}

HttpResponse problem(const Error& error, std::string_view request_id) {
    return write(problem_kind(error.kind), detail_of(error), error.field, request_id);
}

HttpResponse problem(int status, std::string_view why, std::string_view request_id) {
    const auto kind = kind_of(status);
    if (!kind) return write({status, "about:blank", phrase(status)}, why, "", request_id);
    return write(problem_kind(*kind), *kind == ErrorKind::internal ? internal_detail : why,
                 *kind == ErrorKind::too_large ? "body" : "", request_id);
}

}  // namespace kassi::api::v1
