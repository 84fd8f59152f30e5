#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include "sandbox/accounts.hpp"
#include "sandbox/data_folder.hpp"
#include "sandbox/sandbox.hpp"

namespace kassi::sandbox {
namespace {

namespace fs = std::filesystem;

fs::perms mode_of(const fs::path& path) {
    return fs::status(path).permissions() & fs::perms::mask;
}

TEST(DataFolder, ATemporaryOneGoesWithEverythingInIt) {
    fs::path path;
    {
        const DataFolder folder("");
        path = folder.path();
        ASSERT_TRUE(fs::is_directory(path));
        EXPECT_EQ(mode_of(path), fs::perms::owner_all);
        std::ofstream(path / "something") << "kept for nobody";
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST(DataFolder, AGivenOneIsMadeAndStays) {
    const DataFolder parent("");
    const auto path = parent.path() / "a" / "data";
    {
        const DataFolder folder(path.string() + "/");
        EXPECT_EQ(folder.path(), path);
        EXPECT_EQ(mode_of(path), fs::perms::owner_all);
    }
    EXPECT_TRUE(fs::is_directory(path));
}

TEST(DataFolder, AFileInItsPlaceIsRefused) {
    const DataFolder parent("");
    std::ofstream(parent.path() / "file") << "x";
    EXPECT_THROW(DataFolder((parent.path() / "file" / "data").string()), std::runtime_error);
}

std::vector<std::string> lines_of(const LineFile& file) {
    std::vector<std::string> lines;
    LineFile::Reader reader(file);
    while (auto line = reader.next()) lines.push_back(std::move(*line));
    return lines;
}

TEST(LineFile, KeepsItsLinesForItsOwner) {
    const DataFolder folder("");
    const auto path = folder.path() / "lines";
    {
        LineFile file(path);
        EXPECT_TRUE(lines_of(file).empty());
        file.append("one");
        file.append("");
        EXPECT_EQ(lines_of(file), (std::vector<std::string>{"one", ""}));
    }
    EXPECT_EQ(mode_of(path), fs::perms::owner_read | fs::perms::owner_write);
    LineFile file(path);
    file.append("three");
    EXPECT_EQ(lines_of(file), (std::vector<std::string>{"one", "", "three"}));
}

TEST(LineFile, ALineThatWasCutOffIsRemoved) {
    const DataFolder folder("");
    const auto path = folder.path() / "lines";
    for (const std::string there : {"one\ntw", "one\n"}) {
        std::ofstream(path) << there;
        LineFile file(path);
        file.append("two");
        EXPECT_EQ(lines_of(file), (std::vector<std::string>{"one", "two"}));
    }
    std::ofstream(path) << "on";
    EXPECT_TRUE(lines_of(LineFile(path)).empty());
    EXPECT_EQ(fs::file_size(path), 0U);
    EXPECT_THROW(LineFile(folder.path() / "nowhere" / "lines"), std::runtime_error);
}

TEST(LineFile, ALongLineThatWasCutOffIsRemoved) {
    const DataFolder folder("");
    const auto path = folder.path() / "lines";
    std::ofstream(path) << "one\n" << std::string(10'000, 'x');
    EXPECT_EQ(lines_of(LineFile(path)), std::vector<std::string>{"one"});
    EXPECT_EQ(fs::file_size(path), 4U);
}

TEST(LineFile, OtherLinesTakeThePlaceOfAll) {
    const DataFolder folder("");
    const auto path = folder.path() / "lines";
    std::ofstream(path.string() + ".new") << "left by a process that was killed\n";
    LineFile file(path);
    file.append("one");
    file.append("two");
    file.replace([](const auto& append) { append("three"); });
    file.append("four");
    EXPECT_EQ(lines_of(file), (std::vector<std::string>{"three", "four"}));
    EXPECT_EQ(file.size(), fs::file_size(path));
    EXPECT_EQ(mode_of(path), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_FALSE(fs::exists(path.string() + ".new"));
}

TEST(SandboxKey, IsDrawnOnceAndForItsOwnerOnly) {
    const DataFolder folder("");
    SystemRandomness randomness;
    const auto key = sandbox_key(folder.path(), randomness);
    EXPECT_EQ(key.reveal().size(), 32U);
    EXPECT_EQ(mode_of(folder.path() / service::sandbox_key_file),
              fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(sandbox_key(folder.path(), randomness).reveal(), key.reveal());
    EXPECT_EQ(read_sandbox_key(folder.path()).reveal(), key.reveal());
    const DataFolder other("");
    EXPECT_NE(sandbox_key(other.path(), randomness).reveal(), key.reveal());
}

TEST(Configuration, OfACommandAsksNobody) {
    const DataFolder folder("");
    EXPECT_THROW((void)configuration(folder.path().string()), std::runtime_error);
    SystemRandomness randomness;
    const auto key = sandbox_key(folder.path(), randomness);
    const auto config = configuration(folder.path().string());
    EXPECT_EQ(config.master_key.reveal(), key.reveal());
    EXPECT_EQ(config.data_directory, folder.path().string());
    EXPECT_TRUE(config.loopback_only);
    for (const auto& merchant : config.directory.merchants)
        if (!merchant.base_url.empty()) {
            EXPECT_TRUE(merchant.base_url.starts_with(nobody_there)) << merchant.name;
        }
}

}  // namespace
}  // namespace kassi::sandbox
