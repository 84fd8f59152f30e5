#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/exploration/house.hpp"

/// Every state that the real machine (core::decide) can reach with one, two or three payments, when
/// everything around it happens in any order and some of it goes wrong.
namespace kassi::exploration {

/// Planted, to see that the net holds.
enum class Bug : std::uint8_t {
    none,
    keys_not_known,      ///< the provider forgets idempotency keys that we rely on
    sent_after_restart,  ///< what may never be sent again is sent again
    close_is_no_close,   ///< what we closed can still be paid
    refund_not_booked,   ///< the provider gave back less than it said
    decline_is_success,  ///< a decline is read as money
    hold_ignored,        ///< the seats may be gone
    nobody_asks,         ///< what can be looked up never is
    event_missing,       ///< the journal lacks an event
    copy_believed,       ///< a copy that is put back goes on as if nothing had happened since
    nobody_wakes,        ///< a doubt has no time at which it is looked at again
    other_forgotten,     ///< a purchase that failed gives back one of its two payments only
};
inline constexpr Bug bugs[] = {Bug::keys_not_known,    Bug::sent_after_restart, Bug::close_is_no_close,
                               Bug::refund_not_booked, Bug::decline_is_success, Bug::hold_ignored,
                               Bug::nobody_asks,       Bug::event_missing,      Bug::copy_believed,
                               Bug::nobody_wakes,      Bug::other_forgotten};
std::string_view word(Bug bug);

struct Configuration {
    std::vector<Kind> kinds;  ///< of the legs, in the order of their bundles
    bool partial = false;
    bool owner = false;       ///< confirms between held and captured
    bool second_try = false;  ///< another card after a decline
    bool one_leg = false;     ///< the first kind pays for two bundles
    bool parts = false;       ///< what was bought is cancelled item by item
    bool restore = false;     ///< a copy of the record is made at any moment, and put back at a later one
    /// Time is taken for enough until the hold is over, which it may be at any moment, and what waits may
    /// wait for any time: of all that is shorter or longer, the configurations with one payment tell.
    bool timeless = false;
    /// Nothing is taken as one state but what differs by number, time or wording; nothing is explored apart.
    bool whole = false;
    int faults = 1;
    Bug bug = Bug::none;
    [[nodiscard]] std::string name() const;
};

struct Report {
    std::size_t states = 0, moves = 0, ends = 0;
    std::map<std::string, std::size_t> verdicts;  ///< by which moves come to them
    /// What the verdicts found: phase, and the money of each leg that was still wanted.
    std::set<std::string> decided;
    /// How legs ended: number, goal, money, truth.
    std::set<std::string> outcomes;
    std::string wrong;               ///< "" or what is broken
    std::vector<std::string> trace;  ///< the shortest way there, of those with the fewest faults
};

/// What is wrong when there is more to see than allowed.
inline constexpr std::string_view too_many = "more states than allowed";
/// `states_max`: more are an error, and no answer.
Report explore(const Configuration& configuration, std::size_t states_max);

}  // namespace kassi::exploration
