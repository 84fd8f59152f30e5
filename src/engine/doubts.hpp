#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "store/store.hpp"

namespace kassi::engine {

/// Since when a leg of it is unknown, the oldest one; nullopt: none is. While it is asked about it is still
/// unknown.
std::optional<Instant> unknown_since(const core::Transaction& transaction);

/// What is unknown now, and for how long: for people who watch the house. In memory, as the store says it.
class Doubts {
  public:
    /// What the store has; before the first moved().
    void load(store::Store& store);
    /// After a commit. A leg that became unknown for so long that a person is needed is one log line,
    /// unknown_for_long. `before` nullptr: handed over.
    void moved(const core::Transaction* before, const core::Transaction& next);
    /// Transactions with such a leg.
    [[nodiscard]] std::int64_t for_long() const;
    [[nodiscard]] std::optional<Instant> oldest() const;

  private:
    void note(const core::Transaction& transaction);
    struct Known {
        Instant since;
        bool for_long;
    };
    std::map<TransactionId, Known> known_;
};

}  // namespace kassi::engine
