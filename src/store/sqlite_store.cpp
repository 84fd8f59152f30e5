#include "store/sqlite_store.hpp"

#include <filesystem>
#include <map>
#include <set>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/claim_index.hpp"
#include "store/claims.hpp"
#include "store/columns.hpp"
#include "store/copy.hpp"
#include "store/directory.hpp"
#include "store/keys.hpp"
#include "store/migrations.hpp"
#include "store/newest.hpp"
#include "store/people.hpp"
#include "store/writer.hpp"

namespace kassi::store {
namespace {

/// Rows that one look for what may be forgotten passes at most, of each table: old ones that are not settled
/// or were touched lately stand before the others, and are few.
constexpr std::size_t forgettable_looks_max = 10'000;

/// What the program wrote itself and cannot read any more: the store is broken.
template <class T>
T read_back(Result<T> result, const char* what) {
    if (!result)
        throw std::runtime_error(std::string("the store is broken: ") + what + ": " + result.error().message);
    return std::move(*result);
}

Currency to_currency(std::string_view code) {
    return read_back(Currency::parse(code, "currency"), "currency");
}

/// What a person's row is opened with.
std::string person_sql(const std::string& table) {
    return "SELECT p.json, p.sealed, p.key_number, k.salt FROM transaction_state t JOIN " + table +
           " p ON p.transaction_serial = t.serial LEFT JOIN person_key k ON k.number = p.key_number "
           "WHERE t.id = ?";
}

/// ?1 is the key, ?2 its row of `once` when that is known. `serials`: rows that may have it.
std::string claim_sql(const std::string& serials) {
    return "SELECT t.id, o.version, o.fingerprint_hmac FROM once o JOIN transaction_state t "
           "ON t.serial = o.transaction_serial WHERE o.key_hmac = ?1 AND o.serial IN (" +
           serials + " UNION ALL SELECT ?2)";
}

/// Of everybody of whom something is kept in `rows`, in the order of the hand-overs: when it was handed over,
/// whether it is settled, and when the last row was written. `order` is the table's own: nothing is sorted.
std::string old_sql(const std::string& rows, const std::string& serial, const std::string& order) {
    return "SELECT t.serial, t.id, t.created, t.settled, (SELECT j.at FROM journal j WHERE "
           "j.transaction_serial = t.serial ORDER BY j.version DESC LIMIT 1) FROM " +
           rows + " JOIN transaction_state t ON t.serial = " + serial + " ORDER BY " + order;
}

/// The present reads of the calling thread.
struct Reader {
    Reader(Database database, const Keys& keys) : db(std::move(database)), claim_keys(db, keys) {}
    Database db;
    ClaimKeys claim_keys;

