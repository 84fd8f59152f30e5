#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "service/http_outside.hpp"
#include "service/service.hpp"
#include "store/sqlite_store.hpp"

namespace kassi::service {

/// Store, ways of paying, the world outside and the engine over them: what the server runs, and what a
/// command runs once when no server does. No doors.
class House {
  public:
    using Copy = store::SqliteOptions::Copy;
    /// Takes <data>/lock and applies migrations. `config` and `io` must outlive it. `copy`: what becomes of a
    /// record that is a copy. While another process holds the lock `lock_held` is asked: true tries again.
    /// Throws LockHeld, and std::runtime_error with a plain reason. `io` may be used by the store for what it
    /// has to say.
    House(boost::asio::io_context& io, const Config& config, std::shared_ptr<SystemClock> clock, Copy copy,
          std::function<bool()> lock_held = nullptr);
    ~House();
    House(const House&) = delete;
    House& operator=(const House&) = delete;

    /// Refuses to go on when an open leg names a merchant that the configuration lacks (std::runtime_error).
    void check_merchants();

    [[nodiscard]] engine::Engine& engine() { return *engine_; }
    [[nodiscard]] store::SqliteStore& store() { return *store_; }
    [[nodiscard]] const HttpOutside& outside() const { return *outside_; }
    /// For calls that are none of a transaction's.
    [[nodiscard]] engine::Outside& world() { return *outside_; }
    [[nodiscard]] SystemRandomness& randomness() { return randomness_; }

  private:
    std::shared_ptr<SystemClock> clock_;
    SystemRandomness randomness_;
    Secret<> digest_key_;
    std::unique_ptr<providers::Registry> registry_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<HttpOutside> outside_;
    std::unique_ptr<engine::Engine> engine_;
};

}  // namespace kassi::service
