#include <gmock/gmock.h>

#include "house.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

constexpr const char* yes = R"({"returned":[["success","1"],["ref","abc123"]]})";
constexpr const char* no = R"({"returned":[["success","no"]]})";

// ---- the contract --------------------------------------------------------------------------------------

TEST(HouseContract, OpensASession) {
    House house;
    const auto answer = house.api("POST", "/sessions", House::session_body(), "k1");
    EXPECT_EQ(answer.status, 201);
    const auto json = json_of(answer);
    EXPECT_EQ(json["status"], "open");
    EXPECT_EQ(json["reference"], "ref-1");
    EXPECT_EQ(json["amount"], 11'000);
    EXPECT_EQ(json["currency"], "GBP");
    EXPECT_EQ(json["callout"]["type"], "get");
    EXPECT_EQ(json["callout"]["url"], "http://127.0.0.1:8081/tickets/dummy_redirect.buy/demo-redirect");
    EXPECT_EQ(json["callout"]["parameters"].dump(),
              R"([["return_url","https://shop.example/back/ref-1/"],["title","A <title>"]])");
    EXPECT_TRUE(house.house->ledger().empty());
}

TEST(HouseContract, WantsTheMerchantsKey) {
    House house;
    EXPECT_EQ(house.api("GET", "/sessions?reference=x", "", "", "key-three").status, 401);
    EXPECT_EQ(house.api("GET", "/sessions?reference=x", "", "", "").status, 401) << "a page house has no key";
    EXPECT_EQ(house.send({"GET", "/redirect/v1/sessions?reference=x", {}, "", ""}).status, 401);
    const auto id = house.open();
    EXPECT_EQ(house.api("GET", "/sessions/" + id, "", "", "key-two").status, 404) << "another merchant's";
}

TEST(HouseContract, RefusesWhatItCannotRead) {
    House house;
    auto status = [&, key = 0](std::string from, std::string to) mutable {
        std::string body = House::session_body();
        body.replace(body.find(from), from.size(), to);
        return house.api("POST", "/sessions", body, "key" + std::to_string(++key)).status;
    };
    EXPECT_EQ(status("{", "["), 400);
    EXPECT_EQ(status("ref-1", ""), 422);
    EXPECT_EQ(status("ref-1", std::string(129, 'r')), 422);
    EXPECT_EQ(status("11000", "0"), 422);
    EXPECT_EQ(status("11000", "-1"), 422);
    EXPECT_EQ(status("11000", "110.5"), 422);
    EXPECT_EQ(status("11000", "1000000000001"), 422);
    EXPECT_EQ(status("GBP", "XQZ"), 422);
    EXPECT_EQ(status("https://shop", "javascript:shop"), 422);
    EXPECT_EQ(status("\"get\"", "\"put\""), 422);
    EXPECT_EQ(status("2026-01-10T10:10", "2026-01-10T10:00"), 422) << "already over";
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body()).status, 400) << "no Idempotency-Key";
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), std::string(256, 'k')).status, 400);
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), std::string(255, 'k')).status, 201);
    EXPECT_EQ(house.api("DELETE", "/sessions").status, 405);
    EXPECT_EQ(house.api("POST", "/sessions/x/open", "", "k").status, 404);
    EXPECT_EQ(house.api("POST", "/sessions/x/close/x", "", "k").status, 404);
    EXPECT_EQ(json_of(house.api("GET", "/sessions/x"))["error"]["code"], "unknown_session");
    EXPECT_EQ(house.get("/elsewhere").status, 404);
}

TEST(HouseContract, OneKeyIsOneRequest) {
    House house;
    const auto first = house.api("POST", "/sessions", House::session_body(), "k1");
    const auto again = house.api("POST", "/sessions", House::session_body(), "k1");
    EXPECT_EQ(again.status, first.status);
    EXPECT_EQ(again.body, first.body);
    const auto other = house.api("POST", "/sessions", House::session_body("ref-1", 5), "k1");
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(json_of(other)["error"]["code"], "key_reused");
    EXPECT_EQ(json_of(house.api("POST", "/sessions", House::session_body(), "k2"))["error"]["code"],
              "reference_used");
    // Keys belong to their merchant, and do not live for ever.
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), "k1", "key-two").status, 201);
    house.clock.at += house_key_life - Millis{1};
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), "k1").body, first.body);
    house.clock.at += Millis{1};
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), "k1").status, 422)
        << "its expires_at is long over";
}

