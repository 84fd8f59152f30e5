#include "providers/credentials/card.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "providers/credentials/wiped_json.hpp"

namespace kassi::providers::card {
namespace {

using nlohmann::json;

// ---- schemes -------------------------------------------------------------------------------------------
struct SchemeRow {
    Scheme scheme;
    std::string_view word, title;
    std::size_t cvc_digits;
};
constexpr SchemeRow schemes[] = {
    {Scheme::visa, "visa", "Visa", 3},
    {Scheme::mastercard, "mastercard", "Mastercard", 3},
    {Scheme::maestro, "maestro", "Maestro", 3},
    {Scheme::amex, "amex", "American Express", 4},
    {Scheme::diners, "diners", "Diners", 3},
    {Scheme::discover, "discover", "Discover", 3},
    {Scheme::jcb, "jcb", "JCB", 3},
    {Scheme::unionpay, "unionpay", "UnionPay", 3},
};

/// Which first digits belong to whom (ISO/IEC 7812), the first row that fits.
struct PrefixRow {
    std::string_view low, high;  ///< of equal length
    Scheme scheme;
    std::size_t digits_min, digits_max;
    bool issue_or_start = false;  ///< Switch and Solo as they were: one of the two is on the card
};
constexpr PrefixRow prefixes[] = {
    {"4", "4", Scheme::visa, 13, 19},
    {"51", "55", Scheme::mastercard, 16, 16},
    {"2221", "2720", Scheme::mastercard, 16, 16},
    {"34", "34", Scheme::amex, 15, 15},
    {"37", "37", Scheme::amex, 15, 15},
    {"300", "305", Scheme::diners, 14, 19},
    {"3095", "3095", Scheme::diners, 14, 19},
    {"36", "36", Scheme::diners, 14, 19},
    {"38", "39", Scheme::diners, 14, 19},
    {"3528", "3589", Scheme::jcb, 16, 19},
    {"6011", "6011", Scheme::discover, 16, 19},
    {"644", "649", Scheme::discover, 16, 19},
    {"65", "65", Scheme::discover, 16, 19},
    {"62", "62", Scheme::unionpay, 16, 19},
    {"81", "81", Scheme::unionpay, 16, 19},
    {"6334", "6334", Scheme::maestro, 16, 19, true},
    {"6759", "6759", Scheme::maestro, 12, 19, true},
    {"6767", "6767", Scheme::maestro, 16, 19, true},
    {"50", "50", Scheme::maestro, 12, 19},
    {"56", "58", Scheme::maestro, 12, 19},
    {"6", "6", Scheme::maestro, 12, 19},
};

const PrefixRow* prefix_of(std::string_view digits) {
    const auto* found = std::find_if(std::begin(prefixes), std::end(prefixes), [&](const PrefixRow& row) {
        const auto begin = digits.substr(0, row.low.size());
        return begin.size() == row.low.size() && begin >= row.low && begin <= row.high;
    });
    return found == std::end(prefixes) ? nullptr : found;
}

const SchemeRow& row_of(Scheme scheme) {
    return *std::find_if(std::begin(schemes), std::end(schemes),
                         [&](const SchemeRow& row) { return row.scheme == scheme; });
}

// ---- texts ---------------------------------------------------------------------------------------------
bool passes_luhn(std::string_view digits) {
    int sum = 0;
    bool doubled = false;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, doubled = !doubled) {
        const int value = (*digit - '0') * (doubled ? 2 : 1);
        sum += value > 9 ? value - 9 : value;
    }
    return sum % 10 == 0;
}

/// Visa has no numbers of the lengths between these.
bool fits_length(const PrefixRow& row, std::size_t digits) {
    if (row.scheme == Scheme::visa) return digits == 13 || digits == 16 || digits == 19;
    return digits >= row.digits_min && digits <= row.digits_max;
}

// ---- the form ------------------------------------------------------------------------------------------
constexpr std::string_view members[] = {"number", "expiry", "start", "cvc", "issue"};
constexpr std::string_view billing_members[] = {"line_one", "line_two", "town",
                                                "county",   "postcode", "country"};

bool is_one_of(std::string_view name, const auto& all) {
    return std::find(std::begin(all), std::end(all), name) != std::end(all);
}

std::optional<Error> check_billing(const json& billing) {
    if (!billing.is_object()) return bad_request("card.billing", "is not an object");
    for (const auto& [name, value] : billing.items()) {
        if (!is_one_of(name, billing_members))
            return bad_request("card.billing", "has a member that is not known");
        if (!value.is_string() || value.get_ref<const std::string&>().size() > billing_bytes_max)
            return bad_request("card.billing." + name,
                               "is not a text of at most " + std::to_string(billing_bytes_max) + " bytes");
    }
    return std::nullopt;
}

std::optional<Error> check_form(const json& root) {
    if (!root.is_object()) return bad_request("card", "is not a JSON object");
    for (const auto& [name, value] : root.items()) {
        if (name == "billing") {
            if (auto wrong = check_billing(value)) return wrong;
            continue;
        }
        if (!is_one_of(name, members)) return bad_request("card", "has a member that is not known");
        if (!value.is_string()) return bad_request("card." + name, "is not a text");
    }
    return std::nullopt;
}

/// A text of this capacity leaves no copy behind when it is moved.
constexpr std::size_t on_the_heap = 32;

// ---- plausible or not ----------------------------------------------------------------------------------
class Check {
  public:
    Check(const WipedJson& parsed, const Rules& rules, Instant now)
        : parsed_(parsed), rules_(rules), today_(month_of(now)) {}

