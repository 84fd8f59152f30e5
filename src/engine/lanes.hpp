#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "base/clock.hpp"

namespace kassi::engine {

/// Who waits for a place among the calls that are open: a lane for each merchant, so many at once in it, the
/// rest in order. A call that could not begin by its last moment, or finds the queue full, does not begin at
/// all: it is known not done. Everything on one thread.
class Lanes {
  public:
    struct Limits {
        std::size_t at_once_max = 128;   ///< of one lane
        std::size_t waiting_max = 1024;  ///< of one lane
    };
    /// Runs a callback after a while; not from inside.
    using After = std::function<void(Millis delay, std::function<void()> callback)>;

    Lanes(const Clock& clock, After after, Limits limits)
        : clock_(clock), after_(std::move(after)), limits_(limits) {}

    /// `begin` when there is a place, at once if there is one now; leave() gives it back. Past `latest` in
    /// its place `not_begun`, with the reason in plain words, never from inside this; nothing is to be given
    /// back then.
    void enter(const std::string& lane, Instant latest, std::function<void()> begin,
               std::function<void(std::string why)> not_begun);
    void leave(const std::string& lane);
    /// Whoever waits does not begin; who comes later does not either.
    void close();

    [[nodiscard]] std::size_t waiting() const { return waiting_; }
    [[nodiscard]] std::size_t open() const { return open_; }

  private:
    struct Waiting {
        Instant latest{};
        std::function<void()> begin;
        std::function<void(std::string)> not_begun;
    };
    struct Lane {
        std::size_t open = 0;
        std::deque<Waiting> queue;
        bool watched = false;  ///< a timer looks after those that wait too long
    };

    void refuse(std::function<void(std::string)> not_begun, std::string why);
    void begin_next(Lane& lane);
    void drop_late(Lane& lane);
    void watch(const std::string& name);

    const Clock& clock_;
    const After after_;
    const Limits limits_;
    std::map<std::string, Lane> lanes_;  ///< as many as there are merchants
    std::size_t waiting_ = 0, open_ = 0;
    bool closed_ = false;
};

}  // namespace kassi::engine
