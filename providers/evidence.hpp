#pragma once

#include <string>
#include <string_view>

/// What every flow needs to say about returned fields that are not on its allow-list.
namespace kassi::providers {

inline constexpr std::size_t evidence_name_bytes_max = 64;
inline constexpr std::size_t reference_bytes_max = 64;
inline constexpr int evidence_digits_in_a_row_max = 12;  ///< card numbers have 13 to 19

/// The field's name as the journal may have it. A browser can send anything as a name, a card number too:
/// long names and names with many digits are withheld.
std::string evidence_name(std::string_view name);

/// More digits in a row (only a letter ends the row: blanks, dashes, dots and the like do not count) than
/// anything but a card number needs.
bool may_be_card_number(std::string_view text);

/// Letters, digits, '-', '_' and '.', 1 to 64 of them: what an id of a provider may look like.
bool is_plain_reference(std::string_view text);

}  // namespace kassi::providers
