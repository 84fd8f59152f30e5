#include "sandbox/street.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "sandbox/data_folder.hpp"

namespace kassi::sandbox {
namespace {

namespace asio = boost::asio;

/// A file this many times as large as what the house still knows is written anew at the start.
constexpr std::uintmax_t file_size_factor = 2;

/// Answers once; destroyed unanswered it hangs up.
class Line {
  public:
    explicit Line(Reply reply) : reply_(std::move(reply)) {}
    ~Line() {
        if (reply_) reply_(HttpResponse{.status = http::hang_up, .headers = {}, .body = {}});
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    void answer(HttpResponse response) {
        if (auto reply = std::exchange(reply_, nullptr)) reply(std::move(response));
    }

  private:
    Reply reply_;
};

}  // namespace

Handler hanging_up(Handler handler) {
    return [handler = std::move(handler)](HttpRequest request, Reply reply) {
        auto line = std::make_shared<Line>(std::move(reply));
        handler(std::move(request),
                [line = std::move(line)](HttpResponse response) { line->answer(std::move(response)); });
    };
}

void ClockTimers::after(Millis delay, std::function<void()> callback) {
    if (waiting_.size() >= simulator_waits_max) return;
    waiting_.emplace(clock_.now() + delay, std::move(callback));
}

void ClockTimers::tick() {
    // A callback may add waits, and move what is in the list.
    while (!waiting_.empty() && waiting_.begin()->first <= clock_.now()) {
        const auto due = waiting_.extract(waiting_.begin());
        due.mapped()();
    }
}

struct Street::State {
    State(unsigned short wanted_port, std::shared_ptr<SystemClock> given_clock)
        : clock(std::move(given_clock)), timers(*clock), poll(io), client(io, client_options()) {
        const auto answer = [this](HttpRequest request, Reply reply) {
            handler(std::move(request), std::move(reply));
        };
        http::ServerOptions options;
        options.port = wanted_port;
        options.connections_max = simulator_connections_max;
        server = listen(std::move(options), answer);
    }

    /// On any other port when that one is taken.
    std::unique_ptr<http::Server> listen(http::ServerOptions options, const Handler& answer) {
        try {
            return std::make_unique<http::Server>(io, options, answer);
        } catch (const std::runtime_error&) {
            options.port = 0;
            return std::make_unique<http::Server>(io, options, answer);
        }
    }

    void open_apple(Street::Apple given) {
        KASSI_ENSURE(gateway_server != nullptr);
        apple_world.emplace(std::move(given.world));
        gateway = std::make_unique<apple::Gateway>(std::move(given.merchants), *clock, randomness,
                                                   [this](Millis delay, std::function<void()> callback) {
                                                       timers.after(delay, std::move(callback));
                                                   });
        wallet = std::make_unique<apple::Wallet>(std::move(given.wallet), *apple_world, *gateway, *clock);
        gateway_handler = hanging_up([this](const HttpRequest& request, Reply reply) {
            gateway->answer(request, request.header(http::client_certificate_header), std::move(reply));
        });
    }

    ~State() {
        work.reset();
        io.stop();
        if (thread.joinable()) thread.join();
        // What is left in the queue refers to the members below.
        server.reset();
        gateway_server.reset();
    }

    static http::ClientOptions client_options() {
        http::ClientOptions options;
        options.loopback_only = true;
        options.open_requests_max = notices_at_once_max;
        return options;
    }

    /// `done` is told the status, and the body where it wants that.
    template <class Done>
    void send_notice(HttpRequest request, Done done) {
        client.send(std::move(request), notice_deadline, [done = std::move(done)](http::Outcome outcome) {
            const auto* response = std::get_if<HttpResponse>(&outcome);
            const int status = response != nullptr ? response->status : 0;
            if constexpr (std::is_invocable_v<Done, int, const std::string&>)
                done(status, response != nullptr ? response->body : std::string());
            else
                done(status);
        });
    }

    /// A house with what is in its file moves in.
    template <class House>
    void move_in(std::unique_ptr<House>& house, std::optional<LineFile>& file,
                 typename House::Options options, const std::filesystem::path& path) {
        file.emplace(path);
        house = std::make_unique<House>(
            std::move(options), *clock, randomness,
            [this](HttpRequest request, auto done) { send_notice(std::move(request), std::move(done)); },
            [this](Millis delay, std::function<void()> callback) {
                timers.after(delay, std::move(callback));
            },
            [&file](const std::string& line) { file->append(line); });
        LineFile::Reader lines(*file);
        if (const auto wrong = house->load([&lines] { return lines.next(); }))
            throw std::runtime_error(path.string() + ": " + wrong->field + ": " + wrong->message);
        make_small(*file, *house);
    }

    /// A line for each change, once the house knows them all: most of them are of no use any more.
    template <class House>
    static void make_small(LineFile& file, const House& house) {
        std::uintmax_t needed = 0;
        house.save_all([&needed](const std::string& line) { needed += line.size() + 1; });
        if (file.size() <= file_size_factor * needed) return;
        // It is as good as it was when that cannot be done.
        try {
            file.replace([&house](const auto& append) { house.save_all(append); });
        } catch (const std::exception& failed) {
            log::error("lines_not_replaced", {{"why", failed.what()}});
        }
    }

    void keep_polling() {
        poll.expires_after(simulator_poll);
        poll.async_wait([this](const boost::system::error_code& cancelled) {
            if (cancelled) return;
            timers.tick();
            keep_polling();
        });
    }

