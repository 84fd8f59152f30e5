#include <fmt/format.h>

#include <iostream>
#include <optional>
#include <stdexcept>

#include "api/v1/door.hpp"
#include "base/log.hpp"
#include "tests/bench/in_process.hpp"
#include "tests/unit/temporary.hpp"

/// `bench_workload PAYMENTS`: that many payments on credit through the /v1 door, the engine and the store:
/// handed over, bought, read. Always the same work: one at a time, so that every commit is a group of one,
/// with a clock that stands and dice that are thrown the same. For callgrind, which counts what it costs.
namespace {

using namespace kassi;
using namespace kassi::bench;

constexpr Instant then{Millis{1'768'000'000'000}};  // 2026-01-09
constexpr const char* api_key = "key-of-the-box-office";

class Client {
  public:
    Client(InProcess& house) : house_(house), door_(api::v1::door(house.engine())) {}

    void pay(int number) {
        const auto handed_over =
            ask("POST", "/v1/transactions", hand_over_body, fmt::format("hand-over-{:08}", number), 201);
        const auto at = handed_over.find(R"("id":")");
        constexpr std::size_t before = 6, id_letters = 36;
        const auto id = handed_over.substr(at + before, id_letters);
        ask("POST", "/v1/transactions/" + id + "/purchase", "{}", fmt::format("purchase-{:08}", number), 200);
        const auto read = ask("GET", "/v1/transactions/" + id, "", "", 200);
        if (read.find(R"("phase":"purchased")") == std::string::npos)
            throw std::runtime_error("not purchased: " + read);
    }

  private:
    std::string ask(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& key, int status) {
        HttpRequest request;
        request.method = method;
        request.target = target;
        request.headers = {{"Host", "127.0.0.1:8080"},
                           {"Authorization", std::string("Bearer ") + api_key},
                           {"X-Request-Id", "the-bench"}};
        if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
        if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key);
        request.body = body;
        std::optional<HttpResponse> answer;
        door_(std::move(request), [&answer](HttpResponse response) { answer = std::move(response); });
        house_.callbacks().run_until([&answer] { return answer.has_value(); });
        if (answer->status != status)
            throw std::runtime_error(
                fmt::format("{} {}: {} {}", method, target, answer->status, answer->body));
        return answer->body;
    }

    static constexpr const char* hand_over_body =
        R"({"caller":"demo","held_until":"2026-01-09T23:36:40Z","bundles":[{"source":"ext_test1",)"
        R"("description":"Two seats in the stalls","currency":"GBP","amount":5000,"orders":[)"
        R"({"item":1,"amount":2500,"cancellable":true},{"item":2,"amount":2500,"cancellable":true}]}],)"
        R"("customer":{"first_name":"Fred","last_name":"Flintstone","address":["301 Cobblestone Way","Bedrock"],)"
        R"("post_code":"70777","country":"us","email":"fred@example.com","phone":"0110134345"}})";

    InProcess& house_;
    Handler door_;
};

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) throw std::runtime_error("usage: bench_workload PAYMENTS");
        const int payments = std::stoi(argv[1]);
        log::start(log::Level::info, "/dev/null");  // lines are part of the work
        const TemporaryFolder folder;
        Dice dice(1);
        InProcess house(folder.path() + "/data", Secret<>(std::string(32, 'k')), api_key, then, dice);
        Client client(house);
        for (int number = 0; number < payments; ++number) client.pay(number);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_workload: " << error.what() << '\n';
        return 1;
    }
}
