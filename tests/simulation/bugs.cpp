#include "tests/simulation/bugs.hpp"

#include <algorithm>
#include <variant>

namespace kassi::simulation {
namespace {

using core::Event;

template <class T>
bool has(const std::vector<Event>& events) {
    return std::any_of(events.begin(), events.end(),
                       [](const Event& event) { return std::holds_alternative<T>(event); });
}

bool decides(const std::vector<Event>& events, core::Verdict verdict) {
    return std::any_of(events.begin(), events.end(), [verdict](const Event& event) {
        const auto* decided = std::get_if<core::Decided>(&event);
        return decided != nullptr && decided->verdict == verdict;
    });
}

/// The unit as if decide() had said these events.
void say_instead(std::vector<Event> events, const core::Transaction* before, store::Unit& unit) {
    core::Transaction next = before == nullptr ? core::Transaction{} : *before;
    for (const auto& event : events) core::apply(next, event, unit.row.at);
    next.version = unit.decision.next.version;
    next.tracking = unit.decision.next.tracking;
    unit.decision.next = std::move(next);
    unit.row.events = events;
    unit.decision.events = std::move(events);
}

template <class T>
std::vector<Event> less(std::vector<Event> events) {
    std::erase_if(events, [](const Event& event) { return std::holds_alternative<T>(event); });
    return events;
}

std::vector<Event> and_also(std::vector<Event> events, Event more) {
    events.push_back(std::move(more));
    return events;
}

/// Nothing goes back: the goals stay, and what the planner did for them is not done.
std::vector<Event> no_goals(const std::vector<Event>& events) {
    std::vector<Event> rest;
    bool over = false;
    for (const auto& event : events) {
        over = over || std::holds_alternative<core::GoalSet>(event);
        if (!over || std::holds_alternative<core::Decided>(event)) rest.push_back(event);
    }
    return rest;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

std::string md_status(const std::string& said) {
    return R"("MdStatus":")" + said + '"';
}

bool is_complete(const HttpRequest& request) {
    return request.method == "POST" && request.target.ends_with("/complete");
}

}  // namespace

void spoil(Bug bug, const core::Transaction* before, store::Unit& unit, std::string_view last_request) {
    const auto& events = unit.decision.events;
    if (bug == Bug::event_dropped) unit.row.events = less<core::Taken>(unit.row.events);
    if (bug == Bug::goal_forgotten && has<core::GoalSet>(events)) say_instead(no_goals(events), before, unit);
    if (bug == Bug::late_success_buys && before != nullptr && before->phase == core::Phase::failed &&
        has<core::Taken>(events))
        say_instead(and_also(events, core::Decided{core::Verdict::purchased, "late"}), before, unit);
    if (bug == Bug::bought_before_taken && decides(events, core::Verdict::buy) &&
        unit.decision.next.phase == core::Phase::capturing)
        say_instead(and_also(events, core::Decided{core::Verdict::purchased, ""}), before, unit);
    if (bug == Bug::other_amount_not_told && has<core::Stuck>(events))
        say_instead(less<core::Stuck>(events), before, unit);
    if (bug == Bug::two_sent_away && has<core::CustomerSent>(events)) {
        for (const auto& leg : unit.decision.next.legs) {
            if (leg.doing != core::Doing::rest) continue;
            core::CustomerSent sent{leg.no, 1, core::Verb::open, "get", "http://elsewhere.test", unit.row.at};
            return say_instead(and_also(events, sent), before, unit);
        }
    }
    if (bug == Bug::return_counts_twice && unit.row.input == "Return" && has<core::Noted>(events))
        for (const auto& leg : unit.decision.next.legs)
            if (leg.callout && leg.callout->returned && leg.doing == core::Doing::rest)
                return say_instead(and_also(events, core::CustomerBack{leg.no, leg.callout->no, {}, false}),
                                   before, unit);
    if (bug == Bug::request_in_the_journal && !unit.decision.next.legs.empty() && !last_request.empty())
        say_instead(and_also(events, core::Noted{1, std::string(last_request), {}, false, {}, false}), before,
                    unit);
}

void spoil_text(Bug bug, std::string& state, std::string&) {
    static constexpr std::size_t page = 2'048;
    if (bug == Bug::state_cut && state.size() > page) state.resize(page);
}

bool forgets(Bug bug, std::string_view scope) {
    return (bug == Bug::token_claim_forgotten && scope.starts_with("credential")) ||
           (bug == Bug::key_forgotten && scope.starts_with("idempotency"));
}

void spoil_request(Bug bug, HttpRequest& request) {
    if (bug == Bug::provider_forgets_keys)
        std::erase_if(request.headers,
                      [](const auto& header) { return same_header_name(header.first, "Idempotency-Key"); });
    // Stripe is asked for less than was meant.
    static constexpr std::int64_t less = 100;
    const bool asks = request.method == "POST" && request.target == "/v1/payment_intents";
    if (bug != Bug::other_amount_not_told || !asks) return;
    auto form = encoding::parse_form(request.body, "body");
    if (!form) return;
    for (auto& [name, value] : *form)
        if (const auto minor = name == "amount" ? std::stoll(value) : 0; minor > 2 * less)
            value = std::to_string(minor - less);
    request.body = encoding::form(*form);
}

bool answers_instead(Bug bug, const HttpRequest& request, const Handler& house, HttpResponse& answer) {
    if (bug == Bug::look_up_broken && request.method == "GET") {
        answer.status = 503;
        answer.body = "{}";
        return true;
    }
    const std::string_view cancel = "/cancel";
    const bool of_stripe = request.target.starts_with("/v1/payment_intents/");
    if (bug != Bug::void_not_done || !of_stripe || !request.target.ends_with(cancel)) return false;
    HttpRequest look{"GET", request.target.substr(0, request.target.size() - cancel.size()), {}, "", ""};
    look.headers.emplace_back("Authorization", std::string(request.header("Authorization")));
    // A fault may let it come later: nobody waits for it here.
    const auto found = std::make_shared<HttpResponse>();
    house(look, [found](HttpResponse response) { *found = std::move(response); });
    answer = *found;
    replace_all(answer.body, "requires_capture", "canceled");
    return answer.status == 200 && !answer.body.empty();
}

void spoil_answer(Bug bug, const HttpRequest& request, HttpResponse& answer) {
    if (bug == Bug::decline_read_as_money && is_complete(request))
        replace_all(answer.body, R"("status":"refused")", R"("status":"paid")");
    if (bug == Bug::money_read_as_decline && is_complete(request))
        replace_all(answer.body, R"("status":"paid")", R"("status":"refused")");
    if (bug == Bug::authentication_not_read && request.target.find("/api/mpi/") != std::string::npos)
        for (const char* said : {"0", "7", "8", "9", "42", "50", "97"})
            replace_all(answer.body, md_status(said), md_status("1"));
}

}  // namespace kassi::simulation
