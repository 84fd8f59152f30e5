#pragma once

#include <memory>

#include "api/ticket_order/services/desk.hpp"
#include "engine/engine.hpp"

namespace kassi::service {

/// Calls that wait for a gateway at one moment; further ones are not sent.
inline constexpr std::size_t gateway_calls_max = 64;

/// The desk over the world outside: the flow of a merchant dresses each request.
class OutsideDesk final : public api::ticket_order::services::GatewayDesk {
  public:
    /// Both must outlive it, and their callbacks.
    OutsideDesk(engine::Outside& outside, const providers::Registry& registry)
        : outside_(outside), registry_(registry) {}
    void ask(const std::string& merchant, core::Request request, Millis budget, Done done) override;

  private:
    engine::Outside& outside_;
    const providers::Registry& registry_;
    std::shared_ptr<std::size_t> open_ = std::make_shared<std::size_t>(0);
};

}  // namespace kassi::service
