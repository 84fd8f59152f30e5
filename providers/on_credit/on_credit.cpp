#include "providers/on_credit/on_credit.hpp"

#include "providers/evidence.hpp"

namespace kassi::providers {
namespace {

// ---- facts ---------------------------------------------------------------------------------------------
constexpr std::string_view flow_name = "on_credit";

core::Facts on_credit_facts() {
    core::Facts facts;
    facts.can_hold = true;
    facts.can_query = true;
    facts.can_refund = true;
    facts.can_refund_part = true;
    facts.house_credit = true;
    facts.browser = core::Browser::no;
    facts.credentials = {"none"};
    return facts;
}

// ---- steps ---------------------------------------------------------------------------------------------
core::Step done(core::LegMoney money, const Money& amount, std::string evidence) {
    return core::Done{.money = money, .amount = amount, .references = {}, .evidence = std::move(evidence)};
}

core::Step authorise(const core::Scene& scene) {
    if (scene.credit_exhausted) {
        core::Refusal why;
        why.code = "credit_limit";
        why.text = "The account's credit limit does not cover this amount.";
        return core::Declined{.why = std::move(why), .references = {}};
    }
    return done(core::LegMoney::held, scene.amount, "reserved on the account");
}

/// There is nobody to ask: our own books are the truth.
core::Step query(const core::Scene& scene) {
    core::Done fact;
    fact.money = scene.leg.money;
    if (scene.leg.money != core::LegMoney::none) fact.amount = scene.leg.amount;
    fact.evidence = "as our own books say";
    return fact;
}

class OnCredit final : public Flow {
  public:
    [[nodiscard]] std::string_view name() const override { return flow_name; }

    [[nodiscard]] std::optional<Debitor> debitor(const Merchant&) const override { return std::nullopt; }

    [[nodiscard]] Result<core::Facts> configure(const Merchant& merchant) const override {
        if (!merchant.base_url.empty())
            return bad_request("base_url", "on credit calls nobody, leave it out");
        if (!merchant.settings.empty())
            return bad_request(merchant.settings.begin()->first,
                               "is no setting of on_credit, which has none");
        if (!merchant.secrets.empty())
            return bad_request(merchant.secrets.begin()->first, "is no secret of on_credit, which has none");
        return on_credit_facts();
    }

    [[nodiscard]] core::Step begin(const core::Scene& scene, const Merchant&) const override {
        switch (scene.verb) {
            case core::Verb::authorise:
                return authorise(scene);
            case core::Verb::capture:
                return done(core::LegMoney::taken, scene.amount, "owed by the account");
            case core::Verb::void_hold:
                return done(core::LegMoney::none, scene.amount, "no longer reserved");
            case core::Verb::refund:
                return done(core::LegMoney::back, scene.amount, "no longer owed");
            case core::Verb::query:
                return query(scene);
            case core::Verb::open:
            case core::Verb::charge:
            case core::Verb::close:
                break;
        }
        return core::NotDone{.why = "on credit has nothing to open, charge or close"};
    }

    /// Nothing was asked, so nothing can be heard.
    [[nodiscard]] core::Step resume(const core::Scene&, const Merchant&,
                                    const core::Heard& heard) const override {
        if (const auto* silence = std::get_if<core::Silence>(&heard); silence != nullptr && !silence->sent)
            return core::NotDone{.why = silence->why};
        return core::Unknown{.why = "on credit asks nobody, and somebody answered"};
    }

    [[nodiscard]] std::vector<core::EvidenceField> evidence(const Fields& fields) const override {
        return evidence_of(fields, [](const std::string&, const std::string&) { return core::Keep::drop; });
    }

    [[nodiscard]] HttpRequest dress(const core::Request&, const Merchant&) const override {
        ensure_failed("on_credit sends no requests", __FILE__, __LINE__);
    }

    [[nodiscard]] Result<NoticeRead> read(const HttpRequest&, const Merchant&, Instant) const override {
        return Error{ErrorKind::not_found, "", "on_credit has no provider that could send notices"};
    }
};

}  // namespace

const Flow& on_credit_flow() {
    static const OnCredit flow;
    return flow;
}

}  // namespace kassi::providers
