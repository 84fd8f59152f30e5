#include <gmock/gmock.h>

#include "sandbox/simulators/stripe_books.hpp"
#include "stripe_town.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct StripePayments : testing::Test {
    Town town;
};

TEST_F(StripePayments, PaysInOneCall) {
    const auto paid = town.pay("tok_visa", {{"description", "Two seats"}, {"expand[0]", "latest_charge"}});
    ASSERT_EQ(paid.status, 200) << paid.body;
    EXPECT_EQ(paid.body["object"], "payment_intent");
    EXPECT_EQ(paid.body["livemode"], false);
    EXPECT_EQ(paid.state(), "succeeded");
    EXPECT_EQ(paid.body["amount_received"], 11000);
    EXPECT_EQ(paid.body["amount_capturable"], 0);
    EXPECT_EQ(paid.body["currency"], "gbp");
    EXPECT_EQ(paid.body["capture_method"], "automatic_async");
    EXPECT_EQ(paid.body["metadata"]["kassi_reference"], "ref-1");
    EXPECT_TRUE(paid.body["client_secret"].get<std::string>().starts_with(paid.id() + "_secret_"));
    const auto& charge = paid.body["latest_charge"];
    EXPECT_EQ(charge["payment_intent"], paid.id());
    EXPECT_EQ(charge["captured"], true);
    EXPECT_EQ(charge["paid"], true);
    EXPECT_EQ(charge["amount_captured"], 11000);
    EXPECT_EQ(charge["payment_method_details"]["card"]["last4"], "4242");
    EXPECT_EQ(charge["outcome"]["type"], "authorized");
    EXPECT_EQ(town.ledger(), "taken 11000");
    const auto entry = town.house->ledger().front();
    EXPECT_EQ(entry.merchant + entry.reference + entry.currency + entry.intent, "oneref-1GBP" + paid.id());
}

/// What a wallet's number and cryptogram come to: "requires_capture", or the parameter that is wrong.
std::string by_wallet(Town& town, Fields change = {}, const std::string& without = "") {
    Fields fields{{"amount", "11000"},
                  {"currency", "gbp"},
                  {"confirm", "true"},
                  {"capture_method", "manual"},
                  {"payment_method_types[0]", "card"},
                  {"payment_method_data[type]", "card"},
                  {"payment_method_data[card][network_token][number]", "4111111111111111"},
                  {"payment_method_data[card][network_token][exp_month]", "12"},
                  {"payment_method_data[card][network_token][exp_year]", "2030"},
                  {"payment_method_data[card][network_token][tokenization_method]", "apple_pay"},
                  {"payment_method_options[card][network_token][cryptogram]", "FBUWFxgZGhscHR4fICEiIyQlJic="},
                  {"payment_method_options[card][network_token][electronic_commerce_indicator]", "5"}};
    for (auto& [name, value] : change) {
        const auto known = std::find_if(fields.begin(), fields.end(),
                                        [&name = name](const auto& each) { return each.first == name; });
        if (known != fields.end())
            known->second = value;
        else
            fields.emplace_back(name, value);
    }
    std::erase_if(fields, [&](const auto& field) { return field.first == without; });
    const auto answer = town.send(Town::request("POST", "/v1/payment_intents", fields));
    if (answer.status == 200) return answer.state();
    const auto& error = answer.body["error"];
    return error.value("param", error.value("code", "?"));
}

TEST_F(StripePayments, AWalletsNumberNeedsItsCryptogram) {
    const std::string data = "payment_method_data[card][network_token]";
    const std::string cryptogram = "payment_method_options[card][network_token][cryptogram]";
    EXPECT_EQ(by_wallet(town), "requires_capture");
    EXPECT_EQ(town.ledger(), "held 11000");
    EXPECT_EQ(by_wallet(town, {}, cryptogram), cryptogram);
    EXPECT_EQ(by_wallet(town, {{cryptogram, "short"}}), cryptogram);
    EXPECT_EQ(by_wallet(town, {{data + "[number]", "4111111111111112"}}), "number");
    EXPECT_EQ(by_wallet(town, {{data + "[number]", "4000000000000002"}}), "card_declined");
    EXPECT_EQ(by_wallet(town, {{data + "[exp_year]", "2020"}}), "exp_year");
    EXPECT_EQ(by_wallet(town, {{data + "[tokenization_method]", "no_pay"}}), data + "[tokenization_method]");
    EXPECT_EQ(by_wallet(town, {{"payment_method_data[card][token]", "tok_visa"}}), "payment_method_data");
    EXPECT_EQ(town.ledger(), "held 11000") << "and nothing else";
}

