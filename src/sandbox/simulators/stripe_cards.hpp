#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "sandbox/simulators/stripe_form.hpp"

/// The cards of test mode: what each of them does, and by which names it is known.
namespace kassi::sandbox::stripe {

inline constexpr std::size_t holder_bytes_max = 100;
inline constexpr std::size_t postal_code_bytes_max = 20;

/// How a charge is declined.
struct Decline {
    std::string_view code;
    std::string_view decline_code;  ///< "" none
    std::string_view param;
    std::string_view message;
    std::string_view advice_code;
    std::string_view network_decline_code;
};

/// Nobody was there to answer the bank.
extern const Decline authentication_required;
/// 402, as a card_error.
Refusal refusal_of(const Decline& decline);

enum class ThreeDSecure {
    none,           ///< never asks, unless the merchant does
    required,       ///< on session; off session it is declined
    set_up,         ///< asks on session, not off session
    lookup_fails,   ///< the card is enrolled, and the issuer's directory is out of order
    not_supported,  ///< never asks, whatever the merchant wants
};

enum class Refunding { succeeds, pending_first, pending_then_fails, fails_later };

struct TestCard {
    std::string_view name;  ///< tok_<name>, pm_card_<name>; how it is kept
    std::string_view number;
    std::string_view brand;
    std::string_view funding = "credit";
    const Decline* decline = nullptr;  ///< after 3-D Secure, where that is asked for
    ThreeDSecure secure = ThreeDSecure::none;
    bool blocked = false;  ///< by Radar: the network never hears of it
    bool elevated_risk = false;
    bool zip_fails = false;
    std::string_view dispute = {};  ///< reason; "" none
    bool inquiry = false;
    Refunding refunding = Refunding::succeeds;

    [[nodiscard]] std::string_view last4() const { return number.substr(number.size() - 4); }
};

/// Nullptr when it is none of them.
const TestCard* card_named(std::string_view name);
const TestCard* card_numbered(std::string_view digits);
/// "tok_visa", "tok_chargeDeclined" and "tok_visa_chargeDeclined" alike.
const TestCard* card_by_token(std::string_view token);
/// "pm_card_visa", and the same two spellings.
const TestCard* card_by_method(std::string_view method);

/// A card as it is kept: which test card, never its number.
struct Card {
    std::string name = "visa";  ///< of the TestCard
    int exp_month = 12;
    int exp_year = 2034;
    std::string holder;       ///< "" not given
    std::string postal_code;  ///< "" not given
    [[nodiscard]] const TestCard& facts() const;
    [[nodiscard]] std::string fingerprint() const;  ///< 16 characters, the same for the same card
};

/// What a form says under `prefix` ("card", "payment_method_data[card]"): number, exp_month, exp_year, cvc,
/// name, address_zip. Nullopt when something is wrong, which form.wrong() says then, as a card_error where
/// Stripe has one. The number leaves no trace.
std::optional<Card> read_card(Form& form, const std::string& prefix, Instant now);
/// payment_method_data[card][network_token] with its cryptogram among the options, likewise.
std::optional<Card> read_network_token(Form& form, Instant now);

}  // namespace kassi::sandbox::stripe
