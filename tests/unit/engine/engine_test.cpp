#include "engine_world.hpp"

namespace kassi::engine {
namespace {

TEST_F(EngineTest, OnCreditInOneCall) {
    const auto handed = hand_over(trolley());
    ASSERT_TRUE(handed);
    EXPECT_EQ(handed->transaction.tracking, "track-1");
    const auto bought = purchase(handed->transaction.id, {});
    ASSERT_TRUE(bought);
    EXPECT_EQ(bought->transaction.phase, core::Phase::purchased);
    const auto balances = store->balances("demo");
    ASSERT_EQ(balances.size(), 1U);
    EXPECT_EQ(balances[0].minor, 500);
}

TEST_F(EngineTest, CreditLimitDeclinesAndLeavesTheBalance) {
    ASSERT_TRUE(purchase(hand_over(trolley(900))->transaction.id, {}));
    const auto second = purchase(hand_over(trolley(101))->transaction.id, {});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->transaction.phase, core::Phase::failed);
    EXPECT_EQ(second->transaction.legs[0].refused->code, "credit_limit");
    EXPECT_EQ(store->balances("demo")[0].minor, 900);
    const auto third = purchase(hand_over(trolley(100))->transaction.id, {});
    EXPECT_EQ(third->transaction.phase, core::Phase::purchased);
}

TEST_F(EngineTest, WhatAProviderSaysTheTimeIsGoesWithTheNextPaymentOfThatMerchant) {
    int tokens = 0;
    const auto pay = [this, &tokens](const std::string& merchant) {
        const auto id = hand_over(trolley())->transaction.id;
        PurchaseRequest request;
        request.ways["a"] = merchant;
        request.credentials["a"] = {"stripe_token", "tok_" + std::to_string(++tokens)};
        EXPECT_TRUE(purchase(id, std::move(request)));
        return id;
    };
    const auto since = [this](const TransactionId& id) {
        return engine->view(id, "", "")->transaction.legs.at(0).made_since;
    };
    const auto declined = [this](const std::string& date) {
        HttpResponse response;
        response.status = 402;
        response.headers = {{"date", date}};
        response.body = R"({"error":{"type":"card_error","code":"card_declined"}})";
        auto call = std::move(outside.calls.front());
        outside.calls.pop_front();
        const auto commits = engine->metrics().commits;
        call.done(core::Answered{std::move(response)});
        pump([&] { return engine->metrics().commits > commits; });
    };
    const Instant theirs = clock.at - 4h;  // ours is ahead
    EXPECT_EQ(since(pay("card")), std::nullopt) << "nobody was heard yet";
    declined(http_date(theirs));
    EXPECT_EQ(since(pay("card")), theirs);
    declined("yesterday");
    EXPECT_EQ(since(pay("card-two")), std::nullopt) << "of another merchant";
    declined(http_date(theirs + 2h));
    EXPECT_EQ(since(pay("card")), theirs) << "as long as there is nothing newer";
    declined(http_date(theirs + 1h));
    const auto last = pay("card");
    EXPECT_EQ(since(last), theirs + 1h);

    // The answer is lost, nobody wants the money any more, and we begin anew: what was heard before the
    // payment is still known.
    ASSERT_TRUE(
        ask([&](Done<View> done) { engine->submit(last, core::Release{}, meta(), std::move(done)); }));
    restart();
    pump_to([&] { return engine->view(last, "", "")->transaction.legs[0].doing == core::Doing::doubt; });
    ASSERT_TRUE(outside.wake);
    clock.at = std::max(clock.at, *outside.wake);
    outside.awake();
    pump([this] { return !outside.calls.empty(); });
    EXPECT_EQ(since(last), theirs + 1h);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(theirs + 50min).time_since_epoch().count();
    EXPECT_EQ(
        outside.calls.front().request.target,
        "http://stripe.test/v1/payment_intents?created%5Bgte%5D=" + std::to_string(seconds) + "&limit=100");
    EXPECT_EQ(since(pay("card")), std::nullopt) << "in this life nobody was heard";
}

TEST_F(EngineTest, HandOverRefusals) {
    auto request = trolley();
    request.caller = "nobody";
    EXPECT_EQ(hand_over(request).error().field, "caller");
    request = trolley();
    request.system = "other";
    EXPECT_EQ(hand_over(request).error().field, "caller");
    request = trolley();
    request.bundles[0].source = "zzz";
    EXPECT_EQ(hand_over(request).error().field, "bundles[0].source");
    request = trolley();
    request.held_until = clock.at;
    EXPECT_EQ(hand_over(request).error().field, "held_until");
    EXPECT_EQ(store->counts().transactions, 0);
}

TEST_F(EngineTest, IdempotencyReplaysTheFirstAnswerEvenAfterARestart) {
    const auto first = hand_over(trolley(), meta("k1"));
    ASSERT_TRUE(first);
    const auto bought = purchase(first->transaction.id, {}, meta("k2"));
    ASSERT_TRUE(bought);
    for (int round = 0; round < 2; ++round) {
        const auto again = hand_over(trolley(), meta("k1"));
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->replayed);
        EXPECT_EQ(again->transaction, first->transaction);  // as it was then, not as it is now
        const auto twice = purchase(first->transaction.id, {}, meta("k2"));
        ASSERT_TRUE(twice);
        EXPECT_EQ(twice->transaction, bought->transaction);
        const auto other = hand_over(trolley(), meta("k1", "another body"));
        ASSERT_FALSE(other);
        EXPECT_EQ(other.error().kind, ErrorKind::conflict);
        EXPECT_EQ(other.error().field, "Idempotency-Key");
        restart();
    }
    EXPECT_EQ(store->counts().transactions, 1);
}

