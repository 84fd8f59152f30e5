#include <gmock/gmock.h>

#include "stripe_scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::LegMoney;
using core::Verb;
using testing::HasSubstr;
using testing::Not;

core::Step answer(Verb verb, int status, const std::string& body, Stage stage = stripe_stage(),
                  Fields headers = {}) {
    return hear(stage, verb, core::Answered{{status, std::move(headers), body}});
}

// ---- authorise -----------------------------------------------------------------------------------------

TEST(StripeAuthorise, Holds) {
    const auto done =
        as<core::Done>(answer(Verb::authorise, 200, intent_in("requires_capture"), stripe_stage(false)));
    EXPECT_EQ(done.money, LegMoney::held);
    EXPECT_EQ(done.amount->minor, 11'000);
    EXPECT_EQ(done.references, (Fields{{"intent", "pi_1"}}));
}

TEST(StripeAuthorise, ReadsKronurAsStripeWritesThem) {
    Stage stage = stripe_stage(false);
    stage.amount = stage.leg.amount = isk(2500);
    const auto done = as<core::Done>(
        answer(Verb::authorise, 200,
               intent_json({.amount = "250000", .capturable = "250000", .currency = "isk"}), stage));
    EXPECT_EQ(done.amount, isk(2500));
}

TEST(StripeAuthorise, SendsTheCustomerToTheBank) {
    const auto body = intent_json(
        {.status = "requires_action",
         .capturable = "0",
         .more =
             R"(,"next_action":{"type":"redirect_to_url","redirect_to_url":{"return_url":"x","url":"https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1&payment_intent=pi_1&a=%C3%B6"}})"});
    const auto waiting = as<core::Waiting>(answer(Verb::authorise, 200, body, stripe_stage(false)));
    EXPECT_EQ(waiting.callout.type, "get");
    EXPECT_EQ(waiting.callout.destination, "https://hooks.stripe.com/3d_secure_2/hosted");
    EXPECT_EQ(waiting.callout.parameters,
              (Fields{{"merchant", "acct_1"}, {"payment_intent", "pi_1"}, {"a", "ö"}}));
    EXPECT_FALSE(waiting.callout.hosted);
    EXPECT_EQ(waiting.references, (Fields{{"intent", "pi_1"}}));
}

TEST(StripeAuthorise, ClosesWhatOnlyAScriptCouldDo) {
    const auto body =
        intent_json({.status = "requires_action",
                     .capturable = "0",
                     .more = R"(,"next_action":{"type":"use_stripe_sdk","use_stripe_sdk":{}})"});
    const auto ask = as<core::Ask>(answer(Verb::authorise, 200, body, stripe_stage(false)));
    EXPECT_EQ(ask.as, Verb::close);
    EXPECT_EQ(ask.request.path, "/v1/payment_intents/pi_1/cancel");
    EXPECT_EQ(ask.key, our_reference + "-close-1") << "not that of the request before it";
    EXPECT_EQ(ask.references, (Fields{{"intent", "pi_1"}}));
    Stage stage = stripe_stage();
    stage.parcel.saved = ask.saved;
    const auto done = as<core::Done>(answer(Verb::close, 200, intent_in("canceled"), stage));
    ASSERT_TRUE(done.why.has_value());
    EXPECT_TRUE(done.why->failed_3d_secure);
    EXPECT_EQ(done.why->code, "auth_failure");
}

TEST(StripeAuthorise, BelievesNothingThatIsNotOurs) {
    for (const auto& body : {intent_json({.reference = "another-1"}), intent_json({.id = "ch 1"}),
                             intent_json({.amount = "\"11000\""}), intent_json({.capturable = "1.5"}),
                             intent_json({.currency = "xx"}), intent_in("paid")})
        EXPECT_TRUE(as<core::Unknown>(answer(Verb::authorise, 200, body, stripe_stage(false))).look) << body;
    EXPECT_TRUE(is<core::Unknown>(answer(Verb::authorise, 200, intent_json({.id = "pi_2"}))));
}

struct Decline {
    std::string code, decline_code;
    std::string purchase_error;
    bool cv_two = false, avs = false, authentication = false;
};
class StripeDeclines : public testing::TestWithParam<Decline> {};

TEST_P(StripeDeclines, BecomeThePurchaseResult) {
    const auto& [code, decline_code, error, cv_two, avs, authentication] = GetParam();
    const auto more = (decline_code.empty() ? "" : R"(,"decline_code":")" + decline_code + "\"") +
                      R"(,"payment_intent":)" + intent_in("requires_payment_method");
    const auto declined =
        as<core::Declined>(answer(Verb::authorise, 402, error_json(code, more), stripe_stage(false)));
    EXPECT_EQ(declined.why.code, error);
    EXPECT_EQ(declined.why.failed_cv_two, cv_two);
    EXPECT_EQ(declined.why.failed_avs, avs);
    EXPECT_EQ(declined.why.failed_3d_secure, authentication);
    EXPECT_FALSE(declined.why.text.empty());
    EXPECT_THAT(declined.why.text, Not(HasSubstr("4242"))) << "the provider's own words stay out";
    EXPECT_EQ(declined.references, (Fields{{"intent", "pi_1"}}));
}
INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, StripeDeclines,
    testing::Values(Decline{"card_declined", "generic_decline", "generic_decline"},
                    Decline{"card_declined", "insufficient_funds", "insufficient_funds"},
                    Decline{"card_declined", "", "card_declined"},
                    Decline{"expired_card", "", "expired_card"},
                    Decline{"processing_error", "", "processing_error"},
                    Decline{"card_declined", "brand_new_code", "brand_new_code"},
                    Decline{"card_declined", "4242424242424242", "card_declined"},
                    Decline{"card_declined", "fraudulent", "generic_decline"},
                    Decline{"card_declined", "lost_card", "generic_decline"},
                    Decline{"card_declined", "stolen_card", "generic_decline"},
                    Decline{.code = "incorrect_cvc", .purchase_error = "incorrect_cvc", .cv_two = true},
                    Decline{.code = "incorrect_zip", .purchase_error = "incorrect_zip", .avs = true},
                    Decline{.code = "card_declined",
                            .decline_code = "incorrect_zip",
                            .purchase_error = "incorrect_zip",
                            .avs = true},
                    Decline{.code = "authentication_required",
                            .decline_code = "authentication_required",
                            .purchase_error = "auth_failure",
                            .authentication = true}));

