#include "core/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ranges>

namespace kassi::core {
namespace {

// ---- small words
// -------------------------------------------------------------------------------------------

/// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
        text += words[i];
    }
    return text;
}

/// "3 looks", "1 look".
std::string counted(std::int64_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

/// Texts of providers become part of our sentences: without their own full stop.
std::string unstopped(std::string_view text) {
    while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.remove_suffix(1);
    return std::string(text);
}

std::string capital(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
}

std::string in_brackets(std::string_view text) {
    return text.empty() ? std::string{} : fmt::format(" ({})", unstopped(text));
}

std::string because_of(std::string_view text) {
    return text.empty() ? std::string{} : fmt::format(": {}", unstopped(text));
}

/// "in 12 minutes", for somebody who looks at a clock and not at a log.
std::string distance(Millis ahead) {
    using namespace std::chrono;
    const auto whole_seconds = ceil<seconds>(ahead).count();
    constexpr std::int64_t minute = 60, hour = 60 * minute, day = 24 * hour;
    if (whole_seconds <= 0) return "now";
    if (whole_seconds < 2 * minute) return "in " + counted(whole_seconds, "second");
    if (whole_seconds < 2 * hour) return "in " + counted(whole_seconds / minute, "minute");
    if (whole_seconds < 2 * day) return "in " + counted(whole_seconds / hour, "hour");
    return "in " + counted(whole_seconds / day, "day");
}

/// "10:15:05 UTC" on the day of `now`, the whole date else.
std::string clock(Instant at, Instant now) {
    const auto text = instant_for_people(at);
    const auto day = instant_for_people(std::chrono::floor<std::chrono::days>(now));
    const auto date_length = day.find("00:00:00");
    const bool today = text.compare(0, date_length, day, 0, date_length) == 0;
    return today ? text.substr(date_length) : text;
}

std::string until_when(Instant at, Instant now) {
    return at <= now ? clock(at, now) : fmt::format("{} ({})", clock(at, now), distance(at - now));
}

/// "£110.00", "£110.00 and 500 kr.": one sum a currency.
std::string sums(const std::vector<Money>& amounts) {
    std::vector<Money> totals;
    for (const auto& amount : amounts) {
        const auto same = std::ranges::find(totals, amount.currency, &Money::currency);
        if (same == totals.end())
            totals.push_back(amount);
        else
            same->minor += amount.minor;
    }
    // An amount of nothing beside others says nothing.
    if (std::ranges::any_of(totals, [](const Money& total) { return total.minor != 0; }))
        std::erase_if(totals, [](const Money& total) { return total.minor == 0; });
    std::vector<std::string> words;
    for (const auto& total : totals) words.push_back(money_for_people(total));
    return words.empty() ? "nothing" : listed(words);
}

std::string name_of(const Transaction& transaction, std::string_view source) {
    const auto bundle = std::ranges::find(transaction.bundles, source, &Bundle::source);
    return bundle == transaction.bundles.end() || bundle->description.empty() ? std::string(source)
                                                                              : bundle->description;
}

std::string names_of(const Transaction& transaction, const std::vector<std::string>& sources) {
    std::vector<std::string> words;
    for (const auto& source : sources) words.push_back(name_of(transaction, source));
    return listed(words);
}

std::string total_of(const Transaction& transaction) {
    std::vector<Money> amounts;
    for (const auto& bundle : transaction.bundles) amounts.push_back(bundle.amount);
    return sums(amounts);
}

std::string bought_for(const Transaction& transaction) {
    std::vector<Money> amounts;
    for (const auto& bundle : transaction.bundles)
        if (bundle_bought(transaction, bundle.source)) amounts.push_back(bundle.amount);
    return sums(amounts);
}

Money moved_money(const Leg& leg) {
    return {leg.taken_minor, leg.amount.currency};
}
Money back_money(const Leg& leg) {
    return {leg.back_minor, leg.amount.currency};
}

/// What went back though no refund of ours asked for it: somebody gave it back at the provider's.
Money given_back_unasked(const Leg& leg) {
    Money amount = back_money(leg);
    for (const auto& refund : leg.refunds)
        if (refund.state == RefundState::done) amount.minor -= refund.amount.minor;
    return amount;
}

/// What is asked of a provider, as in "house was asked to ...".
std::string_view to_do(Verb verb) {
    switch (verb) {
        case Verb::open:
            return "prepare the payment";
        case Verb::authorise:
            return "reserve the money";
        case Verb::charge:
            return "take the money";
        case Verb::capture:
            return "take the reserved money";
        case Verb::void_hold:
            return "let go of the reserved money";
        case Verb::refund:
            return "give the money back";
        case Verb::query:
            return "say what became of the payment";
        case Verb::close:
            return "close the payment page, so that nobody can pay there any more";
    }
    return "";
}

/// What nobody knows, as in "it is not known whether ...".
std::string_view whether(Verb verb) {
    switch (verb) {
        case Verb::open:
            return "the payment was prepared";
        case Verb::authorise:
            return "the money was reserved";
        case Verb::charge:
        case Verb::capture:
            return "the money was taken";
        case Verb::void_hold:
            return "the reserved money was let go";
        case Verb::refund:
            return "the money was given back";
        case Verb::query:
            return "anything was paid";
        case Verb::close:
            return "the payment page was closed";
    }
    return "";
}

/// Why a transaction or a leg got its verdict; a word that has no text here is shown as it is.
std::string reason(std::string_view why) {
    static constexpr std::pair<std::string_view, std::string_view> texts[] = {
        {"hold", "the reservation ran out before the payment was complete"},
        {"hold_over", "the reservation ran out before the payment was complete"},
        {"declined", "a payment was refused"},
        {"not_confirmed", "the booking system did not confirm that the seats are bought"},
        {"released", "the reservation was given back"},
        {"capture", "the reserved money could not be taken"},
        {"partial", "not everything could be paid"},
        {"cancelled", "the purchase was cancelled"},
        {"all_covered", "all the money is reserved or taken"},
        {"confirmed", "the booking system confirmed that the seats are bought"},
        {"everything_back", "all the money was given back"},
        {"restored", "the record was put back to a copy from before, and what happened since is not known"},
    };
    for (const auto& [code, text] : texts)
        if (code == why) return std::string(text);
    std::string text(why);
    std::ranges::replace(text, '_', ' ');
    return text;
}

std::string refusal_text(const Refusal& refusal) {
    return refusal.text.empty() ? reason(refusal.code) : unstopped(refusal.text);
}

// ---- a leg
// -------------------------------------------------------------------------------------------------

std::string money_so_far(const Leg& leg) {
    switch (leg.money) {
        case LegMoney::none:
            return "as far as we know nothing was taken";
        case LegMoney::held:
            return fmt::format("as far as we know {} is reserved", money_for_people(moved_money(leg)));
        case LegMoney::taken:
            return leg.back_minor > 0
                       ? fmt::format("as far as we know {} was taken and {} of it given back",
                                     money_for_people(moved_money(leg)), money_for_people(back_money(leg)))
                       : fmt::format("as far as we know {} was taken", money_for_people(moved_money(leg)));
        case LegMoney::back:
            return "as far as we know the money was given back";
    }
    return "";
}

/// Away for what he pays with, and not to pay yet.
bool asked_for_card(const Leg& leg, const Terms& terms) {
    return leg.doing == Doing::away && leg.verb == Verb::open &&
           lacks_credential(leg, terms.flows.facts(leg));
}

std::string away_sentence(const Leg& leg, Instant now, const Terms& terms) {
    if (!leg.callout) return "the customer was sent away to pay";
    const auto& callout = *leg.callout;
    if (callout.goes_on)
        return fmt::format("the customer's browser is at a page of ours since {} and has until {} to go on{}",
                           clock(callout.sent_at, now), until_when(callout.until, now),
                           callout.grace_until ? fmt::format("; it did not in time, the return address was "
                                                             "visited, and we wait until {} for what that "
                                                             "brings",
                                                             until_when(*callout.grace_until, now))
                                               : std::string());
    const bool for_card = asked_for_card(leg, terms);
    if (for_card && callout.grace_until)
        return fmt::format(
            "the customer was asked for a card and gave none in time; the return address was visited, and we "
            "wait until {} for what that brings",
            until_when(*callout.grace_until, now));
    if (for_card)
        return fmt::format("the customer was asked for a card at {} and has until {} to give it",
                           clock(callout.sent_at, now), until_when(callout.until, now));
    if (callout.grace_until)
        return fmt::format(
            "the customer was sent to {} and did not come back in time; the return address was visited, and "
            "we wait "
            "until {} for what that brings",
            callout.host, until_when(*callout.grace_until, now));
    return fmt::format("the customer was sent to {} at {} and has until {} to pay and come back",
                       callout.host, clock(callout.sent_at, now), until_when(callout.until, now));
}

std::string doubt_sentence(const Leg& leg, Instant now) {
    std::string text = fmt::format("it is not known whether {}{}; {}", whether(leg.verb),
                                   in_brackets(leg.doubt_why), money_so_far(leg));
    if (leg.doubt_since)
        text += fmt::format(". In doubt since {}, looked at {}", clock(*leg.doubt_since, now),
                            counted(leg.rechecks, "time"));
    return text;
}

std::string page_sentence(const Leg& leg, const Terms& terms) {
    if (!leg.exposed) return "";
    return terms.flows.facts(leg).can_close
               ? "; its payment page is still to be closed"
               : "; its payment page cannot be closed, so a late payment is possible";
}

std::string rest_sentence(const Transaction& transaction, const Leg& leg, Instant now, const Terms& terms) {
    const bool wanted = leg.goal == Goal::take;
    switch (leg.money) {
        case LegMoney::held:
            if (!wanted) return "the money is reserved, is not wanted any more, and will be let go";
            return transaction.phase == Phase::capturing ? "the money is reserved and about to be taken"
                                                         : "the money is reserved and not taken yet";
        case LegMoney::taken:
            if (!wanted)
                return fmt::format("{} was taken, is not wanted any more, and goes back",
                                   money_for_people(moved_money(leg)));
            return leg.back_minor > 0
                       ? fmt::format("{} was taken, and {} of it was given back",
                                     money_for_people(moved_money(leg)), money_for_people(back_money(leg)))
                       : fmt::format("{} was taken", money_for_people(moved_money(leg)));
        case LegMoney::back:
            return fmt::format("{} was taken and given back", money_for_people(moved_money(leg)));
        case LegMoney::none:
            break;
    }
    if (leg.refused)
        return fmt::format("refused, nothing was taken ({}){}", refusal_text(*leg.refused),
                           page_sentence(leg, terms));
    if (!wanted) return "nothing was taken" + page_sentence(leg, terms);
    if (leg.retry_at)
        return fmt::format("{} could not do it, tried {}, and is asked again at {}; nothing was taken",
                           leg.merchant, counted(leg.not_done, "time"), until_when(*leg.retry_at, now));
    return leg.ready ? "the payment is prepared, and no money was taken yet" : "not begun yet";
}

/// "Leg 1, £110.00 for Nutcracker through house"; people need the number for `kassi settle`.
std::string leg_title(const Transaction& transaction, const Leg& leg) {
    return fmt::format("Leg {}, {} for {} through {}", leg.no, money_for_people(leg.amount),
                       names_of(transaction, leg.sources), leg.merchant);
}

std::string leg_sentence(const Transaction& transaction, const Leg& leg, Instant now, const Terms& terms) {
    std::string text;
    if (!leg.stuck.empty()) {
        text = fmt::format("needs a person{}; {}", in_brackets(leg.stuck), money_so_far(leg));
    } else {
        switch (leg.doing) {
            case Doing::rest:
                text = rest_sentence(transaction, leg, now, terms);
                break;
            case Doing::call:
                text = fmt::format("{} was asked to {}", leg.merchant, to_do(leg.verb));
                if (leg.call) text += fmt::format(" at {}", clock(leg.call->meant_at, now));
                text += " and has not answered yet";
                break;
            case Doing::away:
                text = away_sentence(leg, now, terms);
                break;
            case Doing::doubt:
                text = doubt_sentence(leg, now);
                break;
        }
    }
    std::string sentences = fmt::format("{}: {}.", leg_title(transaction, leg), text);
    for (const auto& refund : leg.refunds) {
        const auto amount = money_for_people(refund.amount);
        switch (refund.state) {
            case RefundState::asked:
                sentences += fmt::format(" A refund of {} is under way.", amount);
                break;
            case RefundState::failed:
                sentences += fmt::format(" A refund of {} failed.", amount);
                break;
            case RefundState::done:
                break;
        }
    }
    if (const auto unasked = given_back_unasked(leg); unasked.minor > 0)
        sentences += fmt::format(" {} went back at {} without a refund of ours.", money_for_people(unasked),
                                 leg.merchant);
    if (leg.disputed) sentences += " The customer disputed this payment at the bank.";
    return sentences;
}

// ---- the transaction
// ---------------------------------------------------------------------------------------

bool any_doing(const Transaction& transaction, Doing doing) {
    return std::ranges::find(transaction.legs, doing, &Leg::doing) != transaction.legs.end();
}

/// What nobody tries to pay at the moment.
std::vector<std::string> unpaid_sources(const Transaction& transaction) {
    std::vector<std::string> sources;
    for (const auto& bundle : transaction.bundles)
        if (bundle.amount.minor > 0 && covering_leg(transaction, bundle.source) == nullptr)
            sources.push_back(bundle.source);
    return sources;
}

const Leg* last_refused(const Transaction& transaction) {
    const Leg* last = nullptr;
    for (const auto& leg : transaction.legs)
        if (leg.refused) last = &leg;
    return last;
}

bool waits_for_another_way(const Transaction& transaction) {
    return transaction.phase == Phase::authorising && transaction.policy.on_decline == OnDecline::again &&
           !unpaid_sources(transaction).empty();
}

std::string authorising_summary(const Transaction& transaction, Instant now, const Terms& terms) {
    const auto total = total_of(transaction);
    if (needs_person(transaction))
        return fmt::format("The payment of {} is under way, and a person must look at it.", total);
    if (any_doing(transaction, Doing::doubt))
        return fmt::format(
            "The payment of {} is under way, and it is not known yet what became of a part of it.", total);
    if (const Leg* away = leg_away(transaction))
        return fmt::format("The customer is {} to pay {} for {}.",
                           away->callout && away->callout->goes_on ? "at a page of ours, on the way"
                           : asked_for_card(*away, terms)          ? "asked for a card"
                                                                   : "away",
                           money_for_people(away->amount), names_of(transaction, away->sources));
    if (waits_for_another_way(transaction)) {
        const Leg* refused = last_refused(transaction);
        return fmt::format("A payment was refused{}; another way of paying can be tried until {}.",
                           refused ? in_brackets(refusal_text(*refused->refused)) : "",
                           until_when(transaction.held_until, now));
    }
    return fmt::format("The payment of {} is under way.", total);
}

std::string purchased_summary(const Transaction& transaction, Instant now) {
    std::vector<std::string> bought, missing;
    std::vector<Money> back;
    for (const auto& bundle : transaction.bundles)
        (bundle_bought(transaction, bundle.source) ? bought : missing)
            .push_back(name_of(transaction, bundle.source));
    for (const auto& leg : transaction.legs)
        if (leg.goal == Goal::take && leg.back_minor > 0) back.push_back(back_money(leg));
    std::string text;
    const auto when = transaction.verdict_at ? " at " + clock(*transaction.verdict_at, now) : std::string{};
    if (missing.empty())
        text = fmt::format("Bought{}: {} for {}.", when, listed(bought), bought_for(transaction));
    else
        text = fmt::format("Only a part was bought{}: {} for {}, but not {}.", when,
                           bought.empty() ? "nothing" : listed(bought), bought_for(transaction),
                           listed(missing));
    if (!back.empty()) text += fmt::format(" {} of it was given back later.", sums(back));
    if (!settled(transaction)) text += " Some money is still on its way.";
    if (std::ranges::any_of(transaction.legs, &Leg::disputed))
        text += " The customer disputed a payment at the bank.";
    return text;
}

std::string failed_summary(const Transaction& transaction, Instant now) {
    std::string why = reason(transaction.why);
    if (const Leg* refused = last_refused(transaction); refused && transaction.why == "declined")
        why = fmt::format("{} was refused{}", money_for_people(refused->amount),
                          in_brackets(refusal_text(*refused->refused)));
    std::string text =
        fmt::format("The purchase failed{}: {}.",
                    transaction.verdict_at ? " at " + clock(*transaction.verdict_at, now) : "", why);
    if (!settled(transaction)) return text + " Not all of its money is settled yet.";
    std::vector<Money> back;
    for (const auto& leg : transaction.legs)
        if (leg.back_minor > 0) back.push_back(back_money(leg));
    if (back.empty()) return text + " No money was taken.";
    return text + fmt::format(" The {} that had been taken was given back.", sums(back));
}

std::string summary_of(const Transaction& transaction, Instant now, const Terms& terms) {
    const auto total = total_of(transaction);
    const auto decided_at =
        transaction.verdict_at ? " at " + clock(*transaction.verdict_at, now) : std::string{};
    switch (transaction.phase) {
        case Phase::reserved:
            if (transaction.held_until <= now)
                return fmt::format("The reservation of {} ran out at {}, and nothing was paid.", total,
                                   clock(transaction.held_until, now));
            return fmt::format(
                "Reserved until {}; nothing of the {} was paid, and the purchase was not asked for yet.",
                until_when(transaction.held_until, now), total);
        case Phase::authorising:
            return authorising_summary(transaction, now, terms);
        case Phase::confirming:
            return fmt::format(
                "The {} is safe, and the booking system must confirm that the seats are bought.", total);
        case Phase::capturing:
            if (needs_person(transaction))
                return fmt::format("The purchase is decided, but a person must look at a part of the {}.",
                                   total);
            if (any_doing(transaction, Doing::doubt))
                return fmt::format(
                    "The purchase is decided, but it is not known yet whether all of the {} was taken.",
                    total);
            return fmt::format("The purchase is decided, and the {} is being taken.", total);
        case Phase::purchased:
            return purchased_summary(transaction, now);
        case Phase::failed:
            return failed_summary(transaction, now);
        case Phase::released:
            return transaction.why == "hold"
                       ? fmt::format("The reservation ran out{} without a purchase; nothing was paid.",
                                     decided_at)
                       : fmt::format("The reservation was given back{}; nothing was paid.", decided_at);
        case Phase::cancelled:
            return "The purchase was cancelled, and all of its money was given back.";
    }
    return "";
}

std::vector<std::string> waits_of(const Transaction& transaction, const Terms& terms) {
    std::vector<std::string> waits;
    switch (transaction.phase) {
        case Phase::reserved:
            waits.emplace_back("the booking system, to ask for the purchase");
            break;
        case Phase::confirming:
            waits.emplace_back("the booking system, to confirm that the seats are bought");
            break;
        case Phase::authorising:
            if (waits_for_another_way(transaction))
                waits.push_back("another way of paying for " +
                                names_of(transaction, unpaid_sources(transaction)));
            if (const Leg* leg = waits_for_browser(transaction, terms.flows))
                waits.push_back((lacks_credential(*leg, terms.flows.facts(*leg))
                                     ? "the customer, who is to be asked for a card for "
                                     : "the customer's browser, which is to be sent to pay for ") +
                                names_of(transaction, leg->sources));
            break;
        case Phase::capturing:
        case Phase::purchased:
        case Phase::failed:
        case Phase::released:
        case Phase::cancelled:
            break;
    }
    for (const auto& leg : transaction.legs) {
        if (!leg.stuck.empty()) {
            waits.push_back(fmt::format("a person who finds out what became of leg {}", leg.no));
            continue;
        }
        switch (leg.doing) {
            case Doing::call:
                waits.push_back("an answer of " + leg.merchant);
                break;
            case Doing::away:
                waits.push_back(leg.callout && leg.callout->goes_on
                                    ? "the customer's browser, which is at a page of ours"
                                : asked_for_card(leg, terms) ? "the customer, who is to give a card"
                                : leg.callout                ? "the customer, who is at " + leg.callout->host
                                                             : "the customer");
                break;
            case Doing::doubt:
                waits.push_back(fmt::format("news from {} on whether {}", leg.merchant, whether(leg.verb)));
                break;
            case Doing::rest:
                if (next_try_at(leg)) waits.push_back("the next try with " + leg.merchant);
                break;
        }
    }
    return waits;
}

/// What the clock does to a leg in doubt, by the leg table.
std::string recheck_text(const Leg& leg, const Terms& terms, Instant at) {
    if (leg.verb == Verb::open && leg.goal == Goal::give_back && !leg.exposed)
        return fmt::format("Kassi lets leg {} rest: preparing a payment moves no money.", leg.no);
    const bool unwanted = leg.goal == Goal::give_back && takes_money(leg.verb);
    const bool key_lives = leg.call && leg.call->repeat == Repeat::same_key &&
                           (leg.call->key_until == Instant{} || at < leg.call->key_until);
    const bool look = leg.call && leg.call->look && terms.flows.facts(leg).can_query;
    if (key_lives && !unwanted && !look)
        return fmt::format("{} is sent the same request again, which it does at most once.", leg.merchant);
    if (terms.flows.facts(leg).can_query)
        return fmt::format("{} is asked what became of the payment.", leg.merchant);
    if (leg.call && leg.call->repeat == Repeat::safe && !unwanted)
        return fmt::format("{} is sent the same request again, which does no harm twice.", leg.merchant);
    return fmt::format("Kassi looks at leg {} again; it cannot ask {} and waits for news from there.", leg.no,
                       leg.merchant);
}

std::string lost_callout_text(const Leg& leg, const Terms& terms) {
    return terms.flows.facts(leg).can_query
               ? fmt::format("{} is asked what became of the payment", leg.merchant)
               : fmt::format("the payment counts as not made, because {} cannot be asked", leg.merchant);
}

struct Coming {
    Instant at;
    std::string what;
};

/// Everything that the clock will do, in the order in which Due does it.
std::vector<Coming> coming(const Transaction& transaction, const Terms& terms) {
    std::vector<Coming> list;
    const auto margin_end = transaction.held_until - terms.times.hold_margin;
    switch (transaction.phase) {
        case Phase::reserved:
            list.push_back({transaction.held_until, "The reservation runs out and the seats are released."});
            break;
        case Phase::confirming:
            if (transaction.confirm_by)
                list.push_back(
                    {*transaction.confirm_by,
                     "Without a confirmation by then the purchase fails and the money goes back."});
            list.push_back(
                {margin_end, "The reservation runs out: the purchase fails and the money goes back."});
            break;
        case Phase::authorising:
            list.push_back({margin_end,
                            "Unless all is paid by then, the purchase fails because the reservation runs "
                            "out, and what was "
                            "taken goes back."});
            break;
        case Phase::capturing:
            if (transaction.policy.confirm == Confirm::none)
                list.push_back(
                    {transaction.held_until,
                     "Unless all is taken by then, the purchase fails because the reservation runs out, and "
                     "what was taken goes back."});
            break;
        case Phase::purchased:
        case Phase::failed:
        case Phase::released:
        case Phase::cancelled:
            break;
    }
    for (const auto& leg : transaction.legs) {
        switch (leg.doing) {
            case Doing::rest:
                if (const auto at = next_try_at(leg))
                    list.push_back({*at, fmt::format("{} is asked again.", leg.merchant)});
                break;
            case Doing::call:
                if (leg.call)
                    list.push_back(
                        {leg.call->silent_at,
                         fmt::format("Unless {} answers first, its silence counts as doubt, and Kassi finds "
                                     "out what happened.",
                                     leg.merchant)});
                break;
            case Doing::away:
                if (!leg.callout) break;
                if (leg.callout->grace_until)
                    list.push_back({*leg.callout->grace_until, lost_callout_text(leg, terms) + "."});
                else if (transaction.via == ReturnVia::caller)
                    list.push_back(
                        {leg.callout->until,
                         fmt::format("Unless the customer is back by then, the return address is visited; if "
                                     "that brings nothing, {}.",
                                     lost_callout_text(leg, terms))});
                else
                    list.push_back(
                        {leg.callout->until, fmt::format("Unless the customer is back by then, {}.",
                                                         lost_callout_text(leg, terms))});
                break;
            case Doing::doubt:
                if (leg.recheck_at)
                    list.push_back({*leg.recheck_at, recheck_text(leg, terms, *leg.recheck_at)});
                break;
        }
    }
    return list;
}

std::string person_text(const Transaction& transaction) {
    std::string text;
    for (const auto& leg : transaction.legs) {
        if (leg.stuck.empty() && leg.doing != Doing::doubt) continue;
        if (!text.empty()) text += ' ';
        std::vector<std::string> references;
        for (const auto& [kind, reference] : leg.references) references.push_back(kind + " " + reference);
        if (!needs_person(leg)) text += "Nobody has to do anything yet, but whoever knows can say so. ";
        text += fmt::format(
            "Look up at {} what became of {}{}, then say where the money is: kassi settle {} --leg {} "
            "--money "
            "none|held|taken|back --by YOUR-NAME --because \"HOW YOU KNOW\".",
            leg.merchant, money_for_people(leg.amount), in_brackets(listed(references)),
            transaction.reference, leg.no);
    }
    return text;
}

}  // namespace

