#pragma once

#include <optional>
#include <string>

#include "http/server.hpp"

/// What Server and Client would refuse, said before there is one. Plain words, nothing of what was read.
namespace kassi::http {

/// Of a server's certificate (chain, leaf first).
std::optional<std::string> refusal_of_certificate(const std::string& pem);
/// Of the key that goes with it. Nothing about the certificate itself.
std::optional<std::string> refusal_of_key(const TlsIdentity& identity);
/// Of the certificates that a client trusts: one or more.
std::optional<std::string> refusal_of_trusted(const std::string& pem);

}  // namespace kassi::http
