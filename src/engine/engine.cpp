#include "engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/crypto.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/doubts.hpp"
#include "engine/lanes.hpp"
#include "engine/retention.hpp"
#include "engine/returns.hpp"

namespace kassi::engine {

using core::Decision;
using core::Input;
using core::Transaction;
using store::CommitOutcome;
using store::Loaded;
using LoadedPtr = std::shared_ptr<const Loaded>;
using store::Unit;

bool answerable(const Transaction& transaction, Until until) {
    const auto busy = [](const core::Leg& leg) {
        return leg.doing == core::Doing::call ||
               (leg.doing == core::Doing::rest && leg.retry_at.has_value() && leg.stuck.empty());
    };
    const bool any_busy = std::any_of(transaction.legs.begin(), transaction.legs.end(), busy);
    if (until == Until::rest) return !any_busy;
    if (core::has_verdict(transaction.phase) || transaction.phase == core::Phase::confirming) return true;
    if (transaction.phase == core::Phase::reserved || core::leg_away(transaction) != nullptr) return true;
    if (any_busy) return false;
    // Nothing goes on without the caller: another way of paying is wanted, or a doubt takes its time.
    return true;
}

bool at_work(const Transaction& transaction, Until until) {
    if (!answerable(transaction, until)) return true;
    const bool in_doubt = std::any_of(transaction.legs.begin(), transaction.legs.end(),
                                      [](const core::Leg& leg) { return leg.doing == core::Doing::doubt; });
    const bool says_something = core::has_verdict(transaction.phase) ||
                                transaction.phase == core::Phase::confirming ||
                                core::leg_away(transaction) != nullptr;
    return in_doubt && (until == Until::rest || !says_something);
}

View view_of(const Loaded& record) {
    View view;
    view.transaction = record.transaction;
    if (const core::Leg* leg = core::leg_away(record.transaction)) {
        const auto parcel = record.papers.parcels.find(leg->no);
        if (parcel != record.papers.parcels.end()) view.callout = parcel->second.callout;
        view.callout_leg = leg->no;
    }
    return view;
}

namespace {

/// The kind of the credential that came for all bundles, when none came for a single one.
std::optional<std::string> kind_of_shared(const PurchaseRequest& request) {
    if (!request.shared_credential || !request.credentials.empty()) return std::nullopt;
    return request.shared_credential->kind;
}

/// "credentials.ext_test0.card.expiry" of a card that came for all bundles: "credential.card.expiry".
Error spelled_as_shared(Error error, std::string_view kind) {
    if (!error.field.starts_with("credentials.")) return error;
    const auto inside = error.field.find("." + std::string(kind), std::string_view("credentials").size());
    error.field = inside == std::string::npos ? "credential" : "credential" + error.field.substr(inside);
    return error;
}

Input input_of(core::InputBody body, std::string by, std::string tracking = {}) {
    Input input;
    input.body = std::move(body);
    input.by = std::move(by);
    input.tracking = std::move(tracking);
    return input;  // run() adds the fresh tokens
}

struct CallKey {
    TransactionId id;
    std::int64_t leg;
    std::int64_t call;
    auto operator<=>(const CallKey&) const = default;
};

}  // namespace

struct Engine::State {
    explicit State(Parts given)
        : parts(std::move(given)),
          terms{parts.registry, parts.settings.times, parts.settings.public_url,
                parts.store.origin().restored_at, &provider_times},
          call_lanes(parts.clock, later(),
                     {parts.settings.merchant_calls_at_once_max, parts.settings.merchant_calls_waiting_max}),
          visit_lane(parts.clock, later(), {visits_at_once_max, visits_waiting_max}) {}

    [[nodiscard]] Lanes::After later() {
        return [this](Millis delay, std::function<void()> callback) {
            parts.outside.after(delay, std::move(callback));
        };
    }

    Parts parts;
    /// Of answers to our calls, the last of each merchant: no more than there are merchants. Not the latest
    /// that was ever said: one wrong date would stay for good.
    core::ProviderTimes provider_times;
    core::Terms terms;
    Lanes call_lanes;  ///< by merchant
    Lanes visit_lane;
    /// The calls that we are working on, each with the number of those who are: of two decisions at once that
    /// mean the same call one commits, and the other must not take it from the first.
    std::map<CallKey, int> open_calls;
    void take_up(const CallKey& call) { ++open_calls[call]; }
    void let_go(const CallKey& call) {
        const auto open = open_calls.find(call);
        if (open != open_calls.end() && --open->second == 0) open_calls.erase(open);
    }
    struct Waiter {
        Until until;
        std::uint64_t number;
        std::int64_t seen;  ///< the version that was not answerable yet
        std::function<void(Result<View>)> done;
        std::shared_ptr<void> timer;
    };
    std::unordered_map<TransactionId, std::vector<Waiter>, IdHash> waiters;
    std::uint64_t next_waiter = 0;
    std::size_t waiter_count = 0;
    std::optional<Instant> armed;
    std::set<TransactionId> due_running;
    std::map<TransactionId, Instant> not_before;  ///< Due found nothing to do: look again later
    bool stopping = false;
    bool putting_back = false;  ///< the clock moves nothing before every transaction has heard of it
    Metrics metrics;
    Doubts doubts;
    std::optional<Retention> retention;  ///< after the engine that it asks
    SweepReport* sweeping = nullptr;

    store::Store& store() { return parts.store; }
    Instant now() const { return parts.clock.now(); }

    // ---- one input: load, decide, commit, act, answer ----------------------------------------------------
    struct Job {
        TransactionId id;
        bool create = false;
        std::function<Result<Input>(const Loaded*)> make;  ///< asked again after a conflict
        std::vector<store::Claim> claims;
        std::optional<std::string> customer_json, document_json;
        std::function<void(Result<LoadedPtr>)> done;  ///< the state after the commit
        std::vector<core::Event> events;              ///< of the commit
        bool due = false;
        bool credit_exhausted = false;
        bool token_taken = false;
        int tries = 0;
    };
    static constexpr int conflict_tries_max = 100;

    /// Of a decision, what is needed when it is on the disk.
    struct Kept {
        std::vector<core::Event> events;
        std::vector<core::Effect> effects;
        std::vector<core::ReferenceKnown> references;
        LoadedPtr before;  ///< nullptr: it is new
    };

