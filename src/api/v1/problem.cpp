#include "api/v1/problem.hpp"

#include "base/json.hpp"

namespace kassi::api::v1 {
namespace {

std::string detail_of(const Error& error) {
    if (error.kind == ErrorKind::internal) return "Something is wrong on our side; it was recorded.";
    return error.field.empty() ? error.message : error.field + ": " + error.message;
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
    const auto kind = problem_kind(error.kind);
    JsonWriter json;
    json.begin_object();
    json.field("type", kind.type).field("title", kind.title).field("status", kind.status);
    json.field("detail", detail_of(error));
    json.key("field");
    error.field.empty() ? json.null() : json.string(error.field);
    json.field("request_id", request_id).end_object();
    auto response = json_response(kind.status, json.take());
    response.headers.front().second = "application/problem+json";
    if (error.kind == ErrorKind::unauthenticated)
        response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"kassi\"");
    if (error.kind == ErrorKind::unavailable) response.headers.emplace_back("Retry-After", "1");
    return response;
}

}  // namespace kassi::api::v1
