#include "api/ticket_order/jsv.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/encoding.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool all_blank(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_blank);
}

/// A line break outside quotes: the text was laid out for people.
bool is_laid_out(std::string_view text) {
    bool quoted = false;
    for (const char c : text) {
        if (c == '"') quoted = !quoted;
        if (!quoted && (c == '\n' || c == '\r')) return true;
    }
    return false;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

class Reader {
  public:
    Reader(std::string_view text, std::string_view field)
        : text_(text), field_(field), laid_out_(is_laid_out(text)) {}

    Result<Node> whole() {
        Node root;
        if (all_blank(text_)) return root;
        if (sound() && value(root, "") && rest_is_blank()) return root;
        return *trouble_;
    }

    /// Items up to the end of the text, no brackets.
    Result<Node> open_list() {
        Node root;
        root.kind = Node::Kind::list;
        if (!sound()) return *trouble_;
        path_.push_back({"", 0});
        for (;; ++path_.back().place) {
            if (!value(root.items.emplace_back(), ",")) return *trouble_;
            blanks();
            if (at_end()) return root;
            if (here() != ',') {
                refuse("has something behind its value");
                return *trouble_;
            }
            ++at_;
        }
    }

  private:
    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] char here() const { return at_end() ? '\0' : text_[at_]; }
    void blanks() {
        while (!at_end() && is_blank(text_[at_])) ++at_;
    }

    bool fail(ErrorKind kind, const std::string& message) {
        if (!trouble_)
            trouble_ = Error{kind, path_text(path_, field_), message + " (byte " + std::to_string(at_) + ")"};
        return false;
    }
    bool refuse(const std::string& message) { return fail(ErrorKind::bad_request, message); }

    bool sound() {
        if (text_.size() > text_bytes_max)
            return fail(ErrorKind::too_large, "has more than " + std::to_string(text_bytes_max) + " bytes");
        at_ = encoding::utf8_bytes(text_);
        if (at_ != text_.size()) return refuse("is not UTF-8");
        at_ = std::min(text_.find('\0'), text_.size());
        if (at_ != text_.size()) return refuse("has a zero byte");
        at_ = 0;
        return true;
    }

    bool rest_is_blank() {
        blanks();
        return at_end() || refuse("has something behind its value");
    }

    /// `ends`: the characters that end a value without quotes; none: it goes to the end of the text.
    bool value(Node& node, std::string_view ends) {
        if (++nodes_ > nodes_max)
            return fail(ErrorKind::too_large, "is one value too many of " + std::to_string(nodes_max));
        const auto from = at_;
        blanks();
        switch (here()) {
            case '{':
                return object(node);
            case '[':
                return list(node);
            case '"':
                node.kind = Node::Kind::text;
                return quoted(node.text);
            default:
                at_ = from;
                return bare(node, ends);
        }
    }

    bool bare(Node& node, std::string_view ends) {
        const auto end = ends.empty() ? text_.size() : std::min(text_.find_first_of(ends, at_), text_.size());
        auto found = text_.substr(at_, end - at_);
        at_ = end;
        if (laid_out_) found = trimmed(found);
        if (found.find_first_of("\r\n") != std::string_view::npos)
            return refuse("has a line break outside quotes: a comma is missing before it");
        if (found.empty()) return true;
        node.kind = Node::Kind::bare;
        node.text = found;
        return true;
    }

    bool quoted(std::string& out) {
        const auto from = at_++;
        for (;;) {
            const auto quote = text_.find('"', at_);
            if (quote == std::string_view::npos) {
                at_ = from;
                return refuse("has a quote that is not closed");
            }
            out.append(text_, at_, quote - at_);
            at_ = quote + 1;
            if (here() != '"') return true;
            out += '"';
            ++at_;
        }
    }

    bool enter(Node& node, Node::Kind kind) {
        if (++level_ > levels_max)
            return fail(ErrorKind::bad_request, "has more than " + std::to_string(levels_max) + " levels");
        node.kind = kind;
        ++at_;
        return true;
    }
    bool leave() {
        --level_;
        ++at_;
        return true;
    }

    bool list(Node& node) {
        if (!enter(node, Node::Kind::list)) return false;
        const auto from = at_;
        blanks();
        if (here() == ']') return leave();
        at_ = from;
        path_.push_back({"", 0});
        for (;; ++path_.back().place) {
            if (!value(node.items.emplace_back(), ",]")) return false;
            blanks();
            if (here() == ']') break;
            if (here() != ',')
                return refuse(at_end() ? "is in a list that is not closed"
                                       : "has something behind its value");
            ++at_;
        }
        path_.pop_back();
        return leave();
    }

    bool object(Node& node) {
        if (!enter(node, Node::Kind::object)) return false;
        blanks();
        if (here() == '}') return leave();
        std::set<std::string, std::less<>> names;
        for (;;) {
            std::string key;
            if (!name(key)) return false;
            node.members.emplace_back(key, Node{});
            const auto [slot, is_new] = names.insert(std::move(key));
            path_.push_back({*slot, 0});
            if (!is_new) return refuse("is there twice");
            if (!value(node.members.back().second, ",}")) return false;
            blanks();
            if (here() != ',' && here() != '}')
                return refuse(at_end() ? "is in an object that is not closed"
                                       : "has something behind its value");
            path_.pop_back();
            if (here() == '}') return leave();
            ++at_;
        }
    }

    /// A name and its colon.
    bool name(std::string& out) {
        blanks();
        if (here() == '"') {
            if (!quoted(out)) return false;
            blanks();
        } else {
            const auto end = std::min(text_.find_first_of(":,{}[]\"", at_), text_.size());
            out = trimmed(text_.substr(at_, end - at_));
            if (out.empty()) return refuse("has a member without a name");
            at_ = end;
        }
        if (here() != ':') return refuse("has a member without a colon");
        ++at_;
        return true;
    }

    std::string_view text_, field_;
    bool laid_out_;
    std::size_t at_ = 0;
    std::size_t nodes_ = 0;
    int level_ = 0;
    std::vector<Step> path_;
    std::optional<Error> trouble_;
};

