#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/story.hpp"

/// The record is a copy that was put back: what may have happened since is asked for before anything is
/// begun.
namespace kassi::core {
namespace {

using namespace std::chrono_literals;
using test::Story;
using ::testing::HasSubstr;

std::optional<Error> put_back(Story& s) {
    s.terms.put_back_at = s.now;
    return s.hear(Restored{s.now - 1h});
}

TEST(Restored, WhoWasToPayHandsOverAnew) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.t.phase, Phase::released);
    EXPECT_EQ(s.t.why, "restored");
    EXPECT_EQ(s.journal.back().input, "Restored");
    ASSERT_TRUE(s.purchase({{"a", "card"}}))
        << "it may have been paid since, in a leg that nobody here knows";
}

TEST(Restored, WhatIsSettledStays) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(1, "taken"));
    const auto rows = s.journal.size();
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.journal.size(), rows);
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Restored, WhatWaitsForItsTurnIsAskedAboutFirst) {
    for (const std::string since : {"none", "held", "taken"}) {
        Story s;
        s.hand_over({{"a", 100}, {"b", 200}});
        ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
        ASSERT_EQ(s.calls(), "1:authorise") << "the second waits for the first";
        ASSERT_FALSE(put_back(s));
        EXPECT_EQ(s.calls(), "2:query");
        EXPECT_TRUE(s.leg(2).restored);
        ASSERT_FALSE(s.answer(2, since));
        if (since == "none") {
            EXPECT_EQ(s.calls(), "2:close");
            ASSERT_FALSE(s.answer(2, "done"));
            EXPECT_EQ(s.t.phase, Phase::failed) << "nothing is begun that may have been begun before";
        } else {
            EXPECT_EQ(word(s.leg(2).money), since);
            EXPECT_EQ(s.calls(), "");
        }
        EXPECT_FALSE(s.leg(2).restored);
    }
}

TEST(Restored, OldNewsIsNotBelieved) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "token"}}));
    ASSERT_EQ(s.doing(1), "none/away(open)/take");
    ASSERT_FALSE(put_back(s));
    const Notice notice{.leg = 1,
                        .event_id = "e1",
                        .fact = LegMoney::held,
                        .amount = Story::pounds(100),
                        .references = {},
                        .trust = Trust::proof,
                        .evidence = "held"};
    ASSERT_FALSE(s.hear(notice));
    EXPECT_EQ(s.count<Held>(), 0) << "it may have been let go since";
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_EQ(s.calls(), "1:close");
    ASSERT_FALSE(s.hear(notice));
    EXPECT_EQ(s.count<Held>(), 0);
}

TEST(Restored, RefundsGetNumbersThatNobodyKnows) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "token"}}));
    ASSERT_FALSE(s.back(1, {{"token", "tk1"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(10), "Anna", "a complaint"}));
    EXPECT_EQ(s.leg(1).refunds.back().no, 1);
    ASSERT_FALSE(put_back(s));
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(20), "Anna", "another"}));
    EXPECT_EQ(s.leg(1).refunds.back().no, s.now.time_since_epoch().count() + 1)
        << "the second of before may have been made since the copy, of another amount";
}

/// Bought and settled in the copy: it hears nothing of having been put back.
struct BoughtBefore : testing::Test {
    BoughtBefore() {
        s.hand_over({{"a", 100}});
        EXPECT_FALSE(s.purchase({{"a", "token"}}));
        EXPECT_FALSE(s.back(1, {{"token", "tk1"}}));
        EXPECT_FALSE(s.answer(1, "held"));
        EXPECT_FALSE(s.answer(1, "taken"));
        EXPECT_TRUE(settled(s.t));
    }
    /// The key of what is asked for in this life.
    std::string refund() {
        EXPECT_FALSE(s.hear(RefundOf{1, Story::pounds(10), "Anna", "a complaint"}));
        return s.leg(1).call->key;
    }
    Story s;
};

TEST_F(BoughtBefore, ARefundIsAnotherThanOneOfSince) {
    const Story copy = s;
    const auto since = refund();
    EXPECT_EQ(s.leg(1).refunds.back().no, 1);
    s.t = copy.t;
    s.papers = copy.papers;
    s.journal = copy.journal;
    ASSERT_FALSE(put_back(s));
    ASSERT_EQ(s.journal.size(), copy.journal.size());
    const auto first = refund();
    EXPECT_NE(first, since) << "under that key the provider would give back nothing, and say that it did";
    EXPECT_EQ(s.leg(1).refunds.back().no, s.now.time_since_epoch().count() + 1);
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_NE(refund(), first);
    EXPECT_EQ(s.leg(1).refunds.back().no, s.now.time_since_epoch().count() + 2);
}

