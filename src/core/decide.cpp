#include "core/decide.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/crypto.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "core/deciding.hpp"

namespace kassi::core {

std::string_view event_name(const Event& event) {
    static constexpr std::string_view names[] = {
        "HandedOver",   "PurchaseAsked", "HoldMoved",     "LegOpened",    "GoalSet",      "CallMeant",
        "CallEnded",    "CallDoubted",   "Ready",         "CustomerSent", "CustomerBack", "CustomerWentOn",
        "VisitMeant",   "VisitDone",     "CalloutClosed", "Held",         "HoldGone",     "Taken",
        "GivenBack",    "Refused",       "Stuck",         "RefundAsked",  "RefundEnded",  "PersonSettled",
        "ConfirmAsked", "Confirmed",     "Decided",       "Noted",        "Forgotten",    "PutBack"};
    static_assert(std::size(names) == std::variant_size_v<Event>);
    return names[event.index()];
}

std::string_view input_name(const InputBody& body) {
    static constexpr std::string_view names[] = {
        "HandOver", "Purchase", "Return", "GoesOn", "Confirm", "Hold",    "Release", "Cancel",
        "Refund",   "Settle",   "Forget", "Answer", "Notice",  "Visited", "Due",     "Restored"};
    static_assert(std::size(names) == std::variant_size_v<InputBody>);
    return names[body.index()];
}

Millis recheck_pause(std::int64_t rechecks) {
    using namespace std::chrono_literals;
    static constexpr Millis pauses[] = {2s, 5s, 15s, 60s, 5min, 15min, 1h, 6h};
    const auto index = std::clamp<std::int64_t>(rechecks, 0, std::ssize(pauses) - 1);
    return pauses[index];
}

std::vector<std::string> uncovered(const Transaction& transaction) {
    std::vector<std::string> sources;
    for (const Bundle& bundle : transaction.bundles)
        if (bundle.amount.minor > 0 && covering_leg(transaction, bundle.source) == nullptr)
            sources.push_back(bundle.source);
    return sources;
}

bool purchase_under_way(const Transaction& transaction) {
    switch (transaction.phase) {
        case Phase::authorising:
            return transaction.policy.on_decline != OnDecline::again || uncovered(transaction).empty();
        case Phase::confirming:
        case Phase::capturing:
        case Phase::purchased:
        case Phase::cancelled:
            return true;
        case Phase::reserved:
        case Phase::failed:
        case Phase::released:
            return false;
    }
    return false;
}

bool lacks_credential(const Leg& leg, const Facts& facts) {
    const auto takes = [&facts](std::string_view kind) {
        return std::find(facts.credentials.begin(), facts.credentials.end(), kind) != facts.credentials.end();
    };
    return !facts.credentials.empty() && !takes("none") && !takes(leg.credential);
}

bool needs_browser_first(const Leg& leg, const Facts& facts) {
    return facts.browser == Browser::always || facts.browser == Browser::before ||
           lacks_credential(leg, facts);
}

namespace {
bool needs_browser(const Leg& leg, const Facts& facts) {
    return leg.goal == Goal::take && leg.doing == Doing::rest && leg.money == LegMoney::none && !leg.ready &&
           leg.stuck.empty() && !went_on(leg) && needs_browser_first(leg, facts);
}
}  // namespace

bool waits_for_return(const Transaction& transaction, const Leg& leg, const Facts& facts) {
    // After a decline the caller may come with another way of paying, and the old way back is no matter.
    const bool again = transaction.policy.on_decline == OnDecline::again;
    const bool on_his_way =
        std::any_of(transaction.legs.begin(), transaction.legs.end(), [&](const Leg& each) {
            return each.no != leg.no && each.callout && each.callout->went_on && !each.callout->returned &&
                   each.doing != Doing::away && (each.goal == Goal::take || !again);
        });
    return on_his_way && transaction.phase == Phase::authorising && transaction.via == ReturnVia::caller &&
           !transaction.customer_at_hand && facts.browser == Browser::maybe && leg.goal == Goal::take &&
           leg.doing == Doing::rest && leg.money == LegMoney::none && !leg.ready && leg.stuck.empty();
}

const Leg* waits_for_browser(const Transaction& transaction, const Flows& flows) {
    if (transaction.phase != Phase::authorising || transaction.customer_at_hand) return nullptr;
    for (const Leg& leg : transaction.legs) {
        if (leg.doing != Doing::rest) return nullptr;
        const Facts& facts = flows.facts(leg);
        if (needs_browser(leg, facts) || waits_for_return(transaction, leg, facts)) return &leg;
    }
    return nullptr;
}

bool needs_next_token(const Transaction& transaction, const Papers& papers, const Leg& leg,
                      const Flows& flows) {
    const bool known = papers.journey && !papers.journey->token.empty();
    return transaction.phase == Phase::authorising && transaction.via == ReturnVia::caller && !known &&
           std::any_of(transaction.legs.begin(), transaction.legs.end(), [&](const Leg& each) {
               return each.no != leg.no && needs_browser(each, flows.facts(each));
           });
}

std::string fields_digest(const Fields& fields) {
    return encoding::hex(crypto::to_bytes(crypto::sha256(encoding::form(fields))));
}

// ---- Deciding -----------------------------------------------------------------------------------------

const Leg& Deciding::leg_at(std::int64_t no) const {
    const Leg* found = find_leg(tx, no);
    KASSI_ENSURE(found != nullptr);
    return *found;
}

void Deciding::emit(Event event) {
    apply(tx, event, now);
    out.events.push_back(std::move(event));
}

bool Deciding::happen(LegOn on) {
    const Leg& before = leg();
    for (const LegRow& row : leg_table()) {
        if (row.on != on || !in(row.from, before.doing) || !in(row.verbs, verb)) continue;
        if (row.guard != nullptr && !row.guard(*this)) continue;
        const auto no = leg_no;
        row.act(*this);
        leg_no = no;
        KASSI_ENSURE(in(row.to, leg().doing));
        forget_parcel_if_at_rest();
        return true;
    }
    return false;
}

bool Deciding::happen(On on) {
    for (const TransactionRow& row : transaction_table()) {
        if (row.on != on || !in(row.from, tx.phase)) continue;
        if (row.guard != nullptr && !row.guard(*this)) continue;
        row.act(*this);
        KASSI_ENSURE(in(row.to, tx.phase));
        return true;
    }
    return false;
}

const Parcel& Deciding::parcel() const {
    static const Parcel empty;
    const auto found = papers.parcels.find(leg_no);
    return found == papers.parcels.end() ? empty : found->second;
}

const Refund* Deciding::open_refund() const {
    for (const Refund& refund : leg().refunds)
        if (refund.state == RefundState::asked) return &refund;
    return nullptr;
}

Money Deciding::fact_money() const {
    if (fact == LegMoney::back && leg().money != LegMoney::none)
        return {leg().taken_minor - leg().back_minor, leg().amount.currency};
    if (fact_amount && fact_amount->currency == leg().amount.currency) return *fact_amount;
    return leg().amount;
}

Instant Deciding::callout_until(const Leg& of) const {
    const Facts& facts = facts_of(of);
    // What must follow a callout before the seats are lost: the charge, or authorise and capture.
    const Millis after = facts.can_hold ? facts.budget(Verb::authorise) + facts.budget(Verb::capture)
                                        : facts.budget(Verb::charge);
    return std::min(now + terms.times.callout_max, hold_limit() - after);
}

bool Deciding::time_for(const Leg& of, Verb begun) const {
    const Facts& facts = facts_of(of);
    if (begun == Verb::open && needs_browser_first(of, facts))
        return callout_until(of) - now >= terms.times.callout_min;
    return now + facts.budget(begun) <= hold_limit();
}

std::optional<Instant> Terms::time_at(std::string_view merchant) const {
    if (provider_times == nullptr) return std::nullopt;
    const auto heard = provider_times->find(merchant);
    return heard == provider_times->end() ? std::nullopt : std::optional(heard->second);
}

Scene Deciding::scene(Verb of, std::optional<std::int64_t> refund_no) const {
    static const Journey no_journey;
    const Journey& journey = papers.journey ? *papers.journey : no_journey;
    Money amount = leg().amount;
    std::int64_t refund = 0;
    if (of == Verb::refund) {
        const Refund* open = open_refund();
        if (open != nullptr) {
            amount = open->amount;
            refund = open->no;
        }
    }
    if (refund_no) refund = *refund_no;
    const auto brought = in_hand.find(leg_no);
    std::string url;
    if (const auto& token = token_back(); !token.empty() && !journey.url_before.empty())
        url = journey.url_before + token + journey.url_after;
    return Scene{.transaction = tx,
                 .leg = leg(),
                 .parcel = parcel(),
                 .journey = journey,
                 .credential = brought == in_hand.end() ? parcel().credential : brought->second,
                 .verb = of,
                 .amount = amount,
                 .refund_no = refund,
                 .return_url = std::move(url),
                 .public_url = terms.public_url,
                 .now = now,
                 .callout_until = callout_until(leg()),
                 .credit_exhausted = input.credit_exhausted,
                 .provider_time = terms.time_at(leg().merchant)};
}

const std::string& Deciding::token_back() const {
    static const std::string none;
    if (went_on(leg()) && parcel().callout) return parcel().callout->return_token;
    return papers.journey ? papers.journey->token : none;
}

void Deciding::mint_return_token() {
    // One comes with each input. Somebody may have been sent away with it just now: the next callout's is
    // another one, or the same return would count for both.
    const bool given = std::ranges::any_of(
        out.tokens_live, [this](const TokenLive& live) { return live.token == input.fresh_return_token; });
    if (given) return;
    if (papers.journey && papers.journey->via == ReturnVia::kassi && papers.journey->token.empty())
        papers.journey->token = input.fresh_return_token;
}

void Deciding::begin(std::int64_t no, Verb begun) {
    leg_no = no;
    verb = begun;
    mint_return_token();
    const Step taken = terms.flows.begin(scene(begun));
    take_step(taken);
}

void Deciding::take_step(const Step& taken) {
    step = &taken;
    struct Happening {
        LegOn operator()(const Ask&) const { return LegOn::asks; }
        LegOn operator()(const Done&) const { return LegOn::done; }
        LegOn operator()(const Declined&) const { return LegOn::declined; }
        LegOn operator()(const Waiting&) const { return LegOn::waiting; }
        LegOn operator()(const Working&) const { return LegOn::working; }
        LegOn operator()(const NotDone&) const { return LegOn::not_done; }
        LegOn operator()(const Unknown&) const { return LegOn::unknown; }
    };
    const bool known = happen(std::visit(Happening{}, taken));
    step = nullptr;
    // A flow that answers what its verb cannot mean: nothing moved, somebody must look.
    if (!known) does_not_fit();
}

void Deciding::does_not_fit() {
    static constexpr std::string_view reason = "the way of paying gave an answer that does not fit";
    if (leg().doing == Doing::call || leg().doing == Doing::doubt)
        doubt(reason, now + recheck_pause(leg().rechecks));
    else
        emit(Stuck{leg_no, std::string(leg().restored ? copy_is_old : reason)});
}

void Deciding::end_call(CallOutcome outcome, std::string_view evidence_text,
                        const std::vector<std::pair<std::string, std::string>>& references,
                        std::optional<Instant> retry_at) {
    const bool open = leg().doing == Doing::call || leg().doing == Doing::doubt;
    // A look that needed no call was one, or the planner would look for ever.
    const bool looked = verb == Verb::query && leg().look && leg().doing == Doing::rest;
    for (const auto& [kind, reference] : references)
        out.references.push_back({leg_no, leg().merchant, reference});
    if (!open && !looked && references.empty() && outcome != CallOutcome::not_done) return;
    emit(CallEnded{leg_no, leg().calls, outcome, std::string(evidence_text), references, retry_at});
}

void Deciding::doubt(std::string_view reason, Instant recheck_at) {
    bool look = false;
    if (step != nullptr) {
        if (const auto* working = std::get_if<Working>(step)) look = working->look;
        if (const auto* unknown = std::get_if<Unknown>(step)) look = unknown->look;
    }
    emit(CallDoubted{leg_no, leg().calls, std::string(reason), recheck_at, look});
}

void Deciding::refuse(Refusal refusal) {
    emit(Refused{leg_no, std::move(refusal)});
}

void Deciding::close_callout(std::string_view reason) {
    if (leg().callout) emit(CalloutClosed{leg_no, leg().callout->no, std::string(reason)});
}

void Deciding::money_event(LegMoney money, const Money& amount) {
    switch (money) {
        case LegMoney::none:
            break;
        case LegMoney::held:
            emit(Held{leg_no, amount});
            break;
        case LegMoney::taken:
            emit(Taken{leg_no, amount});
            break;
        case LegMoney::back: {
            // It was taken before it went back, even if nobody told us.
            if (leg().money != LegMoney::taken) emit(Taken{leg_no, amount});
            const Refund* refund = open_refund();
            emit(GivenBack{leg_no,
                           {leg().taken_minor - leg().back_minor, leg().amount.currency},
                           refund == nullptr ? 0 : refund->no});
            break;
        }
    }
}

void Deciding::send_call(const Ask& ask, bool again) {
    const Verb called = ask.as.value_or(verb);
    const Millis budget = facts().budget(called);
    const std::int64_t no = leg().calls + 1;
    // A plain hash of a card is as good as the card.
    const std::string digest =
        ask.needs_volatile
            ? std::string()
            : encoding::hex(crypto::to_bytes(crypto::sha256(ask.request.method + "\n" + ask.request.path +
                                                            "\n" + ask.request.body)))
                  .substr(0, 16);
    Parcel& paper = papers.parcels[leg_no];
    paper.request = ask.request;
    paper.step = ask.name;
    paper.saved = ask.saved;
    if (!went_on(leg())) paper.callout.reset();
    if (!ask.reference.empty()) out.references.push_back({leg_no, leg().merchant, ask.reference});
    // The engine's own deadline for the call is the budget: silence here means that even that was lost.
    const Instant silent_at = now + budget + std::chrono::seconds(5);
    emit(CallMeant{.leg = leg_no,
                   .call = no,
                   .verb = called,
                   .step = ask.name,
                   .key = ask.key,
                   .reference = ask.reference,
                   .repeat = ask.repeat,
                   .key_until = ask.key_until,
                   .silent_at = silent_at,
                   .needs_volatile = ask.needs_volatile,
                   .again = again,
                   .digest = digest,
                   .made_since = ask.made_since});
    out.effects.push_back(CallEffect{leg_no, no, leg().merchant, ask.name, ask.request, budget});
    // Input that lives in memory only must not reach the disk, sealed or not.
    if (ask.needs_volatile) paper.request = {};
}

void Deciding::forget_parcel_if_at_rest() {
    const Leg& present = leg();
    if (present.doing != Doing::rest) return;
    const bool goes_on =
        present.goal == Goal::take && present.money == LegMoney::none && present.stuck.empty();
    const bool to_be_closed = present.exposed && present.retry_at && present.stuck.empty();
    if (!goes_on && !to_be_closed) papers.parcels.erase(leg_no);
}

void Deciding::close_what_is_over() {
    for (std::size_t i = 0; i < tx.legs.size(); ++i) {
        const Leg& each = tx.legs[i];
        const bool wanted = each.goal == Goal::take && each.money == LegMoney::none && each.stuck.empty();
        if (!went_on(each) || wanted) continue;
        leg_no = each.no;
        close_callout("nobody needs to come back for it");
    }
}

void Deciding::decide_no(std::string_view reason) {
    const bool seats_gone = reason == "hold";
    bool kept = false;
    for (std::size_t i = 0; i < tx.legs.size(); ++i) {
        const Leg& each = tx.legs[i];
        if (each.goal != Goal::take) continue;
        if (!seats_gone && each.money == LegMoney::taken && !facts_of(each).can_refund) {
            kept = true;
            continue;
        }
        emit(GoalSet{each.no, Goal::give_back, std::string(reason)});
    }
    emit(Decided{kept ? Verdict::purchased : Verdict::no, std::string(reason)});
    out.effects.push_back(NotifyEffect{"verdict"});
}

// ---- the planner ----------------------------------------------------------------------------------------

std::vector<std::int64_t> Deciding::order() const {
    std::vector<const Leg*> legs;
    legs.reserve(tx.legs.size());
    for (const Leg& each : tx.legs) legs.push_back(&each);
    std::stable_sort(legs.begin(), legs.end(), [this](const Leg* left, const Leg* right) {
        return facts_of(*left).can_hold && !facts_of(*right).can_hold;
    });
    std::vector<std::int64_t> numbers;
    numbers.reserve(legs.size());
    for (const Leg* each : legs) numbers.push_back(each->no);
    return numbers;
}

namespace {
bool covered(const Leg& leg) {
    return leg.doing == Doing::rest && leg.stuck.empty() &&
           (leg.money == LegMoney::held || leg.money == LegMoney::taken);
}
}  // namespace

void Deciding::plan() {
    static constexpr int rounds_max = 200;  // each round moves something; a chain is far shorter
    for (int round = 0; round < rounds_max; ++round)
        if (!plan_transaction() && !plan_legs()) return;
    KASSI_ENSURE(!"the planner does not rest");
}

bool Deciding::plan_transaction() {
    const auto live = std::count_if(tx.legs.begin(), tx.legs.end(),
                                    [](const Leg& each) { return each.goal == Goal::take; });
    const bool free = std::any_of(tx.bundles.begin(), tx.bundles.end(),
                                  [](const Bundle& bundle) { return bundle.amount.minor == 0; });
    const bool nothing_left = live == 0 && !free;
    const bool open_bundles = !uncovered(tx).empty();
    const auto every = [this](auto test) {
        return std::all_of(tx.legs.begin(), tx.legs.end(),
                           [&](const Leg& each) { return each.goal != Goal::take || test(each); });
    };
    // Given back by the house before the purchase was complete: nothing is bought with it.
    const auto gone = std::find_if(tx.legs.begin(), tx.legs.end(), [](const Leg& each) {
        return each.goal == Goal::take && each.money == LegMoney::back && each.doing == Doing::rest &&
               each.stuck.empty();
    });
    if (!has_verdict(tx.phase) && gone != tx.legs.end()) {
        leg_no = gone->no;
        refuse({"given_back", "The payment was given back before the purchase was complete."});
        return true;
    }
    switch (tx.phase) {
        case Phase::authorising:
            why = "hold";
            if (now >= hold_limit()) return happen(On::hold_over);
            why = "declined";
            // It waits for Purchase; not where a second try may have been made since the copy that we go on
            // from.
            if (open_bundles && tx.policy.on_decline == OnDecline::again && tx.put_back == 0) return false;
            if (open_bundles && !tx.policy.partial) return happen(On::refused);
            if (nothing_left) return happen(On::none_left);
            if (every(covered)) return happen(On::all_covered);
            return false;
        case Phase::confirming:
            why = "hold";
            if (now >= hold_limit()) return happen(On::hold_over);
            why = "declined";
            if (open_bundles && !tx.policy.partial) return happen(On::refused);
            if (nothing_left) return happen(On::none_left);
            why = "not_confirmed";
            if (tx.confirm_by && now >= *tx.confirm_by) return happen(On::confirm_no);
            return false;
        case Phase::capturing:
            why = "capture";
            if (open_bundles && !tx.policy.partial) return happen(On::refused);
            if (nothing_left) return happen(On::none_left);
            if (every([](const Leg& each) { return covered(each) && each.money == LegMoney::taken; }))
                return happen(On::all_taken);
            why = "hold";
            if (now >= tx.held_until) return happen(On::hold_over);
            return false;
        case Phase::purchased: {
            const bool any = std::any_of(tx.legs.begin(), tx.legs.end(),
                                         [](const Leg& each) { return each.taken_minor > 0; });
            const bool back = std::all_of(tx.legs.begin(), tx.legs.end(), [](const Leg& each) {
                return each.money == LegMoney::back || each.money == LegMoney::none;
            });
            if (any && back) return happen(On::all_back);
            return false;
        }
        case Phase::reserved:
        case Phase::failed:
        case Phase::released:
        case Phase::cancelled:
            return false;
    }
    return false;
}

bool Deciding::plan_legs() {
    bool earlier_covered = true;
    for (const std::int64_t no : order()) {
        leg_no = no;
        const Leg& each = leg();
        const Facts& facts = facts_of(each);
        const bool before = each.goal == Goal::take;
        const bool may_begin =
            each.doing == Doing::rest && each.stuck.empty() && (!each.retry_at || now >= *each.retry_at);
        if (each.goal == Goal::give_back && each.doing == Doing::away) {
            verb = each.verb;
            return happen(LegOn::unwanted);
        }
        if (may_begin && each.look && facts.can_query) return begin(no, Verb::query), true;
        if (may_begin && each.goal == Goal::give_back) {
            if (each.money == LegMoney::held) return begin(no, Verb::void_hold), true;
            if (each.money == LegMoney::none && each.exposed && facts.can_close)
                return begin(no, Verb::close), true;
            if (each.money == LegMoney::taken && !facts.can_refund) {
                emit(Stuck{no, "this way of paying has no refund"});
                return true;
            }
            if (each.money == LegMoney::taken && open_refund() == nullptr) {
                emit(RefundAsked{.leg = no,
                                 .refund = next_refund_no(tx, each, terms.put_back_at),
                                 .amount = {each.taken_minor - each.back_minor, each.amount.currency},
                                 .items = {},
                                 .by = "kassi",
                                 .because = tx.why.empty() ? "not wanted any more" : tx.why});
                return true;
            }
        }
        if (may_begin && each.money == LegMoney::taken && open_refund() != nullptr &&
            (has_verdict(tx.phase) || each.goal == Goal::give_back))
            return begin(no, Verb::refund), true;
        // What lives in memory only is exchanged at once; the rest of that leg waits for its turn.
        if (before && tx.phase == Phase::authorising && each.money == LegMoney::none &&
            (earlier_covered || in_hand.contains(no)) && may_begin && !each.refused) {
            const Verb next = facts.has_open && !each.ready ? Verb::open
                              : facts.can_hold              ? Verb::authorise
                                                            : Verb::charge;
            const bool customer_first = (next == Verb::open && needs_browser_first(each, facts)) ||
                                        (waits_for_return(tx, each, facts) && !in_hand.contains(no));
            if (!customer_first || tx.customer_at_hand || went_on(each)) {
                if (!time_for(each, next)) {
                    why = "hold";
                    return happen(On::hold_over);
                }
                begin(no, next);
                return true;
            }
        }
        if (before && tx.phase == Phase::capturing && each.money == LegMoney::held && may_begin)
            return begin(no, Verb::capture), true;
        earlier_covered = earlier_covered && (!before || covered(each));
    }
    return false;
}

// ---- inputs -----------------------------------------------------------------------------------------------

namespace {

Error conflict(std::string field, std::string message) {
    return {ErrorKind::conflict, std::move(field), std::move(message)};
}

std::string bad_phase(const Transaction& transaction, std::string_view action) {
    return fmt::format("is {} and cannot be {}", word(transaction.phase), action);
}

std::optional<Error> check_hand_over(const HandOver& hand_over, Instant now) {
    if (hand_over.bundles.empty()) return bad_request("bundles", "must hold at least one bundle");
    if (hand_over.bundles.size() > limits::bundles_max)
        return bad_request("bundles", fmt::format("must hold at most {} bundles", limits::bundles_max));
    std::set<std::string> sources;
    std::set<std::int64_t> items;
    for (std::size_t i = 0; i < hand_over.bundles.size(); ++i) {
        const Bundle& bundle = hand_over.bundles[i];
        const std::string at = fmt::format("bundles[{}]", i);
        if (bundle.source.empty() || bundle.source.size() > limits::text_bytes_max)
            return bad_request(at + ".source",
                               fmt::format("must have 1 to {} bytes", limits::text_bytes_max));
        if (bundle.description.size() > limits::text_bytes_max)
            return bad_request(at + ".description",
                               fmt::format("must have at most {} bytes", limits::text_bytes_max));
        if (!sources.insert(bundle.source).second)
            return bad_request(at + ".source", "two bundles of one source: put their orders into one bundle");
        if (bundle.amount.minor < 0) return bad_request(at + ".amount", "must not be negative");
        if (bundle.amount.minor > payment_minor_max)
            return bad_request(at + ".amount",
                               fmt::format("must be at most {} minor units", payment_minor_max));
        if (bundle.amount.currency == Currency{}) return bad_request(at + ".currency", "is missing");
        if (bundle.orders.size() > limits::orders_per_bundle_max)
            return bad_request(at + ".orders",
                               fmt::format("must hold at most {} orders", limits::orders_per_bundle_max));
        std::int64_t sum = 0;
        for (std::size_t j = 0; j < bundle.orders.size(); ++j) {
            const Order& order = bundle.orders[j];
            const std::string order_at = fmt::format("{}.orders[{}]", at, j);
            if (!items.insert(order.item).second) return bad_request(order_at + ".item", "is used twice");
            if (order.amount.minor < 0 || order.amount.minor > payment_minor_max)
                return bad_request(order_at + ".amount",
                                   "must not be negative or larger than the bundle's amount");
            if (order.amount.currency != bundle.amount.currency)
                return bad_request(order_at + ".amount", "must be in the currency of the bundle");
            sum += order.amount.minor;
        }
        if (sum > bundle.amount.minor)
            return bad_request(at + ".orders", "add up to more than the amount of the bundle");
    }
    if (hand_over.held_until <= now) return bad_request("held_until", "is in the past");
    if (hand_over.held_until > now + limits::hold_max)
        return bad_request("held_until", fmt::format("is more than {} days away", limits::hold_max.count()));
    return std::nullopt;
}

/// A fact of the provider's answer to a call that is no longer open: only more money counts.
void hear_news(Deciding& d, LegMoney fact, std::optional<Money> amount, std::string evidence) {
    d.fact = fact;
    d.fact_amount = amount;
    d.evidence = std::move(evidence);
    d.verb = d.leg().verb;
    d.happen(fact > d.leg().money ? LegOn::more_money : LegOn::nothing_new);
}

class Handler {
  public:
    explicit Handler(Deciding& deciding) : d(deciding) {}

