#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "api/f13/print.hpp"
#include "base/json.hpp"
#include "sandbox/box_office/costs.hpp"
#include "sandbox/box_office/search.hpp"

/// What F13 clients read of the catalogue and of trolleys (reference f13.md 4). Pure.
namespace kassi::sandbox::box_office {

using api::f13::OrderText;

/// What a call asks for besides the usual (f13.md 1.2).
struct Extras {
    bool info = false, reviews = false, video = false;
    std::set<std::string, std::less<>> media;  ///< names of assets
    bool costs = false, best_value = false, max_saving = false, min_cost = false, top_price = false;
    bool no_singles = false, cost_details = false;
    bool availability = false, availability_days = false;
    bool commission = false;
};
/// Errors: bad_request naming a flag that is neither true nor false.
Result<Extras> read_extras(const Fields& fields);

// ---- events -------------------------------------------------------------------------------------------
/// What is always printed of an event.
std::string event_json(const Event& event);
std::string event_json(const Event& event, const Extras& extras, Instant now);

// ---- performances -------------------------------------------------------------------------------------
/// `departure_date` and `nights` are those of an order, "" and 0 otherwise.
std::string performance_json(const Event& event, const Performance& performance,
                             std::string_view departure_date = {}, std::int64_t nights = 0);
std::string performance_json(const Event& event, const Performance& performance, const Extras& extras);
std::string month_json(const Event& event, std::chrono::year_month month, const MonthMask& mask,
                       const Extras& extras);

// ---- costs --------------------------------------------------------------------------------------------
/// Of all that `bands` sell undiscounted, and beside it of each kind of discount; {} of nothing.
void write_cost_range(JsonWriter& out, const Event& event, const std::vector<OfferedBand>& bands,
                      const Extras& extras);
/// Of one ticket.
void write_cost_range(JsonWriter& out, const Event& event, const Discount& ticket, const Extras& extras);
void write_avail_details(JsonWriter& out, const Event& event, const std::vector<OfferedBand>& bands,
                         const std::vector<Day>& days, const Extras& extras);

// ---- availability -------------------------------------------------------------------------------------
struct AvailabilityWish {
    std::int64_t seats_count = 0;  ///< 0: any
    bool discounts = false, example_seats = false, seat_blocks = false, commission = false;
};
std::string print_availability(const Event& event, const Performance& performance,
                               const AvailabilityWish& wish);
/// `band` nullptr: nothing is offered.
std::string print_discounts(const Event& event, const OfferedBand* band, bool commission);
std::string print_send_methods(const Catalogue& catalogue, const Event& event, const Performance& performance,
                               Instant now);

// ---- lists --------------------------------------------------------------------------------------------
void write_paging(JsonWriter& out, const PagingStatus& status);
/// {"currency_details": ..., "results": {"event": [...], "paging_status": ...}}
std::string print_events(const std::vector<const Event*>& all, const Page& page, const Extras& extras,
                         Instant now);

// ---- trolleys -----------------------------------------------------------------------------------------
/// A bundle of a trolley that is not reserved.
struct TrolleyBundle {
    std::string source;
    Currency currency;
    std::vector<OrderText> orders;
    std::int64_t send_cost = 0;
};
struct TrolleyPage {
    const api::f13::House& house;
    const engine::Caller& caller;
    std::string token;  ///< "" none
    std::vector<TrolleyBundle> bundles;
    std::vector<OrderText> discarded, unreserved;
    bool contained_unavailable = false;
};
/// What trolley.v1 answers, and reserve.v1 where nothing could be reserved.
std::string print_trolley(const TrolleyPage& page);

/// A JSON string.
std::string json_text(std::string_view text);
/// Minor units as F13 writes amounts.
void write_amount(JsonWriter& out, std::string_view name, std::int64_t minor, Currency currency);

}  // namespace kassi::sandbox::box_office
