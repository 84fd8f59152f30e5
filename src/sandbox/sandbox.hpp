#pragma once

#include <string>

#include "service/service.hpp"

/// Everything on loopback, in one process: a house with demo accounts, the box office, the simulators of its
/// providers and a shop to try it with.
namespace kassi::sandbox {

struct Options {
    unsigned short port = 8080;  ///< of 127.0.0.1; 0: any free one
    std::string data_directory;  ///< "": a fresh temporary one, removed at the end
    bool restored = false;       ///< its record is a copy, to be put to work
};

/// Runs until SIGTERM or SIGINT and returns the exit status. When everything listens, standard output gets a
/// few lines for people and then exactly "ready http://127.0.0.1:PORT/". Throws std::runtime_error with a
/// plain reason when it cannot start.
int run(const Options& options);

/// The configuration of the sandbox in that directory for a command that opens the house without a server.
/// Its simulators lie dead then: what a command has to ask of them is known not done, and stays open. Throws
/// std::runtime_error when the directory holds no sandbox.
service::Config configuration(const std::string& data_directory);

/// The largest step of PUT /sandbox/clock, in seconds: some 31 years.
inline constexpr std::int64_t clock_step_seconds_max = 1'000'000'000;

}  // namespace kassi::sandbox