TEST_F(EngineTest, TwoAtOnceWithOneKeyAreOneTransaction) {
    std::vector<Result<View>> heard;
    for (int i = 0; i < 5; ++i)
        engine->hand_over(trolley(), meta("k"),
                          [&heard](Result<View> view) { heard.push_back(std::move(view)); });
    pump([&] { return heard.size() == 5; });
    for (const auto& view : heard) {
        ASSERT_TRUE(view);
        EXPECT_EQ(view->transaction.id, heard[0]->transaction.id);
    }
    EXPECT_EQ(store->counts().transactions, 1);
}

TEST_F(EngineTest, RedirectThereAndBack) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    ASSERT_EQ(outside.calls.size(), 1U);
    const auto& request = outside.calls.front().request;
    EXPECT_EQ(request.target, "http://house.test/redirect/v1/sessions");
    EXPECT_EQ(request_ids(request), std::vector<std::string>{"track-1"});
    answer(201, session(id, "open"));
    const auto away = engine->view(id, "box", "demo");
    ASSERT_TRUE(away && away->callout);
    EXPECT_EQ(away->callout->return_token, "T1");
    EXPECT_TRUE(engine->callout_page(away->callout->page_token));
    EXPECT_FALSE(engine->callout_page("T1"));
    // Asked again, the same callout is the answer.
    const auto repeat = purchase(id, by_redirect("T9"));
    ASSERT_TRUE(repeat && repeat->callout);
    EXPECT_EQ(repeat->callout->return_token, "T1");

    std::optional<Result<Engine::ReturnOutcome>> outcome;
    const auto back = [&](const std::string& token, Fields fields) {
        outcome.reset();
        engine->returned("demo", token, std::move(fields), "T2", meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
    };
    back("T3", {{"success", "yes"}});
    EXPECT_EQ(outcome->error().kind, ErrorKind::bad_request);
    back("T1", {{"success", "yes"}});
    ASSERT_TRUE(*outcome);
    answer(200, session(id, "paid"));
    EXPECT_EQ(engine->view(id, "", "")->transaction.phase, core::Phase::purchased);
    back("T1", {{"success", "yes"}});
    ASSERT_TRUE(*outcome);
    EXPECT_TRUE((*outcome)->repeat);
    back("T1", {{"success", "no"}});
    EXPECT_EQ(outcome->error().kind, ErrorKind::gone);
    EXPECT_EQ(engine->callout_page(away->callout->page_token).error().kind, ErrorKind::gone);
}

