#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "providers/credentials/apple_pay.hpp"

/// The inside of a token. Section 4.3 of the reference, item 10.
namespace kassi::providers::apple_pay {

/// Places of transactionAmount, for the currencies that Options::exponents named.
using Exponents = std::vector<std::pair<Currency, int>>;

inline constexpr int exponent_max = 4;

Result<Exponents> read_exponents(const std::vector<std::pair<std::string, int>>& from);

/// Card, amount and device of an opened token; the rest of Opened comes from its outside. Error: bad_request,
/// field "apple_pay", without a character of the content.
Result<Opened> read_content(std::string_view plain, const Exponents& exponents);

}  // namespace kassi::providers::apple_pay
