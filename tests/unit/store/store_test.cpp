#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "fixture.hpp"
#include "store/chain.hpp"
#include "store/claims.hpp"
#include "store/columns.hpp"
#include "store/keys.hpp"

namespace kassi::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = CommitOutcome::Kind;

/// Whether any file of the directory has the bytes, WAL included. By another process: closing a descriptor of
/// the data base in this one would drop SQLite's locks.
bool files_contain(const std::string& directory, const std::string& text) {
    return std::system(("grep -rqaF '" + text + "' '" + directory + "'").c_str()) == 0;
}

core::Parcel parcel(const std::string& saved) {
    core::Parcel made;
    made.request = {.method = "POST", .path = "/sessions", .headers = {{"X-Key", "k"}}, .body = "{}"};
    made.step = "session";
    made.saved = saved;
    made.returned = {{"success", "yes"}, {"success", "no"}};
    made.callout = core::Callout{.type = "post",
                                 .destination = "http://127.0.0.1:9/pay",
                                 .parameters = {{"b", "2"}, {"a", "1"}},
                                 .return_token = "canary-return-token",
                                 .page_token = "canary-page-token"};
    return made;
}

TEST_F(StoreTest, makesDirectoryAndFileForTheOwnerOnly) {
    const std::string below = directory() + "/a/b";
    const auto opened = SqliteStore::open(
        {.directory = below, .master_key = master_key(), .post = [](const std::function<void()>&) {}});
    ASSERT_TRUE(opened) << opened.error().message;
    struct stat rights {};
    ASSERT_EQ(::stat(below.c_str(), &rights), 0);
    EXPECT_EQ(rights.st_mode & 0777U, 0700U);
    for (const char* file : {"/kassi.db", "/kassi.db-wal", "/kassi.db-shm", "/lock"}) {
        ASSERT_EQ(::stat((below + file).c_str(), &rights), 0) << file;
        EXPECT_EQ(rights.st_mode & 0777U, 0600U) << file;
    }
}

TEST_F(StoreTest, keepsWhatItIsTold) {
    open();
    Story story;
    Unit unit = story.hand_over(at(0));
    unit.customer_json = R"({"name":"Ann"})";
    unit.document_json = R"({"events":[]})";
    const auto& id = unit.decision.next.id;

    EXPECT_FALSE(store_->load(id));
    EXPECT_FALSE(store_->find_reference(unit.decision.next.reference));
    committed(unit);

    const auto loaded = store_->load(id);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->transaction, story.transaction);
    EXPECT_EQ(loaded->papers, core::Papers{});
    EXPECT_EQ(store_->find_reference(story.transaction.reference), id);
    EXPECT_EQ(store_->customer(id), R"({"name":"Ann"})");
    EXPECT_EQ(store_->document(id), R"({"events":[]})");

    const Unit later = story.step(at(5), {core::HoldMoved{at(4000)}}, "trace-1");
    committed(later);
    EXPECT_EQ(store_->load(id)->transaction, story.transaction);
    EXPECT_EQ(store_->customer(id), R"({"name":"Ann"})");

    const auto journal = store_->journal(id);
    ASSERT_THAT(journal, SizeIs(2));
    EXPECT_EQ(journal[0].number, 1);
    EXPECT_EQ(journal[0].json, core::row_json(unit.row));
    EXPECT_EQ(journal[1].number, 2);
    EXPECT_EQ(journal[1].version, 2);
    EXPECT_EQ(journal[1].at, at(5));
    EXPECT_EQ(journal[1].json, core::row_json(later.row));
    EXPECT_THAT(journal[1].hash_hex, SizeIs(64));
    EXPECT_NE(journal[0].hash_hex, journal[1].hash_hex);
    EXPECT_FALSE(store_->customer(TransactionId{}));
    EXPECT_THAT(store_->journal(TransactionId{}), IsEmpty());
    clean();
}

TEST_F(StoreTest, isThereAgainAfterReopening) {
    Story story;
    open();
    committed(story.hand_over(at(0)));
    open();
    committed(story.step(at(1), {core::HoldMoved{at(500)}}));
    open();
    EXPECT_EQ(store_->load(story.transaction.id)->transaction, story.transaction);
    EXPECT_THAT(store_->journal(story.transaction.id), SizeIs(2));
    const auto report = verified();
    EXPECT_THAT(report.findings, IsEmpty());
    EXPECT_EQ(report.rows, 2);
    EXPECT_EQ(report.transactions, 1);
    EXPECT_EQ(report.seals, 2);
    close();
    clean();  // and when nobody has it open
}

// ---- papers
// ------------------------------------------------------------------------------------------------

TEST_F(StoreTest, sealsPapersAndBringsThemBack) {
    open();
    Story story;
    Unit unit = story.hand_over(at(0));
    auto& papers = unit.decision.papers;
    papers.journey =
        core::Journey{.url_before = "http://127.0.0.1/canary-url/", .token = "canary-next-token"};
    papers.parcels[1] = parcel("canary-saved-1");
    papers.parcels[60] = parcel("canary-saved-60");
    committed(unit);
    EXPECT_EQ(store_->load(story.transaction.id)->papers, papers);

    for (const char* canary : {"canary-url", "canary-next-token", "canary-saved", "canary-return-token"})
        EXPECT_FALSE(files_contain(directory(), canary)) << canary;
    EXPECT_TRUE(files_contain(directory(), story.transaction.reference))
        << "the search must find what is there";

    // Bound to transaction and leg: another one's parcel cannot be opened.
    Raw raw(directory());
    raw.execute(
        "UPDATE parcel SET sealed = (SELECT sealed FROM parcel WHERE slot % 256 = 60) WHERE slot % 256 = 1");
    EXPECT_THROW((void)store_->load(story.transaction.id), std::runtime_error);
}

TEST_F(StoreTest, writesOnlyPapersThatChangedAndForgetsThoseThatAreGone) {
    open();
    Story story;
    Unit unit = story.hand_over(at(0));
    unit.decision.papers.journey = core::Journey{.token = "one"};
    unit.decision.papers.parcels[1] = parcel("one");
    unit.decision.papers.parcels[2] = parcel("one");
    committed(unit);
    Raw raw(directory());
    const auto sealed = [&](int leg) {
        return raw.value("SELECT sealed FROM parcel WHERE slot % 256 = " + std::to_string(leg));
    };
    const std::string journey = sealed(0), first = sealed(1), second = sealed(2);

    const auto papers = unit.decision.papers;
    unit = story.step(at(1), {core::HoldMoved{at(500)}});
    unit.decision.papers = papers;
    unit.decision.papers.parcels[2] = parcel("two");
    committed(unit);
    EXPECT_EQ(sealed(0), journey);
    EXPECT_EQ(sealed(1), first);
    EXPECT_NE(sealed(2), second);
    EXPECT_EQ(store_->load(story.transaction.id)->papers, unit.decision.papers);

    unit = story.step(at(2), {core::HoldMoved{at(501)}});
    unit.decision.papers.parcels[2] = parcel("two");
    committed(unit);
    EXPECT_EQ(raw.number("SELECT count(*) FROM parcel"), 1);
    EXPECT_EQ(store_->load(story.transaction.id)->papers, unit.decision.papers);

    committed(story.step(at(3), {core::HoldMoved{at(502)}}));
    EXPECT_EQ(raw.number("SELECT count(*) FROM parcel"), 0);
    EXPECT_EQ(store_->load(story.transaction.id)->papers, core::Papers{});
    clean();
}

