#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.hpp"
#include "base/result.hpp"

namespace kassi {

/// Strict RFC 8259: UTF-8 checked, at most `depth_max` levels, no duplicate names in an object, no
/// trailing text, no byte order mark. An integer that no std::int64_t holds becomes a floating number, so
/// that is_number_integer() means that get<std::int64_t>() is exact. Error: bad_request, field "body" unless
/// told, with the byte offset in the message.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view field = "body", int depth_max = 32);

/// One JSON object of scalars as ordered fields, as strict as parse_json: true -> "1", false -> "0", a number
/// as it is written, null as if it were absent. Errors: bad_request naming `field`, or the name whose value
/// is a list or an object; too_large.
Result<Fields> parse_flat_json(std::string_view text, std::string_view field = "body",
                               std::size_t fields_max = 200);

/// As text, without blanks. Unlike dump() it leaves no copy of a string on the stack: the value may be a
/// card. Strings must be UTF-8, as those of parse_json are.
std::string json_text(const nlohmann::json& value);

/// Writes JSON text straight into one string, in the order of the calls. Commas are its business.
/// Strings are escaped, control characters of a terminal (DEL, C1) too; text must be UTF-8 already.
class JsonWriter {
  public:
    JsonWriter() : out_(usual_bytes, '\0') {}
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name) { return quoted(name, true); }
    JsonWriter& string(std::string_view value) { return quoted(value, false); }
    JsonWriter& integer(std::int64_t value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();
    /// Already JSON: a number as decimal text, or stored bytes spliced in.
    JsonWriter& raw(std::string_view json);

    JsonWriter& field(std::string_view name, std::string_view value) { return key(name).string(value); }
    JsonWriter& field(std::string_view name, const char* value) { return key(name).string(value); }
    template <std::integral N>
    JsonWriter& field(std::string_view name, N value) {
        if constexpr (std::same_as<N, bool>)
            return key(name).boolean(value);
        else
            return key(name).integer(static_cast<std::int64_t>(value));
    }

    [[nodiscard]] std::string_view text() const { return {out_.data(), size_}; }
    [[nodiscard]] std::string take() {
        out_.resize(std::exchange(size_, 0));
        return std::move(out_);
    }

  private:
    static constexpr std::size_t usual_bytes = 1024;  ///< of a state; room for them all at once

    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    JsonWriter& quoted(std::string_view value, bool is_name);
    /// Where the next so many bytes go; wrote() says how many it were.
    char* room(std::size_t bytes);
    JsonWriter& wrote(const char* end, bool comma) {
        size_ = static_cast<std::size_t>(end - out_.data());
        comma_ = comma;
        return *this;
    }
    void put(std::string_view text);
    void put_escaped(std::string_view value);
    void put_escape(unsigned code);

    // A state has some forty names and values: appended piece by piece to the end of a string they take three
    // times as long.
    std::string out_;       ///< what is written, and room for more
    std::size_t size_ = 0;  ///< of what is written
    bool comma_ = false;
};

}  // namespace kassi
