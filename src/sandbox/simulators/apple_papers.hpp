#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"

/// Certificates as Apple's authorities would make them.
namespace kassi::sandbox::apple {

template <auto Free>
struct Release {
    template <class T>
    void operator()(T* thing) const {
        Free(thing);
    }
};
using CertificateHandle = std::unique_ptr<X509, Release<X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using BioHandle = std::unique_ptr<BIO, Release<BIO_free_all>>;

/// A certificate and its key.
struct Holder {
    CertificateHandle certificate;
    KeyHandle key;
};

/// Stops with std::runtime_error: OpenSSL failed where it cannot.
void must(bool done, const char* what);
/// The same for what gives a thing.
template <class T>
T* made(T* thing, const char* what) {
    must(thing != nullptr, what);
    return thing;
}

KeyHandle new_ec_key(const char* curve = "P-256");
KeyHandle new_rsa_key();
KeyHandle same_key(EVP_PKEY* key);
/// DER of its SubjectPublicKeyInfo.
std::string public_der(EVP_PKEY* key);

/// An extension by its OID; `der` is its value.
struct Mark {
    std::string oid, der;
};

struct Application {
    std::string common_name;
    std::string user_id;  ///< UID of the subject, "" none
    Instant from{}, until{};
    int path_length = -1;     ///< of an authority; -1: it is none
    std::string usage;        ///< as OpenSSL spells it: "critical,digitalSignature"
    std::string extended;     ///< "clientAuth", "" none
    std::vector<Mark> marks;  ///< Apple's own extensions
};

/// Issued by `issuer`, or by itself where that is nullptr.
Holder issue(const Application& application, KeyHandle key, const Holder* issuer);

std::string certificate_pem(const Holder& holder);
Secret<> key_pem(const Holder& holder);

/// The root's world: who signs tokens.
struct Signers {
    Holder root, intermediate, leaf_ec, leaf_rsa;
};
enum class Marks : std::uint8_t {
    right,
    leaf_without,
    intermediate_without,
    swapped,
    leaf_has_both,  ///< and the intermediate none
    leaf_has_both_intermediate_own,
    intermediate_has_both_leaf_own,
    leaf_by_root,     ///< marks are right; its issuer is the root
    leaf_cannot_sign  ///< marks are right; its key is for something else
};
/// All new. `with_rsa` takes longer.
Signers new_signers(Instant now, bool with_rsa);
/// The same keys, root and names, other marks.
Signers marked_anew(const Signers& from, Marks marks, Instant now);
/// Over merchants' certificates.
Holder new_developer_authority(Instant now);

enum class PaperKind : std::uint8_t { processing_ec, processing_rsa, identity };
Holder new_merchant_paper(PaperKind kind, const std::string& merchant_identifier, const Holder& authority,
                          Instant now, int days_less);

}  // namespace kassi::sandbox::apple
