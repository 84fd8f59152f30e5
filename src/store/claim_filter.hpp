#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

struct bloom;

namespace kassi::store {

/// A filter has room for a quarter more keys than there are, but for so many at least (libbloom's own limit)
/// and at most: 78 MB of memory.
inline constexpr std::int64_t filtered_claims_min = 1'000, filtered_claims_max = 100'000'000;
/// Of the keys that are not there so many are looked for all the same: 6.2 bits a key.
inline constexpr double claim_filter_error = 0.05;

/// Tells of most keys that are not in the table `once_key` that they are not, and saves looking there, where
/// each would be a page of its own: a Bloom filter of the starts of the keys.
///
/// A thread of its own makes it out of the table, 1.4 s for 5,000,000 keys, and again when it is full. Until
/// then any key may be there, and for good when the table cannot be read or is damaged: what damage would
/// hide from the filter an ordinary look may still find.
class ClaimFilter {
  public:
    /// `file`: of the data base. `room`: for so many keys at least. From now on each that comes into the
    /// table is told.
    ClaimFilter(std::string file, std::int64_t room);
    ~ClaimFilter();
    ClaimFilter(const ClaimFilter&) = delete;
    ClaimFilter& operator=(const ClaimFilter&) = delete;

    /// False: no key in the table begins so.
    [[nodiscard]] bool may_have(std::string_view start);
    /// One that begins so comes into the table with this transaction.
    void add(std::string_view start);
    /// Between transactions: whoever makes a new one finds in the table what was told.
    void renew_when_full();

  private:
    struct Free {
        void operator()(bloom* filter) const;
    };
    struct Made {
        std::unique_ptr<bloom, Free> filter;
        std::int64_t keys = 0, room = 0;
    };
    [[nodiscard]] Made make(const std::stop_token& stop) const;
    void begin();
    void take_when_made();

    const std::string file_;
    const std::int64_t room_;
    Made made_;
    std::vector<std::string> meanwhile_;  ///< told while it is being made
    std::stop_source stop_;
    std::future<Made> being_made_;
};

}  // namespace kassi::store
