#pragma once

#include <cstdint>
#include <vector>

#include "api/f13/print.hpp"
#include "core/event.hpp"

/// Which items cancel.v1 asks for, and which it cancelled (pure).
namespace kassi::api::f13 {

using Items = std::vector<std::int64_t>;

bool has_item(const core::Transaction& transaction, std::int64_t item);
/// What of `wanted` (empty: everything) can still be cancelled.
Items cancellable(const core::Transaction& transaction, const FactsOf& facts_of, const Items& wanted);
/// Orders that have to go with `items`, because their provider gives back all or nothing.
Items must_go_too(const core::Transaction& transaction, const FactsOf& facts_of, const Items& items);
/// The items that one commit began to cancel.
Items items_cancelled_by(const std::vector<core::Event>& events);

}  // namespace kassi::api::f13
