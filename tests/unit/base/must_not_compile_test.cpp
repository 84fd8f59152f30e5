// Code that must never compile, and a control that must: the compiler is asked.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

fs::path folder() {
    return fs::path(KASSI_SOURCE_DIR) / "tests/unit/base/must_not_compile";
}

bool compiles(const std::string& name) {
    const auto command =
        std::string("\"" KASSI_COMPILER "\" -std=c++20 -fsyntax-only -Werror=narrowing -I\"" KASSI_SOURCE_DIR
                    "/src\" \"") +
        (folder() / (name + ".cpp")).string() + "\" 2>/dev/null";
    return std::system(command.c_str()) == 0;
}

std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder())) found.push_back(entry.path().stem().string());
    std::sort(found.begin(), found.end());
    return found;
}

class MustNotCompileTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MustNotCompileTest, AsTheNameSays) {
    EXPECT_EQ(compiles(GetParam()), GetParam() == "must_compile");
}

INSTANTIATE_TEST_SUITE_P(, MustNotCompileTest, ::testing::ValuesIn(names()),
                         [](const auto& example) { return example.param; });

TEST(MustNotCompileControl, IsThere) {
    const auto all = names();
    EXPECT_GT(all.size(), 10U);
    EXPECT_EQ(std::count(all.begin(), all.end(), "must_compile"), 1);
}

}  // namespace
