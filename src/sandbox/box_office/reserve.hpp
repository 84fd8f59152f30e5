#pragma once

#include <set>
#include <vector>

#include "engine/engine.hpp"
#include "sandbox/box_office/print.hpp"
#include "sandbox/box_office/trolley.hpp"

/// From a trolley to what is handed over for payment. Pure.
namespace kassi::sandbox::box_office {

/// Bundles by source, each sent in one way; prices, and no seats yet.
std::vector<TrolleyBundle> priced_bundles(const Catalogue& catalogue, const Trolley& trolley, Instant now);
std::vector<OrderText> discarded_orders(const Catalogue& catalogue, const Change& change, Instant now);

/// What the backends gave.
struct Reserved {
    std::vector<TrolleyBundle> bundles;  ///< with seats; empty when nothing was reserved
    std::vector<OrderText> unreserved;
    std::set<std::int64_t> cancellable;  ///< items
};
Reserved reserve(const Catalogue& catalogue, const Trolley& trolley, Instant now);

/// What can be printed at home: the address of the voucher (on the shop at `public_url`), and barcodes for
/// the seats of events that have them.
void make_printable(const Catalogue& catalogue, const Trolley& trolley, Instant now,
                    std::string_view public_url, Randomness& randomness, Reserved& reserved);

/// The document of the hand-over (src/api/f13/README.md).
api::f13::Document document_of(const Catalogue& catalogue, const Reserved& reserved,
                               const engine::Caller& caller);
/// As they are handed over; `description` of a source.
std::vector<core::Bundle> core_bundles(const Reserved& reserved,
                                       const std::function<std::string(const TrolleyBundle&)>& description);

}  // namespace kassi::sandbox::box_office