Explanation explain(const Transaction& transaction, Instant now, const Terms& terms) {
    Explanation explanation;
    explanation.summary = summary_of(transaction, now, terms);
    for (const auto& leg : transaction.legs)
        explanation.because.push_back(leg_sentence(transaction, leg, now, terms));
    explanation.waits_for = waits_of(transaction, terms);
    explanation.next_at = due_at(transaction, terms);
    if (explanation.next_at) {
        const auto list = coming(transaction, terms);
        const auto first = std::ranges::find(list, *explanation.next_at, &Coming::at);
        explanation.next = first == list.end() ? "Kassi looks at it again." : capital(first->what);
    } else {
        explanation.next = needs_person(transaction) ? "Nothing happens by itself before a person has looked."
                                                     : "Nothing more happens by itself.";
    }
    explanation.needs_person = needs_person(transaction);
    explanation.person_should = person_text(transaction);
    return explanation;
}

// ---- the journal
// -------------------------------------------------------------------------------------------

namespace {

/// One overload an event. Keys, digests and values of returned fields stay where they are.
struct Telling {
    const Transaction& after;

    [[nodiscard]] std::string merchant(std::int64_t no) const {
        const Leg* leg = find_leg(after, no);
        return leg ? leg->merchant : fmt::format("the provider of leg {}", no);
    }
    [[nodiscard]] std::string amount(std::int64_t no) const {
        const Leg* leg = find_leg(after, no);
        return leg ? money_for_people(leg->amount) : fmt::format("the amount of leg {}", no);
    }
    [[nodiscard]] std::string things(std::int64_t no) const {
        const Leg* leg = find_leg(after, no);
        return leg ? names_of(after, leg->sources) : fmt::format("leg {}", no);
    }

