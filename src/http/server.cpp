#include "http/server.hpp"

#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <ctime>
#include <list>
#include <stdexcept>
#include <unordered_set>
#include <vector>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "http/channel.hpp"
#include "http/growing_body.hpp"
#include "http/tls_use.hpp"
#include "http/wire.hpp"

namespace kassi::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using SteadyClock = std::chrono::steady_clock;
using boost::system::error_code;
using Parser = beast::http::request_parser<GrowingBody>;

constexpr std::size_t read_bytes = 16 * 1024;
/// A parser that needs more than this in one piece (a chunk's header or trailers) is being played with.
constexpr std::size_t unparsed_bytes_max = limits::request_header_bytes_max;
/// An idle connection does not keep the memory of its largest request.
constexpr std::size_t idle_buffer_bytes_max = 4 * read_bytes;
/// Up to here head and body go out as one piece (one TLS record).
constexpr std::size_t joined_body_bytes_max = 14 * 1024;
/// After the last answer we read on for a while, so that a client that is still sending gets to read it.
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;
constexpr std::chrono::milliseconds linger_time{3000};
constexpr std::chrono::milliseconds accept_pause{100};

constexpr std::string_view too_busy = R"({"error":"too many connections, try again later"})";

struct Refusal {
    int status;
    const char* why;
};

Refusal refusal_of(const error_code& ec) {
    using beast::http::error;
    if (ec == error::body_limit) return {413, "the body is larger than this server takes"};
    if (ec == error::header_limit) return {431, "the header is larger than this server takes"};
    return {400, "the request is not well-formed HTTP/1.1"};
}

HttpResponse error_response(int status, std::string_view why) {
    return json_response(status, std::string(R"({"error":")").append(why).append(R"("})"));
}

bool may_have_body(int status) {
    return status != 204 && status != 304;
}

class Connection;

/// Everything that the connections of one server share.
class Listener : public std::enable_shared_from_this<Listener> {
  public:
    Listener(asio::io_context& io, ServerOptions given, Handler given_handler);

    void accept();
    void stop(std::chrono::milliseconds patience, std::function<void()> done);
    void close_everything();
    /// As close_everything(), and nobody waits for the end any more.
    void abandon() {
        when_stopped_.clear();
        close_everything();
    }
    void remove(const std::shared_ptr<Connection>& connection);
    /// Connections between two requests, those that have waited longest first.
    std::list<Connection*> idle;
    [[nodiscard]] const std::string& date();
    [[nodiscard]] unsigned short port() const { return port_; }
    [[nodiscard]] bool stopping() const { return stopping_; }
    asio::ssl::context* tls() { return tls_ ? &*tls_ : nullptr; }

    ServerOptions options;
    Handler handler;
    ServerLoad load;  ///< without the connections

    [[nodiscard]] ServerLoad load_now() const {
        auto now = load;
        now.connections = connections_.size();
        return now;
    }

  private:
    void listen();
    bool make_room();
    void prepare_tls(const TlsIdentity& identity);
    void accepted(Tcp::socket socket);
    void stopped();

