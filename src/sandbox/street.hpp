#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/money.hpp"
#include "http/tls_identity.hpp"
#include "sandbox/simulators/apple_gateway.hpp"
#include "sandbox/simulators/apple_wallet.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "sandbox/simulators/stripe_house.hpp"

/// The other side of the street: the simulators on a listener, a client and a thread of their own, so that
/// nothing but sockets (and the clock) connects them with the house that they serve.
namespace kassi::sandbox {

/// Timers of the simulators look at the clock so often: it can be moved under them.
inline constexpr Millis simulator_poll{50};
/// A notice that is not answered by then was not heard.
inline constexpr Millis notice_deadline{10'000};

/// Connections of the simulators' listener, of Apple's gateway, and notices on their way at the same moment:
/// with these a sandbox has enough descriptors.
inline constexpr std::size_t simulator_connections_max = 512;
inline constexpr std::size_t gateway_connections_max = 64;
inline constexpr std::size_t notices_at_once_max = 64;
inline constexpr std::size_t street_descriptors = 1024;
/// Waits at the same moment; what would be one more does not happen: a notice is not sent, a call is hung up.
inline constexpr std::size_t simulator_waits_max = 16'384;

/// One movement of money in a house's ledger.
struct Movement {
    std::string payment;    ///< the house's own id: "rs_...", "pi_...", "tr_..."
    std::string reference;  ///< ours, as the house was told: "<transaction>-<leg>", an order id
    std::string kind;       ///< "held" | "hold_gone" | "taken" | "given_back"
    Money amount;
};

class Street {
  public:
    /// Listens on 127.0.0.1, on `wanted_port` if it is free, else on any. Throws std::runtime_error when it
    /// cannot. Nothing is answered before open().
    Street(unsigned short wanted_port, std::shared_ptr<SystemClock> clock);
    ~Street();
    Street(const Street&) = delete;
    Street& operator=(const Street&) = delete;

    /// "http://127.0.0.1:8081"
    [[nodiscard]] std::string origin() const;
    /// Apple's gateway has a listener of its own: TLS, with a client's certificate that `developers_pem`
    /// signed. On `wanted_port` if it is free. "https://127.0.0.1:8083". Before open(), once.
    std::string open_gateway(unsigned short wanted_port, http::TlsIdentity identity,
                             std::string developers_pem);
    /// Who issues, gives sessions and encrypts.
    struct Apple {
        apple::AppleWorld world;
        std::vector<apple::Gateway::Merchant> merchants;
        apple::Wallet::Options wallet;
    };
    struct Houses {
        RedirectHouse::Options redirect;
        std::filesystem::path redirect_file;
        StripeHouse::Options stripe;
        std::filesystem::path stripe_file;
        BorgunHouse::Options borgun;
        std::filesystem::path borgun_file;
        std::optional<Apple> apple;  ///< with open_gateway()
    };
    /// The houses move in, each with what is in its file, write into it what happens, and answer from now on:
    /// Stripe at /v1 and /stripe, Borgun at /borgun, Apple's device at /apple, the redirect house everywhere
    /// else. Throws std::runtime_error naming the line of the file that is not understood.
    void open(Houses houses);
    /// What the ledgers of all houses have on these references and payments, oldest first in each. From any
    /// thread; `done` comes on the street's own.
    void movements(std::vector<std::string> of, std::function<void(std::vector<Movement>)> done);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The simulators' handler fit for a real socket: a Reply that is destroyed unanswered hangs up.
Handler hanging_up(Handler handler);

/// Waits of the simulators: a wait is over when `clock` says so, whether time passed or was moved. tick()
/// runs what is due, in order. One thread.
class ClockTimers {
  public:
    explicit ClockTimers(const Clock& clock) : clock_(clock) {}
    void after(Millis delay, std::function<void()> callback);
    void tick();
    [[nodiscard]] bool empty() const { return waiting_.empty(); }

  private:
    const Clock& clock_;
    std::multimap<Instant, std::function<void()>> waiting_;  ///< those of the same moment in order
};

}  // namespace kassi::sandbox