TEST(StripeAuthorise, RefusedRequestsAreNotDone) {
    const auto code = [](int status, std::string_view error) {
        return as<core::Declined>(
                   answer(Verb::authorise, status, error_json(error, "", "invalid_request_error")))
            .why.code;
    };
    EXPECT_EQ(code(400, "token_already_used"), "token_already_used");
    EXPECT_EQ(code(404, "resource_missing"), "resource_missing");
    EXPECT_EQ(code(400, "amount_too_small"), "amount_too_small");
}

// ---- what is known, and what is not --------------------------------------------------------------------

TEST(StripeErrors, TellWhatWasNotDoneFromWhatNobodyKnows) {
    const auto step = [](int status, const std::string& body, Fields headers = {}) {
        return answer(Verb::authorise, status, body, stripe_stage(false), std::move(headers));
    };
    EXPECT_TRUE(is<core::NotDone>(step(401, "{}")));
    EXPECT_TRUE(is<core::NotDone>(step(403, "{}")));
    EXPECT_TRUE(is<core::NotDone>(step(429, error_json("rate_limit", "", "invalid_request_error"))));
    EXPECT_TRUE(is<core::NotDone>(step(429, error_json("lock_timeout", "", "invalid_request_error"))));
    EXPECT_FALSE(
        as<core::Unknown>(step(409, error_json("idempotency_key_in_use", "", "idempotency_error"))).look)
        << "the same request again, later";
    EXPECT_TRUE(as<core::Unknown>(step(400, error_json("", "", "idempotency_error"))).look);
    EXPECT_FALSE(as<core::Unknown>(step(500, "{}")).look);
    EXPECT_FALSE(as<core::Unknown>(step(503, "{}", {{"Stripe-Should-Retry", "true"}})).look);
    EXPECT_TRUE(as<core::Unknown>(step(500, "{}", {{"Stripe-Should-Retry", "false"}})).look);
    EXPECT_TRUE(as<core::Unknown>(step(500, "{}", {{"Idempotent-Replayed", "true"}})).look)
        << "it is stored under our key and would only come again";
}

