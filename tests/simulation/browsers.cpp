#include "tests/simulation/people.hpp"

/// Customers' browsers: at the pages of banks and houses, at ours, and on their way back.
namespace kassi::simulation {

using namespace std::chrono_literals;
using engine::View;

namespace {
constexpr int reloads_max = 5;

bool says_success(const Fields& fields) {
    int said = 0;
    bool yes = false;
    for (const auto& [name, value] : fields) {
        if (name != "success") continue;
        ++said;
        yes = value == "yes" || value == "1" || value == "true";
    }
    return said == 1 && yes;
}
}  // namespace

void People::customer(const Shared& booking, const core::Callout& at, const std::string& merchant) {
    if (!seen_.insert(at.return_token).second && !stage_.one_in(3)) return;
    core::Callout callout = at;
    if (stage_.planted(Bug::callout_cut)) callout.destination.pop_back();
    if (callout.goes_on) return at_the_passing_page(booking, callout, merchant);
    if (callout.hosted) return at_our_page(booking, callout, merchant);
    const std::string back = return_url_of(callout);
    const auto by_form = [this](const std::string& url, const Fields& fields) { home_by_form(url, fields); };
    if (is_borgun(merchant)) return town_.borgun.at_the_bank(callout, back, by_form);
    if (is_page(merchant)) return town_.page.at_the_page(callout, back, by_form);
    const auto by_location = [this](const std::string& location) { go_home(location); };
    if (!StripeStreet::has(merchant)) return town_.redirect.at_the_page(callout, by_location);
    if (stage_.strikes(Fault::lied_at_return, 8)) forge_return(callout);
    town_.stripe.at_the_bank(callout, by_location);
}

// ---- pages of ours -------------------------------------------------------------------------------------

/// The bank looks at the browser (3DS Method), and the page goes on: once, twice, in two tabs, too late, not
/// at all; or somebody comes home from it by himself.
void People::at_the_passing_page(const Shared& booking, const core::Callout& callout,
                                 const std::string& merchant) {
    ++stage_.report.pages_passed;
    if (stage_.strikes(Fault::never_came, 10, "from the passing page")) return;
    if (stage_.strikes(Fault::came_twice, 12, "by himself"))
        stage_.in(Millis{stage_.roll(10, 12'000)},
                  [this, callout] { come_back(return_url_of(callout), {}); });
    const int times = stage_.strikes(Fault::two_tabs, 5) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
        const bool late = stage_.strikes(Fault::came_late, 10);
        stage_.in(Millis{stage_.roll(200, late ? 900'000 : 12'000)}, [this, booking, callout, merchant] {
            Process* process = machine_.door();
            if (process == nullptr) return;
            Fields fields;
            if (!stage_.one_in(8)) fields.emplace_back("method", stage_.one_in(3) ? "N" : "Y");
            stage_.say("on from the passing page " + encoding::form(fields));
            process->engine().go_on(
                callout.page_token, std::move(fields), {"browser", "", {}},
                heard(*process, [this, process, booking, callout, merchant](const Result<View>& view) {
                    if (!view) return stage_.say("not on: " + view.error().message);
                    pass_on(*process, booking, view->transaction.id, callout, merchant);
                }));
        });
    }
}

void People::pass_on(Process& process, const Shared& booking, const TransactionId& id,
                     const core::Callout& callout, const std::string& merchant) {
    const auto waited = [this, &process, booking, callout, merchant](const Result<View>&) {
        const auto way = process.engine().way_on(callout.page_token);
        if (!way) return stage_.say("no way on: " + way.error().message);
        if (!way->here) return come_back(way->return_url, {});
        const auto shown = process.engine().callout_page(callout.page_token);
        if (!shown) return stage_.say("over: " + shown.error().message);
        if (!shown->callout->goes_on) seen_.erase(callout.return_token);  // the same token
        customer(booking, *shown->callout, merchant);
    };
    process.engine().wait(id, engine::Until::answer, 20s, heard(process, waited));
}

/// Our page asks for the card; or the caller, who has the token, asks for it with a form of his own.
void People::at_our_page(const Shared& booking, const core::Callout& callout, const std::string& merchant) {
    const auto fate = stage_.roll(1, 12);
    stage_.say(fmt::format("our page for a card, fate {}", fate));
    ++stage_.report.tokens_asked_for;
    if (fate == 12 && stage_.happens(Fault::never_came, "from our page")) return;  // walks away
    const bool by_caller = stage_.one_in(4), late = stage_.strikes(Fault::came_late, 8);
    stage_.in(Millis{stage_.roll(1'000, late ? 900'000 : 60'000)},
              [this, booking, callout, merchant, fate, by_caller] {
                  type_at_our_page(booking, callout, merchant, fate, by_caller);
              });
}

void People::type_at_our_page(const Shared& booking, const core::Callout& callout,
                              const std::string& merchant, std::int64_t fate, bool by_caller) {
    Process* process = machine_.door();
    if (process == nullptr) return;
    const auto shown = process->engine().callout_page(callout.page_token);
    if (!by_caller && !shown) return;  // over already
    const bool of_borgun = is_borgun(merchant);
    const std::string field = of_borgun ? "borgunToken" : "stripeToken";
    const auto fresh = [&] {
        return of_borgun ? town_.borgun.token(merchant) : town_.stripe.token(merchant);
    };
    std::vector<Fields> sent;
    if (fate == 1)
        sent.push_back({{"cancelled", "yes"}, {field, ""}});
    else if (fate == 2)
        sent.push_back({});
    else if (fate <= 4)  // and then, perhaps, one that is good
        sent.push_back({{field, of_borgun ? town_.borgun.used_token(merchant)
                                          : town_.stripe.credential(merchant).value}});
    const auto* leg = shown ? core::leg_away(shown->transaction) : nullptr;
    if (of_borgun && leg != nullptr && stage_.one_in(4))
        sent.push_back({{"applePayToken", town_.borgun.wallet_token(shown->transaction.id, leg->amount)}});
    else if (fate >= 4)
        sent.push_back({{field, fresh()}});
    if (!sent.empty() && stage_.strikes(Fault::came_twice, 6, "with the same")) sent.push_back(sent.back());
    if (stage_.strikes(Fault::two_tabs, 10)) sent.push_back({{field, fresh()}});
    const std::string url = shown ? shown->return_url : return_url_of(callout);
    for (const auto& fields : sent)
        stage_.in(Millis{stage_.roll(10, 3'000)}, [this, booking, url, fields, callout, by_caller] {
            if (by_caller)
                give_back(booking->request.caller, callout.return_token, fields);
            else
                come_back(url, fields);
        });
}

// ---- the way back --------------------------------------------------------------------------------------

std::string People::return_url_of(const core::Callout& callout) const {
    return callers_of_tokens_.contains(callout.return_token)
               ? "https://shop.test/back/" + callout.return_token + "/done"
               : "http://kassi.test/callback/" + callout.return_token;
}

/// The bank's page posts him back: once, twice, in two tabs, with the form's fields in the URL too.
void People::home_by_form(const std::string& url, const Fields& fields) {
    const auto later = [this] {
        return Millis{stage_.roll(10, stage_.strikes(Fault::came_late, 10) ? 900'000 : 3'000)};
    };
    stage_.in(later(), [this, url, fields] { come_back(url, fields); });
    if (stage_.strikes(Fault::came_twice, 6))
        stage_.in(later(), [this, url, fields] { come_back(url, fields); });
    if (stage_.strikes(Fault::came_twice, 12, "without a word"))
        stage_.in(later(), [this, url] { come_back(url, {}); });
    if (stage_.strikes(Fault::lied_at_return, 12, "with another's"))
        stage_.in(later(), [this, url] { come_back(url, {{"MD", "x"}}); });
    if (stage_.strikes(Fault::get_and_post, 10)) {
        Fields both = fields;
        both.insert(both.end(), fields.begin(), fields.end());
        if (stage_.one_in(2) && !both.empty()) both.back().second += "x";
        stage_.in(later(), [this, url, both] { come_back(url, both); });
    }
}

/// Who was sent to the bank can say what he likes at the return URL, whatever he does there.
void People::forge_return(const core::Callout& callout) {
    const std::string url = return_url_of(callout);
    Fields fields{{"redirect_status", "succeeded"}};
    if (const auto* intent = find_field(callout.parameters, "payment_intent"); intent && !stage_.one_in(4))
        fields.emplace_back("payment_intent", *intent);
    stage_.in(Millis{stage_.roll(500, 30'000)}, [this, url, fields] { come_back(url, fields); });
}

void People::go_home(const std::string& location) {
    const auto url = parse_url(location, "location");
    if (!url) return;
    const auto fields = encoding::parse_form(url->query(), "query");
    const std::string bare = location.substr(0, location.find('?'));
    const int times = stage_.strikes(Fault::came_twice, 6) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
        const bool late = stage_.strikes(Fault::came_late, 10);
        stage_.in(Millis{stage_.roll(10, late ? 900'000 : 3'000)},
                  [this, bare, fields] { come_back(bare, *fields); });
    }
    if (stage_.strikes(Fault::lied_at_return, 10, "plays with the address"))
        stage_.in(Millis{stage_.roll(10, 3'000)}, [this, bare] {
            come_back(bare, {{"payment_intent", "pi_another"}, {"redirect_status", "succeeded"}});
        });
}

void People::visited(const std::string& url) {
    const std::string which = url.substr(url.find(url.starts_with("https://shop") ? "/back/" : "/callback/"));
    const std::string token = which.substr(which.find('/', 1) + 1);
    const std::string name = token.substr(0, token.find('/'));
    const auto caller = callers_of_tokens_.find(name);
    const auto found = record_.find_token(caller == callers_of_tokens_.end() ? "" : caller->second, name);
    const auto* row = found ? record_.find(found->transaction) : nullptr;
    const Stage::As as(stage_,
                       row == nullptr ? stage_.actor_now() : on_the_line(stage_, row->loaded.transaction));
    // The integrator's site forwards what came (nothing) to callback.v1, or is broken.
    if (stage_.one_in(3)) return stage_.seen(Fault::nobody_visited);
    come_back(url, {});
}

/// The browser at a return URL: the integrator's (who forwards to callback.v1) or ours.
void People::come_back(const std::string& url, const Fields& fields, int tries) {
    const bool ours = url.starts_with("http://kassi.test/callback/");
    std::string which = url.substr(url.find(ours ? "/callback/" : "/back/") + (ours ? 10 : 6));
    which = which.substr(0, which.find('/'));
    give_back(ours ? "" : callers_of_tokens_[which], which, fields, tries);
}

void People::give_back(const std::string& caller, const std::string& which, const Fields& fields, int tries) {
    const auto again = [this, caller, which, fields, tries] {
        if (tries >= reloads_max) return;
        stage_.in(Millis{stage_.roll(1'000, 30'000)},
                  [this, caller, which, fields, tries] { give_back(caller, which, fields, tries + 1); });
    };
    Process* process = machine_.door();
    if (process == nullptr) return again();  // he loads the page once more
    std::string next;
    if (!caller.empty() && !stage_.one_in(8)) {
        next = token();
        callers_of_tokens_[next] = caller;
    }
    stage_.say(fmt::format("return {} {}", which, encoding::form(fields)));
    const auto known = record_.find_token(caller, which);
    if (stage_.planted(Bug::late_return_dropped) && known && known->spent)
        return note_success(caller, which, fields);
    process->engine().returned(caller, which, fields, next,
                               {caller.empty() ? "browser" : "caller " + caller, "", {}},
                               heard(*process, [this, caller, which, fields, next, again,
                                                tries](const Result<engine::Engine::ReturnOutcome>& outcome) {
                                   if (!outcome && outcome.error().kind == ErrorKind::unavailable)
                                       return again();
                                   returned(caller, which, fields, next, outcome, tries);
                               }));
}

void People::returned(const std::string& caller, const std::string& which, const Fields& fields,
                      const std::string& next, const Result<engine::Engine::ReturnOutcome>& outcome,
                      int tries) {
    if (outcome || outcome.error().kind == ErrorKind::gone) note_success(caller, which, fields);
    if (!outcome) {
        stage_.say("return refused: " + outcome.error().field + " " + outcome.error().message);
        // An integrator who is told so comes with the token that he forgot.
        if (outcome.error().field == "next_token" && next.empty() && tries < reloads_max)
            stage_.in(Millis{stage_.roll(10, 3'000)},
                      [this, caller, which, fields, tries] { give_back(caller, which, fields, tries + 1); });
        return;
    }
    const auto& transaction = outcome->view.transaction;
    const auto customer = told_.handed_over.find(transaction.id);
    if (customer != told_.handed_over.end()) wait(bookings_.at(customer->second), transaction.id);
}

void People::note_success(const std::string& caller, const std::string& which, const Fields& fields) {
    auto found = record_.find_token(caller, which);
    if (!found) found = record_.find_token("", which);
    const auto* row = found ? record_.find(found->transaction) : nullptr;
    const auto* leg = row == nullptr ? nullptr : core::find_leg(row->loaded.transaction, found->leg);
    if (leg != nullptr && leg->merchant == RedirectStreet::blind && says_success(fields))
        town_.redirect.success_was_heard(row->loaded.transaction, *leg);
}

}  // namespace kassi::simulation
