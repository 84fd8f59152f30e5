#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/http_message.hpp"

/// Reading the gateway's JSON, whose sources do not agree on the case of names, nor on whether a small
/// number is a text (reference/borgun.md sections 2.4 and 7.3).
namespace kassi::providers::borgun::wire {

/// Whatever the case of the name; nullptr when it is absent or null.
const nlohmann::json* member(const nlohmann::json& object, std::string_view name);
/// A text, or a whole number in digits; "" for anything else.
std::string text(const nlohmann::json& object, std::string_view name);
/// A whole number, or a text of nothing but its digits.
std::optional<std::int64_t> integer(const nlohmann::json& object, std::string_view name);
const nlohmann::json* object_in(const nlohmann::json& object, std::string_view name);
const nlohmann::json* list_in(const nlohmann::json& object, std::string_view name);

/// A word, or the number that stands for it in `words` (the index is the number).
std::string word(const nlohmann::json& object, std::string_view name,
                 std::initializer_list<std::pair<int, std::string_view>> words);

/// 200 or 201.
bool is_success(int status);
/// Our key or the path is refused: the gateway did nothing.
bool is_our_fault(int status);
/// "Message" of an error names that field: "Token: InvalidFormat; ...".
bool complains_of(const HttpResponse& response, std::string_view field);

}  // namespace kassi::providers::borgun::wire
