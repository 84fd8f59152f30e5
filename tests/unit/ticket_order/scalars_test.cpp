#include "api/ticket_order/scalars.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace kassi::api::ticket_order {
namespace {

TEST(Decimals, AsServiceStackReadsThem) {
    const std::pair<const char*, Decimal> rows[] = {{"12.50", {1250, 2}},
                                                    {"-0.5", {-5, 1}},
                                                    {".5", {5, 1}},
                                                    {"5.", {5, 0}},
                                                    {" 1 ", {1, 0}},
                                                    {"1.5e2", {150, 0}},
                                                    {"1.0E+2", {100, 0}},
                                                    {"1e3", {1000, 0}},
                                                    {"0", {0, 0}},
                                                    {"0.00", {0, 2}},
                                                    {"-0", {0, 0}},
                                                    {"4500.50", {450050, 2}},
                                                    {"1e-2", {1, 2}},
                                                    {"0e40", {0, 0}},
                                                    {"999999999999999999", {999999999999999999, 0}},
                                                    {"0.000000000000000001", {1, 18}}};
    for (const auto& [text, value] : rows) EXPECT_EQ(read_decimal(text, false), value) << text;
    for (const auto* text : {"",
                             "+1",
                             "007",
                             "00.5",
                             "1 2",
                             "NaN",
                             "null",
                             "1e",
                             "e5",
                             ".",
                             "-",
                             "1.2.3",
                             "1,5",
                             "0x10",
                             "1e41",
                             "1e19",
                             "99999999999999999999",
                             "1e-19",
                             "--1",
                             "1-",
                             "Infinity"})
        EXPECT_FALSE(read_decimal(text, false)) << text;
    EXPECT_FALSE(read_decimal(std::string(decimal_bytes_max + 1, '1'), false));
    EXPECT_TRUE(read_decimal(std::string(decimal_bytes_max - 1, ' ') + "1", false));
}

TEST(Decimals, GroupsOfThreeInQuotesOnly) {
    EXPECT_EQ(read_decimal("1,234.5", true), (Decimal{12345, 1}));
    EXPECT_EQ(read_decimal("-1,234,567", true), (Decimal{-1234567, 0}));
    // .NET would make 15 and 12345 of the first two: money is not guessed.
    for (const auto* text : {"1,5", "12,34,5", "1234,567", ",123", "1,234,", "1,234.5,6", "1,,234", "1,23a"})
        EXPECT_FALSE(read_decimal(text, true)) << text;
    EXPECT_FALSE(read_decimal("1,234.5", false));
}

TEST(Decimals, UnitsAreExactOrNone) {
    EXPECT_EQ((Decimal{1250, 2}.units(2)), 1250);
    EXPECT_EQ((Decimal{1250, 2}.units(1)), 125);
    EXPECT_EQ((Decimal{1250, 2}.units(0)), std::nullopt);
    EXPECT_EQ((Decimal{450000, 2}.units(0)), 4500);
    EXPECT_EQ((Decimal{5, 0}.units(3)), 5000);
    EXPECT_EQ((Decimal{-5, 1}.units(2)), -50);
    EXPECT_EQ((Decimal{std::numeric_limits<std::int64_t>::max(), 0}.units(1)), std::nullopt);
}

RC_GTEST_PROP(DecimalProperty, TextAndBack, ()) {
    const Decimal number{*rc::gen::inRange<std::int64_t>(-999'999'999'999'999'999, 999'999'999'999'999'999),
                         *rc::gen::inRange(0, decimal_scale_max + 1)};
    RC_ASSERT(read_decimal(number.text(), false) == std::optional(number));
}

TEST(Integers, Range) {
    EXPECT_EQ(read_integer("-9223372036854775808", std::numeric_limits<std::int64_t>::min(), 0),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(read_integer("2147483647", 0, 2147483647), 2147483647);
    EXPECT_FALSE(read_integer("2147483648", 0, 2147483647));
    EXPECT_FALSE(read_integer("9223372036854775808", 0, std::numeric_limits<std::int64_t>::max()));
    EXPECT_FALSE(read_integer("1e3", 0, 9999));
}

std::string as_json(std::string_view text) {
    const auto date = read_date(text);
    return date ? json_date(*date) : "none";
}

TEST(Dates, EveryForm) {
    const std::pair<const char*, const char*> rows[] = {
        {"2021-03-04", "2021-03-04T00:00:00.0000000Z"},
        {"20210304", "2021-03-04T00:00:00.0000000Z"},
        {"04/03/2021", "2021-03-04T00:00:00.0000000Z"},
        {"2021-03-04T05:06:07", "2021-03-04T05:06:07.0000000Z"},
        {"2021-03-04T05:06", "2021-03-04T05:06:00.0000000Z"},
        {"2021-03-04 05:06:07", "2021-03-04T05:06:07.0000000Z"},
        {"2021-03-04T05:06:07Z", "2021-03-04T05:06:07.0000000Z"},
        {"2021-03-04T05:06:07.8901234Z", "2021-03-04T05:06:07.8901234Z"},
        {"2021-03-04T05:06:07.1", "2021-03-04T05:06:07.1000000Z"},
        {"2021-03-04T05:06:07+02:00", "2021-03-04T03:06:07.0000000Z"},
        {"2021-03-04T23:30:00.5-01:30", "2021-03-05T01:00:00.5000000Z"},
        {"2024-05-01T12:34:56.789000", "2024-05-01T12:34:56.7890000Z"},
        {"2024-05-01T12:34:56+00:00", "2024-05-01T12:34:56.0000000Z"},
        {"/Date(1614834367000)/", "2021-03-04T05:06:07.0000000Z"},
        {R"(\/Date(1614834367000)\/)", "2021-03-04T05:06:07.0000000Z"},
        {"/Date(1614834367000+0200)/", "2021-03-04T05:06:07.0000000Z"},
        {"/Date(1614834367000-0000)/", "2021-03-04T05:06:07.0000000Z"},
        {"/Date(-1)/", "1969-12-31T23:59:59.9990000Z"},
        {"Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)", "1970-01-01T00:00:00.0000000Z"},
        {"Wed May 01 2024 14:34:56 GMT+0200", "2024-05-01T12:34:56.0000000Z"},
        {"0001-01-01", "0001-01-01T00:00:00.0000000"},
        {"0001-01-01T00:00:00.0000000", "0001-01-01T00:00:00.0000000"},
        {"0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00.0000000"},
        {"/Date(-62135596800000-0000)/", "0001-01-01T00:00:00.0000000"},
        {"", "0001-01-01T00:00:00.0000000"},
        {" 2021-03-04 ", "2021-03-04T00:00:00.0000000Z"},
        {"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"},
        {"2024-02-29", "2024-02-29T00:00:00.0000000Z"},
    };
    for (const auto& [text, wanted] : rows) EXPECT_EQ(as_json(text), wanted) << text;
}

TEST(Dates, WhatIsNone) {
    for (const auto* text : {"garbage",
                             "2021-13-45",
                             "2023-02-29",
                             "1614834367",
                             "1614834367000",
                             "2021-03-04T",
                             "2021-03-04T25:00:00",
                             "2021-03-04T05:06:60Z",
                             "2021-03-04T05:06:07.12345678Z",
                             "2021-03-04T05:06:07.Z",
                             "2021-03-04T05:06:07+2",
                             "2021-03-04T05:06:07+15:00",
                             "2021-03-04T05:06:07Zx",
                             "0000-01-01",
                             "9999-12-31T23:59:59-01:00",
                             "31/02/2021",
                             "/Date()/",
                             "/Date(1614834367000)",
                             "/Date(99999999999999999999)/",
                             "/Date(1614834367000+02)/",
                             "/Date(-62135596800001)/",
                             "Thu Jan 01",
                             "Thu Foo 01 1970 00:00:00 GMT+0000",
                             "Thu Jan 01 1970 00:00:00 GMT+0000 x",
                             "2021/03/04",
                             "4/3/2021",
                             "\\"})
        EXPECT_EQ(as_json(text), "none") << text;
}

TEST(Dates, JsvPrintsAsShortAsServiceStack) {
    const auto jsv = [](const char* text) { return jsv_date(*read_date(text)); };
    EXPECT_EQ(jsv("0001-01-01"), "0001-01-01");
    EXPECT_EQ(jsv("2021-03-04T00:00:00Z"), "2021-03-04");
    EXPECT_EQ(jsv("2021-03-04T05:06:07Z"), "2021-03-04T05:06:07Z");
    EXPECT_EQ(jsv("2021-03-04T05:06:07.089Z"), "2021-03-04T05:06:07.089Z");
    EXPECT_EQ(jsv("2021-03-04T05:06:07.8901234Z"), "2021-03-04T05:06:07.8901234Z");
}

TEST(Dates, Instants) {
    const auto at = parse_iso8601("2024-05-01T12:34:56.789Z", "at").value();
    EXPECT_EQ(date_of(at).instant(), at);
    EXPECT_EQ(read_date("2024-05-01T12:34:56.7899999Z")->instant(), at);
}

RC_GTEST_PROP(DateProperty, PrintedIsRead, ()) {
    constexpr std::int64_t day = 864'000'000'000;
    const auto ticks = *rc::gen::inRange<std::int64_t>(-700'000 * day, 2'900'000 * day);
    const Date date{std::chrono::sys_time<Ticks>(Ticks(ticks))};
    RC_ASSERT(read_date(json_date(date)) == std::optional(date));
    RC_ASSERT(read_date(jsv_date(date)) == std::optional(date));
}

RC_GTEST_PROP(DateProperty, NoTextIsTooStrange, (const std::string& text)) {
    static_cast<void>(read_date(text));
    static_cast<void>(read_date("Thu Jan " + text));
    static_cast<void>(read_date("/Date(" + text));
    static_cast<void>(read_date("2021-03-04T05:06:07" + text));
    static_cast<void>(read_decimal(text, true));
    static_cast<void>(read_boolean(text));
}

TEST(Currencies, ByCodeOrNumber) {
    EXPECT_EQ(read_currency("ISK")->code(), "ISK");
    EXPECT_EQ(read_currency(" isk ")->code(), "ISK");
    EXPECT_EQ(read_currency("352")->code(), "ISK");
    EXPECT_EQ(read_currency("048")->code(), "BHD");
    constexpr const char* no_currency =
        "xxx";  // what ISO 4217 has for that: a code of the list, and no money
    for (const auto* text : {"", "48", "000", "kr", "String", no_currency})
        EXPECT_FALSE(read_currency(text)) << text;
}

}  // namespace
}  // namespace kassi::api::ticket_order
