#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/engine.hpp"

/// What a person or a scheduled job may ask of the house, whether a server runs (over <data>/control) or not
/// (the command opens the house itself): one set of operations, one way to ask.
///
/// A request is one JSON object in one line: {"do": "sweep"}, {"do": "show", "transaction": "T000-..."},
/// {"do": "settle", "transaction": ..., "leg": 1, "money": "taken", "by": "Anna", "because": "..."},
/// {"do": "forget", "transaction": ..., "by": "Anna", "because": "..."}, {"do": "status"}. The socket answers
/// in lines: {"progress": "..."} any number of times, then {"answer":
/// {...}} or {"error": {"kind": ..., "field": ..., "message": ...}}.
namespace kassi::service {

class HttpOutside;

inline constexpr Millis sweep_within{300'000};
inline constexpr std::size_t control_line_bytes_max = 64 * 1024;  ///< of a request
inline constexpr std::size_t control_connections_max = 16;

class Operations {
  public:
    Operations(engine::Engine& engine, const HttpOutside& outside) : engine_(engine), outside_(outside) {}
    Operations(const Operations&) = delete;
    Operations& operator=(const Operations&) = delete;
    using Progress = std::function<void(const std::string&)>;
    /// Answers with JSON, at once or later on the io thread. Errors: bad_request, not_found, conflict,
    /// unavailable, as the engine says.
    void handle(std::string_view request, Progress progress, std::function<void(Result<std::string>)> done);

  private:
    using Done = std::function<void(Result<std::string>)>;
    void settle(const nlohmann::json& request, Done done);
    void forget(const nlohmann::json& request, Done done);
    void submit(std::string_view transaction, const std::string& by, core::InputBody body, Done done);

    engine::Engine& engine_;
    const HttpOutside& outside_;
    bool sweeping_ = false;
};

/// Serves Operations on a socket that only this user may open.
class ControlServer {
  public:
    /// Throws std::runtime_error when the socket cannot be made. A socket that a killed process left is
    /// replaced: whoever calls this holds <data>/lock.
    ControlServer(boost::asio::io_context& io, const std::string& data_directory, Operations& operations);
    /// Closes everything and removes the socket.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Asks the server that runs on the data directory, and waits. Nullopt: none listens there. Errors: the
/// server's; unavailable when it went away before it answered.
std::optional<Result<std::string>> ask_server(const std::string& data_directory, const std::string& request,
                                              const Operations::Progress& progress);

}  // namespace kassi::service