TEST(HouseContract, RemembersSoManyKeysAndNoMore) {
    House house;
    auto with = options();
    with.keys_max = 2;
    house.build(with);
    const auto first = house.api("POST", "/sessions", House::session_body("ref-1"), "k1");
    house.clock.at += Millis{1};
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body("ref-2"), "k2").status, 201);
    const auto full = house.api("POST", "/sessions", House::session_body("ref-3"), "k3");
    EXPECT_EQ(full.status, 503);
    EXPECT_EQ(json_of(full)["error"]["not_done"], true);
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body("ref-1"), "k1").body, first.body);
    // The oldest makes room when its time is over.
    house.clock.at += house_key_life - Millis{1};
    std::string body = House::session_body("ref-3");
    body.replace(body.find("2026"), 4, "2027");
    EXPECT_EQ(house.api("POST", "/sessions", body, "k3").status, 201);
    body.replace(body.find("ref-3"), 5, "ref-4");
    EXPECT_EQ(house.api("POST", "/sessions", body, "k4").status, 503);
}

TEST(HouseContract, WhatDidNothingIsNotRemembered) {
    House house;
    house.faults(R"({"on":"session","do":"error_before"})");
    const auto refused = house.api("POST", "/sessions", House::session_body(), "k1");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(json_of(refused)["error"]["not_done"], true);
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), "k1").status, 201);
}

