// Encodings, forms, JSON, plain HTTP messages and log lines.
#include "base/text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/http_message.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

namespace kassi {
namespace {

using encoding::is_utf8;
using nlohmann::json;

template <class T>
Error error_of(const Result<T>& result) {
    return result ? Error{ErrorKind::internal, "", "there is no error"} : result.error();
}

/// Any code point that UTF-8 can write.
std::string utf8_of(char32_t code) {
    const auto byte = [](char32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
    if (code < 0x80) return {byte(code)};
    if (code < 0x800) return {byte(0xc0 | code >> 6), byte(0x80 | (code & 63))};
    if (code < 0x10000)
        return {byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 63)), byte(0x80 | (code & 63))};
    return {byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 63)), byte(0x80 | (code >> 6 & 63)),
            byte(0x80 | (code & 63))};
}

rc::Gen<std::string> any_utf8() {
    const auto code =
        rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0, 0xd800),
                       rc::gen::inRange<std::uint32_t>(0xe000, 0x110000));
    return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(code),
                        [](const std::vector<std::uint32_t>& codes) {
                            std::string text;
                            for (const auto c : codes) text += utf8_of(c);
                            return text;
                        });
}

rc::Gen<std::string> any_bytes() {
    return rc::gen::container<std::string>(rc::gen::arbitrary<char>());
}

rc::Gen<Fields> any_fields() {
    return rc::gen::container<Fields>(rc::gen::pair(rc::gen::nonEmpty(any_utf8()), any_utf8()));
}

// ---- encodings ----

