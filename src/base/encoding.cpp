#include "base/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/text.hpp"

namespace kassi {

const std::string* find_field(const Fields& fields, std::string_view name) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
    return found == fields.end() ? nullptr : &found->second;
}

namespace encoding {
namespace {

// RFC 2046 section 5.1.1.
constexpr std::size_t boundary_bytes_max = 70;
constexpr std::size_t part_header_bytes_max = 4096;

constexpr std::string_view lower_digits = "0123456789abcdef";
constexpr std::string_view upper_digits = "0123456789ABCDEF";
constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr unsigned byte(char c) {
    return static_cast<unsigned char>(c);
}

constexpr char to_char(unsigned value) {
    return static_cast<char>(static_cast<unsigned char>(value & 0xffU));
}

constexpr bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// RFC 9110 section 5.6.2.
constexpr bool is_token_character(char c) {
    return is_unreserved(c) || std::string_view("!#$%&'*+^`|").find(c) != std::string_view::npos;
}

bool same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char l, char r) { return ascii_lower(l) == ascii_lower(r); });
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

using Places = std::array<std::int8_t, 256>;

constexpr Places places_of(std::string_view alphabet) {
    Places places{};
    places.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) places[byte(alphabet[i])] = static_cast<std::int8_t>(i);
    return places;
}

std::string encode64(std::string_view bytes, std::string_view alphabet, bool padded) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    unsigned buffer = 0;
    int bits = 0;
    for (const char c : bytes) {
        buffer = (buffer << 8 | byte(c)) & 0xffffU;
        for (bits += 8; bits >= 6;) {
            bits -= 6;
            out += alphabet[buffer >> bits & 63U];
        }
    }
    if (bits > 0) out += alphabet[buffer << (6 - bits) & 63U];
    while (padded && out.size() % 4 != 0) out += '=';
    return out;
}

std::optional<std::string> decode64(std::string_view text, const Places& places) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    unsigned buffer = 0;
    int bits = 0;
    for (const char c : text) {
        const int place = places[byte(c)];
        if (place < 0) return std::nullopt;
        buffer = (buffer << 6 | static_cast<unsigned>(place)) & 0xffffU;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += to_char(buffer >> bits);
        }
    }
    if ((buffer & ((1U << bits) - 1)) != 0) return std::nullopt;  // two texts for the same bytes
    return out;
}

struct PercentProblem {
    std::size_t at;
};

/// Appends to `out`; the offset of what is wrong otherwise.
std::optional<PercentProblem> decode_percent(std::string_view text, bool plus_is_blank, std::string& out) {
    out.reserve(out.size() + text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? nibble(text[i + 1]) : -1;
            const int low = high < 0 ? -1 : nibble(text[i + 2]);
            if (low < 0) return PercentProblem{i};
            out += to_char(static_cast<unsigned>(high * 16 + low));
            i += 2;
        } else {
            out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
        }
    }
    return std::nullopt;
}

Error percent_error(std::string_view field, PercentProblem problem) {
    return bad_request(std::string(field),
                       "has a '%' without two hexadecimal digits at byte " + std::to_string(problem.at));
}

Error utf8_error(std::string_view field) {
    return bad_request(std::string(field), "is not UTF-8");
}

Error too_many_fields(std::string_view field, std::size_t fields_max) {
    return Error{ErrorKind::too_large, std::string(field),
                 "has more than " + std::to_string(fields_max) + " fields"};
}

/// One `name=value` or `name="value"` of a header, and where the next begins.
struct Parameter {
    std::string name;
    std::string value;
};

/// Takes "; name=value" apart, after the first word of a header. nullopt: malformed.
std::optional<std::vector<Parameter>> header_parameters(std::string_view text) {
    std::vector<Parameter> parameters;
    for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
        if (text.front() != ';') return std::nullopt;
        text = trimmed(text.substr(1));
        if (text.empty()) break;
        const auto name_end = text.find('=');
        if (name_end == std::string_view::npos) return std::nullopt;
        const auto name = text.substr(0, name_end);
        if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_character)) return std::nullopt;
        text.remove_prefix(name_end + 1);
        std::string value;
        if (!text.empty() && text.front() == '"') {
            std::size_t i = 1;
            for (; i < text.size() && text[i] != '"'; ++i) {
                // Only these two are escapes here; browsers write a lone backslash as it is.
                if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
                    ++i;
                value += text[i];
            }
            if (i >= text.size()) return std::nullopt;
            text.remove_prefix(i + 1);
        } else {
            const auto end = static_cast<std::size_t>(
                std::find_if_not(text.begin(), text.end(), is_token_character) - text.begin());
            if (end == 0) return std::nullopt;
            value = text.substr(0, end);
            text.remove_prefix(end);
        }
        parameters.push_back({std::string(name), std::move(value)});
    }
    return parameters;
}

/// A name as browsers escape it in multipart headers (WHATWG HTML, "multipart/form-data encoding").
std::string browser_unescaped(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const auto next = name.substr(i, 3);
        if (next == "%22" || next == "%0D" || next == "%0A") {
            out += to_char(static_cast<unsigned>(nibble(next[1]) * 16 + nibble(next[2])));
            i += 2;
        } else {
            out += name[i];
        }
    }
    return out;
}

