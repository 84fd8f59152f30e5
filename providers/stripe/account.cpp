#include "providers/stripe/account.hpp"

#include "base/json.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/settings.hpp"
#include "providers/stripe/amounts.hpp"
#include "providers/stripe/stripe.hpp"

namespace kassi::providers::stripe {
namespace {

constexpr std::string_view default_version = "2026-08-26.dahlia";
constexpr std::string_view default_api = "https://api.stripe.com";
constexpr std::string_view default_script = "https://js.stripe.com/v3/";

/// "sk_test_..." with one of the kinds: test or live; nullopt for anything else.
std::optional<bool> is_test_key(std::string_view key, std::initializer_list<std::string_view> kinds) {
    for (const auto kind : kinds) {
        if (!key.starts_with(kind)) continue;
        const auto rest = key.substr(kind.size());
        if (rest.size() > 5 && rest.starts_with("test_")) return true;
        if (rest.size() > 5 && rest.starts_with("live_")) return false;
    }
    return std::nullopt;
}

std::optional<Error> check_secrets(const Merchant& merchant, const Account& account) {
    if (auto wrong = settings::check_secret(merchant, "secret_key", true, "Stripe is asked with it"))
        return wrong;
    for (const auto* name : {"webhook_secret", "webhook_secret_next"}) {
        const bool present = !settings::secret(merchant, name).empty();
        if (auto wrong = settings::check_secret(merchant, name, present, "")) return wrong;
    }
    if (settings::secret(merchant, "webhook_secret").empty() &&
        !settings::secret(merchant, "webhook_secret_next").empty())
        return bad_request("webhook_secret", "is missing: webhook_secret_next is the one that follows it");
    const auto secret_is_test = is_test_key(settings::secret(merchant, "secret_key"), {"sk_", "rk_"});
    if (!secret_is_test)
        return bad_request("secret_key", "is no secret key of Stripe: sk_test_..., sk_live_..., or rk_...");
    if (*secret_is_test != account.test)
        return bad_request("publishable_key",
                           "and secret_key are not both of test mode or both of live mode");
    return std::nullopt;
}

std::string integration_of(const Merchant& merchant, const Account& account) {
    JsonWriter json;
    json.begin_object().field("publishable_key", account.publishable_key);
    json.field("statement_descriptor", settings::text(merchant, "statement_descriptor", "")).end_object();
    return json.take();
}

}  // namespace

Result<Account> read_account(const Merchant& merchant) {
    if (auto wrong = settings::check_names(
            merchant, flow_name,
            {"publishable_key", "api_version", "script_url", "statement_descriptor", "currencies",
             "reusable_tokens", "network_tokens", "debitor_type", "debitor_name", "debitor_desc"},
            {"secret_key", "webhook_secret", "webhook_secret_next"}))
        return *wrong;
    Account account;
    account.api_version = settings::text(merchant, "api_version", default_version);
    account.api_url = merchant.base_url.empty() ? std::string(default_api) : merchant.base_url;
    account.script_url = settings::text(merchant, "script_url", default_script);
    account.publishable_key = settings::text(merchant, "publishable_key", "");
    for (const auto& [name, url] :
         {std::pair{"base_url", account.api_url}, {"script_url", account.script_url}})
        if (auto wrong = settings::check_address(name, url, true)) return *wrong;
    if (account.api_url.back() == '/') return bad_request("base_url", "ends with a slash");
    const auto is_test = is_test_key(account.publishable_key, {"pk_"});
    if (!is_test)
        return bad_request("publishable_key", "is no publishable key of Stripe: pk_test_... or pk_live_...");
    account.test = *is_test;
    if (auto wrong = check_secrets(merchant, account)) return *wrong;
    const auto currencies = settings::currencies(merchant, "currencies");
    if (!currencies) return currencies.error();
    account.currencies = *currencies;
    account.reusable_tokens = settings::words(merchant, "reusable_tokens");
    if (!account.reusable_tokens.empty() && !account.test)
        return bad_request("reusable_tokens", "are for test keys only: a token is good for one payment");
    const auto network_tokens = settings::flag(merchant, "network_tokens", false);
    if (!network_tokens) return network_tokens.error();
    account.takes_network_tokens = *network_tokens;
    account.debitor = {settings::text(merchant, "debitor_type", "stripe"),
                       settings::text(merchant, "debitor_name", "stripe"),
                       settings::text(merchant, "debitor_desc", "Stripe Debitor"),
                       integration_of(merchant, account), merchant.name};
    return account;
}

Account account_of(const Merchant& merchant) {
    auto account = read_account(merchant);
    KASSI_ENSURE(account.has_value());
    return std::move(*account);
}

core::Facts facts_of(const Account& account, const Merchant& merchant) {
    core::Facts facts;
    facts.has_open = true;  // a callout for the token when it is missing
    facts.can_hold = true;
    facts.can_query = true;
    facts.can_close = true;
    facts.can_refund = true;
    facts.can_refund_part = true;
    facts.notifies = !settings::secret(merchant, "webhook_secret").empty();
    facts.notice_trust = core::Trust::proof;
    facts.browser = core::Browser::maybe;  // 3-D Secure
    facts.credentials = {std::string(credential_kind)};
    wallet::add_kinds(facts, merchant, account.takes_network_tokens);
    facts.currencies = account.currencies;
    facts.steps = steps();
    facts.test_only = account.test;
    return facts;
}

std::string origin_of(const std::string& url) {
    const auto parsed = parse_url(url, "url");
    return parsed ? parsed->origin() : std::string();
}

}  // namespace kassi::providers::stripe
