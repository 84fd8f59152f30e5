#include "core/decide.hpp"

#include <gmock/gmock.h>

#include <set>

#include "base/limits.hpp"
#include "core/tables.hpp"
#include "tests/unit/core/story.hpp"

namespace kassi::core::test {
namespace {

using testing::HasSubstr;

/// 100 pence taken by a house to which the customer was sent.
void bought_by_redirect(Story& s) {
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "taken"));
}

TEST(Decide, ALegKeepsTheFirstTimeOfItsProvider) {
    Story s;
    ProviderTimes heard{{"card", s.now - 4h}, {"redirect", s.now}};
    s.terms.provider_times = &heard;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "never"}}));
    EXPECT_EQ(s.leg(1).made_since, s.now - 4h);
    const auto first = s.leg(1).made_since;
    heard["card"] = s.now + 1h;
    ASSERT_FALSE(s.answer(1, "not done"));
    s.pass();
    ASSERT_EQ(s.calls(), "1:authorise") << "begun again";
    EXPECT_EQ(s.leg(1).made_since, first);
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_EQ(s.calls(), "2:authorise");
    EXPECT_EQ(s.leg(2).made_since, std::nullopt) << "another provider's time says nothing about it";
    heard["never"] = s.now;
    ASSERT_FALSE(s.answer(2, "held"));
    EXPECT_EQ(s.leg(2).made_since, s.now) << "the first that there is";
}

TEST(OnCredit, OneCallIsPurchased) {
    Story s;
    s.hand_over({{"a", 11000}});
    ASSERT_FALSE(s.purchase({{"a", "credit"}}, std::nullopt));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.doing(1), "taken/rest/take");
    EXPECT_TRUE(settled(s.t));
    EXPECT_EQ(s.calls(), "");
    EXPECT_EQ(s.t.version, 2);
    const auto ledger = ledger_of(s.t, s.events);
    ASSERT_EQ(ledger.size(), 2U);
    EXPECT_EQ(ledger[0].kind, "held");
    EXPECT_EQ(ledger[1].kind, "taken");
    EXPECT_FALSE(due_at(s.t, s.terms));
}

TEST(OnCredit, LimitDeclines) {
    Story s;
    s.hand_over({{"a", 11000}});
    s.credit_exhausted = true;
    ASSERT_FALSE(s.purchase({{"a", "credit"}}, std::nullopt));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "credit_limit");
}

TEST(Redirect, PaidAndBack) {
    Story s;
    s.hand_over({{"a", 11000}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    EXPECT_EQ(s.t.phase, Phase::authorising);
    EXPECT_EQ(s.calls(), "1:open");
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    ASSERT_EQ(s.tokens.size(), 2U);
    EXPECT_EQ(s.tokens[0].token, "T1");
    EXPECT_FALSE(s.tokens[0].minted);
    EXPECT_EQ(s.papers.parcels.at(1).callout->parameters[0].second, "https://box.example/back/T1");
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_TRUE(s.spent);
    EXPECT_EQ(s.calls(), "1:charge");
    EXPECT_EQ(s.papers.parcels.at(1).returned, (Fields{{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(s.papers.parcels.empty());
    EXPECT_FALSE(s.papers.journey);
}

TEST(Redirect, EmptyReturnIsLookedUpAndClosed) {
    Story s;
    s.hand_over({{"a", 11000}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {}));
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.calls(), "1:close");  // nothing is taken as not paid before its session was closed
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "not_paid");
    EXPECT_TRUE(settled(s.t));
}

TEST(Redirect, ChainOfTwoUsesTheNextToken) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    EXPECT_EQ(s.calls(), "1:open");
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}, "T2"));
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.calls(), "2:open");
    ASSERT_FALSE(s.answer(2, "waiting"));
    EXPECT_EQ(s.tokens[0].token, "T2");
    EXPECT_EQ(s.papers.parcels.at(2).callout->parameters[0].second, "https://box.example/back/T2");
    ASSERT_FALSE(s.back(2, {{"success", "yes"}}, "T3"));
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Redirect, AReturnWithoutAWayOnIsRefusedWhileAnotherPaymentWaits) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    const Transaction before = s.t;
    EXPECT_EQ(s.back(1, {{"success", "yes"}}, "")->field, "next_token");
    EXPECT_EQ(s.t, before);
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}, "T2"));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.answer(2, "waiting"));
    ASSERT_FALSE(s.back(2, {{"success", "yes"}}, ""));  // the last one needs none
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

// Scenario 1 of core.md: two redirect bundles, the second refused.
TEST(Redirect, SecondRefusedGivesTheFirstBack) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.answer(2, "waiting"));
    ASSERT_FALSE(s.back(2, {{"success", "no"}}));
    ASSERT_FALSE(s.answer(2, "declined"));
    EXPECT_EQ(s.t.phase, Phase::failed);  // the answer never waits for the refund
    EXPECT_FALSE(settled(s.t));
    EXPECT_EQ(s.calls(), "1:refund");
    ASSERT_FALSE(s.answer(1, "back"));
    EXPECT_EQ(s.doing(1), "back/rest/give_back");
    EXPECT_TRUE(settled(s.t));
}

TEST(Redirect, WhatHasNoRefundStaysBought) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "silent"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(2, "waiting"));
    ASSERT_FALSE(s.back(2, {{"success", "no"}}));
    ASSERT_FALSE(s.answer(2, "declined"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(is_partial(s.t));
    EXPECT_TRUE(bundle_bought(s.t, "a"));
    EXPECT_FALSE(bundle_bought(s.t, "b"));
}

TEST(Redirect, PartialPolicyGoesOn) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}}, {.partial = true});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "no"}}));
    ASSERT_FALSE(s.answer(1, "declined"));
    EXPECT_EQ(s.t.phase, Phase::authorising);
    ASSERT_FALSE(s.answer(2, "waiting"));
    ASSERT_FALSE(s.back(2, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(is_partial(s.t));
    EXPECT_EQ(s.t.why, "partial");
}

TEST(Mixed, WhatCanBeHeldIsHeldFirst) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "credit"}}));
    EXPECT_EQ(s.doing(2), "held/rest/take");
    EXPECT_EQ(s.calls(), "1:open");
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "no"}}));
    ASSERT_FALSE(s.answer(1, "declined"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.doing(2), "none/rest/give_back");  // voided in the same commit
    EXPECT_TRUE(settled(s.t));
}

