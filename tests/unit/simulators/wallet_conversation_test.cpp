#include <gmock/gmock.h>

#include "borgun_talk.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/stripe/stripe.hpp"
#include "wallet.hpp"

/// Apple Pay over Borgun, from the device to the ledger; and what the request to Stripe is.
namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;
using core::LegMoney;
using core::Phase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t price = 4990;

using Settings = std::map<std::string, std::string>;
const Settings takes_opened{{"accepts", "card,token,network_token"}};

struct Purse final : Talk {
    const Apple& apple;

    explicit Purse(Settings settings = {}, bool wants_application_data = true)
        : Talk(providers::borgun_flow(), of_borgun(std::move(settings), wants_application_data),
               [](auto&) {}),
          apple(Apple::at(gate.clock.at)) {
        hand_over("ISK", price);
    }
    static providers::Merchant of_borgun(Settings settings, bool wants_application_data) {
        settings.emplace("accepts", "card,token");
        settings.emplace("public_key", "100001_puSIMULATOR0000000000000000");
        providers::Merchant merchant{
            .name = "demo-borgun",
            .provider = "borgun",
            .base_url = "http://127.0.0.1:8081/borgun/rpg",
            .simulator = true,
            .settings = std::move(settings),
            .secrets = {{"private_key", Secret<>{"100001_prSIMULATOR0000000000000000"}}}};
        merchant.apple_pay = Apple::at(Borgun().clock.at).shop(wants_application_data);
        return merchant;
    }
    void hear_notice(const HttpRequest& request) override {
        auto read = flow.read(request, merchant, gate.clock.at);
        ASSERT_TRUE(read.has_value()) << read.error().message;
        const auto leg = references.find(read->reference);
        if (leg == references.end()) return;
        read->notice.leg = leg->second;
        ASSERT_FALSE(hear(read->notice));
    }
    [[nodiscard]] apple::Order order() const { return apple.order(t.id.text(), gate.clock.at); }
    std::optional<Error> offer(std::string kind, std::string value, bool with_return = false) {
        core::Purchase body;
        body.legs = {{{"a"}, "demo-borgun", "borgun", {std::move(kind), std::move(value)}}};
        if (with_return) body.journey = way_back();
        return hear(body);
    }
    /// "" bought, else what was said.
    std::string pay(const apple::Order& with) {
        const auto refused = offer("apple_pay", apple.world.token(with));
        if (refused) return refused->field + ": " + refused->message;
        talk();
        return t.phase == Phase::purchased ? "" : t.legs[0].refused ? t.legs[0].refused->code : "?";
    }
    void expect_bought() const {
        EXPECT_EQ(t.phase, Phase::purchased) << core::state_json(t);
        EXPECT_THAT(gate.kinds(), ElementsAre("held", "taken"));
        EXPECT_TRUE(core::settled(t));
        EXPECT_TRUE(papers.parcels.empty());
    }
    [[nodiscard]] std::string kept() const {
        std::string all = core::state_json(t);
        for (const auto& row : journal) all += core::row_json(row);
        for (const auto& [leg, parcel] : papers.parcels) all += core::papers_json(parcel);
        return all;
    }
};

TEST(WalletConversation, AVisaOfTheDevicePaysAsBorgunWantsIt) {
    Purse purse;
    ASSERT_FALSE(purse.offer("apple_pay", purse.apple.world.token(purse.order())));
    ASSERT_EQ(purse.calls.size(), 1U) << "nobody is asked for anything before it";
    const auto sent = *parse_json(purse.calls.front().request.body);
    EXPECT_EQ(sent["TransactionType"], "PreAuthorization");
    EXPECT_EQ(sent["Amount"], price * 100);
    EXPECT_EQ(sent["PaymentMethod"],
              json({{"PaymentType", "Card"}, {"PAN", visa_device}, {"ExpMonth", "12"}, {"ExpYear", "2030"}}));
    EXPECT_EQ(sent["ThreeDSecure"],
              json({{"DataType", "Manual"}, {"SecurityLevelInd", "2"}, {"CAVV", the_cryptogram}}));
    EXPECT_THAT(purse.kept(), Not(HasSubstr(std::string(visa_device)))) << "while it is under way";
    EXPECT_THAT(purse.kept(), Not(HasSubstr(std::string(the_cryptogram))));
    purse.talk();
    purse.expect_bought();
    EXPECT_THAT(purse.kept(), Not(HasSubstr(std::string(visa_device))));
}

