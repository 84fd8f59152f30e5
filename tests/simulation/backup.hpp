#pragma once

#include <optional>

#include "tests/simulation/inspector.hpp"
#include "tests/simulation/machine.hpp"
#include "tests/simulation/people.hpp"

/// A copy of the record, and going on from it.
namespace kassi::simulation {

class Backup {
  public:
    Backup(Stage& stage, Record& record, Machine& machine, People& people, Inspector& inspector, Town& town)
        : stage_(stage),
          record_(record),
          machine_(machine),
          people_(people),
          inspector_(inspector),
          town_(town) {}
    void make();
    /// What was told, opened and spent since is out of the invariants' sight, and counted.
    void put_back();

  private:
    struct Copy {
        Instant at{};
        Record record;
        People::Told told;
        std::set<std::string> successes;
    };
    Stage& stage_;
    Record& record_;
    Machine& machine_;
    People& people_;
    Inspector& inspector_;
    Town& town_;
    std::optional<Copy> copy_;
};

}  // namespace kassi::simulation
