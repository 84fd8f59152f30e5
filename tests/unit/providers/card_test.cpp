#include "providers/credentials/card.hpp"

#include <gmock/gmock.h>

#include "base/json.hpp"
#include "providers/borgun/borgun.hpp"
#include "scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using card::Fault;
using card::Scheme;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The time is January 2026.
std::string card_json(Fields members, std::string_view more = "") {
    JsonWriter json;
    json.begin_object();
    for (const auto& [name, value] : members) json.field(name, value);
    if (!more.empty()) json.key("billing").raw(more);
    json.end_object();
    return json.take();
}

std::string visa(std::string_view name = "", std::string value = "") {
    Fields members{{"number", "4111 1111 1111 1111"}, {"expiry", "0427"}, {"cvc", "123"}};
    for (auto& [member, text] : members)
        if (member == name) return text = value, card_json(members);
    if (!name.empty()) members.emplace_back(name, value);
    return card_json(members);
}

std::vector<Fault> faults(const std::string& text, const card::Rules& rules = {}) {
    return card::read(text, rules, the_time)->faults;
}

std::vector<Fault> number(std::string digits) {
    return faults(card_json({{"number", std::move(digits)}, {"expiry", "0427"}}));
}

TEST(Card, IsReadAsItIsTyped) {
    const auto read = *card::read(visa("start", "0124"), {}, the_time);
    EXPECT_THAT(read.faults, IsEmpty());
    EXPECT_EQ(read.card.number.reveal(), "4111111111111111");
    EXPECT_EQ(read.card.cvc.reveal(), "123");
    EXPECT_EQ(read.card.expiry, (card::Month{2027, 4}));
    EXPECT_EQ(read.card.start, (card::Month{2024, 1}));
    EXPECT_EQ(read.card.scheme, Scheme::visa);
    EXPECT_THAT(number("4111-1111-1111-1111"), IsEmpty());
}

struct Number {
    std::string digits;
    Scheme scheme;
};
class CardSchemes : public testing::TestWithParam<Number> {};
TEST_P(CardSchemes, AreKnownByTheirFirstDigits) {
    EXPECT_EQ(card::scheme_of(GetParam().digits), GetParam().scheme);
    EXPECT_THAT(number(GetParam().digits), IsEmpty());
    EXPECT_EQ(card::scheme_from_word(card::word(GetParam().scheme)), GetParam().scheme);
}
INSTANTIATE_TEST_SUITE_P(
    EveryOne, CardSchemes,
    testing::Values(Number{"4111111111111111", Scheme::visa}, Number{"4222222222222", Scheme::visa},
                    Number{"5587402000012011", Scheme::mastercard},
                    Number{"2223003122003222", Scheme::mastercard}, Number{"378282246310005", Scheme::amex},
                    Number{"30569309025904", Scheme::diners}, Number{"3530111333300000", Scheme::jcb},
                    Number{"6011111111111117", Scheme::discover},
                    Number{"6200000000000005", Scheme::unionpay}, Number{"6799999999593", Scheme::maestro}));

TEST(Card, OfAnotherNumberIsRefused) {
    EXPECT_THAT(number("WOTISCREDITCARD!"), ElementsAre(Fault::scheme_unknown));
    EXPECT_THAT(number(""), ElementsAre(Fault::scheme_unknown));
    EXPECT_THAT(number("9999999999999995"), ElementsAre(Fault::scheme_unknown));
    EXPECT_THAT(number("4111111111111112"), ElementsAre(Fault::number_invalid)) << "the check digit";
    EXPECT_THAT(number("411111111111116"), ElementsAre(Fault::number_invalid)) << "15 digits";
    EXPECT_THAT(number("4111111111111111x"), ElementsAre(Fault::scheme_unknown));
    EXPECT_THAT(number(std::string(200, '4')), ElementsAre(Fault::number_invalid));
    EXPECT_THAT(faults(visa(), {.accepted = {Scheme::mastercard}}), ElementsAre(Fault::scheme_not_accepted));
    EXPECT_THAT(faults(visa(), {.accepted = {Scheme::mastercard, Scheme::visa}}), IsEmpty());
}

TEST(Card, LivesToTheEndOfItsMonth) {
    EXPECT_THAT(faults(visa("expiry", "0126")), IsEmpty());
    EXPECT_THAT(faults(visa("expiry", "1225")), ElementsAre(Fault::expired));
    EXPECT_THAT(faults(visa("expiry", "0419"), {.forgives_expiry = true}), IsEmpty());
    for (const auto* text : {"", "1327", "0027", "427", "04/27", "0x27", "042027"})
        EXPECT_THAT(faults(visa("expiry", text)), ElementsAre(Fault::expiry_invalid)) << text;
}

