#include "door_world.hpp"

#include <algorithm>
#include <filesystem>

#include "api/ticket_order/checks.hpp"
#include "api/ticket_order/fingerprint.hpp"
#include "api/ticket_order/outcome.hpp"
#include "api/ticket_order/request.hpp"
#include "api/ticket_order/signature.hpp"
#include "http/server.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/football.hpp"
#include "sandbox/street.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/hand_over.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::api::ticket_order {
namespace {

using nlohmann::json;

constexpr const char* simulators = "http://127.0.0.1:9000";

/// Only Borgun is called here, and time passes only when a test says so.
class Outside final : public engine::Outside {
  public:
    explicit Outside(Loop& loop) : loop_(loop) {}
    void call(HttpRequest request, Millis, std::function<void(core::Heard)> done) override {
        request.target = parse_url(request.target, "target")->target;
        loop_.post([this, request = std::move(request), done = std::move(done)]() mutable {
            const bool pays = request.method == "POST" && request.target.ends_with("/payment");
            sandbox::hanging_up(borgun)(std::move(request), [this, pays, done](HttpResponse response) {
                if (response.status == http::hang_up)
                    return done(core::Silence{.sent = false, .why = "dead"});
                if (lose_answers && pays) return done(core::Silence{.sent = true, .why = "lost"});
                done(core::Answered{std::move(response)});
            });
        });
    }
    void visit(const std::string&, bool, std::function<void(std::string)> done) override { done(""); }
    void wake_at(std::optional<Instant>, std::function<void()>) override {}
    /// Short pauses are over at once; nobody waits as long as a door does.
    void after(Millis delay, std::function<void()> callback) override {
        if (delay < std::chrono::seconds(1)) loop_.post(std::move(callback));
    }
    Handler borgun;
    bool lose_answers = false;

  private:
    Loop& loop_;
};

HttpRequest http_of(const DoorWorld::Request& request) {
    HttpRequest out{request.method, request.target, request.headers, request.body, "127.0.0.1"};
    if (!request.user.empty())
        out.headers.emplace_back("Authorization", "Basic " + encoding::base64(request.user + ":demopass"));
    return out;
}

TicketOrder read(const json& order) {
    const auto text = order.dump();
    Incoming incoming;
    incoming.form = BodyForm::json;
    incoming.body = text;
    return *read_request(incoming);
}

}  // namespace

struct DoorWorld::State {
    State(Loop& given_loop, f13::TestClock& clock, Randomness& given_randomness)
        : loop(given_loop),
          randomness(given_randomness),
          master_key(std::string(32, 'm')),
          known(sandbox::demo_directory(master_key, simulators, randomness)),
          outside(loop),
          borgun(
              sandbox::demo_borgun_merchants(master_key, simulators, "http://127.0.0.1:8080"), clock,
              randomness, [](HttpRequest, const sandbox::BorgunHouse::NoticeAnswer&) {},
              [](Millis, const std::function<void()>&) {}) {
        outside.borgun = borgun.handler();
        registry = *providers::Registry::make(known.merchants);
        store = *store::SqliteStore::open({folder.path(), Secret<>(std::string(32, 'k')), post(), &clock, 0});
        settings.public_url = "http://127.0.0.1:8080";
        engine.emplace(engine::Engine::Parts{*store, *registry, known, settings, clock, randomness, outside,
                                             std::string(32, 'd')});
        passwords.emplace(known, randomness, post(), std::size_t{1});
    }
    ~State() {
        door = {};
        passwords.reset();
        engine.reset();
        store.reset();
    }
    [[nodiscard]] std::function<void(std::function<void()>)> post() const {
        return [this](std::function<void()> callback) { loop.post(std::move(callback)); };
    }

    Loop& loop;
    Randomness& randomness;
    TemporaryFolder folder;
    Secret<> master_key;
    engine::Directory known;
    engine::Settings settings;
    Outside outside;
    sandbox::BorgunHouse borgun;
    std::unique_ptr<providers::Registry> registry;
    std::unique_ptr<store::SqliteStore> store;
    std::optional<engine::Engine> engine;
    std::optional<Passwords> passwords;
    Mount door;
};

DoorWorld::DoorWorld() : state_(std::make_unique<State>(loop_, clock_, randomness_)) {
    open_door();
}
DoorWorld::~DoorWorld() = default;

void DoorWorld::open_door(const std::function<void(TicketOrderOptions&)>& change) {
    TicketOrderOptions options{.engine = *state_->engine,
                               .passwords = *state_->passwords,
                               .randomness = randomness_,
                               .events = sandbox::football()};
    if (change) change(options);
    state_->door = ticket_order_door(std::move(options));
}

std::string DoorWorld::Answer::refusal() const {
    auto text = std::to_string(status);
    if (!body.contains("responseStatus")) return text + " no responseStatus: " + raw.body;
    const auto& about = body.at("responseStatus");
    text += " " + about.at("errorCode").get<std::string>();
    if (!about.at("errors").empty())
        text += " " + about.at("errors").at(0).at("fieldName").get<std::string>();
    return text;
}

