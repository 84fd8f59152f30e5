#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/step.hpp"
#include "providers/credentials/card.hpp"

/// Requests and answers of gateway and MPI for a client that walks to a payment by itself
/// (reference/borgun.md sections 4 to 7): no leg, no transaction, and no money in any of them. Pure; wire.hpp
/// does the reading.
namespace kassi::providers::borgun::services {

struct Verification {
    std::optional<std::int64_t> amount;  ///< as the gateway counts: two extra digits, JPY none; 0 is lawful
    std::string currency;                ///< "352"; "" the contract's own
    Secret<> cvc;
};
struct TokenExtras {
    std::optional<Verification> verification;
    std::string payload;  ///< Metadata.Payload; "" none
};

// ---- requests ------------------------------------------------------------------------------------------
/// A single-use token for `seconds`. The security code goes under the name that the gateway's own library
/// gives it; VerifyCard goes along, though it is said not to work here.
core::Request single_token(const card::Card& card, std::int64_t seconds, const TokenExtras& extras);
core::Request multi_token(const card::Card& card, const TokenExtras& extras);
/// In exchange for a single-use token, which is spent by it.
core::Request exchange(const std::string& single, const TokenExtras& extras);

struct Enrollment {
    std::string token;  ///< "ts_..." or "tm_..."
    std::int64_t amount = 0;
    int exponent = 0;
    std::string currency;  ///< "352"
    std::string term_url, md, description;
};
core::Request enrollment(const Enrollment& enrollment);
/// After an MdStatus 50, where nobody runs the 3DS Method.
core::Request enrollment_without_method(const std::string& xid, const std::string& tx_id);
/// One of `pares` and `cres`, as it came; `md` "" leaves it out.
core::Request validation(const std::string& pares, const std::string& cres, const std::string& md);
core::Request payment(const std::string& id);

// ---- answers -------------------------------------------------------------------------------------------
/// Texts of the gateway's are cut to what may be shown: printable, no card number.
struct Token {
    std::string token, virtual_number, masked_number, expiry_year, expiry_month, payload, location;
    bool enabled = false;
    std::string verified_by, action_code;  ///< VerifyCardResult; "" none
    /// There was no verification, or the card's bank agreed.
    [[nodiscard]] bool is_good() const { return action_code.empty() || action_code == "000"; }
};
/// Nullopt: it was refused, or is not understood.
std::optional<Token> read_token(const HttpResponse& response);

struct Enrolled {
    std::int64_t result = 0;
    std::optional<int> md_status;  ///< nullopt: not understood
    std::string message_id, enrollment_status, message, form, md, mpi_token, xid, tx_id;
    std::vector<std::pair<std::string, std::string>> redirect;  ///< RedirectToACSData, in its order
};
inline constexpr std::size_t redirect_fields_max = 30;
std::optional<Enrolled> read_enrolled(const HttpResponse& response);

struct Validated {
    std::optional<int> md_status;
    std::string xid, message, enrollment_status, authentication_status, eci, cavv, cavv_algorithm,
        pares_verified, pares_syntax_ok;
};
std::optional<Validated> read_validated(const HttpResponse& response);

/// What a payment's own look-up tells beyond the money.
struct PaymentDetails {
    std::string id, type, currency, date, auth_code, action_code, status, payment_type, masked_number, token,
        card_type, is_debit, security_level, xid, life_cycle;
    std::int64_t amount = 0;
};
std::optional<PaymentDetails> read_details(const HttpResponse& response);

/// A refusal names this field of ours: "PAN", "CardDetails.Token". The name may stand alone or behind a dot.
bool refuses(const HttpResponse& response, std::string_view field);

}  // namespace kassi::providers::borgun::services
