#include "house.hpp"

#include <algorithm>
#include <filesystem>

#include "api/ops/ops.hpp"
#include "api/v1/door.hpp"
#include "base/crypto.hpp"
#include "callbacks/apple_pay.hpp"
#include "callbacks/callbacks.hpp"
#include "providers/credentials/apple_pay_session.hpp"

namespace kassi::doors {
namespace {

providers::Merchant redirect(const std::string& name, const std::string& type) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "redirect";
    merchant.base_url = "http://127.0.0.1:9000/redirect/v1";
    merchant.simulator = true;
    merchant.settings = {{"callout_type", type}};
    merchant.secrets.emplace("api_key", Secret<>("rk_" + name));
    merchant.secrets.emplace("notice_secret", Secret<>("notice_secret_0123456789_" + name));
    return merchant;
}

/// A house of which nothing but its page is known, at another origin: nobody can ask it, and it tells nobody.
providers::Merchant page_only(const std::string& name) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "redirect";
    merchant.simulator = true;
    merchant.settings = {{"can_be_asked", "false"},
                         {"notifies", "false"},
                         {"callout_type", "post"},
                         {"page_url", "https://house.example/pay"}};
    return merchant;
}

/// A page whose notifications tests sign themselves.
providers::Merchant hosted_page(const std::string& name) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "securepay";
    merchant.base_url = "http://127.0.0.1:9000/borgun/securepay";
    merchant.simulator = true;
    merchant.settings = {{"merchant_id", "9275444"}, {"gateway_id", "16"}};
    merchant.secrets.emplace("secret_key", Secret<>(House::securepay_key));
    return merchant;
}

constexpr const char* stripe_secret_key = "sk_test_OfTheDoors";
constexpr const char* stripe_publishable_key = "pk_test_OfTheDoors";
constexpr const char* stripe_webhook_secret = "whsec_OfTheDoors";

providers::Merchant by_stripe(const std::string& name) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "stripe";
    merchant.base_url = "http://127.0.0.1:9000";
    merchant.simulator = true;
    merchant.settings = {{"publishable_key", stripe_publishable_key},
                         {"statement_descriptor", "Doors & Co"},
                         {"script_url", "http://127.0.0.1:9001/stripe/v3/"}};
    merchant.secrets.emplace("secret_key", Secret<>(stripe_secret_key));
    merchant.secrets.emplace("webhook_secret", Secret<>(stripe_webhook_secret));
    return merchant;
}

providers::Merchant by_borgun(const std::string& name) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "borgun";
    merchant.base_url = "http://127.0.0.1:9000/borgun/rpg";
    merchant.settings = {{"accepts", "token"}, {"public_key", std::string(borgun_public_key)}};
    merchant.secrets.emplace("private_key", Secret<>(std::string(borgun_private_key)));
    return merchant;
}

sandbox::StripeHouse::Options stripe_accounts() {
    sandbox::StripeHouse::Options options;
    options.page_origin = "http://127.0.0.1:9000";
    options.accounts.push_back({.name = "card",
                                .secret_key = stripe_secret_key,
                                .publishable_key = stripe_publishable_key,
                                .webhook_url = std::string(House::public_url) + "/webhooks/stripe/card",
                                .webhook_secrets = {stripe_webhook_secret},
                                .extra_test_tokens = {},
                                .statement_descriptor = ""});
    return options;
}

std::vector<providers::Merchant> merchants() {
    providers::Merchant on_credit;
    on_credit.name = "on_credit";
    on_credit.provider = "on_credit";
    std::vector<providers::Merchant> all;
    all.push_back(std::move(on_credit));
    all.push_back(redirect("redirect-get", "get"));
    all.push_back(redirect("redirect-post", "post"));
    all.push_back(page_only("page-only"));
    all.push_back(by_stripe("card"));
    all.push_back(hosted_page("hosted-page"));
    all.push_back(by_borgun("borgun"));
    return all;
}

engine::Caller caller(const std::string& name, std::vector<std::string> ways, core::Policy policy = {}) {
    engine::Caller caller;
    caller.name = name;
    caller.system = name == "rival-caller" ? "rival" : "box-office";
    caller.return_hosts = {"shop.example", "127.0.0.1:*"};
    caller.ways = {{"*", std::move(ways)}};
    caller.policy = policy;
    return caller;
}

engine::System system(const std::string& name) {
    return {name, {encoding::hex(crypto::to_bytes(crypto::sha256(House::key(name))))}};
}

}  // namespace

