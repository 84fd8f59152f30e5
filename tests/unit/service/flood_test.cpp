#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "running.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/crowd.hpp"
#include "tests/unit/http/sockets.hpp"
#include "tests/unit/temporary.hpp"

/// More than the house can take, over real sockets.
namespace kassi::service {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const Fields system_headers{{"Authorization", std::string("Bearer ") + api_key},
                            {"Content-Type", "application/json"}};

HttpRequest to_v1(const Service& service, const std::string& path, const std::string& body,
                  const std::string& key) {
    HttpRequest request{"POST", "http://127.0.0.1:" + std::to_string(service.port()) + path, system_headers,
                        body, ""};
    request.headers.emplace_back("Idempotency-Key", key);
    return request;
}

std::string hand_over_body() {
    return R"({"caller":"demo","held_until":")" + iso8601(SystemClock().now() + std::chrono::minutes(30)) +
           R"(","bundles":[{"source":"ext_test1","description":"Two seats","currency":"GBP","amount":1100}]})";
}

const std::string purchase_body =
    R"({"return":{"via":"caller","token":"TOKEN","url":"http://127.0.0.1:9/back/TOKEN"}})";

std::string purchase_with(const std::string& token) {
    std::string body = purchase_body;
    for (auto at = body.find("TOKEN"); at != std::string::npos; at = body.find("TOKEN"))
        body.replace(at, std::string("TOKEN").size(), token);
    return body;
}

/// A provider of sessions that answers when it is told to, and counts who asks at the same moment.
class SlowHouse {
  public:
    SlowHouse()
        : server([this](const HttpRequest& request, Reply reply) {
              most_at_once = std::max(most_at_once, ++at_once);
              waiting.push_back({json::parse(request.body), std::move(reply)});
              if (answers_at_once) answer_all();
          }) {}
    [[nodiscard]] std::string url() const { return server.url("/redirect/v1"); }
    bool has(std::size_t count) {
        return server.io.wait_until([&] { return waiting.size() == count; });
    }
    void open_up() {
        server.io.run([this] {
            answers_at_once = true;
            answer_all();
        });
    }
    /// Answers those that are there.
    void answer() {
        server.io.run([this] { answer_all(); });
    }
    std::size_t most() {
        std::size_t count = 0;
        server.io.run([&] { count = most_at_once; });
        return count;
    }

  private:
    struct Asked {
        json body;
        Reply reply;
    };
    void answer_all() {
        for (auto& [body, reply] : std::exchange(waiting, {})) {
            --at_once;
            const json session{
                {"id", "rs_" + body.at("reference").get<std::string>()},
                {"status", "open"},
                {"reference", body.at("reference")},
                {"amount", body.at("amount")},
                {"currency", body.at("currency")},
                {"callout",
                 {{"type", "get"},
                  {"url", "http://127.0.0.1:9/pay"},
                  {"parameters", json::array({{"return_url", body.at("return_url")}, {"title", "t"}})}}}};
            reply(json_response(201, session.dump()));
        }
    }

    std::size_t at_once = 0, most_at_once = 0;
    bool answers_at_once = false;
    std::vector<Asked> waiting;
    http::test::RunningServer server;
};

/// In groups that are no load.
constexpr std::size_t group = 10;

std::vector<std::string> hand_over(Running& running, std::size_t count) {
    std::vector<std::string> ids;
    while (ids.size() < count) {
        std::vector<HttpRequest> requests;
        for (std::size_t i = 0; i < std::min(group, count - ids.size()); ++i)
            requests.push_back(to_v1(running.service(), "/v1/transactions", hand_over_body(),
                                     "hand-over-" + std::to_string(ids.size() + i)));
        for (const auto& answer : all_at_once(std::move(requests))) {
            EXPECT_EQ(answer.status, 201) << answer.body;
            ids.push_back(json::parse(answer.body).at("id"));
        }
    }
    return ids;
}

std::vector<HttpRequest> purchases(const Service& service, const std::vector<std::string>& ids) {
    std::vector<HttpRequest> requests;
    for (const auto& id : ids)
        requests.push_back(to_v1(service, "/v1/transactions/" + id + "/purchase",
                                 purchase_with("tok" + id.substr(id.size() - 12)), "purchase-" + id));
    return requests;
}

