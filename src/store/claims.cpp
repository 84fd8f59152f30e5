#include "store/claims.hpp"

#include "base/encoding.hpp"
#include "store/columns.hpp"
#include "store/copy.hpp"

namespace kassi::store {
namespace {

constexpr std::size_t time_bytes =
    6;  ///< of a UUID 7 (RFC 9562 section 5.7): milliseconds, the highest first

}  // namespace

std::string provable(const ClaimKey& key, const std::string& scope, const std::string& fingerprint,
                     const TransactionId& transaction, std::int64_t version) {
    // Key and id have always the same length.
    std::string row = key.hmac;
    row += to_blob(transaction).bytes;
    row += std::to_string(version) + (key.own ? " own " : " ") + std::to_string(fingerprint.size()) + ":";
    return row + fingerprint + scope;
}

ClaimKeys::ClaimKeys(Database& database, const Keys& keys) : keys_(keys) {
    const auto until = encoding::from_hex(meta_of(database, "shared_keys_until").value_or(""), "meta");
    if (!until) throw std::runtime_error("the store is broken: meta.shared_keys_until is no hex");
    shared_until_ = *until;
}

ClaimKey ClaimKeys::of(const Claim& claim) const {
    if (!claim.own_of) return {keys_.claim(claim.scope, claim.key)};
    const std::string_view id = to_blob(*claim.own_of).bytes;
    if (id <= shared_until_) return {keys_.claim(claim.scope, claim.key)};
    std::string hmac = keys_.claim(claim.scope + " " + claim.own_of->text(), claim.key);
    return {hmac.replace(0, time_bytes, id.substr(0, time_bytes)), true};
}

}  // namespace kassi::store
