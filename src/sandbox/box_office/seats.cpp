#include "sandbox/box_office/seats.hpp"

#include <algorithm>

namespace kassi::sandbox::box_office {
namespace {

using api::f13::Seat;
using Ids = std::set<std::string>;

Ids ids_of(const Seats& seats) {
    Ids ids;
    for (const auto& seat : seats) ids.insert(seat.id);
    return ids;
}

Ids free_seats(const PriceBand& band, const Ids& barred) {
    Ids free;
    for (const auto& block : band.blocks) {
        for (const auto& seat : block)
            if (!barred.contains(seat.id)) free.insert(seat.id);
    }
    return free;
}

bool minds_single_seats(const Event& event) {
    return event.rules.leaving_singles != LeavingSingles::always;
}

/// Every run of `count` free seats side by side, best first: front to back as the blocks stand.
std::vector<Seats> runs(const PriceBand& band, std::size_t count, const Ids& barred, const SeatBlock* only) {
    std::vector<Seats> all;
    for (const auto& block : band.blocks) {
        if (only != nullptr && &block != only) continue;
        for (std::size_t first = 0; first + count <= block.size(); ++first) {
            const auto begin = block.begin() + static_cast<std::ptrdiff_t>(first);
            const Seats run(begin, begin + static_cast<std::ptrdiff_t>(count));
            if (std::none_of(run.begin(), run.end(),
                             [&](const Seat& seat) { return barred.contains(seat.id); }))
                all.push_back(run);
        }
    }
    return all;
}

Seats first_free(const PriceBand& band, std::size_t count, const Ids& barred, const SeatBlock* only) {
    Seats seats;
    for (const auto& block : band.blocks) {
        if (only != nullptr && &block != only) continue;
        for (const auto& seat : block)
            if (seats.size() < count && !barred.contains(seat.id)) seats.push_back(seat);
    }
    return seats.size() == count ? seats : Seats{};
}

Seats best_of(const Event& event, const PriceBand& band, std::size_t count, const Ids& barred,
              const SeatBlock* only) {
    const auto together = runs(band, count, barred, only);
    if (minds_single_seats(event)) {
        const auto free = free_seats(band, barred);
        for (const auto& run : together)
            if (!leaves_single_seat(band, free, run)) return run;
    }
    if (!together.empty()) return together.front();
    return first_free(band, count, barred, only);
}

/// The requested seats that exist in the band and are free, each once, in the order of the request.
Seats requested_seats(const SeatWish& wish) {
    Seats seats;
    for (const auto& id : wish.wanted) {
        const auto same = [&](const Seat& seat) { return seat.id == id; };
        if (seats.size() == wish.count || wish.taken.contains(id) ||
            std::any_of(seats.begin(), seats.end(), same))
            continue;
        for (const auto& block : wish.band.blocks) {
            const auto found = std::find_if(block.begin(), block.end(), same);
            if (found != block.end()) seats.push_back(*found);
        }
    }
    return seats;
}

bool side_by_side(const PriceBand& band, const Seats& seats) {
    const auto ids = ids_of(seats);
    return std::any_of(band.blocks.begin(), band.blocks.end(), [&](const SeatBlock& block) {
        const auto first =
            std::find_if(block.begin(), block.end(), [&](const Seat& s) { return ids.contains(s.id); });
        if (static_cast<std::size_t>(block.end() - first) < seats.size()) return false;
        return std::all_of(first, first + static_cast<std::ptrdiff_t>(seats.size()),
                           [&](const Seat& seat) { return ids.contains(seat.id); });
    });
}

bool asks_for(const SeatWish& wish, const std::string& seat) {
    return !seat.empty() && std::find(wish.wanted.begin(), wish.wanted.end(), seat) != wish.wanted.end();
}

/// As if the seat had gone in the meantime: others of its block, none of those that were asked for.
Seats instead_of_vanished(const SeatWish& wish) {
    auto barred = wish.taken;
    barred.insert(wish.wanted.begin(), wish.wanted.end());
    for (const auto& block : wish.band.blocks) {
        const bool here = std::any_of(block.begin(), block.end(), [&](const Seat& seat) {
            return seat.id == wish.event.rules.vanishing_seat;
        });
        if (!here) continue;
        auto seats = best_of(wish.event, wish.band, wish.count, barred, &block);
        if (!seats.empty()) return seats;
    }
    return best_available(wish.event, wish.band, wish.count, barred);
}

bool may_be_chosen(const SeatWish& wish, const Seats& seats) {
    if (wish.event.rules.contiguous && !side_by_side(wish.band, seats)) return false;
    if (!minds_single_seats(wish.event)) return true;
    const auto free = free_seats(wish.band, wish.taken);
    if (!leaves_single_seat(wish.band, free, seats)) return true;
    if (wish.event.rules.leaving_singles == LeavingSingles::never) return false;
    const auto others = runs(wish.band, wish.count, wish.taken, nullptr);
    return std::all_of(others.begin(), others.end(),
                       [&](const Seats& run) { return leaves_single_seat(wish.band, free, run); });
}

SeatsGot chosen_seats(const SeatWish& wish) {
    SeatsGot got;
    got.seats = requested_seats(wish);
    const bool all = got.seats.size() == wish.count && wish.wanted.size() == wish.count;
    if (!may_be_chosen(wish, got.seats)) got.seats.clear();
    got.status = got.seats.empty() ? "got_none" : all ? "got_all" : "got_some";
    auto barred = wish.taken;
    for (const auto& seat : got.seats) barred.insert(seat.id);
    if (const auto more = wish.count - got.seats.size(); more > 0) {
        const auto others = best_available(wish.event, wish.band, more, barred);
        got.seats.insert(got.seats.end(), others.begin(), others.end());
    }
    return got;
}

}  // namespace

Seats best_available(const Event& event, const PriceBand& band, std::size_t count, const Ids& barred) {
    return best_of(event, band, count, barred, nullptr);
}

bool leaves_single_seat(const PriceBand& band, const Ids& free_before, const Seats& seats) {
    const auto gone = ids_of(seats);
    for (const auto& block : band.blocks) {
        const auto free = [&](std::size_t i) {
            return i < block.size() && free_before.contains(block[i].id) && !gone.contains(block[i].id);
        };
        const auto was_alone = [&](std::size_t i) {
            return !(i > 0 && free_before.contains(block[i - 1].id)) &&
                   !(i + 1 < block.size() && free_before.contains(block[i + 1].id));
        };
        for (std::size_t i = 0; i < block.size(); ++i) {
            const bool alone = free(i) && !(i > 0 && free(i - 1)) && !free(i + 1);
            if (alone && !was_alone(i)) return true;
        }
    }
    return false;
}

SeatsGot get_seats(const SeatWish& wish) {
    SeatsGot got;
    if (asks_for(wish, wish.event.rules.failing_seat))
        return {{}, "got_none", "Seat " + wish.event.rules.failing_seat + " causes failure."};
    if (wish.wanted.empty()) {
        got = {best_available(wish.event, wish.band, wish.count, wish.taken), "not_requested", {}};
    } else if (!wish.event.rules.seat_selection) {
        got = {best_available(wish.event, wish.band, wish.count, wish.taken), "got_none", {}};
    } else if (asks_for(wish, wish.event.rules.vanishing_seat)) {
        got = {instead_of_vanished(wish), "got_none", {}};
    } else {
        got = chosen_seats(wish);
    }
    if (got.seats.size() != wish.count) return {{}, "got_none", "Not enough seats left."};
    return got;
}

bool view_is_restricted(const Event& event, const Performance& performance, std::size_t ticket) {
    const auto& rules = event.rules;
    return performance.day && (weekday_bit(*performance.day) & rules.restricted_weekdays) != 0 &&
           std::find(rules.restricted_tickets.begin(), rules.restricted_tickets.end(), ticket) !=
               rules.restricted_tickets.end();
}

}  // namespace kassi::sandbox::box_office
