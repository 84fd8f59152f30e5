#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "providers/credentials/network_token.hpp"

/// Apple Pay's payment token: verified, and opened (reference/applepay.md sections 3 and 4). Pure: the time
/// comes from outside, and nothing but memory is touched.
namespace kassi::providers::apple_pay {

inline constexpr std::string_view credential_kind = "apple_pay";
inline constexpr std::size_t token_bytes_max = 32 * 1024;
inline constexpr Millis freshness{5 * 60'000};  ///< between the signature and now
inline constexpr Millis future_skew{60'000};    ///< a signature may be so far ahead of our clock

/// SHA-256 of the one root that live mode knows, lower-case hex.
inline constexpr std::string_view apple_root_fingerprint =
    "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179";

/// One of a merchant's Payment Processing Certificates. Several during a rotation; a token says which.
struct ProcessingKey {
    std::string certificate_pem;
    Secret<> private_key_pem;  ///< P-256 for EC_v1, RSA for RSA_v1
};
struct Options {
    std::string merchant_identifier;  ///< "merchant.is.example.shop"
    std::vector<ProcessingKey> keys;
    std::string root_pem;  ///< "": Apple Root CA - G3. Live mode refuses any other.
    /// Places of `transactionAmount` for currencies where nobody knows them for sure: {"ISK", 0}. Else ISO
    /// 4217.
    std::vector<std::pair<std::string, int>> exponents;
};

/// What a token says. Wiped when it goes.
struct Opened {
    std::string transaction_id;         ///< 64 lower-case hex digits, unique for ever
    std::string application_data_hash;  ///< 64 lower-case hex digits of SHA-256, "" the token has none
    Instant signed_at{};
    network_token::NetworkToken card;
    Money amount;
    std::string device;  ///< deviceManufacturerIdentifier
};

/// The steps of a check, in their order, for an operator's eyes.
enum class Check : std::uint8_t {
    form,            ///< JSON, Base64, hex, version, sizes
    signature_form,  ///< CMS: detached, one signer, two certificates
    certificates,  ///< leaf and intermediate by their OIDs; the signer is the leaf; key kinds fit the version
    chain,         ///< to the pinned root, at the time that was given
    signature,     ///< digest and signature over the token's own bytes
    age,           ///< signed within five minutes, not in the future
    key,           ///< publicKeyHash names one of our keys
    decryption,    ///< key agreement, KDF, AES-GCM with its tag
    content,       ///< strict JSON, every member as it must be
};
inline constexpr int checks_count = 9;
/// "The signature's certificates lead to the pinned root".
std::string_view title(Check check);

/// Error of a check: bad_request, field "apple_pay", and no detail that tells a forger more than which step
/// it was. `step` is for logs and operators.
struct Failure {
    Check step = Check::form;
    Error error;
};

class Verifier {
  public:
    /// Error: bad_request naming the option ("root", "keys.0.certificate", "keys.0.key",
    /// "merchant_identifier"): not understood; a key that does not belong to its certificate; a certificate
    /// of another merchant (its extension 1.2.840.113635.100.6.32 is not SHA-256 of the identifier).
    static Result<std::shared_ptr<const Verifier>> make(Options options);
    ~Verifier();
    Verifier(const Verifier&) = delete;
    Verifier& operator=(const Verifier&) = delete;

    /// All of it, signature and age included, at `at`. `token` is the JSON of the payment data, or the
    /// browser's object around it ({"paymentData":{...},"paymentMethod","transactionIdentifier"}; a
    /// transactionIdentifier must be the token's own, in any case).
    [[nodiscard]] Result<Opened> verify(std::string_view token, Instant at) const;
    /// The same, telling the step that failed.
    [[nodiscard]] std::optional<Failure> failure(std::string_view token, Instant at) const;
    /// Only opens it: key, decryption and content. For a token that verify() accepted before, when it was
    /// new.
    [[nodiscard]] Result<Opened> open(std::string_view token) const;

    [[nodiscard]] const std::string& merchant_identifier() const;
    [[nodiscard]] bool trusts_only_apple() const;

    struct State;

  private:
    explicit Verifier(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// A shop with Apple: its merchant identifier, its certificates and what its sheet shows. From the
/// configuration; merchants name the one whose tokens they are paid with.
struct Shop {
    std::string name;
    std::string display_name;          ///< at most 64 characters of UTF-8
    std::string country = "IS";        ///< ISO 3166, upper case
    std::vector<std::string> domains;  ///< hosts of pages with the button, the first is our own
    std::string gateway_url;           ///< "https://apple-pay-gateway.apple.com", no slash at the end
    std::string identity_certificate_pem;
    Secret<> identity_key_pem;
    std::string domain_association;      ///< the file that Apple asks the domains for
    std::string stand_in_script;         ///< sandbox: ApplePaySession for browsers that have none; "" none
    bool wants_application_data = true;  ///< a token that names no transaction is refused
    std::shared_ptr<const Verifier> verifier;
};

/// What the payment request put into applicationData, and the hash that the token must then have: lower-case
/// hex of SHA-256 over the bytes. The request's text is Base64 of `text`.
std::string application_data(std::string_view text);
std::string application_data_hash(std::string_view text);

}  // namespace kassi::providers::apple_pay
