#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/merchant_sessions.hpp"
#include "api/router.hpp"
#include "engine/engine.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "sandbox/simulators/stripe_house.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::doors {

using nlohmann::json;

/// Stands still until it is moved.
class HandClock final : public Clock {
  public:
    [[nodiscard]] Instant now() const override { return now_; }
    void forward(Millis by) { now_ += by; }

  private:
    Instant now_{Millis{1'768'000'000'000}};  // 2026-01-09T23:06:40Z
};

/// Callbacks of the store's thread and of the world outside, run by the test's thread.
class Queue {
  public:
    void post(std::function<void()> callback);
    /// Runs callbacks until `done`; false when nothing comes for half a minute.
    bool run_until(const std::function<bool()>& done);
    void clear();

  private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<std::function<void()>> callbacks_;
};

/// What the engine sees of the world: providers are handlers in this process, timers follow the clock.
class World final : public engine::Outside {
  public:
    World(Queue& queue, HandClock& clock) : queue_(queue), clock_(clock) {}
    void call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) override;
    void visit(const std::string& url, bool loopback_only, std::function<void(std::string)> done) override;
    void wake_at(std::optional<Instant> at, std::function<void()> callback) override;
    void after(Millis delay, std::function<void()> callback) override;
    /// Runs the timers that are due.
    void tick();
    /// The process is gone, and its calls and timers with it.
    void forget();

    Handler provider;
    bool is_silent = false;  ///< calls get no answer, until answer_all()
    void answer_all();

  private:
    struct Timer {
        Instant at{};
        std::function<void()> callback;
    };
    Queue& queue_;
    HandClock& clock_;
    std::optional<Timer> wake_;
    std::vector<Timer> timers_;
    std::vector<std::function<void()>> held_back_;
};

inline constexpr std::string_view borgun_public_key = "100001_puOfTheDoors0000000000000";
inline constexpr std::string_view borgun_private_key = "100001_prOfTheDoors0000000000000";

/// Two systems: box-office (demo, demo-redirect, demo-redirect-post, demo-again, demo-owner, demo-partial,
/// demo-page-only, demo-two-houses, demo-stripe, demo-securepay, demo-borgun, demo-credit-or-stripe), and
/// rival (rival-caller). Keys: key(system). Nobody answers as Borgun until a test says who.
class House {
  public:
    House();
    ~House();
    House(const House&) = delete;
    House& operator=(const House&) = delete;

    /// A new process on the same data. Clock and providers go on.
    void restart();
    /// The same with a configuration that lacks a merchant.
    void restart_without(std::string_view merchant);

    /// The same with a shop of Apple Pay for the merchants of Stripe and Borgun.
    void restart_with(const std::shared_ptr<const providers::apple_pay::Shop>& shop);

    static std::string key(std::string_view system) { return "key of " + std::string(system); }
    static constexpr std::string_view public_url = "http://127.0.0.1:8080";
    static constexpr const char* securepay_key = "SecretOfTheHostedPage";

    /// One request through all doors, as the server would hand it in; runs until it is answered.
    HttpResponse ask(HttpRequest request);
    /// The same, not waited for.
    std::shared_ptr<std::optional<HttpResponse>> begin(HttpRequest request);
    HttpResponse answer_of(const std::shared_ptr<std::optional<HttpResponse>>& begun);
    /// /v1 as box-office.
    HttpResponse get(const std::string& path, Fields headers = {});
    HttpResponse post(const std::string& path, const std::string& body, Fields headers = {});
    static HttpRequest v1_request(const std::string& method, const std::string& path, const std::string& body,
                                  Fields headers = {}, std::string_view system = "box-office");
    /// A browser: no key.
    HttpResponse browse(const std::string& method, const std::string& target, const std::string& body = "",
                        const std::string& content_type = "application/x-www-form-urlencoded");

    /// One bundle of 1250 GBP (or `bundles`), held for half an hour.
    [[nodiscard]] json hand_over_body(const std::string& caller, const json& bundles = nullptr,
                                      const json& more = json::object()) const;
    /// Hands that over for the caller; answers the transaction.
    json hand_over(const std::string& caller, const json& bundles = nullptr,
                   const json& more = json::object());
    /// The same `count` times, all begun before the first is answered: the store writes them in groups.
    std::vector<json> hand_over_many(const std::string& caller, std::size_t count);
    /// `purchase` via Kassi; answers the transaction.
    json purchase_via_kassi(const json& transaction, const std::string& landing_url = "");
    json purchase_via_caller(const json& transaction, const std::string& token);
    json read(const json& transaction);
    /// What the customer does at the house's page for the callout that is open; the address where the house
    /// sends the browser, "" when it does not.
    std::string customer(const json& transaction, const std::string& act);
    /// Brings what Stripe sent to our webhooks until now.
    void deliver_stripe();
    /// "held 1250, taken 1250": what moved at Stripe.
    [[nodiscard]] std::string stripe_ledger() const;
    /// Rules for what the redirect house does wrong from now on, as its /_faults takes them.
    void faults(const std::string& rules);
    void forward(Millis by);

    Queue queue;
    HandClock clock;
    World world{queue, clock};
    engine::Directory directory;
    engine::Settings settings;
    std::unique_ptr<engine::Engine> engine;
    std::string not_ready;
    api::MerchantSessions* sessions = nullptr;  ///< of Apple; heeded at a restart
    /// What the redirect house sent to our webhooks: absolute URLs, not delivered by themselves.
    std::vector<HttpRequest> notices;
    std::vector<HttpRequest> stripe_notices;  ///< the same of Stripe

  private:
    void open();
    void close();

    SystemRandomness randomness_;
    TemporaryFolder data_;
    std::unique_ptr<providers::Registry> registry_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<sandbox::RedirectHouse> redirect_house_;
    std::unique_ptr<sandbox::StripeHouse> stripe_house_;
    Handler doors_;
};

std::string header(const HttpResponse& response, std::string_view name);
/// One bundle as /v1 takes it.
json bundle(const std::string& source, std::int64_t amount, const std::string& currency = "GBP");

/// A problem+json answer: status, and the field it names.
testing::AssertionResult is_problem(const HttpResponse& response, int status, const json& field);

}  // namespace kassi::doors
