#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/http_message.hpp"

namespace kassi::http {

/// No answer came. `sent` false: known that not one byte of the request left (refused connection,
/// name not found, TLS refused), so the work is known not done.
struct NoAnswer {
    bool sent = true;
    std::string why;   ///< plain words, no URL, no secret
};

using Outcome = std::variant<HttpResponse, NoAnswer>;

struct ClientOptions {
    std::string trusted_certificates_pem;   ///< "" : the system's store
    std::chrono::milliseconds connect_timeout{5000};
    std::size_t response_bytes_max = 0;     ///< 0: limits::response_body_bytes_max
    std::size_t idle_connections_max = 64;
    /// Refuse to connect to any address but loopback (sandbox and tests).
    bool loopback_only = false;
    /// Refuse private, loopback, link-local and multicast addresses, checked after resolving (visits).
    bool public_only = false;
};

/// An HTTP/1.1 client on one io_context: TLS 1.2 or newer with verification of chain and host, pooled
/// keep-alive connections, one total deadline a request, bounded answers, no redirects followed.
/// A pooled connection that turns out closed before a byte was answered: the request is sent again
/// on a fresh one only when the first attempt is known not to have been sent.
class Client {
  public:
    Client(boost::asio::io_context& io, ClientOptions options);
    ~Client();
    /// `request.target` is the absolute URL. `done` is called once, from the io thread.
    void send(HttpRequest request, std::chrono::milliseconds deadline, std::function<void(Outcome)> done);
    /// Cancels what is open; each gets NoAnswer.
    void stop();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::http
