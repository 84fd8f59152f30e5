#pragma once

#include "providers/flow.hpp"

namespace kassi::providers {

/// The account owes it to us: every verb is done at once, in the commit that asked for it. No request ever
/// leaves the house. Balance and limit belong to the store, which answers through Scene::credit_exhausted.
const Flow& on_credit_flow();

}  // namespace kassi::providers