    std::string operator()(const HandedOver& e) const {
        std::vector<std::string> names;
        std::vector<Money> amounts;
        for (const auto& bundle : e.bundles) {
            names.push_back(bundle.description.empty() ? bundle.source : bundle.description);
            amounts.push_back(bundle.amount);
        }
        return fmt::format("The booking system {} handed over {} for {}, to be paid: {}, reserved until {}.",
                           e.system, listed(names), e.caller, sums(amounts),
                           instant_for_people(e.held_until));
    }
    std::string operator()(const PurchaseAsked& e) const {
        std::string text = "The purchase was asked for";
        if (!e.customer_at_hand) return text + ", without a browser at hand.";
        if (e.return_host.empty()) return text + ", with a customer who comes back to Kassi.";
        return text + fmt::format(", with a customer who comes back to {}{}.", e.return_host,
                                  e.via == ReturnVia::kassi ? " through Kassi" : "");
    }
    std::string operator()(const HoldMoved& e) const {
        return fmt::format("The reservation was prolonged until {}.", instant_for_people(e.held_until));
    }
    std::string operator()(const LegOpened& e) const {
        return fmt::format("Leg {} was opened, to pay {} for {} through {}{}.", e.leg,
                           money_for_people(e.amount), names_of(after, e.sources), e.merchant,
                           e.credential.empty() ? "" : ", with a " + reason(e.credential));
    }
    std::string operator()(const GoalSet& e) const {
        switch (e.goal) {
            case Goal::take:
                return fmt::format("The {} of leg {} was wanted{}.", amount(e.leg), e.leg, because(e.why));
            case Goal::give_back:
                return fmt::format("The {} of leg {} was no longer wanted{}.", amount(e.leg), e.leg,
                                   because(e.why));
        }
        return "";
    }
    std::string operator()(const CallMeant& e) const {
        return fmt::format("{} was asked{} to {} ({}, call {}.{}).", capital(merchant(e.leg)),
                           e.again ? " once more, with the same request," : "", to_do(e.verb), e.step, e.leg,
                           e.call);
    }
    std::string operator()(const CallEnded& e) const {
        const auto who = capital(merchant(e.leg));
        const auto call = fmt::format("call {}.{}", e.leg, e.call);
        switch (e.outcome) {
            case CallOutcome::done:
                return fmt::format("{} did what {} asked{}.", who, call, because_of(e.evidence));
            case CallOutcome::next:
                return fmt::format("{} answered {}, and was asked on.", who, call);
            case CallOutcome::declined:
                return fmt::format("{} said no to {}{}.", who, call, in_brackets(e.evidence));
            case CallOutcome::waiting:
                return fmt::format("{} answered {}{}.", who, call, because_of(e.evidence));
            case CallOutcome::working:
                return fmt::format("{} was still working on {}{}.", who, call, in_brackets(e.evidence));
            case CallOutcome::not_done:
                return fmt::format(
                    "What {} asked of {} was not done{}{}.", call, merchant(e.leg), in_brackets(e.evidence),
                    e.retry_at ? ", and was put off until " + instant_for_people(*e.retry_at) : "");
            case CallOutcome::superseded:
                return fmt::format("The answer to {} was no longer needed{}.", call, because_of(e.evidence));
        }
        return "";
    }
    std::string operator()(const CallDoubted& e) const {
        const Leg* leg = find_leg(after, e.leg);
        return fmt::format("Nobody knew whether {} for leg {}{}; it was to be looked at again at {}.",
                           whether(leg ? leg->verb : Verb::query), e.leg, in_brackets(e.why),
                           instant_for_people(e.recheck_at));
    }
    std::string operator()(const Ready& e) const {
        return fmt::format("All was prepared for the {} of leg {}.", amount(e.leg), e.leg);
    }
    std::string operator()(const CustomerSent& e) const {
        if (e.goes_on)
            return fmt::format(
                "The customer was sent to a page of ours on the way to pay {} for {}, with time until {}.",
                amount(e.leg), things(e.leg), instant_for_people(e.until));
        if (e.hosted)
            return fmt::format("The customer was asked for a card to pay {} for {}, with time until {}.",
                               amount(e.leg), things(e.leg), instant_for_people(e.until));
        return fmt::format("The customer was sent to {} to pay {} for {}, with time until {}.", e.host,
                           amount(e.leg), things(e.leg), instant_for_people(e.until));
    }
    std::string operator()(const CustomerBack& e) const {
        return fmt::format("The customer came back about {}{}.", things(e.leg), brought(e.fields));
    }
    std::string operator()(const CustomerWentOn& e) const {
        return fmt::format("The customer went on from our page to pay for {}{}.", things(e.leg),
                           brought(e.fields));
    }
    std::string operator()(const VisitMeant& e) const {
        return fmt::format(
            "The customer did not come back, so the return address at {} was to be visited, with {} as the "
            "end of the waiting.",
            e.host.empty() ? "the caller's" : e.host, instant_for_people(e.grace_until));
    }
    std::string operator()(const VisitDone& e) const {
        return fmt::format("The return address of leg {} was visited: {}.", e.leg, unstopped(e.outcome));
    }
    std::string operator()(const CalloutClosed& e) const {
        return fmt::format("The customer's way to pay for {} was closed{}.", things(e.leg),
                           in_brackets(e.why));
    }
    std::string operator()(const Held& e) const {
        return fmt::format("{} reserved {} for {}.", capital(merchant(e.leg)), money_for_people(e.amount),
                           things(e.leg));
    }
    std::string operator()(const HoldGone& e) const {
        return fmt::format("The {} reserved at {} was let go{}.", money_for_people(e.amount), merchant(e.leg),
                           in_brackets(e.why));
    }
    std::string operator()(const Taken& e) const {
        return fmt::format("{} took {} for {}.", capital(merchant(e.leg)), money_for_people(e.amount),
                           things(e.leg));
    }
    std::string operator()(const GivenBack& e) const {
        return fmt::format(
            "{} gave back {}{}.", capital(merchant(e.leg)), money_for_people(e.amount),
            e.refund > 0 ? fmt::format(" (refund {}.{})", e.leg, e.refund) : ", without a refund of ours");
    }
    std::string operator()(const Refused& e) const {
        return fmt::format("The payment of {} through {} was refused{}.", amount(e.leg), merchant(e.leg),
                           in_brackets(refusal_text(e.why)));
    }
    std::string operator()(const Stuck& e) const {
        return fmt::format("Leg {} came to a point where a person was needed{}.", e.leg, because_of(e.why));
    }
    std::string operator()(const RefundAsked& e) const {
        return fmt::format("{} asked for a refund of {} of leg {}{}{}.",
                           e.by.empty() ? "Kassi" : capital(e.by), money_for_people(e.amount), e.leg,
                           cancelled_items(e.items), in_brackets(reason(e.because)));
    }
    std::string operator()(const RefundEnded& e) const {
        return fmt::format("Refund {}.{} {}{}.", e.leg, e.refund, e.failed ? "failed" : "was done",
                           in_brackets(e.why));
    }
    std::string operator()(const PersonSettled& e) const {
        return fmt::format("{} said that {}{}.", capital(e.by), fact_text(e), in_brackets(e.because));
    }
    std::string operator()(const ConfirmAsked& e) const {
        return fmt::format("The booking system was asked to confirm by {} that the seats are bought.",
                           instant_for_people(e.until));
    }
    std::string operator()(const Confirmed& e) const {
        if (!e.yes) return "The booking system refused to buy the seats.";
        std::vector<std::string> references;
        for (const auto& [source, reference] : e.references)
            references.push_back(fmt::format("{} for {}", reference, name_of(after, source)));
        return fmt::format("The booking system confirmed that the seats are bought{}.",
                           in_brackets(listed(references)));
    }
    std::string operator()(const Decided& e) const {
        switch (e.verdict) {
            case Verdict::buy:
                return fmt::format("It was decided to buy{}.", in_brackets(reason(e.why)));
            case Verdict::no:
                return fmt::format("The purchase failed{}.", because_of(reason(e.why)));
            case Verdict::released:
                if (e.why == "restored")
                    return fmt::format("The reservation was ended{}.", because_of(reason(e.why)));
                return e.why == "hold" ? "The reservation ran out, and the seats were released."
                                       : "The reservation was given back, and the seats were released.";
            case Verdict::purchased:
                return e.why.empty()
                           ? "The purchase was complete."
                           : fmt::format("The purchase was complete in part{}.", because_of(reason(e.why)));
            case Verdict::cancelled:
                return fmt::format("The purchase was cancelled{}.", because_of(reason(e.why)));
        }
        return "";
    }
    std::string operator()(const Noted& e) const {
        if (!e.dispute && e.leg > 0 && !e.references.empty()) {
            std::vector<std::string> names;
            for (const auto& [kind, reference] : e.references) names.push_back(kind + " " + reference);
            return fmt::format("{} told its names for the payment of leg {}: {}.", capital(merchant(e.leg)),
                               e.leg, listed(names));
        }
        return fmt::format("{}{} was noted: {}{}.",
                           e.dispute ? "A dispute"
                           : e.look  ? "Something that the provider is asked about"
                                     : "Something that changed nothing",
                           e.leg > 0 ? fmt::format(" about leg {}", e.leg) : "", unstopped(e.what),
                           brought(e.fields));
    }
    std::string operator()(const Forgotten& e) const {
        return fmt::format("{} had customer and document forgotten{}.", capital(e.by),
                           in_brackets(e.because));
    }
    std::string operator()(const PutBack& e) const {
        std::vector<std::string> numbers;
        for (const auto no : e.legs) numbers.push_back(std::to_string(no));
        return fmt::format(
            "The record was put back to a copy made at {}: what happened since is not known{}.",
            instant_for_people(e.copied_at),
            numbers.empty() ? ""
                            : fmt::format(", and is asked for where there are others who know (leg{} {})",
                                          numbers.size() == 1 ? "" : "s", listed(numbers)));
    }

