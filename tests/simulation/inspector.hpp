#pragma once

#include <map>
#include <set>
#include <string>

#include "providers/flow.hpp"
#include "tests/simulation/people.hpp"
#include "tests/simulation/record.hpp"
#include "tests/simulation/town.hpp"

/// Holds what Kassi has written down against the truth: after every commit, and at the end.
namespace kassi::simulation {

class Inspector {
  public:
    Inspector(Stage& stage, Record& record, Town& town, const providers::Registry& registry)
        : stage_(stage), record_(record), town_(town), registry_(registry) {}

    /// Of what was changed since the last time.
    void check_changed();
    void check_end();
    /// The record is a copy now; `before` is what it was. All of it is looked at anew.
    void put_back(const Record& before);

  private:
    void check(const TransactionId& id);
    bool replays(const TransactionId& id, const Record::Row& row);
    void check_rows(const core::Transaction& before, const core::JournalRow& row);
    void check_state(const TransactionId& id, const Record::Row& row);
    void check_verdict(const TransactionId& id, const core::Transaction& transaction);
    void check_legs(const core::Transaction& transaction);
    void check_papers(const TransactionId& id, const core::Transaction& transaction,
                      const core::Papers& papers);
    void count_verdict(const core::Transaction& transaction);
    void check_end_of(const TransactionId& id, const Record::Row& row);
    void check_balances();
    void check_lost();
    void put_out_of_sight(const core::Transaction& copy, const core::Leg& known, const core::Leg& then);

    Stage& stage_;
    Record& record_;
    Town& town_;
    const providers::Registry& registry_;
    std::map<TransactionId, core::Transaction> replicas_;
    std::map<TransactionId, core::Phase> verdicts_;
    std::map<std::string, std::int64_t> owed_;  ///< caller and currency
    struct Lost {
        core::Transaction transaction;
        core::Leg leg;
    };
    std::vector<Lost> lost_legs_;  ///< that were opened after the copy was made
};

/// What the house's own credit is limited to, of each caller.
inline constexpr std::int64_t credit_limit_minor = 20'000;

}  // namespace kassi::simulation