    std::optional<Error> operator()(const HandOver&) const { return std::nullopt; }  // decide() itself

    std::optional<Error> operator()(const Purchase& purchase) const {
        if (purchase_under_way(d.tx)) return send_again(purchase);
        const bool again = d.tx.phase == Phase::authorising;
        if (d.tx.phase != Phase::reserved && !again)
            return conflict("transaction", bad_phase(d.tx, "purchased"));
        const auto wanted = again ? uncovered(d.tx) : all_sources();
        if (d.now >= d.hold_limit()) return conflict("held_until", "the reservation has run out");
        if (auto error = check_plan(purchase, wanted)) return error;
        const auto before = d.tx.legs.size();
        d.happen(again ? On::again : On::purchase);
        for (std::size_t i = 0; i < purchase.legs.size(); ++i) {
            const LegPlan& plan = purchase.legs[i];
            if (plan.credential.kind.empty()) continue;
            d.leg_no = d.tx.legs[before + i].no;
            if (auto error = take_credential(d.leg(), plan.credential, "credentials." + plan.sources.front()))
                return error;
        }
        return std::nullopt;
    }

    std::optional<Error> operator()(const Return& back) const {
        const Leg* leg = find_leg(d.tx, back.leg);
        if (leg == nullptr) return Error{ErrorKind::not_found, "token", "no such callout"};
        d.leg_no = back.leg;
        if (!back.spent && back.next_token.empty() && needs_next_token(d.tx, d.papers, *leg, d.terms.flows))
            return bad_request("next_token", "is missing: the customer has another payment to make");
        d.fields = d.terms.flows.evidence(*leg, back.fields);
        // What comes with the next hop: its token, or none.
        if (!back.spent && d.papers.journey && d.papers.journey->via == ReturnVia::caller &&
            !back.next_token.empty() && !d.tx.customer_at_hand)
            d.papers.journey->token = back.next_token;
        d.verb = leg->verb;
        const bool away =
            leg->doing == Doing::away && leg->callout && leg->callout->no == back.callout && !back.spent;
        if (away) {
            d.papers.parcels[back.leg].returned = back.fields;
            d.mint_return_token();
            const Step step = d.terms.flows.resume(d.scene(leg->verb), Returned{back.fields});
            if (const auto* done = std::get_if<Done>(&step);
                done != nullptr && !done->credential.kind.empty())
                if (auto error = take_credential(*leg, done->credential,
                                                 field_with(back.fields, done->credential.value)))
                    return error;
            d.step = &step;
            const std::size_t before = d.out.events.size();
            d.happen(LegOn::returned);
            d.step = nullptr;
            if (returned_in(before)) spend(back);
            return std::nullopt;
        }
        // The callout was closed by evidence or by the clock before the browser came: its first return still
        // gets the state for an answer, and what it says is heard where it proves something.
        const bool first =
            !back.spent && leg->callout && leg->callout->no == back.callout && !leg->callout->returned;
        if (first) {
            const bool goes_on = d.papers.journey && !d.papers.journey->token.empty();
            auto fields = d.fields;
            d.emit(CustomerBack{back.leg, back.callout, std::move(fields),
                                goes_on || (d.tx.via == ReturnVia::kassi && !has_verdict(d.tx.phase))});
            spend(back);
        }
        if (d.facts().settled_by_return) {
            const Step step = d.terms.flows.resume(d.scene(leg->verb), Returned{back.fields});
            if (const auto* done = std::get_if<Done>(&step)) {
                hear_news(d, done->money, done->amount, "a return after the callout was over");
                return std::nullopt;
            }
        }
        if (!first) {
            d.evidence =
                back.spent ? "another return with a spent token" : "a return after the callout was over";
            d.happen(LegOn::nothing_new);
        }
        return std::nullopt;
    }

