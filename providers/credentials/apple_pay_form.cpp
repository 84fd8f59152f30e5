#include "providers/credentials/apple_pay_form.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "providers/credentials/apple_pay_member.hpp"

namespace kassi::providers::apple_pay {
namespace {

using nlohmann::json;

/// The browser's object, its payment data, its header; paymentMethod has a billing contact with lists.
constexpr int levels_max = 6;
constexpr std::size_t data_bytes_max = 8 * 1024;
constexpr std::size_t signature_bytes_max = 16 * 1024;
constexpr std::size_t key_bytes_max = 1024;

/// Base64 of 1 to `bytes_max` bytes.
std::optional<Error> read_base64(const json& object, const char* name, std::size_t bytes_max,
                                 std::string& out) {
    const auto text = text_of(object, name);
    if (!text) return wrong(std::string("lacks the text ") + name);
    auto bytes = encoding::from_base64(*text, credential_kind);
    if (!bytes || bytes->empty()) return wrong(std::string(name) + " is not Base64");
    if (bytes->size() > bytes_max)
        return wrong(std::string(name) + " has more than " + std::to_string(bytes_max) + " bytes");
    out = std::move(*bytes);
    return std::nullopt;
}

std::optional<Error> read_hash_in_hex(const json& object, const char* name, std::string& out) {
    const auto text = text_of(object, name);
    auto bytes = encoding::from_hex(text.value_or(""), credential_kind);
    if (!text || !bytes || bytes->size() != hash_bytes)
        return wrong(std::string(name) + " is not 64 hex digits");
    out = std::move(*bytes);
    return std::nullopt;
}

std::optional<Error> read_header(const json& header, Form& form) {
    const bool is_ec = form.version == Version::ec_v1;
    // What was signed is one of the two: with both there would be two ways to read it.
    if (header.contains(is_ec ? "wrappedKey" : "ephemeralPublicKey"))
        return wrong("has the key of another version");
    if (auto fault =
            read_base64(header, is_ec ? "ephemeralPublicKey" : "wrappedKey", key_bytes_max, form.key))
        return fault;
    if (auto fault = read_base64(header, "publicKeyHash", hash_bytes, form.public_key_hash)) return fault;
    if (form.public_key_hash.size() != hash_bytes) return wrong("publicKeyHash is not 32 bytes");
    if (auto fault = read_hash_in_hex(header, "transactionId", form.transaction_id)) return fault;
    if (!header.contains("applicationData")) return std::nullopt;
    return read_hash_in_hex(header, "applicationData", form.application_data);
}

std::optional<Error> read_payment_data(const json& data, Form& form) {
    if (data.is_null() || data == "" || data.empty())
        return wrong("has no payment data: devices that are simulated make such tokens");
    if (!data.is_object()) return wrong("its payment data is not a JSON object");
    const auto version = text_of(data, "version");
    if (version == "EC_v1") {
        form.version = Version::ec_v1;
    } else if (version == "RSA_v1") {
        form.version = Version::rsa_v1;
    } else {
        return wrong("its version is neither EC_v1 nor RSA_v1");
    }
    if (auto fault = read_base64(data, "data", data_bytes_max, form.data)) return fault;
    if (form.data.size() <= tag_bytes) return wrong("data is not longer than its tag");
    if (auto fault = read_base64(data, "signature", signature_bytes_max, form.signature)) return fault;
    const auto header = data.find("header");
    if (header == data.end() || !header->is_object()) return wrong("lacks the object header");
    return read_header(*header, form);
}

/// A transaction identifier beside the payment data is the token's own.
std::optional<Error> check_identifier(const json& root, const Form& form) {
    if (!root.contains("transactionIdentifier")) return std::nullopt;
    std::string outside;
    if (auto fault = read_hash_in_hex(root, "transactionIdentifier", outside)) return fault;
    if (outside != form.transaction_id) return wrong("transactionIdentifier is not that of the payment data");
    return std::nullopt;
}

}  // namespace

Error wrong(std::string why) {
    return bad_request(std::string(credential_kind), std::move(why));
}

std::optional<std::string_view> text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    return std::string_view(found->get_ref<const std::string&>());
}

Result<Form> read_form(std::string_view token) {
    if (token.size() > token_bytes_max)
        return wrong("has more than " + std::to_string(token_bytes_max) + " bytes");
    const auto root = parse_json(token, credential_kind, levels_max);
    if (!root) return wrong("is no well-formed JSON of at most " + std::to_string(levels_max) + " levels");
    if (!root->is_object()) return wrong("is not a JSON object");
    Form form;
    const auto inner = root->find("paymentData");
    const bool is_wrapped = inner != root->end();
    if (auto fault = read_payment_data(is_wrapped ? *inner : *root, form)) return *fault;
    if (is_wrapped)
        if (auto fault = check_identifier(*root, form)) return *fault;
    return form;
}

}  // namespace kassi::providers::apple_pay
