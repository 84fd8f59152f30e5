#include "core/words.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "core/event.hpp"
#include "core/input.hpp"
#include "core/transaction.hpp"

namespace kassi::core {
namespace {

const Currency gbp = *Currency::parse("GBP", "currency");

/// Every enumerator up to `last` has a word of its own that leads back to it.
template <class E>
void round_trip(E last) {
    std::set<std::string_view> seen;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        const auto value = static_cast<E>(i);
        EXPECT_FALSE(word(value).empty()) << i;
        EXPECT_TRUE(seen.insert(word(value)).second) << word(value) << " twice";
        EXPECT_EQ(from_word<E>(word(value)), value) << word(value);
    }
    EXPECT_EQ(from_word<E>("no such word"), std::nullopt);
    EXPECT_EQ(from_word<E>(""), std::nullopt);
    EXPECT_THROW((void)word(static_cast<E>(static_cast<int>(last) + 1)), std::logic_error);
}

TEST(Words, LeadThereAndBack) {
    round_trip(Verb::close);
    round_trip(Doing::doubt);
    round_trip(LegMoney::back);
    round_trip(Goal::give_back);
    round_trip(Phase::cancelled);
    round_trip(Repeat::never);
    round_trip(ReturnVia::kassi);
    round_trip(OnDecline::again);
    round_trip(Confirm::owner);
    round_trip(Verdict::cancelled);
    round_trip(CallOutcome::next);
    round_trip(RefundState::failed);
    round_trip(Trust::hint);
}

TEST(Words, AreThoseOfThePlan) {
    EXPECT_EQ(word(Verb::void_hold), "void");
    EXPECT_EQ(word(Goal::give_back), "give_back");
    EXPECT_EQ(word(Phase::authorising), "authorising");
    EXPECT_EQ(word(Repeat::same_key), "same_key");
    EXPECT_EQ(word(CallOutcome::not_done), "not_done");
}

TEST(Words, EventsAndInputsHaveTheNamesOfThePlan) {
    EXPECT_EQ(std::variant_size_v<Event>, 30U);
    EXPECT_EQ(event_name(HandedOver{}), "HandedOver");
    EXPECT_EQ(event_name(PurchaseAsked{}), "PurchaseAsked");
    EXPECT_EQ(event_name(HoldMoved{}), "HoldMoved");
    EXPECT_EQ(event_name(LegOpened{}), "LegOpened");
    EXPECT_EQ(event_name(GoalSet{}), "GoalSet");
    EXPECT_EQ(event_name(CallMeant{}), "CallMeant");
    EXPECT_EQ(event_name(CallEnded{}), "CallEnded");
    EXPECT_EQ(event_name(CallDoubted{}), "CallDoubted");
    EXPECT_EQ(event_name(Ready{}), "Ready");
    EXPECT_EQ(event_name(CustomerSent{}), "CustomerSent");
    EXPECT_EQ(event_name(CustomerBack{}), "CustomerBack");
    EXPECT_EQ(event_name(CustomerWentOn{}), "CustomerWentOn");
    EXPECT_EQ(event_name(VisitMeant{}), "VisitMeant");
    EXPECT_EQ(event_name(VisitDone{}), "VisitDone");
    EXPECT_EQ(event_name(CalloutClosed{}), "CalloutClosed");
    EXPECT_EQ(event_name(Held{}), "Held");
    EXPECT_EQ(event_name(HoldGone{}), "HoldGone");
    EXPECT_EQ(event_name(Taken{}), "Taken");
    EXPECT_EQ(event_name(GivenBack{}), "GivenBack");
    EXPECT_EQ(event_name(Refused{}), "Refused");
    EXPECT_EQ(event_name(Stuck{}), "Stuck");
    EXPECT_EQ(event_name(RefundAsked{}), "RefundAsked");
    EXPECT_EQ(event_name(RefundEnded{}), "RefundEnded");
    EXPECT_EQ(event_name(PersonSettled{}), "PersonSettled");
    EXPECT_EQ(event_name(ConfirmAsked{}), "ConfirmAsked");
    EXPECT_EQ(event_name(Confirmed{}), "Confirmed");
    EXPECT_EQ(event_name(Decided{}), "Decided");
    EXPECT_EQ(event_name(Noted{}), "Noted");
    EXPECT_EQ(event_name(Forgotten{}), "Forgotten");
    EXPECT_EQ(event_name(PutBack{}), "PutBack");

    EXPECT_EQ(std::variant_size_v<InputBody>, 16U);
    EXPECT_EQ(input_name(HandOver{}), "HandOver");
    EXPECT_EQ(input_name(Purchase{}), "Purchase");
    EXPECT_EQ(input_name(Return{}), "Return");
    EXPECT_EQ(input_name(CustomerGoesOn{}), "GoesOn");
    EXPECT_EQ(input_name(ConfirmAnswer{}), "Confirm");
    EXPECT_EQ(input_name(Hold{}), "Hold");
    EXPECT_EQ(input_name(Release{}), "Release");
    EXPECT_EQ(input_name(Cancel{}), "Cancel");
    EXPECT_EQ(input_name(RefundOf{}), "Refund");
    EXPECT_EQ(input_name(Settle{}), "Settle");
    EXPECT_EQ(input_name(Answer{}), "Answer");
    EXPECT_EQ(input_name(Notice{}), "Notice");
    EXPECT_EQ(input_name(Visited{}), "Visited");
    EXPECT_EQ(input_name(Due{}), "Due");
    EXPECT_EQ(input_name(ForgetPerson{}), "Forget");
    EXPECT_EQ(input_name(Restored{}), "Restored");
}

TEST(Words, VerbsThatTakeMoney) {
    for (const auto verb : {Verb::authorise, Verb::charge, Verb::capture}) EXPECT_TRUE(takes_money(verb));
    for (const auto verb : {Verb::open, Verb::void_hold, Verb::refund, Verb::query, Verb::close})
        EXPECT_FALSE(takes_money(verb));
}

TEST(Words, PhasesWithAVerdict) {
    for (const auto phase : {Phase::purchased, Phase::failed, Phase::released, Phase::cancelled})
        EXPECT_TRUE(has_verdict(phase));
    for (const auto phase : {Phase::reserved, Phase::authorising, Phase::confirming, Phase::capturing})
        EXPECT_FALSE(has_verdict(phase));
}

// ---- the questions that are computed from a transaction ------------------------------------------------

Leg leg_with(LegMoney money, Goal goal = Goal::take, std::string source = "ext_test0") {
    Leg leg;
    leg.no = 1;
    leg.sources = {std::move(source)};
    leg.amount = {11000, gbp};
    leg.money = money;
    leg.goal = goal;
    return leg;
}

Transaction with(Phase phase, std::vector<Leg> legs) {
    Transaction transaction;
    transaction.phase = phase;
    transaction.bundles = {Bundle{"ext_test0", "Nutcracker", {11000, gbp}, {}}};
    transaction.legs = std::move(legs);
    return transaction;
}

TEST(LegWord, IsOneOfTheTenWords) {
    Leg leg = leg_with(LegMoney::none);
    EXPECT_EQ(leg_word(leg), "waiting");
    EXPECT_EQ(leg_word(leg_with(LegMoney::held)), "authorised");
    EXPECT_EQ(leg_word(leg_with(LegMoney::taken)), "captured");
    EXPECT_EQ(leg_word(leg_with(LegMoney::back)), "refunded");
    EXPECT_EQ(leg_word(leg_with(LegMoney::none, Goal::give_back)), "voided");
    leg.refused = Refusal{"declined", "", false, false, false};
    EXPECT_EQ(leg_word(leg), "refused");
    leg.money = LegMoney::held;
    leg.doing = Doing::call;
    EXPECT_EQ(leg_word(leg), "asking");
    leg.doing = Doing::away;
    EXPECT_EQ(leg_word(leg), "called_out");
    leg.doing = Doing::doubt;
    EXPECT_EQ(leg_word(leg), "unknown");
    leg.stuck = "the provider declined the refund";
    EXPECT_EQ(leg_word(leg), "needs_a_person");
}

TEST(Settled, NeedsAVerdictAndEveryLegAtItsGoal) {
    EXPECT_FALSE(settled(with(Phase::reserved, {})));
    EXPECT_TRUE(settled(with(Phase::released, {})));
    EXPECT_FALSE(settled(with(Phase::authorising, {leg_with(LegMoney::taken)})));
    EXPECT_TRUE(settled(with(Phase::purchased, {leg_with(LegMoney::taken)})));
    EXPECT_FALSE(settled(with(Phase::purchased, {leg_with(LegMoney::held)})));
    EXPECT_FALSE(settled(with(Phase::purchased, {leg_with(LegMoney::none)})));
    EXPECT_TRUE(settled(with(Phase::cancelled, {leg_with(LegMoney::back)})));
    EXPECT_TRUE(settled(with(Phase::failed, {leg_with(LegMoney::none, Goal::give_back)})));
    EXPECT_TRUE(settled(with(Phase::failed, {leg_with(LegMoney::back, Goal::give_back)})));
    EXPECT_FALSE(settled(with(Phase::failed, {leg_with(LegMoney::held, Goal::give_back)})));
    EXPECT_FALSE(settled(with(Phase::failed, {leg_with(LegMoney::taken, Goal::give_back)})));
    EXPECT_FALSE(settled(with(Phase::failed, {leg_with(LegMoney::none, Goal::give_back),
                                              leg_with(LegMoney::taken, Goal::give_back)})));
}

TEST(Settled, NotWhileSomethingIsDoneOrStuckOrToBeRefunded) {
    for (const auto doing : {Doing::call, Doing::away, Doing::doubt}) {
        Leg leg = leg_with(LegMoney::taken);
        leg.doing = doing;
        EXPECT_FALSE(settled(with(Phase::purchased, {leg}))) << word(doing);
    }
    Leg stuck = leg_with(LegMoney::taken);
    stuck.stuck = "why";
    EXPECT_FALSE(settled(with(Phase::purchased, {stuck})));

    Leg refunding = leg_with(LegMoney::taken);
    refunding.refunds = {Refund{1, {100, gbp}, {}, RefundState::asked, "person Anna", "goodwill"}};
    EXPECT_FALSE(settled(with(Phase::purchased, {refunding})));
    refunding.refunds[0].state = RefundState::done;
    EXPECT_TRUE(settled(with(Phase::purchased, {refunding})));
}

TEST(NeedsPerson, WhenStuckOrInDoubtForTooManyLooks) {
    Leg leg = leg_with(LegMoney::none);
    EXPECT_FALSE(needs_person(with(Phase::authorising, {leg})));
    leg.doing = Doing::doubt;
    leg.rechecks = 7;
    EXPECT_FALSE(needs_person(with(Phase::authorising, {leg})));
    leg.rechecks = 8;
    EXPECT_TRUE(needs_person(with(Phase::authorising, {leg})));
    leg.doing = Doing::call;
    EXPECT_FALSE(needs_person(with(Phase::authorising, {leg})));
    leg.stuck = "why";
    EXPECT_TRUE(needs_person(with(Phase::authorising, {leg})));
}

TEST(Legs, AreFound) {
    Leg first = leg_with(LegMoney::none, Goal::give_back);
    Leg second = leg_with(LegMoney::none);
    second.no = 2;
    Leg third = leg_with(LegMoney::none, Goal::take, "ext_test1");
    third.no = 3;
    third.doing = Doing::away;
    const auto transaction = with(Phase::authorising, {first, second, third});
    EXPECT_EQ(find_leg(transaction, 2), &transaction.legs[1]);
    EXPECT_EQ(find_leg(transaction, 4), nullptr);
    EXPECT_EQ(covering_leg(transaction, "ext_test0"), &transaction.legs[1]);
    EXPECT_EQ(covering_leg(transaction, "ext_test1"), &transaction.legs[2]);
    EXPECT_EQ(covering_leg(transaction, "ext_test2"), nullptr);
    EXPECT_EQ(leg_away(transaction), &transaction.legs[2]);
    EXPECT_EQ(leg_away(with(Phase::authorising, {first, second})), nullptr);
    auto only_given_up = with(Phase::authorising, {first});
    EXPECT_EQ(covering_leg(only_given_up, "ext_test0"), nullptr);
}

TEST(BundleBought, FollowsTheMoneyOfItsLeg) {
    EXPECT_TRUE(bundle_bought(with(Phase::purchased, {leg_with(LegMoney::taken)}), "ext_test0"));
    EXPECT_TRUE(bundle_bought(with(Phase::cancelled, {leg_with(LegMoney::back)}), "ext_test0"));
    EXPECT_FALSE(bundle_bought(with(Phase::purchased, {leg_with(LegMoney::none)}), "ext_test0"));
    EXPECT_FALSE(bundle_bought(with(Phase::purchased, {leg_with(LegMoney::taken)}), "ext_test1"));
    for (const auto phase : {Phase::authorising, Phase::capturing, Phase::failed, Phase::released})
        EXPECT_FALSE(bundle_bought(with(phase, {leg_with(LegMoney::taken)}), "ext_test0")) << word(phase);

    auto free = with(Phase::purchased, {});
    free.bundles[0].amount.minor = 0;
    EXPECT_TRUE(bundle_bought(free, "ext_test0"));
    free.phase = Phase::failed;
    EXPECT_FALSE(bundle_bought(free, "ext_test0"));

    for (const auto money : {LegMoney::taken, LegMoney::back})
        EXPECT_FALSE(bundle_bought(with(Phase::purchased, {leg_with(money, Goal::give_back)}), "ext_test0"));
}

TEST(BundleBought, PartialIsSomeButNotAll) {
    auto transaction = with(Phase::purchased, {leg_with(LegMoney::taken)});
    EXPECT_FALSE(is_partial(transaction));
    transaction.bundles.push_back(Bundle{"ext_test1", "Swan Lake", {5000, gbp}, {}});
    EXPECT_TRUE(is_partial(transaction));
    transaction.legs.push_back(leg_with(LegMoney::taken, Goal::take, "ext_test1"));
    EXPECT_FALSE(is_partial(transaction));
    EXPECT_FALSE(is_partial(with(Phase::failed, {leg_with(LegMoney::none, Goal::give_back)})));
}

TEST(ReferenceOf, SpellsTheRandomBitsOfTheId) {
    TransactionId id;
    EXPECT_EQ(reference_of(id), "T000-0000-0000-0000");
    id.bytes[15] = 31;
    EXPECT_EQ(reference_of(id), "T000-0000-0000-000Z");
    id.bytes.fill(0xff);
    EXPECT_EQ(reference_of(id), "TZZZ-ZZZZ-ZZZZ-ZZZZ");

    // The bits that are the same in every UUID 7, and the time but for its last bit, change nothing.
    const auto all = reference_of(id);
    for (std::size_t i = 0; i < 5; ++i) id.bytes[i] = 0;
    id.bytes[5] = 0x01;
    id.bytes[6] = 0x7f;
    id.bytes[8] = 0xbf;
    EXPECT_EQ(reference_of(id), all);

    // Every other bit changes something.
    std::set<std::string> seen{all};
    for (std::size_t bit = 47; bit < 128; ++bit) {
        if ((bit >= 48 && bit < 52) || (bit >= 64 && bit < 66)) continue;
        TransactionId other = id;
        other.bytes[bit / 8] = static_cast<std::uint8_t>(other.bytes[bit / 8] ^ (0x80U >> bit % 8));
        EXPECT_TRUE(seen.insert(reference_of(other)).second) << bit;
    }
    EXPECT_EQ(seen.size(), 76U);
}

}  // namespace
}  // namespace kassi::core
