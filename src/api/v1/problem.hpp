#pragma once

#include <string>
#include <string_view>

#include "base/http_message.hpp"
#include "base/result.hpp"

/// Errors of /v1 as problem+json (RFC 9457).
namespace kassi::api::v1 {

/// What an ErrorKind is on this door: the one place that says so.
struct ProblemKind {
    int status;
    std::string_view type;  ///< "urn:kassi:problem:not-found"
    std::string_view title;
};
ProblemKind problem_kind(ErrorKind kind);

/// type, title, status, detail, field (null when none), request_id. 401 asks for a Bearer key, 503 says
/// when to come again. An internal error says no more than that it is one.
HttpResponse problem(const Error& error, std::string_view request_id);
/// The same of what the server refuses before a door sees it: it has a status already. "about:blank" is RFC
/// 9457's type for no more than that.
HttpResponse problem(int status, std::string_view why, std::string_view request_id);

}  // namespace kassi::api::v1
