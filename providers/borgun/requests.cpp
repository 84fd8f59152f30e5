#include "providers/borgun/requests.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/card_text.hpp"
#include "providers/borgun/credential.hpp"
#include "providers/borgun/order_id.hpp"
#include "providers/reference.hpp"

namespace kassi::providers::borgun {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view single_path = "/api/token/single", multi_path = "/api/token/multi";
constexpr std::string_view payment_path = "/api/payment", event_path = "/api/events";
constexpr std::string_view mpi_path = "/api/mpi/v2";
/// A single-use token lives until it must have been paid with; the gateway's own limits are not known.
constexpr std::chrono::seconds token_life_min = 5min, token_life_spare = 2min, token_life_max = 24h;
constexpr std::size_t description_bytes_max = 120;

core::Ask ask_of(const core::Scene& scene, std::string_view name, std::string method, std::string path,
                 std::string body, core::Repeat repeat) {
    core::Ask ask;
    ask.name = name;
    ask.repeat = repeat;
    ask.reference = providers::reference_of(scene);
    ask.request = {std::move(method), std::move(path), {}, std::move(body)};
    if (!ask.request.body.empty()) ask.request.headers = {{"Content-Type", "application/json"}};
    ask.saved = scene.parcel.saved;
    return ask;
}

std::string path_of(std::string_view folder, const std::string& id, std::string_view action = "") {
    return std::string(folder) + "/" + encoding::percent_encode(id) + std::string(action);
}

/// The gateway reads a time without a zone; ours is UTC, and says so.
std::string date_of(Instant at) {
    return iso8601(std::chrono::floor<std::chrono::seconds>(at));
}

std::chrono::seconds token_life(const core::Scene& scene) {
    const Instant last = std::max(scene.transaction.held_until, scene.callout_until);
    const auto left = std::chrono::ceil<std::chrono::seconds>(last - scene.now) + token_life_spare;
    return std::clamp(left, token_life_min, token_life_max);
}

/// "Two seats" would be the shop's text: here only what names the booking.
std::string description_of(const core::Scene& scene) {
    std::string text = scene.transaction.reference;
    for (const auto& source : scene.leg.sources) text += " " + source;
    if (text.size() <= description_bytes_max) return text;
    text.resize(encoding::utf8_bytes(text.substr(0, description_bytes_max)));
    return text;
}

void write_token(JsonWriter& json, std::string_view member, const std::string& token) {
    json.key(member)
        .begin_object()
        .field("PaymentType", is_single(token) ? "TokenSingle" : "TokenMulti")
        .field("Token", token)
        .end_object();
}

}  // namespace

std::string md_of(const core::Scene& scene) {
    return scene.transaction.reference + "-" + std::to_string(scene.leg.no);
}

bool is_md(std::string_view text) {
    constexpr std::string_view form = "T___-____-____-____-";
    if (text.size() <= form.size() || text.size() > form.size() + 4 || may_be_card_number(text)) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool digit = c >= '0' && c <= '9';
        const char wanted = i < form.size() ? form[i] : '9';
        const bool fits = wanted == '_'   ? digit || (c >= 'A' && c <= 'Z')
                          : wanted == '9' ? digit
                                          : c == wanted;
        if (!fits) return false;
    }
    return true;
}

// ---- before money --------------------------------------------------------------------------------------
core::Ask ask_token(const core::Scene& scene, const card::Card& card) {
    constexpr std::size_t body_bytes = 256;
    std::string body;
    body.reserve(body_bytes);
    body += '{';
    add_card(body, card.number, card.expiry);
    body += R"(,"TokenLifetime":)";
    body += std::to_string(token_life(scene).count());
    add_cvc(body, card.cvc);
    body += '}';
    core::Ask ask =
        ask_of(scene, step::token, "POST", std::string(single_path), std::move(body), core::Repeat::never);
    ask.needs_volatile = true;
    return ask;
}

std::optional<core::Ask> ask_enroll(const core::Scene& scene, const std::string& token, int exponent) {
    const auto amount = purchase_amount(scene.amount, exponent);
    if (!amount) return std::nullopt;
    Kept kept;
    kept.stage = Stage::enrolled;
    kept.exponent = exponent;
    kept.md = md_of(scene);
    kept.term_url = scene.return_url;
    JsonWriter json;
    json.begin_object();
    write_token(json, "CardDetails", token);
    json.field("PurchAmount", *amount)
        .field("Exponent", exponent)
        .field("Currency", number_of(scene.amount.currency))
        .field("TermUrl", scene.return_url)
        .field("MD", kept.md)
        .field("Description", description_of(scene));
    if (!scene.public_url.empty())
        json.field("TDS2ThreeDSMethodNotificationURL", std::string(scene.public_url).append(method_path));
    json.end_object();
    auto ask = ask_of(scene, step::enroll, "POST", std::string(mpi_path) + "/enrollment", json.take(),
                      core::Repeat::safe);
    ask.saved = write(kept);
    return ask;
}

core::Ask ask_enroll_again(const core::Scene& scene, Kept kept, std::string_view method) {
    JsonWriter json;
    json.begin_object()
        .field("XId", kept.xid)
        .field("TxId", kept.tx_id)
        .field("TDS2ThreeDSCompInd", method)
        .end_object();
    auto ask = ask_of(scene, step::enroll_again, "POST", std::string(mpi_path) + "/enrollment", json.take(),
                      core::Repeat::safe);
    kept.stage = Stage::enrolled;
    kept.method_done = true;
    ask.saved = write(kept);
    return ask;
}

