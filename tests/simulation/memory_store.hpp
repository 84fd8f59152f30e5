#pragma once

#include <deque>

#include "store/store.hpp"
#include "tests/simulation/record.hpp"

/// One process's way to the record: commits happen when the world says so, a crash loses what waits, and the
/// disk may refuse. Two processes have a store each, over one record.
namespace kassi::simulation {

class MemoryStore final : public store::Store {
  public:
    explicit MemoryStore(Record& record) : record_(record) {}

    /// Called with each commit that waits; the world decides when step() runs it.
    std::function<void(const store::Unit*)> wake;
    /// Asked at each commit: the disk takes nothing at the moment.
    std::function<bool()> refuses;
    /// Called when a notice is not kept.
    std::function<void()> notice_refused;
    /// Called with what was committed.
    std::function<void(const TransactionId&)> committed;
    /// Runs the oldest waiting commit; its caller hears through `deliver` (lost when the process dies first).
    void step(const std::function<void(std::function<void()>)>& deliver);
    /// The process is gone: what waits was never written.
    void crash() { queue_.clear(); }

    std::shared_ptr<const store::Loaded> load(const TransactionId& id) override;
    std::optional<TransactionId> find_reference(std::string_view reference) override;
    std::optional<store::TokenFound> find_token(std::string_view caller, std::string_view token) override {
        return record_.find_token(caller, token);
    }
    std::optional<store::LegFound> find_leg(std::string_view merchant, std::string_view reference) override {
        return record_.find_leg(merchant, reference);
    }
    std::optional<store::ClaimFound> find_claim(const store::Claim& claim) override {
        return record_.find_claim(claim);
    }
    std::optional<std::string> customer(const TransactionId&) override { return std::nullopt; }
    std::optional<std::string> document(const TransactionId&) override { return std::nullopt; }
    std::vector<store::StoredRow> journal(const TransactionId& id) override;
    std::vector<TransactionId> list(const store::ListFilter& filter) override;
    std::vector<TransactionId> due(Instant now, std::size_t limit) override {
        return record_.due(now, limit);
    }
    std::optional<Instant> next_due() override { return record_.next_due(); }
    std::vector<TransactionId> with_open_call() override;
    std::vector<store::StatementLine> statement(std::string_view, Currency, store::StatementPlace, Instant,
                                                std::size_t) override {
        return {};
    }
    std::vector<store::Balance> balances(std::string_view caller) override {
        return record_.balances(caller);
    }
    std::vector<store::UnmatchedNotice> unmatched(std::string_view merchant,
                                                  std::string_view reference) override {
        return record_.unmatched(merchant, reference);
    }
    std::vector<std::string> open_merchants() override { return {}; }
    Counts counts() override;
    Origin origin() override {
        return {.copied_at = {}, .restored_from = {}, .restored_at = record_.put_back_at};
    }
    void commit(store::Unit unit, std::function<void(store::CommitOutcome)> done) override;
    std::vector<store::UnmatchedNotice> matched_since(std::size_t limit) override {
        return record_.matched_since(limit);
    }
    void keep_unmatched(store::UnmatchedNotice notice, std::function<void(bool)> done) override;
    void drop_unmatched(std::string_view merchant, std::string_view event_id) override;
    std::vector<TransactionId> forgettable(Instant, std::size_t) override { return {}; }
    void expire(Instant, std::function<void(std::int64_t)> done) override { done(0); }

  private:
    struct Waiting {
        store::Unit unit;
        std::function<void(store::CommitOutcome)> done;
        std::optional<store::UnmatchedNotice> notice;
        std::function<void(bool)> kept;
    };
    Record& record_;
    std::deque<Waiting> queue_;
};

}  // namespace kassi::simulation
