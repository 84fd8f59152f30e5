#include <gmock/gmock.h>

#include "../log_lines.hpp"
#include "house.hpp"
#include "page_reader.hpp"

namespace kassi::doors {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view form_type = "application/x-www-form-urlencoded";

/// Path and query of an address of ours.
std::string target_of(const std::string& address) {
    EXPECT_THAT(address, StartsWith(std::string(House::public_url) + "/"));
    return address.substr(House::public_url.size());
}

std::string callout_target(const json& transaction) {
    return target_of(transaction["callout"]["page_url"].get<std::string>());
}

void expect_page(const HttpResponse& response, int status, const std::string& title) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(header(response, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(header(response, "Cache-Control"), "no-store");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_THAT(header(response, "Content-Security-Policy"), StartsWith("default-src 'none'; "));
    EXPECT_THAT(response.body, HasSubstr("<h1>" + title + "</h1>"));
}

TEST(Return, ByGetShowsTheResult) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    EXPECT_EQ(away["callout"]["return_token"], nullptr);
    const auto back = target_of(house.customer(away, "pay_get"));
    const auto response = house.browse("GET", back);
    expect_page(response, 200, "Paid");
    EXPECT_THAT(response.body, HasSubstr("£12.50"));
    EXPECT_THAT(response.body, HasSubstr(away["reference"].get<std::string>()));
    EXPECT_THAT(response.body, Not(HasSubstr("redirect-get")));
    EXPECT_EQ(house.read(away)["phase"], "purchased");
}

TEST(Return, ByPostReadsBothKindsOfForms) {
    House house;
    const std::string multipart =
        "--frontier\r\nContent-Disposition: form-data; name=\"success\"\r\n\r\nyes\r\n--frontier--\r\n";
    const std::vector<std::pair<std::string, std::string>> forms{
        {"success=yes", std::string(form_type)}, {multipart, "multipart/form-data; boundary=frontier"}};
    for (const auto& [body, type] : forms) {
        const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
        auto back = target_of(house.customer(away, "pay_get"));
        back.resize(back.find('?'));
        expect_page(house.browse("POST", back, body, type), 200, "Paid");
    }
}

TEST(Return, MergesAddressAndBodyInOrder) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    auto back = target_of(house.customer(away, "pay_get"));
    back.resize(back.find('?'));
    expect_page(house.browse("POST", back + "?b=1&a=2", "success=yes&b=3", std::string(form_type)), 200,
                "Paid");
    const auto journal =
        json::parse(house.get("/v1/transactions/" + away["id"].get<std::string>() + "/journal").body);
    std::vector<std::string> names;
    for (const auto& row : journal["data"])
        for (const auto& event : row["events"])
            if (event["event"] == "CustomerBack")
                for (const auto& field : event["fields"]) names.push_back(field["name"]);
    EXPECT_THAT(names, testing::ElementsAre("b", "a", "success", "b"));
    // The same return in another spelling is the same return.
    expect_page(house.browse("GET", back + "?b=1&a=2&success=yes&b=3"), 200, "Paid");
}

TEST(Return, IsTakenOnce) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto back = target_of(house.customer(away, "pay_get"));
    const auto first = house.browse("GET", back);
    const auto again = house.browse("GET", back);
    EXPECT_EQ(again.status, first.status);
    expect_page(again, 200, "Paid");
    expect_page(house.browse("GET", back + "&more=1"), 410, "This page was used already");
    EXPECT_EQ(house.read(away)["phase"], "purchased");
}

TEST(Return, OfARefusalIsNotPaid) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    expect_page(house.browse("GET", target_of(house.customer(away, "refuse"))), 200, "Not paid");
    EXPECT_EQ(house.read(away)["phase"], "failed");
}

TEST(Return, GoesOnToTheNextCallout) {
    House house;
    const auto away = house.purchase_via_kassi(
        house.hand_over("demo-redirect", json::array({bundle("ext_test0", 100), bundle("ext_test1", 200)})));
    const auto back = target_of(house.customer(away, "pay_get"));
    const auto first = house.browse("GET", back);
    EXPECT_EQ(first.status, 303);
    const auto second = house.read(away);
    EXPECT_EQ(header(first, "Location"), second["callout"]["page_url"]);
    EXPECT_EQ(second["callout"]["leg"], 2);
    EXPECT_EQ(header(house.browse("GET", back), "Location"), header(first, "Location"));
    expect_page(house.browse("GET", target_of(house.customer(second, "pay_get"))), 200, "Paid");
    expect_page(house.browse("GET", back), 200, "Paid");
}

