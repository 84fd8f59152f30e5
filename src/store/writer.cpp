#include "store/writer.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/crypto.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/chain.hpp"
#include "store/columns.hpp"
#include "store/copy.hpp"
#include "store/tokens.hpp"

namespace kassi::store {

struct Writer::Statements {
    explicit Statements(Database& database) : db(database) {}
    Database& db;

    Statement begin{db, "BEGIN IMMEDIATE"};
    Statement commit{db, "COMMIT"};
    Statement rollback{db, "ROLLBACK"};

    Statement find{db, "SELECT serial, version, papers, tracking, head FROM transaction_state WHERE id = ?"};
    Statement insert_state{
        db,
        "INSERT INTO transaction_state (id, reference, system, caller, tracking, created, version, "
        "phase, due_at, settled, in_doubt, needs_person, open_call, papers, head, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"};
    Statement update_state{
        db,
        "UPDATE transaction_state SET version = ?, phase = ?, due_at = ?, settled = ?, in_doubt = ?, "
        "needs_person = ?, open_call = ?, papers = ?, head = ?, state = ? WHERE serial = ?"};
    Statement update_tracking{db, "UPDATE transaction_state SET tracking = ? WHERE serial = ?"};

    Statement append{db, "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    Statement seal{db, "INSERT INTO seal (first, last, hash, mac, claims) VALUES (?, ?, ?, ?, ?)"};

    Statement claim{db,
                    "INSERT INTO once (key_hmac, scope, fingerprint_hmac, transaction_serial, version, own, "
                    "proof) VALUES (?, ?, ?, ?, ?, ?, ?)"};

    Statement live_token{
        db, "SELECT transaction_serial, leg, callout, page FROM token WHERE token_hmac = ? AND ended = 0"};
    Statement add_token{
        db,
        "INSERT INTO token (token_hmac, ended, transaction_serial, leg, callout, page, fields_digest) "
        "VALUES (?, 0, ?, ?, ?, ?, '')"};
    Statement spend_token{
        db,
        // Also one whose callout was closed before the browser came: its first return is remembered.
        "UPDATE token SET ended = serial, ended_at = ?, fields_digest = ? "
        "WHERE transaction_serial = ? AND leg = ? AND callout = ? AND page = 0 AND fields_digest = ''"};
    Statement end_tokens{db,
                         "UPDATE token SET ended = serial, ended_at = ? "
                         "WHERE transaction_serial = ? AND leg = ? AND callout <= ? AND ended = 0"};

    Statement put_reference{db,
                            "INSERT INTO reference VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                            "transaction_serial = excluded.transaction_serial, leg = excluded.leg"};

    Statement parcels{db, "SELECT slot, digest FROM parcel WHERE slot BETWEEN ? AND ?"};
    Statement put_parcel{db, "INSERT OR REPLACE INTO parcel VALUES (?, ?, ?, ?)"};
    Statement drop_parcel{db, "DELETE FROM parcel WHERE slot = ?"};

    Statement find_account{db, "SELECT account, minor FROM balance WHERE caller = ? AND currency = ?"};
    Statement add_account{db, "INSERT INTO balance (caller, currency, minor) VALUES (?, ?, 0)"};
    Statement set_balance{db, "UPDATE balance SET minor = ? WHERE account = ?"};
    Statement add_entry{
        db,
        "INSERT INTO credit_entry (account, journal_number, transaction_serial, leg, at, kind, minor, "
        "balance) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"};

    Statement keep{db, "INSERT OR REPLACE INTO unmatched_notice VALUES (?, ?, ?, ?, ?)"};
    Statement drop{db, "DELETE FROM unmatched_notice WHERE merchant = ? AND event_id = ?"};
    /// Only ever rolled back.
    Statement probe{db, "INSERT OR REPLACE INTO meta VALUES ('probe', '')"};
    Statement expire_notices{db, "DELETE FROM unmatched_notice WHERE at < ?"};
    Statement expire_tokens{
        db,
        "DELETE FROM token WHERE serial IN (SELECT serial FROM token INDEXED BY token_ended "
        "WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)"};
};

Writer::Writer(Database database, const Keys& keys, Post post, std::size_t queue_jobs_max,
               std::size_t claims_enough)
    : database_(std::move(database)),
      keys_(keys),
      claim_keys_(database_, keys_),
      post_(std::move(post)),
      queue_jobs_max_(queue_jobs_max),
      sql_(std::make_unique<Statements>(database_)),
      claim_index_(database_, claims_enough),
      people_(database_) {
    const std::int64_t last_row = database_.number("SELECT max(number) FROM journal");
    const std::int64_t last_sealed = database_.number("SELECT max(last) FROM seal");
    if (last_row != last_sealed)
        log::error("journal_and_seals_differ",
                   {{"last_row", std::to_string(last_row)}, {"last_sealed", std::to_string(last_sealed)}});
    ends_.next_number = std::max(last_row, last_sealed) + 1;
    ends_.first_unsealed = ends_.next_number;
    ends_.seal = chain::beginning();
    ends_.claims = database_.number("SELECT max(serial) FROM once");
    Statement newest(database_, "SELECT hash FROM seal ORDER BY number DESC LIMIT 1");
    if (Rows rows(newest); rows.next()) ends_.seal = rows.text(0);
    truncate();  // a process that was killed right after somebody was forgotten could not
    thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
    stop();
}

void Writer::stop() {
    {
        const std::lock_guard lock(queue_->mutex);
        queue_->stopping = true;
    }
    queue_->wake.notify_one();
    if (thread_.joinable()) thread_.join();
}

// ---- the queue, called from the io thread --------------------------------------------------------------

bool Writer::push(Job job) {
    Queue& queue = *queue_;
    std::unique_lock lock(queue.mutex);
    // Dropping a notice makes room and has nobody to tell that there was none.
    const bool full = queue.jobs.size() >= queue_jobs_max_ && !std::holds_alternative<DropJob>(job);
    if (queue.stopping || full) {
        lock.unlock();
        if (auto refused = answer(job, false)) post_(std::move(refused));
        return false;
    }
    queue.jobs.push_back(std::move(job));
    const std::size_t count = queue.jobs.size();
    if (count == 1) {
        queue.wait_until = std::chrono::steady_clock::now() + group_wait_max;
        queue.looked_at = 0;
        queue.gathered = false;
        queue.wake.notify_one();
    } else if (count == group_jobs_enough) {
        queue.wake.notify_one();
    }
    lock.unlock();
    if (count == 1) look_again_at(queue_, post_);
    return true;
}

/// Behind everything that waits for the io thread now: who is served meanwhile may bring a job, too.
void Writer::look_again_at(const std::shared_ptr<Queue>& queue, const Post& post) {
    post([queue, post] {
        {
            const std::lock_guard lock(queue->mutex);
            if (queue->gathered || queue->jobs.empty()) return;
            const std::size_t before = std::exchange(queue->looked_at, queue->jobs.size());
            queue->gathered = queue->looked_at == before;
            if (queue->gathered) return queue->wake.notify_one();
        }
        look_again_at(queue, post);
    });
}

void Writer::commit(Unit unit, std::function<void(CommitOutcome)> done) {
    const auto& next = unit.decision.next;
    KASSI_ENSURE(next.version == unit.version_read + 1);
    KASSI_ENSURE(next.legs.size() <= limits::legs_max);
    Ready ready = make_ready(unit);
    push(CommitJob{std::move(unit), std::move(ready), std::move(done)});
}

Writer::Ready Writer::make_ready(Unit& unit) {
    Ready ready;
    ready.claims.reserve(unit.claims.size());
    ready.fingerprints.reserve(unit.claims.size());
    ready.proofs.reserve(unit.claims.size());
    for (const Claim& claim : unit.claims) {
        ready.claims.push_back(claim_keys_.of(claim));
        ready.fingerprints.push_back(claim.fingerprint.empty() ? "" : keys_.fingerprint(claim.fingerprint));
        ready.proofs.push_back(
            keys_.claim_proof(provable(ready.claims.back(), claim.scope, ready.fingerprints.back(),
                                       unit.decision.next.id, unit.decision.next.version)));
    }
    ready.row = core::row_json(unit.row);
    ready.state = core::state_json(unit.decision.next);
    const auto seal = [&](Person what, std::optional<std::string>& json) -> std::optional<SealedPerson> {
        if (!json) return std::nullopt;
        auto sealed = seal_person(keys_, what, unit.decision.next.id, *json, randomness_);
        json.reset();
        return sealed;
    };
    ready.customer = seal(Person::customer, unit.customer_json);
    ready.document = seal(Person::document, unit.document_json);
    return ready;
}

void Writer::keep(UnmatchedNotice notice, std::function<void(bool)> done) {
    push(KeepJob{std::move(notice), std::move(done)});
}

void Writer::drop(std::string merchant, std::string event_id) {
    push(DropJob{std::move(merchant), std::move(event_id)});
}

void Writer::put_to_work(Instant now, std::function<void(bool)> done) {
    push(PutToWorkJob{now, std::move(done)});
}

void Writer::expire(Instant now, std::function<void(std::int64_t)> done) {
    push(ExpireJob{now, std::move(done)});
}

// ---- the thread ----------------------------------------------------------------------------------------

void Writer::loop() {
    try {
        std::vector<Job> group;
        while (next_group(group)) {
            write(group);
            group.clear();
        }
    } catch (const std::exception& error) {
        log::error("store_writer_failed", {{"why", error.what()}});
        std::_Exit(exit_commit_failed);
    }
}

/// False: it is over. An empty group: it was time to look after something else.
bool Writer::next_group(std::vector<Job>& group) {
    Queue& queue = *queue_;
    std::unique_lock lock(queue.mutex);
    const auto called = [&queue] { return queue.stopping || !queue.jobs.empty(); };
    const bool restless = !writable_ || to_truncate_;
    if (!restless) {
        queue.wake.wait(lock, called);
    } else if (!queue.wake.wait_for(lock, look_again, called)) {
        lock.unlock();
        writable_ ? truncate() : probe();
        return true;
    }
    queue.wake.wait_until(lock, queue.wait_until, [&queue] {
        return queue.stopping || queue.gathered || queue.jobs.size() >= group_jobs_enough;
    });
    if (queue.jobs.empty()) return false;
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.jobs.size(), group_jobs_max));
    group.assign(std::make_move_iterator(queue.jobs.begin()),
                 std::make_move_iterator(queue.jobs.begin() + count));
    queue.jobs.erase(queue.jobs.begin(), queue.jobs.begin() + count);
    return true;
}

void Writer::write(std::vector<Job>& group) {
    if (group.empty()) return;
    const std::int64_t changes = database_.changes();
    const Ends before = ends_;
    const bool written = write_all(group) && commit_all();
    if (!written) {
        ends_ = before;
        claim_index_.rolled_back();
        roll_back();
    }
    if (written && to_truncate_ && std::chrono::steady_clock::now() >= truncate_at_) truncate();
    // A group that changed nothing has not tried.
    if (!written || database_.changes() != changes) writable_ = written;
    std::vector<std::function<void()>> answers;
    answers.reserve(group.size());
    for (Job& job : group)
        if (auto callback = answer(job, written)) answers.push_back(std::move(callback));
    // With what is left of the jobs: the io thread made it, and can give it back at less cost.
    if (!answers.empty())
        post_([answers = std::move(answers), jobs = std::exchange(group, {})] {
            for (const auto& callback : answers) callback();
        });
    // What was committed is on the disk: whoever was answered goes on meanwhile.
    if (written) claim_index_.committed();
    database_.checkpoint_when_due();
}

/// False: something of the group could not be written, for want of space or rights.
bool Writer::write_all(std::vector<Job>& group) {
    try {
        sql_->begin.run();
        for (Job& job : group) std::visit([this](auto& kind) { do_job(kind); }, job);
        claim_index_.move_some();
        seal();
        database_.flush();
        return true;
    } catch (const SqlError& error) {
        log::error("store_write_failed", {{"why", error.what()}, {"code", std::to_string(error.code())}});
        return false;
    }
}

/// False: there was no room for the commit's own page, so that it does not stand. Whether a commit that
/// failed otherwise is durable is unknown: the restart finds out.
bool Writer::commit_all() {
    try {
        sql_->commit.run();
        return true;
    } catch (const SqlError& error) {
        log::error("store_commit_failed", {{"why", error.what()}, {"code", std::to_string(error.code())}});
        if (!error.is_full()) std::_Exit(exit_commit_failed);
        return false;
    }
}

void Writer::roll_back() {
    try {
        if (database_.in_transaction()) sql_->rollback.run();
    } catch (const SqlError& error) {
        log::error("store_rollback_failed", {{"why", error.what()}});
        std::_Exit(exit_commit_failed);
    }
}

/// A write that is taken back. Whoever sends no requests while this is not writable hears that it is over.
void Writer::probe() {
    try {
        sql_->begin.run();
        sql_->probe.run();
        database_.flush();
        writable_ = true;
    } catch (const SqlError&) {
        // As before, and said before.
    }
    roll_back();
    if (writable_) log::info("store_writable_again", {});
}

std::function<void()> Writer::answer(Job& job, bool written) {
    if (auto* commit = std::get_if<CommitJob>(&job)) {
        if (!commit->done) return {};
        auto outcome = written ? commit->outcome : CommitOutcome{CommitOutcome::Kind::unavailable};
        if (outcome.kind == CommitOutcome::Kind::committed) {
            auto& decision = commit->unit.decision;
            outcome.after = std::make_shared<const Loaded>(
                Loaded{std::move(decision.next), std::move(decision.papers), commit->stored_bytes});
        }
        return [done = std::move(commit->done), outcome] { done(outcome); };
    }
    if (auto* keep = std::get_if<KeepJob>(&job)) {
        if (!keep->done) return {};
        return [done = std::move(keep->done), written] { done(written); };
    }
    if (auto* put = std::get_if<PutToWorkJob>(&job)) {
        if (!put->done) return {};
        return [done = std::move(put->done), written] { done(written); };
    }
    if (auto* expire = std::get_if<ExpireJob>(&job)) {
        if (!expire->done) return {};
        return [done = std::move(expire->done), count = written ? expire->count : 0] { done(count); };
    }
    return {};
}

/// What was forgotten is not in the WAL either. Whoever reads what was before, a backup for instance, is not
/// waited for: tried again later.
void Writer::truncate() {
    try {
        to_truncate_ = !database_.truncate_wal();
        truncate_failed_ = false;
    } catch (const SqlError& error) {
        if (!std::exchange(truncate_failed_, true))
            log::warning("wal_not_truncated", {{"why", error.what()}});
        to_truncate_ = true;
    }
    truncate_at_ = std::chrono::steady_clock::now() + look_again;
}

void Writer::do_job(CommitJob& job) {
    job.outcome = write_unit(job.unit, job.ready, job.stored_bytes);
}

void Writer::do_job(KeepJob& job) {
    const auto& notice = job.notice;
    sql_->keep.run(notice.merchant, notice.event_id, notice.reference, to_millis(notice.at), notice.json);
}

void Writer::do_job(DropJob& job) {
    sql_->drop.run(job.merchant, job.event_id);
}

void Writer::do_job(ExpireJob& job) {
    const std::int64_t before = database_.changes();
    sql_->expire_notices.run(to_millis(job.now - unmatched_kept));
    sql_->expire_tokens.run(to_millis(job.now - ended_tokens_kept), expired_tokens_max);
    job.count = database_.changes() - before;
}

void Writer::do_job(PutToWorkJob& job) {
    put_to_work_mark(database_, job.now);
}

// ---- one unit --------------------------------------------------------------------------------------------

CommitOutcome Writer::write_unit(const Unit& unit, const Ready& ready, std::size_t& stored_bytes) {
    using Kind = CommitOutcome::Kind;
    const auto& decision = unit.decision;

    // A claimed key is the last word; a version conflict only means another try.
    if (const auto index = claimed(ready.claims)) return {Kind::claimed, *index};

    // Whether a new one is there already its first write tells.
    const bool known = unit.version_read != 0;
    Stored stored = known ? find(decision.next.id) : Stored{};
    if (stored.version != unit.version_read) return {Kind::version_conflict};

    std::vector<std::string> tokens;
    tokens.reserve(decision.tokens_live.size());
    for (const auto& live : decision.tokens_live)
        tokens.push_back(keys_.token(live.minted ? "" : decision.next.caller, live.token));
    if (const auto index = token_taken(unit, stored.serial, tokens)) return {Kind::token_taken, *index};

    std::map<AccountKey, Account> accounts;
    if (const auto index = credit_exhausted(unit, accounts)) return {Kind::credit_exhausted, *index};

    const auto state_bytes = write_state_and_row(unit, ready, stored);
    if (!state_bytes) return {Kind::version_conflict};
    stored_bytes = *state_bytes + write_papers(unit, stored);
    if (known) end_tokens(unit, stored.serial);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const auto& live = decision.tokens_live[i];
        sql_->add_token.run(Blob{tokens[i]}, stored.serial, live.leg, live.callout, live.page);
    }
    for (std::size_t i = 0; i < ready.claims.size(); ++i) {
        const auto& hmac = ready.fingerprints[i];
        const auto fingerprint = hmac.empty() ? std::nullopt : std::optional(Blob{hmac});
        const ClaimKey& key = ready.claims[i];
        sql_->claim.run(Blob{key.hmac}, unit.claims[i].scope, fingerprint, stored.serial,
                        decision.next.version, key.own, Blob{ready.proofs[i]});
        ends_.claims = database_.last_serial();
        claim_index_.add(key, ends_.claims);
    }
    for (const auto& known_now : decision.references)
        sql_->put_reference.run(known_now.merchant, known_now.reference, stored.serial, known_now.leg);
    write_credit(unit, stored.serial, accounts);
    write_people(unit, ready, stored.serial);
    return {};
}