TEST(Silent, SettledByItsReturn) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "silent"}}));
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Silent, AnotherAmountInItsReturnIsNeverASuccess) {
    for (const Money& said :
         {Story::pounds(99), Story::pounds(101), Money{100, *Currency::parse("JPY", "")}}) {
        Story s;
        s.flows.silent_says = said;
        s.hand_over({{"a", 100}});
        ASSERT_FALSE(s.purchase({{"a", "silent"}}));
        ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
        EXPECT_EQ(s.t.phase, Phase::authorising);
        EXPECT_TRUE(needs_person(s.t));
        EXPECT_EQ(s.leg(1).taken_minor, said.currency == Story::gbp() ? said.minor : 0);
    }
}

TEST(Silent, ForgedReturnSpendsNothing) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "silent"}}));
    ASSERT_FALSE(s.back(1, {{"success", "forged"}}));
    EXPECT_FALSE(s.spent);
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Silent, AssumedUnpaidAndReopenedByLaterEvidence) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "silent"}}));
    s.pass();  // the visit
    ASSERT_EQ(s.effects.size(), 1U);
    EXPECT_EQ(std::get<VisitEffect>(s.effects[0]).url, "https://box.example/back/T1");
    s.pass();  // the grace
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "assumed_unpaid");
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));  // he did pay
    EXPECT_EQ(s.leg(1).money, LegMoney::taken);
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_FALSE(s.leg(1).stuck.empty());  // no refund: a person is told
    EXPECT_TRUE(needs_person(s.t));
    EXPECT_FALSE(settled(s.t));
}

TEST(Sweep, VisitGraceThenAsk) {
    Story s;
    s.hand_over({{"a", 100}}, {}, 60min);
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    const Instant sent = s.now;
    s.pass();
    EXPECT_EQ(s.now - sent, s.times.callout_max);
    EXPECT_EQ(s.count<VisitMeant>(), 1);
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    ASSERT_FALSE(s.hear(Visited{1, 1, "answered 200"}));
    s.pass();
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "taken"));  // he paid and never came back
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Sweep, ViaKassiThereIsNobodyToVisit) {
    Story s;
    s.hand_over({{"a", 100}}, {}, 60min);
    Journey way;
    way.via = ReturnVia::kassi;
    way.url_before = "https://pay.example/callback/";
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}, way));
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_TRUE(s.tokens[0].minted);
    EXPECT_THAT(s.papers.parcels.at(1).callout->parameters[0].second,
                HasSubstr("https://pay.example/callback/ret"));
    s.pass();
    EXPECT_EQ(s.count<VisitMeant>(), 0);
    EXPECT_EQ(s.calls(), "1:query");
}

TEST(Sweep, ReservationRunsOut) {
    Story s;
    s.hand_over({{"a", 100}});
    s.pass();
    EXPECT_EQ(s.t.phase, Phase::released);
    EXPECT_EQ(s.t.why, "hold");
    EXPECT_FALSE(due_at(s.t, s.terms));
    const auto error = s.purchase({{"a", "credit"}});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, ErrorKind::conflict);
}

TEST(Notice, PaidAndNeverCameBack) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 100));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    // The browser comes after all: its token is spent now, and the state is the answer.
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    EXPECT_TRUE(s.spent);
    EXPECT_EQ(s.calls(), "");
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.count<Taken>(), 1);
}

TEST(Notice, OfAHoldThatIsOverMovesNothing) {
    Story s;
    s.hand_over({{"a", 100}}, {.confirm = Confirm::owner});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.hear(ConfirmAnswer{.yes = false, .references = {}}));
    ASSERT_EQ(s.calls(), "1:void");
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_EQ(s.doing(1), "none/rest/give_back");
    // Sent before, and told late: the provider is asked, and knows better.
    ASSERT_FALSE(s.notice(1, LegMoney::held, 100));
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_TRUE(settled(s.t));
    EXPECT_EQ(s.count<Held>(), 1);
    EXPECT_EQ(s.count<HoldGone>(), 1);
    // Once more, while the door is closed: asked about after that.
    ASSERT_FALSE(s.notice(1, LegMoney::held, 100));
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_EQ(s.calls(), "1:close");
    ASSERT_FALSE(s.notice(1, LegMoney::held, 100));
    EXPECT_EQ(s.count<Held>(), 1) << "believed, it would be let go a second time";
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.calls(), "1:query");
    // One that is there all the same goes back.
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.count<Held>(), 2);
    EXPECT_EQ(s.calls(), "1:void");
}

TEST(Notice, OtherAmountNeedsAPerson) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 1));
    EXPECT_EQ(s.t.phase, Phase::authorising);
    EXPECT_THAT(s.leg(1).stuck, HasSubstr("asked"));
    EXPECT_EQ(s.leg(1).taken_minor, 1);
}

TEST(Notice, HintIsAskedAbout) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 0, Trust::hint));
    EXPECT_EQ(s.calls(), "1:query");
    EXPECT_EQ(s.leg(1).money, LegMoney::none);
}

