#include "sandbox/simulators/apple_device.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "sandbox/simulators/apple_papers.hpp"
#include "sandbox/simulators/apple_signature.hpp"

namespace kassi::sandbox::apple {
namespace {

using KeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using CipherHandle = std::unique_ptr<EVP_CIPHER_CTX, Release<EVP_CIPHER_CTX_free>>;

constexpr std::size_t tag_bytes = 16;
constexpr std::size_t hash_bytes = 32;
constexpr std::size_t cryptogram_bytes = 20;
constexpr std::size_t rsa_version_key_bytes = 16;
constexpr int leading_zero_tries_max = 20'000;  ///< one of 256 has it

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    must(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1,
         "random bytes");
    return bytes;
}

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes_of(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// ---- the merchant's certificate --------------------------------------------------------------------------
struct Recipient {
    CertificateHandle certificate;
    EVP_PKEY* key = nullptr;   ///< the certificate's
    std::string merchant_hex;  ///< as the certificate has it
};

Recipient recipient_of(const Order& order) {
    const auto& pem = order.processing_certificate_pem;
    const BioHandle reader(made(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "memory"));
    Recipient out;
    out.certificate.reset(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!out.certificate) throw std::invalid_argument("the order has no processing certificate");
    out.key = X509_get0_pubkey(out.certificate.get());
    const int wanted = order.version == Version::ec_v1 ? EVP_PKEY_EC : EVP_PKEY_RSA;
    if (EVP_PKEY_get_base_id(out.key) != wanted)
        throw std::invalid_argument("the processing certificate is of the other version");
    const std::unique_ptr<ASN1_OBJECT, Release<ASN1_OBJECT_free>> mark(
        OBJ_txt2obj("1.2.840.113635.100.6.32", 1));
    const int at = X509_get_ext_by_OBJ(out.certificate.get(), mark.get(), -1);
    if (at < 0) throw std::invalid_argument("the processing certificate names no merchant");
    const auto* value = X509_EXTENSION_get_data(X509_get_ext(out.certificate.get(), at));
    out.merchant_hex.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                            static_cast<std::size_t>(ASN1_STRING_length(value)));
    out.merchant_hex.erase(0, 2);  // tag and length of the text
    return out;
}

// ---- what is encrypted -----------------------------------------------------------------------------------
std::string content_of(const Order& order) {
    if (order.flaw == Flaw::no_data) return {};
    if (!order.content.empty()) return order.content;
    JsonWriter json;
    json.begin_object()
        .field("applicationPrimaryAccountNumber", order.number)
        .field("applicationExpirationDate", order.expiry)
        .field("currencyCode", order.currency)
        .key("transactionAmount")
        .raw(order.amount)
        .field("deviceManufacturerIdentifier", "040010030273")
        .field("paymentDataType", order.payment_data_type)
        .key("paymentData")
        .begin_object();
    if (order.payment_data_type == "EMV") {
        json.field("emvData", encoding::base64(random_bytes(hash_bytes)));
    } else {
        json.field("onlinePaymentCryptogram", order.cryptogram.empty()
                                                  ? encoding::base64(random_bytes(cryptogram_bytes))
                                                  : order.cryptogram);
        if (order.eci) json.field("eciIndicator", *order.eci);
    }
    json.end_object().end_object();
    auto text = json.take();
    if (!order.more_members.empty()) text.insert(text.size() - 1, "," + order.more_members);
    return text;
}

// ---- keys ------------------------------------------------------------------------------------------------
/// What the header says of the key, and the key itself.
struct Wrapped {
    std::string header, key;
};

std::string shared_secret(EVP_PKEY* ours, EVP_PKEY* theirs) {
    const KeyContextHandle context(made(EVP_PKEY_CTX_new(ours, nullptr), "an agreement"));
    std::string secret(hash_bytes, '\0');
    std::size_t size = secret.size();
    must(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), theirs) == 1 &&
             EVP_PKEY_derive(context.get(), bytes_of(secret), &size) == 1 && size == secret.size(),
         "an agreement");
    return secret;
}

/// SHA-256 over counter, secret, and who is meant.
std::string ec_key(const std::string& secret, const Recipient& to, const Order& order) {
    std::string input("\0\0\0\1", 4);
    input += secret;
    input += "\x0d";
    input += "id-aes256-GCM";
    input += "Apple";
    input += order.flaw == Flaw::party_as_text ? to.merchant_hex : *encoding::from_hex(to.merchant_hex, "");
    return crypto::to_bytes(crypto::sha256(input));
}

