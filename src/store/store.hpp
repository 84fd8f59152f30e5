#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/money.hpp"
#include "core/codec.hpp"
#include "core/decide.hpp"

/// What the engine needs of a store, narrow enough for another data base. SqliteStore is the real one.
namespace kassi::store {

/// Something that may happen once (design.md section 5): kept as HMAC of the key.
struct Claim {
    std::string scope;        ///< "idempotency:box-office", "notice:demo-redirect", ...
    std::string key;          ///< in clear here; only its HMAC is stored
    std::string fingerprint;  ///< of the body; HMAC stored; "" none
    /// The key counts for this transaction alone; for another one the same key is another claim.
    std::optional<TransactionId> own_of{};
};
struct ClaimFound {
    TransactionId transaction;
    std::int64_t version = 0;  ///< of the commit that claimed it
    bool same_fingerprint = false;
};

/// What is committed together, or not at all.
struct Unit {
    core::Decision decision;        ///< next, papers, events, tokens, references
    std::int64_t version_read = 0;  ///< 0: the transaction must not exist yet
    core::JournalRow row;
    std::vector<Claim> claims;
    std::optional<Instant> due_at;
    bool settled = false, in_doubt = false, needs_person = false;
    std::optional<std::string> customer_json;  ///< row of its own, can be forgotten
    std::optional<std::string> document_json;
    /// Money of house-credit legs: balance += delta; refused when a delta above 0 would bring the balance
    /// past `limit`. What is held counts: the deltas of a leg add up to what it owes (held or taken, less
    /// what was given back), and verify() holds them against the leg.
    struct Credit {
        std::string caller;
        core::LedgerEntry entry;
        std::int64_t delta = 0;
        std::optional<std::int64_t> limit;
    };
    std::vector<Credit> credit;
};

struct Loaded {
    core::Transaction transaction;
    core::Papers papers;
    std::size_t stored_bytes = 0;  ///< of state and papers, where a store counts them
};

struct CommitOutcome {
    enum class Kind {
        committed,
        version_conflict,  ///< somebody else moved the transaction: load and decide again
        claimed,           ///< claims[index] exists already; said before a version conflict
        token_taken,       ///< tokens_live[index] is a client's and among the caller's live ones
        credit_exhausted,  ///< credit[index]: the limit holds
        unavailable,       ///< queue or disk full, read only, stopping: nothing was changed
    } kind = Kind::committed;
    std::size_t index = 0;
    std::shared_ptr<const Loaded> after{};  ///< committed: what the transaction is now
};

struct TokenFound {
    TransactionId transaction;
    std::int64_t leg = 0, callout = 0;
    bool page = false;
    bool spent = false;         ///< or dead: its callout was closed, or has returned (page tokens)
    std::string fields_digest;  ///< of the return that spent it; "" when it died otherwise
};
struct LegFound {
    TransactionId transaction;
    std::int64_t leg = 0;
};
struct StoredRow {
    std::int64_t number = 0;   ///< of the journal, over all transactions
    std::int64_t version = 0;  ///< of the transaction
    Instant at{};
    std::string json;  ///< codec.hpp row_json
    std::string hash_hex;
};
/// The longest page of a list. One more may be asked for: it shows whether there is a next page.
inline constexpr std::size_t list_page_max = 200;
struct ListFilter {
    std::string system;  ///< "" any
    std::string caller;  ///< "" any
    std::optional<core::Phase> phase;
    std::optional<bool> settled;
    std::optional<bool> in_doubt;
    std::optional<bool> needs_person;
    std::optional<Instant> from, to;     ///< handed over at or after `from`, before `to`
    std::string tracking;                ///< "" any
    std::size_t limit = 50;              ///< 1 .. list_page_max + 1
    std::optional<TransactionId> after;  ///< cursor: newest first, continue behind this one
};
/// A place in a statement, whose lines are in this order. `{from, 0}` is before every line at or after
/// `from`.
struct StatementPlace {
    Instant at{};
    std::int64_t number = 0;  ///< of the line: over all accounts, rising
};
struct StatementLine {
    StatementPlace place;
    TransactionId transaction;
    std::int64_t leg = 0;
    std::string kind;                ///< "held" "hold_gone" "taken" "given_back"
    std::int64_t minor = 0;          ///< signed effect on the balance
    std::int64_t balance_minor = 0;  ///< after it
};
struct Balance {
    std::string caller;
    Currency currency;
    std::int64_t minor = 0;
};
/// A notice that matched nothing; kept 30 days and tried again when its reference becomes known.
struct UnmatchedNotice {
    std::string merchant, reference, event_id;
    std::string json;  ///< core::Notice, see notice_json below
    Instant at{};
};

/// Reads run inline on the calling (io) thread; commits go to the writer and come back by callback on the
/// io thread, in order. Read errors throw (a broken store ends the process).
class Store {
  public:
    virtual ~Store() = default;

