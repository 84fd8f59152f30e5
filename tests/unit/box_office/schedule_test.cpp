#include "sandbox/box_office/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace kassi::sandbox::box_office {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

Instant at(const char* text) {
    return *parse_iso8601(text, "at");
}
const Event& event(const char* id) {
    return *demo_catalogue().event(id);
}
std::string when(const char* perf_id, Instant now) {
    const auto found = find_performance(demo_catalogue(), perf_id, now);
    if (found.event == nullptr) return "none";
    return found.performance.day ? iso8601(found.performance.at) : "undated";
}

const auto now = at("2026-11-27T21:30:00Z");  // a Friday

TEST(Schedule, FixedIdsMoveWithTheClock) {
    EXPECT_EQ(when("7AB-4", now), "2027-01-01T15:30:00Z");
    EXPECT_EQ(when("7AB-4", at("2026-12-31T23:59:59Z")), "2027-01-01T15:30:00Z");
    EXPECT_EQ(when("7AB-4", at("2027-01-01T00:00:00Z")), "2028-01-01T15:30:00Z") << "always ahead";
    EXPECT_EQ(when("7AA-4", now), "2027-01-26T19:30:00Z");
    EXPECT_EQ(when("7AA-4", now + days(1)), "2027-01-27T19:30:00Z");
    EXPECT_EQ(when("6KF-F", now), "undated");
    EXPECT_EQ(when("6KS-E3L", now), "undated");
    for (const auto* unknown : {"", "-", "7AB", "7AB-", "7AB-5", "9ZZ-1", "6IF-", "5LM-1"})
        EXPECT_EQ(when(unknown, now), "none") << unknown;
}

TEST(Schedule, DailyPerformancesBeginTomorrowAndKeepTheirIds) {
    const auto all = performances(event("6IF"), now);
    ASSERT_EQ(all.size(), 121U) << "60 days of two, and 6IF-B0G";
    EXPECT_EQ(iso8601(all[0].at), "2026-11-28T14:30:00Z");
    EXPECT_EQ(iso8601(all[1].at), "2026-11-28T19:30:00Z");
    std::set<std::string> ids;
    for (const auto& each : all) {
        ids.insert(each.id);
        EXPECT_EQ(when(each.id.c_str(), now), iso8601(each.at)) << each.id;
        EXPECT_GT(each.at, now);
    }
    EXPECT_EQ(ids.size(), all.size());
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.at < b.at; }));
    EXPECT_EQ(performances(event("6IF"), now + days(1))[0].id, all[2].id);
    // Today's can be had until it begins, and not a moment longer.
    const auto id = all[0].id;
    EXPECT_EQ(when(id.c_str(), at("2026-11-28T14:29:59Z")), "2026-11-28T14:30:00Z");
    EXPECT_EQ(when(id.c_str(), at("2026-11-28T14:30:00Z")), "none");
    EXPECT_EQ(when(all[119].id.c_str(), now - days(1)), "none") << "not on sale yet";
}

TEST(Schedule, IdsAreSpelledInOneWay) {
    const auto id = performances(event("DP9"), now)[0].id;
    ASSERT_NE(when(id.c_str(), now), "none");
    EXPECT_EQ(when(("DP9-0" + id.substr(4)).c_str(), now), "none");
    for (const auto* bad : {"DP9-ZZZ", "DP9-ZZZZZZ", "DP9-ZZZZZZZZZZZZZZZZ", "DP9-abcd", "DP9-1 23"})
        EXPECT_EQ(when(bad, now), "none") << bad;
}

TEST(Schedule, DaysAreLocal) {
    // It is the 28th already in Tokyo, and still the 27th in Las Vegas.
    const auto tokyo = performances(event("AG8"), now), vegas = performances(event("DP9"), now);
    EXPECT_EQ(compact(local_today(event("AG8"), now)), "20261128");
    EXPECT_EQ(compact(*tokyo[0].day), "20261129");
    EXPECT_EQ(iso8601(tokyo[0].at), "2026-11-29T00:00:00Z");
    EXPECT_EQ(compact(*vegas[0].day), "20261128");
    EXPECT_EQ(iso8601(vegas[0].at), "2026-11-28T14:30:00Z");
    EXPECT_EQ(vegas[0].name, "Sunrise flight");
}

TEST(Schedule, WhatSelectsItself) {
    for (const auto* id : {"6KF", "6KS", "GVA", "I3T"})
        EXPECT_TRUE(selects_itself(performances(event(id), now))) << id;
    for (const auto* id : {"6IF", "7AA", "DP9", "AG8"})
        EXPECT_FALSE(selects_itself(performances(event(id), now))) << id;
    EXPECT_TRUE(performances(event("5LM"), now).empty()) << "a dead event has none";
}

TEST(Schedule, SaturdayNightsAreSoldOut) {
    int nights = 0;
    for (const auto& each : performances(event("6IF"), now)) {
        const bool night = std::chrono::weekday(*each.day) == std::chrono::Saturday && each.minutes > 17 * 60;
        nights += night ? 1 : 0;
        EXPECT_EQ(sold_out(event("6IF"), each), night) << iso8601(each.at);
    }
    EXPECT_GE(nights, 8);
    // The client's features take the third and the fifteenth: never a Saturday night, whatever today is.
    for (int ahead = 0; ahead < 14; ++ahead) {
        const auto all = performances(event("6IF"), now + days(ahead));
        EXPECT_FALSE(sold_out(event("6IF"), all[2]));
        EXPECT_FALSE(sold_out(event("6IF"), all[14]));
    }
}

/// The client's features look 37 days ahead, and find what is on 30 days ahead to the hour.
TEST(Schedule, WhatIsOnDailyIsOnForLonger) {
    for (const auto& each : demo_catalogue().events) {
        if (each.schedule.daily) {
            EXPECT_GT(each.schedule.daily->days, 38) << each.id;
        }
    }
}

TEST(Schedule, AnOpenTicketIsNotGoodOnMondays) {
    const auto on = days_on(event("6KS"), now);
    ASSERT_FALSE(on.empty());
    EXPECT_LT(on.size(), 120U);
    for (const auto day : on) EXPECT_NE(std::chrono::weekday(day), std::chrono::Monday);
    const auto monday = *read_date_range("20261130:20261130", "range");
    EXPECT_FALSE(is_on(event("6KS"), monday, now));
    EXPECT_TRUE(is_on(event("6KT"), monday, now));
    EXPECT_TRUE(is_on(event("GVA"), monday, now)) << "merchandise has no days";
    EXPECT_FALSE(is_on(event("6IF"), *read_date_range(":20261127", "range"), now));
    EXPECT_TRUE(is_on(event("6IF"), *read_date_range(":20261128", "range"), now));
}

}  // namespace
}  // namespace kassi::sandbox::box_office
