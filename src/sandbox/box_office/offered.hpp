#pragma once

#include <string_view>
#include <vector>

#include "sandbox/box_office/schedule.hpp"

/// What of an event can be had at a performance, after its peculiarities. Pure.
namespace kassi::sandbox::box_office {

inline constexpr std::string_view pool_suffix = "/pool";
inline constexpr std::string_view allocation_suffix = "/alloc";

/// "A/pool" -> "A"
std::string_view without_suffix(std::string_view price_band);
/// Error: F13's own text for a code without its suffix.
Result<std::string_view> read_price_band_code(std::string_view code);

struct OfferedBand {
    const TicketType* type = nullptr;
    const PriceBand* band = nullptr;
    std::vector<const Discount*> discounts;  ///< the first is the default; never empty
    std::int64_t available = 0;              ///< tickets in one order
};
/// Everything, in the order of the catalogue; nothing of a performance that is sold out. `seats_count` leaves
/// out what cannot be had so many times; 0 leaves out nothing.
std::vector<OfferedBand> offered(const Event& event, const Performance& performance,
                                 std::int64_t seats_count = 0);
/// nullopt when it is not offered. `price_band` has its suffix; there are no allocations here.
std::optional<OfferedBand> offered_band(const Event& event, const Performance& performance,
                                        std::string_view ticket_type, std::string_view price_band);

/// What each of `seats_count` tickets costs under. `wanted` is what was asked for, one a ticket; what is
/// illegal is replaced by what is legal.
std::vector<const Discount*> discounts_for(const Event& event, const OfferedBand& band,
                                           const std::vector<std::string>& wanted, std::size_t seats_count);

/// The codes by which tickets of this performance can still be sent; the first is the default.
std::vector<std::string> send_codes(const Catalogue& catalogue, const Event& event,
                                    const Performance& performance, Instant now);

/// Whether somebody can go on that day with an undated ticket.
bool is_open_on(const Event& event, Day day, Instant now);

}  // namespace kassi::sandbox::box_office
