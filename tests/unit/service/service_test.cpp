#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/crypto.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "running.hpp"
#include "service/control.hpp"
#include "service/house.hpp"
#include "service/story.hpp"
#include "tests/unit/log_lines.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::service {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// What a purchase leads to, in the thread of the caller.
class Stepping {
  public:
    explicit Stepping(const Config& given)
        : config(given), house(io, config, std::make_shared<SystemClock>(), House::Copy::refuse) {}
    template <class T>
    T wait(const std::optional<T>& answer) {
        const auto work = boost::asio::make_work_guard(io);
        while (!answer) io.run_one();
        return *answer;
    }
    TransactionId hand_over() {
        std::optional<TransactionId> id;
        house.engine().hand_over(
            trolley(house.engine().now()), {"system box-office", "track-1", std::nullopt},
            [&](Result<engine::View> view) {
                if (!view) throw std::runtime_error(view.error().field + " " + view.error().message);
                id = view->transaction.id;
            });
        return wait(id);
    }
    engine::View purchase(const TransactionId& id, engine::PurchaseRequest request = {}) {
        std::optional<engine::View> after;
        house.engine().purchase(
            id, std::move(request), {"caller demo", "", std::nullopt}, [&](Result<engine::View> view) {
                if (!view) throw std::runtime_error(view.error().field + " " + view.error().message);
                after = *view;
            });
        return wait(after);
    }
    const Config config;
    boost::asio::io_context io{1};
    House house;
};

std::string ask(const std::string& directory, const std::string& request) {
    const auto answer = ask_server(directory, request, [](const std::string&) {});
    if (!answer) return "nobody";
    return *answer ? **answer : "error " + answer->error().field + ": " + answer->error().message;
}

// ---- service ------------------------------------------------------------------------------------------

TEST(ServiceTest, ServesItsDoorsAndStopsWithZero) {
    TemporaryFolder folder;
    Running running(on_credit_config(folder.path("data")));
    EXPECT_EQ(running.get("/v1/transactions").status, 401);
    EXPECT_EQ(
        running.get("/v1/transactions", false, {{"Authorization", std::string("Bearer ") + api_key}}).status,
        200);
    EXPECT_EQ(running.get("/f13/test.v1").status, 401);
    EXPECT_EQ(running.get("/callback/nonsense").status, 400);
    EXPECT_EQ(running.get("/nothing-here").status, 404);
    EXPECT_EQ(running.get("/metrics").status, 404) << "operators have a listener of their own";
    EXPECT_EQ(running.get("/healthz", true).status, 200);
    EXPECT_EQ(running.get("/readyz", true).status, 200);
    EXPECT_EQ(running.get("/metrics", true).status, 200);
    EXPECT_EQ(running.service().config().settings.public_url,
              "http://127.0.0.1:" + std::to_string(running.service().port()));
    EXPECT_EQ(running.stop(), 0);
}

TEST(ServiceTest, StartsAgainOnTheSameData) {
    TemporaryFolder folder;
    for (int i = 0; i < 2; ++i) {
        Running running(on_credit_config(folder.path("data")));
        EXPECT_EQ(running.get("/healthz", true).status, 200);
        EXPECT_EQ(running.stop(), 0);
    }
}

TEST(ServiceTest, TwoOnOneDataDirectoryAreRefused) {
    TemporaryFolder folder;
    Running running(on_credit_config(folder.path("data")));
    auto config = on_credit_config(folder.path("data"));
    config.lock_patience = lock_patience / 100;
    try {
        Service second(std::move(config), std::make_shared<SystemClock>());
        FAIL();
    } catch (const LockHeld& error) {
        EXPECT_THAT(error.what(), HasSubstr("another process holds the lock"));
    }
    EXPECT_EQ(json::parse(ask(folder.path("data"), R"({"do":"status"})")).at("mode"), "sandbox")
        << "the first goes on";
}

TEST(ServiceTest, APortThatIsTakenIsRefused) {
    TemporaryFolder folder;
    Running running(on_credit_config(folder.path("data")));
    auto config = on_credit_config(folder.path("other"));
    config.doors.port = running.service().port();
    EXPECT_THROW(Service(std::move(config), std::make_shared<SystemClock>()), std::runtime_error);
}

