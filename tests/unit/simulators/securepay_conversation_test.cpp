#include <gmock/gmock.h>

#include <map>

#include "borgun_talk.hpp"
#include "core/codec.hpp"
#include "core/decide.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/flow.hpp"
#include "providers/securepay/securepay.hpp"

/// Core, the flow and the sandbox's SecurePay talk to each other: what the transaction becomes, and what the
/// page's ledger says.
namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;
using core::LegMoney;
using core::Phase;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t price = 4990;

struct World final : Talk {
    int notices_refused = 0;
    bool hears_notices = true;
    Fields order;  ///< with which the customer was sent

    explicit World(const std::function<void(BorgunHouse::Merchant&)>& house = [](auto&) {})
        : Talk(providers::securepay_flow(),
               {.name = "demo-securepay",
                .provider = "securepay",
                .base_url = "http://127.0.0.1:8081/borgun/securepay",
                .simulator = true,
                .settings = {{"merchant_id", "9275444"}, {"gateway_id", "16"}},
                .secrets = {{"secret_key", Secret<>{"SimSecret-0001"}}}},
               house) {}

    void hear_notice(const HttpRequest& request) override {
        EXPECT_EQ(request.target, "https://pay.example/webhooks/securepay/demo-securepay");
        if (!hears_notices) return;
        auto read = flow.read(request, merchant, gate.clock.at);
        if (!read) {
            EXPECT_EQ(read.error().kind, ErrorKind::unauthenticated) << read.error().message;
            ++notices_refused;
            return;
        }
        const auto leg = references.find(read->reference);
        ASSERT_NE(leg, references.end()) << "it must be known before the customer is sent";
        read->notice.leg = leg->second;
        ASSERT_FALSE(hear(read->notice));
    }
    void buy(std::string_view currency = "ISK", std::int64_t minor = price) {
        hand_over(currency, minor, "two <seats> & \"more\"");
        core::Purchase purchase;
        purchase.legs = {{{"a"}, "demo-securepay", "securepay", {}}};
        purchase.journey = way_back();
        ASSERT_FALSE(hear(purchase));
        ASSERT_TRUE(is_away()) << core::state_json(t);
        order = papers.parcels.at(1).callout->parameters;
    }
    /// Presses a button on the page; the fields with which the browser is sent back. What the house tells
    /// meanwhile waits for talk().
    Fields at_the_page(const std::string& act) {
        const auto page = gate.form("securepay/default.aspx", order);
        EXPECT_EQ(page.status, 200) << page.body;
        const auto back =
            gate.form("securepay/act", {{"ticket", Borgun::hidden(page.body, "ticket")}, {"act", act}});
        Fields fields;
        for (const auto* name :
             {"status", "step", "orderid", "reference", "orderhash", "amount", "currency",
              "authorizationcode", "creditcardnumber", "cardtype", "refundid", "buyername", "errorcode"})
            if (back.body.find("name=\"" + std::string(name) + "\"") != std::string::npos)
                fields.emplace_back(name, Borgun::hidden(back.body, name));
        return fields;
    }
    void back(Fields fields) {
        const auto& leg = t.legs[0];
        ASSERT_FALSE(hear(core::Return{1, leg.callout->no, std::move(fields), "", leg.callout->returned}));
    }
    /// Taken and not given back, in minor units.
    [[nodiscard]] std::int64_t ledger() const {
        std::int64_t sum = 0;
        for (const auto& entry : gate.house->ledger()) {
            const auto number = providers::borgun::number_of(*Currency::parse(entry.currency, "currency"));
            const auto money = providers::borgun::from_wire(entry.minor, number);
            if (!money) throw std::runtime_error("the ledger has no whole minor units");
            sum += entry.kind == "taken" ? money->minor : -money->minor;
        }
        return sum;
    }
    void expect_bought(std::int64_t minor = price) const {
        EXPECT_EQ(t.phase, Phase::purchased) << core::state_json(t);
        EXPECT_EQ(t.legs[0].money, LegMoney::taken);
        EXPECT_TRUE(core::settled(t));
        EXPECT_EQ(ledger(), minor);
        EXPECT_THAT(gate.kinds(), ElementsAre("taken"));
    }
    void expect_given_back() const {
        EXPECT_EQ(t.phase, Phase::failed) << core::state_json(t);
        EXPECT_EQ(t.legs[0].money, LegMoney::back);
        EXPECT_TRUE(core::settled(t));
        EXPECT_THAT(gate.kinds(), ElementsAre("taken", "given_back"));
        EXPECT_EQ(ledger(), 0);
    }
    /// Of what came back, only what the allow-list names is in the journal.
    void expect_no_stranger() const {
        std::string all = core::state_json(t);
        for (const auto& row : journal) all += core::row_json(row);
        for (const auto* text : {"558740", "MasterCard", "SimSecret"})
            EXPECT_EQ(all.find(text), std::string::npos) << text;
    }
};

