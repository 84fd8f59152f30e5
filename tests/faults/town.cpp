#include "town.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "core/codec.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::faults {
namespace {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* api_key = "key-of-the-box-office";
constexpr Millis door_patience{150};          ///< how long a door waits before it says that the work goes on
constexpr std::chrono::seconds patience{40};  ///< for what should take a moment: a defect is no hang
constexpr std::size_t cut_bytes = 100;        ///< of an answer, which has more with its head

Secret<> master_key() {
    return Secret<>(std::string(32, 'k'));
}

HttpResponse page(int status) {
    HttpResponse response;
    response.status = status;
    response.headers = {{"Content-Type", "text/html"}};
    response.body = "<html><body>Something else answers here.</body></html>";
    return response;
}

}  // namespace

const http::CertificateAuthority& authority() {
    static const auto made = http::make_certificate_authority("Authority that Kassi trusts");
    return made;
}

http::TlsIdentity good_identity() {
    static const auto made = http::make_certificate(authority(), {"127.0.0.1"});
    return made;
}

// ---- Kassi -----------------------------------------------------------------------------------------------

Kassi::Kassi(service::Config config, std::shared_ptr<SystemClock> clock)
    : service_(std::move(config), std::move(clock)), thread_([this] { status_ = service_.run(); }) {}

Kassi::~Kassi() {
    if (!thread_.joinable()) return;
    service_.io().stop();
    thread_.join();
}

int Kassi::stop() {
    service_.stop();
    thread_.join();
    return status_;
}

/// The folder that goes away with the test, by the name that the header knows.
struct Town::Folder : TemporaryFolder {};

// ---- the town --------------------------------------------------------------------------------------------

namespace {

http::ClientOptions client_options() {
    http::ClientOptions options;
    options.loopback_only = true;
    return options;
}

}  // namespace

Town::Town() : folder_(std::make_unique<Folder>()), client_(io_, client_options()) {
    static const bool quiet = [] {
        if (std::getenv("KASSI_FAULTS_LOG") == nullptr) log::start(log::Level::error, "/dev/null");
        // The machine's authorities are of no use here, and take longer to read than anything else takes.
        ::setenv("SSL_CERT_FILE", "/dev/null", 1);
        ::setenv("SSL_CERT_DIR", "/dev/null", 1);
        return true;
    }();
    (void)quiet;
}

void Town::open(std::optional<http::TlsIdentity> identity, bool listens) {
    serve(identity ? std::move(identity) : good_identity());
    if (listens) wire_.listen();
    start_kassi();
}

std::string Town::origin() const {
    return "https://127.0.0.1:" + std::to_string(wire_.port());
}

Town::~Town() {
    kassi_.reset();
    client_.stop();
}

service::Config Town::config() const {
    service::Config config;
    engine::System system;
    system.name = "box-office";
    system.key_digests = {encoding::hex(crypto::to_bytes(crypto::sha256(api_key)))};
    config.directory.systems.push_back(system);
    auto ours = merchant();
    ours.base_url = origin() + base_path();
    ours.simulator = true;
    const auto name = ours.name;
    config.directory.merchants.push_back(std::move(ours));
    engine::Caller caller;
    caller.name = "demo";
    caller.system = "box-office";
    caller.ways["*"] = {name};
    caller.return_hosts = {"127.0.0.1:9"};
    config.directory.callers.push_back(caller);
    config.data_directory = folder_->path() + "/data";
    config.master_key = master_key();
    config.trusted_certificates_pem = authority().certificate_pem;
    config.loopback_only = true;
    config.settings.answer_within = door_patience;
    return config;
}

void Town::start_kassi() {
    kassi_ = std::make_unique<Kassi>(config(), clock_);
}

void Town::kill_kassi() {
    kassi_.reset();
    // What the dead one asked is nothing that the next one waits for.
    unanswered_ = std::make_shared<std::multiset<Instant>>();
}

void Town::pump(Millis at_most) {
    timers_.tick();
    io_.run_one_for(at_most);
    io_.poll();
}

bool Town::wait_until(const std::function<bool()>& met) {
    const auto end = SteadyClock::now() + patience;
    while (!met()) {
        if (SteadyClock::now() > end) return false;
        pump(Millis(2));
    }
    return true;
}

template <class T>
T Town::in_kassi(std::function<T(engine::Engine&)> work) {
    auto promised = std::make_shared<std::promise<T>>();
    auto result = promised->get_future();
    asio::post(kassi_->service().io(), [this, promised, work = std::move(work)] {
        promised->set_value(work(kassi_->service().engine()));
        asio::post(io_, [] {});
    });
    if (!wait_until([&] { return result.wait_for(Millis(0)) == std::future_status::ready; }))
        throw std::runtime_error("Kassi does not answer");
    return result.get();
}

// ---- the house -------------------------------------------------------------------------------------------

void Town::serve(std::optional<http::TlsIdentity> identity) {
    http::ServerOptions options;
    options.tls = std::move(identity);
    if (server_) servers_before_.push_back(std::move(server_));
    server_ = std::make_unique<http::Server>(io_, options, [this](HttpRequest request, Reply reply) {
        answer_as_house(std::move(request), std::move(reply));
    });
    wire_.lead_to(server_->port());
}