bool must_be_quoted(std::string_view text) {
    return text.find_first_of("\":,{}[]\r\n") != std::string_view::npos || all_blank(text);
}

void append_quoted(std::string& out, std::string_view value) {
    out += '"';
    for (const char c : value) {
        if (c == '"') out += c;
        out += c;
    }
    out += '"';
}

void append_text(std::string& out, std::string_view value) {
    if (must_be_quoted(value))
        append_quoted(out, value);
    else
        out += value;
}

void write_node(JsvWriter& jsv, const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            jsv.null();
            return;
        case Node::Kind::boolean:
            jsv.boolean(node.text == "true");
            return;
        case Node::Kind::number:
            jsv.raw(node.text);
            return;
        case Node::Kind::bare:
            // As it came: quotes would be part of it, or it is a date.
            jsv.raw(node.text);
            return;
        case Node::Kind::text:
            jsv.string(node.text);
            return;
        case Node::Kind::list:
            jsv.begin_array();
            for (const auto& item : node.items) write_node(jsv, item);
            jsv.end_array();
            return;
        case Node::Kind::object:
            jsv.begin_object();
            for (const auto& [name, member] : node.members) write_node(jsv.key(name), member);
            jsv.end_object();
            return;
    }
}

}  // namespace

Result<Node> read_jsv(std::string_view text, std::string_view field) {
    return Reader(text, field).whole();
}

Result<Node> read_jsv_list(std::string_view text, std::string_view field) {
    const auto inside = trimmed(text);
    if (inside.empty() || inside.front() == '[') return read_jsv(inside, field);
    return Reader(text, field).open_list();
}

void JsvWriter::separate() {
    if (comma_) out_ += ',';
    comma_ = true;
    out_ += name_;
    name_.clear();
}

JsvWriter& JsvWriter::begin_object() {
    separate();
    out_ += '{';
    comma_ = false;
    return *this;
}

JsvWriter& JsvWriter::end_object() {
    out_ += '}';
    comma_ = true;
    return *this;
}

JsvWriter& JsvWriter::begin_array() {
    separate();
    out_ += '[';
    comma_ = false;
    return *this;
}

JsvWriter& JsvWriter::end_array() {
    out_ += ']';
    comma_ = true;
    return *this;
}

JsvWriter& JsvWriter::key(std::string_view name) {
    // Every reader trims a name that is not quoted.
    if (trimmed(name).size() != name.size())
        append_quoted(name_, name);
    else
        append_text(name_, name);
    name_ += ':';
    return *this;
}

JsvWriter& JsvWriter::string(std::string_view value) {
    separate();
    append_text(out_, value);
    return *this;
}

JsvWriter& JsvWriter::integer(std::int64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

JsvWriter& JsvWriter::boolean(bool value) {
    separate();
    out_ += value ? "True" : "False";
    return *this;
}

JsvWriter& JsvWriter::null() {
    if (name_.empty()) separate();
    name_.clear();
    return *this;
}

JsvWriter& JsvWriter::raw(std::string_view jsv) {
    separate();
    out_ += jsv;
    return *this;
}

std::string write_jsv(const Node& node) {
    JsvWriter jsv;
    write_node(jsv, node);
    return jsv.take();
}

}  // namespace kassi::api::ticket_order
