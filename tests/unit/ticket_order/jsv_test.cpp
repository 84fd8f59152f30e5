#include "api/ticket_order/jsv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/ticket_order/binder.hpp"

/// The vectors of ServiceStack's own library (reference/servicestack.md sections 1.4, 1.5, 6.1), numbered as
/// there. Where ours is stricter or takes more on purpose, the test says so.
namespace kassi::api::ticket_order {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- writing ------------------------------------------------------------------------------------------

std::string list_of(std::initializer_list<std::string_view> texts) {
    JsvWriter jsv;
    jsv.begin_array();
    for (const auto text : texts) jsv.string(text);
    return jsv.end_array().take();
}

TEST(JsvWrite, QuotesOnlyWhatMustBeQuoted) {
    EXPECT_EQ(list_of({"plain"}), "[plain]");                         // 1
    EXPECT_EQ(list_of({" lead trail "}), "[ lead trail ]");           // 2
    EXPECT_EQ(list_of({""}), R"([""])");                              // 3
    EXPECT_EQ(list_of({"a,b"}), R"(["a,b"])");                        // 4
    EXPECT_EQ(list_of({"a:b"}), R"(["a:b"])");                        // 5
    EXPECT_EQ(list_of({R"(say "hi")"}), R"(["say ""hi"""])");         // 6
    EXPECT_EQ(list_of({"\""}), R"([""""])");                          // 7
    EXPECT_EQ(list_of({R"("quoted")"}), R"(["""quoted"""])");         // 8
    EXPECT_EQ(list_of({"{x}", "[x]", "}"}), R"(["{x}","[x]","}"])");  // 9
    EXPECT_EQ(list_of({"l1\nl2"}), "[\"l1\nl2\"]");                   // 10
    for (const std::string text : {"tab\tx", "back\\slash", "it's", "100%", "a&b", "\u00e9\u2713\U0001f600"})
        EXPECT_EQ(list_of({text}), "[" + text + "]");                // 11
    EXPECT_EQ(list_of({"true", "null", "123"}), "[true,null,123]");  // 12
}

TEST(JsvWrite, NullIsNothingAtAll) {
    JsvWriter jsv;
    jsv.begin_array().string("a").string("b,c").string("").null().string("d").end_array();
    EXPECT_EQ(jsv.text(), R"([a,"b,c","",,d])");  // 13
    JsvWriter lone;
    lone.begin_array().null().end_array();
    EXPECT_EQ(lone.text(), "[]");  // 14
    JsvWriter dictionary;
    dictionary.begin_object().key("k").string("v").key("a b").string("c d").key("x:y").string("p,q");
    dictionary.key("n").null().key("e").string("").end_object();
    EXPECT_EQ(dictionary.text(), R"({k:v,a b:c d,"x:y":"p,q",e:""})");  // 16
    JsvWriter first;
    first.begin_object().key("n").null().key("e").integer(1).end_object();
    EXPECT_EQ(first.text(), "{e:1}");
}

TEST(JsvWrite, NestsAndKnowsItsScalars) {
    JsvWriter lists;
    lists.begin_array().begin_array().integer(1).integer(2).end_array().begin_array().integer(3).end_array();
    EXPECT_EQ(lists.end_array().text(), "[[1,2],[3]]");  // 15
    JsvWriter object;
    object.begin_object().key("A").integer(1).key("B").string("x").key("C").null();
    object.key("D").begin_object().key("E").boolean(true).end_object().end_object();
    EXPECT_EQ(object.text(), "{A:1,B:x,D:{E:True}}");  // 26, 19
    JsvWriter more;
    more.begin_array().raw("12.50").boolean(false).begin_object().end_object().begin_array().end_array();
    EXPECT_EQ(more.end_array().text(), "[12.50,False,{},[]]");
}

TEST(JsvWrite, BlanksAloneAreQuotedSoThatTheyComeBack) {
    EXPECT_EQ(list_of({" "}), R"([" "])");
    EXPECT_EQ(JsvWriter().begin_object().key(" a").string("b").end_object().text(), R"({" a":b})");
    EXPECT_EQ(read_jsv(R"([" "])", "body")->items.at(0).text, " ");
}

// ---- reading ------------------------------------------------------------------------------------------

struct Inner {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> tags;
};
template <class Visitor, OneOf<Inner> T>
void each_member(Visitor& visit, T& it) {
    visit("name", it.name);
    visit("tags", it.tags);
}

struct Sample {
    std::int32_t id = 0;
    std::optional<std::string> name;
    bool flag = false;
    Decimal price;
    Date when;
    std::optional<std::vector<std::int32_t>> nums;
    std::optional<std::vector<std::optional<std::string>>> strs;
    std::optional<Inner> in;
    std::optional<std::vector<Inner>> ins;
};
template <class Visitor, OneOf<Sample> T>
void each_member(Visitor& visit, T& it) {
    visit("id", it.id);
    visit("name", it.name);
    visit("flag", it.flag);
    visit("price", it.price);
    visit("when", it.when);
    visit("nums", it.nums);
    visit("strs", it.strs);
    visit("in", it.in);
    visit("ins", it.ins);
}

/// nullopt: refused by the reader or by the binding; `why` then says where.
std::optional<Sample> bound(std::string_view text, std::string* why = nullptr) {
    const auto tree = read_jsv(text, "body");
    if (!tree) {
        if (why != nullptr) *why = tree.error().field + ": " + tree.error().message;
        return std::nullopt;
    }
    Sample sample;
    Binding at;
    bind(at, *tree, sample);
    if (at.faults.empty()) return sample;
    if (why != nullptr) *why = at.faults.front().field + ": " + at.faults.front().message;
    return std::nullopt;
}

std::optional<std::string> name_in(std::string_view text) {
    const auto sample = bound(text);
    EXPECT_TRUE(sample) << text;
    return sample ? sample->name : std::nullopt;
}

std::string refusal(std::string_view text) {
    std::string why;
    EXPECT_FALSE(bound(text, &why)) << text;
    return why;
}

TEST(JsvRead, NamesInAnyCase) {
    for (const auto* text : {"{Id:1,Name:foo}", "{id:1,name:foo}", "{ID:1,NAME:foo}"}) {  // 28
        const auto sample = bound(text);
        ASSERT_TRUE(sample) << text;
        EXPECT_EQ(sample->id, 1);
        EXPECT_EQ(sample->name, "foo");
    }
}

TEST(JsvRead, Texts) {
    EXPECT_EQ(name_in("{Id:1,Name:}"), std::nullopt);                     // 29
    EXPECT_EQ(name_in(R"({Id:1,Name:""})"), "");                          // 30
    EXPECT_EQ(name_in("{Name:a:b:c}"), "a:b:c");                          // 31
    EXPECT_EQ(name_in(R"({Name:"a,b"})"), "a,b");                         // 32
    EXPECT_EQ(name_in(R"({Name:"say ""hi"""})"), R"(say "hi")");          // 33
    EXPECT_EQ(name_in(R"({Name:say "hi" there})"), R"(say "hi" there)");  // 34
    for (const std::string name : {"a]b", "a[b", "a{b"})
        EXPECT_EQ(name_in("{Name:" + name + "}"), name);  // 35
    EXPECT_EQ(name_in(R"({Name:""""})"), "\"");           // 36
    EXPECT_EQ(name_in(R"({Name:""""""})"), R"("")");
    EXPECT_EQ(name_in("{Name:'x'}"), "'x'");  // 37
    EXPECT_EQ(name_in(R"({Name:"\u0041"})"), R"(\u0041)");
    EXPECT_EQ(name_in(R"({Name:a\nb})"), R"(a\nb)");
    EXPECT_EQ(name_in(R"({name:"  pad  "})"), "  pad  ");  // 58
    EXPECT_EQ(name_in("{Name:null}"), "null");
}

TEST(JsvRead, StricterWithTextsThatAreNotClosed) {
    EXPECT_EQ(refusal(R"({Name:"unterminated})"), "Name: has a quote that is not closed (byte 6)");  // 38
    EXPECT_THAT(refusal(R"({Name:"back\"slash"})"), HasSubstr("has something behind its value"));    // 39
}

TEST(JsvRead, BlanksAroundTokens) {
    const auto sample = bound("{ Id : 1 , Name : foo }");  // 40
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->id, 1);
    EXPECT_EQ(sample->name, " foo ");
    const auto json = bound(R"({"Id":1,"In":{"Name":"x","Tags":["a","b"]}})");  // 41
    ASSERT_TRUE(json && json->in && json->in->tags);
    EXPECT_EQ(json->in->name, "x");
    EXPECT_THAT(*json->in->tags, ElementsAre("a", "b"));
    // More than ServiceStack takes: blanks before brackets, quotes and words.
    const auto loose =
        bound(R"( { "Id" : 1, "Flag": true , "In": { "Name": "x" }, "Ins" : [ {Name:a} , {} ] } )");
    ASSERT_TRUE(loose && loose->in && loose->ins);
    EXPECT_TRUE(loose->flag);
    EXPECT_EQ(loose->in->name, "x");
    EXPECT_EQ(loose->ins->size(), 2u);
}

TEST(JsvRead, UnknownMembersGo) {
    EXPECT_EQ(bound("{Unknown:{a:[1,2],b:{c:d}},Id:3}")->id, 3);  // 42
    EXPECT_EQ(bound(R"({__type:"System.IO.FileInfo, mscorlib",Id:3})")->id, 3);
}

TEST(JsvRead, Scalars) {
    for (const std::string yes : {"on", "Y", "1", "True", "TRUE", "t", "\"true\""})
        EXPECT_TRUE(bound("{Flag:" + yes + "}")->flag) << yes;  // 43
    for (const std::string no : {"off", "N", "0", "False", "f", ""})
        EXPECT_FALSE(bound("{Flag:" + no + "}")->flag) << no;
    EXPECT_EQ(refusal("{Flag:yes}"), "flag: must be true or false");
    EXPECT_EQ(refusal("{Flag:2}"), "flag: must be true or false");
    EXPECT_EQ(bound(R"({Price:"1,234.5"})")->price, (Decimal{12345, 1}));  // 44
    EXPECT_EQ(bound("{Price:1e3}")->price, (Decimal{1000, 0}));            // taken, as it is exact
    EXPECT_THAT(refusal("{Price:1,234.5}"), HasSubstr("colon"));
    for (const std::string wrong : {"null", "+5", "1.0", "0x1F", "2147483648"})
        EXPECT_EQ(refusal("{Id:" + wrong + "}").substr(0, 3), "id:") << wrong;
    EXPECT_EQ(bound("{Id:}")->id, 0);  // nothing is null, and null the default, as in JSON
    for (const auto& [text, value] : std::vector<std::pair<std::string, int>>{
             {"5", 5}, {"-5", -5}, {"-0", 0}, {"007", 7}, {" 42 ", 42}, {"\"42\"", 42}})
        EXPECT_EQ(bound("{Id:" + text + "}")->id, value) << text;
}

TEST(JsvRead, Dates) {
    EXPECT_FALSE(bound("{When:0001-01-01}")->when.is_set());  // 45
    EXPECT_FALSE(bound("{When:}")->when.is_set());
    EXPECT_EQ(jsv_date(bound("{When:2021-03-04T05:06:07+02:00}")->when), "2021-03-04T03:06:07Z");  // 46
    for (const std::string text :
         {R"("2021-03-04T05:06:07Z")", "/Date(1614834367000)/", R"(\/Date(1614834367000)\/)"})
        EXPECT_EQ(jsv_date(bound("{When:" + text + "}")->when), "2021-03-04T05:06:07Z") << text;  // 47
    for (const std::string text : {"20210304", "04/03/2021"})
        EXPECT_EQ(jsv_date(bound("{When:" + text + "}")->when), "2021-03-04") << text;  // 48
    for (const std::string text : {"1614834367000", "garbage", "2021-13-45"})
        EXPECT_THAT(refusal("{When:" + text + "}"), HasSubstr("when: must be a date")) << text;
}

TEST(JsvRead, Lists) {
    EXPECT_THAT(*bound("{Nums:[1,2,3]}")->nums, ElementsAre(1, 2, 3));  // 49
    EXPECT_THAT(*bound("{Nums:[ 1 , 2 ]}")->nums, ElementsAre(1, 2));
    EXPECT_TRUE(bound("{Nums:[]}")->nums->empty());
    EXPECT_TRUE(bound("{Nums:[ ]}")->nums->empty());
    EXPECT_FALSE(bound("{Nums:}")->nums);
    EXPECT_THAT(refusal("{Nums:1,2,3}"), HasSubstr("without a colon"));  // 50
    using Strings = std::vector<std::optional<std::string>>;
    EXPECT_EQ(*bound("{Strs:[a,,b]}")->strs, (Strings{"a", std::nullopt, "b"}));  // 51
    EXPECT_EQ(*bound("{Strs:[a,]}")->strs, (Strings{"a", std::nullopt}));
    EXPECT_EQ(*bound("{Strs:[ a , b ]}")->strs, (Strings{" a ", " b "}));
}

TEST(JsvRead, Dictionaries) {
    const auto tree = read_jsv(R"({Map:{"a:b":c,d:"x,y"}})", "body");  // 52
    ASSERT_TRUE(tree);
    const auto* map = find_member(*tree, "map");
    ASSERT_NE(map, nullptr);
    EXPECT_EQ(map->members.at(0).first, "a:b");
    EXPECT_EQ(map->members.at(0).second.text, "c");
    EXPECT_EQ(map->members.at(1).second.text, "x,y");
    EXPECT_EQ(read_jsv(R"({"a""b":c})", "body")->members.at(0).first, "a\"b");
}

TEST(JsvRead, NestedObjects) {
    EXPECT_TRUE(bound("{In:{}}")->in);  // 53
    EXPECT_FALSE(bound("{In:}")->in);
    EXPECT_EQ(refusal("{In:x}"), "in: must be an object");
    EXPECT_EQ(bound("{Ins:[{Name:a},{Name:b}]}")->ins->size(), 2u);        // 54
    EXPECT_EQ(bound("{Ins:[{Name:a}, {Name:b}]}")->ins->at(1).name, "b");  // more than ServiceStack takes
    EXPECT_EQ(bound("{Ins:{Name:a}}")->ins->at(0).name, "a");              // 55
}

TEST(JsvRead, TheWholeTextIsOneValue) {
    // 56. ServiceStack takes the first of these; ours does not guess. It refuses the second and third.
    EXPECT_THAT(refusal("{Id:1"), HasSubstr("is not closed"));
    EXPECT_EQ(bound("{Id:1}  ")->id, 1);
    EXPECT_EQ(bound("  {Id:1}")->id, 1);
    EXPECT_THAT(refusal("{Id:1}{Id:2}"), HasSubstr("behind its value (byte 6)"));
    EXPECT_THAT(refusal("Id:1"), HasSubstr("must be an object"));
    EXPECT_THAT(refusal("[{Id:1}]"), HasSubstr("must be an object"));
    EXPECT_THAT(refusal("{Id:1,}"), HasSubstr("without a name"));
    EXPECT_THAT(refusal("{"), HasSubstr("without a name"));
    EXPECT_THAT(refusal("{Id:1,id:2}"), HasSubstr("is there twice"));
    EXPECT_EQ(refusal("{In:{Name:a,Name:b}}"), "In.Name: is there twice (byte 17)");
    EXPECT_EQ(read_jsv("", "body")->kind, Node::Kind::null);
}

TEST(JsvRead, LaidOutForPeople) {
    // 57: ServiceStack prints this, and cannot read it.
    const auto sample = bound(
        "{\n\tId: 1,\n\tName: some text,\n\tIn: \n\t{\n\t\tname: String,\n\t\ttags: \n\t\t[\n"
        "\t\t\ta b,\n\t\t\t\"c\"\n\t\t]\n\t},\n\tflag: False\n}\n");
    ASSERT_TRUE(sample && sample->in && sample->in->tags);
    EXPECT_EQ(sample->id, 1);
    EXPECT_EQ(sample->name, "some text");
    EXPECT_EQ(sample->in->name, "String");
    EXPECT_THAT(*sample->in->tags, ElementsAre("a b", "c"));
    EXPECT_THAT(refusal("{\n\tName: a\n\tId: 1\n}"), HasSubstr("a comma is missing"));
    // A line break in quotes is no layout: blanks stay.
    const auto quoted = read_jsv("{Name: foo ,In:\"l1\nl2\"}", "body");
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->members.at(0).second.text, " foo ");
    EXPECT_EQ(quoted->members.at(1).second.text, "l1\nl2");
}

TEST(JsvRead, WhatTheJavaScriptClientWrites) {
    // 6.1; a text that starts with a quote is the client's own fault.
    const auto tree = read_jsv(R"({a:1,b:"x,y",e:{f:[1,{g:h}]},"k:1":v,t:true,n:0})", "body");
    ASSERT_TRUE(tree);
    EXPECT_EQ(find_member(*tree, "e")->members.at(0).second.items.at(1).members.at(0).second.text, "h");
    EXPECT_EQ(tree->members.at(3).first, "k:1");
    EXPECT_FALSE(read_jsv(R"({a:"""})", "body"));
    EXPECT_EQ(jsv_date(bound(R"({When:"1970-01-01T00:00:01"})")->when), "1970-01-01T00:00:01Z");
}

