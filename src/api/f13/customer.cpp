#include "api/f13/customer.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/f13/request.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace kassi::api::f13 {
namespace {

/// A parameter of the request, and where an answer prints it. In alphabetical order of the answer.
struct Text {
    std::string_view parameter;
    std::string_view printed;
    bool latin;  ///< printed once more as ..._latin, for old clients
};
constexpr std::array texts{
    Text{"address_line_one", "addr_line_one", true},
    Text{"address_line_two", "addr_line_two", true},
    Text{"agent_ref", "agent_ref", false},
    Text{"county", "county", true},
    Text{"email_address", "email_addr", false},
    Text{"first_name", "first_name", true},
    Text{"home_phone", "home_phone", false},
    Text{"initials", "initials", true},
    Text{"last_name", "last_name", true},
    Text{"phone", "phone", false},
    Text{"postcode", "postcode", true},
    Text{"suffix", "suffix", true},
    Text{"title", "title", true},
    Text{"town", "town", true},
    Text{"work_phone", "work_phone", false},
};

struct Flag {
    std::string_view parameter;
    std::string_view printed;
};
constexpr std::array flags{
    Flag{"supplier_can_use_customer_data", "dp_supplier"},
    Flag{"user_can_use_customer_data", "dp_user"},
    Flag{"world_can_use_customer_data", "dp_world"},
};

constexpr std::array<std::string_view, 3> required{"first_name", "last_name", "address_line_one"};

std::string_view without_blanks_around(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text.remove_suffix(text.size() - (text.find_last_not_of(' ') + 1));
    return text;
}

std::string value_of(const Fields& fields, std::string_view parameter) {
    const auto* value = find_field(fields, parameter);
    // Some clients say agent_reference (2.7), some agent_ref (2.0).
    if (value == nullptr && parameter == "agent_ref") value = find_field(fields, "agent_reference");
    if (value == nullptr) return {};
    return parameter == "email_address" ? std::string(without_blanks_around(*value)) : *value;
}

bool two_letters(std::string_view code) {
    return code.size() == 2 &&
           std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

bool allowed(const Countries& countries, std::string_view code) {
    if (countries.empty()) return two_letters(code);
    return std::any_of(countries.begin(), countries.end(),
                       [&](const auto& entry) { return entry.first == code; });
}

/// A name as it may stand in an error text: short, and no control characters.
std::string shown(std::string_view text) {
    constexpr std::size_t shown_bytes_max = 40;
    if (text.size() > shown_bytes_max || has_control_character(text) || may_be_card_number(text))
        return "...";
    return std::string(text);
}

Result<std::string> read_country(const Fields& fields, const Countries& countries) {
    auto code = value_of(fields, "country_code");
    if (code.empty()) return bad_request("country_code", "is missing");
    if (!allowed(countries, code))
        return bad_request("", "Country code '" + shown(code) + "' in customer data is invalid");
    return code;
}

std::string text_in(const nlohmann::json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_in(const nlohmann::json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string country_name(const Countries& countries, const std::string& code) {
    const auto found = std::find_if(countries.begin(), countries.end(),
                                    [&](const auto& entry) { return entry.first == code; });
    return found == countries.end() ? code : found->second;
}

}  // namespace

std::optional<EmailFault> email_fault(std::string_view given) {
    const auto address = without_blanks_around(given);
    if (address.empty()) return std::nullopt;
    // "john doe"@example.com, "a@b"@example.com (RFC 5321): what stands between quotes may hold both.
    const auto last_at = address.rfind('@');
    const bool is_quoted = last_at != std::string_view::npos && last_at > 1 && address.front() == '"' &&
                           address[last_at - 1] == '"';
    const auto at = is_quoted ? last_at : address.find('@');
    if (at == std::string_view::npos) return EmailFault{"addr_missing_at", "has no '@'"};
    const auto before = address.substr(0, at);
    const auto after = address.substr(at + 1);
    if (before.empty()) return EmailFault{"addr_may_not_start_with_at", "begins with '@'"};
    if (after.empty()) return EmailFault{"addr_may_not_end_with_at", "ends with '@'"};
    if (!is_quoted && before.find(' ') != std::string_view::npos)
        return EmailFault{"addr_spaces_before_at_must_be_quoted", "has a blank before the '@'"};
    if (after.find(' ') != std::string_view::npos)
        return EmailFault{"addr_spaces_not_allowed_after_at", "has a blank after the '@'"};
    if (has_control_character(before))
        return EmailFault{"addr_control_character_before_at", "has a control character before the '@'"};
    if (has_control_character(after))
        return EmailFault{"addr_control_character_after_at", "has a control character after the '@'"};
    if (after.find('@') != std::string_view::npos)
        return EmailFault{"addr_specials_after_at", "has more than one '@'"};
    if (after.find('.') == std::string_view::npos)
        return EmailFault{"addr_needs_at_least_one_dot", "has no '.' after the '@'"};
    if (after.front() == '.')
        return EmailFault{"addr_cannot_have_dot_immediately_after_at", "has a '.' right after the '@'"};
    if (after.back() == '.') return EmailFault{"addr_cannot_end_in_dot", "ends with a '.'"};
    return std::nullopt;
}

Result<std::string> read_customer(const Fields& fields, const CustomerTerms& terms) {
    const bool absent = value_of(fields, "country_code").empty() &&
                        std::all_of(texts.begin(), texts.end(), [&](const Text& text) {
                            return value_of(fields, text.parameter).empty();
                        });
    if (absent && terms.may_be_absent) return std::string();

    const auto country = read_country(fields, terms.allowed);
    if (!country) return country.error();
    for (const auto name : required) {
        if (value_of(fields, name).empty()) return bad_request(std::string(name), "is missing");
    }
    if (terms.needs_email_address && value_of(fields, "email_address").empty())
        return bad_request("email_address", "is missing");
    if (terms.needs_agent_reference && value_of(fields, "agent_ref").empty())
        return bad_request("agent_ref", "is missing");

    JsonWriter out;
    out.begin_object().field("country_code", *country);
    for (const auto& text : texts) {
        const auto value = value_of(fields, text.parameter);
        if (value.empty()) continue;
        const auto name = std::string(text.parameter);
        if (value.size() > limits::text_bytes_max)
            return bad_request(name, "is longer than " + std::to_string(limits::text_bytes_max) + " bytes");
        if (has_control_character(value)) return bad_request(name, "has control characters");
        out.field(name, value);
    }
    for (const auto& flag : flags) {
        const auto value = read_flag(fields, flag.parameter);
        if (!value) return value.error();
        if (*value) out.field(flag.parameter, true);
    }
    return out.end_object().take();
}

void write_customer(JsonWriter& out, std::string_view customer_json, const Countries& countries) {
    auto parsed = parse_json(customer_json, "customer");
    const auto object = parsed && parsed->is_object() ? std::move(*parsed) : nlohmann::json::object();
    const auto code = text_in(object, "country_code");
    out.begin_object();
    for (const auto& text : texts) {
        const auto value = text_in(object, text.parameter);
        out.field(text.printed, value);
        if (text.latin) out.field(std::string(text.printed) + "_latin", value);
    }
    out.field("country", country_name(countries, code));
    out.field("country_code", code);
    out.field("country_latin", country_name(countries, code));
    for (const auto& flag : flags) {
        out.field(flag.printed, flag_in(object, flag.parameter));
        out.field(flag.parameter, flag_in(object, flag.parameter));
    }
    out.end_object();
}

}  // namespace kassi::api::f13
