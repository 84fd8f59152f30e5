#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "core/step.hpp"
#include "engine/directory.hpp"

/// Asking a gateway for something that moves no money: no transaction, no journal, no second try.
namespace kassi::api::ticket_order::services {

/// One call, and there may be two of them in one request of a client's.
inline constexpr Millis gateway_budget{15'000};

class GatewayDesk {
  public:
    using Done = std::function<void(core::Heard)>;
    virtual ~GatewayDesk() = default;
    /// `request` as the flow of `merchant` builds them: address and credentials are added. `done` comes on
    /// the io thread, once, never from inside the call; Silence{sent = false} when the desk is full or knows
    /// no such merchant. Nothing of the request is kept or logged.
    virtual void ask(const std::string& merchant, core::Request request, Millis budget, Done done) = 0;
};

/// The caller's first way of paying whose flow is Borgun's and that takes tokens: any source's ("*") first,
/// then by source. Nullptr: there is none.
const providers::Merchant* borgun_merchant(const engine::Caller& caller, const providers::Registry& registry);

}  // namespace kassi::api::ticket_order::services
