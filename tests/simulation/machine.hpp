#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "tests/simulation/memory_store.hpp"
#include "tests/simulation/network.hpp"

/// The machine that Kassi runs on: its processes, its disk, its clock.
namespace kassi::simulation {

class Machine;

/// A copy is put back by hand, and a machine whose clock has leapt comes up again: what was on its way to
/// providers has arrived by then.
inline constexpr Millis by_hand_takes{180'000};

/// One life of the real engine, with a store and a clock of its own.
class Process final : public engine::Outside {
  public:
    /// `wall_error`: how far the machine's clock is ahead of the truth at its start.
    Process(Machine& machine, Millis wall_error);
    ~Process() override;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] bool alive() const { return *alive_; }
    [[nodiscard]] std::shared_ptr<const bool> life() const { return alive_; }
    void die();
    engine::Engine& engine() { return *engine_; }
    [[nodiscard]] Instant now() const { return clock_.now(); }
    /// As HttpOutside: the machine's clock and ours agree.
    [[nodiscard]] bool clock_trusted() const;
    bool serves = true;  ///< its doors are open

    // ---- what the engine may touch
    void call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) override;
    void visit(const std::string& url, bool loopback_only, std::function<void(std::string)> done) override;
    void wake_at(std::optional<Instant> at, std::function<void()> callback) override;
    void after(Millis delay, std::function<void()> callback) override;

  private:
    /// The machine's clock at the start plus the time that passes, and never before the last record.
    struct ProcessClock final : public Clock {
        ProcessClock(const Clock& given, Millis error, Instant last)
            : truth(given), wall_error(error), floor(last) {}
        const Clock& truth;
        const Millis wall_error;
        const Instant floor;
        [[nodiscard]] Instant now() const override { return std::max(floor, truth.now() + wall_error); }
    };
    void write_when_it_is_time(const store::Unit* unit);
    void look_at_the_clock(std::uint64_t round);
    void tell_of_the_copy(Instant copied_at);

    Machine& machine_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    ProcessClock clock_;
    MemoryStore store_;
    std::uint64_t wake_round_ = 0;
    std::optional<Instant> wake_;
    std::function<void()> wake_callback_;
    std::unique_ptr<engine::Engine> engine_;
};

class Machine {
  public:
    struct Parts {
        Stage& stage;
        Record& record;
        Network& network;
        const providers::Registry& registry;
        const engine::Directory& directory;
        const engine::Settings& settings;
        Randomness& randomness;
    };
    explicit Machine(Parts given) : parts(given) {}

    Parts parts;
    /// A process visits a return URL; the answer is what the integrator's site makes of it.
    std::function<void(const std::string& url)> visited;

    void start();
    /// The power goes.
    void kill();
    void kill(Process& process);
    void stop_in_order();
    /// Another process begins, and the old one goes on for a while.
    void start_beside(Millis for_so_long);
    void sweep_twice();
    void sweep_by_both();
    /// Someone whose doors are open; nullptr: nobody is there.
    Process* door();

    void disk_full(Millis for_so_long);
    bool disk_refuses();
    /// Of the wall clock, from now on. Those that run do not follow.
    void set_wall_error(Millis error) { wall_error_ = error; }
    [[nodiscard]] Millis wall_error() const { return wall_error_; }
    void calm();
    /// An operator is told of a clock that does not agree, and starts the process again.
    void look_at_the_clock();
    /// The record is a copy of before: what runs ends, and whoever starts next is told so first.
    void put_back(const Record& copy, Instant copied_at);

  private:
    friend class Process;
    [[nodiscard]] std::vector<Process*> living();
    void start_when_nobody_is_left();
    bool sweep(Process& process);
    /// For a planted bug: what was written last is not there after a crash.
    void remember_what_was_written();
    void forget_what_was_written();

    std::vector<std::unique_ptr<Process>> processes_;  ///< the dead, too: callbacks may still point there
    Millis wall_error_{0};
    Instant disk_full_until_{};
    /// Whoever starts now is ahead of those before: what they sent may still be on its way when its time is
    /// over.
    [[nodiscard]] bool leaps() const { return wall_error_ - started_error_ > std::chrono::seconds(5); }
    bool start_is_coming_ = false;
    Millis started_error_{0};
    Instant not_before_{};
    std::optional<Instant> put_back_to_;  ///< until every transaction has heard of it
    std::deque<Record> before_;           ///< of a planted bug
};

/// Whose transaction it is, by what follows it through all logs.
Actor& on_the_line(Stage& stage, const core::Transaction& transaction);

}  // namespace kassi::simulation
