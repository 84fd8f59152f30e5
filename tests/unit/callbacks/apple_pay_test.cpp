#include <gmock/gmock.h>

#include "apple_shop.hpp"
#include "page_reader.hpp"

/// Apple Pay on a page of ours: button, merchant session, and the domain's proof.
namespace kassi::doors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view association = "/.well-known/apple-developer-merchantid-domain-association";

std::string page_of(const json& transaction) {
    return transaction["callout"]["page_url"].get<std::string>().substr(House::public_url.size());
}
json away(House& house, const std::string& caller = "demo-stripe") {
    return house.purchase_via_kassi(house.hand_over(caller));
}
HttpResponse ask(House& house, const std::string& page, const std::string& body = "", Fields headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return house.ask({"POST", page + "/apple-pay-session", std::move(headers), body, "127.0.0.1"});
}
json error_of(const HttpResponse& response) {
    return json::parse(response.body);
}

TEST(ApplePayPage, HasTheButtonBesideTheCard) {
    AppleHouse apple;
    for (const auto& [caller, field] :
         {std::pair{"demo-stripe", "stripeToken"}, {"demo-borgun", "borgunToken"}}) {
        const auto transaction = away(apple.house, caller);
        const auto response = apple.house.browse("GET", page_of(transaction));
        ASSERT_EQ(response.status, 200);
        EXPECT_THAT(response.body, HasSubstr("id=\"apple-pay-button\""));
        EXPECT_THAT(response.body, HasSubstr("id=\"card\""));
        const auto request =
            json::parse(callbacks::attribute(response.body, "<div id=\"apple-pay\"", "data-request"));
        EXPECT_EQ(request["total"]["amount"], "12.50");
        EXPECT_EQ(request["total"]["label"], "Doors & Co");
        EXPECT_EQ(request["currencyCode"], "GBP");
        EXPECT_EQ(request["countryCode"], "IS");
        EXPECT_EQ(request["applicationData"],
                  providers::apple_pay::application_data(transaction["id"].get<std::string>()));
        EXPECT_EQ(request["supportedNetworks"], (json{"visa", "masterCard"}));
        EXPECT_EQ(request["merchantCapabilities"], json::array({"supports3DS"}));
        EXPECT_THAT(response.body, HasSubstr("name=\"applePayToken\" value=\"\" disabled"));
        EXPECT_THAT(response.body, HasSubstr(std::string("name=\"") + field + "\""));
        // Beside the page: "/callout/<token>" and "<token>/apple-pay-session".
        EXPECT_EQ("/callout/" + callbacks::attribute(response.body, "<div id=\"apple-pay\"", "data-session"),
                  page_of(transaction) + "/apple-pay-session");
    }
}

TEST(ApplePayPage, AllowsWhatItsScriptNeeds) {
    AppleHouse apple;
    const auto response = apple.house.browse("GET", page_of(away(apple.house)));
    const auto policy = header(response, "Content-Security-Policy");
    EXPECT_THAT(callbacks::directive(policy, "connect-src"), HasSubstr("'self'"));
    EXPECT_THAT(callbacks::directive(policy, "connect-src"), HasSubstr("http://127.0.0.1:9001"));
    EXPECT_THAT(callbacks::directive(policy, "script-src"), HasSubstr("http://127.0.0.1:9001"));
}

TEST(ApplePayPage, WithoutAShopThereIsNone) {
    House house;
    const auto transaction = away(house);
    EXPECT_THAT(house.browse("GET", page_of(transaction)).body, Not(HasSubstr("id=\"apple-pay")));
    EXPECT_EQ(ask(house, page_of(transaction)).status, 404);
}

TEST(ApplePaySession, IsTheGatewaysAnswer) {
    AppleHouse apple;
    const auto page = page_of(away(apple.house));
    const json body{{"validation_url", "https://127.0.0.1:9443/paymentservices/startSession"}};
    for (const auto& text : {body.dump(), std::string("{}"), std::string()}) {
        const auto response = ask(apple.house, page, text, {{"Origin", std::string(House::public_url)}});
        EXPECT_EQ(response.status, 200) << response.body;
        EXPECT_EQ(response.body, R"({ "nonce" : "0a1b", "retries":0 })");
        EXPECT_EQ(header(response, "Content-Type"), "application/json");
    }
    EXPECT_THAT(apple.gateway.asked, ElementsAre("shop 127.0.0.1", "shop 127.0.0.1", "shop 127.0.0.1"));
}