std::map<std::string, json> read(const Service& service, const std::vector<std::string>& ids) {
    std::map<std::string, json> found;
    for (std::size_t from = 0; from < ids.size(); from += group) {
        std::vector<HttpRequest> requests;
        for (std::size_t i = from; i < std::min(ids.size(), from + group); ++i) {
            requests.push_back(to_v1(service, "/v1/transactions/" + ids[i], "", ""));
            requests.back().method = "GET";
        }
        for (const auto& answer : all_at_once(std::move(requests))) {
            auto transaction = json::parse(answer.body);
            found.emplace(transaction.at("id"), std::move(transaction));
        }
    }
    return found;
}

/// Requests that hold the house up until they are let go: as notices, which are the last to be refused.
class Weight {
  public:
    explicit Weight(const Service*& given) : service(given) {}
    [[nodiscard]] api::Mount mount() {
        return {"/webhooks/weight", [this](const HttpRequest&, Reply reply) {
                    const std::lock_guard lock(mutex);
                    held.push_back(std::move(reply));
                }};
    }
    void put_on(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            answers.push_back(
                client.start({"GET",
                              "http://127.0.0.1:" + std::to_string(service->port()) + "/webhooks/weight",
                              {},
                              "",
                              ""}));
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (std::chrono::steady_clock::now() < until) {
            const std::lock_guard lock(mutex);
            if (held.size() == answers.size()) return;
        }
        FAIL() << "not all were let in";
    }
    void take_off(boost::asio::io_context& io) {
        boost::asio::post(io, [this] {
            const std::lock_guard lock(mutex);
            for (const auto& reply : std::exchange(held, {})) reply(json_response(200, "{}"));
        });
        for (auto& answer : std::exchange(answers, {})) EXPECT_EQ(http::test::status_of(answer.get()), 200);
    }

  private:
    const Service*& service;
    std::mutex mutex;
    std::vector<Reply> held;
    std::vector<std::future<http::Outcome>> answers;
    http::test::RunningClient client;
};

TEST(Flood, EachDoorAtEachLevelAndBack) {
    TemporaryFolder folder;
    auto config = on_credit_config(folder.path("data"));
    config.load.requests_in_hand_max = 8;
    const Service* service = nullptr;
    Weight weight(service);
    Running running(std::move(config), {weight.mount()});
    service = &running.service();
    const auto hand_over_status = [&] {
        return all_at_once({to_v1(running.service(), "/v1/transactions", hand_over_body(), "one")}).front();
    };
    const auto ask = [&](const std::string& method, const std::string& target, Fields headers = {}) {
        return running.send({method, target, std::move(headers), "", ""});
    };
    const auto level = [&] { return running.get("/metrics", true).body; };
    EXPECT_EQ(running.get("/readyz", true).status, 200);

    weight.put_on(4);
    const auto v1 = hand_over_status();
    EXPECT_EQ(v1.status, 503);
    EXPECT_EQ(v1.header("Content-Type"), "application/problem+json");
    const auto f13 = ask("POST", "/f13/purchase.v1");
    EXPECT_EQ(f13.status, 503) << "before anybody asked for a password";
    EXPECT_EQ(json::parse(f13.body).at("error_code"), 4);
    const auto order = ask("POST", "/ticketOrder");
    EXPECT_EQ(order.status, 503);
    EXPECT_EQ(json::parse(order.body).at("responseStatus").at("errorCode"), "ServiceUnavailable");
    for (const auto* refused : {&v1, &f13, &order}) EXPECT_EQ(refused->header("Retry-After"), "1");
    EXPECT_EQ(ask("GET", "/v1/transactions", system_headers).status, 200) << "what goes on is taken";
    EXPECT_EQ(ask("GET", "/callback/nonsense").status, 400);
    const auto ready = running.get("/readyz", true);
    EXPECT_EQ(ready.status, 503);
    EXPECT_EQ(json::parse(ready.body).at("reason"), "overloaded");
    EXPECT_EQ(ready.header("Retry-After"), "1");
    EXPECT_EQ(running.get("/healthz", true).status, 200);
    EXPECT_THAT(level(), HasSubstr("\nkassi_load_level 1\n"));
    EXPECT_THAT(level(), HasSubstr("\nkassi_requests_in_hand 4\n"));
    EXPECT_THAT(level(), HasSubstr("\nkassi_requests_refused_total 3\n"));

    weight.put_on(2);
    EXPECT_EQ(ask("GET", "/v1/transactions", system_headers).status, 503);
    const auto page = ask("GET", "/callback/nonsense?success=yes");
    EXPECT_EQ(page.status, 503);
    EXPECT_EQ(page.header("Retry-After"), "1");
    EXPECT_THAT(page.body, HasSubstr("Reload this page to try again"));
    EXPECT_EQ(ask("POST", "/webhooks/stripe/nobody").status, 404) << "notices are still taken";
    EXPECT_THAT(level(), HasSubstr("\nkassi_load_level 2\n"));

    weight.put_on(2);
    const auto notice = ask("POST", "/webhooks/stripe/nobody");
    EXPECT_EQ(notice.status, 503) << "the provider sends it again";
    EXPECT_EQ(notice.header("Retry-After"), "1");
    EXPECT_THAT(level(), HasSubstr("\nkassi_load_level 3\n"));

    weight.take_off(running.service().io());
    const auto after = hand_over_status();
    EXPECT_EQ(after.status, 201) << after.body;
    EXPECT_EQ(running.get("/readyz", true).status, 200);
    EXPECT_THAT(level(), HasSubstr("\nkassi_transactions_total 1\n")) << "what was refused changed nothing";
    EXPECT_EQ(running.stop(), 0);
}

