#include "api/ticket_order/signature.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/encoding.hpp"

namespace kassi::api::ticket_order {
namespace {

const Instant now = parse_iso8601("2026-11-28T12:00:00Z", "now").value();
constexpr std::int64_t now_seconds = 1'795'867'200;
const Money total{4500, *Currency::parse("ISK", "")};
constexpr std::string_view order_id = "ABC123456789";

SigningSystem app(bool secret_is_enough = false) {
    return {"app", Secret<>(std::string("a secret of the app")), secret_is_enough};
}

TicketOrder request(std::int64_t at = now_seconds) {
    TicketOrder made;
    made.request_unix_time = at;
    made.phone_verification_number = "5551234";
    made.device_id = "device-1";
    made.seat_reservation_token_id = "seats-1";
    made.signature.emplace().system_id = "app";
    return made;
}

TicketOrder signed_request(std::int64_t at = now_seconds) {
    auto made = request(at);
    made.signature->signature = sign(made, total, order_id, app().secret);
    return made;
}

Result<Sender> verified(const TicketOrder& made, Instant at = now) {
    static const auto system = app();
    return verify(made, total, order_id, &system, at);
}

TEST(Signature, TextAndVector) {
    EXPECT_EQ(signed_text(request(), total, order_id),
              "ticketOrder.v1\napp\n1795867200\n5551234\ndevice-1\nseats-1\nABC123456789\n4500\nISK");
    EXPECT_EQ(signed_text(TicketOrder{}, Money{}, ""),
              "ticketOrder.v1\n\n0\n\n\n\n\n0\n" + std::string(Currency{}.code()));
    EXPECT_EQ(sign(request(), total, order_id, app().secret),
              "dfd9e86cf9614a06cfeb1795bc6f9e6349a1af3980731e3440493ca21f328dd8");
}

TEST(Signature, RightInHexAndBase64) {
    auto made = signed_request();
    const auto sender = verified(made);
    ASSERT_TRUE(sender) << sender.error().message;
    EXPECT_EQ(sender->system, "app");
    for (char& c : *made.signature->signature)
        c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    EXPECT_TRUE(verified(made));
    made.signature->signature = encoding::base64(*encoding::from_hex(*made.signature->signature, ""));
    EXPECT_TRUE(verified(made));
}

TEST(Signature, EverythingThatIsSignedCounts) {
    const auto changed = [](auto change) {
        auto made = signed_request();
        change(made);
        const auto outcome = verified(made);
        return !outcome && outcome.error().kind == ErrorKind::unauthenticated;
    };
    EXPECT_TRUE(changed([](auto& r) { r.request_unix_time = now_seconds + 1; }));
    EXPECT_TRUE(changed([](auto& r) { r.phone_verification_number = "5551235"; }));
    EXPECT_TRUE(changed([](auto& r) { r.device_id = "device-2"; }));
    EXPECT_TRUE(changed([](auto& r) { r.device_id.reset(); }));
    EXPECT_TRUE(changed([](auto& r) { r.seat_reservation_token_id = "seats-2"; }));
    EXPECT_TRUE(changed([](auto& r) { r.signature->system_id = "App"; }));
    EXPECT_TRUE(changed([](auto& r) { r.signature->system_id.reset(); }));
    EXPECT_TRUE(changed([](auto& r) { r.signature->signature = "String"; }));
    EXPECT_TRUE(changed([](auto& r) { r.signature->signature->front() ^= 1; }));
    EXPECT_TRUE(changed([](auto& r) { r.signature->signature->pop_back(); }));
    EXPECT_TRUE(changed([](auto& r) { r.signature->signature.reset(); }));
    EXPECT_TRUE(changed([](auto& r) { r.signature.reset(); }));
    const auto system = app();
    EXPECT_FALSE(verify(signed_request(), Money{4501, total.currency}, order_id, &system, now));
    EXPECT_FALSE(verify(signed_request(), Money{4500, *Currency::parse("GBP", "")}, order_id, &system, now));
    EXPECT_FALSE(verify(signed_request(), total, "ABC123456780", &system, now));
}

TEST(Signature, UnknownSystemsAndThoseWithoutASecret) {
    const auto unknown = verify(signed_request(), total, order_id, nullptr, now);
    auto wrong = signed_request();
    wrong.signature->signature = std::string(64, '0');
    EXPECT_EQ(unknown.error(), verified(wrong).error());  // which of the two is not said
    // Who knows nothing signs with nothing.
    auto made = request();
    made.signature->signature = sign(made, total, order_id, Secret<>());
    EXPECT_FALSE(verify(made, total, order_id, nullptr, now));
    const SigningSystem empty{"app", Secret<>(), true};
    EXPECT_FALSE(verify(made, total, order_id, &empty, now));
}

TEST(Signature, SystemSecret) {
    auto made = request();
    made.signature->system_secret = Secret<>(std::string("a secret of the app"));
    const auto strict = app(false);
    const auto lenient = app(true);
    EXPECT_FALSE(verify(made, total, order_id, &strict, now));
    EXPECT_TRUE(verify(made, total, order_id, &lenient, now));
    // Both must be right where both are given.
    made.signature->signature = sign(made, total, order_id, strict.secret);
    EXPECT_TRUE(verify(made, total, order_id, &strict, now));
    made.signature->signature = std::string(64, '0');
    EXPECT_FALSE(verify(made, total, order_id, &lenient, now));
    for (const auto* wrong : {"a secret of the apq", "a secret of the ap", "a secret of the app ", "x"}) {
        auto other = signed_request();
        other.signature->system_secret = Secret<>(std::string(wrong));
        EXPECT_FALSE(verify(other, total, order_id, &strict, now)) << wrong;
    }
}

TEST(Signature, FreshOnly) {
    constexpr auto window = freshness.count();
    EXPECT_TRUE(verified(signed_request(now_seconds - window)));
    EXPECT_TRUE(verified(signed_request(now_seconds + window)));
    EXPECT_EQ(verified(signed_request(now_seconds - window - 1)).error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(verified(signed_request(now_seconds + window + 1)).error().kind, ErrorKind::unauthenticated);
    EXPECT_TRUE(verified(signed_request(now_seconds * 1000 - window * 1000)));
    EXPECT_FALSE(verified(signed_request(now_seconds * 1000 - window * 1000 - 1)));
    for (const std::int64_t none :
         {std::int64_t{0}, std::int64_t{-5}, std::numeric_limits<std::int64_t>::max()})
        EXPECT_EQ(verified(signed_request(none)).error().field, "requestUnixUTCTimeStamp") << none;
    EXPECT_EQ(verified(signed_request(99'999'999'999)).error().kind, ErrorKind::unauthenticated);  // seconds
    EXPECT_EQ(verified(signed_request(100'000'000'000)).error().kind,
              ErrorKind::unauthenticated);  // milliseconds
}

TEST(Signature, ClaimsTellRequestsApart) {
    const auto first = verified(signed_request());
    EXPECT_EQ(first->claim, verified(signed_request())->claim);
    EXPECT_NE(first->claim, verified(signed_request(now_seconds + 1))->claim);
    // In another spelling it is the same request.
    auto spelled = signed_request();
    spelled.signature->signature = encoding::base64(*encoding::from_hex(*spelled.signature->signature, ""));
    EXPECT_EQ(first->claim, verified(spelled)->claim);
    // The claim is kept as long as the request could come again.
    EXPECT_FALSE(verified(signed_request(), first->forget_claim_at));
    EXPECT_TRUE(verified(signed_request(), first->forget_claim_at - Millis(1)));
    EXPECT_LE(first->forget_claim_at - now, replay_window + Millis(1));
    EXPECT_EQ(first->claim.find(*signed_request().signature->signature), std::string::npos);
}

}  // namespace
}  // namespace kassi::api::ticket_order
