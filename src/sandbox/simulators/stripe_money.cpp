#include "sandbox/simulators/stripe_money.hpp"

#include <algorithm>
#include <iterator>

#include "base/money.hpp"

namespace kassi::sandbox::stripe {
namespace {

/// About half a US dollar; of the others 1, or one step.
constexpr std::pair<std::string_view, std::int64_t> minimums[] = {
    {"usd", 50},   {"aed", 200}, {"aud", 50},   {"brl", 50},  {"cad", 50},  {"chf", 50},
    {"czk", 1500}, {"dkk", 250}, {"eur", 50},   {"gbp", 30},  {"hkd", 400}, {"huf", 17500},
    {"inr", 50},   {"jpy", 50},  {"mxn", 1000}, {"myr", 200}, {"nok", 300}, {"nzd", 50},
    {"pln", 200},  {"ron", 200}, {"sek", 300},  {"sgd", 50},  {"thb", 1000}};

std::int64_t step_of(std::string_view currency) {
    if (currency == "isk" || currency == "ugx") return 100;
    const auto parsed = Currency::parse(currency, "currency");
    return parsed && parsed->places() == 3 ? 10 : 1;
}

}  // namespace

std::optional<Refusal> check_currency(std::string& currency) {
    const auto parsed = Currency::parse(currency, "currency");
    if (!parsed)
        return wrong_parameter("", "currency", "Invalid currency: it is no ISO 4217 code of a currency here");
    currency = parsed->lower_code();
    return std::nullopt;
}

std::optional<Refusal> check_step(std::int64_t amount, std::string_view currency, std::string param) {
    const std::int64_t step = step_of(currency);
    if (amount % step == 0) return std::nullopt;
    return wrong_parameter("", std::move(param),
                           "Invalid amount: in " + std::string(currency) + " it must be a multiple of " +
                               std::to_string(step) + ".");
}

std::optional<Refusal> check_amount(std::int64_t amount, std::string_view currency) {
    if (amount == 0)
        return wrong_parameter(
            "parameter_invalid_integer", "amount",
            "The amount must be greater than or equal to the minimum charge amount allowed "
            "for your account and the currency set.");
    if (amount < 0)
        return wrong_parameter("parameter_invalid_integer", "amount",
                               "This value must be greater than or equal to 1.");
    if (amount > amount_max)
        return wrong_parameter(
            "amount_too_large", "amount",
            "Amount must be no more than " + std::to_string(amount_max) + " " + std::string(currency) + ".");
    const auto found = std::find_if(std::begin(minimums), std::end(minimums),
                                    [&](const auto& each) { return each.first == currency; });
    const std::int64_t least = found == std::end(minimums) ? step_of(currency) : found->second;
    if (amount < least)
        return wrong_parameter(
            "amount_too_small", "amount",
            "Amount must be at least " + std::to_string(least) + " " + std::string(currency) + ".");
    return check_step(amount, currency, "amount");
}

}  // namespace kassi::sandbox::stripe
