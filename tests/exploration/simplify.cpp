#include "tests/exploration/simplify.hpp"

#include <algorithm>

#include "tests/exploration/instants.hpp"

namespace kassi::exploration {
namespace {

using core::Doing;
using core::Goal;
using core::Leg;
using core::LegMoney;
using core::Papers;
using core::Parcel;
using core::Phase;
using core::Transaction;
using core::Verb;

bool asking(const Leg& leg) {
    return leg.doing == Doing::call || leg.doing == Doing::doubt;
}
/// Money may still be asked for, from the customer. Never again after it came or was given up: goals go one
/// way, and a leg whose hold is gone is refused.
bool begins(const Leg& leg) {
    return leg.goal == Goal::take && leg.money == LegMoney::none;
}
bool came_for_good(LegMoney money) {
    return money == LegMoney::taken || money == LegMoney::back;
}
bool has_open_refund(const Leg& leg) {
    return std::any_of(leg.refunds.begin(), leg.refunds.end(),
                       [](const core::Refund& refund) { return refund.state == core::RefundState::asked; });
}

// ---- the record: numbers, times, wording ------------------------------------------------------------------
/// How it came about, told to people only.
void forget_words(Transaction& t) {
    t.version = 0;
    t.handed_over_at = {};
    t.purchase_asked_at.reset();
    t.verdict_at.reset();
    t.tracking.clear();
    if (has_verdict(t.phase)) t.why.clear();
    for (Leg& leg : t.legs) {
        leg.doubt_since.reset();
        leg.doubt_why.clear();
        if (leg.refused) leg.refused = core::Refusal{.code = "refused", .text = {}};
        if (!leg.stuck.empty()) leg.stuck = "stuck";
        for (auto& refund : leg.refunds) {
            // Only what was cancelled is told from the rest, when it is cancelled again.
            refund.by.clear();
            if (refund.because != "cancelled") refund.because.clear();
        }
        if (leg.call) leg.call->meant_at = {};
        if (leg.callout) {
            // Of callouts, the last counts, and whether there was one.
            leg.callout->no = 1;
            leg.callout->sent_at = {};
        }
        // Of the provider's names for it, only the mark is read that a hint left. The scripted flows have
        // none.
        std::erase_if(leg.references,
                      [](const auto& reference) { return reference.first != core::hinted_kind; });
    }
}

void forget_tokens(Papers& papers) {
    const auto one = [](std::string& token) {
        if (!token.empty()) token = "token";
    };
    if (papers.journey) one(papers.journey->token);
    for (auto& [no, parcel] : papers.parcels) {
        if (!parcel.callout) continue;
        one(parcel.callout->return_token);
        one(parcel.callout->page_token);
    }
}

/// Instants that nobody waits for, and how far away the others are.
void forget_times(Transaction& t, bool timeless) {
    constexpr std::int64_t pauses = 2;  // later ones are longer, and nothing else
    if (t.phase != Phase::confirming) t.confirm_by.reset();
    // Seats that are bought, or of which the owner says when they are lost, are held for good.
    const bool owners = t.phase == Phase::capturing && t.policy.confirm == core::Confirm::owner;
    if (has_verdict(t.phase) || owners) t.held_until = present;
    const auto near = [timeless](Instant& at) {
        at = at <= present ? present : timeless ? present + std::chrono::minutes(1) : at;
    };
    if (t.confirm_by) near(*t.confirm_by);
    for (Leg& leg : t.legs) {
        leg.rechecks = timeless ? 0 : std::min(leg.rechecks, pauses);
        if (leg.call && leg.doing != Doing::call) leg.call->silent_at = {};
        if (leg.callout && leg.doing != Doing::away) {
            leg.callout->until = {};
            leg.callout->grace_until.reset();
        }
        if (leg.callout && leg.callout->grace_until) leg.callout->until = {};
        each_instant(leg, near);
    }
}

/// Calls are known by their number. What counts is whether an answer that is on its way is that to the last.
void number_calls(Transaction& t) {
    for (Leg& leg : t.legs) {
        leg.calls = std::min<std::int64_t>(leg.calls, 1);
        if (leg.call) leg.call->no = leg.calls;
    }
}
void number_calls(State& state) {
    for (const Leg& leg : state.transaction.legs)
        if (auto& late = house_of(state, leg.no).late) late->first = late->first == leg.calls ? 1 : 0;
    number_calls(state.transaction);
    if (state.copy) number_calls(state.copy->transaction);
}

// ---- the record: what it will not look at again -----------------------------------------------------------
void forget_parcels(const Transaction& t, Papers& papers) {
    for (auto& [no, parcel] : papers.parcels) {
        const Leg* leg = find_leg(t, no);
        if (leg == nullptr) continue;
        // Written for the flows, and not read by those that are scripted.
        parcel.step.clear();
        parcel.saved.clear();
        parcel.returned.clear();
        // What was sent goes out again only as long as nobody knows what became of it.
        if (!asking(*leg)) parcel.request = {};
        // A page of ours from which customers go on is none of the kinds that are explored.
        if (leg->doing != Doing::away) parcel.callout.reset();
        if (!begins(*leg)) parcel.credential = {};
    }
    std::erase_if(papers.parcels, [](const auto& each) { return each.second == Parcel{}; });
    // The way back is asked for only while customers are sent away.
    if (t.phase == Phase::confirming || t.phase == Phase::capturing)
        if (papers.journey) papers.journey->token.clear();
}

void forget_what_is_over(Transaction& t, bool timeless) {
    if (t.phase != Phase::authorising) t.customer_at_hand = false;
    for (Leg& leg : t.legs) {
        if (!begins(leg)) {
            leg.ready = false;
            leg.credential.clear();
        }
        // Whoever rests has forgotten what it did.
        if (leg.doing == Doing::rest) leg.verb = Verb::open;
        if (leg.callout) leg.callout->closed = false;
        if (leg.money != LegMoney::none) leg.references.clear();
        // Unwanted, one refusal counts like any number of them.
        if (timeless && leg.goal == Goal::give_back) leg.not_done = std::min<std::int64_t>(leg.not_done, 1);
        if (leg.money == LegMoney::back && t.phase != Phase::purchased && !has_open_refund(leg))
            leg.refunds.clear();
    }
}

// ---- the world: what comes, and changes nothing -----------------------------------------------------------
/// One leg, and what may still come of it from the world.
struct Leftovers {
    const World& world;
    const State& state;
    Leg& leg;
    House& house;

