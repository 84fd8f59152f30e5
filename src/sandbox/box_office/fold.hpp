#pragma once

#include <string>
#include <string_view>

namespace kassi::sandbox::box_office {

/// Text as searching compares it: case, accents of Latin letters, full-width forms and apostrophes make no
/// difference ("Sadler’s Théâtre" and "ＳＡＤＬＥＲＳ theatre" are the same). Other scripts stay as they are.
/// `text` is UTF-8. Pure.
std::string fold(std::string_view text);

}  // namespace kassi::sandbox::box_office
