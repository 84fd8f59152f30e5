#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "world.hpp"

/// Tokens that real devices made and Apple signed (tests/data/apple_pay), against Apple's own root: accepted
/// when they were new, and at no other time. Nothing of a card is printed.
namespace kassi::tests {
namespace {

using pay::Check;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

const fs::path folder = fs::path(KASSI_SOURCE_DIR) / "tests/data/apple_pay";

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path.filename();
    return {std::istreambuf_iterator<char>(file), {}};
}

struct Vector {
    const char* name;
    const char* papers;    ///< before "_certificate.pem" and "_key.pem"; "" only Apple's customer has them
    const char* merchant;  ///< as the certificate says
    const char* signed_at;
    const char* until;  ///< of the certificate that signed
    std::int64_t amount = 0;
    const char* expiry = "";  ///< "2024-09"
    const char* eci = "";
};

const Vector vectors[] = {
    {"gala", "gala", "merchant.test.spreedly.123merchant", "2021-09-01T19:03:06Z", "2024-05-16", 100,
     "2024-09", ""},
    {"basis_ec_new", "basis_ec_new", "merchant.basistheory.sales", "2023-09-13T13:49:38Z", "2024-05-16", 100,
     "2029-02", "7"},
    {"basis_ec_old", "basis_ec_old", "merchant.basistheory.sales", "2023-03-20T20:46:55Z", "2024-05-16", 100,
     "2023-12", "7"},
    {"basis_rsa", "basis_rsa", "merchant.basistheory.sales", "2024-01-08T17:54:44Z", "2026-01-09", 100, "",
     "7"},
    {"processout_ec", "", "", "2017-02-01T18:45:06Z", "2019-09-24"},
    {"processout_rsa", "", "", "2017-02-01T21:56:53Z", "2021-01-09"},
};

Instant instant(const std::string& text) {
    return parse_iso8601(text, "").value();
}

/// Apple's root, and the keys of the vector; where there are none, those of our own merchant.
std::shared_ptr<const pay::Verifier> verifier_of(const Vector& vector) {
    auto wanted = options();
    wanted.root_pem = "";
    if (*vector.papers != '\0') {
        const std::string papers_name(vector.papers);
        wanted.merchant_identifier = vector.merchant;
        wanted.keys = {{text_of(folder / (papers_name + "_certificate.pem")),
                        Secret<>(text_of(folder / (papers_name + "_key.pem")))}};
    }
    const auto made = pay::Verifier::make(std::move(wanted));
    EXPECT_TRUE(made) << made.error().field;
    return *made;
}

std::string token_of(const Vector& vector) {
    return text_of(folder / (std::string(vector.name) + "_token.json"));
}

class Vectors : public testing::TestWithParam<Vector> {};

TEST_P(Vectors, HoldAtTheirTime) {
    const auto& vector = GetParam();
    const auto with = verifier_of(vector);
    EXPECT_TRUE(with->trusts_only_apple());
    const auto token = token_of(vector);
    for (const auto after : {0ms, 5000ms, Millis(pay::freshness)}) {
        const auto at = instant(vector.signed_at) + after;
        if (*vector.papers == '\0') {
            EXPECT_EQ(failed_step(token, at, *with), pay::title(Check::key));
            continue;
        }
        EXPECT_EQ(failed_step(token, at, *with), "");
        const auto opened = with->verify(token, at);
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->signed_at, instant(vector.signed_at));
        EXPECT_EQ(opened->amount.minor, vector.amount);
        EXPECT_EQ(opened->amount.currency.code(), "USD");
        EXPECT_EQ(opened->card.eci, vector.eci);
        EXPECT_EQ(opened->transaction_id.size(), 64U);
        const auto month = std::to_string(opened->card.expiry.month);
        if (*vector.expiry == '\0') continue;
        EXPECT_EQ(std::to_string(opened->card.expiry.year) + (month.size() < 2 ? "-0" : "-") + month,
                  vector.expiry);
    }
}

