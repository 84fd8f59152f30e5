#pragma once

#include <string>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/services/types.hpp"
#include "base/http_message.hpp"
#include "core/step.hpp"
#include "core/transaction.hpp"
#include "providers/borgun/services.hpp"

/// From what the gateway and the engine say to the answers of /borgunServices/... (pure). No text of the
/// gateway's own goes into a message: what it refuses may quote what it was sent.
namespace kassi::api::ticket_order::services {

/// httpStatusCode where the gateway said none of its own that a client could use.
inline constexpr int no_answer_status = 504;  ///< it did not answer in time
inline constexpr int our_fault_status = 502;  ///< it refuses our key
inline constexpr int no_desk_status = 503;    ///< nothing was sent
inline constexpr int pending_status = 202;    ///< of a payment: under way
inline constexpr int paid_status = 201;       ///< as the gateway answers a payment
inline constexpr int declined_status = 402;   ///< of a payment: nothing was taken
inline constexpr int hold_over_status = 410;  ///< the same, as the hold ran out

/// Why `heard` is no success: status and message. `fields` are pairs of the gateway's name and ours.
struct Failure {
    int status = 0;
    std::string message;
};
using FieldNames = std::vector<std::pair<std::string_view, std::string_view>>;
Failure failure_of(const core::Heard& heard, const FieldNames& fields);
/// Nullptr: it did not answer.
const HttpResponse* response_in(const core::Heard& heard);

extern const FieldNames token_fields, enrollment_fields, verification_fields;

Answer<TokenAnswer> token_answer(const core::Heard& heard);

/// Without certificate, success and message: those are the door's.
EnrollmentAnswer enrollment_answer(const providers::borgun::services::Enrolled& said);
VerificationAnswer verification_answer(const providers::borgun::services::Validated& said);

/// How a payment stands. `leg` is the one that the order is paid with; nullptr: none was begun.
Answer<FinishAnswer> finish_answer(const core::Transaction& transaction, const core::Leg* leg,
                                   const std::string& order_id);
/// What a look-up of the payment adds; nothing where it speaks of another.
void add_details(FinishAnswer& answer, const providers::borgun::services::PaymentDetails& details);

}  // namespace kassi::api::ticket_order::services
