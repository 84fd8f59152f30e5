#include "api/router.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace kassi::api {
namespace {

Handler says(const std::string& text, Fields headers = {}) {
    return [text, headers](const HttpRequest&, const Reply& reply) { reply({200, headers, text}); };
}

HttpResponse ask(const Handler& handler, const std::string& target, Fields headers = {}) {
    std::optional<HttpResponse> answer;
    handler({"GET", target, std::move(headers), "", ""},
            [&](HttpResponse response) { answer = std::move(response); });
    return answer.value_or(HttpResponse{});
}

TEST(Router, ACardNumberIsNoRequestId) {
    for (const char* card :
         {"4111111111111111", "4111-1111-1111-1111", "5555.5555.5555.4444", "378282246310005"}) {
        EXPECT_TRUE(is_card_number(card)) << card;
        EXPECT_FALSE(is_request_id(card)) << card;
    }
    for (const char* id : {"4111111111111112", "1732740000000", "41111111111111111111", "411111111111",
                           "a4111111111111111", "20261127-180311-7", "019ba503-1000-74e7-9c30-25f75680281d"})
        EXPECT_TRUE(is_request_id(id)) << id;
}

TEST(Router, TakesTheLongestPrefix) {
    const auto handler = route(
        {{"/", says("rest")}, {"/v1/", says("v1")}, {"/v1/inner/", says("inner")}, {"/f13/", says("f13")}});
    EXPECT_EQ(ask(handler, "/v1/transactions").body, "v1");
    EXPECT_EQ(ask(handler, "/v1/inner/x?y=/f13/").body, "inner");
    EXPECT_EQ(ask(handler, "/f13/test.v1").body, "f13");
    EXPECT_EQ(ask(handler, "/v1").body, "rest");
    EXPECT_EQ(ask(handler, "/other").body, "rest");
}

TEST(Router, WhoSaysItselfThatItTakesAPathComesBetweenPrefixesAndTheRest) {
    const auto handler =
        route({{"/v1/", says("v1")},
               {"", says("odd"), [](std::string_view path) { return path == "/V1/x" || path == "/v1/odd"; }},
               {"/", says("rest")}});
    EXPECT_EQ(ask(handler, "/V1/x?y=1").body, "odd");
    EXPECT_EQ(ask(handler, "/v1/odd").body, "v1");
    EXPECT_EQ(ask(handler, "/v1/other").body, "v1");
    EXPECT_EQ(ask(handler, "/odd").body, "rest");
}

TEST(Router, AnswersInJsonWhereNothingIs) {
    const auto response = ask(route({{"/v1/", says("v1")}}), "/v2/");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.header("Content-Type"), "application/json");
    EXPECT_NE(response.header("X-Request-Id"), "");
}

TEST(Router, AddsWhatHandlersLeaveOut) {
    const auto handler = route(
        {{"/a", says("")}, {"/b", says("", {{"Cache-Control", "max-age=60"}, {"X-Request-Id", "mine"}})}});
    EXPECT_EQ(ask(handler, "/a").header("Cache-Control"), "no-store");
    EXPECT_EQ(ask(handler, "/a", {{"X-Request-Id", "theirs"}}).header("X-Request-Id"), "theirs");
    EXPECT_EQ(ask(handler, "/b").header("Cache-Control"), "max-age=60");
    EXPECT_EQ(ask(handler, "/b", {{"X-Request-Id", "theirs"}}).header("X-Request-Id"), "mine");
    EXPECT_NE(ask(handler, "/a").header("X-Request-Id"), ask(handler, "/a").header("X-Request-Id"));
}

TEST(Router, DoesNotRepeatAnImproperId) {
    const auto handler = route({{"/a", says("")}});
    for (const auto& id : {std::string("two words"), std::string("\x01"), std::string(129, 'x')})
        EXPECT_NE(ask(handler, "/a", {{"X-Request-Id", id}}).header("X-Request-Id"), id);
    const std::string longest(128, 'x');
    EXPECT_EQ(ask(handler, "/a", {{"X-Request-Id", longest}}).header("X-Request-Id"), longest);
}

}  // namespace
}  // namespace kassi::api
