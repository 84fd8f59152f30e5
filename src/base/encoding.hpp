#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace kassi {

/// Ordered names and values; names may repeat. Never a map: order is part of the contract.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// First value of that name, or nullptr.
const std::string* find_field(const Fields& fields, std::string_view name);

namespace encoding {

/// Lower case; read back in any case.
std::string hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view text, std::string_view field);
/// RFC 4648 section 4, padded; read strictly (no blanks, no missing padding, no stray bits at the end).
std::string base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text, std::string_view field);
/// URL alphabet, no padding.
std::string base64url(std::string_view bytes);
Result<std::string> from_base64url(std::string_view text, std::string_view field);

/// RFC 3986 unreserved characters stay, everything else becomes %XX.
std::string percent_encode(std::string_view text);
/// Strict: a lone % or %G1 is a bad_request naming `field`. `plus_is_blank` for forms.
Result<std::string> percent_decode(std::string_view text, bool plus_is_blank, std::string_view field);

/// application/x-www-form-urlencoded, in order; "a&b=" gives {"a",""},{"b",""}. Strict
/// percent-encoding and UTF-8; at most `fields_max` fields (too_large). Empty pieces ("&&") are skipped.
/// Errors name `field` or the form field.
Result<Fields> parse_form(std::string_view text, std::string_view field, std::size_t fields_max = 200);
/// The same back; blanks as "+", as browsers do.
std::string form(const Fields& fields);

/// multipart/form-data body (RFC 7578); file parts are refused. `content_type` is the whole header. Errors:
/// bad_request naming "Content-Type", "body" or the form field; too_large.
Result<Fields> parse_multipart(std::string_view body, std::string_view content_type,
                               std::size_t fields_max = 200);

/// True for well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);
/// How many bytes from the start are well-formed UTF-8: the place of the first fault, or the size.
std::size_t utf8_bytes(std::string_view text);

/// & < > " ' escaped, exactly once. For element content and quoted attributes.
std::string html(std::string_view text);

}  // namespace encoding
}  // namespace kassi
