#include <nlohmann/json.hpp>

#include "base/secret.hpp"

nlohmann::json show(const kassi::Secret<>& secret) {
    return nlohmann::json{{"key", secret}};
}