    std::optional<Error> operator()(const CustomerGoesOn& on) const {
        const Leg* leg = find_leg(d.tx, on.leg);
        const bool his = leg != nullptr && leg->callout && leg->callout->no == on.callout;
        if (!his) return Error{ErrorKind::gone, "callout", "this step of the payment is over"};
        if (!leg->callout->goes_on && !leg->callout->went_on)
            return conflict("callout", "is no page that the browser goes on from");
        // Twice, or later than the clock: how it stands is the answer.
        if (leg->doing != Doing::away || !leg->callout->goes_on) return std::nullopt;
        d.leg_no = on.leg;
        d.verb = leg->verb;
        const Step step = d.terms.flows.resume(d.scene(leg->verb), WentOn{on.fields});
        if (const auto* unknown = std::get_if<Unknown>(&step)) return bad_request("form", unknown->why);
        if (const auto* not_done = std::get_if<NotDone>(&step)) return bad_request("form", not_done->why);
        d.fields = d.terms.flows.evidence(*leg, on.fields);
        d.step = &step;
        d.happen(LegOn::went_on);
        d.step = nullptr;
        return std::nullopt;
    }

    std::optional<Error> operator()(const ConfirmAnswer& answer) const {
        if (answer.yes && d.tx.policy.confirm == Confirm::owner &&
            (d.tx.phase == Phase::capturing || d.tx.phase == Phase::purchased))
            return std::nullopt;  // said before
        if (d.tx.phase != Phase::confirming) return conflict("transaction", bad_phase(d.tx, "confirmed"));
        if (answer.yes) {
            for (const auto& [source, reference] : answer.references) {
                const auto known = std::any_of(d.tx.bundles.begin(), d.tx.bundles.end(),
                                               [&](const Bundle& b) { return b.source == source; });
                if (!known) return bad_request("references." + source, "is not a source of this transaction");
                if (reference.size() > limits::text_bytes_max)
                    return bad_request("references." + source,
                                       fmt::format("must have at most {} bytes", limits::text_bytes_max));
            }
            if (d.now >= d.hold_limit()) return conflict("held_until", "the reservation has run out");
            d.happen(On::confirm_yes);
        } else {
            d.why = "not_confirmed";
            d.emit(Confirmed{false, {}});
            d.happen(On::confirm_no);
        }
        return std::nullopt;
    }