void Town::answer_as_house(HttpRequest request, Reply reply) {
    const std::string step = step_of(request);
    ++asked_[step];
    // Taken out when the answer was given, or will never be.
    const std::shared_ptr<void> counted(
        nullptr, [all = unanswered_, mine = unanswered_->insert(now())](void*) { all->erase(mine); });
    Reply counting = [counted = std::make_shared<std::shared_ptr<void>>(counted),
                      reply = std::move(reply)](HttpResponse response) {
        counted->reset();
        reply(std::move(response));
    };
    auto handle = sandbox::hanging_up([this, step](HttpRequest asked, Reply answer) {
        if (!line_ || line_->step != step) return house()(std::move(asked), std::move(answer));
        const auto what = line_->what;
        line_.reset();
        misbehave(what, std::move(asked), answer);
    });
    handle(std::move(request), std::move(counting));
}

void Town::misbehave(OnTheLine what, HttpRequest request, const Reply& reply) {
    switch (what) {
        case OnTheLine::reset_before:
            return wire_.reset();
        case OnTheLine::not_the_gateway:
            return reply(page(502));
        case OnTheLine::sent_twice:
            house()(request, [](const HttpResponse&) {});
            break;
        case OnTheLine::reset_after:
        case OnTheLine::cut:
        case OnTheLine::cut_by_reset:
        case OnTheLine::too_large:
        case OnTheLine::no_json:
        case OnTheLine::bad_gateway:
            break;
    }
    house()(std::move(request), [this, what, reply](HttpResponse answer) {
        switch (what) {
            case OnTheLine::reset_after:
                return wire_.reset();
            case OnTheLine::cut:
                wire_.cut_behind(cut_bytes, false);
                break;
            case OnTheLine::cut_by_reset:
                wire_.cut_behind(cut_bytes, true);
                break;
            case OnTheLine::too_large:
                // Still JSON, and still the truth.
                answer.body += std::string(limits::response_body_bytes_max, ' ');
                break;
            case OnTheLine::no_json:
                answer = page(200);
                break;
            case OnTheLine::bad_gateway:
                answer = page(502);
                break;
            case OnTheLine::reset_before:
            case OnTheLine::not_the_gateway:
            case OnTheLine::sent_twice:
                break;
        }
        reply(std::move(answer));
    });
}

void Town::send_notice(HttpRequest request, std::function<void(int, const std::string&)> done) {
    ++notices_open_;
    const auto url = parse_url(request.target, "webhook_url");
    if (!kassi_) {
        asio::post(io_, [this, done = std::move(done)] {
            --notices_open_;
            done(0, "");
        });
        return;
    }
    // Kassi's port is another one after each start.
    request.target = "http://127.0.0.1:" + std::to_string(kassi_->service().port()) + url->target;
    client_.send(std::move(request), patience, [this, done = std::move(done)](http::Outcome outcome) {
        --notices_open_;
        const auto* response = std::get_if<HttpResponse>(&outcome);
        response != nullptr ? done(response->status, response->body) : done(0, "");
    });
}

HttpResponse Town::ask_house(HttpRequest request) const {
    HttpResponse answer;
    house()(std::move(request), [&](HttpResponse given) { answer = std::move(given); });
    return answer;
}

// ---- what a booking system does --------------------------------------------------------------------------

HttpRequest Town::v1_request(const std::string& method, const std::string& path, const json& body) const {
    HttpRequest request{method, "/v1" + path, {{"Authorization", std::string("Bearer ") + api_key}}, "", ""};
    if (!body.is_null()) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = body.dump();
    }
    request.target = "http://127.0.0.1:" + std::to_string(kassi_->service().port()) + request.target;
    return request;
}

Answer Town::to_kassi(HttpRequest request) {
    if (request.target.starts_with('/'))
        request.target = "http://127.0.0.1:" + std::to_string(kassi_->service().port()) + request.target;
    auto answer = std::make_shared<std::optional<Answer>>();
    client_.send(std::move(request), patience, [answer](http::Outcome outcome) {
        answer->emplace();
        const auto* response = std::get_if<HttpResponse>(&outcome);
        if (response == nullptr) return;
        (*answer)->status = response->status;
        if (auto body = parse_json(response->body)) (*answer)->body = std::move(*body);
    });
    if (!wait_until([&] { return answer->has_value(); })) throw std::runtime_error("Kassi does not answer");
    return **answer;
}

void Town::to_kassi_and_go(HttpRequest request) {
    client_.send(std::move(request), patience, [](const http::Outcome&) {});
}

Answer Town::v1(const std::string& method, const std::string& path, const json& body,
                const std::string& key) {
    auto request = v1_request(method, path, body);
    if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key);
    return to_kassi(std::move(request));
}

void Town::v1_and_go(const std::string& method, const std::string& path, const json& body) {
    to_kassi_and_go(v1_request(method, path, body));
}

