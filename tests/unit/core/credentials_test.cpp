#include "tests/unit/core/story.hpp"

/// What the customer pays with: brought with the purchase, or asked for by a callout of ours.
namespace kassi::core::test {
namespace {

Journey by_kassi() {
    Journey way;
    way.via = ReturnVia::kassi;
    way.url_before = "https://pay.example/callback/";
    return way;
}

TEST(Credentials, AtHandNeedNoCustomer) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}, {"b", "t2"}}, std::nullopt));
    EXPECT_EQ(s.calls(), "1:authorise");
    EXPECT_EQ(s.papers.parcels.at(2).credential, (Credential{"token", "t2"})) << "kept until its turn";
    ASSERT_EQ(s.claims.size(), 2U);
    EXPECT_EQ(s.claims[1].scope, "credential:token");
    EXPECT_EQ(s.claims[1].key, "t2");
    EXPECT_EQ(s.claims[1].field, "credentials.b");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "2:authorise");
    ASSERT_FALSE(s.answer(2, "held"));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(s.papers.parcels.empty()) << "nothing of them is left";
}

TEST(Credentials, AreNotInTheJournal) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", "t0ken-of-the-customer"}}));
    for (const auto& row : s.journal) EXPECT_EQ(row_json(row).find("t0ken"), std::string::npos);
    EXPECT_EQ(state_json(s.t).find("t0ken"), std::string::npos);
}

TEST(Credentials, PayForOneBundleEach) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    const auto refused = s.purchase_with({{"a", "t1"}, {"b", "t1"}});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.b");
    EXPECT_EQ(s.t.phase, Phase::reserved) << "as it was";
    ASSERT_FALSE(s.purchase_with({{"a", "test"}, {"b", "test"}})) << "one for tests may be used again";
    EXPECT_TRUE(s.claims.empty());
}

TEST(Credentials, OfTheWrongKindAreRefused) {
    Story s;
    s.hand_over({{"a", 1000}});
    Purchase body;
    body.legs = {{{"a"}, "token", "token", {"card", "4242"}}};
    EXPECT_EQ(s.hear(body)->field, "credentials.a");
    body.legs = {{{"a"}, "token", "token", {"token", ""}}};
    EXPECT_EQ(s.hear(body)->field, "credentials.a");
    // Whoever puts a card where the kind's name belongs does not read it in an error, nor a log.
    body.legs = {{{"a"}, "token", "token", {"4741520000000003", "x"}}};
    EXPECT_EQ(s.hear(body)->message.find("4741"), std::string::npos);
}

TEST(Credentials, ThatAreMissingWantAWayBack) {
    Story s;
    s.hand_over({{"a", 1000}});
    const auto refused = s.purchase_with({{"a", ""}}, std::nullopt);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.a");
}

TEST(Credentials, ThatAreMissingAreAskedForOneByOne) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}, {"c", 500}});
    ASSERT_FALSE(s.purchase_with({{"a", ""}, {"b", "t2"}, {"c", ""}}));
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    EXPECT_FALSE(s.leg(1).exposed) << "at a page of ours nobody can pay";
    const auto& callout = *s.papers.parcels.at(1).callout;
    EXPECT_EQ(callout.destination, "https://pay.example/callout/" + callout.page_token);
    EXPECT_EQ(callout.return_token, "T1");
    EXPECT_TRUE(s.back(1, {{"token", "t1"}}, "")) << "another customer's turn is to come";
    ASSERT_FALSE(s.back(1, {{"token", "t1"}}));
    EXPECT_EQ(s.calls(), "1:authorise");
    ASSERT_EQ(s.claims.size(), 1U);
    EXPECT_EQ(s.claims[0].key, "t1");
    ASSERT_FALSE(s.answer(1, "held"));
    ASSERT_FALSE(s.answer(2, "held"));
    EXPECT_EQ(s.doing(3), "none/away(open)/take");
    ASSERT_FALSE(s.back(3, {{"token", "t3"}}, ""));
    ASSERT_FALSE(s.answer(3, "held"));
    for (int leg = 1; leg <= 3; ++leg) ASSERT_FALSE(s.answer(leg, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
}

TEST(Credentials, ThatAreNoneLeaveTheCalloutAsItWas) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", ""}}));
    const auto before = s.t;
    const auto refused = s.back(1, {{"tokn", "t1"}});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "token");
    EXPECT_EQ(s.t, before);
    EXPECT_FALSE(s.spent);
    ASSERT_FALSE(s.back(1, {{"token", "t1"}}));
    EXPECT_EQ(s.calls(), "1:authorise");
}

