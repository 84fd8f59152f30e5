#include <gmock/gmock.h>

#include "base/limits.hpp"
#include "stripe_town.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct StripeApi : testing::Test {
    Town town;
};

TEST_F(StripeApi, KeysInTheirTwoForms) {
    auto request = Town::request("GET", "/v1/payment_intents", {}, "", "");
    request.headers.emplace_back("Authorization", "Basic " + encoding::base64("sk_test_One:"));
    EXPECT_EQ(town.send(request).status, 200);
    for (const char* wrong : {"", "sk_test_Three", "sk_live_One", "pk_live_One", "x"}) {
        const auto answer = town.send(Town::request("GET", "/v1/payment_intents", {}, "", wrong));
        EXPECT_EQ(answer.status, 401) << wrong;
        EXPECT_EQ(answer.error()["type"], "invalid_request_error");
        EXPECT_EQ(answer.error()["message"].get<std::string>().find("Three"), std::string::npos);
        EXPECT_TRUE(answer.header("request-id").starts_with("req_"));
    }
}

TEST_F(StripeApi, EveryAnswerBearsTheTimeThatIntentsAreMadeAt) {
    for (int i = 0; i < 2; ++i) {
        const auto intent = town.pay("tok_visa");
        const auto date = parse_http_date(intent.header("date"));
        ASSERT_TRUE(date);
        EXPECT_EQ(date->time_since_epoch() / 1s, intent.body["created"].get<std::int64_t>());
        EXPECT_EQ(town.pay("tok_chargeDeclined").header("date"), http_date(*date)) << "a refusal, too";
        town.advance(25h);
    }
}

TEST_F(StripeApi, PublishableKeysWhereTheyBelong) {
    const auto with_pk = [&](std::string method, std::string path, Fields fields = {}) {
        return town.send(Town::request(std::move(method), "/v1" + path, fields, "", Town::pk));
    };
    EXPECT_EQ(with_pk("GET", "/payment_intents").code(), "secret_key_required");
    EXPECT_EQ(with_pk("POST", "/payment_intents", Town::paying("tok_visa")).status, 401);
    EXPECT_EQ(with_pk("POST", "/refunds").code(), "secret_key_required");
    const auto token = town.send(Town::request("POST", "/v1/tokens",
                                               {{"key", Town::pk},
                                                {"card[number]", "4242424242424242"},
                                                {"card[exp_month]", "12"},
                                                {"card[exp_year]", "2034"}},
                                               "", ""));
    EXPECT_EQ(token.status, 200) << token.body;
    EXPECT_EQ(token.header("access-control-allow-origin"), "*");
    EXPECT_TRUE(token.id().starts_with("tok_1")) << "a letter there would be the name of a test token";
    // An intent is shown to who knows its secret, and not all of it.
    const auto intent = town.pay("tok_threeDSecure2Required");
    const auto path = "/payment_intents/" + intent.id();
    EXPECT_EQ(with_pk("GET", path).status, 404);
    EXPECT_EQ(with_pk("GET", path, {{"client_secret", "wrong"}}).status, 404);
    const auto seen =
        with_pk("GET", path, {{"client_secret", intent.body["client_secret"].get<std::string>()}});
    EXPECT_EQ(seen.state(), "requires_action");
    EXPECT_FALSE(seen.body.contains("metadata"));
    auto preflight = Town::request("OPTIONS", "/v1/tokens", {}, "", "");
    EXPECT_EQ(town.send(preflight).status, 204);
}

