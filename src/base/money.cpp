#include "base/money.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace kassi {
namespace {

struct Row {
    std::string_view code;
    int number;
    int places;
    std::string_view pre;
    std::string_view post;
};

// ISO 4217, list one: the active currencies, without precious metals, test codes and most funds codes. Row 0
// is "no currency"; the others are sorted by code. A currency without a well-known symbol of its own is
// written with its code behind the amount.
// clang-format off
constexpr auto table = std::to_array<Row>({
    {"XXX", 999, 0, "", " XXX"},
    {"AED", 784, 2, "", " AED"},
    {"AFN", 971, 2, "", " AFN"},
    {"ALL", 8, 2, "", " ALL"},
    {"AMD", 51, 2, "", " AMD"},
    {"AOA", 973, 2, "", " AOA"},
    {"ARS", 32, 2, "", " ARS"},
    {"AUD", 36, 2, "A$", ""},
    {"AWG", 533, 2, "", " AWG"},
    {"AZN", 944, 2, "", " AZN"},
    {"BAM", 977, 2, "", " BAM"},
    {"BBD", 52, 2, "", " BBD"},
    {"BDT", 50, 2, "", " BDT"},
    {"BHD", 48, 3, "", " BHD"},
    {"BIF", 108, 0, "", " BIF"},
    {"BMD", 60, 2, "", " BMD"},
    {"BND", 96, 2, "", " BND"},
    {"BOB", 68, 2, "", " BOB"},
    {"BRL", 986, 2, "R$", ""},
    {"BSD", 44, 2, "", " BSD"},
    {"BTN", 64, 2, "", " BTN"},
    {"BWP", 72, 2, "", " BWP"},
    {"BYN", 933, 2, "", " BYN"},
    {"BZD", 84, 2, "", " BZD"},
    {"CAD", 124, 2, "CA$", ""},
    {"CDF", 976, 2, "", " CDF"},
    {"CHF", 756, 2, "", " CHF"},
    {"CLF", 990, 4, "", " CLF"},
    {"CLP", 152, 0, "", " CLP"},
    {"CNY", 156, 2, "CN¥", ""},
    {"COP", 170, 2, "", " COP"},
    {"CRC", 188, 2, "₡", ""},
    {"CUP", 192, 2, "", " CUP"},
    {"CVE", 132, 2, "", " CVE"},
    {"CZK", 203, 2, "", " Kč"},
    {"DJF", 262, 0, "", " DJF"},
    {"DKK", 208, 2, "", " kr."},
    {"DOP", 214, 2, "", " DOP"},
    {"DZD", 12, 2, "", " DZD"},
    {"EGP", 818, 2, "", " EGP"},
    {"ERN", 232, 2, "", " ERN"},
    {"ETB", 230, 2, "", " ETB"},
    {"EUR", 978, 2, "€", ""},
    {"FJD", 242, 2, "", " FJD"},
    {"FKP", 238, 2, "", " FKP"},
    {"GBP", 826, 2, "£", ""},
    {"GEL", 981, 2, "₾", ""},
    {"GHS", 936, 2, "GH₵", ""},
    {"GIP", 292, 2, "", " GIP"},
    {"GMD", 270, 2, "", " GMD"},
    {"GNF", 324, 0, "", " GNF"},
    {"GTQ", 320, 2, "", " GTQ"},
    {"GYD", 328, 2, "", " GYD"},
    {"HKD", 344, 2, "HK$", ""},
    {"HNL", 340, 2, "", " HNL"},
    {"HTG", 332, 2, "", " HTG"},
    {"HUF", 348, 2, "", " Ft"},
    {"IDR", 360, 2, "", " IDR"},
    {"ILS", 376, 2, "₪", ""},
    {"INR", 356, 2, "₹", ""},
    {"IQD", 368, 3, "", " IQD"},
    {"IRR", 364, 2, "", " IRR"},
    {"ISK", 352, 0, "", " kr."},
    {"JMD", 388, 2, "", " JMD"},
    {"JOD", 400, 3, "", " JOD"},
    {"JPY", 392, 0, "¥", ""},
    {"KES", 404, 2, "", " KES"},
    {"KGS", 417, 2, "", " KGS"},
    {"KHR", 116, 2, "", " KHR"},
    {"KMF", 174, 0, "", " KMF"},
    {"KPW", 408, 2, "", " KPW"},
    {"KRW", 410, 0, "₩", ""},
    {"KWD", 414, 3, "", " KWD"},
    {"KYD", 136, 2, "", " KYD"},
    {"KZT", 398, 2, "₸", ""},
    {"LAK", 418, 2, "", " LAK"},
    {"LBP", 422, 2, "", " LBP"},
    {"LKR", 144, 2, "", " LKR"},
    {"LRD", 430, 2, "", " LRD"},
    {"LSL", 426, 2, "", " LSL"},
    {"LYD", 434, 3, "", " LYD"},
    {"MAD", 504, 2, "", " MAD"},
    {"MDL", 498, 2, "", " MDL"},
    {"MGA", 969, 2, "", " MGA"},
    {"MKD", 807, 2, "", " MKD"},
    {"MMK", 104, 2, "", " MMK"},
    {"MNT", 496, 2, "", " MNT"},
    {"MOP", 446, 2, "", " MOP"},
    {"MRU", 929, 2, "", " MRU"},
    {"MUR", 480, 2, "", " MUR"},
    {"MVR", 462, 2, "", " MVR"},
    {"MWK", 454, 2, "", " MWK"},
    {"MXN", 484, 2, "MX$", ""},
    {"MYR", 458, 2, "", " MYR"},
    {"MZN", 943, 2, "", " MZN"},
    {"NAD", 516, 2, "", " NAD"},
    {"NGN", 566, 2, "₦", ""},
    {"NIO", 558, 2, "", " NIO"},
    {"NOK", 578, 2, "", " kr"},
    {"NPR", 524, 2, "", " NPR"},
    {"NZD", 554, 2, "NZ$", ""},
    {"OMR", 512, 3, "", " OMR"},
    {"PAB", 590, 2, "", " PAB"},
    {"PEN", 604, 2, "", " PEN"},
    {"PGK", 598, 2, "", " PGK"},
    {"PHP", 608, 2, "₱", ""},
    {"PKR", 586, 2, "", " PKR"},
    {"PLN", 985, 2, "", " zł"},
    {"PYG", 600, 0, "₲", ""},
    {"QAR", 634, 2, "", " QAR"},
    {"RON", 946, 2, "", " lei"},
    {"RSD", 941, 2, "", " RSD"},
    {"RUB", 643, 2, "", " ₽"},
    {"RWF", 646, 0, "", " RWF"},
    {"SAR", 682, 2, "", " SAR"},
    {"SBD", 90, 2, "", " SBD"},
    {"SCR", 690, 2, "", " SCR"},
    {"SDG", 938, 2, "", " SDG"},
    {"SEK", 752, 2, "", " kr"},
    {"SGD", 702, 2, "S$", ""},
    {"SHP", 654, 2, "", " SHP"},
    {"SLE", 925, 2, "", " SLE"},
    {"SOS", 706, 2, "", " SOS"},
    {"SRD", 968, 2, "", " SRD"},
    {"SSP", 728, 2, "", " SSP"},
    {"STN", 930, 2, "", " STN"},
    {"SVC", 222, 2, "", " SVC"},
    {"SYP", 760, 2, "", " SYP"},
    {"SZL", 748, 2, "", " SZL"},
    {"THB", 764, 2, "", " THB"},
    {"TJS", 972, 2, "", " TJS"},
    {"TMT", 934, 2, "", " TMT"},
    {"TND", 788, 3, "", " TND"},
    {"TOP", 776, 2, "", " TOP"},
    {"TRY", 949, 2, "₺", ""},
    {"TTD", 780, 2, "", " TTD"},
    {"TWD", 901, 2, "NT$", ""},
    {"TZS", 834, 2, "", " TZS"},
    {"UAH", 980, 2, "₴", ""},
    {"UGX", 800, 0, "", " UGX"},
    {"USD", 840, 2, "$", ""},
    {"UYI", 940, 0, "", " UYI"},
    {"UYU", 858, 2, "", " UYU"},
    {"UYW", 927, 4, "", " UYW"},
    {"UZS", 860, 2, "", " UZS"},
    {"VED", 926, 2, "", " VED"},
    {"VES", 928, 2, "", " VES"},
    {"VND", 704, 0, "₫", ""},
    {"VUV", 548, 0, "", " VUV"},
    {"WST", 882, 2, "", " WST"},
    {"XAF", 950, 0, "", " XAF"},
    {"XCD", 951, 2, "", " XCD"},
    {"XCG", 532, 2, "", " XCG"},
    {"XOF", 952, 0, "", " XOF"},
    {"XPF", 953, 0, "", " XPF"},
    {"YER", 886, 2, "", " YER"},
    {"ZAR", 710, 2, "R", ""},
    {"ZMW", 967, 2, "", " ZMW"},
    {"ZWG", 924, 2, "", " ZWG"},
});
// clang-format on

constexpr bool sorted_by_code() {
    for (std::size_t i = 2; i < table.size(); ++i)
        if (table[i - 1].code >= table[i].code) return false;
    return true;
}
static_assert(sorted_by_code());
static_assert(table.size() <= 256, "an index is one byte");

constexpr char ascii_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// More places than any provider writes: CLF's 4 and two extra digits.
constexpr int places_max = 9;

/// The digits of `minor` without its sign, at least `places` + 1 of them.
std::string digits_of(std::int64_t minor, int places) {
    const auto bits = static_cast<std::uint64_t>(minor);
    auto digits = std::to_string(minor < 0 ? 0 - bits : bits);  // well defined for the smallest value too
    const auto least = static_cast<std::size_t>(places) + 1;
    if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
    return digits;
}

std::string grouped(std::string_view digits, char separator) {
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += separator;
        out += digits[i];
    }
    return out;
}

}  // namespace

