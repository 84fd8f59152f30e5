#include "tests/exploration/explorer.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <unordered_map>

#include "base/crypto.hpp"
#include "core/codec.hpp"
#include "core/decide.hpp"
#include "tests/unit/core/scripted_flows.hpp"

namespace kassi::exploration {
namespace {

using namespace std::chrono_literals;
using core::Goal;
using core::Leg;
using core::LegMoney;
using core::Phase;
using core::Transaction;
using core::Verb;

constexpr std::int64_t bundle_minor = 1000;
constexpr Millis hold = 15min;

Money pounds(std::int64_t minor) {
    return {minor, *Currency::parse("GBP", "")};
}

struct State {
    Transaction transaction;
    core::Papers papers;
    Instant now{};
    std::vector<House> houses;  ///< by leg
    int faults = 0;
    int tries = 0;  ///< purchases so far
    /// Of the record, from before.
    struct Copy {
        Transaction transaction;
        core::Papers papers;
    };
    std::optional<Copy> copy;
    bool copied = false;
};

struct Move {
    std::string label;
    State after;
    bool moved = false;  ///< the machine or the world is another one
    std::string wrong;   ///< what this very step broke
};

/// The scripted flows, with a bug.
class Flawed final : public core::test::ScriptedFlows {
  public:
    explicit Flawed(Bug bug) : bug_(bug) {
        for (auto& [name, facts] : merchants) facts.can_refund_part = facts.can_refund;
        if (bug == Bug::nobody_asks)
            for (auto& [name, facts] : merchants) facts.can_query = facts.can_close = false;
    }
    core::Step resume(const core::Scene& scene, const core::Heard& heard) const override {
        auto step = ScriptedFlows::resume(scene, heard);
        if (bug_ == Bug::decline_is_success && std::holds_alternative<core::Declined>(step) &&
            scene.verb == Verb::capture)
            return core::Done{LegMoney::taken, scene.amount, {}, "declined"};
        return step;
    }

  private:
    Bug bug_;
};

/// What is the same for all states of an exploration.
class Explorer {
  public:
    explicit Explorer(const Configuration& configuration)
        : configuration_(configuration), flows_(configuration.bug) {
        for (auto& kind : configuration_.kinds) {
            if (is(Bug::keys_not_known)) kind.repeatable = false;
            kind.keeps_doors_open = is(Bug::close_is_no_close);
            kind.forgets_refunds = is(Bug::refund_not_booked);
        }
        if (is(Bug::hold_ignored)) times_.hold_margin = -hold;
    }

    [[nodiscard]] Report run(std::size_t states_max, bool deep);

  private:
    [[nodiscard]] State begin() const;
    [[nodiscard]] std::vector<Move> moves(const State& state) const;
    void clock_moves(const State& state, std::vector<Move>& all) const;
    void door_moves(const State& state, std::vector<Move>& all) const;
    void copy_moves(const State& state, std::vector<Move>& all) const;
    void leg_moves(const State& state, const Leg& leg, std::vector<Move>& all) const;
    void customer_moves(const State& state, const Leg& leg, std::vector<Move>& all) const;
    void call_moves(const State& state, const Leg& leg, std::vector<Move>& all) const;
    void person_moves(const State& state, const Leg& leg, std::vector<Move>& all) const;
    void late_moves(const State& state, const Leg& leg, std::vector<Move>& all) const;

    /// The machine hears something; what it refuses leaves it as it was.
    void hear(Move& move, core::InputBody body) const;
    void add(std::vector<Move>& all, std::string label, State after, core::InputBody body) const;
    [[nodiscard]] const Kind& kind_of(const Leg& leg) const;
    [[nodiscard]] const core::Facts& facts_of(const Leg& leg) const { return flows_.facts(leg); }
    [[nodiscard]] Fields fields_of(const Leg& leg, const std::string& brings) const;
    [[nodiscard]] std::string broken(const State& state) const;
    [[nodiscard]] std::string broken_at_end(const State& state) const;
    [[nodiscard]] std::string broken_by(const State& before, const core::Decision& decision,
                                        Instant now) const;
    [[nodiscard]] bool blind(const Leg& leg) const { return facts_of(leg).settled_by_return; }

