#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "sandbox/simulators/redirect_house.hpp"

/// The house with a clock, randomness and a postman that a test owns.
namespace kassi::sandbox::test {

struct TestClock final : Clock {
    Instant at{std::chrono::seconds{1'768'039'200}};  // 2026-01-10T10:00:00Z
    [[nodiscard]] Instant now() const override { return at; }
};

struct TestRandomness final : Randomness {
    std::uint32_t state = 1;
    void fill(std::span<std::uint8_t> bytes) override {
        for (auto& byte : bytes) {
            state = state * 1'664'525U + 1'013'904'223U;
            byte = static_cast<std::uint8_t>(state >> 24U);
        }
    }
};

inline RedirectHouse::Options options() {
    RedirectHouse::Options options;
    options.merchants = {{.name = "demo-redirect",
                          .api_key = "key-one",
                          .notice_secret = "notice-one",
                          .user = "demo-redirect"},
                         {.name = "demo-redirect-post",
                          .api_key = "key-two",
                          .notice_secret = "",
                          .user = "demo-redirect-post"},
                         {.name = "page-house",
                          .api_key = "",
                          .notice_secret = "",
                          .user = "page",
                          .page_only = true,
                          .return_secret = "return-one"}};
    return options;
}

struct House {
    TestClock clock;
    TestRandomness randomness;
    struct Later {
        Instant at;
        std::function<void()> what;
    };
    std::deque<Later> later;
    std::vector<HttpRequest> notices;
    std::deque<int> notice_answers;  ///< of the next notices; 200 when none is left
    std::vector<std::function<void(int)>> kept_answers;
    bool keep_answers = false;
    std::vector<std::string> saved;
    std::optional<RedirectHouse> house;

    House() { build(options()); }
    void build(RedirectHouse::Options with) {
        house.emplace(
            std::move(with), clock, randomness,
            [this](HttpRequest request, std::function<void(int)> done) {
                notices.push_back(std::move(request));
                if (keep_answers) return kept_answers.push_back(std::move(done));
                const int status = notice_answers.empty() ? 200 : notice_answers.front();
                if (!notice_answers.empty()) notice_answers.pop_front();
                done(status);
            },
            [this](Millis delay, std::function<void()> what) {
                later.push_back({clock.at + delay, std::move(what)});
            },
            [this](const std::string& line) { saved.push_back(line); });
    }
    [[nodiscard]] std::optional<Error> load(const std::vector<std::string>& lines) {
        return house->load([next = lines.begin(), &lines]() mutable -> std::optional<std::string> {
            if (next == lines.end()) return std::nullopt;
            return *next++;
        });
    }
    /// Another house that has nothing but what this one saved.
    void restart(RedirectHouse::Options with = options()) {
        later.clear();
        build(std::move(with));
        if (const auto wrong = load(saved)) throw std::runtime_error(wrong->field + wrong->message);
    }

    /// Nullopt when the house stayed silent.
    std::optional<HttpResponse> try_send(HttpRequest request) {
        auto mailbox = std::make_shared<std::optional<HttpResponse>>();
        house->handler()(std::move(request),
                         [mailbox](HttpResponse response) { *mailbox = std::move(response); });
        return *mailbox;
    }
    HttpResponse send(HttpRequest request) {
        auto answer = try_send(std::move(request));
        if (!answer) throw std::runtime_error("the house stayed silent");
        return *answer;
    }
    static HttpRequest request(std::string method, std::string path, std::string body = "",
                               std::string key = "", std::string api_key = "key-one") {
        HttpRequest request{std::move(method),
                            "/redirect/v1" + path,
                            {{"Authorization", "Bearer " + api_key}},
                            std::move(body),
                            ""};
        if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key);
        return request;
    }
    HttpResponse api(std::string method, std::string path, std::string body = "", std::string key = "",
                     std::string api_key = "key-one") {
        return send(
            request(std::move(method), std::move(path), std::move(body), std::move(key), std::move(api_key)));
    }
    HttpResponse form(std::string path, const Fields& fields) {
        return send({"POST",
                     std::move(path),
                     {{"Content-Type", "application/x-www-form-urlencoded"}},
                     encoding::form(fields),
                     ""});
    }
    HttpResponse get(std::string target) { return send({"GET", std::move(target), {}, "", ""}); }
    HttpResponse faults(std::string rules) {
        return send({"PUT", "/_faults", {}, "{\"rules\":[" + std::move(rules) + "]}", ""});
    }

    static std::string session_body(std::string reference = "ref-1", std::int64_t amount = 11'000,
                                    std::string more = "") {
        return R"({"reference":")" + reference + R"(","amount":)" + std::to_string(amount) +
               R"(,"currency":"GBP","title":"A <title>","return_url":"https://shop.example/back/)" +
               reference +
               R"(/","notify_url":"http://127.0.0.1:8080/webhooks/redirect/demo-redirect","callout_type":"get",)"
               R"("expires_at":"2026-01-10T10:10:00Z")" +
               more + "}";
    }
    /// Opens a session and gives its id.
    std::string open(std::string reference = "ref-1", std::int64_t amount = 11'000) {
        const auto answer = api("POST", "/sessions", session_body(reference, amount), "open-" + reference);
        if (answer.status != 201) throw std::runtime_error(answer.body);
        return (*parse_json(answer.body))["id"].get<std::string>();
    }
    HttpResponse act(const std::string& session, const std::string& what) {
        return form("/tickets/dummy_redirect.buy/act", {{"session", session}, {"act", what}});
    }
    std::string status_of(const std::string& session) {
        return (*parse_json(api("GET", "/sessions/" + session).body))["status"].get<std::string>();
    }
    std::int64_t taken() const {
        std::int64_t sum = 0;
        for (const auto& entry : house->ledger()) sum += entry.kind == "taken" ? entry.minor : -entry.minor;
        return sum;
    }
    /// Moves the clock on, doing what falls due on the way.
    void advance(Millis by) {
        const Instant end = clock.at + by;
        for (;;) {
            auto next = std::min_element(later.begin(), later.end(),
                                         [](const auto& l, const auto& r) { return l.at < r.at; });
            if (next == later.end() || next->at > end) break;
            clock.at = std::max(clock.at, next->at);
            const auto what = std::move(next->what);
            later.erase(next);
            what();
        }
        clock.at = end;
    }
};

inline nlohmann::json json_of(const HttpResponse& response) {
    return *parse_json(response.body);
}

}  // namespace kassi::sandbox::test