TEST_F(StripeApi, ParametersAreReadStrictly) {
    const auto wrong = [&](Fields more) {
        const auto answer = town.pay("tok_visa", std::move(more));
        EXPECT_EQ(answer.status, 400) << answer.body;
        EXPECT_EQ(answer.error()["type"], "invalid_request_error");
        return answer.code() + " " + answer.param();
    };
    EXPECT_EQ(wrong({{"colour", "red"}}), "parameter_unknown colour");
    EXPECT_EQ(wrong({{"metadata[a][b]", "1"}}), "parameter_unknown metadata[a][b]");
    EXPECT_EQ(wrong({{"a[b", "1"}}), "parameter_unknown a[b");
    EXPECT_EQ(wrong({{"amount", "twelve"}}), "parameter_invalid_integer amount");
    EXPECT_EQ(wrong({{"amount", "1.5"}}), "parameter_invalid_integer amount");
    EXPECT_EQ(wrong({{"amount", "0"}}), "parameter_invalid_integer amount");
    EXPECT_EQ(wrong({{"amount", "-5"}}), "parameter_invalid_integer amount");
    EXPECT_EQ(wrong({{"amount", ""}}), "parameter_invalid_empty amount");
    EXPECT_EQ(wrong({{"amount", "29"}}), "amount_too_small amount");
    EXPECT_EQ(wrong({{"amount", "100000000"}}), "amount_too_large amount");
    EXPECT_EQ(wrong({{"currency", "zzz"}}), " currency");
    EXPECT_EQ(wrong({{"confirm", "yes"}}), " confirm");
    EXPECT_EQ(wrong({{"capture_method", "later"}}), " capture_method");
    EXPECT_EQ(wrong({{"payment_method", "pm_card_visa"}}), "parameters_exclusive payment_method_data");
    EXPECT_EQ(wrong({{"payment_method_types[]", "klarna"}}),
              "payment_method_unactivated payment_method_types");
    EXPECT_EQ(wrong({{"statement_descriptor", "SHOP"}}), " statement_descriptor");
    EXPECT_EQ(wrong({{"return_url", "not a url"}}), "url_invalid return_url");
    EXPECT_EQ(wrong({{"expand[]", "customer"}}), " expand");
    EXPECT_EQ(town.pay("tok_visa", {{"customer", "cus_1"}}).code(), "resource_missing");
    EXPECT_EQ(wrong({{"metadata[" + std::string(41, 'k') + "]", "v"}}), " metadata");
    EXPECT_EQ(wrong({{"metadata[k]", std::string(501, 'v')}}), " metadata[k]");
    EXPECT_EQ(
        town.pay("tok_visa", {{"metadata[" + std::string(40, 'k') + "]", std::string(500, 'v')}}).status,
        200);
    EXPECT_EQ(town.pay("tok_visa", {{"amount", "99999999"}}).status, 200);
    EXPECT_EQ(town.pay("tok_visa", {{"amount", "30"}}).status, 200);
    EXPECT_EQ(town.pay("tok_visa", {{"confirm", "True"}}).state(), "succeeded") << "as Python writes it";
    EXPECT_EQ(town.post("/payment_intents", {{"currency", "usd"}}).code(), "parameter_missing");
    Fields many{{"amount", "500"}, {"currency", "usd"}};
    for (int i = 0; i < 50; ++i) many.emplace_back("metadata[k" + std::to_string(i) + "]", "v");
    EXPECT_EQ(town.post("/payment_intents", many).status, 200);
    many.emplace_back("metadata[k50]", "v");
    EXPECT_EQ(town.post("/payment_intents", many).param(), "metadata");
    auto json_body = Town::request("POST", "/v1/payment_intents", {});
    json_body.headers.back().second = "application/json";
    json_body.body = R"({"amount":500})";
    EXPECT_EQ(town.send(json_body).status, 400);
    EXPECT_EQ(town.get("/nothing").status, 404);
    EXPECT_EQ(town.send(Town::request("DELETE", "/v1/payment_intents/pi_1", {})).status, 404);
}

/// One that redirects might be meant where nothing else was said.
TEST_F(StripeApi, AReturnUrlIsNeededUnlessTypesAreGiven) {
    auto fields = Town::paying("tok_visa");
    std::erase_if(fields, [](const auto& field) { return field.first == "payment_method_types[]"; });
    EXPECT_EQ(town.post("/payment_intents", fields).param(), "return_url");
    for (const auto& [name, value] : Fields{{"return_url", "https://a.example/"},
                                            {"automatic_payment_methods[allow_redirects]", "never"},
                                            {"use_stripe_sdk", "true"},
                                            {"payment_method_types[0]", "card"}}) {
        auto more = fields;
        more.emplace_back(name, value);
        EXPECT_EQ(town.post("/payment_intents", more).state(), "succeeded") << name;
    }
}

