#include "stripe_scenes.hpp"

namespace kassi::faults {
namespace {

using testing::HasSubstr;

struct Post {
    const char* name;
    const char* rule;
};
constexpr Post posts[] = {
    {"lost", R"("do":"lost")"},
    {"dead", R"("do":"dead")"},
    {"twice", R"("do":"twice")"},
    {"as_two_events", R"("do":"another_id")"},
    {"in_another_order", R"("do":"reorder")"},
    {"after_everything", R"("do":"delay","ms":600000)"},
    {"not_believed_and_again", R"("do":"drop_answer")"},
    {"badly_signed", R"("do":"wrong_signature")"},
};

std::string for_all(const Post& post) {
    return std::string(R"({"on":"webhook","times":1000,)") + post.rule + "}";
}

class Notices : public testing::TestWithParam<std::tuple<Scene, Post>> {};

TEST_P(Notices, ChangeNothingOfHowItEnds) {
    const auto [scene, post] = GetParam();
    StripeTown town;
    town.rules(for_all(post));
    Payment payment(town, scene);
    payment.prepare();
    if (HasFatalFailure()) return;
    payment.expect_honest(payment.trigger());
    payment.expect_done();
}

/// The same while the answer of the call itself is lost.
TEST_P(Notices, BesideALostAnswer) {
    const auto [scene, post] = GetParam();
    StripeTown town;
    town.rules(for_all(post));
    Payment payment(town, scene);
    payment.prepare();
    if (HasFatalFailure()) return;
    town.rules(rules_for(scene, R"("do":"drop_answer")", true) + "," + for_all(post));
    payment.expect_honest(payment.trigger());
    payment.expect_done();
}

INSTANTIATE_TEST_SUITE_P(Each, Notices,
                         testing::Combine(testing::Values(Scene::create, Scene::look_up, Scene::capture,
                                                          Scene::void_hold, Scene::close, Scene::refund),
                                          testing::ValuesIn(posts)),
                         [](const auto& given) {
                             return name_of(std::get<0>(given.param)) + "_" + std::get<1>(given.param).name;
                         });

class BeforeTheAnswer : public testing::TestWithParam<Scene> {};

/// The webhook says it all; the answer comes much later.
TEST_P(BeforeTheAnswer, AWebhookIsEnough) {
    const Scene scene = GetParam();
    StripeTown town;
    Payment payment(town, scene);
    payment.prepare();
    if (HasFatalFailure()) return;
    town.rules(rules_for(scene, R"("do":"delay","ms":60000)", true));
    payment.trigger_and_go();
    ASSERT_TRUE(town.wait_until([&] { return town.stripe_ledger(payment.id) == payment.ledger(); }));
    ASSERT_TRUE(town.wait_until([&] { return Payment::is_over(town.glance(payment.id)); }))
        << town.explain(payment.id);
    EXPECT_EQ(town.unanswered(), 1) << "the clock was not moved";
    payment.expect_done();
}
INSTANTIATE_TEST_SUITE_P(Each, BeforeTheAnswer, testing::Values(Scene::create, Scene::capture, Scene::refund),
                         [](const auto& given) { return name_of(given.param); });

// ---- the customer at the bank ----------------------------------------------------------------------------

TEST(AtTheBank, TheCustomerNeverComesBackAndTheWebhookFinishesIt) {
    StripeTown town;
    Payment payment(town, Scene::close);
    payment.prepare();
    town.at_the_bank(payment.callout, "complete_stay");
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
    EXPECT_EQ(town.glance(payment.id).transaction.phase, core::Phase::purchased);
    // And comes after all, when it is over.
    const Payment back(town, Scene::look_up);
    const auto late = town.v1("POST", "/callbacks/token-one", back.wish().body);
    EXPECT_EQ(late.body.at("phase"), "purchased") << late.body;
    town.let_time_pass(payment.id);
    EXPECT_EQ(town.stripe_ledger(payment.id), "held 11000, taken 11000");
    EXPECT_EQ(town.our_ledger(payment.id), "held 11000, taken 11000");
    EXPECT_EQ(town.verify(), "");
}

TEST(AtTheBank, TheCustomerNeverComesBackAndNoWebhookComes) {
    StripeTown town;
    town.rules(no_webhooks);
    Payment payment(town, Scene::close);
    payment.prepare();
    town.at_the_bank(payment.callout, "complete_stay");
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over, std::chrono::minutes(40)))
        << town.explain(payment.id);
    EXPECT_EQ(town.glance(payment.id).transaction.phase, core::Phase::purchased);
    town.let_time_pass(payment.id);
    EXPECT_EQ(town.stripe_ledger(payment.id), "held 11000, taken 11000");
    EXPECT_EQ(town.our_ledger(payment.id), "held 11000, taken 11000");
    EXPECT_EQ(town.verify(), "");
}

/// The customer pays in the very moment in which nobody wants it any more.
TEST(AtTheBank, PaidJustBeforeItIsClosed) {
    StripeTown town;
    town.rules(no_webhooks);
    Payment payment(town, Scene::close);
    payment.prepare();
    town.at_the_bank(payment.callout, "complete_stay");
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
    town.let_time_pass(payment.id);
    EXPECT_EQ(town.glance(payment.id).transaction.phase, core::Phase::failed);
    EXPECT_EQ(town.stripe_ledger(payment.id), "held 11000, hold_gone 11000");
    EXPECT_EQ(town.status_of_intent(payment.id), "canceled");
    EXPECT_EQ(town.verify(), "");
}

TEST(AtTheBank, RefusedByTheBankIsRefusedHereWithAndWithoutAWebhook) {
    for (const bool webhooks : {true, false}) {
        StripeTown town;
        if (!webhooks) town.rules(no_webhooks);
        Payment payment(town, Scene::close);
        payment.prepare();
        town.at_the_bank(payment.callout, "fail");
        const Payment back(town, Scene::look_up);
        town.v1("POST", "/callbacks/token-one", back.wish().body);
        ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
        town.let_time_pass(payment.id);
        const auto said = town.v1("GET", payment.path).body;
        EXPECT_EQ(said.at("phase"), "failed");
        EXPECT_EQ(said.at("legs").at(0).at("refused").at("failed_3d_secure"), true) << said;
        EXPECT_EQ(town.our_ledger(payment.id), "");
        EXPECT_EQ(town.stripe_ledger(payment.id), "");
        EXPECT_EQ(town.status_of_intent(payment.id), "canceled");
        EXPECT_EQ(town.verify(), "");
    }
}

}  // namespace
}  // namespace kassi::faults
