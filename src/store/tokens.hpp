#pragma once

#include <cstdint>

#include "core/decide.hpp"

namespace kassi::store {

/// Up to which callout of the leg the tokens are over, once the transaction is as the leg says.
std::int64_t last_callout_over(const core::Leg& leg);
/// Whether a live token of the transaction is over with the decision: it was spent, or its callout is closed,
/// has returned, or was followed by another. `page`: a page token, which is never spent.
bool ends_token(const core::Decision& decision, std::int64_t leg, std::int64_t callout, bool page);

}  // namespace kassi::store