    [[nodiscard]] bool is(Bug bug) const { return configuration_.bug == bug; }

    Configuration configuration_;
    Flawed flows_;
    core::Times times_;
    core::Terms terms_{flows_, times_, "https://pay.example"};
};

// ---- names, keys ------------------------------------------------------------------------------------------
House& house_of(State& state, std::int64_t leg) {
    return state.houses.at(static_cast<std::size_t>(leg) - 1);
}
const House& house_of(const State& state, std::int64_t leg) {
    return state.houses.at(static_cast<std::size_t>(leg) - 1);
}

/// Instants as core may tell them apart: in which order they come, and how long the hold still lasts for what
/// must fit into it. States that differ in nothing else are taken as one.
class Clock {
  public:
    Clock(Instant now, const Transaction& t) : now_(now) {
        note(t.held_until);
        note(t.confirm_by);
        for (const Leg& leg : t.legs) {
            note(leg.retry_at);
            note(leg.recheck_at);
            if (leg.call) {
                note(leg.call->key_until);
                note(leg.call->silent_at);
            }
            if (leg.callout) {
                note(leg.callout->until);
                note(leg.callout->grace_until);
            }
        }
        std::sort(order_.begin(), order_.end());
        order_.erase(std::unique(order_.begin(), order_.end()), order_.end());
    }
    [[nodiscard]] Instant operator()(Instant at) const {
        if (at <= now_) return {};
        const auto found = std::lower_bound(order_.begin(), order_.end(), at);
        return Instant{Millis{1 + (found - order_.begin())}};
    }
    [[nodiscard]] std::optional<Instant> operator()(std::optional<Instant> at) const {
        return at ? std::optional((*this)(*at)) : std::nullopt;
    }

  private:
    void note(std::optional<Instant> at) {
        if (at && *at > now_) order_.push_back(*at);
    }
    Instant now_;
    std::vector<Instant> order_;
};

/// What still fits into the hold.
int room_in(Instant now, Instant held_until) {
    constexpr Millis steps[] = {10s, 20s, 40s, 50s, 80s, 120s, 130s, 180s, 240s, 10min};
    return static_cast<int>(std::count_if(std::begin(steps), std::end(steps),
                                          [&](Millis step) { return held_until - now >= step; }));
}

/// The record, without what makes no difference to what can happen.
std::string text_of(Transaction t, const core::Papers& papers, Instant now) {
    constexpr std::int64_t pauses = 2;  // later ones are longer, and nothing else
    const Clock order(now, t);
    const int room = has_verdict(t.phase) ? 0 : room_in(now, t.held_until);
    t.version = 0;
    t.handed_over_at = {};
    t.held_until = order(t.held_until);
    if (t.purchase_asked_at) t.purchase_asked_at = Instant{};
    if (t.verdict_at) t.verdict_at = Instant{};
    t.confirm_by = order(t.confirm_by);
    for (Leg& leg : t.legs) {
        leg.calls = 0;
        leg.rechecks = std::min(leg.rechecks, pauses);
        leg.retry_at = order(leg.retry_at);
        leg.recheck_at = order(leg.recheck_at);
        if (leg.doubt_since) leg.doubt_since = Instant{};
        leg.doubt_why.clear();
        if (leg.call) {
            leg.call->no = 0;
            leg.call->meant_at = {};
            leg.call->key_until = order(leg.call->key_until);
            leg.call->silent_at = order(leg.call->silent_at);
        }
        if (leg.callout) {
            leg.callout->sent_at = {};
            leg.callout->until = order(leg.callout->until);
            leg.callout->grace_until = order(leg.callout->grace_until);
        }
        std::sort(leg.references.begin(), leg.references.end());
        leg.references.erase(std::unique(leg.references.begin(), leg.references.end()), leg.references.end());
    }
    std::string text = state_json(t);
    if (papers.journey) text += papers_json(*papers.journey);
    for (const auto& [leg, parcel] : papers.parcels) text += std::to_string(leg) + papers_json(parcel);
    return text + "#" + std::to_string(room);
}

/// Half of a SHA-256: of so many states no two have the same.
struct Key {
    std::uint64_t high = 0, low = 0;
    bool operator==(const Key&) const = default;
};
struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.low; }
};

