#include <gmock/gmock.h>

#include "../providers/scenes.hpp"
#include "house.hpp"
#include "providers/redirect/redirect.hpp"

/// The flow and the house, written from one page and sharing no code, talk to each other.
namespace kassi::sandbox {
namespace {

using namespace test;
using core::LegMoney;
using core::Verb;
using providers::test::as;
using providers::test::is;
using providers::test::our_reference;
using providers::test::Stage;

struct Conversation : testing::Test {
    House house;
    Stage stage{"demo-redirect", "redirect"};
    providers::Merchant merchant;
    const providers::Flow& flow = providers::redirect_flow();

    Conversation() {
        merchant.name = "demo-redirect";
        merchant.provider = "redirect";
        merchant.base_url = "http://127.0.0.1:8081/redirect/v1";
        merchant.secrets = {{"api_key", Secret<>{"key-one"}}, {"notice_secret", Secret<>{"notice-one"}}};
        stage.now = house.clock.at;
    }
    /// Sends what the flow asks; silence when the house says nothing.
    core::Heard carry(const core::Ask& ask) {
        auto request = flow.dress(ask.request, merchant);
        request.target = parse_url(request.target, "target")->target;
        const auto answer = house.try_send(std::move(request));
        if (!answer) return core::Silence{true, "timed out"};
        return core::Answered{*answer};
    }
    core::Step run(Verb verb) {
        const auto step = flow.begin(stage.scene(verb), merchant);
        if (!is<core::Ask>(step)) return step;
        return flow.resume(stage.scene(verb), merchant, carry(as<core::Ask>(step)));
    }
    void open() {
        const auto step = run(Verb::open);
        stage.leg.references = as<core::Waiting>(step).references;
    }
    std::string session() const { return stage.leg.references.at(0).second; }
    core::Step back(Fields fields) {
        stage.parcel.returned = fields;
        return flow.resume(stage.scene(Verb::open), merchant, core::Returned{std::move(fields)});
    }
};

TEST_F(Conversation, TheSeedOfTheGuide) {
    const auto step = run(Verb::open);
    const auto& callout = as<core::Waiting>(step).callout;
    EXPECT_EQ(callout.type, "get");
    EXPECT_EQ(callout.destination, "http://127.0.0.1:8081/tickets/dummy_redirect.buy/demo-redirect");
    EXPECT_EQ(callout.parameters,
              (Fields{{"return_url", "https://shop.example/back/T1/"},
                      {"title", "Dummy external card details page for debit on system 'ext_test1'"}}));
    stage.leg.references = as<core::Waiting>(step).references;
    EXPECT_EQ(as<core::Done>(back({{"success", "1"}, {"ref", "abc123"}})).money, LegMoney::none);
    const auto charged = run(Verb::charge);
    EXPECT_EQ(as<core::Done>(charged).money, LegMoney::taken);
    EXPECT_EQ(as<core::Done>(charged).amount, stage.amount);
    EXPECT_EQ(house.taken(), 11'000);
}

TEST_F(Conversation, TheCustomerRefuses) {
    open();
    house.act(session(), "refuse");
    back({{"success", "no"}, {"ref", session()}});
    EXPECT_EQ(as<core::Declined>(run(Verb::charge)).why.code, "declined");
    EXPECT_EQ(as<core::Done>(run(Verb::close)).money, LegMoney::none);
}

TEST_F(Conversation, ThePaidOneWhoNeverCameBack) {
    open();
    EXPECT_EQ(as<core::Done>(run(Verb::query)).money, LegMoney::none);
    house.act(session(), "pay_stay");
    EXPECT_EQ(as<core::Done>(run(Verb::query)).money, LegMoney::taken);
    EXPECT_EQ(as<core::Declined>(run(Verb::close)).why.code, "already_paid");
    const auto notice = flow.read(house.notices.at(0), merchant, house.clock.at);
    ASSERT_TRUE(notice.has_value()) << notice.error().message;
    EXPECT_EQ(notice->reference, our_reference);
    EXPECT_EQ(notice->notice.fact, LegMoney::taken);
    EXPECT_EQ(notice->notice.amount, stage.amount);
}

TEST_F(Conversation, NobodyPaidAndTheDoorIsClosed) {
    open();
    EXPECT_EQ(as<core::Done>(run(Verb::close)).money, LegMoney::none);
    EXPECT_EQ(as<core::Declined>(run(Verb::charge)).why.code, "closed");
    EXPECT_EQ(house.taken(), 0);
}

TEST_F(Conversation, TheAnswerToTheSessionIsLost) {
    house.faults(R"({"on":"session","do":"drop_answer"})");
    EXPECT_TRUE(is<core::Unknown>(run(Verb::open)));
    const auto looked = run(Verb::query);
    EXPECT_EQ(as<core::Done>(looked).money, LegMoney::none);
    EXPECT_EQ(as<core::Done>(looked).references.size(), 1U);
    open();  // the same key: the same session, and no second one
    EXPECT_EQ(as<core::Done>(looked).references, stage.leg.references);
}

TEST_F(Conversation, TheAnswerToTheChargeIsLost) {
    open();
    back({{"success", "yes"}});
    house.faults(R"({"on":"complete","do":"error_after"})");
    EXPECT_TRUE(is<core::Unknown>(run(Verb::charge)));
    EXPECT_EQ(as<core::Done>(run(Verb::charge)).money, LegMoney::taken);
    EXPECT_EQ(house.taken(), 11'000) << "once";
}

TEST_F(Conversation, TheHouseIsBusy) {
    house.faults(R"({"on":"*","do":"error_before","times":2})");
    EXPECT_TRUE(is<core::NotDone>(run(Verb::open)));
    EXPECT_TRUE(is<core::NotDone>(run(Verb::query)));
    open();
}

TEST_F(Conversation, TheHouseSpeaksOfAnotherAmount) {
    house.faults(R"({"on":"session","do":"wrong_amount"})");
    EXPECT_EQ(as<core::Declined>(run(Verb::open)).why.code, "amount_mismatch");
    open();
    house.faults(R"({"on":"complete","do":"wrong_amount"})");
    back({{"success", "yes"}});
    EXPECT_EQ(as<core::Done>(run(Verb::charge)).amount->minor, 11'001) << "the core compares it";
}

TEST_F(Conversation, MoneyGoesBackInParts) {
    open();
    house.act(session(), "pay_get");
    stage.amount.minor = 1'000;
    EXPECT_EQ(as<core::Done>(run(Verb::refund)).amount->minor, 1'000);
    EXPECT_EQ(as<core::Done>(run(Verb::refund)).amount->minor, 1'000);  // the same key
    EXPECT_EQ(house.taken(), 10'000);
    EXPECT_EQ(as<core::Done>(run(Verb::query)).money, LegMoney::taken);
    EXPECT_EQ(flow.read(house.notices.at(1), merchant, house.clock.at)->notice.fact, LegMoney::taken)
        << "a part of it is back";
    house.api("POST", "/sessions/" + session() + "/refunds", R"({"amount":10000,"reference":"office"})",
              "office");
    EXPECT_EQ(as<core::Done>(run(Verb::query)).money, LegMoney::back);
    EXPECT_EQ(flow.read(house.notices.at(2), merchant, house.clock.at)->notice.fact, LegMoney::back);
}

TEST_F(Conversation, WrongCredentialsAreKnownNotDone) {
    merchant.secrets["api_key"] = Secret<>{"wrong"};
    EXPECT_TRUE(is<core::NotDone>(run(Verb::open)));
    EXPECT_TRUE(house.house->ledger().empty());
}

TEST_F(Conversation, AHouseThatIsSettledByItsSignedReturn) {
    merchant = {.name = "page-house", .provider = "redirect", .base_url = "", .settings = {}, .secrets = {}};
    merchant.settings = {{"can_be_asked", "false"},
                         {"notifies", "false"},
                         {"signed_return", "true"},
                         {"page_url", "http://127.0.0.1:8081/tickets/dummy_redirect.buy/page"}};
    merchant.secrets = {{"return_secret", Secret<>{"return-one"}}};
    ASSERT_TRUE(flow.configure(merchant).has_value());
    const auto step = run(Verb::open);
    const auto& callout = as<core::Waiting>(step).callout;
    const auto page = house.form(parse_url(callout.destination, "url")->target, callout.parameters);
    ASSERT_EQ(page.status, 200);
    const auto at = page.body.find("name=\"session\" value=\"") + 22;
    const auto answer = house.act(page.body.substr(at, page.body.find('"', at) - at), "pay_get");
    const auto returned = parse_url(answer.header("Location"), "Location");
    const auto fields = *encoding::parse_form(returned->query(), "query");
    EXPECT_EQ(as<core::Done>(back(fields)).money, LegMoney::taken);
    EXPECT_EQ(as<core::Done>(back(fields)).amount, stage.amount);
    stage.leg.no = 3;
    EXPECT_TRUE(is<core::Unknown>(back(fields))) << "replayed for another leg";
}

}  // namespace
}  // namespace kassi::sandbox
