#include "core/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "examples.hpp"

namespace kassi::core {
namespace {

using namespace examples;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The facts of three houses: "house" can be asked, "mute" cannot, "cards" wants a token first. Explaining
/// looks at nothing else.
class ThreeHouses final : public Flows {
  public:
    ThreeHouses() {
        cards_.has_open = cards_.can_query = cards_.can_close = cards_.can_refund = true;
        cards_.browser = Browser::maybe;
        cards_.credentials = {"stripe_token"};
        asked_.has_open = mute_.has_open = true;
        asked_.can_query = asked_.can_close = asked_.can_refund = true;
        asked_.browser = mute_.browser = Browser::always;
    }
    [[nodiscard]] const Facts& facts(const Leg& leg) const override {
        return leg.merchant == "mute" ? mute_ : leg.merchant == "cards" ? cards_ : asked_;
    }
    [[nodiscard]] Step begin(const Scene&) const override { return Unknown{"not asked here"}; }
    [[nodiscard]] Step resume(const Scene&, const Heard&) const override { return Unknown{"not asked here"}; }
    [[nodiscard]] std::vector<EvidenceField> evidence(const Leg&, const Fields&) const override { return {}; }
    [[nodiscard]] Result<Admission> admit(const Transaction&, const Leg&, const Credential&,
                                          Instant) const override {
        return Admission{};
    }

  private:
    Facts asked_, mute_, cards_;
};

/// 10 January 2026, 10:00:00 UTC, and seconds after it.
Instant ten(std::int64_t seconds = 0) {
    return Instant{Millis{1'768'039'200'000 + seconds * 1000}};
}

class Explain : public testing::Test {
  protected:
    ThreeHouses flows_;
    Times times_;
    Terms terms_{flows_, times_, "https://pay.example"};

