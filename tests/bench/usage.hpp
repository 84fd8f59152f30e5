#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What a moment of a run cost, from /proc and from the server's counters.
namespace kassi::bench {

struct Usage {
    double at = 0;              ///< seconds of a clock that only moves forward
    double server_cpu = 0;      ///< seconds of CPU since the start, user and kernel
    double houses_cpu = 0;      ///< the same of the other processes that belong to the run
    double own_cpu = 0;         ///< of this process
    double machine_cpu = 0;     ///< of everything but interrupts, all cores together
    double stolen = 0;          ///< seconds that the host took from this machine, all cores together
    std::uint64_t syncs = 0;    ///< fsyncs of the server
    std::uint64_t written = 0;  ///< bytes that the server wrote to files
    std::int64_t rss_kib = 0;   ///< resident memory of the server now
    std::int64_t peak_kib = 0;  ///< and the most that it ever was
};

/// The processes that a run is about.
class Watched {
  public:
    /// `server` 0: there is none. `counters` "": they are not counted. Throws std::runtime_error when that
    /// file cannot be read.
    Watched(int server, std::vector<int> houses, const std::string& counters);
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    [[nodiscard]] Usage now() const;

  private:
    int server_;
    std::vector<int> houses_;
    void* counters_ = nullptr;
};

/// Cores' worth of CPU that others used between the two moments.
double foreign_cores(const Usage& from, const Usage& to);

}  // namespace kassi::bench