TEST_F(StripePayments, HoldsAndCaptures) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    EXPECT_EQ(held.state(), "requires_capture");
    EXPECT_EQ(held.body["amount_capturable"], 11000);
    EXPECT_EQ(held.body["amount_received"], 0);
    const auto charge = town.get("/charges/" + held.body["latest_charge"].get<std::string>());
    EXPECT_EQ(charge.body["captured"], false);
    EXPECT_EQ(charge.body["paid"], true);
    EXPECT_EQ(charge.body["payment_method_details"]["card"]["capture_before"], 1'768'039'200 + 7 * 86400);
    const auto captured = town.post("/payment_intents/" + held.id() + "/capture", {{"metadata[a]", "b"}});
    EXPECT_EQ(captured.state(), "succeeded");
    EXPECT_EQ(captured.body["amount_received"], 11000);
    EXPECT_EQ(captured.body["amount_capturable"], 0);
    EXPECT_EQ(captured.body["metadata"]["a"], "b");
    EXPECT_EQ(town.ledger(), "held 11000, taken 11000");
    const auto again = town.post("/payment_intents/" + held.id() + "/capture");
    EXPECT_EQ(again.status, 400);
    EXPECT_EQ(again.code(), "payment_intent_unexpected_state");
    EXPECT_EQ(again.error()["payment_intent"]["id"], held.id());
}

TEST_F(StripePayments, CapturesAPartAndReleasesTheRest) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    const auto path = "/payment_intents/" + held.id() + "/capture";
    const auto over = town.post(path, {{"amount_to_capture", "11001"}});
    EXPECT_EQ(over.code(), "amount_too_large");
    const auto none = town.post(path, {{"amount_to_capture", "0"}});
    EXPECT_EQ(none.code() + none.param(), "parameter_invalid_integeramount");
    const auto negative = town.post(path, {{"amount_to_capture", "-1"}});
    EXPECT_EQ(negative.code() + negative.param(), "amount_to_capture");
    EXPECT_EQ(negative.error()["payment_intent"]["status"], "requires_capture");
    const auto part = town.post(path, {{"amount_to_capture", "4000"}, {"expand[]", "latest_charge"}});
    EXPECT_EQ(part.body["amount_received"], 4000);
    EXPECT_EQ(part.body["latest_charge"]["amount_captured"], 4000);
    EXPECT_EQ(part.body["latest_charge"]["amount_refunded"], 0);
    EXPECT_EQ(town.ledger(), "held 11000, taken 4000, hold_gone 7000");
    EXPECT_EQ(town.post("/refunds", {{"payment_intent", held.id()}, {"amount", "4001"}}).param(), "amount");
    EXPECT_EQ(town.post("/refunds", {{"payment_intent", held.id()}}).body["amount"], 4000);
}

