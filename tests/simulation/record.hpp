#pragma once

#include <map>
#include <set>

#include "store/store.hpp"
#include "tests/simulation/faults.hpp"

namespace kassi::simulation {

/// What is on the disk, with the guards of the real store. A copy of it is a backup.
class Record {
  public:
    /// One unit, or why not. Throws std::logic_error where the real store does.
    store::CommitOutcome write(store::Unit& unit);
    void keep(store::UnmatchedNotice notice);
    void drop(std::string_view merchant, std::string_view event_id);

    struct Row {
        store::Loaded loaded;
        std::string state;  ///< as JSON
        std::vector<std::string> journal;
        std::vector<Instant> times;
        std::optional<Instant> due_at;
    };
    [[nodiscard]] const Row* find(const TransactionId& id) const;
    [[nodiscard]] std::optional<store::TokenFound> find_token(std::string_view caller,
                                                              std::string_view token) const;
    [[nodiscard]] std::optional<store::LegFound> find_leg(std::string_view merchant,
                                                          std::string_view reference) const;
    [[nodiscard]] std::optional<store::ClaimFound> find_claim(const store::Claim& claim) const;
    [[nodiscard]] std::vector<TransactionId> due(Instant now, std::size_t limit) const;
    [[nodiscard]] std::optional<Instant> next_due() const;
    [[nodiscard]] std::vector<store::Balance> balances(std::string_view caller) const;
    [[nodiscard]] std::vector<store::UnmatchedNotice> matched_since(std::size_t limit) const;
    [[nodiscard]] std::vector<store::UnmatchedNotice> unmatched(std::string_view merchant,
                                                                std::string_view reference) const;

    std::map<TransactionId, Row> rows;
    std::set<TransactionId> changed;  ///< since the world last looked
    Instant last_row_at{};
    std::optional<Instant> put_back_at;
    Bug bug = Bug::none;
    std::string last_request;  ///< of a planted bug

  private:
    struct Token {
        TransactionId id;
        std::int64_t leg = 0, callout = 0;
        bool page = false, spent = false;
        std::string digest;
    };
    struct Once {
        TransactionId id;
        std::int64_t version;
        std::string fingerprint;
    };
    using Names = std::pair<std::string, std::string>;
    [[nodiscard]] store::CommitOutcome guard(const store::Unit& unit) const;
    void note_tokens(const store::Unit& unit);
    void close_dead_tokens(const TransactionId& id, const store::Unit& unit);
    std::map<Names, std::vector<Token>> tokens_;  // caller, token
    std::map<Names, store::LegFound> references_;
    std::map<Names, Once> once_;
    std::map<Names, std::int64_t> balances_;  // caller, currency
    std::vector<store::UnmatchedNotice> unmatched_;
};

}  // namespace kassi::simulation
