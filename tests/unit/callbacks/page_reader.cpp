#include "page_reader.hpp"

#include <gtest/gtest.h>

#include <array>

namespace kassi::callbacks {
namespace {

/// The attributes of one tag, as HTML reads quoted ones: everything up to the next quote.
std::string attribute_of_tag(std::string_view tag, std::string_view name) {
    const auto wanted = " " + std::string(name) + "=\"";
    const auto from = tag.find(wanted);
    if (from == std::string_view::npos) return "";
    const auto begin = from + wanted.size();
    return unescaped(tag.substr(begin, tag.find('"', begin) - begin));
}

/// The tag that begins at `from`, to the '>' outside of quotes.
std::string_view tag_at(std::string_view html, std::size_t from) {
    bool quoted = false;
    for (auto i = from; i < html.size(); ++i) {
        if (html[i] == '"') quoted = !quoted;
        if (html[i] == '>' && !quoted) return html.substr(from, i + 1 - from);
    }
    return {};
}

}  // namespace

std::string unescaped(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, char>, 8> references{{{"&amp;", '&'},
                                                                                  {"&lt;", '<'},
                                                                                  {"&gt;", '>'},
                                                                                  {"&quot;", '"'},
                                                                                  {"&#39;", '\''},
                                                                                  {"&#x27;", '\''},
                                                                                  {"&#13;", '\r'},
                                                                                  {"&#10;", '\n'}}};
    std::string out;
    while (!text.empty()) {
        bool found = false;
        for (const auto& [reference, character] : references) {
            if (!text.starts_with(reference)) continue;
            out += character;
            text.remove_prefix(reference.size());
            found = true;
            break;
        }
        if (found) continue;
        EXPECT_NE(text.front(), '&') << "not escaped: " << text.substr(0, 20);
        out += text.front();
        text.remove_prefix(1);
    }
    return out;
}

std::string attribute(std::string_view html, std::string_view tag, std::string_view name) {
    const auto from = html.find(tag);
    return from == std::string_view::npos ? "" : attribute_of_tag(tag_at(html, from), name);
}

std::optional<Form> form_of(std::string_view html) {
    const auto from = html.find("<form");
    if (from == std::string_view::npos) return std::nullopt;
    EXPECT_EQ(html.find("<form", from + 1), std::string_view::npos) << "two forms";
    const auto tag = tag_at(html, from);
    Form form{attribute_of_tag(tag, "method"), attribute_of_tag(tag, "action"), {}};
    const auto inside = html.substr(from, html.find("</form>", from) - from);
    for (auto at = inside.find("<input"); at != std::string_view::npos; at = inside.find("<input", at + 1)) {
        const auto input = tag_at(inside, at);
        EXPECT_EQ(attribute_of_tag(input, "type"), "hidden");
        form.fields.emplace_back(attribute_of_tag(input, "name"), attribute_of_tag(input, "value"));
        at += input.size() - 1;
    }
    return form;
}

std::string directive(std::string_view policy, std::string_view name) {
    while (!policy.empty()) {
        const auto end = std::min(policy.find("; "), policy.size());
        const auto one = policy.substr(0, end);
        if (one.starts_with(std::string(name) + " ")) return std::string(one.substr(name.size() + 1));
        policy.remove_prefix(std::min(end + 2, policy.size()));
    }
    return "";
}

}  // namespace kassi::callbacks
