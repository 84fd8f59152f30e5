#pragma once

#include "providers/credentials/apple_pay_openssl.hpp"

namespace kassi::providers::apple_pay {

/// Whether `text`, a detached signature of one signer in BER, consists of nothing but its certificates, its
/// signer's name, signed attributes and value, in the one frame that RFC 5652 has for that: versions 1, the
/// signer's digest in the list of digests, algorithms without parameters, no revocation lists, nothing
/// unsigned. No signature covers the frame; this way no byte of a token can be another one and the token
/// still be accepted.
bool has_exact_frame(std::string_view text, CMS_SignerInfo* signer, const STACK_OF(X509) * certificates);

}  // namespace kassi::providers::apple_pay
