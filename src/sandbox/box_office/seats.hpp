#pragma once

#include <set>
#include <string>
#include <vector>

#include "sandbox/box_office/offered.hpp"

/// Which seats an order gets. Pure.
namespace kassi::sandbox::box_office {

using Seats = std::vector<api::f13::Seat>;

/// What is wanted of one price band.
struct SeatWish {
    const Event& event;
    const PriceBand& band;
    std::size_t count = 0;
    const std::vector<std::string>& wanted;  ///< seat ids as they were asked for; may be empty
    const std::set<std::string>& taken;      ///< by other orders of the same trolley, at the same performance
};
struct SeatsGot {
    Seats seats;         ///< empty when the box office refuses
    std::string status;  ///< not_requested, got_all, got_some, got_none
    std::string refusal;
};
/// The peculiar seats of the event, the rules of choosing, and else the best that are left.
SeatsGot get_seats(const SeatWish& wish);

/// The best `count` seats that are left: side by side if that can be, without leaving a single seat if the
/// event minds. Empty when there are too few.
Seats best_available(const Event& event, const PriceBand& band, std::size_t count,
                     const std::set<std::string>& barred);

/// Whether taking them leaves a free seat alone between taken ones, a gap or the end of its block.
bool leaves_single_seat(const PriceBand& band, const std::set<std::string>& free_before, const Seats& seats);

/// Ticket numbers (from 1) that have a restricted view at this performance whatever the seat.
bool view_is_restricted(const Event& event, const Performance& performance, std::size_t ticket);

}  // namespace kassi::sandbox::box_office
