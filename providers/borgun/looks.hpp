#pragma once

#include "base/http_message.hpp"
#include "core/step.hpp"

/// What became of a payment: asked by its id, else by its single-use token, else by the events that hinted
/// at it (reference/borgun.md section 11: there is no look-up by OrderId). And closing, so that nothing is
/// paid later.
namespace kassi::providers::borgun {

core::Step begin_query(const core::Scene& scene);
core::Step begin_close(const core::Scene& scene);

bool is_look(std::string_view name);
core::Step read_look(std::string_view name, const HttpResponse& response, const core::Scene& scene);

}  // namespace kassi::providers::borgun
