#include <gmock/gmock.h>

#include "../log_lines.hpp"
#include "house.hpp"

/// What /v1 does with Stripe: credentials, callouts for what is missing, money given back, disputes.
namespace kassi::doors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string path_of(const json& transaction, const std::string& more = "") {
    return "/v1/transactions/" + transaction["id"].get<std::string>() + more;
}

json with_tokens(const std::vector<std::pair<std::string, std::string>>& tokens, json more = json::object()) {
    for (const auto& [source, token] : tokens) more["credentials"][source]["stripe_token"] = token;
    return more;
}

HttpResponse purchase(House& house, const json& transaction, const json& body) {
    return house.post(path_of(transaction, "/purchase"), body.dump());
}

/// A transaction that was bought with a test card.
json bought(House& house, const std::string& token = "tok_visa") {
    const auto transaction = house.hand_over("demo-stripe");
    const auto response = purchase(house, transaction, with_tokens({{"ext_test0", token}}));
    EXPECT_EQ(json::parse(response.body)["phase"], "purchased") << response.body;
    return json::parse(response.body);
}

TEST(StripeWays, SayWhatAPageNeeds) {
    House house;
    const auto ways =
        json::parse(house.get("/v1/ways?caller=demo-credit-or-stripe&source=ext_test0").body)["data"];
    ASSERT_EQ(ways.size(), 2U);
    EXPECT_EQ(ways[0]["integration"], nullptr);
    EXPECT_EQ(ways[0]["credentials"], json::array({"none"}));
    EXPECT_EQ(ways[1]["merchant"], "card");
    EXPECT_EQ(ways[1]["browser"], "maybe");
    EXPECT_EQ(ways[1]["credentials"], json::array({"stripe_token"}));
    EXPECT_EQ(ways[1]["integration"],
              (json{{"publishable_key", "pk_test_OfTheDoors"}, {"statement_descriptor", "Doors & Co"}}));
    EXPECT_EQ(ways.dump().find("sk_test"), std::string::npos);
    EXPECT_EQ(ways.dump().find("whsec"), std::string::npos);
}

TEST(StripeCredentials, BuyInOneCall) {
    House house;
    const auto transaction =
        house.hand_over("demo-stripe", json::array({bundle("ext_test0", 100), bundle("ext_test1", 200)}));
    const auto paid = json::parse(
        purchase(house, transaction, with_tokens({{"ext_test0", "tok_visa"}, {"ext_test1", "pm_card_visa"}}))
            .body);
    EXPECT_EQ(paid["phase"], "purchased") << paid;
    EXPECT_EQ(paid["callout"], nullptr);
    EXPECT_EQ(paid["legs"][1]["disputed"], false);
    EXPECT_EQ(house.stripe_ledger(), "held 100, held 200, taken 100, taken 200");
}

TEST(StripeCredentials, ChooseTheWayThatTakesThem) {
    House house;
    const auto transaction = house.hand_over("demo-credit-or-stripe");
    const auto paid =
        json::parse(purchase(house, transaction, with_tokens({{"ext_test0", "tok_visa"}})).body);
    EXPECT_EQ(paid["legs"][0]["merchant"], "card") << paid;
    const auto other = house.hand_over("demo-credit-or-stripe");
    EXPECT_EQ(json::parse(purchase(house, other, json::object()).body)["legs"][0]["merchant"], "on_credit");
}

TEST(StripeCredentials, AreRefusedByTheirPath) {
    House house;
    const auto transaction = house.hand_over("demo-stripe");
    const auto refused = [&](const json& body, const std::string& field) {
        return is_problem(purchase(house, transaction, body), 400, field);
    };
    EXPECT_TRUE(refused(json::object(), "credentials.ext_test0")) << "missing, and nobody to ask";
    EXPECT_TRUE(refused(with_tokens({{"ext_test0", ""}}), "credentials.ext_test0.stripe_token"));
    EXPECT_TRUE(refused(with_tokens({{"ext_test0", "4111111111111111"}}), "credentials.ext_test0"));
    EXPECT_TRUE(refused(with_tokens({{"ext_test1", "tok_visa"}}), "credentials.ext_test1"));
    EXPECT_TRUE(
        refused(json::parse(R"({"credentials": {"ext_test0": {"card": "x"}}})"), "credentials.ext_test0"));
    EXPECT_EQ(house.read(transaction)["phase"], "reserved");
    const auto credit = house.hand_over("demo");
    EXPECT_TRUE(is_problem(purchase(house, credit, with_tokens({{"ext_test0", "tok_visa"}})), 400,
                           "credentials.ext_test0"));
    EXPECT_EQ(house.stripe_ledger(), "");
}

TEST(StripeCredentials, PayOnce) {
    House house;
    const auto first = house.hand_over("demo-stripe"), second = house.hand_over("demo-stripe");
    EXPECT_EQ(json::parse(purchase(house, first, with_tokens({{"ext_test0", "tok_1Once"}})).body)["phase"],
              "failed")
        << "nobody made it";
    EXPECT_TRUE(is_problem(purchase(house, second, with_tokens({{"ext_test0", "tok_1Once"}})), 400,
                           "credentials.ext_test0"));
    EXPECT_EQ(house.read(second)["phase"], "reserved");
}

