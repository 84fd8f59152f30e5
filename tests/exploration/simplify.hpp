#pragma once

#include <vector>

#include "tests/exploration/world.hpp"

/// What is taken as one state, and what is explored apart. Each rule says why the future stays the same.
namespace kassi::exploration {

/// Takes from a state what makes no difference to what can happen. Its simplified form stands for it.
void simplify(State& state, const World& world);

/// The state, and each payment that goes its own way from now on, by itself. All are simplified.
std::vector<State> pieces_of(State state, const World& world);

}  // namespace kassi::exploration
