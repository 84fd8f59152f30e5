#include "sandbox/simulators/stripe_cards.hpp"

#include <algorithm>
#include <iterator>

#include "base/crypto.hpp"

namespace kassi::sandbox::stripe {
namespace {

constexpr Decline generic{"card_declined",           "generic_decline", "",
                          "Your card was declined.", "try_again_later", ""};
constexpr Decline insufficient{
    "card_declined", "insufficient_funds", "", "Your card has insufficient funds.", "try_again_later", "51"};
constexpr Decline lost{"card_declined", "lost_card", "", "Your card was declined.", "do_not_try_again", "41"};
constexpr Decline stolen{"card_declined",           "stolen_card",      "",
                         "Your card was declined.", "do_not_try_again", "43"};
constexpr Decline expired{"expired_card",      "",  "exp_month", "Your card has expired.",
                          "confirm_card_data", "54"};
constexpr Decline wrong_cvc{"incorrect_cvc",     "",  "cvc", "Your card's security code is incorrect.",
                            "confirm_card_data", "82"};
constexpr Decline processing{"processing_error", "", "", "An error occurred while processing your card.",
                             "try_again_later",  ""};
constexpr Decline velocity{"card_declined",
                           "card_velocity_exceeded",
                           "",
                           "Your card was declined for exceeding its limits.",
                           "try_again_later",
                           "65"};
constexpr Decline fraudulent{"card_declined", "fraudulent", "", "Your card was declined.", "", ""};
constexpr Decline wrong_zip{"incorrect_zip",     "",
                            "address_zip",       "Your card's postal code failed validation.",
                            "confirm_card_data", ""};

constexpr auto asks = ThreeDSecure::required;

constexpr TestCard cards[] = {
    {.name = "visa", .number = "4242424242424242", .brand = "visa"},
    {.name = "visa_debit", .number = "4000056655665556", .brand = "visa", .funding = "debit"},
    {.name = "mastercard", .number = "5555555555554444", .brand = "mastercard"},
    {.name = "mastercard_debit", .number = "5200828282828210", .brand = "mastercard", .funding = "debit"},
    {.name = "mastercard_prepaid", .number = "5105105105105100", .brand = "mastercard", .funding = "prepaid"},
    {.name = "amex", .number = "378282246310005", .brand = "amex", .secure = ThreeDSecure::not_supported},
    {.name = "discover", .number = "6011111111111117", .brand = "discover"},
    {.name = "diners", .number = "3056930009020004", .brand = "diners"},
    {.name = "jcb", .number = "3566002020360505", .brand = "jcb"},
    {.name = "unionpay", .number = "6200000000000005", .brand = "unionpay"},

    {.name = "chargeDeclined", .number = "4000000000000002", .brand = "visa", .decline = &generic},
    {.name = "chargeDeclinedInsufficientFunds",
     .number = "4000000000009995",
     .brand = "visa",
     .decline = &insufficient},
    {.name = "chargeDeclinedLostCard", .number = "4000000000009987", .brand = "visa", .decline = &lost},
    {.name = "chargeDeclinedStolenCard", .number = "4000000000009979", .brand = "visa", .decline = &stolen},
    {.name = "chargeDeclinedExpiredCard", .number = "4000000000000069", .brand = "visa", .decline = &expired},
    {.name = "chargeDeclinedIncorrectCvc",
     .number = "4000000000000127",
     .brand = "visa",
     .decline = &wrong_cvc},
    {.name = "chargeDeclinedProcessingError",
     .number = "4000000000000119",
     .brand = "visa",
     .decline = &processing},
    {.name = "chargeDeclinedVelocityLimitExceeded",
     .number = "4000000000006975",
     .brand = "visa",
     .decline = &velocity},
    {.name = "chargeDeclinedFraudulent",
     .number = "4100000000000019",
     .brand = "visa",
     .decline = &fraudulent,
     .blocked = true},
    {.name = "chargeCustomerFail", .number = "4000000000000341", .brand = "visa", .decline = &generic},
    {.name = "riskLevelElevated", .number = "4000000000009235", .brand = "visa", .elevated_risk = true},
    {.name = "avsZipFail",
     .number = "4000000000000036",
     .brand = "visa",
     .decline = &wrong_zip,
     .blocked = true,
     .zip_fails = true},

    {.name = "createDispute", .number = "4000000000000259", .brand = "visa", .dispute = "fraudulent"},
    {.name = "createDisputeProductNotReceived",
     .number = "4000000000002685",
     .brand = "visa",
     .dispute = "product_not_received"},
    {.name = "createDisputeInquiry",
     .number = "4000000000001976",
     .brand = "visa",
     .dispute = "fraudulent",
     .inquiry = true},

    {.name = "threeDSecure2Required", .number = "4000000000003220", .brand = "visa", .secure = asks},
    {.name = "threeDSecureRequired", .number = "4000000000003063", .brand = "visa", .secure = asks},
    {.name = "authenticationRequired", .number = "4000002760003184", .brand = "visa", .secure = asks},
    {.name = "authenticationRequiredOnSetup", .number = "4000002500003155", .brand = "visa", .secure = asks},
    {.name = "threeDSecureRequiredChargeDeclined",
     .number = "4000008400001629",
     .brand = "visa",
     .decline = &generic,
     .secure = asks},
    {.name = "authenticationRequiredChargeDeclinedInsufficientFunds",
     .number = "4000008260003178",
     .brand = "visa",
     .decline = &insufficient,
     .secure = asks},
    {.name = "threeDSecureRequiredProcessingError",
     .number = "4000008400001280",
     .brand = "visa",
     .decline = &processing,
     .secure = ThreeDSecure::lookup_fails},
    {.name = "threeDSecureOptional", .number = "4000000000003055", .brand = "visa"},
    {.name = "authenticationRequiredSetupForOffSession",
     .number = "4000003800000446",
     .brand = "visa",
     .secure = ThreeDSecure::set_up},

    {.name = "pendingRefund",
     .number = "4000000000007726",
     .brand = "visa",
     .refunding = Refunding::pending_first},
    {.name = "pendingRefundFail",
     .number = "4000000000005142",
     .brand = "visa",
     .refunding = Refunding::pending_then_fails},
    {.name = "refundFail",
     .number = "4000000000005126",
     .brand = "visa",
     .refunding = Refunding::fails_later},
};

/// The same card under another word.
constexpr std::pair<std::string_view, std::string_view> other_names[] = {
    {"radarBlock", "chargeDeclinedFraudulent"},
    {"chargeDeclinedCardVelocityExceeded", "chargeDeclinedVelocityLimitExceeded"},
    {"threeDSecureRequiredSetupForOffSession", "authenticationRequiredSetupForOffSession"},
    {"threeDSecureNotSupported", "amex"},
    {"us", "visa"},
};

bool passes_luhn(std::string_view digits) {
    int sum = 0;
    bool doubled = false;
    for (auto at = digits.rbegin(); at != digits.rend(); ++at, doubled = !doubled) {
        const int digit = (*at - '0') * (doubled ? 2 : 1);
        sum += digit > 9 ? digit - 9 : digit;
    }
    return sum % 10 == 0;
}

Refusal card_error(std::string code, std::string param, std::string message) {
    Refusal refusal = refused(std::move(code), std::move(param), std::move(message));
    refusal.status = 402;
    refusal.type = "card_error";
    return refusal;
}

std::string cut(const std::string& text, std::size_t bytes_max) {
    return text.substr(0, encoding::utf8_bytes(std::string_view(text).substr(0, bytes_max)));
}

/// Blanks and dashes are how people write it.
std::string digits_of(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c != ' ' && c != '-') digits += c;
    return digits;
}

void check_expiry(Form& form, const Card& card, Instant now) {
    const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
    const int year = static_cast<int>(today.year());
    const int month = static_cast<int>(static_cast<unsigned>(today.month()));
    if (card.exp_month < 1 || card.exp_month > 12)
        form.refuse(
            card_error("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid."));
    if (card.exp_year < year || card.exp_year > year + 50)
        form.refuse(card_error("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid."));
    if (card.exp_year == year && card.exp_month < month)
        form.refuse(
            card_error("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid."));
}

}  // namespace

