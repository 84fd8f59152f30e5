#pragma once

#include <string>

#include "store/keys.hpp"
#include "store/sqlite.hpp"
#include "store/store.hpp"

namespace kassi::store {

inline constexpr std::size_t claim_key_bytes = 16;

/// Under what a claim is kept in `once`.
struct ClaimKey {
    std::string hmac;  ///< claim_key_bytes
    bool own = false;  ///< one transaction's own: it lies beside others of its time
};

/// What the proof of a row of `once` is made of. `fingerprint`: as it is stored, "" none.
std::string provable(const ClaimKey& key, const std::string& scope, const std::string& fingerprint,
                     const TransactionId& transaction, std::int64_t version);

/// Makes the key of a claim: an HMAC. Of a claim that is one transaction's own the
/// first 6 are the time of its id instead (80 bits are left to tell those of one millisecond apart): those of
/// one minute lie side by side in the index, where random ones each change a page of their own, and the
/// longer the history is the seldomer one that is at hand.
class ClaimKeys {
  public:
    /// `database` has the newest schema. What it says of the time before claims could be a transaction's own
    /// (migration 0003) is read once.
    ClaimKeys(Database& database, const Keys& keys);
    [[nodiscard]] ClaimKey of(const Claim& claim) const;

  private:
    const Keys& keys_;
    std::string shared_until_;  ///< 16 bytes or none: transactions up to this id have claims of the old kind
};

}  // namespace kassi::store
