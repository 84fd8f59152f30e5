#include "http/client.hpp"

#include <gmock/gmock.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/limits.hpp"
#include "http/address_policy.hpp"
#include "http/lookups.hpp"
#include "sockets.hpp"

namespace kassi::http::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

void echo(HttpRequest request, const Reply& reply) {
    HttpResponse response;
    response.body = request.method + " " + request.target + " " + request.body;
    reply(std::move(response));
}

HttpRequest post_to(const std::string& url, const std::string& body) {
    return {"POST", url, {}, body, ""};
}

TEST(Client, GetsAnAnswer) {
    HttpRequest seen;
    const RunningServer server([&](HttpRequest request, const Reply& reply) {
        seen = std::move(request);
        HttpResponse response;
        response.status = 201;
        response.headers = {{"X-One", "1"}, {"X-One", "2"}};
        response.body = "made";
        reply(std::move(response));
    });
    RunningClient client;
    HttpRequest request{
        "POST", server.url("/a?b=c"), {{"Content-Type", "text/x"}, {"Host", "forged"}}, "body", ""};
    const auto outcome = client.send(request);
    ASSERT_EQ(status_of(outcome), 201) << why_of(outcome);
    EXPECT_EQ(body_of(outcome), "made");
    EXPECT_EQ(std::get<HttpResponse>(outcome).header("x-one"), "1");
    EXPECT_TRUE(parse_http_date(std::get<HttpResponse>(outcome).header("Date"))) << "as our server says it";
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, "/a?b=c");
    EXPECT_EQ(seen.body, "body");
    EXPECT_EQ(seen.header("Content-Type"), "text/x");
    EXPECT_EQ(seen.header("Host"), "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(seen.header("Content-Length"), "4");
}

TEST(Client, ABodyOfEverySizeArrives) {
    const RunningServer server([](const HttpRequest& request, const Reply& reply) {
        HttpResponse response;
        response.body = request.body;
        reply(std::move(response));
    });
    RunningClient client;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, limits::request_body_bytes_max}) {
        const std::string body(size, 'b');
        EXPECT_EQ(body_of(client.send(post_to(server.url(), body))), body);
    }
}

TEST(Client, UsesAConnectionAgain) {
    RawServer server([](RawConnection& connection, int) {
        while (connection.read_message().starts_with("GET")) connection.write(ok_message("kept"));
    });
    {
        RunningClient client;
        for (int i = 0; i < 3; ++i) EXPECT_EQ(body_of(client.get(server.url())), "kept");
    }
    EXPECT_EQ(server.connections(), 1);
}

TEST(Client, TakesTwoConnectionsForTwoAtOnce) {
    std::vector<Reply> open;
    const RunningServer server([&](const HttpRequest&, Reply reply) {
        open.push_back(std::move(reply));
        if (open.size() == 2) {
            for (const auto& each : open) each({});
        }
    });
    RunningClient client;
    auto first = client.start({"GET", server.url(), {}, "", ""});
    auto second = client.start({"GET", server.url(), {}, "", ""});
    EXPECT_EQ(status_of(first.get()), 200);
    EXPECT_EQ(status_of(second.get()), 200);
}

TEST(Client, AClosedPooledConnectionIsNotUsed) {
    Gate closed;
    RawServer server([&](RawConnection& connection, int number) {
        connection.read_message();
        connection.write(ok_message(std::to_string(number)));
        connection.close();  // without a word beforehand
        if (number == 1) closed.open();
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.get(server.url())), "1");
    ASSERT_TRUE(closed.wait());
    EXPECT_EQ(body_of(client.send(post_to(server.url(), "money"))), "2");
}

TEST(Client, APooledConnectionThatSpeaksUnaskedIsNotUsed) {
    Gate answered;
    Gate spoken;
    RawServer server([&](RawConnection& connection, int number) {
        connection.read_message();
        connection.write(ok_message(std::to_string(number)));
        if (number > 1) return;
        answered.wait();
        connection.write(ok_message("forged"));
        spoken.open();
        connection.read_all();  // until the client throws it away
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.get(server.url())), "1");
    answered.open();
    ASSERT_TRUE(spoken.wait());
    EXPECT_EQ(body_of(client.get(server.url())), "2");
}

