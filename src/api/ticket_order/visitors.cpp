#include "api/ticket_order/visitors.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr std::string_view bearer_scheme = "bearer ", basic_scheme = "basic ";
constexpr std::size_t key_bytes_max = 512;
constexpr std::size_t origins_bytes_max = 512;
constexpr std::string_view preflight_seconds = "600";

bool has_scheme(std::string_view header, std::string_view scheme) {
    return header.size() > scheme.size() && ascii_lower(header.substr(0, scheme.size())) == scheme;
}

Refusal unauthenticated(std::string message) {
    return {ErrorKind::unauthenticated, "Unauthorized", std::move(message)};
}
Refusal forbidden(std::string message) {
    return {ErrorKind::forbidden, "Forbidden", std::move(message)};
}
Refusal of_password(const Error& error) {
    if (error.kind != ErrorKind::unauthenticated) return refusal_of(error);
    return unauthenticated("Invalid Username or Password");
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

/// The first of that name, over all Cookie headers. Pairs that make no sense are passed over: a client takes
/// the comma in a date for the end of a cookie, and sends the rest as one of its own.
std::string_view cookie(const HttpRequest& request, std::string_view name) {
    for (const auto& [header, value] : request.headers) {
        if (!same_header_name(header, "Cookie")) continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto pair = trimmed(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const auto equals = pair.find('=');
            if (equals != std::string_view::npos && pair.substr(0, equals) == name)
                return pair.substr(equals + 1);
        }
    }
    return {};
}

/// A page of any site can make a browser send it: no preflight comes first.
bool is_simple(const HttpRequest& request) {
    if (request.method == "GET" || request.method == "HEAD") return true;
    const auto type = request.header("Content-Type");
    const auto media = ascii_lower(trimmed(type.substr(0, type.find(';'))));
    return media.empty() || media == "text/plain" || media == "multipart/form-data" ||
           media == "application/x-www-form-urlencoded";
}

Refusal from_elsewhere() {
    return forbidden("a browser's own session or password is good for pages of ours and of allowed origins");
}

void add_vary(HttpResponse& response, std::string_view what) {
    for (auto& [name, value] : response.headers) {
        if (!same_header_name(name, "Vary")) continue;
        value.append(", ").append(what);
        return;
    }
    response.headers.emplace_back("Vary", what);
}

}  // namespace

Visitors::Visitors(engine::Engine& engine, Passwords& passwords, Randomness& randomness, Options options)
    : engine_(engine), passwords_(passwords), sessions_(randomness), options_(std::move(options)) {
    if (const auto url = parse_url(engine.settings().public_url, "public_url")) own_origin_ = url->origin();
}

const engine::Caller* Visitors::by_key(std::string_view key) const {
    if (key.empty() || key.size() > key_bytes_max) return nullptr;
    const auto digest = encoding::hex(crypto::to_bytes(crypto::sha256(key)));
    const engine::Caller* found = nullptr;
    // Every digest is compared whole: the time says nothing about which one was near.
    for (const auto& caller : engine_.directory().callers)
        for (const auto& known : caller.ticket_order.key_digests)
            if (crypto::equal(known, digest)) found = &caller;
    return found;
}

Outcome<Visitor> Visitors::by_session(const HttpRequest& request) const {
    const auto look = [&](Visitor::By by, std::string_view option, std::string_view temporary,
                          std::string_view permanent) -> std::optional<Visitor> {
        if (option == "perm") std::swap(temporary, permanent);
        for (const auto token : {temporary, permanent}) {
            const auto name = sessions_.caller_of(token, engine_.now());
            const auto* caller = name ? engine_.directory().caller(*name) : nullptr;
            if (caller != nullptr) return Visitor{caller, by, std::string(token)};
        }
        return std::nullopt;
    };
    if (auto found = look(Visitor::By::header, request.header("X-ss-opt"), request.header("X-ss-id"),
                          request.header("X-ss-pid")))
        return *found;
    auto found = look(Visitor::By::cookie, cookie(request, "ss-opt"), cookie(request, "ss-id"),
                      cookie(request, "ss-pid"));
    if (!found) return unauthenticated("Not Authenticated");
    if (is_from_elsewhere(request)) return from_elsewhere();
    return *found;
}

