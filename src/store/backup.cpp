#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/encoding.hpp"
#include "store/columns.hpp"
#include "store/copy.hpp"
#include "store/directory.hpp"
#include "store/keys.hpp"
#include "store/migrations.hpp"
#include "store/sqlite_store.hpp"
#include "store/verify.hpp"

namespace kassi::store {
namespace {

constexpr const char* partial_suffix = ".partial";

Error could_not(const std::string& doing, const std::string& file) {
    return Error{ErrorKind::internal, "", doing + " " + file + ": " + std::strerror(errno)};
}

Error exists_already(const std::string& file) {
    return bad_request("file", file + " exists already: a copy never replaces another");
}

/// The copy before it has its name; removed with this. What a killed backup left is taken over: whoever works
/// holds a lock on it.
class Partial {
  public:
    static Result<Partial> make(const std::string& file) {
        const std::string path = file + partial_suffix;
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor < 0) return could_not("cannot make", path);
        Partial partial(path, descriptor);
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            partial.path_.clear();  // it is the other's
            return Error{ErrorKind::conflict, "", "another backup is writing " + path};
        }
        if (::fchmod(descriptor, 0600) != 0 || ::ftruncate(descriptor, 0) != 0)
            return could_not("cannot write", path);
        return partial;
    }
    Partial(Partial&& other) noexcept
        : path_(std::exchange(other.path_, {})), descriptor_(std::exchange(other.descriptor_, -1)) {}
    Partial& operator=(Partial&&) = delete;
    ~Partial() {
        if (!path_.empty()) ::unlink(path_.c_str());
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

    /// On the disk under its own name, which nobody has. Returns how many bytes it has.
    Result<std::int64_t> finish(const std::string& file) {
        struct stat status {};
        if (::fstat(descriptor_, &status) != 0 || ::fsync(descriptor_) != 0)
            return could_not("cannot sync", path_);
        if (auto named = name(file); !named) return named.error();
        path_.clear();
        const auto folder = std::filesystem::path(file).parent_path().string();
        const int directory =
            ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool synced = directory >= 0 && ::fsync(directory) == 0;
        if (directory >= 0) ::close(directory);
        if (!synced) return could_not("cannot sync the folder of", file);
        return static_cast<std::int64_t>(status.st_size);
    }

  private:
    Partial(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

    Result<void> name(const std::string& file) {
        if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0) return {};
        // Not every file system can rename like that; a link is never made over something either.
        const bool unknown = errno == EINVAL || errno == ENOSYS;
        if (unknown && ::link(path_.c_str(), file.c_str()) == 0) {
            ::unlink(path_.c_str());
            return {};
        }
        if (errno == EEXIST) return exists_already(file);
        return could_not("cannot name the copy", file);
    }

    std::string path_;
    int descriptor_;
};

Result<void> check_target(const std::string& file) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (file.empty() || file.ends_with('/')) return bad_request("file", "must name a file");
    if (fs::symlink_status(file, error).type() != fs::file_type::not_found) return exists_already(file);
    const auto folder = fs::path(file).parent_path();
    if (!folder.empty() && !fs::is_directory(folder, error))
        return bad_request("file", "there is no folder " + folder.string());
    return {};
}

/// One read transaction of a connection that does nothing but read: the server goes on writing beside it.
Result<void> copy_out(const std::string& directory, const Secret<>& master_key, const std::string& to) {
    auto source = Database::for_reading(database_file(directory));
    if (auto good = check_schema(source); !good) return good.error();
    if (auto good = check_key(source, master_key); !good) return good.error();
    if (const auto copied_at = origin_of(source).copied_at)
        return Error{ErrorKind::conflict, "",
                     "the record is itself a copy, made at " + iso8601(*copied_at) +
                         ", that was not put to work: copy its file"};
    Statement vacuum(source, "VACUUM INTO ?");
    vacuum.run(to);
    return {};
}

void mark(const std::string& file, Instant now, BackupReport& report) {
    auto copy = Database::for_marking(file);
    report.copied_at = std::max(now, to_instant(copy.number("SELECT max(at) FROM journal WHERE number = "
                                                            "(SELECT max(number) FROM journal)")));
    {
        Statement newest(copy, "SELECT hash FROM seal ORDER BY number DESC LIMIT 1");
        if (Rows rows(newest); rows.next()) report.head_hex = encoding::hex(rows.text(0));
    }
    mark_as_copy(copy, report.copied_at, report.head_hex);
}

}  // namespace

Result<BackupReport> backup(const std::string& directory, const Secret<>& master_key, const std::string& file,
                            Instant now, const Progress& progress) {
    if (master_key.reveal().size() != master_key_bytes)
        return Error{ErrorKind::internal, "master_key", "the master key must have 32 bytes"};
    if (!std::filesystem::exists(database_file(directory)))
        return Error{ErrorKind::not_found, "", "there is no kassi.db in " + directory};
    if (auto good = check_target(file); !good) return good.error();
    if (auto good = check_neighbours(directory); !good) return good.error();
    // SQLite is given the whole path: one that begins with "file:" would mean something else.
    auto partial = Partial::make(std::filesystem::absolute(file).string());
    if (!partial) return partial.error();
    BackupReport report;
    try {
        if (auto good = copy_out(directory, master_key, partial->path()); !good) return good.error();
        mark(partial->path(), now, report);
        auto checked = verify_file(partial->path(), master_key, "", progress);
        if (!checked) return checked.error();
        report.transactions = checked->transactions;
        report.rows = checked->rows;
        report.findings = std::move(checked->findings);
    } catch (const SqlError& error) {
        return Error{ErrorKind::internal, "", "the copy could not be written: " + std::string(error.what())};
    }
    if (!report.findings.empty()) return report;
    const auto bytes = partial->finish(file);
    if (!bytes) return bytes.error();
    report.bytes = *bytes;
    return report;
}

}  // namespace kassi::store
