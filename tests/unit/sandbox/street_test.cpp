#include "sandbox/street.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "http/server.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/clock_door.hpp"
#include "sandbox/sandbox.hpp"

namespace kassi::sandbox {
namespace {

using namespace std::chrono_literals;

class OwnClock final : public Clock {
  public:
    [[nodiscard]] Instant now() const override { return at; }
    Instant at{};
};

TEST(ClockTimers, GoOffWhenTheClockIsMoved) {
    OwnClock clock;
    ClockTimers timers(clock);
    std::string order;
    timers.after(10s, [&] { order += "b"; });
    timers.after(5s, [&] { order += "a"; });
    timers.after(10s, [&] { order += "c"; });
    clock.at += 4999ms;
    timers.tick();
    EXPECT_EQ(order, "");
    clock.at += 1ms;
    timers.tick();
    EXPECT_EQ(order, "a");
    clock.at += 1h;
    timers.tick();
    EXPECT_EQ(order, "abc");
    EXPECT_TRUE(timers.empty());
}

TEST(ClockTimers, ACallbackMayWaitAgain) {
    OwnClock clock;
    ClockTimers timers(clock);
    int count = 0;
    std::function<void()> again = [&] {
        if (++count < 3) timers.after(1s, again);
    };
    timers.after(1s, again);
    timers.tick();
    EXPECT_EQ(count, 0);
    for (int i = 0; i < 3; ++i) {
        clock.at += 1s;
        timers.tick();
        EXPECT_EQ(count, i + 1);
    }
}

TEST(HangingUp, AnAnswerGoesThrough) {
    std::vector<int> statuses;
    hanging_up([](const HttpRequest&, const Reply& reply) { reply(json_response(201, "{}")); })(
        {}, [&](const HttpResponse& response) { statuses.push_back(response.status); });
    EXPECT_EQ(statuses, std::vector<int>{201});
}

TEST(HangingUp, AReplyThatIsDroppedHangsUp) {
    std::vector<int> statuses;
    const Reply listen = [&](const HttpResponse& response) { statuses.push_back(response.status); };
    hanging_up([](const HttpRequest&, const Reply&) {})({}, listen);
    EXPECT_EQ(statuses, std::vector<int>{http::hang_up});

    // Kept for later, and dropped then.
    statuses.clear();
    std::optional<Reply> kept;
    hanging_up([&](const HttpRequest&, const Reply& reply) { kept = reply; })({}, listen);
    EXPECT_TRUE(statuses.empty());
    kept.reset();
    EXPECT_EQ(statuses, std::vector<int>{http::hang_up});
}

TEST(Street, OpensOnAnyPortAndTellsItsLedger) {
    const auto clock = std::make_shared<SystemClock>();
    Street first(0, clock);
    const auto port = parse_url(first.origin(), "origin")->port;
    // The wanted port is taken: any other will do.
    Street second(port, clock);
    EXPECT_NE(second.origin(), first.origin());
    second.open(demo_houses(Secret<>(std::string(32, 'k')), second.origin()));
    std::promise<std::size_t> told;
    second.entries({"nobody-1"}, [&](const auto& entries) { told.set_value(entries.size()); });
    EXPECT_EQ(told.get_future().get(), 0U);
}

TEST(ClockDoor, ReadsWholeSecondsOnly) {
    const auto wrong = [](std::string_view body) {
        const auto read = read_advance(body);
        return read ? "read" : read.error().field;
    };
    EXPECT_EQ(*read_advance(R"({"advance_seconds": 1})"), 1);
    EXPECT_EQ(*read_advance(R"({"advance_seconds": 1000000000})"), clock_step_seconds_max);
    EXPECT_EQ(wrong(R"({"advance_seconds": 1000000001})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 0})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": -5})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 1.5})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 1.0})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 99999999999999999999})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": "60"})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": true})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": null})"), "advance_seconds");
    EXPECT_EQ(wrong("{}"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 1, "minutes": 2})"), "minutes");
    EXPECT_EQ(wrong("[]"), "body");
    EXPECT_EQ(wrong("60"), "body");
    EXPECT_EQ(wrong("{"), "body");
    EXPECT_EQ(wrong(""), "body");
}

}  // namespace
}  // namespace kassi::sandbox
