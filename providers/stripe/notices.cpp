#include "providers/stripe/notices.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "providers/evidence.hpp"
#include "providers/reading.hpp"
#include "providers/settings.hpp"
#include "providers/signed_notice.hpp"
#include "providers/stripe/amounts.hpp"
#include "providers/stripe/codes.hpp"
#include "providers/stripe/requests.hpp"
#include "providers/stripe/stripe.hpp"

namespace kassi::providers::stripe {
namespace {

using nlohmann::json;

struct Event {
    std::string type;
    const json& object;
    NoticeRead read;
};

std::optional<Money> money_in(const json& object, const char* name) {
    const auto said = integer_of(object, name);
    return said ? from_wire(*said, text_of(object, "currency")) : std::nullopt;
}

/// Our reference of what we made: a payment's metadata is its charges' too.
std::string our_reference(const json& object) {
    const json* metadata = object_in(object, "metadata");
    const auto text = metadata == nullptr ? "" : text_of(*metadata, reference_name);
    return is_plain_reference(text) ? text : std::string();
}

std::string intent_of(const json& object) {
    const json* expanded = object_in(object, "payment_intent");
    const auto id = expanded != nullptr ? text_of(*expanded, "id") : text_of(object, "payment_intent");
    return is_plain_reference(id) ? id : std::string();
}

/// "The amount is missing or malformed": of an event that says that money moved.
std::optional<Error> need(const std::optional<Money>& money, const char* name) {
    if (money) return std::nullopt;
    return bad_request(std::string("data.object.") + name, "or its currency is missing or malformed");
}

std::optional<Error> read_intent_event(Event& event) {
    core::Notice& notice = event.read.notice;
    event.read.reference = our_reference(event.object);
    if (const auto id = text_of(event.object, "id"); is_plain_reference(id))
        notice.references = {{std::string(intent_kind), id}};
    const auto status = text_of(event.object, "status");
    if (event.type == "payment_intent.succeeded" && status == "succeeded") {
        notice.fact = core::LegMoney::taken;
        notice.amount = money_in(event.object, "amount_received");
        return need(notice.amount, "amount_received");
    }
    if (event.type == "payment_intent.amount_capturable_updated" && status == "requires_capture") {
        notice.fact = core::LegMoney::held;
        notice.amount = money_in(event.object, "amount_capturable");
        return need(notice.amount, "amount_capturable");
    }
    // The others tell that the customer is on his way.
    notice.worth_a_look =
        event.type == "payment_intent.payment_failed" || event.type == "payment_intent.canceled";
    return std::nullopt;
}

std::optional<Error> read_charge_event(Event& event) {
    core::Notice& notice = event.read.notice;
    event.read.reference = our_reference(event.object);
    if (event.read.reference.empty()) event.read.reference = intent_of(event.object);
    if (const auto id = intent_of(event.object); !id.empty())
        notice.references = {{std::string(intent_kind), id}};
    notice.worth_a_look = false;
    if (event.type != "charge.refunded") return std::nullopt;
    const auto taken = money_in(event.object, "amount_captured");
    const auto back = money_in(event.object, "amount_refunded");
    if (auto wrong = need(taken, "amount_captured")) return wrong;
    if (auto wrong = need(back, "amount_refunded")) return wrong;
    // A hold that was released is "refunded" too, and nothing of it was taken.
    if (taken->minor == 0) return std::nullopt;
    // What is on its way, and may not arrive, is counted: the provider is asked.
    notice.trust = core::Trust::hint;
    notice.fact = back->minor >= taken->minor ? core::LegMoney::back : core::LegMoney::taken;
    notice.amount = taken;
    notice.given_back = back;
    return std::nullopt;
}

std::optional<Error> read_refund_event(Event& event) {
    core::Notice& notice = event.read.notice;
    event.read.reference = intent_of(event.object);
    if (!event.read.reference.empty()) notice.references = {{std::string(intent_kind), event.read.reference}};
    const auto status = text_of(event.object, "status");
    notice.trust = core::Trust::hint;  // it speaks of one refund, and says nothing of the sum
    if (status == "succeeded") notice.fact = core::LegMoney::back;
    if (status != "failed" && status != "canceled") return std::nullopt;
    const auto reason = plain_code(text_of(event.object, "failure_reason"));
    const auto amount = money_in(event.object, "amount");
    if (auto wrong = need(amount, "amount")) return wrong;
    notice.refund_failed = money_for_people(*amount) + (reason.empty() ? "" : ", " + reason);
    return std::nullopt;
}

std::optional<Error> read_dispute_event(Event& event) {
    core::Notice& notice = event.read.notice;
    event.read.reference = intent_of(event.object);
    notice.dispute = true;
    const auto amount = money_in(event.object, "amount");
    if (auto wrong = need(amount, "amount")) return wrong;
    for (const char* name : {"id", "status", "reason"})
        if (const auto word = plain_code(text_of(event.object, name)); !word.empty())
            notice.evidence += " " + word;
    notice.evidence += " " + money_for_people(*amount);
    return std::nullopt;
}

/// The events that speak of a payment, by the beginning of their type.
struct Family {
    std::string_view prefix;
    std::string_view object;
    std::optional<Error> (*read)(Event&);
};
constexpr Family families[] = {{"payment_intent.", "payment_intent", read_intent_event},
                               {"charge.dispute.", "dispute", read_dispute_event},
                               {"charge.refund.", "refund", read_refund_event},
                               {"charge.", "charge", read_charge_event},
                               {"refund.", "refund", read_refund_event}};

Result<NoticeRead> read_event(const json& body, const Account& account) {
    const auto wrong = [](const char* field, std::string why) { return bad_request(field, std::move(why)); };
    if (text_of(body, "object") != "event") return wrong("object", "is not event");
    const auto live = body.find("livemode");
    if (live == body.end() || !live->is_boolean()) return wrong("livemode", "is missing or malformed");
    if (live->get<bool>() == account.test)
        return wrong("livemode", "is not the mode of this merchant's keys");
    const json* data = object_in(body, "data");
    const json* object = data == nullptr ? nullptr : object_in(*data, "object");
    if (object == nullptr) return wrong("data.object", "is missing or malformed");

    Event event{text_of(body, "type"), *object, {}};
    core::Notice& notice = event.read.notice;
    notice.event_id = text_of(body, "id");
    if (!is_plain_reference(notice.event_id)) return wrong("id", "is missing or malformed");
    if (!is_plain_reference(event.type)) return wrong("type", "is missing or malformed");
    notice.trust = core::Trust::proof;
    notice.evidence = event.type;
    for (const auto& family : families) {
        if (!event.type.starts_with(family.prefix)) continue;
        if (text_of(*object, "object") != family.object)
            return wrong("data.object", "is not what the type says");
        if (auto error = family.read(event)) return *error;
        break;
    }
    return std::move(event.read);
}

}  // namespace

Result<NoticeRead> read_notice(const HttpRequest& request, const Merchant& merchant, const Account& account,
                               Instant now) {
    const std::vector<std::string_view> secrets{settings::secret(merchant, "webhook_secret"),
                                                settings::secret(merchant, "webhook_secret_next")};
    if (secrets.front().empty())
        return Error{ErrorKind::unauthenticated, std::string(signature_header),
                     "this merchant has no webhook_secret"};
    if (auto wrong = check_notice_signature(request, signature_header, secrets, now)) return *wrong;
    const auto body = parse_json(request.body);
    if (!body) return body.error();
    if (!body->is_object()) return bad_request("body", "is not a JSON object");
    return read_event(*body, account);
}

}  // namespace kassi::providers::stripe