TEST_F(StripeApi, AmountsInStripesOwnUnits) {
    const auto pay = [&](const char* currency, const char* amount) {
        const auto answer = town.pay("tok_visa", {{"currency", currency}, {"amount", amount}});
        return answer.status == 200 ? "ok" : answer.param();
    };
    EXPECT_EQ(pay("isk", "250000"), "ok");
    EXPECT_EQ(pay("isk", "250050"), "amount");
    EXPECT_EQ(pay("ugx", "250050"), "amount");
    EXPECT_EQ(pay("jpy", "50"), "ok");
    EXPECT_EQ(pay("jpy", "49"), "amount");
    EXPECT_EQ(pay("kwd", "12340"), "ok");
    EXPECT_EQ(pay("kwd", "12345"), "amount");
    EXPECT_EQ(pay("GBP", "500"), "ok");
    const auto held =
        town.pay("tok_visa", {{"currency", "isk"}, {"amount", "250000"}, {"capture_method", "manual"}});
    const auto path = "/payment_intents/" + held.id() + "/capture";
    EXPECT_EQ(town.post(path, {{"amount_to_capture", "100050"}}).param(), "amount_to_capture");
    EXPECT_EQ(town.post(path, {{"amount_to_capture", "200000"}}).status, 200);
    EXPECT_EQ(town.post("/refunds", {{"payment_intent", held.id()}, {"amount", "150"}}).param(), "amount");
    EXPECT_EQ(town.post("/refunds", {{"payment_intent", held.id()}, {"amount", "100"}}).status, 200);
}

TEST_F(StripeApi, ListsAndPages) {
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) {
        ids.push_back(town.pay("tok_visa").id());
        town.advance(10s);
    }
    const auto listed = [&](Fields fields) {
        const auto answer = town.get("/payment_intents", fields);
        EXPECT_EQ(answer.status, 200) << answer.body;
        std::string text;
        for (const auto& each : answer.body["data"])
            text += std::to_string(std::find(ids.begin(), ids.end(), each["id"]) - ids.begin());
        return text + (answer.body["has_more"].get<bool>() ? "+" : "");
    };
    EXPECT_EQ(listed({}), "43210");
    EXPECT_EQ(listed({{"limit", "2"}}), "43+");
    EXPECT_EQ(listed({{"limit", "2"}, {"starting_after", ids[3]}}), "21+");
    EXPECT_EQ(listed({{"limit", "2"}, {"starting_after", ids[2]}}), "10");
    EXPECT_EQ(listed({{"limit", "2"}, {"ending_before", ids[1]}}), "32+");
    EXPECT_EQ(listed({{"ending_before", ids[3]}}), "4");
    EXPECT_EQ(listed({{"created[gte]", "1768039220"}}), "432");
    EXPECT_EQ(listed({{"created[gt]", "1768039220"}}), "43");
    EXPECT_EQ(listed({{"created[lt]", "1768039220"}}), "10");
    EXPECT_EQ(listed({{"created[lte]", "1768039220"}}), "210");
    EXPECT_EQ(town.get("/payment_intents", {{"limit", "101"}}).param(), "limit");
    EXPECT_EQ(town.get("/payment_intents", {{"limit", "0"}}).param(), "limit");
    EXPECT_EQ(town.get("/payment_intents", {{"starting_after", "pi_nope"}}).code(), "resource_missing");
    EXPECT_EQ(town.get("/charges", {{"payment_intent", ids[1]}}).body["data"].size(), 1U);
    EXPECT_EQ(town.get("/refunds", {{"payment_intent", ids[1]}}).body["data"].size(), 0U);
    EXPECT_EQ(town.get("/events", {{"type", "payment_intent.succeeded"}}).body["data"].size(), 5U);
    EXPECT_EQ(town.get("/events", {{"type", "charge.*"}, {"limit", "100"}}).body["data"].size(), 10U);
    EXPECT_EQ(town.get("/payment_intents", {{"expand[]", "data.latest_charge"}})
                  .body["data"][0]["latest_charge"]["object"],
              "charge");
    EXPECT_EQ(
        town.send(Town::request("GET", "/v1/payment_intents", {}, "", "sk_test_Two")).body["data"].size(),
        0U);
    EXPECT_EQ(town.get("/payment_intents/pi_nope").param(), "intent");
    EXPECT_EQ(town.get("/payment_intents/pi_nope").error()["message"], "No such payment_intent: 'pi_nope'");
}

