#pragma once

#include <map>
#include <optional>
#include <vector>

#include "sandbox/box_office/offered.hpp"

/// What things cost, from and to: cost_range and its offers (reference f13.md 4.1). Of undiscounted tickets
/// alone, as F13 has it. Pure.
namespace kassi::sandbox::box_office {

struct CostRange {
    std::int64_t seatprice_min = 0, seatprice_max = 0;  ///< minor units
    std::int64_t surcharge_min = 0, surcharge_max = 0;
    std::int64_t cost_min = 0, cost_max = 0;  ///< of one ticket, seat price and surcharge
    const Discount* best_value = nullptr;     ///< saves most in percent; nullptr: there is no offer
    const Discount* max_saving = nullptr;     ///< saves most money
    const Discount* min_cost = nullptr;       ///< the cheapest offer
    const Discount* top_price = nullptr;      ///< the dearest offer
};
/// Nullopt of nothing.
std::optional<CostRange> cost_range(const std::vector<const Discount*>& tickets);
/// Whole percent, rounded down.
std::int64_t percentage_saving(const Discount& discount);

/// The default ticket of each band that an event sells, on whatever day.
std::vector<const Discount*> default_tickets(const Event& event);
std::vector<const Discount*> default_tickets(const std::vector<OfferedBand>& bands);
/// The discounted ones by what they are for ("child", "student"); "standard" is none of them.
std::map<std::string, std::vector<const Discount*>> discounted_tickets(const std::vector<OfferedBand>& bands);

}  // namespace kassi::sandbox::box_office
