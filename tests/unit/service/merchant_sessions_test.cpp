#include "service/merchant_sessions.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "../log_lines.hpp"
#include "http/server.hpp"
#include "http/tls_certificates.hpp"
#include "providers/credentials/apple_pay_session.hpp"
#include "sandbox/simulators/apple_device.hpp"
#include "sandbox/simulators/apple_gateway.hpp"

/// Against the simulated gateway, over real TLS on both sides.
namespace kassi::service {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Shop = providers::apple_pay::Shop;
namespace apple = sandbox::apple;

constexpr const char* identifier = "merchant.example.sessions";

/// One Apple for all tests of this file: its RSA keys take a while.
struct World {
    Instant now = SystemClock().now();
    apple::AppleWorld apple = apple::AppleWorld::make(now);
    apple::Papers papers = apple.issue(identifier, now);
    apple::Papers others = apple.issue("merchant.example.other", now);
    apple::Papers expired = apple.issue(identifier, now - std::chrono::days(800));
    http::CertificateAuthority authority = http::make_certificate_authority("Sessions");
};
const World& world() {
    static const World made;
    return made;
}

struct Town {
    Town()
        : gateway(
              {{identifier, {"pay.example", "shop.example"}}, {"merchant.example.other", {"pay.example"}}},
              clock, randomness,
              [this](Millis, std::function<void()> later) { late.push_back(std::move(later)); }) {
        http::ServerOptions options;
        options.tls = http::make_certificate(world().authority, {"127.0.0.1"});
        options.client_authority_pem = world().apple.developer_authority_pem();
        server.emplace(io, std::move(options), [this](const HttpRequest& request, Reply reply) {
            requests.push_back(request);
            if (instead) return reply(*instead);
            auto dropped = std::make_shared<Reply>(std::move(reply));
            const bool resets = hangs_up;
            if (resets) return (*dropped)({.status = http::hang_up, .headers = {}, .body = {}});
            gateway.answer(request, request.header(http::client_certificate_header),
                           [dropped](HttpResponse response) { (*dropped)(std::move(response)); });
        });
    }
    std::shared_ptr<const Shop> shop(const apple::Papers& papers, const std::string& display_name = "Shop") {
        auto shop = std::make_shared<Shop>();
        shop->name = papers.merchant_identifier;
        shop->display_name = display_name;
        shop->domains = {"pay.example", "shop.example", "not.registered.example"};
        shop->gateway_url = "https://127.0.0.1:" + std::to_string(server->port());
        shop->identity_certificate_pem = papers.identity.certificate_pem;
        shop->identity_key_pem = papers.identity.key_pem;
        providers::apple_pay::Options options;
        options.merchant_identifier = identifier;
        options.root_pem = world().apple.root_pem();
        options.keys = {{world().papers.processing_ec.certificate_pem, world().papers.processing_ec.key_pem}};
        shop->verifier = *providers::apple_pay::Verifier::make(std::move(options));
        return shop;
    }
    api::MerchantSession open(const std::shared_ptr<const Shop>& of,
                              const std::string& domain = "pay.example",
                              const std::string& trusted = world().authority.certificate_pem) {
        HttpMerchantSessions sessions(io, {of}, {.trusted_certificates_pem = trusted, .loopback_only = true});
        std::optional<api::MerchantSession> got;
        sessions.open(of, domain, [&](api::MerchantSession session) {
            got = std::move(session);
            io.stop();
        });
        EXPECT_FALSE(got) << "from inside";
        io.restart();
        io.run();
        return got.value_or(api::MerchantSession{});
    }
    void rules(const json& all) {
        EXPECT_EQ(gateway.faults({"PUT", "/apple/_faults", {}, json{{"rules", all}}.dump(), ""}).status, 200);
    }

