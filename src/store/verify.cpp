#include "store/verify.hpp"

#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "store/chain.hpp"
#include "store/claim_index.hpp"
#include "store/claims.hpp"
#include "store/columns.hpp"
#include "store/copy.hpp"
#include "store/directory.hpp"
#include "store/keys.hpp"
#include "store/migrations.hpp"
#include "store/people.hpp"

namespace kassi::store {
namespace {

constexpr std::int64_t progress_every_rows = 1000;
constexpr std::size_t unpaid_examples_max = 100;  ///< of a flow, until it is known whether it is house credit

/// What a house-credit leg owes now.
std::int64_t owed(const core::Leg& leg) {
    switch (leg.money) {
        case core::LegMoney::none:
            return 0;
        case core::LegMoney::held:
            return leg.taken_minor;
        case core::LegMoney::taken:
        case core::LegMoney::back:
            return leg.taken_minor - leg.back_minor;
    }
    return 0;
}

/// A row of customer or document, when there is one.
struct PersonRow {
    bool there = false;
    std::optional<std::string> json;  ///< nothing: it cannot be opened
};

/// The stored columns of one transaction.
struct StoredState {
    std::int64_t serial = 0;
    TransactionId id;
    std::string reference, system, caller, tracking, phase, head, state;
    std::int64_t created = 0, version = 0;
    std::optional<std::int64_t> due_at;
    bool settled = false, in_doubt = false, needs_person = false, open_call = false;
    std::int64_t papers = 0, parcels = 0;
    PersonRow customer, document;
};

/// One transaction as its journal rows tell it.
struct Replay {
    core::Transaction transaction;
    std::string head = chain::beginning();
    std::int64_t rows = 0, last_number = 0;
    std::optional<std::int64_t> due_at;
    std::int64_t flags = 0;
    std::string customer_digest, document_digest;
    bool forgotten = false;
    bool whole = true;  ///< false: a row is missing or unreadable, so that the state cannot be compared
};

class Verifier {
  public:
    Verifier(Database& database, const Secret<>& master_key, const Progress& progress)
        : db_(database),
          keys_(master_key),
          digest_key_(digest_key(master_key)),
          progress_(progress),
          steps_(2 * db_.number("SELECT count(*) FROM journal")) {}

    VerifyReport run(const std::string& head) {
        // What one check cannot read another can, perhaps.
        carefully([this] { check_file(); });
        carefully([&] { check_seals(head); });
        carefully([this] { check_transactions(); });
        carefully([this] { check_keys_of_people(); });
        carefully([this] { check_balances(); });
        carefully([this] { check_parcels(); });
        carefully([this] { check_pointers(); });
        carefully([this] { check_claims(); });
        carefully([this] { check_claim_index(); });
        return std::move(report_);
    }

  private:
    void found(std::string what, std::int64_t row = 0, std::string transaction = {}) {
        if (report_.findings.size() < findings_max)
            report_.findings.push_back({row, std::move(transaction), std::move(what)});
    }
    template <class Check>
    void carefully(Check&& check) {
        try {
            check();
        } catch (const SqlError& error) {
            if (!error.is_damage()) throw;
            found(std::string("the file is damaged: not all could be read: ") + error.what());
        }
    }
    void step() {
        ++step_;
        if (progress_ && (step_ % progress_every_rows == 0 || step_ == steps_)) progress_(step_, steps_);
    }

    void check_file();
    void check_seals(const std::string& head);
    std::string take_rows(Rows& rows, bool& more, std::int64_t first, std::int64_t last);
    void missing(std::int64_t first, std::int64_t last);
    void report_missing();
    void check_transactions();
    void replay_row(Replay& replay, const TransactionId& id, const Rows& row);
    void check_state(const StoredState& stored, const Replay& replay);
    PersonRow person(Person what, const TransactionId& id, const Rows& row, int column);
    void check_person(const StoredState& stored, const Replay& replay, const PersonRow& person,
                      const std::string& digest, const std::string& what);
    void check_keys_of_people();
    void check_credit_of(const StoredState& stored, const core::Transaction& transaction, Rows& sums,
                         bool& more);
    void check_balances();
    void check_parcels();
    void check_pointers();
    void check_claims();
    void check_claim_index();