Result<Currency> Currency::parse(std::string_view code, std::string_view field) {
    if (code.size() == 3) {
        const std::array<char, 3> upper{ascii_upper(code[0]), ascii_upper(code[1]), ascii_upper(code[2])};
        const std::string_view wanted(upper.data(), upper.size());
        const auto* const found =
            std::lower_bound(table.begin() + 1, table.end(), wanted,
                             [](const Row& row, std::string_view c) { return row.code < c; });
        if (found != table.end() && found->code == wanted)
            return Currency(static_cast<std::uint8_t>(found - table.begin()));
    }
    return bad_request(std::string(field), "is not a currency code of ISO 4217");
}

std::string_view Currency::code() const {
    return table[index_].code;
}

std::string Currency::lower_code() const {
    return ascii_lower(code());
}

int Currency::number() const {
    return table[index_].number;
}

int Currency::places() const {
    return table[index_].places;
}

std::string_view Currency::pre_symbol() const {
    return table[index_].pre;
}

std::string_view Currency::post_symbol() const {
    return table[index_].post;
}

Result<std::int64_t> minor_from_decimal(std::string_view text, int places, std::string_view field) {
    KASSI_ENSURE(places >= 0 && places <= places_max);
    const auto refuse = [&](std::string why) { return bad_request(std::string(field), std::move(why)); };

    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    const auto fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
    if (whole.empty() || (point != std::string_view::npos && fraction.empty()) ||
        !std::all_of(whole.begin(), whole.end(), is_digit) ||
        !std::all_of(fraction.begin(), fraction.end(), is_digit))
        return refuse("is not a decimal amount: digits, and a point between digits");

    std::int64_t minor = 0;
    const auto append = [&minor](char digit) {
        minor = minor * 10 + (digit - '0');
        return minor <= payment_minor_max;
    };
    constexpr auto too_much = "is larger than any payment may be";
    for (const char digit : whole)
        if (!append(digit)) return refuse(too_much);
    for (std::size_t i = 0; i < static_cast<std::size_t>(places); ++i)
        if (!append(i < fraction.size() ? fraction[i] : '0')) return refuse(too_much);
    for (std::size_t i = static_cast<std::size_t>(places); i < fraction.size(); ++i)
        if (fraction[i] != '0')
            return refuse("has more decimal places than the " + std::to_string(places) + " of its currency");
    return minor;
}

std::string decimal_from_minor(std::int64_t minor, int places) {
    KASSI_ENSURE(places >= 0 && places <= places_max);
    auto text = digits_of(minor, places);
    if (places > 0) text.insert(text.size() - static_cast<std::size_t>(places), 1, '.');
    if (minor < 0) text.insert(0, 1, '-');
    return text;
}

std::string shortest_decimal(std::int64_t minor, int places) {
    auto text = decimal_from_minor(minor, places);
    if (places > 0) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
    }
    return text;
}

std::string money_for_people(const Money& money) {
    const auto& currency = money.currency;
    const auto places = static_cast<std::size_t>(currency.places());
    const auto digits = digits_of(money.minor, currency.places());
    const auto whole = digits.size() - places;
    // Thousands as the reader of that currency expects them: "£1,250.00", "1 250 kr."
    std::string text = money.minor < 0 ? "-" : "";
    text += currency.pre_symbol();
    text += grouped(std::string_view(digits).substr(0, whole), currency.pre_symbol().empty() ? ' ' : ',');
    if (places > 0) text.append(".").append(digits, whole);
    text += currency.post_symbol();
    return text;
}

}  // namespace kassi
