#include "sandbox/street.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "sandbox/data_folder.hpp"

namespace kassi::sandbox {
namespace {

namespace asio = boost::asio;

/// A file this many times as large as what the house still knows is written anew at the start.
constexpr std::uintmax_t file_size_factor = 2;

/// Answers once; destroyed unanswered it hangs up.
class Line {
  public:
    explicit Line(Reply reply) : reply_(std::move(reply)) {}
    ~Line() {
        if (reply_) reply_(HttpResponse{.status = http::hang_up, .headers = {}, .body = {}});
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    void answer(HttpResponse response) {
        if (auto reply = std::exchange(reply_, nullptr)) reply(std::move(response));
    }

  private:
    Reply reply_;
};

}  // namespace

Handler hanging_up(Handler handler) {
    return [handler = std::move(handler)](HttpRequest request, Reply reply) {
        auto line = std::make_shared<Line>(std::move(reply));
        handler(std::move(request),
                [line = std::move(line)](HttpResponse response) { line->answer(std::move(response)); });
    };
}

void ClockTimers::after(Millis delay, std::function<void()> callback) {
    const Instant at = clock_.now() + delay;
    const auto place = std::upper_bound(waiting_.begin(), waiting_.end(), at,
                                        [](Instant value, const Wait& wait) { return value < wait.at; });
    waiting_.insert(place, {at, std::move(callback)});
}

void ClockTimers::tick() {
    // A callback may add waits, and move what is in the list.
    while (!waiting_.empty() && waiting_.front().at <= clock_.now()) {
        const auto callback = std::move(waiting_.front().callback);
        waiting_.erase(waiting_.begin());
        callback();
    }
}

struct Street::State {
    State(unsigned short wanted_port, std::shared_ptr<SystemClock> given_clock)
        : clock(std::move(given_clock)), timers(*clock), poll(io), client(io, client_options()) {
        const auto answer = [this](HttpRequest request, Reply reply) {
            handler(std::move(request), std::move(reply));
        };
        http::ServerOptions options;
        options.port = wanted_port;
        try {
            server = std::make_unique<http::Server>(io, options, answer);
        } catch (const std::runtime_error&) {
            options.port = 0;
            server = std::make_unique<http::Server>(io, options, answer);
        }
    }

    ~State() {
        work.reset();
        io.stop();
        if (thread.joinable()) thread.join();
        // What is left in the queue refers to the members below.
        server.reset();
    }

    static http::ClientOptions client_options() {
        http::ClientOptions options;
        options.loopback_only = true;
        return options;
    }

    void send_notice(HttpRequest request, std::function<void(int)> done) {
        client.send(std::move(request), notice_deadline, [done = std::move(done)](http::Outcome outcome) {
            const auto* response = std::get_if<HttpResponse>(&outcome);
            done(response != nullptr ? response->status : 0);
        });
    }

    /// A line for each change, once the house knows them all: most of them are of no use any more.
    void make_file_small() {
        std::uintmax_t needed = 0;
        redirect->save_all([&needed](const std::string& line) { needed += line.size() + 1; });
        if (file->size() <= file_size_factor * needed) return;
        // It is as good as it was when that cannot be done.
        try {
            file->replace([this](const auto& append) { redirect->save_all(append); });
        } catch (const std::exception& failed) {
            log::error("lines_not_replaced", {{"why", failed.what()}});
        }
    }

    void keep_polling() {
        poll.expires_after(simulator_poll);
        poll.async_wait([this](const boost::system::error_code& cancelled) {
            if (cancelled) return;
            timers.tick();
            keep_polling();
        });
    }

    std::shared_ptr<SystemClock> clock;
    SystemRandomness randomness;
    asio::io_context io{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{io.get_executor()};
    ClockTimers timers;
    asio::steady_timer poll;
    http::Client client;
    Handler handler;
    std::optional<LineFile> file;
    std::unique_ptr<RedirectHouse> redirect;
    std::unique_ptr<http::Server> server;
    std::thread thread;
};

Street::Street(unsigned short wanted_port, std::shared_ptr<SystemClock> clock)
    : state_(std::make_unique<State>(wanted_port, std::move(clock))) {}
Street::~Street() = default;

std::string Street::origin() const {
    return "http://127.0.0.1:" + std::to_string(state_->server->port());
}

void Street::open(RedirectHouse::Options redirect, const std::filesystem::path& file) {
    State& s = *state_;
    KASSI_ENSURE(!s.redirect);
    s.file.emplace(file);
    s.redirect = std::make_unique<RedirectHouse>(
        std::move(redirect), *s.clock, s.randomness,
        [&s](HttpRequest request, std::function<void(int)> done) {
            s.send_notice(std::move(request), std::move(done));
        },
        [&s](Millis delay, std::function<void()> callback) { s.timers.after(delay, std::move(callback)); },
        [&s](const std::string& line) { s.file->append(line); });
    LineFile::Reader lines(*s.file);
    if (const auto wrong = s.redirect->load([&lines] { return lines.next(); }))
        throw std::runtime_error(file.string() + ": " + wrong->field + ": " + wrong->message);
    s.make_file_small();
    s.handler = hanging_up(s.redirect->handler());
    s.keep_polling();
    s.thread = std::thread([&s] { s.io.run(); });
}

void Street::entries(std::vector<std::string> references,
                     std::function<void(std::vector<RedirectHouse::Entry>)> done) {
    asio::post(state_->io, [&s = *state_, references = std::move(references), done = std::move(done)] {
        std::vector<RedirectHouse::Entry> found;
        for (const auto& entry : s.redirect->ledger())
            if (std::find(references.begin(), references.end(), entry.reference) != references.end())
                found.push_back(entry);
        done(std::move(found));
    });
}

}  // namespace kassi::sandbox
