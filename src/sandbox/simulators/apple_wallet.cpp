#include "sandbox/simulators/apple_wallet.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "base/money.hpp"

namespace kassi::sandbox::apple {
namespace {

using nlohmann::json;

/// A card of the device. Its number stands for the real one on this device only.
struct Card {
    std::string_view name, number, network, eci;
};
constexpr std::array<Card, 3> cards{{{"visa", "4242424242424242", "Visa", "7"},
                                     {"mastercard", "5555555555554444", "MasterCard", ""},
                                     {"declined", "4000000000000002", "Visa", "7"}}};

HttpResponse refused(int status, std::string why) {
    return json_response(status, JsonWriter().begin_object().field("error", why).end_object().take());
}

/// Pages of every origin may ask: a device is nobody's.
HttpResponse for_pages(HttpResponse response) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Access-Control-Allow-Methods", "POST");
    response.headers.emplace_back("Access-Control-Allow-Headers", "Content-Type");
    return response;
}

std::string text_of(const json& body, const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// What the sheet has shown. Error: bad_request naming the member.
Result<Order> read_order(const json& request) {
    if (!request.is_object()) return bad_request("request", "must be an object");
    const auto currency = Currency::parse(text_of(request, "currencyCode"), "currencyCode");
    if (!currency) return currency.error();
    const auto total = request.find("total");
    if (total == request.end() || !total->is_object()) return bad_request("total", "must be an object");
    const auto minor = minor_from_decimal(text_of(*total, "amount"), currency->places(), "total.amount");
    if (!minor) return minor.error();
    Order order;
    std::array<char, 8> number{};
    static_cast<void>(std::snprintf(number.data(), number.size(), "%03d", currency->number()));
    order.currency = number.data();
    order.amount = std::to_string(*minor);
    auto data = encoding::from_base64(text_of(request, "applicationData"), "applicationData");
    if (!data) return data.error();
    order.application_data = std::move(*data);
    return order;
}

}  // namespace

Wallet::Wallet(Options options, const AppleWorld& world, Gateway& gateway, const Clock& clock)
    : options_(std::move(options)), world_(world), gateway_(gateway), clock_(clock) {}

HttpResponse Wallet::answer(const HttpRequest& request) {
    const auto path = request.path();
    if (path == "/apple/_faults") return gateway_.faults(request);
    if (path == "/apple/stand-in.js" && (request.method == "GET" || request.method == "HEAD"))
        return script();
    if (path != "/apple/device/token") return refused(404, "there is nothing here");
    if (request.method == "OPTIONS") return for_pages({204, {}, ""});
    if (request.method != "POST") return refused(405, "POST only");
    return for_pages(token(request));
}

HttpResponse Wallet::script() const {
    std::string text(browser_file("stand-in.js"));
    constexpr std::string_view place = "@gateway@";
    if (const auto at = text.find(place); at != std::string::npos)
        text.replace(at, place.size(), options_.gateway_url);
    return {200, {{"Content-Type", "text/javascript; charset=utf-8"}, {"Cache-Control", "no-store"}}, text};
}

HttpResponse Wallet::token(const HttpRequest& request) {
    const auto body = parse_json(request.body);
    if (!body || !body->is_object()) return refused(400, "the body is not a JSON object");
    const auto* session = gateway_.session(text_of(*body, "session"));
    if (session == nullptr) return refused(400, "the merchant session is none, or has run out");
    if (session->domain != text_of(*body, "domain"))
        return refused(400, "the merchant session is for another domain");
    const auto merchant =
        std::find_if(options_.merchants.begin(), options_.merchants.end(),
                     [&](const Merchant& known) { return known.identifier == session->merchant; });
    if (merchant == options_.merchants.end()) return refused(400, "nobody encrypts for this merchant");
    const auto name = text_of(*body, "card");
    const auto* card =
        std::find_if(cards.begin(), cards.end(), [&](const Card& known) { return known.name == name; });
    if (card == cards.end()) return refused(400, "card must be visa, mastercard or declined");
    const auto asked = body->find("request");
    auto order = read_order(asked == body->end() ? json() : *asked);
    if (!order) return refused(400, order.error().field + " " + order.error().message);
    order->processing_certificate_pem = merchant->processing_certificate_pem;
    order->number = card->number;
    if (!card->eci.empty()) order->eci = std::string(card->eci);
    order->signed_at = clock_.now();
    return json_response(200, AppleWorld::browser_token(world_.token(*order), card->network));
}

}  // namespace kassi::sandbox::apple
