#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "sandbox/box_office/trolley.hpp"

/// A trolley lives in its token and nowhere else. The same content is the same token, each change gives a new
/// one, and what this box office did not write itself it does not read. Pure.
namespace kassi::sandbox::box_office {

inline constexpr std::size_t trolley_token_bytes_max = 6 * 1024;  ///< it travels in a URL

/// Letters, digits, "-" and "_".
std::string trolley_token(const Secret<>& key, const Trolley& trolley);
/// Error: bad_request naming trolley_token.
Result<Trolley> read_trolley_token(const Secret<>& key, std::string_view token);

}  // namespace kassi::sandbox::box_office
