#include "providers/credentials/apple_pay_open.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "providers/credentials/apple_pay_certificate.hpp"

namespace kassi::providers::apple_pay {
namespace {

constexpr std::size_t pem_bytes_max = 32 * 1024;
constexpr std::size_t ec_key_bytes = 32;   ///< AES-256
constexpr std::size_t rsa_key_bytes = 16;  ///< AES-128
constexpr std::size_t shared_secret_bytes = 32;
constexpr int rsa_bits_min = 2048;
constexpr std::size_t rsa_bytes_max = 1024;
/// Everything before the two coordinates in the SubjectPublicKeyInfo of a point on P-256, uncompressed.
constexpr unsigned char p256_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::size_t p256_key_bytes = 91;

/// Bytes that are overwritten when they go.
template <std::size_t size>
struct WipedBytes {
    std::array<unsigned char, size> bytes{};
    WipedBytes() = default;
    ~WipedBytes() { wipe(bytes.data(), bytes.size()); }
    WipedBytes(const WipedBytes&) = delete;
    WipedBytes& operator=(const WipedBytes&) = delete;
};

/// A key without a password; nobody is asked for one.
int no_password(char*, int, int, void*) {
    return 0;
}

bool is_p256(const EVP_PKEY* key) {
    char group[32] = "";
    std::size_t length = 0;
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1 &&
           std::string_view(group, length) == SN_X9_62_prime256v1;
}

bool is_rsa(const EVP_PKEY* key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= rsa_bits_min;
}

/// SHA-256 of the DER that a certificate has of its key.
std::string public_key_hash(const X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) return {};
    auto hash = crypto::to_bytes(
        crypto::sha256(std::string_view(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size))));
    OPENSSL_free(der);
    return hash;
}

/// x coordinate of the shared point: always 32 bytes, zeros in front kept.
bool agree(const Form& form, EVP_PKEY* ours, WipedBytes<shared_secret_bytes>& secret) {
    const std::string_view prefix(reinterpret_cast<const char*>(p256_prefix), sizeof p256_prefix);
    if (form.key.size() != p256_key_bytes || !form.key.starts_with(prefix)) return false;
    const auto* next = bytes_of(form.key);
    const Key theirs(d2i_PUBKEY(nullptr, &next, static_cast<long>(form.key.size())));  // a point of the curve
    if (!theirs) return false;
    const KeyContext context(EVP_PKEY_CTX_new(ours, nullptr));
    std::size_t size = secret.bytes.size();
    return context && EVP_PKEY_derive_init(context.get()) == 1 &&
           EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
           EVP_PKEY_derive(context.get(), secret.bytes.data(), &size) == 1 && size == secret.bytes.size();
}

/// NIST SP 800-56A, one step, SHA-256.
bool derive(WipedBytes<shared_secret_bytes>& secret, const std::string& merchant_hash, unsigned char* key) {
    using namespace std::string_literals;
    std::string info = "\x0d" + "id-aes256-GCM"s + "Apple"s + merchant_hash;
    const Kdf kdf(EVP_KDF_fetch(nullptr, "SSKDF", nullptr));
    const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.bytes.data(), secret.bytes.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end()};
    return context && EVP_KDF_derive(context.get(), key, ec_key_bytes, parameters) == 1;
}

/// RSAES-OAEP, SHA-256 twice, no label: a key of 16 bytes.
bool unwrap(const Form& form, EVP_PKEY* ours, unsigned char* key) {
    WipedBytes<rsa_bytes_max> room;
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(ours));
    if (form.key.size() != size || size > room.bytes.size()) return false;
    const KeyContext context(EVP_PKEY_CTX_new(ours, nullptr));
    const bool good =
        context && EVP_PKEY_decrypt_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) == 1 &&
        EVP_PKEY_decrypt(context.get(), room.bytes.data(), &size, bytes_of(form.key), form.key.size()) == 1;
    if (!good || size != rsa_key_bytes) return false;
    std::copy_n(room.bytes.data(), size, key);
    return true;
}