TEST(Card, HasACodeOfItsSchemesLength) {
    EXPECT_THAT(faults(visa("cvc", "")), IsEmpty());
    EXPECT_THAT(faults(visa("cvc", ""), {.wants_cvc = true}), ElementsAre(Fault::cvc_missing));
    for (const auto* text : {"12", "1234", "12a", "LOL"})
        EXPECT_THAT(faults(visa("cvc", text)), ElementsAre(Fault::cvc_invalid)) << text;
    const auto amex = [](const char* cvc) {
        return faults(card_json({{"number", "378282246310005"}, {"expiry", "0427"}, {"cvc", cvc}}));
    };
    EXPECT_THAT(amex("1234"), IsEmpty());
    EXPECT_THAT(amex("123"), ElementsAre(Fault::cvc_invalid));
}

TEST(Card, OfTheOldBritishKindsHasAnIssueNumberOrAStart) {
    const auto maestro = [](Fields more) {
        Fields members{{"number", "6759649826438453"}, {"expiry", "0427"}};
        members.insert(members.end(), more.begin(), more.end());
        return faults(card_json(members));
    };
    EXPECT_THAT(maestro({}), ElementsAre(Fault::issue_missing, Fault::start_missing));
    EXPECT_THAT(maestro({{"issue", "1"}}), IsEmpty());
    EXPECT_THAT(maestro({{"start", "0124"}}), IsEmpty());
    EXPECT_THAT(maestro({{"issue", "123"}}), ElementsAre(Fault::issue_invalid));
    EXPECT_THAT(maestro({{"issue", "x"}}), ElementsAre(Fault::issue_invalid));
}

TEST(Card, CannotBeginInTheFuture) {
    EXPECT_THAT(faults(visa("start", "0126")), IsEmpty());
    EXPECT_THAT(faults(visa("start", "0226")), ElementsAre(Fault::start_invalid));
    EXPECT_THAT(faults(visa("start", "1399")), ElementsAre(Fault::start_invalid));
    EXPECT_THAT(faults(visa("start", "0199")), IsEmpty()) << "January 1999";
}

TEST(Card, NamesEveryFaultOnceAndInOrder) {
    EXPECT_THAT(
        faults(card_json({{"number", "x"}, {"expiry", "x"}, {"cvc", "x"}, {"issue", "x"}, {"start", "x"}})),
        ElementsAre(Fault::scheme_unknown, Fault::expiry_invalid, Fault::cvc_invalid, Fault::issue_invalid,
                    Fault::start_invalid));
    for (int i = 0; i <= static_cast<int>(Fault::start_invalid); ++i) {
        EXPECT_FALSE(card::member_of(static_cast<Fault>(i)).empty());
        EXPECT_FALSE(card::text_of(static_cast<Fault>(i)).empty());
    }
}

TEST(Card, OfAnotherFormIsRefusedWithoutRepeatingIt) {
    const std::string pan = "4111111111111111";
    const std::pair<std::string, std::string> texts[] = {
        {"{\"number\":" + pan + "}", "card.number"},
        {"{\"" + pan + "\":\"1\"}", "card"},
        {"{\"number\":\"" + pan + "\",\"number\":\"" + pan + "\"}", "card"},
        {"[\"" + pan + "\"]", "card"},
        {pan + "x", "card"},
        {"", "card"},
        {card_json({{"number", pan}}, "[]"), "card.billing"},
        {card_json({{"number", pan}}, "{\"" + pan + "\":\"\"}"), "card.billing"},
        {card_json({{"number", pan}}, "{\"town\":7}"), "card.billing.town"},
        {card_json({{"number", pan}}, "{\"town\":\"" + std::string(201, 'x') + "\"}"), "card.billing.town"},
        {card_json({{"number", pan + std::string(card::text_bytes_max, ' ')}}), "card"},
    };
    for (const auto& [text, field] : texts) {
        const auto read = card::read(text, {}, the_time);
        ASSERT_FALSE(read.has_value()) << text;
        EXPECT_EQ(read.error().field, field) << text;
        EXPECT_THAT(read.error().message, Not(HasSubstr("4111")));
    }
    EXPECT_TRUE(card::read(card_json({{"number", pan}}, R"({"line_one":"1 High Street","line_two":"",
        "town":"London","county":"","postcode":"W6 8BN","country":"uk"})"),
                           {}, the_time));
}

TEST(Card, IsNotInTheErrorsOfTheWayOfPaying) {
    const auto merchant = borgun_merchant();
    const auto* flow = &borgun_flow();
    const auto refused = flow->admit({"card", visa("cvc", "99887")}, merchant, the_time);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().field, "card.cvc");
    EXPECT_THAT(refused.error().message, Not(HasSubstr("99887")));
    EXPECT_EQ(flow->admit({"card", visa()}, merchant, the_time)->key, "") << "a card may pay again";
}

}  // namespace
}  // namespace kassi::providers
