#include <gtest/gtest.h>

#include "tests/unit/core/story.hpp"

/// Pages of ours from which the browser goes on without coming back: the return token stays unspent, and the
/// callout goes on under its number.
namespace kassi::core {
namespace {

using test::Story;

void at_page(Story& s, Policy policy = {}) {
    s.hand_over({{"a", 1000}}, policy);
    ASSERT_FALSE(s.purchase({{"a", "method"}}));
    ASSERT_EQ(s.calls(), "1:open");
    ASSERT_FALSE(s.answer(1, "page"));
    ASSERT_EQ(s.doing(1), "none/away(open)/take");
}

std::optional<Error> go_on(Story& s, std::int64_t leg = 1, std::int64_t callout = 1,
                           Fields fields = {{"method", "Y"}}) {
    return s.hear(CustomerGoesOn{leg, callout, std::move(fields)});
}

TEST(GoesOn, SendsTheNextRequestAndSpendsNothing) {
    Story s;
    at_page(s);
    ASSERT_EQ(s.tokens.size(), 2U);
    const auto page = s.papers.parcels.at(1).callout->page_token;
    EXPECT_EQ(s.papers.parcels.at(1).callout->destination, "https://pay.example/callout/" + page);
    EXPECT_FALSE(s.leg(1).exposed) << "nobody can pay at a page of ours";
    EXPECT_TRUE(s.leg(1).callout->goes_on);

    ASSERT_FALSE(go_on(s));
    EXPECT_EQ(s.calls(), "1:open_again");
    EXPECT_FALSE(s.spent);
    EXPECT_EQ(s.count<CustomerBack>(), 0);
    EXPECT_FALSE(s.leg(1).callout->returned);
    EXPECT_FALSE(s.leg(1).callout->closed);
    EXPECT_EQ(s.journal.back().input, "GoesOn");

    // Twice, from another tab, with other fields: how it stands is the answer.
    const auto rows = s.journal.size();
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(go_on(s, 1, 1, {{"method", "N"}}));
    EXPECT_TRUE(s.events.empty());
    EXPECT_EQ(s.journal.size(), rows);

    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    EXPECT_EQ(s.leg(1).callout->no, 1) << "the same callout";
    EXPECT_TRUE(s.tokens.empty()) << "its tokens are live";
    const auto& callout = *s.papers.parcels.at(1).callout;
    EXPECT_EQ(callout.return_token, "T1");
    EXPECT_EQ(callout.page_token, page);
    EXPECT_EQ(*find_field(callout.parameters, "return_url"), "https://box.example/back/T1");
    EXPECT_FALSE(s.leg(1).callout->goes_on);
    ASSERT_FALSE(go_on(s));
    EXPECT_TRUE(s.events.empty()) << "from the challenge nobody goes on by our page";

    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_TRUE(s.spent);
    EXPECT_EQ(s.spent->callout, 1);
    EXPECT_EQ(s.calls(), "1:authorise");
    EXPECT_EQ(s.papers.journey->way_back, "") << "he is back";
}

TEST(GoesOn, NobodyIsSentAnywhere) {
    Story s;
    at_page(s);
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_EQ(s.calls(), "1:authorise");
    EXPECT_FALSE(s.leg(1).callout->closed) << "to hold the money may need the customer, too";
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_TRUE(s.leg(1).callout->closed) << "a client that uses its token again must be able to";
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(settled(s.t));
    ASSERT_TRUE(s.papers.journey) << "the browser at our door is still to be sent back";
    EXPECT_EQ(s.papers.journey->way_back, "https://box.example/back/T1");
    EXPECT_EQ(s.papers.journey->url_before, "");

    ASSERT_FALSE(s.back(1, {}));
    ASSERT_TRUE(s.spent);
    EXPECT_EQ(s.spent->callout, 1);
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_FALSE(s.papers.journey);
}

TEST(GoesOn, DeclinedWithoutTheBank) {
    Story s;
    at_page(s);
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.answer(1, "declined"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(settled(s.t));
    EXPECT_TRUE(s.leg(1).callout->closed);
    EXPECT_TRUE(s.papers.parcels.empty());
    ASSERT_FALSE(go_on(s));
    EXPECT_TRUE(s.events.empty());
    ASSERT_FALSE(s.back(1, {}));
    EXPECT_TRUE(s.spent) << "the client's callback is answered from the state";
    EXPECT_EQ(s.t.phase, Phase::failed);
}

TEST(GoesOn, RefusesWhatIsNoSuchPage) {
    Story s;
    at_page(s);
    const auto gone = go_on(s, 1, 2);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->kind, ErrorKind::gone);
    EXPECT_EQ(go_on(s, 2)->kind, ErrorKind::gone);
    const auto broken = go_on(s, 1, 1, {{"broken", ""}});
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->kind, ErrorKind::bad_request);
    EXPECT_EQ(broken->field, "form");
    EXPECT_EQ(s.doing(1), "none/away(open)/take");