// ---- as it should be -----------------------------------------------------------------------------------

TEST(SecurePayConversation, PaidAndBack) {
    World world;
    world.buy();
    world.back(world.at_the_page("pay"));
    world.expect_bought();
    world.talk();
    world.expect_bought();
    world.expect_no_stranger();
}

TEST(SecurePayConversation, TheNotificationComesFirst) {
    World world;
    world.buy();
    const auto fields = world.at_the_page("pay");
    world.talk();
    world.expect_bought();
    world.back(fields);
    world.expect_bought();
}

TEST(SecurePayConversation, PaidAndNeverBack) {
    World world;
    world.buy();
    world.at_the_page("pay_stay");
    world.talk();
    world.expect_bought();
    EXPECT_FALSE(world.is_away());
}

TEST(SecurePayConversation, OfEveryKindOfAmountAndSpelling) {
    for (const auto& [currency, minor] :
         {std::pair("ISK", 1), {"EUR", 1050}, {"BHD", 1230}, {"JPY", 500}, {"GBP", 5}}) {
        for (const bool low : {false, true}) {
            World world([&](BorgunHouse::Merchant& house) { house.securepay_lower_case = low; });
            world.buy(currency, minor);
            world.back(world.at_the_page("pay"));
            world.expect_bought(minor);
            World told([&](BorgunHouse::Merchant& house) { house.securepay_lower_case = low; });
            told.buy(currency, minor);
            told.at_the_page("pay_stay");
            told.talk();
            told.expect_bought(minor);
        }
    }
}

TEST(SecurePayConversation, TheHouseIsContentWithOurWordsAndNoOthers) {
    for (const bool ours : {true, false}) {
        World world;
        world.buy();
        if (ours)
            world.gate.notice_answers = {
                {200, std::string(providers::securepay_flow().acknowledgement().body)}};
        else
            world.gate.notice_answers = {{200, R"({"received":true})"}};
        world.at_the_page("pay_stay");
        world.talk();
        world.gate.advance(24h);
        EXPECT_EQ(world.gate.notices.size(), ours ? 1U : 2U);
        world.talk();
        world.expect_bought();
    }
}

// ---- not paid, or so it seems --------------------------------------------------------------------------

TEST(SecurePayConversation, CancelledAndRefused) {
    for (const auto& [act, code] : {std::pair("cancel", "cancelled"), {"refuse", "declined"}}) {
        for (const bool low : {false, true}) {
            World world([&](BorgunHouse::Merchant& house) { house.securepay_lower_case = low; });
            world.buy();
            world.back(world.at_the_page(act));
            EXPECT_EQ(world.t.phase, Phase::failed) << core::state_json(world.t);
            EXPECT_EQ(world.t.legs[0].refused->code, code);
            EXPECT_TRUE(core::settled(world.t));
            EXPECT_THAT(world.gate.kinds(), IsEmpty());
        }
    }
}

