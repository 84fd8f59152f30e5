#include "tests/exploration/explorer.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "tests/exploration/instants.hpp"
#include "tests/exploration/pool.hpp"
#include "tests/exploration/simplify.hpp"

namespace kassi::exploration {
namespace {

/// How a state was reached first: by which move of which state. There are many states, and few bytes for
/// each.
struct Seen {
    Packed packed{};
    std::uint32_t parent = 0;
    std::uint16_t move = 0;
    std::int8_t faults = 0;  ///< that may still happen: the most with which it can be reached
    bool looked_at = false;
    bool end = false;  ///< nothing happens any more unless something goes wrong
};

struct Edge {
    std::uint32_t from = 0, to = 0;
};

/// A state from which no end can be reached; nullopt none.
std::optional<std::uint32_t> dead_end(const std::vector<Seen>& seen, const std::vector<Edge>& edges) {
    std::vector<std::uint32_t> first(seen.size() + 1, 0), before(edges.size());
    for (const auto& edge : edges) ++first[edge.to + 1];
    for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
    auto place = first;
    for (const auto& edge : edges) before[place[edge.to]++] = edge.from;
    std::vector<bool> good(seen.size(), false);
    std::vector<std::uint32_t> open;
    for (std::uint32_t i = 0; i < seen.size(); ++i)
        if (seen[i].end) {
            good[i] = true;
            open.push_back(i);
        }
    while (!open.empty()) {
        const auto state = open.back();
        open.pop_back();
        for (auto i = first[state]; i < first[state + 1]; ++i)
            if (const auto each = before[i]; !good[each]) {
                good[each] = true;
                open.push_back(each);
            }
    }
    for (std::uint32_t i = 0; i < seen.size(); ++i)
        if (!good[i]) return i;
    return std::nullopt;
}

/// Looks at every state once. Faults only add moves; so each is looked at with the most of them that it can
/// have: first those that need no fault, then those that need one, and so on.
class Explorer {
  public:
    Explorer(const Configuration& configuration, std::size_t states_max, bool shortest)
        : world_(configuration), states_max_(states_max), shortest_(shortest) {}

    [[nodiscard]] Report run();

  private:
    World world_;
    std::size_t states_max_;
    bool shortest_;  ///< oldest first; else the newest, which is quicker
    Report report_;
    Pools pools_;
    std::vector<Seen> seen_;
    std::vector<Edge> edges_;  ///< of moves without a fault
    std::unordered_map<Packed, std::uint32_t, PackedHash> numbers_;
    std::vector<std::deque<std::uint32_t>> open_;  ///< by faults that may still happen