    void run(std::shared_ptr<Job> job) {
        LoadedPtr loaded;
        if (!job->create) {
            loaded = store().load(job->id);
            if (!loaded) return job->done(Error{ErrorKind::not_found, "transaction", "no such transaction"});
        }
        auto input = job->make(loaded.get());
        if (!input) return job->done(input.error());
        // A hand-over sends nobody away.
        if (!job->create) {
            input->fresh_return_token = crypto::mint_token(parts.randomness);
            input->fresh_page_token = crypto::mint_token(parts.randomness);
        }
        input->keyed = !job->claims.empty();
        input->credit_exhausted = job->credit_exhausted;
        input->token_taken = job->token_taken;
        static const core::Papers none;
        const Instant at = now();
        auto decision = core::decide(loaded ? &loaded->transaction : nullptr, loaded ? loaded->papers : none,
                                     *input, at, terms);
        if (!decision) return job->done(decision.error());
        if (decision->events.empty())
            return job->done(std::make_shared<const Loaded>(
                Loaded{std::move(decision->next), std::move(decision->papers)}));
        for (const auto& spent : decision->spent) {
            const auto found = store().find_claim({spent.scope, spent.key, ""});
            if (!found) continue;
            // By this very transaction, a moment after it was loaded: decided again, it is no longer asked
            // for.
            const bool overtaken = loaded && found->transaction == job->id &&
                                   found->version > loaded->transaction.version &&
                                   ++job->tries <= conflict_tries_max;
            if (overtaken) return run(job);
            return job->done(bad_request(spent.field, "was used before: it is good for one payment"));
        }

        Unit unit;
        unit.version_read = loaded ? loaded->transaction.version : 0;
        unit.row = core::row_of(*input, *decision, at);
        unit.claims = job->claims;
        for (const auto& spent : decision->spent) unit.claims.push_back({spent.scope, spent.key, ""});
        unit.due_at = core::due_at(decision->next, terms);
        unit.settled = core::settled(decision->next);
        unit.in_doubt = std::any_of(decision->next.legs.begin(), decision->next.legs.end(),
                                    [](const core::Leg& leg) { return leg.doing == core::Doing::doubt; });
        unit.needs_person = core::needs_person(decision->next);
        unit.customer_json = job->customer_json;
        unit.document_json = job->document_json;
        unit.credit = credit_of(*decision, loaded ? &loaded->transaction : nullptr);
        auto kept = std::make_shared<Kept>(
            Kept{decision->events, std::move(decision->effects), decision->references, loaded});
        unit.decision = std::move(*decision);
        // What we are about to work on is ours from the commit on, so that no Due takes it for abandoned.
        for (const auto& effect : kept->effects)
            if (const auto* call = std::get_if<core::CallEffect>(&effect))
                take_up({job->id, call->leg, call->call});
        const std::string by = input->by, name(core::input_name(input->body));
        ++metrics.commits_open;
        store().commit(std::move(unit), [this, job, kept, by, name](const CommitOutcome& outcome) {
            --metrics.commits_open;
            committed(job, *kept, outcome, by, name);
        });
    }

    /// Its calls are not begun by us.
    void leave_alone(const TransactionId& id, const Kept& kept) {
        for (const auto& effect : kept.effects) {
            const auto* call = std::get_if<core::CallEffect>(&effect);
            if (call == nullptr) continue;
            let_go({id, call->leg, call->call});
        }
    }

    void committed(const std::shared_ptr<Job>& job, Kept& kept, const CommitOutcome& outcome,
                   const std::string& by, const std::string& name) {
        using Kind = CommitOutcome::Kind;
        if (outcome.kind != Kind::committed) leave_alone(job->id, kept);
        switch (outcome.kind) {
            case Kind::committed:
                break;
            case Kind::version_conflict:
                ++metrics.conflicts;
                if (++job->tries > conflict_tries_max)
                    return job->done(Error{ErrorKind::unavailable, "",
                                           "too much is happening to this transaction; try again"});
                return run(job);
            case Kind::claimed:
                // Spent by another transaction at this very moment: found, and said, when it is decided
                // again.
                if (outcome.index >= job->claims.size()) return run(job);
                // An earlier request has the key: whoever asked looks for what it led to.
                return job->done(Error{ErrorKind::conflict, "Idempotency-Key", "is in use"});
            case Kind::token_taken:
                if (job->token_taken)
                    return job->done(Error{ErrorKind::internal, "", "the return token was refused twice"});
                job->token_taken = true;
                return run(job);
            case Kind::credit_exhausted:
                if (job->credit_exhausted)
                    return job->done(Error{ErrorKind::internal, "", "the credit limit was refused twice"});
                job->credit_exhausted = true;
                return run(job);
            case Kind::unavailable:
                return job->done(
                    Error{ErrorKind::unavailable, "", "nothing can be recorded at the moment; try again"});
        }
        ++metrics.commits;
        const Transaction& next = outcome.after->transaction;
        const Transaction* before = kept.before ? &kept.before->transaction : nullptr;
        std::string events;
        for (const auto& event : kept.events) {
            if (!events.empty()) events += ' ';
            events += core::event_name(event);
            if (std::holds_alternative<core::CallDoubted>(event)) ++metrics.doubts;
            if (std::holds_alternative<core::Forgotten>(event)) ++metrics.forgotten;
        }
        log::info("moved", {{"transaction", next.id.text()},
                            {"caller", next.caller},
                            {"input", name},
                            {"by", by},
                            {"phase", core::word(next.phase)},
                            {"events", events},
                            {"tracking", next.tracking}});
        doubts.moved(before, next);
        if (sweeping != nullptr) count(*sweeping, before, next, kept.events);
        act(next, kept);
        arm_for(core::due_at(next, terms));
        for (const auto& reference : kept.references) match(reference.merchant, reference.reference);
        job->events = std::move(kept.events);
        answer_waiters(*outcome.after);
        job->done(outcome.after);
    }

    std::vector<Unit::Credit> credit_of(const Decision& decision, const Transaction* before) const {
        std::vector<Unit::Credit> credit;
        // Held is owed from the moment that it is held: the limit holds under any number of purchases at
        // once.
        std::set<std::int64_t> held;
        if (before != nullptr)
            for (const auto& leg : before->legs)
                if (leg.money == core::LegMoney::held) held.insert(leg.no);
        for (auto& entry : core::ledger_of(decision.next, decision.events)) {
            const core::Leg* leg = core::find_leg(decision.next, entry.leg);
            if (!parts.registry.facts(*leg).house_credit) continue;
            std::int64_t delta = 0;
            if (entry.kind == "held") {
                delta = entry.amount.minor;
                held.insert(entry.leg);
            } else if (entry.kind == "hold_gone") {
                delta = -entry.amount.minor;
                held.erase(entry.leg);
            } else if (entry.kind == "taken") {
                delta = held.contains(entry.leg) ? 0 : entry.amount.minor;
            } else {
                delta = -entry.amount.minor;
            }
            std::optional<std::int64_t> limit;
            if (const Caller* caller = parts.directory.caller(decision.next.caller)) {
                const auto found = caller->credit_limits.find(std::string(entry.amount.currency.code()));
                if (found != caller->credit_limits.end() && delta > 0) limit = found->second;
            }
            credit.push_back({decision.next.caller, std::move(entry), delta, limit});
        }
        return credit;
    }

    // ---- effects
    // -------------------------------------------------------------------------------------------
    void act(const Transaction& now_is, const Kept& kept) {
        // What was meant is in the journal; the next start takes it up.
        if (stopping) return leave_alone(now_is.id, kept);
        for (const auto& effect : kept.effects) {
            if (const auto* call = std::get_if<core::CallEffect>(&effect))
                do_call(now_is, *call);
            else if (const auto* visit = std::get_if<core::VisitEffect>(&effect))
                do_visit(now_is.id, *visit);
        }
    }

    void do_call(const Transaction& transaction, const core::CallEffect& call) {
        const core::Leg* leg = core::find_leg(transaction, call.leg);
        KASSI_ENSURE(leg != nullptr && leg->call);
        // Later, the clock could take it for unanswered while it is still open.
        const Instant latest = leg->call->silent_at - call.budget - call_margin;
        const auto now_open =
            std::make_shared<OpenCall>(OpenCall{transaction.id, transaction.tracking, call});
        call_lanes.enter(
            call.merchant, latest, [this, now_open] { send(now_open); },
            [this, now_open](std::string why) {
                heard(now_open, core::Silence{.sent = false, .why = std::move(why)});
            });
    }

