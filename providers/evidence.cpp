#include "providers/evidence.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace kassi::providers {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::string evidence_name(std::string_view name) {
    if (name.size() > evidence_name_bytes_max) return "(long name withheld)";
    return may_be_card_number(name) ? "(name of digits withheld)" : std::string(name);
}

std::vector<core::EvidenceField> evidence_of(const Fields& fields, Allowed allowed) {
    std::vector<core::EvidenceField> all;
    for (const auto& [name, value] : fields) {
        core::EvidenceField field{evidence_name(name), allowed(name, value), "",
                                  static_cast<std::int64_t>(value.size())};
        if (field.keep == core::Keep::value) field.value = value;
        if (field.keep == core::Keep::digest)
            field.value = encoding::hex(crypto::to_bytes(crypto::sha256(value)));
        all.push_back(std::move(field));
    }
    return all;
}

bool is_plain_reference(std::string_view text) {
    return !text.empty() && text.size() <= reference_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

}  // namespace kassi::providers
