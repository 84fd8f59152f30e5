#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/http_message.hpp"
#include "base/secret.hpp"

namespace kassi::http {

/// A Reply is called exactly once, from the io thread; when the connection is gone it does nothing.
using kassi::Handler;
using kassi::Reply;

struct TlsIdentity {
    std::string certificate_pem;   ///< chain, leaf first
    Secret<> private_key_pem;
};

struct ServerOptions {
    std::string address = "127.0.0.1";
    unsigned short port = 0;                 ///< 0: any free one, see Server::port()
    std::optional<TlsIdentity> tls;
    std::size_t body_bytes_max = 0;          ///< 0: limits::request_body_bytes_max
    std::size_t connections_max = 4096;
    std::chrono::seconds read_timeout{30};   ///< a request must be whole by then
    std::chrono::seconds idle_timeout{75};   ///< between requests
};

/// An HTTP/1.1 server on one io_context. Keep-alive, bounded header and body, no pipelining beyond
/// one request. A body over the limit is answered 413, a malformed request 400, a header over its
/// limit 431, all as JSON {"error":...} and the connection is closed.
class Server {
  public:
    /// Binds and listens; throws std::runtime_error with address and reason when it cannot.
    Server(boost::asio::io_context& io, ServerOptions options, Handler handler);
    ~Server();
    [[nodiscard]] unsigned short port() const;
    /// Stops accepting; open requests get their answers, idle connections are closed; `done` when the
    /// last is gone or `patience` is over.
    void stop(std::chrono::milliseconds patience, std::function<void()> done);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::http
