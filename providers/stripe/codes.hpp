#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/transaction.hpp"

/// What Stripe's words for a refusal mean to us (reference/stripe.md section 4).
namespace kassi::providers::stripe {

/// A failed authentication, in F13's word for it.
core::Refusal authentication_failed();
/// Of an `error` or a `last_payment_error`. The texts are ours: Stripe's may say more than a shopper should
/// hear.
core::Refusal refusal_of(const nlohmann::json& error);
/// "card_declined insufficient_funds", for the journal.
std::string words_of(const nlohmann::json& error);
/// A code as it may be kept and shown: "" for anything that is not one.
std::string plain_code(std::string_view text);

}  // namespace kassi::providers::stripe
