#include "providers/credentials/apple_pay.hpp"

#include <openssl/err.h>

#include <variant>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "providers/credentials/apple_pay_content.hpp"
#include "providers/credentials/apple_pay_form.hpp"
#include "providers/credentials/apple_pay_open.hpp"
#include "providers/credentials/apple_pay_openssl.hpp"
#include "providers/credentials/apple_pay_root.hpp"
#include "providers/credentials/apple_pay_signature.hpp"

namespace kassi::providers::apple_pay {
namespace {

constexpr std::size_t keys_max = 8;
constexpr std::size_t identifier_bytes_max = 256;

/// What OpenSSL remembers of a refused token is nobody's business later.
struct ErrorsForgotten {
    ErrorsForgotten() = default;
    ~ErrorsForgotten() { ERR_clear_error(); }
    ErrorsForgotten(const ErrorsForgotten&) = delete;
    ErrorsForgotten& operator=(const ErrorsForgotten&) = delete;
};

std::string fingerprint_of(const X509* certificate) {
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned int size = 0;
    if (X509_digest(certificate, EVP_sha256(), bytes_of(digest), &size) != 1) return {};
    return encoding::hex(std::string_view(digest).substr(0, size));
}

/// Its own words for what people can put right; for the rest only the step.
Error refusal(Check step) {
    return bad_request(std::string(credential_kind),
                       "is not accepted; this does not hold: " + std::string(title(step)));
}

}  // namespace

struct Verifier::State {
    std::string merchant_identifier;
    std::string merchant_hash;  ///< 32 bytes
    Certificate root;
    bool is_apples = false;
    std::vector<MerchantKey> keys;
    Exponents exponents;

    using Outcome = std::variant<Opened, Failure>;

    /// `at` nullopt: who signed it and when was checked before.
    [[nodiscard]] Outcome run(std::string_view token, std::optional<Instant> at) const {
        const ErrorsForgotten at_the_end;
        auto form = read_form(token);
        if (!form) return Failure{Check::form, std::move(form.error())};
        Instant signed_at{};
        if (at)
            if (const auto failed = check_signature(*form, root.get(), *at, signed_at))
                return Failure{*failed, refusal(*failed)};
        const auto* key = find_key(keys, *form);
        if (key == nullptr) return Failure{Check::key, refusal(Check::key)};
        const auto plain = decrypt(*form, *key, merchant_hash);
        if (!plain) return Failure{Check::decryption, refusal(Check::decryption)};
        auto opened = read_content(plain->reveal(), exponents);
        if (!opened) return Failure{Check::content, std::move(opened.error())};
        opened->transaction_id = encoding::hex(form->transaction_id);
        opened->application_data_hash = encoding::hex(form->application_data);
        opened->signed_at = signed_at;
        return std::move(*opened);
    }

    [[nodiscard]] Result<Opened> result(std::string_view token, std::optional<Instant> at) const {
        auto outcome = run(token, at);
        if (auto* failure = std::get_if<Failure>(&outcome)) return std::move(failure->error);
        return std::move(std::get<Opened>(outcome));
    }
};

std::string_view title(Check check) {
    switch (check) {
        case Check::form:
            return "The token is well-formed";
        case Check::signature_form:
            return "The signature is a detached one with one signer and two certificates";
        case Check::certificates:
            return "The signature's certificates are Apple's leaf and intermediate, and the leaf signed";
        case Check::chain:
            return "The signature's certificates lead to the pinned root";
        case Check::signature:
            return "The signature is over this token";
        case Check::age:
            return "The token was signed within five minutes";
        case Check::key:
            return "The token is for one of the merchant's keys";
        case Check::decryption:
            return "The token can be decrypted";
        case Check::content:
            return "The content is as it must be";
    }
    return {};
}

Verifier::Verifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Verifier::~Verifier() = default;

Result<std::shared_ptr<const Verifier>> Verifier::make(Options options) {
    const ErrorsForgotten at_the_end;
    auto state = std::make_unique<State>();
    if (options.merchant_identifier.empty() || options.merchant_identifier.size() > identifier_bytes_max)
        return bad_request("merchant_identifier",
                           "is not a text of 1 to " + std::to_string(identifier_bytes_max) + " bytes");
    state->merchant_identifier = std::move(options.merchant_identifier);
    state->merchant_hash = crypto::to_bytes(crypto::sha256(state->merchant_identifier));
    state->root = read_certificate(options.root_pem.empty() ? root_file(apple_root_file)
                                                            : std::string_view(options.root_pem));
    if (!state->root) return bad_request("root", "is no certificate in PEM");
    state->is_apples = fingerprint_of(state->root.get()) == apple_root_fingerprint;
    if (options.keys.empty() || options.keys.size() > keys_max)
        return bad_request("keys", "are not 1 to " + std::to_string(keys_max));
    for (std::size_t i = 0; i < options.keys.size(); ++i) {
        const auto field = "keys." + std::to_string(i);
        auto key = read_key(options.keys[i], state->merchant_hash, field);
        if (!key) return key.error();
        for (const auto& earlier : state->keys)
            if (earlier.public_key_hash == key->public_key_hash)
                return bad_request(field + ".certificate", "is for the same key as another one");
        state->keys.push_back(std::move(*key));
    }
    auto exponents = read_exponents(options.exponents);
    if (!exponents) return exponents.error();
    state->exponents = std::move(*exponents);
    return std::shared_ptr<const Verifier>(new Verifier(std::move(state)));
}

Result<Opened> Verifier::verify(std::string_view token, Instant at) const {
    return state_->result(token, at);
}

std::optional<Failure> Verifier::failure(std::string_view token, Instant at) const {
    auto outcome = state_->run(token, at);
    auto* failure = std::get_if<Failure>(&outcome);
    return failure == nullptr ? std::nullopt : std::optional(std::move(*failure));
}

Result<Opened> Verifier::open(std::string_view token) const {
    return state_->result(token, std::nullopt);
}

const std::string& Verifier::merchant_identifier() const {
    return state_->merchant_identifier;
}

bool Verifier::trusts_only_apple() const {
    return state_->is_apples;
}

std::string application_data(std::string_view text) {
    return encoding::base64(text);
}

std::string application_data_hash(std::string_view text) {
    return encoding::hex(crypto::to_bytes(crypto::sha256(text)));
}

}  // namespace kassi::providers::apple_pay
