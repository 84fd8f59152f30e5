#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/decide.hpp"

namespace kassi::core {

/// Why a transaction is as it is, in plain words for the person on the phone to a customer.
struct Explanation {
    std::string summary;                 ///< one sentence
    std::vector<std::string> because;    ///< one sentence a leg that matters
    std::vector<std::string> waits_for;  ///< empty: for nothing
    std::string next;                    ///< what happens next, by itself
    std::optional<Instant> next_at;
    bool needs_person = false;
    std::string person_should;  ///< what the person can do
};
Explanation explain(const Transaction& transaction, Instant now, const Terms& terms);

/// One event as a sentence: "The customer was sent to http://... to pay £110.00".
std::string sentence(const Event& event, const Transaction& after);

}  // namespace kassi::core
