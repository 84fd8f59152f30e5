#pragma once

#include <functional>
#include <string>

#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// The operators' door: /healthz, /readyz, /metrics. Listens for itself, never beside the doors of customers.
namespace kassi::api::ops {

/// `not_ready` says why no new work is taken ("the disk is full", "stopping"), "" when all is well. To be
/// mounted at "/". /healthz: 200 as long as the process answers. /readyz: 200 or 503 with the reason.
/// /metrics: Prometheus text, version 0.0.4.
Handler door(engine::Engine& engine, std::function<std::string()> not_ready);

}  // namespace kassi::api::ops
