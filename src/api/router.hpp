#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/http_message.hpp"

/// Doors are handlers mounted under a path prefix. A door translates, validates and answers.
namespace kassi::api {

struct Mount {
    std::string prefix;  ///< "/f13/", "/v1/", "/callback/"; "/" catches the rest
    Handler handler;
    /// In place of the prefix, for a door whose paths have no prefix in common, or any case. Is told the path
    /// as it came, percent-encoded.
    std::function<bool(std::string_view path)> takes = nullptr;
};

/// The longest prefix wins; then comes who says itself that it takes a path, then "/"; nothing fits: 404 as
/// JSON.
/// Adds `Cache-Control: no-store` where the handler set none, and an `X-Request-Id` (kept when the handler
/// set one; else the client's own, where it is proper).
Handler route(std::vector<Mount> mounts);

/// A new name for one request: 8 random characters of this process, and a count.
std::string new_request_id();
/// The client's own X-Request-Id where it is proper, else a new one.
std::string request_id_of(const HttpRequest& request);
/// A whole text that is one: 13 to 19 digits with blanks, '-', '.' or '_' between them, an issuer's first
/// digit (2 to 6) and a right check digit (ISO/IEC 7812-1, Luhn). Stricter than may_be_card_number(), which
/// would refuse the many ids that are long numbers.
bool is_card_number(std::string_view text);
/// 1 to limits::tracking_id_bytes_max printable ASCII characters without blanks, and no card number: what a
/// header may carry and a log line may show.
bool is_request_id(std::string_view text);

}  // namespace kassi::api