TransactionId Town::hand_over(bool owner_confirms, const std::string& currency, std::int64_t amount) {
    json body = {
        {"caller", "demo"},
        {"held_until", iso8601(now() + std::chrono::minutes(30))},
        {"bundles",
         {{{"source", source}, {"description", "Two seats"}, {"currency", currency}, {"amount", amount}}}}};
    if (owner_confirms) body["policy"] = {{"confirm", "owner"}};
    const auto answer = v1("POST", "/transactions", body);
    if (answer.status != 201) throw std::runtime_error("hand-over: " + answer.body.dump());
    return *TransactionId::parse(answer.body.at("id").get<std::string>(), "id");
}

json Town::paying_with(const json& credential, const std::string& token) {
    return {{"credentials", {{source, credential}}},
            {"return", {{"via", "caller"}, {"token", token}, {"url", "http://127.0.0.1:9/back/" + token}}}};
}

json Town::explain(const TransactionId& id) {
    return v1("GET", "/transactions/" + id.text() + "/explain").body;
}

// ---- time ------------------------------------------------------------------------------------------------

Glance Town::glance(const TransactionId& id) {
    return in_kassi<Glance>([id](engine::Engine& engine) {
        // In this order: what the writer commits in between then shows as something that is under way.
        const auto next_due = engine.store().next_due();
        const auto loaded = engine.store().load(id);
        if (!loaded) throw std::runtime_error("no such transaction");
        return Glance{loaded->transaction, next_due, engine.metrics().calls_open};
    });
}

void Town::advance(Millis by) {
    clock_->advance(by);
    // The house has its clock, too: else it may sleep through several moves, and Kassi be told that it was
    // silent.
    timers_.tick();
    in_kassi<bool>([](engine::Engine& engine) {
        engine.clock_moved();
        return true;
    });
}

/// Time may be moved: nobody works, but for requests that the house lets wait.
bool Town::nothing_under_way(const Glance& seen) const {
    if (notices_open_ > 0 || seen.calls_open > std::ssize(*unanswered_)) return false;
    if (seen.next_due && *seen.next_due <= now()) return false;
    // A call that the house has: those that came before it was meant are others, which Kassi gave up.
    const auto house_has = [this](const core::Call& call) {
        return !unanswered_->empty() && *unanswered_->rbegin() >= call.meant_at;
    };
    for (const auto& leg : seen.transaction.legs)
        if (leg.doing == core::Doing::call && (seen.calls_open == 0 || !house_has(*leg.call))) return false;
    return true;
}

bool Town::run_until(const TransactionId& id, const std::function<bool(const Glance&)>& met, Millis within,
                     Millis step_max) {
    const Instant until = now() + within;
    // Should something wait for real time, that passes too; and time in which we ourselves did not come to
    // look was nobody's.
    constexpr Millis real_pause{1'500};
    constexpr int looks_min = 1'000;
    auto moved = SteadyClock::now();
    int looks = 0;
    for (;;) {
        const auto seen = glance(id);
        if (met(seen)) return true;
        if (now() >= until) return false;
        if (!nothing_under_way(seen) && (looks < looks_min || SteadyClock::now() < moved + real_pause)) {
            pump(Millis(1));
            ++looks;
            continue;
        }
        Millis step = step_max;
        if (seen.next_due && *seen.next_due > now()) step = std::min(step, *seen.next_due - now());
        advance(std::max(step, Millis(1)));
        moved = SteadyClock::now();
        looks = 0;
    }
}

bool Town::settle_down(const TransactionId& id) {
    const auto end = SteadyClock::now() + patience;
    while (!nothing_under_way(glance(id))) {
        if (SteadyClock::now() > end) return false;
        pump(Millis(1));
    }
    return true;
}

void Town::settle_down_after_each(const TransactionId& id, std::span<const Millis> steps) {
    for (const auto step : steps) {
        ASSERT_TRUE(settle_down(id));
        advance(step);
    }
    ASSERT_TRUE(settle_down(id));
}

// ---- the books -------------------------------------------------------------------------------------------

void add_entry(std::string& text, std::string_view kind, std::int64_t minor) {
    text += (text.empty() ? "" : ", ") + std::string(kind) + " " + std::to_string(minor);
}

std::string Town::our_ledger(const TransactionId& id, std::int64_t leg) {
    return in_kassi<std::string>([id, leg](engine::Engine& engine) {
        std::string text;
        const auto transaction = engine.store().load(id)->transaction;
        for (const auto& stored : engine.store().journal(id)) {
            const auto row = core::parse_row(stored.json);
            if (!row) return std::string("a row cannot be read");
            for (const auto& entry : core::ledger_of(transaction, row->events))
                if (entry.leg == leg) add_entry(text, entry.kind, entry.amount.minor);
        }
        return text;
    });
}

std::string Town::verify() {
    const int status = kassi_->stop();
    kassi_.reset();
    if (status != 0) return "ended with " + std::to_string(status);
    const auto report =
        store::verify(folder_->path() + "/data", master_key(), "", [](std::int64_t, std::int64_t) {});
    if (!report) return report.error().message;
    return report->findings.empty() ? "" : report->findings.front().what;
}

}  // namespace kassi::faults