TEST(Credentials, NobodyGaveEndWithoutACall) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", ""}}, by_kassi()));
    s.pass();  // the callout is over; a way that can be asked is asked
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "none"));
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(settled(s.t));
}

TEST(Credentials, OfAWayWithoutAReturnUrlAreNotVisited) {
    Story s;
    s.hand_over({{"a", 1000}});
    Journey nowhere;
    nowhere.token = "T1";
    ASSERT_FALSE(s.purchase_with({{"a", ""}}, nowhere));
    s.pass();
    EXPECT_EQ(s.count<VisitMeant>(), 0);
}

TEST(Credentials, ASecondCalloutOfTheSameLegHasATokenOfItsOwn) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", ""}}, by_kassi()));
    const auto first = s.papers.parcels.at(1).callout->return_token;
    ASSERT_FALSE(s.back(1, {{"token", "t1"}}, ""));
    ASSERT_FALSE(s.answer(1, "waiting"));
    EXPECT_EQ(s.doing(1), "none/away(authorise)/take");
    EXPECT_TRUE(s.leg(1).exposed);
    const auto& second = *s.papers.parcels.at(1).callout;
    EXPECT_NE(second.return_token, first);
    EXPECT_FALSE(second.return_token.empty());
    EXPECT_EQ(second.parameters,
              (Fields{{"return_url", "https://pay.example/callback/" + second.return_token}}))
        << "known when the request was built";
}

TEST(Credentials, AfterADeclineAnotherIsTaken) {
    Story s;
    s.hand_over({{"a", 1000}}, {.on_decline = OnDecline::again});
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}}));
    ASSERT_FALSE(s.answer(1, "declined"));
    EXPECT_FALSE(s.papers.parcels.contains(1));
    ASSERT_FALSE(s.purchase_with({{"a", "t2"}}));
    EXPECT_EQ(s.calls(), "2:authorise");
}

// ---- cards: in memory only -------------------------------------------------------------------------------

constexpr std::string_view the_card = "4242424242424242 12/30 123";

Story with_cards(std::vector<std::string> sources) {
    Story s;
    std::vector<std::pair<std::string, std::int64_t>> bundles;
    Purchase body;
    for (auto& source : sources) {
        bundles.emplace_back(source, 1000);
        body.legs.push_back({{source}, "vault", "vault", {"card", std::string(the_card)}});
    }
    s.hand_over(bundles);
    body.journey = Story::journey();
    EXPECT_FALSE(s.hear(body));
    return s;
}

bool is_kept(const Story& s, std::string_view text) {
    std::string all = state_json(s.t);
    for (const auto& row : s.journal) all += row_json(row);
    for (const auto& [leg, parcel] : s.papers.parcels) all += papers_json(parcel);
    return all.find(text) != std::string::npos;
}

TEST(Cards, AreExchangedAtOnceAndKeptNowhere) {
    Story s = with_cards({"a", "b"});
    EXPECT_EQ(s.calls(), "1:exchange 2:exchange") << "the second does not wait for its turn";
    EXPECT_EQ(std::get<CallEffect>(s.effects.front()).request.body, the_card);
    EXPECT_FALSE(is_kept(s, "4242"));
    for (const auto& row : s.journal)
        for (const auto& event : row.events)
            if (const auto* call = std::get_if<CallMeant>(&event)) {
                EXPECT_EQ(call->digest, "") << "a plain hash of a card is as good as the card";
            }
    ASSERT_FALSE(s.answer(2, "exchanged"));
    EXPECT_EQ(s.calls(), "") << "and then it does";
    EXPECT_EQ(s.leg(2).credential, "token");
    EXPECT_EQ(s.papers.parcels.at(2).credential, (Credential{"token", "tk1"}));
    ASSERT_FALSE(s.answer(1, "exchanged"));
    EXPECT_EQ(s.calls(), "1:enrol");
    ASSERT_FALSE(s.answer(1, "enrolled"));
    EXPECT_EQ(s.calls(), "1:authorise");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "2:enrol");
}

