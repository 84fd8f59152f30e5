#pragma once

#include <utility>

#include "store/store.hpp"

namespace kassi::engine {

/// The real store, and for a while no room in it, or much patience needed.
class FullDisk final : public store::Store {
  public:
    explicit FullDisk(store::Store& given) : inner(given) {}
    store::Store& inner;
    bool full = false;
    int refuse = 0;     ///< so many commits to come
    bool slow = false;  ///< commits wait for let_go()
    void let_go() {
        slow = false;
        for (auto& [unit, done] : std::exchange(held, {})) inner.commit(std::move(unit), std::move(done));
    }
    using Id = TransactionId;
    using Text = std::string_view;
    std::shared_ptr<const store::Loaded> load(const Id& id) override { return inner.load(id); }
    std::optional<Id> find_reference(Text reference) override { return inner.find_reference(reference); }
    std::optional<store::TokenFound> find_token(Text caller, Text token) override {
        return inner.find_token(caller, token);
    }
    std::optional<store::LegFound> find_leg(Text merchant, Text reference) override {
        return inner.find_leg(merchant, reference);
    }
    std::optional<store::ClaimFound> find_claim(const store::Claim& claim) override {
        return inner.find_claim(claim);
    }
    std::optional<std::string> customer(const Id& id) override { return inner.customer(id); }
    std::optional<std::string> document(const Id& id) override { return inner.document(id); }
    std::vector<store::StoredRow> journal(const Id& id) override { return inner.journal(id); }
    std::vector<Id> list(const store::ListFilter& filter) override { return inner.list(filter); }
    std::vector<Id> due(Instant now, std::size_t limit) override { return inner.due(now, limit); }
    std::optional<Instant> next_due() override { return inner.next_due(); }
    std::vector<Id> with_open_call() override { return inner.with_open_call(); }
    std::vector<store::StatementLine> statement(Text caller, Currency currency, store::StatementPlace after,
                                                Instant to, std::size_t limit) override {
        return inner.statement(caller, currency, after, to, limit);
    }
    std::vector<store::Balance> balances(Text caller) override { return inner.balances(caller); }
    std::vector<store::UnmatchedNotice> unmatched(Text merchant, Text reference) override {
        return inner.unmatched(merchant, reference);
    }
    std::vector<store::UnmatchedNotice> matched_since(std::size_t limit) override {
        return inner.matched_since(limit);
    }
    Origin origin() override { return inner.origin(); }
    std::vector<Id> forgettable(Instant before, std::size_t limit) override {
        return inner.forgettable(before, limit);
    }
    std::vector<std::string> open_merchants() override { return inner.open_merchants(); }
    Counts counts() override { return inner.counts(); }
    void commit(store::Unit unit, std::function<void(store::CommitOutcome)> done) override {
        if (full || (refuse > 0 && refuse-- > 0)) return done({store::CommitOutcome::Kind::unavailable});
        if (slow)
            held.emplace_back(std::move(unit), std::move(done));
        else
            inner.commit(std::move(unit), std::move(done));
    }
    void keep_unmatched(store::UnmatchedNotice notice, std::function<void(bool)> done) override {
        if (full) return done(false);
        inner.keep_unmatched(std::move(notice), std::move(done));
    }
    void drop_unmatched(Text merchant, Text event_id) override { inner.drop_unmatched(merchant, event_id); }
    void expire(Instant now, std::function<void(std::int64_t)> done) override {
        inner.expire(now, std::move(done));
    }

  private:
    std::vector<std::pair<store::Unit, std::function<void(store::CommitOutcome)>>> held;
};

}  // namespace kassi::engine
