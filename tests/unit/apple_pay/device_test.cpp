#include <nlohmann/json.hpp>

#include "world.hpp"

/// The simulated Apple itself.
namespace kassi::tests {
namespace {

using device::AppleWorld;
using device::Version;
using nlohmann::json;

TEST(Device, EachTokenHasItsOwnKeyIdAndCipherText) {
    const auto one = json::parse(world().token(order()));
    const auto two = json::parse(world().token(order()));
    EXPECT_NE(one["data"], two["data"]);
    EXPECT_NE(one["header"]["ephemeralPublicKey"], two["header"]["ephemeralPublicKey"]);
    EXPECT_NE(one["header"]["transactionId"], two["header"]["transactionId"]);
    EXPECT_EQ(one["header"]["publicKeyHash"], two["header"]["publicKeyHash"]);
}

TEST(Device, TheSameWorldComesBackFromItsPem) {
    const auto kept = world().pem();
    auto again = AppleWorld::read(kept.reveal(), "apple");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->pem().reveal(), kept.reveal());
    EXPECT_EQ(again->root_pem(), world().root_pem());
    EXPECT_EQ(again->developer_authority_pem(), world().developer_authority_pem());
    for (const auto version : {Version::ec_v1, Version::rsa_v1})
        EXPECT_EQ(failed_step(again->token(order(version))), "");
}

TEST(Device, WhatIsNoWorldIsRefused) {
    const std::string kept = world().pem().reveal();
    for (const auto& text :
         {std::string(), std::string("x"), kept.substr(0, kept.size() / 2), kept.substr(700)}) {
        const auto read = AppleWorld::read(text, "apple.pem");
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().field, "apple.pem");
    }
}

TEST(Device, OrdersThatNobodyCouldEncryptThrow) {
    auto wanted = order();
    wanted.processing_certificate_pem = "";
    EXPECT_THROW((void)world().token(wanted), std::invalid_argument);
    wanted = order();
    wanted.version = Version::rsa_v1;
    EXPECT_THROW((void)world().token(wanted), std::invalid_argument);
    wanted = order();
    wanted.processing_certificate_pem = world().root_pem();
    EXPECT_THROW((void)world().token(wanted), std::invalid_argument);
    wanted = order();
    wanted.flaw = device::Flaw::pss;
    EXPECT_THROW((void)world().token(wanted), std::invalid_argument);
    wanted.flaw = device::Flaw::other_application_data;
    EXPECT_THROW((void)world().token(wanted), std::invalid_argument);
    wanted = order(Version::rsa_v1);
    wanted.leading_zero = true;
    EXPECT_THROW((void)world().token(wanted), std::invalid_argument);
}

TEST(Device, PapersAreEachForTheirOwnMerchant) {
    const auto others = world().issue("merchant.is.example.other", noon());
    auto wanted = options();
    wanted.merchant_identifier = "merchant.is.example.other";
    wanted.keys = {{others.processing_ec.certificate_pem, others.processing_ec.key_pem}};
    const auto theirs = pay::Verifier::make(wanted).value();
    auto to_them = order();
    to_them.processing_certificate_pem = others.processing_ec.certificate_pem;
    EXPECT_EQ(failed_step(world().token(to_them), noon(), *theirs), "");
    EXPECT_EQ(failed_step(world().token(to_them)), pay::title(pay::Check::key));
    EXPECT_EQ(failed_step(world().token(order()), noon(), *theirs), pay::title(pay::Check::key));
}

}  // namespace
}  // namespace kassi::tests
