#include "tests/simulation/stripe_street.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/stripe_cards.hpp"

namespace kassi::simulation {
namespace {

sandbox::StripeHouse::Options accounts() {
    sandbox::StripeHouse::Options options;
    options.page_origin = StripeStreet::address;
    for (const std::string name : {"stripe", "deaf"}) {
        const bool hears = name == "stripe";
        options.accounts.push_back(
            {.name = name,
             .secret_key = StripeStreet::secret_key(name),
             .publishable_key = StripeStreet::publishable_key(name),
             .webhook_url = hears ? "http://kassi.test/webhooks/stripe/" + name : std::string(),
             .webhook_secrets =
                 hears ? std::vector{StripeStreet::webhook_secret(name)} : std::vector<std::string>{},
             .extra_test_tokens = {},
             .statement_descriptor = {}});
    }
    return options;
}

/// Stripe's own unit of ISK and UGX has two places.
std::int64_t iso_minor(std::int64_t wire, const std::string& currency) {
    return currency == "ISK" || currency == "UGX" ? wire / 100 : wire;
}

}  // namespace

StripeStreet::StripeStreet(Stage& stage, std::uint64_t seed, sandbox::StripeHouse::SendNotice send)
    : stage_(stage),
      randomness_(seed + 2),
      loses_webhooks_(stage.one_in(3)),
      house_(accounts(), stage.clock, randomness_, std::move(send),
             [this](Millis delay, std::function<void()> f) { stage_.in(delay, std::move(f)); }) {}

HttpResponse StripeStreet::ask(const std::string& key, std::string method, std::string path,
                               const Fields& form) const {
    HttpRequest request{std::move(method), std::move(path), {{"Authorization", "Bearer " + key}}, "", ""};
    if (request.method == "POST") {
        request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
        request.body = encoding::form(form);
    } else if (!form.empty()) {
        request.target += "?" + encoding::form(form);
    }
    // A fault may let it come later: nobody waits for it here.
    const auto answer = std::make_shared<HttpResponse>();
    answer->status = 0;
    house_.handler()(request, [answer](HttpResponse response) { *answer = std::move(response); });
    return *answer;
}

// ---- faults --------------------------------------------------------------------------------------------

void StripeStreet::storm() {
    // Customers' browsers and the dashboard are not what is tried here: no fault is for "*" or tokens.
    static constexpr const char* steps[] = {"create", "create",   "capture", "cancel",
                                            "refund", "retrieve", "list"};
    static constexpr const char* of_calls[] = {"dead",        "error_before", "rate_limit", "lock_timeout",
                                               "key_in_use",  "delay_before", "delay",      "drop_answer",
                                               "error_after", "error_kept",   "replayed"};
    static constexpr const char* of_webhooks[] = {"twice", "another_id",  "reorder",         "delay",
                                                  "dead",  "drop_answer", "wrong_signature", "lost"};
    JsonWriter out;
    out.begin_object().key("rules").begin_array();
    const auto rules = stage_.roll(0, 6);
    for (std::int64_t i = 0; i < rules; ++i) {
        const bool webhook = stage_.one_in(3);
        std::string what = webhook ? stage_.one_of(of_webhooks) : stage_.one_of(of_calls);
        if (what == "lost" && !loses_webhooks_) what = "dead";
        out.begin_object().field("on", webhook ? "webhook" : stage_.one_of(steps)).field("do", what);
        out.field("ms", stage_.one_in(3) ? stage_.roll(20'000, 90'000) : stage_.roll(0, 5'000));
        out.field("times", stage_.roll(1, 3));
        if (!webhook && stage_.one_in(2)) out.field("should_retry", stage_.one_in(2));
        out.end_object();
    }
    out.end_array().end_object();
    const auto wrong = house_.set_faults(out.take());
    KASSI_ENSURE(!wrong);
}

void StripeStreet::calm() {
    const auto wrong = house_.set_faults(R"({"rules":[]})");
    KASSI_ENSURE(!wrong);
}

// ---- customers -----------------------------------------------------------------------------------------

const char* StripeStreet::some_card(const std::string& merchant) {
    static constexpr const char* good[] = {"visa", "mastercard_debit", "amex", "unionpay"};
    static constexpr const char* authenticated[] = {"threeDSecure2Required", "authenticationRequired",
                                                    "authenticationRequiredOnSetup",
                                                    "authenticationRequiredSetupForOffSession"};
    static constexpr const char* bad[] = {"chargeDeclined", "chargeDeclinedInsufficientFunds",
                                          "threeDSecureRequiredChargeDeclined",
                                          "threeDSecureRequiredProcessingError", "chargeDeclinedFraudulent"};
    static constexpr const char* odd[] = {"pendingRefund", "pendingRefundFail", "refundFail", "createDispute",
                                          "createDisputeInquiry"};
    const auto kind = stage_.roll(1, 20);
    if (kind <= 8) return stage_.one_of(good);
    if (kind <= 14) return stage_.one_of(authenticated);
    if (kind <= 16) return stage_.one_of(bad);
    const char* card = stage_.one_of(odd);
    // Only a webhook tells that a refund came home again.
    const bool told = merchant == "stripe" && !loses_webhooks_;
    return !told && std::string_view(card) == "refundFail" ? "visa" : card;
}

std::string StripeStreet::mint(const std::string& merchant, const std::string& card) {
    const auto* known = sandbox::stripe::card_named(card);
    KASSI_ENSURE(known != nullptr);
    const bool method = stage_.one_in(5);
    Fields form{{"card[number]", std::string(known->number)}, {"card[exp_month]", "12"}};
    form.emplace_back("card[exp_year]", "2034");
    form.emplace_back("card[cvc]", known->brand == "amex" ? "1234" : "123");
    if (method) form.emplace_back("type", "card");
    const auto answer =
        ask(publishable_key(merchant), "POST", method ? "/v1/payment_methods" : "/v1/tokens", form);
    const auto body = parse_json(answer.body);
    KASSI_ENSURE(answer.status == 200 && body);
    const auto id = body->at("id").get<std::string>();
    minted_[merchant].push_back(id);
    all_minted_.insert(id);
    stage_.say(fmt::format("{} is made of {} for {}", id, card, merchant));
    return id;
}

std::string StripeStreet::token(const std::string& merchant) {
    return mint(merchant, some_card(merchant));
}

core::Credential StripeStreet::credential(const std::string& merchant) {
    const auto kind = stage_.roll(1, 20);
    const auto& before = minted_[merchant];
    std::string value;
    if (kind == 1)
        value = "tok_1NobodyKnowsIt";
    else if (kind == 2)
        value = "4242";
    else if (kind <= 5 && !before.empty())
        value =
            before[static_cast<std::size_t>(stage_.roll(0, static_cast<std::int64_t>(before.size()) - 1))];
    else if (kind <= 8)
        value = std::string(stage_.one_in(2) ? "tok_" : "pm_card_") + some_card(merchant);
    else
        value = token(merchant);
    return {"stripe_token", value};
}

void StripeStreet::at_the_bank(const core::Callout& callout,
                               const std::function<void(const std::string&)>& home) {
    const auto url = parse_url(callout.destination, "destination");
    KASSI_ENSURE(url.has_value());
    const auto fate = stage_.roll(1, 10);
    stage_.say(fmt::format("the bank's page, fate {}", fate));
    if (fate == 10) return;  // walks away
    HttpRequest page{"GET", url->target + "?" + encoding::form(callout.parameters), {}, "", ""};
    house_.handler()(page, [&](const HttpResponse& response) {
        if (response.status == 404) stage_.broken("the bank does not know its own page: " + page.target);
    });
    const char* act = fate <= 6 ? "complete" : fate == 7 ? "complete_stay" : "fail";
    Fields form = callout.parameters;
    form.emplace_back("act", act);
    HttpRequest pressed{"POST",
                        "/stripe/3d_secure_2/act",
                        {{"Content-Type", "application/x-www-form-urlencoded"}},
                        encoding::form(form),
                        ""};
    const Millis thinks{stage_.roll(1'000, stage_.one_in(8) ? 900'000 : 60'000)};
    stage_.in(thinks, [this, pressed, home] {
        house_.handler()(pressed, [&](const HttpResponse& response) {
            ++stage_.report.authentications;
            const std::string location(response.header("Location"));
            if (!location.empty()) home(location);
        });
    });
    // Pressed twice: the second time the question is over.
    if (stage_.one_in(6))
        stage_.in(thinks + Millis{50}, [this, pressed] { house_.handler()(pressed, [](const auto&) {}); });
}

// ---- the merchant's people -----------------------------------------------------------------------------

void StripeStreet::refund_at_the_dashboard() {
    const auto& ledger = house_.ledger();
    std::vector<const sandbox::StripeHouse::Entry*> taken;
    for (const auto& entry : ledger)
        if (entry.kind == "taken" && entry.merchant == "stripe") taken.push_back(&entry);
    if (taken.empty() || loses_webhooks_) return;
    const auto& entry =
        *taken[static_cast<std::size_t>(stage_.roll(0, static_cast<std::int64_t>(taken.size()) - 1))];
    Fields form{{"payment_intent", entry.intent}};
    const std::int64_t step = entry.currency == "ISK" ? 100 : entry.currency == "BHD" ? 10 : 1;
    if (stage_.one_in(2) && entry.minor > step)
        form.emplace_back("amount", std::to_string(stage_.roll(1, entry.minor / step - 1) * step));
    const std::string intent = entry.intent;
    const auto answer = ask(secret_key("stripe"), "POST", "/v1/refunds", form);
    stage_.say(fmt::format("the dashboard refunds {} {}: {}", intent, encoding::form(form), answer.status));
    if (answer.status == 200) ++stage_.report.dashboard_refunds;
}

// ---- the truth -----------------------------------------------------------------------------------------

const StripeStreet::Truth& StripeStreet::truth(const std::string& reference) {
    const auto& ledger = house_.ledger();
    for (; entries_read_ < ledger.size(); ++entries_read_) {
        const auto& entry = ledger[entries_read_];
        Truth& truth = truths_[entry.reference];
        const auto minor = iso_minor(entry.minor, entry.currency);
        truth.merchant = entry.merchant;
        truth.intent = entry.intent;
        if (entry.kind == "held") {
            ++truth.holds;
            truth.held += minor;
            truth.held_at = entry.at;
        } else if (entry.kind == "hold_gone") {
            truth.hold_gone += minor;
            truth.expired += minor > 0 && entry.at - truth.held_at >= std::chrono::hours(24 * 7) ? 1 : 0;
        } else if (entry.kind == "given_back") {
            truth.back += minor;
        } else {
            // A payment is captured once; what the house enters later came home from a refund.
            (truth.captured == 0 ? truth.captured : truth.came_home) += minor;
        }
    }
    return truths_[reference];
}

StripeStreet::Look StripeStreet::look(const Truth& of) const {
    Look look;
    if (of.intent.empty()) return look;
    const auto answer = ask(secret_key(of.merchant), "GET", "/v1/payment_intents/" + of.intent,
                            {{"expand[0]", "latest_charge.refunds"}});
    const auto body = parse_json(answer.body);
    KASSI_ENSURE(answer.status == 200 && body);
    const auto& charge = body->at("latest_charge");
    if (!charge.is_object()) return look;
    look.disputed = charge.at("disputed").get<bool>();
    for (const auto& refund : charge.at("refunds").at("data")) {
        const auto status = refund.at("status").get<std::string>();
        look.refunds_failed += status == "failed" ? 1 : 0;
        look.refunds_pending += status == "pending" ? 1 : 0;
    }
    return look;
}

}  // namespace kassi::simulation
