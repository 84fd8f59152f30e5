#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// The outside of a token: JSON, Base64, hex. Section 3 of the reference.
namespace kassi::providers::apple_pay {

enum class Version : std::uint8_t { ec_v1, rsa_v1 };

/// The token's members, decoded to bytes.
struct Form {
    Version version = Version::ec_v1;
    std::string data;              ///< cipher text and the tag of 16 bytes behind it
    std::string signature;         ///< CMS
    std::string key;               ///< EC_v1: the ephemeral public key; RSA_v1: the wrapped key
    std::string public_key_hash;   ///< 32 bytes
    std::string transaction_id;    ///< 32 bytes
    std::string application_data;  ///< 32 bytes, or none

    /// What was signed.
    [[nodiscard]] std::string message() const { return key + data + transaction_id + application_data; }
};

inline constexpr std::size_t tag_bytes = 16;
inline constexpr std::size_t hash_bytes = 32;

/// Payment data, or the browser's object around it. Error: bad_request, field "apple_pay".
Result<Form> read_form(std::string_view token);

}  // namespace kassi::providers::apple_pay