/// Before 2025-03-31 the release counted as a refund, and the word for a hold that ran out was another.
TEST_F(StripePayments, WhatChangedBetweenVersions) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    const auto charge = held.body["latest_charge"].get<std::string>();
    town.advance(stripe::hold_life);
    const auto show = [&](const std::string& path, const std::string& version) {
        auto request = Town::request("GET", "/v1" + path, {});
        request.headers.emplace_back("Stripe-Version", version);
        return town.send(std::move(request));
    };
    const auto now = show("/charges/" + charge, "2026-08-26.dahlia"),
               then = show("/charges/" + charge, "2022-11-15");
    EXPECT_EQ(now.body["amount_refunded"], 0);
    EXPECT_EQ(then.body["amount_refunded"], 11000);
    EXPECT_EQ(then.header("stripe-version"), "2022-11-15");
    EXPECT_EQ(show("/payment_intents/" + held.id(), "2026-08-26.dahlia").body["cancellation_reason"],
              "expired");
    EXPECT_EQ(show("/payment_intents/" + held.id(), "2024-06-20").body["cancellation_reason"], "automatic");
    EXPECT_EQ(show("/charges/" + charge, "2019-05-16").status, 400);
    EXPECT_EQ(show("/charges/" + charge, "tomorrow").status, 400);

    auto types = Town::request("POST", "/v1/payment_intents", Town::paying("tok_visa"));
    types.headers.emplace_back("Stripe-Version", "2026-10-28.endive");
    EXPECT_EQ(town.send(types).param(), "payment_method_types[0]");
    types.body.replace(types.body.find("payment_method_types"), 20, "allowed_payment_method_types");
    EXPECT_EQ(town.send(types).state(), "succeeded");
}

TEST_F(StripePayments, CancelsAndReleases) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    const auto path = "/payment_intents/" + held.id() + "/cancel";
    EXPECT_EQ(town.post(path, {{"cancellation_reason", "boredom"}}).param(), "cancellation_reason");
    const auto canceled = town.post(path, {{"cancellation_reason", "abandoned"}});
    EXPECT_EQ(canceled.state(), "canceled");
    EXPECT_EQ(canceled.body["cancellation_reason"], "abandoned");
    EXPECT_EQ(canceled.body["canceled_at"], 1'768'039'200);
    EXPECT_EQ(town.ledger(), "held 11000, hold_gone 11000");
    EXPECT_EQ(town.post(path).code(), "payment_intent_unexpected_state");
    const auto paid = town.pay("tok_visa");
    EXPECT_EQ(town.post("/payment_intents/" + paid.id() + "/cancel").status, 400);
}

TEST_F(StripePayments, AHoldEndsByItself) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    town.told();
    town.advance(stripe::hold_life - 1ms);
    EXPECT_EQ(town.get("/payment_intents/" + held.id()).state(), "requires_capture");
    town.advance(1ms);
    EXPECT_EQ(town.told(), "charge.expired, payment_intent.canceled");
    EXPECT_EQ(town.get("/payment_intents/" + held.id()).state(), "canceled");
    EXPECT_EQ(town.ledger(), "held 11000, hold_gone 11000");
}

/// Every decline: the error object, the intent in it, the stored charge.
TEST_F(StripePayments, Declines) {
    struct Case {
        const char *token, *code, *decline_code, *param;
    };
    for (const Case& each :
         {Case{"tok_chargeDeclined", "card_declined", "generic_decline", ""},
          Case{"tok_visa_chargeDeclined", "card_declined", "generic_decline", ""},
          Case{"tok_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", ""},
          Case{"tok_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", ""},
          Case{"tok_visa_chargeDeclinedLostCard", "card_declined", "lost_card", ""},
          Case{"tok_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", ""},
          Case{"tok_chargeDeclinedExpiredCard", "expired_card", "", "exp_month"},
          Case{"tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", "", "cvc"},
          Case{"tok_chargeDeclinedProcessingError", "processing_error", "", ""},
          Case{"tok_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", ""},
          Case{"tok_chargeDeclinedFraudulent", "card_declined", "fraudulent", ""},
          Case{"tok_chargeCustomerFail", "card_declined", "generic_decline", ""},
          Case{"tok_threeDSecureRequiredProcessingError", "processing_error", "", ""},
          Case{"tok_avsZipFail", "incorrect_zip", "", "address_zip"}}) {
        SCOPED_TRACE(each.token);
        const auto answer = town.pay(each.token);
        EXPECT_EQ(answer.status, 402);
        const auto error = answer.error();
        EXPECT_EQ(error["type"], "card_error");
        EXPECT_EQ(error["code"], each.code);
        EXPECT_EQ(error.value("decline_code", ""), each.decline_code);
        EXPECT_EQ(error.value("param", ""), each.param);
        EXPECT_EQ(answer.header("stripe-should-retry"), "false");
        const auto& intent = error["payment_intent"];
        EXPECT_EQ(intent["status"], "requires_payment_method");
        EXPECT_TRUE(intent["payment_method"].is_null());
        EXPECT_EQ(intent["last_payment_error"]["code"], each.code);
        EXPECT_EQ(intent["last_payment_error"]["charge"], error["charge"]);
        EXPECT_EQ(intent["latest_charge"], error["charge"]);
        EXPECT_EQ(error["payment_method"]["object"], "payment_method");
        const auto charge = town.get("/charges/" + error["charge"].get<std::string>());
        EXPECT_EQ(charge.state(), "failed");
        EXPECT_EQ(charge.body["failure_code"], each.code);
        EXPECT_EQ(charge.body["paid"], false);
        EXPECT_EQ(town.get("/payment_intents/" + intent["id"].get<std::string>()).state(),
                  "requires_payment_method");
        // The same card by its other name.
        auto twin = Town::paying("");
        std::erase_if(twin, [](const auto& field) { return field.first.starts_with("payment_method_data"); });
        twin.emplace_back("payment_method", "pm_card_" + std::string(each.token).substr(4));
        EXPECT_EQ(town.post("/payment_intents", twin).code(), each.code);
    }
    EXPECT_EQ(town.ledger(), "");
}