TEST(StripeRefund, WhoseKeyKnowsOnlyAnErrorNeedsAPerson) {
    const auto hear = [](Verb verb, bool again) {
        Stage stage = stripe_stage();
        stage.leg.call = core::Call{.no = 4, .verb = verb, .again = again};
        return answer(verb, 500, "{}", stage,
                      {{"Idempotent-Replayed", "true"}, {"Stripe-Should-Retry", "false"}});
    };
    EXPECT_TRUE(as<core::Unknown>(hear(Verb::refund, true)).look)
        << "the answer to the first sending was never heard";
    EXPECT_EQ(as<core::Declined>(hear(Verb::refund, false)).why.code, "refund_refused")
        << "a look found nothing given back, and the key will never say anything else";
    EXPECT_TRUE(as<core::Unknown>(hear(Verb::capture, false)).look);
}

// ---- capture, cancel -----------------------------------------------------------------------------------

TEST(StripeCapture, Takes) {
    const auto done = as<core::Done>(answer(Verb::capture, 200, intent_in("succeeded")));
    EXPECT_EQ(done.money, LegMoney::taken);
    EXPECT_EQ(done.amount->minor, 11'000);
    EXPECT_TRUE(as<core::Working>(answer(Verb::capture, 200, intent_in("processing"))).look);
}

TEST(StripeCapture, InAnUnexpectedStateIsLookedUp) {
    const auto ask = as<core::Ask>(answer(
        Verb::capture, 400, error_json("payment_intent_unexpected_state", "", "invalid_request_error")));
    EXPECT_EQ(ask.as, Verb::query);
}

TEST(StripeCapture, OfAHoldThatIsGoneIsRefused) {
    EXPECT_TRUE(is<core::Declined>(answer(Verb::capture, 400, error_json("charge_expired_for_capture"))));
    EXPECT_TRUE(is<core::Declined>(answer(Verb::capture, 402, error_json("card_declined"))));
}

TEST(StripeCancel, EndsTheHold) {
    for (const Verb verb : {Verb::void_hold, Verb::close}) {
        const auto done = as<core::Done>(answer(verb, 200, intent_in("canceled")));
        EXPECT_EQ(done.money, LegMoney::none);
        EXPECT_FALSE(done.why.has_value());
        EXPECT_TRUE(is<core::Declined>(
            answer(verb, 400, error_json("payment_intent_unexpected_state", "", "invalid_request_error"))))
            << "too late: the fact decides";
        EXPECT_TRUE(as<core::Unknown>(answer(verb, 200, intent_in("requires_capture"))).look);
    }
}

TEST(StripeCancel, OfWhatIsCancelledIsDone) {
    const auto refusal = [](const std::string& status) {
        return error_json("payment_intent_unexpected_state", R"(,"payment_intent":)" + intent_in(status),
                          "invalid_request_error");
    };
    for (const Verb verb : {Verb::void_hold, Verb::close}) {
        EXPECT_EQ(as<core::Done>(answer(verb, 400, refusal("canceled"))).money, LegMoney::none);
        EXPECT_TRUE(is<core::Declined>(answer(verb, 400, refusal("succeeded"))));
    }
}

// ---- look-ups ------------------------------------------------------------------------------------------

std::string charge_json(const std::string& refunded, const std::string& refunds = "") {
    return R"(,"latest_charge":{"object":"charge","currency":"gbp","amount_refunded":)" + refunded +
           R"(,"refunds":{"object":"list","data":[)" + refunds + "]}}";
}

core::Done fact(std::string status, std::string more = "", Stage stage = stripe_stage()) {
    IntentText intent;
    if (status != "requires_capture") intent.capturable = "0";
    if (status == "succeeded") intent.received = "11000";
    intent.status = std::move(status);
    intent.more = std::move(more);
    return as<core::Done>(answer(Verb::query, 200, intent_json(intent), std::move(stage)));
}

TEST(StripeLookUp, FindsTheMoney) {
    EXPECT_EQ(fact("requires_capture").money, LegMoney::held);
    EXPECT_EQ(fact("succeeded", charge_json("0")).money, LegMoney::taken);
    EXPECT_EQ(fact("succeeded", charge_json("11000")).money, LegMoney::back);
    const auto part = fact("succeeded", charge_json("4000"));
    EXPECT_EQ(part.money, LegMoney::taken);
    EXPECT_EQ(part.given_back->minor, 4000);
    for (const std::string status : {"canceled", "requires_payment_method", "requires_action"})
        EXPECT_EQ(fact(status).money, LegMoney::none) << status;
    EXPECT_TRUE(is<core::Working>(answer(Verb::query, 200, intent_in("processing"))));
    EXPECT_TRUE(is<core::Unknown>(answer(Verb::query, 404, error_json("resource_missing"))));
}

TEST(StripeLookUp, SaysWhyNothingWasTaken) {
    EXPECT_TRUE(fact("requires_payment_method",
                     R"(,"last_payment_error":{"code":"payment_intent_authentication_failure"})")
                    .why->failed_3d_secure);
    EXPECT_EQ(fact("requires_payment_method",
                   R"(,"last_payment_error":{"code":"card_declined","decline_code":"insufficient_funds"})")
                  .why->code,
              "insufficient_funds");
    EXPECT_TRUE(fact("requires_action").why->failed_3d_secure)
        << "the customer came back without the bank's yes";
    EXPECT_FALSE(fact("canceled").why.has_value());
}

TEST(StripeLookUp, SettlesTheRefundThatIsOpen) {
    Stage stage = stripe_stage();
    stage.leg.refunds.push_back({.no = 1, .amount = {4000, stage.amount.currency}});
    const auto refund = [](const std::string& status) {
        return R"({"object":"refund","status":")" + status +
               R"(","failure_reason":"lost_or_stolen_card","metadata":{"kassi_reference":")" + our_reference +
               R"(-1"}})";
    };
    EXPECT_EQ(fact("succeeded", charge_json("4000", refund("succeeded")), stage).given_back->minor, 4000);
    const auto failed = fact("succeeded", charge_json("0", refund("failed")), stage);
    EXPECT_THAT(failed.why->text, HasSubstr("lost_or_stolen_card"));
    IntentText intent{.status = "succeeded",
                      .capturable = "0",
                      .received = "11000",
                      .more = charge_json("4000", refund("pending"))};
    EXPECT_TRUE(is<core::Working>(answer(Verb::query, 200, intent_json(intent), stage)));
}

