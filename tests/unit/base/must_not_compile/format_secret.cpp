#include <fmt/format.h>

#include "base/secret.hpp"

std::string show(const kassi::Secret<>& secret) {
    return fmt::format("{}", secret);
}
