#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/router.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"
#include "engine/engine.hpp"
#include "http/server.hpp"
#include "service/load.hpp"

namespace kassi::api::f13 {
class BoxOffice;
}
namespace kassi::api::ticket_order {
class Events;
}

/// Puts the rooms together: store, engine, doors, listeners, control socket. The only other place that sees
/// everything is the sandbox, which is a Service with demo accounts, simulators and a shop added.
namespace kassi::service {

struct Listen {
    std::string address = "127.0.0.1";
    unsigned short port = 0;               ///< 0: any free one
    std::optional<http::TlsIdentity> tls;  ///< absent: plain http
};

inline constexpr Millis lock_patience{5'000};

struct Config {
    engine::Directory directory;
    engine::Settings settings;  ///< public_url "": where the doors listen
    Listen doors;
    std::optional<Listen> operators;  ///< /healthz /readyz /metrics; absent: not served
    std::string data_directory;
    Secret<> master_key;                   ///< 32 bytes: parcels, seals and HMACs use keys derived from it
    std::string trusted_certificates_pem;  ///< for providers; "" the system's
    bool loopback_only = false;            ///< outbound calls reach loopback only (sandbox)
    /// Origins ("https://host[:port]") of the merchants with private_network = true: live mode calls no other
    /// address that is not on the public internet.
    std::set<std::string> private_origins;
    /// Origins of other sites whose pages may use the TicketOrder door from a browser.
    std::vector<std::string> ticket_order_origins;
    std::string log_file;  ///< "" standard error
    bool debug_log = false;
    /// The data are a copy of the record (kassi backup), to be put to work.
    bool restored = false;
    /// A server waits so long for <data>/lock: who holds it is mostly a command, which ends soon.
    Millis lock_patience = service::lock_patience;
    LoadLimits load;
    std::size_t descriptors_beside = 0;  ///< of this process, that the service must leave alone
    /// Connections and calls at once; a Service takes fewer where descriptors are few.
    Descriptors descriptors;
    /// Called once, when the doors' port is known and nothing else has begun. The sandbox, which may run on
    /// any free port, fills in the addresses that name it (public_url, merchants, return hosts).
    std::function<void(Config& config, unsigned short port)> when_bound;
};

/// Reads and checks the whole file. Error: bad_request, field "FILE:LINE", message the reason.
Result<Config> read_config(const std::string& file);

/// The same with everything that is wrong at once, in the order of the lines. `config` only without errors.
struct ConfigReading {
    std::optional<Config> config;
    std::vector<Error> errors;
};
ConfigReading read_config_fully(const std::string& file);

/// A file that only its owner may read, without the line end at its end. At most 64 KiB. Error: bad_request
/// with the file's name and the reason in the message, field "".
Result<Secret<>> read_secret_file(const std::string& file);
/// 64 hexadecimal digits, or 44 characters of base64 (with or without its "="): the 32 bytes of a master key.
Result<Secret<>> parse_master_key(const Secret<>& text);
/// The key that a sandbox made for itself: <data>/sandbox-key, hexadecimal.
inline constexpr const char* sandbox_key_file = "sandbox-key";

/// A process that has keys and passwords in its memory leaves no image of it behind: no core dump, no ptrace
/// by other processes of the same user.
void forbid_core_dumps();

/// Another process holds <data>/lock. Trying again later may help.
class LockHeld : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};
/// SIGTERM or SIGINT came while the start waited for the lock: there is nothing to close.
class StoppedWaiting : public std::runtime_error {
  public:
    StoppedWaiting() : std::runtime_error("stopped while waiting for the lock") {}
};

class Service {
  public:
    /// Binds the listeners, opens the store (takes <data>/lock, for which it waits, and applies migrations).
    /// From here on SIGTERM and SIGINT wait for run(). Throws LockHeld, StoppedWaiting, and
    /// std::runtime_error with a plain reason; so it does when an open leg names a merchant that the
    /// configuration lacks. `more` doors are mounted beside the house's own (the sandbox's).
    Service(Config config, std::shared_ptr<SystemClock> clock, std::vector<api::Mount> more = {});
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    [[nodiscard]] unsigned short port() const;
    [[nodiscard]] unsigned short operators_port() const;  ///< 0: not served
    [[nodiscard]] const Config& config() const;           ///< as it runs, public_url filled in
    [[nodiscard]] engine::Engine& engine();
    [[nodiscard]] boost::asio::io_context& io();
    void add_doors(std::vector<api::Mount> more);  ///< before run()
    /// The booking side of F13, before run(); without one (production) those endpoints are 404.
    void set_box_office(std::shared_ptr<api::f13::BoxOffice> box_office);
    /// The events of the TicketOrder door, before run(); without them (production) orders pay what was handed
    /// over.
    void set_events(std::shared_ptr<api::ticket_order::Events> events);
    /// Called once, on the io thread, when every door is served; before run().
    void when_serving(std::function<void()> callback);
    /// Starts the engine and runs the io thread until SIGTERM, SIGINT or stop(): what is under way is
    /// finished (stop_patience), the store closed. A second signal cuts the patience. Returns the exit
    /// status.
    int run();
    /// From any thread, while run() runs: finish what is under way, then run() returns.
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

inline constexpr Millis stop_patience{25'000};

}  // namespace kassi::service
