#include "providers/credentials/network_token.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace kassi::providers::network_token {
namespace {

using nlohmann::json;

Instant today() {
    using namespace std::chrono;
    return sys_days(year(2026) / November / 28) + hours(12);
}

json visa() {
    return {{"number", "4111111111111111"},
            {"expiry", "1230"},
            {"cavv", encoding::base64(std::string(20, 'c'))},
            {"eci", "05"},
            {"security_level", "2"}};
}

json mastercard() {
    return {
        {"number", "5555555555554444"}, {"expiry", "1230"}, {"ucaf", encoding::base64(std::string(19, 'u'))}};
}

std::string field_of(const json& text) {
    const auto token = read(text.dump(), today());
    return token ? "" : token.error().field;
}

TEST(NetworkToken, OfVisaIsRead) {
    const auto token = read(visa().dump(), today());
    ASSERT_TRUE(token);
    EXPECT_EQ(token->number.reveal(), "4111111111111111");
    EXPECT_EQ(token->expiry, (card::Month{2030, 12}));
    EXPECT_EQ(token->scheme, card::Scheme::visa);
    EXPECT_EQ(token->cryptogram.reveal(), encoding::base64(std::string(20, 'c')));
    EXPECT_EQ(token->eci, "05");
    EXPECT_EQ(token->level, "2");
}

TEST(NetworkToken, OfMastercardIsReadAndLeftOutWordsHaveAMeaning) {
    const auto token = read(mastercard().dump(), today());
    ASSERT_TRUE(token);
    EXPECT_EQ(token->scheme, card::Scheme::mastercard);
    EXPECT_EQ(token->cryptogram.reveal(), encoding::base64(std::string(19, 'u')));
    EXPECT_EQ(token->eci, "");
    EXPECT_EQ(token->level, "2");
}

TEST(NetworkToken, TheCryptogramIsOfTheNumbersScheme) {
    auto wrong = visa();
    wrong["ucaf"] = wrong["cavv"];
    EXPECT_EQ(field_of(wrong), "network_token.ucaf");
    wrong.erase("cavv");
    EXPECT_EQ(field_of(wrong), "network_token.ucaf");
    wrong.erase("ucaf");
    EXPECT_EQ(field_of(wrong), "network_token.cavv");
    wrong = mastercard();
    wrong["cavv"] = wrong["ucaf"];
    EXPECT_EQ(field_of(wrong), "network_token.cavv");
    wrong.erase("ucaf");
    wrong.erase("cavv");
    EXPECT_EQ(field_of(wrong), "network_token.ucaf");
}

TEST(NetworkToken, CryptogramsHaveNineteenToTwentyEightBytes) {
    for (const auto& [bytes, good] :
         {std::pair<std::size_t, bool>{18, false}, {19, true}, {28, true}, {29, false}}) {
        auto token = visa();
        token["cavv"] = encoding::base64(std::string(bytes, 'c'));
        EXPECT_EQ(field_of(token), good ? "" : "network_token.cavv") << bytes;
    }
    for (const char* text : {"", "AAECAwQFBgcICQoLDA0ODxAREhM", "AAECAwQFBgcICQoLDA0ODxAREhM= ", "***"}) {
        auto token = visa();
        token["cavv"] = text;
        EXPECT_EQ(field_of(token), "network_token.cavv") << text;
    }
}

TEST(NetworkToken, NumbersArePlausible) {
    for (const char* number : {"", "4111111111111112", "41111111111111", "4111 1111 1111 1111", "x",
                               "378282246310005", "6759649826438453", "9999999999999995"}) {
        auto token = visa();
        token["number"] = number;
        EXPECT_EQ(field_of(token), "network_token.number") << number;
    }
}

TEST(NetworkToken, ExpiryIsAMonthThatIsNotOver) {
    for (const char* expiry : {"", "1026", "1330", "0030", "12/30", "123"}) {
        auto token = visa();
        token["expiry"] = expiry;
        EXPECT_EQ(field_of(token), "network_token.expiry") << expiry;
    }
    auto token = visa();
    token["expiry"] = "1126";
    EXPECT_EQ(field_of(token), "");
}

TEST(NetworkToken, WordsAreDigits) {
    for (const char* eci : {"005", "x", "5 "}) {
        auto token = visa();
        token["eci"] = eci;
        EXPECT_EQ(field_of(token), "network_token.eci") << eci;
    }
    for (const char* level : {"3", "02", "x"}) {
        auto token = visa();
        token["security_level"] = level;
        EXPECT_EQ(field_of(token), "network_token.security_level") << level;
    }
    for (const char* level : {"0", "1", "2"}) {
        auto token = visa();
        token["security_level"] = level;
        EXPECT_EQ(read(token.dump(), today())->level, level);
    }
}

TEST(NetworkToken, FormIsStrict) {
    auto token = visa();
    token["cvc"] = "123";
    EXPECT_EQ(field_of(token), "network_token");
    token = visa();
    token["number"] = 4111111111111111;
    EXPECT_EQ(field_of(token), "network_token.number");
    for (const std::string text : {"", "[]", "{", "{\"number\":{}}x", "{\"eci\":\"5\",\"eci\":\"5\"}"}) {
        const auto read_token = read(text, today());
        ASSERT_FALSE(read_token) << text;
        EXPECT_EQ(read_token.error().field, "network_token");
    }
    EXPECT_EQ(field_of(json::parse(R"({"eci":[]})")), "network_token.eci");
    auto text = visa().dump();
    text.append(text_bytes_max - text.size(), ' ');
    EXPECT_TRUE(read(text, today()));
    text += ' ';
    EXPECT_EQ(read(text, today()).error().field, "network_token");
}

TEST(NetworkToken, NoErrorRepeatsAValue) {
    constexpr const char* value = "4111111111111112";
    const auto good = visa();
    for (const auto& [name, old] : good.items()) {
        auto token = good;
        token[name] = value;
        EXPECT_EQ(read(token.dump(), today()).error().message.find(value), std::string::npos) << name;
    }
    for (const std::string text :
         {R"({"4111111111111112":"1"})", R"({"4111111111111112":1,"4111111111111112":1})"}) {
        const auto error = read(text, today()).error();
        EXPECT_EQ((error.field + error.message).find(value), std::string::npos);
    }
}

}  // namespace
}  // namespace kassi::providers::network_token
