#include <gmock/gmock.h>

#include "borgun_fixture.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

json notice_of(const HttpRequest& request) {
    return *parse_json(request.body);
}

// ---- events --------------------------------------------------------------------------------------------

TEST(BorgunEvents, TellWhatTheApiAnsweredAndCanBeReadBack) {
    Borgun borgun;
    const json paid = borgun.pay(Borgun::payment());
    ASSERT_EQ(borgun.notices.size(), 1U);
    EXPECT_EQ(borgun.notices[0].target, "http://127.0.0.1:8080/webhooks/borgun/demo-borgun");
    EXPECT_THAT(borgun.notices[0].headers, ElementsAre(std::pair("Content-Type", "application/json")))
        << "nothing is signed";
    const json event = notice_of(borgun.notices[0]);
    const std::string id = event["EventId"];
    EXPECT_THAT(id, MatchesRegex("ev_[A-Za-z0-9_-]{32}"));
    EXPECT_EQ(event["EventType"], "PaymentCreate");
    EXPECT_EQ(event["Created"], "2026-01-10T10:00:00Z");
    EXPECT_EQ(event["Data"], paid);
    EXPECT_EQ(borgun.api("GET", "events/" + id).body, borgun.notices[0].body);
    EXPECT_EQ(borgun.api("GET", "events/" + id, nullptr, "100002_prOTHER").status, 404);
    EXPECT_EQ(borgun.api("GET", "events/ev_x").status, 404);
    EXPECT_EQ(borgun.api("GET", "events/x").status, 400);
}

TEST(BorgunEvents, OneForEachAction) {
    Borgun borgun;
    const std::string one = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    const auto captured = borgun.api("PUT", one + "/capture");
    const auto refunded = borgun.api("PUT", one + "/refund");
    const std::string two = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    const auto cancelled = borgun.api("PUT", two + "/cancel");
    borgun.pay(Borgun::payment(Borgun::card("4155520000000002")));
    borgun.api("PUT", two + "/cancel");
    std::vector<std::string> types;
    for (const auto& notice : borgun.notices) types.push_back(notice_of(notice)["EventType"]);
    EXPECT_THAT(types, ElementsAre("PaymentCreate", "PaymentCapture", "PaymentRefund", "PaymentCreate",
                                   "PaymentCancel", "PaymentCreate"));
    EXPECT_EQ(notice_of(borgun.notices[1])["Data"], json_of(captured));
    EXPECT_EQ(notice_of(borgun.notices[2])["Data"], json_of(refunded));
    EXPECT_EQ(notice_of(borgun.notices[4])["Data"], json_of(cancelled));
    EXPECT_EQ(notice_of(borgun.notices[5])["Data"]["TransactionStatus"], "Declined");
}

TEST(BorgunEvents, GoToNobodyWhoDidNotAsk) {
    Borgun borgun;
    borgun.api("POST", "payment", Borgun::payment(), "100002_prOTHER");
    EXPECT_THAT(borgun.notices, IsEmpty());
}

TEST(BorgunEvents, AreRepeatedHourlyForADayUntilExactly200) {
    Borgun borgun;
    borgun.notice_answers = {{0, ""}, {201, ""}, {500, ""}};
    borgun.pay(Borgun::payment());
    EXPECT_EQ(borgun.notices.size(), 1U);
    borgun.advance(borgun_event_pause - Millis{1});
    EXPECT_EQ(borgun.notices.size(), 1U);
    borgun.advance(Millis{1});
    EXPECT_EQ(borgun.notices.size(), 2U);
    borgun.advance(std::chrono::hours(48));
    EXPECT_EQ(borgun.notices.size(), 4U);
    EXPECT_EQ(borgun.notices[3].body, borgun.notices[0].body);

    Borgun deaf;
    for (int i = 0; i < 50; ++i) deaf.notice_answers.emplace_back(204, "");
    deaf.pay(Borgun::payment());
    deaf.advance(std::chrono::hours(24));
    EXPECT_EQ(deaf.notices.size(), static_cast<std::size_t>(borgun_event_tries_max));
    deaf.advance(std::chrono::hours(48));
    EXPECT_EQ(deaf.notices.size(), static_cast<std::size_t>(borgun_event_tries_max));
}