TEST(StripeCredentials, AreInNoAnswerAndNoLog) {
    House house;
    const LogLines log;
    const auto transaction = house.hand_over("demo-stripe");
    const auto answer = purchase(house, transaction, with_tokens({{"ext_test0", "tok_1Secret"}}));
    const auto again =
        purchase(house, house.hand_over("demo-stripe"), with_tokens({{"ext_test0", "tok_1Secret"}}));
    for (const auto& text :
         {answer.body, again.body, house.get(path_of(transaction, "/journal")).body, log.text()})
        EXPECT_EQ(text.find("tok_1Secret"), std::string::npos) << text;
}

TEST(StripeDeclines, SayWhatTheyWere) {
    House house;
    const auto refusal = [&house](const std::string& token) {
        const auto answer =
            purchase(house, house.hand_over("demo-stripe"), with_tokens({{"ext_test0", token}}));
        const auto body = json::parse(answer.body);
        EXPECT_EQ(body["phase"], "failed") << token;
        return body["legs"][0]["refused"];
    };
    EXPECT_EQ(refusal("tok_chargeDeclinedInsufficientFunds")["code"], "insufficient_funds");
    EXPECT_EQ(refusal("tok_chargeDeclinedIncorrectCvc")["failed_cv_two"], true);
    EXPECT_EQ(refusal("tok_avsZipFail")["failed_avs"], true);
    EXPECT_EQ(refusal("tok_threeDSecure2Required")["failed_3d_secure"], true)
        << "nobody could be sent to the bank";
    EXPECT_EQ(house.stripe_ledger(), "");
}

TEST(StripeCallout, AsksForACardAtOurPage) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    EXPECT_EQ(away["phase"], "authorising");
    const auto& callout = away["callout"];
    EXPECT_EQ(callout["type"], "get");
    EXPECT_THAT(callout["destination"].get<std::string>(),
                StartsWith(std::string(House::public_url) + "/callout/"));
    EXPECT_EQ(callout["page_url"], callout["destination"]);
    EXPECT_EQ(callout["parameters"], json::array());
    EXPECT_EQ(callout["integration"]["publishable_key"], "pk_test_OfTheDoors");
    EXPECT_EQ(callout["return_token"], nullptr) << "the browser brings it";
    const auto story = json::parse(house.get(path_of(away, "/explain")).body);
    EXPECT_EQ(story["summary"], "The customer is asked for a card to pay £12.50 for Seats.");
    EXPECT_THAT(story["waits_for"], ElementsAre("the customer, who is to give a card"));
    const auto journal = house.get(path_of(away, "/journal")).body;
    EXPECT_THAT(journal, HasSubstr("The customer was asked for a card to pay £12.50 for Seats"));
}

TEST(StripeCallout, TakesTheTokenOfACallersOwnPage) {
    House house;
    const auto transaction =
        house.hand_over("demo-stripe", json::array({bundle("ext_test0", 100), bundle("ext_test1", 200)}));
    auto body = with_tokens({{"ext_test1", "tok_visa"}});
    body["return"] = {{"via", "caller"}, {"token", "t1"}, {"url", "http://shop.example/back/t1"}};
    const auto away = json::parse(purchase(house, transaction, body).body);
    EXPECT_EQ(away["callout"]["leg"], 1) << away;
    EXPECT_EQ(away["callout"]["return_token"], "t1");
    const auto back = [&house](const json& fields, const std::string& caller = "demo-stripe") {
        return house.post("/v1/callbacks/t1", json{{"caller", caller}, {"fields", fields}}.dump());
    };
    EXPECT_TRUE(is_problem(back({{"stripeToken", "tok_visa"}}, "demo"), 400, "token"));
    EXPECT_TRUE(is_problem(back({{"success", "yes"}}), 400, "stripeToken"));
    EXPECT_TRUE(is_problem(back({{"stripeToken", "card"}}), 400, "stripeToken"));
    EXPECT_TRUE(is_problem(back(json::array({{"stripeToken", "tok_visa"}, {"stripeToken", "tok_amex"}})), 400,
                           "stripeToken"));
    EXPECT_EQ(house.read(away)["legs"][0]["state"], "called_out") << "the callout is as it was";
    const auto done = back({{"stripeToken", "tok_visa"}});
    EXPECT_EQ(json::parse(done.body)["phase"], "purchased") << done.body;
    EXPECT_EQ(back({{"stripeToken", "tok_visa"}}).body, done.body) << "the same return again";
    EXPECT_TRUE(is_problem(back({{"stripeToken", "tok_amex"}}), 410, "token"));
    EXPECT_EQ(house.stripe_ledger(), "held 100, held 200, taken 100, taken 200");
}

