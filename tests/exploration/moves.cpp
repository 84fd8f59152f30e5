#include <functional>

#include "tests/exploration/instants.hpp"
#include "tests/exploration/world.hpp"

namespace kassi::exploration {

using namespace std::chrono_literals;
using core::Goal;
using core::Leg;
using core::LegMoney;
using core::Phase;
using core::Verb;

/// Collects what can happen to one state.
class World::Moves {
  public:
    Moves(const World& of, const State& now, bool labels) : world(of), state(now), told(labels) {
        constexpr std::size_t usual = 32;
        all.reserve(usual);
    }

    std::vector<Move> all;

    void collect() {
        world.configuration_.timeless ? any_time() : real_time();
        crash();
        doors();
        if (world.configuration_.restore) copies();
        for (const Leg& leg : state.transaction.legs) of_leg(leg);
    }

  private:
    const World& world;
    const State& state;
    const bool told;

    template <class... Texts>
    [[nodiscard]] std::string label(const Texts&... texts) const {
        std::string text;
        if (told) ((text += texts), ...);
        return text;
    }
    template <class... Texts>
    [[nodiscard]] std::string of(const Leg& leg, const Texts&... texts) const {
        return told ? label("leg ", std::to_string(leg.no), ": ", texts...) : std::string{};
    }
    [[nodiscard]] State spent() const {
        State after = state;
        --after.faults;
        return after;
    }
    void add(std::string label, State after, core::InputBody body) {
        Move move{std::move(label), std::move(after), false, {}};
        world.hear(move, std::move(body));
        if (move.moved) all.push_back(std::move(move));
    }
    void happens(std::string label, State after) {
        all.push_back({std::move(label), std::move(after), true, {}});
    }
    /// Time has passed: nothing happens unless the machine wants to be woken.
    void woken(std::string label, State later) {
        const auto due = core::due_at(later.transaction, world.terms_);
        if (due && *due <= present) add(std::move(label), std::move(later), core::Due{});
    }