Error multipart_error(std::string message) {
    return bad_request("body", std::move(message));
}

/// The name of one part by its header lines, which end in CRLF each.
Result<std::string> part_name(std::string_view header) {
    std::optional<std::string> found;
    while (!header.empty()) {
        const auto line = header.substr(0, header.find("\r\n"));
        header.remove_prefix(std::min(header.size(), line.size() + 2));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos)
            return multipart_error("has a multipart header line without a colon");
        const auto name = line.substr(0, colon);
        const auto value = trimmed(line.substr(colon + 1));
        if (same_word(name, "Content-Transfer-Encoding") && !same_word(value, "binary") &&
            !same_word(value, "8bit") && !same_word(value, "7bit"))
            return multipart_error("has a part with a transfer encoding, which RFC 7578 gave up");
        if (!same_word(name, "Content-Disposition")) continue;
        if (found) return multipart_error("has a part with two Content-Disposition headers");
        const auto end = value.find(';');
        const auto parameters =
            end == std::string_view::npos ? std::nullopt : header_parameters(value.substr(end));
        if (!same_word(trimmed(value.substr(0, end)), "form-data") || !parameters)
            return multipart_error("has a part without a proper Content-Disposition: form-data");
        bool is_file = false;
        for (const auto& parameter : *parameters) {
            if (same_word(parameter.name, "name")) {
                if (found) return multipart_error("has a part with two names");
                found = browser_unescaped(parameter.value);
            }
            is_file =
                is_file || same_word(parameter.name, "filename") || same_word(parameter.name, "filename*");
        }
        if (!found) return multipart_error("has a part without a name");
        if (!is_utf8(*found)) return utf8_error("body");
        if (is_file)
            return bad_request(std::string(name_for_error(*found, "body")), "is a file; none is read here");
    }
    if (!found) return multipart_error("has a part without a Content-Disposition");
    return *std::move(found);
}

/// Walks over the parts between the boundaries.
class MultipartReader {
  public:
    MultipartReader(std::string_view body, std::string_view boundary)
        : delimiter_("\r\n--" + std::string(boundary)), rest_(body) {}

    /// To the first part. False: no first boundary.
    bool open() {
        // The first delimiter may be the very first line, without the line break that belongs to the others.
        const auto first = std::string_view(delimiter_).substr(2);
        if (rest_.starts_with(first)) {
            rest_.remove_prefix(first.size());
            return true;
        }
        const auto at = rest_.find(delimiter_);
        if (at == std::string_view::npos) return false;
        rest_.remove_prefix(at + delimiter_.size());
        return true;
    }
    /// After a delimiter: "--" ends the body.
    [[nodiscard]] bool at_end() const { return rest_.starts_with("--"); }
    /// Header and content of the next part. False: the body breaks off or a line is malformed.
    bool next(std::string_view& header, std::string_view& content) {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));  // transport padding
        if (!rest_.starts_with("\r\n")) return false;
        const auto blank = rest_.find("\r\n\r\n");
        if (blank == std::string_view::npos || blank > part_header_bytes_max) return false;
        header = blank == 0 ? std::string_view() : rest_.substr(2, blank);
        rest_.remove_prefix(blank + 2);  // the break before the content may belong to the next delimiter
        const auto end = rest_.find(delimiter_);
        if (end == std::string_view::npos) return false;
        content = end < 2 ? std::string_view() : rest_.substr(2, end - 2);
        rest_.remove_prefix(end + delimiter_.size());
        return true;
    }

  private:
    std::string delimiter_;
    std::string_view rest_;
};

std::optional<std::string> boundary_of(std::string_view content_type) {
    const auto end = content_type.find(';');
    if (end == std::string_view::npos ||
        !same_word(trimmed(content_type.substr(0, end)), "multipart/form-data"))
        return std::nullopt;
    const auto parameters = header_parameters(content_type.substr(end));
    if (!parameters) return std::nullopt;
    for (const auto& parameter : *parameters) {
        if (!same_word(parameter.name, "boundary")) continue;
        if (parameter.value.empty() || parameter.value.size() > boundary_bytes_max ||
            parameter.value.find_first_of("\r\n") != std::string::npos)
            return std::nullopt;
        return parameter.value;
    }
    return std::nullopt;
}

}  // namespace

std::string hex(std::string_view bytes) {
    std::string out(bytes.size() * 2, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[2 * i] = lower_digits[byte(bytes[i]) >> 4];
        out[2 * i + 1] = lower_digits[byte(bytes[i]) & 15U];
    }
    return out;
}

Result<std::string> from_hex(std::string_view text, std::string_view field) {
    const auto refuse = [&] { return bad_request(std::string(field), "is not hexadecimal"); };
    if (text.size() % 2 != 0) return refuse();
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = nibble(text[i]);
        const int low = nibble(text[i + 1]);
        if (high < 0 || low < 0) return refuse();
        out += to_char(static_cast<unsigned>(high * 16 + low));
    }
    return out;
}

