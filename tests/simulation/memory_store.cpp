#include "tests/simulation/memory_store.hpp"

#include <algorithm>

namespace kassi::simulation {

using store::CommitOutcome;

void MemoryStore::commit(store::Unit unit, std::function<void(CommitOutcome)> done) {
    queue_.push_back({std::move(unit), std::move(done), std::nullopt, {}});
    wake(&queue_.back().unit);
}

void MemoryStore::keep_unmatched(store::UnmatchedNotice notice, std::function<void(bool)> done) {
    queue_.push_back({{}, {}, std::move(notice), std::move(done)});
    wake(nullptr);
}

/// Lost where the disk refuses: it is heard again then, and counts once.
void MemoryStore::drop_unmatched(std::string_view merchant, std::string_view event_id) {
    if (!refuses()) record_.drop(merchant, event_id);
}

void MemoryStore::step(const std::function<void(std::function<void()>)>& deliver) {
    if (queue_.empty()) return;
    Waiting waiting = std::move(queue_.front());
    queue_.pop_front();
    const bool refused = refuses();
    if (waiting.notice) {
        if (refused)
            notice_refused();
        else
            record_.keep(std::move(*waiting.notice));
        return deliver([kept = std::move(waiting.kept), refused] { kept(!refused); });
    }
    const TransactionId id = waiting.unit.decision.next.id;
    CommitOutcome outcome =
        refused ? CommitOutcome{CommitOutcome::Kind::unavailable} : record_.write(waiting.unit);
    if (outcome.kind == CommitOutcome::Kind::committed) outcome.after = load(id);
    deliver([done = std::move(waiting.done), outcome] { done(outcome); });
    if (outcome.kind == CommitOutcome::Kind::committed) committed(id);
}

std::shared_ptr<const store::Loaded> MemoryStore::load(const TransactionId& id) {
    const auto* row = record_.find(id);
    if (row == nullptr) return nullptr;
    return std::make_shared<const store::Loaded>(row->loaded);
}

std::optional<TransactionId> MemoryStore::find_reference(std::string_view reference) {
    for (const auto& [id, row] : record_.rows)
        if (row.loaded.transaction.reference == reference) return id;
    return std::nullopt;
}

std::vector<store::StoredRow> MemoryStore::journal(const TransactionId& id) {
    std::vector<store::StoredRow> stored;
    const auto* row = record_.find(id);
    if (row == nullptr) return stored;
    for (std::size_t i = 0; i < row->journal.size(); ++i) {
        const auto number = static_cast<std::int64_t>(i) + 1;
        stored.push_back({number, number, row->times[i], row->journal[i], {}});
    }
    return stored;
}

std::vector<TransactionId> MemoryStore::list(const store::ListFilter& filter) {
    std::vector<TransactionId> ids;
    // Newest first, as the real one.
    for (auto at = record_.rows.rbegin(); at != record_.rows.rend(); ++at) {
        const auto& transaction = at->second.loaded.transaction;
        const bool fits = (!filter.after || at->first < *filter.after) &&
                          (!filter.settled || *filter.settled == core::settled(transaction)) &&
                          (!filter.needs_person || *filter.needs_person == core::needs_person(transaction));
        if (fits && ids.size() < filter.limit) ids.push_back(at->first);
    }
    return ids;
}

std::vector<TransactionId> MemoryStore::with_open_call() {
    std::vector<TransactionId> ids;
    for (const auto& [id, row] : record_.rows)
        if (std::any_of(row.loaded.transaction.legs.begin(), row.loaded.transaction.legs.end(),
                        [](const core::Leg& leg) { return leg.doing == core::Doing::call; }))
            ids.push_back(id);
    return ids;
}

store::Store::Counts MemoryStore::counts() {
    Counts counts;
    counts.last_row_at = record_.last_row_at;
    for (const auto& [id, row] : record_.rows) {
        ++counts.transactions;
        if (!core::settled(row.loaded.transaction)) ++counts.open;
        if (core::needs_person(row.loaded.transaction)) ++counts.needs_person;
    }
    return counts;
}

}  // namespace kassi::simulation
