#include "store/tokens.hpp"

#include <limits>

namespace kassi::store {

std::int64_t last_callout_over(const core::Leg& leg) {
    if (!leg.callout) return std::numeric_limits<std::int64_t>::max();
    return leg.callout->returned || leg.callout->closed ? leg.callout->no : leg.callout->no - 1;
}

bool ends_token(const core::Decision& decision, std::int64_t leg_no, std::int64_t callout, bool page) {
    const auto& spent = decision.token_spent;
    if (spent && !page && spent->leg == leg_no && spent->callout == callout) return true;
    const core::Leg* leg = core::find_leg(decision.next, leg_no);
    return leg != nullptr && callout <= last_callout_over(*leg);
}

}  // namespace kassi::store
