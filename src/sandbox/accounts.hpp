#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "engine/directory.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "sandbox/simulators/stripe_house.hpp"

/// Who lives in the sandbox: accounts, merchants and sources. Keys follow from the sandbox's own, so that a
/// restart on the same data directory knows them again and another sandbox is refused.
namespace kassi::sandbox {

inline constexpr std::string_view demo_system = "box-office";

/// Passwords of the demo accounts are public; this is where they are.
struct Account {
    std::string_view name;
    std::string_view password;
    std::string_view about;  ///< a few words for people
};
const std::vector<Account>& demo_accounts();

/// Nobody listens there: a command without a server must not ask the simulators of another sandbox.
inline constexpr std::string_view nobody_there = "http://127.0.0.1:1";

/// The box office's key for /v1.
std::string demo_v1_key(const Secret<>& master_key);
/// Takes about 0.1 s: passwords are hashed as everywhere.
/// `apple_pay`: the shop of stripe-demo and borgun-token; nullptr: none, and demo-apple-pay pays by card.
engine::Directory demo_directory(
    const Secret<>& master_key, std::string_view simulators, Randomness& randomness,
    const std::shared_ptr<const providers::apple_pay::Shop>& apple_pay = nullptr);
/// The same merchants as the simulator sees them.
RedirectHouse::Options demo_houses(const Secret<>& master_key, std::string_view simulators);

// ---- TicketOrder

/// An account of that door, which no box office sells to.
bool is_ticket_order_account(std::string_view account);
/// The key of an account of that door, as bearer token; "" for one that has none.
std::string ticket_order_key(const Secret<>& master_key, std::string_view account);
/// With which it signs, as the system of its own name; "" likewise.
std::string ticket_order_secret(const Secret<>& master_key, std::string_view account);

// ---- Stripe: both sides of the street derive the same words

inline constexpr std::string_view stripe_merchant = "stripe-demo";
/// Of the guide's front end.
inline constexpr std::string_view stripe_publishable_key = "pk_test_b7N9DOwbo4B9t6EqCf9jFzfa";
/// "sk_test_" and 32 letters and digits.
std::string stripe_secret_key(const Secret<>& master_key);
/// "whsec_" and 32 letters and digits.
std::string stripe_webhook_secret(const Secret<>& master_key);
/// One account, with the tokens of the guide; `kassi` is where its webhooks go: "http://127.0.0.1:8080".
StripeHouse::Options demo_stripe_accounts(const Secret<>& master_key, std::string_view simulators,
                                          std::string_view kassi);

// ---- Borgun

/// Of the account demo-creditcard: cards, as the guide pays with them.
inline constexpr std::string_view borgun_card_merchant = "borgun-card";
/// Of the account demo-borgun: tokens that the customer's browser makes.
inline constexpr std::string_view borgun_token_merchant = "borgun-token";
/// Of the accounts of the TicketOrder door: cards that its clients send, and tokens that their apps make.
inline constexpr std::string_view borgun_app_merchant = "borgun-app";
/// "100001_pr" and 32 letters and digits; `merchant` is one of the three.
std::string borgun_private_key(const Secret<>& master_key, std::string_view merchant);
/// "100001_pu" and the same; it may be seen.
std::string borgun_public_key(const Secret<>& master_key, std::string_view merchant);
/// Of the account demo-securepay: Borgun's hosted page. Its number is on every page.
inline constexpr std::string_view securepay_merchant = "securepay-demo";
inline constexpr std::string_view securepay_id = "9275444", securepay_gateway = "16";
/// 32 letters and digits.
std::string securepay_secret(const Secret<>& master_key);
/// All four, as the house knows them; `kassi` as above.
BorgunHouse::Options demo_borgun_merchants(const Secret<>& master_key, std::string_view simulators,
                                           std::string_view kassi);

}  // namespace kassi::sandbox
