#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "store/sqlite_store.hpp"

struct sqlite3;

namespace kassi::store {

inline constexpr Instant day_one{Millis{1'768'000'000'000}};  // 2026-01-09
inline Instant at(std::int64_t seconds) {
    return day_one + std::chrono::seconds(seconds);
}

Money money(std::int64_t minor, const char* currency = "GBP");
Secret<> master_key(char fill = 'k');

/// A directory of its own, removed at the end.
class TempDirectory {
  public:
    TempDirectory();
    ~TempDirectory();
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// What SqliteStore posts, run by the test's thread.
class Posted {
  public:
    void post(std::function<void()> callback);
    /// Runs callbacks until `done`; false after a minute.
    bool run_until(const std::function<bool()>& done);
    std::size_t batches();  ///< by the writer
    std::size_t own();      ///< by the test's thread: looks for more jobs, and refusals

    /// From now on post() does not return to another thread before release(): the writer stands still.
    void hold();
    void wait_until_held();
    void release();

  private:
    const std::thread::id test_ = std::this_thread::get_id();
    bool hold_ = false, held_ = false;
    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<std::function<void()>> queue_;
    std::size_t batches_ = 0, own_ = 0;
};

/// A connection behind Kassi's back, to look at and to tamper with.
class Raw {
  public:
    explicit Raw(const std::string& directory);
    ~Raw();
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    void execute(const std::string& sql);
    /// First column of the first row as text; "" when there is none.
    std::string value(const std::string& sql);
    std::int64_t number(const std::string& sql) { return std::stoll("0" + value(sql)); }

  private:
    sqlite3* handle_ = nullptr;
};

/// One transaction as the engine would move it, without decide(): rows of given events.
struct Story {
    core::Transaction transaction;

    Unit hand_over(Instant when, const std::string& caller = "demo", std::int64_t minor = 5000);
    Unit step(Instant when, std::vector<core::Event> events, const std::string& tracking = "");
    /// LegOpened, CallMeant (open), CallEnded(waiting), CustomerSent: the customer is away.
    Unit send_away(Instant when, std::int64_t leg = 1, std::int64_t callout = 1);
    Unit come_back(Instant when, const std::string& digest, std::int64_t leg = 1, std::int64_t callout = 1);
    Unit owe(Instant when, std::optional<std::int64_t> limit = std::nullopt);

  private:
    Unit unit_of(core::JournalRow row);
};

core::TokenLive live_token(const std::string& token, bool page = false, bool minted = true,
                           std::int64_t leg = 1, std::int64_t callout = 1);

class StoreTest : public testing::Test {
  protected:
    /// Every read is from the disk, unless told.
    void open(std::size_t queue_units_max = 0, std::size_t newest_bytes_max = 0,
              std::size_t claims_enough = 0);
    Result<std::unique_ptr<SqliteStore>> try_open(char key = 'k');
    void close() { store_.reset(); }
    CommitOutcome commit(const Unit& unit);
    void committed(const Unit& unit);
    std::int64_t expire(Instant now);
    VerifyReport verified(const std::string& head = "");
    void clean();
    [[nodiscard]] const std::string& directory() const { return directory_.path(); }

    TempDirectory directory_;
    Posted posted_;
    SystemRandomness randomness_;
    std::unique_ptr<SqliteStore> store_;
};

void PrintTo(const CommitOutcome& outcome, std::ostream* out);
void PrintTo(const Finding& finding, std::ostream* out);
inline bool operator==(const CommitOutcome& left, const CommitOutcome& right) {
    return left.kind == right.kind && left.index == right.index;
}
inline const CommitOutcome done_well{};

}  // namespace kassi::store
