#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "fixture.hpp"

/// What is kept of a person, and that nothing of it stays when it is forgotten.
namespace kassi::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class PeopleTest : public StoreTest {
  protected:
    static Unit with(Unit unit, const std::string& customer, const std::string& document = "") {
        unit.customer_json = customer;
        if (!document.empty()) unit.document_json = document;
        return unit;
    }
    Unit forget(Story& story, Instant when) {
        return story.step(when, {core::Forgotten{"Anna", "she asked for it"}});
    }
    [[nodiscard]] std::vector<std::string> files_with(const std::string& bytes) const {
        return files_with(bytes, directory());
    }
    static std::vector<std::string> files_with(const std::string& bytes, const std::string& folder) {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string all{std::istreambuf_iterator<char>(file), {}};
            if (all.find(bytes) != std::string::npos) found.push_back(entry.path().filename().string());
        }
        return found;
    }
    std::vector<TransactionId> forgettable(Instant before, std::size_t limit = 100) {
        return store_->forgettable(before, limit);
    }
    Unit bought(Story& story, Instant when) { return story.owe(when); }
};

TEST_F(PeopleTest, areSealed) {
    open();
    Story story;
    committed(with(story.hand_over(at(0)), R"({"name":"Flintstone"})", R"({"events":["Bedrock"]})"));
    EXPECT_EQ(store_->customer(story.transaction.id), R"({"name":"Flintstone"})");
    EXPECT_EQ(store_->document(story.transaction.id), R"({"events":["Bedrock"]})");
    EXPECT_THAT(files_with("Flintstone"), IsEmpty());
    EXPECT_THAT(files_with("Bedrock"), IsEmpty());
    EXPECT_THAT(files_with("HandOver"), testing::Not(IsEmpty())) << "the search finds what is there";
}

TEST_F(PeopleTest, aForgottenOneIsInNoFileAndNothingOpensIt) {
    open();
    Story story, other;
    committed(with(other.hand_over(at(0)), R"({"name":"Rubble"})"));
    committed(with(story.hand_over(at(0)), R"({"name":"Flintstone"})", R"({"events":[1]})"));
    std::vector<std::string> salts;
    for (const char* number : {"2", "3"})
        salts.push_back(
            Raw(directory()).value("SELECT salt FROM person_key WHERE number = " + std::string(number)));
    for (const auto& salt : salts) {
        ASSERT_THAT(salt, SizeIs(16));
        EXPECT_THAT(files_with(salt), testing::Not(IsEmpty()));
    }
    committed(forget(story, at(1)));
    EXPECT_FALSE(store_->customer(story.transaction.id));
    EXPECT_FALSE(store_->document(story.transaction.id));
    EXPECT_EQ(store_->customer(other.transaction.id), R"({"name":"Rubble"})");
    EXPECT_EQ(std::filesystem::file_size(directory() + "/kassi.db-wal"), 0U) << "while it is open";
    for (const auto& salt : salts) EXPECT_THAT(files_with(salt), IsEmpty());
    EXPECT_TRUE(store_->load(story.transaction.id)->transaction.forgotten);
    committed(with(other.step(at(2), {core::HoldMoved{at(2000)}}), R"({"name":"Slate"})"));
    EXPECT_EQ(store_->customer(other.transaction.id), R"({"name":"Slate"})");
    const auto report = verified();
    EXPECT_THAT(report.findings, IsEmpty());
}

TEST_F(PeopleTest, whoReadsWhatWasBeforeIsNotWaitedForAndLeavesNothing) {
    open();
    Story story;
    committed(with(story.hand_over(at(0)), R"({"name":"Flintstone"})"));
    const std::string salt = Raw(directory()).value("SELECT salt FROM person_key");
    {
        Raw reader(directory());
        reader.execute("BEGIN");
        EXPECT_EQ(reader.number("SELECT count(*) FROM customer"), 1);
        committed(forget(story, at(1)));
        EXPECT_THAT(files_with(salt), testing::Not(IsEmpty())) << "the reader may still want it";
    }
    for (int looks = 0; looks < 600 && !files_with(salt).empty(); ++looks)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_THAT(files_with(salt), IsEmpty()) << "the writer tries again by itself";
}

TEST_F(PeopleTest, whoWasForgottenRightBeforeAKillIsGoneAfterTheStart) {
    open();
    Story story;
    committed(with(story.hand_over(at(0)), R"({"name":"Flintstone"})"));
    const std::string salt = Raw(directory()).value("SELECT salt FROM person_key");
    const TempDirectory killed;
    {
        Raw reader(directory());  // so that the WAL stays as it is
        reader.execute("BEGIN");
        EXPECT_EQ(reader.number("SELECT count(*) FROM customer"), 1);
        committed(forget(story, at(1)));
        for (const char* file : {"/kassi.db", "/kassi.db-wal"})
            std::filesystem::copy_file(directory() + file, killed.path() + file);
    }
    ASSERT_THAT(files_with(salt, killed.path()), testing::Not(IsEmpty()));
    auto opened = SqliteStore::open({.directory = killed.path(),
                                     .master_key = master_key(),
                                     .post = [](const std::function<void()>&) {}});
    ASSERT_TRUE(opened);
    EXPECT_TRUE((*opened)->load(story.transaction.id)->transaction.forgotten);
    EXPECT_THAT(files_with(salt, killed.path()), IsEmpty());
}