    Read run() {
        number();
        expiry();
        cvc();
        start();
        issue();
        missing_issue();
        std::sort(read_.faults.begin(), read_.faults.end());
        return std::move(read_);
    }

  private:
    void fault(Fault what) { read_.faults.push_back(what); }

    void number() {
        const auto text = parsed_.text("number");
        std::string digits;
        digits.reserve(std::max(text.size(), on_the_heap));
        for (const char c : text)
            if (c != ' ' && c != '-') digits += c;
        read_.card.number = Secret<>{std::move(digits)};
        const std::string_view number = read_.card.number.reveal();
        prefix_ = is_digits(number) ? prefix_of(number) : nullptr;
        if (prefix_ == nullptr) return fault(Fault::scheme_unknown);
        read_.card.scheme = prefix_->scheme;
        const auto& accepted = rules_.accepted;
        if (!accepted.empty() &&
            std::find(accepted.begin(), accepted.end(), prefix_->scheme) == accepted.end())
            fault(Fault::scheme_not_accepted);
        if (!is_number(number)) fault(Fault::number_invalid);
    }

    void expiry() {
        const auto month = read_month(parsed_.text("expiry"));
        if (!month) return fault(Fault::expiry_invalid);
        read_.card.expiry = *month;
        if (*month < today_ && !rules_.forgives_expiry) fault(Fault::expired);
    }

    void cvc() {
        const auto text = parsed_.text("cvc");
        if (text.empty()) return rules_.wants_cvc ? fault(Fault::cvc_missing) : void();
        const bool length_fits = prefix_ == nullptr ? text.size() == 3 || text.size() == 4
                                                    : text.size() == row_of(prefix_->scheme).cvc_digits;
        if (!is_digits(text) || !length_fits) return fault(Fault::cvc_invalid);
        std::string digits;
        digits.reserve(on_the_heap);
        digits = text;
        read_.card.cvc = Secret<>{std::move(digits)};
    }

    void start() {
        const auto text = parsed_.text("start");
        if (text.empty()) return;
        const auto month = read_month(text, today_.year);
        const bool before_expiry = !month || read_.card.expiry.month == 0 || *month <= read_.card.expiry;
        if (!month || *month > today_ || !before_expiry) return fault(Fault::start_invalid);
        read_.card.start = month;
    }

    void issue() {
        const auto text = parsed_.text("issue");
        if (text.empty()) return;
        if (!is_digits(text) || text.size() > 2) return fault(Fault::issue_invalid);
        read_.card.issue = text;
    }