// ---- tokens
// ------------------------------------------------------------------------------------------------

TEST_F(StoreTest, spendsTokensAndStillKnowsThem) {
    open();
    Story story;
    committed(story.hand_over(at(0)));
    Unit unit = story.send_away(at(1));
    unit.decision.tokens_live = {live_token("return-1"), live_token("page-1", true)};
    committed(unit);

    auto found = store_->find_token("", "return-1");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->transaction, story.transaction.id);
    EXPECT_EQ(found->leg, 1);
    EXPECT_EQ(found->callout, 1);
    EXPECT_FALSE(found->page);
    EXPECT_FALSE(found->spent);
    EXPECT_TRUE(store_->find_token("", "page-1")->page);
    EXPECT_FALSE(store_->find_token("demo", "return-1")) << "minted, not the caller's";
    EXPECT_FALSE(store_->find_token("", "return-2"));

    // A commit in between leaves them alone.
    committed(story.step(at(2), {core::HoldMoved{at(900)}}));
    EXPECT_FALSE(store_->find_token("", "return-1")->spent);
    EXPECT_FALSE(store_->find_token("", "page-1")->spent);

    committed(story.come_back(at(3), "digest-of-fields"));
    found = store_->find_token("", "return-1");
    EXPECT_TRUE(found->spent);
    EXPECT_EQ(found->fields_digest, "digest-of-fields");
    found = store_->find_token("", "page-1");
    EXPECT_TRUE(found->spent) << "the page dies when the callout has returned";
    EXPECT_EQ(found->fields_digest, "");

    unit = story.send_away(at(4), 1, 2);
    unit.decision.tokens_live = {live_token("return-2", false, true, 1, 2),
                                 live_token("page-2", true, true, 1, 2)};
    committed(unit);
    EXPECT_EQ(store_->find_token("", "return-2")->callout, 2);
    EXPECT_FALSE(store_->find_token("", "return-2")->spent);
    committed(story.step(at(5), {core::CalloutClosed{.leg = 1, .callout = 2, .why = "silence"}}));
    EXPECT_TRUE(store_->find_token("", "return-2")->spent);
    EXPECT_EQ(store_->find_token("", "return-2")->fields_digest, "");
    EXPECT_TRUE(store_->find_token("", "page-2")->spent);
    EXPECT_EQ(store_->find_token("", "return-1")->fields_digest, "digest-of-fields");
    EXPECT_FALSE(files_contain(directory(), "return-1"));
    clean();
}

TEST_F(StoreTest, returnThatSpendsOneTokenMayMakeTheSameLiveAgain) {
    open();
    Story story;
    committed(story.hand_over(at(0)));
    Unit unit = story.send_away(at(1));
    unit.decision.tokens_live = {live_token("again", false, false)};
    committed(unit);
    unit = story.step(at(2), {core::CustomerBack{.leg = 1, .callout = 1},
                              core::CustomerSent{.leg = 1, .callout = 2, .until = at(600)}});
    unit.decision.token_spent = core::TokenSpent{.leg = 1, .callout = 1, .fields_digest = "first"};
    unit.decision.tokens_live = {live_token("again", false, false, 1, 2)};
    committed(unit);
    const auto found = store_->find_token("demo", "again");
    EXPECT_EQ(found->callout, 2);
    EXPECT_FALSE(found->spent);
}

TEST_F(StoreTest, clientTokenIsUniqueAmongTheLiveOnesOfItsCaller) {
    open();
    Story first, second, other;
    committed(first.hand_over(at(0)));
    committed(second.hand_over(at(1)));
    committed(other.hand_over(at(2), "other-caller"));
    const auto away = [](Story& story, bool minted = false) {
        Unit unit = story.send_away(at(10));
        unit.decision.tokens_live = {live_token("unused"), live_token("abc", false, minted)};
        unit.decision.tokens_live[0].token += story.transaction.reference;
        return unit;
    };
    committed(away(first));
    Story again = second;
    EXPECT_EQ(commit(away(again)), (CommitOutcome{Kind::token_taken, 1}));
    EXPECT_EQ(store_->load(second.transaction.id)->transaction, second.transaction) << "it vanished whole";
    EXPECT_FALSE(store_->find_token("", "unused" + second.transaction.reference));
    committed(away(other));
    EXPECT_EQ(store_->find_token("other-caller", "abc")->transaction, other.transaction.id);
    EXPECT_EQ(store_->find_token("demo", "abc")->transaction, first.transaction.id);

    committed(first.come_back(at(20), "d"));
    EXPECT_TRUE(store_->find_token("demo", "abc")->spent);
    committed(away(second));
    const auto found = store_->find_token("demo", "abc");
    EXPECT_EQ(found->transaction, second.transaction.id) << "the live one comes before the spent one";
    EXPECT_FALSE(found->spent);
    committed(second.come_back(at(30), "e"));
    EXPECT_EQ(store_->find_token("demo", "abc")->fields_digest, "e") << "then the one spent last";
    clean();
}

TEST_F(StoreTest, sameTokenTwiceInOneUnitIsTaken) {
    open();
    Story story;
    Unit unit = story.hand_over(at(0));
    unit.decision.tokens_live = {live_token("x", false, false), live_token("x", false, false, 2)};
    EXPECT_EQ(commit(unit), (CommitOutcome{Kind::token_taken, 1}));
    EXPECT_EQ(store_->counts().transactions, 0);
}

// ---- claims, references
// ------------------------------------------------------------------------------------

