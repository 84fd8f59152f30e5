#include "sandbox/shop/ways.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sandbox/accounts.hpp"

namespace kassi::sandbox::shop {
namespace {

Currency currency(const char* code) {
    return *Currency::parse(code, "currency");
}

class Ways : public testing::Test {
  protected:
    Ways() : directory(demo_directory(Secret<>(std::string(32, 'k')), nobody_there, randomness)) {
        registry = std::move(*providers::Registry::make(directory.merchants));
    }
    std::vector<Way> of(const Sources& sources) { return ways(directory, *registry, demo_system, sources); }
    SystemRandomness randomness;
    engine::Directory directory;
    std::unique_ptr<providers::Registry> registry;
    const Sources two{{"ext_test0", currency("gbp")}, {"ext_test1", currency("gbp")}};
};

TEST_F(Ways, EveryAccountIsOneUnlessAnotherPaysAlike) {
    const auto all = of(two);
    for (const auto& caller : directory.callers) {
        const bool shown = find_way(all, caller.name) != nullptr;
        EXPECT_EQ(shown, caller.name != "example-user" && !is_ticket_order_account(caller.name))
            << caller.name;
    }
    EXPECT_EQ(find_way(all, "nobody"), nullptr);
    EXPECT_EQ(find_way(all, "demo")->title, "Pays on credit");
}

TEST_F(Ways, AnAccountThatIsAddedIsAWayWithoutMore) {
    auto caller = *directory.caller("demo-redirect");
    caller.name = "newcomer";
    caller.ways = {{"*", {"redirect-quiet", "on_credit"}}};
    directory.callers.push_back(caller);
    const auto all = of(two);
    const auto* way = find_way(all, "newcomer");
    ASSERT_NE(way, nullptr);
    EXPECT_EQ(way->title, "newcomer");
    EXPECT_TRUE(way->odd) << "its house sends no word";
    ASSERT_EQ(way->choices.size(), 2U);
    EXPECT_EQ(way->choices[0].merchants.size(), 2U);
    EXPECT_EQ(way->choices[0].merchants[1].first, "on_credit");
    directory.callers.back().system = "somebody else";
    EXPECT_EQ(find_way(of(two), "newcomer"), nullptr);
}

TEST_F(Ways, SayByWhatTheyPay) {
    const auto all = of(two);
    EXPECT_EQ(find_way(all, "demo")->about, "on_credit");
    const auto mixed = find_way(all, "demo-mixed")->about;
    EXPECT_NE(mixed.find("External Test Backend 0: on_credit; External Test Backend 1: "), std::string::npos)
        << mixed;
    EXPECT_TRUE(find_way(all, "demo-partial")->odd) << "an agreement";
    EXPECT_FALSE(find_way(all, "demo-redirect")->odd);
    EXPECT_TRUE(find_way(all, "demo")->choices.empty());
}

TEST_F(Ways, WhatCannotPayAllSaysWhy) {
    auto caller = *directory.caller("demo");
    caller.name = "half";
    caller.ways = {{"ext_test0", {"on_credit"}}};
    directory.callers.insert(directory.callers.begin(), caller);
    const auto all = of(two);
    EXPECT_EQ(find_way(all, "half")->why_not, "It cannot pay External Test Backend 1.");
    EXPECT_EQ(find_way(of({{"ext_test0", currency("gbp")}}), "half")->why_not, "");
    EXPECT_NE(first_choice(all, directory, *registry), "half");
}

TEST_F(Ways, ACardIsAskedForWhereNoPageDoes) {
    const auto all = of(two);
    for (const auto& way : all) EXPECT_EQ(way.asks_card, way.key == "demo-creditcard") << way.key;
    auto caller = *directory.caller("demo");
    caller.ways = {{"ext_test0", {"on_credit", std::string(borgun_card_merchant)}}, {"*", {"on_credit"}}};
    const auto asks = [&](const std::map<std::string, std::string>& chosen) {
        return asks_card(directory, *registry, caller, two, chosen);
    };
    EXPECT_FALSE(asks({}));
    EXPECT_TRUE(asks({{"ext_test0", std::string(borgun_card_merchant)}}));
    EXPECT_FALSE(asks({{"ext_test0", "on_credit"}, {"elsewhere", std::string(borgun_card_merchant)}}));
    EXPECT_FALSE(asks({{"ext_test0", "nobody"}}));
    caller.ways = {{"*", {std::string(borgun_card_merchant), "on_credit"}}};
    EXPECT_TRUE(asks({}));
    EXPECT_FALSE(asks({{"ext_test0", "on_credit"}, {"ext_test1", "on_credit"}}));
}

TEST_F(Ways, ANewcomerIsSentToAPage) {
    EXPECT_EQ(first_choice(of(two), directory, *registry), "demo-redirect");
    std::erase_if(directory.callers, [](const auto& caller) { return caller.name != "demo"; });
    EXPECT_EQ(first_choice(of(two), directory, *registry), "demo");
    directory.callers.clear();
    EXPECT_EQ(first_choice(of(two), directory, *registry), "");
}

}  // namespace
}  // namespace kassi::sandbox::shop
