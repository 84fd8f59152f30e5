#include "providers/credentials/apple_pay_identity.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/crypto.hpp"
#include "providers/credentials/apple_pay_open.hpp"

namespace kassi::providers::apple_pay {

std::optional<std::string> refusal_of_identity(const std::string& certificate_pem,
                                               const std::string& merchant_identifier) {
    const auto reader = reader_of(certificate_pem);
    const Certificate leaf(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!leaf) return "holds no certificate that can be read (PEM)";
    if (!is_of_merchant(leaf.get(), crypto::to_bytes(crypto::sha256(merchant_identifier))))
        return "is not a Merchant Identity Certificate of this merchant identifier";
    return std::nullopt;
}

}  // namespace kassi::providers::apple_pay