TEST(Client, AnAnswerWithMoreBehindItIsNotPooled) {
    RawServer server([&](RawConnection& connection, int number) {
        connection.read_message();
        connection.write(ok_message(std::to_string(number)) + ok_message("forged"));
        connection.read_all();
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.get(server.url())), "1");
    EXPECT_EQ(body_of(client.get(server.url())), "2");
}

TEST(Client, APooledConnectionThatBreaksCountsAsSentAndIsNotRepeated) {
    std::atomic<int> requests = 0;
    RawServer server([&](RawConnection& connection, int) {
        connection.read_message();
        ++requests;
        connection.write(ok_message("first"));
        if (!connection.read_message().empty()) ++requests;
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.get(server.url())), "first");
    const auto outcome = client.send(post_to(server.url(), "money"));
    EXPECT_TRUE(unanswered(outcome, true)) << why_of(outcome);
    EXPECT_EQ(requests, 2);
    EXPECT_EQ(server.connections(), 1);
}

TEST(Client, AnOldPooledConnectionIsClosed) {
    Gate dropped;
    RawServer server([&](RawConnection& connection, int) {
        connection.read_message();
        connection.write(ok_message("x"));
        if (connection.ended()) dropped.open();
    });
    ClientOptions options;
    options.idle_connection_timeout = milliseconds(20);
    RunningClient client(options);
    EXPECT_EQ(status_of(client.get(server.url())), 200);
    EXPECT_TRUE(dropped.wait());
}

TEST(Client, KeepsNoMoreIdleConnectionsThanToldTo) {
    Gate dropped;
    RawServer first([&](RawConnection& connection, int) {
        connection.read_message();
        connection.write(ok_message("x"));
        if (connection.ended()) dropped.open();
    });
    RawServer second([](RawConnection& connection, int) {
        while (connection.read_message().starts_with("GET")) connection.write(ok_message("y"));
    });
    {
        ClientOptions options;
        options.idle_connections_max = 1;
        RunningClient client(options);
        EXPECT_EQ(status_of(client.get(first.url())), 200);
        EXPECT_EQ(status_of(client.get(second.url())), 200);
        EXPECT_TRUE(dropped.wait());
        EXPECT_EQ(status_of(client.get(second.url())), 200);
    }
    EXPECT_EQ(second.connections(), 1);
}

TEST(Client, HonoursConnectionClose) {
    RawServer server([](RawConnection& connection, int number) {
        connection.read_message();
        connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n" +
                         std::to_string(number));
        connection.read_all();
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.get(server.url())), "1");
    EXPECT_EQ(body_of(client.get(server.url())), "2");
}

TEST(Client, ARefusedConnectionWasNotSent) {
    const RefusingPort nobody;
    RunningClient client;
    const auto outcome =
        client.send(post_to("http://127.0.0.1:" + std::to_string(nobody.port()) + "/", "money"));
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
    EXPECT_THAT(why_of(outcome), Not(HasSubstr("127.0.0.1")));
}

TEST(Client, AnUnknownNameWasNotSent) {
    RunningClient client;
    // A label of more than 63 bytes: refused by the resolver itself, no name server is asked.
    const auto outcome = client.get("http://" + std::string(64, 'a') + ".invalid/");
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
}

/// A resolver whose names that end in ".dead" are answered only once `revived` is open; all others at once,
/// and everything with 127.0.0.1.
class SlowResolver {
  public:
    SlowResolver() = default;
    /// What is still blocked comes back, to whom it may concern, before this is gone.
    ~SlowResolver() {
        revived.open();
        resolve = nullptr;
        EXPECT_TRUE(gone_.wait());
    }
    SlowResolver(const SlowResolver&) = delete;
    SlowResolver& operator=(const SlowResolver&) = delete;
    [[nodiscard]] ClientOptions options() const {
        ClientOptions out;
        out.resolve = resolve;
        return out;
    }

    Gate revived;
    std::atomic<std::size_t> asked_dead = 0;

  private:
    Gate gone_;  ///< every thread that had a copy of `resolve` is past it

  public:
    decltype(ClientOptions::resolve) resolve =
        [this, last = std::shared_ptr<void>(nullptr, [this](void*) { gone_.open(); })](
            const std::string& host, boost::system::error_code& failed) {
            if (host.ends_with(".dead")) {
                ++asked_dead;
                if (!revived.wait()) failed = boost::asio::error::timed_out;
            }
            return std::vector<boost::asio::ip::address>{boost::asio::ip::address_v4::loopback()};
        };
};

