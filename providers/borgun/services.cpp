#include "providers/borgun/services.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "providers/borgun/card_text.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/credential.hpp"
#include "providers/borgun/payment.hpp"
#include "providers/borgun/wire.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::borgun::services {
namespace {

using nlohmann::json;

constexpr std::string_view single_path = "/api/token/single", multi_path = "/api/token/multi";
constexpr std::string_view mpi_path = "/api/mpi/v2", payment_path = "/api/payment";
constexpr std::size_t word_bytes_max = 200;         ///< a status, an id, a message
constexpr std::size_t form_bytes_max = 128 * 1024;  ///< RedirectToACSForm, and each of RedirectToACSData
constexpr std::size_t shown_digits_max = 10;        ///< of a card's number
constexpr std::size_t card_body_bytes = 512;  ///< what a body with a card needs at most, without payload

core::Request post(std::string_view path, std::string body) {
    return {"POST", std::string(path), {{"Content-Type", "application/json"}}, std::move(body)};
}

/// As a JSON string, in quotes.
std::string as_json(std::string_view text) {
    JsonWriter out;
    out.string(text);
    return out.take();
}

void add_extras(std::string& body, const TokenExtras& extras) {
    if (extras.verification) {
        body += R"(,"VerifyCard":{"CheckAmount":)";
        body += std::to_string(extras.verification->amount.value_or(0));
        if (!extras.verification->currency.empty())
            body += R"(,"Currency":)" + as_json(extras.verification->currency);
        add_cvc(body, extras.verification->cvc);
        body += '}';
    }
    if (!extras.payload.empty()) body += R"(,"Metadata":{"Payload":)" + as_json(extras.payload) + "}";
    body += '}';
}

std::string body_for(const TokenExtras& extras) {
    std::string body;
    // A control character takes six bytes.
    constexpr std::size_t bytes_a_character = 6;
    body.reserve(card_body_bytes + extras.payload.size() * bytes_a_character);
    return body;
}

// ---- reading -------------------------------------------------------------------------------------------
std::optional<json> success(const HttpResponse& response) {
    return wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
}

/// As it may be shown and logged; "" for what may not.
std::string word_in(const json& object, std::string_view name) {
    auto text = wire::text(object, name);
    if (text.size() > word_bytes_max || has_control_character(text) || may_be_card_number(text)) return {};
    return text;
}

/// Such as base64, whose digits may follow each other.
std::string code_in(const json& object, std::string_view name) {
    auto text = wire::text(object, name);
    return text.size() > word_bytes_max || has_control_character(text) ? std::string() : text;
}

/// "558740******2011"; "" for one that says more.
std::string masked_in(const json& object) {
    auto text = code_in(object, "PAN");
    const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool is_masked = text.find('*') != std::string::npos;
    return is_masked && static_cast<std::size_t>(digits) <= shown_digits_max ? text : std::string();
}

bool flag_in(const json& object, std::string_view name) {
    const auto* found = wire::member(object, name);
    if (found == nullptr) return false;
    return found->is_boolean() ? found->get<bool>() : ascii_lower(wire::text(object, name)) == "true";
}

std::string text_within(const json& object, std::string_view name, std::size_t bytes_max) {
    auto text = wire::text(object, name);
    return text.size() > bytes_max ? std::string() : text;
}

std::string visible_in(const json& object, std::string_view name) {
    auto text = code_in(object, name);
    const bool is_visible =
        std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    return is_visible ? text : std::string();
}

void read_redirect(const json& answer, Enrolled& out) {
    const auto* list = wire::list_in(answer, "RedirectToACSData");
    if (list == nullptr || list->size() > redirect_fields_max) return;
    for (const auto& entry : *list) {
        auto name = text_within(entry, "Name", word_bytes_max);
        if (!name.empty()) out.redirect.emplace_back(name, text_within(entry, "Value", form_bytes_max));
    }
}

}  // namespace

// ---- requests ------------------------------------------------------------------------------------------
core::Request single_token(const card::Card& card, std::int64_t seconds, const TokenExtras& extras) {
    auto body = body_for(extras);
    body += '{';
    add_card(body, card.number, card.expiry);
    add_cvc(body, card.cvc);
    body += R"(,"TokenLifetime":)";
    body += std::to_string(seconds);
    add_extras(body, extras);
    return post(single_path, std::move(body));
}

core::Request multi_token(const card::Card& card, const TokenExtras& extras) {
    auto body = body_for(extras);
    body += '{';
    add_card(body, card.number, card.expiry);
    add_extras(body, extras);
    return post(multi_path, std::move(body));
}

core::Request exchange(const std::string& single, const TokenExtras& extras) {
    auto body = body_for(extras);
    body += R"({"TokenSingle":)" + as_json(single);
    add_extras(body, extras);
    return post(multi_path, std::move(body));
}

core::Request enrollment(const Enrollment& wanted) {
    JsonWriter out;
    out.begin_object()
        .key("CardDetails")
        .begin_object()
        .field("PaymentType", is_single(wanted.token) ? "TokenSingle" : "TokenMulti")
        .field("Token", wanted.token)
        .end_object()
        .field("PurchAmount", wanted.amount)
        .field("Exponent", wanted.exponent)
        .field("Currency", wanted.currency)
        .field("TermUrl", wanted.term_url);
    if (!wanted.md.empty()) out.field("MD", wanted.md);
    if (!wanted.description.empty()) out.field("Description", wanted.description);
    out.end_object();
    return post(std::string(mpi_path) + "/enrollment", out.take());
}

