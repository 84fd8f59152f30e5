#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/result.hpp"

/// Strict reading of JSON bodies and query strings: the first thing that is wrong is named as the caller
/// spelled it ("bundles[0].amount"), and what nobody knows is refused.
namespace kassi::api::v1 {

enum class Need { required, optional };

/// One JSON object of a body. Reading goes on after an error, with empty values; the first error stays in the
/// Trouble that all objects of a body share. finish() refuses members that nobody asked for.
class ObjectReader {
  public:
    using Trouble = std::optional<Error>;

    /// `path` "" for the body itself. `value`, and the names that are asked for, must live as long as the
    /// reader.
    ObjectReader(const nlohmann::json& value, std::string path, Trouble& trouble);

    [[nodiscard]] bool has(std::string_view name);
    /// "" when absent. Control characters are refused, an empty text too where `bytes_min` is 1.
    std::string text(std::string_view name, Need need, std::size_t bytes_max, std::size_t bytes_min = 1);
    /// A JSON integer: no fraction, no exponent, no text. 0 when absent.
    std::int64_t integer(std::string_view name, Need need, std::int64_t least, std::int64_t most);
    /// An amount in minor units, 0 to payment_minor_max.
    std::int64_t amount(std::string_view name, std::int64_t least);
    std::optional<bool> boolean(std::string_view name, Need need);
    Instant instant(std::string_view name);
    /// nullptr when absent.
    const nlohmann::json* member(std::string_view name, Need need);
    const nlohmann::json* object(std::string_view name, Need need);
    /// Each element that is an object gets a reader of its own, finished afterwards.
    void each_object(std::string_view name, Need need, std::size_t most,
                     const std::function<void(ObjectReader&)>& read);
    /// A reader of a member that object() gave; it shares the Trouble.
    ObjectReader within(std::string_view name, const nlohmann::json& member) {
        return {member, at(name), trouble_};
    }
    void finish();

    [[nodiscard]] std::string at(std::string_view name) const;  ///< "bundles[0].amount"
    void refuse(std::string field, std::string message, ErrorKind kind = ErrorKind::bad_request);
    [[nodiscard]] bool sound() const { return !trouble_; }

  private:
    const nlohmann::json& value_;
    std::string path_;
    Trouble& trouble_;
    std::vector<std::string_view> known_;
};

/// The text of a member of the outermost object, byte for byte as it came; "" when absent. `text` must be
/// JSON that parse_json has accepted.
std::string_view raw_member(std::string_view text, std::string_view name);

/// A query string with known names, each at most once.
class QueryReader {
  public:
    /// Error: bad_request, what is wrong with the query.
    static Result<QueryReader> read(std::string_view query);

    [[nodiscard]] const std::string* value(std::string_view name);
    std::string text(std::string_view name, Need need, std::size_t bytes_max);
    std::optional<bool> boolean(std::string_view name);
    /// RFC 3339, or a date alone: its first moment, UTC.
    std::optional<Instant> instant(std::string_view name);
    std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most, std::int64_t absent);
    void refuse(std::string_view name, std::string message);
    /// The first error, or that of a name that nobody asked for.
    [[nodiscard]] std::optional<Error> finish();

  private:
    Fields fields_;
    std::optional<Error> trouble_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace kassi::api::v1
