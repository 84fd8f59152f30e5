#include "http/client.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "http/address_policy.hpp"
#include "http/channel.hpp"
#include "http/growing_body.hpp"
#include "http/lookups.hpp"
#include "http/tls_use.hpp"
#include "http/wire.hpp"

namespace kassi::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using SteadyClock = std::chrono::steady_clock;
using boost::system::error_code;
using Parser = beast::http::response_parser<GrowingBody>;

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::uint32_t response_header_bytes_max = 32 * 1024;
/// 100, 102, 103: answers before the answer.
constexpr int interim_responses_max = 8;
constexpr std::string_view user_agent = "Kassi";

class Exchange;

/// Resting connections of one origin, youngest last.
struct Resting {
    std::shared_ptr<Channel> channel;
    SteadyClock::time_point since;
};

/// Nothing to read: neither data that nobody asked for, nor the other end's goodbye.
bool is_quiet(Channel& channel) {
    if (channel.has_unread_tls()) return false;
    char byte = 0;
    const auto count = ::recv(channel.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/// What all requests of one client share.
class Pool : public std::enable_shared_from_this<Pool> {
  public:
    Pool(asio::io_context& given_io, ClientOptions given);

    void send(HttpRequest request, std::chrono::milliseconds deadline, std::function<void(Outcome)> done);
    void stop();
    std::shared_ptr<Channel> take(const std::string& origin);
    void give_back(const std::string& origin, std::shared_ptr<Channel> channel);
    void forget(const std::shared_ptr<Exchange>& exchange) { exchanges_.erase(exchange); }
    /// `done` runs on the io thread, and not inside whoever calls this.
    void tell(std::function<void(Outcome)> done, Outcome outcome) {
        asio::post(io, [done = std::move(done), outcome = std::move(outcome)]() mutable {
            done(std::move(outcome));
        });
    }
    [[nodiscard]] bool allowed(const asio::ip::address& address) const {
        if (options.loopback_only && !is_loopback_address(address)) return false;
        return !options.public_only || is_public_address(address);
    }

    asio::io_context& io;
    const ClientOptions options;
    /// With the authorities that this client believes. An error: those of the system cannot be read.
    asio::ssl::context& tls_that_trusts(error_code& ec);
    Lookups lookups;

  private:
    void begin(HttpRequest request, std::chrono::milliseconds deadline, std::function<void(Outcome)> done);
    void drop_old();
    void drop_oldest();
    void wait_for_old();

    asio::ssl::context tls_;
    bool trusts_system_ = false;
    std::unordered_set<std::shared_ptr<Exchange>> exchanges_;
    std::map<std::string, std::deque<Resting>> resting_;
    std::size_t resting_count_ = 0;
    asio::steady_timer timer_;
    bool timer_armed_ = false;
    bool stopped_ = false;
};

/// One request and its answer, or the reason why there is none.
class Exchange : public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(std::shared_ptr<Pool> pool, Url url, std::string head, HttpRequest request,
             std::function<void(Outcome)> done)
        : pool_(std::move(pool)),
          url_(std::move(url)),
          head_(std::move(head)),
          body_(std::move(request.body)),
          is_head_(request.method == "HEAD"),
          done_(std::move(done)),
          deadline_(pool_->io),
          connect_timer_(pool_->io) {
        origin_ = url_.scheme + "://" + url_.host + ":" + std::to_string(url_.port);
    }

    void begin(std::chrono::milliseconds deadline);
    void fail(std::string why) { finish(NoAnswer{sent_, std::move(why)}); }

  private:
    void look_up();
    void found(const error_code& ec, const std::vector<asio::ip::address>& addresses);
    void connect_to_allowed(const std::vector<asio::ip::address>& addresses);
    void connect_next(std::string last_why);
    void connected();
    bool prepare_tls(std::string& why);
    void secured(const error_code& ec);
    void write();
    void read_answer();
    void read_more();
    void on_read(const error_code& ec, std::size_t count);
    void parse();
    bool answered();
    void cut_short(const error_code& ec);
    void finish(Outcome outcome);
    [[nodiscard]] std::string over_limit() const;

    std::shared_ptr<Pool> pool_;
    const Url url_;
    const std::string head_;
    const std::string body_;
    const bool is_head_;
    std::function<void(Outcome)> done_;
    std::string origin_;

    asio::steady_timer deadline_;
    asio::steady_timer connect_timer_;
    SteadyClock::time_point connect_until_;
    std::vector<asio::ip::address> addresses_;
    std::size_t next_address_ = 0;
    bool address_timed_out_ = false;

    std::shared_ptr<Channel> channel_;
    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    int interim_responses_ = 0;
    bool sent_ = false;  ///< a byte of the request may have reached the kernel
    bool write_failed_ = false;
    bool finished_ = false;
};

std::string host_header(const Url& url) {
    std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
    const bool is_default = url.port == (url.scheme == "https" ? 443 : 80);
    return is_default ? host : host + ":" + std::to_string(url.port);
}

bool is_ours(std::string_view name) {
    for (const std::string_view other :
         {"Host", "Content-Length", "Connection", "Transfer-Encoding", "Expect"}) {
        if (same_header_name(name, other)) return true;
    }
    return false;
}

/// The head as it goes out; nothing when the request cannot be said in HTTP.
std::optional<std::string> compose(const HttpRequest& request, const Url& url) {
    if (!wire::is_token(request.method) || !wire::is_target(url.target)) return std::nullopt;
    std::string head = request.method + " " + url.target + " HTTP/1.1\r\n";
    wire::append_field(head, "Host", host_header(url));
    for (const auto& [name, value] : request.headers) {
        if (!wire::is_token(name) || !wire::is_field_value(value)) return std::nullopt;
        if (!is_ours(name)) wire::append_field(head, name, value);
    }
    if (request.header("User-Agent").empty()) wire::append_field(head, "User-Agent", user_agent);
    const bool may_have_body =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (may_have_body || !request.body.empty()) {
        wire::append_field(head, "Content-Length", std::to_string(request.body.size()));
    }
    head += "\r\n";
    return head;
}

/// RFC 6761 section 6.3: these names are loopback, and no name server is asked.
bool is_localhost(std::string_view host) {
    return host == "localhost" || host.ends_with(".localhost");
}

// ---- Pool

Pool::Pool(asio::io_context& given_io, ClientOptions given)
    : io(given_io),
      options([&given] {
          if (given.response_bytes_max == 0) given.response_bytes_max = limits::response_body_bytes_max;
          return std::move(given);
      }()),
      lookups(given_io, options.resolve ? options.resolve : resolve_by_system),
      tls_(asio::ssl::context::tls_client),
      timer_(given_io) {
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(tls_.native_handle(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(tls_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    if (!options.trusted_certificates_pem.empty()) {
        error_code ec;
        tls_.add_certificate_authority(asio::buffer(options.trusted_certificates_pem), ec);
        if (ec) throw std::runtime_error("cannot read the trusted certificates: " + ec.message());
    }
    if (options.identity) use_identity(tls_, *options.identity);
}

void Pool::send(HttpRequest request, std::chrono::milliseconds deadline, std::function<void(Outcome)> done) {
    asio::dispatch(io, [self = shared_from_this(), request = std::move(request), deadline,
                        done = std::move(done)]() mutable {
        self->begin(std::move(request), deadline, std::move(done));
    });
}

void Pool::begin(HttpRequest request, std::chrono::milliseconds deadline, std::function<void(Outcome)> done) {
    if (stopped_) return tell(std::move(done), NoAnswer{false, "the client was stopped"});
    if (exchanges_.size() >= options.open_requests_max)
        return tell(std::move(done), NoAnswer{false, "too many requests are open"});
    auto url = parse_url(request.target, "target");
    if (!url) return tell(std::move(done), NoAnswer{false, "the URL cannot be used: " + url.error().message});
    auto head = compose(request, *url);
    if (!head) return tell(std::move(done), NoAnswer{false, "the request is not well-formed"});
    auto exchange = std::make_shared<Exchange>(shared_from_this(), std::move(*url), std::move(*head),
                                               std::move(request), std::move(done));
    exchanges_.insert(exchange);
    exchange->begin(deadline);
    while (resting_count_ > 0 && exchanges_.size() + resting_count_ > options.open_requests_max)
        drop_oldest();
}

/// Those of the system are 140 certificates: read when they are first wanted, which most clients never do.
asio::ssl::context& Pool::tls_that_trusts(error_code& ec) {
    if (options.trusted_certificates_pem.empty() && !trusts_system_) {
        tls_.set_default_verify_paths(ec);
        trusts_system_ = !ec;
    }
    return tls_;
}

void Pool::stop() {
    stopped_ = true;
    timer_.cancel();
    lookups.stop();
    resting_.clear();
    resting_count_ = 0;
    const std::vector<std::shared_ptr<Exchange>> open(exchanges_.begin(), exchanges_.end());
    for (const auto& exchange : open) exchange->fail("the client was stopped");
}

std::shared_ptr<Channel> Pool::take(const std::string& origin) {
    drop_old();
    const auto found = resting_.find(origin);
    if (found == resting_.end()) return nullptr;
    std::shared_ptr<Channel> taken;
    while (!taken && !found->second.empty()) {
        auto youngest = std::move(found->second.back().channel);
        found->second.pop_back();
        --resting_count_;
        if (is_quiet(*youngest)) taken = std::move(youngest);
    }
    if (found->second.empty()) resting_.erase(found);
    return taken;
}

void Pool::give_back(const std::string& origin, std::shared_ptr<Channel> channel) {
    if (stopped_ || options.idle_connections_max == 0 || !is_quiet(*channel)) return;
    if (resting_count_ >= options.idle_connections_max) drop_oldest();
    resting_[origin].push_back({std::move(channel), SteadyClock::now()});
    ++resting_count_;
    wait_for_old();
}

void Pool::drop_oldest() {
    auto oldest = resting_.begin();
    for (auto at = resting_.begin(); at != resting_.end(); ++at) {
        if (at->second.front().since < oldest->second.front().since) oldest = at;
    }
    if (oldest == resting_.end()) return;
    oldest->second.pop_front();
    --resting_count_;
    if (oldest->second.empty()) resting_.erase(oldest);
}

void Pool::drop_old() {
    const auto since_at_least = SteadyClock::now() - options.idle_connection_timeout;
    for (auto at = resting_.begin(); at != resting_.end();) {
        auto& queue = at->second;
        while (!queue.empty() && queue.front().since <= since_at_least) {
            queue.pop_front();
            --resting_count_;
        }
        at = queue.empty() ? resting_.erase(at) : std::next(at);
    }
}

/// One timer for all: it rings when the connection that was the oldest may be too old.
void Pool::wait_for_old() {
    if (timer_armed_ || resting_.empty()) return;
    timer_armed_ = true;
    auto oldest = SteadyClock::time_point::max();
    for (const auto& [origin, queue] : resting_) oldest = std::min(oldest, queue.front().since);
    timer_.expires_at(oldest + options.idle_connection_timeout);
    timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
        const auto self = weak.lock();
        if (!self) return;
        self->timer_armed_ = false;
        if (cancelled) return;
        self->drop_old();
        self->wait_for_old();
    });
}

// ---- Exchange: until there is a connection. Nothing of the request has left.

void Exchange::begin(std::chrono::milliseconds deadline) {
    const auto until = SteadyClock::now() + deadline;
    connect_until_ = SteadyClock::now() + pool_->options.connect_timeout;
    deadline_.expires_at(until);
    deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled && !self->finished_) self->fail("no answer within the deadline");
    });
    if (deadline.count() <= 0) return;  // the timer says so
    channel_ = pool_->take(origin_);
    if (channel_) return write();
    look_up();
}