TEST(JsvRead, ListsWithoutBrackets) {
    EXPECT_EQ(read_jsv_list("1,2,3", "f")->items.size(), 3u);
    EXPECT_EQ(read_jsv_list("{a:1},{a:2}", "f")->items.at(1).members.at(0).second.text, "2");
    EXPECT_EQ(read_jsv_list("[1,2]", "f")->items.size(), 2u);
    EXPECT_EQ(read_jsv_list(" {a:1} , {a:2} ", "f")->items.size(), 2u);
    EXPECT_EQ(read_jsv_list("", "f")->kind, Node::Kind::null);
    EXPECT_EQ(read_jsv_list("{a:1}{a:2}", "f").error().field, "[0]");
    EXPECT_FALSE(read_jsv_list("{a:1", "f"));
}

TEST(JsvRead, ErrorsNameThePath) {
    EXPECT_EQ(read_jsv("{order:{deviceId:\"x}}", "body").error().field, "order.deviceId");
    EXPECT_EQ(read_jsv("{lines:[{count:1},{count:\"2\"3}]}", "body").error().field, "lines[1].count");
    EXPECT_EQ(read_jsv("x\xff", "cardInfo").error(), bad_request("cardInfo", "is not UTF-8 (byte 1)"));
    EXPECT_EQ(read_jsv(std::string_view("{a:\0}", 5), "body").error(),
              bad_request("body", "has a zero byte (byte 3)"));
    EXPECT_THAT(read_jsv("{4741520000000003:\"x}", "body").error().field, ::testing::Not(HasSubstr("4741")));
}

