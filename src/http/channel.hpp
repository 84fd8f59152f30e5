#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <utility>

/// Internal to this room: server.cpp and client.cpp only.
namespace kassi::http {

/// A TCP connection, with or without TLS on top. Whoever starts an operation keeps the channel alive
/// until its handler ran.
class Channel {
  public:
    using Tcp = boost::asio::ip::tcp;

    explicit Channel(Tcp::socket socket) : socket_(std::move(socket)) {}
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    [[nodiscard]] Tcp::socket& socket() { return socket_; }
    void start_tls(boost::asio::ssl::context& context) { tls_.emplace(socket_, context); }
    [[nodiscard]] bool has_tls() const { return tls_.has_value(); }
    /// Only after start_tls().
    [[nodiscard]] SSL* ssl() { return tls_->native_handle(); }

    /// Bytes that came, but wait in OpenSSL; the socket knows nothing of them.
    [[nodiscard]] bool has_unread_tls() {
        return tls_ && (SSL_has_pending(ssl()) != 0 || BIO_ctrl_pending(SSL_get_rbio(ssl())) > 0);
    }

    template <class Handler>
    void async_handshake(boost::asio::ssl::stream_base::handshake_type side, Handler handler) {
        tls_->async_handshake(side, std::move(handler));
    }

    /// Only after start_tls(): says goodbye and waits for the other end's.
    template <class Handler>
    void async_tls_shutdown(Handler handler) {
        tls_->async_shutdown(std::move(handler));
    }

    template <class Handler>
    void async_read_some(boost::asio::mutable_buffer buffer, Handler handler) {
        if (tls_) {
            tls_->async_read_some(buffer, std::move(handler));
        } else {
            socket_.async_read_some(buffer, std::move(handler));
        }
    }

    template <class Buffers, class Handler>
    void async_write(const Buffers& buffers, Handler handler) {
        if (tls_) {
            boost::asio::async_write(*tls_, buffers, std::move(handler));
        } else {
            boost::asio::async_write(socket_, buffers, std::move(handler));
        }
    }

    void cancel() {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }
    void close() {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

  private:
    Tcp::socket socket_;
    std::optional<boost::asio::ssl::stream<Tcp::socket&>> tls_;
};

}  // namespace kassi::http
