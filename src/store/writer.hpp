#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "store/claim_index.hpp"
#include "store/claims.hpp"
#include "store/keys.hpp"
#include "store/people.hpp"
#include "store/sqlite.hpp"
#include "store/store.hpp"

namespace kassi::store {

inline constexpr std::size_t group_jobs_max = 256;  ///< in one group commit: some 20 ms of work
/// A group waits for those who come next as long as each look finds more of them, until it has so many, and
/// for so long: a commit costs the disk the same for one and for many.
inline constexpr std::size_t group_jobs_enough = 44;
inline constexpr Millis group_wait_max{2};
inline constexpr std::chrono::days unmatched_kept{30};
inline constexpr std::chrono::days ended_tokens_kept{400};
inline constexpr std::int64_t expired_tokens_max =
    20'000;  ///< in one expire(): the writer is not held up for long
/// So long after a failed write it is tried whether there is room by now, and after a try to truncate the WAL
/// at which somebody was reading that is tried again; and so on.
inline constexpr Millis look_again{1'000};
inline constexpr int exit_commit_failed = 70;  ///< EX_SOFTWARE of sysexits.h

/// The writer thread: everything that changes the data base, in groups.
class Writer {
  public:
    using Post = std::function<void(std::function<void()>)>;

    /// `database` has the newest schema. Starts the thread.
    Writer(Database database, const Keys& keys, Post post, std::size_t queue_jobs_max,
           std::size_t claims_enough);
    /// Writes what is queued, posts the answers, ends the thread, closes the connection.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    void commit(Unit unit, std::function<void(CommitOutcome)> done);
    void keep(UnmatchedNotice notice, std::function<void(bool)> done);
    void drop(std::string merchant, std::string event_id);
    void expire(Instant now, std::function<void(std::int64_t)> done);
    void put_to_work(Instant now, std::function<void(bool)> done);
    /// False once a write failed for want of space or rights; true again when one succeeds, or a probe does.
    [[nodiscard]] bool writable() const { return writable_; }
    /// For its waiting().
    [[nodiscard]] const ClaimIndex& claim_index() const { return claim_index_; }
    /// Ends the thread; later jobs are answered unavailable.
    void stop();

  private:
    /// What needs no data base: made by whoever commits, so that the writer, for whom all wait, is through
    /// sooner.
    struct Ready {
        std::vector<ClaimKey> claims;           ///< in the order of the unit's
        std::vector<std::string> fingerprints;  ///< HMACs, in that order
        std::vector<std::string> proofs;        ///< of the rows of `once`
        std::string row, state;                 ///< as they are printed for the disk
        std::optional<SealedPerson> customer, document;
    };
    struct CommitJob {
        Unit unit;
        Ready ready;
        std::function<void(CommitOutcome)> done;
        CommitOutcome outcome{};
        std::size_t stored_bytes = 0;
    };
    struct KeepJob {
        UnmatchedNotice notice;
        std::function<void(bool)> done;
    };
    struct DropJob {
        std::string merchant, event_id;
    };
    struct ExpireJob {
        Instant now;
        std::function<void(std::int64_t)> done;
        std::int64_t count = 0;
    };
    struct PutToWorkJob {
        Instant now;
        std::function<void(bool)> done;
    };
    using Job = std::variant<CommitJob, KeepJob, DropJob, ExpireJob, PutToWorkJob>;

    /// What the data base knows of the unit's transaction.
    struct Stored {
        std::int64_t serial = 0;  ///< 0: unknown
        std::int64_t version = 0;
        std::int64_t papers = 0;
        std::string tracking, head;
    };
    struct Account {
        std::int64_t serial = 0;  ///< 0: not stored yet
        std::int64_t minor = 0;
        std::int64_t planned = 0;  ///< with everything of the unit
    };
    using AccountKey = std::pair<std::string, std::string>;  ///< caller, currency
    /// The end of both chains.
    struct Ends {
        std::int64_t next_number = 1;
        std::int64_t first_unsealed = 1;
        std::string seal;
        std::int64_t claims = 0;  ///< the last serial of `once`
        std::string row_hashes;   ///< of the rows of this group
    };
    struct Statements;

    /// What the io thread and the writer share: a look may come after the end.
    struct Queue {
        std::mutex mutex;
        std::condition_variable wake;
        std::deque<Job> jobs;
        std::chrono::steady_clock::time_point wait_until;  ///< while jobs are there
        std::size_t looked_at = 0;                         ///< so many were there at the last look
        bool gathered = false;                             ///< nobody else comes just now
        bool stopping = false;
    };

    /// What was sealed is taken from the unit: it is not kept twice.
    [[nodiscard]] Ready make_ready(Unit& unit);
    bool push(Job job);
    static void look_again_at(const std::shared_ptr<Queue>& queue, const Post& post);
    bool next_group(std::vector<Job>& group);
    static std::function<void()> answer(Job& job, bool written);
    void loop();
    void write(std::vector<Job>& group);
    bool write_all(std::vector<Job>& group);
    void truncate();
    bool commit_all();
    void roll_back();
    void probe();
    void do_job(CommitJob& job);
    void do_job(KeepJob& job);
    void do_job(DropJob& job);
    void do_job(ExpireJob& job);
    void do_job(PutToWorkJob& job);

    // Guards: nothing is written before all of them have passed.
    CommitOutcome write_unit(const Unit& unit, const Ready& ready, std::size_t& stored_bytes);
    Stored find(const TransactionId& id);
    std::optional<std::size_t> claimed(const std::vector<ClaimKey>& keys);
    std::optional<std::size_t> token_taken(const Unit& unit, std::int64_t serial,
                                           const std::vector<std::string>& hmacs);
    std::optional<std::size_t> credit_exhausted(const Unit& unit, std::map<AccountKey, Account>& accounts);

    // Both say how many bytes are kept of it.
    /// Nullopt, and nothing was written: a new transaction whose id or reference exists.
    std::optional<std::size_t> write_state_and_row(const Unit& unit, const Ready& ready, Stored& stored);
    std::size_t write_papers(const Unit& unit, const Stored& stored);
    void end_tokens(const Unit& unit, std::int64_t serial);
    void write_people(const Unit& unit, const Ready& ready, std::int64_t serial);
    void write_credit(const Unit& unit, std::int64_t serial, std::map<AccountKey, Account>& accounts);
    void seal();

    Database database_;
    const Keys& keys_;
    ClaimKeys claim_keys_;
    Post post_;
    std::size_t queue_jobs_max_;
    SystemRandomness randomness_;
    std::unique_ptr<Statements> sql_;
    ClaimIndex claim_index_;
    PeopleWriter people_;
    Ends ends_;
    std::atomic<bool> writable_ = true;
    bool to_truncate_ = false;  ///< somebody was forgotten: the WAL still tells of it
    std::chrono::steady_clock::time_point truncate_at_;  ///< not before
    bool truncate_failed_ = false;                       ///< and it was said that it cannot be

    const std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
    std::thread thread_;
};

}  // namespace kassi::store
