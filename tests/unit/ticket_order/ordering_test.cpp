#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "../log_lines.hpp"
#include "api/ticket_order/jsv.hpp"
#include "door_world.hpp"

namespace kassi::api::ticket_order {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class OrderingTest : public testing::Test {
  protected:
    static std::string seen(const DoorWorld::Answer& answer) {
        return std::to_string(answer.status) + " " + std::to_string(answer.code());
    }
    std::string phase(const TransactionId& id) {
        return std::string(core::word(world_.engine().view(id, "", "")->transaction.phase));
    }
    DoorWorld world_;
};

// ---- a card ---------------------------------------------------------------------------------------------

TEST_F(OrderingTest, ACardPaysAndTheTicketsAreAnswered) {
    const auto answer = world_.order(DoorWorld::family());
    ASSERT_EQ(seen(answer), "200 0") << answer.raw.body;
    EXPECT_EQ(answer.raw.header("Content-Type"), "application/json; charset=utf-8");
    EXPECT_EQ(answer.raw.header("Cache-Control"), "no-store");
    EXPECT_EQ(world_.charges(), 1U);
    EXPECT_EQ(world_.borgun().ledger().back().minor, 1'197'000);
    const auto& all = answer.body.at("ticketAndDetails");
    const auto& ticket = all.at("eventTicket");
    EXPECT_EQ(ticket.at("ticketStatus"), "Paid");
    EXPECT_EQ(ticket.at("eventId"), 1);
    EXPECT_EQ(ticket.at("totalPaidForTicket"), 11970);
    EXPECT_EQ(ticket.at("currency"), "ISK");
    EXPECT_EQ(ticket.at("isFree"), false);
    EXPECT_EQ(ticket.at("timestampBought"), "2026-01-10T10:00:00.0000000Z");
    EXPECT_EQ(ticket.at("timestampActivated"), "0001-01-01T00:00:00.0000000");
    const auto id = *TransactionId::parse(answer.token(), "");
    EXPECT_EQ(phase(id), "purchased");
    EXPECT_EQ(ticket.at("paymentReference"), core::reference_of(id));
    ASSERT_EQ(all.at("eventTicketDetails").size(), 2U);
    EXPECT_EQ(all.at("eventTicketDetails").at(0).at("ticketName"), "Adult");
    EXPECT_EQ(all.at("eventTicketDetails").at(0).at("totalPrice"), 9980);
    EXPECT_EQ(all.at("eventTicketDetails").at(1).at("count"), 1);
    EXPECT_EQ(all.at("eventInfo").at("id"), 1);
    EXPECT_EQ(all.at("eventInfo").at("timeOfEventUTC"), "2026-01-10T16:00:00.0000000Z");
    EXPECT_EQ(all.at("eventIsToday"), true);
    EXPECT_EQ(all.at("eventisLive"), false);
    EXPECT_EQ(all.at("minutesToEvent"), 360);
    EXPECT_EQ(answer.body.at("message"), "The order is complete.");
}

TEST_F(OrderingTest, EveryPathAndFormatPlacesAnOrder) {
    const auto text = DoorWorld::family("").dump();
    int n = 0;
    const auto placed = [&](const std::string& target, const std::string& type, const std::string& accept) {
        auto order = DoorWorld::family("ABC00000000" + std::to_string(n++));
        auto body = order.dump();
        if (type.ends_with("jsv") || target.find("jsv/") != std::string::npos || target.ends_with(".JSV"))
            body = write_jsv(*read_json(body, "body"));
        Fields headers{{"Content-Type", type}};
        if (!accept.empty()) headers.emplace_back("Accept", accept);
        return world_.send({.target = target, .body = body, .user = "app", .headers = std::move(headers)})
            .raw;
    };
    EXPECT_THAT(placed("/ticketorder", "application/json", "*/*").body, HasSubstr("\"statusCode\":0"));
    EXPECT_THAT(placed("/API/TICKETORDER", "text/plain;charset=UTF-8", "").body,
                HasSubstr("\"statusCode\":0"));
    EXPECT_THAT(placed("/json/reply/TicketOrder", "application/json", "").body,
                HasSubstr("\"statusCode\":0"));
    const auto jsv = placed("/ticketOrder", "text/jsv", "text/jsv");
    EXPECT_THAT(jsv.body, HasSubstr("statusCode:0"));
    EXPECT_EQ(jsv.header("Content-Type"), "text/jsv");
    EXPECT_THAT(placed("/jsv/reply/TicketOrder", "application/jsv", "").body, HasSubstr("statusCode:0"));
    EXPECT_THAT(placed("/api/TicketOrder.JSV", "application/jsv", "").body, HasSubstr("statusCode:0"));
    EXPECT_THAT(placed("/ticketOrder?format=jsv", "application/json", "").body, HasSubstr("statusCode:0"));
    EXPECT_EQ(world_.charges(), 7U);
}

TEST_F(OrderingTest, ADeclinedCardAndOneThatWantsThreeDSecure) {
    EXPECT_EQ(seen(world_.order(DoorWorld::family("ABC000000001", declining_card))), "200 402");
    const auto secure = world_.order(DoorWorld::family("ABC000000002", secure_card));
    EXPECT_EQ(seen(secure), "200 428");
    EXPECT_FALSE(secure.body.contains("ticketAndDetails"));
    EXPECT_EQ(world_.charges(), 0U);
    // Asked again, nobody is asked again; another order may be tried.
    EXPECT_EQ(seen(world_.order(DoorWorld::family("ABC000000001", declining_card))), "200 402");
    EXPECT_EQ(world_.transactions(), 2U);
    EXPECT_EQ(seen(world_.order(DoorWorld::family("ABC000000003"))), "200 0");
}

TEST_F(OrderingTest, FreeTicketsNeedNoPayment) {
    json order{{"order", {{"eventId", 1}, {"currency", "ISK"}, {"isFree", true}}},
               {"orderDetails", {{{"eventSeriesTicketType", 3}, {"ticketPrice", 0}, {"count", 2}}}}};
    const auto answer = world_.order(order);
    EXPECT_EQ(seen(answer), "200 0") << answer.raw.body;
    EXPECT_EQ(answer.body.at("ticketAndDetails").at("eventTicket").at("isFree"), true);
    EXPECT_EQ(world_.charges(), 0U);
    EXPECT_TRUE(world_.borgun().ledger().empty());
}

TEST_F(OrderingTest, WithoutTicketsWhereNoneAreWanted) {
    auto order = DoorWorld::family();
    order["dontReturnTickets"] = true;
    const auto answer = world_.order(order);
    EXPECT_EQ(answer.raw.body, R"({"statusCode":0,"message":"The order is complete."})");
}

// ---- the same again --------------------------------------------------------------------------------------

TEST_F(OrderingTest, TheSameAgainIsAnsweredAndChargesNothing) {
    const auto order = DoorWorld::family();
    const auto first = world_.order(order);
    ASSERT_EQ(seen(first), "200 0");
    // Members in another order, another path, JSV, 11970.00, and what .NET sends besides: it is the same.
    auto other = order;
    other["borgun3DFinalInfo"] = {{"amount", 0}};
    other["order"]["id"] = 0;
    const auto jsv = write_jsv(*read_json(other.dump(), "body"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(world_.order(order).raw.body, first.raw.body);
    EXPECT_EQ(world_.send({.target = "/json/reply/TicketOrder", .body = other.dump()}).raw.body,
              first.raw.body);
    const auto in_jsv = world_.send(
        {.body = jsv, .headers = {{"Content-Type", "application/jsv"}, {"Accept", "application/json"}}});
    EXPECT_EQ(in_jsv.raw.body, first.raw.body) << jsv;
    EXPECT_EQ(world_.charges(), 1U);
    EXPECT_EQ(world_.transactions(), 1U);
}

TEST_F(OrderingTest, TheSameAtOnceIsOneOrder) {
    for (const auto* order_id : {"ABC123456789", ""}) {
        const auto before = world_.charges();
        const std::vector<DoorWorld::Request> requests(5, {.body = DoorWorld::family(order_id).dump()});
        const auto answers = world_.send_at_once(requests);
        for (const auto& answer : answers) {
            EXPECT_EQ(seen(answer), "200 0") << answer.raw.body;
            EXPECT_EQ(answer.token(), answers[0].token());
        }
        EXPECT_EQ(world_.charges(), before + 1) << order_id;
    }
    EXPECT_EQ(world_.transactions(), 2U);
}

TEST_F(OrderingTest, AnotherOrderOfTheSameNameIsAConflict) {
    ASSERT_EQ(seen(world_.order(DoorWorld::family())), "200 0");
    auto other = DoorWorld::family();
    other["appMetaData"] = "x";
    EXPECT_EQ(seen(world_.order(other)), "200 409");
    EXPECT_EQ(seen(world_.order(DoorWorld::family("ABC123456789", declining_card))), "200 409");
    const auto at_once =
        world_.send_at_once({{.body = DoorWorld::family("ABC000000001").dump()},
                             {.body = DoorWorld::family("ABC000000001", declining_card).dump()}});
    EXPECT_EQ(seen(at_once[0]), "200 0");
    EXPECT_EQ(seen(at_once[1]), "200 409");
    // Names are each account's own.
    EXPECT_EQ(seen(world_.order(DoorWorld::family(), "team")), "200 0");
    EXPECT_EQ(world_.charges(), 3U);
}

TEST_F(OrderingTest, AfterACrashBetweenHandOverAndPurchaseTheSameOrderPaysOnce) {
    const auto order = DoorWorld::family();
    const auto id = world_.hand_over_as_the_door_does(order);
    EXPECT_EQ(phase(id), "reserved");
    EXPECT_EQ(world_.charges(), 0U);
    const auto pending = world_.get("/ticketOrder/status?orderId=ABC123456789");
    EXPECT_EQ(seen(pending), "200 202");
    EXPECT_EQ(pending.token(), id.text());
    const auto answers = world_.send_at_once({{.body = order.dump()}, {.body = order.dump()}});
    for (const auto& answer : answers) {
        EXPECT_EQ(seen(answer), "200 0");
        EXPECT_EQ(answer.token(), id.text());
    }
    EXPECT_EQ(world_.charges(), 1U);
    EXPECT_EQ(world_.transactions(), 1U);
}

TEST_F(OrderingTest, ACrashAndAHoldThatRanOut) {
    const auto order = DoorWorld::family();
    world_.hand_over_as_the_door_does(order);
    world_.clock().advance(std::chrono::minutes(16));
    EXPECT_EQ(seen(world_.order(order)), "200 410");
    world_.sweep();
    EXPECT_EQ(seen(world_.order(order)), "200 410");
    EXPECT_EQ(world_.charges(), 0U);
}

TEST_F(OrderingTest, WhatIsInDoubtIsPendingUntilItIsKnown) {
    world_.lose_answers(true);
    const auto order = DoorWorld::family();
    const auto first = world_.order(order);
    ASSERT_EQ(seen(first), "200 202") << first.raw.body;
    EXPECT_EQ(first.body.at("ticketAndDetails").at("eventTicket").at("ticketStatus"), "Ordered");
    EXPECT_EQ(first.body.at("ticketAndDetails").at("eventTicket").at("totalPaidForTicket"), 0);
    EXPECT_EQ(seen(world_.order(order)), "200 202");
    world_.lose_answers(false);
    world_.clock().advance(std::chrono::minutes(2));
    world_.sweep();
    const auto known = world_.get("/ticketOrder/status?ticketTokenId=" + first.token());
    const auto again = world_.order(order);
    EXPECT_EQ(again.raw.body, known.raw.body);
    EXPECT_NE(again.code(), 202) << again.raw.body;
    EXPECT_EQ(world_.charges(), again.code() == 0 ? 1U : 0U);
    EXPECT_EQ(world_.transactions(), 1U);
}

TEST_F(OrderingTest, WhereNobodyCouldBeAskedTheSameOrderTriesAgain) {
    const auto order = DoorWorld::family();
    ASSERT_FALSE(world_.borgun().set_faults({{.on = "*", .what = "dead", .ms = Millis(0), .times = 100}}));
    EXPECT_EQ(seen(world_.order(order)), "200 503");
    EXPECT_EQ(seen(world_.order(order)), "200 503");
    ASSERT_FALSE(world_.borgun().set_faults({}));
    EXPECT_EQ(seen(world_.order(order)), "200 0");
    EXPECT_EQ(seen(world_.order(order)), "200 0");
    EXPECT_EQ(world_.charges(), 1U);
    EXPECT_EQ(world_.transactions(), 1U);
}

TEST_F(OrderingTest, ADeclinedOrderStaysSoWhenItsHoldIsOver) {
    const auto order = DoorWorld::family("ABC000000001", declining_card);
    EXPECT_EQ(seen(world_.order(order)), "200 402");
    world_.clock().advance(std::chrono::minutes(16));
    world_.sweep();
    EXPECT_EQ(seen(world_.order(order)), "200 402");
    EXPECT_EQ(seen(world_.get("/ticketOrder/status?orderId=ABC000000001")), "200 402");
}

// ---- status ---------------------------------------------------------------------------------------------

TEST_F(OrderingTest, StatusByTokenReferenceAndOrderId) {
    const auto order = world_.order(DoorWorld::family());
    const auto reference = core::reference_of(*TransactionId::parse(order.token(), ""));
    for (const auto& query : {"ticketTokenId=" + order.token(), "TICKETTOKENID=" + reference,
                              std::string("orderId=ABC123456789")}) {
        EXPECT_EQ(world_.get("/ticketOrder/status?" + query).raw.body, order.raw.body) << query;
        EXPECT_EQ(world_.get("/api/GetTicketStatusRequest?" + query).raw.body, order.raw.body) << query;
        EXPECT_EQ(world_.get("/ticketOrder/status?" + query, "team").refusal(), "404 NotFound") << query;
    }
    const auto posted = world_.send(
        {.target = "/ticketOrder/status", .body = R"({"orderId":"ABC123456789","dontReturnTickets":true})"});
    EXPECT_EQ(posted.raw.body, R"({"statusCode":0,"message":"The order is complete."})");
    EXPECT_EQ(world_.get("/ticketOrder/status").refusal(), "400 NotEmpty TicketTokenId");
    EXPECT_EQ(world_.get("/ticketOrder/status?orderId=NOSUCHORDER1").refusal(), "404 NotFound");
    EXPECT_EQ(world_.get("/ticketOrder/status?orderId=A&ticketTokenId=B").status, 400);
}

// ---- what was handed over --------------------------------------------------------------------------------

TEST_F(OrderingTest, AnOrderPaysWhatABookingSystemHandedOver) {
    world_.open_door([](TicketOrderOptions& options) { options.events = nullptr; });
    const auto id = world_.hand_over(
        {9980, 1990}, "app",
        R"({"ticketAndDetails":{"eventInfo":{"id":42,"name":"Cup"},"eventTicketDetails":[{"ticketName":"East"}]}})");
    const auto answer = world_.order(DoorWorld::family_for(id.text(), "ABC000000001"));
    ASSERT_EQ(seen(answer), "200 0") << answer.raw.body;
    EXPECT_EQ(answer.token(), id.text());
    EXPECT_EQ(answer.body.at("ticketAndDetails").at("eventInfo").at("name"), "Cup");
    EXPECT_EQ(answer.body.at("ticketAndDetails").at("eventTicketDetails").at(0).at("ticketName"), "East");
    EXPECT_EQ(phase(id), "purchased");
    EXPECT_EQ(seen(world_.order(DoorWorld::family_for(id.text(), "ABC000000001"))), "200 0");
    // By its reference, in two bundles and line by line; a document of another kind is no obstacle.
    const auto other = world_.hand_over({9980, 1990}, "app", R"({"ticketAndDetails":[1],"x":{}})");
    const auto by_reference = DoorWorld::family_for(core::reference_of(other), "ABC000000002");
    EXPECT_EQ(seen(world_.order(by_reference)), "200 0");
    EXPECT_EQ(world_.charges(), 2U);
    EXPECT_EQ(world_.transactions(), 2U);
    EXPECT_EQ(world_.order(DoorWorld::family()).refusal(), "400 NotEmpty SeatReservationTokenId");
}

TEST_F(OrderingTest, AnOrderMustBeWhatWasHandedOver) {
    const auto refused = [this](const std::string& reservation, const json& changed) {
        auto order = DoorWorld::family_for(reservation, "ABC000000001");
        order.merge_patch(changed);
        return world_.order(order).refusal();
    };
    EXPECT_EQ(refused(world_.hand_over({11970}, "team").text(), json::object()),
              "400 NotFound SeatReservationTokenId");
    EXPECT_EQ(refused("T000-0000-0000-0000", json::object()), "400 NotFound SeatReservationTokenId");
    EXPECT_EQ(refused("nonsense", json::object()), "400 NotFound SeatReservationTokenId");
    EXPECT_EQ(refused(world_.hand_over({11971}).text(), json::object()), "400 Equal OrderDetails");
    EXPECT_EQ(refused(world_.hand_over({10000, 1970}).text(), json::object()), "400 Equal OrderDetails");
    const auto id = world_.hand_over({11970});
    EXPECT_EQ(refused(id.text(), {{"order", {{"currency", "GBP"}}}, {"cardInfo", {{"currency", "826"}}}}),
              "400 Equal Order.Currency");
    EXPECT_EQ(world_.charges(), 0U);
    EXPECT_EQ(phase(id), "reserved");
    // A refusal claims nothing.
    EXPECT_EQ(seen(world_.order(DoorWorld::family_for(id.text(), "ABC000000001"))), "400 -1");
    auto whole = DoorWorld::family_for(id.text(), "ABC000000001");
    whole["orderDetails"] = {{{"ticketPrice", 11970}, {"count", 1}}};
    EXPECT_EQ(seen(world_.order(whole)), "200 0");
}

TEST_F(OrderingTest, WhatWasHandedOverIsPaidByOneOrder) {
    const auto order = [](const TransactionId& id, const std::string& order_id) {
        auto made = DoorWorld::family_for(id.text(), order_id);
        made["orderDetails"] = {{{"ticketPrice", 11970}, {"count", 1}}};
        return made;
    };
    const auto id = world_.hand_over({11970});
    ASSERT_EQ(seen(world_.order(order(id, "ABC000000001"))), "200 0");
    EXPECT_EQ(seen(world_.order(order(id, "ABC000000002"))), "200 409");

    const auto raced = world_.hand_over({11970});
    const auto answers = world_.send_at_once(
        {{.body = order(raced, "ABC000000003").dump()}, {.body = order(raced, "ABC000000004").dump()}});
    EXPECT_EQ(seen(answers[0]), "200 0");
    EXPECT_EQ(seen(answers[1]), "200 409");
    // The one that came second stays so.
    EXPECT_EQ(seen(world_.order(order(raced, "ABC000000004"))), "200 409");
    // Its name is taken only when the two were that close.
    EXPECT_THAT(seen(world_.get("/ticketOrder/status?orderId=ABC000000004")),
                testing::AnyOf("200 409", "404 -1"));
    EXPECT_EQ(seen(world_.order(order(raced, "ABC000000003"))), "200 0");
    EXPECT_EQ(world_.charges(), 2U);
    // An order's name is for one reservation.
    EXPECT_EQ(seen(world_.order(order(world_.hand_over({11970}), "ABC000000003"))), "200 409");
}

TEST_F(OrderingTest, AnOnCreditAccountDoesNotOweWhatACardWasToPay) {
    world_.access("demo").roles = {"MobileApp"};
    world_.access("demo").permissions = {"ReadData"};
    EXPECT_EQ(world_.order(DoorWorld::family(), "demo").refusal(), "400 Predicate CardInfo");
    EXPECT_EQ(world_.transactions(), 0U);
}

// ---- the event ------------------------------------------------------------------------------------------

TEST_F(OrderingTest, TheEventIsSoldAtItsOwnPrices) {
    const auto refused = [this](const json& changed) {
        auto order = DoorWorld::family();
        order.merge_patch(changed);
        return world_.order(order).refusal();
    };
    EXPECT_EQ(refused({{"order", {{"eventId", 2}}}}), "400 NotFound Order.EventId");
    json cheap{{"orderDetails", {{{"eventSeriesTicketType", 1}, {"ticketPrice", 1}, {"count", 1}}}},
               {"cardInfo", {{"amount", 1}}}};
    EXPECT_EQ(refused(cheap), "400 Equal OrderDetails[0].TicketPrice");
    json unknown{{"orderDetails", {{{"eventSeriesTicketType", 9}, {"ticketPrice", 1}, {"count", 1}}}},
                 {"cardInfo", {{"amount", 1}}}};
    EXPECT_EQ(refused(unknown), "400 NotFound OrderDetails[0].EventSeriesTicketType");
    EXPECT_EQ(refused({{"order", {{"currency", "GBP"}}}, {"cardInfo", {{"currency", "826"}}}}),
              "400 Equal Order.Currency");
    EXPECT_EQ(world_.transactions(), 0U);
}

// ---- signatures -----------------------------------------------------------------------------------------

TEST_F(OrderingTest, AnAccountMayHaveToSign) {
    const auto order = DoorWorld::family();
    EXPECT_EQ(world_.order(order, "app-signed").refusal(), "401 Unauthorized Signature");
    EXPECT_EQ(world_.order(world_.signed_by("app", order), "app-signed").refusal(),
              "401 Unauthorized Signature");
    auto wrong = world_.signed_by("app-signed", order);
    wrong["deviceId"] = "another";
    EXPECT_EQ(world_.order(wrong, "app-signed").refusal(), "401 Unauthorized Signature");
    for (const auto late : {std::chrono::seconds(301), std::chrono::seconds(-301)})
        EXPECT_EQ(world_.order(world_.signed_by("app-signed", order, late), "app-signed").refusal(),
                  "401 Unauthorized Signature");
    EXPECT_EQ(world_.transactions(), 0U);
    EXPECT_EQ(seen(world_.order(world_.signed_by("app-signed", order), "app-signed")), "200 0");
    // Optional: what is there must be right.
    EXPECT_EQ(seen(world_.order(world_.signed_by("app", order), "app")), "200 0");
    EXPECT_EQ(world_.order(world_.signed_by("app-signed", DoorWorld::family("")), "app").refusal(),
              "401 Unauthorized Signature");
    world_.access("app").signature = engine::TicketOrderAccess::Signature::off;
    EXPECT_EQ(seen(world_.order(world_.signed_by("app-signed", DoorWorld::family("")), "app")), "200 0");
}

TEST_F(OrderingTest, TheSystemsSecretAloneWillDoWhereThatIsSaid) {
    auto order = DoorWorld::family();
    auto& access = world_.access("app-signed");
    order["requestUnixUTCTimeStamp"] =
        std::chrono::floor<std::chrono::seconds>(world_.clock().now()).time_since_epoch().count();
    order["signature"] = {{"systemId", "app-signed"}, {"systemSecret", access.secret.reveal()}};
    EXPECT_EQ(world_.order(order, "app-signed").status, 401);
    access.secret_is_enough = true;
    EXPECT_EQ(seen(world_.order(order, "app-signed")), "200 0");
    order["signature"]["systemSecret"] = "another";
    const auto refused = world_.order(order, "app-signed");
    EXPECT_EQ(refused.status, 401);
    EXPECT_THAT(refused.raw.body, Not(HasSubstr("another")));
}

TEST_F(OrderingTest, ARepeatIsAnsweredAfterItsTimeAndASignatureIsGoodForOneOrder) {
    const auto order = world_.signed_by("app-signed", DoorWorld::family(""));
    const auto first = world_.order(order, "app-signed");
    ASSERT_EQ(seen(first), "200 0");
    world_.clock().advance(std::chrono::minutes(10));
    const auto later = world_.order(order, "app-signed");
    EXPECT_EQ(seen(later), "200 0");
    EXPECT_EQ(later.token(), first.token());
    // Too old, and not the same: refused, whatever its name.
    auto changed = order;
    changed["appMetaData"] = "x";
    EXPECT_EQ(world_.order(changed, "app-signed").status, 401);
    EXPECT_EQ(world_.charges(), 1U);

    const auto fresh = world_.signed_by("app-signed", DoorWorld::family(""));
    ASSERT_EQ(seen(world_.order(fresh, "app-signed")), "200 0");
    changed = fresh;
    changed["appMetaData"] = "x";
    EXPECT_EQ(seen(world_.order(changed, "app-signed")), "200 409");
    // Spelled otherwise it is no other order.
    changed = fresh;
    changed["signature"]["signature"] =
        encoding::base64(*encoding::from_hex(fresh["signature"]["signature"].get<std::string>(), ""));
    EXPECT_EQ(seen(world_.order(changed, "app-signed")), "200 409");
    EXPECT_EQ(world_.charges(), 2U);
}

// ---- other ways -----------------------------------------------------------------------------------------

json final_order(std::int64_t amount = 1'197'000) {
    auto order = DoorWorld::family();
    order.erase("cardInfo");
    order["borgun3DFinalInfo"] = {
        {"transactionType", "Sale"},
        {"amount", amount},
        {"currency", "352"},
        {"orderId", "ABC123456789"},
        {"paymentMethod", {{"paymentType", "TokenSingle"}, {"token", "ts_0123456789"}}},
        {"threeDSecure", {{"dataType", "Token"}, {"mpiToken", "of-the-client"}}}};
    return order;
}

TEST_F(OrderingTest, AnMpiTokenMustHaveBeenIssuedHere) {
    const std::string refused = "400 Predicate Borgun3DFinalInfo.ThreeDSecure.MpiToken";
    EXPECT_EQ(world_.order(final_order()).refusal(), refused);
    std::vector<std::string> asked;
    world_.open_door([&asked](TicketOrderOptions& options) {
        options.bare_mpi_token = [&asked](std::string_view token,
                                          const MpiPurpose& purpose) -> Result<std::string> {
            asked.push_back(purpose.caller.name + " " + std::string(purpose.merchant) + " " +
                            std::string(token) + " " + std::string(purpose.card_token) + " " +
                            std::to_string(purpose.amount.minor));
            return bad_request("mpiToken", "was issued for another amount");
        };
    });
    EXPECT_EQ(world_.order(final_order()).refusal(), refused);
    ASSERT_FALSE(asked.empty());
    EXPECT_EQ(asked[0], "app borgun-app of-the-client ts_0123456789 11970");
    EXPECT_EQ(world_.transactions(), 0U);
    EXPECT_EQ(world_.order(final_order(11970)).refusal(), "400 Equal Borgun3DFinalInfo.Amount");
    // Of elsewhere, where that is allowed: then the gateway is who does not know it.
    world_.access("app").allow_foreign_mpi = true;
    world_.open_door();
    EXPECT_EQ(seen(world_.order(final_order())), "200 402");
}

json apple_order(const std::string& number = "4111111111111111") {
    auto order = DoorWorld::family("", number);
    order["cardInfo"]["paymentMethod"].erase("cvc");
    order["applePayInfo"] = {
        {"orderId", "APPLE0000001"},
        {"threeDSecure",
         {{"dataType", "Manual"}, {"securityLevelInd", "2"}, {"cavv", "AAABBBCCCDDDEEEFFFGGGHHHIII="}}}};
    return order;
}

TEST_F(OrderingTest, ApplePayPaysWithTheDevicesCard) {
    const auto answer = world_.order(apple_order());
    EXPECT_EQ(seen(answer), "200 0") << answer.raw.body;
    EXPECT_EQ(answer.body.at("ticketAndDetails").at("eventTicket").at("paymentMethodId"), "ApplePay");
    EXPECT_EQ(seen(world_.order(apple_order())), "200 0");
    EXPECT_EQ(world_.charges(), 1U);
    auto wrong = apple_order();
    wrong["applePayInfo"]["orderId"] = "APPLE0000002";
    wrong["applePayInfo"]["threeDSecure"]["cavv"] = "short";
    EXPECT_EQ(world_.order(wrong).refusal(), "400 Predicate ApplePayInfo.ThreeDSecure.Cavv");
    wrong = apple_order();
    wrong["cardInfo"]["paymentMethod"] = {{"paymentType", "TokenSingle"}, {"token", "ts_0123456789"}};
    wrong["applePayInfo"]["orderId"] = "APPLE0000002";
    EXPECT_EQ(world_.order(wrong).refusal(), "400 NotEmpty CardInfo.PaymentMethod.Pan");
}

TEST_F(OrderingTest, TwoWaysCollide) {
    auto order = final_order();
    order["cardInfo"] = DoorWorld::family()["cardInfo"];
    EXPECT_EQ(world_.order(order).refusal(), "400 Predicate CardInfo");
}

class Saver final : public services::CardTokens {
  public:
    void save(const engine::Caller& caller, const CardMethod& method, const std::string& field,
              Done done) override {
        asked.push_back(caller.name + " " + field + (method.pan.empty() ? " no card" : ""));
        if (refusal) return done(*refusal);
        done(services::SavedCard{"borgun-app", Secret<>("tm_9876543210"), "558740******2011"});
    }
    std::vector<std::string> asked;
    std::optional<Refusal> refusal;
};

TEST_F(OrderingTest, ACardThatIsSavedPaysAsAToken) {
    auto order = DoorWorld::family();
    order["cardInfo"]["saveCardToToken"] = true;
    EXPECT_EQ(world_.order(order).refusal(), "400 Predicate CardInfo.SaveCardToToken");
    Saver saver;
    world_.open_door([&saver](TicketOrderOptions& options) { options.card_tokens = &saver; });
    saver.refusal = Refusal{ErrorKind::conflict, "Declined", "no"};
    order["cardInfo"]["orderId"] = "ABC000000001";
    EXPECT_EQ(seen(world_.order(order)), "200 402");
    saver.refusal.reset();
    order["cardInfo"]["orderId"] = "ABC000000002";
    // This one is not the gateway's: it says no, and that it was the token that paid.
    EXPECT_EQ(seen(world_.order(order)), "200 402");
    EXPECT_EQ(saver.asked,
              (std::vector<std::string>{"app cardInfo.paymentMethod", "app cardInfo.paymentMethod"}));
    EXPECT_EQ(seen(world_.order(order)), "200 402");
    EXPECT_EQ(saver.asked.size(), 2U) << "an order that was answered saves nothing";
}

// ---- bad input -------------------------------------------------------------------------------------------

TEST_F(OrderingTest, BadInputIsRefusedByName) {
    const auto refused = [this](const json& changed) {
        auto order = DoorWorld::family();
        order.merge_patch(changed);
        return world_.order(order).refusal();
    };
    EXPECT_EQ(refused({{"order", "x"}}), "400 SerializationException Order");
    EXPECT_EQ(refused({{"orderDetails", nullptr}}), "400 NotEmpty OrderDetails");
    EXPECT_EQ(refused({{"cardInfo", {{"amount", 11971}}}}), "400 Equal CardInfo.Amount");
    EXPECT_EQ(refused({{"cardInfo", {{"orderId", "short"}}}}), "400 RegularExpression CardInfo.OrderId");
    EXPECT_EQ(refused({{"cardInfo", {{"paymentMethod", {{"pan", "5587402000012012"}}}}}}),
              "400 Predicate CardInfo.PaymentMethod.Pan");
    EXPECT_EQ(refused({{"cardInfo", {{"paymentMethod", {{"expYear", "2019"}}}}}}),
              "400 Predicate CardInfo.PaymentMethod.ExpMonth");
    EXPECT_EQ(refused({{"cardInfo", {{"paymentMethod", {{"cvc", "12"}}}}}}),
              "400 Predicate CardInfo.PaymentMethod.Cvc");
    const auto text = DoorWorld::family().dump();
    const auto sent = [this](const std::string& body) { return world_.send({.body = body}).refusal(); };
    EXPECT_EQ(sent(std::string(70 * 1024, ' ') + text), "413 PayloadTooLarge Body");
    EXPECT_EQ(sent(R"({"order":)" + std::string(40, '[') + std::string(40, ']') + "}"),
              "400 SerializationException Body");
    EXPECT_EQ(sent(R"({"cardInfo":{"amount":1,"amount":2}})").substr(0, 26), "400 SerializationException");
    EXPECT_EQ(sent(R"({"cardInfo":{"amount":1,"Amount":2}})"), "400 SerializationException CardInfo.Amount");
    EXPECT_EQ(
        world_
            .get("/api/TicketOrder?teamPass&order=%5Bobject%20Object%5D&orderDetails=%5Bobject%20Object%5D&"
                 "cardInfo=%5Bobject%20Object%5D&requestUnixUTCTimeStamp=1714566896&signature=%5Bobject%20"
                 "Object%5D&borgun3DFinalInfo=%5Bobject%20Object%5D")
            .body.at("responseStatus")
            .at("errors")
            .size(),
        5U);
    EXPECT_EQ(world_.send({.target = "/api/TicketOrder[]", .body = "[" + text + "]"}).status, 405);
    EXPECT_EQ(world_.send({.target = "/api/Nothing", .body = text}).refusal(), "405 NotImplementedException");
    EXPECT_EQ(world_.send({.method = "PUT", .body = text}).refusal(), "404 NotFound");
    EXPECT_EQ(world_.transactions(), 0U);
}

TEST_F(OrderingTest, AGetBindsItsQueryAndNoCardIsInIt) {
    const auto order = R"(%7BeventId:1,currency:ISK%7D)";
    const auto lines = R"(%7BeventSeriesTicketType:3,ticketPrice:0,count:1%7D)";
    const auto answer = world_.get(std::string("/ticketOrder?order=") + order + "&orderDetails=" + lines);
    EXPECT_EQ(seen(answer), "200 0") << answer.raw.body;
    LogLines log;
    const std::string pan = approving_card;
    for (const auto& query : {"pan=" + pan, "cardInfo=%7BpaymentMethod:%7Bpan:" + pan + "%7D%7D",
                              "signature=%7BsystemSecret:" + pan + "%7D", "nothing=" + pan}) {
        const auto refused = world_.get("/ticketOrder?" + query);
        EXPECT_EQ(refused.status, 400) << query;
        EXPECT_THAT(refused.raw.body, Not(HasSubstr(pan))) << query;
    }
    EXPECT_THAT(log.text(), Not(HasSubstr(pan)));
    EXPECT_THAT(log.text(), HasSubstr("TicketOrder"));
}

TEST_F(OrderingTest, NothingOfACardOrSecretIsLeftAnywhere) {
    LogLines log;
    std::string said;
    const auto send = [&](json order, const std::string& user) {
        said += world_.order(order, user).raw.body;
    };
    send(DoorWorld::family("ABC000000001"), "app");
    send(DoorWorld::family("ABC000000002", declining_card), "app");
    auto secret = DoorWorld::family("ABC000000003");
    secret["signature"] = {{"systemId", "app-signed"},
                           {"systemSecret", world_.access("app-signed").secret.reveal()}};
    send(secret, "app-signed");
    auto odd = DoorWorld::family("ABC000000004");
    odd["cardInfo"]["paymentMethod"]["expMonth"] = approving_card;
    send(odd, "app");
    odd = DoorWorld::family("ABC000000004");
    odd["cardInfo"]["amount"] = approving_card;
    send(odd, "app");
    odd = DoorWorld::family("ABC000000004");
    odd["cardInfo"]["paymentMethod"] = approving_card;
    send(odd, "app");
    world_.lose_answers(true);
    send(DoorWorld::family("ABC000000005"), "app");
    said += log.text();
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world_.folder())) {
        if (!entry.is_regular_file()) continue;
        ++files;
        std::ifstream in(entry.path(), std::ios::binary);
        said.append(std::istreambuf_iterator<char>(in), {});
    }
    EXPECT_GT(files, 0U);
    for (const auto& kept : {std::string(approving_card), std::string(declining_card), std::string("\"737\""),
                             world_.access("app-signed").secret.reveal()})
        EXPECT_EQ(said.find(kept), std::string::npos) << kept;
}

// ---- the rest of the door ---------------------------------------------------------------------------------

TEST_F(OrderingTest, PagesForPeople) {
    const auto all = world_.get("/metadata", "");
    EXPECT_EQ(all.status, 200);
    EXPECT_THAT(std::string(all.raw.header("Content-Type")), HasSubstr("text/html"));
    EXPECT_THAT(all.raw.body, HasSubstr("/json/metadata?op=TicketOrder"));
    const auto one = world_.get("/json/metadata?op=TicketOrder", "");
    EXPECT_THAT(one.raw.body, HasSubstr("borgun3DFinalInfo"));
    EXPECT_THAT(one.raw.body, HasSubstr("requestUnixUTCTimeStamp: whole number"));
    EXPECT_THAT(one.raw.body, HasSubstr("The card was declined"));
    EXPECT_EQ(world_.get("/json/metadata?op=%3Cscript%3E", "").status, 404);
    EXPECT_EQ(world_.get("/json/metadata?op=GetTicketStatusRequest", "").status, 200);
}

TEST(TicketOrderRefusal, WhatTheServerRefusesIsSaidInTheDoorsShape) {
    const auto body = [](const char* target) {
        const auto response = ticket_order_refusal(413, target, "too large");
        return response ? std::to_string(response->status) + " " + response->body : std::string("another's");
    };
    const std::string too_large =
        R"(413 {"responseStatus":{"errorCode":"PayloadTooLarge","message":"too large","errors":[]}})";
    for (const auto* target : {"/ticketOrder", "/TICKETORDER?x=1", "/api/TicketOrder", "/json/reply/Other",
                               "/ticketOrder/status", "/auth/credentials", "/borgunServices/token/single"})
        EXPECT_EQ(body(target), too_large) << target;
    EXPECT_EQ(body("/jsv/reply/TicketOrder"),
              "413 {responseStatus:{errorCode:PayloadTooLarge,message:too large,errors:[]}}");
    for (const auto* target :
         {"/v1/transactions", "/f13/x", "/", "", "ticketOrder", "/shop", "/ticketOrders"})
        EXPECT_EQ(body(target), "another's") << target;
}

}  // namespace
}  // namespace kassi::api::ticket_order
