#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/decide.hpp"
#include "core/explain.hpp"
#include "engine/directory.hpp"
#include "store/store.hpp"

/// The one loop (design.md section 1): input, load, decide, commit, act, answer. Runs on the io thread.
namespace kassi::engine {

/// The world outside, as the engine may touch it. HttpOutside is the real one; the simulation has its own.
/// All callbacks come on the io thread, never from inside the call.
class Outside {
  public:
    virtual ~Outside() = default;
    virtual void call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) = 0;
    /// GET without data; answers what happened in a few words. `loopback_only` / public only.
    virtual void visit(const std::string& url, bool loopback_only, std::function<void(std::string)> done) = 0;
    /// One timer for the whole engine: a new call replaces the old; nullopt cancels.
    virtual void wake_at(std::optional<Instant> at, std::function<void()> callback) = 0;
    virtual void after(Millis delay, std::function<void()> callback) = 0;
    /// False: the clocks are too far apart to say how old anything is.
    [[nodiscard]] virtual bool clock_trusted() const { return true; }
    /// The same, as long as what it answers is kept.
    [[nodiscard]] virtual std::shared_ptr<void> timer(Millis delay, std::function<void()> callback);
};

/// Doors that wait at the same moment; one more is answered as it stands.
inline constexpr std::size_t waiters_max = 4096;
/// A call begins so long before the journal gives up on it, and its budget: the answer must be recorded, too.
inline constexpr Millis call_margin{1'000};
/// Return URLs that are visited at the same moment, and that wait for it; for so long at most.
inline constexpr std::size_t visits_at_once_max = 16;
inline constexpr std::size_t visits_waiting_max = 4096;
inline constexpr Millis visit_wait_max{60'000};
/// A provider's answer that cannot be recorded is kept, and recorded when that is possible again.
inline constexpr int answer_tries_max = 60;
inline constexpr Millis answer_retry_pause{1'000};

/// A transaction as doors see it.
struct View {
    core::Transaction transaction;
    std::optional<core::Callout> callout;  ///< of the leg that is away now, with its tokens
    std::int64_t callout_leg = 0;
    std::string return_url;           ///< of the callout, with its token; set by callout_page() only
    bool replayed = false;            ///< answered from an idempotency key
    std::vector<core::Event> events;  ///< what this very request caused; empty when it changed nothing
};

View view_of(const store::Loaded& record);

/// Who asks and how it may be repeated.
struct Meta {
    std::string by;  ///< "caller demo", "system box-office", "person Anna"
    std::string tracking;
    /// Idempotency: the same key and fingerprint replays, another fingerprint is a conflict naming the key.
    struct Once {
        std::string scope, key, fingerprint;
        /// A request about one transaction has a key of that transaction's own: another's may be the same.
        bool by_transaction = false;
    };
    std::optional<Once> once;
};

struct HandOverRequest {
    std::string system, caller;
    std::vector<core::Bundle> bundles;   ///< any order; sorted here
    std::optional<core::Policy> policy;  ///< absent: the caller's
    Instant held_until{};
    std::string customer_json, document_json;  ///< "" none
};

struct ReturnDetails {
    core::ReturnVia via = core::ReturnVia::caller;
    std::string token, url;   ///< via caller: the client's; the token must occur once in the path
    std::string landing_url;  ///< via kassi
    std::string user_agent, accept, remote_site, remote_ip;
};
struct PurchaseRequest {
    /// Source -> merchant. Absent: the caller's first that takes the credential given for the source.
    std::map<std::string, std::string> ways;
    std::map<std::string, core::Credential> credentials;  ///< by source
    /// For every bundle that has none of its own and whose way takes it: bundles of one merchant and currency
    /// are one payment.
    std::optional<core::Credential> shared_credential;
    std::optional<ReturnDetails> returns;
    /// Without return details, for a payment whose credential is missing: the callout comes back to us, by a
    /// browser at its page or by the caller, who has the token.
    bool ask_by_callout = false;
    std::string customer_json;  ///< "" keep what was handed over
};

/// A notice was recorded, or kept until its reference is known; `repeated`: it had been before.
struct NoticeHeard {
    bool repeated = false;
};

/// What a door waits for.
enum class Until {
    answer,  ///< a verdict, a callout, the owner's turn, or nothing left to do without the caller
    rest,    ///< besides, no call is open (cancel and refund)
};

template <class T>
using Done = std::function<void(Result<T>)>;

class Engine {
  public:
    struct Parts {
        store::Store& store;
        const providers::Registry& registry;
        const Directory& directory;
        const Settings& settings;
        const Clock& clock;
        Randomness& randomness;
        Outside& outside;
        std::string digest_key;  ///< 32 bytes: keyed digests of customer, document, fields
    };
    explicit Engine(Parts parts);
    ~Engine();

    /// Takes up what a crash left: Due for every open call nobody works on, then the timer.
    void start();
    /// The store is a copy that was made at `copied_at`: every transaction that is not at its end hears
    /// core::Restored. Before start(), and before any door is open. Answers how many, when all is committed.
    /// Error: unavailable, when that could not be; then it may be asked again, and start() may not.
    void restored(Instant copied_at, std::function<void(Result<std::int64_t>)> done);
    /// No new effects begin; what is under way is waited for; `done` when nothing is open or patience is
    /// over.
    void stop(Millis patience, std::function<void()> done);
    /// The sandbox moved the clock: look at what is due now.
    void clock_moved();

    // ---- doors. Errors: see ErrorKind; the transaction is as it was. -------------------------------------
    void hand_over(HandOverRequest request, Meta meta, Done<View> done);
    /// Validates the return details and chooses merchants, then Purchase. Answers after the commit, not
    /// after the provider: use wait() for that. Repeated on what is under way or purchased: the present View;
    /// return details that came along are used when a customer got lost between two payments, else not looked
    /// at.
    void purchase(TransactionId id, PurchaseRequest request, Meta meta, Done<View> done);
    /// Every other door input: Confirm, Hold, Release, Cancel, RefundOf, Settle, ForgetPerson.
    void submit(TransactionId id, core::InputBody body, Meta meta, Done<View> done);

    struct ReturnOutcome {
        View view;
        bool repeat = false;      ///< the same return came before
        std::string landing_url;  ///< via kassi: where the browser goes at the end; "" none
    };
    /// `caller` "" for the browser door (tokens that we minted), else the authenticated caller, whose own
    /// transactions' tokens count, ours too.
    /// `next_token` is for the next callout of the transaction; "" none.
    /// Errors: bad_request (token: never issued; next_token: missing where another payment waits, malformed,
    /// used before in this transaction or live in another), gone (spent by another return, or over).
    void returned(std::string caller, std::string token, Fields fields, std::string next_token, Meta meta,
                  Done<ReturnOutcome> done);
    /// The callout that a page token shows, with its return URL. Errors: not_found, gone.
    Result<View> callout_page(std::string_view page_token);
    /// The browser is done with the page of ours that a page token shows, and wants to go on. Spends nothing;
    /// once more changes nothing. Answers after the commit: wait(), then way_on() says where it goes.
    /// Errors: not_found, gone, conflict (no page that goes on), bad_request.
    void go_on(std::string page_token, Fields fields, Meta meta, Done<View> done);
    /// For a browser at a page that goes on.
    struct WayOn {
        View view;
        bool here = false;       ///< the page's own callout is open: the page itself shows what is next
        std::string return_url;  ///< else where the customer comes back to, with his unspent token
    };
    /// Errors: not_found, gone (the customer came back another way, or the page never was of that kind).
    Result<WayOn> way_on(std::string_view page_token);
    /// What a return token leads to, for `caller` as in returned(); nullopt for one never issued.
    std::optional<store::TokenFound> token_of(std::string_view caller, std::string_view token);
    /// A webhook of a merchant. Answered after the commit. Errors: not_found, unauthenticated, bad_request.
    void notice(std::string_view provider, std::string_view merchant, HttpRequest request,
                Done<NoticeHeard> done);

    /// Calls back with the newest View when it is answerable or `within` is over (then as it is).
    void wait(TransactionId id, Until until, Millis within, std::function<void(Result<View>)> done);

    // ---- reading ----------------------------------------------------------------------------------------
    /// `system`/`caller` "" : not checked. Error: not_found for unknown and for another's, alike.
    Result<View> view(const TransactionId& id, std::string_view system, std::string_view caller);
    /// The same as it is stored.
    Result<std::shared_ptr<const store::Loaded>> record(const TransactionId& id, std::string_view system,
                                                        std::string_view caller);
    /// The state just after the commit of `version`, by replay.
    Result<core::Transaction> as_of(const TransactionId& id, std::int64_t version);
    core::Explanation explain(const core::Transaction& transaction) const;
    store::Store& store();
    const providers::Registry& registry() const;
    const Directory& directory() const;
    const Settings& settings() const;
    Instant now() const;

    // ---- sweep -------------------------------------------------------------------------------------------
    struct SweepReport {
        std::int64_t looked_at = 0, released = 0, visited = 0, settled = 0, still_open = 0, needs_person = 0,
                     forgotten = 0;      ///< by the retention (Settings)
        std::vector<std::string> lines;  ///< one a transaction, for people
    };
    /// Everything that is due now, until nothing is (bounded by `within`).
    void sweep(Millis within, std::function<void(const std::string&)> progress,
               std::function<void(SweepReport)> done);

    struct Metrics {
        std::int64_t commits = 0, conflicts = 0, calls = 0, calls_open = 0, doubts = 0, visits = 0,
                     notices = 0, forgotten = 0;
        std::int64_t commits_open = 0;  ///< units that the store has, and that are not answered yet
        std::int64_t calls_waiting = 0, visits_waiting = 0, waiters = 0;
        std::int64_t unknown_for_long = 0;     ///< transactions with a leg in doubt that needs a person
        std::optional<Instant> unknown_since;  ///< of the oldest doubt there is
    };
    Metrics metrics() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

bool answerable(const core::Transaction& transaction, Until until);
/// It goes on without the caller: a call is open, or a doubt is looked at again later. A doubt is answerable,
/// as it may take long, and yet no outcome.
bool at_work(const core::Transaction& transaction, Until until);

}  // namespace kassi::engine
