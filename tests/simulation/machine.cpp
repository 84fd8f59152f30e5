#include "tests/simulation/machine.hpp"

#include <algorithm>

namespace kassi::simulation {

using namespace std::chrono_literals;

namespace {
/// As src/service/http_outside.hpp.
constexpr Millis drift_max = 5s;
/// How often a process looks whether the clocks agree again. (The real one: every second.)
constexpr Millis drift_recheck = 20s;
constexpr Millis sweep_within = 5s;
}  // namespace

Actor& on_the_line(Stage& stage, const core::Transaction& transaction) {
    if (transaction.tracking.size() < 2) return stage.actor_now();
    return stage.actor(lines + std::stoll(transaction.tracking.substr(1)));
}

// ---- a process -----------------------------------------------------------------------------------------

Process::Process(Machine& machine, Millis wall_error)
    : machine_(machine),
      clock_(machine.parts.stage.clock, wall_error, machine.parts.record.last_row_at),
      store_(machine.parts.record) {
    store_.wake = [this](const store::Unit* unit) { write_when_it_is_time(unit); };
    store_.refuses = [this] { return machine_.disk_refuses(); };
    store_.notice_refused = [this] { machine_.parts.stage.seen(Fault::notice_not_kept); };
    store_.committed = [this](const TransactionId&) {
        auto& stage = machine_.parts.stage;
        if (stage.planted(Bug::disk_lies)) machine_.remember_what_was_written();
        if (stage.strikes(Fault::killed_before_effects, 150)) machine_.kill(*this);
    };
    engine_ = std::make_unique<engine::Engine>(
        engine::Engine::Parts{store_, machine.parts.registry, machine.parts.directory, machine.parts.settings,
                              clock_, machine.parts.randomness, *this, std::string(32, 'k')});
    const bool told = !machine.parts.stage.planted(Bug::copy_not_told);
    if (machine.put_back_to_ && told) {
        serves = false;
        tell_of_the_copy(*machine.put_back_to_);
    } else {
        engine_->start();
    }
}

Process::~Process() = default;

void Process::die() {
    *alive_ = false;
    store_.crash();
}

/// Before anything else, and again where the disk was full.
void Process::tell_of_the_copy(Instant copied_at) {
    engine_->restored(copied_at, [this, copied_at](const Result<std::int64_t>& done) {
        if (!alive()) return;
        if (!done)
            return machine_.parts.stage.in(5s, [this, copied_at] {
                if (alive()) tell_of_the_copy(copied_at);
            });
        machine_.put_back_to_.reset();
        machine_.parts.record.put_back_at = now();
        serves = true;
        engine_->start();
    });
}

bool Process::clock_trusted() const {
    const Instant wall = machine_.parts.stage.clock.at + machine_.wall_error_;
    return std::chrono::abs(wall - clock_.now()) <= drift_max;
}

void Process::write_when_it_is_time(const store::Unit* unit) {
    auto& stage = machine_.parts.stage;
    const Stage::As as(stage, unit == nullptr ? stage.actor_now() : on_the_line(stage, unit->decision.next));
    stage.in(Millis{stage.roll(0, 4)}, [this, &stage] {
        if (!alive()) return;
        if (stage.strikes(Fault::killed, 600, "before a commit")) return machine_.kill(*this);
        store_.step([this, &stage](std::function<void()> done) {
            // A crash here is the one between the commit and everything that follows from it.
            stage.in(Millis{stage.roll(0, 3)}, [this, done = std::move(done)] {
                if (alive()) done();
            });
        });
    });
}

void Process::call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) {
    auto& stage = machine_.parts.stage;
    if (stage.planted(Bug::request_in_the_journal)) machine_.parts.record.last_request = request.body;
    const auto kill = [this] {
        if (alive()) machine_.kill(*this);
    };
    if (stage.planted(Bug::request_sent_twice)) {
        const auto nobody = std::make_shared<Line>();
        nobody->alive = alive_;
        nobody->done = [](const core::Heard&) {};
        machine_.parts.network.call(nobody, request, budget, kill);
    }
    auto line = std::make_shared<Line>();
    line->alive = alive_;
    line->done = std::move(done);
    machine_.parts.network.call(line, std::move(request), budget, kill);
}

void Process::visit(const std::string& url, bool, std::function<void(std::string)> done) {
    auto& stage = machine_.parts.stage;
    KASSI_ENSURE(!stage.planted(Bug::assertion));
    stage.say("visit " + url);
    stage.in(Millis{stage.roll(10, 500)}, [this, url, done = std::move(done)] {
        if (!alive()) return;
        machine_.visited(url);
        done("answered 200");
    });
}

void Process::wake_at(std::optional<Instant> at, std::function<void()> callback) {
    auto& stage = machine_.parts.stage;
    ++wake_round_;
    wake_ = at;
    wake_callback_ = std::move(callback);
    if (stage.planted(Bug::clock_stops) && stage.clock.at > beginning + 5min) return;
    if (wake_) look_at_the_clock(wake_round_);
}