TEST(ServiceTest, WhatIsUnderWayIsFinishedBeforeTheEnd) {
    TemporaryFolder folder;
    std::promise<void> begun;
    Service* service = nullptr;
    std::vector<api::Mount> more;
    more.push_back(
        {"/slow", [&](HttpRequest, Reply reply) {
             auto timer =
                 std::make_shared<boost::asio::steady_timer>(service->io(), std::chrono::milliseconds(300));
             timer->async_wait([timer, reply = std::move(reply)](const boost::system::error_code&) {
                 reply(json_response(200, "{}"));
             });
             begun.set_value();
         }});
    Running running(on_credit_config(folder.path("data")), std::move(more));
    service = &running.service();
    auto answer = std::async(std::launch::async, [&] { return running.get("/slow").status; });
    begun.get_future().wait();
    EXPECT_EQ(running.stop(), 0);
    EXPECT_EQ(answer.get(), 200);
}

TEST(ServiceTest, TheBoundPortIsToldBeforeAnythingElse) {
    TemporaryFolder folder;
    auto config = on_credit_config(folder.path("data"));
    unsigned short told = 0;
    config.when_bound = [&](Config& bound, unsigned short port) {
        told = port;
        bound.settings.public_url = "http://localhost:" + std::to_string(port);
        EXPECT_FALSE(std::filesystem::exists(bound.data_directory));
    };
    Running running(std::move(config));
    EXPECT_EQ(told, running.service().port());
    EXPECT_EQ(running.service().engine().settings().public_url, "http://localhost:" + std::to_string(told));
}

TEST(ServiceTest, ASignalDuringTheStartWaitsForTheRun) {
    TemporaryFolder folder;
    for (const int signal : {SIGTERM, SIGINT}) {
        auto config = on_credit_config(folder.path("data"));
        config.when_bound = [signal](Config&, unsigned short) { std::raise(signal); };
        Service service(std::move(config), std::make_shared<SystemClock>());
        EXPECT_EQ(service.run(), 0);
    }
}

/// With a provider that never answers; then the process is gone.
void leave_a_call_open(const TemporaryFolder& folder) {
    boost::asio::io_context provider_io{1};
    std::vector<http::Reply> kept;
    http::Server provider(provider_io, {},
                          [&](HttpRequest, http::Reply reply) { kept.push_back(std::move(reply)); });
    Stepping before(
        redirect_config(folder.path("data"), "http://127.0.0.1:" + std::to_string(provider.port())));
    before.house.check_merchants();
    engine::PurchaseRequest request;
    request.returns = engine::ReturnDetails{
        .token = "abc", .url = "http://127.0.0.1:9/back/abc", .remote_site = "127.0.0.1:9"};
    before.purchase(before.hand_over(), request);
}

TEST(ServiceTest, AnOpenLegWhoseMerchantIsGoneRefusesTheStart) {
    TemporaryFolder folder;
    leave_a_call_open(folder);
    try {
        Service service(on_credit_config(folder.path("data")), std::make_shared<SystemClock>());
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("acme"));
        EXPECT_THAT(error.what(), HasSubstr("retired = true"));
    }
    auto retired = redirect_config(folder.path("data"), "http://127.0.0.1:1");
    retired.directory.merchants.back().retired = true;
    EXPECT_NO_THROW(Service(std::move(retired), std::make_shared<SystemClock>()));
}

TEST(ServiceTest, AnotherMasterKeyIsRefused) {
    TemporaryFolder folder;
    { Stepping(on_credit_config(folder.path("data"))).hand_over(); }
    auto config = on_credit_config(folder.path("data"));
    config.master_key = Secret<>(std::string(32, 'x'));
    EXPECT_THROW(Service(std::move(config), std::make_shared<SystemClock>()), std::runtime_error);
}

TEST(ServiceTest, LiveModeOpensNoDataOfASandbox) {
    TemporaryFolder folder;
    { Stepping(on_credit_config(folder.path("data"))).hand_over(); }
    auto config = on_credit_config(folder.path("data"));
    config.settings.mode = engine::Mode::live;
    try {
        Service service(std::move(config), std::make_shared<SystemClock>());
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("is that of mode sandbox, and this is mode live"));
    }
}

// ---- a copy that was put back -------------------------------------------------------------------------

