#include "sandbox/simulators/borgun_wire.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace kassi::sandbox::borgun {
namespace {

constexpr std::size_t stored_block_bytes_max = 65'535;
constexpr std::uint32_t adler_modulus = 65'521;

char lower_char(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// True when `text` has the shape of `pattern`, where 9 stands for a digit.
bool has_shape(std::string_view text, std::string_view pattern) {
    if (text.size() != pattern.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (pattern[i] == '9' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
    return true;
}

std::uint32_t adler32(std::string_view bytes) {
    std::uint32_t low = 1, high = 0;
    for (const char c : bytes) {
        low = (low + static_cast<unsigned char>(c)) % adler_modulus;
        high = (high + low) % adler_modulus;
    }
    return (high << 16U) | low;
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::string big_endian(std::uint32_t value) {
    std::string bytes;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>((value >> shift) & 0xFFU);
    return bytes;
}

}  // namespace

void Problems::add(std::string_view field, std::string_view reason) {
    if (!text_.empty()) text_ += "; ";
    text_ += std::string(field) + ": " + std::string(reason);
}

HttpResponse Problems::answer() const {
    return message_answer(400, text_);
}

HttpResponse message_answer(int status, std::string_view message) {
    JsonWriter out;
    out.begin_object().field("Message", message).end_object();
    return json_response(status, out.take());
}

HttpResponse problem(std::string_view field, std::string_view reason) {
    Problems problems;
    problems.add(field, reason);
    return problems.answer();
}

nlohmann::json* Body::find(std::string_view name) const {
    if (!object_.is_object()) return nullptr;
    for (auto& [key, value] : object_.items())
        if (same_word(key, name)) return value.is_null() ? nullptr : &value;
    return nullptr;
}

std::string Body::text(std::string_view name) const {
    const auto* value = find(name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string{};
}

Secret<> Body::take_secret(std::string_view name) const {
    auto* value = find(name);
    if (value == nullptr || !value->is_string()) return {};
    auto& text = value->get_ref<std::string&>();
    Secret<> secret{std::string(text)};
    wipe(text.data(), text.size());
    text.clear();
    return secret;
}

std::optional<std::int64_t> Body::integer(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr || !value->is_number_integer()) return std::nullopt;
    return value->get<std::int64_t>();
}

std::optional<Body> Body::object(std::string_view name) const {
    auto* value = find(name);
    if (value == nullptr || !value->is_object()) return std::nullopt;
    return Body(*value);
}

std::optional<int> read_enum(const Body& body, std::string_view name, EnumWords words) {
    const auto number = body.integer(name);
    const std::string text = body.text(name);
    for (const auto& [word, value] : words)
        if (number ? *number == value : same_word(word, text)) return value;
    return std::nullopt;
}

bool same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char l, char r) { return lower_char(l) == lower_char(r); });
}

std::string lower(std::string_view text) {
    std::string low(text);
    std::transform(low.begin(), low.end(), low.begin(), lower_char);
    return low;
}

std::optional<std::string> read_transaction_date(std::string_view text) {
    constexpr std::string_view date_shape = "9999-99-99";
    constexpr std::string_view time_shape = "99:99:99";
    constexpr std::size_t zone_letters_max = 5;
    const std::string_view date = text.substr(0, date_shape.size());
    if (!has_shape(date, date_shape)) return std::nullopt;
    std::string_view rest = text.substr(date.size());
    std::string_view time = "00:00:00";
    if (!rest.empty()) {
        const std::size_t between = std::min(rest.find_first_of("0123456789"), rest.size());
        const auto is_between = [](char c) {
            return c == ' ' || (lower_char(c) >= 'a' && lower_char(c) <= 'z');
        };
        if (between == 0 || between > zone_letters_max ||
            !std::all_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(between), is_between))
            return std::nullopt;
        rest.remove_prefix(between);
        time = rest.substr(0, time_shape.size());
        if (!has_shape(time, time_shape)) return std::nullopt;
        rest.remove_prefix(time.size());
        if (rest.find_first_not_of("0123456789.:+-Z ") != std::string_view::npos) return std::nullopt;
    }
    std::string said = std::string(date) + "T" + std::string(time);
    // The calendar is the parser's business: there is no 31st of February.
    if (!parse_iso8601(said + "Z", "TransactionDate")) return std::nullopt;
    return said;
}

std::string zlib_pack(std::string_view bytes) {
    std::string packed("\x78\x9C", 2);
    std::string_view rest = bytes;
    do {
        const std::string_view block = rest.substr(0, stored_block_bytes_max);
        rest.remove_prefix(block.size());
        const auto size = static_cast<unsigned>(block.size());
        packed += rest.empty() ? '\x01' : '\x00';
        for (const unsigned each : {size, ~size}) {
            packed += static_cast<char>(each & 0xFFU);
            packed += static_cast<char>((each >> 8U) & 0xFFU);
        }
        packed += block;
    } while (!rest.empty());
    return packed + big_endian(adler32(bytes));
}

std::optional<std::string> zlib_unpack(std::string_view packed) {
    constexpr std::size_t block_head = 5, checksum = 4;
    if (!packed.starts_with(std::string_view("\x78\x9C", 2))) return std::nullopt;
    packed.remove_prefix(2);
    std::string bytes;
    for (bool last = false; !last;) {
        if (packed.size() < block_head || byte_at(packed, 0) > 1) return std::nullopt;
        last = byte_at(packed, 0) == 1;
        const unsigned size = byte_at(packed, 1) | (byte_at(packed, 2) << 8U);
        const unsigned other = byte_at(packed, 3) | (byte_at(packed, 4) << 8U);
        packed.remove_prefix(block_head);
        if ((size ^ other) != 0xFFFFU || packed.size() < size) return std::nullopt;
        bytes += packed.substr(0, size);
        packed.remove_prefix(size);
    }
    if (packed.size() != checksum || packed != big_endian(adler32(bytes))) return std::nullopt;
    return bytes;
}

std::optional<std::string> lenient_base64(std::string_view text) {
    std::string plain;
    for (const char c : text) {
        if (c == '\r' || c == '\n' || c == ' ' || c == '\t') continue;
        plain += c == '+' ? '-' : c == '/' ? '_' : c;
    }
    while (!plain.empty() && plain.back() == '=') plain.pop_back();
    if (plain.empty()) return std::nullopt;
    auto bytes = encoding::from_base64url(plain, "base64");
    if (!bytes) return std::nullopt;
    return std::move(*bytes);
}

std::string digits_of(Instant at) {
    std::string digits;
    for (const char c : iso8601(std::chrono::floor<std::chrono::seconds>(at)))
        if (is_digit(c)) digits += c;
    return digits;
}

}  // namespace kassi::sandbox::borgun
