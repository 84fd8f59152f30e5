#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "providers/credentials/apple_pay_form.hpp"
#include "providers/credentials/apple_pay_openssl.hpp"

/// The merchant's keys, and what they open. Sections 4.2 and 4.3 of the reference.
namespace kassi::providers::apple_pay {

struct MerchantKey {
    Version version = Version::ec_v1;  ///< whose tokens it opens
    std::string public_key_hash;       ///< 32 bytes of SHA-256 over its SubjectPublicKeyInfo
    Key key;
};

/// One of the merchant's certificates with its key. `merchant_hash` is SHA-256 of the identifier. Error:
/// bad_request naming `field` with ".certificate" or ".key".
Result<MerchantKey> read_key(const ProcessingKey& from, const std::string& merchant_hash,
                             const std::string& field);

/// Which of them the token names; nullptr none.
const MerchantKey* find_key(const std::vector<MerchantKey>& keys, const Form& form);

/// The plain text; nullopt when key agreement or tag say no.
std::optional<Secret<>> decrypt(const Form& form, const MerchantKey& key, const std::string& merchant_hash);

/// Its extension, a text of 64 hex digits (its DER has two bytes more), is SHA-256 of the identifier.
bool is_of_merchant(const X509* certificate, const std::string& merchant_hash);

/// A PEM text of one certificate; empty when it is none.
Certificate read_certificate(std::string_view pem);

}  // namespace kassi::providers::apple_pay