void Exchange::look_up() {
    error_code ec;
    const auto literal = asio::ip::make_address(url_.host, ec);
    if (!ec) return connect_to_allowed({literal});
    if (is_localhost(url_.host)) {
        return connect_to_allowed({asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()});
    }
    connect_timer_.expires_at(connect_until_);
    connect_timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled && !self->finished_ && self->addresses_.empty())
            self->fail("looking up the name took too long");
    });
    // Weakly: who gave up need not be kept until the name server answers.
    const bool begun = pool_->lookups.begin(
        url_.host,
        [weak = weak_from_this()](const error_code& failed, const std::vector<asio::ip::address>& addresses) {
            if (const auto self = weak.lock()) self->found(failed, addresses);
        });
    if (!begun) fail("too many lookups are under way");
}

void Exchange::found(const error_code& ec, const std::vector<asio::ip::address>& addresses) {
    if (finished_) return;
    if (ec) return fail("the name cannot be resolved: " + ec.message());
    connect_to_allowed(addresses);
}

void Exchange::connect_to_allowed(const std::vector<asio::ip::address>& addresses) {
    for (const auto& address : addresses) {
        if (pool_->allowed(address)) addresses_.push_back(address);
    }
    if (addresses_.empty()) return fail("no address of this host may be connected to");
    connect_next("no address answered");
}

