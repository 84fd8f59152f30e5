#include "providers/securepay/account.hpp"

#include <algorithm>

#include "providers/borgun/amounts.hpp"
#include "providers/evidence.hpp"
#include "providers/securepay/securepay.hpp"
#include "providers/settings.hpp"

namespace kassi::providers::securepay {
namespace {

constexpr std::string_view default_page = "https://securepay.borgun.is/securepay";
constexpr std::string_view test_host = "test.borgun.is";

/// What stands between bars in a hash has none itself.
std::optional<Error> read_contract(const Merchant& merchant, Account& account) {
    for (const auto& [name, into] :
         {std::pair{"merchant_id", &account.merchant_id}, {"gateway_id", &account.gateway_id}}) {
        *into = settings::text(merchant, name, "");
        if (into->empty()) return bad_request(name, "is missing: the page is opened with it");
        if (!is_plain_reference(*into))
            return bad_request(name, "is not 1 to 64 letters, digits, '_', '-' and '.'");
    }
    return settings::check_secret(merchant, "secret_key", true, "everything is signed with it");
}

std::optional<Error> read_page(const Merchant& merchant, Account& account) {
    account.page_url = merchant.base_url.empty() ? std::string(default_page) : merchant.base_url;
    if (auto wrong = settings::check_address("base_url", account.page_url, true)) return wrong;
    if (account.page_url.back() == '/') return bad_request("base_url", "ends with a slash");
    account.language = settings::text(merchant, "language", "EN");
    const bool is_language =
        account.language.size() == 2 && std::all_of(account.language.begin(), account.language.end(),
                                                    [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!is_language) return bad_request("language", "is not two letters, such as EN or IS");
    const auto skips = settings::flag(merchant, "skip_receipt", true);
    if (!skips) return skips.error();
    account.skips_receipt = *skips;
    return std::nullopt;
}

std::optional<Error> read_currencies(const Merchant& merchant, Account& account) {
    const auto currencies = settings::currencies(merchant, "currencies");
    if (!currencies) return currencies.error();
    const auto known = borgun::known_currencies();
    for (const auto& code : *currencies)
        if (std::find(known.begin(), known.end(), code) == known.end())
            return bad_request("currencies", code + " is not known to the house");
    account.currencies = currencies->empty() ? known : *currencies;
    return std::nullopt;
}

}  // namespace

Result<Account> read_account(const Merchant& merchant) {
    if (auto wrong = settings::check_names(merchant, flow_name,
                                           {"merchant_id", "gateway_id", "language", "skip_receipt",
                                            "currencies", "debitor_type", "debitor_name", "debitor_desc"},
                                           {"secret_key"}))
        return *wrong;
    Account account;
    for (const auto read : {read_contract, read_page, read_currencies})
        if (auto wrong = read(merchant, account)) return *wrong;
    account.debitor = {settings::text(merchant, "debitor_type", flow_name),
                       settings::text(merchant, "debitor_name", flow_name),
                       settings::text(merchant, "debitor_desc", "The SecurePay Debitor"), "{}",
                       merchant.name};
    return account;
}

Account account_of(const Merchant& merchant) {
    auto account = read_account(merchant);
    KASSI_ENSURE(account.has_value());
    return std::move(*account);
}

core::Facts facts_of(const Account& account) {
    core::Facts facts;
    facts.has_open = true;
    facts.can_refund = true;
    facts.can_refund_part = true;
    facts.notifies = true;
    facts.notice_trust = core::Trust::proof;
    facts.settled_by_return = true;  // the page has no look-up, and nobody can close it
    facts.browser = core::Browser::always;
    facts.credentials = {"none"};
    facts.currencies = account.currencies;
    facts.steps = borgun::steps();
    const auto url = parse_url(account.page_url, "base_url");
    facts.test_only = url && url->host == test_host;
    return facts;
}

}  // namespace kassi::providers::securepay
