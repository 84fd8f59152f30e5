#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// Apple as a merchant's server meets it: who issues the certificates, the device that encrypts a payment,
/// and the broker that signs it. Shares no code with what reads its tokens. Not for many threads at once.
namespace kassi::sandbox::apple {

enum class Version : std::uint8_t { ec_v1, rsa_v1 };

/// A certificate with its key, PEM (PKCS #8).
struct Paper {
    std::string certificate_pem;
    Secret<> key_pem;
};

/// What Apple's developer portal gives to a merchant. In each certificate 1.2.840.113635.100.6.32 is
/// SHA-256 of the identifier, and the subject's UID the identifier.
struct Papers {
    std::string merchant_identifier;
    Paper processing_ec;   ///< P-256, for EC_v1
    Paper processing_rsa;  ///< RSA-2048, for RSA_v1
    Paper identity;        ///< RSA-2048, TLS client
};

/// What can be wrong with a token, one at a time.
enum class Flaw : std::uint8_t {
    none,
    leaf_unmarked,          ///< no 1.2.840.113635.100.6.29
    intermediate_unmarked,  ///< no 1.2.840.113635.100.6.2.14
    marks_swapped,          ///< each has the other's
    leaf_marked_twice,      ///< the leaf has both, the intermediate its own
    leaf_of_the_root,       ///< issued by it, the intermediate only lies beside
    leaf_of_other_usage,    ///< a key that may not sign
    unknown_root,           ///< all of it made by somebody else, under the same names
    extra_certificate,
    one_certificate,          ///< the leaf alone
    signed_by_intermediate,   ///< the certificates are right, the signer is the other one
    two_signers,              ///< the leaf, twice
    attached_content,         ///< the message lies within the signature
    other_content_type,       ///< not "data"
    no_attributes,            ///< signed without attributes
    no_signing_time,          ///< attributes without it
    trailing_bytes,           ///< after the end of the signature
    wrong_digest,             ///< another message was digested; the signature over the attributes is right
    wrong_signature,          ///< a bit of the signature's value is another
    sha512,                   ///< in SHA-256's place
    other_key_kind,           ///< EC_v1 signed by an RSA key, RSA_v1 by an EC key
    other_algorithm_named,    ///< the signature is right, and said to be over SHA-512
    pss,                      ///< RSA_v1 only: RSASSA-PSS
    other_transaction_id,     ///< the header's is not the one that was signed
    other_application_data,   ///< the same; the order must have application data
    tag_flipped,              ///< of AES-GCM; signed so
    wrong_key_hash,           ///< publicKeyHash of nobody's key; signed as it is: no signature covers it
    short_iv,                 ///< 12 zero bytes
    party_as_text,            ///< EC_v1: the merchant's hash in hex
    key_of_32_bytes,          ///< RSA_v1: wrapped; the first 16 encrypt
    oaep_sha1,                ///< RSA_v1
    other_curve,              ///< EC_v1: an ephemeral key on P-384
    ephemeral_not_on_curve,   ///< EC_v1
    compressed_key,           ///< EC_v1: the ephemeral point in 33 bytes
    key_with_more_behind,     ///< EC_v1: a byte after the ephemeral key
    no_data,                  ///< `data` is the tag's 16 bytes and not one more
    empty_payment_data,       ///< {}, as from a device that is none
    unpadded_base64,          ///< of the signature
    unknown_version,          ///< "EC_v2"
    wrapped_key_in_ec,        ///< EC_v1: both kinds of key in the header
    signature_in_der_garbage  ///< no CMS at all
};

/// One payment as the sheet shows it. Texts go into the token as they are.
struct Order {
    Version version = Version::ec_v1;
    std::string processing_certificate_pem;  ///< the merchant's; one that fits the version
    std::string number;                      ///< of the device's card, digits
    std::string expiry = "301231";           ///< YYMMDD
    std::string currency = "352";            ///< ISO 4217, three digits
    std::string amount = "2500";             ///< as JSON has it
    std::string cryptogram;                  ///< Base64; "": 20 random bytes
    std::optional<std::string> eci;
    std::string application_data;  ///< bytes; "": none
    std::string transaction_id;    ///< 64 hex digits; "": fresh ones
    std::string payment_data_type = "3DSecure";
    std::string more_members;  ///< of the content: "\"name\":1"
    std::string content;       ///< all of it, in place of the members above; "": from them
    Instant signed_at{};
    bool indefinite_lengths = true;  ///< BER, as Apple's own; else DER
    bool leading_zero = false;       ///< EC_v1: a key whose shared secret begins with a zero byte
    Flaw flaw = Flaw::none;
};

/// Made once and kept: what it issued stays good only with it. Its certificates say that they are simulated.
class AppleWorld {
  public:
    /// Root and intermediate for 20 years, signers for five, all from a day before `now`. Takes some tenths
    /// of a second for its RSA keys.
    static AppleWorld make(Instant now);
    /// What pem() gave. Error: bad_request naming `field`.
    static Result<AppleWorld> read(std::string_view pem, std::string_view field);
    /// All certificates and private keys, PEM, one behind the other.
    [[nodiscard]] Secret<> pem() const;
    ~AppleWorld();
    AppleWorld(AppleWorld&&) noexcept;
    AppleWorld& operator=(AppleWorld&&) noexcept;

    /// The root over those who sign tokens: what a verifier must be told to trust.
    [[nodiscard]] std::string root_pem() const;
    /// The authority over merchants' certificates: what a gateway checks its clients with.
    [[nodiscard]] std::string developer_authority_pem() const;
    /// Valid for 25 months from a day before `now`; for as many days less as `days_less` says. Takes some
    /// tenths of a second.
    [[nodiscard]] Papers issue(const std::string& merchant_identifier, Instant now, int days_less = 0) const;

    /// JSON of the payment data ({"version","data","signature","header"}). Throws std::invalid_argument for
    /// an order that nobody could encrypt (no such certificate, a flaw of the other version).
    [[nodiscard]] std::string token(const Order& order) const;
    /// The browser's event.payment.token around it; network "Visa", type "debit". `transaction_identifier`
    /// "": the token's own.
    [[nodiscard]] static std::string browser_token(std::string_view payment_data, std::string_view network,
                                                   std::string_view transaction_identifier = "");

    struct State;

  private:
    explicit AppleWorld(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kassi::sandbox::apple
