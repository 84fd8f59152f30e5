#include "sandbox/shop/trolley.hpp"

#include <gtest/gtest.h>

#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::shop {
namespace {

class Trolley : public testing::Test {
  protected:
    [[nodiscard]] Reading reading() const { return {catalogue, key, now}; }
    [[nodiscard]] std::string wrong(const Fields& fields) const {
        const auto wish = read_wish(fields, reading());
        return wish ? "read" : wish.error().field;
    }
    [[nodiscard]] box_office::Trolley added(const Fields& fields, const box_office::Trolley& to = {}) const {
        const auto more = add_tickets(to, fields, reading());
        EXPECT_TRUE(more) << (more ? "" : more.error().field + " " + more.error().message);
        return more ? *more : box_office::Trolley{};
    }
    [[nodiscard]] std::string not_added(const Fields& fields, const box_office::Trolley& to = {}) const {
        const auto more = add_tickets(to, fields, reading());
        return more ? "added" : more.error().field + ": " + more.error().message;
    }
    const box_office::Catalogue& catalogue = box_office::demo_catalogue();
    const Secret<> key{std::string(32, 'k')};
    Instant now = *parse_iso8601("2026-11-27T10:00:00Z", "at");
};

TEST_F(Trolley, TheQuickWayOffersTheGuidesPerformancesAtTheirPrices) {
    const auto all = offers(catalogue, now);
    std::vector<std::pair<std::string, std::int64_t>> prices;
    for (const auto& offer : all) {
        prices.emplace_back(offer.performance, offer.price.minor);
        EXPECT_FALSE(offer.title.empty());
        EXPECT_FALSE(offer.venue.empty());
        EXPECT_FALSE(offer.source_name.empty());
    }
    EXPECT_EQ(prices, (std::vector<std::pair<std::string, std::int64_t>>{
                          {"7AB-4", 5500}, {"7AA-4", 5500}, {"6IF-B0G", 3900}, {"6KF-F", 6400}}));
    EXPECT_EQ(all[3].when, "");
    EXPECT_EQ(all[0].when, "Fri, 1st January 2027, 3.30 PM");
}

TEST_F(Trolley, TheQuickWayFillsATrolley) {
    const auto wish =
        read_wish({{"7AB-4", "2"}, {"7AA-4", "0"}, {"6IF-B0G", "3"}, {"6KF-F", "1"}}, reading());
    ASSERT_TRUE(wish.has_value());
    const auto reserved = box_office::reserve(catalogue, wish->trolley, now);
    const auto made = box_office::core_bundles(reserved, description_of);
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made[0].source, "ext_test0");
    EXPECT_EQ(made[0].amount.minor, 3 * 3900 + 6400 + 150);
    EXPECT_EQ(made[0].description, "3 × Matthew Bourne's Nutcracker TEST, 1 × V&A Memberships");
    EXPECT_EQ(made[1].amount.minor, 11000);
    EXPECT_EQ(total_of(reserved.bundles), "£292.50");
}

TEST_F(Trolley, RefusesWhatIsNotOffered) {
    EXPECT_EQ(wrong({{"7AB-4", "6"}}), "read");
    EXPECT_EQ(wrong({{"7AB-4", "7"}}), "7AB-4");
    EXPECT_EQ(wrong({{"6KF-F", "2"}}), "6KF-F");
    for (const auto* bad : {"-1", "1.5", "many", "99999999999999999999"})
        EXPECT_EQ(wrong({{"7AB-4", bad}}), "7AB-4");
    EXPECT_EQ(wrong({{"7AA-4", "1"}, {"6IF-B0G", "1"}}), "6IF-B0G") << "they are not sent the same way";
    EXPECT_EQ(wrong({{"hold", "7"}}), "hold");
    EXPECT_EQ(wrong({{"hold", "120"}}), "read");
    EXPECT_EQ(wrong({{"trolley", "forged"}}), "trolley");
    EXPECT_EQ(wrong({{"something", "else"}}), "read");
}

TEST_F(Trolley, SeatsOfAMapBecomeAnOrderForEachBand) {
    const auto trolley =
        added({{"perf", "7AB-4"}, {"seat", "CIRCLE/B/G7"}, {"seat", "STALLS/A/A1"}, {"seat", "CIRCLE/B/G8"}});
    ASSERT_EQ(trolley.lines.size(), 2U);
    EXPECT_EQ(trolley.lines[0].seats, (std::vector<std::string>{"G7", "G8"}));
    EXPECT_EQ(trolley.lines[0].price_band, "B/pool");
    EXPECT_EQ(trolley.lines[1].seats, std::vector<std::string>{"A1"});
    EXPECT_EQ(not_added({{"perf", "7AB-4"}, {"seat", "G7"}}), "seat: is no seat of this page");
    EXPECT_EQ(not_added({{"perf", "7AB-4"}}), ": Choose a seat or a number of tickets");
    EXPECT_EQ(not_added({{"seat", "CIRCLE/B/G7"}}), "perf: is missing");
    EXPECT_EQ(not_added({{"perf", "7AB-4"}, {"seat", "CIRCLE/B/G7"}, {"n.CIRCLE.B.NORMAL", "2"}}),
              "tickets: choose seats or let us choose, not both");
    EXPECT_EQ(not_added({{"perf", "9ZZ-1"}, {"seat", "CIRCLE/B/G7"}}),
              ": These tickets, or so many of them, are not offered");
}

