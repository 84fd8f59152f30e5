// Loaded before a program (LD_PRELOAD), this counts what it does to its data directory and its sockets, and
// where a rule says so it kills the process, takes back what had not reached the disk, or lets a call fail.
// README.md has the words.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int descriptors_max = 65'536;       ///< those above are not looked at
constexpr std::size_t log_bytes = 1U << 20U;  ///< of the shared log: a count, then one byte a call
constexpr int exit_bad_rule = 99;

/// What a descriptor is.
enum class File : std::uint8_t { other, data_other, db, wal, client, provider };

enum Kind : std::uint8_t {
    pwrite_db,
    pwrite_wal,
    pwrite_other,
    sync_db,
    sync_wal,
    sync_other,
    truncate_,
    unlink_,
    send_client,
    send_provider,
    connect_,
    // Below: counted, but no points of a story.
    open_db,
    open_wal,
    open_other,
    socket_,
    accept_,
    read_db,
    read_wal,
    kinds,
};
constexpr std::array<std::string_view, kinds> names = {
    "pwrite.db", "pwrite.wal", "pwrite.other", "sync.db",       "sync.wal", "sync.other",
    "truncate",  "unlink",     "send.client",  "send.provider", "connect",  "open.db",
    "open.wal",  "open.other", "socket",       "accept",        "read.db",  "read.wal"};

enum class Deed : std::uint8_t { kill_before, kill_after, kill_half, cut_before, cut_after, fail };

struct Rule {
    Deed deed = Deed::fail;
    std::array<bool, kinds> of{};
    std::uint64_t from = 0, count = UINT64_MAX;
    int error = 0;
    std::uint32_t seed = 0;    ///< of a cut: which of the unsynced writes reach the disk; 0: none
    std::string while_exists;  ///< fails only while there is such a file
    std::atomic<std::uint64_t> met = 0;
    Rule() = default;
};

/// A write that no sync has followed.
struct Write {
    File file = File::other;
    int descriptor = -1;
    off_t offset = 0;
    off_t size_before = 0;
    std::string before{}, after{};
};

struct Force {
    std::string data;
    std::vector<Rule*> rules;
    std::uint8_t* log = nullptr;
    bool cuts = false;
    std::mutex mutex;  ///< over data files' calls where power is to be cut
    std::vector<Write> unsynced;
};

Force* force = nullptr;
std::array<std::atomic<File>, descriptors_max> files;

[[noreturn]] void die() {
    for (;;) ::kill(::getpid(), SIGKILL);
}

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "force: %s\n", why.c_str());
    _exit(exit_bad_rule);
}

// ---- rules

int error_of(const std::string& word) {
    static constexpr std::pair<const char*, int> known[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},
                                                            {"EROFS", EROFS},   {"EACCES", EACCES},
                                                            {"EMFILE", EMFILE}, {"EDQUOT", EDQUOT}};
    for (const auto& [name, value] : known)
        if (word == name) return value;
    refuse("no such error: " + word);
}

void read_kinds(Rule& rule, const std::string& words) {
    std::stringstream list(words);
    for (std::string word; std::getline(list, word, ',');) {
        bool any = false;
        for (std::size_t i = 0; i < kinds; ++i) {
            const bool point = word == "point" && i <= connect_;
            if (!point && names[i] != word && !names[i].starts_with(word + ".")) continue;
            rule.of[i] = any = true;
        }
        if (!any) refuse("no such kind: " + word);
    }
}

void read_rule(const std::string& text) {
    std::stringstream words(text);
    std::string deed, kind, word;
    words >> deed;
    auto* rule = new Rule;  // for the life of the process
    if (deed == "kill" || deed == "cut") {
        words >> word >> kind >> rule->from;
        const bool cut = deed == "cut";
        if (word == "before")
            rule->deed = cut ? Deed::cut_before : Deed::kill_before;
        else if (word == "after")
            rule->deed = cut ? Deed::cut_after : Deed::kill_after;
        else if (word == "half" && !cut)
            rule->deed = Deed::kill_half;
        else
            refuse("when? " + text);
        if (!words || rule->from == 0) refuse("at which call? " + text);
        if (cut) words >> rule->seed;
        rule->count = 1;
        force->cuts = force->cuts || cut;
    } else if (deed == "fail") {
        words >> kind >> word;
        rule->error = error_of(word);
        if (words >> word) {
            if (word == "while")
                words >> rule->while_exists;
            else
                rule->from = std::strtoull(word.c_str(), nullptr, 10);
            if (std::uint64_t count = 0; words >> count) rule->count = count;
        }
    } else {
        refuse("what? " + text);
    }
    read_kinds(*rule, kind);
    force->rules.push_back(rule);
}

