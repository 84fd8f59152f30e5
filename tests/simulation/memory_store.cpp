#include "tests/simulation/memory_store.hpp"

#include <algorithm>

namespace kassi::simulation {

using store::CommitOutcome;

void MemoryStore::commit(store::Unit unit, std::function<void(CommitOutcome)> done) {
    queue_.push_back({std::move(unit), std::move(done), std::nullopt, {}});
    wake();
}

void MemoryStore::keep_unmatched(store::UnmatchedNotice notice, std::function<void(bool)> done) {
    queue_.push_back({{}, {}, std::move(notice), std::move(done)});
    wake();
}

void MemoryStore::step(const std::function<void(std::function<void()>)>& deliver) {
    if (queue_.empty()) return;
    Waiting waiting = std::move(queue_.front());
    queue_.pop_front();
    if (waiting.notice) {
        unmatched_.push_back(std::move(*waiting.notice));
        deliver([kept = std::move(waiting.kept)] { kept(true); });
        return;
    }
    const CommitOutcome outcome = write(waiting.unit);
    deliver([done = std::move(waiting.done), outcome] { done(outcome); });
}

CommitOutcome MemoryStore::write(store::Unit& unit) {
    using Kind = CommitOutcome::Kind;
    const core::Transaction& next = unit.decision.next;
    const auto found = rows.find(next.id);
    const std::int64_t present = found == rows.end() ? 0 : found->second.loaded.transaction.version;
    if (present != unit.version_read) return {Kind::version_conflict};
    for (std::size_t i = 0; i < unit.claims.size(); ++i)
        if (once_.contains({unit.claims[i].scope, unit.claims[i].key})) return {Kind::claimed, i};
    for (const auto& live : unit.decision.tokens_live) {
        if (live.minted) continue;
        for (const Token& token : tokens_[{next.caller, live.token}])
            if (!token.spent) return {Kind::token_taken};
    }
    auto balances = balances_;
    for (const auto& credit : unit.credit) {
        auto& balance = balances[{credit.caller, std::string(credit.entry.amount.currency.code())}];
        balance += credit.delta;
        if (credit.limit && balance > *credit.limit) return {Kind::credit_exhausted};
    }
    balances_ = std::move(balances);
    for (const auto& claim : unit.claims)
        once_[{claim.scope, claim.key}] = {next.id, next.version, claim.fingerprint};
    if (const auto& spent = unit.decision.token_spent) {
        for (auto& [key, list] : tokens_)
            for (Token& token : list)
                if (token.id == next.id && token.leg == spent->leg && token.callout == spent->callout &&
                    !token.page) {
                    token.spent = true;
                    token.digest = spent->fields_digest;
                }
    }
    for (const auto& live : unit.decision.tokens_live)
        tokens_[{live.minted ? "" : next.caller, live.token}].push_back(
            {next.id, live.leg, live.callout, live.page, false, {}});
    for (const auto& reference : unit.decision.references)
        references_[{reference.merchant, reference.reference}] = {next.id, reference.leg};
    Row& row = rows[next.id];
    row.loaded.transaction = next;
    row.loaded.papers = unit.decision.papers;
    row.journal.push_back(core::row_json(unit.row));
    row.times.push_back(unit.row.at);
    row.due_at = unit.due_at;
    changed.insert(next.id);
    return {Kind::committed};
}

std::optional<store::Loaded> MemoryStore::load(const TransactionId& id) {
    const auto found = rows.find(id);
    if (found == rows.end()) return std::nullopt;
    return found->second.loaded;
}

std::optional<TransactionId> MemoryStore::find_reference(std::string_view reference) {
    for (const auto& [id, row] : rows)
        if (row.loaded.transaction.reference == reference) return id;
    return std::nullopt;
}

std::optional<store::TokenFound> MemoryStore::find_token(std::string_view caller, std::string_view token) {
    const auto found = tokens_.find({std::string(caller), std::string(token)});
    if (found == tokens_.end() || found->second.empty()) return std::nullopt;
    const Token& last = found->second.back();
    return store::TokenFound{last.id, last.leg, last.callout, last.page, last.spent, last.digest};
}

std::optional<store::LegFound> MemoryStore::find_leg(std::string_view merchant, std::string_view reference) {
    const auto found = references_.find({std::string(merchant), std::string(reference)});
    if (found == references_.end()) return std::nullopt;
    return found->second;
}

std::optional<store::ClaimFound> MemoryStore::find_claim(const store::Claim& claim) {
    const auto found = once_.find({claim.scope, claim.key});
    if (found == once_.end()) return std::nullopt;
    return store::ClaimFound{found->second.id, found->second.version,
                             found->second.fingerprint == claim.fingerprint};
}

std::vector<store::StoredRow> MemoryStore::journal(const TransactionId& id) {
    std::vector<store::StoredRow> stored;
    const auto found = rows.find(id);
    if (found == rows.end()) return stored;
    for (std::size_t i = 0; i < found->second.journal.size(); ++i) {
        const auto number = static_cast<std::int64_t>(i) + 1;
        stored.push_back({number, number, found->second.times[i], found->second.journal[i], {}});
    }
    return stored;
}

std::vector<TransactionId> MemoryStore::list(const store::ListFilter& filter) {
    std::vector<TransactionId> ids;
    for (const auto& [id, row] : rows)
        if (!filter.needs_person || *filter.needs_person == core::needs_person(row.loaded.transaction))
            ids.push_back(id);
    return ids;
}

std::vector<TransactionId> MemoryStore::due(Instant now, std::size_t limit) {
    std::vector<std::pair<Instant, TransactionId>> all;
    for (const auto& [id, row] : rows)
        if (row.due_at && *row.due_at <= now) all.emplace_back(*row.due_at, id);
    std::sort(all.begin(), all.end());
    std::vector<TransactionId> ids;
    for (const auto& [at, id] : all)
        if (ids.size() < limit) ids.push_back(id);
    return ids;
}

std::optional<Instant> MemoryStore::next_due() {
    std::optional<Instant> next;
    for (const auto& [id, row] : rows)
        if (row.due_at && (!next || *row.due_at < *next)) next = row.due_at;
    return next;
}

std::vector<TransactionId> MemoryStore::with_open_call() {
    std::vector<TransactionId> ids;
    for (const auto& [id, row] : rows)
        if (std::any_of(row.loaded.transaction.legs.begin(), row.loaded.transaction.legs.end(),
                        [](const core::Leg& leg) { return leg.doing == core::Doing::call; }))
            ids.push_back(id);
    return ids;
}

std::vector<store::Balance> MemoryStore::balances(std::string_view caller) {
    std::vector<store::Balance> all;
    for (const auto& [key, minor] : balances_)
        if (caller.empty() || key.first == caller)
            all.push_back({key.first, *Currency::parse(key.second, ""), minor});
    return all;
}

std::vector<store::UnmatchedNotice> MemoryStore::unmatched(std::string_view merchant,
                                                           std::string_view reference) {
    std::vector<store::UnmatchedNotice> kept;
    for (const auto& notice : unmatched_)
        if (notice.merchant == merchant && notice.reference == reference) kept.push_back(notice);
    return kept;
}

void MemoryStore::drop_unmatched(std::string_view merchant, std::string_view event_id) {
    std::erase_if(unmatched_, [&](const auto& notice) {
        return notice.merchant == merchant && notice.event_id == event_id;
    });
}

store::Store::Counts MemoryStore::counts() {
    Counts counts;
    for (const auto& [id, row] : rows) {
        ++counts.transactions;
        if (!core::settled(row.loaded.transaction)) ++counts.open;
        if (core::needs_person(row.loaded.transaction)) ++counts.needs_person;
    }
    return counts;
}

}  // namespace kassi::simulation