void Queue::post(std::function<void()> callback) {
    {
        const std::lock_guard lock(mutex_);
        callbacks_.push_back(std::move(callback));
    }
    came_.notify_all();
}

bool Queue::run_until(const std::function<bool()>& done) {
    while (!done()) {
        std::function<void()> callback;
        {
            std::unique_lock lock(mutex_);
            if (!came_.wait_for(lock, std::chrono::seconds(30), [this] { return !callbacks_.empty(); }))
                return false;
            callback = std::move(callbacks_.front());
            callbacks_.pop_front();
        }
        callback();
    }
    return true;
}

void Queue::clear() {
    const std::lock_guard lock(mutex_);
    callbacks_.clear();
}

void World::call(HttpRequest request, Millis, std::function<void(core::Heard)> done) {
    auto url = parse_url(request.target, "target");
    KASSI_ENSURE(url.has_value());
    request.target = url->target;
    auto send = [this, request = std::move(request), done = std::move(done)]() mutable {
        provider(std::move(request), [this, done](HttpResponse response) {
            queue_.post([done, response = std::move(response)] { done(core::Answered{response}); });
        });
    };
    if (is_silent)
        held_back_.push_back(std::move(send));
    else
        queue_.post(std::move(send));
}

void World::answer_all() {
    is_silent = false;
    for (auto& send : held_back_) queue_.post(std::move(send));
    held_back_.clear();
}

void World::visit(const std::string&, bool, std::function<void(std::string)> done) {
    queue_.post([done = std::move(done)] { done("withheld"); });
}

void World::wake_at(std::optional<Instant> at, std::function<void()> callback) {
    wake_.reset();
    if (at) wake_ = Timer{*at, std::move(callback)};
}

void World::after(Millis delay, std::function<void()> callback) {
    timers_.push_back({clock_.now() + delay, std::move(callback)});
}

void World::tick() {
    const auto is_due = [this](const Timer& timer) { return timer.at <= clock_.now(); };
    std::vector<Timer> due;
    std::copy_if(timers_.begin(), timers_.end(), std::back_inserter(due), is_due);
    std::erase_if(timers_, is_due);
    for (const auto& timer : due) timer.callback();
    if (wake_ && is_due(*wake_)) {
        const auto wake = std::move(*wake_);
        wake_.reset();
        wake.callback();
    }
}

void World::forget() {
    wake_.reset();
    timers_.clear();
    held_back_.clear();
}

House::House() {
    directory.systems = {system("rival"), system("box-office")};
    directory.callers = {
        caller("demo", {"on_credit"}),
        caller("demo-redirect", {"redirect-get", "on_credit"}),
        caller("demo-redirect-post", {"redirect-post"}),
        caller("demo-again", {"redirect-get", "on_credit"}, {.on_decline = core::OnDecline::again}),
        caller("demo-owner", {"on_credit"}, {.confirm = core::Confirm::owner}),
        caller("demo-partial", {"redirect-get"}, {.partial = true}),
        caller("demo-page-only", {"page-only"}),
        caller("demo-stripe", {"card"}),
        caller("demo-securepay", {"hosted-page"}),
        caller("demo-borgun", {"borgun"}),
        caller("demo-credit-or-stripe", {"on_credit", "card"}),
        caller("rival-caller", {"on_credit"})};
    directory.callers.push_back(caller("demo-two-houses", {"redirect-post"}));
    directory.callers.back().ways["ext_test1"] = {"page-only"};
    directory.sources = {{"ext_test0", "External Test Backend 0"}, {"ext_test1", "External Test Backend 1"}};
    directory.merchants = merchants();
    settings.public_url = public_url;

    auto registry = providers::Registry::make(merchants());
    if (!registry) throw std::runtime_error(registry.error().field + " " + registry.error().message);
    registry_ = std::move(*registry);
    sandbox::RedirectHouse::Options houses;
    houses.page_origin = "http://127.0.0.1:9000";
    for (const std::string name : {"redirect-get", "redirect-post"}) {
        sandbox::RedirectHouse::Merchant merchant;
        merchant.name = name;
        merchant.api_key = "rk_" + name;
        merchant.notice_secret = "notice_secret_0123456789_" + name;
        merchant.user = name;
        houses.merchants.push_back(std::move(merchant));
    }
    redirect_house_ = std::make_unique<sandbox::RedirectHouse>(
        houses, clock, randomness_,
        [this](HttpRequest notice, const std::function<void(int)>& done) {
            notices.push_back(std::move(notice));
            done(200);
        },
        [this](Millis delay, std::function<void()> callback) { world.after(delay, std::move(callback)); });
    stripe_house_ = std::make_unique<sandbox::StripeHouse>(
        stripe_accounts(), clock, randomness_,
        [this](HttpRequest notice, const std::function<void(int)>& done) {
            stripe_notices.push_back(std::move(notice));
            done(200);
        },
        [this](Millis delay, std::function<void()> callback) { world.after(delay, std::move(callback)); });
    world.provider = [redirect = redirect_house_->handler(), stripe = stripe_house_->handler()](
                         HttpRequest request, Reply reply) {
        const bool is_stripe = request.target.starts_with("/v1/") || request.target.starts_with("/stripe/");
        (is_stripe ? stripe : redirect)(std::move(request), std::move(reply));
    };

    open();
}

