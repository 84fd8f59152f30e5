#include "api/ticket_order/login.hpp"

#include <optional>
#include <string>
#include <utility>

#include "api/ticket_order/writing.hpp"
#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

struct Authenticate {
    std::optional<std::string> provider;
    std::optional<std::string> user_name;
    Secret<> password;
    std::optional<bool> remember_me;
};
template <class Visitor, OneOf<Authenticate> T>
void each_member(Visitor& visit, T& it) {
    visit("provider", it.provider);
    visit("userName", it.user_name);
    visit("password", it.password);
    visit("rememberMe", it.remember_me);
}

/// Nothing went wrong: an empty object.
struct NoFault {};
template <class Visitor, OneOf<NoFault> T>
void each_member(Visitor&, T&) {}

struct AuthenticateResponse {
    std::optional<std::string> user_id;
    std::optional<std::string> session_id;
    std::optional<std::string> user_name;
    std::optional<std::string> display_name;
    std::vector<std::string> roles;
    std::vector<std::string> permissions;
    NoFault response_status;
};
template <class Visitor, OneOf<AuthenticateResponse> T>
void each_member(Visitor& visit, T& it) {
    visit("userId", it.user_id);
    visit("sessionId", it.session_id);
    visit("userName", it.user_name);
    visit("displayName", it.display_name);
    visit("roles", it.roles);
    visit("permissions", it.permissions);
    visit("responseStatus", it.response_status);
}

AuthenticateResponse describe(const engine::Caller& caller, const std::string& session) {
    AuthenticateResponse out;
    out.user_id = caller.name;
    if (!session.empty()) out.session_id = session;
    out.user_name = caller.name;
    out.display_name = caller.real_name;
    out.roles = caller.ticket_order.roles;
    out.permissions = caller.ticket_order.permissions;
    return out;
}

void who_am_i(const CallPointer& call) {
    if (call->visitor.caller == nullptr)
        return call->refuse({ErrorKind::unauthenticated, "Unauthorized", "Not Authenticated"});
    call->answer(print_object(describe(*call->visitor.caller, call->visitor.session), call->route.answer));
}

void log_out(const CallPointer& call, Visitors& visitors) {
    visitors.log_out(call->visitor.session);
    HttpResponse response{200,
                          {{"Content-Type", call->route.content_type}},
                          print_object(AuthenticateResponse{}, call->route.answer)};
    visitors.set_cookies(response, nullptr);
    call->answer(std::move(response));
}

void log_in(const CallPointer& call, Visitors& visitors, const Authenticate& asked) {
    if (call->request.method != "POST")
        return call->refuse({ErrorKind::method_not_allowed, "NotImplementedException", "log in by POST"});
    // Nobody is logged in from another site without knowing it.
    if (visitors.is_from_elsewhere(call->request))
        return call->refuse(
            {ErrorKind::forbidden, "Forbidden", "log in from a page of ours or of an allowed origin"});
    Faults faults;
    if (asked.user_name.value_or("").empty()) faults.push_back({"NotEmpty", "userName", "must not be empty"});
    if (asked.password.empty()) faults.push_back({"NotEmpty", "password", "must not be empty"});
    if (!faults.empty()) return call->refuse(not_valid(std::move(faults)));
    visitors.log_in(*asked.user_name, asked.password.reveal(), asked.remember_me.value_or(false),
                    [call, &visitors](const Outcome<NewSession>& session) {
                        if (!session) return call->refuse(session.error());
                        call->visitor.caller = session->caller;
                        HttpResponse response{
                            200,
                            {{"Content-Type", call->route.content_type}},
                            print_object(describe(*session->caller, session->token), call->route.answer)};
                        visitors.set_cookies(response, &*session);
                        call->answer(std::move(response));
                    });
}

void authenticate(const CallPointer& call, Visitors& visitors) {
    const auto incoming = incoming_of(call->request, call->route);
    if (!incoming) return call->refuse(refusal_of(incoming.error()));
    const auto asked = read_as<Authenticate>(*incoming, "Authenticate");
    if (!asked) return call->refuse(asked.error());
    auto provider = ascii_lower(asked->provider.value_or(""));
    if (!call->route.segment.empty()) provider = call->route.segment;
    if (provider == "logout") return log_out(call, visitors);
    const bool says_who = asked->user_name || !asked->password.empty();
    if (provider.empty() && !says_who) return who_am_i(call);
    if (provider.empty() || provider == "credentials") return log_in(call, visitors, *asked);
    call->refuse({ErrorKind::not_found, "NotFound", "the only provider is credentials"});
}

void no_access_token(const CallPointer& call) {
    call->refuse({ErrorKind::method_not_allowed, "NotImplementedException",
                  "no tokens that run out are issued here: log in, or use an API key"});
}

}  // namespace

std::vector<Operation> login_operations(Visitors& visitors) {
    const auto serve = [&visitors](const CallPointer& call) { authenticate(call, visitors); };
    return {{{"Authenticate", "/auth"}, true, serve},
            {{"Authenticate", "/auth/{provider}"}, true, serve},
            {{"GetAccessToken", "", true}, true, no_access_token}};
}

}  // namespace kassi::api::ticket_order
