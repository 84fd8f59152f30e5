#pragma once

#include <string>
#include <string_view>

#include "base/http_message.hpp"

/// What the pages of the simulators have in common: one look, strict policies, no external resources. Texts
/// are escaped here; `nonce` is fresh for each page.
namespace kassi::sandbox::page {

std::string begin(std::string_view title, std::string_view nonce);
std::string head(std::string_view above, std::string_view heading);
std::string end();
/// Of a form: name "act", value `act`. `look` is a class: "pay", "no", "go" or "".
std::string button(std::string_view act, std::string_view look, std::string_view text, std::string_view more);
std::string hidden(std::string_view name, std::string_view value);
std::string link(std::string_view url, std::string_view text);

/// Browsers hold the target of a form, and each redirect that follows, against form-action. What comes after
/// the return URL may live on another port of the same machine.
std::string form_targets(const Url& back);
std::string policy(std::string_view nonce, std::string_view form_action, bool script);

}  // namespace kassi::sandbox::page