    std::shared_ptr<SystemClock> clock;
    SystemRandomness randomness;
    asio::io_context io{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{io.get_executor()};
    ClockTimers timers;
    asio::steady_timer poll;
    http::Client client;
    Handler handler, gateway_handler;
    std::optional<apple::AppleWorld> apple_world;
    std::unique_ptr<apple::Gateway> gateway;
    std::unique_ptr<apple::Wallet> wallet;
    std::optional<LineFile> redirect_file, stripe_file, borgun_file;
    std::unique_ptr<RedirectHouse> redirect;
    std::unique_ptr<StripeHouse> stripe;
    std::unique_ptr<BorgunHouse> borgun;
    std::unique_ptr<http::Server> server, gateway_server;
    std::thread thread;
};

Street::Street(unsigned short wanted_port, std::shared_ptr<SystemClock> clock)
    : state_(std::make_unique<State>(wanted_port, std::move(clock))) {}
Street::~Street() = default;

std::string Street::origin() const {
    return "http://127.0.0.1:" + std::to_string(state_->server->port());
}

std::string Street::open_gateway(unsigned short wanted_port, http::TlsIdentity identity,
                                 std::string developers_pem) {
    KASSI_ENSURE(!state_->gateway_server && !state_->handler);
    http::ServerOptions options;
    options.port = wanted_port;
    options.tls = std::move(identity);
    options.client_authority_pem = std::move(developers_pem);
    options.connections_max = gateway_connections_max;
    state_->gateway_server =
        state_->listen(std::move(options), [&s = *state_](HttpRequest request, Reply reply) {
            s.gateway_handler(std::move(request), std::move(reply));
        });
    return "https://127.0.0.1:" + std::to_string(state_->gateway_server->port());
}

namespace {

/// Whose door a path is.
Handler dispatcher(Handler redirect, Handler stripe, Handler borgun, apple::Wallet* wallet) {
    return [redirect = std::move(redirect), stripe = std::move(stripe), borgun = std::move(borgun), wallet](
               HttpRequest request, Reply reply) {
        const auto path = request.path();
        if (wallet != nullptr && path.starts_with("/apple/")) return reply(wallet->answer(request));
        const bool is_stripe = path.starts_with("/v1/") || path.starts_with("/stripe/");
        const bool is_borgun = path.starts_with("/borgun/");
        (is_stripe ? stripe : is_borgun ? borgun : redirect)(std::move(request), std::move(reply));
    };
}

/// A house's unit of `places` digits in minor units; nullopt for a currency that we do not know.
std::optional<Money> money_of(std::int64_t amount, const std::string& code, int places) {
    constexpr std::int64_t ten = 10;
    const auto currency = Currency::parse(code, "currency");
    if (!currency) return std::nullopt;
    for (; places < currency->places(); ++places) amount *= ten;
    for (; places > currency->places(); --places) amount /= ten;
    return Money{amount, *currency};
}

/// Stripe writes these two with two digits, whatever ISO 4217 says.
int places_at_stripe(const std::string& code) {
    if (code == "ISK" || code == "UGX") return 2;
    const auto currency = Currency::parse(code, "currency");
    return currency ? currency->places() : 0;
}
int places_at_borgun(const std::string& code) {
    return code == "JPY" ? 0 : 2;
}
int places_at_redirect(const std::string& code) {
    const auto currency = Currency::parse(code, "currency");
    return currency ? currency->places() : 0;
}

const std::string& payment_of(const RedirectHouse::Entry& entry) {
    return entry.session;
}
const std::string& payment_of(const StripeHouse::Entry& entry) {
    return entry.intent;
}
const std::string& payment_of(const BorgunHouse::Entry& entry) {
    return entry.transaction;
}

template <class Entry>
void add_movements(std::vector<Movement>& found, const std::vector<Entry>& ledger,
                   const std::vector<std::string>& of, int (*places)(const std::string&)) {
    const auto wanted = [&of](const std::string& name) {
        return std::find(of.begin(), of.end(), name) != of.end();
    };
    for (const auto& entry : ledger) {
        if (!wanted(entry.reference) && !wanted(payment_of(entry))) continue;
        const auto amount = money_of(entry.minor, entry.currency, places(entry.currency));
        if (amount) found.push_back({payment_of(entry), entry.reference, entry.kind, *amount});
    }
}

}  // namespace

void Street::open(Houses houses) {
    State& s = *state_;
    KASSI_ENSURE(!s.redirect);
    s.move_in(s.redirect, s.redirect_file, std::move(houses.redirect), houses.redirect_file);
    s.move_in(s.stripe, s.stripe_file, std::move(houses.stripe), houses.stripe_file);
    s.move_in(s.borgun, s.borgun_file, std::move(houses.borgun), houses.borgun_file);
    if (houses.apple) s.open_apple(std::move(*houses.apple));
    s.handler = hanging_up(
        dispatcher(s.redirect->handler(), s.stripe->handler(), s.borgun->handler(), s.wallet.get()));
    s.keep_polling();
    s.thread = std::thread([&s] { s.io.run(); });
}

void Street::movements(std::vector<std::string> of, std::function<void(std::vector<Movement>)> done) {
    asio::post(state_->io, [&s = *state_, of = std::move(of), done = std::move(done)] {
        std::vector<Movement> found;
        add_movements(found, s.redirect->ledger(), of, places_at_redirect);
        add_movements(found, s.stripe->ledger(), of, places_at_stripe);
        add_movements(found, s.borgun->ledger(), of, places_at_borgun);
        done(std::move(found));
    });
}

}  // namespace kassi::sandbox
