#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "api/merchant_sessions.hpp"
#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// Our own door: JSON, problem+json, Idempotency-Key, cursors. Described in schema/openapi.yaml.
namespace kassi::api::v1 {

/// To be mounted at "/v1/". `Authorization: Bearer <key>` names the system; a system sees the transactions of
/// its own callers, and others' like unknown ones: 404. `X-Request-Id` becomes the tracking id and comes
/// back. `sessions` must outlive it, and may be nullptr.
Handler door(engine::Engine& engine, MerchantSessions* sessions = nullptr);

/// Method and path of every operation, as openapi.yaml spells them: {"GET", "/v1/transactions/{id}"}.
std::vector<std::pair<std::string_view, std::string_view>> operations();

}  // namespace kassi::api::v1
