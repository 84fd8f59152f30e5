#include "stripe_scenes.hpp"

namespace kassi::faults {
namespace {

/// Where a request is when Kassi dies.
struct Moment {
    const char* name;
    const char* rule;  ///< of the simulator; nullptr: it was sent and never arrives
};
constexpr Moment moments[] = {
    {"on_its_way", nullptr},
    {"done_and_unanswered", R"("do":"delay","ms":60000)"},
    {"arrived_and_never_done", R"("do":"dead","ms":60000)"},
    {"done_after_the_restart", R"("do":"delay_before","ms":60000)"},
    {"done_and_its_key_knows_an_error", R"("do":"error_kept")"},
};

class Restart : public testing::TestWithParam<std::tuple<Scene, Moment, bool>> {};

TEST_P(Restart, GoesOnWhereItStopped) {
    const auto [scene, moment, webhooks] = GetParam();
    StripeTown town;
    Payment payment(town, scene);
    if (!webhooks) town.rules(no_webhooks);
    payment.prepare();
    if (HasFatalFailure()) return;
    const Step step = step_of(scene);
    const int asked = town.asked(step);
    town.rules(rules_for(scene, moment.rule, webhooks));
    if (moment.rule == nullptr) town.wire().swallow();
    payment.trigger_and_go();
    if (moment.rule == nullptr) {
        ASSERT_TRUE(town.wait_until([&] {
            const auto seen = town.glance(payment.id);
            return seen.calls_open == 1 && seen.transaction.legs.at(0).doing == core::Doing::call;
        }));
    } else {
        ASSERT_TRUE(town.run_until(payment.id, [&](const Glance&) { return town.asked(step) > asked; }));
    }
    town.kill_kassi();
    if (moment.rule == nullptr) {
        town.wire().refuse();
        town.wire().listen();
        EXPECT_EQ(town.asked(step), asked);
    }
    town.start_kassi();
    payment.expect_done();
    EXPECT_GT(town.asked(step), asked);
}

std::string name_of(const testing::TestParamInfo<Restart::ParamType>& info) {
    const auto& [scene, moment, webhooks] = info.param;
    return faults::name_of(scene) + "_" + moment.name + (webhooks ? "" : "_untold");
}

INSTANTIATE_TEST_SUITE_P(Untold, Restart,
                         testing::Combine(testing::Values(Scene::create, Scene::look_up, Scene::capture,
                                                          Scene::void_hold, Scene::close, Scene::refund),
                                          testing::ValuesIn(moments), testing::Values(false)),
                         name_of);
/// The list is asked for when the create was answered: what is on its way then is that.
INSTANTIATE_TEST_SUITE_P(List, Restart,
                         testing::Combine(testing::Values(Scene::list),
                                          testing::Values(moments[1], moments[2], moments[3], moments[4]),
                                          testing::Values(false)),
                         name_of);
/// The webhooks come while nobody is at home, and again later.
INSTANTIATE_TEST_SUITE_P(Told, Restart,
                         testing::Combine(testing::Values(Scene::create, Scene::capture, Scene::refund),
                                          testing::ValuesIn(moments), testing::Values(true)),
                         name_of);

/// Again and again, at each request that goes out.
TEST(RestartEachTime, StillBuysOnce) {
    StripeTown town;
    Payment payment(town, Scene::create);
    payment.prepare();
    town.rules(std::string(no_webhooks) + R"(,{"on":"*","do":"drop_answer","ms":60000,"times":4})");
    payment.trigger_and_go();
    for (int round = 0; round < 4; ++round) {
        ASSERT_TRUE(town.wait_until([&] { return town.unanswered() > 0; })) << round;
        town.kill_kassi();
        town.start_kassi();
    }
    payment.expect_done();
}

}  // namespace
}  // namespace kassi::faults
