#include <fmt/ostream.h>

#include "base/secret.hpp"

std::string show(const kassi::Secret<>& secret) {
    return fmt::format("{}", fmt::streamed(secret));
}