TEST(SecurePayConversation, CancelledAndPaidAfterAll) {
    World world;
    world.buy();
    world.back({{"status", "CANCEL"},
                {"step", "Confirmation"},
                {"orderid", *find_field(world.order, "orderid")},
                {"amount", "4990.00"},
                {"currency", "ISK"}});
    ASSERT_EQ(world.t.phase, Phase::failed);
    world.at_the_page("pay_stay");
    world.talk();
    world.expect_given_back();
    EXPECT_EQ(world.asked["refund"], 1);
}

TEST(SecurePayConversation, CancelledPaidAndBackWithoutTheNotification) {
    for (const bool comes_later : {true, false}) {
        World world;
        world.buy();
        world.hears_notices = false;
        world.back({{"status", "CANCEL"}, {"orderid", *find_field(world.order, "orderid")}});
        world.back(world.at_the_page("pay"));
        world.talk();
        EXPECT_EQ(world.t.legs[0].money, LegMoney::taken) << "a spent token's return proves it, too";
        EXPECT_EQ(world.asked["refund"], 0) << "nobody has named the payment";
        world.rest(3);
        if (comes_later) {
            world.hears_notices = true;
            world.notices_heard = 0;
            world.talk();
            world.rest(3);
            world.expect_given_back();
        } else {
            world.rest(20);
            EXPECT_TRUE(core::needs_person(world.t)) << core::state_json(world.t);
            EXPECT_EQ(world.asked["refund"], 0);
            EXPECT_EQ(world.ledger(), price);
        }
    }
}

TEST(SecurePayConversation, ABrowserWithNothingToShowSpendsNothing) {
    World world;
    world.buy();
    const auto good = world.at_the_page("pay");
    world.back({});
    auto forged = good;
    for (auto& [name, value] : forged)
        if (name == "status") value = "CANCEL";
    world.back(forged);
    for (auto& [name, value] : forged) {
        if (name == "status") value = "OK";
        if (name == "amount") value = "1.00";
    }
    world.back(forged);
    EXPECT_TRUE(world.is_away());
    world.back(good);
    world.expect_bought();
}

TEST(SecurePayConversation, NobodyComesBackIsAssumedUnpaidUntilTheHouseSaysOtherwise) {
    World world;
    world.buy();
    world.rest();
    EXPECT_EQ(world.t.phase, Phase::failed);
    EXPECT_EQ(world.t.legs[0].refused->code, "assumed_unpaid");
    EXPECT_TRUE(core::settled(world.t));
    // The page cannot be closed behind him.
    world.at_the_page("pay");
    world.talk();
    world.expect_given_back();
}

TEST(SecurePayConversation, TheSeatsAreGoneWhileTheCustomerPays) {
    World world;
    world.buy();
    ASSERT_FALSE(world.hear(core::Release{}));
    world.talk();
    EXPECT_NE(world.t.phase, Phase::purchased);
    world.back(world.at_the_page("pay"));
    world.talk();
    world.rest(3);
    EXPECT_EQ(world.ledger(), 0);
    EXPECT_EQ(world.t.legs[0].money, LegMoney::back);
    EXPECT_TRUE(core::settled(world.t));
}

// ---- notifications that go wrong -----------------------------------------------------------------------

TEST(SecurePayConversation, ANotificationThatLiesIsNotHeard) {
    for (const auto* lie : {"wrong_amount", "wrong_currency", "wrong_order"}) {
        World world;
        world.faults(std::string(R"({"on":"securepay_notice","do":")") + lie + "\"}");
        world.buy();
        const auto fields = world.at_the_page("pay");
        world.talk();
        EXPECT_EQ(world.notices_refused, 1) << lie;
        EXPECT_TRUE(world.is_away());
        world.back(fields);
        world.expect_bought();
    }
}