    std::optional<Error> operator()(const Hold& hold) const {
        if (d.tx.phase != Phase::reserved && d.tx.phase != Phase::authorising &&
            d.tx.phase != Phase::confirming)
            return conflict("transaction", bad_phase(d.tx, "held any longer"));
        if (d.now >= d.tx.held_until) return conflict("held_until", "the reservation has run out");
        if (hold.held_until <= d.now) return bad_request("held_until", "is in the past");
        if (hold.held_until > d.now + limits::hold_max)
            return bad_request("held_until",
                               fmt::format("is more than {} days away", limits::hold_max.count()));
        if (hold.held_until == d.tx.held_until) return std::nullopt;
        if (hold.held_until < d.tx.held_until)
            return bad_request("held_until", "a hold can only be moved forward");
        d.emit(HoldMoved{hold.held_until});
        return std::nullopt;
    }

    std::optional<Error> operator()(const Release&) const {
        if (d.tx.phase == Phase::released) return std::nullopt;
        d.why = "released";
        if (!d.happen(On::released)) return conflict("transaction", bad_phase(d.tx, "released"));
        return std::nullopt;
    }

    std::optional<Error> operator()(const Cancel& cancel) const {
        if (d.tx.phase == Phase::cancelled) return std::nullopt;
        if (d.tx.phase != Phase::purchased) return conflict("transaction", bad_phase(d.tx, "cancelled"));
        for (const std::int64_t item : cancel.items) {
            const Order* order = find_order(item);
            if (order == nullptr)
                return bad_request("items", fmt::format("item {} is not in this transaction", item));
            if (!order->cancellable)
                return conflict("items", fmt::format("item {} cannot be cancelled", item));
        }
        struct Part {
            std::int64_t leg;
            std::int64_t minor = 0;
            std::vector<std::int64_t> items;
        };
        std::vector<Part> parts;
        for (const Leg& leg : d.tx.legs) {
            if (leg.goal != Goal::take || leg.money != LegMoney::taken || !leg.stuck.empty()) continue;
            Part part{leg.no, 0, {}};
            bool everything = true;
            for (const Bundle& bundle : d.tx.bundles) {
                if (std::find(leg.sources.begin(), leg.sources.end(), bundle.source) == leg.sources.end())
                    continue;
                for (const Order& order : bundle.orders) {
                    const bool wanted =
                        order.cancellable &&
                        (cancel.items.empty() || std::find(cancel.items.begin(), cancel.items.end(),
                                                           order.item) != cancel.items.end());
                    const bool before = cancelled_before(leg, order.item);
                    if (wanted && !before) {
                        part.minor += order.amount.minor;
                        part.items.push_back(order.item);
                    } else if (!before) {
                        everything = false;
                    }
                }
                if (bundle.orders.empty() && !cancel.items.empty()) everything = false;
            }
            const std::int64_t left = leg.taken_minor - leg.back_minor - pending(leg);
            // With its last order the rest of the bundle goes back too: what was sent along is not sent.
            if (everything && (!part.items.empty() || cancel.items.empty())) part.minor = left;
            part.minor = std::min(part.minor, left);
            if (part.minor > 0) parts.push_back(std::move(part));
        }
        for (const Part& part : parts) {
            const Leg& leg = d.leg_at(part.leg);
            if (auto error = can_refund(leg, part.minor, "items")) return error;
        }
        if (parts.empty() && !repeats(cancel))
            return conflict("items", "nothing of it can be cancelled and given back");
        for (Part& part : parts) {
            const Leg& leg = d.leg_at(part.leg);
            d.emit(RefundAsked{.leg = part.leg,
                               .refund = next_refund_no(d.tx, leg, d.terms.put_back_at),
                               .amount = {part.minor, leg.amount.currency},
                               .items = std::move(part.items),
                               .by = d.input.by,
                               .because = std::string(cancel_reason)});
        }
        if (!parts.empty()) d.happen(On::cancel);
        return std::nullopt;
    }

