#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace kassi::store {

struct Migration {
    std::string_view name;  ///< "0001_first"
    std::string_view sql;
};

/// Every file of schema/, in order; the first one brings user_version from 0 to 1.
std::span<const Migration> migrations();

/// Applies those that are missing, each in a transaction of its own. Answers the version before. Error:
/// internal (a newer schema than this program knows, another program's data base). Throws SqlError.
Result<std::int64_t> apply_migrations(
    Database& database, const std::function<void(std::int64_t done, std::int64_t of)>& progress);

/// Error: internal when the schema is not exactly the one of this program.
Result<std::int64_t> check_schema(Database& database);

}  // namespace kassi::store
