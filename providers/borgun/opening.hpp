#pragma once

#include "base/http_message.hpp"
#include "core/step.hpp"
#include "providers/borgun/account.hpp"

/// Everything before money: card to token, enrollment, challenge, validation (reference/borgun.md sections 4,
/// 7 to 9).
namespace kassi::providers::borgun {

core::Step begin_open(const core::Scene& scene, const Account& account);
/// The browser is back from our page, or from the bank.
core::Step read_return(const Fields& fields, const core::Scene& scene);
/// The browser is done with our page that runs the 3DS Method.
core::Step read_method(const Fields& fields, const core::Scene& scene);
/// The answer to one of the steps before money; `name` is the step's.
core::Step read_opening(std::string_view name, const HttpResponse& response, const core::Scene& scene,
                        const Account& account);
/// No answer to one of them: none moved money.
core::Step opening_silence(std::string_view name, const core::Silence& silence);
bool is_opening(std::string_view name);
/// The second enrollment was interrupted, and the customer waits at our door: enrolled anew. Nullopt
/// otherwise.
std::optional<core::Ask> enroll_anew(const core::Scene& scene);
/// The customer came back and what he brought was never judged: the validation again. Nullopt otherwise.
std::optional<core::Ask> validate_again(const core::Scene& scene);

}  // namespace kassi::providers::borgun
