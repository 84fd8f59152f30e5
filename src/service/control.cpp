#include "service/control.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "engine/doubts.hpp"
#include "service/http_outside.hpp"
#include "service/story.hpp"

namespace kassi::service {
namespace {

using nlohmann::json;
using Local = boost::asio::local::stream_protocol;
using boost::system::error_code;

constexpr const char* socket_name = "control";

/// Transactions that `kassi status` names; of the rest it says that there are more.
constexpr std::size_t look_at_max = 50;
static_assert(look_at_max < store::list_page_max, "one list is enough to know that there are more");
/// An answer may be the story of a long payment.
constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;

std::string_view kind_word(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::bad_request:
            return "bad_request";
        case ErrorKind::unauthenticated:
            return "unauthenticated";
        case ErrorKind::forbidden:
            return "forbidden";
        case ErrorKind::not_found:
            return "not_found";
        case ErrorKind::method_not_allowed:
            return "method_not_allowed";
        case ErrorKind::conflict:
            return "conflict";
        case ErrorKind::gone:
            return "gone";
        case ErrorKind::too_large:
            return "too_large";
        case ErrorKind::unsupported_media:
            return "unsupported_media";
        case ErrorKind::unavailable:
            return "unavailable";
        case ErrorKind::internal:
            return "internal";
    }
    return "internal";
}

ErrorKind kind_of(std::string_view text) {
    for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
        if (kind_word(static_cast<ErrorKind>(i)) == text) return static_cast<ErrorKind>(i);
    }
    return ErrorKind::internal;
}

std::string error_line(const Error& error) {
    return JsonWriter()
               .begin_object()
               .key("error")
               .begin_object()
               .field("kind", kind_word(error.kind))
               .field("field", error.field)
               .field("message", error.message)
               .end_object()
               .end_object()
               .take() +
           "\n";
}

/// A path to a socket may have 107 bytes; a data directory may be deeper. Then the way leads through the
/// directory's own descriptor, which is short everywhere.
class SocketPath {
  public:
    explicit SocketPath(const std::string& directory) : path_(directory + "/" + socket_name) {
        if (path_.size() < sizeof(sockaddr_un::sun_path)) return;
        descriptor_ = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (descriptor_ >= 0) path_ = "/proc/self/fd/" + std::to_string(descriptor_) + "/" + socket_name;
    }
    ~SocketPath() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    SocketPath(const SocketPath&) = delete;
    SocketPath& operator=(const SocketPath&) = delete;
    [[nodiscard]] const std::string& text() const { return path_; }

  private:
    std::string path_;
    int descriptor_ = -1;
};

