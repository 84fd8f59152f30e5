#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "core/tables.hpp"

namespace kassi::core {
namespace {

/// The README shows the picture as a file; it is drawn from the tables and from nothing else.
TEST(StatesPicture, OfTheReadmeIsDrawnFromTheTables) {
    const std::string path = KASSI_SOURCE_DIR "/src/core/states.svg";
    std::ifstream file(path, std::ios::binary);
    ASSERT_TRUE(file) << path << " cannot be read";
    const std::string shown{std::istreambuf_iterator<char>(file), {}};
    // Not EXPECT_EQ: a difference of two long pictures helps nobody.
    EXPECT_TRUE(shown == states_svg())
        << "The tables have changed. Draw the picture again, from the root of the repository:\n"
        << "  build/release/kassi states --format svg > src/core/states.svg";
}

}  // namespace
}  // namespace kassi::core
