#include <gmock/gmock.h>

#include <map>

#include "sockets.hpp"

/// What a server and a client have in hand is counted, and bounded.
namespace kassi::http::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string head(const std::string& target, std::size_t body_bytes, const std::string& more = "") {
    return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body_bytes) +
           "\r\n" + more + "\r\n";
}

/// A server that answers when the test says so.
struct Holding {
    explicit Holding(ServerOptions options = {})
        : server([this](const HttpRequest& request,
                        Reply reply) { held.emplace(request.target, std::move(reply)); },
                 std::move(options)) {}
    ServerLoad load() {
        ServerLoad load;
        server.io.run([&] { load = server.server().load(); });
        return load;
    }
    /// Until the handler has so many.
    bool holds(std::size_t count) {
        return server.io.wait_until([&] { return held.size() == count; });
    }
    void answer(const std::string& target, std::size_t bytes = 0) {
        server.io.run([&] {
            HttpResponse response;
            response.body.assign(bytes, 'a');
            held.at(target)(std::move(response));
            held.erase(target);
        });
    }
    std::map<std::string, Reply> held;
    RunningServer server;
};

ServerOptions turning_away() {
    ServerOptions options;
    options.turn_away = [](const HttpRequest& request) -> std::optional<HttpResponse> {
        EXPECT_EQ(request.body, "");
        if (request.target != "/new") return std::nullopt;
        HttpResponse response;
        response.status = 503;
        response.headers = {{"Retry-After", "7"}, {"X-Seen", std::string(request.header("X-Word"))}};
        return response;
    };
    return options;
}

