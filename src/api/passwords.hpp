#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "engine/directory.hpp"

namespace kassi::api {

/// Checks user names and passwords against the directory without holding up the io thread.
///
/// A check costs one scrypt (about 50 ms) on a small pool. A password that was right once is remembered in
/// memory, as an HMAC under a key that this process drew for itself, so that the next call costs nothing. A
/// wrong password and an unknown user take the same time: both are held against a hash.
///
/// Everything but the scrypt runs on the io thread, and so does `done`.
class Passwords {
  public:
    /// Runs a function on the io thread; called from the pool.
    using Post = std::function<void(std::function<void()>)>;
    using Done = std::function<void(Result<const engine::Caller*>)>;

    static constexpr std::size_t threads_default = 2;
    static constexpr std::size_t queue_checks_max = 256;       ///< scrypts waiting; past it: unavailable
    static constexpr std::size_t remembered_users_max = 1024;  ///< the oldest is forgotten
    static constexpr std::size_t user_bytes_max = 256;
    static constexpr std::size_t password_bytes_max = 1024;

    /// `directory` must outlive it.
    Passwords(const engine::Directory& directory, Randomness& randomness, Post post,
              std::size_t threads = threads_default, std::size_t queue_max = queue_checks_max,
              std::size_t remembered_max = remembered_users_max);
    /// Waits for the scrypts under way; checks that have no answer yet never get one.
    ~Passwords();
    Passwords(const Passwords&) = delete;
    Passwords& operator=(const Passwords&) = delete;

    /// Calls `done` at once when the password is remembered. Errors: unauthenticated, unavailable (queue
    /// full).
    void check(std::string_view user, std::string_view password, Done done);

    /// `Authorization: Basic ...` instead (RFC 7617, UTF-8). Error besides: unauthenticated for anything that
    /// is no such header.
    void check_basic(std::string_view authorization, Done done);

    /// Users whose password is remembered now.
    [[nodiscard]] std::size_t remembered() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::api
