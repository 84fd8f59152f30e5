#include <gmock/gmock.h>

#include "providers/signed_notice.hpp"
#include "stripe_scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::LegMoney;

constexpr std::string_view secret = "whsec_the-first-secret";

std::string signed_at(std::string_view body, Instant at, std::string_view by = secret) {
    const auto seconds =
        std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
    return "t=" + seconds + ",v1=" + hmac_hex(by, seconds + "." + std::string(body));
}

Result<NoticeRead> read(const std::string& body, const std::string& signature,
                        const Merchant& merchant = stripe_merchant()) {
    return stripe_flow().read({"POST", "/", {{"Stripe-Signature", signature}}, body, ""}, merchant, the_time);
}

std::string event_json(std::string_view type, const std::string& object, std::string_view more = "") {
    return R"({"id":"evt_1","object":"event","livemode":false,"type":")" + std::string(type) +
           R"(","data":{"object":)" + object + "}" + std::string(more) + "}";
}

NoticeRead hear_event(std::string_view type, const std::string& object) {
    const auto body = event_json(type, object);
    auto heard = read(body, signed_at(body, the_time));
    if (!heard) throw std::logic_error(heard.error().field + " " + heard.error().message);
    return *heard;
}

// ---- signature -----------------------------------------------------------------------------------------

