#include "providers/stripe/answers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "providers/evidence.hpp"
#include "providers/reading.hpp"
#include "providers/reference.hpp"
#include "providers/stripe/amounts.hpp"
#include "providers/stripe/codes.hpp"
#include "providers/stripe/requests.hpp"

namespace kassi::providers::stripe {
namespace {

using nlohmann::json;

constexpr Millis try_again_soon{1'000};
constexpr Millis try_again_later{5'000};
/// So long after it was sent a request may begin to work.
constexpr std::chrono::minutes late_work_max{2};
constexpr std::int64_t payment_wire_max = payment_minor_max * 100;
/// What a cancellation was for, in Ask::saved.
constexpr std::string_view for_authentication = "authentication";
/// What a look is for, in the same place: our refund is not done, and the look says why.
constexpr std::string_view for_refused_refund = "refused refund";

core::Step unknown(std::string why, bool look = false) {
    return core::Unknown{.why = std::move(why), .look = look};
}

core::Step as_query(core::Step step) {
    if (auto* ask = std::get_if<core::Ask>(&step)) ask->as = core::Verb::query;
    return step;
}

core::Step as_close(core::Step step) {
    if (auto* ask = std::get_if<core::Ask>(&step)) ask->as = core::Verb::close;
    return step;
}

// ---- the intent ----------------------------------------------------------------------------------------
enum class Status { needs_method, needs_confirmation, needs_action, processing, held, succeeded, canceled };

std::optional<Status> status_of(std::string_view text) {
    constexpr std::pair<std::string_view, Status> words[] = {
        {"requires_payment_method", Status::needs_method},
        {"requires_confirmation", Status::needs_confirmation},
        {"requires_action", Status::needs_action},
        {"processing", Status::processing},
        {"requires_capture", Status::held},
        {"succeeded", Status::succeeded},
        {"canceled", Status::canceled}};
    for (const auto& [name, status] : words)
        if (name == text) return status;
    return std::nullopt;
}

struct Intent {
    std::string id;
    Status status{};
    Money amount;      ///< asked for
    Money capturable;  ///< held
    Money received;    ///< taken
    const json* object = nullptr;
    [[nodiscard]] Fields references() const { return {{std::string(intent_kind), id}}; }
};

bool is_ours(const json& object, std::string_view reference) {
    const json* metadata = object_in(object, "metadata");
    return metadata != nullptr && text_of(*metadata, reference_name) == reference;
}

Result<Intent> read_intent(const json& object, const core::Scene& scene) {
    const auto refuse = [](std::string why) { return bad_request("intent", std::move(why)); };
    Intent intent;
    intent.object = &object;
    intent.id = text_of(object, "id");
    if (text_of(object, "object") != "payment_intent" || !is_plain_reference(intent.id))
        return refuse("the answer is no payment intent");
    if (const auto known = known_reference(scene, intent_kind); !known.empty() && intent.id != known)
        return refuse("the answer speaks of another payment intent");
    if (!is_ours(object, reference_of(scene))) return refuse("the answer speaks of another payment");
    const auto status = status_of(text_of(object, "status"));
    if (!status) return refuse("the intent has a status that we do not know");
    intent.status = *status;
    for (const auto& [name, into] : {std::pair{"amount", &intent.amount},
                                     {"amount_capturable", &intent.capturable},
                                     {"amount_received", &intent.received}}) {
        const auto said = integer_of(object, name);
        const auto money = said ? from_wire(*said, text_of(object, "currency")) : std::nullopt;
        if (!money) return refuse(std::string("the intent has no proper ") + name);
        *into = *money;
    }
    return intent;
}

core::Done done_with(const Intent& intent, core::LegMoney money, std::string evidence) {
    core::Done done;
    done.money = money;
    if (money == core::LegMoney::held) done.amount = intent.capturable;
    if (money == core::LegMoney::taken || money == core::LegMoney::back) done.amount = intent.received;
    done.references = intent.references();
    done.evidence = std::move(evidence);
    return done;
}

core::Step declined(const Intent& intent, core::Refusal why) {
    return core::Declined{.why = std::move(why), .references = intent.references()};
}

/// Why nothing was taken, where the intent says it.
std::optional<core::Refusal> last_error_of(const Intent& intent) {
    const json* error = object_in(*intent.object, "last_payment_error");
    if (error == nullptr) return std::nullopt;
    return refusal_of(*error);
}

/// The charge of the intent, where it was expanded.
const json* charge_of(const Intent& intent) {
    return object_in(*intent.object, "latest_charge");
}

// ---- authorise -----------------------------------------------------------------------------------------
core::Step send_to_authenticate(const Intent& intent, const core::Scene& scene) {
    const json* action = object_in(*intent.object, "next_action");
    const json* redirect = action == nullptr ? nullptr : object_in(*action, "redirect_to_url");
    const auto url = redirect == nullptr ? std::string() : text_of(*redirect, "url");
    const auto parsed = parse_url(url, "url");
    const auto question = url.find('?');
    const auto query =
        encoding::parse_form(question == std::string::npos ? "" : url.substr(question + 1), "url");
    if (!parsed || !query || scene.return_url.empty()) {
        // Something that only the provider's own script could do: the intent is closed, so that nobody does
        // it.
        return as_close(cancel(scene, intent.id, std::string(for_authentication)));
    }
    core::Waiting waiting;
    waiting.callout.type = "get";
    waiting.callout.destination = url.substr(0, question);
    waiting.callout.parameters = *query;
    waiting.references = intent.references();
    return waiting;
}

core::Step read_authorised(const Intent& intent, const core::Scene& scene) {
    switch (intent.status) {
        case Status::held:
            return done_with(intent, core::LegMoney::held, "held");
        case Status::succeeded:
            return done_with(intent, core::LegMoney::taken, "taken at once");
        case Status::needs_action:
            return send_to_authenticate(intent, scene);
        case Status::processing:
            return core::Working{.why = "the provider still works on the payment", .look = true};
        case Status::canceled:
            return declined(intent, {"canceled", "The payment was cancelled at the provider's."});
        case Status::needs_method:
            return declined(
                intent, last_error_of(intent).value_or(core::Refusal{"declined", "The card was declined."}));
        case Status::needs_confirmation:
            break;
    }
    return unknown("the intent waits for a confirmation that we gave", true);
}

// ---- what a look finds ---------------------------------------------------------------------------------
/// The charge's refunds, newest first; nullptr where they were not expanded.
const json* refunds_of(const json& charge) {
    const json* refunds = object_in(charge, "refunds");
    return refunds == nullptr ? nullptr : list_in(*refunds, "data");
}

bool is_under_way(std::string_view status) {
    return status == "pending" || status == "requires_action";
}

/// What Stripe counts as refunded from the beginning, and may still not arrive.
std::optional<std::int64_t> under_way(const json& charge) {
    const json* data = refunds_of(charge);
    std::int64_t sum = 0;
    if (data == nullptr) return sum;
    for (const auto& each : *data) {
        if (!each.is_object()) return std::nullopt;
        if (!is_under_way(text_of(each, "status"))) continue;
        const auto amount = integer_of(each, "amount");
        if (!amount || *amount < 0 || *amount > payment_wire_max - sum) return std::nullopt;
        sum += *amount;
    }
    return sum;
}

/// The refund that is open, among those of the charge.
const json* our_refund(const json& charge, const core::Scene& scene) {
    const json* data = refunds_of(charge);
    if (data == nullptr) return nullptr;
    for (const auto& refund : scene.leg.refunds) {
        if (refund.state != core::RefundState::asked) continue;
        const auto reference = reference_of(scene) + "-" + std::to_string(refund.no);
        for (const auto& each : *data)
            if (each.is_object() && is_ours(each, reference)) return &each;
    }
    return nullptr;
}

/// Stripe shows the newest only.
bool knows_all_refunds(const json& charge) {
    if (refunds_of(charge) == nullptr) return false;
    const auto more = charge.at("refunds").find("has_more");
    return more != charge.at("refunds").end() && more->is_boolean() && !more->get<bool>();
}

core::Step read_taken(const Intent& intent, const core::Scene& scene) {
    auto done = done_with(intent, core::LegMoney::taken, "looked up: taken");
    const json* charge = charge_of(intent);
    if (charge == nullptr) return done;
    if (const json* refund = our_refund(*charge, scene)) {
        const auto status = text_of(*refund, "status");
        if (is_under_way(status)) return core::Working{.why = "the provider still works on the refund"};
        if (status == "failed" || status == "canceled") {
            const auto reason = plain_code(text_of(*refund, "failure_reason"));
            done.why = {"refund_failed", "The refund failed" + (reason.empty() ? "." : ": " + reason + ".")};
            done.evidence = "looked up: the refund " + status;
            return done;
        }
        if (status != "succeeded") return unknown("the refund has a status that we do not know");
        done.refund_found = true;
    } else if (scene.parcel.saved == for_refused_refund) {
        done.refund_found = false;
        done.why = {"refund_refused", "Not as much is left of the payment."};
    } else if (knows_all_refunds(*charge)) {
        done.refund_found = false;
    }
    const auto refunded = integer_of(*charge, "amount_refunded");
    const auto pending = under_way(*charge);
    done.given_back =
        refunded && pending ? from_wire(*refunded - *pending, text_of(*charge, "currency")) : std::nullopt;
    if (!done.given_back) return unknown("the charge does not say what was given back");
    if (done.given_back == done.amount && done.amount->minor > 0) done.money = core::LegMoney::back;
    if (done.given_back->minor > 0)
        done.evidence += ", " + money_for_people(*done.given_back) + " given back";
    return done;
}

core::Step read_fact(const Intent& intent, const core::Scene& scene) {
    switch (intent.status) {
        case Status::held:
            return done_with(intent, core::LegMoney::held, "looked up: held");
        case Status::succeeded:
            return read_taken(intent, scene);
        case Status::processing:
            return core::Working{.why = "the provider still works on the payment"};
        case Status::needs_method:
        case Status::needs_confirmation:
        case Status::needs_action:
        case Status::canceled:
            break;
    }
    auto nothing = done_with(intent, core::LegMoney::none, "looked up: " + text_of(*intent.object, "status"));
    nothing.why = last_error_of(intent);
    // The customer is back, and the card's bank still waits for him.
    if (intent.status == Status::needs_action) nothing.why = authentication_failed();
    return nothing;
}

/// One page of what was made since the purchase: the intent whose id was never heard is on one of them, or it
/// was never made.
core::Step read_list(const json& object, const core::Scene& scene) {
    const json* data = list_in(object, "data");
    const auto more = object.find("has_more");
    if (data == nullptr || more == object.end() || !more->is_boolean())
        return unknown("the provider's list is not understood");
    std::string last;
    for (const auto& each : *data) {
        if (!each.is_object()) return unknown("the provider's list is not understood");
        last = text_of(each, "id");
        if (!is_plain_reference(last)) return unknown("the provider's list is not understood");
        if (is_ours(each, reference_of(scene))) return look_up(scene, last);
    }
    auto next = listing_of(scene);
    if (!next) return unknown("the page of the provider's list is not known");
    if (!more->get<bool>()) {
        // A request on which we hung up may still be on its way, or at work.
        if (scene.now < next->sent + late_work_max)
            return core::Working{.why = "the provider knows of no such payment yet"};
        return core::Done{.money = core::LegMoney::none,
                          .amount = {},
                          .references = {},
                          .evidence = "the provider knows of no such payment"};
    }
    if (last.empty() || next->page >= list_pages_max) return unknown("the provider's list has no end");
    next->after = last;
    ++next->page;
    return list(scene, *next);
}

// ---- capture, cancel, refund ---------------------------------------------------------------------------
core::Step read_captured(const Intent& intent) {
    if (intent.status == Status::succeeded) return done_with(intent, core::LegMoney::taken, "captured");
    if (intent.status == Status::processing)
        return core::Working{.why = "the provider still works on the capture", .look = true};
    if (intent.status == Status::canceled)
        return declined(intent, {"hold_gone", "The held amount is no longer available."});
    return unknown("the intent was captured and says otherwise", true);
}

core::Done canceled(Fields references, const core::Scene& scene) {
    core::Done done;
    done.references = std::move(references);
    done.evidence = "cancelled";
    if (scene.parcel.saved == for_authentication) done.why = authentication_failed();
    return done;
}

core::Step read_canceled(const Intent& intent, const core::Scene& scene) {
    switch (intent.status) {
        case Status::canceled:
            return canceled(intent.references(), scene);
        case Status::succeeded:
            return declined(intent, {"already_paid", "The payment was taken before it could be cancelled."});
        case Status::processing:
            return core::Working{.why = "the provider still works on the payment", .look = true};
        case Status::held:
        case Status::needs_method:
        case Status::needs_confirmation:
        case Status::needs_action:
            break;
    }
    return unknown("the intent was cancelled and says otherwise", true);
}

core::Step read_refunded(const json& object, const core::Scene& scene) {
    const auto id = text_of(object, "id");
    const auto said = integer_of(object, "amount");
    const auto amount = said ? from_wire(*said, text_of(object, "currency")) : std::nullopt;
    if (text_of(object, "object") != "refund" || !is_plain_reference(id) || !amount)
        return unknown("the answer to the refund is not understood", true);
    if (!is_ours(object, refund_reference_of(scene)))
        return unknown("the answer speaks of another refund", true);
    const auto status = text_of(object, "status");
    if (status == "succeeded")
        return core::Done{.money = core::LegMoney::back,
                          .amount = amount,
                          .references = {{"refund", id}},
                          .evidence = "given back"};
    if (status == "pending" || status == "requires_action")
        return core::Working{.why = "the provider still works on the refund", .look = true};
    if (status == "failed" || status == "canceled") {
        const auto reason = plain_code(text_of(object, "failure_reason"));
        return core::Declined{
            .why = {"refund_failed", "The refund failed" + (reason.empty() ? "." : ": " + reason + ".")},
            .references = {{"refund", id}}};
    }
    return unknown("the refund has a status that we do not know", true);
}

core::Step read_success(const json& object, const core::Scene& scene) {
    if (scene.verb == core::Verb::refund) return read_refunded(object, scene);
    if (scene.verb == core::Verb::query && text_of(object, "object") == "list")
        return read_list(object, scene);
    const auto intent = read_intent(object, scene);
    if (!intent) return unknown(intent.error().message, true);
    switch (scene.verb) {
        case core::Verb::authorise:
            return read_authorised(*intent, scene);
        case core::Verb::capture:
            return read_captured(*intent);
        case core::Verb::void_hold:
        case core::Verb::close:
            return read_canceled(*intent, scene);
        case core::Verb::query:
            return read_fact(*intent, scene);
        case core::Verb::open:
        case core::Verb::charge:
        case core::Verb::refund:
            break;
    }
    return unknown("nothing of the kind was asked");
}

// ---- errors --------------------------------------------------------------------------------------------
/// The intent in an error that has one, for its id.
Fields references_in(const json& error, const core::Scene& scene) {
    const json* object = object_in(error, "payment_intent");
    const auto id = object == nullptr ? std::string() : text_of(*object, "id");
    const bool ours = object != nullptr && is_plain_reference(id) && is_ours(*object, reference_of(scene));
    return ours ? Fields{{std::string(intent_kind), id}} : Fields{};
}

/// An error about our own intent says that it was cancelled before.
bool is_canceled(const json& error, const core::Scene& scene) {
    const json* object = object_in(error, "payment_intent");
    if (object == nullptr) return false;
    const auto intent = read_intent(*object, scene);
    return intent && intent->status == Status::canceled;
}

core::Step look_after_refusal(const core::Scene& scene) {
    auto step = as_query(look_up(scene));
    if (auto* ask = std::get_if<core::Ask>(&step)) ask->saved = for_refused_refund;
    return step;
}

/// 400, 402, 404: Stripe did not do it, and says why.
core::Step read_refusal(int status, const json& error, const core::Scene& scene) {
    const std::string why = "the provider answered " + std::to_string(status) + " " + words_of(error);
    // Somebody used our key for something else: what became of that is not in this answer.
    if (text_of(error, "type") == "idempotency_error") return unknown(why, true);
    const auto code = text_of(error, "code");
    switch (scene.verb) {
        case core::Verb::authorise:
            return core::Declined{.why = refusal_of(error), .references = references_in(error, scene)};
        case core::Verb::capture:
            if (status == 402 || code == "charge_expired_for_capture")
                return core::Declined{.why = refusal_of(error), .references = {}};
            return as_query(look_up(scene));
        case core::Verb::void_hold:
        case core::Verb::close:
            if (is_canceled(error, scene)) return canceled(references_in(error, scene), scene);
            return core::Declined{
                .why = {"not_cancelled", "The payment could not be cancelled: " + why + "."},
                .references = {}};
        case core::Verb::refund:
            // Somebody gave back at the dashboard: what is left is less.
            if (code == "charge_already_refunded" || text_of(error, "param") == "amount")
                return look_after_refusal(scene);
            return core::Declined{.why = {"refund_refused", "The money was not given back: " + why + "."},
                                  .references = {}};
        // An account that no longer knows its own payment says nothing about the money.
        case core::Verb::query:
        case core::Verb::open:
        case core::Verb::charge:
            break;
    }
    return unknown(why);
}

/// The limits on rate and on two writes at once stand before the work (reference/stripe.md section 5).
bool is_before_the_work(const json& error) {
    const auto code = text_of(error, "code");
    return code == "rate_limit" || code == "lock_timeout" || text_of(error, "type") == "rate_limit_error";
}

/// 5xx, and what else nobody knows to read.
core::Step read_trouble(const HttpResponse& response, const core::Scene& scene) {
    const std::string why = "the provider answered " + std::to_string(response.status);
    const bool replayed = response.header("Idempotent-Replayed") == "true";
    // The key was used before, a look found nothing given back, and this is all that the key will ever say.
    // Only a person can want another one: nothing else keeps a refund from being given twice.
    if (scene.verb == core::Verb::refund && replayed && scene.leg.call && !scene.leg.call->again)
        return core::Declined{
            .why = {"refund_refused", "The money was not given back: " + why + ", and repeats that."},
            .references = {}};
    // An answer that is stored under our key would only come again: the provider is asked what became of it.
    const bool stored = replayed || response.header("Stripe-Should-Retry") == "false";
    return unknown(why, stored);
}

}  // namespace

core::Step read_answer(const HttpResponse& response, const core::Scene& scene) {
    const auto object = object_of(response.body);
    const std::string status = std::to_string(response.status);
    if (response.status == 200) {
        if (!object) return unknown("the provider's answer is not understood", true);
        return read_success(*object, scene);
    }
    const json* error = object ? object_in(*object, "error") : nullptr;
    switch (response.status) {
        case 400:
        case 402:
        case 404:
            if (error == nullptr) return unknown("the provider answered " + status);
            return read_refusal(response.status, *error, scene);
        case 401:
        case 403:
            return core::NotDone{.why = "the provider refused our key: " + status, .after = try_again_later};
        case 409:
            return unknown("the provider still works on the same request");
        case 429:
            if (error != nullptr && is_before_the_work(*error))
                return core::NotDone{.why = "the provider is busy", .after = try_again_soon};
            break;
        default:
            break;
    }
    return read_trouble(response, scene);
}

}  // namespace kassi::providers::stripe
