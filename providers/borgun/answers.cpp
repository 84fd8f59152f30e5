#include "providers/borgun/answers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "providers/borgun/codes.hpp"
#include "providers/borgun/credential.hpp"
#include "providers/borgun/order_id.hpp"
#include "providers/borgun/payment.hpp"
#include "providers/borgun/requests.hpp"
#include "providers/borgun/wire.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/reading.hpp"
#include "providers/reference.hpp"

namespace kassi::providers::borgun {
namespace {

constexpr Millis try_again_later{5'000};
constexpr Millis try_again_latest{3'600'000};
constexpr Millis slower_with_each_call{2'000};
constexpr std::int64_t calls_of_a_bad_hour = 20;  ///< of a leg; after them much slower still
// Days later a person has to look: calls of a leg where each try has two, else tries in a row.
constexpr std::int64_t refund_calls_max = 200, refund_tries_max = 30;

/// The gateway is asked what became of it, never sent the same again.
core::Step unknown(std::string why) {
    return core::Unknown{.why = std::move(why), .look = true};
}

core::Step declined(core::Refusal why, Fields references = {}) {
    return core::Declined{.why = std::move(why), .references = std::move(references)};
}

std::string status_word(int status) {
    return "the provider answered " + std::to_string(status);
}

Class class_of(std::string_view code) {
    const auto* row = action_of(code);
    return row == nullptr ? Class::hard : row->kind;
}

/// Ours, and as it is in this answer; nullopt when the answer says nothing of it.
std::optional<Payment> payment_in(const HttpResponse& response, const core::Scene& scene) {
    const auto object = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    auto payment = object ? read_payment(*object) : std::nullopt;
    if (!payment || !is_our_order(scene, payment->order)) return std::nullopt;
    return payment;
}

// ---- paying --------------------------------------------------------------------------------------------
/// The gateway names no payment: it did nothing, and says which field it does not like. It says the same of
/// a copy that the network made of our request, when the first one was paid: the token knows.
core::Step read_rejected(const HttpResponse& response, const core::Scene& scene) {
    const bool of_proof = wire::complains_of(response, "ThreeDSecure.MpiToken") ||
                          wire::complains_of(response, "MpiToken") ||
                          wire::complains_of(response, "ThreeDSecure.CAVV") ||
                          wire::complains_of(response, "ThreeDSecure.UCAF");
    auto why = refusal_of_rejection(of_proof                                ? "auth_failure"
                                    : wire::complains_of(response, "Token") ? "token_refused"
                                                                            : "");
    const auto token = token_of(scene.credential);
    if (!is_single(token)) return declined(std::move(why));
    auto kept = kept_of(scene);
    kept.rejected = why.code;
    auto look = look_at_token(scene, token);
    look.saved = write(kept);
    look.as = core::Verb::query;
    return look;
}

bool is_plain_decline(const Payment& payment) {
    if (payment.code == "000" || class_of(payment.code) == Class::unknown) return false;
    return payment.state == State::declined ||
           (payment.state == State::error && action_of(payment.code) != nullptr);
}

core::Step read_authorised(int status, const Payment& payment, const core::Scene& scene, bool sale) {
    const Fields references{{std::string(payment_kind), payment.id}};
    const bool approved = wire::is_success(status) && payment.code == "000" &&
                          payment.state == (sale ? State::accepted : State::uncaptured) &&
                          payment.amount == scene.amount;
    if (approved)
        return done_with(payment, sale ? core::LegMoney::taken : core::LegMoney::held,
                         sale ? "taken at once" : "held");
    constexpr int server_errors = 500;
    if (status < server_errors && is_plain_decline(payment))
        return declined(refusal_of_action(payment.code), references);
    auto look = look_at_payment(scene, payment.id, step::look_payment, kept_of(scene));
    look.as = core::Verb::query;
    look.references = references;
    return look;
}

core::Step read_paid(const HttpResponse& response, const core::Scene& scene, bool sale) {
    const auto object = object_of(response.body);
    if (object && !wire::text(*object, "TransactionId").empty()) {
        const auto payment = read_payment(*object);
        if (!payment || !is_our_order(scene, payment->order))
            return unknown("the answer speaks of another payment, or is not understood");
        return read_authorised(response.status, *payment, scene, sale);
    }
    if (response.status == 400 && object) return read_rejected(response, scene);
    if (wire::is_our_fault(response.status))
        return core::NotDone{.why = status_word(response.status), .after = try_again_later};
    return unknown(status_word(response.status) + " to the payment");
}

// ---- capture, cancel, refund ---------------------------------------------------------------------------
struct Acted {
    std::optional<core::Step> step;  ///< what it means, if reading it back would tell nothing more
    Kept kept;
};

/// The gateway is busy, or out of order: what it did is read back, and it is asked again more and more
/// slowly.
bool is_in_trouble(int status) {
    constexpr int server_errors = 500;
    return status == 408 || status == 429 || status >= server_errors;
}

/// 2xx with a code, 400, or trouble: what the answer says goes along with the reading back.
Acted read_acted(const HttpResponse& response, const core::Scene& scene) {
    Acted acted{std::nullopt, kept_of(scene)};
    acted.kept.action_status = response.status;
    acted.kept.action_code.clear();
    acted.kept.refund_id.clear();
    if (response.status == 401 || response.status == 403) {
        acted.step = core::NotDone{.why = status_word(response.status), .after = try_again_later};
        return acted;
    }
    const auto object = object_of(response.body);
    if ((response.status == 400 && object) || is_in_trouble(response.status)) return acted;
    const auto action = wire::is_success(response.status) && object
                            ? read_action(*object, known_payment(scene))
                            : std::nullopt;
    if (!action) {
        acted.step = unknown(status_word(response.status) + ", and what it did is not understood");
        return acted;
    }
    acted.kept.action_code = action->code;
    acted.kept.refund_id = action->refund_id;
    return acted;
}

core::Step read_back(const HttpResponse& response, const core::Scene& scene, std::string_view name) {
    auto acted = read_acted(response, scene);
    if (acted.step) return std::move(*acted.step);
    return look_at_payment(scene, known_payment(scene), name, acted.kept);
}

core::Step read_refund(const HttpResponse& response, const core::Scene& scene) {
    auto acted = read_acted(response, scene);
    if (acted.step) return std::move(*acted.step);
    const Kept& kept = acted.kept;
    const bool whole = scene.leg.back_minor == 0 && scene.amount.minor == scene.leg.taken_minor;
    // A second refund of the whole is refused: perhaps the first was never heard of. A part is not begun
    // again by anybody.
    if (kept.action_code.empty() && !whole)
        return is_in_trouble(kept.action_status)
                   ? unknown(status_word(kept.action_status) + " to the refund")
                   : declined({"refund_refused", "The provider refused the refund."});
    const auto kind = kept.action_code.empty() ? Class::ok : class_of(kept.action_code);
    switch (kind) {
        case Class::ok:
            if (whole) return look_at_payment(scene, known_payment(scene), step::read_back, kept);
            if (kept.refund_id.empty()) return unknown("the refund has no id");
            return look_at_payment(scene, kept.refund_id, step::read_refund, kept);
        case Class::transient:
            if (scene.leg.not_done >= refund_tries_max) break;
            return core::NotDone{.why = "the refund was answered with " + kept.action_code,
                                 .after = try_again_later};
        case Class::unknown:
            // The whole can be seen in the payment, and goes back once however often it is asked for.
            if (whole) return look_at_payment(scene, known_payment(scene), step::read_back, kept);
            return unknown("the refund was answered with " + kept.action_code);
        case Class::soft:
        case Class::hard:
        case Class::config:
        case Class::authentication:
            break;
    }
    return declined({"refund_refused", "The refund was refused with " + kept.action_code + "."});
}

/// Of what was answered to the action that is read back.
Class class_of_action(const Kept& kept) {
    if (!kept.action_code.empty()) return class_of(kept.action_code);
    return is_in_trouble(kept.action_status) ? Class::transient : Class::hard;
}

/// Core counts in a row only what ends with its first call; here each try has two or more.
Millis pause_of(const core::Scene& scene) {
    const auto calls = scene.leg.calls;
    const auto slower = std::max<std::int64_t>(1, calls / calls_of_a_bad_hour);
    return std::clamp(slower_with_each_call * calls * slower, try_again_later, try_again_latest);
}

core::Step again_later(const core::Scene& scene, const Kept& kept, std::string_view what) {
    const auto said = kept.action_code.empty() ? std::to_string(kept.action_status) : kept.action_code;
    return core::NotDone{.why = std::string(what) + " was answered with " + said, .after = pause_of(scene)};
}

/// A hold that cannot be captured is let go at once: nobody shall wait for it to run out.
core::Step let_go(const Payment& payment, const core::Scene& scene, Kept kept) {
    switch (class_of_action(kept)) {
        case Class::transient:
        case Class::unknown:  // the host did not answer, and the hold is as it was
            return again_later(scene, kept, "the capture");
        case Class::ok:
            return unknown("the payment was captured and says otherwise");
        case Class::soft:
        case Class::hard:
        case Class::config:
        case Class::authentication:
            break;
    }
    return ask_cancel(scene, payment.id, step::release, std::move(kept));
}

core::Step captured_back(const Payment& payment, const core::Scene& scene, bool released) {
    switch (payment.state) {
        case State::accepted:
        case State::captured:
            return done_with(payment, core::LegMoney::taken, "captured");
        case State::refunded:
            return done_with(payment, core::LegMoney::back, "captured, and given back");
        case State::cancelled: {
            core::Refusal why{"hold_gone", "The held amount is no longer available."};
            const auto code = kept_of(scene).action_code;
            if (released && !code.empty()) why = refusal_of_action(code);
            return declined(std::move(why));
        }
        case State::uncaptured:
            if (released)
                return core::NotDone{.why = "the hold can neither be captured nor let go",
                                     .after = pause_of(scene)};
            return let_go(payment, scene, kept_of(scene));
        case State::declined:
        case State::error:
            break;
    }
    return unknown("the payment was captured and says otherwise");
}

core::Refusal not_cancelled(const std::string& why) {
    return {"not_cancelled", "The payment could not be cancelled: " + why + "."};
}

core::Step voided_back(const Payment& payment, const core::Scene& scene) {
    const auto kept = kept_of(scene);
    switch (payment.state) {
        case State::cancelled:
            return done_with(payment, core::LegMoney::none, "cancelled");
        case State::accepted:
        case State::captured:
        case State::refunded:
            return declined({"already_paid", "The payment was taken before it could be cancelled."});
        case State::uncaptured: {
            const auto kind = class_of_action(kept);
            if (kind == Class::transient || kind == Class::unknown)
                return again_later(scene, kept, "the cancel");
            if (kind == Class::ok) break;
            return declined(not_cancelled(kept.action_code.empty() ? "refused" : kept.action_code),
                            {{std::string(not_cancelled_kind), payment.id}});
        }
        case State::declined:
        case State::error:
            break;
    }
    return unknown("the payment was cancelled and says otherwise");
}

core::Step refunded_back(const Payment& payment, const core::Scene& scene) {
    if (payment.state == State::refunded) return done_with(payment, core::LegMoney::back, "given back");
    const auto kept = kept_of(scene);
    const auto kind = class_of_action(kept);
    if (kind == Class::transient || kind == Class::unknown) {
        if (scene.leg.calls < refund_calls_max) return again_later(scene, kept, "the refund");
        return declined({"refund_refused", "The refund could not be made for days."});
    }
    if (!kept.action_code.empty()) return unknown("the payment was refunded and says otherwise");
    return declined({"refund_refused", "The provider refused the refund."});
}

/// The state of the payment after something was done to it.
core::Step read_after(const HttpResponse& response, const core::Scene& scene, bool released) {
    const auto payment = payment_in(response, scene);
    if (!payment || payment->id != known_payment(scene))
        return unknown(status_word(response.status) + " where the payment was read back");
    const Money asked{scene.leg.taken_minor, scene.leg.amount.currency};
    if (payment->amount != asked) return unknown("the payment was read back with another amount");
    switch (scene.verb) {
        case core::Verb::capture:
            return captured_back(*payment, scene, released);
        case core::Verb::void_hold:
            return voided_back(*payment, scene);
        case core::Verb::refund:
            return refunded_back(*payment, scene);
        case core::Verb::open:
        case core::Verb::authorise:
        case core::Verb::charge:
        case core::Verb::query:
        case core::Verb::close:
            break;
    }
    return unknown("nothing of the kind was asked");
}

core::Step read_part_refunded(const HttpResponse& response, const core::Scene& scene) {
    const auto refund = payment_in(response, scene);
    if (!refund || refund->id != kept_of(scene).refund_id || refund->amount != scene.amount)
        return unknown("the refund was made and says otherwise");
    core::Done done = done_with(*refund, core::LegMoney::back, "given back");
    done.references = {{std::string(refund_kind), refund->id}};
    return done;
}

}  // namespace

core::Step begin_pay(const core::Scene& scene, const Merchant& merchant, bool sale) {
    if (wallet::is_ours(scene.credential)) {
        const auto card = wallet::card_of(scene.credential, merchant, scene.now);
        if (!card) return declined({"token_refused", "The wallet's token is not understood."});
        return ask_pay(scene, *card, sale);
    }
    // What lives in memory only went with a process, or with a try that never was sent.
    if (scene.leg.credential == network_token::credential_kind) return declined(interrupted());
    const auto token = token_of(scene.credential);
    if (token.empty()) return declined({"token_refused", "The card's token is not there."});
    return ask_pay(scene, token, sale);
}

core::Step begin_capture(const core::Scene& scene) {
    const auto payment = known_payment(scene);
    if (payment.empty()) return unknown("the payment's id at the gateway is not known");
    return ask_capture(scene, payment);
}

core::Step begin_void(const core::Scene& scene) {
    const auto payment = known_payment(scene);
    if (payment.empty()) return unknown("the payment's id at the gateway is not known");
    // Refused, and held all the same when it was looked at: asked once more it would be refused for ever.
    const bool refused_before =
        scene.leg.not_done > 0 && !providers::known_reference(scene, not_cancelled_kind).empty();
    if (refused_before) return declined(not_cancelled("refused, and the amount is held as before"));
    return ask_cancel(scene, payment, step::cancel, kept_of(scene));
}

core::Step begin_refund(const core::Scene& scene) {
    const auto payment = known_payment(scene);
    if (payment.empty())
        return declined({"not_refundable", "The payment's id at the provider is not known."});
    return ask_refund(scene, payment,
                      scene.leg.back_minor == 0 && scene.amount.minor == scene.leg.taken_minor);
}

bool is_money_step(std::string_view name) {
    constexpr std::string_view names[] = {step::pay,          step::capture,    step::cancel,
                                          step::release,      step::refund,     step::read_back,
                                          step::read_release, step::read_refund};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

core::Step read_money(std::string_view name, const HttpResponse& response, const core::Scene& scene,
                      const Account& account) {
    if (name == step::pay) return read_paid(response, scene, account.sale_only);
    if (name == step::capture || name == step::cancel) return read_back(response, scene, step::read_back);
    if (name == step::refund) return read_refund(response, scene);
    if (name == step::read_refund) return read_part_refunded(response, scene);
    if (name == step::release) {
        // What the capture was answered with is what the customer hears, not what this was.
        const auto kept = kept_of(scene);
        auto acted = read_acted(response, scene);
        if (acted.step) return std::move(*acted.step);
        return look_at_payment(scene, known_payment(scene), step::read_release, kept);
    }
    return read_after(response, scene, name == step::read_release);
}

}  // namespace kassi::providers::borgun