TEST(Client, ANameServerThatLiesDeadStopsNobodyElse) {
    const RunningServer server(echo);
    const std::string port = ":" + std::to_string(server.port());
    SlowResolver resolver;
    {
        RunningClient client(resolver.options());
        auto first = client.start(post_to("http://a.dead" + port + "/", "money"));
        ASSERT_TRUE(client.io.wait_until([&] { return resolver.asked_dead == 1; }));
        EXPECT_EQ(body_of(client.get("http://alive.example" + port + "/")), "GET / ");
        auto second = client.start(post_to("http://b.dead" + port + "/", "money"));
        ASSERT_TRUE(client.io.wait_until([&] { return resolver.asked_dead == 2; }));
        resolver.revived.open();
        EXPECT_EQ(status_of(first.get()), 200);
        EXPECT_EQ(status_of(second.get()), 200);
    }
}

TEST(Client, ANameIsLookedUpOnceForAllWhoWait) {
    const RunningServer server(echo);
    const std::string url = "http://a.dead:" + std::to_string(server.port()) + "/";
    SlowResolver resolver;
    RunningClient client(resolver.options());
    auto first = client.start({"GET", url, {}, "", ""});
    auto second = client.start({"GET", url, {}, "", ""});
    const auto hasty = client.send({"GET", url, {}, "", ""}, milliseconds(50));
    EXPECT_TRUE(unanswered(hasty, false)) << why_of(hasty);
    EXPECT_THAT(why_of(hasty), HasSubstr("deadline"));
    resolver.revived.open();
    EXPECT_EQ(status_of(first.get()), 200);
    EXPECT_EQ(status_of(second.get()), 200);
    EXPECT_EQ(resolver.asked_dead, 1u);
    // What was found is not kept: the next one without a connection asks again.
    client.client().stop();
    RunningClient other(resolver.options());
    EXPECT_EQ(status_of(other.get(url)), 200);
    EXPECT_EQ(resolver.asked_dead, 2u);
}

TEST(Client, ALookupThatTakesTooLongWasNotSent) {
    SlowResolver resolver;
    auto options = resolver.options();
    options.connect_timeout = milliseconds(50);
    RunningClient client(options);
    const auto outcome = client.send(post_to("http://a.dead/", "money"));
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
    EXPECT_THAT(why_of(outcome), HasSubstr("looking up the name took too long"));
}

