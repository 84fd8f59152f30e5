#include "providers/credentials/apple_pay_signature.hpp"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <ctime>

#include "providers/credentials/apple_pay_encoding.hpp"

namespace kassi::providers::apple_pay {
namespace {

constexpr int chain_certificates = 3;

/// The signature's parts. The CMS owns the signer.
struct Parts {
    Cms cms;
    Certificates certificates;
    CMS_SignerInfo* signer = nullptr;
    X509* leaf = nullptr;
    X509* intermediate = nullptr;
};

/// CMS SignedData, BER or DER, to its last byte; without content; one signer with signed attributes; two
/// certificates.
bool read_parts(const Form& form, Parts& parts) {
    const auto* next = bytes_of(form.signature);
    const auto* const end = next + form.signature.size();
    parts.cms.reset(d2i_CMS_ContentInfo(nullptr, &next, static_cast<long>(form.signature.size())));
    if (!parts.cms || next != end) return false;
    if (OBJ_obj2nid(CMS_get0_eContentType(parts.cms.get())) != NID_pkcs7_data) return false;
    if (CMS_is_detached(parts.cms.get()) != 1) return false;
    const auto* signers = CMS_get0_SignerInfos(parts.cms.get());
    if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1) return false;
    parts.signer = sk_CMS_SignerInfo_value(signers, 0);
    // Without attributes the signature would be over the message itself, and would have no time.
    if (CMS_signed_get_attr_count(parts.signer) <= 0) return false;
    parts.certificates.reset(CMS_get1_certs(parts.cms.get()));
    return parts.certificates && sk_X509_num(parts.certificates.get()) == 2 &&
           has_exact_frame(form.signature, parts.signer, parts.certificates.get());
}

/// The one that has the mark, nullptr when none has it or both.
X509* marked(const Parts& parts, const char* mark) {
    X509* found = nullptr;
    for (int i = 0; i < sk_X509_num(parts.certificates.get()); ++i) {
        auto* const certificate = sk_X509_value(parts.certificates.get(), i);
        if (extension_at(certificate, mark) < 0) continue;
        if (found != nullptr) return nullptr;
        found = certificate;
    }
    return found;
}

/// Version, the signer's key, and the algorithms that it signed with.
bool fits_version(const Parts& parts, Version version) {
    X509_ALGOR* digest = nullptr;
    X509_ALGOR* signature = nullptr;
    CMS_SignerInfo_get0_algs(parts.signer, nullptr, nullptr, &digest, &signature);
    const auto* const key = X509_get0_pubkey(parts.leaf);
    if (key == nullptr || digest == nullptr || signature == nullptr) return false;
    if (OBJ_obj2nid(digest->algorithm) != NID_sha256) return false;
    const int algorithm = OBJ_obj2nid(signature->algorithm);
    switch (version) {
        case Version::ec_v1:
            return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && algorithm == NID_ecdsa_with_SHA256;
        case Version::rsa_v1:
            // RFC 3370: with the digest in its own field, the plain name of RSA means the same.
            return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
                   (algorithm == NID_sha256WithRSAEncryption || algorithm == NID_rsaEncryption);
    }
    return false;
}

/// The signer is this certificate's, named by issuer and serial number to the last byte: OpenSSL's own
/// comparison does not see whether letters of a name are large or small.
bool is_signer(const Parts& parts, X509* certificate) {
    X509_NAME* issuer = nullptr;
    if (CMS_SignerInfo_cert_cmp(parts.signer, certificate) != 0) return false;
    if (CMS_SignerInfo_get0_signer_id(parts.signer, nullptr, &issuer, nullptr) != 1 || issuer == nullptr)
        return false;
    const unsigned char* named = nullptr;
    const unsigned char* own = nullptr;
    std::size_t named_bytes = 0;
    std::size_t own_bytes = 0;
    return X509_NAME_get0_der(issuer, &named, &named_bytes) == 1 &&
           X509_NAME_get0_der(X509_get_issuer_name(certificate), &own, &own_bytes) == 1 &&
           named_bytes == own_bytes && std::memcmp(named, own, own_bytes) == 0;
}

bool find_certificates(Parts& parts, Version version) {
    parts.leaf = marked(parts, leaf_mark);
    parts.intermediate = marked(parts, intermediate_mark);
    if (parts.leaf == nullptr || parts.intermediate == nullptr || parts.leaf == parts.intermediate)
        return false;
    return is_signer(parts, parts.leaf) && fits_version(parts, version);
}

/// Leaf, intermediate, root, and no other way.
bool leads_to_root(const Parts& parts, X509* root, Instant at) {
    const Store store(X509_STORE_new());
    const BorrowedCertificates others(sk_X509_new_null());
    const StoreContext context(X509_STORE_CTX_new());
    if (!store || !others || !context) return false;
    if (X509_STORE_add_cert(store.get(), root) != 1) return false;
    if (sk_X509_push(others.get(), parts.intermediate) <= 0) return false;
    if (X509_STORE_CTX_init(context.get(), store.get(), parts.leaf, others.get()) != 1) return false;
    auto* const rules = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(
        rules, static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()));
    if (X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SMIME_SIGN) != 1) return false;
    if (X509_verify_cert(context.get()) != 1) return false;
    // Nothing else than the intermediate can be between the two.
    return sk_X509_num(X509_STORE_CTX_get0_chain(context.get())) == chain_certificates;
}

