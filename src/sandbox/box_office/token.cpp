#include "sandbox/box_office/token.hpp"

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/json.hpp"

namespace kassi::sandbox::box_office {
namespace {

constexpr std::string_view token_mark = "k2-";
constexpr std::string_view purpose = "trolley token 2\n";  ///< the key seals nothing else by accident
constexpr std::size_t seal_bytes = 16;
constexpr std::size_t line_parts = 9;
constexpr std::int64_t item_max = 999'999'999;

Error bad_token() {
    return bad_request("trolley_token", "is not a trolley token of this system");
}

std::string seal_of(const Secret<>& key, std::string_view content) {
    const auto digest = crypto::hmac_sha256(key.reveal(), std::string(purpose).append(content));
    return crypto::to_bytes(digest).substr(0, seal_bytes);
}

void write(JsonWriter& out, const std::vector<std::string>& list) {
    out.begin_array();
    for (const auto& text : list) out.string(text);
    out.end_array();
}

bool read(const nlohmann::json& value, std::string& out) {
    if (!value.is_string()) return false;
    out = value.get<std::string>();
    return true;
}

bool read(const nlohmann::json& value, std::int64_t& out, std::int64_t min, std::int64_t max) {
    if (!value.is_number_integer()) return false;
    out = value.get<std::int64_t>();
    return out >= min && out <= max;
}

bool read(const nlohmann::json& value, std::vector<std::string>& out) {
    if (!value.is_array() || value.size() > tickets_per_line_max) return false;
    out.resize(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (!read(value[i], out[i])) return false;
    }
    return true;
}

bool read(const nlohmann::json& value, Line& line) {
    return value.is_array() && value.size() == line_parts && read(value[0], line.item, 1, item_max) &&
           read(value[1], line.perf_id) && read(value[2], line.ticket_type) &&
           read(value[3], line.price_band) && read(value[4], line.seats_count, 1, tickets_per_line_max) &&
           read(value[5], line.seats) && read(value[6], line.discounts) &&
           read(value[7], line.departure_date) && read(value[8], line.nights, 0, nights_max);
}

bool read(const nlohmann::json& value, Trolley& trolley) {
    if (!value.is_object() || value.size() != 3 || !value.contains("n") || !value.contains("o") ||
        !value.contains("s"))
        return false;
    const auto& lines = value["o"];
    if (!read(value["n"], trolley.next_item, 1, item_max) || !lines.is_array() ||
        lines.size() > trolley_lines_max || !value["s"].is_object())
        return false;
    std::int64_t last = 0;
    for (const auto& entry : lines) {
        Line line;
        if (!read(entry, line) || line.item <= last || line.item >= trolley.next_item) return false;
        last = line.item;
        trolley.lines.push_back(std::move(line));
    }
    for (const auto& [source, code] : value["s"].items()) {
        if (!read(code, trolley.send_codes[source])) return false;
    }
    return true;
}

}  // namespace

std::string trolley_token(const Secret<>& key, const Trolley& trolley) {
    JsonWriter out;
    out.begin_object().field("n", trolley.next_item).key("o").begin_array();
    for (const auto& line : trolley.lines) {
        out.begin_array().integer(line.item).string(line.perf_id).string(line.ticket_type);
        out.string(line.price_band).integer(line.seats_count);
        write(out, line.seats);
        write(out, line.discounts);
        out.string(line.departure_date).integer(line.nights).end_array();
    }
    out.end_array().key("s").begin_object();
    for (const auto& [source, code] : trolley.send_codes) out.field(source, code);
    const auto content = out.end_object().end_object().take();
    return std::string(token_mark) + encoding::base64url(seal_of(key, content) + content);
}

Result<Trolley> read_trolley_token(const Secret<>& key, std::string_view token) {
    if (token.size() > trolley_token_bytes_max || !token.starts_with(token_mark)) return bad_token();
    const auto bytes = encoding::from_base64url(token.substr(token_mark.size()), "trolley_token");
    if (!bytes || bytes->size() < seal_bytes) return bad_token();
    const auto content = std::string_view(*bytes).substr(seal_bytes);
    if (!crypto::equal(bytes->substr(0, seal_bytes), seal_of(key, content))) return bad_token();
    const auto parsed = parse_json(content, "trolley_token");
    Trolley trolley;
    if (!parsed || !read(*parsed, trolley)) return bad_token();
    return trolley;
}

}  // namespace kassi::sandbox::box_office
