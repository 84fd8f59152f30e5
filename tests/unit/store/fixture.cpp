#include "fixture.hpp"

#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>

namespace kassi::store {

Money money(std::int64_t minor, const char* currency) {
    return Money{minor, *Currency::parse(currency, "currency")};
}

Secret<> master_key(char fill) {
    return Secret<>(std::string(32, fill));
}

TempDirectory::TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "kassi-store-XXXXXX").string();
    KASSI_ENSURE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}

TempDirectory::~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void Posted::post(std::function<void()> callback) {
    std::unique_lock lock(mutex_);
    queue_.push_back(std::move(callback));
    const bool by_writer = std::this_thread::get_id() != test_;
    ++(by_writer ? batches_ : own_);
    // What came before hold() is never held, however late its thread goes on.
    const bool held = hold_ && by_writer;
    held_ = held_ || held;
    came_.notify_all();
    if (held) came_.wait(lock, [this] { return !hold_; });
}

void Posted::hold() {
    const std::lock_guard lock(mutex_);
    hold_ = true;
    held_ = false;
}

void Posted::wait_until_held() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return held_; });
}

void Posted::release() {
    const std::lock_guard lock(mutex_);
    hold_ = false;
    came_.notify_all();
}

bool Posted::run_until(const std::function<bool()>& done) {
    while (!done()) {
        std::function<void()> callback;
        {
            std::unique_lock lock(mutex_);
            if (!came_.wait_for(lock, std::chrono::minutes(1), [this] { return !queue_.empty(); }))
                return false;
            callback = std::move(queue_.front());
            queue_.pop_front();
        }
        callback();
    }
    return true;
}

std::size_t Posted::own() {
    const std::lock_guard lock(mutex_);
    return own_;
}

std::size_t Posted::batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
}

Raw::Raw(const std::string& directory) {
    KASSI_ENSURE(sqlite3_open_v2((directory + "/kassi.db").c_str(), &handle_, SQLITE_OPEN_READWRITE,
                                 nullptr) == SQLITE_OK);
    sqlite3_busy_timeout(handle_, 10'000);
}

Raw::~Raw() {
    sqlite3_close(handle_);
}

void Raw::execute(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_));
}

std::string Raw::value(const std::string& sql) {
    std::string text;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
        throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_));
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
        text.assign(static_cast<const char*>(sqlite3_column_blob(statement, 0)), size);
        if (sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
            text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return text;
}

Unit Story::unit_of(core::JournalRow row) {
    Unit unit;
    unit.version_read = transaction.version;
    core::apply_row(transaction, row);
    unit.row = std::move(row);
    unit.decision.next = transaction;
    unit.decision.events = unit.row.events;
    unit.settled = core::settled(transaction);
    unit.needs_person = core::needs_person(transaction);
    for (const auto& leg : transaction.legs) unit.in_doubt = unit.in_doubt || leg.doing == core::Doing::doubt;
    return unit;
}

Unit Story::hand_over(Instant when, const std::string& caller, std::int64_t minor) {
    SystemRandomness randomness;
    core::HandedOver event;
    event.id = TransactionId::make(when, randomness);
    event.system = "box-office";
    event.caller = caller;
    event.bundles = {{.source = "ext_test0",
                      .description = "External Test Backend 0",
                      .amount = money(minor),
                      .orders = {{.item = 1, .amount = money(minor)}}}};
    event.held_until = when + std::chrono::minutes(15);
    Unit unit = unit_of({.at = when, .input = "HandOver", .by = "caller " + caller, .events = {event}});
    unit.due_at = event.held_until;
    return unit;
}

Unit Story::step(Instant when, std::vector<core::Event> events, const std::string& tracking) {
    return unit_of(
        {.at = when, .input = "Due", .by = "clock", .tracking = tracking, .events = std::move(events)});
}

