#include "http/tls_check.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

namespace kassi::http {
namespace {

namespace asio = boost::asio;

constexpr const char* no_certificate = "holds no certificate that can be read (PEM)";

struct BioFree {
    void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct KeyFree {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

/// An encrypted key has no passphrase here: without this, OpenSSL would ask the terminal for one.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

bool is_readable_key(const std::string& pem) {
    const std::unique_ptr<BIO, BioFree> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const std::unique_ptr<EVP_PKEY, KeyFree> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return key != nullptr;
}

}  // namespace

std::optional<std::string> refusal_of_certificate(const std::string& pem) {
    asio::ssl::context context(asio::ssl::context::tls_server);
    boost::system::error_code ec;
    context.use_certificate_chain(asio::buffer(pem), ec);
    if (ec) return no_certificate;
    return std::nullopt;
}

std::optional<std::string> refusal_of_key(const TlsIdentity& identity) {
    if (!is_readable_key(identity.private_key_pem.reveal()))
        return "holds no private key that can be read (PEM, not encrypted)";
    asio::ssl::context context(asio::ssl::context::tls_server);
    boost::system::error_code ec;
    context.use_private_key(asio::buffer(identity.private_key_pem.reveal()), asio::ssl::context::pem, ec);
    if (ec) return "holds a private key that TLS does not take";
    context.use_certificate_chain(asio::buffer(identity.certificate_pem), ec);
    // A key that does not fit goes when the certificate comes.
    const bool fits = SSL_CTX_check_private_key(context.native_handle()) == 1;
    ERR_clear_error();
    if (!ec && !fits) return "is not the key of the certificate";
    return std::nullopt;
}

std::optional<std::string> refusal_of_trusted(const std::string& pem) {
    asio::ssl::context context(asio::ssl::context::tls_client);
    boost::system::error_code ec;
    context.add_certificate_authority(asio::buffer(pem), ec);
    if (ec) return no_certificate;
    return std::nullopt;
}

}  // namespace kassi::http
