#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "api/ticket_order/jsv.hpp"
#include "base/encoding.hpp"

namespace kassi::api::ticket_order {
namespace {

/// Made of what matters to JSV, and of letters in several alphabets.
rc::Gen<std::string> texts() {
    const auto pieces = rc::gen::elementOf(std::vector<std::string>{
        "\"", ":", ",", "{", "}",    "[",      "]",      "\r",         "\n",   "\t",    " ", "\\",
        "'",  "a", "B", "0", "null", "\u00e9", "\u2713", "\U0001f600", "\x01", "Date(", "/"});
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(pieces), [](const auto& all) {
        std::string text;
        for (const auto& piece : all) text += piece;
        return text;
    });
}

Node text_node(std::string text) {
    return {Node::Kind::text, std::move(text), {}, {}};
}

rc::Gen<Node> nodes(int levels) {
    const auto leaf = rc::gen::map(texts(), text_node);
    if (levels == 0) return leaf;
    const auto few = [levels] {
        return rc::gen::resize(4, rc::gen::container<std::vector<Node>>(nodes(levels - 1)));
    };
    const auto list = rc::gen::map(few(), [](std::vector<Node> items) {
        return Node{Node::Kind::list, "", {}, std::move(items)};
    });
    const auto object = rc::gen::map(rc::gen::pair(few(), texts()), [](const auto& made) {
        Node node{Node::Kind::object, "", {}, {}};
        for (const auto& item : made.first)
            node.members.emplace_back(std::to_string(node.members.size()) + made.second, item);
        return node;
    });
    return rc::gen::oneOf(leaf, list, object);
}

/// JSV has no types: what was written as a text comes back as one, in quotes or not.
Node without_quotes(Node node) {
    if (node.kind == Node::Kind::bare) node.kind = Node::Kind::text;
    for (auto& [name, member] : node.members) member = without_quotes(std::move(member));
    for (auto& item : node.items) item = without_quotes(std::move(item));
    return node;
}

/// As the member of an object, in which the writer quotes: at the top a text would have no end to find.
RC_GTEST_PROP(JsvProperty, WhatIsWrittenIsRead, ()) {
    Node root{Node::Kind::object, "", {}, {}};
    root.members.emplace_back("it", *nodes(4));
    const auto text = write_jsv(root);
    const auto read = read_jsv(text, "body");
    RC_ASSERT(read.has_value());
    RC_ASSERT(without_quotes(*read) == root);
    // And once more: reading changes nothing.
    RC_ASSERT(write_jsv(*read) == text);
}

RC_GTEST_PROP(JsvProperty, TypedWriterAndNullsToo, ()) {
    const auto items = *rc::gen::container<std::vector<std::pair<int, std::string>>>(
        rc::gen::pair(rc::gen::inRange(0, 3), texts()));
    JsvWriter jsv;
    jsv.begin_array().string("first");
    for (const auto& [kind, text] : items) {
        if (kind == 0)
            jsv.null();
        else
            jsv.string(text);
    }
    jsv.end_array();
    const auto read = read_jsv(jsv.text(), "body");
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->items.size() == items.size() + 1);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& [kind, text] = items[i];
        const auto& node = read->items[i + 1];
        RC_ASSERT((node.kind == Node::Kind::null) == (kind == 0));
        if (kind != 0) RC_ASSERT(node.text == text);
    }
}

/// Read from a buffer of its exact size, so that a sanitizer sees a byte beyond it.
void read_both(std::string_view text) {
    const std::vector<char> exact(text.begin(), text.end());
    const std::string_view view(exact.data(), exact.size());
    for (const auto& read : {read_jsv(view, "body"), read_jsv_list(view, "body")}) {
        if (!read) {
            EXPECT_FALSE(read.error().message.empty());
            EXPECT_TRUE(encoding::is_utf8(read.error().field));
            continue;
        }
        // What was taken can be written, and read again with the same meaning.
        Node root{Node::Kind::object, "", {}, {}};
        root.members.emplace_back("it", *read);
        EXPECT_LE(write_jsv(*read).size(), text.size() * 3 + 2);
    }
    static_cast<void>(read_json(view, "body"));
}

RC_GTEST_PROP(JsvProperty, AnyBytesAreReadOrRefused, (const std::string& bytes)) {
    read_both(bytes);
}

RC_GTEST_PROP(JsvProperty, AnyBytesOfTheGrammarAreReadOrRefused, ()) {
    read_both(*texts());
}

constexpr const char* seeds[] = {
    "{Id:1,Name:foo}",
    R"({Name:"say ""hi""",In:{Name:x,Tags:[a,"b,c","",,d]}})",
    R"({Map:{"a:b":c,d:"x,y"},When:2021-03-04T05:06:07+02:00,Nums:[ 1 , 2 ]})",
    "{\n\tteamPass: \n\t{\n\t\tid: 0,\n\t\tname: String\n\t},\n\torderDetails: \n\t[\n\t\t{\n\t\t\tid: "
    "0\n\t\t}\n\t]\n}",
    R"({Order:{ID:0,EventId:42,TimestampBought:2024-05-01T12:34:56.789Z,DeviceId:"dev ""1"", x",IsFree:False},OrderDetails:[{ID:0,TicketPrice:2250.25,TicketName:"A: b"},{ID:0}]})",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    R"({"order": {"eventId": 42, "deviceId": "dev \"1\", x"}, "orderDetails": [{"count": 2}]})",
};

TEST(JsvFuzz, MutatedVectors) {
    constexpr int rounds = 20'000;
    constexpr std::string_view bytes = "\"\":,{}[]\r\n\t \\aZ09\xc3\xa9\xff\x00/()+-";
    std::mt19937 random(20261128);
    const auto below = [&random](std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
    };
    int taken = 0;
    for (int round = 0; round < rounds; ++round) {
        std::string text = seeds[below(std::size(seeds))];
        for (auto changes = below(6) + 1; changes > 0 && !text.empty(); --changes) {
            const auto at = below(text.size());
            switch (below(5)) {
                case 0:
                    text[at] = bytes[below(bytes.size())];
                    break;
                case 1:
                    text.insert(at, 1, bytes[below(bytes.size())]);
                    break;
                case 2:
                    text.erase(at, below(4) + 1);
                    break;
                case 3:
                    text.insert(at, text.substr(below(text.size()), below(20)));
                    break;
                default:
                    text.resize(at);
            }
        }
        read_both(text);
        taken += read_jsv(text, "body") ? 1 : 0;
    }
    EXPECT_GT(taken, rounds / 100) << "mutations that leave something to read are part of the proof";
    EXPECT_LT(taken, rounds);
}

}  // namespace
}  // namespace kassi::api::ticket_order
