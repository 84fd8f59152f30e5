#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/result.hpp"

namespace kassi {

/// A request as doors and flows see it; no socket in sight. Header names are compared without case.
struct HttpRequest {
    std::string method;  ///< upper case
    std::string target;  ///< origin form: path and query as they came
    Fields headers;
    std::string body;
    std::string peer;  ///< address of the other end, "" for outbound

    [[nodiscard]] std::string_view path() const;   ///< before the '?'; still percent-encoded
    [[nodiscard]] std::string_view query() const;  ///< after the '?', "" when none
    [[nodiscard]] std::string_view header(std::string_view name) const;  ///< "" when absent
};

struct HttpResponse {
    int status = 200;
    Fields headers;
    std::string body;
    [[nodiscard]] std::string_view header(std::string_view name) const;
};

bool same_header_name(std::string_view left, std::string_view right);

/// A parsed absolute http or https URL.
struct Url {
    std::string scheme;      ///< "http" | "https"
    std::string host;        ///< lower case, no port; IPv6 without brackets
    std::uint16_t port = 0;  ///< given or the scheme's
    std::string target;      ///< path and query, at least "/"
    [[nodiscard]] std::string_view path() const;
    [[nodiscard]] std::string_view query() const;
    /// "https://host[:port]"; the port only when it is not the scheme's.
    [[nodiscard]] std::string origin() const;
};

/// Boost.URL underneath; refuses user info, fragments, other schemes, hosts that only some readers take for
/// an address ("127.1"). Error: bad_request naming `field`.
Result<Url> parse_url(std::string_view text, std::string_view field);

/// Query and body of a request merged in the order they came: query first, then the body if it is
/// urlencoded, multipart, or (when `json_too`) a flat JSON object of scalars (true -> "1", false -> "0",
/// a number as it is written, null as if it were absent). At most limits::form_fields_max together.
/// An empty body needs no Content-Type. Errors: bad_request, too_large, unsupported_media.
Result<Fields> request_fields(const HttpRequest& request, bool json_too);

/// Sends an answer, exactly once. A Handler may answer at once or later, on the io thread.
using Reply = std::function<void(HttpResponse)>;
using Handler = std::function<void(HttpRequest, Reply)>;

/// All three say no-store. `location` must be a URL already: a control character in it is a defect.
HttpResponse json_response(int status, std::string body);
HttpResponse html_response(int status, std::string body, std::string_view content_security_policy);
HttpResponse redirect_response(int status, std::string_view location);

}  // namespace kassi