TEST_F(StripePayments, BlockedAndRiskyOnesSayWhy) {
    const auto blocked = town.pay("tok_chargeDeclinedFraudulent");
    const auto charge = town.get("/charges/" + blocked.error()["charge"].get<std::string>());
    EXPECT_EQ(charge.body["outcome"]["type"], "blocked");
    EXPECT_EQ(charge.body["outcome"]["network_status"], "not_sent_to_network");
    const auto zip = town.get("/charges/" + town.pay("tok_avsZipFail").error()["charge"].get<std::string>());
    EXPECT_EQ(zip.body["payment_method_details"]["card"]["checks"]["address_postal_code_check"], "fail");
    EXPECT_EQ(zip.body["outcome"]["type"], "blocked");
    const auto risky = town.pay("tok_riskLevelElevated", {{"expand[]", "latest_charge"}});
    EXPECT_EQ(risky.body["latest_charge"]["outcome"]["type"], "manual_review");
}

TEST_F(StripePayments, AnIntentCanBePaidWithAnotherCard) {
    const auto declined = town.pay("tok_chargeDeclined");
    const auto id = declined.error()["payment_intent"]["id"].get<std::string>();
    const auto bare =
        town.post("/payment_intents/" + id + "/confirm", {{"return_url", "https://a.example/"}});
    EXPECT_EQ(bare.code(), "payment_intent_unexpected_state");
    EXPECT_EQ(bare.error()["payment_intent"]["id"], id);
    const auto paid =
        town.post("/payment_intents/" + id + "/confirm",
                  {{"payment_method", "pm_card_mastercard"}, {"return_url", "https://a.example/"}});
    EXPECT_EQ(paid.state(), "succeeded");
    EXPECT_TRUE(paid.body["last_payment_error"].is_null());
    EXPECT_EQ(town.post("/payment_intents/" + id + "/confirm",
                        {{"payment_method", "pm_card_visa"}, {"return_url", "https://a.example/"}})
                  .code(),
              "payment_intent_unexpected_state");
    EXPECT_EQ(town.ledger(), "taken 11000");
}

