#include "providers/borgun/looks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/decide.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/credential.hpp"
#include "providers/borgun/opening.hpp"
#include "providers/borgun/order_id.hpp"
#include "providers/borgun/payment.hpp"
#include "providers/borgun/requests.hpp"
#include "providers/borgun/wire.hpp"
#include "providers/evidence.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::borgun {
namespace {

using nlohmann::json;

core::Step unknown(std::string why) {
    return core::Unknown{.why = std::move(why)};
}

std::string status_word(int status) {
    return "the provider answered " + std::to_string(status);
}

bool knows_nothing_of_it(int status) {
    return status == 400 || status == 404;
}

core::Done nothing(std::string evidence) {
    core::Done done;
    done.evidence = std::move(evidence);
    return done;
}

/// The open refund, where it is not of the whole payment: only that can be asked for again.
const core::Refund* open_part(const core::Leg& leg) {
    for (const auto& refund : leg.refunds) {
        if (refund.state != core::RefundState::asked) continue;
        const bool whole = leg.back_minor == 0 && refund.amount.minor == leg.taken_minor;
        return whole ? nullptr : &refund;
    }
    return nullptr;
}

// ---- when nobody can say -------------------------------------------------------------------------------
core::Refusal why_nothing(const core::Scene& scene) {
    if (scene.leg.ready) return {"not_paid", "Nothing was sent to be paid."};
    switch (kept_of(scene).stage) {
        case Stage::method:
        case Stage::challenge:
            return authentication_failed("The customer did not finish the authentication in time.");
        case Stage::token_page:
            return {"cancelled", "No card was given for the payment."};
        case Stage::enrolled:
            return {"authentication_unavailable",
                    "The card's bank could not be asked. Please try again later."};
        case Stage::none:
            break;
    }
    return {"not_paid", "Nothing was sent to be paid."};
}

core::Step conclude(const core::Scene& scene, const Kept& kept) {
    if (kept.payment_sent || scene.leg.restored || scene.leg.money != core::LegMoney::none)
        return unknown("the gateway cannot be asked what became of it");
    auto done = nothing("nothing was sent to be paid");
    done.why = why_nothing(scene);
    return done;
}

// ---- events --------------------------------------------------------------------------------------------
/// Newest first.
std::vector<std::string> events_of(const core::Leg& leg) {
    std::vector<std::string> events;
    for (const auto& [kind, id] : leg.references)
        if (kind == core::event_kind) events.push_back(id);
    std::reverse(events.begin(), events.end());
    return events;
}

core::Step next_event(const core::Scene& scene, Kept kept) {
    const auto events = events_of(scene.leg);
    const auto next = static_cast<std::size_t>(++kept.event);
    return next < events.size() ? core::Step(look_at_event(scene, events[next], kept))
                                : conclude(scene, kept);
}

/// What was found is not ours: the next one, where there was a choice.
core::Step not_ours(const core::Scene& scene, std::string why) {
    auto kept = kept_of(scene);
    if (kept.event < 0) return unknown(std::move(why));
    kept.refund_id.clear();
    return next_event(scene, std::move(kept));
}

bool is_known_refund(const core::Leg& leg, const std::string& id) {
    return std::find(leg.references.begin(), leg.references.end(), std::pair(std::string(refund_kind), id)) !=
           leg.references.end();
}

core::Step read_event(const HttpResponse& response, const core::Scene& scene) {
    auto kept = kept_of(scene);
    const auto events = events_of(scene.leg);
    if (knows_nothing_of_it(response.status)) return not_ours(scene, status_word(response.status));
    const auto object = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    const auto index = static_cast<std::size_t>(kept.event);
    if (!object || kept.event < 0 || index >= events.size()) return unknown(status_word(response.status));
    const auto* data = wire::object_in(*object, "Data");
    const auto id = wire::text(*object, "EventId");
    // Newer ones have come since it was asked for (a look is repeated as it was): they are first.
    if (std::find(events.begin() + kept.event + 1, events.end(), id) != events.end()) {
        kept.event = -1;
        return next_event(scene, std::move(kept));
    }
    if (data == nullptr || id != events[index]) return not_ours(scene, "the event is another one");
    if (open_part(scene.leg) != nullptr) {
        kept.refund_id = wire::text(*data, "RefundTransactionId");
        const bool news = is_payment_id(kept.refund_id) && !is_known_refund(scene.leg, kept.refund_id);
        if (!news) return not_ours(scene, "the event is of another refund");
        const auto refund = kept.refund_id;
        return look_at_payment(scene, refund, step::look_refund, kept);
    }
    const auto payment = wire::text(*data, "TransactionId");
    if (!is_payment_id(payment)) return not_ours(scene, "the event names no payment");
    return look_at_payment(scene, payment, step::look_payment, kept);
}

// ---- the payment ---------------------------------------------------------------------------------------
core::Step read_taken(const Payment& payment, const core::Scene& scene) {
    auto done = done_with(payment, core::LegMoney::taken, "looked up: taken");
    const auto* part = open_part(scene.leg);
    if (part == nullptr) {
        // A refund of the whole would read otherwise: it was not made, and a second one is refused. Of parts
        // that went back before it says nothing.
        if (scene.leg.back_minor == 0) done.given_back = Money{0, payment.amount->currency};
        return done;
    }
    // The payment itself does not tell whether a part of it went back.
    auto kept = kept_of(scene);
    if (!kept.refund_id.empty()) return look_at_payment(scene, kept.refund_id, step::look_refund, kept);
    kept.event = -1;
    return next_event(scene, std::move(kept));
}

core::Step read_refused(const Payment& payment) {
    auto done = done_with(payment, core::LegMoney::none, "looked up: ActionCode " + payment.code);
    done.why = refusal_of_action(payment.code);
    return done;
}

core::Step read_fact(const Payment& payment, const core::Scene& scene) {
    if (!payment.amount) return unknown("the payment has no proper amount");
    switch (payment.state) {
        case State::uncaptured:
            return done_with(payment, core::LegMoney::held, "looked up: held");
        case State::accepted:
        case State::captured:
            return read_taken(payment, scene);
        case State::refunded: {
            auto done = done_with(payment, core::LegMoney::back, "looked up: given back");
            done.given_back = payment.amount;
            return done;
        }
        case State::cancelled: {
            auto done = done_with(payment, core::LegMoney::none, "looked up: cancelled");
            done.why = core::Refusal{"hold_gone", "The held amount is no longer available."};
            return done;
        }
        case State::declined:
            return read_refused(payment);
        case State::error:
            break;
    }
    const auto* row = action_of(payment.code);
    const bool settled = row != nullptr && row->kind != Class::unknown && row->kind != Class::ok;
    if (settled) return read_refused(payment);
    return core::Working{.why = "the gateway does not know yet what became of the payment"};
}

core::Step read_payment_look(const HttpResponse& response, const core::Scene& scene) {
    if (knows_nothing_of_it(response.status)) return not_ours(scene, status_word(response.status));
    const auto object = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    const auto payment = object ? read_payment(*object) : std::nullopt;
    if (!payment) return unknown(status_word(response.status) + " to the look-up");
    const auto known = known_payment(scene);
    if (!is_our_order(scene, payment->order)) {
        if (!known.empty() || kept_of(scene).event >= 0) return not_ours(scene, "the payment is another one");
        // Our token is good for one payment, and that was not ours.
        auto done = nothing("the token was used for another payment");
        done.why = core::Refusal{"token_refused", "The card's token was used before."};
        return done;
    }
    if (!known.empty() && payment->id != known) return not_ours(scene, "the payment is another one");
    return read_fact(*payment, scene);
}

core::Step read_refund_look(const HttpResponse& response, const core::Scene& scene) {
    if (knows_nothing_of_it(response.status)) return not_ours(scene, status_word(response.status));
    const auto object = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    const auto refund = object ? read_payment(*object) : std::nullopt;
    const auto* part = open_part(scene.leg);
    if (!refund || part == nullptr) return unknown(status_word(response.status) + " to the look-up");
    const bool moved = refund->state == State::accepted || refund->state == State::captured ||
                       refund->state == State::refunded;
    const bool is_it = is_our_order(scene, refund->order) && refund->id == kept_of(scene).refund_id &&
                       refund->amount == part->amount && moved;
    if (!is_it) return not_ours(scene, "the refund is another one");
    const auto& currency = scene.leg.amount.currency;
    core::Done done;
    done.money = core::LegMoney::taken;
    done.amount = Money{scene.leg.taken_minor, currency};
    done.given_back = Money{scene.leg.back_minor + part->amount.minor, currency};
    done.references = {{std::string(refund_kind), refund->id}};
    done.evidence = "looked up: " + money_for_people(part->amount) + " given back";
    return done;
}

// ---- the token -----------------------------------------------------------------------------------------
bool says_used(const json& token) {
    const auto* used = wire::member(token, "Used");
    return (used != nullptr && !(used->is_boolean() && !used->get<bool>())) ||
           wire::member(token, "UsedTime") != nullptr;
}

core::Step nothing_paid(std::string evidence, const Kept& kept) {
    auto done = nothing(std::move(evidence));
    if (!kept.rejected.empty()) done.why = refusal_of_rejection(kept.rejected);
    return done;
}

core::Step read_token_look(const HttpResponse& response, const core::Scene& scene) {
    auto kept = kept_of(scene);
    kept.event = -1;
    if (knows_nothing_of_it(response.status)) {
        if (scene.verb == core::Verb::close) return nothing("the gateway has no such token");
        if (!kept.rejected.empty()) return nothing_paid("the gateway has no such token", kept);
        return next_event(scene, std::move(kept));
    }
    const auto object = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    if (!object || wire::text(*object, "Token") != token_of(scene.credential))
        return unknown(status_word(response.status) + " to the look-up of the token");
    if (!is_single(token_of(scene.credential))) return nothing("the customer's own token was not used up");
    const auto payment = wire::text(*object, "TransactionId");
    if (is_payment_id(payment)) {
        // Our own record may not say so: it is older than that.
        kept.payment_sent = true;
        return look_at_payment(scene, payment, step::look_payment, kept);
    }
    // Used for nobody knows what: by us only where our record says so.
    if (!payment.empty() || says_used(*object)) return next_event(scene, std::move(kept));
    return nothing_paid("the token was not used", kept);
}

core::Step read_disabled(const HttpResponse& response, const core::Scene& scene) {
    constexpr int no_content = 204;
    const bool answered = wire::is_success(response.status) || response.status == no_content ||
                          knows_nothing_of_it(response.status);
    if (!answered) return unknown(status_word(response.status) + " where the token was disabled");
    // It may have been paid with a moment before.
    return look_at_token(scene, token_of(scene.credential));
}

}  // namespace

