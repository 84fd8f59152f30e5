#include "sandbox/data_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/encoding.hpp"
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