    void missing_issue() {
        if (prefix_ == nullptr || !prefix_->issue_or_start) return;
        if (!parsed_.text("issue").empty() || !parsed_.text("start").empty()) return;
        fault(Fault::issue_missing);
        fault(Fault::start_missing);
    }

    const WipedJson& parsed_;
    const Rules& rules_;
    const Month today_;
    const PrefixRow* prefix_ = nullptr;
    Read read_;
};

struct FaultRow {
    Fault fault;
    std::string_view member, text;
};
constexpr FaultRow fault_rows[] = {
    {Fault::scheme_unknown, "number", "The card is of no kind that we know."},
    {Fault::scheme_not_accepted, "number", "Cards of this kind are not accepted."},
    {Fault::number_invalid, "number", "The card number is not valid."},
    {Fault::expiry_invalid, "expiry", "The card's expiry date is not valid."},
    {Fault::expired, "expiry", "The card has expired."},
    {Fault::cvc_missing, "cvc", "The card's security code is missing."},
    {Fault::cvc_invalid, "cvc", "The card's security code is not valid."},
    {Fault::issue_missing, "issue", "The card's issue number or start date is missing."},
    {Fault::issue_invalid, "issue", "The card's issue number is not valid."},
    {Fault::start_missing, "start", "The card's start date or issue number is missing."},
    {Fault::start_invalid, "start", "The card's start date is not valid."},
};

const FaultRow& row_of(Fault fault) {
    return *std::find_if(std::begin(fault_rows), std::end(fault_rows),
                         [&](const FaultRow& row) { return row.fault == fault; });
}

}  // namespace

std::string_view word(Scheme scheme) {
    return row_of(scheme).word;
}

std::string_view title(Scheme scheme) {
    return row_of(scheme).title;
}

std::optional<Scheme> scheme_from_word(std::string_view text) {
    for (const auto& row : schemes)
        if (row.word == text) return row.scheme;
    return std::nullopt;
}

std::optional<Scheme> scheme_of(std::string_view digits) {
    const auto* row = is_digits(digits) ? prefix_of(digits) : nullptr;
    return row == nullptr ? std::nullopt : std::optional(row->scheme);
}

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_number(std::string_view digits) {
    const auto* row = is_digits(digits) ? prefix_of(digits) : nullptr;
    return row != nullptr && fits_length(*row, digits.size()) && passes_luhn(digits);
}

std::optional<Month> read_month(std::string_view text, int latest_year) {
    constexpr int century = 100;
    if (text.size() != 4 || !is_digits(text)) return std::nullopt;
    const int month = (text[0] - '0') * 10 + (text[1] - '0');
    int year = 2000 + (text[2] - '0') * 10 + (text[3] - '0');
    if (year > latest_year) year -= century;
    if (month < 1 || month > 12) return std::nullopt;
    return Month{year, month};
}

Month month_of(Instant at) {
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(at)};
    return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month()))};
}

std::string_view member_of(Fault fault) {
    return row_of(fault).member;
}

std::string_view text_of(Fault fault) {
    return row_of(fault).text;
}

Error error_of(Fault fault) {
    return bad_request("card." + std::string(member_of(fault)), std::string(text_of(fault)));
}

std::optional<Fault> fault_of(const Error& error) {
    for (const auto& row : fault_rows)
        if (error.message == row.text && error.field.ends_with("card." + std::string(row.member)))
            return row.fault;
    return std::nullopt;
}

Result<Read> read(std::string_view text, const Rules& rules, Instant now) {
    constexpr int levels_max = 2;
    if (text.size() > text_bytes_max)
        return bad_request("card", "has more than " + std::to_string(text_bytes_max) + " bytes");
    const auto parsed = WipedJson::parse(text, levels_max);
    if (!parsed) return bad_request("card", "is no well-formed JSON object");
    if (auto wrong = check_form(parsed->root())) return *wrong;
    return Check(*parsed, rules, now).run();
}

}  // namespace kassi::providers::card
