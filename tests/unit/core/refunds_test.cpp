#include "tests/unit/core/story.hpp"

/// Money that goes back, by us or by somebody at the provider's, and what a look finds of it.
namespace kassi::core::test {
namespace {

class Refunds : public testing::Test {
  protected:
    Story s;

};

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