TEST(StripeLookUp, CountsWhatArrived) {
    const auto pending = R"({"object":"refund","status":"pending","amount":3000,"metadata":{}})";
    const auto there = R"({"object":"refund","status":"succeeded","amount":1000,"metadata":{}})";
    EXPECT_EQ(fact("succeeded", charge_json("4000", std::string(pending) + "," + there)).given_back->minor,
              1000)
        << "what is under way may not arrive";
    EXPECT_EQ(fact("succeeded", charge_json("11000", pending)).money, LegMoney::taken);
    // Ours is not among all that there are; of the newest ones only nothing can be told.
    Stage stage = stripe_stage();
    stage.leg.refunds.push_back({.no = 1, .amount = {4000, stage.amount.currency}});
    const auto all = charge_json("1000", there);
    EXPECT_FALSE(fact("succeeded", all, stage).refund_found.has_value());
    auto complete = all;
    complete.insert(complete.find("\"data\""), R"("has_more":false,)");
    EXPECT_EQ(fact("succeeded", complete, stage).refund_found, false);
}

TEST(StripeLookUp, GoesThroughTheListToItsEnd) {
    Stage stage = stripe_stage(false);
    stage.parcel.saved = "1 0";
    const auto list = [&](const std::string& data, bool more) {
        return answer(
            Verb::query, 200,
            R"({"object":"list","data":[)" + data + R"(],"has_more":)" + (more ? "true" : "false") + "}",
            stage);
    };
    const auto other = intent_json({.reference = "another-1", .id = "pi_9"});
    const auto found = as<core::Ask>(list(other + "," + intent_json(IntentText{}), true));
    EXPECT_TRUE(found.request.path.starts_with("/v1/payment_intents/pi_1?"));
    const auto next = as<core::Ask>(list(other, true));
    EXPECT_THAT(next.request.path, HasSubstr("starting_after=pi_9"));
    EXPECT_EQ(next.saved, "2 0");
    EXPECT_EQ(as<core::Done>(list(other, false)).money, LegMoney::none);
    EXPECT_EQ(as<core::Done>(list("", false)).money, LegMoney::none);
    EXPECT_TRUE(is<core::Unknown>(list("", true))) << "a list without end proves nothing";
    EXPECT_TRUE(is<core::Unknown>(list("1", false)));
    stage.parcel.saved = "100 0";
    EXPECT_TRUE(is<core::Unknown>(list(other, true)));
}

