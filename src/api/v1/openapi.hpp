#pragma once

#include <string_view>

namespace kassi::api::v1 {

/// schema/openapi.yaml, as the build embedded it.
std::string_view openapi_yaml();

}  // namespace kassi::api::v1
