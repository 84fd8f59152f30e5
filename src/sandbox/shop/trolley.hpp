#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/transaction.hpp"
#include "sandbox/box_office/catalogue.hpp"

/// What the demo shop sells, what a visitor wants of it, and how it may be paid. Pure.
namespace kassi::sandbox::shop {

struct Offer {
    std::string performance;  ///< "7AB-4"; the name of the form's field
    std::string source, source_name;
    std::string title, venue;
    std::string when;    ///< "Fri, 1st January 2027, 3.30 PM"; "" undated
    std::string ticket;  ///< "Stalls"
    Money price;         ///< of one ticket, surcharge and all
    std::vector<std::int64_t> quantities;
    bool cancellable = false;
};
/// The four performances of the guide, in the first price band of each.
std::vector<Offer> offers(const box_office::Catalogue& catalogue, Instant now);

/// A way of paying is an account: what it may pay with, and what was agreed with it.
struct Way {
    std::string_view key;  ///< "credit"
    std::string_view title;
    std::string_view about;
    std::string_view caller;  ///< of accounts.hpp
    bool odd = false;         ///< shown below the others
};
const std::vector<Way>& ways();
/// Nullptr for an unknown key.
const Way* find_way(std::string_view key);

inline constexpr int hold_minutes_choices[] = {5, 15, 30, 120};
inline constexpr int hold_minutes_default = 30;

/// What the visitor chose.
struct Wish {
    std::map<std::string, std::int64_t> tickets;  ///< performance -> how many, at least 1
    std::string way = "get";
    int hold_minutes = hold_minutes_default;
};
/// Errors: bad_request naming the form's field ("7AB-4", "way", "hold"). An empty trolley is none here.
Result<Wish> read_wish(const Fields& fields, const std::vector<Offer>& offers);

/// A bundle for each source that sells something of it, sorted by source.
std::vector<core::Bundle> bundles(const Wish& wish, const std::vector<Offer>& offers);
/// What the bundles cost together; all of the shop's prices are in one currency.
Money total(const std::vector<core::Bundle>& bundles);

}  // namespace kassi::sandbox::shop
