#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace kassi::callbacks {

/// A form as a browser would read it from a page.
struct Form {
    std::string method, action;
    Fields fields;
};
/// The only form of the page; nullopt when there is none. Fails the test when there are two.
std::optional<Form> form_of(std::string_view html);

/// Character references back to characters, once.
std::string unescaped(std::string_view text);

/// The value of `name` in the first tag that begins with `tag` ("<style"), unescaped; "" when there is none.
std::string attribute(std::string_view html, std::string_view tag, std::string_view name);

/// The sources of one directive of a Content-Security-Policy.
std::string directive(std::string_view policy, std::string_view name);

}  // namespace kassi::callbacks
