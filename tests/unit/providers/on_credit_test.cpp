#include "providers/on_credit/on_credit.hpp"

#include <gmock/gmock.h>

#include "scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::LegMoney;
using core::Verb;

core::Step begin(Stage& stage, Verb verb) {
    return on_credit_flow().begin(stage.scene(verb), credit_merchant());
}

TEST(OnCredit, DoesEverythingAtOnce) {
    Stage stage("credit", "on_credit");
    const std::pair<Verb, LegMoney> table[] = {{Verb::authorise, LegMoney::held},
                                               {Verb::capture, LegMoney::taken},
                                               {Verb::void_hold, LegMoney::none},
                                               {Verb::refund, LegMoney::back}};
    for (const auto& [verb, money] : table) {
        const auto step = begin(stage, verb);
        EXPECT_EQ(as<core::Done>(step).money, money) << word(verb);
        EXPECT_EQ(as<core::Done>(step).amount, stage.amount);
    }
}

TEST(OnCredit, GivesPartsBack) {
    Stage stage("credit", "on_credit");
    stage.amount.minor = 500;
    EXPECT_EQ(as<core::Done>(begin(stage, Verb::refund)).amount->minor, 500);
}

TEST(OnCredit, DeclinesWhenTheCreditIsExhausted) {
    Stage stage("credit", "on_credit");
    stage.credit_exhausted = true;
    const auto step = begin(stage, Verb::authorise);
    EXPECT_EQ(as<core::Declined>(step).why.code, "credit_limit");
    EXPECT_FALSE(as<core::Declined>(step).why.failed_3d_secure);
    EXPECT_TRUE(is<core::Done>(begin(stage, Verb::capture)))
        << "the limit was held against the authorisation";
}

TEST(OnCredit, AnswersQuestionsFromItsOwnBooks) {
    Stage stage("credit", "on_credit");
    for (const auto money : {LegMoney::none, LegMoney::held, LegMoney::taken, LegMoney::back}) {
        stage.leg.money = money;
        const auto step = begin(stage, Verb::query);
        EXPECT_EQ(as<core::Done>(step).money, money);
        EXPECT_EQ(as<core::Done>(step).amount.has_value(), money != LegMoney::none);
    }
}

TEST(OnCredit, HasFactsAndNoDebitor) {
    const auto facts = *on_credit_flow().configure(credit_merchant());
    EXPECT_TRUE(facts.house_credit && facts.can_hold && facts.can_refund && facts.can_refund_part &&
                facts.can_query);
    EXPECT_FALSE(facts.has_open || facts.can_close || facts.notifies);
    EXPECT_FALSE(on_credit_flow().debitor(credit_merchant()).has_value());
    auto merchant = credit_merchant();
    merchant.base_url = "http://127.0.0.1/";
    EXPECT_EQ(on_credit_flow().configure(merchant).error().field, "base_url");
}

TEST(OnCredit, NamesWhatItNeverDoes) {
    EXPECT_THROW(static_cast<void>(on_credit_flow().dress({}, credit_merchant())), std::logic_error);
    EXPECT_EQ(on_credit_flow().read({}, credit_merchant(), the_time).error().kind, ErrorKind::not_found);
    Stage stage("credit", "on_credit");
    for (const auto verb : {Verb::open, Verb::charge, Verb::close})
        EXPECT_TRUE(is<core::NotDone>(begin(stage, verb)));
}

}  // namespace
}  // namespace kassi::providers