TEST_F(StoreTest, claimsOnce) {
    open();
    Story story, other;
    Unit unit = story.hand_over(at(0));
    unit.claims = {{"idempotency:box-office", "canary-key-1", "canary-body"}, {"order", "canary-key-1", ""}};
    committed(unit);

    auto found = store_->find_claim({"idempotency:box-office", "canary-key-1", "canary-body"});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->transaction, story.transaction.id);
    EXPECT_EQ(found->version, 1);
    EXPECT_TRUE(found->same_fingerprint);
    EXPECT_FALSE(store_->find_claim({"idempotency:box-office", "canary-key-1", "another"})->same_fingerprint);
    EXPECT_FALSE(store_->find_claim({"idempotency:box-office", "canary-key-1", ""})->same_fingerprint);
    EXPECT_TRUE(store_->find_claim({"order", "canary-key-1", ""})->same_fingerprint);
    EXPECT_FALSE(store_->find_claim({"order", "canary-key-1", "x"})->same_fingerprint);
    EXPECT_FALSE(store_->find_claim({"idempotency:box-offic", "ecanary-key-1", ""}));

    unit = other.hand_over(at(1));
    unit.claims = {{"order", "canary-key-2", ""}, {"order", "canary-key-1", ""}};
    EXPECT_EQ(commit(unit), (CommitOutcome{Kind::claimed, 1}));
    EXPECT_FALSE(store_->load(unit.decision.next.id));
    EXPECT_FALSE(store_->find_claim({"order", "canary-key-2", ""}));
    unit.claims[1] = unit.claims[0];
    EXPECT_EQ(commit(unit), (CommitOutcome{Kind::claimed, 1})) << "twice in one unit";
    unit.claims.pop_back();
    committed(unit);
    EXPECT_FALSE(files_contain(directory(), "canary-"));
}

TEST_F(StoreTest, claimsOfATransactionsOwn) {
    open();
    Story story, other;
    const auto own = [](const Story& of, const char* body = "b") {
        return Claim{"idempotency:box", "k", body, of.transaction.id};
    };
    committed(story.hand_over(at(0)));
    committed(other.hand_over(at(1)));
    EXPECT_FALSE(store_->find_claim(own(story)));
    Unit unit = story.step(at(2), {core::HoldMoved{at(900)}});
    unit.claims = {own(story)};
    committed(unit);
    EXPECT_FALSE(store_->find_claim(own(other)));
    EXPECT_FALSE(store_->find_claim({"idempotency:box", "k", "b"})) << "nor is it everybody's";
    unit = other.step(at(2), {core::HoldMoved{at(900)}});
    unit.claims = {own(other), {"idempotency:box", "k", "b"}};
    committed(unit);
    for (const Story* one : {&story, &other}) {
        const auto found = store_->find_claim(own(*one));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->transaction, one->transaction.id);
        EXPECT_EQ(found->version, 2);
        EXPECT_TRUE(found->same_fingerprint);
        EXPECT_FALSE(store_->find_claim(own(*one, "another"))->same_fingerprint);
    }
    unit = story.step(at(3), {core::HoldMoved{at(901)}});
    unit.claims = {own(story)};
    EXPECT_EQ(commit(unit), (CommitOutcome{Kind::claimed, 0}));
    // Near each other in the index, however long the history is.
    EXPECT_EQ(Raw(directory())
                  .value("SELECT count(*) FROM once o JOIN transaction_state t ON t.serial = "
                         "o.transaction_serial WHERE substr(o.key_hmac, 1, 6) = substr(t.id, 1, 6)"),
              "2");
}

/// As a program of before has it.
void without_its_own_index(const std::string& directory, const char* version) {
    Raw raw(directory);
    for (const char* column : {"once DROP COLUMN own", "once DROP COLUMN proof", "seal DROP COLUMN claims"})
        raw.execute(std::string("ALTER TABLE ") + column);
    raw.execute("CREATE UNIQUE INDEX key_of_once ON once (key_hmac)");
    for (const char* table : {"once_key", "once_own", "once_progress"})
        raw.execute(std::string("DROP TABLE ") + table);
    const Keys keys(master_key());
    for (std::int64_t number = raw.number("SELECT max(number) FROM seal"); number > 0; --number) {
        const std::string where = " WHERE number = " + std::to_string(number);
        const auto hash = *encoding::from_hex(raw.value("SELECT hex(hash) FROM seal" + where), "hash");
        const auto mac = chain::seal_mac(keys.seal.reveal(), hash, std::nullopt);
        raw.execute("UPDATE seal SET mac = x'" + encoding::hex(mac) + "'" + where);
    }
    raw.execute(std::string("PRAGMA user_version = ") + version);
}

/// Keys that were claimed before they could be a transaction's own are still claimed.
TEST_F(StoreTest, claimsFromBeforeStayClaimed) {
    open();
    Story before, after;
    committed(before.hand_over(at(0)));
    Unit unit = before.step(at(1), {core::HoldMoved{at(900)}});
    unit.claims = {{"idempotency:box", "k", "b"}};
    committed(unit);
    close();
    Raw(directory()).execute("DELETE FROM meta WHERE name = 'shared_keys_until'");
    without_its_own_index(directory(), "2");
    open();
    EXPECT_EQ(Raw(directory()).value("SELECT count(*) FROM once_key"), "1");
    committed(after.hand_over(at(2)));
    const Claim again{"idempotency:box", "k", "b", before.transaction.id};
    const auto found = store_->find_claim(again);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->transaction, before.transaction.id);
    EXPECT_TRUE(found->same_fingerprint);
    unit = before.step(at(3), {core::HoldMoved{at(901)}});
    unit.claims = {again};
    EXPECT_EQ(commit(unit), (CommitOutcome{Kind::claimed, 0}));
    EXPECT_FALSE(store_->find_claim({"idempotency:box", "k", "b", after.transaction.id}))
        << "those handed over since have keys of their own";
    clean();
}

/// Each in its own index after an upgrade.
TEST_F(StoreTest, claimsFromBeforeTheIndexStayClaimed) {
    open();
    Story story;
    Unit unit = story.hand_over(at(0));
    unit.claims = {{"idempotency:box", "k", "b"}, {"idempotency:box", "k", "b", story.transaction.id}};
    committed(unit);
    close();
    without_its_own_index(directory(), "3");
    open();
    for (const char* index : {"once_key", "once_own"})
        EXPECT_EQ(Raw(directory()).value(std::string("SELECT count(*) FROM ") + index), "1");
    for (const Claim& claim : unit.claims) {
        EXPECT_TRUE(store_->find_claim(claim));
        Unit again = story.step(at(1), {core::HoldMoved{at(900)}});
        again.claims = {claim};
        EXPECT_EQ(commit(again), (CommitOutcome{Kind::claimed, 0}));
    }
    clean();
}

/// Few claims are many here: what is put into the index in batches, or waits for that, is claimed all the
/// same.
class ClaimIndexTest : public StoreTest {
  protected:
    static constexpr std::size_t enough = 4;

