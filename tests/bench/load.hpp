#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/histogram.hpp"
#include "tests/bench/mix.hpp"
#include "tests/bench/usage.hpp"

/// Customers on keep-alive connections, each of whom begins anew as soon as it is done, from one thread.
namespace kassi::bench {

struct LoadOptions {
    unsigned short port = 0;
    std::string scenario = "credit";
    std::size_t connections = 64;
    double warm_seconds = 1, seconds = 4;
    std::uint64_t payments_max = 0;  ///< 0: as many as the time allows; else these are measured, however long
    std::size_t prepared = 1000;     ///< transactions bought before, where the scenario reads them
    std::string capture;             ///< a folder for the first answer of each kind, as it came; "" none
    std::string transactions;        ///< a file for the ids of what was handed over; "" none
};

/// What was measured between warm-up and end.
struct Measured {
    Usage from, to;
    std::uint64_t customers = 0, requests = 0;
    Histogram whole;  ///< a customer from first to last
    Histogram any;    ///< each request
    std::array<Histogram, steps_count> steps;
    std::array<std::uint64_t, steps_count> answer_bytes{};  ///< heads and bodies
    std::uint64_t customers_ever = 0;                       ///< with those before and after what is measured
    std::uint64_t bought_ever = 0;
    std::string wrong;  ///< the first answer that was not what it must be; "" none
};

class Connection;

class Load {
  public:
    using Tcp = boost::asio::ip::tcp;
    using SteadyClock = std::chrono::steady_clock;

    Load(LoadOptions options, Parties parties, const Watched& watched);
    ~Load();
    /// Until the end of the time, and of every customer who had begun.
    const Measured& run();

    // For its connections.
    Mix& mix() { return mix_; }
    boost::asio::io_context& io() { return io_; }
    [[nodiscard]] Tcp::endpoint endpoint() const;
    /// The steps of the next customer; nullptr: there is none any more.
    const std::vector<Step>* begin(Customer& customer);
    void answered(Step step, SteadyClock::duration took, std::string_view raw);
    void finished(const Customer& customer, const std::vector<Step>& steps, SteadyClock::duration took);
    void fail(const std::string& why);

  private:
    enum class Phase { preparing, warming, measuring, ending };
    void start_warming();
    void start_measuring();
    void end();
    void capture(Step step, std::string_view raw);

    LoadOptions options_;
    Scenario scenario_;
    Mix mix_;
    const Watched& watched_;
    boost::asio::io_context io_{1};
    boost::asio::steady_timer timer_{io_};
    Phase phase_ = Phase::preparing;
    std::vector<std::string> bought_;  ///< to be read
    std::size_t next_read_ = 0;
    std::uint64_t begun_ = 0;
    std::array<bool, steps_count> captured_{};
    std::vector<std::string> handed_over_;
    std::vector<std::shared_ptr<Connection>> connections_;
    Measured measured_;
};

}  // namespace kassi::bench
