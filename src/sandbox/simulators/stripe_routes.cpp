#include "sandbox/simulators/stripe_routes.hpp"

#include <iterator>
#include <vector>

namespace kassi::sandbox::stripe {
namespace {

constexpr std::string_view root = "/v1/";
constexpr std::size_t steps_max = 3;

/// {} in a pattern is an id.
struct Row {
    std::string_view method, pattern;
    Work work{};
    std::string_view step;
    bool for_browsers = false;
};
constexpr Row rows[] = {
    {"POST", "tokens", Work::create_token, "token", true},
    {"GET", "tokens/{}", Work::read_one, "retrieve"},
    {"POST", "payment_methods", Work::create_method, "payment_method", true},
    {"GET", "payment_methods/{}", Work::read_one, "retrieve"},
    {"POST", "payment_intents", Work::create_intent, "create"},
    {"GET", "payment_intents", Work::list, "list"},
    {"GET", "payment_intents/search", Work::search_intents, "search"},
    {"GET", "payment_intents/{}", Work::read_one, "retrieve", true},
    {"POST", "payment_intents/{}", Work::update_intent, "update"},
    {"POST", "payment_intents/{}/confirm", Work::confirm_intent, "confirm"},
    {"POST", "payment_intents/{}/capture", Work::capture_intent, "capture"},
    {"POST", "payment_intents/{}/cancel", Work::cancel_intent, "cancel"},
    {"POST", "charges", Work::create_charge, "charge"},
    {"GET", "charges", Work::list, "list"},
    {"GET", "charges/{}", Work::read_one, "retrieve"},
    {"POST", "charges/{}", Work::update_charge, "update"},
    {"POST", "charges/{}/capture", Work::capture_charge, "capture"},
    {"POST", "refunds", Work::create_refund, "refund"},
    {"GET", "refunds", Work::list, "list"},
    {"GET", "refunds/{}", Work::read_one, "retrieve"},
    {"POST", "refunds/{}", Work::update_refund, "update"},
    {"GET", "disputes", Work::list, "list"},
    {"GET", "disputes/{}", Work::read_one, "retrieve"},
    {"GET", "events", Work::list, "list"},
    {"GET", "events/{}", Work::read_one, "retrieve"},
};

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> steps;
    while (!path.empty() && steps.size() <= steps_max) {
        const std::size_t end = std::min(path.find('/'), path.size());
        steps.push_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return steps;
}

}  // namespace

std::optional<Route> route_of(std::string_view method, std::string_view path) {
    if (!path.starts_with(root)) return std::nullopt;
    const auto steps = split(path.substr(root.size()));
    for (const Row& row : rows) {
        const auto wanted = split(row.pattern);
        if (row.method != method || wanted.size() != steps.size()) continue;
        std::string id;
        bool fits = true;
        for (std::size_t i = 0; i < steps.size() && fits; ++i) {
            if (wanted[i] != "{}") {
                fits = wanted[i] == steps[i];
                continue;
            }
            auto decoded = encoding::percent_decode(steps[i], false, "path");
            fits = decoded && !decoded->empty() && encoding::is_utf8(*decoded);
            if (fits) id = *decoded;
        }
        if (fits) return Route{row.work, row.step, std::string(steps[0]), std::move(id), row.for_browsers};
    }
    return std::nullopt;
}

std::string key_of(const HttpRequest& request, const Fields& form) {
    const auto header = request.header("Authorization");
    constexpr std::string_view bearer = "Bearer ", basic = "Basic ";
    if (header.starts_with(bearer)) return std::string(header.substr(bearer.size()));
    if (header.starts_with(basic)) {
        const auto both = encoding::from_base64(header.substr(basic.size()), "Authorization");
        return both ? both->substr(0, both->find(':')) : "";
    }
    const std::string* key = find_field(form, "key");
    return key != nullptr && key->starts_with("pk_") ? *key : "";
}

namespace {

void allow_browsers(HttpResponse& response) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Access-Control-Expose-Headers",
                                  "Request-Id, Original-Request, Idempotent-Replayed, Stripe-Should-Retry");
    response.headers.emplace_back("Access-Control-Max-Age", "300");
}

}  // namespace

HttpResponse api_response(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, no-store"}};
    allow_browsers(response);
    response.body = std::move(body);
    return response;
}

HttpResponse preflight_response() {
    HttpResponse response;
    response.status = 204;
    allow_browsers(response);
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST");
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Authorization, Content-Type, Stripe-Version, Idempotency-Key");
    return response;
}

}  // namespace kassi::sandbox::stripe
