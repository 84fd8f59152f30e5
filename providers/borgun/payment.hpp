#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/money.hpp"
#include "core/step.hpp"

/// A transaction as the gateway shows it (reference/borgun.md section 6.3).
namespace kassi::providers::borgun {

enum class State : std::uint8_t { accepted, uncaptured, captured, declined, cancelled, refunded, error };

struct Payment {
    std::string id;
    std::string order;
    std::string code;  ///< ActionCode
    State state = State::error;
    std::optional<Money> amount;  ///< nullopt when it is no amount, or in no currency, of ours
};

/// TransactionStatus by name, whether it came so or as a number; "" neither.
std::string status_word(const nlohmann::json& object);
/// Nullopt: something of it is missing or not understood; the amount may be.
std::optional<Payment> read_payment(const nlohmann::json& object);
/// "tr_" and what an id may be made of.
bool is_payment_id(std::string_view text);
/// The payment's id, as it was recorded; "" not known.
std::string known_payment(const core::Scene& scene);
core::Done done_with(const Payment& payment, core::LegMoney money, std::string evidence);

/// The answer to capture, cancel and refund.
struct Action {
    std::string code;
    std::string refund_id;
};
/// Nullopt: not understood, or about another payment.
std::optional<Action> read_action(const nlohmann::json& object, const std::string& payment);

}  // namespace kassi::providers::borgun
