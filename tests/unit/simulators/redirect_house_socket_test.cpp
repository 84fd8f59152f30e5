#include <gmock/gmock.h>

#include <boost/asio/steady_timer.hpp>

#include "house.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;

/// The house on a real socket, notices over a real client.
struct OnASocket : testing::Test {
    boost::asio::io_context io;
    TestClock clock;
    TestRandomness randomness;
    http::Client client{io, {.trusted_certificates_pem = "", .loopback_only = true}};
    std::vector<HttpRequest> notices;
    http::Server shop{io, {}, [this](HttpRequest request, Reply reply) {
                          notices.push_back(std::move(request));
                          reply(json_response(200, "{}"));
                      }};
    RedirectHouse house{options(), clock, randomness,
                        [this](HttpRequest request, std::function<void(int)> done) {
                            client.send(std::move(request), std::chrono::seconds(10),
                                        [done](http::Outcome outcome) {
                                            const auto* response = std::get_if<HttpResponse>(&outcome);
                                            done(response == nullptr ? 0 : response->status);
                                        });
                        },
                        [this](Millis delay, std::function<void()> what) {
                            auto timer = std::make_shared<boost::asio::steady_timer>(io, delay);
                            timer->async_wait([timer, what = std::move(what)](const auto& cancelled) {
                                if (!cancelled) what();
                            });
                        }};
    http::Server server{io, {}, house.handler()};

    http::Outcome send(HttpRequest request, Millis deadline = Millis{10'000}) {
        std::optional<http::Outcome> outcome;
        request.target = "http://127.0.0.1:" + std::to_string(server.port()) + request.target;
        client.send(std::move(request), deadline, [&](http::Outcome heard) { outcome = std::move(heard); });
        while (!outcome) io.run_one();
        return *outcome;
    }
    std::string body() const {
        std::string text = House::session_body();
        const std::string from = "http://127.0.0.1:8080";
        return text.replace(text.find(from), from.size(), "http://127.0.0.1:" + std::to_string(shop.port()));
    }
};

TEST_F(OnASocket, OpensTakesAndTells) {
    const auto opened = std::get<HttpResponse>(send(House::request("POST", "/sessions", body(), "k1")));
    ASSERT_EQ(opened.status, 201) << opened.body;
    const auto id = json_of(opened)["id"].get<std::string>();
    const auto paid = std::get<HttpResponse>(send({"POST",
                                                   "/tickets/dummy_redirect.buy/act",
                                                   {{"Content-Type", "application/x-www-form-urlencoded"}},
                                                   encoding::form({{"session", id}, {"act", "pay_get"}}),
                                                   ""}));
    EXPECT_EQ(paid.status, 303);
    while (notices.empty()) io.run_one();
    EXPECT_EQ(notices[0].path(), "/webhooks/redirect/demo-redirect");
    const auto ledger = std::get<HttpResponse>(send({"GET", "/_ledger", {}, "", ""}));
    EXPECT_EQ(json_of(ledger)["totals"]["GBP"]["taken"], 11'000);
}

/// A dropped answer is never an answer that could be believed: an error at once, or silence for `ms`.
TEST_F(OnASocket, StaysSilent) {
    send({"PUT",
          "/_faults",
          {},
          R"({"rules":[{"on":"session","do":"drop_answer"},{"on":"session","do":"dead","ms":60000}]})",
          ""});
    const auto dropped = send(House::request("POST", "/sessions", body(), "k1"));
    const auto* answer = std::get_if<HttpResponse>(&dropped);
    EXPECT_TRUE(answer == nullptr || answer->status == 500);
    // Long enough for a busy machine to connect and send: only the answer must not come in time.
    const auto silent = send(House::request("POST", "/sessions", body(), "k1"), Millis{2'000});
    ASSERT_TRUE(std::holds_alternative<http::NoAnswer>(silent));
    EXPECT_TRUE(std::get<http::NoAnswer>(silent).sent);
    EXPECT_EQ(std::get<HttpResponse>(send(House::request("POST", "/sessions", body(), "k1"))).status, 201);
}

}  // namespace
}  // namespace kassi::sandbox
