#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "http/tls_identity.hpp"

/// Internal to this room: server.cpp and client.cpp only.
namespace kassi::http {

/// Throws std::runtime_error when the certificate or its key cannot be used.
void use_identity(boost::asio::ssl::context& context, const TlsIdentity& identity);
/// What the other end showed: standard Base64 of its DER, "" when nothing.
std::string peer_certificate(SSL* ssl);

}  // namespace kassi::http
