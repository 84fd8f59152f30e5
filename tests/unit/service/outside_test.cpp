#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server.hpp"
#include "service/http_outside.hpp"

namespace kassi::service {
namespace {

using testing::StartsWith;

class OutsideTest : public testing::Test {
  protected:
    http::Handler answer = [](HttpRequest, http::Reply reply) { reply(json_response(200, "{}")); };
    void serve() {
        server = std::make_unique<http::Server>(io, http::ServerOptions{},
                                                [this](HttpRequest request, http::Reply reply) {
                                                    requests.push_back(request);
                                                    answer(std::move(request), std::move(reply));
                                                });
        url = "http://127.0.0.1:" + std::to_string(server->port());
    }
    /// Runs until `finished`, or until a time that nothing here should take.
    void run_until(const bool& finished) {
        io.restart();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!finished && std::chrono::steady_clock::now() < end) io.run_one_for(std::chrono::seconds(1));
        ASSERT_TRUE(finished);
    }
    core::Heard call(HttpRequest request) { return call(outside, std::move(request)); }
    core::Heard call(HttpOutside& by, HttpRequest request) {
        bool finished = false;
        core::Heard heard;
        by.call(std::move(request), Millis(20'000), [&](core::Heard given) {
            heard = std::move(given);
            finished = true;
        });
        EXPECT_FALSE(finished) << "never from inside the call";
        run_until(finished);
        return heard;
    }
    std::string visit(const std::string& where, bool loopback_only) {
        bool finished = false;
        std::string outcome;
        outside.visit(where, loopback_only, [&](const std::string& given) {
            outcome = given;
            finished = true;
        });
        EXPECT_FALSE(finished);
        run_until(finished);
        return outcome;
    }

    boost::asio::io_context io{1};
    std::shared_ptr<SystemClock> clock = std::make_shared<SystemClock>();
    HttpOutside outside{io, clock, OutsideOptions{"", true, false}};
    std::unique_ptr<http::Server> server;
    std::vector<HttpRequest> requests;
    std::string url;
};

TEST_F(OutsideTest, AnAnswerIsAnswered) {
    serve();
    answer = [](HttpRequest, http::Reply reply) { reply(json_response(402, R"({"no":1})")); };
    const auto heard =
        call({"POST", url + "/sessions?a=b", {{"Content-Type", "application/json"}}, "{}", ""});
    const auto* answered = std::get_if<core::Answered>(&heard);
    ASSERT_NE(answered, nullptr);
    EXPECT_EQ(answered->response.status, 402);
    EXPECT_EQ(answered->response.body, R"({"no":1})");
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].target, "/sessions?a=b");
}

TEST_F(OutsideTest, ARefusedConnectionIsKnownNotSent) {
    serve();
    server.reset();
    const auto heard = call({"POST", url + "/", {}, "{}", ""});
    const auto* silence = std::get_if<core::Silence>(&heard);
    ASSERT_NE(silence, nullptr);
    EXPECT_FALSE(silence->sent);
    EXPECT_FALSE(silence->why.empty());
}

TEST_F(OutsideTest, AnAnswerThatNeverComesMayHaveBeenSent) {
    serve();
    std::vector<http::Reply> kept;
    answer = [&](HttpRequest, http::Reply reply) { kept.push_back(std::move(reply)); };
    bool finished = false;
    core::Heard heard;
    outside.call({"POST", url + "/", {}, "{}", ""}, Millis(300), [&](core::Heard given) {
        heard = std::move(given);
        finished = true;
    });
    run_until(finished);
    const auto* silence = std::get_if<core::Silence>(&heard);
    ASSERT_NE(silence, nullptr);
    EXPECT_TRUE(silence->sent);
}

TEST_F(OutsideTest, AVisitIsAGetWithoutDataAndFollowsNothing) {
    serve();
    answer = [](HttpRequest, http::Reply reply) {
        reply(redirect_response(302, "http://127.0.0.1:1/elsewhere"));
    };
    EXPECT_EQ(visit(url + "/callback/abc", true), "answered 302");
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, "GET");
    EXPECT_EQ(requests[0].target, "/callback/abc");
    EXPECT_EQ(requests[0].body, "");
    EXPECT_EQ(requests[0].header("Cookie"), "");
}

TEST_F(OutsideTest, AVisitToNobodySaysSo) {
    serve();
    server.reset();
    EXPECT_THAT(visit(url + "/", true), StartsWith("no answer: "));
}

TEST_F(OutsideTest, TheSandboxWithholdsEverythingButLoopback) {
    EXPECT_EQ(visit("https://fromtheboxoffice.com/callback/abc", true), "withheld");
    EXPECT_EQ(visit("http://192.0.2.1/callback/abc", true), "withheld");
    EXPECT_EQ(visit("http://localhost.example.com/", true), "withheld");
}

TEST_F(OutsideTest, LiveModeVisitsNoPrivateAddress) {
    serve();
    for (const std::string host : {"127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254"})
        EXPECT_EQ(visit("http://" + host + ":" + std::to_string(server->port()) + "/", false), "withheld");
    // A name that leads to one is looked up, and found out before anything is sent.
    EXPECT_THAT(visit("http://localhost:" + std::to_string(server->port()) + "/", false),
                StartsWith("no answer: "));
    EXPECT_TRUE(requests.empty());
}