    static Transaction of(Phase phase, std::vector<Leg> legs = {}) {
        Transaction transaction;
        transaction.reference = "T000-0000-8RGW-3619";
        transaction.caller = "demo";
        transaction.bundles = {Bundle{"ext_test0", "Nutcracker", {11000, gbp}, {}}};
        transaction.phase = phase;
        transaction.held_until = ten(900);
        transaction.verdict_at = has_verdict(phase) ? std::optional(ten(-60)) : std::nullopt;
        transaction.legs = std::move(legs);
        return transaction;
    }
    static Leg leg_of(LegMoney money = LegMoney::none, Doing doing = Doing::rest, Verb verb = Verb::charge) {
        Leg leg;
        leg.no = 1;
        leg.sources = {"ext_test0"};
        leg.merchant = "house";
        leg.flow = "redirect";
        leg.amount = {11000, gbp};
        leg.money = money;
        leg.doing = doing;
        leg.verb = verb;
        if (money != LegMoney::none) leg.taken_minor = 11000;
        if (money == LegMoney::back) leg.back_minor = 11000;
        if (doing == Doing::call || doing == Doing::doubt) {
            leg.call.emplace();
            leg.call->no = 1;
            leg.call->verb = verb;
            leg.call->step = "complete";
            leg.call->meant_at = ten(-5);
            leg.call->silent_at = ten(30);
        }
        if (doing == Doing::away) {
            leg.callout.emplace();
            leg.callout->no = 1;
            leg.callout->type = "post";
            leg.callout->host = "http://house.example";
            leg.callout->sent_at = ten(-60);
            leg.callout->until = ten(540);
        }
        if (doing == Doing::doubt) {
            leg.doubt_since = ten(-3);
            leg.doubt_why = "no answer";
            leg.rechecks = 1;
            leg.recheck_at = ten(5);
        }
        return leg;
    }
    [[nodiscard]] Explanation told(const Transaction& transaction) const {
        return explain(transaction, ten(), terms_);
    }
};

TEST_F(Explain, Reserved) {
    const auto e = told(of(Phase::reserved));
    EXPECT_EQ(e.summary,
              "Reserved until 10:15:00 UTC (in 15 minutes); nothing of the £110.00 was paid, and the "
              "purchase was not "
              "asked for yet.");
    EXPECT_THAT(e.because, IsEmpty());
    EXPECT_THAT(e.waits_for, ElementsAre("the booking system, to ask for the purchase"));
    EXPECT_EQ(e.next, "The reservation runs out and the seats are released.");
    EXPECT_EQ(e.next_at, ten(900));
    EXPECT_FALSE(e.needs_person);
    EXPECT_EQ(e.person_should, "");
}

TEST_F(Explain, ReservedForAnotherDayGivesTheDate) {
    auto transaction = of(Phase::reserved);
    transaction.held_until = ten(3 * 86'400);
    EXPECT_THAT(told(transaction).summary, HasSubstr("Reserved until 13 Jan 2026 10:00:00 UTC (in 3 days)"));
}

TEST_F(Explain, CustomerAway) {
    const auto e = told(of(Phase::authorising, {leg_of(LegMoney::none, Doing::away, Verb::open)}));
    EXPECT_EQ(e.summary, "The customer is away to pay £110.00 for Nutcracker.");
    EXPECT_THAT(
        e.because,
        ElementsAre(
            "Leg 1, £110.00 for Nutcracker through house: the customer was sent to http://house.example "
            "at 09:59:00 UTC and has until 10:09:00 UTC (in 9 minutes) to pay and come back."));
    EXPECT_THAT(e.waits_for, ElementsAre("the customer, who is at http://house.example"));
    EXPECT_EQ(e.next,
              "Unless the customer is back by then, the return address is visited; if that brings nothing, "
              "house is "
              "asked what became of the payment.");
    EXPECT_EQ(e.next_at, ten(540));
}

TEST_F(Explain, CustomerIsAskedForACard) {
    auto leg = leg_of(LegMoney::none, Doing::away, Verb::open);
    leg.merchant = "cards";
    auto e = told(of(Phase::authorising, {leg}));
    EXPECT_EQ(e.summary, "The customer is asked for a card to pay £110.00 for Nutcracker.");
    EXPECT_THAT(e.because,
                ElementsAre("Leg 1, £110.00 for Nutcracker through cards: the customer was asked for a card "
                            "at 09:59:00 UTC and has until 10:09:00 UTC (in 9 minutes) to give it."));
    EXPECT_THAT(e.waits_for, ElementsAre("the customer, who is to give a card"));
    leg.callout->grace_until = ten(20);
    EXPECT_THAT(told(of(Phase::authorising, {leg})).because.at(0),
                HasSubstr("the customer was asked for a card and gave none in time"));
    // With the token the bank may still want the customer: then he is at its page, and away.
    leg.callout->grace_until.reset();
    leg.verb = Verb::authorise;
    e = told(of(Phase::authorising, {leg}));
    EXPECT_EQ(e.summary, "The customer is away to pay £110.00 for Nutcracker.");
    EXPECT_THAT(e.waits_for, ElementsAre("the customer, who is at http://house.example"));
    leg.verb = Verb::open;
    leg.credential = "stripe_token";
    EXPECT_EQ(told(of(Phase::authorising, {leg})).summary,
              "The customer is away to pay £110.00 for Nutcracker.");
}

TEST_F(Explain, BrowserAtAPageOfOurs) {
    auto leg = leg_of(LegMoney::none, Doing::away, Verb::open);
    leg.callout->goes_on = true;
    auto e = told(of(Phase::authorising, {leg}));
    EXPECT_EQ(e.summary, "The customer is at a page of ours, on the way to pay £110.00 for Nutcracker.");
    EXPECT_THAT(e.because.at(0), HasSubstr("the customer's browser is at a page of ours since "));
    EXPECT_THAT(e.waits_for, ElementsAre("the customer's browser, which is at a page of ours"));
    leg.callout->grace_until = ten(20);
    e = told(of(Phase::authorising, {leg}));
    EXPECT_THAT(e.because.at(0), HasSubstr("the return address was visited, and we wait until "));
}

TEST_F(Explain, CardIsMissingAndNobodyIsThereToGiveIt) {
    auto leg = leg_of();
    leg.merchant = "cards";
    EXPECT_THAT(told(of(Phase::authorising, {leg})).waits_for,
                ElementsAre("the customer, who is to be asked for a card for Nutcracker"));
}

TEST_F(Explain, WhatWouldOnlyBeAnsweredAgainIsLookedUp) {
    auto leg = leg_of(LegMoney::none, Doing::doubt, Verb::authorise);
    leg.merchant = "cards";
    leg.call->repeat = Repeat::same_key;
    leg.call->key_until = ten(3600);
    EXPECT_EQ(told(of(Phase::authorising, {leg})).next,
              "Cards is sent the same request again, which it does at most once.");
    leg.call->look = true;
    EXPECT_EQ(told(of(Phase::authorising, {leg})).next, "Cards is asked what became of the payment.");
    leg.merchant = "mute";
    EXPECT_EQ(told(of(Phase::authorising, {leg})).next,
              "Mute is sent the same request again, which it does at most once.");
}

TEST_F(Explain, MoneyGivenBackAtTheProviders) {
    auto leg = leg_of(LegMoney::taken);
    leg.back_minor = 800;
    leg.refunds = {Refund{1, {500, gbp}, {}, RefundState::done, "Anna", ""},
                   Refund{2, {100, gbp}, {}, RefundState::failed, "Anna", ""}};
    EXPECT_THAT(told(of(Phase::purchased, {leg})).because,
                ElementsAre("Leg 1, £110.00 for Nutcracker through house: £110.00 was taken, and £8.00 of it "
                            "was given back. A refund of £1.00 failed. £3.00 went back at house without a "
                            "refund of ours."));
    leg.back_minor = 500;
    EXPECT_THAT(told(of(Phase::purchased, {leg})).because.at(0), Not(HasSubstr("without a refund")));
}

TEST_F(Explain, CustomerAwayAtAHouseThatCannotBeAsked) {
    auto leg = leg_of(LegMoney::none, Doing::away, Verb::open);
    leg.merchant = "mute";
    leg.callout->grace_until = ten(20);
    const auto e = told(of(Phase::authorising, {leg}));
    EXPECT_THAT(e.because.at(0), HasSubstr("did not come back in time; the return address was visited"));
    EXPECT_EQ(e.next, "The payment counts as not made, because mute cannot be asked.");
    EXPECT_EQ(e.next_at, ten(20));
}

TEST_F(Explain, Asking) {
    const auto e = told(of(Phase::authorising, {leg_of(LegMoney::none, Doing::call, Verb::charge)}));
    EXPECT_EQ(e.summary, "The payment of £110.00 is under way.");
    EXPECT_THAT(e.because,
                ElementsAre("Leg 1, £110.00 for Nutcracker through house: house was asked to take the money "
                            "at 09:59:55 UTC and has not answered yet."));
    EXPECT_THAT(e.waits_for, ElementsAre("an answer of house"));
    EXPECT_THAT(e.next, HasSubstr("its silence counts as doubt"));
    EXPECT_EQ(e.next_at, ten(30));
}

TEST_F(Explain, DoubtThatMachinesMaySettle) {
    auto leg = leg_of(LegMoney::none, Doing::doubt, Verb::charge);
    leg.call->repeat = Repeat::same_key;
    leg.call->key_until = ten(86'400);
    leg.references = {{"session", "rs_1"}};
    auto e = told(of(Phase::authorising, {leg}));
    EXPECT_EQ(e.summary,
              "The payment of £110.00 is under way, and it is not known yet what became of a part of it.");
    EXPECT_THAT(
        e.because,
        ElementsAre(
            "Leg 1, £110.00 for Nutcracker through house: it is not known whether the money was taken "
            "(no answer); as far as we know nothing was taken. In doubt since 09:59:57 UTC, looked at "
            "1 time."));
    EXPECT_THAT(e.waits_for, ElementsAre("news from house on whether the money was taken"));
    EXPECT_EQ(e.next, "House is sent the same request again, which it does at most once.");
    EXPECT_EQ(e.next_at, ten(5));
    EXPECT_FALSE(e.needs_person);
    EXPECT_EQ(e.person_should,
              "Nobody has to do anything yet, but whoever knows can say so. Look up at house what became of "
              "£110.00 "
              "(session rs_1), then say where the money is: kassi settle T000-0000-8RGW-3619 --leg 1 --money "
              "none|held|taken|back --by YOUR-NAME --because \"HOW YOU KNOW\".");

    // Money that nobody wants any more is looked for, never asked for again.
    leg.goal = Goal::give_back;
    EXPECT_EQ(told(of(Phase::failed, {leg})).next, "House is asked what became of the payment.");
    leg.merchant = "mute";
    EXPECT_EQ(told(of(Phase::failed, {leg})).next,
              "Kassi looks at leg 1 again; it cannot ask mute and waits for news from there.");
}

TEST_F(Explain, DoubtOverWhatMovesNoMoney) {
    auto leg = leg_of(LegMoney::none, Doing::doubt, Verb::open);
    leg.merchant = "mute";
    leg.call->repeat = Repeat::safe;
    EXPECT_EQ(told(of(Phase::authorising, {leg})).next,
              "Mute is sent the same request again, which does no harm twice.");
    leg.goal = Goal::give_back;
    EXPECT_EQ(told(of(Phase::failed, {leg})).next,
              "Kassi lets leg 1 rest: preparing a payment moves no money.");
}

TEST_F(Explain, DoubtThatLastsNeedsAPerson) {
    auto leg = leg_of(LegMoney::held, Doing::doubt, Verb::capture);
    leg.rechecks = 8;
    const auto e = told(of(Phase::capturing, {leg}));
    EXPECT_TRUE(e.needs_person);
    EXPECT_EQ(e.summary, "The purchase is decided, but a person must look at a part of the £110.00.");
    EXPECT_THAT(e.person_should, HasSubstr("kassi settle T000-0000-8RGW-3619 --leg 1"));
    EXPECT_THAT(e.person_should, Not(HasSubstr("Nobody has to")));
}

TEST_F(Explain, Stuck) {
    auto leg = leg_of(LegMoney::taken);
    leg.goal = Goal::give_back;
    leg.stuck = "the provider declined the refund: Account closed.";
    auto transaction = of(Phase::failed, {leg});
    transaction.why = "hold";
    const auto e = told(transaction);
    EXPECT_EQ(e.summary,
              "The purchase failed at 09:59:00 UTC: the reservation ran out before the payment was complete. "
              "Not all of "
              "its money is settled yet.");
    EXPECT_THAT(
        e.because,
        ElementsAre("Leg 1, £110.00 for Nutcracker through house: needs a person (the provider declined the "
                    "refund: Account closed); as far as we know £110.00 was taken."));
    EXPECT_THAT(e.waits_for, ElementsAre("a person who finds out what became of leg 1"));
    EXPECT_EQ(e.next, "Nothing happens by itself before a person has looked.");
    EXPECT_EQ(e.next_at, std::nullopt);
    EXPECT_TRUE(e.needs_person);
    EXPECT_THAT(e.person_should, HasSubstr("kassi settle"));
}

TEST_F(Explain, AnotherWayOfPaying) {
    auto leg = leg_of();
    leg.goal = Goal::give_back;
    leg.refused = Refusal{"declined", "Insufficient funds.", false, false, false};
    auto transaction = of(Phase::authorising, {leg});
    transaction.policy.on_decline = OnDecline::again;
    const auto e = told(transaction);
    EXPECT_EQ(e.summary,
              "A payment was refused (Insufficient funds); another way of paying can be tried until 10:15:00 "
              "UTC (in 15 "
              "minutes).");
    EXPECT_THAT(e.because,
                ElementsAre("Leg 1, £110.00 for Nutcracker through house: refused, nothing was taken "
                            "(Insufficient funds)."));
    EXPECT_THAT(e.waits_for, ElementsAre("another way of paying for Nutcracker"));
    EXPECT_EQ(e.next_at, ten(890));
}

TEST_F(Explain, CustomerIsNeeded) {
    auto transaction = of(Phase::authorising, {leg_of()});
    EXPECT_THAT(told(transaction).waits_for,
                ElementsAre("the customer's browser, which is to be sent to pay for Nutcracker"));
    transaction.customer_at_hand = true;
    EXPECT_THAT(told(transaction).waits_for, IsEmpty());
}

TEST_F(Explain, ProviderIsBusy) {
    auto leg = leg_of();
    leg.retry_at = ten(4);
    leg.not_done = 2;
    auto transaction = of(Phase::authorising, {leg});
    transaction.customer_at_hand = true;
    const auto e = told(transaction);
    EXPECT_THAT(e.because.at(0),
                HasSubstr("house could not do it, tried 2 times, and is asked again at 10:00:04 UTC (in "
                          "4 seconds); nothing was taken."));
    EXPECT_THAT(e.waits_for, ElementsAre("the next try with house"));
    EXPECT_EQ(e.next, "House is asked again.");
    EXPECT_EQ(e.next_at, ten(4));
}

TEST_F(Explain, Confirming) {
    auto transaction = of(Phase::confirming, {leg_of(LegMoney::held)});
    transaction.policy.confirm = Confirm::owner;
    transaction.confirm_by = ten(60);
    const auto e = told(transaction);
    EXPECT_EQ(e.summary,
              "The £110.00 is safe, and the booking system must confirm that the seats are bought.");
    EXPECT_THAT(e.because, ElementsAre(HasSubstr("the money is reserved and not taken yet")));
    EXPECT_THAT(e.waits_for, ElementsAre("the booking system, to confirm that the seats are bought"));
    EXPECT_EQ(e.next, "Without a confirmation by then the purchase fails and the money goes back.");
    EXPECT_EQ(e.next_at, ten(60));
}

TEST_F(Explain, Purchased) {
    const auto e = told(of(Phase::purchased, {leg_of(LegMoney::taken)}));
    EXPECT_EQ(e.summary, "Bought at 09:59:00 UTC: Nutcracker for £110.00.");
    EXPECT_THAT(e.because, ElementsAre("Leg 1, £110.00 for Nutcracker through house: £110.00 was taken."));
    EXPECT_THAT(e.waits_for, IsEmpty());
    EXPECT_EQ(e.next, "Nothing more happens by itself.");
    EXPECT_EQ(e.next_at, std::nullopt);
}

TEST_F(Explain, PurchasedInPartAndPartlyRefunded) {
    auto paid = leg_of(LegMoney::taken);
    paid.back_minor = 5500;
    paid.refunds = {Refund{1, {5500, gbp}, {1}, RefundState::done, "Anna", ""},
                    Refund{2, {100, gbp}, {}, RefundState::asked, "Anna", ""},
                    Refund{3, {200, gbp}, {}, RefundState::failed, "Anna", ""}};
    paid.disputed = true;
    auto refused = leg_of();
    refused.no = 2;
    refused.sources = {"ext_test1"};
    refused.goal = Goal::give_back;
    refused.refused = Refusal{"assumed_unpaid", "", false, false, false};
    auto transaction = of(Phase::purchased, {paid, refused});
    transaction.bundles.push_back(Bundle{"ext_test1", "", {5000, isk}, {}});
    const auto e = told(transaction);
    EXPECT_EQ(e.summary,
              "Only a part was bought at 09:59:00 UTC: Nutcracker for £110.00, but not ext_test1. £55.00 of "
              "it was given "
              "back later. Some money is still on its way. The customer disputed a payment at the bank.");
    EXPECT_THAT(
        e.because,
        ElementsAre(
            "Leg 1, £110.00 for Nutcracker through house: £110.00 was taken, and £55.00 of it was given "
            "back. A refund of £1.00 is under way. A refund of £2.00 failed. The customer disputed "
            "this payment at the bank.",
            "Leg 2, £110.00 for ext_test1 through house: refused, nothing was taken (assumed unpaid)."));
}

TEST_F(Explain, Failed) {
    auto leg = leg_of();
    leg.goal = Goal::give_back;
    leg.refused = Refusal{"declined", "The payment was refused.", false, false, false};
    auto transaction = of(Phase::failed, {leg});
    transaction.why = "declined";
    EXPECT_EQ(told(transaction).summary,
              "The purchase failed at 09:59:00 UTC: £110.00 was refused (The payment was refused). No money "
              "was taken.");
    leg.exposed = true;
    transaction.legs = {leg};
    EXPECT_THAT(told(transaction).because.at(0), HasSubstr("; its payment page is still to be closed."));
    transaction.legs[0].merchant = "mute";
    EXPECT_THAT(told(transaction).because.at(0),
                HasSubstr("; its payment page cannot be closed, so a late payment is possible."));

    auto given_back = leg_of(LegMoney::back);
    given_back.goal = Goal::give_back;
    transaction = of(Phase::failed, {given_back});
    transaction.why = "not_confirmed";
    EXPECT_EQ(told(transaction).summary,
              "The purchase failed at 09:59:00 UTC: the booking system did not confirm that the seats are "
              "bought. The "
              "£110.00 that had been taken was given back.");
}

TEST_F(Explain, ReleasedAndCancelled) {
    auto transaction = of(Phase::released);
    transaction.why = "released";
    EXPECT_EQ(told(transaction).summary, "The reservation was given back at 09:59:00 UTC; nothing was paid.");
    transaction.why = "hold";
    EXPECT_EQ(told(transaction).summary,
              "The reservation ran out at 09:59:00 UTC without a purchase; nothing was paid.");
    EXPECT_EQ(told(of(Phase::cancelled, {leg_of(LegMoney::back)})).summary,
              "The purchase was cancelled, and all of its money was given back.");
}

TEST_F(Explain, SumsStayInTheirCurrencies) {
    auto transaction = of(Phase::reserved);
    transaction.bundles.push_back(Bundle{"b", "", {2500, gbp}, {}});
    transaction.bundles.push_back(Bundle{"c", "", {1250, isk}, {}});
    EXPECT_THAT(told(transaction).summary, HasSubstr("£135.00 and " + money_for_people({1250, isk})));
    transaction.bundles = {Bundle{"free", "", {0, gbp}, {}}};
    EXPECT_THAT(told(transaction).summary, HasSubstr("nothing of the £0.00"));
}

void reads_well(const std::string& text) {
    SCOPED_TRACE(text);
    ASSERT_FALSE(text.empty());
    EXPECT_FALSE(text[0] == ' ' || text.back() == ' ');
    for (const auto* bad : {"  ", "..", " .", " ,", "()", "{}", "::", "ext_test9", ";.", " because ."})
        EXPECT_EQ(text.find(bad), std::string::npos) << bad;
}
void is_sentence(const std::string& text) {
    reads_well(text);
    EXPECT_EQ(text.back(), '.') << text;
    EXPECT_FALSE(text[0] >= 'a' && text[0] <= 'z') << text;
}

TEST_F(Explain, EveryPhaseWithEveryStateOfALeg) {
    std::size_t looked_at = 0;
    for (int p = 0; p <= static_cast<int>(Phase::cancelled); ++p)
        for (int m = 0; m <= static_cast<int>(LegMoney::back); ++m)
            for (int d = 0; d <= static_cast<int>(Doing::doubt); ++d)
                for (int v = 0; v <= static_cast<int>(Verb::close); ++v)
                    for (int extra = 0; extra < 32; ++extra) {
                        auto leg =
                            leg_of(static_cast<LegMoney>(m), static_cast<Doing>(d), static_cast<Verb>(v));
                        if (extra & 1) leg.goal = Goal::give_back;
                        if (extra & 2) leg.merchant = "mute";
                        if ((extra & 6) == 4) leg.merchant = "cards";
                        if (extra & 4) leg.refused = Refusal{"hold_over", "", false, false, false};
                        if (extra & 8) leg.stuck = "the provider declined";
                        if (extra & 16) leg.retry_at = ten(3);
                        if ((extra & 16) && leg.callout) leg.callout->grace_until = ten(600);
                        auto transaction = of(static_cast<Phase>(p), {leg});
                        if (extra & 1) transaction.policy.on_decline = OnDecline::again;
                        if (extra & 2) transaction.via = ReturnVia::kassi;
                        transaction.why = "hold";
                        transaction.confirm_by = ten(60);
                        const auto e = told(transaction);
                        is_sentence(e.summary);
                        ASSERT_EQ(e.because.size(), 1U);
                        is_sentence(e.because[0]);
                        for (const auto& wait : e.waits_for) reads_well(wait);
                        is_sentence(e.next);
                        EXPECT_NE(e.next, "Kassi looks at it again.") << "due, and nobody knows why";
                        EXPECT_EQ(e.next_at, due_at(transaction, terms_));
                        EXPECT_EQ(e.needs_person, needs_person(transaction));
                        EXPECT_EQ(e.person_should.empty(), leg.stuck.empty() && leg.doing != Doing::doubt);
                        if (!e.person_should.empty()) is_sentence(e.person_should);
                        if (leg.doing != Doing::rest || !leg.stuck.empty()) {
                            EXPECT_THAT(e.waits_for, Not(IsEmpty()));
                        }
                        ++looked_at;
                        if (HasFailure()) return;
                    }
    EXPECT_EQ(looked_at, 8U * 4 * 4 * 8 * 32);
}

// ---- sentences
// -----------------------------------------------------------------------------------------------

TEST(Sentence, OneForEachOfTheThirtyEvents) {
    const auto after = transaction();
    std::vector<std::string> told;
    for (const auto& event : events()) told.push_back(sentence(event, after));
    const auto at = [](std::int64_t seconds) { return instant_for_people(examples::at(seconds)); };
    const std::string show = bundle().description;
    const std::string both = show + " and ext_test1";
    EXPECT_THAT(
        told,
        ElementsAre(
            "The booking system sandbox handed over " + show +
                " for demo, to be paid: £110.00, reserved until " + at(900) + ".",
            "The purchase was asked for, with a customer who comes back to http://a.example through Kassi.",
            "The reservation was prolonged until " + at(1800) + ".",
            "Leg 2 was opened, to pay £110.00 for " + show +
                " through house, with a "
                "stripe token.",
            "The £110.00 of leg 2 was wanted, because the reservation ran out before the payment was "
            "complete.",
            "House was asked once more, with the same request, to take the money (complete, call 2.3).",
            "What call 2.3 asked of house was not done (refused connection), and was put off until " +
                at(40) + ".",
            "Nobody knew whether the money was given back for leg 2 (no answer); it was to be looked at "
            "again at " +
                at(45) + ".",
            "All was prepared for the £110.00 of leg 2.",
            "The customer was sent to a page of ours on the way to pay £110.00 for " + both +
                ", with time until " + at(606) + ".",
            "The customer came back about " + both + ", with success and card.",
            "The customer went on from our page to pay for " + both + ", with success.",
            "The customer did not come back, so the return address at http://a.example was to be visited, "
            "with " +
                at(666) + " as the end of the waiting.",
            "The return address of leg 2 was visited: answered 200.",
            "The customer's way to pay for " + both + " was closed (the money has moved).",
            "House reserved £110.00 for " + both + ".", "The £110.00 reserved at house was let go (voided).",
            "House took £110.00 for " + both + ".", "House gave back £55.00 (refund 2.1).",
            "The payment of £110.00 through house was refused (Insufficient funds).",
            "Leg 2 came to a point where a person was needed: the provider declined the refund.",
            "Person Anna asked for a refund of £55.00 of leg 2 for item 1 (cancelled show).",
            "Refund 2.1 failed (account closed).",
            "Anna said that the £110.00 of leg 2 was taken (bank statement).",
            "The booking system was asked to confirm by " + at(61) + " that the seats are bought.",
            "The booking system confirmed that the seats are bought (ORDER-1 for " + show + ").",
            "The purchase was cancelled: all the money was given back.",
            "A dispute about leg 2 was noted: late answer, with success.",
            "Person Anna had customer and document forgotten (she asked for it).",
            "The record was put back to a copy made at " + at(62) +
                ": what happened since is not known, and is asked for where there are others who know (legs "
                "1 and 2)."));
    for (const auto& text : told) is_sentence(text);
}

TEST(Sentence, NeverPrintsKeysDigestsOrValues) {
    const auto after = transaction();
    for (const auto& event : events())
        for (const auto* secret : {"k-1", "ab12", "cd", "dg"})
            EXPECT_FALSE(
                std::regex_search(sentence(event, after), std::regex("\\b" + std::string(secret) + "\\b")))
                << sentence(event, after);
    EvidenceField value{"success", Keep::value, "super-value", 11};
    EXPECT_THAT(sentence(CustomerBack{2, 1, {value}, false}, after), Not(HasSubstr("super-value")));
    EXPECT_THAT(sentence(Noted{2, "x", {value}, false}, after), Not(HasSubstr("super-value")));
}

TEST(Sentence, OtherWordsOfTheSameEvents) {
    const auto after = transaction();
    EXPECT_EQ(sentence(PurchaseAsked{}, after), "The purchase was asked for, without a browser at hand.");
    EXPECT_EQ(sentence(GoalSet{2, Goal::give_back, "declined"}, after),
              "The £110.00 of leg 2 was no longer wanted, because a payment was refused.");
    EXPECT_EQ(sentence(Decided{Verdict::buy, "confirmed"}, after),
              "It was decided to buy (the booking system confirmed that the seats are bought).");
    EXPECT_EQ(sentence(Decided{Verdict::no, "declined"}, after),
              "The purchase failed: a payment was refused.");
    EXPECT_EQ(sentence(Decided{Verdict::released, "hold"}, after),
              "The reservation ran out, and the seats were released.");
    EXPECT_EQ(sentence(Decided{Verdict::released, "released"}, after),
              "The reservation was given back, and the seats were released.");
    EXPECT_EQ(sentence(Decided{Verdict::purchased, ""}, after), "The purchase was complete.");
    EXPECT_EQ(sentence(Decided{Verdict::purchased, "partial"}, after),
              "The purchase was complete in part: not everything could be paid.");
    EXPECT_EQ(sentence(Confirmed{false, {}}, after), "The booking system refused to buy the seats.");
    EXPECT_EQ(sentence(Noted{0, "late answer.", {}, false}, after),
              "Something that changed nothing was noted: late answer.");
    EXPECT_EQ(sentence(GivenBack{2, {100, gbp}, 0}, after),
              "House gave back £1.00, without a refund of ours.");
    EXPECT_EQ(sentence(LegOpened{2, {"ext_test0"}, "house", "redirect", {100, gbp}, ""}, after),
              "Leg 2 was opened, to pay £1.00 for " + bundle().description + " through house.");
    EXPECT_EQ(
        sentence(CustomerSent{2, 1, Verb::charge, "post", "http://house.example", at(606), false}, after),
        "The customer was sent to http://house.example to pay £110.00 for " + bundle().description +
            " and ext_test1, with time until " + instant_for_people(at(606)) + ".");
    EXPECT_EQ(sentence(CustomerSent{2, 1, Verb::open, "get", "http://pay.example", at(606), true}, after),
              "The customer was asked for a card to pay £110.00 for " + bundle().description +
                  " and ext_test1, with time until " + instant_for_people(at(606)) + ".");
    EXPECT_EQ(sentence(Noted{2, "the provider's names for it", {}, false, pairs()}, after),
              "House told its names for the payment of leg 2: session rs_1 and session rs_2.");
    EXPECT_EQ(sentence(Held{9, {100, gbp}}, after), "The provider of leg 9 reserved £1.00 for leg 9.");
    for (int outcome = 0; outcome <= static_cast<int>(CallOutcome::next); ++outcome)
        for (const auto* evidence : {"", "paid."})
            is_sentence(
                sentence(CallEnded{2, 1, static_cast<CallOutcome>(outcome), evidence, {}, {}}, after));
    for (int fact = 0; fact <= static_cast<int>(LegMoney::back); ++fact)
        is_sentence(sentence(PersonSettled{2, static_cast<LegMoney>(fact), "Anna", ""}, after));
}

}  // namespace
}  // namespace kassi::core