Unit Story::send_away(Instant when, std::int64_t leg, std::int64_t callout) {
    std::vector<core::Event> events;
    if (core::find_leg(transaction, leg) == nullptr)
        events.push_back(core::LegOpened{.leg = leg,
                                         .sources = {"ext_test0"},
                                         .merchant = "demo-redirect",
                                         .flow = "redirect",
                                         .amount = transaction.bundles[0].amount});
    events.push_back(core::CustomerSent{.leg = leg,
                                        .callout = callout,
                                        .type = "get",
                                        .host = "http://127.0.0.1:9",
                                        .until = when + std::chrono::minutes(10)});
    Unit unit = step(when, std::move(events));
    unit.due_at = when + std::chrono::minutes(10);
    return unit;
}

Unit Story::come_back(Instant when, const std::string& digest, std::int64_t leg, std::int64_t callout) {
    Unit unit = step(when, {core::CustomerBack{.leg = leg, .callout = callout}});
    unit.decision.token_spent = core::TokenSpent{.leg = leg, .callout = callout, .fields_digest = digest};
    return unit;
}

Unit Story::owe(Instant when, std::optional<std::int64_t> limit) {
    const Money amount = transaction.bundles[0].amount;
    Unit unit = step(
        when,
        {core::PurchaseAsked{},
         core::LegOpened{
             .leg = 1, .sources = {"ext_test0"}, .merchant = "house", .flow = "on_credit", .amount = amount},
         core::Held{.leg = 1, .amount = amount}, core::Decided{.verdict = core::Verdict::buy},
         core::Taken{.leg = 1, .amount = amount}, core::Decided{.verdict = core::Verdict::purchased}});
    const auto entry = [&](const char* kind) {
        return core::LedgerEntry{.leg = 1, .merchant = "house", .kind = kind, .amount = amount};
    };
    unit.credit = {{transaction.caller, entry("held"), amount.minor, limit},
                   {transaction.caller, entry("taken"), 0, limit}};
    return unit;
}

core::TokenLive live_token(const std::string& token, bool page, bool minted, std::int64_t leg,
                           std::int64_t callout) {
    return {.token = token, .leg = leg, .callout = callout, .page = page, .minted = minted};
}

Result<std::unique_ptr<SqliteStore>> StoreTest::try_open(char key) {
    return SqliteStore::open(
        {.directory = directory(),
         .master_key = master_key(key),
         .post = [this](std::function<void()> callback) { posted_.post(std::move(callback)); },
         .newest_bytes_max = 0});
}

void StoreTest::open(std::size_t queue_units_max, std::size_t newest_bytes_max, std::size_t claims_enough) {
    close();
    auto opened = SqliteStore::open(
        {.directory = directory(),
         .master_key = master_key(),
         .post = [this](std::function<void()> callback) { posted_.post(std::move(callback)); },
         .queue_units_max = queue_units_max,
         .waiting_claims_enough = claims_enough,
         .newest_bytes_max = newest_bytes_max});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
}

CommitOutcome StoreTest::commit(const Unit& unit) {
    std::optional<CommitOutcome> outcome;
    store_->commit(unit, [&](CommitOutcome said) { outcome = said; });
    EXPECT_FALSE(outcome) << "answered from inside the call";
    EXPECT_TRUE(posted_.run_until([&] { return outcome.has_value(); }));
    return *outcome;
}

void StoreTest::committed(const Unit& unit) {
    ASSERT_EQ(commit(unit), done_well);
}

std::int64_t StoreTest::expire(Instant now) {
    std::optional<std::int64_t> count;
    store_->expire(now, [&](std::int64_t rows) { count = rows; });
    EXPECT_TRUE(posted_.run_until([&] { return count.has_value(); }));
    return *count;
}

VerifyReport StoreTest::verified(const std::string& head) {
    auto report = verify(directory(), master_key(), head, nullptr);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : VerifyReport{};
}

void StoreTest::clean() {
    const auto report = verified();
    for (const auto& finding : report.findings) ADD_FAILURE() << testing::PrintToString(finding);
}

void PrintTo(const CommitOutcome& outcome, std::ostream* out) {
    *out << "kind " << static_cast<int>(outcome.kind) << " index " << outcome.index;
}

void PrintTo(const Finding& finding, std::ostream* out) {
    *out << "row " << finding.row << " \"" << finding.transaction << "\": " << finding.what;
}

}  // namespace kassi::store
