#include <gtest/gtest.h>

#include "../log_lines.hpp"
#include "world.hpp"

namespace kassi::api::f13 {
namespace {

using nlohmann::json;

class DoorTest : public AtTheDoor {
  protected:
    json status(const std::string& uuid, const std::string& user = "demo", const std::string& more = {}) {
        return world_.get("/f13/status.v1/?transaction_uuid=" + uuid + more, user).body;
    }
    Answer callback(const std::string& this_token, const std::string& next_token, const Fields& fields,
                    const std::string& user = "demo-redirect") {
        return world_.post("/f13/callback.v1/this." + this_token + "/next." + next_token + "/", fields, user);
    }
    /// Two bundles: 7AA (ext_test0) and 7AB (ext_test1).
    std::string reserve_two(const std::string& user) {
        const auto trolley = world_.get(
            "/f13/trolley.v1/?perf_id=7AB-4&ticket_type_code=STALLS&price_band_code=A%2Fpool&no_of_seats=2",
            user);
        const auto token = trolley.body.at("trolley_token").get<std::string>();
        return world_.reserve(user, {{"trolley_token", token},
                                     {"perf_id", "7AA-4"},
                                     {"ticket_type_code", "STALLS"},
                                     {"price_band_code", "A/pool"},
                                     {"no_of_seats", "2"}});
    }
};

// ---- the way in ---------------------------------------------------------------------------------------
TEST_F(DoorTest, TestSaysWhoIsCalling) {
    for (const auto* path : {"/f13/test.v1", "/f13/test.v1/", "/f13/test.v1/demo/-/en/"}) {
        const auto answer = world_.get(std::string(path) + "?sub_id=kiosk-7");
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body.at("user_info").at("user_id"), "demo");
        EXPECT_EQ(answer.body.at("user_info").at("real_name"), "Demonstration User");
        EXPECT_EQ(answer.body.at("user_info").at("default_country_code"), "uk");
        EXPECT_EQ(answer.body.at("user_info").at("sub_user"), "kiosk-7");
    }
}

TEST_F(DoorTest, CredentialsAreNeeded) {
    EXPECT_EQ(error(world_.get("/f13/test.v1/", "boatymcboatyface")), "401 3 User authorisation failure");
    HttpRequest request;
    request.method = "GET";
    request.target = "/f13/test.v1/";
    const auto answer = world_.send(request);
    EXPECT_EQ(error(answer), "401 3 User authorisation failure");
    EXPECT_NE(answer.raw.header("WWW-Authenticate").find("Basic"), std::string_view::npos);
}

TEST_F(DoorTest, EndpointsAndMethods) {
    EXPECT_EQ(error(world_.get("/f13/nothing.v1/")), "404 8 there is no such endpoint");
    const auto answer = world_.get("/f13/purchase.v1/");
    EXPECT_EQ(error(answer), "405 8 wrong method: use POST");
    EXPECT_EQ(answer.raw.header("Allow"), "POST");
    EXPECT_EQ(world_.post("/f13/status.v1/", {}).status, 405);
    EXPECT_EQ(world_.get("/f13/callback.v1/this.a/next.b/").status, 405);
    EXPECT_EQ(world_.get("/f13/reserve.v1/").status, 405);
}

TEST_F(DoorTest, ProductionHasThePaymentSideOnly) {
    const auto uuid = world_.reserve();
    world_.production();
    EXPECT_EQ(error(world_.post("/f13/reserve.v1/", {{"perf_id", "7AB-4"}})),
              "404 8 there is no such endpoint");
    EXPECT_EQ(error(world_.get("/f13/trolley.v1/")), "404 8 there is no such endpoint");
    EXPECT_EQ(status(uuid).at("transaction_status"), "reserved");
}

TEST_F(DoorTest, TrackingIdComesBackAndIsKept) {
    EXPECT_EQ(world_.get("/f13/test.v1/?tsw_session_track_id=xyz").request_id, "xyz");
    EXPECT_EQ(world_.get("/f13/test.v1/?tsw_session_track_id=xyz", "nobody").request_id, "xyz");
    EXPECT_EQ(world_.get("/f13/nothing.v1/?tsw_session_track_id=xyz").request_id, "xyz");
    EXPECT_EQ(world_.post("/f13/callback.v1/next.a/", {{"tsw_session_track_id", "xyz"}}).request_id, "xyz");
    const auto minted = world_.get("/f13/test.v1/").request_id;
    EXPECT_TRUE(is_request_id(minted)) << minted;
    EXPECT_NE(world_.get("/f13/test.v1/").request_id, minted);
    EXPECT_TRUE(is_request_id(world_.get("/f13/test.v1/?tsw_session_track_id=a%0d%0ab").request_id));
    HttpRequest request;
    request.method = "GET";
    request.target = "/f13/test.v1/";
    request.headers.emplace_back("X-Request-Id", "theirs");
    EXPECT_EQ(world_.send(request).request_id, "theirs");
    const auto uuid = world_.reserve();
    world_.purchase(uuid, "demo", {{"tsw_session_track_id", "track-7"}});
    const auto view = world_.engine().view(*TransactionId::parse(uuid, "id"), "", "demo");
    EXPECT_EQ(view->transaction.tracking, "track-7");
}

TEST_F(DoorTest, EachCallIsALogLineWithItsReason) {
    const LogLines log;
    const auto uuid = world_.reserve("demo-redirect");
    auto answer = world_.get("/f13/status.v1/?transaction_uuid=" + uuid, "demo-redirect");
    EXPECT_TRUE(log.last("f13").is_null() || log.last("f13").at("operation") != "status.v1")
        << "a read that went well is at debug level";
    answer = world_.get("/f13/status.v1/?add_customer=x&transaction_uuid=" + uuid, "demo-redirect");
    EXPECT_EQ(answer.status, 400);
    auto line = log.last("f13");
    EXPECT_EQ(line.at("request"), answer.request_id);
    EXPECT_EQ(line.at("method"), "GET");
    EXPECT_EQ(line.at("operation"), "status.v1");
    EXPECT_EQ(line.at("status"), "400");
    EXPECT_EQ(line.at("level"), "info");
    EXPECT_EQ(line.at("transaction"), uuid);
    EXPECT_EQ(line.at("caller"), "demo-redirect");
    EXPECT_NE(line.at("why"), "");

    answer = world_.purchase(uuid, "demo-redirect", redirection("secret-token"));
    line = log.last("f13");
    EXPECT_EQ(line.at("request"), answer.request_id);
    EXPECT_EQ(line.at("operation"), "purchase.v1");
    EXPECT_EQ(line.at("status"), "200");
    EXPECT_EQ(line.at("transaction"), uuid);
    EXPECT_EQ(line.at("why"), "");
    callback("secret-token", "n", {{"success", "no"}});
    answer = callback("secret-token", "n", {{"success", "yes"}, {"tsw_session_track_id", "track-9"}});
    EXPECT_EQ(error(answer), "410 8 transaction failed");
    line = log.last("f13");
    EXPECT_EQ(line.at("request"), "track-9");
    EXPECT_EQ(line.at("transaction"), uuid);
    EXPECT_EQ(line.at("why"), "token this return was used already");
    EXPECT_EQ(line.at("level"), "info");
    EXPECT_EQ(log.text().find("secret-token"), std::string::npos);
}

TEST_F(DoorTest, DefectsAreErrorsInTheLogAndSayNothingOutside) {
    class Broken final : public BoxOffice {
      public:
        [[nodiscard]] std::vector<Endpoint> endpoints() const override { return {{"trolley.v1", "GET"}}; }
        void handle(BoxOfficeCall, Done done) override {
            done(Error{ErrorKind::internal, "store", "the shelf is gone"});
        }
    };
    world_.production(std::make_shared<Broken>());
    const LogLines log;
    EXPECT_EQ(error(world_.get("/f13/trolley.v1/")), "500 4 internal error");
    const auto line = log.last("f13");
    EXPECT_EQ(line.at("level"), "error");
    EXPECT_EQ(line.at("why"), "store the shelf is gone");
}

TEST_F(DoorTest, NothingThatMayBeACardNumberReachesTheLog) {
    const LogLines log;
    const std::string card = "4111111111111111";
    world_.get("/f13/" + card + "/");
    world_.get("/f13/status.v1/?" + card + "=%zz");
    const auto uuid = world_.reserve();
    auto customer = fred();
    for (auto& [name, value] : customer)
        if (name == "country_code") value = card;
    customer.emplace_back("transaction_uuid", uuid);
    EXPECT_EQ(world_.post("/f13/purchase.v1/", customer).status, 400);
    EXPECT_FALSE(log.last("f13").is_null());
    EXPECT_EQ(log.text().find(card), std::string::npos);
}

TEST_F(DoorTest, EngineAnswersSpeakInF13Names) {
    const auto uuid = world_.reserve();
    world_.post("/f13/release.v1/", {{"transaction_uuid", uuid}});
    EXPECT_EQ(error(world_.purchase(uuid)), "400 8 transaction_uuid: is released and cannot be purchased");
    const auto late = world_.reserve("demo-redirect");
    world_.clock().advance(std::chrono::minutes(14));
    EXPECT_EQ(error(world_.purchase(late, "demo-redirect", redirection("tok"))),
              "400 8 the hold is too short to send the customer to pay");
    world_.clock().advance(std::chrono::minutes(2));
    EXPECT_EQ(error(world_.purchase(late, "demo-redirect", redirection("tok"))),
              "400 8 the reservation has run out");
}

TEST_F(DoorTest, GarbledInputIsBadData) {
    EXPECT_EQ(error(world_.get("/f13/status.v1/?transaction_uuid=%zz")),
              "400 8 transaction_uuid: has a '%' without two hexadecimal digits at byte 0");
    EXPECT_EQ(error(world_.get("/f13/status.v1/?transaction_uuid=%ff")),
              "400 8 transaction_uuid: is not UTF-8");
    EXPECT_EQ(error(world_.get("/f13/status.v1/")), "400 8 transaction_uuid: is missing");
    EXPECT_EQ(error(world_.get("/f13/status.v1/?transaction_uuid=17")),
              "400 8 transaction_uuid: is not a UUID");
    EXPECT_EQ(error(world_.call("POST", "/f13/purchase.v1/", "{", "demo", "application/json")),
              "400 8 body: is not JSON: it breaks off or has a fault at byte 1");
    EXPECT_EQ(error(world_.call("POST", "/f13/purchase.v1/", "[1]", "demo", "application/json")),
              "400 8 body: has a list where one object is read at byte 0");
    EXPECT_EQ(error(world_.call("POST", "/f13/purchase.v1/", "<a/>", "demo", "text/xml")),
              "400 8 Content-Type: is none of a urlencoded form, a multipart form and JSON");
    const auto uuid = world_.reserve();
    EXPECT_EQ(error(world_.get("/f13/status.v1/?add_customer=perhaps&transaction_uuid=" + uuid)),
              "400 8 add_customer: is neither true nor false");
}

TEST_F(DoorTest, JsonBodiesAreTaken) {
    const auto uuid = world_.reserve();
    json body = json::object();
    for (const auto& [name, value] : fred()) body[name] = value;
    body["transaction_uuid"] = uuid;
    body["send_confirmation_email"] = true;
    const auto answer = world_.call("POST", "/f13/purchase.v1", body.dump(), "demo", "application/json");
    EXPECT_EQ(answer.body.at("transaction_status"), "purchased") << answer.raw.body;
}

// ---- reserve ------------------------------------------------------------------------------------------
TEST_F(DoorTest, ReservationAndItsArchive) {
    const Fields fields{{"perf_id", "7AB-4"},
                        {"ticket_type_code", "STALLS"},
                        {"price_band_code", "A/pool"},
                        {"no_of_seats", "2"},
                        {"seat0", "A1"},
                        {"seat1", "A2"}};
    const auto made = world_.post("/f13/reserve.v1/", fields);
    ASSERT_EQ(made.status, 200) << made.raw.body;
    EXPECT_EQ(made.body.at("transaction_status"), "reserved");
    EXPECT_EQ(made.body.at("minutes_left_on_reserve").dump(), "15");
    EXPECT_EQ(made.body.at("reserve_iso8601_date_and_time"), "2026-01-10T10:00:00Z");
    EXPECT_EQ(made.body.at("allowed_countries").at("us"), "United States of America");
    EXPECT_EQ(made.body.at("needs_payment_card"), false);
    const auto bundle = made.body.at("/trolley_contents/bundle/0"_json_pointer);
    EXPECT_EQ(bundle.at("bundle_source_code"), "ext_test1");
    EXPECT_EQ(bundle.at("bundle_total_cost").dump(), "110");
    EXPECT_FALSE(bundle.contains("debitor")) << "on credit has none";
    const auto order = bundle.at("order").at(0);
    EXPECT_EQ(order.at("event").at("event_desc"), "The Unremarkable Incident of the Cat at Lunchtime");
    EXPECT_EQ(order.at("performance").at("perf_id"), "7AB-4");
    EXPECT_EQ(order.at("seat_request_status"), "got_all");
    EXPECT_EQ(order.at("/ticket_orders/ticket_order/0/seats/1/full_id"_json_pointer), "A2");
    EXPECT_EQ(order.at("send_method").at("send_code"), "VOUCH");

    const auto uuid = made.body.at("/trolley_contents/transaction_uuid"_json_pointer).get<std::string>();
    world_.clock().advance(std::chrono::minutes(5));
    world_.purchase(uuid);
    const auto page = "/f13/reserve_page_archive.v1/?transaction_uuid=" + uuid;
    EXPECT_EQ(world_.get(page).body, made.body) << "as it was, whatever came after";
    EXPECT_EQ(error(world_.get(page, "demo-redirect")), "400 8 transaction_uuid: is not a known transaction");
    world_.clock().advance(reserve_page_kept - std::chrono::minutes(5));
    EXPECT_EQ(world_.get(page).status, 200);
    world_.clock().advance(Millis(1));
    EXPECT_EQ(error(world_.get(page)), "410 8 transaction_uuid: its reservation is too old to be read again");
}

TEST_F(DoorTest, DebitorOfTheCallersDefaultWay) {
    const auto uuid = reserve_two("demo-mixed");
    const auto bundles = status(uuid, "demo-mixed").at("/trolley_contents/bundle"_json_pointer);
    ASSERT_EQ(bundles.size(), 2U);
    EXPECT_EQ(bundles.at(0).at("bundle_source_code"), "ext_test0");
    EXPECT_FALSE(bundles.at(0).contains("debitor"));
    EXPECT_EQ(bundles.at(1).at("debitor").at("debitor_type"), "dummy");
    EXPECT_EQ(bundles.at(1).at("debitor").at("debitor_integration_data"), json::object());
}

TEST_F(DoorTest, WhatCannotBeReservedIsListed) {
    const Fields h10{{"perf_id", "7AA-4"},
                     {"ticket_type_code", "CIRCLE"},
                     {"price_band_code", "B/pool"},
                     {"no_of_seats", "1"},
                     {"seat0", "H10"}};
    const auto alone = world_.post("/f13/reserve.v1/", h10);
    EXPECT_EQ(alone.status, 200);
    EXPECT_FALSE(alone.body.contains("trolley_contents"));
    EXPECT_EQ(alone.body.at("unreserved_orders").at(0).at("reserve_failure_comment"),
              "Seat H10 causes failure.");
    auto beside = h10;
    const auto trolley = world_.get(
        "/f13/trolley.v1/?perf_id=7AB-4&ticket_type_code=STALLS&price_band_code=A%2Fpool&no_of_seats=2");
    beside.emplace_back("trolley_token", trolley.body.at("trolley_token").get<std::string>());
    const auto both = world_.post("/f13/reserve.v1/", beside);
    EXPECT_EQ(both.body.at("transaction_status"), "reserved");
    EXPECT_EQ(both.body.at("/trolley_contents/trolley_order_count"_json_pointer), 1);
    EXPECT_EQ(both.body.at("unreserved_orders").size(), 1U);
    const auto nothing = world_.post("/f13/reserve.v1/", {{"perf_id", "7AB-4"},
                                                          {"ticket_type_code", "STALLS"},
                                                          {"price_band_code", "Q/pool"},
                                                          {"no_of_seats", "2"}});
    EXPECT_EQ(nothing.body.at("input_contained_unavailable_order"), true);
}

TEST_F(DoorTest, PostGoesToFewCountriesOnly) {
    const auto made = world_.post("/f13/reserve.v1/", {{"perf_id", "6IF-B0G"},
                                                       {"ticket_type_code", "CIRCLE"},
                                                       {"price_band_code", "A/pool"},
                                                       {"no_of_seats", "2"},
                                                       {"ext_test0_send_code", "POST"}});
    EXPECT_EQ(made.body.at("allowed_countries"), (json{{"ie", "Ireland"}, {"uk", "United Kingdom"}}));
    const auto bundle = made.body.at("/trolley_contents/bundle/0"_json_pointer);
    EXPECT_EQ(bundle.at("bundle_total_cost").dump(), "81.5");
    EXPECT_EQ(bundle.at("bundle_total_send_cost").dump(), "3.5");
    const auto uuid = made.body.at("/trolley_contents/transaction_uuid"_json_pointer).get<std::string>();
    EXPECT_EQ(error(world_.purchase(uuid)), "400 8 Country code 'us' in customer data is invalid");
}

TEST_F(DoorTest, Release) {
    const auto uuid = world_.reserve();
    const Fields fields{{"transaction_uuid", uuid}};
    EXPECT_EQ(error(world_.post("/f13/release.v1/", fields, "demo-redirect")),
              "400 8 transaction_uuid: is not a known transaction");
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(world_.post("/f13/release.v1/", fields).body, json::parse(R"({"released_ok":true})"));
    EXPECT_EQ(status(uuid).at("transaction_status"), "released");
    EXPECT_EQ(error(world_.purchase(uuid)), "400 8 transaction_uuid: is released and cannot be purchased");
    EXPECT_EQ(status(uuid).at("transaction_status"), "released");
    const auto bought = world_.reserve();
    world_.purchase(bought);
    EXPECT_EQ(world_.post("/f13/release.v1/", {{"transaction_uuid", bought}}).body,
              json::parse(R"({"released_ok":false})"));
}

// ---- purchase -----------------------------------------------------------------------------------------
TEST_F(DoorTest, OnCredit) {
    const auto uuid = world_.reserve();
    world_.clock().advance(std::chrono::minutes(1));
    const auto answer = world_.purchase(uuid);
    ASSERT_EQ(answer.status, 200) << answer.raw.body;
    EXPECT_EQ(answer.body.at("transaction_status"), "purchased");
    EXPECT_FALSE(answer.body.contains("callout"));
    EXPECT_EQ(answer.body.at("purchase_iso8601_date_and_time"), "2026-01-10T10:01:00Z");
    EXPECT_EQ(answer.body.at("customer").at("first_name"), "Fred");
    EXPECT_EQ(answer.body.at("customer").at("country"), "United States of America");
    const auto trolley = answer.body.at("trolley_contents");
    EXPECT_EQ(trolley.at("purchase_result").at("success"), true);
    EXPECT_EQ(trolley.at("purchase_result").at("is_partial"), false);
    const auto reference = trolley.at("transaction_id").get<std::string>();
    const auto order = trolley.at("/bundle/0/order/0"_json_pointer);
    EXPECT_EQ(order.at("backend_purchase_reference"),
              "PURCHASE-" + reference.substr(reference.size() - 4) + "-1");
    EXPECT_EQ(order.at("cancellation_status"), "possible");

    EXPECT_EQ(world_.purchase(uuid).body, answer.body) << "a repeat buys nothing";
    EXPECT_EQ(world_.get("/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid).body, answer.body);
    EXPECT_EQ(world_.store().balances("demo").at(0).minor, 11'000);
    EXPECT_FALSE(status(uuid).contains("customer"));
    EXPECT_EQ(status(uuid, "demo", "&add_customer=True").at("customer"), answer.body.at("customer"));
    const auto by_reference = world_.get("/f13/trans_id_status.v1/?transaction_id=" + reference);
    EXPECT_EQ(by_reference.body, status(uuid));
    EXPECT_EQ(error(world_.get("/f13/trans_id_status.v1/?transaction_id=" + reference, "demo-redirect")),
              "400 8 transaction_id: is not a known transaction");
    EXPECT_EQ(error(world_.get("/f13/trans_id_status.v1/?transaction_id=T000")),
              "400 8 transaction_id: is not a known transaction");
}

TEST_F(DoorTest, BadCustomersLeaveTheReservationUsable) {
    const auto uuid = world_.reserve();
    auto fields = fred();
    fields.emplace_back("transaction_uuid", uuid);
    for (auto& field : fields) {
        if (field.first == "country_code") field.second = "foobar";
    }
    EXPECT_EQ(error(world_.post("/f13/purchase.v1/", fields)),
              "400 8 Country code 'foobar' in customer data is invalid");
    EXPECT_EQ(status(uuid).at("transaction_status"), "reserved");
    EXPECT_EQ(world_.purchase(uuid).body.at("transaction_status"), "purchased");
}

TEST_F(DoorTest, BadEmailAddressesHaveACodeOfTheirOwn) {
    const auto uuid = world_.reserve();
    auto fields = fred();
    fields.emplace_back("transaction_uuid", uuid);
    for (auto& field : fields) {
        if (field.first == "email_address") field.second = "foo";
    }
    const auto answer = world_.post("/f13/purchase.v1/", fields);
    EXPECT_EQ(error(answer), "460 2000 email_address: has no '@'");
    EXPECT_EQ(answer.body.at("error_key"), "addr_missing_at");
    EXPECT_EQ(status(uuid).at("transaction_status"), "reserved");
    EXPECT_EQ(world_.purchase(uuid).body.at("transaction_status"), "purchased");
    EXPECT_EQ(world_.post("/f13/purchase.v1/", fields).status, 200) << "a repeat is not looked at";
}

TEST_F(DoorTest, TheCustomerOfWhatIsReleasedOrFailedIsNotLookedAt) {
    const auto with_faults = [](const std::string& uuid) {
        auto fields = fred();
        fields.emplace_back("transaction_uuid", uuid);
        for (auto& [name, value] : fields) {
            if (name == "email_address") value = "foo";
            if (name == "country_code") value = "foobar";
        }
        return fields;
    };
    const auto released = world_.reserve();
    world_.post("/f13/release.v1/", {{"transaction_uuid", released}});
    EXPECT_EQ(error(world_.post("/f13/purchase.v1/", with_faults(released))),
              "400 8 transaction_uuid: is released and cannot be purchased");
    const auto failed = world_.reserve("demo-redirect");
    world_.purchase(failed, "demo-redirect", redirection("tok"));
    callback("tok", "n", {{"success", "no"}});
    EXPECT_EQ(error(world_.post("/f13/purchase.v1/", with_faults(failed), "demo-redirect")),
              "400 8 transaction_uuid: is failed and cannot be purchased");
}

TEST_F(DoorTest, APurchaseCanBeAskedForAgainForEver) {
    const auto uuid = world_.reserve();
    const auto bought = world_.purchase(uuid).body;
    const auto page = "/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid;
    world_.clock().advance(purchase_page_kept);
    EXPECT_EQ(world_.get(page).body, bought);
    world_.clock().advance(Millis(1));
    EXPECT_EQ(error(world_.get(page)), "410 8 transaction_uuid: its purchase is too old to be read again");
    EXPECT_EQ(world_.purchase(uuid).body, bought);
}

TEST_F(DoorTest, OthersTransactionsAreUnknown) {
    const auto uuid = world_.reserve();
    for (const auto& target :
         {"/f13/status.v1/", "/f13/reserve_page_archive.v1/", "/f13/purchase_page_archive.v1/"}) {
        EXPECT_EQ(error(world_.get(target + ("?transaction_uuid=" + uuid), "demo-redirect")),
                  "400 8 transaction_uuid: is not a known transaction");
        EXPECT_EQ(
            error(world_.get(target + std::string("?transaction_uuid=7d0f0a52-0000-71f1-8000-000000000001"))),
            "400 8 transaction_uuid: is not a known transaction");
    }
    EXPECT_EQ(error(world_.purchase(uuid, "demo-redirect")),
              "400 8 transaction_uuid: is not a known transaction");
    EXPECT_EQ(error(world_.post("/f13/cancel.v1/", {{"transaction_uuid", uuid}}, "demo-redirect")),
              "400 8 transaction_uuid: is not a known transaction");
}

TEST_F(DoorTest, PurchasePageOfWhatWasNeverBought) {
    const auto uuid = world_.reserve();
    EXPECT_EQ(error(world_.get("/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid)),
              "400 8 transaction_uuid: has not been purchased");
}

// ---- callouts -----------------------------------------------------------------------------------------
TEST_F(DoorTest, RedirectToTheEnd) {
    const auto uuid = world_.reserve("demo-redirect");
    const auto sent = world_.purchase(uuid, "demo-redirect", redirection("010288fe-a196"));
    ASSERT_EQ(sent.status, 200) << sent.raw.body;
    const auto& callout = sent.body.at("callout");
    EXPECT_EQ(callout.at("bundle_source_code"), "ext_test1");
    EXPECT_EQ(callout.at("bundle_source_desc"), "External Test Backend 1");
    EXPECT_EQ(callout.at("bundle_total_cost").dump(), "110");
    EXPECT_EQ(callout.at("callout_type"), "get");
    EXPECT_EQ(callout.at("callout_destination_url"),
              "http://127.0.0.1:1/tickets/dummy_redirect.buy/demo-redirect");
    EXPECT_EQ(callout.at("return_token"), "010288fe-a196");
    EXPECT_EQ(callout.at("callout_parameters").at("return_url"),
              "https://fromtheboxoffice.com/callback/010288fe-a196");
    EXPECT_EQ(callout.at("callout_parameters").at("title"),
              "Dummy external card details page for debit on system 'ext_test1'");
    EXPECT_EQ(callout.at("callout_parameters_order").at(0), "return_url");
    EXPECT_EQ(callout.at("callout_parameters_order").at(1), "title");
    EXPECT_EQ(callout.at("debitor").at("debitor_type"), "dummy");

    EXPECT_EQ(world_.purchase(uuid, "demo-redirect", redirection("010288fe-a196")).body, sent.body);
    auto changed = redirection("another");
    changed.insert(changed.end(), {{"transaction_uuid", uuid}, {"country_code", "foobar"}});
    EXPECT_EQ(world_.post("/f13/purchase.v1/", changed, "demo-redirect").body, sent.body)
        << "nothing that comes along with a repeat is looked at";
    EXPECT_EQ(world_.get("/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid, "demo-redirect").body,
              sent.body);
    const auto pending = status(uuid, "demo-redirect");
    EXPECT_EQ(pending.at("transaction_status"), "attempting");
    EXPECT_EQ(pending.at("pending_callout"), callout);
    EXPECT_EQ(pending.at("remote_site"), "fromtheboxoffice.com");

    EXPECT_EQ(error(callback("010288fe-a196", "n", {{"success", "yes"}}, "demo")),
              "400 8 this: was never issued")
        << "a token of somebody else was never issued";
    EXPECT_EQ(error(callback("never", "n", {{"success", "yes"}})), "400 8 this: was never issued");
    const auto done = callback("010288fe-a196", "n", {{"success", "1"}, {"ref", "abc123"}});
    EXPECT_EQ(done.body.at("transaction_status"), "purchased") << done.raw.body;
    EXPECT_FALSE(done.body.contains("callout"));
    EXPECT_EQ(done.body.at("customer").at("last_name"), "Flintstone");
    EXPECT_EQ(error(callback("010288fe-a196", "n", {{"success", "1"}, {"ref", "abc123"}})),
              "410 8 transaction failed");
    EXPECT_EQ(error(callback("010288fe-a196", "n", {{"success", "no"}})), "410 8 transaction failed");
    EXPECT_EQ(world_.get("/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid, "demo-redirect").body,
              done.body);
    EXPECT_FALSE(status(uuid, "demo-redirect").contains("pending_callout"));
}

TEST_F(DoorTest, PostCallout) {
    const auto uuid = world_.reserve("demo-redirect-post");
    const auto sent = world_.purchase(uuid, "demo-redirect-post", redirection("p1"));
    EXPECT_EQ(sent.body.at("callout").at("callout_type"), "post") << sent.raw.body;
}

TEST_F(DoorTest, RefusedAndEmptyReturnsFail) {
    int number = 0;
    for (const Fields& fields :
         {Fields{{"success", "no"}}, Fields{}, Fields{{"is_tsw_callout_timeout_callback", "1"}}}) {
        const auto token = "refused-" + std::to_string(++number);
        const auto uuid = world_.reserve("demo-redirect");
        ASSERT_TRUE(world_.purchase(uuid, "demo-redirect", redirection(token)).body.contains("callout"));
        const auto done = callback(token, token + "x", fields);
        EXPECT_EQ(done.body.at("transaction_status"), "failed") << done.raw.body;
        EXPECT_EQ(done.body.at("/trolley_contents/purchase_result/success"_json_pointer), false);
        EXPECT_TRUE(done.body.at("/trolley_contents/bundle/0/purchase_result"_json_pointer)
                        .contains("purchase_error"));
        EXPECT_FALSE(done.body.contains("customer"));
        EXPECT_EQ(world_.get("/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid, "demo-redirect")
                      .body.at("transaction_status"),
                  "failed");
        EXPECT_EQ(error(world_.purchase(uuid, "demo-redirect", redirection(token + "y"))),
                  "400 8 transaction_uuid: is failed and cannot be purchased");
    }
}

TEST_F(DoorTest, TheFirstReturnAfterTheEndGetsTheState) {
    const auto uuid = world_.reserve("demo-redirect");
    ASSERT_TRUE(world_.purchase(uuid, "demo-redirect", redirection("late")).body.contains("callout"));
    world_.post("/f13/release.v1/", {{"transaction_uuid", uuid}}, "demo-redirect");
    const auto state = status(uuid, "demo-redirect").at("transaction_status");
    EXPECT_NE(state, "attempting");
    const auto late = callback("late", "next", {{"success", "no"}});
    EXPECT_EQ(late.status, 200) << late.raw.body;
    EXPECT_EQ(late.body.at("transaction_status"), state);
    EXPECT_EQ(error(callback("late", "next", {{"success", "no"}})), "410 8 transaction failed");
}

TEST_F(DoorTest, ChainOfTwoBundles) {
    const auto uuid = reserve_two("demo-redirect");
    const auto first = world_.purchase(uuid, "demo-redirect", redirection("T1")).body.at("callout");
    EXPECT_EQ(first.at("bundle_source_code"), "ext_test0");
    EXPECT_EQ(first.at("return_token"), "T1");
    const auto hop = callback("T1", "T2", {{"success", "yes"}});
    ASSERT_TRUE(hop.body.contains("callout")) << hop.raw.body;
    const auto& second = hop.body.at("callout");
    EXPECT_EQ(second.at("bundle_source_code"), "ext_test1");
    EXPECT_EQ(second.at("return_token"), "T2");
    EXPECT_EQ(second.at("callout_parameters").at("return_url"), "https://fromtheboxoffice.com/callback/T2");
    EXPECT_EQ(error(callback("T1", "T3", {{"success", "yes"}})), "410 8 transaction failed");
    const auto done = callback("T2", "T3", {{"success", "yes"}});
    EXPECT_EQ(done.body.at("transaction_status"), "purchased") << done.raw.body;
    EXPECT_EQ(done.body.at("/trolley_contents/purchase_result/is_partial"_json_pointer), false);
    EXPECT_EQ(error(callback("T3", "T4", {})), "400 8 this: was never issued")
        << "T3 was not needed and never lived";
}

TEST_F(DoorTest, PartialPurchase) {
    const auto uuid = reserve_two("demo-partial");
    ASSERT_TRUE(world_.purchase(uuid, "demo-partial", redirection("P1")).body.contains("callout"));
    ASSERT_TRUE(callback("P1", "P2", {{"success", "yes"}}, "demo-partial").body.contains("callout"));
    const auto done = callback("P2", "P3", {{"success", "no"}}, "demo-partial");
    EXPECT_EQ(done.body.at("transaction_status"), "purchased") << done.raw.body;
    const auto trolley = done.body.at("trolley_contents");
    EXPECT_EQ(trolley.at("purchase_result").at("is_partial"), true);
    EXPECT_EQ(trolley.at("/bundle/0/purchase_result/success"_json_pointer), true);
    EXPECT_EQ(trolley.at("/bundle/1/purchase_result/success"_json_pointer), false);
    EXPECT_TRUE(trolley.at("/bundle/0/order/0"_json_pointer).contains("backend_purchase_reference"));
    EXPECT_FALSE(trolley.at("/bundle/1/order/0"_json_pointer).contains("backend_purchase_reference"));
}

TEST_F(DoorTest, TwoWaysOfPayingInOneTrolley) {
    const auto uuid = reserve_two("demo-mixed");
    const auto sent = world_.purchase(uuid, "demo-mixed", redirection("M1"));
    EXPECT_EQ(sent.body.at("callout").at("bundle_source_code"), "ext_test1") << sent.raw.body;
    const auto done = callback("M1", "M2", {{"success", "yes"}}, "demo-mixed");
    EXPECT_EQ(done.body.at("transaction_status"), "purchased") << done.raw.body;
}

TEST_F(DoorTest, ReturnDetailsAreChecked) {
    const auto uuid = world_.reserve("demo-redirect");
    const auto with = [&](std::string_view name, std::string value) {
        auto fields = redirection("tok");
        for (auto& field : fields) {
            if (field.first == name) field.second = value;
        }
        return error(world_.purchase(uuid, "demo-redirect", fields));
    };
    EXPECT_EQ(with("return_url", "https://fromtheboxoffice.com/callback/tok?a=b"),
              "400 8 return_url: must have no query string: the provider adds its own");
    EXPECT_EQ(with("return_url", "https://fromtheboxoffice.com/callback/"),
              "400 8 return_url: must contain the return token in its path");
    EXPECT_EQ(with("return_url", "https://fromtheboxoffice.com/tok/tok"),
              "400 8 return_url: must contain the return token exactly once");
    EXPECT_EQ(with("return_url", "https://evil.example/callback/tok"),
              "400 8 remote_site: is not the host of return_url, evil.example");
    EXPECT_EQ(with("return_url", "javascript:tok"), "400 8 return_url: is not an http or https URL");
    EXPECT_EQ(with("remote_site", "evil.example"),
              "400 8 remote_site: is not the host of return_url, fromtheboxoffice.com");
    EXPECT_EQ(with("return_token", "a b"),
              "400 8 return_token: may have letters, digits, '-', '.', '_' and '~' only");
    EXPECT_EQ(error(world_.purchase(uuid, "demo-redirect", redirection("tok", "evil.example"))),
              "400 8 return_url: evil.example is not a registered return host of demo-redirect");
    EXPECT_EQ(status(uuid, "demo-redirect").at("transaction_status"), "reserved");
    EXPECT_TRUE(world_.purchase(uuid, "demo-redirect", redirection("tok")).body.contains("callout"));
    const auto other = world_.reserve("demo-redirect");
    EXPECT_EQ(error(world_.purchase(other, "demo-redirect", redirection("tok"))),
              "400 8 return_token: is in use for another callout that is still open");
    EXPECT_EQ(status(other, "demo-redirect").at("transaction_status"), "reserved");
    callback("tok", "next", {{"success", "no"}});
    EXPECT_TRUE(world_.purchase(other, "demo-redirect", redirection("tok")).body.contains("callout"))
        << "what is spent may be used again";
}

TEST_F(DoorTest, RedirectWithoutReturnDetailsIsRefused) {
    const auto uuid = world_.reserve("demo-redirect");
    EXPECT_EQ(error(world_.purchase(uuid, "demo-redirect")),
              "400 8 return_token: is missing: this way of paying sends the customer away");
    EXPECT_EQ(status(uuid, "demo-redirect").at("transaction_status"), "reserved");
}

// ---- cancel -------------------------------------------------------------------------------------------
TEST_F(DoorTest, CancelOneAndThenTheRest) {
    const auto trolley = world_.get(
        "/f13/trolley.v1/?perf_id=7AB-4&ticket_type_code=STALLS&price_band_code=A%2Fpool&no_of_seats=2");
    const auto uuid = world_.reserve("demo", {{"trolley_token", trolley.body.at("trolley_token")},
                                              {"perf_id", "7AB-4"},
                                              {"ticket_type_code", "CIRCLE"},
                                              {"price_band_code", "B/pool"},
                                              {"no_of_seats", "1"}});
    const auto cancel = [&](Fields fields) {
        fields.emplace_back("transaction_uuid", uuid);
        return world_.post("/f13/cancel.v1/", fields);
    };
    EXPECT_EQ(error(cancel({})), "400 8 transaction_uuid: is reserved and not purchased");
    const auto bought = world_.purchase(uuid).body;
    EXPECT_EQ(error(cancel({{"cancel_items_list", "7"}})),
              "400 8 cancel_items_list: names item 7, which is not in this transaction");
    EXPECT_EQ(error(cancel({{"cancel_items_list", "x"}})),
              "400 8 cancel_items_list: is not a list of item numbers with commas between them");

    const auto one = cancel({{"cancel_items_list", "2"}});
    EXPECT_EQ(one.body.at("cancelled_item_numbers"), json::array({2})) << one.raw.body;
    EXPECT_FALSE(one.body.contains("must_also_cancel"));
    const auto orders = one.body.at("/trolley_contents/bundle/0/order"_json_pointer);
    EXPECT_EQ(orders.at(0).at("cancellation_status"), "possible");
    EXPECT_EQ(orders.at(1).at("cancellation_status"), "cancelled");
    EXPECT_EQ(world_.store().balances("demo").at(0).minor, 11'000);
    EXPECT_EQ(cancel({{"cancel_items_list", "2"}}).body.at("cancelled_item_numbers"), json::array());

    const auto rest = cancel({});
    EXPECT_EQ(rest.body.at("cancelled_item_numbers"), json::array({1})) << "only what this call cancelled";
    EXPECT_EQ(world_.store().balances("demo").at(0).minor, 0);
    EXPECT_EQ(status(uuid).at("transaction_status"), "purchased");
    EXPECT_EQ(world_.get("/f13/purchase_page_archive.v1/?transaction_uuid=" + uuid).body, bought)
        << "a later cancellation does not alter the page";
    EXPECT_EQ(world_.purchase(uuid).body, bought);
}

TEST_F(DoorTest, OfCancelsAtOnceOnlyOneCancelsAnItem) {
    const auto uuid = world_.reserve();
    world_.purchase(uuid);
    int cancelled = 0;
    for (const auto& answer : world_.post_at_once(8, "/f13/cancel.v1/", {{"transaction_uuid", uuid}})) {
        EXPECT_EQ(answer.status, 200) << answer.raw.body;
        const auto items = answer.body.at("cancelled_item_numbers");
        EXPECT_TRUE(items == json::array() || items == json::array({1})) << items;
        if (!items.empty()) ++cancelled;
        EXPECT_EQ(answer.body.at("/trolley_contents/bundle/0/order/0/cancellation_status"_json_pointer),
                  "cancelled");
    }
    EXPECT_EQ(cancelled, 1);
    EXPECT_EQ(world_.store().balances("demo").at(0).minor, 0);
}

TEST_F(DoorTest, WhatHasNoRefundIsNotCancellable) {
    const auto uuid = world_.reserve("demo-redirect");
    ASSERT_TRUE(world_.purchase(uuid, "demo-redirect", redirection("R1")).body.contains("callout"));
    const auto bought = callback("R1", "R2", {{"success", "yes"}});
    constexpr auto word = "/trolley_contents/bundle/0/order/0/cancellation_status";
    EXPECT_EQ(bought.body.at(json::json_pointer(word)), "not_permitted") << bought.raw.body;
    const auto answer = world_.post("/f13/cancel.v1/", {{"transaction_uuid", uuid}}, "demo-redirect");
    EXPECT_EQ(answer.status, 200) << answer.raw.body;
    EXPECT_EQ(answer.body.at("cancelled_item_numbers"), json::array());
    EXPECT_EQ(answer.body.at(json::json_pointer(word)), "not_permitted");
}

TEST_F(DoorTest, WhatIsNotCancellableStays) {
    const auto uuid = world_.reserve("demo", {{"perf_id", "6KF-F"},
                                              {"ticket_type_code", "MEMBER"},
                                              {"price_band_code", "X/pool"},
                                              {"no_of_seats", "1"}});
    world_.purchase(uuid);
    const auto answer = world_.post("/f13/cancel.v1/", {{"transaction_uuid", uuid}});
    EXPECT_EQ(answer.body.at("cancelled_item_numbers"), json::array());
    EXPECT_EQ(answer.body.at("/trolley_contents/bundle/0/order/0/cancellation_status"_json_pointer),
              "not_permitted");
}

// ---- handed over by another booking system ------------------------------------------------------------
TEST_F(DoorTest, TransactionsOfOtherSystemsPrintToo) {
    for (const auto* document : {"", R"({"seats": "row 7", "orders": "none"})"}) {
        engine::HandOverRequest request;
        request.system = "box-office";
        request.caller = "demo";
        const auto isk = *Currency::parse("isk", "currency");
        request.bundles = {{"ext_test0", "Harpa", {9'900, isk}, {{5, {9'900, isk}, true}}}};
        request.held_until = world_.engine().now() + std::chrono::minutes(10);
        request.document_json = document;
        request.customer_json = R"({"first_name": "Ann", "country_code": "is"})";
        const auto uuid = world_.hand_over(request).text();
        const auto text = status(uuid);
        EXPECT_EQ(text.at("transaction_status"), "reserved");
        EXPECT_EQ(text.at("/trolley_contents/bundle/0/bundle_source_desc"_json_pointer), "Harpa");
        EXPECT_EQ(text.at("/trolley_contents/bundle/0/bundle_total_cost"_json_pointer).dump(), "9900");
        EXPECT_EQ(world_.get("/f13/reserve_page_archive.v1/?transaction_uuid=" + uuid).status, 200);
        const auto bought = world_.post("/f13/purchase.v1/", {{"transaction_uuid", uuid}});
        EXPECT_EQ(bought.body.at("transaction_status"), "purchased") << bought.raw.body;
        EXPECT_EQ(bought.body.at("customer").at("first_name"), "Ann") << "kept from the hand-over";
    }
}

}  // namespace
}  // namespace kassi::api::f13
