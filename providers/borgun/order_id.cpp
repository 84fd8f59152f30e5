#include "providers/borgun/order_id.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace kassi::providers::borgun {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::uint64_t digits = 10;

}  // namespace

std::string order_id(const TransactionId& transaction, std::int64_t leg, std::int64_t call) {
    const auto bytes = crypto::sha256("borgun order " + transaction.text() + "-" + std::to_string(leg) + "-" +
                                      std::to_string(call));
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | bytes[i];
    std::string id(order_id_characters, '0');
    // The older gateway wants a digit within the last six: the last one is.
    id.back() = alphabet[number % digits];
    number /= digits;
    for (std::size_t i = order_id_characters - 1; i-- > 0;) {
        id[i] = alphabet[number % alphabet.size()];
        number /= alphabet.size();
    }
    return id;
}

std::string next_order_id(const core::Scene& scene) {
    return order_id(scene.transaction.id, scene.leg.no, scene.leg.calls + 1);
}

bool is_our_order(const core::Scene& scene, std::string_view text) {
    if (!is_order_id(text)) return false;
    for (std::int64_t call = 1; call <= scene.leg.calls; ++call)
        if (order_id(scene.transaction.id, scene.leg.no, call) == text) return true;
    return false;
}

bool names_the_transaction(const core::Transaction& transaction, std::string_view text) {
    return !text.empty() && (text == transaction.id.text() || text == transaction.reference ||
                             text == order_id(transaction.id, 0, 0));
}

bool is_order_id(std::string_view text) {
    return text.size() == order_id_characters && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
}

}  // namespace kassi::providers::borgun