void Exchange::connect_next(std::string last_why) {
    if (next_address_ == addresses_.size()) return fail(std::move(last_why));
    // One address that swallows everything leaves the others their share of the time.
    const auto left = static_cast<std::int64_t>(addresses_.size() - next_address_);
    const auto now = SteadyClock::now();
    const Tcp::endpoint endpoint(addresses_[next_address_++], url_.port);
    channel_ = std::make_shared<Channel>(Tcp::socket(pool_->io));
    address_timed_out_ = false;
    connect_timer_.expires_at(now + (connect_until_ - now) / left);
    connect_timer_.async_wait([self = shared_from_this(), channel = channel_](const error_code& cancelled) {
        if (cancelled || self->finished_ || self->sent_ || channel != self->channel_) return;
        self->address_timed_out_ = true;
        channel->close();
    });
    channel_->socket().async_connect(endpoint,
                                     [self = shared_from_this(), channel = channel_](const error_code& ec) {
                                         if (self->finished_) return;
                                         if (self->address_timed_out_)
                                             return self->connect_next("connecting took too long");
                                         if (ec) return self->connect_next("cannot connect: " + ec.message());
                                         self->connected();
                                     });
}

void Exchange::connected() {
    error_code ec;
    channel_->socket().set_option(Tcp::no_delay(true), ec);
    if (url_.scheme != "https") return write();
    std::string why;
    channel_->start_tls(pool_->tls_that_trusts(ec));
    if (ec) return fail("cannot read the trusted certificates: " + ec.message());
    if (!prepare_tls(why)) return fail(std::move(why));
    channel_->async_handshake(
        asio::ssl::stream_base::client,
        [self = shared_from_this(), channel = channel_](const error_code& failed) { self->secured(failed); });
}