    static Claim claim(std::int64_t number) { return {"idempotency:box", std::to_string(number), "b"}; }
    void open_with_few() { open(0, 0, enough); }
    /// Each a group commit of its own.
    void claim_until(std::int64_t end) {
        for (; next_ < end; ++next_) {
            Story story;
            Unit unit = story.hand_over(at(next_));
            unit.claims = {claim(next_)};
            committed(unit);
        }
    }
    /// Some at a time, so that they share commits. `then` hears how many are committed.
    void claim_many(std::int64_t count, std::int64_t at_once,
                    const std::function<void(std::int64_t committed)>& then) {
        std::int64_t answered = 0;
        for (std::int64_t i = 0; i < count; ++i) {
            Story story;
            Unit unit = story.hand_over(at(i));
            unit.claims = {claim(i)};
            store_->commit(std::move(unit), [&](CommitOutcome outcome) {
                EXPECT_EQ(outcome.kind, Kind::committed);
                then(++answered);
            });
            ASSERT_TRUE(posted_.run_until([&] { return answered + at_once > i; }));
        }
        ASSERT_TRUE(posted_.run_until([&] { return answered == count; }));
    }
    void all_are_claimed() {
        for (std::int64_t i = 0; i < next_; ++i) {
            EXPECT_TRUE(store_->find_claim(claim(i))) << i;
            Story story;
            Unit unit = story.hand_over(at(i));
            unit.claims = {claim(i)};
            EXPECT_EQ(commit(unit), (CommitOutcome{Kind::claimed, 0})) << i;
        }
        EXPECT_FALSE(store_->find_claim(claim(next_)));
    }
    [[nodiscard]] std::string in_index() const {
        return Raw(directory()).value("SELECT count(*) FROM once_key");
    }
    [[nodiscard]] std::string until() const {
        return Raw(directory()).value("SELECT indexed_until FROM once_progress");
    }

  private:
    std::int64_t next_ = 0;
};

TEST_F(ClaimIndexTest, putsThemThereInBatchesAndKnowsAllOfThem) {
    open_with_few();
    claim_until(4);
    EXPECT_EQ(in_index(), "0") << "nothing is put there alone";
    all_are_claimed();
    claim_until(5);
    EXPECT_EQ(in_index(), "2") << "two for each new one";
    EXPECT_EQ(until(), "0");
    all_are_claimed();
    claim_until(6);
    EXPECT_EQ(in_index(), "4");
    EXPECT_EQ(until(), "4");
    all_are_claimed();
    claim_until(31);
    all_are_claimed();
    clean();
}

TEST_F(ClaimIndexTest, knowsThemAfterARestartAtAnyPoint) {
    for (std::int64_t count = 1; count < 14; ++count) {
        open_with_few();
        claim_until(count);
        all_are_claimed();
        open_with_few();
        all_are_claimed();
        clean();
    }
    open();
    all_are_claimed();
    close();
    // One that knew all of it before and takes fewer together now.
    open(0, 0, 2);
    claim_until(20);
    all_are_claimed();
    clean();
}

/// Whoever has heard that it was committed finds it, wherever it is just then.
TEST_F(ClaimIndexTest, nothingIsMissedWhileTheyArePutThere) {
    open_with_few();
    std::int64_t missed = 0;
    claim_many(200, 8, [&](std::int64_t answered) {
        for (std::int64_t known = 0; known < answered; ++known)
            if (!store_->find_claim(claim(known))) ++missed;
    });
    EXPECT_EQ(missed, 0);
    clean();
}

/// Else a house that is often started anew would never come to an end with it.
TEST_F(ClaimIndexTest, goesOnWhereItWas) {
    open_with_few();
    claim_until(7);
    EXPECT_EQ(until(), "4");
    claim_until(9);
    for (const auto* expected : {"6", "8"}) {
        EXPECT_EQ(in_index(), expected);
        open_with_few();
        all_are_claimed();
        claim_until(std::stol(expected) + 4);
    }
    EXPECT_EQ(until(), "8");
    all_are_claimed();
    clean();
}

TEST_F(ClaimIndexTest, aClaimOfATransactionsOwnIsThereAtOnce) {
    open_with_few();
    Story story;
    Unit unit = story.hand_over(at(0));
    unit.claims = {{"idempotency:box", "k", "b", story.transaction.id}};
    committed(unit);
    EXPECT_EQ(in_index(), "0");
    EXPECT_EQ(Raw(directory()).value("SELECT count(*) FROM once_own"), "1");
    EXPECT_TRUE(store_->find_claim(unit.claims[0]));
    claim_until(5);
    EXPECT_EQ(in_index(), "2");
    EXPECT_TRUE(store_->find_claim(unit.claims[0]));
    all_are_claimed();
    clean();
}

/// The index has the first bytes of a key only.
TEST_F(ClaimIndexTest, tellsKeysThatBeginAlikeApart) {
    open_with_few();
    claim_until(6);
    ASSERT_EQ(until(), "4");
    const Keys keys(master_key());
    const auto start = [&](std::int64_t number) {
        auto database = Database::for_reading(directory() + "/kassi.db");
        return "x'" + encoding::hex(ClaimKeys(database, keys).of(claim(number)).hmac).substr(0, 12) + "'";
    };
    // As if these had begun as rows 1 and 2 do, before their own and after.
    for (const auto& [number, serial] : {std::pair{3, 1}, {6, 1}, {6, 2}})
        Raw(directory())
            .execute("INSERT INTO once_key VALUES (" + start(number) + ", " + std::to_string(serial) + ")");
    open_with_few();
    all_are_claimed();
    claim_until(7);
    all_are_claimed();
    const auto whose = Raw(directory())
                           .value(
                               "SELECT lower(hex(t.id)) FROM once o JOIN transaction_state t ON t.serial = "
                               "o.transaction_serial "
                               "WHERE o.serial = 4");
    EXPECT_EQ(encoding::hex(to_blob(store_->find_claim(claim(3))->transaction).bytes), whose);
}

/// Nearly always: without a look at the table, which is not even there.
TEST_F(ClaimIndexTest, aNewKeyIsNotLookedForThere) {
    open_with_few();
    constexpr std::int64_t many = 5'000;  // five times what the first filter has room for
    claim_many(many, 200, [](std::int64_t) {});
    Raw(directory()).execute("ALTER TABLE once_key RENAME TO away");
    const auto known = [&](std::int64_t number) {
        Story story;
        story.hand_over(at(0));  // nobody has heard of that: no claim comes of it
        Unit unit = story.step(at(1), {core::HoldMoved{at(900)}});
        unit.claims = {claim(number)};
        return commit(unit).kind;
    };
    std::int64_t number = many;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (known(++number) == Kind::unavailable && std::chrono::steady_clock::now() < give_up) continue;
    int looked = 0;
    for (const std::int64_t end = number + 100; number < end;)
        looked += known(++number) == Kind::unavailable ? 1 : 0;
    EXPECT_LT(looked, 20);
    EXPECT_EQ(known(0), Kind::unavailable);
    Raw(directory()).execute("ALTER TABLE away RENAME TO once_key");
    EXPECT_EQ(known(0), Kind::claimed);
}

