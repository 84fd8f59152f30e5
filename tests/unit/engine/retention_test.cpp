#include "engine/retention.hpp"

#include <gmock/gmock.h>

#include "engine_world.hpp"

/// Who paid is forgotten when the time for it has come, and nobody else.
namespace kassi::engine {
namespace {

struct RetentionTest : EngineTest {
    void keep_for(int days) {
        settings.retention = std::chrono::days(days);
        restart();
    }
    TransactionId bought(std::int64_t minor = 1) {
        auto request = trolley(minor);
        request.customer_json = R"({"name":"Ann"})";
        const auto id = hand_over(std::move(request))->transaction.id;
        EXPECT_TRUE(purchase(id, {}));
        return id;
    }
    bool kept(const TransactionId& id) { return store->customer(id).has_value(); }
    /// What was put off, until something was put off again: a round is over.
    void round() {
        for (auto& callback : std::exchange(outside.later, {})) callback();
        pump([&] { return !outside.later.empty(); });
    }
    Engine::SweepReport swept() {
        outside.later.clear();  // the clock's own looks
        std::optional<Engine::SweepReport> report;
        engine->sweep(60s, {}, [&](Engine::SweepReport done) { report = std::move(done); });
        while (!report) {
            pump([&] { return report.has_value() || !outside.later.empty(); });
            for (auto& callback : std::exchange(outside.later, {})) callback();
        }
        return *report;
    }
};

TEST_F(RetentionTest, TheOldAreForgottenByTheClock) {
    keep_for(2);
    const auto old = bought();
    const auto open = [&] {
        auto request = trolley();
        request.customer_json = "{}";
        request.held_until = clock.at + 240h;
        return hand_over(std::move(request))->transaction.id;
    }();
    clock.at += 48h;
    const auto young = bought();
    round();
    EXPECT_TRUE(kept(old)) << "two days old, and not older";
    clock.at += 1ms;
    round();
    EXPECT_FALSE(kept(old));
    EXPECT_TRUE(kept(young));
    EXPECT_TRUE(kept(open)) << "not settled";
    EXPECT_EQ(engine->metrics().forgotten, 1);
    const auto rows = store->journal(old);
    EXPECT_THAT(rows.back().json, testing::HasSubstr(R"("by":"kassi","because":"retention")"));
    EXPECT_EQ(outside.delays.back(), retention_pause);
    const auto commits = engine->metrics().commits;
    round();
    EXPECT_EQ(engine->metrics().commits, commits) << "once";
}

TEST_F(RetentionTest, ABoundedNumberAtATime) {
    keep_for(1);
    std::vector<TransactionId> ids;
    for (std::size_t i = 0; i < forgotten_at_once_max; ++i) ids.push_back(bought());
    clock.at += 25h;
    round();
    EXPECT_EQ(engine->metrics().forgotten, static_cast<std::int64_t>(forgotten_at_once_max));
    EXPECT_EQ(outside.delays.back(), retention_goes_on) << "a full round may not have been the last";
    round();
    EXPECT_EQ(outside.delays.back(), retention_pause);
    ids.clear();
    for (std::size_t i = 0; i < forgotten_at_once_max + 1; ++i) ids.push_back(bought());
    clock.at += 25h;
    round();
    EXPECT_FALSE(kept(ids[forgotten_at_once_max - 1]));
    EXPECT_TRUE(kept(ids.back())) << "the youngest waits for the next round";
    round();
    EXPECT_FALSE(kept(ids.back()));
}

TEST_F(RetentionTest, ASweepForgetsThemAll) {
    keep_for(1);
    for (std::size_t i = 0; i < forgotten_at_once_max + 1; ++i) bought();
    clock.at += 25h;
    EXPECT_EQ(swept().forgotten, static_cast<std::int64_t>(forgotten_at_once_max + 1));
    EXPECT_EQ(swept().forgotten, 0);
}

TEST_F(RetentionTest, WithoutOneEverythingIsKept) {
    const auto old = bought();
    clock.at += 24h * 365 * 20;
    EXPECT_EQ(swept().forgotten, 0);
    EXPECT_TRUE(kept(old));
    EXPECT_TRUE(outside.later.empty()) << "and nothing is looked for";
}

TEST_F(RetentionTest, NobodyIsForgottenByAClockThatNobodyTrusts) {
    keep_for(1);
    const auto old = bought();
    clock.at += 25h;
    outside.trusted = false;
    round();
    EXPECT_TRUE(kept(old));
    outside.trusted = true;
    round();
    EXPECT_FALSE(kept(old));
}

TEST_F(RetentionTest, AStopEndsIt) {
    keep_for(1);
    const auto old = bought();
    clock.at += 25h;
    bool stopped = false;
    engine->stop(1s, [&] { stopped = true; });
    EXPECT_TRUE(stopped);
    for (auto& callback : std::exchange(outside.later, {})) callback();
    EXPECT_TRUE(outside.later.empty());
    EXPECT_TRUE(kept(old));
}

}  // namespace
}  // namespace kassi::engine