TEST(Notice, OfAnotherSessionIsAskedAbout) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    const auto paid = [](std::string session) {
        return Notice{.leg = 1,
                      .event_id = "e1",
                      .fact = LegMoney::taken,
                      .amount = Story::pounds(100),
                      .references = {{"session", std::move(session)}},
                      .trust = Trust::proof,
                      .evidence = "paid"};
    };
    ASSERT_FALSE(s.hear(paid("s2")));
    EXPECT_EQ(s.calls(), "1:query");
    EXPECT_EQ(s.leg(1).money, LegMoney::none);
    ASSERT_FALSE(s.hear(paid("s1")));
    EXPECT_EQ(s.leg(1).money, LegMoney::taken);
}

TEST(Notice, ARefusalEndsADoubtSooner) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "no"}}));
    ASSERT_FALSE(s.silence(1));
    EXPECT_EQ(s.doing(1), "none/doubt(charge)/take");
    ASSERT_FALSE(s.notice(1, LegMoney::none, 0));
    EXPECT_EQ(s.calls(), "1:query");
}

TEST(Doubt, RestartsOfOursDoNotCount) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    for (int restart = 0; restart < 10; ++restart) {
        ASSERT_FALSE(s.hear(Due{{1}}));
        EXPECT_EQ(s.leg(1).rechecks, 0);
        EXPECT_FALSE(needs_person(s.t));
        s.pass(0ms);
        ASSERT_EQ(s.calls(), "1:open");
    }
    ASSERT_FALSE(s.silence(1));
    EXPECT_EQ(*s.leg(1).recheck_at - s.now, 2s);
}

TEST(Notice, SettlesFirstOfAChainAndWaitsForTheCustomer) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 100));
    EXPECT_EQ(s.calls(), "");  // no token for the next hop yet
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}, "T2"));
    EXPECT_EQ(s.calls(), "2:open");
}

TEST(Purchase, AskedAgainWithAWayBackSendsALostCustomerOn) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.purchase({}, Story::journey("T7")));  // the customer is away, not lost
    EXPECT_TRUE(s.events.empty());
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 100));
    ASSERT_NE(waits_for_browser(s.t, s.flows), nullptr);
    ASSERT_FALSE(s.purchase({}, std::nullopt));  // no way back, nothing new
    EXPECT_TRUE(s.events.empty());
    ASSERT_FALSE(s.purchase({}, Story::journey("T8")));
    EXPECT_EQ(s.calls(), "2:open");
    EXPECT_EQ(s.t.legs.size(), 2U);
    ASSERT_FALSE(s.answer(2, "waiting"));
    EXPECT_EQ(s.tokens[0].token, "T8");
    ASSERT_FALSE(s.back(2, {{"success", "yes"}}, ""));
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Redirect, ALateReturnNeedsNoWayOnWhenTheOtherPaymentIsUnderWay) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 100));
    ASSERT_FALSE(s.purchase({}, Story::journey("T8")));
    ASSERT_FALSE(s.answer(2, "waiting"));
    ASSERT_EQ(s.doing(2), "none/away(open)/take");
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}, ""));
    EXPECT_TRUE(s.spent);
    EXPECT_EQ(s.doing(2), "none/away(open)/take");
}

TEST(Purchase, ALostCustomerIsNotSentOnWhenTheHoldIsTooShort) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.notice(1, LegMoney::taken, 100));
    s.now = s.t.held_until - 2min;
    const Transaction before = s.t;
    EXPECT_EQ(s.purchase({}, Story::journey("T8"))->field, "held_until");
    EXPECT_EQ(s.t, before);
}

TEST(Doubt, SameKeyGoesOutAgain) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    const auto first = std::get<CallEffect>(s.effects[0]);
    const std::string key = s.leg(1).call->key;
    ASSERT_FALSE(s.silence(1));
    EXPECT_EQ(s.doing(1), "none/doubt(open)/take");
    s.pass();
    ASSERT_EQ(s.calls(), "1:open");
    EXPECT_EQ(std::get<CallEffect>(s.effects[0]).request, first.request);
    EXPECT_EQ(s.leg(1).call->key, key);
}

TEST(Doubt, NotDoneOfTheRepeatSaysNothingOfTheFirst) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.silence(1));
    s.pass();
    ASSERT_FALSE(s.silence(1, false));  // the repeat never left the house; the first may have arrived
    EXPECT_EQ(s.doing(1), "none/doubt(open)/take");
    s.pass();
    EXPECT_EQ(s.calls(), "1:open");
    EXPECT_TRUE(s.leg(1).call->again);
}

TEST(Doubt, UnwantedOpeningIsForgotten) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.silence(1));
    ASSERT_FALSE(s.hear(Release{}));
    while (s.leg(1).doing == Doing::doubt) s.pass();
    EXPECT_EQ(s.calls(), "");
    EXPECT_TRUE(settled(s.t));
}

TEST(Doubt, NeverRepeatedIsNeverRepeated) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "never"}}));
    EXPECT_EQ(s.calls(), "1:authorise");
    ASSERT_FALSE(s.silence(1));
    for (int i = 0; i < 20; ++i) {
        s.pass();
        EXPECT_EQ(s.calls(), "");
    }
    EXPECT_EQ(s.t.phase, Phase::failed);  // the seats are gone
    EXPECT_EQ(s.leg(1).doing, Doing::doubt);
    EXPECT_FALSE(settled(s.t));
    EXPECT_TRUE(needs_person(s.t));
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::held, "Anna", "seen in the portal"}));
    EXPECT_EQ(s.calls(), "1:void");
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_TRUE(settled(s.t));
}

// Scenario 2 of core.md: a capture is lost after both legs were held.
TEST(Doubt, LostCapture) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(2, "held"));
    EXPECT_EQ(s.t.phase, Phase::capturing);
    EXPECT_EQ(s.calls(), "1:capture 2:capture");
    ASSERT_FALSE(s.answer(2, "taken"));
    ASSERT_FALSE(s.silence(1));
    EXPECT_EQ(s.doing(1), "held/doubt(capture)/take");
    s.pass();
    EXPECT_EQ(s.calls(), "1:capture");
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Doubt, LostCaptureAndTheHoldRunsOut) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(2, "held"));
    ASSERT_FALSE(s.answer(2, "taken"));
    ASSERT_FALSE(s.silence(1));
    s.now = s.t.held_until;
    ASSERT_FALSE(s.hear(Due{}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_THAT(s.calls(), HasSubstr("2:refund"));
    ASSERT_FALSE(s.answer(2, "back"));
    while (s.calls() != "1:query") s.pass();  // a capture that nobody wants is looked up, not repeated
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "1:void");
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_TRUE(settled(s.t));
    EXPECT_EQ(s.count<Taken>(), 1);
}

