#include "api/f13/card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/credentials/card.hpp"
#include "world.hpp"

/// Cards at F13: CardDetails, what is wrong with them, and 3-D Secure.
namespace kassi::api::f13 {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* guides_card = "4111 1111 1111 1111";

// ---- reading -------------------------------------------------------------------------------------------

TEST(TakeCard, AsTheFlowsReadIt) {
    Fields fields{{"card_number", guides_card},
                  {"expiry_date", "0419"},
                  {"start_date", "0115"},
                  {"cv_two", "123"},
                  {"issue_number", "1"},
                  {"billing_address_line_one", "1 \"High\" Street"},
                  {"billing_country_code", "uk"},
                  {"billing_postcode", "SW1"},
                  {"billing_town", "London"},
                  {"billing_county", "Kent"},
                  {"billing_address_line_two", "2"},
                  {"first_name", "Fred"}};
    const auto card = take_card(fields);
    ASSERT_TRUE(card);
    EXPECT_EQ(card->kind, "card");
    EXPECT_EQ(json::parse(card->value), (json{{"number", guides_card},
                                              {"expiry", "0419"},
                                              {"start", "0115"},
                                              {"cvc", "123"},
                                              {"issue", "1"},
                                              {"billing",
                                               {{"line_one", "1 \"High\" Street"},
                                                {"line_two", "2"},
                                                {"town", "London"},
                                                {"county", "Kent"},
                                                {"postcode", "SW1"},
                                                {"country", "uk"}}}}));
    // Nobody finds it in the call any more.
    EXPECT_EQ(*find_field(fields, "card_number"), "");
    EXPECT_EQ(*find_field(fields, "cv_two"), "");
    EXPECT_EQ(*find_field(fields, "first_name"), "Fred");
}

TEST(TakeCard, NothingOfACardIsNoCard) {
    Fields none{{"first_name", "Fred"}, {"card_number", ""}, {"billing_town", "London"}};
    EXPECT_FALSE(take_card(none));
    Fields some{{"cv_two", "123"}};
    EXPECT_TRUE(take_card(some)) << "its number is missing, and that is said";
}

TEST(CardParameter, NamesWhatTheClientSent) {
    EXPECT_EQ(card_parameter("credential.card.expiry"), "expiry_date");
    EXPECT_EQ(card_parameter("credentials.ext_test0.card.cvc"), "cv_two");
    EXPECT_EQ(card_parameter("credential.card.billing.town"), "billing_town");
    EXPECT_EQ(card_parameter("credentials.ext_test0.card"), "card_number");
    EXPECT_EQ(card_parameter("credentials.ext_test0"), "");
    EXPECT_EQ(card_parameter("first_name"), "");
}

TEST(CardResponse, EveryFaultHasACode) {
    using providers::card::Fault;
    const auto said = [](Fault fault) {
        const auto response = card_response(providers::card::error_of(fault));
        if (!response) return std::string("nothing");
        const auto body = json::parse(response->body);
        return std::to_string(response->status) + " " + body.at("error_code").dump() + " " +
               body.at("error_desc").get<std::string>();
    };
    EXPECT_EQ(said(Fault::scheme_unknown), "460 3000 Unknown cards are not accepted");
    EXPECT_EQ(said(Fault::scheme_not_accepted), "460 3001 Cards of this kind are not accepted");
    EXPECT_EQ(said(Fault::number_invalid), "460 3002 card_number: The card number is not valid.");
    EXPECT_EQ(said(Fault::expiry_invalid), "460 3003 expiry_date: The card's expiry date is not valid.");
    EXPECT_EQ(said(Fault::expired), "460 3003 expiry_date: The card has expired.");
    EXPECT_EQ(said(Fault::cvc_missing), "460 3004 cv_two: The card's security code is missing.");
    EXPECT_EQ(said(Fault::cvc_invalid), "460 3004 cv_two: The card's security code is not valid.");
    EXPECT_EQ(said(Fault::issue_missing),
              "460 3005 issue_number: The card's issue number or start date is missing.");
    EXPECT_EQ(said(Fault::issue_invalid), "460 3006 issue_number: The card's issue number is not valid.");
    EXPECT_EQ(said(Fault::start_missing),
              "460 3007 start_date: The card's start date or issue number is missing.");
    EXPECT_EQ(said(Fault::start_invalid), "460 3008 start_date: The card's start date is not valid.");
    EXPECT_FALSE(card_response(bad_request("card.number", "is missing")));
}

// ---- at the door ---------------------------------------------------------------------------------------

class CardDoorTest : public AtTheDoor {
  protected:
    static Fields card(const std::string& number, const std::string& expiry = "1230",
                       const std::string& cvc = "123") {
        return {{"card_number", number}, {"expiry_date", expiry}, {"cv_two", cvc}};
    }
    static Fields with(Fields fields, const Fields& more) {
        fields.insert(fields.end(), more.begin(), more.end());
        return fields;
    }
    std::string status(const std::string& uuid, const std::string& user) {
        return world_.get("/f13/status.v1/?transaction_uuid=" + uuid, user)
            .body.at("transaction_status")
            .get<std::string>();
    }
    std::vector<std::string> ledger() {
        std::vector<std::string> lines;
        for (const auto& entry : world_.borgun().ledger())
            lines.push_back(entry.kind + " " + std::to_string(entry.minor) + " " + entry.currency);
        return lines;
    }
    HttpResponse browse(const std::string& url, const Fields& fields) {
        HttpRequest request{"POST",
                            parse_url(url, "url")->target,
                            {{"Content-Type", "application/x-www-form-urlencoded"}},
                            encoding::form(fields),
                            ""};
        HttpResponse response;
        world_.borgun().handler()(std::move(request), [&](HttpResponse sent) { response = std::move(sent); });
        return response;
    }
    static std::string hidden(const std::string& page, const std::string& name) {
        const auto mark = "name=\"" + name + "\" value=\"";
        const auto begin = page.find(mark);
        if (begin == std::string::npos) return {};
        const auto from = begin + mark.size();
        return page.substr(from, page.find('"', from) - from);
    }
    /// What the bank's page sends back after this button.
    Fields at_the_bank(const json& callout, const std::string& act) {
        Fields fields;
        for (const auto& name : {"creq", "threeDSSessionData", "PaReq", "MD", "TermUrl"}) {
            const auto found = callout.at("callout_parameters").find(name);
            if (found != callout.at("callout_parameters").end()) fields.emplace_back(name, *found);
        }
        const auto page = browse(callout.at("callout_destination_url"), fields);
        EXPECT_EQ(page.status, 200) << page.body;
        const auto origin =
            parse_url(callout.at("callout_destination_url").get<std::string>(), "url")->origin();
        const auto back =
            browse(origin + "/borgun/acs/act", {{"authentication", hidden(page.body, "authentication")},
                                                {"carried", hidden(page.body, "carried")},
                                                {"act", act}});
        Fields returned;
        for (const auto* name : {"PaRes", "MD", "cres", "threeDSSessionData"})
            if (auto value = hidden(back.body, name); !value.empty()) returned.emplace_back(name, value);
        return returned;
    }
    Answer callback(const std::string& token, const Fields& fields) {
        return world_.post("/f13/callback.v1/this." + token + "/next.n/", fields, "demo-creditcard");
    }
};

TEST_F(CardDoorTest, TheGuidesCardBuysWithoutAWayBack) {
    const auto uuid = world_.reserve("demo-creditcard");
    const auto answer = world_.purchase(uuid, "demo-creditcard", card(guides_card, "0419"));
    EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << answer.raw.body;
    EXPECT_THAT(ledger(), ElementsAre("held 11000 GBP", "taken 11000 GBP"));
}

TEST_F(CardDoorTest, WithBillingAddress) {
    const auto uuid = world_.reserve("demo-creditcard");
    const auto answer =
        world_.purchase(uuid, "demo-creditcard",
                        with(card(guides_card, "0419"), {{"billing_country_code", "uk"},
                                                         {"billing_address_line_one", "1 Road"},
                                                         {"billing_postcode", "AB1"}}));
    EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << answer.raw.body;
}

TEST_F(CardDoorTest, WithAWayBackTheBankIsAsked) {
    const auto uuid = world_.reserve("demo-creditcard");
    const auto asked = world_.purchase(uuid, "demo-creditcard",
                                       with(card(guides_card, "0419"), redirection("card-token-1")));
    const auto callout = at(asked.body, "/callout");
    ASSERT_TRUE(callout.is_object()) << asked.raw.body;
    EXPECT_EQ(callout.at("callout_type"), "post");
    EXPECT_EQ(callout.at("return_token"), "card-token-1");
    EXPECT_EQ(callout.at("bundle_source_code"), "ext_test1");
    EXPECT_THAT(ledger(), IsEmpty());
    const auto bought = callback("card-token-1", at_the_bank(callout, "authenticate"));
    EXPECT_EQ(at(bought.body, "/transaction_status"), "purchased") << bought.raw.body;
    EXPECT_THAT(ledger(), ElementsAre("held 11000 GBP", "taken 11000 GBP"));
}

TEST_F(CardDoorTest, BothKindsOfChallengeAsTheBankWantsThem) {
    const auto names = [this](const std::string& number) {
        const auto uuid = world_.reserve("demo-creditcard");
        const auto answer = world_.purchase(
            uuid, "demo-creditcard", with(card(number), redirection("way-back-" + number.substr(0, 4))));
        std::vector<std::string> keys;
        // In their order, which the DOM of a parser that sorts would lose.
        const auto text = answer.raw.body;
        for (const auto* name : {"PaReq", "MD", "TermUrl", "creq", "threeDSSessionData"})
            if (text.find("\"" + std::string(name) + "\"") != std::string::npos) keys.emplace_back(name);
        std::sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
            return text.find("\"" + a + "\"") < text.find("\"" + b + "\"");
        });
        return keys;
    };
    EXPECT_THAT(names("5587402000012011"), ElementsAre("PaReq", "MD", "TermUrl"));
    EXPECT_THAT(names("4741520000000003"), ElementsAre("creq", "threeDSSessionData"));
}

