#include "providers/credentials/apple_pay_session.hpp"

#include <gmock/gmock.h>

#include "providers/credentials/apple_pay_page.hpp"

namespace kassi::providers::apple_pay {
namespace {

using testing::HasSubstr;

Shop shop() {
    Shop shop;
    shop.name = "shop";
    shop.display_name = "Example \"Shop\" & Co";
    shop.domains = {"pay.example.com", "shop.example.is"};
    shop.gateway_url = production_gateway;
    return shop;
}

TEST(ValidationUrl, OfApplesIsTaken) {
    for (const std::string host :
         {"apple-pay-gateway.apple.com", "APPLE-PAY-GATEWAY.apple.com", "apple-pay-gateway-cert.apple.com",
          "cn-apple-pay-gateway.apple.com", "cn-apple-pay-gateway-cert.apple.com",
          "apple-pay-gateway-nc-pod1.apple.com", "apple-pay-gateway-pr-pod5-dr.apple.com",
          "cn-apple-pay-gateway-tj-pod3.apple.com", "apple-pay-gateway.apple.com:443"})
        for (const std::string path : {"paymentSession", "startSession"})
            EXPECT_FALSE(refusal_of_validation_url("https://" + host + "/paymentservices/" + path, shop()))
                << host << path;
}

TEST(ValidationUrl, OfAnybodyElseIsRefused) {
    const std::string path = "/paymentservices/startSession";
    for (const auto& url : std::vector<std::string>{
             "http://apple-pay-gateway.apple.com" + path,
             "https://apple-pay-gateway.apple.com:8443" + path,
             "https://apple-pay-gateway.apple.com:80" + path,
             "https://user@apple-pay-gateway.apple.com" + path,
             "https://apple-pay-gateway.apple.com:x@evil.example" + path,
             "https://apple-pay-gateway.apple.com.evil.example" + path,
             "https://evil.example/apple-pay-gateway.apple.com" + path,
             "https://apple-pay-gatewayXapple.com" + path,
             "https://apple-pay-gateway-nc-pod6.apple.com" + path,
             "https://apple-pay-gateway-nc-pod1-x.apple.com" + path,
             "https://cn-apple-pay-gateway-tj-pod4.apple.com" + path,
             "https://apple.com" + path,
             "https://127.0.0.1" + path,
             "https://[::1]" + path,
             "https://apple-pay-gateway.apple.com./x" + path,
             std::string("https://apple-pay-gateway.apple.com/"),
             std::string("https://apple-pay-gateway.apple.com/other"),
             "https://apple-pay-gateway.apple.com" + path + "?a=b",
             "https://apple-pay-gateway.apple.com" + path + "/",
             "https://apple-pay-gateway.apple.com" + path + "#x",
             std::string("//apple-pay-gateway.apple.com") + path,
             std::string("javascript:alert(1)"),
             std::string("x"),
             "https://apple-pay-gateway.apple.com" + path + std::string(validation_url_bytes_max, 'a')}) {
        const auto refused = refusal_of_validation_url(url, shop());
        ASSERT_TRUE(refused) << url;
        EXPECT_EQ(refused->field, "validation_url") << url;
        EXPECT_EQ(refused->kind, ErrorKind::bad_request) << url;
    }
}

TEST(ValidationUrl, OfASimulatedGatewayIsThatOriginAlone) {
    auto simulated = shop();
    simulated.gateway_url = "https://127.0.0.1:8083";
    const std::string path = "/paymentservices/paymentSession";
    EXPECT_FALSE(refusal_of_validation_url("https://127.0.0.1:8083" + path, simulated));
    EXPECT_TRUE(refusal_of_validation_url("https://127.0.0.1:8084" + path, simulated));
    EXPECT_TRUE(refusal_of_validation_url("https://localhost:8083" + path, simulated));
    EXPECT_TRUE(refusal_of_validation_url("http://127.0.0.1:8083" + path, simulated));
}

TEST(Gateways, AreKnownExactly) {
    EXPECT_TRUE(is_live_gateway("https://apple-pay-gateway.apple.com"));
    EXPECT_TRUE(is_live_gateway("https://cn-apple-pay-gateway.apple.com"));
    for (const auto* other :
         {"https://apple-pay-gateway-cert.apple.com", "https://apple-pay-gateway.apple.com/",
          "http://apple-pay-gateway.apple.com", ""})
        EXPECT_FALSE(is_live_gateway(other)) << other;
    EXPECT_TRUE(is_test_gateway("https://apple-pay-gateway-cert.apple.com"));
    EXPECT_FALSE(is_test_gateway("https://apple-pay-gateway.apple.com"));
}

TEST(Domains, AreTheShops) {
    const auto given = shop();
    EXPECT_EQ(*find_domain(given, ""), "pay.example.com");
    EXPECT_EQ(*find_domain(given, "shop.example.is"), "shop.example.is");
    EXPECT_EQ(find_domain(given, "example.is"), nullptr);
    EXPECT_EQ(find_domain(Shop{}, ""), nullptr);
}

TEST(SessionAnswer, IsPassedOnAsItCame) {
    const std::string body = "{ \"nonce\":\"0a\" ,\n \"retries\" : 0 }";
    EXPECT_EQ(read_session({200, {}, body}).session, body);
    EXPECT_FALSE(read_session({200, {}, body}).again);
}

TEST(SessionAnswer, ThatIsNoneSaysWhy) {
    struct Case {
        HttpResponse response;
        bool again;
        const char* why;
    };
    for (const auto& [response, again, why] :
         {Case{{417, {}, ""}, true, "417"},
          Case{{400, {}, R"({"statusCode":"417","statusMessage":"x"})"}, true, "417"},
          Case{{200, {}, R"({"statusCode":"417","statusMessage":"x"})"}, true, "417"},
          Case{{400, {}, R"({"statusCode":"400","statusMessage":"x"})"}, false, "it answered 400"},
          Case{{200, {}, R"({"statusCode":"400","statusMessage":"x"})"}, false, "refused"},
          Case{{500, {}, "<html>"}, false, "it answered 500"},
          Case{{302, {{"Location", "https://evil.example"}}, ""}, false, "it answered 302"},
          Case{{201, {}, "{}"}, false, "it answered 201"}, Case{{200, {}, "[]"}, false, "not a JSON object"},
          Case{{200, {}, "{}x"}, false, "not a JSON object"},
          Case{{200, {}, ""}, false, "not a JSON object"}}) {
        const auto answer = read_session(response);
        EXPECT_EQ(answer.session, "") << response.body;
        EXPECT_EQ(answer.again, again) << response.status << response.body;
        EXPECT_THAT(answer.why, HasSubstr(why));
    }
}

TEST(SessionAnswer, HasALimit) {
    const auto of_size = [](std::size_t size) {
        std::string body = R"({"a":""})";
        body.insert(body.size() - 2, size - body.size(), 'x');
        return read_session({200, {}, body});
    };
    EXPECT_EQ(of_size(session_bytes_max).session.size(), session_bytes_max);
    EXPECT_THAT(of_size(session_bytes_max + 1).why, HasSubstr("too large"));
}

TEST(PaymentRequest, HasTheCurrencysOwnDecimals) {
    const auto amount = [](std::int64_t minor, std::string_view code) {
        const auto text = payment_request(shop(), {minor, *Currency::parse(code, "")}, {});
        const auto at = text.find("\"amount\":\"");
        return text.substr(at + 10, text.find('"', at + 10) - at - 10);
    };
    EXPECT_EQ(amount(2500, "ISK"), "2500");
    EXPECT_EQ(amount(1250, "GBP"), "12.50");
    EXPECT_EQ(amount(5, "EUR"), "0.05");
    EXPECT_EQ(amount(1500, "KWD"), "1.500");
    EXPECT_EQ(amount(100, "JPY"), "100");
}

TEST(PaymentRequest, StandsInThePageAsText) {
    Flow::HostedPage page;
    page.body_html = "<p>card</p>";
    page.script = "card();";
    core::Callout callout;
    callout.page_token = "page";
    add_button(page, shop(), callout, {100, *Currency::parse("GBP", "")}, {});
    // Quotes of the name end no attribute.
    EXPECT_THAT(page.body_html, HasSubstr("Example \\&quot;Shop\\&quot; &amp; Co"));
    EXPECT_THAT(page.body_html, HasSubstr("data-session=\"page/apple-pay-session\""));
    EXPECT_LT(page.body_html.find("apple-pay-button"), page.body_html.find("<p>card</p>"));
    EXPECT_THAT(page.script, testing::EndsWith("card();"));
    EXPECT_EQ(page.connect_sources, std::vector<std::string>{"'self'"});
    EXPECT_TRUE(page.script_sources.empty()) << "a live page loads no stand-in";
    EXPECT_EQ(page.body_html.find("data-stand-in"), std::string::npos);
}

}  // namespace
}  // namespace kassi::providers::apple_pay
