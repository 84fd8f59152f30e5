#include "service/load.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "../log_lines.hpp"

namespace kassi::service {
namespace {

constexpr LoadLimits limits{.requests_in_hand_max = 100,
                            .bytes_in_hand_max = 1000,
                            .commits_open_max = 40,
                            .calls_waiting_max = 8,
                            .lag_max = Millis(400)};

using Level = LoadLevel;

TEST(LoadLevels, EachMeasureLeadsUpAtItsHalfItsThreeQuartersAndItsWhole) {
    struct Row {
        const char* name;
        std::size_t max;
        Load (*load)(std::size_t);
    };
    const Row rows[] = {
        {"requests", 100, [](std::size_t n) { return Load{.requests_in_hand = n}; }},
        {"bytes", 1000, [](std::size_t n) { return Load{.bytes_in_hand = n}; }},
        {"commits", 40, [](std::size_t n) { return Load{.commits_open = n}; }},
        {"calls", 8, [](std::size_t n) { return Load{.calls_waiting = n}; }},
        {"lag", 400, [](std::size_t n) { return Load{.lag = Millis(n)}; }},
    };
    for (const auto& row : rows) {
        const auto level = [&](std::size_t n) { return level_after(Level::fine, row.load(n), limits); };
        EXPECT_EQ(level(0), Level::fine) << row.name;
        EXPECT_EQ(level(row.max / 2 - 1), Level::fine) << row.name;
        EXPECT_EQ(level(row.max / 2), Level::busy) << row.name;
        EXPECT_EQ(level(row.max / 4 * 3 - 1), Level::busy) << row.name;
        EXPECT_EQ(level(row.max / 4 * 3), Level::full) << row.name;
        EXPECT_EQ(level(row.max - 1), Level::full) << row.name;
        EXPECT_EQ(level(row.max), Level::shut) << row.name;
        EXPECT_EQ(level(10 * row.max), Level::shut) << row.name;
    }
}

TEST(LoadLevels, DownOnlyBelowThreeQuartersOfWhatLedUp) {
    const auto level = [](Level before, std::size_t requests) {
        return level_after(before, {.requests_in_hand = requests}, limits);
    };
    EXPECT_EQ(level(Level::busy, 38), Level::busy);
    EXPECT_EQ(level(Level::busy, 37), Level::fine);
    EXPECT_EQ(level(Level::full, 57), Level::full);
    EXPECT_EQ(level(Level::full, 56), Level::busy) << "one step at a time";
    EXPECT_EQ(level(Level::shut, 76), Level::shut);
    EXPECT_EQ(level(Level::shut, 75), Level::full);
    EXPECT_EQ(level(Level::shut, 0), Level::fine) << "or all at once";
}

TEST(LoadLevels, TheWorstOfAllCounts) {
    EXPECT_EQ(level_after(Level::fine, {.requests_in_hand = 50, .commits_open = 40}, limits), Level::shut);
    // It went up for one reason, and stays up for another that is near.
    EXPECT_EQ(level_after(Level::busy, {.requests_in_hand = 0, .calls_waiting = 4}, limits), Level::busy);
}

TEST(LoadLevels, AnIdleHouseTakesAllHoweverSmallItsLimits) {
    constexpr LoadLimits small{.requests_in_hand_max = 1,
                               .bytes_in_hand_max = 1,
                               .commits_open_max = 1,
                               .calls_waiting_max = 1,
                               .lag_max = Millis(1)};
    for (const auto before : {Level::fine, Level::busy, Level::full, Level::shut})
        EXPECT_EQ(level_after(before, {}, small), Level::fine);
}

TEST(Precedences, WhatIsNewIsTheFirstToBeRefused) {
    const auto taken = [](Precedence precedence) {
        std::string levels;
        for (const auto level : {Level::fine, Level::busy, Level::full, Level::shut})
            if (takes(level, precedence)) levels += std::string(word(level)) + " ";
        return levels;
    };
    EXPECT_EQ(taken(Precedence::fresh), "fine ");
    EXPECT_EQ(taken(Precedence::going_on), "fine busy ");
    EXPECT_EQ(taken(Precedence::from_provider), "fine busy full ");
}

TEST(Precedences, OfEachDoor) {
    const auto of = [](const char* method, const char* target) {
        switch (precedence_of(method, target)) {
            case Precedence::fresh:
                return "fresh";
            case Precedence::going_on:
                return "going on";
            case Precedence::from_provider:
                return "from provider";
        }
        return "";
    };
    for (const char* target :
         {"/v1/transactions", "/v1/transactions/", "/v1/transactions?x=/webhooks/",
          "/v1/transactions/T1/purchase", "/v1/transactions/T1/apple-pay-session", "/f13/purchase.v1",
          "/f13/purchase.v1/", "/f13/reserve.v1", "/f13/trolley.v1", "/ticketOrder", "/TICKETORDER.jsv",
          "/api/TicketOrder", "/json/reply/TicketOrder", "/jsv/oneway/ticketOrder",
          "/borgunServices/token/single", "/borgunservices/3DEnrollment"})
        EXPECT_STREQ(of("POST", target), "fresh") << target;
    for (const char* target : {"/f13/events.v1", "/ticketOrder?order={}", "/f13/"})
        EXPECT_STREQ(of("GET", target), "fresh") << target;
    for (const char* target :
         {"/v1/transactions/T1/hold", "/v1/transactions/T1/confirm", "/v1/transactions/T1/cancel",
          "/v1/transactions/T1/refunds", "/v1/transactions/T1/legs/1/settle", "/v1/callbacks/purchase",
          "/f13/callback.v1/a/b", "/f13/cancel.v1", "/f13/release.v1", "/callback/t", "/callout/p",
          "/3ds-method", "/borgunServices/3DResVerification", "/borgunServices/Finish3DProcess",
          "/auth/basic", "/", "/shop/pay", "/v2/webhooks/"})
        EXPECT_STREQ(of("POST", target), "going on") << target;
    for (const char* target : {"/v1/transactions", "/v1/transactions/T1", "/f13/status.v1?x=/f13/reserve.v1",
                               "/f13/trans_id_status.v1", "/f13/test.v1", "/callback/t?x=1", "/callout/p",
                               "/ticketOrder/status.jsv?orderId=1", "/metadata", "/sandbox"})
        EXPECT_STREQ(of("GET", target), "going on") << target;
    EXPECT_STREQ(of("POST", "/webhooks/stripe/m"), "from provider");
}

TEST(LatenessTest, IsTheSmallestOfTheLastTurns) {
    Lateness lateness;
    for (std::size_t i = 1; i < Lateness::turns; ++i) {
        lateness.note(Millis(500));
        EXPECT_EQ(lateness.lag(), Millis(0)) << "one long turn is no load";
    }
    lateness.note(Millis(700));
    EXPECT_EQ(lateness.lag(), Millis(500));
    for (std::size_t i = 0; i < Lateness::turns; ++i) lateness.note(Millis(700));
    EXPECT_EQ(lateness.lag(), Millis(700));
    lateness.note(Millis(3));
    EXPECT_EQ(lateness.lag(), Millis(3)) << "the first one in time ends it";
    lateness.note(Millis(-1));
    EXPECT_EQ(lateness.lag(), Millis(0));
}

TEST(GateTest, ALoopThatIsAlwaysLateRefusesAndGoesBackByItself) {
    boost::asio::io_context io{1};
    Load load;
    Gate gate(io, {.requests_in_hand_max = 100, .lag_max = Millis(2)}, [&] { return load; });
    EXPECT_TRUE(gate.takes("POST", "/v1/transactions"));
    // Every turn of the loop takes long; the machine may do what it wants, it is never in time.
    const auto spin = [&](auto&& self, int left) -> void {
        const auto until = std::chrono::steady_clock::now() + Gate::tick + std::chrono::milliseconds(20);
        while (std::chrono::steady_clock::now() < until) {
        }
        if (left > 0) boost::asio::post(io, [&self, left] { self(self, left - 1); });
    };
    boost::asio::post(io, [&] { spin(spin, 3 * static_cast<int>(Lateness::turns)); });
    while (gate.level() != LoadLevel::shut && io.run_one() > 0) {
    }
    EXPECT_GE(gate.load().lag, Millis(2));
    EXPECT_FALSE(gate.takes("POST", "/webhooks/a/b"));
    while (gate.load().lag > Millis(0) && io.run_one() > 0) {
    }
    EXPECT_TRUE(gate.takes("POST", "/v1/transactions"));
}

TEST(GateTest, AChangeIsOneLogLine) {
    const LogLines log;
    boost::asio::io_context io{1};
    Load load;
    Gate gate(io, {.requests_in_hand_max = 100}, [&] { return load; });
    gate.level();
    EXPECT_EQ(log.text(), "");
    load.requests_in_hand = 76;
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(gate.takes("GET", "/v1/transactions"));
    EXPECT_EQ(log.last("load").at("level"), "full");
    EXPECT_EQ(log.last("load").at("before"), "fine");
    EXPECT_EQ(log.last("load").at("requests"), "76");
    const auto text = log.text();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(DescriptorsTest, EverybodyTogetherFitsTheProcess) {
    for (std::size_t limit :
         {descriptors_min, std::size_t(1024), std::size_t(4096), std::size_t(5185), std::size_t(1'048'576)}) {
        for (const std::size_t beside : {std::size_t(0), limit / 4}) {
            if (limit - beside < descriptors_min) continue;
            const auto share = share_descriptors(limit, beside);
            const auto all = share.connections_max + http::refusals_at_once_max + http::leaving_at_once_max +
                             share.calls_open_max + share.calls_open_max / 2 + own_descriptors +
                             operators_connections_max + beside;
            EXPECT_LE(all, limit) << limit << " " << beside;
            EXPECT_GE(share.connections_max, 32u);
            EXPECT_GE(share.calls_open_max, 32u);
        }
    }
    EXPECT_EQ(share_descriptors(1'048'576, 0).connections_max, 4096u);
    EXPECT_EQ(share_descriptors(1'048'576, 0).calls_open_max, 512u);
    EXPECT_EQ(share_descriptors(0, 0).connections_max, 32u) << "too few is not none";
    const auto wanted = share_descriptors(1'048'576, 0, {.connections_max = 20'000, .calls_open_max = 1'000});
    EXPECT_EQ(wanted.connections_max, 20'000U);
    EXPECT_EQ(wanted.calls_open_max, 1'000U);
    const auto little = share_descriptors(1'048'576, 0, {.connections_max = 32, .calls_open_max = 32});
    EXPECT_EQ(little.connections_max, 32U);
    EXPECT_EQ(little.calls_open_max, 32U);
    EXPECT_LT(
        share_descriptors(4096, 0, {.connections_max = 20'000, .calls_open_max = 1'000}).connections_max,
        4096U)
        << "more than there are is not given";
    EXPECT_LT(share_descriptors(2048, 0).connections_max, share_descriptors(2049, 0).connections_max);
}

TEST(DescriptorsTest, TheLimitIsRaisedAsFarAsItGoes) {
    const auto raised = raise_descriptor_limit();
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(raised, limit.rlim_max);
    EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace kassi::service
