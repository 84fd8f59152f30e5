#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// What we use of OpenSSL. Strings here are bytes unless said otherwise.
namespace kassi::crypto {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view data);
Digest hmac_sha256(std::string_view key, std::string_view data);
std::string to_bytes(const Digest& digest);
/// Constant time for equal lengths.
bool equal(std::string_view left, std::string_view right);

/// 32 hex digits of HMAC-SHA256: to tell texts apart without keeping them. "" for "".
std::string keyed_digest(std::string_view key, std::string_view text);

/// AES-256-GCM. `key` is 32 bytes; `context` is authenticated and not stored. Output: 12-byte nonce,
/// cipher text, 16-byte tag.
std::string seal(std::string_view key, std::string_view context, std::string_view plain,
                 Randomness& randomness);
/// Error: internal ("cannot be opened") when key, context or text do not fit.
Result<std::string> open(std::string_view key, std::string_view context, std::string_view sealed);

/// "scrypt$N$r$p$salt$hash" (base64url), N=16384 r=8 p=1. About 50 ms by design.
std::string hash_password(std::string_view password, Randomness& randomness);
/// A text of the same form that no password fits: to check one takes as long as with a real one.
std::string nobodys_password_hash(Randomness& randomness);
/// A text that check_password() can compare with: what hash_password() makes, or another N, r and p within
/// our limits.
bool is_password_hash(std::string_view text);
/// False for a wrong password and for a text that is no such hash.
bool check_password(std::string_view password, std::string_view hash);

/// 16 random bytes as 22 characters of base64url: every token that we mint.
std::string mint_token(Randomness& randomness);

}  // namespace kassi::crypto
