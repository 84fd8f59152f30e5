#include "services_world.hpp"

#include <filesystem>
#include <fstream>

#include "api/passwords.hpp"
#include "api/ticket_order/door.hpp"
#include "base/encoding.hpp"
#include "service/gateway_desk.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/hand_over.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::api::ticket_order::services {
namespace {

class Outside final : public engine::Outside {
  public:
    Outside(Loop& loop, acs::Borgun& gate) : loop_(loop), gate_(gate) {}
    void call(HttpRequest request, Millis, std::function<void(core::Heard)> done) override {
        request.target = parse_url(request.target, "target")->target;
        sent.push_back(request);
        loop_.post([this, request = std::move(request), done = std::move(done)]() mutable {
            std::optional<HttpResponse> answer;
            if (!instead.empty()) {
                answer = std::move(instead.front());
                instead.pop_front();
            } else {
                answer = gate_.try_send(std::move(request));
            }
            done(answer ? core::Heard(core::Answered{std::move(*answer)})
                        : core::Heard(core::Silence{true, "timed out"}));
        });
    }
    void visit(const std::string&, bool, std::function<void(std::string)> done) override {
        loop_.post([done = std::move(done)] { done("answered 200"); });
    }
    void wake_at(std::optional<Instant>, std::function<void()>) override {}
    void after(Millis delay, std::function<void()> callback) override {
        // The pauses of a sweep; what waits longer waits for ever, and is kept alive.
        constexpr Millis moment{50};
        if (delay <= moment)
            loop_.post(std::move(callback));
        else
            never_.push_back(std::move(callback));
    }
    std::vector<HttpRequest> sent;
    std::deque<std::optional<HttpResponse>> instead;

  private:
    Loop& loop_;
    acs::Borgun& gate_;
    std::vector<std::function<void()>> never_;
};

sandbox::BorgunHouse::Options houses() {
    sandbox::BorgunHouse::Options options;
    for (const std::string name : {"app-borgun", "other-borgun"})
        options.merchants.push_back(
            {.name = name, .private_key = "100001_prOf" + name, .public_key = "100001_puOf" + name});
    return options;
}

providers::Merchant merchant(const std::string& name, const std::string& accepts) {
    providers::Merchant out;
    out.name = name;
    out.provider = "borgun";
    out.simulator = true;
    out.base_url = "http://127.0.0.1:9000/borgun/rpg";
    out.settings = {{"accepts", accepts}, {"public_key", "100001_puOf" + name}, {"notifies", "false"}};
    out.secrets.emplace("private_key", Secret<>("100001_prOf" + name));
    return out;
}

std::string key_of(const std::string& caller) {
    return "key-of-" + caller;
}

engine::Directory directory() {
    engine::Directory out;
    out.systems.push_back({"box-office", {}});
    providers::Merchant credit;
    credit.name = "on_credit";
    credit.provider = "on_credit";
    auto cards_only = merchant("other-borgun", "card");
    cards_only.name = "cards-only";
    out.merchants = {credit, merchant("app-borgun", "card,token"), merchant("other-borgun", "token"),
                     cards_only};
    const auto add = [&](const std::string& name, std::vector<std::string> ways, bool role = true) {
        engine::Caller caller;
        caller.name = name;
        caller.system = "box-office";
        caller.ways = {{"*", std::move(ways)}};
        if (role) caller.ticket_order.roles = {"MobileApp"};
        caller.ticket_order.permissions = {"ReadData"};
        caller.ticket_order.key_digests = {encoding::hex(crypto::to_bytes(crypto::sha256(key_of(name))))};
        out.callers.push_back(std::move(caller));
    };
    add("app", {"app-borgun"});
    add("neighbour", {"app-borgun"});
    add("elsewhere", {"other-borgun", "app-borgun"});
    add("foreign", {"on_credit", "cards-only", "app-borgun"});
    out.callers.back().ticket_order.allow_foreign_mpi = true;
    add("again", {"app-borgun"});
    out.callers.back().policy.on_decline = core::OnDecline::again;
    add("poor", {"on_credit", "cards-only"});
    add("nobody", {"app-borgun"}, false);
    return out;
}

}  // namespace

