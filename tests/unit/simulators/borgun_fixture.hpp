#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "house.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/borgun_tables.hpp"

/// The sandbox's Borgun with a clock, randomness and a postman that a test owns.
namespace kassi::sandbox::test {

using nlohmann::json;

inline constexpr const char* heard = "<PaymentNotification>Accepted</PaymentNotification>";
inline constexpr const char* good_card = "4741520000000003";

/// A number outside the house's own range with this ending, and a right check digit.
inline std::string card_ending(const std::string& ending) {
    std::string pan = "400000000000" + ending;
    while (!borgun::passes_luhn(pan)) ++pan[11];
    return pan;
}

inline BorgunHouse::Options borgun_options() {
    BorgunHouse::Options options;
    options.merchants = {{.name = "demo-borgun",
                          .private_key = "100001_prSIMULATOR0000000000000000",
                          .public_key = "100001_puSIMULATOR0000000000000000",
                          .securepay_id = "9275444",
                          .securepay_secret = "SimSecret-0001",
                          .securepay_gateway = "16",
                          .webhook_url = "http://127.0.0.1:8080/webhooks/borgun/demo-borgun"},
                         {.name = "demo-creditcard",
                          .private_key = "100002_prOTHER",
                          .public_key = "100002_puOTHER",
                          .currencies = {"GBP", "ISK"},
                          .forgives_expiry = true}};
    return options;
}

struct Borgun {
    TestClock clock;
    TestRandomness randomness;
    struct Later {
        Instant at;
        std::function<void()> what;
    };
    std::deque<Later> later;
    std::vector<HttpRequest> notices;
    std::deque<std::pair<int, std::string>> notice_answers;  ///< of the next notices; heard when none is left
    std::vector<std::string> saved;
    std::optional<BorgunHouse> house;

