#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "http/tls_certificates.hpp"
#include "sandbox/street.hpp"
#include "service/service.hpp"
#include "wire.hpp"

/// Kassi as it is served, with a SQLite folder and a thread of its own, and a provider's house behind a line
/// of real TLS on the thread of the test. Nothing but sockets, and the clock that the test moves, connects
/// the two.
namespace kassi::faults {

using nlohmann::json;

inline constexpr std::string_view source = "ext_test1";
inline constexpr std::int64_t price = 11'000;

/// What happens to an answer, or to a request, on the line. The simulator's own faults are its rules.
enum class OnTheLine {
    reset_before,     ///< the request arrives, the connection is reset, nothing is done
    reset_after,      ///< it is done, and the connection is reset without an answer
    cut,              ///< the answer ends in the middle, as if it were whole
    cut_by_reset,     ///< the same by a reset
    too_large,        ///< the answer is larger than what anybody reads
    no_json,          ///< done, and 200 with a page of HTML
    bad_gateway,      ///< done, and 502 with a page of HTML
    not_the_gateway,  ///< not done, and 502 with a page of HTML
    sent_twice,       ///< something in between sends it twice, and gives the second answer
};

struct Answer {
    int status = 0;  ///< 0: none came
    json body;
};

/// The service in a thread of its own, as main() runs it.
class Kassi {
  public:
    Kassi(service::Config config, std::shared_ptr<SystemClock> clock);
    ~Kassi();  ///< in the middle of whatever it does
    Kassi(const Kassi&) = delete;
    Kassi& operator=(const Kassi&) = delete;
    int stop();  ///< finishes what is under way
    service::Service& service() { return service_; }

  private:
    service::Service service_;
    int status_ = -1;
    std::thread thread_;
};

/// What is known of a payment at one moment.
struct Glance {
    core::Transaction transaction;
    std::optional<Instant> next_due;  ///< of all there is
    std::int64_t calls_open = 0;
};

class Town {
  public:
    virtual ~Town();
    Town(const Town&) = delete;
    Town& operator=(const Town&) = delete;

    // ---- the house
    /// `step` is the simulator's word for what it is asked.
    void on_the_line(const std::string& step, OnTheLine what) { line_ = {step, what}; }
    /// How often it was asked for that.
    [[nodiscard]] int asked(const std::string& step) { return asked_[step]; }
    /// Requests of the Kassi that runs which the house has and did not answer.
    [[nodiscard]] std::ptrdiff_t unanswered() const { return std::ssize(*unanswered_); }
    /// With another certificate, or without TLS, for new connections.
    void serve(std::optional<http::TlsIdentity> identity);
    Wire& wire() { return wire_; }
    boost::asio::io_context& io() { return io_; }

    // ---- Kassi
    /// `key`: Idempotency-Key, "" none.
    Answer v1(const std::string& method, const std::string& path, const json& body = nullptr,
              const std::string& key = "");
    /// The same without waiting for an answer.
    void v1_and_go(const std::string& method, const std::string& path, const json& body);
    /// `request.target` is a path of Kassi's.
    Answer to_kassi(HttpRequest request);
    void to_kassi_and_go(HttpRequest request);
    TransactionId hand_over(bool owner_confirms = false, const std::string& currency = "GBP",
                            std::int64_t amount = price);
    /// The body of a purchase with this credential, `{"stripe_token":"tok_..."}`; with a way back for the
    /// customer that the caller keeps, under this token.
    static json paying_with(const json& credential, const std::string& token = "token-one");
    void kill_kassi();
    void start_kassi();
    Glance glance(const TransactionId& id);
    json explain(const TransactionId& id);

    // ---- time
    /// Lets everything happen that can happen now, then moves the clock to what comes next, `step` at most,
    /// until `met`. False when `within` of the clock is over.
    bool run_until(const TransactionId& id, const std::function<bool(const Glance&)>& met,
                   Millis within = std::chrono::minutes(20), Millis step = std::chrono::minutes(1));
    /// Without moving the clock.
    bool wait_until(const std::function<bool()>& met);
    /// The same until nobody works at the moment. False when that takes too long.
    bool settle_down(const TransactionId& id);
    /// Until the house has nothing to do or to tell any more, and Kassi has heard it all.
    virtual void let_time_pass(const TransactionId& id) = 0;
    Instant now() const { return clock_->now(); }
    void advance(Millis by);

    // ---- the books
    /// "held 11000, taken 11000" of a leg by our ledger.
    std::string our_ledger(const TransactionId& id, std::int64_t leg = 1);
    /// What is wrong with the record, after a proper stop; "" nothing.
    std::string verify();

  protected:
    Town();
    /// The house is there: from now on it is served, and Kassi runs.
    void open(std::optional<http::TlsIdentity> identity, bool listens);
    [[nodiscard]] virtual Handler house() const = 0;
    [[nodiscard]] virtual std::string step_of(const HttpRequest& request) const = 0;
    /// Without its address.
    [[nodiscard]] virtual providers::Merchant merchant() const = 0;
    /// Of the house's API, below its origin: "/borgun/rpg".
    [[nodiscard]] virtual std::string base_path() const { return ""; }

    [[nodiscard]] std::string origin() const;
    void send_notice(HttpRequest request, std::function<void(int status, const std::string& body)> done);
    /// At once, past the line.
    HttpResponse ask_house(HttpRequest request) const;
    void settle_down_after_each(const TransactionId& id, std::span<const Millis> steps);
    template <class T>
    T in_kassi(std::function<T(engine::Engine&)> work);
    std::shared_ptr<SystemClock> clock_ = std::make_shared<SystemClock>();
    SystemRandomness randomness_;
    sandbox::ClockTimers timers_{*clock_};

  private:
    struct Line {
        std::string step;
        OnTheLine what;
    };
    void pump(Millis at_most);
    void answer_as_house(HttpRequest request, Reply reply);
    void misbehave(OnTheLine what, HttpRequest request, const Reply& reply);
    [[nodiscard]] bool nothing_under_way(const Glance& seen) const;
    [[nodiscard]] HttpRequest v1_request(const std::string& method, const std::string& path,
                                         const json& body) const;
    [[nodiscard]] service::Config config() const;

    struct Folder;
    std::unique_ptr<Folder> folder_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    /// When each request came that has no answer.
    std::shared_ptr<std::multiset<Instant>> unanswered_ = std::make_shared<std::multiset<Instant>>();
    int notices_open_ = 0;
    std::map<std::string, int> asked_;
    std::optional<Line> line_;
    Wire wire_{io_};
    http::Client client_;
    std::unique_ptr<http::Server> server_;
    std::vector<std::unique_ptr<http::Server>> servers_before_;
    std::unique_ptr<Kassi> kassi_;
};

/// Adds "held 11000" to "taken 1, ...".
void add_entry(std::string& text, std::string_view kind, std::int64_t minor);

/// The authority that Kassi trusts.
const http::CertificateAuthority& authority();
/// What the house should have.
http::TlsIdentity good_identity();

}  // namespace kassi::faults
