#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "core/transaction.hpp"
#include "store/claim_index.hpp"
#include "store/columns.hpp"
#include "store/migrations.hpp"
#include "store/sqlite.hpp"

/// `bench_bare_sqlite`: the ceiling of the record. Writes the rows that a real house wrote for hand-overs and
/// purchases on credit (sizes and words from its data base; keys and hashes new ones) into the same schema,
/// with the store's own pragmas, `--group` requests a commit, and does nothing else: no guards, no decisions,
/// no hashes, and the state of a transaction once a request. Prints one JSON object.
namespace {

using namespace kassi;
using store::Blob;
using store::Database;
using store::Rows;
using store::Statement;
using store::to_millis;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t hash_bytes = 32, proof_bytes = 8;

struct JournalRow {
    std::int64_t flags = 0, format = 0;
    std::optional<std::int64_t> due_at;
    std::string body;
};
struct ClaimRow {
    std::string scope;
    std::size_t key_bytes = 0, fingerprint_bytes = 0;
    bool own = false;  ///< of its transaction: it begins with the time of its id
};
/// What one request left behind.
struct Request {
    std::string phase, state, tracking;
    std::int64_t settled = 0, in_doubt = 0, needs_person = 0, open_call = 0, papers = 0;
    std::optional<std::int64_t> due_at;
    std::vector<JournalRow> journal;
    std::vector<ClaimRow> claims;
    std::vector<std::string> credit_kinds;
};
struct Payment {
    std::string system, caller;
    std::size_t customer_bytes = 0, document_bytes = 0;  ///< sealed; 0: there is none
    Request hand_over, purchase;
};

std::string text_at(Database& from, std::string_view sql, std::int64_t serial) {
    Statement statement(from, sql);
    Rows rows(statement, serial);
    return rows.next() ? std::string(rows.text(0)) : std::string();
}

std::size_t bytes_at(Database& from, std::string_view sql, std::int64_t serial) {
    Statement statement(from, sql);
    Rows rows(statement, serial);
    return rows.next() ? static_cast<std::size_t>(rows.integer(0)) : 0;
}

void read_state(Database& from, std::int64_t serial, Request& request) {
    Statement statement(
        from,
        "SELECT phase, state, tracking, settled, in_doubt, needs_person, open_call, papers, due_at "
        "FROM transaction_state WHERE serial = ?");
    Rows rows(statement, serial);
    if (!rows.next()) throw std::runtime_error("the sample lacks a transaction");
    request.phase = rows.text(0);
    request.state = rows.text(1);
    request.tracking = rows.text(2);
    request.settled = rows.integer(3);
    request.in_doubt = rows.integer(4);
    request.needs_person = rows.integer(5);
    request.open_call = rows.integer(6);
    request.papers = rows.integer(7);
    request.due_at = rows.optional_integer(8);
}

/// Rows of the versions `first` to `last`: the hand-over is the first, everything else the purchase.
void read_rows(Database& from, std::int64_t serial, std::int64_t first, std::int64_t last, Request& request) {
    Statement journal(
        from,
        "SELECT flags, format, due_at, body FROM journal WHERE transaction_serial = ? AND version "
        "BETWEEN ? AND ? ORDER BY version");
    for (Rows rows(journal, serial, first, last); rows.next();)
        request.journal.push_back(
            {rows.integer(0), rows.integer(1), rows.optional_integer(2), std::string(rows.text(3))});
    Statement claims(from,
                     "SELECT scope, length(key_hmac), ifnull(length(fingerprint_hmac), 0), "
                     "own FROM once WHERE transaction_serial = ? AND version BETWEEN ? AND ?");
    for (Rows rows(claims, serial, first, last); rows.next();)
        request.claims.push_back({std::string(rows.text(0)), static_cast<std::size_t>(rows.integer(1)),
                                  static_cast<std::size_t>(rows.integer(2)), rows.integer(3) != 0});
}

/// From a house that handed over and did not buy, and handed over and bought.
Payment read_payment(Database& from) {
    const auto reserved = from.number("SELECT max(serial) FROM transaction_state WHERE phase = 'reserved'");
    const auto bought = from.number("SELECT max(serial) FROM transaction_state WHERE phase = 'purchased'");
    Payment payment;
    read_state(from, reserved, payment.hand_over);
    read_state(from, bought, payment.purchase);
    read_rows(from, reserved, 1, 1, payment.hand_over);
    read_rows(from, bought, 2, 1000, payment.purchase);
    payment.system = text_at(from, "SELECT system FROM transaction_state WHERE serial = ?", bought);
    payment.caller = text_at(from, "SELECT caller FROM transaction_state WHERE serial = ?", bought);
    payment.customer_bytes =
        bytes_at(from, "SELECT length(sealed) FROM customer WHERE transaction_serial = ?", bought);
    payment.document_bytes =
        bytes_at(from, "SELECT length(sealed) FROM document WHERE transaction_serial = ?", bought);
    Statement credit(from, "SELECT kind FROM credit_entry WHERE transaction_serial = ?");
    for (Rows rows(credit, bought); rows.next();) payment.purchase.credit_kinds.emplace_back(rows.text(0));
    if (payment.hand_over.journal.empty() || payment.purchase.journal.empty())
        throw std::runtime_error("the sample lacks journal rows");
    return payment;
}

class BareWriter {
  public:
    BareWriter(Database& database, Payment payment) : db_(database), payment_(std::move(payment)) {}

