#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/passwords.hpp"
#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/sessions.hpp"
#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// Who calls an operation of the service, however he says it, and whether he may.
namespace kassi::api::ticket_order {

struct Visitor {
    const engine::Caller* caller = nullptr;  ///< lives as long as the directory
    /// How he said it. Bearer goes along with nothing that a browser sends by itself.
    enum class By { bearer, basic, header, cookie } by = By::bearer;
    std::string session;  ///< its token, of header and cookie; "" none
};

struct NewSession {
    const engine::Caller* caller = nullptr;
    std::string token;
    bool remembered = false;
};

class Visitors {
  public:
    struct Options {
        /// Browsers on pages of these, besides our own, may use sessions and read answers:
        /// "https://app.example".
        std::vector<std::string> allowed_origins;
    };
    using Done = std::function<void(Outcome<Visitor>)>;
    using LoggedIn = std::function<void(Outcome<NewSession>)>;

    /// `engine`, `passwords` and `randomness` must outlive it.
    Visitors(engine::Engine& engine, Passwords& passwords, Randomness& randomness, Options options);

    /// `Authorization: Bearer` (an API key of ours, known by its SHA-256; no JWT is issued or read) or Basic;
    /// else the session of the headers X-ss-id, X-ss-pid, X-ss-opt or of the cookies ss-id, ss-pid, ss-opt.
    /// On the io thread, at once or later; `request` need not live on. Refusals: unauthenticated,
    /// unavailable; forbidden when a browser sent it by itself from a page that is not ours
    /// (is_from_elsewhere).
    void recognise(const HttpRequest& request, Done done);

    /// Any of these roles and the permission; Admin passes both. Refusals: forbidden, "Invalid Role" and
    /// "Invalid Permission".
    static std::optional<Refusal> may_not(const engine::Caller& caller);
    static bool has_role(const engine::Caller& caller, std::string_view role);

    /// Refusals: unauthenticated, unavailable.
    void log_in(std::string_view user, std::string_view password, bool remember, LoggedIn done);
    void log_out(std::string_view token) { sessions_.end(token); }

    /// The cookies of a session: ss-id or ss-pid, and ss-opt, which says which of them counts. HttpOnly,
    /// SameSite=Lax, Secure where we are reached by https. nullptr: they are taken away.
    void set_cookies(HttpResponse& response, const NewSession* session) const;

    // ---- other sites ----
    /// A browser says that a page of another site sent it, and that site is not allowed.
    [[nodiscard]] bool is_from_elsewhere(const HttpRequest& request) const;
    /// Adds what browsers want to hear of an allowed origin; and Vary. Nothing more for any other.
    void dress(const HttpRequest& request, HttpResponse& response) const;
    /// The answer to OPTIONS.
    [[nodiscard]] HttpResponse preflight(const HttpRequest& request) const;

  private:
    [[nodiscard]] const engine::Caller* by_key(std::string_view key) const;
    [[nodiscard]] Outcome<Visitor> by_session(const HttpRequest& request) const;
    [[nodiscard]] bool is_allowed(std::string_view origin, const HttpRequest& request) const;

    engine::Engine& engine_;
    Passwords& passwords_;
    Sessions sessions_;
    Options options_;
    std::string own_origin_;
};

}  // namespace kassi::api::ticket_order