    asio::io_context& io_;
    Tcp::acceptor acceptor_;
    std::optional<asio::ssl::context> tls_;
    unsigned short port_ = 0;
    asio::steady_timer pause_;
    asio::steady_timer patience_;
    std::unordered_set<std::shared_ptr<Connection>> connections_;
    std::size_t refused_ = 0;  ///< of connections_: those that only get a 503
    bool stopping_ = false;
    std::vector<std::function<void()>> when_stopped_;
    std::time_t date_second_ = 0;
    std::string date_;
};

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(std::shared_ptr<Listener> listener, Tcp::socket socket, bool refused)
        : listener_(std::move(listener)),
          channel_(std::move(socket)),
          timer_(channel_.socket().get_executor()),
          refused_(refused) {}

    void start();
    void close();
    /// The server stops: an idle connection goes now, another one after its answer.
    void server_stops() {
        // By way of its read: that may have ended with a request already, which then has its turn.
        if (phase_ == Phase::idle) channel_.cancel();
    }
    /// True: it is between two requests, and goes. As at a stop: a request that was read already has its turn
    /// first, and is this connection's last.
    bool leave_if_idle() {
        if (phase_ != Phase::idle || leaving_ || something_arrived()) return false;
        leaving_ = true;
        channel_.cancel();
        return true;
    }
    /// The answer to the request that is being handled.
    void reply(HttpResponse response);
    /// The handler failed, or will never answer.
    void reply_failed() { reply(refusal(500, handled_target_, "internal error")); }
    [[nodiscard]] bool refused() const { return refused_; }
    auto executor() { return channel_.socket().get_executor(); }

  private:
    enum class Phase { handshake, idle, reading, handling, writing, lingering };

    void begin();
    void wait_for_request();
    void begin_idle();
    void end_idle() { listener_->idle.erase(idle_place_); }
    void read_more();
    void on_read(const error_code& ec, std::size_t count);
    void parse();
    bool take_head();
    bool take_target(std::string_view target);
    void send_continue();
    void dispatch();
    void refuse(int status, std::string_view why);
    bool turned_away();
    bool too_much_in_hand();
    void count(std::size_t bytes);
    void out_of_hand();
    [[nodiscard]] HttpResponse refusal(int status, std::string_view target, std::string_view why) const;
    void write(HttpResponse response, bool keep);
    bool compose(const HttpResponse& response, bool keep);
    void written(const error_code& ec, bool keep);
    void linger();
    void half_close();
    void drain();
    void expires_in(std::chrono::milliseconds time);
    void expires_never() { deadline_ = SteadyClock::time_point::max(); }
    void arm();
    void on_timer();
    [[nodiscard]] bool something_arrived();

    std::shared_ptr<Listener> listener_;
    Channel channel_;
    asio::steady_timer timer_;
    SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
    SteadyClock::time_point armed_until_ = SteadyClock::time_point::max();
    bool armed_ = false;
    const bool refused_;
    bool leaving_ = false;  ///< it made room for another one
    bool closed_ = false;
    bool timed_out_ = false;
    Phase phase_ = Phase::handshake;
    std::list<Connection*>::iterator idle_place_;  ///< in phase idle
    std::string peer_;
    std::string client_certificate_;  ///< Base64; "" none was asked for

    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    bool head_taken_ = false;
    std::size_t head_bytes_ = 0;
    HttpRequest request_;
    std::string handled_target_;  ///< the request itself went to the handler
    bool in_hand_ = false;
    std::size_t counted_bytes_ = 0;  ///< of the listener's bytes_in_hand
    bool keep_alive_ = false;
    bool is_head_ = false;  ///< the request's method is HEAD
    bool is_old_ = false;   ///< HTTP/1.0
    bool wants_continue_ = false;

    std::string head_;
    std::string body_;
    std::size_t lingered_bytes_ = 0;
};

