#include "sandbox/box_office/offered.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace kassi::sandbox::box_office {
namespace {

using std::chrono::days;

const auto now = *parse_iso8601("2026-11-27T10:00:00Z", "at");  // a Friday

const Event& event(const char* id) {
    return *demo_catalogue().event(id);
}
/// The first performance of an event on a day of the week, or on a day of the month.
Performance on_weekday(const char* id, std::chrono::weekday wanted, int from_minutes = 0) {
    for (const auto& each : performances(event(id), now))
        if (std::chrono::weekday(*each.day) == wanted && each.minutes >= from_minutes) return each;
    return {};
}
Performance on_day_of_month(const char* id, unsigned wanted) {
    for (const auto& each : performances(event(id), now))
        if (static_cast<unsigned>(std::chrono::year_month_day(*each.day).day()) == wanted) return each;
    return {};
}
std::string codes(const char* id, const Performance& performance, const char* type, const char* band) {
    const auto found = offered_band(event(id), performance, type, band);
    if (!found) return "none";
    std::string text;
    for (const auto* discount : found->discounts) text += (text.empty() ? "" : " ") + discount->code;
    return text;
}
std::string discounts(const char* id, const char* type, const char* band,
                      const std::vector<std::string>& wanted, std::size_t count) {
    const auto performance = on_day_of_month(id, 15);
    const auto found = offered_band(event(id), performance, type, band);
    std::string text;
    for (const auto* discount : discounts_for(event(id), *found, wanted, count))
        text += (text.empty() ? "" : " ") + discount->code;
    return text;
}

TEST(Offered, NoDiscountsInTheStallsOnTheFirst) {
    const auto first = on_day_of_month("6IF", 1), other = on_day_of_month("6IF", 2);
    EXPECT_EQ(codes("6IF", first, "STALLS", "A/pool"), "ADULT");
    EXPECT_EQ(codes("6IF", other, "STALLS", "A/pool"), "ADULT CHILD OAP");
    EXPECT_EQ(codes("6IF", first, "CIRCLE", "A/pool"), "ADULT CHILD STUDENT OAP");
}

TEST(Offered, NoStudentsAndSeniorsInBandB) {
    const auto performance = on_day_of_month("6IF", 2);
    for (const auto* type : {"CIRCLE", "STALLS"}) {
        const auto band = codes("6IF", performance, type, "B/pool");
        EXPECT_EQ(band, "ADULT CHILD");
    }
}

TEST(Offered, NothingOnASaturdayNight) {
    const auto night = on_weekday("6IF", std::chrono::Saturday, 17 * 60);
    const auto matinee = on_weekday("6IF", std::chrono::Saturday);
    EXPECT_TRUE(offered(event("6IF"), night).empty());
    EXPECT_EQ(codes("6IF", night, "CIRCLE", "A/pool"), "none");
    EXPECT_EQ(offered(event("6IF"), matinee).size(), 6U);
}

TEST(Offered, OnlyWhatCanBeHadSoManyTimes) {
    const auto performance = *box_office::performance(event("7AA"), "7AA-4", now);
    EXPECT_EQ(offered(event("7AA"), performance).size(), 4U);
    EXPECT_EQ(offered(event("7AA"), performance, 6).size(), 4U);
    EXPECT_EQ(offered(event("7AA"), performance, 7).size(), 0U);
    EXPECT_EQ(offered(event("7AA"), performance)[0].available, 6);
    const auto member = *box_office::performance(event("6KF"), "6KF-F", now);
    EXPECT_EQ(offered(event("6KF"), member, 1).size(), 1U);
    EXPECT_EQ(offered(event("6KF"), member, 2).size(), 0U);
}

TEST(Offered, CodesOfPriceBands) {
    const auto performance = *box_office::performance(event("7AA"), "7AA-4", now);
    EXPECT_EQ(codes("7AA", performance, "STALLS", "A/alloc"), "none") << "there are no allocations";
    EXPECT_EQ(codes("7AA", performance, "STALLS", "Z/pool"), "none");
    EXPECT_EQ(codes("7AA", performance, "BALCONY", "A/pool"), "none");
    EXPECT_EQ(without_suffix("A/pool"), "A");
    EXPECT_EQ(read_price_band_code("A").error().message, "price_band_code needs /pool or /alloc suffix");
    EXPECT_TRUE(read_price_band_code("A/alloc"));
}

TEST(Offered, DefaultDiscountsOnly) {
    EXPECT_EQ(discounts("6IE", "STALLS", "A/pool", {"CHILD", "STUDENT"}, 2), "ADULT ADULT");
    EXPECT_EQ(discounts("DBZ", "DINNER", "A/pool", {"CHILD"}, 2), "NORMAL NORMAL");
}

TEST(Offered, BlanketDiscountsAreForTheWholeOrder) {
    EXPECT_EQ(discounts("6L9", "FLOOR", "A/pool", {"GROUP", "NORMAL", "CHILD"}, 3), "GROUP GROUP GROUP");
    EXPECT_EQ(discounts("6L9", "FLOOR", "A/pool", {"MARTIAN", "GROUP"}, 2), "NORMAL NORMAL");
    EXPECT_EQ(discounts("6L9", "FLOOR", "A/pool", {}, 2), "NORMAL NORMAL");
}

TEST(Offered, AtMostThreeMixedDiscounts) {
    EXPECT_EQ(discounts("6IF", "CIRCLE", "A/pool", {"ADULT", "CHILD", "STUDENT", "OAP"}, 4),
              "ADULT CHILD STUDENT ADULT");
    EXPECT_EQ(discounts("6IF", "CIRCLE", "A/pool", {"OAP", "CHILD", "STUDENT", "ADULT", "CHILD"}, 5),
              "OAP CHILD STUDENT OAP CHILD")
        << "the default would be a fourth";
    EXPECT_EQ(discounts("6IF", "CIRCLE", "A/pool", {"CHILD"}, 2), "CHILD ADULT");
}

TEST(Offered, PostNeedsItsTime) {
    const auto codes_of = [](const Performance& performance, Instant when) {
        return send_codes(demo_catalogue(), event("9XW"), performance, when);
    };
    const auto all = performances(event("9XW"), now);
    EXPECT_TRUE(codes_of(all[0], now).empty());
    const auto& week_ahead = all[7];
    EXPECT_EQ(codes_of(week_ahead, week_ahead.at - days(7)), std::vector<std::string>{"POSTUSD"});
    EXPECT_TRUE(codes_of(week_ahead, week_ahead.at - days(7) + Millis(1)).empty());
    EXPECT_EQ(
        send_codes(demo_catalogue(), event("6KF"), *box_office::performance(event("6KF"), "6KF-F", now), now),
        (std::vector<std::string>{"COBO", "POST"}));
}

}  // namespace
}  // namespace kassi::sandbox::box_office