TEST_F(StripePayments, MintedTokensAndMethodsAreForOnePayment) {
    const auto token = town.mint();
    ASSERT_EQ(token.status, 200) << token.body;
    EXPECT_EQ(token.body["card"]["last4"], "4242");
    EXPECT_EQ(token.body["used"], false);
    EXPECT_EQ(town.pay(token.id()).state(), "succeeded");
    EXPECT_EQ(town.pay(token.id()).code(), "token_already_used");
    EXPECT_EQ(town.get("/tokens/" + token.id()).body["used"], true);
    const auto declined = town.mint({{"card[number]", "4000000000000002"}});
    EXPECT_EQ(town.pay(declined.id()).code(), "card_declined");
    EXPECT_EQ(town.pay(declined.id()).code(), "token_already_used");
    // What is wrong with the parameters spends nothing.
    const auto spared = town.mint();
    EXPECT_EQ(town.pay(spared.id(), {{"currency", "xxq"}}).param(), "currency");
    EXPECT_EQ(town.pay(spared.id()).state(), "succeeded");
    // Another account's token is none.
    const auto foreign = town.mint();
    EXPECT_EQ(
        town.send(Town::request("POST", "/v1/payment_intents", Town::paying(foreign.id()), "", "sk_test_Two"))
            .code(),
        "resource_missing");
    for (const char* known : {"tok_visa", "tok_1Guide"})
        for (int i = 0; i < 2; ++i) EXPECT_EQ(town.pay(known).state(), "succeeded") << known;
    EXPECT_EQ(town.pay("tok_nope").code(), "resource_missing");

    const auto method = town.post(
        "/payment_methods",
        {{"type", "card"}, {"card[token]", "tok_visa"}, {"billing_details[address][postal_code]", "W6"}});
    EXPECT_EQ(method.body["billing_details"]["address"]["postal_code"], "W6");
    auto fields = Town::paying("");
    std::erase_if(fields, [](const auto& field) { return field.first.starts_with("payment_method_data"); });
    fields.emplace_back("payment_method", method.id());
    EXPECT_EQ(town.post("/payment_intents", fields).state(), "succeeded");
    const auto again = town.post("/payment_intents", fields);
    EXPECT_EQ(again.status, 400);
    EXPECT_EQ(again.param(), "payment_method");
}

TEST_F(StripePayments, CardsThatABrowserMayGive) {
    const auto code = [&](Fields more) {
        const auto answer = town.mint(std::move(more));
        return answer.error().value("type", "") + " " + answer.code() + " " + answer.param();
    };
    EXPECT_EQ(code({{"card[number]", "4242424242424241"}}), "card_error incorrect_number number");
    EXPECT_EQ(code({{"card[number]", "42424242"}}), "card_error incorrect_number number");
    EXPECT_EQ(code({{"card[exp_month]", "13"}}), "card_error invalid_expiry_month exp_month");
    EXPECT_EQ(code({{"card[exp_year]", "2025"}}), "card_error invalid_expiry_year exp_year");
    EXPECT_EQ(code({{"card[cvc]", "12"}}), "card_error invalid_cvc cvc");
    EXPECT_EQ(code({{"card[number]", "4539578763621486"}}), "card_error card_declined ");
    EXPECT_EQ(town.mint({{"card[number]", "4539578763621486"}}).error()["decline_code"],
              "test_mode_live_card");
    EXPECT_EQ(town.mint({{"card[exp_year]", "34"}}).body["card"]["exp_year"], 2034);
    // A secret key does not handle numbers.
    EXPECT_EQ(town.post("/tokens", {{"card[number]", "4242424242424242"},
                                    {"card[exp_month]", "1"},
                                    {"card[exp_year]", "2034"}})
                  .status,
              400);
}

/// No number is kept, saved or shown.
TEST_F(StripePayments, NoCardNumberIsKept) {
    const auto token = town.mint({{"card[number]", "5555555555554444"}});
    town.pay(token.id());
    std::string all = token.body.dump();
    for (const auto& line : town.saved) all += line;
    town.house->save_all([&](const std::string& line) { all += line; });
    for (const auto& hook : town.webhooks) all += hook.body;
    EXPECT_EQ(all.find("5555555555"), std::string::npos);
    EXPECT_NE(all.find("4444"), std::string::npos);
}