TEST_F(StripeApi, Searches) {
    const auto first = town.pay("tok_visa", {{"metadata[kassi_reference]", "T-1"}});
    town.pay("tok_visa", {{"metadata[kassi_reference]", "T-2"}});
    const auto found = [&](std::string query) {
        return town.get("/payment_intents/search", {{"query", std::move(query)}});
    };
    const auto one = found("metadata['kassi_reference']:'T-1'");
    EXPECT_EQ(one.body["object"], "search_result");
    ASSERT_EQ(one.body["data"].size(), 1U);
    EXPECT_EQ(one.body["data"][0]["id"], first.id());
    EXPECT_EQ(found("status:'succeeded' AND metadata[\"kassi_reference\"]:\"T-2\"").body["data"].size(), 1U);
    EXPECT_EQ(found("status:'canceled' AND metadata['kassi_reference']:'T-2'").body["data"].size(), 0U);
    EXPECT_EQ(found("amount>10000 and currency:'GBP'").body["data"].size(), 2U);
    EXPECT_EQ(found("amount>11000").body["data"].size(), 0U);
    for (const char* wrong : {"x", "metadata['a':'b'", "status:'a' OR status:'b'", "status:", "status>'a'"})
        EXPECT_EQ(found(wrong).param(), "query") << wrong;
    const auto page = town.get("/payment_intents/search", {{"query", "amount:11000"}, {"limit", "1"}});
    EXPECT_EQ(page.body["has_more"], true);
    const auto next = town.get(
        "/payment_intents/search",
        {{"query", "amount:11000"}, {"limit", "1"}, {"page", page.body["next_page"].get<std::string>()}});
    EXPECT_EQ(next.body["data"][0]["id"], first.id());
    EXPECT_EQ(next.body["has_more"], false);
    // It lags where it is told to.
    town.faults(R"({"on":"search","do":"stale","ms":60000})");
    EXPECT_EQ(found("amount:11000").body["data"].size(), 0U);
    EXPECT_EQ(found("amount:11000").body["data"].size(), 2U);
}

// ---- idempotency -----------------------------------------------------------------------------------------