/// What a Reply holds: the right to answer one request, once. Knows the connection weakly, so that an
/// answer may come late, or never, without keeping a socket.
class Ticket {
  public:
    explicit Ticket(std::weak_ptr<Connection> connection) : connection_(std::move(connection)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() {
        if (used_) return;
        if (const auto connection = connection_.lock()) {
            asio::post(connection->executor(), [connection] {
                log::error("http_request_unanswered", {});
                connection->reply_failed();
            });
        }
    }
    /// True: it was not used before, and is now.
    bool use() { return !used_.exchange(true); }
    void answer(HttpResponse response) {
        if (!use()) {
            log::error("http_answered_twice", {});
            return;
        }
        if (const auto connection = connection_.lock()) {
            asio::dispatch(connection->executor(), [connection, response = std::move(response)]() mutable {
                connection->reply(std::move(response));
            });
        }
    }

  private:
    std::weak_ptr<Connection> connection_;
    std::atomic<bool> used_{false};
};

// ---- Listener

Listener::Listener(asio::io_context& io, ServerOptions given, Handler given_handler)
    : options(std::move(given)),
      handler(std::move(given_handler)),
      io_(io),
      acceptor_(io),
      pause_(io),
      patience_(io) {
    if (options.body_bytes_max == 0) options.body_bytes_max = limits::request_body_bytes_max;
    KASSI_ENSURE(options.tls || options.client_authority_pem.empty());
    if (options.tls) prepare_tls(*options.tls);
    listen();
}

void Listener::prepare_tls(const TlsIdentity& identity) {
    auto& context = tls_.emplace(asio::ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.native_handle(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
    use_identity(context, identity);
    if (options.client_authority_pem.empty()) return;
    error_code ec;
    context.add_certificate_authority(asio::buffer(options.client_authority_pem), ec);
    if (ec) throw std::runtime_error("cannot read the authority of clients: " + ec.message());
    context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    // A resumed session would leave the certificate out, and a clock that moved on with it.
    SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.native_handle(), 0);
    SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_TICKET);
}

void Listener::listen() {
    const auto fail = [this](const error_code& ec) {
        throw std::runtime_error("cannot listen on " + options.address + " port " +
                                 std::to_string(options.port) + ": " + ec.message());
    };
    error_code ec;
    const auto address = asio::ip::make_address(options.address, ec);
    if (ec) fail(ec);
    const Tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(Tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) fail(ec);
    port_ = acceptor_.local_endpoint().port();
}

void Listener::accept() {
    acceptor_.async_accept([self = shared_from_this()](const error_code& ec, Tcp::socket socket) {
        if (self->stopping_) return;
        if (!ec) {
            self->accepted(std::move(socket));
            self->accept();
            return;
        }
        // Most likely out of file descriptors: a pause lets connections end, a loop would eat the thread.
        log::warning("http_accept_failed", {{"why", ec.message()}});
        self->pause_.expires_after(accept_pause);
        self->pause_.async_wait([self](const error_code& cancelled) {
            if (!cancelled && !self->stopping_) self->accept();
        });
    });
}

void Listener::accepted(Tcp::socket socket) {
    const std::size_t served = connections_.size() - refused_;
    const bool full = served >= options.connections_max;
    const bool refused = full && (served >= options.connections_max + leaving_at_once_max || !make_room());
    if (refused) ++load.refused;
    if (refused && refused_ >= refusals_at_once_max) return;
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket), refused);
    connections_.insert(connection);
    if (refused) ++refused_;
    connection->start();
}

/// Whoever keeps connections without using them keeps nobody else out.
bool Listener::make_room() {
    for (auto* connection : idle) {
        if (connection->leave_if_idle()) return true;
    }
    return false;
}

void Listener::remove(const std::shared_ptr<Connection>& connection) {
    if (connections_.erase(connection) == 0) return;
    if (connection->refused()) --refused_;
    if (stopping_ && connections_.empty()) stopped();
}

void Listener::stop(std::chrono::milliseconds patience, std::function<void()> done) {
    when_stopped_.push_back(std::move(done));
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    const std::vector<std::shared_ptr<Connection>> open(connections_.begin(), connections_.end());
    for (const auto& connection : open) connection->server_stops();
    patience_.expires_after(patience);
    patience_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled) self->close_everything();
    });
    if (connections_.empty()) stopped();
}

void Listener::stopped() {
    patience_.cancel();
    for (auto& done : std::exchange(when_stopped_, {})) {
        if (done) asio::post(io_, std::move(done));
    }
}

void Listener::close_everything() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    const std::vector<std::shared_ptr<Connection>> open(connections_.begin(), connections_.end());
    for (const auto& connection : open) connection->close();
}

const std::string& Listener::date() {
    const std::time_t now = std::time(nullptr);
    if (now != date_second_) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        std::array<char, 40> text{};
        const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        date_.assign(text.data(), size);
        date_second_ = now;
    }
    return date_;
}

// ---- Connection: from the first byte to the whole request