TEST_F(OutsideTest, LiveModeCallsNoPrivateAddressUnlessItsMerchantSaysSo) {
    serve();
    const auto port = std::to_string(server->port());
    HttpOutside live(io, clock, OutsideOptions{.public_only = true});
    for (const std::string host : {"127.0.0.1", "localhost"}) {
        const auto heard = call(live, {"POST", "http://" + host + ":" + port + "/", {}, "{}", ""});
        const auto* silence = std::get_if<core::Silence>(&heard);
        ASSERT_NE(silence, nullptr) << host;
        EXPECT_FALSE(silence->sent) << "known not done";
    }
    EXPECT_TRUE(requests.empty());
    HttpOutside linked(io, clock,
                       OutsideOptions{.public_only = true, .private_origins = {"http://localhost:" + port}});
    const auto there = call(linked, {"POST", "http://localhost:" + port + "/sessions", {}, "{}", ""});
    EXPECT_NE(std::get_if<core::Answered>(&there), nullptr);
    const auto other = call(linked, {"POST", "http://127.0.0.1:" + port + "/", {}, "{}", ""});
    EXPECT_NE(std::get_if<core::Silence>(&other), nullptr) << "of that merchant only";
    EXPECT_EQ(requests.size(), 1U);
}

TEST_F(OutsideTest, ABrokenAddressIsNoAnswer) {
    EXPECT_THAT(visit("not a url", true), StartsWith("no answer: "));
}

TEST_F(OutsideTest, TheAlarmRingsWhenItIsTimeAndOnlyTheLastOne) {
    bool first = false;
    bool second = false;
    outside.wake_at(clock->now(), [&] { first = true; });
    outside.wake_at(clock->now(), [&] { second = true; });
    EXPECT_FALSE(second) << "never from inside the call";
    run_until(second);
    EXPECT_FALSE(first);
}

TEST_F(OutsideTest, AnAlarmCanBeTakenBack) {
    bool rung = false;
    bool later = false;
    outside.wake_at(clock->now(), [&] { rung = true; });
    outside.wake_at(std::nullopt, nullptr);
    outside.after(Millis(50), [&] { later = true; });
    run_until(later);
    EXPECT_FALSE(rung);
}

TEST_F(OutsideTest, TheAlarmFollowsAClockThatIsMoved) {
    bool rung = false;
    const auto at = clock->now() + std::chrono::hours(1);
    outside.wake_at(at, [&] { FAIL() << "an hour has not passed"; });
    clock->advance(std::chrono::hours(2));
    outside.wake_at(at, [&] { rung = true; });  // as the engine does when it is told
    run_until(rung);
}

TEST_F(OutsideTest, NothingExpiresWhileTheClocksDisagree) {
    HttpOutside careful(io, clock, OutsideOptions{"", true, true});
    EXPECT_TRUE(careful.clock_trusted());
    clock->never_before(clock->now() +
                        std::chrono::seconds(30));  // as far behind as the machine's clock may be
    EXPECT_FALSE(careful.clock_trusted());
    bool rung = false;
    bool later = false;
    careful.wake_at(clock->now(), [&] { rung = true; });
    outside.after(Millis(1500), [&] { later = true; });
    run_until(later);
    EXPECT_FALSE(rung);
}

TEST_F(OutsideTest, ATimerIsOverWithWhatIsKeptOfIt) {
    const auto given = std::make_shared<int>(0);
    bool rung = false;
    auto kept = outside.timer(Millis(1), [&] { rung = true; });
    auto dropped = outside.timer(Millis(1), [given] { FAIL() << "nobody keeps it"; });
    dropped.reset();
    EXPECT_EQ(given.use_count(), 1) << "what it held goes at once, and not when it would have rung";
    run_until(rung);
    // One that ends what keeps it.
    bool later = false;
    auto own = std::make_shared<std::shared_ptr<void>>();
    *own = outside.timer(Millis(1), [own, &later] {
        own->reset();
        later = true;
    });
    run_until(later);
}

TEST_F(OutsideTest, NothingComesAfterTheStop) {
    serve();
    std::vector<http::Reply> kept;
    answer = [&](HttpRequest, http::Reply reply) { kept.push_back(std::move(reply)); };
    {
        HttpOutside other(io, clock, OutsideOptions{"", true, false});
        other.call({"GET", url + "/", {}, "", ""}, Millis(200), [](core::Heard) { FAIL(); });
        other.visit(url + "/", true, [](const std::string&) { FAIL(); });
        other.after(Millis(1), [] { FAIL(); });
        const auto timer = other.timer(Millis(1), [] { FAIL(); });
        other.wake_at(clock->now(), [] { FAIL(); });
    }
    bool later = false;
    outside.after(Millis(400), [&] { later = true; });
    run_until(later);
}

}  // namespace
}  // namespace kassi::service