__attribute__((constructor)) void begin() {
    const char* data = std::getenv("KASSI_FORCE_DATA");
    if (data == nullptr) return;
    force = new Force;
    force->data = std::string(data) + "/";
    if (const char* log = std::getenv("KASSI_FORCE_LOG")) {
        const auto descriptor =
            static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (descriptor < 0 || ::syscall(SYS_ftruncate, descriptor, log_bytes) != 0)
            refuse("cannot write the log");
        void* place = ::mmap(nullptr, log_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (place == MAP_FAILED) refuse("cannot map the log");
        force->log = static_cast<std::uint8_t*>(place);
        ::syscall(SYS_close, descriptor);
    }
    if (const char* rules = std::getenv("KASSI_FORCE")) {
        std::stringstream list(rules);
        for (std::string rule; std::getline(list, rule, ';');) read_rule(rule);
    }
    // What it starts is not meant.
    ::unsetenv("LD_PRELOAD");
}

// ---- what happens at a call

void note(Kind kind) {
    if (force->log == nullptr) return;
    const auto place =
        __atomic_fetch_add(reinterpret_cast<std::uint64_t*>(force->log), 1, __ATOMIC_SEQ_CST) + 8;
    if (place < log_bytes) force->log[place] = kind;
}

/// One call on its way past the rules.
class Call {
  public:
    explicit Call(Kind kind) {
        if (force == nullptr) return;
        const bool on_data = kind <= unlink_;
        if (force->cuts && on_data) lock_ = std::unique_lock(force->mutex);
        note(kind);
        for (Rule* rule : force->rules) {
            if (!rule->of[kind]) continue;
            if (!rule->while_exists.empty()) {
                if (::syscall(SYS_faccessat, AT_FDCWD, rule->while_exists.c_str(), F_OK) == 0)
                    error_ = rule->error;
                continue;
            }
            const auto number = ++rule->met;
            if (number < rule->from || number - rule->from >= rule->count) continue;
            meet(*rule);
        }
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
        if (after_ == nullptr) return;
        if (after_->deed == Deed::cut_after) cut(*after_);
        die();
    }

    /// It fails; errno is set.
    [[nodiscard]] bool fails() const {
        if (error_ != 0) errno = error_;
        return error_ != 0;
    }
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] bool only_half() const { return half_; }

  private:
    void meet(const Rule& rule) {
        switch (rule.deed) {
            case Deed::kill_before:
                die();
            case Deed::cut_before:
                cut(rule);
            case Deed::kill_after:
            case Deed::cut_after:
                after_ = &rule;
                return;
            case Deed::kill_half:
                half_ = true;
                after_ = &rule;
                return;
            case Deed::fail:
                error_ = rule.error;
                return;
        }
    }

    /// The power goes: of what was written and not synced some has reached the disk.
    [[noreturn]] void cut(const Rule& rule) {
        // Whoever else is in a call on the data waits for ever.
        if (!lock_.owns_lock()) lock_ = std::unique_lock(force->mutex);
        auto& writes = force->unsynced;
        const auto put = [](const Write& write, const std::string& bytes) {
            if (!bytes.empty())
                ::syscall(SYS_pwrite64, write.descriptor, bytes.data(), bytes.size(), write.offset);
        };
        for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
            put(*write, write->before);
            ::syscall(SYS_ftruncate, write->descriptor, write->size_before);
        }
        std::mt19937 dice(rule.seed);
        for (const Write& write : writes)
            if (rule.seed != 0 && dice() % 2 == 0) put(write, write.after);
        die();
    }

    std::unique_lock<std::mutex> lock_;
    int error_ = 0;
    bool half_ = false;
    const Rule* after_ = nullptr;
};

