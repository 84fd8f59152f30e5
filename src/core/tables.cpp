#include "core/tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/deciding.hpp"

namespace kassi::core {

std::string_view word(LegOn on) {
    switch (on) {
        case LegOn::asks:
            return "asks";
        case LegOn::done:
            return "done";
        case LegOn::waiting:
            return "waiting";
        case LegOn::working:
            return "working";
        case LegOn::declined:
            return "declined";
        case LegOn::not_done:
            return "not done";
        case LegOn::unknown:
            return "unknown";
        case LegOn::silence:
            return "silence";
        case LegOn::returned:
            return "return";
        case LegOn::went_on:
            return "goes on";
        case LegOn::callout_over:
            return "callout over";
        case LegOn::grace_over:
            return "grace over";
        case LegOn::unwanted:
            return "unwanted";
        case LegOn::recheck:
            return "recheck";
        case LegOn::settled:
            return "person settles";
        case LegOn::more_money:
            return "evidence of money";
        case LegOn::more_back:
            return "evidence of money given back";
        case LegOn::back_again:
            return "evidence of a refund that failed";
        case LegOn::hint:
            return "hint";
        case LegOn::nothing_new:
            return "nothing new";
    }
    return "";
}

std::string_view word(On on) {
    switch (on) {
        case On::purchase:
            return "purchase";
        case On::again:
            return "purchase again";
        case On::all_covered:
            return "all covered";
        case On::refused:
            return "a leg refused";
        case On::none_left:
            return "no leg left";
        case On::hold_over:
            return "hold over";
        case On::released:
            return "released";
        case On::confirm_yes:
            return "owner confirms";
        case On::confirm_no:
            return "owner refuses";
        case On::all_taken:
            return "all taken";
        case On::cancel:
            return "cancel or refund";
        case On::all_back:
            return "everything back";
    }
    return "";
}

namespace {

// ---- guards ---------------------------------------------------------------------------------------------
template <class S>
const S& step_as(const Deciding& d) {
    return std::get<S>(*d.step);
}

/// "Amount, currency and reference in every answer are compared with what was asked."
bool amount_differs(const Deciding& d) {
    const auto& done = step_as<Done>(d);
    // What a person found to be right is asked for from then on.
    const Money asked{d.leg().money == LegMoney::none ? d.leg().amount.minor : d.leg().taken_minor,
                      d.leg().amount.currency};
    return done.amount && done.money != LegMoney::none && *done.amount != asked;
}
/// A success that says less than what its verb is for.
bool too_little(const Deciding& d) {
    return step_as<Done>(d).money < (d.verb == Verb::authorise ? LegMoney::held : LegMoney::taken);
}
bool opens_anew(const Deciding& d) {
    return step_as<Done>(d).again;
}
bool says_money(const Deciding& d) {
    return step_as<Done>(d).money != LegMoney::none;
}
bool fact_none_exposed(const Deciding& d) {
    return step_as<Done>(d).money == LegMoney::none && d.leg().money == LegMoney::none && d.facts().can_close;
}
bool close_refused(const Deciding& d) {
    return fact_none_exposed(d) && d.leg().exposed && d.leg().not_done > 0 && d.leg().doing != Doing::rest;
}
bool fact_none(const Deciding& d) {
    return step_as<Done>(d).money == LegMoney::none;
}
bool hold_too_short(const Deciding& d) {
    return d.leg().goal == Goal::give_back || d.callout_until(d.leg()) - d.now < d.terms.times.callout_min;
}
bool no_way_back(const Deciding& d) {
    return !d.papers.journey || d.token_back().empty();
}
bool refused_void_before(const Deciding& d) {
    return d.leg().not_done >= 1;
}
bool tried_enough(const Deciding& d) {
    return d.leg().goal == Goal::give_back || d.leg().not_done + 1 >= not_done_tries_max;
}
bool token_taken(const Deciding& d) {
    return d.input.token_taken;
}
bool volatile_input(const Deciding& d) {
    return d.leg().call && d.leg().call->needs_volatile;
}
bool says_nothing(const Deciding& d) {
    return std::holds_alternative<Unknown>(*d.step) || std::holds_alternative<NotDone>(*d.step);
}
bool sent_before(const Deciding& d) {
    return d.leg().call && d.leg().call->again;
}
bool can_query(const Deciding& d) {
    return d.facts().can_query;
}
bool can_close(const Deciding& d) {
    return d.facts().can_close;
}
bool visit_possible(const Deciding& d) {
    return d.tx.via == ReturnVia::caller && d.parcel().callout && d.papers.journey &&
           !d.papers.journey->url_before.empty() && !d.leg().callout->grace_until;
}
/// By totals: the refund that is open is in what went back.
bool settles_open_refund(const Deciding& d) {
    const Leg& leg = d.leg();
    const Refund* open = d.open_refund();
    return leg.money == LegMoney::taken && open != nullptr && d.fact_amount &&
           d.fact_amount->currency == leg.amount.currency &&
           d.fact_amount->minor == leg.back_minor + open->amount.minor;
}
bool gave_back_unasked(const Deciding& d) {
    const Leg& leg = d.leg();
    return leg.money == LegMoney::taken && d.open_refund() == nullptr && d.fact_amount &&
           d.fact_amount->currency == leg.amount.currency && d.fact_amount->minor > leg.back_minor &&
           d.fact_amount->minor <= leg.taken_minor;
}
bool gave_back(const Deciding& d) {
    return d.leg().back_minor > 0;
}
bool unwanted_unopened(const Deciding& d) {
    return d.leg().goal == Goal::give_back && !d.leg().exposed;
}
bool may_repeat(const Deciding& d) {
    const auto& call = d.leg().call;
    if (!call || d.parcel().request.method.empty()) return false;
    if (call->look && d.facts().can_query) return false;
    // Nobody wants this money any more: look, never take.
    if (takes_money(call->verb) && d.leg().goal == Goal::give_back) return false;
    if (call->repeat == Repeat::same_key) return d.now < call->key_until || call->key_until == Instant{};
    // Who can be asked is asked anew, by what is known now: what was heard meanwhile may name a better
    // question.
    return call->repeat == Repeat::safe && !d.facts().can_query;
}

// ---- acts of the leg table ------------------------------------------------------------------------------
void act_ask(Deciding& d) {
    const auto& ask = step_as<Ask>(d);
    if (d.leg().doing == Doing::away)
        d.close_callout("asked");
    else if (d.leg().doing == Doing::call)
        d.end_call(CallOutcome::next, "", ask.references);
    d.send_call(ask, false);
}
void act_ready(Deciding& d) {
    const auto& done = step_as<Done>(d);
    d.end_call(CallOutcome::done, done.evidence, done.references);
    if (!done.saved.empty()) d.papers.parcels[d.leg_no].saved = done.saved;
    d.emit(Ready{d.leg_no});
}
void act_exchanged(Deciding& d) {
    const auto& done = step_as<Done>(d);
    for (const auto& [kind, reference] : done.references)
        d.out.references.push_back({d.leg_no, d.leg().merchant, reference});
    d.emit(CallEnded{d.leg_no, d.leg().calls, CallOutcome::done, done.evidence, done.references, std::nullopt,
                     done.credential.kind});
    d.papers.parcels[d.leg_no].credential = done.credential;
}
void act_money(Deciding& d) {
    const auto& done = step_as<Done>(d);
    d.end_call(CallOutcome::done, done.evidence, done.references);
    d.money_event(done.money, done.amount.value_or(d.leg().amount));
}
void act_mismatch(Deciding& d) {
    const auto& done = step_as<Done>(d);
    const Money asked = d.leg().amount;
    d.end_call(CallOutcome::done, done.evidence, done.references);
    // What moved is recorded as it moved; a person decides what becomes of it.
    if (done.amount->currency == asked.currency && done.money > d.leg().money)
        d.money_event(done.money, *done.amount);
    d.emit(Stuck{d.leg_no, fmt::format("the provider speaks of {} where {} was asked",
                                       money_for_people(*done.amount), money_for_people(asked))});
}
void act_does_not_fit(Deciding& d) {
    // Nothing is held or taken yet: the provider says what there is. Else it is asked again, slower and
    // slower.
    if (d.leg().doing == Doing::rest || d.leg().money != LegMoney::none || !d.facts().can_query)
        return d.does_not_fit();
    const auto& done = step_as<Done>(d);
    d.end_call(CallOutcome::done, done.evidence, done.references);
    d.begin(d.leg_no, Verb::query);
}
void act_hold_gone(Deciding& d) {
    const auto& done = step_as<Done>(d);
    d.end_call(CallOutcome::done, done.evidence, done.references);
    if (d.leg().money == LegMoney::held)
        d.emit(HoldGone{d.leg_no, {d.leg().taken_minor, d.leg().amount.currency}, "voided"});
}
void act_refunded(Deciding& d) {
    const auto& done = step_as<Done>(d);
    const Refund* refund = d.open_refund();
    KASSI_ENSURE(refund != nullptr);
    const Money asked = refund->amount;
    const Money said = done.amount.value_or(asked);
    const auto no = refund->no;
    d.end_call(CallOutcome::done, done.evidence, done.references);
    // As it moved, and never more than there was.
    const std::int64_t left = d.leg().taken_minor - d.leg().back_minor;
    if (said.currency == asked.currency && said.minor > 0)
        d.emit(GivenBack{d.leg_no, {std::min(said.minor, left), said.currency}, no});
    if (said != asked)
        d.emit(Stuck{d.leg_no, fmt::format("the provider gave back {} where {} was asked",
                                           money_for_people(said), money_for_people(asked))});
}
/// A close was refused, and a look finds nothing paid: closed again later, more and more slowly.
void act_nothing_there_yet(Deciding& d) {
    const Done done = step_as<Done>(d);
    if (d.leg().goal == Goal::take)
        d.refuse(done.why.value_or(Refusal{"not_paid", "The provider knows of no payment."}));
    d.end_call(CallOutcome::done, "nothing there", done.references,
               d.now + recheck_pause(d.leg().not_done - 1));
}
void act_nothing_there(Deciding& d) {
    const Done done = step_as<Done>(d);
    d.end_call(CallOutcome::done, "nothing there", done.references);
    if (done.why && d.leg().goal == Goal::take) d.refuse(*done.why);
    d.begin(d.leg_no, Verb::close);
}
void act_fact_none(Deciding& d) {
    const auto& done = step_as<Done>(d);
    d.end_call(CallOutcome::done, "nothing there", done.references);
    const Leg& leg = d.leg();
    switch (leg.money) {
        case LegMoney::held:
            d.emit(HoldGone{
                d.leg_no, {leg.taken_minor, leg.amount.currency}, "the provider no longer knows the hold"});
            if (d.leg().goal == Goal::take)
                d.refuse({"hold_gone", "The held amount is no longer available."});
            break;
        case LegMoney::none:
            if (leg.goal == Goal::take)
                d.refuse(done.why.value_or(Refusal{"not_paid", "The provider knows of no payment."}));
            break;
        case LegMoney::taken:
        case LegMoney::back:
            // Believed money never goes away by itself: somebody must look.
            d.emit(Stuck{d.leg_no, "the provider knows of no payment where one was recorded"});
            break;
    }
}
/// Of the refund that is open, `fresh` being what went back and was not known. Gives what of it others gave
/// back.
std::int64_t find_open_refund(Deciding& d, const Done& done, const Refund& open, std::int64_t fresh) {
    const Money amount = open.amount;
    const auto no = open.no;
    if (done.refund_found.value_or(fresh == amount.minor)) {
        d.emit(GivenBack{d.leg_no, amount, no});
        return fresh - amount.minor;
    }
    if (done.refund_found || fresh < 0) return fresh;
    // Somebody else gave back, too: whether ours is in it cannot be told.
    if (fresh > amount.minor)
        d.emit(Stuck{
            d.leg_no,
            fmt::format("the provider gave back {} where {} was asked", money_for_people(*done.given_back),
                        money_for_people({d.leg().back_minor + amount.minor, amount.currency}))});
    return 0;
}
/// What others left is less than what is asked for: it can never be given back.
void end_refund_too_large(Deciding& d) {
    const Refund* open = d.open_refund();
    const Money left{d.leg().taken_minor - d.leg().back_minor, d.leg().amount.currency};
    if (open == nullptr || open->amount.minor <= left.minor) return;
    const auto why = fmt::format("of the payment only {} are left, and {} were to be given back",
                                 money_for_people(left), money_for_people(open->amount));
    d.emit(RefundEnded{d.leg_no, open->no, left.minor > 0, why});
    // Who wants nothing of it asks for the rest.
    if (left.minor > 0 && d.leg().goal == Goal::take) d.emit(Stuck{d.leg_no, why});
}
void count_given_back(Deciding& d, const Done& done) {
    const Leg& leg = d.leg();
    if (leg.money < LegMoney::taken || !done.given_back || done.given_back->currency != leg.amount.currency)
        return;
    std::int64_t fresh = done.given_back->minor - leg.back_minor;
    const Refund* open = d.open_refund();
    if (open != nullptr && !done.why) fresh = find_open_refund(d, done, *open, fresh);
    if (fresh > 0) d.emit(GivenBack{d.leg_no, {fresh, leg.amount.currency}, 0});
    if (fresh < 0)
        d.emit(Stuck{d.leg_no, fmt::format("of the money given back {} did not arrive",
                                           money_for_people({-fresh, leg.amount.currency}))});
}
void act_refund_facts(Deciding& d, const Done& done) {
    count_given_back(d, done);
    end_refund_too_large(d);
    const Refund* open = d.open_refund();
    if (open == nullptr || !done.why) return;
    d.emit(RefundEnded{d.leg_no, open->no, true, done.why->text});
    d.emit(Stuck{d.leg_no, fmt::format("the provider declined the refund: {}", done.why->text)});
}
void act_fact(Deciding& d) {
    // A refund that a look did not find goes out again later: its answer may be stored, and the same.
    static constexpr Millis not_found_pause{900'000};
    const auto& done = step_as<Done>(d);
    const bool missing = d.open_refund() != nullptr && done.refund_found == false;
    d.end_call(CallOutcome::done, done.evidence, done.references,
               missing ? std::optional(d.now + not_found_pause) : std::nullopt);
    d.fact = done.money;
    d.fact_amount = done.amount;
    if (d.fact > d.leg().money) d.money_event(done.money, d.fact_money());
    act_refund_facts(d, done);
}
void act_closed(Deciding& d) {
    const auto& done = step_as<Done>(d);
    d.end_call(CallOutcome::done, done.evidence, done.references);
    // Where nobody had to be asked, no call ends: it would be closed again and again.
    if (d.leg().exposed && d.leg().callout)
        d.emit(
            CalloutClosed{d.leg_no, d.leg().callout->no, "nothing is left there that could be paid", true});
    if (d.leg().goal == Goal::take)
        d.refuse(done.why.value_or(Refusal{"not_paid", "The customer did not pay in time."}));
}
void act_send(Deciding& d) {
    auto waiting = step_as<Waiting>(d);
    const Leg& leg = d.leg();
    d.end_call(CallOutcome::waiting, "the customer must go there", waiting.references);
    KASSI_ENSURE(d.papers.journey);
    Journey& journey = *d.papers.journey;
    // Who went on from a page of ours is still on the same way: its tokens are live.
    const bool same = went_on(leg) && d.parcel().callout;
    const std::int64_t no = same ? leg.callout->no : leg.callout ? leg.callout->no + 1 : 1;
    if (same) {
        const Callout& before = *d.parcel().callout;
        waiting.callout.return_token = before.return_token;
        waiting.callout.page_token = before.page_token;
    } else {
        waiting.callout.return_token = std::exchange(journey.token, {});
        waiting.callout.page_token = d.input.fresh_page_token;
    }
    if (waiting.callout.goes_on)
        journey.way_back = journey.url_before + waiting.callout.return_token + journey.url_after;
    if (waiting.callout.hosted)
        waiting.callout.destination =
            std::string(d.terms.public_url).append("/callout/").append(waiting.callout.page_token);
    const auto url = parse_url(waiting.callout.destination, "destination");
    const Instant until = d.callout_until(leg);
    if (!same) {
        d.out.tokens_live.push_back(
            {waiting.callout.return_token, d.leg_no, no, false, journey.via == ReturnVia::kassi});
        d.out.tokens_live.push_back({waiting.callout.page_token, d.leg_no, no, true, true});
    }
    Parcel& parcel = d.papers.parcels[d.leg_no];
    parcel.saved = waiting.saved;
    parcel.request = {};
    parcel.step.clear();
    parcel.callout = std::move(waiting.callout);
    d.emit(CustomerSent{d.leg_no, no, d.verb, parcel.callout->type, url ? url->origin() : std::string{},
                        until, parcel.callout->hosted, parcel.callout->goes_on});
}
/// The customer is not sent after all. The session is open at the provider: nothing is taken as not paid
/// before it was closed.
void do_not_send(Deciding& d, std::string_view evidence, Refusal refusal) {
    d.end_call(CallOutcome::waiting, evidence, step_as<Waiting>(d).references);
    if (d.leg().goal == Goal::take) d.refuse(std::move(refusal));
    if (!d.facts().can_close) return;
    d.papers.parcels[d.leg_no].saved = step_as<Waiting>(d).saved;
    d.begin(d.leg_no, Verb::close);
}
void act_too_late_to_send(Deciding& d) {
    do_not_send(d, "too late to send the customer",
                {"hold_over", "There was no time left to send the customer to pay."});
}
void act_no_way_back(Deciding& d) {
    do_not_send(
        d, "no way back for the customer",
        {"no_return_url", "The customer must be sent away to pay, and no return details were given."});
}
void act_token_in_use(Deciding& d) {
    do_not_send(d, "the return token is in use",
                {"token_in_use", "The return token is in use for another callout that is still open."});
}
void act_working(Deciding& d) {
    const auto pause = recheck_pause(d.leg().rechecks);
    d.doubt(std::holds_alternative<Working>(*d.step) ? std::get<Working>(*d.step).why
                                                     : "the provider still works on it",
            d.now + pause);
}
void act_declined(Deciding& d) {
    const auto& declined = step_as<Declined>(d);
    d.end_call(CallOutcome::declined, declined.why.code, declined.references);
    d.refuse(declined.why);
    // Somebody said meanwhile that it was paid: the refusal may be the older news.
    if (find_field(d.leg().references, hinted_kind) != nullptr && d.facts().can_query)
        d.emit(Noted{.leg = d.leg_no, .what = "refused, and hinted at as paid", .fields = {}, .look = true});
}
void act_capture_declined(Deciding& d) {
    const auto& declined = step_as<Declined>(d);
    d.end_call(CallOutcome::declined, declined.why.code, declined.references);
    d.emit(HoldGone{d.leg_no, {d.leg().taken_minor, d.leg().amount.currency}, "the capture was declined"});
    d.refuse(declined.why);
}
void act_look(Deciding& d) {
    d.end_call(CallOutcome::declined, step_as<Declined>(d).why.code, step_as<Declined>(d).references);
    d.begin(d.leg_no, Verb::query);
}
void act_stuck(Deciding& d) {
    const auto& declined = step_as<Declined>(d);
    const bool refund = d.verb == Verb::refund;
    d.end_call(CallOutcome::declined, declined.why.code, declined.references);
    if (refund) {
        if (const Refund* open = d.open_refund())
            d.emit(RefundEnded{d.leg_no, open->no, true, declined.why.text});
    }
    d.emit(Stuck{d.leg_no, fmt::format("the provider declined the {}: {}", word(d.verb), declined.why.text)});
}
void act_try_later(Deciding& d) {
    const auto& not_done = step_as<NotDone>(d);
    const auto pause = std::max(not_done.after, recheck_pause(d.leg().not_done));
    d.end_call(CallOutcome::not_done, not_done.why, {}, d.now + pause);
}
void act_give_up(Deciding& d) {
    const std::string reason = step_as<NotDone>(d).why;
    d.end_call(CallOutcome::not_done, reason);
    if (d.leg().exposed && d.facts().can_close) {
        d.begin(d.leg_no, Verb::close);
        return;
    }
    if (d.leg().goal == Goal::take)
        d.refuse({"provider_unavailable", "The provider could not be reached: " + reason});
}
void act_card_lost(Deciding& d) {
    d.end_call(CallOutcome::not_done, "what the customer gave us was in memory only and is gone");
    d.refuse({"card_lost", "The payment was interrupted before it began. Try again."});
}
void act_doubt(Deciding& d) {
    std::string reason = "no answer";
    if (d.step && std::holds_alternative<Unknown>(*d.step))
        reason = std::get<Unknown>(*d.step).why;
    else if (d.step && std::holds_alternative<NotDone>(*d.step))
        reason = std::get<NotDone>(*d.step).why;
    else if (d.step && std::holds_alternative<Declined>(*d.step))
        reason = std::get<Declined>(*d.step).why.text;
    else if (d.unattended)
        reason = "interrupted by a restart";
    d.doubt(reason, d.unattended ? d.now : d.now + recheck_pause(d.leg().rechecks));
}
void act_back(Deciding& d) {
    const Step taken = *d.step;
    const bool chain_goes_on = d.papers.journey && !d.papers.journey->token.empty();
    d.emit(CustomerBack{d.leg_no, d.leg().callout->no, std::move(d.fields),
                        chain_goes_on || d.tx.via == ReturnVia::kassi});
    d.take_step(taken);
}
/// The browser waits at our door, and the flow goes on with what the page found out.
void act_go_on(Deciding& d) {
    const Step taken = *d.step;
    d.emit(CustomerWentOn{d.leg_no, d.leg().callout->no, std::move(d.fields)});
    d.take_step(taken);
}
void act_no_proof(Deciding& d) {
    const std::string reason = std::holds_alternative<Unknown>(*d.step) ? std::get<Unknown>(*d.step).why
                                                                        : std::get<NotDone>(*d.step).why;
    d.emit(Noted{d.leg_no, "a return that proves nothing: " + reason, std::move(d.fields)});
}
void act_visit(Deciding& d) {
    const Leg& leg = d.leg();
    const Journey& journey = *d.papers.journey;
    const std::string url = journey.url_before + d.parcel().callout->return_token + journey.url_after;
    const auto parsed = parse_url(url, "return_url");
    d.out.effects.push_back(VisitEffect{d.leg_no, leg.callout->no, url});
    d.emit(VisitMeant{d.leg_no, leg.callout->no, parsed ? parsed->origin() : std::string{},
                      d.now + d.terms.times.grace});
}
void act_settle_by_asking(Deciding& d) {
    d.close_callout("nobody came back in time");
    d.begin(d.leg_no, Verb::query);
}
/// Only its return could have told: counted and listed with the others of that kind. Where the record is a
/// copy from before he may have returned since.
void assume_unpaid(Deciding& d) {
    const bool restored = d.leg().restored;
    d.refuse({"assumed_unpaid", "The customer did not come back, and the provider cannot be asked."});
    if (restored) d.emit(Stuck{d.leg_no, std::string(copy_is_old)});
}
void act_assume_unpaid(Deciding& d) {
    d.close_callout("nobody came back in time");
    assume_unpaid(d);
}
void act_close(Deciding& d) {
    d.close_callout("no longer wanted");
    d.begin(d.leg_no, Verb::close);
}
void act_close_silently(Deciding& d) {
    d.close_callout("no longer wanted");
    if (d.facts().settled_by_return) assume_unpaid(d);
}
void act_again(Deciding& d) {
    const Parcel& parcel = d.parcel();
    const Call& call = *d.leg().call;
    Ask ask{.name = call.step,
            .request = parcel.request,
            .repeat = call.repeat,
            .key = call.key,
            .reference = call.reference,
            .key_until = call.key_until,
            .saved = parcel.saved,
            .as = call.verb,
            .needs_volatile = false};
    d.send_call(ask, true);
}
void act_forget_open(Deciding& d) {
    d.end_call(CallOutcome::superseded, "no longer wanted, and nobody was sent there");
}
void act_query(Deciding& d) {
    d.begin(d.leg_no, Verb::query);
}
void act_wait_longer(Deciding& d) {
    d.doubt(d.leg().doubt_why, d.now + recheck_pause(d.leg().rechecks));
}
void act_person(Deciding& d) {
    const auto& settle = std::get<Settle>(d.input.body);
    const Leg& leg = d.leg();
    if (leg.doing == Doing::call || leg.doing == Doing::doubt)
        d.end_call(CallOutcome::superseded, "a person settled it");
    d.emit(PersonSettled{d.leg_no, settle.fact, settle.by, settle.because});
    if (d.fact == LegMoney::none) {
        if (d.leg().money == LegMoney::held)
            d.emit(HoldGone{d.leg_no, {d.leg().taken_minor, d.leg().amount.currency}, "a person said so"});
        if (d.leg().goal == Goal::take)
            d.refuse({"settled_by_person", "A person found that nothing was paid."});
    } else if (d.fact > d.leg().money) {
        d.money_event(d.fact, d.fact_money());
    }
}
void act_news(Deciding& d) {
    const Leg& leg = d.leg();
    if (leg.doing == Doing::away) d.close_callout("the money has moved");
    // An open capture goes on if the fact is only "held": it is the next step anyway.
    const bool keep_call = leg.doing == Doing::call && leg.verb == Verb::capture && d.fact == LegMoney::held;
    if ((leg.doing == Doing::call || leg.doing == Doing::doubt) && !keep_call)
        d.end_call(CallOutcome::superseded, "evidence came first");
    const Money amount = d.fact_money();
    d.money_event(d.fact, amount);
    if (d.fact != LegMoney::back && amount != d.leg().amount)
        d.emit(Stuck{d.leg_no, fmt::format("the provider speaks of {} where {} was asked",
                                           money_for_people(amount), money_for_people(d.leg().amount))});
}
void act_more_back(Deciding& d) {
    const Leg& leg = d.leg();
    const std::int64_t minor = d.fact_amount->minor - leg.back_minor;
    const Refund* open = d.open_refund();
    const std::int64_t no = open == nullptr ? 0 : open->no;
    if (leg.doing == Doing::call || leg.doing == Doing::doubt)
        d.end_call(CallOutcome::superseded, "evidence came first");
    d.emit(GivenBack{d.leg_no, {minor, d.leg().amount.currency}, no});
}
void act_back_again(Deciding& d) {
    if (d.leg().doing == Doing::call || d.leg().doing == Doing::doubt)
        d.end_call(CallOutcome::superseded, "evidence came first");
    d.emit(Stuck{d.leg_no, "the provider says that money given back did not arrive: " + d.why});
}
void act_hint(Deciding& d) {
    if (d.leg().doing == Doing::away) d.close_callout("a notice came");
    d.begin(d.leg_no, Verb::query);
}
void act_note(Deciding& d) {
    d.emit(Noted{.leg = d.leg_no, .what = d.evidence, .fields = std::move(d.fields), .look = d.look_later});
}

constexpr Mask any_verb = mask(Verb::open, Verb::authorise, Verb::charge, Verb::capture, Verb::void_hold,
                               Verb::refund, Verb::query, Verb::close);
constexpr Mask taking = mask(Verb::authorise, Verb::charge, Verb::capture);
constexpr Mask rest = mask(Doing::rest), call = mask(Doing::call), away = mask(Doing::away),
               in_doubt = mask(Doing::doubt);
constexpr Mask idle_or_calling = rest | call | in_doubt;  // in doubt: the answer of that very call came late
constexpr Mask any_doing = rest | call | away | in_doubt;
constexpr Mask calling = call | in_doubt;

// clang-format off
constexpr LegRow leg_rows[] = {
    // from, verbs, on, guard word, guard, to, money, note, act
    {any_doing, any_verb, LegOn::asks, "", nullptr, call, ".", "the only way a call begins; journaled before it is sent", act_ask},

    {idle_or_calling, taking | mask(Verb::open), LegOn::done, "amount differs", amount_differs, rest, "as it moved", "needs a person", act_mismatch},
    {idle_or_calling, taking, LegOn::done, "says less than its verb", too_little, rest | call | in_doubt, ".", "unknown is never a success", act_does_not_fit},
    {idle_or_calling, mask(Verb::open), LegOn::done, "its return says the money", says_money, rest, "taken", "a house settled by its return", act_money},
    {idle_or_calling, mask(Verb::open), LegOn::done, "the credential is to be used first", opens_anew, rest, ".", "kept sealed; opened anew in its turn", act_exchanged},
    {idle_or_calling, mask(Verb::open), LegOn::done, "", nullptr, rest, ".", "Ready; the planner goes on", act_ready},
    {idle_or_calling, taking, LegOn::done, "", nullptr, rest, "held | taken", "amount, currency and reference compared first", act_money},
    {idle_or_calling, mask(Verb::void_hold), LegOn::done, "", nullptr, rest, "none", "", act_hold_gone},
    {idle_or_calling, mask(Verb::refund), LegOn::done, "", nullptr, rest, "back (a part: stays taken)", "", act_refunded},
    {calling, mask(Verb::query), LegOn::done, "nothing there, and closing was refused", close_refused, rest, "none", "Refused; closed again later, slower and slower", act_nothing_there_yet},
    {idle_or_calling, mask(Verb::query), LegOn::done, "nothing there, can be closed", fact_none_exposed, call | rest | in_doubt, "none", "close, so that nobody pays later", act_nothing_there},
    {idle_or_calling, mask(Verb::query), LegOn::done, "nothing there", fact_none, rest, "none", "Refused", act_fact_none},
    {idle_or_calling, mask(Verb::query, Verb::close), LegOn::done, "amount differs", amount_differs, rest, "as it moved", "needs a person", act_mismatch},
    {idle_or_calling, mask(Verb::query), LegOn::done, "", nullptr, rest, "the fact", "never backwards; settles a refund in doubt", act_fact},
    {idle_or_calling, mask(Verb::close), LegOn::done, "money moved after all", says_money, rest, "the fact", "never backwards", act_fact},
    {idle_or_calling, mask(Verb::close), LegOn::done, "", nullptr, rest, "none", "Refused, goal give back", act_closed},

    {idle_or_calling, mask(Verb::open, Verb::authorise), LegOn::waiting, "no time left, or unwanted", hold_too_short, rest | call | in_doubt, ".", "closed again where that can be done", act_too_late_to_send},
    {idle_or_calling, mask(Verb::open, Verb::authorise), LegOn::waiting, "no way back", no_way_back, rest | call | in_doubt, ".", "Refused; closed again where that can be done", act_no_way_back},
    {idle_or_calling, mask(Verb::open, Verb::authorise), LegOn::waiting, "its return token is in use", token_taken, rest | call | in_doubt, ".", "Refused; closed again where that can be done", act_token_in_use},
    {idle_or_calling, mask(Verb::open, Verb::authorise), LegOn::waiting, "", nullptr, away, ".", "CustomerSent", act_send},
    {calling, any_verb, LegOn::working, "", nullptr, in_doubt, ".", "asked again later", act_working},

    {idle_or_calling, mask(Verb::open, Verb::authorise, Verb::charge), LegOn::declined, "", nullptr, rest, "none", "Refused, goal give back", act_declined},
    {idle_or_calling, mask(Verb::capture), LegOn::declined, "", nullptr, rest, "none", "the hold is gone; Refused", act_capture_declined},
    {idle_or_calling, mask(Verb::void_hold), LegOn::declined, "declined before, and a look found it held", refused_void_before, rest, "held", "needs a person", act_stuck},
    {idle_or_calling, mask(Verb::void_hold, Verb::close), LegOn::declined, "", nullptr, call | rest | in_doubt, ".", "too late: the fact decides", act_look},
    {idle_or_calling, mask(Verb::refund), LegOn::declined, "", nullptr, rest, "taken", "needs a person", act_stuck},
    {idle_or_calling, mask(Verb::query), LegOn::declined, "", nullptr, in_doubt, ".", "asked again later", act_doubt},

    {calling, any_verb, LegOn::not_done, "an earlier sending is unaccounted for", sent_before, in_doubt, ".", "this sending was not done; the earlier one may have been", act_doubt},
    {idle_or_calling, mask(Verb::query, Verb::close), LegOn::not_done, "", nullptr, in_doubt, ".", "asked again later", act_doubt},
    {idle_or_calling, mask(Verb::open, Verb::authorise, Verb::charge), LegOn::not_done, "too often, or unwanted", tried_enough, rest | call, "none", "Refused; an open session is closed first", act_give_up},
    {idle_or_calling, any_verb, LegOn::not_done, "", nullptr, rest, ".", "may begin as a new call, after a pause", act_try_later},

    {call, mask(Verb::open), LegOn::silence, "its input was in memory only", volatile_input, rest, "none", "known not done; Refused", act_card_lost},
    {call, any_verb, LegOn::silence, "", nullptr, in_doubt, ".", "with the verb, the key and the evidence", act_doubt},
    {calling, any_verb, LegOn::unknown, "", nullptr, in_doubt, ".", "unknown is never failed", act_doubt},

    {away, any_verb, LegOn::returned, "proves nothing", says_nothing, away, ".", "the token stays unspent", act_no_proof},
    {away, any_verb, LegOn::returned, "", nullptr, rest | call | away | in_doubt, "by the flow", "spends the token in the same commit", act_back},
    {away, any_verb, LegOn::went_on, "", nullptr, rest | call | away, "by the flow", "a page of ours is done with; its return token stays unspent", act_go_on},
    {away, any_verb, LegOn::callout_over, "a return URL to visit", visit_possible, away, ".", "VisitMeant; the grace time begins", act_visit},
    {away, any_verb, LegOn::callout_over, "can be asked", can_query, call | rest | in_doubt, ".", "settled by asking", act_settle_by_asking},
    {away, any_verb, LegOn::callout_over, "", nullptr, rest, "none", "Refused: assumed unpaid", act_assume_unpaid},
    {away, any_verb, LegOn::grace_over, "can be asked", can_query, call | rest | in_doubt, ".", "settled by asking", act_settle_by_asking},
    {away, any_verb, LegOn::grace_over, "", nullptr, rest, "none", "Refused: assumed unpaid", act_assume_unpaid},
    {away, any_verb, LegOn::unwanted, "can be closed", can_close, call | rest | in_doubt, ".", "the door is closed behind the customer", act_close},
    {away, any_verb, LegOn::unwanted, "", nullptr, rest, ".", "cannot be closed", act_close_silently},

    {in_doubt, mask(Verb::open), LegOn::recheck, "unwanted, and nobody was sent", unwanted_unopened, rest, "none", "opening moves no money", act_forget_open},
    {in_doubt, any_verb, LegOn::recheck, "may be repeated", may_repeat, call, ".", "same key or harmless; never takes money that nobody wants", act_again},
    {in_doubt, any_verb, LegOn::recheck, "can be asked", can_query, call | rest | in_doubt, ".", "", act_query},
    {in_doubt, any_verb, LegOn::recheck, "", nullptr, in_doubt, ".", "slower and slower, never ends", act_wait_longer},

    {any_doing, any_verb, LegOn::settled, "", nullptr, rest, "the person's fact", "frees a stuck leg too", act_person},
    {any_doing, any_verb, LegOn::more_money, "", nullptr, rest | call, "the fact", "evidence of money wins over every state", act_news},
    {rest | call | in_doubt, any_verb, LegOn::more_back, "the open refund is in it", settles_open_refund, rest, "back (a part: stays taken)", "", act_more_back},
    {rest, any_verb, LegOn::more_back, "nobody here asked for it", gave_back_unasked, rest, "back (a part: stays taken)", "given back at the provider's", act_more_back},
    {rest | call | in_doubt, any_verb, LegOn::back_again, "something went back", gave_back, rest, "as believed", "needs a person", act_back_again},
    {rest | away | in_doubt, any_verb, LegOn::hint, "can be asked", can_query, call | rest | in_doubt, ".", "a hint is never believed", act_hint},
    {any_doing, any_verb, LegOn::nothing_new, "", nullptr, any_doing, ".", "Noted", act_note},
};
// clang-format on

// ---- the transaction ------------------------------------------------------------------------------------
bool owner_confirms(const Deciding& d) {
    return d.tx.policy.confirm == Confirm::owner;
}
bool no_owner(const Deciding& d) {
    return d.tx.policy.confirm == Confirm::none;
}

void act_purchase(Deciding& d) {
    const auto& purchase = std::get<Purchase>(d.input.body);
    const bool at_hand = purchase.journey.has_value();
    std::string host;
    if (at_hand) {
        d.papers.journey = purchase.journey;
        const auto& journey = *purchase.journey;
        const std::string url = journey.via == ReturnVia::kassi
                                    ? journey.landing_url
                                    : journey.url_before + journey.token + journey.url_after;
        if (const auto parsed = parse_url(url, "return_url")) host = parsed->origin();
    }
    d.emit(PurchaseAsked{at_hand ? purchase.journey->via : ReturnVia::caller, at_hand, host,
                         purchase.customer_digest});
    std::int64_t no = static_cast<std::int64_t>(d.tx.legs.size());
    for (const LegPlan& plan : purchase.legs) {
        Money amount{0, {}};
        for (const Bundle& bundle : d.tx.bundles)
            for (const std::string& source : plan.sources)
                if (bundle.source == source)
                    amount = {amount.minor + bundle.amount.minor, bundle.amount.currency};
        d.emit(LegOpened{++no, plan.sources, plan.merchant, plan.flow, amount, plan.credential.kind});
    }
}
void act_confirm(Deciding& d) {
    d.emit(ConfirmAsked{std::min(d.now + d.terms.times.confirm_within, d.hold_limit())});
    d.out.effects.push_back(NotifyEffect{"confirm"});
}
void act_buy(Deciding& d) {
    d.emit(Decided{Verdict::buy, "all_covered"});
}
void act_confirmed(Deciding& d) {
    d.emit(Confirmed{true, std::get<ConfirmAnswer>(d.input.body).references});
    d.emit(Decided{Verdict::buy, "confirmed"});
}
void act_no(Deciding& d) {
    d.decide_no(d.why);
}
void act_released(Deciding& d) {
    d.emit(Decided{Verdict::released, d.why});
    d.out.effects.push_back(NotifyEffect{"verdict"});
}
void act_purchased(Deciding& d) {
    d.emit(Decided{Verdict::purchased, uncovered(d.tx).empty() ? "" : "partial"});
    d.out.effects.push_back(NotifyEffect{"verdict"});
}
void act_refunds(Deciding&) {}  // the refunds are events of their own, emitted by the input
void act_cancelled(Deciding& d) {
    d.emit(Decided{Verdict::cancelled, "everything_back"});
}

constexpr Mask reserved = mask(Phase::reserved), authorising = mask(Phase::authorising),
               confirming = mask(Phase::confirming), capturing = mask(Phase::capturing),
               purchased = mask(Phase::purchased), failed = mask(Phase::failed),
               released = mask(Phase::released), cancelled = mask(Phase::cancelled);

// clang-format off
constexpr TransactionRow transaction_rows[] = {
    {reserved, On::purchase, "", nullptr, authorising, "", act_purchase},
    {reserved, On::released, "", nullptr, released, "", act_released},
    {reserved, On::hold_over, "", nullptr, released, "the reservation ran out", act_released},
    {authorising, On::again, "", nullptr, authorising, "another way of paying, or another way back, within the hold", act_purchase},
    {authorising, On::all_covered, "the owner confirms", owner_confirms, confirming, "seats are bought between held and captured", act_confirm},
    {authorising, On::all_covered, "", nullptr, capturing, "Decided(buy), the pivot", act_buy},
    {authorising | confirming, On::refused, "", nullptr, failed | purchased, "all-or-nothing; what cannot be refunded stays bought", act_no},
    {authorising | confirming, On::none_left, "", nullptr, failed | purchased, "", act_no},
    {authorising | confirming, On::hold_over, "", nullptr, failed, "all goals give back", act_no},
    {authorising | confirming, On::released, "", nullptr, failed | purchased, "all goals give back", act_no},
    {confirming, On::confirm_yes, "", nullptr, capturing, "Decided(buy), the pivot", act_confirmed},
    {confirming, On::confirm_no, "", nullptr, failed | purchased, "all goals give back", act_no},
    {capturing, On::all_taken, "", nullptr, purchased, "", act_purchased},
    {capturing, On::refused, "", nullptr, failed | purchased, "as in authorising", act_no},
    {capturing, On::none_left, "", nullptr, failed | purchased, "", act_no},
    {capturing, On::hold_over, "no owner's confirmation", no_owner, failed, "all goals give back", act_no},
    {purchased, On::cancel, "", nullptr, purchased, "refunds run", act_refunds},
    {purchased, On::all_back, "", nullptr, cancelled, "", act_cancelled},
};
// clang-format on

}  // namespace

std::span<const LegRow> leg_table() {
    return leg_rows;
}
std::span<const TransactionRow> transaction_table() {
    return transaction_rows;
}

}  // namespace kassi::core
