#include "sockets.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace kassi::http::test {
namespace {

constexpr std::string_view reset_mark = "RESET";
constexpr std::string_view timeout_mark = "TIMEOUT";

sockaddr_in loopback(unsigned short port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int bound_socket(unsigned short& port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (descriptor < 0 || ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no free port");
    }
    port = ntohs(address.sin_port);
    return descriptor;
}

}  // namespace

RunningServer::RunningServer(Handler handler, ServerOptions options) {
    io.run([&] {
        server_ = std::make_unique<Server>(io.io, std::move(options), std::move(handler));
        port_ = server_->port();
    });
}

RunningServer::~RunningServer() {
    destroy_server();
}

void RunningServer::destroy_server() {
    io.run([this] { server_.reset(); });
}

RunningClient::RunningClient(ClientOptions options) {
    client_ = std::make_unique<Client>(io.io, std::move(options));
}

RunningClient::~RunningClient() {
    io.run([this] { client_.reset(); });
    io.run([] {});  // the callbacks that its end has caused
}

std::future<Outcome> RunningClient::start(HttpRequest request, std::chrono::milliseconds deadline) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    client_->send(std::move(request), deadline,
                  [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
}

Outcome RunningClient::send(HttpRequest request, std::chrono::milliseconds deadline) {
    auto future = start(std::move(request), deadline);
    if (future.wait_for(std::chrono::seconds(2 * patience_seconds)) != std::future_status::ready) {
        return NoAnswer{true, "TIMEOUT"};
    }
    return future.get();
}

RawConnection RawConnection::to_port(unsigned short port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(port);
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect");
    }
    return RawConnection(descriptor);
}

RawConnection::RawConnection(int descriptor) : descriptor_(descriptor) {
    const timeval patience{patience_seconds, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

RawConnection::~RawConnection() {
    close();
}

bool RawConnection::write(const std::string& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto count = ::send(descriptor_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

bool RawConnection::deliver(const std::string& bytes) {
    if (!write(bytes)) return false;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(patience_seconds);
    for (int unsaid = 1; std::chrono::steady_clock::now() < until; std::this_thread::yield())
        if (::ioctl(descriptor_, SIOCOUTQ, &unsaid) != 0 || unsaid == 0) return unsaid == 0;
    return false;
}

void RawConnection::finish_writing() {
    ::shutdown(descriptor_, SHUT_WR);
}

bool RawConnection::more() {
    if (!end_.empty() || descriptor_ < 0) return false;
    char bytes[65536];
    const auto count = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (count > 0) {
        seen_.append(bytes, static_cast<std::size_t>(count));
        return true;
    }
    if (count < 0) end_ = errno == EAGAIN ? timeout_mark : reset_mark;
    return false;
}

std::string RawConnection::read_all() {
    while (more()) {
    }
    return std::exchange(seen_, {}) + end_;
}

std::string RawConnection::read_until(const std::string& end) {
    for (;;) {
        const auto at = seen_.find(end);
        if (at != std::string::npos) {
            std::string message = seen_.substr(0, at + end.size());
            seen_.erase(0, at + end.size());
            return message;
        }
        if (!more()) return std::exchange(seen_, {}) + end_;
    }
}

std::string RawConnection::read_message() {
    std::string message = read_until("\r\n\r\n");
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = message.find(name);
    if (at == std::string::npos) return message;
    const auto size = std::strtoull(message.c_str() + at + name.size(), nullptr, 10);
    while (seen_.size() < size && more()) {
    }
    message += seen_.substr(0, size);
    seen_.erase(0, size);
    return message;
}

void RawConnection::reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void RawConnection::close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

RawServer::RawServer(std::function<void(RawConnection&, int)> script) : listener_(bound_socket(port_)) {
    ::listen(listener_, 16);
    thread_ = std::thread([this, script = std::move(script)] {
        for (;;) {
            const int descriptor = ::accept(listener_, nullptr, nullptr);
            if (descriptor < 0) return;
            RawConnection connection(descriptor);
            int number = 0;
            {
                const std::lock_guard lock(mutex_);
                number = ++connections_;
            }
            script(connection, number);
        }
    });
}

RawServer::~RawServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

int RawServer::connections() {
    const std::lock_guard lock(mutex_);
    return connections_;
}

RefusingPort::RefusingPort() : descriptor_(bound_socket(port_)) {}
RefusingPort::~RefusingPort() {
    ::close(descriptor_);
}

int status_of(const std::string& message) {
    constexpr std::string_view version = "HTTP/1.1 ";
    if (!message.starts_with(version)) return 0;
    return std::atoi(message.c_str() + version.size());
}

std::string body_of(const std::string& message) {
    const auto at = message.find("\r\n\r\n");
    return at == std::string::npos ? std::string() : message.substr(at + 4);
}

int status_of(const Outcome& outcome) {
    const auto* answer = std::get_if<HttpResponse>(&outcome);
    return answer ? answer->status : 0;
}

std::string body_of(const Outcome& outcome) {
    const auto* answer = std::get_if<HttpResponse>(&outcome);
    return answer ? answer->body : std::string();
}

std::string why_of(const Outcome& outcome) {
    const auto* none = std::get_if<NoAnswer>(&outcome);
    return none ? none->why : "answered " + std::to_string(status_of(outcome));
}

bool unanswered(const Outcome& outcome, bool sent) {
    const auto* none = std::get_if<NoAnswer>(&outcome);
    return none && none->sent == sent;
}

std::string ok_message(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace kassi::http::test