/// A house with open payments, and a copy of its record where a house may be.
class CopyOfAHouse : public testing::Test {
  protected:
    static constexpr int open_payments = 60;
    CopyOfAHouse() {
        {
            Stepping before(on_credit_config(folder.path("before")));
            for (int i = 0; i < open_payments; ++i) id = before.hand_over();
        }
        std::filesystem::create_directory(folder.path("data"));
        const auto copied = store::backup(folder.path("before"), Secret<>(std::string(32, 'k')),
                                          folder.path("data") + "/kassi.db", SystemClock().now(), nullptr);
        EXPECT_TRUE(copied && copied->findings.empty());
    }
    Config config(bool restored) {
        auto config = on_credit_config(folder.path("data"));
        config.restored = restored;
        return config;
    }
    std::string refusal(bool restored) {
        try {
            Service service(config(restored), std::make_shared<SystemClock>());
            return "";
        } catch (const std::runtime_error& error) {
            return error.what();
        }
    }
    json status() { return json::parse(ask(folder.path("data"), R"({"do":"status"})")); }
    TemporaryFolder folder;
    TransactionId id;
};

/// A request that waits before the server runs; its answer, when it does.
class Waiting {
  public:
    Waiting(unsigned short port, const std::string& target) : socket_(io_) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
        boost::asio::write(
            socket_,
            boost::asio::buffer("GET " + target + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"));
    }
    std::string answer() {
        std::string text;
        boost::system::error_code ec;
        boost::asio::read(socket_, boost::asio::dynamic_buffer(text), ec);
        return text;
    }

  private:
    boost::asio::io_context io_{1};
    boost::asio::ip::tcp::socket socket_;
};

TEST_F(CopyOfAHouse, IsServedWhenWhatItDoesNotKnowWasAskedFor) {
    EXPECT_THAT(refusal(false), HasSubstr("--restored"));
    {
        Service service(config(true), std::make_shared<SystemClock>());
        EXPECT_EQ(ask(folder.path("data"), R"({"do":"status"})"), "nobody") << "nor by the control socket";
        const LogLines log;
        Waiting door(service.port(), "/v1/transactions"), f13(service.port(), "/f13/test.v1/"),
            readyz(service.operators_port(), "/readyz"), healthz(service.operators_port(), "/healthz");
        std::thread running([&] { EXPECT_EQ(service.run(), 0); });
        for (Waiting* waiting : {&door, &f13}) {
            const auto answer = waiting->answer();
            EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503"));
            EXPECT_THAT(answer, HasSubstr("Retry-After: 1"));
            EXPECT_THAT(answer, HasSubstr("the record is a copy"));
        }
        EXPECT_THAT(readyz.answer(), HasSubstr("the record is a copy"));
        EXPECT_THAT(healthz.answer(), HasSubstr("HTTP/1.1 200"));
        std::string said;
        do said = ask(folder.path("data"), R"({"do":"status"})");
        while (said == "nobody");
        const auto after = json::parse(said);
        EXPECT_TRUE(after.at("copied_at").is_null());
        EXPECT_TRUE(after.at("restored_from").is_string());
        EXPECT_TRUE(after.at("restored_at").is_string());
        EXPECT_EQ(after.at("open"), 0) << "who was to pay hands over anew";
        EXPECT_THAT(log.text(), HasSubstr("\"refused_meanwhile\":\"2\""));
        EXPECT_THAT(log.text(), Not(HasSubstr("\"event\":\"refused\""))) << "each is as it should be";
        EXPECT_THAT(log.text(), Not(HasSubstr("\"level\":\"error\"")));
        EXPECT_THAT(Waiting(service.port(), "/v1/transactions").answer(), HasSubstr("HTTP/1.1 401"));
        EXPECT_THAT(Waiting(service.operators_port(), "/readyz").answer(), HasSubstr("HTTP/1.1 200"));
        service.stop();
        running.join();
    }
    EXPECT_THAT(refusal(true), HasSubstr("put to work already"));
    Running running(config(false));
    EXPECT_TRUE(status().at("restored_at").is_string());
    EXPECT_THAT(ask(folder.path("data"), R"({"do":"show","transaction":")" + id.text() + "\"}"),
                HasSubstr("put back to a copy"));
}

