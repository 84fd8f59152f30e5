#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/services/types.hpp"
#include "base/money.hpp"
#include "providers/borgun/services.hpp"
#include "providers/credentials/card.hpp"

/// Whether a request to /borgunServices/... makes sense, and what it asks of the gateway (pure). Refusals:
/// bad_request with a fault for everything that is wrong, by its path ("request.cardDetails.token"); none
/// repeats a value.
namespace kassi::api::ticket_order::services {

inline constexpr std::int64_t token_seconds_max = 24L * 3600;  ///< tokenLifetime
inline constexpr std::size_t payload_bytes_max = 1000;         ///< metadata.payload
inline constexpr std::size_t md_bytes_max = 1000;
inline constexpr std::size_t description_bytes_max = 120;  ///< the gateway's own

/// Where the members of a card stand in a request.
struct CardPaths {
    std::string pan, exp_month, exp_year, cvc;
};
/// A card as four texts; month "9" or "09", year "27" or "2027". Faults go to `faults`, and the card is to be
/// used only without. What is missing is a fault, but for the security code (`rules` says).
providers::card::Card read_card(const Secret<>& pan, const Secret<>& exp_month, const Secret<>& exp_year,
                                const Secret<>& cvc, const CardPaths& paths,
                                const providers::card::Rules& rules, Instant now, Faults& faults);

struct TokenWish {
    providers::card::Card card;
    std::int64_t seconds = 0;
    providers::borgun::services::TokenExtras extras;
};
Outcome<TokenWish> check_token(const Wrapped<TokenWanted>& wrapped, bool multi,
                               const providers::card::Rules& rules, Instant now);

/// What a merchant allows in an enrollment.
struct EnrollmentRules {
    std::vector<std::string> currencies;  ///< alphabetic
    bool https_only = false;
};
struct EnrollmentWish {
    Money amount;
    providers::borgun::services::Enrollment request;
};
/// purchAmount with its exponent: that of ISO 4217 where none is given, and that one only, but ISK with 0
/// or 2. cardDetails must be a token: only tokens pay at the end, and an authentication counts for its card
/// token.
Outcome<EnrollmentWish> check_enrollment(const Wrapped<EnrollmentWanted>& wrapped,
                                         const EnrollmentRules& rules);

struct VerificationWish {
    std::string pares, cres, md;  ///< one of the first two
    std::string mpi_token;        ///< "" not given
};
Outcome<VerificationWish> check_verification(const Wrapped<VerificationWanted>& wrapped);

struct FinalWish {
    std::string token, mpi_token, order_id;
    std::int64_t amount = 0;  ///< two extra digits, JPY none
    std::string currency;     ///< "352"; "" the order's own
    std::string type = "Sale";
};
Outcome<FinalWish> check_final(const Wrapped<BorgunFinal>& wrapped);
Outcome<FinalWish> check_short_final(const Wrapped<ShortFinal>& wrapped);
/// The value of a "borgun_final" credential: with the gateway's own MPI token, and the order's currency.
std::string final_credential(const FinalWish& wish, const std::string& bare_mpi_token,
                             const std::string& currency);

}  // namespace kassi::api::ticket_order::services