/// Which name the certificate must be for.
bool Exchange::prepare_tls(std::string& why) {
    SSL* ssl = channel_->ssl();
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(
        rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    error_code ec;
    asio::ip::make_address(url_.host, ec);
    const bool is_name = static_cast<bool>(ec);
    const bool fine = is_name ? SSL_set1_host(ssl, url_.host.c_str()) == 1 &&
                                    SSL_set_tlsext_host_name(ssl, url_.host.c_str()) == 1
                              : X509_VERIFY_PARAM_set1_ip_asc(rules, url_.host.c_str()) == 1;
    if (!fine) {
        ERR_clear_error();
        why = "the host cannot be verified";
    }
    return fine;
}

void Exchange::secured(const error_code& ec) {
    if (finished_) return;
    if (address_timed_out_) return fail("the TLS handshake took too long");
    if (ec) {
        const long verdict = SSL_get_verify_result(channel_->ssl());
        return fail(verdict == X509_V_OK ? "the TLS handshake failed: " + ec.message()
                                         : std::string("the certificate was refused: ") +
                                               X509_verify_cert_error_string(verdict));
    }
    write();
}

// ---- Exchange: the request leaves, the answer comes

void Exchange::write() {
    connect_timer_.cancel();
    sent_ = true;  // from here on nobody can be sure that it was not
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(head_), asio::buffer(body_)};
    channel_->async_write(pieces,
                          [self = shared_from_this(), channel = channel_](const error_code& ec, std::size_t) {
                              if (self->finished_) return;
                              // A server may have refused a large body before its end: its answer can still
                              // be there.
                              self->write_failed_ = static_cast<bool>(ec);
                              self->read_answer();
                          });
}

