#include "http/tls_use.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <memory>
#include <stdexcept>

#include "base/encoding.hpp"

namespace kassi::http {
namespace {

namespace asio = boost::asio;

struct CertificateFree {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

void use_identity(asio::ssl::context& context, const TlsIdentity& identity) {
    const auto fail = [](const std::string& why) {
        throw std::runtime_error("cannot use TLS identity: " + why);
    };
    boost::system::error_code ec;
    context.use_certificate_chain(asio::buffer(identity.certificate_pem), ec);
    if (ec) fail("certificate: " + ec.message());
    context.use_private_key(asio::buffer(identity.private_key_pem.reveal()), asio::ssl::context::pem, ec);
    if (ec) fail("private key: " + ec.message());
    if (SSL_CTX_check_private_key(context.native_handle()) != 1) fail("the key is not the certificate's");
}

std::string peer_certificate(SSL* ssl) {
    const std::unique_ptr<X509, CertificateFree> certificate(SSL_get1_peer_certificate(ssl));
    if (!certificate) return "";
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    if (size <= 0) {
        ERR_clear_error();
        return "";
    }
    auto text = encoding::base64({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return text;
}

}  // namespace kassi::http
