#include "tests/simulation/page_street.hpp"

#include "sandbox/simulators/borgun_tables.hpp"
#include "tests/simulation/forms.hpp"

namespace kassi::simulation {
namespace {

using core::LegMoney;
using sandbox::BorgunHouse;

BorgunHouse::Options house_of(Stage& stage) {
    BorgunHouse::Merchant merchant;
    merchant.name = PageStreet::merchant;
    merchant.securepay_id = PageStreet::id;
    merchant.securepay_gateway = PageStreet::gateway;
    merchant.securepay_secret = PageStreet::secret;
    merchant.securepay_lower_case = stage.one_in(2);
    BorgunHouse::Options options;
    options.page_origin = PageStreet::address;
    options.merchants.push_back(std::move(merchant));
    return options;
}

std::string name_of(const core::Transaction& transaction, const core::Leg& leg) {
    return transaction.id.text() + "-" + std::to_string(leg.no);
}

bool gives_back(const core::Leg& leg) {
    return leg.goal == core::Goal::give_back ||
           std::any_of(leg.refunds.begin(), leg.refunds.end(),
                       [](const core::Refund& refund) { return refund.state != core::RefundState::done; });
}

}  // namespace

PageStreet::PageStreet(Stage& stage, std::uint64_t seed, BorgunHouse::SendNotice send)
    : stage_(stage),
      randomness_(seed + 4),
      loses_notices_(stage.one_in(3)),
      house_(house_of(stage), stage.clock, randomness_, std::move(send),
             [this](Millis delay, std::function<void()> f) { stage_.in(delay, std::move(f)); }) {}

void PageStreet::storm() {
    static constexpr const char* of_calls[] = {"slow_before", "delay",    "dead",         "drop_answer",
                                               "timed_out",   "too_many", "error_before", "error_after",
                                               "busy",        "conflict"};
    static constexpr const char* of_notices[] = {"twice", "delay", "dead", "drop_answer", "lose"};
    std::vector<BorgunHouse::FaultRule> rules;
    const auto count = stage_.roll(0, 3);
    for (std::int64_t i = 0; i < count; ++i) {
        BorgunHouse::FaultRule rule;
        const bool notice = stage_.one_in(2);
        rule.on = notice ? "securepay_notice" : "securepay_refund";
        rule.what = notice ? stage_.one_of(of_notices) : stage_.one_of(of_calls);
        if (rule.what == "lose" && !loses_notices_) rule.what = "dead";
        rule.ms = Millis{stage_.one_in(3) ? stage_.roll(20'000, 120'000) : stage_.roll(0, 5'000)};
        rule.times = static_cast<int>(stage_.roll(1, 3));
        if (stage_.happens(Fault::provider_rule, "page: " + rule.on + " " + rule.what))
            rules.push_back(std::move(rule));
    }
    const auto wrong = house_.set_faults(std::move(rules));
    KASSI_ENSURE(!wrong);
}

void PageStreet::calm() {
    const auto wrong = house_.set_faults({});
    KASSI_ENSURE(!wrong);
}

// ---- customers -----------------------------------------------------------------------------------------

/// Who was sent there can say what he likes at the return URL: the order as he knows it, with the hash that
/// he was given for it, or with another's.
void PageStreet::lie(const core::Callout& callout, const std::string& return_url, const Home& home) {
    Fields said{{"status", "OK"}, {"step", "Confirmation"}};
    for (const auto* name : {"orderid", "reference", "amount", "currency"})
        if (const auto* value = find_field(callout.parameters, name)) said.emplace_back(name, *value);
    if (const auto* mine = find_field(callout.parameters, "checkhash"); mine != nullptr && stage_.one_in(2))
        said.emplace_back("orderhash", *mine);
    if (!anothers_reply_.empty() && stage_.one_in(3)) said = anothers_reply_;
    stage_.in(Millis{stage_.roll(500, 30'000)}, [home, return_url, said] { home(return_url, said); });
}

void PageStreet::at_the_page(const core::Callout& callout, const std::string& return_url, const Home& home) {
    const auto url = parse_url(callout.destination, "destination");
    KASSI_ENSURE(url.has_value());
    const auto* order = find_field(callout.parameters, "orderid");
    const auto* reference = find_field(callout.parameters, "reference");
    KASSI_ENSURE(order != nullptr && reference != nullptr);
    const auto known = orders_.emplace(*order, *reference).first;
    if (known->second != *reference) stage_.broken(Invariant::sent_once, "an order of two legs: " + *order);
    static constexpr const char* acts[] = {"pay", "pay",    "pay",    "pay",  "pay",
                                           "pay", "refuse", "cancel", "stay", "pay_stay"};
    const std::string act = stage_.one_of(acts);
    stage_.say("SecurePay's page: " + act);
    if (stage_.one_in(6) && stage_.happens(Fault::lied_at_return)) lie(callout, return_url, home);
    Form page;
    house_.handler()(posted(url->target, callout.parameters), [&](const HttpResponse& response) {
        if (response.status != 200)
            stage_.broken(Invariant::pages_are_known, "the page refuses what we sent: " + response.body);
        page = form_of(response.body);
    });
    if (act == "stay") return stage_.seen(Fault::never_came);
    page.fields.emplace_back("act", act);
    const auto pressed = posted("/borgun/securepay/act", page.fields);
    const Millis thinks{stage_.roll(1'000, stage_.strikes(Fault::came_late, 8) ? 900'000 : 60'000)};
    const int tabs = stage_.strikes(Fault::two_tabs, 6) ? 2 : 1;
    for (int tab = 0; tab < tabs; ++tab)
        stage_.in(thinks + Millis{tab * stage_.roll(0, 3'000)}, [this, pressed, home] {
            house_.handler()(pressed, [&](const HttpResponse& response) {
                ++stage_.report.authentications;
                const auto back = form_of(response.body);
                if (!back.action.starts_with("http")) return;
                anothers_reply_ = back.fields;
                home(back.action, back.fields);
            });
        });
}

// ---- the truth -----------------------------------------------------------------------------------------

PageStreet::Truth PageStreet::truth(const core::Transaction& transaction, const core::Leg& leg) const {
    Truth sum;
    const auto name = name_of(transaction, leg);
    for (const auto& entry : house_.ledger()) {
        const auto of = orders_.find(entry.reference);
        if (of == orders_.end() || of->second != name) continue;
        const auto* row = sandbox::borgun::currency_of_code(entry.currency);
        KASSI_ENSURE(row != nullptr);
        std::int64_t minor = entry.minor;
        for (int i = row->places; i < row->exponent; ++i) minor *= 10;
        for (int i = row->exponent; i < row->places; ++i) minor /= 10;
        const bool back = entry.kind == "given_back";
        if (back && stage_.planted(Bug::refund_booked_twice)) minor *= 2;
        (back ? sum.back : sum.taken) += minor;
    }
    return sum;
}

std::int64_t PageStreet::has_of(const core::Transaction& transaction, const core::Leg& leg) const {
    return truth(transaction, leg).kept();
}

void PageStreet::check(const core::Transaction& transaction, const core::Leg& leg) {
    const auto name = name_of(transaction, leg);
    const auto truth = this->truth(transaction, leg);
    if (truth.taken > leg.amount.minor) stage_.broken(Invariant::charged_once, name);
    if (truth.back > truth.taken) stage_.broken(Invariant::no_more_back_than_taken, name);
    const bool taken = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    if (taken && truth.taken != leg.taken_minor) stage_.broken(Invariant::believed_is_true, name);
    if (leg.back_minor > truth.back) stage_.broken(Invariant::believed_is_true, "given back: " + name);
}

bool PageStreet::check_end(const core::Transaction& transaction, const core::Leg& leg) {
    const auto name = name_of(transaction, leg);
    const auto truth = this->truth(transaction, leg);
    const bool moved = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    const std::int64_t ours = moved ? leg.taken_minor - leg.back_minor : 0;
    const bool needs_person = core::needs_person(leg) || leg.doing == core::Doing::doubt;
    // A refund whose answer was lost cannot be looked up; without the id of the payment there is none.
    if (needs_person && !gives_back(leg) && leg.back_minor == 0)
        stage_.broken(Invariant::person_only_where_needed, "nothing was to go back: " + name);
    if (needs_person) ++stage_.report.left_to_a_person;
    if (truth.kept() == ours) return needs_person;
    // Paid, nobody came back, and the notification was lost for good: nobody can know.
    if (!moved && loses_notices_)
        ++stage_.report.blind;
    else if (!needs_person)
        stage_.broken(Invariant::ledgers_agree,
                      fmt::format("{} theirs {} ours {}", name, truth.kept(), ours));
    return needs_person;
}

std::optional<LegMoney> PageStreet::person(const core::Transaction& transaction, const core::Leg& leg) {
    const auto truth = this->truth(transaction, leg);
    const std::string why =
        leg.stuck.empty() ? fmt::format("in doubt: {}: {}", core::word(leg.verb), leg.doubt_why) : leg.stuck;
    if (leg.stuck.empty() && leg.verb != core::Verb::refund)
        stage_.broken(Invariant::person_only_where_needed, name_of(transaction, leg) + ": " + why);
    const auto fact = truth.taken > 0 && truth.kept() == 0 ? LegMoney::back
                      : truth.taken > 0                    ? LegMoney::taken
                                                           : LegMoney::none;
    // There is no word for a part.
    if (fact == LegMoney::taken && truth.back != leg.back_minor) return std::nullopt;
    // Of what is to go back and cannot, nothing that he could say changes anything. A leg of a copy is freed
    // by it.
    const bool to_go_back = leg.goal == core::Goal::give_back;
    if (!leg.stuck.empty() && fact == leg.money && to_go_back) return std::nullopt;
    ++stage_.report.stuck[why];
    stage_.say(
        fmt::format("Anna looks at {}: {}: it is {}", name_of(transaction, leg), why, core::word(fact)));
    return fact;
}

}  // namespace kassi::simulation
