#include "store/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace kassi::store {
namespace {

Error failed(const std::string& what, const std::string& file) {
    return Error{ErrorKind::internal, "", what + " " + file + ": " + std::strerror(errno)};
}

}  // namespace

std::string database_file(const std::string& directory) {
    return directory + "/kassi.db";
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
    const std::string file = directory + "/lock";
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return failed("cannot open", file);
    DirectoryLock lock(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return Error{ErrorKind::unavailable, "", "another process holds the lock " + file};
        return failed("cannot lock", file);
    }
    return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock::~DirectoryLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> make_directory(const std::string& directory) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(directory, error);
    if (error) return Error{ErrorKind::internal, "", "cannot make " + directory + ": " + error.message()};
    if (made && ::chmod(directory.c_str(), 0700) != 0) return failed("cannot set the rights of", directory);
    return {};
}

Result<void> make_database_file(const std::string& directory) {
    const std::string file = database_file(directory);
    // Only when it is missing: closing any descriptor of the file would drop SQLite's locks of this process.
    const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0) {
        if (errno == EEXIST) return {};
        return failed("cannot make", file);
    }
    ::close(made);
    const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return failed("cannot open", directory);
    const bool synced = ::fsync(folder) == 0;  // the name must survive a power cut, too
    ::close(folder);
    if (!synced) return failed("cannot sync", directory);
    return {};
}

}  // namespace kassi::store