File file_of(int descriptor) {
    return descriptor < 0 || descriptor >= descriptors_max
               ? File::other
               : files[static_cast<std::size_t>(descriptor)].load();
}
void is_now(int descriptor, File file) {
    if (descriptor >= 0 && descriptor < descriptors_max) files[static_cast<std::size_t>(descriptor)] = file;
}
bool in_data(const char* path) {
    return force != nullptr && std::string_view(path).starts_with(force->data);
}
bool is_data(File file) {
    return force != nullptr && (file == File::db || file == File::wal || file == File::data_other);
}
bool is_socket(File file) {
    return force != nullptr && (file == File::client || file == File::provider);
}
File file_named(const char* path) {
    const std::string_view name(path);
    if (name.ends_with("kassi.db")) return File::db;
    return name.ends_with("-wal") ? File::wal : File::data_other;
}
Kind kind_of(File file, Kind of_db) {
    const int by = file == File::db ? 0 : file == File::wal ? 1 : 2;
    return static_cast<Kind>(of_db + by);
}

/// What a write over `size` bytes at `offset` will change; for a cut only.
void remember(int descriptor, File file, off_t offset, const void* bytes, std::size_t size) {
    if (!force->cuts || file == File::data_other) return;
    Write write{.file = file, .descriptor = descriptor, .offset = offset};
    struct stat now {};
    ::fstat(descriptor, &now);
    write.size_before = now.st_size;
    write.before.resize(size);
    const auto had = ::syscall(SYS_pread64, descriptor, write.before.data(), size, offset);
    write.before.resize(static_cast<std::size_t>(std::max(0L, had)));
    if (bytes != nullptr) write.after.assign(static_cast<const char*>(bytes), size);
    force->unsynced.push_back(std::move(write));
}

ssize_t write_at(int descriptor, const void* bytes, std::size_t size, off_t offset) {
    const File file = file_of(descriptor);
    if (!is_data(file)) return ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
    const Call call(kind_of(file, pwrite_db));
    if (call.fails()) return -1;
    remember(descriptor, file, offset, bytes, size);
    return ::syscall(SYS_pwrite64, descriptor, bytes, call.only_half() ? size / 2 : size, offset);
}

ssize_t read_at(int descriptor, void* bytes, std::size_t size, off_t offset) {
    const File file = file_of(descriptor);
    if (is_data(file) && file != File::data_other) {
        const Call call(file == File::db ? read_db : read_wal);
        if (call.fails()) return -1;
    }
    return ::syscall(SYS_pread64, descriptor, bytes, size, offset);
}

int sync(int descriptor, long number) {
    const File file = file_of(descriptor);
    if (!is_data(file)) return static_cast<int>(::syscall(number, descriptor));
    const Call call(kind_of(file, sync_db));
    if (call.fails()) return -1;
    const auto done = static_cast<int>(::syscall(number, descriptor));
    if (done == 0) std::erase_if(force->unsynced, [&](const Write& write) { return write.file == file; });
    return done;
}

int truncate_to(int descriptor, off_t size) {
    const File file = file_of(descriptor);
    if (!is_data(file)) return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
    const Call call(truncate_);
    if (call.fails()) return -1;
    struct stat now {};
    if (::fstat(descriptor, &now) == 0 && now.st_size > size)
        remember(descriptor, file, size, nullptr, static_cast<std::size_t>(now.st_size - size));
    return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
    if (!in_data(path)) {
        const auto descriptor = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
        is_now(descriptor, File::other);
        return descriptor;
    }
    const File file = file_named(path);
    const Call call(kind_of(file, open_db));
    if (call.fails()) {
        // What may only be read can still be read, and what is there already needs no room.
        const bool reads = (flags & O_ACCMODE) == O_RDONLY && (flags & O_CREAT) == 0;
        const bool is_there = ::syscall(SYS_faccessat, folder, path, F_OK) == 0;
        const bool passes = call.error() == EROFS    ? reads || (is_there && (flags & O_EXCL) != 0)
                            : call.error() == EACCES ? is_there && (flags & O_EXCL) != 0
                                                     : call.error() == ENOSPC && is_there;
        if (!passes) {
            errno = call.error();
            return -1;
        }
    }
    const auto descriptor = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
    is_now(descriptor, file);
    return descriptor;
}