void Connection::start() {
    error_code ec;
    channel_.socket().set_option(Tcp::no_delay(true), ec);
    const auto remote = channel_.socket().remote_endpoint(ec);
    if (ec) return close();  // gone before we looked
    peer_ = remote.address().to_string();
    if (auto* tls = listener_->tls()) {
        channel_.start_tls(*tls);
        expires_in(listener_->options.read_timeout);
        channel_.async_handshake(asio::ssl::stream_base::server,
                                 [self = shared_from_this()](const error_code& failed) {
                                     if (self->closed_) return;
                                     if (failed) return self->close();
                                     self->client_certificate_ = peer_certificate(self->channel_.ssl());
                                     self->begin();
                                 });
        return;
    }
    begin();
}

void Connection::begin() {
    if (!refused_) return wait_for_request();
    auto response = json_response(503, std::string(too_busy));
    response.headers.emplace_back("Retry-After", "1");
    write(std::move(response), false);
}

void Connection::wait_for_request() {
    parser_.emplace();
    parser_->body_limit(listener_->options.body_bytes_max);
    // We count ourselves, Beast's own count depends on how the bytes arrive; this one is out of the way.
    parser_->header_limit(static_cast<std::uint32_t>(4 * limits::request_header_bytes_max));
    head_taken_ = is_head_ = is_old_ = wants_continue_ = keep_alive_ = false;
    head_bytes_ = 0;
    request_ = {};
    if (buffer_.size() > 0) {
        phase_ = Phase::reading;
        expires_in(listener_->options.read_timeout);
        return parse();
    }
    if (buffer_.capacity() > idle_buffer_bytes_max) buffer_.shrink_to_fit();
    begin_idle();
    if (listener_->stopping() && !something_arrived()) return close();
    expires_in(listener_->options.idle_timeout);
    read_more();
}

void Connection::begin_idle() {
    phase_ = Phase::idle;
    idle_place_ = listener_->idle.insert(listener_->idle.end(), this);
}

bool Connection::something_arrived() {
    if (channel_.has_unread_tls()) return true;
    error_code ec;
    return channel_.socket().available(ec) > 0 && !ec;
}

void Connection::read_more() {
    channel_.async_read_some(
        buffer_.prepare(read_bytes),
        [self = shared_from_this()](const error_code& ec, std::size_t count) { self->on_read(ec, count); });
}

void Connection::on_read(const error_code& ec, std::size_t count) {
    if (closed_) return;
    if (timed_out_) return refuse(408, "the request was not whole in time");
    if (ec) {
        // It was to go, and yet there is something to read.
        if (phase_ == Phase::idle && ec == asio::error::operation_aborted && something_arrived()) {
            expires_in(listener_->options.read_timeout);  // it may be less than a request
            return read_more();
        }
        if (phase_ == Phase::idle || ec != asio::error::eof) return close();
        return refuse(400, "the request ended before it was whole");
    }
    buffer_.commit(count);
    if (phase_ == Phase::idle) {
        end_idle();
        phase_ = Phase::reading;
        expires_in(listener_->options.read_timeout);
    }
    parse();
}

void Connection::parse() {
    for (;;) {
        const auto unread = [this] {
            return std::string_view(static_cast<const char*>(buffer_.data().data()), buffer_.size());
        };
        // RFC 9112 section 2.2: an empty line before a request is ignored.
        while (!parser_->got_some() && unread().starts_with("\r\n")) {
            buffer_.consume(2);
            head_bytes_ += 2;
        }
        if (buffer_.size() == 0 || (!parser_->got_some() && unread() == "\r")) return read_more();

        error_code ec;
        const std::size_t used = parser_->put(buffer_.data(), ec);
        buffer_.consume(used);
        if (!head_taken_) {
            head_bytes_ += used;
            const std::size_t seen = head_bytes_ + (parser_->is_header_done() ? 0 : buffer_.size());
            const bool unfinished = !ec || ec == beast::http::error::need_more;
            if (unfinished && seen > limits::request_header_bytes_max) {
                return refuse(431, "the header is larger than this server takes");
            }
        }
        const bool goes_on = !ec || ec == beast::http::error::need_more;
        if (head_taken_ && goes_on && too_much_in_hand()) return;
        if (ec == beast::http::error::need_more) {
            if (buffer_.size() > unparsed_bytes_max) return refuse(400, "a chunk's header is too large");
            return read_more();
        }
        if (ec) {
            const auto refusal = refusal_of(ec);
            return refuse(refusal.status, refusal.why);
        }
        if (!head_taken_ && parser_->is_header_done()) {
            head_taken_ = true;
            if (!take_head() || turned_away()) return;
            if (wants_continue_ && !parser_->is_done() && buffer_.size() == 0) return send_continue();
        }
        if (parser_->is_done()) return dispatch();
    }
}

