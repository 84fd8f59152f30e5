#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// What all readers of a token's JSON need.
namespace kassi::providers::apple_pay {

/// bad_request, field "apple_pay".
Error wrong(std::string why);
/// A text member, or nothing when it is missing or no text. Lives as long as the object.
std::optional<std::string_view> text_of(const nlohmann::json& object, const char* name);

}  // namespace kassi::providers::apple_pay
