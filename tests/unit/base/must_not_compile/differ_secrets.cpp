#include "base/secret.hpp"

bool differ(const kassi::Secret<>& left, const kassi::Secret<>& right) {
    return left != right;
}