    Borgun() { build(borgun_options()); }
    explicit Borgun(BorgunHouse::Options with) { build(std::move(with)); }
    /// With the first merchant's settings changed.
    template <class Change>
    requires std::invocable<Change, BorgunHouse::Merchant&>
    explicit Borgun(const Change& change) {
        auto with = borgun_options();
        change(with.merchants[0]);
        build(std::move(with));
    }
    void build(BorgunHouse::Options with) {
        house.emplace(
            std::move(with), clock, randomness,
            [this](HttpRequest request, BorgunHouse::NoticeAnswer done) {
                notices.push_back(std::move(request));
                auto answer =
                    notice_answers.empty() ? std::pair(200, std::string(heard)) : notice_answers.front();
                if (!notice_answers.empty()) notice_answers.pop_front();
                done(answer.first, answer.second);
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
    void restart(BorgunHouse::Options with = borgun_options()) {
        later.clear();
        build(std::move(with));
        if (const auto wrong = load(saved)) throw std::runtime_error(wrong->field + wrong->message);
    }
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

    // ---- requests
    static Fields key_header(const std::string& key) {
        return {{"Authorization", "Basic " + encoding::base64(key + ":")},
                {"Content-Type", "application/json"},
                {"Accept", "application/json"}};
    }
    static HttpRequest request(std::string method, std::string path, const std::string& body = "",
                               const std::string& key = "100001_prSIMULATOR0000000000000000") {
        return {std::move(method), "/borgun/rpg/api/" + path, key_header(key), body, ""};
    }
    /// Nullopt when the house stayed silent.
    std::optional<HttpResponse> try_send(HttpRequest request) {
        auto mailbox = std::make_shared<std::optional<HttpResponse>>();
        house->handler()(std::move(request),
                         [mailbox](HttpResponse response) { *mailbox = std::move(response); });
        return *mailbox;
    }
    HttpResponse send(HttpRequest request) {
        auto answer = try_send(std::move(request));
        if (!answer) throw std::runtime_error("the house stayed silent");
        return *answer;
    }
    HttpResponse api(std::string method, std::string path, const json& body = nullptr,
                     const std::string& key = "100001_prSIMULATOR0000000000000000") {
        return send(request(std::move(method), std::move(path), body.is_null() ? "" : body.dump(), key));
    }
    HttpResponse form(std::string path, const Fields& fields) {
        return send({"POST",
                     "/borgun/" + std::move(path),
                     {{"Content-Type", "application/x-www-form-urlencoded"}},
                     encoding::form(fields),
                     ""});
    }
    HttpResponse get(std::string target) { return send({"GET", std::move(target), {}, "", ""}); }
    HttpResponse faults(const std::string& rules) {
        return send({"PUT", "/borgun/_faults", {}, "{\"rules\":[" + rules + "]}", ""});
    }

    // ---- what tests ask for again and again
    static json card(const std::string& pan = good_card) {
        return {
            {"PaymentType", "Card"}, {"PAN", pan}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"CVC2", "415"}};
    }
    static json token(const std::string& id) {
        return {{"PaymentType", id.starts_with("tm_") ? "TokenMulti" : "TokenSingle"}, {"Token", id}};
    }
    static json payment(json method = card(), std::int64_t amount = 499'000,
                        const std::string& type = "PreAuthorization") {
        return {{"TransactionType", type},   {"Amount", amount},
                {"Currency", "352"},         {"TransactionDate", "2026-01-10T10:04:11"},
                {"OrderId", "TM0000012345"}, {"PaymentMethod", std::move(method)}};
    }
    json pay(const json& body, int status = 201) {
        const auto answer = api("POST", "payment", body);
        if (answer.status != status) throw std::runtime_error(answer.body);
        return *parse_json(answer.body);
    }
    std::string single(const std::string& pan = good_card, int seconds = 600) {
        const auto answer =
            api("POST", "token/single",
                {{"PAN", pan}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"TokenLifetime", seconds}});
        if (answer.status != 201) throw std::runtime_error(answer.body);
        return (*parse_json(answer.body))["Token"].get<std::string>();
    }
    static json enrollment(json details = card(), std::int64_t amount = 4'990, int exponent = 0) {
        return {{"CardDetails", std::move(details)},
                {"PurchAmount", amount},
                {"Exponent", exponent},
                {"Currency", "352"},
                {"TermUrl", "https://shop.example.is/3ds/return"},
                {"MD", "order-12345"},
                {"Description", "Match <tickets>"}};
    }
    json enroll(const json& body) {
        const auto answer = api("POST", "mpi/v2/enrollment", body);
        if (answer.status != 200) throw std::runtime_error(answer.body);
        return *parse_json(answer.body);
    }
    json validate(const json& body, const std::string& key = "100001_prSIMULATOR0000000000000000") {
        const auto answer = api("POST", "mpi/v2/validation", body, key);
        if (answer.status != 200) throw std::runtime_error(answer.body);
        return *parse_json(answer.body);
    }
    /// What a browser posts: the entries of RedirectToACSData behind actionURL.
    static Fields acs_fields(const json& enrolled) {
        Fields fields;
        for (const auto& entry : enrolled["RedirectToACSData"])
            if (entry["Name"] != "actionURL") fields.emplace_back(entry["Name"], entry["Value"]);
        return fields;
    }
    /// Posts the form of an enrollment and presses a button on the issuer's page.
    HttpResponse authenticate(const json& enrolled, const std::string& act = "authenticate") {
        const std::string url = enrolled["RedirectToACSData"][0]["Value"];
        const auto page = form(url.substr(url.find("acs/")), acs_fields(enrolled));
        if (page.status != 200) throw std::runtime_error(page.body);
        return form("acs/act", {{"authentication", hidden(page.body, "authentication")},
                                {"carried", hidden(page.body, "carried")},
                                {"act", act}});
    }
    /// Value of a hidden input, "" when there is none.
    static std::string hidden(const std::string& page, const std::string& name) {
        const std::regex pattern("name=\"" + name + "\" value=\"([^\"]*)\"");
        std::smatch match;
        if (!std::regex_search(page, match, pattern)) return "";
        return std::regex_replace(match[1].str(), std::regex("&amp;"), "&");
    }
    [[nodiscard]] std::vector<std::string> kinds() const {
        std::vector<std::string> all;
        for (const auto& entry : house->ledger()) all.push_back(entry.kind);
        return all;
    }
};

inline std::string message_of(const HttpResponse& response) {
    const auto parsed = parse_json(response.body);
    return parsed && parsed->contains("Message") ? (*parsed)["Message"].get<std::string>() : "";
}

}  // namespace kassi::sandbox::test
