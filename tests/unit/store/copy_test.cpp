#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "fixture.hpp"

/// A copy of the record, and what becomes of it when it is put back.
namespace kassi::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using Copy = SqliteOptions::Copy;

class CopyTest : public StoreTest {
  protected:
    void SetUp() override {
        open();
        committed(first_.hand_over(at(0)));
        committed(second_.hand_over(at(1)));
        Unit with_customer = first_.step(at(2), {core::HoldMoved{at(2000)}});
        with_customer.customer_json = R"({"name":"Ann"})";
        committed(with_customer);
    }
    [[nodiscard]] std::string file(const std::string& name = "copy.db") const {
        return elsewhere_.path() + "/" + name;
    }
    Result<BackupReport> copied(const std::string& to, Instant now = at(500)) {
        return backup(directory(), master_key(), to, now, nullptr);
    }
    /// A copy, and a fresh directory in which it is the record.
    void put_back() {
        const auto report = copied(file());
        ASSERT_TRUE(report) << report.error().message;
        ASSERT_THAT(report->findings, IsEmpty());
        head_ = report->head_hex;
        fs::rename(file(), fresh_.path() + "/kassi.db");
    }
    Result<std::unique_ptr<SqliteStore>> open_fresh(Copy copy) {
        SqliteOptions options;
        options.directory = fresh_.path();
        options.master_key = master_key();
        options.post = [this](std::function<void()> callback) { posted_.post(std::move(callback)); };
        options.copy = copy;
        return SqliteStore::open(std::move(options));
    }
    std::string refusal(Copy copy) {
        const auto opened = open_fresh(copy);
        return opened ? "" : opened.error().message;
    }
    void put_to_work(SqliteStore& store, Instant now) {
        std::optional<bool> heard;
        store.put_to_work(now, [&](bool ok) { heard = ok; });
        ASSERT_TRUE(posted_.run_until([&] { return heard.has_value(); }));
        ASSERT_TRUE(*heard);
    }
    CommitOutcome commit_to(SqliteStore& store, const Unit& unit) {
        std::optional<CommitOutcome> outcome;
        store.commit(unit, [&](CommitOutcome said) { outcome = said; });
        EXPECT_TRUE(posted_.run_until([&] { return outcome.has_value(); }));
        return *outcome;
    }
    [[nodiscard]] std::vector<std::string> elsewhere() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(elsewhere_.path()))
            names.push_back(entry.path().filename().string());
        return names;
    }

    Story first_, second_;
    TempDirectory elsewhere_, fresh_;
    std::string head_;
};

// ---- making one ------------------------------------------------------------------------------------------

TEST_F(CopyTest, isWholeAndItsOwnersAlone) {
    const auto before = verified();
    const ::mode_t mask = ::umask(0);
    const auto report = copied(file());
    ::umask(mask);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_THAT(report->findings, IsEmpty());
    EXPECT_EQ(report->transactions, 2);
    EXPECT_EQ(report->rows, 3);
    EXPECT_EQ(report->head_hex, before.head_hex);
    EXPECT_EQ(report->copied_at, at(500));
    EXPECT_EQ(report->bytes, static_cast<std::int64_t>(fs::file_size(file())));
    EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_THAT(elsewhere(), testing::ElementsAre("copy.db"));
    committed(first_.step(at(3), {core::HoldMoved{at(3000)}}));  // the house goes on
    clean();
    EXPECT_FALSE(store_->origin().copied_at) << "the mark stands in the copy";
}

TEST_F(CopyTest, isMadeWithoutAServerToo) {
    close();
    const auto report = copied(file());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->rows, 3);
    clean();
}

TEST_F(CopyTest, hasWhatTheWalOfAKilledServerHas) {
    ASSERT_GT(fs::file_size(directory() + "/kassi.db-wal"), 0U);
    for (const char* more : {"/kassi.db", "/kassi.db-wal"})
        fs::copy_file(directory() + more, fresh_.path() + more);
    const auto report = backup(fresh_.path(), master_key(), file(), at(500), nullptr);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->rows, 3);
    EXPECT_GT(fs::file_size(fresh_.path() + "/kassi.db-wal"), 0U) << "it only reads";
}

TEST_F(CopyTest, isOfOneMomentWhileTheServerWrites) {
    std::size_t answered = 0;
    constexpr std::size_t count = 3000;
    for (std::size_t i = 0; i < count; ++i)
        store_->commit(Story().hand_over(at(10)), [&](auto) { ++answered; });
    for (const std::string name : {"a.db", "b.db"}) {
        const auto report = copied(file(name));
        ASSERT_TRUE(report) << report.error().message;
        for (const auto& finding : report->findings) ADD_FAILURE() << testing::PrintToString(finding);
        EXPECT_EQ(report->rows, report->transactions + 1);
    }
    ASSERT_TRUE(posted_.run_until([&] { return answered == count; }));
    clean();
}

