#include "sandbox/simulators/stripe_webhooks.hpp"

#include <gmock/gmock.h>

#include "stripe_town.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct StripeWebhooks : testing::Test {
    Town town;
    /// Types and how often the same event came: what every receiver has to cope with.
    std::vector<std::string> ids() {
        std::vector<std::string> found;
        for (const auto& hook : town.webhooks)
            found.push_back((*parse_json(hook.body))["id"].get<std::string>());
        return found;
    }
};

/// The vector of the reference, which the official client accepts.
TEST_F(StripeWebhooks, TheSignatureIsStripes) {
    const std::string body = R"({"id":"evt_1","object":"event","type":"payment_intent.succeeded"})";
    EXPECT_EQ(stripe::signature(body, Instant{1'700'000'000'999ms}, {"whsec_test_secret"}),
              "t=1700000000,v1=67da5088c63e080c71bd2bb0cb5c03d85a8fc6a21ce3aaf484df809654745b92");
}

TEST_F(StripeWebhooks, EventsComeInTheirRecordedOrder) {
    town.pay("tok_visa");
    EXPECT_EQ(town.told(), "payment_intent.created, charge.succeeded, payment_intent.succeeded");
    town.pay("tok_chargeDeclined");
    EXPECT_EQ(town.told(), "payment_intent.created, charge.failed, payment_intent.payment_failed");
    town.pay("tok_threeDSecure2Required");
    EXPECT_EQ(town.told(), "payment_intent.created, payment_intent.requires_action");
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    EXPECT_EQ(town.told(),
              "payment_intent.created, charge.succeeded, payment_intent.amount_capturable_updated");
    town.post("/payment_intents/" + held.id() + "/capture");
    EXPECT_EQ(town.told(), "charge.captured, payment_intent.succeeded");
    town.post("/refunds", {{"payment_intent", held.id()}});
    EXPECT_EQ(town.told(), "refund.created, charge.refunded");
    const auto canceled = town.pay("tok_visa", {{"capture_method", "manual"}});
    town.told();
    town.post("/payment_intents/" + canceled.id() + "/cancel");
    EXPECT_EQ(town.told(), "payment_intent.canceled");
    town.advance(stripe::settles_after);
    EXPECT_EQ(town.told(), "charge.updated") << "automatic_async: the balance comes later";
}

TEST_F(StripeWebhooks, AnEventSaysWhatItWasAndWhoseRequestMadeIt) {
    const auto paid = town.pay("tok_visa", {}, "order-1");
    ASSERT_EQ(town.webhooks.size(), 3U);
    const auto& request = town.webhooks.back();
    EXPECT_EQ(request.target, "http://127.0.0.1:8080/webhooks/stripe/one");
    EXPECT_EQ(request.header("Stripe-Signature"),
              stripe::signature(request.body, town.clock.now(), {"whsec_a", "whsec_b"}));
    const auto event = *parse_json(request.body);
    EXPECT_EQ(event["object"], "event");
    EXPECT_EQ(event["api_version"], "2026-08-26.dahlia");
    EXPECT_EQ(event["livemode"], false);
    EXPECT_EQ(event["pending_webhooks"], 1);
    EXPECT_EQ(event["request"]["idempotency_key"], "order-1");
    EXPECT_EQ(event["request"]["id"], paid.header("request-id"));
    EXPECT_EQ(event["data"]["object"]["id"], paid.id());
    const auto read = town.get("/events/" + event["id"].get<std::string>());
    EXPECT_EQ(read.body["data"], event["data"]);
    EXPECT_EQ(read.body["pending_webhooks"], 0);
    // It says what was then.
    town.post("/refunds", {{"payment_intent", paid.id()}});
    EXPECT_EQ(town.get("/events/" + event["id"].get<std::string>()).body["data"], event["data"]);
    const auto refunded = *parse_json(town.webhooks.back().body);
    EXPECT_EQ(refunded["data"]["previous_attributes"]["amount_refunded"], 0);
}

TEST_F(StripeWebhooks, NobodyIsToldWhereNothingIsSet) {
    town.send(Town::request("POST", "/v1/payment_intents", Town::paying("tok_visa"), "", "sk_test_Two"));
    EXPECT_EQ(town.webhooks.size(), 0U);
    const auto events = town.send(Town::request("GET", "/v1/events", {}, "", "sk_test_Two"));
    EXPECT_EQ(events.body["data"].size(), 3U);
    EXPECT_EQ(events.body["data"][0]["pending_webhooks"], 0);
}

