#include "world.hpp"

/// Times: of the signature, and of the certificates.
namespace kassi::tests {
namespace {

using device::Version;
using pay::Check;
using namespace std::chrono_literals;

std::string title_of(Check check) {
    return std::string(pay::title(check));
}

TEST(Age, FiveMinutesAndNotAMillisecondMore) {
    for (const auto version : {Version::ec_v1, Version::rsa_v1}) {
        const auto token = world().token(order(version));
        EXPECT_EQ(failed_step(token, noon()), "");
        EXPECT_EQ(failed_step(token, noon() + pay::freshness), "");
        EXPECT_EQ(failed_step(token, noon() + pay::freshness + 1ms), title_of(Check::age));
        EXPECT_EQ(failed_step(token, noon() + 301s), title_of(Check::age));
    }
}

TEST(Age, AMinuteAheadAndNotAMillisecondMore) {
    const auto token = world().token(order());
    EXPECT_EQ(failed_step(token, noon() - pay::future_skew), "");
    EXPECT_EQ(failed_step(token, noon() - pay::future_skew - 1ms), title_of(Check::age));
    EXPECT_EQ(failed_step(token, noon() - 1h), title_of(Check::age));
}

TEST(Age, TheLimitsAreThoseOfTheDocumentation) {
    EXPECT_EQ(pay::freshness, 5min);
    EXPECT_EQ(pay::future_skew, 1min);
}

TEST(Age, IsToldInUtcWhateverTheSeason) {
    for (const auto at : {noon(), noon() + 200 * 24h}) {
        auto wanted = order();
        wanted.signed_at = at;
        const auto opened = verifier().verify(world().token(wanted), at);
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->signed_at, at);
    }
}

/// The signers' certificates are good from a day before the world was made, for five years and that day.
TEST(Chain, FromTheFirstSecondToTheLast) {
    const auto first = noon() - 24h;
    const auto last = noon() + 5 * 365 * 24h;
    const auto step_at = [](Instant at) {
        auto wanted = order();
        wanted.signed_at = at;
        return failed_step(world().token(wanted), at);
    };
    EXPECT_EQ(step_at(first), "");
    EXPECT_EQ(step_at(first - 1s), title_of(Check::chain));
    EXPECT_EQ(step_at(last - 1s), "");
    EXPECT_EQ(step_at(last), title_of(Check::chain));  // as OpenSSL reads notAfter
}

/// An old token is refused by the chain or by its age, never accepted since it once was good.
TEST(Chain, IsLookedAtNowAndNotWhenItWasSigned) {
    const auto token = world().token(order());
    EXPECT_EQ(failed_step(token, noon() + 6 * 365 * 24h), title_of(Check::chain));
}

TEST(Open, NeedsNoTimeAndNoSignature) {
    auto wanted = order();
    wanted.signed_at = noon() - 1000 * 24h;
    const auto opened = verifier().open(world().token(wanted));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->amount.minor, 2500);
    wanted.flaw = device::Flaw::tag_flipped;
    EXPECT_FALSE(verifier().open(world().token(wanted)));
    wanted.flaw = device::Flaw::wrong_key_hash;
    EXPECT_FALSE(verifier().open(world().token(wanted)));
}

}  // namespace
}  // namespace kassi::tests
