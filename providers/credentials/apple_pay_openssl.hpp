#pragma once

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <string>
#include <string_view>

/// OpenSSL's things with an owner, and its bytes as ours.
namespace kassi::providers::apple_pay {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* thing) const {
        Free(thing);
    }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

inline void free_certificates(STACK_OF(X509) * all) {
    sk_X509_pop_free(all, X509_free);
}
/// The stack alone: what is in it belongs to somebody else.
inline void free_stack(STACK_OF(X509) * borrowed) {
    sk_X509_free(borrowed);
}

using Certificate = Owned<X509, X509_free>;
using Certificates = Owned<STACK_OF(X509), free_certificates>;
using BorrowedCertificates = Owned<STACK_OF(X509), free_stack>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Cms = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;
using Bio = Owned<BIO, BIO_free_all>;
using Store = Owned<X509_STORE, X509_STORE_free>;
using StoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using Object = Owned<ASN1_OBJECT, ASN1_OBJECT_free>;
using Cipher = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using Kdf = Owned<EVP_KDF, EVP_KDF_free>;
using KdfContext = Owned<EVP_KDF_CTX, EVP_KDF_CTX_free>;

inline const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
/// Reads from `text`, which must outlive it.
inline Bio reader_of(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

inline constexpr const char* leaf_mark = "1.2.840.113635.100.6.29";
inline constexpr const char* intermediate_mark = "1.2.840.113635.100.6.2.14";
inline constexpr const char* merchant_mark = "1.2.840.113635.100.6.32";

/// Where the extension is among the certificate's, -1 when it is not.
inline int extension_at(const X509* certificate, const char* dotted) {
    const Object object(OBJ_txt2obj(dotted, 1));
    return X509_get_ext_by_OBJ(certificate, object.get(), -1);
}

}  // namespace kassi::providers::apple_pay
