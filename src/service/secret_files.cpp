#include "service/secret_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/encoding.hpp"
#include "service/service.hpp"

namespace kassi::service {
namespace {

constexpr std::size_t secret_bytes_max = 64 * 1024;
constexpr std::size_t master_key_bytes = 32;

}  // namespace

Result<Secret<>> read_secret(const std::string& file) {
    const auto refuse = [&](const std::string& why) { return bad_request("", why); };
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return refuse(std::string("cannot be read: ") + std::strerror(errno));
    struct stat about {};
    std::string text;
    std::string why;
    if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        why = "is not a file";
    } else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        why = "can be read or changed by others than its owner; chmod 600 it";
    } else if (about.st_size > static_cast<off_t>(secret_bytes_max)) {
        why = "is larger than 64 KiB";
    } else {
        text.resize(secret_bytes_max);
        const auto count = ::read(descriptor, text.data(), text.size());
        if (count < 0) why = std::string("cannot be read: ") + std::strerror(errno);
        text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    ::close(descriptor);
    if (!why.empty()) return refuse(why);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) return refuse("is empty");
    Secret<> secret(text);
    wipe(text.data(), text.size());
    return secret;
}

Result<Secret<>> read_secret_file(const std::string& file) {
    auto secret = read_secret(file);
    if (!secret) return bad_request("", "\"" + file + "\" " + secret.error().message);
    return secret;
}

Result<Secret<>> parse_master_key(const Secret<>& text) {
    const auto& given = text.reveal();
    if (given.size() == 2 * master_key_bytes) {
        if (auto key = encoding::from_hex(given, "")) return Secret<>(std::move(*key));
    }
    const auto padded = given.size() == 43 ? given + "=" : given;
    if (auto key = encoding::from_base64(padded, ""); key && key->size() == master_key_bytes)
        return Secret<>(std::move(*key));
    return bad_request("", "the master key must be 32 bytes, as 64 hexadecimal digits or in base64");
}

}  // namespace kassi::service
