#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../simulators/borgun_fixture.hpp"
#include "api/ticket_order/services/services.hpp"
#include "engine/engine.hpp"

namespace kassi::api::ticket_order::services {

using nlohmann::json;
namespace acs = sandbox::test;

inline constexpr const char* challenge1_card = "5587402000012011";  ///< 3DS 1
inline constexpr const char* challenge2_card = "4741520000000003";  ///< 3DS 2
inline constexpr const char* frictionless_card = "5455330200000016";
inline constexpr const char* term_url = "https://app.example/3ds";

struct Reply {
    int status = 0;
    json body;
    HttpResponse raw;
};

/// The real engine, store, flow, desk and door over the sandbox's Borgun, without sockets.
class World {
  public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Reply send(HttpRequest request);
    /// POST /borgunServices/<path> with {"request": ...} as JSON.
    Reply post(const std::string& path, const json& request, const std::string& caller = "app");
    Reply post_text(const std::string& path, const std::string& text, const std::string& type,
                    const std::string& caller = "app");
    /// All sent before the first is answered.
    std::vector<Reply> post_at_once(std::size_t count, const std::string& path, const json& request);

    /// Two that differ, the second before the first is answered.
    std::vector<Reply> post_both(const std::string& path, const json& one, const json& other);

    // ---- the way of an app
    std::string token(const std::string& pan, const std::string& caller = "app");
    /// Request of an enrollment for ISK.
    static json enrollment(const std::string& token, std::int64_t amount = 4'990);
    json enroll(const std::string& token, std::int64_t amount = 4'990, const std::string& caller = "app");
    /// The customer at his bank's page; what it posts to the app.
    json at_the_bank(const json& enrolled, const std::string& act = "authenticate");
    /// An mpiToken that is good for a payment, the challenge passed if there was one.
    std::string authenticated(const std::string& token, std::int64_t amount = 4'990);
    /// Of one bundle; its reference.
    std::string order(std::int64_t minor = 4'990, const std::string& currency = "ISK",
                      const std::string& caller = "app");
    std::string order_of(std::vector<core::Bundle> bundles, const std::string& caller = "app");
    static json final_info(const std::string& order, const std::string& token, const std::string& mpi_token,
                           std::int64_t amount = 499'000);
    /// The short version; whole answer.
    json finish(const std::string& order, const std::string& token, const std::string& mpi_token,
                std::int64_t amount = 499'000);

    acs::Borgun& gate();
    engine::Engine& engine();
    Services& services();
    [[nodiscard]] const engine::Caller& caller(const std::string& name = "app");
    core::Transaction transaction(const std::string& reference);
    /// What went to the gateway, as it was sent.
    std::vector<HttpRequest>& sent();
    /// Answers in place of the gateway, as long as there are any; nullopt is silence.
    std::deque<std::optional<HttpResponse>>& instead();
    /// Runs until `enough`, or nothing is left to do (fails then).
    void run_until(const std::function<bool()>& enough);
    /// Everything that is on the disk.
    std::string disk();
    /// Another object of services, as after a restart: what it kept in memory is gone.
    void restart_services();

  private:
    std::shared_ptr<std::optional<HttpResponse>> begin(HttpRequest request);
    Reply reply_of(const std::shared_ptr<std::optional<HttpResponse>>& begun);
    struct State;
    std::unique_ptr<State> state_;
};

/// "400 request.currency must not be empty; ...": status and faults of a responseStatus.
std::string faults_of(const Reply& reply);

class ServicesTest : public testing::Test {
  protected:
    World world_;
};

}  // namespace kassi::api::ticket_order::services
