#include "sandbox/street.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/clock_door.hpp"
#include "sandbox/data_folder.hpp"
#include "sandbox/sandbox.hpp"

namespace kassi::sandbox {
namespace {

using namespace std::chrono_literals;

class OwnClock final : public Clock {
  public:
    [[nodiscard]] Instant now() const override { return at; }
    Instant at{};
};

TEST(ClockTimers, GoOffWhenTheClockIsMoved) {
    OwnClock clock;
    ClockTimers timers(clock);
    std::string order;
    timers.after(10s, [&] { order += "b"; });
    timers.after(5s, [&] { order += "a"; });
    timers.after(10s, [&] { order += "c"; });
    clock.at += 4999ms;
    timers.tick();
    EXPECT_EQ(order, "");
    clock.at += 1ms;
    timers.tick();
    EXPECT_EQ(order, "a");
    clock.at += 1h;
    timers.tick();
    EXPECT_EQ(order, "abc");
    EXPECT_TRUE(timers.empty());
}

TEST(ClockTimers, ACallbackMayWaitAgain) {
    OwnClock clock;
    ClockTimers timers(clock);
    int count = 0;
    std::function<void()> again = [&] {
        if (++count < 3) timers.after(1s, again);
    };
    timers.after(1s, again);
    timers.tick();
    EXPECT_EQ(count, 0);
    for (int i = 0; i < 3; ++i) {
        clock.at += 1s;
        timers.tick();
        EXPECT_EQ(count, i + 1);
    }
}

TEST(ClockTimers, AsManyWaitAsMayAndOneMoreDoesNotHappen) {
    OwnClock clock;
    ClockTimers timers(clock);
    std::size_t happened = 0;
    for (std::size_t i = 0; i < simulator_waits_max; ++i) timers.after(1s, [&] { ++happened; });
    std::vector<int> statuses;
    hanging_up([&](const HttpRequest&, const Reply& reply) {
        timers.after(1s, [reply] { reply(json_response(200, "{}")); });
    })({}, [&](const HttpResponse& response) { statuses.push_back(response.status); });
    EXPECT_EQ(statuses, std::vector<int>{http::hang_up});
    clock.at += 1s;
    timers.tick();
    EXPECT_EQ(happened, simulator_waits_max);
    timers.after(1s, [&] { ++happened; });
    EXPECT_FALSE(timers.empty()) << "there is room again";
}

TEST(HangingUp, AnAnswerGoesThrough) {
    std::vector<int> statuses;
    hanging_up([](const HttpRequest&, const Reply& reply) { reply(json_response(201, "{}")); })(
        {}, [&](const HttpResponse& response) { statuses.push_back(response.status); });
    EXPECT_EQ(statuses, std::vector<int>{201});
}

TEST(HangingUp, AReplyThatIsDroppedHangsUp) {
    std::vector<int> statuses;
    const Reply listen = [&](const HttpResponse& response) { statuses.push_back(response.status); };
    hanging_up([](const HttpRequest&, const Reply&) {})({}, listen);
    EXPECT_EQ(statuses, std::vector<int>{http::hang_up});

    // Kept for later, and dropped then.
    statuses.clear();
    std::optional<Reply> kept;
    hanging_up([&](const HttpRequest&, const Reply& reply) { kept = reply; })({}, listen);
    EXPECT_TRUE(statuses.empty());
    kept.reset();
    EXPECT_EQ(statuses, std::vector<int>{http::hang_up});
}

const Secret<> key(std::string(32, 'k'));

/// The redirect house's file is `file`, Stripe's lies beside it.
Street::Houses houses_of(const std::string& origin, const std::filesystem::path& file) {
    return {.redirect = demo_houses(key, origin),
            .redirect_file = file,
            .stripe = demo_stripe_accounts(key, origin, "http://127.0.0.1:1"),
            .stripe_file = file.string() + "-stripe",
            .borgun = demo_borgun_merchants(key, origin, "http://127.0.0.1:1"),
            .borgun_file = file.string() + "-borgun"};
}

TEST(Street, OpensOnAnyPortAndTellsItsLedger) {
    const auto clock = std::make_shared<SystemClock>();
    Street first(0, clock);
    const auto port = parse_url(first.origin(), "origin")->port;
    // The wanted port is taken: any other will do.
    Street second(port, clock);
    EXPECT_NE(second.origin(), first.origin());
    const DataFolder folder("");
    second.open(houses_of(second.origin(), folder.path() / "house"));
    std::promise<std::size_t> told;
    second.movements({"nobody-1"}, [&](const auto& entries) { told.set_value(entries.size()); });
    EXPECT_EQ(told.get_future().get(), 0U);
}

/// A street that somebody talks to over a socket.
struct Visited {
    boost::asio::io_context io;
    http::Client client{io, {.trusted_certificates_pem = "", .loopback_only = true}};
    std::shared_ptr<SystemClock> clock = std::make_shared<SystemClock>();
    Street street{0, clock};
    RedirectHouse::Options houses = demo_houses(key, street.origin());