TEST_F(CopyOfAHouse, ToldToStopInTheMiddleItIsStillACopy) {
    {
        auto stopped = config(true);
        stopped.when_bound = [](Config&, unsigned short) { std::raise(SIGTERM); };
        Service service(std::move(stopped), std::make_shared<SystemClock>());
        EXPECT_EQ(service.run(), 0);
    }
    EXPECT_THAT(refusal(false), HasSubstr("is a copy"));
    Running running(config(true));
}

TEST_F(CopyOfAHouse, CanBeLookedAt) {
    const auto data = config(false);
    boost::asio::io_context io{1};
    House house(io, data, std::make_shared<SystemClock>(), House::Copy::read);
    std::string text;
    Operations(house.engine(), house.outside())
        .handle(R"({"do":"status"})", [](const std::string&) {},
                [&](const Result<std::string>& answer) { text = answer.value(); });
    EXPECT_TRUE(json::parse(text).at("copied_at").is_string());
    EXPECT_EQ(json::parse(text).at("open"), open_payments);
    EXPECT_THAT(story_json(house.engine(), id.text()).value(), HasSubstr("reserved"));
}

TEST(ServiceTest, WhatIsNoCopyIsNotRestored) {
    TemporaryFolder folder;
    { Stepping(on_credit_config(folder.path("data"))).hand_over(); }
    auto config = on_credit_config(folder.path("data"));
    config.restored = true;
    EXPECT_THROW(Service(std::move(config), std::make_shared<SystemClock>()), std::runtime_error);
}

// ---- control socket -----------------------------------------------------------------------------------

class ControlTest : public testing::Test {
  protected:
    TemporaryFolder folder;
    std::string data = folder.path("data");
};

TEST_F(ControlTest, NobodyAnswersWhereNobodyRuns) {
    EXPECT_EQ(ask(data, R"({"do":"status"})"), "nobody");
    { Running running(on_credit_config(data)); }
    EXPECT_FALSE(std::filesystem::exists(data + "/control")) << "a stopped server leaves no socket";
    EXPECT_EQ(ask(data, R"({"do":"status"})"), "nobody");
}

