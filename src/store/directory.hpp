#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "store/sqlite.hpp"

/// The data directory: its lock, and opening what lies in it.
namespace kassi::store {

std::string database_file(const std::string& directory);

/// <directory>/lock, held by one process as long as this lives. Not inherited by programs that are started.
class DirectoryLock {
  public:
    /// Error: unavailable when another one holds it, internal when the file cannot be made.
    static Result<DirectoryLock> take(const std::string& directory);
    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    ~DirectoryLock();

  private:
    explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

/// Makes what is missing: the directory (0700) and an empty kassi.db (0600; SQLite gives its other files the
/// same rights). Error: internal.
Result<void> make_directory(const std::string& directory);
Result<void> make_database_file(const std::string& directory);

}  // namespace kassi::store
