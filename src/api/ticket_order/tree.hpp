#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

/// What JSON and JSV texts are read into. Numbers stay text: an amount that became a floating number on the
/// way would be another amount.
namespace kassi::api::ticket_order {

inline constexpr std::size_t text_bytes_max = 64 * 1024;  ///< of a whole JSON or JSV text
inline constexpr int levels_max = 16;                     ///< of objects and lists
inline constexpr std::size_t nodes_max = 4096;            ///< values of a text, all levels together

struct Node;
using Members = std::vector<std::pair<std::string, Node>>;

struct Node {
    enum class Kind {
        null,     ///< absent: JSON's null, JSV's no characters at all
        bare,     ///< JSV without quotes: what it is depends on who reads it
        text,     ///< in quotes
        number,   ///< JSON's number, as it was written
        boolean,  ///< "true" or "false"
        list,
        object,
    };
    Kind kind = Kind::null;
    std::string text;         ///< of the four in the middle
    Members members;          ///< of an object, in order; names differ
    std::vector<Node> items;  ///< of a list

    bool operator==(const Node&) const = default;
};

/// The member whose name is the same but for the case of ASCII letters; nullptr when absent.
const Node* find_member(const Node& object, std::string_view name);

/// One level of a path to a value: a member's name, or a place in a list when the name is empty.
struct Step {
    std::string_view name;
    std::size_t place = 0;
};
/// "orderDetails[1].count"; `field` for an empty path. Names that an error must not repeat are left out.
std::string path_text(const std::vector<Step>& path, std::string_view field);

/// As strict as kassi::parse_json. Errors: bad_request and too_large naming `field`, with the byte.
Result<Node> read_json(std::string_view text, std::string_view field);

}  // namespace kassi::api::ticket_order