TEST(Flood, WhatIsTakenEndsAndWhatIsRefusedChangedNothing) {
    constexpr std::size_t all = 60, taken_at_once = 12;
    TemporaryFolder folder;
    SlowHouse house;
    auto config = redirect_config(folder.path("data"), house.url());
    config.load.requests_in_hand_max = 2 * taken_at_once;
    Running running(std::move(config));
    const auto ids = hand_over(running, all);

    auto flood =
        std::async(std::launch::async, [&] { return all_at_once(purchases(running.service(), ids)); });
    ASSERT_TRUE(house.has(taken_at_once));
    // Those that are in hand wait for the house: not one more may come, however many are at the door.
    while (running.get("/metrics", true)
               .body.find("\nkassi_requests_refused_total " + std::to_string(all - taken_at_once) + "\n") ==
           std::string::npos) {
    }
    EXPECT_THAT(running.get("/metrics", true).body, HasSubstr("\nkassi_requests_in_hand 12\n"));
    house.open_up();
    std::vector<std::string> refused;
    const auto answers = flood.get();
    auto found = read(running.service(), ids);
    for (std::size_t i = 0; i < all; ++i) {
        if (answers[i].status == 503) {
            EXPECT_EQ(answers[i].header("Retry-After"), "1");
            EXPECT_EQ(found.at(ids[i]).at("phase"), "reserved");
            EXPECT_EQ(found.at(ids[i]).at("legs").size(), 0u);
            refused.push_back(ids[i]);
        } else {
            EXPECT_EQ(answers[i].status, 200) << answers[i].body;
            EXPECT_TRUE(json::parse(answers[i].body).contains("callout"));
        }
    }
    EXPECT_EQ(refused.size(), all - taken_at_once);
    EXPECT_EQ(house.most(), taken_at_once);

    // Afterwards everybody is served, with the same key, as Retry-After says.
    EXPECT_EQ(running.get("/readyz", true).status, 200);
    for (std::size_t from = 0; from < refused.size(); from += group) {
        const std::vector<std::string> some(
            refused.begin() + static_cast<std::ptrdiff_t>(from),
            refused.begin() + static_cast<std::ptrdiff_t>(std::min(refused.size(), from + group)));
        for (const auto& again : all_at_once(purchases(running.service(), some)))
            EXPECT_EQ(again.status, 200) << again.body;
    }
    for (const auto& [id, transaction] : read(running.service(), ids))
        EXPECT_EQ(transaction.at("legs").at(0).at("state"), "called_out") << id;
    EXPECT_EQ(running.stop(), 0);
    const auto report = store::verify(folder.path("data"), Secret<>(std::string(32, 'k')), "", nullptr);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->findings.empty());
    EXPECT_EQ(report->transactions, static_cast<std::int64_t>(all));
}

TEST(Flood, AMerchantHasSoManyCallsAtOnceAndTheRestInTurn) {
    constexpr std::size_t all = 30, at_once = 4;
    TemporaryFolder folder;
    SlowHouse house;
    auto config = redirect_config(folder.path("data"), house.url());
    config.settings.merchant_calls_at_once_max = at_once;
    Running running(std::move(config));
    const auto ids = hand_over(running, all);
    auto flood =
        std::async(std::launch::async, [&] { return all_at_once(purchases(running.service(), ids)); });
    ASSERT_TRUE(house.has(at_once));
    while (running.get("/metrics", true)
               .body.find("\nkassi_provider_calls_waiting " + std::to_string(all - at_once) + "\n") ==
           std::string::npos) {
    }
    house.open_up();
    for (const auto& answer : flood.get()) EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(house.most(), at_once);
    EXPECT_EQ(running.stop(), 0);
}

}  // namespace
}  // namespace kassi::service
