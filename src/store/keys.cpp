#include "store/keys.hpp"

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "store/sqlite_store.hpp"

namespace kassi::store {
namespace {

constexpr std::size_t short_hmac_bytes = 16;

Secret<> derive(const Secret<>& master, std::string_view purpose) {
    return Secret<>(crypto::to_bytes(crypto::hmac_sha256(master.reveal(), purpose)));
}

std::string short_hmac(const Secret<>& key, std::string_view text) {
    return crypto::to_bytes(crypto::hmac_sha256(key.reveal(), text)).substr(0, short_hmac_bytes);
}

/// Two texts as one, so that ("ab","c") and ("a","bc") differ.
std::string joined(std::string_view first, std::string_view second) {
    std::string text = std::to_string(first.size());
    text.reserve(text.size() + 1 + first.size() + second.size());
    text += ':';
    text += first;
    text += second;
    return text;
}

std::int64_t id_of(const Secret<>& master) {
    const auto digest = crypto::hmac_sha256(master.reveal(), "kassi key id 1");
    std::int64_t id = 0;
    for (std::size_t i = 0; i < 6; ++i) id = id << 8 | digest[i];
    return id;
}

}  // namespace

Keys::Keys(const Secret<>& master)
    : parcel(derive(master, "kassi parcel 1")),
      seal(derive(master, "kassi seal 1")),
      id(id_of(master)),
      token_(derive(master, "kassi token 1")),
      claim_(derive(master, "kassi claim 1")),
      fingerprint_(derive(master, "kassi fingerprint 1")),
      digest_(derive(master, "kassi parcel digest 1")),
      person_(derive(master, "kassi person 1")),
      claim_proof_(derive(master, "kassi claim proof 1")) {}

std::string Keys::token(std::string_view caller, std::string_view token) const {
    return short_hmac(token_, joined(caller, token));
}

std::string Keys::claim(std::string_view scope, std::string_view key) const {
    return short_hmac(claim_, joined(scope, key));
}

std::string Keys::fingerprint(std::string_view fingerprint) const {
    return short_hmac(fingerprint_, fingerprint);
}

std::string Keys::claim_proof(std::string_view row) const {
    constexpr std::size_t proof_bytes = 8;
    return short_hmac(claim_proof_, row).substr(0, proof_bytes);
}

std::string Keys::parcel_digest(std::string_view context, std::string_view plain) const {
    return short_hmac(digest_, joined(context, plain));
}

Secret<> Keys::person(std::string_view salt) const {
    return derive(person_, salt);
}

Secret<> digest_key(const Secret<>& master_key) {
    return derive(master_key, "kassi engine digests 1");
}

}  // namespace kassi::store
