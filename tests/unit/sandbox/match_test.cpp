#include "sandbox/shop/match.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace kassi::sandbox::shop {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr Instant now{Millis(1'800'000'000'000)};

Result<MatchOrder> order(const Fields& fields) {
    return match_order(fields, "http://127.0.0.1:8080", Secret<>(std::string(32, 'k')), now);
}

TEST(Match, AnOrderAsAnAppSendsIt) {
    const auto made =
        order({{"count.1", "2"}, {"count.2", "1"}, {"account", "team"}, {"order_id", "ABC123456789"}});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->request.target, "http://127.0.0.1:8080/ticketOrder");
    EXPECT_EQ(made->request.header("Authorization"), "Basic " + encoding::base64("team:demopass"));
    const auto body = json::parse(made->request.body);
    EXPECT_EQ(body.at("orderDetails").size(), 2U);
    EXPECT_EQ(body.at("cardInfo").at("amount"), 11970);
    EXPECT_EQ(body.at("cardInfo").at("orderId"), "ABC123456789");
    EXPECT_FALSE(body.contains("signature"));
    const auto number = body.at("cardInfo").at("paymentMethod").at("pan").get<std::string>();
    EXPECT_THAT(made->shown, HasSubstr("558740******2011"));
    for (const auto& hidden : {number, std::string("737"), std::string("demopass")})
        EXPECT_THAT(made->shown, Not(HasSubstr(hidden)));
}

TEST(Match, InJsvFreeOfChargeAndSigned) {
    const auto free = order({{"count.1", "0"}, {"count.3", "1"}, {"format", "jsv"}});
    ASSERT_TRUE(free);
    EXPECT_EQ(free->request.header("Content-Type"), "application/jsv");
    EXPECT_EQ(free->request.body,
              "{order:{currency:ISK,eventId:1},orderDetails:[{count:1,eventSeriesTicketType:3,ticketPrice:0,"
              "totalPrice:0}]}");
    const auto made = order({{"account", "app-signed"}});
    const auto body = json::parse(made->request.body);
    EXPECT_EQ(body.at("signature").at("systemId"), "app-signed");
    EXPECT_EQ(body.at("signature").at("signature").get<std::string>().size(), 64U);
    EXPECT_EQ(body.at("requestUnixUTCTimeStamp"), 1'800'000'000);
}

TEST(Match, WhatTheFormCannotSayIsRefusedByField) {
    const auto field = [](const Fields& fields) { return order(fields).error().field; };
    EXPECT_EQ(field({{"account", "demo"}}), "account");
    EXPECT_EQ(field({{"card", "4155520000000002"}}), "card");
    EXPECT_EQ(field({{"count.1", "11"}}), "count.1");
    EXPECT_EQ(field({{"count.2", "x"}}), "count.2");
    EXPECT_EQ(field({{"count.1", "0"}}), "count.1");
    EXPECT_EQ(field({{"order_id", "short"}}), "order_id");
}

TEST(Match, ThePagesContentKeepsWhatWasChosen) {
    const auto content = match_content({{"account", "team"}, {"count.1", "3"}, {"card", "declined"}}, now);
    const auto chosen = [](const json& list) {
        for (const auto& each : list)
            if (each.at("chosen").get<bool>()) return each.at("value");
        return json();
    };
    EXPECT_EQ(chosen(content.at("accounts")), "team");
    EXPECT_EQ(chosen(content.at("cards")), "declined");
    EXPECT_EQ(chosen(content.at("tickets").at(0).at("counts")), 3);
    EXPECT_EQ(match_answer({200, {{"Content-Type", "application/jsv"}}, "{statusCode:0}"}),
              "200\nContent-Type: application/jsv\n\n{statusCode:0}");
}

}  // namespace
}  // namespace kassi::sandbox::shop
