#include "sandbox/simulators/stripe_faults.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace kassi::sandbox::stripe {
namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, Fault> words[] = {{"dead", Fault::dead},
                                                        {"error_before", Fault::error_before},
                                                        {"rate_limit", Fault::rate_limit},
                                                        {"lock_timeout", Fault::lock_timeout},
                                                        {"key_in_use", Fault::key_in_use},
                                                        {"delay_before", Fault::delay_before},
                                                        {"delay", Fault::delay},
                                                        {"drop_answer", Fault::drop_answer},
                                                        {"error_after", Fault::error_after},
                                                        {"error_kept", Fault::error_kept},
                                                        {"error_stuck", Fault::error_stuck},
                                                        {"wrong_amount", Fault::wrong_amount},
                                                        {"replayed", Fault::replayed},
                                                        {"stale", Fault::stale},
                                                        {"twice", Fault::twice},
                                                        {"another_id", Fault::another_id},
                                                        {"reorder", Fault::reorder},
                                                        {"lost", Fault::lost},
                                                        {"wrong_signature", Fault::wrong_signature}};
constexpr std::string_view steps[] = {"create",  "confirm", "capture",        "cancel",   "update", "refund",
                                      "charge",  "token",   "payment_method", "retrieve", "list",   "search",
                                      "webhook", "*"};

bool is_of_webhooks(Fault fault) {
    switch (fault) {
        case Fault::twice:
        case Fault::another_id:
        case Fault::reorder:
        case Fault::lost:
        case Fault::wrong_signature:
        case Fault::dead:
        case Fault::delay:
        case Fault::drop_answer:
        case Fault::wrong_amount:
            return true;
        case Fault::error_before:
        case Fault::rate_limit:
        case Fault::lock_timeout:
        case Fault::key_in_use:
        case Fault::delay_before:
        case Fault::error_after:
        case Fault::error_kept:
        case Fault::error_stuck:
        case Fault::replayed:
        case Fault::stale:
            return false;
    }
    return false;
}

bool is_of_calls(Fault fault) {
    switch (fault) {
        case Fault::twice:
        case Fault::another_id:
        case Fault::reorder:
        case Fault::lost:
        case Fault::wrong_signature:
            return false;
        case Fault::dead:
        case Fault::delay:
        case Fault::drop_answer:
        case Fault::wrong_amount:
        case Fault::error_before:
        case Fault::rate_limit:
        case Fault::lock_timeout:
        case Fault::key_in_use:
        case Fault::delay_before:
        case Fault::error_after:
        case Fault::error_kept:
        case Fault::error_stuck:
        case Fault::replayed:
        case Fault::stale:
            return true;
    }
    return false;
}

/// A "*" in the pattern is one step of the path.
bool fits_path(std::string_view pattern, std::string_view path) {
    while (!pattern.empty() || !path.empty()) {
        const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
        const std::size_t path_end = std::min(path.find('/', 1), path.size());
        const auto wanted = pattern.substr(0, pattern_end), is = path.substr(0, path_end);
        if (wanted != is && !(wanted == "/*" && is.size() > 1)) return false;
        pattern.remove_prefix(pattern_end);
        path.remove_prefix(path_end);
    }
    return true;
}

Error malformed(std::string message) {
    return bad_request("rules", std::move(message));
}

Result<std::int64_t> number_of(const json& object, const char* name, std::int64_t otherwise,
                               std::int64_t least, std::int64_t most) {
    const auto found = object.find(name);
    if (found == object.end()) return otherwise;
    if (found->is_number_integer()) {
        const auto value = found->get<std::int64_t>();
        if (value >= least && value <= most) return value;
    }
    return malformed("\"" + std::string(name) + "\" is not between " + std::to_string(least) + " and " +
                     std::to_string(most));
}

Result<std::string> word_of(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return std::string();
    if (!found->is_string()) return malformed("\"" + std::string(name) + "\" is not a text");
    return found->get<std::string>();
}