/// Before the body is read, and anything but the head was looked at.
bool Connection::turned_away() {
    const auto& turn_away = listener_->options.turn_away;
    auto response = turn_away ? turn_away(request_) : std::nullopt;
    if (!response) return false;
    ++listener_->load.refused;
    const bool whole = parser_->is_done() && parser_->keep_alive();
    write(std::move(*response), whole && !leaving_ && !listener_->stopping());
    return true;
}

bool Connection::too_much_in_hand() {
    count(parser_->get().body().capacity());
    if (counted_bytes_ == 0 || listener_->load.bytes_in_hand <= listener_->options.bytes_in_hand_max)
        return false;
    ++listener_->load.refused;
    refuse(503, "too much is being received at the moment; try again");
    return true;
}

/// So much memory a body, or an answer, of this connection takes.
void Connection::count(std::size_t bytes) {
    const std::size_t counts = bytes > small_bytes ? bytes : 0;
    listener_->load.bytes_in_hand = listener_->load.bytes_in_hand - counted_bytes_ + counts;
    counted_bytes_ = counts;
}

void Connection::out_of_hand() {
    count(0);
    if (std::exchange(in_hand_, false)) --listener_->load.requests_in_hand;
}

/// Copies the head now: trailers, which come after the body, must not add to it. False: refused.
bool Connection::take_head() {
    const auto& head = parser_->get();
    is_old_ = head.version() < 11;
    request_.method = std::string(head.method_string());
    is_head_ = request_.method == "HEAD";
    std::size_t hosts = 0;
    for (const auto& field : head) {
        const std::string_view value(field.value().data(), field.value().size());
        switch (field.name()) {
            case beast::http::field::host:
                ++hosts;
                break;
            case beast::http::field::transfer_encoding:
                // Anything but plain chunked is read differently by different servers: a way to smuggle.
                if (is_old_ || !same_header_name(value, "chunked")) {
                    refuse(501, "no transfer coding but chunked is understood");
                    return false;
                }
                break;
            case beast::http::field::expect:
                if (!same_header_name(value, "100-continue")) {
                    refuse(417, "no expectation but 100-continue is understood");
                    return false;
                }
                wants_continue_ = !is_old_;
                break;
            default:
                break;
        }
        request_.headers.emplace_back(std::string(field.name_string()), std::string(value));
    }
    if (hosts > 1 || (hosts == 0 && !is_old_)) {
        refuse(400, "exactly one Host header is needed");
        return false;
    }
    for (const char c : request_.method) {
        if (c >= 'a' && c <= 'z') {
            refuse(400, "methods are written in upper case");
            return false;
        }
    }
    request_.peer = peer_;
    if (!listener_->options.client_authority_pem.empty()) {
        std::erase_if(request_.headers, [](const auto& header) {
            return same_header_name(header.first, client_certificate_header);
        });
        request_.headers.emplace_back(client_certificate_header, client_certificate_);
    }
    return take_target(std::string_view(head.target().data(), head.target().size()));
}

bool Connection::take_target(std::string_view target) {
    if (target.size() > limits::request_target_bytes_max) {
        refuse(414, "the target is longer than this server takes");
        return false;
    }
    // RFC 9112 section 3.2.2: a server understands the absolute form, too.
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() > scheme.size() && same_header_name(target.substr(0, scheme.size()), scheme)) {
            target.remove_prefix(scheme.size());
            const std::size_t end = target.find_first_of("/?");
            target.remove_prefix(end == std::string_view::npos ? target.size() : end);
            if (target.empty() || target.front() == '?') request_.target = "/";
            request_.target.append(target);
            return true;
        }
    }
    if (!target.starts_with('/') && !(target == "*" && request_.method == "OPTIONS")) {
        refuse(400, "the target must begin with a slash");
        return false;
    }
    request_.target = std::string(target);
    return true;
}

