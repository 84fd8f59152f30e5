#include "providers/borgun/account.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/settings.hpp"

namespace kassi::providers::borgun {
namespace {

constexpr std::string_view default_api = "https://ecommerce.borgun.is/rpg";
constexpr std::string_view default_script =
    "https://ecommerce.borgun.is/resources/js/borgunpayment-js/borgunpayment.v1.min.js";
constexpr std::string_view test_host = "test.borgun.is";
constexpr std::size_t key_bytes_max = 200;
constexpr Millis payment_budget{70'000};

std::optional<Error> read_kinds(const Merchant& merchant, Account& account) {
    for (const auto& word : settings::words(merchant, "accepts")) {
        if (word == "card")
            account.takes_cards = true;
        else if (word == "token")
            account.takes_tokens = true;
        else if (word == "network_token")
            account.takes_network_tokens = true;
        else
            return bad_request("accepts", "knows \"card\", \"token\" and \"network_token\"");
    }
    if (!account.takes_cards && !account.takes_tokens) account.takes_cards = true;
    return std::nullopt;
}

std::optional<Error> read_keys(const Merchant& merchant, Account& account) {
    if (auto wrong = settings::check_secret(merchant, "private_key", true, "the gateway is asked with it"))
        return wrong;
    const auto is_key = [](std::string_view text) {
        return text.size() <= key_bytes_max && text.find(':') == std::string_view::npos &&
               std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    };
    if (!is_key(settings::secret(merchant, "private_key")))
        return bad_request("private_key", "is no access token of Borgun: it has a colon or is too long");
    account.public_key = settings::text(merchant, "public_key", "");
    if (account.takes_tokens && account.public_key.empty())
        return bad_request("public_key", "is missing: tokens are made with it in the customer's browser");
    if (!is_key(account.public_key)) return bad_request("public_key", "is no access token of Borgun");
    if (account.public_key == settings::secret(merchant, "private_key"))
        return bad_request("public_key", "is the private key, and would be shown to everybody");
    return std::nullopt;
}

std::optional<Error> read_flags(const Merchant& merchant, Account& account) {
    const std::pair<const char*, bool*> flags[] = {{"sale_only", &account.sale_only},
                                                   {"notifies", &account.notifies},
                                                   {"forgives_expiry", &account.card_rules.forgives_expiry},
                                                   {"wants_cvc", &account.card_rules.wants_cvc}};
    account.notifies = true;
    for (const auto& [name, into] : flags) {
        const auto flag = settings::flag(merchant, name, *into);
        if (!flag) return flag.error();
        *into = *flag;
    }
    if (account.card_rules.forgives_expiry && !merchant.simulator)
        return bad_request("forgives_expiry", "is for simulators only");
    const auto secure = settings::text(merchant, "three_d_secure", "if_possible");
    if (secure != "if_possible" && secure != "always")
        return bad_request("three_d_secure", "is neither if_possible nor always");
    account.always_3ds = secure == "always";
    return std::nullopt;
}

/// 0, 7, 8, 9, 50 and 97 are no authentication whatever a merchant thinks of the risk.
std::optional<Error> read_statuses(const Merchant& merchant, Account& account) {
    constexpr int risky[] = {1, 2, 3, 4, 5, 6, 91, 92, 93, 94, 95, 96, 99};
    for (const auto& word : settings::words(merchant, "mpi_continue")) {
        const auto status = md_status(word);
        if (!status || std::find(std::begin(risky), std::end(risky), *status) == std::end(risky))
            return bad_request("mpi_continue", "knows 1 to 6, 91 to 96 and 99");
        account.goes_on_with.push_back(*status);
    }
    if (account.goes_on_with.empty()) account.goes_on_with = {1, 2, 3, 4};
    return std::nullopt;
}

std::optional<Error> read_lists(const Merchant& merchant, Account& account) {
    const auto currencies = settings::currencies(merchant, "currencies");
    if (!currencies) return currencies.error();
    const auto known = known_currencies();
    for (const auto& code : *currencies)
        if (std::find(known.begin(), known.end(), code) == known.end())
            return bad_request("currencies", code + " is not known to the gateway");
    account.currencies = currencies->empty() ? known : *currencies;
    for (const auto& word : settings::words(merchant, "accepted_cards")) {
        const auto scheme = card::scheme_from_word(word);
        if (!scheme) return bad_request("accepted_cards", "holds a word that is no kind of card");
        account.card_rules.accepted.push_back(*scheme);
    }
    return std::nullopt;
}

std::string integration_of(const Account& account) {
    if (!account.takes_tokens) return "{}";
    JsonWriter json;
    json.begin_object().field("public_key", account.public_key);
    json.field("script_url", account.script_url).end_object();
    return json.take();
}

}  // namespace

Result<Account> read_account(const Merchant& merchant) {
    if (auto wrong =
            settings::check_names(merchant, flow_name,
                                  {"public_key", "accepts", "sale_only", "forgives_expiry", "wants_cvc",
                                   "three_d_secure", "mpi_continue", "currencies", "accepted_cards",
                                   "notifies", "script_url", "debitor_type", "debitor_name", "debitor_desc"},
                                  {"private_key"}))
        return *wrong;
    Account account;
    account.api_url = merchant.base_url.empty() ? std::string(default_api) : merchant.base_url;
    account.script_url = settings::text(merchant, "script_url", default_script);
    for (const auto& [name, url] :
         {std::pair{"base_url", account.api_url}, {"script_url", account.script_url}})
        if (auto wrong = settings::check_address(name, url, true)) return *wrong;
    if (account.api_url.back() == '/') return bad_request("base_url", "ends with a slash");
    for (const auto read : {read_kinds, read_keys, read_flags, read_statuses, read_lists})
        if (auto wrong = read(merchant, account)) return *wrong;
    const bool tokens_only = !account.takes_cards;
    account.debitor = {
        settings::text(merchant, "debitor_type", tokens_only ? "borgun" : "card"),
        settings::text(merchant, "debitor_name", tokens_only ? "borgun" : "card"),
        settings::text(merchant, "debitor_desc", tokens_only ? "Borgun Debitor" : "The Card Details Debitor"),
        integration_of(account), merchant.name};
    return account;
}

Account account_of(const Merchant& merchant) {
    auto account = read_account(merchant);
    KASSI_ENSURE(account.has_value());
    return std::move(*account);
}

core::Facts facts_of(const Account& account, const Merchant& merchant) {
    core::Facts facts;
    facts.has_open = true;  // token, enrollment, challenge
    facts.can_hold = !account.sale_only;
    facts.can_query = true;
    facts.can_close = true;
    facts.can_refund = true;
    facts.can_refund_part = true;
    facts.notifies = account.notifies;
    facts.notice_trust = core::Trust::hint;  // events have no signature
    facts.browser = core::Browser::maybe;    // a challenge
    if (account.takes_cards) facts.credentials.emplace_back(card::credential_kind);
    facts.credentials.emplace_back(token_kind);  // what a card becomes
    if (account.takes_tokens) facts.credentials.emplace_back(final_kind);
    if (account.takes_cards) facts.volatile_credentials = {std::string(card::credential_kind)};
    wallet::add_kinds(facts, merchant, account.takes_network_tokens);
    facts.must_bring_credential = !account.takes_tokens;
    facts.currencies = account.currencies;
    facts.steps = steps();
    const auto url = parse_url(account.api_url, "base_url");
    facts.test_only = url && url->host == test_host;
    for (const auto verb : {core::Verb::authorise, core::Verb::charge})
        facts.budgets[static_cast<std::size_t>(verb)] = payment_budget;
    return facts;
}

}  // namespace kassi::providers::borgun
