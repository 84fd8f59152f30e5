#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kassi {

/// A currency of ISO 4217, as an index into one constexpr table (code, number, exponent, symbols).
class Currency {
  public:
    /// Three letters, upper or lower case. Error: bad_request naming `field`.
    static Result<Currency> parse(std::string_view code, std::string_view field);

    constexpr Currency() = default;                     ///< the empty currency "XXX" of a Money nobody set
    [[nodiscard]] std::string_view code() const;        ///< "GBP"
    [[nodiscard]] std::string lower_code() const;       ///< "gbp", as F13 and Stripe write it
    [[nodiscard]] int number() const;                   ///< 826
    [[nodiscard]] int places() const;                   ///< 2: decimal places of the minor unit
    [[nodiscard]] std::string_view pre_symbol() const;  ///< "£", "" when the symbol stands after
    [[nodiscard]] std::string_view post_symbol() const;
    constexpr auto operator<=>(const Currency&) const = default;

  private:
    explicit constexpr Currency(std::uint8_t index) : index_(index) {}
    std::uint8_t index_ = 0;
};

/// Largest amount of one payment, in minor units (design.md section 7).
inline constexpr std::int64_t payment_minor_max = 1'000'000'000'000;

/// An amount in integer minor units of its currency. Never floating point.
struct Money {
    std::int64_t minor = 0;
    Currency currency;
    bool operator==(const Money&) const = default;
};

/// "12.5" with places 2 -> 1250. Refuses signs, exponents, blanks, more digits than places (unless
/// they are zeros), and more than 10^12 minor units. Error: bad_request naming `field`.
Result<std::int64_t> minor_from_decimal(std::string_view text, int places, std::string_view field);

/// 1250, 2 -> "12.50"; 1250, 0 -> "1250"; negative values keep their sign.
std::string decimal_from_minor(std::int64_t minor, int places);

/// 1250, 2 -> "12.5", 1200, 2 -> "12": the shortest JSON number (F13 writes numbers so).
std::string shortest_decimal(std::int64_t minor, int places);

/// For people: "£12.50", "1 250 kr." by the symbols of the table.
std::string money_for_people(const Money& money);

}  // namespace kassi
