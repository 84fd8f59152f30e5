#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "core/step.hpp"

/// What every flow needs to say about returned fields, by its allow-list.
namespace kassi::providers {

inline constexpr std::size_t evidence_name_bytes_max = 64;
inline constexpr std::size_t reference_bytes_max = 64;

/// The field's name as the journal may have it. A browser can send anything as a name, a card number too:
/// long names and names with many digits are withheld.
std::string evidence_name(std::string_view name);

/// A flow's allow-list: what the journal may have of a field that came back.
using Allowed = core::Keep (*)(const std::string& name, const std::string& value);
/// The fields in their order, by evidence_name(): the value where it may be kept, its SHA-256 in hex, or the
/// length alone.
std::vector<core::EvidenceField> evidence_of(const Fields& fields, Allowed allowed);

/// Letters, digits, '-', '_' and '.', 1 to 64 of them: what an id of a provider may look like.
bool is_plain_reference(std::string_view text);

}  // namespace kassi::providers
