#pragma once

#include "store/sqlite.hpp"
#include "store/sqlite_store.hpp"

/// Internal to this room: verify() of a file that may have any name.
namespace kassi::store {

/// As verify(), of that file, which is there. Throws SqlError for what SQLite cannot do.
Result<VerifyReport> verify_file(const std::string& file, const Secret<>& master_key,
                                 const std::string& head_hex, const Progress& progress);
/// Error: internal, when the data base was made with another master key.
Result<void> check_key(Database& database, const Secret<>& master_key);

}  // namespace kassi::store
