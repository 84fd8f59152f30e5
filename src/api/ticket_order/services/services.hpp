#pragma once

#include <memory>
#include <vector>

#include "api/ticket_order/operations.hpp"
#include "api/ticket_order/services/card_tokens.hpp"
#include "api/ticket_order/services/challenges.hpp"
#include "api/ticket_order/services/desk.hpp"
#include "engine/engine.hpp"

/// The helper routes that lead an app to a borgun3DFinalInfo: /borgunServices/... (README.md beside this
/// file).
namespace kassi::api::ticket_order::services {

class Services {
  public:
    struct Parts {
        engine::Engine& engine;
        GatewayDesk& desk;
        Secret<> certificate_key;  ///< of certificate_key()
    };
    /// `engine` and `desk` must outlive it, and it their callbacks.
    explicit Services(Parts parts);
    ~Services();
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

    /// They refer to this object.
    [[nodiscard]] std::vector<Operation> operations();
    [[nodiscard]] Proofs proofs() const;
    [[nodiscard]] CardTokens& card_tokens();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kassi::api::ticket_order::services
