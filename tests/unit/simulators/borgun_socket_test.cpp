#include <gmock/gmock.h>

#include <boost/asio/steady_timer.hpp>

#include "borgun_fixture.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;

/// The house on a real socket, notices over a real client.
struct BorgunOnASocket : testing::Test {
    boost::asio::io_context io;
    TestClock clock;
    TestRandomness randomness;
    http::Client client{io, {.trusted_certificates_pem = "", .loopback_only = true}};
    std::vector<HttpRequest> notices;
    http::Server shop{io, {}, [this](HttpRequest request, Reply reply) {
                          notices.push_back(std::move(request));
                          reply(json_response(200, "{}"));
                      }};
    BorgunHouse house{options_with_shop(), clock, randomness,
                      [this](HttpRequest request, BorgunHouse::NoticeAnswer done) {
                          client.send(std::move(request), std::chrono::seconds(10),
                                      [done](http::Outcome outcome) {
                                          const auto* response = std::get_if<HttpResponse>(&outcome);
                                          done(response == nullptr ? 0 : response->status,
                                               response == nullptr ? std::string() : response->body);
                                      });
                      },
                      [this](Millis delay, std::function<void()> what) {
                          auto timer = std::make_shared<boost::asio::steady_timer>(io, delay);
                          timer->async_wait([timer, what = std::move(what)](const auto& cancelled) {
                              if (!cancelled) what();
                          });
                      }};
    http::Server server{io, {}, house.handler()};

    BorgunHouse::Options options_with_shop() const {
        auto with = borgun_options();
        with.merchants[0].webhook_url =
            "http://127.0.0.1:" + std::to_string(shop.port()) + "/webhooks/borgun";
        return with;
    }
    http::Outcome send(HttpRequest request, Millis deadline = Millis{10'000}) {
        std::optional<http::Outcome> outcome;
        request.target = "http://127.0.0.1:" + std::to_string(server.port()) + request.target;
        client.send(std::move(request), deadline, [&](http::Outcome heard) { outcome = std::move(heard); });
        while (!outcome) io.run_one();
        return *outcome;
    }
    HttpResponse answer(HttpRequest request) { return std::get<HttpResponse>(send(std::move(request))); }
};

TEST_F(BorgunOnASocket, MakesATokenAuthenticatesChargesAndTells) {
    const json card{{"PAN", good_card}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"TokenLifetime", 600}};
    const auto token = answer(Borgun::request("POST", "token/single", card.dump()));
    ASSERT_EQ(token.status, 201) << token.body;
    const std::string id = json_of(token)["Token"];
    const auto enrolled =
        answer(Borgun::request("POST", "mpi/v2/enrollment", Borgun::enrollment(Borgun::token(id)).dump()));
    const auto page = answer({"POST",
                              "/borgun/acs/challenge",
                              {{"Content-Type", "application/x-www-form-urlencoded"}},
                              encoding::form(Borgun::acs_fields(json_of(enrolled))),
                              ""});
    const auto back = answer({"POST",
                              "/borgun/acs/act",
                              {{"Content-Type", "application/x-www-form-urlencoded"}},
                              encoding::form({{"authentication", Borgun::hidden(page.body, "authentication")},
                                              {"carried", Borgun::hidden(page.body, "carried")},
                                              {"act", "authenticate"}}),
                              ""});
    const json cres{{"CRes", Borgun::hidden(back.body, "cres")}};
    const auto validated = answer(Borgun::request("POST", "mpi/v2/validation", cres.dump()));
    ASSERT_EQ(json_of(validated)["MdStatus"], "1") << validated.body;
    json payment = Borgun::payment(Borgun::token(id));
    payment["ThreeDSecure"] = {{"DataType", "Token"}, {"MpiToken", json_of(enrolled)["MPIToken"]}};
    const auto paid = answer(Borgun::request("POST", "payment", payment.dump()));
    ASSERT_EQ(paid.status, 201) << paid.body;
    const auto disabled = answer(Borgun::request("PUT", "token/single/" + id + "/disable"));
    EXPECT_EQ(disabled.status, 204) << "no body, and the connection lives on";
    while (notices.empty()) io.run_one();
    EXPECT_EQ((*parse_json(notices[0].body))["Data"], json_of(paid));
    const auto ledger = answer({"GET", "/borgun/_ledger", {}, "", ""});
    EXPECT_EQ(json_of(ledger)["totals"]["ISK"]["held"], 499'000);
}

/// A dropped answer is never an answer that could be believed: an error at once, or silence for `ms`.
TEST_F(BorgunOnASocket, StaysSilent) {
    answer({"PUT",
            "/borgun/_faults",
            {},
            R"({"rules":[{"on":"payment","do":"drop_answer"},{"on":"payment","do":"dead","ms":60000}]})",
            ""});
    const auto request = Borgun::request("POST", "payment", Borgun::payment().dump());
    const auto dropped = send(request);
    const auto* heard_back = std::get_if<HttpResponse>(&dropped);
    EXPECT_TRUE(heard_back == nullptr || heard_back->status == 500);
    EXPECT_EQ(house.ledger().size(), 1U);
    // Long enough for a busy machine to connect and send: only the answer must not come in time.
    const auto silent = send(request, Millis{2'000});
    ASSERT_TRUE(std::holds_alternative<http::NoAnswer>(silent));
    EXPECT_TRUE(std::get<http::NoAnswer>(silent).sent);
    EXPECT_EQ(house.ledger().size(), 1U);
    EXPECT_EQ(answer(request).status, 201);
}

}  // namespace
}  // namespace kassi::sandbox
