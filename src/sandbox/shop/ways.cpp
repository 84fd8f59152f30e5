#include "sandbox/shop/ways.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "providers/credentials/card.hpp"
#include "sandbox/accounts.hpp"

namespace kassi::sandbox::shop {
namespace {

/// "pays on credit" -> "Pays on credit"; a code stays as it is.
std::string as_title(std::string text) {
    const bool is_code = text.substr(0, text.find(' ')).find('_') != std::string::npos;
    if (!is_code && !text.empty() && text[0] >= 'a' && text[0] <= 'z')
        text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
}

std::string title_of(const engine::Caller& caller) {
    const auto& accounts = demo_accounts();
    const auto known = std::find_if(accounts.begin(), accounts.end(),
                                    [&](const Account& account) { return account.name == caller.name; });
    return known == accounts.end() ? caller.name : as_title(std::string(known->about));
}

std::string words_of(const providers::Registry& registry, const std::string& merchant) {
    const auto* known = registry.merchant(merchant);
    const auto* flow = known == nullptr ? nullptr : registry.flow(known->provider);
    const auto debitor = flow == nullptr ? std::nullopt : flow->debitor(*known);
    return debitor && !debitor->description.empty() ? debitor->description + " (" + merchant + ")" : merchant;
}

/// A house that sends customers to its page, and no word afterwards.
bool is_odd_house(const core::Facts* facts) {
    return facts != nullptr && facts->browser != core::Browser::no && !facts->notifies;
}

bool takes(const core::Facts* facts, Currency currency) {
    return facts != nullptr &&
           (facts->currencies.empty() || std::find(facts->currencies.begin(), facts->currencies.end(),
                                                   currency.code()) != facts->currencies.end());
}

/// What an account may pay a bundle with, the default first.
std::vector<std::string> merchants_for(const engine::Directory& directory,
                                       const providers::Registry& registry, const engine::Caller& caller,
                                       const std::string& source, Currency currency) {
    auto merchants = directory.ways(caller, source);
    std::erase_if(merchants,
                  [&](const std::string& merchant) { return !takes(registry.facts_of(merchant), currency); });
    return merchants;
}

bool must_bring_card(const core::Facts* facts) {
    return facts != nullptr && facts->must_bring_credential &&
           std::find(facts->credentials.begin(), facts->credentials.end(),
                     providers::card::credential_kind) != facts->credentials.end();
}

/// By what each source is paid; said once where it is the same for all.
std::string about_of(const std::vector<std::pair<std::string, std::string>>& defaults) {
    const bool same = std::all_of(defaults.begin(), defaults.end(),
                                  [&](const auto& each) { return each.second == defaults.front().second; });
    if (same) return defaults.empty() ? std::string() : defaults.front().second;
    std::string text;
    for (const auto& [name, words] : defaults) text += (text.empty() ? "" : "; ") + name + ": " + words;
    return text;
}

Way way_of(const engine::Directory& directory, const providers::Registry& registry,
           const engine::Caller& caller, const Sources& sources) {
    Way way;
    way.key = caller.name;
    way.title = title_of(caller);
    way.odd = !(caller.policy == core::Policy{});
    std::vector<std::pair<std::string, std::string>> defaults;
    for (const auto& [source, currency] : sources) {
        const auto merchants = merchants_for(directory, registry, caller, source, currency);
        const auto* known = directory.source(source);
        const auto name = known == nullptr ? source : known->description;
        if (merchants.empty()) {
            if (way.why_not.empty()) way.why_not = "It cannot pay " + name + ".";
            continue;
        }
        way.odd = way.odd || is_odd_house(registry.facts_of(merchants.front()));
        defaults.emplace_back(name, words_of(registry, merchants.front()));
        if (merchants.size() < 2) continue;
        Choice choice{source, name, {}};
        for (const auto& merchant : merchants)
            choice.merchants.emplace_back(merchant, words_of(registry, merchant));
        way.choices.push_back(std::move(choice));
    }
    way.about = about_of(defaults);
    way.asks_card = asks_card(directory, registry, caller, sources, {});
    return way;
}

}  // namespace

std::vector<Way> ways(const engine::Directory& directory, const providers::Registry& registry,
                      std::string_view system, const Sources& sources) {
    std::vector<Way> all;
    std::vector<const engine::Caller*> seen;
    for (const auto& caller : directory.callers) {
        const bool alike = std::any_of(seen.begin(), seen.end(), [&](const engine::Caller* other) {
            return other->ways == caller.ways && other->policy == caller.policy &&
                   other->credit_limits == caller.credit_limits;
        });
        if (caller.system != system || alike || is_ticket_order_account(caller.name)) continue;
        seen.push_back(&caller);
        all.push_back(way_of(directory, registry, caller, sources));
    }
    return all;
}

bool asks_card(const engine::Directory& directory, const providers::Registry& registry,
               const engine::Caller& caller, const Sources& sources,
               const std::map<std::string, std::string>& chosen) {
    return std::any_of(sources.begin(), sources.end(), [&](const auto& bundle) {
        const auto& [source, currency] = bundle;
        const auto wanted = chosen.find(source);
        if (wanted != chosen.end()) return must_bring_card(registry.facts_of(wanted->second));
        const auto merchants = merchants_for(directory, registry, caller, source, currency);
        return !merchants.empty() && must_bring_card(registry.facts_of(merchants.front()));
    });
}

const Way* find_way(const std::vector<Way>& ways, std::string_view key) {
    const auto found = std::find_if(ways.begin(), ways.end(), [&](const Way& way) { return way.key == key; });
    return found == ways.end() ? nullptr : &*found;
}

std::string first_choice(const std::vector<Way>& ways, const engine::Directory& directory,
                         const providers::Registry& registry) {
    std::string first;
    for (const auto& way : ways) {
        if (way.odd || !way.why_not.empty()) continue;
        if (first.empty()) first = way.key;
        const auto* caller = directory.caller(way.key);
        for (const auto& [source, merchants] : caller->ways) {
            const auto* facts = merchants.empty() ? nullptr : registry.facts_of(merchants.front());
            if (facts != nullptr && facts->browser != core::Browser::no) return way.key;
        }
    }
    return first;
}

}  // namespace kassi::sandbox::shop
