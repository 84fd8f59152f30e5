#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.hpp"

/// What F13 does with Stripe: tokens with the purchase, tokens by callback, and what is refused.
namespace kassi::api::f13 {
namespace {

using nlohmann::json;

class StripeDoorTest : public AtTheDoor {
  protected:
    json status(const std::string& uuid, const std::string& user = "demo-stripe") {
        return world_.get("/f13/status.v1/?transaction_uuid=" + uuid, user).body;
    }
    Answer callback(const std::string& token, const Fields& fields, const std::string& user = "demo-stripe") {
        return world_.post("/f13/callback.v1/this." + token + "/next.n/", fields, user);
    }
    /// Two bundles: 7AA (ext_test0) for £165, 7AB (ext_test1) for £110.
    std::string reserve_two() {
        const auto trolley = world_.get(
            "/f13/trolley.v1/?perf_id=7AB-4&ticket_type_code=STALLS&price_band_code=A%2Fpool&no_of_seats=2",
            "demo-stripe");
        return world_.reserve("demo-stripe", {{"perf_id", "7AA-4"},
                                              {"ticket_type_code", "STALLS"},
                                              {"price_band_code", "A/pool"},
                                              {"no_of_seats", "3"},
                                              {"trolley_token", trolley.body.at("trolley_token")}});
    }
    Answer pay(const std::string& uuid, const Fields& tokens, const std::string& user = "demo-stripe") {
        Fields fields;
        for (const auto& [source, token] : tokens)
            fields.emplace_back(source + "_callback/stripeToken", token);
        return world_.purchase(uuid, user, fields);
    }
    /// What is asked for where the purchase brought no token.
    std::string asked(const std::string& uuid, const std::string& user = "demo-stripe") {
        const auto answer = pay(uuid, {}, user);
        return at(answer.body, "/callout/return_token").get<std::string>();
    }
    /// "held 11000, taken 11000"
    std::string ledger() {
        std::string text;
        for (const auto& entry : world_.stripe().ledger())
            text += (text.empty() ? "" : ", ") + entry.kind + " " + std::to_string(entry.minor);
        return text;
    }
};

// ---- tokens with the purchase --------------------------------------------------------------------------

TEST_F(StripeDoorTest, DebitorSaysWhatAFrontEndNeeds) {
    const auto uuid = world_.reserve("demo-stripe");
    const auto debitor = at(status(uuid), "/trolley_contents/bundle/0/debitor");
    EXPECT_EQ(debitor.at("debitor_type"), "stripe");
    EXPECT_EQ(debitor.at("debitor_name"), "stripe");
    EXPECT_EQ(debitor.at("debitor_desc"), "Stripe Debitor");
    EXPECT_EQ(debitor.at("debitor_integration_data"),
              (json{{"publishable_key", "pk_test_OfTheWorld"}, {"statement_descriptor", "World's \"end\""}}));
}

TEST_F(StripeDoorTest, BothTokensBuyAtOnce) {
    const auto uuid = reserve_two();
    const auto answer = pay(uuid, {{"ext_test0", "tok_visa"}, {"ext_test1", "pm_card_mastercard"}});
    EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << answer.raw.body;
    EXPECT_FALSE(answer.body.contains("callout"));
    EXPECT_EQ(ledger(), "held 16500, held 11000, taken 16500, taken 11000");
}

TEST_F(StripeDoorTest, NamesMayBePercentEncoded) {
    for (const auto* name : {"ext_test1_callback%2FstripeToken", "ext_test1_callback/stripeToken",
                             "ext%5Ftest1%5fcallback%2fstripe%54oken"}) {
        const auto uuid = world_.reserve("demo-stripe");
        auto fields = fred();
        fields.emplace_back("transaction_uuid", uuid);
        const auto answer = world_.call("POST", "/f13/purchase.v1/",
                                        encoding::form(fields) + "&" + name + "=tok_visa", "demo-stripe");
        EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << name << answer.raw.body;
    }
}

TEST_F(StripeDoorTest, StrangeParametersAreRefusedByName) {
    const auto uuid = world_.reserve("demo-stripe");
    EXPECT_EQ(error(world_.purchase(uuid, "demo-stripe", {{"ext_test1_callback/cardToken", "tok_visa"}})),
              "400 8 ext_test1_callback/cardToken: is nothing that a way of paying knows");
    EXPECT_EQ(error(pay(uuid, {{"ext_test1", "tok_visa"}, {"ext_test1", "tok_amex"}})),
              "400 8 ext_test1_callback/stripeToken: comes twice, with two values");
    EXPECT_EQ(status(uuid).at("transaction_status"), "reserved");
}

TEST_F(StripeDoorTest, TokensAreRefusedByTheNameOfTheirParameter) {
    const auto uuid = world_.reserve("demo-stripe");
    const std::string bad =
        "400 8 ext_test1_callback/stripeToken: is no token of Stripe: tok_... or pm_..., of at "
        "most 255 letters, digits and '_'";
    for (const auto* token : {"4111111111111111", "tok_", "tok_a b", "card_1", "TOK_visa"})
        EXPECT_EQ(error(pay(uuid, {{"ext_test1", token}})), bad) << token;
    EXPECT_EQ(error(pay(uuid, {{"ext_test1", "tok_" + std::string(252, 'x')}})), bad);
    EXPECT_EQ(error(pay(uuid, {{"ext_test1", ""}})), "400 8 ext_test1_callback/stripeToken: is missing");
    EXPECT_EQ(error(pay(uuid, {{"ext_test0", "tok_visa"}})),
              "400 8 ext_test0_callback/stripeToken: is for a bundle that waits for no payment");
    EXPECT_EQ(status(uuid).at("transaction_status"), "reserved");
    EXPECT_EQ(ledger(), "");
}

TEST_F(StripeDoorTest, TokensForACalloutThatNeverComesAreNotRead) {
    const auto uuid = world_.reserve("demo");
    const auto answer = pay(uuid, {{"ext_test1", "tok_1Unread"}}, "demo");
    EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << answer.raw.body;
    EXPECT_EQ(ledger(), "");
    const auto other = world_.reserve("demo-stripe");
    EXPECT_EQ(at(pay(other, {{"ext_test1", "tok_1Unread"}}).body, "/transaction_status"), "failed")
        << "nor spent: it is Stripe that does not know it";
}

TEST_F(StripeDoorTest, ATokenPaysOnce) {
    ASSERT_EQ(
        at(pay(world_.reserve("demo-stripe"), {{"ext_test1", "tok_1Once"}}).body, "/transaction_status"),
        "failed")
        << "Stripe does not know it, and it is spent all the same";
    const auto uuid = world_.reserve("demo-stripe");
    EXPECT_EQ(error(pay(uuid, {{"ext_test1", "tok_1Once"}})),
              "400 8 ext_test1_callback/stripeToken: was used before: it is good for one payment");
    EXPECT_EQ(status(uuid).at("transaction_status"), "reserved");
    const auto two = reserve_two();
    EXPECT_EQ(
        error(pay(two, {{"ext_test0", "tok_2Twice"}, {"ext_test1", "tok_2Twice"}})),
        "400 8 ext_test1_callback/stripeToken: pays for another bundle already: it is good for one payment");
    EXPECT_EQ(status(two).at("transaction_status"), "reserved");
    const auto token = asked(uuid);
    EXPECT_EQ(error(callback(token, {{"stripeToken", "tok_1Once"}})),
              "400 8 stripeToken: was used before: it is good for one payment");
    EXPECT_EQ(at(status(uuid), "/pending_callout/return_token"), token) << "and the callout is still open";
    EXPECT_EQ(at(callback(token, {{"stripeToken", "tok_visa"}}).body, "/transaction_status"), "purchased");
}

TEST_F(StripeDoorTest, DeclinesSayWhatTheyWere) {
    struct Case {
        const char* token;
        const char* code;
        bool cv_two, avs, secure;
    };
    for (const auto& [token, code, cv_two, avs, secure] :
         {Case{"tok_chargeDeclinedInsufficientFunds", "insufficient_funds", false, false, false},
          Case{"tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", true, false, false},
          Case{"tok_avsZipFail", "incorrect_zip", false, true, false},
          Case{"tok_chargeDeclinedStolenCard", "generic_decline", false, false, false},
          Case{"tok_threeDSecure2Required", "auth_failure", false, false, true}}) {
        const auto answer = pay(world_.reserve("demo-stripe"), {{"ext_test1", token}});
        EXPECT_EQ(at(answer.body, "/transaction_status"), "failed") << token << answer.raw.body;
        for (const auto* where :
             {"/trolley_contents/purchase_result", "/trolley_contents/bundle/0/purchase_result"}) {
            const auto result = at(answer.body, where);
            EXPECT_EQ(result.value("purchase_error", ""), code) << token;
            EXPECT_EQ(result.at("failed_cv_two"), cv_two) << token;
            EXPECT_EQ(result.at("failed_avs"), avs) << token;
            EXPECT_EQ(result.at("failed_3d_secure"), secure) << token;
            EXPECT_NE(result.value("failure_reason", ""), "") << token;
            EXPECT_EQ(result.at("success"), false);
        }
    }
    EXPECT_EQ(ledger(), "");
}

TEST_F(StripeDoorTest, ADeclineOfTheSecondGivesTheFirstBack) {
    const auto uuid = reserve_two();
    const auto answer = pay(uuid, {{"ext_test0", "tok_visa"}, {"ext_test1", "tok_chargeDeclined"}});
    EXPECT_EQ(at(answer.body, "/transaction_status"), "failed");
    world_.loop().run_until([&] { return ledger() != "held 16500"; });  // the answer does not wait for it
    EXPECT_EQ(ledger(), "held 16500, hold_gone 16500");
}

// ---- tokens by callback --------------------------------------------------------------------------------

TEST_F(StripeDoorTest, AMissingTokenIsAskedForByACallout) {
    const auto uuid = reserve_two();
    const auto answer = pay(uuid, {{"ext_test0", "tok_visa"}});
    ASSERT_TRUE(answer.body.contains("callout")) << answer.raw.body;
    EXPECT_FALSE(answer.body.contains("transaction_status"));
    const auto& callout = answer.body.at("callout");
    EXPECT_EQ(callout.at("bundle_source_code"), "ext_test1");
    EXPECT_EQ(callout.at("bundle_total_cost").dump(), "110");
    EXPECT_EQ(callout.at("callout_type"), "get");
    EXPECT_EQ(callout.at("callout_destination_url").get<std::string>().find("http://127.0.0.1:8080/callout/"),
              0U);
    EXPECT_EQ(callout.at("callout_parameters"), json::object());
    EXPECT_EQ(at(callout, "/callout_integration_data/publishable_key"), "pk_test_OfTheWorld");
    EXPECT_EQ(at(callout, "/debitor/debitor_type"), "stripe");
    EXPECT_EQ(status(uuid).at("pending_callout"), callout);
    EXPECT_EQ(ledger(), "held 16500") << "held, and not taken before the other is";

    const auto done = callback(callout.at("return_token"), {{"stripeToken", "tok_visa"}});
    EXPECT_EQ(at(done.body, "/transaction_status"), "purchased") << done.raw.body;
    EXPECT_EQ(ledger(), "held 16500, held 11000, taken 16500, taken 11000");
    EXPECT_EQ(error(callback(callout.at("return_token"), {{"stripeToken", "tok_visa"}})),
              "410 8 transaction failed");
}

TEST_F(StripeDoorTest, TwoMissingTokensAreAskedForOneAfterTheOther) {
    const auto uuid = reserve_two();
    const auto first = asked(uuid);
    const auto hop = callback(first, {{"stripeToken", "tok_visa"}});
    ASSERT_TRUE(hop.body.contains("callout")) << hop.raw.body;
    EXPECT_EQ(at(hop.body, "/callout/bundle_source_code"), "ext_test1");
    const auto second = at(hop.body, "/callout/return_token").get<std::string>();
    EXPECT_NE(second, first);
    EXPECT_EQ(at(callback(second, {{"stripeToken", "tok_visa"}}).body, "/transaction_status"), "purchased");
}

TEST_F(StripeDoorTest, ACallbackWithoutAProperTokenLeavesTheCalloutOpen) {
    const auto uuid = world_.reserve("demo-stripe");
    const auto token = asked(uuid);
    const std::string bad =
        "400 8 stripeToken: is no token of Stripe: tok_... or pm_..., of at most 255 letters, digits and '_'";
    EXPECT_EQ(error(callback(token, {{"stripetoken", "tok_visa"}})), "400 8 stripeToken: is missing");
    EXPECT_EQ(error(callback(token, {{"other", ""}, {"stripeToken", ""}})), "400 8 stripeToken: is missing");
    EXPECT_EQ(error(callback(token, {{"stripeToken", "4111111111111111"}})), bad);
    EXPECT_EQ(error(callback(token, {{"stripeToken", "tok_visa"}, {"stripeToken", "tok_amex"}})), bad);
    EXPECT_EQ(at(status(uuid), "/pending_callout/return_token"), token);
    EXPECT_EQ(status(uuid).at("transaction_status"), "attempting");
    EXPECT_EQ(ledger(), "");
    const auto done = callback(token, {{"stripeToken", "tok_visa"}, {"stripeToken", "tok_visa"}});
    EXPECT_EQ(at(done.body, "/transaction_status"), "purchased") << "the same twice is one" << done.raw.body;
}

TEST_F(StripeDoorTest, ACustomerWhoGivesNothingHasNotPaid) {
    for (const Fields& fields : {Fields{}, Fields{{"is_tsw_callout_timeout_callback", "1"}},
                                 Fields{{"cancelled", "yes"}, {"stripeToken", ""}}}) {
        const auto uuid = world_.reserve("demo-stripe");
        const auto done = callback(asked(uuid), fields);
        EXPECT_EQ(at(done.body, "/transaction_status"), "failed") << done.raw.body;
        EXPECT_EQ(at(done.body, "/trolley_contents/purchase_result/purchase_error"), "cancelled");
        EXPECT_EQ(at(done.body, "/trolley_contents/purchase_result/failed_3d_secure"), false);
    }
    EXPECT_EQ(ledger(), "");
}

TEST_F(StripeDoorTest, ATokenOfKassiIsOfItsCallerOnly) {
    const auto uuid = world_.reserve("demo-stripe");
    const auto token = asked(uuid);
    for (const auto* user : {"stripe-neighbour", "demo"})
        EXPECT_EQ(error(callback(token, {{"stripeToken", "tok_visa"}}, user)),
                  "400 8 this: was never issued");
    EXPECT_EQ(status(uuid).at("transaction_status"), "attempting");
    const auto page = at(status(uuid), "/pending_callout/callout_destination_url").get<std::string>();
    EXPECT_EQ(error(callback(page.substr(page.rfind('/') + 1), {{"stripeToken", "tok_visa"}})),
              "400 8 this: was never issued");
}

TEST_F(StripeDoorTest, TheBanksPageNeedsAWayBack) {
    const auto uuid = world_.reserve("demo-stripe");
    auto fields = redirection("bank-1");
    fields.emplace_back("ext_test1_callback/stripeToken", "tok_threeDSecure2Required");
    const auto sent = world_.purchase(uuid, "demo-stripe", fields);
    ASSERT_TRUE(sent.body.contains("callout")) << sent.raw.body;
    EXPECT_EQ(at(sent.body, "/callout/return_token"), "bank-1");
    EXPECT_EQ(
        at(sent.body, "/callout/callout_destination_url").get<std::string>().find("http://127.0.0.1:8081/"),
        0U);
    // Back from it without having been there: what a browser says is not believed, and the intent is closed.
    const auto done = callback("bank-1", {{"redirect_status", "succeeded"}});
    EXPECT_EQ(at(done.body, "/transaction_status"), "failed") << done.raw.body;
    EXPECT_EQ(at(done.body, "/trolley_contents/purchase_result/failed_3d_secure"), true);
    EXPECT_EQ(ledger(), "");
}

TEST_F(StripeDoorTest, AfterADeclineAnotherCardMayPay) {
    const auto uuid = world_.reserve("demo-again");
    const auto declined = pay(uuid, {{"ext_test1", "tok_chargeDeclined"}}, "demo-again");
    EXPECT_EQ(at(status(uuid, "demo-again"), "/transaction_status"), "attempting") << declined.raw.body;
    const auto paid = pay(uuid, {{"ext_test1", "tok_visa"}}, "demo-again");
    EXPECT_EQ(at(paid.body, "/transaction_status"), "purchased") << paid.raw.body;
}

TEST_F(StripeDoorTest, ARepeatIsNotPaidTwice) {
    const auto uuid = world_.reserve("demo-stripe");
    const auto first = pay(uuid, {{"ext_test1", "tok_visa"}});
    EXPECT_EQ(pay(uuid, {{"ext_test1", "tok_visa"}}).body, first.body);
    EXPECT_EQ(ledger(), "held 11000, taken 11000");
}

TEST_F(StripeDoorTest, CancelGivesBack) {
    const auto uuid = reserve_two();
    pay(uuid, {{"ext_test0", "tok_visa"}, {"ext_test1", "tok_visa"}});
    const auto part = world_.post("/f13/cancel.v1/", {{"transaction_uuid", uuid}, {"cancel_items_list", "1"}},
                                  "demo-stripe");
    EXPECT_EQ(part.body.at("cancelled_item_numbers"), json::array({1})) << part.raw.body;
    world_.post("/f13/cancel.v1/", {{"transaction_uuid", uuid}}, "demo-stripe");
    EXPECT_EQ(ledger(),
              "held 16500, held 11000, taken 16500, taken 11000, given_back 11000, given_back 16500");
}

}  // namespace
}  // namespace kassi::api::f13