TEST_F(ClaimIndexTest, aDamagedIndexStopsNobody) {
    open_with_few();
    claim_until(4);
    Raw(directory())
        .execute("INSERT INTO once_key SELECT substr(key_hmac, 1, 6), serial FROM once WHERE serial < 3");
    EXPECT_FALSE(verified().findings.empty());
    claim_until(7);
    all_are_claimed();
    EXPECT_EQ(until(), "4");
    clean();
}

/// The seal comes last: the claim was written, and others were on their way into the index.
TEST_F(ClaimIndexTest, whatAGroupCouldNotWriteIsNotClaimed) {
    open_with_few();
    claim_until(5);
    Story story;
    Unit unit = story.hand_over(at(50));
    unit.claims = {claim(5)};
    {
        Raw raw(directory());
        raw.execute("CREATE TRIGGER full BEFORE INSERT ON seal BEGIN SELECT RAISE(ABORT, 'no room'); END");
    }
    EXPECT_EQ(commit(unit).kind, Kind::unavailable);
    EXPECT_FALSE(store_->find_claim(claim(5)));
    EXPECT_EQ(in_index(), "2");
    {
        Raw raw(directory());
        raw.execute("DROP TRIGGER full");
    }
    claim_until(9);
    all_are_claimed();
    EXPECT_EQ(until(), "4");
    clean();
}

TEST_F(StoreTest, claimComesBeforeVersion) {
    open();
    Story story;
    committed(story.hand_over(at(0)));
    Story late = story;
    Unit unit = story.step(at(1), {core::HoldMoved{at(900)}});
    unit.claims = {{"idempotency:box-office", "k", "b"}};
    committed(unit);
    Unit same = late.step(at(1), {core::HoldMoved{at(900)}});
    EXPECT_EQ(commit(same), (CommitOutcome{Kind::version_conflict}));
    same.claims = unit.claims;
    EXPECT_EQ(commit(same), (CommitOutcome{Kind::claimed, 0}));
}

TEST_F(StoreTest, findsLegsByReference) {
    open();
    Story story, other;
    Unit unit = story.hand_over(at(0));
    unit.decision.references = {{1, "demo-redirect", "rs_1"}, {2, "demo-redirect", "rs_2"}};
    committed(unit);
    EXPECT_EQ(store_->find_leg("demo-redirect", "rs_2")->leg, 2);
    EXPECT_EQ(store_->find_leg("demo-redirect", "rs_2")->transaction, story.transaction.id);
    EXPECT_FALSE(store_->find_leg("another", "rs_2"));
    EXPECT_FALSE(store_->find_leg("demo-redirect", "rs_3"));
    // A house that starts numbering again: the newest is meant.
    unit = other.hand_over(at(1));
    unit.decision.references = {{1, "demo-redirect", "rs_2"}};
    committed(unit);
    EXPECT_EQ(store_->find_leg("demo-redirect", "rs_2")->transaction, other.transaction.id);
}

TEST_F(StoreTest, refusesASecondTransactionOfThatId) {
    open();
    Story story;
    const Unit unit = story.hand_over(at(0));
    committed(unit);
    EXPECT_EQ(commit(unit), (CommitOutcome{Kind::version_conflict}));
    Story namesake;
    Unit same_name = namesake.hand_over(at(0));
    same_name.decision.next.reference = story.transaction.reference;
    same_name.claims = {{"order", "1", ""}};
    EXPECT_EQ(commit(same_name), (CommitOutcome{Kind::version_conflict}));
    EXPECT_FALSE(store_->load(namesake.transaction.id));
    EXPECT_FALSE(store_->find_claim({"order", "1", ""}));
    Story stranger;
    (void)stranger.hand_over(at(0));
    EXPECT_EQ(commit(stranger.step(at(1), {core::HoldMoved{at(9)}})), (CommitOutcome{Kind::version_conflict}))
        << "a step of what was never handed over";
    Unit wrong = story.step(at(1), {core::HoldMoved{at(9)}});
    wrong.version_read = 0;
    EXPECT_THROW(store_->commit(wrong, {}), std::logic_error);
    clean();
}

// ---- lists
// -------------------------------------------------------------------------------------------------

TEST_F(StoreTest, listsNewestFirstWithFiltersAndCursor) {
    open();
    std::vector<TransactionId> all;
    std::vector<Story> stories(7);
    for (std::size_t i = 0; i < stories.size(); ++i) {
        // Two at each instant: the id decides between them.
        committed(stories[i].hand_over(at(static_cast<std::int64_t>(i / 2)), i % 2 == 0 ? "even" : "odd"));
        all.push_back(stories[i].transaction.id);
    }
    std::sort(all.begin(), all.end(), std::greater<>());  // uuid 7: the time, then chance
    const auto list = [&](ListFilter filter) { return store_->list(filter); };
    EXPECT_EQ(list({}), all);

    std::vector<TransactionId> paged;
    ListFilter page{.limit = 2};
    for (int pages = 0; pages < 10; ++pages) {
        const auto ids = list(page);
        EXPECT_LE(ids.size(), 2U);
        if (ids.empty()) break;
        paged.insert(paged.end(), ids.begin(), ids.end());
        page.after = ids.back();
    }
    EXPECT_EQ(paged, all);
    EXPECT_THAT(list({.after = TransactionId{}}), IsEmpty());

    const auto id = [&](std::size_t i) { return stories[i].transaction.id; };
    EXPECT_THAT(list({.caller = "even"}), SizeIs(4));
    EXPECT_THAT(list({.caller = "odd", .from = at(2)}), ElementsAre(id(5)));
    EXPECT_THAT(list({.caller = "nobody"}), IsEmpty());
    EXPECT_THAT(list({.system = "box-office"}), SizeIs(7));
    EXPECT_THAT(list({.system = "another"}), IsEmpty());
    EXPECT_THAT(list({.from = at(1), .to = at(2)}), SizeIs(2));
    EXPECT_THAT(list({.caller = "even", .limit = 1, .after = id(6)}), ElementsAre(id(4)));

    committed(stories[0].owe(at(10)));
    Unit doubt = stories[1].send_away(at(11));
    doubt.in_doubt = true;
    committed(doubt);
    Unit stuck = stories[2].step(at(12), {core::HoldMoved{at(900)}}, "trace-2");
    stuck.needs_person = true;
    stuck.in_doubt = true;
    committed(stuck);
    EXPECT_THAT(list({.phase = core::Phase::purchased}), ElementsAre(id(0)));
    EXPECT_THAT(list({.settled = true}), ElementsAre(id(0)));
    EXPECT_THAT(list({.caller = "even", .settled = false}), SizeIs(3));
    EXPECT_THAT(list({.in_doubt = true}), ElementsAre(id(2), id(1)));
    EXPECT_THAT(list({.in_doubt = true, .needs_person = true}), ElementsAre(id(2)));
    EXPECT_THAT(list({.needs_person = true}), ElementsAre(id(2)));
    EXPECT_THAT(list({.in_doubt = true, .needs_person = false}), ElementsAre(id(1)));
    EXPECT_THAT(list({.tracking = "trace-2"}), ElementsAre(id(2)));
    EXPECT_THAT(list({.caller = "even", .in_doubt = true, .limit = 5, .after = id(2)}), IsEmpty());
    EXPECT_THAT(list({.in_doubt = false, .tracking = "trace-2"}), IsEmpty());
    EXPECT_THAT(list({.tracking = "trace-3"}), IsEmpty());
    committed(stories[2].step(at(13), {core::HoldMoved{at(901)}}, "trace-3"));
    EXPECT_THAT(list({.tracking = "trace-3"}), ElementsAre(id(2)));
    EXPECT_THAT(list({.tracking = "trace-2"}), IsEmpty());
}

