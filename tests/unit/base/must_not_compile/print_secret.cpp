#include <iostream>

#include "base/secret.hpp"

void show(const kassi::Secret<>& secret) {
    std::cout << secret;
}
