#include "base/json.hpp"
#include "sandbox/box_office/print.hpp"

namespace kassi::sandbox::box_office {

using api::f13::write_currency_details;
using api::f13::write_orders;

std::string print_trolley(const TrolleyPage& page) {
    std::vector<Currency> currencies;
    std::size_t count = 0;
    for (const auto& bundle : page.bundles) {
        currencies.push_back(bundle.currency);
        count += bundle.orders.size();
    }
    JsonWriter out;
    out.begin_object();
    write_currency_details(out, currencies);
    write_orders(out, "discarded_orders", page.discarded);
    out.field("input_contained_unavailable_order", page.contained_unavailable)
        .field("trolley_order_count", count);
    if (!page.token.empty()) out.field("trolley_token", page.token);
    out.key("trolley_token_contents").begin_object().key("bundle").begin_array();
    for (const auto& bundle : page.bundles) {
        api::f13::Totals totals{0, 0, bundle.send_cost};
        for (const auto& order : bundle.orders) {
            totals.seatprice += order.seatprice;
            totals.surcharge += order.surcharge;
        }
        out.begin_object()
            .field("bundle_order_count", bundle.orders.size())
            .field("bundle_source_code", bundle.source)
            .field("bundle_source_desc", source_description(page.house, bundle.source));
        write_totals(out, totals, bundle.currency);
        out.field("currency_code", bundle.currency.lower_code());
        write_debitor(out, page.house, merchant_for(page.house, page.caller, bundle.source));
        write_orders(out, "order", bundle.orders);
        out.end_object();
    }
    out.end_array()
        .field("trolley_bundle_count", page.bundles.size())
        .field("trolley_order_count", count)
        .end_object();
    write_orders(out, "unreserved_orders", page.unreserved);
    return out.end_object().take();
}

}  // namespace kassi::sandbox::box_office
