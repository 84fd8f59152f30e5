#include "store/chain.hpp"

#include "base/crypto.hpp"

namespace kassi::store::chain {
namespace {

void append(std::string& text, std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift & 0xff);
}

}  // namespace

std::string beginning() {
    return std::string(hash_bytes, '\0');
}

std::string row_hash(std::string_view previous, const RowHead& head, std::string_view body) {
    std::string text;
    text.reserve(128 + body.size());
    text += "kassi row 1\n";
    text += previous;
    text.append(reinterpret_cast<const char*>(head.transaction.bytes.data()), head.transaction.bytes.size());
    append(text, head.version);
    append(text, head.at);
    append(text, head.due_at ? 1 : 0);
    append(text, head.due_at.value_or(0));
    append(text, head.flags);
    append(text, head.format);
    text += body;
    return crypto::to_bytes(crypto::sha256(text));
}

std::string seal_hash(std::string_view previous, std::int64_t first, std::int64_t last,
                      std::string_view row_hashes) {
    std::string text = "kassi seal 1\n";
    text.reserve(64 + previous.size() + row_hashes.size());
    text += previous;
    append(text, first);
    append(text, last);
    text += row_hashes;
    return crypto::to_bytes(crypto::sha256(text));
}

std::string seal_mac(const std::string& seal_key, std::string_view seal_hash,
                     std::optional<std::int64_t> claims) {
    std::string text(seal_hash);
    if (claims) text += " " + std::to_string(*claims);
    return crypto::to_bytes(crypto::hmac_sha256(seal_key, text));
}

}  // namespace kassi::store::chain
