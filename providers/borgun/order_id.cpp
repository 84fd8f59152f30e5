#include "providers/borgun/order_id.hpp"

namespace kassi::providers::borgun {
namespace {

/// What was sent since the copy that was put back is not known; nobody sends so much within one payment.
constexpr std::int64_t calls_since_a_copy_max = 200;

}  // namespace

std::string next_order_id(const core::Scene& scene) {
    return order_id(scene.transaction.id, scene.leg.no, scene.leg.calls + 1);
}

bool is_our_order(const core::Scene& scene, std::string_view text) {
    if (!is_order_id(text)) return false;
    const std::int64_t last = scene.leg.calls + (scene.transaction.put_back > 0 ? calls_since_a_copy_max : 0);
    for (std::int64_t call = 1; call <= last; ++call)
        if (order_id(scene.transaction.id, scene.leg.no, call) == text) return true;
    return false;
}

bool names_the_transaction(const core::Transaction& transaction, std::string_view text) {
    return !text.empty() && (text == transaction.id.text() || text == transaction.reference ||
                             text == order_id(transaction.id, 0, 0));
}

}  // namespace kassi::providers::borgun