    std::optional<Error> operator()(const RefundOf& refund) const {
        if (d.tx.phase != Phase::purchased) return conflict("transaction", bad_phase(d.tx, "refunded"));
        const Leg* leg = find_leg(d.tx, refund.leg);
        if (leg == nullptr) return bad_request("leg", "is not in this transaction");
        if (leg->goal != Goal::take || leg->money != LegMoney::taken || !leg->stuck.empty())
            return conflict("leg",
                            fmt::format("its money is {}; there is nothing to refund", leg_word(*leg)));
        if (refund.by.empty()) return bad_request("by", "a refund wants a name");
        if (refund.because.empty()) return bad_request("because", "a refund wants a reason");
        if (refund.amount.currency != leg->amount.currency)
            return bad_request("currency", "is not the leg's currency");
        if (refund.amount.minor <= 0) return bad_request("amount", "must be larger than 0");
        if (refund.amount.minor > leg->taken_minor - leg->back_minor - pending(*leg))
            return bad_request("amount", "is more than what was taken and not yet given back");
        if (auto error = can_refund(*leg, refund.amount.minor, "amount")) return error;
        d.emit(RefundAsked{.leg = refund.leg,
                           .refund = next_refund_no(d.tx, *leg, d.terms.put_back_at),
                           .amount = refund.amount,
                           .items = {},
                           .by = refund.by,
                           .because = refund.because});
        d.happen(On::cancel);
        return std::nullopt;
    }

    std::optional<Error> operator()(const Settle& settle) const {
        const Leg* leg = find_leg(d.tx, settle.leg);
        if (leg == nullptr) return bad_request("leg", "is not in this transaction");
        if (settle.by.empty()) return bad_request("by", "settling wants a name");
        if (settle.because.empty()) return bad_request("because", "settling wants a reason");
        if (leg->doing != Doing::doubt && leg->stuck.empty())
            return conflict("leg", "is neither in doubt nor stuck; there is nothing to settle");
        if (settle.fact < leg->money && !(settle.fact == LegMoney::none && leg->money == LegMoney::held))
            return conflict("money", fmt::format("is known to be {} already", word(leg->money)));
        d.leg_no = settle.leg;
        d.verb = leg->verb;
        d.fact = settle.fact;
        d.happen(LegOn::settled);
        return std::nullopt;
    }

    std::optional<Error> operator()(const ForgetPerson& forget) const {
        if (forget.by.empty()) return bad_request("by", "forgetting wants a name");
        if (forget.because.empty()) return bad_request("because", "forgetting wants a reason");
        if (!has_verdict(d.tx.phase) || !settled(d.tx))
            return conflict("transaction",
                            "is not settled: what is still to be done may need who the customer is");
        if (d.tx.forgotten) return std::nullopt;
        d.emit(Forgotten{forget.by, forget.because});
        d.papers.journey.reset();
        return std::nullopt;
    }

    std::optional<Error> operator()(const Restored& restored) const {
        if (has_verdict(d.tx.phase) && settled(d.tx)) return std::nullopt;
        PutBack put_back{restored.copied_at, {}};
        for (const Leg& leg : d.tx.legs)
            if (may_have_gone_on(leg) && (d.facts_of(leg).can_query || leg.doing == Doing::away))
                put_back.legs.push_back(leg.no);
        d.emit(std::move(put_back));
        for (std::size_t i = 0; i < d.tx.legs.size(); ++i)
            if (may_have_gone_on(d.tx.legs[i])) take_up_again(d.tx.legs[i]);
        // Who was to pay, or pay again, may have done so since, in a leg that nobody here knows.
        const bool open_to_all =
            d.tx.phase == Phase::reserved || (d.tx.phase == Phase::authorising && !uncovered(d.tx).empty());
        d.why = "restored";
        if (open_to_all) d.happen(On::released);
        return std::nullopt;
    }

