#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "borgun_town.hpp"

/// What tests of Borgun have in common: towns that many tests share, since to start one takes longer than a
/// payment, and what a payment must have become.
namespace kassi::faults {

inline constexpr const char* frictionless_card = "5455330200000016";
inline constexpr const char* challenge_1_card = "5587402000012011";
inline constexpr const char* challenge_2_card = "4741520000000003";
inline constexpr const char* bought = "held 11000, taken 11000";
inline constexpr const char* let_go = "held 11000, hold_gone 11000";
inline constexpr const char* nothing = "";
/// Within the hold, and what comes behind it.
inline constexpr std::chrono::minutes hold_and_more{40};

/// One of the suite's towns: with and without events.
class SharedTown {
  public:
    static BorgunTown& get(bool hears_events = true) {
        auto& town = hears_events ? told() : untold();
        if (!town) town = std::make_unique<BorgunTown>(BorgunTown::Options{.hears_events = hears_events});
        return *town;
    }
    /// Nothing is wrong with any record.
    static void close() {
        for (auto* town : {&told(), &untold()}) {
            if (!*town) continue;
            EXPECT_EQ((*town)->verify(), "");
            town->reset();
        }
    }

  private:
    static std::unique_ptr<BorgunTown>& told() {
        static std::unique_ptr<BorgunTown> town;
        return town;
    }
    static std::unique_ptr<BorgunTown>& untold() {
        static std::unique_ptr<BorgunTown> town;
        return town;
    }
};

/// One payment among those of its town.
struct BorgunPayment {
    explicit BorgunPayment(BorgunTown& its_town) : town(its_town) {}

    void hand_over(const std::string& currency = "GBP", std::int64_t amount = price,
                   bool owner_confirms = false) {
        town.begin_ledger();
        id = town.hand_over(owner_confirms, currency, amount);
        path = "/transactions/" + id.text();
        for (const auto* step : {"payment", "capture", "enrollment", "validation"})
            asked_before[step] = town.asked(step);
    }
    int asked(const std::string& step) { return town.asked(step) - asked_before[step]; }
    bool is_over() {
        return town.run_until(
            id,
            [](const Glance& seen) {
                return core::has_verdict(seen.transaction.phase) && core::settled(seen.transaction);
            },
            hold_and_more);
    }
    json told() { return town.v1("GET", path).body; }
    json callout() {
        EXPECT_TRUE(town.run_until(id, [](const Glance& seen) {
            return core::leg_away(seen.transaction) != nullptr;
        })) << town.explain(id);
        return told().at("callout");
    }
    void expect_ledgers(const std::string& both) {
        EXPECT_EQ(town.borgun_ledger(), both);
        EXPECT_EQ(town.our_ledger(id), both);
    }
    void expect_bought() {
        ASSERT_TRUE(is_over()) << town.explain(id);
        const auto said = told();
        EXPECT_EQ(said.at("phase"), "purchased") << said;
        EXPECT_TRUE(said.at("legs").at(0).at("refused").is_null()) << said;
        EXPECT_EQ(asked("payment"), 1);
        expect_ledgers(bought);
    }
    /// Nothing was taken, and whoever asks hears why; the journal, too. `paid`: how often that was tried.
    void expect_refused(const std::string& code, bool failed_3d_secure, int paid) {
        ASSERT_TRUE(is_over()) << town.explain(id);
        const auto said = told();
        EXPECT_EQ(said.at("phase"), "failed") << said;
        const auto& refused = said.at("legs").at(0).at("refused");
        ASSERT_TRUE(refused.is_object()) << said;
        EXPECT_EQ(refused.at("code"), code);
        EXPECT_EQ(refused.at("failed_3d_secure"), failed_3d_secure);
        EXPECT_FALSE(refused.at("text").get<std::string>().empty());
        EXPECT_THAT(journal(), testing::HasSubstr(code));
        EXPECT_EQ(asked("payment"), paid);
    }
    std::string journal() { return town.v1("GET", path + "/journal").body.dump(); }

    BorgunTown& town;
    TransactionId id;
    std::string path;
    std::map<std::string, int> asked_before;
};

}  // namespace kassi::faults