TEST(SecurePayConversation, ANotificationThatComesTwiceLateOrNever) {
    for (const auto* what : {"twice", "lose", "dead", "drop_answer", "error_after", "reorder"}) {
        World world;
        world.faults(std::string(R"({"on":"securepay_notice","do":")") + what + "\"}");
        world.buy();
        world.back(world.at_the_page("pay"));
        world.talk();
        world.gate.advance(4h);
        world.talk();
        world.expect_bought();
        EXPECT_EQ(world.t.legs[0].references.size(), 2U) << what << ": the order and what a refund names";
    }
}

TEST(SecurePayConversation, WhatIsNotSignedInANotificationChangesNothing) {
    World world;
    world.buy();
    world.at_the_page("pay_stay");
    const auto told = world.gate.notices.at(0);
    const auto with = [&](const std::string& name, const std::string& value) {
        auto fields = *encoding::parse_form(told.body, "body");
        for (auto& field : fields)
            if (field.first == name) field.second = value;
        auto changed = told;
        changed.body = encoding::form(fields);
        return changed;
    };
    world.hear_notice(with("status", "CANCEL"));
    EXPECT_TRUE(world.is_away()) << core::state_json(world.t);
    world.talk();
    world.expect_bought();
    const auto known = world.t.legs[0].references;
    world.hear_notice(with("refundid", "RF-OfAnother"));
    world.hear_notice(with("status", "ERROR"));
    world.expect_bought();
    EXPECT_EQ(world.t.legs[0].references, known) << "the first name of the payment stays";
    EXPECT_EQ(world.notices_refused, 0);
}

// ---- refunds -------------------------------------------------------------------------------------------

TEST(SecurePayConversation, MoneyGoesBackInParts) {
    World world;
    world.buy();
    world.back(world.at_the_page("pay"));
    world.refund(1000);
    EXPECT_EQ(world.ledger(), price - 1000);
    EXPECT_EQ(world.t.legs[0].back_minor, 1000);
    world.refund(price - 1000);
    EXPECT_EQ(world.ledger(), 0);
    EXPECT_EQ(world.t.phase, Phase::cancelled);
    EXPECT_EQ(world.asked["refund"], 2);
}

class SecurePayRefundFaults : public testing::TestWithParam<const char*> {};

TEST_P(SecurePayRefundFaults, NeverGiveBackTwice) {
    World world;
    world.buy();
    world.back(world.at_the_page("pay"));
    world.faults(std::string(R"({"on":"securepay_refund","do":")") + GetParam() + "\"}");
    world.refund(price);
    const bool was_done = world.ledger() == 0;
    world.rest(10);
    EXPECT_EQ(world.asked["refund"], 1);
    EXPECT_EQ(world.t.legs[0].doing, core::Doing::doubt) << "nobody can say";
    EXPECT_EQ(world.t.legs[0].back_minor, 0);
    EXPECT_EQ(world.ledger(), was_done ? 0 : price);
    // A person looks at the house's own pages; what was not done is done then.
    ASSERT_FALSE(world.hear(
        core::Settle{1, was_done ? LegMoney::back : LegMoney::taken, "Anna", "looked in B-Online"}));
    world.talk();
    EXPECT_EQ(world.asked["refund"], was_done ? 1 : 2);
    EXPECT_EQ(world.ledger(), 0);
    EXPECT_EQ(world.t.phase, Phase::cancelled) << core::state_json(world.t);
}
INSTANTIATE_TEST_SUITE_P(EveryFault, SecurePayRefundFaults,
                         testing::Values("dead", "drop_answer", "error_before", "error_after", "timed_out",
                                         "conflict", "too_many", "busy"),
                         [](const auto& each) { return std::string(each.param); });

TEST(SecurePayConversation, ARefundThatIsRefusedNeedsAPerson) {
    World world;
    world.buy("ISK", 903'116);
    world.back(world.at_the_page("pay"));
    world.refund(903'116);
    world.rest(3);
    EXPECT_EQ(world.asked["refund"], 1);
    EXPECT_TRUE(core::needs_person(world.t)) << core::state_json(world.t);
    EXPECT_EQ(world.ledger(), 903'116);
}

}  // namespace
}  // namespace kassi::sandbox
