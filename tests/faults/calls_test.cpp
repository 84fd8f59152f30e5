#include "stripe_scenes.hpp"

namespace kassi::faults {
namespace {

using testing::HasSubstr;

/// One thing that goes wrong, once.
struct Fault {
    const char* name;
    const char* rule;  ///< of the simulator, without "on"; nullptr: on the line
    OnTheLine line{};
    bool waits = false;  ///< nobody hears anything until time passes
};

constexpr Fault faults[] = {
    {.name = "slow_and_done", .rule = R"("do":"delay","ms":60000)", .waits = true},
    {.name = "slow_and_not_done", .rule = R"("do":"dead","ms":60000)", .waits = true},
    {.name = "slow_and_done_later", .rule = R"("do":"delay_before","ms":60000)", .waits = true},
    {.name = "closed_and_not_done", .rule = R"("do":"dead")"},
    {.name = "closed_and_done", .rule = R"("do":"drop_answer")"},
    {.name = "reset_and_not_done", .rule = nullptr, .line = OnTheLine::reset_before},
    {.name = "reset_and_done", .rule = nullptr, .line = OnTheLine::reset_after},
    {.name = "answer_cut", .rule = nullptr, .line = OnTheLine::cut},
    {.name = "answer_cut_by_reset", .rule = nullptr, .line = OnTheLine::cut_by_reset},
    {.name = "answer_too_large", .rule = nullptr, .line = OnTheLine::too_large},
    {.name = "answer_no_json", .rule = nullptr, .line = OnTheLine::no_json},
    {.name = "502_done", .rule = nullptr, .line = OnTheLine::bad_gateway},
    {.name = "502_not_done", .rule = nullptr, .line = OnTheLine::not_the_gateway},
    {.name = "409", .rule = R"("do":"key_in_use")"},
    {.name = "409_retry", .rule = R"("do":"key_in_use","should_retry":true)"},
    {.name = "429", .rule = R"("do":"rate_limit")"},
    {.name = "429_lock", .rule = R"("do":"lock_timeout","should_retry":true)"},
    {.name = "500_not_done", .rule = R"("do":"error_before")"},
    {.name = "500_not_done_retry", .rule = R"("do":"error_before","should_retry":true)"},
    {.name = "500_done_key_knows", .rule = R"("do":"error_after")"},
    {.name = "500_done_key_knows_retry", .rule = R"("do":"error_after","should_retry":true)"},
    {.name = "500_done_key_knows_never", .rule = R"("do":"error_after","should_retry":false)"},
    {.name = "500_done_and_kept", .rule = R"("do":"error_kept")"},
    {.name = "500_done_and_kept_retry", .rule = R"("do":"error_kept","should_retry":true)"},
    {.name = "500_done_and_kept_never", .rule = R"("do":"error_kept","should_retry":false)"},
    {.name = "says_replayed", .rule = R"("do":"replayed")"},
};

/// Its key is good for nothing any more.
constexpr Fault stuck{.name = "500_not_done_and_kept", .rule = R"("do":"error_stuck")"};

class Calls : public testing::TestWithParam<std::tuple<Scene, const Fault*, bool>> {};

TEST_P(Calls, EndAsTheyShouldAndOnce) {
    const auto [scene, fault, webhooks] = GetParam();
    StripeTown town;
    Payment payment(town, scene);
    if (!webhooks) town.rules(no_webhooks);
    payment.prepare();
    if (HasFatalFailure()) return;
    const Step step = step_of(scene);
    const int asked = town.asked(step);
    town.rules(rules_for(scene, fault->rule, webhooks));
    if (fault->rule == nullptr) town.on_the_line(step, fault->line);
    const auto told = payment.trigger();
    payment.expect_honest(told);
    // With webhooks somebody else may have told; without them nobody can know.
    if (fault->waits && !webhooks && scene != Scene::list) {
        EXPECT_EQ(town.unanswered(), 1);
        payment.expect_attempting(town.v1("GET", payment.path).body);
        if (scene != Scene::void_hold && scene != Scene::close) {
            EXPECT_EQ(told.status, 202);
        }
    }
    payment.expect_done();
    EXPECT_GT(town.asked(step), asked) << "the fault was there for nothing";
}

std::vector<const Fault*> all_faults() {
    std::vector<const Fault*> all;
    for (const auto& fault : faults) all.push_back(&fault);
    return all;
}

std::string name_of(const testing::TestParamInfo<Calls::ParamType>& info) {
    const auto [scene, fault, webhooks] = info.param;
    return faults::name_of(scene) + "_" + fault->name + (webhooks ? "" : "_untold");
}

INSTANTIATE_TEST_SUITE_P(Untold, Calls,
                         testing::Combine(testing::ValuesIn(scenes), testing::ValuesIn(all_faults()),
                                          testing::Values(false)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Stuck, Calls,
                         testing::Combine(testing::Values(Scene::look_up, Scene::list, Scene::capture,
                                                          Scene::void_hold, Scene::close),
                                          testing::Values(&stuck), testing::Values(false)),
                         name_of);
/// What a webhook makes superfluous is left out: the look and the list.
INSTANTIATE_TEST_SUITE_P(Told, Calls,
                         testing::Combine(testing::Values(Scene::create, Scene::capture, Scene::void_hold,
                                                          Scene::close, Scene::refund),
                                          testing::ValuesIn(all_faults()), testing::Values(true)),
                         name_of);

class Refused : public testing::TestWithParam<Scene> {};

/// Nobody listens there for a while.
TEST_P(Refused, ConnectionsAreTriedAgain) {
    const Scene scene = GetParam();
    StripeTown town;
    Payment payment(town, scene);
    town.rules(no_webhooks);
    payment.prepare();
    if (HasFatalFailure()) return;
    town.rules(rules_for(scene, nullptr, false));
    const auto unreachable = [](const Glance& seen) {
        const auto& leg = seen.transaction.legs.at(0);
        return leg.doing == core::Doing::doubt || (leg.doing == core::Doing::rest && leg.not_done > 0);
    };
    if (scene == Scene::list) {
        // The create comes first, and is heard.
        payment.expect_honest(payment.trigger());
        ASSERT_TRUE(town.run_until(payment.id, unreachable));
        town.wire().refuse();
        ASSERT_TRUE(town.run_until(payment.id, [](const Glance& seen) {
            const auto& leg = seen.transaction.legs.at(0);
            return leg.doing == core::Doing::doubt && leg.verb == core::Verb::query;
        }));
    } else {
        town.wire().refuse();
        const auto told = payment.trigger();
        payment.expect_honest(told);
        ASSERT_TRUE(town.run_until(payment.id, unreachable)) << town.explain(payment.id);
        payment.expect_attempting(town.v1("GET", payment.path).body);
    }
    EXPECT_EQ(town.asked(step_of(scene)), 0);
    town.wire().listen();
    payment.expect_done();
}
INSTANTIATE_TEST_SUITE_P(Each, Refused, testing::ValuesIn(scenes),
                         [](const auto& given) { return faults::name_of(given.param); });

TEST(RefusedConnections, ForGoodIsUnavailableAndMovesNothing) {
    StripeTown town;
    Payment payment(town, Scene::create);
    payment.prepare();
    town.wire().refuse();
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
    const auto leg = town.v1("GET", payment.path).body.at("legs").at(0);
    EXPECT_EQ(leg.at("refused").at("code"), "provider_unavailable");
    town.wire().listen();
    town.let_time_pass(payment.id);
    EXPECT_EQ(town.asked(Step::create), 0);
    EXPECT_EQ(town.our_ledger(payment.id), "");
    EXPECT_EQ(town.verify(), "");
}

class AskedAgain : public testing::TestWithParam<Scene> {};

/// What a caller hears while the outcome is in doubt, and under the same Idempotency-Key when it is there.
TEST_P(AskedAgain, UnderTheSameKeyTheOutcomeIsTold) {
    StripeTown town;
    Payment payment(town, GetParam());
    town.rules(no_webhooks);
    payment.prepare();
    if (HasFatalFailure()) return;
    town.rules(rules_for(GetParam(), R"("do":"drop_answer","times":2)", false));
    const auto doubtful = payment.trigger("once");
    EXPECT_EQ(doubtful.status, 202) << doubtful.body;
    payment.expect_attempting(doubtful.body);
    EXPECT_EQ(payment.trigger("once").status, 202) << "still";
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
    const auto told = payment.trigger("once");
    EXPECT_EQ(told.status, 200) << told.body;
    EXPECT_EQ(told.body.at("phase"), "purchased");
    EXPECT_EQ(told.body.at("settled"), true);
    payment.expect_done();
}
INSTANTIATE_TEST_SUITE_P(Each, AskedAgain, testing::Values(Scene::create, Scene::capture, Scene::refund),
                         [](const auto& given) { return faults::name_of(given.param); });

/// A purchase whose key knows nothing but an error is none: Stripe has no payment, and we say so.
TEST(StuckKeys, OfACreateEndWithNothing) {
    StripeTown town;
    town.rules(rules_for(Scene::create, stuck.rule, true));
    Payment payment(town, Scene::create);
    payment.prepare();
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
    town.let_time_pass(payment.id);
    EXPECT_EQ(town.glance(payment.id).transaction.phase, core::Phase::failed);
    EXPECT_EQ(town.intents_of(payment.id), 0);
    EXPECT_EQ(town.our_ledger(payment.id), "");
    EXPECT_EQ(town.verify(), "");
}

/// Nothing but its key keeps a refund from being given twice, and that one knows nothing but an error: a
/// person is told, soon, and nobody asks again and again.
TEST(StuckKeys, OfARefundNeedAPerson) {
    StripeTown town;
    Payment payment(town, Scene::refund);
    payment.prepare();
    town.rules(rules_for(Scene::refund, stuck.rule, true));
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id, [](const Glance& seen) {
        return core::needs_person(seen.transaction);
    })) << town.explain(payment.id);
    town.let_time_pass(payment.id);
    const auto leg = town.v1("GET", payment.path).body.at("legs").at(0);
    EXPECT_EQ(leg.at("refunds").at(0).at("state"), "failed");
    EXPECT_EQ(leg.at("state"), "needs_a_person");
    EXPECT_EQ(town.asked(Step::refund), 3) << "sent, sent again, begun again";
    EXPECT_EQ(town.stripe_ledger(payment.id), "held 11000, taken 11000");
    EXPECT_EQ(town.our_ledger(payment.id), "held 11000, taken 11000");
    EXPECT_EQ(town.verify(), "");
}

}  // namespace
}  // namespace kassi::faults
