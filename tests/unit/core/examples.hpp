#pragma once

#include <tuple>
#include <vector>

#include "core/codec.hpp"

/// Examples in which every field differs from its default, and a look at all members of a struct: whoever
/// adds a field must count it in the test, and so give it a value in the example and a place in the codec.
namespace kassi::core::examples {

inline const Currency gbp = *Currency::parse("GBP", "currency");
inline const Currency isk = *Currency::parse("ISK", "currency");

inline Instant at(std::int64_t seconds) {
    return Instant{Millis{1'768'040'000'123 + seconds * 1000}};
}

inline TransactionId id() {
    TransactionId value;
    for (std::size_t i = 0; i < value.bytes.size(); ++i) value.bytes[i] = static_cast<std::uint8_t>(i * 17);
    return value;
}

/// References to the N members of an aggregate; does not compile for another number.
template <std::size_t N, class T>
auto members(const T& v) {
    // clang-format off
    if constexpr (N == 1) { const auto& [a] = v; return std::tie(a); }
    else if constexpr (N == 2) { const auto& [a, b] = v; return std::tie(a, b); }
    else if constexpr (N == 3) { const auto& [a, b, c] = v; return std::tie(a, b, c); }
    else if constexpr (N == 4) { const auto& [a, b, c, d] = v; return std::tie(a, b, c, d); }
    else if constexpr (N == 5) { const auto& [a, b, c, d, e] = v; return std::tie(a, b, c, d, e); }
    else if constexpr (N == 6) { const auto& [a, b, c, d, e, f] = v; return std::tie(a, b, c, d, e, f); }
    else if constexpr (N == 7) { const auto& [a, b, c, d, e, f, g] = v; return std::tie(a, b, c, d, e, f, g); }
    else if constexpr (N == 8) { const auto& [a, b, c, d, e, f, g, h] = v; return std::tie(a, b, c, d, e, f, g, h); }
    else if constexpr (N == 9) { const auto& [a, b, c, d, e, f, g, h, i] = v; return std::tie(a, b, c, d, e, f, g, h, i); }
    else if constexpr (N == 10) { const auto& [a, b, c, d, e, f, g, h, i, j] = v; return std::tie(a, b, c, d, e, f, g, h, i, j); }
    else if constexpr (N == 11) { const auto& [a, b, c, d, e, f, g, h, i, j, k] = v; return std::tie(a, b, c, d, e, f, g, h, i, j, k); }
    else if constexpr (N == 12) { const auto& [a, b, c, d, e, f, g, h, i, j, k, l] = v; return std::tie(a, b, c, d, e, f, g, h, i, j, k, l); }
    else if constexpr (N == 21) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = v;
        return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u);
    } else if constexpr (N == 31) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, w, x, y, z, aa, bb, cc, dd, ee, ff] = v;
        return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, w, x, y, z, aa, bb, cc, dd, ee, ff);
    }
    // clang-format on
}

inline Policy policy() {
    return {.partial = true, .confirm = Confirm::owner, .on_decline = OnDecline::again};
}
inline Order order() {
    return {.item = 1, .amount = {5500, gbp}, .cancellable = true};
}
inline Bundle bundle() {
    return {.source = "ext_test0",
            .description = "Nutcracker „Bolshoi“ \"matinée\"",
            .amount = {11000, gbp},
            .orders = {order(), {.item = 2, .amount = {5500, gbp}, .cancellable = false}}};
}
inline Refusal refusal() {
    return {"declined", "Insufficient funds", true, true, true};
}
inline std::vector<std::pair<std::string, std::string>> pairs() {
    return {{"session", "rs_1"}, {"session", "rs_2"}};
}
inline EvidenceField evidence_field() {
    return {"success", Keep::digest, "ab12", 5};
}