    explicit Visited(const std::filesystem::path& file) { street.open(houses_of(street.origin(), file)); }

    HttpResponse send(HttpRequest request) {
        request.target = street.origin() + request.target;
        std::optional<http::Outcome> outcome;
        client.send(std::move(request), 10s, [&](http::Outcome heard) { outcome = std::move(heard); });
        while (!outcome) io.run_one();
        return std::get<HttpResponse>(*outcome);
    }
    nlohmann::json api(std::string method, std::string path, std::string body = "") {
        return *parse_json(
            send({std::move(method),
                  "/redirect/v1" + path,
                  {{"Authorization", "Bearer " + houses.merchants.at(0).api_key}, {"Idempotency-Key", path}},
                  std::move(body),
                  ""})
                .body);
    }
    HttpResponse page() {
        return send({"GET",
                     "/tickets/dummy_redirect.buy/" + houses.merchants.at(0).user +
                         "?return_url=http%3A%2F%2F127.0.0.1%3A1%2Fback%2FT1%2F&title=t",
                     {},
                     "",
                     ""});
    }
    HttpResponse pay(const std::string& session) {
        return send({"POST",
                     "/tickets/dummy_redirect.buy/act",
                     {{"Content-Type", "application/x-www-form-urlencoded"}},
                     encoding::form({{"session", session}, {"act", "pay_get"}}),
                     ""});
    }
};

TEST(Street, ItsHousesRememberOverARestart) {
    const DataFolder folder("");
    const auto file = folder.path() / "house";
    std::string session;
    {
        Visited before(file);
        const auto opened = before.api(
            "POST", "/sessions",
            R"({"reference":"T1-1","amount":700,"currency":"GBP","title":"t","callout_type":"get",)"
            R"("return_url":"http://127.0.0.1:1/back/T1/","expires_at":")" +
                iso8601(before.clock->now() + 1h) + R"("})");
        session = opened["id"].get<std::string>();
        EXPECT_EQ(before.page().status, 200);
    }
    std::ofstream(file, std::ios::app) << R"({"sessions":[{"id":"rs_cut)";
    {
        Visited after(file);
        EXPECT_EQ(after.page().status, 200) << "the customer is still there";
        EXPECT_EQ(after.pay(session).status, 303);
    }
    Visited last(file);
    EXPECT_EQ(last.api("GET", "/sessions?reference=T1-1")["sessions"][0]["status"], "paid");
    EXPECT_EQ(
        last.api("POST", "/sessions/" + session + "/refunds", R"({"amount":700,"reference":"r"})")["status"],
        "refunded");
    std::promise<std::vector<Movement>> told;
    last.street.movements({"T1-1"}, [&](auto entries) { told.set_value(std::move(entries)); });
    const auto entries = told.get_future().get();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[0].kind + " " + entries[1].kind, "taken given_back");
}

TEST(Street, StripeLivesThereTooAndRemembersOverARestart) {
    const DataFolder folder("");
    const auto file = folder.path() / "house";
    const auto stripe = [](Visited& visited, std::string method, std::string path, std::string body = "") {
        return *parse_json(visited
                               .send({std::move(method),
                                      std::move(path),
                                      {{"Authorization", "Bearer " + stripe_secret_key(key)},
                                       {"Content-Type", "application/x-www-form-urlencoded"}},
                                      std::move(body),
                                      ""})
                               .body);
    };
    std::string intent;
    {
        Visited before(file);
        const auto paid = stripe(before, "POST", "/v1/payment_intents",
                                 "amount=700&currency=gbp&confirm=true&payment_method_types[]=card&"
                                 "payment_method=pm_card_visa&metadata[kassi_reference]=T1-1");
        EXPECT_EQ(paid["status"], "succeeded") << paid.dump();
        intent = paid["id"].get<std::string>();
        EXPECT_EQ(before.api("GET", "/sessions?reference=T1-1")["sessions"].size(), 0U);
    }
    Visited after(file);
    EXPECT_EQ(stripe(after, "GET", "/v1/payment_intents/" + intent)["amount_received"], 700);
    std::promise<std::vector<Movement>> told;
    after.street.movements({"T1-1"}, [&](auto entries) { told.set_value(std::move(entries)); });
    const auto entries = told.get_future().get();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].kind, "taken");
    EXPECT_EQ(entries[0].payment, intent);
    EXPECT_EQ(entries[0].amount.minor, 700);
}

