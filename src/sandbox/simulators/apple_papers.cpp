#include "sandbox/simulators/apple_papers.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace kassi::sandbox::apple {
namespace {

constexpr int rsa_bits = 2048;
constexpr int serial_bytes = 8;
constexpr std::chrono::days day{1};
constexpr std::chrono::days authority_life{20 * 365};
constexpr std::chrono::days signer_life{5 * 365};
constexpr std::chrono::days merchant_life{25 * 30};

using ObjectHandle = std::unique_ptr<ASN1_OBJECT, Release<ASN1_OBJECT_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;
using OctetsHandle = std::unique_ptr<ASN1_OCTET_STRING, Release<ASN1_OCTET_STRING_free>>;

std::time_t seconds_of(Instant at) {
    return static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
}

/// DER NULL: what Apple's two marks hold.
std::string der_null() {
    return {"\x05\x00", 2};
}
Mark leaf_mark() {
    return {"1.2.840.113635.100.6.29", der_null()};
}
Mark intermediate_mark() {
    return {"1.2.840.113635.100.6.2.14", der_null()};
}

/// The merchant's mark: UTF8String of 64 upper-case hex digits.
Mark merchant_mark(const std::string& identifier) {
    auto text = encoding::hex(crypto::to_bytes(crypto::sha256(identifier)));
    for (char& c : text)
        if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    return {"1.2.840.113635.100.6.32", "\x0c\x40" + text};
}

void add_name(X509_NAME* name, int nid, const std::string& text) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    must(X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, bytes, static_cast<int>(text.size()), -1, 0) ==
             1,
         "a name");
}

void set_subject(X509* certificate, const Application& application) {
    auto* name = X509_get_subject_name(certificate);
    if (!application.user_id.empty()) add_name(name, NID_userId, application.user_id);
    add_name(name, NID_commonName, application.common_name);
    add_name(name, NID_organizationalUnitName, "Simulated, not by Apple");
    add_name(name, NID_organizationName, "Kassi sandbox");
    add_name(name, NID_countryName, "IS");
}

void set_serial(X509* certificate) {
    unsigned char bytes[serial_bytes];
    must(RAND_bytes(bytes, serial_bytes) == 1, "random bytes");
    bytes[0] &= 0x7f;
    bytes[0] |= 0x40;
    std::uint64_t serial = 0;
    for (const unsigned char byte : bytes) serial = serial << 8 | byte;
    must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1, "a serial number");
}

void extend(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
    const ExtensionHandle extension(
        made(X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()), "an extension"));
    must(X509_add_ext(certificate, extension.get(), -1) == 1, "an extension");
}

void add_mark(X509* certificate, const Mark& mark) {
    const ObjectHandle object(made(OBJ_txt2obj(mark.oid.c_str(), 1), "an OID"));
    const OctetsHandle value(made(ASN1_OCTET_STRING_new(), "octets"));
    must(ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const unsigned char*>(mark.der.data()),
                               static_cast<int>(mark.der.size())) == 1,
         "octets");
    const ExtensionHandle extension(
        made(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, value.get()), "an extension"));
    must(X509_add_ext(certificate, extension.get(), -1) == 1, "an extension");
}

void add_extensions(X509* certificate, X509* issuer, const Application& application) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const bool is_authority = application.path_length >= 0;
    extend(certificate, &context, NID_basic_constraints,
           is_authority ? "critical,CA:TRUE,pathlen:" + std::to_string(application.path_length)
                        : "critical,CA:FALSE");
    extend(certificate, &context, NID_key_usage, application.usage);
    if (!application.extended.empty()) extend(certificate, &context, NID_ext_key_usage, application.extended);
    extend(certificate, &context, NID_subject_key_identifier, "hash");
    if (issuer != certificate) extend(certificate, &context, NID_authority_key_identifier, "keyid");
    for (const auto& mark : application.marks) add_mark(certificate, mark);
}

Application authority(std::string name, int path_length, Instant now) {
    Application out;
    out.common_name = std::move(name);
    out.from = now - day;
    out.until = now + authority_life;
    out.path_length = path_length;
    out.usage = "critical,keyCertSign,cRLSign";
    return out;
}

Application intermediate_application(Instant now, std::vector<Mark> marks) {
    auto out = authority("Simulated Application Integration CA", 0, now);
    out.marks = std::move(marks);
    return out;
}

Application leaf_application(const char* kind, Instant now, std::vector<Mark> marks) {
    Application out;
    out.common_name = std::string("simulated-") + kind + "-broker-sign";
    out.from = now - day;
    out.until = now + signer_life;
    out.usage = "critical,digitalSignature";
    out.marks = std::move(marks);
    return out;
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace

void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("OpenSSL could not make ") + what);
}

KeyHandle new_ec_key(const char* curve) {
    return KeyHandle(made(EVP_EC_gen(curve), "a key"));
}

KeyHandle new_rsa_key() {
    return KeyHandle(made(EVP_RSA_gen(rsa_bits), "a key"));
}

KeyHandle same_key(EVP_PKEY* key) {
    must(EVP_PKEY_up_ref(key) == 1, "a key");
    return KeyHandle(key);
}

