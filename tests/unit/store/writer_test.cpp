#include "store/writer.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

#include "base/limits.hpp"
#include "fixture.hpp"

namespace kassi::store {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = CommitOutcome::Kind;

class WriterTest : public StoreTest {
  protected:
    void queue(const Unit& unit) {
        store_->commit(unit, [this](CommitOutcome outcome) { outcomes_.push_back(outcome); });
    }
    void queue_new() { queue(Story().hand_over(at(0))); }
    /// Runs `queueing` while the writer stands still behind a first commit, whose outcome it takes away: all
    /// that is queued becomes one group.
    void as_one_group(const std::function<void()>& queueing) {
        posted_.hold();
        queue_new();
        posted_.wait_until_held();
        queueing();
        posted_.release();
        wait_for(1);
        outcomes_.erase(outcomes_.begin());
    }
    void wait_for(std::size_t count) {
        ASSERT_TRUE(posted_.run_until([&] { return outcomes_.size() >= count; }));
    }
    std::vector<CommitOutcome> outcomes_;
};

TEST_F(WriterTest, unitThatMeetsAConflictVanishesAloneInItsGroup) {
    open();
    Story moved, fresh;
    committed(moved.hand_over(at(0)));
    Story late = moved;
    const std::size_t before = posted_.batches();
    as_one_group([&] {
        queue(moved.step(at(1), {core::HoldMoved{at(1000)}}));  // good
        queue(late.step(at(1), {core::HoldMoved{at(2000)}}));   // the same version again
        Unit claim = fresh.hand_over(at(2));
        claim.claims = {{"order", "7", ""}};
        queue(claim);                                           // good
        queue(claim);                                           // claimed a moment ago, in this group
        queue(moved.step(at(3), {core::HoldMoved{at(3000)}}));  // good: builds on the one before
    });
    wait_for(5);
    EXPECT_THAT(outcomes_, ElementsAre(done_well, CommitOutcome{Kind::version_conflict}, done_well,
                                       CommitOutcome{Kind::claimed}, done_well));
    EXPECT_EQ(posted_.batches() - before, 2U) << "one answer a group";
    EXPECT_EQ(store_->load(moved.transaction.id)->transaction, moved.transaction);
    EXPECT_EQ(store_->load(fresh.transaction.id)->transaction, fresh.transaction);
    const auto report = verified();
    EXPECT_THAT(report.findings, IsEmpty());
    EXPECT_EQ(report.rows, 5);
    EXPECT_EQ(report.seals, 3) << "one seal a group";
}

TEST_F(WriterTest, creditLimitHoldsUnderTwoHundredAtOnce) {
    open();
    std::vector<Story> stories(200);
    for (auto& story : stories) queue(story.hand_over(at(0), "demo", 100));
    wait_for(stories.size());
    outcomes_.clear();
    as_one_group([&] {
        for (auto& story : stories) queue(story.owe(at(1), 5'099));
    });
    wait_for(stories.size());
    EXPECT_EQ(std::count(outcomes_.begin(), outcomes_.end(), done_well), 50);
    EXPECT_EQ(std::count(outcomes_.begin(), outcomes_.end(), CommitOutcome{Kind::credit_exhausted}), 150);
    EXPECT_EQ(store_->balances("demo")[0].minor, 5'000);
    EXPECT_THAT(store_->statement("demo", money(0).currency, {}, at(9), 1000), SizeIs(100));
    clean();
}

TEST_F(WriterTest, oneOfTwoEqualClientTokensInAGroupIsTaken) {
    open();
    Story first, second;
    committed(first.hand_over(at(0)));
    committed(second.hand_over(at(0)));
    as_one_group([&] {
        for (Story* story : {&first, &second}) {
            Unit unit = story->send_away(at(1));
            unit.decision.tokens_live = {live_token("abc", false, false)};
            queue(unit);
        }
    });
    wait_for(2);
    EXPECT_THAT(outcomes_, ElementsAre(done_well, CommitOutcome{Kind::token_taken}));
    EXPECT_EQ(store_->find_token("demo", "abc")->transaction, first.transaction.id);
    EXPECT_EQ(store_->load(second.transaction.id)->transaction.version, 1);
}

TEST_F(WriterTest, fullQueueRefusesAtOnceAndChangesNothing) {
    constexpr std::size_t queue_max = 8;
    open(queue_max);
    as_one_group([&] {
        for (std::size_t i = 0; i < queue_max; ++i) queue_new();
        // A look for more jobs for each of the two groups.
        EXPECT_EQ(posted_.own(), 2U) << "nothing refused at the limit";
        queue_new();
        EXPECT_EQ(posted_.own(), 3U) << "refused one past it";
        store_->keep_unmatched({"shop", "r", "e", "{}", at(0)}, [&](bool ok) { EXPECT_FALSE(ok); });
        EXPECT_EQ(posted_.own(), 4U);
    });
    wait_for(queue_max + 1);
    EXPECT_EQ(outcomes_.front(), CommitOutcome{Kind::unavailable}) << "it did not wait for the others";
    outcomes_.erase(outcomes_.begin());
    EXPECT_THAT(outcomes_, Each(done_well));
    EXPECT_EQ(store_->counts().transactions, static_cast<std::int64_t>(queue_max + 1));
    EXPECT_TRUE(store_->writable());
    committed(Story().hand_over(at(1)));
    clean();
}

TEST_F(WriterTest, groupIsBounded) {
    open();
    constexpr std::size_t count = 2 * group_jobs_max + 1;
    as_one_group([&] {
        for (std::size_t i = 0; i < count; ++i) queue_new();
    });
    wait_for(count);
    EXPECT_THAT(outcomes_, Each(done_well));
    const auto report = verified();
    EXPECT_EQ(report.rows, static_cast<std::int64_t>(count + 1));
    EXPECT_EQ(report.seals, 4) << "the first alone, two full groups, and the rest";
}

/// A group waits 2 ms at most. Whether the test was fast enough is known afterwards: if not, it has shown
/// nothing and is done again.
TEST_F(WriterTest, whoComesWithinAMomentSharesACommit) {
    open();
    constexpr std::size_t jobs = 3;                    // a sanitizer takes its time for each
    constexpr std::chrono::microseconds between{200};  // a writer that does not wait has one by then
    const auto one_look = [this] { posted_.run_until([looks = 0]() mutable { return looks++ > 0; }); };
    committed(Story().hand_over(at(0)));  // its thread has begun
    int in_time = 0;
    for (int tries = 0; tries < 2'000 && in_time < 10; ++tries) {
        std::vector<Unit> units;
        for (std::size_t i = 0; i < jobs; ++i) units.push_back(Story().hand_over(at(0)));
        const std::size_t before = posted_.batches();
        const auto began = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < jobs; ++i) {
            if (i > 0) one_look();  // and it finds one more than the look before
            queue(units[i]);
            std::this_thread::sleep_for(between);
        }
        const bool fast = std::chrono::steady_clock::now() < began + group_wait_max;
        wait_for(jobs);
        EXPECT_THAT(outcomes_, Each(done_well));
        outcomes_.clear();
        if (!fast) continue;
        ++in_time;
        EXPECT_EQ(posted_.batches() - before, 1U);
    }
    EXPECT_GT(in_time, 0) << "never had the processor for so long";
}

TEST_F(WriterTest, theWalIsCheckpointedAndBeginsAnew) {
    open();
    constexpr std::uintmax_t frame = 24 + 4096, enough = 1'000;
    constexpr std::size_t jobs = 200;
    const auto wal_frames = [this] {
        return std::filesystem::file_size(directory() + "/kassi.db-wal") / frame;
    };
    std::uintmax_t most = 0;
    for (int groups = 0; groups < 40; ++groups) {
        for (std::size_t i = 0; i < jobs; ++i) queue_new();
        wait_for(jobs);
        outcomes_.clear();
        most = std::max(most, wal_frames());
    }
    EXPECT_GE(most, enough);
    EXPECT_LT(most, 2 * enough) << "a group has some hundred pages";
}

TEST_F(WriterTest, closingWritesWhatIsQueuedFirst) {
    open();
    for (int i = 0; i < 300; ++i) queue_new();
    close();
    wait_for(300);
    EXPECT_THAT(outcomes_, Each(done_well));
    EXPECT_EQ(verified().rows, 300);
}

/// Runs `body` in a process of its own and answers its exit code.
int in_child(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A disk that takes no more: no file of this process may grow past that.
void limit_files(rlim_t bytes) {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(WriterTest, fullDiskIsUnavailableAndReadingGoesOn) {
    const int code = in_child([&] {
        open();
        Story story, second;
        if (!(commit(story.hand_over(at(0))) == done_well)) return 1;
        limit_files(16'384);  // less than the WAL has already
        const Unit unit = second.hand_over(at(1));
        if (commit(unit).kind != Kind::unavailable) return 2;
        if (store_->writable()) return 3;
        if (store_->load(story.transaction.id)->transaction != story.transaction) return 4;
        if (store_->load(second.transaction.id)) return 5;
        const Unit wrong = Story(story).step(at(1), {core::HoldMoved{at(9)}});
        Unit conflict = wrong;
        conflict.version_read = 5, conflict.decision.next.version = 6;
        if (commit(conflict).kind != Kind::version_conflict) return 6;
        if (store_->writable()) return 7;  // nothing was tried
        if (commit(unit).kind != Kind::unavailable) return 8;
        limit_files(RLIM_INFINITY);
        // Nobody writes, and it is found out all the same.
        while (!store_->writable()) std::this_thread::sleep_for(look_again / 50);
        if (!(commit(unit) == done_well)) return 9;
        if (!store_->writable()) return 10;
        close();
        return 0;
    });
    ASSERT_EQ(code, 0);
    const auto report = verified();
    EXPECT_THAT(report.findings, IsEmpty());
    EXPECT_EQ(report.rows, 2);
}

TEST_F(WriterTest, whereverTheDiskEndsTheAnswerIsTrue) {
    open();
    close();
    constexpr rlim_t wal_header = 32, frame = 24 + 4096;
    constexpr int unavailable = 10, wrong = 11;
    std::set<int> codes;
    std::int64_t rows = 0;
    for (rlim_t frames = 4; !codes.contains(0); ++frames) {
        ASSERT_LT(frames, 100U);
        const int code = in_child([&] {
            open();
            limit_files(wal_header + frames * frame);
            const auto outcome = commit(Story().hand_over(at(0)));
            return outcome == done_well ? 0 : outcome.kind == Kind::unavailable ? unavailable : wrong;
        });
        codes.insert(code);
        const auto report = verified();
        EXPECT_THAT(report.findings, IsEmpty()) << frames;
        if (code != exit_commit_failed) {
            EXPECT_EQ(report.rows, rows + (code == 0 ? 1 : 0)) << frames;
        }
        rows = report.rows;
    }
    // Too small for the pages; too small for the commit itself, after which nobody knows; enough.
    EXPECT_EQ(codes, (std::set<int>{0, unavailable, exit_commit_failed}));
}

}  // namespace
}  // namespace kassi::store
