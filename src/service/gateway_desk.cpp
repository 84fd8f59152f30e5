#include "service/gateway_desk.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/secret.hpp"

namespace kassi::service {

void OutsideDesk::ask(const std::string& merchant, core::Request request, Millis budget, Done done) {
    const auto* known = registry_.merchant(merchant);
    const auto* flow = known == nullptr ? nullptr : registry_.flow(known->provider);
    const bool full = *open_ >= gateway_calls_max;
    if (flow == nullptr || full) {
        log::warning("gateway_desk",
                     {{"merchant", merchant}, {"why", full ? "too many calls are open" : "unknown"}});
        wipe(request.body.data(), request.body.size());
        outside_.after(Millis{0}, [done = std::move(done)] { done(core::Silence{false, "not sent"}); });
        return;
    }
    auto dressed = flow->dress(request, *known);
    wipe(request.body.data(), request.body.size());
    ++*open_;
    outside_.call(std::move(dressed), budget, [open = open_, done = std::move(done)](core::Heard heard) {
        --*open;
        done(std::move(heard));
    });
}

}  // namespace kassi::service
