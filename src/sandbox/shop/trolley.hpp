#pragma once

#include <string>
#include <vector>

#include "core/transaction.hpp"
#include "sandbox/box_office/reserve.hpp"

/// What a visitor of the demo shop wants. The trolley is the box office's own, and lives in its token. Pure.
namespace kassi::sandbox::shop {

/// The quick way: a performance of the guide in its first price band.
struct Offer {
    std::string performance;  ///< "7AB-4"; the name of the form's field
    std::string source, source_name;
    std::string title, venue;
    std::string when;    ///< "Fri, 1st January 2027, 3.30 PM"; "" undated
    std::string ticket;  ///< "Stalls"
    std::string ticket_type, price_band;
    Money price;  ///< of one ticket, surcharge and all
    std::vector<std::int64_t> quantities;
};
/// The four performances of the guide.
std::vector<Offer> offers(const box_office::Catalogue& catalogue, Instant now);

inline constexpr int hold_minutes_choices[] = {5, 15, 30, 120};
inline constexpr int hold_minutes_default = 30;

/// What the visitor chose.
struct Wish {
    box_office::Trolley trolley;
    std::string way;                               ///< an account; "" not chosen yet
    std::map<std::string, std::string> merchants;  ///< source -> merchant; absent: the account's default
    int hold_minutes = hold_minutes_default;
};
/// What forms are read with.
struct Reading {
    const box_office::Catalogue& catalogue;
    const Secret<>& token_key;
    Instant now;
};
/// The token in "trolley", and the quick form's fields. Errors: bad_request naming the form's field ("7AB-4",
/// "trolley", "hold"). An empty trolley is none here.
Result<Wish> read_wish(const Fields& fields, const Reading& reading);

/// The trolley with what the form of a performance adds: "perf", "seat" ("CIRCLE/B/G7", once for each),
/// "n.TYPE.BAND.DISCOUNT" (how many), "day" (2027-01-31), "nights". Error: bad_request, fit for the visitor.
Result<box_office::Trolley> add_tickets(const box_office::Trolley& trolley, const Fields& fields,
                                        const Reading& reading);
/// The trolley without an item, or with another way of sending: "remove", "send.SOURCE".
box_office::Trolley changed(box_office::Trolley trolley, const Fields& fields, const Reading& reading);

/// "2 × Toy Story - The Opera, 1 × V&A Memberships"
std::string description_of(const box_office::TrolleyBundle& bundle);
/// "£110.00 + €245.50": one sum a currency.
std::string total_of(const std::vector<box_office::TrolleyBundle>& bundles);
std::int64_t cost_of(const box_office::TrolleyBundle& bundle);

}  // namespace kassi::sandbox::shop
