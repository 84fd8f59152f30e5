#pragma once

#include <string_view>

namespace kassi::providers::apple_pay {

/// A file of the folder apple_root, which is compiled in; "" when there is none of that name.
std::string_view root_file(std::string_view name);

inline constexpr std::string_view apple_root_file = "apple_root_ca_g3.pem";

}  // namespace kassi::providers::apple_pay
