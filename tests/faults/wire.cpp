#include "wire.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <set>

namespace kassi::faults {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::size_t heard_bytes_max = 64 * 1024 * 1024;

void end_with_reset(Tcp::socket& socket) {
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
}

}  // namespace

/// One connection and its other half.
struct Link : std::enable_shared_from_this<Link> {
    explicit Link(Tcp::socket from) : caller(std::move(from)), server(caller.get_executor()) {}

    void to_server(std::function<bool(std::string_view)> hear) {
        caller.async_read_some(asio::buffer(up), [self = shared_from_this(), hear = std::move(hear)](
                                                     const error_code& ec, std::size_t count) mutable {
            if (ec) return self->end();
            if (!hear({self->up.data(), count})) return self->to_server(std::move(hear));
            asio::async_write(self->server, asio::buffer(self->up, count),
                              [self, hear = std::move(hear)](const error_code& failed, std::size_t) mutable {
                                  if (failed) return self->end();
                                  self->to_server(std::move(hear));
                              });
        });
    }
    void to_caller() {
        server.async_read_some(asio::buffer(down),
                               [self = shared_from_this()](const error_code& ec, std::size_t count) {
                                   if (ec) return self->end();
                                   self->pass_down(count);
                               });
    }
    void pass_down(std::size_t count) {
        const bool last = cut && *cut <= count;
        const std::size_t passed = last ? *cut : count;
        if (cut) *cut -= passed;
        asio::async_write(caller, asio::buffer(down, passed),
                          [self = shared_from_this(), last](const error_code& failed, std::size_t) {
                              if (last && self->cut_by_reset) return self->reset();
                              if (failed || last) return self->end();
                              self->to_caller();
                          });
    }
    void end() {
        error_code ignored;
        caller.close(ignored);
        server.close(ignored);
    }
    void reset() {
        end_with_reset(caller);
        end();
    }

    Tcp::socket caller, server;
    std::array<char, 16 * 1024> up{}, down{};
    std::optional<std::size_t> cut;
    bool cut_by_reset = false;
};

struct Wire::State : std::enable_shared_from_this<Wire::State> {
    explicit State(asio::io_context& given) : io(given), keeper(given), acceptor(given) {
        const Tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
        keeper.open(any.protocol());
        keeper.set_option(ReusePort(true));
        keeper.bind(any);
        port = keeper.local_endpoint().port();
    }
    void listen() {
        if (acceptor.is_open()) return;
        const Tcp::endpoint ours(asio::ip::address_v4::loopback(), port);
        acceptor.open(ours.protocol());
        acceptor.set_option(ReusePort(true));
        acceptor.set_option(asio::socket_base::reuse_address(true));
        acceptor.bind(ours);
        acceptor.listen();
        accept();
    }
    void accept() {
        acceptor.async_accept([self = shared_from_this()](const error_code& ec, Tcp::socket socket) {
            if (ec) return;
            self->accepted(std::make_shared<Link>(std::move(socket)));
            self->accept();
        });
    }
    void accepted(const std::shared_ptr<Link>& link) {
        ++connections;
        error_code ec;
        link->server.connect({asio::ip::address_v4::loopback(), leads_to}, ec);
        if (ec) return link->reset();
        link->caller.set_option(Tcp::no_delay(true), ec);
        link->server.set_option(Tcp::no_delay(true), ec);
        std::erase_if(links, [](const auto& known) { return known.expired(); });
        links.push_back(link);
        link->to_server([weak = weak_from_this(), link = std::weak_ptr(link)](std::string_view bytes) {
            const auto self = weak.lock();
            if (!self) return false;
            self->last = link;
            if (self->heard.size() + bytes.size() <= heard_bytes_max) self->heard += bytes;
            return !self->swallowing;
        });
        link->to_caller();
    }
    void close() {
        error_code ignored;
        acceptor.close(ignored);
        for (const auto& known : links)
            if (const auto link = known.lock()) link->reset();
        links.clear();
    }

    asio::io_context& io;
    Tcp::socket keeper;  ///< has the port while nobody listens
    Tcp::acceptor acceptor;
    unsigned short port = 0, leads_to = 0;
    std::vector<std::weak_ptr<Link>> links;
    std::weak_ptr<Link> last;
    std::string heard;
    int connections = 0;
    bool swallowing = false;
};

Wire::Wire(asio::io_context& io) : state_(std::make_shared<State>(io)) {}
Wire::~Wire() {
    state_->close();
}

unsigned short Wire::port() const {
    return state_->port;
}
void Wire::lead_to(unsigned short port) {
    state_->leads_to = port;
}
void Wire::listen() {
    state_->swallowing = false;
    state_->listen();
}
void Wire::refuse() {
    state_->close();
}
void Wire::swallow() {
    state_->swallowing = true;
}
void Wire::reset() {
    if (const auto link = state_->last.lock()) link->reset();
}
void Wire::cut_behind(std::size_t bytes, bool with_reset) {
    const auto link = state_->last.lock();
    if (!link) return;
    link->cut = bytes;
    link->cut_by_reset = with_reset;
}
const std::string& Wire::heard() const {
    return state_->heard;
}
int Wire::connections() const {
    return state_->connections;
}

}  // namespace kassi::faults