inline Call call() {
    return {.no = 3,
            .verb = Verb::charge,
            .step = "complete",
            .key = "k-1",
            .reference = "T1-1",
            .repeat = Repeat::safe,
            .key_until = at(86400),
            .meant_at = at(5),
            .silent_at = at(35),
            .again = true,
            .needs_volatile = true,
            .look = true};
}
inline CalloutState callout_state() {
    return {.no = 2,
            .type = "post",
            .host = "http://house.example",
            .sent_at = at(6),
            .until = at(606),
            .grace_until = at(666),
            .returned = true,
            .closed = true,
            .goes_on = true,
            .went_on = true};
}
inline Refund refund() {
    return {.no = 1,
            .amount = {5500, gbp},
            .items = {1, 2},
            .state = RefundState::failed,
            .by = "person Anna",
            .because = "cancelled show"};
}
inline Leg leg() {
    return {.no = 2,
            .sources = {"ext_test0", "ext_test1"},
            .merchant = "house",
            .flow = "redirect",
            .credential = "stripe_token",
            .amount = {11000, gbp},
            .goal = Goal::give_back,
            .money = LegMoney::back,
            .taken_minor = 11000,
            .back_minor = 11000,
            .doing = Doing::doubt,
            .verb = Verb::refund,
            .ready = true,
            .exposed = true,
            .refused = refusal(),
            .stuck = "why",
            .calls = 3,
            .call = call(),
            .callout = callout_state(),
            .retry_at = at(7),
            .not_done = 2,
            .recheck_at = at(8),
            .doubt_since = at(4),
            .rechecks = 5,
            .doubt_why = "no answer",
            .refunds = {refund()},
            .references = pairs(),
            .made_since = at(2),
            .disputed = true,
            .look = true,
            .restored = true};
}
inline Transaction transaction() {
    return {.id = id(),
            .reference = reference_of(id()),
            .system = "sandbox",
            .caller = "demo",
            .tracking = "track-7",
            .bundles = {bundle(), {.source = "free", .description = "", .amount = {0, isk}, .orders = {}}},
            .policy = policy(),
            .phase = Phase::cancelled,
            .why = "everything_back",
            .handed_over_at = at(0),
            .held_until = at(900),
            .purchase_asked_at = at(1),
            .confirm_by = at(61),
            .verdict_at = at(50),
            .via = ReturnVia::kassi,
            .customer_at_hand = true,
            .confirmations = {{"ext_test0", "ORDER-1"}},
            .legs = {leg(), Leg{}},
            .forgotten = true,
            .put_back = 1,
            .version = 12};
}

inline Request request() {
    return {.method = "POST", .path = "/sessions", .headers = {{"X", "1"}, {"X", "2"}}, .body = "a=\x80\xff"};
}
inline Callout callout() {
    return {.type = "post",
            .destination = "http://house.example/pay",
            .hosted = true,
            .parameters = {{"z", "1"}, {"a", ""}, {"z", "2"}},
            .integration_json = R"({"k":1})",
            .goes_on = true,
            .page_data = "<p>",
            .return_token = "rt",
            .page_token = "pt"};
}
inline Parcel parcel() {
    return {.request = request(),
            .step = "session",
            .saved = "{}",
            .returned = {{"success", "1"}},
            .credential = {"stripe_token", "tok_1"},
            .callout = callout()};
}
inline Journey journey() {
    return {.via = ReturnVia::kassi,
            .url_before = "http://a/callback/",
            .url_after = "/x",
            .token = "t",
            .user_agent = "Firefox",
            .accept = "text/html",
            .remote_site = "a.example",
            .remote_ip = "127.0.0.1",
            .landing_url = "http://a/thanks",
            .way_back = "http://a/callback/t"};
}

/// One of each of the thirty, in the order of the variant.
inline std::vector<Event> events() {
    return {
        HandedOver{id(), "sandbox", "demo", {bundle()}, policy(), at(900), "cd", "dd"},
        PurchaseAsked{ReturnVia::kassi, true, "http://a.example", "cd"},
        HoldMoved{at(1800)},
        LegOpened{2, {"ext_test0"}, "house", "redirect", {11000, gbp}, "stripe_token"},
        GoalSet{2, Goal::take, "hold"},
        CallMeant{2, 3, Verb::charge, "complete", "k-1", "T1-1", Repeat::safe, at(86400), at(35), true, true,
                  "dg", at(3)},
        CallEnded{2, 3, CallOutcome::not_done, "refused connection", pairs(), at(40), "card"},
        CallDoubted{2, 3, "no answer", at(45), true},
        Ready{2},
        CustomerSent{2, 1, Verb::charge, "post", "http://house.example", at(606), true, true},
        CustomerBack{2, 1, {evidence_field(), {"card", Keep::drop, "", 16}}, true},
        CustomerWentOn{2, 1, {evidence_field()}},
        VisitMeant{2, 1, "http://a.example", at(666)},
        VisitDone{2, 1, "answered 200"},
        CalloutClosed{2, 1, "the money has moved", true},
        Held{2, {11000, gbp}},
        HoldGone{2, {11000, gbp}, "voided"},
        Taken{2, {11000, gbp}},
        GivenBack{2, {5500, gbp}, 1},
        Refused{2, refusal()},
        Stuck{2, "the provider declined the refund"},
        RefundAsked{2, 1, {5500, gbp}, {1}, "person Anna", "cancelled show"},
        RefundEnded{2, 1, true, "account closed"},
        PersonSettled{2, LegMoney::taken, "Anna", "bank statement"},
        ConfirmAsked{at(61)},
        Confirmed{true, {{"ext_test0", "ORDER-1"}}},
        Decided{Verdict::cancelled, "everything_back"},
        Noted{2, "late answer", {evidence_field()}, true, pairs(), true},
        Forgotten{"person Anna", "she asked for it"},
        PutBack{at(62), {1, 2}},
    };
}

}  // namespace kassi::core::examples
