#include "tests/bench/counters.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace {

using kassi::bench::Counters;

Counters* map_counters() {
    const char* file = std::getenv(kassi::bench::counters_variable);
    if (file == nullptr) return nullptr;
    const int descriptor = ::open(file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return nullptr;
    void* memory = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    return memory == MAP_FAILED ? nullptr : static_cast<Counters*>(memory);
}

Counters* counters() {
    static Counters* const mapped = map_counters();
    return mapped;
}

void add(std::atomic<std::uint64_t> Counters::*what, std::uint64_t count) {
    if (auto* mapped = counters()) (mapped->*what).fetch_add(count, std::memory_order_relaxed);
}

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int fsync(int descriptor) {
    static auto* const real = next<int(int)>("fsync");
    add(&Counters::syncs, 1);
    return real(descriptor);
}

__attribute__((visibility("default"))) int fdatasync(int descriptor) {
    static auto* const real = next<int(int)>("fdatasync");
    add(&Counters::syncs, 1);
    return real(descriptor);
}

__attribute__((visibility("default"))) ssize_t pwrite(int descriptor, const void* data, size_t size,
                                                      off_t offset) {
    static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    const ssize_t written = real(descriptor, data, size, offset);
    if (written > 0) add(&Counters::bytes_written, static_cast<std::uint64_t>(written));
    return written;
}

__attribute__((visibility("default"))) ssize_t pwrite64(int descriptor, const void* data, size_t size,
                                                        off64_t offset) {
    static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    const ssize_t written = real(descriptor, data, size, offset);
    if (written > 0) add(&Counters::bytes_written, static_cast<std::uint64_t>(written));
    return written;
}
}
