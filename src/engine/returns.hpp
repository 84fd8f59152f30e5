#pragma once

#include "engine/engine.hpp"

/// The rules for return URLs (reference f13.md section 3.2, ASVS 3.7.2): matched whole against what the
/// caller registered, never by prefix; the token stands once in the path, so that the next hop's URL follows.
namespace kassi::engine {

/// A caller's return token must pass through URLs unchanged: 1 to limits::return_token_bytes_max of the
/// unreserved characters of RFC 3986 (letters, digits, '-', '.', '_', '~'), but not "." or "..", which a
/// browser would take for folders. Error: bad_request naming `field`.
std::optional<Error> check_return_token(std::string_view token, std::string_view field);

/// Errors: bad_request naming return_token, return_url, remote_site or landing_url.
Result<core::Journey> journey_of(const ReturnDetails& details, const Caller& caller,
                                 const Settings& settings);

/// "host" or "host:port" against the registered hosts; "host:*" registers every port (sandbox).
bool registered(const Url& url, const std::vector<std::string>& hosts);

}  // namespace kassi::engine
