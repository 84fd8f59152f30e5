#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/client.hpp"
#include "http/server.hpp"

/// Plain POSIX sockets against our server, and scripted POSIX servers against our client. Everything
/// that waits gives up after patience_seconds, so that a defect is a failure and not a hang.
namespace kassi::http::test {

inline constexpr int patience_seconds = 20;

/// An io_context run by one thread of its own, as in the service.
class IoThread {
  public:
    IoThread() : guard_(io.get_executor()), thread_([this] { io.run(); }) {}
    ~IoThread() { finish(); }
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;

    /// Runs `work` on the io thread and waits for it.
    void run(std::function<void()> work) {
        std::promise<void> done;
        boost::asio::post(io, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }
    /// True when `met` (asked on the io thread) came true before patience ended.
    bool wait_until(const std::function<bool()>& met) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(patience_seconds);
        bool is_met = false;
        while (!is_met && std::chrono::steady_clock::now() < until) run([&] { is_met = met(); });
        return is_met;
    }
    void finish() {
        guard_.reset();
        io.stop();
        if (thread_.joinable()) thread_.join();
    }

    boost::asio::io_context io;

  private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::thread thread_;
};

/// A Server on a thread of its own. Destroyed on that thread, before it ends.
class RunningServer {
  public:
    RunningServer(Handler handler, ServerOptions options = {});
    ~RunningServer();
    [[nodiscard]] unsigned short port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    void destroy_server();
    Server& server() { return *server_; }
    IoThread io;

  private:
    std::unique_ptr<Server> server_;
    unsigned short port_ = 0;
};

/// A Client on a thread of its own, asked synchronously.
class RunningClient {
  public:
    explicit RunningClient(ClientOptions options = {});
    ~RunningClient();
    std::future<Outcome> start(HttpRequest request,
                               std::chrono::milliseconds deadline = std::chrono::seconds(20));
    Outcome send(HttpRequest request, std::chrono::milliseconds deadline = std::chrono::seconds(20));
    Outcome get(const std::string& url) { return send({"GET", url, {}, "", ""}); }
    Client& client() { return *client_; }
    IoThread io;

  private:
    std::unique_ptr<Client> client_;
};

/// The other end as a bare socket.
class RawConnection {
  public:
    static RawConnection to_port(unsigned short port);
    explicit RawConnection(int descriptor);
    ~RawConnection();
    RawConnection(RawConnection&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), seen_(std::move(other.seen_)) {}
    RawConnection& operator=(RawConnection&&) = delete;

    /// False when the other end is gone.
    bool write(const std::string& bytes);
    /// Writes, and waits until the other end has it: its kernel has said so. False when patience ended.
    bool deliver(const std::string& bytes);
    void finish_writing();
    /// Everything until the other end closes; "RESET" at the end when it was no clean close, "TIMEOUT"
    /// when patience ended.
    std::string read_all();
    /// Up to and with `end`, or what came before the close.
    std::string read_until(const std::string& end);
    /// One message by its Content-Length: head and body.
    std::string read_message();
    /// True when the other end closed cleanly and said nothing more.
    bool ended() { return read_all().empty(); }
    /// Closes with a reset.
    void reset();
    void close();
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    bool more();
    int descriptor_;
    std::string seen_;
    std::string end_;  ///< how it ended
};

/// Listens on a free port of 127.0.0.1 and runs `script` for each connection, one thread, in turn.
class RawServer {
  public:
    /// `script(connection, n)` with n = 1, 2, ...
    explicit RawServer(std::function<void(RawConnection&, int)> script);
    ~RawServer();
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;
    [[nodiscard]] unsigned short port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    [[nodiscard]] int connections();

  private:
    unsigned short port_ = 0;
    int listener_;
    std::mutex mutex_;
    int connections_ = 0;
    std::thread thread_;
};

/// A port of 127.0.0.1 that refuses connections for as long as this lives.
class RefusingPort {
  public:
    RefusingPort();
    ~RefusingPort();
    RefusingPort(const RefusingPort&) = delete;
    RefusingPort& operator=(const RefusingPort&) = delete;
    [[nodiscard]] unsigned short port() const { return port_; }

  private:
    unsigned short port_ = 0;
    int descriptor_;
};

/// Something one thread opens and another waits for.
class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    /// False when patience ended.
    bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(patience_seconds), [this] { return open_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

/// "200 OK" -> 200; 0 when there is no status line.
int status_of(const std::string& message);
std::string body_of(const std::string& message);
/// The status of an outcome that is an answer, 0 when there is none.
int status_of(const Outcome& outcome);
std::string body_of(const Outcome& outcome);
std::string why_of(const Outcome& outcome);
/// True when there is no answer, and `sent` as told.
bool unanswered(const Outcome& outcome, bool sent);

/// "200 OK" with length, kept alive.
std::string ok_message(const std::string& body);

}  // namespace kassi::http::test
