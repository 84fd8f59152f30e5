#pragma once

#include <filesystem>
#include <string>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace kassi::sandbox {

/// The data directory of a running sandbox. A temporary one is removed with everything in it.
class DataFolder {
  public:
    /// "": a fresh temporary one. Else made when it is missing, for its owner only. Throws std::runtime_error
    /// with a plain reason.
    explicit DataFolder(const std::string& wanted);
    ~DataFolder();
    DataFolder(const DataFolder&) = delete;
    DataFolder& operator=(const DataFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
    bool is_temporary_ = false;
};

/// The 32 bytes of <folder>/sandbox-key. Throws std::runtime_error when the file is missing, malformed, or
/// may be read by others.
Secret<> read_sandbox_key(const std::filesystem::path& folder);
/// The same, drawn and written (hexadecimal, mode 600) when there is none yet.
Secret<> sandbox_key(const std::filesystem::path& folder, Randomness& randomness);

}  // namespace kassi::sandbox
