#include <array>

#include "sandbox/simulators/borgun_state.hpp"

/// What the sandbox's Borgun tells of its own accord: events of the gateway, notifications of the hosted
/// page.
namespace kassi::sandbox {

namespace {

/// Between the tries of a hosted page's notification; the documentation says nothing of them.
constexpr std::array<Millis, borgun_securepay_tries_max - 1> securepay_pauses{
    Millis{1'000},   Millis{5'000},     Millis{30'000},   Millis{120'000},
    Millis{600'000}, Millis{1'800'000}, Millis{7'200'000}};

constexpr std::string_view accepted = "<PaymentNotification>Accepted</PaymentNotification>";

}  // namespace

void BorgunHouse::State::tell(std::size_t merchant, std::string_view type, std::string data) {
    const auto& url = options.merchants[merchant].webhook_url;
    if (url.empty() || is_full()) return;
    borgun::Event event;
    event.id = fresh_id("ev_");
    event.merchant = merchant;
    event.type = type;
    event.created_at = clock.now();
    event.data = std::move(data);
    news.push_back({merchant, true, url, borgun::shown(event), 0});
    events.put(std::move(event));
}

HttpResponse BorgunHouse::State::get_event(const Call& call) {
    if (!call.id.starts_with("ev_")) return borgun::problem("EventId", "InvalidFormat");
    const borgun::Event* event = events.find(call.id);
    if (event == nullptr || event->merchant != call.merchant)
        return borgun::message_answer(404, "Event not found");
    return json_response(200, borgun::shown(*event));
}

void BorgunHouse::State::try_notice(Notice notice) {
    ++notice.tries;
    const auto rule = take_fault(notice.event ? "event" : "securepay_notice", notice.merchant);
    if (!rule) return send(notice, true);
    switch (const borgun::Fault fault = *borgun::fault_of(*rule)) {
        case borgun::Fault::lose:
            return;
        case borgun::Fault::dead:
        case borgun::Fault::error_before:
        case borgun::Fault::timed_out:
        case borgun::Fault::conflict:
        case borgun::Fault::too_many:
        case borgun::Fault::busy:
            return try_again(std::move(notice));
        case borgun::Fault::drop_answer:
        case borgun::Fault::error_after:
            return send(notice, false);
        case borgun::Fault::reorder:
            held_back.push_back(std::move(notice));
            return;
        case borgun::Fault::slow_before:
        case borgun::Fault::delay:
            return after(rule->ms, [self = weak_from_this(), notice] {
                if (const auto state = self.lock()) state->send(notice, true);
            });
        case borgun::Fault::twice: {
            send(notice, true);
            // The copy's answer counts for nothing: one notice, one series of tries.
            Notice copy = notice;
            copy.tries = borgun_event_tries_max;
            return send(copy, true);
        }
        case borgun::Fault::wrong_amount:
        case borgun::Fault::wrong_currency:
        case borgun::Fault::wrong_order:
            notice.body = borgun::falsified(notice.body, fault);
            return send(notice, true);
    }
}

void BorgunHouse::State::send(const Notice& notice, bool believe_the_answer) {
    HttpRequest request{
        "POST",
        notice.url,
        {{"Content-Type", notice.event ? "application/json" : "application/x-www-form-urlencoded"}},
        notice.body,
        ""};
    send_notice(std::move(request), [self = weak_from_this(), notice, believe_the_answer](
                                        int status, const std::string& body) {
        const auto state = self.lock();
        const bool heard = status == 200 && (notice.event || body.find(accepted) != std::string::npos);
        if (state && !(believe_the_answer && heard)) state->try_again(notice);
    });
    for (const auto& waiting : std::exchange(held_back, {})) send(waiting, true);
}

void BorgunHouse::State::try_again(Notice notice) {
    const int most = notice.event ? borgun_event_tries_max : borgun_securepay_tries_max;
    if (notice.tries >= most) return;
    const Millis pause =
        notice.event ? borgun_event_pause : securepay_pauses[static_cast<std::size_t>(notice.tries - 1)];
    after(pause, [self = weak_from_this(), notice = std::move(notice)] {
        if (const auto state = self.lock()) state->try_notice(notice);
    });
}

}  // namespace kassi::sandbox