TEST_F(StripeApi, TheSameKeyAnswersTheSame) {
    const auto first = town.pay("tok_visa", {}, "k1"), again = town.pay("tok_visa", {}, "k1");
    EXPECT_EQ(first.body, again.body);
    EXPECT_EQ(first.header("original-request"), first.header("request-id"));
    EXPECT_EQ(first.header("idempotency-key"), "k1");
    EXPECT_EQ(first.header("idempotent-replayed"), "");
    EXPECT_EQ(again.header("idempotent-replayed"), "true");
    EXPECT_EQ(again.header("original-request"), first.header("request-id"));
    EXPECT_NE(again.header("request-id"), first.header("request-id"));
    // In another order it is the same; with other words it is not.
    auto fields = Town::paying("tok_visa");
    std::reverse(fields.begin(), fields.end());
    EXPECT_EQ(town.post("/payment_intents", fields, "k1").id(), first.id());
    const auto other = town.pay("tok_visa", {{"amount", "12000"}}, "k1");
    EXPECT_EQ(other.status, 400);
    EXPECT_EQ(other.error()["type"], "idempotency_error");
    const auto elsewhere = town.post("/payment_intents/" + first.id() + "/cancel", {}, "k1");
    EXPECT_EQ(elsewhere.status, 400);
    EXPECT_EQ(elsewhere.error()["type"], "idempotency_error");
    EXPECT_EQ(town.ledger(), "taken 11000");
    // Another account's key is another; a GET knows none.
    EXPECT_EQ(
        town.send(Town::request("POST", "/v1/payment_intents", Town::paying("tok_visa"), "k1", "sk_test_Two"))
            .header("idempotent-replayed"),
        "");
    EXPECT_EQ(town.send(Town::request("GET", "/v1/payment_intents", {}, "k1")).header("idempotency-key"), "");
    EXPECT_EQ(town.pay("tok_visa", {}, std::string(255, 'k')).status, 200);
    EXPECT_EQ(town.pay("tok_visa", {}, std::string(256, 'k')).status, 400);
}

TEST_F(StripeApi, ADeclineIsRememberedAndWrongParametersAreNot) {
    const auto declined = town.pay("tok_chargeDeclined", {}, "k1"),
               again = town.pay("tok_chargeDeclined", {}, "k1");
    EXPECT_EQ(again.status, 402);
    EXPECT_EQ(again.body, declined.body);
    EXPECT_EQ(town.get("/charges").body["data"].size(), 1U);
    EXPECT_EQ(town.pay("tok_visa", {{"amount", "x"}}, "k2").status, 400);
    EXPECT_EQ(town.pay("tok_visa", {}, "k2").state(), "succeeded");
}

TEST_F(StripeApi, LimitsOfTheHouse) {
    auto options = Town::options();
    options.keys_max = 2;
    options.objects_max = 7;  // two payments and what they leave: three events each
    town.build(options);
    const auto paid = town.pay("tok_visa", {}, "k1");
    EXPECT_EQ(town.pay("tok_visa", {}, "k2").status, 200);
    EXPECT_EQ(town.pay("tok_visa", {}, "k3").status, 503);
    EXPECT_EQ(town.pay("tok_visa", {}, "k1").status, 200) << "a known one is answered";
    EXPECT_EQ(town.house->ledger().size(), 2U);
    EXPECT_EQ(town.pay("tok_visa").status, 200) << "six events, and a seventh fits";
    EXPECT_EQ(town.pay("tok_visa").status, 503);
    EXPECT_EQ(town.get("/payment_intents/" + paid.id()).status, 200) << "reading goes on";
    EXPECT_EQ(town.house->ledger().size(), 3U);
}

/// A digest of what was sent is kept with a key: it must not be one that can be guessed from a card number.
TEST_F(StripeApi, FingerprintsAreKeyed) {
    auto other = Town::options();
    other.accounts[0].secret_key = "sk_test_Other";
    const Fields card{
        {"card[number]", "4242424242424242"}, {"card[exp_month]", "1"}, {"card[exp_year]", "2034"}};
    const auto fingerprint = [&](StripeHouse::Options with) {
        town.saved.clear();
        town.build(std::move(with));
        town.send(Town::request("POST", "/v1/tokens", card, "k1", Town::pk));
        return (*parse_json(town.saved.at(0)))["keys"][0]["fingerprint"].get<std::string>();
    };
    EXPECT_EQ(fingerprint(Town::options()), fingerprint(Town::options()));
    EXPECT_NE(fingerprint(Town::options()), fingerprint(other));
}

TEST_F(StripeApi, AKeyIsForgottenAfterADay) {
    const auto first = town.pay("tok_visa", {}, "k1");
    town.advance(24h - 1ms);
    EXPECT_EQ(town.pay("tok_visa", {}, "k1").id(), first.id());
    town.advance(1ms);
    EXPECT_NE(town.pay("tok_visa", {}, "k1").id(), first.id());
}