const Decline authentication_required{"authentication_required",
                                      "authentication_required",
                                      "",
                                      "Your card was declined. This transaction requires authentication.",
                                      "",
                                      ""};

Refusal refusal_of(const Decline& decline) {
    Refusal refusal =
        card_error(std::string(decline.code), std::string(decline.param), std::string(decline.message));
    refusal.decline_code = decline.decline_code;
    refusal.advice_code = decline.advice_code;
    refusal.network_decline_code = decline.network_decline_code;
    return refusal;
}

const TestCard* card_named(std::string_view name) {
    const auto found = std::find_if(std::begin(cards), std::end(cards),
                                    [&](const TestCard& card) { return card.name == name; });
    return found == std::end(cards) ? nullptr : &*found;
}

const TestCard* card_numbered(std::string_view digits) {
    const auto found = std::find_if(std::begin(cards), std::end(cards),
                                    [&](const TestCard& card) { return card.number == digits; });
    return found == std::end(cards) ? nullptr : &*found;
}

namespace {

const TestCard* card_spelt(std::string_view name) {
    if (const TestCard* card = card_named(name)) return card;
    for (const auto& [other, own] : other_names)
        if (name == other) return card_named(own);
    for (const std::string_view prefix : {"visa_", "card_"})
        if (name.starts_with(prefix)) return card_spelt(name.substr(prefix.size()));
    return nullptr;
}

}  // namespace

