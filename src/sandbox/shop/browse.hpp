#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sandbox/box_office/reserve.hpp"
#include "sandbox/shop/trolley.hpp"

/// What the pages say on which somebody browses events, picks seats and looks at a trolley: JSON for the
/// templates events.html, event.html, tickets.html and basket.html. `token` is the trolley's, "" for none
/// yet; links carry it on. Pure.
namespace kassi::sandbox::shop {

inline constexpr std::int64_t events_on_page = 10;
inline constexpr std::int64_t performances_on_page = 24;

/// Errors: bad_request naming the form's field.
Result<nlohmann::json> events_content(const Reading& reading, const Fields& fields, const std::string& token);
Result<nlohmann::json> event_content(const Reading& reading, const box_office::Event& event,
                                     const Fields& fields, const std::string& token);
nlohmann::json tickets_content(const Reading& reading, const box_office::Found& found,
                               const std::string& token);
nlohmann::json basket_content(const Reading& reading, const box_office::Trolley& trolley);

/// voucher.html: what of a bought transaction is printed at home. `document` is that of its hand-over.
nlohmann::json voucher_content(const core::Transaction& transaction, std::string_view document);
/// What the record itself says was bought, where who bought it and the tickets were forgotten, or never told.
nlohmann::json bought_content(const core::Transaction& transaction);

/// The orders of a bundle as the pages list them.
nlohmann::json orders_content(const box_office::TrolleyBundle& bundle);

}  // namespace kassi::sandbox::shop
