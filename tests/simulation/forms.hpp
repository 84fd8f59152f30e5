#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.hpp"
#include "base/http_message.hpp"

/// What a simulated browser reads in the pages of houses and banks, and how it posts their forms.
namespace kassi::simulation {

/// What a browser reads in a page: `name="..." value="..."`, unescaped.
inline std::string plain(std::string text) {
    static constexpr std::pair<std::string_view, std::string_view> escapes[] = {
        {"&quot;", "\""}, {"&#39;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};
    for (const auto& [from, to] : escapes)
        for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    return text;
}

inline std::string between(const std::string& text, std::string_view before, std::size_t& from) {
    const auto begin = text.find(before, from);
    if (begin == std::string::npos) {
        from = begin;
        return {};
    }
    const auto end = text.find('"', begin + before.size());
    from = end;
    return plain(text.substr(begin + before.size(), end - begin - before.size()));
}

/// The only form of a page.
struct Form {
    std::string action;
    Fields fields;
};

inline Form form_of(const std::string& page) {
    Form form;
    std::size_t at = 0;
    form.action = between(page, " action=\"", at);
    while (at != std::string::npos) {
        auto name = between(page, "type=\"hidden\" name=\"", at);
        if (at == std::string::npos) break;
        form.fields.emplace_back(std::move(name), between(page, " value=\"", at));
    }
    return form;
}

inline HttpRequest posted(std::string target, const Fields& fields) {
    return {"POST",
            std::move(target),
            {{"Content-Type", "application/x-www-form-urlencoded"}},
            encoding::form(fields),
            ""};
}

}  // namespace kassi::simulation