TEST_F(CopyTest, hasNoPagesOfWhatWasDeleted) {
    Unit large = second_.step(at(3), {core::HoldMoved{at(3000)}});
    large.customer_json = "{\"name\":\"" + std::string(15'000, 'x') + "\"}";
    committed(large);
    committed(second_.step(at(4), {core::Forgotten{"Anna", "x"}}));
    EXPECT_GT(Raw(directory()).number("PRAGMA freelist_count"), 0);
    put_back();
    EXPECT_EQ(Raw(fresh_.path()).number("PRAGMA freelist_count"), 0);
}

TEST_F(CopyTest, isNeverBeforeTheLastRow) {
    const auto report = copied(file(), at(1));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->copied_at, at(2));
}

TEST_F(CopyTest, ofAnEmptyRecord) {
    const TempDirectory empty;
    ASSERT_TRUE(SqliteStore::open({.directory = empty.path(),
                                   .master_key = master_key(),
                                   .post = [](const std::function<void()>&) {}}));
    const auto report = backup(empty.path(), master_key(), file(), at(0), nullptr);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->rows, 0);
    EXPECT_EQ(report->head_hex, "");
}

TEST_F(CopyTest, replacesNothing) {
    std::ofstream(file()) << "precious";
    fs::create_symlink("nowhere", file("link"));
    for (const std::string name : {"copy.db", "link"}) {
        const auto report = copied(file(name));
        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().field, "file");
        EXPECT_THAT(report.error().message, HasSubstr("exists already"));
    }
    EXPECT_EQ(fs::file_size(file()), 8U);
    EXPECT_THAT(elsewhere(), testing::UnorderedElementsAre("copy.db", "link"));
}

TEST_F(CopyTest, namesWhatIsWrongWithTheFile) {
    for (const std::string& wrong : {file("none/copy.db"), std::string(), file("")}) {
        const auto report = copied(wrong);
        ASSERT_FALSE(report) << wrong;
        EXPECT_EQ(report.error().field, "file") << wrong;
    }
    EXPECT_THAT(copied(file("none/copy.db")).error().message, HasSubstr("no folder"));
    EXPECT_FALSE(backup(fresh_.path(), master_key(), file(), at(0), nullptr)) << "there is no record";
    EXPECT_THAT(backup(directory(), master_key('x'), file(), at(0), nullptr).error().message,
                HasSubstr("another master key"));
    EXPECT_THAT(elsewhere(), IsEmpty());
}

