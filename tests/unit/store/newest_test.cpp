#include "store/newest.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "base/recent.hpp"
#include "fixture.hpp"

namespace kassi::store {
namespace {

using Kept = Recent<int, std::string>;

TEST(RecentTest, KeepsWhatWasAskedForLast) {
    Kept kept(40);
    kept.keep(0, "value 0", 10);
    // 0 is asked for again and again, the others make room.
    for (int key = 1; key < 20; ++key) {
        kept.keep(key, "value " + std::to_string(key), 10);
        ASSERT_NE(kept.find(0), nullptr) << key;
        EXPECT_EQ(*kept.find(0), "value 0");
    }
    int left = 0;
    for (int key = 0; key < 20; ++key) left += kept.find(key) != nullptr ? 1 : 0;
    EXPECT_LE(left, 4) << "of 10 bytes each in 40";
    EXPECT_EQ(kept.find(1), nullptr);
}

TEST(RecentTest, AValueTakesThePlaceOfTheOneBefore) {
    Kept kept(100);
    kept.keep(1, "first", 10);
    kept.keep(1, "second", 20);
    EXPECT_EQ(*kept.find(1), "second");
    kept.drop(1);
    EXPECT_EQ(kept.find(1), nullptr);
    // It counts for nothing any more: five of ten bytes are a half.
    for (int key = 2; key < 7; ++key) kept.keep(key, "value", 10);
    for (int key = 2; key < 7; ++key) EXPECT_NE(kept.find(key), nullptr) << key;
}

TEST(RecentTest, WhatIsTooLargeIsNotKeptAndThrowsNothingOut) {
    Kept kept(100);
    kept.keep(1, "small", 10);
    kept.keep(2, "half", 50);
    kept.keep(3, "more", 51);
    EXPECT_NE(kept.find(2), nullptr);
    EXPECT_EQ(kept.find(3), nullptr);
    kept.keep(2, "grew", 51);
    EXPECT_EQ(kept.find(2), nullptr) << "nor is the value before";
    Kept nothing(0);
    nothing.keep(1, "one", 1);
    EXPECT_EQ(nothing.find(1), nullptr);
}

std::shared_ptr<const Loaded> record(const TransactionId& id, std::int64_t version) {
    Loaded loaded;
    loaded.transaction.id = id;
    loaded.transaction.version = version;
    loaded.stored_bytes = 100;
    return std::make_shared<const Loaded>(std::move(loaded));
}

class NewestTest : public testing::Test {
  protected:
    SystemRandomness randomness_;
    const TransactionId id_ = TransactionId::make(at(0), randomness_);
    Newest newest_{10'000};
};

TEST_F(NewestTest, WhileItIsWrittenTheDiskIsAsked) {
    const auto first = record(id_, 1);
    newest_.keep(first);
    EXPECT_EQ(newest_.find(id_), first);
    newest_.write_begins(id_);
    EXPECT_EQ(newest_.find(id_), nullptr);
    newest_.keep(first);
    EXPECT_EQ(newest_.find(id_), nullptr) << "what was read meanwhile may be over";
    const auto second = record(id_, 2);
    newest_.write_ended(id_, second);
    EXPECT_EQ(newest_.find(id_), second);
}

TEST_F(NewestTest, OfTwoWritesTheLastCounts) {
    newest_.write_begins(id_);
    newest_.write_begins(id_);
    newest_.write_ended(id_, record(id_, 2));
    EXPECT_EQ(newest_.find(id_), nullptr) << "the other one is still under way";
    newest_.write_ended(id_, nullptr);
    EXPECT_EQ(newest_.find(id_), nullptr);
    const auto read = record(id_, 2);
    newest_.keep(read);
    EXPECT_EQ(newest_.find(id_), read);
}

TEST_F(NewestTest, AWriteThatWasRefusedLeavesItToTheDisk) {
    newest_.keep(record(id_, 1));
    newest_.write_begins(id_);
    newest_.write_ended(id_, nullptr);
    EXPECT_EQ(newest_.find(id_), nullptr);
}

class KeepingStoreTest : public StoreTest {
  protected:
    void SetUp() override { open(0, 100'000); }
};

TEST_F(KeepingStoreTest, WhatIsInMemoryIsWhatIsOnDisk) {
    Story story;
    auto unit = story.hand_over(at(0));
    unit.decision.papers.parcels[1].saved = "a word";
    committed(unit);
    const auto kept = store_->load(story.transaction.id);
    EXPECT_EQ(kept, store_->load(story.transaction.id)) << "it is not read again";
    committed(story.step(at(5), {core::HoldMoved{at(4000)}}, "trace-1"));
    const auto moved = store_->load(story.transaction.id);
    EXPECT_EQ(moved->transaction, story.transaction);
    EXPECT_EQ(kept->transaction.version, 1) << "who holds one keeps it as it was";
    open(0, 0);
    const auto read = store_->load(story.transaction.id);
    EXPECT_EQ(read->transaction, moved->transaction);
    EXPECT_EQ(read->papers, moved->papers);
}

TEST_F(KeepingStoreTest, AfterAConflictItIsRead) {
    Story story;
    committed(story.hand_over(at(0)));
    auto late = story.step(at(5), {core::HoldMoved{at(4000)}}, "");
    auto conflict = late;
    committed(late);
    EXPECT_EQ(commit(conflict).kind, CommitOutcome::Kind::version_conflict);
    EXPECT_EQ(store_->load(story.transaction.id)->transaction, story.transaction);
}

}  // namespace
}  // namespace kassi::store