TEST_F(EngineTest, EachCallCarriesTheNewestTrackingIdOnce) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    answer(201, session(id, "open"));
    auto about = meta();
    about.tracking = "track-2";
    std::optional<Result<Engine::ReturnOutcome>> outcome;
    engine->returned("demo", "T1", {{"success", "yes"}}, "", about,
                     [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
    pump([&] { return outcome.has_value(); });
    ASSERT_EQ(outside.calls.size(), 1U);
    EXPECT_EQ(request_ids(outside.calls.front().request), std::vector<std::string>{"track-2"});
}

TEST_F(EngineTest, ABadNextTokenLeavesTheReturnAsItWas) {
    const auto other = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(other, by_redirect("LIVE")));
    answer(201, session(other, "open"));
    auto two = trolley();
    two.bundles.push_back({"b", "tickets", {300, *Currency::parse("GBP", "")}, {}});
    const auto id = hand_over(two)->transaction.id;
    auto ways = by_redirect("T1");
    ways.ways["b"] = "house";
    ASSERT_TRUE(purchase(id, ways));
    answer(201, session(id, "open"));
    const auto before = engine->view(id, "", "")->transaction;
    std::optional<Result<Engine::ReturnOutcome>> outcome;
    const auto back = [&](const std::string& next) {
        outcome.reset();
        engine->returned("demo", "T1", {{"success", "yes"}}, next, meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
    };
    for (const char* next : {"", "T1", "LIVE", "a/b", "..", "a b"}) {
        back(next);
        ASSERT_FALSE(*outcome) << next;
        EXPECT_EQ(outcome->error().kind, ErrorKind::bad_request) << next;
        EXPECT_EQ(outcome->error().field, "next_token") << next;
        EXPECT_EQ(engine->view(id, "", "")->transaction, before) << next;
    }
    back("T2");
    EXPECT_TRUE(*outcome);
}

TEST_F(EngineTest, ANextTokenThatNobodyNeedsRefusesNoCustomerWhoPaid) {
    const auto other = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(other, by_redirect("LIVE")));
    answer(201, session(other, "open"));
    for (const char* next : {"LIVE", "T1", "a/b", ""}) {
        const auto id = hand_over(trolley())->transaction.id;
        ASSERT_TRUE(purchase(id, by_redirect("T1")));
        answer(201, session(id, "open"));
        std::optional<Result<Engine::ReturnOutcome>> outcome;
        engine->returned("demo", "T1", {{"success", "yes"}}, next, meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
        EXPECT_TRUE(*outcome) << next;
        answer(200, session(id, "paid"));
        EXPECT_EQ(engine->view(id, "", "")->transaction.phase, core::Phase::purchased) << next;
    }
}

TEST_F(EngineTest, APurchaseAskedAgainSendsALostCustomerOn) {
    auto two = trolley();
    two.bundles.push_back({"b", "tickets", {300, *Currency::parse("GBP", "")}, {}});
    const auto id = hand_over(two)->transaction.id;
    auto ways = by_redirect("T1");
    ways.ways["b"] = "house";
    ASSERT_TRUE(purchase(id, ways));
    answer(201, session(id, "open"));
    const std::string body = R"({"event_id":"ev1","type":"session.paid","session":"rs_1","reference":")" +
                             id.text() + R"(-1","status":"paid","amount":500,"currency":"GBP","refunded":0})";
    ASSERT_TRUE(notice(body));
    ASSERT_TRUE(outside.calls.empty());
    // With the token that the customer went away with: nobody could tell what comes back with it.
    ASSERT_TRUE(purchase(id, ways));
    EXPECT_TRUE(outside.calls.empty());
    EXPECT_EQ(purchase(id, by_redirect("../x")).error().field, "return_token");
    const auto sent = purchase(id, by_redirect("T8"));
    ASSERT_TRUE(sent) << sent.error().message;
    ASSERT_EQ(outside.calls.size(), 1U);
    EXPECT_NE(outside.calls.front().request.body.find("https://shop.test/back/T8"), std::string::npos);
    EXPECT_EQ(engine->view(id, "", "")->transaction.legs.size(), 2U);
}

TEST_F(EngineTest, TellsEachRequestWhatWasItsDoing) {
    auto with_order = trolley();
    with_order.bundles[0].orders = {{1, with_order.bundles[0].amount, true}};
    const auto id = hand_over(with_order)->transaction.id;
    PurchaseRequest credit;
    credit.ways["a"] = "credit";
    EXPECT_FALSE(purchase(id, credit)->events.empty());
    EXPECT_TRUE(purchase(id, credit)->events.empty());
    std::vector<Result<View>> heard;
    for (int i = 0; i < 2; ++i)
        engine->submit(id, core::Cancel{}, meta(),
                       [&](Result<View> view) { heard.push_back(std::move(view)); });
    pump([&] { return heard.size() == 2; });
    int asked = 0;
    for (const auto& view : heard)
        for (const auto& event : view->events)
            asked += std::holds_alternative<core::RefundAsked>(event) ? 1 : 0;
    EXPECT_EQ(asked, 1);
}

TEST_F(EngineTest, AnotherCallersTokenDoesNotWork) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    answer(201, session(id, "open"));
    std::optional<Result<Engine::ReturnOutcome>> outcome;
    for (const char* caller : {"someone", ""}) {
        outcome.reset();
        engine->returned(caller, "T1", {}, "T2", meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
        EXPECT_EQ(outcome->error().kind, ErrorKind::bad_request);
    }
}

