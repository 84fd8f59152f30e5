#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "core/transaction.hpp"

/// The card that a customer types into the shop's form: how it is read, and what a page says of it. A page
/// never repeats what was typed. Pure.
namespace kassi::sandbox::shop {

/// "04 / 19", "4/2019", "0419" -> "0419"; what is no month and year comes back as it is, cut to a few bytes,
/// and is found wrong by whoever reads the card.
std::string card_month(std::string_view typed);

/// The card as the flows read it (providers/credentials/card.hpp), from "card_number", "card_expiry",
/// "card_cvc"; nullopt when the form has none of the three. Their values are overwritten and they leave
/// `fields`, so that what is kept of a form has no card.
std::optional<core::Credential> take_card(Fields& fields);

/// What is wrong with a card, and at which field of the form it is said.
struct CardFault {
    std::string member;  ///< "number" | "expiry" | "cvc"; "" none of the form's
    std::string text;    ///< a sentence
};
/// Nullopt for an error that is not about the card.
std::optional<CardFault> card_fault(const Error& error);

/// A card of the sandbox's gateway that may be typed in.
struct SampleCard {
    std::string_view key;     ///< "frictionless", for addresses
    std::string_view number;  ///< in groups: "5455 3302 0000 0016"
    std::string_view expiry;  ///< "04 / 19"; "" any that is not over
    std::string_view about;   ///< what happens with it
};
std::span<const SampleCard> sample_cards();
/// Nullptr for an unknown key.
const SampleCard* find_sample(std::string_view key);

/// The card's part of the page: the samples, each with its address (`self` and the sample's key), the fields
/// filled from a sample (nullptr: empty), and the fault at its field or as the page's notice.
void add_card(nlohmann::json& content, const std::string& self, const SampleCard* sample,
              const std::optional<CardFault>& fault, Instant now);

}  // namespace kassi::sandbox::shop
