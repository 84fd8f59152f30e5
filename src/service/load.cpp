#include "service/load.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "api/merchant_sessions.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/engine.hpp"

namespace kassi::service {
namespace {

/// Of the F13 door: what is about a transaction that is there. Everything else sells.
bool goes_on_at_f13(std::string_view path) {
    constexpr std::string_view endpoints[] = {
        "callback.v1", "cancel.v1", "purchase_page_archive.v1", "release.v1",
        "status.v1",   "test.v1",   "trans_id_status.v1",       "reserve_page_archive.v1"};
    return std::any_of(std::begin(endpoints), std::end(endpoints), [path](std::string_view each) {
        return path.substr(std::string_view("/f13/").size()).starts_with(each);
    });
}

bool is_fresh_at_v1(std::string_view method, std::string_view path) {
    if (method != "POST") return false;
    if (path.ends_with('/')) path.remove_suffix(1);
    if (path == "/v1/transactions") return true;
    return path.starts_with("/v1/transactions/") &&
           (path.ends_with("/purchase") || path.ends_with("/apple-pay-session"));
}

/// An order at any of its paths, and what leads to one.
bool is_fresh_at_ticket_order(std::string_view path) {
    const auto lower = ascii_lower(path);
    const auto has = [&lower](std::string_view word) { return lower.find(word) != std::string::npos; };
    if (has("ticketorder")) return !has("status");
    return has("borgunservices") && (has("token") || has("enrollment"));
}

bool is_ticket_orders(std::string_view path) {
    const auto lower = ascii_lower(path);
    constexpr std::string_view prefixes[] = {"/ticketorder", "/borgunservices/", "/api/", "/json/", "/jsv/"};
    return std::any_of(std::begin(prefixes), std::end(prefixes),
                       [&lower](std::string_view prefix) { return lower.starts_with(prefix); });
}

/// The level to which one measure alone would lead.
template <class Number>
LoadLevel level_of(LoadLevel before, Number now, Number max) {
    constexpr std::array rising{LoadLevel::busy, LoadLevel::full, LoadLevel::shut};
    auto level = LoadLevel::fine;
    for (std::size_t i = 0; i < rising.size(); ++i) {
        // Halves, three quarters, all; and three quarters of that to stay there.
        const auto up = max * static_cast<Number>(i + 2) / 4;
        const auto stays = up * 3 / 4;
        if (now >= std::max<Number>(up, 1) || (before >= rising[i] && now > stays)) level = rising[i];
    }
    return level;
}

}  // namespace

Precedence precedence_of(std::string_view method, std::string_view target) {
    const auto path = target.substr(0, target.find('?'));
    if (path.starts_with("/webhooks/")) return Precedence::from_provider;
    bool fresh = false;
    if (path.starts_with("/f13/"))
        fresh = !goes_on_at_f13(path);
    else if (path.starts_with("/v1/"))
        fresh = is_fresh_at_v1(method, path);
    else if (is_ticket_orders(path))
        fresh = is_fresh_at_ticket_order(path);
    return fresh ? Precedence::fresh : Precedence::going_on;
}

LoadLevel level_after(LoadLevel before, const Load& load, const LoadLimits& limits) {
    return std::max({level_of(before, load.requests_in_hand, limits.requests_in_hand_max),
                     level_of(before, load.bytes_in_hand, limits.bytes_in_hand_max),
                     level_of(before, load.commits_open, limits.commits_open_max),
                     level_of(before, load.calls_waiting, limits.calls_waiting_max),
                     level_of(before, load.lag.count(), limits.lag_max.count())});
}

std::string_view word(LoadLevel level) {
    switch (level) {
        case LoadLevel::fine:
            return "fine";
        case LoadLevel::busy:
            return "busy";
        case LoadLevel::full:
            return "full";
        case LoadLevel::shut:
            return "shut";
    }
    return "shut";
}

bool takes(LoadLevel level, Precedence precedence) {
    switch (level) {
        case LoadLevel::fine:
            return true;
        case LoadLevel::busy:
            return precedence != Precedence::fresh;
        case LoadLevel::full:
            return precedence == Precedence::from_provider;
        case LoadLevel::shut:
            return false;
    }
    return false;
}

void Lateness::note(Millis late) {
    last_.push_back(std::max(late, Millis(0)));
    if (last_.size() > turns) last_.pop_front();
}

Millis Lateness::lag() const {
    return last_.size() < turns ? Millis(0) : *std::min_element(last_.begin(), last_.end());
}

Gate::Gate(boost::asio::io_context& io, LoadLimits limits, std::function<Load()> measure)
    : limits_(limits), measure_(std::move(measure)), timer_(io) {
    watch();
}

void Gate::watch() {
    timer_.expires_after(tick);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled) return;
        const auto late = std::chrono::steady_clock::now() - timer_.expiry();
        lateness_.note(std::chrono::duration_cast<Millis>(late));
        level();
        watch();
    });
}

Load Gate::load() const {
    auto load = measure_();
    load.lag = lateness_.lag();
    return load;
}

LoadLevel Gate::level() {
    const auto now = load();
    const auto before = std::exchange(level_, level_after(level_, now, limits_));
    if (level_ == before) return level_;
    log::write(level_ > before ? log::Level::warning : log::Level::info, "load",
               {{"level", word(level_)},
                {"before", word(before)},
                {"requests", std::to_string(now.requests_in_hand)},
                {"bytes", std::to_string(now.bytes_in_hand)},
                {"commits", std::to_string(now.commits_open)},
                {"calls_waiting", std::to_string(now.calls_waiting)},
                {"lag_ms", std::to_string(now.lag.count())}});
    return level_;
}

bool Gate::takes(std::string_view method, std::string_view target) {
    return service::takes(level(), precedence_of(method, target));
}

Descriptors share_descriptors(std::size_t limit, std::size_t beside, const Descriptors& wanted) {
    const std::size_t left = limit - std::min(limit, beside);
    Descriptors share;
    share.calls_open_max = std::min(std::max(left / 8, calls_least), wanted.calls_open_max);
    const std::size_t others =
        own_descriptors + share.calls_open_max + share.calls_open_max / 2 +  // private origins have their own
        2 * (engine::visits_at_once_max + 1) + api::merchant_sessions_at_once_max +
        operators_connections_max + http::refusals_at_once_max + http::leaving_at_once_max;
    share.connections_max =
        std::min(std::max(left - std::min(left, others), connections_least), wanted.connections_max);
    return share;
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace kassi::service