TEST_F(EngineTest, ALiveTokenIsNotLiveTwice) {
    const auto first = hand_over(trolley())->transaction.id;
    const auto second = hand_over(trolley())->transaction.id;
    const auto third = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(first, by_redirect("T1")));
    ASSERT_TRUE(purchase(second, by_redirect("T1")));
    answer(201, session(first, "open"));
    EXPECT_EQ(purchase(third, by_redirect("T1")).error().field, "return_token");
    // Two at once: the clash shows when the second callout would become live, and that session is closed.
    answer(201, session(second, "open"));
    ASSERT_EQ(outside.calls.size(), 1U);
    EXPECT_TRUE(outside.calls.front().request.target.ends_with("/close"));
    EXPECT_EQ(engine->view(second, "", "")->transaction.phase, core::Phase::failed);
    EXPECT_EQ(engine->view(second, "", "")->transaction.legs[0].refused->code, "token_in_use");
    EXPECT_TRUE(engine->view(first, "", "")->callout);
}

TEST_F(EngineTest, NoticeBeforeTheAnswer) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    const std::string body = R"({"event_id":"ev1","type":"session.paid","session":"rs_1","reference":")" +
                             id.text() + R"(-1","status":"paid","amount":500,"currency":"GBP","refunded":0})";
    const auto first = notice(body);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(engine->view(id, "", "")->transaction.phase, core::Phase::purchased);
    const auto version = engine->view(id, "", "")->transaction.version;
    ASSERT_TRUE(notice(body));  // the same event again
    EXPECT_EQ(engine->view(id, "", "")->transaction.version, version);
    EXPECT_EQ(send(signed_notice(body), "house", " ").error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(send(signed_notice(body), "nobody").error().kind, ErrorKind::not_found);
}

TEST_F(EngineTest, TheFirstReturnAfterANoticeIsTheOneThatCounts) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    answer(201, session(id, "open"));
    std::optional<Result<View>> settled;
    engine->submit(id, core::Release{}, meta(), [&](Result<View> view) { settled = std::move(view); });
    pump([&] { return settled.has_value(); });  // the callout is closed before the browser comes
    std::optional<Result<Engine::ReturnOutcome>> outcome;
    const auto back = [&](Fields fields) {
        outcome.reset();
        engine->returned("demo", "T1", std::move(fields), "T2", meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
    };
    back({{"success", "yes"}});
    ASSERT_TRUE(*outcome);
    EXPECT_FALSE((*outcome)->repeat);
    EXPECT_EQ((*outcome)->view.transaction.phase, core::Phase::failed);
    back({{"success", "yes"}});
    ASSERT_TRUE(*outcome);
    EXPECT_TRUE((*outcome)->repeat);
    back({{"success", "no"}});
    EXPECT_EQ(outcome->error().kind, ErrorKind::gone);
}

TEST_F(EngineTest, AFreshStartTakesUpWhatWasMeant) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    const auto first = outside.calls.front().request;
    restart();  // the answer never came
    pump_to([&] { return engine->view(id, "", "")->transaction.legs[0].doing == core::Doing::doubt; });
    ASSERT_TRUE(outside.awake);
    outside.awake();
    pump([&] { return !outside.calls.empty(); });
    EXPECT_EQ(outside.calls.front().request.body, first.body);  // word for word
    answer(201, session(id, "open"));
    EXPECT_TRUE(engine->view(id, "", "")->callout);
}

TEST_F(EngineTest, ANoticeThatWasKeptIsHeardAfterACrashToo) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    answer(201, session(id, "open"));
    const std::string merchant = engine->view(id, "", "")->transaction.legs[0].merchant;
    // It came before its reference was known, and the process died right after that became known.
    core::Notice notice;
    notice.fact = core::LegMoney::taken;
    notice.trust = core::Trust::proof;
    notice.amount = engine->view(id, "", "")->transaction.legs[0].amount;
    notice.evidence = "paid";
    bool kept = false;
    store->keep_unmatched({merchant, id.text() + "-1", "ev-1", store::notice_json(notice), clock.at},
                          [&](bool ok) { kept = ok; });
    pump([&] { return kept; });
    restart();
    pump_to([&] { return engine->view(id, "", "")->transaction.phase == core::Phase::purchased; });
    ASSERT_TRUE(hand_over(trolley()));  // what was to be written before is
    EXPECT_TRUE(store->matched_since(10).empty());
}

