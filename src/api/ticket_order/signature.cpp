#include "api/ticket_order/signature.hpp"

#include <optional>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr std::string_view field = "signature";
constexpr std::size_t hex_characters = 64;

Error refused(std::string why) {
    return {ErrorKind::unauthenticated, std::string(field), std::move(why)};
}

std::string_view text_of(const std::optional<std::string>& value) {
    return value ? std::string_view(*value) : std::string_view();
}

/// Lengths do not show: what is compared are digests.
bool same(std::string_view left, std::string_view right) {
    return crypto::equal(crypto::to_bytes(crypto::sha256(left)), crypto::to_bytes(crypto::sha256(right)));
}

/// The bytes of a signature in hex or Base64; "" when it is neither.
std::string bytes_of(std::string_view text) {
    auto bytes =
        text.size() == hex_characters ? encoding::from_hex(text, field) : encoding::from_base64(text, field);
    return bytes ? std::move(*bytes) : std::string();
}

Result<Instant> time_of(const TicketOrder& request) {
    constexpr std::string_view name = "requestUnixUTCTimeStamp";
    constexpr std::int64_t milliseconds_from = 100'000'000'000;  // as seconds: the year 5138
    constexpr std::int64_t milliseconds_max = 253'402'300'799'999;
    const auto stamp = request.request_unix_time.value_or(0);
    if (stamp == 0) return bad_request(std::string(name), "must be the time of the request, in seconds UTC");
    if (stamp < 0 || stamp > milliseconds_max) return bad_request(std::string(name), "is no time");
    return Instant(Millis(stamp < milliseconds_from ? stamp * 1000 : stamp));
}

/// Both comparisons are made, whoever sent what.
bool is_known(const TicketOrder& request, const std::string& text, const SigningSystem* system) {
    static const SigningSystem nobody;
    const auto& known = system != nullptr ? *system : nobody;
    const auto& proof = *request.signature;
    const auto& secret = proof.system_secret.reveal();
    const auto given = text_of(proof.signature);
    const bool secret_fits = same(secret, known.secret.reveal());
    const bool signature_fits =
        same(bytes_of(given), crypto::to_bytes(crypto::hmac_sha256(known.secret.reveal(), text)));
    if (system == nullptr || known.secret.empty() || text_of(proof.system_id) != known.id) return false;
    if (!secret.empty() && !secret_fits) return false;
    if (!given.empty()) return signature_fits;
    return !secret.empty() && known.secret_is_enough;
}

}  // namespace

std::string signed_text(const TicketOrder& request, const Money& total, std::string_view order_id) {
    std::string text = "ticketOrder.v1";
    const auto line = [&text](std::string_view value) { text.append("\n").append(value); };
    line(request.signature ? text_of(request.signature->system_id) : "");
    line(std::to_string(request.request_unix_time.value_or(0)));
    line(text_of(request.phone_verification_number));
    line(text_of(request.device_id));
    line(text_of(request.seat_reservation_token_id));
    line(order_id);
    line(std::to_string(total.minor));
    line(total.currency.code());
    return text;
}

std::string sign(const TicketOrder& request, const Money& total, std::string_view order_id,
                 const Secret<>& secret) {
    return encoding::hex(
        crypto::to_bytes(crypto::hmac_sha256(secret.reveal(), signed_text(request, total, order_id))));
}

Result<Sender> verify(const TicketOrder& request, const Money& total, std::string_view order_id,
                      const SigningSystem* system, Instant now) {
    if (!request.signature || text_of(request.signature->system_id).empty())
        return refused("must say which system sends the request, and prove it");
    const auto text = signed_text(request, total, order_id);
    if (!is_known(request, text, system)) return refused("is not right for any system");
    const auto sent = time_of(request);
    if (!sent) return sent.error();
    if (*sent > now + freshness || *sent < now - freshness)
        return refused("is of another time: requestUnixUTCTimeStamp is more than " +
                       std::to_string(freshness.count()) + " seconds from now");
    return Sender{
        system->id,
        encoding::hex(crypto::to_bytes(crypto::hmac_sha256(system->secret.reveal(), "claim\n" + text))),
        *sent + freshness + Millis(1)};
}

}  // namespace kassi::api::ticket_order
