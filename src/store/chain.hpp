#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.hpp"

/// The two levels of the chain (design.md section 5): what exactly is hashed.
namespace kassi::store::chain {

inline constexpr std::size_t hash_bytes = 32;
inline constexpr std::int64_t body_format = 1;

/// journal.flags: 1 settled, 2 in doubt, 4 needs a person.
constexpr std::int64_t flags(bool settled, bool in_doubt, bool needs_person) {
    return (settled ? 1 : 0) | (in_doubt ? 2 : 0) | (needs_person ? 4 : 0);
}

/// What a journal row says besides its body. Not its number: the seal fixes that.
struct RowHead {
    TransactionId transaction;
    std::int64_t version = 0;
    std::int64_t at = 0;
    std::optional<std::int64_t> due_at = std::nullopt;
    std::int64_t flags = 0;
    std::int64_t format = body_format;
};

/// Before the first row of a transaction, and before the first seal.
std::string beginning();
std::string row_hash(std::string_view previous, const RowHead& head, std::string_view body);
/// `row_hashes`: those of the rows first..last, one behind the other.
std::string seal_hash(std::string_view previous, std::int64_t first, std::int64_t last,
                      std::string_view row_hashes);
/// `claims`: the last serial of `once`, by which its end is known. Seals from before migration 0004 have
/// none.
std::string seal_mac(const std::string& seal_key, std::string_view seal_hash,
                     std::optional<std::int64_t> claims);

}  // namespace kassi::store::chain
