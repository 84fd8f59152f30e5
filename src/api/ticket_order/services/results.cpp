#include "api/ticket_order/services/results.hpp"

#include <algorithm>
#include <optional>

#include "providers/borgun/amounts.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/requests.hpp"
#include "providers/borgun/wire.hpp"

namespace kassi::api::ticket_order::services {
namespace {

namespace borgun = providers::borgun;

constexpr std::string_view approved = "000";

std::optional<std::string> if_any(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

TokenMade made(const borgun::services::Token& token) {
    TokenMade out{if_any(token.virtual_number),
                  token.token,
                  if_any(token.masked_number),
                  if_any(token.expiry_year),
                  if_any(token.expiry_month),
                  token.enabled,
                  std::nullopt,
                  std::nullopt};
    if (!token.action_code.empty() || !token.verified_by.empty())
        out.verify_card_result = VerifyCardResult{if_any(token.verified_by), if_any(token.action_code)};
    if (!token.payload.empty()) out.metadata = Metadata{token.payload};
    return out;
}

std::string text_of_action(const std::string& code) {
    return borgun::refusal_of_action(code).text;
}

/// What became of it, where no money is left to be decided on.
struct Verdict {
    int status = 0;
    std::string message;
};

Verdict verdict_of(const core::Transaction& transaction, const core::Leg* leg) {
    if (transaction.phase == core::Phase::purchased) return {paid_status, "The payment was made."};
    if (transaction.phase == core::Phase::cancelled)
        return {hold_over_status, "The order was paid, and was cancelled later."};
    if (leg != nullptr && leg->refused)
        return {leg->refused->code == "hold" ? hold_over_status : declined_status, leg->refused->text};
    if (core::has_verdict(transaction.phase))
        return transaction.why == "hold" ? Verdict{hold_over_status, "The order was not held any longer."}
                                         : Verdict{declined_status, "The order was not paid."};
    return {pending_status, "The payment is under way. The same request again says how it ended."};
}

}  // namespace

const FieldNames token_fields{{"PAN", "request.pan"},
                              {"ExpMonth", "request.expMonth"},
                              {"ExpYear", "request.expYear"},
                              {"TokenLifetime", "request.tokenLifetime"},
                              {"VerifyCard.CheckAmount", "request.verifyCard.checkAmount"},
                              {"VerifyCard.Currency", "request.verifyCard.currency"},
                              {"VerifyCard.CVC", "request.verifyCard.cvc"},
                              {"CVC2", "request.verifyCard.cvc"},
                              {"Metadata.Payload", "request.metadata.payload"}};
const FieldNames enrollment_fields{{"CardDetails.Token", "request.cardDetails.token"},
                                   {"PurchAmount", "request.purchAmount"},
                                   {"Exponent", "request.exponent"},
                                   {"Currency", "request.currency"},
                                   {"TermUrl", "request.termURL"},
                                   {"MD", "request.md"},
                                   {"Description", "request.description"}};
const FieldNames verification_fields{
    {"PARes", "request.paRes"}, {"CRes", "request.cRes"}, {"MD", "request.md"}};

const HttpResponse* response_in(const core::Heard& heard) {
    const auto* answered = std::get_if<core::Answered>(&heard);
    return answered == nullptr ? nullptr : &answered->response;
}

Failure failure_of(const core::Heard& heard, const FieldNames& fields) {
    if (const auto* silence = std::get_if<core::Silence>(&heard); silence != nullptr && !silence->sent)
        return {no_desk_status, "The gateway could not be reached. Try again later."};
    const auto* response = response_in(heard);
    if (response == nullptr) return {no_answer_status, "The gateway did not answer in time. Try again."};
    if (borgun::wire::is_our_fault(response->status))
        return {our_fault_status, "The gateway does not take our requests. Tell whoever runs this service."};
    if (borgun::wire::is_success(response->status))
        return {our_fault_status, "The gateway's answer was not understood."};
    constexpr int client_error = 400;
    if (response->status != client_error)
        return {response->status, "The gateway is out of order. Try again later."};
    std::string named;
    for (const auto& [theirs, ours] : fields)
        if (borgun::services::refuses(*response, theirs))
            named += (named.empty() ? "" : ", ") + std::string(ours);
    if (named.empty()) return {response->status, "The gateway refused the request."};
    return {response->status, "The gateway refused " + named + "."};
}

Answer<TokenAnswer> token_answer(const core::Heard& heard) {
    Answer<TokenAnswer> out;
    auto& inside = out.response.emplace();
    const auto* response = response_in(heard);
    const auto token = response == nullptr ? std::nullopt : borgun::services::read_token(*response);
    if (!token) {
        auto [status, message] = failure_of(heard, token_fields);
        out.http_status_code = inside.status_code = status;
        inside.message = out.message = std::move(message);
        return out;
    }
    out.http_status_code = inside.status_code = response->status;
    inside.token = made(*token);
    inside.uri = if_any(token->location);
    out.success = token->is_good();
    if (!out.success) inside.message = out.message = text_of_action(token->action_code);
    return out;
}

EnrollmentAnswer enrollment_answer(const borgun::services::Enrolled& said) {
    EnrollmentAnswer out;
    out.result_status = static_cast<std::int32_t>(std::clamp<std::int64_t>(said.result, -1, 1'000'000));
    out.message_id = if_any(said.message_id);
    out.enrollment_status = if_any(said.enrollment_status);
    out.md_error_message = if_any(said.message);
    if (said.md_status) out.md_status = std::to_string(*said.md_status);
    out.redirect_to_acs_form = if_any(said.form);
    out.md = if_any(said.md);
    if (said.redirect.empty()) return out;
    auto& list = out.redirect_to_acs_data.emplace();
    for (const auto& [name, value] : said.redirect) list.push_back({name, value});
    return out;
}

VerificationAnswer verification_answer(const borgun::services::Validated& said) {
    VerificationAnswer out;
    out.x_id = if_any(said.xid);
    if (said.md_status) out.md_status = std::to_string(*said.md_status);
    out.md_error_message = if_any(said.message);
    out.enrollment_status = if_any(said.enrollment_status);
    out.authentication_status = if_any(said.authentication_status);
    out.eci = if_any(said.eci);
    out.cavv = if_any(said.cavv);
    out.cavv_algorithm = if_any(said.cavv_algorithm);
    out.pa_res_verified = if_any(said.pares_verified);
    out.pa_res_syntax_ok = if_any(said.pares_syntax_ok);
    return out;
}

Answer<FinishAnswer> finish_answer(const core::Transaction& transaction, const core::Leg* leg,
                                   const std::string& order_id) {
    Answer<FinishAnswer> out;
    auto [status, message] = verdict_of(transaction, leg);
    out.http_status_code = status;
    out.message = std::move(message);
    out.success = status == paid_status;
    auto& inside = out.response.emplace();
    inside.order_id = order_id;
    if (leg == nullptr) return out;
    inside.transaction_type = "Sale";
    inside.amount = borgun::to_wire(leg->amount);
    inside.currency = borgun::number_of(leg->amount.currency);
    if (transaction.purchase_asked_at) inside.transaction_date = date_of(*transaction.purchase_asked_at);
    for (const auto& [kind, id] : leg->references)
        if (kind == borgun::payment_kind) inside.transaction_id = id;
    if (out.success) inside.action_code = std::string(approved);
    return out;
}

void add_details(FinishAnswer& answer, const borgun::services::PaymentDetails& details) {
    if (answer.transaction_id != details.id || answer.amount != details.amount) return;
    if (!details.type.empty()) answer.transaction_type = details.type;
    if (const auto date = read_date(details.date); date && date->is_set()) answer.transaction_date = *date;
    answer.auth_code = if_any(details.auth_code);
    if (borgun::is_action_code(details.action_code)) answer.action_code = details.action_code;
    answer.transaction_status = if_any(details.status);
    answer.payment_method =
        PaidBy{if_any(details.payment_type), if_any(details.masked_number), if_any(details.token),
               if_any(details.card_type), if_any(details.is_debit)};
    if (!details.security_level.empty() || !details.xid.empty())
        answer.three_d_secure = PaidSecurely{if_any(details.security_level), if_any(details.xid)};
    answer.life_cycle_id = if_any(details.life_cycle);
}

}  // namespace kassi::api::ticket_order::services
