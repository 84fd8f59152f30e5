#include "api/ticket_order/sessions.hpp"

#include <gtest/gtest.h>

#include <set>

namespace kassi::api::ticket_order {
namespace {

constexpr Instant start{Millis(1'800'000'000'000)};
constexpr std::chrono::hours hour{1};

TEST(Sessions, ASessionIsKnownByItsTokenUntilItsTimeIsOver) {
    SystemRandomness randomness;
    Sessions sessions(randomness);
    const auto token = sessions.begin("app", hour, start);
    EXPECT_EQ(token.size(), 22U);  // 128 bits
    EXPECT_EQ(sessions.caller_of(token, start), "app");
    EXPECT_EQ(sessions.caller_of(token, start + hour - Millis(1)), "app");
    EXPECT_EQ(sessions.caller_of(token, start + hour), std::nullopt);
    for (const auto* wrong : {"", "x", "AAAAAAAAAAAAAAAAAAAAAA"})
        EXPECT_EQ(sessions.caller_of(wrong, start), std::nullopt) << wrong;
    EXPECT_EQ(sessions.caller_of(token + "A", start), std::nullopt);
    EXPECT_EQ(sessions.caller_of(std::string(100'000, 'A'), start), std::nullopt);
}

TEST(Sessions, EachHasATokenOfItsOwnAndEndsAlone) {
    SystemRandomness randomness;
    Sessions sessions(randomness);
    std::set<std::string> tokens;
    for (int i = 0; i < 100; ++i) tokens.insert(sessions.begin("app", hour, start));
    ASSERT_EQ(tokens.size(), 100U);
    sessions.end(*tokens.begin());
    sessions.end(*tokens.begin());
    sessions.end("nobody's");
    EXPECT_EQ(sessions.size(), 99U);
    for (const auto& token : tokens)
        EXPECT_EQ(sessions.caller_of(token, start).has_value(), token != *tokens.begin());
}

TEST(Sessions, PastTheirNumberTheOldestGoes) {
    SystemRandomness randomness;
    Sessions sessions(randomness, 3, 2);
    const auto a1 = sessions.begin("a", hour, start), b1 = sessions.begin("b", hour, start);
    const auto a2 = sessions.begin("a", hour, start);
    EXPECT_EQ(sessions.size(), 3U);
    // The third of a caller's pushes out his own oldest, not another's.
    const auto c1 = sessions.begin("c", hour, start);
    EXPECT_EQ(sessions.caller_of(a1, start), std::nullopt);
    EXPECT_TRUE(sessions.caller_of(b1, start));
    sessions.end(c1);
    const auto a3 = sessions.begin("a", hour, start), a4 = sessions.begin("a", hour, start);
    EXPECT_EQ(sessions.caller_of(a2, start), std::nullopt);
    EXPECT_TRUE(sessions.caller_of(a3, start));
    EXPECT_TRUE(sessions.caller_of(a4, start));
    EXPECT_LE(sessions.size(), 3U);
}

TEST(Sessions, ThoseThatAreOverMakeRoomFirst) {
    SystemRandomness randomness;
    Sessions sessions(randomness, 2, 2);
    const auto long_one = sessions.begin("a", 10 * hour, start);
    sessions.begin("b", hour, start);
    const auto later = start + 2 * hour;
    sessions.begin("c", hour, later);
    EXPECT_EQ(sessions.caller_of(long_one, later), "a");
    EXPECT_EQ(sessions.size(), 2U);
}

}  // namespace
}  // namespace kassi::api::ticket_order
