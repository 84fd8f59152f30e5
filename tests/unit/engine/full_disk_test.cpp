#include "tests/unit/engine/full_disk.hpp"

#include "tests/unit/engine/engine_world.hpp"

namespace kassi::engine {
namespace {

/// With a house that can neither be asked nor told: its returns are all that there is.
struct FullDiskTest : EngineTest {
    std::unique_ptr<FullDisk> disk;

    FullDiskTest() {
        providers::Merchant silent;
        silent.name = "silent";
        silent.provider = "redirect";
        silent.settings = {
            {"can_be_asked", "false"}, {"notifies", "false"}, {"page_url", "http://house.test/pay"}};
        directory.merchants.push_back(std::move(silent));
        directory.callers.front().ways["*"].push_back("silent");
        registry = std::move(*providers::Registry::make(directory.merchants));
        disk = std::make_unique<FullDisk>(*store);
        engine = std::make_unique<Engine>(Engine::Parts{*disk, *registry, directory, settings, clock,
                                                        randomness, outside, std::string(32, 'd')});
    }
    ~FullDiskTest() override { close(); }
    Result<Engine::ReturnOutcome> back(const std::string& token, Fields fields) {
        std::optional<Result<Engine::ReturnOutcome>> outcome;
        engine->returned("demo", token, std::move(fields), "", meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
        return *outcome;
    }
};

TEST_F(FullDiskTest, EvidenceThatCouldNotBeRecordedIsAskedForAgain) {
    const auto id = hand_over(trolley())->transaction.id;
    auto request = by_redirect("T1");
    request.ways["a"] = "silent";
    ASSERT_TRUE(purchase(id, request));
    ASSERT_TRUE(back("T1", {}));  // without a word: assumed unpaid
    disk->full = true;
    const auto refused = back("T1", {{"success", "yes"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable)
        << "who is told that it is gone never comes again";
    disk->full = false;
    EXPECT_EQ(back("T1", {{"success", "yes"}}).error().kind, ErrorKind::gone);
    EXPECT_EQ(engine->view(id, "", "")->transaction.legs[0].money, core::LegMoney::taken);
}

// What a key led to was answered before, and can be said again without anything being recorded.
TEST_F(FullDiskTest, ARequestThatIsRepeatedHasItsAnswerAllTheSame) {
    const auto first = hand_over(trolley(), meta("k1"));
    ASSERT_TRUE(first);
    const auto id = first->transaction.id;
    const auto bought = purchase(id, by_redirect("T1"), meta("k2"));
    ASSERT_TRUE(bought);
    disk->full = true;
    const auto again = hand_over(trolley(), meta("k1"));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->transaction.id, id);
    const auto twice = purchase(id, by_redirect("T1"), meta("k2"));
    ASSERT_TRUE(twice) << twice.error().message;
    EXPECT_TRUE(twice->replayed);
    // Another request with the same key is refused for that, a new one for the disk.
    EXPECT_EQ(hand_over(trolley(), meta("k1", "another body")).error().field, "Idempotency-Key");
    EXPECT_EQ(hand_over(trolley(), meta("k3")).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(store->counts().transactions, 1);
}

// The configuration may have changed since: that is for new requests.
TEST_F(FullDiskTest, ARequestThatIsRepeatedIsNotJudgedAnew) {
    const auto first = hand_over(trolley(), meta("k1"));
    ASSERT_TRUE(first);
    auto other = trolley();
    other.caller = "nobody";
    const auto again = hand_over(other, meta("k1"));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->transaction.id, first->transaction.id);
    EXPECT_EQ(hand_over(other, meta("k2")).error().field, "caller");
}

}  // namespace
}  // namespace kassi::engine
