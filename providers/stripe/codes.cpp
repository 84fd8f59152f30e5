#include "providers/stripe/codes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "providers/evidence.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::stripe {
namespace {

enum class Flag { none, security_code, address, authentication };

struct Meaning {
    std::string_view code;  ///< of `code` or `decline_code`
    std::string_view text;
    Flag flag = Flag::none;
    bool secret = false;  ///< the shopper hears a plain decline
};
constexpr std::string_view declined_text = "The card was declined.";
constexpr std::string_view authentication_text = "The card's owner could not be authenticated.";
constexpr Meaning meanings[] = {
    {.code = "incorrect_cvc", .text = "The card's security code is wrong.", .flag = Flag::security_code},
    {.code = "invalid_cvc", .text = "The card's security code is wrong.", .flag = Flag::security_code},
    {.code = "incorrect_zip", .text = "The postal code does not fit the card.", .flag = Flag::address},
    {.code = "postal_code_invalid", .text = "The postal code does not fit the card.", .flag = Flag::address},
    {.code = "incorrect_address", .text = "The address does not fit the card.", .flag = Flag::address},
    {.code = "authentication_required", .text = authentication_text, .flag = Flag::authentication},
    {.code = "authentication_not_handled", .text = authentication_text, .flag = Flag::authentication},
    {.code = "payment_intent_authentication_failure",
     .text = authentication_text,
     .flag = Flag::authentication},
    {.code = "insufficient_funds", .text = "The card has insufficient funds."},
    {.code = "expired_card", .text = "The card has expired."},
    {.code = "incorrect_number", .text = "The card number is wrong."},
    {.code = "invalid_number", .text = "The card number is wrong."},
    {.code = "invalid_expiry_month", .text = "The card's expiry date is wrong."},
    {.code = "invalid_expiry_year", .text = "The card's expiry date is wrong."},
    {.code = "card_not_supported", .text = "The card does not support this kind of payment."},
    {.code = "currency_not_supported", .text = "The card does not support this currency."},
    {.code = "card_velocity_exceeded", .text = "The card's limit is exceeded."},
    {.code = "processing_error", .text = "The card could not be processed. Please try again."},
    {.code = "token_already_used", .text = "The card details were used before. Please enter the card again."},
    {.code = "resource_missing", .text = "The card details are not known to the provider."},
    {.code = "amount_too_small", .text = "The amount is too small for this way of paying."},
    {.code = "amount_too_large", .text = "The amount is too large for this way of paying."},
    {.code = "fraudulent", .text = declined_text, .secret = true},
    {.code = "lost_card", .text = declined_text, .secret = true},
    {.code = "stolen_card", .text = declined_text, .secret = true},
    {.code = "pickup_card", .text = declined_text, .secret = true},
    {.code = "merchant_blacklist", .text = declined_text, .secret = true},
};

const Meaning* meaning_of(std::string_view code) {
    const auto* found = std::find_if(std::begin(meanings), std::end(meanings),
                                     [&](const Meaning& meaning) { return meaning.code == code; });
    return found == std::end(meanings) ? nullptr : found;
}

}  // namespace

std::string plain_code(std::string_view text) {
    return is_plain_reference(text) && !may_be_card_number(text) ? std::string(text) : std::string();
}

core::Refusal authentication_failed() {
    core::Refusal refusal;
    refusal.code = "auth_failure";
    refusal.text = authentication_text;
    refusal.failed_3d_secure = true;
    return refusal;
}

core::Refusal refusal_of(const nlohmann::json& error) {
    const auto code = plain_code(text_of(error, "code"));
    const auto decline_code = plain_code(text_of(error, "decline_code"));
    const Meaning* meaning = meaning_of(decline_code);
    if (meaning == nullptr) meaning = meaning_of(code);
    if (meaning != nullptr && meaning->flag == Flag::authentication) return authentication_failed();
    core::Refusal refusal;
    refusal.code = !decline_code.empty() ? decline_code : !code.empty() ? code : "card_declined";
    if (meaning != nullptr && meaning->secret) refusal.code = "generic_decline";
    refusal.text = meaning != nullptr ? meaning->text : declined_text;
    refusal.failed_cv_two = meaning != nullptr && meaning->flag == Flag::security_code;
    refusal.failed_avs = meaning != nullptr && meaning->flag == Flag::address;
    return refusal;
}

std::string words_of(const nlohmann::json& error) {
    auto code = plain_code(text_of(error, "code"));
    const auto decline_code = plain_code(text_of(error, "decline_code"));
    if (!decline_code.empty() && decline_code != code) code += (code.empty() ? "" : " ") + decline_code;
    return code.empty() ? plain_code(text_of(error, "type")) : code;
}

}  // namespace kassi::providers::stripe
