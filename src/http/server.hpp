#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/http_message.hpp"
#include "http/tls_identity.hpp"

namespace kassi::http {

/// A Reply is called exactly once, from the io thread; when the connection is gone it does nothing.
using kassi::Handler;
using kassi::Reply;
/// A response of this status is none: the connection is closed without a word (simulators that lie dead).
inline constexpr int hang_up = 0;

/// Where a handler finds the client's certificate: standard Base64 of its DER.
inline constexpr std::string_view client_certificate_header = "X-Client-Certificate";

/// A header of an answer that is none: the reason phrase of the status line, for clients that read it. Doors,
/// which do not know this room, spell it out.
inline constexpr std::string_view reason_header = ":reason";

/// The memory of bodies that come or are being worked on, and of answers that wait for their reader, over all
/// connections of a server: what is larger than small_bytes counts; the rest is held by connections_max.
inline constexpr std::size_t bytes_in_hand_max = 64 * 1024 * 1024;
inline constexpr std::size_t small_bytes = 16 * 1024;
/// Connections over connections_max that are told so; more are closed without a word.
inline constexpr std::size_t refusals_at_once_max = 64;
/// Connections over connections_max that may be there because those that made room for them have not gone
/// yet: with what came at the last moment they go after its answer only.
inline constexpr std::size_t leaving_at_once_max = 64;

/// How much a server has to do.
struct ServerLoad {
    std::size_t connections = 0;
    std::size_t requests_in_hand = 0;  ///< whole, and the answer not yet taken by the other end
    std::size_t bytes_in_hand = 0;     ///< see bytes_in_hand_max
    std::uint64_t refused = 0;         ///< for want of room, ever
};

struct ServerOptions {
    std::string address = "127.0.0.1";
    unsigned short port = 0;  ///< 0: any free one, see Server::port()
    std::optional<TlsIdentity> tls;
    /// Not "": clients must show a certificate that this authority (PEM) signed, for TLS clients, and that
    /// has not run out; others get a TLS alert and no HTTP. A handler sees it as client_certificate_header;
    /// what came with the request under that name is dropped. Needs `tls`.
    std::string client_authority_pem;
    std::size_t body_bytes_max = 0;                  ///< 0: limits::request_body_bytes_max
    std::size_t connections_max = 4096;              ///< at it, the one that has been idle longest makes room
    std::chrono::milliseconds read_timeout{30'000};  ///< a request must be whole by then, an answer taken
    std::chrono::milliseconds idle_timeout{75'000};  ///< between requests, and before the first
    /// What a refused request is answered, in the words of its door, and one whose handler failed; `target`
    /// is "" where it was not read yet. Absent: JSON {"error":...}.
    std::function<HttpResponse(int status, std::string_view target, std::string_view why)> refusal;
    /// Asked when a request's head is whole, before its body is read; `head` has no body. What it answers is
    /// sent in place of the handler's answer, nullopt takes the request. Absent: all are taken.
    std::function<std::optional<HttpResponse>(const HttpRequest& head)> turn_away;
    std::size_t bytes_in_hand_max = http::bytes_in_hand_max;
};

/// An HTTP/1.1 server on one io_context that one thread runs. Keep-alive, bounded header and body, no
/// pipelining beyond one request: what was sent ahead waits its turn. A body over the limit is answered
/// 413, a malformed request 400, a header over its limit 431, a target over its limit 414, one that is
/// not whole in time 408, a connection too many while none is idle 503, a body that would pass
/// bytes_in_hand_max 503, all as JSON {"error":...} and the connection is closed. A request that is turned
/// away keeps its connection when nothing of its body is still to come. Date, Content-Length, Connection and
/// X-Content-Type-Options are the server's business. An exception of the handler, or a Reply dropped
/// uncalled, is a 500 and a log line.
class Server {
  public:
    /// Binds and listens; throws std::runtime_error with address and reason when it cannot, or when the
    /// certificate or its key cannot be used.
    Server(boost::asio::io_context& io, ServerOptions options, Handler handler);
    /// Closes everything at once. A `done` of stop() that was not called yet never will be.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] unsigned short port() const;
    [[nodiscard]] ServerLoad load() const;  ///< on the io thread
    /// Stops accepting; open requests get their answers, idle connections are closed; `done` (once, from
    /// the io thread) when the last is gone or `patience` is over, which closes what is left.
    void stop(std::chrono::milliseconds patience, std::function<void()> done);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::http
