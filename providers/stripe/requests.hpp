#pragma once

#include <string>

#include "core/step.hpp"
#include "providers/credentials/network_token.hpp"
#include "providers/stripe/account.hpp"

/// The requests to Stripe, as data (reference/stripe.md section 3): form bodies, an Idempotency-Key with
/// every POST.
namespace kassi::providers::stripe {

inline constexpr int list_pages_max = 100;

/// Kind of the PaymentIntent's id among a leg's references.
inline constexpr std::string_view intent_kind = "intent";
/// Metadata of everything that we make there.
inline constexpr std::string_view reference_name = "kassi_reference";

/// Creates and confirms the PaymentIntent with the leg's credential, held and not taken.
core::Step create(const core::Scene& scene, const Account& account);
/// The same with a device's number and the wallet's cryptogram. They live in memory only, so that the request
/// cannot be sent again, whatever the key: it is looked up.
core::Step create(const core::Scene& scene, const Account& account, const network_token::NetworkToken& card);
core::Step capture(const core::Scene& scene);
core::Step cancel(const core::Scene& scene);
/// `saved`: kept with the call, for its answer.
core::Step cancel(const core::Scene& scene, const std::string& intent, std::string saved);
core::Step refund(const core::Scene& scene);
/// By its id, or by the list of those made since the purchase when the id was never heard.
core::Step look_up(const core::Scene& scene);
core::Step look_up(const core::Scene& scene, const std::string& intent);
/// The page of the list behind `after` ("" the first), newest first. `sent`: when the request that made what
/// is looked for was sent last, where nobody knows whether it was done.
struct Listing {
    std::string after;
    int page = 1;
    Instant sent{};
};
core::Step list(const core::Scene& scene, const Listing& what);
/// What the call of such a page kept; nullopt when it kept nothing.
std::optional<Listing> listing_of(const core::Scene& scene);

}  // namespace kassi::providers::stripe
