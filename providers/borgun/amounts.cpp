#include "providers/borgun/amounts.hpp"

#include <algorithm>

namespace kassi::providers::borgun {
namespace {

constexpr std::string_view codes[] = {"ISK", "EUR", "USD", "GBP", "DKK", "NOK", "SEK", "CHF", "CAD",
                                      "HUF", "BHD", "AUD", "RUB", "PLN", "RON", "CZK", "JPY"};
constexpr int number_digits = 3;
constexpr int extra_digits = 2;

/// Digits behind the point in the gateway's integers.
int wire_places(const Currency& currency) {
    return currency.code() == "JPY" ? 0 : extra_digits;
}

std::int64_t power_of_ten(int exponent) {
    std::int64_t power = 1;
    for (int i = 0; i < exponent; ++i) power *= 10;
    return power;
}

/// From `places` digits behind the point to others; nullopt when that would cut digits off.
std::optional<std::int64_t> with_places(std::int64_t amount, int places, int wanted) {
    if (wanted >= places) return amount * power_of_ten(wanted - places);
    const std::int64_t divisor = power_of_ten(places - wanted);
    if (amount % divisor != 0) return std::nullopt;
    return amount / divisor;
}

}  // namespace

std::vector<std::string> known_currencies() {
    return {std::begin(codes), std::end(codes)};
}

std::string number_of(const Currency& currency) {
    std::string number = std::to_string(currency.number());
    number.insert(0, number_digits - std::min<std::size_t>(number.size(), number_digits), '0');
    return number;
}

std::optional<Currency> currency_of_number(std::string_view number) {
    for (const auto code : codes) {
        const auto currency = Currency::parse(code, "currency");
        if (currency && number_of(*currency) == number) return *currency;
    }
    return std::nullopt;
}

std::int64_t to_wire(const Money& money) {
    const auto wire = with_places(money.minor, money.currency.places(), wire_places(money.currency));
    KASSI_ENSURE(wire.has_value());
    return *wire;
}

std::optional<Money> from_wire(std::int64_t amount, std::string_view currency_number) {
    const auto currency = currency_of_number(currency_number);
    // Compared before it is multiplied: what a payment may be is far below what an integer holds.
    if (!currency || amount < 0 || amount > payment_minor_max * power_of_ten(extra_digits))
        return std::nullopt;
    const auto minor = with_places(amount, wire_places(*currency), currency->places());
    if (!minor || *minor > payment_minor_max) return std::nullopt;
    return Money{*minor, *currency};
}

std::vector<std::pair<std::string, std::int64_t>> steps() {
    std::vector<std::pair<std::string, std::int64_t>> all;
    for (const auto code : codes) {
        const auto currency = Currency::parse(code, "currency");
        const int cut_off = currency ? currency->places() - wire_places(*currency) : 0;
        if (cut_off > 0) all.emplace_back(code, power_of_ten(cut_off));
    }
    return all;
}

std::optional<std::int64_t> purchase_amount(const Money& money, int exponent) {
    return with_places(money.minor, money.currency.places(), exponent);
}

int first_exponent(const Currency& currency) {
    return currency.places();
}

std::optional<int> other_exponent(const Currency& currency, int exponent) {
    if (currency.code() == "ISK" && exponent == 0) return extra_digits;
    return std::nullopt;
}

}  // namespace kassi::providers::borgun
