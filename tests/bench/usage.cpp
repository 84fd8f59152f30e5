#include "tests/bench/usage.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/bench/counters.hpp"

namespace kassi::bench {
namespace {

double seconds_of(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double ticks_a_second() {
    return static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// utime and stime of /proc/PID/stat. The name before them may hold anything, up to the last parenthesis.
double cpu_of(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string line;
    if (!std::getline(file, line))
        throw std::runtime_error("process " + std::to_string(process) + " is gone");
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    std::string skipped;
    constexpr int before_utime = 11;
    for (int i = 0; i < before_utime; ++i) rest >> skipped;
    double user = 0, kernel = 0;
    rest >> user >> kernel;
    return (user + kernel) / ticks_a_second();
}

void read_machine(Usage& usage) {
    std::ifstream file("/proc/stat");
    std::string name;
    double user = 0, nice = 0, kernel = 0, idle = 0, waiting = 0, hard = 0, soft = 0, stolen = 0;
    file >> name >> user >> nice >> kernel >> idle >> waiting >> hard >> soft >> stolen;
    usage.machine_cpu = (user + nice + kernel) / ticks_a_second();
    usage.stolen = stolen / ticks_a_second();
}

void read_memory(int process, Usage& usage) {
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmRSS:")) usage.rss_kib = std::stoll(line.substr(6));
        if (line.starts_with("VmHWM:")) usage.peak_kib = std::stoll(line.substr(6));
    }
}

}  // namespace

Watched::Watched(int server, std::vector<int> houses, const std::string& counters)
    : server_(server), houses_(std::move(houses)) {
    if (counters.empty()) return;
    const int descriptor = ::open(counters.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw std::runtime_error(counters + ": cannot be opened");
    counters_ = ::mmap(nullptr, sizeof(Counters), PROT_READ, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (counters_ == MAP_FAILED) throw std::runtime_error(counters + ": cannot be mapped");
}

Watched::~Watched() {
    if (counters_ != nullptr) ::munmap(counters_, sizeof(Counters));
}

Usage Watched::now() const {
    Usage usage;
    usage.at = seconds_of(CLOCK_MONOTONIC);
    usage.own_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    read_machine(usage);
    for (const int house : houses_) usage.houses_cpu += cpu_of(house);
    if (server_ != 0) {
        usage.server_cpu = cpu_of(server_);
        read_memory(server_, usage);
    }
    if (const auto* counted = static_cast<const Counters*>(counters_)) {
        usage.syncs = counted->syncs.load(std::memory_order_relaxed);
        usage.written = counted->bytes_written.load(std::memory_order_relaxed);
    }
    return usage;
}

double foreign_cores(const Usage& from, const Usage& to) {
    const double ours =
        (to.server_cpu - from.server_cpu) + (to.houses_cpu - from.houses_cpu) + (to.own_cpu - from.own_cpu);
    return std::max(0.0, (to.machine_cpu - from.machine_cpu - ours) / (to.at - from.at));
}

}  // namespace kassi::bench
