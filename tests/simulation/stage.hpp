#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "tests/simulation/world.hpp"

/// What every part of the simulated world stands on: time, chance and the queue of what is to come, all owned
/// by the seed.
namespace kassi::simulation {

inline constexpr Instant beginning = Instant{} + std::chrono::hours(24 * 365 * 56);

class SimulatedClock final : public Clock {
  public:
    Instant at = beginning;
    [[nodiscard]] Instant now() const override { return at; }
};

class SeededRandomness final : public Randomness {
  public:
    explicit SeededRandomness(std::uint64_t seed) : source_(seed) {}
    void fill(std::span<std::uint8_t> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(source_());
    }

  private:
    std::mt19937_64 source_;
};

struct Stage {
    explicit Stage(std::uint64_t seed) : chance(seed) {}

    bool over = false;  ///< the world comes down: nothing is to come any more
    std::mt19937_64 chance;
    SimulatedClock clock;
    bool calm = false;  ///< nothing goes wrong any more
    Report report;
    struct Item {
        Instant at;
        std::uint64_t number;
        std::function<void()> run;
        bool operator<(const Item& other) const {
            return at != other.at ? at > other.at : number > other.number;
        }
    };
    std::uint64_t numbers = 0;
    std::priority_queue<Item> queue;

    std::int64_t roll(std::int64_t low, std::int64_t high) {  // not std::uniform_int: the same everywhere
        return low + static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(high - low + 1));
    }
    bool one_in(std::int64_t n) { return roll(1, n) == 1; }
    template <class T, std::size_t N>
    const T& one_of(const T (&all)[N]) {
        return all[static_cast<std::size_t>(roll(0, static_cast<std::int64_t>(N) - 1))];
    }
    void at(Instant when, std::function<void()> f) {
        if (!over) queue.push({std::max(when, clock.at), ++numbers, std::move(f)});
    }
    void in(Millis delay, std::function<void()> f) { at(clock.at + delay, std::move(f)); }
    void say(const std::string& line) {
        report.trace += fmt::format("{:>9} {}\n", (clock.at - beginning).count(), line);
    }
    void broken(std::string what) {
        say("BROKEN " + what);
        report.broken.push_back(std::move(what));
    }
};

}  // namespace kassi::simulation
