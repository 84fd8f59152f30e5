#include "sandbox/simulators/apple_gateway.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"

namespace kassi::sandbox::apple {
namespace {

using nlohmann::json;

constexpr std::string_view session_path = "/paymentservices/paymentSession";
constexpr std::string_view older_path = "/paymentservices/startSession";
constexpr std::size_t display_name_characters_max = 64;
constexpr const char* merchant_oid = "1.2.840.113635.100.6.32";
constexpr int status_bad = 400;
constexpr int status_not_registered = 417;

struct CertificateFree {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
struct ObjectFree {
    void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
};

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string hash_of(std::string_view identifier) {
    return upper(encoding::hex(crypto::to_bytes(crypto::sha256(identifier))));
}

/// In Apple's words: the status stands in the body, as a text.
HttpResponse refusal(int status, std::string_view why) {
    JsonWriter out;
    out.begin_object().field("statusCode", std::to_string(status));
    out.field("statusMessage", "Payment Services Exception " + std::string(why)).end_object();
    return json_response(status, out.take());
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

std::string text_of(const json& body, const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

HttpResponse json_error(int status, const std::string& why) {
    return json_response(status, JsonWriter().begin_object().field("error", why).end_object().take());
}

}  // namespace

std::string merchant_hash_of(std::string_view certificate_base64) {
    const auto der = encoding::from_base64(certificate_base64, "certificate");
    if (!der) return "";
    const auto* next = reinterpret_cast<const unsigned char*>(der->data());
    const std::unique_ptr<X509, CertificateFree> certificate(
        d2i_X509(nullptr, &next, static_cast<long>(der->size())));
    ERR_clear_error();
    if (!certificate) return "";
    const std::unique_ptr<ASN1_OBJECT, ObjectFree> oid(OBJ_txt2obj(merchant_oid, 1));
    const int at = X509_get_ext_by_OBJ(certificate.get(), oid.get(), -1);
    if (at < 0) return "";
    const auto* value = X509_EXTENSION_get_data(X509_get_ext(certificate.get(), at));
    const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                 static_cast<std::size_t>(ASN1_STRING_length(value)));
    constexpr std::size_t tag_and_length = 2, digits = 64;
    return bytes.size() == tag_and_length + digits ? std::string(bytes.substr(tag_and_length)) : "";
}

Gateway::Gateway(std::vector<Merchant> merchants, const Clock& clock, Randomness& randomness, After after)
    : merchants_(std::move(merchants)), clock_(clock), randomness_(randomness), after_(std::move(after)) {}

std::string Gateway::random_hex(std::size_t bytes) {
    std::vector<std::uint8_t> drawn(bytes);
    randomness_.fill(drawn);
    return encoding::hex({reinterpret_cast<const char*>(drawn.data()), drawn.size()});
}

/// By its text, or by the hash that its certificates have.
const Gateway::Merchant* Gateway::find_merchant(std::string_view identifier) const {
    const auto found = std::find_if(merchants_.begin(), merchants_.end(), [&](const Merchant& merchant) {
        return merchant.identifier == identifier ||
               hash_of(merchant.identifier) == upper(std::string(identifier));
    });
    return found == merchants_.end() ? nullptr : &*found;
}

void Gateway::answer(const HttpRequest& request, std::string_view certificate, Reply reply) {
    if (request.path() != session_path && request.path() != older_path)
        return reply(json_error(404, "there is nothing here"));
    if (request.method != "POST") return reply(json_error(405, "POST only"));
    const auto rule = take_rule();
    if (!rule) return reply(work(request, certificate));
    switch (rule->fault) {
        case Fault::not_registered:
            return reply(refusal(status_not_registered, "merchantId unauthorized, or domain not verified"));
        case Fault::bad_request:
            return reply(refusal(status_bad, "the request is not understood"));
        case Fault::delay:
            return after_(rule->ms, [this, request, certificate = std::string(certificate),
                                     reply = std::move(reply)] { reply(work(request, certificate)); });
        case Fault::reset:
            return;
    }
}

HttpResponse Gateway::work(const HttpRequest& request, std::string_view certificate) {
    const auto body = parse_json(request.body);
    if (!body || !body->is_object()) return refusal(status_bad, "the body is not a JSON object");
    const auto identifier = text_of(*body, "merchantIdentifier");
    if (identifier.empty()) return refusal(status_bad, "missing merchant identifier");
    const auto display_name = text_of(*body, "displayName");
    if (display_name.empty() || characters(display_name) > display_name_characters_max)
        return refusal(status_bad, "displayName is not 1 to 64 characters");
    // The older body has no initiative, and another name for the domain.
    const bool is_older = request.path() == older_path && body->contains("domainName");
    const auto initiative = is_older ? std::string("web") : text_of(*body, "initiative");
    if (initiative != "web" && initiative != "messaging" && initiative != "in_app")
        return refusal(status_bad, "unknown initiative");
    const auto domain = text_of(*body, is_older ? "domainName" : "initiativeContext");
    if (domain.empty()) return refusal(status_bad, "missing initiativeContext");

    const auto* merchant = find_merchant(identifier);
    if (merchant == nullptr || merchant_hash_of(certificate) != hash_of(merchant->identifier))
        return refusal(status_not_registered, "merchantId unauthorized for this certificate");
    if (std::find(merchant->domains.begin(), merchant->domains.end(), domain) == merchant->domains.end())
        return refusal(status_not_registered, "the domain is not registered for this merchant");
    return give(*merchant, domain, display_name);
}

HttpResponse Gateway::give(const Merchant& merchant, const std::string& domain,
                           const std::string& display_name) {
    constexpr std::size_t hash_bytes = 32, short_bytes = 16, nonce_bytes = 4, signature_bytes = 200;
    const auto now = clock_.now();
    const Session session{"SSH" + upper(random_hex(short_bytes)) + "_" + upper(random_hex(hash_bytes)),
                          merchant.identifier, domain, now + session_lasts};
    if (sessions_.size() >= sessions_remembered_max) sessions_.pop_front();
    sessions_.push_back(session);
    const auto milliseconds = [](Instant at) { return at.time_since_epoch().count(); };
    JsonWriter out;
    out.begin_object().field("epochTimestamp", milliseconds(now));
    out.field("expiresAt", milliseconds(session.expires));
    out.field("merchantSessionIdentifier", session.identifier).field("nonce", random_hex(nonce_bytes));
    out.field("merchantIdentifier", hash_of(merchant.identifier)).field("domainName", domain);
    out.field("displayName", display_name);
    // Only a browser of Apple's would look into it: the beginning of a PKCS #7, as hex.
    out.field("signature", "308006092a864886f70d010702a080" + random_hex(signature_bytes));
    out.field("operationalAnalyticsIdentifier", display_name + ":" + hash_of(merchant.identifier));
    out.field("retries", 0).field("pspId", hash_of(merchant.identifier)).end_object();
    return json_response(200, out.take());
}

const Gateway::Session* Gateway::session(std::string_view identifier) const {
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& session) {
        return session.identifier == identifier && session.expires > clock_.now();
    });
    return found == sessions_.end() ? nullptr : &*found;
}

// ---- faults

std::optional<Gateway::Rule> Gateway::take_rule() {
    if (rules_.empty()) return std::nullopt;
    auto rule = rules_.front();
    if (--rules_.front().times == 0) rules_.erase(rules_.begin());
    return rule;
}

std::optional<Error> Gateway::set_rules(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, Fault>, 4> words{{{"417", Fault::not_registered},
                                                                              {"400", Fault::bad_request},
                                                                              {"delay", Fault::delay},
                                                                              {"reset", Fault::reset}}};
    const auto body = parse_json(text);
    if (!body) return body.error();
    const auto list = body->is_object() ? body->find("rules") : body->end();
    if (!body->is_object() || list == body->end() || !list->is_array() || list->size() > gateway_rules_max)
        return bad_request("rules", "must be a list of at most " + std::to_string(gateway_rules_max));
    std::vector<Rule> rules;
    for (const auto& each : *list) {
        if (!each.is_object()) return bad_request("rules", "must be objects");
        Rule rule;
        rule.what = text_of(each, "do");
        const auto* word = std::find_if(words.begin(), words.end(),
                                        [&](const auto& known) { return known.first == rule.what; });
        if (word == words.end()) return bad_request("do", "must be 417, 400, delay or reset");
        rule.fault = word->second;
        const auto number = [&each](const char* name, std::int64_t otherwise, std::int64_t most) {
            const auto found = each.find(name);
            if (found == each.end()) return otherwise;
            const bool good = found->is_number_integer() && found->get<std::int64_t>() >= 0 &&
                              found->get<std::int64_t>() <= most;
            return good ? found->get<std::int64_t>() : std::int64_t{-1};
        };
        rule.ms = Millis{number("ms", 0, gateway_delay_ms_max)};
        rule.times = number("times", 1, gateway_times_max);
        if (rule.ms.count() < 0) return bad_request("ms", "must be a whole number of milliseconds");
        if (rule.times < 1) return bad_request("times", "must be a whole number, 1 or more");
        rules.push_back(std::move(rule));
    }
    rules_ = std::move(rules);
    return std::nullopt;
}

std::string Gateway::rules_json() const {
    JsonWriter out;
    out.begin_object().key("rules").begin_array();
    for (const auto& rule : rules_) {
        out.begin_object().field("do", rule.what).field("ms", rule.ms.count());
        out.field("times", rule.times).end_object();
    }
    out.end_array().end_object();
    return out.take();
}

HttpResponse Gateway::faults(const HttpRequest& request) {
    if (request.method == "PUT") {
        if (const auto wrong = set_rules(request.body))
            return json_error(status_bad, wrong->field + ": " + wrong->message);
    } else if (request.method == "DELETE") {
        rules_.clear();
    } else if (request.method != "GET") {
        auto response = json_error(405, "GET, PUT and DELETE only");
        response.headers.emplace_back("Allow", "GET, PUT, DELETE");
        return response;
    }
    return json_response(200, rules_json());
}

}  // namespace kassi::sandbox::apple
