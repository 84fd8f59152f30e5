#include "api/ticket_order/binder.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

bool is_leaf(const Node& node) {
    return node.kind != Node::Kind::list && node.kind != Node::Kind::object;
}

/// `read` gives an optional; nothing: a fault that says `wanted`.
template <class T, class Read>
void bind_leaf(Binding& at, const Node& node, T& target, const char* wanted, Read read) {
    if (node.kind == Node::Kind::null) return;
    const auto value = is_leaf(node) ? read(node.text) : std::nullopt;
    if (!value) return at.refuse(wanted);
    target = static_cast<T>(*value);
}

template <class T>
void bind_integer(Binding& at, const Node& node, T& target) {
    using Limits = std::numeric_limits<T>;
    bind_leaf(at, node, target, sizeof(T) == 4 ? "must be an integer of 32 bits" : "must be an integer",
              [](std::string_view text) { return read_integer(text, Limits::min(), Limits::max()); });
}

bool is_text_of(Binding& at, const Node& node) {
    if (!is_leaf(node)) {
        at.refuse("must be text");
        return false;
    }
    if (node.text.size() > member_bytes_max) {
        at.refuse("must have at most " + std::to_string(member_bytes_max) + " bytes");
        return false;
    }
    return true;
}

bool is_plain_text(Binding& at, const Node& node) {
    if (!is_text_of(at, node)) return false;
    if (!has_control_character(node.text)) return true;
    at.refuse("must not hold control characters");
    return false;
}

}  // namespace

void Binding::refuse(std::string message) {
    if (faults.size() < faults_max)
        faults.push_back({"SerializationException", path_text(path, "body"), std::move(message)});
}

void bind(Binding& at, const Node& node, std::int32_t& target) {
    bind_integer(at, node, target);
}

void bind(Binding& at, const Node& node, std::int64_t& target) {
    bind_integer(at, node, target);
}

void bind(Binding& at, const Node& node, bool& target) {
    if (is_nothing(node)) return;
    bind_leaf(at, node, target, "must be true or false", read_boolean);
}

void bind(Binding& at, const Node& node, Decimal& target) {
    const bool grouped = node.kind == Node::Kind::text;
    bind_leaf(at, node, target, "must be a decimal number of at most 18 digits",
              [grouped](std::string_view text) { return read_decimal(text, grouped); });
}

void bind(Binding& at, const Node& node, Date& target) {
    // Seconds or milliseconds, since when: a number alone says neither.
    const auto read = [&](std::string_view text) {
        return node.kind == Node::Kind::number ? std::nullopt : read_date(text);
    };
    bind_leaf(at, node, target, "must be a date, such as 2026-11-28T12:30:00Z", read);
}

void bind(Binding& at, const Node& node, std::string& target) {
    if (is_plain_text(at, node)) target = node.text;
}

void bind(Binding& at, const Node& node, Opaque& target) {
    if (is_text_of(at, node)) target.text = node.text;
}

void bind(Binding& at, const Node& node, Secret<>& target) {
    if (is_plain_text(at, node)) target = Secret<>(node.text);
}

bool is_nothing(const Node& node) {
    return node.kind == Node::Kind::null ||
           (is_leaf(node) && std::all_of(node.text.begin(), node.text.end(), [](char c) {
                return c == ' ' || c == '\t' || c == '\r' || c == '\n';
            }));
}

bool is_object(Binding& at, const Node& node) {
    if (node.kind == Node::Kind::object) return true;
    at.refuse("must be an object");
    return false;
}

const Node* only_member(Binding& at, const Node& object, std::string_view name) {
    const Node* found = nullptr;
    for (const auto& [spelled, node] : object.members) {
        if (spelled.size() != name.size() || ascii_lower(spelled) != ascii_lower(name)) continue;
        if (found != nullptr) {
            at.refuse("is there twice");
            return nullptr;
        }
        found = &node;
    }
    return found;
}

}  // namespace kassi::api::ticket_order
