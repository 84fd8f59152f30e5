#include "sandbox/box_office/box_office.hpp"

#include <algorithm>
#include <utility>

#include "api/f13/print.hpp"
#include "sandbox/box_office/print.hpp"
#include "sandbox/box_office/trolley.hpp"

namespace kassi::sandbox::box_office {
namespace {

using api::f13::BoxOfficeCall;
using api::f13::Document;

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

class Office final : public api::f13::BoxOffice {
  public:
    explicit Office(engine::Engine& engine)
        : engine_(engine), house_(api::f13::house_of(engine)), catalogue_(read_catalogue(catalogue_json())) {}

    [[nodiscard]] std::vector<Endpoint> endpoints() const override {
        return {{"reserve.v1", "POST"}, {"trolley.v1", "GET"}};
    }

    void handle(BoxOfficeCall call, Done done) override {
        auto change = change_trolley(catalogue_, call.fields);
        if (!change) return done(change.error());
        if (call.endpoint == "trolley.v1") return done(show(call, *change));
        reserve(call, *change, std::move(done));
    }

  private:
    [[nodiscard]] OrderText priced_line(const Trolley& trolley, const Line& line) const {
        const auto& source = catalogue_.performance(line.perf_id).event->source;
        return priced(catalogue_, line, send_method(catalogue_, trolley, source), engine_.now());
    }

    [[nodiscard]] std::vector<OrderText> discarded(const Change& change) const {
        std::vector<OrderText> orders;
        for (const auto& line : change.discarded)
            orders.push_back(priced(catalogue_, line, nullptr, engine_.now()));
        return orders;
    }

    static void put(std::map<std::string, TrolleyBundle>& bundles, const std::string& source,
                    OrderText order) {
        auto& bundle = bundles[source];
        bundle.source = source;
        bundle.currency = order.currency;
        bundle.send_cost = order.send_method ? order.send_method->cost : 0;  // once a bundle
        bundle.orders.push_back(std::move(order));
    }

    static std::vector<TrolleyBundle> listed(std::map<std::string, TrolleyBundle> bundles) {
        std::vector<TrolleyBundle> list;
        for (auto& [source, bundle] : bundles) list.push_back(std::move(bundle));
        return list;
    }

    [[nodiscard]] std::string show(const BoxOfficeCall& call, const Change& change) const {
        std::map<std::string, TrolleyBundle> bundles;
        for (const auto& line : change.trolley.lines)
            put(bundles, catalogue_.performance(line.perf_id).event->source,
                priced_line(change.trolley, line));
        return print_trolley(TrolleyPage{.house = house_,
                                         .caller = call.caller,
                                         .token = trolley_token(change.trolley),
                                         .bundles = listed(std::move(bundles)),
                                         .discarded = discarded(change),
                                         .unreserved = {},
                                         .contained_unavailable = change.unavailable});
    }

    void reserve(const BoxOfficeCall& call, const Change& change, Done done) {
        std::map<std::string, TrolleyBundle> by_source;
        std::map<std::string, std::set<std::string>> taken;
        std::map<std::int64_t, bool> cancellable;
        Document document;
        for (const auto& line : change.trolley.lines) {
            const auto& event = *catalogue_.performance(line.perf_id).event;
            auto order = priced_line(change.trolley, line);
            if (!take_seats(catalogue_, line, taken[line.perf_id], order)) {
                document.unreserved.push_back(std::move(order));
                continue;
            }
            cancellable[line.item] = event.cancellable;
            put(by_source, event.source, std::move(order));
        }
        const auto bundles = listed(std::move(by_source));
        if (bundles.empty())
            return done(print_trolley(TrolleyPage{.house = house_,
                                                  .caller = call.caller,
                                                  .token = {},
                                                  .bundles = {},
                                                  .discarded = discarded(change),
                                                  .unreserved = std::move(document.unreserved),
                                                  .contained_unavailable = change.unavailable}));

        engine::HandOverRequest request;
        request.system = call.caller.system;
        request.caller = call.caller.name;
        request.held_until = engine_.now() + hold;
        for (const auto& bundle : bundles) {
            core::Bundle handed{bundle.source,
                                source_description(house_, bundle.source),
                                {bundle.send_cost, bundle.currency},
                                {}};
            for (const auto& order : bundle.orders) {
                const Money price{order.seatprice + order.surcharge, order.currency};
                handed.amount.minor += price.minor;
                handed.orders.push_back({order.item, price, cancellable[order.item]});
                document.orders.push_back(order);
            }
            request.bundles.push_back(std::move(handed));
        }
        document.countries = allowed_countries(catalogue_, bundles);
        document.prefilled_address = {{"country_code", call.caller.country}};
        document.discarded = discarded(change);
        document.contained_unavailable = change.unavailable;
        request.document_json = document_json(document);

        engine_.hand_over(std::move(request), call.meta,
                          [house = house_, &caller = call.caller, document = std::move(document),
                           done = std::move(done)](const Result<engine::View>& view) {
                              if (!view) return done(view.error());
                              done(print_reservation(api::f13::Page{.house = house,
                                                                    .caller = caller,
                                                                    .transaction = view->transaction,
                                                                    .document = document,
                                                                    .now = view->transaction.handed_over_at,
                                                                    .callout = nullptr,
                                                                    .customer_json = std::nullopt,
                                                                    .remote_site = {}}));
                          });
    }

    engine::Engine& engine_;
    api::f13::House house_;
    Catalogue catalogue_;
};

}  // namespace

std::shared_ptr<api::f13::BoxOffice> make(engine::Engine& engine) {
    return std::make_shared<Office>(engine);
}

}  // namespace kassi::sandbox::box_office