mode_t mode_in(int flags, va_list more) {
    // As the C library does: there is one only where a file may be made.
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
}

template <class Work>
ssize_t to_peer(int descriptor, Work&& work) {
    const File file = file_of(descriptor);
    if (!is_socket(file)) return work();
    const Call call(file == File::client ? send_client : send_provider);
    if (call.fails()) return -1;
    return work();
}

int accepted(int descriptor, sockaddr* address, socklen_t* size, int flags) {
    if (force != nullptr) {
        const Call call(accept_);
        if (call.fails()) return -1;
    }
    const auto taken = static_cast<int>(::syscall(SYS_accept4, descriptor, address, size, flags));
    is_now(taken, File::client);
    return taken;
}

}  // namespace

// ---- in place of the C library's

#pragma GCC visibility push(default)
extern "C" {

int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_in(flags, more);
    va_end(more);
    return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_in(flags, more);
    va_end(more);
    return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int close(int descriptor) {
    is_now(descriptor, File::other);
    return static_cast<int>(::syscall(SYS_close, descriptor));
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
    return write_at(descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
    return write_at(descriptor, bytes, size, offset);
}
ssize_t pread(int descriptor, void* bytes, size_t size, off_t offset) {
    return read_at(descriptor, bytes, size, offset);
}
ssize_t pread64(int descriptor, void* bytes, size_t size, off64_t offset) {
    return read_at(descriptor, bytes, size, offset);
}
int fsync(int descriptor) {
    return sync(descriptor, SYS_fsync);
}
int fdatasync(int descriptor) {
    return sync(descriptor, SYS_fdatasync);
}
int ftruncate(int descriptor, off_t size) noexcept {
    return truncate_to(descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
    return truncate_to(descriptor, size);
}
int unlink(const char* path) noexcept {
    if (!in_data(path)) return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
    const Call call(unlink_);
    if (call.fails()) return -1;
    return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
int socket(int domain, int type, int protocol) noexcept {
    if (force != nullptr) {
        const Call call(socket_);
        if (call.fails()) return -1;
    }
    const auto made = static_cast<int>(::syscall(SYS_socket, domain, type, protocol));
    is_now(made, File::other);
    return made;
}
int connect(int descriptor, const sockaddr* address, socklen_t size) {
    if (force == nullptr) return static_cast<int>(::syscall(SYS_connect, descriptor, address, size));
    const Call call(connect_);
    if (call.fails()) return -1;
    is_now(descriptor, File::provider);
    return static_cast<int>(::syscall(SYS_connect, descriptor, address, size));
}
int accept(int descriptor, sockaddr* address, socklen_t* size) {
    return accepted(descriptor, address, size, 0);
}
int accept4(int descriptor, sockaddr* address, socklen_t* size, int flags) {
    return accepted(descriptor, address, size, flags);
}
ssize_t send(int descriptor, const void* bytes, size_t size, int flags) {
    return to_peer(descriptor,
                   [&] { return ::syscall(SYS_sendto, descriptor, bytes, size, flags, nullptr, 0); });
}
ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    return to_peer(descriptor, [&] { return ::syscall(SYS_sendmsg, descriptor, message, flags); });
}
ssize_t write(int descriptor, const void* bytes, size_t size) {
    const File file = file_of(descriptor);
    if (is_data(file)) {
        const Call call(kind_of(file, pwrite_db));
        if (call.fails()) return -1;
        return ::syscall(SYS_write, descriptor, bytes, size);
    }
    return to_peer(descriptor, [&] { return ::syscall(SYS_write, descriptor, bytes, size); });
}
ssize_t writev(int descriptor, const iovec* pieces, int count) {
    return to_peer(descriptor, [&] { return ::syscall(SYS_writev, descriptor, pieces, count); });
}

}  // extern "C"
#pragma GCC visibility pop