TEST(WalletConversation, AMastercardHasAnotherNameForIt) {
    Purse purse;
    auto order = purse.order();
    order.number = mastercard_device;
    ASSERT_FALSE(purse.offer("apple_pay", purse.apple.world.token(order)));
    const auto sent = *parse_json(purse.calls.front().request.body);
    EXPECT_EQ(sent["ThreeDSecure"]["UCAF"], the_cryptogram);
    EXPECT_FALSE(sent["ThreeDSecure"].contains("CAVV"));
    purse.talk();
    purse.expect_bought();
}

TEST(WalletConversation, WhatTheTokenSaysMustBeThePayment) {
    const auto refusal = [](const std::function<void(apple::Order&)>& change) {
        Purse purse;
        auto order = purse.order();
        change(order);
        const auto said = purse.pay(order);
        EXPECT_EQ(purse.t.phase, Phase::reserved) << "as it was";
        EXPECT_TRUE(purse.t.legs.empty());
        EXPECT_THAT(purse.gate.kinds(), IsEmpty());
        return said;
    };
    EXPECT_THAT(refusal([](auto& order) { order.amount = "4991"; }), HasSubstr("amount"));
    EXPECT_THAT(refusal([](auto& order) { order.currency = "978"; }), HasSubstr("currency"));
    EXPECT_THAT(refusal([](auto& order) { order.application_data = "another transaction"; }),
                HasSubstr("another transaction"));
    EXPECT_THAT(refusal([](auto& order) { order.application_data.clear(); }), HasSubstr("applicationData"));
    EXPECT_THAT(refusal([](auto& order) { order.signed_at -= 6min; }), HasSubstr("five minutes"));
    EXPECT_THAT(refusal([](auto& order) { order.flaw = apple::Flaw::unknown_root; }),
                HasSubstr("pinned root"));
    EXPECT_THAT(refusal([](auto& order) { order.flaw = apple::Flaw::tag_flipped; }), HasSubstr("decrypted"));
}

TEST(WalletConversation, AShopMayDoWithoutApplicationDataButNotWithWrongOne) {
    Purse without({}, false);
    auto order = without.order();
    order.application_data.clear();
    EXPECT_EQ(without.pay(order), "");
    Purse wrong({}, false);
    order = wrong.order();
    order.application_data = "another transaction";
    EXPECT_THAT(wrong.pay(order), HasSubstr("another transaction"));
}

TEST(WalletConversation, ADeclinedCardIsDeclined) {
    Purse purse;
    auto order = purse.order();
    order.number = "4155520000000002";
    EXPECT_EQ(purse.pay(order), "limit_exceeded");
    EXPECT_EQ(purse.t.phase, Phase::failed);
    EXPECT_TRUE(core::settled(purse.t));
    EXPECT_THAT(purse.gate.kinds(), IsEmpty());
}

TEST(WalletConversation, SpendsItsTransactionIdEverywhere) {
    Purse purse;
    auto order = purse.order();
    order.transaction_id = std::string(32, 'A') + std::string(32, '1');
    const auto token = purse.apple.world.token(order);
    const auto admitted =
        providers::borgun_flow().admit({"apple_pay", token}, purse.merchant, purse.gate.clock.at);
    ASSERT_TRUE(admitted);
    EXPECT_EQ(admitted->key, std::string(32, 'a') + std::string(32, '1')) << "in any case it is the same";
    EXPECT_TRUE(admitted->everywhere);
}

