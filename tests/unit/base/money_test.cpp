#include "base/money.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kassi {
namespace {

Currency currency(std::string_view code) {
    return Currency::parse(code, "currency").value();
}

constexpr std::string_view two_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Every three letters that parse() takes, in order.
std::vector<std::string> all_codes() {
    std::vector<std::string> codes;
    for (const char a : two_letters)
        for (const char b : two_letters)
            for (const char c : two_letters)
                if (const std::string code{a, b, c}; Currency::parse(code, "currency")) codes.push_back(code);
    return codes;
}

TEST(CurrencyTest, KnowsCodeNumberAndPlaces) {
    struct Expected {
        const char* code;
        int number;
        int places;
    };
    for (const auto& e :
         {Expected{"GBP", 826, 2}, Expected{"EUR", 978, 2}, Expected{"USD", 840, 2}, Expected{"ISK", 352, 0},
          Expected{"JPY", 392, 0}, Expected{"KWD", 414, 3}, Expected{"CLF", 990, 4}, Expected{"UYW", 927, 4},
          Expected{"ALL", 8, 2}, Expected{"AED", 784, 2}, Expected{"ZWG", 924, 2}}) {
        EXPECT_EQ(currency(e.code).code(), e.code);
        EXPECT_EQ(currency(e.code).number(), e.number) << e.code;
        EXPECT_EQ(currency(e.code).places(), e.places) << e.code;
    }
}

TEST(CurrencyTest, EveryCodeOfTheTableIsFoundAndNumbersAreUnique) {
    const auto codes = all_codes();
    EXPECT_GE(codes.size(), 155U);
    std::set<int> numbers;
    for (const auto& code : codes) {
        EXPECT_EQ(currency(code).code(), code);
        EXPECT_TRUE(numbers.insert(currency(code).number()).second) << code;
        EXPECT_GT(currency(code).number(), 0);
        EXPECT_LT(currency(code).number(), 1000);
        EXPECT_NE(currency(code).pre_symbol().empty(), currency(code).post_symbol().empty()) << code;
    }
}

// ISO 4217, list one: whatever is not named here has two places.
TEST(CurrencyTest, PlacesOtherThanTwo) {
    std::map<int, std::set<std::string>> by_places;
    for (const auto& code : all_codes()) by_places[currency(code).places()].insert(code);
    EXPECT_EQ(by_places[0],
              (std::set<std::string>{"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF",
                                     "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"}));
    EXPECT_EQ(by_places[3], (std::set<std::string>{"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}));
    EXPECT_EQ(by_places[4], (std::set<std::string>{"CLF", "UYW"}));
    EXPECT_EQ(by_places.size(), 4U);
}

TEST(CurrencyTest, AnyCaseIsReadAndBothAreWritten) {
    EXPECT_EQ(currency("gbp"), currency("GBP"));
    EXPECT_EQ(currency("gBp").lower_code(), "gbp");
    EXPECT_NE(currency("GBP"), currency("EUR"));
}

TEST(CurrencyTest, RefusesWhatIsNoCurrencyNamingTheField) {
    for (const auto* code :
         {"", "GB", "GBPP", "XXX", "xxx", "HRK", "ZZZ", "AAA", " GBP", "G P", "826", "XAU"}) {
        const auto parsed = Currency::parse(code, "amount.currency");
        ASSERT_FALSE(parsed) << code;
        EXPECT_EQ(parsed.error().kind, ErrorKind::bad_request);
        EXPECT_EQ(parsed.error().field, "amount.currency");
    }
}

TEST(CurrencyTest, NobodySetIt) {
    EXPECT_EQ(Currency().code(), "XXX");
    EXPECT_EQ(Money(), (Money{0, Currency()}));
}

TEST(MinorFromDecimalTest, ReadsWithThePlacesOfTheCurrency) {
    EXPECT_EQ(minor_from_decimal("12.5", 2, "amount").value(), 1250);
    EXPECT_EQ(minor_from_decimal("12.50", 2, "amount").value(), 1250);
    EXPECT_EQ(minor_from_decimal("12", 2, "amount").value(), 1200);
    EXPECT_EQ(minor_from_decimal("0", 2, "amount").value(), 0);
    EXPECT_EQ(minor_from_decimal("0.01", 2, "amount").value(), 1);
    EXPECT_EQ(minor_from_decimal("0.07", 2, "amount").value(), 7);  // 0.07 * 100 is no whole number in binary
    EXPECT_EQ(minor_from_decimal("1.005", 3, "amount").value(), 1005);
    EXPECT_EQ(minor_from_decimal("4.35", 2, "amount").value(), 435);
    EXPECT_EQ(minor_from_decimal("1250", 0, "amount").value(), 1250);
    EXPECT_EQ(minor_from_decimal("1250.00", 0, "amount").value(), 1250);
    EXPECT_EQ(minor_from_decimal("0.123456", 6, "amount").value(), 123456);
    EXPECT_EQ(minor_from_decimal("12.5000000000000000000000000", 2, "amount").value(), 1250);
    EXPECT_EQ(minor_from_decimal("007.10", 2, "amount").value(), 710);
}

TEST(MinorFromDecimalTest, RefusesEverythingElseNamingTheField) {
    for (const auto* text :
         {"",      ".",      ".5",    "5.",   "-1",  "+1",  "1e2",   "1E2",   " 1",       "1 ",  "1,5",
          "1.2.3", "12.505", "0.001", "0x10", "NaN", "inf", "1_000", "1'000", "\xd9\xa1", "12\n"}) {
        const auto minor = minor_from_decimal(text, 2, "amount");
        ASSERT_FALSE(minor) << text;
        EXPECT_EQ(minor.error().kind, ErrorKind::bad_request) << text;
        EXPECT_EQ(minor.error().field, "amount") << text;
    }
    EXPECT_FALSE(minor_from_decimal("12.5", 0, "amount"));
    EXPECT_FALSE(minor_from_decimal(std::string_view("12\0", 3), 2, "amount"));
}

TEST(MinorFromDecimalTest, StopsAtTheLargestPayment) {
    EXPECT_EQ(minor_from_decimal("10000000000.00", 2, "amount").value(), payment_minor_max);
    EXPECT_FALSE(minor_from_decimal("10000000000.01", 2, "amount"));
    EXPECT_EQ(minor_from_decimal("1000000000000", 0, "amount").value(), payment_minor_max);
    EXPECT_FALSE(minor_from_decimal("1000000000001", 0, "amount"));
    EXPECT_EQ(minor_from_decimal("1000000000.000", 3, "amount").value(), payment_minor_max);
    EXPECT_FALSE(minor_from_decimal("1000000000.001", 3, "amount"));
    // Would come round to a small number if it were multiplied without a look.
    EXPECT_FALSE(minor_from_decimal("18446744073709551616", 0, "amount"));
    EXPECT_FALSE(minor_from_decimal("184467440737095516.17", 2, "amount"));
    EXPECT_FALSE(minor_from_decimal(std::string(100'000, '9'), 2, "amount"));
}

TEST(MinorFromDecimalTest, PlacesBeyondAnyCurrencyAreADefect) {
    EXPECT_EQ(minor_from_decimal("0.000000001", 9, "amount").value(), 1);
    EXPECT_THROW((void)minor_from_decimal("1", 10, "amount"), std::logic_error);
    EXPECT_THROW((void)minor_from_decimal("1", -1, "amount"), std::logic_error);
    EXPECT_THROW((void)decimal_from_minor(1, 10), std::logic_error);
    EXPECT_THROW((void)decimal_from_minor(1, -1), std::logic_error);
}

TEST(DecimalFromMinorTest, WritesAllPlaces) {
    EXPECT_EQ(decimal_from_minor(1250, 2), "12.50");
    EXPECT_EQ(decimal_from_minor(1250, 0), "1250");
    EXPECT_EQ(decimal_from_minor(0, 2), "0.00");
    EXPECT_EQ(decimal_from_minor(0, 0), "0");
    EXPECT_EQ(decimal_from_minor(7, 2), "0.07");
    EXPECT_EQ(decimal_from_minor(7, 4), "0.0007");
    EXPECT_EQ(decimal_from_minor(-7, 2), "-0.07");
    EXPECT_EQ(decimal_from_minor(-1250, 2), "-12.50");
    EXPECT_EQ(decimal_from_minor(std::numeric_limits<std::int64_t>::max(), 2), "92233720368547758.07");
    EXPECT_EQ(decimal_from_minor(std::numeric_limits<std::int64_t>::min(), 2), "-92233720368547758.08");
}

TEST(ShortestDecimalTest, LeavesOutWhatSaysNothing) {
    EXPECT_EQ(shortest_decimal(1250, 2), "12.5");
    EXPECT_EQ(shortest_decimal(1200, 2), "12");
    EXPECT_EQ(shortest_decimal(1205, 2), "12.05");
    EXPECT_EQ(shortest_decimal(0, 2), "0");
    EXPECT_EQ(shortest_decimal(100, 0), "100");
    EXPECT_EQ(shortest_decimal(1000, 3), "1");
    EXPECT_EQ(shortest_decimal(-50, 2), "-0.5");
}

TEST(MoneyForPeopleTest, BySymbolsOfTheTable) {
    EXPECT_EQ(money_for_people({1250, currency("GBP")}), "£12.50");
    EXPECT_EQ(money_for_people({1250, currency("ISK")}), "1 250 kr.");
    EXPECT_EQ(money_for_people({123456789, currency("USD")}), "$1,234,567.89");
    EXPECT_EQ(money_for_people({-99900, currency("EUR")}), "-€999.00");
    EXPECT_EQ(money_for_people({1250, currency("CHF")}), "12.50 CHF");
    EXPECT_EQ(money_for_people({1250, currency("JPY")}), "¥1,250");
    EXPECT_EQ(money_for_people({999, currency("ISK")}), "999 kr.");
    EXPECT_EQ(money_for_people({5, currency("KWD")}), "0.005 KWD");
}

RC_GTEST_PROP(MoneyProperty, DecimalsComeBackAsTheyWere, ()) {
    const auto minor = *rc::gen::inRange<std::int64_t>(0, payment_minor_max + 1);
    const auto places = *rc::gen::inRange(0, 10);
    RC_ASSERT(minor_from_decimal(decimal_from_minor(minor, places), places, "x").value() == minor);
    RC_ASSERT(minor_from_decimal(shortest_decimal(minor, places), places, "x").value() == minor);
}

RC_GTEST_PROP(MoneyProperty, AnyTextIsRefusedOrIsThatDecimal, ()) {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::element('0', '1', '5', '9', '.', '-', '+', 'e', ' '));
    const auto places = *rc::gen::inRange(0, 5);
    const auto minor = minor_from_decimal(text, places, "x");
    if (!minor) return;
    RC_ASSERT(text.find_first_not_of("0123456789.") == std::string::npos);
    // The same digits, once leading zeros and trailing ones after the point are gone.
    auto expected = text;
    expected.erase(
        0, std::min(expected.find_first_not_of('0'),
                    expected.find('.') == std::string::npos ? expected.size() - 1 : expected.find('.') - 1));
    if (expected.find('.') != std::string::npos) {
        expected.erase(expected.find_last_not_of('0') + 1);
        if (expected.back() == '.') expected.pop_back();
    }
    RC_ASSERT(shortest_decimal(*minor, places) == expected);
}

}  // namespace
}  // namespace kassi