Writer::Stored Writer::find(const TransactionId& id) {
    Stored stored;
    if (Rows rows(sql_->find, to_blob(id)); rows.next()) {
        stored.serial = rows.integer(0);
        stored.version = rows.integer(1);
        stored.papers = rows.integer(2);
        stored.tracking = rows.text(3);
        stored.head = rows.text(4);
    }
    return stored;
}

std::optional<std::size_t> Writer::claimed(const std::vector<ClaimKey>& keys) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto here = keys.begin() + static_cast<std::ptrdiff_t>(i);
        const bool twice =
            std::any_of(keys.begin(), here, [&](const ClaimKey& key) { return key.hmac == here->hmac; });
        if (twice || claim_index_.has(*here)) return i;
    }
    return std::nullopt;
}

std::optional<std::size_t> Writer::token_taken(const Unit& unit, std::int64_t serial,
                                               const std::vector<std::string>& hmacs) {
    for (std::size_t i = 0; i < hmacs.size(); ++i) {
        const auto here = hmacs.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::find(hmacs.begin(), here, *here) != here) return i;
        Rows rows(sql_->live_token, Blob{*here});
        if (!rows.next()) continue;
        const bool ends_now = rows.integer(0) == serial && ends_token(unit.decision, rows.integer(1),
                                                                      rows.integer(2), rows.integer(3) != 0);
        if (!ends_now) return i;
    }
    return std::nullopt;
}