/// A text of the request; bad_request when it is missing, empty or too long.
Result<std::string> text_of(const json& request, const char* name) {
    const auto found = request.find(name);
    if (found == request.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
        return bad_request(name, "is missing");
    if (found->get_ref<const std::string&>().size() > limits::text_bytes_max)
        return bad_request(name, "is longer than " + std::to_string(limits::text_bytes_max) + " bytes");
    return found->get<std::string>();
}

std::string sweep_json(const engine::Engine::SweepReport& report, std::int64_t all_that_need_a_person) {
    JsonWriter out;
    out.begin_object()
        .field("looked_at", report.looked_at)
        .field("released", report.released)
        .field("visited", report.visited)
        .field("settled", report.settled)
        .field("still_open", report.still_open)
        .field("needs_person", std::max(report.needs_person, all_that_need_a_person))
        .field("forgotten", report.forgotten);
    out.key("lines").begin_array();
    for (const auto& line : report.lines) out.string(line);
    return out.end_array().end_object().take();
}

/// What a person is asked to look at, worst first: what needs one, what is in doubt, what has a verdict while
/// its money is not where it should be. At most look_at_max, and one more when there is one.
std::vector<TransactionId> to_look_at(store::Store& store) {
    std::vector<TransactionId> found;
    std::set<TransactionId> listed;
    const auto list = [&](store::ListFilter filter) {
        if (found.size() > look_at_max) return;
        // What was listed before is at most look_at_max of it.
        filter.limit = look_at_max + 1;
        for (const auto& id : store.list(filter)) {
            if (found.size() <= look_at_max && listed.insert(id).second) found.push_back(id);
        }
    };
    store::ListFilter filter;
    filter.needs_person = true;
    list(filter);
    filter.needs_person.reset();
    filter.in_doubt = true;
    list(filter);
    filter.in_doubt.reset();
    filter.settled = false;
    for (const auto phase :
         {core::Phase::purchased, core::Phase::failed, core::Phase::released, core::Phase::cancelled}) {
        filter.phase = phase;
        list(filter);
    }
    return found;
}

void write_origin(JsonWriter& out, const store::Store::Origin& origin) {
    const auto instant_or_null = [&out](const char* name, const std::optional<Instant>& at) {
        out.key(name);
        if (at)
            out.string(iso8601(*at));
        else
            out.null();
    };
    instant_or_null("copied_at", origin.copied_at);
    instant_or_null("restored_from", origin.restored_from);
    instant_or_null("restored_at", origin.restored_at);
}

std::string status_json(engine::Engine& engine) {
    const auto counts = engine.store().counts();
    const auto metrics = engine.metrics();
    JsonWriter out;
    out.begin_object()
        .field("mode", engine.settings().mode == engine::Mode::live ? "live" : "sandbox")
        .field("now", iso8601(engine.now()))
        .field("public_url", engine.settings().public_url)
        .field("transactions", counts.transactions)
        .field("open", counts.open)
        .field("in_doubt", counts.in_doubt)
        .field("needs_person", counts.needs_person)
        .field("journal_rows", counts.journal_rows)
        .field("calls_open", metrics.calls_open)
        .field("unmatched", counts.unmatched);
    write_origin(out, engine.store().origin());
    out.key("look_at").begin_array();
    const auto found = to_look_at(engine.store());
    for (std::size_t i = 0; i < std::min(found.size(), look_at_max); ++i) {
        const auto view = engine.view(found[i], "", "");
        if (!view) continue;
        out.begin_object()
            .field("transaction", found[i].text())
            .field("reference", view->transaction.reference)
            .field("phase", core::word(view->transaction.phase))
            .field("settled", core::settled(view->transaction))
            .field("needs_person", core::needs_person(view->transaction));
        out.key("since");
        if (const auto since = engine::unknown_since(view->transaction))
            out.string(iso8601(*since));
        else
            out.null();
        out.field("summary", engine.explain(view->transaction).summary).end_object();
    }
    out.end_array().field("more", found.size() > look_at_max);
    return out.end_object().take();
}

}  // namespace

void Operations::handle(std::string_view request, Progress progress,
                        std::function<void(Result<std::string>)> done) {
    const auto parsed = parse_json(request, "request");
    if (!parsed) return done(parsed.error());
    if (!parsed->is_object()) return done(bad_request("request", "must be an object"));
    const auto what = text_of(*parsed, "do");
    if (!what) return done(what.error());

    if (*what == "status") return done(status_json(engine_));
    if (*what == "show") {
        const auto transaction = text_of(*parsed, "transaction");
        if (!transaction) return done(transaction.error());
        return done(story_json(engine_, *transaction));
    }
    if (*what == "sweep") {
        if (sweeping_) return done(Error{ErrorKind::conflict, "", "a sweep is under way already"});
        if (!outside_.clock_trusted())
            return done(Error{
                ErrorKind::unavailable, "",
                "the machine's clock and ours disagree: " + std::string(drift_meaning(outside_.drift()))});
        sweeping_ = true;
        return engine_.sweep(sweep_within, std::move(progress),
                             [this, done = std::move(done)](const engine::Engine::SweepReport& report) {
                                 sweeping_ = false;
                                 done(sweep_json(report, engine_.store().counts().needs_person));
                             });
    }
    if (*what == "settle") return settle(*parsed, std::move(done));
    if (*what == "forget") return forget(*parsed, std::move(done));
    done(bad_request("do", "must be status, show, sweep, settle or forget"));
}