TEST(Doubt, AbandonedCallIsTakenUp) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.hear(Due{{1}}));  // the process died between commit and answer
    EXPECT_EQ(s.doing(1), "none/doubt(open)/take");
    s.pass(0ms);
    EXPECT_EQ(s.calls(), "1:open");
}

TEST(Doubt, VolatileInputIsKnownNotDone) {
    Story s;
    s.flows.volatile_open = true;
    s.flows.merchants["redirect"].browser = Browser::no;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    EXPECT_TRUE(s.papers.parcels.at(1).request.method.empty());  // never on disk, sealed or not
    ASSERT_FALSE(s.hear(Due{{1}}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "card_lost");
}

TEST(Doubt, LateAnswerOfTheDoubtedCallCounts) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    s.now = s.leg(1).call->silent_at;
    ASSERT_FALSE(s.hear(Due{}));
    EXPECT_EQ(s.doing(1), "none/doubt(authorise)/take");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "1:capture");
}

TEST(Doubt, PausesGrowAndNeverEnd) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "never"}}));
    ASSERT_FALSE(s.silence(1));
    Millis last{0};
    for (int i = 0; i < 30; ++i) {
        const Instant before = s.now;
        s.pass();
        ASSERT_EQ(s.leg(1).doing, Doing::doubt);
        EXPECT_GE(s.now - before + (i > 12 ? 0ms : 6h),
                  last);  // the hold's own Due comes in between at first
        last = s.now - before;
    }
    EXPECT_EQ(last, 6h);
}

TEST(Doubt, AnAnswerThatOnlyLeadsOnSettlesNothing) {
    const auto at = [](std::int64_t seconds) { return Instant{} + std::chrono::seconds(seconds); };
    Transaction t;
    t.legs.emplace_back().no = 1;
    Leg& leg = t.legs.front();
    leg.doing = Doing::call;
    leg.verb = Verb::query;
    leg.rechecks = 3;
    leg.not_done = 2;
    leg.doubt_since = at(7);
    leg.doubt_why = "no answer";
    apply(t, CallEnded{1, 1, CallOutcome::next, "", {}, std::nullopt, ""}, at(9));
    EXPECT_EQ(leg.doing, Doing::rest);
    EXPECT_EQ(leg.rechecks, 3) << "the next pause is as long as it would have been";
    EXPECT_EQ(leg.not_done, 2);
    EXPECT_EQ(leg.doubt_since, at(7));
    leg.doing = Doing::call;
    apply(t, CallEnded{1, 2, CallOutcome::done, "", {}, std::nullopt, ""}, at(9));
    EXPECT_EQ(leg.rechecks, 0);
    EXPECT_EQ(leg.doubt_since, std::nullopt);
}

TEST(NotDone, TriedAgainThenRefused) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.silence(1, false));
    EXPECT_EQ(s.doing(1), "none/rest/take");
    s.pass();
    EXPECT_EQ(s.calls(), "1:open");
    ASSERT_FALSE(s.answer(1, "not done"));
    s.pass();
    ASSERT_FALSE(s.silence(1, false));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "provider_unavailable");
}

TEST(NotDone, ChargeGivesUpOnlyAfterClosing) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.silence(1, false));
    EXPECT_EQ(s.papers.parcels.at(1).returned, (Fields{{"success", "yes"}}));  // still there for the next try
    s.pass();
    ASSERT_FALSE(s.silence(1, false));
    s.pass();
    ASSERT_FALSE(s.silence(1, false));
    EXPECT_EQ(s.calls(), "1:close");
    EXPECT_EQ(s.t.phase, Phase::authorising);
    ASSERT_FALSE(s.answer(1, "declined"));  // too late to close: it was paid
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Answer, OtherAmountIsNeverASuccess) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "cheap"));
    EXPECT_NE(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.leg(1).taken_minor, 99);
    EXPECT_TRUE(needs_person(s.t));
}

TEST(Hold, RunsOutWhileTheCustomerIsAway) {
    Story s;
    s.hand_over({{"a", 100}}, {}, 5min);
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.leg(1).callout->until, s.t.held_until - s.times.hold_margin - 30s);
    s.now = s.t.held_until - s.times.hold_margin;
    ASSERT_FALSE(s.hear(Due{}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.t.why, "hold");
    EXPECT_EQ(s.calls(), "1:close");
    ASSERT_FALSE(s.answer(1, "declined"));  // he has paid meanwhile
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "taken"));  // a success that came too late is given back
    EXPECT_EQ(s.leg(1).money, LegMoney::taken);
    EXPECT_EQ(s.calls(), "1:refund");
    ASSERT_FALSE(s.answer(1, "back"));
    EXPECT_TRUE(settled(s.t));
}

TEST(Hold, TooShortForACallout) {
    Story s;
    s.hand_over({{"a", 100}}, {}, 2min);
    const auto error = s.purchase({{"a", "redirect"}});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->field, "held_until");
    EXPECT_EQ(s.t.phase, Phase::reserved);
    ASSERT_FALSE(s.purchase({{"a", "credit"}}));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Hold, MovesForwardOnly) {
    Story s;
    s.hand_over({{"a", 100}});
    EXPECT_EQ(s.hear(Hold{s.t.held_until - 1min})->field, "held_until");
    EXPECT_EQ(s.hear(Hold{s.now - 1min})->field, "held_until");
    EXPECT_EQ(s.hear(Hold{s.now + limits::hold_max + 1ms})->field, "held_until");
    const Instant later = s.t.held_until + 10min;
    ASSERT_FALSE(s.hear(Hold{later}));
    EXPECT_EQ(s.t.held_until, later);
    EXPECT_EQ(*due_at(s.t, s.terms), later);
}

