#pragma once

#include "base/http_message.hpp"
#include "core/step.hpp"
#include "providers/borgun/account.hpp"

/// Money: paying, capture, cancel, refund (reference/borgun.md sections 6 and 11). What an answer does not
/// say, or says in a way that does not fit, is read back before anything is believed.
namespace kassi::providers::borgun {

core::Step begin_pay(const core::Scene& scene, const Merchant& merchant, bool sale);
core::Step begin_capture(const core::Scene& scene);
core::Step begin_void(const core::Scene& scene);
core::Step begin_refund(const core::Scene& scene);

bool is_money_step(std::string_view name);
/// The answer to one of these steps, or to reading it back.
core::Step read_money(std::string_view name, const HttpResponse& response, const core::Scene& scene,
                      const Account& account);

}  // namespace kassi::providers::borgun