TEST_F(EngineTest, ACopyThatWasPutBackAsksBeforeItGoesOn) {
    const auto away = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(away, by_redirect("T1")));
    answer(201, session(away, "open"));
    const auto waiting = hand_over(trolley())->transaction.id;
    const auto due = hand_over(trolley())->transaction.id;
    clock.at += 14min;  // away is due for its visit long ago
    outside.calls.clear();
    std::optional<Result<std::int64_t>> heard;
    engine->restored(clock.at - 1h, [&](Result<std::int64_t> count) { heard = std::move(count); });
    pump([&] { return heard.has_value(); });
    ASSERT_TRUE(*heard);
    EXPECT_EQ(**heard, 3);
    EXPECT_EQ(engine->view(waiting, "", "")->transaction.why, "restored");
    EXPECT_EQ(engine->view(due, "", "")->transaction.phase, core::Phase::released);
    ASSERT_EQ(outside.calls.size(), 1U);
    EXPECT_EQ(outside.calls.front().request.method, "GET") << "asked, not closed and not visited";
    EXPECT_TRUE(outside.visits.empty());
    engine->start();
    answer(200, session(away, "paid"));
    pump_to([&] { return engine->view(away, "", "")->transaction.phase == core::Phase::purchased; });
}

TEST_F(EngineTest, AStopDoesNotWaitForACallThatIsNotBegun) {
    const auto handed = hand_over(trolley());
    ASSERT_TRUE(handed);
    // The stop comes between the commit that means the call and the call itself.
    std::optional<Result<View>> heard;
    engine->purchase(handed->transaction.id, by_redirect("tok-stop"), meta(),
                     [&](Result<View> view) { heard = std::move(view); });
    bool stopped = false;
    engine->stop(1h, [&] { stopped = true; });
    EXPECT_FALSE(stopped);
    pump([&] { return heard.has_value(); });
    EXPECT_TRUE(outside.calls.empty());
    for (auto& callback : std::exchange(outside.later, {})) callback();
    EXPECT_TRUE(stopped);
    restart();
    pump_to([&] {
        return engine->view(handed->transaction.id, "", "")->transaction.legs[0].doing == core::Doing::doubt;
    });
    ASSERT_TRUE(outside.awake);
    outside.awake();
    pump([&] { return !outside.calls.empty(); });
}

TEST_F(EngineTest, SweepReleasesWhatRanOut) {
    const auto id = hand_over(trolley())->transaction.id;
    clock.at += 16min;
    std::optional<Engine::SweepReport> report;
    engine->sweep(5s, {}, [&](Engine::SweepReport done) { report = std::move(done); });
    // The store may be ahead of what the test's thread has heard: only the callbacks say what is done.
    while (!report) {
        pump([&] {
            return report.has_value() || (!outside.later.empty() && engine->metrics().commits_open == 0);
        });
        for (auto& callback : std::exchange(outside.later, {})) callback();
    }
    EXPECT_EQ(report->released, 1);
    EXPECT_EQ(engine->view(id, "", "")->transaction.phase, core::Phase::released);
    EXPECT_EQ(report->needs_person, 0);
}

TEST_F(EngineTest, WaitAnswersLateWithWhatThereIs) {
    const auto id = hand_over(trolley())->transaction.id;
    ASSERT_TRUE(purchase(id, by_redirect("T1")));
    std::optional<Result<View>> heard;
    engine->wait(id, Until::answer, 20s, [&](Result<View> view) { heard = std::move(view); });
    EXPECT_FALSE(heard);
    for (auto& callback : std::exchange(outside.later, {})) callback();
    ASSERT_TRUE(heard && *heard);
    EXPECT_EQ((*heard)->transaction.phase, core::Phase::authorising);
}

TEST_F(EngineTest, OthersDoNotSeeIt) {
    const auto id = hand_over(trolley())->transaction.id;
    EXPECT_TRUE(engine->view(id, "box", ""));
    EXPECT_EQ(engine->view(id, "other", "").error().kind, ErrorKind::not_found);
    EXPECT_EQ(engine->view(id, "", "someone").error().kind, ErrorKind::not_found);
}

TEST_F(EngineTest, WaysOfPayingAreTheCallers) {
    const auto id = hand_over(trolley())->transaction.id;
    PurchaseRequest request;
    request.ways["a"] = "credit-two";
    EXPECT_EQ(purchase(id, request).error().field, "ways.a");
    request.ways.clear();
    request.ways["b"] = "credit";
    EXPECT_EQ(purchase(id, request).error().field, "ways.b");
    EXPECT_EQ(engine->view(id, "", "")->transaction.phase, core::Phase::reserved);
}

}  // namespace
}  // namespace kassi::engine