TEST_F(StoreTest, listsAtMostAPageAndOneMore) {
    open();
    constexpr std::size_t stored = list_page_max + 2;
    std::size_t answered = 0;
    for (std::size_t i = 0; i < stored; ++i) {
        Story story;
        store_->commit(story.hand_over(at(static_cast<std::int64_t>(i))), [&](CommitOutcome) { ++answered; });
    }
    ASSERT_TRUE(posted_.run_until([&] { return answered == stored; }));
    EXPECT_THAT(store_->list({.limit = list_page_max}), SizeIs(list_page_max));
    EXPECT_THAT(store_->list({.limit = list_page_max + 1}), SizeIs(list_page_max + 1));
    EXPECT_THAT(store_->list({.limit = list_page_max + 2}), SizeIs(list_page_max + 1));
    EXPECT_THAT(store_->list({.limit = 0}), SizeIs(1));
}

TEST_F(StoreTest, knowsWhatIsDueAndWhatIsOpen) {
    open();
    EXPECT_FALSE(store_->next_due());
    EXPECT_EQ(store_->counts().last_row_at, Instant{});
    Story first, second, third;
    committed(first.hand_over(at(0)));
    committed(second.hand_over(at(100)));
    committed(third.hand_over(at(200)));
    const std::int64_t held = 15 * 60;
    EXPECT_EQ(store_->next_due(), at(held));
    EXPECT_THAT(store_->due(at(held - 1), 10), IsEmpty());
    EXPECT_THAT(store_->due(at(held), 10), ElementsAre(first.transaction.id));
    EXPECT_THAT(store_->due(at(5000), 10),
                ElementsAre(first.transaction.id, second.transaction.id, third.transaction.id));
    EXPECT_THAT(store_->due(at(5000), 2), ElementsAre(first.transaction.id, second.transaction.id));

    committed(first.owe(at(201)));  // no due_at any more
    EXPECT_EQ(store_->next_due(), at(100 + held));
    EXPECT_TRUE(core::settled(first.transaction));

    EXPECT_THAT(store_->with_open_call(), IsEmpty());
    committed(second.send_away(at(202)));
    committed(second.step(at(203), {core::CustomerBack{.leg = 1, .callout = 1},
                                    core::CallMeant{.leg = 1, .call = 1, .verb = core::Verb::charge}}));
    EXPECT_THAT(store_->with_open_call(), ElementsAre(second.transaction.id));
    EXPECT_THAT(store_->open_merchants(), ElementsAre("demo-redirect"));
    Unit doubt = second.step(
        at(204), {core::CallDoubted{.leg = 1, .call = 1, .why = "silence", .recheck_at = at(300)}});
    doubt.needs_person = true;
    committed(doubt);
    EXPECT_THAT(store_->with_open_call(), IsEmpty());

    const auto counts = store_->counts();
    EXPECT_EQ(counts.transactions, 3);
    EXPECT_EQ(counts.open, 2);
    EXPECT_EQ(counts.in_doubt, 1);
    EXPECT_EQ(counts.needs_person, 1);
    EXPECT_EQ(counts.journal_rows, 7);
    EXPECT_EQ(counts.last_row_at, at(204));

    committed(
        second.step(at(205), {core::CallEnded{.leg = 1, .call = 1, .outcome = core::CallOutcome::declined},
                              core::Refused{.leg = 1, .why = {.code = "declined"}}}));
    EXPECT_THAT(store_->open_merchants(), IsEmpty());
    clean();
}

// ---- credit
// ------------------------------------------------------------------------------------------------

TEST_F(StoreTest, keepsBalancesAndStatements) {
    open();
    Story first, second, euros;
    committed(first.hand_over(at(0), "demo", 5000));
    committed(second.hand_over(at(1), "demo", 300));
    committed(first.owe(at(10), 5300));
    committed(second.owe(at(20), 5300));
    Unit back = first.step(at(30), {core::GivenBack{.leg = 1, .amount = money(2000)}});
    back.credit = {
        {"demo", {.leg = 1, .merchant = "house", .kind = "given_back", .amount = money(2000)}, -2000, 0}};
    committed(back);  // lower than the new limit or not: giving back is never refused
    Unit yen = euros.hand_over(at(40), "other");
    committed(yen);

    const auto gbp = money(0).currency;
    const auto lines = store_->statement("demo", gbp, {at(0)}, at(100), 50);
    ASSERT_THAT(lines, SizeIs(5));
    EXPECT_EQ(lines[0].kind, "held");
    EXPECT_EQ(lines[0].minor, 5000);
    EXPECT_EQ(lines[0].transaction, first.transaction.id);
    EXPECT_EQ(lines[1].kind, "taken");
    EXPECT_EQ(lines[1].balance_minor, 5000);
    EXPECT_EQ(lines[3].balance_minor, 5300);
    EXPECT_EQ(lines[4].place.at, at(30));
    EXPECT_EQ(lines[4].leg, 1);
    EXPECT_EQ(lines[4].minor, -2000);
    EXPECT_EQ(lines[4].balance_minor, 3300);
    EXPECT_THAT(store_->statement("demo", gbp, {at(20)}, at(30), 50), SizeIs(2)) << "from <= at < to";
    EXPECT_THAT(store_->statement("demo", gbp, {at(0)}, at(100), 3), SizeIs(3));
    EXPECT_THAT(store_->statement("other", gbp, {at(0)}, at(100), 50), IsEmpty());
    EXPECT_THAT(store_->statement("demo", money(0, "EUR").currency, {at(0)}, at(100), 50), IsEmpty());

    // Held and taken of one purchase are of one instant: only their numbers tell them apart.
    EXPECT_EQ(lines[0].place.at, lines[1].place.at);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto rest = store_->statement("demo", gbp, lines[i].place, at(100), 50);
        ASSERT_THAT(rest, SizeIs(lines.size() - i - 1));
        if (rest.empty()) continue;
        EXPECT_EQ(rest.front().place.number, lines[i + 1].place.number);
        EXPECT_GT(rest.front().place.number, lines[i].place.number);
    }

    const auto balances = store_->balances("demo");
    ASSERT_THAT(balances, SizeIs(1));
    EXPECT_EQ(balances[0].minor, 3300);
    EXPECT_EQ(balances[0].currency, gbp);
    EXPECT_THAT(store_->balances(""), SizeIs(1));
    EXPECT_THAT(store_->balances("other"), IsEmpty());
    clean();
}

