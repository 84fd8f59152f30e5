#pragma once

#include "api/ticket_order/operations.hpp"
#include "api/ticket_order/services/challenges.hpp"
#include "api/ticket_order/services/checks.hpp"
#include "api/ticket_order/services/desk.hpp"
#include "providers/borgun/account.hpp"

/// 3DEnrollment and 3DResVerification: what may be paid with at the end, and since when.
namespace kassi::api::ticket_order::services {

class Enrolling {
  public:
    /// All of them must outlive it.
    Enrolling(engine::Engine& engine, GatewayDesk& desk, const Certifier& certifier, Challenges& challenges)
        : engine_(engine), desk_(desk), certifier_(certifier), challenges_(challenges) {}

    /// Both answer `call`.
    void enroll(const CallPointer& call, EnrollmentWish wish, const providers::Merchant& merchant);
    void verify(const CallPointer& call, VerificationWish wish, const providers::Merchant& merchant);

  private:
    struct Walk;
    using WalkPointer = std::shared_ptr<Walk>;
    void ask(const WalkPointer& walk, core::Request request);
    void enrolled(const WalkPointer& walk, const core::Heard& heard);
    void conclude(const WalkPointer& walk, const providers::borgun::services::Enrolled& said, int status);
    void verified(const CallPointer& call, const core::Heard& heard, const std::string& party,
                  const std::optional<Certificate>& brought, const providers::borgun::Account& account);

    engine::Engine& engine_;
    GatewayDesk& desk_;
    const Certifier& certifier_;
    Challenges& challenges_;
};

}  // namespace kassi::api::ticket_order::services