void House::open() {
    store::SqliteOptions options;
    options.directory = data_.path();
    options.master_key = Secret<>(std::string(32, 'k'));
    options.post = [this](std::function<void()> callback) { queue.post(std::move(callback)); };
    options.clock = &clock;
    auto opened = store::SqliteStore::open(std::move(options));
    KASSI_ENSURE(opened.has_value());
    store_ = std::move(*opened);

    engine = std::make_unique<engine::Engine>(engine::Engine::Parts{
        *store_, *registry_, directory, settings, clock, randomness_, world, std::string(32, 'd')});
    engine->start();
    doors_ =
        api::route({{"/v1/", api::v1::door(*engine, sessions)},
                    {"/callback/", callbacks::browser_door(*engine, randomness_)},
                    {"/callout/", callbacks::callout_door(*engine, randomness_, sessions)},
                    {std::string(callbacks::method_path), callbacks::method_door(*engine, randomness_)},
                    {"/webhooks/", callbacks::webhooks_door(*engine)},
                    {std::string(providers::apple_pay::association_path), callbacks::domain_door(*engine)},
                    {"/ops/", [this](HttpRequest request, Reply reply) {
                         request.target.erase(0, std::string_view("/ops").size());
                         api::ops::door(*engine, [this] { return not_ready; })(std::move(request), reply);
                     }}});
}

void House::close() {
    engine.reset();
    store_.reset();  // writes what is queued
    queue.clear();
    world.forget();
}

void House::restart() {
    close();
    open();
}

void House::restart_with(const std::shared_ptr<const providers::apple_pay::Shop>& shop) {
    close();
    for (auto& merchant : directory.merchants)
        if (merchant.provider == "stripe" || merchant.provider == "borgun") merchant.apple_pay = shop;
    directory.apple_pay_shops = {shop};
    auto registry = providers::Registry::make(directory.merchants);
    KASSI_ENSURE(registry.has_value());
    registry_ = std::move(*registry);
    open();
}

void House::restart_without(std::string_view merchant) {
    close();
    auto left = merchants();
    std::erase_if(left, [&](const providers::Merchant& each) { return each.name == merchant; });
    registry_ = std::move(*providers::Registry::make(std::move(left)));
    open();
}

void House::deliver_stripe() {
    for (auto& notice : std::exchange(stripe_notices, {})) {
        notice.target.erase(0, public_url.size());
        EXPECT_EQ(ask(std::move(notice)).status, 200);
    }
}

std::string House::stripe_ledger() const {
    std::string text;
    for (const auto& entry : stripe_house_->ledger())
        text += (text.empty() ? "" : ", ") + entry.kind + " " + std::to_string(entry.minor);
    return text;
}

House::~House() {
    close();
}

std::shared_ptr<std::optional<HttpResponse>> House::begin(HttpRequest request) {
    auto answer = std::make_shared<std::optional<HttpResponse>>();
    doors_(std::move(request), [answer](HttpResponse response) {
        EXPECT_FALSE(answer->has_value()) << "answered twice";
        *answer = std::move(response);
    });
    return answer;
}

HttpResponse House::answer_of(const std::shared_ptr<std::optional<HttpResponse>>& begun) {
    if (!queue.run_until([&] { return begun->has_value(); })) {
        ADD_FAILURE() << "no answer came";
        return {};
    }
    return **begun;
}

HttpResponse House::ask(HttpRequest request) {
    return answer_of(begin(std::move(request)));
}

HttpRequest House::v1_request(const std::string& method, const std::string& path, const std::string& body,
                              Fields headers, std::string_view system) {
    headers.emplace_back("Authorization", "Bearer " + key(system));
    if (!body.empty() && std::none_of(headers.begin(), headers.end(),
                                      [](const auto& each) { return each.first == "Content-Type"; }))
        headers.emplace_back("Content-Type", "application/json");
    return {method, path, std::move(headers), body, "127.0.0.1"};
}