TEST(Cards, WhatWasEnrolledIsKeptForThePayment) {
    Story s = with_cards({"a"});
    ASSERT_FALSE(s.answer(1, "exchanged"));
    ASSERT_FALSE(s.answer(1, "enrolled"));
    EXPECT_EQ(s.papers.parcels.at(1).saved, "");
    EXPECT_TRUE(s.leg(1).ready);
}

TEST(Cards, ThatWereLostAreKnownNotDone) {
    Story s = with_cards({"a"});
    ASSERT_FALSE(s.hear(Due{{1}}));  // a restart
    EXPECT_EQ(s.leg(1).refused->code, "card_lost");
    EXPECT_EQ(s.t.phase, Phase::failed);
    EXPECT_TRUE(settled(s.t));
    Story t = with_cards({"a"});
    ASSERT_FALSE(t.silence(1, false));  // nothing left the house
    t.pass();
    EXPECT_EQ(t.leg(1).refused->code, "card_lost");
}

/// Both are due at once, and the second loses the purchase: nobody wants the money of the first any more.
TEST(Cards, ThatWereLostLetNothingBeTakenForTheOthers) {
    for (const bool doubted : {false, true}) {
        Story s = with_cards({"a", "b"});
        ASSERT_FALSE(s.answer(1, "exchanged"));
        ASSERT_FALSE(s.answer(1, "enrolled"));
        if (doubted) {
            ASSERT_FALSE(s.silence(1));
            EXPECT_EQ(s.doing(1), "none/doubt(authorise)/take");
        } else {
            ASSERT_FALSE(s.answer(1, "not done"));
            EXPECT_EQ(s.doing(1), "none/rest/take");
        }
        s.now += 5min;
        ASSERT_FALSE(s.hear(Due{}));
        EXPECT_EQ(s.leg(2).refused->code, "card_lost");
        EXPECT_EQ(s.t.phase, Phase::failed);
        EXPECT_EQ(s.calls(), doubted ? "1:query" : "") << "not authorised once more";
        if (!doubted) continue;
        ASSERT_FALSE(s.answer(1, "held"));
        EXPECT_EQ(s.calls(), "1:void");
    }
}

/// Via Kassi one token comes with each input: who was sent away has it, and nobody else gets it after him.
TEST(Cards, ThatAreExchangedMeanwhileLeaveTheNextCalloutATokenOfItsOwn) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 1000}, {"c", 1000}});
    Purchase body;
    body.legs.push_back({{"a"}, "token", "token", {}});
    body.legs.push_back({{"b"}, "token", "token", {}});
    body.legs.push_back({{"c"}, "vault", "vault", {"card", std::string(the_card)}});
    body.journey = Story::journey("");
    body.journey->via = ReturnVia::kassi;
    ASSERT_FALSE(s.hear(body));
    EXPECT_EQ(s.doing(1), "none/away(open)/take");
    EXPECT_EQ(s.calls(), "3:exchange");
    const auto first = s.papers.parcels.at(1).callout->return_token;
    ASSERT_FALSE(s.answer(3, "exchanged"));
    ASSERT_FALSE(s.back(1, {{"token", "t1"}}, ""));
    EXPECT_EQ(s.calls(), "1:authorise");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.doing(2), "none/away(open)/take");
    EXPECT_NE(s.papers.parcels.at(2).callout->return_token, first);
    EXPECT_NE(s.papers.parcels.at(2).callout->return_token, "");
}

// ---- wallets: opened for the payment itself --------------------------------------------------------------

std::optional<Error> pay_by_wallet(Story& s, std::string_view kind,
                                   std::vector<std::pair<std::string, std::string>> tokens,
                                   std::string_view second_merchant = "wallet") {
    Purchase body;
    std::string merchant = "wallet";
    for (auto& [source, value] : tokens) {
        body.legs.push_back({{source}, merchant, merchant, {std::string(kind), value}});
        merchant = second_merchant;
    }
    return s.hear(body);
}

