#include "base/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>

#include "base/encoding.hpp"

namespace kassi {

void wipe(void* data, std::size_t size) noexcept {
    OPENSSL_cleanse(data, size);
}

void SystemRandomness::fill(std::span<std::uint8_t> bytes) {
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error("the system's random generator failed");
}

namespace crypto {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t token_random_bytes = 16;

constexpr std::uint64_t scrypt_n = 16384;
constexpr std::uint64_t scrypt_r = 8;
constexpr std::uint64_t scrypt_p = 1;
constexpr std::size_t scrypt_salt_bytes = 16;
constexpr std::size_t scrypt_hash_bytes = 32;
// What a configured hash may ask for at most: 4 times our N, or the same work spread over p.
constexpr std::uint64_t scrypt_memory_bytes_max = 72 * 1024 * 1024;
constexpr std::uint64_t scrypt_p_max = 4;

/// OpenSSL failed where it cannot: out of memory, or a build without the algorithm.
[[noreturn]] void openssl_failed(const char* what) {
    char reason[256] = "";
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    throw std::runtime_error(std::string("OpenSSL: ") + what + ": " + reason);
}

// Fetched once and kept: an implicit fetch at every call costs more than a short digest. Never freed.
const EVP_MD* sha256_method() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (method == nullptr) openssl_failed("SHA256");
    return method;
}

const EVP_CIPHER* gcm_method() {
    static const EVP_CIPHER* const method = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    if (method == nullptr) openssl_failed("AES-256-GCM");
    return method;
}

struct DigestFree {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, DigestFree>;

DigestContext new_digest() {
    DigestContext context(EVP_MD_CTX_new());
    if (!context) openssl_failed("EVP_MD_CTX_new");
    return context;
}

struct MacFree {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacFree>;

MacContext new_hmac_sha256() {
    EVP_MAC* const method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    MacContext mac(EVP_MAC_CTX_new(method));
    EVP_MAC_free(method);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    if (!mac || EVP_MAC_CTX_set_params(mac.get(), parameters) != 1) openssl_failed("HMAC");
    return mac;
}

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

CipherContext new_cipher() {
    CipherContext cipher(EVP_CIPHER_CTX_new());
    if (!cipher) openssl_failed("EVP_CIPHER_CTX_new");
    return cipher;
}

const unsigned char* data_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* data_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

int size_of(std::string_view text) {
    KASSI_ENSURE(text.size() <= 0x7fffffff);
    return static_cast<int>(text.size());
}

std::string random_bytes(std::size_t count, Randomness& randomness) {
    std::string bytes(count, '\0');
    randomness.fill(std::span(data_of(bytes), count));
    return bytes;
}

bool scrypt(std::string_view password, std::string_view salt, std::uint64_t n, std::uint64_t r,
            std::uint64_t p, std::string& out) {
    // A null pointer would mean "only check the parameters".
    const char* const text = password.empty() ? "" : password.data();
    const bool done = EVP_PBE_scrypt(text, password.size(), data_of(salt), salt.size(), n, r, p,
                                     scrypt_memory_bytes_max, data_of(out), out.size()) == 1;
    if (!done) ERR_clear_error();
    return done;
}

/// Cuts the text up to the next '$' off `rest`.
std::string_view next_part(std::string_view& rest) {
    const auto end = rest.find('$');
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
}

bool read_number(std::string_view text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

struct PasswordHash {
    std::uint64_t n = 0, r = 0, p = 0;
    std::string salt, hash;
};

/// "scrypt$N$r$p$salt$hash" with costs that scrypt takes and that we can bear.
std::optional<PasswordHash> read_password_hash(std::string_view text) {
    PasswordHash out;
    if (next_part(text) != "scrypt" || !read_number(next_part(text), out.n) ||
        !read_number(next_part(text), out.r) || !read_number(next_part(text), out.p) || out.p > scrypt_p_max)
        return std::nullopt;
    auto salt = encoding::from_base64url(next_part(text), "salt");
    auto hash = encoding::from_base64url(text, "hash");
    if (!salt || !hash || hash->size() != scrypt_hash_bytes) return std::nullopt;
    // Without room for a key this only looks at the costs.
    if (EVP_PBE_scrypt(nullptr, 0, nullptr, 0, out.n, out.r, out.p, scrypt_memory_bytes_max, nullptr, 0) !=
        1) {
        ERR_clear_error();
        return std::nullopt;
    }
    out.salt = std::move(*salt);
    out.hash = std::move(*hash);
    return out;
}

std::string password_hash_text(std::string_view salt, std::string_view hash) {
    return "scrypt$" + std::to_string(scrypt_n) + "$" + std::to_string(scrypt_r) + "$" +
           std::to_string(scrypt_p) + "$" + encoding::base64url(salt) + "$" + encoding::base64url(hash);
}

}  // namespace

Digest sha256(std::string_view data) {
    thread_local const DigestContext context = new_digest();
    Digest digest{};
    const bool good = EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) == 1 &&
                      EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
                      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
    if (!good) openssl_failed("SHA256");
    return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view data) {
    // With the one-shot function three quarters of the time go into finding the method and the digest.
    thread_local const MacContext mac = new_hmac_sha256();
    Digest digest{};
    const char* const key_data = key.empty() ? "" : key.data();
    std::size_t written = 0;
    const bool good = EVP_MAC_init(mac.get(), data_of({key_data, key.size()}), key.size(), nullptr) == 1 &&
                      EVP_MAC_update(mac.get(), data_of(data), data.size()) == 1 &&
                      EVP_MAC_final(mac.get(), digest.data(), &written, digest.size()) == 1;
    if (!good || written != digest.size()) openssl_failed("HMAC");
    return digest;
}

std::string to_bytes(const Digest& digest) {
    return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

bool equal(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           (left.empty() || CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0);
}

std::string keyed_digest(std::string_view key, std::string_view text) {
    if (text.empty()) return {};
    static constexpr std::size_t kept_bytes = 16;
    return encoding::hex(to_bytes(hmac_sha256(key, text)).substr(0, kept_bytes));
}

std::string seal(std::string_view key, std::string_view context, std::string_view plain,
                 Randomness& randomness) {
    KASSI_ENSURE(key.size() == key_bytes);
    auto sealed = random_bytes(nonce_bytes, randomness);
    sealed.resize(nonce_bytes + plain.size() + tag_bytes);
    auto* const nonce = data_of(sealed);
    auto* const out = nonce + nonce_bytes;

    const auto cipher = new_cipher();
    int written = 0;
    bool good = EVP_EncryptInit_ex2(cipher.get(), gcm_method(), data_of(key), nonce, nullptr) == 1;
    if (!context.empty())
        good = good &&
               EVP_EncryptUpdate(cipher.get(), nullptr, &written, data_of(context), size_of(context)) == 1;
    if (!plain.empty())
        good = good && EVP_EncryptUpdate(cipher.get(), out, &written, data_of(plain), size_of(plain)) == 1;
    good = good && EVP_EncryptFinal_ex(cipher.get(), out + plain.size(), &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes),
                               out + plain.size()) == 1;
    if (!good) openssl_failed("AES-256-GCM");
    return sealed;
}

Result<std::string> open(std::string_view key, std::string_view context, std::string_view sealed) {
    const Error closed{ErrorKind::internal, "", "a sealed value cannot be opened"};
    if (key.size() != key_bytes || sealed.size() < nonce_bytes + tag_bytes) return closed;
    const auto nonce = sealed.substr(0, nonce_bytes);
    const auto text = sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
    std::string tag(sealed.substr(sealed.size() - tag_bytes));

    const auto cipher = new_cipher();
    std::string plain(text.size(), '\0');
    unsigned char end[tag_bytes];
    int written = 0;
    bool good = EVP_DecryptInit_ex2(cipher.get(), gcm_method(), data_of(key), data_of(nonce), nullptr) == 1;
    if (!context.empty())
        good = good &&
               EVP_DecryptUpdate(cipher.get(), nullptr, &written, data_of(context), size_of(context)) == 1;
    if (!text.empty())
        good = good &&
               EVP_DecryptUpdate(cipher.get(), data_of(plain), &written, data_of(text), size_of(text)) == 1;
    good = good &&
           EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes), tag.data()) ==
               1 &&
           EVP_DecryptFinal_ex(cipher.get(), end, &written) == 1;
    if (!good) {
        wipe(plain.data(), plain.size());  // not authentic: nobody may see what it looks like
        ERR_clear_error();
        return closed;
    }
    return plain;
}

std::string hash_password(std::string_view password, Randomness& randomness) {
    const auto salt = random_bytes(scrypt_salt_bytes, randomness);
    std::string hash(scrypt_hash_bytes, '\0');
    if (!scrypt(password, salt, scrypt_n, scrypt_r, scrypt_p, hash)) openssl_failed("scrypt");
    return password_hash_text(salt, hash);
}

std::string nobodys_password_hash(Randomness& randomness) {
    return password_hash_text(random_bytes(scrypt_salt_bytes, randomness),
                              random_bytes(scrypt_hash_bytes, randomness));
}

bool is_password_hash(std::string_view text) {
    return read_password_hash(text).has_value();
}

bool check_password(std::string_view password, std::string_view hash) {
    const auto wanted = read_password_hash(hash);
    if (!wanted) return false;
    std::string found(scrypt_hash_bytes, '\0');
    return scrypt(password, wanted->salt, wanted->n, wanted->r, wanted->p, found) &&
           equal(found, wanted->hash);
}

std::string mint_token(Randomness& randomness) {
    return encoding::base64url(random_bytes(token_random_bytes, randomness));
}

}  // namespace crypto
}  // namespace kassi
