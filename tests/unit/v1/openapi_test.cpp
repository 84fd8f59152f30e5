#include "api/v1/openapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "api/v1/door.hpp"

namespace kassi::api::v1 {
namespace {

/// Methods and paths below "paths:", by the file's indentation.
std::set<std::pair<std::string, std::string>> described() {
    std::set<std::pair<std::string, std::string>> all;
    std::istringstream lines{std::string(openapi_yaml())};
    std::string path;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("  /") && line.ends_with(":")) path = line.substr(2, line.size() - 3);
        if (line == "components:") break;
        if (path.starts_with("/v1/") && line == "    get:") all.emplace("GET", path);
        if (path.starts_with("/v1/") && line == "    post:") all.emplace("POST", path);
    }
    return all;
}

TEST(OpenApi, IsTheFileOfTheSchemaFolder) {
    std::ifstream file(std::string(KASSI_SOURCE_DIR) + "/schema/openapi.yaml");
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(openapi_yaml(), text.str());
}

TEST(OpenApi, DescribesTheOperationsOfTheDoorAndNoOther) {
    std::set<std::pair<std::string, std::string>> served;
    for (const auto& [method, path] : operations()) served.emplace(method, path);
    EXPECT_EQ(described(), served);
}

}  // namespace
}  // namespace kassi::api::v1
