#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"

namespace kassi::sandbox::stripe {

/// One movement of money. held = taken + hold_gone + what is still held, for every intent that was held.
struct LedgerEntry {
    Instant at{};
    std::string merchant;
    std::string intent;      ///< "pi_..."; of a charge without one "ch_..."
    std::string reference;   ///< metadata[kassi_reference], "" none
    std::string kind;        ///< "held" "hold_gone" "taken" "given_back"
    std::int64_t minor = 0;  ///< Stripe's own unit of the currency
    std::string currency;    ///< upper case
};

}  // namespace kassi::sandbox::stripe
