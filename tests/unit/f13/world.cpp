#include "world.hpp"

#include <gtest/gtest.h>

#include "base/crypto.hpp"
#include "sandbox/box_office/box_office.hpp"
#include "sandbox/box_office/catalogue.hpp"
#include "tests/unit/hand_over.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::api::f13 {
namespace {

/// Only Stripe and Borgun are called here, and time passes only when a test says so.
class Outside final : public engine::Outside {
  public:
    explicit Outside(Loop& loop) : loop_(loop) {}
    void call(HttpRequest request, Millis, std::function<void(core::Heard)> done) override {
        request.target = parse_url(request.target, "target")->target;
        loop_.post([this, request = std::move(request), done = std::move(done)]() mutable {
            const auto& house = request.target.starts_with("/borgun/") ? borgun : stripe;
            house(std::move(request),
                  [done](HttpResponse response) { done(core::Answered{std::move(response)}); });
        });
    }
    void visit(const std::string&, bool, std::function<void(std::string)> done) override {
        loop_.post([done = std::move(done)] { done("answered 200"); });
    }
    void wake_at(std::optional<Instant>, std::function<void()>) override {}
    void after(Millis, std::function<void()>) override {}
    Handler stripe, borgun;

  private:
    Loop& loop_;
};

providers::Merchant redirect_merchant(const std::string& name, const std::string& type) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "redirect";
    merchant.simulator = true;
    merchant.settings = {{"can_be_asked", "false"},
                         {"notifies", "false"},
                         {"callout_type", type},
                         {"page_url", "http://127.0.0.1:1/tickets/dummy_redirect.buy/" + name}};
    return merchant;
}

providers::Merchant stripe_merchant() {
    providers::Merchant merchant;
    merchant.name = "stripe-demo";
    merchant.provider = "stripe";
    merchant.simulator = true;
    merchant.base_url = "http://127.0.0.1:9000";
    merchant.settings = {{"publishable_key", "pk_test_OfTheWorld"},
                         {"statement_descriptor", "World's \"end\""}};
    merchant.secrets.emplace("secret_key", Secret<>("sk_test_OfTheWorld"));
    return merchant;
}

sandbox::StripeHouse::Options stripe_accounts() {
    sandbox::StripeHouse::Options options;
    options.accounts.push_back({.name = "stripe-demo",
                                .secret_key = "sk_test_OfTheWorld",
                                .publishable_key = "pk_test_OfTheWorld",
                                .webhook_url = "",
                                .webhook_secrets = {},
                                .extra_test_tokens = {},
                                .statement_descriptor = ""});
    return options;
}

/// Cards: of any kind and age, or as a careful merchant takes them.
providers::Merchant card_merchant(const std::string& name, std::map<std::string, std::string> settings) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "borgun";
    merchant.simulator = true;
    merchant.base_url = "http://127.0.0.1:9000/borgun/rpg";
    merchant.settings = std::move(settings);
    merchant.secrets.emplace("private_key", Secret<>("100001_prOf" + name));
    return merchant;
}

sandbox::BorgunHouse::Options borgun_merchants() {
    sandbox::BorgunHouse::Options options;
    for (const auto* name : {"card-demo", "card-strict", "card-token"}) {
        sandbox::BorgunHouse::Merchant merchant;
        merchant.name = name;
        merchant.private_key = "100001_prOf" + merchant.name;
        merchant.public_key = "100001_puOf" + merchant.name;
        merchant.forgives_expiry = merchant.name == "card-demo";
        options.merchants.push_back(std::move(merchant));
    }
    return options;
}

