#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/log.hpp"
#include "tests/simulation/reduce.hpp"
#include "tests/simulation/world.hpp"

/// simulation --runs N --seed S: N seeded lives from seed S on. A failing one is reduced, and the shortest
/// story of it is printed. The last line is "N passed, N failed"; exit 1 where something failed.
namespace {

using namespace kassi::simulation;

constexpr int failures_told_max = 3;  ///< with their story; the others by their seed
constexpr int failures_max = 50;
constexpr int reducing_runs_max = 1'500;

std::string command(const Life& life) {
    std::string text = fmt::format("simulation --runs 1 --seed {} --trace", life.seed);
    if (life.bug != Bug::none) text += fmt::format(" --bug {}", static_cast<int>(life.bug));
    if (!life.without.empty()) text += " --without " + numbers_text(life.without);
    return text;
}

void tell_broken(const Life& life, const Report& report) {
    for (const auto& each : report.broken)
        fmt::print("seed {}: {}: {}\n", life.seed, word(each.invariant), each.what);
}

void tell_reduced(const Life& life, const Report& report) {
    const auto best = reduce(life, report, reducing_runs_max);
    fmt::print("{}", best.report.trace);
    fmt::print("what is left of {} events after {} tries:\n", report.events.size(), best.runs);
    for (const auto& each : best.report.events)
        fmt::print("  {:>6} at {:>9} ms: {}\n", each.number, each.at.count(), each.what);
    tell_broken(best.life, best.report);
    fmt::print("again with: {}\nthe whole of it: {}\n", command(best.life), command(life));
}

void tell_counts(const Report& sum) {
    fmt::print("{} lives, {} steps, {} transactions: {} purchased, {} failed, {} cancelled, {} released\n",
               sum.lives, sum.steps, sum.transactions, sum.purchased, sum.failed, sum.cancelled,
               sum.released);
    fmt::print(
        "cards: {} asked for, {} looked at by the bank's frame, {} at the bank's page, {} held, {} taken, {} "
        "given back, {} refunds failed, {} disputes, {} left to a person\n",
        sum.tokens_asked_for, sum.pages_passed, sum.authentications, sum.cards_held, sum.cards_taken,
        sum.refunds, sum.refunds_failed, sum.disputes, sum.left_to_a_person);
    fmt::print(
        "{} answers to a repeated key compared, {} payments assumed unpaid, {} blind spots of the house that "
        "cannot be asked\n",
        sum.answers_compared, sum.assumed_unpaid, sum.blind);
    fmt::print(
        "copies put back: {} hand-overs and {} legs made since were lost, {} of them with money; {} verdicts "
        "told since are others now; not looked at any more: {} legs with refunds since, {} of what was "
        "settled, "
        "{} of houses that cannot be asked; {} never rest\n",
        sum.handed_over_lost, sum.legs_lost, sum.money_lost_sight_of, sum.verdicts_changed,
        sum.refunded_since, sum.settled_changed, sum.unasked_since, sum.never_rests);
    for (std::size_t i = 0; i < fault_kinds; ++i)
        fmt::print("{:>9} {}\n", sum.faults[i], word(static_cast<Fault>(i)));
}

int finish(int passed, int failed) {
    fmt::print("{} passed, {} failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

/// What never happened was not tried.
int missing_faults(const Report& sum) {
    int missing = 0;
    for (std::size_t i = 0; i < fault_kinds; ++i) {
        if (sum.faults[i] > 0) continue;
        fmt::print("never happened: {}\n", word(static_cast<Fault>(i)));
        ++missing;
    }
    return missing;
}

int live(Life life, std::int64_t runs, bool trace, bool every_fault) {
    Report sum;
    int passed = 0, failed = 0;
    for (std::int64_t i = 0; i < runs && failed < failures_max; ++i, ++life.seed) {
        const auto report = run(life);
        if (trace) fmt::print("{}", report.trace);
        ++(report.broken.empty() ? passed : failed);
        if (!report.broken.empty()) {
            tell_broken(life, report);
            if (!trace && failed <= failures_told_max) tell_reduced(life, report);
        }
        sum.add(report);
    }
    tell_counts(sum);
    if (trace)
        for (const auto& [why, times] : sum.stuck)
            fmt::print("a person was called {} times: {}\n", times, why);
    if (every_fault) failed += missing_faults(sum);
    return finish(passed, failed);
}

int repeat(const Life& life, int times) {
    const auto first = run(life);
    int passed = 1, failed = 0;
    for (int i = 1; i < times; ++i) ++(run(life).fingerprint == first.fingerprint ? passed : failed);
    fmt::print("seed {}, {} times: {}\n", life.seed, times, failed == 0 ? "the same" : "DIFFERS");
    return finish(passed, failed);
}

/// The first life from `life.seed` on that the bug breaks, by the invariant that is meant to find it.
struct Found {
    Life life;
    Report report;
    std::int64_t lives = 0;
    std::map<Invariant, int> by_others;
};
Found find(Bug bug, std::uint64_t seed, std::int64_t lives_max) {
    Found found{{seed, {}, bug}, {}, 0, {}};
    while (found.lives < lives_max) {
        found.report = run(found.life);
        ++found.lives;
        if (found.report.breaks(meant_for(bug))) return found;
        if (!found.report.broken.empty()) ++found.by_others[found.report.broken.front().invariant];
        ++found.life.seed;
    }
    found.report.broken.clear();
    return found;
}

/// The net holds when each planted bug is found by the invariant that is meant for it.
int find_bugs(std::uint64_t seed, std::int64_t lives_max) {
    int passed = 0, failed = 0;
    for (std::size_t i = 1; i < bugs_planted; ++i) {
        const auto bug = static_cast<Bug>(i);
        const auto found = find(bug, seed, lives_max);
        const bool is_found = !found.report.broken.empty();
        ++(is_found ? passed : failed);
        std::string others;
        for (const auto& [invariant, times] : found.by_others)
            others += fmt::format("; {} lives by \"{}\"", times, word(invariant));
        fmt::print("{}: {} \"{}\", {} lives{}\n", word(bug), is_found ? "found by" : "NOT FOUND by",
                   word(meant_for(bug)), found.lives, others);
        (void)std::fflush(stdout);
    }
    return finish(passed, failed);
}

/// A reduced life is shorter, breaks the same, and does so again.
int check_reducing(std::uint64_t seed, std::int64_t lives_max) {
    int passed = 0, failed = 0;
    for (const Bug bug : {Bug::provider_forgets_keys, Bug::bought_before_taken, Bug::clock_stops}) {
        const auto found = find(bug, seed, lives_max);
        bool good = !found.report.broken.empty();
        if (good) {
            const auto best = reduce(found.life, found.report, reducing_runs_max);
            const auto again = run(best.life);
            const auto text = numbers_text(best.life.without);
            const auto read = parse_numbers(text);
            good = best.report.trace.size() < found.report.trace.size() &&
                   best.report.events.size() < found.report.events.size() &&
                   again.fingerprint == best.report.fingerprint &&
                   again.breaks(found.report.broken.front().invariant) && read && *read == best.life.without;
            fmt::print("{}: {} events and {} bytes of story, reduced to {} and {} in {} tries: {}\n",
                       word(bug), found.report.events.size(), found.report.trace.size(),
                       best.report.events.size(), best.report.trace.size(), best.runs, command(best.life));
        }
        ++(good ? passed : failed);
        if (!good) fmt::print("{}: NOT REDUCED\n", word(bug));
    }
    return finish(passed, failed);
}

}  // namespace

int main(int argc, char** argv) {
    Life life;
    std::int64_t runs = 100;
    int times = 0, bug = 0;
    bool trace = false, every_fault = false, bugs = false, reducing = false;
    std::string without;
    CLI::App app{"Kassi's simulation"};
    app.add_option("--seed", life.seed, "the first seed");
    app.add_option("--runs", runs, "how many lives; of --bugs, at most for each");
    app.add_flag("--trace", trace, "print what happened");
    app.add_option("--without", without, "events that do not happen: 3,17,1004-1010");
    app.add_flag("--every-fault", every_fault, "fail when a kind of fault never happened");
    app.add_option("--repeat", times, "live the seed so many times, and compare");
    app.add_flag("--bugs", bugs, "plant one bug after the other, and want each found");
    app.add_option("--bug", bug, "plant this one")->check(CLI::Range(0, static_cast<int>(bugs_planted) - 1));
    app.add_flag("--check-reducing", reducing, "of failures of planted bugs");
    CLI11_PARSE(app, argc, argv);
    kassi::log::start(kassi::log::Level::error);
    const auto numbers = parse_numbers(without);
    if (!numbers) {
        fmt::print("--{} {}\n", numbers.error().field, numbers.error().message);
        return 2;
    }
    life.without = *numbers;
    life.bug = static_cast<Bug>(bug);
    if (times > 0) return repeat(life, times);
    if (bugs) return find_bugs(life.seed, runs);
    if (reducing) return check_reducing(life.seed, runs);
    return live(life, runs, trace, every_fault);
}