/// States with the same text have the same future.
Key key_of(const State& state) {
    std::string text = text_of(state.transaction, state.papers, state.now);
    if (state.copy) text += "copy" + text_of(state.copy->transaction, state.copy->papers, state.now);
    for (const auto& house : state.houses) text += "|" + text_of(house);
    for (std::size_t i = 0; i < state.transaction.legs.size(); ++i)
        if (const auto& late = state.houses[i].late)
            text += late->first == state.transaction.legs[i].calls ? "=" : "<";
    const auto hash = crypto::sha256(text + "#" + std::to_string(state.faults) + "#" +
                                     std::to_string(state.tries) + (state.copied ? "c" : ""));
    Key key;
    std::memcpy(&key, hash.data(), sizeof(key));
    return key;
}

const Kind& Explorer::kind_of(const Leg& leg) const {
    if (configuration_.one_leg || configuration_.kinds.size() == 1) return configuration_.kinds.front();
    return configuration_.kinds.at(leg.sources.front() == "a" ? 0 : 1);
}

// ---- hearing ----------------------------------------------------------------------------------------------
std::string Explorer::broken_by(const State& before, const core::Decision& decision, Instant now) const {
    Transaction replayed = before.transaction;
    for (const auto& event : decision.events)
        if (!is(Bug::event_missing) || !std::holds_alternative<core::Taken>(event))
            core::apply(replayed, event, now);
    if (!decision.events.empty()) replayed.version = decision.next.version;
    replayed.tracking = decision.next.tracking;
    if (!(replayed == decision.next)) return "the events do not lead to the state";
    const auto was = before.transaction.phase, is = decision.next.phase;
    if (has_verdict(was) && was != is && !(was == Phase::purchased && is == Phase::cancelled))
        return "the verdict changed";
    for (const auto& event : decision.events) {
        if (const auto* call = std::get_if<core::CallMeant>(&event);
            call != nullptr && takes_money(call->verb) &&
            find_leg(decision.next, call->leg)->goal == Goal::give_back)
            return "money is asked for that nobody wants any more";
        if (const auto* decided = std::get_if<core::Decided>(&event);
            decided != nullptr && decided->verdict == core::Verdict::buy &&
            now >= before.transaction.held_until)
            return "bought after the seats were gone";
    }
    return {};
}

void Explorer::hear(Move& move, core::InputBody body) const {
    std::int64_t callouts = 0;
    for (const Leg& leg : move.after.transaction.legs) callouts += leg.callout ? leg.callout->no : 0;
    const bool create = std::holds_alternative<core::HandOver>(body);
    const core::Input input{.body = std::move(body),
                            .by = "exploration",
                            .tracking = {},
                            .fresh_return_token = "ret" + std::to_string(callouts),
                            .fresh_page_token = "page" + std::to_string(callouts)};
    core::Terms terms = terms_;
    if (move.after.transaction.put_back > 0 || std::holds_alternative<core::Restored>(input.body))
        terms.put_back_at = move.after.transaction.handed_over_at;
    auto decision = core::decide(create ? nullptr : &move.after.transaction, move.after.papers, input,
                                 move.after.now, terms);
    if (!decision) return;
    move.wrong = broken_by(move.after, *decision, move.after.now);
    move.moved = true;
    const Transaction before = std::move(move.after.transaction);
    move.after.transaction = std::move(decision->next);
    move.after.papers = std::move(decision->papers);
    // What was opened since a copy was made is still there, whoever knows of it.
    move.after.houses.resize(std::max(move.after.houses.size(), move.after.transaction.legs.size()));
    for (const Leg& leg : move.after.transaction.legs) {
        const Leg* was = find_leg(before, leg.no);
        const bool sent =
            leg.doing == core::Doing::away && (was == nullptr || was->doing != core::Doing::away);
        if (sent && !core::lacks_credential(leg, facts_of(leg)))
            house_of(move.after, leg.no).page_open = true;
    }
    // On credit the house is ours: what we believe is so.
    for (const Leg& leg : move.after.transaction.legs)
        if (leg.flow == "credit") {
            House& house = house_of(move.after, leg.no);
            house.truth = leg.money;
            house.back_minor = leg.back_minor;
        }
}

