#include "sandbox/simulators/stripe_print.hpp"

#include <algorithm>

namespace kassi::sandbox::stripe {
namespace {

std::int64_t seconds(Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

void text_or_null(JsonWriter& out, std::string_view name, std::string_view value) {
    out.key(name);
    if (value.empty())
        out.null();
    else
        out.string(value);
}

void json_or_null(JsonWriter& out, std::string_view name, std::string_view json) {
    out.key(name);
    if (json.empty())
        out.null();
    else
        out.raw(json);
}

void time_or_null(JsonWriter& out, std::string_view name, const std::optional<Instant>& at) {
    out.key(name);
    if (at)
        out.integer(seconds(*at));
    else
        out.null();
}

void nulls(JsonWriter& out, std::initializer_list<std::string_view> names) {
    for (const auto name : names) out.key(name).null();
}

void print_metadata(JsonWriter& out, const Metadata& metadata) {
    out.key("metadata").begin_object();
    for (const auto& [key, value] : metadata) out.field(key, value);
    out.end_object();
}

template <class T>
void head(JsonWriter& out, const T& object, std::string_view kind) {
    out.begin_object()
        .field("id", object.id)
        .field("object", kind)
        .field("created", seconds(object.created))
        .field("livemode", false);
}

/// The id, or the object when it was asked for.
template <class T>
void link(JsonWriter& out, std::string_view name, const Shelf<T>& shelf, const std::string& id,
          const View& view) {
    const T* object = id.empty() || !view.expand.has(name) ? nullptr : shelf.find(id);
    if (object == nullptr) return text_or_null(out, name, id);
    out.key(name);
    print(out, *object, view.below(name));
}

void card_facts(JsonWriter& out, const Card& card) {
    const TestCard& facts = card.facts();
    out.field("brand", facts.brand)
        .field("country", "US")
        .field("exp_month", card.exp_month)
        .field("exp_year", card.exp_year)
        .field("fingerprint", card.fingerprint())
        .field("funding", facts.funding)
        .field("last4", facts.last4());
}

/// "pass" for what was given; a card that fails it says so also where nothing was.
void checks(JsonWriter& out, const Card& card, std::string_view zip) {
    out.key("address_line1_check").null();
    if (card.facts().zip_fails)
        out.field(zip, "fail");
    else
        text_or_null(out, zip, card.postal_code.empty() ? "" : "pass");
    out.field("cvc_check", card.facts().decline != nullptr && card.facts().decline->code == "incorrect_cvc"
                               ? "fail"
                               : "pass");
}

void billing_details(JsonWriter& out, const Card& card) {
    out.key("billing_details").begin_object();
    out.key("address").begin_object();
    nulls(out, {"city", "country", "line1", "line2", "state"});
    text_or_null(out, "postal_code", card.postal_code);
    out.end_object();
    nulls(out, {"email", "phone", "tax_id"});
    text_or_null(out, "name", card.holder);
    out.end_object();
}

void outcome(JsonWriter& out, const Charge& charge) {
    const TestCard& card = charge.card.facts();
    const bool failed = charge.status == ChargeStatus::failed;
    out.key("outcome").begin_object();
    if (!failed) {
        out.field("network_status", "approved_by_network");
        text_or_null(out, "reason", card.elevated_risk ? "elevated_risk_level" : "");
        out.field("risk_level", card.elevated_risk ? "elevated" : "normal")
            .field("risk_score", card.elevated_risk ? 68 : 20)
            .field("seller_message",
                   card.elevated_risk
                       ? "Stripe evaluated this payment as having elevated risk, and placed it in "
                         "your manual review queue."
                       : "Payment complete.")
            .field("type", card.elevated_risk ? "manual_review" : "authorized");
    } else if (card.blocked) {
        out.field("network_status", card.zip_fails ? "reversed_after_approval" : "not_sent_to_network")
            .field("reason", card.zip_fails ? "rule" : "highest_risk_level")
            .field("risk_level", card.zip_fails ? "normal" : "highest")
            .field("risk_score", card.zip_fails ? 20 : 90)
            .field("seller_message", "Stripe blocked this payment.")
            .field("type", "blocked");
    } else {
        out.field("network_status", "declined_by_network")
            .field("reason", charge.failure_decline.empty() ? charge.failure_code : charge.failure_decline)
            .field("risk_level", "normal")
            .field("risk_score", 20)
            .field("seller_message", "The bank did not return any further details with this decline.")
            .field("type", "issuer_declined");
    }
    out.end_object();
}

void method_details(JsonWriter& out, const Charge& charge) {
    out.key("payment_method_details").begin_object().field("type", "card");
    out.key("card").begin_object();
    card_facts(out, charge.card);
    out.field("amount_authorized", charge.status == ChargeStatus::failed ? 0 : charge.amount);
    text_or_null(out, "authorization_code", charge.status == ChargeStatus::failed ? "" : "123456");
    if (charge.capture_before) out.field("capture_before", seconds(*charge.capture_before));
    out.key("checks").begin_object();
    checks(out, charge.card, "address_postal_code_check");
    out.end_object();
    out.field("network", charge.card.facts().brand);
    text_or_null(out, "network_transaction_id",
                 charge.status == ChargeStatus::failed ? "" : charge.card.fingerprint());
    nulls(out, {"installments", "mandate", "wallet"});
    out.key("three_d_secure");
    if (charge.authenticated)
        out.begin_object()
            .field("authentication_flow", "challenge")
            .field("result", "authenticated")
            .field("version", "2.2.0")
            .end_object();
    else
        out.null();
    out.end_object().end_object();
}

void next_action(JsonWriter& out, const Intent& intent, const View& view) {
    out.key("next_action");
    if (intent.status != IntentStatus::requires_action) {
        out.null();
        return;
    }
    out.begin_object();
    if (intent.return_url.empty() || intent.use_sdk) {
        out.field("type", "use_stripe_sdk").key("use_stripe_sdk").begin_object();
        out.field("type", "three_d_secure_redirect").field("source", intent.source).end_object();
    } else {
        const Fields query{{"merchant", intent.account},
                           {"payment_intent", intent.id},
                           {"payment_intent_client_secret", intent.client_secret},
                           {"source", intent.source}};
        out.field("type", "redirect_to_url").key("redirect_to_url").begin_object();
        out.field("return_url", intent.return_url);
        out.field("url",
                  std::string(view.page_origin) + "/stripe/3d_secure_2/hosted?" + encoding::form(query));
        out.end_object();
    }
    out.end_object();
}

std::string cancellation_reason(const Intent& intent, const Version& version) {
    // The word for a hold that ran out changed with the refund that it no longer makes.
    return intent.cancellation_reason == "expired" && version.release_is_refund()
               ? "automatic"
               : intent.cancellation_reason;
}

}  // namespace

std::optional<Version> read_version(std::string_view text) {
    constexpr std::size_t version_bytes_max = 40;
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() < 10 || text.size() > version_bytes_max) return std::nullopt;
    int date = 0;
    for (std::size_t i = 0; i < 10; ++i) {
        if (i == 4 || i == 7) {
            if (text[i] != '-') return std::nullopt;
            continue;
        }
        if (!digit(i)) return std::nullopt;
        date = date * 10 + (text[i] - '0');
    }
    const auto release = text.substr(10);
    const bool named = release.empty() || (release.front() == '.' && release.size() > 1 &&
                                           std::all_of(release.begin() + 1, release.end(), [](char c) {
                                               return (c >= 'a' && c <= 'z') || c == '_';
                                           }));
    if (!named || date < oldest_version) return std::nullopt;
    return Version{std::string(text), date};
}

void print(JsonWriter& out, const Token& token, const View&) {
    head(out, token, "token");
    out.field("type", "card").field("used", token.used).key("client_ip").null();
    out.key("card").begin_object().field("id", "card_" + token.id.substr(4)).field("object", "card");
    card_facts(out, token.card);
    checks(out, token.card, "address_zip_check");
    text_or_null(out, "address_zip", token.card.postal_code);
    text_or_null(out, "name", token.card.holder);
    nulls(out, {"address_city", "address_country", "address_line1", "address_line2", "address_state",
                "dynamic_last4", "tokenization_method"});
    out.key("metadata").begin_object().end_object().end_object().end_object();
}

void print(JsonWriter& out, const Method& method, const View& view) {
    head(out, method, "payment_method");
    out.field("type", "card").field("allow_redisplay", "unspecified").key("customer").null();
    billing_details(out, method.card);
    out.key("card").begin_object();
    card_facts(out, method.card);
    out.key("checks").begin_object();
    out.key("address_line1_check").null();
    text_or_null(
        out, "address_postal_code_check",
        method.card.facts().zip_fails ? "fail" : (method.card.postal_code.empty() ? "" : "unchecked"));
    out.field("cvc_check", "unchecked").end_object();
    out.key("three_d_secure_usage")
        .begin_object()
        .field("supported", method.card.facts().secure != ThreeDSecure::not_supported)
        .end_object();
    nulls(out, {"generated_from", "wallet"});
    out.end_object();
    if (!view.publishable) print_metadata(out, method.metadata);
    out.end_object();
}

void print(JsonWriter& out, const Intent& intent, const View& view) {
    head(out, intent, "payment_intent");
    out.field("status", word(intent.status))
        .field("amount", intent.amount)
        .field("currency", intent.currency)
        .field("client_secret", intent.client_secret)
        .field("capture_method", intent.capture_method)
        .field("confirmation_method", intent.confirmation_method);
    time_or_null(out, "canceled_at", intent.canceled_at);
    text_or_null(out, "cancellation_reason", cancellation_reason(intent, view.version));
    text_or_null(out, "description", intent.description);
    json_or_null(out, "last_payment_error", intent.last_error);
    next_action(out, intent, view);
    link(out, "payment_method", view.books.methods, intent.method, view);
    out.key("payment_method_types").begin_array().string("card").end_array();
    text_or_null(out, "receipt_email", intent.receipt_email);
    text_or_null(out, "setup_future_usage", intent.future_usage);
    nulls(out, {"automatic_payment_methods", "processing", "shipping"});
    if (view.publishable) {
        out.end_object();
        return;
    }
    out.field("amount_capturable", intent.amount_capturable).field("amount_received", intent.amount_received);
    out.key("amount_details").begin_object().key("tip").begin_object().end_object().end_object();
    link(out, "latest_charge", view.books.charges, intent.latest_charge, view);
    print_metadata(out, intent.metadata);
    out.key("payment_method_options").begin_object().key("card").begin_object();
    nulls(out, {"installments", "mandate_options", "network"});
    out.field("request_three_d_secure", intent.secure_request).end_object().end_object();
    text_or_null(out, "statement_descriptor_suffix", intent.descriptor_suffix);
    nulls(out, {"application", "application_fee_amount", "customer", "on_behalf_of", "review",
                "statement_descriptor", "transfer_data", "transfer_group"});
    out.end_object();
}

void print(JsonWriter& out, const Charge& charge, const View& view) {
    // A hold that is refunded is released, and that is one thing.
    const std::int64_t released = view.version.release_is_refund() ? charge.amount_released : 0;
    const std::int64_t refunded = std::min(charge.amount, charge.amount_refunded + released);
    const bool counts_whole = released > 0 || !charge.captured;
    const std::int64_t whole = counts_whole ? charge.amount : charge.amount_captured;
    head(out, charge, "charge");
    out.field("status", word(charge.status))
        .field("amount", charge.amount)
        .field("amount_captured", charge.amount_captured)
        .field("amount_refunded", refunded)
        .field("refunded", whole > 0 && refunded == whole)
        .field("captured", charge.captured)
        .field("paid", charge.status == ChargeStatus::succeeded)
        .field("disputed", charge.disputed)
        .field("currency", charge.currency);
    text_or_null(out, "balance_transaction", charge.balance);
    text_or_null(out, "description", charge.description);
    text_or_null(out, "failure_code", charge.failure_code);
    text_or_null(out, "failure_message", charge.failure_message);
    link(out, "payment_intent", view.books.intents, charge.intent, view);
    text_or_null(out, "payment_method", charge.method);
    text_or_null(out, "receipt_email", charge.receipt_email);
    text_or_null(out, "statement_descriptor_suffix", charge.descriptor_suffix);
    billing_details(out, charge.card);
    outcome(out, charge);
    method_details(out, charge);
    print_metadata(out, charge.metadata);
    if (view.expand.has("refunds")) {
        out.key("refunds").begin_object().field("object", "list").key("data").begin_array();
        const auto& all = view.books.refunds.all();
        for (auto refund = all.rbegin(); refund != all.rend(); ++refund)
            if (refund->charge == charge.id) print(out, *refund, view.below("refunds").below("data"));
        out.end_array().field("has_more", false).field("url", "/v1/charges/" + charge.id + "/refunds");
        out.end_object();
    }
    nulls(out, {"application", "application_fee", "application_fee_amount", "customer", "on_behalf_of",
                "receipt_number", "receipt_url", "review", "shipping", "source", "statement_descriptor",
                "transfer_data", "transfer_group"});
    out.end_object();
}

void print(JsonWriter& out, const Refund& refund, const View& view) {
    head(out, refund, "refund");
    out.field("status", word(refund.status))
        .field("amount", refund.amount)
        .field("currency", refund.currency);
    link(out, "charge", view.books.charges, refund.charge, view);
    link(out, "payment_intent", view.books.intents, refund.intent, view);
    text_or_null(out, "reason", refund.reason);
    if (!refund.failure_reason.empty()) out.field("failure_reason", refund.failure_reason);
    if (refund.status == RefundStatus::pending) out.field("pending_reason", "processing");
    out.field("balance_transaction", "txn_" + refund.id.substr(3));
    out.key("destination_details").begin_object().field("type", "card").key("card").begin_object();
    out.field("reference_status", "pending").field("reference_type", "acquirer_reference_number");
    out.field("type", "refund").end_object().end_object();
    print_metadata(out, refund.metadata);
    nulls(out, {"receipt_number", "source_transfer_reversal", "transfer_reversal"});
    out.end_object();
}

void print(JsonWriter& out, const Dispute& dispute, const View& view) {
    head(out, dispute, "dispute");
    out.field("status", word(dispute.status))
        .field("amount", dispute.amount)
        .field("currency", dispute.currency)
        .field("reason", dispute.reason);
    link(out, "charge", view.books.charges, dispute.charge, view);
    link(out, "payment_intent", view.books.intents, dispute.intent, view);
    const bool inquiry = dispute.status == DisputeStatus::warning_needs_response ||
                         dispute.status == DisputeStatus::warning_closed;
    out.field("is_charge_refundable", inquiry);
    out.key("evidence_details").begin_object();
    time_or_null(out, "due_by", dispute.closes_at);
    out.field("has_evidence", false).field("past_due", false).field("submission_count", 0).end_object();
    out.key("balance_transactions").begin_array().end_array();
    out.key("metadata").begin_object().end_object().end_object();
}

void print(JsonWriter& out, const Event& event, const View& view) {
    head(out, event, "event");
    out.field("api_version", view.version.text).field("type", event.type);
    out.key("data").begin_object().key("object").raw(event.object);
    if (!event.previous_attributes.empty()) out.key("previous_attributes").raw(event.previous_attributes);
    out.end_object().field("pending_webhooks", event.pending ? 1 : 0);
    out.key("request").begin_object();
    text_or_null(out, "id", event.request);
    text_or_null(out, "idempotency_key", event.key);
    out.end_object().end_object();
}

namespace {

void error_fields(JsonWriter& out, const Refusal& refusal) {
    const auto some = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out.field(name, value);
    };
    some("code", refusal.code);
    some("decline_code", refusal.decline_code);
    some("param", refusal.param);
    some("charge", refusal.charge);
    some("advice_code", refusal.advice_code);
    some("network_decline_code", refusal.network_decline_code);
    if (!refusal.code.empty()) {
        std::string page = refusal.code;
        std::replace(page.begin(), page.end(), '_', '-');
        out.field("doc_url", "https://stripe.com/docs/error-codes/" + page);
    }
    out.field("message", refusal.message);
    if (!refusal.payment_method.empty()) out.key("payment_method").raw(refusal.payment_method);
    out.field("type", refusal.type);
}

}  // namespace

std::string inner_error(const Refusal& refusal) {
    JsonWriter out;
    out.begin_object();
    error_fields(out, refusal);
    out.end_object();
    return out.take();
}

std::string printed(const Refusal& refusal, std::string_view request_id) {
    JsonWriter out;
    out.begin_object().key("error").begin_object();
    error_fields(out, refusal);
    if (!refusal.payment_intent.empty()) out.key("payment_intent").raw(refusal.payment_intent);
    out.field("request_log_url", "https://dashboard.stripe.com/test/logs/" + std::string(request_id));
    out.end_object().end_object();
    return out.take();
}

}  // namespace kassi::sandbox::stripe
