#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <random>
#include <sstream>

#include "tests/exploration/explorer.hpp"

using namespace kassi::exploration;

namespace {

std::vector<Kind> kinds() {
    return {{.name = "credit", .merchant = "credit"},
            {.name = "redirect", .merchant = "redirect", .notifies = true, .page_pays = true},
            {.name = "quiet", .merchant = "redirect", .page_pays = true},
            {.name = "silent", .merchant = "silent", .page_pays = true},
            {.name = "card", .merchant = "card", .may_challenge = true},
            {.name = "token", .merchant = "token", .notifies = true, .may_challenge = true},
            {.name = "vault", .merchant = "vault", .notifies = true},
            {.name = "wallet", .merchant = "wallet", .repeatable = false},
            {.name = "never", .merchant = "never", .repeatable = false}};
}

/// One payment, in every way that there is.
std::vector<Configuration> alone(int faults) {
    std::vector<Configuration> all;
    for (const auto& kind : kinds()) {
        all.push_back({.kinds = {kind}, .faults = faults});
        all.push_back({.kinds = {kind}, .parts = true, .faults = faults});
        all.push_back({.kinds = {kind}, .owner = true, .one_leg = true, .faults = faults});
        all.push_back({.kinds = {kind}, .second_try = true, .faults = faults});
        all.push_back({.kinds = {kind}, .restore = true, .timeless = true, .faults = faults});
        all.push_back({.kinds = {kind}, .owner = true, .restore = true, .timeless = true, .faults = faults});
        all.push_back({.kinds = {kind}, .parts = true, .restore = true, .timeless = true, .faults = faults});
    }
    return all;
}

/// With each of them: all or nothing or in part, with and without the owner's confirmation.
void add_together(std::vector<Configuration>& all, const std::vector<Kind>& kinds, int faults) {
    for (const bool partial : {false, true})
        for (const bool owner : {false, true})
            all.push_back(
                {.kinds = kinds, .partial = partial, .owner = owner, .timeless = true, .faults = faults});
}

/// Two payments: each kind with each other.
std::vector<Configuration> pairs(int faults) {
    std::vector<Configuration> all;
    const auto known = kinds();
    for (std::size_t i = 0; i < known.size(); ++i)
        for (std::size_t j = i; j < known.size(); ++j) add_together(all, {known[i], known[j]}, faults);
    return all;
}

/// Three payments: each kind with each other two.
std::vector<Configuration> triples(int faults) {
    std::vector<Configuration> all;
    const auto known = kinds();
    for (std::size_t i = 0; i < known.size(); ++i)
        for (std::size_t j = i; j < known.size(); ++j)
            for (std::size_t k = j; k < known.size(); ++k)
                add_together(all, {known[i], known[j], known[k]}, faults);
    return all;
}

struct Sum {
    int passed = 0, failed = 0;
    std::size_t states = 0, moves = 0;
};

void tell(const Configuration& configuration, const Report& report, Sum& sum, bool found) {
    sum.states += report.states;
    sum.moves += report.moves;
    ++(report.wrong.empty() ? sum.passed : sum.failed);
    std::cout << configuration.name() << ": " << report.states << " states, " << report.moves << " moves, "
              << report.ends << " ends";
    for (const auto& [verdict, count] : report.verdicts) std::cout << ", " << count << " " << verdict;
    std::cout << std::endl;
    for (const auto& each : report.decided)
        if (found) std::cout << "  verdict: " << each << "\n";
    for (const auto& each : report.outcomes)
        if (found) std::cout << "  end: " << each << "\n";
    if (report.wrong.empty()) return;
    std::cout << "  WRONG: " << report.wrong << "\n";
    for (const auto& step : report.trace) std::cout << "    " << step << std::endl;
}

/// Where a bug must be seen: most with one payment, and with a record that is never put back.
std::vector<Configuration> nets(Bug bug) {
    if (bug == Bug::other_forgotten) return pairs(1);
    auto all = alone(1);
    std::erase_if(all, [bug](const auto& each) { return each.restore != (bug == Bug::copy_believed); });
    return all;
}

/// The net holds when each planted bug is found by some configuration.
int find_bugs(std::size_t states_max) {
    Sum sum;
    for (const Bug bug : bugs) {
        std::string how;
        for (auto each : nets(bug)) {
            each.bug = bug;
            const auto report = explore(each, states_max);
            if (report.wrong.empty() || report.wrong == too_many) continue;
            how = each.name() + ": " + report.wrong;
            break;
        }
        ++(how.empty() ? sum.failed : sum.passed);
        std::cout << word(bug) << ": " << (how.empty() ? "NOT FOUND" : how) << std::endl;
    }
    std::cout << sum.passed << " passed, " << sum.failed << " failed\n";
    return sum.failed == 0 ? 0 : 1;
}

/// What the one found and the other did not.
void tell_missing(const std::set<std::string>& of, const std::set<std::string>& in, const char* where) {
    for (const auto& each : of)
        if (!in.contains(each)) std::cout << "  not " << where << ": " << each << "\n";
}

/// Whether what is taken as one state, and what is explored apart, hides anything: with it and without, the
/// same verdicts must be reached, and the same ends; and each bug must be found, or not, by both.
int compare(const std::vector<Configuration>& all, std::size_t states_max, bool planted) {
    Sum sum;
    for (auto each : all)
        for (const Bug bug :
             planted ? std::vector<Bug>(std::begin(bugs), std::end(bugs)) : std::vector{Bug::none}) {
            each.bug = bug;
            each.whole = false;
            const auto quick = explore(each, states_max);
            each.whole = true;
            const auto whole = explore(each, states_max);
            std::cout << each.name() << (planted ? ", " : "") << (planted ? word(bug) : "") << ": "
                      << quick.states << " for " << whole.states << " states";
            if (whole.wrong == too_many || quick.wrong == too_many) {
                std::cout << ", too many" << std::endl;
                continue;
            }
            bool same = quick.wrong.empty() == whole.wrong.empty();
            if (quick.wrong.empty())
                same = same && quick.decided == whole.decided && quick.outcomes == whole.outcomes;
            ++(same ? sum.passed : sum.failed);
            std::cout << (same ? "" : ", DIFFERENT") << (quick.wrong.empty() ? "" : ", ") << quick.wrong
                      << std::endl;
            if (same) continue;
            if (!whole.wrong.empty()) std::cout << "  whole: " << whole.wrong << "\n";
            for (const auto& step : whole.trace) std::cout << "    " << step << "\n";
            tell_missing(whole.decided, quick.decided, "in the quick one");
            tell_missing(quick.decided, whole.decided, "in the whole one");
            tell_missing(whole.outcomes, quick.outcomes, "in the quick one");
            tell_missing(quick.outcomes, whole.outcomes, "in the whole one");
        }
    std::cout << sum.passed << " passed, " << sum.failed << " failed\n";
    return sum.failed == 0 ? 0 : 1;
}

struct Options {
    int alone = 1, pairs = -1, triples = -1;  ///< faults; -1 not at all
    std::size_t states_max = 3'000'000;
    std::string only, without;
    std::size_t sample = 0;
    std::uint64_t seed = 1;
    std::string slice = "0/1";
    bool planted = false, compared = false, found = false;
};

/// {2, 8} of "2/8"; {0, 0} of anything else.
std::pair<std::size_t, std::size_t> slice_of(const std::string& text) {
    std::size_t part = 0, parts = 0;
    char slash = 0;
    std::istringstream in(text);
    const bool right = in >> part >> slash >> parts && in.eof() && slash == '/' && part < parts;
    return right ? std::pair{part, parts} : std::pair<std::size_t, std::size_t>{};
}

void describe(CLI::App& app, Options& options) {
    app.add_option("--alone", options.alone, "how many things may go wrong with one payment, -1 not at all");
    app.add_option("--pairs", options.pairs, "the same with two payments");
    app.add_option("--triples", options.triples, "the same with three");
    app.add_option("--states", options.states_max, "of one configuration, at most");
    app.add_option("--only", options.only, "configurations whose name has this in it");
    app.add_option("--without", options.without, "and not this");
    app.add_option("--sample", options.sample, "so many of them, chosen by the seed; 0 all");
    app.add_option("--seed", options.seed, "of the sample; 0 one that nobody knows");
    app.add_option("--slice", options.slice, "I/N: each N-th of them from the I-th on, for N processes")
        ->check([](const std::string& text) {
            return slice_of(text).second == 0 ? "is I/N, with I from 0 and less than N" : std::string{};
        });
    app.add_flag("--found", options.found, "tells which verdicts and ends there are");
    app.add_flag("--bugs", options.planted, "plants one bug after the other, and wants each found");
    app.add_flag(
        "--compare", options.compared,
        "with what is taken as one state and without wants the same found; with --bugs, of each bug");
}

std::vector<Configuration> chosen(Options& options) {
    std::vector<Configuration> all;
    const auto append = [&all](std::vector<Configuration> more) {
        std::move(more.begin(), more.end(), std::back_inserter(all));
    };
    if (options.alone >= 0) append(alone(options.alone));
    if (options.pairs >= 0) append(pairs(options.pairs));
    if (options.triples >= 0) append(triples(options.triples));
    std::erase_if(all, [&options](const auto& each) {
        const auto name = each.name();
        return name.find(options.only) == std::string::npos ||
               (!options.without.empty() && name.find(options.without) != std::string::npos);
    });
    if (options.sample > 0) {
        if (options.seed == 0) options.seed = std::random_device{}();
        std::shuffle(all.begin(), all.end(), std::mt19937_64(options.seed));
        all.resize(std::min(options.sample, all.size()));
        std::cout << "seed " << options.seed << "\n";
    }
    const auto [part, parts] = slice_of(options.slice);
    std::vector<Configuration> mine;
    for (std::size_t i = part; i < all.size(); i += parts) mine.push_back(std::move(all[i]));
    return mine;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"every state that the real machine can reach, with faults anywhere"};
    Options options;
    describe(app, options);
    CLI11_PARSE(app, argc, argv);
    if (options.planted && !options.compared) return find_bugs(options.states_max);
    const auto all = chosen(options);
    if (options.compared) return compare(all, options.states_max, options.planted);
    Sum sum;
    for (const auto& each : all) tell(each, explore(each, options.states_max), sum, options.found);
    std::cout << sum.states << " states, " << sum.moves << " moves\n"
              << sum.passed << " passed, " << sum.failed << " failed\n";
    return sum.failed == 0 ? 0 : 1;
}