TEST_P(Vectors, HoldAtNoOtherTime) {
    const auto& vector = GetParam();
    const auto with = verifier_of(vector);
    const auto token = token_of(vector);
    const auto signed_at = instant(vector.signed_at);
    EXPECT_EQ(failed_step(token, signed_at + 301s, *with), pay::title(Check::age));
    EXPECT_EQ(failed_step(token, signed_at - 61s, *with), pay::title(Check::age));
    EXPECT_EQ(failed_step(token, signed_at + 24h, *with), pay::title(Check::age));
    EXPECT_EQ(failed_step(token, instant(std::string(vector.until) + "T23:59:59Z") + 24h, *with),
              pay::title(Check::chain));
    EXPECT_EQ(failed_step(token, noon(), *with), pay::title(Check::chain));
    EXPECT_EQ(failed_step(token, instant("2014-01-01T00:00:00Z"), *with), pay::title(Check::chain));
}

TEST_P(Vectors, DoNotLeadToAnotherRoot) {
    const auto& vector = GetParam();
    EXPECT_EQ(failed_step(token_of(vector), instant(vector.signed_at)), pay::title(Check::chain));
}

TEST_P(Vectors, AreOpenedWithoutATimeByWhoHasTheKey) {
    const auto& vector = GetParam();
    EXPECT_EQ(static_cast<bool>(verifier_of(vector)->open(token_of(vector))), *vector.papers != '\0');
}

/// A bit of what was signed is another: the real signature does not cover it.
TEST_P(Vectors, AreRefusedWhenChanged) {
    const auto& vector = GetParam();
    const auto with = verifier_of(vector);
    auto token = nlohmann::json::parse(token_of(vector));
    auto& data = token.contains("paymentData") ? token["paymentData"] : token;
    token.erase("transactionIdentifier");
    for (const char* name : {"data", "signature"}) {
        const auto before = data[name];
        auto bytes = encoding::from_base64(before.get<std::string>(), "").value();
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        data[name] = encoding::base64(bytes);
        EXPECT_NE(failed_step(token.dump(), instant(vector.signed_at), *with), "") << name;
        EXPECT_NE(failed_step(token.dump(), instant(vector.signed_at), *with), pay::title(Check::key))
            << name;
        data[name] = before;
    }
    data["header"]["transactionId"] = std::string(64, '0');
    EXPECT_EQ(failed_step(token.dump(), instant(vector.signed_at), *with), pay::title(Check::signature));
}

INSTANTIATE_TEST_SUITE_P(All, Vectors, testing::ValuesIn(vectors),
                         [](const auto& each) { return each.param.name; });

TEST(VectorFiles, AllHaveFilesAndAllFilesAreVectors) {
    int tokens = 0;
    for (const auto& file : fs::directory_iterator(folder))
        if (file.path().filename().string().ends_with("_token.json")) ++tokens;
    EXPECT_EQ(tokens, static_cast<int>(std::size(vectors)));
}

/// Tokens that cannot be kept here: files of a folder, each with the time of its signature for a name
/// ("2023-02-16T09:20:54Z.json").
TEST(MoreVectors, SignaturesHoldAtTheTimeThatTheirNameSays) {
    const char* more = std::getenv("KASSI_APPLE_PAY_TOKENS");
    if (more == nullptr)
        GTEST_SKIP() << "the seventh published token has no licence that lets it lie here: "
                        "KASSI_APPLE_PAY_TOKENS names a "
                        "folder that has it (tests/data/apple_pay/README.md)";
    for (const auto& file : fs::directory_iterator(more)) {
        auto token = nlohmann::json::parse(text_of(file.path()));
        if (token.contains("token")) token = nlohmann::json(token["token"]);
        const auto at = instant(file.path().stem().string());
        const auto with = verifier_of(vectors[std::size(vectors) - 1]);
        EXPECT_EQ(failed_step(token.dump(), at, *with), pay::title(Check::key)) << file.path().filename();
        EXPECT_EQ(failed_step(token.dump(), at + 301s, *with), pay::title(Check::age));
    }
}

}  // namespace
}  // namespace kassi::tests
