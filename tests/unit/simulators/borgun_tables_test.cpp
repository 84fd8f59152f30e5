#include "sandbox/simulators/borgun_tables.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/json.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_wire.hpp"

namespace kassi::sandbox::borgun {
namespace {

TEST(BorgunTables, CurrenciesAreThoseOfIso4217) {
    for (const char* code : {"ISK", "EUR", "USD", "GBP", "DKK", "NOK", "SEK", "CHF", "CAD", "HUF", "BHD",
                             "AUD", "RUB", "PLN", "RON", "CZK", "JPY"}) {
        const auto* row = currency_of_code(code);
        ASSERT_NE(row, nullptr) << code;
        const auto iso = Currency::parse(code, "currency");
        EXPECT_EQ(std::stoi(std::string(row->number)), iso->number()) << code;
        EXPECT_EQ(row->exponent, iso->places()) << code;
        EXPECT_EQ(row->places, code == std::string("JPY") ? 0 : 2) << code;
        EXPECT_EQ(row->number.size(), 3U);
        EXPECT_EQ(currency_of_number(row->number), row);
    }
    EXPECT_EQ(currency_of_number("048")->code, "BHD") << "the leading zero is part of it";
    EXPECT_EQ(currency_of_number("48"), nullptr);
    EXPECT_EQ(currency_of_number("ISK"), nullptr);
}

TEST(BorgunTables, EachTestCardHasACheckDigit) {
    for (const auto& row : card_rows()) {
        if (row.number.size() == 4) continue;
        EXPECT_TRUE(passes_luhn(row.number)) << row.number;
    }
    EXPECT_FALSE(passes_luhn("4741520000000004"));
    EXPECT_FALSE(passes_luhn("474152000000000x"));
    EXPECT_FALSE(passes_luhn(""));
}

TEST(BorgunTables, CodesAndStatusesAreUnique) {
    std::set<std::string_view> codes;
    for (const auto& row : action_rows()) EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_EQ(codes.size(), 60U);
    std::set<int> statuses;
    for (const auto& row : md_rows()) EXPECT_TRUE(statuses.insert(row.status).second) << row.status;
    EXPECT_EQ(statuses.size(), 19U);
    EXPECT_EQ(md_of(42).level, "") << "no payment for what is on no list";
}

TEST(BorgunTables, OwnCardsCarryTheirPlan) {
    const std::string frictionless = test_card(How::at_once, 1, "116");
    EXPECT_TRUE(passes_luhn(frictionless));
    EXPECT_EQ(plan_of(frictionless), (Plan{.enrolls = 1, .code = "116"}));
    EXPECT_EQ(plan_of(test_card(How::challenge_1, 4, "000", true)), (Plan{.protocol = 1, .ends = 4}));
    EXPECT_EQ(plan_of(test_card(How::challenge_2, 97, "000")), (Plan{.ends = 97}));
    EXPECT_EQ(plan_of(test_card(How::method_challenge, 0, "000")), (Plan{.method = true, .ends = 0}));
    EXPECT_EQ(plan_of(test_card(How::method, 1, "000")), (Plan{.method = true, .enrolls = 1}));
    EXPECT_EQ(plan_of(test_card(How::at_once, 1, "953", false, true)),
              (Plan{.enrolls = 1, .code = "953", .charges_anyway = true}));
    EXPECT_EQ(plan_of(test_card(How::at_once, 2, "130")), (Plan{.enrolls = 2, .needs_3ds = true}));
    EXPECT_EQ(card_type(test_card(How::at_once, 1, "000", true)), "MasterCard");
}

TEST(BorgunTables, EndingsDecideWhereTheWholeNumberDoesNot) {
    EXPECT_EQ(plan_of("4000000000000002").code, "121");
    EXPECT_EQ(plan_of("4000000000000116").code, "116");
    EXPECT_EQ(plan_of("4000000000000101").code, "101");
    EXPECT_TRUE(plan_of("4000000000000130").needs_3ds);
    EXPECT_EQ(plan_of("4000000000000008").enrolls, 8);
    EXPECT_EQ(plan_of("4000000000000016").enrolls, 1);
    EXPECT_TRUE(plan_of("4000000000000050").method);
    EXPECT_TRUE(plan_of("4000000000000005").exponent_zero_fails);
    EXPECT_TRUE(plan_of("4000000000001953").charges_anyway);
    EXPECT_EQ(plan_of("4176669999000104").code, "000") << "its whole number comes first";
    EXPECT_EQ(plan_of("4242424242424242"), Plan{});
}

TEST(BorgunTables, AmountsDecideOneCallEach) {
    const auto& krona = *currency_of_code("ISK");
    EXPECT_EQ(code_of_amount(90'011'600, krona, Call::authorise), "116");
    EXPECT_EQ(code_of_amount(90'011'600, krona, Call::capture), std::nullopt);
    EXPECT_EQ(code_of_amount(90'195'300, krona, Call::capture), "953");
    EXPECT_EQ(code_of_amount(90'200'100, krona, Call::cancel), "001");
    EXPECT_EQ(code_of_amount(90'399'900, krona, Call::refund), "999");
    EXPECT_EQ(code_of_amount(90'011'601, krona, Call::authorise), std::nullopt);
    EXPECT_EQ(code_of_amount(90'000'000, krona, Call::authorise), std::nullopt);
    EXPECT_EQ(code_of_amount(900'116, *currency_of_code("JPY"), Call::authorise), "116");
}

TEST(BorgunTables, MasksAllButTheFirstSixAndTheLastFour) {
    EXPECT_EQ(masked("5587402000012011"), "558740******2011");
    EXPECT_EQ(masked("6799999999593"), "679999***9593");
    EXPECT_EQ(masked("1234567890"), "**********");
}

// ---- the wire ------------------------------------------------------------------------------------------

TEST(BorgunWire, PacksWhatZlibUnpacks) {
    // RFC 1950: header, one stored block, Adler-32 of "Wikipedia" (11E60398).
    EXPECT_EQ(encoding::hex(zlib_pack("Wikipedia")), "789c010900f6ff57696b69706564696111e60398");
    EXPECT_EQ(zlib_unpack(zlib_pack("Wikipedia")), "Wikipedia");
    EXPECT_EQ(zlib_unpack(zlib_pack("")), "");
    const std::string large(200'000, 'x');
    EXPECT_EQ(zlib_unpack(zlib_pack(large)), large);
    std::string packed = zlib_pack("Wikipedia");
    for (std::size_t i = 0; i < packed.size(); ++i) {
        std::string other = packed;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_NE(zlib_unpack(other), "Wikipedia") << i;
        EXPECT_EQ(zlib_unpack(std::string_view(packed).substr(0, i)), std::nullopt) << i;
    }
    EXPECT_EQ(zlib_unpack(packed + "x"), std::nullopt);
}

TEST(BorgunWire, ReadsDatesAsMerchantsWriteThem) {
    for (const char* text :
         {"2015-10-10T11:00:00", "2015-10-10T11:00:00Z", "2015-10-10T11:00:00.123Z",
          "2015-10-10T11:00:00.1234567+02:00", "2015-10-10 11:00:00", "2015-10-10UTC11:00:00"})
        EXPECT_EQ(read_transaction_date(text), "2015-10-10T11:00:00") << text;
    EXPECT_EQ(read_transaction_date("2015-10-10"), "2015-10-10T00:00:00");
    for (const char* text : {"", "2015-02-30", "2015-10-10T25:00:00", "10.10.2015", "2015-10-10T11:00",
                             "2015-1-1", "2015-10-1011:00:00", "2015-10-10T11:00:00<"})
        EXPECT_EQ(read_transaction_date(text), std::nullopt) << text;
}

TEST(BorgunWire, ReadsNamesInAnyCaseAndEnumsAsWordOrNumber) {
    auto parsed = *parse_json(R"({"PARes":"x","type":"sALE","kind":5,"none":null,"other":"1"})");
    const Body body(parsed);
    EXPECT_EQ(body.text("PaRes"), "x");
    EXPECT_FALSE(body.has("none")) << "null is absent";
    constexpr auto words =
        std::to_array<std::pair<std::string_view, int>>({{"Sale", 1}, {"PreAuthorization", 5}});
    EXPECT_EQ(read_enum(body, "Type", words), 1);
    EXPECT_EQ(read_enum(body, "Kind", words), 5);
    EXPECT_EQ(read_enum(body, "Other", words), std::nullopt);
    EXPECT_EQ(read_enum(body, "Missing", words), std::nullopt);
}

TEST(BorgunWire, TakesASecretOutOfTheJson) {
    auto parsed = *parse_json(R"({"PAN":"4741520000000003"})");
    const Body body(parsed);
    EXPECT_EQ(body.take_secret("pan").reveal(), "4741520000000003");
    EXPECT_EQ(parsed.dump(), R"({"PAN":""})");
}

TEST(BorgunWire, ReadsBase64AsFormsBringIt) {
    EXPECT_EQ(lenient_base64("AQID"), "\x01\x02\x03");
    EXPECT_EQ(lenient_base64("AQ\r\nID\r\n"), "\x01\x02\x03");
    EXPECT_EQ(lenient_base64("+/8="), lenient_base64("-_8"));
    EXPECT_EQ(lenient_base64("A*"), std::nullopt);
    EXPECT_EQ(lenient_base64(""), std::nullopt);
}

}  // namespace
}  // namespace kassi::sandbox::borgun
