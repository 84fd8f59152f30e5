#include "http/server.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "sockets.hpp"

namespace kassi::http::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Says back what it got: method, target, size of the body, and the body when it is short.
void echo(HttpRequest request, const Reply& reply) {
    std::string text = request.method + " " + request.target + " " + std::to_string(request.body.size());
    if (request.body.size() <= 100) text += " " + request.body;
    HttpResponse response;
    response.headers = {{"Content-Type", "text/plain"}};
    response.body = text;
    reply(std::move(response));
}

std::string get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

std::string post(const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunked(const std::vector<std::string>& chunks, const std::string& trailers = "") {
    std::ostringstream out;
    out << "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const auto& chunk : chunks) out << std::hex << chunk.size() << "\r\n" << chunk << "\r\n";
    out << "0\r\n" << trailers << "\r\n";
    return out.str();
}

/// What the server says to these bytes, until it closes.
std::string answer_to(const RunningServer& server, const std::string& bytes) {
    auto connection = RawConnection::to_port(server.port());
    connection.write(bytes);
    return connection.read_all();
}

TEST(Server, AnswersAndKeepsTheConnection) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(connection.write(post("hello")));
        const auto answer = connection.read_message();
        EXPECT_EQ(status_of(answer), 200);
        EXPECT_EQ(body_of(answer), "POST / 5 hello");
        EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 14\r\n"));
        EXPECT_THAT(answer, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
        EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain\r\n"));
        EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
        EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
    }
}

TEST(Server, HandsTheRequestOverAsItCame) {
    HttpRequest seen;
    const RunningServer server([&](HttpRequest request, const Reply& reply) {
        seen = std::move(request);
        reply({});
    });
    answer_to(server,
              "PUT /a%20b?c=d&c=e HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nx-one: 2\r\nConnection: close\r\n"
              "Content-Length: 2\r\n\r\nhi");
    EXPECT_EQ(seen.method, "PUT");
    EXPECT_EQ(seen.target, "/a%20b?c=d&c=e");
    EXPECT_EQ(seen.body, "hi");
    EXPECT_EQ(seen.peer, "127.0.0.1");
    EXPECT_EQ(seen.headers, (Fields{{"Host", "x"},
                                    {"X-One", "1"},
                                    {"x-one", "2"},
                                    {"Connection", "close"},
                                    {"Content-Length", "2"}}));
}

TEST(Server, TakesTheAbsoluteForm) {
    const RunningServer server(echo);
    EXPECT_THAT(answer_to(server, get("http://shop.example/a?b=c", "Connection: close\r\n")),
                HasSubstr("GET /a?b=c 0"));
    EXPECT_THAT(answer_to(server, get("HTTP://shop.example?b=c", "Connection: close\r\n")),
                HasSubstr("GET /?b=c 0"));
    EXPECT_THAT(answer_to(server, get("https://shop.example", "Connection: close\r\n")),
                HasSubstr("GET / 0"));
}

TEST(Server, HonoursConnectionClose) {
    const RunningServer server(echo);
    const auto answer = answer_to(server, get("/", "Connection: close\r\n") + get("/second"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("/second")));
    EXPECT_THAT(answer, Not(HasSubstr("RESET")));
}

TEST(Server, ClosesAfterHttp10UnlessAskedNotTo) {
    const RunningServer server(echo);
    EXPECT_THAT(answer_to(server, "GET /old HTTP/1.0\r\n\r\n"), HasSubstr("GET /old 0"));
    auto connection = RawConnection::to_port(server.port());
    connection.write("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(connection.read_message(), HasSubstr("\r\nConnection: keep-alive\r\n"));
    connection.write("GET /2 HTTP/1.0\r\n\r\n");
    EXPECT_THAT(connection.read_all(), HasSubstr("GET /2 0"));
}

TEST(Server, PipelinedRequestsAreHandledInOrder) {
    std::vector<Reply> open;
    RunningServer server([&](const HttpRequest& request, Reply reply) {
        if (request.target == "/slow")
            open.push_back(std::move(reply));
        else
            echo(request, reply);
    });
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/slow") + get("/quick") + post("body") + get("/last"));
    // The others must not overtake the first: they are not even begun.
    ASSERT_TRUE(server.io.wait_until([&] { return !open.empty(); }));
    server.io.run([&] {
        HttpResponse response;
        response.body = "slow one";
        open.front()(std::move(response));
    });
    EXPECT_EQ(body_of(connection.read_message()), "slow one");
    EXPECT_EQ(body_of(connection.read_message()), "GET /quick 0 ");
    EXPECT_EQ(body_of(connection.read_message()), "POST / 4 body");
    EXPECT_EQ(body_of(connection.read_message()), "GET /last 0 ");
}

TEST(Server, ARequestMayComeByteByByte) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    for (const char c : "\r\n" + chunked({"abc", "defg"}, "X-Late: 1\r\n"))
        connection.write(std::string(1, c));
    EXPECT_EQ(body_of(connection.read_message()), "POST / 7 abcdefg");
}