TEST(Return, EndsAtTheLandingUrl) {
    House house;
    const auto away =
        house.purchase_via_kassi(house.hand_over("demo-redirect"), "http://shop.example/thanks");
    const auto back = target_of(house.customer(away, "pay_get"));
    const auto response = house.browse("GET", back);
    EXPECT_EQ(response.status, 303);
    EXPECT_EQ(header(response, "Location"), "http://shop.example/thanks?transaction=" +
                                                away["id"].get<std::string>() + "&status=purchased");
    EXPECT_EQ(header(house.browse("GET", back), "Location"), header(response, "Location"));
}

TEST(Return, IsWorkedOnWhenTheProviderTakesItsTime) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect-post"));
    auto back = target_of(house.customer(away, "pay_get"));
    back.resize(back.find('?'));
    house.world.is_silent = true;
    const auto begun =
        house.begin({"POST", back, {{"Content-Type", std::string(form_type)}}, "success=yes&x=%3C1%3E", ""});
    ASSERT_TRUE(house.queue.run_until([&] { return house.engine->metrics().calls_open == 1; }));
    house.forward(house.settings.answer_within);
    const auto response = house.answer_of(begun);
    expect_page(response, 200, "Being worked on");
    // The page asks again with the same return.
    const auto form = callbacks::form_of(response.body);
    ASSERT_TRUE(form.has_value());
    EXPECT_EQ(form->fields, (Fields{{"success", "yes"}, {"x", "<1>"}}));
    house.world.answer_all();
    expect_page(house.browse("POST", "/callback/" + form->action, encoding::form(form->fields)), 200, "Paid");
}

TEST(Return, RefusesWhatItCannotTake) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto back = target_of(house.customer(away, "pay_get"));
    const auto address = back.substr(0, back.find('?'));
    expect_page(house.browse("GET", "/callback/AAAAAAAAAAAAAAAAAAAAAA?success=yes"), 400,
                "This link does not work");
    expect_page(house.browse("GET", "/callback/"), 400, "This link does not work");
    expect_page(house.browse("GET", "/callback/a/b"), 400, "This link does not work");
    expect_page(house.browse("GET", "/callback/%G1"), 400, "This link does not work");
    expect_page(house.browse("GET", callout_target(away).replace(0, 9, "/callback/")), 400,
                "This link does not work");
    expect_page(house.browse("GET", address + "?success=%"), 400, "This link does not work");
    expect_page(house.browse("GET", address + "?success=%FF"), 400, "This link does not work");
    expect_page(house.browse("POST", address, "{}", "application/json"), 415, "This link does not work");
    const auto response = house.browse("PUT", address);
    expect_page(response, 405, "This does not work here");
    EXPECT_EQ(header(response, "Allow"), "GET, POST");
    // None of this spent the token.
    EXPECT_EQ(house.read(away)["legs"][0]["state"], "called_out");
    expect_page(house.browse("GET", back), 200, "Paid");
}

TEST(Return, IsALogLineWithItsReason) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto back = target_of(house.customer(away, "pay_get"));
    const LogLines log;
    auto response = house.browse("GET", back);
    auto line = log.last("callback");
    EXPECT_EQ(line["method"], "GET");
    EXPECT_EQ(line["operation"], "/callback/{token}");
    EXPECT_EQ(line["status"], "200");
    EXPECT_EQ(line["level"], "info");
    EXPECT_EQ(line["transaction"], away["id"]);
    EXPECT_EQ(line["why"], "");
    EXPECT_EQ(line["request"], header(response, "X-Request-Id"));
    response = house.ask({"GET", back + "&more=1", {{"X-Request-Id", "theirs"}}, "", ""});
    EXPECT_EQ(response.status, 410);
    EXPECT_EQ(header(response, "X-Request-Id"), "theirs");
    line = log.last("callback");
    EXPECT_EQ(line["status"], "410");
    EXPECT_EQ(line["transaction"], away["id"]);
    EXPECT_EQ(line["why"], "token this return was used already");
    EXPECT_EQ(line["request"], "theirs");
    house.browse("GET", "/callback/AAAAAAAAAAAAAAAAAAAAAA");
    line = log.last("callback");
    EXPECT_EQ(line["transaction"], "");
    EXPECT_EQ(line["why"], "token was never issued");
    const auto token = back.substr(10, back.find('?') - 10);
    EXPECT_EQ(log.text().find(token), std::string::npos);
}

TEST(Return, OfACallersTokenBelongsToTheCaller) {
    House house;
    house.purchase_via_caller(house.hand_over("demo-redirect"), "theirs");
    expect_page(house.browse("GET", "/callback/theirs?success=yes"), 400, "This link does not work");
}

TEST(Return, WorksFromItsAddressAloneAfterARestart) {
    House house;
    const auto away = house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto back = target_of(house.customer(away, "pay_get"));
    house.restart();
    EXPECT_EQ(house.browse("GET", callout_target(away)).status, 303);
    expect_page(house.browse("GET", back), 200, "Paid");
    house.restart();
    expect_page(house.browse("GET", back), 200, "Paid");
}

}  // namespace
}  // namespace kassi::doors
