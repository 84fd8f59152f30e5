#include "engine/lanes.hpp"

#include <gtest/gtest.h>

#include "engine_world.hpp"
#include "tests/unit/engine/full_disk.hpp"

namespace kassi::engine {
namespace {

struct LanesTest : testing::Test {
    TestClock clock;
    std::vector<std::function<void()>> later;
    Lanes lanes{clock,
                [this](Millis, std::function<void()> callback) { later.push_back(std::move(callback)); },
                {.at_once_max = 2, .waiting_max = 2}};
    std::string happened;

    void enter(const std::string& name, const std::string& lane = "house", Millis within = 4s) {
        lanes.enter(
            lane, clock.at + within, [this, name] { happened += name + " "; },
            [this, name](const std::string& why) { happened += "[" + name + ": " + why + "] "; });
    }
    void run_later() {
        for (auto& callback : std::exchange(later, {})) callback();
    }
    std::string take() { return std::exchange(happened, {}); }
};

TEST_F(LanesTest, SoManyAtOnceAndTheRestInOrder) {
    for (const char* name : {"a", "b", "c", "d"}) enter(name);
    EXPECT_EQ(take(), "a b ");
    EXPECT_EQ(lanes.open(), 2u);
    EXPECT_EQ(lanes.waiting(), 2u);
    enter("x", "another-house");
    EXPECT_EQ(take(), "x ") << "each lane by itself";
    lanes.leave("house");
    EXPECT_EQ(take(), "c ");
    lanes.leave("house");
    EXPECT_EQ(take(), "d ");
    lanes.leave("house");
    lanes.leave("house");
    lanes.leave("another-house");
    EXPECT_EQ(take(), "");
    EXPECT_EQ(lanes.open() + lanes.waiting(), 0u);
}

TEST_F(LanesTest, OneMoreThanMayWaitIsToldSo) {
    for (const char* name : {"a", "b", "c", "d", "e"}) enter(name);
    EXPECT_EQ(take(), "a b ") << "not from inside";
    run_later();
    EXPECT_EQ(take(), "[e: too many are waiting for their turn] ");
    EXPECT_EQ(lanes.waiting(), 2u);
}

TEST_F(LanesTest, WhoWaitsTooLongDoesNotBegin) {
    for (const char* name : {"a", "b", "c"}) enter(name);
    take();
    clock.at += 4s;
    run_later();
    EXPECT_EQ(take(), "") << "the last moment is still in time";
    clock.at += 1ms;
    run_later();  // finds it
    run_later();  // tells it
    EXPECT_EQ(take(), "[c: its turn did not come in time] ");
    EXPECT_EQ(lanes.waiting(), 0u);
    EXPECT_EQ(later.size(), 0u) << "nobody waits, nobody looks";
}

TEST_F(LanesTest, APlaceThatComesTooLateIsTheNextOnes) {
    enter("a");
    enter("b");
    enter("c", "house", 1s);
    enter("d", "house", 9s);
    take();
    clock.at += 2s;
    lanes.leave("house");
    EXPECT_EQ(take(), "d ") << "c is not begun, whatever the timers say";
    run_later();
    EXPECT_EQ(take(), "[c: its turn did not come in time] ");
}

TEST_F(LanesTest, TooLateFromTheBeginning) {
    enter("a", "house", -1ms);
    EXPECT_EQ(lanes.open(), 0u);
    run_later();
    EXPECT_EQ(take(), "[a: its turn came too late] ");
}

TEST_F(LanesTest, NobodyBeginsAfterTheEnd) {
    for (const char* name : {"a", "b", "c"}) enter(name);
    take();
    lanes.close();
    enter("d");
    lanes.leave("house");
    run_later();
    EXPECT_EQ(take(), "[c: the service stops] [d: the service stops] ");
}

// ---- the engine over them -------------------------------------------------------------------------------

struct LanesOfTheEngine : EngineTest {
    LanesOfTheEngine() {
        settings.merchant_calls_at_once_max = 2;
        settings.merchant_calls_waiting_max = 2;
        restart();
    }
    std::vector<TransactionId> begin(int count) {
        std::vector<TransactionId> ids;
        for (int i = 0; i < count; ++i) {
            ids.push_back(hand_over(trolley())->transaction.id);
            EXPECT_TRUE(purchase(ids.back(), by_redirect("T" + std::to_string(begun++))));
        }
        return ids;
    }
    const core::Leg leg(const TransactionId& id) { return engine->view(id, "", "")->transaction.legs.at(0); }
    void run_later() {
        for (auto& callback : std::exchange(outside.later, {})) callback();
    }
    int begun = 0;
};

TEST_F(LanesOfTheEngine, TheThirdCallGoesOutWhenTheFirstIsAnswered) {
    const auto ids = begin(3);
    EXPECT_EQ(outside.calls.size(), 2u);
    EXPECT_EQ(engine->metrics().calls_open, 2);
    EXPECT_EQ(engine->metrics().calls, 2) << "one was not sent yet";
    EXPECT_EQ(engine->metrics().calls_waiting, 1);
    answer(201, session(ids[0], "open"));
    EXPECT_EQ(outside.calls.size(), 2u);
    EXPECT_EQ(engine->metrics().calls_waiting, 0);
    answer(201, session(ids[1], "open"));
    answer(201, session(ids[2], "open"));
    for (const auto& id : ids) EXPECT_EQ(leg(id).doing, core::Doing::away);
}

TEST_F(LanesOfTheEngine, WhatWaitedTooLongIsKnownNotDoneBeforeTheJournalGivesItUp) {
    const auto ids = begin(3);
    const auto silent_at = leg(ids[2]).call->silent_at;
    const auto budget = registry->facts_of("house")->budget(core::Verb::open);
    clock.at = silent_at - budget - call_margin + 1ms;
    ASSERT_LT(clock.at, silent_at);
    outside.calls.pop_front();  // its answer is still on its way
    run_later();
    run_later();
    pump_to([&] { return leg(ids[2]).doing != core::Doing::call; });
    EXPECT_EQ(leg(ids[2]).doing, core::Doing::rest) << "not in doubt: nothing was sent";
    EXPECT_TRUE(leg(ids[2]).retry_at.has_value());
    EXPECT_EQ(engine->metrics().doubts, 0);
    EXPECT_EQ(leg(ids[1]).doing, core::Doing::call) << "what was sent is waited for";
}

TEST_F(LanesOfTheEngine, OneMoreThanMayWaitIsKnownNotDone) {
    const auto ids = begin(5);
    EXPECT_EQ(engine->metrics().calls_waiting, 2);
    run_later();
    pump_to([&] { return leg(ids[4]).doing != core::Doing::call; });
    EXPECT_EQ(leg(ids[4]).doing, core::Doing::rest);
    EXPECT_EQ(leg(ids[3]).doing, core::Doing::call);
    EXPECT_EQ(outside.calls.size(), 2u);
}

TEST_F(LanesOfTheEngine, WhoWaitsAtTheEndIsRecordedAsNotSent) {
    const auto ids = begin(3);
    engine->stop(10s, [] {});
    run_later();
    pump_to([&] { return leg(ids[2]).doing != core::Doing::call; });
    EXPECT_EQ(leg(ids[2]).doing, core::Doing::rest);
}

TEST_F(EngineTest, SoManyReturnUrlsAreVisitedAtOnce) {
    const auto count = visits_at_once_max + 1;
    for (std::size_t i = 0; i < count; ++i) {
        const auto id = hand_over(trolley())->transaction.id;
        ASSERT_TRUE(purchase(id, by_redirect("T" + std::to_string(i))));
        answer(201, session(id, "open"));
    }
    clock.at += 10min + 1s;  // nobody came back
    engine->clock_moved();
    pump([&] {
        return outside.visits.size() + static_cast<std::size_t>(engine->metrics().visits_waiting) == count;
    });
    EXPECT_EQ(outside.visits.size(), visits_at_once_max);
    EXPECT_EQ(engine->metrics().visits_waiting, 1);
    const auto visited = std::move(outside.visited);  // the next one takes its place
    visited("answered 200");
    EXPECT_EQ(outside.visits.size(), count);
    EXPECT_EQ(engine->metrics().visits_waiting, 0);
}

TEST_F(EngineTest, AfterACrashWhatIsOpenIsTakenUpInGroups) {
    constexpr std::size_t group = 200;
    for (std::size_t i = 0; i < group + 1; ++i)
        ASSERT_TRUE(purchase(hand_over(trolley())->transaction.id, by_redirect("T" + std::to_string(i))));
    restart();
    EXPECT_EQ(engine->metrics().commits_open, static_cast<std::int64_t>(group));
    pump([&] { return engine->metrics().commits == static_cast<std::int64_t>(group + 1); });
    EXPECT_EQ(engine->metrics().doubts, static_cast<std::int64_t>(group + 1));
}

// ---- waiters, and a store without room ------------------------------------------------------------------

TEST_F(EngineTest, AsManyDoorsWaitAsMayAndOneMoreIsAnsweredAsItStands) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    std::size_t answered = 0;
    const auto wait = [&] {
        engine->wait(id, Until::answer, 20s, [&](const Result<View>& view) {
            ASSERT_TRUE(view);
            ++answered;
        });
    };
    for (std::size_t i = 0; i < waiters_max; ++i) wait();
    EXPECT_EQ(answered, 0u);
    EXPECT_EQ(engine->metrics().waiters, static_cast<std::int64_t>(waiters_max));
    wait();
    EXPECT_EQ(answered, 1u);
    answer(201, session(id, "open"));
    EXPECT_EQ(answered, waiters_max + 1);
    EXPECT_EQ(engine->metrics().waiters, 0);
    // Their timers are over with them.
    for (auto& callback : std::exchange(outside.later, {})) callback();
    EXPECT_EQ(answered, waiters_max + 1);
}

struct FullStore : EngineTest {
    FullDisk full{*store};
    FullStore() {
        engine = std::make_unique<Engine>(Engine::Parts{full, *registry, directory, settings, clock,
                                                        randomness, outside, std::string(32, 'd')});
    }
    /// A purchase whose call is open; what the house says of it.
    std::pair<TransactionId, std::function<void(core::Heard)>> begun() {
        const auto id = hand_over(trolley())->transaction.id;
        EXPECT_TRUE(purchase(id, by_redirect("T1")));
        auto done = std::move(outside.calls.front().done);
        outside.calls.pop_front();
        return {id, std::move(done)};
    }
    core::Heard opened(const TransactionId& id) const {
        HttpResponse response;
        response.status = 201;
        response.body = session(id, "open");
        return core::Answered{std::move(response)};
    }
    core::Doing doing(const TransactionId& id) { return store->load(id)->transaction.legs.at(0).doing; }
};

TEST_F(FullStore, ASweepSeesWhatIsDueBehindThatWhichTheClockHasBegun) {
    constexpr std::int64_t many = 450;  // more than two batches
    for (std::int64_t i = 0; i < many; ++i) ASSERT_TRUE(hand_over(trolley()));
    clock.at += 16min;
    full.slow = true;
    ASSERT_TRUE(outside.awake);
    outside.awake();  // the first batch is on its way to the disk
    std::optional<Engine::SweepReport> report;
    engine->sweep(1h, {}, [&](Engine::SweepReport done) { report = std::move(done); });
    EXPECT_FALSE(report) << "it is not at its end while something is on its way";
    full.let_go();
    while (!report) {
        pump([&] {
            return report.has_value() || (!outside.later.empty() && engine->metrics().commits_open == 0);
        });
        for (auto& callback : std::exchange(outside.later, {})) callback();
    }
    EXPECT_EQ(report->released, many) << "whoever released them, it was meanwhile";
    EXPECT_EQ(report->still_open, 0);
}

TEST_F(FullStore, AProvidersAnswerIsKeptUntilItCanBeRecorded) {
    auto [id, done] = begun();
    full.refuse = answer_tries_max - 1;
    done(opened(id));
    for (int i = 1; i < answer_tries_max; ++i) {
        EXPECT_EQ(doing(id), core::Doing::call);
        ASSERT_EQ(outside.later.size(), 1u) << "it is tried again, " << i;
        std::exchange(outside.later, {}).front()();
    }
    pump_to([&, which = id] { return doing(which) == core::Doing::away; });
    EXPECT_EQ(engine->metrics().doubts, 0);
    EXPECT_EQ(engine->metrics().commits_open, 0);
}

TEST_F(FullStore, AndIsAskedForAfterThat) {
    auto [id, done] = begun();
    full.refuse = answer_tries_max;
    done(opened(id));
    while (!outside.later.empty()) std::exchange(outside.later, {}).front()();
    EXPECT_EQ(full.refuse, 0);
    EXPECT_EQ(doing(id), core::Doing::call);
    // Nobody works on the call any more, and the clock looks after it.
    ASSERT_TRUE(outside.wake.has_value());
    EXPECT_LE(*outside.wake, clock.at);
    EXPECT_EQ(engine->metrics().calls_open, 0);
}

TEST_F(FullStore, UnitsThatTheStoreHasAreCounted) {
    EXPECT_EQ(engine->metrics().commits_open, 0);
    int heard = 0;
    for (int i = 0; i < 3; ++i) engine->hand_over(trolley(), meta(), [&](const Result<View>&) { ++heard; });
    EXPECT_EQ(engine->metrics().commits_open, 3);
    pump([&] { return heard == 3; });
    EXPECT_EQ(engine->metrics().commits_open, 0);
}

}  // namespace
}  // namespace kassi::engine
