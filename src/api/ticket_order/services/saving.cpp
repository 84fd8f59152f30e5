#include "api/ticket_order/services/saving.hpp"

#include <utility>

#include "api/ticket_order/services/checks.hpp"
#include "api/ticket_order/services/results.hpp"
#include "base/text.hpp"
#include "providers/borgun/account.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/credential.hpp"

namespace kassi::api::ticket_order::services {
namespace {

namespace borgun = providers::borgun;

Refusal wrong(std::string code, std::string field, std::string message) {
    return not_valid({{std::move(code), std::move(field), std::move(message)}});
}

/// A card of 0: that its bank knows it, and the code.
borgun::services::TokenExtras verified(const Secret<>& cvc) {
    borgun::services::TokenExtras extras;
    extras.verification = borgun::services::Verification{0, "", cvc};
    return extras;
}

FieldNames names_under(const std::string& pan, const std::string& month, const std::string& year,
                       const std::string& cvc, const std::string& token) {
    return {{"PAN", pan},
            {"ExpMonth", month},
            {"ExpYear", year},
            {"VerifyCard.CVC", cvc},
            {"TokenSingle", token}};
}

Outcome<SavedCard> saved(const core::Heard& heard, const std::string& merchant, const std::string& field,
                         bool from_token) {
    const auto* response = response_in(heard);
    const auto token = response == nullptr ? std::nullopt : borgun::services::read_token(*response);
    if (token && !borgun::is_single(token->token)) {
        if (token->is_good()) return SavedCard{merchant, Secret<>(token->token), token->masked_number, true};
        Refusal refusal = wrong("Declined", field + (from_token ? ".token" : ".pan"),
                                borgun::refusal_of_action(token->action_code).text);
        refusal.kind = ErrorKind::conflict;
        return refusal;
    }
    const auto pan = field + ".pan", month = field + ".expMonth", year = field + ".expYear",
               cvc = field + ".cvc", single = field + ".token";
    for (const auto& [theirs, ours] : names_under(pan, month, year, cvc, single))
        if (response != nullptr && response->status == 400 && borgun::services::refuses(*response, theirs))
            return wrong("Predicate", std::string(ours), "was refused by the gateway");
    return Refusal{ErrorKind::unavailable,
                   "ServiceUnavailable",
                   "The card could not be saved, and nothing was charged. " + failure_of(heard, {}).message,
                   {}};
}

}  // namespace

void SavedCards::save(const engine::Caller& caller, const CardMethod& method, const std::string& field,
                      Done done) {
    const auto* merchant = borgun_merchant(caller, engine_.registry());
    if (merchant == nullptr)
        return done(Refusal{ErrorKind::forbidden, "Forbidden", "no way of paying here keeps cards", {}});
    const bool from_token = !method.token.empty();
    core::Request request;
    if (from_token) {
        const auto& token = method.token.reveal();
        if (!borgun::is_token(token))
            return done(
                wrong("Predicate", field + ".token", "is no token of the gateway's: ts_... or tm_..."));
        if (!borgun::is_single(token)) return done(SavedCard{merchant->name, method.token, "", false});
        request = borgun::services::exchange(token, verified({}));
    } else {
        auto rules = borgun::account_of(*merchant).card_rules;
        rules.wants_cvc = true;
        Faults faults;
        const auto card = read_card(method.pan, method.exp_month, method.exp_year, method.cvc,
                                    {field + ".pan", field + ".expMonth", field + ".expYear", field + ".cvc"},
                                    rules, engine_.now(), faults);
        if (!faults.empty()) return done(not_valid(std::move(faults)));
        request = borgun::services::multi_token(card, verified(card.cvc));
    }
    desk_.ask(merchant->name, std::move(request), gateway_budget,
              [name = merchant->name, field, from_token, done = std::move(done)](const core::Heard& heard) {
                  done(saved(heard, name, field, from_token));
              });
}

}  // namespace kassi::api::ticket_order::services
