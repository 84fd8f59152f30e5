#include "sandbox/accounts.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "base/crypto.hpp"
#include "sandbox/box_office/catalogue.hpp"
#include "sandbox/football.hpp"

namespace kassi::sandbox {
namespace {

constexpr std::string_view demo_password = "demopass";
/// The guide's tokens, which it uses on every run.
constexpr std::string_view guide_tokens[] = {"tok_1ADFKNHIklODsaxB3LZqzvpX", "tok_1ADFKgHIklODsaxBUr5gE6ca"};
constexpr std::string_view statement_descriptor = "Test Stripe Account";
constexpr std::string_view page_path = "/tickets/dummy_redirect.buy/";

/// The redirect merchants, once for both sides of the street.
struct RedirectMerchant {
    std::string_view name;
    std::string_view user;  ///< of the payment page's address
    std::string_view callout_type = "get";
    bool can_be_asked = true;
    bool notifies = true;
};
constexpr RedirectMerchant redirect_merchants[] = {
    {.name = "redirect-demo", .user = "demo-redirect"},
    {.name = "redirect-demo-post", .user = "demo-redirect-post", .callout_type = "post"},
    {.name = "redirect-quiet", .user = "demo-quiet", .notifies = false},
    {.name = "redirect-silent", .user = "demo-silent", .can_be_asked = false, .notifies = false},
};

/// A word that only those can know who have this sandbox's key.
std::string derived_word(const Secret<>& master_key, std::string_view prefix, std::string_view purpose) {
    const auto digest = crypto::hmac_sha256(master_key.reveal(), "kassi sandbox 1 " + std::string(purpose));
    return std::string(prefix) + encoding::base64url(crypto::to_bytes(digest)).substr(0, 32);
}
/// The same of letters and digits only.
std::string derived_plain_word(const Secret<>& master_key, std::string_view prefix,
                               std::string_view purpose) {
    constexpr std::size_t characters = 32;
    std::string word(prefix);
    for (int round = 0; word.size() < prefix.size() + characters; ++round)
        for (const char c : derived_word(master_key, "", std::string(purpose) + " " + std::to_string(round)))
            if (c != '-' && c != '_' && word.size() < prefix.size() + characters) word += c;
    return word;
}
std::string api_key(const Secret<>& master_key, const RedirectMerchant& merchant) {
    return derived_word(master_key, "rk_", "redirect api " + std::string(merchant.name));
}
std::string notice_secret(const Secret<>& master_key, const RedirectMerchant& merchant) {
    return derived_word(master_key, "rn_", "redirect notice " + std::string(merchant.name));
}

providers::Merchant on_credit() {
    providers::Merchant merchant;
    merchant.name = "on_credit";
    merchant.provider = "on_credit";
    return merchant;
}

providers::Merchant redirect(const RedirectMerchant& given, const Secret<>& master_key,
                             const std::string& origin) {
    const auto word = [](bool yes) { return std::string(yes ? "true" : "false"); };
    providers::Merchant merchant;
    merchant.name = given.name;
    merchant.provider = "redirect";
    merchant.simulator = true;
    merchant.settings = {{"callout_type", std::string(given.callout_type)},
                         {"can_be_asked", word(given.can_be_asked)},
                         {"notifies", word(given.notifies)}};
    if (given.can_be_asked) {
        merchant.base_url = origin + "/redirect/v1";
        merchant.secrets.emplace("api_key", Secret<>(api_key(master_key, given)));
    } else {
        merchant.settings.emplace("page_url", origin + std::string(page_path) + std::string(given.user));
    }
    if (given.notifies) merchant.secrets.emplace("notice_secret", Secret<>(notice_secret(master_key, given)));
    return merchant;
}

providers::Merchant by_stripe(const Secret<>& master_key, const std::string& origin) {
    providers::Merchant merchant;
    merchant.name = stripe_merchant;
    merchant.provider = "stripe";
    merchant.simulator = true;
    merchant.base_url = origin;
    std::string reusable;
    for (const auto token : guide_tokens) reusable.append(reusable.empty() ? "" : ",").append(token);
    merchant.settings = {{"publishable_key", std::string(stripe_publishable_key)},
                         {"statement_descriptor", std::string(statement_descriptor)},
                         {"script_url", origin + "/stripe/v3/"},
                         {"reusable_tokens", reusable}};
    merchant.secrets.emplace("secret_key", Secret<>(stripe_secret_key(master_key)));
    merchant.secrets.emplace("webhook_secret", Secret<>(stripe_webhook_secret(master_key)));
    return merchant;
}

/// The customer of demo-creditcard gives his card to the booking system, that of demo-borgun to the gateway.
providers::Merchant by_borgun(std::string_view name, const Secret<>& master_key, const std::string& origin) {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "borgun";
    merchant.simulator = true;
    merchant.base_url = origin + "/borgun/rpg";
    if (name == borgun_card_merchant) {
        // The guide's card ran out in April 2019.
        merchant.settings = {{"accepts", "card"}, {"forgives_expiry", "true"}};
    } else {
        const bool app = name == borgun_app_merchant;
        merchant.settings = {{"accepts", app ? "card,token,network_token" : "token"},
                             {"public_key", borgun_public_key(master_key, name)}};
    }
    merchant.secrets.emplace("private_key", Secret<>(borgun_private_key(master_key, name)));
    return merchant;
}

providers::Merchant by_securepay(const Secret<>& master_key, const std::string& origin) {
    providers::Merchant merchant;
    merchant.name = securepay_merchant;
    merchant.provider = "securepay";
    merchant.simulator = true;
    merchant.base_url = origin + "/borgun/securepay";
    merchant.settings = {{"merchant_id", std::string(securepay_id)},
                         {"gateway_id", std::string(securepay_gateway)}};
    merchant.secrets.emplace("secret_key", Secret<>(securepay_secret(master_key)));
    return merchant;
}

/// Of an account of the TicketOrder door: its role, "" for none. Nullopt: it is none of that door's.
std::optional<std::string_view> ticket_order_role(std::string_view account) {
    if (account == "app" || account == "app-signed") return "MobileApp";
    if (account == "team") return "TeamAdmin";
    if (account == "admin") return "Admin";
    if (account == "nobody") return "";
    return std::nullopt;
}

engine::TicketOrderAccess ticket_order_access(const Secret<>& master_key, std::string_view account) {
    engine::TicketOrderAccess access;
    const auto role = ticket_order_role(account);
    if (!role || role->empty()) return access;
    using Signature = engine::TicketOrderAccess::Signature;
    access.roles = {std::string(*role)};
    access.permissions = {std::string(engine::ticket_order_permissions[0])};
    access.key_digests = {
        encoding::hex(crypto::to_bytes(crypto::sha256(ticket_order_key(master_key, account))))};
    access.signature = account == "app-signed" ? Signature::required : Signature::optional;
    access.system_id = account;
    access.secret = Secret<>(ticket_order_secret(master_key, account));
    return access;
}

using Ways = std::map<std::string, std::vector<std::string>>;

/// What an account is besides its name and password.
struct Character {
    Ways ways;
    core::Policy policy;
};

Character character_of(std::string_view name) {
    const Ways redirect_demo{{"*", {"redirect-demo"}}};
    if (name == "demo-redirect") return {redirect_demo, {}};
    if (name == "demo-redirect-post") return {{{"*", {"redirect-demo-post"}}}, {}};
    if (name == "demo-stripe") return {{{"*", {std::string(stripe_merchant)}}}, {}};
    if (name == "demo-creditcard") return {{{"*", {std::string(borgun_card_merchant)}}}, {}};
    if (name == "demo-borgun") return {{{"*", {std::string(borgun_token_merchant)}}}, {}};
    if (name == "demo-apple-pay")
        return {{{"*", {std::string(borgun_token_merchant), std::string(stripe_merchant)}}}, {}};
    if (name == "demo-securepay") return {{{"*", {std::string(securepay_merchant)}}}, {}};
    if (ticket_order_role(name)) return {{{"*", {std::string(borgun_app_merchant)}}}, {}};
    if (name == "demo-mixed")
        return {{{"ext_test0", {"on_credit", "redirect-demo"}},
                 {"ext_test1", {"redirect-demo", "on_credit"}},
                 {"*", {"on_credit"}}},
                {}};
    if (name == "demo-quiet") return {{{"*", {"redirect-quiet"}}}, {}};
    if (name == "demo-silent") return {{{"*", {"redirect-silent"}}}, {}};
    if (name == "demo-partial") return {redirect_demo, {.partial = true}};
    if (name == "demo-again")
        return {{{"*", {"redirect-demo", "on_credit"}}}, {.on_decline = core::OnDecline::again}};
    if (name == "demo-owner")
        return {{{"*", {"on_credit", "redirect-demo"}}}, {.confirm = core::Confirm::owner}};
    return {{{"*", {"on_credit"}}}, {}};
}

}  // namespace

const std::vector<Account>& demo_accounts() {
    static const std::vector<Account> accounts{
        {"demo", demo_password, "pays on credit"},
        {"example-user", "some-password", "pays on credit"},
        {"demo-redirect", demo_password, "pays at the redirect house, sent there by GET"},
        {"demo-redirect-post", demo_password, "pays at the redirect house, sent there by POST"},
        {"demo-stripe", demo_password, "pays by card, through Stripe"},
        {"demo-creditcard", demo_password, "pays by card, typed in at the shop, through Borgun"},
        {"demo-borgun", demo_password, "pays by card, through Borgun: the shop never sees it"},
        {"demo-apple-pay", demo_password, "pays with Apple Pay (or by card), through Borgun or Stripe"},
        {"demo-securepay", demo_password, "pays by card, on SecurePay, Borgun's page"},
        {"demo-mixed", demo_password, "ext_test0 on credit, ext_test1 at the redirect house"},
        {"demo-quiet", demo_password, "a redirect house that answers questions and sends no notices"},
        {"demo-silent", demo_password,
         "a redirect house that neither answers nor notifies: its return says it"},
        {"demo-partial", demo_password, "redirect; what can be paid is bought, the rest is not"},
        {"demo-again", demo_password, "redirect; after a refusal another way may be tried"},
        {"demo-owner", demo_password, "on credit; the box office confirms before money moves"},
        {"app", demo_password, "TicketOrder: an app of customers, role MobileApp"},
        {"app-signed", demo_password, "TicketOrder: the same, whose orders must be signed"},
        {"team", demo_password, "TicketOrder: who sells for a team, role TeamAdmin"},
        {"admin", demo_password, "TicketOrder: role Admin"},
        {"nobody", demo_password, "TicketOrder: no role, so that it may do nothing"},
    };
    return accounts;
}

std::string demo_v1_key(const Secret<>& master_key) {
    return derived_word(master_key, "kassi_", "v1 box-office");
}

engine::Directory demo_directory(const Secret<>& master_key, std::string_view simulators,
                                 Randomness& randomness,
                                 const std::shared_ptr<const providers::apple_pay::Shop>& apple_pay) {
    const std::string origin(simulators);
    engine::Directory directory;
    directory.systems.push_back({std::string(demo_system),
                                 {encoding::hex(crypto::to_bytes(crypto::sha256(demo_v1_key(master_key))))}});
    for (const auto& [code, description] : box_office::demo_catalogue().sources)
        directory.sources.push_back({code, description});
    directory.sources.push_back({std::string(football_source), std::string(football_title())});
    directory.merchants.push_back(on_credit());
    for (const auto& merchant : redirect_merchants)
        directory.merchants.push_back(redirect(merchant, master_key, origin));
    directory.merchants.push_back(by_stripe(master_key, origin));
    for (const auto name : {borgun_card_merchant, borgun_token_merchant, borgun_app_merchant})
        directory.merchants.push_back(by_borgun(name, master_key, origin));
    directory.merchants.push_back(by_securepay(master_key, origin));
    if (apple_pay) directory.apple_pay_shops.push_back(apple_pay);
    for (auto& merchant : directory.merchants)
        if (merchant.name == stripe_merchant || merchant.name == borgun_token_merchant)
            merchant.apple_pay = apple_pay;

    // Most accounts have the same password, and a hash costs a twentieth of a second.
    std::map<std::string_view, std::string> hashes;
    for (const auto& account : demo_accounts()) {
        auto& hash = hashes[account.password];
        if (hash.empty()) hash = crypto::hash_password(account.password, randomness);
        auto [ways, policy] = character_of(account.name);
        engine::Caller caller;
        caller.name = account.name;
        caller.system = demo_system;
        caller.password_hash = hash;
        caller.real_name = account.name == "demo" ? "Demonstration User" : std::string(account.name);
        caller.return_hosts = {"fromtheboxoffice.com", "example.com", "127.0.0.1:*", "localhost:*"};
        caller.ways = std::move(ways);
        caller.policy = policy;
        caller.ticket_order = ticket_order_access(master_key, account.name);
        directory.callers.push_back(std::move(caller));
    }
    return directory;
}

RedirectHouse::Options demo_houses(const Secret<>& master_key, std::string_view simulators) {
    RedirectHouse::Options options;
    options.page_origin = simulators;
    for (const auto& given : redirect_merchants) {
        RedirectHouse::Merchant merchant;
        merchant.name = given.name;
        merchant.user = given.user;
        merchant.page_only = !given.can_be_asked;
        if (given.can_be_asked) merchant.api_key = api_key(master_key, given);
        if (given.notifies) merchant.notice_secret = notice_secret(master_key, given);
        options.merchants.push_back(std::move(merchant));
    }
    return options;
}

bool is_ticket_order_account(std::string_view account) {
    return ticket_order_role(account).has_value();
}

std::string ticket_order_key(const Secret<>& master_key, std::string_view account) {
    const auto role = ticket_order_role(account);
    if (!role || role->empty()) return "";
    return derived_word(master_key, "kassi_to_", "ticket order key " + std::string(account));
}

std::string ticket_order_secret(const Secret<>& master_key, std::string_view account) {
    const auto role = ticket_order_role(account);
    if (!role || role->empty()) return "";
    return derived_word(master_key, "", "ticket order secret " + std::string(account));
}

std::string stripe_secret_key(const Secret<>& master_key) {
    return derived_plain_word(master_key, "sk_test_", "stripe api " + std::string(stripe_merchant));
}

std::string stripe_webhook_secret(const Secret<>& master_key) {
    return derived_plain_word(master_key, "whsec_", "stripe webhook " + std::string(stripe_merchant));
}

StripeHouse::Options demo_stripe_accounts(const Secret<>& master_key, std::string_view simulators,
                                          std::string_view kassi) {
    StripeHouse::Options options;
    options.page_origin = simulators;
    options.accounts.push_back(
        {.name = std::string(stripe_merchant),
         .secret_key = stripe_secret_key(master_key),
         .publishable_key = std::string(stripe_publishable_key),
         .webhook_url = std::string(kassi) + "/webhooks/stripe/" + std::string(stripe_merchant),
         .webhook_secrets = {stripe_webhook_secret(master_key)},
         .extra_test_tokens = {std::begin(guide_tokens), std::end(guide_tokens)},
         .statement_descriptor = std::string(statement_descriptor)});
    return options;
}

std::string borgun_private_key(const Secret<>& master_key, std::string_view merchant) {
    return derived_plain_word(master_key, "100001_pr", "borgun private " + std::string(merchant));
}

std::string borgun_public_key(const Secret<>& master_key, std::string_view merchant) {
    return derived_plain_word(master_key, "100001_pu", "borgun public " + std::string(merchant));
}

std::string securepay_secret(const Secret<>& master_key) {
    return derived_plain_word(master_key, "", "securepay " + std::string(securepay_merchant));
}

BorgunHouse::Options demo_borgun_merchants(const Secret<>& master_key, std::string_view simulators,
                                           std::string_view kassi) {
    BorgunHouse::Options options;
    options.page_origin = simulators;
    for (const auto name : {borgun_card_merchant, borgun_token_merchant, borgun_app_merchant}) {
        BorgunHouse::Merchant merchant;
        merchant.name = name;
        merchant.private_key = borgun_private_key(master_key, name);
        merchant.public_key = borgun_public_key(master_key, name);
        merchant.webhook_url = std::string(kassi) + "/webhooks/borgun/" + std::string(name);
        merchant.forgives_expiry = name == borgun_card_merchant;
        options.merchants.push_back(std::move(merchant));
    }
    BorgunHouse::Merchant page;
    page.name = securepay_merchant;
    page.securepay_id = securepay_id;
    page.securepay_gateway = securepay_gateway;
    page.securepay_secret = securepay_secret(master_key);
    options.merchants.push_back(std::move(page));
    return options;
}

}  // namespace kassi::sandbox
