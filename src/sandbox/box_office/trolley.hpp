#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/box_office/catalogue.hpp"

/// Trolleys (reference f13.md 2.2, 3.7 and 4.2). A trolley lives in its token and nowhere else: the same
/// content is the same token, each change gives a new one. Pure.
namespace kassi::sandbox::box_office {

inline constexpr std::size_t trolley_lines_max = 20;
inline constexpr std::size_t trolley_token_bytes_max = 6 * 1024;  ///< it travels in a URL
inline constexpr std::size_t tickets_per_line_max = 50;

/// What the client asked for: one order.
struct Line {
    std::int64_t item = 0;  ///< 1, 2, ...; never used again within a token's descendants
    std::string perf_id, ticket_type, price_band;  ///< price band with its suffix
    std::int64_t seats_count = 0;
    std::vector<std::string> seats;      ///< as requested, whether they exist or not
    std::vector<std::string> discounts;  ///< as requested, one a ticket
    bool operator==(const Line&) const = default;
};

struct Trolley {
    std::vector<Line> lines;                        ///< by item
    std::map<std::string, std::string> send_codes;  ///< source -> wanted send code
    std::int64_t next_item = 1;
    bool operator==(const Trolley&) const = default;
};

std::string trolley_token(const Trolley& trolley);
/// Error: bad_request naming trolley_token.
Result<Trolley> read_trolley_token(std::string_view token);

struct Change {
    Trolley trolley;
    std::vector<Line> discarded;  ///< had to make room for the new one
    bool unavailable = false;     ///< what was asked for is not sold
};
/// The trolley that the parameters of trolley.v1 and reserve.v1 ask for. Errors: bad_request naming a
/// parameter.
Result<Change> change_trolley(const Catalogue& catalogue, const Fields& fields);

/// How the bundle of `source` is sent: what the client wants if everything in it can be sent so, else the
/// first way that all have in common; nullptr for none.
const api::f13::SendMethod* send_method(const Catalogue& catalogue, const Trolley& trolley,
                                        std::string_view source);

/// The line with its prices, and no seats yet. `line` is one that change_trolley accepted.
api::f13::OrderText priced(const Catalogue& catalogue, const Line& line, const api::f13::SendMethod* method,
                           Instant now);

/// Gives seats to a priced line. `taken`: seats of the same performance that other lines of the trolley have.
/// False: the backend refuses; `order` says why.
bool take_seats(const Catalogue& catalogue, const Line& line, std::set<std::string>& taken,
                api::f13::OrderText& order);

}  // namespace kassi::sandbox::box_office
