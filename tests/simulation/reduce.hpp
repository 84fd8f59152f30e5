#pragma once

#include <string>

#include "base/result.hpp"
#include "tests/simulation/world.hpp"

/// The shortest life that still breaks the same invariant (delta debugging): customers, crashes and single
/// faults are left out one after the other.
namespace kassi::simulation {

struct Reduced {
    Life life;
    Report report;
    int runs = 0;  ///< that it took
};
/// `broken` is the report of `life`. At most `runs_max` lives are tried.
Reduced reduce(const Life& life, const Report& broken, int runs_max);

/// "3,17,1004-1010", and back. Error: bad_request.
std::string numbers_text(const std::set<std::int64_t>& numbers);
Result<std::set<std::int64_t>> parse_numbers(const std::string& text);

}  // namespace kassi::simulation
