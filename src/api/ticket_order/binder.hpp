#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/scalars.hpp"
#include "api/ticket_order/tree.hpp"
#include "api/ticket_order/types.hpp"
#include "base/secret.hpp"

/// From a tree to the types: names in any case, unknown ones left out, each value as its member wants it.
namespace kassi::api::ticket_order {

inline constexpr std::size_t member_bytes_max = 4096;  ///< of one text
inline constexpr std::size_t items_max = 200;          ///< of one list

/// Where a binding stands, and what it found wrong. Steps name members as the types spell them.
struct Binding {
    std::vector<Step> path;
    Faults faults;

    void refuse(std::string message);
};

// One value each; what has no proper form is a fault, and the target stays as it is. Null is the default.
void bind(Binding& at, const Node& node, std::int32_t& target);
void bind(Binding& at, const Node& node, std::int64_t& target);
void bind(Binding& at, const Node& node, bool& target);
void bind(Binding& at, const Node& node, Decimal& target);
void bind(Binding& at, const Node& node, Date& target);
void bind(Binding& at, const Node& node, std::string& target);
void bind(Binding& at, const Node& node, Opaque& target);
void bind(Binding& at, const Node& node, Secret<>& target);

/// True for nothing at all, and for the empty text where no text is wanted.
bool is_nothing(const Node& node);

/// False, with a fault, when it is no object.
bool is_object(Binding& at, const Node& node);
/// The member of that name, nullptr when absent; two that differ in case only are a fault.
const Node* only_member(Binding& at, const Node& object, std::string_view name);

template <class T>
struct is_text : std::bool_constant<std::same_as<T, std::string> || std::same_as<T, Opaque>> {};

template <class T>
void bind(Binding& at, const Node& node, std::optional<T>& target);
template <class T>
void bind(Binding& at, const Node& node, std::vector<T>& target);

/// A type with each_member().
template <class T>
void bind(Binding& at, const Node& node, T& target) {
    if (!is_object(at, node)) return;
    const auto visit = [&](std::string_view name, auto& member) {
        at.path.push_back({name, 0});
        if (const auto* found = only_member(at, node, name)) bind(at, *found, member);
        at.path.pop_back();
    };
    each_member(visit, target);
}

template <class T>
void bind(Binding& at, const Node& node, std::optional<T>& target) {
    if (node.kind == Node::Kind::null || (!is_text<T>::value && is_nothing(node))) return;
    bind(at, node, target.emplace());
}

/// One object alone is a list of one.
template <class T>
void bind(Binding& at, const Node& node, std::vector<T>& target) {
    if (node.kind == Node::Kind::object) return bind(at, node, target.emplace_back());
    if (node.kind != Node::Kind::list) return at.refuse("must be a list");
    if (node.items.size() > items_max)
        return at.refuse("must hold at most " + std::to_string(items_max) + " values");
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        at.path.push_back({"", i});
        bind(at, node.items[i], target.emplace_back());
        at.path.pop_back();
    }
}

}  // namespace kassi::api::ticket_order