TEST(Restored, WhatWasOpenIsRepeatedUnderItsKeyAndThenAskedAbout) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    const auto key = s.leg(1).call->key;
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.doing(1), "none/doubt(authorise)/take");
    s.pass(0ms);
    EXPECT_EQ(s.calls(), "1:authorise");
    EXPECT_EQ(s.leg(1).call->key, key);
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "1:query") << "since then it may have been captured";
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.count<Taken>(), 1);
}

TEST(Restored, ACaptureThatWasToBeginIsAskedAboutFirst) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}}, {.confirm = Confirm::owner});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(2, "held"));
    ASSERT_EQ(s.t.phase, Phase::confirming);
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.calls(), "1:query 2:query");
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(2, "held"));
    ASSERT_FALSE(s.hear(ConfirmAnswer{true, {}}));
    EXPECT_EQ(s.calls(), "1:capture 2:capture");
}

TEST(Restored, ALookThatNeedsNoCallIsMadeOnce) {
    struct NothingWasSent final : test::ScriptedFlows {
        [[nodiscard]] Step begin(const Scene& scene) const override {
            if (scene.verb == Verb::query) return Done{};
            return ScriptedFlows::begin(scene);
        }
    };
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
    const NothingWasSent flows;
    const Terms terms{flows, s.times, "https://pay.example"};
    Input input;
    input.body = Restored{s.now - 1h};
    const auto decision = decide(&s.t, s.papers, input, s.now, terms);
    ASSERT_TRUE(decision);
    const Leg& second = decision->next.legs[1];
    EXPECT_FALSE(second.look);
    EXPECT_EQ(second.money, LegMoney::none);
    EXPECT_EQ(word(second.verb), "close") << "nothing is begun that may have been begun before";
}

TEST(Restored, ALookThatCannotTellCallsAPersonAndSaysWhy) {
    struct CannotTell final : test::ScriptedFlows {
        [[nodiscard]] Step begin(const Scene& scene) const override {
            if (scene.verb == Verb::query) return Unknown{.why = "it cannot be asked"};
            return ScriptedFlows::begin(scene);
        }
    };
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
    const CannotTell flows;
    const Terms terms{flows, s.times, "https://pay.example"};
    Input input;
    input.body = Restored{s.now - 1h};
    const auto decision = decide(&s.t, s.papers, input, s.now, terms);
    ASSERT_TRUE(decision);
    EXPECT_THAT(decision->next.legs[1].stuck, HasSubstr("a copy from before"));
}

TEST(Restored, AfterAPersonsWordNobodyIsAsked) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(s.silence(1, true));
    ASSERT_EQ(s.doing(1), "none/doubt(authorise)/take");
    ASSERT_FALSE(put_back(s));
    ASSERT_TRUE(s.leg(1).look);
    ASSERT_FALSE(s.hear(Settle{1, LegMoney::none, "Anna", "seen in the portal"}));
    EXPECT_EQ(s.calls(), "") << "the answer is known";
    EXPECT_FALSE(s.leg(1).look);
    EXPECT_FALSE(s.leg(1).restored);
    EXPECT_EQ(s.t.phase, Phase::failed);
}

TEST(Restored, TheCustomerWhoWasAwayMayHavePaid) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_EQ(s.doing(1), "none/away(open)/take");
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_EQ(s.count<Taken>(), 1);
}

TEST(Restored, WhoCannotBeAskedIsNotPaidAgain) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "never"}, {"b", "never"}}));
    ASSERT_EQ(s.calls(), "1:authorise");
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.leg(2).refused->code, "restored");
    EXPECT_THAT(s.leg(2).stuck, HasSubstr("a copy from before"))
        << "a person looks whether it was paid since";
    EXPECT_EQ(s.doing(1), "none/doubt(authorise)/give_back");
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.calls(), "") << "what may never be repeated is not";
}

