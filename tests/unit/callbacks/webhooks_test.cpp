#include <gmock/gmock.h>

#include "../log_lines.hpp"
#include "base/crypto.hpp"
#include "house.hpp"

namespace kassi::doors {
namespace {

/// The customer pays and does not come back; the house's notice, as the server hands it in.
HttpRequest notice_of_a_payment(House& house, const json& away) {
    house.customer(away, "pay_stay");
    EXPECT_EQ(house.notices.size(), 1U);
    auto notice = house.notices.at(0);
    notice.target.erase(0, House::public_url.size());
    return notice;
}

TEST(Webhook, IsHeardOnce) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto notice = notice_of_a_payment(house, away);
    EXPECT_EQ(notice.target, "/webhooks/redirect/redirect-get");
    for (int i = 0; i < 2; ++i) {
        const auto response = house.ask(notice);
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, R"({"received":true})");
        EXPECT_EQ(header(response, "Content-Type"), "application/json");
    }
    ASSERT_TRUE(house.queue.run_until([&] { return house.engine->metrics().calls_open == 0; }));
    EXPECT_EQ(house.read(away)["phase"], "purchased");
}

/// What the hosted page posts when it was paid.
HttpRequest notice_of_the_page(const json& away, const std::string& amount) {
    std::string order, currency, url;
    for (const auto& pair : away["callout"]["parameters"]) {
        if (pair[0] == "orderid") order = pair[1];
        if (pair[0] == "currency") currency = pair[1];
        if (pair[0] == "returnurlsuccessserver") url = pair[1];
    }
    EXPECT_EQ(url, std::string(House::public_url) + "/webhooks/securepay/hosted-page");
    const auto hash = encoding::hex(
        crypto::to_bytes(crypto::hmac_sha256(House::securepay_key, order + "|" + amount + "|" + currency)));
    return {"POST",
            url.substr(House::public_url.size()),
            {{"Content-Type", "application/x-www-form-urlencoded"}},
            encoding::form({{"status", "OK"},
                            {"step", "Payment"},
                            {"orderid", order},
                            {"orderhash", hash},
                            {"amount", amount},
                            {"currency", currency},
                            {"refundid", "RF-000123"}}),
            ""};
}

TEST(Webhook, IsAnsweredInTheWordsThatItsHouseWaitsFor) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-securepay"));
    const auto notice = notice_of_the_page(away, "12.50");
    for (int i = 0; i < 2; ++i) {
        const auto response = house.ask(notice);
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "<PaymentNotification>Accepted</PaymentNotification>");
        EXPECT_EQ(header(response, "Content-Type"), "text/xml; charset=utf-8");
        EXPECT_EQ(header(response, "Cache-Control"), "no-store");
        EXPECT_EQ(house.read(away)["phase"], "purchased");
    }
}

TEST(Webhook, WhatTheHouseDidNotSignIsNotAccepted) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-securepay"));
    auto notice = notice_of_the_page(away, "12.50");
    notice.body.replace(notice.body.find("12.50"), 5, "12.51");
    const auto response = house.ask(notice);
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(json::parse(response.body)["field"], "orderhash");
    EXPECT_EQ(house.read(away)["legs"][0]["state"], "called_out");
    // Signed, and of another amount: heard, and never a success.
    EXPECT_EQ(house.ask(notice_of_the_page(away, "12.51")).status, 200);
    EXPECT_EQ(house.read(away)["legs"][0]["state"], "needs_a_person");
}

void expect_refused(const HttpResponse& response, int status) {
    EXPECT_EQ(response.status, status) << response.body;
    const auto body = json::parse(response.body, nullptr, false);
    EXPECT_TRUE(body.is_object() && body.contains("error") && body["error"] != "") << response.body;
}

TEST(Webhook, IsRefusedWhenItIsNotTheHouses) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto notice = notice_of_a_payment(house, away);
    auto changed = notice;
    changed.body += " ";
    expect_refused(house.ask(changed), 401);
    changed = notice;
    changed.headers.clear();
    expect_refused(house.ask(changed), 401);
    changed = notice;
    changed.target = "/webhooks/redirect/redirect-post";
    expect_refused(house.ask(changed), 401);
    for (const auto* const target :
         {"/webhooks/redirect/nobody", "/webhooks/stripe/redirect-get", "/webhooks/redirect", "/webhooks/",
          "/webhooks/redirect/redirect-get/x"}) {
        changed.target = target;
        expect_refused(house.ask(changed), 404);
    }
    changed = notice;
    changed.method = "GET";
    const auto response = house.ask(changed);
    expect_refused(response, 405);
    EXPECT_EQ(header(response, "Allow"), "POST");
    EXPECT_EQ(house.read(away)["legs"][0]["state"], "called_out");
}

TEST(Webhook, IsALogLineWithItsReason) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    auto notice = notice_of_a_payment(house, away);
    const LogLines log;
    const auto heard = house.ask(notice);
    auto line = log.last("webhook");
    EXPECT_EQ(line["status"], "200");
    EXPECT_EQ(line["merchant"], "redirect-get");
    EXPECT_EQ(line["request"], header(heard, "X-Request-Id"));
    notice.body += " ";
    house.ask(notice);
    line = log.last("webhook");
    EXPECT_EQ(line["status"], "401");
    EXPECT_EQ(line["merchant"], "redirect-get");
    EXPECT_NE(line["why"], "");
    EXPECT_EQ(log.text().find(notice.body), std::string::npos);
    notice.target = "/webhooks/redirect/nobody";
    house.ask(notice);
    EXPECT_EQ(log.last("webhook")["why"], "merchant no such merchant");
}

TEST(Webhooks, NothingThatMayBeACardNumberReachesTheLog) {
    House house;
    const LogLines log;
    const std::string card = "4111111111111111";
    house.ask({"POST", "/webhooks/redirect/" + card, {}, "", ""});
    house.ask({card, "/callback/token", {}, "", ""});
    house.ask({"GET", "/callback/token?" + card + "=%ff", {}, "", ""});
    house.ask({"GET", "/callback/token?" + card + "=%zz", {}, "", ""});
    house.ask(House::v1_request("POST", "/v1/transactions", "{\"" + card + "\":1}"));
    house.ask(House::v1_request("GET", "/v1/transactions?" + card + "=1", ""));
    for (const char* event : {"webhook", "callback", "v1"}) EXPECT_FALSE(log.last(event).is_null()) << event;
    EXPECT_EQ(log.text().find(card), std::string::npos);
}

}  // namespace
}  // namespace kassi::doors