struct World::State {
    State() : gate(houses()), known(directory()), outside(loop, gate) {
        const auto post = [this](std::function<void()> callback) { loop.post(std::move(callback)); };
        registry = std::move(*providers::Registry::make(known.merchants));
        auto opened =
            store::SqliteStore::open({folder.path(), Secret<>(std::string(32, 'k')), post, &gate.clock, 0});
        store = std::move(*opened);
        settings.public_url = "http://127.0.0.1:8080";
        engine.emplace(engine::Engine::Parts{*store, *registry, known, settings, gate.clock, randomness,
                                             outside, std::string(32, 'd')});
        passwords.emplace(known, randomness, post, std::size_t{1});
        desk.emplace(outside, *registry);
        mount();
    }
    ~State() {
        door = {};
        services.reset();
        passwords.reset();
        engine.reset();
        store.reset();
    }
    void mount() {
        services.emplace(Services::Parts{*engine, *desk, certificate_key(Secret<>(std::string(32, 'k')))});
        door = ticket_order_door(
            {.engine = *engine,
             .passwords = *passwords,
             .randomness = randomness,
             .bare_mpi_token =
                 [this](std::string_view text, const MpiPurpose& purpose) {
                     return services->proofs().bare_token(
                         text, {purpose.caller.name, purpose.merchant, purpose.card_token, purpose.amount},
                         purpose.caller.ticket_order.allow_foreign_mpi, engine->now());
                 },
             .card_tokens = &services->card_tokens(),
             .more = services->operations()});
    }

    Loop loop;
    acs::Borgun gate;
    TemporaryFolder folder;
    engine::Directory known;
    engine::Settings settings;
    SystemRandomness randomness;
    Outside outside;
    std::unique_ptr<providers::Registry> registry;
    std::unique_ptr<store::SqliteStore> store;
    std::optional<engine::Engine> engine;
    std::optional<Passwords> passwords;
    std::optional<service::OutsideDesk> desk;
    std::optional<Services> services;
    Mount door;
};

World::World() : state_(std::make_unique<State>()) {}
World::~World() = default;

acs::Borgun& World::gate() {
    return state_->gate;
}
engine::Engine& World::engine() {
    return *state_->engine;
}
Services& World::services() {
    return *state_->services;
}
std::vector<HttpRequest>& World::sent() {
    return state_->outside.sent;
}
std::deque<std::optional<HttpResponse>>& World::instead() {
    return state_->outside.instead;
}
void World::restart_services() {
    state_->mount();
}
void World::run_until(const std::function<bool()>& enough) {
    state_->loop.run_until(enough);
}
const engine::Caller& World::caller(const std::string& name) {
    return *state_->known.caller(name);
}

std::shared_ptr<std::optional<HttpResponse>> World::begin(HttpRequest request) {
    auto response = std::make_shared<std::optional<HttpResponse>>();
    state_->door.handler(std::move(request), [response](HttpResponse sent) {
        EXPECT_FALSE(response->has_value()) << "answered twice";
        *response = std::move(sent);
    });
    return response;
}

Reply World::reply_of(const std::shared_ptr<std::optional<HttpResponse>>& begun) {
    run_until([&] { return begun->has_value(); });
    return {(*begun)->status, json::parse((*begun)->body, nullptr, false), **begun};
}

Reply World::send(HttpRequest request) {
    return reply_of(begin(std::move(request)));
}

namespace {
HttpRequest request_of(const std::string& path, const std::string& text, const std::string& type,
                       const std::string& caller) {
    return {"POST",
            path.starts_with("/") ? path : "/borgunServices/" + path,
            {{"Authorization", "Bearer " + key_of(caller)}, {"Content-Type", type}},
            text,
            "127.0.0.1"};
}
}  // namespace

Reply World::post_text(const std::string& path, const std::string& text, const std::string& type,
                       const std::string& caller) {
    return send(request_of(path, text, type, caller));
}

Reply World::post(const std::string& path, const json& request, const std::string& caller) {
    return post_text(path, json{{"request", request}}.dump(), "application/json", caller);
}

std::vector<Reply> World::post_at_once(std::size_t count, const std::string& path, const json& request) {
    std::vector<std::shared_ptr<std::optional<HttpResponse>>> begun;
    for (std::size_t i = 0; i < count; ++i)
        begun.push_back(
            begin(request_of(path, json{{"request", request}}.dump(), "application/json", "app")));
    std::vector<Reply> replies;
    for (const auto& each : begun) replies.push_back(reply_of(each));
    return replies;
}

std::vector<Reply> World::post_both(const std::string& path, const json& one, const json& other) {
    const auto send_one = [&](const json& request) {
        return begin(request_of(path, json{{"request", request}}.dump(), "application/json", "app"));
    };
    const auto first = send_one(one);
    const auto second = send_one(other);
    return {reply_of(first), reply_of(second)};
}

std::string World::token(const std::string& pan, const std::string& caller) {
    const auto reply =
        post("token/single", {{"pan", pan}, {"expMonth", "09"}, {"expYear", "2027"}, {"tokenLifetime", 3600}},
             caller);
    EXPECT_EQ(reply.status, 200) << reply.raw.body;
    EXPECT_EQ(reply.body.value("success", false), true) << reply.raw.body;
    return reply.body.value("/response/token/token"_json_pointer, "");
}