    /// A call that was meant, until its answer is recorded.
    struct OpenCall {
        TransactionId id;
        std::string tracking;
        core::CallEffect effect;
        int tries = 0;  ///< to record the answer
    };

    void send(const std::shared_ptr<OpenCall>& call) {
        auto& effect = call->effect;
        const providers::Merchant* merchant = parts.registry.merchant(effect.merchant);
        KASSI_ENSURE(merchant != nullptr);
        const providers::Flow* flow = parts.registry.flow(merchant->provider);
        KASSI_ENSURE(flow != nullptr);
        HttpRequest request = flow->dress(std::exchange(effect.request, {}), *merchant);
        // So that one payment can be followed through the logs of both houses.
        if (!call->tracking.empty()) request.headers.emplace_back("X-Request-Id", call->tracking);
        ++metrics.calls;
        ++metrics.calls_open;
        log::info("call", {{"transaction", call->id.text()},
                           {"merchant", effect.merchant},
                           {"step", effect.step},
                           {"tracking", call->tracking}});
        parts.outside.call(std::move(request), effect.budget, [this, call](core::Heard what) {
            --metrics.calls_open;
            call_lanes.leave(call->effect.merchant);
            heard(call, std::move(what));
        });
    }

    void heard(const std::shared_ptr<OpenCall>& call, core::Heard what) {
        std::string outcome;
        if (const auto* answered = std::get_if<core::Answered>(&what)) {
            outcome = fmt::format("{}", answered->response.status);
            if (const auto date = parse_http_date(answered->response.header("Date")))
                provider_times.insert_or_assign(call->effect.merchant, *date);
        } else if (const auto* silence = std::get_if<core::Silence>(&what)) {
            outcome = (silence->sent ? "silence: " : "not sent: ") + silence->why;
        }
        log::info("answer", {{"transaction", call->id.text()},
                             {"step", call->effect.step},
                             {"outcome", outcome},
                             {"tracking", call->tracking}});
        record(call, std::make_shared<const core::Heard>(std::move(what)));
    }

    void record(const std::shared_ptr<OpenCall>& call, const std::shared_ptr<const core::Heard>& what) {
        auto job = std::make_shared<Job>();
        job->id = call->id;
        job->make = [call, what](const Loaded*) -> Result<Input> {
            return input_of(core::Answer{call->effect.leg, call->effect.call, *what}, "provider");
        };
        job->done = [this, call, what](const Result<LoadedPtr>& after) {
            const bool again = !after && after.error().kind == ErrorKind::unavailable && !stopping &&
                               ++call->tries < answer_tries_max;
            // What a provider said is not thrown away because there was no room for it.
            if (again)
                return parts.outside.after(answer_retry_pause, [this, call, what] { record(call, what); });
            // Let go only now, when the answer is recorded: until then nobody may take the call for
            // abandoned.
            let_go({call->id, call->effect.leg, call->effect.call});
            if (after) return;
            log::warning("answer_lost", {{"transaction", call->id.text()}, {"why", after.error().message}});
            arm_for(now());
        };
        run(job);
    }

    void do_visit(const TransactionId& id, const core::VisitEffect& visit) {
        const std::int64_t leg = visit.leg, callout = visit.callout;
        const auto over = [this, id, leg, callout](const std::string& outcome) {
            auto job = std::make_shared<Job>();
            job->id = id;
            job->make = [leg, callout, outcome](const Loaded*) -> Result<Input> {
                return input_of(core::Visited{leg, callout, outcome}, "clock");
            };
            job->done = [](const Result<LoadedPtr>&) {};
            run(job);
        };
        visit_lane.enter(
            "", now() + visit_wait_max,
            [this, url = visit.url, over] {
                ++metrics.visits;
                parts.outside.visit(url, parts.settings.visit_loopback_only,
                                    [this, over](const std::string& outcome) {
                                        visit_lane.leave("");
                                        over(outcome);
                                    });
            },
            [this, over](const std::string& why) {
                if (!stopping) over("no answer: " + why);
            });
    }

    static constexpr std::size_t matched_at_once_max = 200;
    /// Notices whose reference became known while nobody could hear them.
    void match_those_left() {
        for (const auto& kept : store().matched_since(matched_at_once_max)) hear_kept(kept);
    }

    /// A notice that came before its reference was known.
    void match(const std::string& merchant, const std::string& reference) {
        for (const auto& kept : store().unmatched(merchant, reference)) hear_kept(kept);
    }
    void hear_kept(const store::UnmatchedNotice& kept) {
        const auto notice = store::parse_notice(kept.json);
        const auto found = store().find_leg(kept.merchant, kept.reference);
        if (!notice || !found) return;
        hear_notice(found->transaction, found->leg, kept.merchant, kept.event_id, *notice,
                    [this, merchant = kept.merchant, event = kept.event_id](const Result<NoticeHeard>& done) {
                        if (done) store().drop_unmatched(merchant, event);
                    });
    }

    void hear_notice(const TransactionId& id, std::int64_t leg, const std::string& merchant,
                     const std::string& event_id, core::Notice notice, Done<NoticeHeard> done) {
        notice.leg = leg;
        auto job = std::make_shared<Job>();
        job->id = id;
        const store::Claim claim{"notice:" + merchant, event_id, ""};
        job->claims.push_back(claim);
        job->make = [notice](const Loaded*) -> Result<Input> { return input_of(notice, "provider"); };
        job->done = [this, claim, done](const Result<LoadedPtr>& after) {
            if (after) return done(NoticeHeard{});
            const auto known = if_readable([&] { return store().find_claim(claim); });
            if (!known) return done(not_readable());
            if (*known) return done(NoticeHeard{.repeated = true});
            done(after.error());
        };
        run(job);
    }

    // ---- the clock
    // -----------------------------------------------------------------------------------------
    void arm_for(std::optional<Instant> at) {
        if (!at || stopping || putting_back) return;
        if (armed && *armed <= *at) return;
        armed = at;
        parts.outside.wake_at(at, [this] { wake(); });
    }

    void wake() {
        armed.reset();
        if (stopping) return;
        look_at_due([this] { arm_again(); });
    }

    void arm_again() {
        const Instant moment = now();
        std::erase_if(not_before, [moment](const auto& entry) { return entry.second <= moment; });
        auto next = store().next_due();
        if (!next) return;
        // Those that found nothing to do just now must not keep us awake.
        if (*next <= moment) {
            bool other = false;
            for (const auto& id : store().due(moment, not_before.size() + due_running.size() + 1))
                other = other || (!not_before.contains(id) && !due_running.contains(id));
            if (!other) next = moment + std::chrono::seconds(1);
        }
        arm_for(next);
    }

    static constexpr std::size_t due_batch_max = 200;    ///< begun without a pause for others
    static constexpr std::size_t due_running_max = 800;  ///< begun and not on the disk yet

