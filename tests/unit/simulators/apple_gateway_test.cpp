#include "sandbox/simulators/apple_gateway.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "sandbox/simulators/apple_wallet.hpp"

/// What the gateway gives and refuses, and what the device encrypts; without sockets.
namespace kassi::sandbox::apple {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* identifier = "merchant.example.gateway";

class StandingClock final : public Clock {
  public:
    [[nodiscard]] Instant now() const override { return at; }
    Instant at{Millis{1'795'000'000'000}};
};

struct World {
    AppleWorld apple = AppleWorld::make(StandingClock().at);
    Papers papers = apple.issue(identifier, StandingClock().at);
    Papers others = apple.issue("merchant.example.other", StandingClock().at);
};
const World& world() {
    static const World made;
    return made;
}

std::string der_of(std::string pem) {
    pem = pem.substr(pem.find('\n'));
    pem = pem.substr(0, pem.find("-----"));
    std::erase(pem, '\n');
    return pem;
}

struct Town {
    std::optional<HttpResponse> send(const HttpRequest& request, const std::string& certificate) {
        std::optional<HttpResponse> answer;
        gateway.answer(request, certificate,
                       [&answer](HttpResponse response) { answer = std::move(response); });
        return answer;
    }
    HttpResponse ask(const json& body, const std::string& path = "/paymentservices/paymentSession",
                     const std::string& certificate = der_of(world().papers.identity.certificate_pem)) {
        const auto answer = send({"POST", path, {}, body.dump(), ""}, certificate);
        EXPECT_TRUE(answer);
        return answer.value_or(HttpResponse{});
    }
    json session() { return json::parse(ask(good()).body); }
    static json good(const json& more = json::object()) {
        json body{{"merchantIdentifier", identifier},
                  {"displayName", "Example"},
                  {"initiative", "web"},
                  {"initiativeContext", "pay.example"}};
        body.update(more);
        return body;
    }
    HttpResponse rules(const std::string& text) {
        return gateway.faults({"PUT", "/apple/_faults", {}, text, ""});
    }
    HttpResponse token(const json& more) {
        json body{{"session", ""},
                  {"card", "visa"},
                  {"domain", "pay.example"},
                  {"request",
                   {{"currencyCode", "ISK"},
                    {"total", {{"label", "x"}, {"amount", "2500"}}},
                    {"applicationData", "b25l"}}}};
        body.update(more);
        return wallet.answer({"POST", "/apple/device/token", {}, body.dump(), ""});
    }

