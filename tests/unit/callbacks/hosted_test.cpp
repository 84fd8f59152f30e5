#include <gmock/gmock.h>

#include "callbacks/pages.hpp"
#include "house.hpp"
#include "page_reader.hpp"

/// The page of ours that asks the customer for a card.
namespace kassi::doors {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string path_of(const std::string& url) {
    return url.substr(House::public_url.size());
}
std::string page_of(const json& transaction) {
    return path_of(transaction["callout"]["page_url"].get<std::string>());
}
constexpr std::string_view nonce = "bm9uY2Ugb2YgYSB0ZXN0IQ";

TEST(HostedPage, AsksForACardAndNothingElse) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    const auto response = house.browse("GET", page_of(away));
    ASSERT_EQ(response.status, 200);
    EXPECT_EQ(header(response, "Cache-Control"), "no-store");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_THAT(response.body, HasSubstr("<h1>Pay by card</h1>"));
    EXPECT_THAT(response.body, HasSubstr("£12.50"));
    EXPECT_THAT(response.body, HasSubstr("30 min left"));
    EXPECT_THAT(response.body, HasSubstr("data-key=\"pk_test_OfTheDoors\""));
    for (const auto* secret : {"sk_test", "whsec", "card number", "cvc"})
        EXPECT_THAT(response.body, Not(HasSubstr(secret)));
    const auto form = callbacks::form_of(response.body);
    ASSERT_TRUE(form);
    EXPECT_EQ(form->method, "post");
    EXPECT_THAT(form->action, testing::StartsWith(std::string(House::public_url) + "/callback/"));
    EXPECT_EQ(form->fields, (Fields{{"stripeToken", ""}}));
    // It shows, and spends nothing.
    EXPECT_EQ(house.browse("GET", page_of(away)).status, 200);
}

TEST(HostedPage, LetsTheProvidersScriptDoWhatItNeedsAndNoMore) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    const auto response = house.browse("GET", page_of(away));
    const auto mark = callbacks::attribute(response.body, "<script", "nonce");
    EXPECT_FALSE(mark.empty());
    EXPECT_EQ(callbacks::attribute(response.body, "<script", "src"), "http://127.0.0.1:9001/stripe/v3/");
    EXPECT_EQ(callbacks::attribute(response.body, "<style", "nonce"), mark);
    EXPECT_EQ(
        header(response, "Content-Security-Policy"),
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action http://127.0.0.1:8080 "
        "'self' https: http:; style-src 'nonce-" +
            mark + "'; script-src 'nonce-" + mark +
            "' http://127.0.0.1:9001; frame-src http://127.0.0.1:9001; connect-src http://127.0.0.1:9000");
    EXPECT_NE(callbacks::attribute(house.browse("GET", page_of(away)).body, "<script", "nonce"), mark);
}

TEST(HostedPage, OfAnotherProviderHasItsOwnSources) {
    providers::Flow::HostedPage hosted;
    hosted.title = "A <b>title</b> & \"more\"";
    hosted.text = "Text of <script>alert(1)</script>";
    hosted.body_html = "<p>body</p>\n";
    hosted.script_url = "https://js.example/v3/?a=1&b=\"2\"";
    hosted.script = "run();";
    hosted.script_sources = {"https://js.example", "https://*.js.example"};
    hosted.connect_sources = {"https://api.example"};
    callbacks::Notice notice;
    notice.title = hosted.title;
    notice.text = hosted.text;
    notice.facts = {{"To pay <now>", "£1 & more"}};
    const auto response = callbacks::hosted_page(hosted, notice, "https://shop.example/b?x=\"><i>&y=1",
                                                 "https://shop.example", nonce);
    const auto policy = header(response, "Content-Security-Policy");
    EXPECT_EQ(callbacks::directive(policy, "script-src"),
              "'nonce-" + std::string(nonce) + "' https://js.example https://*.js.example");
    EXPECT_EQ(callbacks::directive(policy, "connect-src"), "https://api.example");
    EXPECT_EQ(callbacks::directive(policy, "frame-src"), "") << "frames none";
    EXPECT_EQ(callbacks::directive(policy, "form-action"), "https://shop.example");
    EXPECT_EQ(callbacks::form_of(response.body)->action, "https://shop.example/b?x=\"><i>&y=1");
    EXPECT_EQ(callbacks::attribute(response.body, "<script", "src"), hosted.script_url);
    EXPECT_THAT(response.body, HasSubstr("A &lt;b&gt;title&lt;/b&gt; &amp; &quot;more&quot;"));
    EXPECT_THAT(response.body, Not(HasSubstr("<script>")));
    EXPECT_THAT(response.body, Not(HasSubstr("<i>")));
    EXPECT_THAT(response.body, HasSubstr("To pay &lt;now&gt;"));
    EXPECT_THAT(response.body, HasSubstr("run();</script>"));
}

