#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/f13/document.hpp"
#include "base/clock.hpp"
#include "base/money.hpp"
#include "sandbox/box_office/calendar.hpp"

/// What the sandbox's box office sells. All of it is data (catalogue/*.json, amounts in minor units), with
/// the peculiarities of F13's demo (reference f13.md 3.7 and 4.3). Seats are never used up.
namespace kassi::sandbox::box_office {

/// What one ticket costs under a discount; the undiscounted ticket is a discount, too.
struct Discount {
    std::string code, description;
    std::string semantic_type;                  ///< "standard", "child", "student", ...
    std::int64_t seatprice = 0, surcharge = 0;  ///< minor units; of one night where a duration is needed
    std::int64_t full_seatprice = 0, full_surcharge = 0;  ///< what it costs when there is no offer
    int minimum_age = 0, maximum_age = 0;                 ///< 0: no such limit
    [[nodiscard]] std::int64_t cost() const { return seatprice + surcharge; }
    [[nodiscard]] std::int64_t saving() const { return full_seatprice + full_surcharge - cost(); }
    [[nodiscard]] bool is_offer() const { return saving() > 0; }
};

/// Seats side by side: one can sit there without getting up.
using SeatBlock = std::vector<api::f13::Seat>;

struct PriceBand {
    std::string code;  ///< without "/pool"
    std::string description;
    std::vector<Discount> discounts;             ///< the first is the default; never empty
    std::vector<SeatBlock> blocks;               ///< empty: not seated
    [[nodiscard]] std::size_t capacity() const;  ///< seats of all blocks
};

struct TicketType {
    std::string code, description;
    std::vector<PriceBand> price_bands;
};

struct City {
    std::string code, description, country_code, country;
    int utc_offset_minutes = 0;
};

struct SendMethod {
    api::f13::SendMethod printed;
    Currency currency;
    int lead_days = 0;  ///< a performance sooner than that cannot be served so
};

// ---- when an event is on ------------------------------------------------------------------------------
/// One performance with a name of its own.
struct SinglePerformance {
    std::string id;
    int in_days = 0;                   ///< so many days from today, or
    int next_month = 0, next_day = 0;  ///< the next such date; neither: undated
    int minutes = 0;                   ///< since midnight, local
    std::string name;
};
/// The same times on every day of a moving window. Their ids belong to the date.
struct DailyPerformances {
    struct Slot {
        int minutes = 0;
        std::string name;
    };
    int days = 0;  ///< from tomorrow on
    std::vector<Slot> slots;
};
struct Schedule {
    std::vector<SinglePerformance> singles;
    std::optional<DailyPerformances> daily;
    int open_days = 0;    ///< an undated performance is good on so many days from tomorrow on
    Weekdays closed = 0;  ///< but not on these
};

// ---- peculiarities ------------------------------------------------------------------------------------
enum class LeavingSingles { always, never, if_necessary };
enum class DiscountRule {
    default_only,  ///< asked-for discounts are ignored
    blanket,       ///< one discount for all tickets of an order
    mixed          ///< each ticket its own
};
struct Rules {
    bool seat_selection = false;
    bool contiguous = false;  ///< chosen seats must be side by side
    LeavingSingles leaving_singles = LeavingSingles::always;
    DiscountRule discounts = DiscountRule::mixed;
    int different_discounts_max = 0;  ///< 0: any number in one order
    std::string failing_seat;         ///< a reservation that asks for it fails
    std::string vanishing_seat;       ///< a reservation that asks for it gets other seats of its block
    Weekdays refused_weekdays = 0;    ///< reservations fail
    bool barcodes = false;            ///< each seat has one, once it is bought
    Weekdays sold_out_weekdays = 0;   ///< no availability, from
    int sold_out_from_minutes = 0;
    std::string undiscounted_ticket_type;         ///< has no discounts on
    unsigned undiscounted_day = 0;                ///< this day of a month
    Weekdays restricted_weekdays = 0;             ///< on these days
    std::vector<std::size_t> restricted_tickets;  ///< the first ticket is 1: have a restricted view
};

// ---- what an event has to say -------------------------------------------------------------------------
struct Review {
    std::string title, body, author, at, url, language;
    int stars = 0;
    bool by_user = false;
};
struct MediaAsset {
    std::string name, url, caption;
};
struct Video {
    std::string url, caption;
    int width = 0, height = 0;
};
struct Content {
    std::string key, name, text;  ///< "important_notice", "Important notice", ...
};

struct Event {
    std::string id, description, source;
    Currency currency;
    City city;
    std::string venue;
    double latitude = 0, longitude = 0;
    bool dead = false, is_add_on = false, is_seated = false;
    bool needs_performance = false, needs_departure_date = false, needs_duration = false;
    std::string search_text;  ///< folded (fold.hpp)
    int running_time = 0;     ///< minutes; 0 unknown
    int critic_percent = -1;  ///< -1: no critic said anything
    int popularity = 0;       ///< sales of the last 48 hours
    std::string first_seen;   ///< "2016-03-01"
    int last_sale_minutes = 0;
    std::vector<std::string> send_codes;  ///< the first is the default
    std::vector<std::int64_t> quantities;
    bool cancellable = false;
    int commission_percent = 0;  ///< of the seat price
    Schedule schedule;
    Rules rules;
    std::vector<TicketType> ticket_types;
    std::vector<std::string> upsells, add_ons;  ///< event ids
    std::vector<std::string> info;              ///< paragraphs
    std::string address, venue_info;
    std::vector<Content> contents;
    std::vector<MediaAsset> media;
    std::optional<Video> video;
    std::vector<Review> reviews;
    /// What F13 always prints of it: names and JSON values.
    std::map<std::string, std::string> members;

    [[nodiscard]] const TicketType* ticket_type(std::string_view code) const;
    /// `code` without its "/pool".
    [[nodiscard]] const PriceBand* price_band(std::string_view ticket_type_code, std::string_view code) const;
    [[nodiscard]] bool sends_by(std::string_view send_code) const;
    [[nodiscard]] std::int64_t quantity_max() const;
};

struct Catalogue {
    api::f13::Countries countries;
    std::map<std::string, City, std::less<>> cities;
    std::map<std::string, SendMethod, std::less<>> send_methods;
    std::map<std::string, std::string, std::less<>> sources;  ///< code -> description
    std::vector<Event> events;                                ///< by description, then id
    [[nodiscard]] const Event* event(std::string_view id) const;
    [[nodiscard]] const SendMethod* send_method(std::string_view code) const;
};

struct CatalogueFile {
    std::string_view name;  ///< "london.json"
    std::string_view text;
};
/// Reads and checks everything. Error: bad_request whose field is the place:
/// "london.json: 6IF.ticket_types[1].price_bands[0].prices[2]".
Result<Catalogue> read_catalogue(std::span<const CatalogueFile> files);
/// catalogue/*.json as they were built in.
std::span<const CatalogueFile> catalogue_files();
/// What they say. Throws std::logic_error naming the place when they are wrong: they are our own.
const Catalogue& demo_catalogue();

}  // namespace kassi::sandbox::box_office