TEST(StripeSignature, FitsTheVectorOfTheReference) {
    const std::string body = R"({"id":"evt_1","object":"event","type":"payment_intent.succeeded"})";
    const HttpRequest request{
        "POST",
        "/",
        {{"Stripe-Signature",
          "t=1700000000,v1=67da5088c63e080c71bd2bb0cb5c03d85a8fc6a21ce3aaf484df809654745b92"}},
        body,
        ""};
    const Instant then{std::chrono::seconds{1'700'000'000}};
    EXPECT_EQ(check_notice_signature(request, "Stripe-Signature", {"whsec_test_secret"}, then), std::nullopt);
    EXPECT_NE(check_notice_signature(request, "Stripe-Signature", {"whsec_test_secre"}, then), std::nullopt);
}

TEST(StripeSignature, IsOverTheRawBody) {
    const auto body = event_json("payment_intent.succeeded", intent_in("succeeded"));
    const auto good = signed_at(body, the_time);
    EXPECT_TRUE(read(body, good));
    EXPECT_EQ(read(body + "\n", good).error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(read(body, "").error().field, "Stripe-Signature");
    EXPECT_EQ(read(body, "t=1").error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(read(body, "v0=" + good.substr(good.find("v1=") + 3)).error().kind, ErrorKind::unauthenticated);
}

TEST(StripeSignature, IsFreshBothWays) {
    const auto body = event_json("payment_intent.succeeded", intent_in("succeeded"));
    using std::chrono::seconds;
    for (const int offset : {-300, 300}) EXPECT_TRUE(read(body, signed_at(body, the_time + seconds(offset))));
    for (const int offset : {-301, 301})
        EXPECT_FALSE(read(body, signed_at(body, the_time + seconds(offset))));
}

TEST(StripeSignature, MayChangeItsSecret) {
    const auto body = event_json("payment_intent.succeeded", intent_in("succeeded"));
    const auto next = signed_at(body, the_time, "whsec_next");
    EXPECT_FALSE(read(body, next));
    // Stripe signs with both while it changes, and so does the merchant's configuration have both.
    EXPECT_TRUE(read(body, next + "," + signed_at(body, the_time).substr(13)));
    auto merchant = stripe_merchant();
    merchant.secrets.emplace("webhook_secret_next", Secret<>{"whsec_next"});
    EXPECT_TRUE(read(body, next, merchant));
    EXPECT_TRUE(read(body, signed_at(body, the_time), merchant));
    merchant = stripe_merchant();
    merchant.secrets.erase("webhook_secret");
    EXPECT_EQ(read(body, signed_at(body, the_time, "")).error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(read(body, signed_at(body, the_time, ""), merchant).error().kind, ErrorKind::unauthenticated);
}

// ---- events --------------------------------------------------------------------------------------------

TEST(StripeEvents, ProveWhatMoved) {
    auto heard = hear_event("payment_intent.amount_capturable_updated", intent_in("requires_capture"));
    EXPECT_EQ(heard.reference, our_reference);
    EXPECT_EQ(heard.notice.event_id, "evt_1");
    EXPECT_EQ(heard.notice.trust, core::Trust::proof);
    EXPECT_EQ(heard.notice.fact, LegMoney::held);
    EXPECT_EQ(heard.notice.amount->minor, 11'000);
    EXPECT_EQ(heard.notice.references, (Fields{{"intent", "pi_1"}}));
    heard = hear_event("payment_intent.succeeded", intent_in("succeeded"));
    EXPECT_EQ(heard.notice.fact, LegMoney::taken);
    EXPECT_EQ(heard.notice.amount->minor, 11'000);
}

TEST(StripeEvents, OfACustomerOnHisWayAreNoReasonToAsk) {
    for (const std::string type :
         {"payment_intent.created", "payment_intent.requires_action", "payment_intent.processing"}) {
        const auto heard = hear_event(type, intent_in("requires_action"));
        EXPECT_EQ(heard.notice.fact, LegMoney::none);
        EXPECT_FALSE(heard.notice.worth_a_look) << type;
    }
    for (const std::string type : {"payment_intent.payment_failed", "payment_intent.canceled"})
        EXPECT_TRUE(hear_event(type, intent_in("canceled")).notice.worth_a_look) << type;
    EXPECT_EQ(hear_event("payment_intent.succeeded", intent_in("requires_action")).notice.fact,
              LegMoney::none)
        << "type and status contradict each other";
}

std::string charge_json(std::string_view refunded, std::string_view captured = "11000",
                        const std::string& reference = our_reference) {
    return R"({"id":"ch_1","object":"charge","payment_intent":"pi_1","currency":"gbp","amount_captured":)" +
           std::string(captured) + R"(,"amount_refunded":)" + std::string(refunded) +
           R"(,"metadata":{"kassi_reference":")" + reference + R"("}})";
}

TEST(StripeEvents, TellWhatWentBackInAll) {
    auto heard = hear_event("charge.refunded", charge_json("4000"));
    EXPECT_EQ(heard.notice.fact, LegMoney::taken);
    EXPECT_EQ(heard.notice.given_back->minor, 4000);
    EXPECT_EQ(heard.notice.trust, core::Trust::hint) << "what is on its way is in it";
    heard = hear_event("charge.refunded", charge_json("11000"));
    EXPECT_EQ(heard.notice.fact, LegMoney::back);
    EXPECT_EQ(hear_event("charge.refunded", charge_json("0", "11000", "")).reference, "pi_1")
        << "by the intent's id where there is no metadata";
    heard = hear_event("charge.refunded", charge_json("11000", "0"));
    EXPECT_EQ(heard.notice.fact, LegMoney::none) << "a hold that was released";
    EXPECT_EQ(hear_event("charge.succeeded", charge_json("0")).notice.fact, LegMoney::none);
}

TEST(StripeEvents, TellOfRefundsThatFailed) {
    const auto refund = [](const std::string& status) {
        return R"({"id":"re_1","object":"refund","payment_intent":"pi_1","amount":4000,"currency":"gbp","status":")" +
               status + R"(","failure_reason":"lost_or_stolen_card"})";
    };
    auto heard = hear_event("refund.failed", refund("failed"));
    EXPECT_EQ(heard.reference, "pi_1");
    EXPECT_EQ(heard.notice.refund_failed, "£40.00, lost_or_stolen_card");
    EXPECT_EQ(hear_event("charge.refund.updated", refund("failed")).notice.refund_failed,
              "£40.00, lost_or_stolen_card");
    heard = hear_event("refund.updated", refund("succeeded"));
    EXPECT_EQ(heard.notice.refund_failed, "");
    EXPECT_EQ(heard.notice.fact, LegMoney::back);
    EXPECT_EQ(heard.notice.trust, core::Trust::hint) << "it may be a part";
    EXPECT_TRUE(heard.notice.worth_a_look) << "it may be the one we wait for";
}

TEST(StripeEvents, TellOfDisputes) {
    const auto heard = hear_event(
        "charge.dispute.created",
        R"({"id":"du_1","object":"dispute","payment_intent":"pi_1","amount":11000,"currency":"gbp","reason":"fraudulent","status":"needs_response"})");
    EXPECT_EQ(heard.reference, "pi_1");
    EXPECT_TRUE(heard.notice.dispute);
    EXPECT_EQ(heard.notice.evidence, "charge.dispute.created du_1 needs_response fraudulent £110.00");
}

TEST(StripeEvents, OfOtherThingsAreHeardAndNotKept) {
    EXPECT_EQ(hear_event("customer.created", R"({"id":"cus_1","object":"customer"})").reference, "");
    EXPECT_EQ(hear_event("payment_intent.succeeded", intent_json({.status = "succeeded", .reference = ""}))
                  .reference,
              "")
        << "somebody else's payment in the same account";
}

TEST(StripeEvents, AreUnderstoodWholeOrNotAtAll) {
    const auto field = [](const std::string& body) {
        const auto heard = read(body, signed_at(body, the_time));
        return heard ? std::string("accepted") : heard.error().field;
    };
    const auto good = event_json("payment_intent.succeeded", intent_in("succeeded"));
    const auto with = [&](std::string_view from, std::string_view to) {
        auto body = good;
        body.replace(body.find(from), from.size(), to);
        return field(body);
    };
    EXPECT_EQ(field(good), "accepted");
    EXPECT_EQ(field("[]"), "body");
    EXPECT_EQ(field("{"), "body");
    EXPECT_EQ(with("\"event\"", "\"evening\""), "object");
    EXPECT_EQ(with("\"livemode\":false", "\"livemode\":true"), "livemode") << "not our keys' mode";
    EXPECT_EQ(with("\"livemode\":false", "\"livemode\":0"), "livemode");
    EXPECT_EQ(with("evt_1", ""), "id");
    EXPECT_EQ(with("payment_intent.succeeded", ""), "type");
    EXPECT_EQ(with("\"data\"", "\"date\""), "data.object");
    EXPECT_EQ(with("\"amount_received\":11000", "\"amount_received\":\"11000\""),
              "data.object.amount_received");
    EXPECT_EQ(with("payment_intent.succeeded", "charge.refunded"), "data.object");
}

}  // namespace
}  // namespace kassi::providers
