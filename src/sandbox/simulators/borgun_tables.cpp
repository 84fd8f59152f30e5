#include "sandbox/simulators/borgun_tables.hpp"

#include <algorithm>
#include <array>

#include "base/result.hpp"

namespace kassi::sandbox::borgun {
namespace {

constexpr std::array<CurrencyRow, 18> currencies{{{"352", "ISK", 2, 0},
                                                  {"978", "EUR", 2, 2},
                                                  {"840", "USD", 2, 2},
                                                  {"826", "GBP", 2, 2},
                                                  {"208", "DKK", 2, 2},
                                                  {"578", "NOK", 2, 2},
                                                  {"752", "SEK", 2, 2},
                                                  {"756", "CHF", 2, 2},
                                                  {"124", "CAD", 2, 2},
                                                  {"348", "HUF", 2, 2},
                                                  {"048", "BHD", 2, 3},
                                                  {"036", "AUD", 2, 2},
                                                  {"643", "RUB", 2, 2},
                                                  {"985", "PLN", 2, 2},
                                                  {"946", "RON", 2, 2},
                                                  {"191", "HRK", 2, 2},
                                                  {"203", "CZK", 2, 2},
                                                  {"392", "JPY", 0, 0}}};

constexpr auto actions = std::to_array<ActionRow>({{"000", "Approved", false},
                                                   {"100", "Do not honour", false},
                                                   {"101", "Expired card", false},
                                                   {"102", "Suspected card forgery", false},
                                                   {"103", "Merchant call acquirer", false},
                                                   {"104", "Restricted card", false},
                                                   {"106", "Allowed PIN retries exceeded", false},
                                                   {"109", "Merchant not identified", false},
                                                   {"110", "Invalid amount", false},
                                                   {"111", "Invalid card number", false},
                                                   {"112", "PIN required", false},
                                                   {"116", "Not sufficient funds", false},
                                                   {"117", "Invalid PIN", false},
                                                   {"118", "Unknown card", false},
                                                   {"119", "Not allowed to cardholder", false},
                                                   {"120", "Not allowed to terminal", false},
                                                   {"121", "Exceeds limit", false},
                                                   {"125", "Card not valid", false},
                                                   {"126", "Invalid PIN block", false},
                                                   {"129", "Suspected fraud", false},
                                                   {"130", "Customer authentication required", false},
                                                   {"131", "Invalid expiry date", false},
                                                   {"161", "DCC not allowed to cardholder", false},
                                                   {"162", "DCC currency not supported", false},
                                                   {"163", "DCC rate too old", false},
                                                   {"164", "DCC not allowed to terminal", false},
                                                   {"165", "DCC not allowed to merchant", false},
                                                   {"166", "DCC unknown error", false},
                                                   {"200", "Do not honour, pick up card", false},
                                                   {"201", "Card not valid, pick up", false},
                                                   {"202", "Suspected forgery, pick up", false},
                                                   {"203", "Contact acquirer, pick up", false},
                                                   {"204", "Restricted card, pick up", false},
                                                   {"205", "Contact police, pick up", false},
                                                   {"206", "PIN retries exceeded, pick up", false},
                                                   {"207", "Special condition, pick up", false},
                                                   {"208", "Lost card, pick up", false},
                                                   {"209", "Stolen card, pick up", false},
                                                   {"210", "Suspected fraud, pick up", false},
                                                   {"902", "Invalid transaction", false},
                                                   {"904", "Format error", true},
                                                   {"907", "Issuer not operating", false},
                                                   {"908", "Destination not available", false},
                                                   {"909", "System error", true},
                                                   {"910", "Issuer not operating", false},
                                                   {"911", "Issuer timed out", false},
                                                   {"912", "Issuer not available", false},
                                                   {"913", "Duplicate transmission", false},
                                                   {"914", "Original transaction not found", false},
                                                   {"916", "Merchant not found", false},
                                                   {"950", "Batch error", false},
                                                   {"951", "Batch error", false},
                                                   {"952", "Batch error", false},
                                                   {"953", "Host timeout", true},
                                                   {"954", "Batch error", false},
                                                   {"955", "Merchant not active", false},
                                                   {"956", "Transaction number not unique", false},
                                                   {"997", "RPG error", true},
                                                   {"998", "RPG error", true},
                                                   {"999", "RPG error", true}});

constexpr auto md = std::to_array<MdRow>({{0, "Not authenticated", "Y", "N", ""},
                                          {1, "Authenticated", "Y", "Y", "2"},
                                          {2, "Cardholder not participating", "N", "", "1"},
                                          {3, "Issuer not participating", "N", "", "1"},
                                          {4, "Attempt", "Y", "A", "1"},
                                          {5, "Authentication unavailable", "U", "U", "0"},
                                          {6, "3-D Secure error", "U", "U", "0"},
                                          {7, "MPI error", "U", "U", ""},
                                          {8, "Blocked by fraud score", "Y", "R", ""},
                                          {9, "Pending", "Y", "C", ""},
                                          {50, "3DS Method step required", "Y", "", ""},
                                          {91, "Network error", "U", "", "0"},
                                          {92, "Directory error", "U", "", "0"},
                                          {93, "Configuration error", "U", "", "0"},
                                          {94, "Merchant input error", "U", "", "0"},
                                          {95, "No directory for the card range", "U", "", "0"},
                                          {96, "No 3DS 2 directory", "U", "", "0"},
                                          {97, "Live transaction not found", "U", "", "0"},
                                          {99, "System error", "U", "", "0"}});

/// A range of our own: nobody issues in it, so every combination has a number.
constexpr std::string_view own_visa = "455500";
constexpr std::string_view own_mastercard = "555500";
constexpr std::size_t own_digits = 16;

constexpr std::int64_t amount_base = 900'000;

const std::array<CardRow, 18>& rows() {
    static const std::array<CardRow, 18> all{{
        {"5587402000012011", {.protocol = 1}, "approves, 3DS 1 challenge"},
        {"5455330200000016", {.enrolls = 1}, "approves, frictionless"},
        {"4155520000000002", {.code = "121"}, "declined with 121"},
        {"4741520000000003", {}, "approves, 3DS 2 challenge"},
        {"4176669999000104", {.enrolls = 2}, "approves, not enrolled in 3-D Secure"},
        {"6799999999593", {.enrolls = 2, .code = "111"}, "declined with 111, not enrolled"},
        {"4111111111111111", {}, "approves with and without 3-D Secure, 3DS 2 challenge"},
        {"4000000000003220", {.needs_3ds = true}, "130 without 3-D Secure, 3DS 2 challenge"},
        {"0002", {.code = "121"}, "declined with 121"},
        {"0005", {.exponent_zero_fails = true}, "MdStatus 5 for Exponent 0, 3DS 2 challenge for 2"},
        {"0008", {.enrolls = 8}, "MdStatus 8"},
        {"0009", {}, "3DS 2 challenge"},
        {"1009", {.protocol = 1}, "3DS 1 challenge"},
        {"0016", {.enrolls = 1}, "frictionless"},
        {"0050", {.method = true}, "3DS Method, then a 3DS 2 challenge"},
        {"0130", {.needs_3ds = true}, "130 without 3-D Secure"},
        {"0953", {.code = "953"}, "953, nothing was charged"},
        {"1953", {.code = "953", .charges_anyway = true}, "953, and charged all the same"},
    }};
    return all;
}

void set_code(Plan& plan, std::string_view code) {
    plan.needs_3ds = code == "130";
    plan.code = plan.needs_3ds ? "000" : std::string(code);
}

Plan own_plan(std::string_view pan) {
    Plan plan;
    const auto how = static_cast<How>(pan[6]);
    const int status = (pan[7] - '0') * 10 + (pan[8] - '0');
    plan.protocol = how == How::challenge_1 ? 1 : 2;
    plan.method = how == How::method_challenge || how == How::method;
    const bool challenge = how == How::challenge_1 || how == How::challenge_2 || how == How::method_challenge;
    plan.enrolls = challenge ? 9 : status;
    plan.ends = challenge ? status : 1;
    set_code(plan, pan.substr(13));
    plan.charges_anyway = pan[12] == '1';
    return plan;
}

int luhn_sum(std::string_view digits) {
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        int digit = digits[digits.size() - 1 - i] - '0';
        if (i % 2 == 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum;
}

}  // namespace

const CurrencyRow* currency_of_number(std::string_view number) {
    const auto found = std::find_if(currencies.begin(), currencies.end(),
                                    [&](const CurrencyRow& row) { return row.number == number; });
    return found == currencies.end() ? nullptr : &*found;
}

const CurrencyRow* currency_of_code(std::string_view code) {
    const auto found = std::find_if(currencies.begin(), currencies.end(),
                                    [&](const CurrencyRow& row) { return row.code == code; });
    return found == currencies.end() ? nullptr : &*found;
}

std::span<const ActionRow> action_rows() {
    return actions;
}

const ActionRow* action_of(std::string_view code) {
    const auto found =
        std::find_if(actions.begin(), actions.end(), [&](const ActionRow& row) { return row.code == code; });
    return found == actions.end() ? nullptr : &*found;
}

std::span<const MdRow> md_rows() {
    return md;
}

MdRow md_of(int status) {
    const auto found =
        std::find_if(md.begin(), md.end(), [&](const MdRow& row) { return row.status == status; });
    return found == md.end() ? MdRow{status, "Unknown", "U", "U", ""} : *found;
}

std::span<const CardRow> card_rows() {
    return rows();
}

Plan plan_of(std::string_view pan) {
    const std::string_view ending = pan.substr(pan.size() - std::min<std::size_t>(pan.size(), 4));
    const auto row_of = [](std::string_view number) {
        return std::find_if(rows().begin(), rows().end(),
                            [&](const CardRow& row) { return row.number == number; });
    };
    if (const auto whole = row_of(pan); whole != rows().end()) return whole->plan;
    if (pan.size() == own_digits && (pan.starts_with(own_visa) || pan.starts_with(own_mastercard)))
        return own_plan(pan);
    if (const auto end = row_of(ending); end != rows().end()) return end->plan;
    Plan plan;
    if (ending.size() == 4 && ending[0] == '0' && action_of(ending.substr(1)) != nullptr)
        set_code(plan, ending.substr(1));
    return plan;
}

std::string test_card(How how, int md_status, std::string_view code, bool mastercard, bool charges_anyway) {
    KASSI_ENSURE(md_status >= 0 && md_status <= 99 && code.size() == 3);
    std::string pan(mastercard ? own_mastercard : own_visa);
    pan += static_cast<char>(how);
    pan += static_cast<char>('0' + md_status / 10);
    pan += static_cast<char>('0' + md_status % 10);
    pan += "000";
    pan += charges_anyway ? '1' : '0';
    pan += code;
    // The twelfth digit counts once: it can make up for any rest.
    pan[11] = static_cast<char>('0' + (10 - luhn_sum(pan) % 10) % 10);
    KASSI_ENSURE(passes_luhn(pan));
    return pan;
}

std::optional<std::string> code_of_amount(std::int64_t amount, const CurrencyRow& currency, Call call) {
    const std::int64_t unit = currency.places == 0 ? 1 : 100;
    const std::int64_t code = amount / unit - amount_base - static_cast<std::int64_t>(call) * 1'000;
    if (amount % unit != 0 || code < 1 || code > 999) return std::nullopt;
    std::string text = std::to_string(code);
    return std::string(3 - text.size(), '0') + text;
}

bool passes_luhn(std::string_view digits) {
    return !digits.empty() &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
           luhn_sum(digits) % 10 == 0;
}

std::string_view card_type(std::string_view pan) {
    const std::string_view two = pan.substr(0, 2);
    if (pan.starts_with("4")) return "Visa";
    if ((two >= "51" && two <= "55") || (pan.substr(0, 4) >= "2221" && pan.substr(0, 4) <= "2720"))
        return "MasterCard";
    if (two == "34" || two == "37") return "Amex";
    if (two == "35") return "JCB";
    if (two == "36" || two == "38") return "Diners";
    if (two == "50" || (two >= "56" && two <= "69")) return "Maestro";
    return "Unknown";
}

std::string masked(std::string_view pan) {
    if (pan.size() < 11) return std::string(pan.size(), '*');
    return std::string(pan.substr(0, 6)) + std::string(pan.size() - 10, '*') +
           std::string(pan.substr(pan.size() - 4));
}

}  // namespace kassi::sandbox::borgun