TEST_F(CardDoorTest, ABankThatLooksAtTheBrowserFirstSpendsNoToken) {
    const auto uuid = world_.reserve("demo-creditcard");
    const auto asked =
        world_.purchase(uuid, "demo-creditcard", with(card("5555550000010050"), redirection("card-token-4")));
    const auto callout = at(asked.body, "/callout");
    ASSERT_TRUE(callout.is_object()) << asked.raw.body;
    EXPECT_EQ(callout.at("callout_type"), "get");
    EXPECT_EQ(callout.at("return_token"), "card-token-4");
    const std::string address = callout.at("callout_destination_url");
    const auto page = address.substr(address.rfind('/') + 1);
    bool gone_on = false;
    world_.engine().go_on(page, {{"method", "Y"}}, {"browser", "", std::nullopt},
                          [&](const Result<engine::View>& view) { gone_on = view.has_value(); });
    world_.loop().run_until([&] { return gone_on; });
    std::optional<engine::View> shown;
    world_.engine().wait(*TransactionId::parse(uuid, "id"), engine::Until::answer, Millis{20'000},
                         [&](const Result<engine::View>& view) { shown = *view; });
    world_.loop().run_until([&] { return shown.has_value(); });
    ASSERT_TRUE(shown->callout);
    EXPECT_EQ(shown->callout->return_token, "card-token-4") << "the same, and unspent";
    json parameters;
    for (const auto& [name, value] : shown->callout->parameters) parameters[name] = value;
    const auto back = at_the_bank(
        {{"callout_destination_url", shown->callout->destination}, {"callout_parameters", parameters}},
        "authenticate");
    const auto bought = callback("card-token-4", back);
    EXPECT_EQ(at(bought.body, "/transaction_status"), "purchased") << bought.raw.body;
    EXPECT_THAT(ledger(), ElementsAre("held 11000 GBP", "taken 11000 GBP"));
}

TEST_F(CardDoorTest, WhoFailsAtTheBankPaysNothing) {
    const auto uuid = world_.reserve("demo-creditcard");
    const auto asked = world_.purchase(uuid, "demo-creditcard",
                                       with(card(guides_card, "0419"), redirection("card-token-2")));
    const auto failed = callback("card-token-2", at_the_bank(at(asked.body, "/callout"), "fail"));
    EXPECT_EQ(at(failed.body, "/transaction_status"), "failed") << failed.raw.body;
    const auto result = at(failed.body, "/trolley_contents/bundle/0/purchase_result");
    EXPECT_EQ(result.at("purchase_error"), "auth_failure");
    EXPECT_EQ(result.at("failed_3d_secure"), true);
    EXPECT_THAT(ledger(), IsEmpty());
}

TEST_F(CardDoorTest, ACardThatNeedsTheBankAndNoWayThere) {
    const auto uuid = world_.reserve("demo-creditcard");
    const auto answer = world_.purchase(uuid, "demo-creditcard", card("4000 0000 0000 3220"));
    EXPECT_EQ(at(answer.body, "/transaction_status"), "failed") << answer.raw.body;
    const auto result = at(answer.body, "/trolley_contents/bundle/0/purchase_result");
    EXPECT_EQ(result.at("purchase_error"), "auth_failure");
    EXPECT_EQ(result.at("failed_3d_secure"), true);
}

TEST_F(CardDoorTest, OneCardPaysBundlesOfOneMerchantAndCurrencyAtOnce) {
    const auto trolley = world_.get(
        "/f13/trolley.v1/?perf_id=7AB-4&ticket_type_code=STALLS&price_band_code=A%2Fpool&no_of_seats=2",
        "demo-creditcard");
    const auto uuid =
        world_.reserve("demo-creditcard", {{"perf_id", "7AA-4"},
                                           {"ticket_type_code", "STALLS"},
                                           {"price_band_code", "A/pool"},
                                           {"no_of_seats", "3"},
                                           {"trolley_token", trolley.body.at("trolley_token")}});
    const auto answer = world_.purchase(uuid, "demo-creditcard", card(guides_card, "0419"));
    EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << answer.raw.body;
    EXPECT_THAT(ledger(), ElementsAre("held 27500 GBP", "taken 27500 GBP"));
}

TEST_F(CardDoorTest, WhatIsNotPlausibleIsRefusedAndMayBeTriedAgain) {
    const auto uuid = world_.reserve("demo-strict");
    const auto refused = [&](const Fields& fields) {
        const auto text = error(world_.purchase(uuid, "demo-strict", fields));
        EXPECT_EQ(status(uuid, "demo-strict"), "reserved") << text;
        return text;
    };
    EXPECT_EQ(refused(card("WOTISCREDITCARD!")), "460 3000 Unknown cards are not accepted");
    EXPECT_EQ(refused(card("4741x20000000003")), "460 3000 Unknown cards are not accepted");
    EXPECT_EQ(refused(card("5587402000012011")), "460 3001 Cards of this kind are not accepted");
    EXPECT_EQ(refused(card("4111111111111112")), "460 3002 card_number: The card number is not valid.");
    EXPECT_EQ(refused(card(guides_card, "0419")), "460 3003 expiry_date: The card has expired.");
    EXPECT_EQ(refused(card(guides_card, "1319")),
              "460 3003 expiry_date: The card's expiry date is not valid.");
    EXPECT_EQ(refused({{"card_number", guides_card}, {"cv_two", "123"}}),
              "460 3003 expiry_date: The card's expiry date is not valid.");
    EXPECT_EQ(refused(card(guides_card, "1230", "")),
              "460 3004 cv_two: The card's security code is missing.");
    EXPECT_EQ(refused(card(guides_card, "1230", "12x")),
              "460 3004 cv_two: The card's security code is not valid.");
    EXPECT_EQ(refused(card("6759649826438453")),
              "460 3005 issue_number: The card's issue number or start date is missing.");
    EXPECT_EQ(refused(with(card("6759649826438453"), {{"issue_number", "123"}})),
              "460 3006 issue_number: The card's issue number is not valid.");
    EXPECT_EQ(refused(with(card("6759649826438453"), {{"start_date", "1226"}, {"issue_number", "1"}})),
              "460 3008 start_date: The card's start date is not valid.");
    EXPECT_EQ(refused({}), "400 8 card_number: is missing: card-strict takes nothing without it");
    EXPECT_EQ(refused(with(card(guides_card), {{"billing_town", std::string(300, 'x')}})),
              "400 8 billing_town: is not a text of at most 200 bytes");
    EXPECT_THAT(ledger(), IsEmpty());
    const auto bought = world_.purchase(uuid, "demo-strict", card(guides_card));
    EXPECT_EQ(at(bought.body, "/transaction_status"), "purchased") << bought.raw.body;
}

TEST_F(CardDoorTest, CountryFirstThenTheCard) {
    const auto uuid = world_.reserve("demo-strict");
    auto fields = with(card("WOTISCREDITCARD!"), {{"transaction_uuid", uuid}});
    for (const auto& [name, value] : fred())
        fields.emplace_back(name, name == "country_code" ? "foobar" : value);
    EXPECT_EQ(error(world_.post("/f13/purchase.v1/", fields, "demo-strict")),
              "400 8 Country code 'foobar' in customer data is invalid");
}

TEST_F(CardDoorTest, NoErrorRepeatsTheCard) {
    const auto uuid = world_.reserve("demo-strict");
    for (const auto* number : {"4111111111111112", "411111111111111x", "9999999999999995"}) {
        const auto answer = world_.purchase(uuid, "demo-strict", card(number, "9999", "98765"));
        EXPECT_THAT(answer.raw.body, Not(HasSubstr(number)));
        EXPECT_THAT(answer.raw.body, Not(HasSubstr("98765")));
    }
}

TEST_F(CardDoorTest, AnAccountThatTakesNoCardsDoesNotLookAtOne) {
    const auto uuid = world_.reserve("demo");
    const auto answer = world_.purchase(uuid, "demo", card("WOTISCREDITCARD!"));
    EXPECT_EQ(at(answer.body, "/transaction_status"), "purchased") << answer.raw.body;
    EXPECT_THAT(ledger(), IsEmpty());
}

TEST_F(CardDoorTest, ATokenOfTheCustomersBrowser) {
    const auto uuid = world_.reserve("demo-borgun");
    HttpRequest request{"POST",
                        "/borgun/rpg/api/token/single",
                        {{"Content-Type", "application/json"},
                         {"Authorization", "Basic " + encoding::base64("100001_puOfcard-token:")}},
                        R"({"PAN":"5455330200000016","ExpMonth":"12","ExpYear":"2030","TokenLifetime":600})",
                        ""};
    HttpResponse made;
    world_.borgun().handler()(std::move(request), [&](HttpResponse sent) { made = std::move(sent); });
    ASSERT_EQ(made.status, 201) << made.body;
    const auto token = json::parse(made.body).at("Token").get<std::string>();
    const auto bad = world_.purchase(uuid, "demo-borgun", {{"ext_test1_callback/borgunToken", "ts_1"}});
    EXPECT_THAT(error(bad), HasSubstr("ext_test1_callback/borgunToken: is no token of Borgun"));
    const auto bought = world_.purchase(uuid, "demo-borgun", {{"ext_test1_callback/borgunToken", token}});
    EXPECT_EQ(at(bought.body, "/transaction_status"), "purchased") << bought.raw.body;
    // It is spent.
    const auto other = world_.reserve("demo-borgun");
    const auto again = world_.purchase(other, "demo-borgun", {{"ext_test1_callback/borgunToken", token}});
    EXPECT_THAT(error(again), HasSubstr("ext_test1_callback/borgunToken: "));
    EXPECT_EQ(status(other, "demo-borgun"), "reserved");
}

TEST_F(CardDoorTest, WithoutATokenThePageOfOursAsksForIt) {
    const auto uuid = world_.reserve("demo-borgun");
    const auto asked = world_.purchase(uuid, "demo-borgun");
    const auto callout = at(asked.body, "/callout");
    ASSERT_TRUE(callout.is_object()) << asked.raw.body;
    EXPECT_EQ(callout.at("callout_type"), "get");
    EXPECT_THAT(callout.at("callout_destination_url").get<std::string>(), HasSubstr("/callout/"));
    EXPECT_EQ(at(callout, "/callout_integration_data/public_key"), "100001_puOfcard-token") << callout.dump();
}

}  // namespace
}  // namespace kassi::api::f13