TEST(StripeCallout, ThatBringsNothingHasNotPaid) {
    House house;
    const auto transaction = house.hand_over("demo-stripe");
    house.purchase_via_caller(transaction, "t1");
    const auto done = house.post("/v1/callbacks/t1", R"({"caller": "demo-stripe"})");
    EXPECT_EQ(json::parse(done.body)["phase"], "failed") << done.body;
    EXPECT_EQ(json::parse(done.body)["legs"][0]["refused"]["code"], "cancelled");
    EXPECT_EQ(house.stripe_ledger(), "");
}

TEST(StripeCallout, IsALogLineOfItsTransaction) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-stripe"));
    const auto page = house.browse(
        "GET", away["callout"]["destination"].get<std::string>().substr(House::public_url.size()));
    const auto action = page.body.find(std::string(House::public_url) + "/callback/");
    ASSERT_NE(action, std::string::npos);
    const auto begin = action + House::public_url.size() + std::string_view("/callback/").size();
    const auto token = page.body.substr(begin, page.body.find('"', begin) - begin);
    const LogLines log;
    // The caller, too, may bring what is missing, by the token that we minted.
    EXPECT_TRUE(
        is_problem(house.post("/v1/callbacks/" + token, R"({"caller": "demo-stripe", "fields": {"a": "b"}})"),
                   400, "stripeToken"));
    EXPECT_EQ(log.last("v1")["transaction"], away["id"]);
    EXPECT_TRUE(is_problem(
        house.post("/v1/callbacks/" + token, R"({"caller": "demo", "fields": {"a": "b"}})"), 400, "token"));
    EXPECT_EQ(log.last("v1")["transaction"], "") << "of another's token nothing is told";
    EXPECT_EQ(log.text().find(token), std::string::npos);
}

// ---- afterwards ----------------------------------------------------------------------------------------

TEST(StripeRefund, InPartsAndInFull) {
    House house;
    const auto paid = bought(house);
    const auto refund = [&](int minor) {
        return house.post(path_of(paid, "/refunds"),
                          json{{"leg", 1}, {"amount", minor}, {"by", "Anna"}, {"because", "rain"}}.dump());
    };
    EXPECT_EQ(json::parse(refund(300).body)["legs"][0]["given_back"], 300);
    EXPECT_GE(refund(951).status, 400) << "more than is left";
    EXPECT_EQ(json::parse(refund(950).body)["legs"][0]["money"], "back");
    EXPECT_EQ(house.stripe_ledger(), "held 1250, taken 1250, given_back 300, given_back 950");
    house.deliver_stripe();
    EXPECT_EQ(house.read(paid)["legs"][0]["given_back"], 1250) << "their events count nothing twice";
    EXPECT_EQ(house.read(paid)["phase"], "cancelled");
}

TEST(StripeRefund, AtTheProvidersIsBookedAndTold) {
    House house;
    const auto paid = bought(house);
    house.deliver_stripe();
    const auto id = TransactionId::parse(paid["id"].get<std::string>(), "id");
    const auto leg = house.engine->view(*id, "", "")->transaction.legs[0];
    std::string intent;
    for (const auto& [kind, reference] : leg.references)
        if (kind == "intent") intent = reference;
    HttpRequest dashboard{"POST",
                          "/v1/refunds",
                          {{"Authorization", "Bearer sk_test_OfTheDoors"},
                           {"Content-Type", "application/x-www-form-urlencoded"}},
                          encoding::form({{"payment_intent", intent}, {"amount", "250"}}),
                          ""};
    HttpResponse given_back;
    house.world.provider(std::move(dashboard),
                         [&](HttpResponse response) { given_back = std::move(response); });
    ASSERT_EQ(given_back.status, 200) << given_back.body;
    EXPECT_EQ(house.read(paid)["legs"][0]["given_back"], 0);
    house.deliver_stripe();
    // The event counts what may still not arrive: Stripe is asked.
    const auto given = [&] { return house.read(paid)["legs"][0]["given_back"].get<int>(); };
    EXPECT_TRUE(house.queue.run_until([&] { return given() == 250; })) << given();
    const auto story = json::parse(house.get(path_of(paid, "/explain")).body);
    EXPECT_THAT(story["because"][0].get<std::string>(),
                HasSubstr("£2.50 went back at card without a refund of ours."));
    EXPECT_THAT(house.get(path_of(paid, "/journal")).body,
                HasSubstr("Card gave back £2.50, without a refund of ours."));
}

TEST(StripeDispute, IsShown) {
    House house;
    const auto paid = bought(house, "tok_createDispute");
    EXPECT_EQ(paid["legs"][0]["disputed"], false);
    for (int i = 0; i < 5; ++i) {
        house.forward(Millis{60'000});
        house.deliver_stripe();
    }
    const auto now = house.read(paid);
    EXPECT_EQ(now["legs"][0]["disputed"], true);
    EXPECT_EQ(now["phase"], "purchased");
    const auto story = json::parse(house.get(path_of(paid, "/explain")).body);
    EXPECT_THAT(story["summary"].get<std::string>(),
                HasSubstr("The customer disputed a payment at the bank."));
    EXPECT_THAT(house.get(path_of(paid, "/journal")).body,
                HasSubstr("A dispute about leg 1 was noted: charge.dispute.created"));
}

}  // namespace
}  // namespace kassi::doors
