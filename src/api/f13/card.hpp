#pragma once

#include <optional>
#include <string>

#include "base/encoding.hpp"
#include "base/http_message.hpp"
#include "core/transaction.hpp"

/// CardDetails of purchase.v1 (f13.md section 2; pure).
namespace kassi::api::f13 {

/// The card as the flows read it (providers/credentials/card.hpp), from card_number, expiry_date, start_date,
/// cv_two, issue_number and billing_...; nullopt when the call has none of the first five. What stands in
/// `fields` is overwritten: nobody else needs it.
std::optional<core::Credential> take_card(Fields& fields);

/// F13's name for a member of a card in an error's field ("credential.card.expiry"): "expiry_date"; "" when
/// the field is about no card.
std::string card_parameter(std::string_view field);

/// A card that is not plausible, or of no kind that is accepted: 460 with an error_code of 3000 to 3008 of
/// its own. Nullopt for any other error.
std::optional<HttpResponse> card_response(const Error& error);

}  // namespace kassi::api::f13
