#pragma once

#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

/// Internal to this room.
namespace kassi::service {

/// As read_secret_file(), but the message is the reason alone: what stands where a file's name belongs may be
/// the secret.
Result<Secret<>> read_secret(const std::string& file);

}  // namespace kassi::service