TEST(Owner, ConfirmsBetweenHeldAndTaken) {
    Story s;
    s.hand_over({{"a", 100}}, {.confirm = Confirm::owner});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.t.phase, Phase::confirming);
    EXPECT_EQ(s.calls(), "");
    EXPECT_EQ(s.hear(ConfirmAnswer{true, {{"zzz", "1"}}})->field, "references.zzz");
    ASSERT_FALSE(s.hear(ConfirmAnswer{true, {{"a", "SEATS-1"}}}));
    EXPECT_EQ(s.t.phase, Phase::capturing);
    EXPECT_EQ(s.calls(), "1:capture");
    s.now = s.t.held_until + 1h;  // bought is bought: the owner has said yes
    ASSERT_FALSE(s.hear(Due{}));
    EXPECT_EQ(s.t.phase, Phase::capturing);
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.t.confirmations[0].second, "SEATS-1");
}

TEST(Owner, SaysNoOrNothing) {
    for (const bool says : {true, false}) {
        Story s;
        s.hand_over({{"a", 100}}, {.confirm = Confirm::owner});
        ASSERT_FALSE(s.purchase({{"a", "credit"}}));
        ASSERT_EQ(s.t.phase, Phase::confirming);
        if (says) {
            ASSERT_FALSE(s.hear(ConfirmAnswer{false, {}}));
        } else {
            s.pass();
        }
        EXPECT_EQ(s.t.phase, Phase::failed);
        EXPECT_EQ(s.t.why, "not_confirmed");
        EXPECT_TRUE(settled(s.t));
    }
}

TEST(Again, AnotherWayAfterADecline) {
    Story s;
    s.hand_over({{"a", 100}}, {.on_decline = OnDecline::again});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "no"}}));
    ASSERT_FALSE(s.answer(1, "declined"));
    EXPECT_EQ(s.t.phase, Phase::authorising);
    EXPECT_EQ(uncovered(s.t), std::vector<std::string>{"a"});
    ASSERT_FALSE(s.purchase({{"a", "credit"}}));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.leg(1).goal, Goal::give_back);
    EXPECT_EQ(s.doing(2), "taken/rest/take");
    EXPECT_FALSE(is_partial(s.t));
}

TEST(Again, UntilTheHoldEnds) {
    Story s;
    s.hand_over({{"a", 100}}, {.on_decline = OnDecline::again});
    s.credit_exhausted = true;
    ASSERT_FALSE(s.purchase({{"a", "credit"}}));
    EXPECT_EQ(s.t.phase, Phase::authorising);
    s.pass();
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.t.why, "hold");
}

TEST(Release, FreesAndRepeats) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_EQ(s.t.phase, Phase::released);
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_TRUE(s.events.empty());
}

TEST(Release, WhileAwayClosesTheSession) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.calls(), "1:close");
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_TRUE(settled(s.t));
}

TEST(Cancel, EverythingThenCancelled) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "credit"}, {"b", "credit"}}));
    ASSERT_FALSE(s.hear(Cancel{}));
    EXPECT_EQ(s.t.phase, Phase::cancelled);
    EXPECT_EQ(s.leg(1).back_minor, 100);
    ASSERT_FALSE(s.hear(Cancel{}));
    EXPECT_TRUE(s.events.empty());
}

TEST(Cancel, NothingThatCouldBeGivenBackIsAConflict) {
    Story s;
    HandOver body;
    body.bundles = {{"a", "A", Story::pounds(100), {{1, Story::pounds(100), false}}}};
    body.held_until = s.now + 15min;
    ASSERT_FALSE(s.hear(body));
    ASSERT_FALSE(s.purchase({{"a", "credit"}}));
    const auto refused = s.hear(Cancel{});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->kind, ErrorKind::conflict);
    EXPECT_EQ(refused->field, "items");
    EXPECT_EQ(s.leg(1).refunds.size(), 0U);
}

TEST(Cancel, ARepeatIsOneOfJustTheseItems) {
    Story s;
    HandOver body;
    body.bundles = {
        {"a",
         "A",
         Story::pounds(100),
         {{1, Story::pounds(60), true}, {2, Story::pounds(40), true}, {3, Story::pounds(0), true}}}};
    body.held_until = s.now + 15min;
    ASSERT_FALSE(s.hear(body));
    ASSERT_FALSE(s.purchase({{"a", "credit"}}));
    EXPECT_EQ(s.hear(Cancel{{3}})->kind, ErrorKind::conflict);
    ASSERT_FALSE(s.hear(Cancel{{1}}));
    ASSERT_FALSE(s.hear(Cancel{{1}}));
    EXPECT_TRUE(s.events.empty());
    EXPECT_EQ(s.hear(Cancel{{3}})->kind, ErrorKind::conflict);
    EXPECT_EQ(s.hear(Cancel{{1, 3}})->kind, ErrorKind::conflict);
}

TEST(Cancel, ARepeatMayNameWhatNeverCostAnything) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 0}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.hear(Cancel{{1, 2}}));
    EXPECT_EQ(s.calls(), "1:refund");
    ASSERT_FALSE(s.hear(Cancel{{1, 2}}));
    EXPECT_TRUE(s.events.empty());
    EXPECT_EQ(s.hear(Cancel{{2}})->kind, ErrorKind::conflict);
}