    /// Begins Due for what is due now; answers with their number. `done` after each that was decided.
    std::size_t begin_due(const std::function<void()>& done) {
        const std::size_t room = due_running_max - std::min(due_running.size(), due_running_max);
        const std::size_t batch = std::min(due_batch_max, room);
        if (batch == 0) return 0;
        std::size_t begun = 0;
        // Behind those that are looked at just now, or are to be left alone for a moment, there may be
        // others.
        const std::size_t passed_over = due_running.size() + not_before.size();
        for (const auto& id : store().due(now(), batch + passed_over)) {
            if (begun == batch) break;
            if (due_running.contains(id)) continue;
            const auto skip = not_before.find(id);
            if (skip != not_before.end() && skip->second > now()) continue;
            ++begun;
            run_due(id, done);
        }
        return begun;
    }

    /// Due for everything that is due now, up to a batch; `done` when all were decided.
    void look_at_due(std::function<void()> done) {
        // One more than there are, so that none that is decided at once is taken for the last.
        auto left = std::make_shared<std::size_t>(1);
        const auto finish = [left, done = std::move(done)](std::size_t ready) {
            if ((*left -= ready) == 0) done();
        };
        *left += due_batch_max;
        const std::size_t begun = begin_due([finish] { finish(1); });
        finish(due_batch_max - begun + 1);
    }

    void run_due(const TransactionId& id, std::function<void()> done) {
        due_running.insert(id);
        auto job = std::make_shared<Job>();
        job->id = id;
        auto version = std::make_shared<std::int64_t>(0);
        job->make = [this, id, version](const Loaded* loaded) -> Result<Input> {
            core::Due due;
            *version = loaded->transaction.version;
            for (const auto& leg : loaded->transaction.legs)
                if (leg.doing == core::Doing::call && !open_calls.contains({id, leg.no, leg.calls}))
                    due.unattended.push_back(leg.no);
            return input_of(due, "clock");
        };
        job->done = [this, id, version, done](const Result<LoadedPtr>& after) {
            due_running.erase(id);
            if (!after || (*after)->transaction.version == *version)
                not_before[id] = now() + std::chrono::seconds(5);
            if (!after)
                log::warning("due_failed", {{"transaction", id.text()}, {"why", after.error().message}});
            done();
        };
        run(job);
    }

    // ---- a copy that was put back
    // --------------------------------------------------------------------------------------------------
    [[nodiscard]] std::vector<TransactionId> all_open() {
        std::vector<TransactionId> all;
        store::ListFilter filter;
        filter.settled = false;
        filter.limit = store::list_page_max;
        for (;;) {
            const auto page = store().list(filter);
            all.insert(all.end(), page.begin(), page.end());
            if (page.size() < filter.limit) return all;
            filter.after = page.back();
        }
    }

    struct PuttingBack {
        Instant copied_at{};
        std::vector<TransactionId> left;
        std::int64_t done_with = 0;
        std::function<void(Result<std::int64_t>)> done;
    };
    void put_back_next(const std::shared_ptr<PuttingBack>& work) {
        if (work->left.empty()) {
            putting_back = false;
            return work->done(work->done_with);
        }
        auto job = std::make_shared<Job>();
        job->id = work->left.back();
        work->left.pop_back();
        job->make = [work](const Loaded*) -> Result<Input> {
            return input_of(core::Restored{work->copied_at}, "restored");
        };
        job->done = [this, work](const Result<LoadedPtr>& after) {
            if (!after) return work->done(after.error());
            ++work->done_with;
            put_back_next(work);
        };
        run(job);
    }

    /// Due for what a crash left open, not more at once than the clock brings.
    void take_up(const std::shared_ptr<const std::vector<TransactionId>>& abandoned, std::size_t from) {
        if (from >= abandoned->size() || stopping) return arm_again();
        const std::size_t to = std::min(abandoned->size(), from + due_batch_max);
        auto left = std::make_shared<std::size_t>(to - from);
        for (std::size_t i = from; i < to; ++i)
            run_due((*abandoned)[i], [this, abandoned, left, to] {
                if (--*left == 0) take_up(abandoned, to);
            });
    }

    // ---- the end of a life, and the sweep: looked at again and again, by a timer that holds what it needs
    void wait_for_calls(Instant until, std::function<void()> done) {
        if (open_calls.empty() || now() >= until) return done();
        static constexpr Millis pause{20};
        parts.outside.after(pause, [this, until, done = std::move(done)] { wait_for_calls(until, done); });
    }

    struct Sweep {
        SweepReport report;
        Instant until{};
        std::function<void(const std::string&)> progress;
        std::function<void(SweepReport)> done;
    };

    void sweep_round(const std::shared_ptr<Sweep>& sweep) {
        const std::size_t looked = begin_due([] {});
        sweep->report.looked_at += static_cast<std::int64_t>(looked);
        if (sweep->progress && looked > 0)
            sweep->progress(fmt::format("{} looked at", sweep->report.looked_at));
        // What the clock began counts, too.
        const bool rests = looked == 0 && due_running.empty() && open_calls.empty();
        if (rests || now() >= sweep->until)
            return retention->run(sweep->until, [this, sweep](std::int64_t forgotten) {
                sweep->report.forgotten = forgotten;
                sweep_end(*sweep);
            });
        // While there is more, others have their turn and no more; the disk is kept busy meanwhile.
        const Millis pause{looked > 0 ? 0 : 10};
        parts.outside.after(pause, [this, sweep] { sweep_round(sweep); });
    }

    void sweep_end(Sweep& sweep) {
        sweeping = nullptr;
        SweepReport& report = sweep.report;
        const auto counts = store().counts();
        report.still_open = counts.open;
        report.needs_person = counts.needs_person;
        store::ListFilter filter;
        filter.needs_person = true;
        for (const auto& id : store().list(filter)) {
            const auto loaded = store().load(id);
            if (loaded)
                report.lines.push_back(fmt::format("{} needs a person: {}", loaded->transaction.reference,
                                                   core::explain(loaded->transaction, now(), terms).summary));
        }
        store().expire(now(), [](std::int64_t) {});
        match_those_left();
        arm_again();
        sweep.done(std::move(report));
    }

    // ---- waiting doors
    // ---------------------------------------------------------------------------------------
    void answer_waiters(const Loaded& after) {
        const auto found = waiters.find(after.transaction.id);
        if (found == waiters.end()) return;
        std::vector<Waiter> ready;
        std::erase_if(found->second, [&](Waiter& waiter) {
            // A commit is told of a moment after it can be read: what the waiter saw may be newer.
            if (after.transaction.version < waiter.seen) return false;
            if (!answerable(after.transaction, waiter.until)) return false;
            waiter.timer.reset();
            ready.push_back(std::move(waiter));
            return true;
        });
        waiter_count -= ready.size();
        if (found->second.empty()) waiters.erase(found);
        for (auto& waiter : ready) waiter.done(view_of(after));
    }

    void waited_enough(const TransactionId& id, std::uint64_t number) {
        const auto found = waiters.find(id);
        if (found == waiters.end()) return;
        const auto waiter = std::find_if(found->second.begin(), found->second.end(),
                                         [number](const Waiter& each) { return each.number == number; });
        if (waiter == found->second.end()) return;
        auto late = std::move(waiter->done);
        found->second.erase(waiter);
        --waiter_count;
        if (found->second.empty()) waiters.erase(found);
        const auto present = store().load(id);
        if (present)
            late(view_of(*present));
        else
            late(Error{ErrorKind::not_found, "transaction", "no such transaction"});
    }

