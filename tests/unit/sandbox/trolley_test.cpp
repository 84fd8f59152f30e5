#include "sandbox/shop/trolley.hpp"

#include <gtest/gtest.h>

#include "sandbox/accounts.hpp"

namespace kassi::sandbox::shop {
namespace {

class Trolley : public testing::Test {
  protected:
    [[nodiscard]] std::string wrong(const Fields& fields) const {
        const auto wish = read_wish(fields, all);
        return wish ? "read" : wish.error().field;
    }
    const box_office::Catalogue& catalogue = box_office::demo_catalogue();
    std::vector<Offer> all = offers(catalogue, *parse_iso8601("2026-01-10T10:00:00Z", "at"));
};

TEST_F(Trolley, OffersTheGuidesPerformancesAtTheirPrices) {
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
    EXPECT_FALSE(all[0].when.empty());
}

TEST_F(Trolley, ABundleForEachSourceSortedWithItemsCounted) {
    const auto wish = read_wish({{"7AB-4", "2"}, {"7AA-4", "0"}, {"6IF-B0G", "3"}, {"6KF-F", "1"}}, all);
    ASSERT_TRUE(wish.has_value());
    const auto made = bundles(*wish, all);
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made[0].source, "ext_test0");
    EXPECT_EQ(made[0].amount.minor, 3 * 3900 + 6400);
    EXPECT_EQ(made[0].description, "3 × Matthew Bourne's Nutcracker TEST, 1 × V&A Memberships");
    ASSERT_EQ(made[0].orders.size(), 2U);
    EXPECT_TRUE(made[0].orders[0].cancellable);
    EXPECT_FALSE(made[0].orders[1].cancellable);
    EXPECT_EQ(made[1].source, "ext_test1");
    EXPECT_EQ(made[1].amount.minor, 11000);
    EXPECT_EQ(made[0].orders[0].item + made[0].orders[1].item + made[1].orders[0].item, 1 + 2 + 3);
    EXPECT_EQ(total(made).minor, 3 * 3900 + 6400 + 11000);
}

TEST_F(Trolley, RefusesWhatIsNotOffered) {
    EXPECT_EQ(wrong({{"7AB-4", "6"}}), "read");
    EXPECT_EQ(wrong({{"7AB-4", "7"}}), "7AB-4");
    EXPECT_EQ(wrong({{"6KF-F", "2"}}), "6KF-F");
    EXPECT_EQ(wrong({{"7AB-4", "-1"}}), "7AB-4");
    EXPECT_EQ(wrong({{"7AB-4", "1.5"}}), "7AB-4");
    EXPECT_EQ(wrong({{"7AB-4", "many"}}), "7AB-4");
    EXPECT_EQ(wrong({{"way", "gold"}}), "way");
    EXPECT_EQ(wrong({{"hold", "7"}}), "hold");
    EXPECT_EQ(wrong({{"hold", "120"}}), "read");
    EXPECT_EQ(wrong({{"something", "else"}}), "read");
}

TEST_F(Trolley, EveryWayIsAnAccount) {
    SystemRandomness randomness;
    const auto directory = demo_directory(Secret<>(std::string(32, 'k')), nobody_there, randomness);
    for (const auto& way : ways()) EXPECT_NE(directory.caller(way.caller), nullptr) << way.key;
    EXPECT_NE(find_way(Wish{}.way), nullptr);
}

}  // namespace
}  // namespace kassi::sandbox::shop