engine::Directory directory(Randomness& randomness) {
    engine::Directory out;
    out.systems.push_back({"box-office", {}});
    for (const auto& [code, description] : sandbox::box_office::demo_catalogue().sources)
        out.sources.push_back({code, description});
    providers::Merchant credit;
    credit.name = "on_credit";
    credit.provider = "on_credit";
    out.merchants = {
        credit,
        redirect_merchant("demo-redirect", "get"),
        redirect_merchant("demo-redirect-post", "post"),
        stripe_merchant(),
        card_merchant("card-demo", {{"forgives_expiry", "true"}}),
        card_merchant("card-strict", {{"accepted_cards", "visa,maestro"}, {"wants_cvc", "true"}}),
        card_merchant("card-token", {{"accepts", "token"}, {"public_key", "100001_puOfcard-token"}})};
    static const std::string hash = crypto::hash_password("demopass", randomness);
    const auto add = [&](const std::string& name, std::map<std::string, std::vector<std::string>> ways,
                         core::Policy policy = {}) {
        engine::Caller caller;
        caller.name = name;
        caller.system = "box-office";
        caller.password_hash = hash;
        caller.real_name = "Demonstration User";
        caller.return_hosts = {"fromtheboxoffice.com"};
        caller.ways = std::move(ways);
        caller.policy = policy;
        out.callers.push_back(std::move(caller));
    };
    add("demo", {{"*", {"on_credit"}}});
    add("demo-redirect", {{"*", {"demo-redirect"}}});
    add("demo-redirect-post", {{"*", {"demo-redirect-post"}}});
    add("demo-mixed", {{"ext_test0", {"on_credit"}}, {"ext_test1", {"demo-redirect"}}});
    add("demo-partial", {{"*", {"demo-redirect"}}}, {.partial = true});
    add("demo-stripe", {{"*", {"stripe-demo"}}});
    add("demo-creditcard", {{"*", {"card-demo"}}});
    add("demo-strict", {{"*", {"card-strict"}}});
    add("demo-borgun", {{"*", {"card-token"}}});
    add("stripe-neighbour", {{"*", {"stripe-demo"}}});
    add("demo-again", {{"*", {"stripe-demo"}}}, {.on_decline = core::OnDecline::again});
    return out;
}

constexpr const char* form_type = "application/x-www-form-urlencoded";

HttpRequest request_of(const std::string& method, const std::string& target, const std::string& body,
                       const std::string& user, const std::string& content_type) {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers.emplace_back("Authorization", "Basic " + encoding::base64(user + ":demopass"));
    if (!body.empty()) request.headers.emplace_back("Content-Type", content_type);
    request.body = body;
    return request;
}

}  // namespace

struct World::State {
    State(Loop& loop, TestClock& clock, Randomness& randomness)
        : known(directory(randomness)),
          outside(loop),
          stripe(
              stripe_accounts(), clock, randomness, [](HttpRequest, const std::function<void(int)>&) {},
              [](Millis, const std::function<void()>&) {}),
          borgun(
              borgun_merchants(), clock, randomness,
              [](HttpRequest, const sandbox::BorgunHouse::NoticeAnswer&) {},
              [](Millis, const std::function<void()>&) {}) {
        outside.stripe = stripe.handler();
        outside.borgun = borgun.handler();
        const std::string key(32, 'k');
        const auto post = [&loop](std::function<void()> callback) { loop.post(std::move(callback)); };
        auto registered = providers::Registry::make(known.merchants);
        registry = std::move(*registered);
        auto opened = store::SqliteStore::open({folder.path(), Secret<>(key), post, &clock, 0});
        store = std::move(*opened);
        settings.public_url = "http://127.0.0.1:8080";
        engine.emplace(engine::Engine::Parts{*store, *registry, known, settings, clock, randomness, outside,
                                             std::string(32, 'd')});
        passwords.emplace(known, randomness, post, std::size_t{1});
        door = f13_door({*engine, *passwords, sandbox::box_office::make(*engine, Secret<>(key))});
    }
    ~State() {
        door = {};
        passwords.reset();
        engine.reset();
        store.reset();
    }

    TemporaryFolder folder;
    engine::Directory known;
    engine::Settings settings;
    Outside outside;
    sandbox::StripeHouse stripe;
    sandbox::BorgunHouse borgun;
    std::unique_ptr<providers::Registry> registry;
    std::unique_ptr<store::SqliteStore> store;
    std::optional<engine::Engine> engine;
    std::optional<Passwords> passwords;
    Mount door;
};

World::World() : state_(std::make_unique<State>(loop_, clock_, randomness_)) {}
World::~World() = default;

engine::Engine& World::engine() {
    return *state_->engine;
}
store::Store& World::store() {
    return *state_->store;
}

