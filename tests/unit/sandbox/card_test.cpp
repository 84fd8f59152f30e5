#include "sandbox/shop/card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/credentials/card.hpp"
#include "sandbox/shop/pages.hpp"
#include "sandbox/simulators/borgun_tables.hpp"

namespace kassi::sandbox::shop {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
namespace card = providers::card;

const Instant now = *parse_iso8601("2026-11-28T10:00:00Z", "at");

std::string digits_of(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c >= '0' && c <= '9') digits += c;
    return digits;
}

/// As the customer sends the page when a sample was filled in.
Fields form_of(const SampleCard& sample) {
    json content;
    add_card(content, "/shop/card?a=b", &sample, std::nullopt, now);
    return {
        {"card_number", content["number"]}, {"card_expiry", content["expiry"]}, {"card_cvc", content["cvc"]}};
}

TEST(ShopCard, ReadsTheMonthAsItIsTyped) {
    for (const auto* typed :
         {"0427", "04/27", "04 / 27", "4/27", "4/2027", "04-2027", "042027", " 04 27 ", "4.27"})
        EXPECT_EQ(card_month(typed), "0427") << typed;
    // What is none is left to whoever reads cards.
    for (const auto* typed : {"", "april", "4", "/", "04/1927", "2027/04"})
        EXPECT_EQ(card_month(typed), typed) << typed;
    EXPECT_EQ(card_month(std::string(4'000, '1')).size(), 16U);
}

TEST(ShopCard, TakesTheCardOutOfTheForm) {
    Fields form{{"trolley", "t"},           {"card_number", "4741 5200 0000 0003"},
                {"card_expiry", "12 / 28"}, {"way", "demo-creditcard"},
                {"card_cvc", "123"},        {"", ""},
                {"card_number", "4111"}};
    const auto taken = take_card(form);
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->kind, card::credential_kind);
    EXPECT_EQ(json::parse(taken->value),
              (json{{"number", "4741 5200 0000 0003"}, {"expiry", "1228"}, {"cvc", "123"}}));
    EXPECT_EQ(form, (Fields{{"trolley", "t"}, {"way", "demo-creditcard"}}));
    EXPECT_FALSE(take_card(form).has_value());
    Fields empty{{"card_number", ""}};
    EXPECT_TRUE(take_card(empty).has_value()) << "a form that was not filled in is a card that is wrong";
    EXPECT_TRUE(empty.empty());
}

TEST(ShopCard, WhatIsWrongIsSaidAtItsField) {
    const auto said = [](Error error) {
        error.field = "credential." + error.field;
        const auto fault = card_fault(error);
        return fault ? fault->member + ": " + fault->text : "none";
    };
    EXPECT_EQ(said(card::error_of(card::Fault::number_invalid)), "number: The card number is not valid.");
    EXPECT_EQ(said(card::error_of(card::Fault::expired)), "expiry: The card has expired.");
    EXPECT_EQ(said(card::error_of(card::Fault::cvc_invalid)), "cvc: The card's security code is not valid.");
    EXPECT_EQ(said(card::error_of(card::Fault::issue_missing)),
              ": The card's issue number or start date is missing.");
    EXPECT_EQ(said(bad_request("card", "has more than 4096 bytes")), ": The card has more than 4096 bytes.");
    EXPECT_FALSE(card_fault(bad_request("ways.ext_test0", "is no way")).has_value());
    EXPECT_FALSE(card_fault(bad_request("credential.cardinal", "is no card")).has_value());
}

TEST(ShopCard, EverySampleIsReadAndDoesWhatItSays) {
    for (const auto& sample : sample_cards()) {
        auto form = form_of(sample);
        const auto credential = take_card(form);
        const auto read = card::read(credential->value, {.forgives_expiry = true, .wants_cvc = true}, now);
        ASSERT_TRUE(read.has_value()) << sample.key;
        EXPECT_TRUE(read->faults.empty()) << sample.key;
        EXPECT_EQ(find_sample(sample.key), &sample);
        const auto strict = card::read(credential->value, {.wants_cvc = true}, now);
        EXPECT_EQ(strict->faults.empty(), sample.key != "guide") << sample.key;
    }
    const auto plan = [](std::string_view key) {
        return borgun::plan_of(digits_of(find_sample(key)->number));
    };
    constexpr int challenge = 9;
    EXPECT_EQ(plan("frictionless").enrolls, 1);
    EXPECT_EQ(plan("3ds1").enrolls, challenge);
    EXPECT_EQ(plan("3ds1").protocol, 1);
    EXPECT_EQ(plan("3ds2").enrolls, challenge);
    EXPECT_EQ(plan("3ds2").protocol, 2);
    EXPECT_EQ(plan("declined").enrolls, challenge);
    EXPECT_EQ(plan("declined").code, "121");
    EXPECT_TRUE(plan("method").method);
    EXPECT_EQ(plan("guide").enrolls, challenge);
    EXPECT_EQ(find_sample("nothing"), nullptr);
}

TEST(ShopCard, APageShowsTheFaultAndNothingThatWasTyped) {
    json content{{"title", "Pay by card"}};
    add_card(content, "/shop/card?a=b", nullptr, CardFault{"expiry", "The card has expired."}, now);
    const auto page = render("card", content);
    EXPECT_THAT(page,
                HasSubstr(R"(<p class="fault" id="expiry_fault" role="alert">The card has expired.</p>)"));
    EXPECT_THAT(page, HasSubstr(R"(aria-describedby="expiry_fault")"));
    EXPECT_THAT(page, Not(HasSubstr("number_fault")));
    EXPECT_THAT(
        page,
        HasSubstr(
            R"(name="card_number" type="text" inputmode="numeric" autocomplete="cc-number" maxlength="30" required value="")"));
    json other{{"title", "Pay by card"}};
    add_card(other, "/shop/card?a=b", nullptr, CardFault{"", "The card is odd."}, now);
    EXPECT_THAT(render("card", other), HasSubstr(R"(<p class="notice" role="alert">The card is odd.</p>)"));
}

TEST(ShopCard, APageOffersTheSamplesByAnAddressWithoutTheNumber) {
    json content{{"title", "Pay by card"}};
    add_card(content, "/shop/card?a=b", find_sample("3ds2"), std::nullopt, now);
    const auto page = render("card", content);
    for (const auto& sample : sample_cards()) {
        const std::string key(sample.key);
        EXPECT_THAT(page,
                    HasSubstr("href=\"/shop/card?a=b&amp;sample=" + key + "\" id=\"sample-" + key + "\""));
    }
    EXPECT_THAT(page, HasSubstr(R"(required value="4741 5200 0000 0003")"));
    EXPECT_THAT(page, HasSubstr(R"(required value="12 / 27")"));
    EXPECT_THAT(page, HasSubstr(R"(required value="123")"));
}

}  // namespace
}  // namespace kassi::sandbox::shop
