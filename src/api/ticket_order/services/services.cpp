#include "api/ticket_order/services/services.hpp"

#include <utility>

#include "api/ticket_order/services/checks.hpp"
#include "api/ticket_order/services/enrolling.hpp"
#include "api/ticket_order/services/finish.hpp"
#include "api/ticket_order/services/results.hpp"
#include "api/ticket_order/services/saving.hpp"
#include "api/ticket_order/writing.hpp"
#include "base/secret.hpp"
#include "providers/borgun/account.hpp"

namespace kassi::api::ticket_order::services {
namespace {

namespace borgun = providers::borgun;

/// Reads the request, and wipes the body, which may hold a card. Nullopt: it was refused.
template <class T>
std::optional<T> read(const CallPointer& call) {
    auto& body = call->request.body;
    const auto incoming = incoming_of(call->request, call->route);
    auto request =
        incoming ? read_as<T>(*incoming, call->operation) : Outcome<T>(refusal_of(incoming.error()));
    wipe(body.data(), body.size());
    if (request) return std::move(*request);
    call->refuse(request.error());
    return std::nullopt;
}

}  // namespace

struct Services::State {
    explicit State(Parts given)
        : engine(given.engine),
          desk(given.desk),
          certifier(std::move(given.certificate_key)),
          proofs{certifier, challenges},
          saved(engine, desk),
          enrolling(engine, desk, certifier, challenges),
          finish(engine, desk, proofs) {}

    /// Whom the caller's requests go to; nullptr: it was refused.
    [[nodiscard]] const providers::Merchant* merchant_for(const CallPointer& call) const {
        const auto* merchant = borgun_merchant(*call->visitor.caller, engine.registry());
        if (merchant == nullptr)
            call->refuse({ErrorKind::forbidden,
                          "Forbidden",
                          "no way of paying by tokens of Borgun is set up for you",
                          {}});
        return merchant;
    }

    void token(const CallPointer& call, bool multi) const {
        const auto request = read<Wrapped<TokenWanted>>(call);
        if (!request) return;
        const auto* merchant = merchant_for(call);
        if (merchant == nullptr) return;
        auto rules = borgun::account_of(*merchant).card_rules;
        rules.wants_cvc = false;  // an enrollment follows, or the code was given before
        const auto wish = check_token(*request, multi, rules, engine.now());
        if (!wish) return call->refuse(wish.error());
        auto ask = multi ? borgun::services::multi_token(wish->card, wish->extras)
                         : borgun::services::single_token(wish->card, wish->seconds, wish->extras);
        desk.ask(merchant->name, std::move(ask), gateway_budget, [call](const core::Heard& heard) {
            call->answer(print_object(token_answer(heard), call->route.answer));
        });
    }

    void enroll(const CallPointer& call) {
        const auto request = read<Wrapped<EnrollmentWanted>>(call);
        if (!request) return;
        const auto* merchant = merchant_for(call);
        if (merchant == nullptr) return;
        const EnrollmentRules rules{borgun::account_of(*merchant).currencies,
                                    engine.settings().mode == engine::Mode::live};
        auto wish = check_enrollment(*request, rules);
        if (!wish) return call->refuse(wish.error());
        enrolling.enroll(call, std::move(*wish), *merchant);
    }

    void verify(const CallPointer& call) {
        const auto request = read<Wrapped<VerificationWanted>>(call);
        if (!request) return;
        const auto* merchant = merchant_for(call);
        if (merchant == nullptr) return;
        auto wish = check_verification(*request);
        if (!wish) return call->refuse(wish.error());
        enrolling.verify(call, std::move(*wish), *merchant);
    }

    void pay(const CallPointer& call) {
        const auto request = read<Wrapped<BorgunFinal>>(call);
        if (!request) return;
        auto wish = check_final(*request);
        if (!wish) return call->refuse(wish.error());
        finish.pay(call, std::move(*wish), {"request.threeDSecure.mpiToken", "request.paymentMethod.token"});
    }

    void pay_short(const CallPointer& call) {
        const auto request = read<Wrapped<ShortFinal>>(call);
        if (!request) return;
        auto wish = check_short_final(*request);
        if (!wish) return call->refuse(wish.error());
        finish.pay(call, std::move(*wish), {"request.mpiToken", "request.token"});
    }

    engine::Engine& engine;
    GatewayDesk& desk;
    Certifier certifier;
    Challenges challenges;
    Proofs proofs;
    SavedCards saved;
    Enrolling enrolling;
    Finish finish;
};

Services::Services(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}
Services::~Services() = default;

std::vector<Operation> Services::operations() {
    auto* state = state_.get();
    const auto named = [](std::string_view name, std::string_view path,
                          std::function<void(const CallPointer&)> serve) {
        return Operation{{name, path, true}, false, std::move(serve)};
    };
    return {
        named("BorgunServicesGetSingleTokenRequest", "/borgunServices/token/single",
              [state](const CallPointer& call) { state->token(call, false); }),
        named("BorgunServicesGetMultiTokenRequest", "/borgunServices/token/multi",
              [state](const CallPointer& call) { state->token(call, true); }),
        named("BorgunServices3DEnrollmentRequest", "/borgunServices/3DEnrollment",
              [state](const CallPointer& call) { state->enroll(call); }),
        named("BorgunServices3DVerificationRequest", "/borgunServices/3DResVerification",
              [state](const CallPointer& call) { state->verify(call); }),
        named("BorgunServices3DFinishProcessRequest", "/borgunServices/Finish3DProcess",
              [state](const CallPointer& call) { state->pay(call); }),
        named("BorgunServices3DFinishProcessRequestShortVersion",
              "/borgunServices/Finish3DProcessShortVersion",
              [state](const CallPointer& call) { state->pay_short(call); }),
    };
}

Proofs Services::proofs() const {
    return state_->proofs;
}

CardTokens& Services::card_tokens() {
    return state_->saved;
}

}  // namespace kassi::api::ticket_order::services
