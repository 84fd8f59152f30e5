#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/flow.hpp"

/// How flows read a merchant's settings and secrets. Errors: bad_request naming the setting.
namespace kassi::providers::settings {

/// Nothing but these: a misspelt setting would silently be its default. `flow` is for the error.
std::optional<Error> check_names(const Merchant& merchant, std::string_view flow,
                                 std::initializer_list<std::string_view> known_settings,
                                 std::initializer_list<std::string_view> known_secrets);

std::string text(const Merchant& merchant, const std::string& name, std::string_view otherwise);
/// "true" or "false".
Result<bool> flag(const Merchant& merchant, const std::string& name, bool otherwise);
/// "GBP,EUR": upper case codes of ISO 4217; "" none.
Result<std::vector<std::string>> currencies(const Merchant& merchant, const std::string& name);
/// Words with commas between them; "" none.
std::vector<std::string> words(const Merchant& merchant, const std::string& name);

/// The secret is there exactly when it is needed, and of visible ASCII characters.
std::optional<Error> check_secret(const Merchant& merchant, const std::string& name, bool needed,
                                  std::string_view what_for);
/// The secret's text, "" when there is none.
std::string_view secret(const Merchant& merchant, std::string_view name);
/// An absolute URL without a query string is there exactly when it is needed.
std::optional<Error> check_address(const std::string& name, const std::string& text, bool needed);
/// A JSON object.
std::optional<Error> check_json_object(const std::string& name, const std::string& text);

}  // namespace kassi::providers::settings