TEST(Street, TheFileIsMadeSmallAtAStartAndSaysTheSame) {
    const DataFolder folder("");
    const auto file = folder.path() / "house";
    nlohmann::json session;
    std::string ledger, refunded;
    const std::string refund = R"({"amount":1,"reference":"r0"})";
    const auto refunds = [&] { return "/sessions/" + session["id"].get<std::string>() + "/refunds"; };
    const auto shown = [](Visited& visited) {
        auto found = visited.api("GET", "/sessions?reference=T1-1")["sessions"][0];
        found["callout"].erase("url");  // on another port at each start
        return found;
    };
    const auto ledger_of = [](Visited& visited) {
        return visited.send({"GET", "/_ledger", {}, "", ""}).body;
    };
    {
        Visited before(file);
        const auto opening =
            R"({"reference":"T1-1","amount":700,"currency":"GBP","title":"t","callout_type":"get",)"
            R"("return_url":"http://127.0.0.1:1/back/T1/","expires_at":")" +
            iso8601(before.clock->now() + 1h) + R"("})";
        session = before.api("POST", "/sessions", opening);
        before.pay(session["id"].get<std::string>());
        refunded = before.api("POST", refunds(), refund).dump();
        session = shown(before);
        ledger = ledger_of(before);
    }
    const auto whole = std::filesystem::file_size(file);
    {
        // A session that changes often: what it was before is of no use any more.
        std::ifstream in(file);
        std::vector<std::string> lines;
        for (std::string line; std::getline(in, line);) lines.push_back(line);
        in.close();
        std::ofstream out(file);
        auto only_session = *parse_json(lines.at(1));
        only_session["ledger"] = only_session["keys"] = nlohmann::json::array();
        out << lines.at(0) << "\n";
        for (int i = 0; i < 100; ++i) out << only_session.dump() << "\n";
        for (std::size_t i = 1; i < lines.size(); ++i) out << lines[i] << "\n";
    }
    for (int start = 0; start < 2; ++start) {
        Visited after(file);
        EXPECT_LE(std::filesystem::file_size(file), whole);
        EXPECT_EQ(shown(after), session);
        EXPECT_EQ(ledger_of(after), ledger);
        EXPECT_EQ(after.api("POST", refunds(), refund).dump(), refunded) << "the key replays";
        EXPECT_LE(std::filesystem::file_size(file), whole) << "nothing was new";
    }
}

TEST(Street, AFileOfSomethingElseIsRefused) {
    const DataFolder folder("");
    const auto file = folder.path() / "house";
    std::ofstream(file) << "{}\n";
    try {
        const Visited visited(file);
        ADD_FAILURE() << "moved in";
    } catch (const std::runtime_error& error) {
        EXPECT_EQ(std::string(error.what()), file.string() + ": line 1: sessions is not understood");
    }
}

TEST(ClockDoor, ReadsWholeSecondsOnly) {
    const auto wrong = [](std::string_view body) {
        const auto read = read_advance(body);
        return read ? "read" : read.error().field;
    };
    EXPECT_EQ(*read_advance(R"({"advance_seconds": 1})"), 1);
    EXPECT_EQ(*read_advance(R"({"advance_seconds": 1000000000})"), clock_step_seconds_max);
    EXPECT_EQ(wrong(R"({"advance_seconds": 1000000001})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 0})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": -5})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 1.5})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 1.0})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 99999999999999999999})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": "60"})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": true})"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": null})"), "advance_seconds");
    EXPECT_EQ(wrong("{}"), "advance_seconds");
    EXPECT_EQ(wrong(R"({"advance_seconds": 1, "minutes": 2})"), "minutes");
    EXPECT_EQ(wrong("[]"), "body");
    EXPECT_EQ(wrong("60"), "body");
    EXPECT_EQ(wrong("{"), "body");
    EXPECT_EQ(wrong(""), "body");
}

}  // namespace
}  // namespace kassi::sandbox
