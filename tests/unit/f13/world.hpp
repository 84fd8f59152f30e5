#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/f13/door.hpp"
#include "engine/engine.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/stripe_house.hpp"
#include "store/sqlite_store.hpp"
#include "tests/unit/loop.hpp"

namespace kassi::api::f13 {

/// Time that stands still until it is told otherwise.
class TestClock final : public Clock {
  public:
    [[nodiscard]] Instant now() const override { return now_; }
    void advance(Millis by) { now_ += by; }

  private:
    Instant now_ = std::chrono::sys_days(std::chrono::year(2026) / 1 / 10) + std::chrono::hours(10);
};

struct Answer {
    int status = 0;
    std::string request_id;
    nlohmann::json body;
    HttpResponse raw;
};

/// The real engine, store, ways of paying and door, without sockets. Redirect houses here are of the kind
/// that can neither be asked nor notify, so that nothing has to be called; Stripe is the sandbox's.
class World {
  public:
    World();
    ~World();

    Answer call(const std::string& method, const std::string& target, const std::string& body = {},
                const std::string& user = "demo",
                const std::string& content_type = "application/x-www-form-urlencoded");
    Answer get(const std::string& target, const std::string& user = "demo") {
        return call("GET", target, {}, user);
    }
    Answer post(const std::string& target, const Fields& fields, const std::string& user = "demo") {
        return call("POST", target, encoding::form(fields), user);
    }
    /// Any request at all.
    Answer send(HttpRequest request);
    /// So many times the same POST, all before the first answer.
    std::vector<Answer> post_at_once(std::size_t count, const std::string& target, const Fields& fields,
                                     const std::string& user = "demo");
    /// reserve.v1, and its transaction_uuid.
    std::string reserve(const std::string& user = "demo", Fields fields = {});
    Answer purchase(const std::string& uuid, const std::string& user = "demo", const Fields& more = {});
    engine::Engine& engine();
    store::Store& store();
    sandbox::StripeHouse& stripe();
    sandbox::BorgunHouse& borgun();
    Loop& loop() { return loop_; }
    TestClock& clock() { return clock_; }
    /// A door without box office, or with another one, over the same engine.
    void production(std::shared_ptr<BoxOffice> box_office = nullptr);
    /// A transaction as a booking system hands it over through /v1.
    TransactionId hand_over(engine::HandOverRequest request);

  private:
    struct State;
    std::shared_ptr<std::optional<HttpResponse>> begin(HttpRequest request);
    Answer answer_of(const std::shared_ptr<std::optional<HttpResponse>>& begun);
    Loop loop_;
    TestClock clock_;
    SystemRandomness randomness_;
    std::unique_ptr<State> state_;
};

/// What every test at the door has.
class AtTheDoor : public testing::Test {
  protected:
    /// "400 8 return_url ...": status, error_code, error_desc.
    static std::string error(const Answer& answer);
    /// What stands at a JSON pointer; null when nothing does.
    static nlohmann::json at(const nlohmann::json& body, const char* pointer) {
        return body.value(nlohmann::json::json_pointer(pointer), nlohmann::json());
    }
    World world_;
};

/// The guide's customer, as pyticketswitch sends him.
Fields fred();
/// RedirectionDetails for a token.
Fields redirection(const std::string& token, const std::string& host = "fromtheboxoffice.com");

}  // namespace kassi::api::f13