TEST(HexTest, BothWays) {
    EXPECT_EQ(encoding::hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
    EXPECT_EQ(encoding::from_hex("00Ff1A", "key").value(), std::string("\x00\xff\x1a", 3));
    EXPECT_EQ(encoding::from_hex("", "key").value(), "");
    for (const auto* text : {"0", "0g", "0x12", "12 ", "+1"})
        EXPECT_EQ(error_of(encoding::from_hex(text, "key")), bad_request("key", "is not hexadecimal"))
            << text;
}

// RFC 4648 section 10.
TEST(Base64Test, ThePublishedOnes) {
    const std::vector<std::pair<std::string, std::string>> pairs{{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : pairs) {
        EXPECT_EQ(encoding::base64(bytes), text);
        EXPECT_EQ(encoding::from_base64(text, "x").value(), bytes);
        const auto unpadded = text.substr(0, text.find('='));
        EXPECT_EQ(encoding::base64url(bytes), unpadded);
        EXPECT_EQ(encoding::from_base64url(unpadded, "x").value(), bytes);
    }
    EXPECT_EQ(encoding::base64("\xfb\xff\xfe"), "+//+");
    EXPECT_EQ(encoding::base64url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64Test, OneTextForTheSameBytes) {
    for (const auto* text : {"Zg", "Zg=", "Zg===", "Z", "====", "=", "Zh==", "Zm9=", "Zm9v\n", "Zm 9v",
                             "-__-", "Zg==Zg==", "Zm9v="})
        EXPECT_EQ(error_of(encoding::from_base64(text, "sig")), bad_request("sig", "is not base64")) << text;
    for (const auto* text : {"Zg==", "Z", "Zh", "Zm9", "+//+", "Zm9v ", "Zm9vY"})
        EXPECT_EQ(error_of(encoding::from_base64url(text, "sig")), bad_request("sig", "is not base64url"))
            << text;
}

RC_GTEST_PROP(EncodingProperty, BytesComeBack, ()) {
    const auto bytes = *any_bytes();
    RC_ASSERT(encoding::from_hex(encoding::hex(bytes), "x").value() == bytes);
    RC_ASSERT(encoding::from_base64(encoding::base64(bytes), "x").value() == bytes);
    RC_ASSERT(encoding::from_base64url(encoding::base64url(bytes), "x").value() == bytes);
    RC_ASSERT(encoding::percent_decode(encoding::percent_encode(bytes), false, "x").value() == bytes);
    RC_ASSERT(encoding::percent_decode(encoding::percent_encode(bytes), true, "x").value() == bytes);
}

TEST(PercentTest, StrictBothWays) {
    EXPECT_EQ(encoding::percent_encode("a-Z_0.9~"), "a-Z_0.9~");
    EXPECT_EQ(encoding::percent_encode(" +&=%/£"), "%20%2B%26%3D%25%2F%C2%A3");
    EXPECT_EQ(encoding::percent_decode("a%20b+c%c2%A3", false, "x").value(), "a b+c£");
    EXPECT_EQ(encoding::percent_decode("a+b%2B", true, "x").value(), "a b+");
    for (const auto* text : {"%", "%4", "%G1", "%1G", "100%", "%%20", "%u00e9", "% 20", "%+1"})
        EXPECT_EQ(error_of(encoding::percent_decode(text, true, "token")).field, "token") << text;
    EXPECT_EQ(error_of(encoding::percent_decode("abc%zz", true, "token")).message,
              "has a '%' without two hexadecimal digits at byte 3");
}

TEST(Utf8Test, OnlyTheShortestFormOfARealCharacter) {
    for (const auto* text :
         {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
          "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "Þetta reddast €"})
        EXPECT_TRUE(is_utf8(text)) << text;
    for (const auto* text :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf", "\xe0\xa0",
          "\xed\xa0\x80", "\xed\xbf\xbf", "\xef\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "\xff", "a\xfe"})
        EXPECT_FALSE(is_utf8(text)) << encoding::hex(text);
    EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

RC_GTEST_PROP(Utf8Property, EveryCharacterIsTakenAndNoneWithAByteMissing, ()) {
    const auto text = *any_utf8();
    RC_ASSERT(is_utf8(text));
    const auto code = *rc::gen::inRange<std::uint32_t>(0x80, 0xd800);
    const auto whole = utf8_of(code);
    RC_ASSERT(!is_utf8(text + whole.substr(0, whole.size() - 1)));
    RC_ASSERT(!is_utf8(whole.substr(1) + text));
}

TEST(HtmlTest, EscapesOnce) {
    EXPECT_EQ(encoding::html("<a href=\"x\" title='y'>&amp;</a>"),
              "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
    EXPECT_EQ(encoding::html("£12.50"), "£12.50");
}

RC_GTEST_PROP(HtmlProperty, NothingActiveIsLeftAndNothingIsLost, ()) {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::element('<', '>', '&', '"', '\'', 'a', ';', '#', '3', '9'));
    auto escaped = encoding::html(text);
    RC_ASSERT(escaped.find_first_of("<>\"'") == std::string::npos);
    std::string back;
    for (std::size_t i = 0; i < escaped.size();) {
        const auto rest = std::string_view(escaped).substr(i);
        bool found = false;
        for (const auto& [entity, plain] :
             Fields{{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}}) {
            if (found || !rest.starts_with(entity)) continue;
            back += plain;
            i += entity.size();
            found = true;
        }
        if (found) continue;
        RC_ASSERT(rest.front() != '&');
        back += rest.front();
        ++i;
    }
    RC_ASSERT(back == text);
}

// ---- forms ----

TEST(FormTest, KeepsOrderRepeatsAndEmptyValues) {
    EXPECT_EQ(encoding::parse_form("b=2&a&c=&b=1&x=a=b", "body").value(),
              (Fields{{"b", "2"}, {"a", ""}, {"c", ""}, {"b", "1"}, {"x", "a=b"}}));
    EXPECT_EQ(encoding::parse_form("&a=1&&b=2&", "body").value(), (Fields{{"a", "1"}, {"b", "2"}}));
    EXPECT_EQ(encoding::parse_form("", "body").value(), Fields());
    EXPECT_EQ(encoding::parse_form("=v", "body").value(), (Fields{{"", "v"}}));
    EXPECT_EQ(encoding::parse_form("first+name=Gu%C3%B0r%c3%ban+%2B1", "body").value(),
              (Fields{{"first name", "Guðrún +1"}}));
}

TEST(FormTest, ErrorsNameTheFieldOfTheForm) {
    EXPECT_EQ(error_of(encoding::parse_form("a=1&email=100%", "body")).field, "email");
    EXPECT_EQ(error_of(encoding::parse_form("a=1&email=%FF", "body")), bad_request("email", "is not UTF-8"));
    EXPECT_EQ(error_of(encoding::parse_form("em%ail=1", "body")).field, "body");
    EXPECT_EQ(error_of(encoding::parse_form("%FF=1", "body")), bad_request("body", "is not UTF-8"));
    EXPECT_EQ(error_of(encoding::parse_form("=%", "query")).field, "query");
    EXPECT_EQ(error_of(encoding::parse_form(std::string(128, 'n') + "=%", "body")).field,
              std::string(128, 'n'));
    EXPECT_EQ(error_of(encoding::parse_form(std::string(129, 'n') + "=%", "body")).field, "body");
}

TEST(FormTest, FieldsUpToTheLimit) {
    std::string text;
    for (std::size_t i = 0; i < limits::form_fields_max; ++i) text += "n=v&";
    EXPECT_EQ(encoding::parse_form(text, "body").value().size(), limits::form_fields_max);
    EXPECT_EQ(encoding::parse_form(text, "body", limits::form_fields_max).value().size(),
              limits::form_fields_max);
    EXPECT_EQ(error_of(encoding::parse_form(text + "n=v", "body")),
              (Error{ErrorKind::too_large, "body", "has more than 200 fields"}));
}

TEST(FormTest, IsWrittenAsBrowsersDo) {
    EXPECT_EQ(encoding::form({{"a b", "c+d"}, {"e", ""}, {"e", "%20"}}), "a+b=c%2Bd&e=&e=%2520");
    EXPECT_EQ(encoding::form({}), "");
}

RC_GTEST_PROP(FormProperty, FieldsComeBackInOrder, ()) {
    const auto fields = *any_fields();
    RC_ASSERT(encoding::parse_form(encoding::form(fields), "body").value() == fields);
}

RC_GTEST_PROP(FormProperty, AnyBytesAreRefusedOrReadToUtf8, ()) {
    const auto fields = encoding::parse_form(*any_bytes(), "body");
    if (!fields) return;
    for (const auto& [name, value] : *fields) RC_ASSERT(is_utf8(name) && is_utf8(value));
}

TEST(FieldsTest, TheFirstOfANameIsFound) {
    const Fields fields{{"a", "1"}, {"b", "2"}, {"a", "3"}};
    ASSERT_NE(find_field(fields, "a"), nullptr);
    EXPECT_EQ(*find_field(fields, "a"), "1");
    EXPECT_EQ(find_field(fields, "A"), nullptr);
}

// ---- multipart ----

constexpr std::string_view multipart_type = "multipart/form-data; boundary=XYZ";

std::string multipart_body(const Fields& fields) {
    std::string body;
    for (const auto& [name, value] : fields)
        body += "--XYZ\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    return body + "--XYZ--\r\n";
}

TEST(MultipartTest, KeepsOrderRepeatsAndEveryByteOfAValue) {
    const Fields fields{{"b", "2"},          {"a", ""},          {"b", "line\r\nline\r\n"},
                        {"c", "--XY\r\n--"}, {"d", "a=b&c%20+"}, {"e", "Guðrún"}};
    EXPECT_EQ(encoding::parse_multipart(multipart_body(fields), multipart_type).value(), fields);
    EXPECT_EQ(encoding::parse_multipart("--XYZ--", multipart_type).value(), Fields());
}

TEST(MultipartTest, ReadsWhatDifferentClientsWrite) {
    const Fields one{{"field1", "value"}};
    // A preamble, an epilogue, padding, other headers, an unquoted name, any case of the header's name.
    EXPECT_EQ(encoding::parse_multipart(
                  "preamble\r\n--XYZ \t\r\ncontent-type: text/plain; charset=utf-8\r\n"
                  "content-disposition:form-data;name=field1\r\n\r\nvalue\r\n--XYZ--\r\nepilogue",
                  multipart_type)
                  .value(),
              one);
    EXPECT_EQ(
        encoding::parse_multipart(multipart_body(one), "Multipart/Form-Data; charset=utf-8; Boundary=\"XYZ\"")
            .value(),
        one);
    // No blank line before the delimiter: an empty value (RFC 2046 section 5.1.1).
    EXPECT_EQ(encoding::parse_multipart("--XYZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--XYZ--",
                                        multipart_type)
                  .value(),
              (Fields{{"a", ""}}));
    EXPECT_EQ(
        encoding::parse_multipart(multipart_body({{R"(a%22b\"c\d%0D%0A)", "v"}}), multipart_type).value(),
        (Fields{{"a\"b\"c\\d\r\n", "v"}}));
}

TEST(MultipartTest, RefusesFiles) {
    const auto body = std::string("--XYZ\r\nContent-Disposition: form-data; name=\"photo\"; ");
    for (const auto* file : {"filename=\"a.png\"", "FileName=a", "filename*=UTF-8''a"})
        EXPECT_EQ(error_of(encoding::parse_multipart(body + file + "\r\n\r\nx\r\n--XYZ--", multipart_type)),
                  bad_request("photo", "is a file; none is read here"))
            << file;
}

TEST(MultipartTest, RefusesWhatIsMalformedNamingThePlace) {
    for (const auto* type : {"", "multipart/form-data", "multipart/form-data; boundary",
                             "multipart/form-data; boundary=", "multipart/form-data; boundary=\"XYZ",
                             "multipart/mixed; boundary=XYZ", "text/plain; boundary=XYZ",
                             "multipart/form-data; boundary=\"X\nZ\"", "multipart/form-data, boundary=XYZ"})
        EXPECT_EQ(error_of(encoding::parse_multipart(multipart_body({{"a", "1"}}), type)).field,
                  "Content-Type")
            << type;

    const std::string head = "--XYZ\r\nContent-Disposition: form-data; name=\"a\"\r\n";
    for (const auto& body : std::vector<std::string>{
             "", "a=1", "--XYZ", "--XYZ\r\n", head, head + "\r\nvalue", head + "\r\nvalue\r\n--XYZ",
             "--XYZ\nContent-Disposition: form-data; name=\"a\"\n\n1\n--XYZ--",
             "--XYZ\r\n\r\nvalue\r\n--XYZ--", "--XYZ\r\nContent-Type: text/plain\r\n\r\nvalue\r\n--XYZ--",
             "--XYZ\r\nContent-Disposition: form-data\r\n\r\nv\r\n--XYZ--",
             "--XYZ\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nv\r\n--XYZ--",
             "--XYZ\r\nContent-Disposition: form-data; name=\"a\r\n\r\nv\r\n--XYZ--",
             "--XYZ\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\nv\r\n--XYZ--",
             "--XYZ\r\nno colon\r\n\r\nv\r\n--XYZ--",
             head + "Content-Disposition: form-data; name=\"b\"\r\n\r\nv\r\n--XYZ--",
             head + "Content-Transfer-Encoding: base64\r\n\r\ndg==\r\n--XYZ--",
             "--XYZ\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nv\r\n--XYZ--",
             "--XYZ1\r\n" + head + "\r\nv\r\n--XYZ--"})
        EXPECT_EQ(error_of(encoding::parse_multipart(body, multipart_type)).field, "body") << body;
    EXPECT_EQ(error_of(encoding::parse_multipart(multipart_body({{"a", "\xff"}}), multipart_type)),
              bad_request("a", "is not UTF-8"));
}

TEST(MultipartTest, Limits) {
    const auto with_boundary = [](std::size_t size) {
        const std::string boundary(size, 'b');
        return encoding::parse_multipart("--" + boundary + "--", "multipart/form-data; boundary=" + boundary);
    };
    EXPECT_TRUE(with_boundary(70));
    EXPECT_FALSE(with_boundary(71));

    const Fields full(limits::form_fields_max, {"n", "v"});
    EXPECT_EQ(encoding::parse_multipart(multipart_body(full), multipart_type).value(), full);
    EXPECT_EQ(error_of(encoding::parse_multipart(
                           multipart_body(Fields(limits::form_fields_max + 1, {"n", "v"})), multipart_type))
                  .kind,
              ErrorKind::too_large);

    const auto with_header = [](std::size_t bytes) {
        const std::string lines = "\r\nContent-Disposition: form-data; name=a\r\nX: ";
        return encoding::parse_multipart(
            "--XYZ" + lines + std::string(bytes - lines.size(), 'x') + "\r\n\r\nv\r\n--XYZ--",
            multipart_type);
    };
    EXPECT_TRUE(with_header(4096));
    EXPECT_FALSE(with_header(4097));
}

RC_GTEST_PROP(MultipartProperty, ValuesComeBack, ()) {
    const auto value = *any_utf8();
    RC_PRE(value.find("--XYZ") == std::string::npos);
    RC_ASSERT(encoding::parse_multipart(multipart_body({{"a", value}}), multipart_type).value() ==
              (Fields{{"a", value}}));
}

RC_GTEST_PROP(MultipartProperty, AnythingIsReadOrRefusedInPeace, ()) {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("--XYZ", "\r\n", "\r\n\r\n", "--",
                                      "Content-Disposition: form-data; name=\"a\"", "v", "\"", ";", " "));
    std::string body;
    for (const auto& piece : pieces) body += piece;
    const auto fields = encoding::parse_multipart(body, multipart_type);
    if (!fields) RC_ASSERT(!fields.error().message.empty());
}

// ---- JSON ----

TEST(JsonTest, ReadsWhatTheGrammarAllows) {
    const auto value =
        parse_json(R"( {"a": [1, -2, 2.5, true, false, null, "x\u00fe\ud83d\ude00"], "b": {}, "": []} )");
    ASSERT_TRUE(value) << error_of(value).message;
    EXPECT_EQ(*value, json::parse(R"({"a": [1, -2, 2.5, true, false, null, "xþ😀"], "b": {}, "": []})"));
    EXPECT_EQ(parse_json("7").value(), json(7));
    EXPECT_EQ(parse_json(R"([[{"a":[{}, 1]}, 2], {"b":{"c":3}, "d":4}])").value().dump(),
              R"([[{"a":[{},1]},2],{"b":{"c":3},"d":4}])");
    EXPECT_EQ(parse_json(R"({"a":{"x":1},"b":{"x":1}})").value().size(), 2U);  // the same name in two objects
}

TEST(JsonTest, RefusesEverythingElseNamingTheField) {
    for (const auto* text : {"",
                             " ",
                             "{",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{'a':1}",
                             "01",
                             "+1",
                             "1.",
                             ".5",
                             "1e",
                             "NaN",
                             "Infinity",
                             "nul",
                             "\"\t\"",
                             "\"\\x\"",
                             "\"\\ud800\"",
                             "\"\\udc00\\ud800\"",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\xef\xbb\xbf{}",
                             "{} {}",
                             "1 2",
                             "[1}",
                             "// x\n1",
                             "/**/1",
                             "1e999",
                             "\xc2\xa0{}",
                             "{\"a\":1 \"b\":2}",
                             "\"a"})
        EXPECT_EQ(error_of(parse_json(text, "document")).field, "document") << text;
    EXPECT_FALSE(parse_json(std::string_view("{}\0{", 4)));
    EXPECT_FALSE(parse_json(std::string_view("\"a\0b\"", 5)));
    EXPECT_EQ(error_of(parse_json("[1,2,x]")),
              bad_request("body", "is not JSON: it breaks off or has a fault at byte 5"));
    EXPECT_EQ(error_of(parse_json("{\"a\":\"\xc3(\"}")), bad_request("body", "is not UTF-8 at byte 6"));
    EXPECT_EQ(error_of(parse_json("{\"a\":\"\xff\"}")), bad_request("body", "is not UTF-8 at byte 6"));
}

TEST(TextTest, ANameThatMayBeACardNumberIsNotRepeatedInAnError) {
    for (const char* name :
         {"4111111111111111", "4111 1111 1111 1111", "4111.1111-1111_1111", "x4111111111111"}) {
        EXPECT_TRUE(may_be_card_number(name)) << name;
        EXPECT_EQ(name_for_error(name, "query"), "query");
        for (const char* value : {"=%ff", "=%zz"})
            EXPECT_EQ(error_of(encoding::parse_form(encoding::percent_encode(name) + value, "query")).field,
                      "query");
        EXPECT_EQ(
            error_of(parse_json(std::string("{\"") + name + "\":1,\"" + name + "\":1}")).message.find("4111"),
            std::string::npos);
        EXPECT_EQ(error_of(encoding::parse_multipart(multipart_body({{name, "\xff"}}), multipart_type)).field,
                  "body");
    }
    for (const char* name : {"", "return_token", "123456789012", "1234567a890123", "T000-0000-8RGW-3619"})
        EXPECT_FALSE(may_be_card_number(name)) << name;
}

TEST(JsonTest, RefusesTheSameNameTwiceInOneObject) {
    EXPECT_EQ(error_of(parse_json(R"({"a":1,"b":{"a":1},"a":2})")),
              bad_request("body", "has \"a\" twice in one object at byte 21"));
    EXPECT_FALSE(parse_json(R"({"a":1,"\u0061":2})"));
    EXPECT_FALSE(parse_json(R"([{"a":[],"a":[]}])"));
    const std::string longest(128, 'n');
    EXPECT_NE(error_of(parse_json("{\"" + longest + "\":1,\"" + longest + "\":1}")).message.find(longest),
              std::string::npos);
    EXPECT_EQ(error_of(parse_json("{\"n" + longest + "\":1,\"n" + longest + "\":1}")).message.find(longest),
              std::string::npos);
}

TEST(JsonTest, LevelsUpToTheLimit) {
    const auto nested = [](int levels, const std::string& open, const std::string& close) {
        std::string text;
        for (int i = 0; i < levels; ++i) text += open;
        text += "1";
        for (int i = 0; i < levels; ++i) text += close;
        return text;
    };
    for (const auto& [open, close] : {std::pair<std::string, std::string>("[", "]"), {"{\"a\":", "}"}}) {
        EXPECT_TRUE(parse_json(nested(limits::json_depth_max, open, close)));
        const auto error = error_of(parse_json(nested(limits::json_depth_max + 1, open, close)));
        EXPECT_EQ(error.field, "body");
        EXPECT_TRUE(error.message.starts_with("has more than 32 levels at byte ")) << error.message;
        EXPECT_TRUE(parse_json(nested(2, open, close), "body", 2));
        EXPECT_FALSE(parse_json(nested(3, open, close), "body", 2));
    }
    EXPECT_FALSE(parse_json(nested(500'000, "[", "]")));
    EXPECT_TRUE(
        parse_json("[" + nested(31, "[", "]") + "," + nested(31, "[", "]") + "]"));  // depth, not count
    EXPECT_FALSE(parse_json("[1]", "body", 0));
    EXPECT_TRUE(parse_json("1", "body", 0));
}

/// What calls have left of themselves on the stack, below here.
std::string stack_below() {
    constexpr std::size_t bytes = 48 * 1024;
    std::string left(bytes, '\0');
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    std::ifstream memory("/proc/self/mem", std::ios::binary);
    memory.seekg(static_cast<std::streamoff>(here - bytes));
    memory.read(left.data(), static_cast<std::streamsize>(bytes));
    EXPECT_TRUE(memory);
    return left;
}

TEST(JsonTest, LeavesNothingOfAStringOnTheStack) {
    // On the heap, which is not looked at; not put together before it is read.
    const std::string plain = "one that 4741520000000004 is", escaped = "with\\u0020blanks 5587402000012011";
    EXPECT_TRUE(parse_json("[\"" + plain + "\",{\"a\":\"" + escaped + "\"}]"));
    const auto left = stack_below();
    EXPECT_EQ(left.find(plain.substr(9, 16)), std::string::npos);
    EXPECT_EQ(left.find(escaped.substr(escaped.size() - 16)), std::string::npos);
}

TEST(JsonTest, AnIntegerIsExactOrNoInteger) {
    const auto number = [](const char* text) { return parse_json(text).value(); };
    EXPECT_TRUE(number("9223372036854775807").is_number_integer());
    EXPECT_EQ(number("9223372036854775807").get<std::int64_t>(), std::numeric_limits<std::int64_t>::max());
    EXPECT_FALSE(number("9223372036854775808").is_number_integer());
    EXPECT_EQ(number("-9223372036854775808").get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
    EXPECT_FALSE(number("-9223372036854775809").is_number_integer());
    EXPECT_FALSE(number("18446744073709551616").is_number_integer());
    EXPECT_FALSE(number("1.0").is_number_integer());
    EXPECT_FALSE(number("1e2").is_number_integer());
    EXPECT_EQ(number("-0"), 0);
    EXPECT_TRUE(number("-0").is_number_integer());
    EXPECT_EQ(number("1e-999"), 0.0);
    // The nearest double there is, not one beside it.
    for (const double value : {0.1, 123456.789, 1.7976931348623157e308, 5e-324, 9007199254740993.5})
        EXPECT_EQ(number(fmt::format("{}", value).c_str()).get<double>(), value);
}

TEST(FlatJsonTest, IsAFormInAnotherDress) {
    EXPECT_EQ(
        parse_flat_json(
            R"({"z":"1","a":true,"b":false,"c":null,"d":12.50,"e":-7,"f":18446744073709551615,"g":123456789012345678901234567890,"h":"\u00fe"})")
            .value(),
        (Fields{{"z", "1"},
                {"a", "1"},
                {"b", "0"},
                {"d", "12.50"},
                {"e", "-7"},
                {"f", "18446744073709551615"},
                {"g", "123456789012345678901234567890"},
                {"h", "þ"}}));
    EXPECT_EQ(parse_flat_json("{}").value(), Fields());
}

TEST(FlatJsonTest, RefusesEverythingElse) {
    for (const auto* text : {"", "[]", "1", "null", "\"a\"", "true", "[{}]", "{\"a\":1", "{\"a\":1,\"a\":2}",
                             "{} {}", "{\"a\":null,\"a\":2}"})
        EXPECT_EQ(error_of(parse_flat_json(text)).field, "body") << text;
    EXPECT_EQ(error_of(parse_flat_json(R"({"a":1,"list":[1]})")).field, "list");
    EXPECT_EQ(error_of(parse_flat_json(R"({"a":1,"object":{"b":1}})")).field, "object");
    EXPECT_FALSE(parse_flat_json(std::string_view("{}\0", 3)));
}

TEST(FlatJsonTest, FieldsUpToTheLimit) {
    EXPECT_EQ(parse_flat_json(R"({"a":1,"b":2})", "body", 2).value().size(), 2U);
    EXPECT_EQ(error_of(parse_flat_json(R"({"a":1,"b":2,"c":3})", "body", 2)),
              (Error{ErrorKind::too_large, "body", "has more than 2 fields"}));
}

TEST(JsonTest, AsTextItIsWhatItWas) {
    const std::string_view text =
        R"({"a":[1,-9223372036854775808,0.5,true,false,null,[],{}],"b \"q\"":{"n":"\u0001\u00e9"},"c":4741520000000004})";
    const auto value = parse_json(text);
    ASSERT_TRUE(value);
    EXPECT_EQ(*parse_json(json_text(*value)), *value);
    EXPECT_EQ(json_text(*parse_json("{ }")), "{}");
    EXPECT_EQ(json_text(*parse_json("\"x\"")), "\"x\"");
}

TEST(JsonWriterTest, WritesInTheOrderOfTheCalls) {
    JsonWriter out;
    out.begin_object()
        .field("z", "text")
        .field("a", 1)
        .field("b", true)
        .field("c", std::string("s"))
        .field("big", std::numeric_limits<std::int64_t>::min());
    out.key("list")
        .begin_array()
        .integer(1)
        .string("two")
        .null()
        .boolean(false)
        .begin_object()
        .end_object()
        .begin_array()
        .end_array()
        .end_array();
    out.key("price")
        .raw("12.50")
        .key("object")
        .begin_object()
        .field("x", 'a' == 'b')
        .end_object()
        .end_object();
    EXPECT_EQ(
        out.text(),
        R"({"z":"text","a":1,"b":true,"c":"s","big":-9223372036854775808,"list":[1,"two",null,false,{},[]],"price":12.50,"object":{"x":false}})");
    EXPECT_TRUE(parse_json(out.text()));
    const auto taken = out.take();
    EXPECT_EQ(taken.front(), '{');
}

TEST(JsonWriterTest, EscapesWhatATerminalOrAParserWouldTakeForMore) {
    JsonWriter out;
    out.string(std::string_view("\"\\\n\r\t\b\f\0\x1b\x7f\xc2\x9b\xc2\xa3/þ", 17));
    EXPECT_EQ(out.text(), R"("\"\\\n\r\t\b\f\u0000\u001b\u007f\u009b£/þ")");
    JsonWriter name;
    name.begin_object().field("a\"b\n", "x").end_object();
    EXPECT_EQ(name.text(), R"({"a\"b\n":"x"})");
}

RC_GTEST_PROP(JsonProperty, StringsComeBackAndHoldNoControlCharacter, ()) {
    const auto text = *any_utf8();
    JsonWriter out;
    out.begin_object().field(text, text).end_object();
    for (const char c : out.text()) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    RC_ASSERT(parse_json(out.text()).value() == (json{{text, text}}));
    RC_ASSERT(parse_flat_json(out.text()).value() == (Fields{{text, text}}));
}

/// Some JSON of every kind, as text, or what was one before a byte of it changed.
rc::Gen<std::string> nearly_json() {
    const auto piece = rc::gen::element<std::string>(
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "null", "true", "false", "0", "-0", "-", "1.5",
        "1e3", "1E-400", "2e400", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
        "0.1", "01", ".5", " ", "\n", "\"\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\u12\"",
        "\"\xc3\xa9\"", "\\n", "\t", "x");
    const auto broken =
        rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                     [](const auto& all) { return std::accumulate(all.begin(), all.end(), std::string()); });
    const auto sound = rc::gen::map(
        rc::gen::tuple(any_utf8(), rc::gen::arbitrary<std::int64_t>(), rc::gen::arbitrary<double>(),
                       any_utf8()),
        [](const auto& all) {
            const auto& [text, integer, number, other] = all;
            return nlohmann::json{{text, integer}, {"n", {number, nullptr, other}}, {other, {{text, true}}}}
                .dump();
        });
    const auto changed = rc::gen::map(
        rc::gen::tuple(sound, rc::gen::arbitrary<std::size_t>(), rc::gen::arbitrary<char>()), [](auto all) {
            auto& [text, at, byte] = all;
            text[at % text.size()] = byte;
            return text;
        });
    return rc::gen::oneOf(broken, sound, changed);
}

// Two readers that know nothing of each other: what one takes the other does, and for the same.
RC_GTEST_PROP(JsonProperty, IsReadAsAnotherLibraryReadsIt, ()) {
    const auto text = *nearly_json();
    const auto ours = parse_json(text);
    const auto theirs = nlohmann::json::parse(text, nullptr, false);
    if (ours) {
        RC_ASSERT(!theirs.is_discarded() && *ours == theirs);
    } else {
        const bool ours_alone = error_of(ours).message.find(" twice in one object") != std::string::npos ||
                                error_of(ours).message.find("more than ") != std::string::npos ||
                                std::regex_search(text, std::regex("[eE][+-]?[0-9]{8}"));
        RC_ASSERT(theirs.is_discarded() || ours_alone);
    }
}

// ---- HTTP messages ----

TEST(HttpMessageTest, TakesTheTargetApart) {
    HttpRequest request{
        "GET", "/callback/t?a=1&b=?", {{"Content-TYPE", "text/plain"}, {"X", "1"}, {"x", "2"}}, "", ""};
    EXPECT_EQ(request.path(), "/callback/t");
    EXPECT_EQ(request.query(), "a=1&b=?");
    EXPECT_EQ(request.header("content-type"), "text/plain");
    EXPECT_EQ(request.header("X"), "1");
    EXPECT_EQ(request.header("Content"), "");
    request.target = "/plain";
    EXPECT_EQ(request.path(), "/plain");
    EXPECT_EQ(request.query(), "");
    EXPECT_TRUE(same_header_name("X-Request-Id", "x-request-ID"));
    EXPECT_FALSE(same_header_name("X-Request-Id", "X-Request-I"));
    EXPECT_EQ((HttpResponse{200, {{"Location", "/"}}, ""}).header("location"), "/");
}

TEST(UrlTest, TakesAbsoluteHttpUrlsApart) {
    struct Expected {
        const char* text;
        const char* scheme;
        const char* host;
        int port;
        const char* target;
        const char* origin;
    };
    for (const auto& e :
         {Expected{"https://Shop.Example/back/T1?x=1&y=%20", "https", "shop.example", 443,
                   "/back/T1?x=1&y=%20", "https://shop.example"},
          Expected{"HTTP://127.0.0.1:8080", "http", "127.0.0.1", 8080, "/", "http://127.0.0.1:8080"},
          Expected{"http://shop.example?x", "http", "shop.example", 80, "/?x", "http://shop.example"},
          Expected{"https://shop.example:/a?", "https", "shop.example", 443, "/a?", "https://shop.example"},
          Expected{"https://shop.example:443/", "https", "shop.example", 443, "/", "https://shop.example"},
          Expected{"http://shop.example:443/", "http", "shop.example", 443, "/", "http://shop.example:443"},
          Expected{"https://[2001:DB8:0::1]:65535/a//b/../c", "https", "2001:db8::1", 65535, "/a//b/../c",
                   "https://[2001:db8::1]:65535"},
          Expected{"http://localhost:1/", "http", "localhost", 1, "/", "http://localhost:1"},
          Expected{"https://xn--jk-mia.is/", "https", "xn--jk-mia.is", 443, "/", "https://xn--jk-mia.is"}}) {
        const auto url = parse_url(e.text, "return_url");
        ASSERT_TRUE(url) << e.text << ": " << error_of(url).message;
        EXPECT_EQ(url->scheme, e.scheme) << e.text;
        EXPECT_EQ(url->host, e.host) << e.text;
        EXPECT_EQ(url->port, e.port) << e.text;
        EXPECT_EQ(url->target, e.target) << e.text;
        EXPECT_EQ(url->origin(), e.origin) << e.text;
    }
    EXPECT_EQ(parse_url("http://a/b?c?d", "x").value().path(), "/b");
    EXPECT_EQ(parse_url("http://a/b?c?d", "x").value().query(), "c?d");
}

TEST(UrlTest, RefusesEverythingElseNamingTheField) {
    for (const auto* text : {"",
                             "/back",
                             "shop.example",
                             "//shop.example/",
                             "ftp://shop.example/",
                             "javascript:alert(1)",
                             "data:text/html,x",
                             "file:///etc/passwd",
                             "https:shop.example",
                             "https:///back",
                             "https://",
                             "https://user@shop.example/",
                             "https://user:word@shop.example/",
                             "https://@shop.example/",
                             "https://shop.example/#top",
                             "https://shop.example/a b",
                             "https://shop.example/\r\nX: y",
                             "https://shop.example\\@evil.example/",
                             "https://shop.example:0/",
                             "https://shop.example:65536/",
                             "https://shop.example:80a/",
                             "https://1.2.3.4.evil.example/",
                             "https://[::1]evil.example/",
                             "https://1.2.3.4x/",
                             "https://127.1/",
                             "https://2130706433/",
                             "https://0x7f.0.0.1/",
                             "https://256.1.1.1/",
                             "https://a.0x7f/",
                             "https://a:1:2/",
                             "https://shop%2eexample/",
                             "https://shop..example/",
                             "https://.example/",
                             "https://shop.example./",
                             "https://þ.is/",
                             "https://[::1/",
                             "https://[fe80::1%25eth0]/",
                             "https://[v1.x]/",
                             "https://shop.example/%",
                             "https://a,b/",
                             " https://shop.example/"}) {
        const auto error = error_of(parse_url(text, "return_url"));
        EXPECT_EQ(error.kind, ErrorKind::bad_request) << text;
        EXPECT_EQ(error.field, "return_url") << text;
    }
    const std::string host = std::string(61, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') +
                             "." + std::string(63, 'd');
    ASSERT_EQ(host.size(), 253U);
    EXPECT_TRUE(parse_url("https://" + host + "/", "x"));
    EXPECT_FALSE(parse_url("https://e" + host + "/", "x"));
}

TEST(RequestFieldsTest, QueryFirstThenTheBody) {
    const auto post = [](const char* type, std::string body) {
        return HttpRequest{"POST", "/callback/t?a=1&b=2", {{"Content-Type", type}}, std::move(body), ""};
    };
    EXPECT_EQ(
        request_fields(post("application/x-www-form-urlencoded; charset=UTF-8", "a=3&c=4"), false).value(),
        (Fields{{"a", "1"}, {"b", "2"}, {"a", "3"}, {"c", "4"}}));
    EXPECT_EQ(request_fields(post("multipart/form-data; boundary=XYZ", multipart_body({{"c", "4"}})), false)
                  .value(),
              (Fields{{"a", "1"}, {"b", "2"}, {"c", "4"}}));
    EXPECT_EQ(request_fields(post("APPLICATION/JSON", R"({"c":true,"d":"x"})"), true).value(),
              (Fields{{"a", "1"}, {"b", "2"}, {"c", "1"}, {"d", "x"}}));
    EXPECT_EQ(request_fields(HttpRequest{"POST", "/x", {}, "", ""}, false).value(), Fields());
    EXPECT_EQ(request_fields(post("text/plain", ""), false).value(), (Fields{{"a", "1"}, {"b", "2"}}));
}

TEST(RequestFieldsTest, RefusesWhatItCannotRead) {
    const auto error = [](const char* type, std::string body, bool json_too) {
        return error_of(request_fields(
            HttpRequest{"POST", "/x", {{"Content-Type", type}}, std::move(body), ""}, json_too));
    };
    EXPECT_EQ(error("application/json", "{}", false).kind, ErrorKind::unsupported_media);
    EXPECT_EQ(error("text/plain", "a=1", true).kind, ErrorKind::unsupported_media);
    EXPECT_EQ(error("", "a=1", true).kind, ErrorKind::unsupported_media);
    EXPECT_EQ(error("application/json", R"({"a":{}})", true).field, "a");
    EXPECT_EQ(error("application/x-www-form-urlencoded", "a=%", true).field, "a");
    EXPECT_EQ(error_of(request_fields(HttpRequest{"GET", "/x?=%", {}, "", ""}, true)).field, "query");
}

TEST(RequestFieldsTest, FieldsOfBothTogetherUpToTheLimit) {
    const auto with = [](std::size_t in_query, std::size_t in_body) {
        return request_fields(HttpRequest{"POST",
                                          "/x?" + encoding::form(Fields(in_query, {"q", ""})),
                                          {{"Content-Type", "application/x-www-form-urlencoded"}},
                                          encoding::form(Fields(in_body, {"b", ""})),
                                          ""},
                              false);
    };
    EXPECT_EQ(with(limits::form_fields_max - 1, 1).value().size(), limits::form_fields_max);
    EXPECT_EQ(error_of(with(limits::form_fields_max, 1)).kind, ErrorKind::too_large);
    EXPECT_EQ(error_of(with(limits::form_fields_max + 1, 0)).kind, ErrorKind::too_large);
}

TEST(ResponseTest, SaysWhatItIsAndIsNotKept) {
    const auto answer = json_response(201, "{}");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, "{}");
    EXPECT_EQ(answer.header("Content-Type"), "application/json");
    EXPECT_EQ(answer.header("Cache-Control"), "no-store");
    const auto page = html_response(200, "<p>", "default-src 'none'");
    EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.header("Content-Security-Policy"), "default-src 'none'");
    EXPECT_EQ(page.header("Cache-Control"), "no-store");
    EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff");
    const auto moved = redirect_response(303, "https://shop.example/a?b=c");
    EXPECT_EQ(moved.status, 303);
    EXPECT_EQ(moved.header("Location"), "https://shop.example/a?b=c");
    EXPECT_EQ(moved.header("Cache-Control"), "no-store");
    EXPECT_THROW(redirect_response(303, "/a\r\nSet-Cookie: x"), std::logic_error);
    EXPECT_THROW(redirect_response(200, "/a"), std::logic_error);
    EXPECT_THROW(redirect_response(309, "/a"), std::logic_error);
    EXPECT_THROW(html_response(200, "", "a\nb"), std::logic_error);
}

// ---- log lines ----

class LogTest : public ::testing::Test {
  protected:
    LogTest() {
        static int count = 0;
        directory_ = std::filesystem::temp_directory_path() /
                     ("kassi-log-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::create_directories(directory_);
    }
    ~LogTest() override {
        log::start(log::Level::info);
        std::filesystem::remove_all(directory_);
    }
    [[nodiscard]] std::string file() const { return directory_ / "log"; }
    [[nodiscard]] std::vector<std::string> lines() const {
        std::ifstream in(file());
        std::vector<std::string> found;
        for (std::string line; std::getline(in, line);) found.push_back(line);
        return found;
    }

  private:
    std::filesystem::path directory_;
};

TEST_F(LogTest, OneObjectALineInOrder) {
    log::start(log::Level::info, file());
    log::info("purchase", {{"transaction", "0191"}, {"caller", "demo"}});
    ASSERT_EQ(lines().size(), 1U);
    const auto line = lines().front();
    const auto value = parse_json(line).value();
    const auto time = value["at"].get<std::string>();
    EXPECT_TRUE(parse_iso8601(time, "at")) << time;
    EXPECT_EQ(time.size(), std::string_view("2026-01-10T10:00:00.123Z").size());
    EXPECT_EQ(line, R"({"at":")" + time +
                        R"(","level":"info","event":"purchase","transaction":"0191","caller":"demo"})");
}

TEST_F(LogTest, NobodyCanWriteALineOfTheirOwn) {
    log::start(log::Level::info, file());
    log::warning("odd\n", {{"name\n", "value\n{\"event\":\"forged\"}\x1b[2J\x7f"},
                           {"bytes", "\xff\xfe þ"},
                           {"{}", "%v {} %n"}});
    ASSERT_EQ(lines().size(), 1U);
    const auto value = parse_json(lines().front()).value();
    EXPECT_EQ(value["event"], "odd\n");
    EXPECT_EQ(value["name\n"], "value\n{\"event\":\"forged\"}\x1b[2J\x7f");
    EXPECT_EQ(value["bytes"], "?? ??");
    EXPECT_EQ(value["{}"], "%v {} %n");
    EXPECT_EQ(lines().front().find('\x1b'), std::string::npos);
    EXPECT_EQ(lines().front().find('\x7f'), std::string::npos);
}

TEST_F(LogTest, LevelsBelowTheChosenOneAreLeftOut) {
    log::start(log::Level::warning, file());
    log::debug("1", {});
    log::info("2", {});
    log::warning("3", {});
    log::error("4", {});
    ASSERT_EQ(lines().size(), 2U);
    EXPECT_EQ(parse_json(lines()[0]).value()["level"], "warning");
    EXPECT_EQ(parse_json(lines()[1]).value()["level"], "error");
    log::start(log::Level::debug, file());
    log::debug("5", {});
    EXPECT_EQ(parse_json(lines().at(2)).value()["level"], "debug");
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
    log::start(log::Level::info, file());
    constexpr int threads_count = 4;
    constexpr int lines_each = 200;
    std::vector<std::thread> threads;
    for (int t = 0; t < threads_count; ++t)
        threads.emplace_back([] {
            for (int i = 0; i < lines_each; ++i) log::info("tick", {{"text", std::string(300, 'x')}});
        });
    for (auto& thread : threads) thread.join();
    const auto written = lines();
    ASSERT_EQ(written.size(), static_cast<std::size_t>(threads_count * lines_each));
    for (const auto& line : written) EXPECT_TRUE(parse_json(line)) << line;
}

TEST_F(LogTest, StandardErrorUnlessAFileIsGiven) {
    ::testing::internal::CaptureStderr();
    log::start(log::Level::info);
    log::info("hello", {});
    const auto text = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find("\"event\":\"hello\"}\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace kassi
