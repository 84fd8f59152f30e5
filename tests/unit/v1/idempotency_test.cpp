#include <gmock/gmock.h>

#include "api/v1/door.hpp"
#include "house.hpp"

namespace kassi::doors {
namespace {

const Fields key_one{{"Idempotency-Key", "one"}};

std::string path_of(const json& transaction, const std::string& more) {
    return "/v1/transactions/" + transaction["id"].get<std::string>() + more;
}

std::string hand_over_body(const House& house) {
    return json{{"caller", "demo"},
                {"bundles", {bundle("ext_test0", 100)}},
                {"held_until", iso8601(house.clock.now() + Millis{1'800'000})}}
        .dump();
}

void expect_same(const HttpResponse& first, const HttpResponse& again) {
    EXPECT_EQ(first.status, again.status);
    EXPECT_EQ(first.body, again.body);
    EXPECT_EQ(header(first, "Location"), header(again, "Location"));
}

TEST(Idempotency, HandsOverOnce) {
    House house;
    const auto body = hand_over_body(house);
    const auto first = house.post("/v1/transactions", body, key_one);
    ASSERT_EQ(first.status, 201);
    // What happens to it later does not change what was answered.
    house.post(path_of(json::parse(first.body), "/purchase"), "");
    house.forward(Millis{60'000});
    expect_same(first, house.post("/v1/transactions", body, key_one));
    EXPECT_EQ(json::parse(house.get("/v1/transactions").body)["data"].size(), 1U);
}

TEST(Idempotency, RefusesAnotherRequestWithTheSameKey) {
    House house;
    const auto body = hand_over_body(house);
    const auto first = json::parse(house.post("/v1/transactions", body, key_one).body);
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", body + " ", key_one), 409, "Idempotency-Key"));
    const auto later = json{{"held_until", iso8601(house.clock.now() + Millis{3'600'000})}}.dump();
    ASSERT_EQ(house.post(path_of(first, "/hold"), later, key_one).status, 200);
    EXPECT_TRUE(
        is_problem(house.post(path_of(first, "/hold"), later + " ", key_one), 409, "Idempotency-Key"));
    EXPECT_TRUE(is_problem(house.post(path_of(first, "/purchase"), "", key_one), 409, "Idempotency-Key"));
    EXPECT_EQ(house.read(first)["phase"], "reserved");
}

TEST(Idempotency, KnowsKeysByTransaction) {
    House house;
    std::vector<json> transactions{house.hand_over("demo"), house.hand_over("demo")};
    // With the same key as its hand-over, too.
    transactions.push_back(json::parse(house.post("/v1/transactions", hand_over_body(house), key_one).body));
    std::vector<HttpResponse> answers;
    for (const auto& transaction : transactions) {
        answers.push_back(house.post(path_of(transaction, "/purchase"), "", key_one));
        EXPECT_EQ(answers.back().status, 200) << answers.back().body;
        EXPECT_EQ(json::parse(answers.back().body)["id"], transaction["id"]);
    }
    const std::string refund = R"({"leg":1,"amount":5,"by":"Anna","because":"rain"})";
    const Fields key_two{{"Idempotency-Key", "two"}};
    for (const auto& transaction : transactions)
        EXPECT_EQ(house.post(path_of(transaction, "/refunds"), refund, key_two).status, 200);
    house.restart();
    for (std::size_t i = 0; i < transactions.size(); ++i) {
        expect_same(answers[i], house.post(path_of(transactions[i], "/purchase"), "", key_one));
        house.post(path_of(transactions[i], "/refunds"), refund, key_two);
        EXPECT_EQ(house.read(transactions[i])["legs"][0]["refunds"].size(), 1U);
        EXPECT_TRUE(is_problem(house.post(path_of(transactions[i], "/refunds"), refund, key_one), 409,
                               "Idempotency-Key"));
    }
}

TEST(Idempotency, KnowsKeysBySystem) {
    House house;
    house.post("/v1/transactions", hand_over_body(house), key_one);
    auto body = json::parse(hand_over_body(house));
    body["caller"] = "rival-caller";
    const auto theirs =
        house.ask(House::v1_request("POST", "/v1/transactions", body.dump(), key_one, "rival"));
    EXPECT_EQ(theirs.status, 201) << theirs.body;
}

TEST(Idempotency, ForgetsWhatWasRefused) {
    House house;
    EXPECT_EQ(house.post("/v1/transactions", "{}", key_one).status, 400);
    EXPECT_EQ(house.post("/v1/transactions", hand_over_body(house), key_one).status, 201);
}

TEST(Idempotency, RepeatsEveryMove) {
    House house;
    const auto transaction = house.hand_over("demo-owner");
    const auto later = json{{"held_until", iso8601(house.clock.now() + Millis{3'600'000})}}.dump();
    const std::vector<std::pair<std::string, std::string>> moves{
        {"/hold", later},
        {"/purchase", "{}"},
        {"/confirm", R"({"confirmed":true})"},
        {"/refunds", R"({"leg":1,"amount":5,"by":"Anna","because":"rain"})"},
        {"/cancel", "{}"}};
    std::vector<HttpResponse> answers;
    for (const auto& [act, body] : moves)
        answers.push_back(
            house.post(path_of(transaction, act), body, {{"Idempotency-Key", "key of " + act}}));
    const auto end = house.read(transaction);
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const auto& [act, body] = moves[i];
        SCOPED_TRACE(act);
        EXPECT_EQ(answers[i].status, 200) << answers[i].body;
        expect_same(answers[i],
                    house.post(path_of(transaction, act), body, {{"Idempotency-Key", "key of " + act}}));
    }
    EXPECT_EQ(house.read(transaction), end);
}

TEST(Idempotency, RepeatsACalloutAndARelease) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    const std::string body = R"({"return":{"via":"caller","token":"t1","url":"http://shop.example/t1"}})";
    const auto first = house.post(path_of(transaction, "/purchase"), body, key_one);
    ASSERT_TRUE(json::parse(first.body)["callout"].is_object());
    expect_same(first, house.post(path_of(transaction, "/purchase"), body, key_one));
    const auto released = house.post(path_of(transaction, "/release"), "", {{"Idempotency-Key", "two"}});
    EXPECT_EQ(released.status, 200) << released.body;
    EXPECT_EQ(json::parse(released.body)["phase"], "failed");
    expect_same(released, house.post(path_of(transaction, "/release"), "", {{"Idempotency-Key", "two"}}));
}

TEST(Idempotency, RepeatsACallback) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    const auto away = house.purchase_via_caller(transaction, "t1");
    house.customer(away, "pay_get");
    const std::string body = R"({"caller":"demo-redirect","fields":{"success":"yes"}})";
    const auto first = house.post("/v1/callbacks/t1", body, key_one);
    EXPECT_EQ(json::parse(first.body)["phase"], "purchased");
    house.post(path_of(transaction, "/cancel"), "");
    EXPECT_EQ(house.read(transaction)["phase"], "cancelled");
    expect_same(first, house.post("/v1/callbacks/t1", body, key_one));
    const std::string other = R"({"caller":"demo-redirect","fields":{"success":"no"}})";
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/t1", other, key_one), 409, "Idempotency-Key"));
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/t1", other), 410, "token"));
}

TEST(Idempotency, TakesTheKeyOfARequestThatChangesNothing) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    const auto purchase = path_of(transaction, "/purchase");
    const std::string first = R"({"return":{"via":"kassi"}})";
    ASSERT_EQ(house.post(purchase, first).status, 200);
    // On its way already: the same callout, under a key that now stands for this request.
    const auto again = house.post(purchase, first, key_one);
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_TRUE(json::parse(again.body)["callout"].is_object());
    expect_same(again, house.post(purchase, first, key_one));
    EXPECT_TRUE(is_problem(house.post(purchase, first + " ", key_one), 409, "Idempotency-Key"));
    EXPECT_TRUE(
        is_problem(house.post(path_of(transaction, "/release"), "", key_one), 409, "Idempotency-Key"));