    bool found(State state, std::uint32_t from, std::size_t move, bool fault, bool& moved);
    bool look_at(std::uint32_t number);
    bool stop(std::string wrong, std::uint32_t state, std::string last = {});
    void tell_end(const State& state);
    void tell_verdict(const State& before, const State& after);
    [[nodiscard]] Packed key_of(const State& state);
    [[nodiscard]] std::vector<std::string> way_to(std::uint32_t state) const;
};

/// States with the same key have the same future.
Packed Explorer::key_of(const State& state) {
    if (world_.configuration().timeless) return pools_.pack(state);
    State ordered = state;
    const Order order(ordered.transaction);
    order.apply_to(ordered.transaction);
    return pools_.pack(ordered, order.room);
}

bool Explorer::stop(std::string wrong, std::uint32_t state, std::string last) {
    report_.wrong = std::move(wrong);
    report_.trace = way_to(state);
    if (!last.empty()) report_.trace.push_back(std::move(last));
    return false;
}

std::vector<std::string> Explorer::way_to(std::uint32_t state) const {
    std::vector<std::string> labels;
    for (; state != 0; state = seen_[state].parent) {
        const Seen& parent = seen_[seen_[state].parent];
        State before = pools_.unpack(parent.packed);
        before.faults = parent.faults;
        labels.push_back(world_.moves(before, true).at(seen_[state].move).label);
    }
    std::reverse(labels.begin(), labels.end());
    return labels;
}

/// `fault`: the move was one. `moved`: whether it led anywhere else.
bool Explorer::found(State state, std::uint32_t from, std::size_t move, bool fault, bool& moved) {
    const auto key = key_of(state);
    const auto next = static_cast<std::uint32_t>(seen_.size());
    const auto [known, is_new] = numbers_.emplace(key, next);
    const auto number = known->second;
    if (number == from && !is_new) return true;
    moved = true;
    if (!fault) edges_.push_back({from, number});
    const auto faults = static_cast<std::int8_t>(state.faults);
    if (is_new) {
        if (seen_.size() >= states_max_) return stop(std::string(too_many), from);
        seen_.push_back({world_.configuration().timeless ? key : pools_.pack(state)});
    } else if (seen_[number].looked_at || seen_[number].faults >= faults) {
        return true;
    }
    seen_[number].parent = from;
    seen_[number].move = static_cast<std::uint16_t>(move);
    seen_[number].faults = faults;
    open_[static_cast<std::size_t>(faults)].push_back(number);
    if (!is_new) return true;
    if (auto wrong = world_.broken(state); !wrong.empty()) return stop(std::move(wrong), number);
    return true;
}

bool Explorer::look_at(std::uint32_t number) {
    State state = pools_.unpack(seen_[number].packed);
    state.faults = seen_[number].faults;
    bool goes_on = false;
    auto moves = world_.moves(state, false);
    for (std::size_t i = 0; i < moves.size(); ++i) {
        auto& move = moves[i];
        auto wrong = move.wrong.empty() ? world_.broken(move.after) : move.wrong;
        if (!wrong.empty()) return stop(wrong, number, world_.moves(state, true).at(i).label);
        ++report_.moves;
        tell_verdict(state, move.after);
        const bool fault = move.after.faults < state.faults;
        bool moved = false;
        for (State& piece : pieces_of(std::move(move.after), world_))
            if (!found(std::move(piece), number, i, fault, moved)) return false;
        goes_on = goes_on || (moved && !fault);
    }
    if (goes_on) return true;
    if (auto wrong = world_.broken_at_end(state); !wrong.empty()) return stop(std::move(wrong), number);
    seen_[number].end = true;
    ++report_.ends;
    tell_end(state);
    return true;
}

void Explorer::tell_verdict(const State& before, const State& after) {
    const auto phase = after.transaction.phase;
    if (has_verdict(before.transaction.phase) || !has_verdict(phase)) return;
    ++report_.verdicts[std::string(word(phase))];
    std::string text(word(phase));
    for (const auto& leg : before.transaction.legs) {
        // A record that was put back may not know it.
        const auto* found = find_leg(after.transaction, leg.no);
        if (leg.goal != core::Goal::take || found == nullptr) continue;
        text +=
            " " + std::to_string(leg.no) + std::string(word(found->money)) + std::string(word(found->goal));
    }
    report_.decided.insert(std::move(text));
}

void Explorer::tell_end(const State& state) {
    for (const auto& leg : state.transaction.legs)
        report_.outcomes.insert(
            std::to_string(leg.no) + " " + std::string(word(leg.goal)) + " " + std::string(word(leg.money)) +
            " " + std::string(word(house_of(state, leg.no).truth)) + " " + std::to_string(leg.back_minor));
}

Report Explorer::run() {
    open_.resize(static_cast<std::size_t>(world_.configuration().faults) + 1);
    State first = world_.begin();
    simplify(first, world_);
    numbers_.emplace(key_of(first), 0);
    seen_.push_back({pools_.pack(first)});
    seen_.front().faults = static_cast<std::int8_t>(first.faults);
    open_.back().push_back(0);
    bool right = true;
    for (std::size_t faults = open_.size(); right && faults-- > 0;) {
        auto& open = open_[faults];
        while (right && !open.empty()) {
            const auto number = shortest_ ? open.front() : open.back();
            shortest_ ? open.pop_front() : open.pop_back();
            if (std::exchange(seen_[number].looked_at, true)) continue;
            right = look_at(number);
        }
    }
    report_.states = seen_.size();
    // Without a further fault, wherever it stands.
    if (right)
        if (const auto dead = dead_end(seen_, edges_)) stop("no end can be reached", *dead);
    return std::move(report_);
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
        case Bug::nobody_wakes:
            return "nobody looks at a doubt again";
        case Bug::other_forgotten:
            return "the other payment is forgotten";
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
    auto report = Explorer(configuration, states_max, false).run();
    if (report.wrong.empty() || report.wrong == too_many) return report;
    auto shortest = Explorer(configuration, states_max, true).run();
    return shortest.wrong.empty() || shortest.wrong == too_many ? report : shortest;
}

}  // namespace kassi::exploration