// ---- limits -------------------------------------------------------------------------------------------

TEST(JsvRead, Limits) {
    const auto nested = [](int levels) {
        return std::string(static_cast<std::size_t>(levels), '[') +
               std::string(static_cast<std::size_t>(levels), ']');
    };
    EXPECT_TRUE(read_jsv(nested(levels_max), "body"));
    EXPECT_FALSE(read_jsv(nested(levels_max + 1), "body"));
    EXPECT_FALSE(read_jsv(std::string(text_bytes_max, '['), "body"));
    EXPECT_FALSE(read_jsv(std::string(text_bytes_max, '{'), "body"));
    EXPECT_TRUE(read_jsv(std::string(text_bytes_max, 'a'), "body"));
    EXPECT_EQ(read_jsv(std::string(text_bytes_max + 1, 'a'), "body").error().kind, ErrorKind::too_large);
    // The list is a value, too.
    const auto places = [](std::size_t count) { return "[" + std::string(count - 1, ',') + "]"; };
    EXPECT_TRUE(read_jsv(places(nodes_max - 1), "body"));
    EXPECT_EQ(read_jsv(places(nodes_max), "body").error().kind, ErrorKind::too_large);
}

TEST(JsonTree, KeepsDigits) {
    const auto tree = read_json(
        R"({"a":4500.50,"b":0.10000000000000000555,"c":-0.0,"d":12345678901234567890,"e":[true,null,"x"]})",
        "body");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->members.at(0).second, (Node{Node::Kind::number, "4500.50", {}, {}}));
    EXPECT_EQ(tree->members.at(1).second.text, "0.10000000000000000555");
    EXPECT_EQ(tree->members.at(2).second.text, "-0.0");
    EXPECT_EQ(tree->members.at(3).second.text, "12345678901234567890");
    EXPECT_EQ(tree->members.at(4).second.items.at(0), (Node{Node::Kind::boolean, "true", {}, {}}));
    EXPECT_EQ(tree->members.at(4).second.items.at(1).kind, Node::Kind::null);
    EXPECT_EQ(write_jsv(*tree),
              "{a:4500.50,b:0.10000000000000000555,c:-0.0,d:12345678901234567890,e:[True,,x]}");
}

TEST(JsonTree, IsStrict) {
    for (const auto* text :
         {"", "{", "{'a':1}", R"({"a":1,})", R"({"a":1}x)", R"({"a":1,"a":2})", "{\"a\":\"\xff\"}", "[01]"})
        EXPECT_EQ(read_json(text, "body").error().field, "body") << text;
    const auto list_of_ones = [](std::size_t count) {
        std::string text = "[1";
        for (std::size_t i = 1; i < count; ++i) text += ",1";
        return text + "]";
    };
    EXPECT_TRUE(read_json(list_of_ones(nodes_max - 1), "body"));
    EXPECT_EQ(read_json(list_of_ones(nodes_max), "body").error().kind, ErrorKind::too_large);
    EXPECT_EQ(read_json("\"" + std::string(text_bytes_max, 'a') + "\"", "body").error().kind,
              ErrorKind::too_large);
}

}  // namespace
}  // namespace kassi::api::ticket_order