void Process::look_at_the_clock(std::uint64_t round) {
    auto& stage = machine_.parts.stage;
    auto wait = std::max(std::chrono::duration_cast<Millis>(*wake_ - now()), Millis{0});
    if (!clock_trusted()) wait = std::max(wait, drift_recheck);
    const Stage::As as(stage, stage.actor(the_machine));
    stage.in(wait, [this, round, &stage] {
        if (!alive() || round != wake_round_ || !wake_) return;
        const bool trusted = clock_trusted();
        if (now() < *wake_ || !trusted) {
            if (!trusted) stage.seen(Fault::clock_not_trusted);
            return look_at_the_clock(round);
        }
        wake_.reset();
        std::exchange(wake_callback_, nullptr)();
    });
}

void Process::after(Millis delay, std::function<void()> callback) {
    machine_.parts.stage.in(delay, [this, callback = std::move(callback)] {
        if (alive()) callback();
    });
}

// ---- the machine ---------------------------------------------------------------------------------------

std::vector<Process*> Machine::living() {
    std::vector<Process*> all;
    for (const auto& process : processes_)
        if (process->alive()) all.push_back(process.get());
    return all;
}

Process* Machine::door() {
    auto open = living();
    std::erase_if(open, [](const Process* process) { return !process->serves; });
    if (open.empty()) return nullptr;
    return open[static_cast<std::size_t>(parts.stage.roll(0, static_cast<std::int64_t>(open.size()) - 1))];
}

void Machine::start() {
    started_error_ = wall_error_;
    const Stage::As as(parts.stage, parts.stage.actor(the_machine));
    processes_.push_back(std::make_unique<Process>(*this, wall_error_));
}

void Machine::start_when_nobody_is_left() {
    if (!living().empty() || start_is_coming_ || parts.stage.clock.at < not_before_) return;
    auto& stage = parts.stage;
    if (leaps()) {
        started_error_ = wall_error_;
        not_before_ = stage.clock.at + by_hand_takes;
        return stage.at(not_before_, [this] { start_when_nobody_is_left(); });
    }
    if (!stage.strikes(Fault::down_for_a_while, 5)) return start();
    start_is_coming_ = true;
    stage.in(Millis{stage.roll(1'000, 60'000)}, [this] {
        start_is_coming_ = false;
        start_when_nobody_is_left();
    });
}

void Machine::kill(Process& process) {
    parts.stage.say("a process is killed");
    process.die();
    if (parts.stage.planted(Bug::disk_lies)) forget_what_was_written();
    start_when_nobody_is_left();
}

void Machine::kill() {
    for (Process* process : living()) process->die();
    if (parts.stage.planted(Bug::disk_lies)) forget_what_was_written();
    start_when_nobody_is_left();
}

void Machine::stop_in_order() {
    for (Process* process : living()) {
        if (!std::exchange(process->serves, false)) continue;
        process->engine().stop(10s, [this, process] {
            // Not from inside the engine's own call.
            parts.stage.in(Millis{0}, [this, process] {
                if (process->alive()) kill(*process);
            });
        });
    }
}

void Machine::start_beside(Millis for_so_long) {
    // Who puts a copy back looks that nobody else is there.
    if (put_back_to_ || leaps()) return;
    const auto old = living();
    start();
    for (Process* process : old)
        parts.stage.in(for_so_long, [this, process] {
            if (process->alive()) kill(*process);
        });
}

bool Machine::sweep(Process& process) {
    if (!process.serves || !process.clock_trusted()) return false;
    process.engine().sweep(sweep_within, {}, [](const engine::Engine::SweepReport&) {});
    return true;
}

void Machine::sweep_twice() {
    for (Process* process : living()) {
        if (!sweep(*process)) continue;
        parts.stage.in(Millis{parts.stage.roll(0, 50)}, [this, process] {
            if (process->alive()) sweep(*process);
        });
        return;
    }
}

void Machine::sweep_by_both() {
    if (living().size() < 2) start_beside(60s);
    for (Process* process : living()) sweep(*process);
}

void Machine::disk_full(Millis for_so_long) {
    disk_full_until_ = std::max(disk_full_until_, parts.stage.clock.at + for_so_long);
}

bool Machine::disk_refuses() {
    if (parts.stage.calm) return false;
    return parts.stage.clock.at < disk_full_until_ || parts.stage.strikes(Fault::commit_refused, 80);
}

void Machine::calm() {
    wall_error_ = Millis{0};
    look_at_the_clock();
    start_when_nobody_is_left();
    for (Process* process : living()) process->engine().clock_moved();
}

void Machine::look_at_the_clock() {
    for (Process* process : living())
        if (!process->clock_trusted()) kill(*process);
}

void Machine::put_back(const Record& copy, Instant copied_at) {
    for (Process* process : living()) process->die();
    parts.record = copy;
    put_back_to_ = copied_at;
    not_before_ = parts.stage.clock.at + by_hand_takes;
    parts.stage.at(not_before_, [this] { start_when_nobody_is_left(); });
}

void Machine::remember_what_was_written() {
    static constexpr std::size_t lost = 6;
    before_.push_back(parts.record);
    if (before_.size() > lost) before_.pop_front();
}

void Machine::forget_what_was_written() {
    if (before_.empty()) return;
    parts.record = before_.front();
    before_.clear();
}

}  // namespace kassi::simulation
