#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/step.hpp"
#include "providers/borgun/account.hpp"

/// What the customer pays with, besides a card: a token that his app or page made, or that and an
/// authentication that the client went through by itself.
namespace kassi::providers::borgun {

/// "ts_" or "tm_" and 8 to 64 letters, digits, '-' and '_'.
bool is_token(std::string_view text);
/// A single-use token: spent by one payment.
bool is_single(std::string_view token);

/// {"token","mpiToken","amount","currency","orderId","transactionType"}: as Borgun3DFinalRequest says it.
struct Final {
    std::string token, mpi_token;
    std::int64_t amount = 0;  ///< with two extra digits, JPY none
    std::string currency;     ///< "352"
    std::string order;
};

/// The token of a credential of any kind that has one; "" otherwise.
std::string token_of(const core::Credential& credential);
/// Error: bad_request naming the member.
Result<Final> read_final(const std::string& value);
/// Amount, currency and order as they were handed over; nullopt when all is well. Error: bad_request naming
/// the member.
std::optional<Error> compare(const Final& said, const core::Transaction& transaction, const Money& amount);

/// Checks the form; what can be spent once is returned. See core::Flows::admit.
Result<core::Admission> admit(const core::Credential& credential, const Account& account,
                              const Merchant& merchant, Instant now);

}  // namespace kassi::providers::borgun