    // ---- return tokens of callers
    std::optional<store::TokenFound> token_of(std::string_view caller, std::string_view token) {
        auto found = store().find_token(caller, token);
        if (found || caller.empty()) return found;
        found = store().find_token("", token);
        if (!found || found->page) return std::nullopt;
        const auto loaded = store().load(found->transaction);
        return loaded && loaded->transaction.caller == caller ? found : std::nullopt;
    }
    Result<store::TokenFound> page_of(std::string_view page_token) {
        const bool proper = page_token.size() <= limits::return_token_bytes_max;
        auto found = proper ? store().find_token("", page_token) : std::nullopt;
        if (!found || !found->page) return Error{ErrorKind::not_found, "token", "no such page"};
        return *found;
    }
    /// The token leads to another callout that is still open: who comes with it must not be mistaken.
    std::optional<Error> in_use(std::string_view caller, std::string_view token, std::string field) {
        const auto live = store().find_token(caller, token);
        if (!live || live->spent) return std::nullopt;
        return bad_request(std::move(field), "is in use for another callout that is still open");
    }
    /// A browser that went away with this token may still come back with what belongs to another payment.
    bool used_here(const Loaded& loaded, std::string_view token) {
        const auto known = store().find_token(loaded.transaction.caller, token);
        return known && known->transaction == loaded.transaction.id;
    }
    [[nodiscard]] bool takes(const std::string& merchant, const std::string& kind) const {
        const core::Facts* facts = kind.empty() ? nullptr : parts.registry.facts_of(merchant);
        return facts != nullptr && std::find(facts->credentials.begin(), facts->credentials.end(), kind) !=
                                       facts->credentials.end();
    }
    static Currency currency_of(const Transaction& transaction, std::string_view source) {
        for (const auto& bundle : transaction.bundles)
            if (bundle.source == source) return bundle.amount.currency;
        return {};
    }
    /// Into the payment of the same merchant and currency that the same credential pays; false: there is
    /// none.
    static bool join(std::vector<core::LegPlan>& legs, const Transaction& transaction,
                     const std::string& source, const std::string& merchant,
                     const core::Credential& credential) {
        for (auto& leg : legs) {
            if (leg.merchant != merchant || leg.credential != credential ||
                currency_of(transaction, leg.sources.front()) != currency_of(transaction, source))
                continue;
            leg.sources.push_back(source);
            return true;
        }
        return false;
    }
    /// Of a caller's ways the first that takes what the customer pays with; the first of all where none does.
    [[nodiscard]] std::string first_that_takes(const std::vector<std::string>& allowed,
                                               const std::string& kind) const {
        for (const auto& name : allowed)
            if (takes(name, kind)) return name;
        return allowed.front();
    }
    [[nodiscard]] bool lacks_credential(const std::vector<core::LegPlan>& legs) const {
        return std::any_of(legs.begin(), legs.end(), [this](const core::LegPlan& plan) {
            core::Leg leg;
            leg.credential = plan.credential.kind;
            const core::Facts* facts = parts.registry.facts_of(plan.merchant);
            return facts != nullptr && core::lacks_credential(leg, *facts);
        });
    }
    Result<core::Journey> journey_for(const ReturnDetails& details, const Caller& caller) {
        auto journey = journey_of(details, caller, parts.settings);
        if (!journey || journey->token.empty()) return journey;
        if (auto error = in_use(caller.name, journey->token, "return_token")) return *error;
        return journey;
    }
    std::optional<Error> check_next_token(const Loaded& loaded, const std::string& token) {
        if (auto error = check_return_token(token, "next_token")) return error;
        if (used_here(loaded, token))
            return bad_request("next_token", "was used before for this transaction");
        return in_use(loaded.transaction.caller, token, "next_token");
    }

    // ---- idempotency
    // -----------------------------------------------------------------------------------------
    using StateAt = std::function<Result<Transaction>(const TransactionId&, std::int64_t)>;

    /// `id`: of the transaction that the request is about.
    static store::Claim claim_of(const Meta::Once& once, const std::optional<TransactionId>& id) {
        return {once.scope, once.key, once.fingerprint, once.by_transaction ? id : std::nullopt};
    }

    /// What an earlier request with this key led to. Nullopt: the key is new.
    std::optional<Result<View>> replay(const std::optional<Meta::Once>& once,
                                       const std::optional<TransactionId>& id, const StateAt& state_at) {
        if (!once) return std::nullopt;
        const auto found = store().find_claim(claim_of(*once, id));
        if (!found) return std::nullopt;
        if (!found->same_fingerprint || (id && *id != found->transaction))
            return Result<View>(
                Error{ErrorKind::conflict, "Idempotency-Key", "was used before with another request"});
        auto then = state_at(found->transaction, found->version);
        if (!then) return Result<View>(then.error());
        View view;
        const auto present = store().load(found->transaction);
        if (present) view = view_of(*present);
        // A callout that is still open is shown as it was; one that is over is no longer an address to go to.
        const core::Leg* away = core::leg_away(*then);
        const core::Leg* away_now = present ? core::leg_away(present->transaction) : nullptr;
        if (away == nullptr || away_now == nullptr || away->no != away_now->no ||
            away->callout->no != away_now->callout->no) {
            view.callout.reset();
            view.callout_leg = 0;
        }
        view.transaction = std::move(*then);
        view.replayed = true;
        return Result<View>(std::move(view));
    }

    /// After a commit nobody catches what the record throws. Nullopt: it cannot be read, and whoever asked is
    /// to ask again.
    template <class Read>
    static auto if_readable(const Read& read) -> std::optional<decltype(read())> {
        try {
            return read();
        } catch (const std::exception& caught) {
            log::error("record_not_readable", {{"why", caught.what()}});
            return std::nullopt;
        }
    }
    static Error not_readable() {
        return Error{ErrorKind::unavailable, "", "the record cannot be read at the moment; try again"};
    }

    /// Nearly every key is new: nobody looks for it before, since the commit finds that it is not, and
    /// vanishes. What comes to nothing, by this or by whatever else has changed meanwhile, is answered by
    /// what an earlier request with the key led to.
    Done<View> or_replayed(const Meta& meta, const std::optional<TransactionId>& id, StateAt state_at,
                           Done<View> done) {
        if (!meta.once) return done;
        return [this, once = meta.once, id, state_at = std::move(state_at),
                done = std::move(done)](Result<View> view) {
            if (view) return done(std::move(view));
            auto known = if_readable([&] { return replay(once, id, state_at); });
            if (!known) return done(not_readable());
            done(*known ? std::move(**known) : std::move(view));
        };
    }

    Result<Transaction> replay_until(const TransactionId& id, std::int64_t version,
                                     const std::function<bool(const Transaction&)>& enough) {
        Transaction transaction;
        for (const auto& stored : store().journal(id)) {
            auto row = core::parse_row(stored.json);
            if (!row) return row.error();
            core::apply_row(transaction, *row);
            if (transaction.version >= version && enough(transaction)) return transaction;
        }
        if (transaction.version == 0)
            return Error{ErrorKind::not_found, "transaction", "no such transaction"};
        return transaction;
    }
    Result<Transaction> state_at(const TransactionId& id, std::int64_t version) {
        return replay_until(id, version, [](const Transaction&) { return true; });
    }
    Result<Transaction> rest_at(const TransactionId& id, std::int64_t version, Until until) {
        return replay_until(id, version,
                            [until](const Transaction& transaction) { return !at_work(transaction, until); });
    }

