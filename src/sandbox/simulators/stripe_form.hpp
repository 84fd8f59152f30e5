#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.hpp"

/// What came in a form body or a query of /v1, and what is wrong with it.
namespace kassi::sandbox::stripe {

inline constexpr std::size_t metadata_pairs_max = 50;
inline constexpr std::size_t metadata_key_characters_max = 40;
inline constexpr std::size_t metadata_value_characters_max = 500;
inline constexpr std::size_t expand_levels_max = 4;
inline constexpr std::size_t expand_paths_max = 20;
inline constexpr std::size_t text_characters_max = 1000;  ///< a description and the like

using Metadata = std::map<std::string, std::string>;

/// An error object of section 4, and what the layers above do with it.
struct Refusal {
    int status = 400;
    std::string type = "invalid_request_error";
    std::string code;  ///< "" none, as every text below
    std::string decline_code;
    std::string param;
    std::string message;
    std::string advice_code;
    std::string network_decline_code;
    std::string charge;          ///< id
    std::string payment_intent;  ///< JSON
    std::string payment_method;  ///< JSON
    bool kept = true;            ///< an Idempotency-Key remembers it: the work had begun
};

/// Wrong parameters: nothing was begun, so no key remembers it.
Refusal wrong_parameter(std::string code, std::string param, std::string message);
/// A state or an object that does not allow it.
Refusal refused(std::string code, std::string param, std::string message);
/// 404 resource_missing.
Refusal missing(std::string_view what, std::string_view id, std::string param);

/// Which linked objects an answer shows whole: "latest_charge", "latest_charge.refunds".
class Expand {
  public:
    Expand() = default;
    explicit Expand(std::vector<std::string> paths) : paths_(std::move(paths)) {}
    [[nodiscard]] bool has(std::string_view name) const;      ///< itself, or something below it
    [[nodiscard]] Expand below(std::string_view name) const;  ///< what is asked of that object
    [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }

  private:
    std::vector<std::string> paths_;
};

/// Nested names in canonical form ("expand[]" is counted, brackets are decoded, the last of a name counts).
/// Readers mark what they read; finish() refuses what nobody read. The first thing that is wrong stays.
class Form {
  public:
    explicit Form(const Fields& fields);

    [[nodiscard]] bool has(std::string_view name) const;
    /// One of "name[..." is there.
    [[nodiscard]] bool has_part(std::string_view name) const;
    /// Nullopt when absent or empty; at most text_characters_max.
    std::optional<std::string> text(std::string_view name);
    std::string text_or(std::string_view name, std::string_view otherwise);
    std::string needed(std::string_view name);
    /// Decimal digits with a sign; else parameter_invalid_integer.
    std::optional<std::int64_t> integer(std::string_view name);
    bool flag(std::string_view name, bool otherwise);
    std::string one_of(std::string_view name, std::string_view otherwise,
                       std::initializer_list<std::string_view> words);
    /// "name[0]", "name[1]", ...
    std::vector<std::string> list(std::string_view name);
    /// Absent: nullopt. "metadata=" (all of it goes): an empty map with clear.
    struct MetadataChange {
        Metadata values;  ///< "" deletes
        bool clear = false;
    };
    std::optional<MetadataChange> metadata();
    /// Of the paths in `allowed` ("latest_charge", "data.latest_charge") only.
    Expand expand(std::initializer_list<std::string_view> allowed);
    /// Read and of no consequence here.
    void ignore(std::initializer_list<std::string_view> names);

    void refuse(Refusal refusal);  ///< the first one stays
    [[nodiscard]] const std::optional<Refusal>& wrong() const { return wrong_; }
    /// parameter_unknown for the first that was not read; what is wrong anyway.
    const std::optional<Refusal>& finish();

    /// Equal for equal parameters, in whatever order they came.
    [[nodiscard]] std::string fingerprint() const;

  private:
    struct Value {
        std::string text;
        bool read = false;
    };
    std::string* find(std::string_view name);
    std::map<std::string, Value, std::less<>> values_;
    std::vector<std::string> order_;
    std::optional<Refusal> wrong_;
};

/// What a change makes of `metadata`; refuses what is over the limits.
std::optional<Refusal> merge(Metadata& metadata, const Form::MetadataChange& change);

}  // namespace kassi::sandbox::stripe
