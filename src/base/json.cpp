#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
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
    bool integer(std::int64_t value) { return place(value); }
    bool number(double value, const std::string&) { return place(value); }
    bool string(std::string value) { return place(std::move(value)); }
    bool begin_object() { return open(json::object()); }
    bool begin_array() { return open(json::array()); }
    bool end() {
        open_.pop_back();
        return true;
    }
    bool key(std::string name) {
        auto [slot, inserted] =
            open_.back()->get_ref<json::object_t&>().try_emplace(std::move(name), nullptr);
        if (!inserted) return refuse(second_name(slot->first));
        slot_ = &slot->second;
        return true;
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
    bool integer(std::int64_t value) { return scalar(std::to_string(value)); }
    bool number(double, const std::string& text) { return scalar(text); }
    bool string(std::string value) { return scalar(std::move(value)); }
    bool begin_object() {
        if (inside_) return refuse_nested();
        inside_ = true;
        return true;
    }
    bool begin_array() { return inside_ ? refuse_nested() : inside("a list"); }
    static bool end() { return true; }
    bool key(std::string name) {
        if (!names_.insert(name).second) return refuse(second_name(name));
        too_many = names_.size() > fields_max_;
        name_ = std::move(name);
        return !too_many;
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

/// What Boost's parser finds, for one of the above: strings and names whole, numbers by what they are.
template <class Handler>
class Events {
  public:
    // Bounded by the size of the text.
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size;
    static constexpr std::size_t max_key_size = max_object_size;
    static constexpr std::size_t max_string_size = max_object_size;

    explicit Events(Handler& handler) : handler_(handler) {}

    using Fault = boost::json::error_code;
    using Part = boost::json::string_view;

    static bool on_document_begin(Fault&) { return true; }
    static bool on_document_end(Fault&) { return true; }
    bool on_object_begin(Fault& fault) { return said(handler_.begin_object(), fault); }
    bool on_object_end(std::size_t, Fault& fault) { return said(handler_.end(), fault); }
    bool on_array_begin(Fault& fault) { return said(handler_.begin_array(), fault); }
    bool on_array_end(std::size_t, Fault& fault) { return said(handler_.end(), fault); }
    bool on_key_part(Part part, std::size_t, Fault&) { return gather(part); }
    bool on_key(Part part, std::size_t, Fault& fault) { return said(handler_.key(whole(part)), fault); }
    bool on_string_part(Part part, std::size_t, Fault&) { return gather(part); }
    bool on_string(Part part, std::size_t, Fault& fault) { return said(handler_.string(whole(part)), fault); }
    bool on_number_part(Part part, Fault&) { return gather(part); }
    bool on_int64(std::int64_t value, Part, Fault& fault) {
        parts_.clear();
        return said(handler_.integer(value), fault);
    }
    // A reader that asks is_number_integer() and takes 64 bits with a sign must not get another number.
    bool on_uint64(std::uint64_t value, Part part, Fault& fault) {
        return said(handler_.number(static_cast<double>(value), whole(part)), fault);
    }
    /// `value` may be off by the last bit.
    bool on_double(double value, Part part, Fault& fault) {
        const std::string text = whole(part);
        if (text == "-0") return said(handler_.integer(0), fault);
        double exact = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), exact);
        const bool too_small = read.ec == std::errc::result_out_of_range && std::abs(value) < 1;
        if (read.ec != std::errc() && !too_small) return said(false, fault);
        return said(handler_.number(too_small ? 0 : exact, text), fault);
    }
    bool on_bool(bool value, Fault& fault) { return said(handler_.boolean(value), fault); }
    bool on_null(Fault& fault) { return said(handler_.null(), fault); }
    static bool on_comment_part(Part, Fault&) { return true; }
    static bool on_comment(Part, Fault&) { return true; }

  private:
    static bool said(bool good, Fault& fault) {
        if (!good) fault = boost::json::error::syntax;
        return good;
    }
    bool gather(Part part) {
        parts_.append(part.data(), part.size());
        return true;
    }
    std::string whole(Part part) {
        if (parts_.empty()) return {part.data(), part.size()};
        gather(part);
        return std::exchange(parts_, {});
    }

    Handler& handler_;
    std::string parts_;
};

