#include "base/secret.hpp"

std::string show(const kassi::Secret<>& secret) {
    return secret;
}
