#include <gmock/gmock.h>

#include "house.hpp"
#include "page_reader.hpp"

namespace kassi::doors {
namespace {

using testing::HasSubstr;

std::string target_of(const json& transaction) {
    const auto address = transaction["callout"]["page_url"].get<std::string>();
    return address.substr(House::public_url.size());
}

Fields parameters_of(const json& transaction) {
    Fields fields;
    for (const auto& pair : transaction["callout"]["parameters"]) fields.emplace_back(pair[0], pair[1]);
    return fields;
}

TEST(CalloutPage, SendsOnByGet) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto response = house.browse("GET", target_of(away));
    EXPECT_EQ(response.status, 303);
    EXPECT_EQ(header(response, "Cache-Control"), "no-store");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(response, "Location"),
              away["callout"]["destination"].get<std::string>() + "?" + encoding::form(parameters_of(away)));
    // It shows, and spends nothing.
    EXPECT_EQ(house.browse("GET", target_of(away)).status, 303);
}

TEST(CalloutPage, SendsOnByPost) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect-post"));
    const auto response = house.browse("GET", target_of(away));
    EXPECT_EQ(response.status, 200);
    const auto form = callbacks::form_of(response.body);
    ASSERT_TRUE(form.has_value());
    EXPECT_EQ(form->method, "post");
    EXPECT_EQ(form->action, away["callout"]["destination"]);
    EXPECT_EQ(form->fields, parameters_of(away));
    const auto policy = header(response, "Content-Security-Policy");
    EXPECT_EQ(callbacks::directive(policy, "default-src"), "'none'");
    EXPECT_EQ(callbacks::directive(policy, "base-uri"), "'none'");
    EXPECT_EQ(callbacks::directive(policy, "frame-ancestors"), "'none'");
    EXPECT_EQ(callbacks::directive(policy, "form-action"),
              "http://127.0.0.1:9000 'self' shop.example 127.0.0.1:*");
    const auto nonce = callbacks::attribute(response.body, "<script", "nonce");
    EXPECT_EQ(callbacks::directive(policy, "script-src"), "'nonce-" + nonce + "'");
    EXPECT_THAT(response.body, HasSubstr("30 min left"));
    EXPECT_NE(callbacks::attribute(house.browse("GET", target_of(away)).body, "<script", "nonce"), nonce);
}

TEST(CalloutPage, DiesWithItsCallout) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto back = house.customer(away, "pay_get").substr(House::public_url.size());
    house.browse("GET", back);
    const auto response = house.browse("GET", target_of(away));
    EXPECT_EQ(response.status, 410);
    EXPECT_THAT(response.body, HasSubstr("This page was used already"));
}

TEST(CalloutPage, KnowsNothingElse) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    EXPECT_EQ(house.browse("GET", "/callout/AAAAAAAAAAAAAAAAAAAAAA").status, 404);
    EXPECT_EQ(house.browse("GET", "/callout/").status, 404);
    const auto response = house.browse("POST", target_of(away));
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(header(response, "Allow"), "GET");
    // A return token shows nothing.
    const auto back = house.customer(away, "pay_get").substr(House::public_url.size());
    const auto token = back.substr(10, back.find('?') - 10);
    EXPECT_EQ(house.browse("GET", "/callout/" + token).status, 404);
}

}  // namespace
}  // namespace kassi::doors