TEST_F(PeopleTest, whateverMovedBeforeNoKeyOfTheForgottenStays) {
    open();
    std::mt19937 dice(7);  // NOLINT: the same run each time
    const auto roll = [&dice](std::size_t sides) { return static_cast<std::size_t>(dice() % sides); };
    std::vector<Story> stories;
    std::vector<bool> gone;
    std::vector<std::string> dead;
    const auto salts_of = [&](std::size_t serial) {
        Raw raw(directory());
        const auto salt = raw.value(
            "SELECT k.salt FROM person_key k JOIN customer c ON c.key_number = k.number "
            "WHERE c.transaction_serial = " +
            std::to_string(serial + 1));
        if (!salt.empty()) dead.push_back(salt);
    };
    for (int round = 0; round < 150; ++round) {
        stories.emplace_back();
        gone.push_back(false);
        committed(stories.back().hand_over(at(round)));
        const std::size_t late = stories.size() - 1 - roll(std::min<std::size_t>(stories.size(), 40));
        if (!gone[late]) {
            salts_of(late);
            committed(with(stories[late].step(at(round), {core::HoldMoved{at(9000 + round)}}),
                           "{\"name\":\"" + std::string(100 + roll(9000), 'x') + "\"}"));
        }
        if (const std::size_t who = roll(stories.size()); !gone[who] && roll(2) == 0) {
            salts_of(who);
            committed(forget(stories[who], at(round)));
            gone[who] = true;
        }
    }
    ASSERT_GT(dead.size(), 50U);
    close();
    for (const auto& salt : dead) EXPECT_THAT(files_with(salt), IsEmpty());
}

TEST_F(PeopleTest, rowsInClearFromBeforeAreReadAndForgotten) {
    open();
    Story story;
    committed(with(story.hand_over(at(0)), R"({"name":"Flintstone"})", R"({"events":["Bedrock"]})"));
    close();
    Raw(directory())
        .execute(R"(UPDATE customer SET json = '{"name":"Flintstone"}', key_number = NULL, sealed = NULL;
                    UPDATE document SET json = '{"events":["Bedrock"]}', key_number = NULL, sealed = NULL;
                    UPDATE person_key SET salt = zeroblob(16))");
    open();
    EXPECT_EQ(store_->customer(story.transaction.id), R"({"name":"Flintstone"})");
    EXPECT_EQ(store_->document(story.transaction.id), R"({"events":["Bedrock"]})");
    EXPECT_THAT(files_with("Flintstone"), testing::Not(IsEmpty()));
    committed(forget(story, at(1)));
    EXPECT_THAT(files_with("Flintstone"), IsEmpty());
    EXPECT_THAT(files_with("Bedrock"), IsEmpty());
    clean();
}

// ---- what may be forgotten -------------------------------------------------------------------------------

TEST_F(PeopleTest, whatIsSettledAndOldMayBeForgottenOldestFirst) {
    open();
    Story oldest, open_one, document_only, journey_only, nothing_kept, touched, young;
    committed(with(oldest.hand_over(at(0)), "{}"));
    committed(with(open_one.hand_over(at(1)), "{}"));
    Unit document = document_only.hand_over(at(2));
    document.document_json = "{}";
    committed(document);
    Unit journey = journey_only.hand_over(at(3));
    journey.decision.papers.journey.emplace().remote_ip = "192.0.2.1";
    committed(journey);
    committed(nothing_kept.hand_over(at(4)));
    committed(with(touched.hand_over(at(5)), "{}"));
    committed(with(young.hand_over(at(6)), "{}"));
    for (Story* story : {&oldest, &document_only, &nothing_kept, &touched}) committed(bought(*story, at(10)));
    Unit still_with_journey = bought(journey_only, at(10));
    still_with_journey.decision.papers.journey.emplace().remote_ip = "192.0.2.1";
    committed(still_with_journey);
    committed(touched.step(at(100), {core::Noted{.leg = 1, .what = "a refund was asked for"}}));

    const auto ids = [](std::initializer_list<Story*> stories) {
        std::vector<TransactionId> all;
        for (const Story* story : stories) all.push_back(story->transaction.id);
        return all;
    };
    EXPECT_EQ(forgettable(at(11)), ids({&oldest, &document_only, &journey_only}));
    EXPECT_THAT(forgettable(at(10)), IsEmpty()) << "their last row was written then";
    EXPECT_EQ(forgettable(at(11), 2), ids({&oldest, &document_only}));
    EXPECT_THAT(forgettable(at(11), 0), IsEmpty());
    EXPECT_EQ(forgettable(at(101)), ids({&oldest, &document_only, &journey_only, &touched}));
    committed(forget(oldest, at(200)));
    committed(forget(journey_only, at(200)));
    EXPECT_EQ(forgettable(at(300)), ids({&document_only, &touched})) << "once";
    committed(bought(young, at(300)));
    EXPECT_THAT(forgettable(at(6)), IsEmpty());
}

}  // namespace
}  // namespace kassi::store
