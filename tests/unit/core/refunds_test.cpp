#include "tests/unit/core/story.hpp"

/// Money that goes back, by us or by somebody at the provider's, and what a look finds of it.
namespace kassi::core::test {
namespace {

class Refunds : public testing::Test {
  protected:
    Story s;

    void buy(const std::string& merchant = "redirect") {
        s.hand_over({{"a", 100}});
        ASSERT_FALSE(s.purchase({{"a", merchant}}));
        ASSERT_FALSE(s.answer(1, "waiting"));
        ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
        ASSERT_FALSE(s.answer(1, "taken"));
        ASSERT_EQ(s.t.phase, Phase::purchased);
    }
    /// Somebody says that so much went back, and does not prove it.
    void hear_of(std::int64_t so_far) {
        ASSERT_FALSE(s.hear(Notice{.leg = 1,
                                   .event_id = "event" + std::to_string(++s.minted),
                                   .fact = LegMoney::taken,
                                   .amount = Story::pounds(100),
                                   .references = {},
                                   .trust = Trust::hint,
                                   .evidence = "refunded",
                                   .given_back = Story::pounds(so_far)}));
    }
    void ask_for(std::int64_t minor) {
        ASSERT_FALSE(s.hear(RefundOf{1, Story::pounds(minor), "Anna", "rain"}));
    }
};

TEST_F(Refunds, OfOthersAreFoundByALook) {
    buy();
    hear_of(30);
    EXPECT_EQ(s.calls(), "1:query");
    EXPECT_EQ(s.leg(1).back_minor, 0) << "a hint is never believed";
    ASSERT_FALSE(s.answer(1, "back so far 30"));
    EXPECT_EQ(s.leg(1).back_minor, 30);
    hear_of(30);
    EXPECT_EQ(s.calls(), "") << "that is known";
    hear_of(100);
    ASSERT_FALSE(s.answer(1, "back so far 100"));
    EXPECT_EQ(s.leg(1).money, LegMoney::back);
    EXPECT_EQ(s.t.phase, Phase::cancelled);
}

TEST_F(Refunds, HeardOfDuringACallAreLookedForAfterIt) {
    buy();
    ask_for(20);
    ASSERT_EQ(s.calls(), "1:refund");
    hear_of(30);
    EXPECT_EQ(s.calls(), "") << "at most one call a leg";
    EXPECT_TRUE(s.leg(1).look);
    ASSERT_FALSE(s.answer(1, "back"));
    EXPECT_EQ(s.leg(1).back_minor, 20);
    EXPECT_EQ(s.calls(), "1:query");
    EXPECT_FALSE(s.leg(1).look);
    ASSERT_FALSE(s.answer(1, "back so far 50"));
    EXPECT_EQ(s.leg(1).back_minor, 50);
    EXPECT_TRUE(settled(s.t));
}

TEST_F(Refunds, ThatDidNotArriveNeedAPerson) {
    buy();
    ask_for(30);
    ASSERT_FALSE(s.answer(1, "back"));
    hear_of(0);
    ASSERT_FALSE(s.answer(1, "back so far 0"));
    EXPECT_TRUE(needs_person(s.t));
    EXPECT_EQ(s.leg(1).back_minor, 30) << "the books keep what was said";
}

TEST_F(Refunds, AreToldFromThoseOfOthersWhereTheProviderKnowsThem) {
    buy();
    ask_for(30);
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    ASSERT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "back so far 50, ours is in it"));
    EXPECT_EQ(s.leg(1).back_minor, 50);
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::done);
    EXPECT_TRUE(settled(s.t));
}

TEST_F(Refunds, ThatALookDoesNotFindGoOutAgainLater) {
    buy();
    ask_for(30);
    for (int time = 0; time < 3; ++time) {
        ASSERT_FALSE(s.answer(1, "look"));
        s.pass();
        ASSERT_EQ(s.calls(), "1:query");
        ASSERT_FALSE(s.answer(1, "back so far 0, ours is not in it"));
        EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::asked);
        const Instant then = s.now;
        s.pass();
        EXPECT_EQ(s.now - then, 15min) << "the same answer may be stored for a day";
        EXPECT_EQ(s.calls(), "1:refund");
    }
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    ASSERT_FALSE(s.answer(1, "back so far 30, ours is not in it"));
    EXPECT_EQ(s.leg(1).back_minor, 30) << "of the same size, and another's";
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::asked);
}

TEST_F(Refunds, OfMoreThanOthersLeftEnd) {
    buy();
    ask_for(60);
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    ASSERT_FALSE(s.answer(1, "back so far 50, ours is not in it"));
    EXPECT_EQ(s.leg(1).back_minor, 50);
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::failed);
    EXPECT_TRUE(needs_person(s.t)) << "somebody wanted 60";
}

TEST_F(Refunds, ThatWereRefusedEnd) {
    buy();
    ask_for(60);
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    ASSERT_FALSE(s.answer(1, "back so far 30, ours was refused"));
    EXPECT_EQ(s.leg(1).back_minor, 30);
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::failed) << "under its key the refusal would come again";
    EXPECT_TRUE(needs_person(s.t)) << "the rest would do, and somebody else may have it on its way";
    EXPECT_EQ(s.calls(), "");
}

TEST_F(Refunds, OfWhatNobodyWantsAreAskedForTheRest) {
    s.hand_over({{"a", 100}, {"b", 200}});
    ASSERT_FALSE(s.purchase({{"a", "redirect"}, {"b", "redirect"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    ASSERT_FALSE(s.back(1, {{"success", "yes"}}));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.hear(Release{}));
    ASSERT_FALSE(s.answer(1, "look"));  // its refund
    s.now += 2s;
    ASSERT_FALSE(s.hear(Due{}));
    ASSERT_FALSE(s.answer(1, "back so far 50, ours is not in it"));
    EXPECT_TRUE(s.leg(1).stuck.empty());
    ASSERT_EQ(s.leg(1).refunds.size(), 2U);
    EXPECT_EQ(s.leg(1).refunds[1].amount, Story::pounds(50));
    EXPECT_EQ(s.calls(), "1:refund");
}

TEST_F(Refunds, AreInTheStepsOfTheProvider) {
    const auto kwd = [](std::int64_t minor) { return Money{minor, *Currency::parse("KWD", "")}; };
    HandOver body;
    body.id.bytes[15] = 7;
    body.system = "box";
    body.caller = "demo";
    body.bundles = {{"a", "tickets", kwd(100), {{1, kwd(55), true}, {2, kwd(40), true}, {3, kwd(5), true}}}};
    body.held_until = s.now + 15min;
    ASSERT_FALSE(s.hear(body));
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}}));
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.hear(RefundOf{1, kwd(15), "Anna", "rain"})->field, "amount")
        << "the provider would refuse it, and a person would have to look";
    EXPECT_EQ(s.hear(Cancel{{1}})->field, "items");
    EXPECT_FALSE(s.hear(Cancel{{2}}));
}

}  // namespace
}  // namespace kassi::core::test