core::Request enrollment_without_method(const std::string& xid, const std::string& tx_id) {
    JsonWriter out;
    out.begin_object().field("XId", xid).field("TxId", tx_id).field("TDS2ThreeDSCompInd", "U").end_object();
    return post(std::string(mpi_path) + "/enrollment", out.take());
}

core::Request validation(const std::string& pares, const std::string& cres, const std::string& md) {
    JsonWriter out;
    out.begin_object();
    pares.empty() ? out.field("CRes", cres) : out.field("PARes", pares);
    if (!md.empty()) out.field("MD", md);
    out.end_object();
    return post(std::string(mpi_path) + "/validation", out.take());
}

core::Request payment(const std::string& id) {
    return {"GET", std::string(payment_path) + "/" + encoding::percent_encode(id), {}, ""};
}

// ---- answers -------------------------------------------------------------------------------------------
std::optional<Token> read_token(const HttpResponse& response) {
    const auto answer = success(response);
    if (!answer) return std::nullopt;
    Token token;
    token.token = wire::text(*answer, "Token");
    if (!is_token(token.token)) return std::nullopt;
    token.virtual_number = code_in(*answer, "VirtualNumber");
    token.masked_number = masked_in(*answer);
    token.expiry_year = word_in(*answer, "ExpYear");
    token.expiry_month = word_in(*answer, "ExpMonth");
    token.enabled = flag_in(*answer, "Enabled");
    if (const auto* metadata = wire::object_in(*answer, "Metadata"))
        token.payload = wire::text(*metadata, "Payload");
    if (const auto* result = wire::object_in(*answer, "VerifyCardResult")) {
        token.verified_by = code_in(*result, "TransactionId");
        token.action_code = word_in(*result, "ActionCode");
    }
    const auto location = response.header("Location");
    if (location.size() <= word_bytes_max && parse_url(location, "Location"))
        token.location = std::string(location);
    return token;
}

std::optional<Enrolled> read_enrolled(const HttpResponse& response) {
    const auto answer = success(response);
    if (!answer) return std::nullopt;
    Enrolled out;
    out.result = wire::integer(*answer, "ResultStatus").value_or(0);
    out.md_status = md_status(wire::text(*answer, "MdStatus"));
    out.message_id = code_in(*answer, "MessageId");
    out.enrollment_status = word_in(*answer, "EnrollmentStatus");
    out.message = word_in(*answer, "MdErrorMessage");
    out.form = text_within(*answer, "RedirectToACSForm", form_bytes_max);
    out.md = text_within(*answer, "MD", form_bytes_max);
    out.mpi_token = visible_in(*answer, "MPIToken");
    out.xid = visible_in(*answer, "XId");
    out.tx_id = visible_in(*answer, "TxId");
    read_redirect(*answer, out);
    return out;
}

std::optional<Validated> read_validated(const HttpResponse& response) {
    const auto answer = success(response);
    if (!answer) return std::nullopt;
    Validated out;
    out.md_status = md_status(wire::text(*answer, "MdStatus"));
    out.xid = visible_in(*answer, "XId");
    out.message = word_in(*answer, "MdErrorMessage");
    for (const auto& [name, into] : {std::pair{"EnrollmentStatus", &out.enrollment_status},
                                     {"AuthenticationStatus", &out.authentication_status},
                                     {"ECI", &out.eci},
                                     {"CAVV", &out.cavv},
                                     {"CAVVAlgorithm", &out.cavv_algorithm},
                                     {"PAResVerified", &out.pares_verified},
                                     {"PAResSyntaxOK", &out.pares_syntax_ok}})
        *into = code_in(*answer, name);
    return out;
}

std::optional<PaymentDetails> read_details(const HttpResponse& response) {
    const auto answer = success(response);
    const auto amount = answer ? wire::integer(*answer, "Amount") : std::nullopt;
    if (!amount) return std::nullopt;
    PaymentDetails out;
    out.amount = *amount;
    out.id = wire::text(*answer, "TransactionId");
    if (!is_payment_id(out.id)) return std::nullopt;
    out.type = wire::word(*answer, "TransactionType", {{1, "Sale"}, {5, "PreAuthorization"}});
    out.status = status_word(*answer);
    out.currency = word_in(*answer, "Currency");
    out.date = code_in(*answer, "TransactionDate");
    out.auth_code = word_in(*answer, "AuthCode");
    out.action_code = word_in(*answer, "ActionCode");
    for (const auto* name : {"LifeCycleId", "LifecycleId"})
        if (out.life_cycle.empty()) out.life_cycle = code_in(*answer, name);
    if (const auto* method = wire::object_in(*answer, "PaymentMethod")) {
        out.payment_type =
            wire::word(*method, "PaymentType", {{2, "Card"}, {3, "TokenSingle"}, {4, "TokenMulti"}});
        out.masked_number = masked_in(*method);
        out.token = wire::text(*method, "Token");
        if (!is_token(out.token)) out.token.clear();
        out.card_type = word_in(*method, "CardType");
        out.is_debit = word_in(*method, "IsDebit");
    }
    if (const auto* secure = wire::object_in(*answer, "ThreeDSecure")) {
        out.security_level = word_in(*secure, "SecurityLevelInd");
        out.xid = visible_in(*secure, "Xid");
    }
    return out;
}

bool refuses(const HttpResponse& response, std::string_view field) {
    if (wire::complains_of(response, field)) return true;
    const auto dot = field.rfind('.');
    return dot != std::string_view::npos && wire::complains_of(response, field.substr(dot + 1));
}

}  // namespace kassi::providers::borgun::services