    std::optional<Error> operator()(const Answer& answer) const {
        const Leg* leg = find_leg(d.tx, answer.leg);
        if (leg == nullptr) return Error{ErrorKind::not_found, "leg", "no such leg"};
        d.leg_no = answer.leg;
        const bool same = leg->call && leg->call->no == answer.call;
        const bool open = same && (leg->doing == Doing::call || leg->doing == Doing::doubt);
        d.verb = open ? leg->verb : leg->call ? leg->call->verb : leg->verb;
        if (open && leg->doing == Doing::doubt && std::holds_alternative<Silence>(answer.heard))
            return std::nullopt;
        if (!open && std::holds_alternative<Silence>(answer.heard)) return std::nullopt;
        const Step step = d.terms.flows.resume(d.scene(d.verb), answer.heard);
        if (open) {
            d.take_step(step);
            return std::nullopt;
        }
        const auto* done = std::get_if<Done>(&step);
        const auto* declined = std::get_if<Declined>(&step);
        const auto* waiting = std::get_if<Waiting>(&step);
        if (same)
            learn(done       ? done->references
                  : declined ? declined->references
                  : waiting  ? waiting->references
                             : References{});
        // A superseded call of another verb may be read wrongly: only its own verb's money counts.
        if (done != nullptr && same &&
            (takes_money(d.verb) || d.verb == Verb::refund || d.verb == Verb::query) &&
            d.verb != Verb::refund)
            hear_news(d, done->money, done->amount, "a late answer");
        else
            hear_news(d, LegMoney::none, std::nullopt, "a late answer");
        return std::nullopt;
    }

    std::optional<Error> operator()(const Notice& notice) const {
        const Leg* leg = find_leg(d.tx, notice.leg);
        if (leg == nullptr) return Error{ErrorKind::not_found, "leg", "no such leg"};
        d.leg_no = notice.leg;
        d.verb = leg->verb;
        // It may bear our reference and yet speak of another session: that proves nothing about ours.
        const bool of_another =
            std::any_of(notice.references.begin(), notice.references.end(), [&](const auto& said) {
                const auto* known = find_field(leg->references, said.first);
                return known != nullptr && *known != said.second;
            });
        // A hold that nobody wants: the news of it may be older than its end, and the provider knows.
        const bool may_be_over =
            notice.fact == LegMoney::held && leg->money == LegMoney::none && leg->goal == Goal::give_back &&
            (leg->doing != Doing::call || leg->verb == Verb::query || leg->verb == Verb::close) &&
            d.facts().can_query;
        // From before the record was put back, perhaps: the provider is asked anyway.
        const bool old = leg->restored && d.facts().can_query;
        const Trust trust = of_another || may_be_over || old ? Trust::hint : notice.trust;
        for (const auto& [kind, reference] : notice.references)
            if (!of_another) d.out.references.push_back({notice.leg, leg->merchant, reference});
        // It may come before the answer that names them, and what follows needs them.
        if (!of_another && notice.trust == Trust::proof) learn(notice.references);
        // A hint is asked about by the name of the event, maybe later.
        if (d.facts().notice_trust == Trust::hint && !notice.event_id.empty() && hints_of(*leg) < hints_max)
            learn({{std::string(event_kind), notice.event_id}});
        if (notice.dispute) {
            d.emit(Noted{notice.leg, notice.evidence, {}, true});
            return std::nullopt;
        }
        const bool proof = trust == Trust::proof;
        bool heard = false;
        if (proof && notice.fact > leg->money) {
            hear_news(d, notice.fact, notice.amount, notice.evidence);
            heard = true;
        }
        d.evidence = notice.evidence;
        d.fact_amount = notice.given_back;
        if (proof && notice.given_back && d.happen(LegOn::more_back)) heard = true;
        if (proof && !notice.refund_failed.empty() && d.open_refund() == nullptr) {
            d.why = notice.refund_failed;
            if (d.happen(LegOn::back_again)) heard = true;
        }
        if (heard) return std::nullopt;
        // A hint, or a proof that nothing was paid while we wait for the customer or are in doubt: we ask.
        const bool waiting = leg->doing == Doing::away || leg->doing == Doing::doubt;
        const bool news = tells_news(notice, *leg);
        const bool worth_asking = trust == Trust::hint
                                      ? news || leg->doing != Doing::rest
                                      : waiting && notice.worth_a_look && notice.fact == LegMoney::none;
        if (worth_asking && d.happen(LegOn::hint)) return std::nullopt;
        d.evidence = "notice: " + notice.evidence;
        const bool of_refunds =
            notice.fact == LegMoney::back || notice.given_back || !notice.refund_failed.empty();
        const bool calling = leg->doing == Doing::call;
        const bool hinted = d.facts().notice_trust == Trust::hint && news && !of_refunds && calling;
        // The answer to an open look may be older than this; that to the payment itself mostly is what was
        // hinted at, and only a refusal is doubted.
        const bool looking = leg->verb == Verb::query || leg->verb == Verb::close;
        if (hinted && takes_money(leg->verb))
            learn({{std::string(hinted_kind), std::string(word(notice.fact))}});
        d.look_later =
            ((news && of_refunds) || may_be_over || (hinted && looking)) && calling && d.facts().can_query;
        d.happen(LegOn::nothing_new);
        return std::nullopt;
    }

    std::optional<Error> operator()(const Visited& visited) const {
        if (find_leg(d.tx, visited.leg) == nullptr) return Error{ErrorKind::not_found, "leg", "no such leg"};
        d.emit(VisitDone{visited.leg, visited.callout, visited.outcome});
        return std::nullopt;
    }

    std::optional<Error> operator()(const Due& due) const {
        // What was in doubt before; what becomes doubtful now waits for its own time.
        std::vector<std::int64_t> doubts;
        for (const Leg& leg : d.tx.legs)
            if (leg.doing == Doing::doubt && leg.recheck_at && d.now >= *leg.recheck_at)
                doubts.push_back(leg.no);
        // With a card that is lost the purchase may be: before anything more is begun for it.
        for (std::size_t i = 0; i < d.tx.legs.size(); ++i) end_call(d.tx.legs[i], due);
        // What the clock says of the transaction decides what its legs still want.
        if (d.tx.phase != Phase::reserved) d.plan();
        if (d.tx.phase == Phase::reserved && d.now >= d.tx.held_until) {
            d.why = "hold";
            d.happen(On::hold_over);
        }
        for (std::size_t i = 0; i < d.tx.legs.size(); ++i) end_absence(d.tx.legs[i]);
        // Money is asked for again last, when it is known whether it is still wanted.
        for (const bool money : {false, true}) {
            if (doubts.empty()) break;
            if (d.tx.phase != Phase::reserved) d.plan();
            std::erase_if(doubts, [&](std::int64_t no) {
                const Leg& leg = d.leg_at(no);
                if (takes_money(leg.verb) != money) return false;
                d.leg_no = no;
                d.verb = leg.verb;
                if (leg.doing == Doing::doubt) d.happen(LegOn::recheck);
                return true;
            });
        }
        return std::nullopt;
    }

  private:
    static constexpr std::string_view cancel_reason = "cancelled";
    Deciding& d;

    /// Silent for too long, or nobody works on it.
    void end_call(const Leg& leg, const Due& due) const {
        if (leg.doing != Doing::call) return;
        d.leg_no = leg.no;
        d.verb = leg.verb;
        d.unattended =
            std::find(due.unattended.begin(), due.unattended.end(), leg.no) != due.unattended.end();
        if (d.unattended || (leg.call && d.now >= leg.call->silent_at)) d.happen(LegOn::silence);
        d.unattended = false;
    }
    /// The customer stays away.
    void end_absence(const Leg& leg) const {
        if (leg.doing != Doing::away) return;
        d.leg_no = leg.no;
        d.verb = leg.verb;
        if (leg.callout->grace_until) {
            if (d.now >= *leg.callout->grace_until) d.happen(LegOn::grace_over);
        } else if (d.now >= leg.callout->until) {
            d.happen(LegOn::callout_over);
        }
    }

