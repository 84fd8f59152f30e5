#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>
#include <set>

#include "base/crypto.hpp"
#include "sandbox/accounts.hpp"
#include "tests/unit/crowd.hpp"
#include "town.hpp"

/// The same thing fifty times at once over fifty connections: one effect, and answers that agree. Everything
/// is real but the providers, whose ledgers are counted.
namespace kassi::sandbox {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::Eq;
using testing::HasSubstr;
using testing::Pair;

constexpr std::size_t at_once = 50;
constexpr const char* frictionless = "5455330200000016";

/// KASSI_LONG=1: as often as is patient.
int rounds() {
    constexpr int rounds_long = 20;
    const char* given = std::getenv("KASSI_LONG");
    return given != nullptr && std::string_view(given) == "1" ? rounds_long : 1;
}

std::vector<HttpResponse> fifty(const std::function<HttpRequest(std::size_t)>& request) {
    std::vector<HttpRequest> requests;
    for (std::size_t i = 0; i < at_once; ++i) requests.push_back(request(i));
    return all_at_once(std::move(requests));
}
std::vector<HttpResponse> fifty(const HttpRequest& request) {
    return fifty([&](std::size_t) { return request; });
}

std::multiset<int> statuses(const std::vector<HttpResponse>& answers) {
    std::multiset<int> all;
    for (const auto& answer : answers) all.insert(answer.status);
    return all;
}

/// Each of these statuses, and how often.
std::map<int, std::size_t> counted(const std::vector<HttpResponse>& answers) {
    std::map<int, std::size_t> all;
    for (const auto& answer : answers) ++all[answer.status];
    return all;
}

/// What a transaction says, without what has nothing to do with who asks.
json told(const HttpResponse& answer) {
    auto body = json::parse(answer.body);
    body.erase("request_id");
    return body;
}

void all_say(const std::vector<HttpResponse>& answers, const std::string& phase) {
    std::set<std::string> said;
    for (const auto& answer : answers) {
        ASSERT_EQ(answer.status, 200) << answer.body;
        said.insert(told(answer).dump());
    }
    EXPECT_EQ(said.size(), 1u) << *said.begin() << "\n" << *said.rbegin();
    EXPECT_EQ(json::parse(*said.begin()).at("phase"), phase);
}

json refund_of(std::int64_t amount) {
    return {{"leg", 1}, {"amount", amount}, {"by", "Anna"}, {"because", "one seat was broken"}};
}

/// How a caller pays without the customer, and where its money moves.
struct Way {
    const char* caller;
    json purchase;
    const char* simulator;  ///< nullptr: the account owes it
    const char* bought;     ///< the ledger after one purchase
};
void PrintTo(const Way& way, std::ostream* out) {
    *out << way.caller;
}

const Way ways[] = {
    {"demo", json::object(), nullptr, ""},
    {"demo-stripe",
     {{"credentials", {{"ext_test1", {{"stripe_token", "tok_visa"}}}}}},
     "/stripe",
     "held 11000, taken 11000"},
    {"demo-creditcard",
     {{"credential", {{"card", {{"number", frictionless}, {"expiry", "1230"}, {"cvc", "737"}}}}}},
     "/borgun",
     "held 11000, taken 11000"},
};

class Race : public testing::TestWithParam<Way> {
  protected:
    Town town;

