#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

/// `bench_bare_http FOLDER`: the ceiling of HTTP. Gives the answers that a real house gave
/// (FOLDER/<step>.http, from bench_load --capture) to the same requests, and does nothing else. Prints `port
/// N`; runs until killed.
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;
using Answer = http::response<http::string_body>;

class Answers {
  public:
    explicit Answers(const std::string& folder)
        : hand_over(read(folder, "hand_over")),
          purchase(read(folder, "purchase")),
          read_v1(read(folder, "read")),
          read_f13(read(folder, "read_f13")) {}

    [[nodiscard]] const Answer& of(const http::request<http::string_body>& request) const {
        const std::string_view target(request.target().data(), request.target().size());
        if (request.method() == http::verb::post) return target.ends_with("/purchase") ? purchase : hand_over;
        return target.starts_with("/f13/") ? read_f13 : read_v1;
    }

  private:
    /// Absent: an empty answer, for requests that this run does not send.
    static Answer read(const std::string& folder, const std::string& step) {
        std::ifstream file(folder + "/" + step + ".http", std::ios::binary);
        if (!file) return {};
        const std::string raw{std::istreambuf_iterator<char>(file), {}};
        http::response_parser<http::string_body> parser;
        error_code ec;
        parser.put(asio::buffer(raw), ec);
        // The head first, then the body.
        if (!ec && !parser.is_done()) {
            const auto head = raw.find("\r\n\r\n") + 4;
            parser.put(asio::buffer(raw.data() + head, raw.size() - head), ec);
        }
        if (ec || !parser.is_done()) throw std::runtime_error(step + ".http: no whole answer");
        return parser.release();
    }

    Answer hand_over, purchase, read_v1, read_f13;
};

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Tcp::socket socket, const Answers& answers) : socket_(std::move(socket)), answers_(answers) {}

    void read() {
        request_ = {};
        http::async_read(socket_, buffer_, request_,
                         [self = shared_from_this()](const error_code& ec, std::size_t) {
                             if (!ec) self->answer();
                         });
    }

  private:
    void answer() {
        answer_ = answers_.of(request_);
        http::async_write(socket_, answer_, [self = shared_from_this()](const error_code& ec, std::size_t) {
            if (!ec) self->read();
        });
    }

    Tcp::socket socket_;
    const Answers& answers_;
    boost::beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    Answer answer_;
};

void accept(Tcp::acceptor& acceptor, const Answers& answers) {
    acceptor.async_accept([&](const error_code& ec, Tcp::socket socket) {
        if (!ec) {
            socket.set_option(Tcp::no_delay(true));
            std::make_shared<Session>(std::move(socket), answers)->read();
        }
        accept(acceptor, answers);
    });
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) throw std::runtime_error("usage: bench_bare_http FOLDER");
        const Answers answers(argv[1]);
        asio::io_context io{1};
        Tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
        std::cout << "port " << acceptor.local_endpoint().port() << std::endl;
        accept(acceptor, answers);
        io.run();
    } catch (const std::exception& error) {
        std::cerr << "bench_bare_http: " << error.what() << '\n';
        return 1;
    }
}
