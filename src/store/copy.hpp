#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"
#include "store/store.hpp"

/// How a copy of the record (kassi backup) is known when it was put back. Its mark stands in its own meta
/// table, and goes when it is put to work.
namespace kassi::store {

/// What the data base keeps under that name; nothing when it has not been said yet, or has no such table.
std::optional<std::string> meta_of(Database& database, const char* name);

/// Marks a copy: made at that moment, when the journal ended with that seal ("" none).
void mark_as_copy(Database& database, Instant copied_at, const std::string& head_hex);
/// The mark goes; where the record comes from stays. For a transaction of the caller's.
void put_to_work_mark(Database& database, Instant now);
Store::Origin origin_of(Database& database);

/// A copy stands there as it was made: no server has had it open for writing.
bool untouched_copy(const std::string& directory);
/// Beside such a copy there may be no WAL: it would be that of another record, and SQLite would take its
/// pages for the copy's. Error: conflict, with what is to be removed.
Result<void> check_neighbours(const std::string& directory);
/// What a refused start says.
Error not_put_to_work(Instant copied_at);

}  // namespace kassi::store
