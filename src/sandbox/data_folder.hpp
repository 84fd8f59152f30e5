#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// A file of lines, for its owner only. A last line without its end was cut off by the end of
/// an earlier process: it counts for nothing, and is removed.
class LineFile {
  public:
    /// Made when it is missing. Throws std::runtime_error with a plain reason.
    explicit LineFile(std::filesystem::path path);
    ~LineFile();
    LineFile(const LineFile&) = delete;
    LineFile& operator=(const LineFile&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::uintmax_t size() const;  ///< bytes
    /// What is in it, line by line.
    class Reader {
      public:
        explicit Reader(const LineFile& file);
        /// Nullopt at the end. Throws std::runtime_error when it cannot be read.
        std::optional<std::string> next();

      private:
        std::filesystem::path path_;
        std::ifstream in_;
    };
    /// With the operating system when it returns: the end of this process loses nothing. What cannot be
    /// written is logged once, and nothing is written after it.
    void append(std::string_view line);
    /// Other lines in place of all that are in it: those that `write` gives to the function that it gets.
    /// When they cannot be written that is logged, and the file stays as it is. Throws as the constructor.
    void replace(const std::function<void(const std::function<void(std::string_view)>&)>& write);

  private:
    std::filesystem::path path_;
    int descriptor_ = -1;
};

/// A whole file or none, for its owner only. Throws std::runtime_error when it cannot be written.
void write_private(const std::filesystem::path& file, const std::string& text);

/// The 32 bytes of <folder>/sandbox-key. Throws std::runtime_error when the file is missing, malformed, or
/// may be read by others.
Secret<> read_sandbox_key(const std::filesystem::path& folder);
/// The same, drawn and written (hexadecimal, mode 600) when there is none yet.
Secret<> sandbox_key(const std::filesystem::path& folder, Randomness& randomness);

}  // namespace kassi::sandbox