TEST_F(StripeWebhooks, TriedAgainUntilItIsHeardAndSignedAnew) {
    town.faults("");
    town.webhook_answers = {500, 0, 302, 200};
    town.post("/payment_intents", {{"amount", "500"}, {"currency", "usd"}});
    town.advance(24h);
    ASSERT_EQ(town.webhooks.size(), 4U);
    EXPECT_EQ(town.webhooks[0].body, town.webhooks[3].body);
    EXPECT_NE(town.webhooks[0].header("Stripe-Signature"), town.webhooks[3].header("Stripe-Signature"));
    town.webhooks.clear();
    town.webhook_answers.assign(100, 500);
    town.post("/payment_intents", {{"amount", "500"}, {"currency", "usd"}});
    town.advance(24h * 30);
    EXPECT_EQ(town.webhooks.size(), static_cast<std::size_t>(stripe::webhook_tries_max));
}

TEST_F(StripeWebhooks, WhatWasNotHeardGoesOutAgainAfterARestart) {
    town.webhook_answers = {200, 500, 200};
    town.pay("tok_visa");
    town.webhooks.clear();
    town.restart();
    EXPECT_EQ(town.told(), "charge.succeeded");
    town.restart();
    EXPECT_EQ(town.told(), "");
}

TEST_F(StripeWebhooks, Faults) {
    const auto create = [&] { town.post("/payment_intents", {{"amount", "500"}, {"currency", "usd"}}); };
    town.faults(R"({"on":"webhook","do":"dead"})");
    create();
    EXPECT_EQ(town.told(), "");
    town.advance(1s);
    EXPECT_EQ(town.told(), "payment_intent.created");
    town.faults(R"({"on":"webhook","do":"drop_answer"})");
    create();
    town.advance(1s);
    auto seen = ids();
    ASSERT_EQ(seen.size(), 2U) << "heard, not believed, and sent again";
    EXPECT_EQ(seen[0], seen[1]);
    town.told();
    town.faults(R"({"on":"webhook","do":"lost"})");
    create();
    town.advance(24h);
    EXPECT_EQ(town.told(), "");
    town.faults(R"({"on":"webhook","do":"delay","ms":5000})");
    create();
    town.advance(4999ms);
    EXPECT_EQ(town.told(), "");
    town.advance(1ms);
    EXPECT_EQ(town.told(), "payment_intent.created");
    town.faults(R"({"on":"webhook","do":"twice"})");
    create();
    seen = ids();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0], seen[1]);
    town.told();
    town.faults(R"({"on":"webhook","do":"another_id"})");
    create();
    seen = ids();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_NE(seen[0], seen[1]);
    EXPECT_EQ((*parse_json(town.webhooks[0].body))["data"], (*parse_json(town.webhooks[1].body))["data"]);
    town.told();
    town.faults(R"({"on":"webhook","do":"wrong_amount"})");
    create();
    EXPECT_EQ((*parse_json(town.webhooks[0].body))["data"]["object"]["amount"], 501);
    EXPECT_EQ(town.webhooks[0].header("Stripe-Signature"),
              stripe::signature(town.webhooks[0].body, town.clock.now(), {"whsec_a", "whsec_b"}));
    town.told();
    town.faults(R"({"on":"webhook","do":"wrong_signature"})");
    create();
    EXPECT_NE(town.webhooks[0].header("Stripe-Signature"),
              stripe::signature(town.webhooks[0].body, town.clock.now(), {"whsec_a", "whsec_b"}));
}

TEST_F(StripeWebhooks, OneOvertakesAnother) {
    town.faults(R"({"on":"webhook","do":"reorder"},{"on":"webhook","do":"reorder"})");
    town.pay("tok_visa");
    EXPECT_EQ(town.told(), "payment_intent.succeeded, payment_intent.created, charge.succeeded");
    town.faults(R"({"on":"webhook","do":"reorder","ms":500})");
    town.post("/payment_intents", {{"amount", "500"}, {"currency", "usd"}});
    EXPECT_EQ(town.told(), "");
    town.advance(500ms);
    EXPECT_EQ(town.told(), "payment_intent.created") << "nothing came to overtake it";
}

TEST_F(StripeWebhooks, TheLatestTriesAreShown) {
    town.webhook_answers = {500};
    town.pay("tok_visa");
    const auto shown = town.send({"GET", "/stripe/_webhooks", {}, "", ""}).body["deliveries"];
    ASSERT_EQ(shown.size(), 3U);
    EXPECT_EQ(shown[0]["status"], 500);
    EXPECT_EQ(shown[2]["status"], 200);
    EXPECT_EQ(shown[2]["body"], town.webhooks[2].body);
    EXPECT_EQ(shown[2]["signature"], std::string(town.webhooks[2].header("Stripe-Signature")));
    for (int i = 0; i < 100; ++i) town.pay("tok_visa");
    EXPECT_EQ(town.send({"GET", "/stripe/_webhooks", {}, "", ""}).body["deliveries"].size(),
              stripe::deliveries_shown_max);
}

}  // namespace
}  // namespace kassi::sandbox
