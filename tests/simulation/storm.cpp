#include "tests/simulation/storm.hpp"

namespace kassi::simulation {

using namespace std::chrono_literals;

void Storm::some(std::int64_t times, Millis latest, const std::function<void()>& what) {
    for (std::int64_t i = 0; i < times; ++i) {
        const Stage::As as(stage_, stage_.actor(++planned_));
        stage_.in(Millis{stage_.roll(0, latest.count())}, what);
    }
}

void Storm::plan_of_the_machine() {
    some(stage_.roll(0, 4), 30min, [this] {
        if (stage_.strikes(Fault::killed, 1)) machine_.kill();
    });
    some(stage_.roll(0, 1), 30min, [this] {
        if (stage_.strikes(Fault::stopped_in_order, 1)) machine_.stop_in_order();
    });
    some(stage_.roll(0, 2), 30min, [this] {
        if (stage_.strikes(Fault::two_processes, 1))
            machine_.start_beside(Millis{stage_.roll(100, stage_.one_in(2) ? 5'000 : 180'000)});
    });
    some(stage_.roll(0, 1), 30min, [this] {
        if (stage_.strikes(Fault::swept_twice, 1)) machine_.sweep_twice();
    });
    some(stage_.roll(0, 1), 30min, [this] {
        if (stage_.strikes(Fault::swept_by_both, 1)) machine_.sweep_by_both();
    });
    some(stage_.roll(0, 2), 30min, [this] {
        if (stage_.strikes(Fault::disk_full_for_a_while, 1))
            machine_.disk_full(Millis{stage_.roll(100, stage_.one_in(2) ? 5'000 : 300'000)});
    });
}

void Storm::restart_with_a_wrong_clock(Fault fault, Millis error) {
    if (!stage_.strikes(fault, 1)) return;
    machine_.set_wall_error(fault == Fault::clock_ahead ? error : -error);
    if (stage_.one_in(2)) machine_.kill();  // else it does not follow, and trusts nothing
    // Somebody sets it right.
    stage_.in(Millis{stage_.roll(1'000, 1'200'000)}, [this] { machine_.set_wall_error(Millis{0}); });
}

void Storm::plan_of_the_clock() {
    const auto error = [this] {
        return stage_.one_in(2) ? Millis{stage_.roll(6'000, 600'000)} : Millis{stage_.roll(1, 240) * 60'000};
    };
    if (!stage_.clock_goes_wrong) return;
    some(stage_.roll(0, 1), 30min,
         [this, error] { restart_with_a_wrong_clock(Fault::clock_ahead, error()); });
    some(stage_.roll(0, 1), 30min,
         [this, error] { restart_with_a_wrong_clock(Fault::clock_behind, error()); });
}

void Storm::plan_of_the_town() {
    for (int minute = 0; minute < 40; minute += 5) {
        const Stage::As as(stage_, stage_.actor(++planned_));
        stage_.in(std::chrono::minutes(minute), [this] { town_.storm(); });
    }
    if (stage_.one_in(2)) some(stage_.roll(1, 4), 1h, [this] { town_.stripe.refund_at_the_dashboard(); });
    if (stage_.one_in(6)) some(2, 200h, [this] { town_.stripe.refund_at_the_dashboard(); });
    if (stage_.one_in(3)) some(1, 1h, [this] { town_.borgun.refund_at_the_dashboard(); });
    if (stage_.one_in(2)) some(stage_.roll(1, 4), 1h, [this] { people_.forge_notice(door_); });
}

/// A copy is made now and then; in some lives the record is put back to one of them.
void Storm::plan_of_the_copy() {
    if (!stage_.one_in(5)) return;
    some(1, 30min, [this] {
        backup_.make();
        stage_.in(Millis{stage_.roll(1'000, stage_.one_in(2) ? 300'000 : 3'600'000)}, [this] {
            if (stage_.happens(Fault::put_back_to_a_copy)) backup_.put_back();
        });
    });
}

void Storm::plan() {
    const auto customers = stage_.roll(1, 12);
    for (std::int64_t i = 1; i <= customers; ++i)
        stage_.in(Millis{stage_.roll(0, 600'000)}, [this, i] { people_.book(i); });
    plan_of_the_machine();
    plan_of_the_clock();
    plan_of_the_town();
    plan_of_the_copy();
    stage_.in(calm_after, [this] {
        stage_.say("calm");
        stage_.calm = true;
        town_.calm();
        machine_.calm();
    });
    for (int day = 1; day <= 25; ++day)
        stage_.in(std::chrono::hours(24 * day), [this] {
            machine_.look_at_the_clock();
            people_.look_at_what_is_stuck();
        });
}

}  // namespace kassi::simulation
