#include "api/v1/door.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "../log_lines.hpp"
#include "api/v1/requests.hpp"
#include "core/transaction.hpp"
#include "house.hpp"

namespace kassi::doors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string path_of(const json& transaction, const std::string& more = "") {
    return "/v1/transactions/" + transaction["id"].get<std::string>() + more;
}

// ---- the log ----------------------------------------------------------------------------------------------

TEST(Log, HasALineForEachCallWithItsReason) {
    House house;
    const LogLines log;
    const auto transaction = house.hand_over("demo");
    auto line = log.last("v1");
    EXPECT_EQ(line.at("level"), "info");
    EXPECT_EQ(line.at("method"), "POST");
    EXPECT_EQ(line.at("operation"), "/v1/transactions");
    EXPECT_EQ(line.at("status"), "201");
    EXPECT_EQ(line.at("system"), "box-office");
    EXPECT_EQ(line.at("transaction"), transaction["id"]);
    EXPECT_EQ(line.at("why"), "");

    house.get("/v1/transactions/" + transaction["reference"].get<std::string>());
    EXPECT_EQ(log.last("v1"), line) << "a read that went well is at debug level";
    auto response = house.get(path_of(transaction, "/nothing"));
    line = log.last("v1");
    EXPECT_EQ(line.at("level"), "info");
    EXPECT_EQ(line.at("operation"), "none");
    EXPECT_EQ(line.at("status"), "404");
    EXPECT_EQ(line.at("why"), "There is nothing at this address.");
    EXPECT_EQ(line.at("request"), header(response, "X-Request-Id"));

    house.post(path_of(transaction, "/confirm"), R"({"confirmed":true})");
    line = log.last("v1");
    EXPECT_EQ(line.at("operation"), "/v1/transactions/{id}/confirm");
    EXPECT_EQ(line.at("status"), "409");
    EXPECT_EQ(line.at("transaction"), transaction["id"]);
    EXPECT_EQ(line.at("why"), "transaction is reserved and cannot be confirmed");
}

TEST(Log, NamesTheTransactionOfACallbackAndNotItsToken) {
    House house;
    const auto away = house.purchase_via_caller(house.hand_over("demo-redirect"), "secret-token");
    const LogLines log;
    const auto call = [&](const char* success) {
        return house.post("/v1/callbacks/secret-token",
                          json{{"caller", "demo-redirect"}, {"fields", {{"success", success}}}}.dump());
    };
    EXPECT_EQ(call("no").status, 200);
    EXPECT_EQ(log.last("v1").at("transaction"), away["id"]);
    EXPECT_EQ(call("yes").status, 410);
    const auto line = log.last("v1");
    EXPECT_EQ(line.at("operation"), "/v1/callbacks/{token}");
    EXPECT_EQ(line.at("transaction"), away["id"]);
    EXPECT_EQ(line.at("why"), "token this return was used already");
    EXPECT_EQ(log.text().find("secret-token"), std::string::npos);
}

// ---- keys -----------------------------------------------------------------------------------------------

TEST(Keys, AreAskedForEverywhereButAtTheDescription) {
    House house;
    for (const auto& [method, path] : api::v1::operations()) {
        const auto response = house.browse(std::string(method), std::string(path));
        if (path == "/v1/openapi.yaml") {
            EXPECT_EQ(response.status, 200);
            EXPECT_EQ(header(response, "Content-Type"), "application/yaml");
            continue;
        }
        EXPECT_TRUE(is_problem(response, 401, "Authorization")) << path;
        EXPECT_THAT(header(response, "WWW-Authenticate"), HasSubstr("Bearer"));
    }
    EXPECT_EQ(house.browse("GET", "/v1/nowhere").status, 401);
}

TEST(Keys, MustBeRight) {
    House house;
    const auto ask = [&](const std::string& authorization) {
        return house.ask({"GET", "/v1/transactions", {{"Authorization", authorization}}, "", ""}).status;
    };
    EXPECT_EQ(ask("Bearer " + House::key("box-office")), 200);
    EXPECT_EQ(ask("bearer " + House::key("box-office")), 200);
    EXPECT_EQ(ask("Bearer " + House::key("box-office") + "x"), 401);
    EXPECT_EQ(ask("Bearer "), 401);
    EXPECT_EQ(ask("Basic " + House::key("box-office")), 401);
    EXPECT_EQ(ask(House::key("box-office")), 401);
}

