#include "sandbox/simulators/stripe_webhooks.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"

namespace kassi::sandbox::stripe {
namespace {

using nlohmann::json;

/// Between the tries of one event: seconds first, then hours.
constexpr std::array<Millis, webhook_tries_max - 1> pauses{
    Millis{1'000},   Millis{5'000},     Millis{30'000},   Millis{120'000},
    Millis{600'000}, Millis{1'800'000}, Millis{7'200'000}};

void lie(json& value) {
    if (value.is_object()) {
        for (const auto& [name, inner] : value.items()) {
            if (name.starts_with("amount") && inner.is_number_integer())
                inner = inner.get<std::int64_t>() + 1;
            else
                lie(inner);
        }
    } else if (value.is_array()) {
        for (auto& inner : value) lie(inner);
    }
}

}  // namespace

std::string falsified(const std::string& text) {
    auto parsed = parse_json(text);
    if (!parsed) return text;
    lie(*parsed);
    return parsed->dump();
}

std::string signature(const std::string& body, Instant at, const std::vector<std::string>& secrets) {
    const auto seconds =
        std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
    std::string header = "t=" + seconds;
    for (const auto& secret : secrets)
        header += ",v1=" + encoding::hex(crypto::to_bytes(crypto::hmac_sha256(secret, seconds + "." + body)));
    return header;
}

void Webhooks::deliver(const std::string& event) {
    const Event* found = books_.events.find(event);
    if (found != nullptr && found->pending && endpoints_.contains(found->account)) attempt({event, 0});
}

void Webhooks::deliver_pending() {
    const Instant since = books_.now() - webhook_life;
    // Sending may make more events.
    std::vector<std::string> pending;
    for (const Event& event : books_.events.all())
        if (event.pending && event.created > since) pending.push_back(event.id);
    for (const auto& id : pending) deliver(id);
}

void Webhooks::attempt(Try next) {
    ++next.tries;
    const Event& event = *books_.events.find(next.event);
    const auto rule = faults_.take("webhook", "", event.account);
    const auto sent = [&](bool believe, bool lies = false, bool badly = false) {
        send(next, believe, lies, badly);
        let_go();
    };
    if (!rule) return sent(true);
    switch (rule->fault) {
        case Fault::dead:
            return try_again(std::move(next));
        case Fault::lost:
            return;
        case Fault::drop_answer:
            return sent(false);
        case Fault::delay:
            after_(rule->ms, [self = weak_from_this(), next] {
                if (const auto webhooks = self.lock()) webhooks->send(next, true);
            });
            return;
        case Fault::twice:
            sent(true);
            return send_copy(event);
        case Fault::another_id: {
            Event other = event;
            other.id = books_.fresh_id("evt_");
            sent(true);
            const std::string id = other.id;
            books_.events.touch(books_.events.put(std::move(other)));
            return send({id, next.tries}, true);
        }
        case Fault::reorder:
            return hold_back(std::move(next), rule->ms.count() > 0 ? rule->ms : reorder_waits);
        case Fault::wrong_amount:
            return sent(true, true);
        case Fault::wrong_signature:
            return sent(true, false, true);
        case Fault::error_before:
        case Fault::rate_limit:
        case Fault::lock_timeout:
        case Fault::key_in_use:
        case Fault::delay_before:
        case Fault::error_after:
        case Fault::error_kept:
        case Fault::error_stuck:
        case Fault::replayed:
        case Fault::stale:
            break;  // only calls know them
    }
    sent(true);
}

HttpRequest Webhooks::request_of(const Event& event, bool lies, bool badly_signed) const {
    const Endpoint& endpoint = endpoints_.at(event.account);
    std::string body = printed(event, View{books_, version_, ""});
    if (lies) body = falsified(body);
    auto secrets = endpoint.secrets;
    if (badly_signed)
        for (auto& secret : secrets) secret += "?";
    // Each try has a time of its own, so that a late one is not taken for a replayed one.
    return {"POST",
            endpoint.url,
            {{"Content-Type", "application/json; charset=utf-8"},
             {"User-Agent", "Stripe/1.0 (+kassi sandbox)"},
             {"Stripe-Signature", signature(body, books_.now(), secrets)}},
            body,
            ""};
}

std::shared_ptr<Webhooks::Delivery> Webhooks::note(const Event& event, const HttpRequest& request) {
    const auto made = std::make_shared<Delivery>(Delivery{books_.now(), event.id, event.type, request.target,
                                                          std::string(request.header("Stripe-Signature")),
                                                          request.body, 0});
    deliveries_.push_back(made);
    if (deliveries_.size() > deliveries_shown_max) deliveries_.pop_front();
    return made;
}

std::string Webhooks::shown() const {
    JsonWriter out;
    out.begin_object().key("deliveries").begin_array();
    for (const auto& each : deliveries_)
        out.begin_object()
            .field("at", iso8601(each->at))
            .field("event", each->event)
            .field("type", each->type)
            .field("url", each->url)
            .field("signature", each->signature)
            .field("body", each->body)
            .field("status", each->status)
            .end_object();
    out.end_array().end_object();
    return out.take();
}

void Webhooks::send(const Try& next, bool believe_the_answer, bool lies, bool badly_signed) {
    const Event& event = *books_.events.find(next.event);
    auto request = request_of(event, lies, badly_signed);
    const auto noted = note(event, request);
    send_(std::move(request), [self = weak_from_this(), next, believe_the_answer, noted](int status) {
        noted->status = status;
        const auto webhooks = self.lock();
        if (!webhooks) return;
        if (!believe_the_answer || status / 100 != 2) return webhooks->try_again(next);
        Event& delivered = *webhooks->books_.events.find(next.event);
        delivered.pending = false;
        webhooks->books_.events.touch(delivered);
        webhooks->changed_();
    });
}

/// Its answer counts for nothing: one event, one series of tries.
void Webhooks::send_copy(const Event& event) {
    auto request = request_of(event, false, false);
    const auto noted = note(event, request);
    send_(std::move(request), [noted](int status) { noted->status = status; });
}

void Webhooks::hold_back(Try next, Millis at_most) {
    held_back_.push_back(std::move(next));
    after_(at_most, [self = weak_from_this()] {
        if (const auto webhooks = self.lock()) webhooks->let_go();
    });
}

void Webhooks::let_go() {
    for (const Try& next : std::exchange(held_back_, {})) send(next, true);
}

void Webhooks::try_again(Try next) {
    if (next.tries >= webhook_tries_max) return;
    const Millis pause = pauses[static_cast<std::size_t>(next.tries - 1)];
    after_(pause, [self = weak_from_this(), next = std::move(next)] {
        if (const auto webhooks = self.lock()) webhooks->attempt(next);
    });
}

}  // namespace kassi::sandbox::stripe
