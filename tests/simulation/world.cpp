#include "tests/simulation/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <random>
#include <unordered_map>

#include "base/log.hpp"
#include "engine/engine.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "tests/simulation/memory_store.hpp"

namespace kassi::simulation {
namespace {

using namespace std::chrono_literals;

class SimulatedClock final : public Clock {
  public:
    Instant at = Instant{} + std::chrono::hours(24 * 365 * 56);
    [[nodiscard]] Instant now() const override { return at; }
};

class SeededRandomness final : public Randomness {
  public:
    explicit SeededRandomness(std::uint64_t seed) : source_(seed) {}
    void fill(std::span<std::uint8_t> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(source_());
    }

  private:
    std::mt19937_64 source_;
};

struct World final : engine::Outside {
    explicit World(std::uint64_t seed)
        : chance(seed),
          randomness(seed ^ 0x9E3779B97F4A7C15U),
          house_randomness(seed + 1),
          house(house_options(), clock, house_randomness, notices(),
                [this](Millis delay, std::function<void()> f) { at(clock.at + delay, std::move(f)); }) {
        configure();
        memory.wake = [this] {
            const auto living = life;
            at(clock.at + Millis{roll(0, 4)}, [this, living] {
                if (living != life) return;
                memory.step([this, living](std::function<void()> done) {
                    // A crash here is the one between the commit and everything that follows from it.
                    at(clock.at + Millis{roll(0, 3)}, [this, living, done = std::move(done)] {
                        if (living == life) done();
                    });
                });
            });
        };
        start();
    }

    // ---- chance, time, queue
    // ---------------------------------------------------------------------------------
    std::mt19937_64 chance;
    SimulatedClock clock;
    SeededRandomness randomness, house_randomness;
    struct Item {
        Instant at;
        std::uint64_t number;
        std::function<void()> run;
        bool operator<(const Item& other) const {
            return at != other.at ? at > other.at : number > other.number;
        }
    };
    std::priority_queue<Item> queue;
    std::uint64_t numbers = 0;
    std::uint64_t life = 0;  ///< of the process: callbacks of an earlier one come to nobody
    bool calm = false;
    Report report;

    std::int64_t roll(std::int64_t low, std::int64_t high) {  // not std::uniform_int: the same everywhere
        return low + static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(high - low + 1));
    }
    bool one_in(std::int64_t n) { return roll(1, n) == 1; }
    void at(Instant when, std::function<void()> f) {
        queue.push({std::max(when, clock.at), ++numbers, std::move(f)});
    }
    void say(const std::string& line) {
        report.trace += fmt::format(
            "{:>9} {}\n", (clock.at - (Instant{} + std::chrono::hours(24 * 365 * 56))).count(), line);
    }
    void broken(std::string what) {
        say("BROKEN " + what);
        report.broken.push_back(std::move(what));
    }

    // ---- the house of Kassi
    // -------------------------------------------------------------------------------------
    MemoryStore memory;
    sandbox::RedirectHouse house;
    engine::Directory directory;
    engine::Settings settings;
    std::unique_ptr<providers::Registry> registry;
    std::unique_ptr<engine::Engine> engine;
    std::vector<std::unique_ptr<engine::Engine>>
        graves;  ///< callbacks of a dead process may still point there

