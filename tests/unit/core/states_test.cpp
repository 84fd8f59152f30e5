#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/tables.hpp"

namespace kassi::core {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size()))
        ++found;
    return found;
}

TEST(States, TextHasEveryRowOfBothTables) {
    const auto text = states_text();
    std::size_t rows = 0;
    std::size_t from = 0;
    for (auto end = text.find('\n'); end != std::string::npos; from = end + 1, end = text.find('\n', from)) {
        const auto line = text.substr(from, end - from);
        EXPECT_FALSE(line.ends_with(' ')) << line;
        if (line.find("  ") != std::string::npos && !line.starts_with("from ") && !line.starts_with("--"))
            ++rows;
    }
    EXPECT_EQ(rows, leg_table().size() + transaction_table().size());
    for (const auto& row : leg_table()) {
        EXPECT_THAT(text, HasSubstr(word(row.on)));
        EXPECT_THAT(text, HasSubstr(row.guard_word));
        EXPECT_THAT(text, HasSubstr(row.note));
        EXPECT_THAT(text, HasSubstr(row.money));
    }
    for (const auto& row : transaction_table()) {
        EXPECT_THAT(text, HasSubstr(word(row.on)));
        EXPECT_THAT(text, HasSubstr(row.guard_word));
        EXPECT_THAT(text, HasSubstr(row.note));
    }
    EXPECT_THAT(text, HasSubstr("failed | released | cancelled: the verdict never changes"));
}

TEST(States, TextIsAligned) {
    const auto text = states_text();
    const auto head = text.find("from  ");
    const auto line = [&](std::size_t at) { return text.substr(at, text.find('\n', at) - at); };
    const auto column = line(head).find("on ");
    const auto first_row = text.find("reserved ", head);
    EXPECT_EQ(line(first_row).find("purchase"), column);
}

TEST(States, DotNamesEveryState) {
    const auto dot = states_dot();
    EXPECT_EQ(count(dot, "subgraph cluster_"), 2U);
    for (int p = 0; p <= static_cast<int>(Phase::cancelled); ++p)
        EXPECT_THAT(dot, HasSubstr("transaction_" + std::string(word(static_cast<Phase>(p))) + " [label="));
    for (int d = 0; d <= static_cast<int>(Doing::doubt); ++d)
        EXPECT_THAT(dot, HasSubstr("leg_" + std::string(word(static_cast<Doing>(d))) + " [label="));
    EXPECT_THAT(dot, HasSubstr("transaction_reserved -> transaction_authorising [label=\"purchase\"]"));
    EXPECT_THAT(dot, HasSubstr("leg_rest -> leg_call [label=\"asks"));
    EXPECT_EQ(count(dot, "{"), count(dot, "}"));
}

TEST(States, DotIsReadByGraphviz) {
    if (std::system("command -v dot >/dev/null 2>&1") != 0) GTEST_SKIP() << "Graphviz is not installed";
    auto directory = (std::filesystem::temp_directory_path() / "kassi-states-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    const auto file = directory + "/states.dot";
    std::ofstream(file) << states_dot();
    EXPECT_EQ(std::system(("dot -Tsvg '" + file + "' >'" + file + ".svg' 2>'" + file + ".log'").c_str()), 0);
    EXPECT_EQ(std::filesystem::file_size(file + ".log"), 0U) << "Graphviz has something to say";
    EXPECT_GT(std::filesystem::file_size(file + ".svg"), 1000U);
    std::filesystem::remove_all(directory);
}

/// A move that is new in a table has no place in the picture yet: give it a Route in states.cpp.
TEST(States, EveryArrowHasAPlaceInThePicture) {
    EXPECT_THAT(states_svg(), Not(HasSubstr("unplaced")));
}

TEST(States, PictureShowsEveryStateAndEveryMove) {
    const auto svg = states_svg();
    for (int p = 0; p <= static_cast<int>(Phase::cancelled); ++p)
        EXPECT_THAT(svg, HasSubstr(">" + std::string(word(static_cast<Phase>(p))) + "</text>"));
    for (int d = 0; d <= static_cast<int>(Doing::doubt); ++d)
        EXPECT_THAT(svg, HasSubstr(">" + std::string(word(static_cast<Doing>(d))) + "</text>"));
    EXPECT_EQ(count(svg, "class=\"box"), 8U + 4U + 5U);
    // A long word may be broken over two lines, so its first part is looked for.
    const auto first_part = [](std::string_view text) { return std::string(text.substr(0, text.find(' '))); };
    for (const auto& row : transaction_table()) EXPECT_THAT(svg, HasSubstr(first_part(word(row.on))));
    for (const auto& row : leg_table()) {
        // What leaves every state as it is has no arrow.
        if (row.on == LegOn::nothing_new) continue;
        EXPECT_THAT(svg, HasSubstr(first_part(word(row.on))));
    }
}

TEST(States, PictureIsSelfContained) {
    const auto svg = states_svg();
    EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="));
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
    EXPECT_EQ(count(svg, "http"), 1U) << "only the namespace";
    EXPECT_EQ(count(svg, "url("), count(svg, "url(#head)"));
    EXPECT_THAT(svg, Not(HasSubstr("<script")));
    EXPECT_THAT(svg, Not(HasSubstr("@import")));
    EXPECT_EQ(count(svg, "<text"), count(svg, "</text>"));
    EXPECT_EQ(count(svg, "<tspan"), count(svg, "</tspan>"));
    EXPECT_EQ(count(svg, "<g "), count(svg, "</g>"));
    EXPECT_LT(svg.size(), 64U * 1024U);
    EXPECT_EQ(svg, states_svg());
}

}  // namespace
}  // namespace kassi::core
