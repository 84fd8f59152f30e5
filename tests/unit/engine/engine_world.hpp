#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "engine/engine.hpp"
#include "store/sqlite_store.hpp"

namespace kassi::engine {

using namespace std::chrono_literals;

class TestClock final : public Clock {
  public:
    Instant at = Instant{} + std::chrono::hours(24 * 365 * 56);
    [[nodiscard]] Instant now() const override { return at; }
};

/// A world outside whose answers the test gives by hand.
class ByHand final : public Outside {
  public:
    struct Call {
        HttpRequest request;
        std::function<void(core::Heard)> done;
    };
    std::deque<Call> calls;
    std::vector<std::string> visits;
    std::function<void(std::string)> visited;
    std::optional<Instant> wake;
    std::function<void()> awake;
    bool trusted = true;
    std::vector<std::function<void()>> later;
    std::vector<Millis> delays;  ///< of everything that was put off, in order

    void call(HttpRequest request, Millis, std::function<void(core::Heard)> done) override {
        calls.push_back({std::move(request), std::move(done)});
    }
    void visit(const std::string& url, bool, std::function<void(std::string)> done) override {
        visits.push_back(url);
        visited = std::move(done);
    }
    void wake_at(std::optional<Instant> at, std::function<void()> callback) override {
        wake = at;
        awake = std::move(callback);
    }
    [[nodiscard]] bool clock_trusted() const override { return trusted; }
    void after(Millis delay, std::function<void()> callback) override {
        delays.push_back(delay);
        later.push_back(std::move(callback));
    }
};

/// Engine over the real store, in a folder of its own; the test's thread is the io thread.
struct EngineTest : testing::Test {
    std::filesystem::path folder;
    TestClock clock;
    SystemRandomness randomness;
    ByHand outside;
    Directory directory;
    Settings settings;
    std::unique_ptr<providers::Registry> registry;
    std::unique_ptr<store::SqliteStore> store;
    std::unique_ptr<Engine> engine;
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<std::function<void()>> posted;

