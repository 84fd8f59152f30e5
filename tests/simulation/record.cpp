#include "tests/simulation/record.hpp"

#include <algorithm>

#include "base/result.hpp"
#include "store/tokens.hpp"
#include "tests/simulation/bugs.hpp"

namespace kassi::simulation {

using store::CommitOutcome;
using store::ends_token;
using store::last_callout_over;

namespace {

std::pair<std::string, std::string> once_name(const store::Claim& claim) {
    return {claim.scope, claim.own_of ? claim.own_of->text() + " " + claim.key : claim.key};
}

}  // namespace

// ---- writing -------------------------------------------------------------------------------------------

CommitOutcome Record::guard(const store::Unit& unit) const {
    using Kind = CommitOutcome::Kind;
    const core::Transaction& next = unit.decision.next;
    for (std::size_t i = 0; i < unit.claims.size(); ++i) {
        const auto& claim = unit.claims[i];
        const auto here = unit.claims.begin() + static_cast<std::ptrdiff_t>(i);
        const bool twice = std::any_of(unit.claims.begin(), here, [&](const store::Claim& other) {
            return once_name(other) == once_name(claim);
        });
        if (twice || once_.contains(once_name(claim))) return {Kind::claimed, i};
    }
    const Row* present = find(next.id);
    if ((present == nullptr ? 0 : present->loaded.transaction.version) != unit.version_read)
        return {Kind::version_conflict};
    for (std::size_t i = 0; i < unit.decision.tokens_live.size(); ++i) {
        const auto& live = unit.decision.tokens_live[i];
        const auto known = tokens_.find({live.minted ? "" : next.caller, live.token});
        if (known == tokens_.end()) continue;
        for (const Token& token : known->second)
            if (!token.spent &&
                !(token.id == next.id && ends_token(unit.decision, token.leg, token.callout, token.page)))
                return {Kind::token_taken, i};
    }
    auto balances = balances_;
    for (std::size_t i = 0; i < unit.credit.size(); ++i) {
        const auto& credit = unit.credit[i];
        auto& balance = balances[{credit.caller, std::string(credit.entry.amount.currency.code())}];
        balance += credit.delta;
        const bool limited = credit.limit && bug != Bug::limit_not_looked_at;
        if (limited && credit.delta > 0 && balance > *credit.limit) return {Kind::credit_exhausted, i};
    }
    return {};
}

void Record::note_tokens(const store::Unit& unit) {
    const core::Transaction& next = unit.decision.next;
    const auto& spent = unit.decision.token_spent;
    for (auto& [name, list] : tokens_)
        for (Token& token : list) {
            if (token.id != next.id) continue;
            const bool now = spent && spent->leg == token.leg && spent->callout == token.callout;
            if (now && !token.page && token.digest.empty()) {
                token.spent = true;
                token.digest = spent->fields_digest;
            }
            const core::Leg* leg = core::find_leg(next, token.leg);
            if (leg != nullptr && token.callout <= last_callout_over(*leg)) token.spent = true;
        }
    for (const auto& live : unit.decision.tokens_live)
        tokens_[{live.minted ? "" : next.caller, live.token}].push_back(
            {next.id, live.leg, live.callout, live.page, false, {}});
}

CommitOutcome Record::write(store::Unit& unit) {
    const core::Transaction& next = unit.decision.next;
    KASSI_ENSURE(next.version == unit.version_read + 1);
    const auto outcome = guard(unit);
    if (outcome.kind != CommitOutcome::Kind::committed) return outcome;
    const Row* before = find(next.id);
    spoil(bug, before == nullptr ? nullptr : &before->loaded.transaction, unit, last_request);
    for (const auto& credit : unit.credit)
        balances_[{credit.caller, std::string(credit.entry.amount.currency.code())}] += credit.delta;
    for (const auto& claim : unit.claims)
        if (!forgets(bug, claim.scope)) once_[once_name(claim)] = {next.id, next.version, claim.fingerprint};
    note_tokens(unit);
    for (const auto& reference : unit.decision.references)
        references_[{reference.merchant, reference.reference}] = {next.id, reference.leg};
    Row& row = rows[next.id];
    row.loaded.transaction = next;
    row.loaded.papers = unit.decision.papers;
    row.state = core::state_json(next);
    row.journal.push_back(core::row_json(unit.row));
    spoil_text(bug, row.state, row.journal.back());
    row.times.push_back(unit.row.at);
    row.due_at = unit.due_at;
    last_row_at = std::max(last_row_at, unit.row.at);
    changed.insert(next.id);
    return outcome;
}

void Record::keep(store::UnmatchedNotice notice) {
    std::erase_if(unmatched_, [&](const auto& kept) {
        return kept.merchant == notice.merchant && kept.event_id == notice.event_id &&
               kept.reference == notice.reference;
    });
    unmatched_.push_back(std::move(notice));
}

std::vector<store::UnmatchedNotice> Record::matched_since(std::size_t limit) const {
    std::vector<store::UnmatchedNotice> found;
    for (const auto& kept : unmatched_)
        if (found.size() < limit && find_leg(kept.merchant, kept.reference)) found.push_back(kept);
    return found;
}

void Record::drop(std::string_view merchant, std::string_view event_id) {
    std::erase_if(unmatched_, [&](const auto& notice) {
        return notice.merchant == merchant && notice.event_id == event_id;
    });
}

// ---- reading -------------------------------------------------------------------------------------------

const Record::Row* Record::find(const TransactionId& id) const {
    const auto found = rows.find(id);
    return found == rows.end() ? nullptr : &found->second;
}

std::optional<store::TokenFound> Record::find_token(std::string_view caller, std::string_view token) const {
    const auto found = tokens_.find({std::string(caller), std::string(token)});
    if (found == tokens_.end() || found->second.empty()) return std::nullopt;
    const auto& all = found->second;
    const auto live = std::find_if(all.begin(), all.end(), [](const Token& each) { return !each.spent; });
    const Token& shown = live == all.end() ? all.back() : *live;
    return store::TokenFound{shown.id, shown.leg, shown.callout, shown.page, shown.spent, shown.digest};
}

std::optional<store::LegFound> Record::find_leg(std::string_view merchant, std::string_view reference) const {
    const auto found = references_.find({std::string(merchant), std::string(reference)});
    if (found == references_.end()) return std::nullopt;
    return found->second;
}

std::optional<store::ClaimFound> Record::find_claim(const store::Claim& claim) const {
    const auto found = once_.find(once_name(claim));
    if (found == once_.end()) return std::nullopt;
    const auto& once = found->second;
    const auto version =
        bug == Bug::answer_of_now ? rows.at(once.id).loaded.transaction.version : once.version;
    return store::ClaimFound{once.id, version, once.fingerprint == claim.fingerprint};
}

std::vector<TransactionId> Record::due(Instant now, std::size_t limit) const {
    std::vector<std::pair<Instant, TransactionId>> all;
    for (const auto& [id, row] : rows)
        if (row.due_at && *row.due_at <= now) all.emplace_back(*row.due_at, id);
    std::sort(all.begin(), all.end());
    std::vector<TransactionId> ids;
    for (const auto& [at, id] : all)
        if (ids.size() < limit) ids.push_back(id);
    return ids;
}

std::optional<Instant> Record::next_due() const {
    std::optional<Instant> next;
    for (const auto& [id, row] : rows)
        if (row.due_at && (!next || *row.due_at < *next)) next = row.due_at;
    return next;
}

std::vector<store::Balance> Record::balances(std::string_view caller) const {
    std::vector<store::Balance> all;
    for (const auto& [key, minor] : balances_)
        if (caller.empty() || key.first == caller)
            all.push_back({key.first, *Currency::parse(key.second, ""), minor});
    return all;
}

std::vector<store::UnmatchedNotice> Record::unmatched(std::string_view merchant,
                                                      std::string_view reference) const {
    std::vector<store::UnmatchedNotice> kept;
    for (const auto& notice : unmatched_)
        if (notice.merchant == merchant && notice.reference == reference) kept.push_back(notice);
    return kept;
}

}  // namespace kassi::simulation
