#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <iostream>
#include <memory>

#include "base/clock.hpp"
#include "http/server.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "sandbox/simulators/stripe_house.hpp"

/// `bench_houses`: the sandbox's Stripe and its redirect house in a process of their own, in memory, with a
/// given latency and room for as many connections as the load wants. Prints `port N`; runs until killed.
namespace {

using namespace kassi;
namespace asio = boost::asio;

constexpr std::size_t connections_max = 30'000;

/// Each answer comes so much later than it was made.
Handler later(asio::io_context& io, std::chrono::milliseconds latency, Handler handler) {
    if (latency.count() == 0) return handler;
    return [&io, latency, handler = std::move(handler)](HttpRequest request, Reply reply) {
        handler(std::move(request), [&io, latency, reply = std::move(reply)](HttpResponse response) {
            auto timer = std::make_shared<asio::steady_timer>(io, latency);
            timer->async_wait([timer, reply, response = std::move(response)](
                                  const boost::system::error_code&) { reply(response); });
        });
    };
}

void nobody_to_tell(HttpRequest /*notice*/, const std::function<void(int)>& /*done*/) {}

class Houses {
  public:
    Houses(asio::io_context& io, std::chrono::milliseconds latency) : io_(io) {
        const auto stripe = later(io, latency, stripe_.handler());
        const auto redirect = later(io, latency, redirect_.handler());
        http::ServerOptions options;
        options.connections_max = connections_max;
        server_ = std::make_unique<http::Server>(io, options, [=](HttpRequest request, Reply reply) {
            const auto& house = request.path().starts_with("/v1/") ? stripe : redirect;
            house(std::move(request), std::move(reply));
        });
    }
    [[nodiscard]] unsigned short port() const { return server_->port(); }

  private:
    void after(Millis delay, std::function<void()> callback) {
        auto timer = std::make_shared<asio::steady_timer>(io_, delay);
        timer->async_wait(
            [timer, callback = std::move(callback)](const boost::system::error_code&) { callback(); });
    }

    asio::io_context& io_;
    SystemClock clock_;
    SystemRandomness randomness_;
    sandbox::StripeHouse stripe_{
        {.accounts = {{.name = "cards",
                       .secret_key = "sk_test_OfTheBench",
                       .publishable_key = "pk_test_OfTheBench",
                       .webhook_url = "",
                       .webhook_secrets = {},
                       .extra_test_tokens = {},
                       .statement_descriptor = ""}}},
        clock_,
        randomness_,
        nobody_to_tell,
        [this](Millis delay, std::function<void()> callback) { after(delay, std::move(callback)); }};
    sandbox::RedirectHouse redirect_{
        {.merchants =
             {{.name = "acme", .api_key = "key-of-the-bench", .notice_secret = "", .user = "bench"}}},
        clock_,
        randomness_,
        nobody_to_tell,
        [this](Millis delay, std::function<void()> callback) { after(delay, std::move(callback)); }};
    std::unique_ptr<http::Server> server_;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("The other side of Stripe and of a redirect house.");
    std::int64_t latency = 0;
    app.add_option("--latency", latency, "milliseconds before each answer")->check(CLI::Range(0, 60'000));
    CLI11_PARSE(app, argc, argv);
    try {
        asio::io_context io{1};
        const Houses houses(io, std::chrono::milliseconds(latency));
        std::cout << "port " << houses.port() << std::endl;
        io.run();
    } catch (const std::exception& error) {
        std::cerr << "bench_houses: " << error.what() << '\n';
        return 1;
    }
}
