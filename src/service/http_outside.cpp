#include "service/http_outside.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/http_message.hpp"
#include "base/log.hpp"
#include "http/address_policy.hpp"
#include "http/client.hpp"

namespace kassi::service {
namespace {

using std::chrono::milliseconds;

/// A far wake-up is looked at again this often: the clock may have been moved meanwhile.
constexpr milliseconds nap_max{60'000};
constexpr milliseconds drift_recheck{1'000};
/// Of a page whose body is dropped anyway.
constexpr std::size_t visit_bytes_max = 256 * 1024;
constexpr std::string_view visitor_name = "Kassi-Visitor";

http::ClientOptions client_options(const OutsideOptions& options, bool loopback_only, bool public_only) {
    http::ClientOptions out;
    out.trusted_certificates_pem = options.trusted_certificates_pem;
    out.loopback_only = loopback_only;
    out.public_only = public_only;
    out.open_requests_max = options.calls_open_max;
    return out;
}

http::ClientOptions private_options(const OutsideOptions& options) {
    auto out = client_options(options, options.loopback_only, false);
    out.open_requests_max = options.calls_open_max / 2;
    return out;
}

http::ClientOptions visitor_options(const OutsideOptions& options, bool loopback_only) {
    auto out = client_options(options, loopback_only, !loopback_only);
    if (!loopback_only)
        out.trusted_certificates_pem.clear();  // return URLs have nothing to do with providers
    out.response_bytes_max = visit_bytes_max;
    out.idle_connections_max = 1;
    out.open_requests_max = engine::visits_at_once_max;
    return out;
}

/// By its name alone: looking it up would be traffic already.
bool is_loopback_by_name(const std::string& host) {
    if (host == "localhost") return true;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(host, ec);
    return !ec && http::is_loopback_address(address);
}

bool is_address_not_public(const std::string& host) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(host, ec);
    return !ec && !http::is_public_address(address);
}

core::Heard heard(http::Outcome outcome) {
    if (auto* response = std::get_if<HttpResponse>(&outcome)) return core::Answered{std::move(*response)};
    auto& none = std::get<http::NoAnswer>(outcome);
    return core::Silence{none.sent, std::move(none.why)};
}

}  // namespace

std::string_view drift_meaning(Millis drift) {
    return drift > Millis(0)
               ? "nothing expires until the two agree again, or the service is restarted and takes the "
                 "machine's "
                 "time"
               : "nothing expires until the machine's clock has caught up; a restart does not help where the "
                 "last record is ahead of it";
}

struct HttpOutside::State : std::enable_shared_from_this<HttpOutside::State> {
    State(boost::asio::io_context& given_io, std::shared_ptr<SystemClock> given_clock,
          const OutsideOptions& given)
        : io(given_io),
          clock(std::move(given_clock)),
          watch_drift(given.watch_drift),
          private_origins(given.private_origins),
          providers(io, client_options(given, given.loopback_only, given.public_only)),
          private_providers(io, private_options(given)),
          public_visitor(io, visitor_options(given, false)),
          loopback_visitor(io, visitor_options(given, true)),
          alarm(io) {}

    [[nodiscard]] bool clock_trusted() const {
        return !watch_drift || std::chrono::abs(clock->drift()) <= drift_max;
    }

    void arm() {
        if (!wake || stopped) return;
        auto wait = std::clamp(std::chrono::duration_cast<milliseconds>(*wake - clock->now()),
                               milliseconds(0), nap_max);
        if (!clock_trusted()) {
            if (!drift_told) {
                log::error("clock_drift", {{"drift_ms", std::to_string(clock->drift().count())},
                                           {"meaning", drift_meaning(clock->drift())}});
            }
            drift_told = true;
            wait = std::max(wait, drift_recheck);
        } else if (drift_told) {
            drift_told = false;
            log::info("clock_agrees", {});
        }
        alarm.expires_after(wait);
        alarm.async_wait([weak = weak_from_this(), round = wake_round](const boost::system::error_code& ec) {
            const auto self = weak.lock();
            if (ec || !self || round != self->wake_round || self->stopped || !self->wake) return;
            if (self->clock->now() < *self->wake || !self->clock_trusted()) {
                self->arm();
                return;
            }
            self->wake.reset();
            const auto callback = std::exchange(self->wake_callback, nullptr);
            callback();
        });
    }

