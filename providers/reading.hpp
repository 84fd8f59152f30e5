#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

/// Members of a provider's JSON answer that may be there and may be anything.
namespace kassi::providers {

/// "" when it is absent or no text.
std::string text_of(const nlohmann::json& object, std::string_view name);
std::optional<std::int64_t> integer_of(const nlohmann::json& object, std::string_view name);
/// Nullptr when it is absent or no object.
const nlohmann::json* object_in(const nlohmann::json& object, std::string_view name);
/// Nullptr when it is absent or no list.
const nlohmann::json* list_in(const nlohmann::json& object, std::string_view name);
/// An object, or nullopt: every answer of a provider is one.
std::optional<nlohmann::json> object_of(std::string_view body);

}  // namespace kassi::providers