    Database& db_;
    Keys keys_;
    Secret<> digest_key_;
    const Progress& progress_;
    std::int64_t steps_, step_ = 0;
    VerifyReport report_;
    std::optional<std::int64_t> claims_;  ///< so many keys were used up, says the last seal that says it
    std::int64_t next_number_ = 1;
    std::int64_t missing_first_ = 0, missing_last_ = 0;  ///< a gap that may still grow; 0: none
    std::set<std::string> credit_flows_;
    std::map<std::string, std::vector<Finding>> without_entries_;  ///< by flow
};

/// The file itself: pages, and that indexes say what tables say.
void Verifier::check_file() {
    Statement check(db_, "PRAGMA integrity_check(20)");
    Rows rows(check);
    while (rows.next())
        if (rows.text(0) != "ok") found("the file is damaged: " + std::string(rows.text(0)));
}

void Verifier::missing(std::int64_t first, std::int64_t last) {
    if (missing_first_ == 0 || missing_last_ + 1 != first) {
        report_missing();
        missing_first_ = first;
    }
    missing_last_ = last;
}

void Verifier::report_missing() {
    if (missing_first_ == 0) return;
    if (missing_first_ == missing_last_) {
        found("row " + std::to_string(missing_first_) + " is missing", missing_first_);
    } else {
        found("rows " + std::to_string(missing_first_) + " to " + std::to_string(missing_last_) +
                  " are missing",
              missing_first_);
    }
    missing_first_ = 0;
}

/// The hashes of rows first..last, and findings about those that are not there.
std::string Verifier::take_rows(Rows& rows, bool& more, std::int64_t first, std::int64_t last) {
    std::string hashes;
    next_number_ = std::max(next_number_, first);
    while (more && rows.integer(0) <= last) {
        const std::int64_t number = rows.integer(0);
        if (number < first) {
            found("row " + std::to_string(number) + " is covered by no seal", number);
        } else {
            if (number > next_number_) missing(next_number_, number - 1);
            hashes += rows.text(1);
            next_number_ = number + 1;
        }
        ++report_.rows;
        step();
        more = rows.next();
    }
    if (next_number_ <= last) missing(next_number_, last);
    next_number_ = last + 1;
    return hashes;
}

void Verifier::check_seals(const std::string& head) {
    Statement all_seals(db_, "SELECT number, first, last, hash, mac, claims FROM seal ORDER BY number");
    Statement all_rows(db_, "SELECT number, hash FROM journal ORDER BY number");
    Rows seals(all_seals);
    Rows rows(all_rows);
    bool more = rows.next();
    bool head_found = head.empty();
    std::string previous = chain::beginning();
    std::int64_t last_sealed = 0;
    while (seals.next()) {
        const std::int64_t number = seals.integer(0), first = seals.integer(1), last = seals.integer(2);
        const std::string hash(seals.text(3));
        const std::string name = "seal " + std::to_string(number) + " (rows " + std::to_string(first) +
                                 " to " + std::to_string(last) + ")";
        ++report_.seals;
        if (number != report_.seals) {
            found("a seal before " + name + " is missing");
            report_.seals = number;
        }
        if (first != last_sealed + 1) found(name + " does not begin where the one before ends");
        const std::string hashes = take_rows(rows, more, first, last);
        if (chain::seal_hash(previous, first, last, hashes) != hash)
            found(name + " does not fit: a row in it or the seal before was changed, moved or taken away");
        const auto claims = seals.optional_integer(5);
        if (!crypto::equal(chain::seal_mac(keys_.seal.reveal(), hash, claims), seals.text(4)))
            found(name + " was not made with this master key");
        if (claims) claims_ = *claims;
        previous = hash;
        last_sealed = last;
        report_.head_hex = encoding::hex(hash);
        head_found = head_found || report_.head_hex == head;
    }
    report_missing();
    for (; more; more = rows.next()) {
        found("row " + std::to_string(rows.integer(0)) + " is covered by no seal", rows.integer(0));
        ++report_.rows;
        step();
    }
    if (!head_found)
        found("the given head is not among the seals: the journal's end was cut off or written anew");
}

void Verifier::check_transactions() {
    Statement states(
        db_,
        "SELECT t.serial, t.id, t.reference, t.system, t.caller, t.tracking, t.phase, t.head, t.state, "
        "t.created, t.version, t.due_at, t.settled, t.in_doubt, t.needs_person, t.open_call, t.papers, "
        "(SELECT count(*) FROM parcel p WHERE p.slot BETWEEN t.serial * 256 AND t.serial * 256 + 255), "
        "c.transaction_serial, c.json, c.sealed, c.key_number, ck.salt, "
        "d.transaction_serial, d.json, d.sealed, d.key_number, dk.salt FROM transaction_state t "
        "LEFT JOIN customer c ON c.transaction_serial = t.serial "
        "LEFT JOIN person_key ck ON ck.number = c.key_number "
        "LEFT JOIN document d ON d.transaction_serial = t.serial "
        "LEFT JOIN person_key dk ON dk.number = d.key_number ORDER BY t.serial");
    Statement journal(
        db_,
        "SELECT number, transaction_serial, version, at, due_at, flags, format, body, hash FROM journal "
        "ORDER BY transaction_serial, version");
    Statement credit(
        db_,
        "SELECT e.transaction_serial, e.leg, b.caller, b.currency, sum(e.minor) FROM credit_entry e "
        "LEFT JOIN balance b ON b.account = e.account GROUP BY 1, 2, 3, 4 ORDER BY 1, 2");
    Rows state_rows(states), rows(journal), sums(credit);
    bool more = rows.next(), more_sums = sums.next();
    std::int64_t orphan = 0;
    const auto skip_orphans = [&](std::int64_t below) {
        for (; more && rows.integer(1) < below; more = rows.next()) {
            if (orphan != rows.integer(1))
                found("the state of the transaction that row " + std::to_string(rows.integer(0)) +
                          " belongs to is missing",
                      rows.integer(0));
            orphan = rows.integer(1);
            step();
        }
    };
    while (state_rows.next()) {
        const auto text = [&](int column) { return std::string(state_rows.text(column)); };
        StoredState stored;
        stored.serial = state_rows.integer(0);
        stored.id = to_id(state_rows.text(1));
        stored.reference = text(2);
        stored.system = text(3);
        stored.caller = text(4);
        stored.tracking = text(5);
        stored.phase = text(6);
        stored.head = text(7);
        stored.state = text(8);
        stored.created = state_rows.integer(9);
        stored.version = state_rows.integer(10);
        stored.due_at = state_rows.optional_integer(11);
        stored.settled = state_rows.integer(12) != 0;
        stored.in_doubt = state_rows.integer(13) != 0;
        stored.needs_person = state_rows.integer(14) != 0;
        stored.open_call = state_rows.integer(15) != 0;
        stored.papers = state_rows.integer(16);
        stored.parcels = state_rows.integer(17);
        stored.customer = person(Person::customer, stored.id, state_rows, 18);
        stored.document = person(Person::document, stored.id, state_rows, 23);
        ++report_.transactions;

        skip_orphans(stored.serial);
        Replay replay;
        for (; more && rows.integer(1) == stored.serial; more = rows.next()) {
            replay_row(replay, stored.id, rows);
            step();
        }
        check_state(stored, replay);
        check_credit_of(stored, replay.transaction, sums, more_sums);
    }
    skip_orphans(std::numeric_limits<std::int64_t>::max());
    if (more_sums) found("a credit entry belongs to no transaction");
    for (const auto& flow : credit_flows_)
        for (Finding& finding : without_entries_[flow])
            found(std::move(finding.what), finding.row, std::move(finding.transaction));
}

void Verifier::replay_row(Replay& replay, const TransactionId& id, const Rows& row) {
    const std::int64_t number = row.integer(0);
    const std::string name = "row " + std::to_string(number);
    const auto report = [&](const std::string& what) { found(what, number, id.text()); };
    const chain::RowHead head{.transaction = id,
                              .version = row.integer(2),
                              .at = row.integer(3),
                              .due_at = row.optional_integer(4),
                              .flags = row.integer(5),
                              .format = row.integer(6)};

    ++replay.rows;
    if (head.version != replay.rows) {
        report("the transaction's row of version " + std::to_string(replay.rows) + " is missing before " +
               name);
        replay.rows = head.version;
        replay.whole = false;
    }
    if (number <= replay.last_number) report(name + " stands before a row that came earlier");
    replay.last_number = number;
    if (chain::row_hash(replay.head, head, row.text(7)) != row.text(8))
        report(name + " was changed, or the row before it: its hash does not fit");
    replay.head = row.text(8);
    replay.due_at = head.due_at;
    replay.flags = head.flags;

    if (head.format != chain::body_format) {
        report(name + " has a format that this program does not know");
        replay.whole = false;
        return;
    }
    const auto parsed = core::parse_row(row.text(7));
    if (!parsed) {
        report(name + " cannot be read: " + parsed.error().message);
        replay.whole = false;
        return;
    }
    if (to_millis(parsed->at) != head.at) report(name + " says another time than its column");
    for (const core::Event& event : parsed->events) {
        if (const auto* handed_over = std::get_if<core::HandedOver>(&event)) {
            replay.customer_digest = handed_over->customer_digest;
            replay.document_digest = handed_over->document_digest;
        } else if (const auto* asked = std::get_if<core::PurchaseAsked>(&event)) {
            if (!asked->customer_digest.empty()) replay.customer_digest = asked->customer_digest;
        } else if (std::holds_alternative<core::Forgotten>(event)) {
            replay.forgotten = true;
        }
    }
    if (!replay.whole) return;
    try {
        core::apply_row(replay.transaction, *parsed);
    } catch (const std::exception& error) {
        report(name + " cannot be applied: " + error.what());
        replay.whole = false;
    }
}

void Verifier::check_state(const StoredState& stored, const Replay& replay) {
    const auto report = [&](const std::string& what) { found(what, 0, stored.id.text()); };
    if (replay.rows == 0) {
        report("the transaction has no journal row");
        return;
    }
    if (stored.head != replay.head)
        report("the transaction's newest journal row is not the one that its state names");
    if (stored.version != replay.rows)
        report("the state has version " + std::to_string(stored.version) + ", the journal ends with " +
               std::to_string(replay.rows));
    if (stored.due_at != replay.due_at) report("due_at was changed");
    if (chain::flags(stored.settled, stored.in_doubt, stored.needs_person) != replay.flags)
        report("settled, in_doubt or needs_person was changed");
    if (stored.papers != stored.parcels) report("a sealed parcel is missing, or there is one too many");
    check_person(stored, replay, stored.customer, replay.customer_digest, "customer");
    check_person(stored, replay, stored.document, replay.document_digest, "document");
    if (!replay.whole) return;

    const core::Transaction& now = replay.transaction;
    const auto state = core::parse_state(stored.state);
    if (!state)
        report("the state cannot be read: " + state.error().message);
    else if (*state != now)
        report("the state is not what its journal rows lead to");
    const bool columns_fit = stored.id == now.id && stored.reference == now.reference &&
                             stored.system == now.system && stored.caller == now.caller &&
                             stored.tracking == now.tracking && stored.phase == core::word(now.phase) &&
                             stored.created == to_millis(now.handed_over_at) &&
                             stored.open_call == has_open_call(now);
    if (!columns_fit) report("a column beside the state is not what its journal rows lead to");
}

/// Column: serial, JSON in clear, sealed, number of the key, its salt.
PersonRow Verifier::person(Person what, const TransactionId& id, const Rows& row, int column) {
    PersonRow person{.there = !row.null(column), .json = std::nullopt};
    if (!person.there) return person;
    auto json = open_person(keys_, what, id, row.text(column + 1), row.text(column + 2), row.text(column + 4),
                            row.null(column + 3));
    if (json) person.json = std::move(*json);
    return person;
}

/// A row is there from the hand-over on, as it was handed over, until the journal says that it was forgotten.
void Verifier::check_person(const StoredState& stored, const Replay& replay, const PersonRow& person,
                            const std::string& digest, const std::string& what) {
    const auto report = [&](const std::string& said) { found(said, 0, stored.id.text()); };
    if (replay.forgotten) {
        if (person.there)
            report("the " + what + " is still there, and the journal says that it was forgotten");
    } else if (!person.there) {
        if (!digest.empty())
            report("the " + what + " is missing, and the journal does not say that it was forgotten");
    } else if (!person.json) {
        report("the " + what + " cannot be opened");
    } else if (!digest.empty() && crypto::keyed_digest(digest_key_.reveal(), *person.json) != digest) {
        report("the " + what + " is not the one whose digest the journal has");
    }
}

/// Keys that were not shredded are those of the rows that are there.
void Verifier::check_keys_of_people() {
    const std::int64_t keys = db_.number("SELECT count(*) FROM person_key WHERE salt <> zeroblob(16)");
    const std::int64_t rows = db_.number(
        "SELECT (SELECT count(key_number) FROM customer) + (SELECT count(key_number) FROM document)");
    if (keys != rows)
        found("there are " + std::to_string(keys) + " keys of people that were not shredded, and " +
              std::to_string(rows) + " rows that they open");
}

/// The entries of a leg add up to what it owes.
void Verifier::check_credit_of(const StoredState& stored, const core::Transaction& transaction, Rows& sums,
                               bool& more) {
    const auto report = [&](const std::string& what) { found(what, 0, stored.id.text()); };
    for (; more && sums.integer(0) < stored.serial; more = sums.next())
        report("a credit entry belongs to no transaction");
    std::map<std::int64_t, std::int64_t> booked;
    for (; more && sums.integer(0) == stored.serial; more = sums.next()) {
        const std::int64_t leg_no = sums.integer(1);
        const core::Leg* leg = core::find_leg(transaction, leg_no);
        if (leg == nullptr || sums.text(2) != stored.caller || sums.text(3) != leg->amount.currency.code()) {
            report("a credit entry of leg " + std::to_string(leg_no) + " is another account's");
            continue;
        }
        booked[leg_no] += sums.integer(4);
        credit_flows_.insert(leg->flow);
    }
    for (const core::Leg& leg : transaction.legs) {
        const auto entry = booked.find(leg.no);
        const std::int64_t sum = entry == booked.end() ? 0 : entry->second;
        if (sum == owed(leg)) continue;
        const std::string what = "the credit entries of leg " + std::to_string(leg.no) + " add up to " +
                                 std::to_string(sum) + ", but it owes " + std::to_string(owed(leg));
        if (entry != booked.end())
            report(what);
        else if (auto& kept = without_entries_[leg.flow]; kept.size() < unpaid_examples_max)
            kept.push_back({0, stored.id.text(), what});
    }
}

/// Every line's balance, and the present one, are the sum of the lines.
void Verifier::check_balances() {
    {
        Statement strangers(
            db_,
            "SELECT e.number FROM credit_entry e LEFT JOIN journal j ON j.number = e.journal_number "
            "WHERE j.at IS NOT e.at OR j.transaction_serial IS NOT e.transaction_serial");
        Rows rows(strangers);
        while (rows.next())
            found("credit entry " + std::to_string(rows.integer(0)) +
                  " does not belong to the journal row that it names");
    }
    std::map<std::int64_t, std::int64_t> sums;  // by account: few
    Statement entries(db_, "SELECT number, account, minor, balance FROM credit_entry ORDER BY number");
    Rows rows(entries);
    while (rows.next()) {
        std::int64_t& sum = sums[rows.integer(1)];
        sum += rows.integer(2);
        if (sum != rows.integer(3)) {
            found("the balance after credit entry " + std::to_string(rows.integer(0)) +
                  " is not the sum of the entries");
            sum = rows.integer(3);
        }
    }
    Statement accounts(db_, "SELECT account, caller, currency, minor FROM balance");
    Rows balances(accounts);
    while (balances.next())
        if (sums[balances.integer(0)] != balances.integer(3))
            found("the balance of " + std::string(balances.text(1)) + " in " + std::string(balances.text(2)) +
                  " is not the sum of its entries");
}

/// What was sealed can be opened, and is what it was.
void Verifier::check_parcels() {
    Statement parcels(db_,
                      "SELECT p.slot, p.digest, p.sealed, t.id FROM parcel p "
                      "LEFT JOIN transaction_state t ON t.serial = p.slot / 256");
    Rows rows(parcels);
    while (rows.next()) {
        if (rows.null(3)) {
            found("a sealed parcel belongs to no transaction");
            continue;
        }
        const TransactionId id = to_id(rows.text(3));
        const std::int64_t leg = leg_of_slot(rows.integer(0));
        const std::string context = parcel_context(id, leg);
        const auto plain = crypto::open(keys_.parcel.reveal(), context, rows.text(2));
        if (!plain)
            found("the sealed parcel of leg " + std::to_string(leg) + " cannot be opened", 0, id.text());
        else if (!crypto::equal(keys_.parcel_digest(context, *plain), rows.text(1)))
            found("the digest beside the sealed parcel of leg " + std::to_string(leg) + " is not its own", 0,
                  id.text());
    }
}

/// Tables that lead to transactions lead to such as there are.
void Verifier::check_pointers() {
    static constexpr std::pair<const char*, const char*> pointers[] = {
        {"SELECT count(*) FROM once p LEFT JOIN transaction_state t ON t.serial = p.transaction_serial "
         "WHERE t.serial IS NULL OR p.version NOT BETWEEN 1 AND t.version",
         " keys that were used up lead to no version of a transaction"},
        // They are numbered as they were used, and so are the rows that used them.
        {"SELECT count(*) FROM (SELECT j.number AS here, lag(j.number) OVER (ORDER BY p.serial) AS before "
         "FROM once p JOIN journal j ON j.transaction_serial = p.transaction_serial AND j.version = "
         "p.version) "
         "WHERE here < before",
         " keys that were used up lead to other rows than those that used them"},
        {"SELECT count(*) FROM token p LEFT JOIN transaction_state t ON t.serial = p.transaction_serial "
         "WHERE t.serial IS NULL OR p.ended NOT IN (0, p.serial) OR (p.ended = 0) <> (p.ended_at IS NULL)",
         " return tokens lead to no transaction, or are neither live nor ended"},
        {"SELECT count(*) FROM reference p LEFT JOIN transaction_state t ON t.serial = p.transaction_serial "
         "WHERE t.serial IS NULL",
         " references lead to no transaction"}};
    for (const auto& [sql, what] : pointers)
        if (const std::int64_t count = db_.number(sql); count != 0) found(std::to_string(count) + what);
}

/// Each is as it was written, and none is missing.
void Verifier::check_claims() {
    const std::int64_t unproven = db_.number("SELECT unproven FROM once_progress");
    const std::int64_t expected = claims_.value_or(unproven);
    Statement all(
        db_,
        "SELECT o.serial, o.key_hmac, o.own, o.scope, o.fingerprint_hmac, t.id, o.version, o.proof "
        "FROM once o JOIN transaction_state t ON t.serial = o.transaction_serial ORDER BY o.serial");
    std::int64_t changed = 0;
    for (Rows rows(all); rows.next();) {
        if (rows.integer(0) <= unproven && rows.null(7)) continue;
        const std::string row =
            provable({std::string(rows.text(1)), rows.integer(2) != 0}, std::string(rows.text(3)),
                     std::string(rows.text(4)), to_id(rows.text(5)), rows.integer(6));
        if (!crypto::equal(keys_.claim_proof(row), rows.text(7))) ++changed;
    }
    if (changed != 0) found(std::to_string(changed) + " keys that were used up are not as they were written");
    const std::int64_t count = db_.number("SELECT count(*) FROM once");
    if (count != expected || db_.number("SELECT max(serial) FROM once") != expected)
        found(std::to_string(expected) + " keys were used up, and not these are there, but " +
              std::to_string(count));
}

/// Of each key there is one row, and the index leads to it, unless it waits for its place there.
void Verifier::check_claim_index() {
    const std::string indexed = "(SELECT indexed_until FROM once_progress)",
                      in_batch = "(SELECT batch_until FROM once_progress)";
    // The batch that is on its way into the index, in the order in which it is put there.
    const std::string batch =
        "(SELECT key_hmac, serial, row_number() OVER (ORDER BY key_hmac) <= "
        "(SELECT moved FROM once_progress) AS there FROM once WHERE own = 0 AND serial > " +
        indexed + " AND serial <= " + in_batch + ") p ";
    const std::string in_own = "LEFT JOIN once_own k ON k.key_hmac = p.key_hmac ",
                      begins = "JOIN once_key k ON k.key_start = substr(p.key_hmac, 1, " +
                               std::to_string(claim_key_start_bytes) + ") ",
                      in_index = "LEFT " + begins + "AND k.serial = p.serial ",
                      other = begins + "JOIN once o ON o.serial = k.serial AND o.key_hmac = p.key_hmac ";
    const std::pair<std::string, const char*> sums[] = {
        {"(SELECT count(*) FROM once p " + in_own + "WHERE own = 1 AND k.serial IS NOT p.serial) + " +
             "(SELECT count(*) FROM once p " + in_index + "WHERE own = 0 AND p.serial <= " + indexed +
             " AND k.serial IS NULL) + " + "(SELECT count(*) FROM " + batch + in_index +
             "WHERE there AND k.serial IS NULL)",
         " keys that were used up are not found by their index"},
        {"(SELECT count(*) FROM once_own) + (SELECT count(*) FROM once_key) - "
         "(SELECT count(*) FROM once WHERE own = 1 OR serial <= " +
             indexed +
             ") - "
             "(SELECT moved FROM once_progress)",
         " keys in the index lead to no row that used them up"},
        {"(SELECT count(*) - count(DISTINCT key_hmac) FROM once WHERE serial IN "
         "(SELECT serial FROM once_key WHERE key_start IN "
         "(SELECT key_start FROM once_key GROUP BY key_start HAVING count(*) > 1))) + "
         "(SELECT count(*) - count(DISTINCT key_hmac) FROM once WHERE own = 0 AND serial > " +
             indexed + ") + (SELECT count(*) FROM " + batch + other + "WHERE NOT there) + " +
             "(SELECT count(*) FROM once p " + other + "WHERE p.own = 0 AND p.serial > " + in_batch + ")",
         " keys were used up twice"}};
    for (const auto& [sum, what] : sums)
        if (const auto count = db_.number(("SELECT " + sum).c_str()); count > 0)
            found(std::to_string(count) + what);
}

}  // namespace

Result<void> check_key(Database& database, const Secret<>& master_key) {
    const auto found = meta_of(database, "key_id");
    if (found && *found != std::to_string(Keys(master_key).id))
        return Error{ErrorKind::internal, "", "the data directory was made with another master key"};
    return {};
}

namespace {

Result<VerifyReport> verify_open(Database& database, const Secret<>& master_key, const std::string& head_hex,
                                 const Progress& progress) {
    if (auto good = check_schema(database); !good) return good.error();
    if (auto good = check_key(database, master_key); !good) return good.error();
    database.execute("BEGIN");  // one moment for all that is read
    return Verifier(database, master_key, progress).run(head_hex);
}

}  // namespace

Result<VerifyReport> verify_file(const std::string& file, const Secret<>& master_key,
                                 const std::string& head_hex, const Progress& progress) {
    auto database = Database::for_reading(file);
    return verify_open(database, master_key, head_hex, progress);
}

namespace {

bool is_on_read_only_file_system(const std::string& directory) {
    return ::access(directory.c_str(), W_OK) != 0 && errno == EROFS;
}

/// A copy on a read-only medium can be verified, too.
Result<Database> open_to_verify(const std::string& directory) {
    const std::string file = database_file(directory);
    if (!is_on_read_only_file_system(directory)) return Database::for_reading(file);
    std::error_code missing;
    const auto wal_bytes = std::filesystem::file_size(file + "-wal", missing);
    if (missing || wal_bytes == 0) return Database::for_reading_unchanging(file);
    if (std::filesystem::exists(file + "-shm")) return Database::for_reading(file);
    return Error{ErrorKind::internal, "",
                 "there is a WAL beside " + file +
                     ", which cannot be read on a read-only file system: verify a copy that can be written"};
}

}  // namespace

Result<VerifyReport> verify(const std::string& directory, const Secret<>& master_key, const std::string& head,
                            const Progress& progress) {
    if (master_key.reveal().size() != master_key_bytes)
        return Error{ErrorKind::internal, "master_key", "the master key must have 32 bytes"};
    std::string head_hex;
    if (!head.empty()) {
        const auto bytes = encoding::from_hex(head, "head");
        if (!bytes) return bytes.error();
        if (bytes->size() != chain::hash_bytes)
            return bad_request("head", "a head has 64 hexadecimal digits");
        head_hex = encoding::hex(*bytes);
    }
    if (!std::filesystem::exists(database_file(directory)))
        return Error{ErrorKind::not_found, "", "there is no kassi.db in " + directory};
    if (auto good = check_neighbours(directory); !good) return good.error();
    try {
        auto opened = open_to_verify(directory);
        if (!opened) return opened.error();
        return verify_open(*opened, master_key, head_hex, progress);
    } catch (const SqlError& error) {
        return Error{ErrorKind::internal, "", error.what()};
    }
}

}  // namespace kassi::store