std::vector<DoorWorld::Answer> DoorWorld::send_at_once(const std::vector<Request>& requests) {
    std::vector<std::shared_ptr<std::optional<HttpResponse>>> begun;
    for (const auto& request : requests) {
        auto response = begun.emplace_back(std::make_shared<std::optional<HttpResponse>>());
        EXPECT_TRUE(state_->door.takes(http_of(request).path())) << request.target;
        state_->door.handler(http_of(request), [response](HttpResponse sent) {
            EXPECT_FALSE(response->has_value()) << "answered twice";
            *response = std::move(sent);
        });
    }
    std::vector<Answer> answers;
    for (const auto& each : begun) {
        loop_.run_until([&each] { return each->has_value(); });
        const auto& raw = **each;
        answers.push_back({raw.status, json::parse(raw.body, nullptr, false), raw});
    }
    return answers;
}

DoorWorld::Answer DoorWorld::send(const Request& request) {
    return send_at_once({request}).front();
}

json DoorWorld::family(const std::string& order_id, const std::string& pan) {
    json order{
        {"order", {{"eventId", 1}, {"currency", "ISK"}}},
        {"orderDetails",
         {{{"eventSeriesTicketType", 1}, {"ticketPrice", 4990}, {"count", 2}, {"totalPrice", 9980}},
          {{"eventSeriesTicketType", 2}, {"ticketPrice", 1990}, {"count", 1}}}},
        {"cardInfo",
         {{"paymentMethod",
           {{"paymentType", "Card"}, {"pan", pan}, {"expYear", "2029"}, {"expMonth", "09"}, {"cvc", cvc}}},
          {"amount", 11970},
          {"currency", "352"}}}};
    if (!order_id.empty()) order["cardInfo"]["orderId"] = order_id;
    return order;
}

json DoorWorld::family_for(const std::string& reservation, const std::string& order_id) {
    auto order = family(order_id);
    order["seatReservationTokenId"] = reservation;
    return order;
}

json DoorWorld::signed_by(const std::string& account, json order, Millis late) {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now() + late).time_since_epoch().count();
    order["requestUnixUTCTimeStamp"] = now;
    order["signature"] = {{"systemId", account}};
    const auto request = read(order);
    const auto checked = *check(request);
    order["signature"]["signature"] =
        sign(request, checked.total, checked.order_id,
             Secret<>(sandbox::ticket_order_secret(state_->master_key, account)));
    return order;
}

TransactionId DoorWorld::hand_over(const std::vector<std::int64_t>& amounts, const std::string& caller,
                                   const std::string& document) {
    engine::HandOverRequest request;
    request.system = sandbox::demo_system;
    request.caller = caller;
    const auto krona = *Currency::parse("ISK", "");
    std::int64_t item = 0;
    const char* const sources[] = {"ext_test0", "ext_test1"};
    for (std::size_t i = 0; i < amounts.size(); ++i) {
        core::Bundle bundle;
        bundle.source = sources[i];
        bundle.description = "Seats";
        bundle.amount = {amounts[i], krona};
        bundle.orders.push_back({++item, bundle.amount, true});
        request.bundles.push_back(bundle);
    }
    request.held_until = clock_.now() + std::chrono::minutes(30);
    request.document_json = document;
    return handed_over(engine(), loop_, std::move(request));
}

TransactionId DoorWorld::hand_over_as_the_door_does(const json& order) {
    const auto request = read(order);
    const auto checked = *check(request);
    const auto fingerprint = fingerprint_of(request);
    const auto& caller = *engine().directory().caller("app");
    auto offer = *sandbox::football()->offer(caller, request, clock_.now());
    std::optional<TransactionId> id;
    engine::Meta meta{
        "caller app", "",
        engine::Meta::Once{"ticket_order:app",
                           ticket_order::key_of(request, checked.total, checked.order_id, fingerprint),
                           fingerprint}};
    engine().hand_over({.system = caller.system,
                        .caller = caller.name,
                        .bundles = offer.bundles,
                        .policy = core::Policy{},
                        .held_until = offer.held_until,
                        .customer_json = {},
                        .document_json = document_of(offer.tickets)},
                       meta, [&](const Result<engine::View>& view) { id = view->transaction.id; });
    loop_.run_until([&] { return id.has_value(); });
    return *id;
}

std::size_t DoorWorld::charges() const {
    const auto& ledger = state_->borgun.ledger();
    return static_cast<std::size_t>(
        std::count_if(ledger.begin(), ledger.end(), [](const auto& entry) { return entry.kind == "taken"; }));
}

std::size_t DoorWorld::transactions() {
    return static_cast<std::size_t>(state_->store->counts().transactions);
}

void DoorWorld::sweep() {
    bool done = false;
    engine().sweep(std::chrono::minutes(1), nullptr,
                   [&done](const engine::Engine::SweepReport&) { done = true; });
    loop_.run_until([&done] { return done; });
}

void DoorWorld::lose_answers(bool lose) {
    state_->outside.lose_answers = lose;
}

engine::Engine& DoorWorld::engine() {
    return *state_->engine;
}
engine::Settings& DoorWorld::settings() {
    return state_->settings;
}
sandbox::BorgunHouse& DoorWorld::borgun() {
    return state_->borgun;
}

engine::TicketOrderAccess& DoorWorld::access(const std::string& caller) {
    for (auto& each : state_->known.callers)
        if (each.name == caller) return each.ticket_order;
    throw std::runtime_error("no such caller");
}

std::string DoorWorld::key_of(const std::string& account) const {
    return sandbox::ticket_order_key(state_->master_key, account);
}

std::string DoorWorld::folder() const {
    return state_->folder.path();
}

}  // namespace kassi::api::ticket_order
