#pragma once

#include "api/ticket_order/services/card_tokens.hpp"

namespace kassi::api::ticket_order::services {

/// CardTokens over a gateway's desk. Both must outlive it.
class SavedCards final : public CardTokens {
  public:
    SavedCards(engine::Engine& engine, GatewayDesk& desk) : engine_(engine), desk_(desk) {}
    void save(const engine::Caller& caller, const CardMethod& method, const std::string& field,
              Done done) override;

  private:
    engine::Engine& engine_;
    GatewayDesk& desk_;
};

}  // namespace kassi::api::ticket_order::services
