#include "api/v1/reading.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace kassi::api::v1 {
namespace {

using nlohmann::json;

TEST(RawMember, IsTheTextAsItCame) {
    const std::string_view text = R"( { "a" : {"z":1.50, "b":[ 1e3,"}\"" ]} , "b":"x", "c" : -0.0 } )";
    EXPECT_EQ(raw_member(text, "a"), R"({"z":1.50, "b":[ 1e3,"}\"" ]})");
    EXPECT_EQ(raw_member(text, "b"), "\"x\"");
    EXPECT_EQ(raw_member(text, "c"), "-0.0");
    EXPECT_EQ(raw_member(text, "z"), "");
    EXPECT_EQ(raw_member(R"({"\u0064ocument":{}})", "document"), "{}");
    EXPECT_EQ(raw_member("{}", "a"), "");
    EXPECT_EQ(raw_member("[1]", "a"), "");
}

RC_GTEST_PROP(RawMember, HoldsTheValueOfEveryMember,
              (const std::map<std::string, std::vector<std::string>>& members, bool pretty)) {
    json object = json::object();
    for (const auto& [name, texts] : members) object[encoding::hex(name)] = {{"texts", json::array()}};
    for (const auto& [name, texts] : members)
        for (const auto& text : texts)
            object[encoding::hex(name)]["texts"].push_back(encoding::hex(text) + "\"\\{[,");
    const auto text = object.dump(pretty ? 2 : -1);
    for (const auto& [name, value] : object.items()) RC_ASSERT(json::parse(raw_member(text, name)) == value);
}

/// Reads one object with every kind of member; answers the first error.
std::optional<Error> trouble_of(const std::string& text) {
    const auto value = parse_json(text);
    EXPECT_TRUE(value.has_value()) << text;
    ObjectReader::Trouble trouble;
    ObjectReader object(*value, "", trouble);
    object.text("text", Need::optional, 5);
    object.integer("integer", Need::optional, -1, 7);
    object.boolean("flag", Need::optional);
    if (object.has("at")) object.instant("at");
    object.each_object("list", Need::optional, 2, [](ObjectReader& each) { each.amount("amount", 0); });
    object.finish();
    return trouble;
}

TEST(ObjectReader, TakesWhatFits) {
    EXPECT_EQ(trouble_of(R"({"text":"12345","integer":7,"flag":false,"at":"2026-01-10T10:00:00Z",
                             "list":[{"amount":0},{"amount":1000000000000}]})"),
              std::nullopt);
    EXPECT_EQ(trouble_of("{}"), std::nullopt);
}

TEST(ObjectReader, NamesTheFirstThatDoesNot) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"text":"123456"})", "text"},
        {R"({"text":""})", "text"},
        {R"({"text":"a\nb"})", "text"},
        {R"({"text":7})", "text"},
        {R"({"text":null})", "text"},
        {R"({"integer":8})", "integer"},
        {R"({"integer":-2})", "integer"},
        {R"({"integer":1.0})", "integer"},
        {R"({"integer":1e0})", "integer"},
        {R"({"integer":"1"})", "integer"},
        {R"({"integer":true})", "integer"},
        {R"({"flag":"true"})", "flag"},
        {R"({"flag":1})", "flag"},
        {R"({"at":"tomorrow"})", "at"},
        {R"({"at":1768000000})", "at"},
        {R"({"list":{}})", "list"},
        {R"({"list":[{"amount":1},{"amount":2},{"amount":3}]})", "list"},
        {R"({"list":[{"amount":1},{}]})", "list[1].amount"},
        {R"({"list":[{"amount":-1}]})", "list[0].amount"},
        {R"({"list":[{"amount":1000000000001}]})", "list[0].amount"},
        {R"({"list":[{"amount":12.5}]})", "list[0].amount"},
        {R"({"list":[{"amount":99999999999999999999}]})", "list[0].amount"},
        {R"({"list":[{"amount":1,"odd":2}]})", "list[0].odd"},
        {R"({"list":[7]})", "list[0]"},
        {R"({"odd":1})", "odd"},
        {R"([])", "body"},
    };
    for (const auto& [text, field] : cases) {
        const auto trouble = trouble_of(text);
        ASSERT_TRUE(trouble.has_value()) << text;
        EXPECT_EQ(trouble->field, field) << text;
        EXPECT_EQ(trouble->kind, ErrorKind::bad_request);
        EXPECT_NE(trouble->message, "");
    }
}

TEST(ObjectReader, DoesNotRepeatAVeryLongName) {
    const auto trouble = trouble_of("{\"" + std::string(5000, 'x') + "\":1}");
    ASSERT_TRUE(trouble.has_value());
    EXPECT_LT(trouble->field.size(), 200U);
}

std::optional<Error> query_trouble(std::string_view query) {
    auto reader = QueryReader::read(query);
    if (!reader) return reader.error();
    reader->text("text", Need::optional, 5);
    reader->integer("integer", 1, 200, 50);
    reader->boolean("flag");
    reader->instant("from");
    return reader->finish();
}

TEST(ObjectReader, DoesNotRepeatANameThatMayBeACardNumber) {
    EXPECT_EQ(trouble_of(R"({"4111 1111 1111 1111": "x"})")->field, "(a name that is not repeated)");
    EXPECT_EQ(trouble_of(R"({"list":[{"amount":0,"4111111111111111":1}]})")->field,
              "list[0].(a name that is not repeated)");
    EXPECT_EQ(trouble_of(R"({"ext_test20260101": "x"})")->field, "ext_test20260101");
    EXPECT_EQ(QueryReader::read("4111111111111111=1")->finish()->field, "(a name that is not repeated)");
}

TEST(QueryReader, TakesWhatFitsAndNamesWhatDoesNot) {
    EXPECT_EQ(query_trouble("text=a+b&integer=200&flag=true&from=2026-01-10"), std::nullopt);
    EXPECT_EQ(query_trouble(""), std::nullopt);
    const std::vector<std::pair<std::string, std::string>> cases{
        {"text=", "text"},          {"text=123456", "text"},         {"integer=0", "integer"},
        {"integer=201", "integer"}, {"integer=1x", "integer"},       {"integer=", "integer"},
        {"flag=1", "flag"},         {"from=yesterday", "from"},      {"from=2026-02-30", "from"},
        {"odd=1", "odd"},           {"flag=true&flag=true", "flag"}, {"text=%G1", "text"}};
    for (const auto& [query, field] : cases) {
        const auto trouble = query_trouble(query);
        ASSERT_TRUE(trouble.has_value()) << query;
        EXPECT_EQ(trouble->field, field) << query;
    }
    auto reader = QueryReader::read("");
    reader->text("wanted", Need::required, 5);
    EXPECT_EQ(reader->finish()->field, "wanted");
}

TEST(QueryReader, ReadsADateAsItsFirstMoment) {
    auto reader = QueryReader::read("from=2026-01-10&to=2026-01-10T01:00:00%2B01:00");
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ(iso8601(*reader->instant("from")), "2026-01-10T00:00:00Z");
    EXPECT_EQ(iso8601(*reader->instant("to")), "2026-01-10T00:00:00Z");
}

}  // namespace
}  // namespace kassi::api::v1
