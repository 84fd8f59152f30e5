#include "service/service.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "api/ops/ops.hpp"
#include "api/status.hpp"
#include "base/log.hpp"
#include "http/server.hpp"
#include "service/control.hpp"
#include "service/doors.hpp"
#include "service/house.hpp"
#include "service/merchant_sessions.hpp"

namespace kassi::service {
namespace {

constexpr std::string_view restoring = "the record is a copy: what it does not know is asked for first";

/// The lock is looked at this often.
constexpr Millis lock_retry{100};

http::ServerOptions server_options(const Listen& listen) {
    http::ServerOptions options;
    options.refusal = Doors::refusal;
    options.address = listen.address;
    options.port = listen.port;
    options.tls = listen.tls;
    return options;
}

std::string url_of(const Listen& listen, unsigned short port) {
    const auto address = listen.address == "0.0.0.0" ? "127.0.0.1"
                         : listen.address == "::"    ? "::1"
                                                     : listen.address;
    const auto host = address.find(':') == std::string::npos ? address : "[" + address + "]";
    return (listen.tls ? "https://" : "http://") + host + ":" + std::to_string(port);
}

/// The store and the listeners have some 20; with fewer than this nothing is left for who comes and who is
/// asked.
constexpr std::size_t descriptors_to_start = 64;

/// Throws std::runtime_error where there are too few to work at all.
Descriptors divide_descriptors(const Config& config) {
    const auto limit = raise_descriptor_limit();
    if (limit < descriptors_to_start)
        throw std::runtime_error("only " + std::to_string(limit) +
                                 " files and connections may be open at once (RLIMIT_NOFILE), and at least " +
                                 std::to_string(descriptors_to_start) + " are needed");
    if (limit < descriptors_min + config.descriptors_beside)
        log::warning("few_descriptors",
                     {{"limit", std::to_string(limit)}, {"wanted", std::to_string(descriptors_min)}});
    return share_descriptors(limit, config.descriptors_beside, config.descriptors);
}

}  // namespace

void forbid_core_dumps() {
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

namespace {

/// The start's patience with whoever holds <data>/lock. SIGTERM and SIGINT end it.
class LockWait {
  public:
    LockWait(std::string data_directory, Millis patience)
        : data_directory_(std::move(data_directory)),
          patience_(patience),
          until_(std::chrono::steady_clock::now() + patience) {
        signals_.async_wait([this](const boost::system::error_code& ec, int) { stopped_ = !ec; });
    }
    /// The lock is held: true after a moment in which to try again, false when the patience is at its end.
    bool again() {
        const auto now = std::chrono::steady_clock::now();
        if (now >= until_) return false;
        if (!std::exchange(told_, true)) {
            log::warning("waiting_for_lock",
                         {{"data", data_directory_}, {"at_most_ms", std::to_string(patience_.count())}});
        }
        io_.run_until(std::min(until_, now + lock_retry));
        return !stopped_;
    }
    [[nodiscard]] bool stopped() const { return stopped_; }

  private:
    std::string data_directory_;
    Millis patience_;
    std::chrono::steady_clock::time_point until_;
    /// Not the service's own, whose listeners must not be served yet.
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGTERM, SIGINT};
    bool told_ = false;
    bool stopped_ = false;
};

}  // namespace

struct Service::State {
    State(Config given, std::shared_ptr<SystemClock> given_clock, std::vector<api::Mount> given_more)
        : config(std::move(given)), clock(std::move(given_clock)), more(std::move(given_more)) {
        // First, so that the start is no time at which a signal means a sudden end.
        signals.add(SIGTERM);
        signals.add(SIGINT);
        wait_for_signal();
        config.descriptors = divide_descriptors(config);
        if (config.load.requests_in_hand_max == 0)
            config.load.requests_in_hand_max = config.descriptors.connections_max;
        auto options = server_options(config.doors);
        options.connections_max = config.descriptors.connections_max;
        options.bytes_in_hand_max = config.load.bytes_in_hand_max;
        options.turn_away = [this](const HttpRequest& head) { return turn_away(head); };
        // The io_context does not run yet: whoever connects waits until everything is there.
        doors_server = std::make_unique<http::Server>(
            io, std::move(options),
            [this](HttpRequest request, Reply reply) { handler(std::move(request), std::move(reply)); });
        if (config.operators) {
            auto for_few = server_options(*config.operators);
            for_few.connections_max = operators_connections_max;
            operators_server = std::make_unique<http::Server>(
                io, std::move(for_few), [this](HttpRequest request, Reply reply) {
                    operators_handler(std::move(request), std::move(reply));
                });
        }
        if (config.when_bound) config.when_bound(config, doors_server->port());
        if (config.settings.public_url.empty())
            config.settings.public_url = url_of(config.doors, doors_server->port());
        open_house();
        house->check_merchants();
        operations = std::make_unique<Operations>(house->engine(), house->outside());
        if (!config.restored) open_control();
    }

