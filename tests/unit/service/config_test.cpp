#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.hpp"
#include "http/tls_certificates.hpp"
#include "service/service.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::service {
namespace {

using testing::HasSubstr;

constexpr const char* key_hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr const char* digest_hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A whole configuration in pieces, so that a test can change one line of it.
struct File {
    std::vector<std::string> lines{
        "mode = 'sandbox'",                                   // 1
        "public_url = 'http://127.0.0.1:8080'",               // 2
        "data = 'data'",                                      // 3
        "master_key_file = 'master.key'",                     // 4
        "[listen]",                                           // 5
        "port = 8080",                                        // 6
        "[times]",                                            // 7
        "callout_max = 300",                                  // 8
        "[[system]]",                                         // 9
        "name = 'box-office'",                                // 10
        std::string("key_digests = ['") + digest_hex + "']",  // 11
        "[[source]]",                                         // 12
        "code = 'ext_test1'",                                 // 13
        "[[merchant]]",                                       // 14
        "name = 'house-credit'",                              // 15
        "provider = 'on_credit'",                             // 16
        "[[caller]]",                                         // 17
        "name = 'demo'",                                      // 18
        "system = 'box-office'",                              // 19
        "return_hosts = ['127.0.0.1:8080', 'shop.example']",  // 20
        "ways = { '*' = ['house-credit'] }",                  // 21
        "credit_limits = { gbp = 5000 }",                     // 22
    };
    File& line(std::size_t number, const std::string& text) {
        lines.at(number - 1) = text;
        return *this;
    }
    File& live() {
        return line(1, "mode = 'live'")
            .line(2, "public_url = 'https://pay.example.com'")
            .line(20, "return_hosts = ['shop.example.com']");
    }
    [[nodiscard]] std::string text() const {
        std::string out;
        for (const auto& each : lines) out += each + "\n";
        return out;
    }
};

class ConfigTest : public testing::Test {
  protected:
    ConfigTest() { folder.write("master.key", std::string(key_hex) + "\n"); }
    ConfigReading read(const File& file) {
        return read_config_fully(folder.write("kassi.toml", file.text()));
    }
    /// The one error of `file`: its line, and its reason, which must hold `reason`.
    void expect_refused(const File& file, int line, const std::string& reason) {
        const auto reading = read(file);
        EXPECT_FALSE(reading.config);
        ASSERT_EQ(reading.errors.size(), 1U)
            << file.text() << (reading.errors.empty() ? "" : reading.errors.back().message);
        EXPECT_EQ(reading.errors[0].field, folder.path("kassi.toml") + ":" + std::to_string(line))
            << reading.errors[0].message;
        EXPECT_THAT(reading.errors[0].message, HasSubstr(reason));
    }
    void expect_taken(const File& file) {
        const auto reading = read(file);
        EXPECT_TRUE(reading.config) << (reading.errors.empty()
                                            ? ""
                                            : reading.errors[0].field + " " + reading.errors[0].message);
    }
    TemporaryFolder folder;
};

TEST_F(ConfigTest, ReadsEverything) {
    File file;
    file.line(20,
              "return_hosts = ['127.0.0.1:8080', 'shop.example']\npolicy = { partial = true, confirm = "
              "'owner', on_decline = 'again' }");
    file.line(16, "provider = 'on_credit'\nretired = false\n[operators]\nport = 0");
    const auto reading = read(file);
    ASSERT_TRUE(reading.config) << reading.errors[0].field << reading.errors[0].message;
    const auto& config = *reading.config;
    EXPECT_EQ(config.settings.mode, engine::Mode::sandbox);
    EXPECT_TRUE(config.loopback_only);
    EXPECT_TRUE(config.settings.visit_loopback_only);
    EXPECT_EQ(config.settings.public_url, "http://127.0.0.1:8080");
    EXPECT_EQ(config.settings.times.callout_max, Millis(300'000));
    EXPECT_EQ(config.settings.times.grace, core::Times{}.grace);
    EXPECT_EQ(config.data_directory, folder.path("data"));
    EXPECT_EQ(encoding::hex(config.master_key.reveal()), key_hex);
    EXPECT_EQ(config.doors.port, 8080);
    ASSERT_TRUE(config.operators);
    ASSERT_NE(config.directory.system("box-office"), nullptr);
    EXPECT_EQ(config.directory.system("box-office")->key_digests, std::vector<std::string>{digest_hex});
    const auto* caller = config.directory.caller("demo");
    ASSERT_NE(caller, nullptr);
    EXPECT_EQ(caller->real_name, "demo");
    EXPECT_EQ(caller->country, "uk");
    EXPECT_EQ(caller->ways.at("*"), std::vector<std::string>{"house-credit"});
    EXPECT_TRUE(caller->policy.partial);
    EXPECT_EQ(caller->policy.confirm, core::Confirm::owner);
    EXPECT_EQ(caller->policy.on_decline, core::OnDecline::again);
    EXPECT_EQ(caller->credit_limits.at("GBP"), 5000);
}

TEST_F(ConfigTest, WhoPaidIsKeptForSoManyDays) {
    const auto with = [](const std::string& days) {
        File file;
        file.line(3, "data = 'data'\nretention_days = " + days);
        return file;
    };
    EXPECT_FALSE(read(File()).config->settings.retention) << "for ever";
    for (const int days : {1, 30, 3650}) {
        const auto reading = read(with(std::to_string(days)));
        ASSERT_TRUE(reading.config) << reading.errors[0].message;
        EXPECT_EQ(reading.config->settings.retention, std::chrono::days(days));
    }
    for (const char* days : {"0", "3651", "-1"})
        expect_refused(with(days), 4, "retention_days must be from 1 to 3650");
    expect_refused(with("'30'"), 4, "retention_days must be a whole number");
}

TEST_F(ConfigTest, UnknownKeysAreRefusedEverywhere) {
    expect_refused(File().line(4, "master_key_file = 'master.key'\nmod = 1"), 5, "unknown key \"mod\"");
    expect_refused(File().line(6, "port = 8080\nports = 1"), 7, "unknown key \"listen.ports\"");
    expect_refused(File().line(8, "callout_maximum = 1"), 8, "unknown key \"times.callout_maximum\"");
    expect_refused(File().line(10, "name = 'box-office'\nnick = ''"), 11, "unknown key \"system.nick\"");
    expect_refused(File().line(13, "code = 'ext_test1'\nx = 1"), 14, "unknown key \"source.x\"");
    expect_refused(File().line(16, "provider = 'on_credit'\nurl = ''"), 17, "unknown key \"merchant.url\"");
    expect_refused(File().line(22, "credit = {}"), 22, "unknown key \"caller.credit\"");
    expect_refused(File().line(22, "policy = { partially = true }"), 22,
                   "unknown key \"caller.policy.partially\"");
}

TEST_F(ConfigTest, MissingKeysAreRefused) {
    expect_refused(File().line(1, ""), 1, "mode is missing");
    expect_refused(File().line(2, ""), 1, "public_url is missing");
    expect_refused(File().line(3, ""), 1, "data is missing");
    expect_refused(File().line(4, ""), 1, "one of master_key_file and master_key_env");
    expect_refused(File().line(6, ""), 5, "listen.port is missing");
    expect_refused(File().line(11, ""), 9, "nobody could log in");
    expect_refused(File().line(13, ""), 12, "source.code is missing");
    expect_refused(File().line(16, ""), 14, "merchant.provider is missing");
    expect_refused(File().line(18, ""), 17, "caller.name is missing");
    expect_refused(File().line(19, ""), 17, "caller.system is missing");
    expect_refused(File().line(21, ""), 17, "caller.ways is missing");
}

TEST_F(ConfigTest, WrongTypesAreRefused) {
    expect_refused(File().line(2, "public_url = 8080"), 2, "public_url must be a text, not a whole number");
    expect_refused(File().line(6, "port = '8080'"), 6, "listen.port must be a whole number, not a text");
    expect_refused(File().line(6, "port = 65536"), 6, "from 0 to 65535");
    expect_refused(File().line(8, "callout_max = 1.5"), 8, "a whole number, not a number with a point");
    expect_refused(File().line(11, "key_digests = 'x'"), 11, "a list of texts, not a text");
    expect_refused(File().line(11, "key_digests = [1]"), 11, "must be a text, not a whole number");
    expect_refused(File().line(21, "ways = 'house-credit'"), 21, "caller.ways must be a table, not a text");
    expect_refused(File().line(22, "credit_limits = { GBP = 50.00 }"), 22, "smallest unit");
    expect_refused(File().line(22, "credit_limits = { GBP = -1 }"), 22, "smallest unit");
    expect_refused(File().line(22, "credit_limits = { QQQ = 1 }"), 22, "caller.credit_limits.QQQ");
    expect_refused(File().line(12, "[source]").line(14, "[[merchant]]"), 12, "must be written as [[source]]");
}

TEST_F(ConfigTest, WhatACallerMayDoAtTheTicketOrderDoor) {
    ::setenv("KASSI_TEST_SIGNING", "a secret", 1);
    const std::string digest(64, 'a');
    File file;
    file.line(7, "[ticket_order]\nallowed_origins = ['https://app.example', 'http://localhost:3000']\n" +
                     file.lines.at(6));
    file.line(
        22,
        "[caller.ticket_order]\nroles = ['MobileApp', 'Admin']\npermissions = ['ReadData']\n"
        "key_digests = ['" +
            digest +
            "']\nsignature = 'required'\nsystem_id = 'app'\n"
            "secret = { env = 'KASSI_TEST_SIGNING' }\nsecret_is_enough = true\nallow_foreign_mpi = true");
    const auto reading = read(file);
    ASSERT_TRUE(reading.config) << reading.errors[0].field << reading.errors[0].message;
    EXPECT_EQ(reading.config->ticket_order_origins,
              (std::vector<std::string>{"https://app.example", "http://localhost:3000"}));
    const auto& access = reading.config->directory.caller("demo")->ticket_order;
    EXPECT_EQ(access.roles, (std::vector<std::string>{"MobileApp", "Admin"}));
    EXPECT_EQ(access.permissions, std::vector<std::string>{"ReadData"});
    EXPECT_EQ(access.key_digests, std::vector<std::string>{digest});
    EXPECT_EQ(access.signature, engine::TicketOrderAccess::Signature::required);
    EXPECT_EQ(access.system_id, "app");
    EXPECT_EQ(access.secret.reveal(), "a secret");
    EXPECT_TRUE(access.secret_is_enough);
    EXPECT_TRUE(access.allow_foreign_mpi);

    const auto refused = [this](const std::string& text, int line, const std::string& reason) {
        expect_refused(File().line(22, "[caller.ticket_order]\n" + text), line, reason);
    };
    refused("roles = ['Boss']", 23,
            "caller.ticket_order.roles: \"Boss\" is none of Admin, TeamAdmin, MobileApp");
    refused("roles = ['Admin', 'Admin']", 23, "names \"Admin\" twice");
    refused("permissions = ['WriteData']", 23, "is none of ReadData");
    refused("key_digests = ['x']", 23, "64 digits of lower-case hexadecimal");
    refused("signature = 'sometimes'", 23, "must be \"required\", \"optional\" or \"off\"");
    refused("signature = 'optional'", 23, "system_id and secret; both are needed");
    refused("secret = 'in clear'", 23, "a secret does not stand in this file");
    refused("role = 'Admin'", 23, "unknown key \"caller.ticket_order.role\"");
    refused("[ticket_order]\nallowed_origins = ['https://app.example/']", 24, "must be scheme and host");
}

TEST_F(ConfigTest, SyntaxErrorsHaveTheirLine) {
    expect_refused(File().line(10, "name = "), 10, "");
    expect_refused(File().line(10, "name = 'a'\nname = 'b'"), 11, "");
    const auto reading = read_config_fully(folder.path("not-there.toml"));
    ASSERT_EQ(reading.errors.size(), 1U);
    EXPECT_EQ(reading.errors[0].field, folder.path("not-there.toml") + ":0");
}

TEST_F(ConfigTest, EverythingWrongIsSaidAtOnceInOrder) {
    const auto reading =
        read(File().line(1, "mode = 'test'").line(8, "callout_max = 0").line(19, "system = 'nobody'"));
    ASSERT_EQ(reading.errors.size(), 3U);
    EXPECT_THAT(reading.errors[0].field, testing::EndsWith(":1"));
    EXPECT_THAT(reading.errors[1].field, testing::EndsWith(":8"));
    EXPECT_THAT(reading.errors[2].field, testing::EndsWith(":19"));
    const auto first = read_config(folder.path("kassi.toml"));
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error(), reading.errors[0]);
}

TEST_F(ConfigTest, DuplicatesAreRefused) {
    expect_refused(File().line(13, "code = 'ext_test1'\n[[source]]\ncode = 'ext_test1'"), 15,
                   "another source \"ext_test1\"");
    expect_refused(
        File().line(16,
                    "provider = 'on_credit'\n[[merchant]]\nname = 'house-credit'\nprovider = 'on_credit'"),
        18, "another merchant \"house-credit\"");
    expect_refused(
        File().line(22,
                    "[[caller]]\nname = 'demo'\nsystem = 'box-office'\nways = { '*' = ['house-credit'] }"),
        23, "another caller \"demo\"");
    expect_refused(
        File().line(11, std::string("key_digests = ['") + digest_hex +
                            "']\n[[system]]\nname = 'other'\nkey_digests = ['" + digest_hex + "']"),
        14, "the same API key");
    expect_refused(File().line(21, "ways = { '*' = ['house-credit', 'house-credit'] }"), 21, "twice");
}

TEST_F(ConfigTest, DanglingReferencesAreRefused) {
    expect_refused(File().line(19, "system = 'nobody'"), 19, "there is no system \"nobody\"");
    expect_refused(File().line(21, "ways = { '*' = ['nobody'] }"), 21, "there is no merchant \"nobody\"");
    expect_refused(File().line(21, "ways = { ext_test9 = ['house-credit'] }"), 21,
                   "there is no source \"ext_test9\"");
    expect_refused(File().line(16, "provider = 'on_credit'\nretired = true"), 22, "is retired");
    expect_taken(File().line(12, "").line(13, "").line(21, "ways = { ext_test9 = ['house-credit'] }"));
    expect_refused(File().line(21, "ways = {}"), 21, "caller.ways is empty");
    expect_refused(File().line(21, "ways = { '*' = [] }"), 21, "a list of merchants");
}

TEST_F(ConfigTest, WhatTheFlowsRefuseHasItsLine) {
    expect_refused(File().line(16, "provider = 'barter'"), 16, "merchants.house-credit.provider");
    const auto house = [](const std::string& settings) {
        return File().line(16, "provider = 'redirect'\n" + settings);
    };
    expect_refused(house("base_url = 'http://127.0.0.1:1'\n[merchant.settings]\ncallout_type = 'put'"), 19,
                   "callout_type");
    expect_refused(house("base_url = 'http://127.0.0.1:1'"), 14, "api_key");
    expect_refused(house("[merchant.settings]\ncan_be_asked = false"), 14, "page_url");
}

/// Lines: 16 provider, 18 secret_key, 19 webhook_secret, 21 publishable_key, 22 and on `settings`.
class StripeConfigTest : public ConfigTest {
  protected:
    StripeConfigTest() {
        folder.write("stripe.key", "sk_test_0123456789abcdef\n");
        folder.write("live.key", "rk_live_0123456789abcdef\n");
        folder.write("webhook.key", "whsec_0123456789\n");
    }
    static File stripe(File file, const std::string& key, const std::string& publishable,
                       const std::string& settings = "", const std::string& provider_more = "") {
        return file.line(16, "provider = 'stripe'" + provider_more +
                                 "\n[merchant.secrets]\nsecret_key = { file = '" + key +
                                 "' }\nwebhook_secret = { file = 'webhook.key' }\n[merchant.settings]\n" +
                                 "publishable_key = '" + publishable + "'\n" + settings);
    }
    static File test(const std::string& settings, const std::string& publishable = "pk_test_0123456789") {
        return stripe(File(), "stripe.key", publishable, settings);
    }
    static File live(const std::string& key, const std::string& publishable,
                     const std::string& settings = "") {
        return stripe(File().live(), key, publishable, settings);
    }
};

TEST_F(StripeConfigTest, IsTaken) {
    expect_taken(test(""));
    expect_taken(
        test("currencies = 'GBP,ISK'\nstatement_descriptor = 'Box'\nreusable_tokens = 'tok_1a,tok_1b'\n"
             "script_url = 'http://127.0.0.1:8081/stripe/v3/'"));
    expect_taken(live("live.key", "pk_live_0123456789"));
}

TEST_F(StripeConfigTest, LiveModeRefusesTestKeys) {
    const std::string why =
        "merchant \"house-credit\" has test keys: in live mode it would take no real money";
    expect_refused(live("stripe.key", "pk_test_0123456789"), 14, why);
    expect_taken(stripe(File().live(), "stripe.key", "pk_test_0123456789", "", "\ntest_keys = true"));
    expect_refused(live("live.key", "pk_test_0123456789"), 21, "not both of test mode or both of live mode");
    expect_refused(live("stripe.key", "pk_live_0123456789"), 21,
                   "not both of test mode or both of live mode");
    expect_refused(live("live.key", "pk_live_0123456789", "reusable_tokens = 'tok_1a'"), 22,
                   "are for test keys only");
    expect_refused(live("live.key", "pk_live_0123456789", "script_url = 'http://js.stripe.com/v3/'"), 22,
                   "https");
    expect_taken(live("live.key", "pk_live_0123456789", "script_url = 'https://js.stripe.com/v3/'"));
}

TEST_F(StripeConfigTest, SettingsThatAreWrongHaveTheirLine) {
    expect_refused(test("", "sk_test_0123456789"), 21, "is no publishable key of Stripe");
    expect_refused(test("api_versoin = '2026-08-26.dahlia'"), 22, "is no setting of stripe");
    expect_refused(test("currencies = 'GBP,QQQ'"), 22, "currencies");
    expect_refused(test("statement_descriptor = 'Box'\nscript_url = 'http://127.0.0.1:8081/v3?x=1'"), 23,
                   "must have no query");
    expect_refused(
        stripe(File(), "stripe.key", "pk_test_0123456789", "", "\nbase_url = 'http://127.0.0.1:1/'"), 17,
        "must not end in a slash");
    expect_refused(stripe(File(), "webhook.key", "pk_test_0123456789"), 18, "is no secret key of Stripe");
    const auto secrets = [](const std::string& more) {
        return File().line(16,
                           "provider = 'stripe'\n[merchant.settings]\npublishable_key = "
                           "'pk_test_0123456789'\n[merchant.secrets]\n" +
                               more);
    };
    expect_refused(secrets("webhook_secret = { file = 'webhook.key' }"), 14, "secret_key: is missing");
    expect_refused(
        secrets("secret_key = { file = 'stripe.key' }\nwebhook_secret_next = { file = 'webhook.key' }"), 14,
        "webhook_secret: is missing");
    expect_refused(secrets("secret_key = { file = 'stripe.key' }\nnotice_secret = { file = 'webhook.key' }"),
                   21, "is no secret of stripe");
    for (const auto& error : read(stripe(File(), "webhook.key", "sk_test_5ec7e7")).errors)
        for (const auto* secret : {"whsec_0123", "5ec7e7"})
            EXPECT_THAT(error.message, testing::Not(HasSubstr(secret)));
}

TEST_F(ConfigTest, NamesAreNames) {
    const std::string longest(64, 'a');
    expect_taken(File().line(18, "name = '" + longest + "'"));
    expect_refused(File().line(18, "name = '" + longest + "a'"), 18, "1 to 64 letters");
    expect_refused(File().line(18, "name = ''"), 18, "1 to 64 letters");
    expect_refused(File().line(18, "name = 'a b'"), 18, "1 to 64 letters");
}

TEST_F(ConfigTest, SecretsDoNotStandInTheFile) {
    expect_refused(File().line(16, "provider = 'on_credit'\n[merchant.secrets]\napi_key = 'sk_live_1'"), 18,
                   "a secret does not stand in this file");
    expect_refused(File().line(4, std::string("master_key = '") + key_hex + "'"), 4,
                   "a secret does not stand in this file");
    expect_refused(File().line(19, "system = 'box-office'\npassword = 'demopass'"), 20,
                   "kassi hash-password");
    expect_refused(File().line(10, "name = 'box-office'\nkey = 'abc'"), 11, "its SHA-256");
    for (const auto& error :
         read(File().line(16, "provider = 'on_credit'\n[merchant.secrets]\napi_key = 'sk_live_1'")).errors)
        EXPECT_THAT(error.message, testing::Not(HasSubstr("sk_live_1")));
}

/// Who takes such a line for the secret's own place has written it there.
TEST_F(ConfigTest, WhatStandsWhereASecretIsNamedIsNotRepeated) {
    const std::string secret = "5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7";
    const auto quiet = [&](const File& file, int line, const std::string& reason) {
        expect_refused(file, line, reason);
        for (const auto& error : read(file).errors)
            EXPECT_THAT(error.message, testing::Not(HasSubstr(secret.substr(0, 8))));
    };
    quiet(File().line(4, "master_key_env = '" + secret + "'"), 4,
          "names an environment variable that is not set");
    quiet(File().line(4, "master_key_env = '" + secret + secret + "a'"), 4,
          "the name of an environment variable");
    quiet(File().line(4, "master_key_file = '" + secret + "'"), 4,
          "master_key_file: the file cannot be read");
    quiet(File().line(11, "key_digest_files = ['" + secret + "']"), 11, "the file cannot be read");
    quiet(File().line(6, "port = 1\ntls_certificate = '" + secret + "'\ntls_key = 'master.key'"), 7,
          "the file cannot be read");
    for (const char* kind : {"env", "file"})
        quiet(File().line(16, std::string("provider = 'on_credit'\n[merchant.secrets]\napi_key = { ") + kind +
                                  " = '" + secret + "' }"),
              18, "merchant.secrets.api_key");
}

TEST_F(ConfigTest, SecretsComeFromFilesOfTheirOwnerOnly) {
    folder.write("api.key", "s3cret\n", 0644);
    const auto with = [](const std::string& source) {
        return File().line(16, "provider = 'on_credit'\n[merchant.secrets]\napi_key = " + source);
    };
    expect_refused(with("{ file = 'api.key' }"), 18, "chmod 600");
    folder.write("api.key", "s3cret\n", 0640);
    expect_refused(with("{ file = 'api.key' }"), 18, "chmod 600");
    expect_refused(with("{ file = 'none.key' }"), 18, "cannot be read");
    expect_refused(with("{ env = 'KASSI_TEST_NOT_THERE' }"), 18,
                   "merchant.secrets.api_key names an environment variable that is not set");
    expect_refused(with("{ env = 'A', file = 'api.key' }"), 18, "must be { env");
    expect_refused(with("{ variable = 'A' }"), 18, "");
    folder.write("master.key", key_hex, 0644);
    expect_refused(File(), 4, "chmod 600");
}

TEST_F(ConfigTest, MerchantSecretsAreRead) {
    folder.write("api.key", "s3cret\n");
    ASSERT_EQ(::setenv("KASSI_TEST_SECRET", "from the environment", 1), 0);
    // on_credit refuses what it does not know or takes it: either way the two were read before it was asked.
    const auto reading = read(File().line(16,
                                          "provider = 'on_credit'\n[merchant.secrets]\na = { file = "
                                          "'api.key' }\nb = { env = 'KASSI_TEST_SECRET' }"));
    for (const auto& error : reading.errors)
        EXPECT_THAT(error.message, testing::Not(HasSubstr("cannot be read")));
    if (reading.config) {
        EXPECT_EQ(reading.config->directory.merchants.at(0).secrets.at("a").reveal(), "s3cret");
        EXPECT_EQ(reading.config->directory.merchants.at(0).secrets.at("b").reveal(), "from the environment");
    }
}

TEST_F(ConfigTest, MasterKeysAreThirtyTwoBytes) {
    ASSERT_EQ(::setenv("KASSI_TEST_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1), 0);
    const auto reading = read(File().line(4, "master_key_env = 'KASSI_TEST_KEY'"));
    ASSERT_TRUE(reading.config);
    EXPECT_EQ(encoding::hex(reading.config->master_key.reveal()), key_hex);
    folder.write("master.key", std::string(key_hex).substr(2));
    expect_refused(File(), 4, "32 bytes");
    folder.write("master.key", std::string(key_hex) + "00");
    expect_refused(File(), 4, "32 bytes");
    folder.write("master.key", "");
    expect_refused(File(), 4, "is empty");
    expect_refused(File().line(4, "master_key_env = 'KASSI_TEST_KEY'\nmaster_key_file = 'master.key'"), 4,
                   "and not both");
}

TEST_F(ConfigTest, DigestsAreDigests) {
    expect_refused(File().line(11, "key_digests = ['abc']"), 11, "64 digits of lower-case hexadecimal");
    folder.write("digest", std::string(digest_hex) + "  -\n", 0644);
    const auto reading = read(File().line(11, "key_digest_files = ['digest']"));
    ASSERT_TRUE(reading.config);
    EXPECT_EQ(reading.config->directory.systems[0].key_digests, std::vector<std::string>{digest_hex});
    expect_refused(File().line(11, "key_digest_files = ['none']"), 11, "cannot be read");
}

TEST_F(ConfigTest, PasswordHashesAreOurs) {
    SystemRandomness randomness;
    expect_taken(File().line(19, "system = 'box-office'\npassword_hash = '" +
                                     crypto::hash_password("demopass", randomness) + "'"));
    expect_refused(File().line(19, "system = 'box-office'\npassword_hash = 'demopass'"), 20,
                   "kassi hash-password");
    expect_refused(File().line(19, "system = 'box-office'\npassword_hash = 'scrypt$x$y$z$!$!'"), 20,
                   "kassi hash-password");
}

TEST_F(ConfigTest, ReturnHostsAreHosts) {
    expect_refused(File().line(20, "return_hosts = ['https://shop.example']"), 20, "without scheme and path");
    expect_refused(File().line(20, "return_hosts = ['shop.example/back']"), 20, "without scheme and path");
    expect_refused(File().line(20, "return_hosts = ['Shop.example']"), 20, "lower case");
    expect_refused(File().line(20, "return_hosts = ['shop example']"), 20, "is not a host");
    expect_refused(File().line(20, "return_hosts = ['user@shop.example']"), 20, "is not a host");
}

TEST_F(ConfigTest, LiveModeIsForRealMoney) {
    expect_taken(File().live());
    expect_refused(File().live().line(2, "public_url = 'http://pay.example.com'"), 2, "https");
    expect_refused(File().live().line(2, "public_url = 'https://127.0.0.1'"), 2,
                   "not on the public internet");
    expect_refused(File().live().line(16, "provider = 'on_credit'\nsimulator = true"), 17, "no simulator");
    expect_refused(File().live().line(16, "provider = 'on_credit'\nbase_url = 'https://localhost:1/x'"), 17,
                   "not on the public internet");
    expect_refused(File().live().line(16, "provider = 'on_credit'\nbase_url = 'http://api.example.com'"), 17,
                   "https");
    expect_refused(File().live().line(20, "return_hosts = ['127.0.0.1:8080']"), 20,
                   "not on the public internet");
    expect_refused(File().live().line(20, "return_hosts = ['10.0.0.1']"), 20, "not on the public internet");
    expect_refused(File().live().line(20, "return_hosts = ['shop.example.com:80']"), 20, "https only");
    expect_refused(File().live().line(6, "port = 1\naddress = '0.0.0.0'"), 7, "in clear");
    expect_taken(File().live().line(6, "port = 1\naddress = '0.0.0.0'\ntls_elsewhere = true"));
    const std::string quiet =
        "provider = 'redirect'\n[merchant.settings]\ncan_be_asked = false\nnotifies = false\npage_url = ";
    expect_refused(File().live().line(16, quiet + "'https://pay.example.com/page'"), 14,
                   "must sign its returns");
    expect_refused(File().live().line(16, quiet + "'http://pay.example.com/page'"), 20, "https");
    folder.write("page.key", "SimSecret-0001");
    const auto hosted = [](const std::string& base_url) {
        return File().live().line(16, "provider = 'securepay'\n" + base_url +
                                          "[merchant.settings]\nmerchant_id = '9275444'\ngateway_id = '16'\n"
                                          "[merchant.secrets]\nsecret_key = { file = 'page.key' }");
    };
    expect_taken(hosted(""));
    expect_refused(hosted("base_url = 'https://test.borgun.is/SecurePay'\n"), 14, "has test keys");
    EXPECT_FALSE(read(File().live()).config->loopback_only);
    EXPECT_FALSE(read(File().live()).config->settings.visit_loopback_only);
}

TEST_F(ConfigTest, APrivateNetworkIsItsMerchantsAlone) {
    folder.write("api.key", "api");
    folder.write("notice.key", "notice");
    const auto merchant = [](const std::string& name, const std::string& lines) {
        return "[[merchant]]\nname = '" + name + "'\nprovider = 'redirect'\n" + lines +
               "\n[merchant.secrets]\napi_key = { file = 'api.key' }\nnotice_secret = { file = 'notice.key' "
               "}\n";
    };
    const auto with = [](const std::string& merchants) {
        return File().live().line(16, "provider = 'on_credit'\n" + merchants);
    };
    const auto reading =
        read(with(merchant("near", "base_url = 'https://10.0.0.1:8443/v1'\nprivate_network = true") +
                  merchant("far", "base_url = 'https://api.example.com'")));
    ASSERT_TRUE(reading.config) << reading.errors[0].message;
    EXPECT_EQ(reading.config->private_origins, std::set<std::string>{"https://10.0.0.1:8443"});
    expect_refused(with(merchant("near", "base_url = 'https://10.0.0.1:8443/v1'")), 20,
                   "merchant.base_url is not on the public internet");
    expect_refused(with(merchant("near", "base_url = 'https://10.0.0.1:8443/v1'\nprivate_network = false")),
                   20, "merchant.base_url is not on the public internet");
}

TEST_F(ConfigTest, ASandboxStaysOnLoopback) {
    expect_refused(
        File().line(16, "provider = 'on_credit'\nbase_url = 'http://10.0.0.1'\nprivate_network = true"), 17,
        "loopback addresses only");
    expect_refused(File().line(16, "provider = 'on_credit'\nbase_url = 'https://api.example.com'"), 17,
                   "loopback addresses only");
}

TEST_F(ConfigTest, UrlsAreBare) {
    expect_refused(File().line(2, "public_url = 'http://127.0.0.1:8080/pay'"), 2, "no path");
    expect_refused(File().line(2, "public_url = 'ftp://127.0.0.1'"), 2, "public_url");
    expect_refused(File().line(2, "public_url = 'http://127.0.0.1/'"), 2, "slash");
}

TEST_F(ConfigTest, TimesAreInOrder) {
    expect_refused(File().line(8, "callout_max = 60"), 7, "longer than times.callout_max");
    expect_taken(File().line(8, "answer_within = 60"));
    expect_refused(File().line(8, "answer_within = 61"), 8, "from 1 to 60");
}

TEST_F(ConfigTest, LoadHasLimits) {
    const auto load = [](const std::string& lines) { return File().line(8, "[load]\n" + lines); };
    const auto given = read(load(
        "connections = 100\ncalls = 50\nmerchant_calls = 50\nmerchant_calls_waiting = 7\nmemory_mib = 8"));
    ASSERT_TRUE(given.config) << given.errors.front().message;
    EXPECT_EQ(given.config->descriptors.connections_max, 100U);
    EXPECT_EQ(given.config->descriptors.calls_open_max, 50U);
    EXPECT_EQ(given.config->settings.merchant_calls_at_once_max, 50U);
    EXPECT_EQ(given.config->settings.merchant_calls_waiting_max, 7U);
    EXPECT_EQ(given.config->load.calls_waiting_max, 14U);
    EXPECT_EQ(given.config->load.bytes_in_hand_max, 8U * 1024 * 1024);

    // What nobody sets is as it is without the table.
    for (const auto& file : {File(), load("")}) {
        const auto reading = read(file);
        ASSERT_TRUE(reading.config);
        EXPECT_EQ(reading.config->descriptors.connections_max, 4096U);
        EXPECT_EQ(reading.config->descriptors.calls_open_max, 512U);
        EXPECT_EQ(reading.config->settings.merchant_calls_at_once_max, 128U);
        EXPECT_EQ(reading.config->settings.merchant_calls_waiting_max, 1024U);
        EXPECT_EQ(reading.config->load.calls_waiting_max, LoadLimits{}.calls_waiting_max);
        EXPECT_EQ(reading.config->load.bytes_in_hand_max, http::bytes_in_hand_max);
    }
}

TEST_F(ConfigTest, LoadIsRefusedOutsideItsBounds) {
    struct Bounds {
        std::string key;
        std::size_t least, most;
    };
    for (const auto& [key, least, most] :
         {Bounds{"connections", 32, 65'536}, Bounds{"calls", 128, 4'096}, Bounds{"merchant_calls", 1, 512},
          Bounds{"merchant_calls_waiting", 1, 65'536}, Bounds{"memory_mib", 8, 65'536}})
        for (const auto fits : {least, most})
            expect_taken(File().line(8, "[load]\n" + key + " = " + std::to_string(fits)));
    for (const auto& [key, least, most] :
         {Bounds{"connections", 32, 65'536}, Bounds{"calls", 32, 4'096}, Bounds{"merchant_calls", 1, 4'096},
          Bounds{"merchant_calls_waiting", 1, 65'536}, Bounds{"memory_mib", 8, 65'536}})
        for (const auto wrong : {least - 1, most + 1})
            expect_refused(
                File().line(8, "[load]\n" + key + " = " + std::to_string(wrong)), 9,
                "load." + key + " must be from " + std::to_string(least) + " to " + std::to_string(most));
    expect_refused(File().line(8, "[load]\ncalls = 100"), 8,
                   "load.merchant_calls (128) is more than load.calls (100)");
    expect_refused(File().line(8, "[load]\nmerchant_calls = 513"), 9,
                   "load.merchant_calls (513) is more than load.calls (512)");
    expect_refused(File().line(8, "[load]\nmemory = 64"), 9, "unknown key \"load.memory\"");
    expect_refused(File().line(8, "[load]\ncalls = 64.5"), 9, "load.calls must be a whole number");
}

TEST_F(ConfigTest, TlsNeedsBothFiles) {
    expect_refused(File().line(6, "port = 1\ntls_certificate = 'cert.pem'"), 7, "go together");
    const auto authority = http::make_certificate_authority("Kassi test authority");
    const auto identity = http::make_certificate(authority, {"localhost"});
    const auto key = identity.private_key_pem.reveal();
    folder.write("cert.pem", identity.certificate_pem, 0644);
    folder.write("key.pem", key, 0644);
    const auto tls = File().line(6, "port = 1\ntls_certificate = 'cert.pem'\ntls_key = 'key.pem'");
    expect_refused(tls, 8, "chmod 600");
    folder.write("key.pem", key, 0600);
    expect_taken(tls);
    EXPECT_EQ(read(tls).config->doors.tls->certificate_pem, identity.certificate_pem);
    expect_refused(File().line(6, "port = 1\naddress = 'localhost'"), 7, "must be an IP address");
}

TEST_F(ConfigTest, TlsFilesThatCannotBeUsedHaveTheirLine) {
    const auto authority = http::make_certificate_authority("Kassi test authority");
    const auto identity = http::make_certificate(authority, {"localhost"});
    const auto other = http::make_certificate(authority, {"localhost"});
    folder.write("cert.pem", identity.certificate_pem);
    folder.write("key.pem", identity.private_key_pem.reveal());
    folder.write("other-key.pem", other.private_key_pem.reveal());
    folder.write("junk.pem", "x");
    const auto with = [](const std::string& certificate, const std::string& key) {
        return File().line(6, "port = 1\ntls_certificate = '" + certificate + "'\ntls_key = '" + key + "'");
    };
    expect_refused(with("junk.pem", "key.pem"), 7, "listen.tls_certificate: the file holds no certificate");
    expect_refused(with("cert.pem", "junk.pem"), 8, "listen.tls_key: the file holds no private key");
    expect_refused(with("cert.pem", "cert.pem"), 8, "listen.tls_key: the file holds no private key");
    expect_refused(with("cert.pem", "other-key.pem"), 8, "is not the key of the certificate");
    expect_refused(File().line(4, "master_key_file = 'master.key'\ntrusted_certificates = 'junk.pem'"), 5,
                   "trusted_certificates: the file holds no certificate");
    folder.write("empty.pem", "");
    expect_refused(File().line(4, "master_key_file = 'master.key'\ntrusted_certificates = 'empty.pem'"), 5,
                   "trusted_certificates: the file holds no certificate");
    folder.write("trusted.pem", authority.certificate_pem + identity.certificate_pem);
    expect_taken(File().line(4, "master_key_file = 'master.key'\ntrusted_certificates = 'trusted.pem'"));
}

/// The annotated example is true: what it needs besides is a machine's own.
TEST_F(ConfigTest, TheExampleIsTaken) {
    std::ifstream in(std::string(KASSI_SOURCE_DIR) + "/deploy/kassi.example.toml");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(text.empty());
    const auto replace = [&](const std::string& from, const std::string& to) {
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
    };
    replace("/etc/kassi/master.key", "master.key");
    const auto identity =
        http::make_certificate(http::make_certificate_authority("Kassi test authority"), {"pay.example.com"});
    replace("/etc/kassi/tls/fullchain.pem", folder.write("cert.pem", identity.certificate_pem, 0644));
    replace("/etc/kassi/tls/key.pem", folder.write("key.pem", identity.private_key_pem.reveal()));
    const auto reading = read_config_fully(folder.write("example.toml", text));
    EXPECT_TRUE(reading.config) << (reading.errors.empty()
                                        ? ""
                                        : reading.errors[0].field + " " + reading.errors[0].message);
}

}  // namespace
}  // namespace kassi::service