    std::string digest(const std::string& text) const { return crypto::keyed_digest(parts.digest_key, text); }

    static void count(SweepReport& report, const Transaction* before, const Transaction& next,
                      const std::vector<core::Event>& events) {
        bool visited = false;
        for (const auto& event : events) visited = visited || std::holds_alternative<core::VisitMeant>(event);
        if (visited) {
            ++report.visited;
            report.lines.push_back(fmt::format("{} the return URL is visited", next.reference));
        }
        const bool was_settled = before != nullptr && core::settled(*before);
        if (before != nullptr && before->phase == core::Phase::reserved &&
            next.phase == core::Phase::released) {
            ++report.released;
            report.lines.push_back(fmt::format("{} released: the reservation ran out", next.reference));
        } else if (!was_settled && core::settled(next)) {
            ++report.settled;
            report.lines.push_back(fmt::format("{} settled: {}{}{}", next.reference, core::word(next.phase),
                                               next.why.empty() ? "" : ", ", next.why));
        }
    }

    void submit_job(const TransactionId& id, core::InputBody body, const Meta& meta, Until until,
                    Done<View> done) {
        const auto at = [this, until](const TransactionId& which, std::int64_t version) {
            return rest_at(which, version, until);
        };
        auto job = std::make_shared<Job>();
        job->id = id;
        if (meta.once) job->claims.push_back(claim_of(*meta.once, id));
        job->make = [body = std::move(body), meta](const Loaded*) -> Result<Input> {
            return input_of(body, meta.by, meta.tracking);
        };
        job->done = tell(*job, or_replayed(meta, id, at, std::move(done)));
        run(job);
    }