TEST(Server, ReadsChunksAndKeepsTrailersOut) {
    Fields headers;
    const RunningServer server([&](HttpRequest request, const Reply& reply) {
        headers = request.headers;
        echo(std::move(request), reply);
    });
    auto connection = RawConnection::to_port(server.port());
    connection.write(chunked({"one ", "two"}, "Authorization: Basic c2VjcmV0\r\n"));
    EXPECT_EQ(body_of(connection.read_message()), "POST / 7 one two");
    EXPECT_EQ(find_field(headers, "Authorization"), nullptr);
    connection.write(get("/next"));
    EXPECT_EQ(body_of(connection.read_message()), "GET /next 0 ");
}

TEST(Server, HeadHasTheLengthAndNoBody) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    connection.write("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(connection.read_until("\r\n\r\n"), HasSubstr("Content-Length: 10\r\n"));
    connection.write(get("/next"));
    EXPECT_EQ(body_of(connection.read_message()), "GET /next 0 ");
}

TEST(Server, NoContentHasNeitherBodyNorLength) {
    const RunningServer server([](const HttpRequest&, const Reply& reply) {
        HttpResponse response;
        response.status = 204;
        reply(std::move(response));
    });
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/") + get("/"));
    for (int i = 0; i < 2; ++i) {
        const auto answer = connection.read_message();
        EXPECT_EQ(status_of(answer), 204);
        EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
    }
}

TEST(Server, SaysContinueBeforeALargeBody) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    connection.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(connection.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    connection.write("abc");
    EXPECT_EQ(body_of(connection.read_message()), "POST / 3 abc");
    // A body that is there already needs no invitation.
    connection.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
    EXPECT_EQ(status_of(connection.read_message()), 200);
}

TEST(Server, RefusesInsteadOfContinue) {
    ServerOptions options;
    options.body_bytes_max = 2;
    const RunningServer server(echo, options);
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n";
    EXPECT_EQ(status_of(answer_to(server, head + "Expect: 100-continue\r\n\r\n")), 413);
    EXPECT_EQ(status_of(answer_to(server, get("/", "Expect: the-unexpected\r\n"))), 417);
}

TEST(Server, BodyAtTheLimitAndOnePastIt) {
    const RunningServer server(echo);
    const std::string largest(limits::request_body_bytes_max, 'b');
    auto connection = RawConnection::to_port(server.port());
    connection.write(post(largest));
    EXPECT_EQ(body_of(connection.read_message()), "POST / 1048576");
    connection.write(chunked({largest.substr(0, 1000), largest.substr(1000)}));
    EXPECT_EQ(body_of(connection.read_message()), "POST / 1048576");

    for (const auto& request : {post(largest + "b"), chunked({largest, "b"})}) {
        const auto answer = answer_to(server, request);
        EXPECT_EQ(status_of(answer), 413);
        EXPECT_THAT(body_of(answer), StartsWith(R"({"error":")"));
        EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json"));
        EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
        EXPECT_THAT(answer, Not(HasSubstr("RESET")));
    }
}

TEST(Server, TheClientSeesTheRefusalThoughItIsStillSending) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    // All of it is written before the first byte is read, as simple clients do.
    EXPECT_TRUE(connection.write(post(std::string(8 * limits::request_body_bytes_max, 'b'))));
    connection.finish_writing();
    const auto answer = connection.read_all();
    EXPECT_EQ(status_of(answer), 413);
    EXPECT_THAT(answer, Not(HasSubstr("RESET")));
}