    std::string path(const std::string& more) const { return "/transactions/" + id + more; }
    std::string purchase() {
        id = town.hand_over(GetParam().caller);
        const auto answer = Town::send(town.v1("POST", path("/purchase"), GetParam().purchase));
        EXPECT_EQ(json::parse(answer.body).at("phase"), "purchased") << answer.body;
        return id;
    }
    /// What the account owes, or what moved at the provider.
    std::string money() const {
        if (GetParam().simulator != nullptr) return town.ledger(GetParam().simulator);
        const auto balances = json::parse(
            Town::send(town.v1("GET", "/callers/" + std::string(GetParam().caller) + "/balances")).body);
        for (const auto& balance : balances.at("data"))
            if (balance.at("currency") == "GBP") return balance.at("owed").dump();
        return "0";
    }
    std::string once(const std::string& more = "") const {
        return GetParam().simulator == nullptr ? "11000" : GetParam().bought + more;
    }
    std::string given_back(std::int64_t amount) const {
        return GetParam().simulator == nullptr
                   ? std::to_string(11000 - amount)
                   : std::string(GetParam().bought) + ", given_back " + std::to_string(amount);
    }
    std::string id;
};

TEST_P(Race, ForOneHandOver) {
    const auto body = json{
        {"caller", GetParam().caller},
        {"held_until", iso8601(SystemClock().now() + std::chrono::minutes(30))},
        {"bundles",
         {{{"source", "ext_test1"}, {"description", "Two seats"}, {"currency", "GBP"}, {"amount", 11000}}}}};
    for (int round = 0; round < rounds(); ++round) {
        const auto answers = fifty(town.v1("POST", "/transactions", body, "order-" + std::to_string(round)));
        std::set<std::string> ids;
        for (const auto& answer : answers) {
            ASSERT_THAT(answer.status, AnyOf(200, 201)) << answer.body;
            ids.insert(json::parse(answer.body).at("id"));
        }
        EXPECT_EQ(ids.size(), 1u);
        const auto all = json::parse(Town::send(town.v1("GET", "/transactions?limit=200")).body);
        EXPECT_EQ(all.at("data").size(), static_cast<std::size_t>(round) + 1);
    }
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, ForOnePurchaseUnderOneKey) {
    std::string expected;
    for (int round = 0; round < rounds(); ++round) {
        id = town.hand_over(GetParam().caller);
        const auto before = money();
        all_say(fifty(town.v1("POST", path("/purchase"), GetParam().purchase, "pay-" + id)), "purchased");
        EXPECT_EQ(town.inputs(id)["Purchase"], 1);
        if (GetParam().simulator != nullptr) {
            expected += (expected.empty() ? "" : ", ") + std::string(GetParam().bought);
            EXPECT_EQ(money(), expected);
        } else {
            EXPECT_EQ(money(), std::to_string(std::stoll(before) + 11000));
        }
    }
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, ForOnePurchaseWithoutAKey) {
    id = town.hand_over(GetParam().caller);
    const auto answers = fifty(town.v1("POST", path("/purchase"), GetParam().purchase));
    for (const auto& answer : answers) {
        ASSERT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(json::parse(answer.body).at("phase"), "purchased") << answer.body;
    }
    EXPECT_EQ(money(), once());
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, OfPurchasesAndReleases) {
    id = town.hand_over(GetParam().caller);
    const auto answers = fifty([&](std::size_t i) {
        return i % 2 == 0 ? town.v1("POST", path("/purchase"), GetParam().purchase)
                          : town.v1("POST", path("/release"));
    });
    EXPECT_THAT(statuses(answers), Each(AnyOf(200, 409)));
    EXPECT_THAT(statuses(answers), Contains(409)) << "who lost is told so";
    // Released before it began, or while it was under way, or not at all.
    const auto end = town.read_settled(id);
    EXPECT_THAT(end.at("phase"), AnyOf("purchased", "released", "failed"));
    if (end.at("phase") == "purchased")
        EXPECT_EQ(money(), once());
    else
        EXPECT_THAT(money(), AnyOf("0", "", "held 11000, hold_gone 11000"));
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, ForOneRefundUnderOneKey) {
    purchase();
    all_say(fifty(town.v1("POST", path("/refunds"), refund_of(1000), "back")), "purchased");
    EXPECT_EQ(money(), given_back(1000));
    EXPECT_EQ(town.read(id).at("legs").at(0).at("given_back"), 1000);
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, OfRefundsOfAllThatThereIs) {
    purchase();
    const auto answers = fifty([&](std::size_t i) {
        return town.v1("POST", path("/refunds"), refund_of(11000), "back-" + std::to_string(i));
    });
    // Each is a refund of its own, and there is money for one.
    EXPECT_EQ(counted(answers)[200], 1u);
    EXPECT_THAT(statuses(answers), Each(AnyOf(200, 400, 409)));
    EXPECT_EQ(money(), given_back(11000));
    EXPECT_EQ(town.read(id).at("legs").at(0).at("given_back"), 11000);
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, ForOneCancellation) {
    purchase();
    all_say(fifty(town.v1("POST", path("/cancel"), json::object(), "off")), "cancelled");
    EXPECT_EQ(money(), given_back(11000));
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_P(Race, OfCancellationsWithoutAKey) {
    purchase();
    const auto answers = fifty(town.v1("POST", path("/cancel"), json::object()));
    EXPECT_THAT(statuses(answers), Each(AnyOf(200, 409)));
    EXPECT_GE(counted(answers)[200], 1u);
    EXPECT_EQ(town.read_until(id, "cancelled").at("legs").at(0).at("given_back"), 11000);
    EXPECT_EQ(money(), given_back(11000));
    EXPECT_EQ(town.stop_and_verify(), "");
}

INSTANTIATE_TEST_SUITE_P(EachWay, Race, testing::ValuesIn(ways), [](const auto& param) {
    const std::string caller = param.param.caller;
    return caller == "demo" ? "OnCredit" : caller == "demo-stripe" ? "Stripe" : "Borgun";
});

// ---- the customer's way there and back ------------------------------------------------------------------

class WayBack : public testing::Test {
  protected:
    Town town;
    /// Sent away, and paid at the house's page; where the browser comes back to.
    std::string paid(const std::string& act = "pay_get") {
        id = town.hand_over("demo-redirect");
        const auto away = Town::send(
            town.v1("POST", "/transactions/" + id + "/purchase", {{"return", {{"via", "kassi"}}}}));
        return town.at_the_page(json::parse(away.body), act);
    }
    std::string id;
};

TEST_F(WayBack, FiftyPurchasesLeadToOnePage) {
    id = town.hand_over("demo-redirect");
    const auto answers =
        fifty(town.v1("POST", "/transactions/" + id + "/purchase", {{"return", {{"via", "kassi"}}}}));
    all_say(answers, "authorising");
    // One session: the house knows one page for it, and paying it is one payment.
    const auto back = town.at_the_page(json::parse(answers.front().body), "pay_get");
    EXPECT_EQ(Town::send({"GET", back, {}, "", ""}).status, 200);
    EXPECT_EQ(town.read_until(id, "purchased").at("legs").size(), 1u);
    EXPECT_EQ(town.ledger(""), "taken 11000");
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_F(WayBack, TheSameReturnByGetAndByPostCountsOnce) {
    std::string expected;
    for (int round = 0; round < rounds(); ++round) {
        const auto back = paid();
        ASSERT_NE(back, "");
        const auto query = back.find('?');
        const auto answers = fifty([&](std::size_t i) -> HttpRequest {
            if (i % 2 == 0) return {"GET", back, {}, "", ""};
            return {"POST",
                    back.substr(0, query),
                    {{"Content-Type", "application/x-www-form-urlencoded"}},
                    back.substr(query + 1),
                    ""};
        });
        std::set<std::string> pages;
        for (const auto& answer : answers) {
            EXPECT_EQ(answer.status, 200);
            const auto title = answer.body.find("<h1>");
            pages.insert(answer.body.substr(title, answer.body.find("</h1>") - title));
        }
        EXPECT_EQ(pages.size(), 1u) << *pages.begin() << *pages.rbegin();
        EXPECT_EQ(town.read(id).at("phase"), "purchased");
        EXPECT_EQ(town.inputs(id)["Return"], 1);
        expected += expected.empty() ? "taken 11000" : ", taken 11000";
        EXPECT_EQ(town.ledger(""), expected);
    }
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_F(WayBack, OfFiftyDifferentReturnsOneSpendsTheToken) {
    const auto back = paid();
    const auto answers = fifty([&](std::size_t i) -> HttpRequest {
        return {"GET", back + "&mine=" + std::to_string(i), {}, "", ""};
    });
    const auto by_status = counted(answers);
    EXPECT_EQ(by_status, (std::map<int, std::size_t>{{200, 1}, {410, at_once - 1}}));
    EXPECT_EQ(town.read_until(id, "purchased").at("legs").at(0).at("taken"), 11000);
    EXPECT_EQ(town.ledger(""), "taken 11000");
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST_F(WayBack, AReturnANoticeAndACancellationAtOnce) {
    for (int round = 0; round < rounds(); ++round) {
        const auto back = paid();
        const auto answers = fifty([&](std::size_t i) -> HttpRequest {
            if (i % 2 == 0) return {"GET", back, {}, "", ""};
            return town.v1("POST", "/transactions/" + id + "/cancel", json::object());
        });
        EXPECT_THAT(statuses(answers), Each(AnyOf(200, 202, 409, 410)));
        // Whoever was first: it ends, and the house has as much as we say.
        const auto end = town.read_settled(id);
        const auto& leg = end.at("legs").at(0);
        EXPECT_EQ(leg.at("taken").get<std::int64_t>() - leg.at("given_back").get<std::int64_t>(),
                  end.at("phase") == "purchased" ? 11000 : 0)
            << end.dump();
        EXPECT_EQ(town.kept("", id), end.at("phase") == "purchased" ? 11000 : 0) << town.ledger("");
    }
    EXPECT_EQ(town.stop_and_verify(), "");
}

HttpRequest redirect_notice(const Town& town, const std::string& body) {
    const auto seconds = std::to_string(
        std::chrono::floor<std::chrono::seconds>(SystemClock().now()).time_since_epoch().count());
    const auto house = demo_houses(town.key, town.simulators("")).merchants.at(0);
    const auto digest = crypto::hmac_sha256(house.notice_secret, seconds + "." + body);
    return {"POST",
            town.url("/webhooks/redirect/" + house.name),
            {{"Content-Type", "application/json"},
             {"Redirect-Signature", "t=" + seconds + ",v1=" + encoding::hex(crypto::to_bytes(digest))}},
            body,
            ""};
}

TEST_F(WayBack, TheSameNoticeCountsOnce) {
    // The house's own notices do not come: those of this test are all that tells of the payment.
    town.faults("", R"({"rules":[{"on":"notice","do":"dead","times":1000}]})");
    std::string expected;
    for (int round = 0; round < rounds(); ++round) {
        paid("pay_stay");
        const auto answers = fifty(redirect_notice(town, json{{"event_id", "ev_" + std::to_string(round)},
                                                              {"type", "session.paid"},
                                                              {"session", "rs_x"},
                                                              {"reference", id + "-1"},
                                                              {"status", "paid"},
                                                              {"amount", 11000},
                                                              {"currency", "GBP"},
                                                              {"refunded", 0}}
                                                             .dump()));
        for (const auto& answer : answers) EXPECT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(town.read_until(id, "purchased").at("legs").at(0).at("taken"), 11000);
        EXPECT_EQ(town.inputs(id)["Notice"], 1);
        expected += expected.empty() ? "taken 11000" : ", taken 11000";
        EXPECT_EQ(town.ledger(""), expected);
    }
    EXPECT_EQ(town.stop_and_verify(), "");
}

// ---- a webhook of Stripe --------------------------------------------------------------------------------

TEST(StripeRace, TheSameEventCountsOnce) {
    Town town;
    town.faults("/stripe", R"({"rules":[{"on":"webhook","do":"lost","times":1000}]})");
    const auto id = town.hand_over("demo-stripe");
    const auto bought =
        Town::send(town.v1("POST", "/transactions/" + id + "/purchase",
                           {{"credentials", {{"ext_test1", {{"stripe_token", "tok_visa"}}}}}}));
    ASSERT_EQ(json::parse(bought.body).at("phase"), "purchased") << bought.body;
    std::string intent;
    const auto ledger = json::parse(Town::send({"GET", town.simulators("/stripe/_ledger"), {}, "", ""}).body);
    for (const auto& entry : ledger.at("entries")) intent = entry.at("intent");
    // Given back in the dashboard, as the event tells.
    const auto key = stripe_secret_key(town.key);
    const auto refund = Town::send(
        {"POST",
         town.simulators("/v1/refunds"),
         {{"Authorization", "Bearer " + key}, {"Content-Type", "application/x-www-form-urlencoded"}},
         "payment_intent=" + intent + "&amount=1000",
         ""});
    ASSERT_EQ(refund.status, 200) << refund.body;
    const auto charge = json::parse(refund.body).at("charge").get<std::string>();
    const auto charged = Town::send(
        {"GET", town.simulators("/v1/charges/" + charge), {{"Authorization", "Bearer " + key}}, "", ""});
    ASSERT_EQ(charged.status, 200) << charged.body;
    const auto body = json{{"id", "evt_1"},
                           {"object", "event"},
                           {"livemode", false},
                           {"type", "charge.refunded"},
                           {"data", {{"object", json::parse(charged.body)}}}}
                          .dump();
    const auto seconds = std::to_string(
        std::chrono::floor<std::chrono::seconds>(SystemClock().now()).time_since_epoch().count());
    const auto digest = crypto::hmac_sha256(stripe_webhook_secret(town.key), seconds + "." + body);
    const auto answers = fifty(
        HttpRequest{"POST",
                    town.url("/webhooks/stripe/" + std::string(stripe_merchant)),
                    {{"Content-Type", "application/json"},
                     {"Stripe-Signature", "t=" + seconds + ",v1=" + encoding::hex(crypto::to_bytes(digest))}},
                    body,
                    ""});
    for (const auto& answer : answers) EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(town.inputs(id)["Notice"], 1);
    // The event is a hint: Stripe is asked.
    EXPECT_EQ(town.read_settled(id).at("legs").at(0).at("given_back"), 1000);
    EXPECT_EQ(town.ledger("/stripe"), "held 11000, taken 11000, given_back 1000");
    EXPECT_EQ(town.stop_and_verify(), "");
}

// ---- the doors of others --------------------------------------------------------------------------------

const Fields fred{{"first_name", "Fred"},
                  {"last_name", "Flintstone"},
                  {"country_code", "us"},
                  {"postcode", "70777"},
                  {"town", "Bedrock"},
                  {"county", "LA"},
                  {"email_address", "fred@slate-rock-gravel.com"},
                  {"phone", "0110134345"},
                  {"address_line_one", "301 Cobble stone road"},
                  {"supplier_can_use_customer_data", "False"},
                  {"user_can_use_customer_data", "False"},
                  {"world_can_use_customer_data", "False"}};

std::string reserved(const Town& town, const std::string& user) {
    const auto answer = Town::send(town.f13("reserve.v1",
                                            {{"perf_id", "7AB-4"},
                                             {"ticket_type_code", "STALLS"},
                                             {"price_band_code", "A/pool"},
                                             {"no_of_seats", "2"}},
                                            user));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).at("trolley_contents").at("transaction_uuid");
}

TEST(F13Race, FiftyPurchasesOnCreditAreOne) {
    Town town;
    const auto id = reserved(town, "demo");
    auto fields = fred;
    fields.emplace_back("transaction_uuid", id);
    for (const auto& answer : fifty(town.f13("purchase.v1", fields, "demo"))) {
        ASSERT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(json::parse(answer.body).at("transaction_status"), "purchased") << answer.body;
    }
    const auto end = town.read(id);
    EXPECT_EQ(end.at("legs").size(), 1u);
    const auto balances = json::parse(Town::send(town.v1("GET", "/callers/demo/balances")).body).at("data");
    ASSERT_EQ(balances.size(), 1u);
    EXPECT_EQ(balances[0].at("owed"), end.at("legs").at(0).at("amount"));
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST(F13Race, FiftyPurchasesByCardAreOne) {
    Town town;
    const auto id = reserved(town, "demo-creditcard");
    auto fields = fred;
    fields.emplace_back("transaction_uuid", id);
    fields.emplace_back("card_number", frictionless);
    fields.emplace_back("expiry_date", "1230");
    fields.emplace_back("cv_two", "737");
    for (const auto& answer : fifty(town.f13("purchase.v1", fields, "demo-creditcard"))) {
        ASSERT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(json::parse(answer.body).at("transaction_status"), "purchased") << answer.body;
    }
    const auto amount = town.read(id).at("legs").at(0).at("amount").dump();
    EXPECT_EQ(town.ledger("/borgun"), "held " + amount + ", taken " + amount);
    EXPECT_EQ(town.stop_and_verify(), "");
}

TEST(TicketOrderRace, FiftyOrdersAreOne) {
    Town town;
    std::string expected;
    for (int round = 0; round < rounds(); ++round) {
        const json order{
            {"order", {{"eventId", 1}, {"currency", "ISK"}}},
            {"orderDetails", {{{"eventSeriesTicketType", 1}, {"ticketPrice", 4990}, {"count", 2}}}},
            {"cardInfo",
             {{"paymentMethod",
               {{"paymentType", "Card"},
                {"pan", "5587402000012011"},
                {"expYear", "2031"},
                {"expMonth", "09"},
                {"cvc", "737"}}},
              {"amount", 9980},
              {"currency", "ISK"},
              {"orderId", "RACE0000" + std::to_string(1000 + round)}}}};
        std::set<std::string> said;
        for (const auto& answer : fifty(town.ticket_order(order, "app"))) {
            ASSERT_EQ(answer.status, 200) << answer.body;
            EXPECT_EQ(json::parse(answer.body).at("statusCode"), 0) << answer.body;
            said.insert(answer.body);
        }
        EXPECT_EQ(said.size(), 1u) << *said.begin() << "\n" << *said.rbegin();
        expected += (expected.empty() ? "" : ", ") + std::string("held 998000, taken 998000");
        EXPECT_EQ(town.ledger("/borgun"), expected);
    }
    EXPECT_EQ(town.stop_and_verify(), "");
}

}  // namespace
}  // namespace kassi::sandbox
