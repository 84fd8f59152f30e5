// The control: everything that its neighbours misuse, used as it is meant. If this does not compile, then
// neither does anything else, and the others prove nothing.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/id.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/money.hpp"
#include "base/secret.hpp"

using LegId = kassi::StrongId<struct LegTag>;

kassi::Secret<> hide(std::string text) {
    return kassi::Secret<>(std::move(text));
}

std::string use(const kassi::Secret<>& secret, kassi::JsonWriter& out) {
    std::cout << secret.reveal();
    kassi::log::info("key", {{"value", secret.reveal()}});
    out.field("key", secret.reveal());
    return fmt::format("{} {}", secret.reveal(), nlohmann::json{{"key", secret.reveal()}}.dump());
}

bool same(const kassi::Secret<>& left, const kassi::Secret<>& right) {
    return left.reveal() == right.reveal();
}

bool same(const LegId& left, const LegId& right) {
    return left == right;
}

kassi::Money amount(std::int64_t minor, kassi::Currency currency) {
    return kassi::Money{minor, currency};
}
