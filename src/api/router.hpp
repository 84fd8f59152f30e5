#pragma once

#include <string>
#include <vector>

#include "base/http_message.hpp"

/// Doors are handlers mounted under a path prefix. A door translates, validates and answers.
namespace kassi::api {

struct Mount {
    std::string prefix;      ///< "/f13/", "/v1/", "/callback/"; "/" catches the rest
    Handler handler;
};

/// The longest prefix wins; nothing fits: 404 as JSON. Adds `Cache-Control: no-store` where the handler
/// set none, and an `X-Request-Id` (kept when the handler set one).
Handler route(std::vector<Mount> mounts);

}  // namespace kassi::api