TEST_F(StoreTest, creditLimitHoldsAtTheLimitAndOnePastIt) {
    open();
    Story exact, past;
    committed(exact.hand_over(at(0), "demo", 1000));
    committed(past.hand_over(at(1), "demo", 1));
    Story early = past;
    EXPECT_EQ(commit(past.owe(at(2), 0)), (CommitOutcome{Kind::credit_exhausted, 0}));
    committed(exact.owe(at(3), 1000));
    past = early;
    EXPECT_EQ(commit(past.owe(at(4), 1000)), (CommitOutcome{Kind::credit_exhausted, 0}));
    EXPECT_EQ(store_->load(early.transaction.id)->transaction, early.transaction);
    EXPECT_EQ(store_->balances("demo")[0].minor, 1000);
    committed(early.owe(at(5), std::nullopt));
    EXPECT_EQ(store_->balances("demo")[0].minor, 1001);
    clean();
}

// ---- notices, expiry
// ---------------------------------------------------------------------------------------

TEST_F(StoreTest, keepsUnmatchedNotices) {
    open();
    core::Notice notice;
    notice.leg = 2;
    notice.event_id = "ev_1";
    notice.fact = core::LegMoney::taken;
    notice.amount = money(4200, "JPY");
    notice.references = {{"session", "rs_1"}, {"payment", "pay_\"1\""}};
    notice.trust = core::Trust::proof;
    notice.dispute = true;
    notice.evidence = "paid";
    const std::string json = notice_json(notice);
    const auto read = parse_notice(json);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(notice_json(*read), json);
    EXPECT_EQ(read->amount, notice.amount);
    EXPECT_EQ(read->references, notice.references);
    EXPECT_TRUE(read->dispute);
    EXPECT_EQ(read->given_back, std::nullopt);
    EXPECT_EQ(read->refund_failed, "");
    EXPECT_TRUE(read->worth_a_look);
    notice.given_back = money(300, "USD");
    notice.refund_failed = "$3.00, account \"closed\"";
    notice.worth_a_look = false;
    const auto more = parse_notice(notice_json(notice));
    ASSERT_TRUE(more) << more.error().message;
    EXPECT_EQ(more->given_back, notice.given_back);
    EXPECT_EQ(more->refund_failed, notice.refund_failed);
    EXPECT_FALSE(more->worth_a_look);
    // One that was kept before notices had these is worth a look.
    auto old = notice_json({});
    const std::string member = R"(,"worth_a_look":true)";
    ASSERT_NE(old.find(member), std::string::npos);
    old.erase(old.find(member), member.size());
    ASSERT_TRUE(parse_notice(old));
    EXPECT_TRUE(parse_notice(old)->worth_a_look);
    EXPECT_EQ(notice_json(*parse_notice(notice_json({}))), notice_json({}));
    EXPECT_FALSE(parse_notice("{}"));
    EXPECT_FALSE(parse_notice("not json"));

    const auto keep = [&](UnmatchedNotice kept) {
        std::optional<bool> ok;
        store_->keep_unmatched(std::move(kept), [&](bool said) { ok = said; });
        ASSERT_TRUE(posted_.run_until([&] { return ok.has_value(); }));
        EXPECT_TRUE(*ok);
    };
    keep({"shop", "rs_1", "ev_1", "{}", at(0)});
    keep({"shop", "rs_1", "ev_1", json, at(0)});
    keep({"shop", "rs_1", "ev_2", "{}", at(1)});
    keep({"shop", "rs_2", "ev_2", "{}", at(1)});
    const auto kept = store_->unmatched("shop", "rs_1");
    ASSERT_THAT(kept, SizeIs(2));
    EXPECT_EQ(kept[0].event_id, "ev_1");
    EXPECT_EQ(kept[0].json, json);
    EXPECT_EQ(kept[0].at, at(0));
    EXPECT_THAT(store_->unmatched("other", "rs_1"), IsEmpty());

    store_->drop_unmatched("shop", "ev_2");
    Story story;
    committed(story.hand_over(at(2)));
    EXPECT_THAT(store_->unmatched("shop", "rs_1"), SizeIs(1));
    EXPECT_THAT(store_->unmatched("shop", "rs_2"), IsEmpty());

    const auto days = [](int count) { return at(0) + std::chrono::days(count); };
    EXPECT_EQ(expire(days(30)), 0);
    EXPECT_EQ(expire(days(30) + Millis(1)), 1);
    EXPECT_THAT(store_->unmatched("shop", "rs_1"), IsEmpty());
}

TEST_F(StoreTest, forgetsTokensLongAfterTheirEnd) {
    open();
    Story story, living;
    committed(story.hand_over(at(0)));
    committed(living.hand_over(at(0)));
    Unit unit = story.send_away(at(1));
    unit.decision.tokens_live = {live_token("r"), live_token("p", true)};
    committed(unit);
    unit = living.send_away(at(1));
    unit.decision.tokens_live = {live_token("alive")};
    committed(unit);
    committed(story.come_back(at(2), "d"));
    const auto end = at(2) + std::chrono::days(400);
    EXPECT_EQ(expire(end), 0);
    EXPECT_TRUE(store_->find_token("", "r"));
    EXPECT_EQ(expire(end + Millis(1)), 2);
    EXPECT_FALSE(store_->find_token("", "r"));
    EXPECT_FALSE(store_->find_token("", "p"));
    EXPECT_TRUE(store_->find_token("", "alive"));
}

// ---- the directory
// -----------------------------------------------------------------------------------------

TEST_F(StoreTest, lockIsHeldAgainstThisAndOtherProcesses) {
    open();
    const auto second = try_open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(second.error().message, HasSubstr("another process holds the lock"));
    EXPECT_EQ(migrate(directory(), master_key(), nullptr).error().kind, ErrorKind::unavailable);
    clean();  // verify needs no lock
    close();

    // Another process holds it and has started a program, which must not inherit it.
    int from_program[2], to_program[2];
    ASSERT_EQ(::pipe(from_program), 0);
    ASSERT_EQ(::pipe(to_program), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto store = try_open();
        if (!store) ::_exit(1);
        if (::fork() == 0) {
            ::dup2(to_program[0], 0);
            ::dup2(from_program[1], 1);
            ::close(to_program[1]);
            ::execl("/bin/sh", "sh", "-c", "echo x; exec cat >/dev/null", nullptr);
        }
        for (;;) ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(from_program[0], &byte, 1), 1);
    EXPECT_EQ(try_open().error().kind, ErrorKind::unavailable);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(try_open()) << "the lock went with its process";
    for (const int end : {from_program[0], from_program[1], to_program[0], to_program[1]}) ::close(end);
}

