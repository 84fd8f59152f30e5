#pragma once

#include <string>

#include "core/step.hpp"
#include "providers/borgun/account.hpp"
#include "providers/borgun/kept.hpp"
#include "providers/credentials/network_token.hpp"

/// The requests to gateway and MPI, as data (reference/borgun.md sections 4 to 7). The gateway knows no
/// idempotency key: what moves money is never sent twice.
namespace kassi::providers::borgun {

/// Kinds of a leg's references: the payment's id at the gateway, and that of a refund.
inline constexpr std::string_view payment_kind = "payment";
inline constexpr std::string_view refund_kind = "refund";
inline constexpr std::string_view not_cancelled_kind =
    "not_cancelled";                                            ///< of a payment whose cancel was refused
inline constexpr std::string_view authentication_kind = "xid";  ///< of the enrollment

/// Names of steps, by which an answer is read.
namespace step {
inline constexpr std::string_view token = "token", enroll = "enroll", enroll_again = "enroll_again",
                                  validate = "validate", pay = "pay", capture = "capture", cancel = "cancel",
                                  release = "release", refund = "refund", read_back = "read_back",
                                  read_release = "read_release", read_refund = "read_refund",
                                  disable = "disable", look_payment = "look_payment",
                                  look_token = "look_token", look_event = "look_event",
                                  look_refund = "look_refund";
}  // namespace step

/// The card itself, this once: its answer is a single-use token.
core::Ask ask_token(const core::Scene& scene, const card::Card& card);
/// `token` is enrolled for the leg's amount; the bank sends the customer back to scene.return_url. Nullopt:
/// the amount has no form with that exponent.
std::optional<core::Ask> ask_enroll(const core::Scene& scene, const std::string& token, int exponent);
/// After an MdStatus 50. What became of the 3DS Method: "Y" it ran to its end, "N" it did not, "U" there was
/// none.
core::Ask ask_enroll_again(const core::Scene& scene, Kept kept, std::string_view method);
/// Where issuers tell that the 3DS Method is over (callbacks/callbacks.hpp).
inline constexpr std::string_view method_path = "/3ds-method";
/// One of `pares` and `cres`, as it came. `md` "" leaves it out.
core::Ask ask_validate(const core::Scene& scene, const std::string& pares, const std::string& cres,
                       const std::string& md);

core::Ask ask_pay(const core::Scene& scene, const std::string& token, bool sale);
/// The same with a device's number and the wallet's cryptogram: it lives in memory only.
core::Ask ask_pay(const core::Scene& scene, const network_token::NetworkToken& card, bool sale);
core::Ask ask_capture(const core::Scene& scene, const std::string& payment);
core::Ask ask_cancel(const core::Scene& scene, const std::string& payment, std::string_view step, Kept kept);
/// The whole payment, or a part of it.
core::Ask ask_refund(const core::Scene& scene, const std::string& payment, bool whole);
core::Ask ask_disable(const core::Scene& scene, const std::string& token);

/// GET of one thing; nothing is moved.
core::Ask look_at_payment(const core::Scene& scene, const std::string& payment, std::string_view step,
                          const Kept& kept);
core::Ask look_at_token(const core::Scene& scene, const std::string& token);
core::Ask look_at_event(const core::Scene& scene, const std::string& event, const Kept& kept);

/// "T000-0000-8RGW-3619-2": what the MPI echoes.
std::string md_of(const core::Scene& scene);
bool is_md(std::string_view text);

}  // namespace kassi::providers::borgun
