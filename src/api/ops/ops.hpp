#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// The operators' door: /healthz, /readyz, /metrics. Listens for itself, never beside the doors of customers.
namespace kassi::api::ops {

/// How much the listener of the doors has to do.
struct Figures {
    int level = 0;  ///< 0 all is taken, 1 nothing new, 2 notices of providers only, 3 nothing
    std::size_t connections = 0, requests_in_hand = 0, bytes_in_hand = 0;
    std::uint64_t refused = 0;
    std::int64_t lag_ms = 0;
};

/// `not_ready` says why no new work is taken ("the disk is full", "stopping"), "" when all is well. To be
/// mounted at "/". /healthz: 200 as long as the process answers. /readyz: 200 or 503 with the reason.
/// /metrics: Prometheus text, version 0.0.4; without `figures` those of the listener are missing.
Handler door(engine::Engine& engine, std::function<std::string()> not_ready,
             std::function<Figures()> figures = nullptr);

}  // namespace kassi::api::ops
