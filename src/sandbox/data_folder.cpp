#include "sandbox/data_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

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

void write_key(const fs::path& file, const std::string& text) {
    // Made under another name first: a key that is there is whole.
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

/// Up to the last end of a line.
std::string whole_lines(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) throw std::runtime_error(path.string() + " cannot be read");
    const auto end = text.rfind('\n');
    text.resize(end == std::string::npos ? 0 : end + 1);
    return text;
}

}  // namespace

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
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor_ < 0) fail(path_, "cannot be opened", errno);
    std::error_code ec;
    fs::resize_file(path_, whole_lines(path_).size(), ec);
    if (!ec) return;
    ::close(descriptor_);
    fail(path_, "cannot be written", ec.value());
}

LineFile::~LineFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::vector<std::string> LineFile::lines() const {
    const std::string text = whole_lines(path_);
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
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
        write_key(folder / service::sandbox_key_file,
                  encoding::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + "\n");
    }
    return read_sandbox_key(folder);
}

}  // namespace kassi::sandbox
