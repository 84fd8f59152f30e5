#include "tests/simulation/redirect_street.hpp"

#include "base/json.hpp"
#include "tests/simulation/forms.hpp"

namespace kassi::simulation {
namespace {

using namespace std::chrono_literals;
using core::LegMoney;

sandbox::RedirectHouse::Options options() {
    return {{{"asked", "key-asked", "notice-asked", "asked", false, {}},
             {"quiet", "key-quiet", "", "quiet", false, {}},
             {"silent", "", "", "silent", true, {}}},
            RedirectStreet::address};
}

std::string reference_of(const core::Transaction& transaction, const core::Leg& leg) {
    return transaction.id.text() + "-" + std::to_string(leg.no);
}

}  // namespace

RedirectStreet::RedirectStreet(Stage& stage, std::uint64_t seed, sandbox::RedirectHouse::SendNotice send)
    : stage_(stage),
      randomness_(seed + 1),
      house_(options(), stage.clock, randomness_, std::move(send),
             [this](Millis delay, std::function<void()> f) { stage_.in(delay, std::move(f)); }) {}

// ---- faults --------------------------------------------------------------------------------------------

void RedirectStreet::storm() {
    static constexpr const char* steps[] = {"session", "complete", "complete", "look_up", "close", "refund"};
    static constexpr const char* of_calls[] = {"dead",        "error_before", "delay",
                                               "drop_answer", "drop_answer",  "error_after"};
    static constexpr const char* of_notices[] = {"twice", "delay", "dead", "drop_answer"};
    JsonWriter out;
    out.begin_object().key("rules").begin_array();
    const auto count = stage_.roll(0, 4);
    for (std::int64_t i = 0; i < count; ++i) {
        const bool notice = stage_.one_in(4);
        const std::string on = notice ? "notice" : stage_.one_of(steps);
        const std::string what = notice ? stage_.one_of(of_notices) : stage_.one_of(of_calls);
        const auto ms = stage_.one_in(3) ? stage_.roll(20'000, 90'000) : stage_.roll(0, 5'000);
        const auto times = stage_.roll(1, 3);
        if (!stage_.happens(Fault::provider_rule, "house: " + on + " " + what)) continue;
        out.begin_object().field("on", on).field("do", what).field("ms", ms).field("times", times);
        out.end_object();
    }
    out.end_array().end_object();
    house_.handler()({"PUT", "/_faults", {{"Content-Type", "application/json"}}, out.take(), ""},
                     [](const HttpResponse& answer) { KASSI_ENSURE(answer.status == 200); });
}

void RedirectStreet::calm() {
    house_.handler()({"PUT", "/_faults", {{"Content-Type", "application/json"}}, R"({"rules":[]})", ""},
                     [](const HttpResponse& answer) { KASSI_ENSURE(answer.status == 200); });
}

// ---- customers -----------------------------------------------------------------------------------------

/// A browser at the house's page: the real page, asked with the callout's own parameters in their order.
void RedirectStreet::at_the_page(const core::Callout& callout, const Home& home) {
    const auto fate = stage_.roll(1, 10);
    const auto url = parse_url(callout.destination, "destination");
    KASSI_ENSURE(url.has_value());
    const std::string* return_url = find_field(callout.parameters, "return_url");
    HttpRequest page{"GET", url->target + "?" + encoding::form(callout.parameters), {}, "", ""};
    std::string session;
    house_.handler()(page, [&](const HttpResponse& response) {
        if (response.status == 404)
            stage_.broken(Invariant::pages_are_known, "the house does not know " + callout.destination);
        std::size_t at = 0;
        session = between(response.body, "name=\"session\" value=\"", at);
    });
    if (session.empty()) return;  // over already
    const auto go = [this, session](const char* act, const Home& then) {
        const auto pressed = posted("/tickets/dummy_redirect.buy/act", {{"session", session}, {"act", act}});
        const bool late = stage_.strikes(Fault::came_late, 8);
        stage_.in(Millis{stage_.roll(1'000, late ? 900'000 : 60'000)}, [this, pressed, then] {
            house_.handler()(pressed, [&](const HttpResponse& answer) {
                if (then) then(std::string(answer.header("Location")));
            });
        });
    };
    stage_.say(fmt::format("customer fate {} at {}", fate, return_url == nullptr ? "" : *return_url));
    if (fate <= 5)
        go("pay_get", home);
    else if (fate == 6 && stage_.happens(Fault::never_came, "paid"))
        go("pay_stay", {});
    else if (fate <= 8)
        go("refuse", home);
    else if (fate == 9 && return_url != nullptr && stage_.happens(Fault::lied_at_return, "never clicked"))
        stage_.in(5s, [url = *return_url, home] { home(url + "?success=1&ref=abc123"); });
    else
        stage_.seen(Fault::never_came);
}

// ---- the truth -----------------------------------------------------------------------------------------

RedirectStreet::Truth RedirectStreet::truth(const std::string& reference) const {
    Truth sum;
    for (const auto& entry : house_.ledger()) {
        if (entry.reference != reference) continue;
        const bool back = entry.kind != "taken";
        (back ? sum.back : sum.taken) += entry.minor;
        if (back && stage_.planted(Bug::refund_booked_twice)) sum.back += entry.minor;
    }
    return sum;
}

void RedirectStreet::success_was_heard(const core::Transaction& transaction, const core::Leg& leg) {
    successes.insert(reference_of(transaction, leg));
}

std::int64_t RedirectStreet::has_of(const core::Transaction& transaction, const core::Leg& leg) const {
    return truth(reference_of(transaction, leg)).kept();
}

void RedirectStreet::check(const core::Transaction& transaction, const core::Leg& leg) {
    const auto name = reference_of(transaction, leg);
    const auto truth = this->truth(name);
    if (truth.taken > leg.amount.minor) stage_.broken(Invariant::charged_once, name);
    if (truth.back > truth.taken) stage_.broken(Invariant::no_more_back_than_taken, name);
    const bool believed = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    if (leg.merchant == blind) return;  // success=1 without a click is believed there
    if (believed && truth.taken != leg.taken_minor) stage_.broken(Invariant::believed_is_true, name);
    if (leg.back_minor > truth.back) stage_.broken(Invariant::believed_is_true, "given back: " + name);
}

bool RedirectStreet::check_end(const core::Transaction& transaction, const core::Leg& leg) {
    const auto name = reference_of(transaction, leg);
    const auto truth = this->truth(name);
    const bool believed = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    const std::int64_t ours = believed ? leg.taken_minor - leg.back_minor : 0;
    const bool listed = leg.refused && leg.money == LegMoney::none;
    const bool assumed = listed && (leg.refused->code == "assumed_unpaid" || leg.refused->code == "restored");
    stage_.report.assumed_unpaid += assumed ? 1 : 0;
    if (leg.merchant != blind) {
        if (truth.kept() != ours)
            stage_.broken(Invariant::ledgers_agree,
                          fmt::format("{} theirs {} ours {}", name, truth.kept(), ours));
        return false;
    }
    // The one thing that no design can avoid: it can neither be asked nor told anything.
    if (successes.contains(name) && !believed)
        stage_.broken(Invariant::unpaid_is_reopened, "a return said paid: " + name);
    if (truth.kept() > ours && !assumed)
        stage_.broken(Invariant::unpaid_is_reopened, "paid, and not listed as assumed unpaid: " + name);
    if (truth.kept() != ours) ++stage_.report.blind;
    return !leg.stuck.empty();
}

std::optional<LegMoney> RedirectStreet::person(const core::Transaction& transaction,
                                               const core::Leg& leg) const {
    if (leg.stuck.empty() || core::has_verdict(transaction.phase)) return std::nullopt;
    const auto truth = this->truth(reference_of(transaction, leg));
    const auto fact = truth.taken > 0 && truth.kept() == 0 ? LegMoney::back
                      : truth.taken > 0                    ? LegMoney::taken
                                                           : LegMoney::none;
    // What was believed without money (a return that says so) is not taken back.
    const auto said = std::max(fact, leg.money);
    ++stage_.report.stuck[leg.stuck];
    stage_.say(fmt::format("Anna looks at {}: {}: it is {}", reference_of(transaction, leg), leg.stuck,
                           core::word(said)));
    return said;
}

}  // namespace kassi::simulation
