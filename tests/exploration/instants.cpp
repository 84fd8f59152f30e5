#include "tests/exploration/instants.hpp"

#include <algorithm>

namespace kassi::exploration {

using core::Leg;
using core::Transaction;

void shift(Transaction& transaction, Millis by) {
    transaction.held_until -= by;
    if (transaction.confirm_by) *transaction.confirm_by -= by;
    for (Leg& leg : transaction.legs) each_instant(leg, [by](Instant& at) { at -= by; });
}

bool fire(Leg& leg) {
    bool waited = false;
    each_instant(leg, [&waited](Instant& at) {
        waited = waited || at > present;
        at = std::min(at, present);
    });
    return waited;
}

bool fire(Transaction& transaction) {
    bool waited = false;
    for (Leg& leg : transaction.legs) waited = fire(leg) || waited;
    if (transaction.confirm_by && *transaction.confirm_by > present) {
        transaction.confirm_by = present;
        waited = true;
    }
    return waited;
}

Order::Order(const Transaction& t) {
    const auto note = [this](Instant at) {
        if (at > present) instants_.push_back(at);
    };
    note(t.held_until);
    if (t.confirm_by) note(*t.confirm_by);
    for (const Leg& leg : t.legs) each_instant(leg, note);
    std::sort(instants_.begin(), instants_.end());
    instants_.erase(std::unique(instants_.begin(), instants_.end()), instants_.end());
    if (has_verdict(t.phase)) return;
    using namespace std::chrono_literals;
    constexpr Millis steps[] = {10s, 20s, 40s, 50s, 80s, 120s, 130s, 180s, 240s, 10min};
    room = static_cast<int>(std::count_if(std::begin(steps), std::end(steps),
                                          [&](Millis step) { return t.held_until - present >= step; }));
}

Instant Order::place(Instant at) const {
    if (at <= present) return present;
    const auto found = std::lower_bound(instants_.begin(), instants_.end(), at);
    return present + Millis{1 + (found - instants_.begin())};
}

void Order::apply_to(Transaction& t) const {
    t.held_until = place(t.held_until);
    if (t.confirm_by) t.confirm_by = place(*t.confirm_by);
    for (Leg& leg : t.legs) each_instant(leg, [this](Instant& at) { at = place(at); });
}

}  // namespace kassi::exploration
