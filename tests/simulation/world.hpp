#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/faults.hpp"

namespace kassi::simulation {

/// All that a life depends on: the same gives the same.
struct Life {
    std::uint64_t seed = 1;
    std::set<std::int64_t> without;  ///< numbers of events that do not happen
    Bug bug = Bug::none;
};

struct Broken {
    Invariant invariant;
    std::string what;
};
/// Something that a reduced life can do without.
struct Happened {
    std::int64_t number = 0;
    std::chrono::milliseconds at{0};  ///< since the beginning
    std::string what;
};

struct Report {
    std::vector<Broken> broken;  ///< invariants that did not hold, all of one step; empty: all held
    std::vector<Happened> events;
    std::string trace;              ///< what happened, for a failing seed
    std::uint64_t fingerprint = 0;  ///< of the trace: the same seed gives the same
    std::array<std::int64_t, fault_kinds> faults{};
    std::int64_t lives = 0, transactions = 0, purchased = 0, failed = 0, cancelled = 0, released = 0,
                 steps = 0, blind = 0, authentications = 0, refunds = 0, cards_held = 0, cards_taken = 0,
                 left_to_a_person = 0, disputes = 0, refunds_failed = 0, tokens_asked_for = 0,
                 pages_passed = 0, answers_compared = 0, assumed_unpaid = 0, handed_over_lost = 0,
                 legs_lost = 0, money_lost_sight_of = 0, settled_changed = 0, refunded_since = 0,
                 unasked_since = 0, never_rests = 0, verdicts_changed = 0;
    std::map<std::string, std::int64_t> stuck;  ///< what a person was called for
    [[nodiscard]] bool breaks(Invariant invariant) const;
    /// Counts only.
    void add(const Report& other);
};

/// One seeded life of the house: a storm with faults and crashes, then a calm phase in which everything must
/// come to its end. Nothing here reads a clock or a generator that the seed does not own.
Report run(const Life& life);

}  // namespace kassi::simulation
