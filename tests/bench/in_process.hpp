#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/engine.hpp"
#include "store/sqlite_store.hpp"

/// The real engine on a real store in this process: no sockets, no providers but on_credit, which asks
/// nobody.
namespace kassi::bench {

/// Stands where it was put.
class SetClock final : public Clock {
  public:
    explicit SetClock(Instant at) : at_(at) {}
    [[nodiscard]] Instant now() const override { return at_; }
    void put(Instant at) { at_ = at; }

  private:
    Instant at_;
};

/// The same numbers each time, for work that must be the same each time.
class Dice final : public Randomness {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    void fill(std::span<std::uint8_t> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
    }

  private:
    std::mt19937_64 engine_;
};

/// Callbacks of the store's thread, for this one.
class Callbacks {
  public:
    void post(std::function<void()> callback);
    /// Runs callbacks, those that come meanwhile too, until `done`. Throws std::runtime_error when none comes
    /// for a minute.
    void run_until(const std::function<bool()>& done);

  private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<std::function<void()>> waiting_;
};

inline constexpr const char* system_name = "box-office";
inline constexpr const char* caller_name = "demo";
inline constexpr const char* merchant_name = "house-credit";

class InProcess {
  public:
    /// `master_key` as in the configuration of the house that will serve this data later. Throws
    /// std::runtime_error.
    InProcess(const std::string& directory, const Secret<>& master_key, const std::string& api_key,
              Instant now, Randomness& randomness);
    ~InProcess();
    InProcess(const InProcess&) = delete;
    InProcess& operator=(const InProcess&) = delete;

    engine::Engine& engine() { return *engine_; }
    Callbacks& callbacks() { return callbacks_; }
    SetClock& clock() { return clock_; }

  private:
    class Nowhere;
    SetClock clock_;
    Callbacks callbacks_;
    engine::Directory directory_;
    engine::Settings settings_;
    std::unique_ptr<providers::Registry> registry_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<Nowhere> outside_;
    std::unique_ptr<engine::Engine> engine_;
};

}  // namespace kassi::bench
