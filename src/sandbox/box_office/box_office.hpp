#pragma once

#include <memory>

#include "api/f13/door.hpp"
#include "base/secret.hpp"
#include "engine/engine.hpp"

namespace kassi::sandbox::box_office {

/// How long the sandbox's box office holds seats.
inline constexpr std::chrono::minutes hold{15};

/// The booking system of the sandbox: catalogue, trolley and reserve. Hands over through the engine as any
/// booking system would, with a document for the F13 door. `token_key` signs trolley tokens. `engine` must
/// outlive it.
std::shared_ptr<api::f13::BoxOffice> make(engine::Engine& engine, const Secret<>& token_key);

}  // namespace kassi::sandbox::box_office