    StandingClock clock;
    SystemRandomness randomness;
    std::vector<std::pair<Millis, std::function<void()>>> later;
    Gateway gateway{{{identifier, {"pay.example", "shop.example"}}},
                    clock,
                    randomness,
                    [this](Millis delay, std::function<void()> callback) {
                        later.emplace_back(delay, std::move(callback));
                    }};
    Wallet wallet{{"https://127.0.0.1:8083", {{identifier, world().papers.processing_ec.certificate_pem}}},
                  world().apple,
                  gateway,
                  clock};
};

std::string code_of(const HttpResponse& response) {
    return json::parse(response.body).value("statusCode", "");
}

TEST(AppleGateway, GivesASession) {
    Town town;
    const auto said = town.session();
    EXPECT_EQ(said["epochTimestamp"], town.clock.at.time_since_epoch().count());
    EXPECT_EQ(said["expiresAt"].get<std::int64_t>() - said["epochTimestamp"].get<std::int64_t>(), 3'600'000);
    EXPECT_EQ(said["domainName"], "pay.example");
    EXPECT_EQ(said["displayName"], "Example");
    EXPECT_THAT(said["merchantSessionIdentifier"].get<std::string>(),
                testing::MatchesRegex("SSH[0-9A-F]+_[0-9A-F]+"));
    auto hash = encoding::hex(crypto::to_bytes(crypto::sha256(identifier)));
    for (char& c : hash) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(said["merchantIdentifier"], hash);
    EXPECT_NE(said["merchantSessionIdentifier"], town.session()["merchantSessionIdentifier"]);
    // The hash in the place of the identifier, and the older path with its own word for the domain.
    EXPECT_EQ(town.ask(Town::good({{"merchantIdentifier", hash}})).status, 200);
    EXPECT_EQ(
        town.ask({{"merchantIdentifier", identifier}, {"displayName", "E"}, {"domainName", "shop.example"}},
                 "/paymentservices/startSession")
            .status,
        200);
}

TEST(AppleGateway, RefusesWhatIsNotWellFormed) {
    Town town;
    std::string name;
    for (int i = 0; i < 64; ++i) name += "ð";
    EXPECT_EQ(town.ask(Town::good({{"displayName", name}})).status, 200);
    for (const auto& bad : {Town::good({{"displayName", name + "x"}}), Town::good({{"displayName", ""}}),
                            Town::good({{"displayName", 7}}), Town::good({{"merchantIdentifier", ""}}),
                            Town::good({{"initiative", "app"}}), Town::good({{"initiative", nullptr}}),
                            Town::good({{"initiativeContext", ""}}), json::array()}) {
        const auto response = town.ask(bad);
        EXPECT_EQ(response.status, 400) << bad;
        EXPECT_EQ(code_of(response), "400") << bad;
    }
    const auto certificate = der_of(world().papers.identity.certificate_pem);
    EXPECT_EQ(town.send({"GET", "/paymentservices/paymentSession", {}, "", ""}, certificate)->status, 405);
    EXPECT_EQ(town.send({"POST", "/paymentservices/other", {}, "{}", ""}, certificate)->status, 404);
}

TEST(AppleGateway, RefusesWhoMayNot) {
    Town town;
    EXPECT_EQ(code_of(town.ask(Town::good({{"initiativeContext", "evil.example"}}))), "417");
    EXPECT_EQ(code_of(town.ask(Town::good({{"merchantIdentifier", "merchant.example.other"}}))), "417");
    const auto path = "/paymentservices/paymentSession";
    for (const auto& certificate : {der_of(world().others.identity.certificate_pem),
                                    std::string("no certificate"), std::string(), std::string("AAAA")})
        EXPECT_EQ(code_of(town.ask(Town::good(), path, certificate)), "417") << certificate;
}

TEST(AppleGateway, Misbehaves) {
    Town town;
    EXPECT_EQ(
        town.rules(R"({"rules":[{"do":"417","times":2},{"do":"400"},{"do":"delay","ms":7},{"do":"reset"}]})")
            .status,
        200);
    EXPECT_EQ(town.ask(Town::good()).status, 417);
    EXPECT_EQ(town.ask(Town::good()).status, 417);
    EXPECT_EQ(town.ask(Town::good()).status, 400);
    const HttpRequest request{"POST", "/paymentservices/paymentSession", {}, Town::good().dump(), ""};
    std::optional<HttpResponse> late;
    town.gateway.answer(request, der_of(world().papers.identity.certificate_pem),
                        [&late](HttpResponse response) { late = std::move(response); });
    EXPECT_FALSE(late);
    ASSERT_EQ(town.later.size(), 1U);
    EXPECT_EQ(town.later[0].first, Millis{7});
    town.later[0].second();
    EXPECT_EQ(late->status, 200);
    EXPECT_FALSE(town.send(request, ""));
    EXPECT_EQ(town.ask(Town::good()).status, 200);
    for (const std::string bad :
         {"{}", "[]", R"({"rules":1})", R"({"rules":[1]})", R"({"rules":[{"do":"x"}]})",
          R"({"rules":[{"do":"417","times":0}]})", R"({"rules":[{"do":"417","ms":-1}]})",
          R"({"rules":[{"do":"delay","ms":600001}]})"})
        EXPECT_EQ(town.rules(bad).status, 400) << bad;
    EXPECT_EQ(town.rules(R"({"rules":[{"do":"delay","ms":600000,"times":1000000}]})").status, 200);
    EXPECT_EQ(json::parse(town.gateway.faults({"DELETE", "/apple/_faults", {}, "", ""}).body)["rules"],
              json::array());
    EXPECT_EQ(town.gateway.faults({"POST", "/apple/_faults", {}, "", ""}).status, 405);
}

TEST(AppleGateway, ForgetsTheOldest) {
    Town town;
    const auto first = town.session()["merchantSessionIdentifier"].get<std::string>();
    for (std::size_t i = 1; i < sessions_remembered_max; ++i) town.session();
    EXPECT_NE(town.gateway.session(first), nullptr);
    town.session();
    EXPECT_EQ(town.gateway.session(first), nullptr);
}

TEST(AppleWallet, EncryptsWhatTheSheetShowed) {
    Town town;
    const auto answer = town.token({{"session", town.session()["merchantSessionIdentifier"]}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "*");
    providers::apple_pay::Options options;
    options.merchant_identifier = identifier;
    options.root_pem = world().apple.root_pem();
    options.keys = {{world().papers.processing_ec.certificate_pem, world().papers.processing_ec.key_pem}};
    const auto opened =
        (*providers::apple_pay::Verifier::make(std::move(options)))->verify(answer.body, town.clock.at);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->amount, (Money{2500, *Currency::parse("ISK", "")}));
    EXPECT_EQ(opened->card.number.reveal(), "4242424242424242");
    EXPECT_EQ(opened->application_data_hash, providers::apple_pay::application_data_hash("one"));
}

TEST(AppleWallet, RefusesWithoutAGoodSession) {
    Town town;
    const auto session = town.session()["merchantSessionIdentifier"].get<std::string>();
    EXPECT_EQ(town.token({{"session", "SSH1"}}).status, 400);
    EXPECT_EQ(town.token({{"session", session}, {"domain", "shop.example"}}).status, 400);
    EXPECT_EQ(town.token({{"session", session}, {"card", "amex"}}).status, 400);
    EXPECT_EQ(town.token({{"session", session}, {"request", json::object()}}).status, 400);
    const json request{{"currencyCode", "ISK"}, {"total", {{"amount", "25.00x"}}}};
    EXPECT_EQ(town.token({{"session", session}, {"request", request}}).status, 400);
    EXPECT_EQ(town.token({{"session", session}}).status, 200);
    town.clock.at += session_lasts;
    EXPECT_EQ(town.token({{"session", session}}).status, 400);
}

TEST(AppleWallet, ServesTheStandIn) {
    Town town;
    const auto script = town.wallet.answer({"GET", "/apple/stand-in.js", {}, "", ""});
    EXPECT_EQ(script.status, 200);
    EXPECT_THAT(script.body, HasSubstr("const gateway = 'https://127.0.0.1:8083'"));
    EXPECT_EQ(script.body.find("@gateway@"), std::string::npos);
    EXPECT_EQ(town.wallet.answer({"GET", "/apple/other", {}, "", ""}).status, 404);
    EXPECT_EQ(town.wallet.answer({"OPTIONS", "/apple/device/token", {}, "", ""})
                  .header("Access-Control-Allow-Headers"),
              "Content-Type");
}

}  // namespace
}  // namespace kassi::sandbox::apple