    /// `requests` in one commit: half of them hand-overs, half purchases of what the commit before handed
    /// over. Answers how many payments it ended.
    std::size_t commit(std::size_t requests) {
        now_ = to_millis(SystemClock().now());
        const std::int64_t first = next_number_;
        begin_.run();
        const auto ready = std::move(handed_over_);
        handed_over_.clear();
        for (const auto& [serial, id] : ready) purchase(serial, id);
        for (std::size_t i = 0; i < requests / 2; ++i) hand_over();
        seal_.run(first, next_number_ - 1, Blob{random(hash_bytes, 0)}, Blob{random(hash_bytes, 1)}, claims_);
        commit_.run();
        db_.checkpoint_when_due();
        return ready.size();
    }

  private:
    /// New each time; `slot` keeps several apart until they are written.
    std::string_view random(std::size_t bytes, std::size_t slot, std::string_view begins = "") {
        auto& place = random_[slot];
        place = begins;
        place.resize(bytes);
        for (std::size_t i = begins.size(); i < bytes; i += sizeof(std::uint64_t)) {
            const std::uint64_t drawn = dice_();
            std::memcpy(place.data() + i, &drawn, std::min(sizeof drawn, bytes - i));
        }
        return place;
    }

    void hand_over() {
        const auto id = TransactionId::make(SystemClock().now(), randomness_);
        const auto& request = payment_.hand_over;
        insert_.run(store::to_blob(id), core::reference_of(id), payment_.system, payment_.caller, id.text(),
                    now_, 1, request.phase, request.due_at, request.settled, request.in_doubt,
                    request.needs_person, request.open_call, request.papers, Blob{random(hash_bytes, 0)},
                    request.state);
        const auto serial = db_.last_serial();
        rows(request, serial, id, 1);
        person(customer_, serial, payment_.customer_bytes);
        person(document_, serial, payment_.document_bytes);
        handed_over_.emplace_back(serial, id);
    }

    /// Noise as what is sealed, and the key that goes with it.
    void person(Statement& put, std::int64_t serial, std::size_t sealed_bytes) {
        if (sealed_bytes == 0) return;
        constexpr std::size_t salt_bytes = 16;
        add_key_.run(Blob{random(salt_bytes, 0)});
        put.run(serial, db_.last_serial(), Blob{random(sealed_bytes, 0)});
    }

    void purchase(std::int64_t serial, const TransactionId& id) {
        const auto& request = payment_.purchase;
        const auto version = static_cast<std::int64_t>(1 + request.journal.size());
        update_.run(version, request.phase, request.due_at, request.settled, request.in_doubt,
                    request.needs_person, request.open_call, request.papers, Blob{random(hash_bytes, 0)},
                    request.state, serial);
        rows(request, serial, id, 2);
        for (const auto& kind : request.credit_kinds) {
            balance_ += 1000;
            credit_.run(next_number_ - 1, serial, now_, kind, 1000, balance_);
            set_balance_.run(balance_);
        }
    }

    void rows(const Request& request, std::int64_t serial, const TransactionId& id, std::int64_t version) {
        const auto time = store::to_blob(id).bytes.substr(0, 6);
        for (const auto& claim : request.claims) {
            const Blob key{random(claim.key_bytes, 0, claim.own ? time : "")};
            claim_.run(key, claim.scope,
                       claim.fingerprint_bytes == 0 ? std::nullopt
                                                    : std::optional(Blob{random(claim.fingerprint_bytes, 1)}),
                       serial, version, claim.own, Blob{random(proof_bytes, 2)});
            claims_ = db_.last_serial();
            if (claim.own)
                own_key_.run(key, claims_);
            else
                claim_key_.run(Blob{key.bytes.substr(0, store::claim_key_start_bytes)}, claims_);
        }
        for (const auto& row : request.journal)
            journal_.run(next_number_++, serial, version++, now_, row.due_at, row.flags, row.format, row.body,
                         Blob{random(hash_bytes, 0)});
    }

