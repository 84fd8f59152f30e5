#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "http/server.hpp"

/// Load that the house cannot take is refused early: before a body is read, a password hashed, or the store
/// asked. What was begun goes before what is new.
namespace kassi::service {

/// What a request is to the house; the first is the first to be refused.
enum class Precedence {
    fresh,          ///< a hand-over, a purchase, what leads to one
    going_on,       ///< about what was taken on: a customer's return, a cancellation, a look
    from_provider,  ///< a notice, perhaps of money
};
/// `target` as it came: path and query.
Precedence precedence_of(std::string_view method, std::string_view target);

/// How much there is to do at one moment.
struct Load {
    std::size_t requests_in_hand = 0;  ///< taken, and not answered yet
    std::size_t bytes_in_hand = 0;     ///< http::bytes_in_hand_max says of what
    std::size_t commits_open = 0;      ///< units that the store has to write
    std::size_t calls_waiting = 0;     ///< for their turn with a provider
    Millis lag{0};                     ///< what happens waits so long at least before anybody looks at it
};

/// From one half of any of these on what is fresh is refused, from three quarters on all but notices, and at
/// it those, too: they are sent again. The work that is already there goes on.
struct LoadLimits {
    std::size_t requests_in_hand_max = 0;  ///< 0: as many as there may be connections
    std::size_t bytes_in_hand_max = http::bytes_in_hand_max;
    /// The rest of the queue is for answers of providers and for the clock.
    std::size_t commits_open_max = limits::write_queue_units_max / 4 * 3;
    std::size_t calls_waiting_max = 2048;  ///< with all merchants together
    Millis lag_max{2'000};
};

enum class LoadLevel { fine, busy, full, shut };

/// What follows on `before`. Up at once; down only when everything is under three quarters of what leads up,
/// so that it does not go up and down with every request.
LoadLevel level_after(LoadLevel before, const Load& load, const LoadLimits& limits);
/// "fine", "busy", ...
std::string_view word(LoadLevel level);
bool takes(LoadLevel level, Precedence precedence);

/// How late the loop is, all the time: the smallest lateness of its last few turns, so that one long turn, or
/// a machine that stood still, is no load.
class Lateness {
  public:
    static constexpr std::size_t turns = 4;
    void note(Millis late);
    [[nodiscard]] Millis lag() const;  ///< 0 until there were so many turns

  private:
    std::deque<Millis> last_;
};

/// Who is let in. On the io thread.
class Gate {
  public:
    static constexpr Millis tick{100};
    /// `measure` answers everything but the lag.
    Gate(boost::asio::io_context& io, LoadLimits limits, std::function<Load()> measure);
    [[nodiscard]] bool takes(std::string_view method, std::string_view target);
    /// As it is now; a change is logged.
    LoadLevel level();
    [[nodiscard]] Load load() const;

  private:
    void watch();

    const LoadLimits limits_;
    const std::function<Load()> measure_;
    boost::asio::steady_timer timer_;
    Lateness lateness_;
    LoadLevel level_ = LoadLevel::fine;
};

/// How many file descriptors are for whom; what is there are those of a house whose configuration says
/// nothing.
struct Descriptors {
    std::size_t connections_max = 4096;  ///< of the doors' listener
    std::size_t calls_open_max = 512;    ///< to providers; http_outside.hpp says how they are shared
};
/// What [load] of the configuration may say; merchants' limits are engine::Settings'.
inline constexpr std::size_t connections_least = 32, connections_most = 65'536;
inline constexpr std::size_t calls_least = 32, calls_most = 4'096;
inline constexpr std::size_t merchant_calls_least = 1;  ///< the most are all calls
inline constexpr std::size_t merchant_waiting_least = 1, merchant_waiting_most = 65'536;
inline constexpr std::size_t memory_mib_least = 8, memory_mib_most = 65'536;
/// So many times what may wait with one merchant may wait with all together.
inline constexpr std::size_t merchants_waiting = 2;
/// Of the operators' listener.
inline constexpr std::size_t operators_connections_max = 32;
/// Store, log, control socket and its connections, the loop, what the libraries open for a moment.
inline constexpr std::size_t own_descriptors = 64;
/// With fewer descriptors not everything fits that may be open at once, and the start says so.
inline constexpr std::size_t descriptors_min = 512;
/// Of a process that may have `limit` open; `beside` of them are somebody else's. At most what is wanted, and
/// fewer where there are not so many.
Descriptors share_descriptors(std::size_t limit, std::size_t beside, const Descriptors& wanted = {});
/// As many as this process may have: the limit is raised as far as it goes.
std::size_t raise_descriptor_limit();

}  // namespace kassi::service
