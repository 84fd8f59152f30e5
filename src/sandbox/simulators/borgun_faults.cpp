#include "sandbox/simulators/borgun_faults.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "sandbox/simulators/borgun_wire.hpp"

namespace kassi::sandbox::borgun {
namespace {

using nlohmann::json;

constexpr auto words =
    std::to_array<std::pair<std::string_view, Fault>>({{"slow_before", Fault::slow_before},
                                                       {"delay", Fault::delay},
                                                       {"dead", Fault::dead},
                                                       {"drop_answer", Fault::drop_answer},
                                                       {"error_before", Fault::error_before},
                                                       {"error_after", Fault::error_after},
                                                       {"timed_out", Fault::timed_out},
                                                       {"conflict", Fault::conflict},
                                                       {"too_many", Fault::too_many},
                                                       {"busy", Fault::busy},
                                                       {"wrong_amount", Fault::wrong_amount},
                                                       {"wrong_currency", Fault::wrong_currency},
                                                       {"wrong_order", Fault::wrong_order},
                                                       {"twice", Fault::twice},
                                                       {"reorder", Fault::reorder},
                                                       {"lose", Fault::lose}});

constexpr auto steps = std::to_array<std::string_view>(
    {"token_single",     "token_multi",      "token_look_up", "token_disable",    "enrollment",
     "validation",       "payment",          "look_up",       "capture",          "cancel",
     "refund",           "event_look_up",    "acs",           "method",           "securepay",
     "securepay_ticket", "securepay_refund", "event",         "securepay_notice", "*"});

Error wrong(std::string message) {
    return bad_request("rules", std::move(message));
}

Result<BorgunHouse::FaultRule> read_rule(json& object) {
    if (!object.is_object()) return wrong("holds something that is no object");
    for (const auto& [name, value] : object.items())
        if (name != "on" && name != "do" && name != "ms" && name != "times" && name != "merchant")
            return wrong("\"" + name + "\" is no part of a rule");
    const Body body(object);
    BorgunHouse::FaultRule rule{.on = body.text("on"), .what = body.text("do")};
    rule.merchant = body.text("merchant");
    if (body.has("ms")) rule.ms = Millis{body.integer("ms").value_or(-1)};
    const std::int64_t times = body.has("times") ? body.integer("times").value_or(0) : 1;
    rule.times = static_cast<int>(std::clamp<std::int64_t>(times, 0, borgun_fault_times_max + 1));
    const auto fault = fault_of(rule);
    if (!fault) return fault.error();
    return rule;
}

void falsify_form(Fields& fields, Fault fault) {
    for (auto& [name, value] : fields) {
        if (fault == Fault::wrong_amount && same_word(name, "amount")) value = "0.01";
        if (fault == Fault::wrong_currency && same_word(name, "currency"))
            value = value == "EUR" ? "USD" : "EUR";
        if (fault == Fault::wrong_order && same_word(name, "orderid")) value = "XX0000000000";
    }
}

void falsify_json(json& object, Fault fault) {
    if (!object.is_object()) return;
    const auto has = [&](const char* name) { return object.contains(name); };
    if (fault == Fault::wrong_amount && has("Amount") && object["Amount"].is_number_integer())
        object["Amount"] = object["Amount"].get<std::int64_t>() + 100;
    if (fault == Fault::wrong_currency && has("Currency"))
        object["Currency"] = object["Currency"] == "978" ? "840" : "978";
    if (fault == Fault::wrong_order && has("OrderId")) object["OrderId"] = "XX0000000000";
    if (has("Data")) falsify_json(object["Data"], fault);
}

}  // namespace

bool is_step(std::string_view on) {
    return std::find(steps.begin(), steps.end(), on) != steps.end();
}

Result<Fault> fault_of(const BorgunHouse::FaultRule& rule) {
    if (!is_step(rule.on)) return wrong("\"on\" is no step of this house");
    const auto known =
        std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.first == rule.what; });
    if (known == words.end()) return wrong("\"do\" is no fault that this house knows");
    const Fault fault = known->second;
    const bool of_notices = fault == Fault::twice || fault == Fault::reorder || fault == Fault::lose;
    if (of_notices && rule.on != "event" && rule.on != "securepay_notice")
        return wrong("\"" + rule.what + "\" is for event and securepay_notice only");
    if (rule.ms.count() < 0 || rule.ms.count() > borgun_fault_ms_max)
        return wrong("\"ms\" is not between 0 and 600000");
    if (rule.times < 1 || rule.times > borgun_fault_times_max)
        return wrong("\"times\" is not between 1 and 1000000");
    return fault;
}

Result<std::vector<BorgunHouse::FaultRule>> read_rules(std::string_view body) {
    auto parsed = parse_json(body);
    if (!parsed) return parsed.error();
    const auto list = parsed->is_object() ? parsed->find("rules") : parsed->end();
    if (list == parsed->end() || !list->is_array()) return wrong("is not a list");
    std::vector<BorgunHouse::FaultRule> rules;
    for (auto& each : *list) {
        auto rule = read_rule(each);
        if (!rule) return rule.error();
        rules.push_back(std::move(*rule));
    }
    return rules;
}

std::string shown(const std::vector<BorgunHouse::FaultRule>& rules) {
    JsonWriter out;
    out.begin_object().key("rules").begin_array();
    for (const auto& rule : rules) {
        out.begin_object()
            .field("on", rule.on)
            .field("do", rule.what)
            .field("ms", rule.ms.count())
            .field("times", rule.times);
        if (!rule.merchant.empty()) out.field("merchant", rule.merchant);
        out.end_object();
    }
    out.end_array().end_object();
    return out.take();
}

std::string falsified(const std::string& body, Fault fault) {
    if (auto parsed = parse_json(body); parsed && parsed->is_object()) {
        falsify_json(*parsed, fault);
        return parsed->dump();
    }
    auto fields = encoding::parse_form(body, "body");
    if (!fields) return body;
    falsify_form(*fields, fault);
    return encoding::form(*fields);
}

std::optional<HttpResponse> refusal_of(Fault fault) {
    switch (fault) {
        case Fault::error_before:
            return message_answer(500, "An error has occurred.");
        case Fault::timed_out:
            return message_answer(408, "Request timed out.");
        case Fault::conflict:
            return message_answer(409, "The resource is in use.");
        case Fault::too_many:
            return message_answer(429, "Too many requests.");
        case Fault::busy:
            return message_answer(503, "The service is unavailable.");
        case Fault::slow_before:
        case Fault::delay:
        case Fault::dead:
        case Fault::drop_answer:
        case Fault::error_after:
        case Fault::wrong_amount:
        case Fault::wrong_currency:
        case Fault::wrong_order:
        case Fault::twice:
        case Fault::reorder:
        case Fault::lose:
            break;
    }
    return std::nullopt;
}

}  // namespace kassi::sandbox::borgun