TEST(Cancel, OneItem) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "credit"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(2, "waiting"));
    ASSERT_FALSE(s.back(2, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.hear(Cancel{{99}})->field, "items");
    ASSERT_FALSE(s.hear(Cancel{{2}}));
    EXPECT_EQ(s.calls(), "2:refund");
    EXPECT_EQ(s.t.phase, Phase::purchased);
    ASSERT_FALSE(s.answer(2, "back"));
    EXPECT_EQ(s.leg(2).money, LegMoney::back);
    EXPECT_EQ(s.leg(2).refunds[0].items, std::vector<std::int64_t>{2});
    EXPECT_EQ(s.leg(1).money, LegMoney::taken);
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Refund, PartsNeverMoreThanTaken) {
    Story s;
    ASSERT_NO_FATAL_FAILURE(bought_by_redirect(s));
    EXPECT_EQ(s.hear(RefundOf{1, Story::pounds(101), "Anna", "kind"})->field, "amount");
    EXPECT_EQ(s.hear(RefundOf{1, Story::pounds(0), "Anna", "kind"})->field, "amount");
    EXPECT_EQ(s.hear(RefundOf{1, Story::pounds(10), "", "kind"})->field, "by");
    EXPECT_EQ(s.hear(RefundOf{1, Story::pounds(10), "Anna", ""})->field, "because");
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(60), "Anna", "kind"}));
    EXPECT_EQ(s.hear(RefundOf{1, Story::pounds(41), "Anna", "kind"})->field, "amount");
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(40), "Anna", "kind"}));
    EXPECT_EQ(s.calls(), "");  // at most one call a leg
    ASSERT_FALSE(s.answer(1, "back"));
    EXPECT_EQ(s.leg(1).back_minor, 60);
    EXPECT_EQ(s.calls(), "1:refund");
    ASSERT_FALSE(s.answer(1, "declined"));
    EXPECT_FALSE(s.leg(1).stuck.empty());
    EXPECT_EQ(s.leg(1).refunds[1].state, RefundState::failed);
}

TEST(Refund, ALookUpSettlesOneThatNobodyAnsweredFor) {
    for (const auto& [so_far, made] : {std::pair{"30", true}, {"29", false}, {"0", false}, {"31", false}}) {
        SCOPED_TRACE(so_far);
        Story s;
        s.flows.key_life = 1min;
        ASSERT_NO_FATAL_FAILURE(bought_by_redirect(s));
        ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(30), "Anna", "rain"}));
        ASSERT_FALSE(s.silence(1));
        s.now += 1h;  // the key is forgotten there: it is looked up, not repeated
        ASSERT_FALSE(s.hear(Due{}));
        ASSERT_EQ(s.calls(), "1:query");
        ASSERT_FALSE(s.answer(1, std::string("back so far ") + so_far));
        EXPECT_EQ(s.leg(1).back_minor, made ? 30 : 0);
        EXPECT_EQ(s.leg(1).money, LegMoney::taken);
        EXPECT_EQ(s.leg(1).refunds[0].state, made ? RefundState::done : RefundState::asked);
        const bool unclear = std::string(so_far) == "31";
        EXPECT_EQ(s.calls(), made || unclear ? "" : "1:refund");
        EXPECT_EQ(needs_person(s.t), unclear);
    }
}

TEST(Purchase, Refusals) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    const Transaction before = s.t;
    EXPECT_EQ(s.purchase({{"a", "credit"}})->field, "ways.b");
    EXPECT_EQ(s.purchase({{"a", "credit"}, {"b", "credit"}, {"c", "credit"}})->field, "ways.c");
    EXPECT_EQ(s.purchase({{"a", "credit"}, {"a", "credit"}})->field, "ways.a");
    EXPECT_EQ(s.purchase({{"a", "credit"}, {"b", "redirect"}}, std::nullopt)->field, "return");
    EXPECT_EQ(s.t, before);
    ASSERT_FALSE(s.purchase({{"a", "credit"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_EQ(s.purchase({{"a", "credit"}, {"b", "redirect"}})->kind, ErrorKind::conflict);
}

TEST(Purchase, AskedAgainChangesNothing) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "credit"}, {"b", "redirect"}}));
    const Transaction before = s.t;
    ASSERT_FALSE(s.purchase({{"a", "credit"}}, std::nullopt));
    EXPECT_TRUE(s.events.empty());
    EXPECT_EQ(s.t, before);
    // With an idempotency key it gets a row that the key stands for, and still moves nothing.
    s.keyed = true;
    ASSERT_FALSE(s.purchase({{"a", "credit"}}, std::nullopt));
    EXPECT_EQ(s.count<Noted>(), 1);
    EXPECT_EQ(s.t.version, before.version + 1);
    s.t.version = before.version;
    EXPECT_EQ(s.t, before);
}

TEST(Hold, EndsBeforeADoubtedTakingGoesOutAgain) {
    for (const char* merchant : {"redirect", "card"}) {
        SCOPED_TRACE(merchant);
        Story s;
        s.hand_over({{"a", 100}});
        ASSERT_FALSE(s.purchase({{"a", merchant}}));
        if (std::string(merchant) == "redirect") {
            ASSERT_FALSE(s.answer(1, "waiting"));
            ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
        }
        ASSERT_FALSE(s.silence(1));  // the charge or authorisation
        s.now = s.t.held_until;
        ASSERT_FALSE(s.hear(Due{}));
        EXPECT_EQ(s.t.phase, Phase::failed);
        EXPECT_EQ(s.calls(), "1:query");  // looked up, not repeated: nobody wants the money any more
    }
}

