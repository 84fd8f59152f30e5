#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/ticket_order/types.hpp"
#include "base/clock.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// Who sends a request: RequestSignature, as a pure function of the clock. The service's own algorithm is
/// published nowhere; this one is ours, and README.md describes it for those who write clients.
namespace kassi::api::ticket_order {

/// How far a request's time may be from ours, either way.
inline constexpr std::chrono::seconds freshness{300};
/// How long a request must be remembered: from the earliest to the latest moment at which it is fresh.
inline constexpr std::chrono::seconds replay_window = 2 * freshness;

/// A system of the configuration.
struct SigningSystem {
    std::string id;
    Secret<> secret;
    /// systemSecret alone will do. For clients that cannot sign; without it a signature is a must.
    bool secret_is_enough = false;
};

/// Who it is, and what must be remembered.
struct Sender {
    std::string system;
    /// The same for the same signed request, for no other: a claim that may be made once. A retry finds it
    /// claimed, and the answer of before is given, if its body is the same; with another body it is refused.
    std::string claim;
    Instant forget_claim_at;  ///< no request with this claim is fresh any more
};

/// The text that is signed, line by line: "ticketOrder.v1", systemId, requestUnixUTCTimeStamp as it was sent,
/// phoneVerificationNumber, deviceId, seatReservationTokenId, the payment's orderId, the total in minor
/// units, its currency's code. What is absent is an empty line; no line break at the end.
std::string signed_text(const TicketOrder& request, const Money& total, std::string_view order_id);

/// HMAC-SHA256 of signed_text() under the system's secret, 64 hex digits; clients may send Base64 too.
std::string sign(const TicketOrder& request, const Money& total, std::string_view order_id,
                 const Secret<>& secret);

/// `system` is that of the request's systemId, nullptr when nobody knows it: which of the two it was takes
/// the same time, and is not said. Where both are given, systemSecret and signature must both be right.
/// Secrets and signatures are compared in constant time, whatever their length.
/// Errors: unauthenticated (no signature, unknown system, wrong signature or secret, a request that is too
/// old or from the future), bad_request naming "requestUnixUTCTimeStamp" when it is missing or no time. Up to
/// 10^11 it is seconds, from there on milliseconds.
Result<Sender> verify(const TicketOrder& request, const Money& total, std::string_view order_id,
                      const SigningSystem* system, Instant now);

}  // namespace kassi::api::ticket_order
