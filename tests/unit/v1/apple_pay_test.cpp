#include <gmock/gmock.h>

#include "apple_shop.hpp"

/// A merchant session for a page of the caller's own.
namespace kassi::doors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string path_of(const json& transaction) {
    return "/v1/transactions/" + transaction["id"].get<std::string>() + "/apple-pay-session";
}

TEST(MerchantSession, ComesAsTheGatewaySaidIt) {
    AppleHouse apple;
    const auto transaction = apple.house.hand_over("demo-stripe");
    for (const std::string body : {"", "{}", R"({"merchant":"card"})", R"({"source":"ext_test0"})"}) {
        const auto response = apple.house.post(path_of(transaction), body);
        EXPECT_EQ(response.status, 200) << response.body;
        EXPECT_EQ(response.body, R"({ "nonce" : "0a1b", "retries":0 })") << body;
        EXPECT_EQ(header(response, "Cache-Control"), "no-store");
    }
    EXPECT_THAT(apple.gateway.asked,
                ElementsAre("shop 127.0.0.1", "shop 127.0.0.1", "shop 127.0.0.1", "shop 127.0.0.1"));
    // A session is for one sheet: the same key gets a fresh one, and nothing is in the record.
    const auto rows = json::parse(
        apple.house.get("/v1/transactions/" + transaction["id"].get<std::string>() + "/journal").body);
    EXPECT_EQ(rows["data"].size(), 1U);
}

TEST(MerchantSession, IsForADomainOfTheShops) {
    AppleHouse apple;
    const auto transaction = apple.house.hand_over("demo-stripe");
    EXPECT_EQ(apple.house.post(path_of(transaction), R"({"domain":"shop.example"})").status, 200);
    EXPECT_THAT(apple.gateway.asked, ElementsAre("shop shop.example"));
    for (const std::string domain : {"evil.example", "SHOP.example", "shop.example:443", "a.shop.example"})
        EXPECT_TRUE(is_problem(apple.house.post(path_of(transaction), json{{"domain", domain}}.dump()), 400,
                               "domain"))
            << domain;
    EXPECT_EQ(apple.gateway.asked.size(), 1U);
}

TEST(MerchantSession, IsForWhatTheCallerMayPayWith) {
    AppleHouse apple;
    const auto by_card = apple.house.hand_over("demo-stripe");
    EXPECT_TRUE(is_problem(apple.house.post(path_of(by_card), R"({"merchant":"borgun"})"), 400, "merchant"));
    EXPECT_TRUE(is_problem(apple.house.post(path_of(by_card), R"({"merchant":"nobody"})"), 400, "merchant"));
    EXPECT_TRUE(is_problem(apple.house.post(path_of(by_card), R"({"source":"ext_test1"})"), 400, "source"));
    EXPECT_TRUE(is_problem(apple.house.post(path_of(by_card), R"({"source":"ext_test0","merchant":"card"})"),
                           400, "source"));
    const auto on_credit = apple.house.hand_over("demo");
    EXPECT_TRUE(is_problem(apple.house.post(path_of(on_credit), ""), 400, "id"));
    EXPECT_TRUE(
        is_problem(apple.house.post(path_of(on_credit), R"({"merchant":"on_credit"})"), 400, "merchant"));
    // The second way of this caller has a shop, the first has none.
    const auto either = apple.house.hand_over("demo-credit-or-stripe");
    EXPECT_EQ(apple.house.post(path_of(either), "").status, 200);
    EXPECT_EQ(apple.gateway.asked.size(), 1U);
}

TEST(MerchantSession, TheBrowsersAddressIsLookedAtAndNotUsed) {
    AppleHouse apple;
    const auto transaction = apple.house.hand_over("demo-stripe");
    const auto ask = [&](const std::string& url) {
        return apple.house.post(path_of(transaction), json{{"validation_url", url}}.dump());
    };
    EXPECT_EQ(ask("https://apple-pay-gateway.apple.com/paymentservices/startSession").status, 200);
    EXPECT_EQ(ask("https://127.0.0.1:9443/paymentservices/paymentSession").status, 200);
    EXPECT_TRUE(is_problem(ask("https://evil.example/paymentservices/startSession"), 400, "validation_url"));
    EXPECT_THAT(apple.gateway.asked, ElementsAre("shop 127.0.0.1", "shop 127.0.0.1"));
}

TEST(MerchantSession, ThatWasNotGivenIsABadGateway) {
    AppleHouse apple;
    apple.gateway.says = {"", "it answered 500", false};
    const auto transaction = apple.house.hand_over("demo-stripe");
    const auto response = apple.house.post(path_of(transaction), "");
    EXPECT_EQ(response.status, 502);
    EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr("Apple gave no merchant session: it answered 500"));
    apple.gateway.says = {"", "too many are under way; try again", true};
    const auto busy = apple.house.post(path_of(transaction), "");
    EXPECT_EQ(busy.status, 503);
    EXPECT_EQ(header(busy, "Retry-After"), "1");
}

TEST(MerchantSession, IsNobodyElses) {
    AppleHouse apple;
    const auto transaction = apple.house.hand_over("demo-stripe");
    const auto rivals = House::v1_request("POST", path_of(transaction), "", {}, "rival");
    EXPECT_TRUE(is_problem(apple.house.ask(rivals), 404, "id"));
    auto nobody = House::v1_request("POST", path_of(transaction), "");
    std::erase_if(nobody.headers, [](const auto& each) { return each.first == "Authorization"; });
    EXPECT_EQ(apple.house.ask(nobody).status, 401);
    EXPECT_TRUE(is_problem(apple.house.post(path_of(transaction), R"({"url":"x"})"), 400, "url"));
    EXPECT_TRUE(
        is_problem(apple.house.post(path_of(transaction), R"({"validation_url":7})"), 400, "validation_url"));
    EXPECT_THAT(apple.gateway.asked, IsEmpty());
}

TEST(MerchantSession, IsOfNoUseWhenNothingIsLeftToPay) {
    AppleHouse apple;
    const auto transaction = apple.house.hand_over("demo-stripe");
    const auto path = "/v1/transactions/" + transaction["id"].get<std::string>();
    ASSERT_EQ(apple.house.post(path + "/release", "").status, 200);
    EXPECT_TRUE(is_problem(apple.house.post(path + "/apple-pay-session", ""), 409, "id"));
    EXPECT_THAT(apple.gateway.asked, IsEmpty());
}

TEST(MerchantSession, NobodyAsksAppleHere) {
    House house;
    house.restart_with(apple_shop());
    const auto transaction = house.hand_over("demo-stripe");
    EXPECT_EQ(house.post(path_of(transaction), "").status, 503);
}

}  // namespace
}  // namespace kassi::doors
