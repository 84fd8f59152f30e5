#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "http/server.hpp"

namespace kassi::http {

/// From and until when a certificate counts, by the real clock (TLS knows no other).
struct Validity {
    std::chrono::system_clock::time_point from;
    std::chrono::system_clock::time_point until;
    /// Since an hour ago, for a year.
    static Validity a_year();
};

/// A throw-away authority for the sandbox and the tests. EC P-256, PEM.
struct CertificateAuthority {
    std::string certificate_pem;
    Secret<> private_key_pem;  ///< PKCS 8, not encrypted
};

/// Throws std::runtime_error when OpenSSL refuses.
CertificateAuthority make_certificate_authority(const std::string& common_name,
                                                const Validity& validity = Validity::a_year());

/// A server's certificate, signed by `authority`, for DNS names and IP addresses (as text); at least
/// one. Throws std::runtime_error when OpenSSL refuses.
TlsIdentity make_certificate(const CertificateAuthority& authority, const std::vector<std::string>& names,
                             const Validity& validity = Validity::a_year());
/// The same for a client.
TlsIdentity make_client_certificate(const CertificateAuthority& authority, const std::string& name,
                                    const Validity& validity = Validity::a_year());

}  // namespace kassi::http
