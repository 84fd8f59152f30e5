#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/money.hpp"

/// Amounts and currencies as the gateway writes them (reference/borgun.md section 3): integers with two extra
/// digits whatever ISO 4217 says, JPY with none; and as its MPI does, with an exponent of its own.
namespace kassi::providers::borgun {

/// Alphabetic codes that the gateway knows.
std::vector<std::string> known_currencies();
/// "352" of ISK, leading zeros kept.
std::string number_of(const Currency& currency);
/// Nullopt for a number that the gateway does not know.
std::optional<Currency> currency_of_number(std::string_view number);

/// `money` must be in the steps below.
std::int64_t to_wire(const Money& money);
/// Nullopt: no currency of the gateway's, below 0, above what a payment may be, or no whole minor units.
std::optional<Money> from_wire(std::int64_t amount, std::string_view currency_number);
/// Currencies that the gateway takes in larger steps than one minor unit.
std::vector<std::pair<std::string, std::int64_t>> steps();

/// PurchAmount with that exponent; nullopt where it has no such form.
std::optional<std::int64_t> purchase_amount(const Money& money, int exponent);
/// The exponent to begin with.
int first_exponent(const Currency& currency);
/// The one to try when the first was answered with "not available"; nullopt: none.
std::optional<int> other_exponent(const Currency& currency, int exponent);

}  // namespace kassi::providers::borgun
