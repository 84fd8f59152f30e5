#include "base/json.hpp"
#include "base/secret.hpp"

void show(kassi::JsonWriter& out, const kassi::Secret<>& secret) {
    out.field("key", secret);
}