TEST(Keys, ShowASystemOnlyItsOwn) {
    House house;
    const auto transaction = house.hand_over("demo");
    const auto id = transaction["id"].get<std::string>();
    const auto as_rival = [&](const std::string& method, const std::string& path,
                              const std::string& body = "") {
        return house.ask(House::v1_request(method, path, body, {}, "rival"));
    };
    EXPECT_TRUE(is_problem(as_rival("GET", path_of(transaction)), 404, "id"));
    EXPECT_TRUE(is_problem(as_rival("GET", "/v1/transactions/" + transaction["reference"].get<std::string>()),
                           404, "id"));
    EXPECT_EQ(as_rival("GET", "/v1/transactions/0191e0a2-7c3e-7d90-8f0a-5b1c9d2e4f60").status, 404);
    EXPECT_EQ(as_rival("GET", path_of(transaction, "/journal")).status, 404);
    EXPECT_EQ(as_rival("GET", path_of(transaction, "/explain")).status, 404);
    for (const auto* const act : {"/purchase", "/release", "/cancel"})
        EXPECT_EQ(as_rival("POST", path_of(transaction, act), "{}").status, 404);
    EXPECT_EQ(
        as_rival("POST", path_of(transaction, "/hold"), R"({"held_until":"2026-01-10T10:00:00Z"})").status,
        404);
    EXPECT_EQ(as_rival("POST", path_of(transaction, "/confirm"), R"({"confirmed":true})").status, 404);
    EXPECT_EQ(json::parse(as_rival("GET", "/v1/transactions").body)["data"], json::array());
    EXPECT_EQ(as_rival("GET", "/v1/callers/demo/balances").status, 404);
    EXPECT_EQ(as_rival("GET", "/v1/callers/demo/statement?currency=GBP").status, 404);
    EXPECT_EQ(as_rival("GET", "/v1/ways?caller=demo").status, 404);
    EXPECT_EQ(as_rival("POST", "/v1/callbacks/x", R"({"caller":"demo"})").status, 404);
    EXPECT_TRUE(is_problem(as_rival("POST", "/v1/transactions",
                                    json{{"caller", "demo"},
                                         {"bundles", {bundle("ext_test0", 1)}},
                                         {"held_until", "2026-01-10T10:00:00Z"}}
                                        .dump()),
                           400, "caller"));
    EXPECT_EQ(house.read(transaction), transaction);
}

// ---- the shape of the door --------------------------------------------------------------------------------

TEST(Addresses, KnowTheirMethods) {
    House house;
    EXPECT_TRUE(is_problem(house.get("/v1/nowhere"), 404, nullptr));
    EXPECT_TRUE(is_problem(house.get("/v1/transactions/"), 404, nullptr));
    EXPECT_TRUE(is_problem(house.get("/v1/transactions/%20/journal"), 404, "id"));
    auto response = house.ask(House::v1_request("DELETE", "/v1/transactions", ""));
    EXPECT_TRUE(is_problem(response, 405, nullptr));
    EXPECT_EQ(header(response, "Allow"), "POST, GET");
    response = house.get("/v1/transactions/x/purchase");
    EXPECT_TRUE(is_problem(response, 405, nullptr));
    EXPECT_EQ(header(response, "Allow"), "POST");
}

TEST(Addresses, MustBeWellFormed) {
    House house;
    for (const auto* const malformed : {"%zz", "%4", "%", "%ff", "%c3%28"}) {
        const auto path = "/v1/transactions/" + std::string(malformed);
        EXPECT_TRUE(is_problem(house.get(path), 400, "path")) << malformed;
        EXPECT_TRUE(is_problem(house.get(path + "/journal"), 400, "path")) << malformed;
        EXPECT_TRUE(is_problem(house.post("/v1/callbacks/" + std::string(malformed), R"({"caller":"demo"})"),
                               400, "path"))
            << malformed;
        EXPECT_TRUE(is_problem(house.browse("GET", path), 401, "Authorization")) << malformed;
    }
    EXPECT_TRUE(is_problem(house.get("/v1/transactions?caller=%zz"), 400, "caller"));
    EXPECT_TRUE(is_problem(house.get("/v1/transactions?%zz=1"), 400, "query"));
}

TEST(Heads, AreChecked) {
    House house;
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", "a=b", {{"Content-Type", "text/plain"}}), 415,
                           "Content-Type"));
    EXPECT_TRUE(is_problem(
        house.post("/v1/transactions", "{}", {{"Content-Type", "application/json; charset=utf-8"}}), 400,
        "caller"));
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", "{}", {{"Idempotency-Key", std::string(256, 'x')}}),
                           400, "Idempotency-Key"));
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", "{}", {{"Idempotency-Key", "\xc3\xa9"}}), 400,
                           "Idempotency-Key"));
    EXPECT_TRUE(
        is_problem(house.get("/v1/transactions", {{"X-Request-Id", "two words"}}), 400, "X-Request-Id"));
}