// ---- faults --------------------------------------------------------------------------------------------

std::string rule(const std::string& on, const std::string& what, const std::string& more = "") {
    return R"({"on":")" + on + R"(","do":")" + what + "\"" + more + "}";
}

HttpRequest sale() {
    return Borgun::request("POST", "payment", Borgun::payment(Borgun::card(), 499'000, "Sale").dump());
}

TEST(BorgunFaults, SomeDoNothing) {
    for (const auto& [what, status] : std::vector<std::pair<std::string, int>>{{"error_before", 500},
                                                                               {"timed_out", 408},
                                                                               {"conflict", 409},
                                                                               {"too_many", 429},
                                                                               {"busy", 503},
                                                                               {"dead", 0}}) {
        Borgun borgun;
        EXPECT_EQ(borgun.faults(rule("payment", what)).status, 200);
        const auto answer = borgun.try_send(sale());
        EXPECT_EQ(answer ? answer->status : 0, status) << what;
        EXPECT_THAT(borgun.house->ledger(), IsEmpty()) << what;
        EXPECT_THAT(borgun.notices, IsEmpty()) << what;
        EXPECT_EQ(borgun.send(sale()).status, 201) << "once";
    }
}

TEST(BorgunFaults, SomeDoIt) {
    for (const auto& [what, status] :
         std::vector<std::pair<std::string, int>>{{"error_after", 500}, {"drop_answer", 0}}) {
        Borgun borgun;
        borgun.faults(rule("payment", what));
        const auto answer = borgun.try_send(sale());
        EXPECT_EQ(answer ? answer->status : 0, status) << what;
        EXPECT_THAT(borgun.kinds(), ElementsAre("taken")) << what;
        EXPECT_EQ(borgun.notices.size(), 1U) << "the event tells";
    }
}

TEST(BorgunFaults, SomeAreSlow) {
    for (const auto& [what, before] :
         std::vector<std::pair<std::string, std::size_t>>{{"slow_before", 0U}, {"delay", 1U}}) {
        Borgun borgun;
        borgun.faults(rule("payment", what, R"(,"ms":5000)"));
        auto mailbox = std::make_shared<std::optional<HttpResponse>>();
        borgun.house->handler()(sale(), [mailbox](HttpResponse response) { *mailbox = std::move(response); });
        EXPECT_EQ(borgun.house->ledger().size(), before) << what;
        borgun.advance(Millis{4'999});
        EXPECT_FALSE(mailbox->has_value());
        borgun.advance(Millis{1});
        ASSERT_TRUE(mailbox->has_value()) << what;
        EXPECT_EQ((*mailbox)->status, 201);
        EXPECT_EQ(borgun.house->ledger().size(), 1U);
    }
}

TEST(BorgunFaults, ASlowOneOfAHouseThatIsGoneDoesNothing) {
    Borgun borgun;
    borgun.faults(rule("payment", "slow_before", R"(,"ms":5000)"));
    borgun.try_send(sale());
    const auto waiting = borgun.later;
    borgun.house.reset();
    for (const auto& each : waiting) each.what();
}

TEST(BorgunFaults, SomeLie) {
    Borgun borgun;
    const json paid = borgun.pay(Borgun::payment());
    const std::string path = "payment/" + paid["TransactionId"].get<std::string>();
    borgun.faults(rule("look_up", "wrong_amount") + "," + rule("look_up", "wrong_currency") + "," +
                  rule("look_up", "wrong_order"));
    EXPECT_EQ(json_of(borgun.api("GET", path))["Amount"], 499'100);
    EXPECT_EQ(json_of(borgun.api("GET", path))["Currency"], "978");
    EXPECT_EQ(json_of(borgun.api("GET", path))["OrderId"], "XX0000000000");
    EXPECT_EQ(json_of(borgun.api("GET", path)), paid) << "the truth is as it was";
}

TEST(BorgunFaults, StrikeTheirStepAndMerchantSoManyTimes) {
    Borgun borgun;
    borgun.faults(rule("capture", "busy", R"(,"times":2,"merchant":"demo-creditcard")") + "," +
                  rule("*", "too_many", R"(,"times":1,"merchant":"demo-borgun")"));
    EXPECT_EQ(borgun.send(sale()).status, 429);
    const std::string path = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 200) << "another merchant's fault";
    for (const int status : {503, 503, 404})
        EXPECT_EQ(borgun.api("PUT", path + "/capture", nullptr, "100002_prOTHER").status, status);
}

TEST(BorgunFaults, KnowEveryStep) {
    Borgun borgun;
    const std::string id = borgun.single();
    const std::vector<std::pair<std::string, HttpRequest>> steps{
        {"token_single", Borgun::request("POST", "token/single")},
        {"token_multi", Borgun::request("POST", "token/multi")},
        {"token_look_up", Borgun::request("GET", "token/single/" + id)},
        {"token_disable", Borgun::request("PUT", "token/single/" + id + "/disable")},
        {"enrollment", Borgun::request("POST", "mpi/v2/enrollment")},
        {"validation", Borgun::request("POST", "mpi/v2/validation")},
        {"payment", Borgun::request("POST", "payment")},
        {"look_up", Borgun::request("GET", "payment/tr_x")},
        {"capture", Borgun::request("PUT", "payment/tr_x/capture")},
        {"cancel", Borgun::request("PUT", "payment/tr_x/cancel")},
        {"refund", Borgun::request("PUT", "payment/tr_x/refund")},
        {"event_look_up", Borgun::request("GET", "events/ev_x")},
        {"acs", {"POST", "/borgun/acs/challenge", {}, "", ""}},
        {"method", {"POST", "/borgun/acs/method", {}, "", ""}},
        {"securepay", {"POST", "/borgun/securepay/default.aspx", {}, "", ""}},
        {"securepay_ticket", {"POST", "/borgun/securepay/ticket.aspx", {}, "", ""}},
        {"securepay_refund", {"POST", "/borgun/securepay/refund.aspx", {}, "", ""}}};
    for (const auto& [on, request] : steps) {
        EXPECT_NE(borgun.send(request).status, 503) << on;
        borgun.faults(rule(on, "busy"));
        EXPECT_EQ(borgun.send(request).status, 503) << on;
        EXPECT_NE(borgun.send(request).status, 503) << on;
    }
}

TEST(BorgunFaults, OfNoticesLoseRepeatAndMix) {
    Borgun borgun;
    borgun.faults(rule("event", "lose"));
    borgun.send(sale());
    borgun.advance(std::chrono::hours(48));
    EXPECT_THAT(borgun.notices, IsEmpty());

    borgun.faults(rule("event", "twice"));
    borgun.notice_answers = {{200, ""}, {500, ""}};
    borgun.send(sale());
    borgun.advance(std::chrono::hours(48));
    ASSERT_EQ(borgun.notices.size(), 2U) << "the copy is not repeated";
    EXPECT_EQ(borgun.notices[0].body, borgun.notices[1].body);

    borgun.notices.clear();
    borgun.faults(rule("event", "reorder"));
    const std::string path = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    EXPECT_THAT(borgun.notices, IsEmpty());
    borgun.api("PUT", path + "/capture");
    ASSERT_EQ(borgun.notices.size(), 2U);
    EXPECT_EQ(notice_of(borgun.notices[0])["EventType"], "PaymentCapture");
    EXPECT_EQ(notice_of(borgun.notices[1])["EventType"], "PaymentCreate");
}

TEST(BorgunFaults, OfNoticesAreLateSilentOrUntrue) {
    Borgun borgun;
    borgun.faults(rule("event", "delay", R"(,"ms":3000)"));
    borgun.send(sale());
    EXPECT_THAT(borgun.notices, IsEmpty());
    borgun.advance(Millis{3'000});
    EXPECT_EQ(borgun.notices.size(), 1U);

    borgun.faults(rule("event", "dead") + "," + rule("event", "drop_answer"));
    borgun.send(sale());
    EXPECT_EQ(borgun.notices.size(), 1U);
    borgun.advance(borgun_event_pause);
    EXPECT_EQ(borgun.notices.size(), 2U) << "heard, and not believed";
    borgun.advance(borgun_event_pause);
    EXPECT_EQ(borgun.notices.size(), 3U);
    borgun.advance(std::chrono::hours(48));
    EXPECT_EQ(borgun.notices.size(), 3U);

    borgun.faults(rule("event", "wrong_amount"));
    borgun.send(sale());
    const json lie = notice_of(borgun.notices[3]);
    EXPECT_EQ(lie["Data"]["Amount"], 499'100);
    EXPECT_EQ(json_of(borgun.api("GET", "events/" + lie["EventId"].get<std::string>()))["Data"]["Amount"],
              499'000)
        << "read back, it is the truth";
}

TEST(BorgunFaults, ARuleThatIsNotUnderstoodChangesNothing) {
    Borgun borgun;
    borgun.faults(rule("payment", "busy"));
    for (const std::string& bad :
         {rule("elsewhere", "busy"), rule("payment", "dance"), rule("payment", "twice"),
          rule("payment", "reorder"), rule("payment", "busy", R"(,"ms":600001)"),
          rule("payment", "busy", R"(,"ms":-1)"), rule("payment", "busy", R"(,"times":0)"),
          rule("payment", "busy", R"(,"times":1000001)"), rule("payment", "busy", R"(,"other":1)"),
          std::string("1")}) {
        const auto answer = borgun.faults(bad);
        EXPECT_EQ(answer.status, 400) << bad;
        EXPECT_THAT(message_of(answer), HasSubstr("rules: ")) << bad;
    }
    EXPECT_EQ(borgun.faults(rule("payment", "busy", R"(,"ms":600000,"times":1000000)")).status, 200);
    EXPECT_EQ(borgun.send({"PUT", "/borgun/_faults", {}, "[]", ""}).status, 400);
    std::string many = rule("payment", "busy");
    for (int i = 1; i < 100; ++i) many += "," + rule("payment", "busy");
    EXPECT_EQ(borgun.faults(many).status, 200);
    EXPECT_EQ(borgun.faults(many + "," + rule("payment", "busy")).status, 400);
    EXPECT_EQ(json_of(borgun.get("/borgun/_faults"))["rules"].size(), 100U);
    EXPECT_EQ(borgun.send({"DELETE", "/borgun/_faults", {}, "", ""}).status, 200);
    EXPECT_EQ(json_of(borgun.get("/borgun/_faults"))["rules"].size(), 0U);
    EXPECT_EQ(borgun.send({"POST", "/borgun/_faults", {}, "", ""}).status, 405);
    EXPECT_EQ(borgun.send(sale()).status, 201);
}

TEST(BorgunFaults, CanBeSetInTheProcess) {
    Borgun borgun;
    EXPECT_EQ(borgun.house->set_faults({{.on = "payment", .what = "busy"}}), std::nullopt);
    EXPECT_NE(borgun.house->set_faults({{.on = "payment", .what = "dance"}}), std::nullopt);
    EXPECT_EQ(borgun.send(sale()).status, 503);
    EXPECT_EQ(borgun.send(sale()).status, 201);
}

}  // namespace
}  // namespace kassi::sandbox
