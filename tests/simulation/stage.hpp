#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "tests/simulation/world.hpp"

/// What every part of the simulated world stands on: time, chance and the queue of what is to come, all owned
/// by the seed.
namespace kassi::simulation {

inline constexpr Instant beginning = Instant{} + std::chrono::hours(24 * 365 * 56);

/// The time that is true: that of the providers, the people and the banks.
class SimulatedClock final : public Clock {
  public:
    Instant at = beginning;
    [[nodiscard]] Instant now() const override { return at; }
};

/// A stream of chance (SplitMix64): cheap enough that everybody has one of his own.
class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }

  private:
    std::uint64_t state_;
};

class SeededRandomness final : public Randomness {
  public:
    explicit SeededRandomness(std::uint64_t seed) : source_(seed) {}
    void fill(std::span<std::uint8_t> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(source_.next() >> 56U);
    }

  private:
    Chance source_;
};

/// Who does something: his chance is his own, so that a life without him is the same for the others. His
/// events have numbers: `number` * events_max + 1, 2, ...
struct Actor {
    static constexpr std::int64_t events_max = 1'000;
    std::int64_t number = 0;
    Chance chance;
    std::int64_t events = 0;
};
/// 0 is the plan of the life; a customer n is n, and what happens to his calls on their way is `lines` + n.
inline constexpr std::int64_t the_plan = 0, lines = 100, the_machine = 200;

struct Stage {
    explicit Stage(const Life& given) : life(given), actor_(&actor(the_plan)) {
        clock_goes_wrong = one_in(3);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    const Life& life;
    bool over = false;  ///< the world comes down: nothing is to come any more
    SimulatedClock clock;
    bool calm = false;  ///< nothing goes wrong any more
    /// Of a payment that was put back to a copy and never rests: a known limit, the life ends here.
    bool given_up = false;
    /// In this life. What is signed with a time may be refused then until its sender gives up.
    bool clock_goes_wrong = false;
    Report report;

    // ---- chance
    /// For whom chance speaks now. What is put in the queue speaks for him, too.
    class As {
      public:
        As(Stage& stage, Actor& actor) : stage_(stage), before_(std::exchange(stage.actor_, &actor)) {}
        ~As() { stage_.actor_ = before_; }
        As(const As&) = delete;
        As& operator=(const As&) = delete;

      private:
        Stage& stage_;
        Actor* before_;
    };
    Actor& actor(std::int64_t number) {
        const auto known = actors_.find(number);
        if (known != actors_.end()) return known->second;
        Chance fork(life.seed * 1'000'003 + static_cast<std::uint64_t>(number));
        return actors_.emplace(number, Actor{number, Chance(fork.next()), 0}).first->second;
    }
    Actor& actor_now() { return *actor_; }
    std::int64_t roll(std::int64_t low, std::int64_t high) {  // not std::uniform_int: the same everywhere
        return low +
               static_cast<std::int64_t>(actor_->chance.next() % static_cast<std::uint64_t>(high - low + 1));
    }
    bool one_in(std::int64_t n) { return roll(1, n) == 1; }
    template <class T, std::size_t N>
    const T& one_of(const T (&all)[N]) {
        return all[static_cast<std::size_t>(roll(0, static_cast<std::int64_t>(N) - 1))];
    }

    // ---- what happens
    /// It is seen that it happened.
    void seen(Fault fault) { ++report.faults[static_cast<std::size_t>(fault)]; }
    /// It would happen now. False: this life is to do without it.
    bool happens(Fault fault, std::string_view what = {}) {
        if (actor_->events + 1 >= Actor::events_max) return false;
        const std::int64_t number = actor_->number * Actor::events_max + ++actor_->events;
        if (life.without.contains(number)) return false;
        std::string text(word(fault));
        if (!what.empty()) text += fmt::format(" ({})", what);
        report.events.push_back({number, clock.at - beginning, text});
        say(fmt::format("#{} {}", number, text));
        seen(fault);
        return true;
    }
    /// A fault that chance asks for; none when it is calm.
    bool strikes(Fault fault, std::int64_t one_in_so_many, std::string_view what = {}) {
        return !calm && one_in(one_in_so_many) && happens(fault, what);
    }
    [[nodiscard]] bool planted(Bug bug) const { return life.bug == bug; }

    // ---- time
    struct Item {
        Instant at;
        std::uint64_t number;
        Actor* actor;
        std::function<void()> run;
        bool operator<(const Item& other) const {
            return at != other.at ? at > other.at : number > other.number;
        }
    };
    std::uint64_t numbers = 0;
    std::priority_queue<Item> queue;
    void at(Instant when, std::function<void()> f) {
        if (!over) queue.push({std::max(when, clock.at), ++numbers, actor_, std::move(f)});
    }
    void in(Millis delay, std::function<void()> f) { at(clock.at + delay, std::move(f)); }
    /// False: nothing is to come before `end`.
    bool step(Instant end) {
        if (queue.empty() || queue.top().at > end) return false;
        const Item item = queue.top();
        queue.pop();
        clock.at = std::max(clock.at, item.at);
        ++report.steps;
        const As as(*this, *item.actor);
        item.run();
        return true;
    }

    void say(const std::string& line) {
        report.trace += fmt::format("{:>9} {}\n", (clock.at - beginning).count(), line);
    }
    void broken(Invariant invariant, const std::string& what) {
        say(fmt::format("BROKEN {}: {}", word(invariant), what));
        report.broken.push_back({invariant, what});
    }

  private:
    std::map<std::int64_t, Actor> actors_;
    Actor* actor_;
};

}  // namespace kassi::simulation
