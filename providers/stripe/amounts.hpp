#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/money.hpp"

/// Amounts as Stripe writes them (reference/stripe.md section 1.3): integers in a unit that is not always the
/// minor unit of ISO 4217.
namespace kassi::providers::stripe {

/// `money` must be in the steps below.
std::int64_t to_wire(const Money& money);
/// Nullopt: no currency that we know, below 0, above what a payment may be, or no whole minor units.
std::optional<Money> from_wire(std::int64_t amount, std::string_view currency);

/// Currencies that Stripe takes in larger steps than one minor unit, and with step 0 those that it does not
/// take.
std::vector<std::pair<std::string, std::int64_t>> steps();

}  // namespace kassi::providers::stripe
