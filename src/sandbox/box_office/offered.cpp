#include "sandbox/box_office/offered.hpp"

#include <algorithm>
#include <set>

namespace kassi::sandbox::box_office {
namespace {

/// The 1st of the month: nothing but the undiscounted ticket.
bool discounts_are_off(const Event& event, const Performance& performance, const TicketType& type) {
    const auto& rules = event.rules;
    if (rules.undiscounted_day == 0 || type.code != rules.undiscounted_ticket_type || !performance.day)
        return false;
    return static_cast<unsigned>(std::chrono::year_month_day(*performance.day).day()) ==
           rules.undiscounted_day;
}

OfferedBand offered_of(const Event& event, const Performance& performance, const TicketType& type,
                       const PriceBand& band) {
    OfferedBand out{&type, &band, {}, event.quantity_max()};
    if (event.is_seated) out.available = std::min(out.available, static_cast<std::int64_t>(band.capacity()));
    const bool only_default =
        event.rules.discounts == DiscountRule::default_only || discounts_are_off(event, performance, type);
    for (const auto& discount : band.discounts) {
        out.discounts.push_back(&discount);
        if (only_default) break;
    }
    return out;
}

bool can_be_had(const Event& event, const OfferedBand& band, std::int64_t seats_count) {
    return seats_count == 0 ||
           (band.available >= seats_count && std::find(event.quantities.begin(), event.quantities.end(),
                                                       seats_count) != event.quantities.end());
}

}  // namespace

std::string_view without_suffix(std::string_view price_band) {
    return price_band.substr(0, price_band.rfind('/'));
}

Result<std::string_view> read_price_band_code(std::string_view code) {
    if (!code.ends_with(pool_suffix) && !code.ends_with(allocation_suffix))
        return bad_request("", "price_band_code needs /pool or /alloc suffix");
    return code;
}

std::vector<OfferedBand> offered(const Event& event, const Performance& performance,
                                 std::int64_t seats_count) {
    std::vector<OfferedBand> all;
    if (sold_out(event, performance)) return all;
    for (const auto& type : event.ticket_types) {
        for (const auto& band : type.price_bands) {
            auto each = offered_of(event, performance, type, band);
            if (can_be_had(event, each, seats_count)) all.push_back(std::move(each));
        }
    }
    return all;
}

std::optional<OfferedBand> offered_band(const Event& event, const Performance& performance,
                                        std::string_view ticket_type, std::string_view price_band) {
    if (!price_band.ends_with(pool_suffix) || sold_out(event, performance)) return std::nullopt;
    const auto* type = event.ticket_type(ticket_type);
    const auto* band = event.price_band(ticket_type, without_suffix(price_band));
    if (type == nullptr || band == nullptr) return std::nullopt;
    return offered_of(event, performance, *type, *band);
}

std::vector<const Discount*> discounts_for(const Event& event, const OfferedBand& band,
                                           const std::vector<std::string>& wanted, std::size_t seats_count) {
    const auto legal = [&](const std::string& code) {
        const auto found = std::find_if(band.discounts.begin(), band.discounts.end(),
                                        [&](const Discount* discount) { return discount->code == code; });
        return found == band.discounts.end() ? band.discounts.front() : *found;
    };
    const auto different_max = static_cast<std::size_t>(event.rules.different_discounts_max);
    std::vector<const Discount*> chosen;
    std::set<const Discount*> different;
    for (std::size_t ticket = 0; ticket < seats_count; ++ticket) {
        const auto* discount = ticket < wanted.size() ? legal(wanted[ticket]) : band.discounts.front();
        if (event.rules.discounts == DiscountRule::blanket && ticket > 0) discount = chosen.front();
        if (different_max > 0 && different.size() == different_max && !different.contains(discount))
            discount = different.contains(band.discounts.front()) ? band.discounts.front() : chosen.front();
        different.insert(discount);
        chosen.push_back(discount);
    }
    return chosen;
}

std::vector<std::string> send_codes(const Catalogue& catalogue, const Event& event,
                                    const Performance& performance, Instant now) {
    std::vector<std::string> codes;
    for (const auto& code : event.send_codes) {
        const auto lead = std::chrono::days(catalogue.send_method(code)->lead_days);
        if (!performance.day || performance.at >= now + lead) codes.push_back(code);
    }
    return codes;
}

bool is_open_on(const Event& event, Day day, Instant now) {
    const auto on = days_on(event, now);
    return std::binary_search(on.begin(), on.end(), day);
}

}  // namespace kassi::sandbox::box_office