void Operations::settle(const nlohmann::json& request, Done done) {
    const auto transaction = text_of(request, "transaction");
    const auto money = text_of(request, "money");
    const auto by = text_of(request, "by");
    const auto because = text_of(request, "because");
    for (const auto* text : {&transaction, &money, &by, &because}) {
        if (!*text) return done(text->error());
    }
    const auto fact = core::from_word<core::LegMoney>(*money);
    if (!fact) return done(bad_request("money", "must be none, held, taken or back"));
    const auto leg = request.find("leg");
    if (leg == request.end() || !leg->is_number_integer())
        return done(bad_request("leg", "must be a whole number"));
    submit(*transaction, *by, core::Settle{leg->get<std::int64_t>(), *fact, *by, *because}, std::move(done));
}

void Operations::forget(const nlohmann::json& request, Done done) {
    const auto transaction = text_of(request, "transaction");
    const auto by = text_of(request, "by");
    const auto because = text_of(request, "because");
    for (const auto* text : {&transaction, &by, &because}) {
        if (!*text) return done(text->error());
    }
    submit(*transaction, *by, core::ForgetPerson{*by, *because}, std::move(done));
}

void Operations::submit(std::string_view transaction, const std::string& by, core::InputBody body,
                        Done done) {
    const auto id = find_transaction(engine_, transaction);
    if (!id) return done(id.error());
    engine::Meta meta;
    meta.by = "person " + by;
    engine_.submit(*id, std::move(body), std::move(meta),
                   [this, done = std::move(done)](const Result<engine::View>& view) {
                       if (!view) return done(view.error());
                       const auto& after = view->transaction;
                       done(JsonWriter()
                                .begin_object()
                                .field("transaction", after.id.text())
                                .field("reference", after.reference)
                                .field("phase", core::word(after.phase))
                                .field("settled", core::settled(after))
                                .field("forgotten", after.forgotten)
                                .field("summary", engine_.explain(after).summary)
                                .end_object()
                                .take());
                   });
}

namespace {

/// One connection: a request, its answer, the next request.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Local::socket socket, Operations& operations,
            std::function<void(const std::shared_ptr<Session>&)> over)
        : socket_(std::move(socket)), operations_(operations), over_(std::move(over)) {}

    void read() {
        boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(input_, control_line_bytes_max),
                                      '\n',
                                      [self = shared_from_this()](const error_code& ec, std::size_t count) {
                                          if (ec) return self->end();
                                          self->handle(count);
                                      });
    }
    void close() {
        error_code ignored;
        socket_.close(ignored);
        closed_ = true;
    }

  private:
    void handle(std::size_t count) {
        const auto line = input_.substr(0, count);
        input_.erase(0, count);
        operations_.handle(
            line,
            [self = shared_from_this()](const std::string& text) {
                self->send(JsonWriter().begin_object().field("progress", text).end_object().take() + "\n");
            },
            [self = shared_from_this()](Result<std::string> answer) {
                self->send(
                    answer ? JsonWriter().begin_object().key("answer").raw(*answer).end_object().take() + "\n"
                           : error_line(answer.error()));
                if (!self->closed_) self->read();
            });
    }
    void send(std::string line) {
        if (closed_) return;
        output_.push_back(std::move(line));
        if (output_.size() == 1) write();
    }
    void write() {
        boost::asio::async_write(socket_, boost::asio::buffer(output_.front()),
                                 [self = shared_from_this()](const error_code& ec, std::size_t) {
                                     if (ec) return self->end();
                                     self->output_.pop_front();
                                     if (!self->output_.empty()) self->write();
                                 });
    }
    void end() {
        if (closed_) return;
        close();
        over_(shared_from_this());
    }

    Local::socket socket_;
    Operations& operations_;
    std::function<void(const std::shared_ptr<Session>&)> over_;
    std::string input_;
    std::deque<std::string> output_;
    bool closed_ = false;
};

}  // namespace

