#include "providers/reading.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace kassi::providers {

using nlohmann::json;

std::string text_of(const json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<std::int64_t> integer_of(const json& object, std::string_view name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
}

const json* object_in(const json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_object() ? &*found : nullptr;
}

const json* list_in(const json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? &*found : nullptr;
}

std::optional<json> object_of(std::string_view body) {
    auto parsed = parse_json(body);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    return std::move(*parsed);
}

}  // namespace kassi::providers
