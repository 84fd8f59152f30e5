#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/f13/document.hpp"
#include "base/clock.hpp"
#include "base/money.hpp"

/// What the sandbox's box office sells. All of it is data (catalogue.json, amounts in minor units); prices
/// and seats are those of F13's demo (reference f13.md 4.3). Seats are never used up.
namespace kassi::sandbox::box_office {

struct Discount {
    std::string code, description;
    std::int64_t seatprice = 0, surcharge = 0;  ///< one ticket, minor units
};

/// Seats side by side: one can sit there without getting up.
using SeatBlock = std::vector<api::f13::Seat>;

struct PriceBand {
    std::string code;  ///< without "/pool"
    std::string description;
    std::vector<Discount> discounts;  ///< the first is the default; never empty
    std::vector<SeatBlock> blocks;    ///< empty: not seated
    [[nodiscard]] const Discount& discount(
        std::string_view wanted) const;  ///< the default when there is none such
};

struct TicketType {
    std::string code, description;
    std::vector<PriceBand> price_bands;
};

struct Performance {
    std::string id;
    int in_days = 0;                   ///< so many days from now, or
    int next_month = 0, next_day = 0;  ///< the next such date; neither: undated
    std::string time;                  ///< "15:30" UTC
    int running_time = 0;              ///< minutes
    /// As F13 prints it.
    [[nodiscard]] std::string json(std::string_view event_id, Instant now) const;
};

struct Event {
    std::string id, source;
    std::string json;  ///< as F13 prints it
    Currency currency;
    std::vector<std::string> send_codes;  ///< the first is the default
    std::vector<std::int64_t> quantities;
    bool contiguous = false;  ///< chosen seats must be side by side
    bool cancellable = false;
    std::string failing_seat;    ///< a reservation that asks for it fails
    std::string vanishing_seat;  ///< a reservation that asks for it gets other seats of its block
    std::vector<Performance> performances;
    std::vector<TicketType> ticket_types;
    [[nodiscard]] const TicketType* ticket_type(std::string_view code) const;
    /// `code` without its "/pool".
    [[nodiscard]] const PriceBand* price_band(std::string_view ticket_type_code, std::string_view code) const;
};

struct Catalogue {
    api::f13::Countries countries;
    std::map<std::string, api::f13::SendMethod, std::less<>> send_methods;
    std::vector<Event> events;

    struct Found {
        const Event* event = nullptr;
        const Performance* performance = nullptr;
    };
    /// Both nullptr for an unknown performance.
    [[nodiscard]] Found performance(std::string_view perf_id) const;
};

/// Reads the JSON of catalogue.json. Throws std::runtime_error naming what is wrong: it is our own file.
Catalogue read_catalogue(std::string_view json);
/// catalogue.json as it was built in.
std::string_view catalogue_json();

}  // namespace kassi::sandbox::box_office
