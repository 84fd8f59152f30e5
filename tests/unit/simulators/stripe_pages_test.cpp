#include <gmock/gmock.h>

#include "stripe_town.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct StripePages : testing::Test {
    Town town;

    Heard asked(Fields more = {}, const char* token = "tok_threeDSecure2Required") {
        more.emplace_back("return_url", "https://shop.example/back?b=1&c=%C3%B6");
        return town.pay(token, more);
    }
    static std::string page_of(const Heard& intent) {
        const auto url = intent.body["next_action"]["redirect_to_url"]["url"].get<std::string>();
        return url.substr(url.find("/stripe/"));
    }
    Heard look(const std::string& target) { return town.send({"GET", target, {}, "", ""}); }
    Heard press(const Heard& intent, const std::string& act) {
        const auto url = *parse_url("http://127.0.0.1" + page_of(intent), "url");
        auto fields = *encoding::parse_form(url.query(), "query");
        fields.emplace_back("act", act);
        return town.send({"POST",
                          "/stripe/3d_secure_2/act",
                          {{"Content-Type", "application/x-www-form-urlencoded"}},
                          encoding::form(fields),
                          ""});
    }
};

TEST_F(StripePages, ThePageIsStrictAndEscaped) {
    auto options = Town::options();
    options.accounts[0].statement_descriptor = "<b>Shop & \"Sons\"";
    town.build(options);
    const auto page = look(page_of(asked()));
    EXPECT_EQ(page.status, 200);
    const auto text = page.body.get<std::string>();
    EXPECT_THAT(text, HasSubstr("&lt;b&gt;Shop &amp; &quot;Sons&quot;"));
    EXPECT_THAT(text, HasSubstr("£110.00"));
    EXPECT_THAT(text, HasSubstr("ending in 3220"));
    EXPECT_THAT(text, Not(HasSubstr("<script")));
    EXPECT_THAT(text, Not(HasSubstr("//"))) << "no external resources";
    const auto policy = page.header("content-security-policy");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(policy, HasSubstr("form-action 'self' https://shop.example"));
    EXPECT_EQ(look("/stripe/3d_secure_2/hosted").status, 404);
    EXPECT_EQ(look("/stripe/3d_secure_2/hosted?payment_intent=%").status, 404);
    auto wrong = page_of(asked());
    wrong.replace(wrong.find("_secret_"), 9, "_secret_!");
    EXPECT_EQ(look(wrong).status, 404);
}

TEST_F(StripePages, AmountsReadAsPeopleDo) {
    const auto isk = asked({{"currency", "isk"}, {"amount", "250000"}});
    EXPECT_THAT(look(page_of(isk)).body.get<std::string>(), HasSubstr("2 500"));
    const auto jpy = asked({{"currency", "jpy"}, {"amount", "2500"}});
    EXPECT_THAT(look(page_of(jpy)).body.get<std::string>(), HasSubstr("2,500"));
}

