#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/router.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"
#include "engine/engine.hpp"

/// Puts the rooms together: store, engine, doors, listeners, control socket. The only other place that sees
/// everything is the sandbox, which is a Service with demo accounts, simulators and a shop added.
namespace kassi::service {

struct Listen {
    std::string address = "127.0.0.1";
    unsigned short port = 0;                    ///< 0: any free one
    std::string tls_certificate_file, tls_key_file;   ///< both or none
};

struct Config {
    engine::Directory directory;
    engine::Settings settings;
    Listen doors;
    std::optional<Listen> operators;            ///< /healthz /readyz /metrics; absent: not served
    std::string data_directory;
    Secret<> master_key;                        ///< 32 bytes: parcels, seals and HMACs use keys derived from it
    std::string trusted_certificates_pem;       ///< for providers; "" the system's
    bool loopback_only = false;                 ///< outbound calls reach loopback only (sandbox)
    std::string log_file;                       ///< "" standard error
    bool debug_log = false;
};

/// Reads and checks the whole file. Error: bad_request, field "FILE:LINE", message the reason.
Result<Config> read_config(const std::string& file);

class Service {
  public:
    /// Opens the store (takes <data>/lock, applies migrations), binds the listeners. Throws std::runtime_error
    /// with a plain reason. `more` doors are mounted beside the house's own (the sandbox's).
    Service(Config config, std::shared_ptr<SystemClock> clock, std::vector<api::Mount> more = {});
    ~Service();
    [[nodiscard]] unsigned short port() const;
    [[nodiscard]] unsigned short operators_port() const;
    [[nodiscard]] engine::Engine& engine();
    [[nodiscard]] boost::asio::io_context& io();
    void add_doors(std::vector<api::Mount> more);   ///< before run()
    /// Starts the engine and runs the io thread until SIGTERM, SIGINT or stop(). Returns the exit status.
    int run();
    /// From any thread: finish what is under way, then run() returns.
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kassi::service