    static sandbox::RedirectHouse::Options house_options() {
        return {{{"asked", "key-asked", "notice-asked", "asked", false, {}},
                 {"quiet", "key-quiet", "", "quiet", false, {}},
                 {"silent", "", "", "silent", true, {}}},
                "http://house.test"};
    }
    sandbox::RedirectHouse::SendNotice notices() {
        return [this](HttpRequest request, std::function<void(int)> status) {
            if (!calm && one_in(5)) {  // lost on its way
                at(clock.at + 5s, [status] { status(0); });
                return;
            }
            const int copies = !calm && one_in(6) ? 2 : 1;
            for (int copy = 0; copy < copies; ++copy)
                at(clock.at + Millis{roll(1, calm ? 100 : 20'000)}, [this, request, status, copy] {
                    const auto living = life;
                    auto url = parse_url(request.target, "target");
                    const std::string path(url->path());
                    const auto slash = path.rfind('/');
                    HttpRequest relative = request;
                    relative.target = path;
                    engine->notice("redirect", path.substr(slash + 1), relative,
                                   [this, living, status, copy](const Result<engine::NoticeHeard>& done) {
                                       if (living != life || copy > 0) return;
                                       status(done ? 200 : 500);
                                   });
                });
        };
    }

    void configure() {
        settings.public_url = "http://kassi.test";
        directory.systems.push_back({"box", {}});
        const auto merchant = [this](std::string name, std::string provider,
                                     std::map<std::string, std::string> with,
                                     std::map<std::string, std::string> secrets) {
            providers::Merchant m;
            m.name = std::move(name);
            m.provider = std::move(provider);
            if (m.provider == "redirect" && !with.contains("page_url"))
                m.base_url = "http://house.test/redirect/v1";
            m.settings = std::move(with);
            for (auto& [key, value] : secrets) m.secrets[key] = Secret<>(value);
            directory.merchants.push_back(std::move(m));
        };
        merchant("credit", "on_credit", {}, {});
        merchant("asked", "redirect", {}, {{"api_key", "key-asked"}, {"notice_secret", "notice-asked"}});
        merchant("quiet", "redirect", {{"notifies", "false"}, {"callout_type", "post"}},
                 {{"api_key", "key-quiet"}});
        merchant("silent", "redirect",
                 {{"can_be_asked", "false"},
                  {"notifies", "false"},
                  {"page_url", "http://house.test/tickets/dummy_redirect.buy/silent"}},
                 {});
        for (const char* name : {"all", "partial", "again", "owner"}) {
            engine::Caller caller;
            caller.name = name;
            caller.system = "box";
            caller.return_hosts = {"shop.test"};
            caller.ways["*"] = {"asked", "quiet", "silent", "credit"};
            caller.policy.partial = caller.name == "partial";
            caller.policy.on_decline =
                caller.name == "again" ? core::OnDecline::again : core::OnDecline::fail;
            caller.policy.confirm = caller.name == "owner" ? core::Confirm::owner : core::Confirm::none;
            caller.credit_limits["GBP"] = 60'000;
            directory.callers.push_back(std::move(caller));
        }
        auto made = providers::Registry::make(directory.merchants);
        if (!made) throw std::runtime_error(made.error().field + ": " + made.error().message);
        registry = std::move(*made);
    }

    void start() {
        engine = std::make_unique<engine::Engine>(engine::Engine::Parts{
            memory, *registry, directory, settings, clock, randomness, *this, std::string(32, 'k')});
        engine->start();
    }

    void crash() {
        ++report.crashes;
        say("the process is killed");
        ++life;
        memory.crash();
        timer = ++numbers;
        graves.push_back(std::move(engine));
        start();
    }

    // ---- what the engine may touch
    // ---------------------------------------------------------------------------
    std::uint64_t timer = 0;
    void call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) override {
        const auto living = life;
        const auto deliver = [this, living, done = std::move(done)](Millis after, core::Heard heard) {
            at(clock.at + after, [this, living, done, heard = std::move(heard)] {
                if (living == life) done(heard);
            });
        };
        const auto url = parse_url(request.target, "target");
        request.target = url->target;
        const std::int64_t fate = calm ? 0 : roll(1, 20);
        say(fmt::format("call {} {} fate {}", request.method, request.target, fate));
        if (fate == 1) return deliver(Millis{1}, core::Silence{false, "refused"});
        if (fate == 2) return deliver(budget, core::Silence{true, "request lost"});
        const Millis there{roll(1, 300)}, home{fate == 4 ? budget.count() + 9'000 : roll(1, 300)};
        at(clock.at + there, [this, request, budget, there, home, fate, deliver] {
            auto replied = std::make_shared<bool>(false);
            house.handler()(request,
                            [this, deliver, home, budget, there, fate, replied](HttpResponse response) {
                                *replied = true;
                                if (response.status >= 400)
                                    say(fmt::format("answer {} {}", response.status, response.body));
                                if (fate == 3) {
                                    ++report.lost_answers;
                                    return deliver(budget - there, core::Silence{true, "answer lost"});
                                }
                                if (fate == 5) {
                                    response.status = 502;
                                    response.body = "bad gateway";
                                }
                                // Later than the budget: the client has given up, exactly one outcome reaches
                                // the engine.
                                if (home + there > budget)
                                    return deliver(budget - there, core::Silence{true, "too slow"});
                                deliver(home, core::Answered{std::move(response)});
                            });
            if (!*replied) deliver(budget - there, core::Silence{true, "no answer"});
        });
    }
    void visit(const std::string& url, bool, std::function<void(std::string)> done) override {
        const auto living = life;
        say("visit " + url);
        at(clock.at + Millis{roll(10, 500)}, [this, living, url, done = std::move(done)] {
            if (living != life) return;
            // The integrator's site forwards what came (nothing) to callback.v1, or is broken.
            if (!one_in(3)) come_back(url, {});
            done("answered 200");
        });
    }
    void wake_at(std::optional<Instant> when, std::function<void()> callback) override {
        timer = ++numbers;
        if (!when) return;
        at(*when, [this, mine = timer, callback = std::move(callback)] {
            if (mine == timer) callback();
        });
    }
    void after(Millis delay, std::function<void()> callback) override {
        const auto living = life;
        at(clock.at + delay, [this, living, callback = std::move(callback)] {
            if (living == life) callback();
        });
    }

    // ---- the people
    // --------------------------------------------------------------------------------------------
    std::map<std::string, std::string> callers_of_tokens;  ///< T -> caller
    std::map<std::string, TransactionId> tokens_of;
    int next_token = 0;
    std::map<TransactionId, core::Phase> answered;  ///< verdicts that somebody was told
    std::map<TransactionId, core::Phase> verdicts;
    std::map<TransactionId, bool> via_kassi;

    std::string token() { return fmt::format("T{}.x", ++next_token); }

    void booking_system() {
        engine::HandOverRequest request;
        request.system = "box";
        static constexpr const char* names[] = {"all", "partial", "again", "owner"};
        request.caller = names[roll(0, 3)];
        const auto bundles = roll(1, 3);
        for (std::int64_t i = 0; i < bundles; ++i) {
            const Money amount{roll(0, 20) == 0 ? 0 : roll(1, 9'000), *Currency::parse("GBP", "")};
            request.bundles.push_back(
                {fmt::format("s{}", i), "tickets", amount, {{i + 1, amount, !one_in(4)}}});
        }
        request.held_until = clock.at + Millis{roll(30, 1500) * 1000};
        engine::Meta meta;
        meta.by = "system box";
        const std::string key = fmt::format("key{}", ++next_token);
        meta.once = {{"idempotency:box", key, "body"}};
        const auto living = life;
        engine->hand_over(request, meta, [this, living, request](Result<engine::View> view) {
            if (living != life || !view) return;
            ++report.transactions;
            const auto id = view->transaction.id;
            at(clock.at + Millis{roll(0, 30'000)}, [this, id, request] { purchase(id, request); });
            if (one_in(12))
                at(clock.at + Millis{roll(0, 900'000)}, [this, id] { submit(id, core::Release{}); });
            if (one_in(6))
                at(clock.at + Millis{roll(1'000, 1'800'000)}, [this, id] { submit(id, core::Cancel{}); });
            if (one_in(8))
                at(clock.at + Millis{roll(1'000, 1'800'000)}, [this, id] { submit(id, core::Cancel{{1}}); });
            if (one_in(10))
                at(clock.at + Millis{roll(0, 600'000)},
                   [this, id] { submit(id, core::Hold{clock.at + 20min}); });
        });
    }
    void submit(TransactionId id, core::InputBody body) {
        engine->submit(id, std::move(body), {"system box", "", {}}, [](const Result<engine::View>&) {});
    }

    void purchase(TransactionId id, const engine::HandOverRequest& handed) {
        engine::PurchaseRequest request;
        static constexpr const char* ways[] = {"asked", "quiet", "silent", "credit", "asked"};
        for (const auto& bundle : handed.bundles)
            if (bundle.amount.minor > 0) request.ways[bundle.source] = ways[roll(0, 4)];
        engine::ReturnDetails details;
        if (one_in(2)) {
            details.via = core::ReturnVia::kassi;
            via_kassi[id] = true;
        } else {
            details.token = token();
            details.url = "https://shop.test/back/" + details.token + "/done";
            callers_of_tokens[details.token] = handed.caller;
            tokens_of[details.token] = id;
        }
        request.returns = details;
        const auto living = life;
        engine->purchase(
            id, request, {"caller " + handed.caller, "track", {}},
            [this, living, id, handed](Result<engine::View> view) {
                if (living != life) return;
                if (!view) return say("purchase refused: " + view.error().field + " " + view.error().message);
                wait(id, handed);
            });
        if (one_in(10))
            at(clock.at + Millis{roll(0, 5'000)},
               [this, id, handed] { purchase(id, handed); });  // an impatient client
    }

    void wait(TransactionId id, const engine::HandOverRequest& handed) {
        const auto living = life;
        engine->wait(id, engine::Until::answer, 20s, [this, living, id, handed](Result<engine::View> view) {
            if (living != life || !view) return;
            told(*view);
            if (view->callout)
                at(clock.at + Millis{roll(100, 5'000)},
                   [this, callout = *view->callout] { customer(callout); });
            const auto& transaction = view->transaction;
            if (transaction.phase == core::Phase::confirming && !one_in(5))
                at(clock.at + Millis{roll(0, 90'000)}, [this, id] {
                    submit(id, core::ConfirmAnswer{!one_in(4), {{"s0", "SEATS"}}});
                });
            if (transaction.phase == core::Phase::authorising && !view->callout &&
                !core::uncovered(transaction).empty() && one_in(2))
                at(clock.at + Millis{roll(100, 20'000)}, [this, id, handed] { purchase(id, handed); });
        });
    }
    void told(const engine::View& view) {
        if (core::has_verdict(view.transaction.phase)) answered[view.transaction.id] = view.transaction.phase;
    }

    /// A browser at the house's page: the real page, asked with the callout's own parameters in their order.
    std::map<std::string, bool> seen;  ///< callouts that a customer is busy with
    void customer(const core::Callout& callout) {
        if (!seen.emplace(callout.return_token, true).second && !one_in(3)) return;
        const auto fate = roll(1, 10);
        HttpRequest page;
        page.method = "GET";
        page.target = parse_url(callout.destination, "")->target + "?" + encoding::form(callout.parameters);
        house.handler()(page, [this, callout, fate](const HttpResponse& response) {
            const std::string mark = "name=\"session\" value=\"";
            const auto found = response.body.find(mark);
            const std::string* return_url = find_field(callout.parameters, "return_url");
            if (found == std::string::npos) return;  // over already
            const auto end = response.body.find('"', found + mark.size());
            const std::string session = response.body.substr(found + mark.size(), end - found - mark.size());
            const auto go = [this, session](const char* act,
                                            const std::function<void(const HttpResponse&)>& then) {
                HttpRequest request{"POST",
                                    "/tickets/dummy_redirect.buy/act",
                                    {{"Content-Type", "application/x-www-form-urlencoded"}},
                                    encoding::form({{"session", session}, {"act", act}}),
                                    ""};
                at(clock.at + Millis{roll(1'000, one_in(8) ? 900'000 : 60'000)},
                   [this, request, then] { house.handler()(request, then); });
            };
            const auto home = [this](const HttpResponse& answer) {
                const std::string location(answer.header("Location"));
                const auto url = parse_url(location, "location");
                if (!url) return;
                const auto fields = encoding::parse_form(url->query(), "query");
                const std::string bare = location.substr(0, location.find('?'));
                const int times = one_in(6) ? 2 : 1;
                for (int i = 0; i < times; ++i)
                    at(clock.at + Millis{roll(10, one_in(10) ? 900'000 : 3'000)},
                       [this, bare, fields] { come_back(bare, *fields); });
            };
            say(fmt::format("customer fate {} at {}", fate, *return_url));
            if (fate <= 5)
                go("pay_get", home);
            else if (fate == 6)
                go("pay_stay", [](const HttpResponse&) {});
            else if (fate <= 8)
                go("refuse", home);
            else if (fate == 9)
                at(clock.at + 5s, [this, url = *return_url] {
                    come_back(url, {{"success", "1"}, {"ref", "abc123"}});
                });  // never clicked
            // 10: walks away
        });
    }

    /// The browser at a return URL: the integrator's (who forwards to callback.v1) or ours.
    void come_back(const std::string& url, const Fields& fields) {
        const bool ours = url.starts_with("http://kassi.test/callback/");
        std::string which = url.substr(url.find(ours ? "/callback/" : "/back/") + (ours ? 10 : 6));
        which = which.substr(0, which.find('/'));
        const auto living = life;
        std::string caller, next;
        if (!ours) {
            caller = callers_of_tokens[which];
            next = token();
            callers_of_tokens[next] = caller;
            tokens_of[next] = tokens_of[which];
        }
        say("return " + which);
        engine->returned(caller, which, fields, next, {ours ? "browser" : "caller " + caller, "", {}},
                         [this, living](Result<engine::Engine::ReturnOutcome> outcome) {
                             if (living != life || !outcome) return;
                             const auto id = outcome->view.transaction.id;
                             engine::HandOverRequest handed;
                             handed.caller = outcome->view.transaction.caller;
                             handed.bundles = outcome->view.transaction.bundles;
                             wait(id, handed);
                         });
    }

    // ---- the invariants
    // -----------------------------------------------------------------------------------------
    /// What the house's ledger says of our reference.
    std::pair<std::int64_t, std::int64_t> truth(const std::string& reference) const {
        std::int64_t taken = 0, back = 0;
        for (const auto& entry : house.ledger()) {
            if (entry.reference != reference) continue;
            (entry.kind == "taken" ? taken : back) += entry.minor;
        }
        return {taken, back};
    }
    static std::string reference_of(const core::Transaction& transaction, const core::Leg& leg) {
        return transaction.id.text() + "-" + std::to_string(leg.no);
    }

    void check(const TransactionId& id) {
        const auto& row = memory.rows.at(id);
        const core::Transaction& now_state = row.loaded.transaction;
        core::Transaction replayed;
        for (const auto& json : row.journal) {
            const auto parsed = core::parse_row(json);
            if (!parsed) return broken("a journal row cannot be read: " + parsed.error().message);
            core::apply_row(replayed, *parsed);
        }
        if (!(replayed == now_state)) broken("replay differs from the state of " + id.text());
        const auto parsed = core::parse_state(core::state_json(now_state));
        if (!parsed || !(*parsed == now_state)) broken("the state does not survive its JSON: " + id.text());
        const auto before = verdicts.find(id);
        if (before != verdicts.end() && before->second != now_state.phase &&
            !(before->second == core::Phase::purchased && now_state.phase == core::Phase::cancelled))
            broken("a verdict flipped: " + id.text());
        if (core::has_verdict(now_state.phase)) verdicts[id] = now_state.phase;
        int away = 0;
        for (const auto& leg : now_state.legs) {
            away += leg.doing == core::Doing::away ? 1 : 0;
            if (registry->facts(leg).house_credit) continue;
            const auto [taken, back] = truth(reference_of(now_state, leg));
            if (taken > leg.amount.minor) broken("charged twice: " + reference_of(now_state, leg));
            if (back > taken) broken("more given back than taken: " + reference_of(now_state, leg));
            const bool believed = leg.money == core::LegMoney::taken || leg.money == core::LegMoney::back;
            const bool silent = leg.merchant == "silent";  // success=1 without a click is believed there
            if (believed && taken != leg.taken_minor && !silent)
                broken("more believed than is true: " + reference_of(now_state, leg));
        }
        if (away > 1) broken("two customers away in " + id.text());
        if (now_state.phase == core::Phase::purchased &&
            (before == verdicts.end() || before->second != core::Phase::purchased))
            for (const auto& leg : now_state.legs)
                if (leg.goal == core::Goal::take && leg.money != core::LegMoney::taken &&
                    leg.money != core::LegMoney::back)
                    broken("purchased without the money: " + id.text());
        for (const auto& leg : now_state.legs)
            if (leg.money == core::LegMoney::taken && leg.taken_minor != leg.amount.minor &&
                leg.stuck.empty())
                broken("another amount taken than asked, and nobody told: " + reference_of(now_state, leg));
        if (now_state.phase == core::Phase::failed && core::settled(now_state))
            for (const auto& leg : now_state.legs)
                if (leg.money == core::LegMoney::held || leg.money == core::LegMoney::taken)
                    broken("failed, settled, and money kept: " + id.text());
        say(fmt::format("{} v{} {} {}", now_state.reference, now_state.version, core::word(now_state.phase),
                        legs_text(now_state)));
    }
    static std::string legs_text(const core::Transaction& transaction) {
        std::string text;
        for (const auto& leg : transaction.legs)
            text += fmt::format("[{} {} {}/{}{}{}/{}{}]", leg.no, leg.merchant, core::word(leg.money),
                                core::word(leg.doing), leg.doing == core::Doing::rest ? "" : ":",
                                leg.doing == core::Doing::rest ? "" : core::word(leg.verb),
                                core::word(leg.goal), leg.stuck.empty() ? "" : " STUCK");
        return text;
    }

    void check_end() {
        std::map<std::string, std::int64_t> owed;
        for (const auto& [id, row] : memory.rows) {
            const auto& t = row.loaded.transaction;
            switch (t.phase) {
                case core::Phase::purchased:
                    ++report.purchased;
                    break;
                case core::Phase::failed:
                    ++report.failed;
                    break;
                case core::Phase::cancelled:
                    ++report.cancelled;
                    break;
                case core::Phase::released:
                    ++report.released;
                    break;
                case core::Phase::reserved:
                case core::Phase::authorising:
                case core::Phase::confirming:
                case core::Phase::capturing:
                    broken(fmt::format("no end: {} is {} {}", id.text(), core::word(t.phase), legs_text(t)));
                    break;
            }
            const auto told_it = answered.find(id);
            if (told_it != answered.end() && told_it->second != t.phase &&
                !(told_it->second == core::Phase::purchased && t.phase == core::Phase::cancelled))
                broken("somebody was told another verdict: " + id.text());
            bool silent_trouble = false;
            for (const auto& leg : t.legs) {
                if (registry->facts(leg).house_credit) {
                    if (leg.money == core::LegMoney::held || leg.money == core::LegMoney::taken)
                        owed[t.caller] += leg.taken_minor - leg.back_minor;
                    continue;
                }
                const auto [taken, back] = truth(reference_of(t, leg));
                const std::int64_t ours =
                    (leg.money == core::LegMoney::taken || leg.money == core::LegMoney::back)
                        ? leg.taken_minor - leg.back_minor
                        : 0;
                if (leg.merchant == "silent") {
                    // The one thing that no design can avoid: it can neither be asked nor told anything.
                    if (taken - back != ours) ++report.blind;
                    silent_trouble = silent_trouble || !leg.stuck.empty();
                } else if (taken - back != ours) {
                    broken(fmt::format("ledgers differ: {} theirs {} ours {}", reference_of(t, leg),
                                       taken - back, ours));
                }
            }
            if (!core::settled(t) && !silent_trouble)
                broken(fmt::format("not settled: {} {} {}", id.text(), core::word(t.phase), legs_text(t)));
        }
        for (const auto& balance : memory.balances("")) {
            if (balance.minor != owed[balance.caller])
                broken(fmt::format("balance of {} is {}, the legs say {}", balance.caller, balance.minor,
                                   owed[balance.caller]));
            if (balance.minor > 60'000) broken("the credit limit was passed");
        }
    }

    void live() {
        const auto customers = roll(1, 12);
        for (std::int64_t i = 0; i < customers; ++i)
            at(clock.at + Millis{roll(0, 600'000)}, [this] { booking_system(); });
        const auto crashes = roll(0, 4);
        for (std::int64_t i = 0; i < crashes; ++i)
            at(clock.at + Millis{roll(0, 1'800'000)}, [this] { crash(); });
        at(clock.at + 40min, [this] {
            say("calm");
            calm = true;
            engine->clock_moved();
        });
        static constexpr std::int64_t steps_max = 200'000;
        const Instant end = clock.at + std::chrono::hours(24 * 30);
        while (!queue.empty() && report.steps < steps_max && report.broken.empty()) {
            auto item = queue.top();
            queue.pop();
            if (item.at > end) break;
            clock.at = std::max(clock.at, item.at);
            ++report.steps;
            item.run();
            for (const auto& id : std::exchange(memory.changed, {})) check(id);
        }
        if (report.steps >= steps_max) {
            broken("it never comes to rest");
            for (const auto& [id, row] : memory.rows)
                if (row.due_at)
                    broken(fmt::format("due: {} {} {}", row.loaded.transaction.reference,
                                       core::word(row.loaded.transaction.phase),
                                       core::state_json(row.loaded.transaction)));
        }
        if (report.broken.empty()) check_end();
        report.fingerprint = std::hash<std::string>{}(report.trace);
    }
};

}  // namespace

Report run(std::uint64_t seed) {
    World world(seed);
    try {
        world.live();
    } catch (const std::exception& error) {
        world.broken(std::string("an assertion of the code: ") + error.what());
    }
    return std::move(world.report);
}

}  // namespace kassi::simulation