void Explorer::add(std::vector<Move>& all, std::string label, State after, core::InputBody body) const {
    Move move{std::move(label), std::move(after), false, {}};
    hear(move, std::move(body));
    all.push_back(std::move(move));
}

State Explorer::begin() const {
    Move move;
    move.after.now = Instant{} + std::chrono::hours(24 * 365 * 56);
    move.after.faults = configuration_.faults;
    core::HandOver body;
    body.id.bytes[15] = 7;
    body.system = "box";
    body.caller = "demo";
    const bool two = configuration_.one_leg || configuration_.kinds.size() > 1;
    std::int64_t item = 0;
    for (const char* source : {"a", "b"}) {
        if (!two && *source == 'b') continue;
        core::Bundle bundle{source, "tickets", pounds(bundle_minor), {}};
        for (int i = 0; i < 2; ++i) bundle.orders.push_back({++item, pounds(bundle_minor / 2), true});
        body.bundles.push_back(std::move(bundle));
    }
    body.policy.partial = configuration_.partial;
    if (configuration_.owner) body.policy.confirm = core::Confirm::owner;
    if (configuration_.second_try) body.policy.on_decline = core::OnDecline::again;
    body.held_until = move.after.now + hold;
    hear(move, std::move(body));
    KASSI_ENSURE(move.moved);
    return move.after;
}

// ---- what can happen --------------------------------------------------------------------------------------
std::vector<Move> Explorer::moves(const State& state) const {
    std::vector<Move> all;
    clock_moves(state, all);
    door_moves(state, all);
    if (configuration_.restore) copy_moves(state, all);
    for (const Leg& leg : state.transaction.legs) leg_moves(state, leg, all);
    return all;
}

void Explorer::clock_moves(const State& state, std::vector<Move>& all) const {
    if (const auto due = core::due_at(state.transaction, terms_)) {
        State later = state;
        later.now = std::max(state.now, *due);
        if (configuration_.timeless && *due < state.transaction.held_until - times_.hold_margin)
            later.transaction.held_until += later.now - state.now;
        add(all, "time passes", std::move(later), core::Due{});
    }
    if (!has_verdict(state.transaction.phase) && state.now < state.transaction.held_until) {
        State later = state;
        later.now = state.transaction.held_until;
        add(all, "nobody looks until the hold is over", std::move(later), core::Due{});
    }
}

core::Journey way_of(int tries) {
    core::Journey way;
    way.url_before = "https://box.example/back/";
    way.token = "T" + std::to_string(tries);
    return way;
}

void Explorer::door_moves(const State& state, std::vector<Move>& all) const {
    const auto& t = state.transaction;
    const bool first = t.phase == Phase::reserved;
    const bool again = configuration_.second_try && t.phase == Phase::authorising && state.tries < 2 &&
                       !core::uncovered(t).empty() && !core::purchase_under_way(t);
    if (first || again) {
        core::Purchase body;
        const auto open = core::uncovered(t);
        if (configuration_.one_leg) {
            body.legs.push_back(
                {open, configuration_.kinds.front().merchant, configuration_.kinds.front().merchant, {}});
        } else {
            for (const auto& source : open) {
                Leg probe;
                probe.sources = {source};
                const auto& merchant = kind_of(probe).merchant;
                body.legs.push_back({{source}, merchant, merchant, {}});
            }
        }
        for (auto& plan : body.legs) {
            const auto mark = plan.sources.front() + std::to_string(state.tries);
            if (plan.merchant == "vault") plan.credential = {"card", mark};
            if (plan.merchant == "wallet") plan.credential = {"wallet", mark};
        }
        body.journey = way_of(state.tries);
        State after = state;
        ++after.tries;
        add(all, again ? "another card" : "purchase", std::move(after), std::move(body));
    }
    if (t.phase == Phase::confirming) {
        add(all, "the owner says yes", state, core::ConfirmAnswer{true, {}});
        add(all, "the owner says no", state, core::ConfirmAnswer{false, {}});
    }
    if (state.faults > 0 && !has_verdict(t.phase)) {
        State after = state;
        --after.faults;
        add(all, "released", std::move(after), core::Release{});
    }
    if (configuration_.parts && t.phase == Phase::purchased)
        for (const std::int64_t item : {1, 2})
            add(all, "item " + std::to_string(item) + " cancelled", state, core::Cancel{{item}});
}

