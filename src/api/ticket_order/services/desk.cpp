#include "api/ticket_order/services/desk.hpp"

#include <algorithm>

#include "providers/borgun/borgun.hpp"

namespace kassi::api::ticket_order::services {
namespace {

const providers::Merchant* that_fits(const std::string& name, const providers::Registry& registry) {
    const auto* merchant = registry.merchant(name);
    const auto* facts = registry.facts_of(name);
    if (merchant == nullptr || facts == nullptr || merchant->retired ||
        merchant->provider != providers::borgun::flow_name)
        return nullptr;
    const auto& kinds = facts->credentials;
    const bool takes = std::find(kinds.begin(), kinds.end(), providers::borgun::final_kind) != kinds.end();
    return takes ? merchant : nullptr;
}

}  // namespace

const providers::Merchant* borgun_merchant(const engine::Caller& caller,
                                           const providers::Registry& registry) {
    // "*" stands before every name of a source in the map's order.
    for (const auto& [source, names] : caller.ways)
        for (const auto& name : names)
            if (const auto* merchant = that_fits(name, registry)) return merchant;
    return nullptr;
}

}  // namespace kassi::api::ticket_order::services
