#include "sandbox/shop/card.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "providers/credentials/card.hpp"

namespace kassi::sandbox::shop {
namespace {

using nlohmann::json;
namespace card = providers::card;

constexpr std::string_view number_field = "card_number", expiry_field = "card_expiry", cvc_field = "card_cvc";
constexpr std::size_t month_bytes_max = 16;
constexpr std::string_view sample_cvc = "123";

constexpr std::array<SampleCard, 6> samples{{
    {"frictionless", "5455 3302 0000 0016", "", "The bank asks nothing: paid at once."},
    {"3ds1", "5587 4020 0001 2011", "", "The bank asks, by 3-D Secure 1."},
    {"3ds2", "4741 5200 0000 0003", "", "The bank asks, by 3-D Secure 2."},
    {"declined", "4155 5200 0000 0002", "", "The bank asks, and then the payment is declined."},
    {"method", "5555 5500 0001 0050", "",
     "The bank wants a look at the browser first (3DS Method), then asks."},
    {"guide", "4111 1111 1111 1111", "04 / 19",
     "The card of the F13 guide: it ran out long ago, which this account forgives. The bank asks."},
}};

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void wipe_text(std::string& text) {
    wipe(text.data(), text.size());
    text.clear();
}

/// December of the year after: good for as long as anybody looks at the page.
std::string month_to_come(Instant now) {
    constexpr int century = 100;
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(now)};
    const auto year = std::to_string((static_cast<int>(date.year()) + 1) % century);
    return "12 / " + std::string(2 - year.size(), '0') + year;
}

}  // namespace

std::string card_month(std::string_view typed) {
    std::string text;
    for (const char c : typed.substr(0, month_bytes_max))
        if (c != ' ') text += c;
    const auto mark = text.find_first_of("/-.");
    std::string month = text.substr(0, mark), year;
    if (mark != std::string::npos) {
        year = text.substr(mark + 1);
    } else if (text.size() == 4 || text.size() == 6) {
        month = text.substr(0, 2);
        year = text.substr(2);
    }
    if (month.size() == 1) month.insert(0, 1, '0');
    if (year.size() == 4 && year.starts_with("20")) year.erase(0, 2);
    const bool is_month = month.size() == 2 && year.size() == 2 && is_digits(month) && is_digits(year);
    return is_month ? month + year : text;
}

std::optional<core::Credential> take_card(Fields& fields) {
    JsonWriter json;
    json.begin_object();
    bool any = false;
    for (auto& [name, value] : fields) {
        const auto member = name == number_field   ? "number"
                            : name == expiry_field ? "expiry"
                            : name == cvc_field    ? "cvc"
                                                   : "";
        if (*member == '\0') continue;
        // A name that comes twice is no card that anybody typed: its first value counts.
        const auto again = json.text().find("\"" + std::string(member) + "\":") != std::string::npos;
        if (!again) json.field(member, name == expiry_field ? card_month(value) : value);
        any = true;
        wipe_text(value);
        name.clear();
    }
    json.end_object();
    std::erase_if(fields, [](const auto& field) { return field.first.empty() && field.second.empty(); });
    if (!any) return std::nullopt;
    return core::Credential{std::string(card::credential_kind), json.take()};
}

std::optional<CardFault> card_fault(const Error& error) {
    constexpr std::string_view whole = "credential.card", start = "credential.card.";
    if (error.field != whole && !error.field.starts_with(start)) return std::nullopt;
    CardFault fault;
    if (error.field != whole) fault.member = error.field.substr(start.size());
    constexpr std::array<std::string_view, 3> shown{"number", "expiry", "cvc"};
    const bool known = std::find(shown.begin(), shown.end(), fault.member) != shown.end();
    // The form has no field for it: the sentence must say of what it speaks.
    const bool is_sentence = card::fault_of(error).has_value();
    fault.text = is_sentence || known ? error.message : "The card " + error.message;
    if (!known) fault.member.clear();
    if (!fault.text.ends_with('.')) fault.text += '.';
    return fault;
}

std::span<const SampleCard> sample_cards() {
    return samples;
}

const SampleCard* find_sample(std::string_view key) {
    const auto found = std::find_if(samples.begin(), samples.end(),
                                    [key](const SampleCard& each) { return each.key == key; });
    return found == samples.end() ? nullptr : &*found;
}

void add_card(json& content, const std::string& self, const SampleCard* sample,
              const std::optional<CardFault>& fault, Instant now) {
    json listed = json::array();
    for (const auto& each : samples)
        listed.push_back({{"key", each.key},
                          {"number", each.number},
                          {"expiry", each.expiry},
                          {"about", each.about},
                          {"chosen", &each == sample},
                          {"fill", self + "&sample=" + std::string(each.key)}});
    content["samples"] = std::move(listed);
    if (sample != nullptr) {
        content["number"] = sample->number;
        content["expiry"] = sample->expiry.empty() ? month_to_come(now) : std::string(sample->expiry);
        content["cvc"] = sample_cvc;
    }
    if (!fault) return;
    if (fault->member.empty())
        content["notice"] = fault->text;
    else
        content[fault->member + "_fault"] = fault->text;
}

}  // namespace kassi::sandbox::shop
