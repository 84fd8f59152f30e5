#include "providers/credentials/wiped_json.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/secret.hpp"

namespace kassi::providers {
namespace {

using nlohmann::json;

void wipe_texts(json& value) {
    if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        wipe(text.data(), text.size());
    }
    if (value.is_object() || value.is_array())
        for (auto& each : value) wipe_texts(each);
}

}  // namespace

WipedJson::WipedJson(std::unique_ptr<json> root) : root_(std::move(root)) {}
WipedJson::WipedJson(WipedJson&&) noexcept = default;
WipedJson::~WipedJson() {
    if (root_) wipe_texts(*root_);
}

std::optional<WipedJson> WipedJson::parse(std::string_view text, int levels_max) {
    auto root = parse_json(text, "", levels_max);
    if (!root) return std::nullopt;
    return WipedJson(std::make_unique<json>(std::move(*root)));
}

std::string_view WipedJson::text(std::string_view name) const {
    const auto found = root_->find(name);
    return found == root_->end() ? std::string_view() : found->get_ref<const std::string&>();
}

}  // namespace kassi::providers
