#include "store/claim_filter.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "fixture.hpp"
#include "store/sqlite.hpp"

namespace kassi::store {
namespace {

class ClaimFilterTest : public testing::Test {
  protected:
    static constexpr std::size_t start_bytes = 6;
    static constexpr std::int64_t room = 1'000;

    ClaimFilterTest() {
        std::ofstream(file_).close();
        auto database = Database::for_writing(file_);
        database.execute(
            "CREATE TABLE once_key (key_start BLOB NOT NULL, serial INTEGER NOT NULL, "
            "PRIMARY KEY (key_start, serial)) STRICT, WITHOUT ROWID");
    }

    std::string drawn() {
        std::string start(start_bytes, '\0');
        for (char& byte : start) byte = static_cast<char>(dice_());
        return start;
    }
    std::vector<std::string> drawn(std::size_t count) {
        std::vector<std::string> starts(count);
        for (std::string& start : starts) start = drawn();
        return starts;
    }
    void put(const std::vector<std::string>& starts) {
        auto database = Database::for_writing(file_);
        Statement insert(database, "INSERT INTO once_key VALUES (?, ?)");
        database.execute("BEGIN");
        for (const std::string& start : starts) insert.run(Blob{start}, ++serial_);
        database.execute("COMMIT");
    }
    /// Of many that are not there.
    double looked_for(ClaimFilter& filter) {
        constexpr int asked = 1'000;
        int may = 0;
        for (int i = 0; i < asked; ++i) may += filter.may_have(drawn()) ? 1 : 0;
        return static_cast<double>(may) / asked;
    }
    bool made(ClaimFilter& filter) {
        using namespace std::chrono_literals;
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (looked_for(filter) == 1)
            if (std::chrono::steady_clock::now() > until) return false;
        return true;
    }
    /// For so long that it would have been made.
    static void never_made(ClaimFilter& filter) {
        using namespace std::chrono_literals;
        for (int i = 0; i < 100; ++i, std::this_thread::sleep_for(1ms))
            ASSERT_TRUE(filter.may_have("absent"));
    }
    static void has_all(ClaimFilter& filter, const std::vector<std::string>& starts) {
        for (const std::string& start : starts) ASSERT_TRUE(filter.may_have(start));
    }
    /// In the file, wherever the row is, and was.
    std::vector<std::streamoff> places_of(const std::string& start) {
        std::stringstream read;
        read << std::ifstream(file_, std::ios::binary).rdbuf();
        const std::string bytes = read.str();
        std::vector<std::streamoff> places;
        for (auto place = bytes.find(start); place != std::string::npos; place = bytes.find(start, place + 1))
            places.push_back(static_cast<std::streamoff>(place));
        return places;
    }
    void overwrite(const std::vector<std::streamoff>& places, const std::string& with) {
        std::fstream file(file_, std::ios::binary | std::ios::in | std::ios::out);
        for (const auto place : places) {
            file.seekp(place);
            file << with;
        }
        ASSERT_TRUE(file.flush());
    }

    TempDirectory directory_;
    const std::string file_ = directory_.path() + "/kassi.db";

  private:
    std::mt19937_64 dice_{1};
    std::int64_t serial_ = 0;
};

/// More than are read together.
TEST_F(ClaimFilterTest, knowsAllThatAreThereAndFewThatAreNot) {
    const auto starts = drawn(45'000);
    put(starts);
    ClaimFilter filter(file_, room);
    has_all(filter, starts);
    ASSERT_TRUE(made(filter));
    has_all(filter, starts);
    EXPECT_LT(looked_for(filter), 0.1);
}

TEST_F(ClaimFilterTest, twoRowsMayBeginAlike) {
    auto starts = drawn(100);
    starts.push_back(starts.front());
    put(starts);
    ClaimFilter filter(file_, room);
    ASSERT_TRUE(made(filter));
    has_all(filter, starts);
}

TEST_F(ClaimFilterTest, knowsWhatIsToldWhileItIsMadeAndLater) {
    const auto there = drawn(45'000), meanwhile = drawn(200), later = drawn(200);
    put(there);
    ClaimFilter filter(file_, room);
    for (const std::string& start : meanwhile) filter.add(start);
    ASSERT_TRUE(made(filter));
    for (const std::string& start : later) filter.add(start);
    for (const auto& starts : {there, meanwhile, later}) has_all(filter, starts);
}

TEST_F(ClaimFilterTest, isMadeAnewWhenItIsFull) {
    ClaimFilter filter(file_, room);
    ASSERT_TRUE(made(filter));
    std::vector<std::string> told;
    for (int i = 0; i < 5; ++i) {
        const auto some = drawn(room);
        put(some);
        for (const std::string& start : some) filter.add(start);
        told.insert(told.end(), some.begin(), some.end());
        filter.renew_when_full();
        has_all(filter, told);
        ASSERT_TRUE(made(filter));
        has_all(filter, told);
        EXPECT_LT(looked_for(filter), 0.1);
    }
}

TEST_F(ClaimFilterTest, isLeftAloneWhileThereIsRoom) {
    put(drawn(10));
    ClaimFilter filter(file_, room);
    ASSERT_TRUE(made(filter));
    filter.renew_when_full();
    EXPECT_LT(looked_for(filter), 1);
}

TEST_F(ClaimFilterTest, endsWhileItIsBeingMade) {
    put(drawn(45'000));
    for (int i = 0; i < 20; ++i) ClaimFilter(file_, room);
}

TEST_F(ClaimFilterTest, whereTheTableCannotBeReadAnyMayBeThere) {
    Raw(directory_.path()).execute("DROP TABLE once_key");
    ClaimFilter filter(file_, room);
    never_made(filter);
    filter.add(drawn());
    filter.renew_when_full();
    never_made(filter);
}

/// A row that leads past others, or back: they may be found all the same by who looks for them.
TEST_F(ClaimFilterTest, ofADamagedTableAnyMayBeThere) {
    auto starts = drawn(45'000);
    put(starts);
    std::sort(starts.begin(), starts.end());
    constexpr std::size_t together = 20'000;
    const std::string first(start_bytes, '\0'), last(start_bytes, '\xff');
    for (const std::size_t row : {std::size_t{100}, together - 1, together, starts.size() - 2}) {
        const auto places = places_of(starts[row]);
        for (const std::string& wrong : {first, last}) {
            overwrite(places, wrong);
            ClaimFilter filter(file_, room);
            never_made(filter);
        }
        overwrite(places, starts[row]);
    }
    ClaimFilter filter(file_, room);
    ASSERT_TRUE(made(filter)) << "as it was";
    has_all(filter, starts);
}

}  // namespace
}  // namespace kassi::store