void Visitors::recognise(const HttpRequest& request, Done done) {
    const auto header = request.header("Authorization");
    if (has_scheme(header, bearer_scheme)) {
        const auto* caller = by_key(trimmed(header.substr(bearer_scheme.size())));
        if (caller == nullptr) return done(unauthenticated("Invalid API Key"));
        return done(Visitor{caller, Visitor::By::bearer, ""});
    }
    if (has_scheme(header, basic_scheme)) {
        // A browser that was asked for a password once sends it by itself, from any page.
        if (is_simple(request) && is_from_elsewhere(request)) return done(from_elsewhere());
        return passwords_.check_basic(header,
                                      [done = std::move(done)](const Result<const engine::Caller*>& caller) {
                                          if (!caller) return done(of_password(caller.error()));
                                          done(Visitor{*caller, Visitor::By::basic, ""});
                                      });
    }
    if (!header.empty()) return done(unauthenticated("Authorization must be Bearer or Basic"));
    done(by_session(request));
}

bool Visitors::has_role(const engine::Caller& caller, std::string_view role) {
    const auto& roles = caller.ticket_order.roles;
    return std::any_of(roles.begin(), roles.end(),
                       [&](const std::string& own) { return own == role || own == "Admin"; });
}

std::optional<Refusal> Visitors::may_not(const engine::Caller& caller) {
    if (has_role(caller, "Admin")) return std::nullopt;
    const auto& access = caller.ticket_order;
    const bool any_role =
        std::any_of(std::begin(engine::ticket_order_roles), std::end(engine::ticket_order_roles),
                    [&](std::string_view role) { return has_role(caller, role); });
    if (!any_role) return forbidden("Invalid Role");
    if (std::find(access.permissions.begin(), access.permissions.end(),
                  engine::ticket_order_permissions[0]) == access.permissions.end())
        return forbidden("Invalid Permission");
    return std::nullopt;
}

void Visitors::log_in(std::string_view user, std::string_view password, bool remember, LoggedIn done) {
    passwords_.check(
        user, password,
        [this, remember, done = std::move(done)](const Result<const engine::Caller*>& caller) {
            if (!caller) return done(of_password(caller.error()));
            const Millis life = remember ? Millis(remembered_session_life) : Millis(session_life);
            done(NewSession{*caller, sessions_.begin((*caller)->name, life, engine_.now()), remember});
        });
}

void Visitors::set_cookies(HttpResponse& response, const NewSession* session) const {
    const bool secure = engine_.settings().public_url.starts_with("https:");
    const auto set = [&](std::string_view name, std::string_view value, std::int64_t seconds) {
        // Max-Age and not Expires, whose comma a client takes for the end of the cookie.
        response.headers.emplace_back("Set-Cookie", std::string(name) + "=" + std::string(value) +
                                                        "; Max-Age=" + std::to_string(seconds) +
                                                        "; Path=/; HttpOnly; SameSite=Lax" +
                                                        (secure ? "; Secure" : ""));
    };
    const bool remembered = session != nullptr && session->remembered;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(remembered ? remembered_session_life : session_life)
            .count();
    const auto token = session != nullptr ? std::string_view(session->token) : std::string_view();
    set("ss-id", remembered ? "" : token, remembered || session == nullptr ? 0 : seconds);
    set("ss-pid", remembered ? token : "", remembered ? seconds : 0);
    set("ss-opt", session == nullptr ? "" : remembered ? "perm" : "temp", session == nullptr ? 0 : seconds);
}

bool Visitors::is_allowed(std::string_view origin, const HttpRequest& request) const {
    if (origin.size() > origins_bytes_max) return false;
    if (origin == own_origin_) return true;
    const auto scheme = origin.find("://");
    const auto host = request.header("Host");
    if (scheme != std::string_view::npos && !host.empty() && origin.substr(scheme + 3) == host) return true;
    return std::find(options_.allowed_origins.begin(), options_.allowed_origins.end(), origin) !=
           options_.allowed_origins.end();
}

bool Visitors::is_from_elsewhere(const HttpRequest& request) const {
    const auto origin = request.header("Origin");
    if (!origin.empty()) return !is_allowed(origin, request);
    // A link or a picture: browsers name no origin then, but say that it is another's.
    const auto site = request.header("Sec-Fetch-Site");
    return site == "cross-site" || site == "same-site";
}

void Visitors::dress(const HttpRequest& request, HttpResponse& response) const {
    add_vary(response, "Accept, Origin");
    const auto origin = request.header("Origin");
    if (origin.empty() || !is_allowed(origin, request)) return;
    response.headers.emplace_back("Access-Control-Allow-Origin", origin);
    response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
}

HttpResponse Visitors::preflight(const HttpRequest& request) const {
    HttpResponse response;
    dress(request, response);
    if (response.header("Access-Control-Allow-Origin").empty()) return response;
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Content-Type, Authorization, X-ss-id, X-ss-pid, X-ss-opt, X-Request-Id");
    response.headers.emplace_back("Access-Control-Max-Age", preflight_seconds);
    return response;
}

}  // namespace kassi::api::ticket_order
