#include <algorithm>
#include <array>

#include "providers/borgun/borgun.hpp"
#include "providers/evidence.hpp"
#include "providers/flow.hpp"
#include "providers/on_credit/on_credit.hpp"
#include "providers/redirect/redirect.hpp"
#include "providers/securepay/securepay.hpp"
#include "providers/stripe/stripe.hpp"

namespace kassi::providers {
namespace {

/// Part of a URL and of log lines.
bool is_merchant_name(std::string_view name) {
    return is_plain_reference(name) && name.front() != '-' && name.front() != '.';
}

/// Of a leg whose merchant nobody configured: nothing is possible, so nothing is tried.
const core::Facts& no_facts() {
    static const core::Facts none;
    return none;
}

}  // namespace

Result<core::Admission> Flow::admit(const core::Credential& credential, const Merchant& merchant,
                                    Instant) const {
    return bad_request(credential.kind, "is nothing that " + merchant.name + " takes");
}

std::optional<Error> Flow::misfit(const core::Credential&, const core::Transaction&, const core::Leg&,
                                  const Merchant&) const {
    return std::nullopt;
}

std::optional<Flow::HostedPage> Flow::page(const core::Callout&, const Money&, const Merchant&,
                                           const TransactionId&) const {
    return std::nullopt;
}

Flow::Acknowledgement Flow::acknowledgement() const {
    return {"application/json", R"({"received":true})"};
}

bool Flow::signs_returns(const Merchant&) const {
    return false;
}

struct Registry::State {
    struct Known {
        Merchant merchant;
        const Flow* flow = nullptr;
        core::Facts facts;
    };
    std::map<std::string, Known, std::less<>> merchants;

    /// Nullptr when the merchant is unknown, or was given to another provider since the leg was opened.
    [[nodiscard]] const Known* of(const core::Leg& leg) const {
        const auto found = merchants.find(leg.merchant);
        return found != merchants.end() && found->second.flow->name() == leg.flow ? &found->second : nullptr;
    }
};

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

std::vector<const Flow*> Registry::flows() {
    return {&on_credit_flow(), &redirect_flow(), &stripe_flow(), &borgun_flow(), &securepay_flow()};
}

const Flow* Registry::flow(std::string_view provider) const {
    for (const Flow* known : flows())
        if (known->name() == provider) return known;
    return nullptr;
}

Result<std::unique_ptr<Registry>> Registry::make(std::vector<Merchant> merchants) {
    std::unique_ptr<Registry> registry(new Registry);
    for (Merchant& merchant : merchants) {
        const std::string name = merchant.name;
        if (!is_merchant_name(name))
            return bad_request("merchants",
                               "the name \"" + name + "\" is not 1 to 64 letters, digits, '_', '-' and '.'");
        const std::string field = "merchants." + name;
        const Flow* flow = registry->flow(merchant.provider);
        if (flow == nullptr)
            return bad_request(field + ".provider",
                               "\"" + merchant.provider + "\" is no known way of paying");
        auto facts = flow->configure(merchant);
        if (!facts) {
            Error error = facts.error();
            error.field = field + "." + error.field;
            return error;
        }
        State::Known known{std::move(merchant), flow, std::move(*facts)};
        if (!registry->state_->merchants.emplace(name, std::move(known)).second)
            return bad_request(field, "there are two merchants of this name");
    }
    return registry;
}

const Merchant* Registry::merchant(std::string_view name) const {
    const auto found = state_->merchants.find(name);
    return found == state_->merchants.end() ? nullptr : &found->second.merchant;
}

const core::Facts* Registry::facts_of(std::string_view merchant) const {
    const auto found = state_->merchants.find(merchant);
    return found == state_->merchants.end() ? nullptr : &found->second.facts;
}

const core::Facts& Registry::facts(const core::Leg& leg) const {
    const auto* known = state_->of(leg);
    return known == nullptr ? no_facts() : known->facts;
}

core::Step Registry::begin(const core::Scene& scene) const {
    const auto* known = state_->of(scene.leg);
    if (known == nullptr)
        return core::NotDone{.why = "the merchant " + scene.leg.merchant + " is not configured"};
    return known->flow->begin(scene, known->merchant);
}

core::Step Registry::resume(const core::Scene& scene, const core::Heard& heard) const {
    const auto* known = state_->of(scene.leg);
    if (known == nullptr)
        return core::Unknown{.why = "the merchant " + scene.leg.merchant + " is not configured"};
    return known->flow->resume(scene, known->merchant, heard);
}

Result<core::Admission> Registry::admit(const core::Transaction& transaction, const core::Leg& leg,
                                        const core::Credential& credential, Instant now) const {
    const auto* known = state_->of(leg);
    if (known == nullptr)
        return bad_request(credential.kind, "the merchant " + leg.merchant + " is not configured");
    auto admitted = known->flow->admit(credential, known->merchant, now);
    if (!admitted) return admitted;
    if (auto wrong = known->flow->misfit(credential, transaction, leg, known->merchant)) return *wrong;
    return admitted;
}

std::vector<core::EvidenceField> Registry::evidence(const core::Leg& leg, const Fields& fields) const {
    const Flow* known = flow(leg.flow);
    return known == nullptr ? on_credit_flow().evidence(fields)
                            : known->evidence(fields);  // drops everything
}

}  // namespace kassi::providers