TEST_F(StripePayments, Refunds) {
    const auto paid = town.pay("tok_visa");
    const auto first = town.post("/refunds", {{"payment_intent", paid.id()},
                                              {"amount", "4000"},
                                              {"reason", "requested_by_customer"},
                                              {"metadata[why]", "rain"}});
    ASSERT_EQ(first.status, 200) << first.body;
    EXPECT_EQ(first.state(), "succeeded");
    EXPECT_EQ(first.body["payment_intent"], paid.id());
    EXPECT_EQ(first.body["metadata"]["why"], "rain");
    const auto charge = paid.body["latest_charge"].get<std::string>();
    EXPECT_EQ(town.get("/charges/" + charge).body["refunded"], false);
    const auto over = town.post("/refunds", {{"charge", charge}, {"amount", "7001"}});
    EXPECT_EQ(over.status, 400);
    EXPECT_EQ(over.code() + over.param(), "amount");
    const auto rest = town.post("/refunds", {{"charge", charge}, {"expand[]", "charge"}});
    EXPECT_EQ(rest.body["amount"], 7000);
    EXPECT_EQ(rest.body["charge"]["refunded"], true);
    EXPECT_EQ(town.post("/refunds", {{"charge", charge}}).code(), "charge_already_refunded");
    EXPECT_EQ(town.ledger(), "taken 11000, given_back 4000, given_back 7000");
    EXPECT_EQ(town.get("/refunds/" + first.id()).body["amount"], 4000);
    const auto expanded = town.get("/payment_intents/" + paid.id(), {{"expand[0]", "latest_charge.refunds"}});
    EXPECT_EQ(expanded.body["latest_charge"]["refunds"]["data"].size(), 2U);
    EXPECT_EQ(expanded.body["latest_charge"]["refunds"]["data"][0]["id"], rest.id());

    EXPECT_EQ(town.post("/refunds", {{"payment_intent", "pi_nope"}}).code(), "resource_missing");
    EXPECT_EQ(town.post("/refunds").code(), "parameter_missing");
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    EXPECT_EQ(town.post("/refunds", {{"payment_intent", held.id()}}).param(), "payment_intent");
}

TEST_F(StripePayments, RefundsThatTurnLater) {
    const auto refund_of = [&](const char* token) {
        return town.post("/refunds", {{"payment_intent", town.pay(token).id()}});
    };
    const auto slow = refund_of("tok_pendingRefund"), lost = refund_of("tok_refundFail"),
               never = refund_of("tok_pendingRefundFail");
    EXPECT_EQ(slow.state() + lost.state() + never.state(), "pendingsucceededpending");
    EXPECT_EQ(town.ledger(), "taken 11000, taken 11000, given_back 11000, taken 11000");
    town.advance(3s);
    town.told();
    town.advance(stripe::refund_turns_after);
    EXPECT_EQ(town.told(),
              "refund.updated, refund.failed, charge.refund.updated, refund.failed, charge.refund.updated");
    EXPECT_EQ(town.get("/refunds/" + slow.id()).state(), "succeeded");
    EXPECT_EQ(town.get("/refunds/" + lost.id()).state(), "failed");
    EXPECT_EQ(town.get("/refunds/" + lost.id()).body["failure_reason"], "expired_or_canceled_card");
    EXPECT_EQ(town.get("/refunds/" + never.id()).state(), "failed");
    EXPECT_EQ(town.ledger(),
              "taken 11000, taken 11000, given_back 11000, taken 11000, given_back 11000, taken 11000");
    // What failed can be asked for again.
    const auto charge = lost.body["charge"].get<std::string>();
    EXPECT_EQ(town.get("/charges/" + charge).body["amount_refunded"], 0);
    EXPECT_EQ(town.post("/refunds", {{"charge", charge}}).status, 200);
}

