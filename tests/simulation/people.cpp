#include "tests/simulation/people.hpp"

#include <algorithm>

namespace kassi::simulation {

using namespace std::chrono_literals;
using engine::View;

namespace {
constexpr int tries_max = 6;
constexpr Millis patience = 25s;  ///< of a client whose connection says nothing
}  // namespace

People::People(Stage& stage, Machine& machine, Town& town, Record& record)
    : stage_(stage), machine_(machine), town_(town), record_(record) {
    stripe_in_hundred_ = 50 * stage.roll(0, 2);
    borgun_in_hundred_ = 50 * std::max<std::int64_t>(0, stage.roll(-1, 2));
}

std::vector<std::string> People::ways() {
    std::vector<std::string> all{"asked",  "quiet", RedirectStreet::blind, "credit",
                                 "stripe", "deaf",  PageStreet::merchant};
    for (const auto& shop : BorgunStreet::shops()) all.push_back(shop.name);
    return all;
}

std::string People::some_way() {
    if (stage_.roll(1, 100) <= borgun_in_hundred_)
        return BorgunStreet::shops()[static_cast<std::size_t>(stage_.roll(0, 3))].name;
    static constexpr const char* others[] = {"asked",  "quiet", RedirectStreet::blind,
                                             "credit", "asked", PageStreet::merchant};
    if (stage_.roll(1, 100) > stripe_in_hundred_) return stage_.one_of(others);
    return stage_.one_in(3) ? "deaf" : "stripe";
}

std::string People::token() {
    return fmt::format("T{}.x", ++next_token_);
}

// ---- what is bought ------------------------------------------------------------------------------------

core::Bundle People::bundle(std::int64_t number) {
    static constexpr const char* codes[] = {"GBP", "GBP", "GBP", "GBP", "ISK", "BHD"};
    const auto currency = *Currency::parse(stage_.one_of(codes), "");
    // Three decimals, the last of them 0 for Stripe: mostly.
    const std::int64_t step = currency.code() == "BHD" && !stage_.one_in(8) ? 10 : 1;
    Money amount{stage_.roll(0, 20) == 0 ? 0 : stage_.roll(1, 9'000 / step) * step, currency};
    if (borgun_in_hundred_ > 0 && currency.code() != "BHD" && stage_.one_in(25))
        amount.minor = telling_amount(currency);
    core::Bundle bundle{fmt::format("s{}", number), "tickets", amount, {}};
    const Money first{stage_.one_in(2) ? amount.minor : amount.minor / 2 / step * step, currency};
    bundle.orders.push_back({2 * number + 1, first, !stage_.one_in(4)});
    if (first.minor < amount.minor)
        bundle.orders.push_back({2 * number + 2, {amount.minor - first.minor, currency}, !stage_.one_in(4)});
    return bundle;
}

/// That makes Borgun answer with a code of its own: to the authorisation, the capture, the cancel, the
/// refund.
std::int64_t People::telling_amount(const Currency& currency) {
    static constexpr std::int64_t codes[] = {100, 116, 909, 953, 999};
    const auto base = BorgunStreet::refusing_amount(currency), unit = base / 900'000;
    const auto of_call = stage_.roll(0, 3), code = stage_.one_of(codes);
    // With 909 no authorisation went out: a card that is charged all the same would contradict that.
    return base + (of_call * 1'000 + (of_call == 0 && code == 909 ? 911 : code)) * unit;
}

// ---- handing over --------------------------------------------------------------------------------------

void People::book(std::int64_t number) {
    const Stage::As as(stage_, stage_.actor(number));
    if (!stage_.happens(Fault::booking)) return;
    auto booking = std::make_shared<Booking>();
    booking->customer = number;
    booking->key = fmt::format("key{}", number);
    bookings_[number] = booking;
    auto& request = booking->request;
    request.system = "box";
    request.caller = std::string(callers[stage_.roll(0, 3)]);
    const auto bundles = stage_.roll(1, 3);
    for (std::int64_t i = 0; i < bundles; ++i) request.bundles.push_back(bundle(i));
    // The seats of a festival are kept for longer than a card's bank keeps the money.
    request.held_until = stage_.clock.at + (stage_.one_in(12) ? Millis{stage_.roll(160, 180) * 3'600'000}
                                                              : Millis{stage_.roll(30, 1500) * 1000});
    hand_over(booking);
}

void People::hand_over(const Shared& booking) {
    if (++booking->tries > tries_max) return;
    stage_.in(patience, [this, booking, mine = booking->tries] {
        if (booking->answer || booking->tries != mine) return;
        stage_.seen(Fault::no_answer_heard);
        hand_over(booking);
    });
    Process* process = machine_.door();
    if (process == nullptr) return;
    const engine::Meta meta{"system box", booking->tracking(),
                            engine::Meta::Once{"idempotency:box", booking->key, "body", true}};
    process->engine().hand_over(booking->request, meta,
                                heard(*process, [this, booking](const Result<View>& view) {
                                    if (view) return handed(booking, *view);
                                    stage_.say("hand-over refused: " + view.error().message);
                                    if (view.error().kind != ErrorKind::unavailable)
                                        booking->tries = tries_max;
                                }));
}

void People::handed(const Shared& booking, const View& view) {
    const auto id = view.transaction.id;
    if (booking->answer) {
        ++stage_.report.answers_compared;
        if (booking->answer->id != id)
            stage_.broken(Invariant::key_counts_once, "handed over twice: " + booking->key);
        else if (!(*booking->answer == view.transaction))
            stage_.broken(Invariant::same_key_same_answer, booking->key);
        return;
    }
    booking->answer = view.transaction;
    ++stage_.report.transactions;
    told_.handed_over[id] = booking->customer;
    plans_of(booking, id);
}

/// What the booking system, its staff and the customer will do with it.
void People::plans_of(const Shared& booking, const TransactionId& id) {
    const auto some_time = [this](std::int64_t one_in, Millis latest, Fault fault,
                                  const std::function<void()>& then) {
        if (!stage_.one_in(one_in)) return;
        stage_.in(Millis{stage_.roll(1'000, latest.count())}, [this, fault, then] {
            if (stage_.happens(fault)) then();
        });
    };
    stage_.in(Millis{stage_.roll(0, 30'000)}, [this, booking, id] { purchase(booking, id); });
    // After a week the banks of those who paid first have let go.
    if (booking->request.held_until > stage_.clock.at + std::chrono::hours(24))
        stage_.in(std::chrono::hours(stage_.roll(165, 172)), [this, booking, id] { purchase(booking, id); });
    some_time(12, 15min, Fault::released_meanwhile, [this, id] { submit(id, core::Release{}, nullptr); });
    some_time(6, 30min, Fault::cancelled_meanwhile, [this, id] { submit(id, core::Cancel{}, nullptr); });
    some_time(8, 30min, Fault::part_cancelled, [this, id] { submit(id, core::Cancel{{1}}, nullptr); });
    some_time(6, 30min, Fault::refund_asked, [this, booking, id] { refund(booking, id); });
    some_time(10, 10min, Fault::hold_moved,
              [this, id] { submit(id, core::Hold{stage_.clock.at + 20min}, nullptr); });
    some_time(3, 30min, Fault::key_repeated, [this, booking] {
        booking->tries = 0;
        hand_over(booking);
    });
}

void People::submit(const TransactionId& id, core::InputBody body, const Booking* booking) {
    Process* process = machine_.door();
    if (process == nullptr) return;
    const engine::Meta meta{"system box", booking == nullptr ? "" : booking->tracking(), {}};
    process->engine().submit(id, std::move(body), meta, [](const Result<View>&) {});
}

/// A person gives back a part of a payment, or all of it.
void People::refund(const Shared& booking, const TransactionId& id) {
    const auto* row = record_.find(id);
    if (row == nullptr || row->loaded.transaction.legs.empty()) return;
    const auto& legs = row->loaded.transaction.legs;
    const auto& leg =
        legs[static_cast<std::size_t>(stage_.roll(0, static_cast<std::int64_t>(legs.size()) - 1))];
    const Money amount{stage_.roll(1, leg.amount.minor), leg.amount.currency};
    const std::string key = fmt::format("refund{}.{}", booking->customer, ++next_token_);
    const core::RefundOf refund{leg.no, amount, "Anna", key};
    ask_refund(booking, id, refund, key, 1);
    if (stage_.one_in(2))
        stage_.in(Millis{stage_.roll(0, 600'000)}, [this, booking, id, refund, key] {
            if (stage_.happens(Fault::key_repeated, "of a refund")) ask_refund(booking, id, refund, key, 1);
        });
}

void People::ask_refund(const Shared& booking, const TransactionId& id, const core::RefundOf& refund,
                        const std::string& key, int tries) {
    const auto answered = std::make_shared<bool>(false);
    stage_.in(patience, [this, booking, id, refund, key, tries, answered] {
        if (*answered || tries >= tries_max) return;
        stage_.seen(Fault::no_answer_heard);
        ask_refund(booking, id, refund, key, tries + 1);
    });
    Process* process = machine_.door();
    if (process == nullptr) return;
    const engine::Meta meta{"person Anna", booking->tracking(),
                            engine::Meta::Once{"idempotency:box", key, "body", true}};
    process->engine().submit(id, refund, meta,
                             heard(*process, [this, key, answered](const Result<View>& view) {
                                 *answered = view || view.error().kind != ErrorKind::unavailable;
                                 if (view) compare(key, *view, engine::Until::rest);
                             }));
}

void People::compare(const std::string& key, const View& view, engine::Until until) {
    if (!view.replayed || engine::at_work(view.transaction, until)) return;
    const auto [known, first] = told_.answers.emplace(key, view.transaction);
    if (first) return;
    ++stage_.report.answers_compared;
    if (!(known->second == view.transaction)) stage_.broken(Invariant::same_key_same_answer, key);
}

// ---- buying --------------------------------------------------------------------------------------------

namespace {
/// Of the first bundle's currency: what one credential for all of them is to pay.
Money total_of(const engine::HandOverRequest& handed) {
    Money total{0, handed.bundles.front().amount.currency};
    for (const auto& bundle : handed.bundles)
        if (bundle.amount.currency == total.currency) total.minor += bundle.amount.minor;
    return total;
}
}  // namespace

void People::credentials_for(const Shared& booking, const TransactionId& id, engine::PurchaseRequest& request,
                             bool& browser) {
    const auto& handed = booking->request;
    std::set<std::pair<std::string, std::string>> shared;  // what one credential pays: way, currency
    const std::string together = stage_.one_in(4) ? some_way() : "";
    for (const auto& bundle : handed.bundles) {
        if (bundle.amount.minor == 0) continue;
        const std::string way = is_borgun(together) && !stage_.one_in(5) ? together : some_way();
        request.ways[bundle.source] = way;
        browser = browser || (!StripeStreet::has(way) && !is_borgun(way) && way != "credit");
        const bool bare = is_borgun(together) && is_borgun(way) && (way == together || stage_.one_in(5));
        if (bare)
            shared.emplace(way, std::string(bundle.amount.currency.code()));
        else if (StripeStreet::has(way) && !stage_.one_in(3))
            request.credentials[bundle.source] = town_.stripe.credential(way);
        else if (is_borgun(way) && (is_borgun(together) || !stage_.one_in(5)))
            request.credentials[bundle.source] = town_.borgun.credential(way, id, bundle.amount, 1);
    }
    if (is_borgun(together) && !shared.empty())
        request.shared_credential = town_.borgun.credential(together, id, total_of(handed), shared.size());
}

void People::purchase(const Shared& booking, const TransactionId& id) {
    engine::PurchaseRequest request;
    bool browser = false;  // a way that sends the customer away whatever happens
    credentials_for(booking, id, request, browser);
    engine::ReturnDetails details;
    const bool alone = !browser && stage_.one_in(4);
    request.ask_by_callout = alone && stage_.one_in(2);
    if (!alone && stage_.one_in(2)) {
        details.via = core::ReturnVia::kassi;
    } else if (!alone) {
        details.token = token();
        details.url = "https://shop.test/back/" + details.token + "/done";
        callers_of_tokens_[details.token] = booking->request.caller;
    }
    if (details.via == core::ReturnVia::kassi || !details.token.empty()) request.returns = details;
    const std::string key =
        stage_.one_in(2) ? fmt::format("purchase{}.{}", booking->customer, ++next_token_) : "";
    send_purchase(booking, id, request, key, 1);
    if (!key.empty() && stage_.one_in(3))
        stage_.in(Millis{stage_.roll(0, 900'000)}, [this, booking, id, request, key] {
            if (stage_.happens(Fault::key_repeated, "of a purchase"))
                send_purchase(booking, id, request, key, 1);
        });
    if (stage_.one_in(10))  // an impatient client
        stage_.in(Millis{stage_.roll(0, 5'000)}, [this, booking, id] {
            if (stage_.happens(Fault::asked_twice)) purchase(booking, id);
        });
}

void People::send_purchase(const Shared& booking, const TransactionId& id,
                           const engine::PurchaseRequest& request, const std::string& key, int tries) {
    const auto over = std::make_shared<bool>(false);
    stage_.in(patience, [this, booking, id, request, key, tries, over] {
        if (*over || tries >= tries_max) return;
        stage_.seen(Fault::no_answer_heard);
        send_purchase(booking, id, request, key, tries + 1);
    });
    Process* process = machine_.door();
    if (process == nullptr) return;
    engine::Meta meta{"caller " + booking->request.caller, booking->tracking(), {}};
    if (!key.empty()) meta.once = {"idempotency:" + booking->request.caller, key, "body", true};
    process->engine().purchase(
        id, request, meta, heard(*process, [this, booking, id, key, over](const Result<View>& view) {
            *over = view || view.error().kind != ErrorKind::unavailable;
            if (!view)
                return stage_.say("purchase refused: " + view.error().field + " " + view.error().message);
            if (!key.empty()) compare(key, *view, engine::Until::answer);
            wait(booking, id);
        }));
}

void People::wait(const Shared& booking, const TransactionId& id) {
    Process* process = machine_.door();
    if (process == nullptr) return;
    process->engine().wait(id, engine::Until::answer, 20s,
                           heard(*process, [this, booking](const Result<View>& view) {
                               if (view) answered(booking, *view);
                           }));
}

void People::answered(const Shared& booking, const View& view) {
    const auto& transaction = view.transaction;
    const auto id = transaction.id;
    if (core::has_verdict(transaction.phase)) told_.verdicts[id] = transaction.phase;
    if (view.callout) {
        const auto* leg = core::leg_away(transaction);
        stage_.in(Millis{stage_.roll(100, 5'000)},
                  [this, booking, callout = *view.callout, merchant = leg->merchant] {
                      customer(booking, callout, merchant);
                  });
    }
    if (transaction.phase == core::Phase::confirming && !stage_.one_in(5))
        stage_.in(Millis{stage_.roll(0, 90'000)}, [this, booking, id] {
            submit(id, core::ConfirmAnswer{!stage_.one_in(4), {{"s0", "SEATS"}}}, booking.get());
        });
    if (transaction.phase == core::Phase::authorising && !view.callout &&
        !core::uncovered(transaction).empty() && stage_.one_in(2))
        stage_.in(Millis{stage_.roll(100, 20'000)}, [this, booking, id] { purchase(booking, id); });
}

// ---- others --------------------------------------------------------------------------------------------

void People::look_at_what_is_stuck() {
    for (const auto& [id, row] : record_.rows)
        for (const auto& leg : row.loaded.transaction.legs) {
            const auto parcel = row.loaded.papers.parcels.find(leg.no);
            const bool known = parcel != row.loaded.papers.parcels.end();
            const auto fact = town_.person(row.loaded.transaction, leg,
                                           known ? parcel->second.credential.value : std::string());
            if (!fact) continue;
            stage_.in(Millis{1}, [this, id = id, no = leg.no, fact = *fact] {
                submit(id, core::Settle{no, fact, "Anna", "as the provider's books say"}, nullptr);
            });
        }
}

void People::forge_notice(const std::function<void(const HttpRequest&)>& door) {
    const auto& shop = BorgunStreet::shops()[static_cast<std::size_t>(stage_.roll(0, 3))];
    const auto body = town_.borgun.forged_event(shop.name);
    if (body.empty() || !stage_.happens(Fault::forged_notice, shop.name)) return;
    door({"POST",
          "http://kassi.test/webhooks/borgun/" + shop.name,
          {{"Content-Type", "application/json"}},
          body,
          ""});
}

void People::put_back(const Told& then) {
    for (const auto& [id, phase] : told_.verdicts)
        if (!then.verdicts.contains(id)) verdicts_lost_[id] = phase;
    for (const auto& [id, customer] : told_.handed_over) {
        if (then.handed_over.contains(id)) continue;
        ++stage_.report.handed_over_lost;
        bookings_.at(customer)->answer.reset();
    }
    told_ = then;
    // Whom the copy shows as not having paid yet is asked to pay.
    for (const auto& [id, customer] : told_.handed_over) {
        const auto* row = record_.find(id);
        if (row == nullptr || core::has_verdict(row->loaded.transaction.phase)) continue;
        const Stage::As as(stage_, stage_.actor(customer));
        stage_.in(by_hand_takes + Millis{stage_.roll(1'000, 120'000)},
                  [this, booking = bookings_.at(customer), id = id] {
                      if (stage_.happens(Fault::asked_twice, "after a copy")) purchase(booking, id);
                  });
    }
}

void People::check_end() {
    for (const auto& [id, phase] : verdicts_lost_) {
        const auto* row = record_.find(id);
        if (row != nullptr && row->loaded.transaction.phase != phase) ++stage_.report.verdicts_changed;
    }
    for (const auto& [id, customer] : told_.handed_over)
        if (record_.find(id) == nullptr)
            stage_.broken(Invariant::answered_is_there,
                          fmt::format("the hand-over of customer {}", customer));
    for (const auto& [id, phase] : told_.verdicts) {
        const auto* row = record_.find(id);
        if (row == nullptr) continue;
        const auto now = row->loaded.transaction.phase;
        const bool cancelled = phase == core::Phase::purchased && now == core::Phase::cancelled;
        if (phase != now && !cancelled)
            stage_.broken(Invariant::answered_is_there, "somebody was told another verdict: " + id.text());
    }
    std::map<std::string, int> of_customer, of_refund;
    for (const auto& [id, row] : record_.rows) {
        const auto& transaction = row.loaded.transaction;
        if (++of_customer[transaction.tracking] == 2)
            stage_.broken(Invariant::key_counts_once, "handed over twice by " + transaction.tracking);
        for (const auto& leg : transaction.legs)
            for (const auto& refund : leg.refunds)
                if (refund.because.starts_with("refund") && ++of_refund[refund.because] == 2)
                    stage_.broken(Invariant::key_counts_once, refund.because);
    }
}

}  // namespace kassi::simulation