TEST(Notice, GivenBackBeforeThePurchaseIsCompleteBuysNothing) {
    for (const bool confirming : {false, true}) {
        Story s;
        s.hand_over({{"a", 100}, {"b", 200}}, {.confirm = Confirm::owner});
        ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", confirming ? "credit" : "redirect"}}));
        ASSERT_FALSE(s.answer(1, "waiting"));
        ASSERT_FALSE(s.notice(1, LegMoney::taken, 100));
        ASSERT_EQ(s.t.phase, confirming ? Phase::confirming : Phase::authorising);
        ASSERT_FALSE(s.notice(1, LegMoney::back, 100));
        EXPECT_EQ(s.t.phase, Phase::failed);
        EXPECT_EQ(s.t.why, "declined");
        EXPECT_EQ(s.hear(ConfirmAnswer{true, {}})->kind, ErrorKind::conflict);
        EXPECT_EQ(s.leg(1).refused->code, "given_back");
        EXPECT_EQ(s.leg(1).taken_minor, 100);
        EXPECT_EQ(s.leg(1).back_minor, 100);
        EXPECT_TRUE(settled(s.t));
    }
}

TEST(Waiting, WithoutAWayBackNobodyIsSent) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}, std::nullopt));
    ASSERT_FALSE(s.answer(1, "waiting"));  // the bank wants to see the customer
    EXPECT_EQ(s.leg(1).refused->code, "no_return_url");
    EXPECT_TRUE(s.tokens.empty());
    EXPECT_EQ(s.calls(), "1:close");
    // The token of the way was used up by another leg's callout: nobody could come back from this one.
    Story two;
    two.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(two.purchase({{"a", "card"}, {"b", "card"}}));
    ASSERT_FALSE(two.answer(1, "waiting"));
    ASSERT_FALSE(two.notice(1, LegMoney::held, 100));
    ASSERT_FALSE(two.answer(2, "waiting"));
    EXPECT_EQ(two.leg(2).refused->code, "no_return_url");
    EXPECT_TRUE(two.tokens.empty());
}

TEST(Answer, ASuccessThatSaysTooLittleIsUnknown) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "1:capture");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.doing(1), "held/doubt(capture)/take");
    EXPECT_EQ(s.count<Held>(), 1);
    EXPECT_EQ(s.calls(), "");
}

TEST(Answer, AnotherAmountFoundTwiceIsBookedOnce) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "cheap"));
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::taken, "Anna", "99 it is"}));
    EXPECT_EQ(s.count<Taken>(), 1);
    EXPECT_EQ(s.t.phase, Phase::purchased);
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(99), "Anna", "rain"}));
    ASSERT_FALSE(s.silence(1));
    s.now += 1h;
    ASSERT_FALSE(s.notice(1, LegMoney::none, 0, Trust::hint));
    ASSERT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "cheap"));
    EXPECT_EQ(s.count<Taken>(), 1);
}

TEST(Answer, TooLateToCloseWithAnotherAmountIsNeverASuccess) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {}));  // says nothing: looked up
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_EQ(s.calls(), "1:close");
    ASSERT_FALSE(s.answer(1, "cheap"));
    EXPECT_EQ(s.t.phase, Phase::authorising);
    EXPECT_TRUE(needs_person(s.t));
}

TEST(Refund, AnotherAmountNeedsAPerson) {
    for (const auto& [said, booked] : {std::pair{"99", 30}, {"29", 29}}) {
        Story s;
        ASSERT_NO_FATAL_FAILURE(bought_by_redirect(s));
        ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(70), "Anna", "rain"}));
        ASSERT_FALSE(s.answer(1, "back"));
        ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(30), "Anna", "more rain"}));
        ASSERT_FALSE(s.answer(1, std::string("back ") + said));
        EXPECT_EQ(s.leg(1).back_minor, 70 + booked);
        EXPECT_TRUE(needs_person(s.t));
    }
}

TEST(Settle, TheAmountThatAPersonFoundRightIsAskedForFromThenOn) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.answer(1, "held 99"));
    ASSERT_TRUE(needs_person(s.t));
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::held, "Anna", "99 it is"}));
    EXPECT_EQ(s.calls(), "1:capture");
    ASSERT_FALSE(s.answer(1, "cheap"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_FALSE(needs_person(s.t));
    EXPECT_EQ(s.leg(1).taken_minor, 99);
}

/// A refund was put off, then asked about and refused: nobody waits for its next try.
TEST(Settle, NothingIsDueOfWhatIsNotWantedAnyMore) {
    Story s;
    ASSERT_NO_FATAL_FAILURE(bought_by_redirect(s));
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(70), "Anna", "rain"}));
    ASSERT_FALSE(s.answer(1, "declined"));
    ASSERT_TRUE(needs_person(s.t));
    const auto put_off = [&s] {
        Transaction found = s.t;
        found.legs[0].retry_at = s.now + 15min;
        return found;
    };
    EXPECT_FALSE(due_at(put_off(), s.terms)) << "a person is waited for";
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::taken, "Anna", "it is still there"}));
    EXPECT_TRUE(settled(put_off()));
    EXPECT_FALSE(due_at(put_off(), s.terms));
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(70), "Anna", "more rain"}));
    ASSERT_FALSE(s.answer(1, "not done"));
    EXPECT_EQ(due_at(s.t, s.terms), s.leg(1).retry_at);
    EXPECT_TRUE(s.leg(1).retry_at);
}

TEST(Silent, UnwantedWhileAwayIsAssumedUnpaid) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "silent"}}));
    s.now = s.t.held_until;
    ASSERT_FALSE(s.hear(Due{}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.t.why, "hold");
    EXPECT_EQ(s.leg(1).refused->code, "assumed_unpaid");
}

TEST(Settle, GivenBackBooksWhatWasHeldAndNoMore) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.answer(1, "held 99"));
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::back, "Anna", "saw it"}));
    EXPECT_EQ(s.leg(1).taken_minor, 99);
    EXPECT_EQ(s.leg(1).back_minor, 99);
}

