#include "sandbox/simulators/stripe_money.hpp"
#include "sandbox/simulators/stripe_payments.hpp"

/// Charges, refunds, and what happens to them by itself.
namespace kassi::sandbox::stripe {
namespace {

std::string previously(const Charge& charge) {
    JsonWriter out;
    out.begin_object().field("amount_refunded", charge.amount_refunded).end_object();
    return out.take();
}

Refusal declined(const Decline& decline, const std::string& charge) {
    Refusal refusal =
        refused(std::string(decline.code), std::string(decline.param), std::string(decline.message));
    refusal.status = 402;
    refusal.type = "card_error";
    refusal.decline_code = decline.decline_code;
    refusal.advice_code = decline.advice_code;
    refusal.network_decline_code = decline.network_decline_code;
    refusal.charge = charge;
    return refusal;
}

constexpr Decline needs_authentication{"authentication_required",
                                       "authentication_required",
                                       "",
                                       "Your card was declined. This transaction requires authentication.",
                                       "",
                                       ""};

std::int64_t refundable(const Charge& charge) {
    return (charge.captured ? charge.amount_captured : charge.amount) - charge.amount_refunded;
}

}  // namespace

// ---- money -----------------------------------------------------------------------------------------------

void Payments::hold(Charge& charge) {
    charge.capture_before = books_.now() + hold_life;
    wait(*charge.capture_before, Due::hold_ends, charge.id);
    books_.enter(charge, "held", charge.amount);
}

/// Of what was held the rest goes back.
void Payments::take(Charge& charge, std::int64_t amount) {
    const bool was_held = charge.capture_before.has_value();
    charge.captured = true;
    charge.amount_captured = amount;
    books_.enter(charge, "taken", amount);
    if (was_held) {
        charge.amount_released = charge.amount - amount;
        books_.enter(charge, "hold_gone", charge.amount_released);
    }
    books_.charges.touch(charge);
}

void Payments::release(Charge& charge) {
    charge.amount_released = charge.amount;
    books_.enter(charge, "hold_gone", charge.amount);
    books_.charges.touch(charge);
}

// ---- charges ---------------------------------------------------------------------------------------------

Answer Payments::create_charge(Call& call) {
    begin(call);
    Form& form = call.form;
    form.needed("amount");
    const std::int64_t amount = form.integer("amount").value_or(0);
    std::string currency = form.needed("currency");
    const std::string source = form.needed("source");
    const bool capture = form.flag("capture", true);
    const auto description = form.text_or("description", "");
    const auto email = form.text_or("receipt_email", "");
    const auto suffix = form.text_or("statement_descriptor_suffix", form.text_or("statement_descriptor", ""));
    form.ignore({"shipping", "transfer_group"});
    Metadata metadata;
    if (const auto change = form.metadata())
        if (auto wrong = merge(metadata, *change)) form.refuse(std::move(*wrong));
    call.expand = form.expand({"refunds", "payment_intent"});
    if (!form.wrong())
        if (auto wrong = check_currency(currency)) form.refuse(std::move(*wrong));
    if (!form.wrong())
        if (auto wrong = check_amount(amount, currency)) form.refuse(std::move(*wrong));
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);

    auto used = use_token(source, call.account);
    if (auto* wrong = std::get_if<Refusal>(&used)) {
        if (wrong->status == 404) wrong->param = "source";
        return refuse(std::move(*wrong), call);
    }
    Charge& charge = new_charge(call.account, std::get<Card>(std::move(used)), amount, currency);
    charge.description = description;
    charge.receipt_email = email;
    charge.descriptor_suffix = suffix;
    charge.metadata = std::move(metadata);
    const TestCard& card = charge.card.facts();
    const bool asks = card.secure == ThreeDSecure::required || card.secure == ThreeDSecure::set_up;
    const Decline* decline = asks ? &needs_authentication : card.decline;
    if (decline != nullptr) {
        charge.status = ChargeStatus::failed;
        charge.failure_code = decline->code;
        charge.failure_decline = decline->decline_code;
        charge.failure_message = decline->message;
        emit("charge.failed", charge);
        return refuse(declined(*decline, charge.id), call);
    }
    began(charge, capture, false);
    emit("charge.succeeded", charge);
    return answer(charge, call);
}

