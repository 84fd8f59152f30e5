#include "tests/exploration/world.hpp"

#include <algorithm>

namespace kassi::exploration {

using core::Goal;
using core::Leg;
using core::LegMoney;
using core::Phase;
using core::Transaction;

House& house_of(State& state, std::int64_t leg) {
    return state.houses.at(static_cast<std::size_t>(leg) - 1);
}
const House& house_of(const State& state, std::int64_t leg) {
    return state.houses.at(static_cast<std::size_t>(leg) - 1);
}

Flawed::Flawed(Bug bug) : bug_(bug) {
    for (auto& [name, facts] : merchants) facts.can_refund_part = facts.can_refund;
    if (bug == Bug::nobody_asks)
        for (auto& [name, facts] : merchants) facts.can_query = facts.can_close = false;
}

core::Step Flawed::resume(const core::Scene& scene, const core::Heard& heard) const {
    auto step = ScriptedFlows::resume(scene, heard);
    if (bug_ == Bug::decline_is_success && std::holds_alternative<core::Declined>(step) &&
        scene.verb == core::Verb::capture)
        return core::Done{LegMoney::taken, scene.amount, {}, "declined"};
    return step;
}

World::World(const Configuration& configuration) : configuration_(configuration), flows_(configuration.bug) {
    for (auto& kind : configuration_.kinds) {
        if (is(Bug::keys_not_known)) kind.repeatable = false;
        kind.keeps_doors_open = is(Bug::close_is_no_close);
        kind.forgets_refunds = is(Bug::refund_not_booked);
    }
    if (is(Bug::hold_ignored)) times_.hold_margin = -hold;
}

const Kind& World::kind_of(const Leg& leg) const {
    if (configuration_.one_leg || configuration_.kinds.size() == 1) return configuration_.kinds.front();
    return configuration_.kinds.at(static_cast<std::size_t>(leg.sources.front().front() - 'a'));
}

State World::begin() const {
    constexpr std::int64_t bundle_minor = 1000;
    const auto pounds = [](std::int64_t minor) { return Money{minor, *Currency::parse("GBP", "")}; };
    Move move;
    move.after.faults = configuration_.faults;
    core::HandOver body;
    body.id.bytes[15] = 7;
    body.system = "box";
    body.caller = "demo";
    const std::size_t bundles = configuration_.one_leg ? 2 : configuration_.kinds.size();
    std::int64_t item = 0;
    for (std::size_t i = 0; i < bundles; ++i) {
        const std::string source(1, static_cast<char>('a' + i));
        core::Bundle bundle{source, "tickets", pounds(bundle_minor), {}};
        // Nobody asks for single items but in the configurations with parts.
        for (int order = 0; order < 2 && configuration_.parts; ++order)
            bundle.orders.push_back({++item, pounds(bundle_minor / 2), true});
        body.bundles.push_back(std::move(bundle));
    }
    body.policy.partial = configuration_.partial;
    if (configuration_.owner) body.policy.confirm = core::Confirm::owner;
    if (configuration_.second_try) body.policy.on_decline = core::OnDecline::again;
    body.held_until = present + hold;
    hear(move, std::move(body));
    KASSI_ENSURE(move.moved);
    return move.after;
}

// ---- hearing ----------------------------------------------------------------------------------------------
std::string World::broken_by(const Transaction& before, const core::Decision& decision) const {
    Transaction replayed = before;
    for (const auto& event : decision.events)
        if (!is(Bug::event_missing) || !std::holds_alternative<core::Taken>(event))
            core::apply(replayed, event, present);
    if (!decision.events.empty()) replayed.version = decision.next.version;
    replayed.tracking = decision.next.tracking;
    if (!(replayed == decision.next)) return "the events do not lead to the state";
    const auto was = before.phase, is = decision.next.phase;
    if (has_verdict(was) && was != is && !(was == Phase::purchased && is == Phase::cancelled))
        return "the verdict changed";
    for (const Leg& leg : before.legs)
        if (was == Phase::purchased && leg.goal == Goal::take && leg.money == LegMoney::taken &&
            find_leg(decision.next, leg.no)->goal != Goal::take)
            return "what was bought is given up";
    for (const auto& event : decision.events) {
        if (const auto* call = std::get_if<core::CallMeant>(&event);
            call != nullptr && takes_money(call->verb) &&
            find_leg(decision.next, call->leg)->goal == Goal::give_back)
            return "money is asked for that nobody wants any more";
        if (const auto* decided = std::get_if<core::Decided>(&event);
            decided != nullptr && decided->verdict == core::Verdict::buy && present >= before.held_until)
            return "bought after the seats were gone";
    }
    return {};
}

void World::hear(Move& move, core::InputBody body) const {
    const bool create = std::holds_alternative<core::HandOver>(body);
    const core::Input input{.body = std::move(body),
                            .by = "exploration",
                            .tracking = {},
                            .fresh_return_token = "returned",
                            .fresh_page_token = "page"};
    State& after = move.after;
    core::Terms terms = terms_;
    if (after.transaction.put_back > 0 || std::holds_alternative<core::Restored>(input.body))
        // Later than any refund's number, which is what it is there for: every time is the same here.
        terms.put_back_at = after.transaction.handed_over_at + std::chrono::seconds(1);
    auto decision = core::decide(create ? nullptr : &after.transaction, after.papers, input, present, terms);
    if (!decision) return;
    move.wrong = broken_by(after.transaction, *decision);
    move.moved = true;
    const Transaction before = std::move(after.transaction);
    after.transaction = std::move(decision->next);
    after.papers = std::move(decision->papers);
    // What was opened since a copy was made is still there, whoever knows of it.
    std::int64_t last = static_cast<std::int64_t>(after.houses.size());
    for (const Leg& leg : after.transaction.legs) last = std::max(last, leg.no);
    after.houses.resize(static_cast<std::size_t>(last));
    for (Leg& leg : after.transaction.legs) {
        const Leg* was = find_leg(before, leg.no);
        const bool sent =
            leg.doing == core::Doing::away && (was == nullptr || was->doing != core::Doing::away);
        House& house = house_of(after, leg.no);
        if (sent && !core::lacks_credential(leg, facts_of(leg))) house.page_open = true;
        // On credit the house is ours: what we believe is so.
        if (leg.flow == "credit") {
            house.truth = leg.money;
            house.back_minor = leg.back_minor;
        }
        if (is(Bug::nobody_wakes)) leg.recheck_at.reset();
        if (is(Bug::other_forgotten) && leg.no == 2 && !has_verdict(before.phase) &&
            has_verdict(after.transaction.phase))
            leg.goal = Goal::take;
    }
}

// ---- what must hold ---------------------------------------------------------------------------------------
std::string World::broken(const State& state) const {
    const auto& t = state.transaction;
    const bool failed = t.phase == Phase::failed || t.phase == Phase::released;
    for (const Leg& leg : t.legs) {
        const House& house = house_of(state, leg.no);
        const auto wrong = [&leg](std::string_view what) {
            return "leg " + std::to_string(leg.no) + ": " + std::string(what);
        };
        if (house.charges > 1) return wrong("charged twice");
        const bool believes_more = leg.doing == core::Doing::rest && leg.money > house.truth;
        const bool went_lost = house.truth == LegMoney::none && leg.refused.has_value();
        // Whoever cannot be asked after a copy was put back: a person is called, and nothing is done with it.
        const bool waits_for_a_person = configuration_.restore && !leg.stuck.empty();
        // A request that was given up has given it back after all. The house says so when it is asked again;
        // or a person is called.
        const bool gives_back = leg.goal == Goal::give_back && (leg.retry_at || !leg.stuck.empty());
        if (believes_more && !went_lost && !waits_for_a_person && !gives_back)
            return wrong("believes in more money than there is");
        if (t.phase == Phase::purchased && leg.goal == Goal::take && house.truth != LegMoney::taken &&
            house.truth != LegMoney::back)
            return wrong("bought without money");
        if (failed && leg.goal == Goal::take) return wrong("still wanted, and the purchase failed");
        const bool keeps = house.truth == LegMoney::held || house.truth == LegMoney::taken;
        const bool coming = house.delayed.has_value();
        if (failed && keeps && core::settled(t) && !coming && !blind(leg) && house.note == LegMoney::none &&
            !house.late)
            return wrong("settled, and the house has the money");
    }
    if (t.phase == Phase::purchased && !t.policy.partial) {
        const auto returns = [](const Leg& leg) { return leg.goal == Goal::give_back && !leg.refused; };
        const auto kept = [&](const Leg& leg) { return leg.goal == Goal::take && facts_of(leg).can_refund; };
        if (std::any_of(t.legs.begin(), t.legs.end(), returns) &&
            std::any_of(t.legs.begin(), t.legs.end(), kept))
            return "half a purchase, and all or nothing was wanted";
    }
    return {};
}

std::string World::broken_at_end(const State& state) const {
    const auto& t = state.transaction;
    if (!has_verdict(t.phase)) return "an end without a verdict";
    for (const Leg& leg : t.legs) {
        const House& house = house_of(state, leg.no);
        const auto name = "leg " + std::to_string(leg.no) + ": ";
        if (leg.doing != core::Doing::rest) return name + "an end with work open";
        if (blind(leg) && leg.money == LegMoney::none) continue;
        if (leg.goal == Goal::give_back && (house.truth == LegMoney::held || house.truth == LegMoney::taken))
            return name + "an end with money that should be back";
        if (leg.goal == Goal::take && t.phase == Phase::purchased && house.truth != LegMoney::taken)
            return name + "an end without money";
        if (house.truth == LegMoney::taken && leg.back_minor != house.back_minor)
            return name + "the ledgers differ about what went back";
    }
    return {};
}

}  // namespace kassi::exploration