    boost::asio::io_context io{1};
    SystemClock clock;
    SystemRandomness randomness;
    std::vector<std::function<void()>> late;
    apple::Gateway gateway;
    std::optional<HttpResponse> instead;
    bool hangs_up = false;
    std::vector<HttpRequest> requests;
    std::optional<http::Server> server;
};

TEST(MerchantSessions, AreGivenToTheShopsCertificate) {
    Town town;
    const auto session = town.open(town.shop(world().papers), "shop.example");
    ASSERT_EQ(session.why, "");
    const auto said = json::parse(session.json);
    EXPECT_EQ(said["domainName"], "shop.example");
    EXPECT_EQ(said["displayName"], "Shop");
    EXPECT_TRUE(town.gateway.session(said["merchantSessionIdentifier"].get<std::string>()));
    ASSERT_EQ(town.requests.size(), 1U);
    EXPECT_EQ(town.requests[0].method, "POST");
    EXPECT_EQ(town.requests[0].target, "/paymentservices/paymentSession");
    EXPECT_EQ(json::parse(town.requests[0].body), (json{{"merchantIdentifier", identifier},
                                                        {"displayName", "Shop"},
                                                        {"initiative", "web"},
                                                        {"initiativeContext", "shop.example"}}));
}

TEST(MerchantSessions, ComeByteForByte) {
    Town town;
    town.instead = HttpResponse{200, {{"Content-Type", "text/plain"}}, "{ \"b\":1,\n\"a\" : 2 }\n"};
    EXPECT_EQ(town.open(town.shop(world().papers)).json, "{ \"b\":1,\n\"a\" : 2 }\n");
}

TEST(MerchantSessions, One417IsAskedAgainAndTwoAreNot) {
    Town town;
    town.rules(json::array({{{"do", "417"}}}));
    EXPECT_NE(town.open(town.shop(world().papers)).json, "");
    EXPECT_EQ(town.requests.size(), 2U);
    town.rules(json::array({{{"do", "417"}, {"times", 2}}}));
    const auto session = town.open(town.shop(world().papers));
    EXPECT_EQ(session.json, "");
    EXPECT_THAT(session.why, HasSubstr("417"));
    EXPECT_FALSE(session.busy);
    EXPECT_EQ(town.requests.size(), 4U);
}

TEST(MerchantSessions, OtherRefusalsAreNotAskedAgain) {
    Town town;
    town.rules(json::array({{{"do", "400"}}}));
    EXPECT_THAT(town.open(town.shop(world().papers)).why, HasSubstr("400"));
    EXPECT_EQ(town.requests.size(), 1U);
    town.hangs_up = true;
    EXPECT_THAT(town.open(town.shop(world().papers)).why, HasSubstr("before an answer"));
    EXPECT_EQ(town.requests.size(), 2U);
}

TEST(MerchantSessions, AreBounded) {
    Town town;
    town.instead = HttpResponse{
        200, {}, "{\"a\":\"" + std::string(providers::apple_pay::session_bytes_max, 'x') + "\"}"};
    EXPECT_THAT(town.open(town.shop(world().papers)).why, HasSubstr("larger than 65536 bytes"));
}

TEST(MerchantSessions, NotForADomainThatIsNotRegistered) {
    Town town;
    EXPECT_THAT(town.open(town.shop(world().papers), "not.registered.example").why, HasSubstr("417"));
}

TEST(MerchantSessions, NotForAnotherMerchantsCertificate) {
    Town town;
    EXPECT_THAT(town.open(town.shop(world().others)).why, HasSubstr("417"));
}

TEST(MerchantSessions, NotWithACertificateThatRanOut) {
    const LogLines log;
    Town town;
    const auto session = town.open(town.shop(world().expired));
    EXPECT_EQ(session.json, "");
    EXPECT_TRUE(town.requests.empty());
    EXPECT_EQ(log.last("merchant_session_failed").at("domain"), "pay.example");
}

TEST(MerchantSessions, NotFromAGatewayThatNobodyTrusts) {
    Town town;
    const auto other = http::make_certificate_authority("Somebody else").certificate_pem;
    EXPECT_THAT(town.open(town.shop(world().papers), "pay.example", other).why,
                HasSubstr("certificate was refused"));
    EXPECT_TRUE(town.requests.empty());
}

TEST(MerchantSessions, HaveARoomOfTheirOwn) {
    Town town;
    town.rules(json::array({{{"do", "delay"}, {"ms", 1}, {"times", 1000}}}));
    const auto shop = town.shop(world().papers);
    HttpMerchantSessions sessions(
        town.io, {shop},
        {.trusted_certificates_pem = world().authority.certificate_pem, .loopback_only = true});
    std::size_t given = 0, busy = 0;
    for (std::size_t i = 0; i <= api::merchant_sessions_at_once_max; ++i)
        sessions.open(shop, "pay.example",
                      [&](const api::MerchantSession& session) { ++(session.busy ? busy : given); });
    while (town.late.size() < api::merchant_sessions_at_once_max && town.io.run_one() > 0) {
    }
    EXPECT_EQ(busy, 1U);
    EXPECT_EQ(given, 0U);
    for (const auto& answer : town.late) answer();
    while (given < api::merchant_sessions_at_once_max && town.io.run_one() > 0) {
    }
    // There is room again.
    town.rules(json::array());
    bool again = false;
    sessions.open(shop, "pay.example", [&](const api::MerchantSession& session) {
        again = true;
        EXPECT_NE(session.json, "");
    });
    while (!again && town.io.run_one() > 0) {
    }
}

TEST(MerchantSessions, ACertificateThatCannotBeUsed) {
    Town town;
    auto broken = std::make_shared<Shop>(*town.shop(world().papers));
    broken->identity_key_pem = world().others.identity.key_pem;
    EXPECT_THROW(HttpMerchantSessions(town.io, {broken}, {}), std::runtime_error);
}

}  // namespace
}  // namespace kassi::service
