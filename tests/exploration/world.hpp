#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/decide.hpp"
#include "tests/exploration/explorer.hpp"
#include "tests/exploration/house.hpp"
#include "tests/unit/core/scripted_flows.hpp"

/// What can happen to one transaction and the houses of its legs, and what must hold whatever happens.
namespace kassi::exploration {

/// It never moves on: what comes later does so by its own distance from here.
inline constexpr Instant present = Instant{} + std::chrono::hours(24 * 365 * 56);
inline constexpr Millis hold = std::chrono::minutes(15);

/// Of the record, from before.
struct Copy {
    core::Transaction transaction;
    core::Papers papers;
    bool operator==(const Copy&) const = default;
};

struct State {
    core::Transaction transaction;
    core::Papers papers;
    std::vector<House> houses;  ///< by leg
    int tries = 0;              ///< purchases so far
    bool copied = false;
    std::optional<Copy> copy;
    int faults = 0;  ///< that may still happen
};
House& house_of(State& state, std::int64_t leg);
const House& house_of(const State& state, std::int64_t leg);

struct Move {
    std::string label;
    State after;
    bool moved = false;  ///< the machine or the world is another one
    std::string wrong;   ///< what this very step broke
};

/// The scripted flows, with a bug.
class Flawed final : public core::test::ScriptedFlows {
  public:
    explicit Flawed(Bug bug);
    core::Step resume(const core::Scene& scene, const core::Heard& heard) const override;

  private:
    Bug bug_;
};

/// What is the same for all states of an exploration.
class World {
  public:
    explicit World(const Configuration& configuration);

    [[nodiscard]] State begin() const;
    /// Always in the same order. Labels are left empty unless they are `told`: most are never read.
    [[nodiscard]] std::vector<Move> moves(const State& state, bool told) const;
    /// "" or what is wrong with a state.
    [[nodiscard]] std::string broken(const State& state) const;
    /// "" or what is wrong with a state after which nothing happens unless something goes wrong.
    [[nodiscard]] std::string broken_at_end(const State& state) const;

    [[nodiscard]] const Configuration& configuration() const { return configuration_; }
    [[nodiscard]] const core::Facts& facts_of(const core::Leg& leg) const { return flows_.facts(leg); }
    [[nodiscard]] const Kind& kind_of(const core::Leg& leg) const;
    /// Neither asked nor notifying: what its customers bring back is all that is known.
    [[nodiscard]] bool blind(const core::Leg& leg) const { return facts_of(leg).settled_by_return; }

  private:
    class Moves;  ///< of one state, in the making

    [[nodiscard]] bool is(Bug bug) const { return configuration_.bug == bug; }
    /// The machine hears something; what it refuses leaves it as it was.
    void hear(Move& move, core::InputBody body) const;
    [[nodiscard]] std::string broken_by(const core::Transaction& before,
                                        const core::Decision& decision) const;

    Configuration configuration_;
    Flawed flows_;
    core::Times times_;
    core::Terms terms_{flows_, times_, "https://pay.example"};
};

}  // namespace kassi::exploration