/// AES-GCM with a nonce of 16 zero bytes: each token has a key of its own.
std::optional<Secret<>> open_data(const Form& form, const unsigned char* key, const EVP_CIPHER* method) {
    constexpr std::array<unsigned char, 16> nonce{};
    const std::string_view text(form.data.data(), form.data.size() - tag_bytes);
    std::string tag = form.data.substr(text.size());
    std::string plain(text.size() + tag_bytes, '\0');
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int written = 0;
    int rest = 0;
    const bool good = cipher && EVP_DecryptInit_ex(cipher.get(), method, nullptr, nullptr, nullptr) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_IVLEN,
                                          static_cast<int>(nonce.size()), nullptr) == 1 &&
                      EVP_DecryptInit_ex(cipher.get(), nullptr, nullptr, key, nonce.data()) == 1 &&
                      EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &written, bytes_of(text),
                                        static_cast<int>(text.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                                          tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + written, &rest) == 1;
    Secret<> opened{std::move(plain)};  // wiped either way
    if (!good) return std::nullopt;
    return Secret<>{opened.reveal().substr(0, static_cast<std::size_t>(written + rest))};
}

}  // namespace

Certificate read_certificate(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return nullptr;
    const auto reader = reader_of(pem);
    return Certificate(PEM_read_bio_X509(reader.get(), nullptr, no_password, nullptr));
}

bool is_of_merchant(const X509* certificate, const std::string& merchant_hash) {
    const int at = extension_at(certificate, merchant_mark);
    if (at < 0) return false;
    const auto* value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    const std::string_view der(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                               static_cast<std::size_t>(ASN1_STRING_length(value)));
    constexpr std::string_view text_of_64("\x0c\x40");
    return der.starts_with(text_of_64) &&
           ascii_lower(der.substr(text_of_64.size())) == encoding::hex(merchant_hash);
}

std::string merchant_identifier_of(std::string_view certificate_pem) {
    const auto certificate = read_certificate(certificate_pem);
    if (!certificate) return {};
    auto* const subject = X509_get_subject_name(certificate.get());
    const int at = X509_NAME_get_index_by_NID(subject, NID_userId, -1);
    if (at < 0) return {};
    const auto* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

Result<MerchantKey> read_key(const ProcessingKey& from, const std::string& merchant_hash,
                             const std::string& field) {
    const auto wrong = [&](const char* member, const char* why) { return bad_request(field + member, why); };
    const auto certificate = read_certificate(from.certificate_pem);
    if (!certificate) return wrong(".certificate", "is no certificate in PEM");
    if (from.private_key_pem.reveal().size() > pem_bytes_max) return wrong(".key", "is too large");
    const auto reader = reader_of(from.private_key_pem.reveal());
    MerchantKey out;
    out.key.reset(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_password, nullptr));
    if (!out.key) return wrong(".key", "is no private key in PEM without a password");
    if (!is_p256(out.key.get()) && !is_rsa(out.key.get()))
        return wrong(".key", "is neither of P-256 nor of RSA with 2048 bits or more");
    if (X509_check_private_key(certificate.get(), out.key.get()) != 1)
        return wrong(".key", "does not belong to the certificate");
    if (!is_of_merchant(certificate.get(), merchant_hash))
        return wrong(".certificate", "is not for payments of this merchant identifier");
    out.version = is_rsa(out.key.get()) ? Version::rsa_v1 : Version::ec_v1;
    out.public_key_hash = public_key_hash(certificate.get());
    return out;
}

const MerchantKey* find_key(const std::vector<MerchantKey>& keys, const Form& form) {
    for (const auto& key : keys)
        if (key.version == form.version && crypto::equal(key.public_key_hash, form.public_key_hash))
            return &key;
    return nullptr;
}

std::optional<Secret<>> decrypt(const Form& form, const MerchantKey& key, const std::string& merchant_hash) {
    switch (form.version) {
        case Version::ec_v1: {
            WipedBytes<shared_secret_bytes> secret;
            WipedBytes<ec_key_bytes> content_key;
            if (!agree(form, key.key.get(), secret) ||
                !derive(secret, merchant_hash, content_key.bytes.data()))
                return std::nullopt;
            return open_data(form, content_key.bytes.data(), EVP_aes_256_gcm());
        }
        case Version::rsa_v1: {
            WipedBytes<rsa_key_bytes> content_key;
            if (!unwrap(form, key.key.get(), content_key.bytes.data())) return std::nullopt;
            return open_data(form, content_key.bytes.data(), EVP_aes_128_gcm());
        }
    }
    return std::nullopt;
}

}  // namespace kassi::providers::apple_pay
