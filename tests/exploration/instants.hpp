#pragma once

#include <vector>

#include "tests/exploration/world.hpp"

/// Instants of a state, seen from its present. How long keys live is no instant here: they live for ever.
namespace kassi::exploration {

/// Calls `visit` with each instant of a leg that anything depends on.
template <class LegOrConst, class Visit>
void each_instant(LegOrConst& leg, const Visit& visit) {
    if (leg.retry_at) visit(*leg.retry_at);
    if (leg.recheck_at) visit(*leg.recheck_at);
    if (leg.call && leg.doing == core::Doing::call) visit(leg.call->silent_at);
    if (leg.callout && leg.doing == core::Doing::away) {
        if (leg.callout->grace_until)
            visit(*leg.callout->grace_until);
        else
            visit(leg.callout->until);
    }
}

/// Time passes.
void shift(core::Transaction& transaction, Millis by);
/// What waits for an instant waits no longer; false: nothing did.
bool fire(core::Leg& leg);
bool fire(core::Transaction& transaction);
/// Of instants count the order and what still fits into the hold, not the distance: `room` is that.
struct Order {
    explicit Order(const core::Transaction& transaction);
    /// Each instant by its place among them.
    void apply_to(core::Transaction& transaction) const;
    int room = 0;

  private:
    [[nodiscard]] Instant place(Instant at) const;
    std::vector<Instant> instants_;
};

}  // namespace kassi::exploration
