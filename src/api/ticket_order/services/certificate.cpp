#include "api/ticket_order/services/certificate.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "api/ticket_order/scalars.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace kassi::api::ticket_order::services {
namespace {

constexpr std::string_view prefix = "kassi3ds.";
constexpr std::string_view purpose_of_key = "kassi 3ds certificates 1";
constexpr std::string_view authenticated_word = "authenticated", challenge_word = "challenge";
constexpr std::size_t lines = 8;

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    while (true) {
        const auto end = std::min(text.find('\n'), text.size());
        out.emplace_back(text.substr(0, end));
        if (end == text.size()) return out;
        text.remove_prefix(end + 1);
    }
}

/// No part has a line break, so that no two certificates have one payload.
std::string payload_of(const Certificate& certificate) {
    const bool good = certificate.stage == Certificate::Stage::authenticated;
    std::string out(good ? authenticated_word : challenge_word);
    for (const auto& part :
         {std::to_string(certificate.until.time_since_epoch().count()),
          std::to_string(certificate.amount.minor), std::string(certificate.amount.currency.code()),
          certificate.party, certificate.card_digest, certificate.xid, certificate.mpi_token}) {
        out += '\n';
        out += part;
    }
    return out;
}

/// Of a payload that we made ourselves; nullopt: a defect, or another version's.
std::optional<Certificate> from_payload(std::string_view payload) {
    const auto parts = lines_of(payload);
    if (parts.size() != lines) return std::nullopt;
    const auto until = read_integer(parts[1], 0, std::numeric_limits<std::int64_t>::max());
    const auto minor = read_integer(parts[2], 1, payment_minor_max);
    const auto currency = Currency::parse(parts[3], "currency");
    const bool stage_known = parts[0] == authenticated_word || parts[0] == challenge_word;
    if (!stage_known || !until || !minor || !currency) return std::nullopt;
    return Certificate{.stage = parts[0] == authenticated_word ? Certificate::Stage::authenticated
                                                               : Certificate::Stage::challenge,
                       .party = parts[4],
                       .card_digest = parts[5],
                       .amount = {*minor, *currency},
                       .mpi_token = parts[7],
                       .xid = parts[6],
                       .until = Instant(Millis(*until))};
}

std::string mark_of(const Secret<>& key, std::string_view payload) {
    return crypto::to_bytes(crypto::hmac_sha256(key.reveal(), "certificate\n" + std::string(payload)));
}

/// Two texts as one, so that ("ab","c") and ("a","bc") differ.
std::string joined(std::string_view first, std::string_view second) {
    return std::to_string(first.size()) + ":" + std::string(first) + std::string(second);
}

Error not_ours() {
    return bad_request("mpiToken", "was not issued here: enroll by /borgunServices/3DEnrollment");
}

}  // namespace

Secret<> certificate_key(const Secret<>& master_key) {
    return Secret<>(crypto::to_bytes(crypto::hmac_sha256(master_key.reveal(), purpose_of_key)));
}

std::string Certifier::party_of(std::string_view caller, std::string_view merchant) const {
    return crypto::keyed_digest(key_.reveal(), "party\n" + joined(caller, merchant));
}

std::string Certifier::card_digest_of(std::string_view card_token) const {
    return crypto::keyed_digest(key_.reveal(), "card\n" + std::string(card_token));
}

std::string Certifier::issue(const Certificate& certificate) const {
    KASSI_ENSURE(is_visible(certificate.mpi_token) && !certificate.mpi_token.empty() &&
                 certificate.mpi_token.size() <= mpi_token_bytes_max);
    KASSI_ENSURE(is_visible(certificate.xid) && certificate.xid.size() <= xid_bytes_max);
    const auto payload = payload_of(certificate);
    return std::string(prefix) + encoding::base64url(payload) + "." +
           encoding::base64url(mark_of(key_, payload));
}

Result<Certificate> Certifier::read(std::string_view text, Instant now) const {
    if (!claims_to_be_certificate(text) || text.size() > certificate_bytes_max) return not_ours();
    text.remove_prefix(prefix.size());
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) return not_ours();
    const auto payload = encoding::from_base64url(text.substr(0, dot), "mpiToken");
    const auto mark = encoding::from_base64url(text.substr(dot + 1), "mpiToken");
    if (!payload || !mark || !crypto::equal(*mark, mark_of(key_, *payload))) return not_ours();
    auto certificate = from_payload(*payload);
    if (!certificate) return not_ours();
    if (now >= certificate->until) return bad_request("mpiToken", "has run out: enroll once more");
    return std::move(*certificate);
}

std::optional<Error> Certifier::misfit(const Certificate& certificate, const Purpose& purpose) const {
    const auto wrong = [](std::string why) { return bad_request("mpiToken", std::move(why)); };
    // Another caller's is told from none at all by nobody.
    if (!crypto::equal(certificate.party, party_of(purpose.caller, purpose.merchant))) return not_ours();
    if (certificate.amount.currency != purpose.amount.currency)
        return wrong("was issued for another currency");
    if (certificate.amount.minor != purpose.amount.minor) return wrong("was issued for another amount");
    if (!crypto::equal(certificate.card_digest, card_digest_of(purpose.card_token)))
        return wrong("was issued for another card token");
    return std::nullopt;
}

bool claims_to_be_certificate(std::string_view text) {
    return text.starts_with(prefix);
}

}  // namespace kassi::api::ticket_order::services