TEST(Wallets, TheRequestIsKeptNowhereAndTheTokenUntilThen) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    ASSERT_FALSE(pay_by_wallet(s, "wallet", {{"a", "w1"}, {"b", "w2"}}));
    EXPECT_EQ(s.calls(), "1:authorise");
    EXPECT_FALSE(is_kept(s, "number of"));
    EXPECT_EQ(s.papers.parcels.at(2).credential, (Credential{"wallet", "w2"}));
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "2:authorise") << "sealed as it came, it can wait";
    EXPECT_FALSE(is_kept(s, "number of"));
    ASSERT_FALSE(s.answer(2, "held"));
    ASSERT_FALSE(s.answer(1, "taken"));
    ASSERT_FALSE(s.answer(2, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    EXPECT_TRUE(s.papers.parcels.empty());
}

TEST(Wallets, ATokenIsSpentForEveryMerchant) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    const auto refused = pay_by_wallet(s, "wallet", {{"a", "w1"}, {"b", "w1"}}, "purse");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.b") << "the same token, with another merchant";
    ASSERT_FALSE(pay_by_wallet(s, "wallet", {{"a", "w1"}, {"b", "w2"}}, "purse"));
    ASSERT_EQ(s.claims.size(), 2U);
    EXPECT_EQ(s.claims[0].scope, "credential::wallet");
    EXPECT_EQ(s.claims[1].scope, s.claims[0].scope);
}

TEST(Wallets, WhatWasOpenedElsewhereCannotWait) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 2000}});
    const auto refused = pay_by_wallet(s, "opened", {{"a", "o1"}, {"b", "o2"}});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.a.opened");
    EXPECT_EQ(s.t.phase, Phase::reserved);
    Story t;
    t.hand_over({{"a", 1000}});
    ASSERT_FALSE(pay_by_wallet(t, "opened", {{"a", "o1"}}));
    EXPECT_EQ(t.calls(), "1:authorise");
    EXPECT_FALSE(is_kept(t, "o1"));
    ASSERT_FALSE(t.answer(1, "held"));
    ASSERT_FALSE(t.answer(1, "taken"));
    EXPECT_EQ(t.t.phase, Phase::purchased);
}

TEST(Wallets, AfterARestartNothingIsSentAgain) {
    for (const std::string_view kind : {"wallet", "opened"}) {
        Story s;
        s.hand_over({{"a", 1000}});
        ASSERT_FALSE(pay_by_wallet(s, kind, {{"a", "w1"}}));
        ASSERT_FALSE(s.hear(Due{{1}}));
        EXPECT_EQ(s.doing(1), "none/doubt(authorise)/take") << "money may have moved";
        s.pass();
        EXPECT_EQ(s.calls(), "1:query");
        ASSERT_FALSE(s.answer(1, "held"));
        EXPECT_EQ(s.calls(), "1:capture");
    }
}

TEST(Wallets, WhatNeverLeftTheHouseIsSentAnewWhereTheTokenIsKept) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(pay_by_wallet(s, "wallet", {{"a", "w1"}}));
    ASSERT_FALSE(s.silence(1, false));
    s.pass();
    EXPECT_EQ(s.calls(), "1:authorise");
    Story t;
    t.hand_over({{"a", 1000}});
    ASSERT_FALSE(pay_by_wallet(t, "opened", {{"a", "w1"}}));
    ASSERT_FALSE(t.silence(1, false));
    t.pass();
    EXPECT_EQ(t.leg(1).refused->code, "card_lost");
    EXPECT_EQ(t.t.phase, Phase::failed);
}

TEST(Steps, OfAmountsAreKnownBeforeAnythingIsSent) {
    Story s;
    const auto purchase = [&s](std::string_view code, std::int64_t minor) {
        Story fresh;
        HandOver body;
        body.id.bytes[15] = 9;
        body.system = "box";
        body.caller = "demo";
        body.bundles = {{"a", "", {minor, *Currency::parse(code, "")}, {}}};
        body.held_until = fresh.now + 15min;
        EXPECT_FALSE(fresh.hear(body));
        return fresh.purchase_with({{"a", "t1"}});
    };
    EXPECT_FALSE(purchase("KWD", 5120));
    EXPECT_EQ(purchase("KWD", 5125)->field, "ways.a");
    EXPECT_EQ(purchase("IQD", 5120)->field, "ways.a");
}

// ---- look-ups instead of repeats ------------------------------------------------------------------------

TEST(Look, WhatTheProviderHasIsNotSentAgain) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}}));
    ASSERT_FALSE(s.answer(1, "look"));
    EXPECT_EQ(s.doing(1), "none/doubt(authorise)/take");
    s.pass();
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "held"));
    EXPECT_EQ(s.calls(), "1:capture");
}