TEST(WalletConversation, ALostAnswerIsNeverSentAgain) {
    Purse purse;
    purse.faults(R"({"on":"payment","do":"drop_answer"})");
    ASSERT_FALSE(purse.offer("apple_pay", purse.apple.world.token(purse.order())));
    purse.talk();
    purse.rest();
    purse.expect_bought();
    EXPECT_EQ(purse.asked["pay"], 1) << "the event tells";
}

TEST(WalletConversation, WhatNeverLeftTheHouseIsSentLater) {
    Purse purse;
    ASSERT_FALSE(purse.offer("apple_pay", purse.apple.world.token(purse.order())));
    const auto call = purse.calls.front();
    purse.calls.clear();
    ASSERT_FALSE(purse.hear(core::Answer{call.leg, call.call, core::Silence{false, "no route"}}));
    EXPECT_THAT(purse.kept(), Not(HasSubstr(std::string(visa_device))));
    purse.rest();
    purse.expect_bought();
}

TEST(WalletConversation, ThePageBringsTheToken) {
    Purse purse;
    ASSERT_FALSE(purse.offer("", "", true));
    ASSERT_TRUE(purse.is_away());
    const auto& callout = *purse.t.legs[0].callout;
    const auto token = purse.apple.world.token(purse.order());
    ASSERT_FALSE(purse.hear(core::Return{1, callout.no, {{"applePayToken", token}}, "", false}));
    purse.talk();
    purse.expect_bought();
    EXPECT_THAT(purse.kept(), Not(HasSubstr(token.substr(0, 40)))) << "evidence keeps its length";
}

TEST(WalletConversation, APageThatBringsTwoWaysOrABadTokenSpendsNothing) {
    Purse purse;
    ASSERT_FALSE(purse.offer("", "", true));
    const auto no = purse.t.legs[0].callout->no;
    const auto token = purse.apple.world.token(purse.order());
    auto late = purse.order();
    late.signed_at -= 6min;
    const auto refused =
        purse.hear(core::Return{1, no, {{"applePayToken", purse.apple.world.token(late)}}, "", false});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "applePayToken");
    EXPECT_TRUE(purse.is_away()) << "he may try again";
    (void)purse.hear(
        core::Return{1, no, {{"applePayToken", token}, {"borgunToken", "ts_1234567890"}}, "", false});
    EXPECT_TRUE(purse.is_away());
    EXPECT_TRUE(purse.calls.empty());
    ASSERT_FALSE(purse.hear(core::Return{1, no, {{"applePayToken", token}}, "", false}));
    purse.talk();
    purse.expect_bought();
}

// ---- opened by the caller ------------------------------------------------------------------------------

std::string opened(std::string_view number = visa_device, std::string_view name = "cavv") {
    return std::string(R"({"number":")") + std::string(number) + R"(","expiry":"1230",")" +
           std::string(name) + R"(":")" + std::string(the_cryptogram) + R"("})";
}

TEST(WalletConversation, WhatTheCallerOpenedPaysWhereThatIsAllowed) {
    Purse strict;
    const auto refused = strict.offer("network_token", opened());
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.a");
    Purse purse(takes_opened);
    ASSERT_FALSE(purse.offer("network_token", opened()));
    EXPECT_THAT(purse.kept(), Not(HasSubstr(std::string(visa_device))));
    EXPECT_THAT(purse.kept(), Not(HasSubstr(std::string(the_cryptogram))));
    purse.talk();
    purse.expect_bought();
    const auto admitted =
        providers::borgun_flow().admit({"network_token", opened()}, purse.merchant, purse.gate.clock.at);
    EXPECT_EQ(admitted->key, the_cryptogram);
    EXPECT_TRUE(admitted->everywhere);
}

TEST(WalletConversation, WhatIsWrongInsideIsNamed) {
    Purse purse(takes_opened);
    const auto refused = purse.offer("network_token", opened(visa_device, "ucaf"));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.a.network_token.ucaf");
    EXPECT_EQ(purse.t.phase, Phase::reserved);
}