TEST(Tracking, GoesIntoTheTransactionAndBack) {
    House house;
    const json body = {{"caller", "demo"},
                       {"bundles", {bundle("ext_test0", 100)}},
                       {"held_until", iso8601(house.clock.now() + Millis{600'000})}};
    const auto response = house.post("/v1/transactions", body.dump(), {{"X-Request-Id", "till-4/77"}});
    EXPECT_EQ(header(response, "X-Request-Id"), "till-4/77");
    const auto transaction = json::parse(response.body);
    EXPECT_EQ(transaction["tracking"], "till-4/77");
    const auto found = json::parse(house.get("/v1/transactions?tracking=till-4/77").body);
    ASSERT_EQ(found["data"].size(), 1U);
    EXPECT_EQ(found["data"][0], transaction);
    const auto journal = json::parse(house.get(path_of(transaction, "/journal")).body);
    EXPECT_EQ(journal["data"][0]["tracking"], "till-4/77");
}

// ---- hand-over ----------------------------------------------------------------------------------------

TEST(HandOver, IsAnsweredAndReadBack) {
    House house;
    const json bundles = json::parse(R"([
        {"source": "ext_test1", "description": "B", "currency": "GBP", "amount": 300},
        {"source": "ext_test0", "description": "A", "currency": "GBP", "amount": 1250,
         "orders": [{"item": 5, "amount": 1000, "cancellable": true}]}])");
    const json body = {
        {"caller", "demo"}, {"bundles", bundles}, {"held_until", "2026-01-10T10:00:00.250+01:00"}};
    const auto response = house.post("/v1/transactions", body.dump());
    ASSERT_EQ(response.status, 201) << response.body;
    const auto transaction = json::parse(response.body);
    EXPECT_EQ(header(response, "Location"), path_of(transaction));
    EXPECT_EQ(transaction["caller"], "demo");
    EXPECT_EQ(transaction["phase"], "reserved");
    EXPECT_EQ(transaction["held_until"], "2026-01-10T09:00:00.250Z");
    EXPECT_EQ(transaction["handed_over_at"], iso8601(house.clock.now()));
    EXPECT_EQ(transaction["settled"], false);
    EXPECT_EQ(transaction["legs"], json::array());
    EXPECT_EQ(transaction["callout"], nullptr);
    EXPECT_EQ(transaction["result"], nullptr);
    EXPECT_EQ(transaction["bundles"][0]["source"], "ext_test0");
    EXPECT_EQ(transaction["bundles"][0]["orders"],
              json::parse(R"([{"item": 5, "amount": 1000, "cancellable": true}])"));
    EXPECT_EQ(transaction["bundles"][1]["amount"], 300);
    EXPECT_EQ(house.get(path_of(transaction)).body, response.body);
    EXPECT_EQ(house.get("/v1/transactions/" + transaction["reference"].get<std::string>()).body,
              response.body);
    std::string loud = transaction["id"];
    std::transform(loud.begin(), loud.end(), loud.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(house.get("/v1/transactions/" + loud).body, response.body);
}

TEST(HandOver, RefusesWhatTheHouseDoesNotKnow) {
    House house;
    json body = {{"caller", "demo"},
                 {"bundles", {bundle("ext_test0", 100), bundle("somewhere", 100)}},
                 {"held_until", iso8601(house.clock.now() + Millis{600'000})}};
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", body.dump()), 400, "bundles[1].source"));
    body["bundles"] = {bundle("ext_test0", 100)};
    body["caller"] = "nobody";
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", body.dump()), 400, "caller"));
    body["caller"] = "demo";
    body["held_until"] = iso8601(house.clock.now());
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", body.dump()), 400, "held_until"));
    body["held_until"] = iso8601(house.clock.now() + std::chrono::days(31));
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", body.dump()), 400, "held_until"));
    EXPECT_EQ(json::parse(house.get("/v1/transactions").body)["data"], json::array());
}

TEST(HandOver, NamesBundlesThatDoNotFitTogether) {
    House house;
    const auto ask = [&](const json& bundles) {
        return house.post("/v1/transactions", house.hand_over_body("demo", bundles).dump());
    };
    const auto with_orders = [](const std::string& source, const char* orders) {
        auto one = bundle(source, 100);
        one["orders"] = json::parse(orders);
        return one;
    };
    EXPECT_TRUE(is_problem(ask(json::array()), 400, "bundles"));
    EXPECT_TRUE(
        is_problem(ask({bundle("ext_test0", 100), bundle("ext_test0", 200)}), 400, "bundles[1].source"));
    const auto* const one = R"([{"item": 1, "amount": 60}])";
    EXPECT_TRUE(is_problem(ask(json::array({with_orders(
                               "ext_test0", R"([{"item": 1, "amount": 60}, {"item": 1, "amount": 40}])")})),
                           400, "bundles[0].orders[1].item"));
    // Items are unique over all bundles, which are named in the order of the body.
    EXPECT_TRUE(is_problem(ask({with_orders("ext_test1", one), with_orders("ext_test0", one)}), 400,
                           "bundles[1].orders[0].item"));
    const auto* const sum = R"([{"item": 1, "amount": 60}, {"item": 2, "amount": 41}])";
    EXPECT_TRUE(is_problem(ask(json::array({with_orders("ext_test0", sum)})), 400, "bundles[0].orders"));
    EXPECT_EQ(json::parse(house.get("/v1/transactions").body)["data"], json::array());
}

// ---- paying ---------------------------------------------------------------------------------------------

TEST(Purchase, OnCreditIsOneCall) {
    House house;
    const auto transaction = house.hand_over("demo");
    const auto response = house.post(path_of(transaction, "/purchase"), "");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto paid = json::parse(response.body);
    EXPECT_EQ(paid["phase"], "purchased");
    EXPECT_EQ(paid["settled"], true);
    EXPECT_EQ(paid["result"], json::parse(R"({"success": true, "is_partial": false})"));
    ASSERT_EQ(paid["legs"].size(), 1U);
    EXPECT_EQ(paid["legs"][0]["state"], "captured");
    EXPECT_EQ(paid["legs"][0]["merchant"], "on_credit");
    EXPECT_EQ(paid["legs"][0]["amount"], 1250);
    EXPECT_EQ(paid["legs"][0]["currency"], "GBP");
    EXPECT_EQ(paid["legs"][0]["sources"], json::array({"ext_test0"}));
    EXPECT_EQ(paid["bundles"][0]["bought"], true);
    EXPECT_EQ(house.post(path_of(transaction, "/purchase"), "").body, response.body);
}

TEST(Purchase, ChoosesAWay) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    EXPECT_TRUE(
        is_problem(house.post(path_of(transaction, "/purchase"), R"({"ways": {"ext_test0": "somebody"}})"),
                   400, "ways.ext_test0"));
    const auto paid = json::parse(
        house.post(path_of(transaction, "/purchase"), R"({"ways": {"ext_test0": "on_credit"}})").body);
    EXPECT_EQ(paid["phase"], "purchased");
}

TEST(Purchase, ViaTheCallerSendsAwayAndTakesTheReturn) {
    House house;
    const auto away = house.purchase_via_caller(house.hand_over("demo-redirect"), "token-1");
    EXPECT_EQ(away["phase"], "authorising");
    ASSERT_TRUE(away["callout"].is_object());
    EXPECT_EQ(away["callout"]["leg"], 1);
    EXPECT_EQ(away["callout"]["type"], "get");
    EXPECT_EQ(away["callout"]["return_token"], "token-1");
    EXPECT_THAT(away["callout"]["destination"].get<std::string>(),
                testing::StartsWith("http://127.0.0.1:9000/"));
    EXPECT_EQ(away["callout"]["parameters"][0][0], "return_url");
    EXPECT_EQ(away["callout"]["parameters"][0][1], "http://shop.example/back/token-1");
    EXPECT_THAT(away["callout"]["page_url"].get<std::string>(),
                testing::StartsWith(std::string(House::public_url) + "/callout/"));
    EXPECT_EQ(away["callout"]["until"], iso8601(house.clock.now() + Millis{600'000}));
    EXPECT_EQ(away["legs"][0]["state"], "called_out");

    const auto back = house.customer(away, "pay_get");
    const auto fields = encoding::parse_form(parse_url(back, "back")->query(), "query");
    json body = {{"caller", "demo-redirect"}, {"fields", json::array()}};
    for (const auto& [name, value] : *fields) body["fields"].push_back({name, value});
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/token-2", body.dump()), 400, "token"));
    auto of_another = body;
    of_another["caller"] = "demo";
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/token-1", of_another.dump()), 400, "token"));
    of_another["caller"] = "rival-caller";
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/token-1", of_another.dump()), 404, "caller"));

    const auto response = house.post("/v1/callbacks/token-1", body.dump());
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(json::parse(response.body)["phase"], "purchased");
    EXPECT_EQ(json::parse(response.body)["callout"], nullptr);
    EXPECT_EQ(house.post("/v1/callbacks/token-1", body.dump()).body, response.body);
    body["fields"] = {{"success", "no"}};
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/token-1", body.dump()), 410, "token"));
}

TEST(Purchase, GoesOnToTheNextCalloutWithTheNextToken) {
    House house;
    const auto transaction =
        house.hand_over("demo-redirect", json::array({bundle("ext_test0", 100), bundle("ext_test1", 200)}));
    const auto first = house.purchase_via_caller(transaction, "t1");
    house.customer(first, "pay_get");
    const auto second =
        json::parse(house
                        .post("/v1/callbacks/t1",
                              R"({"caller":"demo-redirect","fields":{"success":"yes"},"next_token":"t2"})")
                        .body);
    EXPECT_EQ(second["phase"], "authorising");
    EXPECT_EQ(second["callout"]["leg"], 2);
    EXPECT_EQ(second["callout"]["return_token"], "t2");
    EXPECT_EQ(second["callout"]["parameters"][0][1], "http://shop.example/back/t2");
}

TEST(Purchase, NamesReturnDetailsAsTheyAreSpelledHere) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    const auto ask = [&](const json& details) {
        return house.post(path_of(transaction, "/purchase"), json{{"return", details}}.dump());
    };
    const json good = {{"via", "caller"}, {"token", "abc"}, {"url", "http://shop.example/abc"}};
    const auto with = [&](const char* name, const char* value) {
        auto details = good;
        details[name] = value;
        return details;
    };
    EXPECT_TRUE(is_problem(ask(with("url", "http://shop.example/abc?x=1")), 400, "return.url"));
    EXPECT_TRUE(is_problem(ask(with("url", "http://elsewhere.example/abc")), 400, "return.url"));
    EXPECT_TRUE(is_problem(ask(with("url", "http://shop.example/")), 400, "return.url"));
    EXPECT_TRUE(is_problem(ask(with("token", "a b")), 400, "return.token"));
    EXPECT_TRUE(is_problem(ask(with("remote_site", "elsewhere.example")), 400, "return.remote_site"));
    EXPECT_TRUE(is_problem(ask({{"via", "kassi"}, {"landing_url", "http://elsewhere.example/"}}), 400,
                           "return.landing_url"));
    EXPECT_EQ(house.read(transaction), transaction);
}

TEST(Purchase, IsRefusedOnceItIsOver) {
    House house;
    const auto transaction = house.hand_over("demo");
    EXPECT_EQ(house.post(path_of(transaction, "/release"), "").status, 200);
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/purchase"), ""), 409, "id"));
    EXPECT_EQ(house.read(transaction)["phase"], "released");
    EXPECT_EQ(house.read(transaction)["result"], json::parse(R"({"success": false, "is_partial": false})"));
}

TEST(Purchase, NeedsTimeForACallout) {
    House house;
    const json more = {
        {"held_until", iso8601(house.clock.now() + house.settings.times.callout_min - Millis{1000})}};
    const auto transaction = house.hand_over("demo-redirect", nullptr, more);
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/purchase"), R"({"return": {"via": "kassi"}})"),
                           409, "held_until"));
    EXPECT_EQ(house.read(transaction), transaction);
}

TEST(Purchase, IsForbiddenToACallerThatIsGone) {
    House house;
    const auto transaction = house.hand_over("demo");
    std::erase_if(house.directory.callers, [](const auto& caller) { return caller.name == "demo"; });
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/purchase"), ""), 403, "caller"));
    EXPECT_EQ(house.read(transaction), transaction);
}

TEST(Purchase, IsAnsweredWith202WhileTheProviderWorks) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    house.world.is_silent = true;
    const auto begun = house.begin(
        House::v1_request("POST", path_of(transaction, "/purchase"), R"({"return": {"via": "kassi"}})"));
    ASSERT_TRUE(house.queue.run_until([&] { return house.engine->metrics().calls_open == 1; }));
    EXPECT_FALSE(begun->has_value());
    house.forward(house.settings.answer_within);
    const auto response = house.answer_of(begun);
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(header(response, "Location"), path_of(transaction));
    EXPECT_EQ(json::parse(response.body)["legs"][0]["state"], "asking");
    house.world.answer_all();
    ASSERT_TRUE(house.queue.run_until([&] { return house.engine->metrics().calls_open == 0; }));
    ASSERT_TRUE(house.queue.run_until([&] { return house.read(transaction)["callout"].is_object(); }));
}

TEST(Purchase, TakesAnotherWayAfterARefusal) {
    House house;
    const auto transaction = house.hand_over("demo-again");
    const auto away = house.purchase_via_caller(transaction, "t1");
    house.customer(away, "refuse");
    const auto refused = json::parse(
        house.post("/v1/callbacks/t1", R"({"caller":"demo-again","fields":{"success":"no"}})").body);
    EXPECT_EQ(refused["phase"], "authorising");
    EXPECT_EQ(refused["legs"][0]["state"], "refused");
    EXPECT_TRUE(refused["legs"][0]["refused"].is_object());
    const auto paid = json::parse(
        house.post(path_of(transaction, "/purchase"), R"({"ways": {"ext_test0": "on_credit"}})").body);
    EXPECT_EQ(paid["phase"], "purchased");
    EXPECT_EQ(paid["legs"].size(), 2U);
}

TEST(Confirm, IsTheOwnersWord) {
    House house;
    const auto yes = house.hand_over("demo-owner");
    const auto waiting = json::parse(house.post(path_of(yes, "/purchase"), "").body);
    EXPECT_EQ(waiting["phase"], "confirming");
    EXPECT_TRUE(waiting["confirm_by"].is_string());
    EXPECT_EQ(waiting["result"], nullptr);
    EXPECT_TRUE(
        is_problem(house.post(path_of(yes, "/confirm"), R"({"confirmed":true,"references":{"odd":"x"}})"),
                   400, "references.odd"));
    const auto bought = json::parse(
        house.post(path_of(yes, "/confirm"), R"({"confirmed":true,"references":{"ext_test0":"AB-1"}})").body);
    EXPECT_EQ(bought["phase"], "purchased");
    EXPECT_EQ(bought["bundles"][0]["confirmation"], "AB-1");
    EXPECT_EQ(bought["confirm_by"], nullptr);

    const auto no = house.hand_over("demo-owner");
    house.post(path_of(no, "/purchase"), "");
    const auto refused = json::parse(house.post(path_of(no, "/confirm"), R"({"confirmed":false})").body);
    EXPECT_EQ(refused["phase"], "failed");
    EXPECT_EQ(refused["result"]["success"], false);
    EXPECT_TRUE(is_problem(house.post(path_of(no, "/confirm"), R"({"confirmed":true})"), 409, "id"));
}

TEST(Hold, MovesForward) {
    House house;
    const auto transaction = house.hand_over("demo");
    const auto later = iso8601(house.clock.now() + Millis{3'600'000});
    const auto moved =
        json::parse(house.post(path_of(transaction, "/hold"), json{{"held_until", later}}.dump()).body);
    EXPECT_EQ(moved["held_until"], later);
    EXPECT_EQ(moved["version"], 2);
    const auto sooner = json{{"held_until", iso8601(house.clock.now() + Millis{1000})}};
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/hold"), sooner.dump()), 400, "held_until"));
}

// ---- giving back ------------------------------------------------------------------------------------------

TEST(Cancel, GivesBackWhatIsCancellable) {
    House house;
    auto one = bundle("ext_test0", 1250);
    one["orders"] = json::parse(
        R"([{"item":1,"amount":1000,"cancellable":true},{"item":2,"amount":250,"cancellable":false}])");
    const auto transaction = house.hand_over("demo", json::array({one}));
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/cancel"), ""), 409, "id"));
    house.post(path_of(transaction, "/purchase"), "");
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/cancel"), R"({"items":[2]})"), 409, "items"));
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/cancel"), R"({"items":[9]})"), 400, "items"));
    const auto response = house.post(path_of(transaction, "/cancel"), R"({"items":[1]})");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto leg = json::parse(response.body)["legs"][0];
    EXPECT_EQ(leg["given_back"], 1000);
    EXPECT_EQ(leg["refunds"][0]["state"], "done");
    EXPECT_EQ(leg["refunds"][0]["items"], json::array({1}));
}

TEST(Cancel, WaitsForTheProvidersRefund) {
    House house;
    const auto away =
        house.purchase_via_caller(house.hand_over("demo-redirect", nullptr, json::object()), "t1");
    house.customer(away, "pay_get");
    house.post("/v1/callbacks/t1", R"({"caller":"demo-redirect","fields":{"success":"yes"}})");
    const auto cancelled = json::parse(house.post(path_of(away, "/cancel"), "").body);
    EXPECT_EQ(cancelled["phase"], "cancelled") << cancelled;
    EXPECT_EQ(cancelled["legs"][0]["state"], "refunded");
    EXPECT_EQ(cancelled["settled"], true);
    EXPECT_EQ(cancelled["result"]["success"], true);
}

TEST(Refund, IsAPersonsWord) {
    House house;
    const auto transaction = house.hand_over("demo");
    const json refund = {{"leg", 1}, {"amount", 50}, {"by", "Anna"}, {"because", "rain"}};
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/refunds"), refund.dump()), 400, "leg"));
    house.post(path_of(transaction, "/purchase"), "");
    const auto response = house.post(path_of(transaction, "/refunds"), refund.dump());
    ASSERT_EQ(response.status, 200) << response.body;
    const auto given = json::parse(response.body)["legs"][0]["refunds"][0];
    EXPECT_EQ(given["amount"], 50);
    EXPECT_EQ(given["by"], "Anna");
    EXPECT_EQ(given["because"], "rain");
    const auto journal = json::parse(house.get(path_of(transaction, "/journal")).body);
    EXPECT_EQ(journal["data"].back()["by"], "person Anna");
    auto too_much = refund;
    too_much["amount"] = 1201;
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/refunds"), too_much.dump()), 400, "amount"));
}

TEST(Settle, NeedsADoubt) {
    House house;
    const auto transaction = house.hand_over("demo");
    house.post(path_of(transaction, "/purchase"), "");
    const std::string body = R"({"money":"taken","by":"Anna","because":"saw it in the bank"})";
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/legs/1/settle"), body), 409, "leg"));
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/legs/2/settle"), body), 404, "n"));
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/legs/one/settle"), body), 404, "n"));
    EXPECT_TRUE(is_problem(house.post(path_of(transaction, "/legs/1/settle"), "{}"), 400, "money"));
}

TEST(Settle, EndsADoubt) {
    House house;
    const auto away = house.purchase_via_caller(house.hand_over("demo-redirect"), "t1");
    house.customer(away, "pay_get");
    // The money is taken, and nobody says so: neither now nor when the house is asked.
    house.faults(
        R"({"rules":[{"on":"complete","do":"error_after"},{"on":"look_up","do":"dead","times":1000}]})");
    const auto doubtful = json::parse(
        house.post("/v1/callbacks/t1", R"({"caller":"demo-redirect","fields":{"success":"yes"}})").body);
    EXPECT_EQ(doubtful["in_doubt"], true) << doubtful;
    EXPECT_EQ(doubtful["result"], nullptr);

    const Fields key{{"Idempotency-Key", "one"}};
    const auto path = path_of(away, "/legs/1/settle");
    const std::string body = R"({"money":"taken","by":"Anna","because":"saw it in the bank"})";
    const auto response = house.post(path, body, key);
    ASSERT_EQ(response.status, 200) << response.body;
    const auto settled = json::parse(response.body);
    EXPECT_EQ(settled["phase"], "purchased");
    EXPECT_EQ(settled["in_doubt"], false);
    EXPECT_EQ(settled["legs"][0]["money"], "taken");
    EXPECT_EQ(json::parse(house.get(path_of(away, "/journal")).body)["data"].back()["by"], "person Anna");

    const auto again = house.post(path, body, key);
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.body, response.body);
    EXPECT_TRUE(is_problem(house.post(path, body), 409, "leg"));
    EXPECT_EQ(house.read(away), settled);
}

// ---- reading --------------------------------------------------------------------------------------------

TEST(List, HasPagesNewestFirst) {
    House house;
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) {
        house.forward(Millis{1000});
        ids.insert(ids.begin(), house.hand_over("demo")["id"].get<std::string>());
    }
    std::vector<std::string> seen;
    std::string cursor;
    int pages = 0;
    do {
        const auto page = json::parse(
            house.get("/v1/transactions?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor)).body);
        EXPECT_LE(page["data"].size(), 2U);
        for (const auto& each : page["data"]) seen.push_back(each["id"]);
        cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
        ++pages;
    } while (!cursor.empty() && pages < 9);
    EXPECT_EQ(seen, ids);
    EXPECT_EQ(pages, 3);
    EXPECT_EQ(json::parse(house.get("/v1/transactions?limit=5").body)["next_cursor"], nullptr);
    EXPECT_TRUE(is_problem(house.get("/v1/transactions?cursor=x"), 400, "cursor"));
}

TEST(List, GoesOnBehindTheLongestPage) {
    House house;
    std::set<std::string> ids;
    for (const auto& each : house.hand_over_many("demo", store::list_page_max + 1))
        ids.insert(each["id"].get<std::string>());
    ASSERT_EQ(ids.size(), store::list_page_max + 1);

    const auto query = "/v1/transactions?limit=" + std::to_string(store::list_page_max);
    const auto first = json::parse(house.get(query).body);
    EXPECT_EQ(first["data"].size(), store::list_page_max);
    ASSERT_TRUE(first["next_cursor"].is_string());
    const auto last =
        json::parse(house.get(query + "&cursor=" + first["next_cursor"].get<std::string>()).body);
    ASSERT_EQ(last["data"].size(), 1U);
    EXPECT_EQ(last["next_cursor"], nullptr);
    for (const auto* const page : {&first, &last})
        for (const auto& each : (*page)["data"]) ids.erase(each["id"].get<std::string>());
    EXPECT_TRUE(ids.empty()) << "seen on no page: " << ids.size();
}

TEST(List, Filters) {
    House house;
    const auto reserved = house.hand_over("demo");
    const auto paid = house.hand_over("demo");
    house.post(path_of(paid, "/purchase"), "");
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto ids = [&](const std::string& query) {
        std::vector<std::string> found;
        const auto page = json::parse(house.get("/v1/transactions?" + query).body);
        for (const auto& each : page["data"]) found.push_back(each["id"]);
        return found;
    };
    const auto id = [](const json& transaction) { return transaction["id"].get<std::string>(); };
    EXPECT_THAT(ids("phase=purchased"), ElementsAre(id(paid)));
    EXPECT_THAT(ids("settled=true"), ElementsAre(id(paid)));
    EXPECT_THAT(ids("caller=demo-redirect"), ElementsAre(id(away)));
    EXPECT_THAT(ids("phase=reserved&caller=demo"), ElementsAre(id(reserved)));
    EXPECT_THAT(ids("in_doubt=true"), ElementsAre());
    EXPECT_THAT(ids("needs_person=true"), ElementsAre());
    EXPECT_THAT(ids("to=2026-01-01"), ElementsAre());
    EXPECT_EQ(ids("from=2026-01-01").size(), 3U);
}

TEST(Journal, TellsEverythingInOrder) {
    House house;
    const auto transaction = house.hand_over("demo");
    house.post(path_of(transaction, "/purchase"), "");
    const auto journal = json::parse(house.get(path_of(transaction, "/journal")).body);
    EXPECT_EQ(journal["id"], transaction["id"]);
    ASSERT_EQ(journal["data"].size(), 2U);
    EXPECT_EQ(journal["data"][0]["input"], "HandOver");
    EXPECT_EQ(journal["data"][1]["input"], "Purchase");
    EXPECT_EQ(journal["data"][1]["by"], "system box-office");
    int version = 0;
    for (const auto& row : journal["data"]) {
        EXPECT_EQ(row["version"], ++version);
        EXPECT_FALSE(row["events"].empty());
        EXPECT_EQ(row["events"].size(), row["sentences"].size());
        EXPECT_EQ(row["hash"].get<std::string>().size(), 64U);
    }
    EXPECT_EQ(journal["data"][0]["events"][0]["event"], "HandedOver");
}

TEST(Explain, SpeaksPlainly) {
    House house;
    const auto transaction = house.hand_over("demo");
    const auto explanation = json::parse(house.get(path_of(transaction, "/explain")).body);
    EXPECT_EQ(explanation["phase"], "reserved");
    EXPECT_NE(explanation["summary"], "");
    EXPECT_EQ(explanation["next_at"], transaction["held_until"]);
    EXPECT_EQ(explanation["needs_person"], false);
}

TEST(Accounts, ShowWhatIsOwed) {
    House house;
    const auto first = house.hand_over("demo");
    house.post(path_of(first, "/purchase"), "");
    house.forward(std::chrono::days(2));
    const auto second = house.hand_over("demo");
    house.post(path_of(second, "/purchase"), "");
    EXPECT_EQ(json::parse(house.get("/v1/callers/demo/balances").body),
              json::parse(R"({"caller":"demo","data":[{"currency":"GBP","owed":2500}]})"));
    const auto all = json::parse(house.get("/v1/callers/demo/statement?currency=GBP").body);
    std::int64_t sum = 0;
    for (const auto& line : all["lines"]) {
        sum += line["amount"].get<std::int64_t>();
        EXPECT_EQ(line["balance"], sum);
    }
    EXPECT_EQ(sum, 2500);
    EXPECT_EQ(all["next_cursor"], nullptr);
    const auto later =
        json::parse(house.get("/v1/callers/demo/statement?currency=gbp&from=2026-01-11&to=2026-02-01").body);
    ASSERT_FALSE(later["lines"].empty());
    for (const auto& line : later["lines"]) EXPECT_EQ(line["transaction"], second["id"]);
    EXPECT_EQ(json::parse(house.get("/v1/callers/demo/statement?currency=EUR").body)["lines"], json::array());
    EXPECT_TRUE(is_problem(house.get("/v1/callers/demo/statement"), 400, "currency"));
    EXPECT_TRUE(is_problem(house.get("/v1/callers/nobody/balances"), 404, "name"));
    EXPECT_TRUE(is_problem(house.get("/v1/callers/nobody/statement?currency=GBP"), 404, "name"));
}

TEST(Accounts, ShowEveryLineOnceOverPages) {
    House house;
    constexpr std::size_t lines_of_purchase = 2;  // held and taken, at one instant
    std::vector<std::string> lines;
    const auto read_all = [&] {
        lines.clear();
        std::vector<std::size_t> pages;
        std::string cursor;
        do {
            const auto page = json::parse(house.get("/v1/callers/demo/statement?currency=GBP" + cursor).body);
            pages.push_back(page["lines"].size());
            for (const auto& line : page["lines"]) lines.push_back(line["number"].dump());
            cursor.clear();
            if (page["next_cursor"].is_string()) cursor = "&cursor=" + page["next_cursor"].get<std::string>();
        } while (!cursor.empty() && pages.size() < 9);
        return pages;
    };
    const auto buy = [&](std::size_t count) {
        std::vector<std::shared_ptr<std::optional<HttpResponse>>> begun;
        for (const auto& each : house.hand_over_many("demo", count))
            begun.push_back(house.begin(House::v1_request("POST", path_of(each, "/purchase"), "")));
        for (const auto& each : begun) EXPECT_EQ(house.answer_of(each).status, 200);
    };
    buy(api::v1::statement_lines_max / lines_of_purchase);
    EXPECT_THAT(read_all(), ElementsAre(api::v1::statement_lines_max)) << "a full page that is the last";

    const auto one_more = house.hand_over("demo");
    house.post(path_of(one_more, "/purchase"), "");
    const json refund = {{"leg", 1}, {"amount", 50}, {"by", "Anna"}, {"because", "rain"}};
    house.post(path_of(one_more, "/refunds"), refund.dump());
    EXPECT_THAT(read_all(), ElementsAre(api::v1::statement_lines_max, lines_of_purchase + 1));
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), lines.size()) << "a line came twice";
    EXPECT_EQ(lines.size(), api::v1::statement_lines_max + lines_of_purchase + 1);
}

TEST(Ways, AreListedWithTheDefaultFirst) {
    House house;
    const auto ways = json::parse(house.get("/v1/ways?caller=demo-redirect&source=ext_test0").body)["data"];
    ASSERT_EQ(ways.size(), 2U);
    EXPECT_EQ(ways[0]["merchant"], "redirect-get");
    EXPECT_EQ(ways[0]["is_default"], true);
    EXPECT_EQ(ways[0]["browser"], "always");
    EXPECT_EQ(ways[1]["merchant"], "on_credit");
    EXPECT_EQ(ways[1]["is_default"], false);
    EXPECT_EQ(ways[1]["browser"], "no");
    EXPECT_EQ(json::parse(house.get("/v1/ways?caller=demo-redirect").body)["data"].size(), 4U);
    EXPECT_TRUE(is_problem(house.get("/v1/ways"), 400, "caller"));
    EXPECT_TRUE(is_problem(house.get("/v1/ways?caller=nobody"), 404, "caller"));
    EXPECT_TRUE(is_problem(house.get("/v1/ways?caller=demo&source=nowhere"), 400, "source"));
    house.directory.sources.clear();  // then any source may be handed over
    EXPECT_EQ(json::parse(house.get("/v1/ways?caller=demo&source=nowhere").body)["data"].size(), 1U);
}

}  // namespace
}  // namespace kassi::doors