  private:
    static std::string because(std::string_view why) {
        return why.empty() ? std::string{} : fmt::format(", because {}", reason(why));
    }
    static std::string brought(const std::vector<EvidenceField>& fields) {
        std::vector<std::string> names;
        for (const auto& field : fields) names.push_back(field.name);
        return names.empty() ? std::string{} : fmt::format(", with {}", listed(names));
    }
    static std::string cancelled_items(const std::vector<std::int64_t>& items) {
        std::vector<std::string> numbers;
        for (const auto item : items) numbers.push_back(std::to_string(item));
        return items.empty() ? std::string{}
                             : fmt::format(" for item{} {}", items.size() == 1 ? "" : "s", listed(numbers));
    }
    [[nodiscard]] std::string fact_text(const PersonSettled& e) const {
        const auto money = amount(e.leg);
        switch (e.fact) {
            case LegMoney::none:
                return fmt::format("nothing of the {} of leg {} was taken", money, e.leg);
            case LegMoney::held:
                return fmt::format("the {} of leg {} is reserved", money, e.leg);
            case LegMoney::taken:
                return fmt::format("the {} of leg {} was taken", money, e.leg);
            case LegMoney::back:
                return fmt::format("the {} of leg {} was given back", money, e.leg);
        }
        return "";
    }
};

}  // namespace

std::string sentence(const Event& event, const Transaction& after) {
    return std::visit(Telling{after}, event);
}

}  // namespace kassi::core
