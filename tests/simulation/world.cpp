#include "tests/simulation/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/log.hpp"
#include "engine/engine.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "tests/simulation/borgun_street.hpp"
#include "tests/simulation/memory_store.hpp"
#include "tests/simulation/page_street.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/stripe_street.hpp"

namespace kassi::simulation {
namespace {

using namespace std::chrono_literals;

struct World final : Stage, engine::Outside {
    explicit World(std::uint64_t seed)
        : Stage(seed),
          randomness(seed ^ 0x9E3779B97F4A7C15U),
          house_randomness(seed + 1),
          house(house_options(), clock, house_randomness, notices(),
                [this](Millis delay, std::function<void()> f) { in(delay, std::move(f)); }),
          stripe(*this, seed, notices()),
          borgun(*this, seed,
                 [this, send = notices()](const HttpRequest& request, const auto& answer) {
                     send(request, [answer](int status) { answer(status, ""); });
                 }),
          hosted(*this, seed, [this, send = notices()](const HttpRequest& request, const auto& answer) {
              const auto* flow = registry->flow("securepay");
              send(request, [answer, words = std::string(flow->acknowledgement().body)](int status) {
                  answer(status, status == 200 ? words : "");
              });
          }) {
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
    ~World() override { over = true; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    SeededRandomness randomness, house_randomness;
    std::uint64_t life = 0;  ///< of the process: callbacks of an earlier one come to nobody

    // ---- the house of Kassi
    // -------------------------------------------------------------------------------------
    MemoryStore memory;
    sandbox::RedirectHouse house;
    StripeStreet stripe;
    BorgunStreet borgun;
    PageStreet hosted;
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
        return [this](const HttpRequest& request, std::function<void(int)> status) {
            const auto is_over = std::make_shared<bool>(false);
            const auto answer = [is_over, status = std::move(status)](int code) {
                if (!std::exchange(*is_over, true)) status(code);
            };
            in(30s, [answer] { answer(0); });  // nobody is there, or he died over it
            if (!calm && one_in(5)) return;    // lost on its way
            const int copies = !calm && one_in(6) ? 2 : 1;
            for (int copy = 0; copy < copies; ++copy)
                in(Millis{roll(1, calm ? 100 : 20'000)},
                   [this, request, answer] { notice(request, answer); });
        };
    }
    /// "/webhooks/<provider>/<merchant>"
    void notice(const HttpRequest& request, const std::function<void(int)>& answer) {
        const auto living = life;
        const auto url = parse_url(request.target, "target");
        const std::string path(url->path());
        const auto last = path.rfind('/'), before = path.rfind('/', last - 1);
        HttpRequest relative = request;
        relative.target = path;
        if (path.find("/borgun/") != std::string::npos) say("notice " + request.body);
        engine->notice(path.substr(before + 1, last - before - 1), path.substr(last + 1), relative,
                       [this, living, answer](const Result<engine::NoticeHeard>& done) {
                           if (living == life) answer(done ? 200 : 400);
                       });
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
        for (const std::string name : {"stripe", "deaf"}) {
            merchant(name, "stripe", {{"publishable_key", StripeStreet::publishable_key(name)}},
                     {{"secret_key", StripeStreet::secret_key(name)}});
            directory.merchants.back().base_url = StripeStreet::address;
            if (name == "stripe")
                directory.merchants.back().secrets["webhook_secret"] =
                    Secret<>(StripeStreet::webhook_secret(name));
        }
        for (const auto& shop : BorgunStreet::shops()) {
            std::string accepts = shop.takes_cards ? "card" : "";
            if (shop.takes_tokens) accepts += accepts.empty() ? "token" : ",token";
            std::map<std::string, std::string> with{{"accepts", accepts},
                                                    {"notifies", shop.notifies ? "true" : "false"},
                                                    {"sale_only", shop.sale_only ? "true" : "false"}};
            if (shop.takes_opened) with["accepts"] += ",network_token";
            if (shop.takes_tokens) with["public_key"] = BorgunStreet::public_key(shop.name);
            if (shop.name == "tokens" && one_in(3)) with["three_d_secure"] = "always";
            if (shop.name == "cards" && one_in(2)) with["mpi_continue"] = "1,2,3,4,5,6,91,92,93,94,95,96,99";
            merchant(shop.name, "borgun", with, {{"private_key", BorgunStreet::private_key(shop.name)}});
            directory.merchants.back().base_url = BorgunStreet::base_url;
            if (shop.takes_wallets) directory.merchants.back().apple_pay = WalletStreet::shop();
        }
        merchant(PageStreet::merchant, "securepay",
                 {{"merchant_id", PageStreet::id}, {"gateway_id", PageStreet::gateway}},
                 {{"secret_key", PageStreet::secret}});
        directory.merchants.back().base_url = PageStreet::base_url;
        for (const char* name : {"all", "partial", "again", "owner"}) {
            engine::Caller caller;
            caller.name = name;
            caller.system = "box";
            caller.return_hosts = {"shop.test"};
            caller.ways["*"] = {"asked", "quiet", "silent", "credit", "stripe", "deaf", PageStreet::merchant};
            for (const auto& shop : BorgunStreet::shops()) caller.ways["*"].push_back(shop.name);
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
    /// One call on its way: exactly one outcome reaches the engine.
    struct Line {
        World& world;
        std::uint64_t living;
        std::function<void(core::Heard)> done;
        bool over = false;
        void hear(core::Heard heard) {
            if (std::exchange(over, true) || living != world.life) return;
            done(std::move(heard));
        }
    };
    /// What a house does not answer was hung up on.
    struct Hangup {
        std::shared_ptr<Line> line;
        bool answered = false;
        explicit Hangup(std::shared_ptr<Line> of) : line(std::move(of)) {}
        Hangup(const Hangup&) = delete;
        Hangup& operator=(const Hangup&) = delete;
        ~Hangup() {
            if (answered) return;
            line->world.in(Millis{1}, [line = line] { line->hear(core::Silence{true, "reset"}); });
        }
    };
    void call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) override {
        const auto line = std::make_shared<Line>(*this, life, std::move(done));
        const auto url = parse_url(request.target, "target");
        const bool to_stripe = url->origin() == StripeStreet::address;
        const bool to_borgun = url->origin() == BorgunStreet::address;
        const bool to_page = url->origin() == PageStreet::address;
        request.target = url->target;
        const std::int64_t fate = calm ? 0 : roll(1, 20);
        say(fmt::format("call {} {} fate {}", request.method, request.target, fate));
        if (to_borgun && fate != 1) borgun.sent(request);
        if (to_borgun && !calm && one_in(30)) in(Millis{roll(0, 700)}, [this] { crash(); });
        if (fate == 1) return in(Millis{1}, [line] { line->hear(core::Silence{false, "refused"}); });
        in(budget, [line] { line->hear(core::Silence{true, "too slow"}); });
        if (fate == 2) return;  // the request is lost
        // Slow on its way there: the work is done when nobody waits for it any more.
        const Millis there{fate == 6 ? roll(0, budget.count() + 60'000) : roll(1, 300)};
        if (to_borgun && fate == 7 && BorgunStreet::may_be_doubled(request))
            return doubled(request, line, there);
        in(there, [this, request, budget, fate, line, to_stripe, to_borgun, to_page] {
            const auto hangup = std::make_shared<Hangup>(line);
            const auto answer = [this, request, budget, fate, line, hangup,
                                 to_borgun](HttpResponse response) {
                hangup->answered = true;
                if (to_borgun) borgun.answered(request, response);
                if (response.status >= 400) say(fmt::format("answer {} {}", response.status, response.body));
                if (fate == 3) {
                    ++report.lost_answers;
                    return;
                }
                if (fate == 5) {
                    response = {};  // a proxy's own: nothing of the house is in it
                    response.status = 502;
                    response.body = "bad gateway";
                }
                in(Millis{fate == 4 ? budget.count() + 9'000 : roll(1, 300)},
                   [line, response] { line->hear(core::Answered{response}); });
            };
            if (to_stripe)
                stripe.handler()(request, answer);
            else if (to_borgun)
                borgun.handler()(request, answer);
            else if (to_page)
                hosted.handler()(request, answer);
            else
                house.handler()(request, answer);
        });
    }
    /// Somebody between here and there sends the request twice; one of the answers is heard.
    void doubled(const HttpRequest& request, const std::shared_ptr<Line>& line, Millis there) {
        const bool heard_last = one_in(2) && BorgunStreet::may_answer_the_copy(request);
        for (const bool last : {false, true})
            in(there + Millis{last ? roll(0, 5'000) : 0}, [this, request, line, last, heard_last] {
                borgun.handler()(request, [this, request, line,
                                           heard = last == heard_last](HttpResponse response) {
                    borgun.answered(request, response);
                    if (heard)
                        in(Millis{roll(1, 300)}, [line, response] { line->hear(core::Answered{response}); });
                });
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
    int next_token = 0;
    std::map<TransactionId, core::Phase> answered;  ///< verdicts that somebody was told
    std::map<TransactionId, core::Phase> verdicts;
    std::int64_t stripe_in_hundred = 0;  ///< of this world's payments
    std::int64_t borgun_in_hundred = 0;

    std::string some_way() {
        if (roll(1, 100) <= borgun_in_hundred)
            return BorgunStreet::shops()[static_cast<std::size_t>(roll(0, 3))].name;
        static constexpr const char* others[] = {"asked",  "quiet", "silent",
                                                 "credit", "asked", PageStreet::merchant};
        if (roll(1, 100) > stripe_in_hundred) return one_of(others);
        return one_in(3) ? "deaf" : "stripe";
    }
    static bool is_borgun(std::string_view merchant) { return BorgunStreet::shop(merchant) != nullptr; }
    static bool is_page(std::string_view merchant) { return merchant == PageStreet::merchant; }
    static bool is_stripe(std::string_view merchant) { return merchant == "stripe" || merchant == "deaf"; }

    std::string token() { return fmt::format("T{}.x", ++next_token); }

    void booking_system() {
        engine::HandOverRequest request;
        request.system = "box";
        static constexpr const char* names[] = {"all", "partial", "again", "owner"};
        request.caller = names[roll(0, 3)];
        const auto bundles = roll(1, 3);
        for (std::int64_t i = 0; i < bundles; ++i) request.bundles.push_back(bundle(i));
        // The seats of a festival are kept for longer than a card's bank keeps the money.
        request.held_until =
            clock.at + (one_in(12) ? Millis{roll(160, 180) * 3'600'000} : Millis{roll(30, 1500) * 1000});
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
            // After a week the banks of those who paid first have let go.
            if (request.held_until > clock.at + std::chrono::hours(24))
                in(std::chrono::hours(roll(165, 172)), [this, id, request] { purchase(id, request); });
            if (one_in(12))
                at(clock.at + Millis{roll(0, 900'000)}, [this, id] { submit(id, core::Release{}); });
            if (one_in(6))
                at(clock.at + Millis{roll(1'000, 1'800'000)}, [this, id] { submit(id, core::Cancel{}); });
            if (one_in(8))
                at(clock.at + Millis{roll(1'000, 1'800'000)}, [this, id] { submit(id, core::Cancel{{1}}); });
            if (one_in(6)) in(Millis{roll(1'000, 1'800'000)}, [this, id] { refund(id); });
            if (one_in(10))
                at(clock.at + Millis{roll(0, 600'000)},
                   [this, id] { submit(id, core::Hold{clock.at + 20min}); });
        });
    }
    core::Bundle bundle(std::int64_t number) {
        static constexpr const char* codes[] = {"GBP", "GBP", "GBP", "GBP", "ISK", "BHD"};
        const auto currency = *Currency::parse(one_of(codes), "");
        // Three decimals, the last of them 0 for Stripe: mostly.
        const std::int64_t step = currency.code() == "BHD" && !one_in(8) ? 10 : 1;
        Money amount{roll(0, 20) == 0 ? 0 : roll(1, 9'000 / step) * step, currency};
        if (borgun_in_hundred > 0 && currency.code() != "BHD" && one_in(25))
            amount.minor = telling_amount(currency);
        core::Bundle bundle{fmt::format("s{}", number), "tickets", amount, {}};
        const Money first{one_in(2) ? amount.minor : amount.minor / 2 / step * step, currency};
        bundle.orders.push_back({2 * number + 1, first, !one_in(4)});
        if (first.minor < amount.minor)
            bundle.orders.push_back({2 * number + 2, {amount.minor - first.minor, currency}, !one_in(4)});
        return bundle;
    }
    /// That makes Borgun answer with a code of its own: to the authorisation, the capture, the cancel, the
    /// refund.
    std::int64_t telling_amount(const Currency& currency) {
        static constexpr std::int64_t codes[] = {100, 116, 909, 953, 999};
        const auto base = BorgunStreet::refusing_amount(currency), unit = base / 900'000;
        const auto of_call = roll(0, 3), code = one_of(codes);
        // With 909 no authorisation went out: a card that is charged all the same would contradict that.
        return base + (of_call * 1'000 + (of_call == 0 && code == 909 ? 911 : code)) * unit;
    }
    /// A person gives back a part of a payment, or all of it.
    void refund(TransactionId id) {
        const auto loaded = memory.load(id);
        if (!loaded || loaded->transaction.legs.empty()) return;
        const auto& leg = loaded->transaction.legs[static_cast<std::size_t>(
            roll(0, static_cast<std::int64_t>(loaded->transaction.legs.size()) - 1))];
        const Money amount{roll(1, leg.amount.minor), leg.amount.currency};
        submit(id, core::RefundOf{leg.no, amount, "Anna", "a complaint"});
    }
    void submit(TransactionId id, core::InputBody body) {
        engine->submit(id, std::move(body), {"system box", "", {}}, [](const Result<engine::View>&) {});
    }

    /// Of the first bundle's currency: what one credential for all of them is to pay.
    static Money total_of(const engine::HandOverRequest& handed) {
        Money total{0, handed.bundles.front().amount.currency};
        for (const auto& bundle : handed.bundles)
            if (bundle.amount.currency == total.currency) total.minor += bundle.amount.minor;
        return total;
    }
    void purchase(TransactionId id, const engine::HandOverRequest& handed) {
        engine::PurchaseRequest request;
        bool browser = false;  ///< a way that sends the customer away whatever happens
        std::set<std::pair<std::string, std::string>> shared;  ///< what one credential pays: way, currency
        const std::string together = one_in(4) ? some_way() : "";
        for (const auto& bundle : handed.bundles) {
            if (bundle.amount.minor == 0) continue;
            const std::string way = is_borgun(together) && !one_in(5) ? together : some_way();
            request.ways[bundle.source] = way;
            browser = browser || (!is_stripe(way) && !is_borgun(way) && way != "credit");
            const bool bare = is_borgun(together) && is_borgun(way) && (way == together || one_in(5));
            if (bare)
                shared.emplace(way, std::string(bundle.amount.currency.code()));
            else if (is_stripe(way) && !one_in(3))
                request.credentials[bundle.source] = stripe.credential(way);
            else if (is_borgun(way) && (is_borgun(together) || !one_in(5)))
                request.credentials[bundle.source] = borgun.credential(way, id, bundle.amount, 1);
        }
        if (is_borgun(together) && !shared.empty())
            request.shared_credential = borgun.credential(together, id, total_of(handed), shared.size());
        engine::ReturnDetails details;
        const bool alone = !browser && one_in(4);
        request.ask_by_callout = alone && one_in(2);
        if (!alone && one_in(2)) {
            details.via = core::ReturnVia::kassi;
        } else if (!alone) {
            details.token = token();
            details.url = "https://shop.test/back/" + details.token + "/done";
            callers_of_tokens[details.token] = handed.caller;
        }
        if (details.via == core::ReturnVia::kassi || !details.token.empty()) request.returns = details;
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
            if (view->callout) {
                const auto* leg = core::leg_away(view->transaction);
                at(clock.at + Millis{roll(100, 5'000)},
                   [this, callout = *view->callout, merchant = leg->merchant,
                    caller = view->transaction.caller] { customer(callout, merchant, caller); });
            }
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
    void customer(const core::Callout& callout, const std::string& merchant, const std::string& caller) {
        if (!seen.emplace(callout.return_token, true).second && !one_in(3)) return;
        if (callout.goes_on) return at_the_passing_page(callout, merchant, caller);
        if (callout.hosted) return at_our_page(callout, merchant, caller);
        if (is_borgun(merchant)) {
            const std::string back = return_url_of(callout);
            return borgun.at_the_bank(callout, back, [this](const std::string& url, const Fields& fields) {
                home_by_form(url, fields);
            });
        }
        if (is_page(merchant))
            return hosted.at_the_page(
                callout, return_url_of(callout),
                [this](const std::string& url, const Fields& fields) { home_by_form(url, fields); });
        if (is_stripe(merchant)) {
            if (one_in(8)) forge_return(callout);
            return stripe.at_the_bank(callout, [this](const std::string& location) { go_home(location); });
        }
        at_the_house(callout);
    }
    /// The bank looks at the browser (3DS Method), and the page goes on: once, twice, in two tabs, too late,
    /// not at all; or somebody comes home from it by himself.
    void at_the_passing_page(const core::Callout& callout, const std::string& merchant,
                             const std::string& caller) {
        ++report.pages_passed;
        if (one_in(10)) return;
        if (one_in(12))
            in(Millis{roll(10, 12'000)}, [this, callout] { come_back(return_url_of(callout), {}); });
        const int times = one_in(5) ? 2 : 1;
        for (int i = 0; i < times; ++i)
            in(Millis{roll(200, one_in(10) ? 900'000 : 12'000)}, [this, callout, merchant, caller] {
                const auto living = life;
                Fields fields;
                if (!one_in(8)) fields.emplace_back("method", one_in(3) ? "N" : "Y");
                say("on from the passing page " + encoding::form(fields));
                engine->go_on(callout.page_token, std::move(fields), {"browser", "", {}},
                              [this, living, callout, merchant, caller](const Result<engine::View>& view) {
                                  if (living != life) return;
                                  if (!view) return say("not on: " + view.error().message);
                                  pass_on(view->transaction.id, callout, merchant, caller);
                              });
            });
    }
    void pass_on(const TransactionId& id, const core::Callout& callout, const std::string& merchant,
                 const std::string& caller) {
        const auto living = life;
        engine->wait(id, engine::Until::answer, Millis{20'000},
                     [this, living, callout, merchant, caller](const Result<engine::View>&) {
                         if (living != life) return;
                         const auto way = engine->way_on(callout.page_token);
                         if (!way) return say("no way on: " + way.error().message);
                         if (!way->here) return come_back(way->return_url, {});
                         const auto shown = engine->callout_page(callout.page_token);
                         if (!shown) return say("over: " + shown.error().message);
                         if (!shown->callout->goes_on) seen.erase(callout.return_token);  // the same token
                         customer(*shown->callout, merchant, caller);
                     });
    }
    /// Our page asks for the card; or the caller, who has the token, asks for it with a form of his own.
    void at_our_page(const core::Callout& callout, const std::string& merchant, const std::string& caller) {
        const auto fate = roll(1, 12);
        say(fmt::format("our page for a card, fate {}", fate));
        ++report.tokens_asked_for;
        if (fate == 12) return;  // walks away
        const bool by_caller = one_in(4);
        const bool of_borgun = is_borgun(merchant);
        const std::string field = of_borgun ? "borgunToken" : "stripeToken";
        const auto fresh = [this, merchant, of_borgun] {
            return of_borgun ? borgun.token(merchant) : stripe.token(merchant);
        };
        in(Millis{roll(1'000, one_in(8) ? 900'000 : 60'000)}, [this, callout, merchant, caller, fate,
                                                               by_caller, of_borgun, field, fresh] {
            std::string url;
            if (!by_caller) {
                const auto view = engine->callout_page(callout.page_token);
                if (!view) return;  // over already
                url = view->return_url;
            }
            std::vector<Fields> sent;
            if (fate == 1)
                sent.push_back({{"cancelled", "yes"}, {field, ""}});
            else if (fate == 2)
                sent.push_back({});
            else if (fate <= 4)  // and then, perhaps, one that is good
                sent.push_back(
                    {{field, of_borgun ? borgun.used_token(merchant) : stripe.credential(merchant).value}});
            if (of_borgun && one_in(4)) {
                if (const auto view = engine->callout_page(callout.page_token))
                    if (const auto* leg = core::leg_away(view->transaction))
                        sent.push_back(
                            {{"applePayToken", borgun.wallet_token(view->transaction.id, leg->amount)}});
            } else if (fate >= 4)
                sent.push_back({{field, fresh()}});
            if (one_in(6) && !sent.empty()) sent.push_back(sent.back());
            if (one_in(10)) sent.push_back({{field, fresh()}});
            for (const auto& fields : sent)
                in(Millis{roll(10, 3'000)}, [this, url, fields, callout, caller, by_caller] {
                    if (by_caller)
                        give_back(caller, callout.return_token, fields);
                    else
                        come_back(url, fields);
                });
        });
    }
    std::string return_url_of(const core::Callout& callout) const {
        return callers_of_tokens.contains(callout.return_token)
                   ? "https://shop.test/back/" + callout.return_token + "/done"
                   : "http://kassi.test/callback/" + callout.return_token;
    }
    /// The bank's page posts him back: once, twice, in two tabs, with the form's fields in the URL too.
    void home_by_form(const std::string& url, const Fields& fields) {
        const auto later = [this] { return Millis{roll(10, one_in(10) ? 900'000 : 3'000)}; };
        in(later(), [this, url, fields] { come_back(url, fields); });
        if (one_in(6)) in(later(), [this, url, fields] { come_back(url, fields); });
        if (one_in(12)) in(later(), [this, url] { come_back(url, {}); });
        if (one_in(12)) in(later(), [this, url] { come_back(url, {{"MD", "x"}}); });
        if (one_in(10)) {  // by GET and POST at once
            Fields both = fields;
            both.insert(both.end(), fields.begin(), fields.end());
            if (one_in(2) && !both.empty()) both.back().second += "x";
            in(later(), [this, url, both] { come_back(url, both); });
        }
    }
    /// Who was sent to the bank can say what he likes at the return URL, whatever he does there.
    void forge_return(const core::Callout& callout) {
        const std::string url = return_url_of(callout);
        Fields fields{{"redirect_status", "succeeded"}};
        if (const auto* intent = find_field(callout.parameters, "payment_intent"); intent && !one_in(4))
            fields.emplace_back("payment_intent", *intent);
        in(Millis{roll(500, 30'000)}, [this, url, fields] { come_back(url, fields); });
    }
    void go_home(const std::string& location) {
        const auto url = parse_url(location, "location");
        if (!url) return;
        const auto fields = encoding::parse_form(url->query(), "query");
        const std::string bare = location.substr(0, location.find('?'));
        const int times = one_in(6) ? 2 : 1;
        for (int i = 0; i < times; ++i)
            at(clock.at + Millis{roll(10, one_in(10) ? 900'000 : 3'000)},
               [this, bare, fields] { come_back(bare, *fields); });
        // Somebody plays with the address.
        if (one_in(10))
            in(Millis{roll(10, 3'000)}, [this, bare] {
                come_back(bare, {{"payment_intent", "pi_another"}, {"redirect_status", "succeeded"}});
            });
    }
    void at_the_house(const core::Callout& callout) {
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
                go_home(std::string(answer.header("Location")));
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
        give_back(ours ? "" : callers_of_tokens[which], which, fields);
    }
    void give_back(const std::string& caller, const std::string& which, const Fields& fields) {
        const auto living = life;
        std::string next;
        if (!caller.empty() && !one_in(8)) {
            next = token();
            callers_of_tokens[next] = caller;
        }
        say(fmt::format("return {} {}", which, encoding::form(fields)));
        engine->returned(
            caller, which, fields, next, {caller.empty() ? "browser" : "caller " + caller, "", {}},
            [this, living, caller, which, fields, next](Result<engine::Engine::ReturnOutcome> outcome) {
                if (living != life) return;
                if (!outcome) {
                    say("return refused: " + outcome.error().field + " " + outcome.error().message);
                    // An integrator who is told so comes with the token that he forgot.
                    if (outcome.error().field == "next_token" && next.empty())
                        in(Millis{roll(10, 3'000)},
                           [this, caller, which, fields] { give_back(caller, which, fields); });
                    return;
                }
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

    static constexpr std::size_t rows_max = 2'000;  // a month of a doubt that nobody ends has its looks
    /// The journal so far makes the state; what was replayed before is kept.
    bool replays(const TransactionId& id, const MemoryStore::Row& row) {
        core::Transaction& replayed = replicas[id];
        for (auto i = static_cast<std::size_t>(replayed.version); i < row.journal.size(); ++i) {
            const auto parsed = core::parse_row(row.journal[i]);
            if (!parsed) {
                broken("a journal row cannot be read: " + parsed.error().message);
                return false;
            }
            core::apply_row(replayed, *parsed);
            borgun.check_no_card(row.journal[i], "journal of " + id.text());
        }
        if (!(replayed == row.loaded.transaction)) broken("replay differs from the state of " + id.text());
        if (row.journal.size() > rows_max) broken("it never comes to rest: " + id.text());
        return true;
    }
    std::map<TransactionId, core::Transaction> replicas;

    void check(const TransactionId& id) {
        const auto& row = memory.rows.at(id);
        const core::Transaction& now_state = row.loaded.transaction;
        if (!replays(id, row)) return;
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
            if (is_stripe(leg.merchant)) {
                check_card(now_state, leg);
                continue;
            }
            if (is_borgun(leg.merchant)) {
                borgun.check(now_state, leg);
                continue;
            }
            if (is_page(leg.merchant)) {
                hosted.check(now_state, leg);
                continue;
            }
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
        check_tokens(id, now_state, row.loaded.papers);
        say(fmt::format("{} v{} {} {}", now_state.reference, now_state.version, core::word(now_state.phase),
                        legs_text(now_state)));
    }
    void check_card(const core::Transaction& transaction, const core::Leg& leg) {
        const auto reference = reference_of(transaction, leg);
        const auto& truth = stripe.truth(reference);
        if (truth.holds > 1) broken("authorised twice: " + reference);
        if (truth.kept() > leg.amount.minor) broken("charged twice: " + reference);
        if (truth.back > truth.captured + truth.came_home) broken("more given back than taken: " + reference);
        const bool taken = leg.money == core::LegMoney::taken || leg.money == core::LegMoney::back;
        if ((taken && truth.captured != leg.taken_minor) ||
            (leg.money == core::LegMoney::held && truth.held != leg.taken_minor))
            broken("more believed than is true: " + reference);
        if (leg.back_minor > truth.back) broken("believed to be given back, and is not: " + reference);
        if (core::settled(transaction) && truth.still_held() != 0)
            broken("settled, and the card's owner cannot use his money: " + reference);
        if (transaction.phase == core::Phase::failed && core::settled(transaction) && truth.kept() != 0 &&
            truth.came_home == 0)
            broken("failed, settled, and the house keeps money: " + reference);
    }
    /// What is good for one payment pays for one leg.
    void check_tokens(const TransactionId& id, const core::Transaction& transaction,
                      const core::Papers& papers) {
        for (const auto& [leg, parcel] : papers.parcels) {
            if (const auto* of = core::find_leg(transaction, leg); of && is_borgun(of->merchant))
                borgun.check_token(id, *of, parcel.credential);
            const std::string where = fmt::format("parcel of {}-{}", id.text(), leg);
            for (const auto* text : {&parcel.request.body, &parcel.saved, &parcel.credential.value})
                borgun.check_no_card(*text, where);
            if (!stripe.minted(parcel.credential.value)) continue;
            const auto [known, fresh] = tokens_spent.emplace(parcel.credential.value, std::pair(id, leg));
            if (!fresh && known->second != std::pair(id, leg))
                broken("spent twice: " + parcel.credential.value);
        }
    }
    std::map<std::string, std::pair<TransactionId, std::int64_t>> tokens_spent;
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
            bool left_open = false;
            for (const auto& leg : t.legs) {
                if (registry->facts(leg).house_credit) {
                    if (leg.money == core::LegMoney::held || leg.money == core::LegMoney::taken)
                        owed[t.caller + std::string(leg.amount.currency.code())] +=
                            leg.taken_minor - leg.back_minor;
                    continue;
                }
                if (is_stripe(leg.merchant)) {
                    left_open = check_card_end(t, leg) || left_open;
                    continue;
                }
                if (is_borgun(leg.merchant)) {
                    left_open = borgun.check_end(t, leg, credential_of(row, leg)) || left_open;
                    continue;
                }
                if (is_page(leg.merchant)) {
                    left_open = hosted.check_end(t, leg) || left_open;
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
                    left_open = left_open || !leg.stuck.empty();
                } else if (taken - back != ours) {
                    broken(fmt::format("ledgers differ: {} theirs {} ours {}", reference_of(t, leg),
                                       taken - back, ours));
                }
            }
            if (!core::settled(t) && !left_open)
                broken(fmt::format("not settled: {} {} {}", id.text(), core::word(t.phase), legs_text(t)));
        }
        for (const auto& balance : memory.balances("")) {
            const auto of_legs = owed[balance.caller + std::string(balance.currency.code())];
            if (balance.minor != of_legs)
                broken(fmt::format("balance of {} is {}, the legs say {}", balance.caller, balance.minor,
                                   of_legs));
            if (balance.currency.code() == "GBP" && balance.minor > 60'000)
                broken("the credit limit was passed");
        }
    }
    /// True: a person has to look, and for a reason that no machine can settle.
    bool check_card_end(const core::Transaction& transaction, const core::Leg& leg) {
        const auto reference = reference_of(transaction, leg);
        const auto& truth = stripe.truth(reference);
        report.cards_held += truth.holds;
        report.cards_taken += truth.captured > 0 ? 1 : 0;
        report.holds_expired += truth.expired;
        report.refunds += truth.back > 0 ? 1 : 0;
        const bool moved = leg.money == core::LegMoney::taken || leg.money == core::LegMoney::back;
        const std::int64_t ours = moved ? leg.taken_minor - leg.back_minor : 0;
        const auto look = stripe.look(truth);
        report.disputes += look.disputed ? 1 : 0;
        report.refunds_failed += look.refunds_failed;
        // A refund that failed, or that Stripe refuses since the card's owner has taken the money already.
        const bool explained = !leg.stuck.empty() && (look.disputed || look.refunds_failed > 0);
        // Money that went back and came home: our books keep what was said first, and a person was called.
        const auto more = truth.kept() - ours;
        const bool came_home =
            more > 0 && more <= truth.came_home && (!leg.stuck.empty() || helped.contains(reference));
        if (explained || came_home) ++report.left_to_a_person;
        if (!leg.stuck.empty() && !explained) broken("stuck: " + reference + ": " + leg.stuck);
        if (truth.kept() != ours && !came_home)
            broken(fmt::format("ledgers differ: {} theirs {} ours {}", reference, truth.kept(), ours));
        return explained;
    }
    static std::string credential_of(const MemoryStore::Row& row, const core::Leg& leg) {
        const auto found = row.loaded.papers.parcels.find(leg.no);
        return found == row.loaded.papers.parcels.end() ? "" : found->second.credential.value;
    }
    /// A person looks at what is stuck, and says where the money is: once, what comes then is his problem.
    void person() {
        for (const auto& [id, row] : memory.rows)
            for (const auto& leg : row.loaded.transaction.legs) {
                if (is_borgun(leg.merchant) && core::needs_person(leg)) {
                    const auto fact = borgun.person(row.loaded.transaction, leg, credential_of(row, leg));
                    if (fact)
                        in(Millis{1}, [this, id = id, no = leg.no, fact = *fact] {
                            submit(id, core::Settle{no, fact, "Anna", "as B-Online says"});
                        });
                    continue;
                }
                if (is_page(leg.merchant) && core::needs_person(leg)) {
                    const auto fact = hosted.person(row.loaded.transaction, leg);
                    if (fact)
                        in(Millis{1}, [this, id = id, no = leg.no, fact = *fact] {
                            submit(id, core::Settle{no, fact, "Anna", "as the house's books say"});
                        });
                    continue;
                }
                if (!is_stripe(leg.merchant) || leg.stuck.empty()) continue;
                const auto reference = reference_of(row.loaded.transaction, leg);
                const auto& truth = stripe.truth(reference);
                const auto look = stripe.look(truth);
                if (look.refunds_pending > 0 || !helped.insert(reference).second) continue;
                using Money = core::LegMoney;
                const auto fact = truth.captured > 0 && truth.kept() == 0 ? Money::back
                                  : truth.captured > 0                    ? Money::taken
                                  : truth.still_held() > 0                ? Money::held
                                                                          : Money::none;
                ++report.stuck[leg.stuck];
                say(fmt::format("Anna looks at {}: {}: it is {}", reference, leg.stuck, core::word(fact)));
                in(Millis{1}, [this, id = id, no = leg.no, fact] {
                    submit(id, core::Settle{no, fact, "Anna", "as Stripe's dashboard says"});
                });
            }
    }
    std::set<std::string> helped;

    void forge_event() {
        const auto& shop = BorgunStreet::shops()[static_cast<std::size_t>(roll(0, 3))];
        const auto body = borgun.forged_event(shop.name);
        if (body.empty()) return;
        say("somebody forges " + body);
        notice({"POST",
                "http://kassi.test/webhooks/borgun/" + shop.name,
                {{"Content-Type", "application/json"}},
                body,
                ""},
               [](int) {});
    }

    void live() {
        const auto customers = roll(1, 12);
        for (std::int64_t i = 0; i < customers; ++i)
            at(clock.at + Millis{roll(0, 600'000)}, [this] { booking_system(); });
        const auto crashes = roll(0, 4);
        for (std::int64_t i = 0; i < crashes; ++i)
            at(clock.at + Millis{roll(0, 1'800'000)}, [this] { crash(); });
        stripe_in_hundred = 50 * roll(0, 2);
        borgun_in_hundred = 50 * std::max<std::int64_t>(0, roll(-1, 2));
        for (int minute = 0; minute < 40; minute += 5)
            at(beginning + std::chrono::minutes(minute), [this] {
                stripe.storm();
                borgun.storm();
                hosted.storm();
            });
        if (stripe_in_hundred > 0 && one_in(2)) {
            const auto refunds = roll(1, 4);
            for (std::int64_t i = 0; i < refunds; ++i)
                in(Millis{one_in(3) ? roll(0, 200 * 3'600'000) : roll(60'000, 3'600'000)},
                   [this] { stripe.refund_at_the_dashboard(); });
        }
        if (borgun_in_hundred > 0) {
            if (one_in(3)) in(Millis{roll(60'000, 3'600'000)}, [this] { borgun.refund_at_the_dashboard(); });
            const auto forged = one_in(2) ? roll(1, 4) : 0;
            for (std::int64_t i = 0; i < forged; ++i)
                in(Millis{roll(0, 3'600'000)}, [this] { forge_event(); });
        }
        at(clock.at + 40min, [this] {
            say("calm");
            calm = true;
            stripe.calm();
            borgun.calm();
            hosted.calm();
            engine->clock_moved();
        });
        for (int day = 1; day <= 25; ++day) in(std::chrono::hours(24 * day), [this] { person(); });
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
