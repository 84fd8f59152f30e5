#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "sandbox/box_office/offered.hpp"

/// Trolleys (reference f13.md 2.2, 3.7 and 4.2). Pure.
namespace kassi::sandbox::box_office {

inline constexpr std::size_t trolley_lines_max = 20;
inline constexpr std::size_t tickets_per_line_max = 50;
inline constexpr std::size_t word_bytes_max = 64;  ///< a seat, a discount, a code, as they are asked for
inline constexpr std::int64_t nights_max = 30;

/// What the client asked for: one order.
struct Line {
    std::int64_t item = 0;  ///< 1, 2, ...; never used again within a token's descendants
    std::string perf_id, ticket_type, price_band;  ///< price band with its suffix
    std::int64_t seats_count = 0;
    std::vector<std::string> seats;      ///< as requested, whether they exist or not
    std::vector<std::string> discounts;  ///< as requested, one a ticket
    std::string departure_date;          ///< "20270101"; "" none
    std::int64_t nights = 0;             ///< 0: not asked for
    bool operator==(const Line&) const = default;
};

struct Trolley {
    std::vector<Line> lines;                        ///< by item
    std::map<std::string, std::string> send_codes;  ///< source -> wanted send code
    std::int64_t next_item = 1;
    bool operator==(const Trolley&) const = default;
};

/// What a line is about.
struct Sold {
    const Event* event = nullptr;  ///< nullptr: it is not sold (any more)
    Performance performance;
    OfferedBand band;
};
Sold sold(const Catalogue& catalogue, const Line& line, Instant now);

struct Change {
    Trolley trolley;
    std::vector<Line> discarded;  ///< had to make room for the new one
    bool unavailable = false;     ///< what was asked for is not sold
};
/// The trolley that the parameters of trolley.v1, upsells.v1, add_ons.v1 and reserve.v1 ask for. Errors:
/// bad_request naming a parameter.
Result<Change> change_trolley(const Catalogue& catalogue, const Secret<>& token_key, const Fields& fields,
                              Instant now);

/// How the bundle of `source` is sent: what the client wants if everything in it can be sent so, else the
/// first way that all have in common; nullptr for none. What cannot be sent at all is left out of that.
const SendMethod* send_method(const Catalogue& catalogue, const Trolley& trolley, std::string_view source,
                              Instant now);

/// The line with its prices, and no seats yet. `line` is one that is sold.
api::f13::OrderText priced(const Catalogue& catalogue, const Line& line, const SendMethod* method,
                           Instant now);

/// Gives seats to a priced line. `taken`: seats of the same performance that other lines of the trolley have.
/// False: the backend refuses; `order` says why.
bool take_seats(const Catalogue& catalogue, const Line& line, std::set<std::string>& taken,
                api::f13::OrderText& order, Instant now);

}  // namespace kassi::sandbox::box_office
