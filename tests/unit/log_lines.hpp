#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/log.hpp"

namespace kassi {

/// The lines that are logged while it lives, from info on.
class LogLines {
  public:
    LogLines() {
        auto name = (std::filesystem::temp_directory_path() / "kassi-log-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
        folder_ = name;
        log::start(log::Level::info, folder_ / "log");
    }
    ~LogLines() {
        log::start(log::Level::info);
        std::filesystem::remove_all(folder_);
    }
    LogLines(const LogLines&) = delete;
    LogLines& operator=(const LogLines&) = delete;

    [[nodiscard]] std::string text() const {
        std::ifstream in(folder_ / "log");
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// The last line of this event; null when there is none.
    [[nodiscard]] nlohmann::json last(const std::string& event) const {
        std::ifstream in(folder_ / "log");
        nlohmann::json found;
        for (std::string line; std::getline(in, line);) {
            auto parsed = nlohmann::json::parse(line);
            if (parsed.at("event") == event) found = std::move(parsed);
        }
        return found;
    }

  private:
    std::filesystem::path folder_;
};

}  // namespace kassi