HttpResponse House::get(const std::string& path, Fields headers) {
    return ask(v1_request("GET", path, "", std::move(headers)));
}

HttpResponse House::post(const std::string& path, const std::string& body, Fields headers) {
    return ask(v1_request("POST", path, body, std::move(headers)));
}

HttpResponse House::browse(const std::string& method, const std::string& target, const std::string& body,
                           const std::string& content_type) {
    Fields headers;
    if (!body.empty()) headers.emplace_back("Content-Type", content_type);
    return ask({method, target, std::move(headers), body, "127.0.0.1"});
}

json bundle(const std::string& source, std::int64_t amount, const std::string& currency) {
    return {{"source", source}, {"description", "Seats"}, {"currency", currency}, {"amount", amount}};
}

json House::hand_over_body(const std::string& caller, const json& bundles, const json& more) const {
    json body = {{"caller", caller},
                 {"bundles", bundles.is_null() ? json::array({bundle("ext_test0", 1250)}) : bundles},
                 {"held_until", iso8601(clock.now() + Millis{1'800'000})}};
    body.update(more);
    return body;
}

json House::hand_over(const std::string& caller, const json& bundles, const json& more) {
    const auto response = post("/v1/transactions", hand_over_body(caller, bundles, more).dump());
    EXPECT_EQ(response.status, 201) << response.body;
    return json::parse(response.body);
}

std::vector<json> House::hand_over_many(const std::string& caller, std::size_t count) {
    std::vector<std::shared_ptr<std::optional<HttpResponse>>> begun;
    for (std::size_t i = 0; i < count; ++i)
        begun.push_back(begin(v1_request("POST", "/v1/transactions", hand_over_body(caller).dump())));
    std::vector<json> transactions;
    for (const auto& each : begun) transactions.push_back(json::parse(answer_of(each).body));
    return transactions;
}

json House::purchase_via_kassi(const json& transaction, const std::string& landing_url) {
    json details = {{"via", "kassi"}};
    if (!landing_url.empty()) details["landing_url"] = landing_url;
    const auto response = post("/v1/transactions/" + transaction["id"].get<std::string>() + "/purchase",
                               json{{"return", details}}.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
}

json House::purchase_via_caller(const json& transaction, const std::string& token) {
    const json details = {{"via", "caller"}, {"token", token}, {"url", "http://shop.example/back/" + token}};
    const auto response = post("/v1/transactions/" + transaction["id"].get<std::string>() + "/purchase",
                               json{{"return", details}}.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
}

json House::read(const json& transaction) {
    return json::parse(get("/v1/transactions/" + transaction["id"].get<std::string>()).body);
}

std::string House::customer(const json& transaction, const std::string& act) {
    const auto id = TransactionId::parse(transaction["id"].get<std::string>(), "id");
    const auto view = engine->view(*id, "", "");
    const auto* leg = core::leg_away(view->transaction);
    if (leg == nullptr) {
        ADD_FAILURE() << "nobody is away";
        return "";
    }
    std::string session;
    for (const auto& [kind, reference] : leg->references)
        if (kind == "session") session = reference;
    std::string location;
    world.provider(
        {"POST",
         "/tickets/dummy_redirect.buy/act",
         {{"Content-Type", "application/x-www-form-urlencoded"}},
         encoding::form({{"session", session}, {"act", act}}),
         ""},
        [&](const HttpResponse& response) { location = std::string(response.header("Location")); });
    return location;
}

void House::faults(const std::string& rules) {
    world.provider({"PUT", "/_faults", {{"Content-Type", "application/json"}}, rules, ""},
                   [](const HttpResponse& response) { EXPECT_EQ(response.status, 200) << response.body; });
}

void House::forward(Millis by) {
    clock.forward(by);
    world.tick();
}

std::string header(const HttpResponse& response, std::string_view name) {
    return std::string(response.header(name));
}

testing::AssertionResult is_problem(const HttpResponse& response, int status, const json& field) {
    const auto body = json::parse(response.body, nullptr, false);
    if (response.status == status && body.is_object() && body.value("status", 0) == status &&
        body.contains("field") && body["field"] == field && body.contains("type") && body.contains("title") &&
        !body.value("detail", "").empty() &&
        body.value("request_id", "") == response.header("X-Request-Id") &&
        response.header("Content-Type") == "application/problem+json")
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "expected a problem " << status << " of " << field << ", got "
                                       << response.status << " " << response.body;
}

}  // namespace kassi::doors