    boost::asio::io_context& io;
    std::shared_ptr<SystemClock> clock;
    const bool watch_drift;
    const std::set<std::string> private_origins;
    http::Client providers, private_providers, public_visitor, loopback_visitor;
    boost::asio::steady_timer alarm;
    std::optional<Instant> wake;
    std::function<void()> wake_callback;
    std::uint64_t wake_round = 0;
    bool drift_told = false;
    bool stopped = false;
};

HttpOutside::HttpOutside(boost::asio::io_context& io, std::shared_ptr<SystemClock> clock,
                         OutsideOptions options)
    : state_(std::make_shared<State>(io, std::move(clock), options)) {}

HttpOutside::~HttpOutside() {
    stop();
}

void HttpOutside::stop() {
    if (state_->stopped) return;
    state_->stopped = true;
    state_->wake.reset();
    state_->wake_callback = nullptr;
    state_->alarm.cancel();
    state_->providers.stop();
    state_->private_providers.stop();
    state_->public_visitor.stop();
    state_->loopback_visitor.stop();
}

bool HttpOutside::clock_trusted() const {
    return state_->clock_trusted();
}

Millis HttpOutside::drift() const {
    return state_->clock->drift();
}

void HttpOutside::call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) {
    const auto url = parse_url(request.target, "target");
    const bool is_private = url && state_->private_origins.contains(url->origin());
    auto& client = is_private ? state_->private_providers : state_->providers;
    // What the clients hold must not hold the clients: an open call would keep both for ever.
    client.send(std::move(request), budget,
                [weak = std::weak_ptr(state_), done = std::move(done)](http::Outcome outcome) {
                    if (const auto state = weak.lock(); state && !state->stopped)
                        done(heard(std::move(outcome)));
                });
}

void HttpOutside::visit(const std::string& url, bool loopback_only, std::function<void(std::string)> done) {
    const auto answer = [&io = state_->io, weak = std::weak_ptr(state_),
                         done = std::move(done)](std::string what) {
        boost::asio::post(io, [weak, done, what = std::move(what)] {
            if (const auto state = weak.lock(); state && !state->stopped) done(what);
        });
    };
    const auto parsed = parse_url(url, "return_url");
    if (!parsed) {
        answer("no answer: the address cannot be read");
        return;
    }
    if (loopback_only ? !is_loopback_by_name(parsed->host) : is_address_not_public(parsed->host)) {
        answer("withheld");
        return;
    }
    HttpRequest request;
    request.method = "GET";
    request.target = url;
    request.headers = {{"User-Agent", std::string(visitor_name)}, {"Accept", "*/*"}};
    auto& visitor = loopback_only ? state_->loopback_visitor : state_->public_visitor;
    visitor.send(std::move(request), visit_within, [answer](http::Outcome outcome) {
        if (const auto* response = std::get_if<HttpResponse>(&outcome)) {
            answer("answered " + std::to_string(response->status));
        } else {
            answer("no answer: " + std::get<http::NoAnswer>(outcome).why);
        }
    });
}

void HttpOutside::wake_at(std::optional<Instant> at, std::function<void()> callback) {
    ++state_->wake_round;
    state_->wake = at;
    state_->wake_callback = std::move(callback);
    state_->alarm.cancel();
    state_->arm();
}

void HttpOutside::after(Millis delay, std::function<void()> callback) {
    auto timer = std::make_shared<boost::asio::steady_timer>(state_->io, delay);
    timer->async_wait([weak = std::weak_ptr(state_), timer,
                       callback = std::move(callback)](const boost::system::error_code& ec) {
        if (const auto state = weak.lock(); !ec && state && !state->stopped) callback();
    });
}

std::shared_ptr<void> HttpOutside::timer(Millis delay, std::function<void()> callback) {
    struct Timer {
        boost::asio::steady_timer clock;
        std::function<void()> callback;
    };
    const auto timer =
        std::make_shared<Timer>(Timer{boost::asio::steady_timer(state_->io, delay), std::move(callback)});
    timer->clock.async_wait(
        [weak = std::weak_ptr(state_), held = std::weak_ptr(timer)](const boost::system::error_code& ec) {
            const auto state = weak.lock();
            const auto alive = held.lock();
            if (ec || !state || state->stopped || !alive) return;
            alive->callback();
        });
    return timer;
}

}  // namespace kassi::service