TEST_F(StripeApi, AKeyAtWork) {
    town.faults(R"({"on":"create","do":"delay_before","ms":5000})");
    EXPECT_FALSE(town.try_send(Town::request("POST", "/v1/payment_intents", Town::paying("tok_visa"), "k1")));
    EXPECT_EQ(town.ledger(), "");
    const auto busy = town.pay("tok_visa", {}, "k1");
    EXPECT_EQ(busy.status, 409);
    EXPECT_EQ(busy.code(), "idempotency_key_in_use");
    EXPECT_EQ(busy.header("stripe-should-retry"), "true");
    town.advance(5s);
    EXPECT_EQ(town.ledger(), "taken 11000");
    EXPECT_EQ(town.pay("tok_visa", {}, "k1").header("idempotent-replayed"), "true");
}

// ---- faults ----------------------------------------------------------------------------------------------

TEST_F(StripeApi, FaultsBeforeTheWork) {
    struct Case {
        const char* what;
        int status;
        const char* code;
    };
    for (const Case& each :
         {Case{"error_before", 500, ""}, Case{"rate_limit", 429, "rate_limit"},
          Case{"lock_timeout", 429, "lock_timeout"}, Case{"key_in_use", 409, "idempotency_key_in_use"}}) {
        SCOPED_TRACE(each.what);
        const auto rule = std::string(R"({"on":"create","do":")") + each.what + "\"";
        town.faults(rule + "}," + rule + R"(,"should_retry":true})");
        const auto answer = town.pay("tok_visa", {}, each.what);
        EXPECT_EQ(answer.status, each.status);
        EXPECT_EQ(answer.code(), each.code);
        EXPECT_EQ(answer.header("stripe-should-retry"), "");
        EXPECT_EQ(town.pay("tok_visa", {}, each.what).header("stripe-should-retry"), "true");
        EXPECT_EQ(town.house->ledger().size(), 0U) << "nothing was done";
    }
    EXPECT_EQ(town.pay("tok_visa", {}, "rate_limit").state(), "succeeded") << "and nothing was remembered";
    town.faults(R"({"on":"*","do":"dead"})");
    EXPECT_FALSE(town.try_send(Town::request("POST", "/v1/payment_intents", Town::paying("tok_visa"))));
    EXPECT_EQ(town.ledger(), "taken 11000");
}

TEST_F(StripeApi, AKeyThatKnowsOnlyAnErrorThoughNothingWasDone) {
    town.faults(R"({"on":"create","do":"error_stuck"},{"on":"list","do":"error_stuck"})");
    EXPECT_EQ(town.pay("tok_visa", {}, "stuck").status, 500);
    EXPECT_EQ(town.get("/payment_intents").status, 500);
    const auto again = town.pay("tok_visa", {}, "stuck");
    EXPECT_EQ(again.status, 500);
    EXPECT_EQ(again.header("idempotent-replayed"), "true");
    EXPECT_TRUE(town.house->ledger().empty());
    EXPECT_TRUE(town.get("/payment_intents").body["data"].empty());
    EXPECT_EQ(town.pay("tok_visa", {}, "another").status, 200);
}

TEST_F(StripeApi, FaultsAfterTheWork) {
    town.faults(
        R"({"on":"create","do":"drop_answer"},{"on":"create","do":"error_after","should_retry":true},)"
        R"({"on":"create","do":"error_kept","should_retry":false},{"on":"create","do":"delay","ms":90000},)"
        R"({"on":"create","do":"replayed"},{"on":"create","do":"wrong_amount"})");
    const auto create = [&](std::string key) {
        return town.try_send(
            Town::request("POST", "/v1/payment_intents", Town::paying("tok_visa"), std::move(key)));
    };
    EXPECT_FALSE(create("dropped"));
    const auto failed = create("failed");
    EXPECT_EQ(failed->status, 500);
    EXPECT_EQ(failed->error()["type"], "api_error");
    EXPECT_EQ(failed->header("stripe-should-retry"), "true");
    const auto kept = create("kept");
    EXPECT_EQ(kept->status, 500);
    EXPECT_EQ(kept->header("stripe-should-retry"), "false");
    EXPECT_FALSE(create("late"));
    EXPECT_EQ(create("replayed")->header("idempotent-replayed"), "true");
    EXPECT_EQ(create("lied")->body["amount"], 11001);
    EXPECT_EQ(town.house->ledger().size(), 6U) << "all of them were done";
    // What the keys know afterwards.
    EXPECT_EQ(create("dropped")->state(), "succeeded");
    EXPECT_EQ(create("failed")->state(), "succeeded");
    EXPECT_EQ(create("kept")->status, 500);
    EXPECT_EQ(create("kept")->header("idempotent-replayed"), "true");
    EXPECT_EQ(create("late")->state(), "succeeded");
    EXPECT_EQ(town.house->ledger().size(), 6U);
}

