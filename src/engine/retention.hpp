#pragma once

#include <functional>

#include "engine/engine.hpp"

namespace kassi::engine {

/// Of one round: they make one group commit, and the writer is not held up for long.
inline constexpr std::size_t forgotten_at_once_max = 100;
inline constexpr Millis retention_pause{600'000};  ///< from one look to the next
inline constexpr Millis retention_goes_on{1'000};  ///< when a round was full

/// Has forgotten who paid when a transaction is settled and older than Settings::retention, oldest first.
/// Without one it does nothing.
class Retention {
  public:
    /// Both must outlive it.
    Retention(Engine& engine, Outside& outside) : engine_(engine), outside_(outside) {}
    /// By the clock from now on, until stop().
    void start();
    void stop() { stopped_ = true; }
    /// Now, round after round until nothing is left or it is `until`. Answers how many were forgotten.
    void run(Instant until, std::function<void(std::int64_t)> done);

  private:
    void look_in(Millis pause);
    /// Answers how many it found, and how many of them were forgotten.
    void round(std::function<void(std::size_t, std::int64_t)> done);

    Engine& engine_;
    Outside& outside_;
    bool stopped_ = false;
};

}  // namespace kassi::engine