TEST_F(StoreTest, anotherMasterKeyIsRefused) {
    open();
    close();
    const auto wrong = try_open('x');
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::internal);
    EXPECT_THAT(wrong.error().message, HasSubstr("another master key"));
    EXPECT_FALSE(verify(directory(), master_key('x'), "", nullptr));
    const auto short_key = SqliteStore::open({.directory = directory(),
                                              .master_key = Secret<>("short"),
                                              .post = [](const std::function<void()>&) {}});
    EXPECT_EQ(short_key.error().field, "master_key");
    EXPECT_TRUE(try_open());
}

TEST_F(StoreTest, refusesAnotherMode) {
    const auto opens = [&](const char* mode) {
        return SqliteStore::open({.directory = directory(),
                                  .master_key = master_key(),
                                  .post = [](const std::function<void()>&) {},
                                  .mode = mode});
    };
    EXPECT_TRUE(opens(""));
    EXPECT_TRUE(opens("live")) << "the first that says so";
    const auto other = opens("sandbox");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, ErrorKind::internal);
    EXPECT_THAT(other.error().message, HasSubstr("is that of mode live, and this is mode sandbox"));
    EXPECT_TRUE(opens("live"));
}

TEST_F(StoreTest, anotherHouseIsToldByItsModeFirstAndStaysAsItIs) {
    const auto opens = [&](const char* mode, char key) {
        return SqliteStore::open({.directory = directory(),
                                  .master_key = master_key(key),
                                  .post = [](const std::function<void()>&) {},
                                  .mode = mode});
    };
    EXPECT_TRUE(opens("sandbox", 'k'));
    const std::string newest = Raw(directory()).value("PRAGMA user_version");
    // As a program with another schema left it.
    Raw(directory()).execute("PRAGMA user_version = 999");
    EXPECT_THAT(opens("live", 'x').error().message,
                HasSubstr("is that of mode sandbox, and this is mode live"))
        << "a sandbox draws its own key, of which nobody knows";
    EXPECT_THAT(opens("live", 'k').error().message, HasSubstr("is that of mode sandbox"));
    EXPECT_THAT(opens("sandbox", 'x').error().message, HasSubstr("another master key"));
    EXPECT_THAT(opens("", 'x').error().message, HasSubstr("another master key"));
    EXPECT_THAT(opens("sandbox", 'k').error().message, HasSubstr("999, newer than this program"))
        << "asked only of the own house";
    EXPECT_EQ(Raw(directory()).value("PRAGMA user_version"), "999");
    Raw(directory()).execute("PRAGMA user_version = -1");
    EXPECT_THAT(opens("sandbox", 'k').error().message, HasSubstr("damaged: it has schema -1"));
    Raw(directory()).execute("PRAGMA user_version = " + newest);
    EXPECT_EQ(Raw(directory()).value("SELECT count(*) FROM meta"), "4")
        << "data_format, key_id, mode, shared_keys_until";
    EXPECT_EQ(Raw(directory()).value("SELECT value FROM meta WHERE name = 'mode'"), "sandbox");
    EXPECT_TRUE(opens("sandbox", 'k'));
}

TEST_F(StoreTest, asksHowLongToWaitForTheLock) {
    auto first = try_open();
    ASSERT_TRUE(first);
    int asked = 0;
    const auto opens = [&](int give_up_at, int release_at) {
        asked = 0;
        return SqliteStore::open({.directory = directory(),
                                  .master_key = master_key(),
                                  .post = [](const std::function<void()>&) {},
                                  .lock_held =
                                      [&, give_up_at, release_at] {
                                          ++asked;
                                          if (asked == release_at) first->reset();
                                          return asked != give_up_at;
                                      }});
    };
    EXPECT_EQ(opens(3, 0).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(asked, 3);
    EXPECT_TRUE(opens(0, 2));
    EXPECT_EQ(asked, 2);
}

TEST_F(StoreTest, migratesFromNothingAndOnlyOnce) {
    EXPECT_EQ(migrate(directory(), master_key(), nullptr).error().kind, ErrorKind::not_found);
    EXPECT_EQ(verify(directory(), master_key(), "", nullptr).error().kind, ErrorKind::not_found);
    std::ofstream(directory() + "/kassi.db").close();
    EXPECT_EQ(verify(directory(), master_key(), "", nullptr).error().kind, ErrorKind::internal);
    std::int64_t steps = 0, of = 0;
    const auto first = migrate(directory(), master_key(),
                               [&](std::int64_t done, std::int64_t all) { steps = done, of = all; });
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_THAT(*first, testing::StartsWith("0 -> "));
    EXPECT_EQ(steps, of);
    EXPECT_GT(of, 0);
    const std::string newest = first->substr(5);
    EXPECT_EQ(*migrate(directory(), master_key(), nullptr), newest + " -> " + newest);
    EXPECT_EQ(Raw(directory()).value("PRAGMA user_version"), newest);
    EXPECT_EQ(Raw(directory()).value("PRAGMA journal_mode"), "wal");
    open();
    close();
    EXPECT_THAT(migrate(directory(), master_key('x'), nullptr).error().message,
                HasSubstr("another master key"));
    open();
    Story story;
    committed(story.hand_over(at(0)));
    clean();
}

TEST_F(StoreTest, newerSchemaIsRefused) {
    open();
    close();
    Raw(directory()).execute("PRAGMA user_version = 999");
    for (const auto& said : {try_open().error(), migrate(directory(), master_key(), nullptr).error(),
                             verify(directory(), master_key(), "", nullptr).error()}) {
        EXPECT_EQ(said.kind, ErrorKind::internal);
        EXPECT_THAT(said.message, HasSubstr("999, newer than this program"));
    }
}

TEST_F(StoreTest, anotherProgramsFileIsRefused) {
    std::ofstream(directory() + "/kassi.db").close();
    Raw(directory()).execute("CREATE TABLE cake (slices INTEGER)");
    EXPECT_THAT(try_open().error().message, HasSubstr("another program's"));
    std::ofstream(directory() + "/kassi.db") << std::string(5000, 'x');
    EXPECT_EQ(try_open().error().kind, ErrorKind::internal);
}

TEST_F(StoreTest, keyedDigestsNeedTheKey) {
    const auto key = digest_key(master_key());
    EXPECT_EQ(key.reveal().size(), 32U);
    EXPECT_NE(key.reveal(), digest_key(master_key('x')).reveal());
    EXPECT_THAT(crypto::keyed_digest(key.reveal(), "text"), SizeIs(32));
    EXPECT_NE(crypto::keyed_digest(key.reveal(), "text"), crypto::keyed_digest("another", "text"));
}

}  // namespace
}  // namespace kassi::store