Wrapped wrap_ec(const Recipient& to, const Order& order) {
    if (order.flaw == Flaw::other_curve)
        return {public_der(new_ec_key("P-384").get()), random_bytes(hash_bytes)};
    auto ephemeral = new_ec_key();
    auto secret = shared_secret(ephemeral.get(), to.key);
    for (int i = 0; order.leading_zero && secret.front() != '\0'; ++i) {
        must(i < leading_zero_tries_max, "a secret that begins with zero");
        ephemeral = new_ec_key();
        secret = shared_secret(ephemeral.get(), to.key);
    }
    if (order.flaw == Flaw::compressed_key || order.flaw == Flaw::hybrid_key) {
        const char* form = order.flaw == Flaw::compressed_key
                               ? OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED
                               : OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_HYBRID;
        must(EVP_PKEY_set_utf8_string_param(ephemeral.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                            form) == 1,
             "a point in another form");
    }
    auto header = public_der(ephemeral.get());
    if (order.flaw == Flaw::key_with_more_behind) header += '\0';
    if (order.flaw == Flaw::ephemeral_not_on_curve) header.back() = static_cast<char>(header.back() ^ 1);
    return {std::move(header), ec_key(secret, to, order)};
}

Wrapped wrap_rsa(const Recipient& to, const Order& order) {
    const bool long_key = order.flaw == Flaw::key_of_32_bytes;
    Wrapped out{std::string(static_cast<std::size_t>(EVP_PKEY_get_size(to.key)), '\0'),
                random_bytes(long_key ? hash_bytes : rsa_version_key_bytes)};
    const auto* digest = order.flaw == Flaw::oaep_sha1 ? EVP_sha1() : EVP_sha256();
    const KeyContextHandle context(made(EVP_PKEY_CTX_new(to.key, nullptr), "a wrapped key"));
    std::size_t size = out.header.size();
    must(EVP_PKEY_encrypt_init(context.get()) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest) == 1 &&
             EVP_PKEY_encrypt(context.get(), bytes_of(out.header), &size, bytes_of(out.key),
                              out.key.size()) == 1,
         "a wrapped key");
    return out;
}

/// AES-GCM; the tag behind.
std::string encrypt(const std::string& plain, const std::string& key, const Order& order) {
    const std::array<unsigned char, 16> zeros{};
    const int iv_bytes = order.flaw == Flaw::short_iv ? 12 : 16;
    const auto* method = key.size() == rsa_version_key_bytes ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    const CipherHandle cipher(made(EVP_CIPHER_CTX_new(), "a cipher"));
    std::string out(plain.size() + tag_bytes, '\0');
    int written = 0;
    int rest = 0;
    must(EVP_EncryptInit_ex(cipher.get(), method, nullptr, nullptr, nullptr) == 1 &&
             EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_IVLEN, iv_bytes, nullptr) == 1 &&
             EVP_EncryptInit_ex(cipher.get(), nullptr, nullptr, bytes_of(key), zeros.data()) == 1 &&
             EVP_EncryptUpdate(cipher.get(), bytes_of(out), &written, bytes_of(plain),
                               static_cast<int>(plain.size())) == 1 &&
             EVP_EncryptFinal_ex(cipher.get(), bytes_of(out) + written, &rest) == 1 &&
             EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_bytes),
                                 bytes_of(out) + plain.size()) == 1,
         "cipher text");
    if (order.flaw == Flaw::tag_flipped) out.back() = static_cast<char>(out.back() ^ 1);
    return out;
}

// ---- the token -------------------------------------------------------------------------------------------
void check_order(const Order& order) {
    const bool is_ec = order.version == Version::ec_v1;
    const bool ec_only = order.flaw == Flaw::party_as_text || order.flaw == Flaw::other_curve ||
                         order.flaw == Flaw::ephemeral_not_on_curve || order.flaw == Flaw::compressed_key ||
                         order.flaw == Flaw::hybrid_key || order.flaw == Flaw::key_with_more_behind ||
                         order.flaw == Flaw::wrapped_key_in_ec;
    const bool rsa_only =
        order.flaw == Flaw::pss || order.flaw == Flaw::key_of_32_bytes || order.flaw == Flaw::oaep_sha1;
    if ((ec_only && !is_ec) || (rsa_only && is_ec))
        throw std::invalid_argument("a flaw of the other version");
    if (order.flaw == Flaw::other_application_data && order.application_data.empty())
        throw std::invalid_argument("the order has no application data");
    if (order.leading_zero && !is_ec) throw std::invalid_argument("only EC_v1 has a shared secret");
}

std::string printed(const Order& order, const Wrapped& wrapped, const std::string& data,
                    const std::string& signature, const std::string& key_hash,
                    const std::string& transaction_id, const std::string& application_data) {
    const bool is_ec = order.version == Version::ec_v1;
    const bool unpadded = order.flaw == Flaw::unpadded_base64;
    const bool needs_padding = signature.size() % 3 != 0;
    auto signature_text = encoding::base64(unpadded && !needs_padding ? signature + '\0' : signature);
    if (unpadded) signature_text.erase(signature_text.find_last_not_of('=') + 1);
    JsonWriter json;
    json.begin_object()
        .field("version", order.flaw == Flaw::unknown_version ? "EC_v2"
                          : is_ec                             ? "EC_v1"
                                                              : "RSA_v1")
        .field("data", encoding::base64(data))
        .field("signature", signature_text)
        .key("header")
        .begin_object()
        .field(is_ec ? "ephemeralPublicKey" : "wrappedKey", encoding::base64(wrapped.header))
        .field("publicKeyHash", encoding::base64(key_hash))
        .field("transactionId", transaction_id);
    if (order.flaw == Flaw::wrapped_key_in_ec) json.field("wrappedKey", encoding::base64(wrapped.header));
    if (!application_data.empty()) json.field("applicationData", encoding::hex(application_data));
    return json.end_object().end_object().take();
}

}  // namespace

