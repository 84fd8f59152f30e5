#include "services_world.hpp"

/// saveCardToToken.
namespace kassi::api::ticket_order::services {
namespace {

CardMethod card(const std::string& pan, const std::string& cvc = "415") {
    CardMethod method;
    method.payment_type = "Card";
    method.pan = Secret<>(pan);
    method.exp_month = Secret<>(std::string("09"));
    method.exp_year = Secret<>(std::string("2027"));
    method.cvc = Secret<>(cvc);
    return method;
}

CardMethod token_of(const std::string& token) {
    CardMethod method;
    method.token = Secret<>(token);
    return method;
}

class Saving : public ServicesTest {
  protected:
    Outcome<SavedCard> save(const CardMethod& method, const std::string& caller = "app") {
        std::optional<Outcome<SavedCard>> out;
        world_.services().card_tokens().save(world_.caller(caller), method, "cardInfo.paymentMethod",
                                             [&](Outcome<SavedCard> saved) { out = std::move(saved); });
        world_.run_until([&] { return out.has_value(); });
        return *out;
    }
    std::string refused(const CardMethod& method, const std::string& caller = "app") {
        const auto saved = save(method, caller);
        if (saved) return "saved";
        const auto& refusal = saved.error();
        return refusal.faults.empty()
                   ? refusal.code + ": " + refusal.message
                   : refusal.code + " " + refusal.faults[0].field + ": " + refusal.faults[0].message;
    }
};

TEST_F(Saving, ACardIsVerifiedWithItsCodeAndBecomesATokenThatPays) {
    const auto saved = save(card(challenge1_card));
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_TRUE(saved->token.reveal().starts_with("tm_"));
    EXPECT_EQ(saved->masked_number, "558740******2011");
    EXPECT_EQ(saved->merchant, "app-borgun");
    EXPECT_TRUE(saved->made_here);
    EXPECT_EQ(json::parse(world_.sent().back().body)["VerifyCard"],
              (json{{"CheckAmount", 0}, {"CVC", "415"}}));
    EXPECT_TRUE(world_.gate().house->ledger().empty()) << "no money moved";
    const auto order = world_.order();
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(world_.finish(i == 0 ? order : world_.order(), saved->token.reveal(),
                                world_.authenticated(saved->token.reveal()))["success"],
                  true);
}

TEST_F(Saving, ASingleTokenIsExchanged) {
    const auto single = world_.token(frictionless_card);
    const auto saved = save(token_of(single));
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_TRUE(saved->token.reveal().starts_with("tm_"));
    EXPECT_EQ(refused(token_of(single)),
              "Predicate cardInfo.paymentMethod.token: was refused by the gateway");
}

TEST_F(Saving, AMultiTokenIsOneAlready) {
    std::optional<Outcome<SavedCard>> at_once;
    world_.services().card_tokens().save(world_.caller(), token_of("tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU"),
                                         "x", [&](Outcome<SavedCard> saved) { at_once = std::move(saved); });
    ASSERT_TRUE(at_once && *at_once);
    EXPECT_EQ((**at_once).token.reveal(), "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU");
    EXPECT_FALSE((**at_once).made_here);
    EXPECT_TRUE(world_.sent().empty());
}

TEST_F(Saving, ACardThatItsBankRefusesIsNotSaved) {
    const auto saved = save(card("4155520000000002"));
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().kind, ErrorKind::conflict);
    EXPECT_EQ(saved.error().code, "Declined");
    EXPECT_EQ(saved.error().faults.at(0).field, "cardInfo.paymentMethod.pan");
}

TEST_F(Saving, WhatMakesNoSenseIsNamed) {
    EXPECT_EQ(refused(card("5587402000012012")),
              "CreditCard cardInfo.paymentMethod.pan: The card number is not valid.");
    EXPECT_EQ(refused(card(challenge1_card, "")).substr(0, 42), "CreditCard cardInfo.paymentMethod.cvc: The")
        << refused(card(challenge1_card, ""));
    EXPECT_EQ(refused(token_of("tok_visa")),
              "Predicate cardInfo.paymentMethod.token: is no token of the gateway's: ts_... or tm_...");
    EXPECT_EQ(refused(card(challenge1_card), "poor"), "Forbidden: no way of paying here keeps cards");
    EXPECT_TRUE(world_.sent().empty());
}

TEST_F(Saving, NobodyAnswers) {
    world_.instead() = {std::nullopt};
    EXPECT_EQ(refused(card(challenge1_card)),
              "ServiceUnavailable: The card could not be saved, and nothing was charged. The gateway did not "
              "answer in time. Try again.");
    world_.instead() = {HttpResponse{503, {}, ""}};
    EXPECT_EQ(refused(card(challenge1_card)),
              "ServiceUnavailable: The card could not be saved, and nothing was charged. The gateway is out "
              "of order. Try again later.");
    world_.instead() = {HttpResponse{201, {}, R"({"Token":"ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf"})"}};
    EXPECT_EQ(refused(card(challenge1_card)).substr(0, 18), "ServiceUnavailable")
        << "a single-use token is not what was asked for";
}

}  // namespace
}  // namespace kassi::api::ticket_order::services