core::Ask ask_validate(const core::Scene& scene, const std::string& pares, const std::string& cres,
                       const std::string& md) {
    JsonWriter json;
    json.begin_object();
    pares.empty() ? json.field("CRes", cres) : json.field("PARes", pares);
    if (!md.empty()) json.field("MD", md);
    json.end_object();
    return ask_of(scene, step::validate, "POST", std::string(mpi_path) + "/validation", json.take(),
                  core::Repeat::safe);
}

// ---- money ---------------------------------------------------------------------------------------------
namespace {

/// Everything but what is paid with, without the closing brace.
std::string payment_of(const core::Scene& scene, const std::string& order, bool sale) {
    JsonWriter json;
    json.begin_object()
        .field("TransactionType", sale ? "Sale" : "PreAuthorization")
        .field("Amount", to_wire(scene.amount))
        .field("Currency", number_of(scene.amount.currency))
        .field("TransactionDate", date_of(scene.now))
        .field("OrderId", order)
        .end_object();
    auto text = json.take();
    text.pop_back();
    return text;
}

core::Ask sent_as(core::Ask ask, const core::Scene& scene, const std::string& order) {
    ask.reference = order;
    auto kept = kept_of(scene);
    kept.payment_sent = true;
    ask.saved = write(kept);
    return ask;
}

}  // namespace

core::Ask ask_pay(const core::Scene& scene, const std::string& token, bool sale) {
    const Kept kept = kept_of(scene);
    const std::string order = next_order_id(scene);
    JsonWriter json;
    json.begin_object();
    write_token(json, "PaymentMethod", token);
    if (!kept.mpi_token.empty())
        json.key("ThreeDSecure")
            .begin_object()
            .field("DataType", "Token")
            .field("MpiToken", kept.mpi_token)
            .end_object();
    json.end_object();
    // What is paid with comes behind the rest.
    auto body = payment_of(scene, order, sale);
    body += ',';
    body += json.take().substr(1);
    return sent_as(
        ask_of(scene, step::pay, "POST", std::string(payment_path), std::move(body), core::Repeat::never),
        scene, order);
}

core::Ask ask_pay(const core::Scene& scene, const network_token::NetworkToken& card, bool sale) {
    const std::string order = next_order_id(scene);
    constexpr std::size_t body_bytes = 640;
    std::string body;
    body.reserve(body_bytes);
    body += payment_of(scene, order, sale);
    body += R"(,"PaymentMethod":{"PaymentType":"Card",)";
    add_card(body, card.number, card.expiry);
    body += R"(},"ThreeDSecure":{"DataType":"Manual","SecurityLevelInd":")";
    body += card.level;
    body += card.scheme == card::Scheme::visa ? R"(","CAVV":")" : R"(","UCAF":")";
    body += card.cryptogram.reveal();
    body += R"("}})";
    auto ask = sent_as(
        ask_of(scene, step::pay, "POST", std::string(payment_path), std::move(body), core::Repeat::never),
        scene, order);
    ask.needs_volatile = true;
    return ask;
}

core::Ask ask_capture(const core::Scene& scene, const std::string& payment) {
    // A second one is refused, so it does no harm; but it is looked at before it is asked for again.
    return ask_of(scene, step::capture, "PUT", path_of(payment_path, payment, "/capture"), "",
                  core::Repeat::never);
}

core::Ask ask_cancel(const core::Scene& scene, const std::string& payment, std::string_view name, Kept kept) {
    auto ask = ask_of(scene, name, "PUT", path_of(payment_path, payment, "/cancel"), "", core::Repeat::safe);
    ask.saved = write(kept);
    return ask;
}

core::Ask ask_refund(const core::Scene& scene, const std::string& payment, bool whole) {
    std::string body;
    if (!whole) {
        JsonWriter json;
        json.begin_object().field("PartialAmount", to_wire(scene.amount)).end_object();
        body = json.take();
    }
    return ask_of(scene, step::refund, "PUT", path_of(payment_path, payment, "/refund"), std::move(body),
                  core::Repeat::never);
}

core::Ask ask_disable(const core::Scene& scene, const std::string& token) {
    return ask_of(scene, step::disable, "PUT", path_of(single_path, token, "/disable"), "",
                  core::Repeat::safe);
}

// ---- looks ---------------------------------------------------------------------------------------------
core::Ask look_at_payment(const core::Scene& scene, const std::string& payment, std::string_view name,
                          const Kept& kept) {
    auto ask = ask_of(scene, name, "GET", path_of(payment_path, payment), "", core::Repeat::safe);
    ask.saved = write(kept);
    return ask;
}

core::Ask look_at_token(const core::Scene& scene, const std::string& token) {
    const auto folder = is_single(token) ? single_path : multi_path;
    return ask_of(scene, step::look_token, "GET", path_of(folder, token), "", core::Repeat::safe);
}

core::Ask look_at_event(const core::Scene& scene, const std::string& event, const Kept& kept) {
    auto ask = ask_of(scene, step::look_event, "GET", path_of(event_path, event), "", core::Repeat::safe);
    ask.saved = write(kept);
    return ask;
}

}  // namespace kassi::providers::borgun
