#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "store/store.hpp"

namespace kassi::store {

struct SqliteOptions {
    std::string directory;  ///< holds kassi.db, lock, control
    Secret<> master_key;    ///< 32 bytes
    /// Brings a callback to the io thread; called from the writer thread once a group commit, and from the
    /// calling thread for what the full queue refuses.
    std::function<void(std::function<void()>)> post;
    const Clock* clock = nullptr;                    ///< not looked at: every time comes with what is stored
    std::size_t queue_units_max = 0;                 ///< 0: limits::write_queue_units_max
    std::size_t waiting_claims_enough = 0;           ///< 0: as many as stands in claim_index.hpp
    std::size_t newest_bytes_max = 4 * 1024 * 1024;  ///< of transactions kept in memory, as stored; 0: none
    /// A word kept at the first open; a store with another one is not opened. "": not looked at.
    std::string mode;
    /// What becomes of a record that is a copy and was not put to work (origin().copied_at).
    enum class Copy {
        refuse,      ///< it is not opened
        read,        ///< it is opened, and every commit is refused as unavailable
        put_to_work  ///< it is opened, for put_to_work(); what is no copy is not opened
    } copy = Copy::refuse;
    /// Asked while another process holds the lock: true tries again. Absent: refused at once.
    std::function<bool()> lock_held;
};

/// SQLite, WAL, synchronous=FULL. One writer thread with the only writing connection, group commit; one
/// read-only connection for the calling thread. Holds <directory>/lock as long as it lives.
class SqliteStore final : public Store {
  public:
    /// Creates directory and file when missing and applies missing migrations. Errors: unavailable ("another
    /// process holds the lock"), internal (what SQLite said; a data directory of another mode, or that was
    /// made with another master key, which is left as it is; a newer schema than this program knows),
    /// conflict (a copy that is not to be opened, or with another record's files beside it; no copy where one
    /// was meant).
    static Result<std::unique_ptr<SqliteStore>> open(SqliteOptions options);
    ~SqliteStore() override;  ///< writes what is queued, then closes

    std::shared_ptr<const Loaded> load(const TransactionId& id) override;
    std::optional<TransactionId> find_reference(std::string_view reference) override;
    std::optional<TokenFound> find_token(std::string_view caller, std::string_view token) override;
    std::optional<LegFound> find_leg(std::string_view merchant, std::string_view reference) override;
    std::optional<ClaimFound> find_claim(const Claim& claim) override;
    std::optional<std::string> customer(const TransactionId& id) override;
    std::optional<std::string> document(const TransactionId& id) override;
    std::vector<StoredRow> journal(const TransactionId& id) override;
    std::vector<TransactionId> list(const ListFilter& filter) override;
    std::vector<TransactionId> due(Instant now, std::size_t limit) override;
    std::optional<Instant> next_due() override;
    std::vector<TransactionId> with_open_call() override;
    std::vector<StatementLine> statement(std::string_view caller, Currency currency, StatementPlace after,
                                         Instant to, std::size_t limit) override;
    std::vector<Balance> balances(std::string_view caller) override;
    std::vector<UnmatchedNotice> unmatched(std::string_view merchant, std::string_view reference) override;
    std::vector<UnmatchedNotice> matched_since(std::size_t limit) override;
    std::vector<std::string> open_merchants() override;
    Counts counts() override;
    Origin origin() override;
    std::vector<TransactionId> forgettable(Instant before, std::size_t limit) override;
    void commit(Unit unit, std::function<void(CommitOutcome)> done) override;
    void keep_unmatched(UnmatchedNotice notice, std::function<void(bool)> done) override;
    void drop_unmatched(std::string_view merchant, std::string_view event_id) override;
    void expire(Instant now, std::function<void(std::int64_t)> done) override;
    /// The mark of the copy goes, durably, before `done` hears true.
    void put_to_work(Instant now, std::function<void(bool ok)> done);
    /// False once a write failed for want of space or rights, true again when one succeeded.
    [[nodiscard]] bool writable() const;

  private:
    SqliteStore();
    struct State;
    std::unique_ptr<State> state_;
};

/// The key for the digests (crypto::keyed_digest) of customer and document, derived from the master key.
/// verify() compares the stored rows with the newest digest in the journal.
Secret<> digest_key(const Secret<>& master_key);

using Progress = std::function<void(std::int64_t done, std::int64_t of)>;

/// Applies missing migrations of a data directory that nobody holds. Answers "3 -> 5". Errors: not_found (no
/// data base there), unavailable (somebody holds the lock), internal (made with another master key:
/// untouched).
Result<std::string> migrate(const std::string& directory, const Secret<>& master_key,
                            const Progress& progress);

struct Finding {
    std::int64_t row = 0;  ///< journal number, 0: not about one row
    std::string transaction;
    std::string what;  ///< "row 17 was changed: its hash does not fit", ...
};
struct VerifyReport {
    std::int64_t rows = 0, transactions = 0, seals = 0;
    std::string head_hex;           ///< hash of the last seal: keep it elsewhere, give it back as --head
    std::vector<Finding> findings;  ///< empty: clean
};
inline constexpr std::size_t findings_max = 1000;

/// Reads only; works beside a running server. Replays every transaction and compares with the stored state;
/// checks both chains, seals' HMACs, that numbers have no gap, due_at, credit balances, digests. `head` ""
/// or a head printed earlier, which must be among the seals. At most findings_max findings are kept. Errors:
/// not_found (no data base there), bad_request naming "head", conflict (a copy with another record's files
/// beside it), internal (another master key, unreadable).
Result<VerifyReport> verify(const std::string& directory, const Secret<>& master_key, const std::string& head,
                            const Progress& progress);

struct BackupReport {
    std::int64_t bytes = 0, transactions = 0, rows = 0;
    Instant copied_at{};
    std::string head_hex;           ///< the newest seal in it; "" none
    std::vector<Finding> findings;  ///< not empty: the record is not as it should be, and no copy stays
};
/// Makes a copy of the record at one moment, beside a running server too, checks it (the file, and verify()),
/// and gives it the name `file` (mode 0600, on the disk) when all is well: there is a whole copy or none. It
/// is marked as one. `now` is when it begins. Errors: not_found (no data base there), bad_request naming
/// "file" (exists, no folder), conflict (another backup is writing it; the record is itself a copy), internal
/// (no space, another schema or master key).
Result<BackupReport> backup(const std::string& directory, const Secret<>& master_key, const std::string& file,
                            Instant now, const Progress& progress);

}  // namespace kassi::store