    EngineTest() {
        log::start(log::Level::error);
        folder = std::filesystem::temp_directory_path() / ("kassi-engine-" + crypto::mint_token(randomness));
        settings.public_url = "http://kassi.test";
        directory.systems = {{"box", {}}, {"other", {}}};
        directory.sources = {{"a", "A"}, {"b", "B"}};
        for (const char* name : {"credit", "credit-two"}) {
            providers::Merchant merchant;
            merchant.name = name;
            merchant.provider = "on_credit";
            directory.merchants.push_back(std::move(merchant));
        }
        providers::Merchant house;
        house.name = "house";
        house.provider = "redirect";
        house.base_url = "http://house.test/redirect/v1";
        house.secrets["api_key"] = Secret<>(std::string("key"));
        house.secrets["notice_secret"] = Secret<>(std::string("notice"));
        directory.merchants.push_back(std::move(house));
        for (const char* name : {"card", "card-two"}) directory.merchants.push_back(by_stripe(name));
        Caller caller;
        caller.name = "demo";
        caller.system = "box";
        caller.return_hosts = {"shop.test"};
        caller.ways["*"] = {"credit", "house", "card", "card-two"};
        caller.credit_limits["GBP"] = 1000;
        directory.callers.push_back(caller);
        caller.name = "neighbour";
        directory.callers.push_back(caller);
        registry = std::move(*providers::Registry::make(directory.merchants));
        open();
    }
    ~EngineTest() override {
        close();
        std::filesystem::remove_all(folder);
    }
    static providers::Merchant by_stripe(const std::string& name) {
        providers::Merchant merchant;
        merchant.name = name;
        merchant.provider = "stripe";
        merchant.base_url = "http://stripe.test";
        merchant.settings["publishable_key"] = "pk_test_0123456789";
        merchant.secrets["secret_key"] = Secret<>(std::string("sk_test_0123456789"));
        merchant.secrets["webhook_secret"] = Secret<>(std::string("whsec_") + name);
        return merchant;
    }
    void open() {
        store::SqliteOptions options;
        options.directory = folder.string();
        options.master_key = Secret<>(std::string(32, 'm'));
        options.post = [this](std::function<void()> callback) {
            const std::lock_guard lock(mutex);
            posted.push_back(std::move(callback));
            arrived.notify_one();
        };
        options.clock = &clock;
        auto opened = store::SqliteStore::open(std::move(options));
        ASSERT_TRUE(opened) << opened.error().message;
        store = std::move(*opened);
        engine = std::make_unique<Engine>(Engine::Parts{*store, *registry, directory, settings, clock,
                                                        randomness, outside, std::string(32, 'd')});
        engine->start();
    }
    void close() {
        store.reset();
        posted.clear();
        engine.reset();
    }
    void restart() {
        close();
        outside.calls.clear();
        outside.later.clear();
        open();
    }
    /// Runs what the writer brings back until `enough`; a minute is for ever.
    void pump(const std::function<bool()>& enough) {
        while (!enough()) {
            std::function<void()> next;
            {
                std::unique_lock lock(mutex);
                ASSERT_TRUE(arrived.wait_for(lock, 60s, [this] { return !posted.empty(); }))
                    << "nothing more comes";
                next = std::move(posted.front());
                posted.pop_front();
            }
            next();
        }
    }
    /// The same for what the store says, which may be ahead of what this thread has heard.
    void pump_to(const std::function<bool()>& stored) {
        pump([&] { return stored() && engine->metrics().commits_open == 0; });
    }
    template <class Start>
    Result<View> ask(Start start) {
        std::optional<Result<View>> heard;
        start([&heard](Result<View> view) { heard = std::move(view); });
        pump([&heard] { return heard.has_value(); });
        return heard ? std::move(*heard) : Result<View>(Error{});
    }
    static Meta meta(std::string key = {}, std::string fingerprint = "f") {
        Meta about;
        about.by = "test";
        about.tracking = "track-1";
        if (!key.empty()) about.once = {{"idempotency:box", std::move(key), std::move(fingerprint), true}};
        return about;
    }
    HandOverRequest trolley(std::int64_t minor = 500) const {
        HandOverRequest request;
        request.system = "box";
        request.caller = "demo";
        request.bundles = {{"a", "tickets", {minor, *Currency::parse("GBP", "")}, {}}};
        request.held_until = clock.at + 15min;
        return request;
    }
    Result<View> hand_over(HandOverRequest request, Meta about = meta()) {
        return ask([&](Done<View> done) {
            engine->hand_over(std::move(request), std::move(about), std::move(done));
        });
    }
    Result<View> purchase(const TransactionId& id, PurchaseRequest request, Meta about = meta()) {
        return ask([&](Done<View> done) {
            engine->purchase(id, std::move(request), std::move(about), std::move(done));
        });
    }
    static PurchaseRequest by_redirect(const std::string& token) {
        PurchaseRequest request;
        request.ways["a"] = "house";
        ReturnDetails details;
        details.token = token;
        details.url = "https://shop.test/back/" + token;
        request.returns = details;
        return request;
    }
    void answer(int status, std::string body) {
        ASSERT_FALSE(outside.calls.empty());
        auto call = std::move(outside.calls.front());
        outside.calls.pop_front();
        HttpResponse response;
        response.status = status;
        response.body = std::move(body);
        const auto commits = engine->metrics().commits;
        call.done(core::Answered{std::move(response)});
        pump([&] { return engine->metrics().commits > commits; });
    }
    static std::vector<std::string> request_ids(const HttpRequest& request) {
        std::vector<std::string> ids;
        for (const auto& [name, value] : request.headers)
            if (name == "X-Request-Id") ids.push_back(value);
        return ids;
    }
    HttpRequest signed_notice(const std::string& body) const {
        const auto seconds = std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(clock.at.time_since_epoch()).count());
        HttpRequest notice{"POST", "/webhooks/redirect/house", {}, body, ""};
        notice.headers.emplace_back(
            "Redirect-Signature",
            "t=" + seconds + ",v1=" +
                encoding::hex(crypto::to_bytes(crypto::hmac_sha256("notice", seconds + "." + body))));
        return notice;
    }
    Result<NoticeHeard> send(HttpRequest notice, std::string_view merchant, const std::string& added = {}) {
        notice.body += added;
        std::optional<Result<NoticeHeard>> heard;
        engine->notice("redirect", merchant, std::move(notice),
                       [&](Result<NoticeHeard> done) { heard = std::move(done); });
        pump([&] { return heard.has_value(); });
        return *heard;
    }
    Result<NoticeHeard> notice(const std::string& body) { return send(signed_notice(body), "house"); }
    static std::string session(const TransactionId& id, const std::string& status) {
        return R"({"id":"rs_1","status":")" + status + R"(","reference":")" + id.text() +
               R"(-1","amount":500,"currency":"GBP","callout":{"type":"get","url":"http://house.test/pay","parameters":[["return_url","x"],["title","y"]]}})";
    }
};

}  // namespace kassi::engine
