#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

/// What credentials read from JSON that holds card data.
namespace kassi::providers {

/// Parsed JSON whose texts are overwritten when it goes.
class WipedJson {
  public:
    /// As strict as parse_json(), without its words: they could repeat what stands where no card number
    /// should. nullopt when that would have been an error.
    static std::optional<WipedJson> parse(std::string_view text, int levels_max);
    ~WipedJson();
    WipedJson(WipedJson&&) noexcept;
    WipedJson& operator=(WipedJson&&) = delete;

    [[nodiscard]] const nlohmann::json& root() const { return *root_; }
    /// A text member of the root object, "" when it is not there. The caller has checked that what is there
    /// is a text.
    [[nodiscard]] std::string_view text(std::string_view name) const;

  private:
    explicit WipedJson(std::unique_ptr<nlohmann::json> root);
    std::unique_ptr<nlohmann::json> root_;
};

}  // namespace kassi::providers
