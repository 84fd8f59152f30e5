#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "api/status.hpp"
#include "api/ticket_order/answer.hpp"
#include "api/ticket_order/checks.hpp"
#include "api/ticket_order/jsv.hpp"
#include "api/ticket_order/routes.hpp"

/// The pure pieces of the TicketOrder door behind a pipe: one JSON object a line in, one out.
///   {"jsv":"{a:1}"}                                        -> {"tree":{"a":"1"}} or {"error":"..."}
///   {"method":"POST","target":"/...","headers":[["N","v"]],"body":""} ->
///   {"status":200,"type":"...","body":""}
/// What is bought is what was ordered; deviceId "declined" is declined.
namespace {

using namespace kassi;
using namespace kassi::api::ticket_order;
using nlohmann::json;

json tree_of(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return nullptr;
        case Node::Kind::bare:
        case Node::Kind::text:
        case Node::Kind::number:
        case Node::Kind::boolean:
            return node.text;
        case Node::Kind::list: {
            auto list = json::array();
            for (const auto& item : node.items) list.push_back(tree_of(item));
            return list;
        }
        case Node::Kind::object: {
            auto object = json::object();
            for (const auto& [name, member] : node.members) object[name] = tree_of(member);
            return object;
        }
    }
    return nullptr;
}

json read_only(const std::string& text) {
    const auto read = read_jsv(text, "text");
    if (read) return {{"tree", tree_of(*read)}};
    return {{"error", read.error().field + ": " + read.error().message}};
}

TicketOrderResult sold(const TicketOrder& request) {
    if (request.device_id == "declined") return result_of(Status::declined);
    auto result = result_of(Status::ok);
    auto& all = result.ticket_and_details.emplace();
    all.event_ticket = request.order;
    all.event_ticket->id = 17;
    auto& lines = all.event_ticket_details.emplace();
    for (const auto& line : *request.order_details) static_cast<TicketDetails&>(lines.emplace_back()) = line;
    all.event_info.emplace().name = "A: b, \"c\"";
    if (request.dont_return_tickets.value_or(false)) result.ticket_and_details.reset();
    return result;
}

json refused(const Refusal& refusal, const Spoken& spoken) {
    return {{"status", api::http_status(refusal.kind)},
            {"type", spoken.content_type},
            {"body", print(refusal, spoken.format)}};
}

json call(const json& line) {
    HttpRequest request{line.at("method"), line.at("target"), {}, line.at("body"), ""};
    for (const auto& header : line.at("headers")) request.headers.emplace_back(header.at(0), header.at(1));
    const auto speech = spoken(request);
    const auto route = route_of(request);
    if (!route) return refused(refusal_of(route.error()), speech);
    const auto incoming = incoming_of(request, *route);
    if (!incoming) return refused(refusal_of(incoming.error()), speech);
    const auto order = read_request(*incoming);
    if (!order) return refused(order.error(), speech);
    const auto checked = check(*order);
    if (!checked) return refused(checked.error(), speech);
    return {{"status", 200}, {"type", route->content_type}, {"body", print(sold(*order), route->answer)}};
}

}  // namespace

int main() {
    std::string text;
    while (std::getline(std::cin, text)) {
        const auto line = json::parse(text);
        std::cout << (line.contains("jsv") ? read_only(line.at("jsv")) : call(line)).dump() << std::endl;
    }
    return 0;
}