    Database& db_;
    Payment payment_;
    SystemRandomness randomness_;
    std::mt19937_64 dice_{1};  // a call of the kernel for each hash would be most of the work
    std::int64_t now_ = 0, next_number_ = 1, balance_ = 0, claims_ = 0;
    std::vector<std::pair<std::int64_t, TransactionId>> handed_over_;
    std::array<std::string, 3> random_;

    Statement begin_{db_, "BEGIN IMMEDIATE"}, commit_{db_, "COMMIT"};
    Statement insert_{
        db_,
        "INSERT INTO transaction_state (id, reference, system, caller, tracking, created, version, "
        "phase, due_at, settled, in_doubt, needs_person, open_call, papers, head, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    Statement update_{
        db_,
        "UPDATE transaction_state SET version = ?, phase = ?, due_at = ?, settled = ?, in_doubt = ?, "
        "needs_person = ?, open_call = ?, papers = ?, head = ?, state = ? WHERE serial = ?"};
    Statement journal_{db_, "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    Statement claim_{db_,
                     "INSERT INTO once (key_hmac, scope, fingerprint_hmac, transaction_serial, version, own, "
                     "proof) VALUES (?, ?, ?, ?, ?, ?, ?)"};
    Statement claim_key_{db_, "INSERT INTO once_key VALUES (?, ?)"},
        own_key_{db_, "INSERT INTO once_own VALUES (?, ?)"};
    Statement add_key_{db_, "INSERT INTO person_key (salt) VALUES (?)"};
    Statement customer_{db_, "INSERT INTO customer VALUES (?, '', ?, ?)"};
    Statement document_{db_, "INSERT INTO document VALUES (?, '', ?, ?)"};
    Statement credit_{
        db_,
        "INSERT INTO credit_entry (account, journal_number, transaction_serial, leg, at, kind, minor, "
        "balance) VALUES (1, ?, ?, 1, ?, ?, ?, ?)"};
    Statement set_balance_{db_, "UPDATE balance SET minor = ? WHERE account = 1"};
    Statement seal_{db_, "INSERT INTO seal (first, last, hash, mac, claims) VALUES (?, ?, ?, ?, ?)"};
};

double since(SteadyClock::time_point began) {
    return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

struct Arguments {
    std::string sample, directory;
    std::size_t group = 64;
    double warm_seconds = 0.5, seconds = 3;
};

void run(const Arguments& given) {
    auto from = Database::for_reading(given.sample);
    const std::string file = given.directory + "/bare.db";
    if (std::filesystem::exists(file)) throw std::runtime_error(file + " exists");
    std::ofstream(file).close();
    auto database = Database::for_writing(file);
    if (auto applied = store::apply_migrations(database, {}); !applied)
        throw std::runtime_error(applied.error().message);
    database.execute("INSERT INTO balance VALUES (1, 'demo', 'GBP', 0)");
    const auto empty = std::filesystem::file_size(file);
    BareWriter writer(database, read_payment(from));

    std::size_t ever = 0;
    for (const auto began = SteadyClock::now(); since(began) < given.warm_seconds;)
        ever += writer.commit(given.group);
    std::size_t payments = 0, commits = 0;
    const auto began = SteadyClock::now();
    for (; since(began) < given.seconds; ++commits) payments += writer.commit(given.group);
    const double took = since(began);
    ever += payments;
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto bytes = (std::filesystem::file_size(file) - empty) / std::max<std::size_t>(ever, 1);
    std::cout << fmt::format(
        "{{\"seconds\":{:.6f},\"payments\":{},\"commits\":{},\"database_bytes_a_payment\":{}}}\n", took,
        payments, commits, bytes);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Writes what a house writes, and nothing else.");
    Arguments given;
    app.add_option("--sample", given.sample, "a data base that a real house wrote")->required();
    app.add_option("--directory", given.directory, "an empty folder")->required();
    app.add_option("--group", given.group, "requests a commit")->check(CLI::Range(2, 4096));
    app.add_option("--warm", given.warm_seconds);
    app.add_option("--seconds", given.seconds);
    CLI11_PARSE(app, argc, argv);
    try {
        run(given);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_bare_sqlite: " << error.what() << '\n';
        return 1;
    }
}