void Explorer::copy_moves(const State& state, std::vector<Move>& all) const {
    const bool at_its_end = has_verdict(state.transaction.phase) && core::settled(state.transaction);
    if (!state.copied && !at_its_end && state.faults > 0) {
        State after = state;
        --after.faults;  // that it is put back, later
        after.copied = true;
        after.copy = {state.transaction, state.papers};
        all.push_back({"a copy of the record is made", std::move(after), true, {}});
    }
    if (!state.copy) return;
    State after = state;
    after.transaction = after.copy->transaction;
    after.papers = after.copy->papers;
    after.copy.reset();
    if (is(Bug::copy_believed))
        all.push_back({"the copy is put back, and nobody says so", std::move(after), true, {}});
    else
        add(all, "the copy is put back", std::move(after), core::Restored{state.now - 1h});
}

void Explorer::leg_moves(const State& state, const Leg& leg, std::vector<Move>& all) const {
    const auto name = "leg " + std::to_string(leg.no) + ": ";
    customer_moves(state, leg, all);
    call_moves(state, leg, all);
    person_moves(state, leg, all);
    late_moves(state, leg, all);
    const House& house = house_of(state, leg.no);
    if (house.note != LegMoney::none && facts_of(leg).notifies) {
        const core::Notice notice{.leg = leg.no,
                                  .event_id = "e" + std::string(word(house.note)),
                                  .fact = house.note,
                                  .amount = leg.amount,
                                  .references = {},
                                  .trust = facts_of(leg).notice_trust,
                                  .evidence = "said"};
        State after = state;
        house_of(after, leg.no).note = LegMoney::none;
        add(all, name + "notice", std::move(after), notice);
        if (state.faults > 0) {
            State twice = state;
            --twice.faults;
            add(all, name + "notice, and once more", std::move(twice), notice);
        }
    }
}

Fields Explorer::fields_of(const Leg& leg, const std::string& brings) const {
    if (brings == "token") return {{"token", "tk" + std::to_string(leg.no)}};
    const bool says_it = leg.flow == "redirect" || leg.flow == "silent" || leg.flow == "vault";
    if (says_it) return {{"success", brings}};
    return {{"back", brings}};
}

void Explorer::customer_moves(const State& state, const Leg& leg, std::vector<Move>& all) const {
    const House& house = house_of(state, leg.no);
    const auto name = "leg " + std::to_string(leg.no) + ": ";
    const auto world = [&](std::string label, const std::function<void(House&)>& change) {
        State after = state;
        change(house_of(after, leg.no));
        all.push_back({name + label, std::move(after), true, {}});
    };
    const bool here = leg.doing == core::Doing::away;
    const bool our_page = here && leg.verb == Verb::open && core::lacks_credential(leg, facts_of(leg));
    if (our_page && house.brings.empty() && house.brought.empty())
        world("the customer gives a token", [](House& h) { h.brings = "token"; });
    if (house.page_open && !house.closed) {
        const auto& kind = kind_of(leg);
        const auto pay = [&kind, &leg, this](House& h) {
            if (!kind.page_pays || h.truth != LegMoney::none) return;
            const bool holds = facts_of(leg).can_hold;
            h.truth = holds ? LegMoney::held : LegMoney::taken;
            ++h.charges;
            if (kind.notifies) h.note = h.truth;
        };
        world("the customer pays and comes back", [&](House& h) {
            pay(h);
            h.page_open = false;
            h.brings = "yes";
        });
        if (kind.page_pays)
            world("the customer pays and goes away", [&](House& h) {
                pay(h);
                h.page_open = false;
            });
        world("the customer refuses", [](House& h) {
            h.page_open = false;
            h.brings = "no";
        });
        if (state.faults > 0 && leg.flow == "redirect" && kind.page_pays) {
            State after = state;
            --after.faults;
            auto& h = house_of(after, leg.no);
            h.page_open = false;
            h.brings = "yes";
            all.push_back({name + "the customer lies", std::move(after), true, {}});
        }
    }
    if (!leg.callout) return;
    const auto next = "N" + std::to_string(leg.no) + std::to_string(leg.callout->no);
    const auto back = [&](std::string label, State after, const std::string& brings) {
        add(all, name + std::move(label), std::move(after),
            core::Return{leg.no, leg.callout->no, fields_of(leg, brings), next, leg.callout->returned});
    };
    if (!house.brings.empty()) {
        State after = state;
        auto& h = house_of(after, leg.no);
        h.brought = std::exchange(h.brings, "");
        back("returns", std::move(after), house.brings);
    }
    if (!house.brought.empty() && state.faults > 0) {
        State after = state;
        --after.faults;
        back("returns once more", std::move(after), house.brought);
    }
}

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

