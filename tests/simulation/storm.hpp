#pragma once

#include <functional>

#include "tests/simulation/backup.hpp"
#include "tests/simulation/machine.hpp"
#include "tests/simulation/people.hpp"
#include "tests/simulation/town.hpp"

/// The plan of a life: who books, what goes wrong when, and when it ends.
namespace kassi::simulation {

/// From then on nothing goes wrong any more.
inline constexpr Millis calm_after{40LL * 60'000};

class Storm {
  public:
    Storm(Stage& stage, Machine& machine, People& people, Town& town, Backup& backup,
          std::function<void(const HttpRequest&)> door)
        : stage_(stage),
          machine_(machine),
          people_(people),
          town_(town),
          door_(std::move(door)),
          backup_(backup) {}
    void plan();

  private:
    /// `what` at some time before `latest`, each time with a chance of its own, at most `times` times.
    void some(std::int64_t times, Millis latest, const std::function<void()>& what);
    void plan_of_the_machine();
    void plan_of_the_clock();
    void plan_of_the_town();
    void plan_of_the_copy();
    void restart_with_a_wrong_clock(Fault fault, Millis error);

    Stage& stage_;
    Machine& machine_;
    People& people_;
    Town& town_;
    std::function<void(const HttpRequest&)> door_;
    Backup& backup_;
    std::int64_t planned_ = 300;  ///< numbers of those who do what is planned
};

}  // namespace kassi::simulation