    /// Since the copy was made, at the provider. What the house itself takes is in the copy, all of it.
    [[nodiscard]] bool may_have_gone_on(const Leg& leg) const {
        const Facts& facts = d.facts_of(leg);
        if (facts.house_credit || !leg.stuck.empty()) return false;
        if (leg.doing != Doing::rest) return true;
        const bool to_be_taken =
            leg.goal == Goal::take && !has_verdict(d.tx.phase) && !leg.refused && leg.money != LegMoney::back;
        const bool to_be_ended =
            leg.goal == Goal::give_back &&
            (leg.money == LegMoney::held || leg.money == LegMoney::taken || (leg.exposed && facts.can_close));
        return to_be_taken || to_be_ended || pending(leg) > 0;
    }
    void take_up_again(const Leg& leg) const {
        d.leg_no = leg.no;
        d.verb = leg.verb;
        const bool can_query = d.facts().can_query;
        switch (leg.doing) {
            case Doing::call:
                d.unattended = true;
                d.happen(LegOn::silence);
                d.unattended = false;
                return;
            case Doing::away:
                // Whoever cannot be asked still tells by the customer's return.
                if (can_query) d.happen(LegOn::hint);
                return;
            case Doing::doubt:
                return;
            case Doing::rest:
                break;
        }
        if (can_query) return;  // the planner asks
        if (leg.goal == Goal::take && leg.money == LegMoney::none)
            d.refuse(
                {"restored", "Whether this was paid for is not known: the record is a copy from before."});
        d.emit(Stuck{leg.no, std::string(copy_is_old)});
    }

    /// Of the money, that was not known.
    static bool tells_news(const Notice& notice, const Leg& leg) {
        if (notice.fact > leg.money) return true;
        if (leg.money < LegMoney::taken) return false;
        return !notice.refund_failed.empty() ||
               (notice.given_back && notice.given_back->minor != leg.back_minor);
    }

    using References = std::vector<std::pair<std::string, std::string>>;
    static constexpr std::int64_t hints_max = 8;  ///< of a leg: anybody can send them
    static std::int64_t hints_of(const Leg& leg) {
        return std::count_if(leg.references.begin(), leg.references.end(),
                             [](const auto& reference) { return reference.first == event_kind; });
    }
    /// The provider's names for the payment that the leg did not know before.
    void learn(const References& told) const {
        References fresh;
        for (const auto& reference : told)
            if (std::find(d.leg().references.begin(), d.leg().references.end(), reference) ==
                d.leg().references.end())
                fresh.push_back(reference);
        if (!fresh.empty())
            d.emit(Noted{d.leg_no, "the provider's names for it", {}, false, std::move(fresh)});
    }
    /// Which returned field brought it; "" none alone.
    static std::string field_with(const Fields& fields, std::string_view value) {
        const auto found = std::find_if(fields.begin(), fields.end(),
                                        [&](const auto& field) { return field.second == value; });
        return value.empty() || found == fields.end() ? std::string{} : found->first;
    }
    /// Into the leg's parcel, and spent in this commit where it is good for one payment. `field` "": as the
    /// flow spells it.
    [[nodiscard]] std::optional<Error> take_credential(const Leg& leg, const Credential& credential,
                                                       const std::string& field) const {
        const auto admitted = d.terms.flows.admit(d.tx, leg, credential, d.now);
        if (!admitted) {
            Error error = admitted.error();
            // What is wrong inside of it keeps its name: credentials.ext_test0.card.expiry.
            const bool is_inside = error.field.starts_with(credential.kind + ".");
            if (!field.empty()) error.field = is_inside ? field + "." + error.field : field;
            return error;
        }
        if (!admitted->key.empty()) {
            const auto scope = admitted->everywhere ? std::string(credential_scope) + ":" + credential.kind
                                                    : std::string(credential_scope) + leg.merchant;
            for (const Spent& spent : d.out.spent)
                if (spent.scope == scope && spent.key == admitted->key)
                    return bad_request(field, "pays for another bundle already: it is good for one payment");
            d.out.spent.push_back({scope, admitted->key, field});
        }
        const auto& kept_in_memory = d.facts_of(leg).volatile_credentials;
        if (std::find(kept_in_memory.begin(), kept_in_memory.end(), credential.kind) != kept_in_memory.end())
            d.in_hand[leg.no] = credential;
        else
            d.papers.parcels[leg.no].credential = credential;
        return std::nullopt;
    }
    /// A merchant, or a kind that is the same with all of them: no merchant's name has a colon.
    static constexpr std::string_view credential_scope = "credential:";

