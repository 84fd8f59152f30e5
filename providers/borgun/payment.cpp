#include "providers/borgun/payment.hpp"

#include <nlohmann/json.hpp>

#include "providers/borgun/amounts.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/order_id.hpp"
#include "providers/borgun/requests.hpp"
#include "providers/borgun/wire.hpp"
#include "providers/evidence.hpp"
#include "providers/reference.hpp"

namespace kassi::providers::borgun {

std::string status_word(const nlohmann::json& object) {
    return wire::word(object, "TransactionStatus",
                      {{2, "Accepted"},
                       {3, "Uncaptured"},
                       {4, "Captured"},
                       {5, "Declined"},
                       {6, "Cancelled"},
                       {7, "Refunded"},
                       {8, "Error"}});
}

namespace {

std::optional<State> state_of(const nlohmann::json& object) {
    const auto word = status_word(object);
    constexpr std::pair<std::string_view, State> states[] = {
        {"Accepted", State::accepted}, {"Uncaptured", State::uncaptured}, {"Captured", State::captured},
        {"Declined", State::declined}, {"Cancelled", State::cancelled},   {"Refunded", State::refunded},
        {"Error", State::error}};
    for (const auto& [name, state] : states)
        if (name == word) return state;
    return std::nullopt;
}

/// "048", 48 and "48" are one currency.
std::string currency_number(const nlohmann::json& object) {
    auto number = wire::text(object, "Currency");
    constexpr std::size_t digits = 3;
    if (number.size() < digits) number.insert(0, digits - number.size(), '0');
    return number;
}

}  // namespace

bool is_payment_id(std::string_view text) {
    return text.starts_with("tr_") && is_plain_reference(text);
}

std::optional<Payment> read_payment(const nlohmann::json& object) {
    Payment payment;
    payment.id = wire::text(object, "TransactionId");
    payment.order = wire::text(object, "OrderId");
    payment.code = wire::text(object, "ActionCode");
    const auto state = state_of(object);
    if (!state || !is_payment_id(payment.id) || !is_action_code(payment.code)) return std::nullopt;
    payment.state = *state;
    if (const auto amount = wire::integer(object, "Amount"))
        payment.amount = from_wire(*amount, currency_number(object));
    return payment;
}

std::string known_payment(const core::Scene& scene) {
    return known_reference(scene, payment_kind);
}

core::Done done_with(const Payment& payment, core::LegMoney money, std::string evidence) {
    core::Done done;
    done.money = money;
    if (money != core::LegMoney::none) done.amount = payment.amount;
    done.references = {{std::string(payment_kind), payment.id}};
    done.evidence = std::move(evidence);
    return done;
}

std::optional<Action> read_action(const nlohmann::json& object, const std::string& payment) {
    Action action;
    action.code = wire::text(object, "ActionCode");
    action.refund_id = wire::text(object, "RefundTransactionId");
    if (wire::text(object, "TransactionId") != payment || !is_action_code(action.code)) return std::nullopt;
    if (!is_payment_id(action.refund_id)) action.refund_id.clear();
    return action;
}

}  // namespace kassi::providers::borgun
