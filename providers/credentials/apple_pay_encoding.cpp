#include "providers/credentials/apple_pay_encoding.hpp"

#include <optional>

namespace kassi::providers::apple_pay {
namespace {

constexpr char sequence = '\x30';
constexpr char set = '\x31';
constexpr char tag_0 = '\xa0';  ///< [0], constructed
constexpr char octets = '\x04';

const std::string version_1{"\x02\x01\x01", 3};
const std::string signed_data_oid{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 11};
const std::string data_oid{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 11};
const std::string null_value{"\x05\x00", 2};

template <class Thing, class Encode>
std::string der_of(Thing* thing, Encode encode) {
    unsigned char* der = nullptr;
    const int size = thing == nullptr ? 0 : encode(thing, &der);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

std::string wrapped(char tag, const std::string& content) {
    constexpr std::size_t short_max = 0x7f;
    std::string length;
    for (auto rest = content.size(); rest > 0; rest >>= 8)
        length.insert(0, 1, static_cast<char>(static_cast<unsigned char>(rest & 0xffU)));
    std::string out(1, tag);
    if (content.size() > short_max)
        out += static_cast<char>(static_cast<unsigned char>(0x80U | length.size()));
    return out + (content.empty() ? std::string(1, '\0') : length) + content;
}

/// Takes elements of BER one after the other and gives them back with definite lengths. Strict: one way to
/// write each length, and as deep as a signature with certificates is.
class Definite {
  public:
    explicit Definite(std::string_view ber) : rest_(ber) {}

    /// One element that ends with the text; nullopt when there is no such thing.
    std::optional<std::string> whole() {
        std::string out;
        if (!element(out, 0) || !rest_.empty()) return std::nullopt;
        return out;
    }

  private:
    static constexpr int levels_max = 32;
    static constexpr unsigned indefinite = 0x80;
    static constexpr unsigned constructed = 0x20;
    static constexpr unsigned more_tag = 0x1f;

    unsigned take() {
        const auto byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return byte;
    }

    bool element(std::string& out, int level) {
        if (level == levels_max || rest_.size() < 2) return false;
        const unsigned tag = take();
        if ((tag & more_tag) == more_tag) return false;
        const unsigned first = take();
        std::string content;
        const bool good = first == indefinite ? (tag & constructed) != 0 && until_end(content, level)
                                              : definite(first, (tag & constructed) != 0, content, level);
        out += wrapped(static_cast<char>(static_cast<unsigned char>(tag)), content);
        return good;
    }

    bool until_end(std::string& out, int level) {
        const std::string_view end("\0\0", 2);
        while (!rest_.starts_with(end))
            if (!element(out, level + 1)) return false;
        rest_.remove_prefix(end.size());
        return true;
    }

    bool definite(unsigned first, bool is_constructed, std::string& out, int level) {
        constexpr unsigned length_bytes_max = 3;
        std::size_t size = first;
        if (first > indefinite) {
            const unsigned count = first - indefinite;
            if (count > length_bytes_max || count > rest_.size()) return false;
            size = 0;
            for (unsigned i = 0; i < count; ++i) size = size << 8 | take();
            const std::size_t least = count == 1 ? 0x80 : std::size_t{1} << (8 * (count - 1));
            if (size < least) return false;
        }
        if (size > rest_.size()) return false;
        Definite inside(rest_.substr(0, size));
        rest_.remove_prefix(size);
        if (!is_constructed) {
            out = inside.rest_;
            return true;
        }
        while (!inside.rest_.empty())
            if (!inside.element(out, level + 1)) return false;
        return true;
    }

    std::string_view rest_;
};

bool has_no_parameters(const X509_ALGOR* algorithm) {
    int type = V_ASN1_UNDEF;
    X509_ALGOR_get0(nullptr, &type, nullptr, algorithm);
    return type == V_ASN1_UNDEF || type == V_ASN1_NULL;
}

/// "" when it is named in another way than by issuer and serial number.
std::string signer_info(CMS_SignerInfo* signer, const X509_ALGOR* digest, const X509_ALGOR* signature) {
    X509_NAME* issuer = nullptr;
    ASN1_INTEGER* serial = nullptr;
    if (CMS_SignerInfo_get0_signer_id(signer, nullptr, &issuer, &serial) != 1 || issuer == nullptr) return {};
    std::string attributes;
    for (int i = 0; i < CMS_signed_get_attr_count(signer); ++i)
        attributes += der_of(CMS_signed_get_attr(signer, i), i2d_X509_ATTRIBUTE);
    const auto* value = CMS_SignerInfo_get0_signature(signer);
    const std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                            static_cast<std::size_t>(ASN1_STRING_length(value)));
    const auto name = der_of(issuer, i2d_X509_NAME) + der_of(serial, i2d_ASN1_INTEGER);
    return wrapped(sequence, version_1 + wrapped(sequence, name) + der_of(digest, i2d_X509_ALGOR) +
                                 wrapped(tag_0, attributes) + der_of(signature, i2d_X509_ALGOR) +
                                 wrapped(octets, bytes));
}

}  // namespace

bool has_exact_frame(std::string_view text, CMS_SignerInfo* signer, const STACK_OF(X509) * certificates) {
    X509_ALGOR* digest = nullptr;
    X509_ALGOR* signature = nullptr;
    CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, &signature);
    if (!has_no_parameters(digest) || !has_no_parameters(signature)) return false;
    const auto info = signer_info(signer, digest, signature);
    if (info.empty()) return false;
    std::string all;
    for (int i = 0; i < sk_X509_num(certificates); ++i)
        all += der_of(sk_X509_value(certificates, i), i2d_X509);
    const auto behind = wrapped(sequence, data_oid) + wrapped(tag_0, all) + wrapped(set, info);
    const auto with_digest = [&](const std::string& parameters) {
        const ASN1_OBJECT* name = digest->algorithm;
        const auto algorithm = wrapped(sequence, der_of(name, i2d_ASN1_OBJECT) + parameters);
        const auto inside = wrapped(sequence, version_1 + wrapped(set, algorithm) + behind);
        return wrapped(sequence, signed_data_oid + wrapped(tag_0, inside));
    };
    const auto found = Definite(text).whole();
    return found == with_digest("") || found == with_digest(null_value);
}

}  // namespace kassi::providers::apple_pay
