#include "tests/unit/engine/engine_world.hpp"

namespace kassi::engine {
namespace {

/// The real store, but for commits while the disk is full.
class FullDisk final : public store::Store {
  public:
    explicit FullDisk(store::Store& given) : store_(given) {}
    bool full = false;

    std::optional<store::Loaded> load(const TransactionId& id) override { return store_.load(id); }
    std::optional<TransactionId> find_reference(std::string_view reference) override {
        return store_.find_reference(reference);
    }
    std::optional<store::TokenFound> find_token(std::string_view caller, std::string_view token) override {
        return store_.find_token(caller, token);
    }
    std::optional<store::LegFound> find_leg(std::string_view merchant, std::string_view reference) override {
        return store_.find_leg(merchant, reference);
    }
    std::optional<store::ClaimFound> find_claim(const store::Claim& claim) override {
        return store_.find_claim(claim);
    }
    std::optional<std::string> customer(const TransactionId& id) override { return store_.customer(id); }
    std::optional<std::string> document(const TransactionId& id) override { return store_.document(id); }
    std::vector<store::StoredRow> journal(const TransactionId& id) override { return store_.journal(id); }
    std::vector<TransactionId> list(const store::ListFilter& filter) override { return store_.list(filter); }
    std::vector<TransactionId> due(Instant now, std::size_t limit) override { return store_.due(now, limit); }
    std::optional<Instant> next_due() override { return store_.next_due(); }
    std::vector<TransactionId> with_open_call() override { return store_.with_open_call(); }
    std::vector<store::StatementLine> statement(std::string_view caller, Currency currency,
                                                store::StatementPlace after, Instant to,
                                                std::size_t limit) override {
        return store_.statement(caller, currency, after, to, limit);
    }
    std::vector<store::Balance> balances(std::string_view caller) override { return store_.balances(caller); }
    std::vector<store::UnmatchedNotice> unmatched(std::string_view merchant,
                                                  std::string_view reference) override {
        return store_.unmatched(merchant, reference);
    }
    std::vector<std::string> open_merchants() override { return store_.open_merchants(); }
    Counts counts() override { return store_.counts(); }
    void commit(store::Unit unit, std::function<void(store::CommitOutcome)> done) override {
        if (full) return done({store::CommitOutcome::Kind::unavailable});
        store_.commit(std::move(unit), std::move(done));
    }
    void keep_unmatched(store::UnmatchedNotice notice, std::function<void(bool)> done) override {
        if (full) return done(false);
        store_.keep_unmatched(std::move(notice), std::move(done));
    }
    void drop_unmatched(std::string_view merchant, std::string_view event_id) override {
        store_.drop_unmatched(merchant, event_id);
    }
    void expire(Instant now, std::function<void(std::int64_t)> done) override {
        store_.expire(now, std::move(done));
    }

  private:
    store::Store& store_;
};

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

}  // namespace
}  // namespace kassi::engine
