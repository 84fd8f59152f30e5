#include "api/f13/card.hpp"

#include <algorithm>

#include "api/f13/print.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "providers/credentials/card.hpp"

namespace kassi::api::f13 {
namespace {

namespace card = providers::card;
using card::Fault;

/// F13's parameter and the member of a card.
struct Parameter {
    std::string_view name, member;
};
constexpr Parameter parameters[] = {{"card_number", "number"},
                                    {"expiry_date", "expiry"},
                                    {"start_date", "start"},
                                    {"cv_two", "cvc"},
                                    {"issue_number", "issue"}};
constexpr Parameter billing_parameters[] = {{"billing_address_line_one", "line_one"},
                                            {"billing_address_line_two", "line_two"},
                                            {"billing_town", "town"},
                                            {"billing_county", "county"},
                                            {"billing_postcode", "postcode"},
                                            {"billing_country_code", "country"}};

/// The literal texts are those that clients of the original know.
struct FaultRow {
    Fault fault;
    int code;
    std::string_view literal;  ///< "" as the card itself says it
};
constexpr FaultRow fault_rows[] = {
    {Fault::scheme_unknown, 3000, "Unknown cards are not accepted"},
    {Fault::scheme_not_accepted, 3001, "Cards of this kind are not accepted"},
    {Fault::number_invalid, 3002, ""},
    {Fault::expiry_invalid, 3003, ""},
    {Fault::expired, 3003, ""},
    {Fault::cvc_missing, 3004, ""},
    {Fault::cvc_invalid, 3004, ""},
    {Fault::issue_missing, 3005, ""},
    {Fault::issue_invalid, 3006, ""},
    {Fault::start_missing, 3007, ""},
    {Fault::start_invalid, 3008, ""},
};

std::string* find(Fields& fields, std::string_view name) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [name](const auto& field) { return field.first == name; });
    return found == fields.end() || found->second.empty() ? nullptr : &found->second;
}

/// Every value of the name: a field may come twice.
void wipe_all(Fields& fields, std::string_view name) {
    for (auto& [known, value] : fields) {
        if (known != name) continue;
        wipe(value.data(), value.size());
        value.clear();
    }
}

}  // namespace

std::optional<core::Credential> take_card(Fields& fields) {
    JsonWriter json;
    json.begin_object();
    bool any = false;
    for (const auto& [name, member] : parameters) {
        const auto* value = find(fields, name);
        if (value == nullptr) continue;
        any = true;
        json.field(member, *value);
    }
    json.key("billing").begin_object();
    for (const auto& [name, member] : billing_parameters)
        if (const auto* value = find(fields, name)) json.field(member, *value);
    json.end_object().end_object();
    for (const auto& parameter : parameters) wipe_all(fields, parameter.name);
    if (!any) return std::nullopt;
    return core::Credential{std::string(card::credential_kind), json.take()};
}

std::string card_parameter(std::string_view field) {
    constexpr std::string_view mark = "card.", billing_mark = "billing.";
    // credential.card, credentials.ext_test0.card: nothing was given at all.
    if (field.starts_with("credential") && field.ends_with(".card")) return "card_number";
    const auto at = field.rfind(mark);
    if (at == std::string_view::npos || (at > 0 && field[at - 1] != '.')) return {};
    auto member = field.substr(at + mark.size());
    const bool billing = member.starts_with(billing_mark);
    if (billing) member.remove_prefix(billing_mark.size());
    const auto look = [member](const auto& rows) {
        for (const auto& row : rows)
            if (row.member == member) return std::string(row.name);
        return std::string();
    };
    return billing ? look(billing_parameters) : look(parameters);
}

std::optional<HttpResponse> card_response(const Error& error) {
    const auto fault = card::fault_of(error);
    if (!fault) return std::nullopt;
    const auto* row = std::find_if(std::begin(fault_rows), std::end(fault_rows),
                                   [&](const FaultRow& each) { return each.fault == *fault; });
    KASSI_ENSURE(row != std::end(fault_rows));
    const auto text =
        row->literal.empty() ? card_parameter(error.field) + ": " + error.message : std::string(row->literal);
    return rejection(row->code, text);
}

}  // namespace kassi::api::f13
