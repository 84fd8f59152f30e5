#pragma once

#include <optional>

#include "core/step.hpp"
#include "providers/credentials/network_token.hpp"
#include "providers/flow.hpp"

/// Paying from a wallet, for flows whose provider takes a wallet's number and cryptogram: one credential for
/// all of them, whether Kassi opens the wallet's token or the caller did.
namespace kassi::providers::wallet {

/// Under which a page brings an Apple Pay token, and F13's callbacks spell it:
/// "ext_test1_callback/applePayToken".
inline constexpr std::string_view token_field = "applePayToken";

/// Adds the kinds that the merchant takes: apple_pay where it has a shop, network_token where
/// `opened_tokens`.
void add_kinds(core::Facts& facts, const Merchant& merchant, bool opened_tokens);
/// A kind of ours; whether the merchant takes it is in its facts.
bool is_ours(const core::Credential& credential);
/// See core::Flows::admit. An Apple Pay token is verified, at `now`, and spends its transaction id; what was
/// opened elsewhere spends its cryptogram. Both everywhere.
Result<core::Admission> admit(const core::Credential& credential, const Merchant& merchant, Instant now);
/// Amount, currency and transaction of an admitted Apple Pay token. Error: bad_request naming "apple_pay".
std::optional<Error> misfit(const core::Credential& credential, const core::Transaction& transaction,
                            const core::Leg& leg, const Merchant& merchant);
/// Of a credential that was admitted; an error when it is not there any more.
Result<network_token::NetworkToken> card_of(const core::Credential& credential, const Merchant& merchant,
                                            Instant now);
/// What the browser brought from a page with Apple Pay's button; nullopt nothing of the kind. The same twice
/// is once; two that differ are none, and refused as such.
std::optional<core::Credential> brought(const Fields& fields);

}  // namespace kassi::providers::wallet