core::Step begin_query(const core::Scene& scene) {
    // What our record says of the payment may be older than the token's end.
    if (const auto token = token_of(scene.credential);
        scene.leg.restored && is_single(token) && known_payment(scene).empty())
        return look_at_token(scene, token);
    if (auto again = validate_again(scene)) return std::move(*again);
    if (auto anew = enroll_anew(scene)) return std::move(*anew);
    auto kept = kept_of(scene);
    kept.event = -1;
    if (const auto payment = known_payment(scene); !payment.empty())
        return look_at_payment(scene, payment, step::look_payment, kept);
    const auto token = token_of(scene.credential);
    if (kept.payment_sent && is_single(token)) return look_at_token(scene, token);
    return next_event(scene, std::move(kept));
}

core::Step begin_close(const core::Scene& scene) {
    // The token is used up, but what became of the payment?
    if (const auto payment = known_payment(scene); !payment.empty())
        return look_at_payment(scene, payment, step::look_payment, kept_of(scene));
    const auto token = token_of(scene.credential);
    if (token.empty()) return nothing("nothing is left that could be paid with");
    // The customer's own, for many payments, stays as it is. Only an answer says that there is nothing to
    // close.
    return is_single(token) ? ask_disable(scene, token) : look_at_token(scene, token);
}

bool is_look(std::string_view name) {
    constexpr std::string_view names[] = {step::disable, step::look_payment, step::look_token,
                                          step::look_event, step::look_refund};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

core::Step read_look(std::string_view name, const HttpResponse& response, const core::Scene& scene) {
    if (name == step::disable) return read_disabled(response, scene);
    if (name == step::look_token) return read_token_look(response, scene);
    if (name == step::look_event) return read_event(response, scene);
    if (name == step::look_refund) return read_refund_look(response, scene);
    return read_payment_look(response, scene);
}

}  // namespace kassi::providers::borgun