struct AppleWorld::State {
    Signers signers;
    Holder developers;

    /// In the order of pem().
    std::array<Holder*, 5> all() {
        return {&signers.root, &signers.intermediate, &signers.leaf_ec, &signers.leaf_rsa, &developers};
    }
};

AppleWorld::AppleWorld(std::unique_ptr<State> state) : state_(std::move(state)) {}
AppleWorld::~AppleWorld() = default;
AppleWorld::AppleWorld(AppleWorld&&) noexcept = default;
AppleWorld& AppleWorld::operator=(AppleWorld&&) noexcept = default;

AppleWorld AppleWorld::make(Instant now) {
    auto state = std::make_unique<State>();
    state->signers = new_signers(now, true);
    state->developers = new_developer_authority(now);
    return AppleWorld(std::move(state));
}

Secret<> AppleWorld::pem() const {
    std::string out;
    for (const auto* holder : state_->all()) out += certificate_pem(*holder) + key_pem(*holder).reveal();
    return Secret<>{std::move(out)};
}

Result<AppleWorld> AppleWorld::read(std::string_view pem, std::string_view field) {
    auto state = std::make_unique<State>();
    const BioHandle reader(made(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "memory"));
    const auto no_password = [](char*, int, int, void*) { return 0; };
    for (auto* holder : state->all()) {
        holder->certificate.reset(PEM_read_bio_X509(reader.get(), nullptr, no_password, nullptr));
        holder->key.reset(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_password, nullptr));
        const bool good = holder->certificate && holder->key &&
                          X509_check_private_key(holder->certificate.get(), holder->key.get()) == 1;
        ERR_clear_error();
        if (!good)
            return bad_request(std::string(field), "is not the certificates and keys of a simulated Apple");
    }
    return AppleWorld(std::move(state));
}

std::string AppleWorld::root_pem() const {
    return certificate_pem(state_->signers.root);
}

std::string AppleWorld::developer_authority_pem() const {
    return certificate_pem(state_->developers);
}

Papers AppleWorld::issue(const std::string& merchant_identifier, Instant now, int days_less) const {
    const auto paper = [&](PaperKind kind) {
        const auto holder = new_merchant_paper(kind, merchant_identifier, state_->developers, now, days_less);
        return Paper{certificate_pem(holder), key_pem(holder)};
    };
    return {merchant_identifier, paper(PaperKind::processing_ec), paper(PaperKind::processing_rsa),
            paper(PaperKind::identity)};
}

std::string AppleWorld::token(const Order& order) const {
    check_order(order);
    if (order.flaw == Flaw::empty_payment_data) return "{}";
    const auto recipient = recipient_of(order);
    const auto wrapped =
        order.version == Version::ec_v1 ? wrap_ec(recipient, order) : wrap_rsa(recipient, order);
    const auto key_bytes = order.version == Version::ec_v1 ? hash_bytes : rsa_version_key_bytes;
    const auto data = encrypt(content_of(order), wrapped.key.substr(0, key_bytes), order);
    auto transaction_id =
        order.transaction_id.empty() ? encoding::hex(random_bytes(hash_bytes)) : order.transaction_id;
    auto application_data = order.application_data.empty()
                                ? std::string()
                                : crypto::to_bytes(crypto::sha256(order.application_data));
    const auto message = wrapped.header + data + *encoding::from_hex(transaction_id, "") + application_data;
    const auto signature = sign(order, state_->signers, message);
    if (order.flaw == Flaw::other_transaction_id) transaction_id = encoding::hex(random_bytes(hash_bytes));
    if (order.flaw == Flaw::other_application_data) application_data = random_bytes(hash_bytes);
    const auto key_hash = order.flaw == Flaw::wrong_key_hash
                              ? random_bytes(hash_bytes)
                              : crypto::to_bytes(crypto::sha256(public_der(recipient.key)));
    return printed(order, wrapped, data, signature, key_hash, transaction_id, application_data);
}

std::string AppleWorld::browser_token(std::string_view payment_data, std::string_view network,
                                      std::string_view transaction_identifier) {
    constexpr std::string_view name = "\"transactionId\":\"";
    std::string identifier(transaction_identifier);
    const auto at = payment_data.find(name);
    if (identifier.empty() && at != std::string_view::npos)
        identifier = payment_data.substr(at + name.size(), 2 * hash_bytes);
    return JsonWriter()
        .begin_object()
        .key("paymentData")
        .raw(payment_data)
        .key("paymentMethod")
        .begin_object()
        .field("displayName", std::string(network) + " 1234")
        .field("network", network)
        .field("type", "debit")
        .end_object()
        .field("transactionIdentifier", identifier)
        .end_object()
        .take();
}

}  // namespace kassi::sandbox::apple
