#include "sandbox/accounts.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/crypto.hpp"
#include "engine/returns.hpp"
#include "providers/flow.hpp"

namespace kassi::sandbox {
namespace {

const Secret<> key(std::string(32, 'k'));
const Secret<> other_key(std::string(32, 'o'));
constexpr std::string_view simulators = "http://127.0.0.1:8081";

class Accounts : public testing::Test {
  protected:
    SystemRandomness randomness;
    engine::Directory directory = demo_directory(key, simulators, randomness);
};

TEST_F(Accounts, EveryFlowTakesItsMerchant) {
    const auto registry = providers::Registry::make(directory.merchants);
    ASSERT_TRUE(registry.has_value()) << registry.error().field << ": " << registry.error().message;
    for (const auto& merchant : directory.merchants)
        if (merchant.provider != "on_credit") {
            EXPECT_TRUE(merchant.simulator) << merchant.name;
        }
}

TEST_F(Accounts, EveryAccountCanLogInAndPayEverySource) {
    ASSERT_EQ(directory.callers.size(), demo_accounts().size());
    std::set<std::string> merchants;
    for (const auto& merchant : directory.merchants) merchants.insert(merchant.name);
    for (const auto& account : demo_accounts()) {
        const auto* caller = directory.caller(account.name);
        ASSERT_NE(caller, nullptr) << account.name;
        EXPECT_TRUE(crypto::check_password(account.password, caller->password_hash)) << account.name;
        EXPECT_EQ(caller->system, demo_system);
        for (const auto& source : directory.sources) {
            const auto ways = directory.ways(*caller, source.code);
            EXPECT_FALSE(ways.empty()) << account.name;
            for (const auto& way : ways) EXPECT_TRUE(merchants.contains(way)) << way;
        }
    }
}

TEST_F(Accounts, TheGuidesAccounts) {
    const auto default_way = [&](std::string_view caller) {
        return directory.ways(*directory.caller(caller), "ext_test0").front();
    };
    EXPECT_EQ(default_way("demo"), "on_credit");
    EXPECT_EQ(default_way("example-user"), "on_credit");
    EXPECT_EQ(default_way("demo-redirect"), "redirect-demo");
    EXPECT_EQ(default_way("demo-redirect-post"), "redirect-demo-post");
    EXPECT_EQ(directory.ways(*directory.caller("demo-mixed"), "ext_test0").front(), "on_credit");
    EXPECT_EQ(directory.ways(*directory.caller("demo-mixed"), "ext_test1").front(), "redirect-demo");
    EXPECT_TRUE(directory.caller("demo-partial")->policy.partial);
    EXPECT_EQ(directory.caller("demo-again")->policy.on_decline, core::OnDecline::again);
    EXPECT_EQ(directory.caller("demo-owner")->policy.confirm, core::Confirm::owner);
    EXPECT_EQ(directory.caller("demo")->policy, core::Policy{});
}

TEST_F(Accounts, OfTheTicketOrderDoor) {
    using Signature = engine::TicketOrderAccess::Signature;
    const auto access = [&](std::string_view caller) { return directory.caller(caller)->ticket_order; };
    EXPECT_EQ(access("app").roles, std::vector<std::string>{"MobileApp"});
    EXPECT_EQ(access("app-signed").roles, std::vector<std::string>{"MobileApp"});
    EXPECT_EQ(access("team").roles, std::vector<std::string>{"TeamAdmin"});
    EXPECT_EQ(access("admin").roles, std::vector<std::string>{"Admin"});
    for (const auto* name : {"app", "app-signed", "team", "admin"}) {
        EXPECT_EQ(access(name).permissions, std::vector<std::string>{"ReadData"}) << name;
        EXPECT_EQ(access(name).key_digests.size(), 1U) << name;
        EXPECT_EQ(access(name).signature,
                  name == std::string_view("app-signed") ? Signature::required : Signature::optional);
        EXPECT_FALSE(access(name).allow_foreign_mpi) << name;
        EXPECT_TRUE(is_ticket_order_account(name)) << name;
    }
    EXPECT_TRUE(access("nobody").roles.empty() && access("nobody").permissions.empty());
    EXPECT_TRUE(access("demo").roles.empty());
    EXPECT_FALSE(is_ticket_order_account("demo"));
    EXPECT_EQ(ticket_order_key(Secret<>(std::string(32, 'k')), "nobody"), "");
}

TEST_F(Accounts, ReturnHosts) {
    const auto& hosts = directory.caller("demo-redirect")->return_hosts;
    const auto allowed = [&](std::string_view url) {
        return engine::registered(*parse_url(url, "url"), hosts);
    };
    EXPECT_TRUE(allowed("https://fromtheboxoffice.com/callback/x"));
    EXPECT_TRUE(allowed("https://example.com/"));
    EXPECT_TRUE(allowed("http://127.0.0.1:1234/back"));
    EXPECT_TRUE(allowed("http://localhost:65535/back"));
    EXPECT_FALSE(allowed("https://example.com:444/"));
    EXPECT_FALSE(allowed("https://fromtheboxoffice.com.example.org/"));
}

TEST_F(Accounts, TheSimulatorsKnowTheSameKeys) {
    const auto houses = demo_houses(key, simulators);
    EXPECT_EQ(houses.page_origin, simulators);
    for (const auto& house : houses.merchants) {
        const auto merchant = std::find_if(directory.merchants.begin(), directory.merchants.end(),
                                           [&](const auto& each) { return each.name == house.name; });
        ASSERT_NE(merchant, directory.merchants.end()) << house.name;
        const auto secret = [&](const char* name) {
            const auto found = merchant->secrets.find(name);
            return found == merchant->secrets.end() ? std::string() : found->second.reveal();
        };
        EXPECT_EQ(secret("api_key"), house.api_key);
        EXPECT_EQ(secret("notice_secret"), house.notice_secret);
    }
}

TEST_F(Accounts, KeysFollowFromTheSandboxsOwn) {
    EXPECT_EQ(demo_v1_key(key), demo_v1_key(key));
    EXPECT_NE(demo_v1_key(key), demo_v1_key(other_key));
    EXPECT_NE(demo_houses(key, simulators).merchants[0].api_key,
              demo_houses(other_key, simulators).merchants[0].api_key);
    EXPECT_NE(demo_houses(key, simulators).merchants[0].api_key,
              demo_houses(key, simulators).merchants[1].api_key);
    EXPECT_EQ(directory.systems.front().key_digests.front(),
              encoding::hex(crypto::to_bytes(crypto::sha256(demo_v1_key(key)))));
}

TEST(StripeAccounts, KeysFollowFromTheSandboxesOwnAndFitTheirForm) {
    const auto options = demo_stripe_accounts(key, simulators, "http://127.0.0.1:8080");
    ASSERT_EQ(options.accounts.size(), 1U);
    const auto& account = options.accounts[0];
    EXPECT_EQ(account.name, "stripe-demo");
    EXPECT_EQ(account.secret_key, stripe_secret_key(key));
    EXPECT_NE(account.secret_key, stripe_secret_key(other_key));
    EXPECT_NE(stripe_webhook_secret(key), stripe_webhook_secret(other_key));
    for (const std::string& word : {stripe_secret_key(key).substr(8), stripe_webhook_secret(key).substr(6)}) {
        EXPECT_EQ(word.size(), 32U);
        EXPECT_EQ(word.find_first_of("-_"), std::string::npos) << word;
    }
    EXPECT_TRUE(account.secret_key.starts_with("sk_test_"));
    EXPECT_EQ(account.webhook_secrets, std::vector<std::string>{stripe_webhook_secret(key)});
    EXPECT_EQ(account.webhook_url, "http://127.0.0.1:8080/webhooks/stripe/stripe-demo");
    EXPECT_EQ(account.extra_test_tokens.size(), 2U);
}

}  // namespace
}  // namespace kassi::sandbox
