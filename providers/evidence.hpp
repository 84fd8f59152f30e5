#pragma once

#include <string>
#include <string_view>

#include "base/text.hpp"

/// What every flow needs to say about returned fields that are not on its allow-list.
namespace kassi::providers {

inline constexpr std::size_t evidence_name_bytes_max = 64;
inline constexpr std::size_t reference_bytes_max = 64;

/// The field's name as the journal may have it. A browser can send anything as a name, a card number too:
/// long names and names with many digits are withheld.
std::string evidence_name(std::string_view name);

/// Letters, digits, '-', '_' and '.', 1 to 64 of them: what an id of a provider may look like.
bool is_plain_reference(std::string_view text);

}  // namespace kassi::providers