TEST(Restored, WhoMayHaveReturnedSinceIsNotAssumedUnpaid) {
    for (const bool hold_over : {false, true}) {
        Story s;
        s.hand_over({{"a", 100}});
        ASSERT_FALSE(s.purchase({{"a", "silent"}}));
        ASSERT_FALSE(s.answer(1, "waiting"));
        ASSERT_EQ(s.doing(1), "none/away(open)/take");
        ASSERT_FALSE(put_back(s));
        ASSERT_EQ(s.doing(1), "none/away(open)/take") << "his return still counts";
        if (hold_over) {
            s.now = s.t.held_until;
            ASSERT_FALSE(s.hear(Due{}));
        }
        while (s.leg(1).stuck.empty()) s.pass();
        EXPECT_EQ(s.t.phase, Phase::failed);
        EXPECT_THAT(s.leg(1).stuck, HasSubstr("a copy from before"));
        EXPECT_FALSE(settled(s.t));
        ASSERT_FALSE(s.hear(Settle{1, LegMoney::none, "Anna", "as the house's books say"}));
        EXPECT_TRUE(settled(s.t));
    }
}

TEST(Restored, NothingIsTriedASecondTime) {
    Story s;
    s.hand_over({{"a", 100}}, {.on_decline = OnDecline::again});
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    ASSERT_FALSE(put_back(s));
    s.pass(0ms);
    ASSERT_EQ(s.calls(), "1:authorise");
    ASSERT_FALSE(s.answer(1, "declined"));
    while (!s.calls().empty()) ASSERT_FALSE(s.answer(1, "none"));
    EXPECT_EQ(s.t.phase, Phase::failed) << "leg 2 may have been paid since, and nobody here knows of it";
    EXPECT_TRUE(s.purchase({{"a", "card"}}));
}

TEST(Restored, ACardThatWasLostIsStillAskedAbout) {
    Story s;
    s.flows.volatile_open = true;
    s.flows.merchants["redirect"].browser = Browser::no;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}}));
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.leg(1).refused->code, "card_lost");
    EXPECT_EQ(s.calls(), "1:query");
    EXPECT_TRUE(s.leg(1).restored) << "so that the way of paying knows why it is asked";
}

TEST(Restored, ARefundThatCannotBeAskedAboutNeedsAPerson) {
    Story s;
    s.hand_over({{"a", 100}});
    ASSERT_FALSE(s.purchase({{"a", "never"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(100), "Anna", "a complaint"}));
    ASSERT_FALSE(s.silence(1, false));  // not sent: it rests, to be begun again
    ASSERT_EQ(s.doing(1), "taken/rest/take");
    ASSERT_FALSE(put_back(s));
    EXPECT_THAT(s.leg(1).stuck, HasSubstr("a copy from before"));
    EXPECT_FALSE(due_at(s.t, s.terms)) << "it may have been given back since";
}

TEST(Restored, WhatTheHouseItselfTakesIsInTheCopy) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}}, {.confirm = Confirm::owner});
    ASSERT_FALSE(s.purchase({{"a", "credit"}, {"b", "credit"}}));
    ASSERT_EQ(s.t.phase, Phase::confirming);
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.calls(), "");
    ASSERT_FALSE(s.hear(ConfirmAnswer{true, {}}));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Restored, ASecondTryIsNotWaitedFor) {
    Story s;
    s.hand_over({{"a", 100}, {"b", 200}}, {.on_decline = OnDecline::again});
    ASSERT_FALSE(s.purchase({{"a", "card"}, {"b", "card"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(2, "declined"));
    ASSERT_EQ(s.t.phase, Phase::authorising);
    ASSERT_FALSE(put_back(s));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_EQ(s.calls(), "1:query") << "before it is given back, since it may have been taken";
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.calls(), "1:refund");
}

TEST(Forget, OfWhatIsSettledOnly) {
    Story s;
    s.hand_over({{"a", 100}});
    const ForgetPerson forget{"Anna", "she asked for it"};
    auto error = s.hear(forget);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->field, "transaction");
    ASSERT_FALSE(s.purchase({{"a", "card"}}));
    EXPECT_TRUE(s.hear(forget));
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_TRUE(s.hear(forget));
    ASSERT_FALSE(s.answer(1, "taken"));
    for (const auto& bad : {ForgetPerson{"", "x"}, ForgetPerson{"Anna", ""}}) {
        error = s.hear(bad);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->field, bad.by.empty() ? "by" : "because");
    }
    ASSERT_FALSE(s.hear(forget));
    EXPECT_TRUE(s.t.forgotten);
    EXPECT_FALSE(s.papers.journey);
    const auto rows = s.journal.size();
    ASSERT_FALSE(s.hear(forget));
    EXPECT_EQ(s.journal.size(), rows) << "once more changes nothing";
    ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(100), "Anna", "a complaint"})) << "money goes on as before";
}

}  // namespace
}  // namespace kassi::core
