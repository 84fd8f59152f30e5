#pragma once

#include <algorithm>
#include <string>
#include <string_view>

/// What several readers of text need. ASCII only: nothing here depends on a locale.
namespace kassi {

constexpr char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string ascii_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = ascii_lower(c);
    return out;
}

inline bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// More than 12 digits with no letter between them: card numbers have 13 to 19 (ISO/IEC 7812), however they
/// are written. Such text from outside is neither journaled nor logged nor repeated in an error.
constexpr bool may_be_card_number(std::string_view text) {
    constexpr int digits_in_a_row_max = 12;
    int digits = 0;
    for (const char c : text) {
        const char lower = ascii_lower(c);
        if (lower >= 'a' && lower <= 'z') digits = 0;
        if (c >= '0' && c <= '9' && ++digits > digits_in_a_row_max) return true;
    }
    return false;
}

/// A name from outside as an error may repeat it; `otherwise` when it is better not repeated.
constexpr std::string_view name_for_error(std::string_view name, std::string_view otherwise) {
    constexpr std::size_t named_bytes_max = 128;
    return name.empty() || name.size() > named_bytes_max || may_be_card_number(name) ? otherwise : name;
}

}  // namespace kassi