TEST_F(StripePayments, Disputes) {
    const auto paid = town.pay("tok_createDispute", {{"expand[]", "latest_charge"}});
    EXPECT_EQ(paid.state(), "succeeded");
    town.advance(3s);
    town.told();
    town.advance(stripe::dispute_opens_after);
    EXPECT_EQ(town.told(), "charge.dispute.created, charge.dispute.funds_withdrawn");
    const auto charge = paid.body["latest_charge"]["id"].get<std::string>();
    EXPECT_EQ(town.get("/charges/" + charge).body["disputed"], true);
    const auto disputes = town.get("/disputes", {{"payment_intent", paid.id()}});
    ASSERT_EQ(disputes.body["data"].size(), 1U);
    EXPECT_EQ(disputes.body["data"][0]["status"], "needs_response");
    EXPECT_EQ(disputes.body["data"][0]["reason"], "fraudulent");
    EXPECT_EQ(town.post("/refunds", {{"charge", charge}}).code(), "charge_disputed");
    town.advance(stripe::dispute_closes_after);
    EXPECT_EQ(town.told(), "charge.dispute.closed");
    EXPECT_EQ(town.get("/disputes").body["data"][0]["status"], "lost");

    const auto asked = town.pay("tok_createDisputeInquiry");
    town.advance(stripe::dispute_opens_after);
    EXPECT_EQ(town.get("/disputes").body["data"][0]["status"], "warning_needs_response");
    EXPECT_EQ(town.post("/refunds", {{"payment_intent", asked.id()}}).status, 200);
    // What was given back is not disputed any more.
    const auto given_back = town.pay("tok_createDisputeProductNotReceived");
    town.post("/refunds", {{"payment_intent", given_back.id()}});
    town.advance(stripe::dispute_opens_after);
    EXPECT_EQ(town.get("/disputes", {{"payment_intent", given_back.id()}}).body["data"].size(), 0U);
}

TEST_F(StripePayments, ChargesOfOldTimes) {
    const Fields fields{
        {"amount", "500"}, {"currency", "usd"}, {"source", "tok_visa"}, {"metadata[kassi_reference]", "r"}};
    const auto paid = town.post("/charges", fields);
    EXPECT_EQ(paid.state(), "succeeded");
    EXPECT_TRUE(paid.body["payment_intent"].is_null());
    EXPECT_EQ(town.house->ledger().front().reference + town.house->ledger().front().intent, "r" + paid.id());
    auto held_fields = fields;
    held_fields.emplace_back("capture", "false");
    const auto held = town.post("/charges", held_fields);
    EXPECT_EQ(held.body["captured"], false);
    EXPECT_EQ(town.post("/charges/" + held.id() + "/capture", {{"amount", "600"}}).code(),
              "amount_too_large");
    EXPECT_EQ(town.post("/charges/" + held.id() + "/capture", {{"amount", "200"}}).body["amount_captured"],
              200);
    EXPECT_EQ(town.post("/charges/" + held.id() + "/capture").code(), "charge_already_captured");
    const auto released = town.post("/charges", held_fields);
    EXPECT_EQ(town.post("/refunds", {{"charge", released.id()}, {"amount", "200"}}).param(), "amount");
    EXPECT_EQ(town.post("/refunds", {{"charge", released.id()}}).state(), "succeeded");
    EXPECT_EQ(town.get("/charges/" + released.id()).body["refunded"], true);
    EXPECT_EQ(town.post("/charges/" + released.id() + "/capture").code(), "charge_expired_for_capture");
    EXPECT_EQ(town.ledger(), "taken 500, held 500, taken 200, hold_gone 300, held 500, hold_gone 500");
    auto declined = fields;
    declined[2].second = "tok_chargeDeclined";
    const auto answer = town.post("/charges", declined);
    EXPECT_EQ(answer.status, 402);
    EXPECT_EQ(town.get("/charges/" + answer.error()["charge"].get<std::string>()).state(), "failed");
    EXPECT_FALSE(answer.error().contains("payment_intent"));
    declined[2].second = "tok_threeDSecure2Required";
    EXPECT_EQ(town.post("/charges", declined).code(), "authentication_required");
    EXPECT_EQ(town.post("/charges/" + paid.id(), {{"metadata[a]", "b"}}).body["metadata"]["a"], "b");
    const auto of_intent = town.pay("tok_visa", {{"capture_method", "manual"}});
    EXPECT_EQ(town.post("/charges/" + of_intent.body["latest_charge"].get<std::string>() + "/capture").status,
              400);
}