    [[nodiscard]] virtual std::shared_ptr<const Loaded> load(
        const TransactionId& id) = 0;  ///< nullptr: there is none
    [[nodiscard]] virtual std::optional<TransactionId> find_reference(
        std::string_view reference) = 0;  ///< "T000-..."
    /// `caller` "" for tokens that we minted; else among that caller's tokens.
    [[nodiscard]] virtual std::optional<TokenFound> find_token(std::string_view caller,
                                                               std::string_view token) = 0;
    [[nodiscard]] virtual std::optional<LegFound> find_leg(std::string_view merchant,
                                                           std::string_view reference) = 0;
    [[nodiscard]] virtual std::optional<ClaimFound> find_claim(const Claim& claim) = 0;
    [[nodiscard]] virtual std::optional<std::string> customer(const TransactionId& id) = 0;
    [[nodiscard]] virtual std::optional<std::string> document(const TransactionId& id) = 0;
    [[nodiscard]] virtual std::vector<StoredRow> journal(const TransactionId& id) = 0;
    [[nodiscard]] virtual std::vector<TransactionId> list(const ListFilter& filter) = 0;
    [[nodiscard]] virtual std::vector<TransactionId> due(Instant now, std::size_t limit) = 0;
    [[nodiscard]] virtual std::optional<Instant> next_due() = 0;
    /// Transactions with a call meant and not ended, for the start after a crash.
    [[nodiscard]] virtual std::vector<TransactionId> with_open_call() = 0;
    /// Lines behind `after` with at < to, oldest first, the first `limit` of them.
    [[nodiscard]] virtual std::vector<StatementLine> statement(std::string_view caller, Currency currency,
                                                               StatementPlace after, Instant to,
                                                               std::size_t limit) = 0;
    [[nodiscard]] virtual std::vector<Balance> balances(std::string_view caller) = 0;  ///< "" all
    [[nodiscard]] virtual std::vector<UnmatchedNotice> unmatched(std::string_view merchant,
                                                                 std::string_view reference) = 0;
    /// Kept notices whose reference is known by now, at most `limit`: the process died between two commits.
    [[nodiscard]] virtual std::vector<UnmatchedNotice> matched_since(std::size_t limit) = 0;
    /// Merchants that open (unsettled) legs name.
    [[nodiscard]] virtual std::vector<std::string> open_merchants() = 0;
    /// `unmatched`: notices kept that match nothing.
    struct Counts {
        std::int64_t transactions = 0, open = 0, in_doubt = 0, needs_person = 0, journal_rows = 0,
                     unmatched = 0;
        Instant last_row_at{};
    };
    [[nodiscard]] virtual Counts counts() = 0;
    /// Where the record comes from, when it is a copy or goes on from one.
    struct Origin {
        std::optional<Instant> copied_at;  ///< a copy that was not put to work yet
        std::optional<Instant> restored_from,
            restored_at;  ///< the last that was: made then, put to work then
    };
    [[nodiscard]] virtual Origin origin() { return {}; }
    /// Settled, no journal row at or after `before`, and something about the customer is still kept: oldest
    /// first, at most `limit`.
    [[nodiscard]] virtual std::vector<TransactionId> forgettable(Instant before, std::size_t limit) = 0;

    /// Of a unit with the event Forgotten customer and document are gone for good with the commit: not to be
    /// found in any file either, as soon as nobody reads what was before.
    /// decision.next.version must be version_read + 1 (else it throws). A unit that meets a conflict vanishes
    /// alone. Answers come in order, but for units that a full queue refuses at once.
    virtual void commit(Unit unit, std::function<void(CommitOutcome)> done) = 0;
    /// The same event and reference again replaces the row.
    virtual void keep_unmatched(UnmatchedNotice notice, std::function<void(bool ok)> done) = 0;
    virtual void drop_unmatched(std::string_view merchant, std::string_view event_id) = 0;
    /// Rows past their time: unmatched notices (30 days), spent and dead tokens (400 days, some 20,000 a
    /// call). Returns how many.
    virtual void expire(Instant now, std::function<void(std::int64_t)> done) = 0;
};

std::string notice_json(const core::Notice& notice);
Result<core::Notice> parse_notice(std::string_view json);

}  // namespace kassi::store
