#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/http_message.hpp"
#include "http/tls_identity.hpp"

namespace kassi::http {

/// No answer came. `sent` false: known that not one byte of the request left (refused connection,
/// name not found, TLS refused), so the work is known not done.
struct NoAnswer {
    bool sent = true;
    std::string why;  ///< plain words, no URL, no secret
};

using Outcome = std::variant<HttpResponse, NoAnswer>;

struct ClientOptions {
    std::string trusted_certificates_pem;  ///< "" : the system's store
    /// Shown to every server that asks for a client's certificate. Who has several has a client for each: a
    /// pooled connection belongs to whom it was opened for.
    std::optional<TlsIdentity> identity;
    /// For looking up, connecting and TLS together; addresses share it.
    std::chrono::milliseconds connect_timeout{5000};
    std::size_t response_bytes_max = 0;  ///< 0: limits::response_body_bytes_max
    std::size_t idle_connections_max = 64;
    /// One more is NoAnswer{sent = false}. Resting connections make room for open ones: both together are
    /// never more.
    std::size_t open_requests_max = 512;
    /// A pooled connection that rested longer is closed and never used again.
    std::chrono::milliseconds idle_connection_timeout{30'000};
    /// Refuse to connect to any address but loopback (sandbox and tests).
    bool loopback_only = false;
    /// Refuse private, loopback, link-local and multicast addresses, checked after resolving (visits).
    bool public_only = false;
    /// The addresses of a name, asked on a thread of its own, where it may block; of several at once for
    /// several names. Nobody waits for that thread: it may come back after client and io_context have gone.
    /// Absent: the system's resolver.
    std::function<std::vector<boost::asio::ip::address>(const std::string& host,
                                                        boost::system::error_code& failed)>
        resolve;
};

/// An HTTP/1.1 client on one io_context that one thread runs: TLS 1.2 or newer with verification of chain and
/// host, pooled keep-alive connections, one total deadline a request, bounded answers, no redirects followed.
/// A request is written at most once. A pooled connection is looked at before that, and a fresh one
/// taken when the other end closed it or said something unasked; one that fails after the first byte
/// was handed over and before an answer is NoAnswer{sent = true}.
class Client {
  public:
    /// Throws std::runtime_error when the trusted certificates cannot be read, or the identity not be used.
    Client(boost::asio::io_context& io, ClientOptions options);
    /// As stop(): what `done` refers to must outlive the io_context's next turn.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    /// `request.target` is the absolute URL. Host, Content-Length and Connection are the client's
    /// business. `done` is called once, from the io thread, never from inside send().
    void send(HttpRequest request, std::chrono::milliseconds deadline, std::function<void(Outcome)> done);
    /// Cancels what is open; each gets NoAnswer, as does what is sent later.
    void stop();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::http
