#include "engine/doubts.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "engine_world.hpp"

/// What is unknown, since when, and the line that tells people of it.
namespace kassi::engine {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

core::Leg unknown_leg(std::int64_t no, Instant since, std::int64_t rechecks = 0) {
    core::Leg leg;
    leg.no = no;
    leg.merchant = "card";
    leg.doing = core::Doing::doubt;
    leg.verb = core::Verb::capture;
    leg.doubt_since = since;
    leg.rechecks = rechecks;
    return leg;
}

TEST(Unknown, SinceTheOldestDoubt) {
    const Instant now = Instant{} + 1000h;
    core::Transaction transaction;
    EXPECT_FALSE(unknown_since(transaction));
    transaction.legs.emplace_back();
    EXPECT_FALSE(unknown_since(transaction));
    transaction.legs.push_back(unknown_leg(2, now));
    transaction.legs.push_back(unknown_leg(3, now - 1h));
    EXPECT_EQ(unknown_since(transaction), now - 1h);
    transaction.legs[2].doing = core::Doing::call;
    EXPECT_EQ(unknown_since(transaction), now - 1h) << "while it is asked about, too";
}

struct DoubtsTest : EngineTest {
    int tokens = 0;
    std::string file = (folder / "log").string();
    void listen() { log::start(log::Level::warning, file); }
    ~DoubtsTest() override { log::start(log::Level::error); }

    std::vector<std::string> lines(const std::string& event) const {
        std::vector<std::string> found;
        std::ifstream log(file);
        for (std::string line; std::getline(log, line);)
            if (line.find("\"event\":\"" + event + "\"") != std::string::npos) found.push_back(line);
        return found;
    }
    /// What is asked now is not answered.
    void silence() {
        ASSERT_FALSE(outside.calls.empty());
        auto call = std::move(outside.calls.front());
        outside.calls.pop_front();
        const auto commits = engine->metrics().commits;
        call.done(core::Silence{true, "no answer"});
        pump([&] { return engine->metrics().commits > commits; });
    }
    /// The clock goes on until something is asked again.
    void look_again() {
        while (outside.calls.empty()) {
            ASSERT_TRUE(outside.awake);
            clock.at = std::max(clock.at, outside.wake.value_or(clock.at)) + 1s;
            outside.wake.reset();
            outside.awake();
            pump([&] { return outside.wake.has_value() || !outside.calls.empty(); });
        }
    }
    TransactionId paid_by_card() {
        const auto id = hand_over(trolley())->transaction.id;
        PurchaseRequest request;
        request.ways["a"] = "card";
        request.credentials["a"] = {"stripe_token", "tok_" + std::to_string(++tokens)};
        EXPECT_TRUE(purchase(id, request));
        return id;
    }
};

TEST_F(DoubtsTest, OneLineWhenAPersonIsNeededAndNumbersUntilItIsKnown) {
    listen();
    const auto id = paid_by_card();
    EXPECT_FALSE(engine->metrics().unknown_since);
    silence();
    const Instant since = clock.at;
    EXPECT_EQ(engine->metrics().unknown_since, since);
    EXPECT_EQ(engine->metrics().unknown_for_long, 0);
    int looks = 0;
    for (; engine->metrics().unknown_for_long == 0; ++looks) {
        ASSERT_LT(looks, 100);
        EXPECT_THAT(lines("unknown_for_long"), SizeIs(0)) << looks;
        look_again();
        EXPECT_EQ(engine->metrics().unknown_since, since) << "while it is asked about, too";
        silence();
    }
    EXPECT_GT(looks, 3);
    ASSERT_TRUE(core::needs_person(engine->view(id, "", "")->transaction));
    ASSERT_THAT(lines("unknown_for_long"), SizeIs(1));
    const auto line = lines("unknown_for_long")[0];
    EXPECT_THAT(line, HasSubstr("\"level\":\"warning\""));
    EXPECT_THAT(line, HasSubstr("\"transaction\":\"" + id.text() + "\""));
    EXPECT_THAT(line, HasSubstr("\"leg\":\"1\""));
    EXPECT_THAT(line, HasSubstr("\"merchant\":\"card\""));
    EXPECT_THAT(line, HasSubstr("\"verb\":\"query\""));
    EXPECT_THAT(line, HasSubstr("\"since\":\"" + iso8601(since) + "\""));

    look_again();
    EXPECT_EQ(engine->metrics().unknown_for_long, 1) << "while it is asked about, too";
    silence();
    EXPECT_THAT(lines("unknown_for_long"), SizeIs(1)) << "once, however long it takes";
    restart();
    EXPECT_EQ(engine->metrics().unknown_for_long, 1) << "a start knows it";
    EXPECT_EQ(engine->metrics().unknown_since, since);

    ASSERT_TRUE(ask([&](Done<View> done) {
        engine->submit(id, core::Settle{1, core::LegMoney::none, "Anna", "asked the provider"}, meta(),
                       std::move(done));
    }));
    EXPECT_EQ(engine->metrics().unknown_for_long, 0);
    EXPECT_FALSE(engine->metrics().unknown_since);
    EXPECT_THAT(lines("unknown_for_long"), SizeIs(1));
}

TEST_F(DoubtsTest, TheOldestOfSeveral) {
    const auto first = paid_by_card();
    silence();
    const Instant since = clock.at;
    clock.at += 1s;
    paid_by_card();
    silence();
    EXPECT_EQ(engine->metrics().unknown_since, since);
    ASSERT_TRUE(ask([&](Done<View> done) {
        engine->submit(first, core::Settle{1, core::LegMoney::none, "Anna", "asked"}, meta(),
                       std::move(done));
    }));
    EXPECT_EQ(engine->metrics().unknown_since, since + 1s);
}

}  // namespace
}  // namespace kassi::engine
