#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/box_office/catalogue.hpp"

/// The performances that a schedule means at a moment. They move with the clock: a fixed id keeps its
/// distance
/// ("in 70 days", "the next 1 January"), a daily one keeps its date. Pure.
namespace kassi::sandbox::box_office {

struct Performance {
    std::string id, name;
    std::optional<Day> day;  ///< local; nullopt: undated
    int minutes = 0;         ///< since midnight, local
    Instant at{};            ///< when it begins; only if dated
};

/// Today where the event takes place.
Day local_today(const Event& event, Instant now);

/// All that are on sale, chronological, undated ones first. Daily ones begin tomorrow.
std::vector<Performance> performances(const Event& event, Instant now);
/// Today's that have not begun can still be had by who knows their id.
std::optional<Performance> performance(const Event& event, std::string_view id, Instant now);

struct Found {
    const Event* event = nullptr;  ///< nullptr: there is no such performance (any more)
    Performance performance;
};
Found find_performance(const Catalogue& catalogue, std::string_view perf_id, Instant now);

/// One undated performance: clients need not let their customer choose.
bool selects_itself(const std::vector<Performance>& all);
/// Nothing of it can be had, whatever the price band.
bool sold_out(const Event& event, const Performance& performance);
/// The days on which somebody can go: of the performances that are not sold out, or of an open ticket.
std::vector<Day> days_on(const Event& event, Instant now);
/// Whether any of them is in the range. Merchandise has no days and is always on.
bool is_on(const Event& event, const DateRange& range, Instant now);

}  // namespace kassi::sandbox::box_office
