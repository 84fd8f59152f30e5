#include "providers/borgun/wire.hpp"

#include <nlohmann/json.hpp>

#include "base/money.hpp"
#include "base/text.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::borgun::wire {

using nlohmann::json;

const json* member(const json& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    const auto wanted = ascii_lower(name);
    for (const auto& [each, value] : object.items())
        if (ascii_lower(each) == wanted && !value.is_null()) return &value;
    return nullptr;
}

std::string text(const json& object, std::string_view name) {
    const auto* found = member(object, name);
    if (found == nullptr) return {};
    if (found->is_string()) return found->get<std::string>();
    return found->is_number_integer() ? std::to_string(found->get<std::int64_t>()) : std::string();
}

std::optional<std::int64_t> integer(const json& object, std::string_view name) {
    const auto* found = member(object, name);
    if (found == nullptr) return std::nullopt;
    if (found->is_number_integer()) return found->get<std::int64_t>();
    if (!found->is_string()) return std::nullopt;
    const auto read = minor_from_decimal(found->get_ref<const std::string&>(), 0, name);
    return read ? std::optional(*read) : std::nullopt;
}

const json* object_in(const json& object, std::string_view name) {
    const auto* found = member(object, name);
    return found != nullptr && found->is_object() ? found : nullptr;
}

const json* list_in(const json& object, std::string_view name) {
    const auto* found = member(object, name);
    return found != nullptr && found->is_array() ? found : nullptr;
}

std::string word(const json& object, std::string_view name,
                 std::initializer_list<std::pair<int, std::string_view>> words) {
    const auto* found = member(object, name);
    if (found == nullptr) return {};
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_number_integer()) return {};
    for (const auto& [number, meaning] : words)
        if (found->get<std::int64_t>() == number) return std::string(meaning);
    return {};
}

bool is_success(int status) {
    return status == 200 || status == 201;
}

bool is_our_fault(int status) {
    return status == 401 || status == 403 || status == 404;
}

bool complains_of(const HttpResponse& response, std::string_view field) {
    const auto object = object_of(response.body);
    if (!object) return false;
    std::string message = text(*object, "Message");
    if (message.empty()) message = text(*object, "error");
    const std::string wanted = ascii_lower(field) + ":";
    for (std::size_t begin = 0; begin < message.size();) {
        const auto end = std::min(message.find(';', begin), message.size());
        auto piece = ascii_lower(std::string_view(message).substr(begin, end - begin));
        piece.erase(0, piece.find_first_not_of(' '));
        if (piece.starts_with(wanted)) return true;
        begin = end + 1;
    }
    return false;
}

}  // namespace kassi::providers::borgun::wire
