#include "sandbox/box_office/box_office.hpp"

#include <utility>

#include "sandbox/box_office/desk.hpp"
#include "sandbox/box_office/reserve.hpp"

namespace kassi::sandbox::box_office {
namespace {

using api::f13::BoxOfficeCall;
using api::f13::Document;

constexpr std::string_view reserve_endpoint = "reserve.v1";

class Office final : public api::f13::BoxOffice {
  public:
    Office(engine::Engine& engine, const Secret<>& token_key)
        : engine_(engine),
          house_(api::f13::house_of(engine)),
          token_key_(token_key),
          desk_({demo_catalogue(), house_, token_key, [&engine] { return engine.now(); }}) {}

    [[nodiscard]] std::vector<Endpoint> endpoints() const override {
        auto all = desk_.endpoints();
        all.push_back({reserve_endpoint, "POST"});
        return all;
    }

    void handle(BoxOfficeCall call, Done done) override {
        if (call.endpoint != reserve_endpoint)
            return done(desk_.answer(call.endpoint, call.caller, call.fields));
        // One moment for all of it: what is sold in it is sold to its end.
        const auto now = engine_.now();
        const auto change = change_trolley(demo_catalogue(), token_key_, call.fields, now);
        if (!change) return done(change.error());
        hand_over(call, *change, now, std::move(done));
    }

  private:
    void hand_over(const BoxOfficeCall& call, const Change& change, Instant now, Done done) {
        const auto& catalogue = demo_catalogue();
        auto reserved = reserve(catalogue, change.trolley, now);
        if (reserved.bundles.empty())
            return done(print_trolley(TrolleyPage{.house = house_,
                                                  .caller = call.caller,
                                                  .token = {},
                                                  .bundles = {},
                                                  .discarded = discarded_orders(catalogue, change, now),
                                                  .unreserved = std::move(reserved.unreserved),
                                                  .contained_unavailable = change.unavailable}));
        make_printable(catalogue, change.trolley, now, engine_.settings().public_url, randomness_, reserved);
        auto document = document_of(catalogue, reserved, call.caller);
        document.discarded = discarded_orders(catalogue, change, now);
        document.contained_unavailable = change.unavailable;
        engine::HandOverRequest request;
        request.system = call.caller.system;
        request.caller = call.caller.name;
        request.held_until = now + hold;
        request.bundles = core_bundles(reserved, [this](const TrolleyBundle& bundle) {
            return source_description(house_, bundle.source);
        });
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
    Secret<> token_key_;
    SystemRandomness randomness_;
    Desk desk_;
};

}  // namespace

std::shared_ptr<api::f13::BoxOffice> make(engine::Engine& engine, const Secret<>& token_key) {
    return std::make_shared<Office>(engine, token_key);
}

}  // namespace kassi::sandbox::box_office
