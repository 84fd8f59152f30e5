#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "world.hpp"

/// The outside of a token.
namespace kassi::tests {
namespace {

using device::Version;
using nlohmann::json;
using pay::Check;

json good(Version version = Version::ec_v1) {
    return json::parse(world().token(order(version)));
}

std::string step_of(const json& token) {
    return failed_step(token.dump());
}

const std::string form_failed(pay::title(Check::form));

std::string message_of(const std::string& token) {
    const auto failure = verifier().failure(token, noon());
    return failure ? failure->error.message : "";
}

TEST(Form, BrowsersObjectAndBarePaymentDataAreTheSame) {
    for (const auto version : {Version::ec_v1, Version::rsa_v1}) {
        const auto bare = world().token(order(version));
        const auto first = verifier().verify(bare, noon());
        const auto second = verifier().verify(device::AppleWorld::browser_token(bare, "Visa"), noon());
        ASSERT_TRUE(first);
        ASSERT_TRUE(second);
        EXPECT_EQ(first->transaction_id, second->transaction_id);
        EXPECT_EQ(first->card.number.reveal(), second->card.number.reveal());
    }
}

TEST(Form, TheIdentifierBesideMustBeTheTokensOwnInAnyCase) {
    const auto bare = world().token(order());
    auto id = good()["header"]["transactionId"].get<std::string>();
    EXPECT_EQ(failed_step(device::AppleWorld::browser_token(bare, "Visa", id)), form_failed);
    id = json::parse(bare)["header"]["transactionId"];
    std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(failed_step(device::AppleWorld::browser_token(bare, "Visa", id)), "");
    EXPECT_EQ(failed_step(device::AppleWorld::browser_token(bare, "Visa", "")), "");
    EXPECT_EQ(failed_step(device::AppleWorld::browser_token(bare, "Visa", "12")), form_failed);
    auto without = json::parse(device::AppleWorld::browser_token(bare, "Visa"));
    without.erase("transactionIdentifier");
    EXPECT_EQ(step_of(without), "");
}

TEST(Form, AnUpperCaseTransactionIdIsTheSameAsALowerCaseOne) {
    auto wanted = order();
    wanted.transaction_id = std::string(62, 'A') + "0F";
    const auto opened = verifier().verify(world().token(wanted), noon());
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->transaction_id, std::string(62, 'a') + "0f");
}

TEST(Form, BerAndDerAreBothRead) {
    for (const auto version : {Version::ec_v1, Version::rsa_v1})
        for (const bool indefinite : {true, false}) {
            auto wanted = order(version);
            wanted.indefinite_lengths = indefinite;
            const auto token = world().token(wanted);
            EXPECT_EQ(json::parse(token)["signature"].get<std::string>().starts_with("MIAGCSqGSIb3"),
                      indefinite);
            EXPECT_EQ(failed_step(token), "");
        }
}

TEST(Form, EmptyPaymentDataIsSaidClearly) {
    for (const char* token : {"{}", R"({"paymentData":{}})", R"({"paymentData":null})",
                              R"({"paymentData":"","transactionIdentifier":"Simulated Identifier"})"}) {
        EXPECT_EQ(failed_step(token), form_failed) << token;
        EXPECT_NE(message_of(token).find("no payment data"), std::string::npos) << message_of(token);
    }
}

TEST(Form, WhatIsNoObjectIsRefused) {
    for (const char* token : {"", "null", "[]", "1", "\"x\"", "{", "{\"paymentData\":[1]}",
                              R"({"version":"EC_v1","version":"EC_v1"})", "\xff", "{\"a\":\"\xc3\"}"})
        EXPECT_EQ(failed_step(token), form_failed) << token;
}

TEST(Form, MembersThatAreMissingOrOfAnotherTypeAreNamed) {
    for (const char* name : {"version", "data", "signature", "header"}) {
        auto token = good();
        token.erase(name);
        EXPECT_EQ(step_of(token), form_failed) << name;
        EXPECT_NE(message_of(token.dump()).find(name), std::string::npos) << message_of(token.dump());
        token[name] = 1;
        EXPECT_EQ(step_of(token), form_failed) << name;
    }
    for (const char* name : {"ephemeralPublicKey", "publicKeyHash", "transactionId"}) {
        auto token = good();
        token["header"].erase(name);
        EXPECT_EQ(step_of(token), form_failed) << name;
        EXPECT_NE(message_of(token.dump()).find(name), std::string::npos) << message_of(token.dump());
    }
    auto rsa = good(Version::rsa_v1);
    rsa["header"].erase("wrappedKey");
    EXPECT_EQ(step_of(rsa), form_failed);
}

TEST(Form, AVersionDoesNotPassForTheOther) {
    auto token = good();
    token["version"] = "RSA_v1";
    EXPECT_EQ(step_of(token), form_failed);
    token["header"]["wrappedKey"] = token["header"]["ephemeralPublicKey"];
    token["header"].erase("ephemeralPublicKey");
    EXPECT_EQ(step_of(token), pay::title(Check::certificates));
}

TEST(Form, Base64AndHexAreStrict) {
    for (const char* name : {"data", "signature"}) {
        for (const char* more : {" ", "\n", "=", "AAA", "-", "AA==AA=="}) {
            auto token = good();
            token[name] = token[name].get<std::string>() + more;
            EXPECT_EQ(step_of(token), form_failed) << name << more;
        }
    }
    for (const char* text : {"", "00", "zz"}) {
        auto token = good();
        token["header"]["transactionId"] = text;
        EXPECT_EQ(step_of(token), form_failed) << text;
        token = good();
        token["header"]["applicationData"] = text;
        EXPECT_EQ(step_of(token), form_failed) << text;
    }
    for (const std::size_t size : {31U, 33U}) {
        auto token = good();
        token["header"]["publicKeyHash"] = encoding::base64(std::string(size, 'x'));
        EXPECT_EQ(step_of(token), form_failed) << size;
    }
}

TEST(Form, ApplicationDataThatWasNotSignedIsNoticed) {
    auto token = good();
    token["header"]["applicationData"] = std::string(64, 'a');
    EXPECT_EQ(step_of(token), pay::title(Check::signature));
    auto wanted = order();
    wanted.application_data = "transaction-7";
    token = json::parse(world().token(wanted));
    token["header"].erase("applicationData");
    EXPECT_EQ(step_of(token), pay::title(Check::signature));
}

/// The last place of `old` in the signature's bytes becomes `other`.
std::string with_frame(json token, const std::string& old, const std::string& other) {
    auto bytes = encoding::from_base64(token["signature"].get<std::string>(), "").value();
    const auto at = bytes.rfind(old);
    EXPECT_NE(at, std::string::npos);
    bytes.replace(at, old.size(), other);
    token["signature"] = encoding::base64(bytes);
    return token.dump();
}

/// Bytes that no signature covers, and that OpenSSL takes in several ways.
TEST(Frame, IsExact) {
    const std::string rsa_oid("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 11);
    const std::string data_oid("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 11);
    const std::string sha256_oid("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01", 11);
    const std::string version("\x02\x01\x01\x31", 4);
    const struct {
        const char* what;
        Version of;
        std::string old, other;
    } rows[] = {
        {"SignedData's version", Version::ec_v1, version, std::string("\x02\x01\x03\x31", 4)},
        {"SignerInfo's version", Version::ec_v1, std::string("\x02\x01\x01\x30", 4),
         std::string("\x02\x01\x03\x30", 4)},
        {"a set that is not marked as constructed", Version::ec_v1, version,
         std::string("\x02\x01\x01\x11", 4)},
        {"a parameter of the signature's algorithm", Version::rsa_v1,
         rsa_oid + std::string("\x05\x00\x04", 3), rsa_oid + std::string("\x15\x00\x04", 3)},
        {"another digest in the list", Version::ec_v1,
         version + std::string("\x0d\x30\x0b", 3) + sha256_oid.substr(0, 10) + "\x01",
         version + std::string("\x0d\x30\x0b", 3) + sha256_oid.substr(0, 10) + "\x03"},
        {"a length in more bytes than it needs", Version::ec_v1,
         std::string("\x30\x80", 2) + data_oid + std::string("\0\0", 2),
         std::string("\x30\x81\x0b", 3) + data_oid},
    };
    for (const auto& row : rows) {
        const auto token = good(row.of);
        EXPECT_EQ(failed_step(with_frame(token, row.old, row.old)), "") << row.what;
        EXPECT_EQ(failed_step(with_frame(token, row.old, row.other)), pay::title(Check::signature_form))
            << row.what;
    }
    const auto token = good();
    const auto shorter = with_frame(token, std::string("\x30\x80", 2) + data_oid + std::string("\0\0", 2),
                                    std::string("\x30\x0b", 2) + data_oid);
    EXPECT_EQ(failed_step(shorter), "") << "definite and indefinite lengths may stand side by side";
}

/// OpenSSL compares names without regard to large and small letters.
TEST(Frame, NamesTheSignerToTheLetter) {
    EXPECT_EQ(failed_step(with_frame(good(), "Integration CA", "Integration Ca")),
              pay::title(Check::certificates));
}

TEST(Form, SizeAndNestingHaveLimits) {
    auto token = good();
    const auto filled = [&](std::size_t bytes) {
        token["x"] = "";
        token["x"] = std::string(bytes - token.dump().size(), 'x');
        return token.dump();
    };
    EXPECT_EQ(failed_step(filled(pay::token_bytes_max)), "");
    EXPECT_EQ(failed_step(filled(pay::token_bytes_max + 1)), form_failed);
    token = good();
    json deep = 1;
    for (int i = 0; i < 5; ++i) deep = json::array({deep});
    token["x"] = deep;
    EXPECT_EQ(step_of(token), "");
    token["x"] = json::array({deep});
    EXPECT_EQ(step_of(token), form_failed);
    EXPECT_EQ(failed_step(std::string(20'000, '[')), form_failed);
    const auto base64 = [](std::size_t bytes) { return encoding::base64(std::string(bytes, 'x')); };
    token = good();
    token["data"] = base64(8 * 1024);
    EXPECT_EQ(step_of(token), pay::title(Check::signature));
    token["data"] = base64(8 * 1024 + 1);
    EXPECT_EQ(step_of(token), form_failed);
    token = good();
    token["signature"] = base64(16 * 1024);
    EXPECT_EQ(step_of(token), pay::title(Check::signature_form));
    token["signature"] = base64(16 * 1024 + 1);
    EXPECT_EQ(step_of(token), form_failed);
    token = good();
    token["header"]["ephemeralPublicKey"] = base64(1024);
    EXPECT_EQ(step_of(token), pay::title(Check::signature));
    token["header"]["ephemeralPublicKey"] = base64(1025);
    EXPECT_EQ(step_of(token), form_failed);
}

}  // namespace
}  // namespace kassi::tests
