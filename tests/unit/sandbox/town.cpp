#include "town.hpp"

#include "base/log.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/box_office/box_office.hpp"
#include "sandbox/football.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/crowd.hpp"

namespace kassi::sandbox {
namespace {

constexpr const char* form_type = "application/x-www-form-urlencoded";
constexpr const char* json_type = "application/json";

std::string basic(const std::string& user) {
    return "Basic " + encoding::base64(user + ":demopass");
}

}  // namespace

Town::Town() {
    log::start(log::Level::error);
    service::Config config;
    config.settings.visit_loopback_only = true;
    config.loopback_only = true;
    config.data_directory = folder_.path("data");
    config.master_key = key;
    // A machine that is slow, as under a sanitizer, is no load.
    config.load.lag_max = std::chrono::hours(1);
    config.when_bound = [this](service::Config& bound, unsigned short port) {
        street_ = std::make_unique<Street>(static_cast<unsigned short>(0), clock_);
        bound.settings.public_url = "http://127.0.0.1:" + std::to_string(port);
        bound.directory = demo_directory(key, street_->origin(), randomness_);
    };
    service_ = std::make_unique<service::Service>(std::move(config), clock_);
    service_->set_box_office(box_office::make(service_->engine(), key));
    service_->set_events(football());
    const auto& public_url = service_->config().settings.public_url;
    const std::filesystem::path files = folder_.path();
    street_->open({.redirect = demo_houses(key, street_->origin()),
                   .redirect_file = files / "redirect",
                   .stripe = demo_stripe_accounts(key, street_->origin(), public_url),
                   .stripe_file = files / "stripe",
                   .borgun = demo_borgun_merchants(key, street_->origin(), public_url),
                   .borgun_file = files / "borgun",
                   .apple = std::nullopt});
    thread_ = std::thread([this] { EXPECT_EQ(service_->run(), 0); });
}

Town::~Town() {
    if (thread_.joinable()) static_cast<void>(stop_and_verify());
}

std::string Town::stop_and_verify() {
    service_->stop();
    thread_.join();
    street_.reset();
    service_.reset();
    const auto report = store::verify(folder_.path("data"), key, "", nullptr);
    if (!report) return report.error().message;
    std::string found;
    for (const auto& finding : report->findings) found += finding.what + "; ";
    return found;
}

std::string Town::url(const std::string& path) const {
    return service_->config().settings.public_url + path;
}

HttpRequest Town::v1(const std::string& method, const std::string& path, const json& body,
                     const std::string& idempotency_key) const {
    HttpRequest request{method,
                        url("/v1" + path),
                        {{"Authorization", "Bearer " + demo_v1_key(key)}, {"Content-Type", json_type}},
                        body.is_null() ? std::string() : body.dump(),
                        ""};
    if (!idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", idempotency_key);
    return request;
}

HttpRequest Town::f13(const std::string& endpoint, const Fields& fields, const std::string& user) const {
    return {"POST",
            url("/f13/" + endpoint + "/"),
            {{"Authorization", basic(user)}, {"Content-Type", form_type}},
            encoding::form(fields),
            ""};
}

HttpRequest Town::ticket_order(const json& order, const std::string& user) const {
    return {"POST",
            url("/ticketOrder"),
            {{"Authorization", basic(user)}, {"Content-Type", json_type}},
            order.dump(),
            ""};
}

HttpResponse Town::send(HttpRequest request) {
    return all_at_once({std::move(request)}).front();
}

std::string Town::hand_over(const std::string& caller) const {
    const auto answer = send(v1("POST", "/transactions",
                                {{"caller", caller},
                                 {"held_until", iso8601(clock_->now() + std::chrono::minutes(30))},
                                 {"bundles",
                                  {{{"source", "ext_test1"},
                                    {"description", "Two seats"},
                                    {"currency", "GBP"},
                                    {"amount", 11000}}}}}));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json::parse(answer.body).at("id");
}

json Town::read(const std::string& id) const {
    return json::parse(send(v1("GET", "/transactions/" + id)).body);
}

json Town::read_until(const std::string& id, const std::string& member, const json& value) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    auto found = read(id);
    while (found.at(member) != value && std::chrono::steady_clock::now() < until) found = read(id);
    EXPECT_EQ(found.at(member), value) << found.dump();
    return found;
}

json Town::read_until(const std::string& id, const std::string& phase) const {
    return read_until(id, "phase", phase);
}

json Town::read_settled(const std::string& id) const {
    return read_until(id, "settled", true);
}

std::map<std::string, int> Town::inputs(const std::string& id) const {
    std::map<std::string, int> found;
    const auto journal = json::parse(send(v1("GET", "/transactions/" + id + "/journal")).body);
    for (const auto& row : journal.at("data")) ++found[row.at("input")];
    return found;
}

std::string Town::ledger(const std::string& simulator) const {
    const auto shown = json::parse(send({"GET", simulators(simulator + "/_ledger"), {}, "", ""}).body);
    std::string text;
    for (const auto& entry : shown.at("entries"))
        text += (text.empty() ? "" : ", ") + entry.at("kind").get<std::string>() + " " +
                entry.at("amount").dump();
    return text;
}

std::int64_t Town::kept(const std::string& simulator, const std::string& id) const {
    const auto shown = json::parse(send({"GET", simulators(simulator + "/_ledger"), {}, "", ""}).body);
    std::int64_t sum = 0;
    for (const auto& entry : shown.at("entries")) {
        if (!entry.at("reference").get<std::string>().starts_with(id)) continue;
        const auto amount = entry.at("amount").get<std::int64_t>();
        sum += entry.at("kind") == "taken" ? amount : entry.at("kind") == "given_back" ? -amount : 0;
    }
    return sum;
}

void Town::faults(const std::string& simulator, const std::string& rules) const {
    const auto answer =
        send({"PUT", simulators(simulator + "/_faults"), {{"Content-Type", json_type}}, rules, ""});
    EXPECT_EQ(answer.status, 200) << answer.body;
}

std::string Town::at_the_page(const json& transaction, const std::string& act) const {
    std::string session;
    const auto journal = json::parse(
        send(v1("GET", "/transactions/" + transaction.at("id").get<std::string>() + "/journal")).body);
    for (const auto& row : journal.at("data"))
        for (const auto& event : row.at("events"))
            for (const auto& reference : event.value("references", json::array()))
                if (reference.at(0) == "session") session = reference.at(1);
    const auto answer = send({"POST",
                              simulators("/tickets/dummy_redirect.buy/act"),
                              {{"Content-Type", form_type}},
                              encoding::form({{"session", session}, {"act", act}}),
                              ""});
    return std::string(answer.header("Location"));
}

}  // namespace kassi::sandbox