const TestCard* card_by_token(std::string_view token) {
    return token.starts_with("tok_") ? card_spelt(token.substr(4)) : nullptr;
}

const TestCard* card_by_method(std::string_view method) {
    return method.starts_with("pm_card_") ? card_spelt(method.substr(8)) : nullptr;
}

const TestCard& Card::facts() const {
    const TestCard* card = card_named(name);
    KASSI_ENSURE(card != nullptr);
    return *card;
}

std::string Card::fingerprint() const {
    return encoding::hex(crypto::to_bytes(crypto::sha256("kassi sandbox card " + name))).substr(0, 16);
}

std::optional<Card> read_card(Form& form, const std::string& prefix, Instant now) {
    const auto at = [&](const char* name) { return prefix + "[" + name + "]"; };
    const std::string digits = digits_of(form.needed(at("number")));
    Card card;
    card.exp_month =
        static_cast<int>(std::clamp<std::int64_t>(form.integer(at("exp_month")).value_or(0), 0, 99));
    auto year = form.integer(at("exp_year")).value_or(0);
    if (year >= 0 && year < 100) year += 2000;
    card.exp_year = static_cast<int>(std::clamp<std::int64_t>(year, 0, 9999));
    const std::string cvc = form.text_or(at("cvc"), "123");
    card.holder = cut(form.text_or(at("name"), ""), holder_bytes_max);
    card.postal_code = cut(form.text_or(at("address_zip"), ""), postal_code_bytes_max);
    form.ignore({at("address_country"), at("address_line1"), at("address_line2"), at("address_city"),
                 at("address_state"), at("currency"), at("networks")});
    if (form.wrong()) return std::nullopt;

    const bool numeric =
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!numeric || digits.size() < 12 || digits.size() > 19 || !passes_luhn(digits)) {
        form.refuse(card_error("incorrect_number", "number", "Your card number is incorrect."));
        return std::nullopt;
    }
    check_expiry(form, card, now);
    const bool cvc_fits = std::all_of(cvc.begin(), cvc.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                          (cvc.size() == 3 || cvc.size() == 4);
    if (!cvc_fits) form.refuse(card_error("invalid_cvc", "cvc", "Your card's security code is invalid."));
    const TestCard* known = card_numbered(digits);
    if (known == nullptr) {
        Refusal refusal =
            card_error("card_declined", "",
                       "Your card was declined. This house is in test mode, and that is no test card.");
        refusal.decline_code = "test_mode_live_card";
        form.refuse(std::move(refusal));
    }
    if (form.wrong()) return std::nullopt;
    card.name = known->name;
    return card;
}

namespace {

bool is_cryptogram(const std::string& text) {
    constexpr std::size_t bytes_min = 20, bytes_max = 28;
    const auto bytes = encoding::from_base64(text, "cryptogram");
    return bytes && bytes->size() >= bytes_min && bytes->size() <= bytes_max;
}

bool is_number(std::string_view digits) {
    return digits.size() >= 12 && digits.size() <= 19 &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
           passes_luhn(digits);
}

}  // namespace

std::optional<Card> read_network_token(Form& form, Instant now) {
    const auto data = [](const char* name) {
        return std::string("payment_method_data[card][network_token][") + name + "]";
    };
    const auto options = [](const char* name) {
        return std::string("payment_method_options[card][network_token][") + name + "]";
    };
    const std::string digits = digits_of(form.needed(data("number")));
    Card card;
    card.exp_month =
        static_cast<int>(std::clamp<std::int64_t>(form.integer(data("exp_month")).value_or(0), 0, 99));
    card.exp_year =
        static_cast<int>(std::clamp<std::int64_t>(form.integer(data("exp_year")).value_or(0), 0, 9999));
    form.one_of(data("tokenization_method"), "", {"apple_pay", "android_pay"});
    const std::string cryptogram = form.needed(options("cryptogram"));
    const std::string eci = form.text_or(options("electronic_commerce_indicator"), "");
    if (form.wrong()) return std::nullopt;
    if (!is_number(digits))
        form.refuse(card_error("incorrect_number", "number", "Your card number is incorrect."));
    if (!is_cryptogram(cryptogram))
        form.refuse(wrong_parameter("", options("cryptogram"), "The cryptogram is invalid."));
    if (eci.size() > 2)
        form.refuse(wrong_parameter("", options("electronic_commerce_indicator"),
                                    "The electronic commerce indicator is invalid."));
    check_expiry(form, card, now);
    if (form.wrong()) return std::nullopt;
    // Behind a device's number is a card that nobody here knows: it pays, unless it is one of the test cards.
    const TestCard* known = card_numbered(digits);
    card.name = known != nullptr                                 ? known->name
                : digits.front() == '5' || digits.front() == '2' ? "mastercard"
                                                                 : "visa";
    return card;
}

}  // namespace kassi::sandbox::stripe
