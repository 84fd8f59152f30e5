#include "sandbox/box_office/calendar.hpp"

#include <gtest/gtest.h>

namespace kassi::sandbox::box_office {
namespace {

Day day(const char* text) {
    return *read_day(text, "day");
}

TEST(Calendar, TextsForPeople) {
    EXPECT_EQ(date_text(day("20270101")), "Fri, 1st January 2027");
    EXPECT_EQ(date_text(day("20261202")), "Wed, 2nd December 2026");
    EXPECT_EQ(date_text(day("20270203")), "Wed, 3rd February 2027");
    for (const auto* teen : {"20270111", "20270112", "20270113"})
        EXPECT_NE(date_text(day(teen)).find("th January"), std::string::npos) << teen;
    EXPECT_EQ(date_text(day("20270121")), "Thu, 21st January 2027");
    EXPECT_EQ(time_text(0), "12.00 AM");
    EXPECT_EQ(time_text(9 * 60 + 5), "9.05 AM");
    EXPECT_EQ(time_text(12 * 60), "12.00 PM");
    EXPECT_EQ(time_text(15 * 60 + 30), "3.30 PM");
}

TEST(Calendar, DatesAreReadStrictly) {
    EXPECT_EQ(compact(day("20280229")), "20280229");
    for (const auto* bad : {"", "2027011", "202701011", "20270229", "20271301", "20270100", "2027-1-1",
                            "19691231", "２０２７０１０１"}) {
        const auto read = read_day(bad, "day");
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().field, "day");
    }
    EXPECT_EQ(read_time("23:59"), 23 * 60 + 59);
    for (const auto* bad : {"24:00", "12:60", "1:30", "12.30", "12:3x", ""})
        EXPECT_FALSE(read_time(bad).has_value()) << bad;
}

TEST(Calendar, OffsetsArePrinted) {
    EXPECT_EQ(local_iso8601(day("20270101"), 930, 0), "2027-01-01T15:30:00Z");
    EXPECT_EQ(local_iso8601(day("20270101"), 480, -480), "2027-01-01T08:00:00-08:00");
    EXPECT_EQ(local_iso8601(day("20270101"), 540, 570), "2027-01-01T09:00:00+09:30");
    EXPECT_EQ(local_iso8601(day("20270101"), 540, -30), "2027-01-01T09:00:00-00:30");
}

TEST(Calendar, RangesAreOpenWhereASideIsEmpty) {
    const auto range = [](const char* text) { return *read_date_range(text, "date_range"); };
    EXPECT_TRUE(range(":").everything());
    EXPECT_TRUE(range("20270101:20270101").contains(day("20270101")));
    EXPECT_FALSE(range("20270101:20270101").contains(day("20270102")));
    EXPECT_TRUE(range("20270101:").contains(day("20991231")));
    EXPECT_TRUE(range(":20270101").contains(day("19700101")));
    for (const auto* bad : {"20270101", "20270102:20270101", "x:", ":y", "20270101:20270102:20270103", "::"})
        EXPECT_FALSE(read_date_range(bad, "date_range")) << bad;
}

TEST(Calendar, MasksHaveTheFirstAndTheSundayInBitNought) {
    Months months;
    add_day(months, day("20261231"));
    add_day(months, day("20270101"));
    add_day(months, day("20270103"));
    ASSERT_EQ(months.size(), 2U);
    EXPECT_EQ(months.begin()->second.days, 1U << 30);
    EXPECT_EQ(months.begin()->second.weekdays, 1U << 4) << "a Thursday";
    EXPECT_EQ(months.rbegin()->second.days, 0b101U);
    EXPECT_EQ(months.rbegin()->second.weekdays, (1U << 5) | 1U) << "Friday and Sunday";
    EXPECT_EQ(month_word(months.begin()->first.month()), "dec");
    EXPECT_EQ(weekday_named("sun"), std::optional<Weekdays>(1));
    EXPECT_EQ(weekday_named("Sun"), std::nullopt);
}

}  // namespace
}  // namespace kassi::sandbox::box_office
