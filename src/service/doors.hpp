#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "api/merchant_sessions.hpp"
#include "api/ops/ops.hpp"
#include "api/router.hpp"
#include "engine/engine.hpp"
#include "service/house.hpp"

namespace kassi::service {

/// What the doors of the house share, and the doors over it.
class Doors {
  public:
    /// Who works beside the house, where there is somebody.
    struct Beside {
        std::shared_ptr<api::f13::BoxOffice> box_office;
        std::shared_ptr<api::ticket_order::Events> events;
        api::MerchantSessions* sessions = nullptr;
    };
    /// `not_ready` is what /readyz says, "" when all is well. The others must outlive it.
    Doors(boost::asio::io_context& io, House& house, const Config& config, Beside beside,
          std::function<std::string()> not_ready, std::function<api::ops::Figures()> figures);
    ~Doors();
    Doors(const Doors&) = delete;
    Doors& operator=(const Doors&) = delete;
    /// For the world: F13, /v1, TicketOrder, callbacks, webhooks, callout pages.
    [[nodiscard]] std::vector<api::Mount> for_the_world() const;
    /// What the server refuses before a door sees it, with its status, in the words of the door that it was
    /// for. Logged, under an id of its own.
    [[nodiscard]] static HttpResponse refusal(int status, std::string_view target, std::string_view why);
    /// The same of a request for which there is no room: 503. Not logged; there may be many.
    [[nodiscard]] static HttpResponse too_busy(const HttpRequest& head);
    /// The same of a request that comes while a copy is put to work: `why`. Not logged either.
    [[nodiscard]] static HttpResponse not_yet(const HttpRequest& request, std::string_view why);
    /// For the operators' own listener.
    [[nodiscard]] std::vector<api::Mount> for_operators() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kassi::service
