#include <fstream>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "providers/credentials/apple_pay_root.hpp"
#include "world.hpp"

/// What a verifier is made of, and which key opens which token.
namespace kassi::tests {
namespace {

using device::Version;
using nlohmann::json;
using pay::Check;

std::string field_of(pay::Options wanted) {
    const auto made = pay::Verifier::make(std::move(wanted));
    return made ? "" : made.error().field;
}

TEST(Make, AcceptsWhatFitsAndSaysWhoseItIs) {
    const auto made = pay::Verifier::make(options());
    ASSERT_TRUE(made);
    EXPECT_EQ((*made)->merchant_identifier(), merchant);
    EXPECT_FALSE((*made)->trusts_only_apple());
}

TEST(Make, TheCompiledRootIsApples) {
    auto wanted = options();
    wanted.root_pem = "";
    const auto made = pay::Verifier::make(wanted).value();
    EXPECT_TRUE(made->trusts_only_apple());
    EXPECT_EQ(failed_step(world().token(order()), noon(), *made), pay::title(Check::chain));
    // Base64 between the two lines of PEM is the DER.
    std::string pem(pay::root_file(pay::apple_root_file));
    std::string base64;
    for (std::size_t at = pem.find('\n'); at < pem.find("-----END"); ++at)
        if (pem[at] != '\n' && pem[at] != '\r') base64 += pem[at];
    const auto der = encoding::from_base64(base64, "root");
    ASSERT_TRUE(der);
    EXPECT_EQ(encoding::hex(crypto::to_bytes(crypto::sha256(*der))), pay::apple_root_fingerprint);
}

TEST(Make, ApplesRootGivenByHandIsApples) {
    auto wanted = options();
    wanted.root_pem = pay::root_file(pay::apple_root_file);
    EXPECT_TRUE(pay::Verifier::make(wanted).value()->trusts_only_apple());
}

TEST(Make, NamesWhatIsWrong) {
    auto wanted = options();
    wanted.merchant_identifier = "";
    EXPECT_EQ(field_of(wanted), "merchant_identifier");
    wanted.merchant_identifier = std::string(257, 'm');
    EXPECT_EQ(field_of(wanted), "merchant_identifier");
    wanted = options();
    wanted.root_pem = "no root";
    EXPECT_EQ(field_of(wanted), "root");
    wanted = options();
    wanted.keys.clear();
    EXPECT_EQ(field_of(wanted), "keys");
    wanted = options();
    wanted.keys[1].certificate_pem = wanted.keys[1].private_key_pem.reveal();
    EXPECT_EQ(field_of(wanted), "keys.1.certificate");
    wanted = options();
    wanted.keys[0].private_key_pem = Secret<>(std::string("x"));
    EXPECT_EQ(field_of(wanted), "keys.0.key");
    wanted = options();
    wanted.keys[0].private_key_pem =
        Secret<>(std::string(32 * 1024, '\n') + wanted.keys[0].private_key_pem.reveal());
    EXPECT_EQ(field_of(wanted), "keys.0.key");
    wanted = options();
    wanted.keys[1] = wanted.keys[0];
    EXPECT_EQ(field_of(wanted), "keys.1.certificate");
}

TEST(Make, AKeyBelongsToItsCertificate) {
    auto wanted = options();
    std::swap(wanted.keys[0].private_key_pem, wanted.keys[1].private_key_pem);
    EXPECT_EQ(field_of(wanted), "keys.0.key");
    const auto others = world().issue(std::string(merchant), noon());
    wanted = options();
    wanted.keys[0].private_key_pem = others.processing_ec.key_pem;
    EXPECT_EQ(field_of(wanted), "keys.0.key");
}

TEST(Make, ACertificateOfAnotherMerchantIsRefused) {
    auto wanted = options();
    wanted.merchant_identifier = "merchant.is.example.other";
    EXPECT_EQ(field_of(wanted), "keys.0.certificate");
    // A certificate without the merchant's mark at all.
    wanted = options();
    const auto pem = world().pem();
    const std::string_view text = pem.reveal();
    const auto key_at = text.find("-----BEGIN PRIVATE");
    const auto next = text.find("-----BEGIN CERTIFICATE", key_at);
    const auto next_key = text.find("-----BEGIN PRIVATE", next);
    wanted.keys[0].certificate_pem = text.substr(next, next_key - next);  // the intermediate, of P-256
    wanted.keys[0].private_key_pem = Secret<>(std::string(text.substr(next_key)));
    EXPECT_EQ(field_of(wanted), "keys.0.certificate");
    // The root is on P-384, which nobody uses for tokens.
    wanted.keys[0].certificate_pem = text.substr(0, key_at);
    wanted.keys[0].private_key_pem = Secret<>(std::string(text.substr(key_at)));
    EXPECT_EQ(field_of(wanted), "keys.0.key");
}

TEST(Make, TakesEightKeysAndNotNine) {
    auto wanted = options();
    for (int i = 0; i < 3; ++i) {
        const auto others = world().issue(std::string(merchant), noon());
        wanted.keys.push_back({others.processing_ec.certificate_pem, others.processing_ec.key_pem});
        wanted.keys.push_back({others.processing_rsa.certificate_pem, others.processing_rsa.key_pem});
    }
    ASSERT_EQ(wanted.keys.size(), 8U);
    EXPECT_EQ(field_of(wanted), "");
    wanted.keys.push_back(wanted.keys.front());
    EXPECT_EQ(field_of(wanted), "keys");
}

TEST(Key, IsChosenByItsHashAmongSeveral) {
    const auto newer = world().issue(std::string(merchant), noon());
    auto wanted = options();
    wanted.keys.push_back({newer.processing_ec.certificate_pem, newer.processing_ec.key_pem});
    const auto rotating = pay::Verifier::make(wanted).value();
    auto to_newer = order();
    to_newer.processing_certificate_pem = newer.processing_ec.certificate_pem;
    const auto token = world().token(to_newer);
    EXPECT_EQ(failed_step(token, noon(), *rotating), "");
    EXPECT_EQ(failed_step(world().token(order()), noon(), *rotating), "");
    EXPECT_EQ(failed_step(token), pay::title(Check::key));
}

TEST(Key, OfTheOtherVersionIsNoKey) {
    const auto hash_of = [](Version version) {
        return json::parse(world().token(order(version)))["header"]["publicKeyHash"];
    };
    auto token = json::parse(world().token(order(Version::ec_v1)));
    token["header"]["publicKeyHash"] = hash_of(Version::rsa_v1);
    EXPECT_EQ(failed_step(token.dump()), pay::title(Check::key));
    token = json::parse(world().token(order(Version::rsa_v1)));
    token["header"]["publicKeyHash"] = hash_of(Version::ec_v1);
    EXPECT_EQ(failed_step(token.dump()), pay::title(Check::key));
}

/// One of 256 tokens has such a secret. Who drops the zero cannot open it.
TEST(Key, ASharedSecretThatBeginsWithZeroIsAsLongAsAnother) {
    for (int i = 0; i < 3; ++i) {
        auto wanted = order();
        wanted.leading_zero = true;
        EXPECT_EQ(failed_step(world().token(wanted)), "");
    }
}

}  // namespace
}  // namespace kassi::tests
