#pragma once

#include <string>

#include "base/secret.hpp"

namespace kassi::http {

/// What one end of a TLS connection shows to the other, PEM.
struct TlsIdentity {
    std::string certificate_pem;  ///< chain, leaf first
    Secret<> private_key_pem;
};

}  // namespace kassi::http