struct ControlServer::State : std::enable_shared_from_this<ControlServer::State> {
    State(boost::asio::io_context& io, const std::string& directory, Operations& given)
        : path(directory), operations(given), acceptor(io) {
        // In a directory of ours, with the lock held: what is there is what a killed process left.
        ::unlink(path.text().c_str());
        error_code ec;
        const auto check = [&](const char* doing) {
            if (ec)
                throw std::runtime_error("the control socket in " + directory + ": " + doing + ": " +
                                         ec.message());
        };
        acceptor.open(Local(), ec);
        check("open");
        // Before bind, so that there is no moment at which others could connect.
        ::fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR);
        acceptor.bind(Local::endpoint(path.text()), ec);
        check("bind");
        if (::chmod(path.text().c_str(), S_IRUSR | S_IWUSR) != 0) {
            ec.assign(errno, boost::system::system_category());
            check("chmod");
        }
        acceptor.listen(boost::asio::socket_base::max_listen_connections, ec);
        check("listen");
    }

    void accept() {
        acceptor.async_accept([self = shared_from_this()](const error_code& ec, Local::socket socket) {
            if (self->stopped || ec == boost::asio::error::operation_aborted) return;
            if (!ec && self->sessions.size() < control_connections_max) {
                auto session = std::make_shared<Session>(std::move(socket), self->operations,
                                                         [weak = self->weak_from_this()](const auto& over) {
                                                             if (const auto state = weak.lock())
                                                                 state->sessions.erase(over);
                                                         });
                self->sessions.insert(session);
                session->read();
            }
            self->accept();
        });
    }

    SocketPath path;
    Operations& operations;
    Local::acceptor acceptor;
    std::set<std::shared_ptr<Session>> sessions;
    bool stopped = false;
};

ControlServer::ControlServer(boost::asio::io_context& io, const std::string& data_directory,
                             Operations& operations)
    : state_(std::make_shared<State>(io, data_directory, operations)) {
    state_->accept();
}

ControlServer::~ControlServer() {
    state_->stopped = true;
    error_code ignored;
    state_->acceptor.close(ignored);
    for (const auto& session : state_->sessions) session->close();
    state_->sessions.clear();
    ::unlink(state_->path.text().c_str());
}

namespace {

/// A blocking connection of a command.
class Connection {
  public:
    explicit Connection(const std::string& directory) {
        const SocketPath path(directory);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.text().size() >= sizeof(address.sun_path)) return;
        path.text().copy(address.sun_path, path.text().size());
        descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (descriptor_ < 0) return;
        if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
            close();
    }
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] bool open() const { return descriptor_ >= 0; }
    bool write(std::string_view text) {
        while (!text.empty()) {
            const auto count = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    std::optional<std::string> line() {
        for (std::size_t looked_at = 0;;) {
            if (const auto end = input_.find('\n', looked_at); end != std::string::npos) {
                auto found = input_.substr(0, end);
                input_.erase(0, end + 1);
                return found;
            }
            looked_at = input_.size();
            std::array<char, 16 * 1024> buffer{};
            const auto count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0 || input_.size() > answer_bytes_max) return std::nullopt;
            input_.append(buffer.data(), static_cast<std::size_t>(count));
        }
    }

  private:
    void close() {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }
    int descriptor_ = -1;
    std::string input_;
};

}  // namespace

std::optional<Result<std::string>> ask_server(const std::string& data_directory, const std::string& request,
                                              const Operations::Progress& progress) {
    Connection connection(data_directory);
    if (!connection.open()) return std::nullopt;
    const Error gone{ErrorKind::unavailable, "", "the server went away before it answered"};
    if (!connection.write(request + "\n")) return gone;
    for (;;) {
        const auto line = connection.line();
        if (!line) return gone;
        const auto parsed = json::parse(*line, nullptr, false);
        if (!parsed.is_object()) return Error{ErrorKind::internal, "", "the server's answer cannot be read"};
        if (const auto text = parsed.find("progress"); text != parsed.end()) {
            progress(text->get<std::string>());
        } else if (const auto error = parsed.find("error"); error != parsed.end()) {
            return Error{kind_of(error->value("kind", "")), error->value("field", ""),
                         error->value("message", "")};
        } else if (parsed.contains("answer")) {
            // The bytes as they came, less their envelope: numbers and order stay as they were written.
            constexpr std::string_view before = "{\"answer\":";
            if (line->starts_with(before))
                return line->substr(before.size(), line->size() - before.size() - 1);
            return parsed.at("answer").dump();
        }
    }
}

}  // namespace kassi::service