TEST(HostedPage, ReturnsToKassiWhichPays) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"), "http://shop.example/thanks");
    const auto action = callbacks::form_of(house.browse("GET", page_of(away)).body)->action;
    const auto refused = house.browse("POST", path_of(action), "stripeToken=");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(house.browse("GET", page_of(away)).status, 200) << "and may be tried again";
    const auto done = house.browse("POST", path_of(action), "stripeToken=tok_visa");
    EXPECT_EQ(done.status, 303);
    EXPECT_THAT(header(done, "Location"), testing::StartsWith("http://shop.example/thanks?"));
    EXPECT_THAT(header(done, "Location"), Not(HasSubstr("tok_")));
    EXPECT_EQ(house.read(away)["phase"], "purchased");
    EXPECT_EQ(house.stripe_ledger(), "held 1250, taken 1250");
}

TEST(HostedPage, GivingUpPaysNothing) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    const auto page = house.browse("GET", page_of(away)).body;
    EXPECT_THAT(page, HasSubstr("name=\"cancelled\" value=\"yes\" formnovalidate"))
        << "it must not be filled in to be left";
    house.browse("POST", path_of(callbacks::form_of(page)->action), "stripeToken=&cancelled=yes");
    EXPECT_EQ(house.read(away)["phase"], "failed");
    EXPECT_EQ(house.read(away)["legs"][0]["refused"]["code"], "cancelled");
    EXPECT_EQ(house.stripe_ledger(), "");
}

TEST(HostedPage, ReturnsToTheCallerWhereTheCallerWantsThat) {
    House house;
    const auto away = house.purchase_via_caller(house.hand_over("demo-stripe"), "token-1");
    const auto response = house.browse("GET", page_of(away));
    ASSERT_EQ(response.status, 200);
    EXPECT_EQ(callbacks::form_of(response.body)->action, "http://shop.example/back/token-1");
    EXPECT_EQ(callbacks::directive(header(response, "Content-Security-Policy"), "form-action"),
              "http://shop.example 'self' https: http:");
    EXPECT_EQ(house.browse("POST", "/callback/token-1", "stripeToken=tok_visa").status, 400)
        << "a caller's token counts only behind its credentials";
}

TEST(HostedPage, DiesWithItsCallout) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    const auto action = callbacks::form_of(house.browse("GET", page_of(away)).body)->action;
    house.browse("POST", path_of(action), "stripeToken=tok_visa");
    const auto response = house.browse("GET", page_of(away));
    EXPECT_EQ(response.status, 410);
    EXPECT_THAT(response.body, HasSubstr("This page was used already"));
    // The bank's page is another callout with a page token of its own.
    const auto asked = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    const auto there = callbacks::form_of(house.browse("GET", page_of(asked)).body)->action;
    const auto sent = house.browse("POST", path_of(there), "stripeToken=tok_threeDSecure2Required");
    EXPECT_EQ(sent.status, 303);
    EXPECT_EQ(house.browse("GET", page_of(asked)).status, 410);
    const auto bank = house.read(asked);
    EXPECT_EQ(bank["callout"]["integration"], nullptr);
    EXPECT_EQ(house.browse("GET", page_of(bank)).status, 303);
}

TEST(HostedPage, OfAMerchantThatIsGoneIsAFaultOfOurs) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    house.restart_without("card");
    const auto response = house.browse("GET", page_of(away));
    EXPECT_EQ(response.status, 500);
    EXPECT_THAT(response.body, Not(HasSubstr("<form method=\"post\"")));
    EXPECT_THAT(response.body, Not(HasSubstr("merchant is not configured"))) << "for the log only";
}

}  // namespace
}  // namespace kassi::doors
