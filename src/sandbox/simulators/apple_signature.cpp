#include "sandbox/simulators/apple_signature.hpp"

#include <openssl/cms.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

namespace kassi::sandbox::apple {
namespace {

using CmsHandle = std::unique_ptr<CMS_ContentInfo, Release<CMS_ContentInfo_free>>;
using TimeHandle = std::unique_ptr<ASN1_TIME, Release<ASN1_TIME_free>>;
using AttributeHandle = std::unique_ptr<X509_ATTRIBUTE, Release<X509_ATTRIBUTE_free>>;
using DigestHandle = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;

/// Of `text`, which must outlive it.
BioHandle reader_of(const std::string& text) {
    return BioHandle(made(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), "memory"));
}

template <class Thing, class Encode>
std::string der_of(Thing* thing, Encode encode) {
    unsigned char* der = nullptr;
    const int size = encode(thing, &der);
    must(size > 0, "DER");
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

// ---- lengths ---------------------------------------------------------------------------------------------
std::string definite(char tag, const std::string& content) {
    std::string out(1, tag);
    if (content.size() < 0x80) {
        out += static_cast<char>(content.size());
    } else {
        std::string length;
        for (auto rest = content.size(); rest > 0; rest >>= 8)
            length.insert(0, 1, static_cast<char>(rest & 0xffU));
        out += static_cast<char>(0x80U | length.size());
        out += length;
    }
    return out + content;
}

std::string indefinite(char tag, const std::string& content) {
    return std::string(1, tag) + '\x80' + content + std::string(2, '\0');
}

struct Piece {
    char tag = 0;
    std::string whole, content;
};

/// The pieces that DER text consists of.
std::vector<Piece> pieces_of(const std::string& der) {
    std::vector<Piece> out;
    for (std::size_t at = 0; at < der.size();) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(der.at(i)); };
        std::size_t length = byte(at + 1);
        std::size_t header = 2;
        if (length >= 0x80) {
            const std::size_t count = length & 0x7fU;
            length = 0;
            for (std::size_t i = 0; i < count; ++i) length = length << 8 | byte(at + 2 + i);
            header += count;
        }
        out.push_back({der[at], der.substr(at, header + length), der.substr(at + header, length)});
        at += header + length;
    }
    return out;
}

/// The wrappers as Apple writes them: their lengths are open. What is inside stays DER.
std::string opened_lengths(const std::string& der) {
    const auto info = pieces_of(pieces_of(der).at(0).content);
    const auto inside = pieces_of(pieces_of(info.at(1).content).at(0).content);
    std::string signed_data;
    for (const auto& piece : inside) {
        const bool is_certificates = piece.tag == '\xa0';
        const bool is_content = piece.tag == '\x30';
        signed_data += is_certificates || is_content ? indefinite(piece.tag, piece.content) : piece.whole;
    }
    return indefinite('\x30', info.at(0).whole + indefinite('\xa0', indefinite('\x30', signed_data)));
}

// ---- attributes ------------------------------------------------------------------------------------------
void add_time(CMS_SignerInfo* signer, Instant at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    const TimeHandle time(made(ASN1_TIME_set(nullptr, static_cast<std::time_t>(seconds)), "a time"));
    must(CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, ASN1_STRING_type(time.get()), time.get(),
                                     -1) == 1,
         "an attribute");
}

/// Signs the attributes that are left once more: OpenSSL itself always puts a time among them.
void drop_time(CMS_SignerInfo* signer, EVP_PKEY* key) {
    const int at = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
    const AttributeHandle dropped(made(CMS_signed_delete_attr(signer, at), "an attribute"));
    std::vector<std::string> all;
    for (int i = 0; i < CMS_signed_get_attr_count(signer); ++i)
        all.push_back(der_of(CMS_signed_get_attr(signer, i), i2d_X509_ATTRIBUTE));
    std::sort(all.begin(), all.end());
    std::string set;
    for (const auto& each : all) set += each;
    set = definite('\x31', set);
    const DigestHandle digest(made(EVP_MD_CTX_new(), "a digest"));
    must(EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) == 1, "a signature");
    const auto* bytes = reinterpret_cast<const unsigned char*>(set.data());
    std::size_t size = 0;
    must(EVP_DigestSign(digest.get(), nullptr, &size, bytes, set.size()) == 1, "a signature");
    std::vector<unsigned char> value(size);
    must(EVP_DigestSign(digest.get(), value.data(), &size, bytes, set.size()) == 1, "a signature");
    must(ASN1_STRING_set(CMS_SignerInfo_get0_signature(signer), value.data(), static_cast<int>(size)) == 1,
         "a signature");
}

void flip_last_bit(CMS_SignerInfo* signer) {
    auto* value = CMS_SignerInfo_get0_signature(signer);
    std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                      static_cast<std::size_t>(ASN1_STRING_length(value)));
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    must(ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1, "a signature");
}

