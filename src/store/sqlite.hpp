#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

struct sqlite3;
struct sqlite3_stmt;

/// SQLite, as thin as it can be: connections, prepared statements, errors as SqlError. For this room only.
namespace kassi::store {

class SqlError final : public std::runtime_error {
  public:
    SqlError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
    [[nodiscard]] int code() const { return code_; }  ///< the primary result code
    [[nodiscard]] bool is_full() const;               ///< there was no room to write
    [[nodiscard]] bool is_damage() const;             ///< what was read is not what SQLite writes

  private:
    int code_;
};

struct Blob {
    std::string_view bytes;
};

/// One connection; used by one thread at a time.
class Database {
  public:
    /// The file must exist. Takes part in WAL; checkpoints when it is told, and when it is closed last.
    static Database for_writing(const std::string& file);
    /// Read-only in every respect: neither writes nor checkpoints, not even when it is closed.
    static Database for_reading(const std::string& file);
    /// A copy that nobody else has opened, with the rollback journal in memory: whoever made it syncs it.
    static Database for_marking(const std::string& file);
    /// Of a file that nobody can write, on a read-only file system, where even a reader's own files (-shm)
    /// find no place. There must be no WAL beside it: it would not be read.
    static Database for_reading_unchanging(const std::string& file);
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;
    ~Database();

    void execute(const char* sql);
    /// One integer, for PRAGMA and the like; 0 when there is no row.
    std::int64_t number(const char* sql);
    /// When the WAL has 1,000 pages, they go to the file. Of a trouble nothing is heard: they stay in the
    /// WAL, and it is tried again after the next commit. Of a connection for writing.
    void checkpoint_when_due();
    /// Everything in the WAL goes to the file, and the WAL to length 0. False, and nothing is waited for,
    /// while another connection reads what was before.
    bool truncate_wal();
    /// Writes dirty pages out (uncommitted), so that a full disk shows before COMMIT and not in it.
    void flush();
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] std::string file() const;          ///< its path
    [[nodiscard]] std::int64_t last_serial() const;  ///< of the last INSERT
    [[nodiscard]] std::int64_t changes() const;      ///< rows changed since it was opened
    [[nodiscard]] sqlite3* handle() const { return handle_; }

  private:
    explicit Database(sqlite3* handle) : handle_(handle) {}
    sqlite3* handle_;
    std::unique_ptr<int> wal_pages_;  ///< after the last commit; where SQLite finds it, too
};

/// A prepared statement. Values are bound by their order: integers, bool, text, Blob, optional integers
/// and optional Blobs.
class Statement {
  public:
    Statement(Database& database, std::string_view sql);
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement();

    /// Runs a statement without result rows to its end.
    template <class... Values>
    void run(const Values&... values) {
        int index = 0;
        (bind(++index, values, false), ...);
        finish();
    }

  private:
    friend class Rows;
    template <class Value>
    void bind(int index, const Value& value, bool copy) {
        if constexpr (std::same_as<Value, Blob>)
            bind_blob(index, value.bytes, copy);
        else if constexpr (std::same_as<Value, std::optional<Blob>>) {
            if (value)
                bind_blob(index, value->bytes, copy);
            else
                bind_null(index);
        } else if constexpr (std::same_as<Value, std::optional<std::int64_t>>) {
            if (value)
                bind_integer(index, *value);
            else
                bind_null(index);
        } else if constexpr (std::integral<Value>)
            bind_integer(index, static_cast<std::int64_t>(value));
        else
            bind_text(index, value, copy);
    }
    void bind_integer(int index, std::int64_t value);
    void bind_text(int index, std::string_view value, bool copy);
    void bind_blob(int index, std::string_view value, bool copy);
    void bind_null(int index);
    void finish();
    bool step();
    void reset() noexcept;
    void check(int code);
    sqlite3_stmt* handle_ = nullptr;
};

/// The result rows of a statement; the statement is free again when this goes out of scope, and with it the
/// read transaction: a reader that stays in one keeps the WAL from being used again.
class Rows {
  public:
    template <class... Values>
    explicit Rows(Statement& statement, const Values&... values) : statement_(statement) {
        int index = 0;
        (statement_.bind(++index, values, true), ...);
    }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows() { statement_.reset(); }

    bool next() { return statement_.step(); }
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] bool null(int column) const;
    [[nodiscard]] std::string_view text(int column) const;  ///< until next(); of a BLOB its bytes
    [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const {
        if (null(column)) return std::nullopt;
        return integer(column);
    }

  private:
    Statement& statement_;
};

}  // namespace kassi::store