TEST(HouseContract, CompleteTakesTheMoneyOfWhoeverSaysSuccess) {
    for (const char* word : {"yes", "1", "true"}) {
        House house;
        const auto id = house.open();
        const auto answer = house.api("POST", "/sessions/" + id + "/complete",
                                      R"({"returned":[["success",")" + std::string(word) + R"("]]})", "c");
        EXPECT_EQ(json_of(answer)["status"], "paid");
        EXPECT_EQ(house.taken(), 11'000);
    }
}

TEST(HouseContract, CompleteClosesForGoodOtherwise) {
    for (const char* returned : {R"([["success","no"]])", R"([["success","paid?"]])", "[]",
                                 R"([["success","yes"],["success","no"]])"}) {
        House house;
        const auto id = house.open();
        const auto answer = house.api("POST", "/sessions/" + id + "/complete",
                                      R"({"returned":)" + std::string(returned) + "}", "c");
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(json_of(answer)["status"], "refused");
        EXPECT_EQ(house.api("POST", "/sessions/" + id + "/complete", yes, "c2").status, 409);
        EXPECT_EQ(house.act(id, "pay_get").status, 410);
        EXPECT_EQ(house.taken(), 0);
    }
}

TEST(HouseContract, CompleteIsOnlyTheEchoOfAPaidPage) {
    House house;
    const auto id = house.open();
    house.act(id, "pay_get");
    EXPECT_EQ(json_of(house.api("POST", "/sessions/" + id + "/complete", no, "c"))["status"], "paid");
    EXPECT_EQ(json_of(house.api("POST", "/sessions/" + id + "/complete", no, "c"))["status"], "paid");
    EXPECT_EQ(house.taken(), 11'000) << "taken once";
    EXPECT_EQ(house.api("POST", "/sessions/" + id + "/complete", R"({"returned":[["a"]]})", "c3").status,
              422);
}

TEST(HouseContract, LooksUpByIdAndByReference) {
    House house;
    const auto id = house.open();
    EXPECT_EQ(house.status_of(id), "open");
    EXPECT_EQ(json_of(house.api("GET", "/sessions?reference=ref-1"))["sessions"][0]["id"], id);
    EXPECT_EQ(house.api("GET", "/sessions?reference=ref-2").body, R"({"sessions":[]})");
    EXPECT_EQ(house.api("GET", "/sessions?reference=ref-1", "", "", "key-two").body, R"({"sessions":[]})");
    EXPECT_EQ(house.api("GET", "/sessions").status, 400);
}

TEST(HouseContract, ClosesWhatNobodyPaid) {
    House house;
    const auto id = house.open();
    EXPECT_EQ(json_of(house.api("POST", "/sessions/" + id + "/close"))["status"], "closed");
    EXPECT_EQ(house.api("POST", "/sessions/" + id + "/close").status, 200) << "again, without harm";
    EXPECT_EQ(house.act(id, "pay_get").status, 410);
    EXPECT_EQ(house.api("POST", "/sessions/" + id + "/complete", yes, "c").status, 409);
    EXPECT_EQ(house.taken(), 0);

    const auto paid = house.open("ref-2");
    house.act(paid, "pay_stay");
    const auto late = house.api("POST", "/sessions/" + paid + "/close");
    EXPECT_EQ(late.status, 409);
    EXPECT_EQ(json_of(late)["status"], "paid");
}

TEST(HouseContract, ASessionEndsWithItsTime) {
    House house;
    const auto id = house.open();
    house.clock.at += std::chrono::minutes(10) - Millis{1};
    EXPECT_EQ(house.status_of(id), "open");
    house.clock.at += Millis{1};
    EXPECT_EQ(house.status_of(id), "closed");
    EXPECT_EQ(house.act(id, "pay_get").status, 410);
}

TEST(HouseContract, GivesBackWhatItTookAndNoMore) {
    House house;
    const auto id = house.open();
    const auto refund = [&](std::int64_t amount, std::string reference) {
        return house.api("POST", "/sessions/" + id + "/refunds",
                         R"({"amount":)" + std::to_string(amount) + R"(,"reference":")" + reference + R"("})",
                         reference);
    };
    EXPECT_EQ(json_of(refund(1, "r0"))["error"]["code"], "not_paid");
    house.act(id, "pay_get");
    const auto part = refund(1'000, "r1");
    EXPECT_EQ(part.status, 201);
    EXPECT_EQ(json_of(part)["refunded"], 1'000);
    EXPECT_EQ(json_of(part)["status"], "refunded");
    EXPECT_EQ(refund(1'000, "r1").body, part.body);
    EXPECT_EQ(house.status_of(id), "paid");
    EXPECT_EQ(refund(10'001, "r2").status, 422);
    EXPECT_EQ(refund(10'000, "r2").status, 201);
    EXPECT_EQ(house.status_of(id), "refunded");
    EXPECT_EQ(refund(1, "r3").status, 422);
    EXPECT_EQ(house.taken(), 0);
    EXPECT_EQ(house.house->ledger().size(), 3U);
}

// ---- the page ------------------------------------------------------------------------------------------

const std::string page = "/tickets/dummy_redirect.buy/demo-redirect";
const Fields asked{{"return_url", "https://shop.example/back/ref-1/"}, {"title", "A <title>"}};

TEST(HousePage, ShowsWhatIsPaid) {
    House house;
    const auto id = house.open();
    for (const auto& answer : {house.get(page + "?" + encoding::form(asked)), house.form(page, asked)}) {
        EXPECT_EQ(answer.status, 200);
        EXPECT_THAT(answer.body, HasSubstr("demo-redirect"));
        EXPECT_THAT(answer.body, HasSubstr("£110.00"));
        EXPECT_THAT(answer.body, HasSubstr("A &lt;title&gt;"));
        EXPECT_THAT(answer.body, Not(HasSubstr("A <title>")));
        EXPECT_THAT(answer.body, Not(HasSubstr("<script")));
        for (const char* act : {"pay_get", "pay_post", "pay_both", "pay_stay", "refuse", "leave"})
            EXPECT_THAT(answer.body, HasSubstr("value=\"" + std::string(act) + "\""));
        const std::string policy(answer.header("Content-Security-Policy"));
        EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
        EXPECT_THAT(policy, HasSubstr("form-action 'self' https://shop.example;"));
        EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
        EXPECT_EQ(answer.header("Cache-Control"), "no-store");
    }
    EXPECT_TRUE(house.house->ledger().empty());
}

TEST(HousePage, DoesNotKnowEverything) {
    House house;
    house.open();
    EXPECT_EQ(house.get(page).status, 404);
    EXPECT_EQ(house.get(page + "?return_url=https%3A%2F%2Fshop.example%2F&title=x").status, 404);
    EXPECT_EQ(house.get("/tickets/dummy_redirect.buy/other?" + encoding::form(asked)).status, 404);
    EXPECT_EQ(house.get(page + "?return_url=%G1").status, 400);
    EXPECT_EQ(house.act("rs_unknown", "pay_get").status, 404);
    EXPECT_EQ(house.get("/tickets/dummy_redirect.buy/act").status, 405);
    EXPECT_EQ(house.send({"PUT", page, {}, "", ""}).status, 405);
}

TEST(HousePage, TheNewestSessionOfAReturnUrlCounts) {
    House house;
    house.open("ref-1", 11'000);
    const auto answer = house.api(
        "POST", "/sessions",
        [] {
            std::string body = House::session_body("ref-1", 500);
            return body.replace(body.find("\"ref-1\""), 7, "\"ref-2\"");
        }(),
        "second");
    ASSERT_EQ(answer.status, 201);
    EXPECT_THAT(house.get(page + "?" + encoding::form(asked)).body, HasSubstr("£5.00"));
}

TEST(HousePage, ReturnsByGet) {
    House house;
    const auto id = house.open();
    const auto answer = house.act(id, "pay_get");
    EXPECT_EQ(answer.status, 303);
    EXPECT_EQ(answer.header("Location"), "https://shop.example/back/ref-1/?success=yes&ref=" + id);
    EXPECT_EQ(house.act(id, "pay_get").header("Location"), answer.header("Location")) << "a double click";
    EXPECT_EQ(house.taken(), 11'000);
    EXPECT_THAT(house.get(page + "?" + encoding::form(asked)).body, HasSubstr("Paid already"));
}

TEST(HousePage, ReturnsByPost) {
    House house;
    const auto id = house.open();
    const auto answer = house.act(id, "pay_post");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("method=\"post\" action=\"https://shop.example/back/ref-1/\""));
    const auto success = answer.body.find("name=\"success\" value=\"yes\""),
               ref = answer.body.find("name=\"ref\" value=\"" + id + "\"");
    EXPECT_LT(success, ref);
    EXPECT_NE(ref, std::string::npos);
    EXPECT_THAT(answer.body, HasSubstr("<button")) << "works without JavaScript";
    const std::string policy(answer.header("Content-Security-Policy"));
    const auto nonce = policy.substr(policy.find("script-src 'nonce-") + 18, 22);
    EXPECT_THAT(answer.body, HasSubstr("<script nonce=\"" + nonce + "\">"));
    EXPECT_THAT(policy, HasSubstr("form-action https://shop.example;"));
}

TEST(HousePage, ReturnsByBoth) {
    House house;
    const auto id = house.open();
    const auto answer = house.act(id, "pay_both");
    EXPECT_THAT(answer.body,
                HasSubstr("action=\"https://shop.example/back/ref-1/?success=yes&amp;ref=" + id + "\""));
    EXPECT_THAT(answer.body, HasSubstr("name=\"success\" value=\"yes\""));
    EXPECT_EQ(house.taken(), 11'000);
}

TEST(HousePage, RefusesAndWalksAway) {
    House house;
    const auto id = house.open();
    EXPECT_EQ(house.act(id, "leave").status, 200);
    EXPECT_EQ(house.status_of(id), "open");
    const auto answer = house.act(id, "refuse");
    EXPECT_EQ(answer.header("Location"), "https://shop.example/back/ref-1/?success=no&ref=" + id);
    EXPECT_EQ(house.status_of(id), "refused");
    EXPECT_EQ(house.act(id, "refuse").status, 303);
    EXPECT_EQ(house.act(id, "pay_get").status, 410);
    EXPECT_EQ(house.taken(), 0);

    const auto paid = house.open("ref-2");
    EXPECT_EQ(house.act(paid, "pay_stay").status, 200);
    EXPECT_EQ(house.status_of(paid), "paid");
    EXPECT_EQ(house.act(paid, "refuse").status, 409);
    EXPECT_EQ(house.act(paid, "steal").status, 400);
}

TEST(HousePage, OfAHouseWithoutAContract) {
    House house;
    const Fields fields{{"return_url", "http://127.0.0.1:9000/back/T1?a=b"},
                        {"title", "t"},
                        {"reference", "ref-9"},
                        {"amount", "700"},
                        {"currency", "GBP"}};
    const auto answer = house.form("/tickets/dummy_redirect.buy/page", fields);
    ASSERT_EQ(answer.status, 200);
    EXPECT_THAT(std::string(answer.header("Content-Security-Policy")),
                HasSubstr("form-action 'self' http://127.0.0.1:9000 http://127.0.0.1:*"));
    const auto at = answer.body.find("name=\"session\" value=\"") + 22;
    const auto id = answer.body.substr(at, answer.body.find('"', at) - at);
    const std::string location(house.act(id, "pay_get").header("Location"));
    const std::string text = "success=yes&ref=" + id + "&reference=ref-9&amount=700&currency=GBP";
    EXPECT_EQ(location, "http://127.0.0.1:9000/back/T1?a=b&" + text + "&signature=" +
                            encoding::hex(crypto::to_bytes(crypto::hmac_sha256("return-one", text))));
    EXPECT_EQ(house.taken(), 700);
    Fields without = fields;
    without[0].second = "http://127.0.0.1:9000/other";
    without.pop_back();
    EXPECT_EQ(house.form("/tickets/dummy_redirect.buy/page", without).status, 404);
    without[0].second = "javascript:alert(1)";
    without.emplace_back("currency", "GBP");
    EXPECT_EQ(house.form("/tickets/dummy_redirect.buy/page", without).status, 404);
}

/// The guide uses one return token on every run, so one return URL serves many payments.
TEST(HousePage, OfAHouseWithoutAContractKnowsPaymentsByTheirReference) {
    House house;
    const auto asked_for = [](std::string reference, std::string amount = "700", std::string currency = "GBP",
                              std::string return_url = "http://127.0.0.1:9000/back/T1") {
        return Fields{{"return_url", std::move(return_url)},
                      {"title", "t"},
                      {"reference", std::move(reference)},
                      {"amount", std::move(amount)},
                      {"currency", std::move(currency)}};
    };
    const auto show = [&](const Fields& fields) {
        return house.form("/tickets/dummy_redirect.buy/page", fields);
    };
    const auto pay = [&](const Fields& fields) {
        const auto body = show(fields).body;
        const auto at = body.find("name=\"session\" value=\"");
        if (at == std::string::npos) throw std::runtime_error(body);
        const auto from = at + 22;
        return house.act(body.substr(from, body.find('"', from) - from), "pay_get");
    };
    EXPECT_EQ(pay(asked_for("ref-8")).status, 303);
    EXPECT_EQ(pay(asked_for("ref-9")).status, 303);
    ASSERT_EQ(house.house->ledger().size(), 2U);
    EXPECT_EQ(house.house->ledger()[0].reference, "ref-8");
    EXPECT_EQ(house.house->ledger()[1].reference, "ref-9");
    EXPECT_NE(house.house->ledger()[0].session, house.house->ledger()[1].session);
    EXPECT_THAT(show(asked_for("ref-8")).body, HasSubstr("Paid already"));
    // Another payment under a reference that is taken is none of ours.
    for (const auto& other : {asked_for("ref-8", "701"), asked_for("ref-8", "700", "EUR"),
                              asked_for("ref-8", "700", "GBP", "http://127.0.0.1:9000/back/T2")})
        EXPECT_EQ(show(other).status, 404);
}

// ---- notices -------------------------------------------------------------------------------------------

TEST(HouseNotices, AreSignedAndSayWhatHappened) {
    House house;
    const auto id = house.open();
    house.act(id, "pay_stay");
    ASSERT_EQ(house.notices.size(), 1U);
    const auto& notice = house.notices[0];
    EXPECT_EQ(notice.method, "POST");
    EXPECT_EQ(notice.target, "http://127.0.0.1:8080/webhooks/redirect/demo-redirect");
    EXPECT_EQ(notice.header("Redirect-Signature"),
              "t=1768039200,v1=" + encoding::hex(crypto::to_bytes(
                                       crypto::hmac_sha256("notice-one", "1768039200." + notice.body))));
    const auto body = *parse_json(notice.body);
    EXPECT_EQ(body["type"], "session.paid");
    EXPECT_EQ(body["status"], "paid");
    EXPECT_EQ(body["session"], id);
    EXPECT_EQ(body["reference"], "ref-1");
    EXPECT_EQ(body["amount"], 11'000);
    EXPECT_EQ(body["currency"], "GBP");

    house.api("POST", "/sessions/" + id + "/refunds", R"({"amount":1,"reference":"r"})", "r");
    house.api("POST", "/sessions/" + house.open("ref-2") + "/close");
    house.act(house.open("ref-3"), "refuse");
    std::vector<std::string> types;
    for (const auto& each : house.notices) types.push_back((*parse_json(each.body))["type"]);
    EXPECT_EQ(types, (std::vector<std::string>{"session.paid", "session.refunded", "session.closed",
                                               "session.refused"}));
}

TEST(HouseNotices, ComeAgainUntilSomebodyListens) {
    House house;
    house.notice_answers = {0, 500, 404};
    house.act(house.open(), "pay_stay");
    house.advance(std::chrono::hours(24));
    ASSERT_EQ(house.notices.size(), 4U);
    for (const auto& notice : house.notices)
        EXPECT_EQ(notice.body, house.notices[0].body) << "with the same event id";
    EXPECT_NE(house.notices[3].header("Redirect-Signature"), house.notices[0].header("Redirect-Signature"));
}

TEST(HouseNotices, ComeSoOftenAndNoMore) {
    House house;
    house.notice_answers = std::deque<int>(50, 500);
    house.act(house.open(), "pay_stay");
    house.advance(std::chrono::hours(24));
    EXPECT_EQ(house.notices.size(), static_cast<std::size_t>(house_notice_tries_max));
}

TEST(HouseNotices, OutliveNoHouse) {
    House house;
    house.keep_answers = true;
    house.act(house.open(), "pay_stay");
    house.house.reset();
    house.kept_answers.at(0)(500);
    EXPECT_TRUE(house.later.empty());
}

// ---- faults and ledger ---------------------------------------------------------------------------------

TEST(HouseFaults, DropsTheAnswerAfterTheWork) {
    House house;
    const auto id = house.open();
    house.faults(R"({"on":"complete","do":"drop_answer"})");
    const auto request = House::request("POST", "/sessions/" + id + "/complete", yes, "c");
    EXPECT_FALSE(house.try_send(request).has_value());
    EXPECT_EQ(house.taken(), 11'000);
    EXPECT_EQ(json_of(house.send(request))["status"], "paid") << "the rule is used up; the key replays";
    EXPECT_EQ(house.taken(), 11'000);
}

TEST(HouseFaults, LiesDeadWithoutWork) {
    House house;
    const auto id = house.open();
    house.faults(R"({"on":"*","do":"dead","times":2})");
    const auto request = House::request("POST", "/sessions/" + id + "/complete", yes, "c");
    EXPECT_FALSE(house.try_send(request).has_value());
    EXPECT_FALSE(house.try_send(House::request("GET", "/sessions/" + id)).has_value());
    EXPECT_EQ(house.taken(), 0);
    EXPECT_EQ(house.status_of(id), "open");
}

TEST(HouseFaults, ErrsAfterTheWork) {
    House house;
    const auto id = house.open();
    house.faults(R"({"on":"complete","do":"error_after"})");
    EXPECT_EQ(house.api("POST", "/sessions/" + id + "/complete", yes, "c").status, 500);
    EXPECT_EQ(house.taken(), 11'000);
}

TEST(HouseFaults, IsSlow) {
    House house;
    house.faults(R"({"on":"session","do":"delay","ms":5000},{"on":"session","do":"drop_answer","ms":7000})");
    auto seen = std::make_shared<int>(0);
    house.house->handler()(House::request("POST", "/sessions", House::session_body(), "k"),
                           [seen](HttpResponse r) { *seen = r.status; });
    EXPECT_EQ(*seen, 0);
    house.advance(Millis{4'999});
    EXPECT_EQ(*seen, 0);
    house.advance(Millis{1});
    EXPECT_EQ(*seen, 201);

    auto held = std::make_shared<int>(7);
    house.house->handler()(House::request("POST", "/sessions", House::session_body(), "k"),
                           [held](HttpResponse) {});
    EXPECT_EQ(held.use_count(), 2) << "the connection stays open, and silent";
    house.advance(Millis{7'000});
    EXPECT_EQ(held.use_count(), 1);
}

TEST(HouseFaults, LiesAboutTheAmount) {
    House house;
    house.faults(
        R"({"on":"session","do":"wrong_amount"},{"on":"look_up","do":"wrong_amount","times":2},{"on":"notice","do":"wrong_amount"})");
    const auto answer = house.api("POST", "/sessions", House::session_body(), "k");
    EXPECT_EQ(json_of(answer)["amount"], 11'001);
    EXPECT_EQ(json_of(house.api("GET", "/sessions/" + json_of(answer)["id"].get<std::string>()))["amount"],
              11'001);
    EXPECT_EQ(json_of(house.api("GET", "/sessions?reference=ref-1"))["sessions"][0]["amount"], 11'001);
    house.act(json_of(answer)["id"], "pay_stay");
    EXPECT_EQ((*parse_json(house.notices.at(0).body))["amount"], 11'001);
    EXPECT_EQ(house.taken(), 11'000);
}

TEST(HouseFaults, OfNotices) {
    const auto count = [](std::string what) {
        House house;
        house.faults(R"({"on":"notice","do":")" + what + R"(","ms":60000})");
        house.act(house.open(), "pay_stay");
        const auto at_once = house.notices.size();
        house.advance(std::chrono::hours(1));
        return std::pair(at_once, house.notices.size());
    };
    using Counts = std::pair<std::size_t, std::size_t>;
    EXPECT_EQ(count("twice"), (Counts{2, 2}));
    EXPECT_EQ(count("dead"), (Counts{0, 1})) << "the next try gets through";
    EXPECT_EQ(count("delay"), (Counts{0, 1}));
    EXPECT_EQ(count("drop_answer"), (Counts{1, 2}));
}

TEST(HouseFaults, AreSetShownAndTakenBack) {
    House house;
    EXPECT_EQ(house.get("/_faults").body, R"({"rules":[]})");
    const auto set =
        house.faults(R"({"on":"close","do":"delay","ms":10,"times":3,"merchant":"demo-redirect"})");
    EXPECT_EQ(set.body,
              R"({"rules":[{"on":"close","do":"delay","ms":10,"times":3,"merchant":"demo-redirect"}]})");
    for (const char* wrong :
         {R"({"on":"door","do":"delay"})", R"({"on":"close","do":"explode"})",
          R"({"on":"close","do":"twice"})", "1", R"({"on":"close","do":"delay","times":0})",
          R"({"on":"close","do":"delay","times":1000001})", R"({"on":"close","do":"delay","ms":600001})",
          R"({"on":"close","do":"delay","ms":"1"})", R"({"on":"close","do":"delay","colour":1})"})
        EXPECT_EQ(house.faults(wrong).status, 400) << wrong;
    EXPECT_EQ(house.get("/_faults").body, set.body) << "a wrong list changes nothing";
    std::string many;
    for (std::size_t i = 0; i < house_fault_rules_max; ++i) many += R"({"on":"close","do":"dead"},)";
    EXPECT_EQ(house.faults(many + R"({"on":"close","do":"dead"})").status, 400);
    many.pop_back();
    EXPECT_EQ(house.faults(many).status, 200);
    EXPECT_EQ(house.send({"DELETE", "/_faults", {}, "", ""}).body, R"({"rules":[]})");
    EXPECT_EQ(house.send({"POST", "/_faults", {}, "", ""}).status, 405);

    house.faults(R"({"on":"session","do":"error_before","merchant":"demo-redirect-post"})");
    EXPECT_EQ(house.api("POST", "/sessions", House::session_body(), "k").status, 201)
        << "another merchant's trouble";
}

TEST(HouseLedger, ListsTheMoneyThatMoved) {
    House house;
    EXPECT_EQ(house.get("/_ledger").body, R"({"entries":[],"totals":{}})");
    const auto id = house.open();
    house.act(id, "pay_get");
    house.api("POST", "/sessions/" + id + "/refunds", R"({"amount":1000,"reference":"r"})", "r");
    const auto ledger = json_of(house.get("/_ledger"));
    EXPECT_EQ(
        ledger["entries"][0].dump(),
        R"({"amount":11000,"at":"2026-01-10T10:00:00Z","currency":"GBP","kind":"taken","merchant":"demo-redirect","reference":"ref-1","session":")" +
            id + "\"}");
    EXPECT_EQ(ledger["entries"][1]["kind"], "given_back");
    EXPECT_EQ(ledger["totals"].dump(), R"({"GBP":{"given_back":1000,"kept":10000,"taken":11000}})");
    EXPECT_EQ(house.send({"POST", "/_ledger", {}, "", ""}).status, 405);
}

// ---- what outlives the house ---------------------------------------------------------------------------

TEST(HouseSaved, ARestartedHouseKnowsItsSessionsMoneyAndKeys) {
    House house;
    const auto paid = house.open("ref-1");
    house.act(paid, "pay_get");
    const std::string part = R"({"amount":1000,"reference":"r1"})",
                      refunds = "/sessions/" + paid + "/refunds";
    const auto refunded = house.api("POST", refunds, part, "refund-1");
    const auto open = house.open("ref-2");
    const auto closed = house.open("ref-3");
    house.api("POST", "/sessions/" + closed + "/close");
    const auto ledger = house.get("/_ledger").body;
    const auto shown = house.api("GET", "/sessions/" + paid).body;

    house.restart();
    EXPECT_EQ(house.get("/_ledger").body, ledger);
    EXPECT_EQ(house.api("GET", "/sessions/" + paid).body, shown);
    EXPECT_EQ(json_of(house.api("GET", "/sessions?reference=ref-3"))["sessions"][0]["status"], "closed");
    EXPECT_EQ(house.api("POST", refunds, part, "refund-1").body, refunded.body) << "the key replays";
    EXPECT_EQ(json_of(house.api("POST", refunds, part, "refund-2"))["error"]["code"], "reference_used");
    EXPECT_EQ(
        json_of(house.api("POST", refunds, R"({"amount":10000,"reference":"r2"})", "refund-3"))["refunded"],
        11'000);
    // The customer is still on the page.
    const Fields open_page{{"return_url", "https://shop.example/back/ref-2/"}, {"title", "A <title>"}};
    EXPECT_THAT(house.get(page + "?" + encoding::form(open_page)).body, HasSubstr(open));
    EXPECT_EQ(house.act(open, "pay_get").status, 303);
    EXPECT_EQ(house.notices.size(), 5U) << "paid, refunded, closed; refunded and paid after the restart";
    EXPECT_EQ(house.taken(), 11'000);
    house.restart();
    EXPECT_EQ(house.taken(), 11'000);
    EXPECT_EQ(house.status_of(paid), "refunded");
    EXPECT_EQ(house.status_of(open), "paid");
    house.clock.at += house_key_life;
    EXPECT_EQ(json_of(house.api("POST", refunds, part, "refund-1"))["error"]["code"], "too_much")
        << "keys end as they would have";
}

TEST(HouseSaved, TheNewestSessionOfAReturnUrlStaysTheNewest) {
    House house;
    const auto older = house.open("ref-1");
    std::string body = House::session_body("ref-1", 500);
    body.replace(body.find("\"ref-1\""), 7, "\"ref-2\"");
    ASSERT_EQ(house.api("POST", "/sessions", body, "second").status, 201);
    house.act(older, "pay_stay");
    house.restart();
    EXPECT_THAT(house.get(page + "?" + encoding::form(asked)).body, HasSubstr("£5.00"));
}

TEST(HouseSaved, IsOneLineForOneRequestBeforeAnybodyHears) {
    House house;
    const auto id = house.open();
    ASSERT_EQ(house.saved.size(), 1U);
    std::size_t lines_at_answer = 0;
    house.house->handler()(House::request("POST", "/sessions/" + id + "/complete", yes, "c"),
                           [&](const HttpResponse&) { lines_at_answer = house.saved.size(); });
    EXPECT_EQ(lines_at_answer, 2U);
    house.status_of(id);
    house.get("/_ledger");
    house.api("POST", "/sessions/" + id + "/complete", yes, "c");
    EXPECT_EQ(house.saved.size(), 2U) << "nothing changed";
    for (const auto& line : house.saved) EXPECT_THAT(line, Not(HasSubstr("\n")));
    // Cut off after the first line: the money was never taken, and the key was never used.
    house.saved.pop_back();
    house.restart();
    EXPECT_EQ(house.taken(), 0);
    EXPECT_EQ(json_of(house.api("POST", "/sessions/" + id + "/complete", no, "c"))["status"], "refused");
}

TEST(HouseSaved, WhatWasDoneInSilenceIsKeptToo) {
    House house;
    const auto id = house.open();
    house.faults(R"({"on":"complete","do":"drop_answer"})");
    EXPECT_FALSE(
        house.try_send(House::request("POST", "/sessions/" + id + "/complete", yes, "c")).has_value());
    house.restart();
    EXPECT_EQ(house.taken(), 11'000);
    EXPECT_EQ(house.status_of(id), "paid");
}

TEST(HouseSaved, AMerchantThatIsGoneIsLeftOut) {
    House house;
    house.act(house.open(), "pay_get");
    auto with = options();
    with.merchants.erase(with.merchants.begin());
    house.restart(with);
    EXPECT_EQ(house.api("GET", "/sessions?reference=ref-1", "", "", "key-two").body, R"({"sessions":[]})");
    EXPECT_EQ(house.taken(), 11'000) << "the money has moved all the same";
}

TEST(HouseSaved, AllThatItKnowsIsSavedAtOnce) {
    House house;
    const auto older = house.open("ref-1");
    std::string body = House::session_body("ref-1", 500);
    body.replace(body.find("\"ref-1\""), 7, "\"ref-2\"");
    ASSERT_EQ(house.api("POST", "/sessions", body, "second").status, 201);
    house.act(older, "pay_stay");
    for (int i = 0; i < 20; ++i) house.open("other-" + std::to_string(i));
    const std::string part = R"({"amount":1000,"reference":"r1"})",
                      refunds = "/sessions/" + older + "/refunds";
    const auto refunded = house.api("POST", refunds, part, "refund-1").body;
    const auto ledger = house.get("/_ledger").body;
    const auto shown = house.api("GET", "/sessions/" + older).body;
    house.saved.clear();
    house.house->save_all([&](const std::string& line) { house.saved.push_back(line); });
    house.restart();
    EXPECT_EQ(house.get("/_ledger").body, ledger);
    EXPECT_EQ(house.api("GET", "/sessions/" + older).body, shown);
    EXPECT_THAT(house.get(page + "?" + encoding::form(asked)).body, HasSubstr("£5.00")) << "the newest";
    EXPECT_EQ(house.api("POST", refunds, part, "refund-1").body, refunded) << "the key replays";
    const auto first = house.saved;
    house.saved.clear();
    house.house->save_all([&](const std::string& line) { house.saved.push_back(line); });
    EXPECT_THAT(house.saved, testing::UnorderedElementsAreArray(first));

    house.clock.at += house_key_life;
    house.restart();
    house.saved.clear();
    house.house->save_all([&](const std::string& line) { house.saved.push_back(line); });
    for (const auto& line : house.saved) EXPECT_THAT(line, HasSubstr("\"keys\":[]"));
    EXPECT_EQ(house.saved.size(), 22U + 2U) << "sessions, and what moved the money";
}

TEST(HouseSaved, NamesTheLineThatIsNotUnderstood) {
    House house;
    house.open();
    const auto wrong = [&](std::string line) {
        House other;
        const auto error = other.load({house.saved[0], std::move(line)});
        return error ? error->field + ": " + error->message : "accepted";
    };
    EXPECT_EQ(wrong(R"({"sessions":[],"ledger":[],"keys":[]})"), "accepted");
    EXPECT_THAT(wrong("{"), HasSubstr("line 2: "));
    EXPECT_EQ(wrong("{}"), "line 2: sessions is not understood");
    EXPECT_EQ(wrong(R"({"sessions":[{}],"ledger":[],"keys":[]})"), "line 2: sessions is not understood");
    EXPECT_EQ(wrong(R"({"sessions":[],"ledger":[1],"keys":[]})"), "line 2: ledger is not understood");
    EXPECT_EQ(wrong(R"({"sessions":[],"ledger":[],"keys":[{}]})"), "line 2: keys is not understood");
}

TEST(HouseItself, IsDeterministic) {
    const auto run = [] {
        House house;
        std::string said = house.act(house.open(), "pay_post").body;
        said += house.get("/_ledger").body;
        said += house.notices.at(0).body;
        return said;
    };
    EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace kassi::sandbox
