#pragma once

#include <string>

#include "core/step.hpp"
#include "providers/stripe/account.hpp"

/// The requests to Stripe, as data (reference/stripe.md section 3): form bodies, an Idempotency-Key with
/// every POST.
namespace kassi::providers::stripe {

/// Kind of the PaymentIntent's id among a leg's references.
inline constexpr std::string_view intent_kind = "intent";
/// The same of an intent that was seen cancelled, which it stays: cancelling it again would be an error.
inline constexpr std::string_view cancelled_kind = "cancelled_intent";
/// Metadata of everything that we make there.
inline constexpr std::string_view reference_name = "kassi_reference";

/// Creates and confirms the PaymentIntent with the leg's credential, held and not taken.
core::Step create(const core::Scene& scene, const Account& account);
core::Step capture(const core::Scene& scene);
core::Step cancel(const core::Scene& scene);
/// `saved`: kept with the call, for its answer.
core::Step cancel(const core::Scene& scene, const std::string& intent, std::string saved);
core::Step refund(const core::Scene& scene);
/// By its id, or by the list of those made since the purchase when the id was never heard.
core::Step look_up(const core::Scene& scene);
core::Step look_up(const core::Scene& scene, const std::string& intent);
/// The page of the list behind `after` ("" the first), newest first.
core::Step list(const core::Scene& scene, const std::string& after, int page);

}  // namespace kassi::providers::stripe
