#include "providers/credentials/apple_pay_session.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.hpp"

namespace kassi::providers::apple_pay {
namespace {

constexpr std::string_view older_path = "/paymentservices/startSession";
constexpr int http_ok = 200;
constexpr int expectation_failed = 417;

/// Those of Apple's list, and those that browsers have named before it.
const std::set<std::string, std::less<>>& hosts() {
    static const auto all = [] {
        std::set<std::string, std::less<>> names{
            "apple-pay-gateway.apple.com", "cn-apple-pay-gateway.apple.com",
            "apple-pay-gateway-cert.apple.com", "cn-apple-pay-gateway-cert.apple.com"};
        for (const std::string place : {"nc", "pr"})
            for (const char pod : std::string_view("12345"))
                for (const std::string spare : {"", "-dr"})
                    names.insert("apple-pay-gateway-" + place + "-pod" + pod + spare + ".apple.com");
        for (const std::string place : {"sh", "tj"})
            for (const char pod : std::string_view("123"))
                names.insert("cn-apple-pay-gateway-" + place + "-pod" + pod + ".apple.com");
        return names;
    }();
    return all;
}

/// "417", in the body or as the status.
bool is_417(const HttpResponse& response, const nlohmann::json* body) {
    if (response.status == expectation_failed) return true;
    if (body == nullptr || !body->is_object()) return false;
    const auto code = body->find("statusCode");
    return code != body->end() && code->is_string() && code->get_ref<const std::string&>() == "417";
}

}  // namespace

bool is_live_gateway(std::string_view url) {
    return url == production_gateway || url == china_gateway;
}
bool is_test_gateway(std::string_view url) {
    return url == test_gateway;
}

std::optional<Error> refusal_of_validation_url(std::string_view url, const Shop& shop) {
    constexpr std::string_view field = "validation_url";
    const auto refuse = [&](std::string why) { return bad_request(std::string(field), std::move(why)); };
    if (url.size() > validation_url_bytes_max) return refuse("is too long");
    const auto parsed = parse_url(url, field);
    if (!parsed) return parsed.error();
    if (parsed->scheme != "https") return refuse("must be https");
    if (parsed->target != session_path && parsed->target != older_path)
        return refuse("is not a path of Apple's gateway");
    if (parsed->origin() == shop.gateway_url) return std::nullopt;
    constexpr std::uint16_t https_port = 443;
    if (parsed->port != https_port || !hosts().contains(parsed->host))
        return refuse("is not a gateway of Apple's");
    return std::nullopt;
}

const std::string* find_domain(const Shop& shop, std::string_view domain) {
    if (shop.domains.empty()) return nullptr;
    if (domain.empty()) return &shop.domains.front();
    const auto found = std::find(shop.domains.begin(), shop.domains.end(), domain);
    return found == shop.domains.end() ? nullptr : &*found;
}

HttpRequest session_request(const Shop& shop, std::string_view domain) {
    JsonWriter body;
    body.begin_object();
    body.field("merchantIdentifier", shop.verifier->merchant_identifier());
    body.field("displayName", shop.display_name);
    body.field("initiative", "web").field("initiativeContext", domain).end_object();
    return {"POST",
            shop.gateway_url + std::string(session_path),
            {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
            body.take(),
            ""};
}

SessionAnswer read_session(const HttpResponse& response) {
    if (response.body.size() > session_bytes_max) return {"", "its answer is too large", false};
    const auto body = parse_json(response.body);
    if (is_417(response, body ? &*body : nullptr))
        return {"", "it says 417: certificate, merchant identifier or domain are not registered", true};
    if (response.status != http_ok) return {"", "it answered " + std::to_string(response.status), false};
    if (!body || !body->is_object()) return {"", "its answer is not a JSON object", false};
    // Some errors come with 200.
    if (body->contains("statusCode")) return {"", "it refused the request", false};
    return {response.body, "", false};
}

}  // namespace kassi::providers::apple_pay
