#pragma once

#include <atomic>
#include <cstdint>

/// What a server under load wrote, counted in its own process by counters.cpp (LD_PRELOAD) and read by the
/// load generator from the same file: cheaper than tracing, and readable where /proc/PID/io is not.
namespace kassi::bench {

/// Names the file, which must be there and as long as Counters.
inline constexpr const char* counters_variable = "KASSI_BENCH_COUNTERS";

struct Counters {
    std::atomic<std::uint64_t> syncs;  ///< fsync and fdatasync
    std::atomic<std::uint64_t>
        bytes_written;  ///< by pwrite: the data base and its log, no sockets, no log lines
};
static_assert(sizeof(Counters) == 16);

}  // namespace kassi::bench
