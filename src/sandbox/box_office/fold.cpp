#include "sandbox/box_office/fold.hpp"

#include <cstdint>

#include "base/text.hpp"

namespace kassi::sandbox::box_office {
namespace {

/// What U+00C0 to U+017F are without their marks; '.' stays as it is.
constexpr std::string_view latin_1 =
    "aaaaaa.ceeeeiiii"
    "dnooooo.ouuuuy.."
    "aaaaaa.ceeeeiiii"
    "dnooooo.ouuuuy.y";
constexpr std::string_view latin_extended =
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkk.llllllllllnnnnnn..."
    "oooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(latin_1.size() == 0x100 - 0xC0 && latin_extended.size() == 0x180 - 0x100);

struct Point {
    std::uint32_t code = 0;
    std::size_t bytes = 1;
};

Point point_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])) : 0U;
    };
    const auto lead = byte(at);
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(at + 1) & 0x3F), 2};
    if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 | (byte(at + 2) & 0x3F), 3};
    return {0x10000, 4};
}

bool is_apostrophe(std::uint32_t code) {
    return code == '\'' || code == 0x2018 || code == 0x2019 || code == 0x02BC;
}

bool is_combining_mark(std::uint32_t code) {
    return code >= 0x0300 && code <= 0x036F;
}

/// The ASCII letter that stands for it, 0 for none.
char plain(std::uint32_t code) {
    if (code < 0x80) return ascii_lower(static_cast<char>(code));
    if (code >= 0xFF01 && code <= 0xFF5E) return ascii_lower(static_cast<char>(code - 0xFF01 + 0x21));
    if (code == 0x3000) return ' ';
    char letter = '.';
    if (code >= 0xC0 && code < 0x100) letter = latin_1[code - 0xC0];
    if (code >= 0x100 && code < 0x180) letter = latin_extended[code - 0x100];
    return letter == '.' ? '\0' : letter;
}

}  // namespace

std::string fold(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, bytes] = point_at(text, at);
        const auto piece = text.substr(at, bytes);
        at += bytes;
        if (is_apostrophe(code) || is_combining_mark(code)) continue;
        if (const char letter = plain(code); letter != '\0')
            out.push_back(letter);
        else
            out.append(piece);
    }
    return out;
}

}  // namespace kassi::sandbox::box_office