    ~State() { close(); }

    void open_control() { control = std::make_unique<ControlServer>(io, config.data_directory, *operations); }

    void open_house() {
        LockWait wait(config.data_directory, config.lock_patience);
        try {
            const auto copy = config.restored ? House::Copy::put_to_work : House::Copy::refuse;
            house = std::make_unique<House>(io, config, clock, copy, [&wait] { return wait.again(); });
        } catch (const LockHeld&) {
            if (!wait.stopped()) throw;
            log::info("stopped", {});
            throw StoppedWaiting();
        }
    }

    void start() {
        sessions = std::make_unique<HttpMerchantSessions>(
            io, config.directory.apple_pay_shops,
            SessionsOptions{.trusted_certificates_pem = config.trusted_certificates_pem,
                            .loopback_only = config.loopback_only,
                            .public_only = config.settings.mode == engine::Mode::live});
        doors = std::make_unique<Doors>(
            io, *house, config, Doors::Beside{std::move(box_office), std::move(events), sessions.get()},
            [this] { return not_ready(); }, [this] { return figures(); });
        gate = std::make_unique<Gate>(io, config.load, [this] { return load(); });
        auto mounts = doors->for_the_world();
        mounts.insert(mounts.end(), more.begin(), more.end());
        operators_handler = api::route(doors->for_operators());
        if (config.restored && !put_to_work()) return;
        handler = api::route(std::move(mounts));
        house->engine().start();
        running = true;
        log::info("serving",
                  {{"url", config.settings.public_url},
                   {"doors", url_of(config.doors, doors_server->port())},
                   {"operators", operators_server ? url_of(*config.operators, operators_server->port()) : ""},
                   {"data", config.data_directory},
                   {"mode", config.settings.mode == engine::Mode::live ? "live" : "sandbox"}});
        if (when_serving) when_serving();
    }

    /// What the copy does not know is asked for before any door is served. Killed in the middle it is still a
    /// copy, and the next start does it again. False: it was told to stop.
    bool put_to_work() {
        const auto origin = house->store().origin();
        KASSI_ENSURE(origin.copied_at.has_value());
        // One line says how many there were: each is as it should be.
        const auto refused = std::make_shared<std::int64_t>(0);
        handler = [refused](const HttpRequest& request, const Reply& reply) {
            ++*refused;
            reply(Doors::not_yet(request, restoring));
        };
        log::info("restoring", {{"copied_at", iso8601(*origin.copied_at)},
                                {"open", std::to_string(house->store().counts().open)}});
        // Shared: a stop leaves what is still to come behind.
        struct Heard {
            std::optional<Result<std::int64_t>> asked;
            std::optional<bool> unmarked;
        };
        const auto heard = std::make_shared<Heard>();
        house->engine().restored(*origin.copied_at,
                                 [heard](Result<std::int64_t> count) { heard->asked = std::move(count); });
        while (!heard->asked && !stopping) io.run_one();
        if (stopping) return false;
        if (!*heard->asked)
            throw std::runtime_error("what the copy does not know cannot be recorded: " +
                                     heard->asked->error().message);
        house->store().put_to_work(clock->now(), [heard](bool ok) { heard->unmarked = ok; });
        while (!heard->unmarked && !stopping) io.run_one();
        if (stopping) return false;
        if (!*heard->unmarked) throw std::runtime_error("that the copy is put to work cannot be recorded");
        log::info("restored", {{"copied_at", iso8601(*origin.copied_at)},
                               {"transactions", std::to_string(**heard->asked)},
                               {"refused_meanwhile", std::to_string(*refused)}});
        config.restored = false;
        open_control();
        return true;
    }

    [[nodiscard]] Load load() const {
        const auto served = doors_server->load();
        const auto moved = house->engine().metrics();
        return {.requests_in_hand = served.requests_in_hand,
                .bytes_in_hand = served.bytes_in_hand,
                .commits_open = static_cast<std::size_t>(moved.commits_open),
                .calls_waiting = static_cast<std::size_t>(moved.calls_waiting)};
    }