json World::enrollment(const std::string& token, std::int64_t amount) {
    return {{"cardDetails",
             {{"paymentType", token.starts_with("tm_") ? "TokenMulti" : "TokenSingle"}, {"token", token}}},
            {"purchAmount", amount},
            {"currency", "352"},
            {"termURL", term_url},
            {"md", "cart-88"},
            {"description", "Two seats"}};
}

json World::enroll(const std::string& token, std::int64_t amount, const std::string& caller) {
    const auto reply = post("3DEnrollment", enrollment(token, amount), caller);
    EXPECT_EQ(reply.status, 200) << reply.raw.body;
    return reply.body;
}

json World::at_the_bank(const json& enrolled, const std::string& act) {
    const auto& list = enrolled.at("response").at("redirectToACSDAta");
    Fields fields;
    for (const auto& entry : list)
        if (entry["name"] != "actionURL") fields.emplace_back(entry["name"], entry["values"]);
    const std::string url = list[0]["values"];
    const auto page = gate().form(url.substr(url.find("acs/")), fields);
    EXPECT_EQ(page.status, 200) << page.body;
    const auto back =
        gate().form("acs/act", {{"authentication", acs::Borgun::hidden(page.body, "authentication")},
                                {"carried", acs::Borgun::hidden(page.body, "carried")},
                                {"act", act}});
    EXPECT_NE(back.body.find(term_url), std::string::npos) << back.body;
    json out = json::object();
    for (const auto& [theirs, ours] : {std::pair{"PaRes", "paRes"}, {"cres", "cRes"}, {"MD", "md"}})
        if (const auto value = acs::Borgun::hidden(back.body, theirs); !value.empty()) out[ours] = value;
    return out;
}

std::string World::authenticated(const std::string& token, std::int64_t amount) {
    const auto enrolled = enroll(token, amount);
    EXPECT_EQ(enrolled.at("success"), true) << enrolled;
    if (enrolled.at("response").at("mdStatus") == "9") {
        const auto reply = post("3DResVerification", at_the_bank(enrolled));
        EXPECT_EQ(reply.body.at("success"), true) << reply.raw.body;
    }
    return enrolled.at("response").at("mpiToken");
}

std::string World::order(std::int64_t minor, const std::string& currency, const std::string& caller) {
    const Money amount{minor, *Currency::parse(currency, "currency")};
    return order_of({{"ext_test1", "Two seats", amount, {{1, amount, true}}}}, caller);
}

std::string World::order_of(std::vector<core::Bundle> bundles, const std::string& caller) {
    engine::HandOverRequest request;
    request.system = "box-office";
    request.caller = caller;
    request.bundles = std::move(bundles);
    request.held_until = gate().clock.at + std::chrono::hours(1);
    const auto id = handed_over(engine(), state_->loop, std::move(request));
    return engine().view(id, "", "")->transaction.reference;
}

core::Transaction World::transaction(const std::string& reference) {
    return engine().view(*engine().store().find_reference(reference), "", "")->transaction;
}

json World::final_info(const std::string& order, const std::string& token, const std::string& mpi_token,
                       std::int64_t amount) {
    return {{"transactionType", "Sale"},
            {"amount", amount},
            {"currency", "352"},
            {"orderId", order},
            {"paymentMethod",
             {{"paymentType", token.starts_with("tm_") ? "TokenMulti" : "TokenSingle"}, {"token", token}}},
            {"threeDSecure", {{"dataType", "Token"}, {"mpiToken", mpi_token}}}};
}

json World::finish(const std::string& order, const std::string& token, const std::string& mpi_token,
                   std::int64_t amount) {
    const auto reply =
        post("Finish3DProcessShortVersion",
             {{"amount", amount}, {"mpiToken", mpi_token}, {"orderId", order}, {"token", token}});
    return reply.body;
}

std::string World::disk() {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(state_->folder.path())) {
        std::ifstream in(entry.path(), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
}

std::string faults_of(const Reply& reply) {
    std::string out = std::to_string(reply.status);
    if (!reply.body.is_object() || !reply.body.contains("responseStatus")) return out + " " + reply.raw.body;
    for (const auto& fault : reply.body["responseStatus"]["errors"])
        out += " " + fault["fieldName"].get<std::string>() + ": " + fault["message"].get<std::string>() + ";";
    if (reply.body["responseStatus"]["errors"].empty())
        out += " " + reply.body["responseStatus"]["message"].get<std::string>();
    return out;
}

}  // namespace kassi::api::ticket_order::services