    /// For the one who asked: the state after the commit, and what was his doing. The job outlives its
    /// `done`.
    static std::function<void(Result<LoadedPtr>)> tell(const Job& job, Done<View> done) {
        return [&job, done = std::move(done)](const Result<LoadedPtr>& after) {
            if (!after) return done(after.error());
            View view = view_of(**after);
            view.events = job.events;
            done(std::move(view));
        };
    }
};

std::shared_ptr<void> Outside::timer(Millis delay, std::function<void()> callback) {
    auto kept = std::make_shared<std::function<void()>>(std::move(callback));
    after(delay, [weak = std::weak_ptr(kept)] {
        if (const auto alive = weak.lock()) (*alive)();
    });
    return kept;
}

Engine::Engine(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {
    state_->retention.emplace(*this, state_->parts.outside);
}
Engine::~Engine() = default;

void Engine::start() {
    State& s = *state_;
    // Nothing but Due for what nobody is working on: there is no second code path (design.md section 1).
    const auto open = s.store().with_open_call();
    if (!open.empty()) log::info("recovery", {{"open_calls", std::to_string(open.size())}});
    s.doubts.load(s.store());
    s.retention->start();
    s.match_those_left();
    s.take_up(std::make_shared<const std::vector<TransactionId>>(open), 0);
}

void Engine::restored(Instant copied_at, std::function<void(Result<std::int64_t>)> done) {
    State& s = *state_;
    s.putting_back = true;
    s.terms.put_back_at = s.parts.clock.now();
    const auto work = std::make_shared<State::PuttingBack>();
    *work = {copied_at, s.all_open(), 0, std::move(done)};
    s.put_back_next(work);
}

void Engine::stop(Millis patience, std::function<void()> done) {
    State& s = *state_;
    s.stopping = true;
    s.retention->stop();
    s.parts.outside.wake_at(std::nullopt, {});
    // Doors that still wait get what is known; the work goes on from the journal after the next start.
    auto waiters = std::move(s.waiters);
    s.waiters.clear();
    s.waiter_count = 0;
    for (auto& [id, list] : waiters) {
        const auto loaded = s.store().load(id);
        for (auto& waiter : list) {
            if (loaded)
                waiter.done(view_of(*loaded));
            else
                waiter.done(Error{ErrorKind::unavailable, "", "shutting down"});
        }
    }
    s.call_lanes.close();
    s.visit_lane.close();
    s.wait_for_calls(s.now() + patience, std::move(done));
}

void Engine::clock_moved() {
    state_->armed.reset();
    state_->not_before.clear();
    state_->wake();
}

void Engine::hand_over(HandOverRequest request, Meta meta, Done<View> done) {
    State& s = *state_;
    const auto at = [&s](const TransactionId& id, std::int64_t version) { return s.state_at(id, version); };
    done = s.or_replayed(meta, std::nullopt, at, std::move(done));
    const Caller* caller = s.parts.directory.caller(request.caller);
    if (caller == nullptr || caller->system != request.system)
        return done(bad_request("caller", "is not a caller of this system"));
    for (std::size_t i = 0; i < request.bundles.size(); ++i) {
        const std::string& source = request.bundles[i].source;
        if (!s.parts.directory.sources.empty() && s.parts.directory.source(source) == nullptr)
            return done(bad_request(fmt::format("bundles[{}].source", i), "is not a known source"));
        if (request.bundles[i].amount.minor > 0 && s.parts.directory.ways(*caller, source).empty())
            return done(
                bad_request(fmt::format("bundles[{}].source", i), "this caller has no way of paying for it"));
    }
    if (request.document_json.size() > limits::document_bytes_max)
        return done(Error{ErrorKind::too_large, "document",
                          fmt::format("must have at most {} bytes", limits::document_bytes_max)});
    if (request.customer_json.size() > limits::customer_bytes_max)
        return done(Error{ErrorKind::too_large, "customer",
                          fmt::format("must have at most {} bytes", limits::customer_bytes_max)});
    auto job = std::make_shared<State::Job>();
    job->create = true;
    job->id = TransactionId::make(s.now(), s.parts.randomness);
    if (meta.once) job->claims.push_back(State::claim_of(*meta.once, std::nullopt));
    if (!request.customer_json.empty()) job->customer_json = request.customer_json;
    if (!request.document_json.empty()) job->document_json = request.document_json;
    core::HandOver hand_over{.id = job->id,
                             .system = request.system,
                             .caller = request.caller,
                             .bundles = std::move(request.bundles),
                             .policy = request.policy.value_or(caller->policy),
                             .held_until = request.held_until,
                             .customer_digest = s.digest(request.customer_json),
                             .document_digest = s.digest(request.document_json)};
    job->make = [hand_over = std::move(hand_over), meta](const Loaded*) -> Result<Input> {
        return input_of(hand_over, meta.by, meta.tracking);
    };
    job->done = State::tell(*job, std::move(done));
    s.run(job);
}

void Engine::purchase(TransactionId id, PurchaseRequest request, Meta meta, Done<View> done) {
    State& s = *state_;
    const auto at = [&s](const TransactionId& which, std::int64_t version) {
        return s.rest_at(which, version, Until::answer);
    };
    const auto shared_kind = kind_of_shared(request);
    if (shared_kind)
        done = [shared_kind, done = std::move(done)](Result<View> view) {
            if (view) return done(std::move(view));
            done(Result<View>(spelled_as_shared(view.error(), *shared_kind)));
        };
    done = s.or_replayed(meta, id, at, std::move(done));
    if (request.customer_json.size() > limits::customer_bytes_max)
        return done(Error{ErrorKind::too_large, "customer",
                          fmt::format("must have at most {} bytes", limits::customer_bytes_max)});
    auto job = std::make_shared<State::Job>();
    job->id = id;
    if (meta.once) job->claims.push_back(State::claim_of(*meta.once, id));
    job->make = [&s, request = std::move(request), meta,
                 asked = job.get()](const Loaded* loaded) -> Result<Input> {
        const Transaction& transaction = loaded->transaction;
        const bool under_way = core::purchase_under_way(transaction);
        asked->customer_json.reset();
        core::Purchase purchase;
        const Caller* caller = s.parts.directory.caller(transaction.caller);
        if (under_way) {
            // Nothing that came along is looked at or kept, whoever was faster, but a new way back for a
            // customer who is needed and not at hand.
            const bool lost = core::waits_for_browser(transaction, s.parts.registry) != nullptr;
            if (lost && request.returns && caller != nullptr &&
                !s.used_here(*loaded, request.returns->token)) {
                auto journey = s.journey_for(*request.returns, *caller);
                if (!journey) return journey.error();
                purchase.journey = std::move(*journey);
            }
            return input_of(std::move(purchase), meta.by, meta.tracking);
        }
        if (caller == nullptr) return Error{ErrorKind::forbidden, "caller", "is no longer configured"};
        if (!request.customer_json.empty()) asked->customer_json = request.customer_json;
        purchase.customer_digest = s.digest(request.customer_json);
        const auto wanted = core::uncovered(transaction);
        for (const auto& [source, merchant] : request.ways) {
            if (std::find(wanted.begin(), wanted.end(), source) == wanted.end())
                return bad_request("ways." + std::string(name_for_error(source, "?")),
                                   "is not a bundle that waits for a payment");
        }
        for (const auto& [source, credential] : request.credentials) {
            if (std::find(wanted.begin(), wanted.end(), source) == wanted.end())
                return bad_request("credentials." + std::string(name_for_error(source, "?")),
                                   "is for a bundle that waits for no payment");
        }
        for (const std::string& source : wanted) {
            const auto allowed = s.parts.directory.ways(*caller, source);
            const auto chosen = request.ways.find(source);
            if (allowed.empty())
                return bad_request("ways." + source, "this caller has no way of paying for it");
            const auto brought = request.credentials.find(source);
            core::Credential credential =
                brought == request.credentials.end() ? core::Credential{} : brought->second;
            const bool shared = credential.kind.empty() && request.shared_credential;
            if (shared) credential = *request.shared_credential;
            const std::string name =
                chosen != request.ways.end() ? chosen->second : s.first_that_takes(allowed, credential.kind);
            if (shared && !s.takes(name, credential.kind)) credential = {};
            if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
                return bad_request("ways." + source, "is not a way of paying of this caller: " +
                                                         std::string(name_for_error(name, "?")));
            const providers::Merchant* merchant = s.parts.registry.merchant(name);
            if (merchant == nullptr || merchant->retired)
                return bad_request("ways." + source, "is no longer offered: " + name);
            const bool joined = shared && !credential.kind.empty() &&
                                State::join(purchase.legs, transaction, source, name, credential);
            if (!joined) purchase.legs.push_back({{source}, name, merchant->provider, credential});
        }
        std::optional<ReturnDetails> returns = request.returns;
        if (!returns && request.ask_by_callout && s.lacks_credential(purchase.legs))
            returns.emplace().via = core::ReturnVia::kassi;
        if (returns) {
            auto journey = s.journey_for(*returns, *caller);
            if (!journey) return journey.error();
            purchase.journey = std::move(*journey);
        }
        return input_of(std::move(purchase), meta.by, meta.tracking);
    };
    job->done = State::tell(*job, std::move(done));
    s.run(job);
}

void Engine::submit(TransactionId id, core::InputBody body, Meta meta, Done<View> done) {
    const bool calls =
        std::holds_alternative<core::Cancel>(body) || std::holds_alternative<core::RefundOf>(body);
    state_->submit_job(id, std::move(body), meta, calls ? Until::rest : Until::answer, std::move(done));
}

void Engine::returned(std::string caller, std::string token, Fields fields, std::string next_token, Meta meta,
                      Done<ReturnOutcome> done) {
    State& s = *state_;
    const auto replayed = [&s, meta, done] {
        auto known = s.replay(meta.once, std::nullopt, [&s](const TransactionId& id, std::int64_t version) {
            return s.rest_at(id, version, Until::answer);
        });
        if (known) done(*known ? Result<ReturnOutcome>(ReturnOutcome{**known, true, ""}) : known->error());
        return known.has_value();
    };
    // Looked for before: what comes with a token that was spent may be evidence, and is then no repeat.
    if (replayed()) return;
    if (token.size() > limits::return_token_bytes_max) return done(bad_request("token", "was never issued"));
    const auto found = s.token_of(caller, token);
    if (!found || found->page) return done(bad_request("token", "was never issued"));
    const std::string digest = core::fields_digest(fields);
    struct Kept {
        std::string landing_url;
        bool repeat = false, other = false;
    };
    auto kept = std::make_shared<Kept>();
    auto job = std::make_shared<State::Job>();
    job->id = found->transaction;
    // The token is looked up again after a conflict: two returns at once, one of them spends it.
    job->make = [&s, caller, token, fields, next_token, meta, digest, kept,
                 asked = job.get()](const Loaded* loaded) -> Result<Input> {
        const auto present = s.token_of(caller, token);
        if (!present) return bad_request("token", "was never issued");
        if (loaded->papers.journey) kept->landing_url = loaded->papers.journey->landing_url;
        asked->claims.clear();
        if (meta.once) asked->claims.push_back(State::claim_of(*meta.once, std::nullopt));
        // A token whose callout was closed by evidence or by the clock is unspent: its first return still
        // gets the state for an answer.
        const bool used = present->spent && !present->fields_digest.empty();
        if (used) {
            kept->repeat = present->fields_digest == digest;
            kept->other = !kept->repeat;
            if (kept->other) asked->claims.clear();  // it is refused, whatever it proves
            const core::Leg* leg = core::find_leg(loaded->transaction, present->leg);
            // What comes with a spent token counts only where a return can prove something.
            const bool evidence =
                kept->other && leg != nullptr && s.parts.registry.facts(*leg).settled_by_return;
            // A repeat under a key of its own gets a row, so that the key is taken.
            const bool keyed_repeat = kept->repeat && meta.once;
            if (!evidence && !keyed_repeat)
                return Error{ErrorKind::gone, "token", "this return was used already"};
        }
        core::Return back{present->leg, present->callout, fields, next_token, used};
        if (const core::Leg* leg = core::find_leg(loaded->transaction, present->leg);
            leg && !next_token.empty()) {
            const auto fault = s.check_next_token(*loaded, next_token);
            const bool needed =
                core::needs_next_token(loaded->transaction, loaded->papers, *leg, s.parts.registry);
            if (fault && needed && !used) return *fault;
            if (fault) back.next_token.clear();  // nobody needs it: no reason to refuse a customer who paid
        }
        return input_of(std::move(back), meta.by, meta.tracking);
    };
    job->done = [&s, kept, id = found->transaction, replayed, done](Result<LoadedPtr> after) {
        if (!after) {
            const auto known = s.if_readable(replayed);
            if (!known) return done(State::not_readable());
            if (*known) return;
        }
        // What it proves is not on the disk: who is told anything else never brings it again.
        if (!after && after.error().kind == ErrorKind::unavailable) return done(after.error());
        if (kept->other) return done(Error{ErrorKind::gone, "token", "this return was used already"});
        if (kept->repeat) {
            const auto loaded = s.store().load(id);
            if (!loaded) return done(Error{ErrorKind::gone, "token", "this return was used already"});
            return done(ReturnOutcome{view_of(*loaded), true, kept->landing_url});
        }
        if (!after) return done(after.error());
        done(ReturnOutcome{view_of(**after), false, kept->landing_url});
    };
    s.run(job);
}

Result<View> Engine::callout_page(std::string_view page_token) {
    State& s = *state_;
    const auto found = s.page_of(page_token);
    if (!found) return found.error();
    auto loaded = s.store().load(found->transaction);
    if (!loaded) return Error{ErrorKind::not_found, "token", "no such page"};
    View view = view_of(*loaded);
    const core::Leg* leg = core::find_leg(view.transaction, found->leg);
    const bool live = leg != nullptr && leg->doing == core::Doing::away && leg->callout &&
                      leg->callout->no == found->callout && view.callout;
    if (!live) return Error{ErrorKind::gone, "token", "this step of the payment is over"};
    if (const auto& journey = loaded->papers.journey)
        view.return_url = journey->url_before + view.callout->return_token + journey->url_after;
    return view;
}

void Engine::go_on(std::string page_token, Fields fields, Meta meta, Done<View> done) {
    State& s = *state_;
    const auto found = s.page_of(page_token);
    if (!found) return done(found.error());
    auto job = std::make_shared<State::Job>();
    job->id = found->transaction;
    core::CustomerGoesOn body{found->leg, found->callout, std::move(fields)};
    job->make = [body = std::move(body), meta = std::move(meta)](const Loaded*) -> Result<Input> {
        return input_of(body, meta.by, meta.tracking);
    };
    job->done = State::tell(*job, std::move(done));
    s.run(job);
}

Result<Engine::WayOn> Engine::way_on(std::string_view page_token) {
    State& s = *state_;
    const auto found = s.page_of(page_token);
    if (!found) return found.error();
    const auto loaded = s.store().load(found->transaction);
    if (!loaded) return Error{ErrorKind::not_found, "token", "no such page"};
    const Error over{ErrorKind::gone, "token", "this step of the payment is over"};
    WayOn way;
    way.view = view_of(*loaded);
    const core::Leg* leg = core::find_leg(way.view.transaction, found->leg);
    if (leg == nullptr || !leg->callout || leg->callout->no != found->callout) return over;
    const auto& callout = *leg->callout;
    way.here = leg->doing == core::Doing::away;
    if (way.here) return way;
    const bool his = (callout.goes_on || callout.went_on) && !callout.returned;
    if (his && loaded->papers.journey) way.return_url = loaded->papers.journey->way_back;
    if (way.return_url.empty()) return over;
    return way;
}

std::optional<store::TokenFound> Engine::token_of(std::string_view caller, std::string_view token) {
    return state_->token_of(caller, token);
}

void Engine::notice(std::string_view provider, std::string_view merchant_name, HttpRequest request,
                    Done<NoticeHeard> done) {
    State& s = *state_;
    const providers::Merchant* merchant = s.parts.registry.merchant(merchant_name);
    const providers::Flow* flow = s.parts.registry.flow(provider);
    if (merchant == nullptr || flow == nullptr || merchant->provider != provider)
        return done(Error{ErrorKind::not_found, "merchant", "no such merchant"});
    auto read = flow->read(request, *merchant, s.now());
    if (!read) return done(read.error());
    ++s.metrics.notices;
    // It speaks of nothing that we made.
    if (read->reference.empty()) return done(NoticeHeard{});
    const std::string name(merchant_name);
    const auto found = s.store().find_leg(name, read->reference);
    if (found)
        return s.hear_notice(found->transaction, found->leg, name, read->notice.event_id, read->notice,
                             std::move(done));
    store::UnmatchedNotice unmatched{name, read->reference, read->notice.event_id,
                                     store::notice_json(read->notice), s.now()};
    ++s.metrics.commits_open;
    s.store().keep_unmatched(
        unmatched, [&s, name, reference = read->reference, done = std::move(done)](bool ok) {
            --s.metrics.commits_open;
            if (!ok)
                return done(
                    Error{ErrorKind::unavailable, "", "nothing can be recorded at the moment; try again"});
            // The reference may have become known while this was written.
            s.match(name, reference);
            done(NoticeHeard{});
        });
}

void Engine::wait(TransactionId id, Until until, Millis within, std::function<void(Result<View>)> done) {
    State& s = *state_;
    const auto loaded = s.store().load(id);
    if (!loaded) return done(Error{ErrorKind::not_found, "transaction", "no such transaction"});
    if (answerable(loaded->transaction, until) || s.stopping) return done(view_of(*loaded));
    if (s.waiter_count >= waiters_max) return done(view_of(*loaded));
    const std::uint64_t number = ++s.next_waiter;
    ++s.waiter_count;
    auto timer = s.parts.outside.timer(within, [&s, id, number] { s.waited_enough(id, number); });
    s.waiters[id].push_back({until, number, loaded->transaction.version, std::move(done), std::move(timer)});
}

Result<View> Engine::view(const TransactionId& id, std::string_view system, std::string_view caller) {
    const auto found = record(id, system, caller);
    if (!found) return found.error();
    return view_of(**found);
}

Result<std::shared_ptr<const store::Loaded>> Engine::record(const TransactionId& id, std::string_view system,
                                                            std::string_view caller) {
    auto loaded = state_->store().load(id);
    const bool theirs = loaded && (system.empty() || loaded->transaction.system == system) &&
                        (caller.empty() || loaded->transaction.caller == caller);
    if (!theirs) return Error{ErrorKind::not_found, "transaction", "no such transaction"};
    return loaded;
}

Result<core::Transaction> Engine::as_of(const TransactionId& id, std::int64_t version) {
    return state_->state_at(id, version);
}
core::Explanation Engine::explain(const core::Transaction& transaction) const {
    return core::explain(transaction, state_->now(), state_->terms);
}
store::Store& Engine::store() {
    return state_->store();
}
const providers::Registry& Engine::registry() const {
    return state_->parts.registry;
}
const Directory& Engine::directory() const {
    return state_->parts.directory;
}
const Settings& Engine::settings() const {
    return state_->parts.settings;
}
Instant Engine::now() const {
    return state_->now();
}
Engine::Metrics Engine::metrics() const {
    Metrics metrics = state_->metrics;
    metrics.unknown_for_long = state_->doubts.for_long();
    metrics.unknown_since = state_->doubts.oldest();
    const auto count = [](std::size_t number) { return static_cast<std::int64_t>(number); };
    metrics.calls_waiting = count(state_->call_lanes.waiting());
    metrics.visits_waiting = count(state_->visit_lane.waiting());
    metrics.waiters = count(state_->waiter_count);
    return metrics;
}

void Engine::sweep(Millis within, std::function<void(const std::string&)> progress,
                   std::function<void(SweepReport)> done) {
    State& s = *state_;
    auto sweep = std::make_shared<State::Sweep>();
    sweep->until = s.now() + within;
    sweep->progress = std::move(progress);
    sweep->done = std::move(done);
    s.sweeping = &sweep->report;
    s.not_before.clear();
    s.sweep_round(sweep);
}

}  // namespace kassi::engine