TEST(Client, NobodyWaitsForALookupAtTheEnd) {
    SlowResolver resolver;
    std::future<Outcome> outcome;
    {
        RunningClient client(resolver.options());
        outcome = client.start(post_to("http://a.dead/", "money"));
        ASSERT_TRUE(client.io.wait_until([&] { return resolver.asked_dead == 1; }));
    }
    // Client, thread and io_context are gone, and the resolver has not come back yet.
    ASSERT_EQ(outcome.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_TRUE(unanswered(outcome.get(), false));
}

TEST(Client, LookupsAtTheLimitAndOnePastIt) {
    const RunningServer server(echo);
    const auto url = [&](std::size_t number) {
        return "http://h" + std::to_string(number) + ".dead:" + std::to_string(server.port()) + "/";
    };
    SlowResolver resolver;
    auto options = resolver.options();
    options.connect_timeout = std::chrono::seconds(patience_seconds);
    RunningClient client(options);
    std::vector<std::future<Outcome>> waiting;
    for (std::size_t i = 0; i < lookups_at_once_max; ++i)
        waiting.push_back(client.start(post_to(url(i), "")));
    const auto refused = client.send(post_to(url(lookups_at_once_max), "money"));
    EXPECT_TRUE(unanswered(refused, false));
    EXPECT_EQ(why_of(refused), "too many lookups are under way");
    waiting.push_back(client.start(post_to(url(0), "")));  // a name that is being looked up already
    EXPECT_EQ(status_of(client.get(server.url())), 200);   // an address needs no lookup
    resolver.revived.open();
    for (auto& each : waiting) EXPECT_EQ(status_of(each.get()), 200);
    EXPECT_EQ(status_of(client.send(post_to(url(lookups_at_once_max), ""))), 200);
}

TEST(Client, AResolverThatThrowsIsANameThatIsNotFound) {
    const RunningServer server(echo);
    std::atomic<int> asked = 0;
    ClientOptions options;
    options.resolve = [&](const std::string& host, boost::system::error_code&) {
        ++asked;
        if (host == "ill.example") throw std::bad_alloc();
        if (host == "worse.example") throw 7;
        return std::vector<boost::asio::ip::address>{boost::asio::ip::address_v4::loopback()};
    };
    RunningClient client(options);
    const std::string port = ":" + std::to_string(server.port()) + "/";
    for (const std::string host : {"ill.example", "worse.example", "ill.example"})
        EXPECT_TRUE(unanswered(client.send(post_to("http://" + host + port, "money")), false)) << host;
    EXPECT_EQ(asked, 3) << "nobody waits for one that has failed";
    EXPECT_EQ(status_of(client.get("http://well.example" + port)), 200);
}

TEST(Client, AnAddressIsCheckedAfterTheLookup) {
    std::atomic<int> visits = 0;
    const RunningServer server([&](HttpRequest request, const Reply& reply) {
        ++visits;
        echo(std::move(request), reply);
    });
    SlowResolver resolver;
    auto options = resolver.options();
    options.public_only = true;
    RunningClient client(options);
    const auto outcome = client.get("http://shop.example:" + std::to_string(server.port()) + "/");
    EXPECT_TRUE(unanswered(outcome, false));
    EXPECT_THAT(why_of(outcome), HasSubstr("no address of this host may be connected to"));
    EXPECT_EQ(visits, 0);
}

TEST(Client, WhatIsNoRequestWasNotSent) {
    const RunningServer server(echo);
    RunningClient client;
    EXPECT_TRUE(unanswered(client.get("ftp://127.0.0.1/"), false));
    EXPECT_TRUE(unanswered(client.get("/relative"), false));
    EXPECT_TRUE(unanswered(client.get(""), false));
    EXPECT_TRUE(unanswered(client.send({"GET", server.url(), {{"X", "a\r\nY: b"}}, "", ""}), false));
    EXPECT_TRUE(unanswered(client.send({"GET", server.url(), {{"X: a\r\nY", "b"}}, "", ""}), false));
    EXPECT_TRUE(unanswered(client.send({"GET / HTTP/1.1\r\nX:", server.url(), {}, "", ""}), false));
    EXPECT_EQ(status_of(client.get(server.url())), 200);
}

TEST(Client, ClosedWithoutAnAnswerCountsAsSent) {
    RawServer server([](RawConnection& connection, int number) {
        connection.read_message();
        if (number == 2) connection.reset();
    });
    RunningClient client;
    for (int i = 0; i < 2; ++i) {
        const auto outcome = client.send(post_to(server.url(), "money"));
        EXPECT_TRUE(unanswered(outcome, true)) << why_of(outcome);
    }
    EXPECT_EQ(server.connections(), 2);
}

TEST(Client, ClosedAtOnceCountsAsSent) {
    RawServer server([](RawConnection&, int) {});  // perhaps a byte went out, perhaps not
    RunningClient client;
    EXPECT_TRUE(unanswered(client.send(post_to(server.url(), "money")), true));
    EXPECT_EQ(server.connections(), 1);
}

TEST(Client, AnAnswerCutShortIsNone) {
    const std::vector<std::string> answers = {
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
    };
    RawServer server([&](RawConnection& connection, int number) {
        connection.read_message();
        connection.write(answers[static_cast<std::size_t>(number - 1)]);
    });
    RunningClient client;
    for (const auto& answer : answers) {
        const auto outcome = client.get(server.url());
        EXPECT_TRUE(unanswered(outcome, true)) << answer << why_of(outcome);
        EXPECT_THAT(why_of(outcome), HasSubstr("cut short"));
    }
}

TEST(Client, GarbageIsNoAnswer) {
    const std::vector<std::string> answers = {
        "220 mail.example ESMTP\r\n", std::string(64, '\0'),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')};
    RawServer server([&](RawConnection& connection, int number) {
        connection.read_message();
        connection.write(answers[static_cast<std::size_t>(number - 1)]);
        connection.read_all();
    });
    RunningClient client;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto outcome = client.get(server.url());
        EXPECT_TRUE(unanswered(outcome, true)) << i << why_of(outcome);
    }
}

TEST(Client, TheDeadlineEndsAWaitForTheAnswer) {
    Gate received;
    RawServer server([&](RawConnection& connection, int) {
        connection.read_message();
        received.open();
        connection.read_all();  // until the client gives up
    });
    RunningClient client;
    // Long enough to be sent even on a machine under load.
    const auto outcome = client.send(post_to(server.url(), "money"), milliseconds(2500));
    EXPECT_TRUE(unanswered(outcome, true)) << why_of(outcome);
    EXPECT_THAT(why_of(outcome), HasSubstr("deadline"));
    EXPECT_TRUE(received.wait());
}

TEST(Client, TheDeadlineIsForTheWholeAnswer) {
    RawServer server([](RawConnection& connection, int) {
        connection.read_message();
        connection.write("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.write("trickle")) std::this_thread::sleep_for(milliseconds(5));
    });
    ClientOptions options;
    options.response_bytes_max = 100'000'000;
    RunningClient client(options);
    EXPECT_TRUE(unanswered(client.send({"GET", server.url(), {}, "", ""}, milliseconds(2500)), true));
}

TEST(Client, ATimeOutBeforeAnythingLeftWasNotSent) {
    RawServer server(
        [](RawConnection& connection, int) { connection.read_all(); });  // never says its TLS hello
    const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
    RunningClient client;
    auto outcome = client.send(post_to(url, "money"), milliseconds(100));
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
    EXPECT_THAT(why_of(outcome), HasSubstr("deadline"));
    EXPECT_TRUE(unanswered(client.send(post_to(url, "money"), milliseconds(0)), false));

    ClientOptions options;
    options.connect_timeout = milliseconds(100);
    RunningClient hasty(options);
    outcome = hasty.send(post_to(url, "money"));
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
    EXPECT_THAT(why_of(outcome), HasSubstr("took too long"));
}

TEST(Client, AnswerAtTheLimitAndOnePastIt) {
    constexpr std::size_t limit = 1000;
    const std::string at(limit, 'x');
    const std::string past(limit + 1, 'x');
    // Each says that it is the last of its connection: the next request must not go where nobody answers.
    const std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + at + "\r\n";
    const std::string endless = head + "\r\n";
    const std::vector<std::string> answers = {head + "Content-Length: 1000\r\n\r\n" + at,
                                              head + "Content-Length: 1001\r\n\r\n" + past,
                                              chunked + "0\r\n\r\n",
                                              chunked + "1\r\nx\r\n",
                                              endless + at,
                                              endless + past};
    RawServer server([&](RawConnection& connection, int number) {
        connection.read_message();
        connection.write(answers[static_cast<std::size_t>(number - 1)]);
        connection.finish_writing();
        connection.read_all();
    });
    ClientOptions options;
    options.response_bytes_max = limit;
    RunningClient client(options);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto outcome = client.get(server.url());
        if (i % 2 == 0) {
            EXPECT_EQ(body_of(outcome), at) << i << why_of(outcome);
        } else {
            EXPECT_TRUE(unanswered(outcome, true)) << i;
            EXPECT_THAT(why_of(outcome), HasSubstr("larger than 1000 bytes"));
        }
    }
}

TEST(Client, HasALimitByDefault) {
    const RunningServer server([](const HttpRequest& request, const Reply& reply) {
        HttpResponse response;
        response.body.assign(limits::response_body_bytes_max + (request.target == "/past" ? 1 : 0), 'x');
        reply(std::move(response));
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.get(server.url("/at"))).size(), limits::response_body_bytes_max);
    EXPECT_TRUE(unanswered(client.get(server.url("/past")), true));
}

TEST(Client, ReadsWhatHasNoBody) {
    RawServer server([](RawConnection& connection, int) {
        connection.read_message();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
        connection.read_message();
        connection.write("HTTP/1.1 204 No Content\r\n\r\n");
        connection.read_message();
        connection.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
        connection.read_message();
        connection.write(ok_message("end"));
        connection.read_all();
    });
    RunningClient client;
    EXPECT_EQ(status_of(client.send({"HEAD", server.url(), {}, "", ""})), 200);
    EXPECT_EQ(status_of(client.get(server.url())), 204);
    EXPECT_EQ(status_of(client.get(server.url())), 304);
    EXPECT_EQ(body_of(client.get(server.url())), "end");
    EXPECT_EQ(server.connections(), 1);
}

TEST(Client, SkipsInterimResponses) {
    RawServer server([](RawConnection& connection, int number) {
        connection.read_message();
        const std::string interim = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n";
        if (number == 1) connection.write("HTTP/1.1 100 Continue\r\n\r\n" + interim + ok_message("final"));
        if (number == 2) {
            while (connection.write(interim)) {
            }
        }
        connection.read_all();
    });
    RunningClient client;
    EXPECT_EQ(body_of(client.send({"GET", server.url(), {{"Connection", "x"}}, "", ""})), "final");
    client.client().stop();
    RunningClient other;
    EXPECT_TRUE(unanswered(other.get(server.url()), true));
}

TEST(Client, FollowsNoRedirect) {
    std::atomic<int> visits = 0;
    const RunningServer server([&](const HttpRequest&, const Reply& reply) {
        ++visits;
        reply(redirect_response(302, "/elsewhere"));
    });
    RunningClient client;
    const auto outcome = client.get(server.url());
    EXPECT_EQ(status_of(outcome), 302);
    EXPECT_EQ(std::get<HttpResponse>(outcome).header("Location"), "/elsewhere");
    EXPECT_EQ(visits, 1);
}

TEST(Client, ReadsARefusalOfABodyItCouldNotFinish) {
    ServerOptions options;
    options.body_bytes_max = 10;
    const RunningServer server(echo, options);
    RunningClient client;
    EXPECT_EQ(status_of(client.send(post_to(server.url(), std::string(3'000'000, 'b')))), 413);
}

TEST(Client, StopEndsWhatIsOpen) {
    Gate received;
    RawServer server([&](RawConnection& connection, int) {
        connection.read_message();
        received.open();
        connection.read_all();
    });
    RawServer silent([](RawConnection& connection, int) { connection.read_all(); });
    RunningClient client;
    auto sent = client.start(post_to(server.url(), "money"));
    auto connecting =
        client.start(post_to("https://127.0.0.1:" + std::to_string(silent.port()) + "/", "money"));
    ASSERT_TRUE(received.wait());
    client.client().stop();
    EXPECT_TRUE(unanswered(sent.get(), true));
    EXPECT_TRUE(unanswered(connecting.get(), false));
    EXPECT_TRUE(unanswered(client.get(server.url()), false));
}

TEST(Client, DestructionAnswersWhatIsOpen) {
    RawServer server([](RawConnection& connection, int) { connection.read_all(); });
    std::future<Outcome> outcome;
    {
        RunningClient client;
        outcome = client.start(post_to(server.url(), "money"));
    }
    EXPECT_EQ(outcome.wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST(Client, ACallbackMaySendAgain) {
    const RunningServer server(echo);
    RunningClient client;
    std::promise<Outcome> second;
    client.client().send(
        {"GET", server.url("/1"), {}, "", ""}, std::chrono::seconds(20), [&](const Outcome& first) {
            EXPECT_EQ(status_of(first), 200);
            client.client().send({"GET", server.url("/2"), {}, "", ""}, std::chrono::seconds(20),
                                 [&](Outcome outcome) { second.set_value(std::move(outcome)); });
        });
    EXPECT_EQ(body_of(second.get_future().get()), "GET /2 ");
}

TEST(Client, LoopbackOnly) {
    const RunningServer server(echo);
    ClientOptions options;
    options.loopback_only = true;
    RunningClient client(options);
    const std::string port = std::to_string(server.port());
    EXPECT_EQ(status_of(client.get(server.url())), 200);
    EXPECT_EQ(status_of(client.get("http://localhost:" + port + "/")), 200);
    EXPECT_EQ(status_of(client.get("http://shop.localhost:" + port + "/")), 200);
    for (const std::string host : {"192.0.2.1", "10.0.0.1", "0.0.0.0", "[2001:db8::1]", "[fe80::1]"}) {
        const auto outcome = client.get("http://" + host + ":" + port + "/");
        EXPECT_TRUE(unanswered(outcome, false)) << host;
        EXPECT_THAT(why_of(outcome), HasSubstr("no address of this host may be connected to")) << host;
    }
}

TEST(Client, PublicOnly) {
    std::atomic<int> visits = 0;
    const RunningServer server([&](HttpRequest request, const Reply& reply) {
        ++visits;
        echo(std::move(request), reply);
    });
    ClientOptions options;
    options.public_only = true;
    RunningClient client(options);
    const std::string port = std::to_string(server.port());
    for (const std::string host : {"127.0.0.1", "localhost", "shop.localhost", "0.0.0.0", "[::1]",
                                   "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"}) {
        const auto outcome = client.get("http://" + host + ":" + port + "/");
        EXPECT_TRUE(unanswered(outcome, false)) << host;
        EXPECT_THAT(why_of(outcome), HasSubstr("no address of this host may be connected to")) << host;
    }
    // Other spellings of loopback, which a resolver would take.
    for (const std::string host : {"127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1"}) {
        EXPECT_TRUE(unanswered(client.get("http://" + host + ":" + port + "/"), false)) << host;
    }
    EXPECT_EQ(visits, 0);
}

TEST(Client, SpeaksIpv6) {
    boost::asio::io_context probe;
    boost::system::error_code ec;
    boost::asio::ip::tcp::acceptor acceptor(probe);
    acceptor.open(boost::asio::ip::tcp::v6(), ec);
    if (!ec) acceptor.bind({boost::asio::ip::address_v6::loopback(), 0}, ec);
    if (ec) GTEST_SKIP() << "this machine has no ::1";

    std::string host;
    std::string peer;
    ServerOptions options;
    options.address = "::1";
    const RunningServer server(
        [&](const HttpRequest& request, const Reply& reply) {
            host = request.header("Host");
            peer = request.peer;
            reply({});
        },
        options);
    ClientOptions loopback;
    loopback.loopback_only = true;
    RunningClient client(loopback);
    const std::string port = std::to_string(server.port());
    EXPECT_EQ(status_of(client.get("http://[::1]:" + port + "/")), 200);
    EXPECT_EQ(host, "[::1]:" + port);
    EXPECT_EQ(peer, "::1");
    // 127.0.0.1 refuses there; the second address of the name answers.
    EXPECT_EQ(status_of(client.get("http://localhost:" + port + "/")), 200);
}

TEST(Client, SaysThatItCannotReadItsCertificates) {
    boost::asio::io_context io;
    ClientOptions options;
    options.trusted_certificates_pem = "no certificate";
    EXPECT_THROW(Client(io, options), std::runtime_error);
}

TEST(AddressPolicy, KnowsWhatIsPublic) {
    const auto address = [](const char* text) { return boost::asio::ip::make_address(text); };
    for (const char* text :
         {"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0",
          "192.167.255.255", "192.169.0.0", "169.253.255.255", "100.63.255.255", "100.128.0.0",
          "223.255.255.255", "198.17.255.255", "198.20.0.0", "2a00:1450:4001::1", "2606:4700::1",
          "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
        EXPECT_TRUE(is_public_address(address(text))) << text;
    }
    for (const char* text : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.0",
                             "10.255.255.255",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.169.254",
                             "172.16.0.0",
                             "172.31.255.255",
                             "192.168.0.0",
                             "192.168.255.255",
                             "100.64.0.0",
                             "100.127.255.255",
                             "192.0.0.1",
                             "192.0.2.1",
                             "198.18.0.0",
                             "198.19.255.255",
                             "198.51.100.1",
                             "203.0.113.1",
                             "224.0.0.1",
                             "239.255.255.255",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::7f00:1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "64:ff9b::7f00:1",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:db8::1",
                             "2002:7f00:1::1",
                             "2002:a00:1::",
                             "3fff::1",
                             "fc00::1",
                             "fd00::1",
                             "fe80::1",
                             "fec0::1",
                             "ff02::1"}) {
        EXPECT_FALSE(is_public_address(address(text))) << text;
    }
    for (const char* text : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(is_loopback_address(address(text))) << text;
    }
    for (const char* text : {"128.0.0.1", "10.0.0.1", "::2", "::ffff:128.0.0.1", "::"}) {
        EXPECT_FALSE(is_loopback_address(address(text))) << text;
    }
}

}  // namespace
}  // namespace kassi::http::test
