#include "sandbox/box_office/costs.hpp"

#include <algorithm>

namespace kassi::sandbox::box_office {

std::int64_t percentage_saving(const Discount& discount) {
    const auto full = discount.full_seatprice + discount.full_surcharge;
    return full == 0 ? 0 : discount.saving() * 100 / full;
}

std::optional<CostRange> cost_range(const std::vector<const Discount*>& tickets) {
    if (tickets.empty()) return std::nullopt;
    const auto& first = *tickets.front();
    CostRange range{first.seatprice, first.seatprice, first.surcharge,
                    first.surcharge, first.cost(),    first.cost()};
    const auto better = [](const Discount*& best, const Discount* candidate, auto&& value) {
        if (best == nullptr || value(*candidate) > value(*best)) best = candidate;
    };
    for (const auto* ticket : tickets) {
        range.seatprice_min = std::min(range.seatprice_min, ticket->seatprice);
        range.seatprice_max = std::max(range.seatprice_max, ticket->seatprice);
        range.surcharge_min = std::min(range.surcharge_min, ticket->surcharge);
        range.surcharge_max = std::max(range.surcharge_max, ticket->surcharge);
        range.cost_min = std::min(range.cost_min, ticket->cost());
        range.cost_max = std::max(range.cost_max, ticket->cost());
        if (!ticket->is_offer()) continue;
        better(range.best_value, ticket, percentage_saving);
        better(range.max_saving, ticket, [](const Discount& each) { return each.saving(); });
        better(range.min_cost, ticket, [](const Discount& each) { return -each.cost(); });
        better(range.top_price, ticket, [](const Discount& each) { return each.cost(); });
    }
    return range;
}

std::vector<const Discount*> default_tickets(const Event& event) {
    std::vector<const Discount*> tickets;
    for (const auto& type : event.ticket_types) {
        for (const auto& band : type.price_bands) tickets.push_back(&band.discounts.front());
    }
    return tickets;
}

std::vector<const Discount*> default_tickets(const std::vector<OfferedBand>& bands) {
    std::vector<const Discount*> tickets;
    for (const auto& band : bands) tickets.push_back(band.discounts.front());
    return tickets;
}

std::map<std::string, std::vector<const Discount*>> discounted_tickets(
    const std::vector<OfferedBand>& bands) {
    std::map<std::string, std::vector<const Discount*>> by_type;
    for (const auto& band : bands) {
        for (const auto* discount : band.discounts)
            if (discount->semantic_type != "standard") by_type[discount->semantic_type].push_back(discount);
    }
    return by_type;
}

}  // namespace kassi::sandbox::box_office
