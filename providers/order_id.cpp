#include "providers/order_id.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace kassi::providers {
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

bool is_order_id(std::string_view text) {
    return text.size() == order_id_characters && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
}

}  // namespace kassi::providers