TEST_F(CopyTest, takesOverWhatAKilledOneLeftAndNotWhatALivingOneWrites) {
    std::ofstream(file("copy.db.partial")) << std::string(100'000, 'x');
    const int living = ::open(file("copy.db.partial").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::flock(living, LOCK_EX | LOCK_NB), 0);
    const auto refused = copied(file());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("another backup is writing"));
    EXPECT_EQ(fs::file_size(file("copy.db.partial")), 100'000U);
    ::close(living);
    ASSERT_TRUE(copied(file()));
    EXPECT_THAT(elsewhere(), testing::ElementsAre("copy.db"));
}

TEST_F(CopyTest, thatFindsSomethingIsNotKept) {
    Raw(directory()).execute("UPDATE journal SET at = at + 1 WHERE number = 2");
    const auto report = copied(file());
    ASSERT_TRUE(report);
    EXPECT_THAT(report->findings, testing::Not(IsEmpty()));
    EXPECT_THAT(elsewhere(), IsEmpty());
}

TEST_F(CopyTest, leavesNothingWhereverTheDiskEnds) {
    close();
    constexpr int written = 0, refused = 1, wrong = 2;
    std::set<int> codes;
    for (rlim_t bytes = 0; !codes.contains(written); bytes += 30'000) {
        ASSERT_LT(bytes, 3'000'000U);
        const pid_t child = ::fork();
        if (child == 0) {
            std::signal(SIGXFSZ, SIG_IGN);
            rlimit limit{};
            ::getrlimit(RLIMIT_FSIZE, &limit);
            limit.rlim_cur = bytes;
            ::setrlimit(RLIMIT_FSIZE, &limit);
            const auto report = copied(file());
            if (report) ::_exit(report->findings.empty() ? written : wrong);
            ::_exit(report.error().kind == ErrorKind::internal && elsewhere().empty() ? refused : wrong);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        codes.insert(WIFEXITED(status) ? WEXITSTATUS(status) : wrong);
        EXPECT_EQ(fs::exists(file()), codes.contains(written)) << bytes;
    }
    EXPECT_EQ(codes, (std::set<int>{written, refused}));
}

// ---- putting one back ------------------------------------------------------------------------------------

TEST_F(CopyTest, isRefusedUntilSomebodySaysSo) {
    put_back();
    EXPECT_THAT(refusal(Copy::refuse), HasSubstr("made at " + iso8601(at(500))));
    EXPECT_THAT(refusal(Copy::refuse), HasSubstr("--restored"));
    EXPECT_THAT(migrate(fresh_.path(), master_key(), nullptr).error().message, HasSubstr("--restored"));
    const auto again = backup(fresh_.path(), master_key(), file("again.db"), at(600), nullptr);
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message, HasSubstr("itself a copy"));
    EXPECT_FALSE(fs::exists(fresh_.path() + "/kassi.db-wal")) << "untouched";
    const auto report = verify(fresh_.path(), master_key(), head_, nullptr);
    ASSERT_TRUE(report);
    EXPECT_THAT(report->findings, IsEmpty()) << "its head is the one that was printed";
}

TEST_F(CopyTest, canBeReadAndNotWritten) {
    put_back();
    for (int i = 0; i < 2; ++i) {
        auto opened = open_fresh(Copy::read);
        ASSERT_TRUE(opened) << opened.error().message;
        SqliteStore& store = **opened;
        EXPECT_EQ(store.origin().copied_at, at(500));
        EXPECT_EQ(store.load(first_.transaction.id)->transaction, first_.transaction);
        EXPECT_EQ(store.customer(first_.transaction.id), R"({"name":"Ann"})");
        Story story = first_;
        EXPECT_EQ(commit_to(store, story.step(at(600), {core::HoldMoved{at(4000)}})).kind,
                  CommitOutcome::Kind::unavailable);
    }
    EXPECT_THAT(refusal(Copy::refuse), HasSubstr("is a copy"));
}

TEST_F(CopyTest, goesToWorkOnce) {
    put_back();
    for (int killed = 0; killed < 2; ++killed) {
        auto opened = open_fresh(Copy::put_to_work);
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_EQ((*opened)->origin().copied_at, at(500)) << "until it is said to be at work";
        Story story = first_;
        if (killed == 0) {
            ASSERT_EQ(commit_to(**opened, story.step(at(600), {core::PutBack{at(500), {}}})).kind,
                      CommitOutcome::Kind::committed);
            first_ = story;
        }
        opened->reset();
        EXPECT_THAT(refusal(Copy::refuse), HasSubstr("is a copy"));
    }
    {
        auto opened = open_fresh(Copy::put_to_work);
        ASSERT_TRUE(opened);
        put_to_work(**opened, at(700));
        EXPECT_FALSE((*opened)->origin().copied_at);
        EXPECT_EQ((*opened)->origin().restored_from, at(500));
        EXPECT_EQ((*opened)->origin().restored_at, at(700));
    }
    EXPECT_THAT(refusal(Copy::put_to_work), HasSubstr("starts without --restored"));
    auto opened = open_fresh(Copy::refuse);
    ASSERT_TRUE(opened) << opened.error().message;
    Story story = first_;
    EXPECT_EQ(commit_to(**opened, story.step(at(800), {core::HoldMoved{at(4000)}})).kind,
              CommitOutcome::Kind::committed);
    EXPECT_EQ((*opened)->origin().restored_from, at(500)) << "it stays known";
    const auto report = verify(fresh_.path(), master_key(), head_, nullptr);
    ASSERT_TRUE(report);
    EXPECT_THAT(report->findings, IsEmpty());
}

TEST_F(CopyTest, whatIsNoCopyIsNotPutToWork) {
    EXPECT_THAT(refusal(Copy::put_to_work), HasSubstr("is not a copy")) << "a new house";
    {
        auto opened = open_fresh(Copy::refuse);
        ASSERT_TRUE(opened);
        EXPECT_FALSE((*opened)->origin().restored_at);
    }
    EXPECT_THAT(refusal(Copy::put_to_work), HasSubstr("is not a copy"));
    EXPECT_EQ(open_fresh(Copy::put_to_work).error().field, "restored");
}

TEST_F(CopyTest, anotherRecordsWalIsNotMixedIn) {
    put_back();
    for (const std::string more : {"-wal", "-shm"}) {
        const std::string foreign = fresh_.path() + "/kassi.db" + more;
        fs::copy_file(directory() + "/kassi.db" + more, foreign);
        for (const auto copy : {Copy::refuse, Copy::read, Copy::put_to_work})
            EXPECT_THAT(refusal(copy), HasSubstr("kassi.db" + more + " beside the copy")) << more;
        EXPECT_THAT(verify(fresh_.path(), master_key(), "", nullptr).error().message,
                    HasSubstr("remove them"));
        EXPECT_THAT(migrate(fresh_.path(), master_key(), nullptr).error().message, HasSubstr("remove them"));
        EXPECT_THAT(backup(fresh_.path(), master_key(), file("x"), at(0), nullptr).error().message,
                    HasSubstr("remove them"));
        fs::remove(foreign);
    }
    EXPECT_TRUE(open_fresh(Copy::put_to_work));
}

TEST_F(CopyTest, unmatchedNoticesAreCounted) {
    EXPECT_EQ(store_->counts().unmatched, 0);
    std::optional<bool> kept;
    store_->keep_unmatched({"shop", "r", "e", "{}", at(0)}, [&](bool ok) { kept = ok; });
    ASSERT_TRUE(posted_.run_until([&] { return kept.has_value(); }));
    EXPECT_EQ(store_->counts().unmatched, 1);
}

}  // namespace
}  // namespace kassi::store
