#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "fixture.hpp"

namespace kassi::store {
namespace {

struct Acknowledged {
    TransactionId id;
    std::int64_t version = 0;
};

class CrashTest : public StoreTest {
  protected:
    /// In a process of its own: many transactions at once, each moved as soon as its move was answered. Every
    /// answer goes into the pipe.
    [[noreturn]] void work(int answers) {
        constexpr std::size_t claims_enough = 300;  // so that it dies while some are put into their index
        open(0, 0, claims_enough);
        if (store_ == nullptr) ::_exit(1);
        constexpr std::size_t at_once = 40;
        std::vector<Story> stories(at_once);
        std::function<void(std::size_t)> move = [&](std::size_t index) {
            Story& story = stories[index];
            Unit unit = story.transaction.version == 0   ? story.hand_over(at(0), "demo", 100)
                        : story.transaction.version == 1 ? story.owe(at(1))
                                                         : story.step(at(2), {core::Noted{.what = "again"}});
            unit.decision.papers.parcels[1].saved = std::to_string(story.transaction.version);
            unit.claims = {
                {"order", story.transaction.id.text() + std::to_string(story.transaction.version), ""}};
            store_->commit(unit, [&, index](CommitOutcome outcome) {
                if (!(outcome == done_well)) ::_exit(2);
                const Acknowledged said{stories[index].transaction.id, stories[index].transaction.version};
                if (::write(answers, &said, sizeof said) != sizeof said) ::_exit(3);
                if (said.version == 5) stories[index] = Story();
                move(index);
            });
        };
        for (std::size_t i = 0; i < at_once; ++i) move(i);
        posted_.run_until([] { return false; });
        ::_exit(4);
    }
};

TEST_F(CrashTest, everythingAcknowledgedSurvivesKill) {
    std::map<TransactionId, std::int64_t> versions;
    for (int round = 0; round < 4; ++round) {
        int pipe_ends[2];
        ASSERT_EQ(::pipe(pipe_ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(pipe_ends[0]);
            work(pipe_ends[1]);
        }
        ::close(pipe_ends[1]);
        const std::size_t enough = 400 + 777 * static_cast<std::size_t>(round);
        Acknowledged said;
        std::size_t count = 0;
        while (::read(pipe_ends[0], &said, sizeof said) == sizeof said) {
            versions[said.id] = said.version;
            if (++count == enough) ::kill(child, SIGKILL);
        }
        ::close(pipe_ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the worker ended by itself: " << WEXITSTATUS(status);

        if (round % 2 == 0) clean();  // before anybody has repaired anything
        open();
        for (const auto& [id, version] : versions) {
            const auto loaded = store_->load(id);
            ASSERT_TRUE(loaded) << id.text();
            EXPECT_GE(loaded->transaction.version, version);
            EXPECT_EQ(loaded->papers.parcels.at(1).saved, std::to_string(loaded->transaction.version));
            EXPECT_TRUE(store_->find_claim({"order", id.text() + std::to_string(version), ""}));
        }
        committed(Story().hand_over(at(3)));
        clean();
        close();
    }
}

}  // namespace
}  // namespace kassi::store