void Explorer::call_moves(const State& state, const Leg& leg, std::vector<Move>& all) const {
    if (leg.doing != core::Doing::call) return;
    const auto& kind = kind_of(leg);
    const auto request = request_of(state, leg, kind);
    const auto name = "leg " + std::to_string(leg.no) + ": " + std::string(word(request.verb)) + " ";
    const bool browser = leg.callout == std::nullopt && state.papers.journey.has_value();
    const core::Silence silent{true, "time is over"};
    const auto spend = [](State after) {
        --after.faults;
        return after;
    };
    for (auto& doing : doings(house_of(state, leg.no), kind, request, browser)) {
        if (doing.fault && state.faults == 0) continue;
        State after = doing.fault ? spend(state) : state;
        house_of(after, leg.no) = doing.after;
        HttpResponse response;
        response.body = doing.says;
        // A card becomes a token first, then it is enrolled.
        const bool vault = leg.flow == "vault" && request.verb == Verb::open;
        if (vault && leg.call->step == "exchange") {
            if (doing.says != "waiting") continue;
            response.body = "exchanged";
        }
        add(all, name + response.body, after, core::Answer{leg.no, leg.calls, core::Answered{response}});
        if (doing.fault || state.faults == 0) continue;
        State lost = spend(after);
        if (!house_of(lost, leg.no).late) house_of(lost, leg.no).late = {leg.calls, response.body};
        add(all, name + response.body + ", which is lost", lost, core::Answer{leg.no, leg.calls, silent});
        add(all, name + response.body + ", and a crash", spend(after), core::Due{{leg.no}});
    }
    if (state.faults == 0) return;
    add(all, name + "is lost", spend(state), core::Answer{leg.no, leg.calls, silent});
    add(all, name + "is never sent", spend(state),
        core::Answer{leg.no, leg.calls, core::Silence{false, "no"}});
    if (is(Bug::sent_after_restart)) {
        State again = spend(state);
        for (int i = 0; i < 2; ++i)
            house_of(again, leg.no) = doings(house_of(again, leg.no), kind, request, false)[0].after;
        add(all, name + "sent, and sent again after a crash", again, core::Due{{leg.no}});
    }
    add(all, name + "meant, and a crash", spend(state), core::Due{{leg.no}});
    if (house_of(state, leg.no).delayed) return;
    State slow = spend(state);
    house_of(slow, leg.no).delayed = request;
    add(all, name + "is on its way for long", slow, core::Answer{leg.no, leg.calls, silent});
    add(all, name + "is on its way, and another process takes over", slow, core::Due{{leg.no}});
}

