#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <stdexcept>

#include "base/log.hpp"
#include "tests/bench/in_process.hpp"

/// `bench_history`: adds to a data directory what a house would have there after some time: transactions that
/// were bought on credit and are settled, or reservations that ran out and that nobody has looked at since.
/// Written by the engine and the store themselves, so that `kassi verify` finds nothing.
namespace {

using namespace kassi;
using namespace kassi::bench;

constexpr std::int64_t at_once = 128;  ///< as many as a busy house commits together
constexpr std::chrono::minutes held_for{30};
constexpr std::chrono::milliseconds between{50};  ///< two hand-overs

struct Arguments {
    std::string directory;
    std::int64_t bought = 0, due = 0, ago_hours = 24;
};

engine::HandOverRequest hand_over_request(std::int64_t number, Instant held_until) {
    const auto minor = 1000 + number % 9000;
    const auto currency = *Currency::parse("GBP", "currency");
    core::Bundle bundle;
    bundle.source = "ext_test1";
    bundle.description = "Two seats in the stalls";
    bundle.amount = {2 * minor, currency};
    bundle.orders = {{1, {minor, currency}, true}, {2, {minor, currency}, true}};
    engine::HandOverRequest request;
    request.system = system_name;
    request.caller = caller_name;
    request.bundles = {std::move(bundle)};
    request.held_until = held_until;
    request.customer_json =
        R"({"first_name":"Fred","last_name":"Flintstone","address":["301 Cobblestone Way","Bedrock"],)"
        R"("post_code":"70777","country":"us","email":"fred@example.com","phone":"0110134345"})";
    return request;
}

/// Hands over, and buys where that is wanted, as many at once as `at_once`.
class Filler {
  public:
    Filler(InProcess& house, std::int64_t count, bool buy) : house_(house), count_(count), buy_(buy) {}
    void run() {
        for (std::int64_t i = 0; i < std::min(at_once, count_); ++i) begin();
        house_.callbacks().run_until([this] { return ended_ == count_; });
    }

  private:
    void begin() {
        if (begun_ == count_) return;
        const auto number = begun_++;
        house_.clock().put(house_.clock().now() + between);
        house_.engine().hand_over(
            hand_over_request(number, house_.clock().now() + held_for), meta("hand-over", number),
            [this, number](Result<engine::View> view) {
                if (!view) throw std::runtime_error(view.error().field + ": " + view.error().message);
                if (!buy_) return end();
                buy(view->transaction.id, number);
            });
    }

    void buy(const TransactionId& id, std::int64_t number) {
        house_.engine().purchase(id, {}, meta("purchase", number), [this](const Result<engine::View>& view) {
            if (!view) throw std::runtime_error(view.error().field + ": " + view.error().message);
            // Its answer comes with the intention; what on_credit makes of it is committed after it.
            house_.engine().wait(view->transaction.id, engine::Until::rest, Millis(60'000),
                                 [this](const Result<engine::View>& after) {
                                     if (!after || after->transaction.phase != core::Phase::purchased)
                                         throw std::runtime_error("a purchase on credit was not one");
                                     end();
                                 });
        });
    }

    void end() {
        ++ended_;
        begin();
    }

    [[nodiscard]] engine::Meta meta(const char* what, std::int64_t number) const {
        engine::Meta meta;
        meta.by = std::string("system ") + system_name;
        const auto key =
            fmt::format("{}-{}-{}-{}", what, buy_, house_.clock().now().time_since_epoch().count(), number);
        meta.once = {std::string("idempotency:") + system_name, key, what, true};
        return meta;
    }

    InProcess& house_;
    std::int64_t count_, begun_ = 0, ended_ = 0;
    bool buy_;
};

void run(const Arguments& given) {
    log::start(log::Level::error);
    SystemRandomness randomness;
    // The last of them, too, is over by now: a house whose record lies in the future lives there.
    const auto lasts = between * (given.bought + given.due) + 2 * held_for;
    const auto then = SystemClock().now() - std::max<Millis>(std::chrono::hours(given.ago_hours), lasts);
    InProcess house(given.directory, Secret<>(std::string(32, '\0')), "", then, randomness);
    const auto began = std::chrono::steady_clock::now();
    Filler(house, given.bought, true).run();
    Filler(house, given.due, false).run();
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::cout << fmt::format("{{\"bought\":{},\"due\":{},\"seconds\":{:.3f}}}\n", given.bought, given.due,
                             took);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Fills a data directory with a history.");
    Arguments given;
    app.add_option("--directory", given.directory, "the data directory")->required();
    app.add_option("--bought", given.bought, "transactions that are bought and settled");
    app.add_option("--due", given.due, "reservations that ran out");
    app.add_option("--ago", given.ago_hours, "hours since the first of them, or as many as it takes")
        ->check(CLI::Range(1, 24 * 365 * 10));
    CLI11_PARSE(app, argc, argv);
    try {
        run(given);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_history: " << error.what() << '\n';
        return 1;
    }
}
