#pragma once

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "house.hpp"
#include "sandbox/simulators/stripe_house.hpp"

/// Stripe with a clock, randomness and a postman that a test owns.
namespace kassi::sandbox::test {

using nlohmann::json;

struct Heard {
    int status = 0;
    json body;
    Fields headers;
    [[nodiscard]] std::string header(std::string_view name) const {
        for (const auto& [each, value] : headers)
            if (same_header_name(each, name)) return value;
        return "";
    }
    [[nodiscard]] json error() const { return body.value("error", json::object()); }
    [[nodiscard]] std::string code() const { return error().value("code", ""); }
    [[nodiscard]] std::string param() const { return error().value("param", ""); }
    [[nodiscard]] std::string id() const { return body.value("id", ""); }
    [[nodiscard]] std::string state() const { return body.value("status", ""); }
};

struct Town {
    TestClock clock;
    TestRandomness randomness;
    struct Later {
        Instant at;
        std::function<void()> what;
    };
    std::deque<Later> later;
    std::vector<HttpRequest> webhooks;
    std::deque<int> webhook_answers;  ///< of the next ones; 200 when none is left
    std::vector<std::string> saved;
    std::optional<StripeHouse> house;

    static constexpr const char* sk = "sk_test_One";
    static constexpr const char* pk = "pk_test_One";
    static StripeHouse::Options options() {
        StripeHouse::Options options;
        options.accounts = {{.name = "one",
                             .secret_key = sk,
                             .publishable_key = pk,
                             .webhook_url = "http://127.0.0.1:8080/webhooks/stripe/one",
                             .webhook_secrets = {"whsec_a", "whsec_b"},
                             .extra_test_tokens = {"tok_1Guide"},
                             .statement_descriptor = "One"},
                            {.name = "two",
                             .secret_key = "sk_test_Two",
                             .publishable_key = "pk_test_Two",
                             .webhook_url = "",
                             .webhook_secrets = {},
                             .extra_test_tokens = {},
                             .statement_descriptor = ""}};
        return options;
    }

    Town() { build(options()); }
    void build(StripeHouse::Options with) {
        house.emplace(
            std::move(with), clock, randomness,
            [this](HttpRequest request, std::function<void(int)> done) {
                webhooks.push_back(std::move(request));
                const int status = webhook_answers.empty() ? 200 : webhook_answers.front();
                if (!webhook_answers.empty()) webhook_answers.pop_front();
                done(status);
            },
            [this](Millis delay, std::function<void()> what) {
                later.push_back({clock.at + delay, std::move(what)});
            },
            [this](const std::string& line) { saved.push_back(line); });
    }
    [[nodiscard]] std::optional<Error> load(const std::vector<std::string>& lines) {
        return house->load([next = lines.begin(), &lines]() mutable -> std::optional<std::string> {
            if (next == lines.end()) return std::nullopt;
            return *next++;
        });
    }
    /// Another house that has nothing but what this one saved.
    void restart(StripeHouse::Options with = options()) {
        later.clear();
        build(std::move(with));
        const auto lines = saved;
        if (const auto wrong = load(lines)) throw std::runtime_error(wrong->field + " " + wrong->message);
    }

    static HttpRequest request(std::string method, std::string path, const Fields& fields,
                               std::string key = "", std::string_view api_key = sk) {
        HttpRequest made;
        made.method = std::move(method);
        made.target = std::move(path);
        if (!api_key.empty()) made.headers.emplace_back("Authorization", "Bearer " + std::string(api_key));
        if (!key.empty()) made.headers.emplace_back("Idempotency-Key", key);
        if (made.method == "POST") {
            made.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
            made.body = encoding::form(fields);
        } else if (!fields.empty()) {
            made.target += "?" + encoding::form(fields);
        }
        return made;
    }
    /// Nullopt when the house stayed silent.
    std::optional<Heard> try_send(HttpRequest made) {
        auto mailbox = std::make_shared<std::optional<Heard>>();
        house->handler()(std::move(made), [mailbox](HttpResponse response) {
            auto body = parse_json(response.body);
            *mailbox = Heard{response.status, body ? *body : json(response.body), response.headers};
        });
        return *mailbox;
    }
    Heard send(HttpRequest made) {
        auto answer = try_send(std::move(made));
        if (!answer) throw std::runtime_error("the house stayed silent");
        return *answer;
    }
    Heard post(const std::string& path, const Fields& fields = {}, std::string key = "") {
        return send(request("POST", "/v1" + path, fields, std::move(key)));
    }
    Heard get(const std::string& path, const Fields& fields = {}) {
        return send(request("GET", "/v1" + path, fields));
    }
    void faults(const std::string& rules) {
        if (const auto wrong = house->set_faults("{\"rules\":[" + rules + "]}"))
            throw std::runtime_error(wrong->message);
    }

    static Fields paying(std::string_view token, Fields more = {}) {
        Fields fields{{"amount", "11000"},
                      {"currency", "gbp"},
                      {"confirm", "true"},
                      {"payment_method_types[]", "card"},
                      {"payment_method_data[type]", "card"},
                      {"payment_method_data[card][token]", std::string(token)},
                      {"metadata[kassi_reference]", "ref-1"}};
        for (auto& field : more) {
            const auto known = std::find_if(fields.begin(), fields.end(),
                                            [&](const auto& each) { return each.first == field.first; });
            if (known != fields.end())
                known->second = field.second;
            else
                fields.push_back(std::move(field));
        }
        return fields;
    }
    Heard pay(std::string_view token, Fields more = {}, std::string key = "") {
        return post("/payment_intents", paying(token, std::move(more)), std::move(key));
    }
    /// A token as a browser makes it.
    Heard mint(Fields more = {}) {
        Fields fields{{"card[number]", "4242 4242 4242 4242"},
                      {"card[exp_month]", "12"},
                      {"card[exp_year]", "2034"},
                      {"card[cvc]", "123"}};
        for (auto& field : more) {
            const auto known = std::find_if(fields.begin(), fields.end(),
                                            [&](const auto& each) { return each.first == field.first; });
            if (known != fields.end())
                known->second = field.second;
            else
                fields.push_back(std::move(field));
        }
        return send(request("POST", "/v1/tokens", fields, "", pk));
    }
    /// "held 11000, taken 11000"
    [[nodiscard]] std::string ledger() const {
        std::string text;
        for (const auto& entry : house->ledger())
            text += (text.empty() ? "" : ", ") + entry.kind + " " + std::to_string(entry.minor);
        return text;
    }
    /// The types of the webhooks that were sent, in their order; forgets them.
    std::string told() {
        std::string text;
        for (const auto& each : std::exchange(webhooks, {}))
            text += (text.empty() ? "" : ", ") + (*parse_json(each.body))["type"].get<std::string>();
        return text;
    }
    /// Moves the clock on, doing what falls due on the way.
    void advance(Millis by) {
        const Instant end = clock.at + by;
        for (;;) {
            auto next = std::min_element(later.begin(), later.end(),
                                         [](const auto& l, const auto& r) { return l.at < r.at; });
            if (next == later.end() || next->at > end) break;
            clock.at = std::max(clock.at, next->at);
            const auto what = std::move(next->what);
            later.erase(next);
            what();
        }
        clock.at = end;
    }
};

}  // namespace kassi::sandbox::test
