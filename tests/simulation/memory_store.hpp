#pragma once

#include <deque>
#include <map>
#include <set>

#include "store/store.hpp"

/// A store in memory with the guards of the real one, for the simulation: commits happen when the world says
/// so, and a crash loses what was not committed.
namespace kassi::simulation {

class MemoryStore final : public store::Store {
  public:
    /// Called with each commit that waits; the world decides when step() runs it.
    std::function<void()> wake;
    /// Runs the oldest waiting commit; its caller hears through `deliver` (lost when the process dies first).
    void step(const std::function<void(std::function<void()>)>& deliver);
    /// The process is gone: what waits was never written.
    void crash() { queue_.clear(); }

    std::optional<store::Loaded> load(const TransactionId& id) override;
    std::optional<TransactionId> find_reference(std::string_view reference) override;
    std::optional<store::TokenFound> find_token(std::string_view caller, std::string_view token) override;
    std::optional<store::LegFound> find_leg(std::string_view merchant, std::string_view reference) override;
    std::optional<store::ClaimFound> find_claim(const store::Claim& claim) override;
    std::optional<std::string> customer(const TransactionId&) override { return std::nullopt; }
    std::optional<std::string> document(const TransactionId&) override { return std::nullopt; }
    std::vector<store::StoredRow> journal(const TransactionId& id) override;
    std::vector<TransactionId> list(const store::ListFilter& filter) override;
    std::vector<TransactionId> due(Instant now, std::size_t limit) override;
    std::optional<Instant> next_due() override;
    std::vector<TransactionId> with_open_call() override;
    std::vector<store::StatementLine> statement(std::string_view, Currency, store::StatementPlace, Instant,
                                                std::size_t) override {
        return {};
    }
    std::vector<store::Balance> balances(std::string_view caller) override;
    std::vector<store::UnmatchedNotice> unmatched(std::string_view merchant,
                                                  std::string_view reference) override;
    std::vector<std::string> open_merchants() override { return {}; }
    Counts counts() override;
    void commit(store::Unit unit, std::function<void(store::CommitOutcome)> done) override;
    void keep_unmatched(store::UnmatchedNotice notice, std::function<void(bool)> done) override;
    void drop_unmatched(std::string_view merchant, std::string_view event_id) override;
    std::vector<TransactionId> forgettable(Instant, std::size_t) override { return {}; }
    void expire(Instant, std::function<void(std::int64_t)> done) override { done(0); }

    struct Row {
        store::Loaded loaded;
        std::vector<std::string> journal;
        std::vector<Instant> times;
        std::optional<Instant> due_at;
    };
    std::map<TransactionId, Row> rows;
    std::set<TransactionId> changed;  ///< since the world last looked

  private:
    struct Token {
        TransactionId id;
        std::int64_t leg = 0, callout = 0;
        bool page = false, spent = false;
        std::string digest;
    };
    struct Waiting {
        store::Unit unit;
        std::function<void(store::CommitOutcome)> done;
        std::optional<store::UnmatchedNotice> notice;
        std::function<void(bool)> kept;
    };
    store::CommitOutcome write(store::Unit& unit);
    std::deque<Waiting> queue_;
    std::map<std::pair<std::string, std::string>, std::vector<Token>> tokens_;  // caller, token
    std::map<std::pair<std::string, std::string>, store::LegFound> references_;
    struct Once {
        TransactionId id;
        std::int64_t version;
        std::string fingerprint;
    };
    std::map<std::pair<std::string, std::string>, Once> once_;
    std::map<std::pair<std::string, std::string>, std::int64_t> balances_;  // caller, currency
    std::vector<store::UnmatchedNotice> unmatched_;
};

}  // namespace kassi::simulation
