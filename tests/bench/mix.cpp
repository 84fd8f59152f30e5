#include "tests/bench/mix.hpp"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <stdexcept>

#include "base/clock.hpp"
#include "base/encoding.hpp"

namespace kassi::bench {
namespace {

constexpr std::string_view customer_json =
    R"({"first_name":"Fred","last_name":"Flintstone","address":["301 Cobblestone Way","Bedrock"],)"
    R"("post_code":"70777","country":"us","email":"fred@example.com","phone":"0110134345"})";

std::string random_word() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}", device(), device());
}

/// The text of a member, where it first occurs; "" when it does not.
std::string_view text_of(std::string_view body, std::string_view name) {
    const auto mark = fmt::format("\"{}\":\"", name);
    const auto from = body.find(mark);
    if (from == std::string_view::npos) return {};
    const auto rest = body.substr(from + mark.size());
    return rest.substr(0, rest.find('"'));
}

struct Expected {
    int status;
    std::string_view member, value;
};

Expected expected_of(Step step) {
    switch (step) {
        case Step::hand_over:
            return {201, "phase", "reserved"};
        case Step::begin_purchase:
            return {202, "phase", "authorising"};
        case Step::send_away:
            return {200, "state", "called_out"};
        case Step::purchase:
        case Step::come_back:
        case Step::read:
            return {200, "phase", "purchased"};
        case Step::read_f13:
            return {200, "transaction_status", "purchased"};
    }
    throw std::runtime_error("no such step");
}

}  // namespace

std::string_view word(Step step) {
    static constexpr std::string_view words[steps_count] = {
        "hand_over", "purchase", "begin_purchase", "send_away", "come_back", "read", "read_f13"};
    return words[static_cast<std::size_t>(step)];
}

Scenario scenario_of(const std::string& name) {
    if (name == "credit" || name == "stripe") return {name, {Step::hand_over, Step::purchase}};
    if (name == "redirect") return {name, {Step::hand_over, Step::send_away, Step::come_back}};
    if (name == "in-flight") return {name, {Step::hand_over, Step::begin_purchase}};
    if (name == "away") return {name, {Step::hand_over, Step::send_away}};
    if (name == "hand-over") return {name, {Step::hand_over}};
    if (name == "status") return {name, {Step::read}, true};
    if (name == "status-f13") return {name, {Step::read_f13}, true};
    throw std::runtime_error("no scenario of the name " + name);
}

Mix::Mix(Parties parties)
    : parties_(std::move(parties)),
      run_(random_word()),
      held_until_(iso8601(SystemClock().now() + std::chrono::seconds(parties_.held_for_seconds))),
      system_("Bearer " + parties_.api_key),
      user_("Basic " + encoding::base64(parties_.caller + ":" + parties_.password)) {}

std::string Mix::request(Step step, Customer& customer) {
    switch (step) {
        case Step::hand_over:
            customer = {};
            return post("/v1/transactions", hand_over_body());
        case Step::send_away:
            customer.token = fmt::format("{}-{}", run_, ++number_);
            return post("/v1/transactions/" + customer.transaction + "/purchase",
                        purchase_body(customer, true));
        case Step::purchase:
        case Step::begin_purchase:
            return post("/v1/transactions/" + customer.transaction + "/purchase",
                        purchase_body(customer, false));
        case Step::come_back:
            return post("/v1/callbacks/" + customer.token,
                        fmt::format(R"({{"caller":"{}","fields":[["success","yes"]]}})", parties_.caller));
        case Step::read:
            return get("/v1/transactions/" + customer.transaction, system_);
        case Step::read_f13:
            return get("/f13/status.v1/?transaction_uuid=" + customer.transaction, user_);
    }
    throw std::runtime_error("no such step");
}

std::string Mix::wrong(Step step, Customer& customer, int status, std::string_view body) {
    const auto expected = expected_of(step);
    if (status != expected.status)
        return fmt::format("{}: status {} and not {}: {}", word(step), status, expected.status, body);
    if (text_of(body, expected.member) != expected.value)
        return fmt::format("{}: no {} {}: {}", word(step), expected.member, expected.value, body);
    if (step == Step::hand_over) {
        customer.transaction = text_of(body, "id");
        if (customer.transaction.empty()) return fmt::format("{}: no id: {}", word(step), body);
    }
    return {};
}

std::string Mix::post(std::string_view path, std::string_view body) {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: {}-{}\r\nContent-Length: {}\r\n\r\n{}",
        path, parties_.host, system_, run_, ++number_, body.size(), body);
}

std::string Mix::get(std::string_view path, std::string_view authorization) const {
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n", path, parties_.host,
                       authorization);
}

/// Two seats; amounts differ from one to the next.
std::string Mix::hand_over_body() {
    const auto seat = 1000 + static_cast<std::int64_t>(number_ % 9000);
    return fmt::format(
        R"({{"caller":"{}","held_until":"{}","bundles":[{{"source":"ext_test1",)"
        R"("description":"Two seats in the stalls","currency":"GBP","amount":{},"orders":[)"
        R"({{"item":1,"amount":{},"cancellable":true}},{{"item":2,"amount":{},"cancellable":true}}]}}],)"
        R"("customer":{}}})",
        parties_.caller, held_until_, 2 * seat, seat, seat, customer_json);
}

std::string Mix::purchase_body(const Customer& customer, bool away) const {
    if (away)
        return fmt::format(
            R"({{"return":{{"via":"caller","token":"{0}","url":"http://127.0.0.1:9/back/{0}"}}}})",
            customer.token);
    if (parties_.credential.empty()) return "{}";
    return fmt::format(R"({{"credentials":{{"ext_test1":{}}}}})", parties_.credential);
}

}  // namespace kassi::bench