void Explorer::late_moves(const State& state, const Leg& leg, std::vector<Move>& all) const {
    const House& house = house_of(state, leg.no);
    const auto name = "leg " + std::to_string(leg.no) + ": ";
    if (house.delayed) {
        for (auto& doing : doings(house, kind_of(leg), *house.delayed, false)) {
            if (doing.fault) continue;
            State after = state;
            house_of(after, leg.no) = doing.after;
            house_of(after, leg.no).delayed.reset();
            // Where it leads, nobody goes.
            house_of(after, leg.no).page_open = house.page_open;
            all.push_back(
                {name + "a late " + std::string(word(house.delayed->verb)) + " arrives: " + doing.says,
                 std::move(after),
                 true,
                 {}});
        }
    }
    if (house.late) {
        State after = state;
        house_of(after, leg.no).late.reset();
        HttpResponse response;
        response.body = house.late->second;
        add(all, name + "a late answer: " + response.body, std::move(after),
            core::Answer{leg.no, house.late->first, core::Answered{response}});
    }
}

/// Where machines cannot know, a person looks at the provider's pages and says what is there.
void Explorer::person_moves(const State& state, const Leg& leg, std::vector<Move>& all) const {
    const bool nobody_to_ask = leg.doing == core::Doing::doubt && !facts_of(leg).can_query;
    if (!nobody_to_ask && leg.stuck.empty()) return;
    const auto name = "leg " + std::to_string(leg.no) + ": ";
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
    add(all, name + "a person says " + std::string(word(fact)), std::move(after),
        core::Settle{leg.no, fact, "Anna", "the provider's pages say so"});
}

