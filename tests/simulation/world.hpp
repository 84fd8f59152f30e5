#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kassi::simulation {

struct Report {
    std::vector<std::string> broken;  ///< invariants that did not hold, empty: all held
    std::string trace;                ///< what happened, for a failing seed
    std::uint64_t fingerprint = 0;    ///< of the trace: the same seed gives the same
    std::int64_t transactions = 0, purchased = 0, failed = 0, cancelled = 0, released = 0, steps = 0,
                 crashes = 0, lost_answers = 0, blind = 0, authentications = 0, refunds = 0,
                 dashboard_refunds = 0, cards_held = 0, cards_taken = 0, left_to_a_person = 0,
                 holds_expired = 0, disputes = 0, refunds_failed = 0, tokens_asked_for = 0, pages_passed = 0;
    std::map<std::string, std::int64_t> stuck;  ///< what a person was called for
};

/// One seeded life of the house: a storm with faults and crashes, then a calm phase in which everything must
/// come to its end. Nothing here reads a clock or a generator that the seed does not own.
Report run(std::uint64_t seed);

}  // namespace kassi::simulation