TEST_F(StripePayments, UpdatesWordsAndAmounts) {
    const auto intent = town.post("/payment_intents", {{"amount", "500"}, {"currency", "usd"}});
    EXPECT_EQ(intent.state(), "requires_payment_method");
    const auto path = "/payment_intents/" + intent.id();
    EXPECT_EQ(
        town.post(path, {{"amount", "700"}, {"description", "d"}, {"metadata[a]", "1"}, {"metadata[b]", "2"}})
            .body["amount"],
        700);
    const auto changed = town.post(path, {{"metadata[a]", ""}});
    EXPECT_EQ(changed.body["metadata"], (json{{"b", "2"}}));
    EXPECT_EQ(changed.body["description"], "d");
    EXPECT_EQ(town.post(path, {{"metadata", ""}}).body["metadata"], json::object());
    const auto ready = town.post(path, {{"payment_method", "pm_card_visa"}});
    EXPECT_EQ(ready.state(), "requires_confirmation");
    EXPECT_EQ(town.post(path + "/confirm", {{"return_url", "https://a.example/"}}).state(), "succeeded");
    const auto late = town.post(path, {{"amount", "900"}});
    EXPECT_EQ(late.code() + late.param(), "payment_intent_unexpected_stateamount");
    EXPECT_EQ(late.error()["payment_intent"]["id"], intent.id());
    EXPECT_EQ(town.post(path, {{"metadata[late]", "yes"}}).body["metadata"]["late"], "yes");
}

// ---- 3-D Secure ------------------------------------------------------------------------------------------

TEST_F(StripePayments, AsksForTheCustomer) {
    for (const char* token :
         {"tok_threeDSecure2Required", "tok_card_threeDSecure2Required", "tok_authenticationRequired",
          "tok_authenticationRequiredOnSetup", "tok_threeDSecureRequiredChargeDeclined"}) {
        SCOPED_TRACE(token);
        const auto waits = town.pay(token, {{"return_url", "https://shop.example/back?b=1"}});
        ASSERT_EQ(waits.status, 200) << waits.body;
        EXPECT_EQ(waits.state(), "requires_action");
        EXPECT_TRUE(waits.body["latest_charge"].is_null());
        const auto& action = waits.body["next_action"];
        EXPECT_EQ(action["type"], "redirect_to_url");
        EXPECT_EQ(action["redirect_to_url"]["return_url"], "https://shop.example/back?b=1");
        EXPECT_TRUE(action["redirect_to_url"]["url"].get<std::string>().starts_with(
            "http://127.0.0.1:8081/stripe/3d_secure_2/hosted?merchant="));
    }
    EXPECT_EQ(town.ledger(), "");
    const auto sdk = town.pay("tok_threeDSecure2Required", {{"use_stripe_sdk", "true"}});
    EXPECT_EQ(sdk.body["next_action"]["type"], "use_stripe_sdk");
    EXPECT_EQ(town.pay("tok_threeDSecure2Required").body["next_action"]["type"], "use_stripe_sdk");
}

TEST_F(StripePayments, NobodyIsThereToBeAsked) {
    for (const Fields& more :
         {Fields{{"off_session", "true"}}, Fields{{"error_on_requires_action", "true"}}}) {
        const auto answer = town.pay("tok_threeDSecure2Required", more);
        EXPECT_EQ(answer.status, 402);
        EXPECT_EQ(answer.code(), "authentication_required");
        EXPECT_EQ(answer.error()["decline_code"], "authentication_required");
        EXPECT_FALSE(answer.error().contains("charge"));
        EXPECT_EQ(answer.error()["payment_method"]["card"]["last4"], "3220");
        EXPECT_EQ(answer.error()["payment_intent"]["status"], "requires_payment_method");
    }
    EXPECT_EQ(town.pay("tok_authenticationRequiredSetupForOffSession", {{"off_session", "true"}}).state(),
              "succeeded");
    EXPECT_EQ(town.pay("tok_authenticationRequiredSetupForOffSession").state(), "requires_action");
    EXPECT_EQ(town.pay("tok_threeDSecureOptional").state(), "succeeded");
    EXPECT_EQ(town.pay("tok_visa", {{"payment_method_options[card][request_three_d_secure]", "any"}}).state(),
              "requires_action");
    EXPECT_EQ(
        town.pay("tok_amex", {{"payment_method_options[card][request_three_d_secure]", "challenge"}}).state(),
        "succeeded");
}

}  // namespace
}  // namespace kassi::sandbox