    Statement load{
        db,
        "SELECT t.state, p.slot, p.sealed FROM transaction_state t LEFT JOIN parcel p "
        "ON p.slot BETWEEN t.serial * 256 AND t.serial * 256 + 255 WHERE t.id = ? ORDER BY p.slot"};
    Statement find_reference{db, "SELECT id FROM transaction_state WHERE reference = ?"};
    // Not one statement with both: a client that uses one token on every run leaves many that ended.
    Statement live_token{db,
                         "SELECT t.id, k.leg, k.callout, k.page, k.ended, k.fields_digest FROM token k "
                         "JOIN transaction_state t ON t.serial = k.transaction_serial "
                         "WHERE k.token_hmac = ? AND k.ended = 0"};
    Statement newest_token{db,
                           "SELECT t.id, k.leg, k.callout, k.page, k.ended, k.fields_digest FROM token k "
                           "JOIN transaction_state t ON t.serial = k.transaction_serial "
                           "WHERE k.token_hmac = ? ORDER BY k.ended DESC LIMIT 1"};
    Statement find_leg{
        db,
        "SELECT t.id, r.leg FROM reference r JOIN transaction_state t ON t.serial = r.transaction_serial "
        "WHERE r.merchant = ? AND r.reference = ?"};
    Statement find_claim{db, claim_sql("SELECT serial FROM once_key WHERE key_start = substr(?1, 1, " +
                                       std::to_string(claim_key_start_bytes) + ")")};
    Statement find_own_claim{db, claim_sql("SELECT serial FROM once_own WHERE key_hmac = ?1")};
    Statement customer{db, person_sql("customer")};
    Statement document{db, person_sql("document")};
    Statement old_customers{db, old_sql("customer p", "p.transaction_serial", "p.transaction_serial")};
    Statement old_documents{db, old_sql("document p", "p.transaction_serial", "p.transaction_serial")};
    Statement old_journeys{
        db, old_sql("(SELECT slot FROM parcel WHERE slot % 256 = 0) p", "p.slot / 256", "p.slot")};
    Statement journal{db,
                      "SELECT j.number, j.version, j.at, j.body, j.hash FROM transaction_state t "
                      "JOIN journal j ON j.transaction_serial = t.serial WHERE t.id = ? ORDER BY j.version"};
    Statement due{
        db,
        "SELECT id FROM transaction_state WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?"};
    Statement next_due{
        db, "SELECT due_at FROM transaction_state WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"};
    Statement open_call{db, "SELECT id FROM transaction_state WHERE open_call = 1 ORDER BY created, id"};
    Statement open_states{db, "SELECT state FROM transaction_state WHERE settled = 0"};
    Statement statement{db,
                        "SELECT e.at, e.number, t.id, e.leg, e.kind, e.minor, e.balance FROM balance b "
                        "JOIN credit_entry e ON e.account = b.account "
                        "JOIN transaction_state t ON t.serial = e.transaction_serial "
                        "WHERE b.caller = ? AND b.currency = ? AND (e.at, e.number) > (?, ?) AND e.at < ? "
                        "ORDER BY e.at, e.number LIMIT ?"};
    Statement balances{db,
                       "SELECT caller, currency, minor FROM balance WHERE ?1 = '' OR caller = ?1 "
                       "ORDER BY caller, currency"};
    Statement unmatched{
        db,
        "SELECT event_id, at, json FROM unmatched_notice WHERE merchant = ? AND reference = ? "
        "ORDER BY at, event_id"};
    Statement matched_since{db,
                            "SELECT merchant, reference, event_id, at, json FROM unmatched_notice "
                            "JOIN reference USING (merchant, reference) ORDER BY at, event_id LIMIT ?"};
    // Serials and journal numbers have no gaps: their largest is their count.
    Statement counts{db,
                     "SELECT (SELECT max(serial) FROM transaction_state), "
                     "(SELECT count(*) FROM transaction_state WHERE settled = 0), "
                     "(SELECT count(*) FROM transaction_state WHERE in_doubt = 1), "
                     "(SELECT count(*) FROM transaction_state WHERE needs_person = 1), "
                     "(SELECT max(number) FROM journal), "
                     "(SELECT at FROM journal ORDER BY number DESC LIMIT 1), "
                     "(SELECT count(*) FROM unmatched_notice)"};
    Statement created{db, "SELECT created FROM transaction_state WHERE id = ?"};
};

/// A list's SQL: every filter that is set as a condition of its own, in the order of ?1 ... ?8, on the index
/// that leaves least to look at.
std::string list_sql(const ListFilter& filter) {
    std::string index = "transaction_created";
    if (!filter.caller.empty()) index = "transaction_caller";
    if (!filter.tracking.empty()) index = "transaction_tracking";
    if (filter.settled == false) index = "transaction_open";
    if (filter.needs_person == true) index = "transaction_needs_person";
    if (filter.in_doubt == true) index = "transaction_in_doubt";
    std::string sql = "SELECT id FROM transaction_state INDEXED BY " + index + " WHERE 1";
    const auto flag = [&sql](const char* name, const std::optional<bool>& wanted) {
        if (wanted)
            sql += std::string(" AND ") + name + (*wanted ? " = 1" : " = 0");  // no ?: else no partial index
    };
    flag("settled", filter.settled);
    flag("in_doubt", filter.in_doubt);
    flag("needs_person", filter.needs_person);
    if (!filter.system.empty()) sql += " AND system = ?1";
    if (!filter.caller.empty()) sql += " AND caller = ?2";
    if (!filter.tracking.empty()) sql += " AND tracking <> '' AND tracking = ?3";
    if (filter.phase) sql += " AND phase = ?4";
    if (filter.from) sql += " AND created >= ?5";
    if (filter.to) sql += " AND created < ?6";
    if (filter.after) sql += " AND (created, id) < (?7, ?8)";
    return sql + " ORDER BY created DESC, id DESC LIMIT ?9";
}

std::vector<TransactionId> ids(Rows&& rows) {
    std::vector<TransactionId> found;
    while (rows.next()) found.push_back(to_id(rows.text(0)));
    return found;
}

/// What the first who opened it said of the house. Another one's is not touched: this comes before the
/// migrations, and reads only. The mode speaks first: each has a key of its own, which would hide it.
Result<void> check_house(Database& database, const std::string& key_id, const std::string& mode) {
    if (database.number("PRAGMA user_version") == 0) return {};
    // Money that is real and money that is not never share a journal.
    if (const auto found = meta_of(database, "mode"); !mode.empty() && found && *found != mode)
        return Error{ErrorKind::internal, "",
                     "the data directory is that of mode " + *found + ", and this is mode " + mode +
                         ": each needs a data directory of its own"};
    // The journal names the master key that the data was written with; another one could read nothing.
    if (const auto found = meta_of(database, "key_id"); found && *found != key_id)
        return Error{ErrorKind::internal, "", "the data directory was made with another master key"};
    return {};
}

/// A copy goes to work when somebody says so, and nothing else does.
Result<void> check_copy(Database& database, SqliteOptions::Copy wanted) {
    if (database.number("PRAGMA user_version") == 0 && wanted != SqliteOptions::Copy::put_to_work) return {};
    const auto copied_at = origin_of(database).copied_at;
    switch (wanted) {
        case SqliteOptions::Copy::refuse:
            if (copied_at) return not_put_to_work(*copied_at);
            return {};
        case SqliteOptions::Copy::read:
            return {};
        case SqliteOptions::Copy::put_to_work:
            if (!copied_at)
                return Error{ErrorKind::conflict, "restored",
                             "the record is not a copy, or was put to work already: it starts without "
                             "--restored"};
            return {};
    }
    return {};
}

/// A copy as it was made is not written to before it is known that it may be. (Not with a rollback journal
/// beside it, which only a connection that may write can take back: then the house was about to open it.)
Result<void> look_at_copy(const SqliteOptions& options, const std::string& key_id) {
    const std::string file = database_file(options.directory);
    if (auto good = check_neighbours(options.directory); !good) return good;
    if (!untouched_copy(options.directory) || std::filesystem::exists(file + "-journal")) return {};
    auto database = Database::for_reading(file);
    if (auto same = check_house(database, key_id, options.mode); !same) return same;
    return check_copy(database, options.copy);
}

void keep_house(Database& database, const std::string& key_id, const std::string& mode) {
    Statement keep(database, "INSERT OR IGNORE INTO meta VALUES (?, ?)");
    keep.run("key_id", key_id);
    if (!mode.empty()) keep.run("mode", mode);
}

Result<DirectoryLock> take_lock(const std::string& directory, const std::function<bool()>& lock_held) {
    for (;;) {
        auto lock = DirectoryLock::take(directory);
        const bool again =
            !lock && lock.error().kind == ErrorKind::unavailable && lock_held != nullptr && lock_held();
        if (!again) return lock;
    }
}

}  // namespace

struct SqliteStore::State {
    State(DirectoryLock taken, const SqliteOptions& options)
        : lock(std::move(taken)),
          keys(options.master_key),
          newest(std::make_shared<Newest>(options.newest_bytes_max)) {}
    std::optional<std::string> person(Statement& statement, Person what, const TransactionId& id) const;

