#include "api/ticket_order/services/orders.hpp"

#include <algorithm>

#include "providers/order_id.hpp"

namespace kassi::api::ticket_order::services {
namespace {

std::optional<TransactionId> by_order_id(engine::Engine& engine, const engine::Caller& caller,
                                         std::string_view order_id, std::size_t look_through) {
    store::ListFilter filter;
    filter.system = caller.system;
    filter.caller = caller.name;
    while (look_through > 0) {
        filter.limit = std::min(store::list_page_max, look_through);
        const auto page = engine.store().list(filter);
        for (const auto& id : page)
            if (providers::order_id(id, 0, 0) == order_id) return id;
        if (page.size() < filter.limit) break;
        look_through -= page.size();
        filter.after = page.back();
    }
    return std::nullopt;
}

}  // namespace

Result<engine::View> find_order(engine::Engine& engine, const engine::Caller& caller,
                                std::string_view order_id, std::size_t look_through) {
    std::optional<TransactionId> id;
    if (providers::is_order_id(order_id))
        id = by_order_id(engine, caller, order_id, look_through);
    else if (const auto whole = TransactionId::parse(order_id, "orderId"))
        id = *whole;
    else
        id = engine.store().find_reference(order_id);
    auto view = id ? engine.view(*id, caller.system, caller.name)
                   : Result<engine::View>(Error{ErrorKind::not_found, "", ""});
    if (!view) return Error{ErrorKind::not_found, "orderId", "names no order of yours"};
    return view;
}

}  // namespace kassi::api::ticket_order::services
