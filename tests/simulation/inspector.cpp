#include "tests/simulation/inspector.hpp"

#include <set>

namespace kassi::simulation {
namespace {

using core::LegMoney;
using core::Phase;

constexpr std::size_t rows_max = 4'000;  // two months of a doubt that nobody ends has its looks

bool moved(const core::Leg& leg) {
    return leg.money == LegMoney::taken || leg.money == LegMoney::back;
}
std::string name_of(const core::Transaction& transaction, const core::Leg& leg) {
    return transaction.id.text() + "-" + std::to_string(leg.no);
}
std::string legs_text(const core::Transaction& transaction) {
    std::string text;
    for (const auto& leg : transaction.legs)
        text += fmt::format("[{} {} {}/{}{}{}/{}{}]", leg.no, leg.merchant, core::word(leg.money),
                            core::word(leg.doing), leg.doing == core::Doing::rest ? "" : ":",
                            leg.doing == core::Doing::rest ? "" : core::word(leg.verb), core::word(leg.goal),
                            leg.stuck.empty() ? "" : " STUCK");
    return text;
}
bool may_follow(Phase before, Phase now) {
    return !core::has_verdict(before) || before == now ||
           (before == Phase::purchased && now == Phase::cancelled);
}

}  // namespace

void Inspector::check_changed() {
    for (const auto& id : std::exchange(record_.changed, {})) check(id);
}

void Inspector::check(const TransactionId& id) {
    const auto& row = record_.rows.at(id);
    const core::Transaction& transaction = row.loaded.transaction;
    if (!replays(id, row)) return;
    check_state(id, row);
    check_verdict(id, transaction);
    check_legs(transaction);
    check_papers(id, transaction, row.loaded.papers);
    stage_.say(fmt::format("{} v{} {} {}", transaction.reference, transaction.version,
                           core::word(transaction.phase), legs_text(transaction)));
}

/// The journal so far makes the state; what was replayed before is kept.
bool Inspector::replays(const TransactionId& id, const Record::Row& row) {
    core::Transaction& replayed = replicas_[id];
    if (row.journal.size() < static_cast<std::size_t>(replayed.version)) {
        stage_.broken(Invariant::answered_is_there, "rows that were committed: " + id.text());
        return false;
    }
    for (auto i = static_cast<std::size_t>(replayed.version); i < row.journal.size(); ++i) {
        const auto parsed = core::parse_row(row.journal[i]);
        if (!parsed) {
            stage_.broken(Invariant::journal_replays, "cannot be read: " + parsed.error().message);
            return false;
        }
        check_rows(replayed, *parsed);
        core::apply_row(replayed, *parsed);
        town_.borgun.check_no_card(row.journal[i], "journal of " + id.text());
    }
    if (!(replayed == row.loaded.transaction))
        stage_.broken(Invariant::journal_replays, "another state: " + id.text());
    if (row.journal.size() > rows_max && replayed.put_back > 0)
        stage_.given_up = true;
    else if (row.journal.size() > rows_max)
        stage_.broken(Invariant::everything_ends, "no rest: " + id.text());
    return true;
}

void Inspector::check_rows(const core::Transaction& before, const core::JournalRow& row) {
    for (const auto& event : row.events) {
        if (const auto* back = std::get_if<core::CustomerBack>(&event)) {
            const auto* leg = core::find_leg(before, back->leg);
            if (leg != nullptr && leg->callout && leg->callout->no == back->callout && leg->callout->returned)
                stage_.broken(Invariant::token_spent_once, "a return of " + name_of(before, *leg));
        }
        const auto* decided = std::get_if<core::Decided>(&event);
        if (decided == nullptr) continue;
        if (decided->verdict == core::Verdict::buy && row.at >= before.held_until)
            stage_.broken(Invariant::bought_in_time, "the seats were gone: " + before.id.text());
        const bool money = std::any_of(before.legs.begin(), before.legs.end(), [](const core::Leg& leg) {
            return leg.doing != core::Doing::rest || leg.money != LegMoney::none;
        });
        if (decided->why == "hold" && money) stage_.seen(Fault::hold_over_under_way);
    }
}

void Inspector::check_state(const TransactionId& id, const Record::Row& row) {
    const auto read = core::parse_state(row.state);
    if (!read || !(*read == row.loaded.transaction)) stage_.broken(Invariant::state_reads_back, id.text());
    town_.borgun.check_no_card(row.state, "state of " + id.text());
}

void Inspector::check_verdict(const TransactionId& id, const core::Transaction& transaction) {
    const auto before = verdicts_.find(id);
    if (before != verdicts_.end() && !may_follow(before->second, transaction.phase))
        stage_.broken(Invariant::verdict_stays, id.text());
    const bool just_bought = transaction.phase == Phase::purchased && before == verdicts_.end();
    if (just_bought)
        for (const auto& leg : transaction.legs)
            if (leg.goal == core::Goal::take && !moved(leg))
                stage_.broken(Invariant::purchased_has_the_money, name_of(transaction, leg));
    if (core::has_verdict(transaction.phase)) verdicts_[id] = transaction.phase;
}

void Inspector::check_legs(const core::Transaction& transaction) {
    int away = 0;
    for (const auto& leg : transaction.legs) {
        away += leg.doing == core::Doing::away ? 1 : 0;
        if (!registry_.facts(leg).house_credit) town_.check(transaction, leg);
        const bool kept = leg.money == LegMoney::held || leg.money == LegMoney::taken;
        if (kept && leg.taken_minor != leg.amount.minor && leg.stuck.empty())
            stage_.broken(Invariant::other_amount_is_told, name_of(transaction, leg));
        if (transaction.phase == Phase::failed && core::settled(transaction) && kept)
            stage_.broken(Invariant::failed_keeps_nothing, name_of(transaction, leg));
    }
    if (away > 1) stage_.broken(Invariant::one_customer_away, transaction.id.text());
}

/// What is good for one payment pays for one leg, and no card is in any paper.
void Inspector::check_papers(const TransactionId& id, const core::Transaction& transaction,
                             const core::Papers& papers) {
    for (const auto& [no, parcel] : papers.parcels) {
        const std::string where = fmt::format("parcel of {}-{}", id.text(), no);
        for (const auto* text : {&parcel.request.body, &parcel.saved, &parcel.credential.value})
            town_.borgun.check_no_card(*text, where);
        if (const auto* leg = core::find_leg(transaction, no)) town_.check_token(id, *leg, parcel.credential);
    }
}

// ---- the end -------------------------------------------------------------------------------------------

void Inspector::check_end() {
    for (const auto& [id, row] : record_.rows) {
        count_verdict(row.loaded.transaction);
        check_end_of(id, row);
    }
    check_balances();
    check_lost();
}

void Inspector::put_back(const Record& before) {
    replicas_.clear();
    verdicts_.clear();
    for (const auto& [id, row] : record_.rows) record_.changed.insert(id);
    for (const auto& [id, row] : before.rows) {
        const auto& then = row.loaded.transaction;
        const auto* copy = record_.find(id);
        for (const auto& leg : then.legs) {
            const auto* known = copy == nullptr ? nullptr : core::find_leg(copy->loaded.transaction, leg.no);
            if (known == nullptr) {
                lost_legs_.push_back({then, leg});
                // Another leg may get its number, and with that its reference at the provider.
                town_.out_of_sight.insert(name_of(then, leg));
                continue;
            }
            put_out_of_sight(copy->loaded.transaction, *known, leg);
        }
    }
}

/// What has become of the leg since the copy was made, if nobody can tell who goes on from it.
void Inspector::put_out_of_sight(const core::Transaction& copy, const core::Leg& known,
                                 const core::Leg& then) {
    auto& report = stage_.report;
    const bool refunded = then.refunds.size() > known.refunds.size() || then.back_minor > known.back_minor;
    std::int64_t* counter = nullptr;
    if (refunded)
        counter = &report.refunded_since;
    else if (core::settled(copy) && !(known == then))
        counter = &report.settled_changed;
    else if (!registry_.facts(known).can_query && known.money < then.money)
        counter = &report.unasked_since;
    if (counter == nullptr) return;
    ++*counter;
    town_.out_of_sight.insert(name_of(copy, known));
}

/// Of a bundle that was paid for in a leg that the copy does not know, nothing is taken again.
void Inspector::check_lost() {
    for (const auto& [then, lost] : lost_legs_) {
        ++stage_.report.legs_lost;
        const auto has = town_.has_of(then, lost);
        if (has == 0) continue;
        ++stage_.report.money_lost_sight_of;
        const auto* row = record_.find(then.id);
        if (row == nullptr) continue;
        for (const auto& leg : row->loaded.transaction.legs) {
            const bool same = std::any_of(leg.sources.begin(), leg.sources.end(), [&](const auto& source) {
                return std::find(lost.sources.begin(), lost.sources.end(), source) != lost.sources.end();
            });
            if (same && leg.no >= lost.no && leg.money == LegMoney::taken)
                stage_.broken(Invariant::copy_takes_nothing_again, name_of(then, leg));
        }
    }
}

void Inspector::count_verdict(const core::Transaction& transaction) {
    auto& report = stage_.report;
    switch (transaction.phase) {
        case Phase::purchased:
            ++report.purchased;
            break;
        case Phase::failed:
            ++report.failed;
            break;
        case Phase::cancelled:
            ++report.cancelled;
            break;
        case Phase::released:
            ++report.released;
            break;
        case Phase::reserved:
        case Phase::authorising:
        case Phase::confirming:
        case Phase::capturing:
            stage_.broken(Invariant::everything_ends,
                          fmt::format("{} is {} {}", transaction.id.text(), core::word(transaction.phase),
                                      legs_text(transaction)));
            break;
    }
}

void Inspector::check_end_of(const TransactionId& id, const Record::Row& row) {
    const auto& transaction = row.loaded.transaction;
    bool left_open = false;
    std::set<std::string_view> currencies;
    for (const auto& leg : transaction.legs) {
        if (leg.money != LegMoney::none) currencies.insert(leg.amount.currency.code());
        if (registry_.facts(leg).house_credit) {
            if (leg.money == LegMoney::held || leg.money == LegMoney::taken)
                owed_[transaction.caller + std::string(leg.amount.currency.code())] +=
                    leg.taken_minor - leg.back_minor;
            continue;
        }
        const auto parcel = row.loaded.papers.parcels.find(leg.no);
        const bool known = parcel != row.loaded.papers.parcels.end();
        const std::string credential = known ? parcel->second.credential.value : std::string();
        left_open = town_.check_end(transaction, leg, credential) || left_open;
    }
    if (currencies.size() > 1) stage_.seen(Fault::two_currencies);
    if (!core::settled(transaction) && !left_open)
        stage_.broken(Invariant::everything_ends,
                      fmt::format("not settled: {} {} {}", id.text(), core::word(transaction.phase),
                                  legs_text(transaction)));
}

void Inspector::check_balances() {
    for (const auto& balance : record_.balances("")) {
        const auto of_legs = owed_[balance.caller + std::string(balance.currency.code())];
        if (balance.minor != of_legs)
            stage_.broken(Invariant::ledgers_agree, fmt::format("balance of {} is {}, the legs say {}",
                                                                balance.caller, balance.minor, of_legs));
        if (balance.currency.code() == "GBP" && balance.minor > credit_limit_minor)
            stage_.broken(Invariant::credit_limit_holds, balance.caller);
    }
}

}  // namespace kassi::simulation
