#include "providers/credentials/apple_pay_content.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "providers/credentials/apple_pay_member.hpp"
#include "providers/credentials/wiped_json.hpp"

namespace kassi::providers::apple_pay {
namespace {

using nlohmann::json;

/// The content, its payment data or its list of other merchants' authentications, and an object in that.
constexpr int levels_max = 6;
constexpr std::size_t device_bytes_max = 64;
constexpr std::size_t number_digits_min = 12;
/// A text of this capacity leaves no copy behind when it is moved.
constexpr std::size_t on_the_heap = 32;

Secret<> kept(std::string_view text) {
    std::string copy;
    copy.reserve(std::max(text.size(), on_the_heap));
    copy = text;
    return Secret<>{std::move(copy)};
}

// ---- currencies by their number --------------------------------------------------------------------------
/// base/money is asked by letters; here they come as three digits.
std::map<int, Currency> all_by_number() {
    std::map<int, Currency> all;
    std::array<char, 3> code{};
    for (code[0] = 'A'; code[0] <= 'Z'; ++code[0])
        for (code[1] = 'A'; code[1] <= 'Z'; ++code[1])
            for (code[2] = 'A'; code[2] <= 'Z'; ++code[2])
                if (const auto currency = Currency::parse({code.data(), code.size()}, ""))
                    all.emplace(currency->number(), *currency);
    return all;
}

std::optional<Currency> currency_by_number(std::string_view digits) {
    static const std::map<int, Currency> all = all_by_number();
    if (digits.size() != 3 || !card::is_digits(digits)) return std::nullopt;
    const int number = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    const auto found = all.find(number);
    return found == all.end() ? std::nullopt : std::optional(found->second);
}

// ---- members ---------------------------------------------------------------------------------------------
/// 1250 with 2 places, for a currency with 0: nothing, since nobody could pay half a króna.
std::optional<std::int64_t> in_minor_units(std::int64_t amount, int places_said, int places) {
    for (; places_said < places; ++places_said) {
        if (amount > payment_minor_max) return std::nullopt;
        amount *= 10;
    }
    for (; places_said > places; --places_said) {
        if (amount % 10 != 0) return std::nullopt;
        amount /= 10;
    }
    if (amount < 1 || amount > payment_minor_max) return std::nullopt;
    return amount;
}

std::optional<Error> read_amount(const json& root, const Exponents& exponents, Money& out) {
    const auto currency = currency_by_number(text_of(root, "currencyCode").value_or(""));
    if (!currency) return wrong("currencyCode is no currency of ISO 4217 in three digits");
    const auto amount = root.find("transactionAmount");
    if (amount == root.end() || !amount->is_number_integer())
        return wrong("transactionAmount is not a whole number");
    const auto named = std::find_if(exponents.begin(), exponents.end(),
                                    [&](const auto& each) { return each.first == *currency; });
    const int places = named == exponents.end() ? currency->places() : named->second;
    const auto minor = in_minor_units(amount->get<std::int64_t>(), places, currency->places());
    if (!minor) return wrong("transactionAmount is no amount that can be paid");
    out = {*minor, *currency};
    return std::nullopt;
}

std::optional<Error> read_number(const json& root, network_token::NetworkToken& out) {
    const auto number = text_of(root, "applicationPrimaryAccountNumber").value_or("");
    const auto scheme = card::scheme_of(number);
    if (!scheme || number.size() < number_digits_min || number.size() > card::number_digits_max)
        return wrong("applicationPrimaryAccountNumber is no number of a card");
    if (*scheme != card::Scheme::visa && *scheme != card::Scheme::mastercard)
        return wrong("cards of " + std::string(card::title(*scheme)) + " are not accepted by Apple Pay here");
    out.scheme = *scheme;
    out.number = kept(number);
    return std::nullopt;
}

/// YYMMDD, a day that is.
std::optional<Error> read_expiry(const json& root, network_token::NetworkToken& out) {
    const auto text = text_of(root, "applicationExpirationDate").value_or("");
    const auto pair = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    constexpr std::size_t date_digits = 6;
    if (text.size() == date_digits && card::is_digits(text)) {
        const std::chrono::year_month_day date{std::chrono::year(2000 + pair(0)),
                                               std::chrono::month(static_cast<unsigned>(pair(2))),
                                               std::chrono::day(static_cast<unsigned>(pair(4)))};
        if (date.ok()) {
            out.expiry = {2000 + pair(0), pair(2)};
            return std::nullopt;
        }
    }
    return wrong("applicationExpirationDate is not a date as YYMMDD");
}

std::optional<Error> read_cryptogram(const json& root, network_token::NetworkToken& out) {
    const auto type = text_of(root, "paymentDataType").value_or("");
    if (type == "EMV") return wrong("EMV payment data is not supported");
    if (type != "3DSecure") return wrong("paymentDataType is not 3DSecure");
    const auto data = root.find("paymentData");
    if (data == root.end() || !data->is_object()) return wrong("lacks the object paymentData");
    const auto cryptogram = text_of(*data, "onlinePaymentCryptogram").value_or("");
    if (!network_token::is_cryptogram(cryptogram)) return wrong("onlinePaymentCryptogram is none in Base64");
    out.cryptogram = kept(cryptogram);
    if (data->contains("eciIndicator")) {
        const auto eci = text_of(*data, "eciIndicator");
        if (!eci || (!eci->empty() && !network_token::is_eci(*eci)))
            return wrong("eciIndicator is not a text of one or two digits");
        out.eci = *eci;
    }
    // The device authenticated its user, whatever the scheme's indicator says of who bears the risk: Visa's
    // are 07 more often than not (reference/borgun.md section 6.2).
    out.level = "2";
    return std::nullopt;
}

std::optional<Error> read_device(const json& root, std::string& out) {
    if (!root.contains("deviceManufacturerIdentifier")) return std::nullopt;
    const auto text = text_of(root, "deviceManufacturerIdentifier").value_or("-");
    if (text.size() > device_bytes_max || !encoding::from_hex(text, ""))
        return wrong("deviceManufacturerIdentifier is not hex");
    out = text;
    return std::nullopt;
}

}  // namespace

Result<Exponents> read_exponents(const std::vector<std::pair<std::string, int>>& from) {
    Exponents out;
    for (const auto& [code, places] : from) {
        const auto currency = Currency::parse(code, "exponents");
        if (!currency) return currency.error();
        if (places < 0 || places > exponent_max)
            return bad_request("exponents", "has places that are not 0 to " + std::to_string(exponent_max));
        out.emplace_back(*currency, places);
    }
    return out;
}

Result<Opened> read_content(std::string_view plain, const Exponents& exponents) {
    const auto parsed = WipedJson::parse(plain, levels_max);
    if (!parsed || !parsed->root().is_object()) return wrong("its content is no well-formed JSON object");
    const auto& root = parsed->root();
    Opened out;
    if (auto fault = read_amount(root, exponents, out.amount)) return *fault;
    if (auto fault = read_number(root, out.card)) return *fault;
    if (auto fault = read_expiry(root, out.card)) return *fault;
    if (auto fault = read_cryptogram(root, out.card)) return *fault;
    if (auto fault = read_device(root, out.device)) return *fault;
    return out;
}

}  // namespace kassi::providers::apple_pay
