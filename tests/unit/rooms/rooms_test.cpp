#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

/// Who may include whom (design: base, core, providers, engine, store; doors on engine). What a room links is
/// one fence; these are the #include lines.
namespace {

namespace fs = std::filesystem;
const fs::path root = KASSI_SOURCE_DIR;

struct Line {
    std::string file, included;
};

/// The room of a path relative to the root: "base", "core", "providers", ...
std::string room_of(const std::string& path) {
    static const std::vector<std::pair<std::string, std::string>> rooms{
        {"src/base/", "base"},
        {"src/core/", "core"},
        {"src/store/", "store"},
        {"src/engine/", "engine"},
        {"src/http/", "http"},
        {"src/api/", "api"},
        {"src/sandbox/simulators/", "simulators"},
        {"src/sandbox/", "sandbox"},
        {"src/service/", "service"},
        {"src/main.cpp", "main"},
        {"providers/", "providers"},
        {"callbacks/", "callbacks"}};
    for (const auto& [prefix, room] : rooms)
        if (path.starts_with(prefix)) return room;
    return "";
}

const std::map<std::string, std::set<std::string>> may_include{
    {"base", {"base"}},
    {"core", {"base", "core"}},
    {"providers", {"base", "core", "providers"}},
    {"store", {"base", "core", "store"}},
    {"engine", {"base", "core", "providers", "store", "engine"}},
    {"http", {"base", "http"}},
    {"api", {"base", "core", "providers", "store", "engine", "api"}},
    {"callbacks", {"base", "core", "providers", "store", "engine", "api", "callbacks"}},
    {"simulators", {"base", "simulators"}},
};

std::vector<Line> includes() {
    static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
    std::vector<Line> lines;
    for (const char* top : {"src", "providers", "callbacks"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            const auto extension = entry.path().extension();
            if (extension != ".hpp" && extension != ".cpp") continue;
            std::ifstream file(entry.path());
            std::string text;
            while (std::getline(file, text)) {
                std::smatch match;
                if (std::regex_search(text, match, pattern))
                    lines.push_back({fs::relative(entry.path(), root).generic_string(), match[1]});
            }
        }
    }
    return lines;
}

TEST(Rooms, IncludeOnlyWhatTheyMay) {
    int checked = 0;
    for (const auto& [file, included] : includes()) {
        const auto allowed = may_include.find(room_of(file));
        if (allowed == may_include.end()) continue;  // main, service and sandbox put the rooms together
        std::string target = room_of(included);
        if (target.empty()) target = room_of("src/" + included);
        if (target.empty()) continue;  // a library, or a file beside it
        ++checked;
        EXPECT_TRUE(allowed->second.contains(target)) << file << " includes " << included;
    }
    EXPECT_GT(checked, 100);
}

TEST(Rooms, LibrariesStayWhereTheyBelong) {
    for (const auto& [file, included] : includes()) {
        if (included.starts_with("boost/beast")) {
            EXPECT_EQ(room_of(file), "http") << file << " includes " << included;
        }
        if (included == "sqlite3.h" || included == "bloom.h") {
            EXPECT_EQ(room_of(file), "store") << file << " includes " << included;
        }
        if (included.starts_with("openssl/")) {
            const bool allowed = room_of(file) == "http" || file.starts_with("src/base/crypto") ||
                                 file.starts_with("src/base/clock") || file.starts_with("src/base/secret") ||
                                 file.starts_with("providers/credentials/apple_pay") ||
                                 file.starts_with("src/sandbox/simulators/apple_");
            EXPECT_TRUE(allowed) << file << " includes " << included;
        }
    }
}

TEST(Rooms, HeavyHeadersStayOutOfHeaders) {
    for (const auto& [file, included] : includes()) {
        if (!file.ends_with(".hpp")) continue;
        const bool heavy = included == "nlohmann/json.hpp" || included.starts_with("boost/beast") ||
                           included == "sqlite3.h" || included == "bloom.h" ||
                           included.starts_with("spdlog/") || included.starts_with("toml");
        EXPECT_FALSE(heavy) << file << " includes " << included;
    }
}

TEST(Rooms, CoreAndProvidersArePure) {
    static const std::regex impure(
        R"(system_clock::now|steady_clock::now|std::random_device|std::this_thread|std::ofstream|std::ifstream|getenv\()");
    for (const fs::path top : {root / "src/core", root / "providers"}) {
        for (const auto& entry : fs::recursive_directory_iterator(top)) {
            const auto extension = entry.path().extension();
            if (extension != ".hpp" && extension != ".cpp") continue;
            std::ifstream file(entry.path());
            std::string text;
            while (std::getline(file, text))
                EXPECT_FALSE(std::regex_search(text, impure)) << entry.path().filename() << ": " << text;
        }
    }
}

}  // namespace
