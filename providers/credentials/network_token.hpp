#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "providers/credentials/card.hpp"

/// What a wallet pays with: a number that stands for a card on one device, and the cryptogram of one payment.
namespace kassi::providers::network_token {

/// Of a caller that opened its wallet's token by itself.
inline constexpr std::string_view credential_kind = "network_token";
inline constexpr std::size_t text_bytes_max = 2048;
/// Mastercard's cryptograms of wallets have 19 bytes, Visa's 20, with what may follow 28.
inline constexpr std::size_t cryptogram_bytes_min = 19;
inline constexpr std::size_t cryptogram_bytes_max = 28;

struct NetworkToken {
    Secret<> number;  ///< digits only
    card::Month expiry;
    card::Scheme scheme = card::Scheme::visa;
    Secret<> cryptogram;  ///< standard Base64: CAVV of Visa, UCAF of Mastercard
    std::string eci;      ///< as the wallet said it, "" where it did not
    std::string
        level;  ///< the gateway's SecurityLevelInd: "0" not authenticated, "1" tried, "2" authenticated
};

/// Base64 (RFC 4648, padded) of as many bytes as a cryptogram may have.
bool is_cryptogram(std::string_view base64);
/// One or two digits.
bool is_eci(std::string_view text);

/// {"number","expiry":"MMYY","cavv" or "ucaf","eci","security_level"}: texts. The cryptogram is Base64 of 19
/// to 28 bytes and of the number's scheme: "cavv" for Visa, "ucaf" for Mastercard. `security_level` left out
/// is "2". Error: bad_request naming "network_token" or the member ("network_token.cavv"); no error repeats a
/// character of it.
Result<NetworkToken> read(std::string_view text, Instant now);

}  // namespace kassi::providers::network_token
