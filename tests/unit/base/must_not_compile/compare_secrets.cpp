#include "base/secret.hpp"

bool same(const kassi::Secret<>& left, const kassi::Secret<>& right) {
    return left == right;
}