    // Destroyed from below: the reader closes first, then the writer writes what is queued and closes as the
    // last connection (which checkpoints), and the lock goes at the end.
    DirectoryLock lock;
    Keys keys;
    std::shared_ptr<Newest> newest;  ///< also of answers that come after the end
    std::unique_ptr<Writer> writer;
    std::unique_ptr<Reader> reader;
};

SqliteStore::SqliteStore() = default;
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(SqliteOptions options) {
    if (options.master_key.reveal().size() != master_key_bytes)
        return Error{ErrorKind::internal, "master_key", "the master key must have 32 bytes"};
    KASSI_ENSURE(options.post != nullptr);
    if (auto made = make_directory(options.directory); !made) return made.error();
    auto lock = take_lock(options.directory, options.lock_held);
    if (!lock) return lock.error();
    if (auto made = make_database_file(options.directory); !made) return made.error();
    auto state = std::make_unique<State>(std::move(*lock), options);
    try {
        const std::string file = database_file(options.directory);
        const std::string key_id = std::to_string(state->keys.id);
        if (auto good = look_at_copy(options, key_id); !good) return good.error();
        auto database = Database::for_writing(file);
        if (auto same = check_house(database, key_id, options.mode); !same) return same.error();
        if (auto good = check_copy(database, options.copy); !good) return good.error();
        const bool only_read =
            options.copy == SqliteOptions::Copy::read && origin_of(database).copied_at.has_value();
        const auto before = apply_migrations(database, nullptr);
        if (!before) return before.error();
        keep_house(database, key_id, options.mode);
        const std::size_t queue_max =
            options.queue_units_max == 0 ? limits::write_queue_units_max : options.queue_units_max;
        const std::size_t claims_enough =
            options.waiting_claims_enough == 0 ? waiting_claims_enough : options.waiting_claims_enough;
        state->writer = std::make_unique<Writer>(std::move(database), state->keys, std::move(options.post),
                                                 queue_max, claims_enough);
        state->reader = std::make_unique<Reader>(Database::for_reading(file), state->keys);
        if (only_read) state->writer->stop();  // from now on it refuses
    } catch (const SqlError& error) {
        return Error{ErrorKind::internal, "", error.what()};
    }
    std::unique_ptr<SqliteStore> store(new SqliteStore);
    store->state_ = std::move(state);
    return store;
}

std::shared_ptr<const Loaded> SqliteStore::load(const TransactionId& id) {
    if (auto kept = state_->newest->find(id)) return kept;
    Rows rows(state_->reader->load, to_blob(id));
    if (!rows.next()) return nullptr;
    Loaded loaded{.transaction = read_back(core::parse_state(rows.text(0)), "state"),
                  .stored_bytes = rows.text(0).size()};
    for (bool more = !rows.null(1); more; more = rows.next()) {
        const std::int64_t leg = leg_of_slot(rows.integer(1));
        const auto sealed = rows.text(2);
        loaded.stored_bytes += sealed.size();
        const std::string json =
            read_back(crypto::open(state_->keys.parcel.reveal(), parcel_context(id, leg), sealed), "parcel");
        if (leg == 0)
            loaded.papers.journey = read_back(core::parse_journey(json), "journey");
        else
            loaded.papers.parcels[leg] = read_back(core::parse_parcel(json), "parcel");
    }
    auto found = std::make_shared<const Loaded>(std::move(loaded));
    state_->newest->keep(found);
    return found;
}

std::optional<TransactionId> SqliteStore::find_reference(std::string_view reference) {
    Rows rows(state_->reader->find_reference, reference);
    if (!rows.next()) return std::nullopt;
    return to_id(rows.text(0));
}

std::optional<TokenFound> SqliteStore::find_token(std::string_view caller, std::string_view token) {
    const std::string hmac = state_->keys.token(caller, token);
    for (Statement* statement : {&state_->reader->live_token, &state_->reader->newest_token}) {
        Rows rows(*statement, Blob{hmac});
        if (!rows.next()) continue;
        return TokenFound{.transaction = to_id(rows.text(0)),
                          .leg = rows.integer(1),
                          .callout = rows.integer(2),
                          .page = rows.integer(3) != 0,
                          .spent = rows.integer(4) != 0,
                          .fields_digest = std::string(rows.text(5))};
    }
    return std::nullopt;
}

std::optional<LegFound> SqliteStore::find_leg(std::string_view merchant, std::string_view reference) {
    Rows rows(state_->reader->find_leg, merchant, reference);
    if (!rows.next()) return std::nullopt;
    return LegFound{to_id(rows.text(0)), rows.integer(1)};
}

std::optional<ClaimFound> SqliteStore::find_claim(const Claim& claim) {
    const ClaimKey key = state_->reader->claim_keys.of(claim);
    const auto waiting = state_->writer->claim_index().waiting(key);
    Rows rows(key.own ? state_->reader->find_own_claim : state_->reader->find_claim, Blob{key.hmac}, waiting);
    if (!rows.next()) return std::nullopt;
    ClaimFound found{to_id(rows.text(0)), rows.integer(1), false};
    found.same_fingerprint =
        rows.null(2) ? claim.fingerprint.empty()
                     : !claim.fingerprint.empty() &&
                           crypto::equal(rows.text(2), state_->keys.fingerprint(claim.fingerprint));
    return found;
}

std::optional<std::string> SqliteStore::State::person(Statement& statement, Person what,
                                                      const TransactionId& id) const {
    Rows rows(statement, to_blob(id));
    if (!rows.next()) return std::nullopt;
    return read_back(open_person(keys, what, id, rows.text(0), rows.text(1), rows.text(3), rows.null(2)),
                     "person");
}

std::optional<std::string> SqliteStore::customer(const TransactionId& id) {
    return state_->person(state_->reader->customer, Person::customer, id);
}

std::optional<std::string> SqliteStore::document(const TransactionId& id) {
    return state_->person(state_->reader->document, Person::document, id);
}

std::vector<StoredRow> SqliteStore::journal(const TransactionId& id) {
    std::vector<StoredRow> found;
    Rows rows(state_->reader->journal, to_blob(id));
    while (rows.next())
        found.push_back(StoredRow{.number = rows.integer(0),
                                  .version = rows.integer(1),
                                  .at = to_instant(rows.integer(2)),
                                  .json = std::string(rows.text(3)),
                                  .hash_hex = encoding::hex(rows.text(4))});
    return found;
}

std::vector<TransactionId> SqliteStore::list(const ListFilter& filter) {
    Reader& reader = *state_->reader;
    std::int64_t after_created = 0;
    if (filter.after) {
        Rows rows(reader.created, to_blob(*filter.after));
        if (!rows.next()) return {};
        after_created = rows.integer(0);
    }
    Statement statement(reader.db, list_sql(filter));
    const TransactionId after = filter.after.value_or(TransactionId{});
    return ids(Rows(statement, filter.system, filter.caller, filter.tracking,
                    filter.phase ? core::word(*filter.phase) : "", to_millis(filter.from).value_or(0),
                    to_millis(filter.to).value_or(0), after_created, to_blob(after),
                    std::clamp<std::size_t>(filter.limit, 1, list_page_max + 1)));
}

std::vector<TransactionId> SqliteStore::due(Instant now, std::size_t limit) {
    return ids(Rows(state_->reader->due, to_millis(now), limit));
}

std::optional<Instant> SqliteStore::next_due() {
    Rows rows(state_->reader->next_due);
    if (!rows.next()) return std::nullopt;
    return to_instant(rows.integer(0));
}

std::vector<TransactionId> SqliteStore::with_open_call() {
    return ids(Rows(state_->reader->open_call));
}

std::vector<StatementLine> SqliteStore::statement(std::string_view caller, Currency currency,
                                                  StatementPlace after, Instant to, std::size_t limit) {
    std::vector<StatementLine> lines;
    Rows rows(state_->reader->statement, caller, currency.code(), to_millis(after.at), after.number,
              to_millis(to), limit);
    while (rows.next())
        lines.push_back(StatementLine{.place = {to_instant(rows.integer(0)), rows.integer(1)},
                                      .transaction = to_id(rows.text(2)),
                                      .leg = rows.integer(3),
                                      .kind = std::string(rows.text(4)),
                                      .minor = rows.integer(5),
                                      .balance_minor = rows.integer(6)});
    return lines;
}

std::vector<Balance> SqliteStore::balances(std::string_view caller) {
    std::vector<Balance> found;
    Rows rows(state_->reader->balances, caller);
    while (rows.next())
        found.push_back(Balance{std::string(rows.text(0)), to_currency(rows.text(1)), rows.integer(2)});
    return found;
}

std::vector<UnmatchedNotice> SqliteStore::unmatched(std::string_view merchant, std::string_view reference) {
    std::vector<UnmatchedNotice> found;
    Rows rows(state_->reader->unmatched, merchant, reference);
    while (rows.next())
        found.push_back(UnmatchedNotice{.merchant = std::string(merchant),
                                        .reference = std::string(reference),
                                        .event_id = std::string(rows.text(0)),
                                        .json = std::string(rows.text(2)),
                                        .at = to_instant(rows.integer(1))});
    return found;
}

std::vector<UnmatchedNotice> SqliteStore::matched_since(std::size_t limit) {
    std::vector<UnmatchedNotice> found;
    Rows rows(state_->reader->matched_since, static_cast<std::int64_t>(limit));
    while (rows.next())
        found.push_back(UnmatchedNotice{.merchant = std::string(rows.text(0)),
                                        .reference = std::string(rows.text(1)),
                                        .event_id = std::string(rows.text(2)),
                                        .json = std::string(rows.text(4)),
                                        .at = to_instant(rows.integer(3))});
    return found;
}

std::vector<std::string> SqliteStore::open_merchants() {
    std::set<std::string> merchants;
    Rows rows(state_->reader->open_states);
    while (rows.next()) {
        for (const core::Leg& leg : read_back(core::parse_state(rows.text(0)), "state").legs) {
            // Given up and without money: nothing will be asked of its merchant any more.
            const bool over = leg.doing == core::Doing::rest && leg.goal == core::Goal::give_back &&
                              (leg.money == core::LegMoney::none || leg.money == core::LegMoney::back);
            if (!over) merchants.insert(leg.merchant);
        }
    }
    return {merchants.begin(), merchants.end()};
}

Store::Counts SqliteStore::counts() {
    Rows rows(state_->reader->counts);
    KASSI_ENSURE(rows.next());
    return Counts{.transactions = rows.integer(0),
                  .open = rows.integer(1),
                  .in_doubt = rows.integer(2),
                  .needs_person = rows.integer(3),
                  .journal_rows = rows.integer(4),
                  .unmatched = rows.integer(6),
                  .last_row_at = to_instant(rows.integer(5))};
}

Store::Origin SqliteStore::origin() {
    return origin_of(state_->reader->db);
}

std::vector<TransactionId> SqliteStore::forgettable(Instant before, std::size_t limit) {
    std::map<std::int64_t, TransactionId> found;  // by serial: in the order of the hand-overs
    Reader& reader = *state_->reader;
    for (Statement* statement : {&reader.old_customers, &reader.old_documents, &reader.old_journeys}) {
        std::size_t count = 0, looks = 0;
        // What was forgotten has no row there any more; what comes behind the first young one is younger
        // still.
        for (Rows rows(*statement); count < limit && looks < forgettable_looks_max && rows.next(); ++looks) {
            if (rows.integer(2) >= to_millis(before)) break;
            if (rows.integer(3) == 0 || rows.integer(4) >= to_millis(before)) continue;
            found.emplace(rows.integer(0), to_id(rows.text(1)));
            ++count;
        }
    }
    std::vector<TransactionId> oldest;
    for (const auto& [serial, id] : found)
        if (oldest.size() < limit) oldest.push_back(id);
    return oldest;
}

void SqliteStore::commit(Unit unit, std::function<void(CommitOutcome)> done) {
    const TransactionId id = unit.decision.next.id;
    state_->newest->write_begins(id);
    state_->writer->commit(std::move(unit),
                           [newest = state_->newest, id, done = std::move(done)](CommitOutcome outcome) {
                               newest->write_ended(id, outcome.after);
                               if (done) done(std::move(outcome));
                           });
}

void SqliteStore::keep_unmatched(UnmatchedNotice notice, std::function<void(bool)> done) {
    state_->writer->keep(std::move(notice), std::move(done));
}

void SqliteStore::drop_unmatched(std::string_view merchant, std::string_view event_id) {
    state_->writer->drop(std::string(merchant), std::string(event_id));
}

void SqliteStore::expire(Instant now, std::function<void(std::int64_t)> done) {
    state_->writer->expire(now, std::move(done));
}

void SqliteStore::put_to_work(Instant now, std::function<void(bool)> done) {
    state_->writer->put_to_work(now, std::move(done));
}

bool SqliteStore::writable() const {
    return state_->writer->writable();
}

Result<std::string> migrate(const std::string& directory, const Secret<>& master_key,
                            const Progress& progress) {
    if (master_key.reveal().size() != master_key_bytes)
        return Error{ErrorKind::internal, "master_key", "the master key must have 32 bytes"};
    if (!std::filesystem::exists(database_file(directory)))
        return Error{ErrorKind::not_found, "", "there is no kassi.db in " + directory};
    auto lock = DirectoryLock::take(directory);
    if (!lock) return lock.error();
    try {
        const std::string key_id = std::to_string(Keys(master_key).id);
        SqliteOptions options;
        options.directory = directory;
        if (auto good = look_at_copy(options, key_id); !good) return good.error();
        auto database = Database::for_writing(database_file(directory));
        if (auto same = check_house(database, key_id, ""); !same) return same.error();
        if (auto good = check_copy(database, options.copy); !good) return good.error();
        const auto before = apply_migrations(database, progress);
        if (!before) return before.error();
        return std::to_string(*before) + " -> " + std::to_string(migrations().size());
    } catch (const SqlError& error) {
        return Error{ErrorKind::internal, "", error.what()};
    }
}

}  // namespace kassi::store
