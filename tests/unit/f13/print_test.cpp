#include "api/f13/print.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/f13/cancel.hpp"

namespace kassi::api::f13 {
namespace {

using nlohmann::json;

Currency currency(std::string_view code) {
    return *Currency::parse(code, "currency");
}

/// Two bundles, purchased; pieces are changed by each test.
class PrintTest : public testing::Test {
  protected:
    PrintTest() {
        directory_.sources = {{"ext_test0", "External Test Backend 0"}};
        const auto gbp = currency("gbp");
        transaction_.id = TransactionId::parse("7d0f0a52-0000-71f1-8000-000000000001", "id").value();
        transaction_.reference = "T000-0000-8RGW-3619";
        transaction_.bundles = {
            {"ext_test0", "", {11'150, gbp}, {{1, {8'000, gbp}, true}, {2, {3'000, gbp}, false}}},
            {"ext_test1", "Given", {475, gbp}, {}}};
        transaction_.phase = core::Phase::purchased;
        transaction_.purchase_asked_at = transaction_.verdict_at = now_;
        transaction_.handed_over_at = now_ - std::chrono::minutes(1);
        transaction_.held_until = now_ + std::chrono::minutes(14);
        for (std::int64_t no : {1, 2}) {
            core::Leg leg;
            leg.no = no;
            leg.sources = {transaction_.bundles[static_cast<std::size_t>(no - 1)].source};
            leg.amount = transaction_.bundles[static_cast<std::size_t>(no - 1)].amount;
            leg.money = core::LegMoney::taken;
            transaction_.legs.push_back(leg);
        }
    }

    Page page() {
        return Page{.house = house_,
                    .caller = caller_,
                    .transaction = transaction_,
                    .document = document_,
                    .now = now_,
                    .callout = callout_ ? &*callout_ : nullptr,
                    .customer_json = std::nullopt,
                    .remote_site = "fromtheboxoffice.com"};
    }
    json status() { return json::parse(print_status(page())); }

    Instant now_ = std::chrono::sys_days(std::chrono::year(2026) / 1 / 10) + std::chrono::hours(10);
    engine::Directory directory_;
    std::unique_ptr<providers::Registry> registry_ = std::move(*providers::Registry::make({}));
    engine::Caller caller_;
    core::Transaction transaction_;
    Document document_;
    std::optional<core::Callout> callout_;
    House house_{directory_, *registry_, engine::Mode::sandbox};
    core::Facts facts_ = [] {
        core::Facts facts;
        facts.can_refund = facts.can_refund_part = true;
        return facts;
    }();
    const FactsOf facts_of_ = [this](std::string_view) { return &facts_; };
};

TEST_F(PrintTest, ErrorsHaveCodeAndText) {
    const auto of = [](Error error) {
        const auto response = error_response(error);
        const auto body = json::parse(response.body);
        return std::to_string(response.status) + " " + body.at("error_code").dump() + " " +
               body.at("error_desc").get<std::string>();
    };
    EXPECT_EQ(of(bad_request("return_url", "has a query string")), "400 8 return_url: has a query string");
    EXPECT_EQ(of(bad_request("", "Country code 'x' in customer data is invalid")),
              "400 8 Country code 'x' in customer data is invalid");
    EXPECT_EQ(of({ErrorKind::unauthenticated, "", "secret reason"}), "401 3 User authorisation failure");
    EXPECT_EQ(of({ErrorKind::forbidden, "", "no"}), "403 8 no");
    EXPECT_EQ(of({ErrorKind::not_found, "", "no such endpoint"}), "404 8 no such endpoint");
    EXPECT_EQ(of({ErrorKind::method_not_allowed, "", "use POST"}), "405 8 use POST");
    EXPECT_EQ(of({ErrorKind::gone, "this", "was used"}), "410 8 this: was used");
    EXPECT_EQ(of({ErrorKind::too_large, "body", "is too large"}), "413 8 body: is too large");
    EXPECT_EQ(of({ErrorKind::conflict, "transaction", "is released"}), "400 8 transaction: is released");
    EXPECT_EQ(of({ErrorKind::unsupported_media, "Content-Type", "is odd"}), "400 8 Content-Type: is odd");
    EXPECT_EQ(of({ErrorKind::unavailable, "", "try again"}), "503 4 try again");
    EXPECT_EQ(of({ErrorKind::internal, "store", "secret"}), "500 4 internal error");
    const auto refused = [](int status) {
        const auto response = error_response(status, "too long");
        const auto body = json::parse(response.body);
        EXPECT_EQ(body.at("error_desc"), "too long");
        return std::to_string(response.status) + " " + body.at("error_code").dump();
    };
    EXPECT_EQ(refused(401), "401 3");
    EXPECT_EQ(refused(408), "408 8");
    EXPECT_EQ(refused(499), "499 8");
    EXPECT_EQ(refused(500), "500 4");
    EXPECT_EQ(refused(501), "501 4");
}

TEST_F(PrintTest, WithoutDocumentTheTransactionIsEnough) {
    const auto text = status();
    EXPECT_EQ(text.at("transaction_status"), "purchased");
    EXPECT_EQ(text.at("purchase_iso8601_date_and_time"), "2026-01-10T10:00:00Z");
    EXPECT_EQ(text.at("reserve_iso8601_date_and_time"), "2026-01-10T09:59:00Z");
    EXPECT_EQ(text.at("allowed_countries"), json::object());
    EXPECT_EQ(text.at("language_list"), json::array({"en"}));
    EXPECT_EQ(
        text.at("currency_details").at("gbp"),
        json::parse(R"({"currency_code":"gbp","currency_factor":100,"currency_number":826,"currency_places":2,
                              "currency_post_symbol":"","currency_pre_symbol":"£"})"));
    const auto& trolley = text.at("trolley_contents");
    EXPECT_EQ(trolley.at("transaction_uuid"), "7d0f0a52-0000-71f1-8000-000000000001");
    EXPECT_EQ(trolley.at("transaction_id"), "T000-0000-8RGW-3619");
    EXPECT_EQ(trolley.at("trolley_bundle_count"), 2);
    EXPECT_EQ(trolley.at("trolley_order_count"), 2);
    const auto& bundle = trolley.at("bundle").at(0);
    EXPECT_EQ(bundle.at("bundle_source_desc"), "External Test Backend 0");
    EXPECT_EQ(bundle.at("bundle_total_cost").dump(), "111.5");
    EXPECT_EQ(bundle.at("bundle_total_seatprice").dump(), "110");
    EXPECT_EQ(bundle.at("bundle_total_send_cost").dump(), "1.5");
    EXPECT_EQ(bundle.at("order").at(0).at("total_sale_combined").dump(), "80");
    EXPECT_EQ(bundle.at("order").at(0).at("backend_purchase_reference"), "PURCHASE-3619-1");
    EXPECT_FALSE(bundle.at("order").at(0).contains("event"));
    EXPECT_FALSE(bundle.contains("debitor"));
    const auto& bare = trolley.at("bundle").at(1);
    EXPECT_EQ(bare.at("bundle_source_desc"), "Given");
    EXPECT_EQ(bare.at("bundle_total_cost").dump(), "4.75");
    EXPECT_EQ(bare.at("bundle_total_send_cost").dump(), "0");
}

TEST_F(PrintTest, AmountsHaveThePlacesOfTheCurrency) {
    const auto isk = currency("isk");
    transaction_.bundles = {{"ext_test0", "", {1'234, isk}, {{1, {1'234, isk}, true}}}};
    const auto text = status();
    EXPECT_EQ(text.at("currency_details").at("isk").at("currency_places"), 0);
    EXPECT_EQ(text.at("currency_details").at("isk").at("currency_factor"), 1);
    EXPECT_EQ(text.at("trolley_contents").at("bundle").at(0).at("bundle_total_cost").dump(), "1234");
}

TEST_F(PrintTest, ReferencesOfTheOwnerComeFirst) {
    transaction_.confirmations = {{"ext_test0", "BOX-77"}};
    EXPECT_EQ(status().at("/trolley_contents/bundle/0/order/0/backend_purchase_reference"_json_pointer),
              "BOX-77");
    transaction_.confirmations.clear();
    const House live{directory_, *registry_, engine::Mode::live};
    auto text = page();
    const Page live_page{.house = live,
                         .caller = caller_,
                         .transaction = transaction_,
                         .document = document_,
                         .now = now_,
                         .callout = nullptr,
                         .customer_json = std::nullopt,
                         .remote_site = {}};
    EXPECT_EQ(json::parse(print_status(live_page))
                  .at("/trolley_contents/bundle/0/order/0/backend_purchase_reference"_json_pointer),
              "");
}

TEST_F(PrintTest, CancellationOfEachOrder) {
    const auto word = [&](std::size_t order) {
        return std::string(cancellation_word(transaction_, transaction_.bundles[0],
                                             transaction_.bundles[0].orders[order], facts_of_));
    };
    EXPECT_EQ(word(0), "possible");
    EXPECT_EQ(word(1), "not_permitted");
    facts_.can_refund = false;
    EXPECT_EQ(word(0), "not_permitted") << "nothing gives it back";
    EXPECT_EQ(cancellation_word(transaction_, transaction_.bundles[0], transaction_.bundles[0].orders[0],
                                [](std::string_view) { return nullptr; }),
              "not_permitted")
        << "nobody knows the way of paying any more";
    core::Refund refund;
    refund.items = {1};
    transaction_.legs[0].refunds = {refund};
    EXPECT_EQ(word(0), "cancelled");
    transaction_.legs[0].refunds[0].state = core::RefundState::done;
    EXPECT_EQ(word(0), "cancelled");
    EXPECT_EQ(word(1), "not_permitted");
    transaction_.legs[0].refunds[0].state = core::RefundState::failed;
    EXPECT_EQ(word(0), "tried_and_failed");
    transaction_.legs[0].money = core::LegMoney::back;
    EXPECT_EQ(word(1), "cancelled");
}

TEST_F(PrintTest, WhatIsGivenBackAsAWholeIsCancelledAsAWhole) {
    const auto gbp = currency("gbp");
    transaction_.bundles[0].orders = {
        {1, {8'000, gbp}, true}, {2, {1'000, gbp}, true}, {3, {2'000, gbp}, false}};
    transaction_.bundles[1].orders = {{4, {475, gbp}, true}};
    EXPECT_EQ(cancellable(transaction_, facts_of_, {}), (Items{1, 2, 4}));
    EXPECT_EQ(cancellable(transaction_, facts_of_, {2, 3}), (Items{2}));
    EXPECT_EQ(must_go_too(transaction_, facts_of_, {1}), Items{}) << "it gives back a part, too";
    facts_.can_refund_part = false;
    EXPECT_EQ(must_go_too(transaction_, facts_of_, {1}), (Items{2}))
        << "not 3, which cannot, nor 4, not its leg";
    EXPECT_EQ(must_go_too(transaction_, facts_of_, {1, 2}), Items{});
    EXPECT_EQ(must_go_too(transaction_, facts_of_, {4}), Items{});
    core::Refund refund;
    refund.items = {2};
    transaction_.legs[0].refunds = {refund};
    EXPECT_EQ(must_go_too(transaction_, facts_of_, {1}), Items{}) << "2 is cancelled already";

    const auto text = json::parse(print_must_also_cancel(page(), {1, 4}));
    EXPECT_EQ(text.at("cancelled_item_numbers"), json::array());
    EXPECT_FALSE(text.contains("trolley_contents")) << "nothing was cancelled";
    ASSERT_EQ(text.at("must_also_cancel").size(), 2U);
    EXPECT_EQ(text.at("/must_also_cancel/0/item_number"_json_pointer), 1);
    EXPECT_EQ(text.at("/must_also_cancel/1/item_number"_json_pointer), 4);
    EXPECT_TRUE(text.at("/must_also_cancel/0"_json_pointer).contains("cancellation_status"));
    EXPECT_TRUE(text.at("currency_details").contains("gbp"));
}

TEST_F(PrintTest, OneCommitCancelledTheItemsOfItsRefunds) {
    EXPECT_EQ(items_cancelled_by({}), Items{});
    const auto asked = [](std::int64_t leg, Items items) {
        core::RefundAsked event;
        event.leg = leg;
        event.items = std::move(items);
        return core::Event(event);
    };
    EXPECT_EQ(items_cancelled_by({asked(1, {1, 2}), core::Taken{}, asked(2, {5}), asked(3, {})}),
              (Items{1, 2, 5}));
}

TEST_F(PrintTest, PartialSuccess) {
    auto& leg = transaction_.legs[1];
    leg.money = core::LegMoney::none;
    leg.goal = core::Goal::give_back;
    leg.refused = core::Refusal{"auth_failure", "3-D Secure failed", true, false, true};
    const auto text = status();
    const auto& trolley = text.at("trolley_contents");
    EXPECT_EQ(trolley.at("purchase_result").at("success"), true);
    EXPECT_EQ(trolley.at("purchase_result").at("is_partial"), true);
    EXPECT_EQ(trolley.at("purchase_result").at("failed_3d_secure"), true);
    const auto& result = trolley.at("bundle").at(1).at("purchase_result");
    EXPECT_EQ(result.at("success"), false);
    EXPECT_EQ(result.at("purchase_error"), "auth_failure");
    EXPECT_EQ(result.at("failure_reason"), "3-D Secure failed");
    EXPECT_EQ(result.at("failed_3d_secure"), true);
    EXPECT_EQ(result.at("failed_avs"), false);
    EXPECT_EQ(result.at("failed_cv_two"), true);
    EXPECT_EQ(trolley.at("bundle").at(0).at("purchase_result").at("success"), true);
    EXPECT_FALSE(trolley.at("bundle").at(0).at("purchase_result").contains("purchase_error"));
}

TEST_F(PrintTest, FailureOfAllBecauseOfOne) {
    transaction_.phase = core::Phase::failed;
    transaction_.why = "declined";
    transaction_.legs[0].money = core::LegMoney::back;
    transaction_.legs[0].goal = core::Goal::give_back;
    transaction_.legs[1].money = core::LegMoney::none;
    transaction_.legs[1].refused = core::Refusal{"auth_failure", "", false, false, false};
    const auto text = status();
    EXPECT_EQ(text.at("transaction_status"), "failed");
    EXPECT_FALSE(text.contains("purchase_iso8601_date_and_time"));
    const auto& trolley = text.at("trolley_contents");
    EXPECT_EQ(trolley.at("purchase_result").at("success"), false);
    EXPECT_EQ(trolley.at("purchase_result").at("purchase_error"), "auth_failure");
    EXPECT_EQ(trolley.at("bundle").at(0).at("purchase_result").at("purchase_error"), "declined");
    EXPECT_FALSE(trolley.at("bundle").at(0).at("order").at(0).contains("backend_purchase_reference"));
}

TEST_F(PrintTest, CalloutKeepsTheOrderOfItsParameters) {
    transaction_.phase = core::Phase::authorising;
    transaction_.legs[0].doing = core::Doing::away;
    transaction_.legs[0].money = core::LegMoney::none;
    callout_ = core::Callout{.type = "post",
                             .destination = "https://pay.example/page",
                             .parameters = {{"z", "1"}, {"a", "2"}, {"z", "3"}},
                             .integration_json = R"({"is_dummy_3d_secure":false})",
                             .page_data = "never shown to callers",
                             .return_token = "T1",
                             .page_token = "page"};
    const auto text = json::parse(print_purchase(page()));
    ASSERT_TRUE(text.contains("callout"));
    EXPECT_EQ(text.dump().find("never shown"), std::string::npos);
    const auto& callout = text.at("callout");
    EXPECT_EQ(callout.at("callout_parameters_order"), json::array({"z", "a"}));
    EXPECT_EQ(callout.at("callout_parameters"), (json{{"z", "1"}, {"a", "2"}}));
    EXPECT_EQ(callout.at("bundle_source_code"), "ext_test0");
    EXPECT_EQ(callout.at("bundle_total_cost").dump(), "111.5");
    EXPECT_EQ(callout.at("callout_type"), "post");
    EXPECT_EQ(callout.at("return_token"), "T1");
    EXPECT_EQ(callout.at("currency_code"), "gbp");
    EXPECT_FALSE(text.contains("transaction_status"));
    const auto pending = status();
    EXPECT_EQ(pending.at("pending_callout"), callout);
    EXPECT_EQ(pending.at("transaction_status"), "attempting");
    EXPECT_EQ(pending.at("remote_site"), "fromtheboxoffice.com");
    EXPECT_EQ(pending.at("minutes_left_on_reserve").dump(), "14");
}

TEST_F(PrintTest, AttemptingWithoutCalloutIsAStatus) {
    transaction_.phase = core::Phase::capturing;
    EXPECT_EQ(json::parse(print_purchase(page())).at("transaction_status"), "attempting");
}

TEST_F(PrintTest, RefusalShowsWhileAnotherWayMayBeTried) {
    transaction_.phase = core::Phase::authorising;
    transaction_.legs[1].refused = core::Refusal{"declined", "", false, false, false};
    const auto text = status();
    EXPECT_EQ(text.at("/trolley_contents/bundle/1/purchase_result/purchase_error"_json_pointer), "declined");
    EXPECT_FALSE(text.at("trolley_contents").contains("purchase_result"));
}

// ---- document -----------------------------------------------------------------------------------------
OrderText full_order() {
    OrderText order;
    order.item = 1;
    order.currency = currency("gbp");
    order.event_json = R"({"event_desc":"Cat","event_id":"7AB"})";
    order.performance_json = R"({"event_id":"7AB","perf_id":"7AB-4"})";
    order.ticket_type_code = "STALLS";
    order.price_band_code = "A/pool";
    order.seats_count = 2;
    order.seatprice = 7'000;
    order.surcharge = 1'000;
    order.seat_request_status = "got_all";
    order.requested_seats = {"A1", "A2"};
    order.send_method = SendMethod{"POST", "Post", "post", 150, {{"uk", "United Kingdom"}}};
    order.ticket_orders = {{"NORMAL",
                            "Regular",
                            2,
                            3'500,
                            500,
                            {{"A1", "A", "1", "", "Great", true}, {"A2", "A", "2", "-", "", false}}}};
    return order;
}

TEST_F(PrintTest, DocumentSurvivesItsJson) {
    document_.orders = {full_order()};
    document_.countries = {{"uk", "United Kingdom"}};
    document_.needs_email_address = true;
    const auto again = read_document(document_json(document_));
    EXPECT_EQ(document_json(again), document_json(document_));
    document_ = again;
    const auto text = status();
    EXPECT_EQ(text.at("needs_email_address"), true);
    const auto order = text.at("/trolley_contents/bundle/0/order/0"_json_pointer);
    EXPECT_EQ(order.at("event").at("event_id"), "7AB");
    EXPECT_EQ(order.at("total_sale_seatprice").dump(), "70");
    EXPECT_EQ(order.at("total_sale_surcharge").dump(), "10");
    EXPECT_EQ(order.at("send_method").at("send_cost").dump(), "1.5");
    EXPECT_EQ(order.at("/send_method/permitted_countries/country/0/country_code"_json_pointer), "uk");
    const auto tickets = order.at("/ticket_orders/ticket_order/0"_json_pointer);
    EXPECT_EQ(tickets.at("total_sale_combined").dump(), "80");
    EXPECT_EQ(tickets.at("seats").at(0).at("is_restricted_view"), true);
    EXPECT_EQ(tickets.at("seats").at(1).at("separator"), "-");
}

TEST_F(PrintTest, VouchersAndBarcodesComeWithThePurchase) {
    auto order = full_order();
    order.send_method->voucher_url = "https://shop.example/vouchers/{transaction}?print=1";
    order.ticket_orders[0].seats[0].barcode = "5B0AAC93D2F01177";
    document_.orders = {order};
    document_ = read_document(document_json(document_));
    const auto printed = [&] { return status().at("/trolley_contents/bundle/0/order/0"_json_pointer); };
    const auto bought = printed();
    EXPECT_EQ(bought.at("/send_method/self_print_voucher_url"_json_pointer),
              "https://shop.example/vouchers/7d0f0a52-0000-71f1-8000-000000000001?print=1");
    EXPECT_EQ(bought.at("/send_method/can_generate_self_print"_json_pointer), true);
    const auto seats = bought.at("/ticket_orders/ticket_order/0/seats"_json_pointer);
    EXPECT_EQ(seats.at(0).at("barcode"), "5B0AAC93D2F01177");
    EXPECT_FALSE(seats.at(1).contains("barcode"));
    transaction_.phase = core::Phase::reserved;
    transaction_.legs.clear();
    const auto reserved = printed();
    EXPECT_FALSE(reserved.at("send_method").contains("self_print_voucher_url"));
    EXPECT_FALSE(reserved.at("/ticket_orders/ticket_order/0/seats/0"_json_pointer).contains("barcode"));
}

TEST_F(PrintTest, MoneyIsTheTransactionsAndNotTheDocuments) {
    auto order = full_order();
    order.seatprice = 1;
    document_.orders = {order};
    const auto printed = status().at("/trolley_contents/bundle/0/order/0"_json_pointer);
    EXPECT_EQ(printed.at("total_sale_combined").dump(), "80");
    EXPECT_EQ(printed.at("total_sale_seatprice").dump(), "80");
    EXPECT_TRUE(printed.at("/ticket_orders/ticket_order"_json_pointer).empty());
}

TEST_F(PrintTest, ForeignDocumentsAreHarmless) {
    for (
        const auto* text :
        {"", "null", "7", "\"text\"", "[]", "{", R"({"orders": 7, "allowed_countries": []})",
         R"({"orders": [1, null, {"item_number": "1"}, {"item_number": 1, "event": {"event_id": 7}, "performance": [],
              "total_no_of_seats": 9223372036854775807, "total_sale_seatprice": -1,
              "ticket_orders": [{"no_of_seats": 1000000000000, "sale_seatprice": 1000000000000}]}],
              "language_list": [1]})"}) {
        document_ = read_document(text);
        EXPECT_FALSE(status().empty()) << text;
    }
    EXPECT_TRUE(document_.orders.back().event_json.empty());
}

TEST_F(PrintTest, ReservationHasWhatStatusHasNot) {
    transaction_.phase = core::Phase::reserved;
    transaction_.purchase_asked_at.reset();
    transaction_.legs.clear();
    document_.unreserved = {full_order()};
    document_.contained_unavailable = true;
    const auto text = json::parse(print_reservation(page()));
    EXPECT_EQ(text.at("transaction_status"), "reserved");
    EXPECT_EQ(text.at("unreserved_orders").size(), 1U);
    EXPECT_EQ(text.at("input_contained_unavailable_order"), true);
    EXPECT_EQ(text.at("discarded_orders"), json::array());
    EXPECT_FALSE(text.at("trolley_contents").contains("transaction_id"));
    EXPECT_FALSE(text.at("trolley_contents").contains("purchase_result"));
    EXPECT_FALSE(status().contains("unreserved_orders"));
}

TEST_F(PrintTest, MinutesLeftNeverGrowAndNeverGoBelowZero) {
    transaction_.phase = core::Phase::reserved;
    now_ = transaction_.held_until - Millis(89'999);
    EXPECT_EQ(status().at("minutes_left_on_reserve").dump(), "1.49");
    now_ = transaction_.held_until + Millis(1);
    EXPECT_EQ(status().at("minutes_left_on_reserve").dump(), "0");
    transaction_.phase = core::Phase::released;
    EXPECT_FALSE(status().contains("minutes_left_on_reserve"));
}

}  // namespace
}  // namespace kassi::api::f13
