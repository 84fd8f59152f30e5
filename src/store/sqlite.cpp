#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <cstring>
#include <utility>

namespace kassi::store {
namespace {

constexpr int wal_pages_enough = 1000;  ///< for a checkpoint
constexpr int busy_millis = 5000;       ///< another process may be recovering the WAL index of a crash

/// What SQLite says, what the system said to it, and of which file. The message only: SQL text holds no
/// values, but nothing is gained by showing it.
std::string words(sqlite3* handle, int code, const char* message, const char* file) {
    std::string text = std::string("SQLite: ") + message;
    const int primary = code & 0xff;
    if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) {
        // Which call it was is in the extended code; why it failed, not after every call.
        text += " " + std::to_string(sqlite3_extended_errcode(handle));
        if (const int system = sqlite3_system_errno(handle); system != 0)
            text += std::string(": ") + std::strerror(system);
    }
    if (file != nullptr && *file != '\0') text += std::string(" (") + file + ")";
    return text;
}

std::string words(sqlite3* handle, int code, const char* message) {
    return words(handle, code, message, sqlite3_db_filename(handle, "main"));
}

[[noreturn]] void fail(sqlite3* handle, int code) {
    throw SqlError(code & 0xff, words(handle, code, sqlite3_errmsg(handle)));
}

int size_of(std::string_view text) {
    if (text.size() > 0x7fffffff) throw SqlError(SQLITE_TOOBIG, "SQLite: value too large");
    return static_cast<int>(text.size());
}

sqlite3* open_handle(const std::string& file, int flags) {
    // Its counts of its own memory want a lock of the whole process at each allocation; nobody reads them.
    // Refused where somebody else has begun before, as tests do.
    [[maybe_unused]] static const int counts_off = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code != SQLITE_OK) {
        const SqlError error(code & 0xff, words(handle, code, sqlite3_errstr(code), file.c_str()));
        sqlite3_close(handle);
        throw error;
    }
    sqlite3_busy_timeout(handle, busy_millis);
    return handle;
}

}  // namespace

bool SqlError::is_full() const {
    return code_ == SQLITE_FULL;
}

bool SqlError::is_damage() const {
    return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB;
}

Database Database::for_writing(const std::string& file) {
    Database database(open_handle(file, SQLITE_OPEN_READWRITE));
    // A small cache: with a large one SQLite spends more time in it than it saves. With 4 MB the inner pages
    // of the index of `once` stay in it beside 5,000,000 transactions. FULL: a commit that was answered
    // survives a power cut.
    database.execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4000;"
        "PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; "
        "PRAGMA secure_delete = FAST");
    // In place of SQLite's own hook, which checkpoints within the commit.
    database.wal_pages_ = std::make_unique<int>(0);
    sqlite3_wal_hook(
        database.handle_,
        [](void* known, sqlite3*, const char*, int pages) {
            *static_cast<int*>(known) = pages;
            return SQLITE_OK;
        },
        database.wal_pages_.get());
    return database;
}

Database Database::for_reading(const std::string& file) {
    Database database(open_handle(file, SQLITE_OPEN_READONLY));
    sqlite3_db_config(database.handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    database.execute("PRAGMA cache_size = -2000; PRAGMA trusted_schema = OFF");
    return database;
}

Database Database::for_marking(const std::string& file) {
    Database database(open_handle(file, SQLITE_OPEN_READWRITE));
    database.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF");
    return database;
}

Database Database::for_reading_unchanging(const std::string& file) {
    std::string uri = "file:";
    for (const char c : file) {
        constexpr std::string_view special = "?#%";
        static constexpr char digits[] = "0123456789abcdef";
        if (special.find(c) == std::string_view::npos)
            uri += c;
        else
            uri += {'%', digits[(c >> 4) & 0xf], digits[c & 0xf]};
    }
    Database database(open_handle(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
    database.execute("PRAGMA cache_size = -2000; PRAGMA trusted_schema = OFF");
    return database;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), wal_pages_(std::move(other.wal_pages_)) {}

Database::~Database() {
    sqlite3_close(handle_);
}

void Database::execute(const char* sql) {
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(handle_, code);
}

std::int64_t Database::number(const char* sql) {
    Statement statement(*this, sql);
    Rows rows(statement);
    return rows.next() ? rows.integer(0) : 0;
}

void Database::checkpoint_when_due() {
    if (std::exchange(*wal_pages_, 0) < wal_pages_enough) return;
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

bool Database::truncate_wal() {
    sqlite3_busy_timeout(handle_, 0);
    const int code =
        sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    sqlite3_busy_timeout(handle_, busy_millis);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) return false;
    if (code != SQLITE_OK) fail(handle_, code);
    return true;
}

void Database::flush() {
    const int code = sqlite3_db_cacheflush(handle_);
    // It leaves no message with the connection.
    if (code != SQLITE_OK) throw SqlError(code & 0xff, words(handle_, code, sqlite3_errstr(code)));
}

std::string Database::file() const {
    return sqlite3_db_filename(handle_, "main");
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

std::int64_t Database::last_serial() const {
    return sqlite3_last_insert_rowid(handle_);
}

std::int64_t Database::changes() const {
    return sqlite3_total_changes64(handle_);
}

Statement::Statement(Database& database, std::string_view sql) {
    const int code = sqlite3_prepare_v3(database.handle(), sql.data(), size_of(sql),
                                        SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
    if (code != SQLITE_OK) fail(database.handle(), code);
}

Statement::~Statement() {
    sqlite3_finalize(handle_);
}

void Statement::check(int code) {
    if (code != SQLITE_OK) fail(sqlite3_db_handle(handle_), code);
}

void Statement::bind_integer(int index, std::int64_t value) {
    check(sqlite3_bind_int64(handle_, index, value));
}

void Statement::bind_text(int index, std::string_view value, bool copy) {
    // A null pointer would bind NULL.
    check(sqlite3_bind_text(handle_, index, value.empty() ? "" : value.data(), size_of(value),
                            copy ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

void Statement::bind_blob(int index, std::string_view value, bool copy) {
    check(sqlite3_bind_blob(handle_, index, value.empty() ? "" : value.data(), size_of(value),
                            copy ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

void Statement::bind_null(int index) {
    check(sqlite3_bind_null(handle_, index));
}

bool Statement::step() {
    const int code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail(sqlite3_db_handle(handle_), code);
    return false;
}

void Statement::finish() {
    const int code = sqlite3_step(handle_);
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        sqlite3* const connection = sqlite3_db_handle(handle_);
        const SqlError error(code & 0xff, words(connection, code, sqlite3_errmsg(connection)));
        reset();
        throw error;
    }
    reset();
}

// The bound values stay (their bytes are not looked at again): every run binds all of them anew.
void Statement::reset() noexcept {
    sqlite3_reset(handle_);
}

std::int64_t Rows::integer(int column) const {
    return sqlite3_column_int64(statement_.handle_, column);
}

bool Rows::null(int column) const {
    return sqlite3_column_type(statement_.handle_, column) == SQLITE_NULL;
}

std::string_view Rows::text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.handle_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.handle_, column));
    return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

}  // namespace kassi::store
