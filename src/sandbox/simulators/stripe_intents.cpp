#include <algorithm>

#include "base/crypto.hpp"
#include "base/http_message.hpp"
#include "sandbox/simulators/stripe_money.hpp"
#include "sandbox/simulators/stripe_payments.hpp"

/// Tokens, payment methods and payment intents.
namespace kassi::sandbox::stripe {
namespace {

/// What was made for a card has a digit first, as at Stripe's; "tok_visa" and its like have a letter.
constexpr std::string_view made_method = "pm_1", made_token = "tok_1";
constexpr std::size_t made_characters = 23;

std::string status_text(const Intent& intent) {
    return std::string(word(intent.status));
}

/// Of an intent that was not confirmed yet, or whose last try failed.
bool can_be_confirmed(const Intent& intent) {
    switch (intent.status) {
        case IntentStatus::requires_payment_method:
        case IntentStatus::requires_confirmation:
        case IntentStatus::requires_action:
            return true;
        case IntentStatus::requires_capture:
        case IntentStatus::succeeded:
        case IntentStatus::canceled:
            return false;
    }
    return false;
}

void read_descriptor(Form& form, Intent& intent) {
    constexpr std::size_t suffix_characters_max = 22;
    if (form.text("statement_descriptor"))
        form.refuse(
            wrong_parameter("", "statement_descriptor",
                            "The statement_descriptor parameter is not supported for card payments; use "
                            "statement_descriptor_suffix."));
    if (auto suffix = form.text("statement_descriptor_suffix")) {
        if (suffix->size() > suffix_characters_max || suffix->find_first_of("<>\\'\"*") != suffix->npos)
            form.refuse(wrong_parameter("", "statement_descriptor_suffix",
                                        "It has at most 22 characters and none of < > \\ ' \" *"));
        intent.descriptor_suffix = std::move(*suffix);
    }
}

/// What create and update have in common.
void read_words(Form& form, Intent& intent) {
    if (form.has("description")) intent.description = form.text_or("description", "");
    if (form.has("receipt_email")) intent.receipt_email = form.text_or("receipt_email", "");
    if (form.has("setup_future_usage"))
        intent.future_usage = form.one_of("setup_future_usage", "", {"on_session", "off_session"});
    read_descriptor(form, intent);
    if (const auto change = form.metadata())
        if (auto wrong = merge(intent.metadata, *change)) form.refuse(std::move(*wrong));
    if (form.text("customer")) form.refuse(missing("customer", form.text_or("customer", ""), "customer"));
    form.ignore({"shipping", "radar_options", "transfer_group", "customer"});
}

}  // namespace

// ---- what is paid with -----------------------------------------------------------------------------------

Answer Payments::refuse(Refusal refusal, const Call& call) const {
    return {refusal.status, printed(refusal, call.request_id), refusal.kept};
}

Answer Payments::refuse(Refusal refusal, const Call& call, const Intent& intent) const {
    refusal.payment_intent = printed(intent, View{books_, call.version, settings_.page_origin});
    return refuse(std::move(refusal), call);
}

Method& Payments::put_method(Card card, const std::string& account, Metadata metadata) {
    Method method;
    method.id = books_.fresh_id(made_method, made_characters);
    method.account = account;
    method.created = books_.now();
    method.card = std::move(card);
    method.metadata = std::move(metadata);
    Method& kept = books_.methods.put(std::move(method));
    books_.methods.touch(kept);
    return kept;
}

/// A well-known token is new each time; one that was minted here is spent by this.
std::variant<Card, Refusal> Payments::use_token(const std::string& token, const std::string& account) {
    if (const TestCard* card = card_by_token(token)) return Card{.name = std::string(card->name)};
    if (const auto known = settings_.accounts.find(account);
        known != settings_.accounts.end() && known->second.extra_tokens.contains(token))
        return Card{};
    Token* found = books_.tokens.find(token, account);
    if (found == nullptr) return missing("token", token, "payment_method_data[card][token]");
    if (found->used)
        return refused("token_already_used", "",
                       "You cannot use a Stripe token more than once: " + token + ".");
    found->used = true;
    books_.tokens.touch(*found);
    return found->card;
}

Answer Payments::create_token(Call& call) {
    begin(call);
    Form& form = call.form;
    if (!call.publishable)
        form.refuse(
            wrong_parameter("", "card[number]",
                            "Sending credit card numbers with a secret key is unsafe, and not done here: "
                            "make the token with the publishable key, or use a test token."));
    const auto card = read_card(form, "card", books_.now());
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    Token token;
    token.id = books_.fresh_id(made_token, made_characters);
    token.account = call.account;
    token.created = books_.now();
    token.card = *card;
    const Token& kept = books_.tokens.put(std::move(token));
    books_.tokens.touch(kept);
    return answer(kept, call);
}

Answer Payments::create_method(Call& call) {
    begin(call);
    Form& form = call.form;
    form.one_of("type", "card", {"card"});
    const auto token = form.text("card[token]");
    std::optional<Card> card;
    if (!token) {
        if (!call.publishable)
            form.refuse(
                wrong_parameter("", "card[number]",
                                "Sending credit card numbers with a secret key is unsafe, and not done "
                                "here: give card[token], or use the publishable key."));
        card = read_card(form, "card", books_.now());
    }
    const auto holder = form.text("billing_details[name]");
    const auto postal_code = form.text("billing_details[address][postal_code]");
    form.ignore(
        {"billing_details", "allow_redisplay", "radar_options", "guid", "muid", "sid", "payment_user_agent"});
    Metadata metadata;
    if (const auto change = form.metadata())
        if (auto wrong = merge(metadata, *change)) form.refuse(std::move(*wrong));
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (token) {
        auto used = use_token(*token, call.account);
        if (auto* wrong = std::get_if<Refusal>(&used)) return refuse(std::move(*wrong), call);
        card = std::get<Card>(std::move(used));
    }
    if (holder) card->holder = *holder;
    if (postal_code) card->postal_code = *postal_code;
    return answer(put_method(std::move(*card), call.account, std::move(metadata)), call);
}

Payments::MethodAsked Payments::read_method(Call& call) {
    Form& form = call.form;
    MethodAsked asked{form.text_or("payment_method", ""),
                      form.text_or("payment_method_data[card][token]", "")};
    const bool by_wallet = form.has_part("payment_method_data[card][network_token]");
    if (by_wallet) asked.wallet = read_network_token(form, books_.now());
    if (form.has_part("payment_method_data")) {
        if (form.needed("payment_method_data[type]") != "card" && !form.wrong())
            form.refuse(wrong_parameter("", "payment_method_data[type]",
                                        "Invalid payment_method_data[type]: must be card"));
        if (form.has("payment_method_data[card][number]"))
            form.refuse(
                wrong_parameter("", "payment_method_data[card][number]",
                                "Sending credit card numbers with a secret key is unsafe, and not done "
                                "here: use a token."));
        else if (asked.token.empty() && !by_wallet)
            form.needed("payment_method_data[card][token]");
        form.ignore({"payment_method_data[billing_details]", "payment_method_data[metadata]",
                     "payment_method_data[allow_redisplay]"});
    }
    const int given = int{!asked.id.empty()} + int{!asked.token.empty()} + int{by_wallet};
    if (given > 1)
        form.refuse(wrong_parameter("parameters_exclusive", "payment_method_data",
                                    "You may only specify one of payment_method and payment_method_data."));
    return asked;
}

Payments::MethodOr Payments::resolve(const MethodAsked& asked, const Call& call) {
    if (asked.wallet) return &put_method(*asked.wallet, call.account);
    if (!asked.token.empty()) {
        auto used = use_token(asked.token, call.account);
        if (auto* wrong = std::get_if<Refusal>(&used)) return std::move(*wrong);
        return &put_method(std::get<Card>(std::move(used)), call.account);
    }
    if (const TestCard* card = card_by_method(asked.id))
        return &put_method(Card{.name = std::string(card->name)}, call.account);
    if (Method* found = books_.methods.find(asked.id, call.account)) return found;
    return missing("PaymentMethod", asked.id, "payment_method");
}

// ---- intents ---------------------------------------------------------------------------------------------

void Payments::read_types(Call& call, Confirming& how) {
    Form& form = call.form;
    const char* name = call.version.allowed_types() ? "allowed_payment_method_types" : "payment_method_types";
    for (const auto& type : form.list(name)) {
        how.types_given = true;
        if (type != "card")
            form.refuse(
                wrong_parameter("payment_method_unactivated", name,
                                "The payment method type provided is not activated here: only card is."));
    }
    if (form.has_part("automatic_payment_methods")) {
        form.flag("automatic_payment_methods[enabled]", true);
        const auto redirects =
            form.one_of("automatic_payment_methods[allow_redirects]", "always", {"always", "never"});
        if (redirects == "never") how.types_given = true;
    }
}

Payments::Confirming Payments::read_confirming(Call& call) {
    Form& form = call.form;
    Confirming how;
    how.off_session = form.text_or("off_session", "") == "one_off" ||
                      form.text_or("off_session", "") == "recurring" || form.flag("off_session", false);
    how.error_on_action = form.flag("error_on_requires_action", false);
    how.return_url = form.text("return_url");
    if (form.has("use_stripe_sdk")) how.use_sdk = form.flag("use_stripe_sdk", false);
    how.secure_request = form.one_of("payment_method_options[card][request_three_d_secure]", "",
                                     {"automatic", "any", "challenge"});
    read_types(call, how);
    if (how.return_url && !parse_url(*how.return_url, "return_url"))
        form.refuse(wrong_parameter("url_invalid", "return_url", "Not a valid URL"));
    if (how.return_url && how.error_on_action)
        form.refuse(wrong_parameter("parameters_exclusive", "return_url",
                                    "return_url makes no sense with error_on_requires_action."));
    return how;
}

/// A card needs none; the methods that redirect, which are on by default since 2023-08-16, do.
std::optional<Refusal> Payments::why_no_return(const Call& call, const Intent& intent,
                                               const Confirming& how) {
    const bool somewhere = how.return_url || !intent.return_url.empty();
    if (!call.version.redirecting_methods() || how.types_given || somewhere ||
        how.use_sdk.value_or(intent.use_sdk) || how.error_on_action || how.off_session)
        return std::nullopt;
    return wrong_parameter(
        "", "return_url",
        "This PaymentIntent accepts payment methods that might redirect the customer off your page, so a "
        "return_url is needed; or give the types, or automatic_payment_methods[allow_redirects]=never.");
}

Answer Payments::create_intent(Call& call) {
    begin(call);
    Form& form = call.form;
    Intent intent;
    intent.account = call.account;
    form.needed("amount");
    intent.amount = form.integer("amount").value_or(0);
    intent.currency = form.needed("currency");
    intent.capture_method =
        form.one_of("capture_method", call.version.captures_async() ? "automatic_async" : "automatic",
                    {"automatic", "automatic_async", "manual"});
    intent.confirmation_method = form.one_of("confirmation_method", "automatic", {"automatic", "manual"});
    read_words(form, intent);
    const auto asked = read_method(call);
    const bool confirms = form.flag("confirm", false);
    if (!confirms)
        for (const char* name : {"return_url", "off_session", "error_on_requires_action"})
            if (form.has(name))
                form.refuse(wrong_parameter("", name, "This parameter may only be used with confirm=true."));
    const auto how = read_confirming(call);
    intent.secure_request = how.secure_request.empty() ? "automatic" : how.secure_request;
    intent.use_sdk = how.use_sdk.value_or(false);
    call.expand = form.expand({"latest_charge.refunds", "payment_method"});
    if (form.wrong() == std::nullopt)
        if (auto wrong = check_currency(intent.currency)) form.refuse(std::move(*wrong));
    if (form.wrong() == std::nullopt)
        if (auto wrong = check_amount(intent.amount, intent.currency)) form.refuse(std::move(*wrong));
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (confirms)
        if (auto wrong = why_no_return(call, intent, how)) return refuse(std::move(*wrong), call);

    Method* method = nullptr;
    if (asked.any()) {
        auto resolved = resolve(asked, call);
        if (auto* wrong = std::get_if<Refusal>(&resolved)) return refuse(std::move(*wrong), call);
        method = std::get<Method*>(resolved);
    }
    if (confirms && method == nullptr)
        return refuse(refused("payment_intent_unexpected_state", "",
                              "You cannot confirm this PaymentIntent because it's missing a payment method."),
                      call);
    intent.id = books_.fresh_id("pi_");
    intent.client_secret = books_.fresh_id(intent.id + "_secret_", 25);
    intent.created = books_.now();
    if (method != nullptr) {
        intent.method = method->id;
        intent.status = IntentStatus::requires_confirmation;
    }
    Intent& kept = books_.intents.put(std::move(intent));
    books_.intents.touch(kept);
    emit("payment_intent.created", kept);
    return confirms ? confirm(call, kept, *method, how) : answer(kept, call);
}

Answer Payments::confirm_intent(Call& call, const std::string& id) {
    begin(call);
    Intent* intent = books_.intents.find(id, call.account);
    if (intent == nullptr) return refuse(missing("payment_intent", id, "intent"), call);
    Form& form = call.form;
    const auto asked = read_method(call);
    const auto how = read_confirming(call);
    call.expand = form.expand({"latest_charge.refunds", "payment_method"});
    form.ignore({"client_secret", "receipt_email", "setup_future_usage", "shipping"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (auto wrong = why_no_return(call, *intent, how)) return refuse(std::move(*wrong), call);
    if (!can_be_confirmed(*intent))
        return refuse(refused("payment_intent_unexpected_state", "",
                              "You cannot confirm this PaymentIntent because it has a status of " +
                                  status_text(*intent) + "."),
                      call, *intent);
    Method* method = books_.methods.find(intent->method, call.account);
    if (asked.any()) {
        auto resolved = resolve(asked, call);
        if (auto* wrong = std::get_if<Refusal>(&resolved)) return refuse(std::move(*wrong), call, *intent);
        method = std::get<Method*>(resolved);
        if (method->id != intent->method) intent->authentication = Authentication::none;
    }
    if (method == nullptr)
        return refuse(
            refused("payment_intent_unexpected_state", "",
                    "You cannot confirm this PaymentIntent because it's missing a payment method. Give "
                    "one with the confirmation, or update the PaymentIntent first."),
            call, *intent);
    return confirm(call, *intent, *method, how);
}

bool Payments::asks_for_authentication(const Intent& intent, const TestCard& card,
                                       const Confirming& how) const {
    const std::string& request = how.secure_request.empty() ? intent.secure_request : how.secure_request;
    const bool wanted = request == "any" || request == "challenge";
    switch (card.secure) {
        case ThreeDSecure::none:
            return wanted && !how.off_session;
        case ThreeDSecure::required:
            return true;
        case ThreeDSecure::set_up:
            return !how.off_session;
        case ThreeDSecure::lookup_fails:
        case ThreeDSecure::not_supported:
            return false;
    }
    return false;
}

Answer Payments::confirm(Call& call, Intent& intent, Method& method, const Confirming& how) {
    books_.intents.touch(intent);
    if (method.used)
        return refuse(
            refused("", "payment_method",
                    "The provided PaymentMethod was used before without being attached to a Customer, and "
                    "may not be used again."),
            call, intent);
    intent.method = method.id;
    if (how.return_url) intent.return_url = *how.return_url;
    if (how.use_sdk) intent.use_sdk = *how.use_sdk;
    if (!how.secure_request.empty()) intent.secure_request = how.secure_request;
    const bool passed = intent.authentication == Authentication::passed;
    if (!passed && asks_for_authentication(intent, method.card.facts(), how)) {
        if (how.off_session || how.error_on_action)
            return refuse(failed(intent, refusal_of(authentication_required), method), call, intent);
        intent.status = IntentStatus::requires_action;
        intent.authentication = Authentication::awaited;
        intent.source = books_.fresh_id("src_");
        intent.last_error.clear();
        emit("payment_intent.requires_action", intent);
        return answer(intent, call);
    }
    if (auto refusal = pay(intent, method, passed)) return refuse(std::move(*refusal), call, intent);
    return answer(intent, call);
}

/// The intent wants another payment method; what it said before stands in last_payment_error.
Refusal Payments::failed(Intent& intent, Refusal refusal, const Method& method) {
    refusal.payment_method = printed(method, event_view());
    intent.status = IntentStatus::requires_payment_method;
    intent.method.clear();
    intent.authentication = Authentication::none;
    intent.last_error = inner_error(refusal);
    books_.intents.touch(intent);
    emit("payment_intent.payment_failed", intent);
    return refusal;
}

Charge& Payments::new_charge(std::string account, Card card, std::int64_t amount, std::string currency) {
    Charge charge;
    charge.id = books_.fresh_id("ch_");
    charge.account = std::move(account);
    charge.created = books_.now();
    charge.card = std::move(card);
    charge.amount = amount;
    charge.currency = std::move(currency);
    Charge& kept = books_.charges.put(std::move(charge));
    books_.charges.touch(kept);
    return kept;
}

/// A charge was approved: held, or taken at once.
void Payments::began(Charge& charge, bool capture, bool async) {
    if (!capture) {
        hold(charge);
    } else {
        take(charge, charge.amount);
        if (async) {
            charge.settles_at = books_.now() + settles_after;
            wait(*charge.settles_at, Due::settles, charge.id);
        } else {
            charge.balance = books_.fresh_id("txn_");
        }
    }
    if (charge.card.facts().dispute.empty()) return;
    charge.dispute_at = books_.now() + dispute_opens_after;
    wait(*charge.dispute_at, Due::dispute_opens, charge.id);
}

std::optional<Refusal> Payments::pay(Intent& intent, Method& method, bool authenticated) {
    Charge& charge = new_charge(intent.account, method.card, intent.amount, intent.currency);
    charge.intent = intent.id;
    charge.method = method.id;
    charge.authenticated = authenticated;
    charge.description = intent.description;
    charge.receipt_email = intent.receipt_email;
    charge.descriptor_suffix = intent.descriptor_suffix;
    charge.metadata = intent.metadata;
    intent.latest_charge = charge.id;
    books_.intents.touch(intent);
    if (const Decline* decline = method.card.facts().decline) {
        charge.status = ChargeStatus::failed;
        charge.failure_code = decline->code;
        charge.failure_decline = decline->decline_code;
        charge.failure_message = decline->message;
        emit("charge.failed", charge);
        Refusal refusal = refusal_of(*decline);
        refusal.charge = charge.id;
        return failed(intent, std::move(refusal), method);
    }
    method.used = true;
    books_.methods.touch(method);
    intent.last_error.clear();
    intent.authentication = Authentication::none;
    const bool capture = intent.capture_method != "manual";
    began(charge, capture, intent.capture_method == "automatic_async");
    if (capture) {
        intent.status = IntentStatus::succeeded;
        intent.amount_received = intent.amount;
    } else {
        intent.status = IntentStatus::requires_capture;
        intent.amount_capturable = intent.amount;
    }
    emit("charge.succeeded", charge);
    emit(capture ? "payment_intent.succeeded" : "payment_intent.amount_capturable_updated", intent);
    return std::nullopt;
}

std::optional<Refusal> Payments::why_no_capture(Intent& intent, std::optional<std::int64_t> amount) const {
    switch (intent.status) {
        case IntentStatus::requires_capture:
            break;
        case IntentStatus::succeeded:
            return refused(
                "payment_intent_unexpected_state", "",
                "The remaining amount on this PaymentIntent could not be captured because the remainder "
                "of the authorized amount has been released.");
        case IntentStatus::requires_payment_method:
        case IntentStatus::requires_confirmation:
        case IntentStatus::requires_action:
        case IntentStatus::canceled:
            return refused("payment_intent_unexpected_state", "",
                           "This PaymentIntent could not be captured because it has a status of " +
                               status_text(intent) +
                               ". Only a PaymentIntent with one of the following statuses may be captured: "
                               "requires_capture.");
    }
    if (!amount) return std::nullopt;
    if (*amount < 0) return wrong_parameter("", "amount_to_capture", "Invalid non-negative integer");
    if (*amount == 0)
        return wrong_parameter("parameter_invalid_integer", "amount",
                               "This value must be greater than or equal to 1.");
    if (*amount > intent.amount_capturable)
        return refused(
            "amount_too_large", "amount_to_capture",
            "The payment could not be captured because the requested capture amount is greater than the "
            "amount you can capture for this charge.");
    return check_step(*amount, intent.currency, "amount_to_capture");
}

Answer Payments::capture_intent(Call& call, const std::string& id) {
    begin(call);
    Intent* intent = books_.intents.find(id, call.account);
    if (intent == nullptr) return refuse(missing("payment_intent", id, "intent"), call);
    Form& form = call.form;
    const auto amount = form.integer("amount_to_capture");
    const auto change = form.metadata();
    if (!form.flag("final_capture", true))
        form.refuse(wrong_parameter("", "final_capture", "Multicapture is not enabled for this account."));
    form.ignore({"statement_descriptor_suffix"});
    call.expand = form.expand({"latest_charge.refunds", "payment_method"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (auto wrong = why_no_capture(*intent, amount)) return refuse(std::move(*wrong), call, *intent);
    if (change)
        if (auto wrong = merge(intent->metadata, *change)) return refuse(std::move(*wrong), call);
    Charge& charge = *books_.charges.find(intent->latest_charge);
    take(charge, amount.value_or(intent->amount_capturable));
    charge.balance = books_.fresh_id("txn_");
    intent->status = IntentStatus::succeeded;
    intent->amount_received = charge.amount_captured;
    intent->amount_capturable = 0;
    books_.intents.touch(*intent);
    emit("charge.captured", charge);
    emit("payment_intent.succeeded", *intent);
    return answer(*intent, call);
}

Answer Payments::cancel_intent(Call& call, const std::string& id) {
    begin(call);
    Intent* intent = books_.intents.find(id, call.account);
    if (intent == nullptr) return refuse(missing("payment_intent", id, "intent"), call);
    Form& form = call.form;
    const auto reason = form.one_of("cancellation_reason", "",
                                    {"duplicate", "fraudulent", "requested_by_customer", "abandoned"});
    call.expand = form.expand({"latest_charge.refunds", "payment_method"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (intent->status == IntentStatus::succeeded || intent->status == IntentStatus::canceled)
        return refuse(
            refused("payment_intent_unexpected_state", "",
                    "You cannot cancel this PaymentIntent because it has a status of " +
                        status_text(*intent) +
                        ". Only a PaymentIntent with one of the following statuses may be canceled: "
                        "requires_payment_method, requires_capture, requires_confirmation, "
                        "requires_action, processing."),
            call, *intent);
    if (intent->status == IntentStatus::requires_capture)
        release(*books_.charges.find(intent->latest_charge));
    intent->status = IntentStatus::canceled;
    intent->cancellation_reason = reason;
    intent->canceled_at = books_.now();
    intent->amount_capturable = 0;
    intent->authentication = Authentication::none;
    books_.intents.touch(*intent);
    emit("payment_intent.canceled", *intent);
    return answer(*intent, call);
}

Answer Payments::update_intent(Call& call, const std::string& id) {
    begin(call);
    const Intent* known = books_.intents.find(id, call.account);
    if (known == nullptr) return refuse(missing("payment_intent", id, "intent"), call);
    Form& form = call.form;
    Intent changed = *known;
    read_words(form, changed);
    const auto asked = read_method(call);
    if (const auto amount = form.integer("amount")) {
        if (auto wrong = check_amount(*amount, changed.currency)) form.refuse(std::move(*wrong));
        changed.amount = *amount;
    }
    Confirming how;
    read_types(call, how);
    call.expand = form.expand({"latest_charge.refunds", "payment_method"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if ((changed.amount != known->amount || asked.any()) && !can_be_confirmed(*known))
        return refuse(
            refused("payment_intent_unexpected_state", asked.any() ? "payment_method" : "amount",
                    "This PaymentIntent's amount could not be updated because it has a status of " +
                        status_text(*known) +
                        ". You may only update the amount of a PaymentIntent with one of the following "
                        "statuses: requires_payment_method, requires_confirmation, requires_action."),
            call, *known);
    if (asked.any()) {
        auto resolved = resolve(asked, call);
        if (auto* wrong = std::get_if<Refusal>(&resolved)) return refuse(std::move(*wrong), call);
        changed.method = std::get<Method*>(resolved)->id;
        changed.status = IntentStatus::requires_confirmation;
        changed.authentication = Authentication::none;
    }
    const Intent& kept = books_.intents.put(std::move(changed));
    books_.intents.touch(kept);
    return answer(kept, call);
}

// ---- the customer's authentication -----------------------------------------------------------------------

Payments::Page Payments::page_of(std::string_view intent, std::string_view client_secret,
                                 std::string_view source) const {
    const Intent* found = books_.intents.find(intent);
    if (found == nullptr || !crypto::equal(found->client_secret, client_secret)) return Page::unknown;
    const bool open = found->status == IntentStatus::requires_action && found->source == source;
    return open ? Page::open : Page::over;
}

void Payments::authenticated(const std::string& id, bool passed) {
    cause_ = {};
    Intent* intent = books_.intents.find(id);
    KASSI_ENSURE(intent != nullptr && intent->status == IntentStatus::requires_action);
    Method& method = *books_.methods.find(intent->method);
    if (!passed) {
        Refusal refusal = refused("payment_intent_authentication_failure", "",
                                  "The provided PaymentMethod has failed authentication.");
        failed(*intent, std::move(refusal), method);
        return;
    }
    intent->authentication = Authentication::passed;
    books_.intents.touch(*intent);
    if (intent->confirmation_method == "manual") {
        intent->status = IntentStatus::requires_confirmation;
        return;
    }
    pay(*intent, method, true);
}

}  // namespace kassi::sandbox::stripe
