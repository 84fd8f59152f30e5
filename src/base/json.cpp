#include "base/json.hpp"

#include <array>
#include <cstddef>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace kassi {
namespace {

using nlohmann::json;

/// Reads bytes and tells how far it came: the SAX events below carry no place.
struct CountingIterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    const char* at;
    const char** furthest;

    reference operator*() const { return *at; }
    CountingIterator& operator++() {
        *furthest = ++at;
        return *this;
    }
    bool operator==(const CountingIterator& other) const { return at == other.at; }
    bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

std::string second_name(const std::string& name) {
    const std::string shown(name_for_error(name, ""));
    return (shown.empty() ? "a name" : '"' + shown + '"') + " twice in one object";
}

/// Builds the value and refuses what the grammar allows and we do not.
class Builder {
  public:
    explicit Builder(int depth_max) : depth_max_(static_cast<std::size_t>(depth_max)) {}

    json root;
    std::string problem;  ///< "" when the parser itself found the fault

    bool null() { return place(nullptr); }
    bool boolean(bool value) { return place(value); }
    bool number_integer(json::number_integer_t value) { return place(value); }
    bool number_unsigned(json::number_unsigned_t value) {
        constexpr auto largest =
            static_cast<json::number_unsigned_t>(std::numeric_limits<std::int64_t>::max());
        // A reader that asks is_number_integer() and takes 64 bits with a sign must not get another number.
        if (value > largest) return place(static_cast<double>(value));
        return place(value);
    }
    bool number_float(json::number_float_t value, const std::string&) { return place(value); }
    bool string(std::string& value) { return place(std::move(value)); }
    bool binary(json::binary_t&) { return refuse("binary data"); }
    bool start_object(std::size_t) { return open(json::object()); }
    bool start_array(std::size_t) { return open(json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        auto [slot, inserted] =
            open_.back()->get_ref<json::object_t&>().try_emplace(std::move(name), nullptr);
        if (!inserted) return refuse(second_name(slot->first));
        slot_ = &slot->second;
        return true;
    }
    template <class Exception>
    bool parse_error(std::size_t, const std::string&, const Exception&) {
        return false;
    }

  private:
    template <class Value>
    bool place(Value&& value) {
        put(json(std::forward<Value>(value)));
        return true;
    }
    json* put(json value) {
        if (open_.empty()) {
            root = std::move(value);
            return &root;
        }
        if (open_.back()->is_array()) {
            open_.back()->push_back(std::move(value));
            return &open_.back()->back();
        }
        *slot_ = std::move(value);
        return slot_;
    }
    bool open(json empty) {
        if (open_.size() == depth_max_) return refuse("more than " + std::to_string(depth_max_) + " levels");
        open_.push_back(put(std::move(empty)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }
    bool refuse(std::string why) {
        problem = std::move(why);
        return false;
    }

    std::size_t depth_max_;
    std::vector<json*> open_;  // a container is finished before its parent grows: the pointers stay good
    json* slot_ = nullptr;     // where the value of the last key goes
};

/// One object of scalars, in order.
class FlatReader {
  public:
    explicit FlatReader(std::size_t fields_max) : fields_max_(fields_max) {}

    Fields fields;
    std::string problem;
    std::string problem_field;
    bool too_many = false;

    bool null() { return inside("null"); }
    bool boolean(bool value) { return scalar(value ? "1" : "0"); }
    bool number_integer(json::number_integer_t value) { return scalar(std::to_string(value)); }
    bool number_unsigned(json::number_unsigned_t value) { return scalar(std::to_string(value)); }
    bool number_float(json::number_float_t, const std::string& text) { return scalar(text); }
    bool string(std::string& value) { return scalar(std::move(value)); }
    bool binary(json::binary_t&) { return refuse("binary data"); }
    bool start_object(std::size_t) {
        if (inside_) return refuse_nested();
        inside_ = true;
        return true;
    }
    bool start_array(std::size_t) { return inside_ ? refuse_nested() : inside("a list"); }
    bool end_object() { return true; }
    bool end_array() { return true; }
    bool key(std::string& name) {
        if (!names_.insert(name).second) return refuse(second_name(name));
        too_many = names_.size() > fields_max_;
        name_ = std::move(name);
        return !too_many;
    }
    template <class Exception>
    bool parse_error(std::size_t, const std::string&, const Exception&) {
        return false;
    }

  private:
    bool inside(std::string_view what) {
        return inside_ || refuse(std::string(what) + " where one object is read");
    }
    bool scalar(std::string value) {
        if (!inside("a lone value")) return false;
        fields.emplace_back(std::move(name_), std::move(value));
        return true;
    }
    bool refuse_nested() {
        problem_field = name_;
        return refuse("a list or an object where a single value is read");
    }
    bool refuse(std::string why) {
        problem = std::move(why);
        return false;
    }

    std::size_t fields_max_;
    std::set<std::string> names_;
    std::string name_;
    bool inside_ = false;
};

/// Runs the parser over `text`. True: the handler has everything. Otherwise `where` says how far it came, and
/// `fault` what is wrong when the handler did not say so.
template <class Handler>
bool read_json(std::string_view text, Handler& handler, std::size_t& where, std::string_view& fault) {
    where = 0;
    fault = "is not JSON: a byte order mark";
    if (text.starts_with("\xef\xbb\xbf")) return false;
    // The parser takes a zero byte for the end of the text.
    fault = "is not JSON: a zero byte";
    where = text.find('\0');
    if (where != std::string_view::npos) return false;
    fault = "is not UTF-8";
    where = encoding::utf8_bytes(text);
    if (where != text.size()) return false;
    fault = "is not JSON: it breaks off or has a fault";
    const char* furthest = text.data();
    const bool good = json::sax_parse(CountingIterator{text.data(), &furthest},
                                      CountingIterator{text.data() + text.size(), &furthest}, &handler);
    where = static_cast<std::size_t>(furthest - text.data());
    return good;
}

Error json_error(std::string_view field, const std::string& problem, std::string_view fault,
                 std::size_t where) {
    return bad_request(std::string(field), (problem.empty() ? std::string(fault) : "has " + problem) +
                                               " at byte " + std::to_string(where));
}

// What needs work inside a JSON string: 1 escape, 2 perhaps the first byte of a C1 control (U+0080 to
// U+009F).
constexpr auto string_classes = [] {
    std::array<std::uint8_t, 256> classes{};
    for (std::size_t c = 0; c < 0x20; ++c) classes[c] = 1;
    classes['"'] = classes['\\'] = classes[0x7f] = 1;
    classes[0xc2] = 2;
    return classes;
}();

void append_escape(std::string& out, unsigned code) {
    switch (code) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        default:
            break;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u00";
    out += digits[code >> 4 & 15U];
    out += digits[code & 15U];
}

void append_string(std::string& out, std::string_view value) {
    out += '"';
    std::size_t plain_from = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const unsigned c = static_cast<unsigned char>(value[i]);
        const auto kind = string_classes[c];
        if (kind == 0) continue;
        unsigned code = c;
        std::size_t length = 1;
        if (kind == 2) {
            code = i + 1 < value.size() ? static_cast<unsigned char>(value[i + 1]) : 0xffU;
            length = 2;
            if (code > 0x9f) continue;
        }
        out.append(value, plain_from, i - plain_from);
        append_escape(out, code);
        i += length - 1;
        plain_from = i + 1;
    }
    out.append(value, plain_from);
    out += '"';
}

}  // namespace

Result<json> parse_json(std::string_view text, std::string_view field, int depth_max) {
    Builder builder(depth_max);
    std::size_t where = 0;
    std::string_view fault;
    if (!read_json(text, builder, where, fault)) return json_error(field, builder.problem, fault, where);
    // A json converts to nearly everything, so that it has to be said which side of the result it is.
    return Result<json>(boost::system::in_place_value, std::move(builder.root));
}

Result<Fields> parse_flat_json(std::string_view text, std::string_view field, std::size_t fields_max) {
    FlatReader reader(fields_max);
    std::size_t where = 0;
    std::string_view fault;
    if (read_json(text, reader, where, fault)) return std::move(reader.fields);
    if (reader.too_many)
        return Error{ErrorKind::too_large, std::string(field),
                     "has more than " + std::to_string(fields_max) + " fields"};
    const auto& named = reader.problem_field.empty() ? std::string(field) : reader.problem_field;
    return json_error(named, reader.problem, fault, where);
}

void JsonWriter::separate() {
    if (comma_) out_ += ',';
    comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
    separate();
    out_ += '{';
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    out_ += '}';
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    out_ += '[';
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    out_ += ']';
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    append_string(out_, name);
    out_ += ':';
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
    separate();
    append_string(out_, value);
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    out_ += "null";
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view text) {
    separate();
    out_ += text;
    return *this;
}

namespace {

void write_value(JsonWriter& out, const json& value) {
    switch (value.type()) {
        case json::value_t::object:
            out.begin_object();
            for (const auto& [name, member] : value.items()) write_value(out.key(name), member);
            out.end_object();
            return;
        case json::value_t::array:
            out.begin_array();
            for (const auto& element : value) write_value(out, element);
            out.end_array();
            return;
        case json::value_t::string:
            out.string(value.get_ref<const std::string&>());
            return;
        case json::value_t::boolean:
            out.boolean(value.get<bool>());
            return;
        case json::value_t::null:
            out.null();
            return;
        case json::value_t::number_integer:
        case json::value_t::number_unsigned:
            out.integer(value.get<std::int64_t>());
            return;
        case json::value_t::number_float:
        case json::value_t::binary:
        case json::value_t::discarded:
            out.raw(value.dump());
            return;
    }
}

}  // namespace

std::string json_text(const json& value) {
    JsonWriter out;
    write_value(out, value);
    return out.take();
}

}  // namespace kassi
