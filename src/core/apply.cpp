#include <algorithm>

#include "core/codec.hpp"
#include "core/decide.hpp"

namespace kassi::core {
namespace {

Leg& leg_of(Transaction& transaction, std::int64_t no) {
    const auto found = std::find_if(transaction.legs.begin(), transaction.legs.end(),
                                    [no](const Leg& leg) { return leg.no == no; });
    KASSI_ENSURE(found != transaction.legs.end());
    return *found;
}

void remember(Leg& leg, const std::vector<std::pair<std::string, std::string>>& references) {
    for (const auto& reference : references) {
        if (std::find(leg.references.begin(), leg.references.end(), reference) == leg.references.end())
            leg.references.push_back(reference);
    }
}

void rest(Leg& leg) {
    leg.doing = Doing::rest;
    leg.recheck_at.reset();
    leg.doubt_since.reset();
    leg.rechecks = 0;
    leg.doubt_why.clear();
}

Refund* refund_of(Leg& leg, std::int64_t no) {
    for (auto& refund : leg.refunds)
        if (refund.no == no) return &refund;
    return nullptr;
}

/// One overload an event: the whole of what it changes.
struct Applier {
    Transaction& t;
    Instant at;

    void operator()(const HandedOver& e) const {
        t.id = e.id;
        t.reference = reference_of(e.id);
        t.system = e.system;
        t.caller = e.caller;
        t.bundles = e.bundles;
        t.policy = e.policy;
        t.phase = Phase::reserved;
        t.handed_over_at = at;
        t.held_until = e.held_until;
    }
    void operator()(const PurchaseAsked& e) const {
        t.phase = Phase::authorising;
        t.via = e.via;
        t.customer_at_hand = e.customer_at_hand;
        if (!t.purchase_asked_at) t.purchase_asked_at = at;
    }
    void operator()(const HoldMoved& e) const { t.held_until = e.held_until; }
    void operator()(const LegOpened& e) const {
        Leg leg;
        leg.no = e.leg;
        leg.sources = e.sources;
        leg.merchant = e.merchant;
        leg.flow = e.flow;
        leg.amount = e.amount;
        leg.credential = e.credential;
        t.legs.push_back(std::move(leg));
    }
    void operator()(const GoalSet& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.goal = e.goal;
        leg.retry_at.reset();  // a pause before taking is no reason to pause before giving back
    }
    void operator()(const CallMeant& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.doing = Doing::call;
        leg.verb = e.verb;
        leg.calls = e.call;
        if (e.verb == Verb::query) leg.look = false;
        if (!leg.made_since) leg.made_since = e.made_since;
        leg.recheck_at.reset();
        leg.retry_at.reset();
        leg.call = Call{.no = e.call,
                        .verb = e.verb,
                        .step = e.step,
                        .key = e.key,
                        .reference = e.reference,
                        .repeat = e.repeat,
                        .key_until = e.key_until,
                        .meant_at = at,
                        .silent_at = e.silent_at,
                        .again = e.again,
                        .needs_volatile = e.needs_volatile};
    }
    void operator()(const CallEnded& e) const {
        Leg& leg = leg_of(t, e.leg);
        remember(leg, e.references);
        if (e.outcome == CallOutcome::done && leg.doing == Doing::rest) leg.look = false;
        if (e.outcome == CallOutcome::next) {
            leg.doing = Doing::rest;
            leg.recheck_at.reset();
        } else if (leg.doing == Doing::call || leg.doing == Doing::doubt) {
            rest(leg);
        }
        leg.retry_at = e.retry_at;
        if (!e.credential.empty()) leg.credential = e.credential;
        const bool asked = leg.verb == Verb::query;
        switch (e.outcome) {
            case CallOutcome::done:
                // A look does not count as progress of what it looked at.
                if (!asked) leg.not_done = 0;
                if (leg.verb == Verb::close) leg.exposed = false;
                // Where it found no money, the door is closed first.
                if (asked && leg.money != LegMoney::none) leg.restored = false;
                break;
            case CallOutcome::declined:
                if (leg.verb == Verb::open || takes_money(leg.verb)) leg.exposed = false;
                ++leg.not_done;
                break;
            case CallOutcome::not_done:
                ++leg.not_done;
                break;
            case CallOutcome::waiting:
                leg.not_done = 0;
                break;
            case CallOutcome::working:
            case CallOutcome::superseded:
            case CallOutcome::next:
                break;
        }
    }
    void operator()(const CallDoubted& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.doing = Doing::doubt;
        leg.recheck_at = e.recheck_at;
        if (!leg.doubt_since) leg.doubt_since = at;
        // A restart of ours is no silence of the provider's: it is asked at once, and does not count.
        if (e.recheck_at > at) ++leg.rechecks;
        leg.doubt_why = e.why;
        if (leg.call && e.look) leg.call->look = true;
    }
    void operator()(const Ready& e) const { leg_of(t, e.leg).ready = true; }
    void operator()(const CustomerSent& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.doing = Doing::away;
        leg.verb = e.verb;
        leg.exposed = leg.exposed || !e.hosted;
        const bool same = leg.callout && leg.callout->no == e.callout;
        leg.callout = CalloutState{.no = e.callout,
                                   .type = e.type,
                                   .host = e.host,
                                   .sent_at = at,
                                   .until = e.until,
                                   .grace_until = {},
                                   .goes_on = e.goes_on,
                                   .went_on = same && leg.callout->went_on};
        t.customer_at_hand = false;
    }
    void operator()(const CustomerBack& e) const {
        Leg& leg = leg_of(t, e.leg);
        if (leg.callout && leg.callout->no == e.callout) leg.callout->returned = true;
        if (leg.doing == Doing::away) leg.doing = Doing::rest;
        t.customer_at_hand = e.customer_at_hand;
    }
    void operator()(const CustomerWentOn& e) const {
        Leg& leg = leg_of(t, e.leg);
        if (leg.callout) leg.callout->went_on = true;
        if (leg.doing == Doing::away) leg.doing = Doing::rest;
    }
    void operator()(const VisitMeant& e) const {
        Leg& leg = leg_of(t, e.leg);
        if (leg.callout) leg.callout->grace_until = e.grace_until;
    }
    void operator()(const VisitDone&) const {}
    void operator()(const CalloutClosed& e) const {
        Leg& leg = leg_of(t, e.leg);
        if (leg.callout && leg.callout->no == e.callout) leg.callout->closed = true;
        if (e.for_good) leg.exposed = false;
        if (leg.doing == Doing::away) leg.doing = Doing::rest;
    }
    void operator()(const Held& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.money = LegMoney::held;
        leg.restored = false;
        leg.retry_at.reset();
        leg.taken_minor = e.amount.minor;
        leg.exposed = false;
    }
    void operator()(const HoldGone& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.money = LegMoney::none;
        leg.retry_at.reset();
        leg.taken_minor = 0;
    }
    void operator()(const Taken& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.money = LegMoney::taken;
        leg.restored = false;
        leg.retry_at.reset();
        leg.taken_minor = e.amount.minor;
        leg.exposed = false;
    }
    void operator()(const GivenBack& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.back_minor += e.amount.minor;
        if (leg.back_minor >= leg.taken_minor) leg.money = LegMoney::back;
        leg.retry_at.reset();
        if (Refund* refund = refund_of(leg, e.refund)) refund->state = RefundState::done;
    }
    void operator()(const Refused& e) const {
        Leg& leg = leg_of(t, e.leg);
        leg.refused = e.why;
        if (!leg.look) leg.restored = false;  // else it is still to be asked about
        leg.retry_at.reset();
        leg.goal = Goal::give_back;
    }
    void operator()(const Stuck& e) const {
        Leg& leg = leg_of(t, e.leg);
        rest(leg);
        leg.stuck = e.why;
    }
    void operator()(const RefundAsked& e) const {
        leg_of(t, e.leg).refunds.push_back(Refund{.no = e.refund,
                                                  .amount = e.amount,
                                                  .items = e.items,
                                                  .state = RefundState::asked,
                                                  .by = e.by,
                                                  .because = e.because});
    }
    void operator()(const RefundEnded& e) const {
        if (Refund* refund = refund_of(leg_of(t, e.leg), e.refund))
            refund->state = e.failed ? RefundState::failed : RefundState::done;
    }
    void operator()(const PersonSettled& e) const {
        Leg& leg = leg_of(t, e.leg);
        rest(leg);
        leg.stuck.clear();
        leg.exposed = false;
        leg.not_done = 0;
        // A person's word is what a look would have been for.
        leg.look = leg.restored = false;
    }
    void operator()(const ConfirmAsked& e) const {
        t.phase = Phase::confirming;
        t.confirm_by = e.until;
    }
    void operator()(const Confirmed& e) const { t.confirmations = e.references; }
    void operator()(const Decided& e) const {
        t.why = e.why;
        switch (e.verdict) {
            case Verdict::buy:
                t.phase = Phase::capturing;
                return;
            case Verdict::no:
                t.phase = Phase::failed;
                break;
            case Verdict::released:
                t.phase = Phase::released;
                break;
            case Verdict::purchased:
                t.phase = Phase::purchased;
                break;
            case Verdict::cancelled:
                t.phase = Phase::cancelled;
                break;
        }
        if (e.verdict != Verdict::cancelled) t.verdict_at = at;
    }
    void operator()(const Noted& e) const {
        if (e.dispute && e.leg != 0) leg_of(t, e.leg).disputed = true;
        if (!e.references.empty()) remember(leg_of(t, e.leg), e.references);
        if (e.look) leg_of(t, e.leg).look = true;
    }
    void operator()(const Forgotten&) const { t.forgotten = true; }
    void operator()(const PutBack& e) const {
        ++t.put_back;
        for (const std::int64_t no : e.legs) leg_of(t, no).look = leg_of(t, no).restored = true;
    }
};

}  // namespace

void apply(Transaction& transaction, const Event& event, Instant at) {
    std::visit(Applier{transaction, at}, event);
}

void apply_row(Transaction& transaction, const JournalRow& row) {
    for (const Event& event : row.events) apply(transaction, event, row.at);
    if (!row.tracking.empty()) transaction.tracking = row.tracking;
    ++transaction.version;
}

}  // namespace kassi::core
