#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "sandbox/street.hpp"

/// What the shop's pages say about a transaction: JSON for the templates list.html and story.html. Pure.
namespace kassi::sandbox::shop {

/// A transaction in a few words: "Paid", good; "At the payment page", waiting.
struct Status {
    std::string text;
    std::string mood;  ///< good bad waiting calm: a class of shop.css
};
Status status_of(const core::Transaction& transaction);
std::string total_of(const core::Transaction& transaction);

/// One line of the list.
nlohmann::json line_of(const core::Transaction& transaction);

/// Everything that the story is told from.
struct Told {
    const engine::View& view;
    const core::Explanation& explanation;
    const std::vector<store::StoredRow>& journal;
    const std::vector<Movement>& house;   ///< what the simulators' ledgers have on its legs
    std::vector<std::string> other_ways;  ///< merchants that another try may name
    Instant now;
    std::string public_url;
    std::string data;  ///< --data of the operator's commands
};
nlohmann::json story_of(const Told& told);

/// By what the simulators know the legs of a transaction that left the house: our references, and their ids.
std::vector<std::string> references_of(const core::Transaction& transaction);

/// A refused transaction waits for another try of its customer.
bool waits_for_another_try(const core::Transaction& transaction);

}  // namespace kassi::sandbox::shop
