#pragma once

#include "base/http_message.hpp"
#include "core/step.hpp"

/// What Stripe's answers mean for the verb that was asked (reference/stripe.md sections 3 to 5).
namespace kassi::providers::stripe {

core::Step read_answer(const HttpResponse& response, const core::Scene& scene);

}  // namespace kassi::providers::stripe