// ---- what must hold ---------------------------------------------------------------------------------------
std::string Explorer::broken(const State& state) const {
    const auto& t = state.transaction;
    for (const Leg& leg : t.legs) {
        const House& house = house_of(state, leg.no);
        const auto name = "leg " + std::to_string(leg.no) + ": ";
        if (house.charges > 1) return name + "charged twice";
        const bool believes_more = leg.doing == core::Doing::rest && leg.money > house.truth;
        const bool went_lost = house.truth == LegMoney::none && leg.refused.has_value();
        // Whoever cannot be asked after a copy was put back: a person is called, and nothing is done with it.
        const bool waits_for_a_person = configuration_.restore && !leg.stuck.empty();
        if (believes_more && !went_lost && !waits_for_a_person)
            return name + "believes in more money than there is";
        if (t.phase == Phase::purchased && leg.goal == Goal::take && house.truth != LegMoney::taken &&
            house.truth != LegMoney::back)
            return name + "bought without money";
        const bool rests = t.phase == Phase::failed || t.phase == Phase::released;
        const bool keeps = house.truth == LegMoney::held || house.truth == LegMoney::taken;
        const bool coming = house.delayed.has_value();
        if (rests && core::settled(t) && keeps && !coming && !blind(leg) && house.note == LegMoney::none &&
            !house.late)
            return name + "settled, and the house has the money";
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

std::string Explorer::broken_at_end(const State& state) const {
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

// ---- the search -------------------------------------------------------------------------------------------
/// How a state was reached. There are many states, and few labels.
struct Seen {
    std::uint32_t parent = 0;
    std::uint32_t label = 0;
};

class Labels {
  public:
    std::uint32_t operator()(const std::string& label) {
        const auto [found, is_new] = numbers_.emplace(label, static_cast<std::uint32_t>(labels_.size()));
        if (is_new) labels_.push_back(label);
        return found->second;
    }
    [[nodiscard]] const std::string& of(std::uint32_t number) const { return labels_.at(number); }

  private:
    std::unordered_map<std::string, std::uint32_t> numbers_;
    std::vector<std::string> labels_;
};

std::vector<std::string> way_to(const std::vector<Seen>& seen, const Labels& names, std::uint32_t state) {
    std::vector<std::string> labels;
    for (; state != 0; state = seen[state].parent) labels.push_back(names.of(seen[state].label));
    std::reverse(labels.begin(), labels.end());
    return labels;
}

/// States from which no end can be reached; nullopt none.
std::optional<std::uint32_t> dead_end(std::size_t states,
                                      const std::vector<std::pair<std::uint32_t, std::uint32_t>>& edges,
                                      std::vector<std::uint32_t> open) {
    std::vector<std::vector<std::uint32_t>> before(states);
    for (const auto& [from, to] : edges) before[to].push_back(from);
    std::vector<bool> good(states, false);
    for (const auto each : open) good[each] = true;
    while (!open.empty()) {
        const auto state = open.back();
        open.pop_back();
        for (const auto each : before[state])
            if (!good[each]) {
                good[each] = true;
                open.push_back(each);
            }
    }
    for (std::uint32_t i = 0; i < states; ++i)
        if (!good[i]) return i;
    return std::nullopt;
}

/// `deep`: the newest state first, which keeps few of them in memory; else the oldest, so that a trace is a
/// shortest one.
Report Explorer::run(std::size_t states_max, bool deep) {
    Report report;
    std::vector<Seen> seen(1);
    Labels labels;
    std::unordered_map<Key, std::uint32_t, KeyHash> numbers;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    std::vector<std::uint32_t> ends;
    std::deque<std::pair<std::uint32_t, State>> open;
    open.emplace_back(0, begin());
    numbers.emplace(key_of(open.front().second), 0);
    const auto stop = [&](std::string wrong, std::uint32_t state, std::string last = {}) {
        report.wrong = std::move(wrong);
        report.trace = way_to(seen, labels, state);
        if (!last.empty()) report.trace.push_back(std::move(last));
        report.states = seen.size();
        return report;
    };
    while (!open.empty()) {
        const auto [number, state] = std::move(deep ? open.back() : open.front());
        deep ? open.pop_back() : open.pop_front();
        if (auto wrong = broken(state); !wrong.empty()) return stop(std::move(wrong), number);
        bool moved = false;
        for (auto& move : moves(state)) {
            if (!move.wrong.empty()) return stop(move.wrong, number, move.label);
            if (!move.moved) continue;
            ++report.moves;
            const auto next = static_cast<std::uint32_t>(seen.size());
            const auto [known, is_new] = numbers.emplace(key_of(move.after), next);
            if (known->second == number) continue;
            moved = true;
            edges.emplace_back(number, known->second);
            if (!is_new) continue;
            if (seen.size() >= states_max) return stop(std::string(too_many), number);
            seen.push_back({number, labels(move.label)});
            open.emplace_back(next, std::move(move.after));
        }
        if (moved) continue;
        if (auto wrong = broken_at_end(state); !wrong.empty()) return stop(std::move(wrong), number);
        ends.push_back(number);
        ++report.verdicts[std::string(word(state.transaction.phase))];
    }
    report.states = seen.size();
    report.ends = ends.size();
    if (const auto dead = dead_end(seen.size(), edges, ends)) return stop("no end can be reached", *dead);
    return report;
}

}  // namespace

std::string_view word(Bug bug) {
    switch (bug) {
        case Bug::none:
            return "none";
        case Bug::keys_not_known:
            return "keys are not known";
        case Bug::sent_after_restart:
            return "sent again after a restart";
        case Bug::close_is_no_close:
            return "a close closes nothing";
        case Bug::refund_not_booked:
            return "half of a refund is not made";
        case Bug::decline_is_success:
            return "a decline is read as money";
        case Bug::hold_ignored:
            return "the hold is ignored";
        case Bug::nobody_asks:
            return "nobody asks";
        case Bug::event_missing:
            return "an event is missing";
        case Bug::copy_believed:
            return "a copy that was put back is believed";
    }
    return "";
}

std::string Configuration::name() const {
    std::string text;
    for (const auto& kind : kinds) text += (text.empty() ? "" : "+") + kind.name;
    for (const auto& [on, word] : {std::pair{partial, " partial"},
                                   {owner, " owner"},
                                   {second_try, " again"},
                                   {one_leg, " one leg"},
                                   {parts, " parts"},
                                   {restore, " restored"},
                                   {timeless, " timeless"}})
        if (on) text += word;
    return text;
}

Report explore(const Configuration& configuration, std::size_t states_max) {
    auto report = Explorer(configuration).run(states_max, true);
    if (report.wrong.empty() || report.wrong == too_many) return report;
    auto shortest = Explorer(configuration).run(states_max, false);
    return shortest.wrong.empty() || shortest.wrong == too_many ? report : shortest;
}

}  // namespace kassi::exploration
