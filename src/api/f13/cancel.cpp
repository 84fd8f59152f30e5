#include "api/f13/cancel.hpp"

#include <algorithm>
#include <variant>

namespace kassi::api::f13 {
namespace {

bool lists(const Items& items, std::int64_t item) {
    return std::find(items.begin(), items.end(), item) != items.end();
}

}  // namespace

bool has_item(const core::Transaction& transaction, std::int64_t item) {
    return std::any_of(
        transaction.bundles.begin(), transaction.bundles.end(), [item](const core::Bundle& bundle) {
            return std::any_of(bundle.orders.begin(), bundle.orders.end(),
                               [item](const core::Order& order) { return order.item == item; });
        });
}

Items cancellable(const core::Transaction& transaction, const FactsOf& facts_of, const Items& wanted) {
    Items items;
    for (const auto& bundle : transaction.bundles) {
        if (!core::bundle_bought(transaction, bundle.source)) continue;
        for (const auto& order : bundle.orders) {
            const bool asked = wanted.empty() || lists(wanted, order.item);
            if (asked && cancellation_word(transaction, bundle, order, facts_of) == "possible")
                items.push_back(order.item);
        }
    }
    return items;
}

Items must_go_too(const core::Transaction& transaction, const FactsOf& facts_of, const Items& items) {
    Items more;
    const auto all = cancellable(transaction, facts_of, {});
    for (const auto& leg : transaction.legs) {
        const auto* facts = facts_of(leg.merchant);
        if (leg.money != core::LegMoney::taken || facts == nullptr || facts->can_refund_part) continue;
        Items left;
        bool touched = false;
        for (const auto& bundle : transaction.bundles) {
            if (std::find(leg.sources.begin(), leg.sources.end(), bundle.source) == leg.sources.end())
                continue;
            for (const auto& order : bundle.orders) {
                if (lists(items, order.item))
                    touched = true;
                else if (lists(all, order.item))
                    left.push_back(order.item);
            }
        }
        if (touched) more.insert(more.end(), left.begin(), left.end());
    }
    return more;
}

Items items_cancelled_by(const std::vector<core::Event>& events) {
    Items items;
    for (const auto& event : events) {
        const auto* asked = std::get_if<core::RefundAsked>(&event);
        if (asked != nullptr) items.insert(items.end(), asked->items.begin(), asked->items.end());
    }
    return items;
}

}  // namespace kassi::api::f13