void Exchange::read_answer() {
    parser_.emplace();
    parser_->header_limit(response_header_bytes_max);
    parser_->body_limit(pool_->options.response_bytes_max);
    if (is_head_) parser_->skip(true);
    if (buffer_.size() > 0) return parse();
    read_more();
}

void Exchange::read_more() {
    channel_->async_read_some(buffer_.prepare(read_bytes),
                              [self = shared_from_this(), channel = channel_](
                                  const error_code& ec, std::size_t count) { self->on_read(ec, count); });
}

void Exchange::on_read(const error_code& ec, std::size_t count) {
    if (finished_) return;
    if (ec) return cut_short(ec);
    buffer_.commit(count);
    parse();
}

void Exchange::parse() {
    while (buffer_.size() > 0 && !parser_->is_done()) {
        error_code ec;
        buffer_.consume(parser_->put(buffer_.data(), ec));
        if (ec == beast::http::error::need_more) {
            if (buffer_.size() > response_header_bytes_max) return fail("the answer is not well-formed HTTP");
            break;
        }
        if (ec == beast::http::error::body_limit) return fail(over_limit());
        if (ec == beast::http::error::header_limit) return fail("the answer's header is too large");
        if (ec) return fail("the answer is not well-formed HTTP");
    }
    if (!parser_->is_done()) return read_more();
    if (!answered()) read_answer();
}

std::string Exchange::over_limit() const {
    return "the answer is larger than " + std::to_string(pool_->options.response_bytes_max) + " bytes";
}

/// The connection ended, or broke, before the answer was whole; or its end is the answer's.
void Exchange::cut_short(const error_code& ec) {
    if (!parser_->got_some()) {
        return fail(ec == asio::error::eof ? "the connection was closed without an answer"
                                           : "the connection broke before an answer: " + ec.message());
    }
    // Only a clean end may end an answer without a length; under TLS anybody can cut a connection.
    error_code incomplete = ec;
    if (ec == asio::error::eof) parser_->put_eof(incomplete);
    if (incomplete || !parser_->is_done()) return fail("the answer was cut short");
    if (!answered()) fail("the answer was cut short");
}

/// False: that was an interim response, the answer is still to come.
bool Exchange::answered() {
    auto& message = parser_->get();
    const int status = static_cast<int>(message.result_int());
    constexpr int switching_protocols = 101;
    if (status < 200) {
        if (status != switching_protocols && ++interim_responses_ <= interim_responses_max) return false;
        fail("the answer is an interim response");
        return true;
    }
    HttpResponse response;
    response.status = status;
    for (const auto& field : message) {
        response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    response.body = std::move(message.body());
    const bool reusable = parser_->keep_alive() && buffer_.size() == 0 && !write_failed_;
    if (reusable) {
        pool_->give_back(origin_, std::move(channel_));
        channel_ = nullptr;
    }
    finish(std::move(response));
    return true;
}

void Exchange::finish(Outcome outcome) {
    if (finished_) return;
    finished_ = true;
    deadline_.cancel();
    connect_timer_.cancel();
    if (channel_) channel_->close();
    pool_->forget(shared_from_this());
    pool_->tell(std::move(done_), std::move(outcome));
}

}  // namespace

// ---- Client

struct Client::State : Pool {
    using Pool::Pool;
};

Client::Client(asio::io_context& io, ClientOptions options)
    : state_(std::make_shared<State>(io, std::move(options))) {}

Client::~Client() {
    state_->stop();
}

void Client::send(HttpRequest request, std::chrono::milliseconds deadline,
                  std::function<void(Outcome)> done) {
    state_->send(std::move(request), deadline, std::move(done));
}

void Client::stop() {
    asio::dispatch(state_->io, [state = state_] { state->stop(); });
}

}  // namespace kassi::http
