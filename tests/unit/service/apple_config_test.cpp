#include <gmock/gmock.h>

#include <algorithm>

#include "http/tls_certificates.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "sandbox/simulators/apple_device.hpp"
#include "service/service.hpp"
#include "tests/unit/temporary.hpp"

/// [[apple_pay]] of the configuration.
namespace kassi::service {
namespace {

using testing::HasSubstr;
namespace apple = sandbox::apple;

constexpr const char* identifier = "merchant.example.config";

struct World {
    Instant now = SystemClock().now();
    apple::AppleWorld apple = apple::AppleWorld::make(now);
    apple::Papers papers = apple.issue(identifier, now);
    apple::Papers others = apple.issue("merchant.example.other", now);
};
const World& world() {
    static const World made;
    return made;
}

/// Line 10 on is the shop's.
struct File {
    std::vector<std::string> lines{
        "mode = 'sandbox'",                                                       // 1
        "public_url = 'http://127.0.0.1:8080'",                                   // 2
        "data = 'data'\nmaster_key_file = 'master.key'",                          // 3, 4
        "listen = { port = 8080 }",                                               // 5
        "[[system]]",                                                             // 6
        "name = 'box-office'",                                                    // 7
        "key_digests = ['" + std::string(64, 'a') + "']",                         // 8
        "[[apple_pay]]",                                                          // 9
        "name = 'shop'",                                                          // 10
        "merchant_identifier = '" + std::string(identifier) + "'",                // 11
        "display_name = 'Example Shop'",                                          // 12
        "country = 'IS'",                                                         // 13
        "domains = ['127.0.0.1', 'shop.example.is']",                             // 14
        "identity_certificate = 'identity.pem'",                                  // 15
        "identity_key = { file = 'identity.key' }",                               // 16
        "gateway = 'https://127.0.0.1:8083'",                                     // 17
        "root = 'root.pem'",                                                      // 18
        "processing = [",                                                         // 19
        " { certificate = 'ec.pem', key = { file = 'ec.key' } },",                // 20
        " { certificate = 'rsa.pem', key = { file = 'rsa.key' } }",               // 21
        "]",                                                                      // 22
        "domain_association_file = 'association'",                                // 23
        "application_data = 'if_given'",                                          // 24
        "amount_places = { ISK = 2 }",                                            // 25
        "[[merchant]]",                                                           // 26
        "name = 'cards'\nprovider = 'borgun'\nbase_url = 'https://127.0.0.1:1'",  // 27-29
        "apple_pay = 'shop'",                                                     // 30
        "settings = { accepts = 'token', public_key = 'p' }\nsecrets = { private_key = { file = 'master.key' "
        "} }",
        "[[caller]]\nname = 'demo'\nsystem = 'box-office'\nways = { '*' = ['cards'] }",
    };
    /// By its number in the comments above, of those from 5 on.
    File& line(std::size_t number, const std::string& text) {
        // Line 4 stands in the entry of line 3, and lines 28 and 29 in that of 27.
        lines.at(number - (number > 27 ? 4 : 2)) = text;
        return *this;
    }
    File& live() {
        lines.at(0) = "mode = 'live'";
        lines.at(1) = "public_url = 'https://pay.example.com'";
        line(14, "domains = ['pay.example.com', 'shop.example.is']");
        line(17, "");
        line(18, "");
        lines.at(25) = "name = 'cards'\nprovider = 'borgun'\nbase_url = 'https://gateway.example.com'";
        return *this;
    }
    [[nodiscard]] std::string text() const {
        std::string out;
        for (const auto& each : lines) out += each + "\n";
        return out;
    }
};

class AppleConfig : public testing::Test {
  protected:
    AppleConfig() {
        const auto& papers = world().papers;
        folder.write("master.key", std::string(64, '1'));
        paper("identity", papers.identity);
        paper("ec", papers.processing_ec);
        paper("rsa", papers.processing_rsa);
        paper("other_identity", world().others.identity);
        paper("other_ec", world().others.processing_ec);
        folder.write("root.pem", world().apple.root_pem());
        folder.write("association", "what Apple wants\n");
        folder.write("empty", "");
    }
    void paper(const std::string& name, const apple::Paper& paper) {
        folder.write(name + ".pem", paper.certificate_pem);
        folder.write(name + ".key", paper.key_pem.reveal());
    }
    ConfigReading read(const File& file) {
        return read_config_fully(folder.write("kassi.toml", file.text()));
    }
    void expect_refused(const File& file, int line, const std::string& reason) {
        const auto reading = read(file);
        EXPECT_FALSE(reading.config);
        ASSERT_EQ(reading.errors.size(), 1U)
            << file.text()
            << (reading.errors.empty()
                    ? ""
                    : reading.errors.front().message + "\n" + reading.errors.back().message);
        EXPECT_EQ(reading.errors[0].field, folder.path("kassi.toml") + ":" + std::to_string(line))
            << reading.errors[0].message;
        EXPECT_THAT(reading.errors[0].message, HasSubstr(reason));
    }
    TemporaryFolder folder;
};

TEST_F(AppleConfig, ReadsEverything) {
    const auto reading = read(File());
    ASSERT_TRUE(reading.config) << reading.errors[0].field << reading.errors[0].message;
    const auto& directory = reading.config->directory;
    ASSERT_EQ(directory.apple_pay_shops.size(), 1U);
    const auto& shop = directory.apple_pay_shops[0];
    EXPECT_EQ(directory.merchants[0].apple_pay, shop);
    EXPECT_EQ(shop->name, "shop");
    EXPECT_EQ(shop->display_name, "Example Shop");
    EXPECT_EQ(shop->country, "IS");
    EXPECT_EQ(shop->domains, (std::vector<std::string>{"127.0.0.1", "shop.example.is"}));
    EXPECT_EQ(shop->gateway_url, "https://127.0.0.1:8083");
    EXPECT_EQ(shop->identity_certificate_pem, world().papers.identity.certificate_pem);
    EXPECT_FALSE(shop->identity_key_pem.empty());
    EXPECT_EQ(shop->domain_association, "what Apple wants\n");
    EXPECT_EQ(shop->stand_in_script, "");
    EXPECT_FALSE(shop->wants_application_data);
    EXPECT_EQ(shop->verifier->merchant_identifier(), identifier);
    EXPECT_FALSE(shop->verifier->trusts_only_apple());
    // amount_places reaches the verifier: 2 500 kr. are 250000 on this shop's tokens.
    apple::Order order;
    order.processing_certificate_pem = world().papers.processing_ec.certificate_pem;
    order.number = "4242424242424242";
    order.amount = "250000";
    order.signed_at = world().now;
    const auto opened = shop->verifier->verify(world().apple.token(order), world().now);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->amount.minor, 2500);
}

TEST_F(AppleConfig, HasDefaults) {
    File file;
    file.line(17, "").line(24, "").line(25, "").line(23, "").line(30, "");
    const auto reading = read(file);
    ASSERT_TRUE(reading.config) << reading.errors[0].field << reading.errors[0].message;
    const auto& shop = *reading.config->directory.apple_pay_shops.at(0);
    EXPECT_EQ(shop.gateway_url, "https://apple-pay-gateway.apple.com");
    EXPECT_TRUE(shop.wants_application_data);
    EXPECT_EQ(shop.domain_association, "");
    EXPECT_EQ(reading.config->directory.merchants[0].apple_pay, nullptr);
}

TEST_F(AppleConfig, LiveModeTrustsAppleAlone) {
    const auto reading = read(File().live());
    ASSERT_TRUE(reading.config) << reading.errors[0].field << reading.errors[0].message;
    const auto& shop = *reading.config->directory.apple_pay_shops.at(0);
    EXPECT_TRUE(shop.verifier->trusts_only_apple());
    EXPECT_EQ(shop.gateway_url, "https://apple-pay-gateway.apple.com");
    expect_refused(File().live().line(18, "root = 'root.pem'"), 18, "is not Apple Root CA - G3");
    expect_refused(File().live().line(17, "gateway = 'https://127.0.0.1:8083'"), 17,
                   "must be exactly one of Apple's gateways");
    expect_refused(File().live().line(17, "gateway = 'https://apple-pay-gateway-cert.apple.com'"), 17,
                   "is Apple's sandbox");
    EXPECT_TRUE(read(File().live().line(
                         17, "test_gateway = true\ngateway = 'https://apple-pay-gateway-cert.apple.com'"))
                    .config);
    EXPECT_TRUE(read(File().live().line(17, "gateway = 'https://cn-apple-pay-gateway.apple.com'")).config);
    expect_refused(File().live().line(14, "domains = ['pay.example.com', 'localhost']"), 14,
                   "no name on the public");
    expect_refused(File().live().line(14, "domains = ['pay.example.com', '203.0.113.7']"), 14,
                   "no name on the public");
}

TEST_F(AppleConfig, GatewaysAreExact) {
    for (const std::string url :
         {"https://apple-pay-gateway.apple.com/", "https://apple-pay-gateway.apple.com:443",
          "http://127.0.0.1:8083", "https://127.0.0.1:8083/x", "https://10.0.0.1",
          "https://apple-pay-gateway-nc-pod1.apple.com", "https://evil.example", ""})
        expect_refused(File().line(17, "gateway = '" + url + "'"), 17, "apple_pay.gateway: must be exactly");
    EXPECT_TRUE(read(File().line(17, "gateway = 'https://apple-pay-gateway-cert.apple.com'")).config);
    EXPECT_TRUE(read(File().line(17, "gateway = 'https://localhost:1'")).config);
}

TEST_F(AppleConfig, EverythingIsLookedAt) {
    for (const auto& [number, key] :
         std::vector<std::pair<std::size_t, std::string>>{{11, "merchant_identifier"},
                                                          {12, "display_name"},
                                                          {13, "country"},
                                                          {14, "domains"},
                                                          {15, "identity_certificate"},
                                                          {16, "identity_key"}})
        expect_refused(File().line(number, ""), 9, "apple_pay." + key + " is missing");
    expect_refused(File().line(25, "amounts = {}"), 25, "unknown key \"apple_pay.amounts\"");
    expect_refused(File().line(12, "display_name = ''"), 12, "1 to 64 characters");
    expect_refused(File().line(12, "display_name = '" + std::string(65, 'a') + "'"), 12,
                   "1 to 64 characters");
    std::string sixty_four;
    for (int i = 0; i < 64; ++i) sixty_four += "ð";
    EXPECT_TRUE(read(File().line(12, "display_name = '" + sixty_four + "'")).config);
    expect_refused(File().line(13, "country = 'is'"), 13, "two upper-case letters");
    expect_refused(File().line(14, "domains = []"), 14, "must name 1 to 99");
    expect_refused(File().line(14, "domains = ['shop.example.is']"), 14,
                   "must begin with the host of public_url");
    for (const std::string domain :
         {"Shop.example", "https://shop.example", "shop.example:443", "shop.example/x", "a b"})
        expect_refused(File().line(14, "domains = ['127.0.0.1', '" + domain + "']"), 14,
                       "is not a host in lower case");
    expect_refused(File().line(14, "domains = ['127.0.0.1', '127.0.0.1']"), 14, "twice");
    expect_refused(File().line(24, "application_data = 'never'"), 24, "\"required\" or \"if_given\"");
    expect_refused(File().line(25, "amount_places = { ISK = 5 }"), 25, "from 0 to 4");
    expect_refused(File().line(25, "amount_places = { ABC = 2 }"), 25, "apple_pay.amount_places");
    expect_refused(File().line(30, "apple_pay = 'another'"), 30, "there is no [[apple_pay]] \"another\"");
    // The second one's other keys are missing, too.
    const auto twice = read(File().line(25, "[[apple_pay]]\nname = 'shop'"));
    ASSERT_FALSE(twice.errors.empty());
    EXPECT_TRUE(std::any_of(twice.errors.begin(), twice.errors.end(), [](const Error& error) {
        return error.message == "there is another apple_pay \"shop\"";
    }));
}

TEST_F(AppleConfig, CertificatesAreTheShops) {
    expect_refused(File().line(15, "identity_certificate = 'missing.pem'"), 15, "cannot be read");
    expect_refused(File().line(15, "identity_certificate = 'association'"), 15,
                   "no certificate that can be read");
    expect_refused(File()
                       .line(15, "identity_certificate = 'other_identity.pem'")
                       .line(16, "identity_key = { file = 'other_identity.key' }"),
                   15, "not a Merchant Identity Certificate of this merchant identifier");
    expect_refused(File().line(16, "identity_key = { file = 'ec.key' }"), 16,
                   "is not the key of the certificate");
    expect_refused(File().line(16, "identity_key = 'a key'"), 16, "a secret does not stand in this file");
    expect_refused(File().line(16, "identity_key = { env = 'KASSI_TEST_NOT_SET' }"), 16, "is not set");
    expect_refused(File().line(20, " { certificate = 'ec.pem', key = { file = 'rsa.key' } },"), 20,
                   "apple_pay.processing.0.key: does not belong");
    expect_refused(File().line(21, " { certificate = 'other_ec.pem', key = { file = 'other_ec.key' } }"), 21,
                   "apple_pay.processing.1.certificate: is not for payments of this merchant identifier");
    expect_refused(File().line(21, " { certificate = 'ec.pem', key = { file = 'ec.key' } }"), 21,
                   "is for the same key as another one");
    expect_refused(File().line(21, " { certificate = 'ec.pem' }"), 21, "apple_pay.processing.key is missing");
    expect_refused(File().line(21, " { certificate = 'ec.pem', key = { file = 'ec.key' }, x = 1 }"), 21,
                   "unknown key \"apple_pay.processing.x\"");
    expect_refused(File().line(23, "domain_association_file = 'empty'"), 23, "the file is empty");
    expect_refused(File().line(18, "root = 'association'"), 18, "is no certificate in PEM");
}

}  // namespace
}  // namespace kassi::service
