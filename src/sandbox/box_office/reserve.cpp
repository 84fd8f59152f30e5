#include "sandbox/box_office/reserve.hpp"

#include <algorithm>
#include <array>

namespace kassi::sandbox::box_office {
namespace {

/// Countries to which every chosen way of sending goes.
api::f13::Countries allowed_countries(const Catalogue& catalogue, const std::vector<TrolleyBundle>& bundles) {
    auto allowed = catalogue.countries;
    for (const auto& bundle : bundles) {
        for (const auto& order : bundle.orders) {
            if (!order.send_method || order.send_method->permitted.empty()) continue;
            const auto& permitted = order.send_method->permitted;
            std::erase_if(allowed, [&](const auto& country) {
                return std::find(permitted.begin(), permitted.end(), country) == permitted.end();
            });
        }
    }
    return allowed;
}

/// Sixteen hex digits that nobody guesses.
std::string new_barcode(Randomness& randomness) {
    std::array<std::uint8_t, 8> bytes{};
    randomness.fill(bytes);
    auto text = encoding::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

/// Bundles while they are filled.
class BySource {
  public:
    void put(const std::string& source, OrderText order) {
        auto& bundle = bundles_[source];
        bundle.source = source;
        bundle.currency = order.currency;
        if (order.send_method) bundle.send_cost = order.send_method->cost;  // once a bundle
        bundle.orders.push_back(std::move(order));
    }
    [[nodiscard]] std::vector<TrolleyBundle> take() {
        std::vector<TrolleyBundle> list;
        for (auto& [source, bundle] : bundles_) list.push_back(std::move(bundle));
        return list;
    }

  private:
    std::map<std::string, TrolleyBundle> bundles_;
};

}  // namespace

std::vector<TrolleyBundle> priced_bundles(const Catalogue& catalogue, const Trolley& trolley, Instant now) {
    BySource bundles;
    for (const auto& line : trolley.lines) {
        const auto source = sold(catalogue, line, now).event->source;
        bundles.put(source, priced(catalogue, line, send_method(catalogue, trolley, source, now), now));
    }
    return bundles.take();
}

std::vector<OrderText> discarded_orders(const Catalogue& catalogue, const Change& change, Instant now) {
    std::vector<OrderText> orders;
    for (const auto& line : change.discarded) orders.push_back(priced(catalogue, line, nullptr, now));
    return orders;
}

Reserved reserve(const Catalogue& catalogue, const Trolley& trolley, Instant now) {
    Reserved reserved;
    BySource bundles;
    std::map<std::string, std::set<std::string>> taken;
    for (const auto& line : trolley.lines) {
        const auto& event = *sold(catalogue, line, now).event;
        auto order = priced(catalogue, line, send_method(catalogue, trolley, event.source, now), now);
        if (!take_seats(catalogue, line, taken[line.perf_id], order, now)) {
            reserved.unreserved.push_back(std::move(order));
            continue;
        }
        if (event.cancellable) reserved.cancellable.insert(line.item);
        bundles.put(event.source, std::move(order));
    }
    reserved.bundles = bundles.take();
    return reserved;
}

void make_printable(const Catalogue& catalogue, const Trolley& trolley, Instant now,
                    std::string_view public_url, Randomness& randomness, Reserved& reserved) {
    for (auto& bundle : reserved.bundles) {
        for (auto& order : bundle.orders) {
            if (order.send_method && order.send_method->type == "selfprint")
                order.send_method->voucher_url =
                    std::string(public_url).append("/shop/vouchers/{transaction}");
            const auto line = std::find_if(trolley.lines.begin(), trolley.lines.end(),
                                           [&](const Line& each) { return each.item == order.item; });
            if (line == trolley.lines.end() || !sold(catalogue, *line, now).event->rules.barcodes) continue;
            for (auto& tickets : order.ticket_orders)
                for (auto& seat : tickets.seats) seat.barcode = new_barcode(randomness);
        }
    }
}

api::f13::Document document_of(const Catalogue& catalogue, const Reserved& reserved,
                               const engine::Caller& caller) {
    api::f13::Document document;
    for (const auto& bundle : reserved.bundles)
        document.orders.insert(document.orders.end(), bundle.orders.begin(), bundle.orders.end());
    document.unreserved = reserved.unreserved;
    document.countries = allowed_countries(catalogue, reserved.bundles);
    document.prefilled_address = {{"country_code", caller.country}};
    return document;
}

std::vector<core::Bundle> core_bundles(const Reserved& reserved,
                                       const std::function<std::string(const TrolleyBundle&)>& description) {
    std::vector<core::Bundle> all;
    for (const auto& bundle : reserved.bundles) {
        core::Bundle handed{bundle.source, description(bundle), {bundle.send_cost, bundle.currency}, {}};
        for (const auto& order : bundle.orders) {
            const Money price{order.seatprice + order.surcharge, order.currency};
            handed.amount.minor += price.minor;
            handed.orders.push_back({order.item, price, reserved.cancellable.contains(order.item)});
        }
        all.push_back(std::move(handed));
    }
    return all;
}

}  // namespace kassi::sandbox::box_office