    /// Something of what is asked for was cancelled before, and all that could be.
    [[nodiscard]] bool repeats(const Cancel& cancel) const {
        const auto before = [this](auto test) {
            return std::any_of(d.tx.legs.begin(), d.tx.legs.end(), test);
        };
        if (cancel.items.empty())
            return before([](const Leg& leg) {
                return std::any_of(leg.refunds.begin(), leg.refunds.end(), [](const Refund& refund) {
                    return refund.state != RefundState::failed && refund.because == cancel_reason;
                });
            });
        bool some = false;
        for (const std::int64_t item : cancel.items) {
            const bool done = before([item](const Leg& leg) { return cancelled_before(leg, item); });
            if (!done && before([&](const Leg& leg) { return could_give_back(leg, item); })) return false;
            some = some || done;
        }
        return some;
    }
    /// Money is left of the leg that paid for the item.
    [[nodiscard]] bool could_give_back(const Leg& leg, std::int64_t item) const {
        if (leg.goal != Goal::take || leg.money != LegMoney::taken) return false;
        if (leg.taken_minor - leg.back_minor - pending(leg) <= 0) return false;
        return std::any_of(d.tx.bundles.begin(), d.tx.bundles.end(), [&](const Bundle& bundle) {
            return std::find(leg.sources.begin(), leg.sources.end(), bundle.source) != leg.sources.end() &&
                   std::any_of(bundle.orders.begin(), bundle.orders.end(),
                               [item](const Order& order) { return order.item == item; });
        });
    }
    /// Purchase asked again while it is under way: nothing, unless it brings a way back for a customer who
    /// got lost between two payments.
    [[nodiscard]] std::optional<Error> send_again(const Purchase& purchase) const {
        const Leg* waiting = waits_for_browser(d.tx, d.terms.flows);
        if (waiting == nullptr || !purchase.journey) return std::nullopt;
        KASSI_ENSURE(purchase.legs.empty());
        if (!d.time_for(*waiting, Verb::open))
            return conflict("held_until", "the hold is too short to send the customer to pay");
        d.happen(On::again);
        return std::nullopt;
    }
    [[nodiscard]] std::vector<std::string> all_sources() const {
        std::vector<std::string> sources;
        for (const Bundle& bundle : d.tx.bundles)
            if (bundle.amount.minor > 0) sources.push_back(bundle.source);
        return sources;
    }
    /// Every wanted bundle in exactly one leg; currency and facts fit; time is left for a callout.
    [[nodiscard]] std::optional<Error> check_plan(const Purchase& purchase,
                                                  const std::vector<std::string>& wanted) const {
        std::set<std::string> seen;
        if (d.tx.legs.size() + purchase.legs.size() > limits::legs_max)
            return conflict("transaction", "was tried too often");
        for (const LegPlan& plan : purchase.legs) {
            Leg probe;
            probe.merchant = plan.merchant;
            probe.flow = plan.flow;
            probe.credential = plan.credential.kind;
            const Facts& facts = d.terms.flows.facts(probe);
            const std::string first = plan.sources.empty() ? std::string{} : plan.sources.front();
            std::optional<Currency> currency;
            for (const std::string& source : plan.sources) {
                const bool known = std::find(wanted.begin(), wanted.end(), source) != wanted.end();
                if (!known || !seen.insert(source).second)
                    return bad_request("ways." + source, "is not a bundle that waits for a payment");
                for (const Bundle& bundle : d.tx.bundles) {
                    if (bundle.source != source) continue;
                    if (currency && *currency != bundle.amount.currency)
                        return bad_request("ways." + source, "one payment cannot have two currencies");
                    currency = bundle.amount.currency;
                    if (auto error = check_step(bundle.amount, facts, plan.merchant, "ways." + source))
                        return error;
                }
            }
            if (currency && !facts.currencies.empty() &&
                std::find(facts.currencies.begin(), facts.currencies.end(), currency->code()) ==
                    facts.currencies.end())
                return bad_request("ways." + first,
                                   fmt::format("{} does not take {}", plan.merchant, currency->code()));
            const bool missing = lacks_credential(probe, facts);
            if (missing && !plan.credential.kind.empty())
                return bad_request("credentials." + first,
                                   fmt::format("is a {}, and {} takes none",
                                               name_for_error(plan.credential.kind, "kind that nobody knows"),
                                               plan.merchant));
            const auto& alone = facts.pays_from_memory;
            if (purchase.legs.size() > 1 &&
                std::find(alone.begin(), alone.end(), plan.credential.kind) != alone.end())
                return bad_request("credentials." + first + "." + plan.credential.kind,
                                   "must be the only payment of the purchase: it is not kept, and so cannot "
                                   "wait for another");
            if (missing && facts.must_bring_credential)
                return bad_request("credentials." + first + "." + facts.credentials.front(),
                                   fmt::format("is missing: {} takes nothing without it", plan.merchant));
            if (missing && !purchase.journey)
                return bad_request("credentials." + first,
                                   fmt::format("is missing: {} wants a {}, or return details so that the "
                                               "customer can be asked for it",
                                               plan.merchant, facts.credentials.front()));
            const bool browser = needs_browser_first(probe, facts);
            if (browser && !purchase.journey)
                return bad_request("return", "is missing: this way of paying sends the customer away");
            if (browser && d.callout_until(probe) - d.now < d.terms.times.callout_min)
                return conflict("held_until", "the hold is too short to send the customer to pay");
            if (!d.time_for(probe, facts.can_hold ? Verb::authorise : Verb::charge))
                return conflict("held_until", "the hold is too short to take the money");
        }
        if (seen.size() != wanted.size()) {
            for (const std::string& source : wanted)
                if (!seen.contains(source))
                    return bad_request("ways." + source, "nobody takes the money of this bundle");
        }
        return std::nullopt;
    }
    static std::optional<Error> check_step(const Money& amount, const Facts& facts,
                                           const std::string& merchant, const std::string& field) {
        for (const auto& [code, step] : facts.steps) {
            if (code != amount.currency.code()) continue;
            if (step == 0) return bad_request(field, fmt::format("{} does not take {}", merchant, code));
            if (amount.minor % step != 0)
                return bad_request(field, fmt::format("{} takes {} in steps of {} only", merchant, code,
                                                      money_for_people({step, amount.currency})));
        }
        return std::nullopt;
    }
    [[nodiscard]] bool returned_in(std::size_t first) const {
        for (std::size_t i = first; i < d.out.events.size(); ++i)
            if (std::holds_alternative<CustomerBack>(d.out.events[i])) return true;
        return false;
    }
    void spend(const Return& back) const {
        d.out.token_spent = TokenSpent{back.leg, back.callout, fields_digest(back.fields)};
        const auto& callout = d.leg_at(back.leg).callout;
        if (d.papers.journey && callout && callout->no == back.callout &&
            (callout->goes_on || callout->went_on))
            d.papers.journey->way_back.clear();
    }
    [[nodiscard]] const Order* find_order(std::int64_t item) const {
        for (const Bundle& bundle : d.tx.bundles)
            for (const Order& order : bundle.orders)
                if (order.item == item) return &order;
        return nullptr;
    }
    static bool cancelled_before(const Leg& leg, std::int64_t item) {
        return std::any_of(leg.refunds.begin(), leg.refunds.end(), [item](const Refund& refund) {
            return refund.state != RefundState::failed &&
                   std::find(refund.items.begin(), refund.items.end(), item) != refund.items.end();
        });
    }
    static std::int64_t pending(const Leg& leg) {
        std::int64_t minor = 0;
        for (const Refund& refund : leg.refunds)
            if (refund.state == RefundState::asked) minor += refund.amount.minor;
        return minor;
    }
    /// `field` says how much it is.
    [[nodiscard]] std::optional<Error> can_refund(const Leg& leg, std::int64_t minor,
                                                  const std::string& field) const {
        const Facts& facts = d.facts_of(leg);
        if (!facts.can_refund) return conflict("leg", leg.merchant + " has no refund");
        if (!facts.can_refund_part && minor < leg.taken_minor)
            return conflict("amount", leg.merchant + " refunds the whole payment only");
        return check_step({minor, leg.amount.currency}, facts, leg.merchant, field);
    }
};

}  // namespace

Result<Decision> decide(const Transaction* transaction, const Papers& papers, const Input& input, Instant now,
                        const Terms& terms) {
    const auto* hand_over = std::get_if<HandOver>(&input.body);
    KASSI_ENSURE((transaction == nullptr) == (hand_over != nullptr));
    Deciding deciding(transaction == nullptr ? Transaction{} : *transaction, papers, input, now, terms);
    if (hand_over != nullptr) {
        if (auto error = check_hand_over(*hand_over, now)) return *error;
        auto bundles = hand_over->bundles;
        std::sort(bundles.begin(), bundles.end(),
                  [](const Bundle& left, const Bundle& right) { return left.source < right.source; });
        deciding.emit(HandedOver{hand_over->id, hand_over->system, hand_over->caller, std::move(bundles),
                                 hand_over->policy, hand_over->held_until, hand_over->customer_digest,
                                 hand_over->document_digest});
    } else {
        if (auto error = std::visit(Handler{deciding}, input.body)) return *error;
        deciding.plan();
        if (deciding.out.events.empty() && input.keyed)
            deciding.emit(Noted{0, "asked again, with nothing left to do", {}, false});
    }
    deciding.close_what_is_over();
    Transaction& next = deciding.tx;
    for (const Leg& leg : next.legs) {
        deciding.leg_no = leg.no;
        deciding.forget_parcel_if_at_rest();
    }
    if (!deciding.out.events.empty()) {
        ++next.version;
        if (!input.tracking.empty()) next.tracking = input.tracking;
    }
    // A browser that comes late to our own door still needs to be sent on; everything else of the way is
    // forgotten.
    if (auto& journey = deciding.papers.journey;
        has_verdict(next.phase) && journey && journey->via == ReturnVia::caller) {
        Journey rest;
        rest.way_back = std::move(journey->way_back);
        journey.reset();
        if (!rest.way_back.empty()) journey = std::move(rest);
    }
    deciding.out.next = std::move(next);
    deciding.out.papers = std::move(deciding.papers);
    return std::move(deciding.out);
}

std::optional<Instant> due_at(const Transaction& transaction, const Terms& terms) {
    std::optional<Instant> earliest;
    const auto consider = [&earliest](Instant at) {
        if (!earliest || at < *earliest) earliest = at;
    };
    switch (transaction.phase) {
        case Phase::reserved:
            consider(transaction.held_until);
            break;
        case Phase::confirming:
            if (transaction.confirm_by) consider(*transaction.confirm_by);
            [[fallthrough]];
        case Phase::authorising:
            consider(transaction.held_until - terms.times.hold_margin);
            break;
        case Phase::capturing:
            if (transaction.policy.confirm == Confirm::none) consider(transaction.held_until);
            break;
        case Phase::purchased:
        case Phase::failed:
        case Phase::released:
        case Phase::cancelled:
            break;
    }
    for (const Leg& leg : transaction.legs) {
        switch (leg.doing) {
            case Doing::rest:
                if (const auto at = next_try_at(leg)) consider(*at);
                break;
            case Doing::call:
                if (leg.call) consider(leg.call->silent_at);
                break;
            case Doing::away:
                if (leg.callout) consider(leg.callout->grace_until.value_or(leg.callout->until));
                break;
            case Doing::doubt:
                if (leg.recheck_at) consider(*leg.recheck_at);
                break;
        }
    }
    return earliest;
}

std::vector<LedgerEntry> ledger_of(const Transaction& after, const std::vector<Event>& events) {
    std::vector<LedgerEntry> entries;
    const auto add = [&](std::int64_t no, std::string kind, const Money& amount) {
        const Leg* leg = find_leg(after, no);
        KASSI_ENSURE(leg != nullptr);
        entries.push_back({no, leg->merchant, std::move(kind), amount});
    };
    for (const Event& event : events) {
        if (const auto* held = std::get_if<Held>(&event))
            add(held->leg, "held", held->amount);
        else if (const auto* gone = std::get_if<HoldGone>(&event))
            add(gone->leg, "hold_gone", gone->amount);
        else if (const auto* taken = std::get_if<Taken>(&event))
            add(taken->leg, "taken", taken->amount);
        else if (const auto* back = std::get_if<GivenBack>(&event))
            add(back->leg, "given_back", back->amount);
    }
    return entries;
}

}  // namespace kassi::core
