#include "api/passwords.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "world.hpp"

namespace kassi::api {
namespace {

class PasswordsTest : public testing::Test {
  protected:
    PasswordsTest() {
        directory_.callers.resize(3);
        directory_.callers[0].name = "demo";
        directory_.callers[0].password_hash = crypto::hash_password("demopass", randomness_);
        directory_.callers[1].name = "caf\xc3\xa9";
        directory_.callers[1].password_hash = crypto::hash_password("pass:w\xc3\xb6rt", randomness_);
        directory_.callers[2].name = "locked";
    }

    Passwords::Post post() {
        return [this](std::function<void()> callback) { loop_.post(std::move(callback)); };
    }

    /// "demo", or the kind of the refusal.
    std::string ask(Passwords& passwords, std::string_view user, std::string_view password) {
        return answer([&](Passwords::Done done) { passwords.check(user, password, std::move(done)); });
    }
    std::string ask_basic(Passwords& passwords, std::string_view header) {
        return answer([&](Passwords::Done done) { passwords.check_basic(header, std::move(done)); });
    }
    std::string answer(const std::function<void(Passwords::Done)>& question) {
        std::optional<std::string> heard;
        question([&](Result<const engine::Caller*> caller) { heard = spell(caller); });
        loop_.run_until([&] { return heard.has_value(); });
        return *heard;
    }
    static std::string spell(const Result<const engine::Caller*>& caller) {
        if (caller) return (*caller)->name;
        return caller.error().kind == ErrorKind::unauthenticated ? "refused" : "unavailable";
    }

    SystemRandomness randomness_;
    engine::Directory directory_;
    Loop loop_;
};

TEST_F(PasswordsTest, RightAndWrong) {
    Passwords passwords(directory_, randomness_, post());
    EXPECT_EQ(ask(passwords, "demo", "demopass"), "demo");
    EXPECT_EQ(ask(passwords, "demo", "demopas"), "refused");
    EXPECT_EQ(ask(passwords, "demo", ""), "refused");
    EXPECT_EQ(ask(passwords, "nobody", "demopass"), "refused");
    EXPECT_EQ(ask(passwords, "locked", ""), "refused");
    EXPECT_EQ(ask(passwords, "", ""), "refused");
}

TEST_F(PasswordsTest, RightOnesAreRememberedAndAnsweredAtOnce) {
    Passwords passwords(directory_, randomness_, post());
    EXPECT_EQ(ask(passwords, "demo", "wrong"), "refused");
    EXPECT_EQ(passwords.remembered(), 0U);
    EXPECT_EQ(ask(passwords, "demo", "demopass"), "demo");
    EXPECT_EQ(passwords.remembered(), 1U);
    bool at_once = false;
    passwords.check("demo", "demopass",
                    [&](const Result<const engine::Caller*>& caller) { at_once = caller.has_value(); });
    EXPECT_TRUE(at_once);
    EXPECT_EQ(ask(passwords, "demo", "wrong"), "refused");
    EXPECT_EQ(ask(passwords, "demo", "demopass"), "demo");
}

TEST_F(PasswordsTest, MemoryIsBounded) {
    Passwords passwords(directory_, randomness_, post(), 1, 8, 1);
    EXPECT_EQ(ask(passwords, "demo", "demopass"), "demo");
    EXPECT_EQ(ask(passwords, "caf\xc3\xa9", "pass:w\xc3\xb6rt"), "caf\xc3\xa9");
    EXPECT_EQ(passwords.remembered(), 1U);
    EXPECT_EQ(ask(passwords, "demo", "demopass"), "demo");
}

TEST_F(PasswordsTest, QueueIsBounded) {
    Passwords passwords(directory_, randomness_, post(), 0, 2, 8);  // nobody works: the queue only fills
    std::vector<std::string> heard;
    for (const auto* password : {"a", "b", "c"})
        passwords.check("demo", password,
                        [&](const Result<const engine::Caller*>& caller) { heard.push_back(spell(caller)); });
    EXPECT_EQ(heard, std::vector<std::string>{"unavailable"});
}

TEST_F(PasswordsTest, OneCheckAnswersAllWhoAskTheSame) {
    Passwords passwords(directory_, randomness_, post(), 1, 1, 8);
    std::vector<std::string> heard;
    for (int i = 0; i < 20; ++i)
        passwords.check("demo", "demopass",
                        [&](const Result<const engine::Caller*>& caller) { heard.push_back(spell(caller)); });
    loop_.run_until([&] { return heard.size() == 20; });
    EXPECT_EQ(heard, std::vector<std::string>(20, "demo"));
}

TEST_F(PasswordsTest, BasicAuthentication) {
    Passwords passwords(directory_, randomness_, post());
    const auto header = [](std::string_view text) { return "Basic " + encoding::base64(text); };
    EXPECT_EQ(ask_basic(passwords, header("demo:demopass")), "demo");
    EXPECT_EQ(ask_basic(passwords, "basic  " + encoding::base64("demo:demopass")), "demo");
    EXPECT_EQ(ask_basic(passwords, header("caf\xc3\xa9:pass:w\xc3\xb6rt")), "caf\xc3\xa9");
    for (const auto& bad : {std::string(), std::string("Basic"), std::string("Basic !!"), header("demo"),
                            header("caf\xe9:x"), "Bearer " + encoding::base64("demo:demopass"), header(":")})
        EXPECT_EQ(ask_basic(passwords, bad), "refused") << bad;
}

TEST_F(PasswordsTest, LengthsAreBounded) {
    Passwords passwords(directory_, randomness_, post(), 0, 2, 8);
    std::string heard;
    const auto done = [&](const Result<const engine::Caller*>& caller) { heard = spell(caller); };
    passwords.check(std::string(Passwords::user_bytes_max + 1, 'x'), "x", done);
    EXPECT_EQ(heard, "refused");
    heard.clear();
    passwords.check("demo", std::string(Passwords::password_bytes_max + 1, 'x'), done);
    EXPECT_EQ(heard, "refused");
    heard.clear();
    passwords.check("demo", std::string(Passwords::password_bytes_max, 'x'), done);
    EXPECT_EQ(heard, "");  // being checked
}

}  // namespace
}  // namespace kassi::api
