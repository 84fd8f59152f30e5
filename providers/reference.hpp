#pragma once

#include <string>

#include "core/step.hpp"

/// How a flow names its payments and its requests to a provider: known before anything is sent.
namespace kassi::providers {

/// "<transaction id>-<leg>"
std::string reference_of(const core::Scene& scene);
/// "<transaction id>-<leg>-<refund no>"
std::string refund_reference_of(const core::Scene& scene);
/// The idempotency key of leg and verb, of a refund with its number: constant, so that whatever goes out
/// twice counts once.
std::string key_of(const core::Scene& scene);
std::string key_of(const core::Scene& scene, core::Verb verb);
/// The provider's id of that kind, as it was recorded; "" not known.
std::string known_reference(const core::Scene& scene, std::string_view kind);

}  // namespace kassi::providers