TEST_F(Trolley, WhatDoesNotGoAlongIsSaid) {
    const auto opera = added({{"perf", "7AA-4"}, {"seat", "STALLS/A/A1"}});
    EXPECT_NE(not_added({{"perf", "6IF-B0G"}, {"n.CIRCLE.A.ADULT", "2"}}, opera).find("sent another way"),
              std::string::npos);
}

TEST_F(Trolley, CountsBecomeTicketsWithTheirDiscounts) {
    const auto trolley = added({{"perf", "6IF-B0G"},
                                {"n.CIRCLE.A.ADULT", "2"},
                                {"n.CIRCLE.A.CHILD", "1"},
                                {"n.CIRCLE.A.OAP", "0"},
                                {"n.STALLS.A.ADULT", ""}});
    ASSERT_EQ(trolley.lines.size(), 1U);
    EXPECT_EQ(trolley.lines[0].seats_count, 3);
    EXPECT_EQ(trolley.lines[0].discounts, (std::vector<std::string>{"ADULT", "ADULT", "CHILD"}));
    EXPECT_EQ(not_added({{"perf", "6IF-B0G"}, {"n.CIRCLE.A.ADULT", "7"}}),
              ": These tickets, or so many of them, are not offered");
    EXPECT_EQ(not_added({{"perf", "6IF-B0G"}, {"n.CIRCLE.A.ADULT", "51"}}),
              "tickets: so many are not offered");
    EXPECT_EQ(not_added({{"perf", "6IF-B0G"}, {"n.CIRCLE.A", "1"}}), "tickets: so many are not offered");
    EXPECT_TRUE(not_added({{"perf", "6IF-B0G"}, {"n.CIRCLE.A.ADULT", "x"}}).starts_with("tickets:"));
}

TEST_F(Trolley, ADayAsBrowsersWriteIt) {
    const auto trolley =
        added({{"perf", "I3T-1"}, {"n.DOUBLE.A.ROOM", "1"}, {"day", "2026-12-24"}, {"nights", "2"}});
    ASSERT_EQ(trolley.lines.size(), 1U);
    EXPECT_EQ(trolley.lines[0].departure_date, "20261224");
    EXPECT_EQ(trolley.lines[0].nights, 2);
    EXPECT_TRUE(not_added({{"perf", "I3T-1"}, {"n.DOUBLE.A.ROOM", "1"}}).starts_with("departure_date"));
}

TEST_F(Trolley, IsChangedByItsLinks) {
    auto trolley = added({{"perf", "6IF-B0G"}, {"n.CIRCLE.A.ADULT", "2"}});
    trolley = added({{"perf", "7AB-4"}, {"n.STALLS.A.NORMAL", "1"}}, trolley);
    EXPECT_EQ(changed(trolley, {}, reading()), trolley);
    const auto posted = changed(trolley, {{"send.ext_test0", "POST"}}, reading());
    EXPECT_EQ(posted.send_codes.at("ext_test0"), "POST");
    const auto less = changed(posted, {{"remove", "1"}}, reading());
    ASSERT_EQ(less.lines.size(), 1U);
    EXPECT_EQ(less.lines[0].perf_id, "7AB-4");
    EXPECT_EQ(changed(trolley, {{"remove", "x"}}, reading()), trolley);
}

TEST_F(Trolley, ComesBackFromItsToken) {
    const auto trolley = added({{"perf", "6KF-F"}, {"n.MEMBER.X.MEMBER", "1"}});
    const auto tomorrow = box_office::performances(*catalogue.event("6IF"), now)[0].id;
    const auto both = added({{"perf", tomorrow}, {"n.CIRCLE.A.ADULT", "1"}}, trolley);
    const auto token = box_office::trolley_token(key, both);
    EXPECT_EQ(read_wish({{"trolley", token}}, reading())->trolley, both);
    now += std::chrono::days(3);
    EXPECT_EQ(read_wish({{"trolley", token}}, reading())->trolley.lines, trolley.lines) << "one is over";
    const auto wish =
        read_wish({{"trolley", token}, {"way", "demo"}, {"with.demo.ext_test0", "a"}, {"with.other.x", "b"}},
                  reading());
    EXPECT_EQ(wish->merchants, (std::map<std::string, std::string>{{"ext_test0", "a"}}));
}

TEST_F(Trolley, SumsByCurrency) {
    const auto dinner = box_office::performances(*catalogue.event("DBZ"), now)[0].id;
    auto trolley = added({{"perf", "7AB-4"}, {"n.STALLS.A.NORMAL", "1"}});
    trolley = added({{"perf", dinner}, {"n.DINNER.A.NORMAL", "1"}}, trolley);
    trolley = added({{"perf", "7AA-4"}, {"n.STALLS.A.NORMAL", "1"}}, trolley);
    EXPECT_EQ(total_of(box_office::reserve(catalogue, trolley, now).bundles), "£110.00 + €205.50");
}

}  // namespace
}  // namespace kassi::sandbox::shop
