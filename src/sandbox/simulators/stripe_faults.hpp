#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

/// Rules by which the house misbehaves, in the words of /stripe/_faults.
namespace kassi::sandbox::stripe {

inline constexpr std::size_t fault_rules_max = 100;
inline constexpr std::int64_t fault_times_max = 1'000'000;
inline constexpr std::int64_t fault_ms_max = 600'000;

enum class Fault {
    // of calls
    dead,          ///< nothing is done, and the connection ends
    error_before,  ///< 500, nothing was done
    rate_limit,    ///< 429, nothing was done
    lock_timeout,  ///< 429, nothing was done
    key_in_use,    ///< 409, nothing was done
    delay_before,  ///< the work begins later; its key is at work until then
    delay,         ///< the work is done, the answer comes late
    drop_answer,   ///< the work is done, and the connection ends
    error_after,   ///< the work is done, 500; its key knows the true answer
    error_kept,    ///< the work is done, 500; that is what its key knows
    error_stuck,   ///< nothing is done, 500; that is what its key knows
    wrong_amount,  ///< every amount of the answer is one more than the truth
    replayed,      ///< a first answer says that it is a replay
    stale,         ///< a search does not see what is younger than `ms`
    // of webhooks (besides dead, delay, drop_answer, wrong_amount)
    twice,            ///< the same event two times
    another_id,       ///< the same change as two events
    reorder,          ///< after the next one
    lost,             ///< never
    wrong_signature,  ///< with a secret that nobody knows
};

struct Rule {
    std::string on;    ///< a step, "*" (any call), or a path "/v1/payment_intents/*/capture"
    std::string what;  ///< as it was said
    Fault fault{};
    Millis ms{0};
    std::int64_t times = 1;
    std::string merchant;              ///< "" any
    std::optional<bool> should_retry;  ///< header Stripe-Should-Retry of an error; absent without
};

class Faults {
  public:
    /// {"rules":[{"on","do","ms","times","merchant","should_retry"}...]} instead of those of before. Error:
    /// bad_request; they stay as they were.
    [[nodiscard]] std::optional<Error> set(std::string_view json);
    void clear() { rules_.clear(); }
    [[nodiscard]] std::string shown() const;
    /// The first rule that fits is used up by one. `path` "" for webhooks, which "*" does not mean.
    std::optional<Rule> take(std::string_view step, std::string_view path, std::string_view merchant);

  private:
    std::vector<Rule> rules_;
};

}  // namespace kassi::sandbox::stripe