std::optional<std::size_t> Writer::credit_exhausted(const Unit& unit,
                                                    std::map<AccountKey, Account>& accounts) {
    for (std::size_t i = 0; i < unit.credit.size(); ++i) {
        const auto& credit = unit.credit[i];
        const AccountKey key{credit.caller, std::string(credit.entry.amount.currency.code())};
        auto [found, is_new] = accounts.try_emplace(key);
        Account& account = found->second;
        if (is_new) {
            if (Rows rows(sql_->find_account, key.first, key.second); rows.next())
                account = Account{rows.integer(0), rows.integer(1), rows.integer(1)};
        }
        if (__builtin_add_overflow(account.planned, credit.delta, &account.planned)) return i;
        // Giving back is never refused, however low the limit has become meanwhile.
        if (credit.limit && credit.delta > 0 && account.planned > *credit.limit) return i;
    }
    return std::nullopt;
}

// ---- writing it ------------------------------------------------------------------------------------------

std::optional<std::size_t> Writer::write_state_and_row(const Unit& unit, const Ready& ready, Stored& stored) {
    const auto& next = unit.decision.next;
    const chain::RowHead head{.transaction = next.id,
                              .version = next.version,
                              .at = to_millis(unit.row.at),
                              .due_at = to_millis(unit.due_at),
                              .flags = chain::flags(unit.settled, unit.in_doubt, unit.needs_person)};
    const std::string hash =
        chain::row_hash(stored.serial == 0 ? chain::beginning() : stored.head, head, ready.row);

    const auto& papers = unit.decision.papers;
    const auto paper_count = papers.parcels.size() + (papers.journey ? 1 : 0);
    const bool open_call = has_open_call(next);
    if (stored.serial == 0) {
        const std::int64_t before = database_.changes();
        sql_->insert_state.run(to_blob(next.id), next.reference, next.system, next.caller, next.tracking,
                               to_millis(next.handed_over_at), next.version, core::word(next.phase),
                               head.due_at, unit.settled, unit.in_doubt, unit.needs_person, open_call,
                               paper_count, Blob{hash}, ready.state);
        if (database_.changes() == before) return std::nullopt;
        stored.serial = database_.last_serial();
    } else {
        sql_->update_state.run(next.version, core::word(next.phase), head.due_at, unit.settled, unit.in_doubt,
                               unit.needs_person, open_call, paper_count, Blob{hash}, ready.state,
                               stored.serial);
        if (next.tracking != stored.tracking) sql_->update_tracking.run(next.tracking, stored.serial);
    }

    sql_->append.run(ends_.next_number, stored.serial, head.version, head.at, head.due_at, head.flags,
                     head.format, ready.row, Blob{hash});
    ++ends_.next_number;
    ends_.row_hashes += hash;
    return ready.state.size();
}