TEST(Papers, OfALegThatNobodyWantsAreForgotten) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.silence(1, false));  // not sent
    ASSERT_FALSE(s.papers.parcels.empty());
    s.now = s.t.held_until;
    ASSERT_FALSE(s.hear(Due{}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(s.papers.parcels.empty());
}

TEST(HandOver, Refusals) {
    Story s;
    const auto refused = [&s](auto change) {
        HandOver body;
        body.bundles = {{"a", "A", Story::pounds(100), {{1, Story::pounds(100), true}}}};
        body.held_until = s.now + 15min;
        change(body);
        s.journal.clear();
        const auto error = s.hear(body);
        return error ? error->field : std::string("accepted");
    };
    EXPECT_EQ(refused([](HandOver&) {}), "accepted");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles.clear(); }), "bundles");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles[0].amount.minor = -1; }), "bundles[0].amount");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles[0].amount.minor = payment_minor_max + 1; }),
              "bundles[0].amount");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles[0].amount.minor = payment_minor_max; }), "accepted");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles[0].orders[0].amount.minor = 101; }), "bundles[0].orders");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles.push_back(h.bundles[0]); }), "bundles[1].source");
    EXPECT_EQ(refused([&s](HandOver& h) { h.held_until = s.now; }), "held_until");
    EXPECT_EQ(refused([&s](HandOver& h) { h.held_until = s.now + limits::hold_max; }), "accepted");
    EXPECT_EQ(refused([&s](HandOver& h) { h.held_until = s.now + limits::hold_max + 1ms; }), "held_until");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles[0].source.assign(limits::text_bytes_max + 1, 'x'); }),
              "bundles[0].source");
    EXPECT_EQ(refused([](HandOver& h) { h.bundles.resize(limits::bundles_max + 1, h.bundles[0]); }),
              "bundles");
}

TEST(Free, ABundleOfZeroHasNoLeg) {
    Story s;
    s.hand_over({{"a", 0}});
    ASSERT_FALSE(s.purchase({}, std::nullopt));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(s.t.legs.empty());
    EXPECT_TRUE(bundle_bought(s.t, "a"));
}

TEST(Tracking, TheLastOneStays) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.hear(Hold{s.t.held_until + 1min}, "xyz"));
    EXPECT_EQ(s.t.tracking, "xyz");
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_EQ(s.t.tracking, "xyz");
}

TEST(Settle, OnlyWhatIsInDoubt) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "never"}}));
    EXPECT_EQ(s.hear(Settle{1, LegMoney::none, "Anna", "looked"})->kind, ErrorKind::conflict);
    ASSERT_FALSE(s.silence(1));
    EXPECT_EQ(s.hear(Settle{1, LegMoney::none, "", "looked"})->field, "by");
    EXPECT_EQ(s.hear(Settle{1, LegMoney::none, "Anna", ""})->field, "because");
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::none, "Anna", "looked"}));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(settled(s.t));
}

TEST(Tables, EveryRowIsNamedAndLeadsSomewhere) {
    for (const auto& row : leg_table()) {
        EXPECT_FALSE(word(row.on).empty());
        EXPECT_NE(row.from, 0);
        EXPECT_NE(row.to, 0);
        EXPECT_NE(row.verbs, 0);
        EXPECT_EQ(row.guard == nullptr, row.guard_word.empty()) << word(row.on);
    }
    std::set<Phase> reached{Phase::reserved};
    for (const auto& row : transaction_table())
        for (int phase = 0; phase < 8; ++phase)
            if (in(row.to, static_cast<Phase>(phase))) reached.insert(static_cast<Phase>(phase));
    EXPECT_EQ(reached.size(), 8U);
}

// ---- closing -------------------------------------------------------------------------------------------

TEST(Closing, ThatAsksNobodyIsDoneOnce) {
    Story s;
    s.flows.closes_at_once = true;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_TRUE(s.leg(1).exposed);
    ASSERT_FALSE(s.hear(Release{}));
    EXPECT_TRUE(settled(s.t));
    EXPECT_FALSE(s.leg(1).exposed);
    EXPECT_EQ(s.effects.size(), 1U) << "the verdict is told, and nobody asked";
}

TEST(Closing, ThatAsksNobodyEndsAPaymentThatWasNotMade) {
    Story s;
    s.flows.closes_at_once = true;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    s.pass();
    s.pass();
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "not_paid");
    EXPECT_TRUE(settled(s.t));
}

TEST(Closing, ThatIsAlwaysRefusedIsTriedMoreAndMoreSlowly) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.hear(Release{}));
    ASSERT_EQ(s.calls(), "1:close");
    for (const Millis pause : {Millis{2s}, Millis{5s}, Millis{15s}, Millis{60s}}) {
        ASSERT_FALSE(s.answer(1, "declined"));
        ASSERT_EQ(s.calls(), "1:query") << "the fact decides";
        ASSERT_FALSE(s.answer(1, "none"));
        EXPECT_EQ(s.calls(), "") << "not at once";
        EXPECT_EQ(s.doing(1), "none/rest/give_back");
        EXPECT_FALSE(settled(s.t)) << "somebody could still pay there";
        EXPECT_TRUE(s.papers.parcels.contains(1)) << "closing needs it";
        ASSERT_EQ(due_at(s.t, s.terms), s.now + pause);
        ASSERT_FALSE(s.hear(Due{}));
        EXPECT_TRUE(s.events.empty());
        s.pass();
        ASSERT_EQ(s.calls(), "1:close");
    }
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_TRUE(settled(s.t));
    EXPECT_FALSE(s.leg(1).exposed);
    EXPECT_FALSE(due_at(s.t, s.terms));
    EXPECT_TRUE(s.papers.parcels.empty());
}

TEST(Closing, ThatIsRefusedEndsAPaymentThatWasNotMade) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    s.pass();
    s.pass();
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_EQ(s.calls(), "1:close");
    ASSERT_FALSE(s.answer(1, "declined"));
    ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.leg(1).refused->code, "not_paid");
    EXPECT_EQ(s.doing(1), "none/rest/give_back");
    s.pass();
    EXPECT_EQ(s.calls(), "1:close") << "and not opened anew";
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.calls(), "1:refund");
}

}  // namespace
}  // namespace kassi::core::test
