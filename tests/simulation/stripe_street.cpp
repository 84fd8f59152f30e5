#include "tests/simulation/stripe_street.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/stripe_cards.hpp"

namespace kassi::simulation {
namespace {

using core::LegMoney;

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

std::string reference_of(const core::Transaction& transaction, const core::Leg& leg) {
    return transaction.id.text() + "-" + std::to_string(leg.no);
}

}  // namespace

StripeStreet::StripeStreet(Stage& stage, std::uint64_t seed, sandbox::StripeHouse::SendNotice send)
    : stage_(stage),
      randomness_(seed + 2),
      loses_webhooks_(stage.one_in(3) || stage.clock_goes_wrong),
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
        const std::string on = webhook ? "webhook" : stage_.one_of(steps);
        const auto ms = stage_.one_in(3) ? stage_.roll(20'000, 90'000) : stage_.roll(0, 5'000);
        const auto times = stage_.roll(1, 3);
        const bool says = !webhook && stage_.one_in(2), should_retry = stage_.one_in(2);
        if (!stage_.happens(Fault::provider_rule, "stripe: " + on + " " + what)) continue;
        out.begin_object().field("on", on).field("do", what).field("ms", ms).field("times", times);
        if (says) out.field("should_retry", should_retry);
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
    if (fate == 10) return stage_.seen(Fault::never_came);
    HttpRequest page{"GET", url->target + "?" + encoding::form(callout.parameters), {}, "", ""};
    house_.handler()(page, [&](const HttpResponse& response) {
        if (response.status == 404) stage_.broken(Invariant::pages_are_known, page.target);
    });
    const char* act = fate <= 6 ? "complete" : fate == 7 ? "complete_stay" : "fail";
    Fields form = callout.parameters;
    form.emplace_back("act", act);
    HttpRequest pressed{"POST",
                        "/stripe/3d_secure_2/act",
                        {{"Content-Type", "application/x-www-form-urlencoded"}},
                        encoding::form(form),
                        ""};
    const Millis thinks{stage_.roll(1'000, stage_.strikes(Fault::came_late, 8) ? 900'000 : 60'000)};
    stage_.in(thinks, [this, pressed, home] {
        house_.handler()(pressed, [&](const HttpResponse& response) {
            ++stage_.report.authentications;
            const std::string location(response.header("Location"));
            if (!location.empty()) home(location);
        });
    });
    // Pressed twice: the second time the question is over.
    if (stage_.strikes(Fault::two_tabs, 6))
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
    if (answer.status == 200) stage_.seen(Fault::refund_at_the_dashboard);
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
            truth.back += stage_.planted(Bug::refund_booked_twice) ? 2 * minor : minor;
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

// ---- the invariants ------------------------------------------------------------------------------------

std::int64_t StripeStreet::has_of(const core::Transaction& transaction, const core::Leg& leg) {
    const auto& truth = this->truth(reference_of(transaction, leg));
    return truth.kept() + truth.still_held();
}

void StripeStreet::check(const core::Transaction& transaction, const core::Leg& leg) {
    const auto reference = reference_of(transaction, leg);
    const auto& truth = this->truth(reference);
    if (truth.holds > 1) stage_.broken(Invariant::charged_once, "authorised twice: " + reference);
    if (truth.kept() > leg.amount.minor) stage_.broken(Invariant::charged_once, reference);
    if (truth.back > truth.captured + truth.came_home)
        stage_.broken(Invariant::no_more_back_than_taken, reference);
    const bool taken = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    if ((taken && truth.captured != leg.taken_minor) ||
        (leg.money == LegMoney::held && truth.held != leg.taken_minor))
        stage_.broken(Invariant::believed_is_true, reference);
    if (leg.back_minor > truth.back) stage_.broken(Invariant::believed_is_true, "given back: " + reference);
    if (!core::settled(transaction)) return;
    if (truth.still_held() != 0) stage_.broken(Invariant::settled_frees_the_card, reference);
    if (transaction.phase == core::Phase::failed && truth.kept() != 0 && truth.came_home == 0)
        stage_.broken(Invariant::failed_keeps_nothing, "the house keeps money: " + reference);
}

void StripeStreet::check_token(const TransactionId& id, const core::Leg& leg,
                               const core::Credential& credential) {
    if (!all_minted_.contains(credential.value)) return;
    const auto [known, fresh] = spent_.emplace(credential.value, std::pair(id, leg.no));
    if (!fresh && known->second != std::pair(id, leg.no))
        stage_.broken(Invariant::token_spent_once, credential.value);
}

bool StripeStreet::check_end(const core::Transaction& transaction, const core::Leg& leg) {
    const auto reference = reference_of(transaction, leg);
    const auto& truth = this->truth(reference);
    stage_.report.cards_held += truth.holds;
    stage_.report.cards_taken += truth.captured > 0 ? 1 : 0;
    if (truth.expired > 0) stage_.seen(Fault::bank_let_go);
    stage_.report.refunds += truth.back > 0 ? 1 : 0;
    const bool moved = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    const std::int64_t ours = moved ? leg.taken_minor - leg.back_minor : 0;
    const auto look = this->look(truth);
    stage_.report.disputes += look.disputed ? 1 : 0;
    stage_.report.refunds_failed += look.refunds_failed;
    // A refund that failed, or that Stripe refuses since the card's owner has taken the money already.
    const bool explained = !leg.stuck.empty() && (look.disputed || look.refunds_failed > 0);
    // Money that went back and came home: our books keep what was said first, and a person was called.
    const auto more = truth.kept() - ours;
    const bool came_home =
        more > 0 && more <= truth.came_home && (!leg.stuck.empty() || helped_.contains(reference));
    if (explained || came_home) ++stage_.report.left_to_a_person;
    if (!leg.stuck.empty() && !explained)
        stage_.broken(Invariant::person_only_where_needed, reference + ": " + leg.stuck);
    if (truth.kept() != ours && !came_home)
        stage_.broken(Invariant::ledgers_agree,
                      fmt::format("{} theirs {} ours {}", reference, truth.kept(), ours));
    return explained;
}

std::optional<LegMoney> StripeStreet::person(const core::Transaction& transaction, const core::Leg& leg) {
    if (leg.stuck.empty()) return std::nullopt;
    const auto reference = reference_of(transaction, leg);
    const auto& truth = this->truth(reference);
    const auto look = this->look(truth);
    if (look.refunds_pending > 0 || !helped_.insert(reference).second) return std::nullopt;
    const auto fact = truth.captured > 0 && truth.kept() == 0 ? LegMoney::back
                      : truth.captured > 0                    ? LegMoney::taken
                      : truth.still_held() > 0                ? LegMoney::held
                                                              : LegMoney::none;
    ++stage_.report.stuck[leg.stuck];
    stage_.say(fmt::format("Anna looks at {}: {}: it is {}", reference, leg.stuck, core::word(fact)));
    return fact;
}

}  // namespace kassi::simulation