TEST(Look, SaysWhyNothingWasTaken) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}}));
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    ASSERT_FALSE(s.answer(1, "none because auth_failure"));
    EXPECT_EQ(s.calls(), "1:close") << "so that nobody pays later";
    EXPECT_EQ(s.leg(1).refused->code, "auth_failure");
    ASSERT_FALSE(s.answer(1, "done"));
    EXPECT_EQ(s.leg(1).refused->code, "auth_failure");
    EXPECT_EQ(s.t.phase, Phase::failed);
}

/// The answer to a look, or to the payment itself, may be older than what was hinted at meanwhile.
TEST(Look, WhatWasHintedAtDuringACallIsAskedAboutAfterIt) {
    const auto hinted_during = [](std::string_view call) {
        Story s = with_cards({"a"});
        EXPECT_FALSE(s.answer(1, "exchanged"));
        EXPECT_FALSE(s.answer(1, "enrolled"));
        if (call == "query") {
            EXPECT_FALSE(s.answer(1, "look"));
            s.pass();
        }
        EXPECT_EQ(s.calls(), "1:" + std::string(call));
        EXPECT_FALSE(s.notice(1, LegMoney::held, 1000, Trust::hint));
        EXPECT_EQ(s.calls(), "") << "one call at a time";
        return s;
    };
    Story nothing = hinted_during("query");
    ASSERT_FALSE(nothing.answer(1, "none because declined"));
    EXPECT_EQ(nothing.calls(), "1:close") << "so that nobody pays later";
    ASSERT_FALSE(nothing.answer(1, "done"));
    EXPECT_EQ(nothing.calls(), "1:query") << "it may have come between";
    ASSERT_FALSE(nothing.answer(1, "held"));
    EXPECT_EQ(nothing.doing(1), "held/call(void)/give_back");
    ASSERT_FALSE(nothing.answer(1, "none"));
    EXPECT_EQ(nothing.calls(), "") << "asked about once";
    Story declined = hinted_during("authorise");
    ASSERT_FALSE(declined.answer(1, "declined"));
    EXPECT_EQ(declined.calls(), "1:query");
    Story held = hinted_during("authorise");
    ASSERT_FALSE(held.answer(1, "held"));
    EXPECT_EQ(held.calls(), "1:capture") << "that was it";
}

// ---- money given back by others -------------------------------------------------------------------------

Story bought() {
    Story s;
    s.hand_over({{"a", 1000}});
    EXPECT_FALSE(s.purchase_with({{"a", "t1"}}));
    EXPECT_FALSE(s.answer(1, "held"));
    EXPECT_FALSE(s.answer(1, "taken"));
    EXPECT_EQ(s.t.phase, Phase::purchased);
    return s;
}

Notice given_back(std::int64_t total) {
    Notice notice{.leg = 1, .event_id = "e", .fact = LegMoney::taken, .amount = Story::pounds(1000)};
    notice.trust = Trust::proof;
    notice.given_back = Story::pounds(total);
    return notice;
}

std::optional<Error> refund(Story& s, std::int64_t minor) {
    return s.hear(RefundOf{1, Story::pounds(minor), "Anna", "cancelled show"});
}

TEST(GivenBack, AtTheProvidersIsBookedByItsTotal) {
    Story s = bought();
    ASSERT_FALSE(s.hear(given_back(300)));
    EXPECT_EQ(s.leg(1).back_minor, 300);
    EXPECT_EQ(s.leg(1).money, LegMoney::taken);
    ASSERT_FALSE(s.hear(given_back(300)));
    ASSERT_FALSE(s.hear(given_back(100)));
    EXPECT_EQ(s.leg(1).back_minor, 300) << "told again, or late";
    ASSERT_FALSE(s.hear(given_back(5000)));
    EXPECT_EQ(s.leg(1).back_minor, 300) << "more than was taken is no total";
    ASSERT_FALSE(s.hear(given_back(1000)));
    EXPECT_EQ(s.leg(1).money, LegMoney::back);
    EXPECT_EQ(s.t.phase, Phase::cancelled);
    EXPECT_EQ(s.count<GivenBack>(), 2);
}

TEST(GivenBack, SettlesTheRefundThatIsUnderWay) {
    Story s = bought();
    ASSERT_FALSE(refund(s, 400));
    EXPECT_EQ(s.doing(1), "taken/call(refund)/take");
    ASSERT_FALSE(s.hear(given_back(400)));
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::done);
    ASSERT_FALSE(s.answer(1, "back 400"));
    EXPECT_EQ(s.leg(1).back_minor, 400) << "the answer that comes after it counts no second time";
}