Answer Payments::capture_charge(Call& call, const std::string& id) {
    begin(call);
    Charge* charge = books_.charges.find(id, call.account);
    if (charge == nullptr) return refuse(missing("charge", id, "id"), call);
    Form& form = call.form;
    const auto amount = form.integer("amount");
    form.ignore({"receipt_email", "statement_descriptor", "statement_descriptor_suffix"});
    call.expand = form.expand({"refunds", "payment_intent"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (!charge->intent.empty())
        return refuse(refused("", "", "This charge belongs to a PaymentIntent: capture that."), call);
    if (charge->captured)
        return refuse(refused("charge_already_captured", "", "Charge " + id + " has already been captured."),
                      call);
    if (charge->status == ChargeStatus::failed)
        return refuse(refused("", "", "Charge " + id + " failed: there is nothing to capture."), call);
    if (charge->amount_released > 0)
        return refuse(refused("charge_expired_for_capture", "", "The hold of charge " + id + " is over."),
                      call);
    if (amount && *amount <= 0)
        return refuse(wrong_parameter("parameter_invalid_integer", "amount",
                                      "This value must be greater than or equal to 1."),
                      call);
    if (amount && *amount > charge->amount)
        return refuse(
            refused("amount_too_large", "amount", "More than the authorized amount cannot be captured."),
            call);
    if (amount)
        if (auto wrong = check_step(*amount, charge->currency, "amount"))
            return refuse(std::move(*wrong), call);
    take(*charge, amount.value_or(charge->amount));
    charge->balance = books_.fresh_id("txn_");
    emit("charge.captured", *charge);
    return answer(*charge, call);
}

Answer Payments::update_charge(Call& call, const std::string& id) {
    begin(call);
    const Charge* known = books_.charges.find(id, call.account);
    if (known == nullptr) return refuse(missing("charge", id, "id"), call);
    Form& form = call.form;
    Charge changed = *known;
    if (form.has("description")) changed.description = form.text_or("description", "");
    if (form.has("receipt_email")) changed.receipt_email = form.text_or("receipt_email", "");
    if (const auto change = form.metadata())
        if (auto wrong = merge(changed.metadata, *change)) form.refuse(std::move(*wrong));
    form.ignore({"shipping", "transfer_group", "fraud_details"});
    call.expand = form.expand({"refunds", "payment_intent"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    const Charge& kept = books_.charges.put(std::move(changed));
    books_.charges.touch(kept);
    emit("charge.updated", kept);
    return answer(kept, call);
}

// ---- refunds ---------------------------------------------------------------------------------------------

std::variant<Charge*, Refusal> Payments::charge_to_refund(Call& call) {
    Form& form = call.form;
    const auto charge_id = form.text("charge");
    const auto intent_id = form.text("payment_intent");
    if (charge_id && intent_id)
        return wrong_parameter("parameters_exclusive", "charge",
                               "You may only specify one of charge and payment_intent.");
    if (charge_id) {
        Charge* charge = books_.charges.find(*charge_id, call.account);
        if (charge == nullptr) return missing("charge", *charge_id, "charge");
        return charge;
    }
    if (!intent_id)
        return wrong_parameter(
            "parameter_missing", "charge",
            "One of the following params should be provided for this request: payment_intent or "
            "charge.");
    const Intent* intent = books_.intents.find(*intent_id, call.account);
    if (intent == nullptr) return missing("payment_intent", *intent_id, "payment_intent");
    Charge* charge = books_.charges.find(intent->latest_charge);
    if (charge == nullptr || !charge->captured)
        return refused(
            "", "payment_intent",
            "This PaymentIntent (" + *intent_id + ") does not have a successful charge to refund.");
    return charge;
}

Answer Payments::create_refund(Call& call) {
    begin(call);
    Form& form = call.form;
    auto found = charge_to_refund(call);
    const auto amount = form.integer("amount");
    const auto reason = form.one_of("reason", "", {"duplicate", "fraudulent", "requested_by_customer"});
    form.ignore({"instructions_email", "reverse_transfer", "refund_application_fee"});
    Metadata metadata;
    if (const auto change = form.metadata())
        if (auto wrong = merge(metadata, *change)) form.refuse(std::move(*wrong));
    call.expand = form.expand({"charge", "payment_intent"});
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    if (auto* wrong = std::get_if<Refusal>(&found)) return refuse(std::move(*wrong), call);
    Charge& charge = *std::get<Charge*>(found);

    if (charge.status == ChargeStatus::failed || (!charge.captured && charge.amount_released > 0))
        return refuse(refused("", "charge", "Charge " + charge.id + " moved no money that could go back."),
                      call);
    if (charge.disputed && charge.card.facts().inquiry == false)
        return refuse(refused("charge_disputed", "",
                              "Charge " + charge.id +
                                  " has been charged back; a refund cannot "
                                  "be issued."),
                      call);
    if (refundable(charge) == 0)
        return refuse(
            refused("charge_already_refunded", "", "Charge " + charge.id + " has already been refunded."),
            call);
    if (amount && *amount <= 0)
        return refuse(wrong_parameter("parameter_invalid_integer", "amount",
                                      "This value must be greater than or equal to 1."),
                      call);
    const std::int64_t minor = amount.value_or(refundable(charge));
    if (minor > refundable(charge) || (!charge.captured && minor != charge.amount))
        return refuse(refused("", "amount",
                              "Refund amount (" + std::to_string(minor) + " " + charge.currency +
                                  ") is greater than unrefunded amount on charge (" +
                                  std::to_string(refundable(charge)) + " " + charge.currency + ")"),
                      call);
    if (auto wrong = check_step(minor, charge.currency, "amount")) return refuse(std::move(*wrong), call);
    return refund(call, charge, minor, reason, std::move(metadata));
}

/// Of a charge that is only held the refund is the release of the hold, and moves no money.
Answer Payments::refund(Call& call, Charge& charge, std::int64_t amount, std::string reason,
                        Metadata metadata) {
    Refund refund;
    refund.id = books_.fresh_id("re_");
    refund.account = call.account;
    refund.created = books_.now();
    refund.amount = amount;
    refund.currency = charge.currency;
    refund.charge = charge.id;
    refund.intent = charge.intent;
    refund.reason = std::move(reason);
    refund.metadata = std::move(metadata);
    const Refunding how = charge.captured ? charge.card.facts().refunding : Refunding::succeeds;
    if (how == Refunding::pending_first || how == Refunding::pending_then_fails)
        refund.status = RefundStatus::pending;
    if (how != Refunding::succeeds) {
        refund.turns_at = books_.now() + refund_turns_after;
        wait(*refund.turns_at, Due::refund_turns, refund.id);
    }
    const std::string before = previously(charge);
    charge.amount_refunded += amount;
    if (!charge.captured)
        release(charge);
    else if (refund.status == RefundStatus::succeeded)
        books_.enter(charge, "given_back", amount);
    books_.charges.touch(charge);
    Refund& kept = books_.refunds.put(std::move(refund));
    books_.refunds.touch(kept);
    emit("refund.created", kept);
    emit("charge.refunded", charge, before);
    return answer(kept, call);
}

Answer Payments::update_refund(Call& call, const std::string& id) {
    begin(call);
    const Refund* known = books_.refunds.find(id, call.account);
    if (known == nullptr) return refuse(missing("refund", id, "id"), call);
    Refund changed = *known;
    if (const auto change = call.form.metadata())
        if (auto wrong = merge(changed.metadata, *change)) call.form.refuse(std::move(*wrong));
    call.expand = call.form.expand({"charge", "payment_intent"});
    if (const auto& wrong = call.form.finish()) return refuse(*wrong, call);
    const Refund& kept = books_.refunds.put(std::move(changed));
    books_.refunds.touch(kept);
    emit("refund.updated", kept);
    return answer(kept, call);
}

// ---- the clock -------------------------------------------------------------------------------------------

void Payments::do_due() {
    cause_ = {};
    while (!due_.empty() && due_.begin()->first <= books_.now()) {
        const auto [what, id] = due_.begin()->second;
        due_.erase(due_.begin());
        switch (what) {
            case Due::hold_ends:
                hold_ended(*books_.charges.find(id));
                break;
            case Due::settles:
                settle(*books_.charges.find(id));
                break;
            case Due::dispute_opens:
                open_dispute(*books_.charges.find(id));
                break;
            case Due::dispute_closes:
                close_dispute(*books_.disputes.find(id));
                break;
            case Due::refund_turns:
                turn_refund(*books_.refunds.find(id));
                break;
        }
    }
}

std::optional<Instant> Payments::next_due() const {
    return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

void Payments::remember_due() {
    due_.clear();
    for (const Charge& charge : books_.charges.all()) {
        if (charge.capture_before) wait(*charge.capture_before, Due::hold_ends, charge.id);
        if (charge.settles_at) wait(*charge.settles_at, Due::settles, charge.id);
        if (charge.dispute_at) wait(*charge.dispute_at, Due::dispute_opens, charge.id);
    }
    for (const Refund& refund : books_.refunds.all())
        if (refund.turns_at) wait(*refund.turns_at, Due::refund_turns, refund.id);
    for (const Dispute& dispute : books_.disputes.all())
        if (dispute.closes_at) wait(*dispute.closes_at, Due::dispute_closes, dispute.id);
}

void Payments::hold_ended(Charge& charge) {
    if (charge.captured || charge.amount_released > 0) return;
    release(charge);
    emit("charge.expired", charge);
    Intent* intent = books_.intents.find(charge.intent);
    if (intent == nullptr) return;
    intent->status = IntentStatus::canceled;
    intent->cancellation_reason = "expired";
    intent->canceled_at = books_.now();
    intent->amount_capturable = 0;
    intent->hold_until.reset();
    books_.intents.touch(*intent);
    emit("payment_intent.canceled", *intent);
}

void Payments::settle(Charge& charge) {
    charge.settles_at.reset();
    charge.balance = books_.fresh_id("txn_");
    books_.charges.touch(charge);
    emit("charge.updated", charge, R"({"balance_transaction":null})");
}

void Payments::open_dispute(Charge& charge) {
    charge.dispute_at.reset();
    books_.charges.touch(charge);
    // Nobody disputes what was given back, or never taken.
    if (!charge.captured || refundable(charge) == 0) return;
    const TestCard& card = charge.card.facts();
    Dispute dispute;
    dispute.id = books_.fresh_id("du_");
    dispute.account = charge.account;
    dispute.created = books_.now();
    dispute.status = card.inquiry ? DisputeStatus::warning_needs_response : DisputeStatus::needs_response;
    dispute.amount = refundable(charge);
    dispute.currency = charge.currency;
    dispute.charge = charge.id;
    dispute.intent = charge.intent;
    dispute.reason = card.dispute;
    dispute.closes_at = books_.now() + dispute_closes_after;
    wait(*dispute.closes_at, Due::dispute_closes, dispute.id);
    charge.disputed = true;
    charge.dispute = dispute.id;
    Dispute& kept = books_.disputes.put(std::move(dispute));
    books_.disputes.touch(kept);
    emit("charge.dispute.created", kept);
    if (!card.inquiry) emit("charge.dispute.funds_withdrawn", kept);
}

/// Nobody answers for the merchant here: an inquiry ends, a dispute is lost.
void Payments::close_dispute(Dispute& dispute) {
    dispute.closes_at.reset();
    dispute.status = dispute.status == DisputeStatus::warning_needs_response ? DisputeStatus::warning_closed
                                                                             : DisputeStatus::lost;
    books_.disputes.touch(dispute);
    emit("charge.dispute.closed", dispute);
}

/// A pending one succeeds or fails; one that had succeeded fails, and the merchant has the money again.
void Payments::turn_refund(Refund& refund) {
    refund.turns_at.reset();
    books_.refunds.touch(refund);
    Charge& charge = *books_.charges.find(refund.charge);
    if (charge.card.facts().refunding == Refunding::pending_first) {
        refund.status = RefundStatus::succeeded;
        books_.enter(charge, "given_back", refund.amount);
        emit("refund.updated", refund, R"({"status":"pending"})");
        return;
    }
    if (refund.status == RefundStatus::succeeded) books_.enter(charge, "taken", refund.amount);
    refund.status = RefundStatus::failed;
    refund.failure_reason = "expired_or_canceled_card";
    charge.amount_refunded -= refund.amount;
    books_.charges.touch(charge);
    emit("refund.failed", refund);
    emit("charge.refund.updated", refund);
}

}  // namespace kassi::sandbox::stripe
