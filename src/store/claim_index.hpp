#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "store/claim_filter.hpp"
#include "store/claims.hpp"
#include "store/sqlite.hpp"

namespace kassi::store {

/// Of a random key so many bytes are in the index (migration 0005): one of 50 million that are asked for
/// begins as one of 5,000,000 others does.
inline constexpr std::size_t claim_key_start_bytes = 6;

/// So many keys are put into the index together: 11 MB of memory at most, since twice as many may wait.
/// Beside 5,000,000 payments some eight of them share a page then.
inline constexpr std::size_t waiting_claims_enough = 200'000;

/// Keys of so many batches are room enough for the first filter: 0.8 MB.
inline constexpr std::size_t batches_filtered = 5;

/// Which keys were claimed: the rows of `once` by their key, each at most once.
///
/// A key is random, unless it is a transaction's own, and would change a page of the index for itself alone,
/// the more surely the longer the history is. So new ones wait in memory until there are many, and are then
/// put into the table `once_key` in the order of the keys, where neighbours share a page: some with each
/// group commit, so that nobody waits for all of them. Nothing is lost with the memory: `once` has the rows,
/// and which of them are in `once_key` stands in `once_progress`, so that the others are read back at the
/// start, and go on from where they were. Nearly each key that is asked for is new: a filter tells that
/// without a look at the table.
///
/// The writer's, but for waiting(), which any thread may call.
class ClaimIndex {
  public:
    /// `database` has the newest schema. Reads what waits.
    ClaimIndex(Database& database, std::size_t enough);

    /// Whether a row of `once` has this key. Of the writer's own transaction, too.
    [[nodiscard]] bool has(const ClaimKey& key);
    /// In the writer's transaction, which has just written that row of `once`. has() was false.
    void add(const ClaimKey& key, std::int64_t serial);
    /// Near the end of the writer's transaction: puts one more into the index than were added, so that a
    /// batch is there before as many others wait.
    void move_some();
    void committed();
    void rolled_back();

    /// The row of `once` that has this key, when it waits; it may not be committed yet. Nullopt: look into
    /// the tables, where whatever was committed before this call is then.
    [[nodiscard]] std::optional<std::int64_t> waiting(const ClaimKey& key) const;

  private:
    using Key = std::array<unsigned char, claim_key_bytes>;  ///< ordered as SQLite orders a BLOB
    struct Entry {
        Key key;
        std::int64_t serial;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const;
    };
    /// As `once_progress` has it.
    struct Progress {
        std::int64_t indexed_until = 0, batch_until = 0, moved = 0;
    };
    static Key to_key(std::string_view bytes);
    static Blob start_of(const Key& key);
    static Progress read_progress(Database& database);
    static void sort(std::vector<Entry>& entries);
    [[nodiscard]] std::optional<std::int64_t> find_waiting(const Key& key) const;
    void begin_batch();

    Statement find_, find_own_, insert_, insert_own_, put_progress_;
    ClaimFilter filter_;
    std::size_t enough_;
    Progress progress_, committed_;  ///< with this transaction; before it
    std::vector<Key> added_;         ///< in this transaction
    std::int64_t last_serial_;       ///< of once, of what waits

    mutable std::mutex mutex_;  ///< the writer changes the two, others look
    boost::unordered_flat_map<Key, std::int64_t, Hash> newest_;
    std::vector<Entry> batch_;  ///< by key; the first `moved` are in the index, too
};

}  // namespace kassi::store