void Connection::send_continue() {
    wants_continue_ = false;
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    channel_.async_write(asio::buffer(head_), [self = shared_from_this()](const error_code& ec, std::size_t) {
        if (self->closed_) return;
        if (self->timed_out_) return self->refuse(408, "the request was not whole in time");
        if (ec) return self->close();
        self->read_more();
    });
}

// ---- Connection: the handler and its answer

void Connection::dispatch() {
    request_.body = std::move(parser_->get().body());
    keep_alive_ = parser_->keep_alive();
    handled_target_ = request_.target;
    phase_ = Phase::handling;
    in_hand_ = true;
    ++listener_->load.requests_in_hand;
    expires_never();
    const auto ticket = std::make_shared<Ticket>(weak_from_this());
    std::string why;
    try {
        listener_->handler(std::move(request_),
                           [ticket](HttpResponse response) { ticket->answer(std::move(response)); });
        return;
    } catch (const std::exception& caught) {
        why = caught.what();
    } catch (...) {
        why = "not an exception of the standard library";
    }
    // The target stays out of the line: it may hold a token.
    log::error("http_handler_failed", {{"why", why}});
    if (ticket->use()) reply_failed();
}

void Connection::reply(HttpResponse response) {
    if (closed_ || phase_ != Phase::handling) return;
    if (response.status == hang_up) return close();
    write(std::move(response), keep_alive_ && !leaving_ && !listener_->stopping());
}

void Connection::refuse(int status, std::string_view why) {
    // A body that is announced as too large is refused before the head was taken.
    std::string target = request_.target;
    if (target.empty() && parser_) target = std::string(parser_->get().target());
    auto response = refusal(status, target, why);
    // Nobody will look at what came of the body.
    if (parser_) std::string().swap(parser_->get().body());
    if (status == 503 && response.header("Retry-After").empty())
        response.headers.emplace_back("Retry-After", "1");
    write(std::move(response), false);
}

HttpResponse Connection::refusal(int status, std::string_view target, std::string_view why) const {
    const auto& say = listener_->options.refusal;
    return say ? say(status, target, why) : error_response(status, why);
}

void Connection::write(HttpResponse response, bool keep) {
    if (!compose(response, keep)) {
        log::error("http_answer_malformed", {});
        response = error_response(500, "internal error");
        compose(response, keep);
    }
    body_ = std::move(response.body);
    if (is_head_ || !may_have_body(response.status)) body_.clear();
    if (!body_.empty() && body_.size() <= joined_body_bytes_max) {
        head_ += body_;
        body_.clear();
    }
    count(body_.size());
    phase_ = Phase::writing;
    timed_out_ = false;
    expires_in(listener_->options.read_timeout);
    const auto handler = [self = shared_from_this(), keep](const error_code& ec, std::size_t) {
        self->written(ec, keep);
    };
    if (body_.empty()) return channel_.async_write(asio::buffer(head_), handler);
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(head_), asio::buffer(body_)};
    channel_.async_write(pieces, handler);
}