TEST(TurnedAway, BeforeTheBodyCame) {
    Holding holding(turning_away());
    auto connection = RawConnection::to_port(holding.server.port());
    connection.write(head("/new", 500'000, "X-Word: w\r\n"));
    const auto answer = connection.read_all();
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 7\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Seen: w\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n")) << "the body is still to come";
    EXPECT_TRUE(holding.held.empty());
    EXPECT_EQ(holding.load().refused, 1u);
    EXPECT_EQ(holding.load().requests_in_hand, 0u);
}

TEST(TurnedAway, NobodyIsAskedToSendTheBody) {
    Holding holding(turning_away());
    auto connection = RawConnection::to_port(holding.server.port());
    connection.write(head("/new", 10, "Expect: 100-continue\r\n"));
    EXPECT_EQ(status_of(connection.read_all()), 503);
}

TEST(TurnedAway, KeepsAConnectionThatHasNothingMoreToSay) {
    Holding holding(turning_away());
    auto connection = RawConnection::to_port(holding.server.port());
    for (int i = 0; i < 3; ++i) {
        connection.write("GET /new HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto answer = connection.read_message();
        EXPECT_EQ(status_of(answer), 503);
        EXPECT_THAT(answer, Not(HasSubstr("Connection: close")));
    }
    connection.write("GET /old HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(holding.holds(1));
    holding.answer("/old");
    EXPECT_EQ(status_of(connection.read_message()), 200);
}

TEST(InHand, RequestsAreCountedUntilTheyAreAnswered) {
    Holding holding;
    std::vector<RawConnection> connections;
    for (const std::string target : {"/1", "/2", "/3"}) {
        connections.push_back(RawConnection::to_port(holding.server.port()));
        connections.back().write(head(target, 1) + "x");
    }
    ASSERT_TRUE(holding.holds(3));
    EXPECT_EQ(holding.load().requests_in_hand, 3u);
    EXPECT_EQ(holding.load().connections, 3u);
    // Half a request is a connection, and no more.
    connections.push_back(RawConnection::to_port(holding.server.port()));
    ASSERT_TRUE(connections.back().deliver(head("/4", 2) + "x"));
    ASSERT_TRUE(
        holding.server.io.wait_until([&] { return holding.server.server().load().connections == 4; }));
    EXPECT_EQ(holding.load().requests_in_hand, 3u);
    connections.back().write("x");
    ASSERT_TRUE(holding.holds(4));
    EXPECT_EQ(holding.load().requests_in_hand, 4u);
    connections.back().reset();
    holding.answer("/4");
    ASSERT_TRUE(
        holding.server.io.wait_until([&] { return holding.server.server().load().requests_in_hand == 3; }));
    int left = 3;
    for (const std::string target : {"/1", "/2", "/3"}) {
        holding.answer(target);
        const auto at = static_cast<std::size_t>(3 - left);
        EXPECT_EQ(status_of(connections.at(at).read_message()), 200);
        --left;
        ASSERT_TRUE(holding.server.io.wait_until([&] {
            return holding.server.server().load().requests_in_hand == static_cast<std::size_t>(left);
        }));
    }
}

TEST(InHand, BodiesUpToTheLimitAndNotOneMore) {
    ServerOptions options;
    options.bytes_in_hand_max = 200'000;
    Holding holding(std::move(options));
    std::vector<RawConnection> connections;
    const auto send = [&](const std::string& target, std::size_t bytes) {
        connections.push_back(RawConnection::to_port(holding.server.port()));
        connections.back().write(head(target, bytes) + std::string(bytes, 'x'));
    };
    send("/1", 100'000);
    send("/2", 100'000);
    ASSERT_TRUE(holding.holds(2)) << "just at the limit";
    EXPECT_EQ(holding.load().bytes_in_hand, 200'000u);
    send("/small", small_bytes);
    ASSERT_TRUE(holding.holds(3)) << "small ones do not count";
    EXPECT_EQ(holding.load().bytes_in_hand, 200'000u);
    send("/one-more", small_bytes + 1);
    const auto refused = connections.back().read_all();
    EXPECT_EQ(status_of(refused), 503);
    EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 1\r\n"));
    EXPECT_EQ(holding.load().bytes_in_hand, 200'000u);
    EXPECT_EQ(holding.load().refused, 1u);

    holding.answer("/1");
    EXPECT_EQ(status_of(connections[0].read_message()), 200);
    send("/again", small_bytes + 1);
    ASSERT_TRUE(holding.holds(3)) << "there is room again";
    EXPECT_EQ(holding.load().bytes_in_hand, 100'000u + small_bytes + 1);
}

TEST(InHand, WhatIsAnnouncedAndDoesNotComeTakesNothing) {
    Holding holding;
    auto connection = RawConnection::to_port(holding.server.port());
    ASSERT_TRUE(connection.deliver(head("/1", 1'000'000) + std::string(small_bytes / 2, 'x')));
    EXPECT_EQ(holding.load().bytes_in_hand, 0u);
    connection.write(std::string(100'000 - small_bytes / 2, 'x'));
    ASSERT_TRUE(holding.server.io.wait_until(
        [&] { return holding.server.server().load().bytes_in_hand >= 100'000; }));
    EXPECT_LE(holding.load().bytes_in_hand, 200'000u) << "at most twice what came";
    connection.write(std::string(900'000, 'x'));
    ASSERT_TRUE(holding.holds(1));
    EXPECT_EQ(holding.load().bytes_in_hand, 1'000'000u) << "and no more than was announced";
}

TEST(InHand, ABodyInChunksIsCountedAsItComes) {
    ServerOptions options;
    options.bytes_in_hand_max = 120'000;
    Holding holding(std::move(options));
    auto connection = RawConnection::to_port(holding.server.port());
    connection.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "2710\r\n" + std::string(10'000, 'x') + "\r\n";
    for (int i = 0; i < 5; ++i) connection.write(chunk);
    ASSERT_TRUE(
        holding.server.io.wait_until([&] { return holding.server.server().load().bytes_in_hand >= 50'000; }));
    EXPECT_LE(holding.load().bytes_in_hand, 100'000u);
    for (int i = 0; i < 8; ++i) connection.write(chunk);
    EXPECT_EQ(status_of(connection.read_all()), 503);
    EXPECT_EQ(holding.load().bytes_in_hand, 0u);
}

TEST(InHand, ALargeAnswerCountsUntilItIsRead) {
    constexpr std::size_t large = 32 * 1024 * 1024;  // more than the kernels of both ends hold
    Holding holding;
    auto connection = RawConnection::to_port(holding.server.port());
    connection.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(holding.holds(1));
    EXPECT_EQ(holding.load().bytes_in_hand, 0u);
    holding.answer("/large", large);
    EXPECT_EQ(holding.load().bytes_in_hand, large);
    EXPECT_EQ(body_of(connection.read_message()).size(), large);
    ASSERT_TRUE(
        holding.server.io.wait_until([&] { return holding.server.server().load().requests_in_hand == 0; }));
    EXPECT_EQ(holding.load().bytes_in_hand, 0u);
}

TEST(ClientLimit, AsManyRequestsAtOnceAsItMayAndNotOneMore) {
    ClientOptions options;
    options.open_requests_max = 2;
    RunningClient client(std::move(options));
    Holding holding;
    const auto get = [&](const std::string& path) {
        return client.start({"GET", holding.server.url(path), {}, "", ""});
    };
    auto first = get("/1"), second = get("/2");
    ASSERT_TRUE(holding.holds(2));
    const auto third = get("/3").get();
    EXPECT_TRUE(unanswered(third, false)) << "known not to have been sent";
    EXPECT_EQ(why_of(third), "too many requests are open");
    holding.answer("/1");
    EXPECT_EQ(status_of(first.get()), 200);
    auto fourth = get("/4");
    ASSERT_TRUE(holding.holds(2));
    holding.answer("/2");
    holding.answer("/4");
    EXPECT_EQ(status_of(second.get()), 200);
    EXPECT_EQ(status_of(fourth.get()), 200);
}

TEST(ClientLimit, ConnectionsThatRestMakeRoom) {
    ClientOptions options;
    options.open_requests_max = 2;
    RunningClient client(std::move(options));
    Holding one, other;
    auto first = client.start({"GET", one.server.url("/1"), {}, "", ""});
    auto second = client.start({"GET", one.server.url("/2"), {}, "", ""});
    ASSERT_TRUE(one.holds(2));
    one.answer("/1");
    one.answer("/2");
    first.get();
    second.get();
    EXPECT_EQ(one.load().connections, 2u);
    // Another house: its sockets take the place of those that rest.
    auto third = client.start({"GET", other.server.url("/3"), {}, "", ""});
    ASSERT_TRUE(other.holds(1));
    EXPECT_TRUE(one.server.io.wait_until([&] { return one.server.server().load().connections == 1; }));
    other.answer("/3");
    EXPECT_EQ(status_of(third.get()), 200);
}

}  // namespace
}  // namespace kassi::http::test
