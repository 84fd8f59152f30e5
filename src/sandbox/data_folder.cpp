#include "sandbox/data_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "service/service.hpp"

namespace kassi::sandbox {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, std::string_view what, int number) {
    throw std::runtime_error(path.string() + " " + std::string(what) + ": " + std::strerror(number));
}

fs::path fresh_folder() {
    std::string name = (fs::temp_directory_path() / "kassi-sandbox-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail(name, "cannot be made", errno);
    return name;
}

/// The bytes up to the last end of a line, looked for from the end. -1 when the file cannot be read.
off_t whole_lines_bytes(int descriptor) {
    std::array<char, 4096> piece{};
    off_t end = ::lseek(descriptor, 0, SEEK_END);
    while (end > 0) {
        const auto wanted = std::min<off_t>(end, static_cast<off_t>(piece.size()));
        if (::pread(descriptor, piece.data(), static_cast<std::size_t>(wanted), end - wanted) != wanted)
            return -1;
        const auto found = std::string_view(piece.data(), static_cast<std::size_t>(wanted)).rfind('\n');
        if (found != std::string_view::npos) return end - wanted + static_cast<off_t>(found) + 1;
        end -= wanted;
    }
    return end;
}

}  // namespace

void write_private(const fs::path& file, const std::string& text) {
    // Made under another name first: what is there is whole.
    const fs::path draft = file.string() + ".new";
    const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) fail(draft, "cannot be made", errno);
    const auto written = ::write(descriptor, text.data(), text.size());
    const bool whole = written == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
    const int number = errno;
    ::close(descriptor);
    if (!whole) fail(draft, "cannot be written", number);
    fs::rename(draft, file);
}

DataFolder::DataFolder(const std::string& wanted) : is_temporary_(wanted.empty()) {
    if (is_temporary_) {
        path_ = fresh_folder();
        return;
    }
    path_ = fs::absolute(wanted).lexically_normal();
    if (!path_.has_filename()) path_ = path_.parent_path();
    std::error_code ec;
    const bool made = fs::create_directories(path_, ec);
    if (ec) throw std::runtime_error(path_.string() + " cannot be made: " + ec.message());
    if (made) fs::permissions(path_, fs::perms::owner_all, ec);
}

DataFolder::~DataFolder() {
    if (!is_temporary_) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

LineFile::LineFile(fs::path path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor_ < 0) fail(path_, "cannot be opened", errno);
    const auto whole = whole_lines_bytes(descriptor_);
    if (whole >= 0 && ::ftruncate(descriptor_, whole) == 0) return;
    const int number = errno;
    ::close(descriptor_);
    fail(path_, whole < 0 ? "cannot be read" : "cannot be written", number);
}

LineFile::~LineFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::uintmax_t LineFile::size() const {
    return fs::file_size(path_);
}

LineFile::Reader::Reader(const LineFile& file) : path_(file.path_), in_(path_, std::ios::binary) {}

std::optional<std::string> LineFile::Reader::next() {
    std::string line;
    std::getline(in_, line);
    if (in_.eof()) return std::nullopt;  // what stands after the last end of a line is half a line
    if (!in_) throw std::runtime_error(path_.string() + " cannot be read");
    return line;
}

void LineFile::replace(const std::function<void(const std::function<void(std::string_view)>&)>& write) {
    const fs::path draft_path = path_.string() + ".new";
    std::error_code ec;
    fs::remove(draft_path, ec);
    LineFile draft(draft_path);
    write([&draft](std::string_view line) { draft.append(line); });
    // On the disk before it takes the place of what is on the disk.
    const bool whole = draft.descriptor_ >= 0 && ::fsync(draft.descriptor_) == 0;
    if (whole) fs::rename(draft_path, path_, ec);
    if (!whole || ec) {
        log::error("lines_not_replaced", {{"file", path_.string()}});
        fs::remove(draft_path, ec);
        return;
    }
    std::swap(descriptor_, draft.descriptor_);
}

void LineFile::append(std::string_view line) {
    if (descriptor_ < 0) return;
    const std::string text = std::string(line) + '\n';
    for (std::size_t done = 0; done < text.size();) {
        const auto written = ::write(descriptor_, text.data() + done, text.size() - done);
        if (written > 0) {
            done += static_cast<std::size_t>(written);
        } else if (written == 0 || errno != EINTR) {
            log::error("line_not_written", {{"file", path_.string()}, {"why", std::strerror(errno)}});
            // Half a line may be there, and must stay the last.
            ::close(descriptor_);
            descriptor_ = -1;
            return;
        }
    }
}

Secret<> read_sandbox_key(const fs::path& folder) {
    auto text = service::read_secret_file((folder / service::sandbox_key_file).string());
    if (!text) throw std::runtime_error(text.error().message);
    auto key = service::parse_master_key(*text);
    if (!key)
        throw std::runtime_error((folder / service::sandbox_key_file).string() + ": " + key.error().message);
    return std::move(*key);
}

Secret<> sandbox_key(const fs::path& folder, Randomness& randomness) {
    if (!fs::exists(folder / service::sandbox_key_file)) {
        std::array<std::uint8_t, 32> bytes{};
        randomness.fill(bytes);
        write_private(folder / service::sandbox_key_file,
                      encoding::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + "\n");
    }
    return read_sandbox_key(folder);
}

}  // namespace kassi::sandbox
