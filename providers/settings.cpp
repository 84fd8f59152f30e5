#include "providers/settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace kassi::providers::settings {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> all) {
    return std::find(all.begin(), all.end(), name) != all.end();
}

}  // namespace

std::optional<Error> check_names(const Merchant& merchant, std::string_view flow,
                                 std::initializer_list<std::string_view> known_settings,
                                 std::initializer_list<std::string_view> known_secrets) {
    for (const auto& [name, value] : merchant.settings)
        if (!is_one_of(name, known_settings))
            return bad_request(name, "is no setting of " + std::string(flow));
    for (const auto& [name, value] : merchant.secrets)
        if (!is_one_of(name, known_secrets)) return bad_request(name, "is no secret of " + std::string(flow));
    return std::nullopt;
}

std::string text(const Merchant& merchant, const std::string& name, std::string_view otherwise) {
    const auto found = merchant.settings.find(name);
    return found == merchant.settings.end() ? std::string(otherwise) : found->second;
}

Result<bool> flag(const Merchant& merchant, const std::string& name, bool otherwise) {
    const auto found = merchant.settings.find(name);
    if (found == merchant.settings.end()) return otherwise;
    if (found->second == "true") return true;
    if (found->second == "false") return false;
    return bad_request(name, "is neither true nor false");
}

std::vector<std::string> words(const Merchant& merchant, const std::string& name) {
    const std::string list = text(merchant, name, "");
    std::vector<std::string> all;
    for (std::size_t begin = 0; begin < list.size();) {
        const std::size_t end = std::min(list.find(',', begin), list.size());
        all.push_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return all;
}

Result<std::vector<std::string>> currencies(const Merchant& merchant, const std::string& name) {
    std::vector<std::string> codes;
    for (const auto& word : words(merchant, name)) {
        const auto currency = Currency::parse(word, name);
        if (!currency) return currency.error();
        codes.emplace_back(currency->code());
    }
    return codes;
}

std::optional<Error> check_secret(const Merchant& merchant, const std::string& name, bool needed,
                                  std::string_view what_for) {
    const std::string_view found = secret(merchant, name);
    if (needed && found.empty()) return bad_request(name, "is missing: " + std::string(what_for));
    if (!needed && !found.empty()) return bad_request(name, "has no use with these settings, leave it out");
    if (std::any_of(found.begin(), found.end(), [](char c) { return c <= 0x20 || c == 0x7F; }))
        return bad_request(name, "holds characters other than visible ones of ASCII");
    return std::nullopt;
}

std::string_view secret(const Merchant& merchant, std::string_view name) {
    const auto found = merchant.secrets.find(std::string(name));
    return found == merchant.secrets.end() ? std::string_view() : std::string_view(found->second.reveal());
}

std::optional<Error> check_address(const std::string& name, const std::string& text, bool needed) {
    if (!needed)
        return text.empty()
                   ? std::nullopt
                   : std::optional(bad_request(name, "has no use with these settings, leave it out"));
    if (text.empty()) return bad_request(name, "is missing");
    const auto url = parse_url(text, name);
    if (!url) return url.error();
    if (url->target.find('?') != std::string::npos) return bad_request(name, "has a query string");
    return std::nullopt;
}

std::optional<Error> check_json_object(const std::string& name, const std::string& text) {
    const auto parsed = parse_json(text, name);
    if (!parsed) return parsed.error();
    if (!parsed->is_object()) return bad_request(name, "is not a JSON object");
    return std::nullopt;
}

}  // namespace kassi::providers::settings