    [[nodiscard]] api::ops::Figures figures() const {
        const auto served = doors_server->load();
        const auto now = gate->load();
        return {.level = static_cast<int>(gate->level()),
                .connections = served.connections,
                .requests_in_hand = now.requests_in_hand,
                .bytes_in_hand = now.bytes_in_hand,
                .refused = served.refused,
                .lag_ms = now.lag.count()};
    }

    [[nodiscard]] std::optional<HttpResponse> turn_away(const HttpRequest& head) const {
        if (!gate || gate->takes(head.method, head.target)) return std::nullopt;
        return Doors::too_busy(head);
    }

    [[nodiscard]] std::string not_ready() const {
        if (stopping) return "stopping";
        if (config.restored) return std::string(restoring);
        if (!house->store().writable()) return "the store cannot be written";
        if (!house->outside().clock_trusted()) return "the machine's clock and ours disagree";
        if (gate && gate->level() != LoadLevel::fine) return "overloaded";
        return "";
    }

    void wait_for_signal() {
        signals.async_wait([this](const boost::system::error_code& ec, int number) {
            if (ec) return;
            begin_stop(number == SIGTERM ? "SIGTERM" : "SIGINT");
            wait_for_signal();
        });
    }

    void begin_stop(std::string_view why) {
        if (stopping) {
            log::warning("stopping_at_once", {{"why", why}});
            io.stop();
            return;
        }
        stopping = true;
        log::info("stopping", {{"why", why}});
        stops_open = operators_server ? 3 : 2;
        const auto one_less = [this] {
            if (--stops_open == 0) io.stop();
        };
        doors_server->stop(stop_patience, one_less);
        if (operators_server) operators_server->stop(stop_patience, one_less);
        house->engine().stop(stop_patience, one_less);
    }

    /// What calls before what is called; the store last, which writes what is queued.
    void close() {
        control.reset();
        gate.reset();
        doors_server.reset();
        operators_server.reset();
        doors.reset();
        sessions.reset();
        house.reset();
        operations.reset();
    }

    Config config;
    std::shared_ptr<SystemClock> clock;
    std::vector<api::Mount> more;
    boost::asio::io_context io{1};
    boost::asio::signal_set signals{io};
    Handler handler, operators_handler;
    std::function<void()> when_serving;
    std::unique_ptr<http::Server> doors_server, operators_server;
    std::unique_ptr<Gate> gate;
    std::unique_ptr<House> house;
    std::shared_ptr<api::f13::BoxOffice> box_office;
    std::shared_ptr<api::ticket_order::Events> events;
    std::unique_ptr<HttpMerchantSessions> sessions;
    std::unique_ptr<Doors> doors;
    std::unique_ptr<Operations> operations;
    std::unique_ptr<ControlServer> control;
    bool running = false, stopping = false;
    int stops_open = 0;
};

Service::Service(Config config, std::shared_ptr<SystemClock> clock, std::vector<api::Mount> more)
    : state_(std::make_unique<State>(std::move(config), std::move(clock), std::move(more))) {}
Service::~Service() = default;

unsigned short Service::port() const {
    return state_->doors_server->port();
}
unsigned short Service::operators_port() const {
    return state_->operators_server ? state_->operators_server->port() : static_cast<unsigned short>(0);
}
const Config& Service::config() const {
    return state_->config;
}
engine::Engine& Service::engine() {
    return state_->house->engine();
}
boost::asio::io_context& Service::io() {
    return state_->io;
}

void Service::add_doors(std::vector<api::Mount> more) {
    KASSI_ENSURE(!state_->running);
    for (auto& mount : more) state_->more.push_back(std::move(mount));
}

void Service::set_box_office(std::shared_ptr<api::f13::BoxOffice> box_office) {
    KASSI_ENSURE(!state_->running);
    state_->box_office = std::move(box_office);
}

void Service::set_events(std::shared_ptr<api::ticket_order::Events> events) {
    KASSI_ENSURE(!state_->running);
    state_->events = std::move(events);
}

void Service::when_serving(std::function<void()> callback) {
    KASSI_ENSURE(!state_->running);
    state_->when_serving = std::move(callback);
}

int Service::run() {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        state_->start();
        state_->io.run();
    } catch (const std::exception& error) {
        // Read errors of the store among them: what it holds is durable, and the next start takes it up.
        log::error("ended", {{"why", error.what()}});
        return 1;
    }
    state_->close();
    log::info("stopped", {});
    return 0;
}

void Service::stop() {
    boost::asio::post(state_->io, [state = state_.get()] {
        if (!state->stopping) state->begin_stop("stop");
    });
}

}  // namespace kassi::service
