#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

/// The shop's pages: Mustache templates in pages/, compiled in.
namespace kassi::sandbox::shop {

/// A file of pages/ as it is; "" for an unknown name.
std::string_view page_file(std::string_view name);

/// Fills the template pages/<name>.html. Every value is escaped (encoding::html); a name that `content` lacks
/// shows nothing. Throws std::logic_error for an unknown or malformed template.
std::string render(std::string_view name, const nlohmann::json& content);

}  // namespace kassi::sandbox::shop