std::string base64(std::string_view bytes) {
    return encode64(bytes, standard_alphabet, true);
}

Result<std::string> from_base64(std::string_view text, std::string_view field) {
    static constexpr Places places = places_of(standard_alphabet);
    if (text.size() % 4 == 0) {
        const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
        if (auto bytes = decode64(text.substr(0, text.size() - padding), places)) return *std::move(bytes);
    }
    return bad_request(std::string(field), "is not base64");
}

std::string base64url(std::string_view bytes) {
    return encode64(bytes, url_alphabet, false);
}

Result<std::string> from_base64url(std::string_view text, std::string_view field) {
    static constexpr Places places = places_of(url_alphabet);
    if (auto bytes = decode64(text, places)) return *std::move(bytes);
    return bad_request(std::string(field), "is not base64url");
}

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            out += '%';
            out += upper_digits[byte(c) >> 4];
            out += upper_digits[byte(c) & 15U];
        }
    }
    return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_blank, std::string_view field) {
    std::string out;
    if (const auto problem = decode_percent(text, plus_is_blank, out)) return percent_error(field, *problem);
    return out;
}

Result<Fields> parse_form(std::string_view text, std::string_view field, std::size_t fields_max) {
    Fields fields;
    while (!text.empty()) {
        const auto piece = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), piece.size() + 1));
        if (piece.empty()) continue;
        if (fields.size() == fields_max) return too_many_fields(field, fields_max);
        const auto name_end = std::min(piece.find('='), piece.size());
        std::string name;
        if (const auto problem = decode_percent(piece.substr(0, name_end), true, name))
            return percent_error(field, *problem);
        if (!is_utf8(name)) return utf8_error(field);
        std::string value;
        if (const auto problem =
                decode_percent(piece.substr(std::min(name_end + 1, piece.size())), true, value))
            return percent_error(name_for_error(name, field), *problem);
        if (!is_utf8(value)) return utf8_error(name_for_error(name, field));
        fields.emplace_back(std::move(name), std::move(value));
    }
    return fields;
}

std::string form(const Fields& fields) {
    std::string out;
    const auto append = [&out](std::string_view text) {
        auto encoded = percent_encode(text);
        for (auto at = encoded.find("%20"); at != std::string::npos; at = encoded.find("%20", at + 1))
            encoded.replace(at, 3, "+");
        out += encoded;
    };
    for (const auto& [name, value] : fields) {
        if (!out.empty()) out += '&';
        append(name);
        out += '=';
        append(value);
    }
    return out;
}

Result<Fields> parse_multipart(std::string_view body, std::string_view content_type, std::size_t fields_max) {
    const auto boundary = boundary_of(content_type);
    if (!boundary)
        return bad_request("Content-Type", "is not multipart/form-data with a boundary of at most " +
                                               std::to_string(boundary_bytes_max) + " bytes");
    MultipartReader reader(body, *boundary);
    if (!reader.open()) return multipart_error("does not contain its multipart boundary");
    Fields fields;
    while (!reader.at_end()) {
        std::string_view header;
        std::string_view content;
        if (!reader.next(header, content))
            return multipart_error("breaks off or is malformed after a boundary");
        if (fields.size() == fields_max) return too_many_fields("body", fields_max);
        auto name = part_name(header);
        if (!name) return name.error();
        if (!is_utf8(content)) return utf8_error(name_for_error(*name, "body"));
        fields.emplace_back(*std::move(name), std::string(content));
    }
    return fields;
}

std::size_t utf8_bytes(std::string_view text) {
    const auto continues = [&text](std::size_t at, unsigned low = 0x80, unsigned high = 0xbf) {
        return at < text.size() && byte(text[at]) >= low && byte(text[at]) <= high;
    };
    // The table of well-formed sequences: Unicode, chapter 3, table 3-7.
    for (std::size_t i = 0; i < text.size();) {
        // Nearly everything is ASCII: eight of it at a time.
        std::uint64_t eight = 0;
        if (text.size() - i >= sizeof eight) {
            std::memcpy(&eight, text.data() + i, sizeof eight);
            if ((eight & 0x8080808080808080U) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        const unsigned first = byte(text[i]);
        if (first < 0x80) {
            i += 1;
        } else if (first >= 0xc2 && first <= 0xdf) {
            if (!continues(i + 1)) return i;
            i += 2;
        } else if (first >= 0xe0 && first <= 0xef) {
            if (!continues(i + 1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) ||
                !continues(i + 2))
                return i;
            i += 3;
        } else if (first >= 0xf0 && first <= 0xf4) {
            if (!continues(i + 1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) ||
                !continues(i + 2) || !continues(i + 3))
                return i;
            i += 4;
        } else {
            return i;
        }
    }
    return text.size();
}

bool is_utf8(std::string_view text) {
    return utf8_bytes(text) == text.size();
}

std::string html(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

}  // namespace encoding
}  // namespace kassi
