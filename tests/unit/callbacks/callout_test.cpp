#include <gmock/gmock.h>

#include "../log_lines.hpp"
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
    EXPECT_EQ(callbacks::directive(policy, "form-action"), "http://127.0.0.1:9000 'self' https: http:");
    const auto nonce = callbacks::attribute(response.body, "<script", "nonce");
    EXPECT_EQ(callbacks::directive(policy, "script-src"), "'nonce-" + nonce + "'");
    EXPECT_THAT(response.body, HasSubstr("30 min left"));
    EXPECT_NE(callbacks::attribute(house.browse("GET", target_of(away)).body, "<script", "nonce"), nonce);
}

TEST(CalloutPage, LetsTheBrowserGoOnToWhereverTheHousesSendIt) {
    House house;
    house.settings.public_url = "https://pay.example";
    house.restart();
    const auto path_of = [](const json& transaction) {
        const auto address = transaction["callout"]["page_url"].get<std::string>();
        return address.substr(std::string_view("https://pay.example").size());
    };
    const auto sources_of = [&](const json& transaction) {
        const auto response = house.browse("GET", path_of(transaction));
        EXPECT_EQ(response.status, 200);
        return callbacks::directive(header(response, "Content-Security-Policy"), "form-action");
    };
    // The first house may send the browser to us, and we to the second; each has pages where it likes.
    const auto first = house.purchase_via_kassi(house.hand_over(
        "demo-two-houses", json::array({bundle("ext_test0", 100), bundle("ext_test1", 200)})));
    EXPECT_EQ(first["callout"]["destination"].get<std::string>().substr(0, 22), "http://127.0.0.1:9000/");
    EXPECT_EQ(sources_of(first), "http://127.0.0.1:9000 'self' https:");
    const auto back = house.customer(first, "pay_get");
    ASSERT_EQ(house.browse("GET", back.substr(std::string_view("https://pay.example").size())).status, 303);
    const auto second = house.read(first);
    EXPECT_EQ(second["callout"]["destination"], "https://house.example/pay");
    EXPECT_EQ(sources_of(second), "https://house.example 'self' https:");
}

TEST(CalloutPage, IsALogLine) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const LogLines log;
    const auto shown = house.browse("GET", target_of(away));
    auto line = log.last("callout");
    EXPECT_EQ(line["status"], "303");
    EXPECT_EQ(line["transaction"], away["id"]);
    EXPECT_EQ(line["request"], header(shown, "X-Request-Id"));
    house.browse("GET", house.customer(away, "pay_get").substr(House::public_url.size()));
    house.browse("GET", target_of(away));
    line = log.last("callout");
    EXPECT_EQ(line["status"], "410");
    EXPECT_EQ(line["transaction"], away["id"]);
    EXPECT_EQ(line["why"], "token this step of the payment is over");
    EXPECT_EQ(log.text().find(target_of(away).substr(std::string_view("/callout/").size())),
              std::string::npos);
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
