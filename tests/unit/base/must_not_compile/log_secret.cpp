#include "base/log.hpp"
#include "base/secret.hpp"

void show(const kassi::Secret<>& secret) {
    kassi::log::info("key", {{"value", secret}});
}