    const auto spare = house.hand_over("demo");
    ASSERT_EQ(house.post(path_of(spare, "/release"), "").status, 200);
    ASSERT_EQ(house.post(path_of(spare, "/release"), "", {{"Idempotency-Key", "two"}}).status, 200);
    EXPECT_TRUE(is_problem(house.post(path_of(spare, "/purchase"), "", {{"Idempotency-Key", "two"}}), 409,
                           "Idempotency-Key"));
}

TEST(Idempotency, TakesTheKeyOfARepeatedCallback) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    house.purchase_via_caller(transaction, "t1");
    const std::string body = R"({"caller":"demo-redirect","fields":{"success":"yes"}})";
    ASSERT_EQ(house.post("/v1/callbacks/t1", body).status, 200);
    const auto again = house.post("/v1/callbacks/t1", body, key_one);
    EXPECT_EQ(again.status, 200) << again.body;
    expect_same(again, house.post("/v1/callbacks/t1", body, key_one));
    // The key of a return that was refused stays free.
    const std::string other = R"({"caller":"demo-redirect","fields":{"success":"no"}})";
    EXPECT_TRUE(is_problem(house.post("/v1/callbacks/t1", other, key_one), 409, "Idempotency-Key"));
    EXPECT_TRUE(
        is_problem(house.post("/v1/callbacks/t1", other, {{"Idempotency-Key", "two"}}), 410, "token"));
    EXPECT_EQ(house.post("/v1/callbacks/t1", body, {{"Idempotency-Key", "two"}}).status, 200);
}

