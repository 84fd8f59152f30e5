#include "service/doors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "../log_lines.hpp"
#include "base/limits.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace kassi::service {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view why = "this server does not take it";

TEST(Refusal, KeepsItsStatusInTheWordsOfEachDoor) {
    for (const int status : {400, 408, 413, 414, 417, 431, 500, 501, 503}) {
        const auto f13 = Doors::refusal(status, "/f13/purchase.v1/", why);
        EXPECT_EQ(f13.status, status);
        EXPECT_EQ(json::parse(f13.body), (json{{"error_code", status < 500 ? 8 : 4}, {"error_desc", why}}));
        const auto v1 = Doors::refusal(status, "/v1/transactions", why);
        EXPECT_EQ(v1.status, status);
        EXPECT_EQ(v1.header("Content-Type"), "application/problem+json");
        const auto problem = json::parse(v1.body);
        EXPECT_EQ(problem.at("status"), status);
        EXPECT_EQ(problem.at("detail"),
                  status == 500 ? "Something is wrong on our side; it was recorded." : why);
        EXPECT_EQ(problem.at("request_id"), v1.header("X-Request-Id"));
        EXPECT_EQ(problem.at("field"), status == 413 ? json("body") : json());
        const auto order = Doors::refusal(status, "/TicketOrder", why);
        EXPECT_EQ(order.status, status);
        EXPECT_EQ(json::parse(order.body).at("responseStatus").at("message"), why);
        const auto page = Doors::refusal(status, "/callback/x?y=z", why);
        EXPECT_EQ(page.status, status);
        EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
        EXPECT_THAT(page.body, HasSubstr(status == 503 || status >= 500 ? "Please try again in a moment"
                                                                        : "This link does not work"));
        const auto hook = Doors::refusal(status, "/webhooks/stripe/x", why);
        EXPECT_EQ(hook.status, status);
        EXPECT_EQ(json::parse(hook.body), (json{{"error", why}}));
        const auto script = Doors::refusal(status, "/callout/x/apple-pay-session", why);
        EXPECT_EQ(json::parse(script.body), (json{{"error", why}})) << "a page's script reads it";
        for (const auto* response : {&f13, &v1, &order, &page, &hook, &script}) {
            EXPECT_NE(response->header("X-Request-Id"), "");
            EXPECT_EQ(response->header("Retry-After"), status == 503 ? "1" : "");
        }
    }
}

TEST(Refusal, HasTheTitleOfItsStatus) {
    const auto problem = [](int status) {
        const auto body = json::parse(Doors::refusal(status, "/v1/ways", why).body);
        return body.at("type").get<std::string>() + " " + body.at("title").get<std::string>();
    };
    EXPECT_EQ(problem(400), "urn:kassi:problem:bad-request The request is not valid");
    EXPECT_EQ(problem(408), "about:blank Request Timeout");
    EXPECT_EQ(problem(413), "urn:kassi:problem:too-large Too large");
    EXPECT_EQ(problem(414), "about:blank URI Too Long");
    EXPECT_EQ(problem(417), "about:blank Expectation Failed");
    EXPECT_EQ(problem(431), "about:blank Request Header Fields Too Large");
    EXPECT_EQ(problem(500), "urn:kassi:problem:internal Internal error");
    EXPECT_EQ(problem(501), "about:blank Not Implemented");
    EXPECT_EQ(problem(503), "urn:kassi:problem:unavailable Not available now");
}

TEST(Refusal, IsALogLine) {
    const LogLines log;
    const auto response = Doors::refusal(414, "/v1/secret-token", why);
    auto line = log.last("refused");
    EXPECT_EQ(line.at("level"), "info");
    EXPECT_EQ(line.at("door"), "v1");
    EXPECT_EQ(line.at("status"), "414");
    EXPECT_EQ(line.at("why"), why);
    EXPECT_EQ(line.at("request"), response.header("X-Request-Id"));
    EXPECT_EQ(log.text().find("secret-token"), std::string::npos);
    static_cast<void>(Doors::refusal(503, "", why));
    EXPECT_EQ(log.last("refused").at("level"), "error");
}

TEST(TooBusy, InTheWordsOfEachDoorWithoutALogLine) {
    const LogLines log;
    const auto ask = [](std::string target, std::string accept = "*/*") {
        return Doors::too_busy(
            {"POST", std::move(target), {{"Accept", std::move(accept)}, {"X-Request-Id", "mine"}}, "", ""});
    };
    const auto f13 = ask("/f13/purchase.v1"), v1 = ask("/v1/transactions"), order = ask("/ticketOrder"),
               page = ask("/callback/x"), hook = ask("/webhooks/redirect/x"),
               shop = ask("/shop/x", "text/html");
    EXPECT_EQ(json::parse(f13.body).at("error_code"), 4);
    EXPECT_EQ(json::parse(v1.body).at("type"), "urn:kassi:problem:unavailable");
    EXPECT_EQ(json::parse(order.body).at("responseStatus").at("errorCode"), "ServiceUnavailable");
    EXPECT_THAT(page.body, HasSubstr("<h1>"));
    EXPECT_THAT(json::parse(hook.body).at("error"), HasSubstr("nothing was changed"));
    EXPECT_THAT(shop.body, HasSubstr("<h1>")) << "who asks for a page gets one";
    for (const auto* response : {&f13, &v1, &order, &page, &hook, &shop}) {
        EXPECT_EQ(response->status, 503);
        EXPECT_EQ(response->header("Retry-After"), "1");
        EXPECT_EQ(response->header("X-Request-Id"), "mine");
        EXPECT_EQ(response->header("Cache-Control"), "no-store");
    }
    EXPECT_EQ(log.text(), "") << "there may be many";
}

TEST(Refusal, OfABodyThatIsTooLarge) {
    boost::asio::io_context io{1};
    http::ServerOptions options;
    options.refusal = Doors::refusal;
    const http::Server server(io, std::move(options), [](const HttpRequest&, const Reply& reply) {
        ADD_FAILURE() << "a door saw it";
        reply({});
    });
    http::Client client(io, {});
    for (const std::string target : {"/f13/purchase.v1/", "/v1/transactions"}) {
        std::optional<HttpResponse> answer;
        client.send({"POST",
                     "http://127.0.0.1:" + std::to_string(server.port()) + target,
                     {{"Content-Type", "application/json"}},
                     std::string(2 * limits::request_body_bytes_max, 'x'),
                     ""},
                    std::chrono::seconds(60), [&](http::Outcome outcome) {
                        if (auto* response = std::get_if<HttpResponse>(&outcome))
                            answer = std::move(*response);
                        io.stop();
                    });
        io.restart();
        io.run();
        ASSERT_TRUE(answer) << target;
        EXPECT_EQ(answer->status, 413);
        EXPECT_NE(answer->header("X-Request-Id"), "");
        const auto body = json::parse(answer->body);
        EXPECT_EQ(body.at(target.starts_with("/f13/") ? "error_desc" : "detail"),
                  "the body is larger than this server takes");
    }
}

}  // namespace
}  // namespace kassi::service