Result<Rule> read_rule(const json& object) {
    if (!object.is_object()) return malformed("holds something that is no object");
    constexpr std::string_view parts[] = {"on", "do", "ms", "times", "merchant", "should_retry"};
    for (const auto& [name, value] : object.items())
        if (std::find(std::begin(parts), std::end(parts), name) == std::end(parts))
            return malformed("\"" + name + "\" is no part of a rule");
    Rule rule;
    const auto on = word_of(object, "on"), what = word_of(object, "do"),
               merchant = word_of(object, "merchant");
    for (const auto* text : {&on, &what, &merchant})
        if (!*text) return text->error();
    rule.on = *on;
    if (!rule.on.starts_with("/v1/") &&
        std::find(std::begin(steps), std::end(steps), rule.on) == std::end(steps)) {
        std::string all;
        for (const auto step : steps) all += std::string(all.empty() ? "" : ", ") + std::string(step);
        return malformed("\"on\" is no path under /v1/ and none of " + all);
    }
    rule.what = *what;
    rule.merchant = *merchant;
    const auto known = std::find_if(std::begin(words), std::end(words),
                                    [&](const auto& each) { return each.first == rule.what; });
    if (known == std::end(words)) {
        std::string all;
        for (const auto& each : words) all += std::string(all.empty() ? "" : ", ") + std::string(each.first);
        return malformed("\"do\" is none of " + all);
    }
    rule.fault = known->second;
    if (!(rule.on == "webhook" ? is_of_webhooks(rule.fault) : is_of_calls(rule.fault)))
        return malformed("\"" + rule.what + "\" is nothing that \"" + rule.on + "\" can do");
    if (rule.fault == Fault::stale && rule.on != "search") return malformed("\"stale\" is for search only");
    const auto ms = number_of(object, "ms", 0, 0, fault_ms_max);
    if (!ms) return ms.error();
    const auto times = number_of(object, "times", 1, 1, fault_times_max);
    if (!times) return times.error();
    rule.ms = Millis{*ms};
    rule.times = *times;
    if (const auto found = object.find("should_retry"); found != object.end()) {
        if (!found->is_boolean()) return malformed("\"should_retry\" is neither true nor false");
        rule.should_retry = found->get<bool>();
    }
    return rule;
}

}  // namespace

std::optional<Error> Faults::set(std::string_view text) {
    const auto body = parse_json(text);
    if (!body) return body.error();
    const auto rules = body->is_object() ? body->find("rules") : body->end();
    if (!body->is_object() || rules == body->end() || !rules->is_array() || rules->size() > fault_rules_max)
        return malformed("rules is not a list of at most " + std::to_string(fault_rules_max));
    std::vector<Rule> read;
    for (const auto& each : *rules) {
        auto rule = read_rule(each);
        if (!rule) return rule.error();
        read.push_back(std::move(*rule));
    }
    rules_ = std::move(read);
    return std::nullopt;
}

std::string Faults::shown() const {
    JsonWriter out;
    out.begin_object().key("rules").begin_array();
    for (const Rule& rule : rules_) {
        out.begin_object().field("on", rule.on).field("do", rule.what).field("ms", rule.ms.count());
        out.field("times", rule.times);
        if (!rule.merchant.empty()) out.field("merchant", rule.merchant);
        if (rule.should_retry) out.field("should_retry", *rule.should_retry);
        out.end_object();
    }
    out.end_array().end_object();
    return out.take();
}

std::optional<Rule> Faults::take(std::string_view step, std::string_view path, std::string_view merchant) {
    const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        const bool meant = rule.on == step || (!path.empty() && (rule.on == "*" || fits_path(rule.on, path)));
        return meant && (rule.merchant.empty() || rule.merchant == merchant);
    });
    if (found == rules_.end()) return std::nullopt;
    Rule rule = *found;
    if (--found->times == 0) rules_.erase(found);
    return rule;
}

}  // namespace kassi::sandbox::stripe
