#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <string>

namespace kassi::faults {

/// The line between Kassi and a provider: relays TCP, knows nothing of TLS or HTTP, and can be cut. Its port
/// of 127.0.0.1 stays the same, and its own, for as long as it lives. One thread, that of the io_context.
class Wire {
  public:
    /// Connections are refused until listen().
    explicit Wire(boost::asio::io_context& io);
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    [[nodiscard]] unsigned short port() const;
    /// Where new connections lead: a port of 127.0.0.1.
    void lead_to(unsigned short port);
    void listen();
    /// New connections are refused, those that are there are reset.
    void refuse();
    /// From now on what the caller sends is swallowed.
    void swallow();
    /// Ends with a reset the connection on which the caller spoke last.
    void reset();
    /// The same connection ends behind the next `bytes` bytes of the answer: with a reset, or as if the other
    /// end were done.
    void cut_behind(std::size_t bytes, bool with_reset);
    /// All bytes that the callers sent so far.
    [[nodiscard]] const std::string& heard() const;
    [[nodiscard]] int connections() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::faults