TEST(GivenBack, OfAHintIsNothing) {
    Story s = bought();
    auto hint = given_back(300);
    hint.trust = Trust::hint;
    ASSERT_FALSE(s.hear(hint));
    EXPECT_EQ(s.leg(1).back_minor, 0);
}

TEST(GivenBack, ThatTakesItsTimeIsLookedUp) {
    Story s = bought();
    ASSERT_FALSE(refund(s, 400));
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    EXPECT_EQ(s.calls(), "1:query");
    ASSERT_FALSE(s.answer(1, "back so far 400"));
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::done);
}

TEST(GivenBack, ThatFailedNeedsAPerson) {
    Story s = bought();
    ASSERT_FALSE(refund(s, 400));
    ASSERT_FALSE(s.answer(1, "look"));
    s.pass();
    ASSERT_FALSE(s.answer(1, "refund failed"));
    EXPECT_EQ(s.leg(1).refunds[0].state, RefundState::failed);
    EXPECT_EQ(s.leg(1).back_minor, 0);
    EXPECT_TRUE(needs_person(s.leg(1)));
}

TEST(GivenBack, ThatCameHomeLaterNeedsAPerson) {
    Story s = bought();
    Notice home{.leg = 1, .event_id = "e"};
    home.trust = Trust::proof;
    home.refund_failed = "£4.00, account closed";
    ASSERT_FALSE(s.hear(home));
    EXPECT_FALSE(needs_person(s.leg(1))) << "nothing went back, so nothing came home";
    ASSERT_FALSE(refund(s, 400));
    ASSERT_FALSE(s.answer(1, "back 400"));
    ASSERT_FALSE(s.hear(home));
    EXPECT_TRUE(needs_person(s.leg(1)));
}

TEST(Notices, ThatComeBeforeTheAnswerBringTheNamesThatFollowNeeds) {
    Story s;
    s.hand_over({{"a", 1000}, {"b", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}, {"b", "t2"}}));
    Notice held{.leg = 1, .event_id = "e", .fact = LegMoney::held, .amount = Story::pounds(1000)};
    held.references = {{"payment", "p7"}};
    held.trust = Trust::hint;
    ASSERT_FALSE(s.hear(held));
    EXPECT_TRUE(s.leg(1).references.empty()) << "anybody could say so";
    held.trust = Trust::proof;
    held.event_id = "e2";
    ASSERT_FALSE(s.hear(held));
    EXPECT_EQ(s.doing(1), "held/rest/take");
    EXPECT_EQ(s.leg(1).references, (Fields{{"payment", "p7"}}));
    ASSERT_FALSE(s.hear(Answer{1, 1, Answered{{200, {}, "held"}}}));
    EXPECT_EQ(s.leg(1).references, (Fields{{"payment", "p7"}, {"payment", "p1"}}))
        << "a late answer tells them too";
}

TEST(Notices, ThatAreHintsLeaveTheirNameForALaterQuestion) {
    Story s = with_cards({"a"});
    Notice hint{.leg = 1, .event_id = "ev_1", .fact = LegMoney::taken};
    ASSERT_FALSE(s.hear(hint));
    EXPECT_EQ(s.leg(1).references, (Fields{{"event", "ev_1"}}));
    EXPECT_EQ(s.doing(1), "none/call(open)/take") << "a call is not broken off for a hint";
    for (int i = 2; i < 20; ++i) {
        hint.event_id = "ev_" + std::to_string(i);
        ASSERT_FALSE(s.hear(hint));
    }
    EXPECT_EQ(s.leg(1).references.size(), 8U) << "anybody can send them";
}

TEST(Notices, OfACustomerOnHisWayLeaveHimThere) {
    Story s;
    s.hand_over({{"a", 1000}});
    ASSERT_FALSE(s.purchase_with({{"a", "t1"}}));
    ASSERT_FALSE(s.answer(1, "waiting"));
    Notice on_his_way{.leg = 1, .event_id = "e", .trust = Trust::proof, .worth_a_look = false};
    ASSERT_FALSE(s.hear(on_his_way));
    EXPECT_EQ(s.doing(1), "none/away(authorise)/take");
    on_his_way.worth_a_look = true;
    ASSERT_FALSE(s.hear(on_his_way));
    EXPECT_EQ(s.calls(), "1:query");
}

}  // namespace
}  // namespace kassi::core::test