sandbox::StripeHouse& World::stripe() {
    return state_->stripe;
}

sandbox::BorgunHouse& World::borgun() {
    return state_->borgun;
}

void World::production(std::shared_ptr<BoxOffice> box_office) {
    state_->door = f13_door({*state_->engine, *state_->passwords, std::move(box_office)});
}

std::shared_ptr<std::optional<HttpResponse>> World::begin(HttpRequest request) {
    auto response = std::make_shared<std::optional<HttpResponse>>();
    state_->door.handler(std::move(request), [response](HttpResponse sent) {
        EXPECT_FALSE(response->has_value()) << "answered twice";
        *response = std::move(sent);
    });
    return response;
}

Answer World::answer_of(const std::shared_ptr<std::optional<HttpResponse>>& begun) {
    loop_.run_until([&] { return begun->has_value(); });
    Answer answer;
    answer.raw = **begun;
    answer.status = answer.raw.status;
    answer.request_id = answer.raw.header("X-Request-Id");
    answer.body = nlohmann::json::parse(answer.raw.body, nullptr, false);
    EXPECT_FALSE(answer.body.is_discarded()) << answer.raw.body;
    return answer;
}

Answer World::send(HttpRequest request) {
    return answer_of(begin(std::move(request)));
}

Answer World::call(const std::string& method, const std::string& target, const std::string& body,
                   const std::string& user, const std::string& content_type) {
    return send(request_of(method, target, body, user, content_type));
}

std::vector<Answer> World::post_at_once(std::size_t count, const std::string& target, const Fields& fields,
                                        const std::string& user) {
    std::vector<std::shared_ptr<std::optional<HttpResponse>>> begun;
    for (std::size_t i = 0; i < count; ++i)
        begun.push_back(begin(request_of("POST", target, encoding::form(fields), user, form_type)));
    std::vector<Answer> answers;
    for (const auto& each : begun) answers.push_back(answer_of(each));
    return answers;
}

std::string World::reserve(const std::string& user, Fields fields) {
    if (fields.empty())
        fields = {{"perf_id", "7AB-4"},
                  {"ticket_type_code", "STALLS"},
                  {"price_band_code", "A/pool"},
                  {"no_of_seats", "2"}};
    const auto answer = post("/f13/reserve.v1/", fields, user);
    EXPECT_EQ(answer.status, 200) << answer.raw.body;
    return answer.body.value("/trolley_contents/transaction_uuid"_json_pointer, std::string());
}

Answer World::purchase(const std::string& uuid, const std::string& user, const Fields& more) {
    auto fields = fred();
    fields.emplace_back("transaction_uuid", uuid);
    fields.insert(fields.end(), more.begin(), more.end());
    return post("/f13/purchase.v1/", fields, user);
}

TransactionId World::hand_over(engine::HandOverRequest request) {
    return handed_over(engine(), loop_, std::move(request));
}

std::string AtTheDoor::error(const Answer& answer) {
    if (!answer.body.contains("error_code")) return "no error: " + answer.raw.body;
    return std::to_string(answer.status) + " " + answer.body.at("error_code").dump() + " " +
           answer.body.at("error_desc").get<std::string>();
}

Fields fred() {
    return {{"send_confirmation_email", "True"},
            {"first_name", "Fred"},
            {"last_name", "Flintstone"},
            {"country_code", "us"},
            {"postcode", "70777"},
            {"town", "Bedrock"},
            {"county", "LA"},
            {"email_address", "fred@slate-rock-gravel.com"},
            {"phone", "0110134345"},
            {"address_line_one", "301 Cobble stone road"},
            {"address_line_two", "Bolder Lane"},
            {"supplier_can_use_customer_data", "False"},
            {"user_can_use_customer_data", "False"},
            {"world_can_use_customer_data", "False"}};
}

Fields redirection(const std::string& token, const std::string& host) {
    return {{"return_token", token},
            {"return_url", "https://" + host + "/callback/" + token},
            {"client_http_user_agent", "Mozilla/5.0"},
            {"client_http_accept", "text/html"},
            {"remote_site", host}};
}

}  // namespace kassi::api::f13
