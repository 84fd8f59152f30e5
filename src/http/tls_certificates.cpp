#include "http/tls_certificates.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace kassi::http {
namespace {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

constexpr int serial_bits = 127;

void check(bool fine, const char* what) {
    if (fine) return;
    ERR_clear_error();
    throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string pem_of(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    check(bio && PEM_write_bio_X509(bio.get(), certificate) == 1, "writing PEM");
    return text_of(bio.get());
}

Secret<> pem_of(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_secmem()));  // wiped when freed
    check(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "writing the key");
    return Secret<>(text_of(bio.get()));
}

Bio reading(std::string_view pem) {
    return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/// What authority and leaf have in common: key, serial, dates, subject.
Certificate begin_certificate(EVP_PKEY* key, const std::string& common_name, const Validity& validity) {
    Certificate made(X509_new());
    check(made && X509_set_version(made.get(), X509_VERSION_3) == 1, "version");
    const std::unique_ptr<BIGNUM, Freed<BN_free>> serial(BN_new());
    check(serial && BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(made.get())) != nullptr,
          "serial number");
    const std::time_t from = std::chrono::system_clock::to_time_t(validity.from);
    const std::time_t until = std::chrono::system_clock::to_time_t(validity.until);
    check(ASN1_TIME_set(X509_getm_notBefore(made.get()), from) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(made.get()), until) != nullptr,
          "dates");
    check(X509_set_pubkey(made.get(), key) == 1, "public key");
    const auto* name = reinterpret_cast<const unsigned char*>(common_name.data());
    check(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, name,
                                     static_cast<int>(common_name.size()), -1, 0) == 1,
          "common name");
    return made;
}

void extend(X509* certificate, X509* issuer, int extension_id, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> made(
        X509V3_EXT_conf_nid(nullptr, &context, extension_id, value));
    check(made && X509_add_ext(certificate, made.get(), -1) == 1, value);
}

/// Built as a structure and not from OpenSSL's configuration text, so that no name can smuggle more in.
void add_names(X509* certificate, const std::vector<std::string>& names) {
    const Names list(sk_GENERAL_NAME_new_null());
    check(list != nullptr, "names");
    for (const auto& name : names) {
        std::unique_ptr<GENERAL_NAME, Freed<GENERAL_NAME_free>> entry(GENERAL_NAME_new());
        check(entry != nullptr, "name");
        if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str())) {
            GENERAL_NAME_set0_value(entry.get(), GEN_IPADD, address);
        } else {
            ASN1_IA5STRING* text = ASN1_IA5STRING_new();
            check(text && ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1, "name");
            GENERAL_NAME_set0_value(entry.get(), GEN_DNS, text);
        }
        check(sk_GENERAL_NAME_push(list.get(), entry.get()) > 0, "name");
        (void)entry.release();  // the list's now
    }
    check(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1,
          "names");
}

Key new_key() {
    Key key(EVP_EC_gen("P-256"));
    check(key != nullptr, "key");
    return key;
}

}  // namespace

Validity Validity::a_year() {
    const auto now = std::chrono::system_clock::now();
    return {now - std::chrono::hours(1), now + std::chrono::days(365)};
}

CertificateAuthority make_certificate_authority(const std::string& common_name, const Validity& validity) {
    const Key key = new_key();
    const Certificate made = begin_certificate(key.get(), common_name, validity);
    check(X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) == 1, "issuer");
    extend(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(made.get(), made.get(), NID_subject_key_identifier, "hash");
    check(X509_sign(made.get(), key.get(), EVP_sha256()) > 0, "signature");
    return {pem_of(made.get()), pem_of(key.get())};
}

namespace {

TlsIdentity make_leaf(const CertificateAuthority& authority, const std::vector<std::string>& names,
                      const Validity& validity, const char* purpose) {
    check(!names.empty(), "it needs a name");
    const Bio issuer_pem = reading(authority.certificate_pem);
    const Certificate issuer(PEM_read_bio_X509(issuer_pem.get(), nullptr, nullptr, nullptr));
    const Bio issuer_key_pem = reading(authority.private_key_pem.reveal());
    const Key issuer_key(PEM_read_bio_PrivateKey(issuer_key_pem.get(), nullptr, nullptr, nullptr));
    check(issuer && issuer_key, "the authority cannot be read");

    const Key key = new_key();
    // The standard allows 64 characters of common name; clients look at the names list only.
    const Certificate made = begin_certificate(key.get(), names.front().substr(0, 64), validity);
    check(X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get())) == 1, "issuer");
    extend(made.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
    extend(made.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
    extend(made.get(), issuer.get(), NID_ext_key_usage, purpose);
    extend(made.get(), issuer.get(), NID_subject_key_identifier, "hash");
    extend(made.get(), issuer.get(), NID_authority_key_identifier, "keyid:always");
    add_names(made.get(), names);
    check(X509_sign(made.get(), issuer_key.get(), EVP_sha256()) > 0, "signature");
    return {pem_of(made.get()), pem_of(key.get())};
}

}  // namespace

TlsIdentity make_certificate(const CertificateAuthority& authority, const std::vector<std::string>& names,
                             const Validity& validity) {
    return make_leaf(authority, names, validity, "serverAuth");
}

TlsIdentity make_client_certificate(const CertificateAuthority& authority, const std::string& name,
                                    const Validity& validity) {
    return make_leaf(authority, {name}, validity, "clientAuth");
}

}  // namespace kassi::http
