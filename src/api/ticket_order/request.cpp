#include "api/ticket_order/request.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "api/ticket_order/binder.hpp"
#include "api/ticket_order/jsv.hpp"
#include "api/ticket_order/tree.hpp"
#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

using ReadingOf = std::function<std::optional<Reading>(std::string_view name)>;

Result<Node> read_field(const std::string& name, const std::string& value, Reading reading) {
    switch (reading) {
        case Reading::text:
            break;
        case Reading::boolean:
            return Node{Node::Kind::bare, value.substr(0, value.find(',')), {}, {}};
        case Reading::list:
        case Reading::value:
            if (value.starts_with("{\"") || value.starts_with("[\""))
                if (auto json = read_json(value, name)) return json;
            return reading == Reading::list ? read_jsv_list(value, name) : read_jsv(value, name);
    }
    return Node{Node::Kind::text, value, {}, {}};
}

/// Names with the values that they have, commas between repeated ones.
Fields joined(const Fields& fields) {
    Fields out;
    for (const auto& [name, value] : fields) {
        if (value.empty()) continue;
        const auto known = std::find_if(out.begin(), out.end(), [&](const auto& field) {
            return ascii_lower(field.first) == ascii_lower(name);
        });
        if (known == out.end())
            out.emplace_back(name, value);
        else
            known->second.append(",").append(value);
    }
    return out;
}

/// Fields become the members of one object. What the request does not know is left out.
Node object_of(const Fields& fields, const ReadingOf& reading_of_name, Faults& faults) {
    Node object;
    object.kind = Node::Kind::object;
    for (const auto& [name, value] : joined(fields)) {
        const auto reading = reading_of_name(name);
        if (!reading) continue;
        auto node = read_field(name, value, *reading);
        if (node)
            object.members.emplace_back(name, std::move(*node));
        else if (faults.size() < faults_max)
            faults.push_back({"SerializationException", node.error().field, node.error().message});
    }
    return object;
}

bool is_unfit_for_urls(std::string_view name) {
    constexpr std::string_view names[] = {"pan",  "cvc",          "expyear", "expmonth", "cavv",
                                          "ucaf", "systemsecret", "cvc2",    "password"};
    const auto lower = ascii_lower(name);
    return std::find(std::begin(names), std::end(names), lower) != std::end(names);
}

/// Faults for card data and secrets in a tree that came with the URL.
void refuse_secrets(const Node& node, std::vector<Step>& path, Faults& faults) {
    for (const auto& [name, member] : node.members) {
        path.push_back({name, 0});
        const bool empty = member.text.empty() && member.members.empty() && member.items.empty();
        if (is_unfit_for_urls(name) && !empty && faults.size() < faults_max)
            faults.push_back({"Predicate", path_text(path, "query"),
                              "must not be in a URL, which is written down on its way: POST it"});
        refuse_secrets(member, path, faults);
        path.pop_back();
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        path.push_back({"", i});
        refuse_secrets(node.items[i], path, faults);
        path.pop_back();
    }
}

/// What the query says of its own secrets: names that the request knows, or not.
Faults secrets_in(const Fields& query, const Node& object) {
    Faults faults;
    for (const auto& [name, value] : query)
        if (is_unfit_for_urls(name) && !value.empty() && faults.size() < faults_max)
            faults.push_back({"Predicate", name, "must not be in a URL: POST it"});
    std::vector<Step> path;
    refuse_secrets(object, path, faults);
    return faults;
}

void merge(Node& body, Node query, bool query_wins) {
    for (auto& [name, node] : query.members) {
        const auto known = std::find_if(body.members.begin(), body.members.end(), [&](const auto& member) {
            return ascii_lower(member.first) == ascii_lower(name);
        });
        if (known == body.members.end())
            body.members.emplace_back(std::move(name), std::move(node));
        else if (query_wins || known->second.kind == Node::Kind::null)
            known->second = std::move(node);
    }
}

Result<Node> body_of(const Incoming& incoming, const ReadingOf& reading, Faults& faults) {
    switch (incoming.form) {
        case BodyForm::json:
            return read_json(incoming.body, "body");
        case BodyForm::jsv:
            return read_jsv(incoming.body, "body");
        case BodyForm::fields:
            return object_of(incoming.fields, reading, faults);
        case BodyForm::none:
            break;
    }
    return Node{Node::Kind::object, "", {}, {}};
}

Refusal cannot_read(const Incoming& incoming, const Error& error) {
    auto refusal = refusal_of(error);
    if (error.kind != ErrorKind::bad_request) return refusal;
    refusal.code = "SerializationException";
    refusal.message = std::string("Could not deserialize '") +
                      (incoming.form == BodyForm::jsv ? "application/jsv" : "application/json") +
                      "' request: " + refusal.message;
    for (auto& fault : refusal.faults) fault.code = refusal.code;
    return refusal;
}

}  // namespace

bool same_name(std::string_view left, std::string_view right) {
    return ascii_lower(left) == ascii_lower(right);
}

Outcome<Node> read_tree(const Incoming& incoming, const ReadingOf& reading, Faults& faults) {
    auto body = body_of(incoming, reading, faults);
    if (!body) return cannot_read(incoming, body.error());
    if (body->kind == Node::Kind::null) body->kind = Node::Kind::object;
    auto query = object_of(incoming.query, reading, faults);
    if (auto secrets = secrets_in(incoming.query, query); !secrets.empty())
        return not_valid(std::move(secrets));
    merge(*body, std::move(query), incoming.query_wins);
    return std::move(*body);
}

Outcome<TicketOrder> read_request(const Incoming& incoming) {
    return read_as<TicketOrder>(incoming, "TicketOrder");
}

}  // namespace kassi::api::ticket_order
