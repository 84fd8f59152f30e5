#include "api/ticket_order/payment.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/credentials/card.hpp"
#include "providers/credentials/network_token.hpp"

namespace kassi::api::ticket_order {
namespace {

namespace card = providers::card;
namespace network_token = providers::network_token;
namespace borgun = providers::borgun;

/// "MMYY" of "3" or "03" and "2031" or "31"; what is none of these stays as it is, and is refused by who
/// reads the card.
std::string expiry_of(const CardMethod& method) {
    const auto& month = method.exp_month.reveal();
    std::string_view year = method.exp_year.reveal();
    if (year.size() == 4 && year.starts_with("20")) year.remove_prefix(2);
    std::string out;
    if (month.size() == 1) out += '0';
    return out.append(month).append(year);
}

core::Credential by_card(const CardMethod& method) {
    JsonWriter json;
    json.begin_object().field("number", method.pan.reveal()).field("expiry", expiry_of(method));
    if (!method.cvc.empty()) json.field("cvc", method.cvc.reveal());
    json.end_object();
    return {std::string(card::credential_kind), json.take()};
}

core::Credential by_final(const BorgunFinal& final, const Money& total, std::string_view mpi_token,
                          std::string_view order) {
    JsonWriter json;
    json.begin_object()
        .field("token", final.payment_method->token.reveal())
        .field("mpiToken", mpi_token)
        .field("amount", borgun::to_wire(total))
        .field("currency", borgun::number_of(total.currency))
        .field("orderId", order)
        .field("transactionType", "Sale")
        .end_object();
    return {std::string(borgun::final_kind), json.take()};
}

Outcome<core::Credential> by_apple_pay(const TicketOrder& request) {
    const auto& method = *request.card_info->payment_method;
    if (method.pan.empty())
        return not_valid(
            {{"NotEmpty", "cardInfo.paymentMethod.pan",
              "must be the number of the device's card: a token carries no proof of Apple Pay"}});
    const auto& proof = *request.apple_pay_info->three_d_secure;
    JsonWriter json;
    json.begin_object().field("number", method.pan.reveal()).field("expiry", expiry_of(method));
    if (!proof.cavv.empty()) json.field("cavv", proof.cavv.reveal());
    if (!proof.ucaf.empty()) json.field("ucaf", proof.ucaf.reveal());
    if (!proof.security_level_ind.value_or("").empty())
        json.field("security_level", *proof.security_level_ind);
    json.end_object();
    return core::Credential{std::string(network_token::credential_kind), json.take()};
}

/// The end of a credential's field and the member of the request.
constexpr std::pair<std::string_view, std::string_view> members[] = {
    {"card.number", "cardInfo.paymentMethod.pan"},
    {"card.expiry", "cardInfo.paymentMethod.expMonth"},
    {"card.cvc", "cardInfo.paymentMethod.cvc"},
    {"card", "cardInfo.paymentMethod"},
    {"borgun_token", "cardInfo.paymentMethod.token"},
    {"borgun_final.token", "borgun3DFinalInfo.paymentMethod.token"},
    {"borgun_final.mpiToken", "borgun3DFinalInfo.threeDSecure.mpiToken"},
    {"borgun_final.amount", "borgun3DFinalInfo.amount"},
    {"borgun_final.currency", "borgun3DFinalInfo.currency"},
    {"borgun_final.orderId", "borgun3DFinalInfo.orderId"},
    {"borgun_final", "borgun3DFinalInfo"},
    {"network_token.number", "cardInfo.paymentMethod.pan"},
    {"network_token.expiry", "cardInfo.paymentMethod.expMonth"},
    {"network_token.cavv", "applePayInfo.threeDSecure.cavv"},
    {"network_token.ucaf", "applePayInfo.threeDSecure.ucaf"},
    {"network_token.security_level", "applePayInfo.threeDSecure.securityLevelInd"},
    {"network_token", "applePayInfo"},
};

std::string_view member_of(std::string_view field) {
    for (const auto& [theirs, ours] : members) {
        if (!field.ends_with(theirs)) continue;
        const auto before = field.size() - theirs.size();
        if (before == 0 || field[before - 1] == '.') return ours;
    }
    return {};
}

/// What is spent once, of a way of paying.
std::string_view whole_of(Way way) {
    switch (way) {
        case Way::nothing:
            return {};
        case Way::card:
            return "cardInfo.paymentMethod";
        case Way::final_charge:
            return "borgun3DFinalInfo.threeDSecure.mpiToken";
        case Way::apple_pay:
            return "applePayInfo.threeDSecure";
    }
    return {};
}

}  // namespace

Outcome<core::Credential> credential_of(const TicketOrder& request, const Checked& checked,
                                        std::string_view mpi_token, std::string_view order) {
    switch (checked.way) {
        case Way::nothing:
            return core::Credential{};
        case Way::card: {
            const auto& method = *request.card_info->payment_method;
            if (method.token.empty()) return by_card(method);
            return core::Credential{std::string(borgun::token_kind), method.token.reveal()};
        }
        case Way::final_charge:
            return by_final(*request.borgun_final, checked.total, mpi_token, order);
        case Way::apple_pay:
            return by_apple_pay(request);
    }
    return core::Credential{};
}

Refusal refusal_of_payment(const Error& error, Way way) {
    if (error.kind != ErrorKind::bad_request) return refusal_of(error);
    auto member = member_of(error.field);
    // Used before, or of no kind that is taken: it is all of it.
    if (member.empty() && error.field.starts_with("credential")) member = whole_of(way);
    if (member.empty()) return refusal_of(error);
    return not_valid({{"Predicate", std::string(member), error.message}});
}

}  // namespace kassi::api::ticket_order
