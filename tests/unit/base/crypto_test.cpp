#include "base/crypto.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace kassi {
namespace {

using namespace std::chrono_literals;

/// 1, 2, 3, ...: what a test can foresee.
class Counting final : public Randomness {
  public:
    void fill(std::span<std::uint8_t> bytes) override {
        for (auto& byte : bytes) byte = ++last_;
    }

  private:
    std::uint8_t last_ = 0;
};

Instant at(std::string_view text) {
    return parse_iso8601(text, "at").value();
}

std::string hex(const crypto::Digest& digest) {
    return encoding::hex(crypto::to_bytes(digest));
}

TEST(ResultTest, TheValueOfAnErrorIsADefectThatSaysWhere) {
    const Result<int> result = bad_request("amount", "is not a number");
    try {
        (void)result.value();
        FAIL();
    } catch (const std::logic_error& error) {
        EXPECT_NE(std::string(error.what()).find("amount: is not a number"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("crypto_test.cpp"), std::string::npos) << error.what();
    }
}

TEST(ResultTest, EnsureStaysOnAndNamesTheCondition) {
    EXPECT_NO_THROW(KASSI_ENSURE(1 + 1 == 2));
    try {
        KASSI_ENSURE(1 + 1 == 3);
        FAIL();
    } catch (const std::logic_error& error) {
        EXPECT_NE(std::string(error.what()).find("1 + 1 == 3"), std::string::npos);
    }
}

// FIPS 180-4 and RFC 4231 (case 2, and case 6 with a key longer than a block).
TEST(CryptoTest, DigestsAreThePublishedOnes) {
    EXPECT_EQ(hex(crypto::sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(crypto::sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(crypto::hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(crypto::hmac_sha256(std::string(131, '\xaa'),
                                      "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(hex(crypto::hmac_sha256({}, {})),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(CryptoTest, EqualLooksAtAllBytes) {
    EXPECT_TRUE(crypto::equal("", ""));
    EXPECT_TRUE(crypto::equal("abc", "abc"));
    EXPECT_FALSE(crypto::equal("abc", "abd"));
    EXPECT_FALSE(crypto::equal("abc", "bbc"));
    EXPECT_FALSE(crypto::equal("abc", "abcd"));
    EXPECT_FALSE(crypto::equal("abc", ""));
}

TEST(SealTest, OpensWithKeyAndContextOnly) {
    SystemRandomness randomness;
    const std::string key(32, 'k');
    for (const auto* plain : {"", "4242 is not stored anywhere else"}) {
        for (const auto* context : {"", "transaction 7, leg 1"}) {
            const auto sealed = crypto::seal(key, context, plain, randomness);
            EXPECT_EQ(sealed.size(), 12 + std::string_view(plain).size() + 16);
            EXPECT_EQ(crypto::open(key, context, sealed).value(), plain);
            EXPECT_FALSE(crypto::open(std::string(32, 'K'), context, sealed));
            EXPECT_FALSE(crypto::open(std::string(31, 'k'), context, sealed));
            EXPECT_FALSE(crypto::open(key, "transaction 8, leg 1", sealed));
        }
    }
}

TEST(SealTest, EveryChangedOrMissingByteIsNoticed) {
    Counting randomness;
    const std::string key(32, 'k');
    const auto sealed = crypto::seal(key, "context", "plain", randomness);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        const auto opened = crypto::open(key, "context", changed);
        ASSERT_FALSE(opened) << i;
        EXPECT_EQ(opened.error().kind, ErrorKind::internal);
        EXPECT_FALSE(crypto::open(key, "context", sealed.substr(0, i))) << i;
    }
    EXPECT_FALSE(crypto::open(key, "context", sealed + "x"));
}

TEST(SealTest, TheSameTextIsNeverSealedTheSameWay) {
    SystemRandomness randomness;
    const std::string key(32, 'k');
    EXPECT_NE(crypto::seal(key, "", "plain", randomness), crypto::seal(key, "", "plain", randomness));
    EXPECT_THROW(crypto::seal("short", "", "plain", randomness), std::logic_error);
}

// NIST's GCM vectors, test case 14: key and nonce of zeros, one block of zeros.
TEST(SealTest, IsThePublishedCipher) {
    const std::string zeros32(32, '\0');
    const auto sealed = encoding::from_hex(
                            "000000000000000000000000"
                            "cea7403d4d606b6e074ec5d3baf39d18"
                            "d0d1c8a799996bf0265b98b5d48ab919",
                            "x")
                            .value();
    EXPECT_EQ(crypto::open(zeros32, "", sealed).value(), std::string(16, '\0'));
}

TEST(PasswordTest, IsCheckedAgainstItsHash) {
    Counting randomness;
    const auto hash = crypto::hash_password("demopass", randomness);
    EXPECT_TRUE(hash.starts_with("scrypt$16384$8$1$AQIDBAUGBwgJCgsMDQ4PEA$")) << hash;
    EXPECT_TRUE(crypto::check_password("demopass", hash));
    EXPECT_FALSE(crypto::check_password("demopasS", hash));
    EXPECT_FALSE(crypto::check_password("", hash));
    EXPECT_NE(crypto::hash_password("demopass", randomness), hash);  // another salt
}

TEST(PasswordTest, NobodysHashLooksLikeAnyAndFitsNoPassword) {
    SystemRandomness randomness;
    const auto hash = crypto::nobodys_password_hash(randomness);
    EXPECT_TRUE(crypto::is_password_hash(hash));
    const auto cost = [](const std::string& text) { return text.substr(0, text.find('$', 15)); };
    EXPECT_EQ(cost(hash), cost(crypto::hash_password("demopass", randomness))) << "it takes as long";
    EXPECT_EQ(hash.size(), crypto::hash_password("demopass", randomness).size());
    EXPECT_FALSE(crypto::check_password("", hash));
    EXPECT_FALSE(crypto::check_password("demopass", hash));
    EXPECT_NE(crypto::nobodys_password_hash(randomness), hash);
}

// RFC 7914 section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first 32 bytes. (A hash of
// that length is the beginning of the longer one: the last step is PBKDF2, block by block.)
TEST(PasswordTest, IsThePublishedFunction) {
    const auto hash = "scrypt$16384$8$1$" + encoding::base64url("SodiumChloride") + "$" +
                      encoding::base64url(encoding::from_hex("7023bdcb3afd7348461c06cd81fd38eb"
                                                             "fda8fbba904f8e3ea9b543f6545da1f2",
                                                             "x")
                                              .value());
    EXPECT_TRUE(crypto::check_password("pleaseletmein", hash));
}

TEST(PasswordTest, AnythingElseIsNoHash) {
    const std::string salt = "AQIDBAUGBwgJCgsMDQ4PEA";
    const std::string digest(43, 'A');
    for (const auto& hash : std::vector<std::string>{
             "", "demopass", "scrypt", "scrypt$16384$8$1", "scrypt$$$$$", "scrypt$16384$8$1$" + salt + "$",
             "scrypt$16384$8$1$" + salt + "$" + digest + "$", "bcrypt$16384$8$1$" + salt + "$" + digest,
             "scrypt$-1$8$1$" + salt + "$" + digest, "scrypt$16385$8$1$" + salt + "$" + digest,
             "scrypt$0$8$1$" + salt + "$" + digest, "scrypt$16384$0$1$" + salt + "$" + digest,
             "scrypt$16384$8$0$" + salt + "$" + digest, "scrypt$16384x$8$1$" + salt + "$" + digest,
             "scrypt$16384$8$1$=$" + digest, "scrypt$16384$8$1$" + salt + "$" + digest.substr(4)}) {
        EXPECT_FALSE(crypto::check_password("", hash)) << hash;
        EXPECT_FALSE(crypto::is_password_hash(hash)) << hash;
    }
    EXPECT_TRUE(crypto::is_password_hash("scrypt$16384$8$1$" + salt + "$" + digest));
}

// 128 * N * r bytes of memory at most about 72 MiB, p at most 4: a configuration cannot stop the service.
TEST(PasswordTest, ACostPastTheLimitIsRefused) {
    const auto hash = [](const char* cost, const char* digest_hex) {
        return std::string("scrypt$") + cost + "$" + encoding::base64url("SodiumChloride") + "$" +
               encoding::base64url(encoding::from_hex(digest_hex, "x").value());
    };
    // Found with Python's hashlib.scrypt(b"pleaseletmein", salt=b"SodiumChloride", ...).
    EXPECT_TRUE(crypto::check_password(
        "pleaseletmein",
        hash("65536$8$1", "12b194c86d7bea77ce0c58f7b27974a6000a9f187df8bbc2a263c5fd22ce3c21")));
    EXPECT_FALSE(crypto::check_password(
        "pleaseletmein",
        hash("131072$8$1", "2f10fcda14532d6543334cd899776407ff0ae879c370372de5b4e39d4d2d21ed")));
    EXPECT_TRUE(crypto::check_password(
        "pleaseletmein",
        hash("1024$8$4", "446b8e32460a72c4acec061c2f202daa39eff9f857065f2d03286fa04019ad35")));
    EXPECT_FALSE(crypto::check_password(
        "pleaseletmein",
        hash("1024$8$5", "d0ead1e3e06243f8d845c5394d3fe47d396ac1374fb8113a1e7ecacfdf50c32c")));
    const std::string any(64, '0');
    for (const char* cost : {"65536$8$1", "1024$8$4"})
        EXPECT_TRUE(crypto::is_password_hash(hash(cost, any.c_str()))) << cost;
    for (const char* cost : {"131072$8$1", "1024$8$5", "16384$18446744073709551615$1"})
        EXPECT_FALSE(crypto::is_password_hash(hash(cost, any.c_str()))) << cost;
}

TEST(TokenTest, IsSixteenRandomBytes) {
    Counting counting;
    EXPECT_EQ(crypto::mint_token(counting), "AQIDBAUGBwgJCgsMDQ4PEA");
    SystemRandomness randomness;
    std::set<std::string> tokens;
    for (int i = 0; i < 1000; ++i) tokens.insert(crypto::mint_token(randomness));
    EXPECT_EQ(tokens.size(), 1000U);
    for (const auto& token : tokens) EXPECT_EQ(token.size(), 22U);
}

bool contains(const std::byte* storage, std::size_t size, std::string_view text) {
    return std::string_view(reinterpret_cast<const char*>(storage), size).find(text) !=
           std::string_view::npos;
}

// A short string keeps its bytes inside the object: in the storage they can be looked for.
TEST(SecretTest, IsWipedOnDestructionAndWhenMovedFrom) {
    using Holder = Secret<std::string>;
    constexpr std::string_view text = "sk_live_short";
    alignas(Holder) std::array<std::byte, sizeof(Holder)> first{};
    alignas(Holder) std::array<std::byte, sizeof(Holder)> second{};
    auto* const one = new (first.data()) Holder(std::string(text));
    ASSERT_TRUE(contains(first.data(), first.size(), text));
    auto* const two = new (second.data()) Holder(std::move(*one));
    EXPECT_FALSE(contains(first.data(), first.size(), text.substr(1)));
    EXPECT_TRUE(one->empty());
    EXPECT_EQ(two->reveal(), text);
    *one = std::move(*two);
    EXPECT_EQ(one->reveal(), text);
    EXPECT_FALSE(contains(second.data(), second.size(), text.substr(1)));
    two->~Holder();
    one->~Holder();
    EXPECT_FALSE(contains(first.data(), first.size(), text.substr(1)));
}

TEST(SecretTest, CopiesAndHoldsOtherThingsThanText) {
    const Secret<std::string> one("hunter2");
    Secret<std::string> two("something that is much longer than the other one");
    two = one;
    EXPECT_EQ(two.reveal(), "hunter2");
    const auto& same = two;
    two = same;
    EXPECT_EQ(two.reveal(), "hunter2");
    EXPECT_TRUE(Secret<>().empty());
    Secret<std::vector<std::uint8_t>> bytes({1, 2, 3});
    const auto moved = std::move(bytes);
    EXPECT_EQ(moved.reveal(), (std::vector<std::uint8_t>{1, 2, 3}));
}

TEST(IdTest, TextComesBackInAnyCase) {
    const auto id = TransactionId::parse("0191E0A2-1234-7abc-8DEF-0123456789ab", "transaction").value();
    EXPECT_EQ(id.text(), "0191e0a2-1234-7abc-8def-0123456789ab");
    EXPECT_FALSE(id.empty());
    EXPECT_TRUE(TransactionId().empty());
    EXPECT_EQ(IdHash()(id), 0x8def0123456789abU);
}

TEST(IdTest, RefusesWhatIsNoUuidNamingTheField) {
    for (const auto* text :
         {"", "0191e0a2", "0191e0a2-1234-7abc-8def-0123456789a", "0191e0a2-1234-7abc-8def-0123456789abc",
          "0191e0a2-1234-7abc-8def-0123456789ag", "0191e0a2x1234-7abc-8def-0123456789ab",
          "0191e0a21234-7abc-8def-0123456789ab-", "{191e0a2-1234-7abc-8def-0123456789a}",
          "0191e0a2-1234-7abc-8def-01234567 9ab"}) {
        const auto id = TransactionId::parse(text, "transaction");
        ASSERT_FALSE(id) << text;
        EXPECT_EQ(id.error(), bad_request("transaction", "is not a UUID"));
    }
}

TEST(IdTest, IsUuidVersionSevenInTheOrderOfTime) {
    Counting randomness;
    // The instant of RFC 9562, appendix A.6; its last 40 bits again, four before and six behind the variant.
    const auto id = uuid7(Instant(Millis(0x017F22E279B0)), randomness);
    EXPECT_EQ(uuid_text(id), "017f22e2-79b0-77f2-8b89-e6c20708090a");
    SystemRandomness system;
    const auto start = at("2026-01-10T10:00:00Z");
    auto last = TransactionId::make(start, system);
    for (int i = 1; i < 1000; ++i) {
        const auto next = TransactionId::make(start + Millis(i), system);
        EXPECT_LT(last, next);
        EXPECT_EQ(next.bytes[6] >> 4, 7);
        EXPECT_EQ(next.bytes[8] >> 6, 2);
        last = next;
    }
    EXPECT_NO_THROW(uuid7(Instant(Millis((std::int64_t{1} << 48) - 1)), system));
    EXPECT_THROW(uuid7(Instant(Millis(std::int64_t{1} << 48)), system), std::logic_error);
    EXPECT_THROW(uuid7(Instant(Millis(-1)), system), std::logic_error);
}

RC_GTEST_PROP(IdProperty, TextRoundTrip, (const std::array<std::uint8_t, 16>& bytes)) {
    RC_ASSERT(parse_uuid(uuid_text(bytes), "id").value() == bytes);
}

TEST(TimeTest, IsWrittenAndReadAsRfc3339) {
    EXPECT_EQ(iso8601(Instant(Millis(0))), "1970-01-01T00:00:00Z");
    EXPECT_EQ(iso8601(Instant(Millis(1'768'039'200'000))), "2026-01-10T10:00:00Z");
    EXPECT_EQ(iso8601(Instant(Millis(1'768'039'200'007))), "2026-01-10T10:00:00.007Z");
    EXPECT_EQ(iso8601(Instant(Millis(-1))), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(instant_for_people(at("2026-01-10T10:00:05.250Z")), "10 Jan 2026 10:00:05 UTC");
    EXPECT_EQ(instant_for_people(at("2026-12-01T23:59:59Z")), "1 Dec 2026 23:59:59 UTC");

    const auto ten = at("2026-01-10T10:00:00Z");
    for (const auto* same : {"2026-01-10T11:00:00+01:00", "2026-01-10T04:30:00-05:30",
                             "2026-01-11T09:59:00+23:59", "2026-01-10t10:00:00z", "2026-01-10T10:00:00.000Z",
                             "2026-01-10T10:00:00.0009999999999Z", "2026-01-10T10:00:00-00:00"})
        EXPECT_EQ(at(same), ten) << same;
    EXPECT_EQ(at("2026-01-10T10:00:00.5Z"), ten + 500ms);
    EXPECT_EQ(at("2024-02-29T00:00:00Z"), at("2024-03-01T00:00:00Z") - 24h);
    EXPECT_EQ(iso8601(at("0001-01-01T00:00:00Z")), "0001-01-01T00:00:00Z");
    EXPECT_EQ(iso8601(at("9999-12-31T23:59:59.999Z")), "9999-12-31T23:59:59.999Z");
}

TEST(TimeTest, RefusesEverythingElseNamingTheField) {
    for (const auto* text : {"",
                             "2026-01-10",
                             "2026-01-10T10:00:00",
                             "2026-01-10 10:00:00Z",
                             "2026-01-10T10:00Z",
                             "2026-13-10T10:00:00Z",
                             "2026-00-10T10:00:00Z",
                             "2026-02-29T10:00:00Z",
                             "2026-01-32T10:00:00Z",
                             "2026-01-10T24:00:00Z",
                             "2026-01-10T10:60:00Z",
                             "2026-01-10T10:00:60Z",
                             "2026-01-10T10:00:00.Z",
                             "2026-01-10T10:00:00,5Z",
                             "2026-01-10T10:00:00+01",
                             "2026-01-10T10:00:00+0100",
                             "2026-01-10T10:00:00+24:00",
                             "2026-01-10T10:00:00+01:60",
                             "2026-01-10T10:00:00ZZ",
                             " 2026-01-10T10:00:00Z",
                             "2026-1-10T10:00:00Z",
                             "+026-01-10T10:00:00Z",
                             "0000-12-31T23:59:59Z",
                             "0001-01-01T00:00:00+00:01",
                             "9999-12-31T23:59:59-00:01",
                             "1768039200",
                             "20260110T100000Z"}) {
        const auto instant = parse_iso8601(text, "held_until");
        ASSERT_FALSE(instant) << text;
        EXPECT_EQ(instant.error().kind, ErrorKind::bad_request);
        EXPECT_EQ(instant.error().field, "held_until");
    }
}

TEST(TimeTest, IsWrittenAndReadAsHttpWantsIt) {
    EXPECT_EQ(http_date(at("1994-11-06T08:49:37Z")), "Sun, 06 Nov 1994 08:49:37 GMT") << "RFC 9110's example";
    EXPECT_EQ(http_date(at("2026-01-10T10:00:05.999Z")), "Sat, 10 Jan 2026 10:00:05 GMT");
    EXPECT_EQ(http_date(Instant(Millis(-1))), "Wed, 31 Dec 1969 23:59:59 GMT");
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), at("1994-11-06T08:49:37Z"));
    EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT"), at("2024-02-29T00:00:00Z"));
    EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), at("9999-12-31T23:59:59Z"));
}

TEST(TimeTest, OfHttpIsNothingElse) {
    for (const auto* text : {"",
                             "Sunday, 06-Nov-94 08:49:37 GMT",
                             "Sun Nov  6 08:49:37 1994",
                             "Mon, 06 Nov 1994 08:49:37 GMT",
                             "sun, 06 Nov 1994 08:49:37 GMT",
                             "Sun, 06 nov 1994 08:49:37 GMT",
                             "Sun, 6 Nov 1994 08:49:37 GMT",
                             "Sun,06 Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nov 94 08:49:37 GMT",
                             "Sun, 06 Nov 1994 8:49:37 GMT",
                             "Sun, 06 Nov 1994 08:49:37",
                             "Sun, 06 Nov 1994 08:49:37 UTC",
                             "Sun, 06 Nov 1994 08:49:37 +0000",
                             "Sun, 06 Nov 1994 08:49:37 GMT ",
                             " Sun, 06 Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 08:49:37.5 GMT",
                             "Sun, 06 Nov 1994 24:00:00 GMT",
                             "Sun, 06 Nov 1994 08:60:00 GMT",
                             "Sun, 06 Nov 1994 08:49:60 GMT",
                             "Sun, 06 Nov 1994 08:49:99 GMT",
                             "Sun, 00 Nov 1994 08:49:37 GMT",
                             "Wed, 31 Sep 2026 08:49:37 GMT",
                             "Thu, 29 Feb 2026 00:00:00 GMT",
                             "Sun, 06 Nov 1994",
                             "1994-11-06T08:49:37Z",
                             "784111777"})
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

RC_GTEST_PROP(TimeProperty, EveryInstantComesBack, ()) {
    const Instant instant{Millis(*rc::gen::inRange<std::int64_t>(-62'135'596'800'000, 253'402'300'800'000))};
    RC_ASSERT(parse_iso8601(iso8601(instant), "at").value() == instant);
    RC_ASSERT(parse_http_date(http_date(instant)) ==
              Instant{std::chrono::floor<std::chrono::seconds>(instant)});
}

TEST(SystemClockTest, IsMovedForwardOnly) {
    SystemClock clock;
    const auto start = clock.now();
    clock.advance(1h);
    EXPECT_GE(clock.now(), start + 1h);
    EXPECT_LT(clock.now(), start + 2h);
    EXPECT_THROW(clock.advance(0ms), std::logic_error);
    EXPECT_THROW(clock.advance(-1ms), std::logic_error);

    clock.never_before(start + 30min);  // it is later than that already
    EXPECT_LT(clock.now(), start + 2h);
    clock.never_before(start + 10h);
    EXPECT_GE(clock.now(), start + 10h);
    EXPECT_LT(clock.now(), start + 11h);
}

TEST(SystemClockTest, TellsItsDriftWithoutTheSandboxsAdvances) {
    SystemClock clock;
    clock.advance(5h);
    EXPECT_LT(clock.drift(), 1h);
    EXPECT_GT(clock.drift(), -1h);
    clock.never_before(clock.now() + 3h);
    EXPECT_LT(clock.drift(), -2h);
}

TEST(SystemClockTest, StandsStillAtItsFloorUntilTimeHasCaughtUp) {
    SystemClock clock;
    const auto far = clock.now() + 10h;
    clock.never_before(far);
    EXPECT_EQ(clock.now(), far);
    clock.never_before(far - 1h);
    EXPECT_EQ(clock.now(), far);
    clock.advance(1h);
    EXPECT_EQ(clock.now(), far + 1h);
}

TEST(SystemClockTest, ItsDriftShrinksWhileItStandsStill) {
    SystemClock clock;
    const auto floor = clock.now() + 500ms;
    clock.never_before(floor);
    // The two clocks are not read in the same moment: a single look may find them apart.
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (clock.drift() < -100ms && std::chrono::steady_clock::now() < until) {
        EXPECT_GE(clock.now(), floor);
    }
    EXPECT_LT(std::chrono::steady_clock::now(), until) << "still apart";
}

TEST(SystemClockTest, NeverRunsBackwardsWhateverManyThreadsDo) {
    SystemClock clock;
    std::atomic<bool> backwards = false;
    const auto floor = clock.now() + 48h;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            auto last = clock.now();
            for (int k = 0; k < 2000; ++k) {
                if (i == 0 && k % 100 == 0) clock.advance(1ms);
                if (i != 0 && k == 1000) clock.never_before(floor);
                const auto now = clock.now();
                if (now < last) backwards = true;
                last = now;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(backwards);
    EXPECT_GE(clock.now(), floor);
    EXPECT_LT(clock.now(), floor + 1h);  // raised once, not once a thread
}

}  // namespace
}  // namespace kassi
