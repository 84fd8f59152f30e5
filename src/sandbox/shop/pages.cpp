#include "sandbox/shop/pages.hpp"

#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/encoding.hpp"

namespace kassi::sandbox::shop {
namespace {

using kainjow::mustache::data;
using kainjow::mustache::mustache;
using nlohmann::json;

std::string template_of(std::string_view name) {
    const auto text = page_file(std::string(name) + ".html");
    if (text.empty()) throw std::logic_error("there is no page " + std::string(name));
    return std::string(text);
}

data data_of(const json& value) {
    switch (value.type()) {
        case json::value_t::object: {
            data object;
            for (const auto& [name, member] : value.items()) object.set(name, data_of(member));
            return object;
        }
        case json::value_t::array: {
            data list(data::type::list);
            for (const auto& element : value) list.push_back(data_of(element));
            return list;
        }
        case json::value_t::string: {
            // A section of an empty text shows nothing, as Mustache has it elsewhere.
            const auto& text = value.get_ref<const std::string&>();
            return text.empty() ? data(data::type::bool_false) : data(text);
        }
        case json::value_t::boolean:
            return data(value.get<bool>() ? data::type::bool_true : data::type::bool_false);
        case json::value_t::number_integer:
        case json::value_t::number_unsigned:
            return data(std::to_string(value.get<std::int64_t>()));
        case json::value_t::number_float:  // no page shows one
        case json::value_t::null:
        case json::value_t::binary:
        case json::value_t::discarded:
            break;
    }
    return data(data::type::bool_false);
}

}  // namespace

std::string render(std::string_view name, const json& content) {
    data page = data_of(content);
    for (const char* part : {"top", "bottom", "list", "summary"})
        page.set(part, kainjow::mustache::partial([part] { return template_of(part); }));
    mustache filled(template_of(name));
    if (!filled.is_valid()) throw std::logic_error(std::string(name) + ": " + filled.error_message());
    filled.set_custom_escape([](const std::string& text) { return encoding::html(text); });
    return filled.render(page);
}

}  // namespace kassi::sandbox::shop