    [[nodiscard]] const core::Facts& facts() const { return world.facts_of(leg); }
    [[nodiscard]] bool authorising() const { return state.transaction.phase == Phase::authorising; }
    [[nodiscard]] bool asks_with(const std::string& key) const {
        return asking(leg) && leg.call && leg.call->key == key;
    }

    void forget_page() const {
        // What was closed never opens again; and who pays nothing there brings back what nobody needs.
        const bool heard = authorising() || world.blind(leg) || leg.doing == Doing::away;
        if (house.closed || (!world.kind_of(leg).page_pays && !heard)) house.page_open = false;
    }
    /// A return counts for who waits for it; for the customer's way on, while others wait for him; and where
    /// it says what happened to the money.
    void forget_returns() const {
        if (leg.doing == Doing::away || begins(leg)) return;
        const bool tells = world.blind(leg) && !came_for_good(leg.money);
        const bool spent = leg.callout && leg.callout->returned;
        if (!authorising()) {
            if (!tells || house.brings != "yes") house.brings.clear();
            if (!tells || house.brought != "yes") house.brought.clear();
        } else if (spent && (!tells || house.brought != "yes")) {
            house.brought.clear();
        }
    }
    void forget_callout() const {
        const bool some_come = house.page_open || !house.brings.empty() || !house.brought.empty();
        if (leg.doing != Doing::away && !begins(leg) && !some_come) leg.callout.reset();
    }
    /// Evidence of no more money than is known, when nobody will be made to ask by it.
    void forget_note() const {
        if (house.note == LegMoney::none) return;
        const bool known = came_for_good(leg.money) && house.note <= leg.money;
        const bool proof = facts().notice_trust == core::Trust::proof;
        const bool back = leg.money == LegMoney::back && leg.doing == Doing::rest;
        if (!facts().notifies || (known && (proof || back))) house.note = LegMoney::none;
    }
    /// An answer to a call that is not the last one is not read. That to one that was overtaken is read where
    /// it may tell of money.
    void forget_answer() const {
        if (!house.late) return;
        const auto& [call, says] = *house.late;
        const bool last = leg.call && leg.call->no == call;
        if (!last) return house.late.reset();
        if (asking(leg)) return;
        const bool reads = takes_money(leg.call->verb) || leg.call->verb == Verb::query;
        const bool tells = says != "none" && says != "declined" && says != "waiting" && says != "not done";
        // Taken is the most that such an answer says.
        if (!reads || !tells || came_for_good(leg.money)) house.late.reset();
    }
    void forget_call() const {
        if (asking(leg)) return;
        if (!house.late) return leg.call.reset();
        *leg.call = core::Call{.no = leg.call->no, .verb = leg.call->verb};
    }
    /// A request that comes late, to where it does nothing any more.
    void forget_request() const {
        if (!house.delayed) return;
        const auto& request = *house.delayed;
        const bool known = request.repeatable && house.answers.contains(request.key);
        const bool over = came_for_good(house.truth) || (house.closed && house.truth == LegMoney::none);
        const auto harmless = [&] {
            switch (request.verb) {
                case Verb::query:
                    return true;
                case Verb::open:
                    return !begins(leg);
                case Verb::authorise:
                case Verb::charge:
                    return house.closed;
                case Verb::capture:
                case Verb::void_hold:
                case Verb::close:
                    return over;
                case Verb::refund:
                    return house.truth == LegMoney::back;
            }
            return false;
        };
        if (known || (harmless() && !asks_with(request.key))) house.delayed.reset();
    }
    /// Whether a call of this verb may be made again, with the key that it had.
    [[nodiscard]] bool may_come_again(Verb verb, std::string_view key) const {
        switch (verb) {
            case Verb::open:
            case Verb::authorise:
            case Verb::charge:
                return begins(leg);
            case Verb::capture:
                return leg.goal == Goal::take && !came_for_good(leg.money);
            case Verb::void_hold:
                return !came_for_good(leg.money);
            case Verb::refund:
                return std::any_of(leg.refunds.begin(), leg.refunds.end(), [&](const core::Refund& each) {
                    return each.state == core::RefundState::asked &&
                           key.ends_with("refund" + std::to_string(each.no));
                });
            case Verb::query:
            case Verb::close:
                return true;
        }
        return true;
    }
    void forget_keys() const {
        std::erase_if(house.answers, [&](const auto& each) {
            const std::string_view key = each.first;
            if (asks_with(each.first) || (house.delayed && house.delayed->key == key)) return false;
            for (const Verb verb :
                 {Verb::open, Verb::authorise, Verb::charge, Verb::capture, Verb::void_hold, Verb::refund})
                if (key.find(word(verb)) != std::string_view::npos) return !may_come_again(verb, key);
            return false;
        });
    }
    /// Whether the door is closed is seen by who still comes.
    void forget_door() const {
        if (!house.page_open && !house.delayed && !begins(leg) && !asking(leg)) house.closed = false;
    }
    /// It rests where it should, and nothing will ever make it move.
    [[nodiscard]] bool over() const {
        const auto& t = state.transaction;
        const bool at_goal = leg.goal == Goal::take
                                 ? t.phase == Phase::purchased && came_for_good(leg.money)
                                 : leg.money == LegMoney::none || leg.money == LegMoney::back;
        const bool wanted = has_open_refund(leg) || leg.look || (leg.exposed && facts().can_close) ||
                            world.configuration().parts;
        const bool comes = house.page_open || !house.brings.empty() || !house.brought.empty() ||
                           house.delayed || house.late ||
                           (house.note != LegMoney::none && !came_for_good(leg.money));
        const bool alone = leg.goal == Goal::give_back || has_verdict(t.phase);
        return alone && leg.doing == Doing::rest && leg.stuck.empty() && at_goal && !wanted && !comes;
    }
    void forget_all() const {
        Leg rest;
        rest.no = leg.no;
        rest.sources = leg.sources;
        rest.merchant = leg.merchant;
        rest.flow = leg.flow;
        rest.amount = leg.amount;
        rest.goal = leg.goal;
        rest.money = leg.money;
        rest.taken_minor = leg.taken_minor;
        rest.back_minor = leg.back_minor;
        rest.refused = leg.refused;
        leg = std::move(rest);
        House empty;
        empty.truth = house.truth;
        empty.back_minor = house.back_minor;
        house = std::move(empty);
    }
    void forget() const {
        forget_page();
        forget_returns();
        forget_callout();
        forget_note();
        forget_answer();
        forget_call();
        forget_request();
        forget_keys();
        forget_door();
        if (over()) forget_all();
    }
};

}  // namespace

void simplify(State& state, const World& world) {
    const bool timeless = world.configuration().timeless, whole = world.configuration().whole;
    const auto record = [&](Transaction& transaction, Papers& papers) {
        forget_words(transaction);
        forget_tokens(papers);
        forget_times(transaction, timeless);
        if (whole) return;
        forget_parcels(transaction, papers);
        forget_what_is_over(transaction, timeless);
    };
    record(state.transaction, state.papers);
    if (state.copy) record(state.copy->transaction, state.copy->papers);
    // Of what a copy will make of what is over now, nobody knows.
    if (!whole && !state.copy) {
        for (Leg& leg : state.transaction.legs)
            Leftovers{world, state, leg, house_of(state, leg.no)}.forget();
        for (std::size_t i = 0; i < state.houses.size(); ++i)
            if (find_leg(state.transaction, static_cast<std::int64_t>(i) + 1) == nullptr)
                state.houses[i] = House{};
    }
    number_calls(state);
}

// ---- what goes its own way --------------------------------------------------------------------------------
namespace {

/// The customer's return from this leg can still bring what another leg waits for: his browser.
bool brings_the_customer(const State& state, const Leg& leg) {
    const House& house = house_of(state, leg.no);
    const bool comes = house.page_open || !house.brings.empty() || !house.brought.empty();
    return state.transaction.phase == Phase::authorising && leg.callout && !leg.callout->returned && comes;
}

/// The planner looks at legs that are wanted, and moves one that is given up by its own money alone, in every
/// phase in the same way. After the verdict that holds for all legs, for what is bought stays so. So what
/// comes of the one is no matter to the other: each is explored by itself, with all the faults that are left,
/// rather than both in all their combinations.
bool goes_its_own_way(const State& state, const Leg& leg) {
    const auto& t = state.transaction;
    if (has_verdict(t.phase)) return true;
    return leg.goal == Goal::give_back && !brings_the_customer(state, leg);
}

State alone(const State& state, const Leg& leg) {
    State piece;
    piece.faults = state.faults;
    piece.transaction.phase = leg.goal == Goal::take ? state.transaction.phase : Phase::failed;
    piece.transaction.id = state.transaction.id;
    piece.transaction.held_until = present;
    piece.transaction.legs.push_back(leg);
    piece.houses.resize(static_cast<std::size_t>(leg.no));
    house_of(piece, leg.no) = house_of(state, leg.no);
    if (const auto found = state.papers.parcels.find(leg.no); found != state.papers.parcels.end())
        piece.papers.parcels.insert(*found);
    return piece;
}

}  // namespace

std::vector<State> pieces_of(State state, const World& world) {
    simplify(state, world);
    std::vector<State> pieces;
    const auto& configuration = world.configuration();
    if (!configuration.whole && configuration.timeless && !configuration.restore &&
        configuration.kinds.size() > 1) {
        auto& legs = state.transaction.legs;
        for (const Leg& leg : legs)
            if (goes_its_own_way(state, leg)) pieces.push_back(alone(state, leg));
        for (State& piece : pieces) {
            const auto no = piece.transaction.legs.front().no;
            std::erase_if(legs, [no](const Leg& leg) { return leg.no == no; });
            house_of(state, no) = House{};
            state.papers.parcels.erase(no);
            simplify(piece, world);
        }
        if (legs.empty() && !pieces.empty() && has_verdict(state.transaction.phase)) return pieces;
    }
    pieces.push_back(std::move(state));
    return pieces;
}

}  // namespace kassi::exploration
