#include "callbacks/apple_pay.hpp"

#include <nlohmann/json.hpp>

#include "api/status.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "providers/credentials/apple_pay_session.hpp"

namespace kassi::callbacks {
namespace {

namespace apple_pay = providers::apple_pay;
using ShopPointer = std::shared_ptr<const apple_pay::Shop>;

constexpr int bad_gateway = 502;

void refuse_json(const CallPointer& call, const Error& error, std::string_view allow = "POST") {
    call->finish(json_error(error, allow), api::reason_of(error));
}

/// A page of another site could make a browser ask, too; it would not get to read the answer, and the
/// session would be of no use for its domain. It is refused all the same.
bool is_same_origin(const HttpRequest& request, const std::string& public_url) {
    const auto origin = request.header("Origin");
    if (origin.empty()) return true;
    const auto ours = parse_url(public_url, "public_url");
    return ours && origin == ours->origin();
}

bool is_json(const HttpRequest& request) {
    const auto type = request.header("Content-Type");
    return ascii_lower(type.substr(0, type.find_first_of("; \t"))) == "application/json";
}

/// {"validation_url"?}; "" when the body has none.
Result<std::string> read_validation_url(const HttpRequest& request) {
    if (request.body.empty()) return std::string();
    if (!is_json(request))
        return Error{ErrorKind::unsupported_media, "Content-Type", "must be application/json"};
    const auto body = parse_json(request.body);
    if (!body) return body.error();
    if (!body->is_object()) return bad_request("body", "must be an object");
    std::string url;
    for (const auto& [name, value] : body->items()) {
        if (name != "validation_url") return bad_request("body", "has a member that nobody knows");
        if (!value.is_string() || value.get_ref<const std::string&>().empty())
            return bad_request(name, "must be a text");
        url = value.get<std::string>();
    }
    return url;
}

/// Of the leg that is away.
Result<ShopPointer> shop_of(const engine::Engine& engine, const core::Transaction& transaction) {
    const auto* leg = core::leg_away(transaction);
    const auto* merchant = leg == nullptr ? nullptr : engine.registry().merchant(leg->merchant);
    if (merchant == nullptr || !merchant->apple_pay)
        return Error{ErrorKind::not_found, "path", "this page has no Apple Pay"};
    return merchant->apple_pay;
}

}  // namespace

HttpResponse json_error(const Error& error, std::string_view allow) {
    const bool is_ours = error.kind == ErrorKind::internal;
    JsonWriter json;
    json.begin_object().field("error", is_ours ? std::string("internal error") : error.message);
    json.key("field");
    error.field.empty() || is_ours ? json.null() : json.string(error.field);
    json.end_object();
    auto response = json_response(api::http_status(error.kind), json.take());
    if (error.kind == ErrorKind::method_not_allowed) response.headers.emplace_back("Allow", allow);
    if (error.kind == ErrorKind::unavailable) response.headers.emplace_back("Retry-After", "1");
    return response;
}

void open_session(engine::Engine& engine, api::MerchantSessions* sessions, const HttpRequest& request,
                  const std::string& page_token, const CallPointer& call) {
    if (request.method != "POST") return refuse_json(call, {ErrorKind::method_not_allowed, "", "POST only"});
    if (!is_same_origin(request, engine.settings().public_url))
        return refuse_json(call, {ErrorKind::forbidden, "Origin", "is not this site"});
    const auto view = engine.callout_page(page_token);
    if (!view) return refuse_json(call, view.error());
    const auto shop = shop_of(engine, view->transaction);
    if (!shop) return refuse_json(call, shop.error());
    const auto url = read_validation_url(request);
    if (!url) return refuse_json(call, url.error());
    if (!url->empty())
        if (const auto refused = apple_pay::refusal_of_validation_url(*url, **shop))
            return refuse_json(call, *refused);
    if (sessions == nullptr)
        return refuse_json(call, {ErrorKind::unavailable, "", "Apple Pay is not set up here"});
    sessions->open(*shop, (*shop)->domains.front(), [call](const api::MerchantSession& session) {
        if (!session.json.empty()) return call->finish(json_response(200, session.json));
        if (session.busy) return refuse_json(call, {ErrorKind::unavailable, "", session.why});
        JsonWriter json;
        json.begin_object().field("error", "Apple gave no merchant session: " + session.why);
        json.key("field").null().end_object();
        call->finish(json_response(bad_gateway, json.take()), session.why);
    });
}

Handler domain_door(const engine::Engine& engine) {
    return [&engine](const HttpRequest& request, Reply reply) {
        const auto call =
            std::make_shared<Call>("apple-pay", apple_pay::association_path, request, std::move(reply));
        if (request.path() != apple_pay::association_path)
            return refuse_json(call, {ErrorKind::not_found, "", "there is nothing here"});
        if (request.method != "GET" && request.method != "HEAD")
            return refuse_json(call, {ErrorKind::method_not_allowed, "", "GET only"}, "GET");
        // No port, no case; a host in brackets is an address, and none of a shop's.
        const auto given = ascii_lower(request.header("Host"));
        const auto host = given.substr(0, given.find(':'));
        for (const auto& shop : engine.directory().apple_pay_shops) {
            if (shop->domain_association.empty() || host.empty() ||
                apple_pay::find_domain(*shop, host) == nullptr)
                continue;
            return call->finish(
                {200,
                 {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
                 shop->domain_association});
        }
        refuse_json(call, {ErrorKind::not_found, "Host", "is no domain of a shop's"});
    };
}

}  // namespace kassi::callbacks