std::string public_der(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    must(size > 0, "a public key");
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

Holder issue(const Application& application, KeyHandle key, const Holder* issuer) {
    Holder out{CertificateHandle(made(X509_new(), "a certificate")), std::move(key)};
    auto* const certificate = out.certificate.get();
    auto* const by = issuer == nullptr ? certificate : issuer->certificate.get();
    must(X509_set_version(certificate, X509_VERSION_3) == 1, "a certificate");
    set_serial(certificate);
    set_subject(certificate, application);
    must(X509_set_issuer_name(certificate, X509_get_subject_name(by)) == 1, "a name");
    must(ASN1_TIME_set(X509_getm_notBefore(certificate), seconds_of(application.from)) != nullptr, "a time");
    must(ASN1_TIME_set(X509_getm_notAfter(certificate), seconds_of(application.until)) != nullptr, "a time");
    must(X509_set_pubkey(certificate, out.key.get()) == 1, "a public key");
    add_extensions(certificate, by, application);
    auto* const signing_key = issuer == nullptr ? out.key.get() : issuer->key.get();
    must(X509_sign(certificate, signing_key, EVP_sha256()) > 0, "a signature");
    return out;
}

std::string certificate_pem(const Holder& holder) {
    const BioHandle bio(made(BIO_new(BIO_s_mem()), "memory"));
    must(PEM_write_bio_X509(bio.get(), holder.certificate.get()) == 1, "PEM");
    return text_of(bio.get());
}

Secret<> key_pem(const Holder& holder) {
    const BioHandle bio(made(BIO_new(BIO_s_secmem()), "memory"));
    must(PEM_write_bio_PKCS8PrivateKey(bio.get(), holder.key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
             1,
         "PEM");
    return Secret<>{text_of(bio.get())};
}

Signers new_signers(Instant now, bool with_rsa) {
    Signers out;
    out.root = issue(authority("Simulated Root CA", 1, now), new_ec_key("P-384"), nullptr);
    out.intermediate = issue(intermediate_application(now, {intermediate_mark()}), new_ec_key(), &out.root);
    out.leaf_ec = issue(leaf_application("ecc", now, {leaf_mark()}), new_ec_key(), &out.intermediate);
    if (with_rsa)
        out.leaf_rsa = issue(leaf_application("rsa", now, {leaf_mark()}), new_rsa_key(), &out.intermediate);
    return out;
}

Signers marked_anew(const Signers& from, Marks marks, Instant now) {
    std::vector<Mark> of_leaf{leaf_mark()};
    std::vector<Mark> of_intermediate{intermediate_mark()};
    switch (marks) {
        case Marks::right:
            break;
        case Marks::leaf_without:
            of_leaf.clear();
            break;
        case Marks::intermediate_without:
            of_intermediate.clear();
            break;
        case Marks::swapped:
            std::swap(of_leaf, of_intermediate);
            break;
        case Marks::leaf_has_both:
            of_leaf.push_back(intermediate_mark());
            of_intermediate.clear();
            break;
        case Marks::leaf_has_both_intermediate_own:
            of_leaf.push_back(intermediate_mark());
            break;
        case Marks::intermediate_has_both_leaf_own:
            of_intermediate.push_back(leaf_mark());
            break;
        case Marks::leaf_by_root:
        case Marks::leaf_cannot_sign:
            break;
    }
    Signers out;
    out.root.certificate.reset(made(X509_dup(from.root.certificate.get()), "a certificate"));
    out.root.key = same_key(from.root.key.get());
    out.intermediate = issue(intermediate_application(now, of_intermediate),
                             same_key(from.intermediate.key.get()), &out.root);
    const auto& issuer = marks == Marks::leaf_by_root ? out.root : out.intermediate;
    const auto leaf = [&](const char* kind, const Holder& before) {
        auto application = leaf_application(kind, now, of_leaf);
        if (marks == Marks::leaf_cannot_sign) application.usage = "critical,keyEncipherment";
        return issue(application, same_key(before.key.get()), &issuer);
    };
    out.leaf_ec = leaf("ecc", from.leaf_ec);
    if (from.leaf_rsa.key) out.leaf_rsa = leaf("rsa", from.leaf_rsa);
    return out;
}

Holder new_developer_authority(Instant now) {
    return issue(authority("Simulated Worldwide Developer Relations CA", 0, now), new_ec_key(), nullptr);
}

Holder new_merchant_paper(PaperKind kind, const std::string& merchant_identifier, const Holder& authority,
                          Instant now, int days_less) {
    Application application;
    application.user_id = merchant_identifier;
    application.from = now - day;
    application.until = now + merchant_life - std::chrono::days(days_less);
    application.marks = {merchant_mark(merchant_identifier)};
    const bool is_identity = kind == PaperKind::identity;
    application.common_name = is_identity ? "Apple Pay Merchant Identity" : "Apple Pay Payment Processing";
    application.usage = is_identity ? "critical,digitalSignature" : "critical,keyEncipherment,keyAgreement";
    if (is_identity) application.extended = "clientAuth";
    auto key = kind == PaperKind::processing_ec ? new_ec_key() : new_rsa_key();
    return issue(application, std::move(key), &authority);
}

}  // namespace kassi::sandbox::apple
