#include <gmock/gmock.h>

#include "providers/evidence.hpp"
#include "scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;

Error refusal(std::vector<Merchant> merchants) {
    const auto made = Registry::make(std::move(merchants));
    return made ? Error{ErrorKind::internal, "", "was accepted"} : made.error();
}

TEST(Registry, KnowsItsMerchantsAndTheirFacts) {
    const auto registry = *Registry::make({credit_merchant(), redirect_merchant()});
    ASSERT_NE(registry->merchant("demo-redirect"), nullptr);
    EXPECT_EQ(registry->merchant("demo-redirect")->base_url, "http://127.0.0.1:8081/redirect/v1");
    EXPECT_EQ(registry->merchant("nobody"), nullptr);
    EXPECT_TRUE(registry->facts_of("credit")->house_credit);
    EXPECT_EQ(registry->facts_of("nobody"), nullptr);
    EXPECT_EQ(registry->flow("redirect")->name(), "redirect");
    EXPECT_EQ(registry->flow("stone_soup"), nullptr);
    EXPECT_TRUE(registry->facts(Stage("demo-redirect", "redirect").leg).can_close);
}

TEST(Registry, NamesTheMerchantAndTheSettingThatAreWrong) {
    auto merchant = redirect_merchant();
    merchant.secrets.erase("api_key");
    EXPECT_EQ(refusal({merchant}).field, "merchants.demo-redirect.api_key");
    EXPECT_EQ(refusal({merchant}).kind, ErrorKind::bad_request);

    merchant = redirect_merchant();
    merchant.provider = "stone_soup";
    EXPECT_EQ(refusal({merchant}).field, "merchants.demo-redirect.provider");

    EXPECT_EQ(refusal({credit_merchant(), credit_merchant()}).field, "merchants.credit");
}

TEST(Registry, TakesNamesThatFitIntoAUrl) {
    const auto named = [](std::string name) {
        auto merchant = credit_merchant();
        merchant.name = std::move(name);
        return Registry::make({merchant}).has_value();
    };
    EXPECT_TRUE(named("a"));
    EXPECT_TRUE(named(std::string(64, 'a')));
    EXPECT_FALSE(named(std::string(65, 'a')));
    EXPECT_FALSE(named(""));
    EXPECT_FALSE(named("a/b"));
    EXPECT_FALSE(named("..")) << "a path of dots leads elsewhere";
}

/// A start is refused before; reading old legs must work all the same.
TEST(Registry, DoesNothingForALegWhoseMerchantIsGone) {
    const auto registry = *Registry::make({credit_merchant()});
    Stage stage("retired", "redirect");
    EXPECT_FALSE(registry->facts(stage.leg).can_query);
    EXPECT_TRUE(is<core::NotDone>(registry->begin(stage.scene(core::Verb::open))));
    EXPECT_TRUE(is<core::Unknown>(registry->resume(stage.scene(core::Verb::open), answered(200, "{}"))));
    EXPECT_EQ(registry->evidence(stage.leg, {{"success", "yes"}})[0].value, "yes");

    Stage moved("credit", "redirect");  // the same name, another provider
    EXPECT_FALSE(registry->facts(moved.leg).house_credit);
    EXPECT_TRUE(is<core::NotDone>(registry->begin(moved.scene(core::Verb::authorise))));
}

TEST(Registry, HandsStepsToTheFlowOfTheMerchant) {
    const auto registry = *Registry::make({credit_merchant(), redirect_merchant()});
    Stage credit("credit", "on_credit");
    EXPECT_EQ(as<core::Done>(registry->begin(credit.scene(core::Verb::authorise))).money,
              core::LegMoney::held);
    Stage redirect("demo-redirect", "redirect");
    EXPECT_EQ(as<core::Ask>(registry->begin(redirect.scene(core::Verb::open))).name, "session");
    EXPECT_TRUE(is<core::NotDone>(
        registry->resume(redirect.scene(core::Verb::open), core::Silence{false, "refused"})));
}

TEST(Evidence, WithholdsNamesThatCouldBeCardNumbers) {
    EXPECT_EQ(evidence_name("success"), "success");
    EXPECT_EQ(evidence_name("field123456789012"), "field123456789012");
    EXPECT_EQ(evidence_name("4111111111111"), "(name of digits withheld)");
    EXPECT_EQ(evidence_name("4111 1111-1111 1111"), "(name of digits withheld)");
    EXPECT_EQ(evidence_name(std::string(64, 'x')), std::string(64, 'x'));
    EXPECT_EQ(evidence_name(std::string(65, 'x')), "(long name withheld)");
    EXPECT_TRUE(is_plain_reference(std::string(64, 'x')));
    EXPECT_FALSE(is_plain_reference(std::string(65, 'x')));
    EXPECT_FALSE(is_plain_reference("a b"));
    EXPECT_FALSE(is_plain_reference(""));
}

}  // namespace
}  // namespace kassi::providers