TEST_F(StripeApi, FaultsOfAPathAndAMerchant) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    town.faults(R"({"on":"/v1/payment_intents/*/capture","do":"error_before","merchant":"one"},)"
                R"({"on":"*","do":"error_before","merchant":"two"})");
    EXPECT_EQ(town.get("/payment_intents").status, 200);
    EXPECT_EQ(town.post("/payment_intents/" + held.id() + "/capture").status, 500);
    EXPECT_EQ(town.post("/payment_intents/" + held.id() + "/capture").status, 200);
    EXPECT_EQ(town.send(Town::request("GET", "/v1/events", {}, "", "sk_test_Two")).status, 500);
}

TEST_F(StripeApi, FaultRulesAreReadStrictly) {
    const auto put = [&](std::string body) {
        return town.send({"PUT", "/stripe/_faults", {}, std::move(body), ""});
    };
    EXPECT_EQ(put(R"({"rules":[{"on":"refund","do":"delay","ms":600000,"times":2}]})").status, 200);
    for (const char* wrong :
         {"", "[]", "{}", R"({"rules":1})", R"({"rules":[1]})", R"({"rules":[{"on":"x","do":"dead"}]})",
          R"({"rules":[{"on":"create","do":"x"}]})", R"({"rules":[{"on":"create","do":"twice"}]})",
          R"({"rules":[{"on":"list","do":"stale"}]})", R"({"rules":[{"on":"webhook","do":"rate_limit"}]})",
          R"({"rules":[{"on":"create","do":"dead","ms":600001}]})",
          R"({"rules":[{"on":"create","do":"dead","times":0}]})",
          R"({"rules":[{"on":"create","do":"dead","x":1}]})",
          R"({"rules":[{"on":"create","do":"dead","should_retry":"no"}]})"})
        EXPECT_EQ(put(wrong).status, 400) << wrong;
    std::string many;
    for (int i = 0; i < 101; ++i) many += std::string(i > 0 ? "," : "") + R"({"on":"create","do":"dead"})";
    EXPECT_EQ(put("{\"rules\":[" + many + "]}").status, 400);
    const auto shown = town.send({"GET", "/stripe/_faults", {}, "", ""});
    EXPECT_EQ(shown.body["rules"].size(), 1U) << "those of before";
    EXPECT_EQ(shown.body["rules"][0]["times"], 2);
    EXPECT_EQ(town.send({"DELETE", "/stripe/_faults", {}, "", ""}).body["rules"].size(), 0U);
}

// ---- the ledger, and what outlives the house -------------------------------------------------------------

TEST_F(StripeApi, TheLedgerShowsEntriesAndTotals) {
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    town.post("/payment_intents/" + held.id() + "/capture", {{"amount_to_capture", "10000"}});
    town.post("/refunds", {{"payment_intent", held.id()}, {"amount", "500"}});
    const auto shown = town.send({"GET", "/stripe/_ledger", {}, "", ""});
    EXPECT_EQ(shown.body["entries"].size(), 4U);
    EXPECT_EQ(
        shown.body["totals"]["GBP"],
        (json{{"held", 11000}, {"hold_gone", 1000}, {"taken", 10000}, {"given_back", 500}, {"kept", 9500}}));
}

TEST_F(StripeApi, WhatWasDoneSurvivesARestart) {
    const auto token = town.mint(), spent = town.mint();
    const auto paid = town.pay(spent.id(), {}, "k1");
    const auto held = town.pay("tok_visa", {{"capture_method", "manual"}});
    const auto slow = town.post("/refunds", {{"payment_intent", town.pay("tok_pendingRefund").id()}});
    const auto waits = town.pay("tok_threeDSecure2Required", {{"return_url", "https://a.example/"}});
    const auto ledger = town.ledger();
    const auto before =
        town.get("/payment_intents", {{"limit", "100"}, {"expand[]", "data.latest_charge"}}).body;
    const auto events = town.get("/events", {{"limit", "100"}}).body;
    town.restart();
    EXPECT_EQ(town.ledger(), ledger);
    EXPECT_EQ(town.get("/payment_intents", {{"limit", "100"}, {"expand[]", "data.latest_charge"}}).body,
              before);
    EXPECT_EQ(town.get("/events", {{"limit", "100"}}).body, events);
    EXPECT_EQ(town.pay(spent.id(), {}, "k1").body, paid.body);
    EXPECT_EQ(town.pay(spent.id(), {}, "k2").code(), "token_already_used");
    EXPECT_EQ(town.pay(token.id()).state(), "succeeded");
    EXPECT_EQ(town.get("/payment_intents/" + waits.id()).body["next_action"], waits.body["next_action"]);
    // What was still to come comes.
    town.advance(1min);
    EXPECT_EQ(town.get("/refunds/" + slow.id()).state(), "succeeded");
    town.advance(7 * 24h);
    EXPECT_EQ(town.get("/payment_intents/" + held.id()).state(), "canceled");

    // And all of it again, written anew.
    std::vector<std::string> lines;
    town.house->save_all([&](const std::string& line) { lines.push_back(line); });
    const auto now = town.ledger();
    town.saved = lines;
    town.restart();
    EXPECT_EQ(town.ledger(), now);
    std::vector<std::string> same;
    town.house->save_all([&](const std::string& line) { same.push_back(line); });
    EXPECT_TRUE(lines == same);
}

TEST_F(StripeApi, ALineThatIsNotUnderstoodIsNamed) {
    town.pay("tok_visa", {}, "k1");
    auto lines = town.saved;
    lines.push_back(R"({"intents":[{"id":"pi_1"}]})");
    town.build(Town::options());
    const auto wrong = town.load(lines);
    ASSERT_TRUE(wrong.has_value());
    EXPECT_EQ(wrong->field, "line " + std::to_string(lines.size()));
    for (const char* line : {"x", "[]", R"({"keys":1})", R"({"keys":[{"key":"zz"}]})", R"({"ledger":[1]})",
                             R"({"charges":{}})", R"({"events":[{}]})"}) {
        town.build(Town::options());
        EXPECT_TRUE(town.load({line}).has_value()) << line;
    }
    // An account that is gone takes its objects along, and nothing else.
    auto other = Town::options();
    other.accounts.erase(other.accounts.begin());
    town.build(other);
    lines.pop_back();
    EXPECT_FALSE(town.load(lines).has_value());
    EXPECT_EQ(
        town.send(Town::request("GET", "/v1/payment_intents", {}, "", "sk_test_Two")).body["data"].size(),
        0U);
}

TEST_F(StripeApi, EqualInputsGiveEqualOutputs) {
    Town other;
    for (Town* each : {&town, &other}) {
        each->pay("tok_visa");
        each->pay("tok_chargeDeclined");
        each->post("/refunds", {{"payment_intent", each->pay("tok_visa").id()}});
    }
    EXPECT_EQ(town.saved, other.saved);
    EXPECT_EQ(town.get("/events").body, other.get("/events").body);
}

}  // namespace
}  // namespace kassi::sandbox