/// Only what changed is written: a parcel lives through many commits.
std::size_t Writer::write_papers(const Unit& unit, const Stored& stored) {
    const auto& papers = unit.decision.papers;
    const auto& id = unit.decision.next.id;
    std::map<std::int64_t, std::string> digests;  // of what is stored, by slot
    if (stored.papers != 0) {
        Rows rows(sql_->parcels, slot_of(stored.serial, 0),
                  slot_of(stored.serial, slots_per_transaction - 1));
        while (rows.next()) digests.emplace(rows.integer(0), rows.text(1));
    }
    std::size_t bytes = 0;
    const auto put = [&](std::int64_t leg, const std::string& json) {
        bytes += json.size();
        KASSI_ENSURE(leg >= 0 && leg < slots_per_transaction);
        const std::int64_t slot = slot_of(stored.serial, leg);
        const std::string context = parcel_context(id, leg);
        const std::string digest = keys_.parcel_digest(context, json);
        const auto old = digests.extract(slot);
        if (!old.empty() && old.mapped() == digest) return;
        const std::string sealed = crypto::seal(keys_.parcel.reveal(), context, json, randomness_);
        sql_->put_parcel.run(slot, keys_.id, Blob{digest}, Blob{sealed});
    };
    if (papers.journey) put(0, core::papers_json(*papers.journey));
    for (const auto& [leg, parcel] : papers.parcels) put(leg, core::papers_json(parcel));
    for (const auto& [slot, digest] : digests) sql_->drop_parcel.run(slot);
    return bytes;
}

