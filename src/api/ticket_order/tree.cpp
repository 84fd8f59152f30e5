#include "api/ticket_order/tree.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

using nlohmann::json;

/// Keeps what base's reader gives away: the digits of a number.
class Grower {
  public:
    Node root;
    bool too_many = false;

    bool null() { return leaf(Node::Kind::null, ""); }
    bool boolean(bool value) { return leaf(Node::Kind::boolean, value ? "true" : "false"); }
    bool number_integer(json::number_integer_t value) {
        return leaf(Node::Kind::number, std::to_string(value));
    }
    bool number_unsigned(json::number_unsigned_t value) {
        return leaf(Node::Kind::number, std::to_string(value));
    }
    bool number_float(json::number_float_t, const std::string& text) {
        return leaf(Node::Kind::number, text);
    }
    bool string(std::string& value) { return leaf(Node::Kind::text, std::move(value)); }
    bool binary(json::binary_t&) { return false; }
    bool start_object(std::size_t) { return open(Node::Kind::object); }
    bool start_array(std::size_t) { return open(Node::Kind::list); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        open_.back()->members.emplace_back(std::move(name), Node{});
        return true;
    }
    template <class Exception>
    bool parse_error(std::size_t, const std::string&, const Exception&) {
        return false;
    }

  private:
    Node* place() {
        if (++nodes_ > nodes_max) {
            too_many = true;
            return nullptr;
        }
        if (open_.empty()) return &root;
        if (open_.back()->kind == Node::Kind::object) return &open_.back()->members.back().second;
        return &open_.back()->items.emplace_back();
    }
    bool leaf(Node::Kind kind, std::string text) {
        auto* const node = place();
        if (node == nullptr) return false;
        node->kind = kind;
        node->text = std::move(text);
        return true;
    }
    bool open(Node::Kind kind) {
        auto* const node = place();
        if (node == nullptr) return false;
        node->kind = kind;
        open_.push_back(node);
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::vector<Node*> open_;  // a container is finished before its parent grows: the pointers stay good
    std::size_t nodes_ = 0;
};

}  // namespace

const Node* find_member(const Node& object, std::string_view name) {
    const auto same = [name](const auto& member) {
        return std::equal(member.first.begin(), member.first.end(), name.begin(), name.end(),
                          [](char a, char b) { return ascii_lower(a) == ascii_lower(b); });
    };
    const auto found = std::find_if(object.members.begin(), object.members.end(), same);
    return found == object.members.end() ? nullptr : &found->second;
}

std::string path_text(const std::vector<Step>& path, std::string_view field) {
    std::string text;
    for (const auto& step : path) {
        if (step.name.empty()) {
            text += '[' + std::to_string(step.place) + ']';
            continue;
        }
        if (!text.empty()) text += '.';
        text += name_for_error(step.name, "(a name that is not repeated)");
    }
    return text.empty() ? std::string(field) : text;
}

Result<Node> read_json(std::string_view text, std::string_view field) {
    if (text.size() > text_bytes_max)
        return Error{ErrorKind::too_large, std::string(field),
                     "has more than " + std::to_string(text_bytes_max) + " bytes"};
    // Says what is wrong, and where; what it lets through has no fault any more.
    const auto sound = parse_json(text, field, levels_max);
    if (!sound) return sound.error();
    Grower grower;
    if (!json::sax_parse(text.begin(), text.end(), &grower))
        return Error{grower.too_many ? ErrorKind::too_large : ErrorKind::bad_request, std::string(field),
                     grower.too_many ? "has more than " + std::to_string(nodes_max) + " values"
                                     : "has a number that cannot be read"};
    return std::move(grower.root);
}

}  // namespace kassi::api::ticket_order