TEST(Idempotency, LeavesTheKeyOfAnotherReturnFreeWhateverItProves) {
    House house;
    const auto returned = [&](const std::string& token, const std::string& success, Fields headers = {}) {
        const json body = {{"caller", "demo-page-only"}, {"fields", {{"success", success}}}};
        return house.post("/v1/callbacks/" + token, body.dump(), std::move(headers));
    };
    // The first return settles it; what another one says against it is only noted.
    const auto paid = house.hand_over("demo-page-only");
    house.purchase_via_caller(paid, "t1");
    ASSERT_EQ(returned("t1", "yes").status, 200);
    const auto bought = house.read(paid);
    EXPECT_EQ(bought["phase"], "purchased");
    EXPECT_TRUE(is_problem(returned("t1", "no", key_one), 410, "token"));
    EXPECT_EQ(house.read(paid)["phase"], "purchased");
    EXPECT_EQ(house.post("/v1/transactions", hand_over_body(house), key_one).status, 201);

    // Refused, and then a return that says paid: 410 all the same, but the money is in the record.
    const Fields key_two{{"Idempotency-Key", "two"}};
    const auto refused = house.hand_over("demo-page-only");
    house.purchase_via_caller(refused, "t2");
    ASSERT_EQ(returned("t2", "no").status, 200);
    EXPECT_EQ(house.read(refused)["phase"], "failed");
    EXPECT_EQ(house.read(refused)["legs"][0]["money"], "none");
    EXPECT_TRUE(is_problem(returned("t2", "yes", key_two), 410, "token"));
    EXPECT_EQ(house.read(refused)["legs"][0]["money"], "taken");
    EXPECT_EQ(house.read(refused)["needs_person"], true) << "this house gives nothing back";
    EXPECT_EQ(house.post("/v1/transactions", hand_over_body(house), key_two).status, 201);
}

TEST(Idempotency, WantsAKeyThatIsOne) {
    House house;
    const auto body = hand_over_body(house);
    const auto refused = [&](const std::string& path, Fields headers) {
        return is_problem(house.post(path, body, std::move(headers)), 400, "Idempotency-Key");
    };
    for (const auto& [method, path] : api::v1::operations()) {
        if (method != "POST") continue;
        EXPECT_TRUE(refused(std::string(path), {{"Idempotency-Key", ""}})) << path;
        EXPECT_TRUE(refused(std::string(path), {{"Idempotency-Key", "a"}, {"idempotency-key", "b"}})) << path;
        EXPECT_TRUE(refused(std::string(path), {{"Idempotency-Key", "a"}, {"Idempotency-Key", "a"}})) << path;
        EXPECT_TRUE(refused(std::string(path), {{"Idempotency-Key", ""}, {"Idempotency-Key", "a"}})) << path;
    }
    EXPECT_EQ(json::parse(house.get("/v1/transactions").body)["data"], json::array());
    EXPECT_EQ(house.post("/v1/transactions", body).status, 201) << "a request needs no key";
    EXPECT_EQ(house.post("/v1/transactions", body, {{"Idempotency-Key", std::string(255, 'x')}}).status, 201);
}

TEST(Idempotency, WaitsForARequestThatIsStillAtWork) {
    House house;
    const auto transaction = house.hand_over("demo-redirect");
    const auto request = House::v1_request("POST", path_of(transaction, "/purchase"),
                                           R"({"return":{"via":"kassi"}})", key_one);
    house.world.is_silent = true;
    const auto first = house.begin(request);
    ASSERT_TRUE(house.queue.run_until([&] { return house.engine->metrics().calls_open == 1; }));
    const auto again = house.begin(request);
    EXPECT_FALSE(again->has_value());
    house.world.answer_all();
    expect_same(house.answer_of(first), house.answer_of(again));
    EXPECT_EQ(house.answer_of(again).status, 200);
    EXPECT_EQ(house.engine->metrics().calls, 1);
}

TEST(Idempotency, OutlivesTheProcess) {
    House house;
    const auto body = hand_over_body(house);
    const auto first = house.post("/v1/transactions", body, key_one);
    const auto purchase = path_of(json::parse(first.body), "/purchase");
    const auto paid = house.post(purchase, "", {{"Idempotency-Key", "two"}});
    house.restart();
    expect_same(first, house.post("/v1/transactions", body, key_one));
    expect_same(paid, house.post(purchase, "", {{"Idempotency-Key", "two"}}));
    EXPECT_TRUE(is_problem(house.post("/v1/transactions", body + " ", key_one), 409, "Idempotency-Key"));
}

}  // namespace
}  // namespace kassi::doors