TEST_F(ControlTest, TheSocketIsItsOwnersAlone) {
    Running running(on_credit_config(data));
    struct stat about {};
    ASSERT_EQ(::stat((data + "/control").c_str(), &about), 0);
    EXPECT_TRUE(S_ISSOCK(about.st_mode));
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(ControlTest, ASocketThatAKilledServerLeftIsReplaced) {
    { Running running(on_credit_config(data)); }
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (data + "/control").copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(descriptor);
    Running running(on_credit_config(data));
    EXPECT_EQ(json::parse(ask(data, R"({"do":"status"})")).at("transactions"), 0);
}

TEST_F(ControlTest, ADeepDataDirectoryHasASocketToo) {
    data = folder.path(std::string(100, 'd') + "/" + std::string(100, 'e'));
    std::filesystem::create_directories(data);
    Running running(on_credit_config(data));
    EXPECT_EQ(json::parse(ask(data, R"({"do":"status"})")).at("transactions"), 0);
}

TEST_F(ControlTest, BadRequestsAreRefusedByName) {
    Running running(on_credit_config(data));
    EXPECT_THAT(ask(data, "{"), HasSubstr("error request"));
    EXPECT_THAT(ask(data, "[]"), HasSubstr("error request: must be an object"));
    EXPECT_THAT(ask(data, "{}"), HasSubstr("error do: is missing"));
    EXPECT_THAT(ask(data, R"({"do":"dance"})"), HasSubstr("must be status, show, sweep, settle or forget"));
    EXPECT_THAT(ask(data, R"({"do":"show"})"), HasSubstr("error transaction: is missing"));
    EXPECT_THAT(ask(data, R"({"do":"show","transaction":"T000-0000-0000-0000"})"),
                HasSubstr("there is no transaction"));
    EXPECT_THAT(
        ask(data,
            R"({"do":"settle","transaction":"x","leg":1,"money":"gone","by":"Anna","because":"phoned"})"),
        HasSubstr("error money: must be none, held, taken or back"));
    EXPECT_THAT(
        ask(data,
            R"({"do":"settle","transaction":"x","leg":"1","money":"none","by":"Anna","because":"phoned"})"),
        HasSubstr("error leg: must be a whole number"));
    EXPECT_THAT(ask(data, R"({"do":"settle","transaction":"x","leg":1,"money":"none","because":"phoned"})"),
                HasSubstr("error by: is missing"));
    EXPECT_THAT(ask(data, std::string(control_line_bytes_max, ' ')), HasSubstr("went away"));
    EXPECT_EQ(json::parse(ask(data, R"({"do":"status"})")).at("transactions"), 0) << "and goes on";
}

TEST_F(ControlTest, ASweepSaysWhatItDid) {
    Running running(on_credit_config(data));
    const auto report = json::parse(ask(data, R"({"do":"sweep"})"));
    EXPECT_EQ(report.at("looked_at"), 0);
    EXPECT_EQ(report.at("needs_person"), 0);
}

TEST_F(ControlTest, ASweepOnAClockThatIsAheadSaysWhatEndsIt) {
    auto clock = std::make_shared<SystemClock>();
    Stepping stepping(on_credit_config(data));
    const HttpOutside careful(stepping.io, clock, OutsideOptions{"", true, true});
    clock->never_before(clock->now() + std::chrono::hours(1));  // as the last record may be
    std::string said;
    Operations(stepping.house.engine(), careful)
        .handle(R"({"do":"sweep"})", [](const std::string&) {},
                [&](const Result<std::string>& answer) { said = answer ? *answer : answer.error().message; });
    EXPECT_THAT(said, HasSubstr("until the machine's clock has caught up; a restart does not help"));
    EXPECT_THAT(std::string(drift_meaning(drift_max * 2)), HasSubstr("or the service is restarted"))
        << "the machine's clock is ahead, and a start takes its time";
}

/// A house that opens sessions, and answers nothing else.
class SessionsOnly {
  public:
    SessionsOnly()
        : server_(io_, {},
                  [this](const HttpRequest& request, const http::Reply& reply) { answer(request, reply); }),
          thread_([this] { io_.run(); }) {}
    ~SessionsOnly() {
        io_.stop();
        thread_.join();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

  private:
    void answer(const HttpRequest& request, const http::Reply& reply) {
        if (request.path() != "/sessions") {
            unanswered_.push_back(reply);
            return;
        }
        const auto asked = json::parse(request.body);
        const json callout{
            {"type", asked.at("callout_type")},
            {"url", url() + "/page"},
            {"parameters", json::array({json::array({"return_url", asked.at("return_url")})})}};
        reply(json_response(201, json{{"id", "rs_" + std::to_string(++sessions_)},
                                      {"status", "open"},
                                      {"reference", asked.at("reference")},
                                      {"amount", asked.at("amount")},
                                      {"currency", asked.at("currency")},
                                      {"refunded", 0},
                                      {"created_at", "2026-01-10T10:00:00Z"},
                                      {"expires_at", asked.at("expires_at")},
                                      {"callout", callout}}
                                     .dump()));
    }

    boost::asio::io_context io_{1};
    int sessions_ = 0;
    std::vector<http::Reply> unanswered_;
    http::Server server_;
    std::thread thread_;
};

TEST(StatusTest, NamesWhatHasAVerdictAndIsNotSettledAndSaysThatThereAreMore) {
    constexpr std::size_t payments = 52;
    TemporaryFolder folder;
    const SessionsOnly house;
    Stepping stepping(redirect_config(folder.path("data"), house.url()));
    auto& engine = stepping.house.engine();
    const auto work = boost::asio::make_work_guard(stepping.io);
    // All at once, so that they share their commits.
    std::vector<TransactionId> ids;
    std::size_t answered = 0;
    const auto until_all = [&] {
        for (; answered < payments; stepping.io.run_one()) {
        }
        answered = 0;
    };
    for (std::size_t i = 0; i < payments; ++i) {
        engine.hand_over(trolley(engine.now()), {"system box-office", "", std::nullopt},
                         [&](Result<engine::View> view) {
                             ++answered;
                             ASSERT_TRUE(view) << view.error().message;
                             ids.push_back(view->transaction.id);
                         });
    }
    until_all();
    for (const auto& id : ids) {
        engine::PurchaseRequest request;
        const auto token = "token-" + id.text();
        request.returns = engine::ReturnDetails{
            .token = token, .url = "http://127.0.0.1:9/back/" + token, .remote_site = "127.0.0.1:9"};
        engine.purchase(id, std::move(request), {"caller demo", "", std::nullopt},
                        [&, id](const Result<engine::View>& view) {
                            if (!view) {
                                ++answered;
                                ADD_FAILURE() << view.error().message;
                                return;
                            }
                            engine.wait(id, engine::Until::answer, Millis(60'000),
                                        [&](const Result<engine::View>&) { ++answered; });
                        });
    }
    until_all();
    const auto status = [&] {
        std::string text;
        Operations(engine, stepping.house.outside())
            .handle(R"({"do":"status"})", [](const std::string&) {},
                    [&](Result<std::string> answer) { text = answer.value(); });
        return json::parse(text);
    };
    EXPECT_EQ(status().at("open"), payments);
    EXPECT_TRUE(status().at("look_at").empty()) << "customers who are away are no trouble";
    EXPECT_EQ(status().at("more"), false);

    for (const auto& id : ids) {
        engine.submit(id, core::Release{}, {"caller demo", "", std::nullopt},
                      [&](const Result<engine::View>& view) {
                          ++answered;
                          EXPECT_TRUE(view) << (view ? "" : view.error().message);
                      });
    }
    until_all();
    // Decided, and their sessions are being closed.
    const auto after = status();
    EXPECT_EQ(after.at("in_doubt"), 0);
    ASSERT_EQ(after.at("look_at").size(), 50U);
    EXPECT_EQ(after.at("more"), true);
    for (const auto& entry : after.at("look_at")) {
        EXPECT_EQ(entry.at("phase"), "failed");
        EXPECT_EQ(entry.at("settled"), false);
    }
}

TEST(StatusTest, SaysSinceWhenSomethingIsUnknown) {
    TemporaryFolder folder;
    leave_a_call_open(folder);
    Stepping after(redirect_config(folder.path("data"), "http://127.0.0.1:1"));
    after.house.engine().start();
    const auto work = boost::asio::make_work_guard(after.io);
    json status;
    do {
        after.io.run_one();
        Operations(after.house.engine(), after.house.outside())
            .handle(R"({"do":"status"})", [](const std::string&) {},
                    [&](const Result<std::string>& answer) { status = json::parse(answer.value()); });
    } while (status.at("in_doubt") == 0);
    ASSERT_EQ(status.at("look_at").size(), 1U);
    const auto since = parse_iso8601(status.at("look_at")[0].at("since").get<std::string>(), "since");
    ASSERT_TRUE(since);
    EXPECT_EQ(after.house.engine().metrics().unknown_since, *since);
    EXPECT_EQ(status.at("unmatched"), 0);
    EXPECT_TRUE(status.at("restored_at").is_null());
}

// ---- forgetting ---------------------------------------------------------------------------------------

TEST(ForgetTest, OverTheControlSocketByANamedPerson) {
    TemporaryFolder folder;
    const auto data = folder.path("data");
    TransactionId open, bought;
    {
        Stepping before(on_credit_config(data));
        open = before.hand_over();
        bought = before.hand_over();
        before.purchase(bought);
    }
    Running running(on_credit_config(data));
    const auto forget = [&](const TransactionId& id, const std::string& words) {
        return ask(data, R"({"do":"forget","transaction":")" + id.text() + "\"" + words + "}");
    };
    EXPECT_THAT(forget(bought, R"(,"because":"x")"), HasSubstr("error by: is missing"));
    EXPECT_THAT(forget(bought, R"(,"by":"Anna")"), HasSubstr("error because: is missing"));
    EXPECT_THAT(forget(bought, R"(,"by":"Anna","because":")" + std::string(257, 'x') + "\""),
                HasSubstr("error because: is longer than 256"));
    EXPECT_THAT(forget(open, R"(,"by":"Anna","because":"x")"),
                HasSubstr("error transaction: is not settled"));
    EXPECT_THAT(forget(TransactionId{}, R"(,"by":"Anna","because":"x")"), HasSubstr("error transaction"));
    for (int i = 0; i < 2; ++i) {
        const auto answer = json::parse(forget(bought, R"(,"by":"Anna","because":"she asked for it")"));
        EXPECT_EQ(answer.at("forgotten"), true);
        EXPECT_EQ(answer.at("phase"), "purchased");
    }
    EXPECT_THAT(ask(data, R"({"do":"show","transaction":")" + bought.text() + "\"}"),
                HasSubstr("person Anna"));
}