TEST(StripeLookUp, DoesNotTakeALateRequestForNone) {
    Stage stage = stripe_stage(false);
    stage.leg.call = core::Call{.verb = Verb::authorise, .meant_at = the_time};
    stage.now = the_time + std::chrono::seconds(40);
    stage.parcel.saved = as<core::Ask>(begin(stage, Verb::query)).saved;
    const auto nothing = [&](Millis since) {
        stage.now = the_time + since;
        return answer(Verb::query, 200, R"({"object":"list","data":[],"has_more":false})", stage);
    };
    EXPECT_TRUE(is<core::Working>(nothing(std::chrono::seconds(119)))) << "it may still be on its way";
    EXPECT_EQ(as<core::Done>(nothing(std::chrono::seconds(120))).money, LegMoney::none);
    // Begun anew, for a notice, it still knows.
    stage.leg.call->verb = Verb::query;
    stage.parcel.saved = as<core::Ask>(begin(stage, Verb::query)).saved;
    EXPECT_TRUE(is<core::Working>(nothing(std::chrono::seconds(119))));
}

// ---- refunds -------------------------------------------------------------------------------------------

std::string refund_json(const std::string& status, const std::string& reference = our_reference + "-3") {
    return R"({"id":"re_1","object":"refund","amount":11000,"currency":"gbp","status":")" + status +
           R"(","failure_reason":"declined","metadata":{"kassi_reference":")" + reference + R"("}})";
}

TEST(StripeRefund, GivesBack) {
    const auto done = as<core::Done>(answer(Verb::refund, 200, refund_json("succeeded")));
    EXPECT_EQ(done.money, LegMoney::back);
    EXPECT_EQ(done.amount->minor, 11'000);
    EXPECT_EQ(done.references, (Fields{{"refund", "re_1"}}));
}

TEST(StripeRefund, ThatTakesItsTimeIsLookedUpAndNotSentAgain) {
    EXPECT_TRUE(as<core::Working>(answer(Verb::refund, 200, refund_json("pending"))).look);
    EXPECT_TRUE(as<core::Working>(answer(Verb::refund, 200, refund_json("requires_action"))).look);
}

TEST(StripeRefund, ThatFailedSaysWhy) {
    EXPECT_THAT(as<core::Declined>(answer(Verb::refund, 200, refund_json("failed"))).why.text,
                HasSubstr("declined"));
    const auto look = as<core::Ask>(answer(Verb::refund, 400, error_json("charge_already_refunded")));
    EXPECT_EQ(look.as, Verb::query) << "somebody else gave back: how much, the look says";
    Stage stage = stripe_stage();
    stage.leg.refunds.push_back({.no = 1, .amount = {11'000, stage.amount.currency}});
    stage.parcel.saved = look.saved;
    const auto found = fact("succeeded", charge_json("4000"), stage);
    EXPECT_EQ(found.given_back->minor, 4000);
    EXPECT_EQ(found.refund_found, false);
    EXPECT_EQ(found.why->code, "refund_refused");
    EXPECT_EQ(as<core::Ask>(answer(Verb::refund, 400, error_json("", R"(,"param":"amount")"))).as,
              Verb::query);
    EXPECT_THAT(as<core::Declined>(answer(Verb::refund, 400, error_json("charge_disputed"))).why.text,
                HasSubstr("charge_disputed"));
    EXPECT_TRUE(is<core::Unknown>(answer(Verb::refund, 200, refund_json("succeeded", our_reference + "-9"))));
}

}  // namespace
}  // namespace kassi::providers
