#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/log.hpp"
#include "tests/simulation/world.hpp"

/// simulation --runs N --seed S: N seeded lives from seed S on. A failing seed prints its story; exit 1.
int main(int argc, char** argv) {
    std::uint64_t seed = 1;
    std::int64_t runs = 100;
    bool trace = false, repeat = false;
    CLI::App app{"Kassi's simulation"};
    app.add_option("--seed", seed, "the first seed");
    app.add_option("--runs", runs, "how many seeds");
    app.add_flag("--trace", trace, "print what happened");
    app.add_flag("--repeat", repeat, "run the seed twice and compare");
    CLI11_PARSE(app, argc, argv);
    kassi::log::start(kassi::log::Level::error);
    if (repeat) {
        const auto first = kassi::simulation::run(seed), second = kassi::simulation::run(seed);
        fmt::print("seed {}: {}\n", seed,
                   first.fingerprint == second.fingerprint ? "the same twice" : "DIFFERS");
        return first.fingerprint == second.fingerprint ? 0 : 1;
    }
    kassi::simulation::Report sum;
    for (std::int64_t i = 0; i < runs; ++i, ++seed) {
        auto report = kassi::simulation::run(seed);
        if (trace || !report.broken.empty()) fmt::print("{}", report.trace);
        if (!report.broken.empty()) {
            for (const auto& what : report.broken) fmt::print("seed {}: {}\n", seed, what);
            fmt::print("again with: simulation --runs 1 --seed {} --trace\n", seed);
            return 1;
        }
        sum.transactions += report.transactions;
        sum.purchased += report.purchased;
        sum.failed += report.failed;
        sum.cancelled += report.cancelled;
        sum.released += report.released;
        sum.steps += report.steps;
        sum.crashes += report.crashes;
        sum.lost_answers += report.lost_answers;
        sum.blind += report.blind;
        sum.authentications += report.authentications;
        sum.cards_held += report.cards_held;
        sum.cards_taken += report.cards_taken;
        sum.refunds += report.refunds;
        sum.dashboard_refunds += report.dashboard_refunds;
        sum.left_to_a_person += report.left_to_a_person;
        sum.holds_expired += report.holds_expired;
        sum.disputes += report.disputes;
        sum.refunds_failed += report.refunds_failed;
        sum.tokens_asked_for += report.tokens_asked_for;
        sum.pages_passed += report.pages_passed;
        for (const auto& [why, times] : report.stuck) sum.stuck[why] += times;
    }
    fmt::print(
        "{} runs, {} transactions: {} purchased, {} failed, {} cancelled, {} released; {} steps, {} crashes, "
        "{} answers lost, "
        "{} blind spots of the house that cannot be asked\n",
        runs, sum.transactions, sum.purchased, sum.failed, sum.cancelled, sum.released, sum.steps,
        sum.crashes, sum.lost_answers, sum.blind);
    fmt::print(
        "cards: {} asked for, {} looked at by the bank's frame, {} at the bank's page, {} held, {} let go "
        "after a week, {} taken, {} given "
        "back, {} "
        "refunds at the dashboard, {} refunds failed, {} disputes, {} left to a person\n",
        sum.tokens_asked_for, sum.pages_passed, sum.authentications, sum.cards_held, sum.holds_expired,
        sum.cards_taken, sum.refunds, sum.dashboard_refunds, sum.refunds_failed, sum.disputes,
        sum.left_to_a_person);
    if (trace)
        for (const auto& [why, times] : sum.stuck)
            fmt::print("a person was called {} times: {}\n", times, why);
    return 0;
}
