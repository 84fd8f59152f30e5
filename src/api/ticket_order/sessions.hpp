#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"

/// Who has logged in at the TicketOrder door. In memory only: after a restart clients log in again.
namespace kassi::api::ticket_order {

inline constexpr std::size_t sessions_max = 10'000;            ///< past it the oldest ends
inline constexpr std::size_t sessions_per_caller_max = 1'000;  ///< past it the caller's oldest ends
inline constexpr std::chrono::hours session_life{8};
inline constexpr std::chrono::hours remembered_session_life{14 * 24};  ///< rememberMe

/// Tokens have 128 random bits and are kept as HMAC under a key of this process. All on the io thread.
class Sessions {
  public:
    explicit Sessions(Randomness& randomness, std::size_t max = sessions_max,
                      std::size_t per_caller_max = sessions_per_caller_max);

    /// The token of a new session, 22 characters of base64url. Its life is counted from now and not from its
    /// last use.
    std::string begin(std::string caller, Millis life, Instant now);
    /// Nullopt: no such session, or it is over.
    [[nodiscard]] std::optional<std::string> caller_of(std::string_view token, Instant now) const;
    /// Nothing happens when there is none.
    void end(std::string_view token);
    /// Those over and not yet forgotten count.
    [[nodiscard]] std::size_t size() const { return sessions_.size(); }

  private:
    struct Session {
        std::string caller;
        Instant until;
        std::uint64_t number = 0;
    };
    [[nodiscard]] std::string proof_of(std::string_view token) const;
    void erase(const std::string& proof);
    void forget_over(Instant now);
    void make_room(const std::string& caller);

    Randomness& randomness_;
    const std::size_t max_, per_caller_max_;
    Secret<> key_;
    std::map<std::string, Session, std::less<>> sessions_;  ///< by HMAC
    std::map<std::uint64_t, std::string> by_age_;           ///< number -> HMAC, the oldest first
    std::map<std::string, std::size_t> of_caller_;
    std::uint64_t next_ = 0;
};

}  // namespace kassi::api::ticket_order
