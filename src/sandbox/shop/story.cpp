#include "sandbox/shop/story.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <variant>

#include "core/codec.hpp"

namespace kassi::sandbox::shop {
namespace {

using nlohmann::json;

constexpr std::size_t hash_shown = 10;

// ---- words ---------------------------------------------------------------------------------------------
struct LegWord {
    std::string_view word, text, mood;
};
constexpr LegWord leg_words[] = {
    {"waiting", "not begun", "calm"},
    {"asking", "asking the house", "waiting"},
    {"called_out", "customer at the house", "waiting"},
    {"unknown", "in doubt", "waiting"},
    {"authorised", "money reserved", "waiting"},
    {"captured", "paid", "good"},
    {"refused", "refused", "bad"},
    {"voided", "reserved money let go", "calm"},
    {"refunded", "given back", "calm"},
    {"needs_a_person", "needs a person", "bad"},
};

LegWord leg_word_of(const core::Leg& leg) {
    const auto word = core::leg_word(leg);
    for (const auto& known : leg_words)
        if (known.word == word) return known;
    return {word, word, "calm"};
}

std::string sign_of(std::string_view mood) {
    return mood == "good" ? "✓" : mood == "bad" ? "✕" : "…";
}

/// "caller demo" -> "Booking system, for demo"
std::string actor(std::string_view by) {
    if (by == "browser") return "The customer’s browser";
    if (by == "clock") return "The clock";
    if (by == "provider") return "The payment house";
    for (const std::string_view who : {"caller ", "system ", "person "}) {
        if (!by.starts_with(who)) continue;
        const std::string name(by.substr(who.size()));
        return who == "caller " ? "The caller " + name : who == "system " ? "The system " + name : name;
    }
    return std::string(by);
}

/// What colours a row of the time line: money first, then bad news, then journeys.
std::string_view mood_of(const core::Event& event) {
    if (std::holds_alternative<core::Taken>(event) || std::holds_alternative<core::Held>(event))
        return "good";
    if (std::holds_alternative<core::Refused>(event) || std::holds_alternative<core::Stuck>(event) ||
        std::holds_alternative<core::CallDoubted>(event))
        return "bad";
    if (std::holds_alternative<core::CustomerSent>(event) || std::holds_alternative<core::VisitMeant>(event))
        return "waiting";
    if (const auto* decided = std::get_if<core::Decided>(&event))
        return decided->verdict == core::Verdict::buy || decided->verdict == core::Verdict::purchased ? "good"
                                                                                                      : "bad";
    return "calm";
}

int weight(std::string_view mood) {
    return mood == "bad" ? 3 : mood == "good" ? 2 : mood == "waiting" ? 1 : 0;
}

std::string time_of_day(Instant at) {
    const auto text = instant_for_people(at);  // "10 Jan 2026 10:00:05 UTC"
    constexpr std::size_t tail = std::string_view("10:00:05 UTC").size();
    return text.size() < tail ? text : text.substr(text.size() - tail, std::string_view("10:00:05").size());
}

std::string day(Instant at) {
    const auto text = instant_for_people(at);
    return text.substr(0, text.rfind(' ', text.rfind(' ') - 1));
}

bool away(const core::Transaction& transaction) {
    return core::leg_away(transaction) != nullptr;
}

std::string policy_of(const core::Policy& policy) {
    std::string text;
    const auto add = [&text](std::string_view words) { text.append(text.empty() ? "" : ", ").append(words); };
    if (policy.partial) add("partial purchases agreed");
    if (policy.on_decline == core::OnDecline::again) add("another try after a refusal");
    if (policy.confirm == core::Confirm::owner) add("confirmed by the box office");
    return text;
}

// ---- parts of the page ---------------------------------------------------------------------------------
json bundles_of(const core::Transaction& transaction) {
    json bundles = json::array();
    for (const auto& bundle : transaction.bundles) {
        json legs = json::array();
        for (const auto& leg : transaction.legs) {
            if (std::find(leg.sources.begin(), leg.sources.end(), bundle.source) == leg.sources.end())
                continue;
            const auto word = leg_word_of(leg);
            json shown{{"word", word.text}, {"mood", word.mood}, {"merchant", leg.merchant}};
            if (leg.refused)
                shown["refused"] = leg.refused->text.empty() ? leg.refused->code : leg.refused->text;
            legs.push_back(std::move(shown));
        }
        bundles.push_back({{"source", bundle.source},
                           {"description", bundle.description},
                           {"amount", money_for_people(bundle.amount)},
                           {"legs", std::move(legs)}});
    }
    return bundles;
}

/// Sums of one leg, in minor units.
struct Sums {
    std::int64_t held = 0, taken = 0, back = 0;
    bool operator==(const Sums&) const = default;
};

json sums_for_people(const Sums& sums, Currency currency) {
    json lines = json::array();
    const auto line = [&](std::string_view what, std::int64_t minor) {
        if (minor != 0) lines.push_back(std::string(what) + " " + money_for_people({minor, currency}));
    };
    line("reserved", sums.held);
    line("taken", sums.taken);
    line("given back", sums.back);
    if (lines.empty()) lines.push_back("nothing");
    return lines;
}

using SumsByLeg = std::map<std::int64_t, Sums>;

/// The time line; `ours` gathers the money events on the way.
json rows_of(const std::vector<store::StoredRow>& journal, SumsByLeg& ours) {
    json rows = json::array();
    core::Transaction so_far;
    std::string last_day;
    for (const auto& stored : journal) {
        const auto row = core::parse_row(stored.json);
        if (!row) {
            rows.push_back(
                {{"sentences", {"This row cannot be read: " + row.error().message}}, {"mood", "bad"}});
            break;
        }
        std::string_view mood = "calm";
        json sentences = json::array();
        for (const auto& event : row->events) {
            core::apply(so_far, event, row->at);
            sentences.push_back(core::sentence(event, so_far));
            if (weight(mood_of(event)) > weight(mood)) mood = mood_of(event);
        }
        for (const auto& entry : core::ledger_of(so_far, row->events)) {
            auto& sums = ours[entry.leg];
            if (entry.kind == "held") sums.held += entry.amount.minor;
            if (entry.kind == "hold_gone") sums.held -= entry.amount.minor;
            if (entry.kind == "taken") sums.taken += entry.amount.minor;
            if (entry.kind == "given_back") sums.back += entry.amount.minor;
        }
        std::string effects;
        for (const auto& effect : row->effects) effects += (effects.empty() ? "" : ", ") + effect;
        const auto today = day(stored.at);
        json shown{{"iso", iso8601(stored.at)},
                   {"time", (today == last_day ? "" : today + ", ") + time_of_day(stored.at)},
                   {"by", actor(row->by)},
                   {"mood", mood},
                   {"sentences", std::move(sentences)},
                   {"number", stored.number},
                   {"input", row->input},
                   {"hash", stored.hash_hex.substr(0, hash_shown)}};
        if (!effects.empty()) shown["effects"] = effects;
        rows.push_back(std::move(shown));
        last_day = today;
    }
    return rows;
}

std::vector<std::string> references_of(const core::Transaction& transaction, const core::Leg& leg) {
    std::vector<std::string> references{transaction.id.text() + "-" + std::to_string(leg.no)};
    for (const auto& [kind, value] : leg.references) references.push_back(value);
    if (leg.call && !leg.call->reference.empty()) references.push_back(leg.call->reference);
    return references;
}

/// What was held and then taken is no longer held.
Sums sums_of(const std::vector<Movement>& house, const std::vector<std::string>& references) {
    const auto is_its = [&references](const std::string& name) {
        return std::find(references.begin(), references.end(), name) != references.end();
    };
    Sums sums;
    std::int64_t held = 0, gone = 0;
    for (const auto& movement : house) {
        if (!is_its(movement.reference) && !is_its(movement.payment)) continue;
        const auto minor = movement.amount.minor;
        if (movement.kind == "held") held += minor;
        if (movement.kind == "hold_gone") gone += minor;
        if (movement.kind == "taken") sums.taken += minor;
        if (movement.kind == "given_back") sums.back += minor;
    }
    if (held > 0) sums.held = held - gone - sums.taken;
    return sums;
}

void add_books(json& page, const Told& told, const SumsByLeg& ours) {
    const auto& transaction = told.view.transaction;
    json books = json::array();
    bool agree = true, any_house = false;
    for (const auto& leg : transaction.legs) {
        const auto found = ours.find(leg.no);
        // Money that is both reserved and taken is shown once: as taken.
        Sums sums = found == ours.end() ? Sums{} : found->second;
        if (leg.money != core::LegMoney::held) sums.held = 0;
        json book{
            {"no", leg.no}, {"merchant", leg.merchant}, {"ours", sums_for_people(sums, leg.amount.currency)}};
        if (leg.flow == "on_credit") {
            book["theirs"] = {"the account owes it to us"};
        } else {
            const Sums theirs = sums_of(told.house, references_of(transaction, leg));
            any_house = true;
            agree = agree && theirs == sums;
            book["theirs"] = sums_for_people(theirs, leg.amount.currency);
        }
        books.push_back(std::move(book));
    }
    page["has_books"] = !books.empty();
    page["books"] = std::move(books);
    page["agree"] = any_house && agree;
    page["differ"] = any_house && !agree;
}

void add_explanation(json& page, const core::Explanation& explanation) {
    page["summary"] = explanation.summary;
    page["because"] = explanation.because;
    page["waits"] = explanation.waits_for;
    if (!explanation.next.empty()) {
        page["next"] = explanation.next;
        if (explanation.next_at) page["next_at"] = instant_for_people(*explanation.next_at);
    }
    if (explanation.needs_person) page["person"] = explanation.person_should;
}

void add_actions(json& page, const Told& told) {
    const auto& transaction = told.view.transaction;
    if (told.view.callout && !told.view.callout->page_token.empty())
        page["callout"] = told.public_url + "/callout/" + told.view.callout->page_token;
    const bool cancellable =
        std::any_of(transaction.bundles.begin(), transaction.bundles.end(), [](const core::Bundle& bundle) {
            return std::any_of(bundle.orders.begin(), bundle.orders.end(),
                               [](const core::Order& order) { return order.cancellable; });
        });
    page["away"] = away(transaction);
    page["confirm"] = transaction.phase == core::Phase::confirming;
    page["can_cancel"] = transaction.phase == core::Phase::purchased && cancellable;
    page["can_release"] =
        !core::has_verdict(transaction.phase) && transaction.phase != core::Phase::capturing;
    page["again"] = waits_for_another_try(transaction) && !told.other_ways.empty();
    page["others"] = told.other_ways;
}

}  // namespace

Status status_of(const core::Transaction& transaction) {
    const bool settled = core::settled(transaction);
    const auto unless_settled = [settled](std::string_view text, std::string_view open) {
        return std::string(text).append(settled ? "" : open);
    };
    switch (transaction.phase) {
        case core::Phase::reserved:
            return {"Reserved", "calm"};
        case core::Phase::authorising:
            if (away(transaction)) return {"At the payment page", "waiting"};
            if (waits_for_another_try(transaction)) return {"Another try?", "waiting"};
            return {"Being paid", "waiting"};
        case core::Phase::confirming:
            return {"Box office’s turn", "waiting"};
        case core::Phase::capturing:
            return {"Being paid", "waiting"};
        case core::Phase::purchased:
            return {unless_settled(core::is_partial(transaction) ? "Paid in part" : "Paid", ", refund open"),
                    "good"};
        case core::Phase::failed:
            return {unless_settled("Not paid", ", not settled"), "bad"};
        case core::Phase::released:
            return {unless_settled("Released", ", not settled"), "calm"};
        case core::Phase::cancelled:
            return {"Cancelled", "calm"};
    }
    return {};
}

std::string total_of(const core::Transaction& transaction) {
    std::map<std::string_view, Money> sums;
    for (const auto& bundle : transaction.bundles) {
        auto& sum = sums[bundle.amount.currency.code()];
        sum = {sum.minor + bundle.amount.minor, bundle.amount.currency};
    }
    std::string text;
    for (const auto& [code, sum] : sums) text += (text.empty() ? "" : " + ") + money_for_people(sum);
    return text;
}

json line_of(const core::Transaction& transaction) {
    std::string described;
    for (const auto& bundle : transaction.bundles)
        described += (described.empty() ? "" : ", ") +
                     (bundle.description.empty() ? bundle.source : bundle.description);
    const auto status = status_of(transaction);
    return {{"reference", transaction.reference},
            {"status", status.text},
            {"mood", status.mood},
            {"total", total_of(transaction)},
            {"described", described},
            {"caller", transaction.caller},
            {"at", instant_for_people(transaction.handed_over_at)}};
}

json story_of(const Told& told) {
    const auto& transaction = told.view.transaction;
    const auto status = status_of(transaction);
    json page{{"title", transaction.reference},
              {"on_transactions", true},
              {"reference", transaction.reference},
              {"self", "/shop/transactions/" + transaction.reference},
              {"phase", core::word(transaction.phase)},
              {"settled", core::settled(transaction) ? "yes" : "no"},
              {"status", status.text},
              {"mood", status.mood},
              {"sign", sign_of(status.mood)},
              {"caller", transaction.caller},
              {"total", total_of(transaction)},
              {"held_until", instant_for_people(transaction.held_until)},
              {"bundles", bundles_of(transaction)},
              {"data", told.data}};
    if (auto policy = policy_of(transaction.policy); !policy.empty()) page["policy"] = std::move(policy);
    SumsByLeg ours;
    page["rows"] = rows_of(told.journal, ours);
    add_explanation(page, told.explanation);
    add_books(page, told, ours);
    add_actions(page, told);
    return page;
}

std::vector<std::string> references_of(const core::Transaction& transaction) {
    std::vector<std::string> references;
    for (const auto& leg : transaction.legs) {
        if (leg.flow == "on_credit") continue;
        auto more = references_of(transaction, leg);
        std::move(more.begin(), more.end(), std::back_inserter(references));
    }
    return references;
}

bool waits_for_another_try(const core::Transaction& transaction) {
    return transaction.phase == core::Phase::authorising &&
           transaction.policy.on_decline == core::OnDecline::again && !core::uncovered(transaction).empty() &&
           std::all_of(transaction.legs.begin(), transaction.legs.end(),
                       [](const core::Leg& leg) { return leg.doing == core::Doing::rest; });
}

}  // namespace kassi::sandbox::shop