TEST(WalletConversation, WithTheProcessGoesWhatTheCallerOpened) {
    Purse purse(takes_opened);
    ASSERT_FALSE(purse.offer("network_token", opened()));
    const auto call = purse.calls.front();
    purse.calls.clear();
    ASSERT_FALSE(purse.hear(core::Answer{call.leg, call.call, core::Silence{false, "no route"}}));
    purse.rest();
    EXPECT_EQ(purse.t.phase, Phase::failed);
    EXPECT_EQ(purse.t.legs[0].refused->code, "card_lost");
    EXPECT_THAT(purse.gate.kinds(), IsEmpty());
}

// ---- Stripe --------------------------------------------------------------------------------------------

TEST(WalletConversation, StripeGetsNumberAndCryptogram) {
    Borgun clock_of;
    const auto& apple = Apple::at(clock_of.clock.at);
    providers::Merchant merchant{
        .name = "stripe-demo",
        .provider = "stripe",
        .base_url = "http://127.0.0.1:8081",
        .simulator = true,
        .settings = {{"publishable_key", "pk_test_1"}},
        .secrets = {{"secret_key", Secret<>{"sk_test_1"}}, {"webhook_secret", Secret<>{"whsec_1"}}}};
    merchant.apple_pay = apple.shop();
    const auto registry = *providers::Registry::make({merchant});
    const core::Times times;
    const core::Terms terms{*registry, times, "https://pay.example"};
    core::HandOver handed;
    handed.id.bytes[15] = 9;
    handed.system = "box";
    handed.caller = "demo";
    const Money amount{price, *Currency::parse("ISK", "")};
    handed.bundles = {{"a", "seats", amount, {}}};
    const auto now = clock_of.clock.at;
    handed.held_until = now + 15min;
    const auto reserved = core::decide(
        nullptr, {},
        {.body = handed, .by = "test", .tracking = {}, .fresh_return_token = "r", .fresh_page_token = "p"},
        now, terms);
    ASSERT_TRUE(reserved);
    auto order = apple.order(reserved->next.id.text(), now);
    order.eci = "5";
    core::Purchase purchase;
    purchase.legs = {{{"a"}, "stripe-demo", "stripe", {"apple_pay", apple.world.token(order)}}};
    const auto asked = core::decide(&reserved->next, reserved->papers,
                                    {.body = purchase,
                                     .by = "test",
                                     .tracking = {},
                                     .fresh_return_token = "r2",
                                     .fresh_page_token = "p2"},
                                    now, terms);
    ASSERT_TRUE(asked) << asked.error().message;
    ASSERT_EQ(asked->spent.size(), 1U);
    const auto& call = std::get<core::CallEffect>(asked->effects.front());
    const auto fields = *encoding::parse_form(call.request.body, "body");
    const auto value = [&fields](std::string_view name) {
        const auto* found = find_field(fields, name);
        return found == nullptr ? std::string("absent") : *found;
    };
    EXPECT_EQ(value("payment_method_data[card][network_token][number]"), visa_device);
    EXPECT_EQ(value("payment_method_data[card][network_token][exp_month]"), "12");
    EXPECT_EQ(value("payment_method_data[card][network_token][exp_year]"), "2030");
    EXPECT_EQ(value("payment_method_data[card][network_token][tokenization_method]"), "apple_pay");
    EXPECT_EQ(value("payment_method_options[card][network_token][cryptogram]"), the_cryptogram);
    EXPECT_EQ(value("payment_method_options[card][network_token][electronic_commerce_indicator]"), "5");
    EXPECT_EQ(value("payment_method_data[card][token]"), "absent");
    EXPECT_THAT(core::papers_json(asked->papers.parcels.at(1)), Not(HasSubstr(std::string(visa_device))));
    const auto& leg = asked->next.legs[0];
    EXPECT_TRUE(leg.call->needs_volatile);
    EXPECT_EQ(leg.call->repeat, core::Repeat::never) << "it is gone from memory: looked up";
}

}  // namespace
}  // namespace kassi::sandbox
