#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace kassi::store {

inline constexpr std::size_t master_key_bytes = 32;

/// The keys of the store, each HMAC-SHA256(master key, its purpose).
struct Keys {
    explicit Keys(const Secret<>& master);

    Secret<> parcel, seal;
    std::int64_t id;  ///< names the master key without telling anything about it

    // HMACs of what is looked up by value, cut to 16 bytes: enough against guessing, and few dirty bytes.
    // Nobody without the key can search for two that meet.
    /// `caller` "": a token that we minted.
    [[nodiscard]] std::string token(std::string_view caller, std::string_view token) const;
    [[nodiscard]] std::string claim(std::string_view scope, std::string_view key) const;
    [[nodiscard]] std::string fingerprint(std::string_view fingerprint) const;
    [[nodiscard]] std::string parcel_digest(std::string_view context, std::string_view plain) const;
    /// Of a row of `once`, cut to 8 bytes: it shall show damage.
    [[nodiscard]] std::string claim_proof(std::string_view row) const;
    /// The key of what is kept of a person, 32 bytes.
    [[nodiscard]] Secret<> person(std::string_view salt) const;

  private:
    Secret<> token_, claim_, fingerprint_, digest_, person_, claim_proof_;
};

}  // namespace kassi::store