TEST_F(StripePages, CompletePaysAndLeadsBack) {
    const auto intent = asked();
    town.told();
    const auto back = press(intent, "complete");
    EXPECT_EQ(back.status, 303);
    EXPECT_EQ(back.header("location"),
              "https://shop.example/back?b=1&c=%C3%B6&payment_intent=" + intent.id() +
                  "&payment_intent_client_secret=" + intent.body["client_secret"].get<std::string>() +
                  "&redirect_status=succeeded");
    EXPECT_EQ(town.told(), "charge.succeeded, payment_intent.succeeded")
        << "told before the browser is sent back";
    EXPECT_EQ(town.ledger(), "taken 11000");
    const auto now = town.get("/payment_intents/" + intent.id(), {{"expand[]", "latest_charge"}});
    EXPECT_EQ(now.state(), "succeeded");
    EXPECT_TRUE(now.body["next_action"].is_null());
    EXPECT_EQ(now.body["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]["result"],
              "authenticated");
    // Pressed again: nothing more happens.
    const auto again = press(intent, "complete");
    EXPECT_EQ(again.status, 410);
    EXPECT_THAT(again.body.get<std::string>(), HasSubstr("redirect_status=succeeded"));
    EXPECT_EQ(press(intent, "fail").status, 410);
    EXPECT_EQ(town.ledger(), "taken 11000");
}

TEST_F(StripePages, FailLeavesTheIntentWithoutACard) {
    const auto intent = asked({{"capture_method", "manual"}});
    town.told();
    const auto back = press(intent, "fail");
    EXPECT_THAT(back.header("location"), HasSubstr("redirect_status=failed"));
    EXPECT_EQ(town.told(), "payment_intent.payment_failed");
    const auto now = town.get("/payment_intents/" + intent.id());
    EXPECT_EQ(now.state(), "requires_payment_method");
    EXPECT_TRUE(now.body["payment_method"].is_null());
    EXPECT_TRUE(now.body["latest_charge"].is_null());
    EXPECT_EQ(now.body["last_payment_error"]["code"], "payment_intent_authentication_failure");
    EXPECT_EQ(now.body["last_payment_error"]["type"], "invalid_request_error");
    EXPECT_EQ(town.ledger(), "");
}

TEST_F(StripePages, WhatTheCardDoesAfterTheQuestion) {
    const auto declined = asked({}, "tok_threeDSecureRequiredChargeDeclined");
    EXPECT_THAT(press(declined, "complete").header("location"), HasSubstr("redirect_status=failed"));
    const auto now = town.get("/payment_intents/" + declined.id());
    EXPECT_EQ(now.body["last_payment_error"]["code"], "card_declined");
    const auto poor = asked({}, "tok_authenticationRequiredChargeDeclinedInsufficientFunds");
    press(poor, "complete");
    EXPECT_EQ(town.get("/payment_intents/" + poor.id()).body["last_payment_error"]["decline_code"],
              "insufficient_funds");
    const auto held = asked({{"capture_method", "manual"}});
    press(held, "complete");
    EXPECT_EQ(town.get("/payment_intents/" + held.id()).state(), "requires_capture");
    EXPECT_EQ(town.ledger(), "held 11000");
}

TEST_F(StripePages, WalkingAwayInTwoWays) {
    const auto intent = asked();
    EXPECT_EQ(press(intent, "leave").status, 200);
    EXPECT_EQ(town.get("/payment_intents/" + intent.id()).state(), "requires_action");
    EXPECT_EQ(press(intent, "dance").status, 400);
    EXPECT_EQ(press(intent, "complete_stay").status, 200);
    EXPECT_EQ(town.get("/payment_intents/" + intent.id()).state(), "succeeded");
}

TEST_F(StripePages, ACancelledPaymentAsksNothing) {
    const auto intent = asked();
    town.post("/payment_intents/" + intent.id() + "/cancel");
    EXPECT_EQ(look(page_of(intent)).status, 410);
    EXPECT_EQ(press(intent, "complete").status, 410);
    EXPECT_EQ(town.ledger(), "");
    // A new try asks anew, and the old address is over.
    const auto first = asked();
    town.post("/payment_intents/" + first.id() + "/confirm",
              {{"payment_method", "pm_card_threeDSecure2Required"}});
    EXPECT_EQ(press(first, "complete").status, 410);
    const auto now = town.get("/payment_intents/" + first.id());
    EXPECT_EQ(press(now, "complete").status, 303);
    EXPECT_EQ(town.ledger(), "taken 11000");
}

TEST_F(StripePages, ManualConfirmationWantsTheServerAgain) {
    const auto intent = asked({{"confirmation_method", "manual"}});
    EXPECT_THAT(press(intent, "complete").header("location"), HasSubstr("redirect_status=succeeded"));
    EXPECT_EQ(town.get("/payment_intents/" + intent.id()).state(), "requires_confirmation");
    EXPECT_EQ(town.ledger(), "");
    EXPECT_EQ(town.post("/payment_intents/" + intent.id() + "/confirm").state(), "succeeded");
    EXPECT_EQ(town.ledger(), "taken 11000");
}

/// The bank's question outlives the house.
TEST_F(StripePages, AnsweredAfterARestart) {
    const auto intent = asked();
    town.restart();
    EXPECT_EQ(press(intent, "complete").status, 303);
    EXPECT_EQ(town.ledger(), "taken 11000");
}

TEST_F(StripePages, TheScriptAndItsFrame) {
    const auto script = look("/stripe/v3/");
    EXPECT_EQ(script.header("content-type"), "text/javascript; charset=utf-8");
    EXPECT_THAT(script.body.get<std::string>(), HasSubstr("window.Stripe = Stripe"));
    EXPECT_EQ(look("/stripe/v3/stripe.js").body, script.body);
    const auto frame = look("/stripe/v3/card.html");
    EXPECT_EQ(frame.header("x-frame-options"), "");
    EXPECT_THAT(frame.header("content-security-policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(frame.header("content-security-policy"), HasSubstr("form-action 'none'"));
    EXPECT_THAT(frame.body.get<std::string>(), HasSubstr("<script src=\"card.js\">"));
    EXPECT_EQ(look("/stripe/v3/card.css").header("content-type"), "text/css; charset=utf-8");
    EXPECT_EQ(look("/stripe/v3/nothing.js").status, 404);
    EXPECT_EQ(look("/stripe/nothing").status, 404);
    EXPECT_EQ(town.send({"POST", "/stripe/v3/", {}, "", ""}).status, 405);
}

}  // namespace
}  // namespace kassi::sandbox
