#include "providers/stripe/amounts.hpp"

#include <algorithm>

namespace kassi::providers::stripe {
namespace {

/// Where Stripe's unit or step differs from ISO 4217's minor unit.
struct Rule {
    std::string_view code;
    std::int64_t times = 1;  ///< wire = minor * times / step_to_one
    std::int64_t over = 1;
    std::int64_t step = 1;  ///< of minor units; 0: not taken
};
constexpr Rule rules[] = {
    {.code = "ISK", .times = 100},              // two digits, always 00
    {.code = "UGX", .times = 100},              // two digits, always 00
    {.code = "MGA", .over = 100, .step = 100},  // written without digits, though ISO 4217 has two
    {.code = "BHD", .step = 10},                // three digits, the last one 0
    {.code = "JOD", .step = 10},
    {.code = "KWD", .step = 10},
    {.code = "OMR", .step = 10},
    {.code = "TND", .step = 10},
    {.code = "IQD", .step = 0},
    {.code = "LYD", .step = 0},
    {.code = "CLF", .step = 0},
    {.code = "UYW", .step = 0},
};

Rule rule_of(std::string_view code) {
    const auto* found =
        std::find_if(std::begin(rules), std::end(rules), [&](const Rule& rule) { return rule.code == code; });
    return found == std::end(rules) ? Rule{} : *found;
}

}  // namespace

std::int64_t to_wire(const Money& money) {
    const Rule rule = rule_of(money.currency.code());
    return money.minor * rule.times / rule.over;
}

std::optional<Money> from_wire(std::int64_t amount, std::string_view currency) {
    const auto parsed = Currency::parse(currency, "currency");
    if (!parsed) return std::nullopt;
    const Rule rule = rule_of(parsed->code());
    // Compared before it is multiplied: what a payment may be is far below what an integer holds.
    const bool lawful = amount >= 0 && amount <= payment_minor_max * rule.times && amount % rule.times == 0;
    if (!lawful) return std::nullopt;
    return Money{amount / rule.times * rule.over, *parsed};
}

std::vector<std::pair<std::string, std::int64_t>> steps() {
    std::vector<std::pair<std::string, std::int64_t>> all;
    for (const auto& rule : rules)
        if (rule.step != 1) all.emplace_back(rule.code, rule.step);
    return all;
}

}  // namespace kassi::providers::stripe
