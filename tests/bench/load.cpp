#include "tests/bench/load.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <fstream>
#include <stdexcept>

namespace kassi::bench {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t answer_bytes_max = 256 * 1024;
const std::vector<Step> buying{Step::hand_over, Step::purchase};

struct Head {
    int status = 0;
    std::size_t bytes = 0;  ///< with the empty line; 0: it is not whole yet
    std::size_t body_bytes = 0;
};

/// Of an answer as our servers give it: HTTP/1.1 with Content-Length.
Head read_head(std::string_view raw) {
    Head head;
    const auto end = raw.find("\r\n\r\n");
    if (end == std::string_view::npos) return head;
    constexpr std::string_view mark = "\r\nContent-Length: ";
    const auto length = raw.substr(0, end).find(mark);
    if (!raw.starts_with("HTTP/1.1 ") || length == std::string_view::npos)
        throw std::runtime_error("an answer without status or length");
    std::from_chars(raw.data() + 9, raw.data() + 12, head.status);
    std::from_chars(raw.data() + length + mark.size(), raw.data() + end, head.body_bytes);
    head.bytes = end + 4;
    return head;
}

std::uint64_t micros(Load::SteadyClock::duration time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    explicit Connection(Load& load) : load_(load), socket_(load.io()) {}

    void connect() {
        socket_.connect(load_.endpoint());
        socket_.set_option(Load::Tcp::no_delay(true));
        begin();
    }
    void close() {
        error_code ignored;
        socket_.close(ignored);
    }

  private:
    void begin() {
        steps_ = load_.begin(customer_);
        if (steps_ == nullptr) return close();
        next_ = 0;
        began_ = Load::SteadyClock::now();
        send();
    }

    void send() {
        request_ = load_.mix().request((*steps_)[next_], customer_);
        received_ = 0;
        sent_ = Load::SteadyClock::now();
        asio::async_write(socket_, asio::buffer(request_),
                          [self = shared_from_this()](const error_code& ec, std::size_t) {
                              if (ec) return self->load_.fail("a request was not taken: " + ec.message());
                              self->receive();
                          });
    }

    void receive() {
        if (answer_.size() - received_ < read_bytes) answer_.resize(answer_.size() + read_bytes);
        if (answer_.size() > answer_bytes_max) return load_.fail("an answer is too large");
        socket_.async_read_some(asio::buffer(answer_.data() + received_, answer_.size() - received_),
                                [self = shared_from_this()](const error_code& ec, std::size_t count) {
                                    if (ec) return self->load_.fail("no answer: " + ec.message());
                                    self->received_ += count;
                                    self->look();
                                });
    }

    void look() {
        const std::string_view raw(answer_.data(), received_);
        const auto head = read_head(raw);
        if (head.bytes == 0 || raw.size() < head.bytes + head.body_bytes) return receive();
        const auto now = Load::SteadyClock::now();
        const Step step = (*steps_)[next_];
        const auto why = Mix::wrong(step, customer_, head.status, raw.substr(head.bytes));
        if (!why.empty()) return load_.fail(why);
        load_.answered(step, now - sent_, raw);
        if (++next_ < steps_->size()) return send();
        load_.finished(customer_, *steps_, now - began_);
        begin();
    }

    static constexpr std::size_t read_bytes = 8 * 1024;

    Load& load_;
    Load::Tcp::socket socket_;
    Customer customer_;
    const std::vector<Step>* steps_ = nullptr;
    std::size_t next_ = 0;
    std::string request_;
    std::vector<char> answer_ = std::vector<char>(2 * read_bytes);
    std::size_t received_ = 0;
    Load::SteadyClock::time_point began_, sent_;
};

Load::Load(LoadOptions options, Parties parties, const Watched& watched)
    : options_(std::move(options)),
      scenario_(scenario_of(options_.scenario)),
      mix_(std::move(parties)),
      watched_(watched) {}

Load::~Load() = default;

Load::Tcp::endpoint Load::endpoint() const {
    return {asio::ip::address_v4::loopback(), options_.port};
}

const Measured& Load::run() {
    if (options_.payments_max != 0)
        start_measuring();
    else if (!scenario_.reads)
        start_warming();
    for (std::size_t i = 0; i < options_.connections; ++i) {
        connections_.push_back(std::make_shared<Connection>(*this));
        connections_.back()->connect();
    }
    io_.run();
    if (options_.payments_max != 0) measured_.to = watched_.now();
    if (!options_.transactions.empty()) {
        std::ofstream file(options_.transactions);
        for (const auto& id : handed_over_) file << id << '\n';
        if (!file.flush()) throw std::runtime_error(options_.transactions + ": cannot be written");
    }
    return measured_;
}

void Load::start_warming() {
    phase_ = Phase::warming;
    timer_.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(options_.warm_seconds * 1e6)));
    timer_.async_wait([this](const error_code& ec) {
        if (!ec) start_measuring();
    });
}

void Load::start_measuring() {
    phase_ = Phase::measuring;
    measured_.from = watched_.now();
    if (options_.payments_max != 0) return;
    timer_.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(options_.seconds * 1e6)));
    timer_.async_wait([this](const error_code& ec) {
        if (!ec) end();
    });
}

void Load::end() {
    measured_.to = watched_.now();
    phase_ = Phase::ending;
}

const std::vector<Step>* Load::begin(Customer& customer) {
    if (phase_ == Phase::ending) return nullptr;
    if (options_.payments_max != 0 && begun_ >= options_.payments_max) return nullptr;
    ++begun_;
    if (phase_ == Phase::preparing) {
        if (bought_.size() < options_.prepared) return &buying;
        start_warming();
    }
    if (!scenario_.reads) return &scenario_.steps;
    // Not the order in which they were bought, so that neighbours are not read together.
    constexpr std::size_t stride = 617;
    next_read_ = (next_read_ + stride) % bought_.size();
    customer.transaction = bought_[next_read_];
    return &scenario_.steps;
}

void Load::answered(Step step, SteadyClock::duration took, std::string_view raw) {
    const auto place = static_cast<std::size_t>(step);
    if (!captured_[place]) capture(step, raw);
    if (phase_ != Phase::measuring) return;
    ++measured_.requests;
    measured_.any.add(micros(took));
    measured_.steps[place].add(micros(took));
    measured_.answer_bytes[place] += raw.size();
}

void Load::finished(const Customer& customer, const std::vector<Step>& steps, SteadyClock::duration took) {
    ++measured_.customers_ever;
    if (steps.front() == Step::hand_over) ++measured_.bought_ever;
    if (phase_ == Phase::preparing) bought_.push_back(customer.transaction);
    if (!options_.transactions.empty()) handed_over_.push_back(customer.transaction);
    if (phase_ != Phase::measuring) return;
    ++measured_.customers;
    measured_.whole.add(micros(took));
}

void Load::capture(Step step, std::string_view raw) {
    captured_[static_cast<std::size_t>(step)] = true;
    if (options_.capture.empty()) return;
    const auto name = options_.capture + "/" + std::string(word(step)) + ".http";
    std::ofstream file(name, std::ios::binary);
    file << raw;
    if (!file.flush()) throw std::runtime_error(name + ": cannot be written");
}

void Load::fail(const std::string& why) {
    if (measured_.wrong.empty()) measured_.wrong = why;
    io_.stop();
}

}  // namespace kassi::bench
