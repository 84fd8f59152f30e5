#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/simulators/stripe_form.hpp"

/// Which amounts Stripe takes, in its own unit of each currency (ISK and UGX have two places, always 00).
namespace kassi::sandbox::stripe {

inline constexpr std::int64_t amount_max = 99'999'999;  ///< eight digits

/// In lower case afterwards. Refused: what is no currency.
std::optional<Refusal> check_currency(std::string& currency);
/// Steps of the currency only: "is it a multiple of 100", "does it end in 0".
std::optional<Refusal> check_step(std::int64_t amount, std::string_view currency, std::string param);
/// Of a new payment: positive, at least the currency's minimum, at most amount_max, and check_step().
std::optional<Refusal> check_amount(std::int64_t amount, std::string_view currency);

}  // namespace kassi::sandbox::stripe