void name_sha512(CMS_SignerInfo* signer) {
    X509_ALGOR* algorithm = nullptr;
    CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, nullptr, &algorithm);
    const bool is_ec = OBJ_obj2nid(algorithm->algorithm) == NID_ecdsa_with_SHA256;
    const int named = is_ec ? NID_ecdsa_with_SHA512 : NID_sha512WithRSAEncryption;
    must(X509_ALGOR_set0(algorithm, OBJ_nid2obj(named), is_ec ? V_ASN1_UNDEF : V_ASN1_NULL, nullptr) == 1,
         "an algorithm");
}

// ---- signers ---------------------------------------------------------------------------------------------
const Holder& leaf_of(const Order& order, const Signers& signers) {
    const bool is_ec = (order.version == Version::ec_v1) != (order.flaw == Flaw::other_key_kind);
    return is_ec ? signers.leaf_ec : signers.leaf_rsa;
}

CMS_SignerInfo* add_signer(CMS_ContentInfo* cms, const Holder& by, const Order& order) {
    unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP;
    if (order.flaw == Flaw::no_attributes) flags |= CMS_NOATTR;
    if (order.flaw == Flaw::pss) flags |= CMS_KEY_PARAM;
    const auto* digest = order.flaw == Flaw::sha512 ? EVP_sha512() : EVP_sha256();
    auto* signer = made(CMS_add1_signer(cms, by.certificate.get(), by.key.get(), digest, flags), "a signer");
    if (order.flaw == Flaw::pss)
        must(EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(signer), RSA_PKCS1_PSS_PADDING) == 1,
             "a padding");
    if (order.flaw != Flaw::no_attributes) add_time(signer, order.signed_at);
    return signer;
}

void add_certificates(CMS_ContentInfo* cms, const Order& order, const Signers& signers) {
    const auto add = [&](const Holder& each) {
        must(CMS_add1_cert(cms, each.certificate.get()) == 1, "a certificate");
    };
    add(leaf_of(order, signers));
    if (order.flaw != Flaw::one_certificate) add(signers.intermediate);
    if (order.flaw == Flaw::extra_certificate) add(signers.root);
}

/// Who signs where the flaw is in the certificates; nothing: those of the world.
std::optional<Signers> other_signers(const Order& order, const Signers& signers) {
    switch (order.flaw) {
        case Flaw::leaf_unmarked:
            return marked_anew(signers, Marks::leaf_without, order.signed_at);
        case Flaw::intermediate_unmarked:
            return marked_anew(signers, Marks::intermediate_without, order.signed_at);
        case Flaw::marks_swapped:
            return marked_anew(signers, Marks::swapped, order.signed_at);
        case Flaw::leaf_marked_twice:
            return marked_anew(signers, Marks::leaf_has_both, order.signed_at);
        case Flaw::leaf_of_the_root:
            return marked_anew(signers, Marks::leaf_by_root, order.signed_at);
        case Flaw::leaf_of_other_usage:
            return marked_anew(signers, Marks::leaf_cannot_sign, order.signed_at);
        case Flaw::unknown_root:
            return new_signers(order.signed_at, order.version == Version::rsa_v1);
        default:
            return std::nullopt;
    }
}

std::string finished(CMS_ContentInfo* cms, CMS_SignerInfo* signer, const Order& order, const Holder& by,
                     const std::string& message) {
    const auto digested = order.flaw == Flaw::wrong_digest ? message + '\0' : message;
    const auto reader = reader_of(digested);
    const unsigned detached = order.flaw == Flaw::attached_content ? 0U : CMS_DETACHED;
    must(CMS_final(cms, reader.get(), nullptr, CMS_BINARY | detached) == 1, "a signature");
    if (order.flaw == Flaw::no_signing_time) drop_time(signer, by.key.get());
    if (order.flaw == Flaw::wrong_signature) flip_last_bit(signer);
    if (order.flaw == Flaw::other_algorithm_named) name_sha512(signer);
    auto der = der_of(cms, i2d_CMS_ContentInfo);
    if (order.indefinite_lengths) der = opened_lengths(der);
    if (order.flaw == Flaw::trailing_bytes) der += '\0';
    return der;
}

}  // namespace

std::string sign(const Order& order, const Signers& of_the_world, const std::string& message) {
    if (order.flaw == Flaw::signature_in_der_garbage) return message;
    const auto others = other_signers(order, of_the_world);
    const Signers& signers = others ? *others : of_the_world;
    const auto& by =
        order.flaw == Flaw::signed_by_intermediate ? signers.intermediate : leaf_of(order, signers);
    constexpr unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_DETACHED;
    const CmsHandle cms(made(CMS_sign(nullptr, nullptr, nullptr, nullptr, flags), "CMS"));
    if (order.flaw == Flaw::attached_content) must(CMS_set_detached(cms.get(), 0) == 1, "CMS");
    if (order.flaw == Flaw::other_content_type)
        must(CMS_set1_eContentType(cms.get(), OBJ_nid2obj(NID_id_smime_ct_TSTInfo)) == 1, "CMS");
    add_certificates(cms.get(), order, signers);
    auto* signer = add_signer(cms.get(), by, order);
    if (order.flaw == Flaw::two_signers) add_signer(cms.get(), by, order);
    return finished(cms.get(), signer, order, by, message);
}

}  // namespace kassi::sandbox::apple