/// The attributes' digest is the message's, and the leaf signed the attributes.
bool signed_the_message(const Parts& parts, const Form& form) {
    const BorrowedCertificates only_leaf(sk_X509_new_null());
    if (!only_leaf || sk_X509_push(only_leaf.get(), parts.leaf) <= 0) return false;
    const auto message = form.message();
    const auto reader = reader_of(message);
    // The chain was checked, with rules of its own; nobody but the leaf is a signer.
    constexpr unsigned flags = CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY;
    return CMS_verify(parts.cms.get(), only_leaf.get(), nullptr, reader.get(), nullptr, flags) == 1;
}

/// The one signingTime of the signed attributes.
bool read_signing_time(const Parts& parts, Instant& out) {
    constexpr int one_with_one_value = -3;
    const auto* object = OBJ_nid2obj(NID_pkcs9_signingTime);
    for (const int type : {V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME}) {
        const auto* const time = static_cast<const ASN1_TIME*>(
            CMS_signed_get0_data_by_OBJ(parts.signer, object, one_with_one_value, type));
        if (time == nullptr) continue;
        std::tm parts_of_it{};
        if (ASN1_TIME_to_tm(time, &parts_of_it) != 1) return false;
        const std::chrono::year_month_day day{
            std::chrono::year(parts_of_it.tm_year + 1900),
            std::chrono::month(static_cast<unsigned>(parts_of_it.tm_mon + 1)),
            std::chrono::day(static_cast<unsigned>(parts_of_it.tm_mday))};
        if (!day.ok()) return false;
        out = std::chrono::sys_days(day) + std::chrono::hours(parts_of_it.tm_hour) +
              std::chrono::minutes(parts_of_it.tm_min) + std::chrono::seconds(parts_of_it.tm_sec);
        return true;
    }
    return false;
}

bool is_fresh(Instant signed_at, Instant at) {
    return at - signed_at <= freshness && signed_at - at <= future_skew;
}

}  // namespace

std::optional<Check> check_signature(const Form& form, X509* root, Instant at, Instant& signed_at) {
    Parts parts;
    if (!read_parts(form, parts)) return Check::signature_form;
    if (!find_certificates(parts, form.version)) return Check::certificates;
    if (!leads_to_root(parts, root, at)) return Check::chain;
    if (!signed_the_message(parts, form)) return Check::signature;
    if (!read_signing_time(parts, signed_at) || !is_fresh(signed_at, at)) return Check::age;
    return std::nullopt;
}

}  // namespace kassi::providers::apple_pay
