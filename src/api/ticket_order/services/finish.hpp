#pragma once

#include <memory>

#include "api/ticket_order/operations.hpp"
#include "api/ticket_order/services/challenges.hpp"
#include "api/ticket_order/services/checks.hpp"
#include "api/ticket_order/services/desk.hpp"

/// Finish3DProcess: an order is paid, by the engine as by any other door.
namespace kassi::api::ticket_order::services {

/// Where the members that can be wrong stand in the request.
struct FinalPaths {
    std::string mpi_token, token;
};

class Finish {
  public:
    /// All of them must outlive it.
    Finish(engine::Engine& engine, GatewayDesk& desk, const Proofs& proofs)
        : engine_(engine), desk_(desk), proofs_(proofs) {}

    /// Answers `call`. The same order with the same MPI token again asks how it went, and pays nothing twice.
    void pay(const CallPointer& call, FinalWish wish, const FinalPaths& paths);

  private:
    struct Order;
    using OrderPointer = std::shared_ptr<Order>;
    void begin(const OrderPointer& order, const engine::View& view);
    void wait(const OrderPointer& order, const TransactionId& id);
    void answer(const OrderPointer& order, const core::Transaction& transaction);
    [[nodiscard]] bool is_repeat(const Order& order, const core::Transaction& transaction) const;

    engine::Engine& engine_;
    GatewayDesk& desk_;
    const Proofs& proofs_;
};

}  // namespace kassi::api::ticket_order::services