    void real_time();
    void any_time();
    void crash();
    void doors();
    void purchase(bool again);
    void copies();
    void of_leg(const Leg& leg);
    void notices(const Leg& leg);
    void customer(const Leg& leg);
    void at_the_page(const Leg& leg);
    void comes_back(const Leg& leg);
    void call(const Leg& leg);
    void call_fails(const Leg& leg, const Delayed& request);
    void person(const Leg& leg);
    void late(const Leg& leg);
    void late_request(const Leg& leg);
};

std::vector<Move> World::moves(const State& state, bool told) const {
    Moves moves(*this, state, told);
    moves.collect();
    return std::move(moves.all);
}

// ---- the clock --------------------------------------------------------------------------------------------
void World::Moves::real_time() {
    if (const auto due = core::due_at(state.transaction, world.terms_)) {
        State later = state;
        if (*due > present) shift(later.transaction, *due - present);
        add(label("time passes"), std::move(later), core::Due{});
    }
    if (!has_verdict(state.transaction.phase) && present < state.transaction.held_until) {
        State later = state;
        shift(later.transaction, state.transaction.held_until - present);
        add(label("nobody looks until the hold is over"), std::move(later), core::Due{});
    }
}

/// What waits may wait for any time: each for its own, or all for the same.
void World::Moves::any_time() {
    woken(label("at once"), state);
    std::size_t waiting = 0;
    for (std::size_t i = 0; i < state.transaction.legs.size(); ++i) {
        State later = state;
        if (!fire(later.transaction.legs[i])) continue;
        ++waiting;
        woken(of(state.transaction.legs[i], "time passes"), std::move(later));
    }
    if (state.transaction.confirm_by && *state.transaction.confirm_by > present) {
        State later = state;
        later.transaction.confirm_by = present;
        ++waiting;
        woken(label("the owner says nothing"), std::move(later));
    }
    if (waiting > 1) {
        State later = state;
        fire(later.transaction);
        woken(label("time passes for all"), std::move(later));
    }
    if (has_verdict(state.transaction.phase) || state.transaction.held_until <= present) return;
    const auto ends = [this](State later, Instant held_until) {
        later.transaction.held_until = held_until;
        if (later.copy) later.copy->transaction.held_until = held_until;
        return later;
    };
    woken(label("the hold ends"), ends(state, present + world.times_.hold_margin));
    woken(label("the hold is over"), ends(state, present));
    State later = ends(state, present);
    fire(later.transaction);
    add(label("nobody looks until the hold is over"), std::move(later), core::Due{});
}

/// All that is being asked for is interrupted. Of one call alone, see there.
void World::Moves::crash() {
    core::Due due;
    for (const Leg& leg : state.transaction.legs)
        if (leg.doing == core::Doing::call) due.unattended.push_back(leg.no);
    if (due.unattended.size() > 1 && state.faults > 0)
        add(label("a crash with all calls open"), spent(), std::move(due));
}

// ---- doors ------------------------------------------------------------------------------------------------
void World::Moves::purchase(bool again) {
    core::Purchase body;
    const auto open = core::uncovered(state.transaction);
    if (world.configuration_.one_leg) {
        const auto& merchant = world.configuration_.kinds.front().merchant;
        body.legs.push_back({open, merchant, merchant, {}});
    } else {
        for (const auto& source : open) {
            Leg probe;
            probe.sources = {source};
            const auto& merchant = world.kind_of(probe).merchant;
            body.legs.push_back({{source}, merchant, merchant, {}});
        }
    }
    for (auto& plan : body.legs) {
        const auto mark = plan.sources.front() + std::to_string(state.tries);
        if (plan.merchant == "vault") plan.credential = {"card", mark};
        if (plan.merchant == "wallet") plan.credential = {"wallet", mark};
    }
    core::Journey way;
    way.url_before = "https://box.example/back/";
    way.token = "token";
    body.journey = way;
    State after = state;
    ++after.tries;
    add(label(again ? "another card" : "purchase"), std::move(after), std::move(body));
}

void World::Moves::doors() {
    const auto& t = state.transaction;
    const bool first = t.phase == Phase::reserved;
    const bool again = world.configuration_.second_try && t.phase == Phase::authorising && state.tries < 2 &&
                       !core::uncovered(t).empty() && !core::purchase_under_way(t);
    if (first || again) purchase(again);
    if (t.phase == Phase::confirming) {
        add(label("the owner says yes"), state, core::ConfirmAnswer{true, {}});
        add(label("the owner says no"), state, core::ConfirmAnswer{false, {}});
    }
    if (state.faults > 0 && !has_verdict(t.phase)) add(label("released"), spent(), core::Release{});
    if (world.configuration_.parts && t.phase == Phase::purchased)
        for (const std::int64_t item : {1, 2})
            add(label("item ", std::to_string(item), " cancelled"), state, core::Cancel{{item}});
}

void World::Moves::copies() {
    const bool at_its_end = has_verdict(state.transaction.phase) && core::settled(state.transaction);
    if (!state.copied && !at_its_end && state.faults > 0) {
        State after = spent();  // that it is put back, later
        after.copied = true;
        after.copy = {state.transaction, state.papers};
        happens(label("a copy of the record is made"), std::move(after));
    }
    if (!state.copy) return;
    State soon = state;
    soon.transaction = state.copy->transaction;
    soon.papers = state.copy->papers;
    soon.copy.reset();
    // Who waited for answers is dead.
    for (House& house : soon.houses) house.late.reset();
    State later = soon;
    if (world.is(Bug::copy_believed)) {
        happens(label("the copy is put back, and nobody says so"), std::move(soon));
        return;
    }
    const core::Restored restored{present - 1h};
    add(label("the copy is put back"), std::move(soon), restored);
    if (fire(later.transaction)) add(label("the copy is put back after long"), std::move(later), restored);
}

// ---- legs -------------------------------------------------------------------------------------------------
void World::Moves::of_leg(const Leg& leg) {
    customer(leg);
    call(leg);
    person(leg);
    late(leg);
    notices(leg);
}

void World::Moves::notices(const Leg& leg) {
    const House& house = house_of(state, leg.no);
    if (house.note == LegMoney::none || !world.facts_of(leg).notifies) return;
    const core::Notice notice{.leg = leg.no,
                              .event_id = "e" + std::string(word(house.note)),
                              .fact = house.note,
                              .amount = leg.amount,
                              .references = {},
                              .trust = world.facts_of(leg).notice_trust,
                              .evidence = "said"};
    State after = state;
    house_of(after, leg.no).note = LegMoney::none;
    add(of(leg, "notice"), std::move(after), notice);
    if (state.faults > 0) add(of(leg, "notice, and once more"), spent(), notice);
}

void World::Moves::customer(const Leg& leg) {
    const House& house = house_of(state, leg.no);
    const bool our_page = leg.doing == core::Doing::away && leg.verb == Verb::open &&
                          core::lacks_credential(leg, world.facts_of(leg));
    if (our_page && house.brings.empty() && house.brought.empty()) {
        State after = state;
        house_of(after, leg.no).brings = "token";
        happens(of(leg, "the customer gives a token"), std::move(after));
    }
    if (house.page_open && !house.closed) at_the_page(leg);
    if (leg.callout) comes_back(leg);
}

void World::Moves::at_the_page(const Leg& leg) {
    const auto& kind = world.kind_of(leg);
    const auto does = [&](State after, bool pays, std::string brings) {
        House& house = house_of(after, leg.no);
        house.page_open = false;
        house.brings = std::move(brings);
        if (pays && kind.page_pays && house.truth == LegMoney::none) {
            house.truth = world.facts_of(leg).can_hold ? LegMoney::held : LegMoney::taken;
            ++house.charges;
            if (kind.notifies) house.note = house.truth;
        }
        return after;
    };
    const auto& brings = house_of(state, leg.no).brings;
    happens(of(leg, "the customer pays and comes back"), does(state, true, "yes"));
    if (kind.page_pays) happens(of(leg, "the customer pays and goes away"), does(state, true, brings));
    happens(of(leg, "the customer refuses"), does(state, false, "no"));
    if (state.faults > 0 && leg.flow == "redirect" && kind.page_pays)
        happens(of(leg, "the customer lies"), does(spent(), false, "yes"));
}

Fields fields_of(const Leg& leg, const std::string& brings) {
    if (brings == "token") return {{"token", "tk" + std::to_string(leg.no)}};
    const bool says_it = leg.flow == "redirect" || leg.flow == "silent" || leg.flow == "vault";
    if (says_it) return {{"success", brings}};
    return {{"back", brings}};
}

void World::Moves::comes_back(const Leg& leg) {
    const House& house = house_of(state, leg.no);
    const auto back = [&](std::string label, State after, const std::string& brings) {
        add(std::move(label), std::move(after),
            core::Return{leg.no, leg.callout->no, fields_of(leg, brings), "next", leg.callout->returned});
    };
    if (!house.brings.empty()) {
        State after = state;
        House& h = house_of(after, leg.no);
        h.brought = std::exchange(h.brings, "");
        back(of(leg, "returns"), std::move(after), house.brings);
    }
    if (!house.brought.empty() && state.faults > 0)
        back(of(leg, "returns once more"), spent(), house.brought);
}

// ---- calls ------------------------------------------------------------------------------------------------
Delayed request_of(const State& state, const Leg& leg, const Kind& kind) {
    Delayed request;
    request.verb = leg.call->verb;
    request.key = leg.call->key;
    request.repeatable = leg.call->repeat == core::Repeat::same_key && kind.repeatable;
    if (const auto paper = state.papers.parcels.find(leg.no);
        request.verb == Verb::refund && paper != state.papers.parcels.end())
        request.amount = std::stoll(paper->second.request.body);
    request.whole = leg.amount.minor;
    return request;
}

const core::Silence& silent() {
    static const core::Silence silence{true, "time is over"};
    return silence;
}

void World::Moves::call(const Leg& leg) {
    if (leg.doing != core::Doing::call) return;
    const auto& kind = world.kind_of(leg);
    const auto request = request_of(state, leg, kind);
    const bool browser = leg.callout == std::nullopt && state.papers.journey.has_value();
    for (auto& doing : doings(house_of(state, leg.no), kind, request, browser)) {
        if (doing.fault && state.faults == 0) continue;
        State after = doing.fault ? spent() : state;
        house_of(after, leg.no) = doing.after;
        HttpResponse response;
        response.body = doing.says;
        // A card becomes a token first, then it is enrolled.
        if (leg.flow == "vault" && request.verb == Verb::open && leg.call->step == "exchange") {
            if (doing.says != "waiting") continue;
            response.body = "exchanged";
        }
        const auto name = of(leg, word(request.verb), " ", response.body);
        add(name, after, core::Answer{leg.no, leg.calls, core::Answered{response}});
        if (doing.fault || state.faults == 0) continue;
        --after.faults;
        State lost = after;
        if (!house_of(lost, leg.no).late) house_of(lost, leg.no).late = {leg.calls, response.body};
        add(label(name, ", which is lost"), std::move(lost), core::Answer{leg.no, leg.calls, silent()});
        add(label(name, ", and a crash"), std::move(after), core::Due{{leg.no}});
    }
    if (state.faults > 0) call_fails(leg, request);
}

void World::Moves::call_fails(const Leg& leg, const Delayed& request) {
    const auto name = of(leg, word(request.verb), " ");
    add(label(name, "is lost"), spent(), core::Answer{leg.no, leg.calls, silent()});
    add(label(name, "is never sent"), spent(), core::Answer{leg.no, leg.calls, core::Silence{false, "no"}});
    if (world.is(Bug::sent_after_restart)) {
        State again = spent();
        for (int i = 0; i < 2; ++i)
            house_of(again, leg.no) =
                doings(house_of(again, leg.no), world.kind_of(leg), request, false)[0].after;
        add(label(name, "sent, and sent again after a crash"), std::move(again), core::Due{{leg.no}});
    }
    add(label(name, "meant, and a crash"), spent(), core::Due{{leg.no}});
    if (house_of(state, leg.no).delayed) return;
    State slow = spent();
    house_of(slow, leg.no).delayed = request;
    add(label(name, "is on its way for long"), slow, core::Answer{leg.no, leg.calls, silent()});
    add(label(name, "is on its way, and another process takes over"), std::move(slow), core::Due{{leg.no}});
}

void World::Moves::late(const Leg& leg) {
    const House& house = house_of(state, leg.no);
    if (house.delayed) late_request(leg);
    if (!house.late) return;
    State after = state;
    house_of(after, leg.no).late.reset();
    HttpResponse response;
    response.body = house.late->second;
    add(of(leg, "a late answer: ", response.body), std::move(after),
        core::Answer{leg.no, house.late->first, core::Answered{response}});
}

void World::Moves::late_request(const Leg& leg) {
    const House& house = house_of(state, leg.no);
    for (auto& doing : doings(house, world.kind_of(leg), *house.delayed, false)) {
        if (doing.fault) continue;
        State after = state;
        House& h = house_of(after, leg.no);
        h = doing.after;
        h.delayed.reset();
        // Where it leads, nobody goes.
        h.page_open = house.page_open;
        happens(of(leg, "a late ", word(house.delayed->verb), " arrives: ", doing.says), std::move(after));
    }
}

/// Where machines cannot know, a person looks at the provider's pages and says what is there.
void World::Moves::person(const Leg& leg) {
    const bool nobody_to_ask = leg.doing == core::Doing::doubt && !world.facts_of(leg).can_query;
    if (!nobody_to_ask && leg.stuck.empty()) return;
    State after = state;
    House& house = house_of(after, leg.no);
    // Before he says so, he makes sure that nothing more comes.
    house.closed = true;
    house.page_open = false;
    house.delayed.reset();
    if (!leg.stuck.empty() && leg.goal == Goal::give_back && house.truth != LegMoney::none) {
        house.back_minor = house.truth == LegMoney::taken ? leg.amount.minor : house.back_minor;
        house.truth = house.truth == LegMoney::held ? LegMoney::none : LegMoney::back;
    }
    const auto fact = house.truth;
    add(of(leg, "a person says ", word(fact)), std::move(after),
        core::Settle{leg.no, fact, "Anna", "the provider's pages say so"});
}

}  // namespace kassi::exploration