TEST(Server, AHandlerMaySayTheReasonOfItsStatus) {
    const RunningServer server([](const HttpRequest& request, const Reply& reply) {
        const bool improper = request.target == "/improper";
        reply({403, {{std::string(reason_header), improper ? "a\r\nX: y" : "Invalid Role"}}, "no"});
    });
    const auto ask = [&server](const char* target) {
        auto connection = RawConnection::to_port(server.port());
        EXPECT_TRUE(connection.write(get(target, "Connection: close\r\n")));
        return connection.read_all();
    };
    const auto answer = ask("/");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Invalid Role\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("reason")));
    EXPECT_THAT(ask("/improper"), Not(HasSubstr("X: y")));
}

TEST(Server, HeaderAtTheLimitAndOnePastIt) {
    const RunningServer server(echo);
    const auto request = [](std::size_t size) {
        const std::string rest = get("/", "X-Long: \r\n");
        return get("/", "X-Long: " + std::string(size - rest.size(), 'h') + "\r\n");
    };
    auto connection = RawConnection::to_port(server.port());
    connection.write(request(limits::request_header_bytes_max));
    EXPECT_EQ(status_of(connection.read_message()), 200);
    const auto answer = answer_to(server, request(limits::request_header_bytes_max + 1));
    EXPECT_EQ(status_of(answer), 431);
    EXPECT_THAT(body_of(answer), StartsWith(R"({"error":")"));
    EXPECT_EQ(status_of(answer_to(server, get("/", "X-Endless: " + std::string(1'000'000, 'h')))), 431);
    // Many short fields, in pieces, are one header too.
    auto slow = RawConnection::to_port(server.port());
    slow.write("GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 40; ++i) slow.write("X-Part: " + std::string(500, 'p') + "\r\n");
    EXPECT_EQ(status_of(slow.read_all()), 431);
}

TEST(Server, TargetAtTheLimitAndOnePastIt) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/" + std::string(limits::request_target_bytes_max - 1, 't')));
    EXPECT_EQ(status_of(connection.read_message()), 200);
    EXPECT_EQ(status_of(answer_to(server, get("/" + std::string(limits::request_target_bytes_max, 't')))),
              414);
}

TEST(Server, EndlessChunkHeadersAndTrailersAreRefused) {
    const RunningServer server(echo);
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(status_of(answer_to(server, head + "1;" + std::string(100'000, 'e'))), 400);
    EXPECT_EQ(status_of(answer_to(server, head + "0\r\nX: " + std::string(100'000, 't'))), 400);
}

TEST(Server, GarbageIsABadRequest) {
    const RunningServer server(echo);
    const std::string host = "Host: x\r\n";
    const std::vector<std::string> garbage = {
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),  // a TLS hello
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "hello\r\n\r\n",
        std::string(100, '\0'),
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n" + host + "\r\n",
        "GET nowhere HTTP/1.1\r\n" + host + "\r\n",
        "GET * HTTP/1.1\r\n" + host + "\r\n",
        "CONNECT other:443 HTTP/1.1\r\n" + host + "\r\n",
        "get / HTTP/1.1\r\n" + host + "\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" + host + host + "\r\n",
        get("/", "Broken\r\n"),
        get("/", "Name : value\r\n"),
        get("/", "X: a\rb\r\n"),
        "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    };
    for (const auto& bytes : garbage) {
        const auto answer = answer_to(server, bytes);
        EXPECT_EQ(status_of(answer), 400) << bytes << "\n" << answer;
        EXPECT_THAT(body_of(answer), StartsWith(R"({"error":")"));
        EXPECT_THAT(answer, Not(HasSubstr("RESET")));
    }
    EXPECT_EQ(status_of(answer_to(server, get("/", "Connection: close\r\n"))), 200);
}

TEST(Server, OtherTransferCodingsAreRefused) {
    const RunningServer server(echo);
    for (const std::string coding : {"gzip", "gzip, chunked", "chunked, gzip", "identity"}) {
        const auto answer = answer_to(
            server, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + coding + "\r\n\r\n0\r\n\r\n");
        EXPECT_EQ(status_of(answer), 501) << coding;
    }
}

TEST(Server, ARequestCutShortIsRefused) {
    const RunningServer server(echo);
    for (const std::string bytes :
         {"GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab"}) {
        auto connection = RawConnection::to_port(server.port());
        connection.write(bytes);
        connection.finish_writing();
        EXPECT_EQ(status_of(connection.read_all()), 400);
    }
}

TEST(Server, AHalfClosedClientGetsItsAnswer) {
    const RunningServer server(echo);
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/half"));
    connection.finish_writing();
    EXPECT_THAT(connection.read_all(), HasSubstr("GET /half 0"));
}

TEST(Server, ASlowRequestIsGivenUp) {
    ServerOptions options;
    options.read_timeout = milliseconds(60);
    const RunningServer server(echo, options);
    for (const std::string bytes :
         {"GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab",
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"}) {
        auto connection = RawConnection::to_port(server.port());
        connection.write(bytes);
        const auto answer = connection.read_all();
        EXPECT_THAT(answer, HasSubstr("HTTP/1.1 408 ")) << bytes;
        EXPECT_THAT(answer, HasSubstr(R"({"error":")"));
    }
}

TEST(Server, TrickledBytesDoNotExtendTheTime) {
    ServerOptions options;
    options.read_timeout = milliseconds(60);
    const RunningServer server(echo, options);
    auto connection = RawConnection::to_port(server.port());
    connection.write("GET / HTTP/1.1\r\nX: ");
    // Ends only because the server does not wait for a whole header.
    char byte = 0;
    for (int i = 0; i < 2000 && ::recv(connection.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0; ++i) {
        connection.write("x");
        ::usleep(5000);
    }
    connection.finish_writing();
    EXPECT_THAT(connection.read_all(), HasSubstr("408"));
}

TEST(Server, AnIdleConnectionIsClosedSilently) {
    ServerOptions options;
    options.idle_timeout = milliseconds(1000);
    const RunningServer server(echo, options);
    auto fresh = RawConnection::to_port(server.port());
    EXPECT_TRUE(fresh.ended());
    auto used = RawConnection::to_port(server.port());
    used.write(get("/"));
    EXPECT_EQ(status_of(used.read_message()), 200);
    EXPECT_TRUE(used.ended());
}

TEST(Server, AHandlerMayTakeLongerThanAClient) {
    ServerOptions options;
    options.read_timeout = milliseconds(200);
    std::vector<Reply> open;
    RunningServer server([&](const HttpRequest&, Reply reply) { open.push_back(std::move(reply)); }, options);
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/"));
    ASSERT_TRUE(server.io.wait_until([&] { return !open.empty(); }));
    ::usleep(500'000);
    server.io.run([&] { open.front()({}); });
    EXPECT_EQ(status_of(connection.read_message()), 200);
}

TEST(Server, AClientThatDoesNotReadIsDropped) {
    ServerOptions options;
    options.read_timeout = milliseconds(60);
    bool answered = false;
    RunningServer server(
        [&](const HttpRequest&, const Reply& reply) {
            HttpResponse response;
            response.body.assign(64 * 1024 * 1024, 'x');
            reply(std::move(response));
            answered = true;
        },
        options);
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/"));
    ASSERT_TRUE(server.io.wait_until([&] { return answered; }));
    // An open answer keeps the server from stopping, so this ends when the connection was dropped.
    Gate dropped;
    server.server().stop(std::chrono::seconds(10 * patience_seconds), [&] { dropped.open(); });
    ASSERT_TRUE(dropped.wait());
    EXPECT_LT(connection.read_all().size(), 64u * 1024 * 1024);
}

TEST(Server, OneConnectionTooManyIsToldSo) {
    ServerOptions options;
    options.connections_max = 2;
    std::vector<Reply> waiting;
    RunningServer server(
        [&](const HttpRequest& request, Reply reply) {
            if (request.target == "/wait")
                waiting.push_back(std::move(reply));
            else
                echo(request, reply);
        },
        options);
    std::vector<RawConnection> open;
    for (std::size_t i = 0; i < 2; ++i) {
        open.push_back(RawConnection::to_port(server.port()));
        open.back().write(get("/wait"));
        ASSERT_TRUE(server.io.wait_until([&] { return waiting.size() > i; }));
    }
    auto third = RawConnection::to_port(server.port());
    const auto answer = third.read_all();
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_THAT(body_of(answer), StartsWith(R"({"error":")"));
    third.close();

    server.io.run([&] { waiting.front()({}); });
    EXPECT_EQ(status_of(open.front().read_message()), 200);
    EXPECT_EQ(status_of(answer_to(server, get("/", "Connection: close\r\n"))), 200);
    server.io.run([&] { waiting.back()({}); });
    EXPECT_EQ(status_of(open.back().read_message()), 200);
}

TEST(Server, TheConnectionThatIsIdleLongestMakesRoom) {
    ServerOptions options;
    options.connections_max = 3;
    std::vector<Reply> waiting;
    RunningServer server(
        [&](const HttpRequest& request, Reply reply) {
            if (request.target == "/wait")
                waiting.push_back(std::move(reply));
            else
                echo(request, reply);
        },
        options);
    const auto connected = [&](const std::string& target) {
        auto connection = RawConnection::to_port(server.port());
        connection.write(get(target));
        return connection;
    };
    auto busy = connected("/wait");
    ASSERT_TRUE(server.io.wait_until([&] { return !waiting.empty(); }));
    auto first = connected("/1");
    EXPECT_EQ(body_of(first.read_message()), "GET /1 0 ");
    auto second = connected("/2");
    EXPECT_EQ(body_of(second.read_message()), "GET /2 0 ");
    first.write(get("/again"));  // now the second is idle longer
    EXPECT_EQ(body_of(first.read_message()), "GET /again 0 ");

    auto third = connected("/3");
    EXPECT_EQ(body_of(third.read_message()), "GET /3 0 ");
    EXPECT_TRUE(second.ended());
    first.write(get("/still"));
    EXPECT_EQ(body_of(first.read_message()), "GET /still 0 ");
    server.io.run([&] { waiting.front()({}); });
    EXPECT_EQ(status_of(busy.read_message()), 200);
}

TEST(Server, WhatWasReadBeforeAConnectionMakesRoomIsAnswered) {
    // In one turn of the loop: another connection comes, the next request arrives, the first answer is
    // written. When room is made, the connection has read that request, and has not yet looked at it.
    ServerOptions options;
    options.connections_max = 1;
    RawConnection* other_end = nullptr;
    std::optional<RawConnection> newcomer;
    RunningServer* running = nullptr;
    RunningServer server(
        [&](const HttpRequest& request, const Reply& reply) {
            if (request.target == "/first") {
                newcomer.emplace(RawConnection::to_port(running->port()));
                ASSERT_TRUE(newcomer->deliver(get("/third")));
                ASSERT_TRUE(other_end->deliver(get("/second")));
            }
            echo(request, reply);
        },
        options);
    running = &server;
    auto connection = RawConnection::to_port(server.port());
    other_end = &connection;
    connection.write(get("/first"));
    EXPECT_EQ(body_of(connection.read_message()), "GET /first 0 ");
    const auto last = connection.read_all();
    EXPECT_EQ(body_of(last), "GET /second 0 ");
    EXPECT_THAT(last, HasSubstr("\r\nConnection: close\r\n"));
    connection.close();
    EXPECT_EQ(body_of(newcomer->read_message()), "GET /third 0 ");
}

TEST(Server, ManyWhoComeAtOnceEachFindRoom) {
    constexpr std::size_t places = 5;
    ServerOptions options;
    options.connections_max = places;
    RunningServer server(echo, options);
    std::vector<RawConnection> idle, coming;
    for (std::size_t i = 0; i < places; ++i) {
        idle.push_back(RawConnection::to_port(server.port()));
        idle.back().write(get("/"));
        EXPECT_EQ(status_of(idle.back().read_message()), 200);
    }
    server.io.run([&] {
        for (std::size_t i = 0; i < places; ++i) {
            coming.push_back(RawConnection::to_port(server.port()));
            coming.back().write(get("/"));
        }
    });
    for (auto& connection : coming) EXPECT_EQ(status_of(connection.read_message()), 200);
    for (auto& connection : idle) EXPECT_TRUE(connection.ended());
}

TEST(Server, AnExceptionOfTheHandlerIsA500AndALogLine) {
    const auto file =
        std::filesystem::temp_directory_path() / ("kassi_http_test_" + std::to_string(::getpid()));
    log::start(log::Level::info, file.string());
    const RunningServer server([](const HttpRequest& request, const Reply& reply) {
        if (request.target == "/answered") reply({});
        if (request.target == "/odd") throw 1;
        throw std::runtime_error("the inside of the house");
    });
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/callback/token"));
    const auto answer = connection.read_message();
    EXPECT_EQ(status_of(answer), 500);
    EXPECT_EQ(body_of(answer), R"({"error":"internal error"})");
    connection.write(get("/odd"));
    EXPECT_EQ(status_of(connection.read_message()), 500);
    connection.write(get("/answered"));
    EXPECT_EQ(status_of(connection.read_message()), 200);
    log::start(log::Level::info);

    std::stringstream lines;
    lines << std::ifstream(file).rdbuf();
    EXPECT_THAT(lines.str(), HasSubstr("the inside of the house"));
    EXPECT_THAT(lines.str(), Not(HasSubstr("/callback/token")));
    std::filesystem::remove(file);
}

TEST(Server, AReplyThatIsDroppedIsA500) {
    const RunningServer server([](const HttpRequest&, const Reply&) {});
    EXPECT_EQ(status_of(answer_to(server, get("/", "Connection: close\r\n"))), 500);
}

TEST(Server, WhatTheHandlerLeavesUnansweredIsAnsweredInTheDoorsWords) {
    ServerOptions options;
    options.refusal = [](int status, std::string_view target, std::string_view why) {
        HttpResponse response;
        response.status = status;
        response.body = std::string(target) + ": " + std::string(why);
        return response;
    };
    const RunningServer server(
        [](const HttpRequest& request, const Reply&) {
            if (request.target == "/throws") throw std::runtime_error("the inside of the house");
        },
        options);
    auto connection = RawConnection::to_port(server.port());
    for (const std::string target : {"/throws", "/drops"}) {
        connection.write(get(target));
        const auto answer = connection.read_message();
        EXPECT_EQ(status_of(answer), 500);
        EXPECT_EQ(body_of(answer), target + ": internal error");
    }
}

TEST(Server, ASecondReplyIsIgnored) {
    const RunningServer server([](const HttpRequest& request, const Reply& reply) {
        echo(request, reply);
        echo(request, reply);
    });
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/1"));
    EXPECT_EQ(body_of(connection.read_message()), "GET /1 0 ");
    connection.write(get("/2"));
    EXPECT_EQ(body_of(connection.read_message()), "GET /2 0 ");
}

TEST(Server, AReplyToAConnectionThatIsGoneIsHarmless) {
    std::vector<Reply> open;
    RunningServer server([&](const HttpRequest& request, Reply reply) {
        if (request.target == "/wait")
            open.push_back(std::move(reply));
        else
            echo(request, reply);
    });
    for (std::size_t i = 0; i < 2; ++i) {
        auto connection = RawConnection::to_port(server.port());
        connection.write(get("/wait"));
        ASSERT_TRUE(server.io.wait_until([&] { return open.size() > i; }));
        connection.reset();
    }
    server.io.run([&] {
        HttpResponse large;
        large.body.assign(1'000'000, 'x');
        open[0](std::move(large));
    });
    EXPECT_EQ(status_of(answer_to(server, get("/", "Connection: close\r\n"))), 200);
    server.destroy_server();
    server.io.run([&] {
        open[1]({});
        open.clear();
    });
}

TEST(Server, AnAnswerCannotBeSplit) {
    const RunningServer server([](const HttpRequest& request, const Reply& reply) {
        HttpResponse response;
        if (request.target == "/value") response.headers = {{"Location", "/\r\nSet-Cookie: a=b"}};
        if (request.target == "/name") response.headers = {{"X: y\r\nZ", "1"}};
        if (request.target == "/status") response.status = 7;
        if (request.target == "/ours") response.headers = {{"Content-Length", "99"}, {"connection", "x"}};
        reply(std::move(response));
    });
    for (const std::string target : {"/value", "/name", "/status"}) {
        const auto answer = answer_to(server, get(target, "Connection: close\r\n"));
        EXPECT_EQ(status_of(answer), 500) << target;
        EXPECT_THAT(answer, Not(HasSubstr("Set-Cookie")));
    }
    const auto answer = answer_to(server, get("/ours", "Connection: close\r\n"));
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_THAT(answer, HasSubstr("Content-Length: 0\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("99")));
}

TEST(Server, ALargeAnswerArrivesWhole) {
    const RunningServer server([](const HttpRequest&, const Reply& reply) {
        HttpResponse response;
        response.body.assign(5'000'000, 'x');
        reply(std::move(response));
    });
    EXPECT_EQ(body_of(answer_to(server, get("/", "Connection: close\r\n"))).size(), 5'000'000u);
}

TEST(Server, StopAnswersWhatIsOpen) {
    std::vector<Reply> open;
    RunningServer server([&](const HttpRequest& request, Reply reply) {
        if (request.target == "/wait")
            open.push_back(std::move(reply));
        else
            echo(request, reply);
    });
    auto idle = RawConnection::to_port(server.port());
    idle.write(get("/"));
    EXPECT_EQ(status_of(idle.read_message()), 200);
    auto handled = RawConnection::to_port(server.port());
    handled.write(get("/wait"));
    ASSERT_TRUE(server.io.wait_until([&] { return !open.empty(); }));
    auto begun = RawConnection::to_port(server.port());
    begun.write(get("/"));
    EXPECT_EQ(status_of(begun.read_message()), 200);
    begun.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");

    Gate stopped;
    server.server().stop(std::chrono::seconds(patience_seconds), [&] { stopped.open(); });
    EXPECT_TRUE(idle.ended());
    EXPECT_THROW(RawConnection::to_port(server.port()), std::runtime_error);
    begun.write("bc");
    const auto finished = begun.read_all();
    EXPECT_EQ(body_of(finished), "POST / 3 abc");
    EXPECT_THAT(finished, HasSubstr("\r\nConnection: close\r\n"));
    begun.close();
    server.io.run([&] { open.front()({}); });
    EXPECT_EQ(status_of(handled.read_all()), 200);
    handled.close();
    EXPECT_TRUE(stopped.wait());
}

TEST(Server, StopAnswersWhatWasReadInTheSameMoment) {
    // In one turn of the loop: the first answer is written, the next request arrives, the server stops. The
    // connection has read the request when it is asked whether it is idle, and has not yet looked at it.
    RunningServer* running = nullptr;
    Server* stopping = nullptr;
    RawConnection* other_end = nullptr;
    Gate stopped;
    RunningServer server([&](const HttpRequest& request, const Reply& reply) {
        echo(request, reply);
        if (request.target != "/first") return;
        ASSERT_TRUE(other_end->deliver(get("/second")));
        boost::asio::post(running->io.io, [&] {
            stopping->stop(std::chrono::seconds(patience_seconds), [&] { stopped.open(); });
        });
    });
    running = &server;
    stopping = &server.server();
    auto connection = RawConnection::to_port(server.port());
    other_end = &connection;
    connection.write(get("/first"));
    EXPECT_EQ(body_of(connection.read_message()), "GET /first 0 ");
    EXPECT_EQ(body_of(connection.read_all()), "GET /second 0 ");
    connection.close();
    EXPECT_TRUE(stopped.wait());
}

TEST(Server, StopHasPatienceAndNoMore) {
    std::vector<Reply> open;
    RunningServer server([&](const HttpRequest&, Reply reply) { open.push_back(std::move(reply)); });
    auto connection = RawConnection::to_port(server.port());
    connection.write(get("/"));
    ASSERT_TRUE(server.io.wait_until([&] { return !open.empty(); }));
    Gate stopped;
    server.server().stop(milliseconds(30), [&] { stopped.open(); });
    EXPECT_TRUE(stopped.wait());
    EXPECT_TRUE(connection.ended());
    server.io.run([&] { open.front()({}); });
}

TEST(Server, StopWithNothingOpenIsDoneAtOnce) {
    RunningServer server(echo);
    Gate stopped;
    server.server().stop(std::chrono::seconds(patience_seconds), [&] { stopped.open(); });
    EXPECT_TRUE(stopped.wait());
}

TEST(Server, SaysWhyItCannotListen) {
    const RunningServer first(echo);
    boost::asio::io_context io;
    ServerOptions options;
    options.port = first.port();
    try {
        const Server second(io, options, echo);
        FAIL() << "two servers on one port";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("127.0.0.1 port " + std::to_string(first.port())));
    }
    options.address = "not an address";
    EXPECT_THROW(Server(io, options, echo), std::runtime_error);
}

TEST(Server, ManyConnectionsAtOnce) {
    const RunningServer server(echo);
    std::vector<RawConnection> open;
    for (int i = 0; i < 200; ++i) open.push_back(RawConnection::to_port(server.port()));
    for (auto& connection : open) connection.write(post("hello") + get("/next"));
    for (auto& connection : open) {
        EXPECT_EQ(body_of(connection.read_message()), "POST / 5 hello");
        EXPECT_EQ(body_of(connection.read_message()), "GET /next 0 ");
    }
}

}  // namespace
}  // namespace kassi::http::test
