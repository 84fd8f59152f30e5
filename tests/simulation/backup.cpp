#include "tests/simulation/backup.hpp"

namespace kassi::simulation {

void Backup::make() {
    stage_.say("a copy is made");
    copy_ = Copy{stage_.clock.at, record_, people_.told(), town_.redirect.successes};
}

void Backup::put_back() {
    const Record before = record_;
    machine_.put_back(copy_->record, copy_->at);
    people_.put_back(copy_->told);
    inspector_.put_back(before);
    town_.redirect.successes = copy_->successes;
    town_.forget_tokens();
}

}  // namespace kassi::simulation