    Story other;
    other.hand_over({{"a", 1000}});
    ASSERT_FALSE(other.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(other.answer(1, "waiting"));
    const auto ordinary = go_on(other);
    ASSERT_TRUE(ordinary);
    EXPECT_EQ(ordinary->kind, ErrorKind::conflict);
    EXPECT_EQ(other.doing(1), "none/away(open)/take");
}

TEST(GoesOn, NobodyGoesOn) {
    Story s;
    at_page(s);
    s.pass();
    EXPECT_EQ(s.count<VisitMeant>(), 1) << "visited as any callout";
    s.pass();
    EXPECT_EQ(s.doing(1), "none/call(query)/take");
    EXPECT_TRUE(s.leg(1).callout->closed);
    ASSERT_FALSE(go_on(s));
    EXPECT_TRUE(s.events.empty()) << "too late";
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(settled(s.t));
}

TEST(GoesOn, InTheGraceTimeIsNotTooLate) {
    Story s;
    at_page(s);
    s.pass();
    ASSERT_TRUE(s.leg(1).callout->grace_until);
    ASSERT_FALSE(go_on(s));
    EXPECT_EQ(s.calls(), "1:open_again");
    ASSERT_FALSE(s.hear(Visited{1, 1, "answered 200"}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_FALSE(s.leg(1).callout->grace_until) << "a new time for a new destination";
}

TEST(GoesOn, ReleasedOnThePage) {
    Story s;
    at_page(s);
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(s.leg(1).callout->closed);
    ASSERT_FALSE(go_on(s));
    EXPECT_TRUE(s.events.empty());
    while (s.leg(1).doing == Doing::call) ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_TRUE(settled(s.t));
}

TEST(GoesOn, ReleasedAtOurDoor) {
    Story s;
    at_page(s);
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_TRUE(s.leg(1).callout->closed);
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.doing(1), "none/call(close)/give_back") << "nobody is sent to a bank for nothing";
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_TRUE(settled(s.t));
}

TEST(GoesOn, BeginsAnewWithTheSameWayBack) {
    Story s;
    at_page(s);
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.answer(1, "not done"));
    EXPECT_EQ(s.doing(1), "none/rest/take");
    s.pass();
    EXPECT_EQ(s.calls(), "1:open");
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.leg(1).callout->no, 1);
    const auto& parameters = s.papers.parcels.at(1).callout->parameters;
    EXPECT_EQ(*find_field(parameters, "return_url"), "https://box.example/back/T1");
    EXPECT_TRUE(s.leg(1).callout->went_on) << "the flow must know that the page was there";
}

TEST(GoesOn, SurvivesARestart) {
    Story s;
    at_page(s);
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.hear(Due{{1}}));
    EXPECT_EQ(s.doing(1), "none/doubt(open)/take");
    ASSERT_FALSE(s.hear(Due{}));
    ASSERT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "waiting")) << "which does not fit";
    ASSERT_FALSE(s.answer(1, "none"));
    while (s.leg(1).doing == Doing::call) ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(settled(s.t));
}

TEST(GoesOn, AReturnMeanwhileNeedsANewWay) {
    Story s;
    at_page(s);
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.back(1, {}));
    ASSERT_TRUE(s.spent);
    EXPECT_EQ(s.doing(1), "none/call(open)/take") << "the call goes on";
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.leg(1).callout->no, 2);
    EXPECT_EQ(s.papers.parcels.at(1).callout->return_token, "T2");
    EXPECT_EQ(s.tokens.size(), 2U);
}

TEST(GoesOn, AReturnFromThePageIsAReturn) {
    Story s;
    at_page(s);
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    EXPECT_TRUE(s.spent);
    EXPECT_EQ(s.papers.journey->way_back, "");
    const auto gone = go_on(s);
    EXPECT_FALSE(gone) << "answered from the state";
    EXPECT_TRUE(s.events.empty());
}

TEST(GoesOn, TheNextPaymentWaitsForHimWhoIsOnHisWayBack) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    ASSERT_FALSE(s.purchase({{"a", "method"}, {"b", "method"}}));
    ASSERT_FALSE(s.answer(1, "page"));
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.answer(1, "done"));
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.doing(2), "none/rest/take") << "it would be paid without the way back that he brings";
    const Leg* waits = waits_for_browser(s.t, s.flows);
    ASSERT_NE(waits, nullptr);
    EXPECT_EQ(waits->no, 2);
    ASSERT_FALSE(s.back(1, {}, "T2"));
    EXPECT_EQ(s.calls(), "2:open");
    ASSERT_FALSE(s.answer(2, "waiting"));
    EXPECT_EQ(s.papers.parcels.at(2).callout->return_token, "T2");
}

TEST(GoesOn, TheNextPaymentBeginsWithANewWayOfTheCaller) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    ASSERT_FALSE(s.purchase({{"a", "method"}, {"b", "method"}}));
    ASSERT_FALSE(s.answer(1, "page"));
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.answer(1, "done"));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.hear(Purchase{{}, Story::journey("T9"), ""}));
    EXPECT_EQ(s.calls(), "2:open");
    ASSERT_FALSE(s.answer(2, "waiting"));
    EXPECT_EQ(s.papers.parcels.at(2).callout->return_token, "T9");
}

TEST(GoesOn, ThroughUsTheBrowserEndsAtTheLandingPage) {
    Story s;
    s.hand_over({{"a", 1000}});
    Journey way;
    way.via = ReturnVia::kassi;
    way.url_before = "https://pay.example/callback/";
    way.landing_url = "https://box.example/thanks";
    ASSERT_FALSE(s.purchase({{"a", "method"}}, way));
    ASSERT_FALSE(s.answer(1, "page"));
    const auto token = s.papers.parcels.at(1).callout->return_token;
    ASSERT_FALSE(token.empty());
    ASSERT_FALSE(go_on(s));
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.papers.parcels.at(1).callout->return_token, token);
    EXPECT_EQ(s.papers.journey->way_back, "https://pay.example/callback/" + token);
}

}  // namespace
}  // namespace kassi::core