/// Writes head_. False when the handler gave what cannot be said in HTTP.
bool Connection::compose(const HttpResponse& response, bool keep) {
    constexpr int status_min = 200;
    constexpr int status_max = 599;
    if (response.status < status_min || response.status > status_max) return false;
    std::string_view reason = response.header(reason_header);
    if (reason.empty()) {
        const auto usual = beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
        reason = {usual.data(), usual.size()};
    }
    if (!wire::is_field_value(reason)) return false;
    head_ = "HTTP/1.1 ";
    head_ += std::to_string(response.status);
    head_ += ' ';
    head_.append(reason.data(), reason.size());
    head_ += "\r\n";
    for (const auto& [name, value] : response.headers) {
        if (name == reason_header) continue;
        if (!wire::is_token(name) || !wire::is_field_value(value)) return false;
        bool ours = false;
        for (const std::string_view other :
             {"Date", "Content-Length", "Connection", "Transfer-Encoding", "X-Content-Type-Options"}) {
            ours = ours || same_header_name(name, other);
        }
        if (!ours) wire::append_field(head_, name, value);
    }
    wire::append_field(head_, "Date", listener_->date());
    wire::append_field(head_, "X-Content-Type-Options", "nosniff");
    // RFC 9110 section 8.6: not with 204; with 304 it would speak of the 200.
    if (may_have_body(response.status)) {
        wire::append_field(head_, "Content-Length", std::to_string(response.body.size()));
    }
    if (!keep) {
        wire::append_field(head_, "Connection", "close");
    } else if (is_old_) {
        wire::append_field(head_, "Connection", "keep-alive");
    }
    head_ += "\r\n";
    return true;
}

void Connection::written(const error_code& ec, bool keep) {
    if (closed_) return;
    if (ec) return close();
    body_ = {};
    out_of_hand();
    if (keep) return wait_for_request();
    linger();
}

// ---- Connection: the end

/// A socket closed with unread bytes resets the connection, and takes the answer with it. So we say that
/// we have finished, and read what still comes, for a while.
void Connection::linger() {
    phase_ = Phase::lingering;
    expires_in(linger_time);
    buffer_.clear();
    if (!channel_.has_tls()) return half_close();
    channel_.async_tls_shutdown([self = shared_from_this()](const error_code&) {
        if (!self->closed_) self->half_close();
    });
}

void Connection::half_close() {
    error_code ec;
    channel_.socket().shutdown(Tcp::socket::shutdown_send, ec);
    if (ec) return close();
    drain();
}

void Connection::drain() {
    // Below TLS: nobody looks at these bytes.
    channel_.socket().async_read_some(buffer_.prepare(read_bytes),
                                      [self = shared_from_this()](const error_code& ec, std::size_t count) {
                                          if (self->closed_) return;
                                          self->lingered_bytes_ += count;
                                          if (ec || self->lingered_bytes_ > linger_bytes_max) {
                                              return self->close();
                                          }
                                          self->drain();
                                      });
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    if (phase_ == Phase::idle) end_idle();
    out_of_hand();
    timer_.cancel();
    channel_.close();
    listener_->remove(shared_from_this());
}

// ---- Connection: time. One timer that is moved only when it would ring too late: deadlines move on with
// every request, the timer about once in read_timeout.

void Connection::expires_in(std::chrono::milliseconds time) {
    deadline_ = SteadyClock::now() + time;
    if (!armed_ || armed_until_ > deadline_) arm();
}

void Connection::arm() {
    armed_ = true;
    armed_until_ = deadline_;
    timer_.expires_at(deadline_);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled && !self->closed_) self->on_timer();
    });
}

void Connection::on_timer() {
    armed_ = false;
    if (deadline_ == SteadyClock::time_point::max()) return;
    if (SteadyClock::now() < deadline_) return arm();
    switch (phase_) {
        case Phase::reading:
            timed_out_ = true;  // the read that is open ends, and answers 408
            return channel_.cancel();
        case Phase::handling:
            return;
        case Phase::handshake:
        case Phase::idle:
        case Phase::writing:
        case Phase::lingering:
            return close();
    }
}

}  // namespace

// ---- Server

struct Server::State : Listener {
    using Listener::Listener;
    asio::io_context* io = nullptr;
};

Server::Server(asio::io_context& io, ServerOptions options, Handler handler)
    : state_(std::make_shared<State>(io, std::move(options), std::move(handler))) {
    state_->io = &io;
    state_->accept();
}

Server::~Server() {
    state_->abandon();
}

unsigned short Server::port() const {
    return state_->port();
}

ServerLoad Server::load() const {
    return state_->load_now();
}

void Server::stop(std::chrono::milliseconds patience, std::function<void()> done) {
    asio::dispatch(*state_->io, [state = state_, patience, done = std::move(done)]() mutable {
        state->stop(patience, std::move(done));
    });
}

}  // namespace kassi::http
