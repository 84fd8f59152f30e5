#include "api/ticket_order/routes.hpp"

#include <gtest/gtest.h>

namespace kassi::api::ticket_order {
namespace {

HttpRequest request(std::string method, std::string target, std::string content_type = "",
                    std::string accept = "", std::string body = "") {
    HttpRequest made{std::move(method), std::move(target), {}, std::move(body), ""};
    if (!content_type.empty()) made.headers.emplace_back("Content-Type", std::move(content_type));
    if (!accept.empty()) made.headers.emplace_back("Accept", std::move(accept));
    return made;
}

TEST(Routes, PathsAndWhatTheyReadAndAnswer) {
    struct Row {
        const char* target;
        BodyForm body;  // of one without Content-Type that could be read
        Format answer;
        bool query_wins, one_way;
    };
    const Row rows[] = {
        {"/ticketOrder.json", BodyForm::none, Format::json, true, false},
        {"/ticketOrder.jsv", BodyForm::none, Format::jsv, true, false},
        {"/TICKETORDER.JSV", BodyForm::none, Format::jsv, true, false},
        {"/ticketOrder", BodyForm::none, Format::json, true, false},
        {"/ticketOrder/", BodyForm::none, Format::json, true, false},
        {"/api/TicketOrder", BodyForm::json, Format::json, false, false},
        {"/API/ticketorder/", BodyForm::json, Format::json, false, false},
        {"/api/TicketOrder.jsv", BodyForm::jsv, Format::jsv, false, false},
        {"/api/TicketOrder.json", BodyForm::json, Format::json, false, false},
        {"/json/reply/TicketOrder", BodyForm::json, Format::json, false, false},
        {"/jsv/reply/TicketOrder", BodyForm::jsv, Format::jsv, false, false},
        {"/json/oneway/TicketOrder", BodyForm::json, Format::json, false, true},
        {"/jsv/oneway/TicketOrder", BodyForm::jsv, Format::jsv, false, true},
        {"/api/Ticket%4Frder", BodyForm::json, Format::json, false, false},
    };
    for (const auto& row : rows) {
        EXPECT_TRUE(is_ours(HttpRequest{"GET", row.target, {}, "", ""}.path())) << row.target;
        const auto get = route_of(request("GET", row.target));
        ASSERT_TRUE(get) << row.target;
        EXPECT_EQ(get->body, BodyForm::none) << row.target;
        EXPECT_EQ(get->answer, row.answer) << row.target;
        EXPECT_EQ(get->query_wins, row.query_wins) << row.target;
        EXPECT_EQ(get->one_way, row.one_way) << row.target;
        const auto post = route_of(request("POST", row.target, "text/plain;charset=UTF-8", "", "{}"));
        if (row.body == BodyForm::none)
            EXPECT_EQ(post.error().kind, ErrorKind::unsupported_media) << row.target;
        else
            EXPECT_EQ(post->body, row.body) << row.target;
    }
}

TEST(Routes, BodiesByContentType) {
    const std::pair<const char*, BodyForm> rows[] = {{"application/json", BodyForm::json},
                                                     {"text/json", BodyForm::json},
                                                     {"Application/JSON; charset=utf-8", BodyForm::json},
                                                     {"application/jsv", BodyForm::jsv},
                                                     {"text/jsv", BodyForm::jsv},
                                                     {"application/x-www-form-urlencoded", BodyForm::fields},
                                                     {"multipart/form-data; boundary=x", BodyForm::fields}};
    for (const auto& [type, form] : rows) {
        EXPECT_EQ(route_of(request("POST", "/ticketOrder", type, "", "x"))->body, form) << type;
        EXPECT_EQ(route_of(request("POST", "/ticketOrder", type, "", ""))->body, BodyForm::none) << type;
        EXPECT_EQ(route_of(request("POST", "/api/TicketOrder", type, "", "x"))->body,
                  form == BodyForm::fields ? BodyForm::fields : BodyForm::json)
            << type;
    }
    for (const auto* type : {"", "text/plain", "application/xml"})
        EXPECT_EQ(route_of(request("POST", "/ticketOrder", type, "", "x")).error().field, "Content-Type")
            << type;
    auto packed = request("POST", "/api/TicketOrder", "application/json", "", "x");
    packed.headers.emplace_back("Content-Encoding", "gzip");
    EXPECT_EQ(route_of(packed).error().kind, ErrorKind::unsupported_media);
    packed.headers.back().second = "identity";
    EXPECT_TRUE(route_of(packed));
}

TEST(Routes, AnswersByAccept) {
    struct Row {
        const char* content_type;
        const char* accept;
        const char* answer;
    };
    constexpr auto json = "application/json; charset=utf-8";
    const Row rows[] = {
        {"application/json", "*/*", json},
        {"", "", json},
        {"", "*/*", json},
        {"", "application/json", json},
        {"", "application/jsv", "application/jsv"},
        {"", "text/jsv", "text/jsv"},
        {"text/jsv", "", json},
        {"text/jsv", "*/*", "text/jsv"},
        {"application/jsv", "*/*;q=0.8", "application/jsv"},
        {"application/x-www-form-urlencoded", "*/*", json},
        {"", "text/html,*/*;q=0.8", json},
        {"text/jsv", "text/html,*/*;q=0.8", json},
        {"application/jsv", "application/json, application/jsv", "application/jsv"},
        {"application/json", "application/jsv;q=1, application/json;q=0.1", json},
        {"", "application/jsv, application/json", json},
        {"", "Application/JSV ; q=0.3 , ", "application/jsv"},
        {"", "image/png", json},
        {"text/jsv", "text/jsv", "text/jsv"},
    };
    for (const auto& row : rows) {
        const auto route = route_of(request("POST", "/ticketOrder", row.content_type, row.accept));
        EXPECT_EQ(route->content_type, row.answer) << row.content_type << " | " << row.accept;
        EXPECT_EQ(route->answer == Format::jsv, std::string_view(row.answer).ends_with("jsv"));
        EXPECT_EQ(spoken(request("POST", "/ticketOrder", row.content_type, row.accept)).content_type,
                  row.answer);
    }
}

TEST(Routes, FormatInTheQueryGoesFirstThenThePath) {
    const auto answer = [](const char* target, const char* accept) {
        return route_of(request("GET", target, "", accept))->content_type;
    };
    EXPECT_EQ(answer("/ticketOrder?format=jsv", "application/json"), "application/jsv");
    EXPECT_EQ(answer("/ticketOrder?Format=JSV.x", "text/jsv"), "text/jsv");
    EXPECT_EQ(answer("/ticketOrder.jsv?format=json", "application/jsv"), "application/json; charset=utf-8");
    EXPECT_EQ(answer("/jsv/reply/TicketOrder?format=json", ""), "application/json; charset=utf-8");
    EXPECT_EQ(answer("/ticketOrder.jsv", "application/json"), "application/jsv");
    EXPECT_EQ(answer("/json/reply/TicketOrder", "application/jsv"), "application/json; charset=utf-8");
    EXPECT_EQ(answer("/ticketOrder?format=", "application/jsv"), "application/jsv");
    // ?format says how it is answered, not how the body is read.
    EXPECT_EQ(route_of(request("POST", "/api/TicketOrder?format=jsv", "", "", "{}"))->body, BodyForm::json);
}

TEST(Routes, Refusals) {
    struct Row {
        const char* method;
        const char* target;
        ErrorKind kind;
    };
    const Row rows[] = {
        {"PUT", "/ticketOrder", ErrorKind::not_found},
        {"HEAD", "/ticketOrder", ErrorKind::not_found},
        {"GET", "/ticketOrder.xml", ErrorKind::not_found},
        {"GET", "/ticketOrder.csv", ErrorKind::not_found},
        {"GET", "/ticketOrders", ErrorKind::not_found},
        {"GET", "/ticketOrder/get", ErrorKind::not_found},
        {"GET", "/ticketOrder//", ErrorKind::not_found},
        {"GET", "/", ErrorKind::not_found},
        {"GET", "", ErrorKind::not_found},
        {"GET", "/xml/reply/TicketOrder", ErrorKind::not_found},
        {"GET", "/json/metadata", ErrorKind::not_found},
        {"GET", "/api/TicketOrder%", ErrorKind::not_found},
        {"PUT", "/api/TicketOrder", ErrorKind::method_not_allowed},
        {"DELETE", "/json/reply/TicketOrder", ErrorKind::method_not_allowed},
        {"POST", "/api/TicketOrder[]", ErrorKind::method_not_allowed},
        {"POST", "/api/TicketOrder%5B%5D", ErrorKind::method_not_allowed},
        {"POST", "/json/reply/TicketOrder[]", ErrorKind::method_not_allowed},
        {"POST", "/api/Other", ErrorKind::method_not_allowed},
        {"POST", "/api/TicketOrder.xml", ErrorKind::method_not_allowed},
        {"GET", "/ticketOrder?callback=cb", ErrorKind::bad_request},
        {"GET", "/ticketOrder?format=xml", ErrorKind::bad_request},
        {"GET", "/ticketOrder?x=%zz", ErrorKind::bad_request},
    };
    for (const auto& row : rows) {
        const auto route = route_of(request(row.method, row.target));
        ASSERT_FALSE(route) << row.target;
        EXPECT_EQ(route.error().kind, row.kind) << row.method << " " << row.target;
    }
    EXPECT_FALSE(is_ours("/v1/transactions"));
    EXPECT_TRUE(is_ours("/api/Other"));
    EXPECT_EQ(spoken(request("GET", "/jsv/reply/Other")).format, Format::jsv);
}

TEST(Routes, QueryAndBodyOfARequest) {
    const auto incoming = [](const HttpRequest& made) { return incoming_of(made, *route_of(made)); };
    const auto form =
        request("POST", "/ticketOrder?a=1", "application/x-www-form-urlencoded", "", "b=%7Bc%3A2%7D&b=3");
    EXPECT_EQ(incoming(form)->form, BodyForm::fields);
    EXPECT_EQ(incoming(form)->fields, (Fields{{"b", "{c:2}"}, {"b", "3"}}));
    EXPECT_EQ(incoming(form)->query, (Fields{{"a", "1"}}));
    EXPECT_TRUE(incoming(form)->query_wins);
    const auto parts =
        request("POST", "/api/TicketOrder", "multipart/form-data; boundary=x", "",
                "--x\r\nContent-Disposition: form-data; name=\"order\"\r\n\r\n{eventId:1}\r\n--x--\r\n");
    EXPECT_EQ(incoming(parts)->fields, (Fields{{"order", "{eventId:1}"}}));
    EXPECT_FALSE(incoming(parts)->query_wins);
    const auto json = request("POST", "/api/TicketOrder", "text/plain", "", "{}");
    EXPECT_EQ(incoming(json)->body, "{}");
    EXPECT_FALSE(incoming(request("POST", "/ticketOrder", "application/x-www-form-urlencoded", "", "a=%zz")));
    const auto long_form = [&](std::size_t bytes) {
        return request("POST", "/ticketOrder", "application/x-www-form-urlencoded", "",
                       "a=" + std::string(bytes - 2, 'x'));
    };
    EXPECT_TRUE(incoming(long_form(64 * 1024)));
    EXPECT_EQ(incoming(long_form(64 * 1024 + 1)).error().kind, ErrorKind::too_large);
}

}  // namespace
}  // namespace kassi::api::ticket_order