void Writer::end_tokens(const Unit& unit, std::int64_t serial) {
    const std::int64_t at = to_millis(unit.row.at);
    if (const auto& spent = unit.decision.token_spent)
        sql_->spend_token.run(at, spent->fields_digest, serial, spent->leg, spent->callout);
    for (const core::Leg& leg : unit.decision.next.legs)
        if (const std::int64_t last = last_callout_over(leg); last > 0)
            sql_->end_tokens.run(at, serial, leg.no, last);
}

void Writer::write_people(const Unit& unit, const Ready& ready, std::int64_t serial) {
    const bool replaces = unit.version_read != 0;
    if (ready.customer) people_.put(Person::customer, serial, *ready.customer, replaces);
    if (ready.document) people_.put(Person::document, serial, *ready.document, replaces);
    const auto& events = unit.decision.events;
    const bool forgets = std::any_of(events.begin(), events.end(), [](const core::Event& event) {
        return std::holds_alternative<core::Forgotten>(event);
    });
    if (!forgets) return;
    people_.forget(serial);
    to_truncate_ = true;
    truncate_at_ = {};
}

void Writer::write_credit(const Unit& unit, std::int64_t serial, std::map<AccountKey, Account>& accounts) {
    for (const auto& credit : unit.credit) {
        const AccountKey key{credit.caller, std::string(credit.entry.amount.currency.code())};
        Account& account = accounts[key];
        if (account.serial == 0) {
            sql_->add_account.run(key.first, key.second);
            account.serial = database_.last_serial();
        }
        account.minor += credit.delta;
        sql_->add_entry.run(account.serial, ends_.next_number - 1, serial, credit.entry.leg,
                            to_millis(unit.row.at), credit.entry.kind, credit.delta, account.minor);
        sql_->set_balance.run(account.minor, account.serial);
    }
}

/// One seal over the rows of this group.
void Writer::seal() {
    if (ends_.row_hashes.empty()) return;
    const std::int64_t last = ends_.next_number - 1;
    const std::string hash = chain::seal_hash(ends_.seal, ends_.first_unsealed, last, ends_.row_hashes);
    const std::string mac = chain::seal_mac(keys_.seal.reveal(), hash, ends_.claims);
    sql_->seal.run(ends_.first_unsealed, last, Blob{hash}, Blob{mac}, ends_.claims);
    ends_.seal = hash;
    ends_.first_unsealed = ends_.next_number;
    ends_.row_hashes.clear();
}

}  // namespace kassi::store