TEST(ApplePaySession, IsRefusedToOthers) {
    AppleHouse apple;
    const auto page = page_of(away(apple.house));
    for (const std::string origin :
         {"https://evil.example", "null", "http://127.0.0.1:8081", "http://127.0.0.1"}) {
        const auto response = ask(apple.house, page, "{}", {{"Origin", origin}});
        EXPECT_EQ(response.status, 403) << origin;
        EXPECT_EQ(error_of(response)["field"], "Origin");
    }
    const auto get = apple.house.browse("GET", page + "/apple-pay-session");
    EXPECT_EQ(get.status, 405);
    EXPECT_EQ(header(get, "Allow"), "POST");
    EXPECT_EQ(ask(apple.house, "/callout/AAAAAAAAAAAAAAAAAAAAAA").status, 404);
    EXPECT_EQ(apple.house.browse("POST", page + "/apple-pay-session", "a=b").status, 415);
    EXPECT_THAT(apple.gateway.asked, IsEmpty());
}

TEST(ApplePaySession, NamesWhatIsWrong) {
    AppleHouse apple;
    const auto page = page_of(away(apple.house));
    const auto field = [&](const std::string& body) {
        const auto response = ask(apple.house, page, body);
        EXPECT_EQ(response.status, 400) << body;
        return error_of(response)["field"];
    };
    EXPECT_EQ(
        field(R"({"validation_url":"http://apple-pay-gateway.apple.com/paymentservices/startSession"})"),
        "validation_url");
    EXPECT_EQ(field(R"({"validation_url":1})"), "validation_url");
    EXPECT_EQ(field(R"({"validation_url":""})"), "validation_url");
    EXPECT_EQ(field(R"({"more":1})"), "body");
    EXPECT_EQ(field("[]"), "body");
    EXPECT_EQ(field("{"), "body");
    EXPECT_THAT(apple.gateway.asked, IsEmpty());
}

TEST(ApplePaySession, EndsWithTheCallout) {
    AppleHouse apple;
    const auto transaction = away(apple.house);
    const auto path = "/v1/transactions/" + transaction["id"].get<std::string>() + "/release";
    ASSERT_LT(apple.house.post(path, "").status, 300);
    EXPECT_EQ(ask(apple.house, page_of(transaction)).status, 410);
    EXPECT_THAT(apple.gateway.asked, IsEmpty());
}

TEST(ApplePaySession, ThatWasNotGiven) {
    AppleHouse apple;
    const auto page = page_of(away(apple.house));
    apple.gateway.says = {"", "the connection broke", false};
    const auto response = ask(apple.house, page);
    EXPECT_EQ(response.status, 502);
    EXPECT_THAT(error_of(response)["error"].get<std::string>(), HasSubstr("Apple gave no merchant session"));
    apple.gateway.says = {"", "too many", true};
    EXPECT_EQ(ask(apple.house, page).status, 503);
}

TEST(DomainProof, IsForAShopsDomain) {
    AppleHouse apple;
    const auto get = [&](const std::string& host, const std::string& method = "GET") {
        return apple.house.ask({method, std::string(association), {{"Host", host}}, "", "127.0.0.1"});
    };
    for (const std::string host : {"127.0.0.1:8080", "shop.example", "SHOP.example:443"}) {
        const auto response = get(host);
        EXPECT_EQ(response.status, 200) << host;
        EXPECT_EQ(response.body, "what Apple wants to read\n");
        EXPECT_THAT(header(response, "Content-Type"), HasSubstr("text/plain"));
    }
    for (const std::string host : {"other.example", "", "a.shop.example", "[::1]:80"})
        EXPECT_EQ(get(host).status, 404) << host;
    EXPECT_EQ(get("shop.example", "POST").status, 405);
    House nobodys;
    EXPECT_EQ(nobodys.ask({"GET", std::string(association), {{"Host", "shop.example"}}, "", ""}).status, 404);
}

}  // namespace
}  // namespace kassi::doors