/// The parser puts what was written with escapes together on the stack: overwritten, since it may be a card.
[[gnu::noinline]] void wipe_stack_below() {
    std::array<char, 16 * 1024> below;
    ::explicit_bzero(below.data(), below.size());
}

/// Runs the parser over `text`. True: the handler has everything. Otherwise `where` says how far it came, and
/// `fault` what is wrong when the handler did not say so.
template <class Handler>
bool read_json(std::string_view text, Handler& handler, std::size_t& where, std::string_view& fault) {
    where = 0;
    fault = "is not JSON: a byte order mark";
    if (text.starts_with("\xef\xbb\xbf")) return false;
    fault = "is not UTF-8";
    where = encoding::utf8_bytes(text);
    if (where != text.size()) return false;
    fault = "is not JSON: it breaks off or has a fault";
    boost::json::parse_options options;
    options.max_depth = std::numeric_limits<std::size_t>::max();  // the handlers have limits of their own
    options.allow_invalid_utf8 = true;                            // it was looked at above
    boost::json::basic_parser<Events<Handler>> parser(options, handler);
    boost::json::error_code problem;
    where = parser.write_some(false, text.data(), text.size(), problem);
    if (text.find('\\') != std::string_view::npos) wipe_stack_below();
    return !problem && where == text.size();
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

std::size_t plain_until(std::string_view value, std::size_t from) {
    while (from < value.size() && string_classes[static_cast<unsigned char>(value[from])] == 0) ++from;
    return from;
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

char* JsonWriter::room(std::size_t bytes) {
    if (out_.size() - size_ < bytes) out_.resize(std::max(2 * out_.size(), size_ + bytes));
    return out_.data() + size_;
}

void JsonWriter::put(std::string_view text) {
    std::copy(text.begin(), text.end(), room(text.size()));
    size_ += text.size();
}

void JsonWriter::put_escape(unsigned code) {
    // RFC 8259 section 7: a letter of its own, or four digits.
    constexpr std::string_view named = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf", digits = "0123456789abcdef";
    const auto at = named.find(static_cast<char>(code));
    if (at != std::string_view::npos) {
        put("\\");
        return put(letters.substr(at, 1));
    }
    put("\\u00");
    put(digits.substr(code >> 4 & 15U, 1));
    put(digits.substr(code & 15U, 1));
}

void JsonWriter::put_escaped(std::string_view value) {
    std::size_t plain_from = 0;
    for (std::size_t i = plain_until(value, 0); i < value.size(); i = plain_until(value, i)) {
        unsigned code = static_cast<unsigned char>(value[i]);
        std::size_t length = 1;
        if (string_classes[code] == 2) {
            code = i + 1 < value.size() ? static_cast<unsigned char>(value[i + 1]) : 0xffU;
            length = 2;
        }
        if (length == 2 && code > 0x9f) {  // no control, only begins like one
            ++i;
            continue;
        }
        put(value.substr(plain_from, i - plain_from));
        put_escape(code);
        i += length;
        plain_from = i;
    }
    put(value.substr(plain_from));
}

JsonWriter& JsonWriter::open(char bracket) {
    char* end = room(2);
    if (comma_) *end++ = ',';
    *end++ = bracket;
    return wrote(end, false);
}

JsonWriter& JsonWriter::close(char bracket) {
    char* end = room(1);
    *end++ = bracket;
    return wrote(end, true);
}

JsonWriter& JsonWriter::quoted(std::string_view value, bool is_name) {
    constexpr std::size_t signs = 4;
    char* end = room(value.size() + signs);
    if (comma_) *end++ = ',';
    *end++ = '"';
    if (plain_until(value, 0) == value.size()) {
        end = std::copy(value.begin(), value.end(), end);
    } else {
        wrote(end, false);
        put_escaped(value);
        end = room(signs);
    }
    *end++ = '"';
    if (is_name) *end++ = ':';
    return wrote(end, !is_name);
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
    constexpr std::size_t digits_max = std::numeric_limits<std::int64_t>::digits10 + 2;
    char* end = room(digits_max + 1);
    if (comma_) *end++ = ',';
    return wrote(std::to_chars(end, end + digits_max, value).ptr, true);
}

JsonWriter& JsonWriter::boolean(bool value) {
    return raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::null() {
    return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view text) {
    char* end = room(text.size() + 1);
    if (comma_) *end++ = ',';
    return wrote(std::copy(text.begin(), text.end(), end), true);
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