// ---- story --------------------------------------------------------------------------------------------

TEST(StoryTest, TellsAPaymentFromItsJournal) {
    TemporaryFolder folder;
    Stepping stepping(on_credit_config(folder.path("data")));
    const auto id = stepping.hand_over();
    const auto view = stepping.purchase(id);
    ASSERT_EQ(view.transaction.phase, core::Phase::purchased);

    auto& engine = stepping.house.engine();
    const auto by_id = story_json(engine, id.text());
    ASSERT_TRUE(by_id);
    auto small = view.transaction.reference;
    for (auto& c : small) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(story_json(engine, small).value(), *by_id) << "by reference, in any case";

    const auto story = json::parse(*by_id);
    EXPECT_EQ(story.at("transaction"), id.text());
    EXPECT_EQ(story.at("phase"), "purchased");
    EXPECT_EQ(story.at("settled"), true);
    EXPECT_EQ(story.at("tracking"), "track-1");
    EXPECT_EQ(story.at("legs").at(0).at("word"), "captured");
    ASSERT_FALSE(story.at("story").empty());
    EXPECT_EQ(story.at("story").at(0).at("input"), "HandOver");
    for (const auto& row : story.at("story")) EXPECT_FALSE(row.at("sentences").empty());
    EXPECT_FALSE(story.at("explanation").at("summary").get<std::string>().empty());

    const auto text = story_text(*by_id);
    EXPECT_THAT(text, HasSubstr(view.transaction.reference + "  purchased\n"));
    EXPECT_THAT(text, HasSubstr("£110.00"));
    EXPECT_THAT(text, HasSubstr("HandOver by system box-office (track-1)"));
    EXPECT_THAT(text, HasSubstr("\nWhy\n"));
    EXPECT_THAT(text, HasSubstr("Two seats?[2J")) << "a description cannot steer the terminal";
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(StoryTest, ShowsADispute) {
    TemporaryFolder folder;
    Stepping stepping(on_credit_config(folder.path("data")));
    const auto id = stepping.hand_over();
    ASSERT_EQ(stepping.purchase(id).transaction.phase, core::Phase::purchased);
    auto& engine = stepping.house.engine();
    EXPECT_EQ(story_text(*story_json(engine, id.text())).find("disputed"), std::string::npos);
    core::Notice notice;
    notice.leg = 1;
    notice.event_id = "evt_1";
    notice.trust = core::Trust::proof;
    notice.dispute = true;
    notice.evidence = "charge.dispute.created du_1 needs_response fraudulent £110.00";
    std::optional<bool> heard;
    engine.submit(id, notice, {"provider", "", std::nullopt},
                  [&](const Result<engine::View>& view) { heard = view.has_value(); });
    ASSERT_TRUE(stepping.wait(heard));
    const auto story = *story_json(engine, id.text());
    EXPECT_EQ(json::parse(story).at("legs").at(0).at("disputed"), true);
    const auto text = story_text(story);
    EXPECT_THAT(text, HasSubstr("\n     disputed at the bank\n"));
    EXPECT_THAT(text, HasSubstr("A dispute about leg 1 was noted: charge.dispute.created du_1"));
    EXPECT_THAT(text, HasSubstr("The customer disputed this payment at the bank."));
}

TEST(StoryTest, UnknownTransactionsAreNotFound) {
    TemporaryFolder folder;
    Stepping stepping(on_credit_config(folder.path("data")));
    for (const char* text : {"", "x", "T000-0000-0000-0000", "0191e0a2-0000-7000-8000-000000000000"}) {
        const auto story = story_json(stepping.house.engine(), text);
        ASSERT_FALSE(story);
        EXPECT_EQ(story.error().kind, ErrorKind::not_found);
    }
}

TEST(StoryTest, TerminalsGetNoControlCharacters) {
    EXPECT_EQ(for_terminal("a\x1b[31mb\n\x7f\xc2\x9b"
                           "c£"),
              "a?[31mb???c£");
    EXPECT_EQ(for_terminal("a\x9b"
                           "31mb\xc3"),
              "a\xEF\xBF\xBD"
              "31mb\xEF\xBF\xBD")
        << "a control of eight bits is no UTF-8";
}

}  // namespace
}  // namespace kassi::service
