#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "api/ticket_order/binder.hpp"
#include "api/ticket_order/request.hpp"
#include "api/ticket_order/types.hpp"

/// Requests and answers of /borgunServices/..., member by member as the service has them, its own spellings
/// too ("redirectToACSDAta", "values", "oorderId"). Members that are ours are named so.
namespace kassi::api::ticket_order::services {

// ---- what a bank's page posts -------------------------------------------------------------------------
inline constexpr std::size_t bank_message_bytes_max = 32 * 1024;  ///< a PaRes or CRes

/// Longer than other texts, and with the line breaks that a form may have put into it.
struct BankMessage {
    std::string text;
};
void bind(Binding& at, const Node& node, BankMessage& target);

// ---- tokens -------------------------------------------------------------------------------------------
struct VerifyCard {
    std::optional<std::int64_t> check_amount;  ///< two extra digits, JPY none; 0 is lawful
    std::optional<std::string> currency;
    Secret<> cvc;
};
template <class Visitor, OneOf<VerifyCard> T>
void each_member(Visitor& visit, T& it) {
    visit("checkAmount", it.check_amount);
    visit("currency", it.currency);
    visit("cvc", it.cvc);
}

struct Metadata {
    std::optional<std::string> payload;
};
template <class Visitor, OneOf<Metadata> T>
void each_member(Visitor& visit, T& it) {
    visit("payload", it.payload);
}

/// Of both kinds of token; a multi-use token has no lifetime.
struct TokenWanted {
    Secret<> pan;
    Secret<> exp_month;
    Secret<> exp_year;
    std::optional<std::int64_t> token_lifetime;  ///< seconds
    std::optional<VerifyCard> verify_card;
    std::optional<Metadata> metadata;
};
template <class Visitor, OneOf<TokenWanted> T>
void each_member(Visitor& visit, T& it) {
    visit("pan", it.pan);
    visit("expMonth", it.exp_month);
    visit("expYear", it.exp_year);
    visit("tokenLifetime", it.token_lifetime);
    visit("verifyCard", it.verify_card);
    visit("metadata", it.metadata);
}

struct VerifyCardResult {
    std::optional<std::string> transaction_id;
    std::optional<std::string> action_code;
};
template <class Visitor, OneOf<VerifyCardResult> T>
void each_member(Visitor& visit, T& it) {
    visit("transactionId", it.transaction_id);
    visit("actionCode", it.action_code);
}

struct TokenMade {
    std::optional<std::string> virtual_number;
    std::optional<std::string> token;
    std::optional<std::string> pan;  ///< masked
    std::optional<std::string> exp_year;
    std::optional<std::string> exp_month;
    bool enabled = false;
    std::optional<VerifyCardResult> verify_card_result;
    std::optional<Metadata> metadata;
};
template <class Visitor, OneOf<TokenMade> T>
void each_member(Visitor& visit, T& it) {
    visit("virtualNumber", it.virtual_number);
    visit("token", it.token);
    visit("pan", it.pan);
    visit("expYear", it.exp_year);
    visit("expMonth", it.exp_month);
    visit("enabled", it.enabled);
    visit("verifyCardResult", it.verify_card_result);
    visit("metadata", it.metadata);
}

struct TokenAnswer {
    std::int32_t status_code = 0;  ///< the gateway's
    std::optional<TokenMade> token;
    std::optional<std::string> uri;
    std::optional<std::string> message;
};
template <class Visitor, OneOf<TokenAnswer> T>
void each_member(Visitor& visit, T& it) {
    visit("statusCode", it.status_code);
    visit("token", it.token);
    visit("uri", it.uri);
    visit("message", it.message);
}

// ---- 3-D Secure ---------------------------------------------------------------------------------------
struct CardDetails {
    std::optional<std::string> payment_type;
    Secret<> pan;
    Secret<> exp_year;
    Secret<> exp_month;
    Secret<> cvc2;
    Secret<> token;
};
template <class Visitor, OneOf<CardDetails> T>
void each_member(Visitor& visit, T& it) {
    visit("paymentType", it.payment_type);
    visit("pan", it.pan);
    visit("expYear", it.exp_year);
    visit("expMonth", it.exp_month);
    visit("cvc2", it.cvc2);
    visit("token", it.token);
}

struct EnrollmentWanted {
    std::optional<CardDetails> card_details;
    std::optional<std::int64_t> purch_amount;
    std::optional<std::int32_t> exponent;
    std::optional<std::string> currency;
    std::optional<std::string> term_url;
    std::optional<Date> transaction_date;  ///< not read: it is now
    std::optional<std::string> md;
    std::optional<std::string> description;
};
template <class Visitor, OneOf<EnrollmentWanted> T>
void each_member(Visitor& visit, T& it) {
    visit("cardDetails", it.card_details);
    visit("purchAmount", it.purch_amount);
    visit("exponent", it.exponent);
    visit("currency", it.currency);
    visit("termURL", it.term_url);
    visit("transactionDate", it.transaction_date);
    visit("md", it.md);
    visit("description", it.description);
}

struct RedirectEntry {
    std::optional<std::string> name;
    std::optional<std::string> values;  ///< one
};
template <class Visitor, OneOf<RedirectEntry> T>
void each_member(Visitor& visit, T& it) {
    visit("name", it.name);
    visit("values", it.values);
}

struct EnrollmentAnswer {
    std::int32_t result_status = 0;
    std::optional<std::string> message_id;
    std::optional<std::string> enrollment_status;
    std::optional<std::string> md_error_message;
    std::optional<std::string> md_status;
    std::optional<std::string> redirect_to_acs_form;
    std::optional<std::string> md;
    std::optional<std::string> mpi_token;  ///< one of ours (certificate.hpp)
    std::optional<std::vector<RedirectEntry>> redirect_to_acs_data;
};
template <class Visitor, OneOf<EnrollmentAnswer> T>
void each_member(Visitor& visit, T& it) {
    visit("resultStatus", it.result_status);
    visit("messageId", it.message_id);
    visit("enrollmentStatus", it.enrollment_status);
    visit("mdErrorMessage", it.md_error_message);
    visit("mdStatus", it.md_status);
    visit("redirectToACSForm", it.redirect_to_acs_form);
    visit("md", it.md);
    visit("mpiToken", it.mpi_token);
    visit("redirectToACSDAta", it.redirect_to_acs_data);
}

struct VerificationWanted {
    BankMessage pa_res;
    BankMessage c_res;
    std::optional<std::string> md;
    Secret<> mpi_token;  ///< ours, and not needed: of the enrollment, should the house have been restarted
};
template <class Visitor, OneOf<VerificationWanted> T>
void each_member(Visitor& visit, T& it) {
    visit("paRes", it.pa_res);
    visit("cRes", it.c_res);
    visit("md", it.md);
    visit("mpiToken", it.mpi_token);
}

struct VerificationAnswer {
    std::optional<std::string> x_id;
    std::optional<std::string> md_status;
    std::optional<std::string> md_error_message;
    std::optional<std::string> enrollment_status;
    std::optional<std::string> authentication_status;
    std::optional<std::string> eci;
    std::optional<std::string> cavv;
    std::optional<std::string> cavv_algorithm;
    std::optional<std::string> pa_res_verified;
    std::optional<std::string> pa_res_syntax_ok;
    std::optional<std::string> mpi_token;  ///< ours: one that needs no memory of the challenge
};
template <class Visitor, OneOf<VerificationAnswer> T>
void each_member(Visitor& visit, T& it) {
    visit("xId", it.x_id);
    visit("mdStatus", it.md_status);
    visit("mdErrorMessage", it.md_error_message);
    visit("enrollmentStatus", it.enrollment_status);
    visit("authenticationStatus", it.authentication_status);
    visit("eci", it.eci);
    visit("cavv", it.cavv);
    visit("cavvAlgorithm", it.cavv_algorithm);
    visit("paResVerified", it.pa_res_verified);
    visit("paResSyntaxOK", it.pa_res_syntax_ok);
    visit("mpiToken", it.mpi_token);
}

// ---- the payment --------------------------------------------------------------------------------------
struct ShortFinal {
    std::optional<std::int64_t> amount;
    Secret<> mpi_token;
    std::optional<std::string> order_id;
    Secret<> token;
};
template <class Visitor, OneOf<ShortFinal> T>
void each_member(Visitor& visit, T& it) {
    visit("amount", it.amount);
    visit("mpiToken", it.mpi_token);
    visit("orderId", it.order_id);
    visit("token", it.token);
}

struct PaidBy {
    std::optional<std::string> payment_type;
    std::optional<std::string> pan;  ///< masked
    std::optional<std::string> token;
    std::optional<std::string> card_type;
    std::optional<std::string> is_debit;
};
template <class Visitor, OneOf<PaidBy> T>
void each_member(Visitor& visit, T& it) {
    visit("paymentType", it.payment_type);
    visit("pan", it.pan);
    visit("token", it.token);
    visit("cardType", it.card_type);
    visit("isDebit", it.is_debit);
}

struct PaidSecurely {
    std::optional<std::string> security_level_ind;
    std::optional<std::string> xid;
};
template <class Visitor, OneOf<PaidSecurely> T>
void each_member(Visitor& visit, T& it) {
    visit("securityLevelInd", it.security_level_ind);
    visit("xid", it.xid);
}

struct FinishAnswer {
    std::optional<std::string> transaction_id;  ///< the gateway's
    std::optional<std::string> transaction_type;
    std::int64_t amount = 0;
    std::optional<std::string> currency;
    std::optional<Date> transaction_date;
    std::optional<std::string> order_id;
    std::optional<std::string> auth_code;
    std::optional<std::string> action_code;
    std::optional<std::string> transaction_status;
    std::optional<PaidBy> payment_method;
    std::optional<PaidSecurely> three_d_secure;
    std::optional<std::string> life_cycle_id;
};
template <class Visitor, OneOf<FinishAnswer> T>
void each_member(Visitor& visit, T& it) {
    visit("transactionId", it.transaction_id);
    visit("transactionType", it.transaction_type);
    visit("amount", it.amount);
    visit("currency", it.currency);
    visit("transactionDate", it.transaction_date);
    visit("oorderId", it.order_id);
    visit("authCode", it.auth_code);
    visit("actionCode", it.action_code);
    visit("transactionStatus", it.transaction_status);
    visit("paymentMethod", it.payment_method);
    visit("threeDSecure", it.three_d_secure);
    visit("lifeCycleId", it.life_cycle_id);
}

// ---- what all of them have around ---------------------------------------------------------------------
/// {"request": {...}}
template <class R>
struct Wrapped {
    std::optional<R> request;
};
template <class Visitor, class R>
void each_member(Visitor& visit, Wrapped<R>& it) {
    visit("request", it.request);
}

/// success is true when the client may go on: the token was made and is good, the payment may be made (or the
/// customer be sent to his bank first), the payment was made.
template <class A>
struct Answer {
    std::optional<A> response;
    bool success = false;
    std::int32_t http_status_code = 0;  ///< the gateway's, or what stands for it
    std::optional<std::string> message;
};
template <class Visitor, class A>
void each_member(Visitor& visit, const Answer<A>& it) {
    visit("response", it.response);
    visit("success", it.success);
    visit("httpStatusCode", it.http_status_code);
    visit("message", it.message);
}

}  // namespace kassi::api::ticket_order::services

namespace kassi::api::ticket_order {
template <>
struct reading_of<services::BankMessage> : std::integral_constant<Reading, Reading::text> {};
}  // namespace kassi::api::ticket_order
