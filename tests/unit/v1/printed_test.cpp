// Answers that are kept: of one record once, of another anew.
#include "api/printed.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace kassi::api {
namespace {

TEST(Printed, ARecordThatDoesNotMoveIsPrintedOnce) {
    Printed printed;
    int prints = 0;
    const auto print = [&prints] { return "answer " + std::to_string(++prints); };
    const auto record = std::make_shared<const store::Loaded>();
    EXPECT_EQ(printed.of(record, print), "answer 1");
    EXPECT_EQ(printed.of(record, print), "answer 1");
    const auto moved = std::make_shared<const store::Loaded>();
    EXPECT_EQ(printed.of(moved, print), "answer 2");
    EXPECT_EQ(printed.of(record, print), "answer 1");
    EXPECT_EQ(prints, 2);
}

TEST(Printed, HoldsABoundedNumberOfBytes) {
    Printed printed;
    const std::size_t large = 1024 * 1024;
    int prints = 0;
    const auto print = [&prints] { return std::string(large, static_cast<char>('a' + ++prints % 26)); };
    const auto first = std::make_shared<const store::Loaded>();
    printed.of(first, print);
    for (int i = 0; i < 8; ++i) printed.of(std::make_shared<const store::Loaded>(), print);
    const auto before = prints;
    printed.of(first, print);
    EXPECT_EQ(prints, before + 1) << "it is not kept any longer";
}

}  // namespace
}  // namespace kassi::api
